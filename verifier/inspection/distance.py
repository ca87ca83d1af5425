"""How far weights lie from their reference's, and how far two files lie apart, whatever format they are stored in.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from verifier.inspection.grid import GRIDS, Grid, inside, spacing

GUARD = 1e-3
"""Steps that the arithmetic may add to half a step: scale and product are rounded to single precision, so that a code
of size ``c`` may be off by ``c`` times 2**-23 more."""

MOST_STEPS = 1e9
"""Distances are cut here, so that each stays a finite number."""

_COUNTS = ("tensors", "elements", "clipped", "beyond_half_step")


def guard(fmt: str) -> float:
    """Steps that the arithmetic of a format may add to half a step."""
    grid = GRIDS[fmt]
    return GUARD + (grid.high * 2.0**-23 if grid.even else 0.0)


def as_used(grid: Grid, codes: Any) -> Grid:
    """The part of a grid that a scheme uses: a symmetric one leaves the lowest code unused."""
    if grid.low < 0 and codes.size and codes.min() > grid.low:
        return grid._replace(low=-grid.high)
    return grid


def steps_of(grid: Grid, codes: Any, floats: Any, affine: tuple[Any, Any]) -> tuple[Any, int]:
    """Distance of each code from where its weight may lie, given scale and zero point; and how many are clipped.

    A weight outside the format's range may lie at the end of the range alone: a clipped one has distance 0.
    """
    scale, zero = affine
    # a block of zeros may have the scale 0: its weights are exact or infinitely far
    exact = np.divide(floats, scale, out=np.where(floats == 0, 0.0, np.inf), where=scale != 0) + zero
    within = inside(grid, exact)
    target = np.clip(exact, grid.low, grid.high)
    steps = np.abs(codes - np.where(within, exact, target)) / spacing(grid, target)
    return np.minimum(steps, MOST_STEPS), int(steps.size - within.sum())


class Distances:
    """Distances of a file's weights, in all and by format."""

    def __init__(self) -> None:
        """None yet."""
        self._total: dict[str, Any] = _nothing()
        self._formats: dict[str, dict[str, Any]] = {}
        self._offenders: list[str] = []
        self.unmatched: list[str] = []
        """Weights without a counterpart in the reference."""

    def add(self, name: str, fmt: str, found: tuple[Any, int], *, allowed: float | None = None) -> None:
        """Steps and clipped weights of one tensor; ``allowed``: what the arithmetic may add, by the format itself."""
        steps, clipped = found
        beyond = int((steps > 0.5 + (guard(fmt) if allowed is None else allowed)).sum())
        for into in (self._total, self._formats.setdefault(fmt, _nothing())):
            for count, number in zip(_COUNTS, (1, int(steps.size), clipped, beyond)):
                into[count] += number
            into["worst_steps"] = max(into["worst_steps"], float(steps.max()) if steps.size else 0.0)
        if beyond:
            self._offenders.append(name)

    def report(self) -> dict[str, Any]:
        """`verifier.evidence.WeightError` as plain data."""
        rows = [dict(found, format=name) for name, found in sorted(self._formats.items())]
        return dict(self._total, unmatched=self.unmatched, offenders=self._offenders, formats=rows)


def _nothing() -> dict[str, Any]:
    return {**dict.fromkeys(_COUNTS, 0), "worst_steps": 0.0}


def comparison(supplied: str, recipe: str, ours: Sequence[Any], theirs: Sequence[Any]) -> dict[str, Any]:
    """`verifier.evidence.ArtifactComparison` of two files' scales, zero points and codes, each by tensor name."""
    digests = [file_digest(path) for path in (supplied, recipe)]
    scales, zeros, codes = (_differences(mine, other) for mine, other in zip(ours, theirs))
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


def file_digest(path: str) -> str:
    """SHA-256 of a file."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            total.update(chunk)
    return total.hexdigest()
