"""The part of the CUDA driver that running an engine needs: memory, streams, events, graphs, by ctypes.

Engines that take raw device addresses leave these to their caller; the driver's own library is on every machine that
has a device, so that no further package is needed. Names and signatures: NVIDIA, CUDA Driver API, module pages
"Initialization" to "Graph Management". Nothing here changes a setting of a device.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any, NamedTuple

LIBRARY = "libcuda.so.1"
_NON_BLOCKING = 1
_THREAD_LOCAL = 1
"""Capture mode: calls of other threads neither enter the graph nor break it."""
_MAJOR, _MINOR = 75, 76
"""Device attributes COMPUTE_CAPABILITY_MAJOR and _MINOR."""
_SUCCESS = 0

_P, _SIZE, _INT, _UINT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint
_ADDRESS = ctypes.c_uint64
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (_UINT,),
    "cuDriverGetVersion": (ctypes.POINTER(_INT),),
    "cuDeviceGetCount": (ctypes.POINTER(_INT),),
    "cuDeviceGet": (ctypes.POINTER(_INT), _INT),
    "cuDeviceGetName": (ctypes.c_char_p, _INT, _INT),
    "cuDeviceGetAttribute": (ctypes.POINTER(_INT), _INT, _INT),
    "cuDevicePrimaryCtxRetain": (ctypes.POINTER(_P), _INT),
    "cuCtxSetCurrent": (_P,),
    "cuMemGetInfo_v2": (ctypes.POINTER(_SIZE), ctypes.POINTER(_SIZE)),
    "cuMemAlloc_v2": (ctypes.POINTER(_ADDRESS), _SIZE),
    "cuMemFree_v2": (_ADDRESS,),
    "cuMemHostAlloc": (ctypes.POINTER(_P), _SIZE, _UINT),
    "cuMemFreeHost": (_P,),
    "cuMemcpyHtoDAsync_v2": (_ADDRESS, _P, _SIZE, _P),
    "cuMemcpyDtoHAsync_v2": (_P, _ADDRESS, _SIZE, _P),
    "cuMemcpyDtoDAsync_v2": (_ADDRESS, _ADDRESS, _SIZE, _P),
    "cuStreamCreate": (ctypes.POINTER(_P), _UINT),
    "cuStreamSynchronize": (_P,),
    "cuStreamBeginCapture_v2": (_P, _INT),
    "cuStreamEndCapture": (_P, ctypes.POINTER(_P)),
    "cuGraphInstantiateWithFlags": (ctypes.POINTER(_P), _P, ctypes.c_ulonglong),
    "cuGraphLaunch": (_P, _P),
    "cuEventCreate": (ctypes.POINTER(_P), _UINT),
    "cuEventRecord": (_P, _P),
    "cuEventSynchronize": (_P,),
    "cuEventElapsedTime": (ctypes.POINTER(ctypes.c_float), _P, _P),
    "cuGetErrorName": (_INT, ctypes.POINTER(ctypes.c_char_p)),
}


class CudaError(RuntimeError):
    """A call of the driver failed."""


class Device(NamedTuple):
    """One device, as the driver names it."""

    name: str
    capability: str
    """``9.0``"""
    driver: str
    """CUDA version that the driver supports, ``13.0``."""


class Cuda:
    """The driver, with the first device's own context."""

    def __init__(self, library: str = "") -> None:
        """Load the driver and take the device. Raises `CudaError` that says what is missing.

        ``LYNXSPEC_CUDA_LIBRARY`` names another file of the driver, for machines that keep it elsewhere.
        """
        name = library or os.environ.get("LYNXSPEC_CUDA_LIBRARY") or LIBRARY
        try:
            self._library = ctypes.CDLL(name)  # kept, so that the calls stay loaded
        except OSError:
            raise CudaError(f"no CUDA driver: {os.path.basename(name)} is not on this machine") from None
        self._calls: dict[str, Any] = {}
        for call, arguments in _SIGNATURES.items():
            function = self._library[call]
            function.argtypes, function.restype = list(arguments), _INT
            self._calls[call] = function
        self._call("cuInit", 0)
        count = _INT()
        self._call("cuDeviceGetCount", ctypes.byref(count))
        if count.value < 1:
            raise CudaError("the CUDA driver finds no device")
        device = _INT()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._device = device.value
        self._context = _P()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self._entered = threading.local()
        self.enter()

    def enter(self) -> None:
        """Make the context this thread's; every thread that calls must have done so."""
        if not getattr(self._entered, "done", False):
            self._call("cuCtxSetCurrent", self._context)
            self._entered.done = True

    def device(self) -> Device:
        """Name, compute capability and driver."""
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, 256, self._device)
        version = _INT()
        self._call("cuDriverGetVersion", ctypes.byref(version))
        major, minor = self._attribute(_MAJOR), self._attribute(_MINOR)
        return Device(
            name.value.decode("utf-8", "replace"),
            f"{major}.{minor}",
            f"{version.value // 1000}.{version.value % 1000 // 10}",
        )

    def memory(self) -> tuple[int, int]:
        """Free and total bytes of the device."""
        free, total = _SIZE(), _SIZE()
        self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def allocate(self, size: int) -> int:
        """Address of device memory; it lives as long as the process does."""
        address = _ADDRESS()
        self._call("cuMemAlloc_v2", ctypes.byref(address), max(size, 1))
        return int(address.value)

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._call("cuMemFree_v2", address)

    def pinned(self, size: int) -> Any:
        """Host memory that the device copies from and to by itself, as a numpy array of bytes."""
        import numpy as np

        address = _P()
        self._call("cuMemHostAlloc", ctypes.byref(address), max(size, 1), 0)
        held: Any = (ctypes.c_char * max(size, 1)).from_address(address.value or 0)
        return np.frombuffer(held, np.uint8)[:size]

    def stream(self) -> int:
        """A stream that does not wait for the default one."""
        stream = _P()
        self._call("cuStreamCreate", ctypes.byref(stream), _NON_BLOCKING)
        return int(stream.value or 0)

    def to_device(self, address: int, host: Any, stream: int) -> None:
        """Begin to copy a contiguous array to the device."""
        self._call("cuMemcpyHtoDAsync_v2", address, host.ctypes.data, host.nbytes, stream)

    def to_host(self, host: Any, address: int, stream: int) -> None:
        """Begin to copy into a contiguous array."""
        self._call("cuMemcpyDtoHAsync_v2", host.ctypes.data, address, host.nbytes, stream)

    def within_device(self, target: int, source: int, size: int, stream: int) -> None:
        """Begin to copy on the device."""
        self._call("cuMemcpyDtoDAsync_v2", target, source, size, stream)

    def wait(self, stream: int) -> None:
        """Until all work of the stream is done."""
        self._call("cuStreamSynchronize", stream)

    def capture(self, stream: int) -> None:
        """What the stream is given from now on is recorded and not run."""
        self._call("cuStreamBeginCapture_v2", stream, _THREAD_LOCAL)

    def captured(self, stream: int) -> int:
        """End the recording: a graph that can be launched."""
        graph, runnable = _P(), _P()
        self._call("cuStreamEndCapture", stream, ctypes.byref(graph))
        self._call("cuGraphInstantiateWithFlags", ctypes.byref(runnable), graph, 0)
        return int(runnable.value or 0)

    def launch(self, graph: int, stream: int) -> None:
        """Begin to run a graph."""
        self._call("cuGraphLaunch", graph, stream)

    def event(self) -> int:
        """A point in time on a stream."""
        event = _P()
        self._call("cuEventCreate", ctypes.byref(event), 0)
        return int(event.value or 0)

    def record(self, event: int, stream: int) -> None:
        """Set the event when the stream comes to it."""
        self._call("cuEventRecord", event, stream)

    def milliseconds(self, first: int, last: int) -> float:
        """Time between two recorded events, by the device's clock."""
        self._call("cuEventSynchronize", last)
        taken = ctypes.c_float()
        self._call("cuEventElapsedTime", ctypes.byref(taken), first, last)
        return float(taken.value)

    def _attribute(self, number: int) -> int:
        value = _INT()
        self._call("cuDeviceGetAttribute", ctypes.byref(value), number, self._device)
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:
        code = self._calls[name](*arguments)
        if code != _SUCCESS:
            words = ctypes.c_char_p()
            known = self._calls["cuGetErrorName"](code, ctypes.byref(words)) == _SUCCESS and words.value
            text = words.value.decode("ascii", "replace") if known and words.value else "error"
            raise CudaError(f"{name}: {text} ({code})")
