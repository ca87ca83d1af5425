"""What of a recipe ONNX Runtime's quantizers can do, and the recipe with one setting changed at a time.

Plain data in, plain data out; standard library only, syntax of Python 3.8.
"""
# ruff: noqa: UP - syntax of Python 3.8

from __future__ import annotations

import copy
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")

OPTIONS: Dict[str, Any] = {
    "mode": None,
    "format": "qdq",
    "op_types": (),
    "preprocess": False,
    "preprocess_optimization": True,
    "preprocess_onnx_shape": True,
    "preprocess_symbolic_shape": False,
    "opset": 0,
    "reduce_range": False,
    "calibration_stride": 0,
    "calibration_order": "file",
    "quantize_outputs": True,
    "matmul_const_b_only": None,
    "force_quantize_no_input_check": False,
    "add_qdq_pair_to_weight": False,
    "dedicated_qdq_pair": False,
    "keep_removable_activations": False,
    "disable_bias_weight_adjustment": False,
    "restricted_asymmetric": False,
    "minimum_real_range": 0.0,
    "contrib_ops": False,
    "accuracy_level": 0,
}
"""Options of a recipe with what the tool does where the recipe is silent; ``matmul_const_b_only`` depends on the mode."""

FEWEST_BATCHES = 4
"""Batches that a shortened run keeps: with a single one no moving average and no order could show."""

