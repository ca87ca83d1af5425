"""A published speed-up differs from the ratio of the rates that it is said to come from.

## What it checks
The published gain of each comparison against the ratio of the two regimes' sustained rates, with as much tolerance
as the rounding of the published number and half a percent for the rounding of the rates. A number in the title or
the statement ("1.95x faster", "30 % faster") must be one of the gains or one of the ratios. A gain that is called
measured, a bound or an average must be one.

## Why it matters to a buyer
The gain is the number that sells. If it is not the ratio of its own regimes it was taken under other conditions, at
another time, or on another model, and the accuracy beside it does not belong to it.

## Disclose instead
The ratio of the two sustained rates under the stated load, or both rates under the conditions that the gain was
taken in.

## References
MLPerf Inference rules: a ratio is only formed of results of one benchmark under one scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.claim import Claim, present
from lynxspec.claim.throughput import Comparison
from lynxspec.draft import Draft
from lynxspec.lint.regimes import path_of, sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

_RATES = 0.005
"""Relative rounding that two printed rates may hide."""

_TIMES = re.compile(
    r"(?<![\d.x×])(\d{1,4}(?:\.\d{1,6})?)\s*(?:x|×|times|-fold)(?![\w×])(?!\s*\d)(?!\s*(?:small|less|lower|compress|memory|cheap))",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"(\d{1,4}(?:\.\d{1,6})?)\s*%\s*(?:faster|higher throughput|more throughput|speed)", re.IGNORECASE
)
_ABOUT_SPEED = re.compile(r"fast|speed|throughput|quick", re.IGNORECASE)


def _half_unit(number: float, spelled: str | None) -> float:
    """Half a unit in the last place that was printed; a bare "2 x" is read as 2.0."""
    text = (spelled or f"{number:.12g}").split()[0]
    decimals = len(text.split(".")[1]) if "." in text and "e" not in text.lower() else 1
    return 0.5 * float(10 ** -max(decimals, 1))


def ratio_of(claim: Claim, comparison: Comparison) -> float | None:
    """Quantized over reference rate, where both regimes have one in the same unit."""
    fast, slow = claim.regime(comparison.quantized), claim.regime(comparison.reference)
    if fast is None or slow is None:
        return None
    above, below = sustained(fast), sustained(slow)
    if above is None or below is None or below.rate.base <= 0 or above.rate.unit != below.rate.unit:
        return None
    return above.rate.base / below.rate.base


def _rate_path(claim: Claim, name: str) -> Path:
    return (*path_of(claim, name), "performance", "sustained", "rate")


def _differs(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for index, comparison in enumerate(claim.comparisons):
        gain, ratio = present(comparison.throughput_gain), ratio_of(claim, comparison)
        if gain is None or ratio is None:
            continue
        path: Path = ("comparisons", index, "throughput_gain")
        tolerance = _half_unit(gain.value, draft.raw_numbers.get(path)) + _RATES * ratio
        if abs(gain.value - ratio) <= tolerance or (comparison.qualifier == "at_least" and ratio >= gain.value):
            continue
        yield Hit(
            message=f"published gain {gain}, but the sustained rates give {ratio:.3g} x",
            at=(path, _rate_path(claim, comparison.quantized), _rate_path(claim, comparison.reference)),
            regime=comparison.quantized,
            severity=Severity.ERROR if gain.value > ratio else Severity.WARNING,
            effect=Effect.CONTRADICTS,
        )


def _spoken(text: str) -> Iterator[tuple[str, float, float]]:
    """Speed-ups named in a text: words, factor, half a unit of the last place."""
    if not _ABOUT_SPEED.search(text):
        return
    for match in _TIMES.finditer(text):
        yield match[0], float(match[1]), _half_unit(float(match[1]), match[1])
    for match in _PERCENT.finditer(text):
        yield match[0], 1 + float(match[1]) / 100, 0.005


def _statement(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    gains = [gain.value for c in claim.comparisons if (gain := present(c.throughput_gain)) is not None]
    ratios = [ratio for c in claim.comparisons if (ratio := ratio_of(claim, c)) is not None]
    known = gains or ratios
    if not known:
        return
    texts: list[tuple[Path, str]] = [(("identity", "title"), claim.identity.title)]
    statement = present(claim.identity.statement)
    if statement is not None:
        texts.append((("identity", "statement", "text"), statement.text))
    for path, text in texts:
        for words, factor, half in _spoken(text):
            if not any(abs(factor - value) <= half + _RATES * value for value in known):
                named = ", ".join(f"{value:.3g} x" for value in known)
                yield Hit(
                    message=f"the text says {words.strip()!r}, the comparisons say {named}",
                    at=(path, *(("comparisons", i, "throughput_gain") for i in range(len(claim.comparisons)))),
                    effect=Effect.WEAKENS,
                )


def _qualifier(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for index, comparison in enumerate(claim.comparisons):
        if ratio_of(claim, comparison) is None:
            continue
        path: Path = ("comparisons", index, "qualifier")
        nature: Path = ("identity", "nature")
        measured = claim.identity.nature == "measured"
        if comparison.qualifier == "measured" and not measured:
            message, severity = f"a measured gain in a claim whose numbers are {claim.identity.nature}", Severity.ERROR
        elif comparison.qualifier in {"average", "at_least"} and len(claim.comparisons) == 1:
            message, severity = f"{comparison.qualifier!r} over a single pair of regimes", Severity.INFO
        else:
            continue
        yield Hit(message=message, at=(path, nature), regime=comparison.quantized, severity=severity)


RULES = (
    Rule(
        code="LXS301",
        name="gain-is-not-the-ratio",
        severity=Severity.ERROR,
        component=Component.THROUGHPUT_GAIN,
        summary="the published gain is not the ratio of the two sustained rates",
        remedy="publish the ratio of the two sustained rates, or the rates that the gain was taken from",
        question="From which two rates, under which load, was the published speed-up computed?",
        check=_differs,
    ),
    Rule(
        code="LXS302",
        name="statement-is-not-the-gain",
        severity=Severity.WARNING,
        component=Component.THROUGHPUT_GAIN,
        summary="title or statement name another speed-up than the comparisons",
        remedy="add the comparison that the words stand for, or correct the words",
        question="Which comparison does the speed-up in your statement refer to?",
        check=_statement,
    ),
    Rule(
        code="LXS303",
        name="qualifier-contradicts-nature",
        severity=Severity.WARNING,
        component=Component.THROUGHPUT_GAIN,
        summary="the gain's qualifier does not fit how its regimes' numbers were obtained",
        remedy="say of the gain what is said of the numbers: measured, estimated or projected",
        question="Was the speed-up measured, and on which system?",
        check=_qualifier,
    ),
)
