"""The published words promise a smaller loss than the claim shows or accepts.

## What it checks
Bounds such as "within one point" in title and statement against the loss of each quantized regime (an error) and
against the margin of the acceptance criterion (a warning).

## Why it matters to a buyer
A criterion that is wider than the promise lets a model pass that breaks the promise.

## Disclose instead
State the loss that was measured, and accept no more than you promise.

## References
ICH E9 and E10: the margin is fixed before the data and not wider than what is promised.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import SHARE_METRICS, Loss, judged
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.lint.statement import Promise, promised_losses
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for loss, criterion in judged(claim):
        for promise in promised_losses(claim):
            bound = _bound(promise, loss)
            if loss.amount > bound + 1e-9:
                yield Hit(
                    message=f"the words say {promise.words!r}, but {loss.regime} loses {loss.spelled()}",
                    at=(promise.path, loss.path),
                    regime=loss.regime,
                    effect=Effect.CONTRADICTS,
                )
            elif loss.limit(criterion.margin) > bound * 1.001 + 1e-9:
                yield Hit(
                    message=f"the words say {promise.words!r}, but the criterion accepts {criterion.margin}",
                    at=(("evaluation", "criterion", "margin"), promise.path),
                    severity=Severity.WARNING,
                    component=Component.ACCEPTANCE_CRITERION,
                    effect=Effect.WEAKENS,
                )


def _bound(promise: Promise, loss: Loss) -> float:
    """What was promised, in the unit of the metric; a percentage of a share is read as points, the milder reading."""
    return promise.value / 100 * (1.0 if loss.metric.kind in SHARE_METRICS else abs(loss.reference))


RULE = Rule(
    code="LXS221",
    name="statement-accuracy",
    severity=Severity.ERROR,
    component=Component.ACCURACY_RESULT,
    summary="The promised bound on the loss is not kept.",
    remedy="Correct the words, or tighten the criterion to what they promise.",
    question="Which loss do you warrant: the one in the statement or the one in the criterion?",
    check=_check,
)
