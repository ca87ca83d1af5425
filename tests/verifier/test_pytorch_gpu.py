"""PyTorch on a CUDA device: formats, graphs, events, memory. Skipped where there is none.

Written without a device at hand: the expectations come from the formats' definitions and from NVIDIA's tables of what
each compute capability has, none from a run.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from verifier.process import Worker

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "data" / "programs"
_SPEC = importlib.util.spec_from_file_location("environments", ROOT / "tests" / "environments.py")
environments = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(environments)

pytestmark = pytest.mark.gpu
BATCH = 64


@pytest.fixture(scope="module")
def python():
    found = environments.interpreter_of("pytorch")
    question = "import torch; print(torch.cuda.is_available())"
    done = subprocess.run([str(found), "-c", question], capture_output=True, text=True, check=True)
    if done.stdout.strip() != "True":
        pytest.skip("no CUDA device")
    return found


@pytest.fixture(scope="module")
def worker(python):
    with Worker(interpreter=python) as process:
        yield process


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "x.npz"
    np.savez(path, x=np.random.RandomState(3).randn(2 * BATCH, 32).astype(np.float32))
    return path


def on_device(python, code):
    """A script with the runtime's functions at hand; its last line is JSON."""
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport json, numpy as np, torch\n"
    done = subprocess.run([str(python), "-c", start + code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def request(name, **more):
    return {"runtime": "pytorch", "model": str(PROGRAMS / f"{name}.pt2"), "provider": "cuda", "options": {}, **more}


def computes(worker, data, name, **more):
    wanted = request(name, do="executed", data=str(data), inputs=["x"], batch=BATCH, **more)
    return worker.call(wanted, timeout_s=300)


def test_the_device_can_execute(worker):
    assert worker.call(request("two_layers", do="probe_runtime"))["reasons"] == []


@pytest.mark.parametrize(("precision", "formats"), [("highest", {"fp32"}), ("high", {"tf32"})])
def test_float32_is_float32_unless_the_claim_says_otherwise(worker, data, precision, formats):
    answer = computes(worker, data, "two_layers", options={"matmul_precision": precision})
    assert {group["compute"] for group in answer["operators"]} == formats
    assert any("by CUDA events" in note for note in answer["notes"])


@pytest.mark.parametrize(("name", "fmt"), [("bf16", "bf16"), ("int8_dynamic", "int8"), ("int8_weights", "fp32")])
def test_the_kernels_multiply_in_the_format_of_the_file(worker, data, name, fmt):
    assert {group["compute"] for group in computes(worker, data, name)["operators"]} == {fmt}


@pytest.mark.parametrize("options", [{}, {"cuda_graph": True}])
def test_outputs_are_those_of_the_cpu(worker, data, tmp_path, options):
    found = {}
    for provider in ("cpu", "cuda"):
        chosen = options if provider == "cuda" else {}
        worker.call(request("two_layers", do="open") | {"provider": provider, "options": chosen}, timeout_s=300)
        out = tmp_path / f"{provider}.npz"
        wanted = {"do": "evaluate", "data": str(data), "inputs": ["x"], "batch": BATCH, "out": str(out)}
        worker.call(wanted, timeout_s=300)
        with np.load(out) as arrays:
            found[provider] = arrays["y"]
    np.testing.assert_allclose(found["cuda"], found["cpu"], rtol=1e-4, atol=1e-3)


def test_float8_activations_are_quantized_and_multiplied_in_float8(python, worker, data, tmp_path):
    capability = on_device(python, "print(json.dumps(torch.cuda.get_device_capability()))")
    if tuple(capability) < (8, 9):
        pytest.skip(f"compute capability {capability}, FP8 products need 8.9")
    scheme = {"symmetry": "symmetric", "scale_format": "fp32", "format": "fp8_e4m3fn"}
    job = {
        "model": str(PROGRAMS / "two_layers.pt2"),
        "output": str(tmp_path / "q.pt2"),
        "precision": {
            "weights": scheme | {"granularity": {"kind": "per_channel", "axis": 0}, "timing": "static"},
            "activations": scheme | {"granularity": {"kind": "per_token"}, "timing": "dynamic"},
        },
        "quantization": {"approach": "dynamic"},
        # the last layer has 8 outputs, and FP8 products want multiples of 16
        "mixed_precision": {"first_layer": "fp8_e4m3fn", "last_layer": "fp32", "exceptions": []},
        "options": {"config": "Float8DynamicActivationFloat8WeightConfig", "device": "cuda"},
    }
    assert worker.call({"do": "check", "tool": "torchao", "job": job})["reasons"] == []
    worker.call({"do": "quantize", "tool": "torchao", "job": job}, timeout_s=300)
    wanted = request("two_layers", do="executed", data=str(data), inputs=["x"], batch=BATCH)
    answer = worker.call(wanted | {"model": str(tmp_path / "q.pt2")}, timeout_s=300)
    assert {group["compute"]: group["count"] for group in answer["operators"]} == {"fp8_e4m3fn": 1, "fp32": 1}


def test_the_rate_is_within_one_percent_of_a_bare_graph_loop(python):
    """A graph of the same module, captured and replayed with nothing of ours, in turns with the session."""
    code = f"""
from verifier.pytorch_programs import callable_module, load
from verifier.runtimes._pytorch_device import per_second
from verifier.runtimes.pytorch import open_session
path = {str(PROGRAMS / "two_layers.pt2")!r}
x = np.random.RandomState(0).randn(4096, 32).astype(np.float32)
session = open_session(path, "cuda", {{"cuda_graph": True}})
(given,) = session.tensors({{"x": x}})
module = callable_module(load(path)[1]).to("cuda")
held = given.clone()
with torch.inference_mode():
    for _ in range(3):
        module(held)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        module(held)
def bare(_):
    held.copy_(given)
    graph.replay()
ratios = []
for _ in range(5):
    ours = per_second(lambda _: session.call([given]), 0.5)
    ratios.append(ours / per_second(bare, 0.5))
print(json.dumps(sorted(ratios)[2]))
"""
    assert on_device(python, code) > 0.99


def test_inputs_go_round_through_more_than_the_cache_and_the_peak_holds_them(python):
    code = f"""
from verifier.runtimes._pytorch_device import rates
from verifier.runtimes.pytorch import open_session
session = open_session({str(PROGRAMS / "two_layers.pt2")!r}, "cuda", {{}})
print(json.dumps(rates(session, {{"x": np.zeros((16384, 32), np.float32)}}, 0.2)._asdict()))
"""
    found = on_device(python, code)
    assert found["input_bytes"] >= 2 * found["cache_bytes"]
    assert found["peak_bytes"] >= found["input_bytes"]
    assert found["calls_per_second"] > 0


def test_copies_and_products_give_rates_to_hold_a_claim_against(python):
    code = """
from verifier.runtimes._pytorch_device import copy_bytes_per_second, products_per_second
torch.set_float32_matmul_precision("highest")
found = {kind: products_per_second(kind, 0.2) for kind in ("float32", "bfloat16", "int8")}
print(json.dumps(found | {"copy": copy_bytes_per_second(0.2)}))
"""
    found = on_device(python, code)
    assert min(found.values()) > 0
    assert found["bfloat16"] > found["float32"]
