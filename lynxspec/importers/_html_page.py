"""The blocks of an HTML page, read tag by tag without a tree, so that no page is nested too deep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lynxspec.importers._characters import Piece
from lynxspec.importers._grid import MAX_CELLS
from lynxspec.importers._html_context import (
    BLOCKS,
    HEADINGS,
    VOID_ELEMENTS,
    Context,
    Part,
    context_of,
    part_of,
    refers_to_note,
)
from lynxspec.importers._html_marks import read_raised
from lynxspec.importers._html_stack import Element, Stack
from lynxspec.importers._html_tables import CellDraft, Read, TableDraft, read_table
from lynxspec.importers._html_text import LONGEST, length
from lynxspec.importers._html_tokens import Token, attributes
from lynxspec.importers._html_writer import Writer
from lynxspec.sheet import Table, Text

MAX_CHARACTERS = 10_000_000
"""Of the text between the tags."""
MAX_TAGS = 1_000_000
MAX_NESTED_TABLES = 50
_ENDED: dict[Part, tuple[Part, ...]] = {
    "cell": ("cell", "caption"),
    "row": ("cell", "caption", "row"),
    "section": ("cell", "caption", "row", "section"),
    "caption": ("cell", "caption", "row", "section"),
}
"""Parts of a table that end where another begins."""
_LISTS = ("ol", "ul", "menu", "dir")
_LONG_ALTERNATIVE = 20
"""Characters from which the text that stands for an image says more than "logo"."""


class Page:
    """Reads one page, or an island of HTML within Markdown."""

    def __init__(self, text: str, read: Read, *, xml: bool = False) -> None:
        """``read`` makes pieces readable; ``xml`` says that ``<div/>`` is a whole element."""
        self.text = text
        self._reader = read
        self.xml = xml
        self.stack = Stack()
        self.writer = Writer(text)
        self.tables = self.writer.tables
        self.lists: list[int] = []
        """Numbers of the last items of the lists that are open; -1 for those without numbers."""
        self.title: Piece | None = None
        self.span_end = -1
        self.characters_left = MAX_CHARACTERS
        self.cells_left = MAX_CELLS
        self.cells_open = 0
        """Rows and cells that were begun."""
        self.skip = 0
        """Offset as far as tags and texts have been taken."""
        self.notes: dict[str, None] = {}

    @property
    def context(self) -> Context:
        """What holds for the text at hand."""
        return self.stack.context

    def read(self, text: str, pieces: Sequence[Piece]) -> Text:
        """The pieces as their reader sees them; a note tells if they are too many."""
        if length(pieces) > LONGEST:
            self.notes[f"a text of {length(pieces)} characters was read only as far as {LONGEST}"] = None
        return self._reader(text, pieces)

    def feed(self, tokens: Iterable[Token]) -> None:
        """Take all tags and texts, as far as the limits allow."""
        end = 0
        for count, token in enumerate(tokens):
            end = token.end
            if token.start < self.skip:
                continue
            if token.kind == "text":
                self._text(token)
            elif token.kind == "open":
                self._open(token)
            elif token.kind == "close":
                self._close(token)
            elif self.title is None and not self.stack.holds("svg"):
                self.title = (token.start, token.end, None)
            if self.writer.blocks_left <= 0 or self.characters_left <= 0 or count > MAX_TAGS:
                self.notes[f"only the first {token.end} characters of the page were read; it is too long"] = None
                break
        self._pop_to(0, end)
        self.writer.flush(self.context)

    # text

    def _text(self, token: Token) -> None:
        context = self.context
        if context.hidden:
            return
        start, end = token.start, token.end
        self.characters_left -= end - start
        if context.pre:
            self.writer.add_code((start, end, None), context)
        elif self.text[start : min(end, start + LONGEST)].isspace():
            self.writer.blank(start)
        else:
            self.writer.add((start, end, None), context)
            cell = self._cell()
            if cell is not None and not cell.plain and not self.stack.within("b", "strong", *HEADINGS):
                cell.plain = True

    def _cell(self) -> CellDraft | None:
        """The table cell that is open, if there is one."""
        if not self.writer.in_cell:
            return None
        rows = self.tables[-1].rows if self.tables else []
        return rows[-1].cells[-1] if rows and rows[-1].cells else None

    # tags

    def _open(self, token: Token) -> None:
        name = token.name
        if self.context.hidden and name in BLOCKS:
            self._imply(name, "", token.start)
        spans = {} if self.context.hidden else attributes(self.text, token)
        found = {key: self.text[start : min(end, start + 1000)] for key, (start, end) in spans.items()}
        if name in VOID_ELEMENTS:
            self._void(token, spans)
            return
        part = self._part(name, found)
        block = name in BLOCKS or part != ""
        if block:
            self._imply(name, part, token.start)
            self.writer.edge(token.start, self.context)
        elif self._inline(token, found):
            return
        context = context_of(token, part, found, self.context)
        if self.xml and token.closed:
            return
        # a hidden element ends with its end tag, whatever stands open in it
        hidden = context.hidden
        element = Element(name=name, block=block or hidden, part="" if hidden else part, context=context)
        if not self.stack.push(element):
            self.notes["elements nested very deep were read as if they were not nested"] = None
        elif not context.hidden:
            self._begin(element, token, found)

    def _part(self, name: str, found: Mapping[str, str]) -> Part:
        """The part of a table that an element is, as long as there are not too many."""
        part = "" if self.context.hidden else part_of(name, found, in_table=bool(self.tables))
        if part == "table" and len(self.tables) >= MAX_NESTED_TABLES:
            self.notes["tables nested in tables in tables were read as text"] = None
            return ""
        if part in {"row", "cell"}:
            self.cells_open += 1
            if self.cells_open > 2 * MAX_CELLS:
                self.notes["a table was cut; it is too large"] = None
                return ""
        return part

    def _inline(self, token: Token, found: Mapping[str, str]) -> bool:
        """What an element within a line does to it; whether that is all."""
        if self.context.hidden or self.context.pre:
            return False
        if token.name in {"sup", "sub"} or (token.name == "a" and refers_to_note(found)):
            return self._raised(token)
        if token.name == "span" and token.start == self.span_end:
            self._apart(token)
        return False

    def _imply(self, name: str, part: Part, offset: int) -> None:
        """Close what the standard says that this block ends: a paragraph, the last item, row or cell."""
        stack = self.stack
        if name == "li":
            self._pop_from(stack.index("li", above=("ul", "ol", "menu")), offset)
        elif name in {"dt", "dd"}:
            self._pop_from(max(stack.index("dt", above=("dl",)), stack.index("dd", above=("dl",))), offset)
        elif part in {"row", "section", "cell", "caption"}:
            for ended in _ENDED[part]:
                self._pop_from(stack.part_index(ended), offset)
        self._pop_from(stack.index("p"), offset)

    def _begin(self, element: Element, token: Token, found: Mapping[str, str]) -> None:
        """What the start of an element does besides changing the context."""
        name, part = element.name, element.part
        if part:
            self._begin_part(element, token, found)
        elif name == "pre":
            self.writer.end_code(self.context)
        elif name == "dl":
            self.writer.open_terms(self.context)
        elif name == "dt":
            self.writer.open_term()
        elif name == "dd":
            self.writer.fresh = True
        elif name in _LISTS:
            start = found.get("start", "1").strip()
            self.lists.append(
                int(start[:6]) - 1 if name == "ol" and start[:6].isdecimal() else (0 if name == "ol" else -1)
            )
        elif name == "li" and self.lists and self.lists[-1] >= 0:
            self.lists[-1] += 1
            self.stack.recontext(replace(self.context, ordinal=str(self.lists[-1])))

    def _begin_part(self, element: Element, token: Token, found: Mapping[str, str]) -> None:
        if element.part == "table":
            context = self.context
            self.writer.end_code(context)
            presentation = found.get("role", "").strip().lower() in {"presentation", "none"} or context.note
            self.tables.append(TableDraft(presentation=presentation, chrome=context.chrome, figure=context.figure))
            return
        table = self.tables[-1]
        if element.part == "section":
            table.open_section(element.name)
        elif element.part == "row":
            table.open_row(token.start, found)
        elif element.part == "cell":
            cell = table.open_cell(token, found, in_row=self.stack.part_index("row") >= 0)
            self.writer.open_terms(self.context)
            self.writer.sinks.append(cell.entries)

    def _void(self, token: Token, spans: Mapping[str, tuple[int, int]]) -> None:
        name, offset = token.name, token.start
        if self.context.hidden:
            return
        if name == "br":
            self.writer.line_break(offset, self.context)
        elif name == "hr":
            self.writer.edge(offset, self.context)
        elif name == "img" and "alt" in spans:
            start, end = spans["alt"]
            cell = self._cell()
            if end - start > _LONG_ALTERNATIVE:
                self.writer.add_alternative((start, end, None))
            if cell is not None and end > start:
                cell.alt = (start, end, None)

    def _raised(self, token: Token) -> bool:
        """Take a short raised or lowered text as a whole; false if it is none."""
        line = self.writer.line
        found = read_raised(self.text, token.start, base=self.writer.tail(), raised=token.name != "sub")
        if found is None:
            return False
        if found.mark and not line.inked and not self.writer.in_cell and self.context.heading is None:
            self.writer.mark = found.mark  # a paragraph that starts with a mark is the note
        else:
            line.pieces.extend(found.pieces)
            line.inked = True
        self.skip = found.end
        return True

    def _apart(self, token: Token) -> None:
        """A blank between two elements in a line that only the page's style keeps apart: ``Batch`` and ``8``."""
        last, first = self.writer.tail()[-1:], self.text[token.end : token.end + 1]
        if self.stack.holds("code"):
            return
        if (last.islower() and (first.isdigit() or first.isupper())) or (last in {":", ")"} and first.isalnum()):
            self.writer.blank(token.start)

    def _close(self, token: Token) -> None:
        name = token.name
        if name == "br":
            self._open(token)
            return
        if name == "span":
            self.span_end = token.end
        index = self.stack.closing(name)
        if index >= 0:
            self._pop_to(index + 1, token.start)
            self._pop(token.end)
        elif name in BLOCKS and not self.context.hidden:
            self.writer.edge(token.start, self.context)

    def _pop_from(self, index: int, offset: int) -> None:
        if index >= 0:
            self._pop_to(index, offset)

    def _pop_to(self, depth: int, offset: int) -> None:
        while len(self.stack) > depth:
            self._pop(offset)

    def _pop(self, offset: int) -> None:
        """Close the innermost element, which ends at ``offset``."""
        name, block, part, context = self.stack.top
        if block and not context.hidden:
            self.writer.edge(offset, self.context)
        self.stack.pop()
        if context.hidden:
            return
        if part:
            self._end_part(part, offset)
        elif name == "pre":
            self.writer.end_code(self.context, context.language)
        elif name == "dl":
            self.writer.close_terms(self.context)
        elif name in _LISTS:
            self.lists.pop()

    def _end_part(self, part: Part, offset: int) -> None:
        table = self.tables[-1]
        if part == "table":
            self.tables.pop()
            self._end_table(table)
        elif part == "section":
            table.open_section("")
        elif part == "row":
            table.close_row(offset)
        elif part == "cell":
            self.writer.close_terms(self.context)
            self.writer.sinks.pop()
            table.close_row(offset)

    def _end_table(self, table: TableDraft) -> None:
        entries, cut = read_table(self.text, table, self.read, room=self.cells_left)
        for entry in entries:
            if isinstance(entry.block, Table) and entry.block.rows:
                self.cells_left -= len(entry.block.rows) * len(entry.block.rows[0].cells)
        if cut:
            self.notes[f"{cut} rows of a table were left out; it is too large"] = None
        self.writer.sinks[-1].extend(entries)
