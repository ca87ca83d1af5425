"""What is known of the load itself: how it was made, what the making cost, and whether its inputs could be tuned to."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen


class Compared(Frozen):
    """Two ways of running the same model, in turns in one process."""

    value: float
    low: float | None
    """Lower 95 % bound; ``None`` if there are too few pairs for one."""
    high: float | None
    pairs: int


class OpenLoop(Frozen):
    """Arrivals of a Poisson process at a fixed rate; latency counts from the time at which an arrival was due."""

    arrival_rate: float
    """Items per second that were to arrive: the sustained rate that the claim states for the regime."""
    lead_s: float
    """Time before each block in which arrivals were served and not counted: a queue is not empty when one looks."""
    offered: int
    """Calls that were due in the counted time."""
    served: int
    unserved: int
    """Calls that were due and had not begun when a block was given up; their age then stands for their latency."""
    gave_up: int
    """Blocks that ended early, since an arrival had waited for ten latency budgets (without a budget: ten seconds)."""
    backlog_peak: int
    """Most calls that were due and had not begun."""
    budget_s: float | None
    within_budget: int | None
    """Served calls that ended within the latency budget of the time at which they were due."""
    wake_p99_s: float | None
    """99th percentile of the delay with which our own caller woke up for an arrival (largest of the blocks); it is
    part of the latencies."""
    capacity: float
    """Items per second of the same model in a closed loop at the same concurrency, in the same processes."""


class LoadReport(Frozen):
    """How the load of one regime was made."""

    scenario: Literal["closed_loop", "offline", "single_stream", "server"]
    """What was run. Latencies are times of a call, in ``server`` they count from the time at which it was due."""
    generator_calls_per_second: float
    """Calls per second of the generator with a model that does nothing, same scenario and concurrency."""
    generator_headroom: float
    """That rate over the rate of the regime's own calls."""
    bare_loop: Compared | None
    """Share of the rate that the timed loop loses against the simplest loop over the same session (A B B A, calls that
    follow one another at the declared concurrency): median of neighbouring stretches with exact binomial bounds."""
    fresh_inputs: Compared | None
    """Rate on inputs that a fresh seed orders and selects over the rate on those of the declared seed, neighbouring
    stretches; ``None`` with too few pairs."""
    all_inputs: bool
    """Whether both seeds went over the whole data set, so that only the order differed."""
    timed_processes: int
    """Processes of which a random sample of outputs was scored."""
    open_loop: OpenLoop | None
