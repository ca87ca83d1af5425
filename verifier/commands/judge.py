"""``lynxspec judge``: judge recorded evidence again; the same evidence gives the same verdicts on any machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from verifier.commands.verify import EXIT, report
from verifier.opening import open_claim
from verifier.verdict import overall


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    parser.add_argument("--claim", type=Path, metavar="FILE", help="another claim to hold the evidence against")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; exit as ``verify`` does."""
    from verifier.judge import judge  # noqa: PLC0415 - commands import what they need when they run
    from verifier.recording import RunFolder  # noqa: PLC0415 - as above

    folder = RunFolder(arguments.run, reading=True)
    opened = open_claim(arguments.claim or folder.claim)
    verdicts = judge(opened.claim, folder.evidence())
    if arguments.format == "json":
        plain = {
            "format": "lynxspec-verdicts/1",
            "overall": overall(verdicts),
            "verdicts": [verdict.model_dump(mode="json") for verdict in verdicts],
        }
        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        report(opened, verdicts)
    return EXIT[overall(verdicts)]
