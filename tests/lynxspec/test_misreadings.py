"""Sentences and tables that were once read wrong, each beside the nearest text that is read right."""

from __future__ import annotations

import pytest

from lynxspec.draft import Draft, Value
from lynxspec.importers.importer import load
from lynxspec.vocabulary import Component, Status

GAIN, RATE, TIME = Component.THROUGHPUT_GAIN, Component.SUSTAINED_THROUGHPUT, Component.LATENCY
RESULT, REFERENCE = Component.ACCURACY_RESULT, Component.ACCURACY_REFERENCE
TITLE = "# Acme-7B INT8\n\n"


def read(text: str, title: str = TITLE) -> Draft:
    return load((title + text).encode(), source="acme.md")


def values(text: str, component: Component, title: str = TITLE) -> list[Value]:
    found = [v for r in read(text, title).regimes for v in r.values if v.component is component]
    return list(dict.fromkeys(found))


def numbers(text: str, component: Component, title: str = TITLE) -> set[float | None]:
    return {v.low for v in values(text, component, title)}


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("INT8 is 2x slower than FP16 on this card.", 0.5),
        ("INT8 is 2x faster than FP16 on this card.", 2.0),
        ("INT8 is 40 % slower than FP16.", 0.6),
        ("INT8 latency is 0.5x that of FP16.", 2.0),
        ("INT8 throughput is 0.5x that of FP16.", 0.5),
        ("INT8 throughput drops by 7 % against FP16.", 0.93),
        ("INT8 throughput increases by 7 % over FP16.", 1.07),
        ("INT8 throughput is 150 % of FP16.", 1.5),
        ("Mit INT8 steigt der Durchsatz um das 1,7-fache gegenüber FP16, die Genauigkeit fällt um 0,3 %.", 1.7),
    ],
)
def test_a_gain_has_the_direction_that_its_sentence_gives_it(text: str, factor: float) -> None:
    assert list(numbers(text, GAIN)) == [pytest.approx(factor)]


@pytest.mark.parametrize(
    "text",
    [
        "The INT8 model is not 2x faster than FP16.",
        "Is the INT8 model 2x faster than FP16?",
        "The MLPerf result of INT8 inference throughput on 8x H100 is public.",
        "The INT8 loader is 2x faster than the previous loader.",
        "In INT8, T200 inference is 1.8x faster compared to the Jetson Orin NX.",
        "INT8 양자화로 메모리 사용량이 2배 줄고 처리량은 유지됩니다.",
    ],
)
def test_what_is_denied_asked_counted_or_of_something_else_is_no_gain(text: str) -> None:
    assert not numbers(text, GAIN)


def test_a_rate_belongs_to_the_quantized_model_where_the_reference_is_what_it_is_held_against() -> None:
    text = "Against FP16 it is smaller; generation runs at 41 tokens/s versus 39 tokens/s in FP16."
    assert {(v.low, v.role) for v in values(text, RATE)} == {(41, "quantized"), (39, "reference")}
    assert values("在 A10 上吞吐为 1200 tokens/s，是 FP16 的 1.8 倍。", RATE)[0].role == "quantized"
    assert values("吞吐为 900 tokens/s（FP16）。", RATE)[0].role == "reference"


def test_a_rate_belongs_to_the_product_of_its_own_clause() -> None:
    text = "INT8 decodes 23 tokens/s on Snapdragon 8 Elite; on Snapdragon 8 Gen 3 it decodes 17 tokens/s."
    assert {v.low: v.hardware for v in values(text, RATE)} == {23: "Snapdragon 8 Elite", 17: "Snapdragon 8 Gen 3"}
    text = "INT8 runs at 3,400 FPS on T200, while the Jetson Orin NX reaches 1,900 FPS."
    assert {v.low: v.hardware for v in values(text, RATE)} == {3400: "T200", 1900: "Jetson Orin NX"}


def test_a_rate_is_not_of_a_format_that_a_later_clause_gives_its_own_rate() -> None:
    text = "It decodes 1630 tokens/s, BF16 decodes 1105 tokens/s."
    assert {v.low: v.role for v in values(text, RATE)} == {1630: "quantized", 1105: "reference"}
    text = "BF16 decodes 980 tokens/s at batch 1, 1500 tokens/s at batch 8."
    assert {v.role for v in values(text, RATE)} == {"reference"}


def test_a_change_tells_the_references_number_first_though_only_the_second_has_a_unit() -> None:
    text = "INT8 raised throughput from 2,010 to 3,190 tokens/s."
    assert {v.low: v.role for v in values(text, RATE)} == {2010: "reference", 3190: "quantized"}
    text = "Throughput ranges from 2,010 tokens/s."
    assert numbers(text, RATE) == {2010}


