"""The evaluation set is too small to decide the stated criterion.

## What it checks
The number of items against what a paired non-inferiority test needs: a warning if not even the most favourable
outcome could decide (one-sided 5 %), information if the power is below 80 % at 4 % of items answered differently.

## Why it matters to a buyer
With too few items a model that loses the whole margin looks as good as one that loses nothing.

## Disclose instead
Evaluate on the number of items that the message gives, or state a margin that your items can decide.

## References
n = (z_alpha + z_beta)^2 * discordance / (margin - loss)^2, the normal approximation for paired proportions, see
`lynxspec.sample_size`; the verifier decides by the score interval of Tango 1998.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.draft import Draft
from lynxspec.lint.losses import SHARE_METRICS, judged
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.sample_size import TYPICAL_DISCORDANCE, items_at_best, items_to_decide
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    samples = present(draft.claim.evaluation.samples) if draft.claim else None
    if draft.claim is None or samples is None:
        return
    for loss, criterion in judged(draft.claim):
        margin = loss.limit(criterion.margin)
        if loss.metric.kind not in SHARE_METRICS or not 0 < margin < 1:
            continue
        least = items_at_best(margin=margin, loss=loss.amount)
        enough = items_to_decide(margin=margin, loss=loss.amount, discordance=TYPICAL_DISCORDANCE)
        if least is None or enough is None or samples >= enough:
            continue
        hopeless = samples < least
        at_best = f", and at the very best {least}" if hopeless else ""
        yield Hit(
            message=f"{loss.regime}: {samples} items cannot reliably decide a margin of {criterion.margin} at a loss "
            f"of "
            f"{loss.spelled()}; it takes about {enough}{at_best}",
            at=(("evaluation", "samples"), ("evaluation", "criterion", "margin")),
            regime=loss.regime,
            severity=Severity.WARNING if hopeless else Severity.INFO,
            effect=Effect.WEAKENS if hopeless else Effect.NONE,
        )


RULE = Rule(
    code="LXS230",
    name="evaluation-too-small",
    severity=Severity.WARNING,
    component=Component.ACCURACY_RESULT,
    summary="Too few items to decide the acceptance criterion.",
    remedy="Evaluate on more items, or state a margin that they can decide.",
    question="How many items were evaluated, and what is the confidence interval of the loss?",
    check=_check,
)
