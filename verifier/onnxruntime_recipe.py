"""What of a recipe ONNX Runtime's quantizers can do, and the recipe with one setting changed at a time.

Plain data in, plain data out; standard library only, syntax of Python 3.8.
Longer than 400 lines: what is supported and how each option is varied must not drift apart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")

OPTIONS: dict[str, Any] = {
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
    "calib_max_intermediate_outputs": 0,
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
"""Options of a recipe and what the tool does without them; ``matmul_const_b_only`` depends on the mode."""

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
_ALLOWED = {
    "static": tuple(name for name in OPTIONS if name != "accuracy_level"),
    "dynamic": _DYNAMIC_OPTIONS,
    "weight_only": _WEIGHT_ONLY_OPTIONS,
}
_DYNAMIC_OPERATORS = ("Conv", "MatMul", "Gemm", "Attention", "LSTM", "Gather", "Transpose", "EmbedLayerNormalization")
_BITS = {"int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "int8": 8, "uint8": 8}


def option(job: dict[str, Any], name: str) -> Any:
    """A setting: the recipe's, else the tool's own default."""
    options = job.get("options") or {}
    if name == "matmul_const_b_only" and options.get(name) is None:
        return options.get("mode") == "dynamic"
    return options.get(name, OPTIONS[name])


def scheme(job: dict[str, Any], tensor_class: str) -> Any:
    """A tensor class's scheme; empty where the recipe gives a reason instead."""
    found = (job.get("precision") or {}).get(tensor_class) or {}
    return found if "format" in found else {}


def weight_only(job: dict[str, Any]) -> tuple[int, int, bool]:
    """Block size, bits and symmetry of weights in groups."""
    weights = scheme(job, "weights")
    return weights["granularity"]["group_size"], _BITS[weights["format"]], weights["symmetry"] == "symmetric"


def check(job: dict[str, Any]) -> tuple[str, ...]:
    """Why the tool cannot do this recipe; empty if it can."""
    reasons = list(_option_reasons(job.get("options") or {}))
    if reasons:
        return tuple(reasons)
    mode = option(job, "mode")
    quantization = job.get("quantization") or {}
    if quantization.get("approach") != mode:
        reasons.append("approach {!r} and the option mode {!r} do not agree".format(quantization.get("approach"), mode))
    if quantization.get("algorithm") != "rtn":
        reasons.append("ONNX Runtime rounds to nearest (rtn); it has no {!r}".format(quantization.get("algorithm")))
    weights = scheme(job, "weights")
    if not weights or weights["format"] in FLOATS:
        return (*reasons, "the recipe quantizes no weights")
    modes = {"static": _static_reasons, "dynamic": _dynamic_reasons, "weight_only": _weight_only_reasons}
    reasons.extend(modes[mode](job, weights))
    reasons.extend(_policy_reasons(job, weights))
    return tuple(reasons)


