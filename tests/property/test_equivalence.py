"""pydantic and two JSON Schema dialects accept and refuse the same documents."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from pydantic import ValidationError

from lynxspec.document import read
from lynxspec.errors import HostileInput, InvalidDocument
from lynxspec.schema import PUBLISHED, Published, draft_07, generate
from lynxspec.validation import validate

_HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("mutants", _HERE / "mutants.py")
assert _SPEC is not None
assert _SPEC.loader is not None
mutants = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mutants)

CLAIM = read(_HERE.parent / "data" / "complete.claim.yaml").data
CLAIM_SCHEMA, RECIPE_SCHEMA, *_, REPORT_SCHEMA = PUBLISHED


def recipe() -> Any:
    data = json.loads(json.dumps(CLAIM))
    del data["hardware"], data["comparisons"]
    data["kind"] = "recipe"
    for regime in data["regimes"]:
        for key in ("artifact", "peak_memory", "accuracy", "performance"):
            del regime[key]
    return data


RECIPE = recipe()


@cache
def validators(published: Published) -> tuple[Draft202012Validator, Draft7Validator]:
    return Draft202012Validator(generate(published)), Draft7Validator(draft_07(published))


def answers(published: Published, data: Any) -> tuple[bool, bool, bool]:
    try:
        published.model.model_validate_json(json.dumps(data))
        accepted = True
    except ValidationError:
        accepted = False
    new, old = validators(published)
    return accepted, new.is_valid(data), old.is_valid(data)


def assert_agreement(published: Published, data: Any, why: object) -> None:
    found = answers(published, data)
    assert len(set(found)) == 1, f"pydantic, 2020-12, draft-07 say {found}: {why}"


def all_mutants(data: Any) -> list[tuple[tuple[str | int, ...], Any]]:
    return [(path, value) for path in mutants.paths(data) for value in mutants.values_at(data, path)]


def test_the_unmutated_documents_are_accepted_by_all() -> None:
    assert answers(CLAIM_SCHEMA, CLAIM) == (True, True, True)
    assert answers(RECIPE_SCHEMA, RECIPE) == (True, True, True)
    assert answers(RECIPE_SCHEMA, CLAIM) == (False, False, False)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(all_mutants(CLAIM)))
def test_all_agree_on_mutants_of_a_claim(mutation: tuple[tuple[str | int, ...], Any]) -> None:
    path, value = mutation
    assert_agreement(CLAIM_SCHEMA, mutants.mutant(CLAIM, path, value), mutation)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(all_mutants(RECIPE)))
def test_all_agree_on_mutants_of_a_recipe(mutation: tuple[tuple[str | int, ...], Any]) -> None:
    path, value = mutation
    assert_agreement(RECIPE_SCHEMA, mutants.mutant(RECIPE, path, value), mutation)


CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]), st.sampled_from("\x00\t\n\r\x1c\x85\xa0\u200b\u2003\u2028\ufeff")
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(CHARACTERS, max_size=4), st.sampled_from(["title", "id", "date"]))
def test_all_agree_on_any_text(text: str, key: str) -> None:
    assert_agreement(CLAIM_SCHEMA, mutants.mutant(CLAIM, ("identity", key), text), text)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70)),
    st.sampled_from([("load", "batch"), ("regimes", 1, "accuracy", 0, "value"), ("reproduction", "seed")]),
)
def test_all_agree_on_any_number(number: float, path: tuple[str | int, ...]) -> None:
    assert_agreement(CLAIM_SCHEMA, mutants.mutant(CLAIM, path, number), number)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from([m for m in all_mutants(CLAIM) if m[1] is not mutants.EXTRA and "kind" not in m[0][:1]]))
def test_every_refusal_is_placed_at_the_mutation_or_around_it(mutation: tuple[tuple[str | int, ...], Any]) -> None:
    path, value = mutation
    text = json.dumps(mutants.mutant(CLAIM, path, value), indent=1)
    try:
        validate(read(text.encode(), source="x.json"))
    except HostileInput:
        return  # numbers that few readers keep exactly are refused before any model sees them
    except InvalidDocument as error:
        for violation in error.violations:
            found = violation.location.path
            assert found[: len(path)] == path or path[: len(found)] == found or found[:-1] == path[:-1]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_agree_on_every_mutant_of_a_claim(part: int) -> None:
    for path, value in all_mutants(CLAIM)[part::8]:
        assert_agreement(CLAIM_SCHEMA, mutants.mutant(CLAIM, path, value), (path, value))
