"""Places of a sheet that cannot both be true: both are shown, and no value is chosen."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from lynxspec.draft import Conflict, Quote, Strength, Value
from lynxspec.extraction.components.calibration import NONE_NEEDED, OF_CALIBRATION
from lynxspec.extraction.document import Document
from lynxspec.extraction.reading import Unit
from lynxspec.extraction.schemes import Scheme, clause, schemes
from lynxspec.vocabulary import Component

_WEIGHT_BITS = (
    re.compile(r"W(\d{1,2})A"),
    re.compile(r"(?:INT|UINT|FP|MXFP|NVFP|NF|MXINT)-?(\d{1,2})"),
    re.compile(r"I?Q(\d)_"),
    re.compile(r"^(\d)-BIT", re.IGNORECASE),
)
_OWN_SCHEME = re.compile(
    r"(?:obtained|created|produced|made) by quanti[sz]ing|quanti[sz](?:es|ing"
    r"|ed) (?:the )?(?:weights?(?: and activations?)?|model)(?: \w+){0,6} to"
    r"|we quanti[sz]ed? (?:\w+ ){0,8}(?:to|into|in|as)"
)
_STATIC_ACTIVATIONS = re.compile(
    r"static(?:ally)?(?: \w+){0,3} (?:activation|quantized activation)|activations?(?: \w+){0,4} static"
    r"|static(?: \w+){0,2} per[- ]tensor(?: \w+){0,3} activation|static w8a8|w8a8(?: \w+){0,2} static"
)

_HEADLINE_SLACK = 1.05
"""Two digits of rounding between a headline and its table."""

_BOUND_SLACK = 1.8
"""An "up to" may come from a configuration that the table does not list; few tables leave out nearly half of it."""

_EXCERPT = re.compile(
    r"\bexcerpt|\bselected (?:results|models|rows|benchmarks|configurations)|\b(?:full|complete|more|further|all"
    r"|other) "
    r"(?:\w+ )?(?:results|numbers|tables?|benchmarks|measurements)|\bsubset of|\bsome (?:results|examples)"
    r"|\bexamples? of\b"
    r"|\bsample (?:results|numbers)|部分结果|節選|auszug"
)
"""Words of a sheet whose table holds not all that was measured."""

_ITS_TABLE = re.compile(r"\btable\b|\bbelow\b|\bshown? (?:here|above)|下表|表\d|tabelle|아래 표")
"""A bound that refers to the table holds for the table."""


def conflicts(document: Document) -> Iterator[Conflict]:
    """Every contradiction that can be told without doubt."""
    yield from _name_against_body(document)
    yield from _name_against_column(document)
    yield from _two_granularities(document)
    yield from _headline_against_table(document)
    yield from _prose_against_table(document)
    yield from _results_of_another(document)
    yield from _no_calibration_but_static(document)


def bits(scheme: Scheme) -> int | None:
    """Bits of the weights that a scheme's name promises."""
    for pattern in _WEIGHT_BITS:
        match = pattern.search(scheme.name)
        if match:
            return int(match[1])
    return None


def _title(document: Document) -> Unit | None:
    return next((u for u in document.reading.units if u.kind == "heading" and not u.headings), None)


def _named_scheme(document: Document, unit: Unit) -> Scheme | None:
    """The one scheme in a title that names a single model; ``None`` if it names several or none."""
    found = [s for s in document.schemes_in(unit) if s.sort == "quantized"]
    models = document.reading.names(unit, "model")
    return found[0] if len({bits(s) for s in found}) == 1 and len(models) == 1 else None


def _name_against_body(document: Document) -> Iterator[Conflict]:
    """A model named W4A16 whose text says that its weights were quantized to INT8."""
    title = _title(document)
    named = _named_scheme(document, title) if title else None
    if title is None or named is None or bits(named) is None:
        return
    for hit in document.hits(_OWN_SCHEME, "sentence"):
        if _OF_ANOTHER.search(document.reading.words(hit.unit)):
            continue
        words = document.reading.words(hit.unit)[hit.start : hit.end + _OBJECT]
        told = [s for s in schemes(words) if s.sort == "quantized" and bits(s)]
        if told and not _agrees(named, told, words):
            yield Conflict(
                component=Component.PRECISION_FORMAT,
                message=f"the name says {named.name}, the text says {told[0].name}",
                places=(document.reading.quote(title), document.quote(hit)),
            )
            return


