"""The grid of a table: cells that span rows and columns spread out, and which rows at the top name the columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lynxspec.importers._header_rows import Line, table
from lynxspec.sheet import EMPTY, Cell, Row, Text

MAX_CELLS = 200_000
"""Of all tables of a document together."""

MAX_SPAN = 1000
"""Rows or columns that one cell may span, as browsers have it; also the columns of a table."""

_LOOK = 16
"""Rows that are asked where the headers end."""

VOID = Cell(text=EMPTY)
"""What stands where a row has no cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A cell as the source gives it."""

    cell: Cell
    rows: int = 1
    columns: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A row as the source gives it."""

    cells: tuple[Placed, ...]
    start: int
    end: int
    group: int = 0
    """A cell spans no rows of another group."""


def lay_out(rows: Sequence[PlacedRow], *, room: int = MAX_CELLS) -> list[Row]:
    """Rows of equal width, one for each given or as many as ``room`` cells allow."""
    lines: list[list[Cell]] = []
    hanging: dict[int, tuple[Cell, int]] = {}
    width = group = 0
    for row in rows:
        if row.group != group:
            group, hanging = row.group, {}
        line, hanging = _line(row.cells, hanging)
        wider = max(width, len(line))
        if (len(lines) + 1) * wider > room:
            break
        width = wider
        lines.append(line)
    for line in lines:
        line.extend([VOID] * (width - len(line)))
    return [
        Row(cells=tuple(line), start=row.start, end=row.end)
        for row, line in zip(rows, without_repeats(lines), strict=False)
    ]


def without_repeats(lines: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """The lines without columns that only repeat the one before them in all lines, as a span too wide makes them."""
    width = len(lines[0]) if lines else 0
    kept = [
        c for c in range(width) if c == 0 or any(line[c] is not line[c - 1] and line[c] is not VOID for line in lines)
    ]
    return [[line[c] for c in kept] for line in lines]


def _line(
    cells: Sequence[Placed], hanging: dict[int, tuple[Cell, int]]
) -> tuple[list[Cell], dict[int, tuple[Cell, int]]]:
    """One row of the grid, and the cells that hang down into the next one, each with the rows it has left."""
    line: list[Cell] = []
    below: dict[int, tuple[Cell, int]] = {}
    waiting = deque(cells)
    last = max(hanging, default=-1)
    while (column := len(line)) < MAX_SPAN:
        if column in hanging:
            cell, left = hanging[column]
            line.append(cell)
            if left > 1:
                below[column] = (cell, left - 1)
        elif waiting:
            placed = waiting.popleft()
            for position in range(column, min(column + max(placed.columns, 1), MAX_SPAN)):
                if position in hanging:
                    break
                line.append(placed.cell)
                if placed.rows > 1:
                    below[position] = (placed.cell, placed.rows - 1)
        elif column < last:
            line.append(VOID)
        else:
            break
    return line, below


def distinct(row: Row) -> list[Cell]:
    """The cells of a row that say something, each once."""
    cells: list[Cell] = []
    for cell in row.cells:
        if cell.text and (not cells or cells[-1] is not cell):
            cells.append(cell)
    return cells


def is_title(row: Row) -> bool:
    """Whether one cell is all that a row of several columns says."""
    return len(row.cells) > 1 and len(distinct(row)) == 1 and row.cells[0].text.text != ""


def header_rows(rows: Sequence[Row], *, marked: int, bold: Sequence[bool] = ()) -> int:
    """How many rows at the top name the columns; ``marked`` ones the source sets apart, ``bold`` ones stand out."""
    first = 0
    while first < min(2, len(rows) - 2) and is_title(rows[first]):
        first += 1
    lines = [
        Line(start=row.start, end=row.end, texts=_once(row, above), bold=index < len(bold) and bold[index])
        for index, (row, above) in enumerate(zip(rows[:_LOOK], [None, *rows], strict=False))
    ][first:]
    if not lines:
        return marked
    count = table(lines, marked=max(0, marked - first)).headers
    return first + count if count else min(marked, first)


def _once(row: Row, above: Row | None) -> list[Text]:
    """The texts of a row's cells where each begins: a cell that spans more is empty there."""
    texts: list[Text] = []
    for column, cell in enumerate(row.cells):
        repeated = (column and row.cells[column - 1] is cell) or (above is not None and above.cells[column] is cell)
        texts.append(EMPTY if repeated else cell.text)
    return texts


def headed(rows: Sequence[Row], headers: int) -> tuple[Row, ...]:
    """The rows with the cells of header rows marked, each still one object wherever it stands."""
    marked = {
        id(cell): replace(cell, header=True)
        for row in rows[:headers]
        for cell in row.cells
        if cell.text and not cell.header
    }
    if not marked:
        return tuple(rows)
    return tuple(replace(row, cells=tuple(marked.get(id(cell), cell) for cell in row.cells)) for row in rows)
