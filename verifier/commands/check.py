"""``lynxspec check``: is a signed audit record authentic, intact and consistent; needs no runtime and no network."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec.errors import UnreadableInput


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("record", type=Path, metavar="RECORD.pdf", help="the signed record")
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="certificate of a signer or authority that you trust (PEM or DER); else the signer stays unknown",
    )
    parser.add_argument(
        "--claim", type=Path, metavar="FILE", help="the claim that you hold; the record must be about it"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the report: 0 authentic and trusted, 1 rejected, 3 intact but less could be shown."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run
    from verifier.audit.check import check, report_json, report_text  # noqa: PLC0415 - as above

    trust = tuple(certificate for path in arguments.trust for certificate in keys.anchors(path))
    claim = _read(arguments.claim) if arguments.claim else None
    report = check(_read(arguments.record), trust=trust, claim_bytes=claim)
    sys.stdout.write(report_json(report) if arguments.format == "json" else report_text(report))
    return report.exit_code


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror}", hint="check the path") from error
