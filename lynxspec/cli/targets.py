"""Which files a command line means: files as named, claims below folders, what a pattern matches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from glob import glob, has_magic
from pathlib import Path

from lynxspec.errors import UnreadableInput

CLAIMS = (".claim.yaml", ".claim.yml", ".claim.json")
"""Ends of the names that are collected from folders."""

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
        yield from _claims_below(word)
    elif has_magic(word):
        for match in sorted(glob(word, recursive=True)):  # noqa: PTH207 - pathlib's refuses absolute patterns
            yield from _claims_below(match) if Path(match).is_dir() else (match,)
    elif Path(word).exists():
        yield word  # a device or pipe, as in `lint <(generate)`; the reader limits it


def _claims_below(folder: str) -> Iterator[str]:
    """Yield the claims in a folder and below it, without hidden folders, in a stable order."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str(Path(parent, name)) for name in sorted(files) if name.lower().endswith(CLAIMS))


def _nothing(word: str) -> UnreadableInput:
    """Say why a word means no file."""
    if Path(word).is_dir():
        return UnreadableInput(f"{word}: no claim in this folder", hint=f"claims end in {', '.join(CLAIMS)}")
    if has_magic(word):
        return UnreadableInput(f"{word}: the pattern matches no file", hint="`**` matches folders at any depth")
    return UnreadableInput(f"{word}: no such file or folder", hint="check the path")
