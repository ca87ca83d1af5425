"""Bits per weight of an ONNX file: of the number format, of what the file stores, and with scales and zero points.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from verifier.inspection.codes import expand
from verifier.inspection.graph import Graph, graphs, operand, products
from verifier.inspection.grid import BITS, GRIDS, used_bits
from verifier.inspection.ledger import MOST_NAMES, tables
from verifier.inspection.scheme import Stored, format_of, size_of, weight_of


class _Found(NamedTuple):
    tensor_class: str
    stored: Stored
    stored_as: str
    low: float | None
    high: float | None
    used: int | None
    code_bits: int
    """Of the whole tensor."""
    scale_bits: int


def storage(model: Any) -> list[dict[str, Any]]:
    """Groups of weights and embeddings as in `verifier.evidence.inspection.WeightStorage`; each tensor counts once."""
    groups: dict[tuple[str, str, str, str, int], list[_Found]] = {}
    for found in _all(model):
        scheme = found.stored.scheme
        key = (found.tensor_class, scheme.format, scheme.granularity, found.stored_as, found.used or 0)
        groups.setdefault(key, []).append(found)
    return [_group(members) for _, members in sorted(groups.items())]


def _all(model: Any) -> Iterator[_Found]:
    seen: set[str] = set()
    for graph in graphs(model):
        weights = [stored for node, layout in products(graph) for stored in weight_of(graph, node, layout)]
        named = [("weights", stored) for stored in weights] + [("embeddings", stored) for stored in tables(graph)]
        for tensor_class, stored in named:
            if stored.name not in seen and stored.elements:
                seen.add(stored.name)
                yield _look(graph, tensor_class, stored)


def _look(graph: Graph, tensor_class: str, stored: Stored) -> _Found:
    tensor = graph.constants[stored.name]
    stored_as = format_of(tensor)
    bits = _bits(graph, stored.name)
    low = high = used = None
    grid = GRIDS.get(stored.scheme.format)
    if grid is not None and grid.even:
        codes, _, _ = expand(graph, stored)
        if codes is not None and codes.size:
            low, high = float(codes.min()), float(codes.max())
            used = used_bits(low, high)
    scales = _bits(graph, stored.scale) + _bits(graph, stored.zero)
    return _Found(tensor_class, stored, stored_as, low, high, used, bits, scales)


def _bits(graph: Graph, name: str) -> int:
    """Bits of a constant in the file, with what lies behind it where it is itself dequantized."""
    tensor = graph.constant(name)
    if tensor is not None:
        fmt = format_of(tensor)
        return size_of(tuple(tensor.dims)) * BITS.get(fmt, 8 if fmt != "other" else 0)
    node = graph.producers.get(name) if name else None
    if node is None or node.op_type not in ("DequantizeLinear", "Cast"):
        return 0
    return sum(_bits(graph, operand(node, position)) for position in range(len(node.input)))


def _group(members: list[_Found]) -> dict[str, Any]:
    first = members[0]
    elements = sum(found.stored.elements for found in members)
    codes = sum(found.code_bits for found in members)
    lows = [found.low for found in members if found.low is not None]
    highs = [found.high for found in members if found.high is not None]
    return {
        "tensor_class": first.tensor_class,
        "format": first.stored.scheme.format,
        "granularity": first.stored.scheme.granularity,
        "stored_as": first.stored_as,
        "tensors": len(members),
        "elements": elements,
        "low": min(lows) if lows else None,
        "high": max(highs) if highs else None,
        "used_bits": first.used,
        "numeric_bits": BITS.get(first.stored.scheme.format, 0),
        "storage_bits": codes / elements,
        "effective_bits": (codes + sum(found.scale_bits for found in members)) / elements,
        "examples": [found.stored.name for found in members[:MOST_NAMES]],
    }
