"""A spec sheet as its reader sees it: blocks of text and tables, every character tied to its place in the source.

Importers make a `Sheet` from a file; `lynxspec.extraction` reads it, and no longer knows which format it was.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from lynxspec.location import Span

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in points from the page's top left corner."""


@dataclass(frozen=True, slots=True)
class Text:
    """Readable characters, and for each of them the offset in `Sheet.text` of the character that it stands for.

    Markup is gone and whitespace runs are single blanks; ligatures, full-width letters, thin spaces and the many minus
    signs are plain characters. Offsets never fall.
    """

    text: str
    at: Sequence[int]

    def __post_init__(self) -> None:
        """Refuse a text whose offsets do not fit."""
        if len(self.text) != len(self.at):
            raise ValueError(f"{len(self.text)} characters with {len(self.at)} offsets")

    def __bool__(self) -> bool:
        """Whether there is anything to read."""
        return bool(self.text)

    def slice(self, start: int, end: int) -> Text:
        """The characters from ``start`` to before ``end``."""
        return Text(self.text[start:end], self.at[start:end])

    @property
    def start(self) -> int:
        """Offset of the first character in the source; 0 for an empty text."""
        return self.at[0] if self.at else 0

    @property
    def end(self) -> int:
        """Offset behind the last character in the source."""
        return self.at[-1] + 1 if self.at else 0


EMPTY = Text("", ())

_LINE_FEED = re.compile("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading; level 1 is the title."""

    text: Text
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A paragraph, list item, block quote, footnote, caption or definition."""

    text: Text
    kind: Literal["paragraph", "item", "quote", "footnote", "caption"] = "paragraph"
    mark: str = ""
    """What refers to a footnote: ``1``, ``*``, ``†``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell; one that spans rows or columns stands in all of them, as the same object."""

    text: Text
    header: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table, as wide as the table."""

    cells: tuple[Cell, ...]
    start: int
    """Offset of the row in the source."""
    end: int
    """Offset behind the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A grid of cells."""

    rows: tuple[Row, ...]
    headers: int
    """How many rows at the top name the columns; 0 if none does."""
    caption: Text = EMPTY
    notes: tuple[Prose, ...] = ()
    """Footnotes that belong to this table."""
    certain: bool = True
    """Whether the source marks it as a table; false where its columns were guessed from positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code block, shell line, log, or configuration; also the front matter of Markdown, as ``yaml``."""

    text: Text
    """With its line feeds."""
    language: str = ""
    front_matter: bool = False


Block = Heading | Prose | Table | Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word on a page of a PDF."""

    start: int
    """Offset in `Sheet.text`."""
    end: int
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a PDF."""

    number: int
    """From 1."""
    start: int
    """Offset of its first character in `Sheet.text`."""
    width: float
    """In points."""
    height: float
    """In points."""
    words: tuple[Word, ...] = ()
    """In the order of `Sheet.text`."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A document of free text."""

    source: str
    """File name as given."""
    format: Literal["markdown", "html", "rst", "csv", "text", "pdf"]
    text: str
    """The decoded file, or what was read off the pages of a PDF."""
    blocks: tuple[Block, ...]
    """In reading order."""
    pages: tuple[Page, ...] = ()
    """For PDFs."""
    sha256: str = ""
    """Of the file's bytes."""
    notes: tuple[str, ...] = field(default=())
    """What could not be read, in words for people: a page that is only an image, a table cut short."""

    @cached_property
    def _lines(self) -> tuple[int, ...]:
        """Offset of each line's first character."""
        return (0, *[feed.end() for feed in _LINE_FEED.finditer(self.text)])

    def span(self, start: int, end: int) -> Span:
        """Where the characters from ``start`` to before ``end`` stand: lines and columns, or page and box."""
        if self.pages:
            return self._span_on_page(start, end)
        line = bisect_right(self._lines, start)
        last = bisect_right(self._lines, max(start, end - 1))
        return Span(
            line=line,
            column=start - self._lines[line - 1] + 1,
            end_line=last,
            end_column=max(start, end - 1) - self._lines[last - 1] + 1,
        )

    def _span_on_page(self, start: int, end: int) -> Span:
        page = self.pages[max(0, bisect_right(self.pages, start, key=lambda page: page.start) - 1)]
        # words stand in the order of the text, and none in another
        first = bisect_right(page.words, start, key=lambda word: word.end)
        last = bisect_left(page.words, end, key=lambda word: word.start)
        boxes = [word.box for word in page.words[first:last]]
        if not boxes:
            return Span(page=page.number)
        left, top, right, bottom = zip(*boxes, strict=True)
        return Span(page=page.number, bbox=(min(left), min(top), max(right), max(bottom)))

    @cached_property
    def _tables(self) -> tuple[Table, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Table))

    def tables(self) -> Iterator[Table]:
        """All tables, in reading order."""
        return iter(self._tables)
