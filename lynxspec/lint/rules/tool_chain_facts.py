"""The tool chain, in the stated version, does not do what the recipe says.

## What it checks
Each regime's quantizer and runtime against facts by version: methods and options that were removed, that are not
executed, that change nothing, that drop data, that are slower than full precision, that substitute another format,
or that are deprecated. A percentile that is the default of another tool than the one that is named.

## Why it matters to a buyer
A recipe that its own tool cannot run was not run. One whose options change nothing sells a calibration that did not
happen: ONNX Runtime's entropy method with its default bins gives the very file of minmax.

## Disclose instead
The tool that wrote the ranges, with the options that had an effect, and what the runtime executed.

## References
Every fact names its source in ``lynxspec/facts/data/tool_chains/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.precision import Quantized
from lynxspec.draft import Draft
from lynxspec.facts.tool_chains import Fact, Feature, defaults, lookup, tool
from lynxspec.lint.leaves import Same
from lynxspec.lint.regimes import calibration_data, calibration_method, numbered, quantization, schemes
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

_SEVERITY = {"error": Severity.ERROR, "warning": Severity.WARNING, "info": Severity.INFO}
_CANNOT = frozenset({"removed", "unsupported"})
_OTHERWISE = frozenset({"contradicts", "substitutes", "fallback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """A tool in its role, with the features of the regime and where each stands."""

    role: str
    name: str
    version: str
    path: Path
    features: Mapping[str, Feature]
    places: Mapping[str, Path]


def _features(claim: Claim, path: Path, regime: Regime) -> tuple[dict[str, Feature], dict[str, Path]]:
    features: dict[str, Feature] = {"family": claim.model.family.value, "hardware_kind": claim.hardware.kind}
    places: dict[str, Path] = {"family": ("model", "family"), "hardware_kind": ("hardware", "kind")}
    for name, scheme in schemes(regime):
        features[name] = str(scheme.format)
        places[name] = (*path, "precision", name, "format")
    for name, scheme in schemes(regime):
        if name in {"weights", "activations"} and isinstance(scheme, Quantized):
            features[f"{name}_granularity"] = scheme.granularity.kind
            features[f"{name}_symmetry"] = scheme.symmetry
            places[f"{name}_granularity"] = (*path, "precision", name, "granularity", "kind")
            places[f"{name}_symmetry"] = (*path, "precision", name, "symmetry")
    how, data = quantization(regime), calibration_data(regime)
    if how is not None:
        features["approach"], features["algorithm"] = how.approach.value, how.algorithm.value
        places["approach"], places["algorithm"] = (
            (*path, "quantization", "approach"),
            (*path, "quantization", "algorithm"),
        )
    method = calibration_method(regime)
    if method is not None:
        at: Path = (*path, "calibration", "method")
        features["method"], places["method"] = method.kind, (*at, "kind")
        if method.kind != "other":
            features["method_symmetric"], places["method_symmetric"] = method.symmetric, (*at, "symmetric")
        if method.kind == "entropy":
            features["bins_equal"], places["bins_equal"] = method.bins == method.quantized_bins, (*at, "bins")
        if method.kind == "percentile":
            features["bins"], places["bins"] = method.bins, (*at, "bins")
    if data is not None:
        features["variable_shape"] = "variable" in data.shape.lower() or "dynamic" in data.shape.lower()
        places["variable_shape"] = (*path, "calibration", "data", "shape")
    return features, places


def _uses(claim: Claim) -> Iterator[tuple[Regime, _Use]]:
    for path, regime in numbered(claim):
        features, places = _features(claim, path, regime)
        quantizer, runtime = present(regime.toolchain.quantizer), present(regime.toolchain.runtime)
        if quantizer is not None:
            features["strided"] = bool(quantizer.options.get("calibration_stride"))
        for role, entry in (("quantizer", quantizer), ("runtime", runtime)):
            if entry is None:
                continue
            known = tool(entry.name)
            features[role] = known.name if known is not None else entry.name
            places[role] = (*path, "toolchain", role, "name")
            for key, value in entry.options.items():
                if not isinstance(value, tuple):
                    features[f"option.{key}"] = value
                    places[f"option.{key}"] = (*path, "toolchain", role, "options", key)
        if runtime is not None:
            features["provider"], places["provider"] = runtime.provider, (*path, "toolchain", "runtime", "provider")
        for role, entry in (("quantizer", quantizer), ("runtime", runtime)):
            if entry is not None:
                yield (
                    regime,
                    _Use(
                        role=role,
                        name=entry.name,
                        version=entry.version,
                        path=(*path, "toolchain", role),
                        features=features,
                        places=places,
                    ),
                )


@lru_cache(maxsize=1)
def _facts(same: Same) -> tuple[tuple[Regime, _Use, Fact], ...]:
    """Every fact that bears on the claim; six rules read them."""
    return tuple(
        (regime, use, fact)
        for regime, use in _uses(same.claim)
        for fact in lookup(use.name, use.version, role=use.role, features=use.features)
    )


def _hits(draft: Draft, statuses: frozenset[str]) -> Iterator[Hit]:
    for regime, use, fact in _facts(Same(draft.claim)) if draft.claim else ():
        if fact.status not in statuses:
            continue
        versioned = ((*use.path, "version"),) if fact.versions else ()
        places = tuple(use.places[key] for key in fact.when if key in use.places)
        severity = _SEVERITY[fact.severity]
        yield Hit(
            message=f"{regime.name}: {fact.note} ({use.name} {use.version})",
            at=(*places, *versioned, (*use.path, "name")),
            regime=regime.name,
            severity=severity,
            effect=Effect.WEAKENS if severity > Severity.INFO else Effect.NONE,
        )


def _cannot(draft: Draft) -> Iterator[Hit]:
    yield from _hits(draft, _CANNOT)


def _inert(draft: Draft) -> Iterator[Hit]:
    yield from _hits(draft, frozenset({"inert"}))


def _lossy(draft: Draft) -> Iterator[Hit]:
    yield from _hits(draft, frozenset({"lossy"}))


def _slow(draft: Draft) -> Iterator[Hit]:
    yield from _hits(draft, frozenset({"slow"}))


def _otherwise(draft: Draft) -> Iterator[Hit]:
    yield from _hits(draft, _OTHERWISE)


def _deprecated(draft: Draft) -> Iterator[Hit]:
    yield from _hits(draft, frozenset({"deprecated"}))


def _default(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in numbered(claim) if claim else ():
        method, quantizer = calibration_method(regime), present(regime.toolchain.quantizer)
        known = tool(quantizer.name) if quantizer is not None else None
        if method is None or known is None or method.kind != "percentile":
            continue
        listed = [default for default in defaults() if default.method == "percentile"]
        own = next((default for default in listed if default.tool == known.name), None)
        other = next((d for d in listed if d.tool != known.name and d.value == method.percentile), None)
        if other is not None and (own is None or own.value != method.percentile):
            mine = f"; that of {known.name} is {own.value:g}" if own is not None else ""
            yield Hit(
                message=f"{regime.name}: percentile {method.percentile:g} is the default of {other.tool}{mine}: "
                "was it set here?",
                at=((*path, "calibration", "method", "percentile"), (*path, "toolchain", "quantizer", "name")),
                regime=regime.name,
            )


RULES = (
    Rule(
        code="LXS601",
        name="tool-cannot-do-recipe",
        severity=Severity.ERROR,
        component=Component.TOOL_CHAIN,
        summary="the stated version of the tool cannot do what the recipe says",
        remedy="name the tool and version that did it",
        question="Which tool, in which version, wrote the ranges of this model?",
        check=_cannot,
    ),
    Rule(
        code="LXS602",
        name="option-changes-nothing",
        severity=Severity.WARNING,
        component=Component.CALIBRATION_METHOD,
        summary="a stated method or parameter has no effect in this tool",
        remedy="state the method that the scales follow from",
        question="Which calibration method do the published scales follow from?",
        check=_inert,
    ),
    Rule(
        code="LXS603",
        name="tool-drops-data",
        severity=Severity.WARNING,
        component=Component.CALIBRATION_DATA,
        summary="an option makes the tool discard calibration data",
        remedy="calibrate without the option, or state how many items entered",
        question="How many items entered the calibration statistics?",
        check=_lossy,
    ),
    Rule(
        code="LXS604",
        name="runtime-slower-than-float",
        severity=Severity.WARNING,
        component=Component.RUNTIME,
        summary="this combination is known to run slower than full precision, or partly in it",
        remedy="show which operators ran in the quantized format",
        question="Which operators were executed in the quantized format?",
        check=_slow,
    ),
    Rule(
        code="LXS605",
        name="runtime-substitutes-format",
        severity=Severity.WARNING,
        component=Component.RUNTIME,
        summary="the tool chain executes another format than the one stated unless told otherwise",
        remedy="state the setting and the format that was executed",
        question="In which format were the products executed?",
        check=_otherwise,
    ),
    Rule(
        code="LXS606",
        name="tool-deprecated",
        severity=Severity.INFO,
        component=Component.TOOL_CHAIN,
        summary="the method or tool has no future in later versions",
        remedy="say how the recipe moves to the successor",
        question="How long will this tool chain be maintained?",
        check=_deprecated,
    ),
    Rule(
        code="LXS607",
        name="default-of-another-tool",
        severity=Severity.INFO,
        component=Component.CALIBRATION_METHOD,
        summary="a parameter has the value that another tool takes by default",
        remedy="check that it was set in the tool that is named",
        question="Was the percentile set, or is it another tool's default?",
        check=_default,
    ),
)
