"""What of a recipe NNCF's post-training quantization can do, and the recipe with one setting changed at a time.

Plain data in, plain data out; standard library only, syntax of Python 3.8.

Options that a recipe does not state stay NNCF's own choice, since that is what a claimant got who did not set them.
Where its choice and the declared scheme cannot agree the recipe is refused with the option that would settle it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")

OPTIONS: dict[str, Any] = {
    "mode": None,
    "preset": None,
    "subset_size": 300,
    "fast_bias_correction": True,
    "bias_correction": True,
    "target_device": "ANY",
    "model_type": None,
    "range_estimator": None,
    "batchwise_statistics": False,
    "overflow_fix": None,
    "smooth_quant_alpha": None,
    "weights_per_channel": None,
    "activations_per_channel": None,
    "opset": 0,
    "calibration_order": "file",
}
"""Options of a recipe and what NNCF 3.4 does without them; ``None``: it decides by device, model type and tensor."""

WORDS: dict[str, tuple[str, ...]] = {
    "mode": ("static",),
    "preset": ("performance", "mixed"),
    "target_device": ("ANY", "CPU", "GPU", "NPU"),
    "model_type": ("transformer",),
    "range_estimator": (
        "minmax",
        "mean_minmax",
        "median_minmax",
        "mean_no_outliers_minmax",
        "mean_quantile",
        "histogram",
    ),
    "overflow_fix": ("enable", "first_layer_only", "disable"),
    "calibration_order": ("file", "shuffled"),
}
_FLAGS = (
    "fast_bias_correction",
    "bias_correction",
    "batchwise_statistics",
    "weights_per_channel",
    "activations_per_channel",
)

if TYPE_CHECKING:
    Variant = tuple[str, str, str, dict[str, Any]]


def option(job: dict[str, Any], name: str) -> Any:
    """A setting: the recipe's, else NNCF's own default."""
    return (job.get("options") or {}).get(name, OPTIONS[name])


def scheme(job: dict[str, Any], tensor_class: str) -> Any:
    """A tensor class's scheme; empty where the recipe gives a reason instead."""
    found = (job.get("precision") or {}).get(tensor_class) or {}
    return found if "format" in found else {}


def preset_of(job: dict[str, Any]) -> str:
    """The preset in force: activations are symmetric by default, asymmetric for transformers."""
    stated: str | None = option(job, "preset")
    return stated or ("mixed" if option(job, "model_type") == "transformer" else "performance")


def check(job: dict[str, Any]) -> tuple[str, ...]:
    """Why the tool cannot do this recipe; empty if it can."""
    reasons = list(_option_reasons(job.get("options") or {}))
    if reasons:
        return tuple(reasons)
    quantization = job.get("quantization") or {}
    if quantization.get("approach") != "static":
        reasons.append("approach {!r} and the option mode 'static' do not agree".format(quantization.get("approach")))
    reasons.extend(_algorithm_reasons(job, quantization.get("algorithm")))
    weights, activations = scheme(job, "weights"), scheme(job, "activations")
    if not weights or weights["format"] in FLOATS:
        return (*reasons, "the recipe quantizes no weights")
    if not activations or activations["format"] in FLOATS:
        return (*reasons, "static quantization quantizes activations; the recipe declares none")
    reasons.extend(_weight_reasons(job, weights))
    reasons.extend(_activation_reasons(job, activations))
    reasons.extend(_calibration_reasons(job))
    reasons.extend(_policy_reasons(job, weights))
    return tuple(reasons)


def _option_reasons(options: dict[str, Any]) -> Iterator[str]:
    if "mode" not in options:
        yield "option mode must say static: this verifier drives nncf.quantize"
    for name, value in options.items():
        if name not in OPTIONS:
            yield f"unknown option {name!r}; known are {', '.join(OPTIONS)}"
            continue
        wanted = _wanted(name, value)
        if wanted:
            yield f"option {name} must be {wanted}, not {value!r}"


def _wanted(name: str, value: Any) -> str:
    """What the option takes where that is not ``value``; empty where it is."""
    flag = isinstance(value, bool)
    if name in WORDS:
        return "" if isinstance(value, str) and value in WORDS[name] else "one of " + ", ".join(WORDS[name])
    if name in _FLAGS:
        return "" if flag else "true or false"
    if name == "smooth_quant_alpha":
        fits = isinstance(value, (int, float)) and not flag and (value == -1 or 0 <= value <= 1)
        return "" if fits else "a number from 0 to 1, or -1 for none"
    fits = isinstance(value, int) and not flag and value >= (1 if name == "subset_size" else 0)
    return "" if fits else "a whole number"


def _algorithm_reasons(job: dict[str, Any], algorithm: Any) -> Iterator[str]:
    """SmoothQuant comes with the model type, so that a recipe that says rtn has to switch it off."""
    smooth = option(job, "model_type") == "transformer" and option(job, "smooth_quant_alpha") != -1
    if algorithm == "rtn" and smooth:
        yield "NNCF smooths a transformer's activations into its weights (SmoothQuant): state smooth_quant_alpha: -1"
    elif algorithm == "smoothquant" and not smooth:
        yield "NNCF applies SmoothQuant only with model_type: transformer and a smooth_quant_alpha from 0 to 1"
    elif algorithm not in ("rtn", "smoothquant"):
        yield f"nncf.quantize rounds to nearest (rtn), with smoothquant for transformers; it has no {algorithm!r}"


