"""The published words deny a loss that the numbers show.

## What it checks
Words such as "lossless", "no accuracy loss" or "accuracy preserved" in title and statement against the metrics of the
regimes. From half a point on (or half a percent of the reference for other metrics) this is an error, below it a
warning; hedged words ("near-lossless") are held to one point or one percent.

## Why it matters to a buyer
The loss is small until it is on your rare class.

## Disclose instead
State the loss as a number, with the metric and the set.

## References
Dutta et al. 2024, Accuracy is Not All You Need: equal scores hide changed answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import SHARE_METRICS, Loss, losses
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.lint.statement import lossless
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, words, hedged in lossless(claim):
        for loss in losses(claim):
            clear = _clear(loss)
            if loss.amount <= 0 or (hedged and loss.amount < 2 * clear):
                continue
            yield Hit(
                message=f"the words say {words!r}, but {loss.regime} loses {loss.spelled()} of {loss.metric.name}",
                at=(path, loss.path),
                regime=loss.regime,
                severity=Severity.ERROR if loss.amount >= clear else Severity.WARNING,
                effect=Effect.WEAKENS,
            )


def _clear(loss: Loss) -> float:
    """Loss from which on nobody would call it none."""
    return 0.005 if loss.metric.kind in SHARE_METRICS else 0.005 * abs(loss.reference)


RULE = Rule(
    code="LXS219",
    name="statement-lossless",
    severity=Severity.ERROR,
    component=Component.ACCURACY_RESULT,
    summary="The words claim no loss, the numbers show one.",
    remedy="Replace the adjective with the loss and its metric.",
    question="How large is the loss in each metric, and on which items does it fall?",
    check=_check,
)
