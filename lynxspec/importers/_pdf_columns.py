"""Tables without enclosed cells: words that stand below each other, between level lines or between none at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from lynxspec.importers._header_rows import is_number, is_vacant
from lynxspec.importers._pdf_layout import WIDE_GAP, Line, line_of, lines_of, words_of
from lynxspec.importers._pdf_rules import Rule
from lynxspec.importers._pdf_runs import Run
from lynxspec.importers._pdf_tables import MAX_LINES, Grid, Slot, alike, joined, parted_row

_RULED_GAP = 0.7
"""Blank that parts cells between level lines, in font sizes: the lines tell already that it is a table."""

_SHORTEST = 40.0
"""Points; a shorter level line underlines a word or a group of columns."""

_TIGHT = 1.4
"""Distance of two lines of one cell, in font sizes."""

_LONGEST = 80
"""Characters of a cell of a table that no line marks."""

Stretch = tuple[float, float]


@dataclass(slots=True, kw_only=True)
class _Line:
    """A line cut into the pieces that may be cells."""

    line: Line
    pieces: list[list[Run]]
    band: int = 0
    """Between which level lines it stands."""

    @property
    def middle(self) -> float:
        return (self.line.top + self.line.bottom) / 2


def _extent(piece: Sequence[Run]) -> Stretch:
    return piece[0].left, max(run.right for run in piece)


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
        if not any(g.top < grid.bottom and grid.top < g.bottom and g.left < grid.right and grid.left < g.right for g in kept):
            kept.append(grid)
    return kept


def _in_group(group: Sequence[Rule], levels: Sequence[Rule], runs: Sequence[Run]) -> list[Grid]:
    """Tables between lines that start and end beside each other: neighbouring bands of words with wide gaps."""
    left, right = group[0].start - 2, group[0].end + 2
    beside = [run for run in runs if left <= (run.left + run.right) / 2 <= right]
    lines = [_Line(line=line, pieces=line.pieces(_RULED_GAP)) for line in lines_of(beside)]
    bands = [
        [line for line in lines if upper.at <= line.middle <= lower.at]
        for upper, lower in zip(group, group[1:], strict=False)
    ]
    found: list[Grid] = []
    first = 0
    for index in range(len(bands) + 1):
        if index < len(bands) and _is_tabular(bands[index]):
            continue
        if index > first:
            grid = _banded(*_opened(group[first : index + 1], bands[first:index], lines), levels)
            if grid is not None:
                found.append(grid)
        first = index + 1
    return found


def _opened(
    rules: Sequence[Rule], bands: Sequence[list[_Line]], lines: Sequence[_Line]
) -> tuple[list[Rule], list[list[_Line]]]:
    """Bands with the lines of cells right above their first rule, and right below their last one."""
    opened, more = list(rules), list(bands)
    first, last = rules[0], rules[-1]
    head = _reaching((line for line in reversed(lines) if line.middle < first.at), first.at)[::-1]
    foot = _reaching((line for line in lines if line.middle > last.at), last.at)
    if head:
        opened.insert(0, Rule(level=True, at=head[0].line.top, start=first.start, end=first.end))
        more.insert(0, head)
    if foot:
        opened.append(Rule(level=True, at=foot[-1].line.bottom, start=last.start, end=last.end))
        more.append(foot)
    return opened, more


def _reaching(lines: Iterable[_Line], at: float) -> list[_Line]:
    """Lines of several pieces that follow each other closely from a rule on."""
    found: list[_Line] = []
    for line in lines:
        distance = min(abs(line.line.top - at), abs(line.line.bottom - at))
        if len(line.pieces) < 2 or len(found) == 3 or distance > (0.6 if found else 1.2) * line.line.size:
            break
        found.append(line)
        at = line.line.top if line.line.top < at else line.line.bottom
    return found


def _is_tabular(band: Sequence[_Line]) -> bool:
    """Whether most lines of a band have gaps; a band of one line may name a group."""
    return bool(band) and (sum(len(line.pieces) > 1 for line in band) >= 0.6 * len(band) or _is_title(band))


def _is_title(band: Sequence[_Line]) -> bool:
    return len(band) == 1 and len(band[0].line.text) <= _LONGEST


def _banded(rules: Sequence[Rule], bands: Sequence[Sequence[_Line]], levels: Sequence[Rule]) -> Grid | None:
    """The table of these bands of lines, if it is one."""
    while bands and _is_title(bands[-1]) and len(bands[-1][0].pieces) == 1:
        bands, rules = bands[:-1], rules[:-1]
    while bands and _is_title(bands[0]) and len(bands[0][0].pieces) == 1 and len(bands) > 1 and not _is_tabular(bands[1]):
        bands, rules = bands[1:], rules[1:]
    lines = []
    for number, band in enumerate(bands):
        for line in band:
            line.band = number
            lines.append(line)
    columns = _columns(lines)
    if columns is None or len(lines) < 2:
        return None
    if sum(len(line.pieces) > 1 for line in lines) < 2:
        return None
    each = len(bands) >= 3 and median(len(band) for band in bands) <= 2
    rows = _rows(lines, columns, levels, each=each)
    if _are_long([slot.text for row, _ in rows for slot in row]):
        return None
    marked = sum(band == 0 for _, band in rows) if len(bands) > 1 and not each else 0
    return _grid([row for row, _ in rows], marked=marked, box=(rules[0].start, rules[0].at, rules[0].end, rules[-1].at))


def _are_long(cells: Sequence[str]) -> bool:
    """Whether many cells hold more text than a table's do."""
    filled = [cell for cell in cells if cell]
    return sum(len(cell) > 3 * _LONGEST for cell in filled) > 0.2 * len(filled)


