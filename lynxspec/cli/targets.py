"""Which files a command line means: files as named, claims and spec sheets below folders, what a pattern matches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from glob import glob, has_magic
from pathlib import Path

from lynxspec.errors import UnreadableInput

CLAIMS = (".claim.yaml", ".claim.yml", ".claim.json")
"""Ends of the names of claims; these and sheets are collected from folders. A draft beside its sheet is not: it would
count the same document twice."""

SHEETS = (".md", ".markdown", ".html", ".htm", ".pdf", ".rst", ".csv", ".txt")
"""Ends of the names of spec sheets."""

STDIN = "-"


def targets(words: list[str]) -> tuple[str | UnreadableInput, ...]:
    """List each file once, in the order of the words; a word that means no file is an error in its place."""
    found: dict[str, str | UnreadableInput] = {}
    for word in words:
        files = tuple(_files(word))
        for file in files:
            found.setdefault(os.path.normpath(file), file)
        if not files:
            found[word] = _nothing(word)
    return tuple(found.values())


def _files(word: str) -> Iterator[str]:
    """Yield the files that one word means."""
    if word == STDIN or Path(word).is_file():
        yield word
    elif Path(word).is_dir():
        yield from _documents_below(word)
    elif has_magic(word):
        for match in sorted(glob(word, recursive=True)):  # noqa: PTH207 - pathlib's refuses absolute patterns
            yield from _documents_below(match) if Path(match).is_dir() else (match,)
    elif Path(word).exists():
        yield word  # a device or pipe, as in `lint <(generate)`; the reader limits it


def _documents_below(folder: str) -> Iterator[str]:
    """Yield claims and sheets in a folder and below it, without hidden folders and sheets, in a stable order."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str(Path(parent, name)) for name in sorted(files) if _is_document(name))


def _is_document(name: str) -> bool:
    """Whether a file of a folder is meant; ``._sheet.md`` is what some file systems leave behind, and is not."""
    lower = name.lower()
    return lower.endswith(CLAIMS) or (lower.endswith(SHEETS) and not lower.startswith("."))


def _nothing(word: str) -> UnreadableInput:
    """Say why a word means no file."""
    if Path(word).is_dir():
        ends = ", ".join((*CLAIMS, *SHEETS))
        return UnreadableInput(f"{word}: no claim and no spec sheet in this folder", hint=f"their names end in {ends}")
    if has_magic(word):
        return UnreadableInput(f"{word}: the pattern matches no file", hint="`**` matches folders at any depth")
    return UnreadableInput(f"{word}: no such file or folder", hint="check the path")
