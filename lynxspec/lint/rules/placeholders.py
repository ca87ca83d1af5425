"""A text is a placeholder, not a disclosure.

## What it checks
Every free text outside the reasons for an absence: words such as "TBD", "UNSET", "n/a", "unknown", "xxx", "lorem
ipsum", template marks such as ``<...>`` or ``{{...}}``, texts of one repeated character or of punctuation only.

## Why it matters to a buyer
A required field that is filled with nothing looks complete to a form and to a script. In one public benchmark round
forty submissions declared their weight format as "UNSET".

## Disclose instead
The value; or ``unknown`` or ``not_applicable`` with the reason, which is honest and can be judged.

## References
MLPerf Inference v5.1 results, field ``weight_data_types``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.leaves import leaves
from lynxspec.lint.regimes import regime_name
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path, format_path
from lynxspec.vocabulary import Component

_ELSEWHERE = frozenset({"not_applicable", "unknown", "none_needed", "sha256", "machine"})
"""Reasons and digests have rules of their own."""

_EMPTY = re.compile(
    r"tb[dac]|todo|fixme|x{2,}|n\s*/?\s*a|n\.a\.?|unset|undefined|unknown|none|null|nil|nan|undisclosed"
    r"|(?:not |un)specified|not (?:available|applicable|known|given|disclosed|stated)"
    r"|to be (?:defined|determined|confirmed|announced|done)|placeholder|change-?\s?me|fill (?:me )?in|dummy"
    r"|foo|bar|baz|foobar|asdf\w*|qwerty|blah(?:\W*blah)*|lorem\b.*|\W+|(.)\1{2,}"
    r"|your[ _-].*here|insert .*here|<[^<>]*>|\{\{.*\}\}|\[(?:your|insert|todo|tbd)[^\]]*\]|\$\{.*\}",
    re.IGNORECASE | re.DOTALL,
)
_INSIDE = re.compile(
    r"\b(?:TBD|TODO|FIXME|UNSET|XXX+|TBA)\b|\blorem ipsum\b|\?\?\?|\{\{|\}\}|<(?:insert|your|todo|tbd)\b[^>]*>"
)
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


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, text in leaves(claim).texts:
        if path[-1] in _ELSEWHERE:
            continue
        plain = text.strip()
        if "options" in path and plain.lower() in _OPTION_WORDS:
            continue
        if _EMPTY.fullmatch(plain) or _INSIDE.search(plain):
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
