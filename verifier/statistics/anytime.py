"""Paired outcomes judged while they come in: bounds by betting that hold at every look (Waudby-Smith and Ramdas 2024).

Against the hypothesis that the mean of the differences d in {-1, 0, 1} is at most m, a bet of share lambda turns a
stake into the product of 1 + lambda (d - m). If the hypothesis is true no way of betting makes the stake grow on
average, so that it ever reaches 1/alpha with probability alpha at most (Ville), however often one looks. The stake here
is spread over a fixed grid of shares (their diversified Kelly bets), which needs the counts alone, never the order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.statistics.intervals import Estimate, Floats

SHARES: Floats = np.geomspace(0.03, 0.95, 10)
"""Shares of the stake, of the largest that cannot ruin. The best one is about the room left to the margin over the
discordance; more of them would cost more stake than they win."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """When a comparison was decided, and how."""

    items: int
    """Items seen by then."""
    met: bool
    """Whether the difference lies above the margin; else it lies below."""


def log_wealth(gained: Floats, lost: Floats, items: Floats, mean: float) -> Floats:
    """Logarithm of the stake against "the mean difference is at most ``mean``", for each set of counts."""
    if not -1.0 < mean < 1.0:
        return np.full(np.shape(items), -math.inf if mean >= 1.0 else math.inf)
    bets = SHARES / (1.0 + mean)
    up, down, even = np.log1p(bets * (1.0 - mean)), np.log1p(-SHARES), np.log1p(-bets * mean)
    same = items - gained - lost
    logs = gained[..., None] * up + lost[..., None] * down + same[..., None] * even
    return np.asarray(np.logaddexp.reduce(logs, axis=-1) - math.log(len(SHARES)), dtype=np.float64)


def anytime_proportions(gained: int, lost: int, items: int, *, below: float = 0.05, above: float = 0.05) -> Estimate:
    """Difference of two paired proportions; each bound errs with its probability over all looks together.

    Counts as in `verifier.statistics.paired.tango_interval`. Raises `ValueError` for impossible counts.
    """
    if items < 1 or gained < 0 or lost < 0 or gained + lost > items:
        raise ValueError(f"{gained} gained and {lost} lost of {items} items")
    low = _last(lambda m: _stake(gained, lost, items, m) >= -math.log(below), (gained - lost) / items)
    high = -_last(lambda m: _stake(lost, gained, items, m) >= -math.log(above), (lost - gained) / items)
    return Estimate(value=(gained - lost) / items, low=low, high=high)


def anytime_difference(first: Sequence[float], second: Sequence[float], alpha: float = 0.05) -> Estimate:
    """The same from the outcomes (1 right, 0 wrong) of two models over the same items, in the order of evaluation."""
    won, gone = _counts(first, second)
    return anytime_proportions(int(won.sum()), int(gone.sum()), len(won), below=alpha, above=alpha)


def decided_at(
    first: Sequence[float], second: Sequence[float], margin: float, alpha: float = 0.05, *, every: int = 1
) -> Decision | None:
    """The first look (after each ``every`` items) at which the difference is known to lie above or below -``margin``.

    `None` if none of the looks decides. Each of the two answers is wrong with probability ``alpha`` at most.
    """
    won, gone = _counts(first, second)
    looks = np.arange(max(every, 1), len(won) + 1, max(every, 1))
    gained, lost = np.cumsum(won)[looks - 1], np.cumsum(gone)[looks - 1]
    count = looks.astype(np.float64)
    limit = -math.log(alpha)
    above = log_wealth(gained, lost, count, -margin) >= limit
    below = log_wealth(lost, gained, count, margin) >= limit
    decided = np.flatnonzero(above | below)
    if not len(decided):
        return None
    return Decision(items=int(looks[decided[0]]), met=bool(above[decided[0]]))


def _counts(first: Sequence[float], second: Sequence[float]) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not len(a) or not _binary(a) or not _binary(b):
        raise ValueError("outcomes must be 0 or 1, for the same items in both")
    return (a > b).astype(np.float64), (a < b).astype(np.float64)


def _binary(values: NDArray[np.float64]) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _stake(gained: int, lost: int, items: int, mean: float) -> float:
    return float(log_wealth(np.array(float(gained)), np.array(float(lost)), np.array(float(items)), mean))


def _last(rejected: Callable[[float], bool], value: float) -> float:
    """Largest mean that is rejected, -1 if none is; rejections never start again once they stop, so that it is one."""
    low, high = -1.0, value
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low
