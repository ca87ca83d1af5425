"""Two places of the sheet cannot both be true.

## What it checks
The name of the model against what the text says was done; a headline's gain against the table's best row; prose
against the table; two granularities of one tensor; results headed with another precision than the sheet is about; "no
calibration needed" against static activation scales. Both places are shown and no value is chosen: only the vendor
knows which is wrong.

## Why it matters to a buyer
A card that was copied from another model's card carries that model's numbers. What it says then belongs to no product
that can be bought.

## Disclose instead
One precision in name, text, tables and recipe; a headline that the table bears out.

## References
Found in 7 of 87 vendor texts that were read for this rule set.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Confidence, Effect, Hit, Rule, Severity


def _check(draft: Draft) -> Iterator[Hit]:
    for index, conflict in enumerate(draft.conflicts):
        yield Hit(
            message=conflict.message,
            at=tuple(("conflicts", index, number) for number in range(len(conflict.places))),
            regime=conflict.regime,
            confidence=Confidence.LIKELY,
            effect=Effect.CONTRADICTS,
            component=conflict.component,
        )


RULE = Rule(
    code="LXS364",
    name="sheet-contradiction",
    severity=Severity.WARNING,
    component=None,
    summary="Two places of the sheet contradict each other.",
    remedy="Correct the place that is wrong.",
    question="Your document says two different things about this; which one holds?",
    check=_check,
)
