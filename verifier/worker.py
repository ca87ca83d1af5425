"""The worker process: holds one model in one runtime, or runs one quantizer; JSON lines on stdin and stdout.

Started by path with the interpreter of the tool chain's own environment, ``INTERPRETER -I verifier/worker.py``. It
imports the standard library, numpy, onnx for reading files, and the one tool; syntax of Python 3.8. Every request is
one line ``{"do": COMMAND, ...}``, every answer one line; a failure is one too: ``{"error": {"type", "message"}}``.
"""

from __future__ import annotations

import json
import os
import platform
import queue
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


def _own_packages() -> None:
    """Packages with a path and no code, so that plug-ins load without the parent's packages."""
    for name in ("verifier", "verifier.runtimes", "verifier.quantizers"):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(_HERE, *name.split(".")[1:])]
        sys.modules[name] = package


def _no_reports() -> None:
    """Packages that report on their users are not there: a tool that asks for one finds it not installed.

    ``openvino_telemetry`` would write into the home folder and send to the network as soon as OpenVINO is imported.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # what makes an import fail


def _plugin(folder: str, name: str) -> Any:
    """The record of a plug-in; only a file of that folder can be named."""
    import importlib

    known = sorted(f[:-3] for f in os.listdir(os.path.join(_HERE, folder)) if f.endswith(".py") and f[0] != "_")
    known = [stem for stem in known if stem != folder[:-1]]
    if name not in known:
        raise ValueError("no file for {!r} among {}: {}".format(name, folder, ", ".join(known)))
    module = importlib.import_module(f"verifier.{folder}.{name}")
    return module.RUNTIME if folder == "runtimes" else module.QUANTIZER


def _version(distribution: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def resident_bytes(field: str = "VmRSS", process: str = "self") -> int:
    """Resident set now, or its peak (``VmHWM``); 0 for a process that has ended."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0


