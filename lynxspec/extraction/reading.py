"""Sheets as one run of units (sentences, table rows, headings, code lines) that can be searched as a whole and quoted.

Searching one long text once per pattern is several times cheaper than asking every sentence; `Reading.find` tells the
unit of each match.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lynxspec.draft import Quote
from lynxspec.extraction.literals import FOREIGN_DIGIT, NOWHERE, Places, needed, words_met
from lynxspec.extraction.pieces import Kind, joined, pieces
from lynxspec.facts.lexicon import Mention, mentions
from lynxspec.sheet import Block, Heading, Row, Sheet, Text

QUOTE_LIMIT = 200
"""Characters of a quote that is no table row."""

MAX_UNITS = 8_000
"""A sheet with more is read as far as this; a data sheet of a hundred pages has some three thousand."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Unit:
    """The least stretch that is read at once."""

    index: int
    kind: Kind
    sheet: int
    """Index of the sheet."""
    block: int
    """Index of the block in its sheet."""
    text: Text
    start: int
    """Offset in `Reading.text`."""
    headings: tuple[int, ...]
    """Units of the headings above it, outermost first."""
    end: int
    """Offset behind it in `Reading.text`."""
    row: Row | None = None
    """For rows of tables."""


_NONE: frozenset[int] = frozenset()


class Hit(NamedTuple):
    """A match of a pattern in a unit; a tuple, since a sheet has hundreds."""

    unit: Unit
    match: re.Match[str]

    @property
    def start(self) -> int:
        """Offset of the match in the unit's text."""
        return self.match.start() - self.unit.start

    @property
    def end(self) -> int:
        """Offset behind the match in the unit's text."""
        return self.match.end() - self.unit.start


_NUMERAL = re.compile(r"[0-9.]")


