"""`Importer`, and the way from a source to its `Draft`; a file of this folder that ends in ``IMPORTER`` is a format.

An importer's file is cheap to import: what it needs to read its format it imports inside its functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path as File

from lynxspec.draft import Draft
from lynxspec.errors import UnreadableInput

SHEETS = (".md", ".markdown", ".html", ".htm", ".pdf", ".rst", ".csv", ".txt")
"""Free text, which no importer reads yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """One format that claims come in."""

    name: str
    suffixes: tuple[str, ...]
    """Ends of file names, in lower case; of several importers that match, the longest end decides."""
    read: Callable[[str | bytes, str], Draft]
    """From a path, or from bytes at hand, and the name that messages and places carry."""


@cache
def importers() -> tuple[Importer, ...]:
    """All importers, by name."""
    names = sorted(file.stem for file in File(__file__).parent.glob("[!_]*.py") if file.stem != "importer")
    return tuple(import_module(f"lynxspec.importers.{name}").IMPORTER for name in names)


def load(origin: str | File | bytes, *, source: str | None = None) -> Draft:
    """Read a file, or bytes already at hand, in the format that the name ``source`` (default: the path) tells."""
    path = origin if isinstance(origin, bytes) else str(origin)
    name = source if source is not None else ("-" if isinstance(path, bytes) else path)
    lower = name.lower()
    fitting = [(len(end), i) for i in importers() for end in i.suffixes if lower.endswith(end) or name == "-"]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1].read(path, name)
    if lower.endswith(SHEETS):
        raise UnreadableInput(
            f"{name}: a spec sheet, and this release reads claim files only",
            hint="importers for free text come with a later release; write what the sheet says into a claim,"
            " `lynxspec init claim` gives a template",
        )
    raise UnreadableInput(f"{name}: of no kind that is known here", hint="a claim's name ends in .claim.yaml")
