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
from lynxspec.importers._pdf_tables import Grid


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
        if len(pieces) == 1 and (not block or len(block[-1].pieces) == 1):
            break
        block.append(Cut(line=item, pieces=pieces))
    while block and len(block[-1].pieces) == 1:
        block.pop()
    return block


def _table_in(block: Sequence[Cut], above: list[Line | Grid]) -> tuple[Grid, int, int] | None:
    """The table in a block of lines, with the first line of it and the one behind its last; it takes its headers."""
    columns = columns_of(block)
    if columns is None:
        return None
    fitting = [fits(line, columns) or len(line.pieces) == 1 for line in block]
    first, last = _longest(fitting)
    lines = list(block[first:last])
    while lines and len(lines[-1].pieces) == 1:
        lines.pop()
        last -= 1
    columns = columns_of(lines)
    if columns is None or (len(lines) < 3 and not _is_pair(lines)) or not _has_evidence(lines, columns):
        return None
    heads = 0
    while heads < 2 and first and _names_groups(block[first - 1], lines[0], columns):
        first -= 1
        heads += 1
        lines.insert(0, block[first])
    while first == 0 and heads < 2 and above and isinstance(above[-1], Line):
        head = Cut(line=above[-1], pieces=above[-1].pieces(WIDE_GAP))
        if not _names_groups(head, lines[0], columns):
            break
        lines.insert(0, head)
        above.pop()
        heads += 1
    rows = rows_of(lines, columns, (), each=False)
    return grid_of([row for row, _ in rows], marked=0), first, last


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
