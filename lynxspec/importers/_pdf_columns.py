"""Columns of words that stand below each other, told by where the pieces of lines stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lynxspec.importers._header_rows import is_number, is_vacant
from lynxspec.importers._pdf_layout import Line, words_of
from lynxspec.importers._pdf_runs import Run

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
        """Distance of its middle from the top of the page."""
        return (self.line.top + self.line.bottom) / 2


def extent(piece: Sequence[Run]) -> Stretch:
    """Where a piece starts and ends."""
    return piece[0].left, max(run.right for run in piece)


def columns_of(lines: Sequence[Cut]) -> list[Stretch] | None:
    """Where the columns stand, by the lines that have a piece in each of them.

    Lines with results decide, where there are two or more: headers may stand across columns.
    """
    telling = [line for line in lines if sum(map(_is_result, line.pieces)) > 1 or _ends_in_result(line)]
    if len(telling) < 2:
        telling = list(lines)
    counts = Counter(len(line.pieces) for line in lines if len(line.pieces) > 1)
    best: tuple[int, int, int, list[Stretch]] | None = None
    for width, _ in sorted(counts.items(), key=lambda item: (-item[1], -item[0]))[:5]:
        stretches = _stretches([line for line in telling if len(line.pieces) == width], width)
        stretches = stretches or _stretches([line for line in lines if len(line.pieces) == width], width)
        if not stretches:
            continue
        fitting = sum(fits(line, stretches) for line in telling)
        all_fitting = sum(fits(line, stretches) for line in lines)
        if best is None or (fitting, all_fitting, width) > best[:3]:
            best = fitting, all_fitting, width, stretches
    if best is None or 2 * best[0] < len(telling):
        return None
    return _with_others(best[3], lines[lines.index(telling[0]) :])


def _with_others(columns: list[Stretch], lines: Sequence[Cut]) -> list[Stretch]:
    """The columns, and those that stand clear of them: cells on several lines never stand on one with all others."""
    clear = sorted(
        stretch
        for line in lines
        for stretch in map(extent, line.pieces)
        if all(min(stretch[1], right) - max(stretch[0], left) <= 1 for left, right in columns)
    )
    more: list[Stretch] = []
    for left, right in clear:
        if more and left < more[-1][1]:
            more[-1] = (more[-1][0], max(more[-1][1], right))
        else:
            more.append((left, right))
    together = sorted([*columns, *more])
    return together if all(a[1] < b[0] for a, b in pairwise(together)) else columns


def _stretches(full: Sequence[Cut], width: int) -> list[Stretch]:
    """The columns of lines that have a piece in each; none if they do not stand clear of each other."""
    if not full:
        return []
    extents = [[extent(piece) for piece in line.pieces] for line in full]
    found = [(min(e[c][0] for e in extents), max(e[c][1] for e in extents)) for c in range(width)]
    return found if all(a[1] < b[0] for a, b in pairwise(found)) else []


def _ends_in_result(line: Cut) -> bool:
    return len(line.pieces) > 1 and _is_result(line.pieces[-1])


def _is_result(piece: Sequence[Run]) -> bool:
    words = words_of(piece)
    return is_number(words) or is_vacant(words)


def fits(line: Cut, columns: Sequence[Stretch]) -> bool:
    """Whether each piece of a line stands over one column, and no two over the same."""
    below = [over(extent(piece), columns) for piece in line.pieces]
    return all(len(c) == 1 for c in below) and len({c[0] for c in below}) == len(below)


def over(stretch: Stretch, columns: Sequence[Stretch]) -> list[int]:
    """The columns that a piece stands over; the nearest if it stands over none."""
    found = [c for c, (left, right) in enumerate(columns) if min(stretch[1], right) - max(stretch[0], left) > 1]
    if found:
        return found
    middle = sum(stretch) / 2
    return [min(range(len(columns)), key=lambda c: abs(sum(columns[c]) / 2 - middle))]


def has_results(line: Cut, columns: Sequence[Stretch]) -> bool:
    """Whether a line has a number, or a dash for one, behind its first column."""
    return any(_is_result(piece) for piece in line.pieces if over(extent(piece), columns)[0] > 0)
