"""A reStructuredText file while it is read: its lines, the bodies that are open, the blocks so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lynxspec.importers._grid import MAX_CELLS, PlacedRow
from lynxspec.importers._rst_lines import LONGEST, Line, Stretch, read_code, read_stretches
from lynxspec.importers._rst_tables import table_of
from lynxspec.sheet import EMPTY, Block, Code, Prose, Text

ProseKind = Literal["paragraph", "item", "quote", "footnote", "caption"]


@dataclass(slots=True)
class Scope:
    """The body of an item, directive or quote."""

    floor: int
    """Columns before its text, at least."""
    indent: int | None
    """Columns before its paragraphs, once the first is known."""
    kind: ProseKind
    """Of its paragraphs."""


@dataclass(slots=True)
class Document:
    """A file while it is read."""

    text: str
    lines: Sequence[Line]
    blocks: list[Block] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=lambda: [Scope(0, None, "paragraph")])
    ordinals: dict[int, str] = field(default_factory=dict)
    """Numbers of list items, by index of their block."""
    levels: dict[tuple[str, bool], int] = field(default_factory=dict)
    caption: Text = EMPTY
    """Of the table that comes next."""
    room: int = MAX_CELLS
    notes: dict[str, None] = field(default_factory=dict)

    def words(self, index: int) -> str:
        """A line without the blanks around it."""
        line = self.lines[index]
        return self.text[line.first : line.end]

    def told(self, index: int) -> bool:
        """Whether there is such a line and it is not blank."""
        return index < len(self.lines) and not self.lines[index].blank

    def body_end(self, index: int, indent: int) -> int:
        """The line behind all that is indented deeper than ``indent``, from ``index`` on."""
        stop = index
        for i in range(index, len(self.lines)):
            if not self.lines[i].blank:
                if self.lines[i].indent <= indent:
                    break
                stop = i + 1
        return stop

    def paragraph_end(self, index: int, floor: int) -> int:
        """The line behind those that go on with a paragraph, from ``index`` on."""
        while self.told(index) and self.lines[index].indent >= floor:
            index += 1
        return index

    def read(self, stretches: Sequence[Stretch], *, joint: str = "\n") -> Text:
        """The words of a text in stretches of the source."""
        if sum(end - start for start, end in stretches) > LONGEST:
            self.notes[f"a text was read only as far as its first {LONGEST} characters"] = None
        return read_stretches(self.text, stretches, joint=joint)

    def prose(self, stretches: Sequence[Stretch], kind: ProseKind, *, mark: str = "", joint: str = "\n") -> None:
        """Add a paragraph."""
        text = self.read(stretches, joint=joint)
        if text:
            self.blocks.append(Prose(text=text, kind=kind, mark=mark))

    def code(self, first: int, last: int, language: str = "") -> None:
        """Add the lines of a literal block."""
        text = read_code(self.text, self.lines[first:last])
        if text:
            self.blocks.append(Code(text=text, language=language))

    def table(self, rows: Sequence[PlacedRow], *, headers: int, stubs: int = 0, caption: Text = EMPTY) -> None:
        """Add a table."""
        made, cut = table_of(rows, headers=headers, stubs=stubs, room=self.room, caption=caption or self.caption)
        self.caption = EMPTY
        if cut:
            self.notes[f"{cut} rows of a table were left out; it is too large"] = None
        if made is not None:
            self.room -= len(made.rows) * len(made.rows[0].cells)
            self.blocks.append(made)

    def enter(self, floor: int, indent: int | None, kind: ProseKind) -> None:
        """Begin the body of an item or directive."""
        self.scopes.append(Scope(floor, indent, kind))

    def kind_at(self, indent: int) -> ProseKind:
        """What a paragraph is that begins behind so many columns: deeper than its neighbours, it is a quote."""
        scope = self.scopes[-1]
        if scope.indent is None or indent < scope.indent:
            scope.indent = indent
        elif indent > scope.indent:
            scope = Scope(indent, indent, "quote")
            self.scopes.append(scope)
        return scope.kind
