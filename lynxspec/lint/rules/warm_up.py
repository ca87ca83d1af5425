"""The warm-up before the measured window is shorter than a second.

## What it checks
The warm-up of each sustained rate.

## Why it matters to a buyer
First calls compile, allocate and page in; without a warm-up they are in the rate of the reference and out of that of
the quantized regime, or the other way round.

## Disclose instead
Warm up until the rate of short blocks holds, ten seconds for most systems, and give the time.

## References
Kalibera and Jones 2013; White 1997, MSER, on truncation of the initial transient.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, sustained
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in numbered(draft.claim) if draft.claim else ():
        rate = sustained(regime)
        if rate is not None and rate.warm_up.base < 1:
            yield Hit(
                message=f"{regime.name}: a warm-up of {rate.warm_up}",
                at=((*path, "performance", "sustained", "warm_up"),),
                regime=regime.name,
            )


RULE = Rule(
    code="LXS244",
    name="short-warm-up",
    severity=Severity.WARNING,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="There is hardly any warm-up.",
    remedy="Warm up before the window, and give the time.",
    question="How long did the system warm up before the measured window?",
    check=_check,
)
