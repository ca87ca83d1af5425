"""Signal, noise, clipping, outliers and growth on models whose numbers follow by hand or from scipy."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from scipy import stats

from verifier.evidence.inspection import ActivationFit, GrowthPoint, LayerSignal, Outliers
from verifier.inspection import signal as module
from verifier.inspection.moments import Noise, Tails
from verifier.inspection.signal import signal
from verifier.runtimes.onnxruntime import _Session, _session_options, _start, run

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

SCALE = 0.5
"""Step of the hidden activation; its uint8 range with zero point 10 is -5 to 122.5."""


def start(path: str, provider: str, options: dict):
    """A session as the runtime opens it, but for the look at the file in a process of its own, which takes its time."""
    return _Session(_start(path, provider, _session_options(options)))


def compare(folder: Path, reference: Path, quantized: Path, data_items: np.ndarray, **changes) -> dict:
    name = changes.pop("name", "x")
    data = folder / "evaluation.npz"
    np.savez(data, **{name: data_items})
    request = {
        "reference": str(reference),
        "quantized": str(quantized),
        "provider": "CPUExecutionProvider",
        "options": {"intra_op_threads": 1},
        "inputs": [name],
        "batch": 4,
        "items": 32,
        "seconds": 60,
        "family": "convolutional",
        "evaluation": {"data": str(data), "limit": None},
    } | changes
    answer = signal(request, start, run)
    for kind, key in ((LayerSignal, "layers"), (ActivationFit, "activations"), (Outliers, "outliers")):
        for row in answer[key]:
            kind.model_validate(row, strict=False)
    for row in answer["growth"]:
        GrowthPoint.model_validate(row, strict=False)
    return answer


def rounded_hidden(path: Path) -> Path:
    """`two_layers` with its hidden activation quantized: ``relu`` is left to the range, as tools do it."""
    nodes = [
        models.node("MatMul", ["x", "w1"], ["h"], "first"),
        models.node("QuantizeLinear", ["h", "s", "z"], ["h_q"]),
        models.node("DequantizeLinear", ["h_q", "s", "z"], ["h_dq"]),
        models.node("MatMul", ["h_dq", "w2"], ["y"], "second"),
    ]
    constants = {
        "w1": models.FIRST,
        "w2": models.SECOND,
        "s": np.float32(SCALE).reshape(()),
        "z": np.uint8(0).reshape(()),
    }
    return models.save(path, nodes, constants)


def decibels(reference: np.ndarray, other: np.ndarray) -> float:
    return 10 * math.log10(np.square(reference).sum() / np.square(reference - other).sum())


def test_the_ratio_is_that_of_the_powers_and_a_dropped_activation_function_is_no_noise(tmp_path) -> None:
    rng = np.random.default_rng(2)
    items = rng.normal(size=(32, 4)).astype(np.float32) * 10
    answer = compare(tmp_path, models.two_layers(tmp_path / "r.onnx"), rounded_hidden(tmp_path / "q.onnx"), items)
    hidden = np.maximum(items @ models.FIRST, 0).astype(np.float64)
    rounded = np.clip(np.rint(hidden / SCALE), 0, 255) * SCALE
    layers = {row["node"]: row for row in answer["layers"]}
    assert layers["first"]["tensor"] == "r"  # behind the relu that the range replaces
    assert layers["first"]["sqnr_db"] == pytest.approx(decibels(hidden, rounded), abs=1e-3)
    expected = decibels(hidden @ models.SECOND, rounded @ models.SECOND)
    assert layers["second"]["sqnr_db"] == pytest.approx(expected, abs=1e-3)
    assert answer["outputs"][0]["sqnr_db"] == pytest.approx(expected, abs=1e-3)
    assert (answer["evaluation_items"], answer["unmatched"], answer["left_out"]) == (32, [], 0)


def test_a_model_that_is_its_own_reference_has_no_noise(tmp_path) -> None:
    path = models.two_layers(tmp_path / "r.onnx")
    answer = compare(tmp_path, path, path, np.ones((8, 4), np.float32))
    assert [row["sqnr_db"] for row in answer["layers"]] == [None, None]


def test_values_beyond_the_range_are_counted_on_either_set(tmp_path) -> None:
    # the hidden range is 0 to 127.5, and rounding keeps what lies below 127.75
    known, new = np.zeros((40, 4), np.float32), np.zeros((40, 4), np.float32)
    known[:, 0], new[:, 0] = np.arange(40), np.where(np.arange(40) < 20, 10.0, 127.7)
    new[30:, 0] = 200.0
    np.savez(tmp_path / "calibration.npz", x=known)
    chosen = {"data": str(tmp_path / "calibration.npz"), "limit": 16, "order": "shuffled", "seed": 3}
    quantized = rounded_hidden(tmp_path / "q.onnx")
    answer = compare(tmp_path, models.two_layers(tmp_path / "r.onnx"), quantized, new, calibration=chosen, items=40)
    (fit,) = answer["activations"]
    assert (fit["tensor"], fit["low"], fit["high"]) == ("r", 0.0, 127.5)
    assert (answer["evaluation_items"], answer["calibration_items"]) == (40, 16)
    # three hidden values an item: x0, 2 x0, 3 x0; 127.7 keeps one of them, 200 none, 10 all
    assert fit["evaluation_values"] == 120
    assert fit["evaluation_clipped"] == 10 * 2 + 10 * 3
    assert (fit["calibration_values"], fit["calibration_clipped"]) == (48, 0)
    read = np.random.RandomState(3).permutation(40)[:16]  # as the quantizer reads them
    assert (fit["calibration_high"], fit["evaluation_high"]) == (3.0 * read.max(), 600.0)


def test_portions_of_layers_give_what_one_portion_gives(tmp_path, monkeypatch) -> None:
    items = np.random.default_rng(4).normal(size=(16, 4)).astype(np.float32) * 10
    reference, quantized = models.two_layers(tmp_path / "r.onnx"), rounded_hidden(tmp_path / "q.onnx")
    whole = compare(tmp_path, reference, quantized, items)
    monkeypatch.setattr(module, "LAYERS_AT_ONCE", 1)
    assert compare(tmp_path, reference, quantized, items) == whole
    cut = compare(tmp_path, reference, quantized, items, seconds=-1)
    assert (cut["left_out"], [row["node"] for row in cut["layers"]]) == (1, ["first"])
    assert cut["evaluation_items"] == 4  # one batch, whatever the time


def test_integer_products_are_read_behind_their_scales(tmp_path) -> None:
    codes = np.arange(8, dtype=np.int8).reshape(4, 2)
    reference = models.linear(tmp_path / "r.onnx", codes * np.array([0.5, 0.25]))
    items = np.random.default_rng(5).uniform(-1, 1, (8, 4)).astype(np.float32)
    answer = compare(tmp_path, reference, models.linear_integer(tmp_path / "q.onnx"), items)
    assert [row["node"] for row in answer["layers"]] == ["product"]
    assert 30 < answer["layers"][0]["sqnr_db"] < 60  # eight bits of activation, exact weights


def test_codes_without_a_dequantized_twin_are_dequantized_for_the_comparison(tmp_path) -> None:
    scalars = {"xs": 0.1, "ws": 1.0, "ys": 0.5}
    constants = {name: np.float32(value).reshape(()) for name, value in scalars.items()}
    constants |= {"zero": np.uint8(128).reshape(()), "wz": np.int8(0).reshape(()), "w": models.FIRST.astype(np.int8)}
    constants["w2"] = models.SECOND
    nodes = [
        models.node("QuantizeLinear", ["x", "xs", "zero"], ["x_q"]),
        models.node(
            "QLinearMatMul", ["x_q", "xs", "zero", "w", "ws", "wz", "ys", "zero"], ["h_quantized"], "first_quant"
        ),
        models.node("DequantizeLinear", ["h_quantized", "ys", "zero"], ["h_dq"]),
        models.node("Relu", ["h_dq"], ["r"]),
        models.node("MatMul", ["r", "w2"], ["y"], "second"),
    ]
    quantized = models.save(tmp_path / "q.onnx", nodes, constants)
    items = np.random.default_rng(6).uniform(-3, 3, (16, 4)).astype(np.float32)
    answer = compare(tmp_path, models.two_layers(tmp_path / "r.onnx"), quantized, items)
    hidden = (items @ models.FIRST).astype(np.float64)
    inner = (np.rint(items / 0.1) * 0.1) @ models.FIRST
    expected = decibels(hidden, np.clip(np.rint(inner / 0.5), -128, 127) * 0.5)
    first = next(row for row in answer["layers"] if row["node"] == "first")
    assert first["sqnr_db"] == pytest.approx(expected, abs=0.1)  # a tie may round either way
    assert {fit["tensor"] for fit in answer["activations"]} == {"x", "h"}


def test_layers_without_a_counterpart_are_named(tmp_path) -> None:
    other = models.save(
        tmp_path / "q.onnx",
        [models.node("MatMul", ["x", "w"], ["y"], "elsewhere")],
        {"w": models.FIRST @ models.SECOND},
    )
    answer = compare(tmp_path, models.two_layers(tmp_path / "r.onnx"), other, np.ones((4, 4), np.float32))
    assert answer["unmatched"] == ["first"]


def test_outliers_are_those_of_scipy_and_only_of_families_that_have_them(tmp_path) -> None:
    items = np.random.default_rng(7).normal(size=(32, 4)).astype(np.float32)
    items[:, 2] *= 50
    path = models.two_layers(tmp_path / "r.onnx")
    rows = {r["tensor"]: r for r in compare(tmp_path, path, path, items, family="transformer_encoder")["outliers"]}
    assert set(rows) == {"x", "r"}
    largest = np.abs(items).max(axis=0)
    assert rows["x"]["max_over_median"] == pytest.approx(largest.max() / np.median(largest))
    assert rows["x"]["kurtosis"] == pytest.approx(stats.kurtosis(items.ravel().astype(np.float64), fisher=False))
    assert compare(tmp_path, path, path, items)["outliers"] == []


def test_the_fourth_moment_survives_a_large_mean() -> None:
    values = np.random.default_rng(8).normal(1e4, 1.0, size=(5, 2000, 4))
    tails = Tails()
    for batch in values:
        tails.add(batch)
    assert tails.row("t")["kurtosis"] == pytest.approx(stats.kurtosis(values.ravel(), fisher=False), rel=1e-6)


def test_masked_positions_do_not_drown_the_rest() -> None:
    noise = Noise()
    noise.add(np.array([1.0, 2.0, -np.inf]), np.array([1.0, 1.9, -np.inf]))
    assert noise.values == 2
    assert noise.decibels == pytest.approx(10 * math.log10(5 / 0.01))


def recurrent(path: Path, steps: int, factor: float) -> Path:
    """A state that is multiplied by one weight again and again: y = x w^steps, each step's output in ``y``."""
    nodes, last = [], "x"
    for step in range(steps):
        nodes.append(models.node("MatMul", [last, "w"], [f"h{step}"], f"step{step}"))
        nodes.append(models.node("Unsqueeze", [f"h{step}", "axis"], [f"u{step}"]))
        last = f"h{step}"
    nodes.append(models.node("Concat", [f"u{step}" for step in range(steps)], ["y"], axis=1))
    constants = {"w": (np.eye(2) * factor).astype(np.float32), "axis": np.array([1])}
    sizes = {"inputs": {"x": ["batch", 2]}, "outputs": {"y": ["batch", steps, 2]}}
    return models.save(path, nodes, constants, **sizes)


