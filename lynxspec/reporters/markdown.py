"""Markdown for a ticket: the grade, the disclosure table, the findings and the questions of each document."""

from __future__ import annotations

import re

from lynxspec.lint.rule import Finding
from lynxspec.location import format_location
from lynxspec.plain_text import visible
from lynxspec.reporters.reporter import (
    LABELS,
    LintedDocument,
    LintRun,
    Reporter,
    View,
    gate_reason,
    has_ranking,
    issuer_of,
    named,
    number,
    questions,
    ranked,
    title_of,
    worst_gap,
)
from lynxspec.vocabulary import REQUIRED

_MARKS = re.compile(r"([\\`*_\[\]<>|~&$])")
"""Characters that Markdown, its tables, HTML in it or mathematics in it may take for markup."""

_START = re.compile(r"^(\d*)([-+#=.)])")
"""What would begin a list, a heading or a rule."""


def render(run: LintRun, view: View) -> str:  # noqa: ARG001 - every reporter has the same signature
    """Write all documents, then what gave no result."""
    blocks = [_document(document, run) for document in run.documents]
    if run.failures:
        lines = ["## No result", ""]
        lines += [f"- {code_span(failure.source)}: {escaped(failure.error.message)}" for failure in run.failures]
        blocks.append("\n".join(lines) + "\n")
    if has_ranking(run):
        blocks.append(_ranking(run))
    return "\n".join(blocks)


def _ranking(run: LintRun) -> str:
    """Draw all documents as a table, the best first."""
    lines = ["## Ranking", "", "| rank | grade | score | complete | file | worst gap |", "|---|---|---|---|---|---|"]
    for rank, document in ranked(run.documents):
        card = document.scorecard
        cells = (
            str(rank),
            card.grade,
            number(card.score),
            "yes" if card.complete else "no",
            code_span(document.draft.source),
            escaped(worst_gap(document)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [f"| - | - | - | - | {code_span(failure.source)} | no result |" for failure in run.failures]
    return "\n".join(lines) + "\n"


def _document(document: LintedDocument, run: LintRun) -> str:
    """Write one document as a section."""
    card = document.scorecard
    complete, deployment = gate_reason(document)
    score = f"{number(card.score)} of 100 ({number(card.points)} of {number(card.denominator)} points, {card.model})"
    lines = [
        f"## {escaped(title_of(document) or document.draft.source)}",
        "",
        f"{code_span(document.draft.source)}: **grade {card.grade}**, {escaped(score)}.",
        "",
        f"- Complete: **{'yes' if card.complete else 'no'}**, {escaped(complete)}",
        f"- Deployment grade: **{'yes' if card.deployment_grade else 'no'}**, {escaped(deployment)}",
        *([f"- For you: {escaped(document.worth)}"] if document.worth else []),
        "",
        *_disclosures(document),
        "",
        *_findings(document.counted),
    ]
    if document.ignored:
        lines += ["", "### Ignored", ""]
        lines += [f"- {f.code} {escaped(f.rule)} at {_place(f)}: {escaped(f.ignored or '')}" for f in document.ignored]
    asked = questions(document, run.rules)
    if asked:
        lines += ["", f"### Questions for {escaped(issuer_of(document))}", ""]
        lines += [f"{index}. {escaped(question.text)}" for index, question in enumerate(asked, 1)]
    return "\n".join(lines) + "\n"


def _disclosures(document: LintedDocument) -> list[str]:
    """Draw the disclosure table; required components are bold."""
    lines = ["### Disclosure", "", "| component | status | as claimed | remark |", "|---|---|---|---|"]
    for component, disclosure in document.scorecard.disclosures.items():
        name = f"**{named(component)}**" if component in REQUIRED else named(component)
        value = code_span(disclosure.value) if disclosure.value else ""
        lines.append(f"| {name} | {escaped(disclosure.status.value)} | {value} | {escaped(disclosure.note)} |")
    return [*lines, "", f"Bold: one of the {len(REQUIRED)} required components."]


def _findings(findings: tuple[Finding, ...]) -> list[str]:
    """Draw the findings as a table."""
    if not findings:
        return ["No findings."]
    lines = ["### Findings", "", "| place | rule | severity | finding | remedy |", "|---|---|---|---|---|"]
    for f in findings:
        cells = (_place(f), f"{f.code} {escaped(f.rule)}", LABELS[f.severity], escaped(f.message), escaped(f.remedy))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _place(finding: Finding) -> str:
    """Show the main place of a finding."""
    return code_span(format_location(finding.locations[0])) if finding.locations else ""


def escaped(text: str) -> str:
    """Escape words of others in prose: nothing in them is markup, mentions anybody or links anywhere."""
    escaped = _START.sub(r"\1\\\2", _MARKS.sub(r"\\\1", visible(" ".join(text.split()))))
    return escaped.replace("@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")


def code_span(text: str) -> str:
    """Write words of others as a code span, fenced by more backticks than they hold."""
    line = visible(" ".join(text.split())).replace("|", "\\|")
    longest = max((len(ticks) for ticks in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


REPORTER = Reporter(name="markdown", summary="a ticket with tables", render=render)
