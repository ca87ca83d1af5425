"""Grids of number formats against `ml_dtypes`, which lists every value of a format independently of our formula."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from verifier.inspection.grid import GRIDS, inside, spacing, used_bits

TYPES = {
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "fp8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "fp8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "fp8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "fp4_e2m1": ml_dtypes.float4_e2m1fn,
}


def all_values(name: str) -> np.ndarray:
    """Every finite value of the format, sorted."""
    kind = np.dtype(TYPES[name])
    bits = 4 if name.startswith("fp4") else 8 * kind.itemsize
    codes = np.arange(2**bits, dtype=np.uint16 if bits == 16 else np.uint8)
    values = codes.view(kind).astype(np.float64)
    return np.unique(values[np.isfinite(values)])


@pytest.mark.parametrize("name", TYPES)
def test_a_format_ends_where_its_largest_value_is(name: str) -> None:
    values = all_values(name)
    assert (GRIDS[name].low, GRIDS[name].high) == (values[0], values[-1])


@pytest.mark.parametrize("name", TYPES)
def test_the_local_step_is_the_gap_between_the_values_around(name: str) -> None:
    values = all_values(name)
    middles = (values[1:] + values[:-1]) / 2
    assert np.array_equal(spacing(GRIDS[name], middles), np.diff(values))


@pytest.mark.parametrize("name", TYPES)
def test_rounding_to_nearest_stays_within_half_a_local_step_and_the_next_value_does_not(name: str) -> None:
    grid, values = GRIDS[name], all_values(name)
    rng = np.random.default_rng(11)
    exact = np.ldexp(rng.uniform(-1, 1, 20_000), rng.integers(-12, 9, 20_000))
    exact = exact[inside(grid, exact) & (np.abs(exact) <= grid.high)]
    rounded = exact.astype(TYPES[name]).astype(np.float64)
    steps = np.abs(rounded - exact) / spacing(grid, exact)
    assert steps.max() <= 0.5
    assert steps.max() > 0.45
    at = np.searchsorted(values, rounded)
    beside = values[np.clip(np.where(rounded >= exact, at + 1, at - 1), 0, len(values) - 1)]
    moved = beside != rounded
    assert (np.abs(beside - exact) / spacing(grid, exact))[moved].min() > 0.5


@pytest.mark.parametrize(
    ("name", "kept", "clipped"), [("fp8_e4m3fn", 463.9, 464.1), ("int8", 127.49, 127.51), ("uint4", 15.4, 15.6)]
)
def test_what_rounds_to_the_end_is_kept_and_what_lies_beyond_is_clipped(name, kept, clipped) -> None:
    # e4m3fn: the gap below 448 is 32, so that the half step ends at 464
    assert inside(GRIDS[name], np.array([kept, clipped])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(-8, 7, 4), (-8, 8, 5), (0, 15, 4), (0, 1, 1), (-1, 0, 1), (-1, 1, 2), (-127, 127, 8), (-128, 127, 8), (0, 0, 1)],
)
def test_codes_take_the_bits_of_the_narrowest_integer_that_holds_them(low, high, bits) -> None:
    assert used_bits(low, high) == bits