_OF_ANOTHER = re.compile(
    r"\b(?:also|another|other|variants?|separate\w*|earlier|previous\w*|older|alternative\w*|instead|unlike|rather"
    r"|baseline|reference|original|competitor\w*|would|could|if|no longer|v1)\b"
)
"""Words of a sentence that may speak of something else than what the sheet is about."""

_OBJECT = 110
"""So far behind "by quantizing" its object and the format are looked for."""


def _agrees(named: Scheme, told: list[Scheme], words: str) -> bool:
    """Whether a body may mean what a name says; of W4A8 one may tell the weights or the activations alone."""
    pair = _PAIR.search(named.name.lower())
    widths = {bits(s) for s in told}
    if pair is None or pair[1] == pair[2] or len(widths) > 1 or any(_PAIR.search(s.name.lower()) for s in told):
        return bits(named) in widths
    both = re.search(r"weights? and (?:the )?activations?|activations? and (?:the )?weights?", words) is not None
    if "weight" not in words and "activation" in words:
        return widths == {int(pair[2])}
    return widths == {int(pair[1])} and not (both and int(pair[2]) < _FULL)


_FULL = 16
"""Bits of an activation that is not quantized."""

_PAIR = re.compile(r"(?<![a-z0-9])w(\d{1,2})a(\d{1,2})(?![0-9])")


def _name_against_column(document: Document) -> Iterator[Conflict]:
    """A model named W8A16 whose column "Precision" says INT8, which is said of both where they agree."""
    title = _title(document)
    named = _PAIR.search(document.reading.words(title)) if title else None
    if title is None or named is None or named[1] == named[2]:
        return
    for number, sheet in enumerate(document.reading.sheets):
        for table in sheet.tables():
            for index in (
                i
                for row in table.rows[: table.headers]
                for i, c in enumerate(row.cells)
                if c.text.text.strip().lower() == "precision"
            ):
                for row in table.rows[table.headers :]:
                    cell = row.cells[index].text.text.strip().lower() if index < len(row.cells) else ""
                    told = list(schemes(cell))
                    if (
                        len(told) == 1
                        and told[0].sort == "quantized"
                        and not _PAIR.search(cell)
                        and not _says_weights(named, told[0])
                    ):
                        yield Conflict(
                            component=Component.PRECISION_FORMAT,
                            message=f"the name says {named[0].upper()}, the column says {told[0].name}",
                            places=(document.reading.quote(title), document.reading.quote_row(number, row)),
                        )
                        return


def _says_weights(named: re.Match[str], told: Scheme) -> bool:
    """Whether a format may be the name's for its weights alone, as INT4 is of W4A16."""
    return int(named[1]) < _EIGHT and int(named[2]) >= _FULL and bits(told) == int(named[1])


_EIGHT = 8


def _headline_against_table(document: Document) -> Iterator[Conflict]:
    """A headline of 2x above a table whose best row gives 1.4x."""
    told = [v for v in document.values if v.component is Component.THROUGHPUT_GAIN and v.low is not None]
    rows = [v for v in told if document.in_table(v.evidence)]
    best = max((v.high or 0.0 for v in rows if v.strength is Strength.EXACT), default=0.0)
    if best <= 1.0:
        return
    for value in told:
        claimed = value.low if value.strength is Strength.EXACT else value.high
        if (
            not document.in_table(value.evidence)
            and claimed
            and claimed > best * _slack(document, value)
            and value.strength is not Strength.THEORETICAL
            and (len(rows) > 1 or value.strength is Strength.EXACT)
            and not value.hardware
            and not _elsewhere(document, value, rows)
        ):
            top = next(v for v in rows if v.high == best)
            yield Conflict(
                component=Component.THROUGHPUT_GAIN,
                message=f"the text says {claimed:g}x, the table gives {best:g}x at most",
                places=(value.evidence, top.evidence),
            )
            return


