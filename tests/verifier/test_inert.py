"""The search for options that do nothing: known ones are found, ones that act are not, few samples do not mislead."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from verifier.errors import ToolFailed
from verifier.onnxruntime_recipe import variants
from verifier.process import Worker
from verifier.reproduction.inert import Made, find_inert

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

SAMPLES = 40
INT8 = {
    "format": "int8",
    "granularity": {"kind": "per_channel", "axis": 0},
    "symmetry": "symmetric",
    "timing": "static",
}
UINT8 = {"format": "uint8", "granularity": {"kind": "per_tensor"}, "symmetry": "asymmetric", "timing": "static"}
ENTROPY = {"kind": "entropy", "symmetric": False, "bins": 128, "quantized_bins": 128}
PERCENTILE = {"kind": "percentile", "symmetric": False, "percentile": 90.0, "bins": 2048}


def recipe(method, *, batch_size=1, exceptions=(), **options):
    return {
        "precision": {"weights": INT8, "activations": UINT8, "head": INT8},
        "mixed_precision": {"first_layer": "int8", "last_layer": "int8", "exceptions": list(exceptions)},
        "quantization": {"algorithm": "rtn", "approach": "static"},
        "calibration": {"data": {"samples": SAMPLES, "batch_size": batch_size, "seed": 1}, "method": dict(method)},
        "options": {"mode": "static", "format": "qdq", **options},
    }


class Runs:
    """Runs in worker processes, each recipe once, counted."""

    def __init__(self, folder):
        self.folder, self.seen, self.made = folder, [], {}

    def complete(self, job):
        return {**job, "model": str(self.folder / "conv.onnx"), "calibration_data": str(self.folder / "conv.npz")}

    def __call__(self, command):
        self.seen.append(command.get("limit"))
        key = repr(sorted(command.items()))
        if key not in self.made:
            output = self.folder / "out.onnx"
            with Worker(threads=1) as worker:
                job = {**command, "output": str(output)}
                answer = worker.call({"do": "quantize", "tool": "onnxruntime", "job": job})
            self.made[key] = Made(sha256=hashlib.sha256(output.read_bytes()).hexdigest(), samples=answer.get("read"))
        return self.made[key]

    def search(self, job, *, seconds=1e9):
        command = self.complete(job)
        whole = self(command)
        self.seen.clear()
        return find_inert(command, whole, variants=lambda c: list(variants(c)), run=self, seconds=seconds)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inert")
    models.convolution(folder / "conv.onnx")
    x = np.random.default_rng(2).normal(size=(SAMPLES, 1, 6, 6)).astype(np.float32) ** 3
    x[SAMPLES // 2] *= 4  # the widest item is not among the first
    np.savez(folder / "conv.npz", x=x)
    return Runs(folder)


def inert(effects):
    return {option.option for option in effects.inert}


def test_what_entropy_with_the_tools_bins_declares_does_nothing(runs):
    # measured on ONNX Runtime 1.31 and read in its quantize.py, which hands on neither number of bins
    found = runs.search(recipe(ENTROPY))
    assert inert(found) == {
        "calibration.method.kind",
        "calibration.method.bins",
        "calibration.method.quantized_bins",
        "calibration.method.symmetric",
        "calibration.data.batch_size",
    }
    assert "precision.weights.granularity" in found.tried
    assert found.untried == ()
    assert {(option.samples, option.every_sample) for option in found.inert} == {(SAMPLES, True)}


def test_what_a_percentile_declares_acts_but_for_its_bins(runs):
    found = runs.search(recipe(PERCENTILE, reduce_range=True))
    assert inert(found) == {"calibration.method.bins", "calibration.data.batch_size"}
    assert {"calibration.method.kind", "calibration.method.percentile", "reduce_range"} < set(found.tried)


def test_a_stride_wakes_the_constant_of_a_moving_average(runs):
    moving = {"kind": "moving_average", "symmetric": False, "constant": 0.3}
    assert "calibration.method.constant" in inert(runs.search(recipe(moving)))
    strided = runs.search(recipe(moving, calibration_stride=4))
    assert not {"calibration.method.constant", "calibration_stride"} & inert(strided)


def test_an_option_that_drops_data_acts(runs):
    minmax = {"kind": "minmax", "symmetric": False}
    assert "calib_max_intermediate_outputs" not in inert(runs.search(recipe(minmax, calib_max_intermediate_outputs=30)))
    # the histogram methods are not told of it
    assert "calib_max_intermediate_outputs" in inert(runs.search(recipe(PERCENTILE, calib_max_intermediate_outputs=30)))


def test_an_option_that_needs_many_samples_is_not_called_inert(runs):
    # eight items of a batch each never fill thirty places, so that nothing is dropped; forty do
    job = recipe({"kind": "minmax", "symmetric": False}, calib_max_intermediate_outputs=30)
    found = runs.search(job)
    assert "calib_max_intermediate_outputs" in found.tried
    assert "calib_max_intermediate_outputs" not in inert(found)
    command = runs.complete(job)
    whole = runs(command)
    runs.seen.clear()
    hurried = find_inert(
        command,
        whole,
        variants=lambda c: [v for v in variants(c) if v[0] == "calib_max_intermediate_outputs"],
        run=runs,
        seconds=2,
        clock=lambda: len(runs.seen),  # time for two runs, and the third would confirm
    )
    assert [(o.samples, o.every_sample) for o in hurried.inert] == [(8, False)]


def test_the_order_of_items_is_compared_over_all_of_them(runs):
    # the order means nothing to minima and maxima, though the first eight of a shuffled set are other items
    shuffled = runs.search(recipe({"kind": "minmax", "symmetric": False}, calibration_order="shuffled"))
    assert {"calibration_order", "calibration.data.seed"} <= inert(shuffled)
    moving = {"kind": "moving_average", "symmetric": False, "constant": 0.3}
    acting = runs.search(recipe(moving, calibration_order="shuffled", calibration_stride=4))
    assert not {"calibration_order", "calibration.data.seed"} & inert(acting)


def test_each_exception_is_removed_alone(runs):
    idle = {"selector": {"kind": "op_type", "values": ["Flatten"]}, "format": "fp32", "reason": "habit"}
    acting = {"selector": {"kind": "op_type", "values": ["Conv"]}, "format": "fp32", "reason": "sensitive"}
    job = recipe({"kind": "minmax", "symmetric": False}, exceptions=[idle, acting], op_types=["Conv", "Gemm"])
    found = runs.search(job)
    assert "mixed_precision.exceptions[0]" in inert(found)
    assert not {"mixed_precision.exceptions", "mixed_precision.exceptions[1]"} & inert(found)


def test_the_search_ends_with_its_time_and_says_what_it_left_out(runs):
    found = runs.search(recipe(ENTROPY), seconds=0)
    assert (found.inert, found.tried) == ((), ())
    assert "calibration.method.kind" in found.untried
    assert len(runs.seen) <= 1  # at most the shortened recipe itself


def test_a_tool_that_fails_on_few_samples_accuses_nobody(runs):
    def failing(command):
        if command.get("limit"):
            raise ToolFailed("too few")
        return runs(command)

    command = runs.complete(recipe(ENTROPY, calibration_order="shuffled"))
    found = find_inert(command, runs(command), variants=lambda c: list(variants(c)), run=failing, seconds=1e9)
    assert "calibration.method.kind" in found.untried
    assert set(found.tried) == {"calibration_order", "calibration.data.seed"}  # they need all samples and had them
