"""OpenVINO as an engine: what its hints hide is seen in the ledger, and nothing of it reaches the network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.environments import interpreter_of
from verifier.errors import ToolFailed
from verifier.evidence import OperatorGroup, TensorGroup
from verifier.process import Worker

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

EXAMPLE = Path(__file__).parents[2] / "examples/mobilenetv2-mnist"


@pytest.fixture(scope="module")
def python() -> Path:
    return interpreter_of("openvino")


def opening(path, options=None, provider="CPU"):
    return {"do": "open", "runtime": "openvino", "model": str(path), "provider": provider, "options": options or {}}


def evaluated(python, path, data, out, options=None, **request):
    with Worker(interpreter=python, threads=1) as process:
        process.call(opening(path, {"intra_op_threads": 1} | (options or {})) | request)
        process.call({"do": "evaluate", "data": str(data), "inputs": ["x"], "batch": 4, "out": str(out)})
    with np.load(out) as arrays:
        return {name: arrays[name] for name in arrays.files}


def executed(python, path, options=None, *, size=4, inputs=None):
    data = Path(path).with_suffix(".npz") if inputs is None else inputs["data"]
    name = "x" if inputs is None else inputs["name"]
    if inputs is None:
        np.savez(data, x=np.random.default_rng(1).normal(size=(8, size)).astype(np.float32))
    command = opening(path, {"intra_op_threads": 1} | (options or {})) | {"do": "executed"}
    with Worker(interpreter=python, threads=1) as process:
        answer = process.call(command | {"data": str(data), "inputs": [name], "batch": 8})
    for found in answer["tensors"]:
        TensorGroup.model_validate(found, strict=False)
    groups = [OperatorGroup.model_validate(g, strict=False) for g in answer["operators"]]
    return answer, {(g.op_type, g.compute): g for g in groups}


def has_bf16() -> bool:
    cpu = Path("/proc/cpuinfo")
    text = cpu.read_text() if cpu.exists() else ""
    return "avx512_bf16" in text or "amx_bf16" in text


needs_bf16 = pytest.mark.skipif(not has_bf16(), reason="this processor has no BF16, so that OpenVINO's default is FP32")


def test_outputs_are_those_of_the_model_in_single_precision(python, tmp_path):
    path = models.two_layers(tmp_path / "m.onnx")
    x = np.random.default_rng(2).normal(size=(10, 4)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x)
    found = evaluated(python, path, tmp_path / "d.npz", tmp_path / "o.npz", {"inference_precision": "f32"})
    assert found.keys() == {"y"}
    np.testing.assert_allclose(found["y"], models.answer(x), rtol=1e-5, atol=1e-5)


def test_a_head_stays_in_full_precision_whatever_the_device_prefers(python, tmp_path):
    # 1 + 2**-12 is no number of BF16: a head in the device's default precision would round it away
    body, head = models.linear(tmp_path / "m.onnx", np.eye(2)), tmp_path / "h.onnx"
    sizes = {"inputs": {"y": ["batch", 2]}, "outputs": {"z": ["batch", 1]}}
    weights = np.array([[1 + 2**-12], [0]], np.float32)
    models.save(head, [models.node("MatMul", ["y", "w"], ["z"])], {"w": weights}, **sizes)
    np.savez(tmp_path / "d.npz", x=np.ones((4, 2), np.float32))
    found = evaluated(python, body, tmp_path / "d.npz", tmp_path / "o.npz", head={"model": str(head)}, outputs=["z"])
    assert (found["z"] == np.float32(1 + 2**-12)).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cache_dir": "/tmp"}, "unknown options cache_dir"),
        ({"inference_precision": "fp32"}, "inference_precision must be one of default, f32, bf16, f16"),
        ({"intra_op_threads": "2"}, "intra_op_threads must be a whole number"),
        ({"num_streams": True}, "num_streams must be a whole number"),
        ({"performance_hint": "LATENCY"}, "performance_hint must be one of latency, throughput"),
    ],
)
def test_options_outside_the_vocabulary_are_refused(python, tmp_path, options, words):
    with Worker(interpreter=python) as process, pytest.raises(ToolFailed, match=words):
        process.call(opening(models.two_layers(tmp_path / "m.onnx"), options))


def test_all_options_of_the_vocabulary_are_taken(python, tmp_path):
    options = {
        "intra_op_threads": 1,
        "inference_precision": "bf16",
        "performance_hint": "throughput",
        "execution_mode": "accuracy",
        "num_streams": 1,
        "dynamic_quantization_group_size": 0,
    }
    with Worker(interpreter=python) as process:
        assert process.call(opening(models.two_layers(tmp_path / "m.onnx"), options))["baseline_memory_bytes"] > 0


def test_a_device_that_is_absent_is_a_reason_and_not_another_device(python, tmp_path):
    path = models.two_layers(tmp_path / "m.onnx")
    with Worker(interpreter=python) as process:
        ask = {"do": "probe_runtime", "runtime": "openvino"}
        assert process.call(ask | {"provider": "CPU"})["reasons"] == []
        assert "no device NPU here" in process.call(ask | {"provider": "NPU"})["reasons"][0]
        assert "name the device" in process.call(ask | {"provider": "AUTO"})["reasons"][0]
        with pytest.raises(ToolFailed, match="no device NPU here"):
            process.call(opening(path, provider="NPU"))


def test_weights_outside_the_file_are_refused(python, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(models.FIRST.tobytes())
    with Worker(interpreter=python) as process, pytest.raises(ToolFailed, match="not a file inside the model's folder"):
        process.call(opening(models.external(folder / "m.onnx", "../w.bin")))


@needs_bf16
def test_a_model_in_single_precision_runs_in_bf16_unless_told_otherwise(python):
    images = {"data": EXAMPLE / "evaluation.npz", "name": "image"}
    answer, groups = executed(python, EXAMPLE / "model.onnx", inputs=images)
    assert groups.keys() == {("Conv", "bf16"), ("Gemm", "bf16")}
    assert groups["Conv", "bf16"].count == 52
    assert answer["notes"] == ["no inference precision is stated: on this device OpenVINO's default is bf16"]


def test_a_model_in_single_precision_runs_in_it_if_told_so(python):
    images = {"data": EXAMPLE / "evaluation.npz", "name": "image"}
    answer, groups = executed(python, EXAMPLE / "model.onnx", {"inference_precision": "f32"}, inputs=images)
    assert groups.keys() == {("Conv", "fp32"), ("Gemm", "fp32")}
    assert answer["notes"] == []
    assert answer["first_layer"] == answer["last_layer"] == "fp32"
    shares = sum(g.time_share for g in groups.values()) + sum(row["time_share"] for row in answer["time"])
    assert shares == pytest.approx(1.0, abs=1e-6)


def test_each_layer_is_found_again_by_name_and_weight(python):
    images = {"data": EXAMPLE / "evaluation.npz", "name": "image"}
    options = {"inference_precision": "f32"}
    answer, groups = executed(python, EXAMPLE / "int8.int8.onnx", options, inputs=images)
    assert {key: group.count for key, group in groups.items()} == {
        ("Conv", "fp32"): 3,  # the exceptions that the example's recipe declares
        ("Conv", "int8"): 49,
        ("Gemm", "int8"): 1,
    }
    floats = [layer["node"] for layer in answer["layers"] if layer["compute"] == "fp32"]
    assert floats == ["features.0.0.output", "features.1.conv.0.0.output", "features.1.conv.1.output"]
    assert all(layer["weight"] for layer in answer["layers"])


def compressed(path):
    """Weights in 8 bit behind a DequantizeLinear, activations in float: weight-only, as the file says."""
    codes = np.random.default_rng(3).integers(-127, 128, (512, 256)).astype(np.int8)
    return models.linear_qdq(path, codes, 0.01, 0, activation=None)


def test_weight_only_products_get_integer_activations_by_default(python, tmp_path):
    # measured on 2026.4.1: the kernel is called brgemm_avx512_f32, and the outputs move by half a percent
    answer, groups = executed(python, compressed(tmp_path / "m.onnx"), {"inference_precision": "f32"}, size=512)
    assert groups.keys() == {("MatMul", "int8")}
    assert "quantized at run time in groups of 32" in answer["notes"][0]


def test_weight_only_products_run_in_float_if_told_so(python, tmp_path):
    options = {"inference_precision": "f32", "dynamic_quantization_group_size": 0}
    answer, groups = executed(python, compressed(tmp_path / "m.onnx"), options, size=512)
    assert groups.keys() == {("MatMul", "fp32")}
    assert answer["first_layer"] == "int8"
    assert answer["float_products"] == [{"name": "product", "op_type": "MatMul", "dequantized": True}]


def test_its_usage_telemetry_leaves_no_trace(python, tmp_path):
    # with it, importing OpenVINO alone writes ~/intel/openvino_ga_cid and sends a message
    home = tmp_path / "home"
    home.mkdir()
    with Worker(interpreter=python, env={"HOME": str(home)}) as process:
        process.call(opening(models.two_layers(tmp_path / "m.onnx")))
        assert "openvino" in process.call({"do": "hello"})["modules"]
    assert list(home.iterdir()) == []
