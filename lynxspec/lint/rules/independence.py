"""The claimant measured its own product.

## What it checks
Who measured: the issuer itself is information; a measurer that is called independent and carries the name of the
issuer is a warning.

## Why it matters to a buyer
There is nothing wrong with own numbers, but they are a reason to run `lynxspec verify`.

## Disclose instead
Name the laboratory that measured, and whether it was paid for it.

## References
ISO/IEC 17000: first-party, second-party and third-party conformity assessment.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Hit, Rule, Severity


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    issuer, measurer = draft.claim.identity.issuer.name, draft.claim.identity.measured_by
    at = (("identity", "measured_by", "independence"), ("identity", "issuer", "name"))
    related = issuer.lower() in measurer.name.lower() or measurer.name.lower() in issuer.lower()
    if measurer.independence == "issuer":
        yield Hit(message=f"{measurer.name} measured its own product", at=at[:1])
    elif measurer.independence == "independent" and related:
        message = f"{measurer.name!r} is called independent of {issuer!r}"
        yield Hit(message=message, at=at, severity=Severity.WARNING)


RULE = Rule(
    code="LXS217",
    name="not-independent",
    severity=Severity.INFO,
    component=None,
    summary="The numbers were taken by the claimant.",
    remedy="Have the claim measured independently, or verify it yourself.",
    question="",
    check=_check,
)