class Reading:
    """Everything that the sheets say, in order."""

    def __init__(self, sheets: tuple[Sheet, ...]) -> None:
        """Cut the sheets into units."""
        self.sheets = sheets
        self.units = tuple(_units(sheets))
        self.starts = [unit.start for unit in self.units]
        self.text = "\n".join(unit.text.text for unit in self.units)
        self.lower = _lower(self.text)
        self._plain = FOREIGN_DIGIT.search(self.lower) is None
        self._hits: dict[int, tuple[re.Pattern[str], Sequence[Hit]]] = {}
        self._quotes: dict[tuple[int, int, int], Quote] = {}
        self._whole: dict[int, Quote] = {}
        """Units that are quoted as a whole, by index: many readers quote the same one."""

    @cached_property
    def _mentions_by_unit(self) -> dict[int, list[Mention]]:
        found: dict[int, list[Mention]] = {}
        for mention, unit in self._placed:
            found.setdefault(unit.index, []).append(mention)
        return found

    @cached_property
    def _placed(self) -> list[tuple[Mention, Unit]]:
        """Names that the lexicon knows with their units, in the order of the text; none stands in two units."""
        placed = []
        units = iter(self.units)
        unit = next(units, None)
        for mention in mentions(self.text):
            while unit is not None and unit.end <= mention.start:
                unit = next(units, None)
            if unit is not None and unit.start <= mention.start and mention.end <= unit.end:
                placed.append((mention, unit))
        return placed

    @cached_property
    def _by_kind(self) -> dict[str, list[tuple[Mention, Unit]]]:
        found: dict[str, list[tuple[Mention, Unit]]] = {}
        for pair in self._placed:
            found.setdefault(pair[0].kind, []).append(pair)
        return found

    def names(self, unit: Unit, *kinds: str) -> list[Mention]:
        """Names of these kinds in a unit."""
        named = self._mentions_by_unit.get(unit.index)
        return [m for m in named if m.kind in kinds] if named else []

    def names_within(self, unit: Unit) -> tuple[Mention, ...]:
        """All names in a unit, with offsets that count from its start."""
        start, named = unit.start, self._mentions_by_unit.get(unit.index)
        if not named:
            return ()
        return tuple(
            [
                Mention(start=m.start - start, end=m.end - start, kind=m.kind, name=m.name, detail=m.detail)
                for m in named
            ]
        )

    def named(self, *kinds: str) -> Sequence[tuple[Mention, Unit]]:
        """All names of these kinds with their units."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], ())
        return [pair for pair in self._placed if pair[0].kind in kinds]

    def words(self, unit: Unit) -> str:
        """A unit's text in lower case."""
        return self.lower[unit.start : unit.end]

    def unit_at(self, position: int) -> Unit:
        """The unit that holds a character of `text`."""
        return self.units[max(0, bisect_right(self.starts, position) - 1)]

    def find(self, pattern: re.Pattern[str], *kinds: Kind) -> Sequence[Hit]:
        """Matches in the lower-case text, of units of these kinds (all by default)."""
        held = self._hits.get(id(pattern))  # a pattern's own hash is as dear as a small search
        if held is not None:
            return [hit for hit in held[1] if hit.unit.kind in kinds] if kinds else held[1]
        if self._words.lacks(pattern):
            return ()
        begins = self._words.begin.get(id(pattern))
        hits = self._begun(pattern, begins, kinds) if begins is not None else self._searched(pattern, kinds)
        if not kinds and hits:
            self._hits[id(pattern)] = pattern, hits
        return hits

    def _searched(self, pattern: re.Pattern[str], kinds: tuple[Kind, ...]) -> list[Hit]:
        """Matches wherever there may be any."""
        units = self.possible(pattern)
        if kinds:
            units = [u for u in units if u.kind in kinds]
        if id(pattern) in self._words.numbered:
            return [Hit(unit, match) for unit in units for match in self._at_numbers(pattern, unit)]
        lower, finditer = self.lower, pattern.finditer
        return [Hit(unit, match) for unit in units for match in finditer(lower, unit.start, unit.end)]

    def _at_numbers(self, pattern: re.Pattern[str], unit: Unit) -> Iterator[re.Match[str]]:
        """Matches in a unit of a pattern that begins with a number: what `finditer` gives, tried where one stands."""
        lower, match, end = self.lower, pattern.match, unit.end
        behind = unit.start
        for numeral in _NUMERAL.finditer(lower, behind, end):
            at = numeral.start()
            if at >= behind and (found := match(lower, at, end)):
                yield found
                behind = found.end()

    def _begun(self, pattern: re.Pattern[str], begins: list[int], kinds: tuple[Kind, ...]) -> list[Hit]:
        """Matches where the words stand that every match begins with: the same as a search gives."""
        lower, match, units, starts = self.lower, pattern.match, self.units, self.starts
        hits = []
        behind = 0
        for at in begins:
            if at >= behind:
                unit = units[bisect_right(starts, at) - 1]
                found = match(lower, at, unit.end) if not kinds or unit.kind in kinds else None
                if found:
                    hits.append(Hit(unit, found))
                    behind = found.end()
        return hits

    def having(self, pattern: re.Pattern[str], *kinds: Kind) -> frozenset[int]:
        """Indices of the units that hold a match in lower case, of units of these kinds (all by default)."""
        if self._words.lacks(pattern):
            return _NONE
        begins = self._words.begin.get(id(pattern))
        if begins is not None:
            return frozenset([hit.unit.index for hit in self._begun(pattern, begins, kinds)])
        units = self.possible(pattern)
        if not units:
            return _NONE
        if kinds:
            units = [u for u in units if u.kind in kinds]
        if id(pattern) in self._words.numbered:
            return frozenset([u.index for u in units if any(True for _ in self._at_numbers(pattern, u))])
        lower, search = self.lower, pattern.search
        return frozenset([u.index for u in units if search(lower, u.start, u.end)])

    def possible(self, pattern: re.Pattern[str]) -> Sequence[Unit]:
        """Units outside of which nothing matches, in order."""
        words_met, key = self._words, id(pattern)
        if key in words_met.known:
            held = words_met.hold.get(key) or words_met.begin.get(key)
            found = sorted({bisect_right(self.starts, at) for at in held}) if held else ()
            return [self.units[behind - 1] for behind in found]
        words = needed(pattern) if self._plain else None
        if words is None:
            return self.units
        found = sorted({index for word in words for index in self._holding(word)})
        return [self.units[index] for index in found]

    @cached_property
    def _words(self) -> Places:
        """Where the words of patterns stand; none where a digit may be any."""
        return words_met().places(self.lower) if self._plain else NOWHERE

    def _holding(self, word: str) -> list[int]:
        """Indices of the units that hold a word."""
        find, starts = self.lower.find, self.starts
        found = []
        at, last = find(word), len(starts)
        while at >= 0:
            behind = bisect_right(starts, at)
            found.append(behind - 1)
            at = find(word, starts[behind]) if behind < last else -1
        return found

    def block(self, unit: Unit) -> Block:
        """The block that a unit is part of."""
        return self.sheets[unit.sheet].blocks[unit.block]

    def near(self, unit: Unit, *, before: int = 1, after: int = 1) -> str:
        """The lower-case text of a unit and its neighbours in the same block."""
        lower, sheet, block = self.lower, unit.sheet, unit.block
        units = self.units[max(0, unit.index - before) : unit.index + after + 1]
        return " ".join([lower[u.start : u.end] for u in units if u.block == block and u.sheet == sheet])

    def above(self, unit: Unit) -> str:
        """The lower-case text of the headings above a unit."""
        return " / ".join(self.words(self.units[i]) for i in unit.headings)

    def quote(self, unit: Unit, start: int | None = None, end: int | None = None) -> Quote:
        """The words of a unit, or those around the characters ``start`` to ``end`` of it where it is long."""
        held = self._whole.get(unit.index)
        if held is not None:
            return held
        text, at = unit.text, unit.text.at
        if unit.row is not None:
            self._whole[unit.index] = held = self.quote_row(unit.sheet, unit.row)
            return held
        if 0 < len(at) <= QUOTE_LIMIT and at[-1] - at[0] < QUOTE_LIMIT:
            self._whole[unit.index] = held = self._quoted(unit.sheet, at[0], at[-1] + 1, text.text)
            return held
        first, last = (0, 0) if start is None or end is None else (start, end)
        return self.quote_text(unit.sheet, _cut(text, first, last))

    def quote_text(self, sheet: int, text: Text) -> Quote:
        """The words of a text, e.g. of a cell."""
        return self._quoted(sheet, text.start, text.end, text.text)

    def quote_row(self, sheet: int, row: Row) -> Quote:
        """A whole table row."""
        return self._quoted(sheet, row.start, row.end, row)

    def _quoted(self, sheet: int, start: int, end: int, words: str | Row) -> Quote:
        """A stretch of the source."""
        held = self._quotes.get((sheet, start, end))
        if held is None:
            source = self.sheets[sheet]
            raw = source.text[start:end].strip("\n")
            # tags are no words; where the source is markup, what its reader sees is quoted
            text = raw
            if source.format == "html" and "<" in raw:
                text = words if isinstance(words, str) else joined(words.cells).text
            held = Quote(text=text, span=source.span(start, end), sheet=sheet, start=start, end=end)
            self._quotes[sheet, start, end] = held
        return held