def _grid(rows: list[list[Slot]], *, marked: int, box: tuple[float, float, float, float] | None = None) -> Grid:
    runs = [run for row in rows for slot in row for run in slot.runs]
    left, top, right, bottom = box or (
        min(run.left for run in runs),
        min(run.top for run in runs),
        max(run.right for run in runs),
        max(run.bottom for run in runs),
    )
    return Grid(left=left, top=top, right=right, bottom=bottom, rows=rows, marked=marked, certain=False)


def _columns(lines: Sequence[_Line]) -> list[Stretch] | None:
    """Where the columns stand, by the lines that have a piece in each of them."""
    counts = Counter(len(line.pieces) for line in lines if len(line.pieces) > 1)
    best: tuple[int, int, list[Stretch]] | None = None
    for width, _ in sorted(counts.items(), key=lambda item: (-item[1], -item[0]))[:4]:
        full = [[_extent(piece) for piece in line.pieces] for line in lines if len(line.pieces) == width]
        stretches = [
            (min(extent[0] for extent in column), max(extent[1] for extent in column))
            for column in zip(*full, strict=True)
        ]
        if any(a[1] >= b[0] for a, b in zip(stretches, stretches[1:], strict=False)):
            continue
        fitting = sum(_fits(line, stretches) for line in lines)
        if best is None or (fitting, width) > best[:2]:
            best = fitting, width, stretches
    return best[2] if best is not None and 2 * best[0] >= len(lines) else None


def _fits(line: _Line, columns: Sequence[Stretch]) -> bool:
    """Whether each piece of a line stands over one column, and no two over the same."""
    over = [_over(_extent(piece), columns) for piece in line.pieces]
    return all(len(o) == 1 for o in over) and len({o[0] for o in over if o}) == len(over)


def _over(extent: Stretch, columns: Sequence[Stretch]) -> list[int]:
    """The columns that a piece stands over; the nearest if it stands over none."""
    over = [c for c, (left, right) in enumerate(columns) if min(extent[1], right) - max(extent[0], left) > 1]
    if over:
        return over
    middle = sum(extent) / 2
    return [min(range(len(columns)), key=lambda c: abs(sum(columns[c]) / 2 - middle))]