_WORDS = {
    "mode": ("static", "dynamic", "weight_only"),
    "format": ("qdq", "qoperator"),
    "calibration_order": ("file", "shuffled"),
    "accuracy_level": (0, 1, 2, 3, 4),
}
_QDQ_ONLY = (
    "add_qdq_pair_to_weight",
    "dedicated_qdq_pair",
    "keep_removable_activations",
    "disable_bias_weight_adjustment",
    "quantize_outputs",
    "contrib_ops",
)
_DYNAMIC_OPTIONS = (
    "mode",
    "op_types",
    "preprocess",
    "preprocess_optimization",
    "preprocess_onnx_shape",
    "preprocess_symbolic_shape",
    "opset",
    "reduce_range",
    "matmul_const_b_only",
    "force_quantize_no_input_check",
)
_WEIGHT_ONLY_OPTIONS = (
    "mode",
    "format",
    "op_types",
    "preprocess",
    "preprocess_optimization",
    "preprocess_onnx_shape",
    "preprocess_symbolic_shape",
    "opset",
    "accuracy_level",
)
_DYNAMIC_OPERATORS = ("Conv", "MatMul", "Gemm", "Attention", "LSTM", "Gather", "Transpose", "EmbedLayerNormalization")
_BITS = {"int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "int8": 8, "uint8": 8}


def option(job: Dict[str, Any], name: str) -> Any:
    """A setting: the recipe's, else the tool's own default."""
    options = job.get("options") or {}
    if name == "matmul_const_b_only" and options.get(name) is None:
        return options.get("mode") == "dynamic"
    return options.get(name, OPTIONS[name])


def scheme(job: Dict[str, Any], tensor_class: str) -> Any:
    """A tensor class's scheme; empty where the recipe gives a reason instead."""
    found = (job.get("precision") or {}).get(tensor_class) or {}
    return found if "format" in found else {}


def weight_only(job: Dict[str, Any]) -> Tuple[int, int, bool]:
    """Block size, bits and symmetry of weights in groups."""
    weights = scheme(job, "weights")
    return weights["granularity"]["group_size"], _BITS[weights["format"]], weights["symmetry"] == "symmetric"


def check(job: Dict[str, Any]) -> Tuple[str, ...]:
    """Why the tool cannot do this recipe; empty if it can."""
    reasons = list(_option_reasons(job.get("options") or {}))
    if reasons:
        return tuple(reasons)
    mode = option(job, "mode")
    quantization = job.get("quantization") or {}
    if quantization.get("approach") != mode:
        reasons.append("approach %r and the option mode %r do not agree" % (quantization.get("approach"), mode))
    if quantization.get("algorithm") != "rtn":
        reasons.append("ONNX Runtime rounds to nearest (rtn); it has no %r" % quantization.get("algorithm"))
    weights = scheme(job, "weights")
    if not weights or weights["format"] in FLOATS:
        return (*reasons, "the recipe quantizes no weights")
    modes = {"static": _static_reasons, "dynamic": _dynamic_reasons, "weight_only": _weight_only_reasons}
    reasons.extend(modes[mode](job, weights))
    reasons.extend(_policy_reasons(job, weights))
    return tuple(reasons)


def _option_reasons(options: Dict[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if name not in OPTIONS:
            yield "unknown option %r; known are %s" % (name, ", ".join(OPTIONS))
        elif name in _WORDS:
            if value not in _WORDS[name] or isinstance(value, bool):
                yield "option %s must be one of %s, not %r" % (name, ", ".join(map(str, _WORDS[name])), value)
        elif name == "op_types":
            if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
                yield "option op_types must be a list of operator types"
        elif name in ("opset", "calibration_stride"):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                yield "option %s must be a whole number, not %r" % (name, value)
        elif name == "minimum_real_range":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                yield "option minimum_real_range must be a number, not %r" % (value,)
        elif not isinstance(value, bool):
            yield "option %s must be true or false, not %r" % (name, value)
    if options.get("mode") is None:
        yield "option mode must say static, dynamic or weight_only"
        return
    allowed = {"dynamic": _DYNAMIC_OPTIONS, "weight_only": _WEIGHT_ONLY_OPTIONS}.get(options["mode"])
    for name in options:
        if allowed and name in OPTIONS and name not in allowed:
            yield "option %s has no meaning in mode %s" % (name, options["mode"])
        if options["mode"] == "static" and name == "accuracy_level":
            yield "option accuracy_level is for mode weight_only"
        if options["mode"] == "static" and options.get("format") == "qoperator" and name in _QDQ_ONLY:
            yield "option %s is for format qdq" % name


def _static_reasons(job: Dict[str, Any], weights: Dict[str, Any]) -> Iterator[str]:
    form = option(job, "format")
    activations = scheme(job, "activations")
    if weights["format"] not in ("int8", "uint8", "int16", "uint16", "int4", "uint4"):
        yield "static quantization to %s weights is not among what this verifier drives" % weights["format"]
    if weights["granularity"]["kind"] not in ("per_tensor", "per_channel"):
        yield "static quantization has scales per tensor or per channel, not %s" % weights["granularity"]["kind"]
    if weights["timing"] != "static":
        yield "weights are quantized before deployment (static)"
    if not activations or activations["format"] in FLOATS:
        yield "static quantization quantizes activations; the recipe declares none"
        return
    for reason in _static_activation_reasons(job, weights, activations):
        yield reason
    if form == "qoperator" and any(s["format"] not in ("int8", "uint8") for s in (weights, activations)):
        yield "operators on 16 or 4 bit exist in format qdq only"
    for reason in _calibration_reasons(job):
        yield reason


def _static_activation_reasons(
    job: Dict[str, Any], weights: Dict[str, Any], activations: Dict[str, Any]
) -> Iterator[str]:
    if activations["format"] not in ("int8", "uint8", "int16", "uint16"):
        yield "static quantization to %s activations is not among what this verifier drives" % activations["format"]
    if activations["granularity"]["kind"] != "per_tensor":
        yield "ONNX Runtime quantizes activations per tensor, not %s" % activations["granularity"]["kind"]
    if activations["timing"] != "static":
        yield "mode static fixes activation scales before deployment; the recipe says %s" % activations["timing"]
    if activations["format"] == "int8" and weights["format"] == "uint8":
        yield "ONNX Runtime has no int8 activations with uint8 weights"
    outputs = scheme(job, "outputs")
    if outputs:
        if (outputs["format"] in FLOATS) == bool(option(job, "quantize_outputs")):
            yield "precision.outputs %s and the option quantize_outputs do not agree" % outputs["format"]
        elif outputs["format"] not in (*FLOATS, activations["format"]):
            yield "ONNX Runtime has one format for activations and outputs"
    bias = scheme(job, "bias")
    if bias and bias["format"] not in ("int32", *FLOATS):
        yield "biases are int32 or stay in float"


def _calibration_reasons(job: Dict[str, Any]) -> Iterator[str]:
    calibration = job.get("calibration") or {}
    data, method = calibration.get("data") or {}, calibration.get("method") or {}
    if "samples" not in data or "kind" not in method:
        yield "static quantization needs calibration data and a calibration method"
        return
    if method["kind"] not in ("minmax", "moving_average", "percentile", "entropy"):
        yield "ONNX Runtime has no calibration method %s" % method["kind"]
    stride = option(job, "calibration_stride")
    batches = -(-data["samples"] // data["batch_size"])
    if stride and batches % stride:
        yield "%d batches are not divisible by calibration_stride %d" % (batches, stride)
    histogram = method["kind"] in ("percentile", "entropy")
    if histogram and data["samples"] % data["batch_size"] and stride != 1:
        yield "%s stacks batches, so %d samples must be a multiple of batch_size %d" % (
            method["kind"],
            data["samples"],
            data["batch_size"],
        )
    if method["kind"] == "moving_average" and not 0 <= method["constant"] <= 1:
        yield "the constant of a moving average lies between 0 and 1"


def _dynamic_reasons(job: Dict[str, Any], weights: Dict[str, Any]) -> Iterator[str]:
    activations = scheme(job, "activations")
    if weights["format"] not in ("int8", "uint8"):
        yield "dynamic quantization has int8 or uint8 weights, not %s" % weights["format"]
    if weights["granularity"]["kind"] not in ("per_tensor", "per_channel"):
        yield "dynamic quantization has weight scales per tensor or per channel"
    fixed = {"format": "uint8", "symmetry": "asymmetric", "timing": "dynamic"}
    kind = (activations.get("granularity") or {}).get("kind")
    if kind != "per_tensor" or any(activations.get(key) != value for key, value in fixed.items()):
        yield "dynamic quantization computes uint8 activations, asymmetric, one scale per tensor, from each input"
    outputs = scheme(job, "outputs")
    if outputs and outputs["format"] not in FLOATS:
        yield "dynamic quantization hands on float outputs"
    strange = [name for name in option(job, "op_types") if name not in _DYNAMIC_OPERATORS]
    if strange:
        yield "dynamic quantization has no %s" % ", ".join(strange)
    if "data" in (job.get("calibration") or {}):
        yield "dynamic quantization uses no calibration data"


def _weight_only_reasons(job: Dict[str, Any], weights: Dict[str, Any]) -> Iterator[str]:
    bits = _BITS.get(weights["format"])
    granularity = weights["granularity"]
    if bits is None:
        yield "weight-only quantization has 2, 4 or 8 bit, not %s" % weights["format"]
    if granularity["kind"] != "per_group":
        yield "weight-only quantization has a scale per group, not %s" % granularity["kind"]
    else:
        size = granularity["group_size"]
        if size < 16 or size & (size - 1):
            yield "a group has 16, 32, 64, ... weights, not %d" % size
        if granularity.get("axis", 0) != 0:
            yield "groups run along axis 0, the input channels of a matrix product"
    if weights["format"].startswith("uint") == (weights["symmetry"] == "symmetric"):
        yield "symmetric groups are int, asymmetric ones uint; the recipe says %s %s" % (
            weights["symmetry"],
            weights["format"],
        )
    if bits is not None and bits != 4 and option(job, "format") == "qdq":
        yield "format qdq has 4 bit only"
    activations = scheme(job, "activations")
    if activations and activations.get("timing") == "static":
        yield "weight-only quantization leaves activations alone"
    if [name for name in option(job, "op_types") if name not in ("MatMul", "Gather")]:
        yield "weight-only quantization is for MatMul and Gather"
    if "data" in (job.get("calibration") or {}):
        yield "round-to-nearest of weights uses no calibration data"


def _policy_reasons(job: Dict[str, Any], weights: Dict[str, Any]) -> Iterator[str]:
    policy = job.get("mixed_precision") or {}
    for end in ("first_layer", "last_layer"):
        fmt = policy.get(end)
        if fmt is not None and fmt != weights["format"] and fmt not in ("fp32", "fp16"):
            yield "%s in %s: the tool quantizes all layers alike or leaves them in float" % (end, fmt)
    for exception in policy.get("exceptions", ()):
        selector = exception["selector"]
        if exception["format"] not in ("fp32", "fp16"):
            yield "an exception in %s: the tool can only leave a layer as it is" % exception["format"]
        if selector["kind"] == "tensor_class":
            strange = [value for value in selector["values"] if value not in ("embeddings", "head")]
            if strange:
                yield "the tool cannot leave out the tensor class %s alone" % ", ".join(strange)


Variant = Tuple[str, str, str, Dict[str, Any]]


def variants(job: Dict[str, Any]) -> Tuple[Variant, ...]:
    """One variant per declared setting: at the tool's default, or at another value where it stands at the default."""
    found: List[Variant] = []
    job = _pinned(job)
    options = job.get("options") or {}
    for name in sorted(options):
        if name in ("mode", "format") or name not in OPTIONS:
            continue
        other = _without(job, name)
        default = option(other, name)
        if not _same(options[name], default):
            found.append((name, _text(options[name]), "the tool's default, " + _text(default), other))
    if (job.get("mixed_precision") or {}).get("exceptions"):
        other = copy.deepcopy(job)
        other["mixed_precision"]["exceptions"] = []
        found.append(("mixed_precision.exceptions", "%d" % len(job["mixed_precision"]["exceptions"]), "none", other))
    granularity = scheme(job, "weights").get("granularity") or {}
    if granularity.get("kind") == "per_channel":
        other = copy.deepcopy(job)
        other["precision"]["weights"]["granularity"] = {"kind": "per_tensor"}
        found.append(("precision.weights.granularity", "per_channel", "per_tensor", other))
    found.extend(_calibration_variants(job))
    return tuple(variant for variant in found if not check(variant[3]))


def _pinned(job: Dict[str, Any]) -> Dict[str, Any]:
    """A shortened run's items written out, so that a variant with another batch size or stride reads the same ones."""
    data = (job.get("calibration") or {}).get("data") or {}
    if job.get("limit") is None or "samples" not in data:
        return job
    job = copy.deepcopy(job)
    data = job["calibration"]["data"]
    stride = option(job, "calibration_stride")
    data["samples"] = shortened(data["samples"], data["batch_size"], stride, job["limit"])
    job["whole"] = True
    return job


def shortened(samples: int, size: int, stride: int, limit: Optional[int]) -> int:
    """Items of a shortened run: whole batches, whole strides, and enough of them to show an effect."""
    if limit is None:
        return samples
    batches = max(FEWEST_BATCHES, -(-limit // size))
    if stride:
        batches = -(-max(batches, 2 * stride) // stride) * stride
    return min(samples, batches * size)


def _same(value: Any, default: Any) -> bool:
    return list(value) == list(default) if isinstance(value, (list, tuple)) else value == default


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) or "all" if isinstance(value, (list, tuple)) else str(value)


def _without(job: Dict[str, Any], name: str) -> Dict[str, Any]:
    other = copy.deepcopy(job)
    del other["options"][name]
    return other


_OTHER: Dict[str, Callable[[Any], Any]] = {
    "symmetric": lambda value: not value,
    "constant": lambda value: 0.01 if value != 0.01 else 0.5,
    "percentile": lambda value: 99.999 if value != 99.999 else 99.9,
    "quantized_bins": lambda value: 128 if value != 128 else 64,
}


def _calibration_variants(job: Dict[str, Any]) -> Iterator[Variant]:
    calibration = job.get("calibration") or {}
    method, data = calibration.get("method") or {}, calibration.get("data") or {}
    if "kind" not in method or "samples" not in data:
        return
    for name, value in sorted(method.items()):
        if name == "kind":
            changed = _other_method(method)
        elif name == "bins":
            default = 2048 if method["kind"] == "percentile" else 128
            changed = dict(method, bins=default if value != default else default * 2)
        else:
            changed = dict(method, **{name: _OTHER[name](value)})
        other = copy.deepcopy(job)
        other["calibration"]["method"] = changed
        yield ("calibration.method." + name, _text(value), _text(changed[name]), other)
    size = data["batch_size"]
    other = copy.deepcopy(job)
    other["calibration"]["data"]["batch_size"] = 1 if size > 1 else 2
    yield ("calibration.data.batch_size", str(size), "1" if size > 1 else "2", other)


def _other_method(method: Dict[str, Any]) -> Dict[str, Any]:
    """Another method: minmax is what every tool starts from; beside it the mean of the batches' ranges."""
    if method["kind"] == "minmax":
        return {"kind": "moving_average", "symmetric": method["symmetric"], "constant": 0.01}
    return {"kind": "minmax", "symmetric": method["symmetric"]}

