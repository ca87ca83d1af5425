"""LiteRT and its quantizer on a real model: the twin of the ONNX file, what files hold, what runs, what is refused."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from tests.environments import interpreter_of
from verifier.errors import ToolFailed
from verifier.evidence.calibration import CalibrationAccount
from verifier.opening import open_claim
from verifier.process import Worker
from verifier.quantizers.ai_edge_quantizer import check, variants
from verifier.reproduction.also import Target, carried_over
from verifier.runtimes import find_runtime

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "mobilenetv2-mnist"
MODEL = EXAMPLE / "model.tflite"
DATA = {"data": str(EXAMPLE / "evaluation.npz"), "inputs": ["image"]}
FP32 = {"format": "fp32"}
BLOCK = ["features.0.0.output.padded", "features.0.0.output", "features.1.conv.0.0.output", "features.1.conv.1.output"]
IMAGE = ["TRANSPOSE", "RESIZE_BILINEAR", "SUB", "DIV"]


def scheme(fmt, symmetry, kind="per_tensor", timing="static", **extra):
    return {"format": fmt, "granularity": {"kind": kind, **extra}, "symmetry": symmetry, "timing": timing}


def static(**options):
    return {
        "precision": {
            "weights": scheme("int8", "symmetric", "per_channel", axis=0),
            "activations": scheme("int8", "asymmetric"),
            "outputs": scheme("int8", "asymmetric"),
        },
        "mixed_precision": {"first_layer": "int8", "last_layer": "int8", "exceptions": []},
        "quantization": {"algorithm": "rtn", "approach": "static"},
        "calibration": {"data": {"samples": 32, "batch_size": 8}, "method": {"kind": "minmax", "symmetric": False}},
        "options": {"mode": "static", **options},
        "calibration_data": str(EXAMPLE / "calibration.npz"),
    }


def floating(mode):
    activations = scheme("int8", "asymmetric", "per_token", "dynamic") if mode == "dynamic" else FP32
    weights = scheme("int8", "symmetric", "per_channel", axis=0)
    return {
        "precision": {"weights": weights, "activations": activations, "outputs": FP32},
        "mixed_precision": {"first_layer": "int8", "last_layer": "int8", "exceptions": []},
        "quantization": {"algorithm": "rtn", "approach": mode},
        "calibration": {},
        "options": {"mode": mode},
    }


def sparing(job):
    """The first block and the preprocessing stay in float."""
    job = copy.deepcopy(job)
    wishes = (("node", BLOCK), ("op_type", IMAGE))
    job["mixed_precision"] = {
        "first_layer": "fp32",
        "last_layer": "int8",
        "exceptions": [{"selector": {"kind": kind, "values": values}, "format": "fp32"} for kind, values in wishes],
    }
    return job


@pytest.fixture(scope="module")
def worker():
    with Worker(interpreter=interpreter_of("litert"), threads=1) as process:
        yield process


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Quantizes by a recipe; the path of the file and the tool's answer, each recipe once."""
    folder, known = tmp_path_factory.mktemp("made"), {}
    with Worker(interpreter=interpreter_of("ai-edge-quantizer"), threads=1) as process:

        def make(name, job, again=False):
            if name not in known or again:
                path = folder / f"{name}{'-again' if again else ''}.tflite"
                full = job | {"model": str(MODEL), "output": str(path)}
                answer = process.call({"do": "quantize", "tool": "ai_edge_quantizer", "job": full})
                known[name] = (path, answer)
            return known[name]

        yield make


def opening(path, provider="XNNPACK", **options):
    command = {"do": "open", "runtime": "litert", "model": str(path), "provider": provider}
    return command | {"options": options or {"intra_op_threads": 1}}


def outputs(worker, path, tmp_path, provider="XNNPACK", limit=64, batch=16):
    worker.call(opening(path, provider))
    worker.call({"do": "evaluate", "batch": batch, "limit": limit, "out": str(tmp_path / "out.npz"), **DATA})
    with np.load(tmp_path / "out.npz") as found:
        return found["logits"]


