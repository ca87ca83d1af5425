"""A theoretical or momentary peak is the only rate that a regime gives.

## What it checks
Whether a quantized regime gives a peak and no sustained throughput.

## Why it matters to a buyer
A peak is what the silicon could do if nothing stood in its way; no workload runs at it, and quantized ones are
further from it than others because they wait for memory sooner.

## Disclose instead
Measure the sustained throughput of the workload and keep the peak in its own field.

## References
MLPerf Inference rules: measured rates over 600 s. Williams et al. 2009, Roofline: peak rates bound, and do not
predict, a workload.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.component_rule import gathered
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component, Status


def _check(draft: Draft) -> Iterator[Hit]:
    for disclosure, regimes in gathered(draft, lambda d: d.status is Status.DISCLOSED, Component.PEAK_ONLY):
        names = ", ".join(r.name for r in regimes)
        yield Hit(
            message=f"{names}: a peak of {disclosure.value} is given and no sustained throughput",
            at=(disclosure.path,),
            regime=regimes[0].name if len(regimes) == 1 else None,
        )


RULE = Rule(
    code="LXS207",
    name="peak-only",
    severity=Severity.ERROR,
    component=Component.PEAK_ONLY,
    summary="Only a peak rate is given.",
    remedy="Give the sustained throughput with its window.",
    question="What throughput does this workload sustain, as opposed to the theoretical peak?",
    check=_check,
)
