"""The rate was taken in fewer than three fresh processes.

## What it checks
Repetitions of each sustained rate: one is a warning, two are information.

## Why it matters to a buyer
Memory layout, thread placement and autotuning are drawn anew with each process; that variance is often the largest
and one process cannot show it.

## Disclose instead
Repeat in three fresh processes or more.

## References
Kalibera and Jones 2013, Rigorous benchmarking in reasonable time.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, sustained
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component

_ENOUGH = 3


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in numbered(draft.claim) if draft.claim else ():
        rate = sustained(regime)
        if rate is not None and rate.repetitions < _ENOUGH:
            yield Hit(
                message=f"{regime.name}: {rate.repetitions} of {_ENOUGH} fresh processes",
                at=((*path, "performance", "sustained", "repetitions"),),
                regime=regime.name,
                severity=Severity.WARNING if rate.repetitions == 1 else Severity.INFO,
            )


RULE = Rule(
    code="LXS241",
    name="few-repetitions",
    severity=Severity.WARNING,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="Too few repetitions in fresh processes.",
    remedy="Repeat in three fresh processes or more.",
    question="How many independent runs were made, and how far did they differ?",
    check=_check,
)
