"""Numbers as people write them: factors, percentages, rates, times, ranges, and the words that bound them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lynxspec.draft import Strength

NUMBER = r"(?:\d(?:\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d*(?:\.\d+)?)|\.\d+)"
"""``1,024.5``, ``24.5`` or ``.5``; its alternatives begin with a character each, so that most places fail at once."""

_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "万": 1e4, "千": 1e3}

_WORD_FACTORS = {"twice": 2.0, "double": 2.0, "doubles": 2.0, "doubled": 2.0, "doubling": 2.0, "triple": 3.0,
                 "triples": 3.0, "tripled": 3.0, "thrice": 3.0, "two times": 2.0, "three times": 3.0,
                 "four times": 4.0, "five times": 5.0, "ten times": 10.0}  # fmt: skip

_UP_TO = re.compile(
    r"(?:up[ -]to|as (?:much|high|low|little|fast) as|at most|max(?:imum|\.)?(?: of)?|peak(?:s|ing)?(?: at| of)?"
    r"|less than|under|below|within|no more than|≤|<=?|at least|more than|over|exceed(?:s|ing)?|above"
    r"|greater than"
    r"|upwards of|beyond|≥|>=?|bis zu|最高|最大|高达|可达|超过|최대|이상|以上|以内|不到|小于"
    r"|低于)\s*(?:an?\s+|the\s+)?(?:~|about )?$"
)
"""Words right before a number that make it one side of a range."""

_AFTER_BOUND = re.compile(
    r"^\s*(?:or (?:more|less|better|higher|lower)|\+(?!\w)|and (?:more|above)|以上|以内|以下|이상|이하|max\b)"
)

_THEORETICAL = re.compile(
    r"theoretical|in theory|matrix[- ]multiply|matmul|\bcan (?:deliver|give|provide|achieve|yield|reach|offer)"
    r"|ideal(?:ly)?\b|could (?:be|give|deliver|yield|reach)|should (?:be|give|deliver"
    r"|yield)|would (?:be|give|deliver)"
    r"|expected|projected|estimated|simulat|potential(?:ly)?\b|peak(?! (?:memory|v?ram|usage|power))"
    r"|roofline|理论|峰值|이론"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number or range in a text."""

    start: int
    end: int
    low: float
    high: float
    unit: str
    """``x``, ``%``, or what the pattern that found it stands for."""
    strength: Strength


def number(text: str) -> float | None:
    """The number that ``text`` spells, with thousands separators and scale letters; ``None`` if it spells none."""
    match = re.fullmatch(rf"[~≈+]?\s*(-?{NUMBER})\s*(k|m|thousand|million|万|千)?", text.strip().lower())
    if match is None:
        return None
    return float(match[1].replace(",", "")) * _SCALES.get(match[2] or "", 1.0)


def _value(digits: str, scale: str | None = None) -> float:
    return round(float(digits.replace(",", "")) * _SCALES.get(scale or "", 1.0), 9)


FACTOR = re.compile(
    rf"(?<![\w.,×])({NUMBER})(?:\s?[x×倍]?\s?(?:-|–|—|~|to|bis|到|至)\s?({NUMBER}))?(?:"
    r"\s?[x×](?![a-z0-9])(?!\s?\d)|[\s-]times\b|[\s-]?fold\b|\s?倍|\s?배|-?fach(?:e[ns]?)?\b)"
    r"|\b(twice|doubl(?:es?|ed|ing)|tripl(?:es?|ed)|thrice|(?:two|three|four|five|ten) times)\b",
    re.ASCII,
)
"""``2.1x``, ``1.5 to 3×``, ``2.2 times``, ``3-fold``, ``twice``; never ``mi300x``, ``8x7b`` or ``1024×1024``."""

PERCENT = re.compile(
    rf"(?<![\w.,])([+-]?{NUMBER})(?:\s?%?\s?(?:-|–|—|~|to|bis|到|至)\s?({NUMBER}))?\s?(?:%|percent\b|per cent\b|％"
    rf"|퍼센트)",
    re.ASCII,
)


