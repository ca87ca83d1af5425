"""A table cell that holds a result: its number, unit, and what it says beside the number."""

from __future__ import annotations

import re
from typing import NamedTuple

from lynxspec.draft import Strength
from lynxspec.extraction.quantities import NUMBER, RATE, rate_unit

_EMPTY = re.compile(
    r"^(?:[-–—−_.*/\s]*|n/?a\.?|none|tbd|tba|x|✓|✗|✔|✘|undisclosed|not (?:tested|available|measured|reported)"
    r"|oom|unsupported|coming soon|待\w*|无|미공개|なし)$"
)

_METRIC_WORDS = (
    r"m?ap(?:@[\w.:-]+|\d\d)?|top-?\d|acc(?:uracy)?|ppl|perplexity|f1|wer|cer|psnr|ssim|fid|bleu|rouge\S*|miou"
    r"|ndcg|score|auc|em|avg|mean|p\d\d"
)
"""What may stand before the number in its own cell."""

_BEHIND = re.compile(
    r"^\s*(?:$|[(\[±+*†‡/↑↓|,<^%–-]|points?\b|pts?\b|pp\b|faster|score|ppl|acc\w*|top-?[15]|map\b|db\b)"
)
"""What may stand behind it; other words make the cell a name, a size or a sentence."""

_RESULT = re.compile(
    rf"^[^\w+\-−~≈<>≤≥.]*(?P<word>(?:{_METRIC_WORDS})[ :=]+)?(?P<bound>up to "
    rf"|[<>≤≥~≈]=?\s?)?(?P<number>[+-]?{NUMBER})(?:\s?(?:-|–|to)\s?(?P<high>{NUMBER}))?"
    r"\s?(?P<scale>[km](?![a-z]))?\s?(?P<unit>%|[x×](?![a-z0-9])|ms\b|us\b|µs\b|s\b|sec\b|seconds?\b)?"
)

_BESIDE = re.compile(rf"\(\s*([+-]?{NUMBER})\s*([x×%])?\s*(?:faster|speedup)?\s*\)")


_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?%?")
_GOES_ON = re.compile(r"[a-z0-9_]|[-/.:][a-z0-9]")
_SHAPE = re.compile(r"\s?[x×]\s?\d")

_LONGEST_REMARK = 60


class Result(NamedTuple):
    """A number in a cell; a tuple, since most cells make one."""

    low: float
    high: float
    unit: str
    """As printed: ``%``, ``x``, ``ms``, a rate's unit, or empty."""
    strength: Strength
    word: str
    """A metric or label before the number."""
    remark: str
    """What stands in parentheses or behind the number: a method, a data set."""
    factor: float | None
    """A factor in parentheses behind the number: ``50.2 (2.6x)``."""


def empty(text: str) -> bool:
    """Whether a cell promises a result and gives none."""
    return _EMPTY.match(text.strip().lower()) is not None


def result(text: str) -> Result | None:
    """The number that a cell gives; ``None`` for words, names and versions."""
    if _PLAIN.fullmatch(text):  # most cells are so
        number = round(float(text.rstrip("%")), 9)
        unit = "%" if text[-1] == "%" else ""
        return Result(low=number, high=number, unit=unit, strength=Strength.EXACT, word="", remark="", factor=None)
    text = text.strip()
    lower = text.lower()
    match = _RESULT.match(lower)
    if match is None:
        return None
    rest = lower[match.end() :]
    rate = RATE.match(match["number"].lstrip("+-") + rest) if not match["unit"] else None
    if rate:
        rest = rest[rate.end() - len(match["number"].lstrip("+-")) :]
    apart = lower[match.end() - 1] == " "  # 44.8 mAP
    if (not apart and _GOES_ON.match(rest)) or _SHAPE.match(rest):
        return None  # 8B, 2024-05-01, 512x512, v1.5: a name, a date, a shape
    if not _BEHIND.match(rest) or len(rest) > _LONGEST_REMARK:
        return None
    scale = {"k": 1e3, "m": 1e6}.get(match["scale"] or "", 1.0)
    low = round(float(match["number"].replace(",", "")) * scale, 9)
    high = round(float(match["high"].replace(",", "")) * scale, 9) if match["high"] else low
    beside = _BESIDE.search(rest)
    return Result(
        low=low,
        high=high,
        unit=rate_unit(rate[3]) if rate else (match["unit"] or "").replace("×", "x"),
        strength=Strength.BOUND
        if (match["bound"] or "").strip() in {"up to", "<", ">", "≤", "≥", "<=", ">="}
        else Strength.EXACT,
        word=text[: len(match["word"])].strip(" :=") if match["word"] else "",
        remark=text[match.end() :].strip() if not rate else "",
        factor=float(beside[1].replace(",", "")) if beside and beside[2] in {"x", "×"} else None,
    )