def _weight_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    kind, wide = weights["granularity"]["kind"], option(job, "weights_per_channel")
    if weights["format"] != "int8" or weights["symmetry"] != "symmetric":
        yield "NNCF quantizes weights to symmetric int8, not {} {}".format(weights["symmetry"], weights["format"])
    if weights["timing"] != "static":
        yield "weights are quantized before deployment (static)"
    if kind not in ("per_tensor", "per_channel"):
        yield f"NNCF has scales per tensor or per channel, not {kind}"
    elif wide is not None and wide != (kind == "per_channel"):
        yield f"the recipe declares weights {kind} and the option weights_per_channel says otherwise"
    elif kind == "per_tensor" and wide is None:
        yield "NNCF gives weights a scale per channel: state weights_per_channel: false"


def _activation_reasons(job: dict[str, Any], activations: dict[str, Any]) -> Iterator[str]:
    if activations["format"] not in ("int8", "uint8"):
        yield "nncf.quantize gives activations 8 bit, not {}".format(activations["format"])
    if activations["granularity"]["kind"] != "per_tensor":
        yield "NNCF has no {} activations but in depthwise convolutions".format(activations["granularity"]["kind"])
    if activations["timing"] != "static":
        yield "nncf.quantize fixes activation scales before deployment; the recipe says {}".format(
            activations["timing"]
        )
    wanted = "mixed" if activations["symmetry"] == "asymmetric" else "performance"
    if preset_of(job) != wanted:
        yield "{} activations are preset {}, not {}".format(activations["symmetry"], wanted, preset_of(job))
    bias = scheme(job, "bias")
    if bias and bias["format"] not in FLOATS:
        yield "NNCF leaves biases in float, the recipe declares {}".format(bias["format"])


def _calibration_reasons(job: dict[str, Any]) -> Iterator[str]:
    calibration = job.get("calibration") or {}
    data, method = calibration.get("data") or {}, calibration.get("method") or {}
    if "samples" not in data:
        yield "nncf.quantize needs calibration data, the recipe names none"
    stated, kind = option(job, "range_estimator"), method.get("kind")
    if kind == "minmax":
        if stated != "minmax":
            yield "NNCF averages the ranges of the samples (mean_minmax) by default: state range_estimator: minmax"
        symmetric = scheme(job, "activations").get("symmetry") == "symmetric"
        if method.get("symmetric") != symmetric:
            yield "ranges are symmetric where activations are, and only there"
    elif kind != "other":
        yield f"NNCF has no range estimator {kind!r}: name one by range_estimator, and describe it (kind other)"
    elif stated == "minmax":
        yield "the range estimator minmax has a name among the methods: kind minmax"


def _policy_reasons(job: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    policy = job.get("mixed_precision") or {}
    for end in ("first_layer", "last_layer"):
        fmt = policy.get(end)
        if fmt is not None and fmt not in (weights["format"], "fp32"):
            yield f"{end} in {fmt}: the tool quantizes all layers alike or leaves them in float"
    for exception in policy.get("exceptions", ()):
        selector = exception["selector"]
        if exception["format"] != "fp32":
            yield "an exception in {}: the tool can only leave a layer as it is".format(exception["format"])
        if selector["kind"] == "tensor_class":
            strange = [value for value in selector["values"] if value not in ("embeddings", "head")]
            if strange:
                yield "the tool cannot leave out the tensor class {} alone".format(", ".join(strange))


def variants(job: dict[str, Any]) -> tuple[Variant, ...]:
    """One variant per declared setting that is not at NNCF's default; each exception, and the batch size.

    A setting whose default the declared scheme excludes has its other value instead.
    """
    found: list[Variant] = []
    options = job.get("options") or {}
    for name in sorted(options):
        if name == "mode" or options[name] == OPTIONS[name]:
            continue
        other = copy.deepcopy(job)
        del other["options"][name]
        if name == "calibration_order":
            other["limit"] = None  # other items would enter a shortened run
        found.append((name, _text(options[name]), "the tool's default, " + _text(OPTIONS[name]), other))
    found.extend(_exception_variants(job))
    data = (job.get("calibration") or {}).get("data") or {}
    if "batch_size" in data:
        size = data["batch_size"]
        other = copy.deepcopy(job)
        other["calibration"]["data"]["batch_size"] = 1 if size > 1 else 2
        found.append(("calibration.data.batch_size", str(size), "1" if size > 1 else "2", other))
    return tuple(found)


def _exception_variants(job: dict[str, Any]) -> Iterator[Variant]:
    exceptions = (job.get("mixed_precision") or {}).get("exceptions") or []
    for at, exception in enumerate(exceptions):
        other = copy.deepcopy(job)
        del other["mixed_precision"]["exceptions"][at]
        selector = exception["selector"]
        words = "{} {}".format(selector["kind"], ", ".join(selector["values"]))
        yield (f"mixed_precision.exceptions[{at}]", words, "without it", other)


def _text(value: Any) -> str:
    if value is None:
        return "its own choice"
    return str(value).lower() if isinstance(value, bool) else str(value)
