"""The three ledgers side by side, layer by layer: what the file means each product to compute in, and what runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from verifier.evidence import PrecisionLedger
from verifier.evidence.inspection import Layer

_ADDED = re.compile(r"(_token_\d+|_nchwc|_quant|_quantized|_matmul|_fused|/\w*Fusion\w*)+$")
"""What a runtime's optimizer hangs on names."""
_KINDS = (("Conv", "convolution"), ("LSTM", "recurrent cell"), ("GRU", "recurrent cell"), ("RNN", "recurrent cell"))


class LayerRow(NamedTuple):
    """One layer of the file."""

    node: str
    kind: str
    """``convolution``, ``matrix product`` or ``recurrent cell``."""
    weight_format: str
    artifact: str
    """Format that the file means it to compute in."""
    executed: str | None
    """Format that it ran in; ``None`` where the executed graph has no layer that is known to be this one."""
    time_share: float | None


def kind_of(op_type: str) -> str:
    """What people call an operator."""
    return next((words for part, words in _KINDS if part in op_type), "matrix product")


def layer_rows(file: PrecisionLedger, executed: PrecisionLedger) -> tuple[LayerRow, ...]:
    """Layers of the file in order, each with what ran for it: by weight, by node, else by order where nothing is lost.

    Optimizers rename nodes and weights. Order decides only among layers of one kind that are left over on both sides in
    the same number.
    """
    left = list(executed.layers)
    found: dict[int, Layer] = {}
    for by in (_weight, _node):
        ours = _unique(by, [(n, layer) for n, layer in enumerate(file.layers) if n not in found])
        theirs = _unique(by, list(enumerate(left)))
        found.update({ours[name][0]: theirs[name][1] for name in ours if name in theirs})
        taken = {id(layer) for layer in found.values()}
        left = [layer for layer in left if id(layer) not in taken]
    for kind in {kind_of(layer.op_type) for layer in left}:
        here = [n for n, layer in enumerate(file.layers) if n not in found and kind_of(layer.op_type) == kind]
        there = [layer for layer in left if kind_of(layer.op_type) == kind]
        if len(here) == len(there):
            found.update(zip(here, there, strict=True))
    return tuple(
        LayerRow(
            layer.node,
            kind_of(layer.op_type),
            layer.weight_format,
            layer.compute,
            found[n].compute if n in found else None,
            found[n].time_share if n in found else None,
        )
        for n, layer in enumerate(file.layers)
    )


def _weight(layer: Layer) -> str:
    return _ADDED.sub("", layer.weight)


def _node(layer: Layer) -> str:
    return _ADDED.sub("", layer.node)


def _unique(by: Callable[[Layer], str], layers: list[tuple[int, Layer]]) -> dict[str, tuple[int, Layer]]:
    """Layers by a name that no other one has."""
    counts = Counter(by(layer) for _, layer in layers)
    return {by(layer): (n, layer) for n, layer in layers if by(layer) and counts[by(layer)] == 1}
