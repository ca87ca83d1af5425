"""``lynxspec judge``: judge recorded evidence again; the same evidence gives the same verdicts on any machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from lynxspec.claim import Claim
from lynxspec.claim.claim import Tolerances
from lynxspec.errors import UsageError
from verifier.commands.verify import EXIT, report
from verifier.opening import open_claim
from verifier.verdict import overall


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    parser.add_argument("--claim", type=Path, metavar="FILE", help="another claim to hold the evidence against")
    parser.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="judge by another tolerance than the claim's own, e.g. throughput='2 %%'; "
        + ", ".join(Tolerances.model_fields),
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; exit as ``verify`` does."""
    from verifier.judge import judge  # noqa: PLC0415 - commands import what they need when they run
    from verifier.recording import RunFolder  # noqa: PLC0415 - as above

    folder = RunFolder(arguments.run, reading=True)
    opened = open_claim(arguments.claim or folder.claim)
    claim = with_tolerances(opened.claim, arguments.tolerance)
    verdicts = judge(claim, folder.evidence())
    if arguments.format == "json":
        plain = {
            "format": "lynxspec-verdicts/1",
            "overall": overall(verdicts),
            "tolerances": claim.reproduction.tolerances.model_dump(mode="json"),
            "verdicts": [verdict.model_dump(mode="json") for verdict in verdicts],
        }
        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        report(opened, verdicts)
        if arguments.tolerance:
            sys.stderr.write(f"Judged by other tolerances than the claim's: {', '.join(arguments.tolerance)}\n")
    return EXIT[overall(verdicts)]


def with_tolerances(claim: Claim, changes: list[str]) -> Claim:
    """The claim with other tolerances, each ``name=value`` as a claim writes it.

    Raises `UsageError` for an unknown name, a value that is none, or one wider than is ever applied.
    """
    from verifier.judge.case import bounded  # noqa: PLC0415 - commands import what they need when they run

    plain = claim.reproduction.tolerances.model_dump(mode="json")
    for change in changes:
        name, _, value = change.partition("=")
        if name not in plain or not value:
            raise UsageError(
                f"--tolerance {change}: not a tolerance", hint=f"NAME=VALUE with a name of {', '.join(plain)}"
            )
        plain[name] = value.strip()
        try:
            tolerances = Tolerances.model_validate(plain)
        except ValidationError as error:
            raise UsageError(
                f"--tolerance {change}: {error.errors()[0]['msg']}", hint="write it as in a claim, e.g. '5 %'"
            ) from error
        changed = claim.model_copy(
            update={"reproduction": claim.reproduction.model_copy(update={"tolerances": tolerances})}
        )
        applied = getattr(bounded(changed).reproduction.tolerances, name)  # one of the fields above
        if applied != getattr(tolerances, name):
            raise UsageError(f"--tolerance {change}: wider than is ever applied", hint=f"at most {applied}")
        claim = changed
    return claim
