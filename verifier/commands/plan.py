"""``lynxspec plan``: what can be tested here, what not and why, and how long it takes; nothing is run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TextIO

from lynxspec.plain_text import visible
from verifier.commands import options
from verifier.environments.prepare import require_known
from verifier.opening import OpenClaim, open_claim, require_complete
from verifier.progress import duration
from verifier.reproduction.plan import Plan, plan
from verifier.verdict import Verdict

TOOL_FACTS = "LXS60"
"""Beginning of the codes of `lynxspec.lint.rules.tool_chain_facts`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("claim", type=Path, metavar="CLAIM", help="a claim (*.claim.yaml)")
    options.add_environments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan: 0 if everything can be tested, 3 if something cannot, 1 if the claim fails on paper."""
    opened = open_claim(arguments.claim)
    require_complete(opened)
    wishes = options.wishes_of(arguments)
    require_known(wishes, [opened.claim])
    found = plan(opened.claim, opened.sha256, wishes=wishes)
    show(found, sys.stdout)
    _facts(opened, sys.stdout)
    if any(v.verdict is Verdict.REFUTED for v in found.on_paper):
        return 1
    return 3 if found.not_testable else 0


def _facts(opened: OpenClaim, stream: TextIO) -> None:
    """What is known of the declared tools in these versions: the linter's findings of that family."""
    known = [finding for finding in opened.findings if finding.code.startswith(TOOL_FACTS)]
    if known:
        stream.write("Known of these tools:\n")
    stream.writelines(visible(f"  {finding.code} {finding.message}\n", newlines=True) for finding in known)


def show(found: Plan, stream: TextIO, *, brief: bool = False) -> None:
    """Write the plan; ``brief`` leaves out what will be tested."""
    host = found.host

    def write(text: str) -> None:
        stream.write(visible(text, newlines=True))  # titles and values come from the claim

    write(f"This machine: {host.cpu}, {host.logical_cpus} logical processors, {host.memory_bytes / 2**30:.0f} GiB")
    write(f", {', '.join(host.accelerators) or 'no accelerator'}\n")
    if not brief:
        write(f"\nWill be tested ({len(found.testable)}):\n")
        for clause in found.testable:
            write(f"  {clause.id}: {clause.title}; claimed {clause.claimed}\n")
    if found.tools:
        write("\nTools:\n")
        for name, where in found.tools:
            write(f"  {name}: {where}\n")
    decided = [v for v in found.on_paper if v.verdict is Verdict.REFUTED or not brief]
    if decided:
        write("\nDecided without a run:\n")
        for clause in decided:
            write(f"  {clause.id}: {clause.verdict}; {clause.explanation}\n")
    if found.not_testable:
        write(f"\nNot testable here ({len(found.not_testable)}):\n")
        for clause in found.not_testable:
            write(f"  {clause.id}: {clause.explanation}\n")
    write("\nTime: about " + duration(found.seconds) + " (")
    write(", ".join(f"{name} {duration(seconds)}" for name, seconds in found.stages) + ")\n\n")