def factors(text: str) -> Iterator[Amount]:
    """Every factor in a lower-case text."""
    for match in FACTOR.finditer(text):
        if match[3]:
            low = high = _WORD_FACTORS.get(match[3], 2.0)
        else:
            low = _value(match[1])
            high = _value(match[2]) if match[2] else low
        if low > high:
            low, high = high, low
        yield Amount(
            start=match.start(),
            end=match.end(),
            low=low,
            high=high,
            unit="x",
            strength=strength(text, match.start(), match.end()),
        )


def percents(text: str) -> Iterator[Amount]:
    """Every percentage in a lower-case text."""
    for match in PERCENT.finditer(text):
        low = _value(match[1].lstrip("+"))
        high = _value(match[2]) if match[2] else low
        yield Amount(
            start=match.start(),
            end=match.end(),
            low=min(low, high),
            high=max(low, high),
            unit="%",
            strength=strength(text, match.start(), match.end()),
        )


def strength(text: str, start: int, end: int) -> Strength:
    """Whether the words around a number make it a bound."""
    before = text[max(0, start - 28) : start]
    if _UP_TO.search(before) or _AFTER_BOUND.match(text[end : end + 16]):
        return Strength.BOUND
    return Strength.EXACT


def theoretical(text: str) -> bool:
    """Whether a sentence speaks of what could be rather than of what was measured."""
    return _THEORETICAL.search(text) is not None


RATE = re.compile(
    rf"(?<![\w.,])({NUMBER})\s?(k|m|thousand|million|万|千)?\s?(?:(?:±|\+/-|\+-)\s?{NUMBER}\s?)?(?:\(\w+\)\s?)?"
    r"(tok(?:en)?s?\s?(?:/|per|a)\s?s(?:ec(?:ond)?)?s?(?:\s?(?:/|per)\s?(?:gpu|device|chip|user|card))?"
    r"|tokens?/sec(?:ond)?|tok/sec|t/s\b|tps\b|tgs\b|token\s?(?:/|pro)\s?s(?:ek(?:unde)?)?\b|词/秒"
    r"|词元/秒|토큰/초|トークン/秒"
    r"|fps\b|frames?\s?(?:/|per)\s?s(?:ec(?:ond)?)?\b|帧/秒|帧每秒|フレーム/秒|프레임/초|bilder\s?(?:/"
    r"|pro)\s?s(?:ek(?:unde)?)?\b|画像/秒|枚/秒|이미지/초|장/초|img/s(?:ec)?\b|(?:image|imge)s?\s?(?:/"
    r"|per)\s?s(?:ec(?:ond)?)?\b|张/秒|ips\b"
    r"|samples?\s?(?:/|per)\s?s(?:ec(?:ond)?)?\b|inf(?:erences?)?\s?(?:/|per)\s?s(?:ec(?:ond)?)?\b"
    r"|(?:requests?|queries|req)\s?(?:/|per)\s?s(?:ec(?:ond)?)?\b|qps\b|rps\b"
    r"|sentences?\s?(?:/|per)\s?s(?:ec(?:ond)?)?\b|sequences?\s?(?:/|per)\s?s(?:ec(?:ond)?)?\b|words?\s?(?:/"
    r"|per)\s?s(?:ec(?:ond)?)?\b|it/s\b)",
    re.ASCII,
)
"""A rate with its unit."""

TIME = re.compile(
    rf"(?<![\w.,×])({NUMBER})\s?(ms|msec|milliseconds?|µs|us|μs|microseconds?|ns|毫秒|微秒|밀리초|s|sec|seconds?"
    rf"|秒)(?![\w/])(?:\s?(?:/|per)\s?(?:tok(?:en)?|image|frame|inference|step))?",
    re.ASCII,
)
"""A time with its unit."""

_TIME_IN_MS = {
    "ms": 1.0,
    "msec": 1.0,
    "毫秒": 1.0,
    "밀리초": 1.0,
    "us": 1e-3,
    "µs": 1e-3,
    "μs": 1e-3,
    "微秒": 1e-3,
    "ns": 1e-6,
}


