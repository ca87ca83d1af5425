"""Tables of reStructuredText that directives hold: lists of lists, and comma-separated values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lynxspec.importers._grid import MAX_CELLS, MAX_SPAN, Placed, PlacedRow, headed, header_rows, lay_out
from lynxspec.importers._rst_lines import BULLET, Line, Stretch, read_cell, read_stretches
from lynxspec.sheet import EMPTY, Cell, Row, Table, Text

_SPANNING = re.compile(r"\s*:(rspan|cspan):`(\d{1,3})`")


def table_of(
    rows: Sequence[PlacedRow], *, headers: int, room: int, stubs: int = 0, caption: Text = EMPTY
) -> tuple[Table | None, int]:
    """A table, and how many rows were too many; the source sets ``headers`` rows and ``stubs`` columns apart."""
    told = [row for row in rows if any(placed.cell.text for placed in row.cells)]
    grid = lay_out(told, room=room)
    if not grid:
        return None, len(told)
    count = header_rows(grid, marked=min(headers, len(grid)))
    table = Table(rows=_with_stubs(headed(grid, count), stubs), headers=count, caption=caption)
    return table, len(told) - len(grid)


def _with_stubs(rows: Sequence[Row], stubs: int) -> tuple[Row, ...]:
    """The rows with the cells of the first columns marked as headers."""
    if not stubs:
        return tuple(rows)
    marked: dict[int, Cell] = {}
    for row in rows:
        for cell in row.cells[:stubs]:
            marked.setdefault(id(cell), cell if cell.header or not cell.text else replace(cell, header=True))
    return tuple(replace(row, cells=tuple(marked.get(id(cell), cell) for cell in row.cells)) for row in rows)


@dataclass(slots=True)
class _ListRow:
    start: int
    end: int
    cells: list[list[Stretch]] = field(default_factory=list)


def list_rows(text: str, lines: Sequence[Line]) -> list[PlacedRow]:
    """The rows of a list of lists: each item of the outer list is a row, each item in it a cell."""
    rows: list[_ListRow] = []
    outer = inner = -1
    for line in lines:
        if line.blank:
            continue
        bullet = BULLET.match(text, line.first, line.end)
        if bullet and (outer < 0 or line.indent <= outer):
            rows.append(_ListRow(line.first, line.end))
            outer = line.indent
            cell = BULLET.match(text, bullet.end(), line.end)
            inner = outer + bullet.end() - line.first if cell else -1
            if cell or bullet.end() < line.end:
                rows[-1].cells.append([(cell.end() if cell else bullet.end(), line.end)])
        elif not rows:
            continue
        elif bullet and (inner < 0 or line.indent <= inner):
            inner = line.indent
            rows[-1].cells.append([(bullet.end(), line.end)])
        elif rows[-1].cells:
            rows[-1].cells[-1].append((line.first, line.end))
        rows[-1].end = line.end
    return [
        PlacedRow(cells=tuple(_placed(text, stretches) for stretches in row.cells), start=row.start, end=row.end)
        for row in rows
    ]


def _placed(text: str, stretches: list[Stretch]) -> Placed:
    """A cell of a list, with the spans that the ``flat-table`` of kernel documents writes as roles."""
    spans = {"rspan": 1, "cspan": 1}
    start, end = stretches[0]
    while match := _SPANNING.match(text, start, end):
        spans[match[1]] += int(match[2])
        start = match.end()
    return Placed(
        cell=Cell(text=read_cell(text, [(start, end), *stretches[1:]])), rows=spans["rspan"], columns=spans["cspan"]
    )


_BARE = re.compile(r"[ \t]*")


def csv_rows(text: str, start: int, end: int, *, delimiter: str = ",", quote: str = '"') -> list[PlacedRow]:
    """Rows of comma-separated values, as the ``csv-table`` directive reads them; a quoted value may go over lines."""
    rows: list[PlacedRow] = []
    position, count = start, 0
    while position < end and count <= MAX_CELLS:
        first = position
        cells: list[Placed] = []
        more = True
        while more:
            stretches, position = _value(text, position, end, delimiter, quote)
            if len(cells) < MAX_SPAN:
                cells.append(Placed(cell=Cell(text=read_stretches(text, stretches, joint=""))))
                count += 1
            more = position < end and text.startswith(delimiter, position)
            position += len(delimiter) * more
        if any(placed.cell.text for placed in cells):
            begin = first + len(text[first:position]) - len(text[first:position].lstrip())
            rows.append(PlacedRow(cells=tuple(cells), start=begin, end=position))
        position += 1  # the line feed
    return rows


def _value(text: str, position: int, end: int, delimiter: str, quote: str) -> tuple[list[Stretch], int]:
    """Where a value stands, and the offset behind it: that of a delimiter, of a line feed or of the end."""
    first = _blanks_end(text, position, end)
    stretches: list[Stretch] = []
    if quote and text.startswith(quote, first) and first < end:
        position = first + 1
        while True:
            close = text.find(quote, position, end)
            if close < 0:
                stretches.append((position, end))
                return stretches, end
            if not text.startswith(quote, close + 1) or close + 1 >= end:
                stretches.append((position, close))
                first = close + 1
                break
            stretches.append((position, close + 1))  # two quotes are one
            position = close + 2
    found = re.compile(rf"[\n{re.escape(delimiter)}]").search(text, first, end)
    stop = found.start() if found else end
    stretches.append((first, stop))
    return stretches, stop


def _blanks_end(text: str, position: int, end: int) -> int:
    match = _BARE.match(text, position, end)
    return match.end() if match else position