def inspected(worker, path):
    return worker.call({"do": "inspect", "runtime": "litert", "model": str(path)})


def groups(ledger, tensor_class):
    found = [group for group in ledger["tensors"] if group["tensor_class"] == tensor_class]
    return {(g["format"], g["granularity"], g["timing"]): g["tensors"] for g in found}


def counts(ledger):
    return {(group["op_type"], group["compute"]): group["count"] for group in ledger["operators"]}


def test_the_twin_gives_what_the_onnx_file_gives(worker, tmp_path):
    with np.load(EXAMPLE / "evaluation.npz") as data:
        images = data["image"][:64]
    session = ort.InferenceSession(str(EXAMPLE / "model.onnx"), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"image": images})[0]
    found = outputs(worker, MODEL, tmp_path)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    # another number of images per call lets the interpreter lay its tensors anew
    np.testing.assert_allclose(outputs(worker, MODEL, tmp_path, batch=5), found, atol=1e-3)


def test_a_float_file_is_float_throughout(worker):
    ledger = inspected(worker, MODEL)
    assert counts(ledger) == {
        ("CONV_2D", "fp32"): 35,
        ("DEPTHWISE_CONV_2D", "fp32"): 17,
        ("FULLY_CONNECTED", "fp32"): 1,
    }
    assert groups(ledger, "weights") == {("fp32", "none", "none"): 52}
    assert (ledger["first_weight"], ledger["last_weight"]) == ("features.0.0.weight", "head.weight")


def test_static_quantization_gives_the_same_bytes_twice_and_integers_throughout(worker, made):
    job = static()
    path, answer = made("static", job)
    assert (
        hashlib.sha256(path.read_bytes()).digest()
        == hashlib.sha256(made("static", job, again=True)[0].read_bytes()).digest()
    )
    assert (answer["samples"], answer["read"]) == (32, 32)
    # what the evidence holds of a calibration
    account = CalibrationAccount(
        declared=32,
        read=answer["read"],
        read_sha256=answer["read_digest"],
        entered=answer["samples"],
        entered_sha256=answer["digest"],
        path=answer["collection"],
        reason=answer["reason"],
        one_shot_bytes=answer["one_shot_bytes"],
    )
    assert account.one_shot_bytes is None
    assert answer["digest"] == answer["read_digest"]
    ledger = inspected(worker, path)
    assert counts(ledger) == {
        ("CONV_2D", "int8"): 35,
        ("DEPTHWISE_CONV_2D", "int8"): 17,
        ("FULLY_CONNECTED", "int8"): 1,
    }
    # a depthwise kernel has its channels last
    weights = {("int8", "per_channel(axis=0)", "static"): 35, ("int8", "per_channel(axis=3)", "static"): 17}
    assert groups(ledger, "weights") == weights
    assert groups(ledger, "activations") == {("int8", "per_tensor", "static"): 53}
    assert groups(ledger, "bias") == {("int32", "per_channel(axis=0)", "static"): 53}
    assert all(row["output_channel"] for row in ledger["weights"])
    rows = [row for row in ledger["storage"] if row["format"] == "int8"]
    assert {(row["numeric_bits"], row["storage_bits"], row["used_bits"]) for row in rows} == {(8, 8.0, 8)}


def test_layers_that_the_policy_spares_stay_in_float_and_the_rest_keeps_its_accuracy(worker, made, tmp_path):
    path, answer = made("spared", sparing(static()))
    # where converters made one operator of two, either name selects it
    assert {part for name in answer["excluded"] for part in name.split(";")} > set(BLOCK)
    ledger = inspected(worker, path)
    assert {k: n for k, n in counts(ledger).items() if k[1] == "fp32"} == {
        ("CONV_2D", "fp32"): 2,
        ("DEPTHWISE_CONV_2D", "fp32"): 1,
    }
    assert ledger["float_weights"] == ["features.0.0.weight", "features.1.conv.0.0.weight", "features.1.conv.1.weight"]
    with np.load(EXAMPLE / "evaluation.npz") as data:
        labels = data["label"][:256]
    found = outputs(worker, path, tmp_path, limit=256)
    expected = outputs(worker, MODEL, tmp_path, limit=256)
    assert abs((found.argmax(1) == labels).mean() - (expected.argmax(1) == labels).mean()) < 0.03


