"""Places of a sheet that cannot both be true: both are shown, and no value is chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Conflict, Quote, Strength, Value
from lynxspec.extraction.components.calibration import NONE_NEEDED
from lynxspec.extraction.document import Document
from lynxspec.extraction.reading import Unit
from lynxspec.extraction.schemes import Scheme, schemes
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


def conflicts(document: Document) -> Iterator[Conflict]:
    """Every contradiction that can be told without doubt."""
    yield from _name_against_body(document)
    yield from _name_against_column(document)
    yield from _headline_against_table(document)
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
    found = [s for s in schemes(document.reading.words(unit)) if s.sort == "quantized"]
    models = document.reading.names(unit, "model")
    return found[0] if len({bits(s) for s in found}) == 1 and len(models) == 1 else None


def _name_against_body(document: Document) -> Iterator[Conflict]:
    """A model named W4A16 whose text says that its weights were quantized to INT8."""
    title = _title(document)
    named = _named_scheme(document, title) if title else None
    if title is None or named is None or bits(named) is None:
        return
    for hit in document.hits(_OWN_SCHEME, "sentence"):
        words = document.reading.words(hit.unit)[hit.start : hit.end + 60]
        told = [s for s in schemes(words) if s.sort == "quantized" and bits(s)]
        if told and all(bits(s) != bits(named) for s in told):
            yield Conflict(
                component=Component.PRECISION_FORMAT,
                message=f"the name says {named.name}, the text says {told[0].name}",
                places=(document.reading.quote(title), document.quote(hit)),
            )
            return


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
                    if len(told) == 1 and told[0].sort == "quantized" and not _PAIR.search(cell):
                        yield Conflict(
                            component=Component.PRECISION_FORMAT,
                            message=f"the name says {named[0].upper()}, the column says {told[0].name}",
                            places=(document.reading.quote(title), document.reading.quote_row(number, row)),
                        )
                        return


def _headline_against_table(document: Document) -> Iterator[Conflict]:
    """A headline of 2x above a table whose best row gives 1.4x."""
    told = [v for v in document.values if v.component is Component.THROUGHPUT_GAIN and v.low is not None]
    rows = [v for v in told if _in_table(document, v)]
    best = max((v.high or 0.0 for v in rows if v.strength is Strength.EXACT), default=0.0)
    if len(rows) < 2 or best <= 1.0:
        return
    for value in told:
        claimed = value.low if value.strength is Strength.EXACT else value.high
        if (
            value not in rows
            and claimed
            and claimed > best * _HEADLINE_SLACK
            and value.strength is not Strength.THEORETICAL
            and not value.hardware
        ):
            top = next(v for v in rows if v.high == best)
            yield Conflict(
                component=Component.THROUGHPUT_GAIN,
                message=f"the text says {claimed:g}x, the table gives {best:g}x at most",
                places=(value.evidence, top.evidence),
            )
            return


def _in_table(document: Document, value: Value) -> bool:
    start = value.evidence.start
    tables = document.reading.sheets[value.evidence.sheet].tables()
    return start is not None and any(row.start <= start < row.end for t in tables for row in t.rows)


def _results_of_another(document: Document) -> Iterator[Conflict]:
    """A card of a W4A16 model whose result columns are all headed W8A8."""
    title = _title(document)
    named = _named_scheme(document, title) if title else None
    if title is None or named is None or bits(named) is None:
        return
    headers: dict[int, Quote] = {}
    for unit in document.reading.units:
        if unit.kind == "header" and unit.sheet == title.sheet:
            for scheme in schemes(document.reading.words(unit)):
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


def _no_calibration_but_static(document: Document) -> Iterator[Conflict]:
    """No calibration is needed, it says, and activations are static: their scales must come from data."""
    static = next(
        (h for h in document.hits(_STATIC_ACTIVATIONS, "sentence", "row", "caption") if not document.generic(h.unit)),
        None,
    )
    if static is None:
        return
    for hit in document.hits(NONE_NEEDED, "sentence", "caption"):
        if "calib" in hit.match[0] or "校准" in hit.match[0]:
            yield Conflict(
                component=Component.CALIBRATION_DATA,
                message="no calibration is needed, it says, and activations have static scales, which come from data",
                places=(document.quote(hit), document.quote(static)),
            )
            return
