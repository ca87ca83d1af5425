"""Distance of quantized weights from the reference's, and the comparison of two quantized files tensor by tensor."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from verifier.inspection.graph import PRODUCTS, Graph, array, graphs, label, load, operand, products
from verifier.inspection.scheme import FLOATS, Stored, weight_of

GUARD = 1e-3
"""Steps that the arithmetic may add to half a step: scale and product are rounded to single precision."""

_SUFFIX = re.compile(
    r"(_quantized|_transposed|_trans|_Transposed|_DQ_Q\d+|_Q\d+(G\d+)?|_int8|_uint8|_scaled|_quant|_matmul)+$"
)
_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "uint16": (0, 65535)}
_RANGES.update({"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)})


class _Weight(NamedTuple):
    graph: Graph
    node: str
    stored: Stored


def weight_error(reference: str, quantized: str) -> dict[str, Any]:
    """Distances in steps of each weight's own scale, clipped weights apart, as in `verifier.evidence.WeightError`.

    ``reference`` is the float model that was really quantized: preprocessing folds normalization into weights.
    """
    theirs = _weights(load(reference), floats=True)
    ours = _weights(load(quantized), floats=False)
    total = {"tensors": 0, "elements": 0, "clipped": 0, "worst_steps": 0.0, "beyond_half_step": 0}
    unmatched: list[str] = []
    offenders: list[str] = []
    for weight, match in _matched(ours, theirs):
        found = _distances(weight, match) if match is not None else None
        if found is None:
            unmatched.append(weight.stored.name)
            continue
        steps, clipped = found
        beyond = int((steps > 0.5 + GUARD).sum())
        total["tensors"] += 1
        total["elements"] += int(steps.size + clipped)
        total["clipped"] += clipped
        total["beyond_half_step"] += beyond
        total["worst_steps"] = max(total["worst_steps"], float(steps.max()) if steps.size else 0.0)
        if beyond:
            offenders.append(weight.stored.name)
    return dict(total, unmatched=unmatched, offenders=offenders)


def _weights(model: Any, floats: bool) -> list[_Weight]:
    found: dict[str, _Weight] = {}
    for graph in graphs(model):
        for node, layout in products(graph):
            for stored in weight_of(graph, node, layout):
                if (stored.scheme.format in FLOATS) == floats:
                    found.setdefault(stored.name, _Weight(graph, label(node), stored))
    return list(found.values())


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
    """Distances of unclipped weights in steps, and how many are clipped."""
    codes, scale, zero = expand(ours.graph, ours.stored)
    limits = _RANGES.get(ours.stored.scheme.format)
    if codes is None or limits is None:
        return None
    low, high = limits
    floats = array(theirs.graph.constants[theirs.stored.name]).astype(np.float64)
    candidates = [floats] if floats.shape == codes.shape else []
    if floats.ndim == 2 and floats.T.shape == codes.shape:
        candidates.append(floats.T)
    best: tuple[Any, int] | None = None
    for candidate in candidates:
        exact = candidate / scale + zero
        inside = (exact >= low - 0.5) & (exact <= high + 0.5)
        steps = np.abs(codes - exact)[inside]
        found = (steps, int(codes.size - steps.size))
        if best is None or _mean(steps) < _mean(best[0]):
            best = found
    return best


def _mean(steps: Any) -> float:
    return float(steps.mean()) if steps.size else float("inf")


def expand(graph: Graph, stored: Stored) -> tuple[Any, Any, Any]:
    """Codes, scales and zero points as doubles of one shape; codes are ``None`` where there is no linear grid."""
    if stored.form not in ("affine", "nbits") or graph.constant(stored.scale) is None:
        return None, None, None
    if stored.scheme.format not in _RANGES:
        return None, None, None
    if stored.form == "nbits":
        return _expand_packed(graph, stored)
    codes = array(graph.constants[stored.name]).astype(np.float64)
    scale = array(graph.constants[stored.scale]).astype(np.float64)
    zero_tensor = graph.constant(stored.zero)
    zero = array(zero_tensor).astype(np.float64) if zero_tensor is not None else np.zeros_like(scale)
    return codes, _spread(scale, codes.shape, stored), _spread(zero, codes.shape, stored)


def _spread(values: Any, shape: tuple[int, ...], stored: Stored) -> Any:
    if stored.block:
        axis = (stored.axis or 0) % len(shape)
        wide = np.repeat(values, stored.block, axis=axis)
        return wide[tuple(slice(0, length) for length in shape)]
    if values.size == 1:
        return np.broadcast_to(values.reshape(()), shape)
    if values.ndim == len(shape):
        return np.broadcast_to(values, shape)
    if values.ndim == 2 and len(shape) == 3:
        return np.broadcast_to(values[:, None, :], shape)
    if stored.axis is None:
        return np.broadcast_to(values.reshape((-1,) + (1,) * (len(shape) - 1)), shape)
    wanted = [1] * len(shape)
    wanted[stored.axis] = -1
    return np.broadcast_to(values.reshape(wanted), shape)


def _expand_packed(graph: Graph, stored: Stored) -> tuple[Any, Any, Any]:
    """MatMulNBits keeps [N, blocks, bytes], the low bits first; here it becomes [K, N] as in the reference."""
    inputs, outputs = stored.shape
    blocks = -(-inputs // stored.block)
    codes = _unpack(array(graph.constants[stored.name]).reshape(outputs, blocks, -1), stored.bits)
    codes = codes.reshape(outputs, blocks * stored.block)[:, :inputs]
    scale = array(graph.constants[stored.scale]).astype(np.float64).reshape(outputs, blocks)
    zero_tensor = graph.constant(stored.zero)
    if zero_tensor is None:
        zero = np.full((outputs, blocks), float(2 ** (stored.bits - 1)))
    elif zero_tensor.data_type in (2, 3):
        zero = _unpack(array(zero_tensor).view(np.uint8).reshape(outputs, -1), stored.bits)[:, :blocks]
    else:
        zero = array(zero_tensor).astype(np.float64).reshape(outputs, blocks)
    wide = np.repeat(scale, stored.block, axis=1)[:, :inputs]
    zeros = np.repeat(zero, stored.block, axis=1)[:, :inputs]
    if stored.scheme.format.startswith("int"):
        middle = float(2 ** (stored.bits - 1))
        codes, zeros = codes - middle, zeros - middle
    return codes.T.astype(np.float64), wide.T, zeros.T.astype(np.float64)


def _unpack(packed: Any, bits: int) -> Any:
    parts = [(packed >> shift) & (2**bits - 1) for shift in range(0, 8, bits)]
    return np.stack(parts, axis=-1).reshape((*packed.shape[:-1], -1)).astype(np.float64)


class _Tensors(NamedTuple):
    scales: dict[str, Any]
    zeros: dict[str, Any]
    codes: dict[str, Any]


def compare(supplied: str, recipe: str) -> dict[str, Any]:
    """Scales, zero points and codes of two quantized files by tensor name; `verifier.evidence.ArtifactComparison`."""
    digests = [_digest(path) for path in (supplied, recipe)]
    ours, theirs = (_tensors(load(path)) for path in (supplied, recipe))
    scales, zeros, codes = (_differences(getattr(ours, f), getattr(theirs, f)) for f in _Tensors._fields)
    return {
        "supplied_sha256": digests[0],
        "recipe_sha256": digests[1],
        "identical": digests[0] == digests[1],
        "scales_compared": scales["compared"],
        "scales_different": scales["different"],
        "worst_scale_ratio": scales["worst"],
        "zero_points_different": zeros["different"],
        "weights_different": codes["different"],
        "examples": [*scales["examples"], *zeros["examples"], *codes["examples"]][:5],
        "unmatched": scales["unmatched"],
    }


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Values that differ; tensors of one name and another shape count as found in only one of the two."""
    shared = [name for name in ours if name in theirs and ours[name].shape == theirs[name].shape]
    found: dict[str, Any] = {"compared": 0, "different": 0, "worst": 0.0, "examples": []}
    for name in shared:
        a, b = ours[name].astype(np.float64), theirs[name].astype(np.float64)
        different = int((a != b).sum())
        found["compared"] += a.size
        found["different"] += different
        if different:
            found["examples"].append(name)
            size = np.maximum(np.abs(a), np.abs(b))
            found["worst"] = max(found["worst"], float((np.abs(a - b)[size > 0] / size[size > 0]).max()))
    lone = [name for name in {**ours, **theirs} if name not in shared]
    found["unmatched"] = sum(max(t[n].size for t in (ours, theirs) if n in t) for n in lone)
    return found


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


def _digest(path: str) -> str:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            total.update(chunk)
    return total.hexdigest()
