"""PyTorch as an engine: ``torch.export`` programs, eager or compiled, on the CPU or a CUDA device.

Runs inside the worker process: standard library, numpy and torch, syntax of Python 3.8. Nothing is unpickled: see
`verifier.inspection.program`. FP32 products run in FP32 unless the option ``matmul_precision`` says otherwise, whatever
a version's default is; what they really run in is measured and goes into the ledger.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from verifier.inspection.program_archive import SUFFIX
from verifier.runtimes.runtime import Runtime

_PRECISIONS = ("highest", "high", "medium")
_MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
_ENGINES = ("x86", "fbgemm", "onednn", "qnnpack")
_WORDS = {"matmul_precision": _PRECISIONS, "compile_mode": _MODES, "quantized_engine": _ENGINES}
_FLAGS = ("compile", "cuda_graph", "deterministic", "flush_denormals")
_OPTIONS = ("intra_op_threads", *_WORDS, *_FLAGS)
_PROFILED_RUNS = 5
"""Runs whose times are added up, after some that are not counted."""
_WARM_RUNS = 2
_EVENT_SECONDS = 1.0
"""Time over which a device's own rate is taken."""


class Session:
    """A loaded program: what is called, and how numpy arrays reach it."""

    def __init__(self, path: str, provider: str, options: dict[str, Any]) -> None:
        """Load; raises `ValueError` for unknown options, an unsafe file, or a device that is not there."""
        import torch

        from verifier.pytorch_programs import callable_module, load, torch_type

        reasons = probe(provider, options)
        if reasons:
            raise ValueError("; ".join(reasons))
        apply(options)
        self.program, exported = load(path)
        self.device = torch.device("cuda" if provider == "cuda" else "cpu")
        if provider == "cuda":
            from torch.export.passes import move_to_device_pass

            exported = move_to_device_pass(exported, "cuda")
        self.module: Callable[..., Any] = callable_module(exported)
        if options.get("compile", False):
            self.module = torch.compile(self.module, mode=options.get("compile_mode", "default"), dynamic=False)
        self.inputs = list(self.program.inputs)
        self.outputs = [name for name, _ in self.program.outputs]
        self._types = [torch_type(self.program.formats[name]) for name in self.program.placed]
        self._graphed = options.get("cuda_graph", False)
        # a graph has one set of buffers: what one caller replays, another must not overwrite before it is fetched
        self.turn: Any = threading.Lock() if self._graphed else contextlib.nullcontext()
        self._graphs: dict[tuple[Any, ...], Any] = {}

    def tensors(self, inputs: dict[str, Any]) -> list[Any]:
        """Inputs on the device, in the type that the program takes."""
        import torch

        given = (torch.from_numpy(np.ascontiguousarray(inputs[name])) for name in self.inputs)
        return [tensor.to(self.device, kind) for tensor, kind in zip(given, self._types)]

    def call(self, tensors: list[Any]) -> list[Any]:
        """Run once; the outputs may still be computed when this returns."""
        import torch

        if self._graphed:
            return self._replayed(tensors)
        with torch.inference_mode():
            return self._outputs(self._direct(tensors))

    def _direct(self, tensors: list[Any]) -> Any:
        plain = len(tensors) - self.program.keywords
        return self.module(*tensors[:plain], **dict(zip(self.inputs[plain:], tensors[plain:])))

    def _outputs(self, found: Any) -> list[Any]:
        if isinstance(found, dict):
            return [found[name] for name in self.outputs]
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def _replayed(self, tensors: list[Any]) -> list[Any]:
        """By a CUDA graph, captured once for each set of input shapes."""
        import torch

        key = tuple(tuple(tensor.shape) for tensor in tensors)
        if key not in self._graphs:
            held = [tensor.clone() for tensor in tensors]
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.inference_mode(), torch.cuda.stream(side):
                for _ in range(3):  # before capture, libraries allocate their work space (PyTorch, CUDA semantics)
                    self._direct(held)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.inference_mode(), torch.cuda.graph(graph):
                made = self._outputs(self._direct(held))
            self._graphs[key] = graph, held, made
        graph, held, made = self._graphs[key]
        for into, tensor in zip(held, tensors):
            into.copy_(tensor)
        graph.replay()
        return list(made)

    def arrays(self, outputs: list[Any]) -> dict[str, Any]:
        """Outputs as numpy arrays; fetching them waits for the device. BF16, which numpy lacks, comes as FP32."""
        import torch

        wide = (tensor.float() if tensor.dtype is torch.bfloat16 else tensor for tensor in outputs)
        return {name: tensor.cpu().numpy() for name, tensor in zip(self.outputs, wide)}


