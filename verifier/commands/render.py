"""``lynxspec render``: the record of a run as an unsigned PDF."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verifier.commands import options
from verifier.opening import open_claim


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the unsigned PDF")
    options.add_performed(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge and render again."""
    from verifier.audit.render import render  # noqa: PLC0415 - commands import what they need when they run
    from verifier.recording import RunFolder  # noqa: PLC0415 - as above

    performed = options.performed_of(arguments)
    folder = RunFolder(arguments.run, reading=True)
    opened = open_claim(folder.claim)
    record = folder.record(opened, folder.evidence(), performed=performed, page=arguments.page, identity=None)
    arguments.output.write_bytes(render(record, opened.source, opened.path.name))
    sys.stdout.write(f"{arguments.output}\n")
    return 0
