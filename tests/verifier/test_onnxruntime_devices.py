"""ONNX Runtime asked for a device where there is none: it falls back in silence, and is caught at it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.environments import interpreter_of
from verifier.environments.interpreter import asked
from verifier.errors import ToolFailed
from verifier.process import Worker
from verifier.runtimes import find
from verifier.runtimes._onnxruntime_devices import device_options
from verifier.runtimes.onnxruntime import _providers

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
VARIABLE = "LYNXSPEC_TEST_ENV_ONNXRUNTIME_GPU"


@pytest.fixture(scope="module")
def with_cuda() -> str:
    """An interpreter whose ONNX Runtime lists the CUDA provider."""
    path = os.environ.get(VARIABLE)
    if not path or not asked(path).version("onnxruntime-gpu"):
        pytest.skip(f"{VARIABLE} names no interpreter that has onnxruntime-gpu")
    if Path("/proc/driver/nvidia/version").exists():
        pytest.skip("there is a device here")
    return path


def asking(provider: str, **options: object) -> dict:
    return {"do": "probe_runtime", "runtime": "onnxruntime", "provider": provider, "options": options}


def opening(path: Path, provider: str, **options: object) -> dict:
    return {"do": "open", "runtime": "onnxruntime", "model": str(path), "provider": provider, "options": options}


@pytest.mark.parametrize("provider", [CUDA, TENSORRT])
def test_a_build_for_processors_is_not_testable_on_a_device_and_says_so(provider):
    with Worker(interpreter=interpreter_of("onnxruntime")) as worker:
        (reason,) = worker.call(asking(provider))["reasons"]
    assert f"provider {provider} is not in this build of ONNX Runtime" in reason


@pytest.mark.parametrize("provider", [CUDA, TENSORRT])
def test_a_build_that_lists_a_device_and_falls_back_is_caught(with_cuda, provider):
    with Worker(interpreter=with_cuda) as worker:
        (reason,) = worker.call(asking(provider))["reasons"]
    assert f"lists {provider}, and its sessions run on {CPU}" in reason
    assert "no CUDA driver" in reason


@pytest.mark.parametrize("provider", [CUDA, TENSORRT])
def test_a_session_that_fell_back_is_never_measured(with_cuda, tmp_path, provider):
    with Worker(interpreter=with_cuda) as worker, pytest.raises(ToolFailed, match=f"but the session runs on {CPU}"):
        worker.call(opening(models.two_layers(tmp_path / "m.onnx"), provider))


def test_the_same_build_runs_on_the_processor_where_that_is_asked(with_cuda, tmp_path):
    with Worker(interpreter=with_cuda) as worker:
        assert worker.call(asking(CPU))["reasons"] == []
        assert worker.call(opening(models.two_layers(tmp_path / "m.onnx"), CPU))["version"]


def test_the_provider_decides_which_distribution_is_installed():
    runtime = find("onnxruntime")
    assert [runtime.distribution_of(p) for p in (CPU, CUDA, TENSORRT)] == [
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-gpu",
    ]


@pytest.mark.parametrize(
    ("provider", "options", "words"),
    [
        (CPU, {"tf32": False}, "options tf32 are for devices"),
        (CUDA, {"trt_int8": True}, "option trt_int8 is not one of CUDAExecutionProvider"),
        (TENSORRT, {"cuda_graph": True}, "option cuda_graph is not one of TensorrtExecutionProvider"),
        (CUDA, {"tf32": "no"}, "option tf32 must be true or false"),
        (CUDA, {"cuda_graph": True, "include_transfers": False}, "cuda_graph goes with include_transfers"),
    ],
)
def test_options_that_the_provider_does_not_have_are_refused(provider, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        device_options(provider, options)


def test_products_decide_where_a_model_ran_and_shape_arithmetic_does_not():
    times = {"conv": (5, CUDA), "shape": (1, CPU)}
    assert _providers(times, {"conv"}) == CUDA


def test_one_product_that_fell_back_to_the_processor_is_told():
    times = {"conv": (5, CUDA), "gemm": (1, CPU)}
    assert _providers(times, {"conv", "gemm"}) == f"{CPU}, {CUDA}"
