"""NNCF as a quantizer: the recipe decides, what cannot be done is said, and the file it writes is read like any."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.environments import interpreter_of
from verifier.artifacts import digest_of
from verifier.process import Worker
from verifier.quantizers._nncf_recipe import check, variants

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)


def scheme(fmt, symmetry, kind="per_tensor", **extra):
    return {"format": fmt, "granularity": {"kind": kind, **extra}, "symmetry": symmetry, "timing": "static"}


def recipe(*, samples=8, batch_size=2, exceptions=(), **options):
    return {
        "precision": {
            "weights": scheme("int8", "symmetric", "per_channel", axis=0),
            "activations": scheme("uint8", "asymmetric"),
            "bias": {"format": "fp32"},
        },
        "mixed_precision": {"first_layer": "int8", "last_layer": "int8", "exceptions": list(exceptions)},
        "quantization": {"algorithm": "rtn", "approach": "static"},
        "calibration": {
            "data": {"samples": samples, "batch_size": batch_size},
            "method": {"kind": "minmax", "symmetric": False},
        },
        "options": {"mode": "static", "preset": "mixed", "range_estimator": "minmax", **options},
    }


def changed(path, value):
    found = recipe()
    into = found
    for key in path[:-1]:
        into = into[key]
    into[path[-1]] = value
    return found


def test_the_recipe_of_these_tests_is_one_that_it_can_do():
    assert check(recipe()) == ()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("options", "bits"), 4, "unknown option 'bits'"),
        (("options", "mode"), "weight_only", "mode must be one of static"),
        (("options", "subset_size"), 0, "subset_size must be a whole number"),
        (("options", "fast_bias_correction"), 1, "must be true or false"),
        (("options", "smooth_quant_alpha"), 2, "a number from 0 to 1, or -1"),
        (("options", "range_estimator"), "mean_minmax", "state range_estimator: minmax"),
        (("options", "preset"), "performance", "asymmetric activations are preset mixed, not performance"),
        (("options", "model_type"), "transformer", "state smooth_quant_alpha: -1"),
        (("quantization", "algorithm"), "gptq", "it has no 'gptq'"),
        (("quantization", "approach"), "dynamic", "approach 'dynamic'"),
        (("precision", "weights", "format"), "int4", "weights to symmetric int8"),
        (("precision", "weights", "granularity"), {"kind": "per_tensor"}, "state weights_per_channel: false"),
        (("precision", "bias"), scheme("int32", "symmetric"), "leaves biases in float"),
        (("precision", "activations", "timing"), "dynamic", "fixes activation scales before deployment"),
        (("calibration", "method"), {"kind": "entropy"}, "no range estimator 'entropy'"),
        (("calibration", "method", "symmetric"), True, "symmetric where activations are"),
        (("mixed_precision", "first_layer"), "fp16", "leaves them in float"),
    ],
)
def test_what_it_cannot_do_is_said(path, value, words):
    assert words in " ".join(check(changed(path, value)))


def test_each_setting_beside_the_defaults_has_a_variant():
    layer = {"selector": {"kind": "node", "values": ["gemm"]}, "format": "fp32", "reason": "sensitive"}
    job = recipe(exceptions=[layer], subset_size=300, fast_bias_correction=False)
    assert [name for name, *_ in variants(job)] == [
        "fast_bias_correction",
        "preset",
        "range_estimator",
        "mixed_precision.exceptions[0]",
        "calibration.data.batch_size",
    ]
    assert variants(job)[0][3]["options"] == {k: v for k, v in job["options"].items() if k != "fast_bias_correction"}


@pytest.fixture(scope="module")
def python() -> Path:
    return interpreter_of("nncf")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("nncf")
    images = np.random.default_rng(4).normal(size=(8, 1, 6, 6)).astype(np.float32)
    np.savez(folder / "d.npz", x=images)
    return models.convolution(folder / "m.onnx"), folder / "d.npz"


def quantized(python, files, job, target):
    model, data = files
    command = copy.deepcopy(job) | {"model": str(model), "calibration_data": str(data), "output": str(target)}
    with Worker(interpreter=python) as process:
        answer = process.call({"do": "quantize", "tool": "nncf", "job": command})
        return answer, process.call({"do": "inspect", "model": str(target)})


def test_the_same_recipe_gives_the_same_bytes_and_an_onnx_file_as_declared(python, files, tmp_path):
    first, ledger = quantized(python, files, recipe(), tmp_path / "1.onnx")
    quantized(python, files, recipe(), tmp_path / "2.onnx")
    assert digest_of(tmp_path / "1.onnx") == digest_of(tmp_path / "2.onnx")
    assert (first["samples"], first["version"]) == (8, "3.4.0")
    weights = [g for g in ledger["tensors"] if g["tensor_class"] in ("weights", "head")]
    assert {(g["format"], g["symmetry"], g["granularity"][:11]) for g in weights} == {
        ("int8", "symmetric", "per_channel")
    }
    assert ledger["first_layer"] == ledger["last_layer"] == "int8"


def test_batches_beyond_the_subset_are_left_out_and_the_ledger_of_samples_says_so(python, files, tmp_path):
    # the option counts batches: 2 of the 4 that the declared 8 samples make
    answer, _ = quantized(python, files, recipe(subset_size=2), tmp_path / "m.onnx")
    assert answer["samples"] == 4


def test_a_layer_that_the_policy_names_stays_in_float(python, files, tmp_path):
    layer = {"selector": {"kind": "node", "values": ["conv"]}, "format": "fp32", "reason": "sensitive"}
    answer, ledger = quantized(python, files, recipe(exceptions=[layer]), tmp_path / "m.onnx")
    assert answer["excluded"] == ["conv"]
    assert (ledger["first_layer"], ledger["last_layer"]) == ("fp32", "int8")
