"""Latency percentiles: how many calls a bound needs, and bounds for calls that come in bursts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from verifier.statistics.distributions import binomial_quantile
from verifier.statistics.intervals import COVERAGE, Floats
from verifier.statistics.steady import long_run

BATCHES = 16
"""Consecutive batches of calls whose counts show how bursts raise the variance: few, so that a burst fits into one."""


def quantile_samples(p: float, *, confidence: float = COVERAGE, sides: int = 2, beyond: int = 0) -> int:
    """Independent calls from which on the p-quantile has an upper bound, with ``beyond`` calls above that bound.

    The smallest n with P(Binomial(n, 1 - p) <= beyond) at most the missing confidence, halved for two sides. MLPerf's
    early stopping is confidence 0.99, one side, one call beyond: 64 for p90, 662 for p99. Raises `ValueError` for a p
    or a confidence outside (0, 1).
    """
    if not (0.0 < p < 1.0 and 0.0 < confidence < 1.0 and sides in (1, 2) and beyond >= 0):
        raise ValueError(f"no such bound: p {p}, confidence {confidence}, sides {sides}, beyond {beyond}")
    tail = (1.0 - confidence) / sides
    high = beyond + 1
    while special.bdtr(beyond, high, 1.0 - p) > tail:
        high *= 2
    low = beyond
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if special.bdtr(beyond, middle, 1.0 - p) > tail else (low, middle)
    return high


def burst_quantile_bounds(
    values: Sequence[float] | Floats, p: float, coverage: float = COVERAGE
) -> tuple[float, float | None, float | None]:
    """A quantile of ``values`` in their order in time, with bounds that allow for bursts.

    As `quantile_bounds`, with the number of calls divided by the variance ratio of the indicator "below the quantile":
    the larger of its autoregression's and of batch counts'. Approximate: the ratio is estimated from few slow calls.
    """
    data = np.asarray(values, dtype=np.float64)
    n = len(data)
    if not n:
        return 0.0, None, None
    ordered = np.sort(data)
    value = float(ordered[min(n - 1, max(0, math.ceil(n * p) - 1))])
    ratio = _burst_ratio((data <= value).astype(np.float64))
    independent = n / ratio
    tail = (1.0 - coverage) / 2.0
    # exact binomial ranks in the independent number of calls, which need not be whole: Clopper and Pearson's form
    low_share, high_share = _shares(independent, p, tail)
    low_rank, high_rank = math.floor(low_share * n), math.ceil(high_share * n) + 1
    low = float(ordered[low_rank - 1]) if low_rank >= 1 else None
    high = float(ordered[high_rank - 1]) if high_rank <= n else None
    return value, low, high


def _burst_ratio(below: Floats) -> float:
    centred = below - below.mean()
    if len(below) < 2 * BATCHES or not centred.any():
        return 1.0
    size = len(below) // BATCHES
    sums = centred[: BATCHES * size].reshape(BATCHES, size).sum(axis=1)
    batched = float(sums @ sums) / (BATCHES - 1) / size / float(centred @ centred) * len(below)
    student = float(special.stdtrit(BATCHES - 1, 0.975) / special.ndtri(0.975)) ** 2
    return max(1.0, batched * student, long_run(centred).ratio)


def _shares(n: float, p: float, tail: float) -> tuple[float, float]:
    whole = max(math.floor(n), 1)
    return binomial_quantile(tail, whole, p) / whole, binomial_quantile(1.0 - tail, whole, p) / whole
