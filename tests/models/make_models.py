"""Tiny ONNX models whose every number is known by construction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 21
MICROSOFT = "com.microsoft"


def save(path: Path, nodes, constants, *, inputs=None, outputs=None, opset=OPSET, domains=(MICROSOFT,)):
    """Write a model; ``inputs`` and ``outputs`` map names to shapes of float tensors."""
    values = [(name, numpy_helper.from_array(array, name)) for name, array in constants.items() if not _proto(array)]
    values += [(name, array) for name, array in constants.items() if _proto(array)]
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (inputs or {"x": ["batch", 4]}).items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (outputs or {"y": ["batch", 2]}).items()],
        [tensor for _, tensor in values],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    onnx.save(model, path)
    return path


def _proto(array):
    return isinstance(array, onnx.TensorProto)


def node(op, inputs, outputs, name="", domain="", **attributes):
    """A node, by default named after its first output."""
    return helper.make_node(op, inputs, outputs, name=name or outputs[0], domain=domain, **attributes)


def raw(name, kind, shape, values):
    """A tensor of an element type that numpy lacks."""
    return helper.make_tensor(name, kind, shape, values)


FIRST = np.array([[1, 2, 3], [0, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32)
SECOND = np.array([[1, 0], [0, 1], [1, 1]], np.float32)


def two_layers(path: Path, *, names=("first", "second"), opset=OPSET) -> Path:
    """``y = relu(x @ FIRST) @ SECOND``."""
    nodes = [
        node("MatMul", ["x", "w1"], ["h"], names[0]),
        node("Relu", ["h"], ["r"]),
        node("MatMul", ["r", "w2"], ["y"], names[1]),
    ]
    return save(path, nodes, {"w1": FIRST, "w2": SECOND}, opset=opset)


def answer(x: np.ndarray) -> np.ndarray:
    """What `two_layers` gives."""
    return np.maximum(x @ FIRST, 0) @ SECOND


def convolution(path: Path, *, opset=OPSET) -> Path:
    """Conv (3 channels from 1) and a Gemm with transposed weights over the flattened result."""
    rng = np.random.default_rng(5)
    nodes = [
        node("Conv", ["x", "cw", "cb"], ["c"], "conv", pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "gw", "gb"], ["y"], "gemm", transB=1),
    ]
    constants = {
        "cw": rng.normal(size=(3, 1, 3, 3)).astype(np.float32),
        "cb": rng.normal(size=3).astype(np.float32),
        "gw": rng.normal(size=(2, 3)).astype(np.float32),
        "gb": rng.normal(size=2).astype(np.float32),
    }
    return save(path, nodes, constants, inputs={"x": ["batch", 1, 6, 6]}, opset=opset)


def linear(path: Path, weights: np.ndarray) -> Path:
    """``y = x @ weights``."""
    sizes = {"inputs": {"x": ["batch", weights.shape[0]]}, "outputs": {"y": ["batch", weights.shape[1]]}}
    return save(path, [node("MatMul", ["x", "w"], ["y"], "product")], {"w": weights.astype(np.float32)}, **sizes)


def linear_qdq(path: Path, codes, scale, zero, *, axis=None, activation=(0.1, 128), name="w_quantized") -> Path:
    """`linear` in quantize-dequantize form; ``activation`` is scale and uint8 zero point of the input, or ``None``."""
    constants = {name: codes, "w_scale": np.asarray(scale, np.float32), "w_zero": np.asarray(zero, codes.dtype)}
    extra = {} if axis is None else {"axis": axis}
    nodes = [node("DequantizeLinear", [name, "w_scale", "w_zero"], ["w_dq"], **extra)]
    data = "x"
    if activation is not None:
        constants |= {"x_scale": np.float32(activation[0]).reshape(()), "x_zero": np.uint8(activation[1]).reshape(())}
        nodes.append(node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["x_q"]))
        nodes.append(node("DequantizeLinear", ["x_q", "x_scale", "x_zero"], ["x_dq"]))
        data = "x_dq"
    nodes.append(node("MatMul", [data, "w_dq"], ["y"], "product"))
    sizes = {"inputs": {"x": ["batch", codes.shape[0]]}, "outputs": {"y": ["batch", codes.shape[1]]}}
    return save(path, nodes, constants, **sizes)


def linear_integer(path: Path) -> Path:
    """A dynamic product: DynamicQuantizeLinear, MatMulInteger, cast, both scales; weights per channel."""
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["x_q", "x_scale", "x_zero"], "quantize_x"),
        node("MatMulInteger", ["x_q", "w_quantized", "x_zero", "w_zero"], ["i"], "product"),
        node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["x_scale", "w_scale"], ["s"]),
        node("Mul", ["f", "s"], ["y"]),
    ]
    constants = {
        "w_quantized": np.arange(8, dtype=np.int8).reshape(4, 2),
        "w_zero": np.zeros(2, np.int8),
        "w_scale": np.array([0.5, 0.25], np.float32),
    }
    return save(path, nodes, constants)


def linear_nbits(path: Path, *, zero_points: bool, accuracy_level: int = 0) -> Path:
    """MatMulNBits over 32 x 2 weights in 4 bit: column 0 holds code 9, column 1 code 7, scales 0.5 and 0.25."""
    packed = np.stack([np.full((1, 16), 0x99, np.uint8), np.full((1, 16), 0x77, np.uint8)])
    constants = {"w_Q4": packed, "w_scales": np.array([0.5, 0.25], np.float32)}
    inputs = ["x", "w_Q4", "w_scales"]
    if zero_points:
        constants["w_zero_points"] = np.array([[8], [8]], np.uint8)
        inputs.append("w_zero_points")
    extra = {"accuracy_level": accuracy_level} if accuracy_level else {}
    product = node("MatMulNBits", inputs, ["y"], "product_Q4", MICROSOFT, K=32, N=2, bits=4, block_size=32, **extra)
    return save(path, [product], constants, inputs={"x": ["batch", 32]})


def linear_typed(path: Path, kind: int, block: int = 0) -> Path:
    """A weight of element type ``kind`` (INT4, FP8) behind a DequantizeLinear, in blocks or per tensor."""
    scale = np.full((32 // block, 2), 0.5, np.float32) if block else np.float32(0.5).reshape(())
    zero_shape = [32 // block, 2] if block else []
    zeros = [0] * (32 // block * 2) if block else [0]
    constants = {
        "w_q": raw("w_q", kind, [32, 2], [1] * 64),
        "w_scale": scale,
        "w_zero": raw("w_zero", kind, zero_shape, zeros),
    }
    extra = {"axis": 0, "block_size": block} if block else {}
    nodes = [
        node("DequantizeLinear", ["w_q", "w_scale", "w_zero"], ["w_dq"], **extra),
        node("MatMul", ["x", "w_dq"], ["y"], "product"),
    ]
    return save(path, nodes, constants, inputs={"x": ["batch", 32]})


def external(path: Path, location: str) -> Path:
    """`two_layers` whose first weight lies in another file."""
    model = onnx.load(two_layers(path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    path.write_bytes(model.SerializeToString())
    return path


def foreign(path: Path) -> Path:
    """A model that only a custom-operator library could run."""
    return save(path, [node("Magic", ["x"], ["y"], domain="com.acme")], {}, domains=("com.acme",))
