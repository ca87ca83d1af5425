"""Approach, schemes, calibration and algorithm of a regime exclude each other.

## What it checks
Weight-only quantization leaves activations in floating point; dynamic quantization computes their scales at run
time and static quantization before, from calibration; quantization-aware training has a training recipe; weights
and biases never have run-time scales; granularities that a matrix product cannot factor out; scale and zero-point
formats that go with the number format; the accumulator of integer products is a wide integer; the range method's
symmetry is that of the activations; every parameter of the algorithm is written out.

## Why it matters to a buyer
The approach decides whether calibration data mattered at all and which kernels can run. When the fields exclude
each other nobody can redo the recipe, and the numbers belong to another one.

## Disclose instead
The approach that was run, with the scheme of each tensor class as it is in the file.

## References
ONNX operators QuantizeLinear and DequantizeLinear (a zero point has the type of the quantized tensor); OCP
Microscaling Formats 1.0 (scales are E8M0); NVFP4 (block scales are E4M3).
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.calibration import NoneNeeded
from lynxspec.claim.precision import PerChannel, PerGroup, PerToken, Quantized
from lynxspec.draft import Draft
from lynxspec.lint.regimes import (
    activations,
    calibration,
    calibration_method,
    quantization,
    quantized,
    schemes,
    weights,
)
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import STORAGE_BITS, UNQUANTIZED, Algorithm, Approach, Component, NumberFormat

_WIDE = frozenset({NumberFormat.INT32, NumberFormat.INT64, NumberFormat.FP32, NumberFormat.FP64})
_INTEGERS = frozenset(f for f in NumberFormat if f.value.startswith(("int", "uint")))
_PARAMETERLESS = frozenset({Algorithm.RTN, Algorithm.BIAS_CORRECTION, Algorithm.OTHER, Algorithm.QAT})


def _approach(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in quantized(claim) if claim else ():
        how, acts = quantization(regime), activations(regime)
        if how is None:
            continue
        at: Path = (*path, "quantization", "approach")
        if how.approach is Approach.WEIGHT_ONLY and isinstance(acts, Quantized):
            message = f"weight-only, but activations are in {acts.format}"
            yield _hit(message, (at, (*path, "precision", "activations", "format")), regime)
        elif isinstance(acts, Quantized) and how.approach in {Approach.STATIC, Approach.DYNAMIC}:
            for name, scheme in schemes(regime):
                if (
                    name in {"activations", "outputs"}
                    and isinstance(scheme, Quantized)
                    and scheme.timing != how.approach.value
                ):
                    message = f"{how.approach} quantization, but the scales of {name} are {scheme.timing}"
                    yield _hit(message, ((*path, "precision", name, "timing"), at), regime)
        elif how.approach in {Approach.STATIC, Approach.DYNAMIC} and acts is not None:
            message = f"{how.approach} quantization, but activations stay in {acts.format}: this is weight-only"
            yield _hit(message, (at, (*path, "precision", "activations", "format")), regime)


def _hit(message: str, at: tuple[Path, ...], regime: Regime) -> Hit:
    return Hit(message=f"{regime.name}: {message}", at=at, regime=regime.name, effect=Effect.CONTRADICTS)


def _calibrated(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in quantized(claim) if claim else ():
        how, found = quantization(regime), calibration(regime)
        acts = activations(regime)
        at: tuple[Path, ...] = ((*path, "calibration"), (*path, "quantization", "approach"))
        static = isinstance(acts, Quantized) and acts.timing == "static"
        if found is None and static and (how is None or how.approach is not Approach.QAT):
            reason = regime.calibration.none_needed if isinstance(regime.calibration, NoneNeeded) else "none is given"
            yield _hit(f"static activation scales without calibration ({reason})", at, regime)
        if (
            found is not None
            and not static
            and how is not None
            and how.approach in {Approach.DYNAMIC, Approach.WEIGHT_ONLY}
        ):
            data_driven = how.algorithm not in {Algorithm.RTN, Algorithm.HQQ}
            if not data_driven:
                yield Hit(
                    message=f"{regime.name}: {how.approach} {how.algorithm} reads no calibration data, yet "
                    f"calibration is given",
                    at=at,
                    regime=regime.name,
                    severity=Severity.WARNING,
                    component=Component.CALIBRATION_METHOD,
                    effect=Effect.WEAKENS,
                )
        method = calibration_method(regime)
        if method is None or method.kind == "other" or not isinstance(acts, Quantized):
            continue
        if method.symmetric != (acts.symmetry == "symmetric"):
            signed = acts.format in {NumberFormat.UINT8, NumberFormat.UINT16, NumberFormat.UINT4}
            yield Hit(
                message=f"{regime.name}: the range is {'' if method.symmetric else 'not '}made symmetric, "
                f"activations are {acts.symmetry}",
                at=((*path, "calibration", "method", "symmetric"), (*path, "precision", "activations", "symmetry")),
                regime=regime.name,
                severity=Severity.WARNING,
                component=Component.CALIBRATION_METHOD,
                effect=Effect.NONE if signed else Effect.WEAKENS,
            )


def _scheme_parts(name: str, scheme: Quantized) -> Iterator[tuple[str, str, Severity]]:
    """Field, message and severity of everything in one scheme that cannot be."""
    fmt, constant = NumberFormat(scheme.format), name in {"weights", "bias", "embeddings", "head"}
    if constant and scheme.timing == "dynamic":
        yield "timing", "constants have no run-time scales", Severity.ERROR
    if constant and isinstance(scheme.granularity, PerToken):
        yield "granularity", "constants have no tokens", Severity.ERROR
    if isinstance(scheme.granularity, PerToken) and scheme.timing == "static":
        yield "timing", "scales per token are computed at run time", Severity.ERROR
    if (
        name in {"activations", "outputs"}
        and isinstance(scheme.granularity, PerChannel | PerGroup)
        and fmt in _INTEGERS
    ):
        yield "granularity", "an integer product cannot factor out scales along the summed axis", Severity.WARNING
    if name == "bias" and scheme.symmetry == "asymmetric":
        yield "symmetry", "a bias is added in accumulator units and has no zero point", Severity.WARNING
    if name == "bias" and isinstance(scheme.granularity, PerChannel) and scheme.granularity.axis not in {0, -1}:
        yield "granularity", f"a bias has one axis, not axis {scheme.granularity.axis}", Severity.WARNING
    if name == "weights" and scheme.symmetry == "asymmetric" and fmt in {NumberFormat.INT8, NumberFormat.INT4}:
        yield "symmetry", f"asymmetric {fmt} weights: most kernels take symmetric signed weights only", Severity.INFO
    if name == "weights" and scheme.symmetry == "symmetric" and fmt in {NumberFormat.UINT8, NumberFormat.UINT4}:
        yield "symmetry", f"{fmt} cannot be symmetric around a zero point of zero", Severity.INFO
    yield from _scale(scheme)


def _scale(scheme: Quantized) -> Iterator[tuple[str, str, Severity]]:
    fmt, scale = NumberFormat(scheme.format), scheme.scale_format
    if fmt.value.startswith("mx") != (scale == "fp8_e8m0"):
        yield "scale_format", f"{fmt} with a scale in {scale}: E8M0 scales go with microscaling formats", Severity.ERROR
    elif (fmt is NumberFormat.NVFP4) != (scale == "fp8_e4m3fn"):
        yield "scale_format", f"{fmt} with a scale in {scale}: E4M3 scales go with NVFP4", Severity.ERROR
    zero = present(scheme.zero_point_format)
    if zero is not None and zero != fmt:
        floats = zero in UNQUANTIZED
        text = f"{fmt} with a zero point in {zero}: a zero point has the type of its tensor"
        yield "zero_point_format", text, Severity.INFO if floats else Severity.WARNING
    if zero is None and scheme.symmetry == "asymmetric" and not fmt.value.startswith("ggml"):  # blocks hold a minimum
        yield "zero_point_format", "asymmetric without a zero point", Severity.WARNING


def _schemes(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in quantized(claim) if claim else ():
        for name, scheme in schemes(regime):
            if not isinstance(scheme, Quantized):
                continue
            for field, message, severity in _scheme_parts(name, scheme):
                axis = field == "granularity" and message.startswith("a bias has one axis")
                deeper: Path = (field, "axis" if axis else "kind") if field == "granularity" else (field,)
                yield Hit(
                    message=f"{regime.name}, {name}: {message}",
                    at=((*path, "precision", name, *deeper), (*path, "precision", name, "format")),
                    regime=regime.name,
                    severity=severity,
                    effect=Effect.WEAKENS if severity is Severity.ERROR else Effect.NONE,
                )
        yield from _neighbours(path, regime)


def _neighbours(path: Path, regime: Regime) -> Iterator[Hit]:
    """Fields of two tensor classes that go together in one kernel."""
    pairs = (("activations", "outputs"), ("weights", "head"), ("weights", "bias"), ("kv_cache_key", "kv_cache_value"))
    found = dict(schemes(regime))
    for left, right in pairs:
        one, other = found.get(left), found.get(right)
        if not isinstance(one, Quantized) or not isinstance(other, Quantized):
            continue
        for field, mine, theirs in _kernel_fields(one, other, alike=right != "bias"):
            if mine != theirs:
                yield Hit(
                    message=f"{regime.name}: {left} and {right} differ in {field[-1]}",
                    at=((*path, "precision", left, *field), (*path, "precision", right, *field)),
                    regime=regime.name,
                    severity=Severity.INFO,
                )


def _kernel_fields(one: Quantized, other: Quantized, *, alike: bool) -> Iterator[tuple[Path, object, object]]:
    """Fields with both values; a bias shares granularity and scale with the weights, but not the format."""
    left, right = one.granularity, other.granularity
    yield ("granularity", "kind"), left.kind, right.kind
    if isinstance(left, PerChannel) and isinstance(right, PerChannel) and alike:
        yield ("granularity", "axis"), left.axis, right.axis
    yield ("scale_format",), one.scale_format, other.scale_format
    if alike:
        yield ("format",), one.format, other.format
        yield ("symmetry",), one.symmetry, other.symmetry
        yield ("timing",), one.timing, other.timing


def _accumulator(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for index, regime in enumerate(claim.regimes if claim else ()):
        path: Path = ("regimes", index)
        total, left, right = present(regime.precision.accumulator), activations(regime), weights(regime)
        if total is None or left is None or right is None:
            continue
        integers = left.format in _INTEGERS
        if integers and right.format not in _INTEGERS and not str(right.format).startswith("ggml"):
            continue  # a codebook or float grid is looked up first, in whatever the kernel likes
        if integers and total not in _WIDE:
            message, severity = (
                f"products of {left.format} and {right.format} summed in {total} overflow",
                Severity.WARNING,
            )
        elif integers and total not in _INTEGERS:
            message, severity = f"integer products summed in {total}: dequantized before the product?", Severity.INFO
        elif not integers and total in _INTEGERS:
            message, severity = f"{left.format} activations cannot be summed in {total}", Severity.WARNING
        elif not integers and (
            STORAGE_BITS.get(total, 0) < STORAGE_BITS.get(left.format, 0) or total not in UNQUANTIZED
        ):
            message, severity = f"{left.format} activations summed in the narrower {total}", Severity.WARNING
        elif (not integers and STORAGE_BITS.get(total, 0) > 32) or (total is NumberFormat.TF32):
            message, severity = f"{left.format} activations summed in {total}: few kernels do", Severity.INFO
        else:
            continue
        yield Hit(
            message=f"{regime.name}: {message}",
            at=((*path, "precision", "accumulator"), (*path, "precision", "activations", "format")),
            regime=regime.name,
            severity=severity,
        )


def _algorithm(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in quantized(claim) if claim else ():
        how = quantization(regime)
        if how is None:
            continue
        at: Path = (*path, "quantization")
        recipe = present(how.qat)
        trained = how.approach is Approach.QAT or how.algorithm in {Algorithm.QAT, Algorithm.LSQ}
        if trained != (recipe is not None):
            what = "no training recipe" if trained else "a training recipe"
            message = f"{regime.name}: approach {how.approach}, algorithm {how.algorithm}, and {what}"
            fields = ("approach", "algorithm", "qat")
            yield Hit(
                message=message,
                at=tuple((*at, field) for field in fields),
                regime=regime.name,
                severity=Severity.ERROR,
                effect=Effect.WEAKENS,
            )
        if not how.parameters and how.algorithm not in _PARAMETERLESS:
            yield Hit(
                message=f"{regime.name}: {how.algorithm} without any parameter; defaults differ by tool",
                at=((*at, "algorithm"), (*at, "parameters")),
                regime=regime.name,
                effect=Effect.WEAKENS,
            )
        if how.algorithm is Algorithm.OTHER and not how.parameters:
            yield Hit(
                message=f"{regime.name}: the algorithm is 'other' and nothing describes it",
                at=((*at, "algorithm"), (*at, "parameters")),
                regime=regime.name,
                effect=Effect.WEAKENS,
            )
        if how.algorithm is Algorithm.BIAS_CORRECTION and "bias" not in dict(schemes(regime)):
            yield Hit(
                message=f"{regime.name}: bias correction of a model whose biases are not disclosed",
                at=((*at, "algorithm"),),
                regime=regime.name,
                severity=Severity.INFO,
            )


RULES = (
    Rule(
        code="LXS331",
        name="approach-contradicts-tensors",
        severity=Severity.ERROR,
        component=Component.TENSORS_QUANTIZED,
        summary="static, dynamic or weight-only does not fit the schemes of the tensors",
        remedy="state the approach that was run and the scheme of activations as executed",
        question="Are activations quantized, and are their scales fixed or computed at run time?",
        check=_approach,
    ),
    Rule(
        code="LXS332",
        name="calibration-contradicts-approach",
        severity=Severity.ERROR,
        component=Component.CALIBRATION_DATA,
        summary="static scales without calibration, or calibration that nothing reads",
        remedy="state data and method that the static scales came from",
        question="Where do the static activation scales come from?",
        check=_calibrated,
    ),
    Rule(
        code="LXS333",
        name="scheme-not-possible",
        severity=Severity.WARNING,
        component=Component.GRANULARITY,
        summary="granularity, timing, scale or zero point cannot go with the tensor or its format",
        remedy="state the scheme as it is in the file",
        question="Which granularity, scale and zero-point formats does the file hold?",
        check=_schemes,
    ),
    Rule(
        code="LXS334",
        name="accumulator-implausible",
        severity=Severity.WARNING,
        component=None,
        summary="the accumulator does not fit the operands",
        remedy="state the format in which the kernel sums",
        question="In which format do the kernels accumulate?",
        check=_accumulator,
    ),
    Rule(
        code="LXS335",
        name="algorithm-not-written-out",
        severity=Severity.WARNING,
        component=Component.CALIBRATION_METHOD,
        summary="the algorithm lacks its parameters, or contradicts the approach",
        remedy="write out every parameter, defaults too; give the training recipe of QAT",
        question="Which parameters did the quantization algorithm run with?",
        check=_algorithm,
    ),
)
