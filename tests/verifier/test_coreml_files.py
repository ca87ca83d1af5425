"""Core ML files: what an ML program holds is read without an Apple system, and executing it is said to be elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.environments import interpreter_of
from verifier.errors import ToolFailed
from verifier.evidence import PrecisionLedger
from verifier.process import Worker

BUILD = """
import sys
import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
from coremltools.converters.mil import Builder as mb

rng = np.random.default_rng(6)
first, second = (rng.normal(size=shape).astype(np.float32) for shape in ((16, 32), (8, 16)))

@mb.program(input_specs=[mb.TensorSpec(shape=(4, 32))], opset_version=ct.target.iOS18)
def program(x):
    hidden = mb.relu(x=mb.linear(x=x, weight=first, bias=np.ones(16, np.float32), name="first"))
    return mb.linear(x=hidden, weight=second, name="second")

def convert(precision):
    return ct.convert(program, minimum_deployment_target=ct.target.iOS18, compute_precision=precision)

single = convert(ct.precision.FLOAT32)
single.save(sys.argv[1] + "/single.mlpackage")
recipe = cto.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=0)
names = {"second": None}
config = cto.OptimizationConfig(global_config=recipe, op_name_configs=names)
cto.linear_quantize_weights(single, config).save(sys.argv[1] + "/int8.mlpackage")
convert(ct.precision.FLOAT16).save(sys.argv[1] + "/half.mlpackage")  # last: it changes the program
"""


@pytest.fixture(scope="module")
def python() -> Path:
    return interpreter_of("coreml")


@pytest.fixture(scope="module")
def folder(python, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("coreml")
    subprocess.run([str(python), "-c", BUILD, str(target)], check=True, capture_output=True)
    return target


def inspected(python, path):
    with Worker(interpreter=python) as process:
        answer = process.call({"do": "inspect", "runtime": "coreml", "model": str(path)})
    common = {"regime": "r", "ledger": "supplied_artifact", "sha256": "0" * 64, "status": "ok", "message": ""}
    return PrecisionLedger.model_validate(common | answer | {"provider": None}, strict=False)


@pytest.mark.parametrize(("name", "fmt"), [("half", "fp16"), ("single", "fp32")])
def test_a_program_in_float_is_read_in_the_precision_that_it_was_converted_to(python, folder, name, fmt):
    ledger = inspected(python, folder / f"{name}.mlpackage")
    assert [(o.op_type, o.compute, o.count) for o in ledger.operators] == [("Gemm", fmt, 2)]
    assert {(g.tensor_class, g.format) for g in ledger.tensors} == {
        (cls, fmt) for cls in ("weights", "activations", "outputs", "bias")
    }
    assert sum(g.elements for g in ledger.tensors if g.tensor_class == "weights") == 16 * 32 + 8 * 16


def test_quantized_weights_are_told_from_those_that_were_left(python, folder):
    # the file beside the weights is enough: a claim names one file
    ledger = inspected(python, folder / "int8.mlpackage/Data/com.apple.CoreML/model.mlmodel")
    assert (ledger.first_layer, ledger.last_layer) == ("int8", "fp32")
    weights = {g.format: g for g in ledger.tensors if g.tensor_class == "weights"}
    assert (weights["int8"].granularity, weights["int8"].elements) == ("per_channel(axis=0)", 16 * 32)
    assert ledger.operators[0].compute == "fp32"


def test_other_files_are_refused(python, tmp_path):
    (tmp_path / "m.mlmodel").write_bytes(b"\x12\x03abc")
    with pytest.raises(ToolFailed, match=r"not a readable Core ML model|a Core ML model of the type"):
        inspected(python, tmp_path / "m.mlmodel")


def test_nothing_is_executed_and_the_reason_says_where_it_would_be(python):
    with Worker(interpreter=python) as process:
        command = {"do": "probe_runtime", "runtime": "coreml", "provider": "CPU"}
        reasons = process.call(command)["reasons"]
    assert "Core ML" in reasons[0]
    assert len(reasons) == 1
