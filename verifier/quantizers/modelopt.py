"""NVIDIA Model Optimizer on ONNX files: quantize-dequantize pairs in INT8 or FP8 for TensorRT, calibrated on the CPU.

The tool chooses operators and places by its own patterns, symmetric throughout, weights per output channel. It runs
ONNX Runtime for the ranges; the execution provider here is always the processor's.

Runs inside the worker process: standard library, numpy, the tool with onnxruntime and torch, syntax of Python 3.8.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import shutil
import tempfile
from typing import Any

from verifier.quantizers.quantizer import Quantizer

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")
OPTIONS: dict[str, Any] = {
    "high_precision": "fp16",
    "op_types": (),
    "exclude_op_types": (),
    "attention": True,
    "attention_accumulation": "fp16",
    "opset": 0,
    "simplify": False,
    "direct_io_types": False,
    "calibration_order": "file",
}
"""Options of a recipe and what the tool does without them; ``attention``: products of two activations, too."""
_WORDS = {
    "high_precision": ("fp32", "fp16", "bf16"),
    "attention_accumulation": ("fp32", "fp16"),
    "calibration_order": ("file", "shuffled"),
}
_METHODS = {"minmax": "max", "entropy": "entropy"}
_MODES = {"int8": "int8", "fp8_e4m3fn": "fp8"}
_ENTROPY_BINS = 128
"""Bins and quantized bins that the tool takes; it has no setting for them."""


def option(job: dict[str, Any], name: str) -> Any:
    """A declared option, or what the tool does without it."""
    return (job.get("options") or {}).get(name, OPTIONS[name])


def _scheme(job: dict[str, Any], tensor_class: str) -> dict[str, Any]:
    found = (job.get("precision") or {}).get(tensor_class)
    return found if isinstance(found, dict) and "format" in found else {}


def check(job: dict[str, Any]) -> tuple[str, ...]:
    """Why the tool cannot do a recipe."""
    options = job.get("options") or {}
    reasons = [f"unknown option {name}; known are {', '.join(OPTIONS)}" for name in options if name not in OPTIONS]
    for name, default in OPTIONS.items():
        value = option(job, name)
        if name in _WORDS and value not in _WORDS[name]:
            reasons.append("option {} must be one of {}, not {!r}".format(name, ", ".join(_WORDS[name]), value))
        elif isinstance(default, bool) and not isinstance(value, bool):
            reasons.append(f"option {name} must be true or false, not {value!r}")
        elif name == "opset" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            reasons.append(f"option opset must be a whole number, not {value!r}")
    return (*reasons, *_scheme_reasons(job), *_calibration_reasons(job), *_policy_reasons(job))


def _scheme_reasons(job: dict[str, Any]) -> list[str]:
    weights, activations = _scheme(job, "weights"), _scheme(job, "activations")
    mode = weights.get("format", "nothing")
    if mode not in _MODES:
        return [f"this verifier drives INT8 and FP8 (E4M3) of Model Optimizer, not {mode} weights"]
    reasons = []
    kind = (weights.get("granularity") or {}).get("kind")
    if kind != "per_channel":
        reasons.append(f"Model Optimizer has a weight scale per output channel, not {kind}")
    if activations.get("format") != mode:
        reasons.append(
            f"Model Optimizer quantizes activations as it does weights, to {mode}; the recipe says "
            f"{activations.get('format', 'nothing')}"
        )
    elif (activations.get("granularity") or {}).get("kind") != "per_tensor":
        reasons.append("Model Optimizer has one scale for an activation tensor")
    for name, scheme in (("weights", weights), ("activations", activations)):
        if scheme.get("symmetry", "symmetric") != "symmetric":
            reasons.append(f"Model Optimizer quantizes for TensorRT, symmetric; the recipe says asymmetric {name}")
        if scheme.get("timing", "static") != "static":
            reasons.append(f"Model Optimizer fixes the scales of {name} before deployment; the recipe says dynamic")
    for name in ("outputs", "bias"):
        scheme = _scheme(job, name)
        if scheme and scheme["format"] not in FLOATS:
            reasons.append(f"Model Optimizer leaves {name} in float; the recipe says {scheme['format']}")
    return reasons


def _calibration_reasons(job: dict[str, Any]) -> list[str]:
    calibration = job.get("calibration") or {}
    data, method = calibration.get("data") or {}, calibration.get("method") or {}
    if "samples" not in data or "kind" not in method:
        return ["Model Optimizer needs calibration data and a calibration method"]
    if method["kind"] not in _METHODS:
        return ["Model Optimizer has the calibration methods {}, not {}".format(" and ".join(_METHODS), method["kind"])]
    bins = (method.get("bins", _ENTROPY_BINS), method.get("quantized_bins", _ENTROPY_BINS))
    if method["kind"] == "entropy" and bins != (_ENTROPY_BINS, _ENTROPY_BINS):
        return [f"Model Optimizer's entropy calibration has {_ENTROPY_BINS} bins and as many quantized ones, no others"]
    return []


def _policy_reasons(job: dict[str, Any]) -> list[str]:
    policy = job.get("mixed_precision") or {}
    return [
        "an exception in {}: the tool can only leave a layer in float".format(exception["format"])
        for exception in policy.get("exceptions", ())
        if exception["format"] not in FLOATS
    ]


def quantize(job: dict[str, Any]) -> dict[str, Any]:
    """Write ``job["output"]``; the answer has the items and the digest of what calibration read."""
    from modelopt.onnx.quantization import quantize as tool

    from verifier.inspection.graph import examine, load
    from verifier.quantizers._policy import excluded_nodes

    examine(job["model"])
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        source, target = os.path.join(folder, "model.onnx"), os.path.join(folder, "quantized.onnx")
        shutil.copyfile(job["model"], source)  # the tool writes beside what it reads
        model = load(source)
        reader = _reader(job, model, folder)
        excluded = sorted(excluded_nodes(model, job))
        tool(
            source,
            quantize_mode=_MODES[_scheme(job, "weights")["format"]],
            calibration_data_reader=reader,
            calibration_method=_METHODS[job["calibration"]["method"]["kind"]],
            calibration_eps=["cpu"],
            op_types_to_quantize=list(option(job, "op_types")) or None,
            op_types_to_exclude=list(option(job, "exclude_op_types")) or None,
            nodes_to_exclude=["^" + re.escape(name) + "$" for name in excluded] or None,
            high_precision_dtype=option(job, "high_precision"),
            mha_accumulation_dtype=option(job, "attention_accumulation"),
            disable_mha_qdq=not option(job, "attention"),
            opset=option(job, "opset") or None,
            simplify=option(job, "simplify"),
            direct_io_types=option(job, "direct_io_types"),
            output_path=target,
            log_level="ERROR",
        )
        _as_one_file(target, job["output"])
        seen = sorted(set(reader.read))  # it goes through them again where it wants another look
        digest = reader.digest(seen)
    logging.getLogger("modelopt").handlers.clear()  # they hold on to the pipe
    return {"samples": reader.items(seen), "digest": digest, "excluded": excluded}


def _reader(job: dict[str, Any], model: Any, folder: str) -> Any:
    from verifier.calibration import CalibrationReader

    if not job.get("calibration_data"):
        raise ValueError("Model Optimizer needs calibration data")

    class Reader(CalibrationReader):
        """As the tool asks: the first batch for a look at shapes, then all, again if it wants to."""

        def get_first(self) -> Any:
            """The first batch, read by nobody."""
            return self.batch(0)

        def rewind(self) -> None:
            """Start anew."""
            self.position = 0

    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry.name for entry in model.graph.input if entry.name not in constants]
    data = job["calibration"]["data"]
    seed = data.get("seed")
    settings = {
        "samples": data["samples"],
        "read": min(data["samples"], job.get("limit") or data["samples"]),
        "batch_size": data["batch_size"],
        "order": option(job, "calibration_order"),
        "seed": seed if isinstance(seed, int) else 0,
    }
    return Reader(job["calibration_data"], inputs, settings, folder)


def _as_one_file(source: str, target: str) -> None:
    """Move in one step. A model whose weights lie apart is not covered by its digest, so that there is none such."""
    from verifier.inspection.graph import examine

    examine(source)
    shutil.copyfile(source, target + ".partial")
    os.replace(target + ".partial", target)


def variants(job: dict[str, Any]) -> tuple[tuple[str, str, str, dict[str, Any]], ...]:
    """The recipe with each option at the tool's default, and with the other calibration method."""
    found = []
    declared = job.get("options") or {}
    for name in sorted(set(declared).intersection(OPTIONS).difference(("calibration_order",))):
        if declared[name] != OPTIONS[name]:
            other = copy.deepcopy(job)
            del other["options"][name]
            found.append((name, str(declared[name]), f"the tool's default, {OPTIONS[name]}", other))
    method = (job.get("calibration") or {}).get("method") or {}
    if method.get("kind") in _METHODS:
        other = copy.deepcopy(job)
        kind = "minmax" if method["kind"] == "entropy" else "entropy"
        other["calibration"]["method"] = {"kind": kind, "symmetric": True}
        found.append(("calibration.method", method["kind"], kind, other))
    for at, exception in enumerate((job.get("mixed_precision") or {}).get("exceptions", ())):
        other = copy.deepcopy(job)
        del other["mixed_precision"]["exceptions"][at]
        values = ", ".join(exception["selector"]["values"])
        found.append((f"exception {values}", exception["format"], "without it", other))
    return tuple(variant for variant in found if not check(variant[3]))


QUANTIZER = Quantizer(
    name="modelopt",
    requires=("modelopt", "onnxruntime", "onnx"),
    distribution="nvidia-modelopt",
    options=tuple(OPTIONS),
    check=check,
    quantize=quantize,
    variants=variants,
    companions=(
        "numpy",
        "onnx==1.23.2",
        "onnxruntime==1.31.1",
        "onnxscript",
        "onnx-graphsurgeon",
        "onnxslim",
        "onnxconverter-common",
        "polygraphy",
        "lief",
        "ml_dtypes",
        "torch==2.13.0",
    ),
)
