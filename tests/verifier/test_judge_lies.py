"""Lies, one at a time: each is refuted at its own clause; and honest variations, none of which is."""
# ruff: noqa: ARG001 - every lie takes the claim and the evidence

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from verifier.verdict import Verdict, overall

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

RATE_LIKE = ("throughput/", "speedup/", "latency/", "memory/int8/peak", "memory/fp32/peak")


def _better_accuracy(claim, evidence):
    claim["regimes"][1]["accuracy"][0]["value"] = 0.9900


def _faster(claim, evidence):
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"


def _faster_in_both(claim, evidence):
    claim["regimes"][0]["performance"]["sustained"]["rate"] = "1500 images/s"
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"


def _other_calibration(claim, evidence):
    claim["regimes"][1]["calibration"]["method"] = {
        "kind": "percentile",
        "symmetric": False,
        "percentile": 99.0,
        "bins": 2048,
    }
    zoo.other_scales(evidence)


def _other_file(claim, evidence):
    evidence["materials"][1] |= {"sha256": zoo.OTHER, "status": "mismatch", "message": "another digest"}


def _layer_in_fp32(claim, evidence):
    weights = evidence["ledgers"][1]["tensors"]
    weights[0]["tensors"], weights[0]["elements"] = 51, 2_199_784
    weights.append(
        weights[0]
        | {"format": "fp32", "granularity": "none", "symmetry": "none", "timing": "none", "tensors": 1, "elements": 216}
    )


def _activations_per_channel(claim, evidence):
    claim["regimes"][1]["precision"]["activations"]["granularity"] = {"kind": "per_channel", "axis": 1}


def _other_weight_format(claim, evidence):
    claim["regimes"][1]["precision"]["weights"]["format"] = "int4"


def _inflated_gain(claim, evidence):
    claim["comparisons"][0]["throughput_gain"] = "2.5 x"


def _quantized_reference(claim, evidence):
    evidence["ledgers"][0]["tensors"][0] |= {"format": "int8", "granularity": "per_tensor", "timing": "static"}


def _understated_reference(claim, evidence):
    claim["regimes"][0]["accuracy"][0]["value"] = 0.9603


def _static_called_dynamic(claim, evidence):
    claim["regimes"][1]["precision"]["activations"]["timing"] = "dynamic"


def _runs_in_fp32(claim, evidence):
    evidence["ledgers"][3]["operators"] = [
        {"op_type": "QLinearConv", "compute": "uint8", "count": 33, "time_share": 0.45, "examples": ["a"]},
        {"op_type": "Conv", "compute": "fp32", "count": 19, "time_share": 0.45, "examples": ["b"]},
    ]


def _exception_not_made(claim, evidence):
    claim["regimes"][1]["mixed_precision"]["exceptions"] = [
        {"selector": {"kind": "node", "values": ["/features/0/Conv"]}, "format": "fp32", "reason": "sensitive"}
    ]


def _first_layer_called_fp32(claim, evidence):
    claim["regimes"][1]["mixed_precision"]["first_layer"] = "fp32"


def _halved_latency(claim, evidence):
    claim["regimes"][1]["performance"]["latency"] |= {"p50": "4 ms", "p90": "4.2 ms", "p99": "5 ms"}


def _tiny_memory(claim, evidence):
    claim["regimes"][1]["peak_memory"] = "50 MiB"


def _tiny_file(claim, evidence):
    claim["regimes"][1]["artifact"]["size"] = "1300000 B"


def _generous_criterion(claim, evidence):
    """The claim promises a loss of at most 0.1 points; the file loses 2 points."""
    claim["evaluation"]["criterion"]["margin"] = "0.1 points"
    claim["regimes"][1]["accuracy"][0]["value"] = 0.9525
    scores = evidence["scores"][1]
    scores["outcomes"]["top1"] = [0.0] * 45 + [1.0] * 1900 + [1.0] * 5 + [0.0] * 50
    scores["metrics"]["top1"] = 0.9525


LIES = [
    (_better_accuracy, "accuracy/int8/top1", "below_claim"),
    (_faster, "throughput/int8", "below_claim"),
    (_faster_in_both, "throughput/int8", "below_claim"),
    (_other_calibration, "artifact/int8", "other_scales"),
    (_other_file, "materials/model-int8", "claimant_file_differs"),
    (_layer_in_fp32, "precision_artifact/int8", "other_precision"),
    (_activations_per_channel, "precision_artifact/int8", "other_precision"),
    (_other_weight_format, "precision_artifact/int8", "other_precision"),
    (_inflated_gain, "speedup/int8/fp32", "self_contradictory"),
    (_quantized_reference, "precision_artifact/fp32", "other_precision"),
    (_understated_reference, "reference_accuracy/fp32/top1", "differs_from_claim"),
    (_static_called_dynamic, "precision_artifact/int8", "other_precision"),
    (_runs_in_fp32, "precision_executed/int8", "other_precision_executed"),
    (_exception_not_made, "precision_artifact/int8", "other_precision"),
    (_first_layer_called_fp32, "precision_artifact/int8", "other_precision"),
    (_halved_latency, "latency/int8", "below_claim"),
    (_tiny_memory, "memory/int8/peak", "below_claim"),
    (_tiny_file, "memory/int8/file", "differs_from_claim"),
    (_generous_criterion, "criterion/int8", "criterion_not_met"),
]


