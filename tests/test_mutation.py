"""Whatever is wrong with one leaf of a complete claim is noticed at that leaf.

Each leaf of each complete claim is deleted, blanked, and replaced by absurd values. A mutant is caught if the reader
refuses it, or if a new finding stands at the mutated leaf. Survivors are listed in ``tests/data/mutants.yaml`` with the
reason for each; there may be no others, and they may be no more than 5 % of all.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lynxspec.errors import LynxSpecError
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.lint.rule import Severity
from lynxspec.location import format_path

ROOT = Path(__file__).parent.parent
BUSY = {
    "g2p-gru/torch-ao-int8.claim.yaml": {"LXS204", "LXS240", "LXS242", "LXS245", "LXS356"},
    "g2p-gru/torchao-int8.claim.yaml": {"LXS204", "LXS240", "LXS242", "LXS245"},
    "minilm-vendor-int8/int8.claim.yaml": {"LXS204", "LXS240", "LXS242", "LXS245"},
    "mobilenetv2-mnist/int8-web.claim.yaml": {"LXS204", "LXS240", "LXS242", "LXS245"},
    "mobilenetv2-mnist/int8-litert.claim.yaml": {"LXS240", "LXS242", "LXS333", "LXS356"},
    "mobilenetv2-mnist/openvino-no-hint.claim.yaml": {"LXS240", "LXS242", "LXS308", "LXS356", "LXS605"},
    "mobilenetv2-mnist/openvino.claim.yaml": {"LXS240", "LXS242", "LXS356"},
    "mobilenetv2-mnist/runtimes.claim.yaml": {"LXS240", "LXS242", "LXS356"},
}
"""Claims about other runtimes that were measured on a busy machine: the linter finds their rates drifting, scattered
and beyond their budgets, and it is right."""
EXAMPLES = sorted((ROOT / "examples").glob("*/*.claim.yaml"))
CLAIMS = [
    ROOT / "tests/data/complete.claim.yaml",
    *(path for path in EXAMPLES if f"{path.parent.name}/{path.name}" not in BUSY),
]
DELETED = object()
KNOWN_WARNINGS = {
    "minilm-reviews/int8-sustained.claim.yaml": {"LXS240"},
}
"""Measured on a shared host whose clock rises now and then: their block rates scatter, and the linter says so."""
Path_ = tuple[str | int, ...]


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, (*path, key))
    elif isinstance(value, list) and value:
        for index, entry in enumerate(value):
            yield from leaves(entry, (*path, index))
    else:
        yield path, value


def absurd(value: Any) -> list[Any]:
    """Values of the right type that no honest claim has at that place."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [-1, 10**15]
    text = str(value)
    quantity = re.fullmatch(r"[+-]?[0-9.]+ (\S+)", text)
    if quantity:
        unit = quantity[1]
        return [f"0 {unit}", f"999999999999999 {unit}"]
    return ["zzz", "TBD"]


def mutants(data: Any) -> Iterator[tuple[str, Path_, Any]]:
    for path, value in leaves(data):
        yield "delete", path, DELETED
        yield "blank", path, ""
        for other in absurd(value):
            yield f"absurd {other!r}", path, other


def mutate(data: Any, path: Path_, value: Any) -> Any:
    changed = copy.deepcopy(data)
    place = changed
    for part in path[:-1]:
        place = place[part]
    if value is DELETED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def findings(data: Any) -> set[tuple[str, Path_, str]]:
    draft = load(json.dumps(data).encode(), source="mutant.claim.json")
    return {(f.code, place.path, f.message) for f in lint(draft) for place in f.locations}


def caught(data: Any, base: set[tuple[str, Path_, str]], path: Path_, value: Any) -> bool:
    try:
        new = findings(mutate(data, path, value)) - base
    except LynxSpecError as error:
        return error.exit_code == 2
    return any(place == path for _, place, _ in new)


@cache
def read(path: Path) -> Any:
    return json.loads(json.dumps(YAML(typ="safe").load(path)))


@pytest.mark.parametrize("path", [CLAIMS[0], *EXAMPLES], ids=lambda p: p.name)
def test_a_complete_claim_has_no_finding_at_warning_or_above(path: Path) -> None:
    draft = load(path.read_bytes(), source=path.name)
    found = {f.code for f in lint(draft) if f.severity >= Severity.WARNING}
    assert found == (KNOWN_WARNINGS | BUSY).get(f"{path.parent.name}/{path.name}", set())


def survivors(path: Path) -> tuple[int, list[str]]:
    data = read(path)
    base = findings(data)
    alive, total = [], 0
    for what, place, value in mutants(data):
        total += 1
        if not caught(data, base, place, value):
            alive.append(f"{format_path(place)} :: {what}")
    return total, alive


@pytest.mark.slow
@pytest.mark.parametrize("path", CLAIMS, ids=lambda p: p.name)
def test_at_least_95_of_100_mutants_are_caught_at_their_leaf(path: Path) -> None:
    total, alive = survivors(path)
    known = YAML(typ="safe").load(ROOT / "tests/data/mutants.yaml") or []
    unknown = [m for m in alive if not any(fnmatch.fnmatchcase(m, entry["mutant"]) for entry in known)]
    assert unknown == []
    assert len(alive) <= 0.05 * total, f"{len(alive)} of {total}"
