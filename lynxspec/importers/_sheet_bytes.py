"""A `Sheet` as bytes and back; whoever reads them need not trust who wrote them.

Four parts behind their lengths: JSON, runs of offsets (first offset, count), words (start, end), boxes of words.
"""

from __future__ import annotations

import json
import math
import struct
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

from lynxspec.sheet import EMPTY, Block, Box, Cell, Code, Heading, Page, Prose, Row, Sheet, Table, Text, Word

_LENGTHS = struct.Struct("<4Q")
_FORMATS = frozenset({"markdown", "html", "rst", "csv", "text", "pdf"})
_KINDS = frozenset({"paragraph", "item", "quote", "footnote", "caption"})

_Json = Any
"""What JSON may hold."""


class _Writer:
    """Writes blocks as JSON, and the offsets of their texts as runs."""

    def __init__(self) -> None:
        self.runs = array("I")

    def text(self, text: Text) -> _Json:
        """The characters and how many runs of offsets they take."""
        at = text.at
        if not text.text:
            return ["", 0]
        if isinstance(at, range) and at.step == 1:
            self.runs.extend((at.start, len(at)))
            return [text.text, 1]
        cuts = [0, *(i for i, (a, b) in enumerate(pairwise(at), 1) if b - a != 1), len(at)]
        for first, last in pairwise(cuts):
            self.runs.extend((at[first], last - first))
        return [text.text, len(cuts) - 1]

    def block(self, block: Block) -> _Json:
        if isinstance(block, Heading):
            return ["heading", self.text(block.text), block.level]
        if isinstance(block, Prose):
            return ["prose", self.text(block.text), block.kind, block.mark]
        if isinstance(block, Code):
            return ["code", self.text(block.text), block.language, block.front_matter]
        return self._table(block)

    def _table(self, table: Table) -> _Json:
        cells: dict[int, int] = {}
        written: list[_Json] = []
        rows: list[_Json] = []
        for row in table.rows:
            indices = []
            for cell in row.cells:
                if id(cell) not in cells:
                    cells[id(cell)] = len(written)
                    written.append([*self.text(cell.text), cell.header])
                indices.append(cells[id(cell)])
            rows.append([indices, row.start, row.end])
        caption = self.text(table.caption)
        notes = [self.block(note) for note in table.notes]
        return ["table", written, rows, table.headers, caption, notes, table.certain]


def to_bytes(sheet: Sheet) -> bytes:
    """The sheet as bytes."""
    writer = _Writer()
    blocks = [writer.block(block) for block in sheet.blocks]
    words, boxes = array("I"), array("d")
    for page in sheet.pages:
        for word in page.words:
            words.extend((word.start, word.end))
            boxes.extend(word.box)
    told = {
        "source": sheet.source,
        "format": sheet.format,
        "text": sheet.text,
        "blocks": blocks,
        "pages": [[page.number, page.start, page.width, page.height, len(page.words)] for page in sheet.pages],
        "sha256": sheet.sha256,
        "notes": sheet.notes,
    }
    head = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    parts = (head, writer.runs.tobytes(), words.tobytes(), boxes.tobytes())
    return _LENGTHS.pack(*map(len, parts)) + b"".join(parts)


def from_bytes(data: bytes | bytearray | memoryview) -> Sheet:
    """The sheet that the bytes give. Raises `ValueError` if they give none."""
    try:
        return _sheet(memoryview(data))
    except (TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, struct.error) as error:
        raise ValueError(f"no sheet: {error}") from error


def _sheet(data: memoryview) -> Sheet:
    lengths = _LENGTHS.unpack(data[: _LENGTHS.size])
    if sum(lengths) != len(data) - _LENGTHS.size:
        raise ValueError("no sheet: the lengths of its parts are wrong")
    parts: list[memoryview] = []
    position = _LENGTHS.size
    for length in lengths:
        parts.append(data[position : position + length])
        position += length
    told = json.loads(bytes(parts[0]).decode("utf-8", "surrogatepass"))
    text = _string(told["text"])
    reader = _Reader(text, _numbers("I", parts[1]))
    blocks = tuple(reader.block(block) for block in _list(told["blocks"]))
    pages = tuple(_pages(_list(told["pages"]), _numbers("I", parts[2]), _numbers("d", parts[3]), len(text)))
    form = told["format"]
    if form not in _FORMATS:
        raise ValueError("no sheet: an unknown format")
    return Sheet(
        source=_string(told["source"]),
        format=form,
        text=text,
        blocks=blocks,
        pages=pages,
        sha256=_string(told["sha256"]),
        notes=tuple(_string(note) for note in _list(told["notes"])),
    )


