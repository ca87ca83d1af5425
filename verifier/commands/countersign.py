"""``lynxspec countersign``: a second person approves a signed record; the PDF stays as it is."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from pathlib import Path

from lynxspec.errors import UnreadableInput, UsageError
from verifier.commands import options


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("record", type=Path, metavar="RECORD.pdf", help="the signed record")
    options.add_key(parser)
    parser.add_argument("--person", metavar="TEXT", help="name of the person who approves")
    parser.add_argument("--function", metavar="TEXT", help="what the person is, e.g. 'internal auditor'")
    parser.add_argument("--organisation", metavar="TEXT", help="their organisation")
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="certificate of the record's signer, to see that the record is trusted before it is approved",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check the record, and write ``RECORD.pdf.countersign.json`` beside it, or the next number."""
    from verifier.audit import countersignature, keys  # noqa: PLC0415 - commands import what they need when they run
    from verifier.audit.check import check, report_text  # noqa: PLC0415 - as above
    from verifier.audit.texts import NOT_STATED  # noqa: PLC0415 - as above

    if arguments.key is None:
        raise UsageError("countersign needs the second person's key", hint="--key FILE (or a pkcs11: URI)")
    identity = options.identity_of(arguments)
    try:
        pdf = arguments.record.read_bytes()
    except OSError as error:
        raise UnreadableInput(f"{arguments.record}: {error.strerror}", hint="check the path") from error
    trust = tuple(certificate for path in arguments.trust for certificate in keys.anchors(path))
    report = check(pdf, trust=trust)
    sys.stderr.write(report_text(report))
    if report.exit_code == 1 or report.record_id is None or report.record_sha256 is None:
        sys.stderr.write("The record is rejected: it was not countersigned.\n")
        return 1
    if report.fingerprint == identity.fingerprint:
        raise UsageError("this is the key that signed the record", hint="A second person approves with a second key.")
    bundle = countersignature.countersign(
        pdf,
        identity,
        name=arguments.record.name,
        record_id=report.record_id,
        record_sha256=report.record_sha256,
        time=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        person=arguments.person or NOT_STATED,
        function=arguments.function or NOT_STATED,
        organisation=arguments.organisation or NOT_STATED,
    )
    countersignature.examine(bundle, pdf, record_id=report.record_id, record_sha256=report.record_sha256)
    sys.stdout.write(f"{_write(arguments.record, bundle)}\n")
    return 0


def _write(record: Path, bundle: bytes) -> Path:
    """Under the first free number; nothing is replaced."""
    from verifier.audit import countersignature  # noqa: PLC0415 - as above

    for number in range(1, countersignature.MOST + 1):
        path = countersignature.path_of(record, number)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        except OSError as error:
            raise UnreadableInput(f"{path}: {error.strerror}", hint="the folder must be writable") from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(bundle)
        return path
    raise UsageError(f"{record} has {countersignature.MOST} countersignatures already", hint="That is enough.")
