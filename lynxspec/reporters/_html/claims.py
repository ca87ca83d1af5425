"""Claims and their regimes: scores, what is open in each, the numbers that were read, and contradictions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from lynxspec.draft import Conflict, DraftRegime, Strength, Value
from lynxspec.plain_text import shorten
from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.markup import NOTHING, Html, Part, element, join
from lynxspec.reporters._html.wording import STATUS_WORDS, bare_name, counted
from lynxspec.reporters.reporter import OPEN, named, number
from lynxspec.scoring import RegimeScore
from lynxspec.vocabulary import Component, Status

UNFOLDED = 6
"""Claims that are shown open when there are no more than these; else the weakest one is."""

STRENGTHS = {
    Strength.EXACT: "",
    Strength.BOUND: "a bound, not a result",
    Strength.ADJECTIVE: "an adjective, no number",
    Strength.THEORETICAL: "theoretical, not measured",
    Strength.PROMISED: "promised, not given",
}

_BOUNDS = re.compile(
    r"\b(?:up to|as (?:much|many|low|little|high) as|at (?:least|most)|no (?:more|less|fewer) than|"
    r"(?<!no )(?:more|less|fewer) than|over|under|below|above|within|nearly|almost|max(?:imum|\.)?|min(?:imum|\.)?)"
    r"(?![\w-])",
    re.IGNORECASE,
)

IN_A_CLAIM = (
    Component.PRECISION_FORMAT,
    Component.GRANULARITY,
    Component.CALIBRATION_METHOD,
    Component.ACCURACY_RESULT,
    Component.SUSTAINED_THROUGHPUT,
    Component.LATENCY,
)
"""What a claim file, which has no free numbers, says of each regime side by side."""

Pair = tuple[DraftRegime, RegimeScore]


def section(context: Context) -> Html:
    """Draw contradictions first, then each claim."""
    document = context.document
    pairs = list(zip(document.draft.regimes, document.scorecard.regimes, strict=True))
    claims: dict[str, list[Pair]] = {}
    for pair in pairs:
        claims.setdefault(pair[0].claim, []).append(pair)
    name = context.id("claims-h")
    attributes = {"class": "claims", "id": context.id("claims"), "aria-labelledby": name}
    heading = context.heading(1, "Claims and regimes", name)
    if not pairs:
        nothing = element("p", {}, "No regime was found.")
        return element("section", attributes, heading, _conflicts(context), nothing)
    weakest = min(claims, key=lambda claim: _weakest(claims[claim]))
    drawn = [
        _claim(context, claim, regimes, unfolded=len(claims) <= UNFOLDED or claim == weakest)
        for claim, regimes in claims.items()
    ]
    return element("section", attributes, heading, _conflicts(context), *drawn)


def _weakest(pairs: Sequence[Pair]) -> float:
    """The score of the weakest quantized regime; above all others if there is none."""
    return min((score.score for regime, score in pairs if regime.role == "quantized"), default=101.0)


def _conflicts(context: Context) -> Html:
    """Contradictions with their places side by side."""
    conflicts = context.document.draft.conflicts
    if not conflicts:
        return NOTHING
    heading = context.heading(2, f"Contradictions ({len(conflicts)})")
    return element("div", {"class": "conflicts"}, heading, *(_conflict(context, conflict) for conflict in conflicts))


def _conflict(context: Context, conflict: Conflict) -> Html:
    sides = [
        element(
            "figure",
            {},
            element("blockquote", {}, quote.text),
            element("figcaption", {}, context.to_quote(quote)),
        )
        for quote in conflict.places
    ]
    regime = f" ({conflict.regime})" if conflict.regime else ""
    symbol, _ = STATUS_WORDS[Status.CONTRADICTED]
    told = element(
        "p",
        {},
        element(
            "span",
            {"class": "status s-contradicted"},
            element("span", {"aria-hidden": "true"}, symbol),
            " contradicted",
        ),
        " ",
        context.to_component(conflict.component),
        f"{regime}: {conflict.message}",
    )
    return element("div", {"class": "conflict"}, told, element("div", {"class": "sides"}, *sides))


def _claim(context: Context, claim: str, pairs: list[Pair], *, unfolded: bool) -> Html:
    """One claim: its regimes, then its numbers."""
    weakest = _weakest(pairs)
    score = f", weakest {number(weakest)} of 100" if weakest <= 100 else ""
    values = [value for regime, _ in pairs for value in regime.values]
    listed = [_regimes(pairs), _values(context, claim, values) if values else _side_by_side(pairs)]
    if not claim and context.document.draft.kind == "claim":
        return element("div", {"class": "claim"}, *listed)
    count = counted(len(pairs), "regime", "regimes")
    summary = element(
        "summary", {}, context.heading(2, claim or "The document as a whole"), element("span", {}, f"{count}{score}")
    )
    return element("details", {"class": "claim", "open": "open" if unfolded else None}, summary, *listed)


def _regimes(pairs: Sequence[Pair]) -> Html:
    """The regimes with their scores and what is open in each; what is open in all of them stands below, once."""
    gaps = [_gaps(score) for regime, score in pairs if regime.role == "quantized"]
    shared = {s: [c for c in gaps[0][s] if all(c in g[s] for g in gaps)] for s in OPEN} if len(gaps) > 1 else {}
    body: list[Html] = []
    for regime, score in pairs:
        own = {s: [c for c in found if c not in shared.get(s, [])] for s, found in _gaps(score).items()}
        reference = regime.role == "reference"
        cells = [
            _cell("role", regime.role),
            _cell("score", "–" if reference else f"{number(score.score)} of 100"),
            _cell("open", "what the others are held against" if reference else _open(own, "only what all leave open")),
        ]
        body.append(element("tr", {}, element("th", {"scope": "row"}, bare_name(regime)), *cells))
    table = _table("Regimes", "cards", ("regime", "role", "score", "open"), body)
    if not any(shared.values()):
        return table
    return join((table, element("p", {"class": "shared"}, "Open in every quantized regime: ", _open(shared, ""))))


def _gaps(score: RegimeScore) -> dict[Status, list[Component]]:
    """What is open in a regime, by status."""
    listed = [(c, d) for c, d in score.disclosures.items() if c is not Component.PEAK_ONLY]
    return {status: [c for c, d in listed if d.status is status] for status in OPEN}


def _open(gaps: Mapping[Status, Sequence[Component]], otherwise: str) -> Html:
    """Name what is open, by status."""
    lines: list[Part] = []
    for status, components in gaps.items():
        if components:
            symbol, word = STATUS_WORDS[status]
            sign = element("span", {"aria-hidden": "true"}, symbol)
            label = element("strong", {"class": f"s-{status.value}"}, sign, f" {len(components)} {word}")
            lines.append(element("span", {"class": "line"}, label, f": {', '.join(map(named, components))}"))
    return join(lines or [otherwise], " ")


def _side_by_side(pairs: Sequence[Pair]) -> Html:
    """What a claim file says of each of its regimes."""
    told = [c for c in IN_A_CLAIM if any(score.disclosures[c].value for _, score in pairs)]
    if not told:
        return NOTHING
    body = [
        element(
            "tr",
            {},
            element("th", {"scope": "row"}, named(component)),
            *(_cell(regime.name, score.disclosures[component].value or "–") for regime, score in pairs),
        )
        for component in told
    ]
    return _table("As claimed", "cards", ("as claimed", *(regime.name for regime, _ in pairs)), body)


COLUMNS: tuple[tuple[str, Callable[[Value], str]], ...] = (
    ("of", lambda value: " ".join(filter(None, (value.precision, "(reference)" if value.role == "reference" else "")))),
    ("measure", lambda value: " · ".join(filter(None, (value.metric, value.dataset)))),
    ("against", lambda value: value.against),
    ("model", lambda value: value.model),
    ("hardware", lambda value: value.hardware),
    ("batch", lambda value: value.batch),
)
"""What a number belongs to; a column that is empty throughout, or says only what the claim's name says, is left out."""


