"""ONNX Runtime Web in a real browser: outputs, what it executes, loops in the page, and the browser's end."""

from __future__ import annotations

import base64
import importlib.util
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.environments import interpreter_of
from verifier.environments import npm
from verifier.errors import MaterialUnavailable, ToolFailed
from verifier.process import Worker
from verifier.runtimes import _browser, onnxruntime_web

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "mobilenetv2-mnist"
VERSION = "1.30.0"


@pytest.fixture(scope="module")
def package():
    """Folder of the npm package: the reader's own, or one that is in the cache already."""
    own = os.environ.get(onnxruntime_web.PACKAGE)
    found = npm.find("onnxruntime-web", VERSION)
    if not own and found is None:
        pytest.skip(f"onnxruntime-web is not in the cache; {onnxruntime_web.PACKAGE} may name its folder")
    return own or str(found.folder)


@pytest.fixture(scope="module")
def start(package):
    """Starts a worker that is told where the package is."""
    if _browser.find() is None:
        pytest.skip("no browser of the Chromium family is on the path")
    interpreter = interpreter_of("onnxruntime-web")
    return lambda: Worker(interpreter=interpreter, env={onnxruntime_web.PACKAGE: package}, threads=1)


@pytest.fixture(scope="module")
def worker(start):
    with start() as process:
        yield process


def opening(path, options=None, provider="wasm", **more):
    command = {"do": "open", "runtime": "onnxruntime_web", "model": str(path), "provider": provider}
    return command | {"options": {"intra_op_threads": 1} if options is None else options} | more


def evaluated(worker, tmp_path, arrays, batch=2):
    np.savez(tmp_path / "in.npz", **arrays)
    command = {"do": "evaluate", "data": str(tmp_path / "in.npz"), "inputs": list(arrays), "batch": batch}
    worker.call(command | {"out": str(tmp_path / "out.npz")})
    with np.load(tmp_path / "out.npz") as found:
        return {name: found[name] for name in found.files}


def test_outputs_are_those_of_the_model(worker, tmp_path):
    answer = worker.call(opening(models.two_layers(tmp_path / "m.onnx")))
    assert answer["version"].count(".") == 2
    x = np.random.default_rng(1).normal(size=(6, models.FIRST.shape[0])).astype(np.float32)
    found = evaluated(worker, tmp_path, {"x": x})
    np.testing.assert_allclose(found["y"], models.answer(x), rtol=1e-4, atol=1e-5)


def test_the_engine_lives_in_processes_of_its_own_and_their_memory_is_the_models(worker, tmp_path):
    answer = worker.call(opening(EXAMPLE / "model.onnx", {"intra_op_threads": 1}))
    assert len(answer["processes"]) > 2
    assert worker.pid not in answer["processes"]
    data = {"data": str(EXAMPLE / "evaluation.npz"), "inputs": ["image"], "batch": 4}
    worker.call({"do": "evaluate", "limit": 4, "out": str(tmp_path / "out.npz"), **data})
    grown = worker.call({"do": "memory"})["peak_memory_bytes"] - answer["baseline_memory_bytes"]
    # the file has 8.9 MB, which the page fetches and the engine copies
    assert 9e6 < grown < 500e6


def test_what_is_executed_is_read_from_the_graph_that_the_engine_optimized(worker):
    data = {"data": str(EXAMPLE / "evaluation.npz"), "inputs": ["image"], "batch": 1}
    answer = worker.call(opening(EXAMPLE / "int8.int8.onnx") | {"do": "executed"} | data)
    computes = {}
    for group in answer["operators"]:
        computes[group["compute"]] = computes.get(group["compute"], 0) + group["count"]
        assert group["time_share"] is None
    # 53 convolutions and matrix products, of which the recipe leaves three in float
    assert computes == {"int8": 50, "fp32": 3}
    assert {"QLinearConv", "QGemm"} <= {group["op_type"] for group in answer["operators"]}
    assert answer["provider"] == "wasm"
    assert any("Chrom" in note for note in answer["notes"])


def test_a_graph_that_is_not_optimized_runs_as_the_file_has_it(worker):
    data = {"data": str(EXAMPLE / "evaluation.npz"), "inputs": ["image"], "batch": 1}
    options = {"intra_op_threads": 1, "graph_optimization": "disabled"}
    answer = worker.call(opening(EXAMPLE / "int8.int8.onnx", options) | {"do": "executed"} | data)
    # quantize-dequantize pairs that nothing fuses are work of their own around products in float
    assert {group["compute"] for group in answer["operators"]} == {"fp32"}
    assert sum(product["dequantized"] for product in answer["float_products"]) == 50


def test_blocks_run_in_the_page_and_their_outputs_are_those_of_the_evaluation(worker, tmp_path):
    worker.call(opening(models.two_layers(tmp_path / "m.onnx"), outputs=["y"]))
    x = np.random.default_rng(1).normal(size=(40, models.FIRST.shape[0])).astype(np.float32)
    expected = evaluated(worker, tmp_path, {"x": x})["y"]
    data = {"data": str(tmp_path / "in.npz"), "inputs": ["x"], "batch": 2, "seed": 1, "fresh_seed": 2}
    assert worker.call({"do": "prepare_load", **data})["batches"] == 20
    wish = {"do": "block", "concurrency": 1, "seed": 3, "folder": str(tmp_path)}
    answer = worker.call({**wish, "seconds": 0.3, "keep_outputs": 20})
    ends, durations = np.load(answer["latencies_path"])
    assert answer["calls"] == len(ends) == len(durations)
    assert (np.diff(ends) >= 0).all()
    assert durations.sum() <= (answer["seconds"] + 0.001) * 1e9
    assert answer["seconds"] >= 0.3
    with np.load(answer["kept_path"]) as kept:
        np.testing.assert_allclose(kept["y"], expected[kept["__items__"]], rtol=1e-6)
    rates = worker.call({**wish, "loop": "bare", "stretch_s": 0.05, "pairs": 2})
    assert min(*rates["timed"], *rates["bare"]) > 0
    assert worker.call({**wish, "loop": "idle", "seconds": 0.05})["calls_per_second"] > 1000


