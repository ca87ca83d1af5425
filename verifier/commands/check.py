"""``lynxspec check``: is a signed audit record authentic, intact and consistent; needs no runtime and no network."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
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
        "--trust-time",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="certificate of an authority that you trust for time stamps, and for nothing else",
    )
    parser.add_argument(
        "--crl",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="revocation list (PEM or DER), beside those in the record",
    )
    parser.add_argument(
        "--signer",
        action="append",
        default=[],
        metavar="SHA256",
        help="fingerprint of the certificate that must have signed; any other signer is rejected",
    )
    parser.add_argument(
        "--claim", type=Path, metavar="FILE", help="the claim that you hold; the record must be about it"
    )
    parser.add_argument(
        "--not-before",
        metavar="DATE",
        help="day or moment (2026-11-20, UTC) since when the record must have been made: guards against older ones",
    )
    parser.add_argument(
        "--no-pages", action="store_true", help="do not render the pages again: faster, and less is shown (exit 3)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the report: 0 authentic and trusted, 1 rejected, 3 intact but less could be shown."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run
    from verifier.audit.check import MAX_COUNTERSIGNATURE, check, report_json, report_text  # noqa: PLC0415 - as above
    from verifier.audit.countersignature import beside  # noqa: PLC0415 - as above
    from verifier.audit.structure import MAX_BYTES  # noqa: PLC0415 - as above

    claim = _read(arguments.claim, MAX_BYTES) if arguments.claim else None
    report = check(
        read_record(arguments.record),
        trust=[certificate for path in arguments.trust for certificate in keys.anchors(path)],
        stamp_trust=[certificate for path in arguments.trust_time for certificate in keys.anchors(path)],
        crls=[keys.revocation_list(path) for path in arguments.crl],
        signers=[_fingerprint(text) for text in arguments.signer],
        claim_bytes=claim,
        not_before=arguments.not_before and _moment(arguments.not_before),
        countersignatures=[(path.name, _read(path, MAX_COUNTERSIGNATURE)) for path in beside(arguments.record)],
        rerender=not arguments.no_pages,
    )
    sys.stdout.write(report_json(report) if arguments.format == "json" else report_text(report))
    return report.exit_code


def _fingerprint(text: str) -> str:
    """A fingerprint as people copy it: with colons or blanks, in either case."""
    found = "".join(char for char in text.lower() if char not in ": ")
    if len(found) != 64 or set(found) - set("0123456789abcdef"):
        raise UnreadableInput(f"{text!r:.80} is no SHA-256 fingerprint", hint="give 64 hexadecimal digits")
    return found


def _moment(text: str) -> str:
    """A day or moment as records write it."""
    try:
        datetime.strptime(text, "%Y-%m-%d" if len(text) == 10 else "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - UTC by rule
    except ValueError as error:
        raise UnreadableInput(f"{text!r:.40} is no day", hint="write 2026-11-20 or 2026-11-20T17:42:50Z") from error
    return text


def read_record(path: Path) -> bytes:
    """The file of a record, bounded."""
    from verifier.audit.structure import MAX_BYTES  # noqa: PLC0415 - as above

    return _read(path, MAX_BYTES)


def _read(path: Path, most: int) -> bytes:
    """The file, or one byte more than is admitted of it: the check refuses that, and memory stays bounded."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror}", hint="check the path") from error
