"""Too few calls were timed to know the tail of the latency.

## What it checks
The number of timed calls: 662 for a 99th percentile, 64 for a 90th, at 99 % confidence.

## Why it matters to a buyer
The slowest of a hundred calls is one call; the next hundred has another.

## Disclose instead
Time more calls, or leave the percentile out.

## References
MLPerf Inference, early stopping: 64 calls for the 90th and 662 for the 99th percentile; the formula is in
`lynxspec.sample_size`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.draft import Draft
from lynxspec.lint.regimes import latency, numbered
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.sample_size import tail_samples
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in numbered(draft.claim) if draft.claim else ():
        times = latency(regime)
        if times is None:
            continue
        percentile = 0.9 if present(times.p99) is None else 0.99
        if times.samples < tail_samples(percentile):
            yield Hit(
                message=f"{regime.name}: {times.samples} calls do not bound the {percentile * 100:g}th percentile; "
                f"it takes {tail_samples(percentile)}",
                at=((*path, "performance", "latency", "samples"),),
                regime=regime.name,
                effect=Effect.WEAKENS if regime.role == "quantized" else Effect.NONE,
            )


RULE = Rule(
    code="LXS243",
    name="percentile-samples",
    severity=Severity.WARNING,
    component=Component.LATENCY,
    summary="Too few calls for the stated latency percentile.",
    remedy="Time at least 662 calls for a 99th percentile.",
    question="How many calls were timed for the stated percentiles?",
    check=_check,
)
