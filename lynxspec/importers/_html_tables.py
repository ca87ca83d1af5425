"""Tables of an HTML page: from the cells that were read to a grid with headers, notes and what else stood in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from lynxspec.importers._characters import Piece
from lynxspec.importers._footnotes import leading_mark, marks_in
from lynxspec.importers._grid import MAX_SPAN, Placed, PlacedRow, distinct, headed, header_rows, is_title, lay_out
from lynxspec.importers._html_tokens import Token
from lynxspec.sheet import EMPTY, Block, Cell, Prose, Row, Table, Text

Attributes = Mapping[str, str]
"""Of an opening tag."""

Read = Callable[[str, Sequence[Piece]], Text]
"""How pieces of the source become readable."""

_LOOK = 6
"""Rows at the top that are asked whether they stand out."""

_HEADER_CLASS = re.compile(r"(?:^|[\s_-])(?:t?head(?:er|ing)?|th)(?:$|[\s_-])")
_SHADED = re.compile(r"background|font-weight\s*:\s*(?:bold|[6-9]00)")

ProseKind = Literal["paragraph", "item", "quote", "footnote", "caption"]


@dataclass(slots=True, kw_only=True)
class Entry:
    """A block to be."""

    kind: Literal["heading", "prose", "code", "alt", "ready"]
    """``alt`` stands for an image, ``ready`` is a block already."""
    pieces: list[Piece] = field(default_factory=list)
    level: int = 0
    """Of a heading."""
    prose: ProseKind = "paragraph"
    mark: str = ""
    ordinal: str = ""
    """Number of the list item."""
    language: str = ""
    chrome: bool = False
    """Whether it belongs to the site and not to the page: navigation, footer, a banner."""
    figure: int = -1
    """Which figure it is part of."""
    block: Block | None = None


@dataclass(slots=True, kw_only=True)
class CellDraft:
    """A cell being read."""

    header: bool
    rows: int
    columns: int
    styled: bool
    """Whether it is shaded or its class says that it is a header."""
    entries: list[Entry] = field(default_factory=list)
    plain: bool = False
    """Whether it holds text that is not bold."""
    alt: Piece | None = None
    """The text that stands for an image in it."""


@dataclass(slots=True, kw_only=True)
class RowDraft:
    """A row being read."""

    start: int
    end: int
    section: str
    group: int
    styled: bool
    cells: list[CellDraft] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class TableDraft:
    """A table being read."""

    presentation: bool
    """Whether the source says that it only arranges."""
    chrome: bool
    figure: int
    rows: list[RowDraft] = field(default_factory=list)
    caption: list[Piece] = field(default_factory=list)
    section: str = ""
    """``thead``, ``tbody``, ``tfoot`` or empty."""
    group: int = 0
    loose: bool = False
    """Whether its last row began with a cell, without a tag of its own."""

    def open_section(self, name: str) -> None:
        """Begin a group of rows, or with an empty name leave one."""
        self.section, self.group, self.loose = name, self.group + 1, False

    def open_row(self, start: int, attributes: Attributes) -> None:
        """Begin a row."""
        styled = _is_styled(attributes)
        self.rows.append(RowDraft(start=start, end=start, section=self.section, group=self.group, styled=styled))
        self.loose = False

    def open_cell(self, token: Token, attributes: Attributes, *, in_row: bool) -> CellDraft:
        """Begin a cell, and a row if none is open."""
        if not in_row and not self.loose:
            self.open_row(token.start, {})
            self.loose = True
        cell = CellDraft(
            header=_is_header(token, attributes),
            rows=_span(attributes, "rowspan"),
            columns=_span(attributes, "colspan"),
            styled=_is_styled(attributes),
        )
        if len(self.rows[-1].cells) < MAX_SPAN:
            self.rows[-1].cells.append(cell)
        return cell

    def close_row(self, end: int) -> None:
        """End the last row."""
        if self.rows:
            self.rows[-1].end = max(self.rows[-1].end, end)


def _is_header(token: Token, attributes: Attributes) -> bool:
    """Whether a cell names others."""
    role = attributes.get("role", "").lower()
    return role in {"columnheader", "rowheader"} or (token.name == "th" and role not in {"cell", "gridcell"})


def _is_styled(attributes: Attributes) -> bool:
    """Whether a row or cell is shaded or bold."""
    return (
        "bgcolor" in attributes
        or _SHADED.search(attributes.get("style", "").lower()) is not None
        or _HEADER_CLASS.search(attributes.get("class", "").lower()) is not None
    )


def _span(attributes: Attributes, name: str) -> int:
    """``colspan`` or ``rowspan``; 0 rows are all that are left."""
    digits = re.match(r"\s*\+?(\d{1,9})", attributes.get(name, attributes.get(f"aria-{name}", "1")))
    value = int(digits[1]) if digits else 1
    return MAX_SPAN if value == 0 and name == "rowspan" else min(max(value, 1), MAX_SPAN)


def read_table(text: str, draft: TableDraft, read: Read, *, room: int) -> tuple[list[Entry], int]:
    """What a table comes to in reading order, and how many rows were too many."""
    drafts = [row for row in draft.rows if any(map(_says_something, row.cells))]
    texts = [[_text(text, cell, read) for cell in row.cells] for row in drafts]
    rows = lay_out([_placed(row, line) for row, line in zip(drafts, texts, strict=True)], room=room)
    headers = _headers(drafts[: len(rows)], rows, text)
    if _only_arranges(draft, rows, headers):
        return [
            entry for row in drafts for cell in row.cells for entry in cell.entries if not _is_numbering(text, entry)
        ], 0
    if not any(cell.text for row in rows for cell in row.cells):
        return [entry for row in drafts for cell in row.cells for entry in cell.entries if entry.kind == "ready"], len(
            drafts
        ) - len(rows)
    caption = read(text, draft.caption) if draft.caption else EMPTY
    table, notes = _without_notes(Table(rows=headed(rows, headers), headers=headers, caption=caption), drafts)
    found = [Entry(kind="ready", block=table, chrome=draft.chrome, figure=draft.figure)]
    found += [Entry(kind="ready", block=note, chrome=draft.chrome) for note in notes]
    found += [entry for row in drafts for cell in row.cells for entry in cell.entries if entry.kind == "ready"]
    return found, len(drafts) - len(rows)


def _says_something(cell: CellDraft) -> bool:
    return bool(cell.entries) or cell.alt is not None


def _text(text: str, cell: CellDraft, read: Read) -> Text:
    """All that a cell says, but for tables in it."""
    pieces: list[Piece] = []
    told = [entry for entry in cell.entries if entry.kind not in {"ready", "alt"}]
    told.sort(key=lambda entry: entry.pieces[0][0])  # text between the cells of an inner table came before them
    for entry in told:
        if pieces:
            pieces.append((entry.pieces[0][0], entry.pieces[0][0], " "))
        pieces += entry.pieces
    if any(before[0] > after[0] for before, after in pairwise(pieces)):
        # a term is repeated behind other text: no two words of what is torn apart may run together
        ordered = sorted(pieces, key=lambda piece: piece[0])
        pieces = [each for piece in ordered for each in ((piece[0], piece[0], " "), piece)]
    found = read(text, pieces) if pieces else EMPTY
    return found if found or cell.alt is None else read(text, [cell.alt])


def _placed(row: RowDraft, texts: Sequence[Text]) -> PlacedRow:
    cells = tuple(
        Placed(cell=Cell(text=text, header=cell.header), rows=cell.rows, columns=cell.columns)
        for cell, text in zip(row.cells, texts, strict=True)
    )
    return PlacedRow(cells=cells, start=row.start, end=row.end, group=row.group)


def _headers(drafts: Sequence[RowDraft], rows: Sequence[Row], text: str) -> int:
    """How many rows at the top name the columns: by markup, and by what they hold."""
    count = 0
    while count < len(rows) and drafts[count].section == "thead":
        count += 1
    if count == len(rows):  # a table that is all head says nothing
        count = 0
    while count < len(rows) - 1 and _names_columns(rows[count], first=count == 0):
        count += 1
    if not count and rows and rows[0].cells[0].header and rows[0].cells[0].text and len(rows[0].cells) > 1:
        return 0  # rows have headers of their own
    return header_rows(rows, marked=count, bold=[_stands_out(draft, text) for draft in drafts[:_LOOK]])


def _names_columns(row: Row, *, first: bool) -> bool:
    cells = distinct(row)
    return bool(cells) and all(cell.header for cell in cells) and (first or len(cells) > 1 or len(row.cells) == 1)


def _stands_out(row: RowDraft, text: str) -> bool:
    """Whether all that a row says is bold or shaded."""
    told = [cell for cell in row.cells if cell.entries]
    return bool(told) and (row.styled or all(cell.styled or cell.header or _is_bold(cell, text) for cell in told))


def _is_bold(cell: CellDraft, text: str) -> bool:
    if not cell.plain or all(entry.kind == "heading" for entry in cell.entries):
        return True
    return all(
        text.startswith(("**", "__"), start)
        for entry in cell.entries
        for start, _, literal in entry.pieces[:1]
        if literal is None
    )


def _only_arranges(draft: TableDraft, rows: Sequence[Row], headers: int) -> bool:
    """Whether a table is there for the layout of a page: what it holds then stands for itself."""
    cells = [cell for row in draft.rows for cell in row.cells if _says_something(cell)]
    if len(cells) <= 1 and not draft.caption:
        return True
    if draft.presentation and not any(cell.header for cell in cells):
        return True
    blocks = any(entry.kind in {"ready", "code", "heading"} for cell in cells for entry in cell.entries)
    return blocks and (headers == 0 or len(rows) < 2 or len(rows[0].cells) < 2)


def _is_numbering(text: str, entry: Entry) -> bool:
    """Whether a code block holds but the numbers of another's lines."""
    return entry.kind == "code" and all(
        re.fullmatch(r"[\d\s]{0,9999}", text[s:e]) for s, e, literal in entry.pieces if literal is None
    )


