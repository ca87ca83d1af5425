"""Tables that no line marks: neighbouring lines whose words stand in the same columns, some of them results."""

from __future__ import annotations

from collections.abc import Sequence

from lynxspec.importers._header_rows import is_number, is_vacant
from lynxspec.importers._pdf_columns import (
    LONGEST_CELL,
    Cut,
    Stretch,
    columns_of,
    extent,
    fits,
    has_results,
    over,
)
from lynxspec.importers._pdf_layout import WIDE_GAP, Line, words_of
from lynxspec.importers._pdf_rows import grid_of, rows_of
from lynxspec.importers._pdf_runs import Run
from lynxspec.importers._pdf_tables import Grid

_MOST_REST = 3
"""Lines of a cell below each other, beside which no other cell has any."""

_MOST_HEADS = 5
"""Lines of a header."""

_NAME_GAP = 0.5
"""Least blank between the names of two columns, in font sizes."""

_INTERLEAVED = 0.75
"""Distance of two lines of cells that are centred beside each other, in font sizes."""


def aligned(flow: Sequence[Line | Grid]) -> list[Line | Grid]:
    """A flow with the lines that make tables taken together."""
    found: list[Line | Grid] = []
    index = 0
    while index < len(flow):
        block = _block(flow, index)
        if len(block) >= 3 or _is_pair(block):
            taken = _table_in(block, found)
            if taken is not None:
                grid, first, last = taken
                found += [line.line for line in block[:first]]
                found.append(grid)
                index += last
                continue
            found += [line.line for line in block]
            index += len(block)
        else:
            found.append(flow[index])
            index += 1
    return found


def _is_pair(block: Sequence[Cut]) -> bool:
    """Whether two lines are a header and a single row: three columns, and results below all names but the first."""
    if len(block) != 2 or len(block[0].pieces) < 3 or len(block[0].pieces) != len(block[1].pieces):
        return False
    head, row = ([words_of(piece) for piece in line.pieces[1:]] for line in block)
    return all(map(is_number, row)) and not any(is_number(name) or is_vacant(name) for name in head)


def _block(flow: Sequence[Line | Grid], index: int) -> list[Cut]:
    """Neighbouring lines with wide gaps; a single line between them may have none."""
    block: list[Cut] = []
    for item in flow[index:]:
        if not isinstance(item, Line):
            break
        pieces = item.pieces(WIDE_GAP)
        if block and item.top - block[-1].line.bottom > 1.6 * item.size:
            break
        if len(pieces) == 1 and (not block or not _may_continue(item, block)):
            break
        block.append(Cut(line=item, pieces=pieces))
    return _without_tail(block)


def _may_continue(line: Line, block: Sequence[Cut]) -> bool:
    """Whether a line without a gap may be part of a table: the only one, or the rest of a cell."""
    if len(block[-1].pieces) > 1:
        return True
    width = max(cut.line.right for cut in block) - min(cut.line.left for cut in block)
    run = next((i for i, cut in enumerate(reversed(block)) if len(cut.pieces) > 1), len(block))
    close = line.top - block[-1].line.bottom < 0.6 * line.size
    return close and run < _MOST_REST and line.right - line.left < 0.5 * width


def _without_tail(block: Sequence[Cut]) -> list[Cut]:
    """A block without the lines at its end that are neither cells nor the rest of one."""
    kept = list(block)
    last = next((i for i in range(len(kept) - 1, -1, -1) if len(kept[i].pieces) > 1), -1)
    while last + 1 < len(kept) and kept[last + 1].middle - kept[last].middle < _INTERLEAVED * kept[last].line.size:
        last += 1
    return kept[: last + 1]