@pytest.mark.parametrize(("lie", "clause", "reason"), LIES, ids=[lie.__name__.strip("_") for lie, _, _ in LIES])
def test_each_lie_is_refuted_at_its_own_clause(lie, clause, reason):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    lie(claim, evidence)
    found = zoo.verdicts(claim, evidence)
    assert (found[clause].verdict, found[clause].reason) == (Verdict.REFUTED, reason), found[clause]
    assert overall(tuple(found.values())) is Verdict.REFUTED


def test_a_complete_honest_claim_on_its_own_machine_is_reproduced():
    found = zoo.verdicts(zoo.claim_data(), zoo.evidence_data())
    assert {v.verdict for v in found.values()} == {Verdict.REPRODUCED}
    assert overall(tuple(found.values())) is Verdict.REPRODUCED


def test_what_nobody_claims_gives_no_clause():
    claim = zoo.claim_data()
    for regime in claim["regimes"]:
        regime["peak_memory"] = {"unknown": "not measured"}
        regime["performance"]["latency"] = {"unknown": "not measured"}
    found = zoo.verdicts(claim, zoo.evidence_data())
    assert not [name for name in found if name.startswith("latency") or name.endswith("peak")]
    assert overall(tuple(found.values())) is Verdict.REPRODUCED


@pytest.mark.parametrize("lie", [None, *(lie for lie, _, _ in LIES)])
@pytest.mark.parametrize("where", ["product", "cpu"])
def test_on_hardware_of_another_name_nothing_rate_like_is_judged(lie, where):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    if lie is not None:
        lie(claim, evidence)
    if where == "product":
        claim["hardware"]["product"] = "Xeon Platinum 8481C, 2 vCPU"
    else:
        claim["hardware"]["host"]["cpu"] = "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
    found = zoo.verdicts(claim, evidence)
    assert found["hardware"].reason == "other_hardware"
    assert "8481C" in found["hardware"].explanation
    for name, verdict in found.items():
        if name.startswith(RATE_LIKE) and verdict.reason != "self_contradictory":
            assert (verdict.verdict, verdict.reason) == (Verdict.NOT_TESTABLE, "other_hardware")
            assert verdict.measured is not None
    if lie is None:
        assert overall(tuple(found.values())) is Verdict.NOT_TESTABLE


def test_an_inert_option_is_reported_and_is_no_lie():
    evidence = zoo.evidence_data()
    evidence["quantizations"][0]["inert"] = [{"option": "entropy", "declared": "128 bins", "compared_with": "minmax"}]
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["recipe_effect/int8"].verdict is Verdict.REPRODUCED
    assert any("inert" in note for note in found["recipe_effect/int8"].notes)


def test_a_mirrors_file_of_another_digest_refutes_nothing():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["model"]["artifacts"][1]["supplied_by"] = "mirror"
    evidence["materials"][1] |= {"supplied_by": "mirror", "sha256": zoo.OTHER, "status": "mismatch"}
    assert zoo.verdicts(claim, evidence)["materials/model-int8"].reason == "mirror_file_differs"


def test_the_readers_own_copy_of_another_digest_refutes_nothing():
    evidence = zoo.evidence_data()
    evidence["materials"][1] |= {"supplied_by": "third_party", "sha256": zoo.OTHER, "status": "mismatch"}
    found = zoo.verdicts(zoo.claim_data(), evidence)["materials/model-int8"]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "mirror_file_differs")


def test_an_unavailable_file_is_not_testable():
    evidence = zoo.evidence_data()
    evidence["materials"][1] |= {"sha256": None, "bytes": None, "status": "unavailable", "message": "404"}
    assert zoo.verdicts(zoo.claim_data(), evidence)["materials/model-int8"].reason == "material_unavailable"


def test_an_understated_gain_is_no_contradiction():
    claim = zoo.claim_data()
    claim["comparisons"][0]["throughput_gain"] = "1.9 x"
    assert zoo.verdicts(claim, zoo.evidence_data())["speedup/int8/fp32"].verdict is Verdict.REPRODUCED


def test_a_gain_up_to_something_promises_nothing_about_this_load():
    claim = zoo.claim_data()
    claim["comparisons"][0] |= {"throughput_gain": "4 x", "qualifier": "up_to"}
    assert zoo.verdicts(claim, zoo.evidence_data())["speedup/int8/fp32"].reason == "not_claimed"


def test_other_tool_versions_are_named_and_refute_nothing():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    _better_accuracy(claim, evidence)
    _faster(claim, evidence)
    zoo.other_scales(evidence)
    evidence["host"]["packages"]["onnxruntime"] = "1.20.0"
    evidence["quantizations"][0]["version"] = "1.20.0"
    found = zoo.verdicts(claim, evidence)
    assert found["tool_chain/int8"].reason == "tool_absent"
    assert "1.20.0" in found["tool_chain/int8"].explanation
    assert found["throughput/int8"].reason == "tool_absent"
    assert found["throughput/int8"].measured is not None
    assert found["accuracy/int8/top1"].reason == "platform_may_differ"
    assert found["artifact/int8"].reason == "platform_may_differ"
    assert not [v for v in found.values() if v.verdict is Verdict.REFUTED]
