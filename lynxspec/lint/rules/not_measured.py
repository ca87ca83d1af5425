"""Numbers that were estimated or projected are not measurements.

## What it checks
The nature of the claim; an error where the published words do not say that the numbers are estimates.

## Why it matters to a buyer
A projection carries the optimism of its author and none of the surprises of the hardware.

## Disclose instead
Measure, or say in the statement itself that the numbers are estimated or projected.

## References
MLPerf results guidelines: estimates may not be presented as results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.lint.statement import published
from lynxspec.vocabulary import Component

_SAYS_SO = re.compile(r"estimat|project(?:ed|ion)|expect|simulat|forecast|anticipat|preliminary", re.IGNORECASE)


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None or claim.identity.nature == "measured":
        return
    silent = [path for path, text in published(claim) if not _SAYS_SO.search(text)]
    nature = claim.identity.nature
    told = ", and the published words do not say so" if silent else ""
    for component in (Component.SUSTAINED_THROUGHPUT, Component.ACCURACY_RESULT):
        yield Hit(
            message=f"{str(component).replace('_', ' ')}: the numbers are {nature}, not measured{told}",
            at=(("identity", "nature"), *silent),
            severity=Severity.ERROR if silent else Severity.WARNING,
            effect=Effect.WEAKENS,
            component=component,
        )


RULE = Rule(
    code="LXS213",
    name="not-measured",
    severity=Severity.WARNING,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="The numbers are estimated or projected.",
    remedy='Measure on the stated hardware, or say "estimated" in the statement itself.',
    question="Are there measured numbers for this hardware, and when will there be?",
    check=_check,
)
