"""What the machine did during a measurement: each sensor's readings, or the reason why there are none."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from lynxspec.claim.base import Frozen, Sha256

TELEMETRY: Literal["lynxspec-telemetry/1"] = "lynxspec-telemetry/1"
"""Version of these types."""


class Validity(StrEnum):
    """Whether readings can be relied on, and if not, why."""

    OK = "ok"
    NO_SENSOR = "no_sensor"
    """This machine has none, or hides it from a guest."""
    PERMISSION_DENIED = "permission_denied"
    """The system keeps it from us."""
    LIBRARY_ABSENT = "library_absent"
    """The package that reads it is not installed."""
    NOMINAL_ONLY = "nominal_only"
    """A guest is shown a nominal value that nothing measured."""
    READ_FAILED = "read_failed"
    """It could be read at first and then no longer."""
    SAMPLER_DIED = "sampler_died"
    """Our sampler did not start, or ended before it was told to."""
    GAP_TOO_LONG = "gap_too_long"
    """Two samples lie further apart than `MOST_PERIODS` periods."""
    RATE_TOO_LOW = "rate_too_low"
    """Fewer samples a second than `LEAST_HZ`."""
    CLOCK_JUMP = "clock_jump"
    """The machine slept, so that the monotonic clock left time out."""
    COUNTER_RESET = "counter_reset"
    """A counter that only rises fell."""


CLOCK_EVENT_REASONS = {
    0x1: "idle",
    0x2: "clocks set by applications",
    0x4: "limit of power",
    0x8: "hardware slowdown",
    0x10: "clocks kept equal to another card's",
    0x20: "heat, by software",
    0x40: "heat, by hardware",
    0x80: "power brake",
    0x100: "clocks set for the display",
}
"""Bits of NVML's clock event reasons (NVIDIA, NVML API Reference)."""
THROTTLE_BITS = 0x8 | 0x20 | 0x40 | 0x80
"""Those that say that a card runs slower than its limits of power and clocks alone would make it."""
LIMIT_BITS = 0x4 | 0x10
"""Those that are part of usual operation: under load most cards run at their limit of power."""

LEAST_HZ = 5.0
"""Samples a second below which short throttling is missed."""
MOST_PERIODS = 16
"""Periods between two samples from which on the run counts as not watched: two seconds at the usual rate."""
MOST_POINTS = 600
"""Points of a curve that is kept for pictures; all samples lie in a file beside the evidence."""


class Reading(Frozen):
    """One channel of a source, over the whole stage."""

    name: str
    unit: str
    """Of a gauge as read; of a counter that of its sum."""
    kind: Literal["gauge", "counter", "mask"]
    status: Validity
    samples: int
    """Samples with a value."""
    mean: float | None
    """Of a gauge; of a counter its rise per second; of a mask the share of samples in which any bit was set."""
    low: float | None
    """Smallest reading of a gauge."""
    high: float | None
    """Largest reading of a gauge."""
    deviation: float | None
    """Standard deviation of a gauge's readings."""
    total: float | None
    """Rise of a counter over the stage, wraps counted in."""
    bits: dict[Annotated[str, Field(pattern="^0x[0-9a-f]{1,8}$")], float]
    """Of a mask: share of samples in which each bit was set, by the bit's value in hexadecimal (``0x40``)."""
    curve: tuple[float | None, ...]
    """At most 600 points over `Telemetry.times_s`: mean of a gauge, rise per second of a counter, all bits of a mask.
    Empty if it never changed, or where only the summary is kept."""


class SourceReport(Frozen):
    """One source of readings."""

    name: str
    """``processor_time``, ``pressure``, ``cpu_clock``, ``temperature``, ``nvml.0``, ..."""
    status: Validity
    message: str
    """What was found, or why nothing was."""
    rate_hz: float
    """Samples with a value, per second; 0 if there are none."""
    readings: tuple[Reading, ...]


class During(Frozen):
    """The machine during the counted blocks of one regime, from all samples."""

    regime: str
    seconds: float
    samples: int
    steal: float | None
    """Share of all logical processors' time that the hypervisor took, 0..1."""
    foreign: float | None
    """Share that processes other than our own used, 0..1; the kernel's interrupts are among them."""
    pressure: float | None
    """Share of time in which some task waited for a processor (PSI some), 0..1."""
    memory_pressure: float | None
    """Share of time in which some task waited for memory."""
    waited: float | None
    """Seconds that the workers' threads waited for a processor, per second, summed over threads."""
    throttled: float | None
    """Share of time in which the processor, or a card in use, reported that heat or the hardware slowed it down;
    ``None`` if nothing here reports it. Of several the largest."""
    held_back: float | None
    """Share of time in which a quota of the control group held us back; ``None`` if that is not counted."""
    slowed: float | None
    """Most of the rate that throttling and limits of power can have taken, 0..1: time in which a reason was reported,
    weighted with how far the clock was below its usual one, or in full where no clock is measured; ``None`` if no
    reasons are reported here."""
    clock_mhz: float | None
    """Mean clock of the card in use, else of the processors; ``None`` if none is measured."""
    clock_variation: float | None
    """Coefficient of variation of that clock."""
    energy_j: dict[str, float]
    """Energy by counter: ``nvml.0``, ``rapl.intel-rapl:0.package-0``."""


class Telemetry(Frozen):
    """What the sampler read while a stage ran."""

    format: Literal["lynxspec-telemetry/1"] = TELEMETRY
    status: Validity
    """Of the sampling as a whole; a source's own is apart."""
    message: str
    began_s: float
    """Beginning on the monotonic clock, that of `Block.start_s`."""
    seconds: float
    period_s: float
    """Intended time between samples."""
    rate_hz: float
    """Samples a second that were reached."""
    samples: int
    longest_gap_s: float
    processors: int
    """Logical processors that the shares of time refer to; 0 if not known."""
    sampler_share: float | None
    """Time of one processor that the sampler itself used, 0..1."""
    times_s: tuple[float, ...]
    """Times of the curves' points since `began_s`."""
    sources: tuple[SourceReport, ...]
    during: tuple[During, ...]
    trace_sha256: Sha256 | None
    """All samples: a file beside the evidence, named by this digest."""

    @property
    def valid(self) -> bool:
        """Whether the whole stage was watched as intended."""
        return self.status is Validity.OK

    def source(self, name: str) -> SourceReport | None:
        """The source of that name."""
        return next((source for source in self.sources if source.name == name), None)

    def over(self, regime: str) -> During | None:
        """The machine during that regime's blocks."""
        return next((during for during in self.during if during.regime == regime), None)
