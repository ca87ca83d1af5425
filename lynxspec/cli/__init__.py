"""The commands that write, check and explain claims; `verifier.cli` adds those that run them."""

from __future__ import annotations

import sys
from typing import NoReturn

from lynxspec.cli.command import Command, run

__all__ = ["COMMANDS", "Command", "app", "run"]

COMMANDS = (
    Command(
        name="lint",
        summary="Score what claims disclose, and say what is wrong or missing.",
        module="lynxspec.cli.lint",
        group="Read a claim",
    ),
    Command(
        name="explain",
        summary="Print the documentation of a rule, or clauses for a tender.",
        module="lynxspec.cli.explain",
        group="Read a claim",
    ),
    Command(
        name="compare",
        summary="Say whether two claims or sheets can be compared, and only then their numbers.",
        module="lynxspec.cli.compare",
        group="Read a claim",
    ),
    Command(
        name="draft",
        summary="Turn spec sheets into a draft of a claim, and a finished draft into a claim.",
        module="lynxspec.cli.draft",
        group="Write a claim",
    ),
    Command(
        name="init",
        summary="Write a commented template of a claim, a recipe or a need.",
        module="lynxspec.cli.init",
        group="Write a claim",
    ),
    Command(
        name="schema",
        summary="Write the JSON Schemas of claims, recipes, reports and records.",
        module="lynxspec.cli.schema",
        group="Write a claim",
    ),
)
"""Commands of the specification's side."""


def app() -> NoReturn:
    """Run the program with the specification's own commands."""
    sys.exit(run(COMMANDS))
