"""A reason for an absence says nothing.

## What it checks
The reasons of `unknown`, `not_applicable` and `none_needed` for at least two words (or one of eight letters) that are
more than a repetition of the absence.

## Why it matters to a buyer
An absence is allowed because its reason can be judged. "Not available" is not a reason, it is the absence again.

## Disclose instead
Say why the value is not known, or why the question does not arise for this model, hardware or recipe.

## References
OpenSSF Best Practices criteria: "N/A" needs a justification for chosen criteria.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.leaves import leaves
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.location import format_path

_MARKS = frozenset({"unknown", "not_applicable", "none_needed"})
_WORD = re.compile(r"[^\W_]+")
_HOLLOW = frozenset(
    """
    a n na none no not is was it yet unknown unset missing empty nothing todo tbd tba xxx xxxx reason reasons value
    data applicable available known specified needed given relevant disclosed
    """.split()  # noqa: SIM905 - a row of words reads better than a list of strings
)
"""Words that say nothing, however many of them stand in a row."""


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    for path, text in leaves(draft.claim).texts:
        if path[-1] in _MARKS and _is_hollow(text):
            yield Hit(message=f"{format_path(path[:-1])}: the reason {text!r} says nothing", at=(path,))


def _is_hollow(text: str) -> bool:
    if len(text) < 20:
        letters = sum(map(str.isalpha, text))
        if letters < 5 or (letters < 8 and len(text.split()) < 2):
            return True
    return _HOLLOW.issuperset(_WORD.findall(text.lower())) or len(set(text.lower())) < 4


RULE = Rule(
    code="LXS210",
    name="empty-reason",
    severity=Severity.WARNING,
    component=None,
    summary="An absence is declared without a substantial reason.",
    remedy="Say why it is unknown or does not apply.",
    question="Why is this not known, or why does it not apply?",
    check=_check,
)
