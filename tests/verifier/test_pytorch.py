"""PyTorch as runtime and as quantizer, torchao as quantizer: real programs, known outputs, what is really executed.

They need an interpreter with torch 2.9 or later and torchao (LYNXSPEC_TEST_ENV_PYTORCH); without one they are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from verifier.errors import ToolFailed
from verifier.evidence import OperatorGroup, TensorGroup
from verifier.inspection.program import read
from verifier.inspection.program_ledger import inspect
from verifier.process import Worker


def _module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "data" / "programs"
environments = _module("environments", ROOT / "tests" / "environments.py")

FLOAT = {"format": "fp32"}
INPUT = np.random.RandomState(3).randn(6, 32).astype(np.float32)


def known(rows, columns, period):
    """The weights that tests/models/make_programs.py gives a layer."""
    return ((np.arange(rows * columns) % period - period // 2) / 4).astype(np.float32).reshape(rows, columns)


def two_layers(x):
    """The program's definition, in double precision."""
    hidden = np.maximum(x.astype(np.float64) @ known(64, 32, 7).T + known(1, 64, 5), 0)
    return hidden @ known(8, 64, 11).T


@pytest.fixture(scope="module")
def python():
    return environments.interpreter_of("pytorch")


@pytest.fixture(scope="module")
def worker(python):
    with Worker(interpreter=python, threads=1) as process:
        yield process


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "x.npz"
    np.savez(path, x=INPUT)
    return path


def opening(path, options=None, provider="cpu"):
    return {"do": "open", "runtime": "pytorch", "model": str(path), "provider": provider, "options": options or {}}


def outputs(worker, path, data, tmp_path, options=None, batch=3):
    worker.call(opening(path, options), timeout_s=300)
    out = tmp_path / "out.npz"
    request = {"do": "evaluate", "data": str(data), "inputs": ["x"], "batch": batch, "out": str(out)}
    worker.call(request, timeout_s=300)
    with np.load(out) as arrays:
        return arrays["y"]


def executed(worker, path, data, options=None, batch=3):
    request = opening(path, options) | {"do": "executed", "data": str(data), "inputs": ["x"], "batch": batch}
    return worker.call(request, timeout_s=300)


def computes(ledger):
    return {group["compute"]: group["count"] for group in ledger["operators"]}


def weights(fmt="int8", kind="per_channel", size=None, symmetry="symmetric"):
    granularity = {"kind": kind}
    if kind == "per_channel":
        granularity["axis"] = 0
    if size:
        granularity.update(group_size=size, axis=1)
    return {"format": fmt, "granularity": granularity, "symmetry": symmetry, "timing": "static", "scale_format": "fp32"}


def activations(fmt="int8", kind="per_token", symmetry="symmetric", timing="dynamic"):
    return {
        "format": fmt,
        "granularity": {"kind": kind},
        "symmetry": symmetry,
        "timing": timing,
        "scale_format": "fp32",
    }


def job(config, stored, taken, approach, *, model="two_layers", exceptions=(), ends=None, **more):
    fmt = stored["format"]
    return {
        "model": str(PROGRAMS / f"{model}.pt2"),
        "precision": {"weights": stored, "activations": taken},
        "quantization": {"approach": approach},
        "mixed_precision": {
            "first_layer": fmt,
            "last_layer": fmt,
            "exceptions": list(exceptions),
            **(ends or {}),
        },
        "options": {"config": config} if config else {},
        **more,
    }


def torch_ao(kind="per_channel", **more):
    taken = activations("uint8", "per_tensor", "asymmetric")
    return job(None, weights(kind=kind), taken, "dynamic", **more) | {"options": {"function": "quantize_dynamic"}}


def quantize(worker, tool, wanted, tmp_path, name="q.pt2"):
    target = tmp_path / name
    request = {"do": "quantize", "tool": tool, "job": {**wanted, "output": str(target)}}
    return target, worker.call(request, timeout_s=300)


def reasons(worker, tool, wanted):
    return worker.call({"do": "check", "tool": tool, "job": wanted}, timeout_s=120)["reasons"]


