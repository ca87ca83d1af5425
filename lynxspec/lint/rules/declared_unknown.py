"""The claimant declares that it does not know a detail.

## What it checks
Every answer of `unknown` that no rule over a disclosure component speaks of.

## Why it matters to a buyer
To admit a gap is honest, and the gap remains: what nobody recorded cannot be repeated on your machine.

## Disclose instead
Record the value with the next measurement.

## References
OpenSSF Best Practices criteria: unmet and unknown criteria stay visible beside those that are met.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.leaves import leaves
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.location import format_path
from lynxspec.vocabulary import Status


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    told = {
        disclosure.path
        for regime in draft.regimes
        if regime.role == "quantized"
        for disclosure in regime.disclosures.values()
        if disclosure.status in {Status.MISSING, Status.PARTIAL}
    }
    for path, reason in leaves(draft.claim).texts:
        if path[-1] == "unknown" and path[:-1] not in told:
            yield Hit(message=f"{format_path(path[:-1])} is unknown: {reason}", at=(path[:-1],))


RULE = Rule(
    code="LXS223",
    name="declared-unknown",
    severity=Severity.INFO,
    component=None,
    summary="A detail is declared unknown.",
    remedy="Record the value with the next measurement.",
    question="Can this detail be found out, or measured again with it on record?",
    check=_check,
)
