"""NVIDIA cards as the driver describes them, through NVML: read only, no setting is ever changed.

The library is ``pynvml`` of the package nvidia-ml-py, an optional extra (NVIDIA, NVML API Reference).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from verifier.evidence.accelerator import Card, State

MOST_LINKS = 18
"""NVLinks of the largest card (H100, H200); asking for one that is not there is an error of NVML."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """The cards, or why none can be described."""

    cards: tuple[Card, ...] = ()
    reason: str = ""


def cards() -> Cards:
    """Ask the driver once; a machine without one is no error."""
    try:
        import pynvml as library  # noqa: PLC0415 - an optional extra
    except ImportError:
        return Cards(reason="the package nvidia-ml-py is not installed, so that no card can be asked")
    try:
        library.nvmlInit()
        return Cards(cards=tuple(_card(library, i) for i in range(int(library.nvmlDeviceGetCount()))))
    except library.NVMLError as error:
        return Cards(reason=f"no card can be asked: {error}")


def processes(index: int) -> tuple[int, ...]:
    """Process ids that compute on a card now, as the driver numbers them; empty if it does not tell."""
    try:
        import pynvml as library  # noqa: PLC0415 - an optional extra
    except ImportError:
        return ()
    try:
        library.nvmlInit()
        handle = library.nvmlDeviceGetHandleByIndex(index)
        return tuple(sorted(int(p.pid) for p in library.nvmlDeviceGetComputeRunningProcesses(handle)))
    except library.NVMLError:
        return ()


def _card(library: Any, index: int) -> Card:  # noqa: ANN401 - the library has no types
    handle = library.nvmlDeviceGetHandleByIndex(index)

    def told(call: Callable[[], T]) -> T | None:
        """What the card tells, ``None`` if it does not, or if an older binding lacks the call."""
        try:
            return call()
        except (library.NVMLError, AttributeError):
            return None

    capability = told(lambda: library.nvmlDeviceGetCudaComputeCapability(handle))
    cuda = told(lambda: int(library.nvmlSystemGetCudaDriverVersion_v2()))
    return Card(
        name=_text(library.nvmlDeviceGetName(handle)),
        uuid=_text(library.nvmlDeviceGetUUID(handle)),
        memory_bytes=int(library.nvmlDeviceGetMemoryInfo(handle).total),
        compute_capability="{}.{}".format(*capability) if capability else "",
        driver=_text(library.nvmlSystemGetDriverVersion()),
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else "",
        power_limit_w=_watts(told(lambda: library.nvmlDeviceGetEnforcedPowerLimit(handle))),
        default_power_limit_w=_watts(told(lambda: library.nvmlDeviceGetPowerManagementDefaultLimit(handle))),
        max_sm_clock_mhz=told(lambda: float(library.nvmlDeviceGetMaxClockInfo(handle, library.NVML_CLOCK_SM))),
        max_memory_clock_mhz=told(lambda: float(library.nvmlDeviceGetMaxClockInfo(handle, library.NVML_CLOCK_MEM))),
        mig=_mode(library, lambda: library.nvmlDeviceGetMigMode(handle)[0]),
        ecc=_mode(library, lambda: library.nvmlDeviceGetEccMode(handle)[0]),
        persistence=_mode(library, lambda: library.nvmlDeviceGetPersistenceMode(handle)),
        nvlinks=_links(library, handle),
    )


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1e3


def _mode(library: Any, call: Callable[[], int]) -> State:  # noqa: ANN401 - as above
    try:
        return "on" if call() else "off"
    except library.NVMLError as error:
        return "not_supported" if error.value == library.NVML_ERROR_NOT_SUPPORTED else "unknown"
    except AttributeError:
        return "unknown"


def _links(library: Any, handle: Any) -> int | None:  # noqa: ANN401 - as above
    """Links that are up; ``None`` if the first one is not there."""
    found = 0
    for link in range(MOST_LINKS):
        try:
            found += int(library.nvmlDeviceGetNvLinkState(handle, link))
        except (library.NVMLError, AttributeError):
            return found if link else None
    return found


def _text(value: Any) -> str:  # noqa: ANN401 - bytes in older bindings
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
