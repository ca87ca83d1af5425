"""On a card: engines give the numbers of the processor, say what they execute, and are timed with or without transfers.

Collected everywhere, skipped with the reason where there is no card or no interpreter with the engine.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.environments import interpreter_of
from verifier.accelerators import cards
from verifier.environments.interpreter import asked
from verifier.evidence.telemetry import Validity
from verifier.process import Worker
from verifier.telemetry import HostSampler

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

pytestmark = pytest.mark.gpu
DIGITS = Path(__file__).parents[2] / "examples" / "mobilenetv2-mnist"
GPU_BUILD = "LYNXSPEC_TEST_ENV_ONNXRUNTIME_GPU"


@pytest.fixture(scope="module", autouse=True)
def card() -> Any:
    found = cards()
    if not found.cards:
        pytest.skip(found.reason)
    return found.cards[0]


def engine(name: str) -> tuple[str, str, str]:
    """Interpreter, plug-in file and provider of an engine that can execute here; skips with its own reason."""
    if name == "onnxruntime":
        path = os.environ.get(GPU_BUILD)
        if not path or not asked(path).version("onnxruntime-gpu"):
            pytest.skip(f"{GPU_BUILD} names no interpreter that has onnxruntime-gpu")
        python, file, provider = path, "onnxruntime", "CUDAExecutionProvider"
    else:
        python, file, provider = str(interpreter_of(name)), name.replace("-", "_"), "cuda"
    with Worker(interpreter=python) as worker:
        command = {"do": "probe_runtime", "runtime": file, "provider": provider, "options": {}}
        reasons = worker.call(command)["reasons"]
    if reasons:
        pytest.skip("; ".join(reasons))
    return python, file, provider


def evaluated(python: str, file: str, provider: str, out: Path, **options: Any) -> np.ndarray:
    command = {
        "do": "open",
        "runtime": file,
        "model": str(DIGITS / "model.onnx"),
        "provider": provider,
        "options": options,
    }
    data = {"data": str(DIGITS / "evaluation.npz"), "inputs": ["image"], "batch": 16, "limit": 64}
    with Worker(interpreter=python) as worker:
        worker.call(command)
        worker.call({"do": "evaluate", "out": str(out)} | data, timeout_s=300)
    with np.load(out) as arrays:
        return arrays["logits"]


ENGINES = ("tensorrt-rtx", "tensorrt", "onnxruntime")


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_gives_the_processors_numbers(name, tmp_path):
    python, file, provider = engine(name)
    here = evaluated(python, file, provider, tmp_path / "card.npz", tf32=False)
    with Worker() as worker:
        worker.call(
            {
                "do": "open",
                "runtime": "onnxruntime",
                "model": str(DIGITS / "model.onnx"),
                "provider": "CPUExecutionProvider",
                "options": {},
            }
        )
        command = {"do": "evaluate", "out": str(tmp_path / "cpu.npz"), "data": str(DIGITS / "evaluation.npz")}
        worker.call(command | {"inputs": ["image"], "batch": 16, "limit": 64})
    with np.load(tmp_path / "cpu.npz") as arrays:
        assert np.allclose(here, arrays["logits"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ENGINES)
def test_outputs_are_the_same_whether_transfers_count_or_not(name, tmp_path):
    python, file, provider = engine(name)
    with_them = evaluated(python, file, provider, tmp_path / "a.npz", tf32=False)
    without = evaluated(python, file, provider, tmp_path / "b.npz", tf32=False, include_transfers=False)
    assert np.allclose(with_them, without, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["tensorrt-rtx", "tensorrt"])
def test_a_captured_graph_gives_the_same_numbers(name, tmp_path):
    python, file, provider = engine(name)
    plain = evaluated(python, file, provider, tmp_path / "a.npz", tf32=False)
    graph = evaluated(python, file, provider, tmp_path / "b.npz", tf32=False, cuda_graph=True)
    assert np.allclose(plain, graph, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ENGINES)
def test_a_float_model_without_tf32_is_executed_in_fp32(name):
    python, file, provider = engine(name)
    command = {
        "do": "executed",
        "runtime": file,
        "model": str(DIGITS / "model.onnx"),
        "provider": provider,
        "options": {"tf32": False},
        "data": str(DIGITS / "evaluation.npz"),
        "inputs": ["image"],
        "batch": 16,
    }
    with Worker(interpreter=python) as worker:
        found = worker.call(command, timeout_s=300)
    assert found["provider"] == provider
    assert {group["compute"] for group in found["operators"]} == {"fp32"}
    assert sum(group["count"] for group in found["operators"]) == 53


def test_the_card_is_watched_at_ten_hertz_or_more():
    import time  # noqa: PLC0415 - for this test alone

    with HostSampler() as sampler:
        time.sleep(4)
    report = sampler.report()
    source = report.source("nvml.0")
    assert source is not None
    assert source.status is Validity.OK
    assert {"power", "sm_clock", "temperature", "clock_event_reasons"} <= {r.name for r in source.readings}
    assert report.rate_hz >= 10
