"""No number of items can decide the stated acceptance criterion.

## What it checks
Whether the margin is zero, or exactly used up by the claimed loss, so that nothing is left for uncertainty.

## Why it matters to a buyer
A claim of no loss at all cannot be shown by a sample: however many items agree, the next may not. Such a claim is
safe from refutation and from confirmation.

## Disclose instead
State the smallest loss that would matter to the deployment as the margin.

## References
Schuirmann 1987 and ICH E10: equivalence is shown within a margin above zero.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import judged
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for loss, criterion in judged(draft.claim) if draft.claim else ():
        limit = loss.limit(criterion.margin)
        if limit <= 0 or abs(limit - loss.amount) <= 1e-9:
            yield Hit(
                message=f"a margin of {criterion.margin} at a claimed loss of {loss.spelled()} cannot be decided by "
                f"any sample",
                at=(("evaluation", "criterion", "margin"),),
                regime=loss.regime,
                effect=Effect.WEAKENS,
            )


RULE = Rule(
    code="LXS233",
    name="criterion-zero",
    severity=Severity.WARNING,
    component=Component.ACCEPTANCE_CRITERION,
    summary="The margin leaves no room for any sampling error.",
    remedy="State a margin above the claimed loss.",
    question="Which smallest loss of accuracy would matter, as a margin that can be tested?",
    check=_check,
)