def test_what_stands_in_parentheses_behind_a_score_has_its_own_number_or_none() -> None:
    text = "The INT8 model reaches an accuracy of 98.1 % (FP32: 98.4 %)."
    assert (numbers(text, RESULT), numbers(text, REFERENCE)) == ({98.1}, {98.4})
    assert numbers("The model reaches an accuracy of 98.4 % (FP32).", REFERENCE) == {98.4}


def test_a_requirement_hides_no_result_behind_a_semicolon() -> None:
    text = "The task demands 99 % of the FP32 accuracy; our INT8 model passes with ROUGE-1 at 44.5."
    assert numbers(text, RESULT) == {44.5}
    assert not numbers("The task demands an accuracy of 99 % of FP32.", RESULT)


@pytest.mark.parametrize(
    ("text", "component", "status"),
    [
        ("A detector, trained on 40,000 images, was moved to a Jetson Orin NX in INT8.", "hardware", "disclosed"),
        ("We trained the detector for 14 days, using 8x H100, before INT8.", "hardware", "missing"),
        ("Quantized to INT8 with Larix Press 2.4.", "tool_chain", "disclosed"),
        ("Quantized to INT8 with Great Care.", "tool_chain", "missing"),
        ("Measured in INT8 on Tarn-8L at batch 8.", "hardware", "disclosed"),
        ("In INT8, as measured on March 12 and shown in Table 2.", "hardware", "missing"),
        ("The compiler automatically compresses the weights into INT8.", "calibration_method", "partial"),
        ("The compiler compresses pages.", "calibration_method", "missing"),
        ("| Weight Storage Data Type | tok/s |\n|---|---|\n| int8 | 90 |\n", "tensors_quantized", "disclosed"),
        ("Our users own cards.", "workload_relevance", "missing"),
        ("Accuracy was measured in INT8 on our own recordings.", "workload_relevance", "disclosed"),
        ("We calibrated INT8 on our own recordings.", "workload_relevance", "missing"),
    ],
)
def test_how_a_thing_is_told_decides_and_not_that_its_word_stands_there(text: str, component: str, status: str) -> None:
    assert read(text).overview[Component(component)].status.value == status


def test_headers_of_files_read_as_those_of_people() -> None:
    table = "model,precision,tokens_per_s,ttft_ms\nLlama-3.1-8B,BF16,812.4,310\nLlama-3.1-8B,FP8,1266.9,205\n"
    found = [v for r in load(table.encode(), source="x.csv").regimes for v in r.values]
    assert {(v.component, v.low) for v in found} == {(RATE, 812.4), (RATE, 1266.9), (TIME, 310), (TIME, 205)}


def test_a_rate_of_a_competitor_is_none_of_the_vendors() -> None:
    text = "Unlike RivalNet in INT8, which reaches 900 FPS, our INT8 model reaches 1,500 FPS."
    assert numbers(text, RATE) == {1500}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The WER of INT8 is 0.2 points higher than that of FP32.", {(0.2, "points loss")}),
        ("The WER of INT8 is 0.2 points lower than that of FP32.", set()),
        ("INT8 gains 0.3 points on MMLU over BF16.", set()),
        ("INT8 loses 0.3 points on MMLU against BF16.", {(0.3, "points loss")}),
        ("INT8 keeps its accuracy on MMLU and runs 33 % faster.", set()),
        ("On MMLU a drop of 0.5 points, 99.3 % recovery.", {(0.5, "points loss"), (99.3, "% recovery")}),
    ],
)
def test_a_difference_is_no_score_and_an_improvement_no_loss(text: str, told: set[tuple[float, str]]) -> None:
    assert {(v.low, v.unit) for v in values(text, RESULT)} == told


def test_an_accuracy_before_quantization_is_the_references() -> None:
    assert numbers("Its MMLU accuracy of 63.2 % was measured before quantization.", REFERENCE) == {63.2}
    assert numbers("Its MMLU accuracy of 63.2 % was measured after quantization to INT8.", RESULT) == {63.2}


def test_a_pair_is_read_in_the_order_of_its_names() -> None:
    text = "MMLU for BF16 vs. INT8 is 70.1 vs. 69.8."
    assert (numbers(text, REFERENCE), numbers(text, RESULT)) == ({70.1}, {69.8})
    text = "MMLU for INT8 is 69.8 vs. 70.1."
    assert (numbers(text, REFERENCE), numbers(text, RESULT)) == ({70.1}, {69.8})


