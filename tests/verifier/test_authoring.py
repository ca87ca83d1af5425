"""What an author is told of the numbers that a measurement has just made."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from lynxspec.claim import Claim
from verifier.authoring import open_clauses
from verifier.evidence import Evidence

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)


def _open(evidence) -> set[str]:
    claim = Claim.model_validate_json(json.dumps(zoo.claim_data()))
    return {v.id for v in open_clauses(claim, Evidence.model_validate_json(json.dumps(evidence)))}


def test_a_measurement_that_confirms_its_own_claim_warns_of_nothing():
    assert _open(zoo.evidence_data()) == set()


def test_a_file_that_is_only_now_written_is_no_open_clause():
    evidence = zoo.evidence_data()
    evidence["materials"] = [m for m in evidence["materials"] if m["name"] != "model-int8"]
    assert _open(evidence) == set()


def test_a_rate_that_its_own_measurement_does_not_confirm_is_named():
    """The first hour of work on a busy machine: the rate fell by a third halfway, and other processes were there."""
    evidence = zoo.evidence_data()
    run = zoo.run_of(evidence, "int8")
    run["blocks"] = run["blocks"][:30] + [b | {"items": b["items"] * 2 // 3} for b in run["blocks"][30:]]
    for sample in evidence["sustain"]["host"]:
        sample["foreign"] = 0.4
    assert "throughput/int8" in _open(evidence)
