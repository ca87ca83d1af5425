"""The lint report as data, ``lynxspec-lint/1``: what `lynxspec.report` describes and its schema fixes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lynxspec.draft import Disclosure, Quote
from lynxspec.lint.rule import Finding
from lynxspec.location import Location, format_path
from lynxspec.reporters.reporter import LABELS, LintedDocument, LintRun, Reporter, View
from lynxspec.scoring import RegimeScore
from lynxspec.vocabulary import Component

FORMAT = "lynxspec-lint/1"

Json = dict[str, Any]


def render(run: LintRun, view: View) -> str:  # noqa: ARG001 - every reporter has the same signature
    """Write all documents; what could not be read is no document and stands on standard error."""
    report = {
        "format": FORMAT,
        "profile": run.profile,
        "documents": [_document(document) for document in run.documents],
    }
    return json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _document(document: LintedDocument) -> Json:
    card, draft = document.scorecard, document.draft
    name = draft.claim.identity.id if draft.claim is not None else draft.source
    return {
        "path": draft.source,
        "kind": draft.kind,
        "score_model": card.model,
        "score": round(card.score, 2),
        "points": card.points,
        "denominator": card.denominator,
        "grade": card.grade,
        "complete": card.complete,
        "deployment_grade": card.deployment_grade,
        "disclosures": _disclosures(card.disclosures),
        "findings": _findings(document.findings),
        "claims": [{"name": name, "regimes": [_regime(regime, document) for regime in card.regimes]}],
    }


def _regime(regime: RegimeScore, document: LintedDocument) -> Json:
    return {
        "name": regime.name,
        "score": round(regime.score, 2),
        "points": regime.points,
        "denominator": regime.denominator,
        "disclosures": _disclosures(regime.disclosures),
        "findings": _findings(f for f in document.findings if f.regime == regime.name),
    }


def _disclosures(disclosures: Mapping[Component, Disclosure]) -> Json:
    return {
        component.value: {
            "status": disclosure.status.value,
            "value": disclosure.value,
            "note": disclosure.note,
            "evidence": [_quote(quote) for quote in disclosure.evidence],
        }
        for component, disclosure in disclosures.items()
    }


def _quote(quote: Quote) -> Json:
    span = quote.span
    return {
        "text": quote.text,
        "line": span.line,
        "column": span.column,
        "page": span.page,
        "bbox": list(span.bbox) if span.bbox else None,
    }


def _findings(findings: Iterable[Finding]) -> list[Json]:
    return [
        {
            "rule": finding.code,
            "name": finding.rule,
            "severity": LABELS[finding.severity],
            "confidence": finding.confidence.value,
            "message": finding.message,
            "remedy": finding.remedy,
            "component": finding.component.value if finding.component is not None else None,
            "regime": finding.regime,
            "ignored": finding.ignored,
            "locations": [_location(location) for location in finding.locations],
        }
        for finding in findings
    ]


def _location(location: Location) -> Json:
    span = location.span
    return {
        "path": format_path(location.path),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "page": span.page,
        "bbox": list(span.bbox) if span.bbox else None,
    }


REPORTER = Reporter(name="json", summary="lynxspec-lint/1, for programs", render=render)
