"""Claims on PyTorch held against what its files hold and what it really executed, recorded from real runs.

``*.executed.json`` beside the programs is what the runtime answered with PyTorch 2.13.0+cpu, 8 items, one thread.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from verifier.inspection.program_ledger import inspect
from verifier.verdict import Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

PROGRAMS = Path(__file__).parents[1] / "data" / "programs"
WEIGHTS = {"symmetry": "symmetric", "timing": "static", "scale_format": "fp32", "zero_point_format": "int8"}
DYNAMIC = {
    "format": "int8",
    "granularity": {"kind": "per_token"},
    "timing": "dynamic",
    "scale_format": "fp32",
    "zero_point_format": "int8",
}
INT8 = WEIGHTS | {"format": "int8", "granularity": {"kind": "per_channel", "axis": 0}}
INT4 = WEIGHTS | {"format": "int4", "granularity": {"kind": "per_group", "group_size": 32, "axis": 1}}


def verdicts(name, weights, activations, *, executed=None):
    """The claim of the tests with a PyTorch program as its quantized model, and the evidence of that file."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    regime = claim["regimes"][1]
    regime["precision"] |= {
        "weights": weights,
        "head": weights,
        "activations": activations,
        "outputs": {"format": "fp32"},
        "bias": {"format": "fp32"},
    }
    regime["mixed_precision"] = {"first_layer": weights["format"], "last_layer": weights["format"], "exceptions": []}
    regime["quantization"]["approach"] = "dynamic"
    regime["calibration"] = {"none_needed": "activations are quantized at run time"}
    common = {"regime": "int8", "sha256": zoo.INT8, "status": "ok", "message": "", "provider": None}
    fields = ("tensors", "operators", "layers", "storage", "first_layer", "last_layer", "time")
    file = inspect(str(PROGRAMS / f"{name}.pt2"))
    ran = json.loads((PROGRAMS / f"{executed or name}.executed.json").read_text())
    evidence["ledgers"] = [x for x in evidence["ledgers"] if x["regime"] != "int8"] + [
        common | {"ledger": kind} | {key: found[key] for key in fields if key in found}
        for kind, found in (("supplied_artifact", file), ("executed", ran))
    ]
    evidence["ledgers"][-1]["provider"] = regime["toolchain"]["runtime"]["provider"]
    return zoo.verdicts(claim, evidence)


def test_int8_that_is_stored_and_multiplied_as_int8_is_reproduced():
    found = verdicts("int8_dynamic", INT8, DYNAMIC | {"symmetry": "symmetric"})
    assert found["precision_artifact/int8"].verdict is Verdict.REPRODUCED
    assert found["precision_executed/int8"].verdict is Verdict.REPRODUCED


def test_int8_activations_that_are_turned_back_and_multiplied_as_floats_are_refuted():
    """The file says 8-bit activations, and PyTorch multiplies FP32: the lie of a W4A8 without integer arithmetic."""
    found = verdicts("int4_int8", INT4, DYNAMIC | {"symmetry": "asymmetric"})
    assert found["precision_artifact/int8"].verdict is Verdict.REPRODUCED
    executed = found["precision_executed/int8"]
    assert (executed.verdict, executed.reason) == (Verdict.REFUTED, "other_precision_executed")
    assert "fp32" in executed.explanation
    assert "a.linear" in executed.explanation


def test_a_float_file_called_int8_is_refuted_by_what_it_stores():
    found = verdicts("two_layers", INT8, DYNAMIC | {"symmetry": "symmetric"})
    artifact = found["precision_artifact/int8"]
    assert (artifact.verdict, artifact.reason) == (Verdict.REFUTED, "other_precision")


@pytest.mark.parametrize(
    ("weights", "activations"),
    [
        (INT8 | {"granularity": {"kind": "per_tensor"}}, DYNAMIC | {"symmetry": "symmetric"}),
        (INT8, DYNAMIC | {"symmetry": "symmetric", "granularity": {"kind": "per_tensor"}}),
        (INT8, DYNAMIC | {"symmetry": "symmetric", "timing": "static"}),
        (INT4, DYNAMIC | {"symmetry": "symmetric"}),
    ],
)
def test_another_scheme_than_the_files_is_refuted(weights, activations):
    found = verdicts("int8_dynamic", weights, activations)
    assert found["precision_artifact/int8"].verdict is Verdict.REFUTED
