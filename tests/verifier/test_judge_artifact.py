"""Artifact and precision: what a difference between two files proves, and what the policy explains."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from verifier.verdict import Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)


def _artifact(evidence, claim=None):
    return zoo.verdicts(claim or zoo.claim_data(), evidence)["artifact/int8"]


def test_scales_that_agree_are_reproduced_although_the_bytes_differ():
    evidence = zoo.evidence_data()
    zoo.other_scales(evidence)
    evidence["comparisons"][0] |= {"scales_different": 0, "worst_scale_ratio": 0.0, "zero_points_different": 0}
    assert _artifact(evidence).reason == "scales_equal"


def test_last_bits_of_scales_are_forgiven_only_on_another_platform():
    evidence = zoo.evidence_data()
    zoo.other_scales(evidence)
    evidence["comparisons"][0] |= {"worst_scale_ratio": 2e-4, "zero_points_different": 0}
    assert _artifact(evidence).reason == "other_scales"
    evidence["host"]["stepping"] = "25/1/1"
    assert _artifact(evidence).reason == "scales_equal"


def test_other_scales_on_another_platform_prove_nothing():
    evidence = zoo.evidence_data()
    zoo.other_scales(evidence)
    evidence["host"]["isa"] = ["avx2"]
    assert _artifact(evidence).reason == "platform_may_differ"


@pytest.mark.parametrize("repeat", [None, "e" * 64])
def test_a_tool_that_does_not_repeat_refutes_nothing(repeat):
    evidence = zoo.evidence_data()
    zoo.other_scales(evidence)
    evidence["quantizations"][0]["repeat_sha256"] = repeat
    assert _artifact(evidence).reason == "not_deterministic"


def test_another_digest_alone_refutes_nothing_since_no_claim_pins_what_writes_the_file():
    evidence = zoo.evidence_data()
    zoo.other_scales(evidence)
    assert _artifact(evidence).reason == "other_scales"
    evidence = zoo.evidence_data()
    zoo.other_scales(evidence, supplied=False)
    assert _artifact(evidence).reason == "platform_may_differ"
    evidence["host"]["packages"]["onnx"] = "1.24.0"
    assert "onnx 1.24.0" in _artifact(evidence).explanation


def test_a_claim_that_promises_behaviour_is_judged_by_it():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["reproduction"]["grade"] = "behaviour"
    zoo.other_scales(evidence)
    recipe = evidence["scores"][1] | {"subject": "recipe_artifact", "sha256": zoo.OTHER, "metrics": {"top1": 0.9705}}
    evidence["scores"].append(recipe)
    assert _artifact(evidence, claim).reason == "equivalent_behaviour"
    recipe["metrics"] = {"top1": 0.9}
    assert _artifact(evidence, claim).reason == "other_behaviour"


def test_a_recipe_that_fails_here_is_our_failure():
    evidence = zoo.evidence_data()
    evidence["quantizations"][0] |= {"status": "failed", "message": "killed", "sha256": None, "repeat_sha256": None}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["artifact/int8"].reason == "tool_failed"
    assert found["recipe_effect/int8"].reason == "tool_failed"


def test_a_training_recipe_is_not_testable_but_its_artifact_is():
    claim = zoo.claim_data()
    claim["regimes"][1]["quantization"] |= {
        "algorithm": "qat",
        "approach": "qat",
        "qat": {"epochs": 3, "data": "the training part", "details": "Adam"},
    }
    found = zoo.verdicts(claim, zoo.evidence_data())
    assert found["artifact/int8"].reason == "not_implemented"
    assert found["precision_artifact/int8"].verdict is Verdict.REPRODUCED
    assert "weight_error/int8" not in found


def test_weights_that_no_recipe_here_could_vouch_for_say_why_they_were_not_measured():
    evidence = zoo.evidence_data()
    evidence["weight_errors"] = []
    found = zoo.verdicts(zoo.claim_data(), evidence)["weight_error/int8"]
    assert (found.reason, "recipe" in found.explanation) == ("not_reached", False)
    evidence["quantizations"][0] |= {"status": "not_testable", "message": "no plug-in for the quantizer 'x'"}
    evidence["quantizations"][0] |= {"sha256": None, "repeat_sha256": None}
    found = zoo.verdicts(zoo.claim_data(), evidence)["weight_error/int8"]
    assert found.reason == "not_reached"
    assert found.explanation.endswith("the recipe could not be run here: no plug-in for the quantizer 'x'.")


def _off_grid(evidence, control=0):
    evidence["weight_errors"][0] |= {"beyond_half_step": 50_000, "worst_steps": 3.0}
    if control is not None:
        evidence["weight_errors"].append(
            evidence["weight_errors"][0] | {"sha256": zoo.OTHER, "beyond_half_step": control, "worst_steps": 0.5}
        )
    return zoo.verdicts(zoo.claim_data(), evidence)["weight_error/int8"]


def test_weights_off_their_grid_are_refuted_if_the_recipes_own_are_on_it():
    assert _off_grid(zoo.evidence_data()).reason == "weights_off_grid"


def test_weights_off_their_grid_refute_nothing_without_a_control_or_with_one_that_is_off_too():
    assert _off_grid(zoo.evidence_data(), control=None).reason == "no_witness"
    assert _off_grid(zoo.evidence_data(), control=40_000).reason == "tool_failed"


def test_a_few_weights_beyond_half_a_step_decide_nothing():
    evidence = zoo.evidence_data()
    evidence["weight_errors"][0] |= {"beyond_half_step": 10, "worst_steps": 0.51}
    assert zoo.verdicts(zoo.claim_data(), evidence)["weight_error/int8"].reason == "evidence_too_weak"


def _fp32_layer(evidence, name="features.0.weight", count=1):
    weights = evidence["ledgers"][1]["tensors"]
    layer = {"format": "fp32", "granularity": "none", "symmetry": "none", "timing": "none"}
    weights.append(weights[0] | layer | {"tensors": count, "elements": 216, "examples": [name]})


@pytest.mark.parametrize(
    "selector",
    [
        {"kind": "node", "values": ["/features/0/Conv"]},
        {"kind": "glob", "values": ["features.0*"]},
        {"kind": "tensor_class", "values": ["weights"]},
    ],
    ids=["node", "glob", "class"],
)
def test_a_layer_that_the_policy_names_may_stay_in_fp32(selector):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][1]["mixed_precision"]["exceptions"] = [{"selector": selector, "format": "fp32", "reason": "first"}]
    _fp32_layer(evidence)
    evidence["ledgers"][1]["operators"] = [
        {"op_type": "Conv", "compute": "fp32", "count": 1, "time_share": None, "examples": ["/features/0/Conv"]}
    ]
    assert zoo.verdicts(claim, evidence)["precision_artifact/int8"].verdict is Verdict.REPRODUCED


def _policy(names, first="int8"):
    claim = zoo.claim_data()
    selector = {"kind": "node", "values": names}
    claim["regimes"][1]["mixed_precision"] = {
        "first_layer": first,
        "last_layer": "int8",
        "exceptions": [{"selector": selector, "format": "fp32", "reason": "sensitive"}],
    }
    return claim


def _products(evidence, *nodes):
    """The file's float products by node; its weights have other names."""
    _fp32_layer(evidence, "onnx::Conv_512", count=len(nodes))
    evidence["ledgers"][1]["operators"].append(
        {"op_type": "Conv", "compute": "fp32", "count": len(nodes), "time_share": None, "examples": list(nodes[:5])}
    )


