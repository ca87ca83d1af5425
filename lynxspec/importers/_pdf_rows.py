"""Rows of cells made of lines of words: which lines continue a cell, and which names stand above several columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lynxspec.importers._pdf_columns import Cut, Stretch, extent, has_results, over
from lynxspec.importers._pdf_layout import line_of
from lynxspec.importers._pdf_rules import Rule
from lynxspec.importers._pdf_runs import Run
from lynxspec.importers._pdf_tables import Grid, Slot, parted_row

_TIGHT = 1.45
"""Distance of two lines of one cell of a header, in font sizes."""

_WRAPPED = 1.5
"""Distance of two lines of one cell below the header, in font sizes."""

_INTERLEAVED = 0.75
"""Distance of two lines of cells that are centred beside each other, in font sizes."""

Banded = tuple[list[Slot], int]
"""A row, and the band between level lines that it stands in."""


def rows_of(lines: Sequence[Cut], columns: Sequence[Stretch], levels: Sequence[Rule], *, each: bool) -> list[Banded]:
    """The rows of a table; with ``each`` a level line stands between all of them."""
    top = _top(lines, columns)
    rows = _head(lines[:top], columns, levels)
    for part in _parts(lines[top:], columns, each=each):
        row = [Slot() for _ in columns]
        for line in part:
            row = _with(row, _placed(line, columns))
        rows += [(r, part[0].band) for r in (parted_row(row) if each else None) or [row]]
    return rows


def grid_of(rows: list[list[Slot]], *, marked: int, box: tuple[float, float, float, float] | None = None) -> Grid:
    """A table of these rows, as large as its words if no ``box`` is given."""
    runs = [run for row in rows for slot in row for run in slot.runs]
    left, top, right, bottom = box or (
        min(run.left for run in runs),
        min(run.top for run in runs),
        max(run.right for run in runs),
        max(run.bottom for run in runs),
    )
    return Grid(left=left, top=top, right=right, bottom=bottom, rows=rows, marked=marked, certain=False)


def _top(lines: Sequence[Cut], columns: Sequence[Stretch]) -> int:
    """How many lines the header has: those before results, in bands of their own where level lines part them."""
    bands = {line.band for line in lines}
    first = next((i for i, line in enumerate(lines) if has_results(line, columns)), None)
    if len(bands) > 1:
        band = lines[first].band if first is not None else lines[0].band + 1
        if band > lines[0].band:
            return next((i for i, line in enumerate(lines) if line.band >= band), len(lines))
    if first is None:
        first = 1
    # a cell may begin above the results of its row, which stand beside its middle
    while first and lines[first].middle - lines[first - 1].middle < _INTERLEAVED * lines[first].line.size:
        first -= 1
    return first


def _head(lines: Sequence[Cut], columns: Sequence[Stretch], levels: Sequence[Rule]) -> list[Banded]:
    """The rows of the header: lines close to each other make one, but for names of groups."""
    lines = _with_labels(lines, columns)
    rows: list[Banded] = []
    mergeable = False
    for i, line in enumerate(lines):
        groups = _spread(lines, i, columns, levels) if i + 1 < len(lines) else None
        slots = groups or _placed(line, columns)
        before = lines[i - 1] if i else None
        close = before is not None and line.middle - before.middle <= _TIGHT * line.line.size
        if rows and mergeable and not groups and close and before is not None and before.band == line.band:
            rows[-1] = (_with(rows[-1][0], slots), line.band)
        else:
            rows.append((slots, line.band))
        mergeable = groups is None
    return rows


def _with_labels(lines: Sequence[Cut], columns: Sequence[Stretch]) -> list[Cut]:
    """Header lines, with a label of the first column that stands between two of them put into the lower one."""
    kept = list(lines)
    for i in range(len(lines) - 2, 0, -1):
        line, below = kept[i], kept[i + 1]
        alone = len(line.pieces) == 1 and extent(line.pieces[0])[0] < columns[0][1]
        free = all(extent(piece)[0] >= columns[0][1] for piece in below.pieces)
        if alone and free and line.band == below.band:
            kept[i : i + 2] = [Cut(line=below.line, pieces=[*line.pieces, *below.pieces], band=below.band)]
    return kept


def _parts(lines: Sequence[Cut], columns: Sequence[Stretch], *, each: bool) -> list[list[Cut]]:
    """Lines that make a row together: with ``each`` those of a band; else as many as give results only once."""
    if each or not lines:
        return _at_gaps(lines, float("inf"))
    size = max(line.line.size for line in lines)
    least = _at_gaps(lines, _INTERLEAVED * size)
    anchors = {id(line) for line in lines if has_results(line, columns)}
    if not anchors:
        anchors = {id(line) for line in lines if extent(line.pieces[0])[0] < columns[0][1]}
    distances = {
        round(b[0].middle - a[-1].middle, 1)
        for a, b in pairwise(least)
        if b[0].middle - a[-1].middle <= _WRAPPED * size
    }
    for most in sorted(distances, reverse=True):
        parts = _at_gaps(lines, most + 0.06)
        if all(_anchored(part, anchors, size) <= 1 for part in parts):
            return parts
    return least


def _anchored(part: Sequence[Cut], anchors: set[int], size: float) -> int:
    """How many rows' results or names a part holds; lines beside each other count once."""
    beside = _at_gaps(part, _INTERLEAVED * size)
    return sum(any(id(line) in anchors for line in lines) for lines in beside)


