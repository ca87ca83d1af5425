"""What the host did during a measurement, second by second: busy, stolen and foreign time, pressure, clock."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from verifier.evidence import HostSample


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The kernel's counters at one moment."""

    at: float
    """Seconds on the monotonic clock."""
    ticks: dict[str, int]
    """Processor time of all processors by kind, in ticks since boot."""
    own: float
    """Ticks that our own processes have used."""
    waited_us: int | None
    """Microseconds in which a runnable task waited (PSI some)."""
    mhz: float | None


def sample_between(before: Snapshot, now: Snapshot, *, began: float) -> HostSample:
    """What happened between two snapshots, as shares of all processors' time."""
    total = max(sum(now.ticks.values()) - sum(before.ticks.values()), 1)
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


class HostSampler:
    """Context manager that samples ``/proc`` once a second from a thread of the idle parent.

    ``own`` are the process ids whose time is ours; add to it as workers start.
    """

    def __init__(self, *, period_s: float = 1.0) -> None:
        """Start nothing yet."""
        self.own: set[int] = {os.getpid()}
        self._period = period_s
        self._samples: list[HostSample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        """Stop; the last, incomplete second is dropped."""
        self._stop.set()
        self._thread.join(timeout=5)

    @property
    def samples(self) -> tuple[HostSample, ...]:
        """The samples so far."""
        return tuple(self._samples)

    def _loop(self) -> None:
        before = self._snapshot()
        while not self._stop.wait(self._period):
            now = self._snapshot()
            self._samples.append(sample_between(before, now, began=self._began))
            before = now

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            at=time.monotonic(), ticks=_cpu_times(), own=self._own_time(), waited_us=_pressure_us(), mhz=_mhz()
        )

    def _own_time(self) -> float:
        """Ticks that our processes have used, with those of children that have ended (utime, stime, cutime, cstime).

        What an ended worker used stands in its parent's entry then, so that the sum does not fall.
        """
        total = 0.0
        for pid in tuple(self.own):
            try:
                text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            total += sum(map(int, text.rpartition(")")[2].split()[11:15]))
        return total


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 4)


def _cpu_times() -> dict[str, int]:
    """Ticks by kind over all processors, from the first line of ``/proc/stat``."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    with Path("/proc/stat").open(encoding="ascii") as file:
        return dict(zip(names, map(int, file.readline().split()[1:9]), strict=True))


def _pressure_us() -> int | None:
    """Microseconds in which a runnable task waited for a processor (PSI), or `None` where the kernel has none."""
    try:
        line = Path("/proc/pressure/cpu").read_text(encoding="ascii").splitlines()[0]
    except (OSError, IndexError):
        return None
    return int(line.rpartition("total=")[2])


def _mhz() -> float | None:
    """Mean clock of the processors as ``/proc/cpuinfo`` gives it; guests often see a constant."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    values = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return round(sum(values) / len(values), 1) if values else None
