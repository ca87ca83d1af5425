"""Words without which a pattern cannot match: looking for them first spares most of the pattern matching.

A search for a fixed word costs a hundredth of a search for an alternation of thirty phrases, and most phrases stand in
no line of most sheets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

try:
    import ahocorasick
except ImportError:  # no wheel for this platform: each word is looked for by itself, which takes longer
    ahocorasick = None

_LEAST = 2
"""Shorter words of ASCII letters stand nearly everywhere."""

_MOST = 160
"""More alternatives than this are not worth the search."""

_SPELLED = 12
"""So many spellings of one stretch are told apart: ``w\\d`` is ``w0`` to ``w9``."""

_OTHER_CASES = frozenset("isk")
"""Letters that match one beyond ASCII where case is ignored: U+0131, U+017F, U+212A."""

FOREIGN_DIGIT = re.compile(r"[^\x00-\x7f](?<=\d)")
"""A digit that is not one of ASCII, which a ``\\d`` takes as well; no word of `required` holds one."""


@lru_cache(maxsize=2000)
def required(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """Words of which every match holds at least one; ``None`` if that cannot be told.

    A digit in a word is one of ASCII: in a text with a `FOREIGN_DIGIT` the words promise nothing.
    """
    try:
        from re import _parser  # type: ignore[attr-defined] # noqa: PLC0415 - private: without it nothing is spared
    except ImportError:
        return None
    ignores_case = bool(pattern.flags & re.IGNORECASE)
    words = _any_of(list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)), ignores_case=ignores_case)
    if not words or len(words) > _MOST or not all(map(_is_rare, words)):
        return None
    # of "per-token" and "per-token dynamic" the shorter one is enough
    kept = [word for word in words if not any(other != word and other in word for other in words)]
    return tuple(sorted(kept))


@lru_cache(maxsize=2000)
def beginnings(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """Words of which every match begins with one; ``None`` if that cannot be told, or if they stand everywhere."""
    try:
        from re import _parser  # type: ignore[attr-defined] # noqa: PLC0415 - as above
    except ImportError:
        return None
    ignores_case = bool(pattern.flags & re.IGNORECASE)
    words = _begun(list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)), ignores_case=ignores_case)
    if len(words) > _MOST or any(word.isascii() and len(word) < _TELLING for word in words) or "" in words:
        return None
    return tuple(sorted(words))


def begins_with_number(pattern: re.Pattern[str]) -> bool:
    """Whether every match begins with a digit of ASCII or with a point, in a text without a `FOREIGN_DIGIT`."""
    try:
        from re import _parser  # type: ignore[attr-defined] # noqa: PLC0415 - as above
    except ImportError:
        return False
    nodes = list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    words = _begun(nodes, ignores_case=bool(pattern.flags & re.IGNORECASE))
    return all(word[:1] in _OF_NUMBERS for word in words)


_OF_NUMBERS = frozenset("0123456789.")

_TELLING = 2
"""Shorter beginnings of ASCII letters stand in most words."""

_WIDTHLESS = frozenset({"AT", "ASSERT", "ASSERT_NOT"})


def _begun(nodes: list[Any], *, ignores_case: bool) -> frozenset[str]:
    """What a sequence begins with, as far as it is told; an empty word where it is not."""
    run = _ANYTHING
    for index, (operation, argument) in enumerate(nodes):
        name = str(operation)
        whole = _whole(name, argument, ignores_case=ignores_case)
        if whole and len(run) * len(whole) <= _WHOLE:
            run = frozenset(map("".join, product(run, whole)))
            continue
        found = _ANYTHING
        if name == "SUBPATTERN":
            found = _begun(list(argument[3]), ignores_case=ignores_case or bool(argument[1] & re.IGNORECASE))
        elif name == "BRANCH":
            found = _shortest(
                frozenset().union(*(_begun(list(branch), ignores_case=ignores_case) for branch in argument[1]))
            )
        elif name in _REPEATS:
            found = _begun(list(argument[2]), ignores_case=ignores_case)
            if not argument[0]:
                found |= _begun(nodes[index + 1 :], ignores_case=ignores_case)
        return _shortest(frozenset(map("".join, product(run, found)))) if len(run) * len(found) <= 4 * _MOST else run
    return _shortest(run)


def _shortest(words: frozenset[str]) -> frozenset[str]:
    """As few words, each of them the beginning of those that it stands for."""
    longest = max(map(len, words))
    while True:
        kept = frozenset(word for word in words if not any(word[:end] in words for end in range(len(word))))
        if len(kept) <= _MOST or longest <= _LEAST + 1:
            return kept
        longest -= 1
        words = frozenset(word[:longest] for word in kept)


def _whole(name: str, argument: Any, *, ignores_case: bool) -> frozenset[str] | None:  # noqa: ANN401 - as above
    """All that a node matches and perhaps more, where those are few spellings."""
    if name in _WIDTHLESS:
        return _ANYTHING
    if name in _REPEATS and argument[:2] == (0, 1):
        found = _whole_sequence(argument[2], ignores_case=ignores_case)
        return found | _ANYTHING if found else None
    if name == "SUBPATTERN":
        return _whole_sequence(argument[3], ignores_case=ignores_case or bool(argument[1] & re.IGNORECASE))
    if name == "BRANCH":
        branches = [_whole_sequence(branch, ignores_case=ignores_case) for branch in argument[1]]
        return frozenset().union(*branches) if all(branches) else None  # type: ignore[arg-type]
    return _spelled(name, argument, ignores_case=ignores_case)


def _whole_sequence(nodes: Iterable[Any], *, ignores_case: bool) -> frozenset[str] | None:
    run = _ANYTHING
    for operation, argument in nodes:
        whole = _whole(str(operation), argument, ignores_case=ignores_case)
        if not whole or len(run) * len(whole) > _WHOLE:
            return None
        run = frozenset(map("".join, product(run, whole)))
    return run


_WHOLE = 40
"""So many beginnings of one stretch are told apart."""


class Places(NamedTuple):
    """Where a text may hold matches; patterns are told by identity."""

    begin: dict[int, list[int]]
    """Where matches may begin, of patterns that begin with words."""
    hold: dict[int, list[int]]
    """Where words stand of which every match holds one."""
    known: Collection[int]
    """The patterns asked for."""
    numbered: frozenset[int]
    """The patterns whose matches begin with a number."""

    def lacks(self, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern matches nowhere, as most do."""
        key = id(pattern)
        return key in self.known and key not in self.begin and key not in self.hold


