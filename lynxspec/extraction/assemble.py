"""Sheets to a draft: values are found and bound, every component is assessed, values become claims and regimes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain

from lynxspec.draft import Disclosure, Draft, DraftRegime, Places, Quote, Strength, Value
from lynxspec.extraction.components import READERS
from lynxspec.extraction.components.calibration import sample_counts
from lynxspec.extraction.components.setting import batch_values
from lynxspec.extraction.components.speed import document_gains
from lynxspec.extraction.conflicts import conflicts
from lynxspec.extraction.document import Document, Evidence
from lynxspec.extraction.heads import NOTHING, Head, read_sentence
from lynxspec.extraction.numerals import plain_numerals
from lynxspec.extraction.prose import measured
from lynxspec.extraction.prose_accuracy import accuracies, logged
from lynxspec.extraction.reading import MAX_UNITS, Reading, Unit
from lynxspec.extraction.table_context import table_context
from lynxspec.extraction.tables import TableReader
from lynxspec.location import Path, Span
from lynxspec.sheet import Sheet, Table
from lynxspec.vocabulary import Component, Status

EVIDENCE_LIMIT = 8
"""Quotes kept per component; a reader who wants all has the sheet."""

REGIME_LIMIT = 120
"""A document with more is grouped by model alone."""

_SPEEDS = (Component.THROUGHPUT_GAIN, Component.SUSTAINED_THROUGHPUT, Component.LATENCY)
_ACCURACIES = (Component.ACCURACY_RESULT, Component.ACCURACY_REFERENCE)


def read_sheets(sheets: tuple[Sheet, ...], source: str) -> Draft:
    """Read one document, or several that make one claim together."""
    document = Document(Reading(tuple(plain_numerals(sheet) for sheet in sheets)))
    document.values += _table_values(document)
    document.values += measured(document)
    document.values += accuracies(document)
    document.values += logged(document)
    document.values += batch_values(document)
    document.values += sample_counts(document)
    document.values += [gain.value for gain in document_gains(document) if gain.value is not None]
    overview = {c: _overview(document, c, [*READERS[c](document)]) for c in Component}
    places: dict[Path, Span] = {d.path: d.evidence[0].span for d in overview.values() if d.evidence}
    regimes = _regimes(document, overview)
    for regime in regimes:
        for component, disclosure in regime.disclosures.items():
            if disclosure is not overview[component] and disclosure.path and disclosure.evidence:
                places[disclosure.path] = disclosure.evidence[0].span
    found = tuple(conflicts(document))
    for index, conflict in enumerate(found):
        for number, quote in enumerate(conflict.places):
            places["conflicts", index, number] = quote.span
    return Draft(
        source=source,
        kind="sheet",
        places=Places(source=source, values=places),
        regimes=regimes,
        claim=None,
        sheets=_with_note(sheets, document.reading),
        overview=overview,
        conflicts=found,
    )


def _with_note(sheets: tuple[Sheet, ...], reading: Reading) -> tuple[Sheet, ...]:
    """The sheets, the last one with a note where the reading stopped short."""
    if len(reading.units) < MAX_UNITS:
        return sheets
    note = f"what comes after the first {MAX_UNITS} sentences, rows and lines"
    return (*sheets[:-1], replace(sheets[-1], notes=(*sheets[-1].notes, note)))


@cache
def _absent(component: Component) -> Disclosure:
    """What stands for a component that no word speaks of."""
    absent = Status.NOT_APPLICABLE if component is Component.PEAK_ONLY else Status.MISSING
    note = "no peak rate stands alone" if component is Component.PEAK_ONLY else ""
    return Disclosure(status=absent, value=None, path=(component.value,), note=note)


def _overview(document: Document, component: Component, evidence: list[Evidence]) -> Disclosure:
    """The best that the document says of a component, with the words that say it first."""
    if not evidence:
        return _absent(component)
    disclosed: list[Evidence] = []
    others: list[Evidence] = []
    for each in evidence:
        (disclosed if each.status is _DISCLOSED else others).append(each)
    ordered = disclosed + others
    best = ordered[0]
    values = list(dict.fromkeys([e.value for e in disclosed or ordered if e.value]))
    return Disclosure(
        status=best.status,
        value="; ".join(values[:6]) + (f"; and {len(values) - 6} more" if len(values) > 6 else "") if values else None,
        evidence=_distinct(_with_headers(document, component, ordered)),
        path=(component.value,),
        note="" if disclosed else best.note,
    )


_DISCLOSED = Status.DISCLOSED

_IN_HEADERS = frozenset({*_SPEEDS, *_ACCURACIES, Component.BATCH_OR_CONCURRENCY, Component.BASELINE})


def _with_headers(document: Document, component: Component, ordered: list[Evidence]) -> list[Quote]:
    """The quotes; a number's first table row brings the header that says what the number is."""
    quotes = [evidence.quote for evidence in ordered]
    if component not in _IN_HEADERS or not document.headers:
        return quotes
    first = [(quote, *document.headers.get((quote.sheet, quote.start), ())) for quote in quotes[:EVIDENCE_LIMIT]]
    return [*chain.from_iterable(first), *quotes[EVIDENCE_LIMIT:]]


