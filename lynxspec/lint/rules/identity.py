"""A measurement that was paid for is signed by the one who paid.

## What it checks
Whether a measurer that is called ``commissioned`` bears the issuer's name, and whether one that is called
``issuer`` does not.

## Why it matters to a buyer
"Measured by a third party" changes how far a number can be trusted. The word is cheap and can be checked against
the names.

## Disclose instead
Who ran the measurement and who paid for it.

## References
ISO/IEC 17000: first, second and third party conformity assessment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.rule import Hit, Rule, Severity

_LEGAL = frozenset({"gmbh", "inc", "ltd", "llc", "ag", "corp", "co", "the", "and", "of", "team", "sa", "bv", "plc"})


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", name.lower())) - _LEGAL


def _commissioned(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    issuer, measurer = claim.identity.issuer, claim.identity.measured_by
    shared = _words(issuer.name) & _words(measurer.name)
    at = (
        ("identity", "measured_by", "independence"),
        ("identity", "measured_by", "name"),
        ("identity", "issuer", "name"),
    )
    if measurer.independence == "commissioned" and shared and shared == _words(issuer.name):
        yield Hit(message=f"commissioned from {measurer.name!r}, which is the issuer", at=at)
    elif measurer.independence == "issuer" and not shared:
        message = f"measured by the issuer, yet {measurer.name!r} shares no word with {issuer.name!r}"
        yield Hit(message=message, at=at, severity=Severity.INFO)


RULE = Rule(
    code="LXS363",
    name="commissioned-from-the-issuer",
    severity=Severity.ERROR,
    component=None,
    summary="who measured and who issues the claim do not fit the stated independence",
    remedy="say who measured and who paid",
    question="Who took the measurements, and who paid for them?",
    check=_commissioned,
)
