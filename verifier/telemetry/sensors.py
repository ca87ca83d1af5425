"""Sensors of the processor that the kernel publishes: clocks, throttle counters, energy, temperatures."""

from __future__ import annotations

from pathlib import Path

from verifier.telemetry.source import (
    COUNTER,
    GAUGE,
    NO_SENSOR,
    NOMINAL_ONLY,
    Channel,
    KernelFile,
    code_of,
    numbers,
    opened,
    our_processors,
)

SYS = Path("/sys")
CPUINFO = Path("/proc/cpuinfo")
CPU_SENSORS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal", "scpi_sensors"})
"""Drivers of ``hwmon`` that measure the processor; others (disks, mainboards) are slow to read or say nothing."""
CPU_ZONES = ("x86_pkg_temp", "cpu", "soc", "package", "tcpu")
"""Beginnings of thermal zones' types that mean the processor."""
FEW = 16
"""Processors up to which each one's curve is kept, beside mean, low and high."""


class Clock:
    """Clock of each logical processor: ``scaling_cur_freq``, else ``/proc/cpuinfo``."""

    name = "cpu_clock"

    def __init__(self, sys: Path = SYS, cpuinfo: Path = CPUINFO) -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._sys, self._cpuinfo_path = sys, cpuinfo
        self._files: list[KernelFile] = []
        self._cpuinfo: KernelFile | None = None
        self._reads, self._every = 0, 1

    def available(self) -> str | None:
        """Whether clocks are to be had; a guest is often shown its nominal clock only, which measures nothing."""
        folder = self._sys / "devices/system/cpu"
        wanted = our_processors()
        self._files, failed = opened([folder / f"cpu{n}/cpufreq/scaling_cur_freq" for n in wanted])
        if self._files:
            names = [Path(file.path).parts[-3] for file in self._files]
            self.note = f"scaling_cur_freq of {len(names)} logical processors"
            self.channels = _clock_channels(names)
            return None
        try:
            self._cpuinfo = KernelFile(self._cpuinfo_path)
            text = self._cpuinfo.text()
        except OSError as error:
            self.note = f"{self._cpuinfo_path}: {error.strerror}"
            return code_of(error)
        values = _mhz(text)
        if not values:
            self._cpuinfo = None
            self.note = f"neither scaling_cur_freq ({failed.strerror if failed else 'none'}) nor a clock in cpuinfo"
            return code_of(failed) if failed else NO_SENSOR
        # Formatting hundreds of processors takes milliseconds: then it is read less often, and the rate says so.
        self._every = -(-len(values) // FEW)
        self.channels = _clock_channels([f"cpu{i}" for i in range(len(values))])
        if any(line.startswith("flags") and " hypervisor" in line for line in text.splitlines()):
            self.note = "a guest is shown its nominal clock in /proc/cpuinfo; the real one is hidden from it"
            return NOMINAL_ONLY
        self.note = "/proc/cpuinfo"
        return None

    def read(self) -> list[float | None]:
        """MHz: mean, lowest, highest, then each processor."""
        self._reads += 1
        if self._cpuinfo is None:
            each = numbers(self._files, 1e-3)
        elif (self._reads - 1) % self._every:
            return [None] * len(self.channels)
        else:
            each = [*_mhz(self._cpuinfo.text())]
        known = [value for value in each if value is not None]
        return [sum(known) / len(known), min(known), max(known), *each]


def _clock_channels(names: list[str]) -> tuple[Channel, ...]:
    folded = tuple(Channel(name, "MHz", GAUGE) for name in ("mean", "low", "high"))
    return (*folded, *(Channel(name, "MHz", GAUGE, traced=len(names) <= FEW) for name in names))


def _mhz(text: str) -> list[float]:
    return [float(line.partition(":")[2]) for line in text.splitlines() if line.startswith("cpu MHz")]


class Throttle:
    """How often and how long the processor slowed itself down for heat (``thermal_throttle``)."""

    name = "cpu_throttle"

    def __init__(self, sys: Path = SYS) -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._sys = sys
        self._counts: list[KernelFile] = []
        self._times: list[KernelFile] = []
        self._known: dict[int, float] = {}
        self._slowed = 0.0

    def available(self) -> str | None:
        """Whether the processor reports it."""
        folders = [self._sys / f"devices/system/cpu/cpu{n}/thermal_throttle" for n in our_processors()]
        kinds = ("core", "package")
        self._counts, failed = opened([f / f"{k}_throttle_count" for f in folders for k in kinds])
        self._times, _ = opened([f / f"{k}_throttle_total_time_ms" for f in folders for k in kinds])
        if not self._counts:
            self.note = "this processor or guest reports no throttling"
            return code_of(failed) if failed else NO_SENSOR
        self.note = f"{len(self._counts)} counters" + ("" if self._times else "; the kernel counts no durations")
        self.channels = (Channel("events", "1", COUNTER),)
        if self._times:
            self.channels += (Channel("throttled", "s", COUNTER),)
        return None

    def read(self) -> list[float | None]:
        """Events of all processors; seconds in which one was slowed down, of several at once the longest."""
        counts = [value for value in numbers(self._counts, 1.0) if value is not None]
        if not self._times:
            return [sum(counts)]
        # The largest total would stand still while another processor, with less behind it, is slowed down.
        times = {at: value for at, value in enumerate(numbers(self._times, 1e-3)) if value is not None}
        # what one has behind it that answers for the first time later is no rise
        rises = [value - self._known.get(at, value if self._known else 0.0) for at, value in times.items()]
        self._slowed += max([0.0, *rises])
        self._known |= times
        return [sum(counts), self._slowed]


class Rapl:
    """Energy of packages and memory from the processor's own counters (RAPL, ``powercap``)."""

    name = "rapl"

    def __init__(self, sys: Path = SYS) -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._sys = sys
        self._files: list[KernelFile] = []

    def available(self) -> str | None:
        """Whether the counters may be read; most systems let only root."""
        zones = sorted((self._sys / "class/powercap").glob("*-rapl:*"))
        self._files, failed = opened([zone / "energy_uj" for zone in zones])
        if not self._files:
            self.note = f"{failed.filename or ''}: {failed.strerror}" if failed else "no RAPL zones in powercap"
            return code_of(failed) if failed else NO_SENSOR
        channels = []
        for file in self._files:
            zone = Path(file.path).parent
            try:
                name = (zone / "name").read_text(encoding="ascii").strip()
                wrap = float((zone / "max_energy_range_uj").read_text(encoding="ascii")) * 1e-6
            except (OSError, ValueError):
                name, wrap = zone.name, 0.0
            channels.append(Channel(f"{zone.name}.{name}", "J", COUNTER, wrap=wrap or None))
        self.channels = tuple(channels)
        self.note = f"{len(channels)} zones"
        return None

    def read(self) -> list[float | None]:
        """Joules."""
        return numbers(self._files, 1e-6)


class Temperature:
    """Temperatures of the processor: ``hwmon`` drivers that measure it, else thermal zones."""

    name = "temperature"

    def __init__(self, sys: Path = SYS) -> None:
        """Open nothing yet."""
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._sys = sys
        self._files: list[KernelFile] = []

    def available(self) -> str | None:
        """Whether a sensor of the processor can be read."""
        named = self._monitors() or self._zones()
        failed: OSError | None = None
        names = []
        for name, path in named:
            files, error = opened([path])
            failed = failed or error
            self._files += files
            names += [name] * len(files)
        if not names:
            self.note = f"{failed.strerror}" if failed else "no sensor of the processor in hwmon or thermal zones"
            return code_of(failed) if failed else NO_SENSOR
        self.note = ", ".join(names[:4]) + ("" if len(names) <= 4 else f" and {len(names) - 4} more")
        self.channels = tuple(Channel(name, "degC", GAUGE, traced=i < FEW) for i, name in enumerate(names))
        return None

    def read(self) -> list[float | None]:
        """Degrees Celsius."""
        return numbers(self._files, 1e-3)

    def _monitors(self) -> list[tuple[str, Path]]:
        found = []
        for folder in sorted((self._sys / "class/hwmon").glob("hwmon*")):
            driver = _line(folder / "name")
            if driver not in CPU_SENSORS:
                continue
            for path in sorted(folder.glob("temp*_input")):
                label = _line(path.with_name(path.name.replace("_input", "_label"))) or path.name.removesuffix("_input")
                found.append((f"{folder.name} {driver} {label}", path))
        return found

    def _zones(self) -> list[tuple[str, Path]]:
        zones = sorted((self._sys / "class/thermal").glob("thermal_zone*"))
        named = [(_line(zone / "type"), zone) for zone in zones]
        return [(f"{z.name} {kind}", z / "temp") for kind, z in named if kind.casefold().startswith(CPU_ZONES)]


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