def _slack(document: Document, value: Value) -> float:
    """How far above a table's best row a gain may be told before both cannot be true."""
    if value.strength is Strength.EXACT or _ITS_TABLE.search(value.evidence.text.lower()):
        return _HEADLINE_SLACK
    return math.inf if _EXCERPT.search(document.reading.lower) else _BOUND_SLACK


_CONDITION = re.compile(
    r"batch|concurren|context|sequence|prompt|single|offline|server|\bcpus?\b|\bnpus?\b|edge|mobile|laptop|prefill"
    r"|decod|first token|laten|kernel|layer|matmul|gemm|attention|peak"
)


def _elsewhere(document: Document, value: Value, rows: list[Value]) -> bool:
    """Whether a headline names a condition that its table does not: ``3.5x on CPUs`` above rows of a GPU."""
    start = value.evidence.text.lower()
    named = {m[0] for m in _CONDITION.finditer(start)}
    if not named:
        return False
    held = " ".join(q.text for v in rows for q in (v.evidence, *document.headers.get(_place(v.evidence), ()))).lower()
    return any(word not in held for word in named) or re.search(r"\b(?:small|short|long|large)", start) is not None


def _place(quote: Quote) -> tuple[int, int]:
    return quote.sheet, quote.start or 0


_GRAIN = re.compile(
    r"per[- _](?:output[- ])?(?:tensor|channel|token)\b|(?:group|block)[ _-]?size|groups of \d+|per[- _]group\b"
)
_SOME_LAYERS = re.compile(
    r"\b(?:embedding|head|first|last|some|other|attention|router|expert|mlp|conv|bias|kv|key|cache|linear"
    r"|layers?|either"
    r"|or|instead|not|variants?|option|scales? of the scales|second|double)s?\b"
)
"""Words that make a statement one of some layers only, or of an alternative."""


def _two_granularities(document: Document) -> Iterator[Conflict]:
    """All weights are quantized per channel, it says, and all have one scale per tensor, it says elsewhere."""
    names = {s.name for s, _ in document.schemes if s.sort == "quantized" and s.exact}
    if len({n for n in names if not _PAIR.search(n.lower())}) > 1:
        return  # each format may have its own
    told: dict[str, tuple[str, Quote]] = {}
    for hit in document.hits(_GRAIN, "sentence", "caption"):
        words = document.reading.words(hit.unit)
        tensors = _tensors_of(words, hit.start)
        if (
            len(tensors) != 1
            or _SOME_LAYERS.search(words)
            or _OF_ANOTHER.search(words)
            or document.generic(hit.unit)
            or document.definition(hit.unit)
        ):
            continue
        (tensor,) = tensors
        grain = next((g for g in ("tensor", "channel", "token") if g in hit.match[0]), "group")
        before = told.setdefault(tensor, (grain, document.quote(hit)))
        if before[0] != grain:
            yield Conflict(
                component=Component.GRANULARITY,
                message=f"the {tensor} have one scale per {before[0]}, it says, and one per {grain}",
                places=(before[1], document.quote(hit)),
            )
            return


def _tensors_of(words: str, at: int) -> set[str]:
    """Whether the clause around a granularity speaks of weights, of activations, or of both."""
    start, end = clause(words, at)
    found = {t for t in ("weights", "activations") if t[:-1] in words[start:end]}
    return (
        found
        if found or "," in words or " and " in words
        else {t for t in ("weights", "activations") if t[:-1] in words}
    )