def reset_peak(process: str = "self") -> bool:
    """Start the peak anew; not every kernel permits it."""
    try:
        with open(f"/proc/{process}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return False
    return True


def _itself() -> tuple[str, ...]:
    return ("self",)


class Worker:
    """The commands, and what is open between them."""

    def __init__(self) -> None:
        """Nothing is open yet, and nobody is told how far a command is."""
        self.tell: Callable[[dict[str, Any]], None] | None = None
        self._told = 0.0
        self.opened: Any | None = None
        self.load: Any | None = None
        self._processes: Callable[[], tuple[Any, ...]] = _itself

    def hello(self, _: dict[str, Any]) -> dict[str, Any]:
        """Versions, and the modules that were loaded."""
        return {
            "python": platform.python_version(),
            "pid": os.getpid(),
            "versions": {n: _version(n) for n in ("numpy", "onnx", "onnxruntime") if _version(n)},
            "modules": sorted(name for name in sys.modules if "." not in name),
            "hash_of_text": hash("lynxspec"),
        }

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load a model; the resident set before that is what the process itself takes."""
        from verifier.heads import Head
        from verifier.workload import Opened

        runtime = _plugin("runtimes", request["runtime"])
        for module in runtime.requires:
            __import__(module)
        if runtime.start is not None:
            self._processes = runtime.start(request["provider"], request.get("options", {}))
        self._reset_peak()
        baseline = self._resident("VmRSS")
        self.opened = Opened(runtime, request, None if runtime.heads else Head)
        self.load = None
        others = [] if runtime.start is None else list(self._processes())
        versions = map(_version, runtime.builds_of(request["provider"]))
        version = next(filter(None, versions), "") if runtime.version is None else runtime.version()
        return {"baseline_memory_bytes": baseline, "version": version, "processes": others}

    def evaluate(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the model over a data set and keep its outputs."""
        answer = self._model().evaluate(request)
        return dict(answer, peak_memory_bytes=self._resident("VmHWM"))

    def prepare_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Lay batches ready in memory."""
        from verifier.loadgen import PreparedLoad

        self.load = PreparedLoad(self._model(), request)
        return {"batches": len(self.load.batches), "bytes": self.load.size, "all": self.load.all_inputs}

    def block(self, request: dict[str, Any]) -> dict[str, Any]:
        """One timed stretch."""
        if self.load is None:
            raise ValueError("block comes after prepare_load")
        answer: dict[str, Any] = self.load.block(request)
        return answer

    def probe(self, request: dict[str, Any]) -> dict[str, Any]:
        """Rate of a fixed matrix product: what the machine gives at this moment.

        The median over the products: the mean takes what our own workers' threads still do, after a block, for the
        machine's speed.
        """
        import numpy as np

        from_seed = np.random.RandomState(0)
        a, b = (from_seed.rand(512, 512).astype(np.float32) for _ in range(2))
        out = np.empty((512, 512), np.float32)
        for _ in range(3):
            np.matmul(a, b, out=out)
        taken: list[int] = []
        now = time.perf_counter_ns()
        deadline = now + int(request["seconds"] * 1e9)
        while now < deadline:
            began = now
            np.matmul(a, b, out=out)
            now = time.perf_counter_ns()
            taken.append(now - began)
        return {
            "gflops": 2 * 512**3 / float(np.median(taken)),
            "threads": int(os.environ.get("OPENBLAS_NUM_THREADS") or os.cpu_count() or 1),
        }

    def memory(self, request: dict[str, Any]) -> dict[str, Any]:
        """Peak resident set since the model was opened; ``reset`` starts it anew."""
        peak = self._resident("VmHWM")
        reset = self._reset_peak() if request.get("reset") else False
        return {"peak_memory_bytes": peak, "memory_bytes": self._resident("VmRSS"), "reset": reset}

    def _resident(self, field: str) -> int:
        """Of the processes in which the model lives; of several the sum of their peaks, which is the most they held."""
        return sum(resident_bytes(field, str(process)) for process in self._processes())

    def _reset_peak(self) -> bool:
        done = [reset_peak(str(process)) for process in self._processes()]  # each of them, whatever the first one says
        return all(done)

    def check(self, request: dict[str, Any]) -> dict[str, Any]:
        """Why the tool cannot do a recipe."""
        return {"reasons": list(_plugin("quantizers", request["tool"]).check(request["job"]))}

    def quantize(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write the quantized model."""
        tool = _plugin("quantizers", request["tool"])
        reasons = tool.check(request["job"])
        if reasons:
            raise ValueError("the tool cannot do this recipe: " + "; ".join(reasons))
        job = dict(request["job"], report=self._report if request.get("tell") else None)
        return dict(tool.quantize(job), version=_version(tool.distribution))

    def _report(self, done: float, note: str) -> None:
        """Say how far a command is, at most twice a second."""
        now = time.monotonic()
        if self.tell is not None and now - self._told >= 0.5:
            self._told = now
            self.tell({"progress": done, "note": note})

    def variants(self, request: dict[str, Any]) -> dict[str, Any]:
        """The recipe with each option changed in turn."""
        return {"variants": [list(v) for v in _plugin("quantizers", request["tool"]).variants(request["job"])]}

    def probe_runtime(self, request: dict[str, Any]) -> dict[str, Any]:
        """Why the engine can execute nothing on this machine."""
        runtime = _plugin("runtimes", request["runtime"])
        return {"reasons": list(runtime.probe(request["provider"], request.get("options", {})))}

    def inspect(self, request: dict[str, Any]) -> dict[str, Any]:
        """Precision ledger of a file: by the engine whose own format it is, else as ONNX."""
        if request.get("runtime"):
            answer: dict[str, Any] = _plugin("runtimes", request["runtime"]).inspect(request["model"])
            return answer
        from verifier.inspection.whole import inspect

        return inspect(request["model"])

    def weight_error(self, request: dict[str, Any]) -> dict[str, Any]:
        """Distance of quantized weights from the reference's."""
        if request["quantized"].endswith(".pt2"):
            from verifier.inspection.program_weights import weight_error as of_programs

            return of_programs(request["reference"], request["quantized"])
        if request["quantized"].endswith(".tflite"):
            from verifier.inspection.litert_weights import weight_error as of_flatbuffers

            return of_flatbuffers(request["reference"], request["quantized"])
        from verifier.inspection.weights import weight_error

        return weight_error(request["reference"], request["quantized"])

    def compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Two quantized files, tensor by tensor."""
        if request["supplied"].endswith(".pt2"):
            from verifier.inspection.program_weights import compare as of_programs

            return of_programs(request["supplied"], request["recipe"])
        if request["supplied"].endswith(".tflite"):
            from verifier.inspection.litert_weights import compare as of_flatbuffers

            return of_flatbuffers(request["supplied"], request["recipe"])
        from verifier.inspection.weights import compare

        return compare(request["supplied"], request["recipe"])

    def signal(self, request: dict[str, Any]) -> dict[str, Any]:
        """The quantized model beside its reference, layer by layer."""
        from verifier.inspection.signal import signal
        from verifier.workload import fetched

        runtime = _plugin("runtimes", request["runtime"])
        return signal(request, runtime.open, lambda session, inputs: fetched(runtime.run(session, inputs)))

    def build(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the engine's parser and builder make of a model, without executing it."""
        from verifier.workload import first_batch

        runtime = _plugin("runtimes", request["runtime"])
        answer: dict[str, Any] = runtime.build(
            request["model"], request["provider"], request.get("options", {}), first_batch(request), request["target"]
        )
        return answer

    def executed(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the runtime really runs."""
        from verifier.workload import first_batch

        runtime = _plugin("runtimes", request["runtime"])
        inputs = first_batch(request)
        answer: dict[str, Any] = runtime.executed(
            request["model"], request["provider"], request.get("options", {}), inputs
        )
        return answer

    def _model(self) -> Any:
        if self.opened is None:
            raise ValueError("no model is open")
        return self.opened


_COMMANDS: dict[str, Callable[[Worker, dict[str, Any]], dict[str, Any]]] = {
    "hello": Worker.hello,
    "open": Worker.open,
    "evaluate": Worker.evaluate,
    "prepare_load": Worker.prepare_load,
    "block": Worker.block,
    "probe": Worker.probe,
    "memory": Worker.memory,
    "check": Worker.check,
    "quantize": Worker.quantize,
    "variants": Worker.variants,
    "probe_runtime": Worker.probe_runtime,
    "inspect": Worker.inspect,
    "weight_error": Worker.weight_error,
    "compare": Worker.compare,
    "build": Worker.build,
    "executed": Worker.executed,
    "signal": Worker.signal,
}


def _command(request: dict[str, Any]) -> Callable[[Worker, dict[str, Any]], dict[str, Any]]:
    name = request.get("do")
    if name not in _COMMANDS:
        raise ValueError(f"unknown command {name!r}; known are {', '.join(_COMMANDS)}")
    return _COMMANDS[name]


def _answer(worker: Worker, line: bytes) -> bytes:
    try:
        request = json.loads(line.decode("utf-8"))
        return json.dumps(_command(request)(worker, request), allow_nan=False, default=_plain).encode("utf-8")
    except Exception as error:  # noqa: BLE001 - a failure is an answer: the parent decides what it means
        import traceback

        traceback.print_exc(file=sys.stderr)
        failure = {"type": type(error).__name__, "message": str(error) or type(error).__name__}
        return json.dumps({"error": failure}).encode("utf-8")


def _limit_memory(limit: str | None) -> None:
    if limit:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))


def _read(source: Any, lines: Any) -> None:
    """Hand lines over; when the parent is gone its pipe closes, and a measurement of nobody must not run on."""
    for line in iter(source.readline, b""):
        lines.put(line)
    os._exit(0)


def main() -> None:
    """Serve until the parent closes the pipe. What tools print goes to stderr, so that it cannot break the protocol."""
    _own_packages()
    _no_reports()
    _limit_memory(os.environ.get("LYNXSPEC_WORKER_MEMORY"))
    if sys.argv[1:2] == ["examine"]:
        sys.exit(_examine(sys.argv[2]))
    source = os.fdopen(os.dup(0), "rb")
    target = os.fdopen(os.dup(1), "wb", 0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    lines: Any = queue.SimpleQueue()
    threading.Thread(target=_read, args=(source, lines), daemon=True).start()
    worker = Worker()
    worker.tell = lambda told: _send(target, json.dumps(told).encode("utf-8"))
    while True:
        _send(target, _answer(worker, lines.get()))


def _send(target: Any, line: bytes) -> None:
    left = memoryview(line + b"\n")
    while left:
        left = left[target.write(left) :]


def _examine(path: str) -> int:
    """For runtimes: look at a model file in a process of its own; what is wrong goes to stdout."""
    from verifier.inspection.graph import examine

    try:
        examine(path)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the file is the answer
        sys.stdout.write(str(error) or type(error).__name__)
        return 1
    return 0


def _plain(value: Any) -> Any:
    """Scalars of numpy as plain numbers."""
    return value.item()


if __name__ == "__main__":
    main()