def milliseconds(value: float, unit: str) -> float:
    """A time in milliseconds."""
    word = unit.lower()
    if word.startswith("milli"):
        factor = 1.0
    elif word.startswith("micro"):
        factor = 1e-3
    else:
        factor = _TIME_IN_MS.get(word, 1e3)
    return round(value * factor, 9)


def rate_unit(spelling: str) -> str:
    """The unit of a rate, normalized: ``tokens/s``, ``images/s``, ``frames/s``, ..."""
    word = spelling.lower().replace(" ", "")
    if word.startswith(("tok", "t/s", "tps", "tgs", "词", "토큰", "トークン")):
        per = "gpu" if "gpu" in word or word == "tgs" else "device" if re.search(r"(device|chip|card)", word) else ""
        return "tokens/s" + (f"/{per}" if per else "")
    for starts, unit in (
        (("fps", "frame", "帧", "フレーム", "프레임"), "frames/s"),
        (("img", "im", "张", "ips", "bilder", "画像", "枚", "이미지", "장"), "images/s"),
        (("sample",), "samples/s"),
        (("inf",), "inferences/s"),
        (("req", "rps"), "requests/s"),
        (("quer", "qps"), "queries/s"),
        (("sent",), "sentences/s"),
        (("seq",), "sequences/s"),
        (("word",), "words/s"),
    ):
        if word.startswith(starts):
            return unit
    return word


RATE_AHEAD = re.compile(
    rf"(?<![\w.])(fps|qps|tps|rps|(?:tok(?:en)?s?|samples?|images?|frames?|inferences?|requests?"
    rf"|queries)\s?(?:/|per)\s?"
    rf"s(?:ec(?:ond)?)?)\s?(?:=|:|：|为|达到?)\s?({NUMBER})(?![\w%]|\.\d)",
    re.ASCII,
)
"""A rate whose unit stands before it, as logs print it: ``Samples per second: 80.2353``."""


def rates(text: str) -> Iterator[Amount]:
    """Every rate in a lower-case text."""
    for match in RATE_AHEAD.finditer(text):
        value = _value(match[2])
        if not RATE.match(text, match.start(2)):
            yield Amount(
                start=match.start(),
                end=match.end(),
                low=value,
                high=value,
                unit=rate_unit(match[1]),
                strength=strength(text, match.start(2), match.end()),
            )
    for match in RATE.finditer(text):
        value = _value(match[1], match[2])
        if (before := _CHANGED_FROM.search(text, max(0, match.start() - 40), match.start())) is not None:
            first = _value(before[1])
            yield Amount(
                start=before.start(1),
                end=before.end(1),
                low=first,
                high=first,
                unit=rate_unit(match[3]),
                strength=Strength.EXACT,
            )
        yield Amount(
            start=match.start(),
            end=match.end(),
            low=value,
            high=value,
            unit=rate_unit(match[3]),
            strength=strength(text, match.start(), match.end()),
        )


_CHANGED_FROM = re.compile(rf"(?<![\w.])(?:from|von) ({NUMBER})(?: \([^()]{{1,20}}\))? (?:to|auf) $")
"""The first number of ``from 2,010 to 3,190 tokens/s``, which has the unit of the second."""


def times(text: str) -> Iterator[Amount]:
    """Every time in a lower-case text, in milliseconds."""
    for match in TIME.finditer(text):
        value = milliseconds(_value(match[1]), match[2])
        if (before := _CHANGED_FROM.search(text, max(0, match.start() - 40), match.start())) is not None:
            first = milliseconds(_value(before[1]), match[2])
            yield Amount(
                start=before.start(1), end=before.end(1), low=first, high=first, unit="ms", strength=Strength.EXACT
            )
        yield Amount(
            start=match.start(),
            end=match.end(),
            low=value,
            high=value,
            unit="ms",
            strength=strength(text, match.start(), match.end()),
        )
