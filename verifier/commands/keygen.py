"""``lynxspec keygen``: a first signing identity, self-signed, and its certificate to give to readers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--name", metavar="TEXT", help="name in the certificate (default: from the key's digest)")
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", help="where to keep it (default: the configuration folder)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the identity; an existing one is never replaced. Print where its certificate lies and its fingerprint."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run

    identity = keys.keygen(arguments.directory or keys.config_directory(), name=arguments.name)
    sys.stdout.write(f"{keys.certificate_path(arguments.directory)}\n")
    sys.stderr.write(f"fingerprint (SHA-256): {identity.fingerprint}\n")
    return 0
