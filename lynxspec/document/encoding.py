"""Bytes of a file, no more than the limit, as text."""

from __future__ import annotations

import codecs
from pathlib import Path

from lynxspec.document.builder import MAX_BYTES
from lynxspec.errors import HostileInput, UnreadableInput

_RESAVE = "save the file as UTF-8"


def read_limited(path: str | Path, *, source: str) -> bytes:
    """The file's bytes; one byte past the limit is enough to know that it is too large."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableInput(f"{source}: {reason}", hint="check the path and its permissions") from error


def decode(content: bytes, *, source: str) -> str:
    """UTF-8 with or without byte order mark, or UTF-16 with one; anything else is refused with its place."""
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise UnreadableInput(f"{source}: encoded as UTF-32, which claims are not", hint=_RESAVE)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content[:64]:
        raise HostileInput(f"{source}: a binary file, or UTF-16 without a byte order mark", hint=_RESAVE)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableInput(
            f"{source}:{_place(content, error)}: not valid {_NAMES[encoding]}", hint=_RESAVE
        ) from error
    return text.removeprefix("\ufeff")


_NAMES = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}


def _place(content: bytes, error: UnicodeDecodeError) -> str:
    """Line and column of the first byte that does not decode; for UTF-16 the byte offset."""
    if error.encoding.startswith(("utf-16", "utf16")):
        return f" byte {error.start + 1}"
    bom = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    before = content[bom:][: error.start] if error.start else b""
    line_start = before.rfind(b"\n") + 1
    line, column = before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1
    return f"{line}:{column}"
