"""A draft linted on behalf of a buyer whose need is known, or of nobody in particular."""

from __future__ import annotations

from lynxspec.document import read as read_document
from lynxspec.draft import Draft
from lynxspec.lint.engine import lint, rules
from lynxspec.lint.ignores import Profile
from lynxspec.lint.need import sentence
from lynxspec.lint.rules.need import rules_for
from lynxspec.need import Need
from lynxspec.reporters.reporter import LintedDocument
from lynxspec.scoring import score
from lynxspec.validation import validate_as


def read_need(path: str) -> Need:
    """Read a need from its file; raises `InvalidDocument` with every place that is wrong."""
    return validate_as(read_document(path), Need)


def linted(draft: Draft, *, profile: Profile, need: Need | None) -> LintedDocument:
    """Run every rule, and score; with a need, the rules about it are fed, and say what the draft is worth."""
    fed = {rule.code: rule for rule in rules_for(need)} if need is not None else {}
    findings = lint(draft, profile=profile, registry=tuple(fed.get(rule.code, rule) for rule in rules()))
    worth = sentence(draft, need) if need is not None else ""
    return LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings), worth=worth)
