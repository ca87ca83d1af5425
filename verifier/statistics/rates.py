"""What timed blocks say of a sustained rate or a speed-up, and what that means for a claimed value.

Analysing and deciding are apart: an analysis knows no claim, so that one analysis serves every claim and tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.statistics.intervals import Estimate

DRIFT_LIMIT = 0.02
"""Relative change over the declared duration that counts as none (equivalence margin)."""


class RateState(StrEnum):
    """What the rate did while it was watched."""

    STEADY = "steady"
    """One level, and drift over the rest of the declared duration bounded by `DRIFT_LIMIT`."""
    SHIFTED = "shifted"
    """Steady now, after one or more jumps from one level to another."""
    DRIFTING = "drifting"
    """It demonstrably changes by more than `DRIFT_LIMIT`: there is a range, and no point."""
    UNSETTLED = "unsettled"
    """Too short or too noisy to tell."""


class Answer(StrEnum):
    """What the numbers alone say; a judge may still withhold it."""

    REPRODUCED = "reproduced"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A jump from one level to another."""

    at_s: float
    """Seconds of measured time (blocks put end to end) at which it happened."""
    before: float
    """Level of the plateau before it, in the unit of the analysis."""
    after: float
    """Level of the plateau after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Linear trend of the last plateau as a share of its level."""

    per_window: float
    """Relative change over the declared duration, were the trend to go on, signed."""
    bound: float
    """Largest relative change to be expected over what remains of the declared duration:
    ``(|slope| + z SE) * remaining``; 0 when nothing remains."""
    rise: float
    """One-sided: most that the rate may rise over what remains, relative; at least 0."""
    fall: float
    """One-sided: most that the rate may fall over what remains, relative; at least 0."""
    seen: float
    """Relative change within the last plateau by the fitted trend, signed."""
    significant: bool
    """Whether the trend differs from zero at the level of the analysis; the bounds then reach the plateau's end."""
    proven: bool
    """Whether it does so at the 1 % level: with a change beyond `DRIFT_LIMIT` the rate counts as drifting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Variation between fresh processes, as far as the data shows it."""

    count: int
    """Processes with blocks in the last plateau."""
    share: float
    """Share of the variance of a process's mean that is not explained by the noise within processes, 0 to 1."""
    p_value: float
    """Probability of means at least as far apart, were the processes alike."""
    relative_sd: float
    """Standard deviation between processes, relative to the level; 0 where noise explains all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateAnalysis:
    """What timed blocks say of a rate (items per second) or of a ratio of two rates."""

    state: RateState
    sustained: Estimate | None
    """Level of the last plateau with bounds that hold at every look (confidence sequence), widened by the variation
    between processes; `None` where the rate drifts or there is too little data."""
    window: Estimate | None
    """All items over all seconds, with the interval of that mean at one look; `None` for fewer than four blocks."""
    initial: float | None
    """Level of the first plateau; equal to ``sustained.value`` where nothing changed."""
    range_low: float | None
    """Lowest level that the rate had or may still reach in the declared duration; of a steady rate its lower bound."""
    range_high: float | None
    """Highest level, likewise."""
    truncated_s: float
    """Seconds of the last plateau dropped as settling (MSER-5)."""
    plateau_s: float
    """Seconds that the sustained level rests on."""
    covered_s: float
    """Seconds measured, all blocks together."""
    declared_s: float
    """Duration that the claim declares."""
    shifts: tuple[Shift, ...]
    drift: Drift | None
    variance_ratio: float
    """Long-run variance over variance: 1 for independent blocks, 3 for autocorrelation 0.5."""
    effective_blocks: float
    """Blocks of the last plateau over ``variance_ratio``."""
    noise: float
    """Long-run standard deviation of one block relative to the level."""
    processes: Processes | None
    """`None` where no processes were told or only one lies in the last plateau."""
    processes_told: int | None
    """Fresh processes that the blocks came from; `None` where it was not told."""
    block_s: float
    """Mean seconds of a block."""
    alpha: float
    """Two-sided error rate of the bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDecision:
    """What an analysis says about one claimed value, with the numbers for its words."""

    answer: Answer
    code: str
    """Why: ``held_over_window``, ``held_at_equilibrium``, ``below_limit``, ``below_limit_early``; open:
    ``interval_too_wide``, ``drifting``, ``shifted``, ``unsettled``, ``window_not_covered``, ``too_few_processes``."""
    early: bool
    """Decided before the declared duration was measured."""
    claimed: float
    limit: float
    """``claimed * (1 - tolerance)``."""
    value: float | None
    low: float | None
    high: float | None
    """The bounds that were held against the limit: of the sustained level, or the range of a drifting rate."""
    most: float | None
    """Most that the level or the window's mean may still reach in the declared duration; `None` without bounds."""
    window_mean: float | None
    covered_s: float
    declared_s: float
    more_s: float | None
    """Further seconds of this regime that would probably decide it; `None` if decided, or if no time would."""
