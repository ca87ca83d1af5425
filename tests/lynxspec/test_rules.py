"""Every rule of the registry: its record, its documentation, and the cases in ``tests/data/rules``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import pytest
from ruamel.yaml import YAML

from lynxspec.draft import Draft
from lynxspec.importers.importer import load
from lynxspec.lint.engine import documentation, lint, rules
from lynxspec.lint.ignores import ENGINE_RULES
from lynxspec.lint.rule import Finding, Severity
from lynxspec.lint.rules.need import rules_for
from lynxspec.location import format_path
from lynxspec.need import Need
from lynxspec.vocabulary import Component, Status

DATA = File(__file__).parents[1] / "data"
HEADINGS = ("What it checks", "Why it matters to a buyer", "Disclose instead", "References")
NEED = YAML(typ="safe").load((DATA / "complete.need.yaml").read_text())
CHECKED = [rule for rule in rules() if rule not in ENGINE_RULES]


@pytest.fixture(name="drafted")
def fixture_drafted(draft: Callable[..., Draft]) -> Callable[[dict[str, Any]], Draft]:
    """Make the draft that a case describes."""

    def drafted(case: dict[str, Any]) -> Draft:
        if "sheet" in case:
            return load(case["sheet"].encode(), source="case.md")
        whole = draft(*case.get("patch", ()))
        statuses = {Component(name): Status(value) for name, value in case.get("statuses", {}).items()}
        if not statuses:
            return whole
        regimes = tuple(
            replace(r, disclosures={c: replace(d, status=statuses.get(c, d.status)) for c, d in r.disclosures.items()})
            if r.role == "quantized"
            else r
            for r in whole.regimes
        )
        return replace(whole, kind="sheet", claim=None, regimes=regimes)

    return drafted


def _cases(kind: str) -> list[Any]:
    found = []
    for rule in CHECKED:
        file = DATA / "rules" / f"{rule.code}.yaml"
        for case in (YAML(typ="safe").load(file.read_text())[kind] or []) if file.exists() else []:
            found.append(pytest.param(rule.code, case, id=f"{rule.code}-{case['why']}"))  # noqa: PERF401 - two loops
    return found


def _linted(draft: Draft, case: dict[str, Any]) -> tuple[Finding, ...]:
    """Lint as the case says: with a need where it gives one."""
    if "need" not in case:
        return lint(draft)
    fed = {rule.code: rule for rule in rules_for(Need.model_validate_json(json.dumps(NEED | case["need"])))}
    return lint(draft, registry=tuple(fed.get(rule.code, rule) for rule in rules()))


def _serious(findings: tuple[Finding, ...]) -> set[str]:
    return {f.code for f in findings if f.severity >= Severity.WARNING}


def test_the_complete_claim_has_no_finding_at_warning_or_above(drafted: Any) -> None:
    assert [(f.code, f.message) for f in lint(drafted({})) if f.severity >= Severity.WARNING] == []


def test_codes_and_names_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in rules()]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in rules()}) == len(codes)
    assert all(re.fullmatch(r"LXS[1-8][0-9]{2}", code) for code in codes)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name) for rule in rules())


def test_there_are_at_least_45_rules_and_one_for_each_required_component() -> None:
    assert len(rules()) >= 45
    assert len([rule for rule in rules() if rule.code.startswith("LXS1")]) == 16


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_a_rule_documents_itself_under_the_fixed_headings(rule: Any) -> None:
    text = documentation(rule)
    parts = re.split(r"(?m)^## (.*)$", text)
    assert parts[0].strip()
    assert tuple(part.strip() for part in parts[1::2]) == HEADINGS
    assert all(len(part.split()) >= 2 for part in parts[2::2])
    assert rule.summary
    assert rule.remedy


@pytest.mark.parametrize("rule", CHECKED, ids=lambda rule: rule.code)
def test_a_rule_has_cases_that_fire_and_cases_that_do_not(rule: Any) -> None:
    cases = YAML(typ="safe").load((DATA / "rules" / f"{rule.code}.yaml").read_text())
    assert cases["fires"]
    assert cases["silent"]


def test_every_file_of_cases_belongs_to_a_rule() -> None:
    assert {file.stem for file in (DATA / "rules").glob("*.yaml")} <= {rule.code for rule in CHECKED}


@pytest.mark.parametrize(("code", "case"), _cases("fires"))
def test_a_rule_fires_on_its_case_and_no_other_does(code: str, case: dict[str, Any], drafted: Any) -> None:
    findings = _linted(drafted(case), case)
    own = [f for f in findings if f.code == code]
    assert own, f"only {[(f.code, f.message) for f in findings]}"
    if "at" in case:
        assert case["at"] in [format_path(f.locations[0].path) for f in own]
    if "severity" in case:
        assert case["severity"] in [f.severity.name.lower() for f in own]
    if "sheet" not in case:  # a short text discloses little, and the rules about that all fire
        assert _serious(findings) - {code} == set(case.get("also", ()))


@pytest.mark.parametrize(("code", "case"), _cases("silent"))
def test_a_rule_is_silent_on_its_case(code: str, case: dict[str, Any], drafted: Any) -> None:
    findings = _linted(drafted(case), case)
    assert [f.message for f in findings if f.code == code] == []
    if "also" in case:
        assert _serious(findings) == set(case["also"])


def test_no_rule_needs_the_typed_claim(drafted: Any) -> None:
    draft = replace(drafted({}), claim=None, kind="sheet")
    assert _serious(lint(draft)) == set()
