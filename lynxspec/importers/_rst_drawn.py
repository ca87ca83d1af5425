"""Tables that reStructuredText draws with characters: grid tables in boxes, simple tables between lines of ``=``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import east_asian_width

from lynxspec.importers._grid import MAX_CELLS, Placed, PlacedRow, without_repeats
from lynxspec.importers._rst_lines import Line, Stretch, read_cell
from lynxspec.sheet import EMPTY, Cell

GRID = re.compile(r"\+[-=]{2,}(?:\+[-=]*)*$")
SIMPLE = re.compile(r"=+(?:[ \t]+=+)+$")

_MAX_LINES = 20_000
"""Of one table."""
_CROSS = re.compile(r"\+(?=[-=]{2})|(?<=[-=])\+")
_RULE = re.compile(r"-+|=+")
_SPANS = re.compile(r"-+(?: +-+)*$")


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A line as columns: a wide character takes two of them."""

    text: str
    at: Sequence[int]
    line: Line

    def stretch(self, first: int, last: int | None) -> Stretch:
        """Where the columns ``first`` to before ``last`` stand in the source."""
        last = len(self.text) if last is None else min(last, len(self.text))
        return (self.at[first], self.at[last - 1] + 1) if first < last else (0, 0)


def _drawn(text: str, line: Line, start: int, width: int) -> _Drawn:
    """A line from offset ``start``; characters are counted as wide where that fits the table's ``width`` better."""
    words = text[start : line.end]
    if words.isascii() or len(words) == width:
        return _Drawn(words, range(start, start + len(words)), line)
    columns: list[str] = []
    at: list[int] = []
    for offset, character in enumerate(words, start):
        wide = east_asian_width(character) in "WF"
        columns += [character, "\0"] if wide else [character]
        at += [offset, offset] if wide else [offset]
    return _Drawn("".join(columns), at, line)


def grid_rows(text: str, lines: Sequence[Line], index: int) -> tuple[list[PlacedRow], int, int] | None:
    """The rows of a grid table that begins on a line, how many are headers, and the line behind it."""
    stop = index
    indent = lines[index].indent
    while stop < min(len(lines), index + _MAX_LINES) and not lines[stop].blank and lines[stop].indent == indent:
        if text[lines[stop].first] not in "+|":
            break
        stop += 1
    width = lines[index].end - lines[index].first
    drawn = [_drawn(text, line, line.first, width) for line in lines[index:stop]]
    edges = sorted({match.start() for each in drawn for match in _CROSS.finditer(each.text)} | {0})
    if len(edges) < 2 or len(edges) * len(drawn) > 4 * MAX_CELLS:
        return None
    grid = _Grid(drawn, edges)
    rows, headers = grid.rows(text)
    return rows, headers, stop


