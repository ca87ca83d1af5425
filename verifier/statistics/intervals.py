"""Intervals of means, rates, proportions and quantiles: numbers in, numbers out; no clock, no file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.statistics.distributions import beta_quantile, binomial_quantile, student_quantile

COVERAGE = 0.95
"""Nominal coverage of two-sided intervals."""
MIN_BATCHES = 10
"""Blocks are not merged into fewer batches than this: below it the t interval grows faster than it gains honesty."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value between two bounds."""

    value: float
    low: float
    high: float


def t_interval(values: Sequence[float], coverage: float = COVERAGE) -> Estimate | None:
    """Student's interval for the mean of independent values; `None` for fewer than two."""
    if len(values) < 2:
        return None
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    half = _t(len(data) - 1, coverage) * float(data.std(ddof=1)) / math.sqrt(len(data))
    return Estimate(value=mean, low=mean - half, high=mean + half)


def ratio_interval(logs: Sequence[float], coverage: float = COVERAGE) -> Estimate | None:
    """Geometric mean of paired ratios from their logarithms, by batch means; `None` for fewer than four.

    Neighbours are merged into larger batches while they are positively correlated, which makes an interval too narrow.
    """
    data = np.asarray(logs, dtype=np.float64)
    if len(data) < 4:
        return None
    while len(data) // 2 >= MIN_BATCHES and _lag_one(data - data.mean()) > 1.0 / math.sqrt(len(data)):
        data = _merge(data) / 2.0
    found = t_interval([float(x) for x in data], coverage)
    if found is None:  # pragma: no cover - four values or more
        return None
    return Estimate(value=_exp(found.value), low=_exp(found.low), high=_exp(found.high))


def quantile_bounds(
    values: Sequence[float] | Floats, p: float, coverage: float = COVERAGE
) -> tuple[float, float | None, float | None]:
    """A quantile with distribution-free bounds: the order statistics that binomial counts allow.

    The bounds are the ranks l and u with P(B < l) and P(B >= u) at most half of the missing coverage, B the binomial
    number of values below the true quantile (Conover, Practical Nonparametric Statistics, section 3.2). `None` stands
    where no rank is extreme enough. Assumes independent values: bursts make the bounds too narrow.
    """
    data = np.sort(np.asarray(values, dtype=np.float64))
    n = len(data)
    if not n:
        return 0.0, None, None
    value = float(data[min(n - 1, max(0, math.ceil(n * p) - 1))])
    tail = (1.0 - coverage) / 2.0
    low_rank = binomial_quantile(tail, n, p)  # smallest k with P(B <= k) >= tail, so that P(B < k) < tail
    high_rank = binomial_quantile(1.0 - tail, n, p) + 1
    low = float(data[low_rank - 1]) if low_rank >= 1 else None
    high = float(data[high_rank - 1]) if high_rank <= n else None
    return value, low, high


def binomial_upper(successes: float, n: float, alpha: float) -> float:
    """Exact one-sided upper bound of a proportion (Clopper and Pearson)."""
    return 1.0 if successes >= n else beta_quantile(1.0 - alpha, successes + 1, n - successes)


def coefficient_of_variation(values: Sequence[float]) -> float:
    """Standard deviation over mean; 0 for fewer than two values."""
    data = np.asarray(values, dtype=np.float64)
    return float(data.std(ddof=1) / data.mean()) if len(data) > 1 and data.mean() > 0 else 0.0


def _t(freedom: int, coverage: float) -> float:
    return student_quantile(0.5 + coverage / 2.0, freedom)


def _lag_one(residuals: Floats) -> float:
    square = float((residuals * residuals).sum())
    return float((residuals[1:] * residuals[:-1]).sum()) / square if square > 0 else 0.0


def _merge(values: Floats) -> Floats:
    """Sums of neighbours; an odd one out joins the last pair's place by being dropped."""
    even = len(values) // 2 * 2
    return np.asarray(values[0:even:2] + values[1:even:2])


def _exp(value: float) -> float:
    return math.exp(min(max(value, -700.0), 700.0))
