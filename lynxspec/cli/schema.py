"""``lynxspec schema``: the JSON Schemas, as files, on standard output, or compared with files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec.errors import UsageError
from lynxspec.schema import PUBLISHED, Published, files, generate, render, write


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lynxspec schema``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="print this one, e.g. claim; without a name, list them")
    parser.add_argument("--out", metavar="DIR", type=Path, help="write all of them into DIR")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if files in DIR are not current")


def run(arguments: argparse.Namespace, published: tuple[Published, ...] = PUBLISHED) -> int:
    """List, print, write or check ``published``."""
    if arguments.name is not None and (arguments.out is not None or arguments.check):
        raise UsageError("schema takes a name or --out, not both", hint="`--out DIR` writes all of them")
    if arguments.check:
        return _check(arguments.out or Path("schemas"), published)
    if arguments.out is not None:
        for path in write(arguments.out, published):
            sys.stdout.write(f"{path}\n")
        return 0
    if arguments.name is not None:
        sys.stdout.write(render(generate(_named(arguments.name, published))))
        return 0
    for entry in published:
        sys.stdout.write(f"{entry.name:<14} {entry.version:<5} {entry.identifier(draft_07=False)}\n")
    return 0


def _named(name: str, published: tuple[Published, ...]) -> Published:
    found = next((entry for entry in published if entry.name == name), None)
    if found is None:
        raise UsageError(f"no schema is called `{name}`", hint=f"schemas: {', '.join(e.name for e in published)}")
    return found


def _check(folder: Path, published: tuple[Published, ...]) -> int:
    """Compare what the models give with what stands in ``folder``."""
    code = 0
    for name, text in files(published).items():
        path = folder / name
        try:
            current = path.read_text(encoding="utf-8") == text
        except FileNotFoundError:
            current = False
        if not current:
            code = 1
            sys.stderr.write(f"{path}: not current; `lynxspec schema --out {folder}` writes it\n")
    return code
