"""``lynxspec verify``: the whole path from a claim to its signed audit record."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lynxspec.errors import UsageError
from lynxspec.plain_text import visible
from verifier.commands import options
from verifier.commands.also import show as show_also
from verifier.commands.plan import show as show_plan
from verifier.opening import OpenClaim, open_claim, require_complete
from verifier.progress import Lines, Progress, duration, shown
from verifier.verdict import ClauseVerdict, Verdict, overall

if TYPE_CHECKING:
    from verifier.audit.keys import Identity
    from verifier.audit.record import Performed
    from verifier.audit.sign import Archive
    from verifier.environments.prepare import Wishes
    from verifier.reproduction.also import Target

EXIT = {Verdict.REPRODUCED: 0, Verdict.REFUTED: 1, Verdict.INCONCLUSIVE: 3, Verdict.NOT_TESTABLE: 3}
"""Exit code by the verdict on the whole claim."""

MARKS = {Verdict.REPRODUCED: "+", Verdict.REFUTED: "x", Verdict.INCONCLUSIVE: "?", Verdict.NOT_TESTABLE: "-"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("claim", type=Path, nargs="+", metavar="CLAIM", help="complete claims (*.claim.yaml)")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the run; the same one resumes it; of several claims each has a folder in it, by its id",
    )
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="how long it may take, e.g. 20min: less is measured if it must be, more where a verdict is open",
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="RUNTIMES",
        help="observe the model and scheme on these runtimes, too: NAME[==VERSION][@PROVIDER], separated by commas",
    )
    options.add_files(parser)
    options.add_environments(parser)
    options.add_signing(parser)
    options.add_performed(parser)
    options.add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan, run, judge, render, sign; the verdicts decide the exit code."""
    performed = options.performed_of(arguments)  # what cannot be used must show now, not after minutes of measuring
    limit = options.seconds_of(arguments.budget, "--budget")
    opened = [open_claim(path) for path in arguments.claim]
    for claim in opened:
        require_complete(claim)
    folders = _folders(opened, arguments.out)
    progress = options.progress_of(arguments)
    from verifier.audit.render import versions  # noqa: PLC0415 - nothing heavy before the claims are accepted
    from verifier.environments.prepare import require_known  # noqa: PLC0415 - as above
    from verifier.reproduction.also import carried_over_all, target_of  # noqa: PLC0415 - as above

    versions()  # a missing library must show now, as above
    wishes = options.wishes_of(arguments)
    also = tuple(target_of(name) for text in arguments.also for name in text.split(","))
    require_known(wishes, (d for c in opened for d in (c.claim, *carried_over_all(c.claim, also))))
    setting = _Setting(
        arguments=arguments,
        performed=performed,
        limit=limit,
        progress=progress,
        wishes=wishes,
        also=also,
        identity=options.identity_of(arguments),
        archive=options.archive_of(arguments),
    )
    found = [setting.verify(claim, folder) for claim, folder in zip(opened, folders, strict=True)]
    worst = (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.NOT_TESTABLE, Verdict.REPRODUCED)
    return EXIT[next(verdict for verdict in worst if verdict in found)]


def _folders(opened: list[OpenClaim], out: Path) -> list[Path]:
    """One folder a claim. Raises `UsageError` for two claims of one id."""
    if len(opened) == 1:
        return [out]
    names = [claim.claim.identity.id for claim in opened]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"two claims have the id {', '.join(twice)}", hint="verify them one by one")
    return [out / name for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What all claims of one command share."""

    arguments: argparse.Namespace
    performed: Performed
    limit: float | None
    """Seconds that each claim may take."""
    progress: Progress
    wishes: Wishes
    also: tuple[Target, ...]
    identity: Identity
    archive: Archive | None

    def verify(self, opened: OpenClaim, root: Path) -> Verdict:
        """One claim, to its signed record."""
        from verifier.recording import RunFolder  # noqa: PLC0415 - nothing heavy before the claims are accepted
        from verifier.reproduction.budget import Budget  # noqa: PLC0415 - as above
        from verifier.reproduction.plan import plan  # noqa: PLC0415 - as above

        arguments, progress = self.arguments, self.progress
        if isinstance(progress, Lines):
            show_plan(plan(opened.claim, opened.sha256, wishes=self.wishes), sys.stderr, brief=True)
        folder = RunFolder(root)
        evidence = folder.reproduce(
            opened,
            overrides=options.overrides_of(arguments),
            progress=progress,
            budget=Budget(seconds=self.limit),
            wishes=self.wishes,
            also=self.also,
        )
        with shown(progress, "judge, render, sign") as notes:
            record = folder.record(
                opened, evidence, performed=self.performed, page=arguments.page, identity=self.identity
            )
            pdf = folder.sign(record, opened, self.identity, tsa=arguments.tsa, archive=self.archive)
            notes.append(str(pdf))
        if not arguments.quiet:
            report(opened, record.verdicts, seconds=evidence.sustain.seconds if evidence.sustain else None)
            show_also(evidence.also, sys.stderr, item=opened.claim.load.item)
        sys.stdout.write(f"{pdf}\n")
        return overall(record.verdicts)


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
