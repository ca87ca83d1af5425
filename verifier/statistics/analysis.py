"""The level of a rate from its timed blocks: plateaus, truncation, drift, and bounds that hold at every look."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import special

from verifier.statistics.intervals import Estimate, Floats
from verifier.statistics.rates import DRIFT_LIMIT, Drift, Processes, RateAnalysis, RateState, Shift
from verifier.statistics.sequential import half_width
from verifier.statistics.steady import LongRun, Trend, long_run, mser5, shifts, trend

DRIFT_ALPHA = 0.01
"""Two-sided level at which a trend counts as demonstrated."""
LEAST_BLOCKS = 8
"""Blocks of a plateau below which no level is given."""
LEAST_PLATEAU = 20
"""Blocks of a plateau after a jump below which it is not yet a level; also the first look of an early refutation."""
LEAST_TRUNCATED = 20
"""Blocks of a process below which nothing is truncated."""
SETTLING = 4.0
"""Standard errors by which the start must differ from the rest to be dropped: MSER-5 picks the most extreme start, and
dropping noise costs precision."""
DUST = 1e-9
"""Relative difference that is rounding."""
LEAST_PIECE = 5
"""Blocks below which a process does not count for the variation between processes."""
ADDED_LOOKS = 0.2
"""What a look after processes that were added because all was still open may err, over what the first one may, and
times planned over all processes. With up to 100 of them each side then errs in at most 5 % (by simulation)."""


def analyse(
    items: Sequence[float],
    seconds: Sequence[float],
    *,
    declared_s: float,
    processes: Sequence[int] | None = None,
    added: int = 0,
    alpha: float = 0.05,
) -> RateAnalysis:
    """Analyse consecutive blocks of one regime: items completed and seconds taken, about one second each.

    ``processes`` numbers the process of each block; ``added`` is how many of them were measured one by one, each
    because those before it left something open: their means were looked at as often. Raises `ValueError` if lengths
    differ or a time is not positive.
    """
    count, time = np.asarray(items, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
    _check(count, time, processes)
    level = float(count.sum() / time.sum()) if len(count) else 0.0
    relative = count / time / level - 1.0 if level > 0 else np.zeros(len(count))
    return _analyse(relative, time, processes, added, declared_s, alpha, lambda z: max(level * (1.0 + z), 0.0))


def analyse_ratio(
    items: tuple[Sequence[float], Sequence[float]],
    seconds: tuple[Sequence[float], Sequence[float]],
    *,
    declared_s: float,
    processes: Sequence[int] | None = None,
    added: int = 0,
    alpha: float = 0.05,
) -> RateAnalysis:
    """Analyse the ratio of two regimes' rates, first over second, block by neighbouring block, on the logarithm.

    Both regimes have equally many blocks; block i of one was measured next to block i of the other. Seconds are those
    of the first regime. Raises `ValueError` if lengths differ, or if a block has no items: it has no logarithm.
    """
    counts = [np.asarray(values, dtype=np.float64) for values in items]
    times = [np.asarray(values, dtype=np.float64) for values in seconds]
    for count, time in zip(counts, times, strict=True):
        _check(count, time, processes)
        if (count <= 0).any():
            raise ValueError("a block without items has no logarithm")
    if len(counts[0]) != len(counts[1]):
        raise ValueError(f"{len(counts[0])} blocks cannot be paired with {len(counts[1])}")
    logs = np.log(counts[0] / times[0]) - np.log(counts[1] / times[1])
    centre = float(logs.mean()) if len(logs) else 0.0
    return _analyse(logs - centre, times[0], processes, added, declared_s, alpha, lambda z: _exp(centre + z))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """Mean of a stretch of blocks with what its bounds are made of; relative."""

    mean: float
    noise: LongRun
    blocks: int
    between: Processes | None
    spread: float
    """Half-width from the means of processes alone; 0 without."""


def _analyse(
    values: Floats,
    seconds: Floats,
    processes: Sequence[int] | None,
    added: int,
    declared_s: float,
    alpha: float,
    back: Callable[[float], float],
) -> RateAnalysis:
    """``values`` are relative to their level, or logarithms; ``back`` maps them to the unit of the claim."""
    n, covered = len(values), float(seconds.sum())
    block_s = covered / n if n else 0.0
    weights = seconds / block_s if n else seconds
    pieces = _pieces(n, processes)
    cuts = [a + k for a, b in pieces for k in shifts(values[a:b])]
    begin = cuts[-1] if cuts else 0
    plateau = [(max(a, begin), b) for a, b in pieces if b > begin]
    kept = [(a + _settling(values[a:b]), b) for a, b in plateau]
    dropped = float(sum(seconds[a:k].sum() for (a, _), (k, _) in zip(plateau, kept, strict=True)))
    horizon = max(declared_s / block_s, float(n)) if n else 1.0
    remaining = max(declared_s - covered, 0.0) / block_s if n else 0.0

    apart = _apart_alpha(len(pieces), added, alpha)
    level = _level(values, weights, kept, apart)
    if level is None:
        return _nothing(values, covered, declared_s, block_s, None if processes is None else len(pieces), alpha)
    line = trend([values[a:b] for a, b in kept if b - a > 2])
    slope = _drift(line, kept, remaining, horizon, alpha)
    fresh = bool(cuts) and n - begin < LEAST_PLATEAU
    state = _state(level, slope, cuts, fresh=fresh)
    if state is RateState.DRIFTING:
        level = replace(level, noise=line.noise)  # the trend itself is no noise
    half = max(_within(level, horizon, alpha), level.spread)
    steps = _steps(values, cuts)
    sides = _sides(half, slope)
    ends = _range(level.mean, sides, slope, state)
    shown = state is not RateState.DRIFTING and level.blocks >= LEAST_BLOCKS and not fresh
    return RateAnalysis(
        state=state,
        sustained=_estimate(level.mean, sides, back) if shown else None,
        window=_window(values, weights, pieces, level, alpha, apart, back),
        initial=_initial(values, steps, plateau, kept, level.mean, half, back),
        range_low=back(ends[0]),
        range_high=back(ends[1]),
        truncated_s=dropped,
        plateau_s=float(sum(seconds[a:b].sum() for a, b in kept)),
        covered_s=covered,
        declared_s=declared_s,
        shifts=tuple(
            Shift(at_s=float(seconds[:k].sum()), before=back(x), after=back(y))
            for k, x, y in zip(cuts, steps, steps[1:], strict=False)
        ),
        drift=slope,
        variance_ratio=level.noise.ratio,
        effective_blocks=level.blocks / level.noise.ratio,
        noise=math.sqrt(level.noise.variance),
        processes=level.between,
        processes_told=None if processes is None else len(pieces),
        block_s=block_s,
        alpha=alpha,
    )


def _apart_alpha(processes: int, added: int, alpha: float) -> float:
    """Level of the bounds by the means of processes, whose first look is after those that were planned."""
    planned = max(processes - added, 1)
    return alpha if planned >= processes else alpha * ADDED_LOOKS * planned / processes


def _within(level: _Level, horizon: float, alpha: float) -> float:
    """Half-width of the sequence by the noise within processes."""
    deviation = math.sqrt(level.noise.variance)
    return half_width(level.blocks, deviation, horizon=horizon, alpha=alpha, freedom=level.noise.freedom)


def _settling(values: Floats) -> int:
    """Blocks to drop at the start: those of MSER-5, if they differ from the rest by more than noise."""
    drop = mser5(values) if len(values) >= LEAST_TRUNCATED else 0
    if not drop:
        return 0
    first, rest = values[:drop], values[drop:]
    noise = long_run(rest - rest.mean(), 1)
    error = math.sqrt(noise.variance * (1.0 / drop + 1.0 / len(rest)))
    return drop if abs(float(first.mean() - rest.mean())) > max(SETTLING * error, DUST) else 0


def _check(count: Floats, time: Floats, processes: Sequence[int] | None) -> None:
    if len(count) != len(time) or (processes is not None and len(processes) != len(count)):
        raise ValueError("items, seconds and processes differ in length")
    if not (np.isfinite(count).all() and np.isfinite(time).all() and (count >= 0).all() and (time > 0).all()):
        raise ValueError("items must not be negative, and seconds must be positive")


def _pieces(n: int, processes: Sequence[int] | None) -> list[tuple[int, int]]:
    """Start and end of each process's blocks."""
    if processes is None:
        return [(0, n)]
    edges = [0, *(i for i in range(1, n) if processes[i] != processes[i - 1]), n]
    return list(pairwise(edges))


