"""Ruled tables of a page: the cells that its lines enclose, and the runs that stand in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lynxspec.importers._header_rows import is_number
from lynxspec.importers._pdf_layout import Line, lines_of, words_of
from lynxspec.importers._pdf_rules import Rule
from lynxspec.importers._pdf_runs import Run

SNAP = 2.5
"""Points within which two lines are one: both sides of a thin filled bar, or borders of neighbours."""

_JOIN = 3.0
"""Points that a line may be broken, and that it may miss another one."""

MAX_LINES = 600
"""Level or upright lines of a page, once joined; a page with more is a drawing."""

_MAX_CROSSINGS = 6_000
_REACH = 60
"""Cells that one cell may span in a direction."""

_LONGEST_CORNER = 40
"""Characters of a cell that spans rows as well as columns, as the upper left one may."""

_LONGEST_CELL = 400
"""Characters; where half of the cells are longer, the lines frame text and make no table."""


@dataclass(slots=True, kw_only=True, eq=False)
class Slot:
    """A cell; one that spans more stands in all of them, as the same object."""

    runs: list[Run] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """Its runs as lines."""

    @property
    def text(self) -> str:
        """Its characters."""
        return " ".join(line.text for line in self.lines)


@dataclass(slots=True, kw_only=True, eq=False)
class Grid:
    """A table found on a page."""

    left: float
    top: float
    right: float
    bottom: float
    rows: list[list[Slot]]
    marked: int
    """Rows at the top that a line of its own sets apart."""
    certain: bool
    """Whether lines enclose all of its cells."""
    starts: list[tuple[int, int]] = field(default_factory=list)
    """Offsets of its rows in `Sheet.text`, once they are written."""

    def holds(self, run: Run) -> bool:
        """Whether the middle of a run lies in it."""
        return self.left <= (run.left + run.right) / 2 <= self.right and (
            self.top <= (run.top + run.bottom) / 2 <= self.bottom
        )


def joined(rules: Iterable[Rule]) -> list[Rule]:
    """Lines of one direction, with pieces of one line put together."""
    found: list[Rule] = []
    cluster: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if cluster and rule.at - cluster[0].at > SNAP:
            found += _merged(cluster)
            cluster = []
        cluster.append(rule)
    return found + _merged(cluster)


def _merged(cluster: Sequence[Rule]) -> list[Rule]:
    if not cluster:
        return []
    at = sum(rule.at for rule in cluster) / len(cluster)
    stretches: list[list[float]] = []
    for rule in sorted(cluster, key=lambda rule: rule.start):
        if stretches and rule.start <= stretches[-1][1] + _JOIN:
            stretches[-1][1] = max(stretches[-1][1], rule.end)
        else:
            stretches.append([rule.start, rule.end])
    return [Rule(level=cluster[0].level, at=at, start=a, end=b) for a, b in stretches]


def alike(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Lines of one direction that start and end beside each other, each group in order."""
    groups: list[list[Rule]] = []
    for rule in rules:
        for group in groups:
            if abs(group[0].start - rule.start) <= _JOIN and abs(group[0].end - rule.end) <= _JOIN:
                group.append(rule)
                break
        else:
            groups.append([rule])
    return groups


def _closed(lines: Sequence[Rule], crossing: Sequence[Rule]) -> list[Rule]:
    """The crossing lines, with those that a table leaves out at its open ends."""
    more: list[Rule] = []
    for group in alike(lines):
        for one, other in pairwise(group):
            inner = [c for c in crossing if c.start <= one.at + _JOIN and c.end >= other.at - _JOIN]
            if not any(one.start + _JOIN < c.at < one.end - _JOIN for c in inner):
                continue
            more += [
                Rule(level=not one.level, at=end, start=one.at, end=other.at)
                for end in (one.start, one.end)
                if not any(abs(c.at - end) <= _JOIN for c in inner)
            ]
    return joined([*crossing, *more]) if more else list(crossing)


_Cell = tuple[int, int, int, int]
"""Upper and lower level line, left and right upright line, by index."""


