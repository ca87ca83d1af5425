"""The AI Edge Quantizer for LiteRT files: static, dynamic range and weight-only, every setting from the recipe.

Runs inside the worker process: standard library, numpy and ai-edge-quantizer, syntax of Python 3.8.
Longer than 400 lines: a quantizer is one file, so that whoever reviews it sees all that it can do to a model.
"""

from __future__ import annotations

import copy
import fnmatch
import functools
import os
import re
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from verifier.quantizers.quantizer import Quantizer

if TYPE_CHECKING:
    Variant = tuple[str, str, str, dict[str, Any]]

OPTIONS: dict[str, Any] = {
    "mode": None,
    "op_types": (),
    "quantize_io": False,
    "calibration_order": "file",
    "min_weight_elements": 0,
}
"""Options of a recipe and what is done without them. ``op_types``: kinds of operators, all that the tool knows if
empty; ``quantize_io``: whether the model's own inputs and outputs become integers, too."""
_FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")
_MODES = ("static", "dynamic", "weight_only")
_BITS = {"int2": 2, "int4": 4, "int8": 8, "int16": 16}
_BLOCKS = (32, 64, 128, 256)
_FEWEST_BATCHES = 4
"""Batches that a shortened run keeps: with a single one no moving average and no order could show."""


_OF_ONNX = {
    "Add": ("ADD",),
    "AveragePool": ("AVERAGE_POOL_2D",),
    "Concat": ("CONCATENATION",),
    "Conv": ("CONV_2D", "DEPTHWISE_CONV_2D"),
    "ConvTranspose": ("TRANSPOSE_CONV",),
    "Div": ("DIV",),
    "Gather": ("GATHER", "EMBEDDING_LOOKUP"),
    "Gemm": ("FULLY_CONNECTED",),
    "GlobalAveragePool": ("MEAN",),
    "MatMul": ("FULLY_CONNECTED", "BATCH_MATMUL"),
    "MaxPool": ("MAX_POOL_2D",),
    "Mul": ("MUL",),
    "Pad": ("PAD", "PADV2"),
    "Resize": ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"),
    "Softmax": ("SOFTMAX",),
    "Sub": ("SUB",),
    "Transpose": ("TRANSPOSE",),
}
"""ONNX's operators by LiteRT's names: a policy that was written for an ONNX file selects the same of its twin."""


def _option(job: dict[str, Any], name: str) -> Any:
    if name == "mode":  # the approach says the same; where both are given they must agree
        return (job.get("options") or {}).get(name) or (job.get("quantization") or {}).get("approach")
    return (job.get("options") or {}).get(name, OPTIONS[name])


def _scheme(job: dict[str, Any], tensor_class: str) -> Any:
    """A tensor class's scheme; empty where the recipe gives a reason instead."""
    found = (job.get("precision") or {}).get(tensor_class) or {}
    return found if "format" in found else {}


def check(job: dict[str, Any]) -> tuple[str, ...]:
    """Why the tool cannot do this recipe; empty if it can."""
    reasons = list(_option_reasons(job.get("options") or {}, _option(job, "mode")))
    if reasons:
        return tuple(reasons)
    mode = _option(job, "mode")
    quantization = job.get("quantization") or {}
    if quantization.get("approach") != mode:
        reasons.append("approach {!r} and the option mode {!r} do not agree".format(quantization.get("approach"), mode))
    if quantization.get("algorithm") != "rtn":
        reasons.append("this verifier drives the tool's rounding to nearest (rtn) alone")
    weights = _scheme(job, "weights")
    if not weights or weights["format"] in _FLOATS:
        return (*reasons, "the recipe quantizes no weights")
    reasons.extend(_weight_reasons(weights))
    reasons.extend(_static_reasons(job) if mode == "static" else _float_reasons(job, mode))
    reasons.extend(_policy_reasons(job, weights))
    return tuple(reasons)