NOWHERE = Places({}, {}, (), frozenset())
"""Of a text of which nothing is known."""


class Words(NamedTuple):
    """The words of many patterns in one automaton (Aho and Corasick 1975): a text is read once for all of them."""

    patterns: dict[int, bool]
    """By identity, and whether every match begins with a word rather than holds one."""
    numbered: frozenset[int]
    """The patterns whose matches begin with a number, by identity."""
    automaton: Any
    """Gives for each word how far before its last character it starts, and the numbers of its patterns in their order.

    With the offset of the last character; ``None`` if there is no word.
    """

    def places(self, text: str) -> Places:
        """Where a lower-case text without a `FOREIGN_DIGIT` holds words."""
        begin: dict[int, list[int]] = {}
        hold: dict[int, list[int]] = {}
        found: list[list[int]] = [[] for _ in self.patterns]
        for last, (back, numbers) in self.automaton.iter(text) if self.automaton is not None else ():
            for number in numbers:
                found[number].append(last - back)
        for (pattern, begins), starts in zip(self.patterns.items(), found, strict=True):
            if starts:
                (begin if begins else hold)[pattern] = sorted(starts) if begins else starts
        return Places(begin, hold, self.patterns, self.numbered)


def _words(met: Iterable[tuple[re.Pattern[str], tuple[str, ...] | None]]) -> Words:
    patterns: dict[int, bool] = {}
    numbered: set[int] = set()
    numbers: dict[str, list[int]] = {}
    for pattern, words in met:
        firsts = beginnings(pattern)
        if firsts is None and begins_with_number(pattern):
            numbered.add(id(pattern))
        told = words if firsts is None else firsts
        if told is None:
            continue
        for word in told:
            numbers.setdefault(word, []).append(len(patterns))
        patterns[id(pattern)] = firsts is not None
    automaton = ahocorasick.Automaton() if numbers else None
    if automaton is not None:
        for word, own in numbers.items():
            automaton.add_word(word, (len(word) - 1, tuple(own)))
        automaton.make_automaton()
    return Words(patterns, frozenset(numbered), automaton)


