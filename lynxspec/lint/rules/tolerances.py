"""The tolerances would let a different claim pass as reproduced.

## What it checks
Tolerances of reproduction: more than 10 % on throughput and speed-up, 25 % on latency, 50 % on memory, and more on
accuracy than the margin of the criterion.

## Why it matters to a buyer
The claimant sets the tolerances by which it is judged. At 30 % a gain of 1.3 is reproduced by a model that is no
faster.

## Disclose instead
State tolerances near the spread between your own repetitions.

## References
JCGM 100 (GUM): a stated uncertainty follows from repeated observation.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.losses import judged
from lynxspec.lint.rule import Hit, Rule, Severity


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    base = ("reproduction", "tolerances")
    tolerances = draft.claim.reproduction.tolerances
    for name, tolerance, most in (
        ("throughput", tolerances.throughput, 0.10),
        ("speedup", tolerances.speedup, 0.10),
        ("latency", tolerances.latency, 0.25),
        ("memory", tolerances.memory, 0.50),
    ):
        if tolerance.base > most + 1e-9:
            message = f"a tolerance of {tolerance} on {name} is wider than {most:.0%}"
            yield Hit(message=message, at=((*base, name),))
    for loss, criterion in judged(draft.claim):
        if loss.limit(tolerances.accuracy) > loss.limit(criterion.margin) + 1e-9:
            yield Hit(
                message=f"the tolerance on accuracy, {tolerances.accuracy}, exceeds the acceptable loss, "
                f"{criterion.margin}",
                at=((*base, "accuracy"),),
            )
            return


RULE = Rule(
    code="LXS234",
    name="tolerance-too-wide",
    severity=Severity.WARNING,
    component=None,
    summary="A tolerance of reproduction is too wide to mean anything.",
    remedy="Narrow the tolerance to the observed spread.",
    question="Why does the claim need so wide a tolerance to be reproduced?",
    check=_check,
)
