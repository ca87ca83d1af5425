"""NVIDIA cards through NVML: power, energy, clocks, temperature, clock event reasons, errors, other processes.

The library is ``pynvml`` of the package nvidia-ml-py, an optional extra; units and bits are NVML's own (NVIDIA, NVML
API Reference, "Clocks Event Reasons").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verifier.telemetry.host import Own
from verifier.telemetry.source import (
    COUNTER,
    GAUGE,
    LIBRARY_ABSENT,
    MASK,
    NO_SENSOR,
    PERMISSION_DENIED,
    READ_FAILED,
    Channel,
)

MOST_CARDS = 16

Reading = Callable[[Any, Any], float]
"""A number from the library and a card's handle."""


def _reasons(library: Any, card: Any) -> float:  # noqa: ANN401 - the library has no types
    return float(library.nvmlDeviceGetCurrentClocksEventReasons(card))


def _old_reasons(library: Any, card: Any) -> float:  # noqa: ANN401 - as above
    """The call's name before driver 535."""
    return float(library.nvmlDeviceGetCurrentClocksThrottleReasons(card))


def _pids(library: Any, card: Any) -> set[int]:  # noqa: ANN401 - as above
    return {int(process.pid) for process in library.nvmlDeviceGetComputeRunningProcesses(card)}


READINGS: tuple[tuple[Channel, tuple[Reading, ...]], ...] = (
    (Channel("power", "W", GAUGE), (lambda n, c: n.nvmlDeviceGetPowerUsage(c) / 1e3,)),
    (Channel("power_limit", "W", GAUGE), (lambda n, c: n.nvmlDeviceGetEnforcedPowerLimit(c) / 1e3,)),
    (Channel("energy", "J", COUNTER), (lambda n, c: n.nvmlDeviceGetTotalEnergyConsumption(c) / 1e3,)),
    (Channel("sm_clock", "MHz", GAUGE), (lambda n, c: float(n.nvmlDeviceGetClockInfo(c, n.NVML_CLOCK_SM)),)),
    (Channel("memory_clock", "MHz", GAUGE), (lambda n, c: float(n.nvmlDeviceGetClockInfo(c, n.NVML_CLOCK_MEM)),)),
    (Channel("max_sm_clock", "MHz", GAUGE), (lambda n, c: float(n.nvmlDeviceGetMaxClockInfo(c, n.NVML_CLOCK_SM)),)),
    (
        Channel("temperature", "degC", GAUGE),
        (
            lambda n, c: float(n.nvmlDeviceGetTemperatureV(c, n.NVML_TEMPERATURE_GPU)),
            lambda n, c: float(n.nvmlDeviceGetTemperature(c, n.NVML_TEMPERATURE_GPU)),
        ),
    ),
    (Channel("clock_event_reasons", "bits", MASK), (_reasons, _old_reasons)),
    (Channel("utilization", "%", GAUGE), (lambda n, c: float(n.nvmlDeviceGetUtilizationRates(c).gpu),)),
    (
        Channel("ecc_corrected", "1", COUNTER),
        (
            lambda n, c: float(
                n.nvmlDeviceGetTotalEccErrors(c, n.NVML_MEMORY_ERROR_TYPE_CORRECTED, n.NVML_VOLATILE_ECC)
            ),
        ),
    ),
    (
        Channel("ecc_uncorrected", "1", COUNTER),
        (
            lambda n, c: float(
                n.nvmlDeviceGetTotalEccErrors(c, n.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, n.NVML_VOLATILE_ECC)
            ),
        ),
    ),
)
"""What is read of each card; where a call has two names, the first that works is used."""


