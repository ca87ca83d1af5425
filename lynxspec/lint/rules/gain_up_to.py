"""The gain is an upper bound ("up to"), not a result.

## What it checks
The qualifier of each published gain for `up_to`.

## Why it matters to a buyer
The best of many shapes, batches and models is true for one of them, and most likely not for yours.

## Disclose instead
Publish the gain that was measured under the stated load, with qualifier `measured`.

## References
MLPerf Inference rules: a result is what was measured in a valid run, not a bound on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for i, comparison in enumerate(draft.claim.comparisons if draft.claim else ()):
        if comparison.qualifier == "up_to":
            yield Hit(
                message=f"the gain of {comparison.quantized} is 'up to': a bound over cases that are not named",
                at=(("comparisons", i, "qualifier"),),
                regime=comparison.quantized,
                effect=Effect.WEAKENS,
            )


RULE = Rule(
    code="LXS211",
    name="gain-up-to",
    severity=Severity.WARNING,
    component=Component.THROUGHPUT_GAIN,
    summary="The gain is qualified as up to.",
    remedy="Give the gain measured under the load of the claim.",
    question="What is the measured gain under the stated load, instead of the upper bound?",
    check=_check,
)
