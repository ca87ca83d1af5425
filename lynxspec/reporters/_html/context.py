"""One document on its way into the page, and the links between the parts that show it."""

from __future__ import annotations

from dataclasses import dataclass

from lynxspec.draft import Quote
from lynxspec.lint.rule import Finding
from lynxspec.location import Location, format_location, format_path
from lynxspec.reporters._html.evidence import Index, place_of
from lynxspec.reporters._html.markup import Html, element
from lynxspec.reporters.reporter import LintedDocument, LintRun, Question, named, questions
from lynxspec.vocabulary import Component


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every part needs to know."""

    document: LintedDocument
    run: LintRun
    prefix: str
    """Start of all ids of the document: ``d1``."""
    level: int
    """Level of the document's own heading."""
    index: Index
    asked: tuple[Question, ...]

    def heading(self, below: int, text: str, id_: str | None = None) -> Html:
        """A heading ``below`` levels under the document's."""
        return element(f"h{min(6, self.level + below)}", {"id": id_}, text)

    def id(self, name: str) -> str:
        """The id of a part of this document."""
        return f"{self.prefix}-{name}"

    def component_id(self, component: Component) -> str:
        """The id of a row of the disclosure table."""
        return self.id(f"c-{component.value.replace('_', '-')}")

    def to_component(self, component: Component) -> Html:
        """A link to the row of a component."""
        return element("a", {"href": f"#{self.component_id(component)}"}, named(component))

    def to_quote(self, quote: Quote, *, prefix: str = "") -> Html:
        """A link to the words that a value was read from."""
        place = place_of(quote, self.document.draft)
        return element("a", {"href": f"#{self.index.of(quote).id}", "class": "place"}, f"{prefix}{place}")

    def to_finding(self, number: int) -> Html:
        """A link to a finding by its number."""
        return element("a", {"href": f"#{self.id(f'f{number}')}"}, self.document.findings[number - 1].code)

    def to_question(self, number: int) -> Html:
        """A link to a question by its number."""
        attributes = {
            "href": f"#{self.id(f'q{number}')}",
            "class": "ask",
            "aria-label": f"Q{number}, question {number}",
        }
        return element("a", attributes, f"Q{number}")

    def number_of(self, finding: Finding) -> int:
        """The number of a finding."""
        return next(n for n, known in enumerate(self.document.findings, 1) if known is finding)

    def to_place(self, location: Location) -> Html | None:
        """Where a finding stands: a link where the text is shown, else file, line and path.

        What a sheet leaves out stands nowhere in it: ``None``.
        """
        mark = self.index.at(location)
        if mark is not None:
            return element("a", {"href": f"#{mark.id}", "class": "place"}, place_of(mark.quote, self.document.draft))
        sheet = self.document.draft.kind == "sheet"
        if sheet and location.span.end_line is None and location.span.page is None:
            return None
        path = f" · {format_path(location.path)}" if location.path and not sheet else ""
        return element("span", {"class": "place"}, f"{format_location(location)}{path}")

    def places_of(self, finding: Finding) -> tuple[Html, ...]:
        """All places of a finding, each once."""
        places = [self.to_place(location) for location in finding.locations]
        return tuple(dict.fromkeys(place for place in places if place is not None))


def context_of(document: LintedDocument, run: LintRun, *, number: int, level: int) -> Context:
    """Prepare a document, the ``number``-th of the page."""
    prefix = f"d{number}"
    return Context(
        document=document,
        run=run,
        prefix=prefix,
        level=level,
        index=Index(document, prefix),
        asked=questions(document, run.rules),
    )
