"""One adapter for TensorRT 11 and TensorRT for RTX: options, what can be executed here, engines that are built.

Where there is a device, `verifier.runtimes._tensorrt_engine` runs the engines and `_tensorrt_inspector` reads what
they execute. Without one the network is parsed and typed all the same, and TensorRT for RTX builds engines for every
compute capability that it knows.

Runs inside the worker process: standard library, numpy and the one tool, syntax of Python 3.8.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
from typing import Any

from verifier.runtimes.runtime import Runtime

PROVIDER = "cuda"
OPTIONS: dict[str, Any] = {
    "optimization_level": 3,
    "timing_cache": True,
    "tf32": True,
    "sparse_weights": False,
    "version_compatible": False,
    "hardware_compatibility": "none",
    "workspace_bytes": 0,
    "cuda_graph": False,
    "include_transfers": True,
    "intra_op_threads": 0,
}
"""Options and what the tool does without them. ``intra_op_threads`` is a name that every runtime here takes; an engine
on a device has no threads of its own on the host."""
OLD_OPTIONS = (
    "int8",
    "fp16",
    "fp8",
    "calibrator",
    "obey_precision_constraints",
    "prefer_precision_constraints",
)
"""Precision flags and calibrators of versions before 11: known, so that a claim of that age can be written and read."""
_COMPATIBILITY = {
    "none": "NONE",
    "ampere_plus": "AMPERE_PLUS",
    "same_compute_capability": "SAME_COMPUTE_CAPABILITY",
}
_PROBE_TIMEOUT_S = 120
_OLDEST = 11
"""First version of TensorRT whose networks are strongly typed only."""

_PROBE = """
import importlib, importlib.util, json, sys
def say(reason):
    sys.stdout.write(json.dumps([reason] if reason else []))
    sys.exit(0)
spec = importlib.util.spec_from_file_location("cuda", sys.argv[1])
cuda = importlib.util.module_from_spec(spec)
sys.modules["cuda"] = cuda
spec.loader.exec_module(cuda)
try:
    device = cuda.Cuda().device()
except (cuda.CudaError, AttributeError) as error:
    say(str(error))
trt = importlib.import_module(sys.argv[2])
class Log(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.words = []
    def log(self, severity, words):
        if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
            self.words.append(words)
log = Log()
builder = trt.Builder(log)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
layer = network.add_activation(network.add_input("x", trt.float32, (1, 64)), trt.ActivationType.RELU)
network.mark_output(layer.get_output(0))
config = builder.create_builder_config()
if "ComputeCapability" in dir(trt):
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.CURRENT, 0)
plan = builder.build_serialized_network(network, config)
engine = trt.Runtime(log).deserialize_cuda_engine(plan) if plan is not None else None
if engine is None:
    words = "; ".join(log.words[:2]) or "no more is said"
    say("%s %s does not take this device, %s of compute capability %s: %s" % (
        sys.argv[2], trt.__version__, device.name, device.capability, words))