class _Grid:
    """The boxes between all edges of a grid table, joined where no line is drawn between them."""

    def __init__(self, drawn: Sequence[_Drawn], edges: Sequence[int]) -> None:
        self.drawn = drawn
        self.edges = edges
        self.width = len(edges) - 1
        ruled = [[self._is_rule(each.text, j) for j in range(self.width)] for each in drawn]
        self.rules = [i for i, row in enumerate(ruled) if any(row)]
        self.ruled = ruled
        tops = [*self.rules, len(drawn)]
        self.bands = [(a, b) for a, b in pairwise(tops) if b - a > 1]
        """The lines of each row: behind one rule, before the next."""
        self.parent = list(range(len(self.bands) * self.width))
        self.bars: dict[int, list[int]] = {}
        """Where the cells of a line begin whose bars stand below no cross."""
        for band in self.bands:
            if not all(self._is_split(band, j) for j in range(self.width)):
                self._count_bars(*band)

    def _count_bars(self, top: int, bottom: int) -> None:
        """Tell the cells of a row by counting, where its rules span nothing and its bars are only out of line."""
        below = self.ruled[bottom] if bottom < len(self.drawn) else [True]
        bars = {i: [m.start() for m in re.finditer(r"\|", self.drawn[i].text)] for i in range(top + 1, bottom)}
        crosses = [
            self.drawn[i].text[edge : edge + 1]
            for i in (top, bottom)
            if i < len(self.drawn)
            for edge in self.edges[:-1]
        ]
        drawn_through = all(self.ruled[top]) and all(below) and set(crosses) == {"+"}
        if drawn_through and all(len(found) == self.width + 1 for found in bars.values()):
            self.bars.update(bars)

    def _is_rule(self, string: str, j: int) -> bool:
        return _RULE.fullmatch(string, self.edges[j] + 1, min(self.edges[j + 1], len(string))) is not None

    def rows(self, text: str) -> tuple[list[PlacedRow], int]:
        """The rows, each cell as often as it stands in them, and how many are headers."""
        for k, band in enumerate(self.bands):
            for j in range(self.width):
                if k and self._goes_on(k, j):
                    self._join((k - 1) * self.width + j, k * self.width + j)
                if j and not self._is_split(band, j):
                    self._join(k * self.width + j - 1, k * self.width + j)
        cells = self._cells(text)
        lines = without_repeats(
            [[cells[self._root(k * self.width + j)] for j in range(self.width)] for k in range(len(self.bands))]
        )
        rows: list[PlacedRow] = []
        header = next((i for i in self.rules[1:] if set(self.drawn[i].text) <= {"+", "="}), -1)
        headers = 0
        for k, (top, bottom) in enumerate(self.bands):
            if k and all(a is b for a, b in zip(lines[k], lines[k - 1], strict=True)):
                continue
            inner = self.drawn[top + 1 : bottom]
            placed = tuple(Placed(cell=cell) for cell in lines[k])
            rows.append(PlacedRow(cells=placed, start=inner[0].line.first, end=inner[-1].line.end))
            headers += top < header
        return rows, headers if headers < len(rows) else 0

    def _goes_on(self, k: int, j: int) -> bool:
        """Whether a column has no rule between the row above and this one."""
        above, here = self.bands[k - 1], self.bands[k]
        return not any(self.ruled[i][j] for i in range(above[1], here[0] + 1))

    def _is_split(self, band: tuple[int, int], j: int) -> bool:
        """Whether a line is drawn before a column, all the way through a row."""
        top, bottom = band
        edge = self.edges[j]
        if top + 1 in self.bars:
            return True
        if self.drawn[top].text[edge : edge + 1] not in {"+", "|"}:
            return False
        cut = {""} if bottom == len(self.drawn) - 1 else set()
        if bottom < len(self.drawn) and self.drawn[bottom].text[edge : edge + 1] not in {"+", "|", *cut}:
            return False
        return all(each.text[edge : edge + 1] in {"|", "+", ""} for each in self.drawn[top + 1 : bottom])

    def _root(self, box: int) -> int:
        while self.parent[box] != box:
            self.parent[box] = self.parent[self.parent[box]]
            box = self.parent[box]
        return box

    def _join(self, one: int, other: int) -> None:
        a, b = self._root(one), self._root(other)
        self.parent[max(a, b)] = min(a, b)

    def _cells(self, text: str) -> dict[int, Cell]:
        """The cell of each group of joined boxes."""
        columns: dict[int, tuple[int, int]] = {}
        spans: dict[int, tuple[int, int]] = {}
        for box in range(len(self.parent)):
            root = self._root(box)
            k, j = divmod(box, self.width)
            left, right = columns.get(root, (j, j))
            columns[root] = (min(left, j), max(right, j))
            spans[root] = (spans.get(root, (k, k))[0], k)
        found: dict[int, Cell] = {}
        for root, (left, right) in columns.items():
            top, bottom = self.bands[spans[root][0]][0] + 1, self.bands[spans[root][1]][1]
            stretches: list[Stretch] = []
            for i in range(top, bottom):
                edges = self.bars.get(i, self.edges)
                if not all(self.ruled[i][left : right + 1]):
                    stretches.append(self.drawn[i].stretch(edges[left] + 1, edges[right + 1]))
            found[root] = Cell(text=read_cell(text, stretches))
        return found


def simple_end(text: str, lines: Sequence[Line], index: int) -> int:
    """The line behind a simple table: behind its last border, or where a cut one ends."""
    borders, last = 1, 0
    for i in range(index + 1, min(len(lines), index + _MAX_LINES)):
        line = lines[i]
        if line.blank:
            continue
        if line.indent < lines[index].indent:
            break
        if SIMPLE.match(text, line.first, line.end):
            borders += 1
            last = i
            if borders > 2 or i + 1 >= len(lines) or lines[i + 1].blank:
                return i + 1
    stop = (last or index) + 1
    gaps = [match.span() for match in re.finditer("[ \t]+", text[lines[index].first : lines[index].end])]
    while stop < len(lines) and (
        lines[stop].blank or not lines[stop - 1].blank or _fits(text, lines[stop], lines[index], gaps)
    ):
        stop += 1
    return stop