def test_weights_are_told_by_their_products_where_names_differ():
    evidence = zoo.evidence_data()
    _products(evidence, "/features/0/Conv", "/features/3/Conv")
    claim = _policy(["/features/0/Conv", "/features/0/Clip", "/features/3/Conv"], first="fp32")
    assert zoo.verdicts(claim, evidence)["precision_artifact/int8"].verdict is Verdict.REPRODUCED


def test_one_layer_more_in_fp32_is_refuted_although_the_policy_names_more_nodes():
    evidence = zoo.evidence_data()
    _products(evidence, "/features/0/Conv", "/features/3/Conv", "/features/7/Conv")
    claim = _policy(["/features/0/Conv", "/features/0/Clip", "/features/3/Conv", "/features/3/Clip"], first="fp32")
    assert zoo.verdicts(claim, evidence)["precision_artifact/int8"].reason == "other_precision"


def test_a_first_layer_declared_in_fp32_needs_no_exception_of_its_own():
    evidence = zoo.evidence_data()
    _products(evidence, "/features/0/Conv", "/features/3/Conv")
    claim = _policy(["/features/3/Conv"], first="fp32")
    assert zoo.verdicts(claim, evidence)["precision_artifact/int8"].verdict is Verdict.REPRODUCED


def test_another_layer_in_fp32_than_the_first_is_refuted():
    evidence = zoo.evidence_data()
    _products(evidence, "/features/7/Conv")
    evidence["ledgers"][1] |= {"first_layer": "int8", "last_layer": "int8"}
    claim = zoo.claim_data()
    claim["regimes"][1]["mixed_precision"]["first_layer"] = "fp32"
    assert "first layer" in zoo.verdicts(claim, evidence)["precision_artifact/int8"].explanation


def test_more_layers_in_fp32_than_the_policy_names_are_refuted():
    evidence = zoo.evidence_data()
    _fp32_layer(evidence, count=4)
    found = zoo.verdicts(_policy(["/classifier/Gemm"]), evidence)["precision_artifact/int8"]
    assert found.reason == "other_precision"
    assert "features.0.weight" in found.explanation


def test_asymmetric_activations_whose_zero_points_are_centred_are_no_contradiction():
    evidence = zoo.evidence_data()
    evidence["ledgers"][1]["tensors"][1]["symmetry"] = "symmetric"
    assert zoo.verdicts(zoo.claim_data(), evidence)["precision_artifact/int8"].verdict is Verdict.REPRODUCED


