"""The text of a PDF as one string, line by line in reading order, and stretches of it as readable text."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lynxspec.importers._inline import inline
from lynxspec.importers._pdf_layout import Line, follows
from lynxspec.importers._pdf_page import Printed
from lynxspec.importers._pdf_runs import RAISED, Run, lowered
from lynxspec.importers._pdf_tables import Grid
from lynxspec.sheet import EMPTY, Box, Page, Text, Word

Stretch = tuple[int, int]
"""Offsets in `Sheet.text`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A page in reading order."""

    printed: Printed
    flows: list[list[Line | Grid]]

    def lines(self) -> list[Line]:
        """Its lines that stand in no table."""
        return [item for flow in self.flows for item in flow if isinstance(item, Line)]

    def all_lines(self) -> Iterator[Line]:
        """Its lines, those in tables too."""
        for flow in self.flows:
            for item in flow:
                if isinstance(item, Line):
                    yield item
                else:
                    slots = {id(slot): slot for row in item.rows for slot in row}
                    yield from (line for slot in slots.values() for line in slot.lines)


def shown(run: Run, page: Printed) -> Box:
    """Where a run stands on the page as it is shown."""
    left, top, right, bottom = run.left, run.top, run.right, run.bottom
    if not page.turns:
        return round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)
    width, height = page.width, page.height
    for _ in range(page.turns):  # a quarter clockwise: what was the left side is the top
        left, top, right, bottom = height - bottom, left, height - top, right
        width, height = height, width
    return round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)


class Writer:
    """Writes pages into one string, and tells each run, line and row where it stands in it."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.pages: list[Page] = []
        self._parts: list[str] = []
        self._position = 0
        self._words: list[Word] = []
        self._printed: Printed | None = None

    @property
    def text(self) -> str:
        """What is written so far."""
        return "".join(self._parts)

    def write(self, leaf: Leaf) -> None:
        """Write a page: its flows, then what is printed sideways."""
        start, self._words, self._printed = self._position, [], leaf.printed
        for flow in leaf.flows:
            for item in flow:
                if isinstance(item, Line):
                    self._line(item)
                    self._put("\n")
                else:
                    self._grid(item)
        for run in leaf.printed.aside:
            self._run(run)
            self._put("\n")
        page = leaf.printed
        width, height = (page.height, page.width) if page.turns % 2 else (page.width, page.height)
        self.pages.append(Page(number=page.number, start=start, width=width, height=height, words=tuple(self._words)))

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._position += len(text)

    def _run(self, run: Run) -> None:
        run.start = self._position
        self._put(run.text)
        box = shown(run, self._printed) if self._printed is not None else (0.0, 0.0, 0.0, 0.0)
        self._words.append(Word(start=run.start, end=self._position, box=box))

    def _line(self, line: Line) -> None:
        line.start = self._position
        before = None
        for run in line.runs:
            if before is not None and not follows(run, before):
                self._put(" ")
            self._run(run)
            before = run
        line.end = self._position

    def _grid(self, grid: Grid) -> None:
        written: set[int] = set()
        for row in grid.rows:
            start = self._position
            for slot in row:
                if id(slot) in written:
                    continue
                written.add(id(slot))
                for line in slot.lines:
                    if self._position > start:
                        self._put(" ")
                    self._line(line)
            grid.starts.append((start, self._position))
            self._put("\n")


def _compact(text: str, at: array[int]) -> Text:
    """A text whose offsets are a range where they rise by one."""
    first = at[0] if at else 0
    steady = range(first, first + len(at))
    return Text(text, steady if all(map(int.__eq__, at, steady)) else at)


_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*-\Z")

# fmt: off
_BEFORE_HYPHEN = frozenset((
    "per", "multi", "mixed", "post", "pre", "low", "high", "non", "sub", "semi", "self", "cross", "half", "full",
    "single", "double", "two", "three", "four", "co", "re", "block", "group", "channel", "token", "tensor", "row",
    "layer", "head", "weight", "zero", "real", "fixed", "floating", "end", "state", "open", "cutting", "data",
    "quantization", "hardware", "activation", "accuracy", "performance", "memory", "compute", "calibration",
))
"""First parts that keep their hyphen: ``per-tensor``, ``weight-only``."""

