"""All findings, folded by severity: what is wrong, what to do, and where."""

from __future__ import annotations

from collections.abc import Sequence

from lynxspec.lint.rule import Confidence, Finding
from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.markup import NOTHING, Html, Part, element, join
from lynxspec.reporters._html.wording import SEVERITY_WORDS, counted

STYLES = {"error": "missing", "warning": "partial", "note": "not-applicable"}


def section(context: Context) -> Html:
    """Draw the findings that count by severity, the gravest first, then the ignored ones."""
    document = context.document
    numbered = list(enumerate(document.findings, 1))
    groups: list[Html] = []
    for severity, (symbol, word, words) in SEVERITY_WORDS.items():
        found = [(n, f) for n, f in numbered if f.severity is severity and f.ignored is None]
        if found:
            sign = element("span", {"aria-hidden": "true"}, symbol)
            label = element("strong", {"class": f"s-{STYLES[word]}"}, sign, f" {counted(len(found), word, words)}")
            groups.append(_group(context, label, found))
    ignored = [(n, f) for n, f in numbered if f.ignored is not None]
    if ignored:
        title = f"{len(ignored)} ignored, as the document asks under the profile {context.run.profile}"
        groups.append(_group(context, element("strong", {}, title), ignored))
    name = context.id("findings-h")
    attributes = {"class": "findings", "id": context.id("findings"), "aria-labelledby": name}
    heading = context.heading(1, f"All findings ({len(document.counted)})", name)
    return element("section", attributes, heading, *(groups or [element("p", {}, "No findings.")]))


def _group(context: Context, label: Html, found: Sequence[tuple[int, Finding]]) -> Html:
    listed = [_finding(context, number, finding) for number, finding in found]
    return element("details", {"open": "open"}, element("summary", {}, label), element("ul", {}, *listed))


def _finding(context: Context, number: int, finding: Finding) -> Html:
    """One finding with its remedy and places."""
    doubt = "" if finding.confidence is Confidence.CERTAIN else f" ({finding.confidence.value})"
    about: Part = join((" · ", context.to_component(finding.component))) if finding.component else NOTHING
    regime = f" · {finding.regime}" if finding.regime else ""
    places = context.places_of(finding)
    return element(
        "li",
        {"id": context.id(f"f{number}"), "tabindex": "-1"},
        element("p", {"class": "code"}, element("strong", {}, finding.code), f" {finding.rule}{doubt}", about, regime),
        element("p", {}, finding.message),
        element("p", {"class": "remedy"}, f"→ {finding.remedy}") if finding.remedy else NOTHING,
        element("p", {"class": "small"}, "Ignored: ", finding.ignored) if finding.ignored is not None else NOTHING,
        element("p", {"class": "small"}, "Where: ", join(places, "; ")) if places else NOTHING,
    )
