"""Which tensor of a quantized file stands for which tensor of its reference, and the range of each activation.

Runs inside the worker: standard library, numpy and ``onnx``, syntax of Python 3.8.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from verifier.inspection.codes import values
from verifier.inspection.graph import PRODUCTS, Graph, attribute, graphs, label, operand, products
from verifier.inspection.grid import GRIDS, inside
from verifier.inspection.scheme import FORMATS, format_of, trace, weight_of

_ABSORBED = ("Relu", "Clip")
"""Activation functions that tools drop where the range of the quantized tensor does their work."""
_SUFFIX = re.compile(r"(_quantized|_quant|_Q\d+(G\d+)?|_matmul|_output)+$")
_BEHIND = 3
"""Operators that may stand between a product and the quantization of its output."""


class Pair(NamedTuple):
    """One layer in both files."""

    node: str
    op_type: str
    weight: str
    reference: str
    quantized: str


class Range(NamedTuple):
    """One quantized activation."""

    tensor: str
    """Its tensor in the reference."""
    format: str
    scale: float
    zero: float

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest value that can be told."""
        grid = GRIDS[self.format]
        return (grid.low - self.zero) * self.scale, (grid.high - self.zero) * self.scale

    def clipped(self, found: Any, low: float, high: float) -> int:
        """Values that rounding cannot keep; ``low`` and ``high`` are the smallest and the largest of them."""
        grid = GRIDS[self.format]
        if inside(grid, np.array([low, high]) / self.scale + self.zero).all():
            return 0
        exact = found.astype(np.float64) / self.scale + self.zero
        return int(exact.size - inside(grid, exact).sum())


class Pairs(NamedTuple):
    """All that the two files have in common."""

    layers: tuple[Pair, ...]
    unmatched: tuple[str, ...]
    ranges: tuple[Range, ...]
    inputs: tuple[str, ...]
    """Activations of the reference that go into products with a weight."""
    added: tuple[Any, ...]
    """Nodes to add to the quantized file, so that tensors which it only has as codes can be read."""


class _Files(NamedTuple):
    reference: Graph
    quantized: Graph
    by_node: dict[str, Any]
    added: dict[str, Any]


def pairs(reference: Any, quantized: Any) -> Pairs:
    """Match the main graphs of two models by the names of tensors, else of nodes."""
    ours, theirs = next(graphs(quantized)), next(graphs(reference))
    by_node = {_SUFFIX.sub("", label(node)): node for node, _ in products(ours)}
    files = _Files(theirs, ours, by_node, {})
    layers: list[Pair] = []
    unmatched: list[str] = []
    inputs: dict[str, None] = {}
    for node, layout in products(theirs):
        weights = weight_of(theirs, node, layout)
        found = _counterpart(files, node)
        if found is None:
            unmatched.append(label(node))
        else:
            layers.append(Pair(label(node), node.op_type, weights[0].name if weights else "", *found))
        if weights and node.op_type != "Einsum":
            data = next((name for name in node.input[:2] if name and trace(theirs, name) is None), "")
            inputs.setdefault(data)
    inputs.pop("", None)
    return Pairs(
        tuple(layers), tuple(unmatched), tuple(_ranges(files).values()), tuple(inputs), tuple(files.added.values())
    )


def _counterpart(files: _Files, node: Any) -> tuple[str, str] | None:
    """Names of what a product hands on, in the reference and in the quantized file."""
    name = node.output[0]
    for _ in range(_BEHIND):
        readable = _readable(files, name)
        if readable is not None:
            return _behind_absorbed(files, name), readable
        users = files.reference.consumers.get(name, [])
        if len(users) != 1 or users[0].op_type not in (*_ABSORBED, "Add", "Cast"):
            break
        name = users[0].output[0]
    name = node.output[0]
    if name in files.quantized.producers and _is_float(files.quantized, name):
        return _behind_absorbed(files, name), name
    other = files.by_node.get(_SUFFIX.sub("", label(node)))
    if other is not None and _is_float(files.quantized, other.output[0]):
        return name, other.output[0]
    return None


