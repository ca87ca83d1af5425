"""The engine: finds the rules, runs all of them over a draft, and turns hits into findings with places.

========  =====================================================================
Codes     Group
========  =====================================================================
LXS1xx    a required disclosure component is missing or partial
LXS2xx    other components, and what the statement, the criterion and the numbers say
LXS3xx    consistency: parts of the claim contradict each other
LXS4xx    demands of the model family
LXS5xx    hardware and physical plausibility
LXS6xx    tool chains, by version
LXS7xx    the format: ignores, placeholders
LXS8xx    a buyer's need: silent without one
========  =====================================================================

A rule that raises is our defect (`RuleFailed`, exit 4): a check that could not run is never a pass.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from lynxspec.draft import Draft
from lynxspec.errors import InternalError, RuleFailed, UsageError
from lynxspec.lint import rules as folder
from lynxspec.lint.ignores import ENGINE_RULES, Profile, settle
from lynxspec.lint.rule import Finding, Hit, Rule

_LAST = 1 << 30
"""Findings without a line come after those with one."""


@cache
def _registry() -> dict[str, tuple[Rule, str]]:
    """Every rule with the name of its module, by code."""
    found: dict[str, tuple[Rule, str]] = {rule.code: (rule, "") for rule in ENGINE_RULES}
    for name in sorted(m.name for m in iter_modules(folder.__path__, folder.__name__ + ".")):
        content = vars(import_module(name))
        own: tuple[Rule, ...] = (content["RULE"],) if "RULE" in content else content.get("RULES", ())
        if not own:
            raise InternalError(f"{name} exports neither RULE nor RULES", hint="end the file with its frozen record")
        for rule in own:
            if rule.code in found:
                raise InternalError(f"{rule.code} stands in {name} and in {found[rule.code][1]}")
            found[rule.code] = (rule, name)
    return dict(sorted(found.items()))


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, by code."""
    return tuple(rule for rule, _ in _registry().values())


def rule_named(name: str) -> Rule:
    """Find a rule by its code or its name."""
    for rule in rules():
        if name.upper() == rule.code or name.lower() == rule.name:
            return rule
    near = get_close_matches(name.lower(), [r.name for r in rules()] + [r.code.lower() for r in rules()], n=1)
    hint = f"did you mean {near[0].upper() if near[0].startswith('lxs') else near[0]}?" if near else None
    raise UsageError(f"no rule is called {name!r}", hint=hint or "`lynxspec explain --list` lists all rules")


def documentation(rule: Rule) -> str:
    """Find the documentation of a rule: its record's, or the docstring of its file."""
    if rule.documentation:
        return rule.documentation
    return sys.modules[_registry()[rule.code][1]].__doc__ or ""


def lint(draft: Draft, *, profile: Profile = "buyer", registry: tuple[Rule, ...] | None = None) -> tuple[Finding, ...]:
    """Run every rule of ``registry`` (all by default); findings stand in the order of the file.

    Findings that the vendor's profile ignores are among them, marked with the reason.
    """
    chosen = rules() if registry is None else registry
    findings = tuple([_finding(rule, hit, draft) for rule, hit in _hits(chosen, draft)])
    return tuple(sorted(settle(draft, findings, profile, rules()), key=_order))


def _hits(chosen: tuple[Rule, ...], draft: Draft) -> list[tuple[Rule, Hit]]:
    """What every rule finds; most find nothing, and a rule that breaks is named."""
    found: list[tuple[Rule, Hit]] = []
    for rule in chosen:
        try:
            for hit in rule.check(draft):
                found.append((rule, hit))  # noqa: PERF401 - most rules find nothing, and a list for each is dear
        except Exception as error:
            message = f"rule {rule.code} ({rule.name}) failed on {draft.source}: {type(error).__name__}: {error}"
            raise RuleFailed(message, hint="this is a defect of ours; please report it with the file") from error
    return found


def _finding(rule: Rule, hit: Hit, draft: Draft) -> Finding:
    return Finding(
        code=rule.code,
        rule=rule.name,
        severity=rule.severity if hit.severity is None else hit.severity,
        confidence=hit.confidence,
        message=hit.message,
        remedy=rule.remedy,
        component=rule.component if hit.component is None else hit.component,
        locations=tuple(draft.places.at(path) for path in hit.at),
        regime=hit.regime,
        effect=hit.effect,
    )


def _order(finding: Finding) -> tuple[int, int, int, str, str, str]:
    span = finding.locations[0].span if finding.locations else None
    page = (span.page if span else None) or 0
    line = (span.line if span else None) or _LAST
    column = (span.column if span else None) or _LAST
    return page, line, column, finding.code, finding.regime or "", finding.message