def _at_gaps(lines: Sequence[Cut], most: float) -> list[list[Cut]]:
    """The lines, parted where they are further from each other."""
    parts: list[list[Cut]] = []
    for line in lines:
        before = parts[-1][-1] if parts else None
        if before is not None and before.band == line.band and line.middle - before.middle <= most:
            parts[-1].append(line)
        else:
            parts.append([line])
    return parts


def _placed(line: Cut, columns: Sequence[Stretch]) -> list[Slot]:
    """The pieces of a line in the columns that they stand over."""
    slots: list[Slot] = [Slot() for _ in columns]
    for piece in line.pieces:
        below = over(extent(piece), columns)
        slot = slots[below[0]]
        for c in below[1:]:
            if not slots[c].runs:
                slots[c] = slot
        slot.runs += piece
    for slot in slots:
        if slot.runs and not slot.lines:
            slot.lines = [line_of(slot.runs)]
    return slots


def _with(row: list[Slot], more: list[Slot]) -> list[Slot]:
    """A row, its cells continued with those of its next line."""
    if not any(slot.runs for slot in row):
        return more
    for column, slot in enumerate(more):
        if slot.runs and (not column or more[column - 1] is not slot):
            row[column].runs += slot.runs
            row[column].lines += slot.lines
    return row


def _spread(lines: Sequence[Cut], index: int, columns: Sequence[Stretch], levels: Sequence[Rule]) -> list[Slot] | None:
    """A header line's pieces above the columns of the groups that they name; ``None`` if they name single columns."""
    line, below = lines[index], lines[index + 1]
    if len(line.pieces) >= len(columns) or len(below.pieces) < 2:
        return None
    first = [piece for piece in line.pieces if extent(piece)[0] < columns[0][1]]
    names = [piece for piece in line.pieces if extent(piece)[0] >= columns[0][1]]
    if not names or len(first) > 1:
        return None
    groups = _by_lines(line, below, names, columns, levels)
    if groups is None:
        groups = _by_middle(names, columns, tight=below.middle - line.middle <= _TIGHT * line.line.size)
    if groups is None or all(len(group) == 1 for group in groups):
        return None
    slots: list[Slot] = [Slot() for _ in columns]
    for piece, group in zip(names, groups, strict=True):
        slot = Slot(runs=list(piece), lines=[line_of(piece)])
        for c in group:
            slots[c] = slot
    for piece in first:
        slots[0] = Slot(runs=list(piece), lines=[line_of(piece)])
    return slots


def _by_lines(
    line: Cut, below: Cut, names: Sequence[Sequence[Run]], columns: Sequence[Stretch], levels: Sequence[Rule]
) -> list[list[int]] | None:
    """Groups of columns by the line that is drawn between a group's name and its columns."""
    drawn = [rule for rule in levels if line.middle < rule.at < below.middle]
    groups: list[list[int]] = []
    for piece in names:
        middle = sum(extent(piece)) / 2
        own = [rule for rule in drawn if rule.start <= middle <= rule.end]
        if len(own) != 1:
            return None
        groups.append(
            [c for c, (left, right) in enumerate(columns) if own[0].start <= (left + right) / 2 <= own[0].end]
        )
    together = [c for group in groups for c in group]
    return groups if all(groups) and len(together) == len(set(together)) and 0 not in together else None


def _by_middle(names: Sequence[Sequence[Run]], columns: Sequence[Stretch], *, tight: bool) -> list[list[int]] | None:
    """Groups of neighbouring columns by the names centred above them; columns before the first may have no group.

    Where the lines of the header are ``tight``, a name may as well be the first line of a column's own: then only
    groups of equal, even width are told, whose middle is between two columns.
    """
    middles = [sum(extent(piece)) / 2 for piece in names]
    pitch = (columns[-1][1] - columns[0][1]) / (len(columns) - 1)
    for first in range(1, len(columns) if len(names) > 1 else 2):
        groups: list[list[int]] = []
        left = first
        for middle in middles:
            distances = [
                abs((columns[left][0] + columns[right][1]) / 2 - middle) for right in range(left, len(columns))
            ]
            if not distances or min(distances) > 0.35 * pitch:
                break
            right = left + distances.index(min(distances))
            groups.append(list(range(left, right + 1)))
            left = right + 1
        if len(groups) < len(names) or (left < len(columns) and len(names) == 1):
            continue
        if not tight or (len({len(group) for group in groups}) == 1 and len(groups[0]) % 2 == 0):
            return groups
    return None
