"""The baseline is not a full-precision regime of this claim on the same system.

## What it checks
There is exactly one reference regime and its tensors are not quantized; every comparison names regimes of this
claim, a quantized one against the reference; both ran on the system in ``hardware`` with the same runtime,
provider, session options and framework; ``system`` and ``other_system`` agree.

## Why it matters to a buyer
Against a slower machine, an older runtime, fewer threads or an already quantized model every format looks fast.
Only a full-precision run on the same system with the same settings tells what quantization gave and what it cost.

## Disclose instead
One reference regime in FP32, FP16 or BF16, measured on the same hardware with the same runtime version and
settings.

## References
MLPerf Inference rules on comparable submissions; ONNX Runtime issues 20052 and 17389 (INT8 slower than FP32 once
both are measured alike).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.claim.precision import Quantized
from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, path_of, schemes
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component


def _quantized_baseline(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, regime in numbered(claim):
        found = [(name, scheme) for name, scheme in schemes(regime) if isinstance(scheme, Quantized)]
        if regime.role == "reference" and found:
            named = ", ".join(f"{name} in {scheme.format}" for name, scheme in found)
            yield Hit(
                message=f"the reference {regime.name!r} is itself quantized: {named}",
                at=(*((*path, "precision", name, "format") for name, _ in found), (*path, "role")),
                effect=Effect.CONTRADICTS,
            )


def _other_system(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for index, comparison in enumerate(claim.comparisons if claim else ()):
        path: Path = ("comparisons", index)
        at = ((*path, "system"), (*path, "other_system"))
        other = present(comparison.other_system)
        if comparison.system == "other":
            where = other or "a system that is not named"
            yield Hit(
                message=f"the baseline {comparison.reference!r} ran on {where}: the gain mixes hardware and "
                f"quantization",
                at=at,
                regime=comparison.quantized,
                effect=Effect.WEAKENS if other else Effect.CONTRADICTS,
            )
        elif other is not None:
            yield Hit(
                message="'system' says same, but 'other_system' names one",
                at=at,
                regime=comparison.quantized,
                effect=Effect.CONTRADICTS,
            )


def _unknown_regime(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for index, comparison in enumerate(claim.comparisons):
        for field, name, role in (
            ("quantized", comparison.quantized, "quantized"),
            ("reference", comparison.reference, "reference"),
        ):
            regime = claim.regime(name)
            path: Path = ("comparisons", index, field)
            if regime is None:
                message = f"the comparison names the regime {name!r}, which does not exist"
            elif regime.role != role:
                message = f"the comparison uses {name!r} as {field}, but its role is {regime.role}"
            else:
                continue
            yield Hit(message=message, at=(path,), effect=Effect.CONTRADICTS)


def _references(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    found = [path for path, regime in numbered(claim) if regime.role == "reference"]
    roles = tuple((*path, "role") for path, _ in numbered(claim))
    if len(found) != 1:
        many = "no regime is" if not found else f"{len(found)} regimes are"
        yield Hit(
            message=f"{many} the reference; a claim has exactly one",
            at=roles or (("regimes",),),
            effect=Effect.CONTRADICTS,
        )
    for name, times in Counter(regime.name for regime in claim.regimes).items():
        if times > 1:
            at = tuple((*path, "name") for path, regime in numbered(claim) if regime.name == name)
            yield Hit(message=f"{times} regimes are called {name!r}", at=at, effect=Effect.CONTRADICTS)


def _unequal(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for comparison in claim.comparisons:
        one, other = claim.regime(comparison.quantized), claim.regime(comparison.reference)
        if one is None or other is None or one is other or comparison.system == "other":
            continue
        paths = path_of(claim, one.name), path_of(claim, other.name)
        left, right = present(one.toolchain.runtime), present(other.toolchain.runtime)
        if left is not None and right is not None:
            pairs: list[tuple[str, Path, object, object]] = [
                ("runtime", ("runtime", "name"), left.name, right.name),
                ("runtime version", ("runtime", "version"), left.version, right.version),
                ("provider", ("runtime", "provider"), left.provider, right.provider),
            ]
            pairs += [
                (f"option {key}", ("runtime", "options", key), left.options.get(key), right.options.get(key))
                for key in sorted({*left.options, *right.options})
            ]
            for what, tail, mine, theirs in pairs:
                if mine != theirs:
                    yield Hit(
                        message=f"{what} is {mine!r} for {one.name} and {theirs!r} for {other.name}: not the same "
                        f"stack",
                        at=tuple((*path, "toolchain", *tail) for path in paths),
                        regime=one.name,
                        effect=Effect.WEAKENS,
                    )
        yield from _other_framework(draft, comparison.quantized, comparison.reference)


def _other_framework(draft: Draft, quantized: str, reference: str) -> Iterator[Hit]:
    claim = draft.claim
    one, other = (claim.regime(quantized), claim.regime(reference)) if claim else (None, None)
    if claim is None or one is None or other is None:
        return
    left, right = present(one.toolchain.framework), present(other.toolchain.framework)
    if left is None or right is None:
        return
    for field, mine, theirs in (("name", left.name, right.name), ("version", left.version, right.version)):
        if mine != theirs:
            yield Hit(
                message=f"framework {field} is {mine!r} for {quantized} and {theirs!r} for {reference}",
                at=tuple((*path_of(claim, name), "toolchain", "framework", field) for name in (quantized, reference)),
                regime=quantized,
                severity=Severity.INFO,
            )


RULES = (
    Rule(
        code="LXS304",
        name="baseline-quantized",
        severity=Severity.ERROR,
        component=Component.BASELINE,
        summary="the reference is itself quantized",
        remedy="measure a reference in full precision",
        question="What are speed and accuracy of the unquantized model on the same system?",
        check=_quantized_baseline,
    ),
    Rule(
        code="LXS305",
        name="baseline-on-other-system",
        severity=Severity.ERROR,
        component=Component.BASELINE,
        summary="the reference ran on another system, or it is not clear on which",
        remedy="measure the reference on the same hardware and stack",
        question="What is the gain against the same model in full precision on the same hardware?",
        check=_other_system,
    ),
    Rule(
        code="LXS306",
        name="comparison-names-no-regime",
        severity=Severity.ERROR,
        component=Component.BASELINE,
        summary="a comparison names a regime that does not exist or has the other role",
        remedy="name a quantized regime and the reference of this claim",
        question="Which two regimes does the comparison refer to?",
        check=_unknown_regime,
    ),
    Rule(
        code="LXS307",
        name="reference-not-unique",
        severity=Severity.ERROR,
        component=Component.BASELINE,
        summary="there is no reference, several, or regimes share a name",
        remedy="declare one reference regime and give each regime its own name",
        question="Which regime is the baseline?",
        check=_references,
    ),
    Rule(
        code="LXS308",
        name="regimes-on-unequal-stacks",
        severity=Severity.WARNING,
        component=Component.BASELINE,
        summary="reference and quantized regime ran with other runtimes or settings",
        remedy="measure both with the same runtime, version, provider and options",
        question="What is the reference's rate with the runtime version and settings of the quantized run?",
        check=_unequal,
    ),
)