def needed(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """The words of `required`, looked up by identity: a pattern's own hash is as dear as a small search."""
    held = _MET.get(id(pattern))
    if held is None:
        held = pattern, required(pattern)
        if len(_MET) < _REMEMBERED:
            _MET[id(pattern)] = held
            _BUILT.new = True
    _BUILT.asked += 1
    return held[1]


def words_met() -> Words:
    """The words of the patterns met so far, or of nearly all: a new one is worth another automaton when used again."""
    if _BUILT.new and _BUILT.asked >= _WORTH and ahocorasick is not None:
        _BUILT.asked, _BUILT.new = 0, False
        _BUILT.words = _words(_MET.values())
    return _BUILT.words


_REMEMBERED = 2000

_MET: dict[int, tuple[re.Pattern[str], tuple[str, ...] | None]] = {}
"""By identity, which stays while the pattern is held."""


@dataclass(slots=True)
class _Built:
    """The automaton, whether patterns were met since it was built, and how often others than its own were asked for."""

    words: Words
    new: bool
    asked: int


_BUILT = _Built(Words({}, frozenset(), None), new=False, asked=0)

_WORTH = 40
"""So many searches word by word cost as much as building the automaton."""


def _is_rare(word: str) -> bool:
    return len(word) >= _LEAST or not word.isascii()


def _any_of(nodes: list[Any], *, ignores_case: bool) -> frozenset[str] | None:
    """The best set of words for a sequence: every match of the sequence holds one of them."""
    candidates: list[frozenset[str]] = []
    run = _ANYTHING
    for operation, argument in nodes:
        node, times = _once(str(operation), argument)
        spelled = _spelled(*node, ignores_case=ignores_case) if times else None
        fits = spelled and len(run) * len(spelled) <= _SPELLED
        longer = frozenset(map("".join, product(run, spelled))) if spelled and fits else run
        if fits and times == 1:
            run = longer
            continue
        candidates.append(longer)  # what may stand there several times ends a run, and so does what is no word
        run = spelled if spelled and not fits and times == 1 else _ANYTHING
        found = _of(*node, ignores_case=ignores_case) if times and not fits and run is _ANYTHING else None
        if found:
            candidates.append(found)
    candidates.append(run)
    return max((words for words in candidates if "" not in words), key=_worth, default=None)


_ANYTHING = frozenset({""})
_Node = tuple[str, Any]


def _once(name: str, argument: Any) -> tuple[_Node, int]:  # noqa: ANN401 - the parser's nodes have no types
    """A node without its repetition, and whether it stands there never (0), once (1) or more often (2) at least."""
    if name not in _REPEATS:
        return (name, argument), 1
    least, _, inner = argument
    alone = inner[0] if len(inner) == 1 else ("SUBPATTERN", (None, 0, 0, inner))
    return (str(alone[0]), alone[1]), 2 if least else 0


_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def _worth(words: Iterable[str]) -> tuple[bool, float, int]:
    """Long words first, and few of them; a character beyond ASCII tells as much as two letters, a common word less."""
    held = tuple(words)
    shortest = min(len(word) if word.isascii() else 2 * len(word) for word in held)
    common = any(map(_COMMON.search, held))
    return shortest >= _LEAST, min(shortest, 5) - 2 * common - len(held) / 20, -len(held)


_COMMON = re.compile(
    r"quanti|accura|perform|precision|token|weight|calibrat|model| (?:of|for) |fp16|bf16|fp32|int8|baseline|reference"
)
"""Words that stand in every other line of a sheet."""


def _spelled(name: str, argument: Any, *, ignores_case: bool) -> frozenset[str] | None:  # noqa: ANN401 - as above
    """All that a node matches, where those are few spellings."""
    if name == "LITERAL":
        spelled = frozenset({chr(argument)})
    elif name == "IN":
        spelled = _characters(argument)
    elif name == "BRANCH" and all(str(kind) == "LITERAL" for branch in argument[1] for kind, _ in branch):
        spelled = frozenset("".join(chr(code) for _, code in branch) for branch in argument[1])
    else:
        return None
    if ignores_case:
        if any(not c.isascii() or c.lower() in _OTHER_CASES for word in spelled for c in word):
            return None
        spelled = frozenset(map(str.lower, spelled))
    return spelled if 0 < len(spelled) <= _SPELLED else None


def _characters(items: list[Any]) -> frozenset[str]:
    """The characters of a set; none if they are many or are told by what they are not."""
    found: set[str] = set()
    for kind, argument in items:
        name = str(kind)
        if name == "LITERAL":
            found.add(chr(argument))
        elif name == "RANGE" and argument[1] - argument[0] < _SPELLED:
            found.update(map(chr, range(argument[0], argument[1] + 1)))
        elif name == "CATEGORY" and str(argument) == "CATEGORY_DIGIT":
            found.update("0123456789")
        else:
            return frozenset()
    return frozenset(found)


def _of(name: str, argument: Any, *, ignores_case: bool) -> frozenset[str] | None:  # noqa: ANN401 - as above
    """The words of one node; ``None`` for what may match nothing in particular."""
    if name == "SUBPATTERN":
        _, added, _, inner = argument
        return _any_of(list(inner), ignores_case=ignores_case or bool(added & re.IGNORECASE))
    if name == "BRANCH":
        branches = [_any_of(list(branch), ignores_case=ignores_case) for branch in argument[1]]
        return frozenset().union(*branches) if all(branches) else None  # type: ignore[arg-type]
    return None
