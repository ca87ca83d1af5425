"""The acceptance criterion would accept almost anything.

## What it checks
Whether the margin exceeds 10 points, or a tenth of the reference for other metrics.

## Why it matters to a buyer
A margin that no result could miss is not a criterion. Common ones allow 0.1 % to 1 % of the reference.

## Disclose instead
State the loss that the deployment can bear.

## References
MLPerf Inference: 99 % and 99.9 % of the reference accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import SHARE_METRICS, judged
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for loss, criterion in judged(draft.claim) if draft.claim else ():
        most = 0.1 if loss.metric.kind in SHARE_METRICS else 0.1 * abs(loss.reference)
        if loss.limit(criterion.margin) > most:
            yield Hit(
                message=f"a margin of {criterion.margin} on a {criterion.metric} of {loss.reference:g} accepts "
                f"almost anything",
                at=(("evaluation", "criterion", "margin"),),
                regime=loss.regime,
                effect=Effect.WEAKENS,
            )


RULE = Rule(
    code="LXS232",
    name="criterion-too-wide",
    severity=Severity.WARNING,
    component=Component.ACCEPTANCE_CRITERION,
    summary="The margin of the acceptance criterion is absurdly large.",
    remedy="State the loss that the deployment can bear.",
    question="Why is a loss as large as the stated margin acceptable for the intended use?",
    check=_check,
)
