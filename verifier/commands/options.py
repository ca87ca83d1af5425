"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lynxspec.errors import UnreadableInput, UsageError
from verifier.progress import Lines, Progress, Silent

if TYPE_CHECKING:
    from verifier.audit.keys import Identity
    from verifier.audit.record import Performed
    from verifier.audit.sign import Archive
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


LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")
"""Levels of PAdES (ETSI EN 319 142-1)."""


def add_key(parser: argparse.ArgumentParser) -> None:
    """Key, certificate, passphrase."""
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="signing key: PEM, PKCS#12 with its certificate, or a token's, as pkcs11:token=T;object=K?module-path=LIB",
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="certificate of the key (PEM, chain allowed)")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"passphrase of the key, or PIN of the token (else ${PASSPHRASE_VARIABLE}, else asked)",
    )


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Key and certificate, time stamp, level."""
    add_key(parser)
    parser.add_argument("--tsa", metavar="URL", help="RFC 3161 time-stamp server; without it the time is our clock's")
    parser.add_argument(
        "--level",
        choices=LEVELS,
        help="PAdES level (default: B-T with --tsa, else B-B). B-LT and B-LTA put certificates and revocation lists "
        "into the file, so that it can be checked with no network: B-LT while the certificate of the time-stamp "
        "service is valid, B-LTA while that of its last document time stamp is",
    )
    parser.add_argument(
        "--anchor", type=Path, action="append", default=[], metavar="FILE", help="root certificates, for B-LT and B-LTA"
    )
    parser.add_argument(
        "--crl",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="revocation lists, for B-LT and B-LTA (without any they are fetched from where the certificates say)",
    )


GIVEN = {
    "person": "person who authorises the record",
    "function": "what that person is",
    "organisation": "organisation that issues it",
    "place": "where the work was done",
    "customer": "for whom",
    "supersedes": "id of the record that this one takes the place of",
    "changes": "what differs from that record",
}
"""Particulars with an option of their own; the issuer's file may hold all."""
ISSUER_FILE = "issuer.toml"


def add_performed(parser: argparse.ArgumentParser) -> None:
    """Who, where, for whom: printed as given, or as not stated; and the size of the pages."""
    for name, what in GIVEN.items():
        parser.add_argument(f"--{name}", metavar="TEXT", help=what)
    parser.add_argument(
        "--issuer",
        type=Path,
        metavar="FILE",
        help="TOML file with these and further particulars (address, contact, accreditation, independence, "
        "customer_contact, received, performed, condition, environment, availability, deviations, external, opinions); "
        f"default: {ISSUER_FILE} in the configuration folder, if it is there",
    )
    parser.add_argument("--page", choices=("A4", "Letter"), default="A4", help="size of the record's pages")


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
    """What the issuer's file says, and over it the command line; silence stays "not stated". Raises `UsageError`."""
    from verifier.audit import keys  # noqa: PLC0415 - commands import what they need when they run
    from verifier.audit.record import Performed  # noqa: PLC0415 - as above

    path, stated = arguments.issuer or keys.config_directory() / ISSUER_FILE, {}
    if arguments.issuer is not None or path.is_file():
        try:
            stated = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UnreadableInput(f"{path}: {error.strerror}", hint="check the path") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UnreadableInput(
                f"{path}: not TOML: {error}", hint='lines such as: organisation = "City of X"'
            ) from error
    stated |= {name: getattr(arguments, name) for name in GIVEN if getattr(arguments, name)}
    try:
        return Performed.model_validate(stated)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, known = ".".join(map(str, first["loc"])), ", ".join(Performed.model_fields)
        raise UsageError(
            f"particulars of the record: {place}: {first['msg']}", hint=f"texts, by name: {known}"
        ) from error


def identity_of(arguments: argparse.Namespace) -> Identity:
    """The identity to sign with: the given key, or a self-signed one that is made on first use."""
    from verifier.audit import keys, token  # noqa: PLC0415 - as above

    variable = PASSPHRASE_VARIABLE if PASSPHRASE_VARIABLE in os.environ else None
    on_token = arguments.key is not None and arguments.key.startswith(token.SCHEME)
    question = "PIN of the token: " if on_token else keys.ASKED
    passphrase = keys.passphrase_from(file=arguments.passphrase_file, variable=variable, ask=question)
    if arguments.key is None:
        return keys.ensure_self_signed(passphrase=passphrase)
    if on_token:
        return keys.load_from_token(arguments.key, cert=arguments.cert, passphrase=passphrase)
    return keys.load(Path(arguments.key), cert=arguments.cert, passphrase=passphrase)


def archive_of(arguments: argparse.Namespace) -> Archive | None:
    """What levels B-LT and B-LTA need; `None` for the others. Raises `UsageError`."""
    from verifier.audit import keys  # noqa: PLC0415 - as above
    from verifier.audit.sign import Archive  # noqa: PLC0415 - as above

    level = arguments.level or ("B-T" if arguments.tsa else "B-B")
    if (level == "B-B") == bool(arguments.tsa):
        what = "needs a time-stamp service" if level != "B-B" else "has no time stamp"
        raise UsageError(f"level {level} {what}", hint="--tsa URL" if level != "B-B" else "leave --tsa or --level out")
    if level in ("B-B", "B-T"):
        return None
    if not arguments.anchor:
        raise UsageError(f"level {level} needs roots", hint="--anchor FILE, of the signer and the time-stamp service")
    anchors = tuple(certificate for path in arguments.anchor for certificate in keys.anchors(path))
    try:
        crls = tuple(path.read_bytes() for path in arguments.crl)
    except OSError as error:
        raise UnreadableInput(f"{error.filename}: {error.strerror}", hint="check the path") from error
    return Archive(anchors=anchors, crls=crls, renewed=level == "B-LTA")
