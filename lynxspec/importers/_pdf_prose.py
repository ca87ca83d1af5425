"""The blocks of a PDF: headings by their type, paragraphs and items by gaps and indents, code by its font."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from lynxspec.importers._footnotes import marks_in
from lynxspec.importers._grid import headed, header_rows
from lynxspec.importers._pdf_layout import Line, words_of
from lynxspec.importers._pdf_margins import Footnote, footnotes, leading_mark, marks_on, running_heads
from lynxspec.importers._pdf_tables import Grid
from lynxspec.importers._pdf_writing import Leaf, Readable, joined
from lynxspec.importers._surroundings import around_tables
from lynxspec.sheet import Block, Cell, Code, Heading, Prose, Row, Table

_LARGER = 1.12
"""Of the size of running text: type from this on is a heading's."""

_LEAST_PITCH, _MOST_PITCH = 0.95, 1.75
"""Between which the distance of two lines of running text lies, in font sizes."""

_LONGEST_HEADING = 160
_HEADING_LINES = 4

_BULLET = re.compile(r"[•▪●◦‣∙·■□➢►✓✔★-]\s+(?=\S)|[–—]\s+(?=\S)")
_NUMBERED = re.compile(r"(?:\d{1,2}[.)]|\(\d{1,2}\)|[a-z][.)]|\([a-z]\))\s+\S")
_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,2}){0,3}\.?|[A-Z]\.?|[IVX]{1,5}\.?")
_CAPTION = re.compile(
    r"(?:table|figure|fig\.|tab\.|tabelle|abbildung|图|表|표|그림)\s*\d{1,3}[a-z]?\s*(?:[.:|–—-]|$)", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?:;。！？：][\"')\]]*$")


