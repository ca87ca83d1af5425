"""The gain was derived from peak rates or operation counts, not from a run.

## What it checks
The qualifier of each published gain for `theoretical`.

## Why it matters to a buyer
Twice the peak arithmetic gives twice the speed only to a model that does nothing but arithmetic; conversion between
formats and waiting for memory take the rest.

## Disclose instead
Measure both regimes on the same system and publish the ratio.

## References
Williams et al. 2009, Roofline: an insightful visual performance model for multicore architectures.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for i, comparison in enumerate(draft.claim.comparisons if draft.claim else ()):
        if comparison.qualifier == "theoretical":
            yield Hit(
                message=f"the gain of {comparison.quantized} is theoretical: nobody ran it",
                at=(("comparisons", i, "qualifier"),),
                regime=comparison.quantized,
                effect=Effect.WEAKENS,
            )


RULE = Rule(
    code="LXS212",
    name="gain-theoretical",
    severity=Severity.ERROR,
    component=Component.THROUGHPUT_GAIN,
    summary="The gain is theoretical.",
    remedy="Measure the gain on the system of the claim.",
    question="Has the gain been measured on a real system, and what was it?",
    check=_check,
)
