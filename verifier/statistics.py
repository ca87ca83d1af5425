"""Intervals and tests that verdicts rest on: numbers in, numbers out; no clock, no file, fixed seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

COVERAGE = 0.95
"""Nominal coverage of two-sided intervals."""
MIN_BATCHES = 10
"""Blocks are not merged into fewer batches than this: below it the t interval grows faster than it gains honesty."""
RESAMPLES = 2000
"""Bootstrap resamples; the 5 % point of their distribution then has a standard error of 0.5 % of coverage."""
JACKKNIFE_GROUPS = 200
"""Groups of the jackknife that estimates the acceleration of the bootstrap."""

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


def rate_interval(items: Sequence[float], seconds: Sequence[float], coverage: float = COVERAGE) -> Estimate | None:
    """Items per second over consecutive blocks, by batch means; `None` for fewer than four blocks.

    The rate is all items over all seconds. Its error is that of a ratio estimator, taken from the residuals
    ``items - rate * seconds`` of batches of consecutive blocks. Neighbouring blocks are merged into larger batches
    while their residuals are positively correlated, since correlated residuals make the interval too narrow.
    """
    count = np.asarray(items, dtype=np.float64)
    time = np.asarray(seconds, dtype=np.float64)
    if len(count) < 4 or len(count) != len(time) or not (time > 0).all():
        return None
    rate = float(count.sum() / time.sum())
    residuals, lengths = count - rate * time, time
    while len(residuals) // 2 >= MIN_BATCHES and _lag_one(residuals) > 1.0 / math.sqrt(len(residuals)):
        residuals, lengths = _merge(residuals), _merge(lengths)
    error = float(residuals.std(ddof=1)) / (math.sqrt(len(residuals)) * float(lengths.mean()))
    half = _t(len(residuals) - 1, coverage) * error
    return Estimate(value=rate, low=rate - half, high=rate + half)


def ratio_interval(logs: Sequence[float], coverage: float = COVERAGE) -> Estimate | None:
    """Geometric mean of paired ratios from their logarithms, with batches as in `rate_interval`."""
    data = np.asarray(logs, dtype=np.float64)
    if len(data) < 4:
        return None
    while len(data) // 2 >= MIN_BATCHES and _lag_one(data - data.mean()) > 1.0 / math.sqrt(len(data)):
        data = _merge(data) / 2.0
    found = t_interval([float(x) for x in data], coverage)
    if found is None:  # pragma: no cover - four values or more
        return None
    return Estimate(value=_exp(found.value), low=_exp(found.low), high=_exp(found.high))


def drift(items: Sequence[float], seconds: Sequence[float]) -> float:
    """Relative change of the rate from the first to the last third of the blocks; 0 for fewer than three."""
    third = len(items) // 3
    if third < 1:
        return 0.0
    first = sum(items[:third]) / max(sum(seconds[:third]), 1e-12)
    last = sum(items[-third:]) / max(sum(seconds[-third:]), 1e-12)
    return last / first - 1.0 if first > 0 else 0.0


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
    low_rank = int(stats.binom.ppf(tail, n, p))  # smallest k with P(B <= k) >= tail, so that P(B < k) < tail
    high_rank = int(stats.binom.ppf(1.0 - tail, n, p)) + 1
    low = float(data[low_rank - 1]) if low_rank >= 1 else None
    high = float(data[high_rank - 1]) if high_rank <= n else None
    return value, low, high


def tango_statistic(gained: int, lost: int, n: int, difference: float) -> float:
    """Score statistic of H0: p(gained) - p(lost) = ``difference`` in ``n`` pairs (Tango 1998, equation 6)."""
    linear = -gained - lost + (2 * n - gained + lost) * difference
    constant = -lost * difference * (1.0 - difference)
    root = math.sqrt(max(linear * linear - 8.0 * n * constant, 0.0))
    share = (root - linear) / (4.0 * n)  # restricted maximum-likelihood estimate of p(lost)
    variance = n * (2.0 * share + difference * (1.0 - difference))
    distance = gained - lost - n * difference
    if variance <= 1e-15 * n:
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def tango_interval(gained: int, lost: int, n: int, coverage: float = 0.90) -> Estimate | None:
    """Tango's score interval for a difference of paired proportions; each bound alone is one-sided.

    ``gained`` counts the pairs that only the first model gets right, ``lost`` those that only the second does. With
    coverage 0.90 each bound errs with probability 5 %.
    """
    if n < 1 or gained < 0 or lost < 0 or gained + lost > n:
        return None
    z = float(stats.norm.ppf(0.5 + coverage / 2.0))
    value = (gained - lost) / n
    low = _crossing(lambda d: tango_statistic(gained, lost, n, d) - z, -1.0, value)
    high = _crossing(lambda d: tango_statistic(gained, lost, n, d) + z, value, 1.0)
    return Estimate(value=value, low=low, high=high)


def binomial_upper(successes: int, n: int, alpha: float) -> float:
    """Exact one-sided upper bound of a proportion (Clopper and Pearson)."""
    return 1.0 if successes >= n else float(stats.beta.ppf(1.0 - alpha, successes + 1, n - successes))


def coefficient_of_variation(values: Sequence[float]) -> float:
    """Standard deviation over mean; 0 for fewer than two values."""
    data = np.asarray(values, dtype=np.float64)
    return float(data.std(ddof=1) / data.mean()) if len(data) > 1 and data.mean() > 0 else 0.0


def metric_values(kind: str, scores: Floats, labels: Floats) -> Floats:
    """Value of a metric for each row of ``scores`` and ``labels``: one row per resample.

    ``mean`` of the scores; ``f1``, both above zero; ``auc``, Mann-Whitney with mid-ranks; ``spearman``; ``pearson``.
    Rows on which the metric is undefined (one class only, constant scores) give NaN.
    """
    if kind == "mean":
        return np.asarray(scores.mean(axis=1), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "f1":
            said, true = scores > 0, labels > 0
            hits = (said & true).sum(axis=1)
            return np.asarray(2.0 * hits / (said.sum(axis=1) + true.sum(axis=1)), dtype=np.float64)
        if kind == "auc":
            ranks, true = stats.rankdata(scores, axis=1), labels > 0
            positive = true.sum(axis=1)
            total = (ranks * true).sum(axis=1) - positive * (positive + 1) / 2.0
            return np.asarray(total / (positive * (scores.shape[1] - positive)), dtype=np.float64)
        if kind == "spearman":
            return _pearson(stats.rankdata(scores, axis=1), stats.rankdata(labels, axis=1))
        return _pearson(scores, labels)


def paired_bca(
    kind: str,
    first: Sequence[float],
    second: Sequence[float],
    labels: Sequence[float],
    *,
    coverage: float = 0.90,
    seed: int = 1,
) -> Estimate | None:
    """Bootstrap interval (bias-corrected and accelerated) of metric(first) - metric(second) over the same items.

    Items are resampled together with both outcomes and the label; Efron and Tibshirani (1993), section 14.3. The
    acceleration comes from a delete-a-group jackknife. `None` if the metric is undefined.
    """
    n = len(first)
    if n < 10 or len(second) != n or len(labels) not in (0, n):
        return None
    table = np.vstack([first, second, labels if len(labels) else np.zeros(n)]).astype(np.float64)
    value = float(_difference(kind, table[:, None, :])[0])
    rng = np.random.default_rng(seed)
    chunk = max(1, 4_000_000 // n)
    draws = np.concatenate(
        [
            _difference(kind, table[:, rng.integers(0, n, size=(min(chunk, RESAMPLES - start), n))])
            for start in range(0, RESAMPLES, chunk)
        ]
    )
    draws = draws[np.isfinite(draws)]
    if not math.isfinite(value) or len(draws) < RESAMPLES // 2:
        return None
    if float(np.ptp(draws)) == 0.0:
        # All resamples alike: the data cannot show how far the metric may lie off. With no event in n items an event
        # has a share of up to 3/n at 95 % (the rule of three).
        return Estimate(value=value, low=value - 3.0 / n, high=value + 3.0 / n)
    below = (float((draws < value).sum()) + 0.5 * float((draws == value).sum())) / len(draws)
    bias = float(stats.norm.ppf(min(max(below, 0.5 / len(draws)), 1.0 - 0.5 / len(draws))))
    bend = _acceleration(kind, table)
    tail = (1.0 - coverage) / 2.0
    low, high = (float(np.quantile(draws, _bca_level(q, bias, bend))) for q in (tail, 1.0 - tail))
    return Estimate(value=value, low=low, high=high)


def _bca_level(q: float, bias: float, bend: float) -> float:
    shifted = bias + float(stats.norm.ppf(q))
    scale = 1.0 - bend * shifted
    return float(stats.norm.cdf(bias + shifted / scale)) if scale > 0 else q


def _acceleration(kind: str, table: Floats) -> float:
    n = table.shape[1]
    groups = np.array_split(np.random.default_rng(0).permutation(n), min(n, JACKKNIFE_GROUPS))
    values = np.array([_difference(kind, np.delete(table, group, axis=1)[:, None, :])[0] for group in groups])
    values = values[np.isfinite(values)]
    centred = values.mean() - values if len(values) else values
    square = float((centred**2).sum())
    return float((centred**3).sum()) / (6.0 * square**1.5) if square > 0 else 0.0


def _difference(kind: str, rows: Floats) -> Floats:
    return metric_values(kind, rows[0], rows[2]) - metric_values(kind, rows[1], rows[2])


def _pearson(x: Floats, y: Floats) -> Floats:
    a, b = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) / norm, dtype=np.float64)


def _t(freedom: int, coverage: float) -> float:
    return float(stats.t.ppf(0.5 + coverage / 2.0, freedom))


def _lag_one(residuals: Floats) -> float:
    square = float((residuals * residuals).sum())
    return float((residuals[1:] * residuals[:-1]).sum()) / square if square > 0 else 0.0


def _merge(values: Floats) -> Floats:
    """Sums of neighbours; an odd one out joins the last pair's place by being dropped."""
    even = len(values) // 2 * 2
    return np.asarray(values[0:even:2] + values[1:even:2])


def _exp(value: float) -> float:
    return math.exp(min(max(value, -700.0), 700.0))


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls from ``low`` to ``high`` crosses zero, by bisection; an end if it does not."""
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    for _ in range(100):
        middle = (low + high) / 2.0
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2.0
