"""The kernel's counters of processor time, waiting, pressure and quota, from ``/proc`` and the control group."""

from __future__ import annotations

import os
from pathlib import Path

from verifier.telemetry.source import COUNTER, NO_SENSOR, Channel, KernelFile, code_of

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
MOST_THREADS = 128
"""Threads of ours whose waiting is read; each costs a few microseconds."""


class Own:
    """The processes whose time is ours: ``parent`` and ``sampler`` measure, all others carry the load."""

    def __init__(self, parent: int, sampler: int) -> None:
        """Begin with the two that measure."""
        self.measuring = {parent, sampler}
        self.working: set[int] = set()

    def add(self, pid: int) -> None:
        """A further process of ours."""
        if pid not in self.measuring:
            self.working.add(pid)


class ProcessorTime:
    """Time of all logical processors by kind, and what our own processes used of it."""

    name = "processor_time"

    def __init__(self, own: Own, proc: Path = PROC) -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self.processors = 0
        self._own, self._proc = own, proc
        self._stat: KernelFile | None = None
        self._files: dict[int, KernelFile] = {}
        self._tick = 1.0 / os.sysconf("SC_CLK_TCK")

    def available(self) -> str | None:
        """Whether ``/proc/stat`` can be read."""
        try:
            self._stat = KernelFile(self._proc / "stat")
            text = self._stat.text()
        except OSError as error:
            self.note = f"{self._proc / 'stat'}: {error.strerror}"
            return code_of(error)
        self.processors = sum(line.startswith("cpu") and line[3:4].isdigit() for line in text.splitlines())
        self.note = f"{self.processors} logical processors, resolution {self._tick * 1e3:g} ms"
        names = ("used", "idle", "steal", "own")
        self.channels = (*(Channel(n, "s", COUNTER) for n in names), Channel("switches", "1", COUNTER))
        return None

    def read(self) -> list[float | None]:
        """Seconds used, idle, stolen, used by us; context switches."""
        if self._stat is None:
            raise FileNotFoundError(2, "not opened")
        text = self._stat.text()
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, text.split("\n", 1)[0].split()[1:9])
        at = text.find("\nctxt ")
        switches = float(text[at + 6 : text.index("\n", at + 6)]) if at >= 0 else None
        ticks = (user + nice + system + irq + softirq, idle + iowait, steal)
        return [*(t * self._tick for t in ticks), self._own_ticks() * self._tick, switches]

    def _own_ticks(self) -> float:
        """Ticks that our processes have used, with those of children that have ended (utime, stime, cutime, cstime).

        What an ended worker used stands in its parent's entry then, so that the sum does not fall.
        """
        total = 0
        for pid in (*self._own.measuring, *self._own.working):
            try:
                if pid not in self._files:
                    self._files[pid] = KernelFile(self._proc / str(pid) / "stat")
                text = self._files[pid].text()
            except OSError:
                self._own.working.discard(pid)
                if pid in self._files:
                    self._files.pop(pid).close()
                continue
            total += sum(map(int, text.rpartition(")")[2].split()[11:15]))
        return float(total)