def _rows(
    lines: Sequence[_Line], columns: Sequence[Stretch], levels: Sequence[Rule], *, each: bool
) -> list[tuple[list[Slot], int]]:
    """The rows of a table with the bands that they stand in; with ``each`` a line is ruled below each row."""
    lines = _with_labels(lines, columns)
    top = _top(lines, columns)
    spread = [i < top and _spread(lines, i, columns, levels) for i in range(len(lines))]
    pitch = median([b.middle - a.middle for a, b in zip(lines, lines[1:], strict=False)] or [0.0])
    rows: list[tuple[list[Slot], int]] = []
    for i, line in enumerate(lines):
        groups = spread[i]
        slots = groups if isinstance(groups, list) else _placed(line, columns)
        before = lines[i - 1] if i else None
        if before is not None and not groups and not spread[i - 1] and line.band == before.band:
            distance = line.middle - before.middle
            near = distance < 0.75 * line.line.size
            in_head = i < top and distance <= _TIGHT * line.line.size
            rest = i >= top and distance < 0.8 * pitch and not _has_results(line, columns) and not _is_full(line, columns)
            if near or in_head or rest or each:
                _append(rows[-1][0], slots)
                continue
        rows.append((slots, line.band))
    if not each:
        return rows
    return [(row, band) for whole, band in rows for row in (parted_row(whole) or [whole])]


def _top(lines: Sequence[_Line], columns: Sequence[Stretch]) -> int:
    """The first line that gives results, or else the first one behind the first band."""
    second = next((i for i, line in enumerate(lines) if line.band > lines[0].band), 1)
    return next((i for i, line in enumerate(lines) if _has_results(line, columns)), second)


def _with_labels(lines: Sequence[_Line], columns: Sequence[Stretch]) -> list[_Line]:
    """The lines, with a label of the first column that stands between two header lines put into the lower one."""
    kept = list(lines)
    for i in range(min(_top(lines, columns), len(lines) - 1) - 1, -1, -1):
        line, below = kept[i], kept[i + 1]
        alone = len(line.pieces) == 1 and _extent(line.pieces[0])[0] < columns[0][1]
        free = all(_extent(piece)[0] >= columns[0][1] for piece in below.pieces)
        if i and alone and free and line.band == below.band and not _has_results(below, columns):
            pieces = [*line.pieces, *below.pieces]
            kept[i : i + 2] = [_Line(line=below.line, pieces=pieces, band=below.band)]
    return kept


def _is_full(line: _Line, columns: Sequence[Stretch]) -> bool:
    return len(line.pieces) >= len(columns)


def _has_results(line: _Line, columns: Sequence[Stretch]) -> bool:
    """Whether a line has a number, or a dash for one, behind its first column."""
    words = [words_of(piece) for piece in line.pieces if _over(_extent(piece), columns)[0] > 0]
    return any(is_number(word) or is_vacant(word) for word in words)


def _placed(line: _Line, columns: Sequence[Stretch]) -> list[Slot]:
    """The pieces of a line in the columns that they stand over."""
    slots: list[Slot] = [Slot() for _ in columns]
    for piece in line.pieces:
        over = _over(_extent(piece), columns)
        slot = slots[over[0]]
        for c in over[1:]:
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


def _spread(
    lines: Sequence[_Line], index: int, columns: Sequence[Stretch], levels: Sequence[Rule]
) -> list[Slot] | None:
    """A header line's pieces above the columns of the groups that they name; ``None`` if they name single columns."""
    line = lines[index]
    if index + 1 >= len(lines) or len(line.pieces) >= len(columns) or len(lines[index + 1].pieces) < 2:
        return None
    first = [piece for piece in line.pieces if _extent(piece)[0] < columns[0][1]]
    names = [piece for piece in line.pieces if _extent(piece)[0] >= columns[0][1]]
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
    line: _Line, below: _Line, names: Sequence[Sequence[Run]], columns: Sequence[Stretch], levels: Sequence[Rule]
) -> list[list[int]] | None:
    """Groups of columns by the line that is drawn between a group's name and its columns."""
    drawn = [rule for rule in levels if line.middle < rule.at < below.middle]
    groups: list[list[int]] = []
    for piece in names:
        middle = sum(_extent(piece)) / 2
        own = [rule for rule in drawn if rule.start <= middle <= rule.end]
        if len(own) != 1:
            return None
        groups.append([c for c, (left, right) in enumerate(columns) if own[0].start <= (left + right) / 2 <= own[0].end])
    together = [c for group in groups for c in group]
    return groups if all(groups) and len(together) == len(set(together)) and 0 not in together else None


