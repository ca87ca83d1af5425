"""``lynxspec draft``: spec sheets to a draft of a claim, and a finished draft to a claim."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec.cli.targets import STDIN
from lynxspec.draft import Draft
from lynxspec.errors import UsageError
from lynxspec.importers.importer import load, load_together
from lynxspec.location import format_location, format_path
from lynxspec.plain_text import shorten, visible

MOST_NAMED = 12
"""Claims of a sheet that are listed by name."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lynxspec draft``."""
    parser.add_argument(
        "paths", nargs="+", metavar="SHEET", help="spec sheets that make one claim, or with --accept a draft"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="a new file, e.g. model.draft.yaml")
    parser.add_argument("--claim", metavar="NAME", help="only this one of the claims that the sheet makes")
    parser.add_argument(
        "--accept", action="store_true", help="turn a finished draft into a claim, or list what it lacks"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a draft, or accept one."""
    if STDIN in arguments.paths:
        raise UsageError("a draft names the file that each value was read from, and standard input has no name")
    if arguments.accept:
        return _accept(arguments)
    from lynxspec.drafting.writer import claims, draft_text  # noqa: PLC0415 - not needed to accept

    draft = _sheet(arguments.paths)
    text = draft_text(draft, claim=arguments.claim)
    _write(arguments.output, text)
    named = claims(draft)
    if len(named) > 1 and arguments.claim is None:
        more = f"; and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        listed = "; ".join(shorten(name, 100) for name in named[:MOST_NAMED])
        sys.stderr.write(f"{len(named)} claims are drafted together; --claim NAME takes one of them: {listed}{more}\n")
    return 0


def _sheet(paths: list[str]) -> Draft:
    """Read one sheet, or several as one claim."""
    draft = load(paths[0]) if len(paths) == 1 else load_together(paths)
    if draft.kind != "sheet":
        raise UsageError(
            f"{paths[0]}: a {draft.kind} already", hint="drafts are made from spec sheets; --accept finishes one"
        )
    return draft


def _accept(arguments: argparse.Namespace) -> int:
    """Write the claim of a finished draft, or list every hole."""
    from lynxspec.drafting.acceptance import claim_text, gaps, read_draft  # noqa: PLC0415 - not needed to draft

    if len(arguments.paths) > 1 or arguments.claim is not None:
        raise UsageError("--accept takes one draft, and the whole of it", hint="`lynxspec draft --accept x.draft.yaml`")
    document = read_draft(arguments.paths[0])
    found = gaps(document)
    if not found:
        _write(arguments.output, claim_text(document))
        return 0
    for gap in found:
        sys.stdout.write(
            visible(f"{format_location(gap.location)}: {format_path(gap.location.path)}: {gap.ask}") + "\n"
        )
        sys.stdout.write(visible(f"    -> {gap.expected}") + "\n")
    sys.stdout.flush()
    sys.stderr.write(f"{len(found)} hole{'s' if len(found) > 1 else ''} left; no claim was written\n")
    return 1


def _write(output: Path | None, text: str) -> None:
    """Write the product; what someone has already filled in is never overwritten."""
    if output is None:
        sys.stdout.buffer.write(text.encode())
        return
    try:
        with output.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{output}: exists already", hint="name a new file") from error
    except OSError as error:
        raise UsageError(f"{output}: {error.strerror}", hint="name a file that can be written") from error
    sys.stdout.write(f"{output}\n")
