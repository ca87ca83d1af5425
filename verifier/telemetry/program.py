"""The sampler process: reads every telemetry source at a fixed rate and writes one line a sample.

Started by path, ``python -I verifier/telemetry/program.py PERIOD_NS PARENT``, with the standard library and an
optional ``pynvml`` only, so that it starts fast and stays small. Standard output is a file: first a line that names
sources and channels, then lines ``[time_ns, own_cpu_ns, asleep_ns, value, ...]`` and, where a source fails,
``{"failed": ...}``. Times are ``perf_counter_ns``, the clock of the workers' time stamps. Standard input takes ``own
PID`` and ``stop``; when it closes, the parent is gone, and the sampler ends, whatever a sensor is doing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import types
from typing import IO, TYPE_CHECKING, Any

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - before anything else is imported

if TYPE_CHECKING:
    from verifier.telemetry.host import Own
    from verifier.telemetry.source import Source


def _own_packages() -> None:
    """Packages with a path and no code, so that sources load without the parent's packages."""
    for name in ("verifier", "verifier.telemetry"):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(os.path.dirname(_HERE), *name.split(".")[1:])]  # noqa: PTH118, PTH120 - as above
        sys.modules[name] = package


def sources(own: Own) -> list[Source]:
    """Every source, whether it can be read here or not."""
    from verifier.telemetry import host, nvml, sensors  # noqa: PLC0415 - after `_own_packages`

    return [
        host.ProcessorTime(own),
        host.Waiting(own),
        host.Pressure(),
        host.Quota(),
        sensors.Clock(),
        sensors.Throttle(),
        sensors.Rapl(),
        sensors.Temperature(),
        *nvml.cards(own),
    ]


class Sampling:
    """The loop over the sources."""

    def __init__(self, found: list[Source], target: IO[bytes], period_ns: int) -> None:
        """Ask each source whether it can be read, and write down what it said."""
        self._target, self._period_ns = target, period_ns
        self._failing: set[str] = set()
        self._readable: list[Source] = []
        described = []
        for source in found:
            code = source.available()
            if source.channels:
                self._readable.append(source)
            channels = [[c.name, c.unit, c.kind, c.wrap, c.traced] for c in source.channels]
            described.append({"name": source.name, "code": code, "note": source.note, "channels": channels})
        self._write({"pid": os.getpid(), "period_ns": period_ns, "sources": described})

    def run(self, stop: threading.Event) -> None:
        """Sample until told to stop; after a delay the schedule begins anew, so that no burst follows it."""
        due = time.perf_counter_ns()
        while not stop.is_set():
            self._sample()
            due += self._period_ns
            wait = due - time.perf_counter_ns()
            if wait <= 0:
                due -= wait
                continue
            stop.wait(wait / 1e9)
        self._sample()
        self._write({"stopped": True})

    def _sample(self) -> None:
        now = time.perf_counter_ns()
        # What the monotonic clock leaves out: time in which the machine slept.
        asleep = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        row: list[float | None] = [now, time.process_time_ns(), asleep]
        for source in self._readable:
            try:
                values = source.read()
            except (OSError, ValueError) as error:
                values = [None] * len(source.channels)
                if source.name not in self._failing:
                    self._failing.add(source.name)
                    self._write({"failed": source.name, "at": now, "message": str(error)})
            row += [value if value is None else round(value, 6) for value in values]
        self._write(row)

    def _write(self, line: object) -> None:
        self._target.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def _listen(source: IO[bytes], own: Own, stop: threading.Event) -> None:
    """Take commands; the end of the input is the end of the parent."""
    for line in iter(source.readline, b""):
        word, _, rest = line.decode("ascii", "replace").partition(" ")
        if word == "own" and rest.strip().isdigit():
            own.add(int(rest))
        elif word.strip() == "stop":
            stop.set()
            return
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Sample until the input closes or says so."""
    _own_packages()
    from verifier.telemetry.host import Own  # noqa: PLC0415 - after `_own_packages`

    own, stop = Own(int(arguments[1]), os.getpid()), threading.Event()
    listening: Any = threading.Thread(target=_listen, args=(sys.stdin.buffer, own, stop), daemon=True)
    listening.start()
    with os.fdopen(os.dup(1), "wb", 0) as target:
        Sampling(sources(own), target, int(arguments[0])).run(stop)


if __name__ == "__main__":
    main(sys.argv[1:])
