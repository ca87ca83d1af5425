"""Plain text for a terminal: grade, gates, disclosure table, findings with remedy, questions, in one screen."""

from __future__ import annotations

from textwrap import wrap

from lynxspec.draft import Disclosure
from lynxspec.lint.rule import Finding, Severity
from lynxspec.location import format_location
from lynxspec.plain_text import shorten, visible
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
    weakest_regime,
    worst_gap,
)
from lynxspec.scoring import grade
from lynxspec.vocabulary import REQUIRED, Component, Status

WIDTH = 100
NAME_WIDTH = 24
COLOURS = {Severity.INFO: "\x1b[36m", Severity.WARNING: "\x1b[33m", Severity.ERROR: "\x1b[31m"}
GROUPS = {
    Status.CONTRADICTED: "Contradicted",
    Status.MISSING: "Missing",
    Status.PARTIAL: "Partial",
    Status.DISCLOSED: "Disclosed",
    Status.NOT_APPLICABLE: "Not applicable",
}


def render(run: LintRun, view: View) -> str:
    """Show all documents, one after the other."""
    if view.brief:
        lines = [line for document in run.documents for f in document.counted for line in _finding(f, view)]
        lines += [line for document in run.documents for line in _ignored(document)]
    else:
        lines = [line for document in run.documents for line in (*_document(document, run, view), "")]
        lines += _ranking(run) if has_ranking(run) else []
    return "".join(f"{line}\n" for line in lines)


def _ranking(run: LintRun) -> list[str]:
    """List all documents, the best first, each with what it leaves most open."""
    names = [shorten(document.draft.source, 200) for document in run.documents]
    width = max(len(name) for name in [*names, *(visible(failure.source) for failure in run.failures)])
    lines = ["Ranking", "", f"  {'rank':<6}{'grade':<7}{'score':<7}{'complete':<10}{'file':<{width}}  worst gap"]
    for rank, document in ranked(run.documents):
        card = document.scorecard
        complete = "yes" if card.complete else "NO"
        line = f"  {rank:<6}{card.grade:<7}{number(card.score):<7}{complete:<10}"
        lines.append(f"{line}{shorten(document.draft.source, 200):<{width}}  {worst_gap(document)}")
    lines += [f"  {'-':<6}{'-':<7}{'-':<7}{'-':<10}{visible(f.source):<{width}}  no result" for f in run.failures]
    return [*lines, ""]


def _ignored(document: LintedDocument) -> list[str]:
    """What the document had silenced, with its reasons; never left out, however brief the report."""
    lines: list[str] = []
    for finding in document.ignored:
        lines += _wrapped(f"  {_place(finding)} {finding.code} {finding.rule}", f" ignored: {finding.ignored}")
    return lines


def _document(document: LintedDocument, run: LintRun, view: View) -> list[str]:
    """Show one document, top to bottom."""
    lines = _head(document)
    lines += _table(document)
    lines += _findings(document, view)
    if document.ignored:
        lines += ["", f"Ignored ({len(document.ignored)}), as the document asks under --profile {run.profile}"]
        lines += _ignored(document)
    asked = questions(document, run.rules)
    if asked:
        lines += ["", f"Questions for {shorten(issuer_of(document), 60)} ({len(asked)})"]
        for index, question in enumerate(asked, 1):
            lines += _wrapped(f"  {index:2}. ", question.text)
    return lines