_BEHIND_HYPHEN = frozenset((
    "wise", "only", "aware", "bit", "bits", "point", "time", "based", "tuned", "free", "level", "precision",
    "tensor", "channel", "token", "group", "head", "specific", "dependent", "friendly", "efficient", "intensive",
    "bound", "optimized", "end", "of", "the", "art", "to",
))
"""Second parts that keep the hyphen before them: ``channel-wise``, ``8-bit``."""
# fmt: on

_VOWEL = re.compile("[aeiouyäöüéèá]")
"""What a syllable has: ``llm-compressor`` is not parted by a line end alone."""

_RAISED_LETTERS = re.compile(f"(?<=[^\\s{RAISED}])[{RAISED[15:]}](?=$|[\\s.,;:)])")
"""One raised letter behind a word: a footnote's mark."""

_WIDE = re.compile("[\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef]")
"""Letters that are written without blanks between words."""


class Readable:
    """Turns stretches of the written text into readable `Text`: lines joined, hyphens at their ends undone."""

    def __init__(self, text: str) -> None:
        """Take the whole text, in which words without hyphens are looked up."""
        self.text = text

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.text.lower()))

    def of(self, stretches: Sequence[Stretch]) -> Text:
        """The readable text of lines that follow each other."""
        pieces: list[Stretch] = []
        parts: list[str] = []
        at = array("I")
        for start, end in stretches:
            if parts:
                if self._joins(parts, at, start, end):
                    pass
                else:
                    parts.append(" ")
                    at.append(at[-1] + 1)
            parts.append(self.text[start:end])
            at.extend(range(start, end))
            pieces.append((start, end))
        joined = "".join(parts)
        if not joined:
            return EMPTY
        if len(pieces) == 1 and joined.isascii():
            return Text(joined, range(*pieces[0]))
        return self._read(joined, at)

    def _read(self, joined: str, at: array[int]) -> Text:
        """Even out what is left of odd characters; raised figures become marks in brackets."""
        letters = list(_RAISED_LETTERS.finditer(joined)) if not joined.isascii() else []
        for match in reversed(letters):
            offset = at[match.start()]
            mark = f" [{lowered(match[0])}]"
            joined = joined[: match.start()] + mark + joined[match.end() :]
            at[match.start() : match.end()] = array("I", [offset] * len(mark))
        if joined.isascii():
            return _compact(joined, at)
        read = inline(joined, 0, len(joined), markup=False)
        return _compact(read.text, array("I", [at[i] for i in read.at]))

    def _joins(self, parts: list[str], at: array[int], start: int, end: int) -> bool:
        """Whether the next line goes on without a blank; a hyphen that only parts a word is taken back."""
        last, first = parts[-1], self.text[start:end]
        if len(last) < 2 or not first:
            return False
        if last[-1] == "-" and last[-2].isalpha() and first[0].islower():
            if not self._keeps_hyphen(last, first):
                parts[-1] = last[:-1]
                at.pop()
            return True
        if last.endswith("--") and first[0].isalnum():  # an option of a command
            return True
        if last[-1] in "-/–" and last[-2].isalnum() and first[0].isalnum():
            if last[-1] == "-" and self._is_whole(last, first):
                parts[-1] = last[:-1]
                at.pop()
            return True
        return bool(_WIDE.match(last[-1]) and _WIDE.match(first[0]))

    def _is_whole(self, last: str, first: str) -> bool:
        """Whether the document writes the parts of a word as one elsewhere, and never with the hyphen."""
        before, behind = _LAST.search(last), _WORD.match(first)
        if before is None or behind is None:
            return False
        one, other = before[0].lower(), behind[0].lower()
        return one[:-1] + other in self._words and one + other not in self._words

    def _keeps_hyphen(self, last: str, first: str) -> bool:
        """Whether the hyphen at a line's end is the word's own; the document's other words are asked first."""
        before, behind = _LAST.search(last), _WORD.match(first)
        if before is None or behind is None:
            return True
        one, other = before[0].lower(), behind[0].lower()
        parted, whole = one + other in self._words, one[:-1] + other in self._words
        if parted != whole:
            return parted
        return (
            "-" in one[:-1]
            or not _VOWEL.search(one)
            or one[:-1] in _BEFORE_HYPHEN
            or other.partition("-")[0] in _BEHIND_HYPHEN
        )


def joined(lines: Sequence[Text]) -> Text:
    """Lines as one text with line feeds."""
    at = array("I")
    filled = [line for line in lines if line]
    for line in filled:
        if at:
            at.append(at[-1] + 1)
        at.extend(line.at)
    return _compact("\n".join(line.text for line in filled), at)
