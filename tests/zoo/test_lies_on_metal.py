"""Lies that need another file: the whole path is run over a small real model, and each is refuted at its clause.

Slow: about two minutes on two quiet cores. Rates are not in question, but of the model with two faces.
"""
# ruff: noqa: ARG001 - all of a kind take the same arguments

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from . import digits

pytestmark = pytest.mark.slow

Plain = Any
Lie = Callable[[Plain, Path], None]


class Samples(CalibrationDataReader):
    """Calibration data, 32 items a time."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.parts: Iterator[np.ndarray] = iter(np.split(pixels, range(32, len(pixels), 32)))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next part."""
        part = next(self.parts, None)
        return None if part is None else {"pixels": part}


def quantized(folder: Path, *, pixels: np.ndarray | None = None, per_channel: bool = True, left: str = "") -> Path:
    """What a vendor's own script writes, over the declared calibration data if no other is given."""
    if pixels is None:
        pixels = np.load(folder / "calibration.npz")["pixels"]
    quant_pre_process(folder / "model.onnx", folder / "prepared.onnx", skip_symbolic_shape=True)
    quantize_static(
        folder / "prepared.onnx",
        folder / "vendor.onnx",
        Samples(pixels),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=[left] if left else [],
    )
    (folder / "prepared.onnx").unlink()
    return folder / "vendor.onnx"


def answers(model: Path, pixels: np.ndarray, batch: int) -> np.ndarray:
    """Predicted classes."""
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    parts = np.split(pixels, range(batch, len(pixels), batch))
    return np.concatenate([session.run(["logits"], {"pixels": part})[0].argmax(1) for part in parts])


def right(model: Path, folder: Path, batch: int = 100) -> np.ndarray:
    """Which items of the evaluation set a model gets right."""
    data = np.load(folder / "evaluation.npz")
    return answers(model, data["pixels"], batch) == data["label"]


def supply(claim: Plain, folder: Path, model: Path) -> None:
    """Hand over ``model`` as the quantized one, with its true digest, size and accuracy."""
    file = next(a for a in claim["model"]["artifacts"] if a["role"] == "quantized_model")
    accuracy = round(float(right(model, folder).mean()), 6)
    model.replace(folder / file["uri"])
    sha256, size = digits.digest(folder / file["uri"]), (folder / file["uri"]).stat().st_size
    file |= {"sha256": sha256, "bytes": size}
    regime = claim["regimes"][1]
    regime["artifact"] |= {"sha256": sha256, "size": f"{size} B"}
    regime["accuracy"][0]["value"] = accuracy


def _layer_left_in_float(claim: Plain, folder: Path) -> None:
    supply(claim, folder, quantized(folder, left="second"))


def _one_scale_per_tensor(claim: Plain, folder: Path) -> None:
    supply(claim, folder, quantized(folder, per_channel=False))


def _other_calibration_data(claim: Plain, folder: Path) -> None:
    supply(claim, folder, quantized(folder, pixels=np.load(folder / "evaluation.npz")["pixels"][:128]))


def _dynamic_called_static(claim: Plain, folder: Path) -> None:
    quantize_dynamic(folder / "model.onnx", folder / "vendor.onnx", per_channel=True, weight_type=QuantType.QInt8)
    supply(claim, folder, folder / "vendor.onnx")


