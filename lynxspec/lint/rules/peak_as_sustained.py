"""A rate that is called sustained reaches the peak.

## What it checks
Whether a sustained rate reaches 99 % of the peak of the same regime, or exceeds it, in the same unit.

## Why it matters to a buyer
Nothing runs at its peak for ten minutes; two equal numbers mean that one was copied.

## Disclose instead
Give the mean rate over the window as sustained, and the peak in its own field.

## References
MLPerf Inference rules: the mean over the whole run counts, not its best part.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component

_NEAR = 0.99


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in numbered(draft.claim) if draft.claim else ():
        rate, peak = sustained(regime), present(regime.performance.peak)
        if rate is None or peak is None or rate.rate.unit != peak.unit:
            continue
        if rate.rate.base < _NEAR * peak.base:
            continue
        base = (*path, "performance")
        yield Hit(
            message=f"{regime.name}: the sustained rate {rate.rate} is not below the peak {peak}",
            at=((*base, "sustained", "rate"), (*base, "peak")),
            regime=regime.name,
            effect=Effect.CONTRADICTS,
            component=Component.SUSTAINED_THROUGHPUT if regime.role == "quantized" else Component.BASELINE,
        )


RULE = Rule(
    code="LXS216",
    name="peak-as-sustained",
    severity=Severity.ERROR,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="The sustained rate equals or exceeds the peak.",
    remedy="Give the mean rate over the window, and the peak apart.",
    question="Is the stated sustained rate the mean over the whole window, or a peak?",
    check=_check,
)
