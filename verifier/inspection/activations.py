"""In which format, and by which scheme, a product of an ONNX model takes its data and hands on its output."""

from __future__ import annotations

from typing import Any

from verifier.inspection.graph import Graph, Layout, array, attribute, operand
from verifier.inspection.scheme import FLOATS, FORMATS, Scheme, centred, format_of, granularity, made_by

_FUSED_AFTER = ("Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Cast", "Mul", "Add")
"""What may stand between a product and the quantization of its output."""


def taken(graph: Graph, name: str, node: Any, layout: Layout) -> Scheme:
    """Format in which a product takes its data."""
    zero, kind = operand(node, layout.data_zero), layout.kind
    if kind == "dynamic" or node.op_type == "DynamicQuantizeLSTM":
        return Scheme("uint8", "per_tensor", False, "dynamic")
    if kind == "nbits" and attribute(node, "accuracy_level", 0) == 4:
        return Scheme("int8", f"per_group({attribute(node, 'block_size', 32)})", True, "dynamic")
    maker = graph.producers.get(name)
    if kind in ("integer", "qlinear"):
        while maker is not None and maker.op_type in ("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"):
            maker = graph.producers.get(operand(maker, 0))
        if maker is not None and maker.op_type == "DynamicQuantizeLinear":
            return Scheme("uint8", "per_tensor", False, "dynamic")
        tensor = graph.constant(zero)
        fmt = format_of(tensor) if tensor is not None else "uint8"
        return Scheme(fmt, "per_tensor", _even(graph, zero, fmt), "static")
    if maker is not None and maker.op_type == "DequantizeLinear":
        return _linear(graph, maker)
    return Scheme(_float_type(graph, name))


def _even(graph: Graph, zero: str, fmt: str) -> bool:
    """Whether an activation's scheme is symmetric: zero points in the middle of the range, or at zero without a sign.

    Tools that quantize symmetrically (NNCF) leave the sign out where no value is negative; the zero point stays there.
    """
    tensor = graph.constant(zero)
    at_zero = not zero if tensor is None else not array(tensor).astype("int64").any()
    return centred(graph, zero, fmt) or at_zero


def _linear(graph: Graph, node: Any) -> Scheme:
    """Scheme of a QuantizeLinear or DequantizeLinear over an activation."""
    scale, zero = operand(node, 1), operand(node, 2)
    maker = graph.producers.get(scale)
    if maker is not None and maker.op_type == "DynamicQuantizeLinear":
        return Scheme("uint8", "per_tensor", False, "dynamic")
    tensor, steps = graph.constant(zero), graph.constant(scale)
    # one that only dequantizes has no word for the format: without a zero point it is that of what quantized
    source = graph.producers.get(operand(node, 0)) if node.op_type == "DequantizeLinear" else node
    quantizer = source if source is not None and source.op_type == "QuantizeLinear" else None
    fmt = format_of(tensor) if tensor is not None else made_by(graph, quantizer) if quantizer is not None else "uint8"
    if steps is None:
        return Scheme(fmt, "per_tensor", None, "dynamic")
    words, _ = granularity(tuple(steps.dims), (), attribute(node, "axis", 1), attribute(node, "block_size", 0))
    return Scheme(fmt, words, _even(graph, zero, fmt), "static")


def _float_type(graph: Graph, name: str) -> str:
    fmt = FORMATS.get(graph.elem_types.get(name, 1), "fp32")
    return fmt if fmt in FLOATS else "fp32"


def given(graph: Graph, node: Any, layout: Layout) -> Scheme:
    """Format that a product hands on, past the activation function that is fused with it."""
    zero = operand(node, layout.output_zero)
    if zero:
        tensor = graph.constant(zero)
        fmt = format_of(tensor) if tensor is not None else "uint8"
        return Scheme(fmt, "per_tensor", _even(graph, zero, fmt), "static")
    name = node.output[0]
    for _ in range(4):
        users = graph.consumers.get(name, [])
        quantizer = next((user for user in users if user.op_type == "QuantizeLinear"), None)
        if quantizer is not None:
            return _linear(graph, quantizer)
        if len(users) != 1 or users[0].op_type not in _FUSED_AFTER:
            break
        name = users[0].output[0]
    return Scheme(_float_type(graph, node.output[0]))
