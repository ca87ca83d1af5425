"""`Telemetry` of a stage: each source's readings summed up, thinned for pictures, and whether they can be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import numpy as np

from verifier.evidence.telemetry import (
    LEAST_HZ,
    MOST_PERIODS,
    MOST_POINTS,
    Reading,
    SourceReport,
    Telemetry,
    Validity,
)
from verifier.telemetry.during import during
from verifier.telemetry.source import COUNTER, GAUGE, MASK, Channel
from verifier.telemetry.trace import Described, Floats, Lines, Spans, Trace

SLEPT_S = 0.1
"""Time left out by the monotonic clock from which on the machine slept; the two clocks are read microseconds apart."""
_DIGITS = 5


def telemetry(
    lines: Lines,
    spans: Mapping[str, Spans],
    *,
    began_s: float,
    ended_s: float,
    running: bool = False,
    trouble: str = "",
    trace_sha256: str | None = None,
) -> Telemetry:
    """Sum up ``lines``; ``spans`` are the counted blocks of each regime.

    ``running`` says that the sampler goes on, ``trouble`` why it ended early.
    """
    trace = lines.trace()
    count = len(trace.times)
    gaps = np.diff(trace.times)
    watched = float(trace.times[-1] - trace.times[0]) if count > 1 else 0.0
    rate = (count - 1) / watched if watched > 0 else 0.0
    longest = float(gaps.max()) if count > 1 else 0.0
    if count:  # what was not watched at either end is a gap as well
        longest = max(longest, float(trace.times[0]) - began_s, ended_s - float(trace.times[-1]))
    status, message = _status(lines, trace, rate, longest, trouble, running=running)
    buckets = np.array_split(np.arange(count), min(count, MOST_POINTS)) if count else []
    sources = tuple(_source(lines, trace, source, buckets) for source in lines.sources)
    clock = next((source for source in lines.sources if source.name == "cpu_clock"), None)
    real = clock is not None and clock.code is None
    return Telemetry(
        status=status,
        message=message,
        began_s=round(began_s, 6),
        seconds=round(ended_s - began_s, 3),
        period_s=lines.period_s,
        rate_hz=round(rate, 3),
        samples=count,
        longest_gap_s=round(longest, 3),
        processors=_processors(lines),
        sampler_share=round(float(trace.own_cpu[-1] - trace.own_cpu[0]) / watched, 5) if watched > 0 else None,
        times_s=tuple(round(float(trace.times[bucket[-1]]) - began_s, 3) for bucket in buckets),
        sources=sources,
        during=tuple(during(trace, name, list(s), real_clock=real) for name, s in spans.items() if s) if count else (),
        trace_sha256=trace_sha256,
    )


def _processors(lines: Lines) -> int:
    note = next((source.note for source in lines.sources if source.name == "processor_time"), "")
    first = note.partition(" ")[0]
    return int(first) if first.isdigit() else 0


def _status(
    lines: Lines, trace: Trace, rate: float, longest: float, trouble: str, *, running: bool
) -> tuple[Validity, str]:
    """The first thing that is wrong with the sampling as a whole."""
    if trouble or lines.broken or not (lines.stopped or running) or len(trace.times) < 2:
        return Validity.SAMPLER_DIED, trouble or "the sampler ended before it was told to"
    slept = float(np.abs(np.diff(trace.asleep)).max())
    if slept > SLEPT_S:
        return Validity.CLOCK_JUMP, f"the machine slept for {slept:.1f} s"
    if longest > MOST_PERIODS * lines.period_s:
        return Validity.GAP_TOO_LONG, f"{longest:.2f} s without a sample"
    if rate < LEAST_HZ:
        return Validity.RATE_TOO_LOW, f"{rate:.2f} samples a second"
    return Validity.OK, ""


def _source(lines: Lines, trace: Trace, source: Described, buckets: list[np.ndarray]) -> SourceReport:
    """One source: its own reason comes first, then what happened while it was read."""
    columns = [trace.columns[source.name, channel.name] for channel in source.channels]
    at = trace.times[np.isfinite(np.array(columns)).any(axis=0)] if columns else np.empty(0)
    rate = (len(at) - 1) / float(at[-1] - at[0]) if len(at) > 1 else 0.0
    fallen = [c.name for c in source.channels if c.name != "own" and trace.fell(source.name, c.name)]
    status, message = Validity.OK, source.note
    if source.code is not None:
        status = Validity(source.code)
    elif source.name in lines.failed:
        status, message = Validity.READ_FAILED, f"{source.note}; {lines.failed[source.name]}"
    elif fallen:
        status, message = Validity.COUNTER_RESET, f"{source.note}; fell: {', '.join(fallen)}"
    elif rate < LEAST_HZ:
        status, message = Validity.RATE_TOO_LOW, f"{source.note}; {rate:.2f} samples a second"
    reset = dict.fromkeys(fallen, Validity.COUNTER_RESET)
    return SourceReport(
        name=source.name,
        status=status,
        message=message,
        rate_hz=round(rate, 3),
        readings=tuple(
            _reading(trace, source.name, channel, reset.get(channel.name, status), buckets)
            for channel in source.channels
        ),
    )


def _reading(trace: Trace, source: str, channel: Channel, status: Validity, buckets: list[np.ndarray]) -> Reading:
    column = trace.columns[source, channel.name]
    known = column[np.isfinite(column)]
    gauge = channel.kind == GAUGE and len(known) > 0
    total = mean = None
    bits: dict[str, float] = {}
    if gauge:
        mean = float(known.mean())
    elif channel.kind == COUNTER and len(known) > 1:
        at = trace.times[np.isfinite(column)]
        total = float(np.nanmax(trace.sums(source, channel.name)))
        mean = total / float(at[-1] - at[0])
    elif channel.kind == MASK and len(known) > 0:
        whole = known.astype(np.int64)
        mean = float((whole != 0).mean())
        present = int(np.bitwise_or.reduce(whole))
        bits = {
            hex(1 << i): _short(float(((whole >> i) & 1).mean()))
            for i in range(present.bit_length())
            if present >> i & 1
        }
    return Reading(
        name=channel.name,
        unit=channel.unit,
        kind=cast("Literal['gauge', 'counter', 'mask']", channel.kind),
        status=status,
        samples=len(known),
        mean=None if mean is None else _short(mean),
        low=_short(float(known.min())) if gauge else None,
        high=_short(float(known.max())) if gauge else None,
        deviation=_short(float(known.std(ddof=1))) if gauge and len(known) > 1 else None,
        total=None if total is None else round(total, 6),
        bits=bits,
        curve=_curve(trace, source, channel, buckets)
        if channel.traced and len(known) > 1 and known.min() < known.max()
        else (),
    )


def _curve(trace: Trace, source: str, channel: Channel, buckets: list[np.ndarray]) -> tuple[float | None, ...]:
    """One point a bucket: mean of a gauge, rise per second of a counter, all bits of a mask."""
    if channel.kind == COUNTER:
        sums = trace.sums(source, channel.name)
        known = np.isfinite(sums)
        ends = [trace.times[bucket[-1]] for bucket in buckets]
        at = np.array([trace.times[0], *ends])
        level = np.interp(at, trace.times[known], sums[known])
        steps = np.diff(at)
        first = [None] if steps[0] <= 0 else []  # the first bucket of one sample has no extent
        return (*first, *(_short(r / s) for r, s in zip(np.diff(level), steps, strict=True) if s > 0))
    column = trace.columns[source, channel.name]
    return tuple(_point(column[bucket], channel.kind) for bucket in buckets)


def _point(values: Floats, kind: str) -> float | None:
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    if kind == MASK:
        return float(np.bitwise_or.reduce(values.astype(np.int64)))
    return _short(float(values.mean()))


def _short(value: float) -> float:
    """Rounded to the digits that a sensor has."""
    return float(f"{value:.{_DIGITS}g}")
