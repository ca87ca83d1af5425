"""What the published words of a claim promise: gains, losses and adjectives that numbers can check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lynxspec.claim import Claim, present
from lynxspec.location import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A number in the words, with how exactly it was said."""

    words: str
    value: float
    slack: float
    """How far off the number may be for the words still to be true."""
    in_words: bool
    """Whether the number was a word ("twice"), not digits."""
    path: Path


_NUMBER = r"(?P<n>\d+(?:[.,]\d+)?)"
_FASTER = (
    r"(?:faster|speed-?\s?ups?|quicker|(?:higher|more|increased?) (?:in )?throughput|throughput (?:gain|increase))"
)
_FACTOR = re.compile(rf"(?<![\d.]){_NUMBER}\s*(?:x\b|×|times\b)(?!\s*\d)(?P<after>[^.;,]{{0,30}})", re.IGNORECASE)
_PERCENT = re.compile(rf"(?<![\d.]){_NUMBER}\s*(?:%|percent)\s+{_FASTER}", re.IGNORECASE)
_WORDS = (
    (re.compile(r"\b(?:twice|double)(?:s|d)?\b(?: as fast| the (?:speed|throughput)| throughput)", re.IGNORECASE), 2.0),
    (re.compile(r"\btripl(?:e|es|ed)\b(?: the)? (?:speed|throughput)", re.IGNORECASE), 3.0),
)
_OF_SIZE = re.compile(r"^\s*(?:smaller|less|fewer|lower|compress|reduc|memory)", re.IGNORECASE)
_WORD_NUMBERS = {"half a": 0.5, "one": 1.0, "a": 1.0, "two": 2.0, "three": 3.0}
_WITHIN = re.compile(
    r"(?:within|less than|under|below|<|at most|no more than|max(?:imum)?\.?)\s*"
    r"(?P<n>half a|one|two|three|a|\d+(?:\.\d+)?)\s*(?P<unit>%|percent(?:age points?)?|points?\b|pp\b)",
    re.IGNORECASE,
)
_ABOUT_ACCURACY = re.compile(r"accura|loss|drop|degrad|quality|f1|top-?1", re.IGNORECASE)
_LOSSLESS = re.compile(
    r"(?P<hedge>near(?:ly)?[- ]|almost |virtually |practically |essentially )?"
    r"(?P<words>loss-?less(?:ly)?|(?:no|zero|without(?: any)?) (?:\w+ )?(?:accuracy |quality )?"
    r"(?:loss|degradation|drop|compromise|sacrific\w+)"
    r"|(?:accuracy|quality) (?:is |fully )?(?:preserved|maintained|unchanged|retained)"
    r"|(?:identical|same|full|unchanged) (?:accuracy|quality))",
    re.IGNORECASE,
)
_UP_TO = re.compile(
    rf"\b(?:up to|as much as|peak(?:s|ing)? at|maximum of)\s+{_NUMBER}\s*"
    rf"(?:x\b|×|times\b|(?:%|percent)\s+{_FASTER}|\w+/s\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r";|[,.](?!\d)|\band\b|\bwith\b|\bat\b(?= (?:less|under|no|zero|at))", re.IGNORECASE)


def published(claim: Claim) -> Iterator[tuple[Path, str]]:
    """The words of a claim that are meant for the public."""
    yield ("identity", "title"), claim.identity.title
    statement = present(claim.identity.statement)
    if statement is not None:
        yield ("identity", "statement", "text"), statement.text


def promised_gains(claim: Claim) -> Iterator[Promise]:
    """Gains in speed that the words state."""
    for path, text in published(claim):
        for match in _FACTOR.finditer(text):
            if not _OF_SIZE.match(match["after"]):
                yield _promise(match, _number(match), 0.0, path)
        for match in _PERCENT.finditer(text):
            yield _promise(match, 1 + _number(match) / 100, 0.0, path)
        for pattern, value in _WORDS:
            for match in pattern.finditer(text):
                yield _promise(match, value, value / 10, path)


def _number(match: re.Match[str]) -> float:
    return float(match["n"].replace(",", "."))


def _promise(match: re.Match[str], value: float, slack: float, path: Path) -> Promise:
    words = match[0].removesuffix(match.groupdict().get("after") or "").strip()
    return Promise(words=words, value=value, slack=slack, in_words=slack > 0, path=path)


def promised_losses(claim: Claim) -> Iterator[Promise]:
    """Bounds on the loss of accuracy that the words state, in points (or percent, as said)."""
    for path, clause in _clauses(claim):
        for match in _WITHIN.finditer(clause):
            if _ABOUT_ACCURACY.search(clause):
                number = match["n"].lower()
                yield _promise(match, _WORD_NUMBERS.get(number) or float(number), 0.0, path)


def lossless(claim: Claim) -> Iterator[tuple[Path, str, bool]]:
    """Places where the words deny any loss, and whether they hedge; a clause with a bound promises the bound."""
    for path, clause in _clauses(claim):
        for match in _LOSSLESS.finditer(clause) if not _WITHIN.search(clause) else ():
            yield path, match[0].strip(), bool(match["hedge"])


def up_to(claim: Claim) -> Iterator[tuple[Path, str]]:
    """Places where the words give a bound on the speed instead of a result."""
    for path, text in published(claim):
        for match in _UP_TO.finditer(text):
            yield path, match[0]


def _clauses(claim: Claim) -> Iterator[tuple[Path, str]]:
    for path, text in published(claim):
        yield from ((path, clause) for clause in _CLAUSE.split(text))
