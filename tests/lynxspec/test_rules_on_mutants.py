"""Every claim that the schema accepts can be linted: no rule raises, however odd the values."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from lynxspec.claim import Claim
from lynxspec.disclosure import draft_of
from lynxspec.draft import Places
from lynxspec.lint.engine import lint

ABSURD: tuple[Any, ...] = (
    0,
    1,
    -1,
    10**15,
    0.5,
    1e300,
    "zzz",
    "fp8",
    "0 s",
    "0 images/s",
    "1e15 B",
    "0 %",
    "0 x",
    True,
    [],
)
ABSENT: tuple[Any, ...] = ({"unknown": "lost"}, {"not_applicable": "no"}, {"none_needed": "no"})
WORDS = (
    *(
        "transformer_decoder",
        "recurrent",
        "reference",
        "quantized",
        "fp32",
        "int4",
        "ggml_q4_k",
        "nvfp4",
        "mxfp4",
        "bf16",
    ),
    *("dynamic", "weight_only", "qat", "gptq", "per_token", "tokens", "server", "gpu", "other", "H100", "Jetson Orin"),
    *(
        "fp8_e4m3fn",
        "asymmetric",
        "spearman",
        "lower",
        "latest",
        "estimated",
        "theoretical",
        "tensorrt",
        "11.0",
        "single_stream",
    ),
)


def _paths(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, child in children for found in _paths(child, (*path, key)))]


def _mutant(document: Any, draw: random.Random) -> Any:
    """A copy with one place replaced by an odd value, an absence, or another part of the document, or removed."""
    mutant = copy.deepcopy(document)
    paths = _paths(mutant)
    path = draw.choice(paths[1:])
    at = mutant
    for part in path[:-1]:
        at = at[part]
    kind = draw.random()
    if kind < 0.1 and isinstance(at, list):
        del at[path[-1]]
    elif kind < 0.5:
        at[path[-1]] = draw.choice(WORDS if draw.random() < 0.7 else ABSURD)
    elif kind < 0.8:
        at[path[-1]] = copy.deepcopy(draw.choice(ABSENT))
    else:
        donor = [other for other in paths[1:] if other[-1] == path[-1]]
        value = mutant
        for part in draw.choice(donor):
            value = value[part]
        at[path[-1]] = copy.deepcopy(value)
    return mutant


@pytest.mark.parametrize("seed", range(8))
def test_no_rule_raises_on_a_claim_that_the_schema_accepts(seed: int, complete: Any) -> None:
    draw, linted, document = random.Random(seed), 0, complete
    for _ in range(600):
        mutant = _mutant(document, draw)
        try:
            claim = Claim.model_validate_json(json.dumps(mutant))
        except ValidationError:
            continue
        lint(draft_of(claim, source="mutant", places=Places(source="mutant")))
        linted += 1
        document = complete if draw.random() < 0.1 else mutant  # mutations pile up
    assert linted > 60


@pytest.fixture(scope="module", name="complete")
def fixture_complete(pytestconfig: pytest.Config) -> Any:
    """The complete claim as a document."""
    return YAML(typ="safe").load((pytestconfig.rootpath / "tests/data/complete.claim.yaml").read_text())
