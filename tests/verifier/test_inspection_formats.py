"""Weight error and bits per weight of floating-point and block formats, on files that were written by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from verifier.evidence import WeightError
from verifier.evidence.inspection import WeightStorage
from verifier.inspection.storage import storage
from verifier.inspection.weights import weight_error
from verifier.inspection.whole import inspect

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

SHA = "0" * 64
ROWS, COLUMNS, BLOCK = 64, 3, 32
EIGHT = {
    TensorProto.FLOAT8E4M3FN: ml_dtypes.float8_e4m3fn,
    TensorProto.FLOAT8E5M2: ml_dtypes.float8_e5m2,
}


def weights(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, COLUMNS)).astype(np.float32)


def packed(name: str, kind: int, values: np.ndarray) -> onnx.TensorProto:
    return helper.make_tensor(name, kind, values.shape, values.astype(np.float32).ravel().tolist())


def linear(path: Path, constants, *, block: int = 0, opset: int = 23, before=()) -> str:
    """``y = x @ DequantizeLinear(w_q, w_scale)``; blocks lie along the inputs."""
    extra = {"axis": 0, "block_size": block} if block else {}
    nodes = [
        *before,
        models.node("DequantizeLinear", ["w_q", "w_scale"], ["w_dq"], **extra),
        models.node("MatMul", ["x", "w_dq"], ["y"], "product"),
    ]
    sizes = {"inputs": {"x": ["batch", ROWS]}, "outputs": {"y": ["batch", COLUMNS]}}
    return str(models.save(path, nodes, constants, opset=opset, **sizes))


def found(folder: Path, floats: np.ndarray, quantized: str) -> dict:
    answer = weight_error(str(models.linear(folder / "reference.onnx", floats)), quantized)
    plain = {key: value for key, value in answer.items() if key != "offenders"}
    WeightError.model_validate(plain | {"regime": "q", "sha256": SHA}, strict=False)
    return answer


def only_row(path: str) -> dict:
    rows = storage(onnx.load(path))
    assert len(rows) == 1
    WeightStorage.model_validate(rows[0], strict=False)
    return rows[0]


@pytest.mark.parametrize("kind", EIGHT)
@pytest.mark.parametrize("moved", [False, True])
def test_eight_bit_floats_are_measured_in_the_step_at_each_weight(tmp_path, kind, moved) -> None:
    floats, scale = weights(), np.float32(0.01)
    codes = (floats / scale).astype(EIGHT[kind]).astype(np.float32)
    if moved:  # the largest weight by one of its own, coarse steps; in steps of the smallest one it would be hundreds
        at = np.unravel_index(np.abs(codes).argmax(), codes.shape)
        raw = codes.astype(EIGHT[kind]).view(np.uint8)
        raw[at] -= 1
        codes = raw.view(EIGHT[kind]).astype(np.float32)
    path = linear(tmp_path / "q.onnx", {"w_q": packed("w_q", kind, codes), "w_scale": scale.reshape(())})
    error = found(tmp_path, floats, path)
    assert (error["elements"], error["clipped"], error["beyond_half_step"]) == (ROWS * COLUMNS, 0, int(moved))
    assert error["worst_steps"] <= (1.5 if moved else 0.5001)


def test_an_eight_bit_float_beyond_the_largest_value_is_clipped_and_must_lie_at_the_end(tmp_path) -> None:
    floats = np.full((ROWS, COLUMNS), 1.0, np.float32)
    floats[0] = 1000.0
    codes = floats.copy()
    codes[0] = 448.0
    scale = np.float32(1).reshape(())
    kind = TensorProto.FLOAT8E4M3FN
    error = found(tmp_path, floats, linear(tmp_path / "q.onnx", {"w_q": packed("w_q", kind, codes), "w_scale": scale}))
    assert (error["clipped"], error["beyond_half_step"]) == (COLUMNS, 0)
    codes[0, 0] = 2.0  # clipped, but not to the end of the range
    error = found(tmp_path, floats, linear(tmp_path / "q.onnx", {"w_q": packed("w_q", kind, codes), "w_scale": scale}))
    assert (error["clipped"], error["beyond_half_step"]) == (COLUMNS, 1)


@pytest.mark.parametrize(
    ("kind", "dtype", "name"),
    [(TensorProto.FLOAT16, np.float16, "fp16"), (TensorProto.BFLOAT16, ml_dtypes.bfloat16, "bf16")],
)
def test_sixteen_bit_floats_are_on_the_grid_of_their_format(tmp_path, kind, dtype, name) -> None:
    floats = weights()
    cast = models.node("Cast", ["w"], ["w_wide"], to=TensorProto.FLOAT)
    product = models.node("MatMul", ["x", "w_wide"], ["y"], "product")
    sizes = {"inputs": {"x": ["batch", ROWS]}, "outputs": {"y": ["batch", COLUMNS]}}
    near = floats.astype(dtype).astype(np.float32)
    path = str(models.save(tmp_path / "q.onnx", [cast, product], {"w": packed("w", kind, near)}, **sizes))
    error = found(tmp_path, floats, path)
    assert (error["elements"], error["beyond_half_step"]) == (ROWS * COLUMNS, 0)
    assert 0.4 < error["worst_steps"] <= 0.5
    assert error["formats"][0]["format"] == name
    far = (floats * 1.01).astype(dtype).astype(np.float32)
    path = str(models.save(tmp_path / "q.onnx", [cast, product], {"w": packed("w", kind, far)}, **sizes))
    assert found(tmp_path, floats, path)["beyond_half_step"] > 100


def test_weights_that_stay_as_they_are_are_not_counted(tmp_path) -> None:
    floats = weights()
    assert found(tmp_path, floats, str(models.linear(tmp_path / "q.onnx", floats)))["tensors"] == 0


def four_bit_blocks(floats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes and scales of symmetric 4-bit blocks of 32 inputs: the largest size is 7 steps."""
    blocks = floats.reshape(ROWS // BLOCK, BLOCK, COLUMNS)
    scales = (np.abs(blocks).max(axis=1) / 7).astype(np.float32)
    codes = np.clip(np.rint(blocks / scales[:, None]), -8, 7)
    return codes.reshape(ROWS, COLUMNS), scales


@pytest.mark.parametrize("moved", [False, True])
def test_blocks_have_the_step_of_their_own_scale(tmp_path, moved) -> None:
    floats = weights()
    floats[:BLOCK] *= 100  # the first block's steps are a hundred times those of the second
    codes, scales = four_bit_blocks(floats)
    if moved:
        codes[-1, 0] += 1 if codes[-1, 0] < 7 else -1
    path = linear(
        tmp_path / "q.onnx", {"w_q": packed("w_q", TensorProto.INT4, codes), "w_scale": scales}, block=BLOCK, opset=21
    )
    error = found(tmp_path, floats, path)
    assert (error["elements"], error["beyond_half_step"]) == (ROWS * COLUMNS, int(moved))
    # by hand: 4 bits each, and one 32-bit scale for 32 of them
    row = only_row(path)
    assert (row["format"], row["granularity"], row["stored_as"]) == ("int4", "per_group(32)", "int4")
    assert (row["numeric_bits"], row["storage_bits"], row["effective_bits"]) == (4, 4.0, 5.0)


def test_a_microscaling_block_has_a_power_of_two_as_scale_and_a_floating_grid(tmp_path) -> None:
    # OCP MX 1.0: scale 2^(floor(log2 max) - 2), the elements FP4 E2M1 with largest value 6
    floats = weights()
    blocks = floats.reshape(ROWS // BLOCK, BLOCK, COLUMNS)
    scales = 2.0 ** (np.floor(np.log2(np.abs(blocks).max(axis=1))) - 2)
    codes = np.clip(blocks / scales[:, None], -6, 6).astype(ml_dtypes.float4_e2m1fn).astype(np.float32)
    constants = {
        "w_q": packed("w_q", TensorProto.FLOAT4E2M1, codes.reshape(ROWS, COLUMNS)),
        "w_scale": packed("w_scale", TensorProto.FLOAT8E8M0, scales),
    }
    path = linear(tmp_path / "q.onnx", constants, block=BLOCK, opset=25)
    error = found(tmp_path, floats, path)
    assert (error["elements"], error["beyond_half_step"], error["unmatched"]) == (ROWS * COLUMNS, 0, [])
    assert error["clipped"] == int((np.abs(blocks / scales[:, None]) > 7).sum())  # the gap below 6 is 2
    assert 0.4 < error["worst_steps"] <= 0.5
    row = only_row(path)
    assert (row["format"], row["storage_bits"], row["effective_bits"]) == ("fp4_e2m1", 4.0, 4.25)


def test_scales_that_are_quantized_themselves_are_unfolded_and_counted(tmp_path) -> None:
    # the shape of NVFP4: FP4 elements, E4M3 scales of 16, one FP32 scale of the scales
    floats, size, whole = weights(), 16, np.float32(0.002)
    blocks = floats.reshape(ROWS // size, size, COLUMNS)
    narrow = (np.abs(blocks).max(axis=1) / 6 / whole).astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
    codes = np.clip(blocks / (narrow * whole)[:, None], -6, 6).astype(ml_dtypes.float4_e2m1fn).astype(np.float32)
    constants = {
        "w_q": packed("w_q", TensorProto.FLOAT4E2M1, codes.reshape(ROWS, COLUMNS)),
        "s_q": packed("s_q", TensorProto.FLOAT8E4M3FN, narrow),
        "s_scale": whole.reshape(()),
    }
    scales = models.node("DequantizeLinear", ["s_q", "s_scale"], ["w_scale"])
    path = linear(tmp_path / "q.onnx", constants, block=size, before=[scales])
    error = found(tmp_path, floats, path)
    assert (error["elements"], error["beyond_half_step"], error["unmatched"]) == (ROWS * COLUMNS, 0, [])
    # 4 bits, 8 for each 16, and 32 for the whole tensor of 192
    assert only_row(path)["effective_bits"] == pytest.approx(4 + 8 / 16 + 32 / 192)


def test_a_symmetric_scheme_that_leaves_the_lowest_code_unused_clips_there(tmp_path) -> None:
    floats = np.linspace(-1, 1, ROWS * COLUMNS).reshape(ROWS, COLUMNS).astype(np.float32)
    scale = np.float32(0.99 / 127)  # the ends lie 1.3 steps outside [-127, 127]
    codes = np.clip(np.rint(floats / scale), -127, 127).astype(np.int8)
    path = str(models.linear_qdq(tmp_path / "q.onnx", codes, scale, 0, activation=None))
    error = found(tmp_path, floats, path)
    assert (error["clipped"], error["beyond_half_step"]) == (2, 0)


def test_four_bit_values_stored_one_per_byte_are_told_from_eight_bit_ones(tmp_path) -> None:
    codes = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 16 - 8).astype(np.int8)
    row = only_row(str(models.linear_qdq(tmp_path / "q.onnx", codes, [0.1] * COLUMNS, [0] * COLUMNS, axis=1)))
    assert (row["low"], row["high"], row["used_bits"]) == (-8, 7, 4)
    # by hand: 8 bits each; three scales of 32 bits and three zero points of 8 over 192 weights
    assert (row["numeric_bits"], row["storage_bits"]) == (8, 8.0)
    assert row["effective_bits"] == pytest.approx(8 + 3 * 40 / 192)
    codes[0, 0] = 100
    row = only_row(str(models.linear_qdq(tmp_path / "q.onnx", codes, [0.1] * COLUMNS, [0] * COLUMNS, axis=1)))
    assert (row["high"], row["used_bits"]) == (100, 8)


def test_packed_four_bit_weights_cost_their_padding_too(tmp_path) -> None:
    row = only_row(str(models.linear_nbits(tmp_path / "q.onnx", zero_points=True)))
    # 32 x 2 weights in 32 bytes; two scales of 32 bits; two zero points, a byte each
    assert (row["format"], row["numeric_bits"], row["storage_bits"]) == ("uint4", 4, 4.0)
    assert row["effective_bits"] == pytest.approx(4 + (64 + 16) / 64)
    assert (row["low"], row["high"]) == (7, 9)


def test_floats_in_front_of_a_quantize_dequantize_pair_cost_what_floats_cost(tmp_path) -> None:
    floats = weights()
    nodes = [
        models.node("QuantizeLinear", ["w", "s", "z"], ["w_q"]),
        models.node("DequantizeLinear", ["w_q", "s", "z"], ["w_dq"]),
        models.node("MatMul", ["x", "w_dq"], ["y"], "product"),
    ]
    constants = {"w": floats, "s": np.float32(0.02).reshape(()), "z": np.int8(0).reshape(())}
    sizes = {"inputs": {"x": ["batch", ROWS]}, "outputs": {"y": ["batch", COLUMNS]}}
    path = str(models.save(tmp_path / "q.onnx", nodes, constants, **sizes))
    row = only_row(path)
    assert (row["format"], row["stored_as"], row["storage_bits"]) == ("int8", "fp32", 32.0)
    assert found(tmp_path, floats, path)["beyond_half_step"] == 0
    moved = floats.copy()
    moved[5, 1] += 0.03  # one and a half steps: the floats themselves were changed
    path = str(models.save(tmp_path / "q.onnx", nodes, constants | {"w": moved}, **sizes))
    assert found(tmp_path, floats, path)["beyond_half_step"] == 1


def test_a_ledger_lists_each_product_with_its_weight(tmp_path) -> None:
    layers = inspect(str(models.two_layers(tmp_path / "m.onnx")))["layers"]
    assert [(row["node"], row["op_type"], row["weight"], row["compute"]) for row in layers] == [
        ("first", "MatMul", "w1", "fp32"),
        ("second", "MatMul", "w2", "fp32"),
    ]
