"""What a sheet denies: calibration that is not needed, tensors that are not quantized, results that nobody measured."""

from __future__ import annotations

import pytest

from lynxspec.draft import Draft
from lynxspec.importers.importer import load
from lynxspec.vocabulary import Component, Status

CARD = "# Llama-3.1-8B in INT8\n\n"


def read(text: str) -> Draft:
    return load((CARD + text).encode(), source="nordlicht.md")


def torn(draft: Draft) -> set[Component]:
    return {conflict.component for conflict in draft.conflicts}


@pytest.mark.parametrize(
    "denial",
    [
        "Quantization is data-free and weight-only: weights are INT8, activations stay in BF16.",
        "Weights are quantized to INT8; no calibration data is needed.",
        "We quantized only the weights, without any calibration.",
        "Activations are quantized dynamically, so calibration was not required.",
        "As ranges are computed at run time, we skipped the calibration step.",
        "权重量化为 INT8,量化不需要校准数据集。",
        "重みのみを INT8 に量子化します。キャリブレーションは不要です。",
        "가중치만 INT8로 양자화하므로 캘리브레이션이 필요 없습니다.",
        "Nur die Gewichte sind nach INT8 quantisiert, eine Kalibrierung ist nicht nötig.",
    ],
)
def test_none_needed_is_a_disclosure_of_calibration(denial: str) -> None:
    draft = read(denial)
    assert draft.overview[Component.CALIBRATION_DATA].status is Status.DISCLOSED
    assert torn(draft) == set()


@pytest.mark.parametrize(
    "silence",
    [
        "Weights are quantized to INT8; activations stay in BF16.",
        "No changes to the model's code are needed.",
        "The probabilities show no calibration error; weights are INT8.",
        "Weights are quantized to INT8. Training data was not published.",
    ],
)
def test_other_denials_say_nothing_of_calibration(silence: str) -> None:
    said = read(silence).overview[Component.CALIBRATION_DATA]
    assert said.status in {Status.MISSING, Status.PARTIAL}


STATIC = "Weights and activations are quantized to INT8 with static per-tensor activation scales. "


@pytest.mark.parametrize(
    "denial", ["No calibration data is needed.", "The scheme is calibration-free.", "We skipped the calibration step."]
)
def test_static_activations_without_calibration_are_a_contradiction(denial: str) -> None:
    assert Component.CALIBRATION_DATA in torn(read(STATIC + denial))


@pytest.mark.parametrize(
    "text",
    [
        STATIC + "They were calibrated with 512 samples of C4.",
        "Weights and activations are quantized to INT8 with dynamic per-token scales. No calibration data is needed.",
        "Only the weights are quantized to INT8, with static scales per channel. No calibration data is needed.",
    ],
)
def test_calibrated_or_dynamic_or_weight_only_is_none(text: str) -> None:
    assert Component.CALIBRATION_DATA not in torn(read(text))


@pytest.mark.parametrize(
    ("component", "denied", "told"),
    [
        pytest.param(
            Component.SUSTAINED_THROUGHPUT,
            "We did not measure throughput.",
            "We measured 410 tokens/s over 10 minutes after a warm-up.",
            id="throughput",
        ),
        pytest.param(
            Component.ACCURACY_RESULT,
            "The accuracy of the INT8 model was not evaluated.",
            "The INT8 model was evaluated: 67.9 on MMLU.",
            id="accuracy",
        ),
        pytest.param(
            Component.ACCEPTANCE_CRITERION,
            "No threshold for the loss of accuracy was set.",
            "The threshold for the loss of accuracy was set to 1 %.",
            id="criterion",
        ),
        pytest.param(
            Component.EVALUATION_SET,
            "Not tested on MMLU yet.",
            "Tested on MMLU: 67.9 in INT8.",
            id="evaluation_set",
        ),
    ],
)
def test_what_was_not_done_is_not_disclosed(component: Component, denied: str, told: str) -> None:
    assert read(denied).overview[component].status is not Status.DISCLOSED
    assert read(told).overview[component].status is Status.DISCLOSED


def test_a_tensor_that_is_not_quantized_is_told_apart() -> None:
    said = read("Weights are quantized to INT8. Activations and the KV cache are not quantized.").overview
    assert said[Component.TENSORS_QUANTIZED].status is Status.DISCLOSED
    layer = read("The lm_head is not quantized; all other layers are INT8.").overview
    assert layer[Component.MIXED_PRECISION_POLICY].status is Status.DISCLOSED