def apply(options: dict[str, Any]) -> None:
    """Settings of the whole process; raises `ValueError` for one outside the vocabulary."""
    import torch

    check_options(options)
    torch.set_num_threads(options.get("intra_op_threads") or torch.get_num_threads())
    torch.set_float32_matmul_precision(options.get("matmul_precision", "highest"))
    # convolutions have a switch of their own, which is on by default
    torch.backends.cudnn.allow_tf32 = options.get("matmul_precision", "highest") != "highest"
    if options.get("deterministic", False):
        # cuBLAS repeats only with a work space of its own, which it reads from here when it starts (CUDA, cuBLAS API)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(options.get("deterministic", False))
    torch.set_flush_denormal(options.get("flush_denormals", False))
    if "quantized_engine" in options:
        torch.backends.quantized.engine = options["quantized_engine"]


def check_options(options: dict[str, Any]) -> None:
    """Raise `ValueError` or `TypeError` for what is not in the vocabulary; no option names a file or a library."""
    unknown = sorted(set(options).difference(_OPTIONS))
    if unknown:
        raise ValueError("unknown session options {}; known are {}".format(", ".join(unknown), ", ".join(_OPTIONS)))
    threads = options.get("intra_op_threads", 0)
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
        raise ValueError(f"option intra_op_threads must be a whole number, not {threads!r}")
    for name, words in _WORDS.items():
        if name in options and options[name] not in words:
            raise ValueError("option {} must be one of {}, not {!r}".format(name, ", ".join(words), options[name]))
    for name in _FLAGS:
        if not isinstance(options.get(name, False), bool):
            raise TypeError(f"option {name} must be true or false, not {options[name]!r}")
    if "compile_mode" in options and not options.get("compile", False):
        raise ValueError("option compile_mode has a meaning only with compile: true")


def probe(provider: str, options: dict[str, Any]) -> tuple[str, ...]:
    """Why nothing can be executed here; empty if it can."""
    import torch

    if provider not in ("cpu", "cuda"):
        return (f"PyTorch has no provider {provider!r} here; known are cpu, cuda",)
    if provider == "cpu":
        return ("CUDA graphs need provider cuda",) if options.get("cuda_graph", False) else ()
    if torch.version.cuda is None:
        return (f"provider cuda: the installed PyTorch {torch.__version__} is built without CUDA",)
    if not torch.cuda.is_available():
        return ("provider cuda: no CUDA device is visible to PyTorch on this machine",)
    return ()


def open_session(path: str, provider: str, options: dict[str, Any]) -> Session:
    """Load a program."""
    return Session(path, provider, options)


