"""Readable text out of stretches of HTML: entities, white space and compatibility characters read, offsets kept."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import unescape

from lynxspec.importers._characters import Piece
from lynxspec.importers._inline import inline
from lynxspec.sheet import EMPTY, Text

LONGEST = 200_000
"""Characters of the source that one text may stand for; no paragraph and no cell is that long."""

_ENTITY = r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});?"

# letters that no normalization changes are left out: a match per character would be slow for Chinese and Korean
_OTHER = (
    "[\x00-\x08\x0e-\x1f\x7f-\xbe\u0132-\u0390\u03cf-\u040f\u0450-\u3040\u3097-\u30a0\u30fb-\u4dff\ua000-\uabff"
    "\ud7a4-\U0010ffff]"
)

_TOUCHED = re.compile(rf"[ \t\n\r\f\v]{{2,}}|[\t\n\r\f\v]|{_ENTITY}|{_OTHER}")
_TOUCHED_IN_CODE = re.compile(rf"\r\n?|{_ENTITY}|{_OTHER}")

_KEPT = ("<super>", "<fraction>", "<circle>")
"""Compatibility forms whose plain form says something else: 10³ is not 103, 2½ is not 21/2."""


@lru_cache(maxsize=8192)
def plain_character(character: str) -> str:
    """What a character is read as: itself, a plain form of it, a blank, or nothing."""
    if character.isspace():
        return " "
    if unicodedata.decomposition(character).startswith(_KEPT) and character not in "™℠":
        return character
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return inline(character, 0, 1, markup=False).text


class _Written:
    """Characters so far, as runs of characters whose offsets rise by one or stand still."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, int, bool]] = []
        self.blank = True
        """Whether another blank would be one too many."""

    def run(self, characters: str, offset: int) -> None:
        """Characters as they stand in the source."""
        if self.blank and characters[0] == " ":
            characters, offset = characters[1:], offset + 1
        if characters:
            self.runs.append((characters, offset, True))
            self.blank = characters[-1] == " "

    def put(self, characters: str, offset: int) -> None:
        """Characters that stand for those at ``offset``."""
        for character in characters:
            if character == " " and self.blank:
                continue
            self.runs.append((character, offset, True))
            self.blank = character == " "

    def text(self) -> Text:
        """What was written, without a blank at its end."""
        if self.runs and self.blank:
            last, offset, _ = self.runs.pop()
            if len(last) > 1:
                self.runs.append((last[:-1], offset, True))
        return _joined(self.runs)


def _joined(runs: Sequence[tuple[str, int, bool]]) -> Text:
    if not runs:
        return EMPTY
    text = "".join(run[0] for run in runs)
    first = runs[0][1]
    expected = first
    for characters, offset, rising in runs:
        if offset != expected or not (rising or len(characters) == 1):
            break
        expected += len(characters)
    else:
        return Text(text, range(first, expected))
    offsets = array("I")
    for characters, offset, rising in runs:
        offsets.extend(range(offset, offset + len(characters)) if rising else [offset] * len(characters))
    return Text(text, offsets)


def length(pieces: Iterable[Piece]) -> int:
    """How many characters of the source the pieces stand for."""
    return sum(end - start for start, end, _ in pieces)


def trimmed(text: str, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without white space before and behind them."""
    first, last = 0, len(pieces)
    while first < last and _is_blank(text, pieces[first]):
        first += 1
    while last > first and _is_blank(text, pieces[last - 1]):
        last -= 1
    kept = list(pieces[first:last])
    if kept and kept[-1][2] is None:
        start, end, _ = kept[-1]
        kept[-1] = (start, start + len(text[start:end].rstrip()), None)
    return kept


def _is_blank(text: str, piece: Piece) -> bool:
    start, end, literal = piece
    return not (text[start:end] if literal is None else literal).strip()


def shortened(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces as far as `LONGEST`."""
    if length(pieces) <= LONGEST:
        return pieces
    kept: list[Piece] = []
    room = LONGEST
    for start, end, literal in pieces:
        if room <= 0:
            break
        kept.append((start, min(end, start + room), literal))
        room -= end - start
    return kept


def plain(text: str, pieces: Sequence[Piece]) -> Text:
    """The pieces as a browser shows them: white space runs are single blanks, entities are characters."""
    written = _Written()
    for start, end, literal in shortened(pieces):
        if literal is not None:
            written.put(" " if literal == "\n" else literal, start)
            continue
        position = start
        for match in _TOUCHED.finditer(text, start, end):
            if match.start() > position:
                written.run(text[position : match.start()], position)
            _read(written, match[0], match.start())
            position = match.end()
        if end > position:
            written.run(text[position:end], position)
    return written.text()


def _read(written: _Written, found: str, offset: int) -> None:
    """Write what an entity, a white space run or a special character stands for."""
    if found[0] != "&":
        written.put(plain_character(found[0]), offset)
        return
    decoded = unescape(found)
    if decoded == found:
        written.run(found, offset)
    else:
        written.put("".join(plain_character(c) for c in decoded), offset)


def code(text: str, pieces: Sequence[Piece]) -> Text:
    """The pieces of a code block, with all blanks and line feeds but those around it."""
    runs: list[tuple[str, int, bool]] = []
    for start, end, literal in shortened(pieces):
        if literal is not None:
            runs.append((literal, start, False))
            continue
        position = start
        for match in _TOUCHED_IN_CODE.finditer(text, start, end):
            if match.start() > position:
                runs.append((text[position : match.start()], position, True))
            found = match[0]
            decoded = "\n" if found[0] == "\r" else unescape(found) if found[0] == "&" else plain_character(found)
            if decoded:
                runs.append((decoded, match.start(), False))
            position = match.end()
        if end > position:
            runs.append((text[position:end], position, True))
    whole = _joined(runs)
    first = len(whole.text) - len(whole.text.lstrip("\r\n"))
    return whole.slice(first, max(first, len(whole.text.rstrip())))


def through(text: str, pieces: Sequence[Piece]) -> Text:
    """The pieces with Markdown's inline markup read, which may start in one and end in another."""
    kept = shortened(pieces)
    if len(kept) == 1 and kept[0][2] is None:
        return inline(text, kept[0][0], kept[0][1])
    runs = [(text[s:e], s, True) if literal is None else (literal, s, False) for s, e, literal in kept]
    whole = _joined([run for run in runs if run[0]])
    read = inline(whole.text, 0, len(whole.text))
    return Text(read.text, array("I", [whole.at[i] for i in read.at]))