class Nvml:
    """One NVIDIA card."""

    def __init__(self, index: int, library: Any, own: Own) -> None:  # noqa: ANN401 - as above
        """``library`` is initialised; the card is asked in `available`."""
        self.name = f"nvml.{index}"
        self.note = ""
        self.channels: tuple[Channel, ...] = ()
        self._library, self._index, self._own = library, index, own
        self._card: Any = None
        self._events: Any = None
        self._xids = 0
        self._lists_processes = False
        self._calls: list[Reading] = []

    def available(self) -> str | None:
        """Open the card, and find out which of the readings it gives."""
        library = self._library
        try:
            self._card = library.nvmlDeviceGetHandleByIndex(self._index)
            self.note = (
                f"{_text(library.nvmlDeviceGetName(self._card))}, {_text(library.nvmlDeviceGetUUID(self._card))}"
            )
        except library.NVMLError as error:
            self.note = str(error)
            return code_of_nvml(library, error)
        channels = []
        missing = []
        for channel, calls in READINGS:
            call = next((c for c in calls if self._works(c)), None)
            if call is None:
                missing.append(channel.name)
                continue
            channels.append(channel)
            self._calls.append(call)
        self._lists_processes = self._works(_pids)
        if self._lists_processes:
            channels += [Channel("processes", "1", GAUGE), Channel("own_processes", "1", GAUGE)]
        else:
            missing.append("processes")
        try:
            self._events = library.nvmlEventSetCreate()
            library.nvmlDeviceRegisterEvents(self._card, library.nvmlEventTypeXidCriticalError, self._events)
            channels.append(Channel("xid", "1", COUNTER))
        except library.NVMLError:
            self._events = None
            missing.append("xid")
        self.channels = tuple(channels)
        if missing:
            self.note += f"; not given: {', '.join(missing)}"
        return None if self._calls else NO_SENSOR

    def read(self) -> list[float | None]:
        """One value a channel. Raises `OSError` if the card gives none, as when it has fallen off the bus."""
        values: list[float | None] = []
        last: Exception | None = None
        for call in self._calls:
            try:
                values.append(call(self._library, self._card))
            except self._library.NVMLError as error:
                last = error
                values.append(None)
        if last is not None and all(value is None for value in values):
            raise OSError(5, str(last))
        if self._lists_processes:
            values += self._processes()
        return [*values, *([float(self._new_xids())] if self._events is not None else [])]

    def _processes(self) -> list[float | None]:
        """Processes that compute on the card, and how many of them are ours.

        In a container the card may name processes by the host's numbers: then none is ours, and nothing follows.
        """
        try:
            found = _pids(self._library, self._card)
        except self._library.NVMLError:
            return [None, None]
        return [float(len(found)), float(len(found & (self._own.working | self._own.measuring)))]

    def _works(self, call: Callable[[Any, Any], object]) -> bool:
        try:
            call(self._library, self._card)
        except (self._library.NVMLError, AttributeError):  # an older binding lacks the name
            return False
        return True

    def _new_xids(self) -> int:
        """Critical errors so far; asking waits for nothing."""
        while True:
            try:
                self._library.nvmlEventSetWait_v2(self._events, 0)
            except self._library.NVMLError:
                return self._xids
            self._xids += 1


class NoCards:
    """What stands for NVIDIA cards where there are none: the reason."""

    name = "nvml"
    channels: tuple[Channel, ...] = ()

    def __init__(self, code: str, note: str) -> None:
        """Why there are none."""
        self.code, self.note = code, note

    def available(self) -> str | None:
        """The reason."""
        return self.code

    def read(self) -> list[float | None]:
        """Nothing to read."""
        return []


def cards(own: Own) -> list[Nvml | NoCards]:
    """The cards of this machine, or the reason why none can be read."""
    try:
        import pynvml as library  # noqa: PLC0415 - an optional extra
    except ImportError:
        return [NoCards(LIBRARY_ABSENT, "the package nvidia-ml-py is not installed")]
    try:
        library.nvmlInit()
        count = int(library.nvmlDeviceGetCount())
    except library.NVMLError as error:
        return [NoCards(code_of_nvml(library, error), f"NVML: {error}")]
    return [Nvml(i, library, own) for i in range(min(count, MOST_CARDS))] or [
        NoCards(NO_SENSOR, "NVML reports no card")
    ]


def code_of_nvml(library: Any, error: Exception) -> str:  # noqa: ANN401 - the library has no types
    """The reason code of an NVML error: a machine without the driver has no sensor, which is no failure."""
    number = getattr(error, "value", None)
    if number in {library.NVML_ERROR_LIBRARY_NOT_FOUND, library.NVML_ERROR_DRIVER_NOT_LOADED}:
        return NO_SENSOR
    if number == library.NVML_ERROR_NO_PERMISSION:
        return PERMISSION_DENIED
    return READ_FAILED


def _text(value: Any) -> str:  # noqa: ANN401 - bytes in older bindings
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