def _head(document: LintedDocument) -> list[str]:
    """Show what it is, what it scored, and the two gates."""
    card = document.scorecard
    claim = document.draft.claim
    lines = [visible(document.draft.source)]
    if claim is not None:
        identity = claim.identity
        by = f"{identity.nature} by {identity.measured_by.name} ({identity.measured_by.independence})"
        lines += _wrapped("", title_of(document))
        lines += _wrapped("", f"{identity.issuer.name}, {identity.date}; {by}")
    weakest = weakest_regime(document)
    of = f"; regime {weakest}" if weakest else ""
    points = f"{number(card.points)} of {number(card.denominator)} points, {card.model}{of}"
    complete, deployment = gate_reason(document)
    earned = grade(card.score, complete=True, deployment_grade=True)
    held = "" if earned == card.grade else f"; {earned} by points alone, held down by what is open below"
    lines += ["", *_wrapped(f"  {'Grade ' + card.grade:<18}", f"{number(card.score)} of 100 ({points}){held}")]
    lines += _wrapped(f"  {'Complete':<18}", f"{'yes' if card.complete else 'NO'}, {complete}")
    lines += _wrapped(f"  {'Deployment grade':<18}", f"{'yes' if card.deployment_grade else 'NO'}, {deployment}")
    for note in (note for sheet in document.draft.sheets for note in sheet.notes):
        lines += _wrapped(f"  {'Not read':<18}", note)
    if document.worth:
        lines += _wrapped(f"  {'For you':<18}", document.worth)
    return lines


def _table(document: LintedDocument) -> list[str]:
    """Draw the disclosure table, grouped by status, the worst first."""
    lines: list[str] = []
    for status, heading in GROUPS.items():
        rows = [(c, d) for c, d in document.scorecard.disclosures.items() if d.status is status]
        if rows:
            lines += ["", f"{heading} ({len(rows)})" + (", * required" if not lines else "")]
            lines += [_row(component, disclosure) for component, disclosure in rows]
    return lines


def _row(component: Component, disclosure: Disclosure) -> str:
    """Show one component with its value as claimed."""
    mark = "*" if component in REQUIRED else " "
    value, note = disclosure.value or "", disclosure.note
    text = f"{value} ({note})" if value and note else value or note or "nothing stated"
    return f"  {mark} {named(component):<{NAME_WIDTH}}{shorten(text, WIDTH - NAME_WIDTH - 4)}"


def _findings(document: LintedDocument, view: View) -> list[str]:
    """List the findings that count, under a line that counts them."""
    found = document.counted
    if not found:
        return ["", "No findings"]
    counts = [(severity, sum(f.severity is severity for f in found)) for severity in reversed(Severity)]
    summary = ", ".join(f"{count} {LABELS[severity]}" for severity, count in counts if count)
    return ["", f"Findings ({summary})", *(f"  {line}" for f in found for line in _finding(f, view))]


def _finding(finding: Finding, view: View) -> list[str]:
    """Write ``path:line:column CODE severity message``, then the remedy."""
    label = LABELS[finding.severity]
    doubt = "" if finding.confidence.value == "certain" else f" ({finding.confidence.value})"
    where = f" [{finding.regime}]" if finding.regime and finding.regime not in finding.message else ""
    head = f"{_place(finding)} {finding.code} {label}{doubt}{where}"
    lines = _filled(f"{head} {finding.message}", WIDTH - 2, indent="    ")
    if view.colour:
        plain, marked = f"{finding.code} {label}", f"{finding.code} {COLOURS[finding.severity]}{label}\x1b[0m"
        at = next((number for number, line in enumerate(lines) if plain in line), 0)
        lines[at] = lines[at].replace(plain, marked, 1)
    if finding.remedy and not view.brief:
        lines += _filled(f"    -> {finding.remedy}", WIDTH - 2, indent=" " * 7)
    return lines


def _place(finding: Finding) -> str:
    """Show the main place of a finding."""
    return visible(format_location(finding.locations[0])) if finding.locations else "(document)"


def _wrapped(label: str, text: str) -> list[str]:
    """Set ``text`` behind ``label``, its further lines below its start."""
    return _filled(label + text, WIDTH, indent=" " * min(len(label), 20))


def _filled(text: str, width: int, *, indent: str) -> list[str]:
    """Break ``text`` at spaces only, so that a path stays one word that can be clicked or copied."""
    return wrap(visible(text), width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


REPORTER = Reporter(name="text", summary="for people: one screen per document", render=render)