def _float_called_int8(claim: Plain, folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    model.doc_string = "int8"  # so that it is a file of its own
    onnx.save(model, folder / "vendor.onnx")
    supply(claim, folder, folder / "vendor.onnx")


def _nudged_weights(claim: Plain, folder: Path) -> None:
    """Two percent of the codes moved by a step, as a search for a better accuracy on the evaluation set would."""
    file = next(a for a in claim["model"]["artifacts"] if a["role"] == "quantized_model")
    model, rng = onnx.load(folder / file["uri"]), np.random.default_rng(3)
    for tensor in model.graph.initializer:
        codes = numpy_helper.to_array(tensor)
        if codes.dtype == np.int8 and codes.ndim == 2:
            step = (rng.random(codes.shape) < 0.02) * rng.choice([-1, 1], codes.shape)
            moved = np.clip(codes + step, -127, 127).astype(np.int8)
            tensor.CopyFrom(numpy_helper.from_array(moved, tensor.name))
    onnx.save(model, folder / "vendor.onnx")
    supply(claim, folder, folder / "vendor.onnx")


def _easy(folder: Path, models: tuple[Path, ...]) -> np.ndarray:
    """Items that all of ``models`` get right, and every second one of the others."""
    good = np.logical_and.reduce([right(model, folder) for model in models])
    return good | (np.arange(len(good)) % 2 == 0)


def _hard_items_left_out(claim: Plain, folder: Path) -> None:
    """Accuracies are those of an easier part of the set, and the whole set is named."""
    files = [folder / "model.onnx", folder / next(a["uri"] for a in claim["model"]["artifacts"] if "int8" in a["uri"])]
    easy = _easy(folder, tuple(files))
    for regime, file in zip(claim["regimes"], files, strict=True):
        regime["accuracy"][0]["value"] = round(float(right(file, folder)[easy].mean()), 6)


def _easier_set_supplied(claim: Plain, folder: Path) -> None:
    """The easier part lies where the whole set should."""
    _hard_items_left_out(claim, folder)
    files = [folder / "model.onnx", folder / next(a["uri"] for a in claim["model"]["artifacts"] if "int8" in a["uri"])]
    easy, data = _easy(folder, tuple(files)), dict(np.load(folder / "evaluation.npz"))
    np.savez(folder / "evaluation.npz", **{name: values[easy] for name, values in data.items()})


def _runs_in_float(claim: Plain, folder: Path) -> None:
    """INT8 in the file; the declared session option keeps the runtime from fusing it, so that it computes in FP32."""
    claim["regimes"][1]["toolchain"]["runtime"]["options"]["graph_optimization"] = "disabled"


LIES: tuple[tuple[Lie, str, str, set[str]], ...] = (
    (_layer_left_in_float, "precision_artifact/int8", "other_precision", {"artifact/int8"}),
    (_one_scale_per_tensor, "precision_artifact/int8", "other_precision", {"artifact/int8"}),
    (_other_calibration_data, "artifact/int8", "other_scales", set()),
    (_dynamic_called_static, "precision_artifact/int8", "other_precision", {"artifact/int8"}),
    (_float_called_int8, "precision_artifact/int8", "other_precision", {"artifact/int8", "precision_executed/int8"}),
    (_nudged_weights, "weight_error/int8", "weights_off_grid", {"artifact/int8"}),
    (_hard_items_left_out, "accuracy/int8/top1", "below_claim", {"reference_accuracy/fp32/top1"}),
    (_easier_set_supplied, "materials/evaluation", "claimant_file_differs", set()),
    (_runs_in_float, "precision_executed/int8", "other_precision_executed", set()),
)


@pytest.mark.parametrize(
    ("lie", "clause", "reason", "also"), LIES, ids=[lie.__name__.strip("_").replace("_", " ") for lie, *_ in LIES]
)
def test_a_lie_in_a_file_is_refuted_at_its_clause(
    measured: Path, tmp_path: Path, lie: Lie, clause: str, reason: str, also: set[str]
) -> None:
    path = digits.copy_of(measured, tmp_path / "claim")
    claim = digits.load(path)
    lie(claim, path.parent)
    digits.save(claim, path)
    done = digits.program("verify", path, "--out", tmp_path / "run", *digits.NO_TIME_FOR_RATES, home=measured.parent)
    assert done.returncode == 1, done.stderr
    found = digits.verdicts(tmp_path / "run")
    assert (found[clause]["verdict"], found[clause]["reason"]) == ("refuted", reason)
    assert {name for name, v in found.items() if v["verdict"] == "refuted"} <= {clause, *also}


def two_faced(accurate: Path, batch: int) -> onnx.ModelProto:
    """``accurate`` for calls of ``batch`` items; for others a model that always answers the same, and at once."""
    model = onnx.load(accurate)
    inner = model.graph
    then_branch = helper.make_graph(list(inner.node), "accurate", [], list(inner.output), list(inner.initializer))
    nothing = numpy_helper.from_array(np.zeros((64, 10), np.float32), "nothing")
    product = helper.make_node("MatMul", ["pixels", "nothing"], ["zeros"])
    else_branch = helper.make_graph(
        [product], "fast", [], [helper.make_tensor_value_info("zeros", TensorProto.FLOAT, ["batch", 10])], [nothing]
    )
    constants = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("zeroth", 0), ("wanted", batch))]
    nodes = [
        helper.make_node("Shape", ["pixels"], ["shape"]),
        helper.make_node("Gather", ["shape", "zeroth"], ["items"]),
        helper.make_node("Equal", ["items", "wanted"], ["evaluated"]),
        helper.make_node("If", ["evaluated"], ["logits"], then_branch=then_branch, else_branch=else_branch),
    ]
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])
    graph = helper.make_graph(nodes, "two faces", list(inner.input), [out], constants)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def test_a_model_that_answers_well_only_when_it_is_evaluated_is_refuted(measured: Path, tmp_path: Path) -> None:
    """Fast in calls as they are timed, accurate in calls as they are evaluated: never both."""
    path = digits.copy_of(measured, tmp_path / "claim")
    claim, folder = digits.load(path), path.parent
    file = folder / next(a["uri"] for a in claim["model"]["artifacts"] if "int8" in a["uri"])
    onnx.save(two_faced(file, claim["evaluation"]["batch_size"]), folder / "vendor.onnx")
    supply(claim, folder, folder / "vendor.onnx")
    digits.save(claim, path)
    done = digits.program("verify", path, "--out", tmp_path / "run", home=measured.parent)
    found = digits.verdicts(tmp_path / "run")
    assert done.returncode == 1, done.stderr
    assert found["timed_outputs/int8"]["reason"] == "below_claim", found
