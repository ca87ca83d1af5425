"""The mixed-precision policy contradicts the schemes: first layer, last layer, head, exceptions.

## What it checks
The format of the first and last layer is that of the weights unless an exception lists the difference; the last
layer agrees with the head; a policy that is said not to apply leaves one format; an exception that repeats the
regime's own format is none; selectors of one exception are not empty.

## Why it matters to a buyer
The first and last layers decide how much accuracy 8 bit costs. Leaving them in full precision is good practice, and
a hidden exception is why a reproduction comes out slower or less accurate than the sheet.

## Disclose instead
The format of the first and last layer and every layer that deviates, with the reason.

## References
A voice-activity model kept its AUC of 0.97 with only its LSTM quantized and fell to 0.66 with its first convolution
too (measured).
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Absent, NotApplicable, Regime
from lynxspec.draft import Draft
from lynxspec.lint.regimes import mixed_precision, numbered, quantized, schemes, weights
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import UNQUANTIZED, Component


def _ends(path: Path, regime: Regime, *, own_head: bool) -> Iterator[Hit]:
    policy, stored = mixed_precision(regime), weights(regime)
    head = dict(schemes(regime)).get("head")
    if policy is None or stored is None:
        return
    listed = {entry.format for entry in policy.exceptions}
    for field, fmt in (("first_layer", policy.first_layer), ("last_layer", policy.last_layer)):
        beside = field == "last_layer" and head is not None and head.format == fmt
        if fmt != stored.format and fmt not in listed and not beside:
            yield Hit(
                message=f"{regime.name}: the {field.replace('_', ' ')} is {fmt}, weights are {stored.format}, "
                "no exception says so",
                at=((*path, "mixed_precision", field), (*path, "precision", "weights", "format")),
                regime=regime.name,
                effect=Effect.CONTRADICTS,
            )
    if head is not None and own_head and head.format != policy.last_layer:
        yield Hit(
            message=f"{regime.name}: the last layer is {policy.last_layer}, the head {head.format}",
            at=((*path, "mixed_precision", "last_layer"), (*path, "precision", "head", "format")),
            regime=regime.name,
            effect=Effect.WEAKENS,
        )


def _mixed(path: Path, regime: Regime) -> Iterator[Hit]:
    """Floating-point classes in several formats although the policy is said not to apply."""
    if not isinstance(regime.mixed_precision, NotApplicable):
        return
    formats = {name: scheme.format for name, scheme in schemes(regime) if scheme.format in UNQUANTIZED}
    if len(set(formats.values())) > 1:
        named = ", ".join(f"{name} {fmt}" for name, fmt in formats.items())
        yield Hit(
            message=f"{regime.name}: no mixed precision, yet {named}",
            at=((*path, "mixed_precision"), *((*path, "precision", name, "format") for name in formats)),
            regime=regime.name,
            severity=Severity.WARNING,
            component=Component.BASELINE if regime.role == "reference" else None,
            effect=Effect.WEAKENS,
        )


def _contradicts(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in numbered(claim) if claim else ():
        yield from _mixed(path, regime)
        if regime.role == "quantized":
            # a head in a file of its own is not a layer of the quantized model
            own_head = claim is not None and isinstance(claim.evaluation.head, Absent)
            yield from _ends(path, regime, own_head=own_head)


def _empty(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in quantized(claim) if claim else ():
        policy, stored = mixed_precision(regime), weights(regime)
        for index, entry in enumerate(policy.exceptions if policy else ()):
            at: Path = (*path, "mixed_precision", "exceptions", index)
            if not entry.selector.values:
                yield Hit(
                    message=f"{regime.name}: an exception that names nothing",
                    at=((*at, "selector"),),
                    regime=regime.name,
                )
            if stored is not None and entry.format == stored.format:
                yield Hit(
                    message=f"{regime.name}: an exception in {entry.format}, which is the regime's own format",
                    at=((*at, "format"), (*path, "precision", "weights", "format")),
                    regime=regime.name,
                )


RULES = (
    Rule(
        code="LXS345",
        name="policy-contradicts-schemes",
        severity=Severity.ERROR,
        component=Component.MIXED_PRECISION_POLICY,
        summary="first layer, last layer or head have a format that the policy does not explain",
        remedy="list the layer as an exception, or correct its format",
        question="In which format are the first and the last layer?",
        check=_contradicts,
    ),
    Rule(
        code="LXS346",
        name="exception-excepts-nothing",
        severity=Severity.WARNING,
        component=Component.MIXED_PRECISION_POLICY,
        summary="an exception names no layer or repeats the regime's format",
        remedy="name the layers and the format that they have instead",
        question="Which layers are exempt, and in which format are they?",
        check=_empty,
    ),
)
