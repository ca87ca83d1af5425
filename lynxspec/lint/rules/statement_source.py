"""The claim does not carry the words as published, or not where they were.

## What it checks
Whether the statement and its source are unknown.

## Why it matters to a buyer
A claim that nobody published binds nobody; the words you were sold should be the words that are checked.

## Disclose instead
Quote the statement word for word, with title, address, digest and page of the document.

## References
ISO 690, on what identifies a source.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Unknown, present
from lynxspec.draft import Draft
from lynxspec.lint.rule import Hit, Rule, Severity


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    answer = draft.claim.identity.statement
    statement = present(answer)
    if isinstance(answer, Unknown):
        yield Hit(message="the published statement is unknown", at=(("identity", "statement"),))
    elif statement is not None and isinstance(statement.source, Unknown):
        yield Hit(message="the source of the statement is unknown", at=(("identity", "statement", "source"),))


RULE = Rule(
    code="LXS222",
    name="statement-unsourced",
    severity=Severity.INFO,
    component=None,
    summary="The published statement or its source is unknown.",
    remedy="Quote the statement and name its source.",
    question="Where was this published, and in which words?",
    check=_check,
)
