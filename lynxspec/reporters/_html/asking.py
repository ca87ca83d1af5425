"""Questions to the vendor: numbered, each with its reason and place, and once more as a letter to copy."""

from __future__ import annotations

from lynxspec.reporters import questions as letter
from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.markup import Html, Part, element, join, verbatim
from lynxspec.reporters.reporter import LintRun, Question, View, issuer_of, named

SHOWN = 3
"""Reasons that are written out under a question; more would bury it."""


def section(context: Context) -> Html:
    """Draw the questions, or say that none is left."""
    asked = context.asked
    attributes = {"class": "questions", "id": context.id("questions"), "aria-labelledby": context.id("questions-h")}
    heading = context.heading(
        1, f"Questions for {issuer_of(context.document)} ({len(asked)})", context.id("questions-h")
    )
    if not asked:
        return element("section", attributes, heading, element("p", {}, "Nothing is left to ask."))
    listed = [_question(context, number, question) for number, question in enumerate(asked, 1)]
    return element("section", attributes, heading, element("ol", {}, *listed), _letter(context))


def _question(context: Context, number: int, question: Question) -> Html:
    """One question with what raised it."""
    reasons = [_reason(context, context.number_of(finding)) for finding in question.findings[:SHOWN]]
    if not question.findings:
        reasons = [element("li", {}, "A required disclosure is open.")]
    if len(question.findings) > SHOWN:
        reasons.append(element("li", {}, f"and {len(question.findings) - SHOWN} more of the same kind"))
    return element(
        "li",
        {"id": context.id(f"q{number}")},
        element("p", {"class": "question"}, question.text),
        element("ul", {"class": "reasons"}, *reasons),
    )


def _reason(context: Context, number: int) -> Html:
    """What raised a question: the finding, with its subject and its place as links."""
    finding = context.document.findings[number - 1]
    message: Part = finding.message
    if finding.component is not None:
        name, link = named(finding.component), context.to_component(finding.component)
        opens = finding.message.startswith(name)
        message = join((link, finding.message[len(name) :] if opens else f": {finding.message}"))
    places = [join((", ", place)) for place in context.places_of(finding)[:1]]
    return element("li", {}, message, " (", context.to_finding(number), *places, ")")


def _letter(context: Context) -> Html:
    """The same questions as plain text."""
    run = context.run
    alone = LintRun(documents=(context.document,), failures=(), rules=run.rules, profile=run.profile)
    text = letter.render(alone, View())
    name = context.id("letter")
    attributes = {"id": name, "readonly": "readonly", "spellcheck": "false", "rows": str(min(24, text.count("\n") + 1))}
    return element(
        "details",
        {"class": "letter"},
        element("summary", {}, "All questions as plain text, to copy into a mail"),
        element("label", {"for": name}, "Select all of it and copy:"),
        element("textarea", attributes, Html("\n" + verbatim(text))),
    )