def test_weights_lie_within_half_a_step_of_the_references(worker, made):
    path, _ = made("static", static())
    answer = worker.call({"do": "weight_error", "reference": str(MODEL), "quantized": str(path)})
    assert (answer["tensors"], answer["clipped"], answer["beyond_half_step"]) == (53, 0, 0)
    assert 0.45 < answer["worst_steps"] <= 0.501
    assert answer["unmatched"] == []
    # the layers that stay in float are no weights on a grid
    path, _ = made("spared", sparing(static()))
    assert worker.call({"do": "weight_error", "reference": str(MODEL), "quantized": str(path)})["tensors"] == 50


def test_a_weight_that_was_moved_is_seen(worker, made, tmp_path):
    path, _ = made("static", static())
    content, moved = path.read_bytes(), tmp_path / "moved.tflite"
    same = worker.call({"do": "compare", "supplied": str(path), "recipe": str(path)})
    assert (same["identical"], same["scales_different"], same["weights_different"], same["unmatched"]) == (
        True,
        0,
        0,
        0,
    )
    place = len(content) - 20_000  # among the codes, which stand behind the tables
    moved.write_bytes(
        content[:place] + bytes(255 - byte for byte in content[place : place + 64]) + content[place + 64 :]
    )
    found = worker.call({"do": "compare", "supplied": str(moved), "recipe": str(path)})
    assert not found["identical"]
    assert 0 < found["weights_different"] + found["scales_different"] + found["zero_points_different"] <= 64
    error = worker.call({"do": "weight_error", "reference": str(MODEL), "quantized": str(moved)})
    assert error["beyond_half_step"] > 0


def test_inputs_and_outputs_stay_floats_unless_they_are_wanted_otherwise(worker, made, tmp_path):
    assert outputs(worker, made("static", static())[0], tmp_path).dtype == np.float32
    worker.call(opening(made("io", static(quantize_io=True))[0]))
    with pytest.raises(ToolFailed, match="expected type INT8"):
        worker.call({"do": "evaluate", "batch": 1, "limit": 1, "out": str(tmp_path / "o.npz"), **DATA})


def test_dynamic_quantization_computes_in_integers_and_weight_only_in_floats(worker, made, tmp_path):
    dynamic, weight_only = (made(mode, floating(mode))[0] for mode in ("dynamic", "weight_only"))
    assert {compute for _, compute in counts(inspected(worker, dynamic))} == {"int8"}
    assert {compute for _, compute in counts(inspected(worker, weight_only))} == {"fp32"}
    assert groups(inspected(worker, dynamic), "activations") == {("int8", "per_token", "dynamic"): 53}
    assert groups(inspected(worker, weight_only), "activations") == {("fp32", "none", "none"): 53}
    # both files hold the same weights: were the dynamic one computed in floats, too, its outputs would be the same
    first, second = (outputs(worker, path, tmp_path) for path in (dynamic, weight_only))
    assert np.abs(first - second).max() > 0.05
    plain = outputs(worker, weight_only, tmp_path, provider="reference", limit=2, batch=2)
    np.testing.assert_allclose(second[:2], plain, atol=1e-3)


def executed(worker, path, provider="XNNPACK"):
    return worker.call(opening(path, provider) | {"do": "executed", "batch": 2} | DATA)


