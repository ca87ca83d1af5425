"""The reading order of a page: runs become lines, lines stand in columns, columns are read one after the other."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from statistics import median
from typing import Generic, Protocol, TypeVar

from lynxspec.importers._header_rows import is_number
from lynxspec.importers._pdf_runs import Run, raised

_LEFT = attrgetter("left")
_WIDE = re.compile("[\u3040-\u9fff\uac00-\ud7a3]")

WIDE_GAP = 1.0
"""Blank between two words, in font sizes, that parts cells; in justified text it stays below."""

_GUTTER = 0.8
"""Least blank between two columns of text, in font sizes."""

_DEEPEST = 4
"""How often a page is cut into columns within columns."""

_LONGEST_MARK = 3
"""Characters of a footnote's mark: ``1,2``."""

_STEP = 3.0
"""Points from one place to the next where a gutter is looked for."""


class Area(Protocol):
    """What has a place on a page and is read as a whole: a table."""

    left: float
    top: float
    right: float
    bottom: float


A = TypeVar("A", bound=Area)


@dataclass(slots=True, kw_only=True)
class Line:
    """Runs that stand side by side."""

    runs: list[Run]
    """From left to right."""
    left: float
    top: float
    right: float
    bottom: float
    size: float
    """The font size of most of its characters."""
    bold: bool
    mono: bool
    start: int = -1
    """Offset in `Sheet.text`, once it is written."""
    end: int = -1
    _text: str = ""

    @property
    def text(self) -> str:
        """Its characters, with single blanks between words."""
        if not self._text:
            self._text = words_of(self.runs)
        return self._text

    def forget(self) -> None:
        """Make the characters anew, after a run has changed."""
        self._text = ""

    def pieces(self, gap: float = WIDE_GAP) -> list[list[Run]]:
        """Its runs, parted where the blank between them is wider than ``gap`` font sizes."""
        found = [[self.runs[0]]]
        for run in self.runs[1:]:
            if run.left - found[-1][-1].right > gap * self.size:
                found.append([run])
            else:
                found[-1].append(run)
        return found


def words_of(runs: Sequence[Run]) -> str:
    """The characters of runs that stand side by side."""
    if not any(run.glued for run in runs):
        return " ".join([run.text for run in runs])
    parts = [runs[0].text]
    for before, run in pairwise(runs):
        parts.append(run.text if follows(run, before) else " " + run.text)
    return "".join(parts)


def follows(run: Run, before: Run) -> bool:
    """Whether no blank stands between two neighbours of a line."""
    return run.glued and run.order == before.order + 1


def line_of(runs: Iterable[Run]) -> Line:
    """One line of the runs that stand in it."""
    members = sorted(runs, key=_LEFT)
    size = members[0].size
    main = members
    if any(run.size != size for run in members):
        sizes: dict[float, int] = {}
        for run in members:
            sizes[run.size] = sizes.get(run.size, 0) + len(run.text)
        size = max(sizes, key=lambda s: (sizes[s], s))
        main = [run for run in members if run.size == size]
    return Line(
        runs=members,
        left=members[0].left,
        top=min([run.top for run in main]),
        right=max([run.right for run in members]),
        bottom=max([run.bottom for run in main]),
        size=size,
        bold=any(run.bold for run in members) and _are_bold(members),
        mono=members[0].mono and all(run.mono for run in members),
    )


def _are_bold(runs: Sequence[Run]) -> bool:
    """Whether all words are bold; punctuation does not count."""
    letters = [run for run in runs if any(map(str.isalnum, run.text))]
    return bool(letters) and all(run.bold for run in letters)


def raise_marks(line: Line) -> None:
    """Tell small words that stand higher than their neighbours from the words of the line."""
    for run, before, behind in zip(line.runs, [None, *line.runs], [*line.runs[1:], None], strict=False):
        if len(run.text) > _LONGEST_MARK:
            continue
        for other in (before, behind):
            if other is None or other.size * 0.9 < run.size or other.bottom - run.bottom <= 0.12 * other.size:
                continue
            if max(run.left - other.right, other.left - run.right) < 0.6 * other.size:
                run.text = raised(run.text)
                line.forget()
                break


