"""Whether recorded temperatures and clocks show that the machine had settled, so that a shorter window counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lynxspec.claim.throughput import EQUILIBRIUM_DEGREES, EQUILIBRIUM_S
from verifier.evidence import SustainEvidence
from verifier.evidence.telemetry import LIMIT_BITS, THROTTLE_BITS, Reading, Telemetry, Validity

DEGREES_PER_MINUTE = 1.0
"""Fitted slope that counts as none: with the two minutes in which slow heat sinks settle, two degrees remain."""
CLOCK_CHANGE = 0.01
"""Change of the clock that counts as none; cards change theirs in steps of about one percent."""
FEWEST_POINTS = 10
"""Points of a curve below which nothing is said of its slope."""
_NOISE_C = 1e-6
_SENSIBLE = 1e6
"""Readings and times beyond this come from no sensor; evidence is data, and anybody may have written it."""

Floats = NDArray[np.float64]
Device = Literal["cpu", "accelerator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Readings of a settled machine, up to the end of the measurement."""

    sensor: str
    held_s: float
    before_c: float
    """Mean temperature over the first fifth of that time."""
    after_c: float
    """Over the last fifth."""
    clock_change: float
    """Relative change of the clock between the two."""

    def __str__(self) -> str:
        """For people."""
        return (
            f"over the last {self.held_s:.0f} s {self.sensor} went from {self.before_c:.1f} to {self.after_c:.1f} "
            f"degC, the clock changed by {100 * self.clock_change:+.2f} %, and no throttling was reported"
        )


def settled(sustained: SustainEvidence, device: Device) -> Settled | str:
    """The readings that show thermal equilibrium of ``device`` at the end, or why none do."""
    telemetry = sustained.telemetry
    if telemetry is None:
        return "no temperatures were recorded"
    if not telemetry.valid:
        return f"telemetry is not valid: {telemetry.status.value} ({telemetry.message})"
    times = np.array(telemetry.times_s)
    counted = times <= _end(sustained, telemetry)
    found: Settled | str = "no sensor was read"
    for sensors in _sensors(telemetry, device):
        found = sensors if isinstance(sensors, str) else _one(telemetry, sensors, counted)
        if isinstance(found, str):
            return found  # every card must have settled
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sensors:
    """What is read of one processor or card."""

    name: str
    heat: Reading
    clock: Reading
    throttling: Reading


def _sensors(telemetry: Telemetry, device: Device) -> list[_Sensors | str]:
    """The sensors of each card, or of the processor; or why one of them is missing."""
    if device == "cpu":
        three = [
            _reading(telemetry, *x) for x in (("temperature", ""), ("cpu_clock", "mean"), ("cpu_throttle", "events"))
        ]
        return [_three("processor", three)]
    cards = [source.name for source in telemetry.sources if source.name.startswith("nvml")]
    names = ("temperature", "sm_clock", "clock_event_reasons")
    return [_three(card, [_reading(telemetry, card, name) for name in names]) for card in cards] or ["no card was read"]


def _three(name: str, found: list[Reading | str]) -> _Sensors | str:
    readings = [x for x in found if not isinstance(x, str)]
    if len(readings) < len(found):
        return next(x for x in found if isinstance(x, str))
    heat, clock, throttling = readings
    return _Sensors(name=f"{name} {heat.name}", heat=heat, clock=clock, throttling=throttling)


def _reading(telemetry: Telemetry, source: str, channel: str) -> Reading | str:
    """A reading by name, of several temperatures the highest; or why there is none."""
    found = telemetry.source(source)
    if found is None:
        return f"no source {source}"
    if found.status is not Validity.OK:
        return f"{source}: {found.status.value} ({found.message})"
    if not channel:
        return max(found.readings, key=lambda r: r.mean if r.mean is not None else -273.0)
    return next((r for r in found.readings if r.name == channel), None) or f"{source} does not give {channel}"


def _one(telemetry: Telemetry, sensors: _Sensors, counted: NDArray[np.bool_]) -> Settled | str:
    """The longest stretch up to the end in which nothing changed."""
    times = np.array(telemetry.times_s)[counted]
    degrees, clocks, reported = (
        _values(telemetry, reading)[counted] for reading in (sensors.heat, sensors.clock, sensors.throttling)
    )
    if sensors.throttling.kind == "mask":
        readable = (reported >= 0) & (reported < 2.0**32)
        bits = np.where(readable, reported, 0).astype(np.int64) & (THROTTLE_BITS | LIMIT_BITS)
        reported = np.where(readable, bits, np.nan)
    known = (np.abs(degrees) < _SENSIBLE) & (np.abs(clocks) < _SENSIBLE) & (np.abs(times) < _SENSIBLE)
    times, degrees, clocks, reported = times[known], degrees[known], clocks[known], reported[known]
    why = f"the last {EQUILIBRIUM_S:.0f} s were not recorded"
    for first in range(len(times)):
        held = float(times[-1] - times[first])
        if held < EQUILIBRIUM_S or len(times) - first < FEWEST_POINTS:
            break
        found = _stretch(times[first:], degrees[first:], clocks[first:], reported[first:])
        if isinstance(found, str):
            why = found
            continue
        before, after, change = found
        return Settled(sensor=sensors.name, held_s=held, before_c=before, after_c=after, clock_change=change)
    return why


def _stretch(times: Floats, degrees: Floats, clocks: Floats, reported: Floats) -> tuple[float, float, float] | str:
    """Temperatures before and after and the clock's change, or what is not constant in this stretch."""
    if not np.isfinite(reported).all():
        return "throttling was not read throughout"
    if reported.any():
        return "throttling was reported"
    fifth = max(len(times) // 5, 1)
    before, after = float(degrees[:fifth].mean()), float(degrees[-fifth:].mean())
    centred = times - times.mean()
    slope = float((centred * degrees).sum() / (centred**2).sum()) * 60.0  # least squares
    if abs(after - before) > EQUILIBRIUM_DEGREES + _NOISE_C or abs(slope) > DEGREES_PER_MINUTE + _NOISE_C:
        return f"the temperature changed from {before:.1f} to {after:.1f} degC, {slope:+.2f} degC a minute"
    change = float(clocks[-fifth:].mean() / max(float(clocks[:fifth].mean()), 1e-9) - 1.0)
    if abs(change) > CLOCK_CHANGE:
        return f"the clock changed by {100 * change:+.2f} %"
    return before, after, change


def _values(telemetry: Telemetry, reading: Reading) -> Floats:
    """A reading over `Telemetry.times_s`; of a counter its rise per second.

    One without a curve never changed, or it is one of so many alike that only its summary was kept.
    """
    if reading.curve and len(reading.curve) != len(telemetry.times_s):
        return np.full(len(telemetry.times_s), np.nan)
    if reading.curve:
        return np.array([np.nan if value is None else value for value in reading.curve], dtype=np.float64)
    if reading.low is not None and reading.high is not None and reading.low < reading.high:
        return np.full(len(telemetry.times_s), np.nan)
    constant = reading.mean if reading.mean is not None else np.nan
    if reading.kind == "mask":
        constant = float(sum(int(bit, 16) for bit in reading.bits))
    return np.full(len(telemetry.times_s), constant, dtype=np.float64)


def _end(sustained: SustainEvidence, telemetry: Telemetry) -> float:
    """End of the last counted block since the sampling began; what comes after belongs to no window."""
    ends = [block.start_s + block.seconds for run in sustained.runs for block in run.blocks]
    last = max(ends, default=0.0) - telemetry.began_s
    return last if 0.0 < last <= telemetry.seconds else telemetry.seconds
