"""A letter to the vendor: everything that a claim leaves open, as questions that can be sent as they are."""

from __future__ import annotations

from textwrap import wrap

from lynxspec.location import format_location
from lynxspec.plain_text import shorten, visible
from lynxspec.reporters.reporter import (
    LintedDocument,
    LintRun,
    Question,
    Reporter,
    View,
    issuer_of,
    named,
    questions,
    title_of,
)

WIDTH = 80


def render(run: LintRun, view: View) -> str:  # noqa: ARG001 - every reporter has the same signature
    """Write a letter for each document that leaves something open."""
    letters = [_letter(document, asked) for document in run.documents if (asked := questions(document, run.rules))]
    return "\n".join(letters)


def _letter(document: LintedDocument, asked: tuple[Question, ...]) -> str:
    """Write the letter about one document."""
    title = title_of(document) or document.draft.source
    lines = wrap(f"To {shorten(issuer_of(document), 200)}, about the claim: {shorten(title, 500)}", WIDTH)
    lines += ["", f"{len(asked)} question{'s' if len(asked) > 1 else ''} before we can rely on it:", ""]
    for index, question in enumerate(asked, 1):
        lines += wrap(visible(f"{index:2}. {question.text}"), WIDTH, subsequent_indent="    ")
        lines += wrap(visible(_reason(question)), WIDTH, initial_indent="    ", subsequent_indent="    ")
        lines.append("")
    return "\n".join(lines)


def _reason(question: Question) -> str:
    """Say what raised the question."""
    if not question.findings:
        return "(a required disclosure)"
    first = question.findings[0]
    subject = f"{named(first.component)}; " if first.component is not None else ""
    place = f"; {format_location(first.locations[0])}" if first.locations else ""
    more = f" and {len(question.findings) - 1} more" if len(question.findings) > 1 else ""
    return f"({subject}{first.message} [{first.code}{place}{more}])"


REPORTER = Reporter(name="questions", summary="the questions to send to the vendor", render=render)
