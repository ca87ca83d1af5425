"""A regime that is called quantized has no tensor on a grid.

## What it checks
Whether every tensor class of a quantized regime that is disclosed has a floating-point format without a scale.

## Why it matters to a buyer
Reduced floating-point precision is a fair way to be faster, but it is not what was announced, and it is often the
reference that should have been compared with.

## Disclose instead
Call it a reference, or disclose which tensors are quantized.

## References
ONNX: TensorProto data types; OCP Microscaling Formats 1.0, for what has a scale.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim.precision import Quantized
from lynxspec.draft import Draft
from lynxspec.lint.regimes import quantized, schemes
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in quantized(draft.claim) if draft.claim else ():
        known = dict(schemes(regime))
        if known and not any(isinstance(scheme, Quantized) for scheme in known.values()):
            yield Hit(
                message=f"{regime.name} is called quantized, and all its tensors are in floating point",
                at=((*path, "precision"), (*path, "role")),
                regime=regime.name,
                effect=Effect.CONTRADICTS,
            )


RULE = Rule(
    code="LXS252",
    name="nothing-quantized",
    severity=Severity.ERROR,
    component=Component.PRECISION_FORMAT,
    summary="The quantized regime quantizes nothing.",
    remedy="Disclose the quantized tensors, or declare the regime as reference.",
    question="Which tensors of this regime are quantized, if any?",
    check=_check,
)
