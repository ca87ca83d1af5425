"""The parent's side of the sampler: it is started with a stage, told which processes are ours, and ended with it.

Nothing here raises: a sampler that fails makes telemetry invalid, and never a measurement.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from verifier.evidence import HostSample
from verifier.evidence.telemetry import Telemetry
from verifier.telemetry.summary import telemetry
from verifier.telemetry.trace import Lines, Spans, Trace

_PROGRAM = Path(__file__).with_name("program.py")
PERIOD_S = 0.125
"""Eight samples a second: five are asked for, and a loaded host loses some."""
CARD_PERIOD_S = 0.09
"""The same beside a card, whose clocks and power change within a tenth of a second."""
START_S = 15.0
"""Most time that opening the sources may take; a driver that wakes up a card takes seconds."""
STOP_S = 2.0
_PASSED = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The kernel's counters at one moment."""

    at: float
    """Seconds on the monotonic clock."""
    ticks: dict[str, float]
    """Processor time of all processors by kind, in one unit."""
    own: float
    """Time that our own processes have used, in the same unit."""
    waited_us: float | None
    """Microseconds in which a runnable task waited (PSI some)."""
    mhz: float | None


def sample_between(before: Snapshot, now: Snapshot, *, began: float) -> HostSample:
    """What happened between two snapshots, as shares of all processors' time."""
    total = max(sum(now.ticks.values()) - sum(before.ticks.values()), 1e-3)
    idle = sum(now.ticks[kind] - before.ticks[kind] for kind in ("idle", "iowait"))
    steal = (now.ticks["steal"] - before.ticks["steal"]) / total
    busy = 1 - idle / total
    ours = max(now.own - before.own, 0) / total
    pressure = None
    if now.waited_us is not None and before.waited_us is not None:
        pressure = _share((now.waited_us - before.waited_us) / 1e6 / max(now.at - before.at, 1e-9))
    return HostSample(
        t_s=round(now.at - began, 3),
        busy=_share(busy),
        steal=_share(steal),
        foreign=_share(busy - steal - ours),
        pressure=pressure,
        mhz=now.mhz,
    )


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 4)


class Processes:
    """The processes whose time is ours."""

    def __init__(self, sampler: HostSampler) -> None:
        """Of that sampler."""
        self._sampler = sampler

    def add(self, pid: int) -> None:
        """A worker was started."""
        self._sampler.send(f"own {pid}\n")


def _has_card() -> bool:
    """Whether the driver of NVIDIA's cards is loaded."""
    return any(Path(name).exists() for name in ("/proc/driver/nvidia/version", "/dev/nvidiactl"))


class HostSampler:
    """Context manager around the sampler process: ``own`` takes the workers' process ids as they start."""

    def __init__(self, *, period_s: float | None = None, second_s: float = 1.0) -> None:
        """Start nothing yet; ``second_s`` is the distance of `samples`."""
        self.own = Processes(self)
        self._period_s = (CARD_PERIOD_S if _has_card() else PERIOD_S) if period_s is None else period_s
        self._second_s = second_s
        self._lines = Lines()
        self._read = 0
        self._file: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._trouble = ""
        self._began = time.perf_counter()
        self._ended: float | None = None

    def __enter__(self) -> Self:
        """Start the process, and wait until it has opened its sources."""
        try:
            # A file without a name: it is gone with the last of us, however we end.
            self._file = tempfile.TemporaryFile()
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_PROGRAM), str(round(self._period_s * 1e9)), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=self._file,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _PASSED if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            self._trouble = f"the sampler could not be started: {error.strerror}"
        deadline = time.perf_counter() + START_S
        while not self._lines.sources and self.alive and time.perf_counter() < deadline:
            time.sleep(0.005)
            self._take()
        if not self._lines.sources:
            self._trouble = self._trouble or "the sampler did not open its sources in time"
        self._began = time.perf_counter()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        """Stop; a sampler that does not answer is killed."""
        self._ended = time.perf_counter()
        process = self._process
        if process is not None:
            if process.poll() is not None:
                self._trouble = self._trouble or f"the sampler ended with code {process.returncode}"
            self.send("stop\n")
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self._trouble = self._trouble or "the sampler did not stop when told to"
            if process.stdin is not None:
                _close(process.stdin)
        self._take()
        if self._file is not None:
            _close(self._file)
            self._file = None

    @property
    def pid(self) -> int | None:
        """Process id of the sampler."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the sampler runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def samples(self) -> tuple[HostSample, ...]:
        """The host second by second, so far; the last, incomplete second is dropped."""
        self._take()
        trace = self._trace()
        if trace is None or not trace.has("processor_time", "used"):
            return ()
        rows = [self._snapshot(trace, i) for i in _seconds(trace.times, self._second_s)]
        return tuple(sample_between(before, now, began=self._began) for before, now in pairwise(rows))

    def report(self, spans: Mapping[str, Spans] | None = None, *, trace_sha256: str | None = None) -> Telemetry:
        """Everything that was read, so far or in all; ``spans`` are the counted blocks on the monotonic clock."""
        self._take()
        running = self._ended is None and self.alive
        return telemetry(
            self._lines,
            spans or {},
            began_s=self._began,
            ended_s=time.perf_counter() if self._ended is None else self._ended,
            running=running,
            trouble=self._trouble,
            trace_sha256=trace_sha256,
        )

    def save(self, path: Path) -> None:
        """Write every sample to a compressed numpy file."""
        self._take()
        self._lines.trace().save(path)

    def send(self, line: str) -> None:
        """Tell the sampler something; one that has ended hears nothing, which `report` says."""
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()
        except (OSError, ValueError):
            return

    def _take(self) -> None:
        """Read what was written since; by position, since the sampler shares the file's pointer."""
        while self._file is not None and (part := os.pread(self._file.fileno(), 1 << 20, self._read)):
            self._read += len(part)
            self._lines.feed(part)

    def _trace(self) -> Trace | None:
        return self._lines.trace() if self._lines.sources else None

    def _snapshot(self, trace: Trace, i: int) -> Snapshot:
        def value(source: str, channel: str) -> float | None:
            column = trace.columns.get((source, channel))
            return float(column[i]) if column is not None and np.isfinite(column[i]) else None

        ticks = {kind: value("processor_time", kind) or 0.0 for kind in ("used", "idle", "steal")}
        waited, mhz = value("pressure", "cpu.some"), value("cpu_clock", "mean")
        return Snapshot(
            at=float(trace.times[i]),
            ticks=ticks | {"iowait": 0.0},
            own=value("processor_time", "own") or 0.0,
            waited_us=None if waited is None else waited * 1e6,
            mhz=None if mhz is None else round(mhz, 1),
        )


def _seconds(times: np.ndarray, second_s: float) -> list[int]:
    """Positions of the samples that are a second apart, or a little more."""
    found: list[int] = []
    for i, at in enumerate(times):
        if not found or at - times[found[-1]] >= second_s * 0.999:
            found.append(i)
    return found


def _close(file: IO[bytes]) -> None:
    try:
        file.close()
    except OSError:
        return
