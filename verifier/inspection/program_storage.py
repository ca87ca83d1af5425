"""Weights of a ``torch.export`` program, and the bits that they take: of the format, of the file, with their scales.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from verifier.inspection.grid import BITS, GRIDS, used_bits
from verifier.inspection.ledger import MOST_NAMES
from verifier.inspection.program import Program, Tensor
from verifier.inspection.scheme import Stored

_WRAPPED = re.compile(r"\.parametrizations\.([^.]+)\.original\d+$")


class Weight(NamedTuple):
    """A weight with where its numbers lie."""

    stored: Stored
    codes: Tensor
    scale: Tensor | None
    zero: Tensor | None
    low: int | None
    high: int | None
    """Range that dequantization declares."""


def tidy(name: str) -> str:
    """The name of the weight that a raw tensor is a part of: what unwrapping a subclass adds is taken off."""
    return _WRAPPED.sub(r".\1", name)


def storage(program: Program, weights: list[tuple[str, Weight]]) -> list[dict[str, Any]]:
    """Bits per weight: of the number format, of what the file stores, and with scales and zero points."""
    groups: dict[tuple[Any, ...], list[tuple[Weight, float | None, float | None, int | None]]] = {}
    for kind, weight in weights:
        low = high = used = None
        grid = GRIDS.get(weight.codes.format)
        if grid is not None and grid.even and weight.stored.elements:
            codes = program.array(weight.codes)
            low, high = float(codes.min()), float(codes.max())
            used = used_bits(low, high)
        scheme = weight.stored.scheme
        key = (kind, scheme.format, scheme.granularity, weight.codes.format, used or 0)
        groups.setdefault(key, []).append((weight, low, high, used))
    return [_row(program, key, members) for key, members in sorted(groups.items())]


def _row(program: Program, key: tuple[Any, ...], members: list[Any]) -> dict[str, Any]:
    kind, fmt, words, stored_as, _ = key
    elements = sum(weight.stored.elements for weight, _, _, _ in members) or 1
    codes = sum(_bits(weight.codes) for weight, _, _, _ in members)
    extra = sum(_bits(part) for weight, _, _, _ in members for part in _parts_beside(program, weight))
    lows, highs = ([row[at] for row in members if row[at] is not None] for at in (1, 2))
    numeric = int(fmt[4 if fmt.startswith("u") else 3 :]) if re.fullmatch(r"u?int\d", fmt) else BITS.get(fmt, 0)
    return {
        "tensor_class": kind,
        "format": fmt,
        "granularity": words,
        "stored_as": stored_as,
        "tensors": len(members),
        "elements": elements,
        "low": min(lows) if lows else None,
        "high": max(highs) if highs else None,
        "used_bits": members[0][3],
        "numeric_bits": numeric,
        "storage_bits": codes / elements,
        "effective_bits": (codes + extra) / elements,
        "examples": [weight.stored.name for weight, _, _, _ in members[:MOST_NAMES]],
    }


def _parts_beside(program: Program, weight: Weight) -> list[Tensor]:
    """Scale, zero point, and what else the file keeps of a weight, whether the graph uses it or not."""
    kept = {tensor.name: tensor for tensor in (weight.scale, weight.zero) if tensor is not None}
    kept.update({t.name: t for t in program.tensors.values() if tidy(t.name) == weight.stored.name})
    kept.pop(weight.codes.name, None)
    return list(kept.values())


def _bits(tensor: Tensor | None) -> int:
    return tensor.elements * BITS.get(tensor.format, 8) if tensor is not None else 0
