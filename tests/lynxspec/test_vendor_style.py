"""Whole texts in the style of vendors: each component is graded, and each number found, as its reader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lynxspec.draft import Draft
from lynxspec.importers.importer import load
from lynxspec.vocabulary import Component, Status

CASES: list[dict[str, Any]] = YAML(typ="safe").load(Path(__file__).parent.parent / "data" / "vendor_style.yaml")
GRADES = ("disclosed", "partial", "contradicted")

by_name = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def read(case: dict[str, Any]) -> Draft:
    return load(case["text"].encode(), source=f"sheet.{case.get('format', 'md')}")


def said(draft: Draft, component: Component) -> str:
    """The grade that a report gives: a contradiction goes before what either place says."""
    if any(conflict.component is component for conflict in draft.conflicts):
        return Status.CONTRADICTED.value
    status = draft.overview[component].status
    return Status.MISSING.value if status is Status.NOT_APPLICABLE else status.value


def wanted(case: dict[str, Any]) -> dict[str, str]:
    told = {name: grade for grade in GRADES for name in case.get(grade, ())}
    judged = {c.value for c in Component} - set(case.get("open", ()))
    known: dict[str, str] = case.get("read_wrong", {})
    return {name: told.get(name, "missing") for name in judged} | known


@by_name
def test_a_text_in_a_vendors_style_is_graded_as_its_reader_grades_it(case: dict[str, Any]) -> None:
    draft = read(case)
    expected = wanted(case)
    assert {name: said(draft, Component(name)) for name in expected} == expected


@by_name
def test_its_numbers_are_those_that_its_reader_finds(case: dict[str, Any]) -> None:
    draft = read(case)
    expected = case.get("numbers", {}) | case.get("numbers_read_wrong", {})
    found = {
        name: sorted(
            {v.low for r in draft.regimes for v in r.values if v.component.value == name and v.low is not None}
        )
        for name in expected
    }
    assert found == expected


def test_no_component_is_named_twice_in_a_text() -> None:
    for case in CASES:
        names = [name for grade in (*GRADES, "open") for name in case.get(grade, ())]
        assert len(names) == len(set(names)), case["name"]
