"""Phrases that look like a disclosure and are none, each beside the nearest phrase that is one.

The pairs stand in ``tests/data/traps.yaml``; where more than a status is at stake, a test stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lynxspec.draft import Draft, Value
from lynxspec.importers.importer import load
from lynxspec.vocabulary import Component, Status, Strength

GAIN, RATE, ACCURACY = Component.THROUGHPUT_GAIN, Component.SUSTAINED_THROUGHPUT, Component.ACCURACY_RESULT
RANK = {Status.NOT_APPLICABLE: 0, Status.MISSING: 0, Status.CONTRADICTED: 1, Status.PARTIAL: 1, Status.DISCLOSED: 2}
CARD = "# ResNet-50 in INT8\n\nThis model was obtained by quantizing ResNet-50 to INT8.\n\n"
TRAPS = YAML(typ="safe").load((Path(__file__).parents[1] / "data" / "traps.yaml").read_text(encoding="utf-8"))


def read(text: str) -> Draft:
    return load(text.encode(), source="nordlicht.md")


def values(draft: Draft, component: Component) -> list[Value]:
    """Numbers of a component, whichever regime they belong to; adjectives have none."""
    return [v for r in draft.regimes for v in r.values if v.component is component and v.low is not None]


def bare(name: str) -> str:
    """A name without case, blanks and punctuation."""
    return "".join(c for c in name.lower() if c.isalnum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A phrase that only looks like a disclosure, and one that is."""

    of: Component
    trap: str
    nearest: str
    at_most: Status
    gives: Status

    def springs(self) -> None:
        """Fail if the trap catches its reader."""
        draft = read(self.trap)
        said = draft.overview[self.of]
        assert RANK[said.status] <= RANK[self.at_most], (said.status, said.value, [q.text for q in said.evidence])
        if self.of is GAIN and self.at_most is Status.MISSING:
            assert values(draft, GAIN) == []

    def holds(self) -> None:
        """Fail if the nearest true case goes unseen."""
        said = read(self.nearest).overview[self.of]
        assert said.status is self.gives, (said.status, said.value, said.note)
        assert said.evidence


def pairs_of(trap: int) -> pytest.MarkDecorator:
    """Run a class over the pairs of a trap."""
    made = [
        Pair(
            of=Component(given["of"]),
            trap=given.get("card", CARD) + given["trap"],
            nearest=given.get("card", CARD) + given["nearest"],
            at_most=Status(given.get("at_most", "missing")),
            gives=Status(given.get("gives", "disclosed")),
        )
        for given in TRAPS[trap].values()
    ]
    return pytest.mark.parametrize("pair", made, ids=list(TRAPS[trap]))


@pairs_of(1)
class TestTrap1GenericText:
    def test_a_primer_discloses_nothing_of_this_model(self, pair: Pair) -> None:
        pair.springs()

    def test_what_the_vendor_did_is_a_disclosure(self, pair: Pair) -> None:
        pair.holds()


SPEEDS = "| Precision | Images/s | Speedup vs FP16 |\n|---|---|---|\n| FP16 | 500 | 1.0x |\n| INT8 | 700 | 1.4x |\n"
SCORES = (
    "# Llama-3.1-8B-W4A16\n\n| Benchmark | BF16 | {} |\n|---|---|---|\n| MMLU | 68.9 | 68.6 |\n| ARC | 83.0 | 82.7 |"
)
TOP_1 = "\n\n| Precision | ImageNet top-1 (%) |\n|---|---|\n| FP32 | 76.1 |\n| INT8 | 74.2 |"


@pytest.mark.parametrize(
    ("component", "text", "torn", "sound"),
    [
        pytest.param(
            Component.PRECISION_FORMAT,
            "# Llama-3.1-8B-W4A16\n\nThis model was obtained by quantizing the weights of Llama-3.1-8B to {}.",
            *("INT8", "INT4"),
            id="name_against_body",
        ),
        pytest.param(
            Component.THROUGHPUT_GAIN,
            CARD + "INT8 is {} faster than FP16.\n\n" + SPEEDS,
            *("2x", "1.4x"),
            id="headline_against_table",
        ),
        pytest.param(
            Component.GRANULARITY,
            CARD + "Weights are quantized per channel.\n\nThe {} use a single per-tensor scale.",
            *("weights", "activations"),
            id="two_granularities_of_one_tensor",
        ),
        pytest.param(Component.ACCURACY_RESULT, SCORES, *("W8A8", "W4A16"), id="results_headed_with_another_precision"),
        pytest.param(
            Component.ACCURACY_RESULT,
            CARD + "The INT8 model reaches {} % top-1 on ImageNet." + TOP_1,
            *("76.0", "74.2"),
            id="prose_against_table",
        ),
    ],
)
class TestTrap2SelfContradiction:
    def test_two_places_that_cannot_both_be_true_are_shown(
        self, component: Component, text: str, torn: str, sound: str
    ) -> None:
        assert torn != sound
        found = [c for c in read(text.format(torn)).conflicts if c.component is component]
        assert found
        assert len({quote.start for quote in found[0].places}) == 2

    def test_places_that_agree_are_no_contradiction(
        self, component: Component, text: str, torn: str, sound: str
    ) -> None:
        assert torn != sound
        assert [c.message for c in read(text.format(sound)).conflicts if c.component is component] == []


