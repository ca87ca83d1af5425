"""Lines of a reStructuredText file, and the readable text of stretches of them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from lynxspec.importers._inline import inline, inline_lines
from lynxspec.sheet import EMPTY, Text

Stretch = tuple[int, int]

LONGEST = 200_000
"""Characters that one text may have; no paragraph and no cell is that long."""

BULLET = re.compile(r"[*+\-•‣⁃](?:[ \t]+|$)")

_TAB = 8
_REFERENCE = re.compile(r"(?<=[A-Za-z0-9])(_{1,2})(?=$|[\s'\")\]}>.,:;!?/-])")
_CELL_MARK = re.compile(r"\|(?:\s+|$)|[*+\-•]\s+(?=\S)")
_SILENT = re.compile(r"\.\.(?:\s|$)|\\$")
_OPTION = re.compile(r":[\w-]+:(?:\s|$)")


class Line(NamedTuple):
    """A line without its line feed."""

    start: int
    first: int
    """Offset of the first character that is not blank; ``end`` for a blank line."""
    end: int
    """Offset behind the last character that is not blank."""
    indent: int
    """Columns before ``first``."""

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it."""
        return self.first >= self.end


def lines_of(text: str) -> list[Line]:
    """All lines; ``text`` has line feeds only."""
    lines: list[Line] = []
    start = 0
    for raw in text.split("\n"):
        right = raw.rstrip()
        left = right.lstrip()
        first = start + len(right) - len(left)
        before = right[: len(right) - len(left)]
        indent = len(before.expandtabs(_TAB)) if "\t" in before else len(before)
        lines.append(Line(start, first if left else start, start + len(right), indent if left else 0))
        start += len(raw) + 1
    return lines


def read_stretches(text: str, stretches: Sequence[Stretch], *, joint: str = "\n") -> Text:
    """Stretches of the source as one text, read as far as `LONGEST`."""
    kept: list[Stretch] = []
    room = LONGEST
    for start, end in stretches:
        if end > start and room > 0:
            kept.append((start, min(end, start + room)))
            room -= end - start
    if not kept:
        return EMPTY
    read = inline(text, *kept[0]) if len(kept) == 1 else inline_lines(text, kept, joint=joint)
    return _without_references(text, kept, read)


def _without_references(text: str, stretches: Sequence[Stretch], read: Text) -> Text:
    """The words without the underscore that makes a link of a single word."""
    marks = {
        offset
        for start, end in stretches
        for match in _REFERENCE.finditer(text, start, end)
        for offset in range(*match.span(1))
    }
    kept = [i for i, offset in enumerate(read.at) if offset not in marks or read.text[i] != "_"] if marks else []
    if not marks or len(kept) == len(read.text):
        return read
    return Text("".join(read.text[i] for i in kept), array("I", [read.at[i] for i in kept]))


def read_cell(text: str, stretches: Sequence[Stretch]) -> Text:
    """The lines of a cell, without the marks of line blocks, lists and directives in it."""
    kept: list[Stretch] = []
    silent = False
    for start, end in stretches:
        words = text[start:end]
        first = start + len(words) - len(words.lstrip())
        words = words.strip()
        if not words:
            continue
        if _SILENT.match(words) or (silent and _OPTION.match(words)):
            silent = True
            continue
        silent = False
        mark = _CELL_MARK.match(words)
        kept.append((first + (mark.end() if mark else 0), first + len(words)))
    return read_stretches(text, kept)


def read_code(text: str, lines: Sequence[Line]) -> Text:
    """Lines of a literal block, without the indentation that all of them have."""
    first, last = 0, len(lines)
    while first < last and lines[first].blank:
        first += 1
    while last > first and lines[last - 1].blank:
        last -= 1
    told = lines[first:last]
    if not told:
        return EMPTY
    margin = min(line.indent for line in told if not line.blank)
    parts: list[str] = []
    offsets = array("I")
    for line in told:
        start = _behind_margin(text, line, margin)
        if parts:
            parts.append("\n")
            offsets.append(max(offsets[-1], line.start - 1))
        parts.append(text[start : line.end])
        offsets.extend(range(start, line.end))
        if len(offsets) > LONGEST:
            break
    return Text("".join(parts)[:LONGEST], offsets[:LONGEST])


def _behind_margin(text: str, line: Line, margin: int) -> int:
    """Offset of the first character of a line behind ``margin`` columns of blanks."""
    position, column = line.start, 0
    while position < line.first and column < margin:
        column += _TAB - column % _TAB if text[position] == "\t" else 1
        position += 1
    return position
