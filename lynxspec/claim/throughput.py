"""How fast, under which load, for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lynxspec.claim.base import CHANGE, Count, Disclosed, Frozen, Name, NotBlank
from lynxspec.claim.units import Duration, Energy, Factor, Rate, Share, Temperature

EQUILIBRIUM_S = 60.0
"""Shortest time over which constant readings mean equilibrium: heat sinks settle within a minute or two."""
EQUILIBRIUM_DEGREES = 2.0
"""Change of temperature that counts as none: the resolution of common sensors is one degree."""


class Load(Frozen):
    """The load that every regime was measured under."""

    scenario: Literal["closed_loop", "offline", "single_stream", "server"]
    """``closed_loop``: ``concurrency`` callers, each waits for its answer; ``server``: arrivals at random."""
    item: Literal["items", "images", "sequences", "tokens", "words", "frames", "samples", "queries", "requests"]
    """What one item of the rate is."""
    batch: Count
    """Items per call."""
    concurrency: Count
    """Calls in flight."""
    shapes: NotBlank
    """Shapes, or input and output lengths."""
    dataset: Name
    """Data set that the timed inputs are drawn from."""
    window: Duration
    """Measured time per regime, without warm-up."""
    warm_up: Duration
    """Time before it that is not counted."""
    block: Duration
    """Length of one interleaved block: reference and quantized alternate A B B A."""
    repetitions: Count
    """Fresh processes per regime."""
    latency_budget: Disclosed[Duration]
    """Latency that a call must keep."""


class Equilibrium(Frozen):
    """Readings that show thermal equilibrium: the rate of a shorter window then stands for a longer one."""

    sensor: NotBlank
    """What was read, and by which tool."""
    held: Duration
    """How long temperature and clock stayed as they are, up to the end of the window."""
    temperature_before: Temperature
    """At the beginning of that time."""
    temperature_after: Temperature
    """At its end."""
    throttled: bool
    """Whether any throttle reason was reported in that time."""

    @property
    def shown(self) -> bool:
        """Whether the readings support it: a minute or more, within 2 degrees, without throttling."""
        apart = abs(self.temperature_after.base - self.temperature_before.base)
        return self.held.base >= EQUILIBRIUM_S and apart <= EQUILIBRIUM_DEGREES and not self.throttled


class Sustained(Frozen):
    """A rate that held over a window."""

    rate: Rate
    """Items per second over the whole window."""
    window: Duration
    """Measured time that the rate is the mean of."""
    warm_up: Duration
    """Time before it that was not counted."""
    repetitions: Count
    """Fresh processes."""
    spread: Share
    """Standard deviation of the block rates over their mean."""
    drift: Annotated[str, Field(pattern=CHANGE)]
    """Change of the rate from the first to the last third of the window."""
    thermal_equilibrium: Disclosed[Equilibrium]
    """Readings that show it; they let a shorter window count in full."""


class Latency(Frozen):
    """Percentiles of the time of one call."""

    p50: Duration
    """Median."""
    p90: Duration
    """90th percentile."""
    p99: Disclosed[Duration]
    """99th percentile; needs 662 calls or more."""
    samples: Count
    """Calls timed."""


class Performance(Frozen):
    """Speed of one regime."""

    sustained: Disclosed[Sustained]
    """Sustained rate."""
    peak: Disclosed[Rate]
    """Theoretical or momentary peak; never compared with a sustained rate."""
    latency: Disclosed[Latency]
    """Latency percentiles."""
    energy: Disclosed[Energy]
    """Energy per item."""


class Comparison(Frozen):
    """A published gain of one regime over another."""

    quantized: Name
    """Regime that is faster."""
    reference: Name
    """Regime that it is compared with."""
    throughput_gain: Disclosed[Factor]
    """Gain as published, e.g. ``1.95 x``; checked against the ratio of the regimes."""
    qualifier: Literal["measured", "up_to", "at_least", "average", "theoretical"]
    """What the number is."""
    system: Literal["same", "other"]
    """Whether both regimes ran on the system in ``hardware`` with the same stack."""
    other_system: Disclosed[NotBlank]
    """The reference's system, if it is another."""
