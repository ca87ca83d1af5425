"""A date or a digest cannot be real.

## What it checks
The date of the claim lies in the past and after 2012, when 8-bit inference of deep networks began; it is a day of
the calendar. Digests are not zeros, not one repeated pattern and not the digest of an empty file; two different
files do not share one.

## Why it matters to a buyer
A digest is what a verifier compares bytes with. An invented one makes the claim impossible to check, and looks as
if it could be.

## Disclose instead
The output of ``sha256sum`` on the published file; the day on which the numbers were taken.

## References
FIPS 180-4 (SHA-256); the digest of the empty message is e3b0c442...
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from lynxspec.draft import Draft
from lynxspec.lint.leaves import leaves
from lynxspec.lint.regimes import regime_name
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.location import Path

_EMPTY_FILE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_REPEATED = re.compile(r"(.{1,16})\1+(?:.{0,15})")
_COUNTED = "0123456789abcdef" * 8
_ALTERED_BYTES = 4
"""Fewer distinct digits than this never come out of a hash of 64 digits."""


def _digest(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    files: defaultdict[str, list[Path]] = defaultdict(list)
    for path, text in leaves(claim).texts:
        if path[-1] not in {"sha256", "machine"}:
            continue
        unreal = text == _EMPTY_FILE or len(set(text)) < _ALTERED_BYTES or text in _COUNTED
        if unreal or (_REPEATED.fullmatch(text) and len(set(text)) <= 16 and text[:16] == text[16:32]):
            what = "the digest of an empty file" if text == _EMPTY_FILE else "no real digest"
            yield Hit(message=f"{text[:16]}... is {what}", at=(path,), regime=regime_name(claim, path))
        elif path[:2] != ("regimes", 0) and path[0] in {"model", "data"}:
            files[text].append(path)
    for text, paths in files.items():
        if len(paths) > 1:
            yield Hit(message=f"two files share the digest {text[:16]}...", at=tuple(paths), severity=Severity.WARNING)


def _date(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    at: Path = ("identity", "date")
    text = claim.identity.date
    try:
        day = date.fromisoformat(text)
    except ValueError:
        yield Hit(message=f"{text} is not a day of the calendar", at=(at,))
        return
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # the claimant's clock may be ahead of ours
    if day > tomorrow:
        yield Hit(message=f"{text} lies in the future", at=(at,))
    elif day.year < 2012:
        yield Hit(message=f"{text} lies before any 8-bit inference of deep networks", at=(at,))


RULES = (
    Rule(
        code="LXS712",
        name="digest-not-real",
        severity=Severity.ERROR,
        component=None,
        summary="a digest is invented, or stands for two files",
        remedy="compute the digest of the published file",
        question="What is the SHA-256 digest of the file that was measured?",
        check=_digest,
    ),
    Rule(
        code="LXS713",
        name="date-not-real",
        severity=Severity.ERROR,
        component=None,
        summary="the date lies in the future, in the distant past, or nowhere",
        remedy="give the day on which the numbers were taken",
        question="When were the numbers taken?",
        check=_date,
    ),
)