@pairs_of(3)
class TestTrap3OtherCauses:
    def test_a_factor_of_another_cause_is_no_measured_gain(self, pair: Pair) -> None:
        pair.springs()

    def test_a_factor_between_two_precisions_is(self, pair: Pair) -> None:
        pair.holds()


@pairs_of(4)
class TestTrap4Baselines:
    def test_a_baseline_that_is_quantized_or_elsewhere_is_not_disclosed(self, pair: Pair) -> None:
        pair.springs()

    def test_a_full_precision_baseline_on_the_same_hardware_is(self, pair: Pair) -> None:
        pair.holds()


def test_trap_4_each_gain_of_a_chain_is_held_against_its_own_baseline() -> None:
    draft = read(
        "# Llama-3.1-8B in FP8\n\nPer-tensor FP8 generates tokens 1.5x faster than BF16. "
        "INT4 generates tokens 1.2x faster than FP8."
    )
    assert {(v.low, v.against) for v in values(draft, GAIN)} == {(1.5, "BF16"), (1.2, "FP8")}


@pairs_of(5)
class TestTrap5Enumerations:
    def test_a_list_of_what_exists_is_not_what_was_done(self, pair: Pair) -> None:
        pair.springs()

    def test_one_of_the_list_that_was_used_is(self, pair: Pair) -> None:
        pair.holds()


@pairs_of(6)
class TestTrap6Adjectives:
    def test_praise_is_no_accuracy(self, pair: Pair) -> None:
        pair.springs()
        assert values(read(pair.trap), ACCURACY) == []

    def test_a_number_of_the_quantized_model_is(self, pair: Pair) -> None:
        pair.holds()


@pytest.mark.parametrize(
    "praise", ["Accuracy is near-lossless.", "INT8 has virtually no impact on accuracy.", "量化后精度几乎无损。"]
)
def test_trap_6_praise_of_accuracy_is_partial(praise: str) -> None:
    assert read(CARD + praise).overview[ACCURACY].status is Status.PARTIAL


def test_trap_6_better_performance_on_a_benchmark_is_no_speed() -> None:
    assert values(read(CARD + "INT8 improves performance on ImageNet by 2 % top-1."), GAIN) == []
    faster = values(read(CARD + "INT8 improves throughput by 40 % over FP16."), GAIN)
    assert [(v.low, v.unit) for v in faster] == [(1.4, "x")]


@pairs_of(7)
class TestTrap7OtherObjects:
    def test_a_word_about_something_else_is_no_disclosure(self, pair: Pair) -> None:
        pair.springs()

    def test_the_word_about_this_claim_is(self, pair: Pair) -> None:
        pair.holds()