RECIPES = {
    "int8 weights per channel": job("Int8WeightOnlyConfig", weights(), FLOAT, "weight_only"),
    "int8 weights per tensor": job("Int8WeightOnlyConfig", weights(kind="per_tensor"), FLOAT, "weight_only"),
    "int8 weights in groups": job("Int8WeightOnlyConfig", weights(kind="per_group", size=16), FLOAT, "weight_only"),
    "int8 dynamic": job("Int8DynamicActivationInt8WeightConfig", weights(), activations(), "dynamic"),
    "int8 dynamic per tensor": job(
        "Int8DynamicActivationInt8WeightConfig", weights(kind="per_tensor"), activations(kind="per_tensor"), "dynamic"
    ),
    "int8 dynamic asymmetric": job(
        "Int8DynamicActivationInt8WeightConfig", weights(), activations(symmetry="asymmetric"), "dynamic"
    ),
    "int4 weights in groups": job("IntxWeightOnlyConfig", weights("int4", "per_group", 16), FLOAT, "weight_only"),
    "int4 weights asymmetric": job(
        "IntxWeightOnlyConfig", weights("int4", "per_group", 16, "asymmetric"), FLOAT, "weight_only"
    ),
    "int3 weights per channel": job("IntxWeightOnlyConfig", weights("int3"), FLOAT, "weight_only"),
    "int4 weights with int8 activations": job(
        "Int8DynamicActivationIntxWeightConfig",
        weights("int4", "per_group", 16),
        activations(symmetry="asymmetric"),
        "dynamic",
    ),
    "fp8 weights per channel": job("Float8WeightOnlyConfig", weights("fp8_e4m3fn"), FLOAT, "weight_only"),
    "fp8 weights per tensor": job("Float8WeightOnlyConfig", weights("fp8_e4m3fn", "per_tensor"), FLOAT, "weight_only"),
    "int8 static": job(
        "Int8StaticActivationInt8WeightConfig",
        weights(),
        activations(kind="per_tensor", timing="static"),
        "static",
        calibration={"data": {"samples": 6, "batch_size": 2}, "method": {"kind": "minmax"}},
    ),
}
CLOSE = {"int8": 0.02, "int4": 0.25, "int3": 0.6, "fp8_": 0.08}
"""Largest error of an output relative to the largest output: coarse, since what is exact is tested by itself."""


# the runtime


def test_outputs_are_those_of_the_definition(worker, data, tmp_path):
    found = outputs(worker, PROGRAMS / "two_layers.pt2", data, tmp_path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, two_layers(INPUT), rtol=1e-5, atol=1e-4)


def test_inputs_by_keyword_reach_their_parameters(worker, tmp_path):
    ids, mask = np.arange(12).reshape(2, 6), np.zeros((2, 6), np.float32)
    hidden = (mask - 8.0 * (ids > 3)).astype(np.float32)
    np.savez(tmp_path / "in.npz", ids=np.concatenate([ids, ids]), mask=np.concatenate([mask, hidden]))
    worker.call(opening(PROGRAMS / "attention.pt2"))
    request = {"do": "evaluate", "data": str(tmp_path / "in.npz"), "inputs": ["ids", "mask"], "batch": 2}
    worker.call(request | {"out": str(tmp_path / "out.npz")})
    with np.load(tmp_path / "out.npz") as arrays:
        found = arrays["output"]
    assert found.shape == (4, 4)
    assert not np.allclose(found[0], found[2])  # only the mask differs
    assert np.allclose(found[1], found[3], atol=1e-5)  # where it hides everything alike, nothing does


def test_a_bf16_program_takes_float32_inputs_and_computes_in_bf16(worker, data, tmp_path):
    found = outputs(worker, PROGRAMS / "bf16.pt2", data, tmp_path)
    exact = two_layers(INPUT)
    assert found.dtype == np.float32
    error = np.abs(found - exact).max() / np.abs(exact).max()
    assert 2**-14 < error < 2**-5  # a significand of 8 bits, over sums of 32 and 64
    assert computes(executed(worker, PROGRAMS / "bf16.pt2", data)) == {"bf16": 2}


def test_all_options_of_the_vocabulary_are_taken(worker):
    options = {
        "intra_op_threads": 1,
        "matmul_precision": "highest",
        "deterministic": True,
        "flush_denormals": True,
        "quantized_engine": "x86",
        "compile": False,
        "cuda_graph": False,
    }
    assert worker.call(opening(PROGRAMS / "two_layers.pt2", options))["baseline_memory_bytes"] > 0
    # settings of the whole process must not outlive the model that asked for them
    worker.call(opening(PROGRAMS / "two_layers.pt2"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"custom_op_library": "evil.so"}, "unknown session options custom_op_library"),
        ({"matmul_precision": "tf32"}, "matmul_precision must be one of highest, high, medium"),
        ({"intra_op_threads": "2"}, "intra_op_threads must be a whole number"),
        ({"intra_op_threads": True}, "intra_op_threads must be a whole number"),
        ({"compile": 1}, "compile must be true or false"),
        ({"compile_mode": "max-autotune"}, "compile_mode has a meaning only with compile: true"),
        ({"compile": True, "compile_mode": "fast"}, "compile_mode must be one of default"),
        ({"cuda_graph": True}, "CUDA graphs need provider cuda"),
    ],
)
def test_other_options_are_refused(worker, options, words):
    with pytest.raises(ToolFailed, match=words):
        worker.call(opening(PROGRAMS / "two_layers.pt2", options))