def _cut(text: Text, start: int, end: int) -> Text:
    """At most `QUOTE_LIMIT` characters around a match; markup that the text no longer shows counts as well."""
    limit = QUOTE_LIMIT
    while True:
        part = text.slice(*_window(text.text, start, end, limit))
        if part.end - part.start <= QUOTE_LIMIT or limit <= max(20, end - start):
            return part
        limit = limit * 2 // 3


def _lower(text: str) -> str:
    """Lower case of the same length, so that offsets stay."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := c.lower()) == 1 else c for c in text)


def _window(text: str, start: int, end: int, limit: int) -> tuple[int, int]:
    """At most ``limit`` characters around a match (or the match), cut between words."""
    if len(text) <= limit:
        return 0, len(text)
    limit = max(limit, end - start)
    left = max(0, min(start - (limit - (end - start)) // 2, len(text) - limit))
    right = min(len(text), left + limit)
    if left and (blank := text.find(" ", left, start)) >= 0:
        left = blank + 1
    if right < len(text) and (blank := text.rfind(" ", end, right)) > 0:
        right = blank
    return left, right


def _units(sheets: tuple[Sheet, ...]) -> Iterator[Unit]:
    """Cut every block into units, with the headings that stand above each."""
    position = index = 0
    for number, sheet in enumerate(sheets):
        path: list[tuple[int, int]] = []
        for block_number, block in enumerate(sheet.blocks):
            if isinstance(block, Heading):
                while path and path[-1][0] >= block.level:
                    path.pop()
            headings = tuple([i for _, i in path])
            for kind, text, row in pieces(block):
                if index >= MAX_UNITS:
                    return
                clean = text if "\n" not in text.text else Text(text.text.replace("\n", " "), text.at)
                yield Unit(
                    index=index,
                    kind=kind,
                    sheet=number,
                    block=block_number,
                    text=clean,
                    start=position,
                    end=position + len(text.text),
                    headings=headings,
                    row=row,
                )
                if isinstance(block, Heading):
                    path[:] = [above for above in path if above[0] < block.level]
                    path.append((block.level, index))
                position += len(text.text) + 1
                index += 1
