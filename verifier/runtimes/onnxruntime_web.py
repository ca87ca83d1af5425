"""ONNX Runtime Web (the npm package ``onnxruntime-web``) in a page of a headless browser: WebAssembly, WebGL or WebGPU.

Runs inside the worker process: standard library, numpy, and onnx for reading files; syntax of Python 3.8. The folder of
the npm package comes from the environment variable ``LYNXSPEC_NPM_ONNXRUNTIME_WEB``. Rates are measured inside the page
with the page's own clock, over batches that were laid ready in it: what it takes to hand arrays to a browser counts
nowhere. The browser is part of what is measured, so that the executed ledger names it.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import tempfile
import time
import weakref
from typing import TYPE_CHECKING, Any

from verifier.runtimes.runtime import Runtime

if TYPE_CHECKING:
    from verifier.runtimes._browser import Page

    Arrays = dict[str, Any]

PACKAGE = "LYNXSPEC_NPM_ONNXRUNTIME_WEB"
"""Environment variable with the folder of the unpacked npm package."""
_SCRIPTS = {"wasm": "ort.wasm.min.mjs", "webgl": "ort.webgl.min.mjs", "webgpu": "ort.webgpu.min.mjs"}
"""The package's own entry points of each provider, each with nothing but that provider beside WebAssembly."""
_FLAGS = {
    "wasm": ("--disable-gpu",),
    "webgl": (),
    "webgpu": ("--enable-unsafe-webgpu", "--enable-features=Vulkan"),
}
_LEVELS = ("disabled", "basic", "extended", "layout", "all")
_OPTIONS = (
    "intra_op_threads",
    "graph_optimization",
    "execution_mode",
    "mem_arena",
    "mem_pattern",
    "prepacking",
    "flush_denormals",
)
_EMPTY = "CAg6LwoQCgF4EgF5IghJZGVudGl0eRIBZVoLCgF4EgYKBAgBEgBiCwoBeRIGCgQIARIAQgQKABAR"
"""An ONNX model that hands its input on: with it the engine is loaded before any model that is measured."""
_SOFTWARE = ("swiftshader", "llvmpipe", "softpipe", "basic render")
"""Words in the names of graphics adapters that are programs on the processor."""


class _Session:
    """A session in the page."""

    def __init__(self, page: Page, number: int, answer: dict[str, Any]) -> None:
        self.page = page
        self.number = number
        self.inputs = list(answer["inputs"])
        self.outputs = list(answer["outputs"])


class _Engine:
    """The page with the engine in it, and the sessions that nobody needs any more."""

    def __init__(self, provider: str, options: dict[str, Any], watched: bool = False) -> None:
        folder = _package()
        page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_onnxruntime_web")
        files = {"page.html": page + ".html", "page.js": page + ".js"}
        for name in os.listdir(os.path.join(folder, "dist")):
            if name.endswith((".mjs", ".wasm")):
                files["dist/" + name] = os.path.join(folder, "dist", name)
        self.page = _browser().Page(files, _FLAGS[provider])
        self.numbers = itertools.count(1)
        self.unused: list[int] = []
        if not self.page.hello["isolated"]:
            raise RuntimeError("the page is not isolated from others: it has neither threads nor a fine clock")
        command = {"do": "start", "script": _SCRIPTS[provider], "provider": provider, "empty": _EMPTY}
        self.about, _ = self.page.ask(dict(command, threads=_threads(options), watched=watched))
        wanted = _threads(options)
        if provider == "wasm" and wanted and self.about["threads"] != wanted:
            raise RuntimeError(f"{wanted} threads were asked for, the engine takes {self.about['threads']}")

    def open(self, path: str, options: dict[str, Any], optimized: bool = False) -> tuple[_Session, Any]:
        """A session, and its optimized graph where that is asked for."""
        while self.unused:
            self.page.ask({"do": "release", "ids": [self.unused.pop()]})
        number = next(self.numbers)
        name = f"model-{number}"
        self.page.serve(name, path)
        try:
            command = {"do": "open", "id": number, "file": name, "options": options, "optimized": optimized}
            answer, graph = self.page.ask(command)
        finally:
            self.page.serve(name, None)
        session = _Session(self.page, number, answer)
        weakref.finalize(session, self.unused.append, number)
        return session, graph.get("optimized")


def _browser() -> Any:
    from verifier.runtimes import _browser as module

    return module


