"""What stands at the edges of pages: running heads and page numbers, and footnotes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lynxspec.importers._pdf_layout import Line
from lynxspec.importers._pdf_runs import RAISED, lowered
from lynxspec.importers._pdf_tables import Grid
from lynxspec.importers._pdf_writing import Leaf

_EDGE = 0.1
"""Of the page's height, where running heads stand."""

_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.)?\s*(\d{1,4})(?:\s*(?:/|of|von|\|)\s*\d{1,4})?|[-–—]\s*(\d{1,4})\s*[-–—]", re.IGNORECASE
)
_ROMAN = re.compile(r"[ivxl]{1,6}")

_MARK = re.compile(
    rf"(?P<sure>[*†‡§¶]{{1,3}}(?=\s*[^\s*†‡§¶])|[{RAISED}]{{1,2}})\s*|\[(?P<square>\d{{1,2}}|[a-z*†‡])\]\s*"
    r"|\((?P<round>\d{1,2}|[a-z*†‡])\)\s*|(?P<plain>\d{1,2}|[a-z])[.):]?\s+(?=\S)"
)

_REFERENCES = re.compile(
    rf"(?<=[^\s*†‡§¶{RAISED}])(?:\s?([{RAISED}]+)|([*†‡§¶]{{1,3}}))(?=$|[\s,;:.)\]])|\s\[(\d{{1,2}})\]"
)

_SMALL = 0.93
"""Of the size of running text: what is not larger than this at the foot of a page may be a footnote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footnote:
    """A footnote as it stands on the page."""

    mark: str
    first: int
    """Offset behind its mark in `Sheet.text`."""
    lines: list[Line]


def running_heads(leaves: Sequence[Leaf]) -> set[int]:
    """The lines at the edges of pages that stand there on several pages, and page numbers, by `id`."""
    found: set[int] = set()
    same: dict[str, list[tuple[int, Line, list[int]]]] = defaultdict(list)
    for leaf in leaves:
        for line in _at_the_edges(leaf):
            text = line.text
            if _PAGE_NUMBER.fullmatch(text) or _ROMAN.fullmatch(text):
                found.add(id(line))
            elif leading_mark(text, frozenset()) is None:
                numbers = [int(number[:9]) for number in _NUMBER.findall(text)]
                same[_NUMBER.sub("#", text)].append((leaf.printed.number, line, numbers))
    least = max(2, 0.2 * len(leaves))
    for lines in same.values():
        if len({number for number, _, _ in lines}) < least:
            continue
        columns = list(zip(*(values for _, _, values in lines), strict=True))
        numbers = [number for number, _, _ in lines]
        if all(_is_steady(column, numbers) for column in columns):
            found.update(id(line) for _, line, _ in lines)
    return found


def _at_the_edges(leaf: Leaf) -> Iterator[Line]:
    """The lines near the top and bottom of a page, but for those that running text close by makes part of itself."""
    height = leaf.printed.height
    block: list[Line] = []
    for line in sorted(leaf.lines(), key=lambda line: line.top):
        if block and line.top - max(above.bottom for above in block) > 0.7 * line.size:
            yield from _if_apart(block, height)
            block = []
        block.append(line)
    yield from _if_apart(block, height)


def _if_apart(block: Sequence[Line], height: float) -> Sequence[Line]:
    """The lines of a block, if all of it stands near an edge."""
    middles = [(line.top + line.bottom) / 2 for line in block]
    near = all(m < _EDGE * height for m in middles) or all(m > (1 - _EDGE) * height for m in middles)
    return block if near else ()


def _is_steady(values: Sequence[int], numbers: Sequence[int]) -> bool:
    """Whether a number of a running head is the same on all pages, or counts them."""
    return len(set(values)) == 1 or len({v - n for v, n in zip(values, numbers, strict=True)}) == 1


def leading_mark(text: str, marks: frozenset[str]) -> tuple[str, int] | None:
    """The footnote mark that a line starts with, and where the note behind it starts.

    A plain figure or letter is one only where ``marks`` has it.
    """
    match = _MARK.match(text)
    if match is None or match.end() == len(text):
        return None
    mark = lowered(match[match.lastgroup or 0])
    if match.lastgroup != "sure" and mark not in marks:
        return None
    return mark, match.end()


def marks_on(leaf: Leaf) -> frozenset[str]:
    """The marks behind words of a page that refer to footnotes."""
    found: set[str] = set()
    for line in leaf.all_lines():
        for match in _REFERENCES.finditer(line.text):
            found.add(lowered(match[match.lastindex or 0]))
    return frozenset(found)


def footnotes(flow: Sequence[Line | Grid], body: float, marks: frozenset[str]) -> tuple[int, list[Footnote]]:
    """The footnotes at the end of a flow, and where in it they start."""
    start = len(flow)
    while start and isinstance(item := flow[start - 1], Line):
        below = flow[start] if start < len(flow) else None
        if isinstance(below, Line) and (
            abs(below.size - item.size) > 0.06 * item.size or below.top - item.bottom > 1.0 * item.size
        ):
            break
        start -= 1
    tail = [item for item in flow[start:] if isinstance(item, Line)]
    small = bool(tail) and tail[0].size <= _SMALL * body
    for index, line in enumerate(tail):
        found = leading_mark(line.text, marks if small else frozenset())
        if found is not None and (found[0] in marks or (small and not found[0].isalnum())):
            return start + index, _parted(tail[index:], marks)
    return len(flow), []


def _parted(lines: Sequence[Line], marks: frozenset[str]) -> list[Footnote]:
    notes: list[Footnote] = []
    for line in lines:
        found = leading_mark(line.text, marks)
        if found is not None and (found[0] in marks or not notes):
            notes.append(Footnote(mark=found[0], first=line.start + found[1], lines=[line]))
        else:
            notes[-1].lines.append(line)
    return notes