def _level(values: Floats, weights: Floats, kept: list[tuple[int, int]], alpha: float) -> _Level | None:
    """Weighted mean of the blocks in ``kept``; `None` for fewer than four."""
    blocks = sum(b - a for a, b in kept)
    if blocks < 4:
        return None
    total = sum(float(weights[a:b].sum()) for a, b in kept)
    mean = sum(float(weights[a:b] @ values[a:b]) for a, b in kept) / total
    means = [float(weights[a:b] @ values[a:b] / weights[a:b].sum()) for a, b in kept]
    rest = [weights[a:b] * (values[a:b] - m) for (a, b), m in zip(kept, means, strict=True)]
    noise = long_run(np.concatenate(rest), len(kept))
    sizes = [b - a for a, b in kept]
    between, spread = _between(means, sizes, noise, alpha)
    return _Level(mean=mean, noise=noise, blocks=blocks, between=between, spread=spread)


def _between(means: list[float], sizes: list[int], noise: LongRun, alpha: float) -> tuple[Processes | None, float]:
    """Variation between processes, and Student's half-width from their means alone.

    A process counts from a quarter of the longest on. The half-width holds whatever the variation between processes
    is, since the means themselves are the sample; with three it takes the 4.3-fold of their standard error.
    """
    least = max(LEAST_PIECE, max(sizes) / 4.0)
    counted = [(m, s) for m, s in zip(means, sizes, strict=True) if s >= least]
    k = len(counted)
    if k < 2:
        return None, 0.0
    total = sum(s for _, s in counted)
    squares = sum(s * s for _, s in counted)
    mean = sum(m * s for m, s in counted) / total
    deviation = math.sqrt(sum((m - mean) ** 2 for m, _ in counted) / (k - 1))
    spread = float(special.stdtrit(k - 1, 1.0 - alpha / 2.0)) * deviation * math.sqrt(squares) / total
    if noise.variance <= 0.0:
        same = deviation == 0.0
        found = Processes(count=k, share=0.0 if same else 1.0, p_value=1.0 if same else 0.0, relative_sd=deviation)
        return found, spread
    q = sum(s * (m - mean) ** 2 for m, s in counted) / noise.variance
    excess = max(q - (k - 1), 0.0) * noise.variance / (total - squares / total)
    share = excess / (excess + noise.variance * k / total)
    p_value = float(special.fdtrc(k - 1, noise.freedom, q / (k - 1)))
    return Processes(count=k, share=share, p_value=p_value, relative_sd=math.sqrt(excess)), spread