def _option_reasons(options: dict[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        reason = _value_reason(name, value)
        if reason:
            yield reason
    mode = options.get("mode")
    if mode is None:
        yield "option mode must say static, dynamic or weight_only"
        return
    allowed = _ALLOWED.get(mode) if isinstance(mode, str) else None
    for name in options:
        if allowed and name in OPTIONS and name not in allowed:
            yield f"option {name} has no meaning in mode {mode}"
        if mode == "static" and options.get("format") == "qoperator" and name in _QDQ_ONLY:
            yield f"option {name} is for format qdq"


def _value_reason(name: str, value: Any) -> str:
    """Why a value is not one that the option takes; empty if it is."""
    flag = isinstance(value, bool)
    if name not in OPTIONS:
        return f"unknown option {name!r}; known are {', '.join(OPTIONS)}"
    if name in _WORDS:
        words = _WORDS[name]
        return "" if value in words and not flag else f"option {name} must be one of {words}, not {value!r}"
    if name == "op_types":
        fits = isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
        return "" if fits else "option op_types must be a list of operator types"
    if name in ("opset", "calibration_stride", "calib_max_intermediate_outputs"):
        fits = isinstance(value, int) and not flag and value >= 0
        return "" if fits else f"option {name} must be a whole number, not {value!r}"
    if name == "minimum_real_range":
        fits = isinstance(value, (int, float)) and not flag and value >= 0
        return "" if fits else f"option {name} must be a number, not {value!r}"
    return "" if flag else f"option {name} must be true or false, not {value!r}"


def _static_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    form = option(job, "format")
    activations = scheme(job, "activations")
    if weights["format"] not in ("int8", "uint8", "int16", "uint16", "int4", "uint4"):
        yield "static quantization to {} weights is not among what this verifier drives".format(weights["format"])
    if weights["granularity"]["kind"] not in ("per_tensor", "per_channel"):
        yield "static quantization has scales per tensor or per channel, not {}".format(weights["granularity"]["kind"])
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
    job: dict[str, Any], weights: dict[str, Any], activations: dict[str, Any]
) -> Iterator[str]:
    if activations["format"] not in ("int8", "uint8", "int16", "uint16"):
        yield "static quantization to {} activations is not among what this verifier drives".format(
            activations["format"]
        )
    if activations["granularity"]["kind"] != "per_tensor":
        yield "ONNX Runtime quantizes activations per tensor, not {}".format(activations["granularity"]["kind"])
    if activations["timing"] != "static":
        yield "mode static fixes activation scales before deployment; the recipe says {}".format(activations["timing"])
    if activations["format"] == "int8" and weights["format"] == "uint8":
        yield "ONNX Runtime has no int8 activations with uint8 weights"
    outputs = scheme(job, "outputs")
    if outputs:
        if (outputs["format"] in FLOATS) == bool(option(job, "quantize_outputs")):
            yield "precision.outputs {} and the option quantize_outputs do not agree".format(outputs["format"])
        elif outputs["format"] not in (*FLOATS, activations["format"]):
            yield "ONNX Runtime has one format for activations and outputs"
    bias = scheme(job, "bias")
    if bias and bias["format"] not in ("int32", *FLOATS):
        yield "biases are int32 or stay in float"


def _calibration_reasons(job: dict[str, Any]) -> Iterator[str]:
    calibration = job.get("calibration") or {}
    data, method = calibration.get("data") or {}, calibration.get("method") or {}
    if "samples" not in data or "kind" not in method:
        yield "static quantization needs calibration data and a calibration method"
        return
    if method["kind"] not in ("minmax", "moving_average", "percentile", "entropy"):
        yield "ONNX Runtime has no calibration method {}".format(method["kind"])
    stride = option(job, "calibration_stride")
    batches = -(-data["samples"] // data["batch_size"])
    if stride and batches % stride:
        yield f"{batches} batches are not divisible by calibration_stride {stride}"
    histogram = method["kind"] in ("percentile", "entropy")
    if histogram and data["samples"] % data["batch_size"] and stride != 1:
        kind, samples, size = method["kind"], data["samples"], data["batch_size"]
        yield f"{kind} stacks batches, so {samples} samples must be a multiple of batch_size {size}"
    if method["kind"] == "moving_average" and not 0 <= method["constant"] <= 1:
        yield "the constant of a moving average lies between 0 and 1"


def _dynamic_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    activations = scheme(job, "activations")
    if weights["format"] not in ("int8", "uint8"):
        yield "dynamic quantization has int8 or uint8 weights, not {}".format(weights["format"])
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
        yield "dynamic quantization has no {}".format(", ".join(strange))
    if "data" in (job.get("calibration") or {}):
        yield "dynamic quantization uses no calibration data"


def _weight_only_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    bits = _BITS.get(weights["format"])
    granularity = weights["granularity"]
    if bits is None:
        yield "weight-only quantization has 2, 4 or 8 bit, not {}".format(weights["format"])
    if granularity["kind"] != "per_group":
        yield "weight-only quantization has a scale per group, not {}".format(granularity["kind"])
    else:
        size = granularity["group_size"]
        if size < 16 or size & (size - 1):
            yield f"a group has 16, 32, 64, ... weights, not {size}"
        if granularity.get("axis", 0) != 0:
            yield "groups run along axis 0, the input channels of a matrix product"
    if weights["format"].startswith("uint") == (weights["symmetry"] == "symmetric"):
        yield "symmetric groups are int, asymmetric ones uint; the recipe says {} {}".format(
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


def _policy_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    policy = job.get("mixed_precision") or {}
    for end in ("first_layer", "last_layer"):
        fmt = policy.get(end)
        if fmt is not None and fmt != weights["format"] and fmt not in ("fp32", "fp16"):
            yield f"{end} in {fmt}: the tool quantizes all layers alike or leaves them in float"
    head, last = scheme(job, "head").get("format"), policy.get("last_layer")
    if head and last and (head in FLOATS) != (last in FLOATS):
        yield f"the head is declared {head} and the last layer {last}, but they are one and the same layer"
    for exception in policy.get("exceptions", ()):
        selector = exception["selector"]
        if exception["format"] not in ("fp32", "fp16"):
            yield "an exception in {}: the tool can only leave a layer as it is".format(exception["format"])
        if selector["kind"] == "tensor_class":
            strange = [value for value in selector["values"] if value not in ("embeddings", "head")]
            if strange:
                yield "the tool cannot leave out the tensor class {} alone".format(", ".join(strange))


if TYPE_CHECKING:
    Variant = tuple[str, str, str, dict[str, Any]]


def variants(job: dict[str, Any]) -> tuple[Variant, ...]:
    """One variant per declared setting: an option at the tool's default, parts of scheme and method at other values.

    An option that is declared at its default has none. A variant reads the items of ``job``, those of a shortened run
    too; only settings that say which items are read or in what order have variants without ``limit``, since in a
    shortened run these would be other items.
    """
    found: list[Variant] = []
    whole, job = dict(job, limit=None), _pinned(job)
    options = job.get("options") or {}
    for name in sorted(options):
        if name in ("mode", "format", "calibration_order") or name not in OPTIONS:
            continue
        other = _without(job, name)
        default = option(other, name)
        if not _same(options[name], default):
            found.append((name, _text(options[name]), "the tool's default, " + _text(default), other))
    found.extend(_precision_variants(job))
    found.extend(_calibration_variants(job))
    found.extend(_order_variants(whole))
    return tuple(variant for variant in found if not check(variant[3]))


def _precision_variants(job: dict[str, Any]) -> Iterator[Variant]:
    """Exceptions and granularity: parts of the scheme that a tool might pass over.

    What the file holds of the rest (formats, symmetry, first and last layer) the ledger of the artifact shows.
    """
    exceptions = (job.get("mixed_precision") or {}).get("exceptions") or []
    if exceptions:
        other = copy.deepcopy(job)
        other["mixed_precision"]["exceptions"] = []
        yield ("mixed_precision.exceptions", str(len(exceptions)), "none", other)
    for at in range(len(exceptions) if len(exceptions) > 1 else 0):
        other = copy.deepcopy(job)
        removed = other["mixed_precision"]["exceptions"].pop(at)["selector"]
        words = "{} {}".format(removed["kind"], ", ".join(removed["values"]))
        yield (f"mixed_precision.exceptions[{at}]", words, "without it", other)
    if (scheme(job, "weights").get("granularity") or {}).get("kind") == "per_channel":
        other = copy.deepcopy(job)
        other["precision"]["weights"]["granularity"] = {"kind": "per_tensor"}
        yield ("precision.weights.granularity", "per_channel", "per_tensor", other)


def _order_variants(job: dict[str, Any]) -> Iterator[Variant]:
    """What decides which items are read, and in what order."""
    if (job.get("options") or {}).get("calibration_order") != "shuffled":
        return
    yield ("calibration_order", "shuffled", "the tool's default, file", _without(job, "calibration_order"))
    seed = ((job.get("calibration") or {}).get("data") or {}).get("seed")
    if isinstance(seed, int):
        other = copy.deepcopy(job)
        other["calibration"]["data"]["seed"] = seed + 1
        yield ("calibration.data.seed", str(seed), str(seed + 1), other)


def _pinned(job: dict[str, Any]) -> dict[str, Any]:
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


def shortened(samples: int, size: int, stride: int, limit: int | None) -> int:
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


def _without(job: dict[str, Any], name: str) -> dict[str, Any]:
    other = copy.deepcopy(job)
    del other["options"][name]
    return other


_OTHER: dict[str, Callable[[Any], Any]] = {
    "symmetric": lambda value: not value,
    "constant": lambda value: 0.01 if value != 0.01 else 0.5,
    "percentile": lambda value: 99.999 if value != 99.999 else 99.9,
    "quantized_bins": lambda value: 128 if value != 128 else 64,
}


def _calibration_variants(job: dict[str, Any]) -> Iterator[Variant]:
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


def _other_method(method: dict[str, Any]) -> dict[str, Any]:
    """Another method: minmax is what every tool starts from; beside it the mean of the batches' ranges."""
    if method["kind"] == "minmax":
        return {"kind": "moving_average", "symmetric": method["symmetric"], "constant": 0.01}
    return {"kind": "minmax", "symmetric": method["symmetric"]}
