"""Tables between level lines: their columns are told by where the words stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from lynxspec.importers._pdf_columns import LONGEST_CELL, Cut, columns_of, extent, over
from lynxspec.importers._pdf_layout import lines_of
from lynxspec.importers._pdf_rows import grid_of, rows_of
from lynxspec.importers._pdf_rules import Rule
from lynxspec.importers._pdf_runs import Run
from lynxspec.importers._pdf_tables import MAX_LINES, Grid, alike, joined

_RULED_GAP = 0.7
"""Blank that parts cells between level lines, in font sizes: the lines tell already that it is a table."""

_MOST_ROWS = 60
"""Lines below the last level line of a table that are taken for its rows."""

_SHORTEST = 40.0
"""Points; a shorter level line underlines a word or a group of columns."""


def between_rules(rules: Sequence[Rule], runs: Sequence[Run]) -> list[Grid]:
    """Tables between level lines of one length."""
    levels = [rule for rule in joined(r for r in rules if r.level) if rule.end - rule.start >= _SHORTEST]
    if len(levels) < 2 or len(levels) > MAX_LINES:
        return []
    found: list[Grid] = []
    for group in alike(levels):
        if len(group) > 1:
            found += _in_group(group, levels, runs)
    found.sort(key=lambda grid: -(grid.right - grid.left) * (grid.bottom - grid.top))
    kept: list[Grid] = []
    for grid in found:
        if not any(
            g.top < grid.bottom and grid.top < g.bottom and g.left < grid.right and grid.left < g.right for g in kept
        ):
            kept.append(grid)
    return kept


def _in_group(group: Sequence[Rule], levels: Sequence[Rule], runs: Sequence[Run]) -> list[Grid]:
    """Tables between lines that start and end beside each other: neighbouring bands of words with wide gaps."""
    left, right = group[0].start - 2, group[0].end + 2
    beside = [run for run in runs if left <= (run.left + run.right) / 2 <= right]
    lines = [Cut(line=line, pieces=line.pieces(_RULED_GAP)) for line in lines_of(beside)]
    bands = [[line for line in lines if upper.at <= line.middle <= lower.at] for upper, lower in pairwise(group)]
    found: list[Grid | None] = []
    first = 0
    for index in range(len(bands) + 1):
        if index < len(bands) and _is_tabular(bands[index], right - left):
            continue
        if index > first:
            found.append(_banded(*_opened(group[first : index + 1], bands[first:index], lines), levels))
        first = index + 1
    return [grid for grid in found if grid is not None]


def _opened(
    rules: Sequence[Rule], bands: Sequence[list[Cut]], lines: Sequence[Cut]
) -> tuple[list[Rule], list[list[Cut]]]:
    """Bands with the lines of cells right above their first rule, and right below their last one."""
    opened, more = list(rules), list(bands)
    first, last = rules[0], rules[-1]
    width = first.end - first.start
    head = _reaching((line for line in reversed(lines) if line.middle < first.at), first.at, width, most=4)[::-1]
    below = (line for line in lines if line.middle > last.at)
    foot = _reaching(below, last.at, width, most=_MOST_ROWS if len(bands) < 2 else 3)
    if head:
        opened.insert(0, Rule(level=True, at=head[0].line.top, start=first.start, end=first.end))
        more.insert(0, head)
    if foot:
        opened.append(Rule(level=True, at=foot[-1].line.bottom, start=last.start, end=last.end))
        more.append(foot)
    return opened, more


def _reaching(lines: Iterable[Cut], at: float, width: float, *, most: int) -> list[Cut]:
    """Lines of cells that follow each other closely from a rule on."""
    found: list[Cut] = []
    for line in lines:
        distance = min(abs(line.line.top - at), abs(line.line.bottom - at))
        narrow = len(line.pieces) > 1 or _width(line) < 0.6 * width
        if not narrow or len(found) == most or distance > (0.9 if found else 1.2) * line.line.size:
            break
        found.append(line)
        at = line.line.top if line.line.top < at else line.line.bottom
    while found and (len(found) == 1 or not _is_tabular(found, width)) and len(found[-1].pieces) == 1:
        found.pop()
    return found


def _is_tabular(band: Sequence[Cut], width: float) -> bool:
    """Whether the lines of a band are cells: they have gaps, or continue a cell; one line alone may name a group."""
    if not band or _is_title(band):
        return bool(band)
    single = [line for line in band if len(line.pieces) == 1]
    if sum(_width(line) > 0.8 * width for line in single) > 1:
        return False
    if len(single) <= 0.4 * len(band):
        return True
    narrow = sum(_width(line) < 0.6 * width for line in single)
    beside = any(b.middle - a.middle < 0.75 * b.line.size for a, b in pairwise(band))
    return (len(single) < len(band) or beside) and narrow >= 0.8 * len(single)


def _width(line: Cut) -> float:
    left, right = extent(line.line.runs)
    return right - left


def _is_title(band: Sequence[Cut]) -> bool:
    return len(band) == 1 and len(band[0].line.text) <= LONGEST_CELL


def _banded(rules: Sequence[Rule], bands: Sequence[Sequence[Cut]], levels: Sequence[Rule]) -> Grid | None:
    """The table of these bands of lines, if it is one."""
    while bands and _is_title(bands[-1]) and len(bands[-1][0].pieces) == 1:
        bands, rules = bands[:-1], rules[:-1]
    while (
        bands
        and _is_title(bands[0])
        and len(bands[0][0].pieces) == 1
        and len(bands) > 1
        and not _is_tabular(bands[1], rules[0].end - rules[0].start)
    ):
        bands, rules = bands[1:], rules[1:]
    lines = []
    for number, band in enumerate(bands):
        for line in band:
            line.band = number
            lines.append(line)
    columns = columns_of(lines)
    if columns is None or len(lines) < 2:
        return None
    head = next(line for line in lines if len(line.pieces) > 1)
    filled = {c for line in lines if line is not head for piece in line.pieces for c in over(extent(piece), columns)}
    if len(filled) < 2:
        return None
    each = len(bands) >= 3 and median(len(band) for band in bands) <= 2
    rows = rows_of(lines, columns, levels, each=each)
    if _are_long([slot.text for row, _ in rows for slot in row]):
        return None
    marked = sum(band == 0 for _, band in rows) if len(bands) > 1 and not each else 0
    return grid_of(
        [row for row, _ in rows], marked=marked, box=(rules[0].start, rules[0].at, rules[0].end, rules[-1].at)
    )


def _are_long(cells: Sequence[str]) -> bool:
    """Whether many cells hold more text than a table's do."""
    filled = [cell for cell in cells if cell]
    return sum(len(cell) > 3 * LONGEST_CELL for cell in filled) > 0.2 * len(filled)