class _Measures:
    """What is usual in a document."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        sizes: Counter[float] = Counter()
        bold = total = 0
        pitches: list[float] = []
        for leaf in leaves:
            for flow in leaf.flows:
                before: Line | None = None
                for item in flow:
                    if not isinstance(item, Line):
                        before = None
                        continue
                    characters = sum(len(run.text) for run in item.runs)
                    sizes[round(item.size * 2) / 2] += characters
                    total += characters
                    bold += characters if item.bold else 0
                    if before is not None and abs(before.size - item.size) < 0.3 and item.top > before.top:
                        pitches.append((item.bottom - before.bottom) / item.size)
                    before = item
        self.body = max(sizes, key=lambda size: (sizes[size], -size), default=10.0)
        """Font size of running text."""
        self.bold = bold > 0.5 * total
        """Whether running text is bold."""
        usual = Counter(round(pitch * 20) for pitch in pitches if _LEAST_PITCH <= pitch <= _MOST_PITCH)
        self.pitch = max(usual, key=lambda pitch: (usual[pitch], -pitch), default=24) / 20
        """Distance of neighbouring lines of a paragraph, in font sizes."""

    def heading(self, line: Line) -> bool:
        """Whether a line is set as a heading."""
        text = line.text
        if len(text) > _LONGEST_HEADING or sum(map(str.isalpha, text)) < 2 or line.mono:
            return False
        if line.size >= _LARGER * self.body:
            return True
        pieces = line.pieces()
        if len(pieces) > 2 or (len(pieces) == 2 and not _SECTION.fullmatch(words_of(pieces[0]))):
            return False
        emphatic = line.bold and not self.bold and line.size >= 0.95 * self.body
        return (
            emphatic and text[-1] not in ".,;" and not _BULLET.match(text) and leading_mark(text, frozenset()) is None
        )


class _Reader:
    """Reads the pages one after the other into blocks."""

    def __init__(self, readable: Readable, measures: _Measures) -> None:
        self.readable = readable
        self.measures = measures
        self.pages: list[list[Block]] = []
        self.notes: list[list[Block]] = []
        """Footnotes at the foot of each page."""
        self.styles: dict[int, tuple[float, bool]] = {}
        """Size and weight of headings, by `id` of the block."""
        self._open: list[Line] = []
        self._kind: Literal["paragraph", "item"] = "paragraph"
        self._page = 0
        self._left = self._right = 0.0
        self._room_before = 0.0
        """What was left free in the last line of the column or page before; below 0 if a usual word has no room."""
        self._fresh = False

    def page(self, leaf: Leaf, aside: set[int]) -> None:
        """Read a page, without the lines ``aside``."""
        self.pages.append([])
        marks = marks_on(leaf)
        tables: list[int] = []
        noted: list[Prose] = []
        for flow in leaf.flows:
            items = [item for item in flow if id(item) not in aside]
            end, notes = footnotes(items, self.measures.body, marks)
            self._flow(items[:end], tables)
            noted += [self._note(note) for note in notes]
        self.notes.append([*noted])
        self._annotate(tables, noted)

    def close(self) -> None:
        """End the open paragraph."""
        lines, self._open = self._open, []
        if not lines:
            return
        stretches = [(line.start, line.end) for line in lines]
        kind: Literal["paragraph", "item", "caption"] = self._kind
        text = self.readable.of(stretches)
        if kind == "item" and (bullet := _BULLET.match(text.text)):
            text = text.slice(bullet.end(), len(text.text))
        elif kind == "paragraph" and _CAPTION.match(text.text):
            kind = "caption"
        if text:
            self.pages[self._page].append(Prose(text=text, kind=kind))
        self._kind = "paragraph"

    def _annotate(self, tables: Sequence[int], notes: Sequence[Prose]) -> None:
        """Put a page's footnotes into the tables that carry their marks."""
        blocks = self.pages[-1]
        for index in tables:
            table = blocks[index]
            if isinstance(table, Table):
                marks = marks_in(table)
                blocks[index] = replace(table, notes=tuple(note for note in notes if note.mark in marks))

    def _note(self, note: Footnote) -> Prose:
        stretches = [(note.first, note.lines[0].end), *((line.start, line.end) for line in note.lines[1:])]
        return Prose(text=self.readable.of(stretches), kind="footnote", mark=note.mark)

    def _flow(self, items: Sequence[Line | Grid], tables: list[int]) -> None:
        lines = [item for item in items if isinstance(item, Line)]
        lines = [line for line in lines if line.size < _LARGER * self.measures.body and not line.mono] or lines
        if lines:
            if self._open:
                self._room_before = self._right - self._open[-1].right - 3 * self._open[-1].size
            self._left, self._right = min(line.left for line in lines), max(line.right for line in lines)
        self._fresh = True
        index = 0
        while index < len(items):
            item = items[index]
            if isinstance(item, Grid):
                self.close()
                tables.append(len(self.pages[-1]))
                self.pages[-1].append(self._table(item))
                index += 1
            elif item.mono:
                index = self._code(items, index)
            else:
                index = self._heading(items, index) or self._line(item, index)
            self._fresh = False

    def _table(self, grid: Grid) -> Table:
        cells: dict[int, Cell] = {}
        rows = []
        bold = []
        for row, (start, end) in zip(grid.rows, grid.starts, strict=True):
            for slot in row:
                if id(slot) not in cells:
                    text = self.readable.of([(line.start, line.end) for line in slot.lines])
                    cells[id(slot)] = Cell(text=text)
            rows.append(Row(cells=tuple(cells[id(slot)] for slot in row), start=start, end=end))
            lines = [line for slot in row for line in slot.lines]
            bold.append(bool(lines) and all(line.bold for line in lines))
        headers = header_rows(rows, marked=grid.marked, bold=bold)
        return Table(rows=headed(rows, headers), headers=headers, certain=grid.certain)

    def _code(self, items: Sequence[Line | Grid], index: int) -> int:
        """Read lines of a font of one width; the index behind them."""
        self.close()
        lines: list[list[Line]] = []
        while index < len(items) and isinstance(item := items[index], Line) and item.mono:
            if lines and self._is_wrapped(lines[-1][-1], item):
                lines[-1].append(item)
            else:
                lines.append([item])
            index += 1
        code = [self.readable.of([(line.start, line.end) for line in whole]) for whole in lines]
        self.pages[-1].append(Code(text=joined(code)))
        return index

    def _is_wrapped(self, before: Line, line: Line) -> bool:
        """Whether a line of code goes on in the next one only for want of room."""
        return before.right > self._left + 0.6 * (self._right - self._left) and not self._has_room(before, line)

    def _heading(self, items: Sequence[Line | Grid], index: int) -> int:
        """Read a heading; the index behind it, or 0 if there is none."""
        first = items[index]
        if not isinstance(first, Line) or not self.measures.heading(first):
            return 0
        above = self._open[-1] if self._open else None
        if (
            above is not None
            and abs(above.size - first.size) < 0.3
            and above.bold == first.bold
            and self._is_near(above, first)
        ):
            return 0
        lines = [first]
        for item in items[index + 1 : index + _HEADING_LINES]:
            alike = isinstance(item, Line) and abs(item.size - first.size) < 0.3 and item.bold == first.bold
            if not alike or not isinstance(item, Line) or not self._is_near(lines[-1], item):
                break
            if not self.measures.heading(item):
                return 0
            lines.append(item)
        behind = items[index + len(lines)] if index + len(lines) < len(items) else None
        if first.size < _LARGER * self.measures.body and isinstance(behind, Line):
            # bold words at the start of a paragraph
            goes_on = behind.text[:1].islower() or lines[-1].right > self._left + 0.9 * (self._right - self._left)
            if goes_on and self._is_near(lines[-1], behind):
                return 0
        if sum(len(line.text) for line in lines) > _LONGEST_HEADING:
            return 0
        self.close()
        heading = Heading(text=self.readable.of([(line.start, line.end) for line in lines]), level=1)
        self.pages[-1].append(heading)
        self.styles[id(heading)] = (round(first.size * 2) / 2, first.bold)
        return index + len(lines)

    def _is_near(self, one: Line, other: Line) -> bool:
        return 0 < other.bottom - one.bottom <= 1.25 * max(self.measures.pitch, 1.2) * other.size

    def _line(self, line: Line, index: int) -> int:
        """Read a line of running text; the index behind it."""
        starts_item = self._starts_item(line)
        if starts_item or not self._open or self._breaks(line):
            self.close()
            self._kind = "item" if starts_item else "paragraph"
            self._page = len(self.pages) - 1
        self._open.append(line)
        return index + 1

    def _starts_item(self, line: Line) -> bool:
        text = line.text
        if _BULLET.match(text):
            return True
        if not _NUMBERED.match(text):
            return False
        before = self._open[-1] if self._open else None
        return before is None or bool(_SENTENCE_END.search(before.text)) or not self._is_full(before)

    def _is_full(self, line: Line) -> bool:
        return line.right >= self._left + 0.9 * (self._right - self._left)

    def _breaks(self, line: Line) -> bool:
        """Whether a line starts a new paragraph."""
        before = self._open[-1]
        text = line.text
        ended = bool(_SENTENCE_END.search(before.text))
        goes_on = not ended and text[0].islower()
        if abs(line.size - before.size) > 0.06 * before.size or (line.bold != before.bold and not goes_on):
            return True
        if leading_mark(text, frozenset()) is not None:
            return True
        if self._fresh:  # the next column or page
            return not goes_on and (ended or self._room_before > 0)
        distance = (line.bottom - before.bottom) / line.size
        if distance <= 0 or distance > 1.2 * self.measures.pitch + 0.05:
            return True
        if self._kind == "item":
            return line.left < self._open[0].left - 0.3 * line.size
        return self._is_indented(line) or (not goes_on and self._has_room(before, line))

    def _is_indented(self, line: Line) -> bool:
        """Whether a line starts further right than the one before, or ends a stretch that did."""
        before, step = self._open[-1], 0.8 * line.size
        if line.left > self._left + step and before.left <= self._left + 0.5 * step:
            return True
        return len(self._open) > 1 and before.left > line.left + step

    def _has_room(self, before: Line, line: Line) -> bool:
        """Whether the first word of a line would have fitted into the one before, had its paragraph gone on."""
        word = line.runs[0]
        return before.right + word.right - word.left + 0.8 * line.size < self._right


def blocks(leaves: Sequence[Leaf], readable: Readable) -> tuple[Block, ...]:
    """The blocks of a document whose pages are written."""
    reader = _Reader(readable, _Measures(leaves))
    aside = running_heads(leaves)
    for leaf in leaves:
        reader.page(leaf, aside)
    reader.close()
    return tuple(_levelled(reader))


def _levelled(reader: _Reader) -> Iterator[Block]:
    """All blocks, with headings at their levels, and tables with what stands around them on their page."""
    body = reader.measures.body
    sizes = sorted({size for size, _ in reader.styles.values() if size >= _LARGER * body}, reverse=True)
    for page, notes in zip(reader.pages, reader.notes, strict=True):
        found = list(page)
        for i, block in enumerate(found):
            if isinstance(block, Heading):
                size, _ = reader.styles[id(block)]
                level = sizes.index(size) + 1 if size in sizes else len(sizes) + 1
                found[i] = replace(block, level=min(level, 6))
        yield from around_tables(found, reader.readable.text, {})
        yield from notes