def _distinct(quotes: list[Quote]) -> tuple[Quote, ...]:
    kept: dict[tuple[int, int | None, int | None], Quote] = {}
    if len(quotes) == 1:
        return (quotes[0],)
    for quote in {id(quote): quote for quote in quotes}.values():  # a row of ten numbers is quoted ten times
        kept.setdefault((quote.sheet, quote.start, quote.end), quote)
        if len(kept) == EVIDENCE_LIMIT:
            break
    return tuple(kept.values())


def _table_values(document: Document) -> list[Value]:
    reading = document.reading
    first: dict[tuple[int, int], Unit] = {}
    for unit in reading.units:
        if unit.kind in {"header", "row"}:
            first.setdefault((unit.sheet, unit.block), unit)
    values: list[Value] = []
    sections = _Sections(document)
    for (sheet, _), unit in first.items():
        table = reading.block(unit)
        if isinstance(table, Table):
            reader = TableReader(reading, table, sheet, table_context(reading, unit, table), sections.of(unit))
            values += reader.values()
            headers = reader.header_quotes()
            for row in table.rows[table.headers :]:
                document.headers[sheet, row.start] = headers
            document.promised += [reading.quote_row(sheet, row) for row in reader.promised]
    return values


class _Sections:
    """What the prose of each section says, read once for all tables in it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.said: dict[int, Head] = {}

    def of(self, unit: Unit) -> Head:
        """What the prose of a table's section says of it: the nearest sentence before it, else behind it."""
        around = [u for u in self.document.section(unit) if u.kind in {"sentence", "caption", "footnote"}]
        before = [u for u in reversed(around) if u.index < unit.index]
        behind = [u for u in around if u.index > unit.index]
        head = NOTHING
        for sentence in (*before, *behind):
            if sentence.index not in self.said:
                self.said[sentence.index] = self._said(sentence)
            head = head.over(self.said[sentence.index])
        return head

    def _said(self, sentence: Unit) -> Head:
        """What a sentence says of every number below or above it."""
        document = self.document
        if document.generic(sentence):
            return NOTHING
        text = document.reading.text[sentence.start : sentence.end]
        names = document.reading.names_within(sentence)
        names = tuple([m for m in names if m.kind != "hardware" or not _HELD_AGAINST.search(text, 0, m.start)])
        said = read_sentence(text, names)
        hardware = {m.name for m in document.reading.names(sentence, "hardware") if m.detail.get("generic") != "yes"}
        models = {m.name for m in document.reading.names(sentence, "model")}
        return said._replace(
            hardware="" if len(hardware) > 1 else said.hardware,
            model=said.model if len(models) == 1 else "",
        )


_HELD_AGAINST = re.compile(r"\b(?:than|against|versus|vs\.?|compared (?:to|with)|relative to) (?:the |an? |our )?$")
"""Words before a product that a table's numbers are held against rather than measured on."""


@lru_cache(maxsize=2048)
def _key(text: str) -> str:
    return _BETWEEN.sub("", text.lower())


_BETWEEN = re.compile(r"[^a-z0-9]+")


def _regimes(document: Document, overview: dict[Component, Disclosure]) -> tuple[DraftRegime, ...]:
    """Values grouped into claims (model, hardware, batch) and regimes (precision); one regime if there are none."""
    results = [v for v in document.values if v.component in _SPEEDS or v.component in _ACCURACIES]
    for by in (("model", "hardware", "batch"), ("model",), ()):
        groups = _grouped(results, by)
        if sum(len(regimes) for regimes in groups.values()) <= REGIME_LIMIT:
            break
    made: list[DraftRegime] = []
    for claim_index, (claim, regimes) in enumerate(groups.items()):
        reference = [v for (_, role), values in regimes.items() if role == "reference" for v in values]
        for (precision, role), values in regimes.items():
            name = _unique(precision or ("as described" if role == "quantized" else "reference"), made, claim)
            made.append(_regime(name, role, claim, (claim_index, len(made)), tuple(values), reference, overview))
    if not any(regime.role == "quantized" for regime in made):
        made.append(DraftRegime(name="as described", role="quantized", path=(), disclosures=overview))
    shared = tuple(v for v in document.values if v.component in _SHARED)
    first: dict[str, DraftRegime] = {}
    for regime in made:
        if regime.role == "quantized":
            first.setdefault(regime.claim, regime)
    return tuple(_with_shared(regime, shared) if regime is first.get(regime.claim) else regime for regime in made)


