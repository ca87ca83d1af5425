"""Annotations on GitHub: workflow commands, one line for each finding."""

from __future__ import annotations

from lynxspec.errors import InvalidDocument
from lynxspec.lint.rule import Finding, Severity
from lynxspec.location import Location
from lynxspec.plain_text import visible
from lynxspec.reporters.reporter import Failure, LintRun, Reporter, View

COMMANDS = {Severity.INFO: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}


def render(run: LintRun, view: View) -> str:  # noqa: ARG001 - every reporter has the same signature
    """Annotate all findings that count, then what could not be read."""
    lines = [_annotation(finding) for document in run.documents for finding in document.counted]
    lines += [
        _command("notice", f.locations[0] if f.locations else None, f"{f.code} ignored", f"{f.message}\n{f.ignored}")
        for document in run.documents
        for f in document.ignored
    ]
    lines += [line for failure in run.failures for line in _failure(failure)]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    """Annotate one finding."""
    text = f"{finding.message}\n{finding.remedy}" if finding.remedy else finding.message
    place = finding.locations[0] if finding.locations else None
    return _command(COMMANDS[finding.severity], place, f"{finding.code} {finding.rule}", text)


def _failure(failure: Failure) -> list[str]:
    """Report an input without result; every violation of a schema stands at its own place."""
    if isinstance(failure.error, InvalidDocument) and failure.error.violations:
        return [
            _command(
                "error", v.location, "invalid claim", f"{v.message}\n{v.suggestion}" if v.suggestion else v.message
            )
            for v in failure.error.violations
        ]
    return [f"::error file={_property(failure.source)},title=no result::{_message(failure.error.message)}"]


def _command(command: str, place: Location | None, title: str, text: str) -> str:
    """``::error file=...,line=...::text``; columns mean something only within one line."""
    properties: list[tuple[str, str]] = []
    if place is not None:
        span = place.span
        properties.append(("file", place.source))
        if span.line is not None:
            properties += [("line", str(span.line)), ("endLine", str(span.end_line or span.line))]
            if span.column is not None and span.end_line in (None, span.line):
                properties += [("col", str(span.column)), ("endColumn", str(span.end_column or span.column))]
    properties.append(("title", title))
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{command} {listed}::{_message(text)}"


def _message(text: str) -> str:
    """Escape the text of a command as the runner's toolkit does."""
    return visible(text, newlines=True).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property as the runner's toolkit does."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")


REPORTER = Reporter(name="github", summary="annotations for a GitHub workflow", render=render)
