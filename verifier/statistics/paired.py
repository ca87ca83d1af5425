"""Accuracy of two models over the same items: paired intervals, numbers in, numbers out; fixed seeds.

Items of one document, prompt or patient are not independent: where ``clusters`` are given they are kept together, in
the bootstrap by drawing whole clusters and in Tango's interval by the design effect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from verifier.statistics.distributions import normal_quantile, normal_share, sign_test, student_quantile
from verifier.statistics.intervals import Estimate, Floats, binomial_upper

RESAMPLES = 2000
"""Bootstrap resamples; the 5 % point of their distribution then has a standard error of 0.5 % of coverage."""
JACKKNIFE_GROUPS = 200
"""Groups of the jackknife that estimates the acceleration of the bootstrap."""
FEW = 10
"""With fewer differing items (or clusters that have any) neither a bootstrap nor a design effect can be trusted."""
DEFINED = 0.95
"""Share of the resamples on which a metric must be defined: what is left of fewer is no longer a random draw."""

Clusters = Sequence[int]
"""Number of the cluster of each item; empty where every item stands for itself."""


def tango_statistic(gained: float, lost: float, n: float, difference: float) -> float:
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


def tango_interval(gained: float, lost: float, n: float, coverage: float = 0.90) -> Estimate | None:
    """Tango's score interval for a difference of paired proportions; each bound alone is one-sided.

    ``gained`` counts the pairs that only the first model gets right, ``lost`` those that only the second does. With
    coverage 0.90 each bound errs with probability 5 %.
    """
    if n < 1 or gained < 0 or lost < 0 or gained + lost > n * (1.0 + 1e-12):
        return None
    z = normal_quantile(0.5 + coverage / 2.0)
    value = (gained - lost) / n
    low = _crossing(lambda d: tango_statistic(gained, lost, n, d) - z, -1.0, value)
    high = _crossing(lambda d: tango_statistic(gained, lost, n, d) + z, value, 1.0)
    return Estimate(value=value, low=low, high=high)


def guarded_interval(
    gained: float, lost: float, n: float, *, below: float = 0.05, above: float = 0.05
) -> Estimate | None:
    """Tango's interval, at least as wide as an exact one where it rests on nothing; bounds err with the given rates.

    Where no item was gained (or lost) the interval holds the exact one of the losses (gains) alone, by Clopper and
    Pearson: with a handful of differing items the score interval errs more often than it says.
    """
    lower = tango_interval(gained, lost, n, 1.0 - 2.0 * below)
    upper = tango_interval(gained, lost, n, 1.0 - 2.0 * above)
    if lower is None or upper is None:
        return None
    low, high = lower.low, upper.high
    if not gained:
        low = min(low, -binomial_upper(lost, n, below))
        high = max(high, binomial_upper(n - lost, n, above) - 1.0)
    if not lost:
        low = min(low, 1.0 - binomial_upper(n - gained, n, below))
        high = max(high, binomial_upper(gained, n, above))
    return Estimate(value=(gained - lost) / n, low=low, high=high)


def paired_proportions(
    differences: Sequence[float] | Floats, clusters: Clusters = (), *, below: float = 0.05, above: float = 0.05
) -> Estimate | None:
    """Difference of two paired proportions from 1, 0 or -1 per item; the bounds err with ``below`` and ``above``.

    The bounds are those of `guarded_interval`. With clusters the counts are divided by the design effect (Rao and Scott
    1992), which is widened as Student's t is where few clusters make it up.
    """
    d = np.asarray(differences, dtype=np.float64)
    n = len(d)
    if not n or not np.isin(d, (-1.0, 0.0, 1.0)).all() or len(clusters) not in (0, n):
        return None
    gained, lost = float((d > 0).sum()), float((d < 0).sum())
    under, over = (design_effect(d, clusters, level) for level in (below, above))
    low = guarded_interval(gained / under, lost / under, n / under, below=below, above=above)
    high = guarded_interval(gained / over, lost / over, n / over, below=below, above=above)
    if low is None or high is None:
        return None
    return Estimate(value=(gained - lost) / n, low=low.low, high=high.high)


def design_effect(differences: Sequence[float] | Floats, clusters: Clusters, level: float = 0.05) -> float:
    """How many times more variable the mean is than that of as many independent items; at least 1.

    The variance of a mean over clusters is that of a ratio estimator (Cochran, Sampling Techniques, section 9A). Where
    fewer than `FEW` clusters hold any difference the effect is the largest possible: all items of a cluster alike.
    """
    if not len(clusters):
        return 1.0
    d = np.asarray(differences, dtype=np.float64)
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(member).astype(np.float64)
    groups, n = len(sizes), float(len(d))
    if groups == n:
        return 1.0
    if groups < 2:
        return n
    mean = float(d.mean())
    sums = np.bincount(member, weights=d)
    naive = float(((d - mean) ** 2).sum())
    squares = (sums - sizes * mean) ** 2
    between = groups / (groups - 1.0) * float(squares.sum())
    worst = float((sizes**2).sum()) / n
    holding = len(np.unique(member[d != 0]))
    effect = max(1.0, between / naive if naive > 0 else worst, worst if holding < FEW else 1.0)
    # A variance that rests on a few clusters is itself uncertain: Satterthwaite's degrees of freedom, at least two.
    fourth = float((squares**2).sum())
    freedom = min(groups - 1.0, max(float(squares.sum()) ** 2 / fourth, 2.0) if fourth > 0 else 2.0)
    wider = (student_quantile(1.0 - level, freedom) / normal_quantile(1.0 - level)) ** 2
    return min(effect * wider, n)


def mcnemar(gained: int, lost: int) -> float:
    """Chance of so uneven a split of the differing pairs if neither model is better (exact McNemar test, two-sided)."""
    return sign_test(gained, lost)


def step_down(count: int, rejects: Callable[[int, float], bool], alpha: float) -> tuple[tuple[bool, float], ...]:
    """Holm's procedure: for each of ``count`` hypotheses whether it is rejected, and the level it was last tested at.

    ``rejects(i, level)`` tests one hypothesis and must not stop rejecting as the level grows. The chance to reject any
    true hypothesis is at most ``alpha``, however the tests depend on each other (Holm 1979).
    """
    levels = [alpha / max(count, 1)] * count
    done: set[int] = set()
    while len(done) < count:
        level = alpha / (count - len(done))
        for i in set(range(count)) - done:
            levels[i] = level
        new = {i for i in range(count) if i not in done and rejects(i, level)}
        if not new:
            break
        done |= new
    return tuple((i in done, levels[i]) for i in range(count))


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
        if kind in ("auc", "spearman"):
            from scipy import stats  # noqa: PLC0415 - slow to import, and few claims need ranks

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
    clusters: Clusters = (),
    below: float = 0.05,
    above: float = 0.05,
    seed: int = 1,
) -> Estimate | None:
    """Bootstrap interval (bias-corrected and accelerated) of metric(first) - metric(second) over the same items.

    Items, or whole clusters, are resampled together with both outcomes and the label; Efron and Tibshirani (1993),
    section 14.3, widened where few of them differ. The acceleration comes from a delete-a-group jackknife. The bounds
    err with probability ``below`` and ``above``. `None` if the metric is undefined, also on more than a few resamples.
    """
    n = len(first)
    if n < 10 or len(second) != n or len(labels) not in (0, n) or len(clusters) not in (0, n):
        return None
    table = np.vstack([first, second, labels if len(labels) else np.zeros(n)]).astype(np.float64)
    groups = _groups(clusters, n)
    units = len(groups) if groups else n
    value = float(_difference(kind, table[:, None, :])[0])
    draws = _draws(kind, table, groups, np.random.default_rng(seed))
    kept = draws[np.isfinite(draws)]
    if not math.isfinite(value) or units < 2 or len(kept) < DEFINED * len(draws):
        return None
    # With no event in n items an event has a share of up to 3/n at 95 % (the rule of three): no interval is narrower.
    least = max(3.0, -math.log(min(below, above))) / units
    if float(np.ptp(kept)) == 0.0:
        return Estimate(value=value, low=value - least, high=value + least)
    # What does not differ tells nothing: the bounds are as wide as Student's over the items that do.
    differing = _differing(kind, table, groups)
    levels = (_expanded(below, differing), _expanded(above, differing))
    low, high = bca_bounds(value, kept, _acceleration(kind, table, groups), *levels)
    if differing < FEW:
        low, high = min(low, value - least), max(high, value + least)
    return Estimate(value=value, low=low, high=high)


def bca_bounds(value: float, draws: Floats, bend: float, below: float, above: float) -> tuple[float, float]:
    """Bounds of a statistic from its resamples and its acceleration, never on the wrong side of its value."""
    share = (float((draws < value).sum()) + 0.5 * float((draws == value).sum())) / len(draws)
    bias = normal_quantile(min(max(share, 0.5 / len(draws)), 1.0 - 0.5 / len(draws)))
    low = float(np.quantile(draws, bca_level(below, bias, bend)))
    high = float(np.quantile(draws, 1.0 - bca_level(above, -bias, -bend)))
    return min(value, low), max(value, high)


def _groups(clusters: Clusters, n: int) -> list[NDArray[np.intp]]:
    """Positions of the items of each cluster; none where every item stands for itself."""
    if not len(clusters):
        return []
    _, member, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    if len(sizes) == n:
        return []
    return np.split(np.argsort(member, kind="stable"), np.cumsum(sizes)[:-1])


def _draws(kind: str, table: Floats, groups: list[NDArray[np.intp]], rng: np.random.Generator) -> Floats:
    """The metric's difference on each resample of the items, or of the clusters."""
    n = table.shape[1]
    if groups and kind == "mean":  # sums and sizes of the clusters are all that a mean needs
        gaps = table[0] - table[1]
        sums = np.array([float(gaps[group].sum()) for group in groups])
        sizes = np.array([float(len(group)) for group in groups])
        times = rng.multinomial(len(groups), np.full(len(groups), 1.0 / len(groups)), size=RESAMPLES)
        return np.asarray((times @ sums) / (times @ sizes), dtype=np.float64)
    if groups:
        drawn = rng.integers(0, len(groups), size=(RESAMPLES, len(groups)))
        rows = (np.concatenate([groups[g] for g in row]) for row in drawn)
        return np.array([float(_difference(kind, table[:, None, row])[0]) for row in rows])
    chunk = max(1, 4_000_000 // n)
    return np.concatenate(
        [
            _difference(kind, table[:, rng.integers(0, n, size=(min(chunk, RESAMPLES - start), n))])
            for start in range(0, RESAMPLES, chunk)
        ]
    )


def _differing(kind: str, table: Floats, groups: list[NDArray[np.intp]]) -> int:
    """Items (or clusters with such items) that the two models answer differently, as the metric sees it."""
    differs = (table[0] > 0) != (table[1] > 0) if kind == "f1" else table[0] != table[1]
    return sum(bool(differs[group].any()) for group in groups) if groups else int(differs.sum())


def _expanded(level: float, units: int) -> float:
    """The level at which percentiles of resamples are as wide as Student's interval (Hesterberg 2015, section 4.4).

    A resample varies as if its mean were known: by a factor of (units - 1) / units less, and normally.
    """
    units = max(units, 2)
    quantile = student_quantile(level, units - 1) * math.sqrt(units / (units - 1.0))
    return normal_share(quantile)


def bca_level(q: float, bias: float, bend: float) -> float:
    """The percentile to take for a nominal one, given bias correction and acceleration (Efron 1987)."""
    shifted = bias + normal_quantile(q)
    scale = 1.0 - bend * shifted
    if scale <= 0:  # so skewed that no level can be given: the extreme resample
        return 0.0 if q < 0.5 else 1.0
    return normal_share(bias + shifted / scale)


def _acceleration(kind: str, table: Floats, clusters: list[NDArray[np.intp]]) -> float:
    units = clusters or [np.array([i]) for i in range(table.shape[1])]
    order = np.random.default_rng(0).permutation(len(units))
    parts = np.array_split(order, min(len(units), JACKKNIFE_GROUPS))
    groups = [np.concatenate([units[i] for i in part]) for part in parts]
    values = np.array([_difference(kind, np.delete(table, group, axis=1)[:, None, :])[0] for group in groups])
    return acceleration(values[np.isfinite(values)])


def acceleration(values: Floats) -> float:
    """Acceleration from jackknife values (Efron and Tibshirani 1993, equation 14.15)."""
    centred = values.mean() - values if len(values) else values
    square = float((centred**2).sum())
    return float((centred**3).sum()) / (6.0 * square**1.5) if square > 0 else 0.0


def _difference(kind: str, rows: Floats) -> Floats:
    return metric_values(kind, rows[0], rows[2]) - metric_values(kind, rows[1], rows[2])


def _pearson(x: Floats, y: Floats) -> Floats:
    a, b = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) / norm, dtype=np.float64)


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
