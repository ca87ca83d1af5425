"""The model of draft files: it has the claim's shape, and its schemas accept and refuse what it does."""

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

from lynxspec.claim import Claim
from lynxspec.document import read
from lynxspec.draft_file import DraftFile
from lynxspec.drafting.writer import draft_text
from lynxspec.errors import UnreadableInput
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.schema import PUBLISHED, draft_07, field_docs, generate
from lynxspec.scoring import score

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("mutants", ROOT / "tests" / "property" / "mutants.py")
assert _SPEC is not None
assert _SPEC.loader is not None
mutants = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mutants)

(PUBLISHED_DRAFT,) = [p for p in PUBLISHED if p.name == "draft"]
CARD = b"""\
# Nordlicht-8B in INT8

We quantized weights and activations of Nordlicht-8B to INT8, weights per channel, activations per token.
Calibration used 512 samples of UltraChat. It is 1.9x faster than BF16.

| Benchmark | BF16 | INT8 |
|---|---|---|
| MMLU | 68.3 | 68.1 |
"""
DRAFT = read(draft_text(load(CARD, source="n.md")).encode(), source="x.draft.yaml").data
WHOLE = read(ROOT / "tests" / "data" / "complete.claim.yaml").data | {
    "kind": "draft",
    "read_from": [{"file": "n.md", "format": "markdown"}],
}


@cache
def validators() -> tuple[Draft202012Validator, Draft7Validator]:
    return Draft202012Validator(generate(PUBLISHED_DRAFT)), Draft7Validator(draft_07(PUBLISHED_DRAFT))


def answers(data: Any) -> tuple[bool, bool, bool]:
    try:
        DraftFile.model_validate_json(json.dumps(data))
        accepted = True
    except ValidationError:
        accepted = False
    new, old = validators()
    return accepted, new.is_valid(data), old.is_valid(data)


def all_mutants(data: Any) -> list[tuple[tuple[str | int, ...], Any]]:
    return [(path, value) for path in mutants.paths(data) for value in mutants.values_at(data, path)]


@pytest.mark.parametrize("data", [DRAFT, WHOLE], ids=["with holes", "finished"])
def test_a_draft_fits_model_and_schemas(data: Any) -> None:
    assert answers(data) == (True, True, True)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from([(DRAFT, m) for m in all_mutants(DRAFT)] + [(WHOLE, m) for m in all_mutants(WHOLE)]))
def test_model_and_schemas_agree_on_mutants(case: tuple[Any, tuple[tuple[str | int, ...], Any]]) -> None:
    data, (path, value) = case
    assert len(set(answers(mutants.mutant(data, path, value)))) == 1, (path, value)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(all_mutants(DRAFT)))
def test_whatever_the_model_accepts_can_be_linted(mutation: tuple[tuple[str | int, ...], Any]) -> None:
    data = mutants.mutant(DRAFT, *mutation)
    try:
        draft = load(json.dumps(data).encode(), source="x.draft.json")
    except UnreadableInput:
        return
    assert score(draft, lint(draft)).score >= 0


SOURCE = {"from": "words", "at": "n.md:1:1", "confidence": "likely"}


@pytest.mark.parametrize(
    ("path", "node", "fits"),
    [
        (("model", "name"), {"ask": "Which?"}, True),
        (("model",), {"ask": "Which?"}, True),
        (("model", "name"), {"value": "Nordlicht", **SOURCE}, True),
        (("model", "name"), {"value": {"ask": "Which?"}, **SOURCE}, False),
        (("model", "name"), {"ask": "Which?", "said": [{"from": "a", "at": "b"}]}, True),
        (("model", "name"), {"ask": "Which?", "said": ["a"]}, False),
        (("model", "name"), {"ask": ""}, False),
        (("model", "name"), {"value": "Nordlicht", "from": "words"}, False),
        (("load", "batch"), {"value": 0, **SOURCE}, False),
        (("load", "window"), {"value": "600", **SOURCE}, False),
        (("load", "window"), {"value": "600 s", **SOURCE}, True),
        (("regimes", 1, "precision", "weights", "format"), {"ask": "Which?"}, False),
        (("regimes", 1, "precision", "weights", "symmetry"), {"ask": "Which?"}, True),
        (("regimes", 1, "quantization", "parameters"), {"ask": "which option?"}, True),
        (("regimes", 1, "quantization", "parameters"), {"from": 1}, False),
        (("regimes", 1, "name"), {"ask": "Which?"}, False),
        (("regimes", 1, "calibration", "method", "kind"), {"ask": "Which?"}, False),
        (("model", "revision"), {"value": {"unknown": "not told"}, **SOURCE}, True),
        (("kind",), "claim", False),
        (("overview",), {"hardware": {"status": "disclosed"}}, True),
        (("overview",), {"hardwear": {"status": "disclosed"}}, False),
    ],
)
def test_a_place_holds_a_value_a_source_or_a_question(path: tuple[str | int, ...], node: Any, fits: bool) -> None:
    data = json.loads(json.dumps(WHOLE))
    at = data
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = node
    assert answers(data) == (fits, fits, fits)


def test_a_draft_has_every_field_of_a_claim_with_its_documentation() -> None:
    assert set(Claim.model_fields) <= set(DraftFile.model_fields)
    schema = generate(PUBLISHED_DRAFT)
    for name in ("Identity", "Hardware", "Precision", "Evaluation", "CalibrationData"):
        entry = schema["$defs"][name]["properties"]
        assert entry
        assert all(field["description"] for field in entry.values())
    assert (
        schema["$defs"]["Hardware"]["properties"]["product"]["description"]
        == field_docs(
            Claim.model_fields["hardware"].annotation  # type: ignore[arg-type]  # a model class
        )["product"]
    )
