"""Text of an HTML page on its way into blocks: lines, definitions, code, footnote marks that wait for a note."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lynxspec.importers._characters import Piece
from lynxspec.importers._html_context import Context
from lynxspec.importers._html_tables import Entry, TableDraft
from lynxspec.importers._html_text import LONGEST, length, trimmed

MAX_BLOCKS = 100_000
"""Of a page; what stands in cells counts a quarter."""
_MAX_PIECES = 50_000
"""Stretches between tags that make one text."""
_MAX_TERM = 50
"""Stretches of a term that each of its definitions repeats."""
_MAX_LABEL = 10
_LABEL = re.compile(r"\s*[\[(]?([0-9]{1,3}|[*†‡§a-z]{1,2})[\])]?[.:]?\s*")


@dataclass(slots=True)
class Line:
    """The text since the last block began or ended."""

    pieces: list[Piece] = field(default_factory=list)
    inked: bool = False
    """Whether anything in it is to be read."""
    broken: bool = False
    """Whether a line break was the last thing in it."""


class Writer:
    """Collects text and makes entries of it; the context that comes with each call says of what kind."""

    def __init__(self, text: str) -> None:
        """Nothing is written yet."""
        self.text = text
        self.line = Line()
        self.sinks: list[list[Entry]] = [[]]
        """Entries of the page, and of the cells that are open."""
        self.tables: list[TableDraft] = []
        """Tables that are open."""
        self.mark = ""
        """A footnote mark that waits for its note."""
        self.fresh = False
        """Whether the definition that is open had no text yet."""
        self.blocks_left: float = MAX_BLOCKS
        self._code: list[Piece] = []
        self._terms: list[list[Piece]] = [[]]
        self._term_used = True
        self._alternatives: list[Piece] = []

    @property
    def in_cell(self) -> bool:
        """Whether a cell is open."""
        return len(self.sinks) > 1

    def tail(self) -> str:
        """The last characters of the line."""
        if not self.line.pieces:
            return ""
        start, end, literal = self.line.pieces[-1]
        return self.text[max(start, end - 12) : end] if literal is None else literal

    def add(self, piece: Piece, context: Context) -> None:
        """Go on with the line."""
        if len(self.line.pieces) > _MAX_PIECES:
            self.flush(context)
        self.line.pieces.append(piece)
        self.line.inked = True
        self.line.broken = False

    def blank(self, offset: int) -> None:
        """A blank, unless one stands there already."""
        if self.line.pieces and self.line.pieces[-1][2] != " ":
            self.line.pieces.append((offset, offset, " "))

    def line_break(self, offset: int, context: Context) -> None:
        """A line break is a blank; two of them end a paragraph."""
        if context.pre:
            self._code.append((offset, offset, "\n"))
        elif self.line.broken and not self.in_cell and context.heading is None:
            self.flush(context)
        elif self.line.pieces:
            self.blank(offset)
            self.line.broken = True

    def add_code(self, piece: Piece, context: Context) -> None:
        """Go on with a code block."""
        if len(self._code) > _MAX_PIECES:
            self.end_code(context, context.language)
        self._code.append(piece)

    def end_code(self, context: Context, language: str = "") -> None:
        """What was code so far is a block."""
        if self._code:
            self._emit(Entry(kind="code", pieces=self._code, language=language), context)
        self._code = []

    def add_alternative(self, piece: Piece) -> None:
        """The text that stands for an image comes behind the line that the image is in."""
        if len(self._alternatives) < _MAX_TERM:
            self._alternatives.append(piece)

    def edge(self, offset: int, context: Context) -> None:
        """Where a block begins or ends: what stands before it is a block of its own."""
        if not context.pre:
            self.flush(context)
        elif self._code and not self.text.endswith("\n", 0, self._code[-1][1]):
            self._code.append((offset, offset, "\n"))

    def flush(self, context: Context) -> None:
        """End the line."""
        line, self.line = self.line, Line()
        if line.inked:
            self._place(trimmed(self.text, line.pieces), context)
        for piece in self._alternatives:
            self._emit(Entry(kind="alt", pieces=[piece]), context)
        self._alternatives.clear()

    def open_terms(self, context: Context) -> None:
        """A list of definitions begins."""
        self._orphans(context)
        self._terms.append([])

    def open_term(self) -> None:
        """A term begins; several in a row share what defines them."""
        if self._term_used:
            self._terms[-1], self._term_used = [], False

    def close_terms(self, context: Context) -> None:
        """A list of definitions ends."""
        self._orphans(context)
        self._terms.pop()

    def _orphans(self, context: Context) -> None:
        """Terms that nothing defines."""
        if self._terms[-1] and not self._term_used:
            self._emit(Entry(kind="prose", pieces=self._terms[-1], prose="item"), context)
        self._terms[-1], self._term_used = [], True

    def _place(self, pieces: list[Piece], context: Context) -> None:
        """Put a line where its element wants it."""
        if not pieces:
            return
        if context.place == "caption" and self.tables:
            caption = self.tables[-1].caption
            if len(caption) < _MAX_TERM:
                caption += _joined(caption, " ", pieces)
        elif context.place == "dt" and len(self._terms[-1]) < _MAX_TERM:
            self._terms[-1] += _joined(self._terms[-1], ", ", pieces)
        elif context.note and not self.mark and (label := self._label(pieces)):
            self.mark = label
        elif context.place == "dd" and self.fresh and self._terms[-1]:
            self.fresh = False
            self._emit(self._made(self._defined(pieces, context), context), context)
        else:
            self._emit(self._made(pieces, context), context)

    def _label(self, pieces: list[Piece]) -> str:
        """The mark, if a line within a footnote is nothing else."""
        if length(pieces) > _MAX_LABEL:
            return ""
        words = "".join(self.text[start:end] if literal is None else literal for start, end, literal in pieces)
        match = _LABEL.fullmatch(words)
        return match[1] if match else ""

    def _made(self, pieces: list[Piece], context: Context) -> Entry:
        if context.heading is not None and not context.heading.spent:
            context.heading.spent = True
            return Entry(kind="heading", pieces=pieces, level=context.heading.level)
        mark, self.mark = self.mark, ""
        kind = "footnote" if mark or context.note else context.kind
        return Entry(kind="prose", pieces=pieces, prose=kind, mark=mark, ordinal=context.ordinal)

    def _defined(self, pieces: list[Piece], context: Context) -> list[Piece]:
        """A definition behind its term."""
        term = self._terms[-1]
        if length(term) > LONGEST // 100 or len(term) >= _MAX_TERM:
            self._orphans(context)
            return pieces
        self._term_used = True
        colon = self.text.endswith(":", 0, term[-1][1])
        return [*term, *_joined(term, " " if colon else ": ", pieces)]

    def _emit(self, entry: Entry, context: Context) -> None:
        entry.chrome, entry.figure = context.chrome, context.figure
        self.blocks_left -= 0.25 if self.in_cell else 1
        self.sinks[-1].append(entry)


def _joined(before: list[Piece], joint: str, pieces: list[Piece]) -> list[Piece]:
    """The pieces, with a joint in front if something stands before them."""
    return [(before[-1][1] - 1, before[-1][1] - 1, joint), *pieces] if before else pieces
