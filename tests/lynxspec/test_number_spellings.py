"""Numbers as vendors write them, and what a buyer's plan would read."""

from __future__ import annotations

import pytest

from lynxspec.draft import Value
from lynxspec.importers.importer import load
from lynxspec.vocabulary import Component, Strength

EXACT, BOUND = Strength.EXACT, Strength.BOUND
THIN, NARROW, HARD = "\u2009", "\u202f", "\u00a0"


def values(text: str, component: Component) -> list[Value]:
    draft = load(f"# Llama-3.1-8B in INT8\n\n{text}".encode(), source="nordlicht.md")
    return [v for r in draft.regimes for v in r.values if v.component is component and v.low is not None]


@pytest.mark.parametrize(
    ("spelled", "low", "high", "strength"),
    [
        ("2.1x faster than", 2.1, 2.1, EXACT),
        ("2.1× faster than", 2.1, 2.1, EXACT),
        (f"2.1{NARROW}× faster than", 2.1, 2.1, EXACT),
        ("2.1X faster than", 2.1, 2.1, EXACT),
        ("~2x faster than", 2, 2, EXACT),
        ("2.2 times faster than", 2.2, 2.2, EXACT),
        ("twice as fast as", 2, 2, EXACT),
        ("0.75x as fast as", 0.75, 0.75, EXACT),
        ("1.5-3x faster than", 1.5, 3, EXACT),
        ("1.5–3× faster than", 1.5, 3, EXACT),
        ("1.5x to 3x faster than", 1.5, 3, EXACT),
        ("1.5 to 3X faster than", 1.5, 3, EXACT),
        ("33 % faster than", 1.33, 1.33, EXACT),
        ("33% faster than", 1.33, 1.33, EXACT),
        (f"33{THIN}% faster than", 1.33, 1.33, EXACT),
        ("25-45 % faster than", 1.25, 1.45, EXACT),
        ("up to 2x faster than", 2, 2, BOUND),
        ("up to 33 % faster than", 1.33, 1.33, BOUND),
        ("at least 1.5x faster than", 1.5, 1.5, BOUND),
        ("more than 2x faster than", 2, 2, BOUND),
        ("**1.37x** to **5.07x** faster than", 1.37, 5.07, EXACT),
    ],
)
def test_a_gain_is_a_factor(spelled: str, low: float, high: float, strength: Strength) -> None:
    found = values(f"On one L4, INT8 is {spelled} FP16.", Component.THROUGHPUT_GAIN)
    assert [(v.low, v.high, v.unit, v.strength) for v in found] == [
        (pytest.approx(low), pytest.approx(high), "x", strength)
    ]


def test_a_signed_percentage_in_a_column_of_gains_is_a_factor() -> None:
    table = "| Precision | Speed-up over FP16 |\n|---|---|\n| INT8 | +33 % |\n| INT4 | -7.3% |\n"
    found = values(table, Component.THROUGHPUT_GAIN)
    assert {(v.precision, round(v.low or 0, 4)) for v in found} == {("INT8", 1.33), ("INT4", 0.927)}


def test_a_column_of_percent_gains_needs_no_sign_in_its_cells() -> None:
    table = "| Precision | % Gain over FP16 throughput |\n|---|---|\n| INT8 | 111.85 |\n"
    found = values(table, Component.THROUGHPUT_GAIN)
    assert [(v.low, v.unit, v.against) for v in found] == [(pytest.approx(2.1185), "x", "FP16")]


@pytest.mark.parametrize(
    ("spelled", "value", "unit"),
    [
        ("1,234.5 tokens/s", 1234.5, "tokens/s"),
        ("30K tok/s", 30_000, "tokens/s"),
        ("30k tokens per second", 30_000, "tokens/s"),
        ("60 thousand tokens/s", 60_000, "tokens/s"),
        (f"1{THIN}234.5 tokens/s", 1234.5, "tokens/s"),
        (f"23{NARROW}545 tokens/s", 23_545, "tokens/s"),
        (f"1,234.5{HARD}tok/sec", 1234.5, "tokens/s"),
        ("865.09 ±8.30 tokens/s", 865.09, "tokens/s"),
        ("88 t/s", 88, "tokens/s"),
        ("120 tps", 120, "tokens/s"),
        ("2,100 TGS", 2100, "tokens/s/gpu"),
        ("2,100 tokens/s/GPU", 2100, "tokens/s/gpu"),
        ("412 FPS", 412, "frames/s"),
        ("412 frames per second", 412, "frames/s"),
        ("5,400 images/sec", 5400, "images/s"),
        ("80.2353 samples per second", 80.2353, "samples/s"),
        ("7.5 RPS", 7.5, "requests/s"),
        ("7.5 requests/s", 7.5, "requests/s"),
    ],
)
def test_a_rate_is_a_number_and_a_unit(spelled: str, value: float, unit: str) -> None:
    found = values(f"On one L4, the INT8 model reaches {spelled}.", Component.SUSTAINED_THROUGHPUT)
    assert [(v.low, v.high, v.unit, v.strength) for v in found] == [(value, value, unit, EXACT)]


@pytest.mark.parametrize(
    ("spelled", "milliseconds"),
    [
        ("12.5 ms", 12.5),
        ("0.012 s", 12),
        ("850 µs", 0.85),
        ("850 us", 0.85),
        ("1.2 seconds", 1200),
        ("8 milliseconds", 8),
    ],
)
def test_a_latency_is_in_milliseconds(spelled: str, milliseconds: float) -> None:
    found = values(f"On one L4, the latency of the INT8 model is {spelled}.", Component.LATENCY)
    assert [(v.low, v.unit) for v in found] == [(pytest.approx(milliseconds), "ms")]


@pytest.mark.parametrize(
    ("spelled", "value", "unit"),
    [
        ("The INT8 model reaches 67.9 on MMLU.", 67.9, ""),
        ("The INT8 model reaches 67.9 % on MMLU.", 67.9, "%"),
        ("INT8 costs 1.5% MMLU loss.", 1.5, "% loss"),
        ("INT8 has 99.3 % recovery on MMLU.", 99.3, "% recovery"),
    ],
)
def test_an_accuracy_is_what_is_printed(spelled: str, value: float, unit: str) -> None:
    found = values(spelled, Component.ACCURACY_RESULT)
    assert [(v.low, v.unit, v.dataset) for v in found] == [(value, unit, "MMLU")]


@pytest.mark.parametrize(
    "text",
    [
        "INT8 runs on MI300X.",
        "Images are 1024x1024 pixels.",
        "INT8 runs on 8x H100.",
        "The zoo has Mixtral-8x7B.",
        "INT8 was made with release 2.1.x of the tool.",
        "The card is a Metis 1x.",
    ],
)
def test_a_number_beside_an_x_is_not_always_a_factor(text: str) -> None:
    assert values(text, Component.THROUGHPUT_GAIN) == []


@pytest.mark.parametrize(
    ("spelled", "samples"),
    [
        ("512 samples of C4", 512),
        ("1,024 samples of C4", 1024),
        (f"1{THIN}024 samples of C4", 1024),
        ("2k samples of C4", 2000),
        ("128 sequences of C4, 2048 tokens each", 128),
    ],
)
def test_a_calibration_set_has_a_count(spelled: str, samples: int) -> None:
    found = values(f"We calibrated INT8 with {spelled}.", Component.CALIBRATION_DATA)
    assert [(v.low, v.unit) for v in found] == [(samples, "samples")]
