"""Characters that spec sheets write in odd ways, and the plain ones that they are read as."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

Piece = tuple[int, int, str | None]
"""A stretch of the source from an offset to before another; or what stands there for the reader, if not itself."""

BLANKS = "\t\n\r\x0b\x0c\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROLS = "\x00-\x08\x0e-\x1b\x7f"
_UNSEEN = (
    CONTROLS + "\x80-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
_TRADE_MARKS = "\u00ae\u2120\u2122"
"""Dropped as well: a compatibility form would glue letters to the name before."""
_HYPHENS = "\u2010\u2011\u2012\u2212\ufe58\ufe63\uff0d"
_CROSSES = "\u2715\u2a09\u2a2f"
_AFTER_DIGIT = "\u2716\u0445\u0425"
"""Crosses only where they follow a digit: a heavy cross is also a "no", the other two are Cyrillic letters."""
_RAISED = "\u00b2\u00b3\u00b9\u2070\u2074-\u2079"
_COMPATIBLE = (
    "\u00b5\u2100-\u211f\u2121\u2123-\u214f\u2160-\u217f\u3300-\u33ff\ufb00-\ufb06"
    "\uff01-\uff0c\uff0e-\uff9f\uffe0-\uffe6\U0001d400-\U0001d7ff"
)
ODD = _UNSEEN + _TRADE_MARKS + _HYPHENS + _CROSSES + _AFTER_DIGIT + _RAISED + _COMPATIBLE

ODD_ONE = re.compile(f"[{ODD}]")
_UNSEEN_ONE = re.compile(f"[{_UNSEEN}{_TRADE_MARKS}]")
RAISED_RUN = re.compile(f"[{_RAISED}]+(?:,[{_RAISED}]+)*")


def folded(character: str, before: str) -> str:
    """The plain form of an odd character after another one."""
    if character in _AFTER_DIGIT:
        return "×" if before.isdigit() else character
    return _plainer(character)


@cache
def _plainer(character: str) -> str:
    if _UNSEEN_ONE.match(character):
        return ""
    if character in _HYPHENS:
        return "-"
    if character in _CROSSES:
        return "×"
    return unicodedata.normalize("NFKC", character).translate({0x2044: "/", 0x2215: "/"})
