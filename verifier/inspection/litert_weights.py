"""Distance of a LiteRT file's weights from the reference's, and two LiteRT files tensor by tensor.

Runs inside the worker: standard library, numpy and the schema of ai-edge-litert, syntax of Python 3.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.inspection.grid import GRIDS
from verifier.inspection.litert import File, Tensor, read, survey
from verifier.inspection.weights import differences, file_digest, guard, steps_of

_FLOATS = {"fp32": np.float32, "fp16": np.float16, "fp64": np.float64}
_COUNTS = ("tensors", "elements", "clipped", "beyond_half_step")


def weight_error(reference: str, quantized: str) -> dict[str, Any]:
    """Distances in steps of each weight's own scale, as `verifier.inspection.weights.weight_error` gives of ONNX files.

    Weights are paired by name, which LiteRT's quantizer keeps.
    """
    floats, ours = _weights(read(reference)), _weights(read(quantized))
    total: dict[str, Any] = {**dict.fromkeys(_COUNTS, 0), "worst_steps": 0.0}
    formats: dict[str, dict[str, Any]] = {}
    unmatched: list[str] = []
    offenders: list[str] = []
    for name, weight in ours.items():
        if weight.format in _FLOATS:
            continue
        match, codes = floats.get(name), values(weight)
        if match is None or codes is None or match.format not in _FLOATS or match.shape != weight.shape:
            unmatched.append(name)
            continue
        steps, clipped = _distances(weight, codes, values(match))
        beyond = int((steps > 0.5 + guard(weight.format)).sum())
        for into in (total, formats.setdefault(weight.format, {**dict.fromkeys(_COUNTS, 0), "worst_steps": 0.0})):
            for count, found in zip(_COUNTS, (1, int(steps.size), clipped, beyond)):
                into[count] += found
            into["worst_steps"] = max(into["worst_steps"], float(steps.max()) if steps.size else 0.0)
        if beyond:
            offenders.append(name)
    rows = [dict(found, format=name) for name, found in sorted(formats.items())]
    return dict(total, unmatched=unmatched, offenders=offenders, formats=rows)


def compare(supplied: str, recipe: str) -> dict[str, Any]:
    """Scales, zero points and codes of two files by name; `verifier.evidence.ArtifactComparison`."""
    digests = [file_digest(path) for path in (supplied, recipe)]
    ours, theirs = (_parts(read(path)) for path in (supplied, recipe))
    scales, zeros, codes = (differences(a, b) for a, b in zip(ours, theirs))
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
    grid = GRIDS[weight.format]
    if grid.low < 0 and codes.size and codes.min() > grid.low:
        grid = grid._replace(low=-grid.high)  # a symmetric scheme leaves the lowest code unused
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
