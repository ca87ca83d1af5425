"""Distance of a quantized program's weights from the reference's, and two quantized programs tensor by tensor.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.inspection.distance import Distances, as_used, comparison, guard, steps_of
from verifier.inspection.grid import GRIDS, Grid
from verifier.inspection.program import Program, Tensor, read
from verifier.inspection.program_ledger import survey
from verifier.inspection.program_storage import Weight
from verifier.inspection.scheme import FLOATS


def weight_error(reference: str, quantized: str) -> dict[str, Any]:
    """Distances in steps of each weight's own scale, as `verifier.inspection.weights.weight_error` gives of ONNX files.

    Weights are paired by name: exporting a quantized program keeps the names of its modules.
    """
    theirs, ours = read(reference), read(quantized)
    floats = {w.stored.name: w for _, w in survey(theirs)[1] if w.stored.scheme.format in FLOATS}
    found = Distances()
    for _, weight in survey(ours)[1]:
        name, fmt = weight.stored.name, weight.stored.scheme.format
        match = floats.get(name)
        if fmt in FLOATS:
            continue
        if match is None or match.codes.shape != weight.codes.shape or fmt not in _grids():
            found.unmatched.append(name)
        else:
            found.add(name, fmt, _distances(ours, weight, theirs.array(match.codes)), allowed=_guard(fmt))
    return found.report()


def compare(supplied: str, recipe: str) -> dict[str, Any]:
    """Scales, zero points and codes of two quantized programs by name; `verifier.evidence.ArtifactComparison`."""
    kinds: list[list[dict[str, Any]]] = [[{}, {}], [{}, {}], [{}, {}]]
    for at, path in enumerate((supplied, recipe)):
        program = read(path)
        for _, weight in survey(program)[1]:
            if weight.stored.scheme.format in FLOATS:
                continue
            for into, tensor in zip(kinds, (weight.scale, weight.zero, weight.codes)):
                if tensor is not None:
                    into[at][weight.stored.name] = program.array(tensor)
    ours, theirs = zip(*kinds)
    return comparison(supplied, recipe, ours, theirs)


def _grids() -> dict[str, Grid]:
    """The known grids, and integers of 3, 5, 6 and 7 bit, which torchao stores one per byte."""
    odd = (3, 5, 6, 7)
    signed = {f"int{n}": Grid(-(2.0 ** (n - 1)), 2.0 ** (n - 1) - 1, n) for n in odd}
    return {**GRIDS, **signed, **{f"uint{n}": Grid(0.0, 2.0**n - 1, n) for n in odd}}


def _guard(fmt: str) -> float:
    return guard(fmt if fmt in GRIDS else "int8")


def _distances(program: Program, weight: Weight, floats: Any) -> tuple[Any, int]:
    grid = _grids()[weight.stored.scheme.format]
    codes = _decoded(program, weight.codes, grid)
    grid = as_used(grid, codes)
    scale = _spread(program.array(weight.scale), codes.shape) if weight.scale is not None else np.ones(codes.shape)
    zero = _spread(program.array(weight.zero), codes.shape) if weight.zero is not None else np.zeros(codes.shape)
    return steps_of(grid, codes, floats.astype(np.float64), (scale, zero))


def _decoded(program: Program, tensor: Tensor, grid: Grid) -> Any:
    """Values of the codes: integers as they are; 8-bit floats from sign, exponent and significand."""
    codes = program.array(tensor).astype(np.int64)
    if grid.even:
        return codes.astype(np.float64)
    exponent, fraction = (codes & 0x7F) >> grid.mantissa, codes & (2**grid.mantissa - 1)
    normal = np.ldexp(2.0**grid.mantissa + fraction, exponent - 1 + grid.least - grid.mantissa)
    small = np.ldexp(fraction.astype(np.float64), grid.least - grid.mantissa)
    return np.where(codes & 0x80, -1.0, 1.0) * np.where(exponent == 0, small, normal)


def _spread(parts: Any, shape: tuple[int, ...]) -> Any:
    """One scale for each block of values, as one for each value."""
    values = parts.astype(np.float64)
    values = values.reshape(values.shape + (1,) * (len(shape) - values.ndim)) if values.size > 1 else values.reshape(-1)
    for axis, size in enumerate(shape):
        if values.ndim == len(shape) and values.shape[axis] not in (1, size):
            values = np.repeat(values, size // values.shape[axis], axis=axis)
    return np.broadcast_to(values, shape)
