"""A claim without a quantized regime claims nothing.

## What it checks
Whether one regime or more is quantized.

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
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    if not any(regime.role == "quantized" for regime in draft.regimes):
        yield Hit(message="there is no quantized regime, so that nothing is claimed", at=(("regimes",),))


RULE = Rule(
    code="LXS208",
    name="no-quantized-regime",
    severity=Severity.ERROR,
    component=Component.PRECISION_FORMAT,
    summary="The claim has no quantized regime.",
    remedy="Declare the quantized recipe as a regime with its own numbers.",
    question="Which quantized recipe was measured, and with what result?",
    check=_check,
)