def _table_in(block: Sequence[Cut], above: list[Line | Grid]) -> tuple[Grid, int, int] | None:
    """The table in a block of lines, with the first line of it and the one behind its last; it takes its headers."""
    columns = columns_of(block)
    if columns is None:
        return None
    fitting = [fits(line, columns) or len(line.pieces) == 1 for line in block]
    first, last = _longest(fitting)
    lines = _without_tail(block[first:last])
    last = first + len(lines)
    columns = columns_of(lines)
    if columns is None or (len(lines) < 3 and not _is_pair(lines)) or not _has_evidence(lines, columns):
        return None
    before = [item for item in above[-_MOST_HEADS:] if isinstance(item, Line)]
    candidates = [*(Cut(line=line, pieces=line.pieces(WIDE_GAP)) for line in before), *block[:first]]
    heads = _heads(candidates, lines[0], columns)
    lines[:0] = heads
    for _ in range(len(heads) - first):
        above.pop()
    rows = rows_of(lines, columns, (), each=False)
    return grid_of([row for row, _ in rows], marked=0), max(0, first - len(heads)), last


def _heads(candidates: Sequence[Cut], below: Cut, columns: Sequence[Stretch]) -> list[Cut]:
    """Lines above a table that are its header, or belong to its first row."""
    found: list[Cut] = []
    for line in reversed(candidates):
        beside = below.middle - line.middle < _INTERLEAVED * line.line.size
        if (beside and len(line.pieces) == 1) or _names_groups(line, below, columns):
            below = line
        elif (cut := _cut_by(line, below, columns)) is not None:
            below = cut
        else:
            break
        found.insert(0, below)
    return found


def _cut_by(line: Cut, below: Cut, columns: Sequence[Stretch]) -> Cut | None:
    """A line of names cut where the columns are, if each column has one and no wide gap tells them apart."""
    if below.line.top - line.line.bottom > 1.6 * line.line.size:
        return None
    pieces: list[list[Run]] = []
    last = -1
    for run in line.line.runs:
        column = over((run.left, run.right), columns)[0]
        if column < last:
            return None
        if column > last and (not pieces or run.left - pieces[-1][-1].right > _NAME_GAP * line.line.size):
            pieces.append([run])
            last = column
        else:
            pieces[-1].append(run)
    cut = Cut(line=line.line, pieces=pieces, band=line.band)
    return cut if len(pieces) == len(columns) and fits(cut, columns) and not has_results(cut, columns) else None


def _longest(flags: Sequence[bool]) -> tuple[int, int]:
    best = (0, 0)
    start = 0
    for i, flag in enumerate([*flags, False]):
        if not flag:
            if i - start > best[1] - best[0]:
                best = (start, i)
            start = i + 1
    return best


def _names_groups(line: Cut, below: Cut, columns: Sequence[Stretch]) -> bool:
    """Whether a line above a table belongs to its header: it stands over the columns behind the first one."""
    close = below.line.top - line.line.bottom <= 1.6 * line.line.size
    inside = line.line.left > columns[0][1] and line.line.right <= columns[-1][1] + 2 * line.line.size
    return close and inside and not has_results(line, columns) and len(line.line.text) <= LONGEST_CELL


def _has_evidence(lines: Sequence[Cut], columns: Sequence[Stretch]) -> bool:
    """Whether aligned words are a table: short cells, and a column behind the first that holds results."""
    cells: list[list[str]] = [[] for _ in columns]
    for line in lines:
        for piece in line.pieces:
            cells[over(extent(piece), columns)[0]].append(words_of(piece))
    if sum(len(cell) > LONGEST_CELL for column in cells for cell in column) > 0.1 * sum(map(len, cells)):
        return False
    for column in cells[1:]:
        results = sum(is_number(cell) or is_vacant(cell) for cell in column)
        if results >= 2 and results >= 0.6 * (len(column) - 1):
            return True
    if _is_pair(lines):
        return True
    last = [words_of(piece) for piece in lines[-1].pieces]
    return len(columns) >= 4 and len(last) == len(columns) and all(is_number(cell) for cell in last[1:])
