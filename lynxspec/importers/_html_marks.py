"""Raised and lowered text: footnote marks in brackets, powers in superscript digits, the rest joined to its word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from lynxspec.importers._characters import Piece

_RAISED = re.compile(
    r"(?:<su[pb]\b[^<>]{0,300}>\s{0,9}(?P<link><a\b[^<>]{0,500}>)?|(?P<only><a\b[^<>]{0,500}>))\s{0,9}"
    r"(?P<text>[^<>]{0,24}?)\s{0,9}(?(only)</a>|(?:</a>)?\s{0,9}</su[pb]\s{0,9}>)",
    re.IGNORECASE,
)

_MARK = re.compile(r"(?:\d{1,2}(?:\s*,\s*\d{1,2})*|[a-z]|[*†‡§¶]{1,3})")
_BRACKETED = re.compile(r"[\[(](.{1,8})[\])]")
_SUFFIX = re.compile(r"(?:st|nd|rd|th|tm|sm|®|™|℠|\(r\)|\(tm\))", re.IGNORECASE)
_POWER = re.compile(r"[-−–+]?\d{1,3}")
_TIMES_TEN = re.compile(r"(?:[x×*·⋅]|&times;|&middot;|&#215;)\s?10$")
_TEN = re.compile(r"(?:^|[^\d.,\w])10$")
_TWO = re.compile(r"(?:^|[^\d.,\w])2$")
_UNIT = re.compile(r"(?:^|[\d\s(/·])(?:[munckd]?m|s|in|ft)$")

_SUPERSCRIPT = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What a ``sup`` or ``sub`` element comes to."""

    pieces: tuple[Piece, ...]
    end: int
    """Offset behind its end tag."""
    mark: str = ""
    """The footnote that it refers to."""


def read_raised(text: str, at: int, *, base: str, raised: bool) -> Raised | None:
    """The short ``sup`` (or ``sub``, or link to a note) whose tag starts at ``at``, behind ``base``; else ``None``."""
    match = _RAISED.match(text, at)
    if match is None or not match["text"]:
        return None
    start, stop = match.span("text")
    end = match.end()
    words = unescape(match["text"]).strip()
    own: Piece = (start, stop, None)
    blank: Piece = (at, at, " ")
    if not raised:
        return Raised(pieces=(blank, own) if base[-1:].isdigit() else (own,), end=end)
    if not words or _SUFFIX.fullmatch(words):
        pieces: tuple[Piece, ...] = (own,)
    elif not match["link"] and not match["only"] and _POWER.fullmatch(words) and _is_power(words, base):
        pieces = ((start, stop, words.translate(_SUPERSCRIPT)),)
    else:
        return _mark(text, match, words, apart=base[-1:].isalnum())
    return Raised(pieces=pieces, end=end)


def _mark(text: str, match: re.Match[str], words: str, *, apart: bool) -> Raised:
    """A footnote's mark, or other raised words, which stand ``apart`` from a word before them."""
    start, stop = match.span("text")
    end = match.end()
    own: Piece = (start, stop, None)
    blank: Piece = (match.start(), match.start(), " ")
    behind: tuple[Piece, ...] = ((end - 1, end - 1, " "),) if text[end : end + 1].isalnum() else ()
    if bracketed := _BRACKETED.fullmatch(words):
        return Raised(pieces=(blank, own, *behind), end=end, mark=bracketed[1])
    if not _MARK.fullmatch(words):
        return Raised(pieces=(blank, own) if apart else (own,), end=end)
    if not words[0].isalnum():
        return Raised(pieces=(blank, own, *behind), end=end, mark=words)
    # a bare digit would become the last one of the number before it, or another number
    brackets: tuple[Piece, Piece] = ((start, start, "["), (stop - 1, stop, "]"))
    return Raised(pieces=(blank, brackets[0], own, brackets[1], *behind), end=end, mark=words)


def _is_power(words: str, base: str) -> bool:
    """Whether a raised number is an exponent and no footnote: 10⁶, 5×10², 2³¹, m², s⁻¹."""
    if _TIMES_TEN.search(base) or _UNIT.search(base):
        return True
    digits = words.lstrip("-−–+")
    if _TEN.search(base):
        return digits != words or int(digits) >= 3
    return _TWO.search(base) is not None and int(digits) >= 8
