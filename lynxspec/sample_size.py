"""How many items it takes to decide an accuracy criterion on paired outcomes, and calls to bound a tail latency.

Notation: each item is answered right or wrong by both models; ``discordance`` is the share of items on which they
differ, ``loss`` the reference's accuracy minus the quantized model's, ``margin`` the largest acceptable loss; all are
fractions of the items. Errors are one-sided: ``alpha`` of accepting a loss of ``margin``, ``beta`` of not accepting.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

ALPHA = 0.05
"""Chance to accept a model that loses the whole margin."""
BETA = 0.2
"""Chance not to decide although the claimed loss is true."""
TYPICAL_DISCORDANCE = 0.04
"""Share of items on which an 8-bit model and its reference differ, where a claim does not give it."""


def quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def items_to_decide(
    *, margin: float, loss: float, discordance: float, alpha: float = ALPHA, beta: float = BETA
) -> int | None:
    """Items for a non-inferiority test: (z_alpha + z_beta)^2 * discordance / (margin - loss)^2.

    A gain in accuracy counts as no loss, so that the answer is never too small. ``None`` if no number of items can
    decide, because the loss is not below the margin.
    """
    room = margin - max(loss, 0.0)
    if room <= 0:
        return None
    spread = max(discordance, abs(loss))  # models whose accuracies differ by d differ on a share d of items at least
    return max(1, math.ceil((quantile(1 - alpha) + quantile(1 - beta)) ** 2 * spread / room**2))


def items_at_best(*, margin: float, loss: float, alpha: float = ALPHA) -> int | None:
    """Items below which not even the most favourable outcome decides; ``None`` if none can.

    Most favourable: the models differ on no more items than their accuracies force them to, and the test needs no power
    beyond the claimed result. Where they do not differ at all, the bound ln(alpha)/ln(1 - margin) of zero events holds.
    """
    room = margin - max(loss, 0.0)
    if room <= 0:
        return None
    silent = math.log(alpha) / math.log1p(-margin) if margin < 1 else 1
    return max(1, math.ceil(max(silent, quantile(1 - alpha) ** 2 * max(loss, 0.0) / room**2)))


def decidable_margin(*, items: int, loss: float, discordance: float, alpha: float = ALPHA, beta: float = BETA) -> float:
    """Smallest margin that ``items`` can decide."""
    spread = max(discordance, abs(loss))
    return max(loss, 0.0) + (quantile(1 - alpha) + quantile(1 - beta)) * math.sqrt(spread / items)


def power(*, items: int, margin: float, loss: float, discordance: float, alpha: float = ALPHA) -> float:
    """Chance that ``items`` decide for the claim if its loss is true (normal approximation)."""
    spread = max(discordance, abs(loss))
    if not spread:
        return 1.0 if margin > loss else 0.0
    return NormalDist().cdf((margin - loss) / math.sqrt(spread / items) - quantile(1 - alpha))


@cache
def tail_samples(percentile: float, *, confidence: float = 0.99) -> int:
    """Fewest calls that bound a latency percentile (MLPerf Inference, early stopping).

    One call above the bound must be seen to estimate it, so that n is the smallest number of calls with
    P(fewer than two of n lie above the true percentile) <= 1 - confidence.
    """
    above = 1 - percentile
    n = 2
    while percentile**n + n * above * percentile ** (n - 1) > 1 - confidence:
        n += 1
    return n