def _option_reasons(options: dict[str, Any], mode: Any) -> Iterator[str]:
    for name in sorted(set(options).difference(OPTIONS)):
        yield "unknown option {!r}; known are {}".format(name, ", ".join(OPTIONS))
    if mode not in _MODES:
        yield "option mode must say static, dynamic or weight_only"
        return
    yield from _value_reasons(options)
    for name in ("quantize_io", "calibration_order") if mode != "static" else ():
        if name in options:
            yield f"option {name} has no meaning in mode {mode}"


def _value_reasons(options: dict[str, Any]) -> Iterator[str]:
    types = options.get("op_types", ())
    if not isinstance(types, (list, tuple)) or not all(isinstance(each, str) for each in types):
        yield "option op_types must be a list of operator types"
    if not isinstance(options.get("quantize_io", False), bool):
        yield "option quantize_io must be true or false"
    if options.get("calibration_order", "file") not in ("file", "shuffled"):
        yield "option calibration_order must be file or shuffled"
    fewest = options.get("min_weight_elements", 0)
    if isinstance(fewest, bool) or not isinstance(fewest, int) or fewest < 0:
        yield "option min_weight_elements must be a whole number"


def _weight_reasons(weights: dict[str, Any]) -> Iterator[str]:
    if weights["format"] not in ("int2", "int4", "int8"):
        yield "the tool has int2, int4 and int8 weights, not {}".format(weights["format"])
    if weights["symmetry"] != "symmetric":
        yield "LiteRT's kernels take symmetric weights only"
    granularity = weights["granularity"]
    if granularity["kind"] == "per_group":
        if granularity["group_size"] not in _BLOCKS:
            yield "groups have 32, 64, 128 or 256 weights, not {}".format(granularity["group_size"])
    elif granularity["kind"] not in ("per_tensor", "per_channel"):
        yield "weights have scales per tensor, per channel or per group, not {}".format(granularity["kind"])


def _static_reasons(job: dict[str, Any]) -> Iterator[str]:
    activations = _scheme(job, "activations")
    if not activations or activations["format"] not in ("int8", "int16"):
        yield "static quantization has int8 or int16 activations"
        return
    if activations["granularity"]["kind"] != "per_tensor":
        yield "activations have one scale per tensor, not {}".format(activations["granularity"]["kind"])
    if activations["timing"] != "static":
        yield "mode static fixes activation scales before deployment; the recipe says {}".format(activations["timing"])
    if activations["format"] == "int16" and activations["symmetry"] != "symmetric":
        yield "int16 activations are symmetric"
    outputs = _scheme(job, "outputs")
    if outputs and outputs["format"] != activations["format"]:
        yield "the tool has one format for activations and outputs"
    calibration = job.get("calibration") or {}
    data, method = calibration.get("data") or {}, calibration.get("method") or {}
    if "samples" not in data or "kind" not in method:
        yield "static quantization needs calibration data and a calibration method"
    elif method["kind"] not in ("minmax", "moving_average"):
        yield "the tool calibrates by minmax or moving_average, not {}".format(method["kind"])
    elif method.get("symmetric"):
        yield "a symmetric range is a matter of the activations' scheme here; the method must say symmetric: false"
    elif method["kind"] == "moving_average" and not 0 <= method["constant"] <= 1:
        yield "the constant of a moving average lies between 0 and 1"


def _float_reasons(job: dict[str, Any], mode: str) -> Iterator[str]:
    """Modes that leave activations in float in the file."""
    if "data" in (job.get("calibration") or {}):
        yield f"mode {mode} uses no calibration data"
    activations, outputs = _scheme(job, "activations"), _scheme(job, "outputs")
    if outputs and outputs["format"] not in _FLOATS:
        yield f"mode {mode} hands on float outputs"
    if mode == "weight_only":
        if activations and activations["format"] not in _FLOATS:
            yield "weight-only quantization leaves activations in float"
    elif activations.get("format") != "int8" or activations.get("timing") != "dynamic":
        yield "in mode dynamic LiteRT's kernels compute int8 activations from each input (timing dynamic)"


