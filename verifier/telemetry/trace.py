"""All samples of a stage: the sampler's lines as arrays over time, with sums and means over stretches of it."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifier.telemetry.source import COUNTER, Channel

Floats = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]
"""Stretches of time, each from and to, in seconds on the monotonic clock."""

_LEADING = 3
"""Time, the sampler's processor time, time asleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A source as the sampler announced it."""

    name: str
    code: str | None
    note: str
    channels: tuple[Channel, ...]


@dataclass(slots=True)
class Lines:
    """The sampler's output as it grows."""

    sources: tuple[Described, ...] = ()
    period_s: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    """Sources that failed after they had worked, with the message."""
    stopped: bool = False
    """Whether the sampler ended as told."""
    broken: bool = False
    """Whether a line was none of ours."""
    cells: array[float] = field(default_factory=lambda: array("d"))
    _rest: bytes = b""

    @property
    def width(self) -> int:
        """Numbers a line."""
        return _LEADING + sum(len(source.channels) for source in self.sources)

    def feed(self, part: bytes) -> None:
        """Take what was written since; a line that is not yet whole waits."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                self.broken = True

    def _take(self, value: Any) -> None:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            if len(value) != self.width:
                raise ValueError("a sample of another length")
            self.cells.extend(float("nan") if cell is None else float(cell) for cell in value)
        elif "sources" in value:
            self.period_s = value["period_ns"] / 1e9
            self.sources = tuple(
                Described(
                    name=source["name"],
                    code=source["code"],
                    note=source["note"],
                    channels=tuple(Channel(*channel) for channel in source["channels"]),
                )
                for source in value["sources"]
            )
        elif "failed" in value:
            self.failed.setdefault(value["failed"], value["message"])
        else:
            self.stopped = bool(value["stopped"])

    def trace(self) -> Trace:
        """The samples so far."""
        rows = np.array(self.cells, dtype=np.float64).reshape(-1, self.width)
        names = [(source.name, channel) for source in self.sources for channel in source.channels]
        columns = {(name, channel.name): rows[:, _LEADING + i] for i, (name, channel) in enumerate(names)}
        return Trace(
            times=rows[:, 0] / 1e9,
            own_cpu=rows[:, 1] / 1e9,
            asleep=rows[:, 2] / 1e9,
            columns=columns,
            channels={(name, channel.name): channel for name, channel in names},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Samples as columns; a cell that could not be read is NaN."""

    times: Floats
    """Seconds on the monotonic clock."""
    own_cpu: Floats
    """Processor time of the sampler, s."""
    asleep: Floats
    """Time that the monotonic clock leaves out, s."""
    columns: Mapping[tuple[str, str], Floats]
    """By source and channel, as read."""
    channels: Mapping[tuple[str, str], Channel]

    def has(self, source: str, channel: str) -> bool:
        """Whether there are two values of it or more."""
        column = self.columns.get((source, channel))
        return column is not None and int(np.isfinite(column).sum()) >= 2

    def sums(self, source: str, channel: str) -> Floats:
        """A counter as a sum that never falls: wraps are added, what restarts goes on from where it was."""
        column = self.columns[source, channel]
        known = np.isfinite(column)
        steps = np.diff(column[known])
        wrap = self.channels[source, channel].wrap
        if wrap:
            steps = np.where(steps < -wrap / 2, steps + wrap, steps)
        result = np.full(len(column), np.nan)
        if known.any():
            result[known] = np.concatenate(([0.0], np.cumsum(np.maximum(steps, 0.0))))
        return result

    def fell(self, source: str, channel: str) -> bool:
        """Whether a counter began anew: it lost more than half, which no rounding of the kernel explains."""
        kind = self.channels[source, channel]
        if kind.kind != COUNTER:
            return False
        values = self.columns[source, channel]
        values = values[np.isfinite(values)]
        steps = np.diff(values)
        if kind.wrap:
            steps = np.where(steps < -kind.wrap / 2, 0.0, steps)
        return bool((steps < -np.abs(values[:-1]) / 2).any())

    def rise(self, source: str, channel: str, spans: Spans) -> float | None:
        """Rise of a counter over ``spans``, between samples by straight lines; `None` if they were not watched."""
        if not spans or not self.has(source, channel):
            return None
        sums = self.sums(source, channel)
        known = np.isfinite(sums)
        times = self.times[known]
        if spans[0][0] < times[0] - 1.0 or spans[-1][1] > times[-1] + 1.0:
            return None  # a second at the edges is what starting and stopping may take
        edges = np.interp(np.array(spans, dtype=np.float64), times, sums[known])
        return float((edges[:, 1] - edges[:, 0]).sum())

    def within(self, spans: Spans) -> NDArray[np.bool_]:
        """Which samples lie in ``spans``."""
        inside = np.zeros(len(self.times), dtype=bool)
        for begin, end in spans:
            inside |= (self.times >= begin) & (self.times <= end)
        return inside

    def save(self, path: Path) -> None:
        """Write all columns to a compressed numpy file."""
        named = {f"{source}/{channel}": column for (source, channel), column in self.columns.items()}
        np.savez_compressed(path, allow_pickle=False, times_s=self.times, sampler_cpu_s=self.own_cpu, **named)