def _fits(text: str, line: Line, border: Line, gaps: Sequence[Stretch]) -> bool:
    """Whether a line behind a blank one still has columns where the border has them."""
    offset = line.start + border.first - border.start
    words = text[offset : line.end]
    return (
        not any(words[first:last].strip() for first, last in gaps)
        and len(words) > gaps[0][1]
        and bool(words[: gaps[0][0]].strip())
    )


def simple_rows(text: str, lines: Sequence[Line]) -> tuple[list[PlacedRow], int]:
    """The rows of a simple table and how many are headers; the first of ``lines`` is its top border."""
    top = lines[0]
    margin = top.first - top.start
    border = text[top.first : top.end]
    columns = [match.span() for match in re.finditer("=+", border)]
    table = _Simple([start for start, _ in columns], [end for _, end in columns])
    headers = 0
    for line in lines[1:]:
        if line.blank:
            continue
        if SIMPLE.match(text, line.first, line.end):
            headers = headers or len(table.rows)
            table.closed = True
        elif _SPANS.match(text, line.first, line.end) and line.end - line.first > 1 and line.indent == top.indent:
            table.span([match.span() for match in re.finditer("-+", text[line.start + margin : line.end])])
        else:
            table.add(_drawn(text, line, min(line.start + margin, line.end), len(border)))
    rows = [table.placed(text, row) for row in table.rows]
    return rows, headers if headers < len(rows) else 0


@dataclass(slots=True)
class _SimpleRow:
    drawn: list[_Drawn]
    joined: set[int]
    """Columns that belong to the cell before them."""
    spanned: bool = False
    """Whether a line of dashes below it says so."""


class _Simple:
    """The rows of a simple table while its lines come in."""

    def __init__(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        self.starts = starts
        self.ends = ends
        self.rows: list[_SimpleRow] = []
        self.closed = True
        """Whether the next line begins a row, whatever its first column holds."""

    def add(self, drawn: _Drawn) -> None:
        """The next line: a row, or more of one if its first column is blank."""
        if self.closed or not self.rows or drawn.text[: self.starts[1]].strip():
            self.rows.append(_SimpleRow([], set()))
        self.closed = False
        row = self.rows[-1]
        row.drawn.append(drawn)
        for j in range(1, len(self.starts)):
            if drawn.text[self.ends[j - 1] : self.starts[j]].strip():
                row.joined.add(j)

    def span(self, runs: Sequence[Stretch]) -> None:
        """A line of dashes below a row: each run is as wide as the columns that the cell above it spans."""
        self.closed = True
        if self.rows:
            self.rows[-1].spanned = True
            for first, last in runs:
                inside = [j for j in range(len(self.starts)) if self.starts[j] >= first and self.starts[j] < last]
                self.rows[-1].joined.update(inside[1:])

    def _in_order(self, row: _SimpleRow) -> list[Stretch]:
        """The words of a row that stand across columns, if as many as columns: then they are only out of line."""
        if row.spanned or not row.joined or len(row.drawn) > 1:
            return []
        drawn = row.drawn[0]
        words = [drawn.stretch(*match.span()) for match in re.finditer(r"\S+(?: \S+)*", drawn.text)]
        if not drawn.text[: self.ends[0]].strip():
            words.insert(0, (0, 0))
        return words if len(words) == len(self.starts) else []

    def placed(self, text: str, row: _SimpleRow) -> PlacedRow:
        """A row with its cells read."""
        told = self._in_order(row)
        if told:
            cells = [Placed(cell=Cell(text=read_cell(text, [stretch]))) for stretch in told]
            return PlacedRow(cells=tuple(cells), start=row.drawn[0].line.first, end=row.drawn[-1].line.end)
        cells = []
        j = 0
        while j < len(self.starts):
            last = j + 1
            while last < len(self.starts) and last in row.joined:
                last += 1
            right = self.starts[last] if last < len(self.starts) else None
            words = read_cell(text, [drawn.stretch(self.starts[j], right) for drawn in row.drawn])
            cells.append(Placed(cell=Cell(text=words or EMPTY), columns=last - j))
            j = last
        return PlacedRow(cells=tuple(cells), start=row.drawn[0].line.first, end=row.drawn[-1].line.end)
