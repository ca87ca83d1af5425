"""SARIF 2.1.0 (OASIS standard, errata 01): the static analysis results interchange format.

Severities become levels (3.27.10), honoured ignores become suppressions in the source (3.35), what gave no result
becomes a notification of the invocation (3.20.21), so that a reader never takes an unread file for a clean one.
"""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from lynxspec.errors import InvalidDocument
from lynxspec.lint.engine import documentation
from lynxspec.lint.rule import Finding, Rule, Severity
from lynxspec.location import Location, Span, format_path
from lynxspec.reporters.reporter import Failure, LintedDocument, LintRun, Reporter, View

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
NO_RESULT = "no-result"
"""Identifier of the notification about an input without result."""

Json = dict[str, Any]


def render(run: LintRun, view: View) -> str:  # noqa: ARG001 - every reporter has the same signature
    """Write one run with all results."""
    index = {rule.code: position for position, rule in enumerate(run.rules)}
    notifications = [notice for failure in run.failures for notice in _notices(failure)]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(run)},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": not run.failures, "toolExecutionNotifications": notifications}],
                "results": [_result(f, index) for document in run.documents for f in document.findings],
                "properties": {"profile": run.profile, "documents": [_score(document) for document in run.documents]},
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _driver(run: LintRun) -> Json:
    """Describe the tool and its rules."""
    text = "An input that could not be read, or on which a rule could not run; it is not clean."
    return {
        "name": "lynxspec",
        "version": version("lynxspec"),
        "rules": [_rule(rule) for rule in run.rules],
        "notifications": [{"id": NO_RESULT, "shortDescription": {"text": text}}],
    }


def _rule(rule: Rule) -> Json:
    """Describe a rule with the documentation that ``lynxspec explain`` prints."""
    page = documentation(rule).strip()
    entry: Json = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} {rule.remedy}".strip()},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.component.value] if rule.component is not None else [], "since": rule.since},
    }
    if page:
        entry["help"] = {"text": page, "markdown": page}
    return entry


def _result(finding: Finding, index: dict[str, int]) -> Json:
    """Write a finding; places beyond the main one are related: mending one of them may be enough (3.27.12)."""
    result: Json = {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "kind": "fail",
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.message} {finding.remedy}".strip()},
        "locations": [_location(location) for location in finding.locations[:1]],
        "relatedLocations": [
            {"id": number, **_location(location)} for number, location in enumerate(finding.locations[1:], 1)
        ],
        "partialFingerprints": {"lynxspec/v1": _fingerprint(finding)},
        "properties": {
            "confidence": finding.confidence.value,
            "component": finding.component.value if finding.component is not None else None,
            "regime": finding.regime,
        },
        "suppressions": [],
    }
    if finding.ignored is not None:
        result["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": finding.ignored}]
    return result


def _location(location: Location) -> Json:
    """Say where: the file, the region in it, and the path in the document."""
    physical: Json = {"artifactLocation": {"uri": _uri(location.source)}}
    region = _region(location.span)
    if region:
        physical["region"] = region
    place: Json = {"physicalLocation": physical}
    if location.path:
        name = str(location.path[-1])
        place["logicalLocations"] = [{"name": name, "fullyQualifiedName": format_path(location.path), "kind": "value"}]
    return place


def _region(span: Span) -> Json:
    """Translate a span: ours ends on the last character, SARIF's end column is the one behind it (3.30.8)."""
    if span.line is None:
        return {}
    region = {"startLine": span.line}
    if span.column is not None:
        region["startColumn"] = span.column
    if span.end_line is not None:
        region["endLine"] = span.end_line
        if span.end_column is not None:
            region["endColumn"] = span.end_column + 1
    return region


def _uri(source: str) -> str:
    """Write a path as a URI reference: relative where the path is, with forward slashes, percent-encoded."""
    path = source.replace("\\", "/")
    return ("file://" if path.startswith("/") else "") + quote(path, safe="/-._~")


def _fingerprint(finding: Finding) -> str:
    """Recognize the same finding in the next revision of a file: rule, regime and document path, but no line."""
    paths = "|".join(format_path(location.path) for location in finding.locations)
    return sha256(f"{finding.code}|{finding.regime}|{paths}".encode()).hexdigest()


def _notices(failure: Failure) -> list[Json]:
    """Report an input without result; every violation of a schema stands at its own place."""
    descriptor = {"id": NO_RESULT, "index": 0}
    if isinstance(failure.error, InvalidDocument) and failure.error.violations:
        return [
            {
                "descriptor": descriptor,
                "level": "error",
                "message": {"text": f"{v.message}; {v.suggestion}" if v.suggestion else v.message},
                "locations": [_location(v.location)],
            }
            for v in failure.error.violations
        ]
    where = {"physicalLocation": {"artifactLocation": {"uri": _uri(failure.source)}}}
    message = {"text": failure.error.message}
    return [{"descriptor": descriptor, "level": "error", "message": message, "locations": [where]}]


def _score(document: LintedDocument) -> Json:
    """Keep what SARIF has no word for."""
    card = document.scorecard
    return {
        "path": document.draft.source,
        "grade": card.grade,
        "score": round(card.score, 2),
        "points": card.points,
        "denominator": card.denominator,
        "scoreModel": card.model,
        "complete": card.complete,
        "deploymentGrade": card.deployment_grade,
    }


REPORTER = Reporter(name="sarif", summary="SARIF 2.1.0 for code scanning", render=render)
