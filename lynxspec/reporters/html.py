"""One file to forward: grade, gaps, questions, numbers and the vendor's own words side by side; it loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File

from lynxspec.reporters._html import asking, claims, finding_list, pane, summary
from lynxspec.reporters._html.context import Context, context_of
from lynxspec.reporters._html.markup import NOTHING, Html, Part, element, join
from lynxspec.reporters._html.wording import SEVERITY_WORDS, counted, score_words, title
from lynxspec.reporters.reporter import Failure, LintedDocument, LintRun, Reporter, View, number, ranked, worst_gap
from lynxspec.scoring import GRADES

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Nothing is fetched and no script runs, whatever a sheet may have smuggled in."""


def render(run: LintRun, view: View) -> str:  # noqa: ARG001 - every reporter has the same signature
    """Draw the page."""
    placed = ranked(run.documents)
    documents = [document for _, document in placed]
    several = len(documents) != 1
    contexts = [context_of(d, run, number=n, level=2 if several else 1) for n, d in enumerate(documents, 1)]
    name = f"{counted(len(documents), 'document', 'documents')} ranked" if several else title(documents[0])
    letters = "" if several else f"Grade {documents[0].scorecard.grade}: "
    main = element(
        "main",
        {"id": "main", "tabindex": "-1"},
        _ranking(contexts, [rank for rank, _ in placed], name) if several else NOTHING,
        *(_document(context) for context in contexts),
        _failures(run.failures),
    )
    page = element(
        "html",
        {"lang": "en"},
        _head(f"{letters}{name} · LynxSpec"),
        element("body", {}, _skip(contexts), _masthead(contexts), main, _footer(run, documents)),
    )
    return f"<!DOCTYPE html>\n{page.text}\n"


def _head(name: str) -> Html:
    style = File(__file__).with_name("_html") / "report.css"
    return element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("title", {}, name),
        element("style", {}, Html("\n" + style.read_text(encoding="utf-8"))),
    )


def _skip(contexts: Sequence[Context]) -> Html:
    """The first stop of the keyboard."""
    target = contexts[0].id("gaps") if len(contexts) == 1 else "main"
    return element("a", {"class": "skip", "href": f"#{target}"}, "Skip to the disclosures")


def _masthead(contexts: Sequence[Context]) -> Html:
    """The name of the report, and where its parts are."""
    brand = element("p", {}, element("strong", {}, "LynxSpec"), " disclosure report")
    nav = element("nav", {"aria-label": "Parts of the report"}, *_parts(contexts[0])) if len(contexts) == 1 else NOTHING
    return element("header", {"class": "masthead"}, brand, nav)


def _parts(context: Context) -> list[Part]:
    """Links to the parts of a document."""
    parts = [
        ("gaps", "Gaps"),
        ("questions", f"Questions {len(context.asked)}"),
        ("claims", "Claims"),
        *([("source", "Text")] if context.document.draft.sheets or context.index.marks else []),
        ("findings", f"Findings {len(context.document.counted)}"),
    ]
    return [element("a", {"href": f"#{context.id(name)}"}, text) for name, text in parts]


def _document(context: Context) -> Html:
    """One document: the report, and its source beside it."""
    source = pane.section(context)
    nav: Part = NOTHING
    if context.level > 1:
        label = {"aria-label": f"Parts of the report on {title(context.document)}", "class": "parts"}
        nav = element("nav", label, *_parts(context))
    report = [
        element("div", {"class": "first"}, summary.head(context), nav, summary.table(context)),
        asking.section(context),
        claims.section(context),
    ]
    kind = "document beside" if source.text else "document"
    attributes = {"class": kind, "id": context.prefix, "aria-labelledby": context.id("title")}
    return element("article", attributes, *report, source, finding_list.section(context))


def _ranking(contexts: Sequence[Context], ranks: Sequence[int], name: str) -> Html:
    """All documents, the best first, each with its worst gap."""
    heading = element("h1", {}, name[:1].upper() + name[1:])
    if not contexts:
        return join((heading, element("p", {}, "Nothing could be read.")))
    names = ("rank", "document", "grade", "score", "complete", "deployment grade", "worst gap", "findings")
    columns = element("tr", {}, *(element("th", {"scope": "col"}, column) for column in names))
    body = [_ranked(context, rank) for context, rank in zip(contexts, ranks, strict=True)]
    table = element(
        "table",
        {"class": "cards ranking", "aria-label": "Ranking"},
        element("thead", {}, columns),
        element("tbody", {}, *body),
    )
    return join(
        (
            heading,
            element("div", {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "Ranking"}, table),
        )
    )


def _ranked(context: Context, rank: int) -> Html:
    """A row of the ranking."""
    document, card = context.document, context.document.scorecard
    linked = element("a", {"href": f"#{context.prefix}"}, title(document))
    badge = element("strong", {"class": f"mini grade-{card.grade.lower()}"}, card.grade)
    found = [
        counted(count, one, many)
        for severity, (_, one, many) in SEVERITY_WORDS.items()
        if (count := sum(f.severity is severity for f in document.counted))
    ]
    cells: list[tuple[str, Part]] = [
        ("grade", badge),
        ("score", f"{number(card.score)}{score_words(document)}"),
        ("complete", "✓ yes" if card.complete else "✗ no"),
        ("deployment grade", "✓ yes" if card.deployment_grade else "✗ no"),
        ("worst gap", worst_gap(document)),
        ("findings", ", ".join(found) or "none"),
    ]
    return element(
        "tr",
        {},
        element("td", {"data-label": "rank"}, str(rank)),
        element("th", {"scope": "row"}, linked, element("span", {"class": "small"}, f" {document.draft.source}")),
        *(element("td", {"data-label": label}, part) for label, part in cells),
    )


def _failures(failures: Sequence[Failure]) -> Html:
    """What gave no result."""
    if not failures:
        return NOTHING
    listed = [element("li", {}, element("strong", {}, f.source), f": {f.error.message}") for f in failures]
    heading = element("h2", {"id": "failures-h"}, f"No result ({len(failures)})")
    return element(
        "section", {"class": "failures", "aria-labelledby": "failures-h"}, heading, element("ul", {}, *listed)
    )


def _footer(run: LintRun, documents: Sequence[LintedDocument]) -> Html:
    """How it came about, and how to read it."""
    models = ", ".join(sorted({document.scorecard.model for document in documents}))
    made = f"LynxSpec lint, profile {run.profile}{f', score model {models}' if models else ''}."
    offline = "This file is complete in itself: it loads nothing from anywhere and runs no script."
    letters = ", ".join(f"{letter} from {least:g}" for least, letter in GRADES)
    statuses = (
        "Disclosed: told in full. Partial: told in part, counts half. Missing and contradicted count nothing and stay"
        " in the denominator; only what justifiably does not apply leaves it. Complete: no required component is"
        " missing or contradicted. Deployment grade: all required components are disclosed in full or justifiably do"
        f" not apply. Grades: {letters}; not complete, at most D; with an error, at most C; not deployment grade, at"
        " most B."
    )
    reading = element("details", {}, element("summary", {}, "How to read this report"), element("p", {}, statuses))
    return element("footer", {}, reading, element("p", {}, f"{made} {offline}"))


REPORTER = Reporter(name="html", summary="one file to forward, with the evidence beside it", render=render)