def _policy_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    policy = job.get("mixed_precision") or {}
    for end in ("first_layer", "last_layer"):
        if policy.get(end) not in (None, weights["format"], "fp32"):
            yield f"{end} in {policy[end]}: the tool quantizes a layer or leaves it in fp32"
    for exception in policy.get("exceptions", ()):
        if exception["format"] != "fp32":
            yield "an exception in {}: the tool can only leave a layer as it is".format(exception["format"])
        kind, values = exception["selector"]["kind"], exception["selector"]["values"]
        if kind == "tensor_class" and set(values) - {"head"}:
            yield "the tool cannot leave out the tensor class {} alone".format(", ".join(values))


def quantize(job: dict[str, Any]) -> dict[str, Any]:
    """Write ``job["output"]``."""
    from ai_edge_quantizer import quantizer

    from verifier.inspection.litert import read

    file = read(job["model"])
    excluded = excluded_layers(file, job)
    with open(job["model"], "rb") as source:
        model = source.read()
    tool = quantizer.Quantizer(model, _recipe(job, excluded))
    answer: dict[str, Any] = {"samples": None, "digest": None}
    result = None
    if _option(job, "mode") == "static":
        with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
            result, answer = _calibrated(job, model, tool, folder)
    written = tool.quantize(result, enable_progress_bar=False, enable_progress_report=False).quantized_model
    with open(job["output"] + ".partial", "wb") as target:
        target.write(written)
    os.replace(job["output"] + ".partial", job["output"])
    return dict(answer, excluded=sorted(excluded))


def _recipe(job: dict[str, Any], excluded: set[str]) -> list[dict[str, Any]]:
    """The tool's own recipe: later entries take precedence."""
    weights, mode = _scheme(job, "weights"), _option(job, "mode")
    kind = weights["granularity"]["kind"]
    words = {"per_tensor": "TENSORWISE", "per_channel": "CHANNELWISE"}
    granularity = words.get(kind) or "BLOCKWISE_{}".format(weights["granularity"]["group_size"])
    config: dict[str, Any] = {
        "weight_tensor_config": {
            "num_bits": _BITS[weights["format"]],
            "symmetric": True,
            "granularity": granularity,
            "dtype": "INT",
        },
        "compute_precision": "FLOAT" if mode == "weight_only" else "INTEGER",
        "explicit_dequantize": mode == "weight_only",
        "skip_checks": False,
        "min_weight_elements": _option(job, "min_weight_elements"),
    }
    if mode == "static":
        activations = _scheme(job, "activations")
        config["activation_tensor_config"] = {
            "num_bits": _BITS[activations["format"]],
            "symmetric": activations["symmetry"] == "symmetric",
            "granularity": "TENSORWISE",
            "dtype": "INT",
        }
    entry = {"regex": ".*", "algorithm_key": "min_max_uniform_quantize", "op_config": config}
    rules = [dict(entry, operation=name) for name in _option(job, "op_types") or ("*",)]
    none = {"algorithm_key": "no_quantize", "op_config": {}}
    if mode == "static" and not _option(job, "quantize_io"):
        rules += [dict(none, regex=".", operation=name) for name in ("INPUT", "OUTPUT")]
    rules += [dict(none, regex=f"^{re.escape(name)};?$", operation="*") for name in sorted(excluded)]
    return rules


def excluded_layers(file: Any, job: dict[str, Any]) -> set[str]:
    """Names of the operators that stay in float by the mixed-precision policy.

    LiteRT's operators have no names of their own: they go by their first output's, and where converters made one of
    several, by each of the names that they joined. Kinds of operators may be ONNX's.
    """
    from verifier.inspection.litert import survey

    policy = job.get("mixed_precision") or {}
    named = [(file.tensors[each.outputs[0]].name, each.name) for each in file.operators if each.outputs]
    whole = {name.partition(";")[0]: name for name, _ in named}
    products = [whole[product.node] for product in survey(file).products if product.weights]
    excluded: set[str] = set()
    for exception in policy.get("exceptions", ()):
        selector = exception["selector"]
        for value in selector["values"]:
            found = _selected(selector["kind"], value, named, products)
            if not found:
                raise ValueError(
                    "the exception for {} {!r} selects no operator of the model".format(selector["kind"], value)
                )
            excluded.update(found)
    if policy.get("first_layer") in _FLOATS:
        excluded.update(products[:1])
    if policy.get("last_layer") in _FLOATS or _scheme(job, "head").get("format") in _FLOATS:
        excluded.update(products[-1:])
    return excluded | _borders(file, excluded)


