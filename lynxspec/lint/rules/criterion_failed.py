"""The quantized model loses more than the stated acceptance criterion allows.

## What it checks
The loss in the metric of the criterion, as the two accuracies of the claim have it, against the margin.

## Why it matters to a buyer
The claim fails by its own numbers; nothing needs to be measured.

## Disclose instead
Correct the numbers, or withdraw the regime. A margin that is widened afterwards is no criterion.

## References
ICH E9 and E10: a margin is fixed before the data are seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import judged
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for loss, criterion in judged(draft.claim) if draft.claim else ():
        if loss.amount > loss.limit(criterion.margin) + 1e-9:
            yield Hit(
                message=f"{loss.regime} loses {loss.spelled()} of {criterion.metric}; the criterion allows "
                f"{criterion.margin}",
                at=(loss.path, ("evaluation", "criterion", "margin"), loss.reference_path),
                regime=loss.regime,
                effect=Effect.CONTRADICTS,
            )


RULE = Rule(
    code="LXS231",
    name="criterion-failed",
    severity=Severity.ERROR,
    component=Component.ACCEPTANCE_CRITERION,
    summary="The claim's own numbers fail its own criterion.",
    remedy="Correct the numbers or withdraw the regime.",
    question="The stated loss exceeds your own criterion: which of the numbers is wrong?",
    check=_check,
)