TABLE = "| | FP32 | INT8 | {} |\n|---|---|---|---|\n| BLEU | 31.4 | 31.2 | {} |\n| ms | 12.0 | 6.1 | {} |\n"


def test_a_column_of_differences_holds_losses_and_neither_scores_nor_times() -> None:
    text = TABLE.format("Δ", "-0.2", "-49%")
    assert {(v.low, v.unit) for v in values(text, RESULT)} == {(31.2, ""), (0.2, "loss")}
    assert numbers(text, TIME) == {12.0, 6.1}
    assert {v.low for v in values(TABLE.format("Δ", "+0.2", ""), RESULT)} == {31.2}


def test_another_model_of_a_table_does_not_take_the_format_of_the_title() -> None:
    card = "| Benchmark | Acme-7B | Acme-7B-INT8 | Qwen2.5-7B |\n|---|---|---|---|\n| MMLU | 71.2 | 70.9 | 74.2 |\n"
    assert (numbers(card, REFERENCE), numbers(card, RESULT)) == ({71.2}, {70.9})


def test_training_in_a_table_is_no_inference() -> None:
    table = "| Model | {} (tokens/s) |\n|---|---|\n| Acme-7B | 12000 |\n"
    assert not numbers(table.format("Training throughput"), RATE)
    assert numbers(table.format("Decode throughput"), RATE) == {12000}


@pytest.mark.parametrize(
    ("of", "trap", "nearest"),
    [
        (Component.CALIBRATION_DATA, "Calibration with 512 samples of C4 will be added in a future release.",
         "We calibrated with 512 samples of C4."),
        (Component.CALIBRATION_DATA, "[Number of calibration samples, e.g. 512 samples from C4]",
         "Calibration: 512 samples from C4."),
        (Component.EVALUATION_SET, "We never evaluated on GSM8K.", "We evaluated on GSM8K."),
        (Component.HARDWARE, "Training took 14 days on 256 H100.", "Inference was measured on an H100."),
        (Component.SUSTAINED_THROUGHPUT, "ResNet-50 in INT8 runs at 3,400 FPS on an L4.",
         "ResNet-50 in INT8: 3,400 FPS on an L4, mean of 8 runs."),
    ],
)  # fmt: skip
def test_what_was_not_done_or_only_looks_so_is_not_disclosed(of: Component, trap: str, nearest: str) -> None:
    assert read(trap).overview[of].status is not Status.DISCLOSED
    assert read(nearest).overview[of].status is Status.DISCLOSED


FP8 = "# Terra-11B-FP8-dynamic\n\n"
STATIC = "{} static per-tensor activations in FP8. No calibration data is needed.\n"
W4 = "# Terra-7B-W4A16\n\n"
FAST = "{}\n\n| Batch | FP16 (tok/s) | INT8 (tok/s) | Speedup |\n|---|---|---|---|\n"
FAST += "| 16 | 800 | 1040 | 1.3x |\n| 32 | 1500 | 1700 | 1.13x |\n"
HEADED = "| Benchmark | FP8 | {} |\n|---|---|---|\n| MMLU | 65.0 | 64.0 |\n"
COLUMN = "| Model | Precision | tok/s |\n|---|---|---|\n| Terra-7B | {} | 95 |\n"


@pytest.mark.parametrize(
    ("title", "trap", "true"),
    [
        (FP8, STATIC.format("The baseline model has"), STATIC.format("The model has")),
        (W4, "We also quantized the weights to INT8 elsewhere.", "We quantized the weights to INT8."),
        (TITLE, FAST.format("On CPUs INT8 is 3.5x faster than FP32."), FAST.format("INT8 is 3.5x faster than FP32.")),
        (W4, HEADED.format("This model"), HEADED.format("FP8 dynamic")),
        (W4, COLUMN.format("INT4"), COLUMN.format("INT8")),
        (TITLE, "Weights are per channel.\n\nIn the earlier v1, weights were quantized per tensor.",
         "Weights are quantized per channel.\n\nWeights are quantized per tensor."),
    ],
)  # fmt: skip
def test_what_is_said_of_something_else_contradicts_nothing(title: str, trap: str, true: str) -> None:
    assert not read(trap, title).conflicts
    assert read(true, title).conflicts


def test_sixteen_bit_is_no_word_of_quantization() -> None:
    text = "The vision tower runs in {} precision on an A100.\n"
    policy = Component.MIXED_PRECISION_POLICY
    assert read(text.format("16-bit"), "# Acme-7B\n\n").overview[policy].status is Status.MISSING
    assert (
        read("The vision tower stays in 16-bit, the rest is quantized.\n").overview[policy].status is Status.DISCLOSED
    )
