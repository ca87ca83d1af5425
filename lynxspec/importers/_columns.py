"""Tables drawn with blanks or tabs: columns that stand below each other on consecutive lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from lynxspec.importers._header_rows import Line, is_number, is_vacant, table
from lynxspec.importers._inline import inline
from lynxspec.sheet import EMPTY, Table, Text

Stretch = tuple[int, int]

_GAP = re.compile(r"[ \t\u00a0\u3000]{2,}|\t")
_SENTENCE_GAP = re.compile(r"[.!?;,)] {2}(?=[A-Z\"'(])")
_LIST = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s")
_LONGEST = 60
"""Characters of a cell; longer ones are text set in two columns."""
_LONGEST_TABLE = 20_000
"""Lines of a table, which are looked at together."""


def is_dashes(line: str) -> bool:
    """Whether a line underlines columns: dashes or equal signs and blanks."""
    return len(line) > 2 and not line.strip("-=_ \t+") and line[0] in "-=_+"


def pieces(line: str) -> list[Stretch]:
    """Where the cells of a line stand that wide gaps part; only one if there is no such gap."""
    if not _GAP.search(line) or _LIST.match(line) or (_SENTENCE_GAP.search(line) and "\t" not in line):
        return [(0, len(line))]
    found, position = [], 0
    for gap in _GAP.finditer(line):
        found.append((position, gap.start()))
        position = gap.end()
    return [*found, (position, len(line))]


def runs(text: str, lines: Sequence[Stretch]) -> list[tuple[int, int]]:
    """Which lines make tables, as first line and the one behind the last; ``lines`` are without blanks around them."""
    found: list[tuple[int, int]] = []
    first = None
    for i in range(len(lines) + 1):
        start, end = lines[i] if i < len(lines) else (0, 0)
        line = text[start:end]
        goes_on = bool(line) and "|" not in line and (len(pieces(line)) > 1 or (first is not None and is_dashes(line)))
        if goes_on and first is None:
            first = i
        full = first is not None and i - first >= _LONGEST_TABLE
        if first is not None and (not goes_on or full):
            last = i
            while last > first and is_dashes(text[slice(*lines[last - 1])]):
                last -= 1
            if _is_table(text, lines[first:last]):
                found.append((first, i))
            first = i if goes_on else None
    return found


def _is_table(text: str, lines: Sequence[Stretch]) -> bool:
    """Whether lines with gaps are rows: three or more, most with as many short cells, some of them results."""
    rows = [text[start:end] for start, end in lines if not is_dashes(text[start:end])]
    if len(rows) < 3:
        return False
    cells = [[row[a:b] for a, b in pieces(row)] for row in rows]
    if sum(len(cell) > _LONGEST for row in cells for cell in row) * 10 > sum(map(len, cells)):
        return False
    usual, count = Counter(map(len, cells)).most_common(1)[0]
    if count * 2 < len(rows):
        return False
    tabbed = all("\t" in row for row in rows)
    results = sum(any(is_number(cell) or is_vacant(cell) for cell in row[1:]) for row in cells)
    return results * 3 >= len(rows) or (count == len(rows) and (usual > 2 or tabbed or _are_properties(cells)))


def _are_properties(cells: Sequence[Sequence[str]]) -> bool:
    """Whether rows are names with their values: a colon behind each, or all of them short."""
    return all(row[0].endswith((":", "：")) or len(row[0]) <= 30 for row in cells)


def read_columns(text: str, lines: Sequence[Stretch]) -> Table:
    """The table that these lines draw."""
    rows: list[tuple[Stretch, list[Stretch]]] = []
    marked = 0
    for start, end in lines:
        line = text[start:end]
        if is_dashes(line):
            marked = marked or len(rows)
        else:
            rows.append(((start, end), _cells(text, start, end)))
    if all("\t" in text[start:end] for (start, end), _ in rows):
        placed = [[inline(text, a, b) for a, b in cells] for _, cells in _tabbed(text, rows)]
    else:
        placed = _placed(text, rows)
    made = [Line(start=a, end=b, texts=texts) for ((a, b), _), texts in zip(rows, placed, strict=True)]
    return table(made, marked=marked if marked < len(rows) else 0, certain=False)


def _cells(text: str, start: int, end: int) -> list[Stretch]:
    return [(start + a, start + b) for a, b in pieces(text[start:end])]


def _tabbed(text: str, rows: Sequence[tuple[Stretch, list[Stretch]]]) -> list[tuple[Stretch, list[Stretch]]]:
    """Rows parted at each tab if all have as many; a tab may also only fill up to the next stop."""
    counts = {text.count("\t", start, end) for (start, end), _ in rows}
    if len(counts) > 1:
        return list(rows)
    parted = []
    for (start, end), _ in rows:
        cells, position = [], start
        for tab in re.finditer("\t", text[start:end]):
            cells.append((position, start + tab.start()))
            position = start + tab.end()
        parted.append(((start, end), [*cells, (position, end)]))
    return parted


def _placed(text: str, rows: Sequence[tuple[Stretch, list[Stretch]]]) -> list[list[Text]]:
    """The texts of each row by column; columns are where the cells of the usual rows stand."""
    starts = [text.rfind("\n", 0, row[0]) + 1 for row, _ in rows]
    usual = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    usual = max(usual, 2)
    columns: list[list[int]] = [[10**9, 0] for _ in range(usual)]
    for (_, cells), line in zip(rows, starts, strict=True):
        if len(cells) == usual:
            for column, (a, b) in zip(columns, cells, strict=True):
                column[:] = min(column[0], a - line), max(column[1], b - line)
    placed = []
    on_top = True
    for (_, cells), line in zip(rows, starts, strict=True):
        texts = [inline(text, a, b) for a, b in cells]
        on_top = on_top and not any(is_number(words.text) for words in texts)
        if len(cells) != usual:
            places = [(a - line, b - line) for a, b in cells]
            above_groups = on_top and places[0][0] >= columns[0][1]
            texts = (_above_groups if above_groups else _by_place)(places, texts, columns)
        placed.append(texts)
    return placed


def _by_place(cells: Sequence[Stretch], texts: Sequence[Text], columns: Sequence[Sequence[int]]) -> list[Text]:
    """Texts in the columns that they stand over, in all of them if over several; else in the nearest one."""
    result = [EMPTY] * len(columns)
    free = 0
    for (start, end), text in zip(cells, texts, strict=True):
        over = [c for c in range(free, len(columns)) if min(end, columns[c][1]) > max(start, columns[c][0])]
        if not over and free < len(columns):
            middle = start + end
            over = [min(range(free, len(columns)), key=lambda c: abs(columns[c][0] + columns[c][1] - middle))]
        for c in over:
            result[c] = text
        free = over[-1] + 1 if over else free
    return result


def _above_groups(cells: Sequence[Stretch], texts: Sequence[Text], columns: Sequence[Sequence[int]]) -> list[Text]:
    """Names of groups, each above all the columns that it is nearest to: such names are centred."""
    nearest = [
        min(range(len(cells)), key=lambda k: abs(sum(cells[k]) - start - end))  # twice the distance of the middles
        for start, end in columns[1:]
    ]
    return [EMPTY, *(texts[k] for k in nearest)]
