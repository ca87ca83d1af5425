"""ONNX Runtime as an engine: closed options, the provider that was asked for, and what really runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest

from verifier.errors import ToolFailed
from verifier.evidence import OperatorGroup, TensorGroup
from verifier.process import Worker

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

CPU = "CPUExecutionProvider"


def opening(path, options=None, provider=CPU):
    return {"do": "open", "runtime": "onnxruntime", "model": str(path), "provider": provider, "options": options or {}}


@pytest.fixture(scope="module")
def worker():
    with Worker(threads=1) as process:
        yield process


def test_all_options_of_the_vocabulary_are_taken(worker, tmp_path):
    options = {
        "intra_op_threads": 1,
        "inter_op_threads": 1,
        "graph_optimization": "basic",
        "execution_mode": "sequential",
        "mem_arena": False,
        "mem_pattern": False,
        "prepacking": False,
        "flush_denormals": True,
        "spinning": False,
        "deterministic": True,
    }
    answer = worker.call(opening(models.two_layers(tmp_path / "m.onnx"), options))
    assert answer["baseline_memory_bytes"] > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"custom_op_library": "evil.so"}, "unknown session options custom_op_library"),
        ({"graph_optimization": "most"}, "graph_optimization must be one of disabled, basic, extended, all"),
        ({"intra_op_threads": "2"}, "intra_op_threads must be a whole number"),
        ({"intra_op_threads": True}, "intra_op_threads must be a whole number"),
        ({"mem_arena": 1}, "mem_arena must be true or false"),
    ],
)
def test_anything_else_is_refused(worker, tmp_path, options, words):
    with pytest.raises(ToolFailed, match=words):
        worker.call(opening(models.two_layers(tmp_path / "m.onnx"), options))


def test_a_provider_that_is_absent_is_no_fallback_to_another(worker, tmp_path):
    with pytest.raises(ToolFailed, match="provider CUDAExecutionProvider is not in this build"):
        worker.call(opening(models.two_layers(tmp_path / "m.onnx"), provider="CUDAExecutionProvider"))


def test_external_data_and_custom_operators_never_reach_the_engine(worker, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(models.FIRST.tobytes())
    with pytest.raises(ToolFailed, match="not a file inside the model's folder"):
        worker.call(opening(models.external(folder / "m.onnx", "../w.bin")))
    with pytest.raises(ToolFailed, match="custom-operator libraries are never loaded"):
        worker.call(opening(models.foreign(tmp_path / "f.onnx")))
    (tmp_path / "r.onnx").write_bytes(b"rubbish")
    with pytest.raises(ToolFailed, match=r"readable ONNX file|holds no graph"):
        worker.call(opening(tmp_path / "r.onnx"))


def executed(path, options=None, size=4):
    data = path.with_suffix(".npz")
    np.savez(data, x=np.random.default_rng(1).normal(size=(8, size)).astype(np.float32))
    command = opening(path, {"intra_op_threads": 1} | (options or {})) | {"do": "executed"}
    with Worker(threads=1) as process:
        answer = process.call(command | {"data": str(data), "inputs": ["x"], "batch": 8})
    for found in answer["tensors"]:
        TensorGroup.model_validate(found, strict=False)
    groups = {
        (g.op_type, g.compute): g for g in (OperatorGroup.model_validate(g, strict=False) for g in answer["operators"])
    }
    return answer, groups


def test_a_float_model_runs_in_float(tmp_path):
    answer, groups = executed(models.two_layers(tmp_path / "m.onnx"), {"graph_optimization": "disabled"})
    assert answer["provider"] == CPU
    assert groups.keys() == {("MatMul", "fp32")}
    assert groups["MatMul", "fp32"].count == 2
    assert 0 < groups["MatMul", "fp32"].time_share <= 1
    assert not any(product["dequantized"] for product in answer["float_products"])


def test_a_quantize_dequantize_pair_becomes_an_integer_product_when_optimized(tmp_path):
    # 8-bit data and weights and a float output: ONNX Runtime fuses this to MatMulIntegerToFloat
    path = models.linear_qdq(tmp_path / "m.onnx", np.ones((4, 2), np.int8), 0.1, 0)
    _, groups = executed(path)
    assert {compute for _, compute in groups} == {"int8"}


def test_the_same_file_without_optimization_runs_in_float_and_is_told(tmp_path):
    path = models.linear_qdq(tmp_path / "m.onnx", np.ones((4, 2), np.int8), 0.1, 0)
    answer, groups = executed(path, {"graph_optimization": "disabled"})
    assert groups.keys() == {("MatMul", "fp32")}
    assert answer["float_products"] == [{"name": "product", "op_type": "MatMul", "dequantized": True}]


def test_a_dynamic_product_runs_in_int8(tmp_path):
    _, groups = executed(models.linear_integer(tmp_path / "m.onnx"))
    assert {compute for _, compute in groups} == {"int8"}


@pytest.mark.parametrize(("level", "compute"), [(0, "fp32"), (4, "int8")])
def test_four_bit_weights_compute_by_their_accuracy_level(tmp_path, level, compute):
    path = models.linear_nbits(tmp_path / "m.onnx", zero_points=False, accuracy_level=level)
    _, groups = executed(path, size=32)
    assert groups.keys() == {("MatMulNBits", compute)}


def test_nodes_without_names_are_timed_too(tmp_path):
    path = models.two_layers(tmp_path / "m.onnx")
    model = onnx.load(path)
    for node in model.graph.node:
        node.name = ""
    onnx.save(model, path)
    _, groups = executed(path, {"graph_optimization": "disabled"})
    assert groups["MatMul", "fp32"].time_share > 0


def test_a_heavy_product_does_not_hide_its_time_behind_a_name_that_light_nodes_share(tmp_path):
    heavy = np.ones((1024, 1024), np.float32)
    light = [models.node("Relu" if n % 2 else "Neg", [f"r{n}"], [f"r{n + 1}"], "same") for n in range(40)]
    nodes = [
        models.node("MatMul", ["x", "w1"], ["h"], "same"),
        models.node("MatMul", ["h", "w2"], ["r0"], "small"),
        *light,
        models.node("Identity", ["r40"], ["y"], "last"),
    ]
    constants = {"w1": heavy, "w2": np.ones((1024, 2), np.float32)}
    path = models.save(tmp_path / "m.onnx", nodes, constants, inputs={"x": ["batch", 1024]})
    answer, _ = executed(path, {"graph_optimization": "disabled"}, size=1024)
    shares = {row["weight"]: row["time_share"] for row in answer["layers"]}
    assert shares["w1"] > 0.5 > shares["w2"]


def test_products_in_a_branch_are_timed_although_their_nodes_have_no_names(tmp_path):
    taken = [onnx.helper.make_node("MatMul", ["x", "w"], ["inner"])]
    shape = onnx.helper.make_tensor_value_info("inner", onnx.TensorProto.FLOAT, None)
    branch = onnx.helper.make_graph(taken, "branch", [], [shape])
    nodes = [models.node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)]
    constants = {"w": np.ones((4, 2), np.float32), "yes": np.asarray(True)}
    path = models.save(tmp_path / "m.onnx", nodes, constants)
    _, groups = executed(path, {"graph_optimization": "disabled"})
    assert groups["MatMul", "fp32"].time_share > 0
