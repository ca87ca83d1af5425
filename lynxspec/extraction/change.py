"""What a factor or percentage of speed comes to: faster or slower, of a rate or of a time, or denied altogether."""

from __future__ import annotations

import re

from lynxspec.extraction.quantities import Amount

CLAUSE_END = re.compile(r"[;,]| and | while | with | but |\(")


def denied(words: str, at: int) -> bool:
    """Whether a number is what is not the case: ``not 2x faster``, ``no speedup of 2x``."""
    return _DENIED.search(words, max(0, at - 72), at) is not None


_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot|nicht|kein\w*)\b|n't"
    r"|\bno (?:\w+ )?(?:speed-?ups?|gains?|accelerations?|improvements?)\b)"
    r"(?! only| just| less| more)[^.;,:()]{0,24}$"
    r"|\b(?:unlike|competit\w+)\b(?:(?!\bour\b|\bwe\b)[^.;]){0,60}$"
)


def share(words: str, amount: Amount) -> bool:
    """Whether a percentage is the quantized model's speed as a share of the reference's: ``150 % of FP16``."""
    return _OF_REFERENCE.match(words, amount.end) is not None and _SHARED.search(words) is not None


_OF_REFERENCE = re.compile(r"\s?of (?:the |its )?(?:\w+ )?(?:fp-?(?:16|32)|bf-?16|float|baseline|original|full)")
_SHARED = re.compile(
    r"^(?!.*(?:retain|recover|preserv|maintain|accura|score)).*(?:throughput|\bfps\b|\bspeed\b|tokens)"
)


def factor(words: str, amount: Amount, number: float) -> float:
    """A factor in speed: ``33 %`` faster is 1.33; a time reduced by half stays the sheet's own 50 % as 2."""
    behind = CLAUSE_END.split(words[amount.end : amount.end + 40], 1)[0]
    before = words[max(0, amount.start - 60) : amount.start]
    timed = _TIME_WORD.search(behind) or _nearest(_TIME_WORD, before) > _nearest(_RATE_WORD, before)
    timed = timed and not _RATE_WORD.search(behind)
    if amount.unit == "x":
        slowed = _SLOWER.match(behind) or (timed and (_LONGER.match(behind) or _IS.search(before)))
        return round(1 / number, 6) if slowed and number > 0 else number
    if share(words, amount):
        return round(100 / number if timed and number > 0 else number / 100, 6)
    down = _DOWN.search(behind) or (not _UP.search(behind) and _nearest(_DOWN, before) > _nearest(_UP, before))
    if down and 0 < number < 100:
        return round(100 / (100 - number) if timed and not _SLOWER.match(behind) else 1 - number / 100, 6)
    longer = timed and (_LONGER.match(behind) or (not _UP.search(behind) and _nearest(_RISES, before) >= 0))
    return round(100 / (100 + number) if longer and number > 0 else 1 + number / 100, 6)


def _nearest(pattern: re.Pattern[str], before: str) -> int:
    """Where the last match ends; -1 if there is none."""
    return max((m.end() for m in pattern.finditer(before)), default=-1)


_TIME_WORD = re.compile(r"laten\w+|\btimes?\b|\bttft\b|\btpot\b|\bitl\b|first token|时延|延迟|지연|レイテンシ")
_RATE_WORD = re.compile(
    r"throughput|tokens?(?: per|/)|\bfps\b|\bspeed\b|faster|吞吐|速度|처리량|スループット|durchsatz"
)
_SLOWER = re.compile(r"\s?(?:\w+ )?(?:slower|langsamer)")
_LONGER = re.compile(
    r"\s?(?:longer|higher|more|greater|increase|of the|of that|that of|the latency|the time|as long)\b"
)
_IS = re.compile(r"\b(?:is|are|was|were|becomes) (?:only |about |just |now |~)?$")
_DOWN = re.compile(
    r"reduc|lower|less\b|drop|decreas|fell\b|falls?\b|shorten|slower|\bloss\b|cuts?\b|sinkt|langsamer|降低|下降|감소|削減"
)
_UP = re.compile(
    r"faster|improv|increas|boost|\bgain|higher|speed-?up|more\b|better|rais|rises?\b|rose\b|提升|提高|향상|向上|schneller"
)
_RISES = re.compile(r"increas|rises?\b|rose\b|grow|grew|goes up|higher")
