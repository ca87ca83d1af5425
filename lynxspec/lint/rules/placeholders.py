"""A text is a placeholder, not a disclosure.

## What it checks
Every free text outside the reasons for an absence: words such as "TBD", "UNSET", "n/a", "unknown", "xxx", "lorem
ipsum", template marks such as ``<...>`` or ``{{...}}``, texts of one repeated character or of punctuation only.

## Why it matters to a buyer
A required field that is filled with nothing looks complete to a form and to a script. Among
the public MLPerf Inference v5.1 measurement files are dozens that declare their weight format as "UNSET".

## Disclose instead
The value; or ``unknown`` or ``not_applicable`` with the reason, which is honest and can be judged.

## References
MLPerf Inference v5.1 results, field ``weight_data_types``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from lynxspec.draft import Draft
from lynxspec.lint.leaves import leaves
from lynxspec.lint.regimes import regime_name
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path, format_path
from lynxspec.vocabulary import Component

_ELSEWHERE = frozenset({"not_applicable", "unknown", "none_needed", "sha256", "machine"})
"""Reasons and digests have rules of their own."""

_WORDS = frozenset(
    (
        *("tba", "tbc", "tbd", "todo", "fixme", "na", "n/a", "n / a", "n.a", "n.a.", "unset", "undefined", "unknown"),
        *("none", "null", "nil", "nan", "undisclosed", "unspecified", "placeholder", "changeme", "change-me", "dummy"),
        *("foo", "bar", "baz", "foobar", "qwerty", "xx", "not specified", "not available", "not applicable"),
        *("not known", "not given", "not disclosed", "not stated"),
    )
)
_STARTS = (
    "lorem",
    "asdf",
    "blah",
    "to be def",
    "to be det",
    "to be con",
    "to be ann",
    "fill in",
    "fill me in",
    "change me",
)
_TEMPLATES = re.compile(
    r"your[ _-].*here|insert .*here|<[^<>]*>|\{\{.*\}\}|\[(?:your|insert|todo|tbd)[^\]]*\]|\$\{.*\}",
    re.IGNORECASE | re.DOTALL,
)
_OPENS = ("<", "{", "[", "$", "y", "i")
_INSIDE = re.compile(
    r"\b(?:TBD|TODO|FIXME|UNSET|XXX+|TBA)\b|\blorem ipsum\b|\?\?\?|\{\{|\}\}|<(?:insert|your|todo|tbd)\b[^>]*>",
    re.IGNORECASE,
)
_MARKED = re.compile(r"TBD|TODO|FIXME|UNSET|XXX|TBA|orem|\?\?\?|[{}<]")
"""What a text must hold before the costlier search."""
_OPTION_WORDS = frozenset({"none", "unknown", "null", "undefined", "unspecified"})
"""Words that a tool's option may really take."""

_COMPONENTS: tuple[tuple[tuple[str, ...], Component], ...] = (
    (("calibration", "method"), Component.CALIBRATION_METHOD),
    (("calibration",), Component.CALIBRATION_DATA),
    (("mixed_precision",), Component.MIXED_PRECISION_POLICY),
    (("toolchain", "quantizer"), Component.TOOL_CHAIN),
    (("toolchain", "runtime"), Component.RUNTIME),
    (("evaluation", "dataset"), Component.EVALUATION_SET),
    (("evaluation", "relevance"), Component.WORKLOAD_RELEVANCE),
    (("evaluation", "metrics"), Component.ACCURACY_RESULT),
    (("load", "shapes"), Component.SUSTAINED_THROUGHPUT),
    (("hardware", "stack"), Component.DRIVER_STACK),
    (("hardware",), Component.HARDWARE),
    (("model", "name"), Component.MODEL_NAME),
)


def _component(path: Path) -> Component | None:
    tail = path[2:] if path[0] == "regimes" else path
    return next((component for start, component in _COMPONENTS if tail[: len(start)] == start), None)


@lru_cache(maxsize=1024)
def _is_empty(text: str) -> bool:
    low = text.lower()
    if low in _WORDS or low.startswith(_STARTS):
        return True
    if len(set(low)) == 1 and (len(low) > 2 or not low.isalnum()):
        return True
    if low.startswith(_OPENS) and _TEMPLATES.fullmatch(text):
        return True
    if _MARKED.search(text) and _INSIDE.search(text):
        return True
    return not any(character.isalnum() for character in text)


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, text in leaves(claim).texts:
        if path[-1] in _ELSEWHERE:
            continue
        plain = text.strip()
        if _is_empty(plain) and not ("options" in path and plain.lower() in _OPTION_WORDS):
            component = _component(path)
            yield Hit(
                message=f"{format_path(path)} is a placeholder: {plain[:60]!r}",
                at=(path,),
                regime=regime_name(claim, path),
                component=component,
                effect=Effect.NONE if component is None else Effect.CONTRADICTS,
            )


RULE = Rule(
    code="LXS711",
    name="placeholder",
    severity=Severity.ERROR,
    component=None,
    summary="a text is a placeholder",
    remedy="give the value, or say that it is unknown and why",
    question="What stands behind the fields that are still placeholders?",
    check=_check,
)
