"""The values that a number format can hold, and how far a value lies from its neighbours there.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Grid(NamedTuple):
    """A number format as a set of values: evenly spaced, or with a spacing that doubles at each power of two."""

    low: float
    high: float
    """Smallest and largest finite value."""
    bits: int
    mantissa: int = 0
    """Stored bits of the significand; unused where the spacing is even."""
    least: int = 0
    """Exponent of the smallest normal number: below it the spacing stays what it is there."""
    even: bool = True


def _integer(bits: int, signed: bool) -> Grid:
    return Grid(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1, bits) if signed else Grid(0.0, 2.0**bits - 1, bits)


def _float(bits: int, mantissa: int, least: int, high: float) -> Grid:
    return Grid(-high, high, bits, mantissa, least, even=False)


GRIDS: dict[str, Grid] = {
    # largest values and exponents: IEEE 754-2019 table 3.5; bfloat16 after its definition; OCP 8-bit Floating Point
    # Specification 1.0, table 1, and OCP Microscaling Formats 1.0, table 2; the UZ variants after arXiv 2206.02915
    "fp16": _float(16, 10, -14, 65504.0),
    "bf16": _float(16, 7, -126, (2.0 - 2.0**-7) * 2.0**127),
    "fp8_e4m3fn": _float(8, 3, -6, 448.0),
    "fp8_e4m3fnuz": _float(8, 3, -7, 240.0),
    "fp8_e5m2": _float(8, 2, -14, 57344.0),
    "fp8_e5m2fnuz": _float(8, 2, -15, 57344.0),
    "fp4_e2m1": _float(4, 1, 0, 6.0),
}
GRIDS.update({f"int{bits}": _integer(bits, signed=True) for bits in (2, 4, 8, 16)})
GRIDS.update({f"uint{bits}": _integer(bits, signed=False) for bits in (2, 4, 8, 16)})
"""Formats that weights are stored in; one without an entry has no grid that we know."""

BITS: dict[str, int] = {name: grid.bits for name, grid in GRIDS.items()}
BITS.update({"fp64": 64, "fp32": 32, "int32": 32, "int64": 64, "fp8_e8m0": 8})
"""Bits of one value of a format."""


def spacing(grid: Grid, exact: Any) -> Any:
    """Distance between the two values of the format that enclose each of ``exact`` (doubles, any shape)."""
    if grid.even:
        return np.ones_like(exact)
    # frexp gives a fraction in [0.5, 1): the exponent of the leading bit is one less
    exponent = np.frexp(np.abs(exact))[1] - 1
    exponent = np.where(exact == 0, grid.least, np.maximum(exponent, grid.least))
    return np.ldexp(1.0, exponent - grid.mantissa)


def inside(grid: Grid, exact: Any) -> Any:
    """Whether rounding to nearest keeps a value within the format: beyond that it is clipped."""
    edge = 0.5 * spacing(grid, np.array([abs(grid.high)], np.float64))[0]
    return (exact >= grid.low - edge) & (exact <= grid.high + edge)


def used_bits(low: float, high: float) -> int:
    """Bits of the narrowest two's complement (or, from zero up, unsigned) integer that holds both codes."""
    if low >= 0:
        return max(1, int(high).bit_length())
    return 1 + max(int(high).bit_length() if high > 0 else 0, int(-low - 1).bit_length())
