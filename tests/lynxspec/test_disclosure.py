"""Each component of a claim: when it is disclosed, partial, missing, or justifiably not applicable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lynxspec.draft import Draft
from lynxspec.location import format_path
from lynxspec.vocabulary import Component

Make = Callable[..., Draft]
WHY = "inherited checkpoint without records"
UNKNOWN = {"unknown": WHY}
NOT_APPLICABLE = {"not_applicable": WHY}
WEIGHT_ONLY = (
    ("regimes[1].quantization.approach", "weight_only"),
    ("regimes[1].precision.activations", {"format": "fp32"}),
    ("regimes[1].precision.outputs", {"format": "fp32"}),
)


def _status(draft: Draft, component: str, regime: int = 1) -> str:
    return str(draft.regimes[regime].disclosures[Component(component)].status)


def test_the_quantized_regime_of_the_complete_claim_discloses_everything(draft: Make) -> None:
    statuses = {c: str(d.status) for c, d in draft().regimes[1].disclosures.items()}
    assert statuses.pop(Component.PEAK_ONLY) == "not_applicable"
    assert set(statuses.values()) == {"disclosed"}


def test_the_reference_regime_needs_no_recipe(draft: Make) -> None:
    of_the_recipe = {
        "throughput_gain",
        "calibration_data",
        "calibration_method",
        "tool_chain",
        "granularity",
        "mixed_precision_policy",
        "peak_only",
    }
    statuses = {str(c): str(d.status) for c, d in draft().regimes[0].disclosures.items()}
    assert {c for c, s in statuses.items() if s == "not_applicable"} == of_the_recipe
    assert {s for c, s in statuses.items() if c not in of_the_recipe} == {"disclosed"}


@pytest.mark.parametrize(
    ("component", "patch", "status", "path"),
    [
        ("sustained_throughput", ("performance.sustained.window", "599 s"), "partial", "performance.sustained.window"),
        ("sustained_throughput", ("performance.sustained", UNKNOWN), "missing", "performance.sustained"),
        ("sustained_throughput", ("performance.sustained", NOT_APPLICABLE), "missing", "performance.sustained"),
        ("accuracy_result", ("accuracy", NOT_APPLICABLE), "missing", "accuracy"),
        ("accuracy_result", ("accuracy", []), "missing", "accuracy"),
        ("mixed_precision_policy", ("mixed_precision", NOT_APPLICABLE), "missing", "mixed_precision"),
        ("tool_chain", ("toolchain.quantizer", NOT_APPLICABLE), "missing", "toolchain.quantizer"),
        ("runtime", ("toolchain.runtime", UNKNOWN), "missing", "toolchain.runtime"),
        ("latency", ("performance.latency", NOT_APPLICABLE), "missing", "performance.latency"),
        ("latency", ("performance.latency.p99", UNKNOWN), "partial", "performance.latency.p99"),
        ("precision_format", ("precision.weights", UNKNOWN), "partial", "precision.weights"),
        ("tensors_quantized", ("precision.kv_cache_key", UNKNOWN), "partial", "precision.kv_cache_key"),
        ("tensors_quantized", ("precision.activations", NOT_APPLICABLE), "partial", "precision.activations"),
        ("granularity", ("precision.weights", UNKNOWN), "partial", "precision.weights"),
        ("calibration_data", ("calibration", NOT_APPLICABLE), "missing", "calibration"),
        ("calibration_method", ("calibration.method", UNKNOWN), "missing", "calibration.method"),
        ("calibration_data", ("calibration.data.dataset", "x"), "partial", "calibration.data.dataset"),
        ("calibration_data", ("calibration", {"none_needed": WHY}), "disclosed", "calibration"),
    ],
)
def test_an_answer_of_the_quantized_regime_counts_as(
    draft: Make, component: str, patch: tuple[str, Any], status: str, path: str
) -> None:
    made = draft((f"regimes[1].{patch[0]}", patch[1]))
    assert _status(made, component) == status
    assert format_path(made.regimes[1].disclosures[Component(component)].path) == f"regimes[1].{path}"


@pytest.mark.parametrize(
    ("component", "patch", "status", "path"),
    [
        ("acceptance_criterion", ("evaluation.criterion", NOT_APPLICABLE), "missing", "evaluation.criterion"),
        ("acceptance_criterion", ("evaluation.criterion", UNKNOWN), "missing", "evaluation.criterion"),
        ("workload_relevance", ("evaluation.relevance.kind", "standard_benchmark"), "partial", None),
        ("workload_relevance", ("evaluation.relevance.kind", "deployment_like"), "partial", None),
        ("workload_relevance", ("evaluation.relevance", UNKNOWN), "missing", "evaluation.relevance"),
        ("evaluation_set", ("evaluation.samples", UNKNOWN), "partial", "evaluation.samples"),
        ("evaluation_set", ("evaluation.dataset", UNKNOWN), "partial", "evaluation.dataset"),
        ("evaluation_set", ("data[1].split", UNKNOWN), "partial", "data[1].split"),
        ("throughput_gain", ("comparisons[0].qualifier", "up_to"), "partial", "comparisons[0].qualifier"),
        ("throughput_gain", ("comparisons[0].qualifier", "theoretical"), "partial", "comparisons[0].qualifier"),
        ("throughput_gain", ("comparisons[0].qualifier", "at_least"), "disclosed", "comparisons[0].throughput_gain"),
        ("throughput_gain", ("comparisons[0].throughput_gain", UNKNOWN), "partial", "comparisons[0].throughput_gain"),
        ("throughput_gain", ("comparisons", []), "disclosed", "comparisons"),
        ("baseline", ("comparisons", []), "partial", "comparisons"),
        ("baseline", ("comparisons[0].system", "other"), "partial", "comparisons[0].system"),
        ("baseline", ("regimes[0].precision.weights", UNKNOWN), "missing", "regimes[0].precision.weights"),
        ("baseline", ("regimes[0].performance.sustained", UNKNOWN), "partial", "regimes[0].performance.sustained"),
        ("accuracy_reference", ("regimes[0].accuracy", UNKNOWN), "missing", "regimes[0].accuracy"),
        ("accuracy_result", ("identity.nature", "estimated"), "partial", "identity.nature"),
        ("sustained_throughput", ("identity.nature", "projected"), "partial", "identity.nature"),
        ("model_family", ("model.family", "other"), "partial", "model.family"),
        ("model_name", ("model.revision", UNKNOWN), "partial", "model.revision"),
        ("model_name", ("model.revision", NOT_APPLICABLE), "disclosed", "model.name"),
        ("driver_stack", ("hardware.stack.toolkit", UNKNOWN), "partial", "hardware.stack.toolkit"),
        ("hardware", ("hardware.kind", "gpu"), "partial", "hardware.memory"),
        ("driver_stack", ("hardware.kind", "gpu"), "partial", "hardware.stack.driver"),
    ],
)
def test_an_answer_of_the_claim_counts_as(
    draft: Make, component: str, patch: tuple[str, Any], status: str, path: str | None
) -> None:
    made = draft(patch)
    assert _status(made, component) == status
    found = made.regimes[1].disclosures[Component(component)]
    assert format_path(found.path) == (path or patch[0])
    assert bool(found.note) == (status != "disclosed")


EQUILIBRIUM = {
    "sensor": "NVML, 10 Hz",
    "held": "60 s",
    "temperature_before": "70 degC",
    "temperature_after": "71 degC",
    "throttled": False,
}


def test_readings_that_show_no_equilibrium_do_not_lengthen_a_window(draft: Make) -> None:
    window = ("regimes[1].performance.sustained.window", "120 s")
    for key, value in (("held", "30 s"), ("temperature_after", "75 degC"), ("throttled", True)):
        shown = ("regimes[1].performance.sustained.thermal_equilibrium", EQUILIBRIUM | {key: value})
        assert _status(draft(window, shown), "sustained_throughput") == "partial"


def test_a_short_window_counts_in_full_once_thermal_equilibrium_is_shown(draft: Make) -> None:
    window = ("regimes[1].performance.sustained.window", "120 s")
    shown = ("regimes[1].performance.sustained.thermal_equilibrium", EQUILIBRIUM)
    assert _status(draft(window), "sustained_throughput") == "partial"
    assert _status(draft(window, shown), "sustained_throughput") == "disclosed"


@pytest.mark.parametrize("component", ["calibration_data", "calibration_method"])
def test_calibration_does_not_apply_to_weights_rounded_to_nearest(draft: Make, component: str) -> None:
    made = draft(*WEIGHT_ONLY, ("regimes[1].calibration", NOT_APPLICABLE))
    assert _status(made, component) == "not_applicable"


def test_calibration_applies_to_gptq_even_if_only_weights_are_quantized(draft: Make) -> None:
    made = draft(
        *WEIGHT_ONLY, ("regimes[1].calibration", NOT_APPLICABLE), ("regimes[1].quantization.algorithm", "gptq")
    )
    assert _status(made, "calibration_data") == "missing"


def test_latency_does_not_apply_to_an_offline_scenario(draft: Make) -> None:
    made = draft(("load.scenario", "offline"), ("regimes[1].performance.latency", NOT_APPLICABLE))
    assert _status(made, "latency") == "not_applicable"


def test_a_peak_without_a_sustained_rate_raises_the_flag(draft: Make) -> None:
    peak = ("regimes[1].performance.peak", "4000 images/s")
    assert _status(draft(peak), "peak_only") == "not_applicable"
    assert _status(draft(peak, ("regimes[1].performance.sustained", UNKNOWN)), "peak_only") == "disclosed"


def test_without_a_gain_and_without_a_rate_the_gain_is_missing(draft: Make) -> None:
    made = draft(("comparisons", []), ("regimes[0].performance.sustained", UNKNOWN))
    assert _status(made, "throughput_gain") == "missing"
