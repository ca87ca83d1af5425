"""A claimed rate or speed-up held against an analysis: refuted early, confirmed over the declared duration."""

from __future__ import annotations

import math

from scipy import special

from verifier.statistics.analysis import LEAST_PLATEAU
from verifier.statistics.rates import DRIFT_LIMIT, Answer, RateAnalysis, RateDecision, RateState
from verifier.statistics.sequential import looks_until

LEAST_PROCESSES = 3
"""Fresh processes that a verdict needs where processes were told."""
COVERED = 0.99
"""Share of the declared duration that counts as all of it."""
EARLIEST_S = 60.0
"""Seconds before which no thermal evidence confirms a sustained rate."""


def decide(
    analysis: RateAnalysis,
    *,
    claimed: float,
    tolerance: float,
    covered_s: float,
    declared_s: float,
    equilibrium: bool,
) -> RateDecision:
    """Hold an analysis against a claimed rate or ratio; ``tolerance`` is relative, ``equilibrium`` thermal evidence.

    Both the last plateau and the mean over the window must agree, since a claim may mean either:

    1. Refuted, at any time: were the rate to rise over the rest of the window as fast as its trend may, neither the
       plateau nor the window's mean would reach the limit.
    2. Reproduced over the declared duration: the lower bounds of both reach the limit. A drifting rate: all its range.
    3. Reproduced early, with thermal evidence only: a steady rate that would not fall below the limit by its trend.
    """
    limit = claimed * (1.0 - tolerance)
    low, high, value = _bounds(analysis)
    full = covered_s >= COVERED * declared_s
    most = _most(analysis, high, covered_s, declared_s, full=full)
    code, answer = _answer(analysis, limit, low, most, covered_s, full=full, equilibrium=equilibrium)
    if answer is not Answer.OPEN and analysis.processes_told is not None and not _enough(analysis):
        code, answer = "too_few_processes", Answer.OPEN
    return RateDecision(
        answer=answer,
        code=code,
        early=answer is not Answer.OPEN and not full,
        claimed=claimed,
        limit=limit,
        value=value,
        low=low,
        high=high,
        most=most,
        window_mean=analysis.window.value if analysis.window else None,
        covered_s=covered_s,
        declared_s=declared_s,
        more_s=seconds_to_decide(analysis, claimed, tolerance) if answer is Answer.OPEN else None,
    )


def seconds_to_decide(analysis: RateAnalysis, claimed: float, tolerance: float) -> float | None:
    """Further seconds of this regime that an undecided clause would probably cost; `None` if no time would do.

    It takes the present value and noise for the truth. More processes count with the mean length of the present ones.
    """
    limit = claimed * (1.0 - tolerance)
    rest = max(analysis.declared_s - analysis.covered_s, 0.0)
    found = analysis.sustained
    if found is None or analysis.block_s <= 0.0 or found.value <= 0.0 or limit <= 0.0:
        least = LEAST_PLATEAU * analysis.block_s - analysis.plateau_s
        return max(rest, least) if max(rest, least) > 0.0 and analysis.state is RateState.UNSETTLED else None
    margin = abs(math.log(limit / found.value))
    horizon = max(analysis.declared_s, analysis.covered_s) / analysis.block_s
    blocks = looks_until(margin, analysis.noise, horizon=horizon, ratio=analysis.variance_ratio, alpha=analysis.alpha)
    if blocks is None:
        return None
    more = blocks * analysis.block_s - analysis.plateau_s
    processes = _processes_needed(analysis, margin)
    if processes is None:
        return None
    if analysis.processes_told:
        more = max(more, (processes - analysis.processes_told) * analysis.covered_s / analysis.processes_told)
    return max(more, rest if found.value >= limit else 0.0, analysis.block_s)


def _most(
    analysis: RateAnalysis, high: float | None, covered_s: float, declared_s: float, *, full: bool
) -> float | None:
    """The larger of plateau and window's mean, were the rate to rise as fast as its trend may."""
    window, drift = analysis.window, analysis.drift
    if high is None or window is None or drift is None:
        return None
    # a drifting rate's range reaches to the end of the declared duration already
    later = high if full or analysis.state is RateState.DRIFTING else high * (1.0 + drift.rise)
    rest = 0.0 if full else max(declared_s - covered_s, 0.0)
    mean = (window.high * covered_s + later * rest) / (covered_s + rest) if covered_s > 0 else later
    return max(later, mean)


def _answer(
    analysis: RateAnalysis,
    limit: float,
    low: float | None,
    most: float | None,
    covered_s: float,
    *,
    full: bool,
    equilibrium: bool,
) -> tuple[str, Answer]:
    window, drift = analysis.window, analysis.drift
    if low is None or most is None or window is None or drift is None:
        return "unsettled", Answer.OPEN
    # (1)
    if most < limit and (full or covered_s >= LEAST_PLATEAU * analysis.block_s):
        return ("below_limit" if full else "below_limit_early"), Answer.REFUTED
    held = low >= limit and window.low >= limit
    # (2)
    if held and full:
        return "held_over_window", Answer.REPRODUCED
    # (3)
    calm = analysis.state in (RateState.STEADY, RateState.SHIFTED) and drift.bound <= DRIFT_LIMIT
    if held and equilibrium and calm and covered_s >= EARLIEST_S and low * (1.0 - drift.fall) >= limit:
        return "held_at_equilibrium", Answer.REPRODUCED
    return _open(analysis, limit, held=held), Answer.OPEN


def _open(analysis: RateAnalysis, limit: float, *, held: bool) -> str:
    if held:
        return "window_not_covered"
    if analysis.state is RateState.DRIFTING:
        return "drifting"
    if analysis.sustained and analysis.window and (analysis.sustained.value < limit) != (analysis.window.value < limit):
        level, window = analysis.sustained, analysis.window
        apart = level.high < limit <= window.low or window.high < limit <= level.low
        if apart or analysis.shifts:
            return "shifted"
    return "unsettled" if analysis.sustained is None else "interval_too_wide"


def _bounds(analysis: RateAnalysis) -> tuple[float | None, float | None, float | None]:
    if analysis.state is RateState.DRIFTING:
        return analysis.range_low, analysis.range_high, None
    found = analysis.sustained
    return (found.low, found.high, found.value) if found else (None, None, None)


def _enough(analysis: RateAnalysis) -> bool:
    """Three fresh processes, of which two or more lie in the last plateau."""
    return (analysis.processes_told or 0) >= LEAST_PROCESSES and analysis.processes is not None


def _processes_needed(analysis: RateAnalysis, margin: float) -> int | None:
    """Processes at which the variation between them alone leaves bounds within ``margin``; `None` beyond a hundred."""
    told = analysis.processes_told
    if told is None:
        return 0
    deviation = analysis.processes.relative_sd if analysis.processes else 0.0
    for count in range(max(told, LEAST_PROCESSES), 101):
        if float(special.stdtrit(count - 1, 1.0 - analysis.alpha / 2.0)) * deviation <= margin * math.sqrt(count):
            return count
    return None
