"""The first screen of a document: grade, score, gates, one sentence, and the disclosure table, the worst first."""

from __future__ import annotations

from collections import Counter

from lynxspec.plain_text import shorten
from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.evidence import place_of
from lynxspec.reporters._html.markup import NOTHING, Html, Part, element, join
from lynxspec.reporters._html.wording import (
    STATUS_WORDS,
    Row,
    bare_name,
    concerning,
    counted,
    rows,
    score_words,
    sentence,
    title,
)
from lynxspec.reporters.reporter import OPEN, named, number, weakest_regime
from lynxspec.scoring import grade
from lynxspec.vocabulary import REQUIRED, Component, Status

SHOWN = 2
"""Places that a row links to."""

LONGEST = 110
"""Characters of a value, quote or remark in the table; the whole of it stands where the row links to."""


def head(context: Context) -> Html:
    """Title, grade, score, gates and the sentence that names the worst gap."""
    document, card = context.document, context.document.scorecard
    worst, rest = sentence(document)
    badge = element(
        "p",
        {"class": f"grade grade-{card.grade.lower()}"},
        element("span", {}, "Grade "),
        element("strong", {}, card.grade),
        element("span", {}, " of A to F"),
    )
    points = element("p", {"class": "score"}, element("strong", {}, number(card.score)), score_words(document))
    remarks = [element("p", {"class": "small"}, remark) for remark in _remarks(context)]
    gates = element(
        "ul",
        {"class": "gates"},
        _gate("Complete", passed=card.complete),
        _gate("Deployment grade", passed=card.deployment_grade),
    )
    first: Part = join(("Worst gap: ", element("strong", {}, worst), " ")) if worst else NOTHING
    told = element("p", {"class": "worst"}, first, rest)
    worth = element("p", {"class": "worth"}, element("strong", {}, "For you: "), document.worth)
    notes = [element("p", {"class": "unread"}, f"Not read: {note}") for s in document.draft.sheets for note in s.notes]
    return element(
        "header",
        {"class": "top"},
        element(f"h{context.level}", {"id": context.id("title")}, title(document)),
        element("p", {"class": "by"}, _byline(context)),
        element("div", {"class": "verdict"}, badge, element("div", {}, points, *remarks, gates), told),
        worth if document.worth else NOTHING,
        *notes,
    )


def _remarks(context: Context) -> list[str]:
    """Whose score it is, and what keeps the grade below it."""
    card, regimes = context.document.scorecard, context.document.draft.regimes
    name = weakest_regime(context.document)
    weakest = next((bare_name(regime) for regime in regimes if regime.name == name), "")
    several = sum(regime.role == "quantized" for regime in regimes) > 1
    earned = grade(card.score, complete=True, deployment_grade=True)
    remarks = [f"weakest regime: {shorten(weakest, 40)}"] if weakest and several else []
    return [*remarks, f"{earned} by points, held down by gaps"] if earned != card.grade else remarks


def _byline(context: Context) -> str:
    """Say which file it is and who says so."""
    draft = context.document.draft
    if draft.claim is None:
        several = f" and {counted(len(draft.sheets) - 1, 'more file', 'more files')}" if len(draft.sheets) > 1 else ""
        return f"{draft.source}{several}"
    identity = draft.claim.identity
    by = f"{identity.nature} by {identity.measured_by.name} ({identity.measured_by.independence})"
    return f"{draft.source} · {identity.issuer.name}, {identity.date}; {by}"


def _gate(name: str, *, passed: bool) -> Html:
    symbol, word, style = ("✓", "yes", "disclosed") if passed else ("✗", "no", "missing")
    return element("li", {}, f"{name}: ", element("strong", {"class": f"s-{style}"}, _symbol(symbol), f" {word}"))


def _symbol(symbol: str) -> Html:
    return element("span", {"class": "symbol", "aria-hidden": "true"}, symbol)


def table(context: Context) -> Html:
    """Draw the disclosure table."""
    listed = rows(context.document)
    regimes = [regime for regime in context.document.draft.regimes if regime.role == "quantized"]
    told = context.document.draft.kind == "sheet" and len(regimes) > 0
    names = ["Status", "Component", "As said", *(["Regimes"] if told else []), "Evidence"]
    columns = element("tr", {"role": "row"}, *(_column(name) for name in names))
    body = [_row(context, row, told=told) for row in listed]
    return element(
        "section",
        {"class": "gaps", "id": context.id("gaps"), "aria-labelledby": context.id("gaps-h")},
        context.heading(1, "Disclosure, the worst first", context.id("gaps-h")),
        _bar(listed),
        element(
            "table",
            {"role": "table", "class": "disclosures", "aria-labelledby": context.id("gaps-h")},
            element("thead", {"role": "rowgroup"}, columns),
            element("tbody", {"role": "rowgroup"}, *body),
        ),
        element("p", {"class": "small"}, _legend(told=told)),
    )


