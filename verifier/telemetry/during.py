"""What the machine did in the counted blocks of one regime: shares of time, throttling, clock and energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.evidence.telemetry import LIMIT_BITS, THROTTLE_BITS, During
from verifier.telemetry.trace import Floats, Spans, Trace

IN_USE_PERCENT = 5.0
"""Mean utilization from which a card counts as in use where the system does not say whose processes run on it."""
USUAL_CLOCK = 95
"""Percentile of the clocks that counts as the usual one: the highest reading is a burst."""


MOSTLY = 0.95
"""Share of throttled samples from which on those without are too few to show the usual clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowing:
    """Throttling of one processor or card over the samples within the spans."""

    throttled: float
    """Share of time."""
    slowed: float
    """Most of the rate that it can have taken."""


def during(trace: Trace, regime: str, spans: Spans, *, real_clock: bool) -> During:
    """The machine during ``spans``; ``real_clock`` says whether the processors' clock is a measured one."""
    spans = sorted(spans)
    seconds = sum(end - begin for begin, end in spans)
    inside = trace.within(spans)
    cards = _cards_in_use(trace, inside)
    found = [_card(trace, card, inside) for card in cards]
    found.append(_processor(trace, spans, inside, real_clock=real_clock))
    slowings = [x for x in found if x is not None]
    clock = next((trace.columns[card, "sm_clock"] for card in cards if trace.has(card, "sm_clock")), None)
    if clock is None and real_clock and trace.has("cpu_clock", "mean"):
        clock = trace.columns["cpu_clock", "mean"]
    mean, variation = _mean_and_variation(clock[inside] if clock is not None else np.empty(0))
    return During(
        regime=regime,
        seconds=round(seconds, 3),
        samples=int(inside.sum()),
        steal=_of_processors(trace, spans, "steal"),
        foreign=_foreign(trace, spans),
        pressure=_per_second(trace, "pressure", "cpu.some", spans, seconds, most=1.0),
        memory_pressure=_per_second(trace, "pressure", "memory.some", spans, seconds, most=1.0),
        waited=_per_second(trace, "waiting", "waited", spans, seconds),
        throttled=_rounded(max((x.throttled for x in slowings), default=None)),
        held_back=_per_second(trace, "quota", "throttled", spans, seconds, most=1.0),
        slowed=_rounded(max((x.slowed for x in slowings), default=None)),
        clock_mhz=None if mean is None else round(mean, 1),
        clock_variation=_rounded(variation),
        energy_j=_energy(trace, spans),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def _per_second(
    trace: Trace, source: str, channel: str, spans: Spans, seconds: float, *, most: float | None = None
) -> float | None:
    rise = trace.rise(source, channel, spans)
    if rise is None or seconds <= 0:
        return None
    return round(rise / seconds if most is None else min(rise / seconds, most), 5)


def _of_processors(trace: Trace, spans: Spans, channel: str) -> float | None:
    """Share of all processors' time."""
    kinds = {name: trace.rise("processor_time", name, spans) for name in ("used", "idle", "steal", channel)}
    known = [kinds[name] for name in ("used", "idle", "steal")]
    value = kinds[channel]
    if value is None or None in known:
        return None
    return round(min(max(value / max(sum(x for x in known if x is not None), 1e-9), 0.0), 1.0), 5)


def _foreign(trace: Trace, spans: Spans) -> float | None:
    used, own = _of_processors(trace, spans, "used"), _of_processors(trace, spans, "own")
    return None if used is None or own is None else round(max(used - own, 0.0), 5)


def _cards_in_use(trace: Trace, inside: NDArray[np.bool_]) -> list[str]:
    """Cards that a process of ours computes on; where none is known to be ours, those that are busy."""
    cards = sorted({source for source, _ in trace.columns if source.startswith("nvml.")})
    ours = [c for c in cards if _highest(trace.columns.get((c, "own_processes")), inside) > 0]
    return ours or [c for c in cards if _mean(trace.columns.get((c, "utilization")), inside) >= IN_USE_PERCENT]


def _card(trace: Trace, card: str, inside: NDArray[np.bool_]) -> Slowing | None:
    """A card at its limit of power is held against its own usual clock there; a throttled one against that without."""
    if not trace.has(card, "clock_event_reasons") or not inside.any():
        return None
    mask = np.nan_to_num(trace.columns[card, "clock_event_reasons"][inside]).astype(np.int64)
    throttled, limited = (mask & THROTTLE_BITS) != 0, (mask & LIMIT_BITS) != 0
    clock = trace.columns[card, "sm_clock"][inside] if trace.has(card, "sm_clock") else None
    top = _highest(trace.columns.get((card, "max_sm_clock")), inside)
    return Slowing(throttled=float(throttled.mean()), slowed=_slowed(throttled, limited, clock, top))


def _processor(trace: Trace, spans: Spans, inside: NDArray[np.bool_], *, real_clock: bool) -> Slowing | None:
    """From the processor's own counters of throttling; of events without durations, each takes its whole period."""
    if not trace.has("cpu_throttle", "events") or not inside.any():
        return None
    rose = np.zeros(len(trace.times), dtype=bool)
    rose[1:] = np.diff(np.nan_to_num(trace.sums("cpu_throttle", "events"))) > 0
    share = float(rose[inside].mean())
    seconds = sum(end - begin for begin, end in spans)
    if trace.has("cpu_throttle", "throttled"):
        rise = trace.rise("cpu_throttle", "throttled", spans)
        share = share if rise is None else min(rise / max(seconds, 1e-9), 1.0)
        rose[1:] |= np.diff(np.nan_to_num(trace.sums("cpu_throttle", "throttled"))) > 0
    clock = trace.columns["cpu_clock", "low"] if real_clock and trace.has("cpu_clock", "low") else None
    if clock is None:
        return Slowing(throttled=share, slowed=share)
    # The clock is read after the event: the lowest of three neighbours stands for the time in between.
    padded = np.pad(np.nan_to_num(clock, nan=float(np.nanmin(clock))), 1, mode="edge")
    lowest = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    none = np.zeros(int(inside.sum()), dtype=bool)
    return Slowing(throttled=share, slowed=_slowed(rose[inside], none, lowest[inside], 0.0))


def _slowed(throttled: NDArray[np.bool_], limited: NDArray[np.bool_], clock: Floats | None, top: float) -> float:
    """Mean over time of the clock's deficit while a reason was reported; the whole time where no clock is known.

    ``top``: the highest clock that there is, 0 if that is not known.
    """
    if clock is None or not np.isfinite(clock).any():
        return float(throttled.mean())
    if throttled.mean() > MOSTLY and top <= 0.0:
        return float(throttled.mean())  # the few moments in between do not show the usual clock
    clock = np.where(np.isfinite(clock), clock, np.nanmin(clock))
    usual = float(np.percentile(clock, USUAL_CLOCK))
    free = clock[~throttled]
    unthrottled = max(float(np.percentile(free, USUAL_CLOCK)) if len(free) else top, usual)
    deficit = np.where(throttled, 1.0 - clock / max(unthrottled, 1e-9), 0.0)
    deficit = np.where(limited & ~throttled, 1.0 - clock / max(usual, 1e-9), deficit)
    return float(np.maximum(deficit, 0.0).mean())


def _mean_and_variation(values: Floats) -> tuple[float | None, float | None]:
    values = values[np.isfinite(values)]
    if len(values) < 2 or values.mean() <= 0:
        return None, None
    return float(values.mean()), float(values.std(ddof=1) / values.mean())


def _energy(trace: Trace, spans: Spans) -> dict[str, float]:
    """Joules by counter; subzones of a package are apart, since the package holds them already."""
    found = {}
    for source, channel in trace.columns:
        if (source, channel) == ("rapl", channel) or (source.startswith("nvml.") and channel == "energy"):
            rise = trace.rise(source, channel, spans)
            if rise is not None:
                found[source if channel == "energy" else f"{source}.{channel}"] = round(rise, 3)
    return found


def _mean(column: Floats | None, inside: NDArray[np.bool_]) -> float:
    values = column[inside] if column is not None else np.empty(0)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else 0.0


def _highest(column: Floats | None, inside: NDArray[np.bool_]) -> float:
    values = column[inside] if column is not None else np.empty(0)
    values = values[np.isfinite(values)]
    return float(values.max()) if len(values) else 0.0