def _drift(found: Trend, kept: list[tuple[int, int]], remaining: float, horizon: float, alpha: float) -> Drift:
    blocks = sum(b - a for a, b in kept)
    freedom = max(blocks - 2.0 * len(kept), 1.0)
    wide = float(special.stdtrit(freedom, 1.0 - alpha / 2.0)) * found.error
    clear = float(special.stdtrit(freedom, 1.0 - DRIFT_ALPHA / 2.0)) * found.error
    nothing = remaining <= 0.0  # an unknown slope (infinite error) times no time
    return Drift(
        per_window=found.slope * horizon,
        bound=0.0 if nothing else (abs(found.slope) + wide) * remaining,
        rise=0.0 if nothing else max(found.slope + wide, 0.0) * remaining,
        fall=0.0 if nothing else max(wide - found.slope, 0.0) * remaining,
        seen=found.slope * (max(b - a for a, b in kept) - 1),
        significant=abs(found.slope) > wide,
        proven=abs(found.slope) > clear,
    )


def _state(level: _Level, slope: Drift, cuts: list[int], *, fresh: bool) -> RateState:
    if level.blocks < LEAST_BLOCKS or fresh:
        return RateState.UNSETTLED
    if slope.proven and max(abs(slope.seen), abs(slope.per_window)) > DRIFT_LIMIT:
        return RateState.DRIFTING
    if slope.bound > DRIFT_LIMIT:
        return RateState.UNSETTLED
    return RateState.SHIFTED if cuts else RateState.STEADY


