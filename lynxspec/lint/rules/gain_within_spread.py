"""The gain is not larger than the scatter of the rates that it compares.

## What it checks
Whether the published gain is above 1 by no more than the two spreads taken together (root of the sum of squares), or
is not above 1 at all.

## Why it matters to a buyer
Repeat the measurement and the quantized regime may as well be the slower one.

## Disclose instead
Measure with interleaved blocks and more repetitions, and give the gain with an interval.

## References
JCGM 100 (GUM), section 5.1: uncertainties of independent quantities combine as the root of the sum of squares.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.draft import Draft
from lynxspec.lint.losses import pairs
from lynxspec.lint.regimes import sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for path, comparison, quantized, reference in pairs(draft.claim) if draft.claim else ():
        gain, mine, theirs = present(comparison.throughput_gain), sustained(quantized), sustained(reference)
        if gain is None or mine is None or theirs is None:
            continue
        scatter = (mine.spread.base**2 + theirs.spread.base**2) ** 0.5
        if gain.base - 1 <= scatter:
            yield Hit(
                message=f"a gain of {gain} does not exceed the scatter of the two rates, {scatter:.1%}",
                at=((*path, "throughput_gain"),),
                regime=quantized.name,
                effect=Effect.WEAKENS,
            )


RULE = Rule(
    code="LXS245",
    name="gain-within-spread",
    severity=Severity.WARNING,
    component=Component.THROUGHPUT_GAIN,
    summary="The gain does not exceed the scatter.",
    remedy="Measure again with more repetitions, or claim no gain.",
    question="Is there a gain at all beyond the scatter of the measurements?",
    check=_check,
)
