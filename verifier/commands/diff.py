"""``lynxspec diff``: what changed between two signed records of one claim."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec.errors import UnreadableInput


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("first", type=Path, metavar="A.pdf", help="a signed record")
    parser.add_argument("second", type=Path, metavar="B.pdf", help="another one of the same claim")
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="certificate of a signer or authority that you trust (PEM or DER)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison: 0 the same verdicts, 1 other verdicts, 2 a record is rejected or they are of two claims."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run
    from verifier.audit.check import examined  # noqa: PLC0415 - as above
    from verifier.audit.difference import compare, difference_json, difference_text  # noqa: PLC0415 - as above
    from verifier.commands.check import read_record  # noqa: PLC0415 - as above

    trust = [certificate for path in arguments.trust for certificate in keys.anchors(path)]
    reports, records = [], []
    for path in (arguments.first, arguments.second):
        # the pages are not compared: what is shown here is read from the record's data
        report, record = examined(read_record(path), trust=trust, rerender=False)
        if record is None:
            failed = next(step for step in report.steps if step.status == "fail")
            raise UnreadableInput(
                f"{path} is rejected: {failed.message} [{failed.reason}]", hint=f"Run: lynxspec check {path}"
            )
        reports.append(report)
        records.append(record)
    first, second = records
    found = compare(first, second, (reports[0], reports[1]), (str(arguments.first), str(arguments.second)))
    sys.stdout.write(difference_json(found) if arguments.format == "json" else difference_text(found))
    return 0 if found.same_verdicts else 1