def test_who_takes_the_products_is_told(worker, made):
    answer = executed(worker, made("static", static())[0])
    assert answer["notes"][0] == "XNNPACK takes 53 of 53 products"
    assert counts(answer) == {
        ("CONV_2D", "int8"): 35,
        ("DEPTHWISE_CONV_2D", "int8"): 17,
        ("FULLY_CONNECTED", "int8"): 1,
    }
    assert {group["time_share"] for group in answer["operators"]} == {None}
    answer = executed(worker, made("dynamic", floating("dynamic"))[0])
    assert answer["notes"][0] == "XNNPACK takes 36 of 53 products"
    assert answer["notes"][1].startswith("the built-in kernels take 17 of 53 products")
    answer = executed(worker, MODEL, "builtin")
    assert answer["notes"][0].startswith("the built-in kernels take 53 of 53 products")


@pytest.mark.parametrize(
    ("options", "provider", "words"),
    [
        ({"delegate": "evil.so"}, "XNNPACK", "unknown session options delegate"),
        ({"intra_op_threads": True}, "XNNPACK", "intra_op_threads must be a whole number"),
        ({"delegate_latest_features": 1}, "XNNPACK", "delegate_latest_features must be true or false"),
        ({}, "GPU", "provider GPU is none of XNNPACK, builtin, reference"),
    ],
)
def test_anything_else_is_refused(worker, options, provider, words):
    with pytest.raises(ToolFailed, match=words):
        worker.call(opening(MODEL, provider) | {"options": options})


def test_what_is_no_litert_file_is_refused(worker, tmp_path):
    for name, content, words in (
        ("a", b"short", "is no LiteRT file"),
        ("b", b"\0" * 4 + b"ONNX" + b"\0" * 64, "its identifier is not TFL3"),
        ("c", b"\x1c\0\0\0TFL3" + b"\xff" * 64, "cannot be read as a LiteRT file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ToolFailed, match=words):
            worker.call(opening(tmp_path / name))


def test_several_callers_at_once_get_their_own_outputs(worker, tmp_path):
    worker.call(opening(MODEL))
    worker.call({"do": "prepare_load", "batch": 2, "limit": 16, "seed": 1, **DATA})
    wish = {"do": "block", "seconds": 0.5, "concurrency": 2, "seed": 1, "keep_outputs": 8, "folder": str(tmp_path)}
    answer = worker.call(wish)
    expected = outputs(worker, MODEL, tmp_path, limit=16, batch=2)
    with np.load(answer["kept_path"]) as kept:
        np.testing.assert_allclose(kept["logits"], expected[kept["__items__"]], atol=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda job: job["options"].update(mode="fast"), "option mode must say static"),
        (
            lambda job: job["options"].update(mode="dynamic", quantize_io=True),
            "quantize_io has no meaning in mode dynamic",
        ),
        (lambda job: job["options"].update(calibration_order="any"), "calibration_order must be file or shuffled"),
        (lambda job: job["options"].update(bits=8), "unknown option 'bits'"),
        (lambda job: job["quantization"].update(algorithm="gptq"), "rounding to nearest"),
        (lambda job: job["quantization"].update(approach="dynamic"), "do not agree"),
        (lambda job: job["precision"]["weights"].update(symmetry="asymmetric"), "symmetric weights only"),
        (lambda job: job["precision"]["weights"].update(format="uint8"), "int2, int4 and int8 weights, not uint8"),
        (lambda job: job["precision"]["activations"].update(format="uint8"), "int8 or int16 activations"),
        (lambda job: job["precision"]["outputs"].update(format="int16"), "one format for activations and outputs"),
        (lambda job: job["calibration"]["method"].update(kind="entropy"), "minmax or moving_average, not entropy"),
        (lambda job: job["calibration"]["method"].update(symmetric=True), "must say symmetric: false"),
        (lambda job: job["mixed_precision"].update(first_layer="fp16"), "first_layer in fp16"),
        (lambda job: job.update(calibration={}), "needs calibration data"),
    ],
)
def test_what_the_tool_cannot_do_is_said(change, words):
    job = static()
    assert check(job) == ()
    change(job)
    assert any(words in reason for reason in check(job))