def _column(name: str) -> Html:
    kind = f"col-{name.rsplit(maxsplit=1)[-1].lower()}"
    return element("th", {"role": "columnheader", "scope": "col", "class": kind}, name)


def _legend(*, told: bool) -> str:
    regimes = (
        " The status is that of what the document says anywhere; under Regimes stands for how many of its quantized"
        " regimes it says so, at least in part."
        if told
        else ""
    )
    return f"{len(REQUIRED)} of the {len(Component)} components are required; the others are marked optional.{regimes}"


def _bar(listed: tuple[Row, ...]) -> Html:
    """A strip with one piece for each component, and its key, which says the same in words."""
    counts = Counter(row.shown for row in listed)
    strip = [element("i", {"class": f"b-{row.shown.value.replace('_', '-')}"}) for row in listed]
    key = [
        element(
            "li",
            {"class": f"s-{status.value.replace('_', '-')}"},
            _symbol(symbol),
            element("strong", {}, f" {counts[status]} "),
            word,
        )
        for status, (symbol, word) in STATUS_WORDS.items()
        if counts[status]
    ]
    return join(
        (element("div", {"class": "strip", "aria-hidden": "true"}, *strip), element("ul", {"class": "key"}, *key))
    )


def _row(context: Context, row: Row, *, told: bool) -> Html:
    style = f"s-{row.shown.value.replace('_', '-')}"
    cells = [
        _cell("state", element("span", {"class": f"status {style}"}, _symbol(row.symbol), f" {row.word}")),
        element(
            "th",
            {"role": "rowheader", "scope": "row", "class": "name"},
            named(row.component),
            NOTHING if row.required else element("span", {"class": "optional"}, " optional"),
        ),
        _cell("said", *_said(context, row)),
    ]
    if told:
        cells.append(_cell("regimes", _regimes(context, row.component)))
    cells.append(_cell("evidence", *_evidence(context, row)))
    return element("tr", {"role": "row", "id": context.component_id(row.component), "class": style}, *cells)


def _cell(name: str, *parts: Part) -> Html:
    return element("td", {"role": "cell", "class": name}, *parts)


def _said(context: Context, row: Row) -> list[Part]:
    """The value, or the words that stand for it, and what is wanting."""
    disclosure = row.disclosure
    parts: list[Part] = []
    if disclosure.value:
        parts.append(element("span", {"class": "value"}, shorten(disclosure.value, LONGEST)))
    elif disclosure.evidence:
        parts.append(element("q", {}, shorten(disclosure.evidence[0].text, LONGEST)))
    note = row.disclosure.note
    if note and row.disclosure.status is not Status.DISCLOSED:
        finding = concerning(context.document.counted, note)
        if finding is None:
            parts.append(element("span", {"class": "note"}, note))
        else:
            linked = context.to_finding(context.number_of(finding))
            parts.append(element("span", {"class": "note"}, shorten(note, LONGEST), " ", linked))
    if not parts:
        parts.append(element("span", {"class": "note"}, "nothing stated"))
    return [join(parts, " ")]


def _regimes(context: Context, component: Component) -> str:
    """In how many of the quantized regimes the component is told at least in part."""
    scored = zip(context.document.scorecard.regimes, context.document.draft.regimes, strict=True)
    statuses = [score.disclosures[component].status for score, regime in scored if regime.role == "quantized"]
    told = sum(status in {Status.DISCLOSED, Status.PARTIAL, Status.NOT_APPLICABLE} for status in statuses)
    if component is Component.PEAK_ONLY:
        told = sum(status is Status.DISCLOSED for status in statuses)
    return f"{told} of {len(statuses)}"


def _evidence(context: Context, row: Row) -> list[Part]:
    """Links to the words that the row rests on, contradictions first, and to the question that would close it."""
    draft = context.document.draft
    at_odds = [quote for c in draft.conflicts if c.component is row.component for quote in c.places]
    seen = {place_of(quote, draft): quote for quote in reversed((*at_odds, *row.disclosure.evidence))}
    parts: list[Part] = [context.to_quote(quote) for quote in list(reversed(seen.values()))[:SHOWN]]
    if len(seen) > SHOWN:
        parts.append(element("span", {"class": "place"}, f"+{len(seen) - SHOWN} more"))
    if not seen and draft.kind != "sheet" and row.disclosure.path:
        span = draft.places.at(row.disclosure.path).span
        parts.append(element("span", {"class": "place"}, f"line {span.line}" if span.line else ""))
    if row.shown in OPEN:
        numbers = [n for n, q in enumerate(context.asked, 1) if any(f.component is row.component for f in q.findings)]
        numbers = numbers or [n for n, q in enumerate(context.asked, 1) if _asks_for(q.text, row.component)]
        parts += [context.to_question(n) for n in numbers[:1]]
    return [join(parts, " ")] if parts else ["–"]


def _asks_for(question: str, component: Component) -> bool:
    """Whether it is the question that no finding raises, only the open component itself."""
    return question.startswith(f"Please disclose the {named(component)} in full")