def test_a_provider_that_is_not_known_is_refused(worker):
    with pytest.raises(ToolFailed, match="PyTorch has no provider 'tpu'"):
        worker.call(opening(PROGRAMS / "two_layers.pt2", provider="tpu"))


def test_without_a_device_cuda_can_execute_nothing_and_says_why(python, worker):
    if _has_cuda(python):
        pytest.skip("there is a CUDA device here")
    request = {"do": "probe_runtime", "runtime": "pytorch", "provider": "cuda", "options": {}}
    (reason,) = worker.call(request)["reasons"]
    assert "built without CUDA" in reason or "no CUDA device is visible" in reason
    with pytest.raises(ToolFailed, match="provider cuda"):
        worker.call(opening(PROGRAMS / "two_layers.pt2", provider="cuda"))


def _has_cuda(python):
    question = [str(python), "-c", "import torch; print(torch.cuda.is_available())"]
    return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip() == "True"


def test_on_the_cpu_everything_can_be_executed(worker):
    request = {"do": "probe_runtime", "runtime": "pytorch", "provider": "cpu", "options": {}}
    assert worker.call(request)["reasons"] == []


def test_float32_products_are_told_by_what_they_round_away(python):
    """FP32 keeps 1 + 2**-12, TF32 and BF16 do not: the default of this runtime keeps it."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from verifier.runtimes.pytorch import apply, measured_format\n"
        "apply({}); print(measured_format('cpu'))\n"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "fp32"


def test_each_executed_product_has_its_layer_and_its_share_of_the_time(worker, data):
    answer = executed(worker, PROGRAMS / "two_layers.pt2", data)
    assert [(row["node"], row["weight"], row["compute"]) for row in answer["layers"]] == [
        ("a.linear", "a.weight", "fp32"),
        ("b.linear_1", "b.weight", "fp32"),
    ]
    shares = [row["time_share"] for row in (*answer["operators"], *answer["time"])]
    assert sum(shares) == pytest.approx(1.0, abs=0.02)
    assert answer["notes"] == []
    for group in answer["operators"]:
        OperatorGroup.model_validate(group, strict=False)
    for group in answer["tensors"]:
        TensorGroup.model_validate(group, strict=False)


def test_convolutions_are_products_too(worker, tmp_path):
    np.savez(tmp_path / "in.npz", image=np.ones((2, 1, 8, 8), np.float32))
    request = opening(PROGRAMS / "convolution.pt2") | {"do": "executed", "data": str(tmp_path / "in.npz")}
    answer = worker.call(request | {"inputs": ["image"], "batch": 2}, timeout_s=300)
    assert [(row["node"], row["compute"]) for row in answer["layers"]] == [
        ("conv.conv2d", "fp32"),
        ("fc.linear", "fp32"),
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("int8_dynamic", {"int8": 2}),
        ("int8_weights", {"fp32": 2}),
        ("int4_weights", {"fp32": 2}),
        # rounded to 8 bit, turned back, and multiplied as floats: INT8 activations in name only
        ("int4_int8", {"fp32": 2}),
        ("float8_weights", {"fp32": 2}),
    ],
)
def test_what_is_executed_is_what_the_profiler_saw(worker, data, name, found):
    """Files that torchao's users export, opened as they are."""
    assert computes(executed(worker, PROGRAMS / f"{name}.pt2", data)) == found


def test_a_file_that_runs_code_in_pytorch_itself_runs_none_here(python, worker, tmp_path):
    """The threat is real: torch.export.load unpickles the sample inputs of a program, whatever they are."""
    mark = tmp_path / "mark"
    pickled = b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
    with zipfile.ZipFile(PROGRAMS / "two_layers.pt2") as source:
        found = {info.filename: source.read(info) for info in source.infolist()}
    hostile = tmp_path / "hostile.pt2"
    with zipfile.ZipFile(hostile, "w", zipfile.ZIP_STORED) as archive:
        for name, content in found.items():
            archive.writestr(name, pickled if name.endswith("sample_inputs/model.pt") else content)
    subprocess.run(
        [str(python), "-c", f"import torch; torch.export.load({str(hostile)!r})"], capture_output=True, check=False
    )
    assert mark.exists()
    mark.unlink()
    worker.call(opening(hostile))
    assert not mark.exists()


