"""The published words state another gain in speed than the claim.

## What it checks
Words such as "twice as fast" in title and statement against the published gains, with 10 % of leeway, and gains of any
kind that are stated where the claim gives none. Numbers such as "1.95x" are compared by `statement-is-not-the-gain`.

## Why it matters to a buyer
The statement is what is remembered; the claim beneath it is what was measured.

## Disclose instead
Correct the statement, or publish the comparison that it speaks of.

## References
MLPerf results guidelines: public statements must agree with the published result.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import gains
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.lint.statement import promised_gains
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    known = gains(claim)
    for promise in promised_gains(claim):
        near = min(known, key=lambda g: abs(g.factor - promise.value), default=None)
        if near is None:
            yield Hit(
                message=f"the words say {promise.words!r}, and the claim gives no gain",
                at=(promise.path, ("comparisons",)),
                severity=Severity.WARNING,
            )
        elif promise.in_words and abs(near.factor - promise.value) > promise.slack:
            yield Hit(
                message=f"the words say {promise.words!r}, the claim gives {near.factor:.3g} x",
                at=(promise.path, near.path),
                effect=Effect.CONTRADICTS,
            )


RULE = Rule(
    code="LXS218",
    name="statement-gain-in-words",
    severity=Severity.ERROR,
    component=Component.THROUGHPUT_GAIN,
    summary="The gain in the statement is not the gain of the claim.",
    remedy="State the gain that the comparison gives.",
    question="Which gain is the right one, and under which load was it measured?",
    check=_check,
)