def _readable(files: _Files, name: str) -> str | None:
    """Tensor with the dequantized values of ``name``, made for it where the file has only codes."""
    graph = files.quantized
    if name in graph.producers:
        for user in graph.consumers.get(name, []):
            if user.op_type == "QuantizeLinear":
                return _dequantized(files, user.output[0], list(user.input[1:]), _settings(user))
    codes = f"{name}_quantized"
    maker = graph.producers.get(codes)
    layout = PRODUCTS.get(maker.op_type) if maker is not None else None
    if maker is not None and layout is not None and layout.output_zero > 0:
        names = [operand(maker, layout.output_zero - 1), operand(maker, layout.output_zero)]
        return _dequantized(files, codes, names, {})
    return None


def _settings(quantizer: Any) -> dict[str, Any]:
    found = {name: attribute(quantizer, name, None) for name in ("axis", "block_size")}
    return {name: value for name, value in found.items() if value is not None}


def _dequantized(files: _Files, codes: str, names: list[str], settings: dict[str, Any]) -> str:
    import onnx

    for user in files.quantized.consumers.get(codes, []):
        if user.op_type == "DequantizeLinear":
            return str(user.output[0])
    made = f"{codes}/lynxspec"
    if made not in files.added:
        names = [name for name in names if name]
        files.added[made] = onnx.helper.make_node("DequantizeLinear", [codes, *names], [made], name=made, **settings)
    return made


def _behind_absorbed(files: _Files, name: str) -> str:
    """The reference's tensor behind an activation function that the quantized file does not have any more."""
    users = files.reference.consumers.get(name, [])
    if len(users) == 1 and users[0].op_type in _ABSORBED:
        behind = str(users[0].output[0])
        kept = files.quantized.producers
        if behind not in kept and f"{behind}_quantized" not in kept:
            return behind
    return name


def _is_float(graph: Graph, name: str) -> bool:
    maker = graph.producers.get(name)
    integer = maker is not None and maker.op_type in ("MatMulInteger", "ConvInteger", "QuantizeLinear")
    layout = PRODUCTS.get(maker.op_type) if maker is not None else None
    return not integer and (layout is None or layout.kind != "qlinear")


def _ranges(files: _Files) -> dict[str, Range]:
    """Static, per-tensor ranges of activations that the reference has too, by the reference's tensor."""
    found: dict[str, Range] = {}
    graph = files.quantized
    for node in graph.nodes:
        layout = PRODUCTS.get(node.op_type)
        if node.op_type == "QuantizeLinear":
            name, scale, zero = operand(node, 0), operand(node, 1), operand(node, 2)
        elif layout is not None and layout.output_zero > 0:
            name = re.sub("_quantized$", "", node.output[0])
            scale, zero = operand(node, layout.output_zero - 1), operand(node, layout.output_zero)
        else:
            continue
        made = _range(files, node, (name, scale, zero))
        if made is not None:
            found.setdefault(made.tensor, made)
    return found


def _range(files: _Files, node: Any, names: tuple[str, str, str]) -> Range | None:
    name, scale, zero = names
    known = name in files.reference.producers or name in files.reference.consumers
    steps = values(files.quantized, scale)
    if not known or files.quantized.constant(name) is not None or files.reference.constant(name) is not None:
        return None
    if steps is None or steps.size != 1 or not float(steps.reshape(())) > 0:
        return None
    tensor, point = files.quantized.constant(zero), values(files.quantized, zero)
    fmt = format_of(tensor) if tensor is not None else FORMATS.get(attribute(node, "output_dtype", 2), "uint8")
    if fmt not in GRIDS:
        return None
    middle = 0.0 if point is None or not np.size(point) else float(point.reshape(-1)[0])
    return Range(_behind_absorbed(files, name), fmt, float(steps.reshape(())), middle)
