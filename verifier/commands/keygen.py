"""``lynxspec keygen``: a first signing identity, self-signed, and its certificate to give to readers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--name", metavar="TEXT", help="name in the certificate (default: this host's)")
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", help="where to keep it (default: the configuration folder)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the identity, unless there is one; print where its certificate lies and its fingerprint."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run

    identity = keys.ensure_self_signed(arguments.directory, name=arguments.name)
    sys.stdout.write(f"{keys.certificate_path(arguments.directory)}\n")
    sys.stderr.write(f"fingerprint (SHA-256): {identity.fingerprint}\n")
    return 0
