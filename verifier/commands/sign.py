"""``lynxspec sign``: judge, render and sign the record of a finished run again, with another key for example."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verifier.commands import options
from verifier.opening import open_claim


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    options.add_signing(parser)
    options.add_performed(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write ``RUN/record.pdf``."""
    from verifier.recording import RunFolder  # noqa: PLC0415 - commands import what they need when they run

    performed = options.performed_of(arguments)
    folder = RunFolder(arguments.run)
    opened = open_claim(folder.claim)
    identity, archive = options.identity_of(arguments), options.archive_of(arguments)
    evidence = folder.evidence()
    record = folder.record(opened, evidence, performed=performed, page=arguments.page, identity=identity)
    sys.stdout.write(f"{folder.sign(record, opened, identity, tsa=arguments.tsa, archive=archive)}\n")
    return 0