_SHARED = (Component.BATCH_OR_CONCURRENCY, Component.CALIBRATION_DATA)


def _with_shared(regime: DraftRegime, shared: tuple[Value, ...]) -> DraftRegime:
    """Give the first quantized regime of a claim the numbers that belong to the claim rather than to a regime."""
    own = tuple(v for v in shared if not v.model or not regime.claim or _key(v.model) in _key(regime.claim))
    return replace(regime, values=regime.values + own) if own else regime


def _unique(name: str, made: list[DraftRegime], claim: str) -> str:
    full = f"{name}, {claim}" if claim else name
    return full if all(r.name != full for r in made) else f"{full} ({len(made)})"


_Regimes = dict[tuple[str, str], list[Value]]


def _grouped(results: list[Value], by: tuple[str, ...]) -> dict[str, _Regimes]:
    """Values by claim and regime; what names neither batch nor host, as accuracy, joins every claim of its model."""
    models = {_key(v.model): v.model for v in results if v.model}
    only = next(iter(models.values())) if len(models) == 1 else ""
    claims: dict[str, _Regimes] = {}

    def bound(value: Value) -> bool:
        return value.component in _SPEEDS and bool(value.hardware or value.batch or not by)

    for value in filter(bound, results):
        name = ", ".join(filter(None, (_part(value, part, only) for part in by)))
        _into(claims.setdefault(name, {}), value)
    for value in (v for v in results if not bound(v)):
        model = (value.model or only) if by else ""
        homes = [regimes for name, regimes in claims.items() if _key(model) in _key(name)] if model else []
        for regimes in homes or [claims.setdefault(model, {})]:
            _into(regimes, value)
    return claims


def _part(value: Value, part: str, only: str) -> str:
    if part == "model":
        return value.model or only
    if part == "batch":
        return f"batch {value.batch}" if value.batch else ""
    return value.hardware


def _into(regimes: _Regimes, value: Value) -> None:
    wanted = _key(value.precision)
    same = [key for key in regimes if key[1] == value.role and _key(key[0]) == wanted]
    match = same[0] if same else (value.precision, value.role)
    quantized = [key for key in regimes if key[1] == "quantized"]
    if not value.precision and value.role == "quantized" and len(quantized) == 1:
        match = quantized[0]  # of the one regime that it can be of
    regimes.setdefault(match, []).append(value)


def _regime(
    name: str,
    role: str,
    claim: str,
    place: tuple[int, int],
    values: tuple[Value, ...],
    reference: list[Value],
    overview: dict[Component, Disclosure],
) -> DraftRegime:
    """One regime: what the document says of all, and of the numbers only its own and those of its ``reference``."""
    path: Path = ("claims", place[0], "regimes", place[1])
    own: dict[Component, list[Value]] = {component: [] for component in (*_SPEEDS, *_ACCURACIES)}
    for value in values:
        if value.component is not Component.ACCURACY_REFERENCE:
            own[value.component].append(value)
    own[Component.ACCURACY_REFERENCE] = [v for v in reference if v.component is Component.ACCURACY_REFERENCE]
    disclosures = overview | {c: _own(c, found, overview[c], path) for c, found in own.items()}
    return DraftRegime(
        name=name,
        role="reference" if role == "reference" else "quantized",
        path=path,
        disclosures=disclosures,
        claim=claim,
        values=values,
    )


def _own(component: Component, own: list[Value], told: Disclosure, path: Path) -> Disclosure:
    """A regime's own numbers; where it has none, what the document says in words counts as far as partial."""
    place = (*path, component.value)
    if own:
        exact = any(v.strength is Strength.EXACT for v in own)
        capped = component is Component.SUSTAINED_THROUGHPUT and told.status is not Status.DISCLOSED
        status = Status.DISCLOSED if exact and not capped else Status.PARTIAL
        quotes = _distinct([v.evidence for v in own])
        note = told.note if status is Status.PARTIAL else ""
        return Disclosure(status=status, value=told.value, evidence=quotes, path=place, note=note)
    if told.status is Status.DISCLOSED:
        return Disclosure(
            status=Status.MISSING, value=None, path=place, note="told of other regimes of this document only"
        )
    return told
