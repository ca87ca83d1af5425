"""Confidence sequences: bounds that hold at every look, however often one looks and whenever one stops.

Asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 52, 2024;
arXiv 2103.06476), after Robbins 1970: the boundary of a normal mixture, with the standard deviation estimated.
"""

from __future__ import annotations

import math

from scipy import special


def mixture_scale(horizon: float, alpha: float) -> float:
    """Parameter of the mixture that makes the sequence narrowest at ``horizon`` observations."""
    log = -2.0 * math.log(alpha)
    return math.sqrt((log + math.log(log + 1.0)) / horizon)


def half_width(n: float, deviation: float, *, horizon: float, alpha: float = 0.05, freedom: float = math.inf) -> float:
    """Half-width of the two-sided sequence after ``n`` observations with standard deviation ``deviation``.

    For autocorrelated observations ``deviation`` is the square root of the long-run variance. Where it was estimated
    with few degrees of ``freedom``, the boundary's normal quantile becomes Student's of the same probability.
    """
    scaled = n * mixture_scale(horizon, alpha) ** 2
    normal = math.sqrt(2.0 * (scaled + 1.0) / scaled * math.log(math.sqrt(scaled + 1.0) / alpha))
    tail = float(special.ndtr(-normal))
    quantile = normal if math.isinf(freedom) else -float(special.stdtrit(freedom, tail))
    return deviation / math.sqrt(n) * quantile


def looks_until(margin: float, deviation: float, *, horizon: float, ratio: float, alpha: float = 0.05) -> float | None:
    """Observations after which the half-width is at most ``margin``; `None` beyond a thousand horizons.

    ``ratio`` is that of the long-run variance to the variance: it sets the degrees of freedom.
    """

    def wide(n: float) -> bool:
        freedom = max(n / ratio - 1.0, 1.0)
        return half_width(n, deviation, horizon=horizon, alpha=alpha, freedom=freedom) > margin

    if margin <= 0.0:
        return None
    low, high = 1.0, horizon
    while wide(high):
        high *= 2.0
        if high > 1000.0 * horizon:
            return None
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high