def _numbers(kind: str, part: memoryview) -> array[Any]:
    numbers = array(kind)
    numbers.frombytes(part)
    return numbers


def _string(value: _Json) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is something else")
    return value


def _list(value: _Json) -> list[_Json]:
    if not isinstance(value, list):
        raise TypeError("a list is something else")
    return value


def _flag(value: _Json) -> bool:
    if not isinstance(value, bool):
        raise TypeError("a flag is something else")
    return value


def _number(value: _Json, last: int) -> int:
    """A whole number from 0 to ``last``."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= last:
        raise ValueError("no sheet: a number is out of range")
    return value


def _pages(told: Sequence[_Json], words: Sequence[int], boxes: Sequence[float], length: int) -> Iterator[Page]:
    """The pages with their words, which stand in the order of the text."""
    if 2 * len(words) != len(boxes) or not all(map(math.isfinite, boxes)):
        raise ValueError("no sheet: words and boxes do not fit")
    starts, numbers = iter(words), iter(boxes)
    before = left = 0
    for number, start, width, height, count in told:
        made: list[Word] = []
        for _ in range(_number(count, len(words) // 2 - left)):
            first, last = next(starts), next(starts)
            if not before <= first <= last <= length:
                raise ValueError("no sheet: a word lies outside of the text")
            before = first
            made.append(Word(start=first, end=last, box=_box(numbers)))
        left += len(made)
        yield Page(
            number=_number(number, 10**6),
            start=_number(start, length),
            width=_size(width),
            height=_size(height),
            words=tuple(made),
        )
    if 2 * left != len(words):
        raise ValueError("no sheet: words without a page")


def _box(numbers: Iterator[float]) -> Box:
    left, top, right, bottom = islice(numbers, 4)
    return left, top, right, bottom


def _size(value: _Json) -> float:
    size = float(value)
    if not math.isfinite(size):
        raise ValueError("no sheet: a page without a size")
    return size


class _Reader:
    """Makes blocks of JSON and runs of offsets."""

    def __init__(self, text: str, runs: Sequence[int]) -> None:
        self.length = len(text)
        self.runs = iter(runs)

    def text(self, told: _Json) -> Text:
        """The text with its offsets, which never fall and lie in the source."""
        string, count = told
        _string(string)
        if not string:
            return EMPTY
        end = 0
        total = 0
        stretches: list[range] = []
        for _ in range(_number(count, len(string))):
            start, length = next(self.runs, 0), next(self.runs, 0)
            last = start + length
            if not length or start + 1 < end or last > self.length:
                raise ValueError("no sheet: offsets that fall or lie outside of the text")
            end = last
            total += length
            stretches.append(range(start, last))
        if total != len(string):
            raise ValueError("no sheet: characters without offsets")
        if len(stretches) == 1:
            return Text(string, stretches[0])
        at = array("I")
        for stretch in stretches:
            at.extend(stretch)
        return Text(string, at)

    def block(self, told: _Json) -> Block:
        kind, *rest = _list(told)
        if kind == "heading":
            text, level = rest
            return Heading(text=self.text(text), level=_number(level, 100))
        if kind == "prose":
            return self._prose(rest)
        if kind == "code":
            text, language, front = rest
            return Code(text=self.text(text), language=_string(language), front_matter=_flag(front))
        if kind == "table":
            return self._table(rest)
        raise ValueError("no sheet: an unknown block")

    def _prose(self, rest: Sequence[_Json]) -> Prose:
        text, kind, mark = rest
        if kind not in _KINDS:
            raise ValueError("no sheet: an unknown kind of prose")
        return Prose(text=self.text(text), kind=kind, mark=_string(mark))

    def _table(self, rest: Sequence[_Json]) -> Table:
        written, told, headers, caption, notes, certain = rest
        cells = [
            Cell(text=self.text([string, count]), header=_flag(header)) for string, count, header in _list(written)
        ]
        rows = tuple(
            Row(
                cells=tuple(cells[_number(index, len(cells) - 1)] for index in _list(indices)),
                start=_number(start, self.length),
                end=_number(end, self.length),
            )
            for indices, start, end in _list(told)
        )
        return Table(
            rows=rows,
            headers=_number(headers, len(rows)),
            caption=self.text(caption),
            notes=tuple(self._prose(_list(note)[1:]) for note in _list(notes)),
            certain=_flag(certain),
        )
