"""Distance of quantized weights from the reference's, and the comparison of two quantized files tensor by tensor."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from verifier.inspection.codes import expand
from verifier.inspection.distance import Distances, as_used, comparison, steps_of
from verifier.inspection.graph import PRODUCTS, Graph, array, graphs, label, load, operand, products
from verifier.inspection.grid import BITS, GRIDS
from verifier.inspection.scheme import FLOATS, Stored, weight_of

_SUFFIX = re.compile(
    r"(_quantized|_transposed|_trans|_Transposed|_DQ_Q\d+|_Q\d+(G\d+)?|_int8|_uint8|_scaled|_quant|_matmul)+$"
)


class _Weight(NamedTuple):
    graph: Graph
    node: str
    stored: Stored


def weight_error(reference: str, quantized: str) -> dict[str, Any]:
    """Distances in local steps of each weight's own scale, clipped weights apart, `verifier.evidence.WeightError`.

    ``reference`` is the float model that was really quantized: preprocessing folds normalization into weights.
    """
    theirs = _weights(load(reference), floats=True)
    ours = _weights(load(quantized), floats=False)
    found = Distances()
    for weight, match in _matched(ours, theirs):
        if match is not None and weight.stored.form == "float" and not _narrower(weight, match):
            continue  # a weight that was left as it is
        steps = _distances(weight, match) if match is not None else None
        if steps is not None:
            found.add(weight.stored.name, weight.stored.scheme.format, steps)
        elif weight.stored.form != "float":
            found.unmatched.append(weight.stored.name)
    return found.report()


def _weights(model: Any, floats: bool) -> list[_Weight]:
    """Weights of products: those of the reference, or those that are on a grid, 16-bit floats too."""
    found: dict[str, _Weight] = {}
    for graph in graphs(model):
        for node, layout in products(graph):
            for stored in weight_of(graph, node, layout):
                wide = stored.scheme.format in FLOATS
                if wide == floats or (wide and stored.scheme.format in GRIDS):
                    found.setdefault(stored.name, _Weight(graph, label(node), stored))
    return list(found.values())


def _narrower(ours: _Weight, theirs: _Weight) -> bool:
    mine, other = ours.stored.scheme.format, theirs.stored.scheme.format
    return mine != other and BITS.get(mine, 0) <= BITS.get(other, 0)


def _matched(ours: list[_Weight], theirs: list[_Weight]) -> list[tuple[_Weight, _Weight | None]]:
    """Pair by tensor name, then by node name, then by order among weights of one shape where their number agrees."""
    by_name = {_stem(weight.stored.name): weight for weight in theirs}
    by_node = {_stem(weight.node): weight for weight in theirs}
    pairs: list[tuple[_Weight, _Weight | None]] = []
    for weight in ours:
        match = by_name.get(_stem(weight.stored.name)) or by_node.get(_stem(weight.node))
        same = match is not None and _shape(match) == _shape(weight)
        pairs.append((weight, match if same else None))
    used = {match.stored.name for _, match in pairs if match is not None}
    spare: dict[tuple[int, ...], list[_Weight]] = {}
    for weight in theirs:
        if weight.stored.name not in used:
            spare.setdefault(_shape(weight), []).append(weight)
    left = Counter(_shape(weight) for weight, match in pairs if match is None)
    return [
        (weight, match if match is not None else _next(spare, weight, left[_shape(weight)])) for weight, match in pairs
    ]


def _next(spare: dict[tuple[int, ...], list[_Weight]], weight: _Weight, wanted: int) -> _Weight | None:
    candidates = spare.get(_shape(weight), [])
    if len(candidates) == wanted:
        spare[_shape(weight)] = [*candidates[1:], *candidates[:1]]
        return candidates[0]
    return None


def _stem(name: str) -> str:
    return _SUFFIX.sub("", name)


def _shape(weight: _Weight) -> tuple[int, ...]:
    """Shape up to transposition: tools turn the weights of a ``Gemm`` when they make it a product."""
    shape = weight.stored.shape
    return tuple(sorted(shape)) if len(shape) == 2 else shape


def _distances(ours: _Weight, theirs: _Weight) -> tuple[Any, int] | None:
    """Distance of each weight from where it may lie, in local steps, and how many are clipped."""
    codes, scale, zero = expand(ours.graph, ours.stored)
    grid = GRIDS.get(ours.stored.scheme.format)
    if codes is None or grid is None or not codes.size:
        return None
    grid = as_used(grid, codes)
    floats = array(theirs.graph.constants[theirs.stored.name]).astype(np.float64)
    candidates = [floats] if floats.shape == codes.shape else []
    if floats.ndim == 2 and floats.T.shape == codes.shape:
        candidates.append(floats.T)
    best: tuple[Any, int] | None = None
    for candidate in candidates:
        found = steps_of(grid, codes, candidate, (scale, zero))
        if best is None or _mean(found[0]) < _mean(best[0]):
            best = found
    return best


def _mean(steps: Any) -> float:
    return float(steps.mean()) if steps.size else float("inf")


class _Tensors(NamedTuple):
    scales: dict[str, Any]
    zeros: dict[str, Any]
    codes: dict[str, Any]


def compare(supplied: str, recipe: str) -> dict[str, Any]:
    """Scales, zero points and codes of two quantized files by tensor name; `verifier.evidence.ArtifactComparison`."""
    ours, theirs = (_tensors(load(path)) for path in (supplied, recipe))
    return comparison(supplied, recipe, ours, theirs)


def _tensors(model: Any) -> _Tensors:
    found = _Tensors({}, {}, {})
    for graph in graphs(model):
        for node in graph.nodes:
            if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                _keep(graph, found.scales, operand(node, 1))
                _keep(graph, found.zeros, operand(node, 2))
                if node.op_type == "DequantizeLinear":
                    _keep(graph, found.codes, operand(node, 0))
            elif node.op_type.startswith("QLinear") or node.op_type in ("QGemm", "QAttention"):
                _keep_by_name(graph, found, node)
            if node.op_type in PRODUCTS:
                for stored in weight_of(graph, node, PRODUCTS[node.op_type]):
                    if stored.form != "float":
                        _keep(graph, found.scales, stored.scale)
                        _keep(graph, found.zeros, stored.zero)
                        _keep(graph, found.codes, stored.name)
    return found


def _keep_by_name(graph: Graph, found: _Tensors, node: Any) -> None:
    """Quantized operators take float constants as scales and integer scalars as zero points."""
    for name in node.input:
        tensor = graph.constant(name)
        if tensor is None:
            continue
        if tensor.data_type in (1, 10, 16):
            _keep(graph, found.scales, name)
        elif tensor.data_type in (2, 3) and len(tensor.dims) <= 1:
            _keep(graph, found.zeros, name)
        else:
            _keep(graph, found.codes, name)


def _keep(graph: Graph, into: dict[str, Any], name: str) -> None:
    tensor = graph.constant(name)
    if tensor is not None and name not in into:
        into[name] = array(tensor)