# torchao


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_the_same_bytes_twice_the_declared_scheme_and_close_outputs(
    worker, data, tmp_path, python, name
):
    environments.interpreter_of("torchao") if python is None else None
    wanted = RECIPES[name] | ({"calibration_data": str(data)} if "static" in name else {})
    assert reasons(worker, "torchao", wanted) == []
    first, answer = quantize(worker, "torchao", wanted, tmp_path, "one.pt2")
    with Worker(interpreter=python, threads=1) as other:
        second, _ = quantize(other, "torchao", wanted, tmp_path, "two.pt2")
    assert first.read_bytes() == second.read_bytes()
    assert answer["samples"] == (6 if "static" in name else None)
    ledger = inspect(str(first))
    declared, taken = wanted["precision"]["weights"], wanted["precision"]["activations"]
    for cls in ("weights", "head"):
        (group,) = [g for g in ledger["tensors"] if g["tensor_class"] == cls]
        assert (group["format"], group["timing"]) == (declared["format"], "static")
        assert group["granularity"].startswith(declared["granularity"]["kind"])
        assert group["symmetry"] in (declared["symmetry"], "none")
    (group,) = [g for g in ledger["tensors"] if g["tensor_class"] == "activations"]
    assert group["format"] == taken["format"]
    if taken is not FLOAT:
        assert (group["granularity"], group["symmetry"], group["timing"]) == (
            taken["granularity"]["kind"],
            taken["symmetry"],
            taken["timing"],
        )
    exact = two_layers(INPUT)
    error = np.abs(outputs(worker, first, data, tmp_path) - exact).max() / np.abs(exact).max()
    assert 0 < error < CLOSE[declared["format"][:4]]


def test_the_file_computes_exactly_what_torchao_itself_computes(python, worker, data, tmp_path):
    """The same configuration on the same layers in torchao's eager form, without any program of ours."""
    code = """
import importlib.util, sys, numpy as np, torch
spec = importlib.util.spec_from_file_location("make_programs", sys.argv[1])
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
import torchao.quantization as ao
model = module.TwoLayers().eval()
ao.quantize_(model, ao.Int8DynamicActivationInt8WeightConfig())
x = torch.from_numpy(np.load(sys.argv[2])["x"])
with torch.inference_mode():
    np.save(sys.argv[3], np.concatenate([model(x[at:at + 3])["y"].numpy() for at in (0, 3)]))
"""
    script, answer = ROOT / "tests" / "models" / "make_programs.py", tmp_path / "eager.npy"
    subprocess.run([str(python), "-c", code, str(script), str(data), str(answer)], check=True, capture_output=True)
    path, _ = quantize(worker, "torchao", RECIPES["int8 dynamic"], tmp_path)
    assert np.array_equal(outputs(worker, path, data, tmp_path), np.load(answer))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            RECIPES["int8 dynamic"] | {"options": {"config": "Int4WeightOnlyConfig"}},
            "packs weights for one kind of GPU",
        ),
        (RECIPES["int8 dynamic"] | {"options": {"config": "GPTQ"}}, "option config must be one of"),
        (
            RECIPES["int8 dynamic"] | {"options": {"config": "Int8WeightOnlyConfig"}},
            "is weight_only, the recipe says dynamic",
        ),
        (RECIPES["int8 dynamic"] | {"options": {"filter": "x"}}, "unknown option 'filter'"),
        (job("Int8WeightOnlyConfig", weights("int4"), FLOAT, "weight_only"), "has weights in int8, not int4"),
        (job("Int8WeightOnlyConfig", weights(), activations(), "weight_only"), "leaves activations alone"),
        (job("Int8WeightOnlyConfig", FLOAT, FLOAT, "weight_only"), "declares no quantized weights"),
        (
            job("Int8DynamicActivationInt8WeightConfig", weights(), activations(timing="static"), "dynamic"),
            "computes dynamic int8 activations",
        ),
        (
            job("Int8DynamicActivationInt8WeightConfig", weights(), activations(), "dynamic")
            | {"calibration": {"data": {"samples": 4}}},
            "uses no calibration data",
        ),
        (
            job(
                "Float8DynamicActivationFloat8WeightConfig", weights("fp8_e4m3fn"), activations("fp8_e4m3fn"), "dynamic"
            ),
            "needs the option device: cuda",
        ),
        (
            RECIPES["int8 static"] | {"calibration": {"none_needed": "x"}},
            "needs calibration data and method minmax",
        ),
        (
            job("Int8WeightOnlyConfig", weights(), FLOAT, "weight_only", ends={"first_layer": "int4"}),
            "first_layer in int4",
        ),
    ],
)
def test_a_recipe_that_torchao_cannot_do_is_refused_with_the_reason(worker, wanted, words):
    found = reasons(worker, "torchao", wanted)
    assert any(words in reason for reason in found), found