def _prose_against_table(document: Document) -> Iterator[Conflict]:
    """A sentence that gives the quantized model another accuracy than the table does, on the same data and metric."""
    results = [v for v in document.values if v.component is Component.ACCURACY_RESULT and v.low is not None]
    plain = [v for v in results if not v.unit.endswith(("loss", "recovery")) and v.strength is Strength.EXACT]
    rows = [v for v in plain if document.in_table(v.evidence)]
    for value in (v for v in plain if not document.in_table(v.evidence)):
        shots = {m[0] for m in _SHOTS.finditer(value.evidence.text.lower())}
        same = [row for row in rows if _same_measure(value, row) and shots <= _shots(document, row)]
        if value.precision and same and all(_apart(value, row) for row in same):
            yield Conflict(
                component=Component.ACCURACY_RESULT,
                message=f"the text says {value.low:g}, the table gives {same[0].low:g}",
                places=(value.evidence, same[0].evidence),
            )
            return


_SHOTS = re.compile(r"\d+-shot")


def _shots(document: Document, row: Value) -> set[str]:
    """How many examples a table says that its prompts held; a table that does not tell may differ from any text."""
    quotes = (row.evidence, *document.headers.get(_place(row.evidence), ()))
    return {m[0] for quote in quotes for m in _SHOTS.finditer(quote.text.lower())}


def _same_measure(one: Value, other: Value) -> bool:
    """Whether two accuracies are of one model and precision, and in one metric on one data set."""

    def key(words: str) -> str:
        return re.sub(r"accuracy|[^a-z0-9]+", "", words.lower())

    model = not one.model or not other.model or key(one.model) == key(other.model)
    told = bool(one.metric or one.dataset) and key(one.metric) == key(other.metric)
    return model and told and key(one.dataset) == key(other.dataset) and key(one.precision) == key(other.precision)


def _apart(one: Value, other: Value) -> bool:
    """Whether two numbers differ by more than the rounding of the coarser one."""
    first, second = one.low or 0.0, other.low or 0.0
    if max(first, second) > 1.0 >= min(first, second):
        return False  # one may be a fraction, the other a percentage
    digits = min(len(f"{n:g}".partition(".")[2]) for n in (first, second))
    return abs(first - second) > 0.6 * 10.0**-digits


def _results_of_another(document: Document) -> Iterator[Conflict]:
    """A card of a W4A16 model whose result columns are all headed W8A8."""
    title = _title(document)
    named = _named_scheme(document, title) if title else None
    if title is None or named is None or bits(named) is None:
        return
    headers: dict[int, Quote] = {}
    for unit in document.reading.units:
        if unit.kind == "header" and unit.sheet == title.sheet:
            if _THIS_MODEL.search(document.reading.words(unit)):
                return  # a column of its own, beside the formats that it is held against
            for scheme in document.schemes_in(unit):
                held = bits(scheme)
                if scheme.sort == "quantized" and held:
                    headers.setdefault(held, document.reading.quote(unit))
    if headers and bits(named) not in headers:
        other, quote = next(iter(headers.items()))
        yield Conflict(
            component=Component.ACCURACY_RESULT,
            message=f"the name says {named.name}, the results are headed with {other} bit",
            places=(document.reading.quote(title), quote),
        )


_THIS_MODEL = re.compile(r"\bthis (?:model|work|checkpoint|repo)|\bours?\b|baseline|kv[ -]?cache")


def _no_calibration_but_static(document: Document) -> Iterator[Conflict]:
    """No calibration is needed, it says, and activations are static: their scales must come from data."""
    static = next(
        (
            h
            for h in document.hits(_STATIC_ACTIVATIONS, "sentence", "row", "caption")
            if not (document.generic(h.unit) or _OF_ANOTHER.search(document.reading.words(h.unit)))
        ),
        None,
    )
    if static is None:
        return
    for hit in document.hits(NONE_NEEDED, "sentence", "caption"):
        if hit.match[0] != "data-free" and OF_CALIBRATION.search(hit.match[0]):
            yield Conflict(
                component=Component.CALIBRATION_DATA,
                message="no calibration is needed, it says, and activations have static scales, which come from data",
                places=(document.quote(hit), document.quote(static)),
            )
            return