def lines_of(runs: Iterable[Run]) -> list[Line]:
    """Lines from top to bottom, each across the whole width."""
    middles: list[float] = []
    groups: list[list[Run]] = []
    # large type first: what is small stands beside it
    for run in sorted(runs, key=lambda r: (-round(r.size), r.order)):
        top, bottom = run.top, run.bottom
        middle, height = (top + bottom) / 2, bottom - top
        at = bisect_left(middles, middle)
        best, nearest = -1, 0.7 * height
        for place in (at - 1, at):
            if not 0 <= place < len(middles) or (distance := abs(middles[place] - middle)) > nearest:
                continue
            first = groups[place][0]
            common = min(first.bottom, bottom) - max(first.top, top)
            if common >= 0.5 * height or common >= 0.5 * (first.bottom - first.top):
                best, nearest = place, distance
        if best >= 0:
            groups[best].append(run)
        else:
            middles.insert(at, middle)
            groups.insert(at, [run])
    return [line_of(group) for group in groups]


@dataclass(slots=True, kw_only=True)
class _Row(Generic[A]):
    """A line or a table of a page that is still to be cut into columns."""

    top: float
    left: list[Run]
    """What ends before the gutter."""
    right: list[Run]
    crossing: bool
    areas: list[A]
    line: Line | None


def flows(runs: Sequence[Run], areas: Sequence[A], *, depth: int = 0) -> list[list[Line | A]]:
    """Stretches of lines and tables that are read from top to bottom, one after the other."""
    lines = lines_of(runs)
    gutter = _gutter(lines) if depth < _DEEPEST and len(lines) > 2 else None
    if gutter is None:
        return [_in_order(lines, areas)] if lines or areas else []
    found: list[list[Line | A]] = []
    waiting: list[_Row[A]] = []
    for band, columns in _bands(lines, areas, gutter):
        if not columns:
            waiting += band
            continue
        found += _whole(waiting)
        waiting = []
        for side in (0, 1):
            members = [run for row in band for run in (row.left, row.right)[side]]
            beside = [a for row in band for a in row.areas if (a.left + a.right > 2 * gutter) == bool(side)]
            found += flows(members, beside, depth=depth + 1)
    if not found:
        return [_in_order(lines, areas)]
    return found + _whole(waiting)


def _whole(rows: Sequence[_Row[A]]) -> list[list[Line | A]]:
    """Rows that are not set in columns."""
    lines = [row.line for row in rows if row.line is not None]
    areas = [area for row in rows for area in row.areas]
    return [_in_order(lines, areas)] if rows else []