def run(session: Session, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run once, all outputs; inputs and outputs are in the host's memory, so that the device was waited for."""
    with session.turn:
        return session.arrays(session.call(session.tensors(inputs)))


def bare(session: Session) -> Callable[[dict[str, Any]], Any]:
    """PyTorch's own call, as its documentation shows it: tensors in, tensors out."""
    import torch

    def call(inputs: dict[str, Any]) -> Any:
        with session.turn, torch.inference_mode():
            found = session.call([torch.from_numpy(inputs[name]).to(session.device) for name in session.inputs])
            return [tensor.cpu() for tensor in found]

    return call


def inspect(path: str) -> dict[str, Any]:
    """Precision ledger of a program, read without PyTorch."""
    from verifier.inspection.program_ledger import inspect as ledger

    return ledger(path)


def executed(path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Profile: products by the format they compute in, with their share of the time."""
    from verifier.inspection.ledger import layers, tensor_groups
    from verifier.inspection.program_ledger import survey
    from verifier.runtimes._pytorch_trace import kind_of, read_trace

    # a replayed graph is one launch to the profiler; its kernels are those of the same calls made one by one
    session = open_session(path, provider, dict(options, cuda_graph=False) if provider == "cuda" else options)
    trace = read_trace(_profiled(session, inputs))
    found, _ = survey(session.program)
    float32 = measured_format(str(session.device))
    ran = [
        each._replace(compute=float32) if each.compute == "fp32" and not each.by_kernel else each
        for each in trace.products
    ]
    per_run = len(ran) // _PROFILED_RUNS
    total = trace.total or 1.0
    notes = [] if float32 == "fp32" else [f"FP32 matrix products are computed in {float32} on this machine"]
    kinds = [kind_of(each.operator) for each in ran[:per_run]]
    same = kinds == [kind_of(product.op_type) for product in found.products] and not options.get("compile", False)
    names = [product.node for product in found.products] if same else [""] * per_run
    if not same:
        notes.append(
            f"the file has {len(found.products)} products and {per_run} were executed per run, compiled or in another "
            "form, so that the executed ones are not told apart by layer"
        )
    notes += _device_notes(path, provider, options, inputs)
    rows = _rows(ran, per_run, names)
    named = layers(found)
    return {
        "provider": provider,
        "operators": _groups(rows, total),
        "layers": _layers(rows, found.products, total) if same else [],
        "time": [
            {"op_type": name, "count": count // _PROFILED_RUNS, "time_share": spent / total}
            for name, (count, spent) in sorted(trace.others.items())
            if count >= _PROFILED_RUNS
        ],
        "tensors": tensor_groups(found.entries),
        "float_products": [
            {"name": name or operator, "op_type": operator, "dequantized": False}
            for name, operator, compute, _ in rows
            if not compute.startswith(("int", "fp8"))
        ],
        "first_layer": named["first_layer"],
        "last_layer": named["last_layer"],
        "notes": notes,
    }


def _profiled(session: Session, inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Events of the counted runs."""
    from torch.profiler import ProfilerActivity, profile

    for _ in range(_WARM_RUNS):
        run(session, inputs)
    kinds = [ProfilerActivity.CPU]
    if session.device.type == "cuda":
        kinds.append(ProfilerActivity.CUDA)
    tensors = session.tensors(inputs)
    with profile(activities=kinds, record_shapes=True) as recorded:
        for _ in range(_PROFILED_RUNS):
            session.arrays(session.call(tensors))
    handle, path = tempfile.mkstemp(suffix=".json", prefix="lynxspec-")
    os.close(handle)
    try:
        recorded.export_chrome_trace(path)
        with open(path, encoding="utf-8") as file:
            events: list[dict[str, Any]] = json.load(file)["traceEvents"]
    finally:
        os.unlink(path)
    return events


def measured_format(device: str) -> str:
    """Format in which an FP32 matrix product is computed under the present settings, by what it rounds away.

    1 + 2**-12 needs 12 bits of significand: FP32 keeps it, TF32 (10) and BF16 (7) do not; 1 + 2**-9 tells those two
    apart. A product with the identity would give either back unchanged.
    """
    import torch

    if device != "cpu" and not torch.cuda.is_available():
        raise ValueError("no CUDA device is visible to PyTorch on this machine")
    size = 512
    unit = torch.eye(size, device=device)
    kept = [
        bool((torch.full((size, size), 1 + 2.0**power, device=device) @ unit == 1 + 2.0**power).all())
        for power in (-12, -9)
    ]
    return "fp32" if kept[0] else "tf32" if kept[1] else "bf16"


def _device_notes(path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    """What the device did by its own clock, with the options as declared."""
    import torch

    from verifier.runtimes._pytorch_device import rates

    if provider != "cuda":
        return []
    found = rates(open_session(path, provider, options), inputs, _EVENT_SECONDS)
    major, minor = torch.cuda.get_device_capability()
    batch = len(next(iter(inputs.values())))
    return [
        f"{torch.cuda.get_device_name()}, compute capability {major}.{minor}",
        f"{found.calls_per_second * batch:.6g} items per second by CUDA events; inputs lie on the device",
        f"{found.input_bytes} bytes of inputs in turns; the cache holds {found.cache_bytes}",
        f"peak of the device memory that PyTorch allocated: {found.peak_bytes} bytes",
    ]


def _rows(ran: list[Any], per_run: int, names: list[str]) -> list[tuple[str, str, str, float]]:
    """Each product of a run once: name, operator, format, time over all runs. Raises `ValueError` if runs differ."""
    if len(ran) != per_run * _PROFILED_RUNS:
        raise ValueError(f"{len(ran)} products were seen in {_PROFILED_RUNS} runs: they differ from run to run")
    found = []
    for at in range(per_run):
        mine = ran[at::per_run]
        found.append((names[at], mine[0].operator, mine[0].compute, sum(each.micros for each in mine)))
    return found


def _groups(rows: list[tuple[str, str, str, float]], total: float) -> list[dict[str, Any]]:
    from verifier.inspection.ledger import MOST_NAMES

    groups: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for name, operator, compute, micros in rows:
        groups.setdefault((operator.split("::")[-1], compute), []).append((name, micros))
    return [
        {
            "op_type": key[0],
            "compute": key[1],
            "count": len(members),
            "examples": [name for name, _ in members if name][:MOST_NAMES],
            "time_share": sum(micros for _, micros in members) / total,
        }
        for key, members in sorted(groups.items())
    ]


def _layers(rows: list[tuple[str, str, str, float]], products: Any, total: float) -> list[dict[str, Any]]:
    from verifier.inspection.ledger import product_rows

    return [
        dict(listed, compute=row[2], time_share=row[3] / total) for listed, row in zip(product_rows(products), rows)
    ]


RUNTIME = Runtime(
    name="pytorch",
    requires=("torch",),
    distribution="torch",
    options=_OPTIONS,
    open=open_session,
    run=run,
    bare=bare,
    executed=executed,
    companions=("numpy", "onnx", "torchao"),
    formats=(SUFFIX,),
    quantizers=("pytorch", "torchao"),
    heads=False,
    inspect=inspect,
    probe=probe,
)
