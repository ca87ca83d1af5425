"""The program: the specification's commands, and those that run, judge, sign and check.

Only `lynxspec.cli` is imported here; a command's module is imported when the command is called, so that linting
loads nothing of the verifier.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from lynxspec.cli import COMMANDS as SPECIFICATION
from lynxspec.cli import Command, run

_RUN, _RECORD, _HERE = "Run a claim", "Work with evidence and records", "This machine"

COMMANDS = (
    *(command for command in SPECIFICATION if command.name != "schema"),
    Command(
        name="schema",
        summary="Write the JSON Schemas of claims, recipes, reports and records.",
        module="verifier.commands.schema",
        group="Write a claim",
    ),
    Command(
        name="plan",
        summary="Say what this machine can test of a claim, and how long it takes.",
        module="verifier.commands.plan",
        group=_RUN,
    ),
    Command(
        name="verify",
        summary="Redo a claim here and write the signed audit record.",
        module="verifier.commands.verify",
        group=_RUN,
    ),
    Command(
        name="environments",
        summary="List the environments that claims' tools were installed into, and delete them.",
        module="verifier.commands.environments",
        group=_HERE,
    ),
    Command(
        name="measure",
        summary="Run a recipe and write the complete claim with measured values.",
        module="verifier.commands.measure",
        group=_RUN,
    ),
    Command(
        name="judge",
        summary="Judge recorded evidence again.",
        module="verifier.commands.judge",
        group=_RECORD,
    ),
    Command(
        name="render",
        summary="Render the record of a run again, unsigned.",
        module="verifier.commands.render",
        group=_RECORD,
    ),
    Command(
        name="sign",
        summary="Sign a rendered record.",
        module="verifier.commands.sign",
        group=_RECORD,
    ),
    Command(
        name="check",
        summary="Check a signed audit record: authentic, intact, consistent.",
        module="verifier.commands.check",
        group=_RECORD,
    ),
    Command(
        name="diff",
        summary="Say what changed between two signed records of one claim.",
        module="verifier.commands.diff",
        group=_RECORD,
    ),
    Command(
        name="countersign",
        summary="Approve a signed record as a second person; the PDF stays as it is.",
        module="verifier.commands.countersign",
        group=_RECORD,
    ),
    Command(
        name="keygen",
        summary="Make a signing identity.",
        module="verifier.commands.keygen",
        group=_HERE,
    ),
    Command(
        name="doctor",
        summary="Say what hardware, quantizers and runtimes are here, and what is missing.",
        module="verifier.commands.doctor",
        group=_HERE,
    ),
)
"""All commands."""


def app() -> NoReturn:
    """Run the program."""
    sys.exit(run(COMMANDS))
