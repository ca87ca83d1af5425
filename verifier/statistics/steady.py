"""Steady state of a series of blocks: truncation, long-run variance, trend, level shifts.

All functions take values at equal steps (one per block) and are pure. Sources: MSER-5, White 1997 (Simulation 69:323)
and White, Cobb and Spratt 2000; autoregressive spectrum at frequency zero, Heidelberger and Welch 1981 (CACM 24:233);
Burg's recursion, order by AIC; first-order bias of the coefficients, Marriott and Pope 1954, Shaman and Stine 1988;
cumulative-sum test for a shift with a long-run variance, Ploberger and Kraemer 1992.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.statistics.intervals import Floats

MSER_BATCH = 5
"""Blocks in one batch of MSER-5."""
MOST_LAGS = 5
"""Highest order of the autoregression."""
BLOCKS_PER_LAG = 10
"""An order is tried only with this many blocks for each lag."""
LARGEST_SUM = 0.98
"""Sum of the coefficients after bias correction is held below this: beyond it the variance is not estimable."""
SHORT = 1.5
"""Added to n times the bias: the variance grows with the inverse square of what the sum leaves, so that an unbiased sum
makes bounds of short runs too narrow. Found by simulation of coverage at 30 blocks, where more of it covers independent
blocks too often and less those with autocorrelation 0.5 too seldom; without effect at 600."""
BRIDGE = 1.95
"""99.9 % point of the largest absolute value of a Brownian bridge (Kolmogorov's distribution)."""

STEP_GAIN = 10.0
"""Long-run variances by which the squared residuals of a line must exceed those of a jump: segmentation cuts a ramp
into stairs, which are no jumps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRun:
    """Long-run variance of a stationary series."""

    variance: float
    """Sum of all autocovariances: n times the variance of a mean of n values, for large n."""
    ratio: float
    """Long-run variance over variance, at least 1: negative correlation is never credited."""
    order: int
    """Order of the autoregression."""
    freedom: float
    """Degrees of freedom of the estimate, for Student's t."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Least-squares line through a series."""

    slope: float
    """Change per step."""
    error: float
    """Standard error of the slope with the long-run variance."""
    noise: LongRun
    """Of the residuals about the line."""


def mser5(values: Floats) -> int:
    """Values to drop at the start (a multiple of five), by the marginal standard error rule on batches of five.

    The truncation d minimises ``Var(batches after d) / (batches after d)``. More than half is never dropped: a minimum
    beyond is a sign of too short a run, and gives 0.
    """
    batches = len(values) // MSER_BATCH
    if batches < 2:
        return 0
    means = values[: batches * MSER_BATCH].reshape(batches, MSER_BATCH).mean(axis=1)
    means = means - means[-1]  # sums of squares then lose no digits
    left = np.arange(batches, 0, -1, dtype=np.float64)
    total, squares = np.cumsum(means[::-1])[::-1], np.cumsum(means[::-1] ** 2)[::-1]
    error = (squares - total * total / left) / (left * left)
    last = batches - min(MSER_BATCH, batches // 2)  # a handful of batches can agree by chance
    best = int(np.argmin(error[: last + 1]))
    return best * MSER_BATCH if best <= batches // 2 else 0


def burg(values: Floats, most: int) -> tuple[list[list[float]], list[float]]:
    """Coefficients and residual variances of autoregressions of order 0 to ``most``, by Burg's recursion."""
    forward, backward = values[1:], values[:-1]
    variance = float(values @ values) / len(values)
    rows: list[list[float]] = [[]]
    variances = [variance]
    for order in range(1, most + 1):
        power = float(forward @ forward) + float(backward @ backward)
        if power <= 0.0:
            break
        k = 2.0 * float(forward @ backward) / power
        previous = rows[-1]
        rows.append([*(a - k * b for a, b in zip(previous, reversed(previous), strict=True)), k])
        variances.append(variances[-1] * (1.0 - k * k))
        if order < most:
            forward, backward = (forward - k * backward)[1:], (backward - k * forward)[:-1]
    return rows, variances


def long_run(values: Floats, groups: int = 1) -> LongRun:
    """Long-run variance of values with zero mean: spectrum at frequency zero of an autoregression, bias-corrected.

    ``groups`` counts the means (and slopes) that were removed from ``values``: each costs a degree of freedom and
    pulls the coefficients down. Where batch means show far more variance than the autoregression can (slow cycles),
    theirs is taken.
    """
    n = len(values)
    power = float(values @ values) / max(n - groups, 1)
    if n < 2 or power <= 0.0:
        return LongRun(variance=0.0, ratio=1.0, order=0, freedom=float(max(n - groups, 1)))
    rows, variances = burg(values, min(MOST_LAGS, n // BLOCKS_PER_LAG))
    scores = [n * math.log(max(v, 1e-300)) + 2 * p for p, v in enumerate(variances)]
    # at least one lag where the length allows it: AIC misses a weak correlation in short runs
    order = min(range(min(1, len(rows) - 1), len(rows)), key=scores.__getitem__)
    total = sum(rows[order])
    if order:
        total = min(total + _bias(total, order, n, groups), LARGEST_SUM)
    innovation = variances[order] * n / max(n - order - groups, 1)
    ratio = max(innovation / (1.0 - total) ** 2 / power, 1.0)
    ratio = max(ratio, _batch_ratio(values, groups, ratio, power))
    return LongRun(
        variance=power * ratio, ratio=ratio, order=order, freedom=max(n / ratio - groups, 1.0 if n < 20 else 2.0)
    )


def _bias(total: float, order: int, n: int, groups: int) -> float:
    """First-order bias of the sum of the coefficients, to be added: from removed means, and from fitting itself."""
    if order == 1:
        return ((1.0 + total) * groups + 2.0 * total + SHORT * (1.0 - total)) / n
    return ((order - (order - 2) * total) * groups + 1.0 + order * total + SHORT * (1.0 - total)) / n


def _batch_ratio(values: Floats, groups: int, ratio: float, power: float) -> float:
    """Variance ratio by non-overlapping batch means if it contradicts ``ratio`` at the 0.1 % level, else 0."""
    count = 12
    size = len(values) // count
    if size < 4:
        return 0.0
    sums = values[: count * size].reshape(count, size).sum(axis=1)
    found = float(sums @ sums) / (size * max(count - groups, 1)) / power
    # 3.6 is the 99.9 % point of F with 11 and 40 degrees of freedom: few more are to be had
    return found if found > 3.6 * ratio else 0.0


def trend(pieces: list[Floats]) -> Trend:
    """Common slope of the pieces, each about its own mean: a step between fresh processes is no drift."""
    times = [np.arange(len(p), dtype=np.float64) - (len(p) - 1) / 2.0 for p in pieces]
    spread = sum(float(t @ t) for t in times)
    if spread <= 0.0:
        return Trend(slope=0.0, error=math.inf, noise=LongRun(variance=0.0, ratio=1.0, order=0, freedom=1.0))
    slope = sum(float(t @ p) for t, p in zip(times, pieces, strict=True)) / spread
    rest = [p - p.mean() - slope * t for t, p in zip(times, pieces, strict=True)]
    noise = long_run(np.concatenate(rest), len(pieces) + 1)
    return Trend(slope=slope, error=math.sqrt(noise.variance / spread), noise=noise)


def shifts(values: Floats, *, least: int = 10, smallest: float = 0.01) -> list[int]:
    """Indices at which the level jumps, by binary segmentation with a long-run variance.

    A jump is at least ``smallest`` in the unit of ``values`` and lies between two plateaus of at least ``least``
    values; a gradual change is none. The variance is that of the residuals around both plateaus, so that the jump
    itself does not hide it.
    """
    cuts = sorted(_segment(values, 0, len(values), least, smallest))
    edges = [0, *cuts, len(values)]
    return [k for a, k, b in zip(edges, cuts, edges[2:], strict=False) if _abrupt(values[a:k], values[k:b])]


def _segment(values: Floats, start: int, end: int, least: int, smallest: float) -> list[int]:
    n = end - start
    if n < 2 * least:
        return []
    part = values[start:end] - values[start:end].mean()
    path = np.cumsum(part)[least - 1 : n - least]
    cut = int(np.argmax(np.abs(path))) + least
    left, right = part[:cut], part[cut:]
    jump = float(right.mean() - left.mean())
    if abs(jump) < smallest:
        return []
    noise = long_run(np.concatenate([left - left.mean(), right - right.mean()]), 2)
    if abs(float(path[cut - least])) < BRIDGE * math.sqrt(noise.variance * n):
        return []
    cut += start
    return [*_segment(values, start, cut, least, smallest), cut, *_segment(values, cut, end, least, smallest)]


def _abrupt(left: Floats, right: Floats) -> bool:
    """Whether a jump explains both sides of a cut better than a straight line does."""
    size = min(len(left), len(right))
    left, right = left[-size:], right[:size]
    both = np.concatenate([left, right])
    step = np.concatenate([left - left.mean(), right - right.mean()])
    time = np.arange(2.0 * size) - (2 * size - 1) / 2.0
    line = both - both.mean() - time * float(time @ both) / float(time @ time)
    return float(line @ line) - float(step @ step) > STEP_GAIN * long_run(step, 2).variance
