"""The rate was still moving at the end of its window.

## What it checks
The drift of each sustained rate against the tolerance of reproduction on throughput; from 2 % on it is information.

## Why it matters to a buyer
A falling rate has not been sustained: the machine that you rent for a day runs at what comes after the window.

## Disclose instead
Measure until the rate holds, and give the rate of the last plateau.

## References
MLPerf endpoints: a drifting metric is reported as a range or slope, never as a point.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component

_NOTABLE = 0.02


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    tolerance = draft.claim.reproduction.tolerances.throughput.base
    for path, regime in numbered(draft.claim):
        rate = sustained(regime)
        change = abs(float(rate.drift.removesuffix(" %"))) / 100 if rate is not None else 0.0
        if rate is None or change <= _NOTABLE + 1e-9:
            continue
        beyond = change > tolerance + 1e-9
        yield Hit(
            message=f"{regime.name}: the rate changed by {rate.drift} from the first to the last third of the window",
            at=((*path, "performance", "sustained", "drift"),),
            regime=regime.name,
            severity=Severity.WARNING if beyond else Severity.INFO,
            effect=Effect.WEAKENS if beyond else Effect.NONE,
            component=Component.SUSTAINED_THROUGHPUT if regime.role == "quantized" else Component.BASELINE,
        )


RULE = Rule(
    code="LXS242",
    name="drift",
    severity=Severity.WARNING,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="The rate drifts by more than the tolerance.",
    remedy="Measure longer and give the rate of the last plateau.",
    question="At which rate does the system settle after the stated window?",
    check=_check,
)
