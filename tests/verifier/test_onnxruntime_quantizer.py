"""ONNX Runtime's quantizers: the recipe decides every setting, what cannot be done is said, what is ignored shows."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest

from verifier.errors import ToolFailed
from verifier.onnxruntime_recipe import check, shortened, variants
from verifier.process import Worker

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

MINMAX = {"kind": "minmax", "symmetric": False}
ENTROPY = {"kind": "entropy", "symmetric": False, "bins": 2048, "quantized_bins": 128}
PERCENTILE = {"kind": "percentile", "symmetric": False, "percentile": 90.0, "bins": 2048}
MOVING = {"kind": "moving_average", "symmetric": False, "constant": 0.1}
FP32 = {"format": "fp32"}


def scheme(fmt, symmetry, kind="per_tensor", timing="static", **extra):
    return {"format": fmt, "granularity": {"kind": kind, **extra}, "symmetry": symmetry, "timing": timing}


def static(method=MINMAX, *, samples=8, batch_size=2, **options):
    return {
        "precision": {
            "weights": scheme("int8", "symmetric", "per_channel", axis=0),
            "activations": scheme("uint8", "asymmetric"),
            "outputs": scheme("uint8", "asymmetric"),
            "bias": scheme("int32", "symmetric", "per_channel", axis=0),
            "head": scheme("int8", "symmetric", "per_channel", axis=0),
            "embeddings": {"not_applicable": "none"},
        },
        "mixed_precision": {"first_layer": "int8", "last_layer": "int8", "exceptions": []},
        "quantization": {"algorithm": "rtn", "approach": "static"},
        "calibration": {"data": {"samples": samples, "batch_size": batch_size, "seed": 1}, "method": dict(method)},
        "options": {"mode": "static", "format": "qdq", **options},
    }


def dynamic(**options):
    return {
        "precision": {
            "weights": scheme("int8", "symmetric", "per_channel", axis=1),
            "activations": scheme("uint8", "asymmetric", timing="dynamic"),
            "outputs": FP32,
        },
        "mixed_precision": {"first_layer": "int8", "last_layer": "int8", "exceptions": []},
        "quantization": {"algorithm": "rtn", "approach": "dynamic"},
        "calibration": {"none_needed": "scales are computed from each input"},
        "options": {"mode": "dynamic", "op_types": ["MatMul"], **options},
    }


def groups(fmt="int4", symmetry="symmetric", size=32, **options):
    return {
        "precision": {"weights": scheme(fmt, symmetry, "per_group", group_size=size, axis=0), "activations": FP32},
        "mixed_precision": {"not_applicable": "one format"},
        "quantization": {"algorithm": "rtn", "approach": "weight_only"},
        "calibration": {"none_needed": "weights only"},
        "options": {"mode": "weight_only", "format": "qoperator", **options},
    }


def changed(job, path, value):
    """A copy with one leaf set."""
    other = copy.deepcopy(job)
    at = other
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return other


@pytest.fixture
def folder(tmp_path):
    models.convolution(tmp_path / "conv.onnx")
    models.two_layers(tmp_path / "two.onnx")
    rng = np.random.default_rng(2)
    np.savez(tmp_path / "conv.npz", x=rng.normal(size=(10, 1, 6, 6)).astype(np.float32) ** 3, label=np.arange(10))
    x = rng.uniform(-0.5, 2.5, size=(10, 4)).astype(np.float32)
    x[3, 1], x[5, 2] = -1.0, 3.0
    np.savez(tmp_path / "two.npz", x=x)
    return tmp_path


def run(folder, job, model="conv", output="out.onnx"):
    """Quantize in a process of its own; digest of the file, and the answer."""
    data = str(folder / f"{model}.npz") if "data" in job["calibration"] else None
    full = job | {"model": str(folder / f"{model}.onnx"), "output": str(folder / output), "calibration_data": data}
    with Worker(threads=1) as worker:
        answer = worker.call({"do": "quantize", "tool": "onnxruntime", "job": full})
    return hashlib.sha256((folder / output).read_bytes()).hexdigest(), answer


def ledger(folder, output="out.onnx"):
    with Worker(threads=1) as worker:
        answer = worker.call({"do": "inspect", "model": str(folder / output)})
    return answer, {
        (g["tensor_class"], g["format"], g["granularity"], g["symmetry"], g["timing"]) for g in answer["tensors"]
    }


def test_the_recipe_decides_what_the_file_holds(folder):
    run(folder, static())
    answer, found = ledger(folder)
    assert ("weights", "int8", "per_channel(axis=0)", "symmetric", "static") in found
    assert ("head", "int8", "per_channel(axis=0)", "symmetric", "static") in found
    assert ("bias", "int32", "per_channel(axis=0)", "symmetric", "static") in found
    assert {f[1:] for f in found if f[0] == "activations"} == {("uint8", "per_tensor", "asymmetric", "static")}
    assert answer["float_weights"] == []


@pytest.mark.parametrize("method", [MINMAX, PERCENTILE, ENTROPY], ids=lambda m: m["kind"])
def test_the_same_recipe_gives_the_same_bytes_under_another_hash_seed(folder, method):
    with Worker() as one, Worker() as two:
        assert one.call({"do": "hello"})["hash_of_text"] != two.call({"do": "hello"})["hash_of_text"]
    first, _ = run(folder, static(method))
    second, _ = run(folder, static(method))
    assert first == second


def test_minmax_over_known_data_gives_the_scale_by_hand(folder):
    job = static(MINMAX, samples=10)
    run(folder, changed(job, ("precision", "weights", "granularity"), {"kind": "per_tensor"}), "two")
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(folder / "out.onnx").graph.initializer}
    # range [-1, 3] in 255 steps; zero point 1 / (4 / 255) = 63.75
    assert constants["x_scale"] == pytest.approx(4 / 255)
    assert constants["x_zero_point"] == 64
    # weights of at most 3 over 127 codes
    assert constants["w1_scale"] == pytest.approx(3 / 127, rel=5e-3)


def test_every_calibration_item_is_counted_and_hashed(folder):
    _, answer = run(folder, static(samples=7))
    expected = hashlib.sha256()
    with np.load(folder / "conv.npz") as data:
        for item in data["x"][:7]:
            expected.update(b"x <f4 (1, 6, 6)\n" + item.tobytes())
    assert (answer["samples"], answer["digest"]) == (7, expected.hexdigest())
    _, shuffled = run(folder, static(samples=7, calibration_order="shuffled"))
    assert shuffled["samples"] == 7
    assert shuffled["digest"] != answer["digest"]


def test_too_few_calibration_items_are_a_failure(folder):
    with pytest.raises(ToolFailed, match="holds 10 items, the recipe declares 12"):
        run(folder, static(samples=12))


def test_entropy_with_the_tools_bins_is_minmax_and_declared_bins_are_inert(folder):
    # recorded in the literature on ONNX Runtime: 128 bins for 128 quantized bins leave one candidate, the whole range
    entropy, _ = run(folder, static(ENTROPY))
    default, _ = run(folder, static(ENTROPY | {"bins": 128}))
    minmax, _ = run(folder, static(MINMAX))
    percentile, _ = run(folder, static(PERCENTILE))
    assert entropy == default == minmax != percentile


def test_the_constant_of_a_moving_average_acts_with_a_stride_only(folder):
    plain = {run(folder, static(MOVING | {"constant": c}))[0] for c in (0.1, 0.5)}
    strided = {run(folder, static(MOVING | {"constant": c}, calibration_stride=1))[0] for c in (0.1, 0.5)}
    assert (len(plain), len(strided)) == (1, 2)


def test_preprocessing_keeps_the_model_that_was_quantized(folder):
    run(folder, static(preprocess=True))
    assert (folder / "out.onnx.reference.onnx").is_file()
    with Worker(threads=1) as worker:
        found = worker.call(
            {
                "do": "weight_error",
                "reference": str(folder / "out.onnx.reference.onnx"),
                "quantized": str(folder / "out.onnx"),
            }
        )
    assert (found["tensors"], found["beyond_half_step"], found["unmatched"]) == (2, 0, [])


def test_operators_form_and_asymmetric_weights(folder):
    job = static(MINMAX, format="qoperator")
    job["precision"]["weights"] = scheme("uint8", "asymmetric")
    job["precision"]["head"] = scheme("uint8", "asymmetric")
    job["mixed_precision"] |= {"first_layer": "uint8", "last_layer": "uint8"}
    run(folder, job)
    answer, found = ledger(folder)
    assert {g["op_type"] for g in answer["operators"]} == {"QLinearConv", "QGemm"}
    assert ("weights", "uint8", "per_tensor", "asymmetric", "static") in found


@pytest.mark.parametrize(
    ("selector", "float_weights"),
    [
        ({"kind": "node", "values": ["conv"]}, ["cw"]),
        ({"kind": "glob", "values": ["co*"]}, ["cw"]),
        ({"kind": "op_type", "values": ["Gemm"]}, ["gw"]),
        ({"kind": "tensor_class", "values": ["head"]}, ["gw"]),
    ],
)
def test_exceptions_stay_in_float(folder, selector, float_weights):
    job = static()
    job["mixed_precision"]["exceptions"] = [{"selector": selector, "format": "fp32", "reason": "sensitive"}]
    run(folder, job)
    assert ledger(folder)[0]["float_weights"] == float_weights


def test_first_and_last_layer_declared_in_float_stay_in_float(folder):
    job = static()
    job["mixed_precision"] |= {"first_layer": "fp32", "last_layer": "fp32"}
    job["precision"]["head"] = {"format": "fp32"}
    run(folder, job, "two")
    answer, _ = ledger(folder)
    assert (answer["first_layer"], answer["last_layer"]) == ("fp32", "fp32")


def test_a_head_and_a_last_layer_declared_in_different_formats_are_refused(folder):
    job = static()
    job["precision"]["head"] = {"format": "fp32"}
    with pytest.raises(ToolFailed, match="one and the same layer"):
        run(folder, job)


def test_an_exception_that_selects_nothing_is_a_failure(folder):
    job = static()
    job["mixed_precision"]["exceptions"] = [
        {"selector": {"kind": "node", "values": ["cnov"]}, "format": "fp32", "reason": "a slip"}
    ]
    with pytest.raises(ToolFailed, match="'cnov' selects no node"):
        run(folder, job)


def test_scales_per_channel_before_opset_13_need_a_conversion(folder):
    models.convolution(folder / "conv.onnx", opset=11)
    with pytest.raises(ToolFailed, match="need opset 13, the model has 11"):
        run(folder, static())
    run(folder, static(opset=17))
    assert [o.version for o in onnx.load(folder / "out.onnx").opset_import if not o.domain] == [17]


def test_dynamic_quantization_makes_integer_products(folder):
    first, answer = run(folder, dynamic(), "two")
    second, _ = run(folder, dynamic(), "two")
    assert first == second
    assert (answer["samples"], answer["digest"]) == (None, None)
    _, found = ledger(folder)
    assert ("weights", "int8", "per_channel(axis=1)", "symmetric", "static") in found
    assert ("activations", "uint8", "per_tensor", "asymmetric", "dynamic") in found


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (groups(), ("weights", "int4", "per_group(32)", "symmetric", "static")),
        (groups("uint4", "asymmetric"), ("weights", "uint4", "per_group(32)", "asymmetric", "static")),
        (groups("int4", format="qdq"), ("weights", "int4", "per_group(32)", "symmetric", "static")),
    ],
    ids=["symmetric", "asymmetric", "qdq"],
)
def test_four_bit_weights_in_groups(folder, job, words):
    pytest.importorskip("onnx_ir", reason="ONNX Runtime's MatMulNBits quantizer needs it")
    rng = np.random.default_rng(4)
    models.linear(folder / "wide.onnx", rng.normal(size=(64, 3)))
    first, _ = run(folder, job, "wide")
    assert first == run(folder, job, "wide")[0]
    _, found = ledger(folder)
    assert words in found
    with Worker(threads=1) as worker:
        error = worker.call(
            {"do": "weight_error", "reference": str(folder / "wide.onnx"), "quantized": str(folder / "out.onnx")}
        )
    assert (error["elements"], error["beyond_half_step"], error["unmatched"]) == (192, 0, [])


def test_a_shared_weight_is_written_once(folder):
    pytest.importorskip("onnx_ir", reason="ONNX Runtime's MatMulNBits quantizer needs it")
    nodes = [
        models.node("MatMul", ["x", "w"], ["a"]),
        models.node("Relu", ["a"], ["b"]),
        models.node("MatMul", ["b", "w"], ["y"]),
    ]
    sizes = {"inputs": {"x": ["batch", 32]}, "outputs": {"y": ["batch", 32]}}
    models.save(folder / "tied.onnx", nodes, {"w": np.eye(32, dtype=np.float32)}, **sizes)
    np.savez(folder / "tied.npz", x=np.ones((2, 32), np.float32))
    for form in ("qoperator", "qdq"):
        run(folder, groups(format=form), "tied")
        names = [tensor.name for tensor in onnx.load(folder / "out.onnx").graph.initializer]
        assert len(names) == len(set(names))
        with Worker(threads=1) as worker:
            opened = {"do": "open", "runtime": "onnxruntime", "model": str(folder / "out.onnx")}
            worker.call(opened | {"provider": "CPUExecutionProvider"})


def test_complete_recipes_are_accepted():
    for job in (static(), static(PERCENTILE), static(ENTROPY), static(MOVING), dynamic(), groups()):
        assert check(job) == ()


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (static(smooth=1), "unknown option 'smooth'"),
        (static(reduce_range="yes"), "reduce_range must be true or false"),
        (static(calibration_stride=-1), "calibration_stride must be a whole number"),
        (static(accuracy_level=4), "accuracy_level has no meaning in mode static"),
        (dynamic(format="qdq"), "option format has no meaning in mode dynamic"),
        (changed(static(), ("quantization", "approach"), "dynamic"), "do not agree"),
        (changed(static(), ("quantization", "algorithm"), "gptq"), "it has no 'gptq'"),
        (changed(static(), ("precision", "weights"), FP32), "quantizes no weights"),
        (changed(static(), ("precision", "weights", "format"), "fp8_e4m3fn"), "static quantization to fp8_e4m3fn"),
        (changed(static(), ("precision", "activations"), FP32), "declares none"),
        (
            changed(static(), ("precision", "activations", "granularity"), {"kind": "per_channel", "axis": 1}),
            "per tensor",
        ),
        (changed(static(), ("precision", "activations", "timing"), "dynamic"), "fixes activation scales"),
        (changed(static(), ("precision", "outputs"), FP32), "quantize_outputs do not agree"),
        (changed(static(), ("calibration",), {"none_needed": "?"}), "needs calibration data"),
        (changed(static(), ("calibration", "method"), {"kind": "mse", "symmetric": True, "steps": 9}), "method mse"),
        (static(PERCENTILE, samples=7), "must be a multiple of batch_size 2"),
        (static(calibration_stride=3), "not divisible by calibration_stride 3"),
        (changed(static(), ("mixed_precision", "last_layer"), "int16"), "last_layer in int16"),
        (changed(dynamic(), ("precision", "activations", "format"), "int8"), "uint8 activations"),
        (changed(dynamic(), ("calibration",), static()["calibration"]), "uses no calibration data"),
        (groups("int4", "asymmetric"), "symmetric groups are int"),
        (groups(size=24), "a group has 16, 32, 64"),
        (groups("int8", format="qdq"), "format qdq has 4 bit only"),
    ],
)
def test_what_the_tool_cannot_do_is_said(job, words):
    assert any(words in reason for reason in check(job)), check(job)


def test_a_refused_recipe_is_not_run(folder):
    with pytest.raises(ToolFailed, match="cannot do this recipe"):
        run(folder, static(PERCENTILE, samples=7))


def test_each_declared_setting_has_one_variant():
    job = static(ENTROPY, reduce_range=True, preprocess=False)
    found = {option: (declared, other) for option, declared, other, _ in variants(job)}
    assert found == {
        "reduce_range": ("true", "the tool's default, false"),
        "precision.weights.granularity": ("per_channel", "per_tensor"),
        "calibration.method.kind": ("entropy", "minmax"),
        "calibration.method.symmetric": ("false", "true"),
        "calibration.method.bins": ("2048", "128"),
        "calibration.method.quantized_bins": ("128", "64"),
        "calibration.data.batch_size": ("2", "1"),
    }
    assert variants(dynamic())[0][0] == "op_types"
    assert job == static(ENTROPY, reduce_range=True, preprocess=False)


def test_variants_of_a_shortened_run_read_the_same_items(folder):
    job = static(MINMAX, samples=10) | {"limit": 4}
    base, answer = run(folder, job)
    batch = next(v for v in variants(job) if v[0] == "calibration.data.batch_size")
    same, varied = run(folder, batch[3] | {"limit": 4})
    assert (answer["samples"], answer["digest"]) == (varied["samples"], varied["digest"])
    assert base == same  # the batch size means nothing to minima and maxima


def test_a_shortened_run_keeps_whole_batches_and_strides():
    assert shortened(128, 16, 0, 8) == 64
    assert shortened(128, 1, 0, 8) == 8
    assert shortened(128, 1, 3, 8) == 9
    assert shortened(20, 16, 0, 8) == 20
    assert shortened(128, 16, 0, None) == 128