def test_an_error_that_is_fed_back_grows_with_the_step(tmp_path) -> None:
    # after n steps of a weight that is 1 % too large the relative error is 1.01^n - 1
    items = np.random.default_rng(9).normal(size=(8, 2)).astype(np.float32)
    reference, other = recurrent(tmp_path / "r.onnx", 6, 1.0), recurrent(tmp_path / "q.onnx", 6, 1.01)
    answer = compare(tmp_path, reference, other, items, family="recurrent")
    expected = [-20 * math.log10(1.01**step - 1) for step in range(1, 7)]
    for source in ("output_position", "unrolled_step"):
        points = [row for row in answer["growth"] if row["source"] == source]
        assert [row["first"] for row in points] == [1, 2, 3, 4, 5, 6]
        assert [row["sqnr_db"] for row in points] == pytest.approx(expected, abs=1e-3)
    assert compare(tmp_path, reference, other, items)["growth"] == []


def test_without_a_time_axis_in_the_output_the_length_of_the_input_counts(tmp_path) -> None:
    def model(path: Path, offset: float) -> Path:
        nodes = [
            models.node("Cast", ["codes"], ["floats"], to=TensorProto.FLOAT),
            models.node("MatMul", ["floats", "w"], ["z"], "product"),
            models.node("Add", ["z", "offset"], ["y"]),
        ]
        constants = {"w": np.ones((5, 1), np.float32), "offset": np.float32(offset).reshape(())}
        models.save(path, nodes, constants, inputs={"codes": ["batch", 5]}, outputs={"y": ["batch", 1]})
        changed = onnx.load(path)
        changed.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
        onnx.save(changed, path)
        return path

    codes = np.tril(np.ones((5, 5), np.int64))[np.tile([1, 4], 4)]  # lengths 2 and 5, by turns
    answer = compare(
        tmp_path,
        model(tmp_path / "r.onnx", 0.0),
        model(tmp_path / "q.onnx", 0.1),
        codes,
        family="recurrent",
        name="codes",
    )
    points = {row["first"]: row["sqnr_db"] for row in answer["growth"] if row["source"] == "input_length"}
    assert points == pytest.approx({2: 20 * math.log10(2 / 0.1), 5: 20 * math.log10(5 / 0.1)}, abs=1e-3)
