"""The block rates scatter by more than 5 %.

## What it checks
The spread of each sustained rate: standard deviation of the block rates over their mean. Below
0.01 % it is information: no running system is as even.

## Why it matters to a buyer
A rate that scatters was measured on a disturbed machine, or was not yet sustained; its mean hides both.

## Disclose instead
Measure on a quiet machine with fixed clocks, or show where the scatter comes from.

## References
Phoronix Test Suite repeats runs until the spread is below a few percent; trtexec warns when GPU times scatter.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component

_MOST = 0.05
_LEAST = 1e-4


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in numbered(draft.claim) if draft.claim else ():
        rate = sustained(regime)
        if rate is not None and 0 < rate.spread.base < _LEAST:
            yield Hit(
                message=f"{regime.name}: the block rates scatter by {rate.spread}, less than any clock would let them",
                at=((*path, "performance", "sustained", "spread"),),
                regime=regime.name,
                severity=Severity.INFO,
            )
        elif rate is not None and rate.spread.base > _MOST + 1e-9:
            yield Hit(
                message=f"{regime.name}: the block rates scatter by {rate.spread}",
                at=((*path, "performance", "sustained", "spread"),),
                regime=regime.name,
                effect=Effect.WEAKENS,
                component=Component.SUSTAINED_THROUGHPUT if regime.role == "quantized" else Component.BASELINE,
            )


RULE = Rule(
    code="LXS240",
    name="wide-spread",
    severity=Severity.WARNING,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="The sustained rate scatters too much.",
    remedy="Measure again on a quiet machine.",
    question="Where does the scatter of the rate come from, and what is its distribution?",
    check=_check,
)