def _cells(levels: Sequence[Rule], uprights: Sequence[Rule]) -> list[_Cell]:
    """The smallest areas that lines enclose on all sides."""
    on_level: list[list[int]] = [[] for _ in levels]
    on_upright: list[list[int]] = [[] for _ in uprights]
    crossings: set[tuple[int, int]] = set()
    for i, level in enumerate(levels):
        for j, upright in enumerate(uprights):
            if (
                level.start - _JOIN <= upright.at <= level.end + _JOIN
                and upright.start - _JOIN <= level.at <= upright.end + _JOIN
            ):
                on_level[i].append(j)
                on_upright[j].append(i)
                crossings.add((i, j))
    if len(crossings) > _MAX_CROSSINGS:
        return []
    found: list[_Cell] = []
    for i, columns in enumerate(on_level):
        for place, j in enumerate(columns):
            cell = _smallest(i, j, on_upright[j], columns[place + 1 : place + 1 + _REACH], crossings)
            if cell is not None:
                found.append(cell)
    return found


def _smallest(
    i: int, j: int, rows: Sequence[int], columns: Sequence[int], crossings: set[tuple[int, int]]
) -> _Cell | None:
    """The cell whose upper left corner is a crossing, if there is one."""
    first = bisect_right(rows, i)
    for lower in rows[first : first + _REACH]:
        for right in columns:
            if (lower, right) in crossings:
                return i, lower, j, right
    return None


def _groups(cells: Sequence[_Cell]) -> list[list[_Cell]]:
    """Cells that share corners, as tables."""
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(corner: tuple[int, int]) -> tuple[int, int]:
        while (above := parent.setdefault(corner, corner)) != corner:
            parent[corner] = parent.setdefault(above, above)
            corner = above
        return corner

    for upper, lower, left, right in cells:
        for corner in ((upper, right), (lower, left), (lower, right)):
            parent[root(corner)] = root((upper, left))
    tables: dict[tuple[int, int], list[_Cell]] = {}
    for cell in cells:
        tables.setdefault(root((cell[0], cell[2])), []).append(cell)
    return list(tables.values())


def ruled(rules: Sequence[Rule], runs: Sequence[Run]) -> list[Grid]:
    """The tables whose cells lines enclose."""
    levels = joined(rule for rule in rules if rule.level)
    uprights = joined(rule for rule in rules if not rule.level)
    if len(levels) < 2 or not uprights or max(len(levels), len(uprights)) > MAX_LINES:
        return []
    uprights = _closed(levels, uprights)
    levels = _closed(uprights, levels)
    found = []
    for group in _groups(_cells(levels, uprights)):
        grid = _grid(group, levels, uprights, runs)
        if grid is not None:
            found.append(grid)
    return _outermost(found)


def _outermost(grids: Sequence[Grid]) -> list[Grid]:
    """Without tables that lie within others."""
    kept: list[Grid] = []
    for grid in sorted(grids, key=lambda g: -(g.right - g.left) * (g.bottom - g.top)):
        x, y = (grid.left + grid.right) / 2, (grid.top + grid.bottom) / 2
        if not any(k.left <= x <= k.right and k.top <= y <= k.bottom for k in kept):
            kept.append(grid)
    return kept


def _grid(cells: Sequence[_Cell], levels: Sequence[Rule], uprights: Sequence[Rule], runs: Sequence[Run]) -> Grid | None:
    """The table of these cells, if what they enclose is one."""
    ys = sorted({levels[i].at for cell in cells for i in cell[:2]})
    xs = sorted({uprights[j].at for cell in cells for j in cell[2:]})
    if len(ys) < 3 or len(xs) < 3:
        return None
    places: list[list[Slot]] = [[Slot() for _ in xs[1:]] for _ in ys[1:]]
    for upper, lower, left, right in cells:
        slot = Slot()
        for row in range(ys.index(levels[upper].at), ys.index(levels[lower].at)):
            for column in range(xs.index(uprights[left].at), xs.index(uprights[right].at)):
                places[row][column] = slot
    grid = Grid(left=xs[0], top=ys[0], right=xs[-1], bottom=ys[-1], rows=places, marked=0, certain=True)
    for run in runs:
        if grid.holds(run):
            row = bisect_right(ys, (run.top + run.bottom) / 2) - 1
            column = bisect_right(xs, (run.left + run.right) / 2) - 1
            places[min(row, len(places) - 1)][min(column, len(xs) - 2)].runs.append(run)
    _drop_empty(grid)
    for slot in {id(slot): slot for row in grid.rows for slot in row}.values():
        slot.lines = lines_of(slot.runs) if slot.runs else []
    if not _is_table(grid.rows):
        return None
    _part_rows(grid)
    return grid


