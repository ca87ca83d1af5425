"""ONNX Runtime on NVIDIA devices: bound inputs and outputs, and what it does when there is no device.

A build with a CUDA provider lists it on every machine, and a session that cannot have it runs on the processor
instead, with no more than a line in the log: what a session really has must be asked.

Runs inside the worker process: standard library, numpy, onnxruntime and onnx, syntax of Python 3.8.
"""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any

import numpy as np

from verifier.runtimes._cuda import Cuda, CudaError

CUDA, TENSORRT, TENSORRT_RTX = (
    "CUDAExecutionProvider",
    "TensorrtExecutionProvider",
    "NvTensorRTRTXExecutionProvider",
)
COMPILING = (TENSORRT, TENSORRT_RTX)
"""Providers that compile parts of the graph into engines of their own."""
DISTRIBUTIONS = ((CUDA, "onnxruntime-gpu"), (TENSORRT, "onnxruntime-gpu"))
DEVICE_OPTIONS = ("include_transfers", "tf32", "cuda_graph", "trt_fp16", "trt_int8")
"""``include_transfers``: whether copies between host and device belong to a call; ``tf32``: whether float32 products
may be computed so (the tool's default is yes); ``trt_fp16`` and ``trt_int8``: what TensorRT may lower."""
_DEFAULTS = {"include_transfers": True, "tf32": True, "cuda_graph": False, "trt_fp16": False, "trt_int8": False}
_LIBRARIES = {CUDA: "libonnxruntime_providers_cuda.so", TENSORRT: "libonnxruntime_providers_tensorrt.so"}
MOST_RESIDENT_BYTES = 2 * 2**30
"""Inputs that may lie on the device when transfers are not counted."""


def on_device(provider: str) -> bool:
    """Whether it is one of the providers for NVIDIA devices."""
    return provider in (CUDA, *COMPILING)


def device_options(provider: str, options: dict[str, Any]) -> dict[str, bool]:
    """Device options with their values. Raises `TypeError` or `ValueError`."""
    given = {name: options[name] for name in DEVICE_OPTIONS if name in options}
    if given and not on_device(provider):
        raise ValueError("options {} are for devices, not for {}".format(", ".join(sorted(given)), provider))
    wrong = [name for name, value in given.items() if not isinstance(value, bool)]
    if wrong:
        raise TypeError(f"option {wrong[0]} must be true or false, not {given[wrong[0]]!r}")
    only = [name for name in given if name.startswith("trt_") and provider != TENSORRT]
    only += [name for name in ("tf32", "cuda_graph") if name in given and provider != CUDA]
    if only:
        raise ValueError(f"option {only[0]} is not one of {provider}")
    if given.get("cuda_graph") and not given.get("include_transfers", True):
        raise ValueError("a captured graph is fed from the host here: cuda_graph goes with include_transfers")
    return dict(_DEFAULTS, **given)


def provider_entry(provider: str, options: dict[str, Any]) -> Any:
    """The provider as a session takes it, with its settings. Loads the CUDA libraries that packages bring."""
    if not on_device(provider):
        return provider
    import onnxruntime as ort

    found = device_options(provider, options)
    if "preload_dlls" in dir(ort):
        ort.preload_dlls()
    if provider == CUDA:
        graph = "1" if found["cuda_graph"] else "0"
        return (provider, {"device_id": "0", "use_tf32": "1" if found["tf32"] else "0", "enable_cuda_graph": graph})
    if provider == TENSORRT:
        flags = {"trt_fp16_enable": found["trt_fp16"], "trt_int8_enable": found["trt_int8"]}
        return (provider, {name: "True" if value else "False" for name, value in flags.items()})
    return (provider, {})