def _borders(file: Any, excluded: set[str]) -> set[str]:
    """Borders that only spared layers read: in other formats they are part of the convolution."""
    readers: dict[int, list[Any]] = {}
    for operator in file.operators:
        for number in operator.inputs:
            readers.setdefault(number, []).append(operator)
    found = set()
    for operator in file.operators:
        users = readers.get(operator.outputs[0], []) if operator.name == "PAD" else []
        if users and all(file.tensors[user.outputs[0]].name in excluded for user in users):
            found.add(file.tensors[operator.outputs[0]].name)
    return found


def _selected(kind: str, value: str, named: list[tuple[str, str]], products: list[str]) -> set[str]:
    if kind == "op_type":
        kinds = _OF_ONNX.get(value, (value,))
        return {name for name, op_type in named if op_type in kinds}
    if kind == "glob":
        return {name for name, _ in named if any(fnmatch.fnmatchcase(part, value) for part in _parts(name))}
    if kind == "node":
        return {name for name, _ in named if value in _parts(name)}
    return set(products[-1:])


def _parts(name: str) -> list[str]:
    return [name, *name.split(";")]


class _Counted:
    """Calibration data as the tool iterates over it, each batch counted when the tool asks for the next one.

    The tool goes over the data once to count it, and then again to use it: the last pass is the one that counts.
    """

    def __init__(self, reader: Any, report: Any) -> None:
        self._reader = reader
        self._report = report

    def __len__(self) -> int:
        return len(self._reader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._reader.restart(0, len(self._reader))
        for number, batch in enumerate(self._reader, start=1):
            yield batch
            self._reader.enter(1)
            if self._report is not None:
                self._report(number / len(self._reader), "calibration")


def _calibrated(job: dict[str, Any], model: bytes, tool: Any, folder: str) -> tuple[Any, dict[str, Any]]:
    """Ranges by the tool's own calibrator, which is told how a batch changes them."""
    from ai_edge_quantizer import calibrator, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    method = job["calibration"]["method"]
    if method["kind"] == "minmax":
        update = qsv_utils.min_max_update
    else:
        update = functools.partial(qsv_utils.moving_average_update, smoothing_factor=1.0 - method["constant"])
    reader = _reader(job, model, folder)
    watched = calibrator.Calibrator(model, num_threads=1, qsv_update_func=update)
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(tool.get_quantization_recipe())
    signature = next(iter(watched.get_signature_list()), None)
    watched.calibrate({signature: _Counted(reader, job.get("report"))}, manager)
    account = {
        "samples": reader.items(reader.entered),
        "digest": reader.digest(reader.entered),
        "read": reader.items(reader.read),
        "read_digest": reader.digest(reader.read),
        "collection": "one_shot",
        "reason": "",
        "one_shot_bytes": None,  # of each batch the tool keeps smallest and largest values alone
    }
    return watched.get_model_qsvs(), account


def _reader(job: dict[str, Any], model: bytes, folder: str) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    from verifier.calibration import CalibrationReader

    if not job.get("calibration_data"):
        raise ValueError("static quantization needs calibration data")
    interpreter = Interpreter(model_content=model)
    signatures = interpreter.get_signature_list()
    if len(signatures) != 1:
        raise ValueError(f"the model has {len(signatures)} signatures; calibration needs one")
    inputs = list(next(iter(signatures.values()))["inputs"])
    data = job["calibration"]["data"]
    seed = data.get("seed")
    settings = {
        "samples": data["samples"],
        "read": _shortened(data["samples"], data["batch_size"], None if job.get("whole") else job.get("limit")),
        "batch_size": data["batch_size"],
        "order": _option(job, "calibration_order"),
        "seed": seed if isinstance(seed, int) else 0,
    }
    return CalibrationReader(job["calibration_data"], inputs, settings, folder)


def _shortened(samples: int, size: int, limit: int | None) -> int:
    """Items of a shortened run: whole batches, and enough of them to show an effect."""
    if limit is None:
        return samples
    return min(samples, max(_FEWEST_BATCHES, -(-limit // size)) * size)


def variants(job: dict[str, Any]) -> tuple[Variant, ...]:
    """One variant per declared setting: an option at the default, parts of scheme and method at other values."""
    pinned = _pinned(job)
    found = [*_option_variants(job, pinned), *_precision_variants(pinned), *_calibration_variants(pinned)]
    return tuple(variant for variant in found if not check(variant[3]))


def _pinned(job: dict[str, Any]) -> dict[str, Any]:
    """A shortened run's items written out, so that a variant with another batch size reads the same ones."""
    data = (job.get("calibration") or {}).get("data") or {}
    if job.get("limit") is None or "samples" not in data:
        return job
    job = copy.deepcopy(job)
    job["calibration"]["data"]["samples"] = _shortened(data["samples"], data["batch_size"], job["limit"])
    job["whole"] = True
    return job


def _option_variants(whole: dict[str, Any], job: dict[str, Any]) -> Iterator[Variant]:
    """``whole``: the job without a limit to its items, for what decides which items these are."""
    options = job.get("options") or {}
    for name in sorted(options):
        value, default = options[name], OPTIONS[name]
        same = list(value) == list(default) if isinstance(value, (list, tuple)) else value == default
        if name == "mode" or same:
            continue
        other = copy.deepcopy(dict(whole, limit=None) if name == "calibration_order" else job)
        del other["options"][name]
        yield (name, _text(value), "the default, " + _text(default), other)


def _precision_variants(job: dict[str, Any]) -> Iterator[Variant]:
    exceptions = (job.get("mixed_precision") or {}).get("exceptions") or []
    if exceptions:
        other = copy.deepcopy(job)
        other["mixed_precision"]["exceptions"] = []
        yield ("mixed_precision.exceptions", str(len(exceptions)), "none", other)
    if (_scheme(job, "weights").get("granularity") or {}).get("kind") == "per_channel":
        other = copy.deepcopy(job)
        other["precision"]["weights"]["granularity"] = {"kind": "per_tensor"}
        yield ("precision.weights.granularity", "per_channel", "per_tensor", other)


def _calibration_variants(job: dict[str, Any]) -> Iterator[Variant]:
    calibration = job.get("calibration") or {}
    method, data = calibration.get("method") or {}, calibration.get("data") or {}
    if "kind" not in method or "samples" not in data:
        return
    changed = [("kind", method["kind"], {"kind": "moving_average", "symmetric": False, "constant": 0.05})]
    if method["kind"] == "moving_average":
        constant = 0.01 if method["constant"] != 0.01 else 0.5
        changed = [
            ("kind", method["kind"], {"kind": "minmax", "symmetric": False}),
            ("constant", method["constant"], dict(method, constant=constant)),
        ]
    for name, value, other_method in changed:
        other = copy.deepcopy(job)
        other["calibration"]["method"] = other_method
        yield ("calibration.method." + name, _text(value), _text(other_method[name]), other)
    size = data["batch_size"]
    other = copy.deepcopy(job)
    other["calibration"]["data"]["batch_size"] = 1 if size > 1 else 2
    yield ("calibration.data.batch_size", str(size), "1" if size > 1 else "2", other)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) or "all" if isinstance(value, (list, tuple)) else str(value)


QUANTIZER = Quantizer(
    name="ai-edge-quantizer",
    requires=("ai_edge_quantizer",),
    distribution="ai-edge-quantizer",
    options=tuple(OPTIONS),
    check=check,
    quantize=quantize,
    variants=variants,
    companions=("ai-edge-litert", "numpy", "onnx"),
    reads=(".tflite",),
    writes=".tflite",
    signed=True,
)
