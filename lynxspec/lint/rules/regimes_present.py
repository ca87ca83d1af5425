"""A claim needs one reference regime and one quantized regime or more.

## What it checks
The number of regimes of each role.

## Why it matters to a buyer
Precision and speed are a trade: with one side of it alone there is nothing to check, and no rule about the other side
can fire.

## Disclose instead
Declare the reference and each quantized recipe as a regime with its own accuracy and its own throughput.

## References
MLPerf Inference: a quantized submission is held against the reference model of the same benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    roles = [regime.role for regime in draft.regimes]
    if "quantized" not in roles:
        yield Hit(message="there is no quantized regime, so that nothing is claimed", at=(("regimes",),))
    if roles.count("reference") != 1:
        count = roles.count("reference")
        yield Hit(
            message=f"there are {count} reference regimes; one is needed",
            at=(("regimes",),),
            effect=Effect.CONTRADICTS,
        )


RULE = Rule(
    code="LXS208",
    name="regimes-missing",
    severity=Severity.ERROR,
    component=Component.BASELINE,
    summary="The claim has no quantized regime, or not exactly one reference.",
    remedy="Declare one reference regime and at least one quantized regime.",
    question="Which regimes were measured, and which of them is the reference?",
    check=_check,
)