class Waiting:
    """Time that the threads of our workers were ready and waited for a processor (``schedstat``)."""

    name = "waiting"

    def __init__(self, own: Own, proc: Path = PROC, *, every: int = 8) -> None:
        """``every``: reads after which threads are looked for anew."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._own, self._proc, self._every, self._reads = own, proc, every, 0
        self._threads: dict[tuple[int, int], tuple[KernelFile, int]] = {}
        self._total = 0
        self._partial = False

    def available(self) -> str | None:
        """Whether the kernel counts it."""
        try:
            KernelFile(self._proc / "self" / "schedstat").close()
        except OSError as error:
            self.note = f"{self._proc}/<pid>/schedstat: {error.strerror}"
            return code_of(error)
        self.note = "ready and not running, summed over the workers' threads"
        self.channels = (Channel("waited", "s", COUNTER),)
        return None

    def read(self) -> list[float | None]:
        """Thread seconds waited since we looked first; not known once there were more threads than are read."""
        if self._reads % self._every == 0:
            self._look()
        self._reads += 1
        for key, (file, before) in tuple(self._threads.items()):
            try:
                now = int(file.text().split()[1])
            except (OSError, IndexError):
                self._threads.pop(key)[0].close()
                continue
            self._total += max(now - before, 0)
            self._threads[key] = (file, now)
        return [None if self._partial else self._total / 1e9]

    def _look(self) -> None:
        """Find threads that are new; what they waited before does not count."""
        for pid in tuple(self._own.working):
            try:
                names = os.listdir(self._proc / str(pid) / "task")  # noqa: PTH208 - no path object a thread
            except OSError:
                continue
            for tid in map(int, names):
                if (pid, tid) in self._threads:
                    continue
                if len(self._threads) >= MOST_THREADS:
                    self._partial = True
                    return
                try:
                    file = KernelFile(self._proc / str(pid) / "task" / str(tid) / "schedstat")
                    self._threads[pid, tid] = (file, int(file.text().split()[1]))
                except (OSError, IndexError):
                    continue


class Pressure:
    """Pressure stall information: time in which some, or all, tasks waited for processor, memory or storage."""

    name = "pressure"

    def __init__(self, proc: Path = PROC) -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._proc = proc
        self._files: list[tuple[str, KernelFile]] = []

    def available(self) -> str | None:
        """Whether the kernel counts it."""
        names: list[str] = []
        code: str | None = None
        for resource in ("cpu", "memory", "io"):
            path = self._proc / "pressure" / resource
            try:
                file = KernelFile(path)
                found = [line.split()[0] for line in file.text().splitlines()]
            except OSError as error:
                code, self.note = code_of(error), f"{path}: {error.strerror}"
                continue
            self._files.append((resource, file))
            names += [f"{resource}.{kind}" for kind in found]
        self.channels = tuple(Channel(name, "s", COUNTER) for name in names)
        if not names:
            return code or NO_SENSOR
        self.note = self.note or "stall time of the whole system"
        return None

    def read(self) -> list[float | None]:
        """Seconds stalled."""
        totals = {}
        for resource, file in self._files:
            for line in file.text().splitlines():
                totals[f"{resource}.{line.split()[0]}"] = int(line.rpartition("total=")[2]) / 1e6
        return [totals.get(channel.name) for channel in self.channels]


class Quota:
    """Time that a control group's processor quota held us back (containers with a limit)."""

    name = "quota"

    def __init__(self, root: Path = CGROUP, membership: Path = PROC / "self" / "cgroup") -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._root, self._membership = root, membership
        self._file: KernelFile | None = None
        self._key, self._unit_s = "", 1.0

    def available(self) -> str | None:
        """Whether our control group counts it (version 2, else version 1)."""
        error: OSError = FileNotFoundError(2, "no control group counts it")
        for path, key, unit_s in self._places():
            try:
                file = KernelFile(path)
                if f"\n{key} " not in "\n" + file.text():
                    file.close()
                    continue
            except OSError as failed:
                error = failed
                continue
            self._file, self._key, self._unit_s, self.note = file, key, unit_s, str(path)
            self.channels = (Channel("throttled", "s", COUNTER),)
            return None
        self.note = error.strerror or str(error)
        return code_of(error)

    def read(self) -> list[float | None]:
        """Seconds held back, summed over processors."""
        if self._file is None:
            raise FileNotFoundError(2, "not opened")
        rest = ("\n" + self._file.text()).partition(f"\n{self._key} ")[2]
        return [int(rest.split("\n", 1)[0]) * self._unit_s]

    def _places(self) -> list[tuple[Path, str, float]]:
        try:
            lines = self._membership.read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        found = []
        for line in lines:
            _, controllers, group = line.split(":", 2)
            inside = group.lstrip("/")
            if not controllers:
                found += [(self._root / inside / "cpu.stat", "throttled_usec", 1e-6)]
            elif "cpu" in controllers.split(","):
                found += [
                    (self._root / name / inside / "cpu.stat", "throttled_time", 1e-9) for name in ("cpu", controllers)
                ]
        return [*found, (self._root / "cpu.stat", "throttled_usec", 1e-6)]
