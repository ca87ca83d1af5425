"""A draft linted on behalf of a buyer whose need is known, or of nobody in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lynxspec.draft import Draft
from lynxspec.lint.engine import lint, rules
from lynxspec.lint.ignores import Profile
from lynxspec.reporters.reporter import LintedDocument
from lynxspec.scoring import score

if TYPE_CHECKING:
    from lynxspec.need import Need


def read_need(path: str) -> Need:
    """Read a need from its file; raises `InvalidDocument` with every place that is wrong."""
    from lynxspec.document import read  # noqa: PLC0415 - only a buyer with a need waits for this
    from lynxspec.need import Need  # noqa: PLC0415 - as above
    from lynxspec.validation import validate_as  # noqa: PLC0415 - as above

    return validate_as(read(path), Need)


def linted(draft: Draft, *, profile: Profile, need: Need | None) -> LintedDocument:
    """Run every rule, and score; with a need, the rules about it are fed, and say what the draft is worth."""
    if need is None:
        findings = lint(draft, profile=profile)
        return LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings))
    from lynxspec.lint.need import sentence  # noqa: PLC0415 - as above
    from lynxspec.lint.rules.need import rules_for  # noqa: PLC0415 - as above

    fed = {rule.code: rule for rule in rules_for(need)}
    findings = lint(draft, profile=profile, registry=tuple(fed.get(rule.code, rule) for rule in rules()))
    worth = sentence(draft, need)
    return LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings), worth=worth)
