"""What the judge makes of layers, bits, distances, noise and repetitions: it names much and accuses for little."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from verifier.evidence.inspection import Layer
from verifier.judge.layers import layer_rows
from verifier.judge.storage import BLOCKS
from verifier.verdict import Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

INT8, FP32 = zoo.INT8, zoo.FP32


def judged(change, claim=None) -> dict:
    claim, evidence = claim or zoo.claim_data(), zoo.evidence_data()
    change(evidence)
    return zoo.verdicts(claim, evidence)


def ledger_of(evidence, kind: str, regime: str = "int8"):
    return next(x for x in evidence["ledgers"] if (x["regime"], x["ledger"]) == (regime, kind))


def layer(node: str, compute: str, share: float | None = None, weight: str = "", op_type: str = "Conv") -> dict:
    return {
        "node": node,
        "op_type": op_type,
        "weight": weight or f"{node}.weight",
        "weight_format": "int8",
        "compute": compute,
        "time_share": share,
    }


def floats(evidence, count: int, share: float, layers: int = 53) -> None:
    """``count`` of the convolutions run in fp32 and take ``share`` of the kernel time."""
    run = ledger_of(evidence, "executed")
    names = [f"conv{i}" for i in range(layers)]
    run["operators"] = [
        {"op_type": "Conv", "compute": "fp32", "count": count, "time_share": share, "examples": names[:count]},
        {
            "op_type": "QLinearConv",
            "compute": "int8",
            "count": layers - count,
            "time_share": 0.8 - share,
            "examples": names[count:],
        },
    ]
    ledger_of(evidence, "supplied_artifact")["operators"] = [
        {"op_type": "Conv", "compute": "int8", "count": layers, "time_share": None, "examples": names}
    ]


def test_int8_whose_convolutions_run_in_fp32_is_refuted_and_the_share_of_time_is_told() -> None:
    verdict = judged(lambda e: floats(e, 20, 0.4))["precision_executed/int8"]
    assert verdict.reason == "other_precision_executed"
    assert "20 of 53 convolutions run in fp32, 50 % of the products' time" in verdict.notes


def test_where_each_layer_is_known_its_own_time_counts_and_not_the_average() -> None:
    """One convolution is left in float by declaration and takes the time; the one that strays takes next to none."""

    def change(evidence, stray: float) -> None:
        floats(evidence, 2, 0.3)
        file, run = ledger_of(evidence, "supplied_artifact"), ledger_of(evidence, "executed")
        weights = next(g for g in file["tensors"] if g["tensor_class"] == "weights")
        weights["tensors"] -= 1
        file["tensors"].append(weights | {"format": "fp32", "granularity": "none", "symmetry": "none", "tensors": 1})
        file["operators"] = [
            {"op_type": "Conv", "compute": "fp32", "count": 1, "time_share": None, "examples": ["conv0"]},
            {"op_type": "Conv", "compute": "int8", "count": 52, "time_share": None, "examples": ["conv1"]},
        ]
        file["layers"] = [layer(f"conv{i}", "fp32" if i == 0 else "int8") for i in range(53)]
        shares = [0.3 - stray, stray] + [0.5 / 51] * 51
        run["layers"] = [layer(f"conv{i}", "fp32" if i < 2 else "int8", shares[i]) for i in range(53)]

    assert judged(lambda e: change(e, 0.0))["precision_executed/int8"].verdict is Verdict.REPRODUCED
    small = judged(lambda e: change(e, 0.001))["precision_executed/int8"]
    assert small.verdict is Verdict.REPRODUCED  # by the average of the two it would be 19 %
    assert any("1 of 53 layers run otherwise than the file says: conv1" in note for note in small.notes)
    assert judged(lambda e: change(e, 0.1))["precision_executed/int8"].reason == "other_precision_executed"


def test_a_claim_about_weights_alone_that_is_silent_on_activations_says_nothing_of_the_arithmetic() -> None:
    claim = zoo.claim_data()
    regime = claim["regimes"][1]
    groups = {"format": "int4", "granularity": {"kind": "per_group", "group_size": 32, "axis": 0}}
    for name in ("weights", "head"):
        regime["precision"][name] |= groups
    regime["precision"]["activations"] = {"unknown": "the runtime decides"}
    regime["quantization"]["approach"] = "weight_only"
    assert "precision_executed/int8" not in zoo.verdicts(claim, zoo.evidence_data())


@pytest.mark.parametrize("heavy", ["stray", "declared"])
def test_an_average_does_not_decide_against_the_layers_that_are_known(heavy: str) -> None:
    """Ten products are FP32 in the file; one convolution more runs so. Another layer is not found again in what ran."""

    def change(evidence) -> None:
        times = {"stray": 0.2 if heavy == "stray" else 0.0001, "declared": 0.06 if heavy == "declared" else 0.0001}
        floats(evidence, 11, times["stray"] + 10 * times["declared"])
        file, run = ledger_of(evidence, "supplied_artifact"), ledger_of(evidence, "executed")
        weights = next(g for g in file["tensors"] if g["tensor_class"] == "weights")
        weights["tensors"] -= 10
        file["tensors"].append(weights | {"format": "fp32", "granularity": "none", "symmetry": "none", "tensors": 10})
        file["operators"] = [
            {"op_type": "Conv", "compute": "fp32", "count": 10, "time_share": None, "examples": ["conv0"]},
            {"op_type": "Conv", "compute": "int8", "count": 43, "time_share": None, "examples": ["conv10"]},
        ]
        file["layers"] = [layer(f"conv{i}", "fp32" if i < 10 else "int8") for i in range(53)]
        shares = [times["declared"]] * 10 + [times["stray"]] + [0.5 / 42] * 42
        ran = [layer(f"conv{i}", "fp32" if i < 11 else "int8", shares[i]) for i in range(52)]
        run["layers"] = [*ran, layer("fused", "int8", 0.01, weight="merged", op_type="LSTM")]

    found = judged(change)["precision_executed/int8"]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "evidence_too_weak")


def test_what_conversions_between_formats_cost_is_noted() -> None:
    def change(evidence) -> None:
        ledger_of(evidence, "executed")["time"] = [
            {"op_type": "DequantizeLinear", "count": 53, "time_share": 0.33},
            {"op_type": "Relu", "count": 53, "time_share": 0.2},
        ]

    assert "conversions between formats take 33 % of the kernel time" in judged(change)["precision_executed/int8"].notes


def rows(file: list[dict], run: list[dict]) -> list[str | None]:
    plain = zoo.evidence_data()
    ledgers = [
        ledger_of(plain, kind) | {"layers": found} for kind, found in (("supplied_artifact", file), ("executed", run))
    ]
    built = [type("Ledger", (), {"layers": tuple(Layer.model_validate(x) for x in x["layers"])}) for x in ledgers]
    return [row.executed for row in layer_rows(*built)]


def test_layers_are_found_again_by_weight_by_node_and_by_order_only_if_none_is_lost() -> None:
    file = [layer("a", "int8"), layer("b", "int8"), layer("c", "int8", weight="w9"), layer("d", "int8", weight="w8")]
    run = [
        layer("renamed", "fp32", weight="a.weight"),
        layer("b_quant", "int16", weight="other"),
        layer("x", "bf16", weight="y"),
        layer("z", "fp16", weight="v"),
    ]
    assert rows(file, run) == ["fp32", "int16", "bf16", "fp16"]
    assert rows(file, run[:3]) == ["fp32", "int16", None, None]


def stored(name: str, low: float, high: float, **changes) -> dict:
    return {
        "tensor_class": "weights",
        "format": "int8",
        "granularity": "per_channel(axis=0)",
        "stored_as": "int8",
        "tensors": 1,
        "elements": 1000,
        "low": low,
        "high": high,
        "used_bits": 4 if low >= -8 and high <= 7 else 8,
        "numeric_bits": 8,
        "storage_bits": 8.0,
        "effective_bits": 8.25,
        "examples": [name],
    } | changes


def four_bit_claim() -> dict:
    claim = zoo.claim_data()
    claim["regimes"][1]["precision"]["weights"]["format"] = "int4"
    return claim


WEIGHTS = tuple(f"w{i}" for i in range(9))
"""More than the first and the last layer, which the claim declares apart."""


def hold(evidence, low: float, high: float) -> None:
    """All weights of the file, by name, with the range of their codes."""
    file = ledger_of(evidence, "supplied_artifact")
    for group in file["tensors"]:
        if group["tensor_class"] == "weights":
            group |= {"tensors": len(WEIGHTS), "examples": list(WEIGHTS)}
    file["storage"] = [stored("", low, high, tensors=len(WEIGHTS), examples=list(WEIGHTS))]


def test_four_bit_values_one_per_byte_are_four_bit_values_and_their_bits_are_told() -> None:
    verdict = judged(lambda e: hold(e, -8, 7), four_bit_claim())["precision_artifact/int8"]
    assert verdict.verdict is Verdict.REPRODUCED
    assert "8 bits per number, 8 in the file, 8.25 with scales and zero points" in verdict.measured
    assert "weights: 9 tensors hold int4 values in int8" in verdict.notes
    assert any("which 4 bits would hold" in note for note in verdict.notes)


@pytest.mark.parametrize(("high", "verdict"), [(7, Verdict.REPRODUCED), (8, Verdict.REFUTED)])
def test_the_first_layer_is_in_four_bit_where_all_weights_are_whatever_a_byte_is_called(high: int, verdict) -> None:
    claim = four_bit_claim()
    claim["regimes"][1]["mixed_precision"]["first_layer"] = "int4"

    def change(evidence) -> None:
        hold(evidence, -8, high)
        ledger_of(evidence, "supplied_artifact").update(first_layer="int8", last_layer="int8")

    assert judged(change, claim)["precision_artifact/int8"].verdict is verdict


@pytest.mark.parametrize("change", [lambda e: hold(e, -8, 8), dict.copy])
def test_values_beyond_four_bits_or_of_unknown_range_are_another_precision(change) -> None:
    assert judged(change, four_bit_claim())["precision_artifact/int8"].reason == "other_precision"


def test_a_range_that_is_known_of_some_tensors_speaks_for_these_alone() -> None:
    def change(evidence) -> None:
        hold(evidence, -8, 7)
        weights = next(g for g in ledger_of(evidence, "supplied_artifact")["tensors"] if g["tensor_class"] == "weights")
        weights |= {"tensors": 18, "examples": [*WEIGHTS, *(f"unknown{i}" for i in range(9))]}

    assert judged(change, four_bit_claim())["precision_artifact/int8"].reason == "other_precision"


@pytest.mark.parametrize(("block", "verdict"), [(32, Verdict.REPRODUCED), (16, Verdict.REFUTED)])
def test_a_block_format_is_known_by_its_elements_and_its_block(block: int, verdict: Verdict) -> None:
    claim = zoo.claim_data()
    scheme = claim["regimes"][1]["precision"]["weights"]
    scheme |= {"format": "mxfp4", "granularity": {"kind": "per_group", "group_size": 32, "axis": 0}}
    element, _ = BLOCKS["mxfp4"]

    def change(evidence) -> None:
        for group in ledger_of(evidence, "supplied_artifact")["tensors"]:
            if group["tensor_class"] == "weights":
                group |= {"format": element, "granularity": f"per_group({block})"}

    assert judged(change, claim)["precision_artifact/int8"].verdict is verdict


@pytest.mark.parametrize(("block", "verdict"), [(32, Verdict.REPRODUCED), (16, Verdict.REFUTED)])
def test_the_first_layer_of_a_block_format_is_called_after_its_elements_in_the_file(block: int, verdict) -> None:
    claim = zoo.claim_data()
    scheme = claim["regimes"][1]["precision"]["weights"]
    scheme |= {"format": "mxfp4", "granularity": {"kind": "per_group", "group_size": 32, "axis": 0}}
    claim["regimes"][1]["mixed_precision"]["first_layer"] = "mxfp4"

    def change(evidence) -> None:
        file = ledger_of(evidence, "supplied_artifact")
        file.update(first_layer="fp4_e2m1", last_layer="int8")
        for group in file["tensors"]:
            if group["tensor_class"] == "weights":
                group |= {"format": "fp4_e2m1", "granularity": f"per_group({block})"}

    assert judged(change, claim)["precision_artifact/int8"].verdict is verdict


@pytest.mark.parametrize(("covered", "verdict"), [(False, Verdict.INCONCLUSIVE), (True, Verdict.REPRODUCED)])
def test_weights_that_the_file_computes_neither_clear_nor_accuse_it_unless_the_policy_names_them(covered, verdict):
    claim = zoo.claim_data()
    selector = {"kind": "tensor_class", "values": ["weights"]}
    if covered:
        exception = {"selector": selector, "format": "fp32", "reason": "made at load"}
        claim["regimes"][1]["mixed_precision"]["exceptions"] = [exception]

    def change(evidence) -> None:
        file, run = ledger_of(evidence, "supplied_artifact"), ledger_of(evidence, "executed")
        plain = {"format": "fp32", "granularity": "computed", "symmetry": "none", "timing": "none", "tensors": 1}
        file["tensors"].append(file["tensors"][0] | plain | {"examples": ["made"]})
        product = {"op_type": "MatMul", "compute": "fp32", "count": 1, "examples": ["hidden"]}
        file["operators"].append(product | {"time_share": None})
        run["operators"].append(product | {"time_share": 0.4})

    found = judged(change, claim)
    assert found["precision_artifact/int8"].verdict is verdict
    assert found["precision_executed/int8"].verdict is Verdict.INCONCLUSIVE  # the policy names a class, not a product


def test_floats_kept_in_front_of_a_pair_are_noted() -> None:
    def change(evidence) -> None:
        ledger_of(evidence, "supplied_artifact")["storage"] = [
            stored("w", -127, 127, stored_as="fp32", storage_bits=32.0, effective_bits=32.1)
        ]

    verdict = judged(change)["precision_artifact/int8"]
    assert verdict.verdict is Verdict.REPRODUCED
    assert "weights: 1 tensors in int8 are kept as fp32: 32 bits per weight" in verdict.notes


@pytest.mark.parametrize(
    ("beyond", "words"), [(0, "gptq left every weight where round-to-nearest would put it"), (500_000, "beyond half a")]
)
def test_an_algorithm_that_moves_weights_may_and_is_said_to_have_or_not(beyond: int, words: str) -> None:
    claim = zoo.claim_data()
    claim["regimes"][1]["quantization"]["algorithm"] = "gptq"

    def change(evidence) -> None:
        evidence["weight_errors"][0] |= {"beyond_half_step": beyond, "worst_steps": 3.0 if beyond else 0.5}

    found = judged(change, claim)
    assert "weight_error/int8" not in found
    assert any(words in note for note in found["recipe_effect/int8"].notes)
    assert found["recipe_effect/int8"].verdict is Verdict.REPRODUCED


def test_distances_are_told_by_format_where_a_file_has_several() -> None:
    row = {"tensors": 1, "elements": 10, "clipped": 2, "worst_steps": 0.4, "beyond_half_step": 0}

    def change(evidence) -> None:
        evidence["weight_errors"][0]["formats"] = [row | {"format": "fp16"}, row | {"format": "int8"}]

    assert "fp16: 0.4, 2 clipped of 10; int8" in judged(change)["weight_error/int8"].measured


def signals(**changes) -> dict:
    noise = {"op_type": "Conv", "weight": "", "tensor": "t", "values": 10}
    return {
        "regime": "int8",
        "sha256": INT8,
        "status": "ok",
        "message": "",
        "family": "convolutional",
        "evaluation_items": 32,
        "calibration_items": 16,
        "layers": [
            noise | {"node": f"l{i}", "sqnr_db": level} for i, level in enumerate((30.0, 9.5, None, 21.0, 17.0))
        ],
        "outputs": [noise | {"node": "", "tensor": "logits", "sqnr_db": 18.25}],
        "unmatched": [],
        "left_out": 0,
        "activations": [
            {
                "tensor": "pooled",
                "low": 0.0,
                "high": 6.0,
                "calibration_values": 1000,
                "calibration_clipped": 1,
                "evaluation_values": 2000,
                "evaluation_clipped": 50,
                "calibration_low": 0.0,
                "calibration_high": 6.1,
                "evaluation_low": 0.0,
                "evaluation_high": 9.0,
            }
        ],
        "outliers": [{"tensor": "ffn", "channels": 8, "max_over_median": 16.8, "kurtosis": 1514.0}],
        "growth": [
            {
                "source": "unrolled_step",
                "name": "w",
                "first": a,
                "last": b,
                "values": 9,
                "sqnr_db": db,
                "differing": None,
            }
            for a, b, db in ((1, 3, 47.0), (4, 6, 31.0))
        ],
    } | changes


def test_sensitive_layers_outliers_and_growth_are_named() -> None:
    notes = judged(lambda e: e.update(signals=[signals()]))["precision_executed/int8"].notes
    assert "signal to noise of the outputs: logits 18.2 dB" in notes
    assert "most sensitive of 5 layers over 32 items: l1 9.5 dB, l4 17 dB, l3 21 dB" in notes
    assert any("16.8 times the median one, kurtosis 1514" in note for note in notes)
    assert "error over the sequence, unrolled step of w: 47 dB at 1 to 3 to 31 dB at 4 to 6" in notes


def test_whether_calibration_represents_the_workload_is_a_number() -> None:
    notes = judged(lambda e: e.update(signals=[signals()]))["recipe_effect/int8"].notes
    (words,) = [note for note in notes if "activation ranges" in note]
    assert "2.5 % of the evaluation set's values over 32 items" in words
    assert "0.1 % of the calibration set's over 16" in words
    assert "most in pooled, 2.5 %" in words


def test_nothing_that_the_comparison_finds_changes_a_verdict() -> None:
    awful = signals(layers=[signals()["layers"][0] | {"sqnr_db": -20.0}], unmatched=["all"], left_out=9, status="ok")
    awful["activations"][0]["evaluation_clipped"] = 2000
    before = zoo.verdicts(zoo.claim_data(), zoo.evidence_data())
    for report in (awful, signals(status="failed", message="the engine stopped", layers=[])):
        after = judged(lambda e, report=report: e.update(signals=[report]))
        assert {k: (v.verdict, v.reason) for k, v in after.items()} == {
            k: (v.verdict, v.reason) for k, v in before.items()
        }


def test_a_comparison_that_failed_says_so_and_prints_no_number() -> None:
    failed = signals(status="failed", message="the engine stopped", layers=[], outputs=[], activations=[], growth=[])
    found = judged(lambda e: e.update(signals=[failed]))
    assert "signal and noise were not measured: the engine stopped" in found["precision_executed/int8"].notes
    assert not any("activation ranges" in note for note in found["recipe_effect/int8"].notes)


def repeats(*digests: str, threads: tuple[int | None, ...] = (2, 2, 1)) -> dict:
    rows = [
        {"process": p, "threads": t, "run": r, "outputs_sha256": d * 64}
        for (p, r), t, d in zip(((1, 1), (1, 2), (2, 1)), threads, digests, strict=True)
    ]
    return {"regime": "int8", "sha256": INT8, "status": "ok", "message": "", "items": 64, "repetitions": rows}


def test_outputs_that_repeat_in_one_process_and_with_other_threads_are_deterministic() -> None:
    verdict = judged(lambda e: e.update(repeats=[repeats("c", "c", "c")]))["determinism/int8"]
    assert verdict.verdict is Verdict.REPRODUCED
    assert "twice in one process, and with 1 thread and 2 threads" in verdict.explanation


@pytest.mark.parametrize(
    ("digests", "where"),
    [
        ("cdc", "when the same process is given them again"),
        ("ccd", "in another process with 1 thread, where the first"),
    ],
)
def test_outputs_that_differ_anywhere_are_not_and_that_decides_nothing_else(digests: str, where: str) -> None:
    verdict = judged(lambda e: e.update(repeats=[repeats(*digests)]))["determinism/int8"]
    assert (verdict.verdict, verdict.reason) == (Verdict.INCONCLUSIVE, "not_deterministic")
    assert where in verdict.explanation


def test_repetitions_of_another_file_say_nothing_of_this_one() -> None:
    other = repeats("c", "d", "d") | {"sha256": FP32}
    assert judged(lambda e: e.update(repeats=[other]))["determinism/int8"].verdict is Verdict.REPRODUCED