def test_float8_activations_without_a_device_are_refused_before_torchao_fails(python, worker):
    if _has_cuda(python):
        pytest.skip("there is a CUDA device here")
    wanted = job(
        "Float8DynamicActivationFloat8WeightConfig", weights("fp8_e4m3fn"), activations("fp8_e4m3fn"), "dynamic"
    )
    wanted["options"]["device"] = "cuda"
    assert "needs a CUDA device of compute capability 8.9" in " ".join(reasons(worker, "torchao", wanted))


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (
            {"exceptions": [{"selector": {"kind": "node", "values": ["a"]}, "format": "fp32", "reason": "x"}]},
            "a.weight",
        ),
        (
            {"exceptions": [{"selector": {"kind": "glob", "values": ["b*"]}, "format": "fp32", "reason": "x"}]},
            "b.weight",
        ),
        ({"first_layer": "fp32"}, "a.weight"),
        ({"last_layer": "fp32"}, "b.weight"),
    ],
)
def test_layers_that_the_policy_names_stay_in_float(worker, tmp_path, policy, left):
    wanted = RECIPES["int8 dynamic"] | {"mixed_precision": RECIPES["int8 dynamic"]["mixed_precision"] | policy}
    path, answer = quantize(worker, "torchao", wanted, tmp_path)
    formats = {row["name"]: row["format"] for row in inspect(str(path))["weights"]}
    assert {name for name, fmt in formats.items() if fmt == "fp32"} == {left}
    assert answer["excluded"] == [left[0]]


def test_an_exception_that_names_nothing_is_refused(worker, tmp_path):
    exception = {"selector": {"kind": "node", "values": ["classifier"]}, "format": "fp32", "reason": "x"}
    wanted = job("Int8WeightOnlyConfig", weights(), FLOAT, "weight_only", exceptions=[exception])
    with pytest.raises(ToolFailed, match="'classifier' selects no layer of the program; its linear layers are a, b"):
        quantize(worker, "torchao", wanted, tmp_path)


def test_a_width_that_is_no_multiple_of_the_group_is_refused_where_torchao_would_pass_the_layer_over(worker, tmp_path):
    wanted = job("IntxWeightOnlyConfig", weights("int4", "per_group", 64), FLOAT, "weight_only")
    with pytest.raises(ToolFailed, match="layer a has 32 input channels, no multiple of the group of 64"):
        quantize(worker, "torchao", wanted, tmp_path)


def test_products_other_than_linear_layers_stay_as_they_are(worker, tmp_path):
    path, _ = quantize(
        worker, "torchao", RECIPES["int8 dynamic"] | {"model": str(PROGRAMS / "convolution.pt2")}, tmp_path
    )
    formats = {row["name"]: row["format"] for row in inspect(str(path))["weights"]}
    assert formats == {"conv.weight": "fp32", "fc.weight": "int8"}


def test_a_quantized_program_keeps_the_names_of_inputs_and_outputs_and_the_free_sizes(worker, tmp_path):
    wanted = RECIPES["int8 weights per channel"] | {"model": str(PROGRAMS / "attention.pt2")}
    path, _ = quantize(worker, "torchao", wanted, tmp_path)
    before, after = read(str(PROGRAMS / "attention.pt2")), read(str(path))
    assert (after.inputs, after.keywords) == (before.inputs, before.keywords)
    assert [name for name, _ in after.outputs] == ["output"]
    assert isinstance(after.shapes["ids"][0], str)
    assert after.shapes["ids"][0] == after.shapes["mask"][0]