def _drop_empty(grid: Grid) -> None:
    """Take out rows and columns in which nothing stands, or that only repeat the one before."""
    rows = [row for row in grid.rows if any(slot.runs for slot in row)]
    rows = [
        row for i, row in enumerate(rows) if not i or any(a is not b for a, b in zip(row, rows[i - 1], strict=True))
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    kept = [
        c
        for c, column in enumerate(columns)
        if any(slot.runs for slot in column)
        and (not c or any(a is not b for a, b in zip(column, columns[c - 1], strict=True)))
    ]
    grid.rows = [[row[c] for c in kept] for row in rows]


def _is_table(rows: Sequence[Sequence[Slot]]) -> bool:
    """Whether enclosed cells are a table: two rows and columns, well filled, cells rather than pages of text."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    slots = {id(slot): slot for row in rows for slot in row}.values()
    filled = [slot for slot in slots if slot.runs]
    long = sum(sum(len(run.text) for run in slot.runs) > _LONGEST_CELL for slot in filled)
    places = [bool(slot.runs) for row in rows for slot in row]
    wide = [row[0] for row in rows if all(slot is row[0] for slot in row)]
    if any(sum(len(run.text) for run in slot.runs) > _LONGEST_CELL for slot in wide):
        return False
    if any(_is_frame(slot, rows) for slot in filled):
        return False
    return len(filled) >= 4 and sum(places) >= 0.4 * len(places) and long <= 0.5 * len(filled)


def _is_frame(slot: Slot, rows: Sequence[Sequence[Slot]]) -> bool:
    """Whether a cell spans rows and columns and has words enough to be part of a drawing."""
    spanned = [sum(other is slot for other in row) for row in rows]
    return (
        sum(map(bool, spanned)) > 1 and max(spanned) > 1 and sum(len(run.text) for run in slot.runs) > _LONGEST_CORNER
    )


def _part_rows(grid: Grid) -> None:
    """Part rows that no line separates: where two columns, the first among them, have a line of results for each."""
    rows: list[list[Slot]] = []
    for index, row in enumerate(grid.rows):
        beside = [r for r in (index - 1, index + 1) if 0 <= r < len(grid.rows)]
        spanning = any(slot is other for r in beside for slot, other in zip(row, grid.rows[r], strict=True))
        parted = None if spanning else parted_row(row)
        if parted is None:
            rows.append(row)
        else:
            rows += parted
            grid.certain = False
    grid.rows = rows


def parted_row(row: Sequence[Slot]) -> list[list[Slot]] | None:
    """The rows that a row of several lines is, if each column of results has a line for each."""
    first = next((slot for slot in row if slot.runs), None)
    results = [slot for slot in row[1:] if len(slot.lines) > 1 and all(is_number(line.text) for line in slot.lines)]
    if first is None or not results:
        return None
    lines = max((slot.lines for slot in results), key=len)
    if len(first.lines) < len(lines) or any(len(slot.lines) != len(lines) for slot in results):
        return None
    middles = [(line.top + line.bottom) / 2 for line in lines]
    made: list[list[Slot]] = [[] for _ in lines]
    before: Slot | None = None
    for slot in row:
        if slot is before:
            for new in made:
                new.append(new[-1])
            continue
        before = slot
        parts = [Slot() for _ in lines]
        for line in slot.lines:
            middle = (line.top + line.bottom) / 2
            nearest = min(range(len(lines)), key=lambda i: abs(middles[i] - middle))
            parts[nearest].runs += line.runs
            parts[nearest].lines.append(line)
        for new, part in zip(made, parts, strict=True):
            new.append(part)
    return made


def text_of_row(row: Sequence[Slot]) -> str:
    """The characters of a row, for messages and tests."""
    return " | ".join(" ".join(words_of(line.runs) for line in slot.lines) for slot in row)
