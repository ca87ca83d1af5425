"""``lynxspec environments``: what was installed for claims' tools, how large it is, and how to get rid of it."""

from __future__ import annotations

import argparse
import re
import sys

from lynxspec.errors import UsageError
from verifier.environments import cache

_LOCK = re.compile(r"[0-9a-f]{6,64}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--remove", nargs="+", metavar="LOCK", help="delete those whose lock's digest begins so")
    wanted.add_argument(
        "--unused", type=float, metavar="DAYS", help="delete those that were not used for that many days"
    )
    wanted.add_argument("--all", action="store_true", help="delete all")


def run(arguments: argparse.Namespace) -> int:
    """List, or delete and say what that freed; 2 for a digest that names none."""
    found = cache.everything()
    if arguments.remove is not None:
        return _delete([_named(found, start) for start in arguments.remove])
    if arguments.unused is not None:
        return _delete([built for built in found if cache.idle_days(built) >= arguments.unused])
    if arguments.all:
        return _delete(list(found))
    for built in found:
        packages = " ".join(f"{name}=={version}" for name, version in sorted(built.lock.packages.items()))
        days = f"{cache.idle_days(built):.0f} days ago"
        sys.stdout.write(f"{built.lock.sha256[:12]}  {built.bytes / 1e6:7.0f} MB  used {days}  {packages}\n")
    total = sum(built.bytes for built in found)
    sys.stderr.write(f"{len(found)} environments, {total / 1e6:.0f} MB, in {cache.root()}\n")
    return 0


def _named(found: tuple[cache.Built, ...], start: str) -> cache.Built:
    matching = [built for built in found if _LOCK.fullmatch(start) and built.lock.sha256.startswith(start)]
    if len(matching) != 1:
        raise UsageError(
            f"--remove {start}: {len(matching) or 'no'} environments have a lock of that digest",
            hint="`lynxspec environments` lists them; give at least six digits",
        )
    return matching[0]


def _delete(built: list[cache.Built]) -> int:
    freed = cache.remove(built)
    sys.stdout.write(f"deleted {len(built)} environments, {freed / 1e6:.0f} MB\n")
    return 0