def _by_middle(names: Sequence[Sequence[Run]], columns: Sequence[Stretch]) -> list[list[int]] | None:
    """Groups of neighbouring columns by the names centred above them; columns before the first may have no group."""
    middles = [sum(_extent(piece)) / 2 for piece in names]
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


def aligned(flow: Sequence[Line | Grid]) -> list[Line | Grid]:
    """A flow with the lines that make tables taken together."""
    found: list[Line | Grid] = []
    index = 0
    while index < len(flow):
        block = _block(flow, index)
        if len(block) >= 3:
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


def _block(flow: Sequence[Line | Grid], index: int) -> list[_Line]:
    """Neighbouring lines with wide gaps; a single line between them may have none."""
    block: list[_Line] = []
    for item in flow[index:]:
        if not isinstance(item, Line):
            break
        pieces = item.pieces(WIDE_GAP)
        if block and item.top - block[-1].line.bottom > 1.6 * item.size:
            break
        if len(pieces) == 1 and (not block or len(block[-1].pieces) == 1):
            break
        block.append(_Line(line=item, pieces=pieces))
    while block and len(block[-1].pieces) == 1:
        block.pop()
    return block


def _table_in(block: Sequence[_Line], above: list[Line | Grid]) -> tuple[Grid, int, int] | None:
    """The table in a block of lines, with the first line of it and the one behind its last; it takes its headers."""
    columns = _columns(block)
    if columns is None:
        return None
    fits = [_fits(line, columns) or len(line.pieces) == 1 for line in block]
    first, last = _longest(fits)
    lines = list(block[first:last])
    while lines and len(lines[-1].pieces) == 1:
        lines.pop()
        last -= 1
    columns = _columns(lines)
    if columns is None or len(lines) < 3 or not _has_evidence(lines, columns):
        return None
    heads = 0
    while heads < 2 and first and _names_groups(block[first - 1], lines[0], columns):
        first -= 1
        heads += 1
        lines.insert(0, block[first])
    while first == 0 and heads < 2 and above and isinstance(above[-1], Line):
        head = _Line(line=above[-1], pieces=above[-1].pieces(WIDE_GAP))
        if not _names_groups(head, lines[0], columns):
            break
        lines.insert(0, head)
        above.pop()
        heads += 1
    rows = _rows(lines, columns, (), each=False)
    return _grid([row for row, _ in rows], marked=0), first, last


def _longest(flags: Sequence[bool]) -> tuple[int, int]:
    best = (0, 0)
    start = 0
    for i, flag in enumerate([*flags, False]):
        if not flag:
            if i - start > best[1] - best[0]:
                best = (start, i)
            start = i + 1
    return best


def _names_groups(line: _Line, below: _Line, columns: Sequence[Stretch]) -> bool:
    """Whether a line above a table belongs to its header: it stands over the columns behind the first one."""
    close = below.line.top - line.line.bottom <= 1.6 * line.line.size
    inside = line.line.left > columns[0][1] and line.line.right <= columns[-1][1] + 2 * line.line.size
    return close and inside and not _has_results(line, columns) and len(line.line.text) <= _LONGEST


def _has_evidence(lines: Sequence[_Line], columns: Sequence[Stretch]) -> bool:
    """Whether aligned words are a table: short cells, and a column behind the first that holds results."""
    cells: list[list[str]] = [[] for _ in columns]
    for line in lines:
        for piece in line.pieces:
            cells[_over(_extent(piece), columns)[0]].append(words_of(piece))
    if sum(len(cell) > _LONGEST for column in cells for cell in column) > 0.1 * sum(map(len, cells)):
        return False
    for column in cells[1:]:
        results = sum(is_number(cell) or is_vacant(cell) for cell in column)
        if results >= 2 and results >= 0.6 * (len(column) - 1):
            return True
    last = [words_of(piece) for piece in lines[-1].pieces]
    return len(columns) >= 4 and len(last) == len(columns) and all(is_number(cell) for cell in last[1:])
