"""Quantiles and shares of the distributions that judging uses, from `scipy.special`.

The values are those of `scipy.stats`, whose import takes a second of processor time that whoever checks a record would
pay each time; a test compares the two.
"""

from __future__ import annotations

import math

from scipy import special

_ROUNDING = 1e-10
"""A probability that is short of a share by less is equal to it: `special.bdtr` is exact to some 1e-11."""


def normal_quantile(share: float) -> float:
    """Value that a standard normal variable exceeds with probability 1 - ``share``."""
    return float(special.ndtri(share))


def normal_share(value: float) -> float:
    """Probability that a standard normal variable is at most ``value``."""
    return float(special.ndtr(value))


def student_quantile(share: float, freedom: float) -> float:
    """The like of Student's t with ``freedom`` degrees of freedom."""
    return float(special.stdtrit(freedom, share))


def beta_quantile(share: float, a: float, b: float) -> float:
    """The like of the beta distribution."""
    return float(special.betaincinv(a, b, share))


def binomial_quantile(share: float, n: int, p: float) -> int:
    """Smallest k with P(B <= k) >= ``share``, B the number of successes in ``n`` trials of probability ``p``."""
    reached = share * (1.0 - _ROUNDING)
    found = max(0, min(n, math.ceil(float(special.bdtrik(share, n, p)))))
    while found > 0 and float(special.bdtr(found - 1, n, p)) >= reached:
        found -= 1
    while found < n and float(special.bdtr(found, n, p)) < reached:
        found += 1
    return found


def sign_test(first: int, second: int) -> float:
    """Chance of so uneven a split of ``first + second`` items if each falls to either side alike; two-sided, exact."""
    if first == second:
        return 1.0
    return min(1.0, 2.0 * float(special.bdtr(min(first, second), first + second, 0.5)))
