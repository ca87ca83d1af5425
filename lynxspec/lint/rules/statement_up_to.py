"""The published words give a bound where the claim gives a result.

## What it checks
Words such as "up to 2x" in title and statement, where no comparison is qualified `up_to` or `theoretical`.

## Why it matters to a buyer
Either the words understate what was measured, or the claim overstates what the words dare to promise.

## Disclose instead
Use the same qualifier in words and in the comparison.

## References
MLPerf Inference rules: a result is what was measured in a valid run, not a bound on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.lint.statement import up_to
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None or any(c.qualifier in {"up_to", "theoretical"} for c in claim.comparisons):
        return
    places = tuple(("comparisons", i, "qualifier") for i in range(len(claim.comparisons)))
    for path, words in up_to(claim):
        message = f"the words say {words!r}, a bound, and no comparison is qualified so"
        yield Hit(message=message, at=(path, *places), effect=Effect.WEAKENS)


RULE = Rule(
    code="LXS220",
    name="statement-up-to",
    severity=Severity.WARNING,
    component=Component.THROUGHPUT_GAIN,
    summary="The statement says up to, the comparison does not.",
    remedy="Let words and qualifier agree.",
    question="Is the stated gain an upper bound or the measured result?",
    check=_check,
)
