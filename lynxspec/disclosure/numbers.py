"""How far precision, tensors, granularity, policy, calibration and tools of a regime are disclosed."""

from __future__ import annotations

from lynxspec.claim import Absent, NotApplicable, Regime, Unknown, present
from lynxspec.claim.calibration import Calibration, NoneNeeded
from lynxspec.claim.precision import Quantized
from lynxspec.disclosure.subject import Subject, absent, partly, spell, told
from lynxspec.draft import Disclosure
from lynxspec.vocabulary import Algorithm, Approach, Status

DATA_DRIVEN = frozenset(
    {
        Algorithm.GPTQ,
        Algorithm.AWQ,
        Algorithm.SMOOTHQUANT,
        Algorithm.AUTOROUND,
        Algorithm.ADAROUND,
        Algorithm.BRECQ,
        Algorithm.SPQR,
        Algorithm.AQLM,
        Algorithm.VPTQ,
        Algorithm.QUIP_SHARP,
        Algorithm.SPINQUANT,
    }
)
"""Algorithms that read calibration data even when only weights are quantized."""

TENSOR_CLASSES = (
    "weights",
    "activations",
    "outputs",
    "bias",
    "embeddings",
    "head",
    "kv_cache_key",
    "kv_cache_value",
    "state",
)
"""Fields of `Precision` that hold a scheme."""


def precision_format(s: Subject) -> Disclosure:
    """Assess `Component.PRECISION_FORMAT`."""
    path = (*s.path, "precision", "weights")
    weights, activations = present(s.regime.precision.weights), present(s.regime.precision.activations)
    if weights is None:
        other = (*s.path, "precision", "weights")
        if activations is None:
            return absent(s.regime.precision.weights, path)
        return partly(f"activations {spell(activations)}", other, "the format of the weights is not given")
    if activations is None:
        where = (*s.path, "precision", "activations")
        return partly(f"weights {spell(weights)}", where, "the format of the activations is not given")
    return told(f"weights {spell(weights)}, activations {spell(activations)}", path)


def tensors_quantized(s: Subject) -> Disclosure:
    """Assess `Component.TENSORS_QUANTIZED`."""
    precision = s.regime.precision
    base = (*s.path, "precision")
    values = {name: value for name, value in precision if name in TENSOR_CLASSES}
    known = {name: scheme for name in TENSOR_CLASSES if (scheme := present(values[name])) is not None}
    if not known.keys() & {"weights", "activations"}:
        return absent(precision.weights, (*base, "weights"))
    text = ", ".join(name for name, scheme in known.items() if isinstance(scheme, Quantized)) or "none"
    for name in TENSOR_CLASSES:
        cannot_lack = name in {"weights", "activations"} and isinstance(values[name], NotApplicable)
        if isinstance(values[name], Unknown) or cannot_lack:
            return partly(text, (*base, name), f"nothing is said of {name.replace('_', ' ')}")
    return told(text, (*base, "weights"))


def granularity(s: Subject) -> Disclosure:
    """Assess `Component.GRANULARITY`."""
    base = (*s.path, "precision")
    values = {"weights": s.regime.precision.weights, "activations": s.regime.precision.activations}
    schemes = {name: present(value) for name, value in values.items()}
    kinds = [f"{n} {x.granularity.kind}" for n, x in schemes.items() if isinstance(x, Quantized)]
    text = ", ".join(kinds)
    unknown = [name for name, scheme in schemes.items() if scheme is None]
    path = (*base, unknown[0] if unknown else "weights", *(() if unknown else ("granularity",)))
    if not kinds:
        if unknown:
            return absent(values[unknown[0]], path)
        note = "no weights or activations on a grid"
        return Disclosure(status=Status.NOT_APPLICABLE, value=None, path=(*base, "weights"), note=note)
    if unknown:
        return partly(text, path, f"that of {unknown[0]} is not given")
    if "weights" not in text:
        path = (*base, "activations", "granularity")
    return told(text, path)


def mixed_precision_policy(s: Subject) -> Disclosure:
    """Assess `Component.MIXED_PRECISION_POLICY`."""
    path = (*s.path, "mixed_precision")
    policy = present(s.regime.mixed_precision)
    if policy is None:
        return absent(s.regime.mixed_precision, path, may_not_apply=s.is_reference)
    count = len(policy.exceptions)
    text = f"first layer {policy.first_layer}, last layer {policy.last_layer}, {count} exceptions"
    return told(text, path)


def needs_calibration(regime: Regime) -> bool:
    """Whether the recipe reads data: static activations, or an algorithm that does (unknown recipes are assumed to)."""
    recipe = present(regime.quantization)
    if recipe is not None and recipe.approach is Approach.QAT:
        return False
    if recipe is not None and recipe.algorithm in DATA_DRIVEN:
        return True
    if isinstance(regime.quantization, NotApplicable) and regime.role == "reference":
        return False
    if recipe is None or recipe.approach is Approach.STATIC:
        return True
    schemes = (present(regime.precision.activations), present(regime.precision.outputs))
    return any(isinstance(scheme, Quantized) and scheme.timing == "static" for scheme in schemes)


def calibration(s: Subject, part: str) -> Disclosure:
    """Assess the calibration data or method, as ``part`` says."""
    path = (*s.path, "calibration")
    answer = s.regime.calibration
    if isinstance(answer, NoneNeeded):
        return told(f"none needed: {answer.none_needed}", path)
    idle = not needs_calibration(s.regime)
    if not isinstance(answer, Calibration):
        return absent(answer, path, may_not_apply=idle)
    path = (*path, part)
    if part == "method":
        kind = None if isinstance(answer.method, Absent) else str(answer.method.kind)
        return told(kind, path) if kind else absent(answer.method, path, may_not_apply=idle)
    data = present(answer.data)
    if data is None:
        return absent(answer.data, path, may_not_apply=idle)
    text = f"{data.dataset}, {data.samples} samples"
    if data.dataset not in {d.name for d in s.claim.data}:
        return partly(text, (*path, "dataset"), f"no data set in the claim is named {data.dataset!r}")
    return told(text, path)


def tool_chain(s: Subject) -> Disclosure:
    """Assess `Component.TOOL_CHAIN`."""
    answer = s.regime.toolchain.quantizer
    path = (*s.path, "toolchain", "quantizer")
    tool = present(answer)
    return told(f"{tool.name} {tool.version}", path) if tool else absent(answer, path, may_not_apply=s.is_reference)


def runtime(s: Subject) -> Disclosure:
    """Assess `Component.RUNTIME`."""
    answer = s.regime.toolchain.runtime
    path = (*s.path, "toolchain", "runtime")
    runtime = present(answer)
    return told(f"{runtime.name} {runtime.version}, {runtime.provider}", path) if runtime else absent(answer, path)