@pytest.mark.parametrize(
    ("options", "provider", "words"),
    [
        ({"wasm_paths": "evil"}, "wasm", "unknown session options wasm_paths"),
        ({"graph_optimization": "most"}, "wasm", "graph_optimization must be one of"),
        ({"intra_op_threads": True}, "wasm", "intra_op_threads must be a whole number"),
        ({"mem_arena": 1}, "wasm", "mem_arena must be true or false"),
        ({}, "CPUExecutionProvider", "provider CPUExecutionProvider is none of wasm, webgl, webgpu"),
    ],
)
def test_anything_else_is_refused(start, tmp_path, options, provider, words):
    with start() as process, pytest.raises(ToolFailed, match=words):
        process.call(opening(models.two_layers(tmp_path / "m.onnx"), options, provider))


def test_external_data_and_custom_operators_never_reach_the_engine(worker, tmp_path):
    with pytest.raises(ToolFailed, match="custom-operator libraries are never loaded"):
        worker.call(opening(models.foreign(tmp_path / "f.onnx")))


def test_the_browser_ends_with_the_worker_however_that_ends(start, tmp_path):
    with start() as process:
        browser = process.call(opening(models.two_layers(tmp_path / "m.onnx")))["processes"]
        assert all(Path(f"/proc/{pid}").exists() for pid in browser)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in browser):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_page_whose_process_dies_is_told_as_our_failure(start, tmp_path):
    with start() as process:
        answer = process.call(opening(models.two_layers(tmp_path / "m.onnx")))
        for pid in answer["processes"]:
            if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, 9)
        np.savez(tmp_path / "in.npz", x=np.zeros((2, models.FIRST.shape[0]), np.float32))
        command = {"do": "evaluate", "data": str(tmp_path / "in.npz"), "inputs": ["x"], "batch": 2}
        with pytest.raises(ToolFailed, match=r"the page ended in run|the browser ended in run"):
            process.call(command | {"out": str(tmp_path / "out.npz")}, timeout_s=60)


def test_a_page_is_served_to_nobody_without_its_address(tmp_path):
    if _browser.find() is None:
        pytest.skip("no browser of the Chromium family is on the path")
    (tmp_path / "page.html").write_text('<script type="module" src="page.js"></script>')
    (tmp_path / "page.js").write_text(
        "await fetch('next', {method: 'POST', body: new Uint8Array([2, 0, 0, 0, 123, 125])})"
    )
    page = _browser.Page({name: str(tmp_path / name) for name in ("page.html", "page.js")})
    port = next(
        word.rpartition(":")[2].partition("/")[0]
        for word in Path(f"/proc/{page.processes()[0]}/cmdline").read_text().split("\0")
        if word.startswith("http://127.0.0.1:")
    )
    for path in ("page.html", "x/page.html", ""):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10)
    page.close()


def test_no_browser_and_no_package_are_reasons(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(onnxruntime_web.PACKAGE, raising=False)
    reasons = onnxruntime_web.probe("wasm", {})
    assert any("no browser" in reason for reason in reasons)
    assert any("no npm package onnxruntime-web" in reason for reason in reasons)


def test_an_adapter_that_is_a_program_on_the_processor_is_none(start):
    with start() as process:
        command = {"do": "probe_runtime", "runtime": "onnxruntime_web", "provider": "webgpu"}
        reasons = process.call(command, timeout_s=120)["reasons"]
    if not reasons:
        pytest.skip("this machine has a graphics adapter")
    assert "no adapter for webgpu" in reasons[0] or "is a program on the processor" in reasons[0]


def test_messages_keep_every_type_and_shape():
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([], np.int64),
        "c": np.array([True, False, True]),
        "d": np.array([[1], [2], [3]], np.uint8),
        "e": np.array([1.5], np.float16),
    }
    header, found = _browser.decode(_browser.encode({"do": "run"}, arrays))
    assert header == {"do": "run"}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_the_empty_model_is_a_valid_one():
    model = onnx.load_from_string(base64.b64decode(onnxruntime_web._EMPTY))
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Identity"]


@pytest.mark.online
def test_a_package_of_npm_is_fetched_once_and_held_against_the_registrys_digest(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    package = npm.make("onnxruntime-web", VERSION)
    assert (package.folder / "dist" / "ort.wasm.min.mjs").is_file()
    assert package.lock.lines[0].startswith(f"onnxruntime-web=={VERSION} --hash=sha512:ab4cbe26")
    monkeypatch.setenv("PATH", "")  # the second time nothing is asked for
    assert npm.make("onnxruntime-web", VERSION) == package


@pytest.mark.parametrize("version", ["latest", "^1.30.0", "1.30", "file:../x", "1.30.0 && true"])
def test_only_an_exact_version_is_asked_for(monkeypatch, tmp_path, version):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MaterialUnavailable, match="no exact version"):
        npm.make("onnxruntime-web", version)


def test_a_given_folder_must_hold_the_package(tmp_path):
    (tmp_path / "package.json").write_text('{"name": "onnxruntime-node", "version": "1.30.0"}')
    with pytest.raises(MaterialUnavailable, match="holds onnxruntime-node, not onnxruntime-web"):
        npm.given(tmp_path, "onnxruntime-web")
