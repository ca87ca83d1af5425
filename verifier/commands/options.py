"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lynxspec.errors import UsageError
from verifier.progress import Lines, Progress, Silent

if TYPE_CHECKING:
    from verifier.audit.keys import Identity
    from verifier.audit.record import Performed
    from verifier.environments.prepare import Wishes

PASSPHRASE_VARIABLE = "LYNXSPEC_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable, not a secret

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TIME = re.compile(r"(?P<number>\d{1,6}(\.\d{1,3})?) ?(?P<unit>s|min|m|h)")


def add_files(parser: argparse.ArgumentParser) -> None:
    """``--model`` and ``--data``: the reader's own copies of files."""
    for option, what in (("--model", "artifact"), ("--data", "data set")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="NAME=PATH",
            help=f"take {what} NAME from PATH (digest checked)",
        )


def add_environments(parser: argparse.ArgumentParser) -> None:
    """``--env``, ``--offline``, ``--substitute``: where the claim's tools run."""
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="run a regime or a tool (NAME, or TOOL==VERSION) with this Python or environment folder",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="install nothing: a declared version that is not here makes its clauses not testable",
    )
    parser.add_argument(
        "--isolate",
        action="store_true",
        help="build an environment for every tool, locked by digest, even where this installation has the version",
    )
    parser.add_argument(
        "--substitute",
        action="store_true",
        help="where a declared version is not to be had, observe what the installed one does",
    )


def wishes_of(arguments: argparse.Namespace) -> Wishes:
    """What the reader said of environments."""
    from verifier.artifacts import parse_overrides  # noqa: PLC0415 - commands import what they need when they run
    from verifier.environments.prepare import Wishes  # noqa: PLC0415 - as above

    given = parse_overrides(tuple(arguments.env), "--env")
    return Wishes(given=given, offline=arguments.offline, isolate=arguments.isolate, substitute=arguments.substitute)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """``--quiet``: no progress."""
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress and no summary on stderr")


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Key, certificate, time stamp."""
    parser.add_argument("--key", type=Path, metavar="FILE", help="signing key: PEM, or PKCS#12 with its certificate")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="certificate of a PEM key (PEM, chain allowed)")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"passphrase of the key (else ${PASSPHRASE_VARIABLE}, else asked)",
    )
    parser.add_argument("--tsa", metavar="URL", help="RFC 3161 time-stamp server; without it the time is our clock's")


def add_performed(parser: argparse.ArgumentParser) -> None:
    """Who, where, for whom: printed as given, or as not stated."""
    for option, what in (
        ("--person", "person who answers for the record"),
        ("--organisation", "their organisation"),
        ("--place", "where the work was done"),
        ("--customer", "for whom"),
    ):
        parser.add_argument(option, metavar="TEXT", help=what)


def overrides_of(arguments: argparse.Namespace) -> dict[str, Path]:
    """Files that the reader gives, by handle."""
    from verifier.artifacts import parse_overrides  # noqa: PLC0415 - commands import what they need when they run

    model, data = (
        parse_overrides(tuple(pairs), option)
        for pairs, option in ((arguments.model, "--model"), (arguments.data, "--data"))
    )
    return {**model, **data}


def seconds_of(text: str | None, option: str) -> float | None:
    """A time such as ``90s``, ``20min`` or ``1.5 h`` in seconds. Raises `UsageError`."""
    if text is None:
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} {text}: not a time", hint="a number with s, min or h, e.g. 20min")
    return float(found["number"]) * _SECONDS[found["unit"]]


def progress_of(arguments: argparse.Namespace) -> Progress:
    """Lines on stderr, or nothing."""
    return Silent() if arguments.quiet else Lines()


def performed_of(arguments: argparse.Namespace) -> Performed:
    """What the command line says of the people; silence stays "not stated"."""
    from verifier.audit.record import Performed  # noqa: PLC0415 - commands import what they need when they run

    names = ("person", "organisation", "place", "customer")
    return Performed(**{name: getattr(arguments, name) for name in names if getattr(arguments, name)})


def identity_of(arguments: argparse.Namespace) -> Identity:
    """The identity to sign with: the given key, or a self-signed one that is made on first use."""
    from verifier.audit import keys  # noqa: PLC0415 - as above

    if arguments.key is None:
        return keys.ensure_self_signed()
    variable = PASSPHRASE_VARIABLE if PASSPHRASE_VARIABLE in os.environ else None
    passphrase = keys.passphrase_from(file=arguments.passphrase_file, variable=variable)
    return keys.load(arguments.key, cert=arguments.cert, passphrase=passphrase)