class DeviceSession:
    """A session with its inputs and outputs bound."""

    def __init__(self, session: Any, options: dict[str, Any]) -> None:
        """``session`` has its provider already."""
        self.session = session
        self.inputs = [entry.name for entry in session.get_inputs()]
        self.outputs = [output.name for output in session.get_outputs()]
        self._transfers = options.get("include_transfers", True)
        self._graph = options.get("cuda_graph", False)
        self._laid: dict[int, tuple[Any, Any]] = {}
        self._bytes = 0
        self._binding: Any = None
        self._fixed: dict[str, Any] = {}
        self._one_at_a_time = threading.Lock()

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """One call; outputs stay on the device if transfers do not count, and are fetched by who looks at them."""
        if self._graph:
            with self._one_at_a_time:
                return self._replayed(inputs)
        binding = self._bound(inputs)
        self.session.run_with_iobinding(binding)
        if self._transfers:
            return dict(zip(self.outputs, binding.copy_outputs_to_cpu()))
        binding.synchronize_outputs()
        return {name: OnDevice(value) for name, value in zip(self.outputs, binding.get_outputs())}

    def bare(self, inputs: dict[str, Any]) -> Any:
        """ONNX Runtime's own call, with the same transfers."""
        if self._graph:
            with self._one_at_a_time:
                return self._replayed(inputs)
        if self._transfers:
            return self.session.run(self.outputs, inputs)
        binding = self._bound(inputs)
        self.session.run_with_iobinding(binding)
        return binding.synchronize_outputs()

    def _bound(self, inputs: dict[str, Any]) -> Any:
        binding = self.session.io_binding()
        for name in self.inputs:
            if self._transfers:
                binding.bind_cpu_input(name, inputs[name])
            else:
                binding.bind_ortvalue_input(name, self._resident(inputs[name]))
        for name in self.outputs:
            binding.bind_output(name, "cuda", 0)
        return binding

    def _resident(self, value: Any) -> Any:
        """The input on the device, laid there when it is first seen."""
        import onnxruntime as ort

        if id(value) not in self._laid:
            self._bytes += value.nbytes
            if self._bytes > MOST_RESIDENT_BYTES:
                raise MemoryError("the inputs do not fit on the device beside the model; count transfers, or use fewer")
            # the array is kept, so that its identity stays its own
            self._laid[id(value)] = (value, ort.OrtValue.ortvalue_from_numpy(value, "cuda", 0))
        return self._laid[id(value)][1]

    def _replayed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """A captured graph reads and writes where it was captured: inputs are copied there, outputs from there."""
        import onnxruntime as ort

        if self._binding is None:
            self._fixed = {name: ort.OrtValue.ortvalue_from_numpy(inputs[name], "cuda", 0) for name in self.inputs}
            shapes = self._output_shapes()
            self._binding = self.session.io_binding()
            for name in self.inputs:
                self._binding.bind_ortvalue_input(name, self._fixed[name])
            for output in self.session.get_outputs():
                kind = _element(output.type)
                self._fixed[output.name] = ort.OrtValue.ortvalue_from_shape_and_type(
                    shapes[output.name], kind, "cuda", 0
                )
                self._binding.bind_ortvalue_output(output.name, self._fixed[output.name])
        for name in self.inputs:
            self._fixed[name].update_inplace(inputs[name])
        self.session.run_with_iobinding(self._binding)
        return {name: self._fixed[name].numpy() for name in self.outputs}

    def _output_shapes(self) -> dict[str, tuple[int, ...]]:
        """Declared shapes; a graph needs them fixed."""
        shapes = {output.name: tuple(output.shape) for output in self.session.get_outputs()}
        loose = [name for name, shape in shapes.items() if any(not isinstance(size, int) for size in shape)]
        if loose:
            raise ValueError(
                f"option cuda_graph needs fixed shapes; output {loose[0]} of the model has open dimensions"
            )
        return shapes


class OnDevice:
    """An output that is still on the device; numpy fetches it when it looks at it."""

    def __init__(self, value: Any) -> None:
        """``value``: an ``OrtValue``."""
        self._value = value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Fetch."""
        array = self._value.numpy()
        return array if dtype is None else array.astype(dtype)


def _element(words: str) -> Any:
    """``tensor(float)`` as a numpy type."""
    kinds = {"float": np.float32, "float16": np.float16, "double": np.float64, "bool": np.bool_}
    name = words[len("tensor(") : -1]
    return kinds.get(name) or np.dtype(name).type


def probe(provider: str, _options: dict[str, Any]) -> tuple[str, ...]:
    """Why nothing can be executed on this machine: the build lacks the provider, or has it and no device."""
    if not on_device(provider):
        return ()
    import onnxruntime as ort

    available = ort.get_available_providers()
    if provider not in available:
        return (
            "provider {} is not in this build of ONNX Runtime {}, which has {}".format(
                provider, ort.__version__, ", ".join(available)
            ),
        )
    session = ort.InferenceSession(_smallest(), providers=[provider_entry(provider, {})])
    used = session.get_providers()
    if used and used[0] == provider:
        return ()
    listed = ", ".join(used) or "nothing"
    return (f"ONNX Runtime {ort.__version__} lists {provider}, and its sessions run on {listed}: {_cause(provider)}",)


def _smallest() -> bytes:
    """A model of one node."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    found: bytes = model.SerializeToString()
    return found


def _cause(provider: str) -> str:
    """What is missing: driver, device, or a library of the provider."""
    import onnxruntime as ort

    try:
        Cuda()
    except (AttributeError, CudaError) as error:
        return str(error)
    library = os.path.join(os.path.dirname(ort.__file__), "capi", _LIBRARIES.get(provider, ""))
    try:
        ctypes.CDLL(library)
    except OSError as error:
        return str(error)
    return "it does not say why"


def uses_tf32(path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any]) -> bool:
    """Whether float32 products are really rounded to tf32: only then do the outputs change with the setting.

    Raises `ValueError` if outputs differ from call to call anyway, so that nothing can be told.
    """
    if provider != CUDA or not device_options(provider, options)["tf32"]:
        return False
    import onnxruntime as ort

    def outputs(tf32: bool) -> list[Any]:
        entry = provider_entry(provider, {"tf32": tf32})
        session = ort.InferenceSession(path, providers=[entry])
        found: list[Any] = session.run(None, inputs)
        return found

    exact, again, rounded = outputs(False), outputs(False), outputs(True)
    if not _equal(exact, again):
        raise ValueError("outputs differ from call to call, so that whether tf32 is used cannot be told")
    return not _equal(exact, rounded)


def _equal(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(one, other))