def test_variants_change_one_setting_each_and_the_artifact_with_it(worker, tmp_path):
    exception = {"selector": {"kind": "node", "values": ["a"]}, "format": "fp32", "reason": "x"}
    wanted = job("Int8WeightOnlyConfig", weights(), FLOAT, "weight_only", exceptions=[exception])
    found = worker.call({"do": "variants", "tool": "torchao", "job": wanted})["variants"]
    assert [variant[0] for variant in found] == ["mixed_precision.exceptions", "precision.weights.granularity"]
    whole, _ = quantize(worker, "torchao", wanted, tmp_path)
    for at, (_, _, _, other) in enumerate(found):
        path, _ = quantize(worker, "torchao", other, tmp_path, f"{at}.pt2")
        assert path.read_bytes() != whole.read_bytes()


# torch.ao


@pytest.mark.parametrize("kind", ["per_channel", "per_tensor"])
def test_torch_ao_gives_the_same_bytes_twice_and_its_own_outputs_exactly(python, worker, data, tmp_path, kind):
    code = """
import importlib.util, sys, warnings, numpy as np, torch
warnings.simplefilter("ignore")
spec = importlib.util.spec_from_file_location("make_programs", sys.argv[1])
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic
kinds = {torch.nn.Linear: per_channel_dynamic_qconfig} if sys.argv[4] == "per_channel" else {torch.nn.Linear}
model = quantize_dynamic(module.TwoLayers().eval(), kinds, dtype=torch.qint8)
x = torch.from_numpy(np.load(sys.argv[2])["x"])
with torch.inference_mode():
    np.save(sys.argv[3], np.concatenate([model(x[at:at + 3])["y"].numpy() for at in (0, 3)]))
"""
    script, answer = ROOT / "tests" / "models" / "make_programs.py", tmp_path / "eager.npy"
    command = [str(python), "-c", code, str(script), str(data), str(answer), kind]
    subprocess.run(command, check=True, capture_output=True)
    first, _ = quantize(worker, "pytorch", torch_ao(kind), tmp_path, "one.pt2")
    with Worker(interpreter=python, threads=1) as other:
        second, _ = quantize(other, "pytorch", torch_ao(kind), tmp_path, "two.pt2")
    assert first.read_bytes() == second.read_bytes()
    assert np.array_equal(outputs(worker, first, data, tmp_path), np.load(answer))
    ledger = inspect(str(first))
    assert {g["granularity"].split("(")[0] for g in ledger["tensors"] if g["tensor_class"] == "weights"} == {kind}
    assert computes(executed(worker, first, data)) == {"int8": 2}


def test_two_models_in_one_process_do_not_share_packed_weights(worker, data, tmp_path):
    """Packed weights are kept by address: the second model's must not be taken for the first one's."""
    first, _ = quantize(worker, "pytorch", torch_ao("per_channel"), tmp_path, "one.pt2")
    second, _ = quantize(worker, "pytorch", torch_ao("per_tensor"), tmp_path, "two.pt2")
    one, other = outputs(worker, first, data, tmp_path), outputs(worker, second, data, tmp_path)
    assert not np.array_equal(one, other)
    for _ in range(3):
        assert np.array_equal(outputs(worker, first, data, tmp_path), one)
        assert np.array_equal(outputs(worker, second, data, tmp_path), other)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (torch_ao("per_group"), "has weight scales per_tensor or per_channel"),
        (torch_ao() | {"options": {"function": "prepare_fx"}}, "option function must be one of quantize_dynamic"),
        (torch_ao() | {"quantization": {"approach": "static"}}, "quantize_dynamic is dynamic"),
        (job(None, weights(), activations(), "dynamic"), "computes dynamic uint8 activations"),
    ],
)
def test_a_recipe_that_torch_ao_cannot_do_is_refused_with_the_reason(worker, wanted, words):
    found = reasons(worker, "pytorch", wanted)
    assert any(words in reason for reason in found), found


@pytest.mark.slow
def test_a_compiled_program_gives_the_same_outputs_within_rounding(worker, data, tmp_path):
    """torch.compile takes a C++ compiler and some time."""
    plain = outputs(worker, PROGRAMS / "two_layers.pt2", data, tmp_path)
    compiled = outputs(worker, PROGRAMS / "two_layers.pt2", data, tmp_path, {"compile": True})
    np.testing.assert_allclose(compiled, plain, rtol=1e-5, atol=1e-4)
    answer = executed(worker, PROGRAMS / "two_layers.pt2", data, {"compile": True})
    assert set(computes(answer)) == {"fp32"}
    assert json.dumps(answer)