def _without_notes(table: Table, drafts: Sequence[RowDraft]) -> tuple[Table, tuple[Prose, ...]]:
    """The table without the rows at its end that are footnotes, and these."""
    rows = list(table.rows)
    marks = marks_in(table)
    notes: list[Prose] = []
    while len(rows) > table.headers + 1 and is_title(rows[-1]):
        words = distinct(rows[-1])[0].text
        found = leading_mark(words.text)
        if found is not None and (found[2] or found[0] in marks):
            notes.append(Prose(text=words.slice(found[1], len(words.text)), kind="footnote", mark=found[0]))
        elif drafts[len(rows) - 1].section == "tfoot":
            notes.append(Prose(text=words, kind="footnote"))
        else:
            break
        rows.pop()
    notes.reverse()
    return replace(table, rows=tuple(rows), notes=tuple(notes)), tuple(notes)


def captioned(entries: Sequence[Entry], read: Callable[[Entry], Text]) -> list[Entry]:
    """The entries, with a figure's caption given to its table, where it holds just one."""
    tables: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.figure >= 0 and isinstance(entry.block, Table):
            tables.setdefault(entry.figure, []).append(entry)
    kept: list[Entry] = []
    for entry in entries:
        held = tables.get(entry.figure, [])
        table = held[0].block if len(held) == 1 else None
        if entry.kind == "prose" and entry.prose == "caption" and isinstance(table, Table) and not table.caption:
            held[0].block = replace(table, caption=read(entry))
        else:
            kept.append(entry)
    return kept
