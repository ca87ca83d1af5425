"""Ledger, weight error and comparison on files whose every number is known."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from verifier.evidence import ArtifactComparison, OperatorGroup, TensorGroup, WeightError
from verifier.inspection.graph import examine, load
from verifier.inspection.ledger import Entry, tensor_groups
from verifier.inspection.scheme import Scheme
from verifier.inspection.weights import compare, weight_error
from verifier.inspection.whole import inspect

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

STEP = 2 / 255
SHA = "0" * 64


def group(ledger, tensor_class):
    found = [g for g in ledger["tensors"] if g["tensor_class"] == tensor_class]
    assert len(found) == 1, found
    TensorGroup.model_validate(found[0], strict=False)
    return {key: found[0][key] for key in ("format", "granularity", "symmetry", "timing", "tensors")}


def scheme(fmt, granularity="none", symmetry="none", timing="none", tensors=1):
    return {"format": fmt, "granularity": granularity, "symmetry": symmetry, "timing": timing, "tensors": tensors}


def computes(ledger):
    return {
        (g["op_type"], g["compute"]): OperatorGroup.model_validate(g, strict=False).count for g in ledger["operators"]
    }


def test_a_float_model_is_float_in_every_class(tmp_path):
    ledger = inspect(str(models.two_layers(tmp_path / "m.onnx")))
    assert group(ledger, "weights") == scheme("fp32")
    assert group(ledger, "head") == scheme("fp32")
    assert group(ledger, "activations") == scheme("fp32", tensors=2)
    assert computes(ledger) == {("MatMul", "fp32"): 2}
    assert (ledger["first_layer"], ledger["last_layer"]) == ("fp32", "fp32")


def test_a_per_channel_weight_names_the_axis_of_its_own_tensor(tmp_path):
    codes = np.zeros((4, 2), np.int8)
    path = models.linear_qdq(tmp_path / "m.onnx", codes, [0.1, 0.2], [0, 0], axis=1)
    ledger = inspect(str(path))
    assert group(ledger, "weights") == scheme("int8", "per_channel(axis=1)", "symmetric", "static")
    assert ledger["weights"][0]["output_channel"]
    assert group(ledger, "activations") == scheme("uint8", "per_tensor", "symmetric", "static")
    assert computes(ledger) == {("MatMul", "int8"): 1}


def test_channels_of_the_inputs_are_not_output_channels(tmp_path):
    path = models.linear_qdq(tmp_path / "m.onnx", np.zeros((4, 2), np.int8), [0.1] * 4, [0] * 4, axis=0)
    ledger = inspect(str(path))
    assert group(ledger, "weights")["granularity"] == "per_channel(axis=0)"
    assert not ledger["weights"][0]["output_channel"]


def test_one_output_channel_with_a_scale_of_its_own_is_per_channel(tmp_path):
    path = models.linear_qdq(tmp_path / "m.onnx", np.zeros((4, 1), np.int8), [0.1], [0], axis=1)
    assert group(inspect(str(path)), "weights")["granularity"] == "per_channel(axis=1)"


@pytest.mark.parametrize(("zero", "expected"), [(128, "symmetric"), (0, "asymmetric"), (127, "asymmetric")])
def test_uint8_weights_are_symmetric_around_128_only(tmp_path, zero, expected):
    path = models.linear_qdq(tmp_path / "m.onnx", np.zeros((4, 2), np.uint8), 0.1, zero, activation=(0.1, zero))
    assert group(inspect(str(path)), "weights") == scheme("uint8", "per_tensor", expected, "static")


@pytest.mark.parametrize(("zero", "expected"), [(128, "symmetric"), (0, "symmetric"), (127, "asymmetric")])
def test_activations_that_are_never_negative_are_symmetric_with_their_zero_point_at_zero(tmp_path, zero, expected):
    # lynxspec.claim.precision.Quantized: symmetric is a zero point at zero; NNCF writes such uint8 behind a ReLU
    path = models.linear_qdq(tmp_path / "m.onnx", np.zeros((4, 2), np.uint8), 0.1, 128, activation=(0.1, zero))
    assert group(inspect(str(path)), "activations")["symmetry"] == expected


def test_weights_alone_in_int8_leave_the_product_in_float(tmp_path):
    path = models.linear_qdq(tmp_path / "m.onnx", np.zeros((4, 2), np.int8), 0.1, 0, activation=None)
    ledger = inspect(str(path))
    assert group(ledger, "weights")["format"] == "int8"
    assert group(ledger, "activations") == scheme("fp32")
    assert computes(ledger) == {("MatMul", "fp32"): 1}


def test_a_dynamic_product_has_dynamic_activations(tmp_path):
    ledger = inspect(str(models.linear_integer(tmp_path / "m.onnx")))
    assert group(ledger, "weights") == scheme("int8", "per_channel(axis=1)", "symmetric", "static")
    assert group(ledger, "activations") == scheme("uint8", "per_tensor", "asymmetric", "dynamic")
    assert group(ledger, "outputs") == scheme("fp32")
    assert computes(ledger) == {("MatMulInteger", "int8"): 1}


def test_groups_without_zero_points_are_symmetric_int4(tmp_path):
    ledger = inspect(str(models.linear_nbits(tmp_path / "m.onnx", zero_points=False)))
    assert group(ledger, "weights") == scheme("int4", "per_group(32)", "symmetric", "static")
    assert ledger["weights"][0]["elements"] == 64
    assert computes(ledger) == {("MatMulNBits", "fp32"): 1}


def test_groups_with_zero_points_are_uint4(tmp_path):
    ledger = inspect(str(models.linear_nbits(tmp_path / "m.onnx", zero_points=True)))
    assert group(ledger, "weights") == scheme("uint4", "per_group(32)", "asymmetric", "static")


def test_accuracy_level_4_is_int8_arithmetic_under_four_bit_weights(tmp_path):
    ledger = inspect(str(models.linear_nbits(tmp_path / "m.onnx", zero_points=False, accuracy_level=4)))
    assert group(ledger, "activations") == scheme("int8", "per_group(32)", "symmetric", "dynamic")
    assert computes(ledger) == {("MatMulNBits", "int8"): 1}


@pytest.mark.parametrize(
    ("kind", "block", "fmt", "granularity"),
    [
        (TensorProto.INT4, 16, "int4", "per_group(16)"),
        (TensorProto.FLOAT8E4M3FN, 0, "fp8_e4m3fn", "per_tensor"),
    ],
)
def test_narrow_formats_are_named(tmp_path, kind, block, fmt, granularity):
    ledger = inspect(str(models.linear_typed(tmp_path / "m.onnx", kind, block)))
    assert group(ledger, "weights") == scheme(fmt, granularity, "symmetric", "static")


def test_a_half_precision_file_that_declares_its_ends_alone_is_half_precision_throughout(tmp_path):
    # what converters write that keep inputs and outputs in FP32: no type is declared in between
    nodes = [
        models.node("Cast", ["x"], ["x16"], to=TensorProto.FLOAT16),
        models.node("MatMul", ["x16", "w1"], ["h"]),
        models.node("Relu", ["h"], ["r"]),
        models.node("Transpose", ["r"], ["t"], perm=[1, 0]),
        models.node("MatMul", ["r", "t"], ["s"]),
        models.node("MatMul", ["s", "r"], ["a"]),
        models.node("MatMul", ["a", "w2"], ["y16"]),
        models.node("Cast", ["y16"], ["y"], to=TensorProto.FLOAT),
    ]
    halves = {"w1": models.FIRST.astype(np.float16), "w2": models.SECOND.astype(np.float16)}
    ledger = inspect(str(models.save(tmp_path / "m.onnx", nodes, halves)))
    assert group(ledger, "weights")["format"] == group(ledger, "head")["format"] == "fp16"
    assert group(ledger, "activations") == scheme("fp16", tensors=2)
    assert group(ledger, "outputs") == scheme("fp16", tensors=2)
    assert computes(ledger) == {("MatMul", "fp16"): 4}


def test_a_pair_without_zero_points_has_the_format_that_its_quantizer_states(tmp_path):
    # opset 21: QuantizeLinear may state output_dtype where there is no zero point to tell it
    nodes = [
        models.node("QuantizeLinear", ["x", "s"], ["x_q"], output_dtype=TensorProto.FLOAT8E4M3FN),
        models.node("DequantizeLinear", ["x_q", "s"], ["x_dq"]),
        models.node("QuantizeLinear", ["w", "s"], ["w_q"], output_dtype=TensorProto.INT8),
        models.node("DequantizeLinear", ["w_q", "s"], ["w_dq"]),
        models.node("MatMul", ["x_dq", "w_dq"], ["y"]),
    ]
    constants = {"w": np.ones((4, 2), np.float32), "s": np.float32(0.1)}
    ledger = inspect(str(models.save(tmp_path / "m.onnx", nodes, {k: np.asarray(v) for k, v in constants.items()})))
    assert group(ledger, "weights") == scheme("int8", "per_tensor", "symmetric", "static")
    assert group(ledger, "activations")["format"] == "fp8_e4m3fn"


@pytest.mark.parametrize(("op", "settings"), [("Gemm", {}), ("Einsum", {"equation": "ij,jk->ik"}), ("MatMul", {})])
def test_a_weight_may_be_the_first_operand(tmp_path, op, settings):
    node = models.node(op, ["w", "x"], ["y"], **settings)
    model = models.save(tmp_path / "m.onnx", [node], {"w": models.FIRST}, inputs={"x": [3, 2]}, outputs={"y": [4, 2]})
    assert group(inspect(str(model)), "weights") == scheme("fp32")


def test_a_weight_that_the_file_computes_is_no_activation(tmp_path):
    """A layer in FP32 that hides its weight behind an addition of zero is no product of two activations."""
    nodes = [
        models.node("MatMul", ["x", "w1"], ["h"]),
        models.node("Add", ["w2", "zero"], ["made"]),
        models.node("MatMul", ["h", "made"], ["y"]),
    ]
    constants = {"w1": models.FIRST, "w2": models.SECOND, "zero": np.zeros((3, 2), np.float32)}
    ledger = inspect(str(models.save(tmp_path / "m.onnx", nodes, constants)))
    made = [g for g in ledger["tensors"] if g["granularity"] == "computed"]
    assert [(g["tensor_class"], g["format"], g["examples"]) for g in made] == [("weights", "fp32", ["made"])]
    assert not [g for g in ledger["tensors"] if g["tensor_class"] == "other"]


def test_a_product_of_two_activations_has_no_weight_and_nor_has_one_of_two_constants(tmp_path):
    nodes = [
        models.node("Add", ["w", "w"], ["twice"]),
        models.node("MatMul", ["twice", "t"], ["table"]),
        models.node("Transpose", ["w"], ["t"], perm=[1, 0]),
        models.node("Add", ["x", "table"], ["h"]),
        models.node("Transpose", ["h"], ["k"], perm=[1, 0]),
        models.node("MatMul", ["h", "k"], ["y"]),
    ]
    nodes = [nodes[0], nodes[2], nodes[1], *nodes[3:]]
    square = {"inputs": {"x": [4, 4]}, "outputs": {"y": [4, 4]}}
    ledger = inspect(str(models.save(tmp_path / "m.onnx", nodes, {"w": models.FIRST}, **square)))
    assert not [g for g in ledger["tensors"] if g["granularity"] == "computed"]


def test_one_asymmetric_activation_does_not_make_all_of_them_asymmetric():
    entries = [Entry("activations", f"a{n}", Scheme("int8", "per_tensor", n > 0, "static"), 0) for n in range(50)]
    found = {g["symmetry"]: (g["tensors"], g["examples"][0]) for g in tensor_groups(entries)}
    assert found == {"asymmetric": (1, "a0"), "symmetric": (49, "a1")}


def test_reading_an_inspected_file_needs_no_runtime(tmp_path):
    path = models.external(tmp_path / "m.onnx", "w.bin")
    (tmp_path / "w.bin").write_bytes(models.FIRST.tobytes())
    assert group(inspect(str(path)), "weights") == scheme("fp32")


def test_weights_outside_the_file_never_reach_an_engine_since_no_digest_covers_them(tmp_path):
    path = models.external(tmp_path / "m.onnx", "w.bin")
    (tmp_path / "w.bin").write_bytes(models.FIRST.tobytes())
    with pytest.raises(ValueError, match="does not cover"):
        examine(str(path))


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hostname", "sub/../../w.bin", "", "absent.bin"])
def test_external_data_outside_the_folder_is_refused(tmp_path, location):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "w.bin").write_bytes(models.FIRST.tobytes())
    path = models.external(folder / "m.onnx", location)
    for read in (load, examine):
        with pytest.raises(ValueError, match="not a file inside the model's folder"):
            read(str(path))


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(models.FIRST.tobytes())
    (folder / "w.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(ValueError, match="not a file inside"):
        examine(str(models.external(folder / "m.onnx", "w.bin")))


def test_custom_operators_and_rubbish_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"com\.acme"):
        examine(str(models.foreign(tmp_path / "m.onnx")))
    (tmp_path / "r.onnx").write_bytes(b"\x80\x04\x95not a model")
    with pytest.raises(ValueError, match="onnx"):
        examine(str(tmp_path / "r.onnx"))


def worked_example(folder, weights, codes, scale=STEP):
    reference = models.linear(folder / "reference.onnx", weights)
    return str(reference), str(models.linear_qdq(folder / "q.onnx", codes, scale, 0))


def test_symmetric_eight_bit_over_one_stays_within_four_thousandths(tmp_path):
    # the worked example: [-1, 1] in 255 steps of 2/255 = 0.00784; half of it, 0.00392, is below 0.004
    weights = np.linspace(-1, 1, 200).reshape(100, 2).astype(np.float32)
    codes = np.clip(np.rint(weights / STEP), -128, 127).astype(np.int8)
    assert np.abs(codes * STEP - weights).max() <= 0.004
    found = weight_error(*worked_example(tmp_path, weights, codes))
    plain = {key: value for key, value in found.items() if key != "offenders"}
    WeightError.model_validate(plain | {"regime": "q", "sha256": SHA}, strict=False)
    assert (found["tensors"], found["elements"], found["clipped"], found["beyond_half_step"]) == (1, 200, 0, 0)
    assert found["worst_steps"] == pytest.approx(0.5, abs=1e-3)


def test_a_weight_one_code_away_is_off_the_grid(tmp_path):
    weights = np.linspace(-0.9, 0.9, 200).reshape(100, 2).astype(np.float32)
    codes = np.rint(weights / STEP).astype(np.int8)
    codes[7, 1] += 1
    found = weight_error(*worked_example(tmp_path, weights, codes))
    assert found["beyond_half_step"] == 1
    assert 0.5 < found["worst_steps"] <= 1.5
    assert found["offenders"] == ["w_quantized"]


def test_clipped_weights_are_counted_apart(tmp_path):
    weights = np.zeros((4, 2), np.float32)
    weights[0, 0], weights[3, 1] = 1.5, -1.5
    codes = np.clip(np.rint(weights / STEP), -128, 127).astype(np.int8)
    found = weight_error(*worked_example(tmp_path, weights, codes))
    assert (found["clipped"], found["beyond_half_step"], found["worst_steps"]) == (2, 0, 0.0)


def test_steps_are_those_of_each_channel(tmp_path):
    weights = np.array([[1.0, 100.0], [2.0, 149.0]], np.float32)
    reference = models.linear(tmp_path / "r.onnx", weights)
    path = models.linear_qdq(tmp_path / "q.onnx", np.array([[1, 1], [2, 1]], np.int8), [1.0, 100.0], [0, 0], axis=1)
    assert weight_error(str(reference), str(path))["worst_steps"] == pytest.approx(0.49)


def test_packed_four_bit_weights_are_read_column_by_column(tmp_path):
    # codes 9 and 7 around 8 with scales 0.5 and 0.25 are +0.5 and -0.25
    weights = np.tile(np.array([[0.5, -0.25]], np.float32), (32, 1))
    reference = models.linear(tmp_path / "r.onnx", weights)
    for zero_points in (False, True):
        path = models.linear_nbits(tmp_path / "q.onnx", zero_points=zero_points)
        found = weight_error(str(reference), str(path))
        assert (found["elements"], found["worst_steps"], found["unmatched"]) == (64, 0.0, [])


def test_a_weight_without_counterpart_is_named(tmp_path):
    reference = models.linear(tmp_path / "r.onnx", np.zeros((5, 3)))
    path = models.linear_qdq(tmp_path / "q.onnx", np.zeros((4, 2), np.int8), 0.1, 0)
    found = weight_error(str(reference), str(path))
    assert (found["tensors"], found["unmatched"]) == (0, ["w_quantized"])


def test_equal_files_are_identical_and_a_changed_scale_is_found(tmp_path):
    codes = np.arange(8, dtype=np.int8).reshape(4, 2)
    first = models.linear_qdq(tmp_path / "a.onnx", codes, [0.1, 0.2], [0, 0], axis=1)
    same = tmp_path / "b.onnx"
    shutil.copyfile(first, same)
    found = compare(str(first), str(same))
    ArtifactComparison.model_validate(found | {"regime": "q"}, strict=False)
    assert (found["identical"], found["scales_compared"], found["scales_different"]) == (True, 3, 0)

    codes[0, 0] += 1
    other = models.linear_qdq(tmp_path / "c.onnx", codes, [0.1, 0.25], [0, 3], axis=1)
    found = compare(str(first), str(other))
    assert not found["identical"]
    assert (found["scales_different"], found["zero_points_different"], found["weights_different"]) == (1, 1, 1)
    assert found["worst_scale_ratio"] == pytest.approx(0.2)
    assert found["examples"] == ["w_scale", "w_zero", "w_quantized"]


def test_scales_in_one_file_only_are_unmatched(tmp_path):
    codes = np.zeros((4, 2), np.int8)
    first = models.linear_qdq(tmp_path / "a.onnx", codes, [0.1, 0.2], [0, 0], axis=1)
    second = models.linear_qdq(tmp_path / "b.onnx", codes, 0.1, 0)
    found = compare(str(first), str(second))
    assert (found["scales_compared"], found["unmatched"]) == (1, 2)
