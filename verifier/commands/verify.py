"""``lynxspec verify``: the whole path from a claim to its signed audit record."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec.plain_text import visible
from verifier.commands import options
from verifier.commands.plan import show as show_plan
from verifier.opening import OpenClaim, open_claim, require_complete
from verifier.progress import Lines, duration, shown
from verifier.verdict import ClauseVerdict, Verdict, overall

EXIT = {Verdict.REPRODUCED: 0, Verdict.REFUTED: 1, Verdict.INCONCLUSIVE: 3, Verdict.NOT_TESTABLE: 3}
"""Exit code by the verdict on the whole claim."""

MARKS = {Verdict.REPRODUCED: "+", Verdict.REFUTED: "x", Verdict.INCONCLUSIVE: "?", Verdict.NOT_TESTABLE: "-"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("claim", type=Path, metavar="CLAIM", help="a complete claim (*.claim.yaml)")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the run; the same one resumes it"
    )
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="how long it may take, e.g. 20min: less is measured if it must be, more where a verdict is open",
    )
    options.add_files(parser)
    options.add_signing(parser)
    options.add_performed(parser)
    options.add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan, run, judge, render, sign; the verdict decides the exit code."""
    performed = options.performed_of(arguments)  # what cannot be used must show now, not after minutes of measuring
    limit = options.seconds_of(arguments.budget, "--budget")
    opened = open_claim(arguments.claim)
    require_complete(opened)
    progress = options.progress_of(arguments)
    from verifier.audit.render import versions  # noqa: PLC0415 - nothing heavy before the claim is accepted

    versions()  # a missing library must show now, not after minutes of measuring
    from verifier.reproduction.plan import plan  # noqa: PLC0415 - as above

    if isinstance(progress, Lines):
        show_plan(plan(opened.claim, opened.sha256), sys.stderr, brief=True)
    identity, archive = options.identity_of(arguments), options.archive_of(arguments)
    from verifier.recording import RunFolder  # noqa: PLC0415 - as above

    overrides = options.overrides_of(arguments)
    folder = RunFolder(arguments.out)
    from verifier.reproduction.budget import Budget  # noqa: PLC0415 - as above

    budget = Budget(seconds=limit)
    evidence = folder.reproduce(opened, overrides=overrides, progress=progress, budget=budget)
    with shown(progress, "judge, render, sign") as notes:
        record = folder.record(opened, evidence, performed=performed, page=arguments.page, identity=identity)
        pdf = folder.sign(record, opened, identity, tsa=arguments.tsa, archive=archive)
        notes.append(str(pdf))
    if not arguments.quiet:
        report(opened, record.verdicts, seconds=evidence.sustain.seconds if evidence.sustain else None)
    sys.stdout.write(f"{pdf}\n")
    return EXIT[overall(record.verdicts)]


def report(opened: OpenClaim, verdicts: tuple[ClauseVerdict, ...], *, seconds: float | None = None) -> None:
    """The clauses for people, on stderr; the record's path is the product and goes to stdout."""

    def write(text: str) -> None:
        sys.stderr.write(visible(text, newlines=True))  # titles and names come from the claim and its model

    write(f"\n{opened.claim.identity.title}\n")
    width = max((len(v.id) for v in verdicts), default=0)
    for verdict in verdicts:
        words = verdict.verdict.replace("_", " ")
        write(f"  {MARKS[verdict.verdict]} {verdict.id:<{width}}  {words:<12}  {verdict.explanation}\n")
        for note in verdict.notes:
            write(f"    {'':<{width}}  {'':<12}  note: {note}\n")
    counts = {v: sum(1 for c in verdicts if c.verdict is v) for v in Verdict}
    summary = ", ".join(f"{count} {v.replace('_', ' ')}" for v, count in counts.items() if count)
    timed = f"; rates measured over {duration(seconds)}" if seconds else ""
    write(f"\n{overall(verdicts).replace('_', ' ').upper()}: {summary}{timed}\n")
