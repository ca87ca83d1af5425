"""Tables drawn with bars: pipe tables, also cut, glued to a paragraph or flattened, and boxes of ``+---+``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lynxspec.importers._header_rows import Line, is_number, table
from lynxspec.importers._inline import inline
from lynxspec.sheet import EMPTY, Table, Text

Stretch = tuple[int, int]
"""Offsets of a line without what its container puts before it, and without blanks at its end."""

_BAR = re.compile(r"(?<!\\)\|")
_TICKED = re.compile(r"(`+)[^`]+\1(?!`)")
_FLAT = re.compile(r"\|(?:\s*:?-{2,}:?\s*\|){2,}")
_DASHES = ("--", "==", "|-", ":-", "-:", "- |", "—", "––", "+-")


def is_rule(line: str) -> bool:
    """Whether a line is one that separates headers from rows, or draws a box."""
    return (
        len(line) > 2
        and not line.strip("|+-–—:= \t")
        and ("|" in line or ("+" in line and line[0] == "+"))
        and any(dashes in line for dashes in _DASHES)
    )


def is_framed(line: str) -> bool:
    """Whether a line begins with a bar and has another one."""
    return line.startswith("|") and line.find("|", 1) > 0


def split(text: str, lines: Sequence[Stretch], *, labels: Collection[str] = ()) -> Iterator[Table | list[Stretch]]:
    """The lines of a paragraph as tables, and the lines between them."""
    strings = [text[start:end] for start, end in lines]
    plain: list[Stretch] = []
    position = 0
    while position < len(lines):
        drawing = _Drawing(text=text, labels=labels)
        before, after = _flattened(drawing, strings[position], lines[position][0])
        stop = position + 1 if drawing.lines else _end(strings, position)
        if stop == position:
            plain.append(lines[position])
            position += 1
            continue
        plain += before
        if plain:
            yield plain
            plain = []
        if drawing.lines:
            while not after and stop < len(lines) and "|" in strings[stop] and not _FLAT.search(strings[stop]):
                drawing.add(strings[stop], lines[stop])
                stop += 1
        else:
            rule = next((line for line in strings[position : min(stop, position + 3)] if is_rule(line)), "")
            drawing.expected = len(cut(rule)) if rule.startswith("|") else 0
            for k in range(position, stop):
                drawing.add(strings[k], lines[k])
        made = drawing.table()
        if made is not None:
            yield made
        plain += after
        position = stop
    if plain:
        yield plain


def _end(strings: Sequence[str], first: int) -> int:
    """Where the table ends that begins with a line; the line itself if none does."""
    if not _begins(strings, first):
        return first
    box = is_rule(strings[first])
    ruled = box
    stop = first + 1
    while stop < len(strings) and ("|" in strings[stop] or is_rule(strings[stop])):
        if is_rule(strings[stop]):
            ruled = True
        elif ruled and not box and stop > first + 1 and _begins_anew(strings, stop):
            break
        stop += 1
    return stop


def _begins(strings: Sequence[str], first: int) -> bool:
    line = strings[first]
    behind = strings[first + 1] if first + 1 < len(strings) else ""
    if is_rule(line):
        return "|" in behind
    if "|" not in line:
        return False
    if is_rule(behind) or (is_framed(line) and is_framed(behind)):
        return True
    bars = line.count("|")
    return bars > 1 and first + 2 < len(strings) and behind.count("|") == bars == strings[first + 2].count("|")


def _begins_anew(strings: Sequence[str], index: int) -> bool:
    """Whether headers and a rule stand in the middle of a table: another one, glued to it."""
    if index + 1 >= len(strings) or not is_rule(strings[index + 1]) or is_rule(strings[index - 1]):
        return False
    return not any(is_number(cell.strip()) for cell in strings[index].strip("|").split("|")[1:])


def cut(line: str, *, expected: int = 0) -> list[Stretch]:
    """Where the cells of a line stand; bars in code part cells only if that makes as many cells as ``expected``."""
    bars = [bar.start() for bar in _BAR.finditer(line)]
    cells = _between(line, bars)
    if expected and len(cells) != expected and "`" in line:
        codes = [code.span() for code in _TICKED.finditer(line)]
        outside = _outside(bars, codes)
        if len(outside) < len(bars) and len(_between(line, outside)) == expected:
            return _between(line, outside)
    return cells


def _outside(bars: Sequence[int], codes: Sequence[Stretch]) -> list[int]:
    """The bars that stand in no code; both in order."""
    kept, k = [], 0
    for bar in bars:
        while k < len(codes) and codes[k][1] <= bar:
            k += 1
        if k == len(codes) or bar < codes[k][0]:
            kept.append(bar)
    return kept


def _between(line: str, bars: Sequence[int]) -> list[Stretch]:
    edges = [-1, *bars, len(line)]
    cells = [(edges[k] + 1, edges[k + 1]) for k in range(len(edges) - 1)]
    if cells and not line[slice(*cells[0])].strip():
        cells = cells[1:]
    if cells and bars and not line[slice(*cells[-1])].strip():
        cells = cells[:-1]
    return cells


@dataclass(slots=True, kw_only=True)
class _Drawing:
    """A table while its lines come in."""

    text: str
    labels: Collection[str] = ()
    lines: list[Line] = field(default_factory=list)
    rules: list[int] = field(default_factory=list)
    """How many rows stand above each rule."""
    framed: bool = True
    expected: int = 0
    """Cells of a row, as far as known before the first one."""

    def add(self, string: str, stretch: Stretch) -> None:
        """The next line."""
        if is_rule(string) and (not self.rules or "--" in string or "==" in string):
            self.rules.append(len(self.lines))
            return
        start, end = stretch
        expected = len(self.lines[0].texts) if self.lines else self.expected
        cells = cut(string, expected=expected)
        if not self.lines:
            self.framed = string.startswith("|")
        elif not self.framed and string.startswith("|") and len(cells) == expected - 1:
            cells = [(0, 0), *cells]  # without outer bars, a first bar has an empty cell before it
        self.row(start, end, [(start + a, start + b) for a, b in cells])

    def row(self, start: int, end: int, cells: Sequence[Stretch]) -> None:
        """A row whose cells stand there."""
        text, labels = self.text, self.labels
        texts = [inline(text, a, b, labels=labels) for a, b in cells]
        bold = len(self.lines) < 6 and any(texts) and all(is_bold(text, each) for each in texts if each)
        self.lines.append(Line(start=start, end=end, texts=texts, bold=bold))

    def table(self) -> Table | None:
        """The whole; ``None`` if there is no row at all."""
        if not self.lines:
            return None
        box = bool(self.rules) and self.rules[0] == 0
        inner = self.rules[1:] if box else self.rules
        marked = next((count for count in inner if count), 0)
        if box and marked == len(self.lines):
            marked = 0  # the rule below the last row
        if marked > 1:
            marked = next((i for i, line in enumerate(self.lines[:marked]) if _has_results(line)), marked)
        groups = self._rows_of_lines(inner) if box else []
        if groups:
            return table([_merged(group) for group in groups], marked=1 if marked else 0)
        return table(self.lines, marked=marked)

    def _rows_of_lines(self, inner: Sequence[int]) -> list[Sequence[Line]]:
        """The lines between the rules of a box, if a rule stands below each row and some rows have several lines."""
        edges = sorted({0, *inner, len(self.lines)})
        groups: list[Sequence[Line]] = [self.lines[a:b] for a, b in pairwise(edges)]
        if len(groups) < 3 or all(len(group) == 1 for group in groups):
            return []
        return groups if all(_is_one_row(group) for group in groups[1:]) else []


def _has_results(line: Line) -> bool:
    return any(is_number(text.text) for text in line.texts[1:])


def _is_one_row(lines: Sequence[Line]) -> bool:
    """Whether all lines but the first only go on with what it began: no column holds two results, no line is full."""
    width = max(len(line.texts) for line in lines)
    for line in lines[1:]:
        if len(line.texts) == width and all(line.texts):
            return False
    return all(sum(is_number(line.texts[c].text) for line in lines if c < len(line.texts)) < 2 for c in range(width))


def _merged(lines: Sequence[Line]) -> Line:
    """The lines of one row of a box as one; the words of a cell go on below."""
    width = max(len(line.texts) for line in lines)
    columns = [[line.texts[c] for line in lines if c < len(line.texts) and line.texts[c]] for c in range(width)]
    return Line(
        start=lines[0].start,
        end=lines[-1].end,
        texts=[_joined(texts) for texts in columns],
        bold=all(line.bold for line in lines),
    )


def _joined(texts: Sequence[Text]) -> Text:
    if len(texts) < 2:
        return texts[0] if texts else EMPTY
    at = list(texts[0].at)
    for text in texts[1:]:
        at += [at[-1] + 1, *text.at]
    return Text(" ".join(text.text for text in texts), at)


def is_bold(text: str, words: Text) -> bool:
    """Whether markup sets all of the words in bold."""
    before, after = text[max(0, words.start - 8) : words.start], text[words.end : words.end + 9]
    return (before.endswith(("**", "__")) and after.startswith(("**", "__"))) or (
        before.endswith(("<b>", "<strong>")) and after.startswith(("</b>", "</strong>"))
    )


def _flattened(drawing: _Drawing, string: str, offset: int) -> tuple[list[Stretch], list[Stretch]]:
    """Fill in a table whose lines were joined to one line; what stands before and behind it is text."""
    rule = _FLAT.search(string) if "--" in string else None
    if rule is None or is_rule(string):
        return [], []
    width = rule[0].count("|") - 1
    bars = [bar.start() for bar in _BAR.finditer(string, 0, rule.start())]
    first = rule.start()
    if bars:
        cells = (_between(string[: rule.start()].rstrip(), bars) or [(0, 0)])[-width:]
        first = max((bar for bar in bars if bar < cells[0][0]), default=0)
        drawing.row(offset + first, offset + bars[-1] + 1, [(offset + a, offset + b) for a, b in cells])
    drawing.rules.append(len(drawing.lines))
    last = _flattened_rows(drawing, string, offset, rule.end(), width)
    return _trimmed(string, 0, first, offset), _trimmed(string, last, len(string), offset)


def _flattened_rows(drawing: _Drawing, string: str, offset: int, start: int, width: int) -> int:
    """The rows behind the rule of a flattened table; returns where the last one ends."""
    bars = [bar.start() for bar in _BAR.finditer(string, start)]
    apart: bool | None = None
    k, complete = 0, True
    while k + width < len(bars):
        cells = [(offset + bars[k + c] + 1, offset + bars[k + c + 1]) for c in range(width)]
        drawing.row(offset + bars[k], offset + bars[k + width] + 1, cells)
        k += width
        if k + 1 >= len(bars):
            break
        is_gap = not string[bars[k] + 1 : bars[k + 1]].strip()
        apart = is_gap if apart is None else apart
        if apart and not is_gap:
            break
        k += apart  # the blank between the last bar of a row and the first one of the next
        complete = not apart or k + width < len(bars)
    if not bars:
        return start
    if complete:
        return bars[k] + 1
    cells = _between(string[bars[k] :], [bar - bars[k] for bar in bars[k:]])
    drawing.row(
        offset + bars[k], offset + len(string), [(offset + bars[k] + a, offset + bars[k] + b) for a, b in cells]
    )
    return len(string)


def _trimmed(string: str, first: int, last: int, offset: int) -> list[Stretch]:
    """The stretch without bars and blanks around it, if anything is left."""
    words = string[first:last].strip("| \t")
    if not words:
        return []
    start = first + string[first:last].index(words)
    return [(offset + start, offset + start + len(words))]
