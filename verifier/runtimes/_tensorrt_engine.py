"""TensorRT on a device: engines for exactly the shapes that come, one lane of buffers and a stream per calling thread.

Transfers between host and device belong to a call unless ``include_transfers`` is false: then inputs are laid on the
device when they are first seen, a call copies them there into the engine's buffer, and outputs stay until they are
asked for. Engines are built for the device at hand; nothing here changes a setting of it.

Runs inside the worker process: standard library, numpy and the one tool, syntax of Python 3.8.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from verifier.runtimes._cuda import Cuda
from verifier.runtimes._tensorrt_network import Refused, build_for, listener, parse

MOST_RESIDENT_BYTES = 2 * 2**30
"""Inputs that may lie on the device when transfers are not counted."""
_NUMPY = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
}
"""Element types that numpy has; a network with others at its ends cannot be fed from it."""

Arrays = dict  # of names to arrays


class OnDevice:
    """An output that is still on the device; numpy fetches it when it looks at it."""

    def __init__(self, lane: Lane, name: str) -> None:
        """Valid until the lane's next call."""
        self._lane, self._name, self._call = lane, name, lane.calls

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Fetch. Raises `RuntimeError` once the next call has written over it."""
        if self._call != self._lane.calls:
            raise RuntimeError(f"output {self._name} was overwritten by a later call")
        array = self._lane.fetch(self._name)
        return array if dtype is None else array.astype(dtype)


class Lane:
    """An execution context with its buffers and stream: one call at a time."""

    def __init__(self, cuda: Cuda, engine: Any, feeds: dict[str, Any], *, graph: bool) -> None:
        """Buffers for the shapes of ``feeds``. Raises `Refused` if an output's shape depends on values."""
        cuda.enter()
        self._cuda, self._context = cuda, engine.create_execution_context()
        self.calls = 0
        self._stream = cuda.stream()
        self._graph = 0
        self._resident: dict[int, tuple[Any, int]] = {}
        self._resident_bytes = 0
        self._inputs: dict[str, tuple[int, Any]] = {}
        self._outputs: dict[str, tuple[int, Any]] = {}
        for name, value in feeds.items():
            self._context.set_input_shape(name, value.shape)
            self._inputs[name] = self._buffer(engine, name, tuple(value.shape))
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            if name not in self._inputs:
                shape = tuple(self._context.get_tensor_shape(name))
                if any(size < 0 for size in shape):
                    raise Refused(f"the shape of output {name} depends on values, which this adapter does not follow")
                self._outputs[name] = self._buffer(engine, name, shape)
        if graph:
            self._capture(feeds)

    def run(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """One call from host arrays to host arrays, transfers and all."""
        self.bare(feeds)
        return {name: host.copy() for name, (_, host) in self._outputs.items()}

    def bare(self, feeds: dict[str, Any]) -> None:
        """The same without arrays of the caller's own for the outputs."""
        cuda, stream = self._cuda, self._stream
        cuda.enter()
        for name, (address, host) in self._inputs.items():
            np.copyto(host, feeds[name], casting="no")
            cuda.to_device(address, host, stream)
        self._launch()
        for address, host in self._outputs.values():
            cuda.to_host(host, address, stream)
        cuda.wait(stream)
        self.calls += 1

    def run_on_device(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """One call from inputs that lie on the device; outputs stay there."""
        self.bare_on_device(feeds)
        return {name: OnDevice(self, name) for name in self._outputs}

    def bare_on_device(self, feeds: dict[str, Any]) -> None:
        """The same without a word on the outputs."""
        self._cuda.enter()
        for name, (address, host) in self._inputs.items():
            self._cuda.within_device(address, self._laid(feeds[name], host), host.nbytes, self._stream)
        self._launch()
        self._cuda.wait(self._stream)
        self.calls += 1

    def fetch(self, name: str) -> Any:
        """An output of the last call."""
        address, host = self._outputs[name]
        self._cuda.enter()
        self._cuda.to_host(host, address, self._stream)
        self._cuda.wait(self._stream)
        return host.copy()

    def profile(self, profiler: Any, feeds: dict[str, Any], runs: int) -> None:
        """Calls whose layers the profiler is told of; no graph, which would hide them."""
        self.bare(feeds)
        self._context.profiler = profiler
        for _ in range(runs):
            self._context.execute_async_v3(self._stream)
            self._cuda.wait(self._stream)

    def _buffer(self, engine: Any, name: str, shape: tuple[int, ...]) -> tuple[int, Any]:
        kind = engine.get_tensor_dtype(name).name
        if kind not in _NUMPY:
            raise Refused(f"tensor {name} at the network's end is {kind}, which numpy does not have")
        dtype = np.dtype(_NUMPY[kind])
        size = int(np.prod(shape)) * dtype.itemsize
        address = self._cuda.allocate(size)
        self._context.set_tensor_address(name, address)
        return address, self._cuda.pinned(size).view(dtype).reshape(shape)

    def _launch(self) -> None:
        if self._graph:
            self._cuda.launch(self._graph, self._stream)
        elif not self._context.execute_async_v3(self._stream):
            raise RuntimeError("TensorRT did not take the call")

    def _capture(self, feeds: dict[str, Any]) -> None:
        self.bare(feeds)  # the first call allocates, which no graph may hold
        self._cuda.capture(self._stream)
        taken = self._context.execute_async_v3(self._stream)
        graph = self._cuda.captured(self._stream)
        if not taken:
            raise RuntimeError("TensorRT did not take the call into a CUDA graph")
        self._graph = graph

    def _laid(self, value: Any, like: Any) -> int:
        """Where an input lies on the device; it is laid there when it is first seen."""
        known = self._resident.get(id(value))
        if known is None:
            if value.dtype != like.dtype or value.shape != like.shape:
                raise ValueError(f"an input is {value.dtype} {value.shape}, the engine takes {like.dtype} {like.shape}")
            self._resident_bytes += value.nbytes
            if self._resident_bytes > MOST_RESIDENT_BYTES:
                raise MemoryError("the inputs do not fit on the device beside the model; count transfers, or use fewer")
            known = (value, self._cuda.allocate(value.nbytes))  # kept, so that its identity stays its own
            self._cuda.to_device(known[1], np.ascontiguousarray(value), self._stream)
            self._cuda.wait(self._stream)
            self._resident[id(value)] = known
        return known[1]


class Session:
    """A model on the device; an engine for each set of shapes, when they first come."""

    def __init__(self, trt: Any, path: str, configure: Any, *, graph: bool, transfers: bool) -> None:
        """Parse the model; raises `Refused` or `verifier.runtimes._cuda.CudaError`."""
        self._trt, self._path, self._configure = trt, path, configure
        self._graph, self._transfers = graph, transfers
        self.cuda = Cuda()
        network = parse(trt, path).network
        self.inputs = [network.get_input(i).name for i in range(network.num_inputs)]
        self.outputs = [network.get_output(i).name for i in range(network.num_outputs)]
        self._runtime = trt.Runtime(listener(trt))
        self._engines: dict[Any, Any] = {}
        self._building = threading.Lock()
        self._here = threading.local()

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """One call, all outputs."""
        lane, feeds = self.lane(inputs)
        return lane.run(feeds) if self._transfers else lane.run_on_device(feeds)

    def bare(self, inputs: dict[str, Any]) -> None:
        """The engine's own call."""
        lane, feeds = self.lane(inputs)
        (lane.bare if self._transfers else lane.bare_on_device)(feeds)

    def lane(self, inputs: dict[str, Any]) -> tuple[Lane, dict[str, Any]]:
        """This thread's lane for the shapes of these inputs."""
        feeds = {name: inputs[name] for name in self.inputs}
        shapes = tuple(value.shape for value in feeds.values())
        lanes = self._here.__dict__.setdefault("lanes", {})
        if shapes not in lanes:
            lanes[shapes] = Lane(self.cuda, self.engine(feeds), feeds, graph=self._graph)
        return lanes[shapes], feeds

    def engine(self, feeds: dict[str, Any]) -> Any:
        """The engine for the shapes of these inputs. Raises `Refused` with the tool's reason."""
        shapes = {name: tuple(value.shape) for name, value in feeds.items()}
        key = tuple(shapes.values())
        with self._building:
            if key not in self._engines:
                self.cuda.enter()
                parsed = parse(self._trt, self._path)
                plan = build_for(self._trt, parsed, self._configure, "current", shapes)
                engine = self._runtime.deserialize_cuda_engine(plan)
                if engine is None:
                    raise Refused("TensorRT built an engine and does not load it on this device")
                self._engines[key] = engine
            return self._engines[key]
