"""`Importer`, and the way from a source to its `Draft`; a file of this folder that ends in ``IMPORTER`` is a format.

An importer's file is cheap to import: what it needs to read its format it imports inside its functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path as File
from typing import TYPE_CHECKING

from lynxspec.draft import Draft
from lynxspec.errors import UnreadableInput
from lynxspec.sheet import Sheet

if TYPE_CHECKING:
    from lynxspec.importers._untrusted import Reader

_BINARY = frozenset({"pdf"})
"""Importers whose files are no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """One format that claims come in."""

    name: str
    suffixes: tuple[str, ...]
    """Ends of file names, in lower case; of several importers that match, the longest end decides."""
    read: Callable[[str | bytes, str], Draft]
    """From a path, or from bytes at hand, and the name that messages and places carry."""
    parse: Callable[[bytes, str], Sheet] | None = None
    """For free text: from bytes to the sheet that `lynxspec.extraction` reads; ``None`` for files of claims."""


@cache
def importers() -> tuple[Importer, ...]:
    """All importers, by name."""
    names = sorted(file.stem for file in File(__file__).parent.glob("[!_]*.py") if file.stem != "importer")
    return tuple(import_module(f"lynxspec.importers.{name}").IMPORTER for name in names)


def load(origin: str | File | bytes, *, source: str | None = None) -> Draft:
    """Read a file, or bytes already at hand, in the format that the name ``source`` (default: the path) tells.

    Free text comes from strangers: a worker process with limits reads it.
    """
    path = origin if isinstance(origin, bytes) else str(origin)
    name = source if source is not None else ("-" if isinstance(path, bytes) else path)
    importer = importer_for(name)
    if importer.parse is None:
        return importer.read(path, name)
    from lynxspec.extraction import read_sheets  # noqa: PLC0415 - only free text needs it

    return read_sheets((_sheet(path, name, importer),), name)


def load_together(paths: Iterable[str]) -> Draft:
    """Read several spec sheets as the one claim that they make together."""
    from lynxspec.extraction import read_sheets  # noqa: PLC0415 - only free text needs it

    named = tuple(paths)
    return read_sheets(tuple(_sheet(path, path, importer_for(path)) for path in named), " + ".join(named))


def _sheet(origin: str | bytes, name: str, importer: Importer) -> Sheet:
    """One document, read in the worker that all documents of this process share."""
    from lynxspec.importers._decode import contents  # noqa: PLC0415 - only free text needs it

    if importer.parse is None:
        raise UnreadableInput(
            f"{name}: a claim file, and only free text can be read together", hint="lint it on its own"
        )
    return _reader().sheet(contents(origin, name, text=importer.name not in _BINARY), name, importer.name)


@cache
def _reader() -> Reader:
    """The worker, started by the first document and ended with this process."""
    from lynxspec.importers._untrusted import Reader  # noqa: PLC0415 - claims need no worker

    return Reader()


def importer_for(name: str) -> Importer:
    """The importer for a file of that name; standard input is a claim unless it was given a name."""
    lower = name.lower()
    fitting = [(len(end), i) for i in importers() for end in i.suffixes if lower.endswith(end)]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    if name == "-":
        return next(i for i in importers() if i.name == "claim_file")
    known = sorted({end for i in importers() for end in i.suffixes})
    raise UnreadableInput(f"{name}: of no kind that is known here", hint=f"names end in {', '.join(known)}")
