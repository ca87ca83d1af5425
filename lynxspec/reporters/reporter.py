"""`Reporter`, and the `LintRun` that it shows; a file of this folder that ends in ``REPORTER`` is a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path as File
from typing import cast

from lynxspec.draft import Draft
from lynxspec.errors import LynxSpecError
from lynxspec.lint.rule import Finding, Rule, Severity
from lynxspec.scoring import Scorecard
from lynxspec.vocabulary import REQUIRED, Component, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LintedDocument:
    """One document with all that was found in it."""

    draft: Draft
    findings: tuple[Finding, ...]
    """In file order, honoured ignores included."""
    scorecard: Scorecard
    worth: str = ""
    """What it is worth for the buyer whose need was given, in plain words; empty without a need."""

    @property
    def counted(self) -> tuple[Finding, ...]:
        """Findings that no honoured ignore covers."""
        return tuple(f for f in self.findings if f.ignored is None)

    @property
    def ignored(self) -> tuple[Finding, ...]:
        """Findings that an honoured ignore covers."""
        return tuple(f for f in self.findings if f.ignored is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source that gave no result: unreadable, or a rule of ours failed on it."""

    source: str
    error: LynxSpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRun:
    """What one call of ``lynxspec lint`` found."""

    documents: tuple[LintedDocument, ...]
    failures: tuple[Failure, ...]
    rules: tuple[Rule, ...]
    """All rules that ran, by code."""
    profile: str
    """On whose behalf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How much to show, and with which means."""

    colour: bool = False
    """Mark severities by colour: only for a terminal whose owner did not set ``NO_COLOR``."""
    brief: bool = False
    """Findings only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """One output format."""

    name: str
    """The word after ``--format``."""
    summary: str
    """One line for the help page."""
    render: Callable[[LintRun, View], str]
    """The whole output; it ends with a line feed unless it is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something to ask the vendor, with the findings that raise it."""

    text: str
    findings: tuple[Finding, ...]


LABELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ERROR: "error"}
"""Severities as every format writes them."""

OPEN = (Status.CONTRADICTED, Status.MISSING, Status.PARTIAL)
"""Statuses that leave a buyer something to ask, the worst first."""


def formats() -> tuple[str, ...]:
    """Name all formats: the files of this folder but this one."""
    return tuple(sorted(file.stem for file in File(__file__).parent.glob("[!_]*.py") if file.stem != "reporter"))


def load(name: str) -> Reporter:
    """Import the reporter of that name, and only its file."""
    return cast("Reporter", import_module(f"lynxspec.reporters.{name}").REPORTER)


def named(component: Component) -> str:
    """Name a component in plain words."""
    return component.value.replace("_", " ")


def title_of(document: LintedDocument) -> str:
    """Quote what the document says that it claims; empty if it says nothing."""
    claim = document.draft.claim
    return claim.identity.title if claim is not None else ""


def issuer_of(document: LintedDocument) -> str:
    """Name the issuer of the claim."""
    claim = document.draft.claim
    return claim.identity.issuer.name if claim is not None else "the vendor"


def questions(document: LintedDocument, rules: tuple[Rule, ...]) -> tuple[Question, ...]:
    """List what a buyer should ask, the gravest first; findings that ask the same are one question.

    A required component that is open, but that no finding asks about, is asked for all the same.
    """
    texts = {rule.code: rule.question for rule in rules}
    asked: dict[str, list[Finding]] = {}
    for finding in sorted(document.counted, key=lambda f: -f.severity):
        text = texts.get(finding.code, "")
        if text:
            asked.setdefault(text, []).append(finding)
    covered = {finding.component for findings in asked.values() for finding in findings}
    for component, disclosure in document.scorecard.disclosures.items():
        if component in REQUIRED and disclosure.status in OPEN and component not in covered:
            note = f" ({disclosure.note})" if disclosure.note else ""
            asked[f"Please disclose the {named(component)} in full{note}."] = []
    return tuple(Question(text=text, findings=tuple(findings)) for text, findings in asked.items())


def gate_reason(document: LintedDocument) -> tuple[str, str]:
    """Say why the document is or is not complete, and why it is or is not deployment grade."""
    by_status = {
        status: [named(c) for c, d in document.scorecard.disclosures.items() if c in REQUIRED and d.status is status]
        for status in OPEN
    }
    barred = [f"{status.value}: {', '.join(names)}" for status, names in by_status.items() if names]
    blocking = [line for line in barred if not line.startswith(Status.PARTIAL.value)]
    whole = f"none of the {len(REQUIRED)} required components is missing or contradicted"
    full = f"all {len(REQUIRED)} required components are disclosed in full"
    return "; ".join(blocking) or whole, "; ".join(barred) or full


def weakest_regime(document: LintedDocument) -> str:
    """Name the quantized regime whose score is the document's; empty if there is none."""
    quantized = {regime.name for regime in document.draft.regimes if regime.role == "quantized"}
    scored = [regime for regime in document.scorecard.regimes if regime.name in quantized]
    return min(scored, key=lambda regime: regime.score).name if scored else ""


def number(value: float) -> str:
    """Write at most one decimal, none where it would be zero."""
    return f"{value:.1f}".removesuffix(".0")


def ranked(documents: tuple[LintedDocument, ...]) -> tuple[tuple[int, LintedDocument], ...]:
    """Documents with their ranks, the best first: by grade, whose gates the score alone does not know, then by score.

    Equal grade and score share a rank.
    """
    ordered = sorted(documents, key=lambda d: (d.scorecard.grade, -d.scorecard.score, d.draft.source))
    found: list[tuple[int, LintedDocument]] = []
    for place, document in enumerate(ordered, 1):
        card, last = document.scorecard, found[-1] if found else None
        level = last is not None and (last[1].scorecard.grade, last[1].scorecard.score) == (card.grade, card.score)
        found.append((last[0] if last is not None and level else place, document))
    return tuple(found)


def has_ranking(run: LintRun) -> bool:
    """Whether a report ends in a ranking: several documents, and not only claims."""
    return len(run.documents) > 1 and any(document.draft.kind != "claim" for document in run.documents)


def worst_gap(document: LintedDocument) -> str:
    """The component that leaves most open: by status, the required before the others, then by the gravest finding."""
    gravest: dict[Component | None, int] = {}
    for finding in document.counted:
        gravest[finding.component] = max(gravest.get(finding.component, 0), finding.severity)
    gaps = [
        (OPEN.index(d.status), c not in REQUIRED, -gravest.get(c, 0), c, d.status)
        for c, d in document.scorecard.disclosures.items()
        if d.status in OPEN and c is not Component.PEAK_ONLY
    ]
    if not gaps:
        return "none"
    *_, component, status = min(gaps, key=lambda gap: gap[:3])
    return f"{named(component)} {status}"
