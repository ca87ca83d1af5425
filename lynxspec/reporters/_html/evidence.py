"""Everything that the report points at in its sources, each place once, with what points there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lynxspec.draft import Draft, Quote
from lynxspec.location import Location, Span
from lynxspec.reporters.reporter import LintedDocument
from lynxspec.sheet import Sheet
from lynxspec.vocabulary import Component

Key = tuple[int, int, int] | tuple[int, Span, str]
"""Sheet with offsets; or sheet, span and words, where offsets are not known."""


@dataclass(slots=True, kw_only=True)
class Mark:
    """A stretch of a source, and what was read from it; built up while the index is filled."""

    id: str
    quote: Quote
    start: int | None
    """Offset in the sheet's text; ``None`` where the text is not at hand."""
    end: int | None
    components: list[Component] = field(default_factory=list)
    findings: list[int] = field(default_factory=list)
    """Numbers of findings, from 1."""
    conflict: bool = False
    """Whether it is a side of a contradiction."""


class Index:
    """All marks of a document, in the order in which the report first names them."""

    def __init__(self, document: LintedDocument, prefix: str) -> None:
        """Gather what disclosures, values, conflicts and findings quote."""
        self.marks: list[Mark] = []
        self._sheets = document.draft.sheets
        self._prefix = prefix
        self._by_key: dict[Key, Mark] = {}
        self._by_span: dict[tuple[int, Span], Mark] = {}
        self._lines: dict[int, list[int]] = {}
        for component, quote in _quotes(document):
            mark = self._add(quote)
            if component not in mark.components:
                mark.components.append(component)
        for conflict in document.draft.conflicts:
            for quote in conflict.places:
                self._add(quote).conflict = True
        for number, finding in enumerate(document.findings, 1):
            for place in filter(None, map(self._quote_at, finding.locations)):
                mark = self._add(place)
                if number not in mark.findings:
                    mark.findings.append(number)

    def of(self, quote: Quote) -> Mark:
        """The mark of a quote that the document holds."""
        return self._by_key[self._key(quote)]

    def at(self, location: Location) -> Mark | None:
        """The mark of a finding's place; ``None`` where that is the whole document, or its text is not at hand."""
        place = self._quote_at(location)
        return self._by_key.get(self._key(place)) if place is not None else None

    def _add(self, quote: Quote) -> Mark:
        key = self._key(quote)
        mark = self._by_key.get(key)
        if mark is None and quote.start is None:
            mark = self._by_span.get((quote.sheet, quote.span))
        if mark is None:
            start, end = self._offsets(quote) or (None, None)
            mark = Mark(id=f"{self._prefix}-e{len(self.marks) + 1}", quote=quote, start=start, end=end)
            self.marks.append(mark)
        self._by_key[key] = mark
        self._by_span.setdefault((quote.sheet, quote.span), mark)
        return mark

    def _key(self, quote: Quote) -> Key:
        offsets = self._offsets(quote)
        return (quote.sheet, *offsets) if offsets else (quote.sheet, quote.span, quote.text)

    def _offsets(self, quote: Quote) -> tuple[int, int] | None:
        """Where the quote stands in the text of its sheet, if that can be told."""
        if not 0 <= quote.sheet < len(self._sheets):
            return None
        sheet = self._sheets[quote.sheet]
        if quote.start is not None and quote.end is not None:
            inside = 0 <= quote.start < quote.end <= len(sheet.text)
            return (quote.start, quote.end) if inside else None
        return None if sheet.pages else self._of_lines(quote.sheet, quote.span)

    def _of_lines(self, index: int, span: Span) -> tuple[int, int] | None:
        """Offsets of a span of lines; of a long one, of its first line."""
        text = self._sheets[index].text
        if index not in self._lines:
            self._lines[index] = [0, *(i + 1 for i, character in enumerate(text) if character == "\n")]
        starts = self._lines[index]
        if span.line is None or span.line > len(starts):
            return None
        first = starts[span.line - 1]
        stop = starts[span.line] - 1 if span.line < len(starts) else len(text)
        start = min(first + (span.column or 1) - 1, stop)
        within = span.end_line in {None, span.line} and span.end_column is not None
        end = min(first + (span.end_column or 0), stop) if within else stop
        return (start, end) if start < end else None

    def _quote_at(self, location: Location) -> Quote | None:
        """The place of a finding as a quote without words, if it names less than the whole document."""
        span = location.span
        if span.end_line is None and span.bbox is None:
            return None
        named = [index for index, sheet in enumerate(self._sheets) if sheet.source == location.source]
        quoted = [index for index in range(len(self._sheets)) if (index, span) in self._by_span]
        fitting = named or quoted or ([0] if len(self._sheets) == 1 else [])
        return Quote(text="", span=span, sheet=fitting[0]) if fitting else None


def _quotes(document: LintedDocument) -> Iterator[tuple[Component, Quote]]:
    """All that is quoted for a component."""
    card, draft = document.scorecard, document.draft
    for disclosures in (card.disclosures, draft.overview, *(regime.disclosures for regime in card.regimes)):
        for component, disclosure in disclosures.items():
            for quote in disclosure.evidence:
                yield component, quote
    for regime in draft.regimes:
        for value in regime.values:
            yield value.component, value.evidence
    for conflict in draft.conflicts:
        for quote in conflict.places:
            yield conflict.component, quote


def place_of(quote: Quote, draft: Draft) -> str:
    """Where a quote stands, in words: ``line 14``, ``page 3``, with its file if there are several."""
    several = len(draft.sheets) > 1 and quote.sheet < len(draft.sheets)
    place = place_of_span(quote.span)
    return f"{draft.sheets[quote.sheet].source}, {place}" if several else place


def place_of_span(span: Span) -> str:
    """``line 14`` or ``page 3``."""
    if span.page is not None:
        return f"page {span.page}"
    return f"line {span.line}" if span.line is not None else "no place"


def by_page(marks: Iterable[Mark], sheet: Sheet) -> dict[int, list[Mark]]:
    """Marks of a paged sheet by the number of each page that they touch, in the order of the text."""
    starts = [page.start for page in sheet.pages]
    found: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: len(sheet.text) if mark.start is None else mark.start):
        if mark.start is None or mark.end is None:
            numbers = [mark.quote.span.page] if mark.quote.span.page is not None else []
        else:
            first, last = (max(1, bisect_right(starts, offset)) for offset in (mark.start, mark.end - 1))
            numbers = [page.number for page in sheet.pages[first - 1 : last]]
        for number in numbers:
            found.setdefault(number, []).append(mark)
    return dict(sorted(found.items()))
