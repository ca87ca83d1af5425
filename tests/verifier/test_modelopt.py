"""Model Optimizer as a quantizer: what it can do of a recipe, what it cannot, and the same bytes twice."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.environments import interpreter_of
from verifier.inspection.whole import inspect
from verifier.process import Worker
from verifier.quantizers.modelopt import check, variants

NARROW = {"format": "int8", "symmetry": "symmetric", "timing": "static"}
RECIPE: dict[str, Any] = {
    "precision": {
        "weights": NARROW | {"granularity": {"kind": "per_channel", "axis": 0}},
        "activations": NARROW | {"granularity": {"kind": "per_tensor"}},
        "outputs": {"format": "fp32"},
        "bias": {"format": "fp32"},
    },
    "mixed_precision": {"exceptions": []},
    "calibration": {
        "data": {"samples": 32, "batch_size": 8},
        "method": {"kind": "minmax", "symmetric": True},
    },
    "options": {"high_precision": "fp32"},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    recipe = copy.deepcopy(RECIPE)
    place = recipe
    *parts, last = path.split(".")
    for part in parts:
        place = place[part]
    place[last] = value
    return recipe


def test_what_tensorrt_takes_can_be_made():
    assert check(RECIPE) == ()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("precision.weights.format", "int4", "this verifier drives INT8 and FP8"),
        ("precision.weights.granularity", {"kind": "per_tensor"}, "a weight scale per output channel, not per_tensor"),
        ("precision.weights.symmetry", "asymmetric", "the recipe says asymmetric weights"),
        ("precision.activations.symmetry", "asymmetric", "the recipe says asymmetric activations"),
        ("precision.activations.timing", "dynamic", "fixes the scales of activations before deployment"),
        ("precision.activations.format", "uint8", "quantizes activations as it does weights, to int8"),
        ("precision.bias", {"format": "int32"}, "leaves bias in float; the recipe says int32"),
        ("calibration.method", {"kind": "percentile", "percentile": 99.9}, "minmax and entropy, not percentile"),
        ("calibration.method", {"kind": "entropy", "bins": 2048, "quantized_bins": 128}, "has 128 bins"),
        ("calibration", {}, "needs calibration data and a calibration method"),
        ("options.high_precision", "int8", "must be one of fp32, fp16, bf16"),
        ("options.calibrator", "entropy", "unknown option calibrator"),
        ("options.attention", 1, "option attention must be true or false"),
        (
            "mixed_precision.exceptions",
            [{"selector": {"kind": "node", "values": ["x"]}, "format": "int4", "reason": "r"}],
            "the tool can only leave a layer in float",
        ),
    ],
)
def test_what_it_cannot_do_is_said_before_it_runs(path, value, words):
    assert any(words in reason for reason in check(changed(path, value)))


def test_fp8_can_be_made_alike():
    recipe = changed("precision.weights.format", "fp8_e4m3fn")
    recipe["precision"]["activations"]["format"] = "fp8_e4m3fn"
    assert check(recipe) == ()


def test_each_setting_has_a_variant_that_differs_in_it_alone():
    recipe = changed("mixed_precision.exceptions", [])
    recipe["mixed_precision"]["exceptions"] = [
        {"selector": {"kind": "node", "values": ["x"]}, "format": "fp32", "reason": "r"}
    ]
    found = {name: (declared, other) for name, declared, other, _ in variants(recipe)}
    assert found == {
        "high_precision": ("fp32", "the tool's default, fp16"),
        "calibration.method": ("minmax", "entropy"),
        "exception x": ("fp32", "without it"),
    }


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_bytes_and_leaves_out_what_is_excepted(tmp_path):
    source = np.random.default_rng(1)
    names = ["first", "second", "third"]
    weights = {name: source.normal(size=(32, 32)).astype(np.float32) for name in names}
    nodes, last = [], "x"
    for name in names:
        nodes.append(helper.make_node("MatMul", [last, f"{name}.weight"], [f"{name}.out"], name=name))
        last = f"{name}.out"
    graph = helper.make_graph(
        nodes,
        "three",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 32])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", 32])],
        [onnx.numpy_helper.from_array(value, f"{name}.weight") for name, value in weights.items()],
    )
    model = tmp_path / "three.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), model)
    np.savez(tmp_path / "x.npz", x=source.normal(size=(32, 32)).astype(np.float32))
    exception = {"selector": {"kind": "node", "values": ["second"]}, "format": "fp32", "reason": "sensitive"}
    recipe = changed("mixed_precision.exceptions", [exception])
    recipe |= {"model": str(model), "calibration_data": str(tmp_path / "x.npz")}
    digests = []
    for number in (1, 2):
        output = tmp_path / f"{number}.onnx"
        with Worker(interpreter=interpreter_of("modelopt")) as worker:
            request = {"do": "quantize", "tool": "modelopt", "job": recipe | {"output": str(output)}}
            answer = worker.call(request, timeout_s=300)
        assert answer["samples"] == 32
        digests.append(hashlib.sha256(Path(output).read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    layers = {layer["node"]: layer["compute"] for layer in inspect(str(tmp_path / "1.onnx"))["layers"]}
    assert layers == {"first": "int8", "second": "fp32", "third": "int8"}
