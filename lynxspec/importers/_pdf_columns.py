"""Columns of words that stand below each other, and the rows of cells that lines of words make over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lynxspec.importers._header_rows import is_number, is_vacant
from lynxspec.importers._pdf_layout import Line, line_of, words_of
from lynxspec.importers._pdf_rules import Rule
from lynxspec.importers._pdf_runs import Run
from lynxspec.importers._pdf_tables import Grid, Slot, parted_row

_TIGHT = 1.4
"""Distance of two lines of one cell, in font sizes."""

LONGEST_CELL = 80
"""Characters of a usual cell."""

Stretch = tuple[float, float]


@dataclass(slots=True, kw_only=True)
class Cut:
    """A line cut into the pieces that may be cells."""

    line: Line
    pieces: list[list[Run]]
    band: int = 0
    """Between which level lines it stands."""

    @property
    def middle(self) -> float:
        return (self.line.top + self.line.bottom) / 2


def extent(piece: Sequence[Run]) -> Stretch:
    return piece[0].left, max(run.right for run in piece)


def columns_of(lines: Sequence[Cut]) -> list[Stretch] | None:
    """Where the columns stand, by the lines that have a piece in each of them."""
    counts = Counter(len(line.pieces) for line in lines if len(line.pieces) > 1)
    best: tuple[int, int, list[Stretch]] | None = None
    for width, _ in sorted(counts.items(), key=lambda item: (-item[1], -item[0]))[:4]:
        full = [[extent(piece) for piece in line.pieces] for line in lines if len(line.pieces) == width]
        stretches = [
            (min(stretch[0] for stretch in column), max(stretch[1] for stretch in column))
            for column in zip(*full, strict=True)
        ]
        if any(a[1] >= b[0] for a, b in pairwise(stretches)):
            continue
        fitting = sum(fits(line, stretches) for line in lines)
        if best is None or (fitting, width) > best[:2]:
            best = fitting, width, stretches
    return best[2] if best is not None and 2 * best[0] >= len(lines) else None


def fits(line: Cut, columns: Sequence[Stretch]) -> bool:
    """Whether each piece of a line stands over one column, and no two over the same."""
    columns_below = [over(extent(piece), columns) for piece in line.pieces]
    return all(len(c) == 1 for c in columns_below) and len({c[0] for c in columns_below}) == len(columns_below)


def over(stretch: Stretch, columns: Sequence[Stretch]) -> list[int]:
    """The columns that a piece stands over; the nearest if it stands over none."""
    found = [c for c, (left, right) in enumerate(columns) if min(stretch[1], right) - max(stretch[0], left) > 1]
    if found:
        return found
    middle = sum(stretch) / 2
    return [min(range(len(columns)), key=lambda c: abs(sum(columns[c]) / 2 - middle))]


def rows_of(
    lines: Sequence[Cut], columns: Sequence[Stretch], levels: Sequence[Rule], *, each: bool
) -> list[tuple[list[Slot], int]]:
    """The rows of a table with the bands that they stand in; with ``each`` a line is ruled below each row."""
    lines = _with_labels(lines, columns)
    top = _top(lines, columns)
    spread = [i < top and _spread(lines, i, columns, levels) for i in range(len(lines))]
    pitch = median([b.middle - a.middle for a, b in pairwise(lines)] or [0.0])
    rows: list[tuple[list[Slot], int]] = []
    for i, line in enumerate(lines):
        groups = spread[i]
        slots = groups if isinstance(groups, list) else _placed(line, columns)
        before = lines[i - 1] if i else None
        if before is not None and not groups and not spread[i - 1] and line.band == before.band:
            distance = line.middle - before.middle
            near = distance < 0.75 * line.line.size
            in_head = i < top and distance <= _TIGHT * line.line.size
            rest = (
                i >= top and distance < 0.8 * pitch and not has_results(line, columns) and not _is_full(line, columns)
            )
            if near or in_head or rest or each:
                _append(rows[-1][0], slots)
                continue
        rows.append((slots, line.band))
    if not each:
        return rows
    return [(row, band) for whole, band in rows for row in (parted_row(whole) or [whole])]


def _top(lines: Sequence[Cut], columns: Sequence[Stretch]) -> int:
    """The first line that gives results, or else the first one behind the first band."""
    second = next((i for i, line in enumerate(lines) if line.band > lines[0].band), 1)
    return next((i for i, line in enumerate(lines) if has_results(line, columns)), second)


def _with_labels(lines: Sequence[Cut], columns: Sequence[Stretch]) -> list[Cut]:
    """The lines, with a label of the first column that stands between two header lines put into the lower one."""
    kept = list(lines)
    for i in range(min(_top(lines, columns), len(lines) - 1) - 1, -1, -1):
        line, below = kept[i], kept[i + 1]
        alone = len(line.pieces) == 1 and extent(line.pieces[0])[0] < columns[0][1]
        free = all(extent(piece)[0] >= columns[0][1] for piece in below.pieces)
        if i and alone and free and line.band == below.band and not has_results(below, columns):
            pieces = [*line.pieces, *below.pieces]
            kept[i : i + 2] = [Cut(line=below.line, pieces=pieces, band=below.band)]
    return kept


def _is_full(line: Cut, columns: Sequence[Stretch]) -> bool:
    return len(line.pieces) >= len(columns)


def has_results(line: Cut, columns: Sequence[Stretch]) -> bool:
    """Whether a line has a number, or a dash for one, behind its first column."""
    words = [words_of(piece) for piece in line.pieces if over(extent(piece), columns)[0] > 0]
    return any(is_number(word) or is_vacant(word) for word in words)


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


def _append(row: list[Slot], more: Sequence[Slot]) -> None:
    """Continue the cells of a row with those of its next line."""
    for column, slot in enumerate(more):
        if slot.runs and (not column or more[column - 1] is not slot):
            row[column].runs += slot.runs
            row[column].lines += slot.lines


def _spread(lines: Sequence[Cut], index: int, columns: Sequence[Stretch], levels: Sequence[Rule]) -> list[Slot] | None:
    """A header line's pieces above the columns of the groups that they name; ``None`` if they name single columns."""
    line = lines[index]
    if index + 1 >= len(lines) or len(line.pieces) >= len(columns) or len(lines[index + 1].pieces) < 2:
        return None
    first = [piece for piece in line.pieces if extent(piece)[0] < columns[0][1]]
    names = [piece for piece in line.pieces if extent(piece)[0] >= columns[0][1]]
    if not names or len(first) > 1:
        return None
    groups = _by_lines(line, lines[index + 1], names, columns, levels) or _by_middle(names, columns)
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


def _by_middle(names: Sequence[Sequence[Run]], columns: Sequence[Stretch]) -> list[list[int]] | None:
    """Groups of neighbouring columns by the names centred above them; columns before the first may have no group."""
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
        if len(groups) == len(names) and (left == len(columns) or len(names) > 1):
            return groups
    return None


def grid_of(rows: list[list[Slot]], *, marked: int, box: tuple[float, float, float, float] | None = None) -> Grid:
    runs = [run for row in rows for slot in row for run in slot.runs]
    left, top, right, bottom = box or (
        min(run.left for run in runs),
        min(run.top for run in runs),
        max(run.right for run in runs),
        max(run.bottom for run in runs),
    )
    return Grid(left=left, top=top, right=right, bottom=bottom, rows=rows, marked=marked, certain=False)
