"""Calibration of a ResNet-50-sized model against ONNX Runtime's own one shot: memory, time and equal ranges.

Memory and time are printed, never asserted; equal ranges are asserted, since they are no matter of time. Run with
``pytest -m bench -s tests/test_calibration_benchmark.py``; it takes some minutes and 6 GiB.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("resnet50", FOLDER / "models" / "resnet50.py")
resnet50 = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(resnet50)

pytestmark = pytest.mark.bench

METHODS = {"entropy": {}, "percentile": {}, "percentile, not symmetric": {"symmetric": False, "percentile": 99.9}}
FEW, MANY, ONE_SHOT = 8, 256, 32

CALIBRATE = """
import contextlib, io, json, pickle, resource, sys
sys.path.insert(0, sys.argv[1])
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization import quantize_static  # brings the module that the plug-in's own call uses
module = sys.modules["onnxruntime.quantization.quantize"]
from verifier.calibration import CalibrationReader
from verifier.quantizers._onnxruntime_calibration import overseen
_, _, how, method, options, samples, folder, out = sys.argv
samples = int(samples)
settings = {"samples": samples, "read": samples, "batch_size": 1, "order": "file", "seed": 0}
before = resource.getrusage(resource.RUSAGE_SELF)
reader = CalibrationReader(f"{folder}/images.npz", ["x"], settings, out)
OPERATORS = ["Conv", "Gemm", "MaxPool", "Add", "Relu", "GlobalAveragePool"]
seen = overseen(reader, ceiling=0) if how == "two passes" else contextlib.nullcontext()
with contextlib.redirect_stdout(io.StringIO()), seen:
    calibrator = module.create_calibrator(
        f"{folder}/resnet50.onnx", OPERATORS, augmented_model_path=f"{out}/augmented.onnx",
        calibrate_method=CalibrationMethod.__members__[method], extra_options=json.loads(options))
    calibrator.collect_data(reader)
    found = calibrator.compute_data()
after = resource.getrusage(resource.RUSAGE_SELF)
ranges = {name: (float(r.lowest), str(r.lowest.dtype), float(r.highest), str(r.highest.dtype),
    [int(x) for x in r.hist] if hasattr(r.hist, "__len__") else int(r.hist)) for name, r in found.items()}
print(json.dumps({"ranges": ranges, "MiB": after.ru_maxrss / 1024, "path": getattr(seen, "path", how),
    "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("resnet50")
    resnet50.resnet50(path / "resnet50.onnx")
    rng = np.random.default_rng(5)
    images = rng.normal(size=(MANY, 3, 224, 224)).astype(np.float32) * rng.uniform(0.2, 2, (MANY, 1, 1, 1))
    np.savez(path / "images.npz", x=images.astype(np.float32))
    return path


def calibrated(folder, tmp_path, how, name, samples):
    """Peak memory, processor time and ranges of one calibration in a process of its own."""
    method = name.split(",")[0].capitalize()
    arguments = [how, method, json.dumps(METHODS[name]), str(samples), str(folder), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", CALIBRATE, str(FOLDER.parent), *arguments], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", METHODS)
def test_calibration_in_two_passes_against_one_shot(folder, tmp_path, name):
    few = calibrated(folder, tmp_path, "two passes", name, FEW)
    many = calibrated(folder, tmp_path, "two passes", name, MANY)
    print(f"\n{name}: peak {few['MiB']:.0f} MiB at {FEW} samples, {many['MiB']:.0f} MiB at {MANY}", end=", ")
    print(f"ratio {many['MiB'] / few['MiB']:.2f}; processor time {many['cpu']:.1f} s at {MANY}")
    peer = calibrated(folder, tmp_path, "one shot", name, ONE_SHOT)
    ours = calibrated(folder, tmp_path, "two passes", name, ONE_SHOT)
    again = calibrated(folder, tmp_path, "one shot", name, ONE_SHOT)
    print(f"at {ONE_SHOT}: ours {ours['MiB']:.0f} MiB, {ours['cpu']:.1f} s; ", end="")
    print(f"one shot {peer['MiB']:.0f} MiB, {peer['cpu']:.1f} s and {again['cpu']:.1f} s", end="; ")
    print(f"ours/one shot: memory {ours['MiB'] / peer['MiB']:.2f}", end=", ")
    print(f"time {ours['cpu'] * 2 / (peer['cpu'] + again['cpu']):.2f}")
    assert len(ours["ranges"]) == len(peer["ranges"]) > 100
    assert ours["ranges"] == peer["ranges"]