def test_the_axis_of_channels_depends_on_the_operator_and_is_noted():
    evidence = zoo.evidence_data()
    evidence["ledgers"][1]["tensors"][4]["granularity"] = "per_channel(axis=1)"
    found = zoo.verdicts(zoo.claim_data(), evidence)["precision_artifact/int8"]
    assert found.verdict is Verdict.REPRODUCED
    assert any("axis" in note for note in found.notes)


def test_a_class_that_cannot_be_seen_is_noted_and_not_judged():
    evidence = zoo.evidence_data()
    del evidence["ledgers"][1]["tensors"][4]
    found = zoo.verdicts(zoo.claim_data(), evidence)["precision_artifact/int8"]
    assert found.verdict is Verdict.REPRODUCED
    assert any(note.startswith("head") for note in found.notes)


def test_a_ledger_that_failed_is_our_failure():
    evidence = zoo.evidence_data()
    for ledger in evidence["ledgers"]:
        ledger |= {"status": "failed", "message": "timeout", "tensors": [], "operators": []}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["precision_artifact/int8"].reason == "tool_failed"
    assert found["precision_executed/int8"].reason == "tool_failed"


def _executed(share, *, file_fp32=0):
    evidence = zoo.evidence_data()
    evidence["ledgers"][3]["operators"] = [
        {"op_type": "QLinearConv", "compute": "uint8", "count": 50, "time_share": 1.0 - share, "examples": ["a"]},
        {"op_type": "MatMul", "compute": "fp32", "count": 2, "time_share": share, "examples": ["attention"]},
    ]
    if file_fp32:
        evidence["ledgers"][1]["operators"].append(
            {"op_type": "MatMul", "compute": "fp32", "count": file_fp32, "time_share": None, "examples": ["attention"]}
        )
    return evidence


def test_a_few_percent_of_stray_products_are_noted():
    found = zoo.verdicts(zoo.claim_data(), _executed(0.04))["precision_executed/int8"]
    assert found.verdict is Verdict.REPRODUCED
    assert any("fp32" in note for note in found.notes)


def test_products_of_two_activations_that_are_fp32_in_the_file_already_are_not_laid_to_the_runtime():
    evidence = _executed(0.4, file_fp32=2)
    group = evidence["ledgers"][1]["tensors"][0]
    other = {"tensor_class": "other", "format": "fp32", "granularity": "none", "symmetry": "none", "timing": "none"}
    evidence["ledgers"][1]["tensors"].append(group | other | {"tensors": 6, "elements": 0, "examples": ["q", "k"]})
    found = zoo.verdicts(zoo.claim_data(), evidence)["precision_executed/int8"]
    assert found.verdict is Verdict.REPRODUCED


def test_fp32_products_over_weights_that_the_ledger_cannot_see_are_neither_cleared_nor_accused():
    found = zoo.verdicts(zoo.claim_data(), _executed(0.4, file_fp32=2))["precision_executed/int8"]
    assert found.reason == "evidence_too_weak"


def test_another_execution_on_another_platform_proves_nothing():
    evidence = _executed(0.4)
    evidence["host"]["stepping"] = "25/1/1"
    assert zoo.verdicts(zoo.claim_data(), evidence)["precision_executed/int8"].reason == "platform_may_differ"


def test_another_provider_than_declared_is_not_testable():
    evidence = _executed(0.4)
    evidence["ledgers"][3]["provider"] = "OpenVINOExecutionProvider"
    assert zoo.verdicts(zoo.claim_data(), evidence)["precision_executed/int8"].reason == "tool_absent"


@pytest.mark.parametrize("key", ["repeat_sha256", "one_thread_sha256"])
def test_outputs_that_do_not_repeat_are_inconclusive_and_weaken_accuracy(key):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][1]["accuracy"][0]["value"] = 0.99
    evidence["scores"][1][key] = "e" * 64
    found = zoo.verdicts(claim, evidence)
    assert found["determinism/int8"].reason == "not_deterministic"
    assert found["accuracy/int8/top1"].reason == "not_deterministic"


def test_layers_that_the_ledger_does_not_name_are_neither_cleared_nor_accused_by_their_number():
    evidence = zoo.evidence_data()
    _products(evidence, *[f"/features/{n}/Conv" for n in range(30)])
    claim = _policy(["x"], first="fp32")
    claim["regimes"][1]["mixed_precision"]["exceptions"][0]["selector"] = {"kind": "glob", "values": ["/features/0/*"]}
    found = zoo.verdicts(claim, evidence)["precision_artifact/int8"]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "evidence_too_weak")


def test_thirty_layers_in_fp32_under_an_exception_for_one_are_refuted_once_they_are_named():
    evidence = zoo.evidence_data()
    nodes = [f"/features/{n}/Conv" for n in range(30)]
    _products(evidence, *nodes)
    evidence["ledgers"][1]["operators"][-1]["examples"] = nodes
    claim = _policy(["x"], first="fp32")
    claim["regimes"][1]["mixed_precision"]["exceptions"][0]["selector"] = {"kind": "glob", "values": ["/features/0/*"]}
    assert zoo.verdicts(claim, evidence)["precision_artifact/int8"].reason == "other_precision"