def test_modes_that_leave_activations_in_float_take_no_calibration():
    for mode in ("dynamic", "weight_only"):
        assert check(floating(mode)) == ()
        assert any(
            "no calibration data" in reason
            for reason in check(floating(mode) | {"calibration": static()["calibration"]})
        )


def test_a_policy_written_for_the_onnx_file_selects_the_same_of_the_twin(made):
    job, onnx_words = sparing(static()), ["Transpose", "Resize", "Sub", "Div"]
    expected = made("spared", job)[1]["excluded"]
    job["mixed_precision"]["exceptions"][1]["selector"]["values"] = onnx_words
    assert made("onnx-words", job)[1]["excluded"] == expected
    assert any("features.0.0.output;features.0.0.relu6" in name for name in expected)


def test_the_border_of_a_spared_convolution_is_spared_with_it(made):
    job = static()
    job["mixed_precision"]["first_layer"] = "fp32"
    excluded = made("first", job)[1]["excluded"]
    assert excluded == ["features.0.0.output.padded", "features.0.0.output;features.0.0.relu6"]


def test_an_exception_that_selects_nothing_is_an_error(made):
    job = sparing(static())
    job["mixed_precision"]["exceptions"][0]["selector"]["values"] = ["no.such.layer"]
    with pytest.raises(ToolFailed, match=r"'no\.such\.layer' selects no operator"):
        made("wrong", job)


def test_a_scheme_with_unsigned_activations_is_carried_over_as_the_signed_one():
    claim = open_claim(EXAMPLE / "int8.claim.yaml").claim
    target = Target(runtime="litert", version="2.3.0", provider="XNNPACK")
    regime = next(r for r in carried_over(claim, target, find_runtime("litert")).regimes if r.name == "int8")
    plain = regime.model_dump(mode="json")
    assert plain["toolchain"]["quantizer"]["name"] == "ai-edge-quantizer"
    assert plain["precision"]["activations"]["format"] == plain["precision"]["outputs"]["format"] == "int8"
    assert plain["precision"]["activations"]["symmetry"] == "asymmetric"
    assert plain["precision"]["bias"]["format"] == "int32"
    parts = {name: plain[name] for name in ("precision", "mixed_precision", "quantization", "calibration")}
    assert check(parts | {"options": plain["toolchain"]["quantizer"]["options"]}) == ()
    # another runtime that opens the claim's own file gets its scheme as it is
    web = Target(runtime="onnxruntime-web", version="1.30.0", provider="wasm")
    regime = next(r for r in carried_over(claim, web, find_runtime("onnxruntime-web")).regimes if r.name == "int8")
    assert regime.precision.activations.format == "uint8"


def test_each_declared_setting_has_a_variant(made):
    job = sparing(static(calibration_order="shuffled"))
    job["limit"] = 16
    found = {name: other for name, _, _, other in variants(job)}
    expected = {"calibration_order", "mixed_precision.exceptions", "precision.weights.granularity"}
    assert set(found) == expected | {"calibration.method.kind", "calibration.data.batch_size"}
    assert found["calibration_order"]["limit"] is None
    assert found["calibration.data.batch_size"]["calibration"]["data"]["samples"] == 32
    moving = copy.deepcopy(static())
    moving["calibration"]["method"] = {"kind": "moving_average", "symmetric": False, "constant": 0.05}
    assert "calibration.method.constant" in {name for name, *_ in variants(moving)}
    # and each changes the file
    plain = made("static", static())[0].read_bytes()
    assert made("moving", moving)[0].read_bytes() != plain
    other = next(other for name, _, _, other in variants(moving) if name == "calibration.method.constant")
    assert made("constant", other)[0].read_bytes() != made("moving", moving)[0].read_bytes()