def _sides(half: float, slope: Drift) -> tuple[float, float]:
    """Distances of the lower and upper bound: they reach the fitted level at the plateau's end if it has a trend."""
    end = slope.seen / 2.0 if slope.significant else 0.0
    return half + max(-end, 0.0), half + max(end, 0.0)


def _range(mean: float, sides: tuple[float, float], slope: Drift, state: RateState) -> tuple[float, float]:
    """Lowest and highest level: for a drifting rate from the start of the plateau to the end of the declared time."""
    if state is not RateState.DRIFTING:
        return mean - sides[0], mean + sides[1]
    first, last = mean - slope.seen / 2.0, mean + slope.seen / 2.0
    return min(first, last - slope.fall) - min(sides), max(first, last + slope.rise) + min(sides)


def _steps(values: Floats, cuts: list[int]) -> list[float]:
    edges = [0, *cuts, len(values)]
    return [float(values[a:b].mean()) for a, b in pairwise(edges)]


def _initial(
    values: Floats,
    steps: list[float],
    plateau: list[tuple[int, int]],
    kept: list[tuple[int, int]],
    mean: float,
    half: float,
    back: Callable[[float], float],
) -> float:
    """First plateau's level; after a gradual change that of the first truncated blocks, if it was another."""
    if len(steps) > 1:
        return back(steps[0])
    start, end = plateau[0][0], kept[0][0]
    if end - start >= LEAST_PIECE:
        first = float(values[start : min(start + 2 * LEAST_PIECE, end)].mean())
        if abs(first - mean) > max(half, DRIFT_LIMIT / 2.0):
            return back(first)
    return back(mean)


def _window(
    values: Floats,
    weights: Floats,
    pieces: list[tuple[int, int]],
    level: _Level,
    alpha: float,
    apart: float,
    back: Callable[[float], float],
) -> Estimate:
    """Mean of all blocks; its error is the noise within the last plateau, since what lies before happened as it did."""
    mean = float(weights @ values / weights.sum())
    means = [float(weights[a:b] @ values[a:b] / weights[a:b].sum()) for a, b in pieces]
    within = float(special.stdtrit(level.noise.freedom, 1.0 - alpha / 2.0)) * math.sqrt(
        level.noise.variance / len(values)
    )
    spread = _between(means, [b - a for a, b in pieces], level.noise, apart)[1]
    half = max(within, spread)
    return _estimate(mean, (half, half), back)


def _estimate(mean: float, sides: tuple[float, float], back: Callable[[float], float]) -> Estimate:
    return Estimate(value=back(mean), low=back(mean - sides[0]), high=back(mean + sides[1]))


def _nothing(
    values: Floats, covered: float, declared_s: float, block_s: float, told: int | None, alpha: float
) -> RateAnalysis:
    return RateAnalysis(
        state=RateState.UNSETTLED,
        sustained=None,
        window=None,
        initial=None,
        range_low=None,
        range_high=None,
        truncated_s=0.0,
        plateau_s=0.0,
        covered_s=covered,
        declared_s=declared_s,
        shifts=(),
        drift=None,
        variance_ratio=1.0,
        effective_blocks=float(len(values)),
        noise=0.0,
        processes=None,
        processes_told=told,
        block_s=block_s,
        alpha=alpha,
    )


def _exp(value: float) -> float:
    return math.exp(min(max(value, -700.0), 700.0))
