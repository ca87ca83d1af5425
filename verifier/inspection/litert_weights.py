"""Distance of a LiteRT file's weights from the reference's, and two LiteRT files tensor by tensor.

Runs inside the worker: standard library, numpy and the schema of ai-edge-litert, syntax of Python 3.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.inspection.distance import Distances, as_used, comparison, steps_of
from verifier.inspection.grid import GRIDS
from verifier.inspection.litert import File, Tensor, read, survey

_FLOATS = {"fp32": np.float32, "fp16": np.float16, "fp64": np.float64}


def weight_error(reference: str, quantized: str) -> dict[str, Any]:
    """Distances in steps of each weight's own scale, as `verifier.inspection.weights.weight_error` gives of ONNX files.

    Weights are paired by name, which LiteRT's quantizer keeps.
    """
    floats, ours = _weights(read(reference)), _weights(read(quantized))
    found = Distances()
    for name, weight in ours.items():
        if weight.format in _FLOATS:
            continue
        match, codes = floats.get(name), values(weight)
        if match is None or codes is None or match.format not in _FLOATS or match.shape != weight.shape:
            found.unmatched.append(name)
        else:
            found.add(name, weight.format, _distances(weight, codes, values(match)))
    return found.report()


def compare(supplied: str, recipe: str) -> dict[str, Any]:
    """Scales, zero points and codes of two files by name; `verifier.evidence.ArtifactComparison`."""
    ours, theirs = (_parts(read(path)) for path in (supplied, recipe))
    return comparison(supplied, recipe, ours, theirs)


def values(tensor: Tensor) -> Any:
    """A constant's values or codes as doubles; ``None`` where its scales are elsewhere or its format is unknown."""
    if tensor.data is None or tensor.block:
        return None
    if tensor.format in _FLOATS:
        found = tensor.data.view(_FLOATS[tensor.format])
    elif tensor.format == "int4":  # two a byte, the low half first
        halves = np.stack([tensor.data & 15, tensor.data >> 4], axis=-1).reshape(-1)[: tensor.elements].astype(np.int8)
        found = np.where(halves > 7, halves - 16, halves)
    elif tensor.format in ("int8", "uint8", "int16", "int32"):
        found = tensor.data.view(tensor.format)
    else:
        return None
    return found.astype(np.float64).reshape(tensor.shape)


def _weights(file: File) -> dict[str, Tensor]:
    """Weights of products by name."""
    names = {stored.name for product in survey(file).products for stored in product.weights}
    return {tensor.name: tensor for tensor in file.tensors if tensor.name in names and tensor.data is not None}


def _distances(weight: Tensor, codes: Any, floats: Any) -> tuple[Any, int]:
    grid = as_used(GRIDS[weight.format], codes)
    scale, zero = (_spread(part, weight) for part in (weight.scales, weight.zeros))
    return steps_of(grid, codes, floats, (scale, zero))


def _spread(parts: Any, weight: Tensor) -> Any:
    """One scale a channel, as one for each value."""
    wide = np.asarray(parts if len(parts) else [0.0], np.float64)
    shape = [1] * len(weight.shape)
    if len(wide) > 1:
        shape[weight.axis] = len(wide)
    return np.broadcast_to(wide.reshape(shape), weight.shape)


def _parts(file: File) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Scales and zero points of all tensors, and codes of the constants among them."""
    scaled = [tensor for tensor in file.tensors if len(tensor.scales)]
    codes = {tensor.name: values(tensor) for tensor in scaled if tensor.data is not None}
    return (
        {tensor.name: tensor.scales for tensor in scaled},
        {tensor.name: tensor.zeros for tensor in scaled},
        {name: found for name, found in codes.items() if found is not None},
    )
