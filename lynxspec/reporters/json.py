"""The lint report as data, ``lynxspec-lint/1``: what `lynxspec.report` describes and its schema fixes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lynxspec.draft import Conflict, Disclosure, DraftRegime, Quote, Value
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
        "conflicts": [_conflict(conflict) for conflict in draft.conflicts],
        "claims": _claims(name, document),
    }


def _claims(name: str, document: LintedDocument) -> list[Json]:
    """A claim file is one claim; a sheet holds one for each model, hardware and batch that it gives numbers of."""
    scored = list(zip(document.scorecard.regimes, document.draft.regimes, strict=True))
    names = dict.fromkeys(regime.claim for _, regime in scored)
    return [
        {
            "name": claim or name,
            "regimes": [_regime(score, regime, document) for score, regime in scored if regime.claim == claim],
        }
        for claim in names or [""]
    ]


def _conflict(conflict: Conflict) -> Json:
    return {
        "component": conflict.component.value,
        "message": conflict.message,
        "regime": conflict.regime,
        "places": [_quote(quote) for quote in conflict.places],
    }


def _value(value: Value) -> Json:
    return {
        "component": value.component.value,
        "low": value.low,
        "high": value.high,
        "unit": value.unit,
        "strength": value.strength.value,
        "role": value.role,
        "model": value.model,
        "precision": value.precision,
        "against": value.against,
        "hardware": value.hardware,
        "batch": value.batch,
        "metric": value.metric,
        "dataset": value.dataset,
        "evidence": _quote(value.evidence),
    }


def _regime(regime: RegimeScore, read: DraftRegime, document: LintedDocument) -> Json:
    return {
        "name": regime.name,
        "values": [_value(value) for value in read.values],
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
