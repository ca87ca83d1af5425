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
    issuer_of,
    named,
    number,
    questions,
    title_of,
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
        lines += [f"- {_code(failure.source)}: {_text(failure.error.message)}" for failure in run.failures]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _document(document: LintedDocument, run: LintRun) -> str:
    """Write one document as a section."""
    card = document.scorecard
    complete, deployment = gate_reason(document)
    score = f"{number(card.score)} of 100 ({number(card.points)} of {number(card.denominator)} points, {card.model})"
    lines = [
        f"## {_text(title_of(document) or document.draft.source)}",
        "",
        f"{_code(document.draft.source)}: **grade {card.grade}**, {_text(score)}.",
        "",
        f"- Complete: **{'yes' if card.complete else 'no'}**, {_text(complete)}",
        f"- Deployment grade: **{'yes' if card.deployment_grade else 'no'}**, {_text(deployment)}",
        "",
        *_disclosures(document),
        "",
        *_findings(document.counted),
    ]
    if document.ignored:
        lines += ["", "### Ignored", ""]
        lines += [f"- {f.code} {_text(f.rule)} at {_place(f)}: {_text(f.ignored or '')}" for f in document.ignored]
    asked = questions(document, run.rules)
    if asked:
        lines += ["", f"### Questions for {_text(issuer_of(document))}", ""]
        lines += [f"{index}. {_text(question.text)}" for index, question in enumerate(asked, 1)]
    return "\n".join(lines) + "\n"


def _disclosures(document: LintedDocument) -> list[str]:
    """Draw the disclosure table; required components are bold."""
    lines = ["### Disclosure", "", "| component | status | as claimed | remark |", "|---|---|---|---|"]
    for component, disclosure in document.scorecard.disclosures.items():
        name = f"**{named(component)}**" if component in REQUIRED else named(component)
        value = _code(disclosure.value) if disclosure.value else ""
        lines.append(f"| {name} | {_text(disclosure.status.value)} | {value} | {_text(disclosure.note)} |")
    return [*lines, "", f"Bold: one of the {len(REQUIRED)} required components."]


def _findings(findings: tuple[Finding, ...]) -> list[str]:
    """Draw the findings as a table."""
    if not findings:
        return ["No findings."]
    lines = ["### Findings", "", "| place | rule | severity | finding | remedy |", "|---|---|---|---|---|"]
    for f in findings:
        cells = (_place(f), f"{f.code} {_text(f.rule)}", LABELS[f.severity], _text(f.message), _text(f.remedy))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _place(finding: Finding) -> str:
    """Show the main place of a finding."""
    return _code(format_location(finding.locations[0])) if finding.locations else ""


def _text(text: str) -> str:
    """Escape words of others in prose: nothing in them is markup, mentions anybody or links anywhere."""
    escaped = _START.sub(r"\1\\\2", _MARKS.sub(r"\\\1", visible(" ".join(text.split()))))
    return escaped.replace("@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")


def _code(text: str) -> str:
    """Write words of others as a code span, fenced by more backticks than they hold."""
    line = visible(" ".join(text.split())).replace("|", "\\|")
    longest = max((len(ticks) for ticks in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


REPORTER = Reporter(name="markdown", summary="a ticket with tables", render=render)