def _in_order(lines: Sequence[Line], areas: Sequence[A]) -> list[Line | A]:
    found: list[Line | A] = [*lines, *areas]
    return sorted(found, key=lambda item: (item.top + item.bottom) / 2 if isinstance(item, Line) else item.top)


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where the blank strip stands that most lines end before or start behind, if there is one."""
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    width = right - left
    steps = int(0.7 * width / _STEP)
    before, behind = [0] * (steps + 1), [0] * (steps + 1)
    origin = left + 0.15 * width
    for line in lines:
        for start, end, first, last in _blanks(line, left, right):
            low = max(0, int((start - origin) / _STEP) + 1)
            high = min(steps, int((end - origin) / _STEP))
            for step in range(low, high + 1):
                before[step] += not first
                behind[step] += not last
    scores = [(min(a, b), a + b) for a, b in zip(before, behind, strict=True)]
    best = max(scores, default=(0, 0))
    if best[0] < 3:
        return None
    # the widest strip of those that score best
    strips: list[tuple[int, int]] = []
    for step, score in enumerate(scores):
        if score < best:
            continue
        if strips and strips[-1][1] == step:
            strips[-1] = (strips[-1][0], step + 1)
        else:
            strips.append((step, step + 1))
    first_step, last_step = max(strips, key=lambda strip: strip[1] - strip[0])
    return origin + _STEP * (first_step + last_step - 1) / 2


def _blanks(line: Line, left: float, right: float) -> Iterator[tuple[float, float, bool, bool]]:
    """Blank stretches of a line that may be a gutter, and whether they stand before or behind all of its words."""
    least = _GUTTER * line.size
    if line.left > left:
        yield left, line.left, True, False
    for one, other in zip(line.runs, line.runs[1:], strict=False):
        if other.left - one.right >= least:
            yield one.right, other.left, False, False
    if line.right < right:
        yield line.right, right, False, True


def _bands(lines: Sequence[Line], areas: Sequence[A], gutter: float) -> Iterator[tuple[list[_Row[A]], bool]]:
    """The page from top to bottom, cut where something crosses the gutter; and whether a band is set in columns."""
    rows: list[_Row[A]] = [_row(line, gutter) for line in lines]
    rows += [
        _Row(top=a.top, left=[], right=[], crossing=a.left < gutter - 2 and a.right > gutter + 2, areas=[a], line=None)
        for a in areas
    ]
    band: list[_Row[A]] = []
    across: _Row[A] | None = None
    for row in sorted(rows, key=lambda row: row.top):
        if not band and across is not None and _goes_on(across, row):
            across = row
            yield [row], False
            continue
        if not row.crossing:
            band.append(row)
            continue
        across = row
        above, below = _without_tail(band)
        if above:
            yield above, _are_columns(above, gutter)
        yield [*below, row], False
        band = []
    if band:
        yield band, _are_columns(band, gutter)


def _goes_on(across: _Row[A], row: _Row[A]) -> bool:
    """Whether a line on the left is the last one of a paragraph or title that reaches across the page."""
    line, before = row.line, across.line
    if line is None or before is None or row.right or row.crossing:
        return False
    return abs(line.size - before.size) < 0.3 and line.top - before.bottom < 0.6 * line.size


def _without_tail(band: list[_Row[A]]) -> tuple[list[_Row[A]], list[_Row[A]]]:
    """A band, and the lines at its end that belong to what follows: on the left only, with a blank above them."""
    last = max((i for i, row in enumerate(band) if row.right or row.areas), default=-1)
    for index in range(max(1, last + 1), len(band)):
        line, before = band[index].line, band[index - 1].line
        if line is None or before is None or line.top - before.bottom > 0.7 * line.size:
            return band[:index], band[index:]
    return band, []


def _row(line: Line, gutter: float) -> _Row[A]:
    left = [run for run in line.runs if run.right <= gutter]
    right = [run for run in line.runs if run.left >= gutter]
    tight = left and right and right[0].left - left[-1].right < _GUTTER * line.size
    return _Row(
        top=line.top,
        left=left,
        right=right,
        crossing=len(left) + len(right) < len(line.runs) or bool(tight),
        areas=[],
        line=line,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What one side of a gutter looks like."""

    lines: int
    words: float
    """Of a usual line."""
    fill: float
    """The part of the side's width that a usual line takes."""
    pieces: float
    """Parts of a usual line that wide blanks separate."""
    numbers: float
    """The part of its lines that are single numbers."""

    @property
    def is_prose(self) -> bool:
        """Whether it is running text."""
        return self.lines >= 2 and self.words >= 3 and self.fill >= 0.5 and self.pieces == 1

    @property
    def is_full(self) -> bool:
        """Whether it is running text that can be no column of a table."""
        return self.is_prose and self.words >= 6 and self.fill >= 0.75


def _words(text: str) -> int:
    """How many words a text has; two letters of a script without blanks count as one."""
    return len(text.split()) + len(_WIDE.findall(text)) // 2


def _side(rows: Sequence[Sequence[Run]]) -> _Side:
    if not rows:
        return _Side(lines=0, words=0, fill=0, pieces=0, numbers=0)
    lines = [line_of(row) for row in rows]
    width = max(line.right for line in lines) - min(line.left for line in lines)
    numbers = sum(is_number(line.text) and len(line.runs) <= 3 for line in lines)
    return _Side(
        lines=len(lines),
        words=median(_words(line.text) for line in lines),
        fill=median(line.right - line.left for line in lines) / width if width else 0,
        pieces=median(len(line.pieces()) for line in lines),
        numbers=numbers / len(lines),
    )


def _are_columns(band: Sequence[_Row[A]], gutter: float) -> bool:
    """Whether the two sides are columns of text, and not columns of a table."""
    left, right = _side([row.left for row in band if row.left]), _side([row.right for row in band if row.right])
    tables = [0, 0]
    for row in band:
        for area in row.areas:
            tables[area.left + area.right > 2 * gutter] += 1
    if (left.is_prose and right.is_prose) or all(tables):
        return True
    if (left.is_prose and tables[1]) or (right.is_prose and tables[0]):
        return True
    for text, other in ((left, right), (right, left)):
        if text.is_full and other.lines >= 3 and other.numbers < 0.6:
            return True
    least = min(left.lines, right.lines)
    uneven = least >= 3 and sum(map(_is_level, band)) < 0.4 * least and max(left.numbers, right.numbers) < 0.6
    return uneven and (left.is_prose or right.is_prose or any(tables))


def _is_level(row: _Row[A]) -> bool:
    """Whether words on both sides of the gutter stand on one base line."""
    if not row.left or not row.right:
        return False
    return abs(max(run.bottom for run in row.left) - max(run.bottom for run in row.right)) < 0.08 * row.left[0].size
