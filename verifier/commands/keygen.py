"""``lynxspec keygen``: a first signing identity, self-signed, and a request for a certificate that others vouch for."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from lynxspec.errors import UsageError
from verifier.commands.options import PASSPHRASE_VARIABLE


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--name", metavar="TEXT", help="name in the certificate (default: from the key's digest)")
    parser.add_argument("--organisation", metavar="TEXT", help="organisation in the certificate")
    parser.add_argument("--email", metavar="ADDRESS", help="e-mail address in the certificate")
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", help="where to keep it (default: the configuration folder)"
    )
    parser.add_argument(
        "--encrypt",
        action="store_true",
        help=f"encrypt the key; the passphrase is read from --passphrase-file or ${PASSPHRASE_VARIABLE}, or asked",
    )
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="passphrase of the new key")


def run(arguments: argparse.Namespace) -> int:
    """Make the identity; an existing one is never replaced. Print where its certificate lies and its fingerprint."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run

    directory = arguments.directory or keys.config_directory()
    identity = keys.keygen(
        directory,
        name=arguments.name,
        organisation=arguments.organisation,
        email=arguments.email,
        passphrase=_passphrase(arguments),
    )
    sys.stdout.write(f"{keys.certificate_path(arguments.directory)}\n")
    sys.stderr.write(
        f"fingerprint (SHA-256): {identity.fingerprint}\n"
        f"Nobody vouches for this identity yet. {directory / keys.REQUEST_FILE} is a request that you can hand to a\n"
        f"certificate authority; sign with `--key {directory / keys.KEY_FILE} --cert ISSUED.pem` once it answers.\n"
    )
    return 0


def _passphrase(arguments: argparse.Namespace) -> bytes | None:
    """The new key's passphrase, never from the command line itself."""
    from verifier.audit import keys  # noqa: PLC0415 - as above

    if not arguments.encrypt and arguments.passphrase_file is None:
        return None
    given: bytes | None
    if arguments.passphrase_file is not None or PASSPHRASE_VARIABLE in os.environ:
        given = keys.passphrase_from(file=arguments.passphrase_file, variable=PASSPHRASE_VARIABLE)()
    elif sys.stdin.isatty():
        given = getpass.getpass("Passphrase for the new key: ").encode()
        if getpass.getpass("The same again: ").encode() != given:
            raise UsageError("the two passphrases differ", hint="Nothing was written; try again.")
    else:
        raise UsageError("there is no passphrase", hint=f"--passphrase-file FILE, or set {PASSPHRASE_VARIABLE}")
    if not given:
        raise UsageError(
            "the passphrase is empty", hint="Without --encrypt the key is only protected by its file's mode."
        )
    return given
