"""Blocks cut into pieces that are read at once: sentences, table rows, headings, code lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from lynxspec.sheet import Block, Cell, Code, Heading, Prose, Row, Table, Text

MAX_LENGTH = 4_000
"""Characters of a unit; a longer sentence, line or row is none that anybody wrote, and is read in pieces."""

Kind = Literal["heading", "sentence", "caption", "footnote", "header", "row", "code", "meta"]

_SENTENCE_END = re.compile(
    r"(?<=[.!?;])(?<![ (.]e\.g\.)(?<![ (.]i\.e\.)(?<!\bvs\.)(?<!\bv\.s\.)(?<!\bapprox\.)(?<!\bFig\.)(?<!\bNo\.)"
    r"(?<!\bcf\.)(?<!\betc\.)[\"')\]]* +(?=[\"'(\[*\-]*[A-Z0-9À-Þ\u3040-\u9fff\uac00-\ud7a3])|(?<=[。！？；])"
    r"|(?<=[다요]\.) "
)


Piece = tuple[Kind, Text, Row | None]
"""What becomes a unit: its kind, its words, and its row in a table."""


def pieces(block: Block) -> Iterator[Piece]:
    """The units of one block in order, the overlong ones cut."""
    for kind, text, row in _whole(block):
        if len(text.text) <= MAX_LENGTH:
            yield kind, text, row
            continue
        for start in range(0, len(text.text), MAX_LENGTH):
            yield kind, text.slice(start, start + MAX_LENGTH), row


def _whole(block: Block) -> Iterator[Piece]:
    if isinstance(block, Heading):
        yield "heading", block.text, None
    elif isinstance(block, Code):
        yield from ((("meta" if block.front_matter else "code"), line, None) for line in _lines(block.text))
    elif isinstance(block, Table):
        if block.caption:
            yield "caption", block.caption, None
        for i, row in enumerate(block.rows):
            text = joined(row.cells)
            if text:
                yield ("header" if i < block.headers else "row"), text, row
    else:
        kinds: dict[str, Kind] = {"footnote": "footnote", "caption": "caption"}
        yield from ((kinds.get(block.kind, "sentence"), s, None) for s in _sentences(block))


def _sentences(block: Prose) -> Iterator[Text]:
    start = 0
    for match in _SENTENCE_END.finditer(block.text.text):
        if match.start() > start:
            yield block.text.slice(start, match.start())
        start = match.end()
    if start < len(block.text.text):
        yield block.text.slice(start, len(block.text.text))


def _lines(text: Text) -> Iterator[Text]:
    start = 0
    for line in text.text.split("\n"):
        stripped = line.strip()
        if stripped:
            first = start + line.index(stripped)
            yield text.slice(first, first + len(stripped))
        start += len(line) + 1


def joined(cells: tuple[Cell, ...], mark: str = " | ") -> Text:
    """The cells of a row as one text; a cell that spans columns once."""
    parts: list[str] = []
    offsets: list[int] = []
    last: Cell | None = None
    for cell in cells:
        if cell is last or not cell.text:
            continue
        if parts:
            parts.append(mark)
            offsets.extend([cell.text.start] * len(mark))
        parts.append(cell.text.text)
        offsets.extend(cell.text.at)
        last = cell
    return Text("".join(parts), offsets)
