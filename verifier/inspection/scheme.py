"""How one tensor is stored: format, granularity, symmetry, timing; and where its codes, scales and zero points are."""

from __future__ import annotations

from typing import Any, NamedTuple

from verifier.inspection.graph import Graph, Layout, array, attribute, operand

FORMATS: dict[int, str] = {
    1: "fp32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    10: "fp16",
    11: "fp64",
    16: "bf16",
    17: "fp8_e4m3fn",
    18: "fp8_e4m3fnuz",
    19: "fp8_e5m2",
    20: "fp8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "fp4_e2m1",
    24: "fp8_e8m0",
    25: "uint2",
    26: "int2",
}
"""ONNX element types (``TensorProto.DataType``) that a weight or activation may have."""

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")
_THROUGH = ("Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten")
_DEPTH = 10
_OPAQUE = ("If", "Loop", "Scan", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_MOST_COMPUTED = 1000
"""Tensors that are followed to find out whether constants alone make one."""


class Scheme(NamedTuple):
    """One tensor's storage."""

    format: str
    granularity: str = "none"
    symmetric: bool | None = None
    """``None`` for tensors without a scale."""
    timing: str = "none"


class Stored(NamedTuple):
    """A weight as the file holds it."""

    name: str
    """Tensor with the codes, or with the floats."""
    scheme: Scheme
    elements: int
    shape: tuple[int, ...]
    form: str
    """``float``, ``affine``, ``nbits`` (packed blocks of MatMulNBits) or ``unquantized_codes`` (QDQ over floats)."""
    scale: str = ""
    zero: str = ""
    axis: int | None = None
    block: int = 0
    bits: int = 0
    turned: bool = False
    """Whether the file transposes it on its way to the product."""


def format_of(tensor: Any) -> str:
    """Number format of a constant."""
    return FORMATS.get(tensor.data_type, "other")


def size_of(shape: tuple[int, ...]) -> int:
    """Number of values."""
    total = 1
    for length in shape:
        total *= length
    return total


def centred(graph: Graph, zero: str, fmt: str) -> bool:
    """Whether all zero points are at the middle of the range: 0, or 128 for ``uint8``."""
    if fmt.startswith("fp"):
        return True
    tensor = graph.constant(zero)
    middle = {"uint8": 128, "uint16": 32768, "uint4": 8, "uint2": 2}.get(fmt, 0)
    if tensor is None:
        return not zero and middle == 0
    return bool((array(tensor).astype("int64") == middle).all())


def made_by(graph: Graph, quantizer: Any) -> str:
    """Number format that a QuantizeLinear gives: its zero point's, else the stated one, else uint8 (opset 21)."""
    zero = graph.constant(operand(quantizer, 2))
    if zero is not None:
        return format_of(zero)
    return FORMATS.get(attribute(quantizer, "output_dtype", 0) or 2, "uint8")


def granularity(scale: tuple[int, ...], shape: tuple[int, ...], axis: int, block: int) -> tuple[str, int | None]:
    """Words for the granularity, and the axis of the channels."""
    if block:
        return f"per_group({block})", axis
    if not scale:
        return "per_tensor", None
    if shape:
        axis %= len(shape)
        if len(scale) == 1 and scale[0] == shape[axis] and (scale[0] > 1 or len(shape) > 1):
            return f"per_channel(axis={axis})", axis
    return ("per_tensor", None) if size_of(scale) == 1 else (f"per_channel(axis={axis})", axis)


def affine(
    graph: Graph, codes: Any, names: tuple[str, str], axis: int, block: int = 0, quantizer: Any | None = None
) -> Stored:
    """A weight of codes with scale and zero point; ``names`` are theirs.

    ``quantizer``: the node that makes the codes of the floats that the file keeps.
    """
    shape = tuple(codes.dims)
    scale, zero = graph.constant(names[0]), graph.constant(names[1])
    form = "affine" if quantizer is None else "unquantized_codes"
    fmt = format_of(codes) if quantizer is None else made_by(graph, quantizer)
    steps = tuple(scale.dims) if scale is not None else tuple(zero.dims) if zero is not None else ()
    words, channel = granularity(steps, shape, axis, block)
    scheme = Scheme(fmt, words, centred(graph, names[1], fmt), "static")
    return Stored(codes.name, scheme, size_of(shape), shape, form, names[0], names[1], channel, block)


def trace(graph: Graph, name: str) -> Stored | None:
    """The weight behind an operand; ``None`` if it is an activation."""
    turned = False
    for _ in range(_DEPTH):
        tensor = graph.constant(name)
        if tensor is not None:
            shape = tuple(tensor.dims)
            return Stored(name, Scheme(format_of(tensor)), size_of(shape), shape, "float", turned=turned)
        node = graph.producers.get(name)
        if node is None:
            return None
        if node.op_type == "DequantizeLinear":
            found = _dequantized(graph, node)
            return found._replace(turned=turned) if found else None
        if node.op_type == "Mul":
            found = _multiplied(graph, node)
            return found._replace(turned=turned) if found else None
        if node.op_type not in (*_THROUGH, "Cast"):
            return None
        turned = turned != (node.op_type == "Transpose")
        name = operand(node, 0)
    return None


def computed(graph: Graph, name: str) -> tuple[str, int] | None:
    """Format and size of what the file computes from float constants alone; ``None`` for all else.

    Such a weight is no tensor of the file. Where codes or scales are among what it is made of, nothing is said.
    """
    if trace(graph, name) is not None:
        return None
    largest: tuple[str, int] | None = None
    left, seen = [name], {name}
    while left:
        name = left.pop()
        tensor = graph.constant(name)
        if tensor is not None:
            fmt, size = format_of(tensor), size_of(tuple(tensor.dims))
            if fmt in FLOATS and (largest is None or size > largest[1]):
                largest = (fmt, size)
            elif fmt not in (*FLOATS, "int64", "int32", "other"):  # the latter are shapes, indices and flags
                return None
            continue
        node = graph.producers.get(name)
        if node is None or node.op_type in _OPAQUE or len(seen) > _MOST_COMPUTED or not any(node.input):
            return None
        fresh = {source for source in node.input if source} - seen
        seen |= fresh
        left.extend(fresh)
    return largest


def _dequantized(graph: Graph, node: Any) -> Stored | None:
    axis, block = attribute(node, "axis", 1), attribute(node, "block_size", 0)
    source = operand(node, 0)
    names = (operand(node, 1), operand(node, 2))
    codes = graph.constant(source)
    if codes is not None:
        return affine(graph, codes, names, axis, block)
    before = graph.producers.get(source)
    if before is not None and before.op_type == "QuantizeLinear":
        floats = graph.constant(operand(before, 0))
        if floats is not None:
            return affine(graph, floats, names, axis, block, before)
    return None


def _multiplied(graph: Graph, node: Any) -> Stored | None:
    """Codes, cast to float and multiplied by a scale, perhaps after subtracting a zero point."""
    for first, second in ((0, 1), (1, 0)):
        source, scale = operand(node, first), operand(node, second)
        if graph.constant(scale) is None:
            continue
        zero = ""
        before = graph.producers.get(source)
        if before is not None and before.op_type == "Sub":
            source, zero = operand(before, 0), operand(before, 1)
            before = graph.producers.get(source)
        if before is None or before.op_type != "Cast":
            continue
        codes = graph.constant(operand(before, 0))
        if codes is not None and format_of(codes) not in FLOATS:
            return _scaled(graph, codes, scale, zero)
    return None


def _scaled(graph: Graph, codes: Any, scale: str, zero: str) -> Stored:
    steps = tuple(graph.constants[scale].dims)
    wide = [axis for axis, length in enumerate(steps) if length > 1]
    axis = wide[0] - len(steps) if len(wide) == 1 else -1
    stored = affine(graph, codes, (scale, zero), axis)
    if len(wide) == 1 and size_of(steps) == codes.dims[axis]:
        at = axis % len(codes.dims)
        stored = stored._replace(scheme=stored.scheme._replace(granularity=f"per_channel(axis={at})"), axis=at)
    if not wide:
        stored = stored._replace(scheme=stored.scheme._replace(granularity="per_tensor"), axis=None)
    return stored._replace(scheme=stored.scheme._replace(symmetric=not zero))


def weight_of(graph: Graph, node: Any, layout: Layout) -> tuple[Stored, ...]:
    """The weights that a product multiplies with; none if both operands are activations."""
    name = operand(node, layout.weight)
    if layout.kind == "float":
        found = [trace(graph, name)]
        if found[0] is None and ("MatMul" in node.op_type or node.op_type in ("Gemm", "FusedGemm", "Einsum")):
            found = [trace(graph, operand(node, 0))]
        return tuple(stored for stored in found if stored is not None)
    if layout.kind == "recurrent":
        return _recurrent(graph, node, layout)
    codes = graph.constant(name)
    if codes is None:
        return ()
    if layout.kind == "nbits":
        return (_packed(node, codes, layout),)
    scale = operand(node, layout.weight_scale) or _integer_scale(graph, node)
    axis = 0 if "Conv" in node.op_type or attribute(node, "transB", 0) else -1
    return (affine(graph, codes, (scale, operand(node, layout.weight_zero)), axis),)


def _recurrent(graph: Graph, node: Any, layout: Layout) -> tuple[Stored, ...]:
    found = []
    for position in (1, 2):
        if layout.weight_scale < 0:
            stored = trace(graph, operand(node, position))
        else:
            codes = graph.constant(operand(node, position))
            names = layout.weight_scale + 2 * (position - 1), layout.weight_zero + 2 * (position - 1)
            stored = _cell(graph, codes, (operand(node, names[0]), operand(node, names[1]))) if codes else None
        if stored is not None:
            found.append(stored)
    return tuple(found)


def _cell(graph: Graph, codes: Any, names: tuple[str, str]) -> Stored:
    """DynamicQuantizeLSTM: [directions, inputs, 4 * hidden] with scales [directions] or [directions, 4 * hidden]."""
    stored = affine(graph, codes, names, -1)
    scale = graph.constant(names[0])
    wide = scale is not None and len(scale.dims) == 2
    words = "per_channel(axis=2)" if wide else "per_tensor"
    return stored._replace(scheme=stored.scheme._replace(granularity=words), axis=2 if wide else None)


def _packed(node: Any, codes: Any, layout: Layout) -> Stored:
    """MatMulNBits: blocks along the input channels; without zero points the middle of the range is implied."""
    bits, block = attribute(node, "bits", 4), attribute(node, "block_size", 32)
    shape = (attribute(node, "K", 0), attribute(node, "N", 0))
    zero = operand(node, layout.weight_zero)
    fmt = f"uint{bits}" if zero else f"int{bits}"
    scheme = Scheme(fmt, f"per_group({block})", not zero, "static")
    scale = operand(node, layout.weight_scale)
    return Stored(codes.name, scheme, size_of(shape), shape, "nbits", scale, zero, 0, block, bits)


def _integer_scale(graph: Graph, node: Any) -> str:
    """An integer product is followed by a cast and a multiplication by the product of both scales."""
    name = node.output[0]
    for _ in range(4):
        users = graph.consumers.get(name, [])
        if len(users) != 1:
            return ""
        user = users[0]
        if user.op_type == "Mul":
            other = operand(user, 1) if operand(user, 0) == name else operand(user, 0)
            maker = graph.producers.get(other)
            candidates = list(maker.input) if maker is not None and maker.op_type == "Mul" else [other]
            return next((c for c in candidates if graph.constant(c) is not None), "")
        if user.op_type not in ("Cast", "Add", "Reshape", "Unsqueeze"):
            return ""
        name = user.output[0]
    return ""