def _values(context: Context, claim: str, values: Sequence[Value]) -> Html:
    """The numbers with all that they belong to."""
    columns = [(name, of) for name, of in COLUMNS if any(of(value) and of(value) not in claim for value in values)]
    order = list(Component)
    body = [
        element(
            "tr",
            {},
            element("th", {"scope": "row"}, named(value.component)),
            _cell("number", *_number(value)),
            *(_cell(name, *filter(None, (of(value),))) for name, of in columns),
            _cell("evidence", context.to_quote(value.evidence)),
        )
        for value in sorted(values, key=lambda value: order.index(value.component))
    ]
    return _table("Numbers", "cards values", ("value", "number", *(name for name, _ in columns), "evidence"), body)


def _number(value: Value) -> list[Part]:
    """The number as firmly as the sheet gives it."""
    note = STRENGTHS[value.strength]
    parts: list[Part] = [element("span", {"class": "value"}, amount(value))]
    return [*parts, " ", element("span", {"class": "firmness"}, note)] if note else parts


def amount(value: Value) -> str:
    """Number or range with its unit and the word that bounds it, or the words that stand for a number."""
    if value.low is None:
        return f"“{shorten(value.evidence.text, 60)}”" if value.strength is not Strength.PROMISED else "–"
    text = plain(value.low)
    if value.high is not None and value.high != value.low:
        text += f" to {plain(value.high)}"
    unit = {"": "", "x": "×", "%": " %"}.get(value.unit, f" {value.unit}")
    bound = bound_word(value.evidence.text) if value.strength is Strength.BOUND else ""
    return f"{bound} {text}{unit}".strip()


def bound_word(quote: str) -> str:
    """``up to`` and its like, where the quote holds exactly one of them; else nobody can tell which one is meant."""
    found = {match.lower() for match in _BOUNDS.findall(quote)}
    return found.pop() if len(found) == 1 else ""


def plain(value: float) -> str:
    """A number with thousands apart and no digits that nobody gave."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.10g}"


def _cell(name: str, *parts: Part) -> Html:
    """A cell that knows its column's name, for narrow screens; an empty one is no line there."""
    return element("td", {"data-label": name} if parts else {"class": "empty"}, *(parts or ("–",)))


def _table(label: str, kind: str, names: Sequence[str], body: Sequence[Html]) -> Html:
    head = element("tr", {}, *(element("th", {"scope": "col"}, name) for name in names))
    parts = element("thead", {}, head), element("tbody", {}, *body)
    region = {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": label}
    return element("div", region, element("table", {"class": kind, "aria-label": label}, *parts))