class TestTrap8NumbersOfAnotherRow:
    def test_the_rate_of_a_16_bit_service_is_not_the_quantized_models(self) -> None:
        service = "# Qwen2.5-7B as a service\n\nOur {} service gives 175 tokens/s. An {} tier is planned."
        plain, quantized = (values(read(service.format(*a)), RATE) for a in (("FP16", "INT8"), ("INT8", "FP8")))
        assert {(v.low, v.role, v.precision) for v in plain} == {(175.0, "reference", "FP16")}
        assert {(v.low, v.role, v.precision) for v in quantized} == {(175.0, "quantized", "INT8")}

    def test_a_cell_that_names_a_precision_belongs_to_it_and_not_to_its_row(self) -> None:
        table = "| Precision | Images/s |\n|---|---|\n| FP16 | 30.6{} |\n| FP16 | 22.0 |\n"
        marked, unmarked = (values(read(CARD + table.format(mark)), RATE) for mark in (" (INT8)", ""))
        assert {(v.low, v.role) for v in marked} == {(30.6, "quantized"), (22.0, "reference")}
        assert {(v.low, v.role) for v in unmarked} == {(30.6, "reference"), (22.0, "reference")}

    def test_prefill_and_decoding_are_apart(self) -> None:
        heads = "| Precision | Prefill (tokens/s) | Decode (tokens/s) |\n|---|---|---|\n"
        table = heads + "| FP16 | 610 | 21 |\n| INT8 | 812 | 38 |\n"
        found = {(v.low, v.precision, v.metric.lower()) for v in values(read("# Llama-3.2-3B\n\n" + table), RATE)}
        assert found == {
            (610, "FP16", "prefill"),
            (21, "FP16", "decode"),
            (812, "INT8", "prefill"),
            (38, "INT8", "decode"),
        }

    def test_rows_of_two_models_are_apart(self) -> None:
        table = (
            "| Model | FP16 FPS | INT8 FPS |\n|---|---|---|\n| ResNet-50 | 500 | 900 |\n| MobileNetV2 | 800 | 1,300 |\n"
        )
        found = {(bare(v.model), v.precision, v.low) for v in values(read("# Zoo\n\n" + table), RATE)}
        assert found == {
            *(("resnet50", "FP16", 500), ("resnet50", "INT8", 900)),
            *(("mobilenetv2", "FP16", 800), ("mobilenetv2", "INT8", 1300)),
        }

    def test_columns_of_two_accelerators_are_apart(self) -> None:
        table = "| Images/s | L4 | A10 |\n|---|---|---|\n| FP16 | 500 | 700 |\n| INT8 | 900 | 1,200 |\n"
        found = {(v.hardware, v.precision, v.low) for v in values(read("# ResNet-50\n\n" + table), RATE)}
        assert {(bare(h).removeprefix("nvidia"), p, n) for h, p, n in found} == {
            *(("l4", "FP16", 500), ("a10", "FP16", 700)),
            *(("l4", "INT8", 900), ("a10", "INT8", 1200)),
        }

    def test_the_accuracy_of_the_reference_is_not_the_quantized_models(self) -> None:
        draft = read(CARD + "The FP32 model has 76.1 % top-1 on ImageNet.")
        assert draft.overview[ACCURACY].status is Status.MISSING
        both = read(CARD + "The FP32 model has 76.1 % top-1 on ImageNet, the INT8 model 75.8 %.")
        assert {v.low for v in values(both, ACCURACY)} == {75.8}
        assert {v.low for v in values(both, Component.ACCURACY_REFERENCE)} == {76.1}


@pairs_of(9)
class TestTrap9PeakRates:
    def test_a_peak_is_not_sustained(self, pair: Pair) -> None:
        pair.springs()
        assert [v for v in values(read(pair.trap), GAIN) if v.strength is Strength.EXACT] == []

    def test_a_measured_rate_is(self, pair: Pair) -> None:
        pair.holds()


def test_trap_9_only_peak_rates_raise_the_flag() -> None:
    peak = "# Edge module\n\n64 TOPS (INT8), 16 GB of memory."
    assert read(peak).overview[Component.PEAK_ONLY].status is Status.DISCLOSED
    measured = peak + "\n\nResNet-50 in INT8: 1,820 images/s over 10 minutes after 60 s of warm-up."
    assert read(measured).overview[Component.PEAK_ONLY].status is not Status.DISCLOSED


def test_trap_9_the_best_case_is_a_bound() -> None:
    best, mean = (values(read(f"# DeepSeek-V3 in FP8\n\n{words}7360 TGS in FP8."), RATE) for words in ("Up to ", ""))
    assert [(v.low, v.unit, v.strength) for v in best] == [(7360, "tokens/s/gpu", Strength.BOUND)]
    assert [(v.low, v.unit, v.strength) for v in mean] == [(7360, "tokens/s/gpu", Strength.EXACT)]


@pairs_of(10)
class TestTrap10PromisedResults:
    def test_a_promise_gives_nothing(self, pair: Pair) -> None:
        pair.springs()
        assert [v for v in values(read(pair.trap), pair.of) if v.role == "quantized"] == []

    def test_the_result_itself_does(self, pair: Pair) -> None:
        pair.holds()


@pairs_of(11)
class TestTrap11TruncationAndTypos:
    def test_what_is_cut_or_misspelled_is_not_taken_for_something_else(self, pair: Pair) -> None:
        pair.springs()

    def test_what_can_still_be_read_is_read(self, pair: Pair) -> None:
        pair.holds()


def test_trap_11_a_short_row_leaves_its_other_columns_empty() -> None:
    table = "| Precision | Images/s | ImageNet top-1 (%) |\n|---|---|---|\n| FP16 | 410 | 76.1 |\n| INT8 | {}"
    cut, whole = (read(CARD + table.format(rest)) for rest in ("802", "802 | 75.8 |"))
    assert values(cut, ACCURACY) == []
    assert [v.low for v in values(whole, ACCURACY)] == [75.8]
    assert 802 in {v.low for v in values(cut, RATE)}


def test_each_trap_has_its_pairs() -> None:
    assert sorted(TRAPS) == [1, 3, 4, 5, 6, 7, 9, 10, 11]
    assert sum(map(len, TRAPS.values())) >= 45