say("")
"""
"""What a device is asked, in a process of its own: an engine that meets no driver may end its process."""


def module_of(name: str) -> Any:
    """The tool, imported. Raises `ValueError` for a version whose networks are not strongly typed."""
    tool = importlib.import_module(name)
    if name == "tensorrt" and int(str(tool.__version__).split(".")[0]) < _OLDEST:
        raise ValueError(
            f"TensorRT {tool.__version__} decides precision by flags and calibrators; this adapter drives strongly "
            f"typed networks, TensorRT {_OLDEST} and later"
        )
    return tool


def checked(provider: str, options: dict[str, Any]) -> dict[str, Any]:
    """All options with their values. Raises `ValueError` or `TypeError`."""
    if provider != PROVIDER:
        raise ValueError(f"provider {provider!r} is none of TensorRT's; it has {PROVIDER}")
    old = sorted(set(options).intersection(OLD_OPTIONS))
    if old:
        raise ValueError(_of_old(old))
    unknown = sorted(set(options).difference(OPTIONS))
    if unknown:
        raise ValueError("unknown options {}; known are {}".format(", ".join(unknown), ", ".join(OPTIONS)))
    found = dict(OPTIONS, **options)
    for name, default in OPTIONS.items():
        if isinstance(default, bool) != isinstance(found[name], bool) or not isinstance(found[name], type(default)):
            raise TypeError(f"option {name} must be {type(default).__name__}, not {found[name]!r}")
    if found["hardware_compatibility"] not in _COMPATIBILITY:
        words = ", ".join(_COMPATIBILITY)
        raise ValueError(f"option hardware_compatibility must be one of {words}")
    if not 0 <= found["optimization_level"] <= 5 or found["workspace_bytes"] < 0:
        raise ValueError("option optimization_level must be 0 to 5, and workspace_bytes not negative")
    return found


def _of_old(names: list[str]) -> str:
    return (
        f"options {', '.join(names)} belong to TensorRT before {_OLDEST}, whose builder took precision flags and "
        "calibrators; since then the types in the network decide"
    )


def configure(trt: Any, options: dict[str, Any], config: Any, *, detailed: bool = False) -> None:
    """Set a builder configuration as declared."""
    flags = trt.BuilderFlag
    config.builder_optimization_level = options["optimization_level"]
    for flag, wanted in (
        (flags.TF32, options["tf32"]),
        (flags.SPARSE_WEIGHTS, options["sparse_weights"]),
        (flags.VERSION_COMPATIBLE, options["version_compatible"]),
        (flags.DISABLE_TIMING_CACHE, not options["timing_cache"]),
    ):
        (config.set_flag if wanted else config.clear_flag)(flag)
    level = _COMPATIBILITY[options["hardware_compatibility"]]
    if level != "NONE":
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.__members__[level]
    if options["workspace_bytes"]:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options["workspace_bytes"])
    if detailed:
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED


def probe(module: str, provider: str, options: dict[str, Any]) -> tuple[str, ...]:
    """Why nothing can be executed on this machine."""
    try:
        checked(provider, options)
    except (TypeError, ValueError) as error:
        return (str(error),)
    cuda = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_cuda.py")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _PROBE, cuda, module],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return (f"{module} did not say within {_PROBE_TIMEOUT_S} s whether it can execute here",)
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it says no more"]
        return (f"{module} ends its process (exit code {done.returncode}) when it is asked for a device: {words[0]}",)
    reasons: list[str] = json.loads(done.stdout.decode("utf-8"))
    return tuple(reasons)


def open_session(module: str, path: str, provider: str, options: dict[str, Any]) -> Any:
    """Load a model on the device."""
    from verifier.inspection.graph import examine
    from verifier.runtimes._tensorrt_engine import Session

    examine(path)
    found, trt = checked(provider, options), module_of(module)
    setup = functools.partial(configure, trt, found)
    return Session(trt, path, setup, graph=found["cuda_graph"], transfers=found["include_transfers"])


def run(session: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run once, all outputs."""
    found: dict[str, Any] = session.call(inputs)
    return found


def bare(session: Any) -> Any:
    """The engine's own call with its transfers, if they count."""
    return session.bare


def built(
    module: str, path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any], target: str
) -> dict[str, Any]:
    """What parser and builder make of the model: typed products, and an engine per compute capability or a refusal.

    ``target``: compute capability of the claim's hardware; it is built for first, then each that the tool knows.
    """
    from verifier.inspection.graph import examine
    from verifier.runtimes import _tensorrt_network as network

    examine(path)
    found, trt = checked(provider, options), module_of(module)
    known, wanted = network.capabilities(trt), network.capability(target)
    try:
        parsed = network.parse(trt, path)
    except network.Refused as refusal:
        return {"tensors": [], "operators": [], "layers": [], "builds": [_refusal(wanted, str(refusal), "parser")]}
    rows = network.typed_layers(parsed.network)
    shapes = {name: tuple(value.shape) for name, value in inputs.items()}
    setup = functools.partial(configure, trt, found)
    builds = []
    if wanted and wanted not in known:
        listed = ", ".join(known) or "none but the device's own"
        builds.append(_refusal(wanted, f"{module} {trt.__version__} builds without a device for {listed}", "target"))
    for each in sorted(known, key=lambda name: name != wanted):
        try:
            plan = network.build_for(trt, network.parse(trt, path), setup, each, shapes)
        except network.Refused as refusal:
            builds.append(_refusal(each, str(refusal), "builder"))
        else:
            builds.append({"target": each, "status": "built", "bytes": plan.nbytes, "by": "builder", "message": ""})
    return {"tensors": [], "operators": network.grouped(rows), "layers": rows[:5000], "builds": builds}


def _refusal(target: str, message: str, by: str) -> dict[str, Any]:
    return {"target": target, "status": "refused", "bytes": None, "by": by, "message": message}


def executed(module: str, path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """What the engine runs, by its inspector, with the profiler's time of each layer."""
    from verifier.inspection.graph import examine
    from verifier.runtimes import _tensorrt_inspector as inspector

    examine(path)
    found, trt = checked(provider, options), module_of(module)
    return inspector.executed(trt, path, functools.partial(configure, trt, found, detailed=True), inputs, PROVIDER)


def runtime_of(name: str, module: str, distribution: str) -> Runtime:
    """The record of one of the two."""
    return Runtime(
        name=name,
        requires=(module,),
        distribution=distribution,
        options=(*OPTIONS, *OLD_OPTIONS),
        open=functools.partial(open_session, module),
        run=run,
        bare=bare,
        executed=functools.partial(executed, module),
        heads=False,
        probe=functools.partial(probe, module),
        build=functools.partial(built, module),
    )