def _package() -> str:
    """Folder of the npm package. Raises `ValueError`."""
    folder = os.environ.get(PACKAGE, "")
    if not folder or not os.path.isfile(os.path.join(folder, "package.json")):
        raise ValueError(f"no npm package onnxruntime-web: {PACKAGE} names no folder with a package.json")
    return folder


def version() -> str:
    """Version that the package states, empty without a package."""
    try:
        with open(os.path.join(_package(), "package.json"), encoding="utf-8") as file:
            return str(json.load(file)["version"])
    except (OSError, ValueError, KeyError):
        return ""


def _threads(options: dict[str, Any]) -> int:
    value = options.get("intra_op_threads", 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"option intra_op_threads must be a whole number, not {value!r}")
    return value


def _session_options(provider: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options as the package takes them; what the claim leaves open stays at the package's own default."""
    unknown = sorted(set(options).difference(_OPTIONS))
    if unknown:
        raise ValueError("unknown session options {}; known are {}".format(", ".join(unknown), ", ".join(_OPTIONS)))
    settings: dict[str, Any] = {"executionProviders": [provider], "extra": {"session": {}}}
    level = options.get("graph_optimization", "all")
    if level not in _LEVELS:
        raise ValueError("option graph_optimization must be one of {}, not {!r}".format(", ".join(_LEVELS), level))
    settings["graphOptimizationLevel"] = level
    if "execution_mode" in options:
        if options["execution_mode"] not in ("sequential", "parallel"):
            raise ValueError(f"option execution_mode must be sequential or parallel, not {options['execution_mode']!r}")
        settings["executionMode"] = options["execution_mode"]
    for name, theirs in (("mem_arena", "enableCpuMemArena"), ("mem_pattern", "enableMemPattern")):
        if name in options:
            settings[theirs] = _flag(options, name)
    if "prepacking" in options:
        settings["extra"]["session"]["disable_prepacking"] = "0" if _flag(options, "prepacking") else "1"
    if "flush_denormals" in options:
        settings["extra"]["session"]["set_denormal_as_zero"] = "1" if _flag(options, "flush_denormals") else "0"
    return settings


def _flag(options: dict[str, Any], name: str) -> bool:
    value = options[name]
    if not isinstance(value, bool):
        raise TypeError(f"option {name} must be true or false, not {value!r}")
    return value


def _require_provider(provider: str) -> None:
    if provider not in _SCRIPTS:
        raise ValueError("provider {} is none of {}".format(provider, ", ".join(_SCRIPTS)))


@functools.lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def _engine(provider: str, threads: int) -> _Engine:
    """One page per process and setting: a browser for each model would take longer to start than the model to run."""
    return _Engine(provider, {"intra_op_threads": threads})


def start(provider: str, options: dict[str, Any]) -> Any:
    """Start browser and engine without a model; what is returned lists the processes that the engine lives in."""
    _require_provider(provider)
    return _engine(provider, _threads(options)).page.processes


def open_session(path: str, provider: str, options: dict[str, Any]) -> _Session:
    """Load a model on that provider."""
    from verifier.inspection.graph import examine

    _require_provider(provider)
    settings = _session_options(provider, options)
    examine(path)
    return _engine(provider, _threads(options)).open(path, settings)[0]


def run(session: _Session, inputs: Arrays) -> Arrays:
    """Run once, all outputs."""
    outputs: Arrays = session.page.ask({"do": "run", "id": session.number}, inputs)[1]
    return {name: outputs[name] for name in session.outputs}


def bare(session: _Session) -> Any:
    """The same: the engine's own call cannot be made from here, `timed` compares the loops inside the page."""
    return functools.partial(run, session)


class _Remote:
    """Batches in the page, and loops over them there."""

    def __init__(self, session: _Session, batches: list[Arrays]) -> None:
        self._session = session
        tensors = {f"{number}/{name}": array for number, batch in enumerate(batches) for name, array in batch.items()}
        answer, _ = session.page.ask({"do": "lay", "id": session.number, "count": len(batches)}, tensors)
        self.sizes: dict[str, int] = answer["sizes"]

    def clocks(self) -> tuple[int, int, int]:
        """Our clock, the page's, and how long it took to read both, in nanoseconds; the shortest of three readings."""
        readings = []
        for _ in range(3):
            before = time.perf_counter_ns()
            there = self._session.page.ask({"do": "now"})[0]["now"]
            after = time.perf_counter_ns()
            readings.append(((before + after) // 2, int(there * 1e6), after - before))
        return min(readings, key=lambda reading: reading[2])

    def loop(self, command: dict[str, Any]) -> dict[str, Any]:
        """Calls one after another; see `verifier.runtimes.runtime.Runtime.timed`."""
        answer, tensors = self._session.page.ask(dict(command, do="loop", id=self._session.number))
        found = {"calls": answer["calls"], "elapsed_ns": int(answer["elapsed"] * 1e6), "kept": {}}
        if "ends" in tensors:
            found.update({name: (tensors[name] * 1e6).round().astype("int64") for name in ("ends", "durations")})
        for place, index in answer.get("kept", ()):
            outputs = {name: tensors[f"{place}/{name}"] for name in command["wanted"]}
            found["kept"][place] = (index, outputs)
        return found


def timed(session: _Session, batches: list[Arrays]) -> _Remote:
    """Lay the batches ready in the page; its loops are described at `verifier.runtimes.runtime.Runtime.timed`."""
    return _Remote(session, batches)


def executed(path: str, provider: str, options: dict[str, Any], inputs: Arrays) -> dict[str, Any]:
    """Products of the graph that the engine optimized in the browser. Raises `ValueError` where it cannot be seen.

    The WebAssembly build writes no profile (its interface drops the setting), so that there are no shares of time.
    """
    from verifier.inspection.graph import examine, load
    from verifier.inspection.ledger import layers, operator_groups, product_rows, survey, tensor_groups

    _require_provider(provider)
    if provider != "wasm":
        raise ValueError(
            f"the engine does not tell which operators ran on {provider} and which on the processor: what was executed "
            "cannot be seen"
        )
    settings = _session_options(provider, options)
    examine(path)
    engine = _Engine(provider, options, watched=True)
    session, graph = engine.open(path, settings, optimized=True)
    run(session, inputs)
    if graph is None or not len(graph):
        raise ValueError("the engine wrote no optimized graph: what it executes cannot be seen")
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        with open(optimized, "wb") as file:
            file.write(graph.tobytes())
        found = survey(load(optimized), executed=True)
    named = layers(found)
    return {
        "provider": provider,
        "operators": [dict(group, time_share=None) for group in operator_groups(found.products)],
        "layers": [dict(row, time_share=None) for row in product_rows(found.products)],
        "time": [],
        "tensors": tensor_groups(found.entries),
        "float_products": [
            {"name": product.node, "op_type": product.op_type, "dequantized": product.dequantized}
            for product in found.products
            if product.compute not in ("int8", "int16")
        ],
        "first_layer": named["first_layer"],
        "last_layer": named["last_layer"],
        "notes": [
            f"onnxruntime-web {version()} in {engine.page.hello['browser']}, {engine.about['threads']} threads",
            "the WebAssembly build writes no profile: products are counted, their time is not known",
        ],
    }


def probe(provider: str, options: dict[str, Any]) -> tuple[str, ...]:
    """Reasons why nothing can be executed here: no browser, no package, no adapter but a program on the processor."""
    reasons = []
    if provider not in _SCRIPTS:
        reasons.append("provider {} is none of {}".format(provider, ", ".join(_SCRIPTS)))
    if _browser().find() is None:
        reasons.append("no browser of the Chromium family is on the path")
    try:
        _package()
    except ValueError as error:
        reasons.append(str(error))
    if reasons:
        return tuple(reasons)
    try:
        hello = start(provider, options).__self__.hello
    except RuntimeError as error:
        return (f"the engine does not start: {error}",)
    return _adapter_reasons(provider, hello) if provider != "wasm" else ()


def _adapter_reasons(provider: str, hello: dict[str, Any]) -> tuple[str, ...]:
    adapter = hello[provider]
    if adapter is None:
        return (f"the browser has no adapter for {provider}",)
    software = any(word in adapter.lower() for word in _SOFTWARE)
    if software or (provider == "webgpu" and hello["webgpuFallback"]):
        return (f"the browser's only adapter for {provider} is a program on the processor: {adapter}",)
    return ()


RUNTIME = Runtime(
    name="onnxruntime-web",
    requires=(),
    distribution="",
    options=_OPTIONS,
    open=open_session,
    run=run,
    bare=bare,
    executed=executed,
    companions=("numpy", "onnx"),
    heads=False,
    probe=probe,
    start=start,
    timed=timed,
    version=version,
    npm="onnxruntime-web",
)
