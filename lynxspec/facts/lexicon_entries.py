"""The tables of names in ``data/lexicon``, as phrases that a scan looks up by their letters and digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from lynxspec.facts.source import read_text

TABLES = {
    "": "skips.csv",
    "model": "models.csv",
    "family": "families.csv",
    "hardware": "hardware.csv",
    "dataset": "datasets.csv",
    "metric": "metrics.csv",
    "tool": "tools.csv",
    "driver": "drivers.csv",
    "algorithm": "algorithms.csv",
    "calibration_method": "calibrations.csv",
    "approach": "approaches.csv",
    "word": "words.csv",
}
"""Kind of mention and its table; what the first one names is stepped over."""

ATOM = re.compile(r"(x(?<=[0-9]x)(?=[a-z])|[a-z]++(?![0-9])|[a-z]{2,}(?=v[0-9])|[a-z]+|[0-9]+)")
"""Runs of letters and of digits; ``8xh100`` and ``yolov8`` come apart before the x and the v."""

FLAGS = re.IGNORECASE | re.ASCII
"""For what stands around a name: a Chinese letter beside it is no part of it."""

_GAPS = str.maketrans("-._+#&:'()", " " * 10)
_NO_GAPS = str.maketrans("", "", " @/")
_OPEN = str.maketrans("@/", "  ")
_ACCENTS = str.maketrans("äöüßáàâéèêëíîïóôúùûçñ", "aousaaaeeeeiiioouuucn")


class Entry(NamedTuple):
    """One line of a table."""

    kind: str
    name: str
    flags: str
    """One letter each; the head of each table says what they mean."""
    context: tuple[str, ...]
    """Words of which the text must hold one; empty for none."""
    cells: tuple[str, ...]
    """The columns behind the aliases."""

    def cell(self, index: int) -> str:
        """A column behind the aliases; empty if the line ends before it."""
        return self.cells[index] if index < len(self.cells) else ""


class Alias(NamedTuple):
    """One spelling of an entry."""

    entry: Entry
    spelling: str
    """With a blank where a separator may stand, ``/`` where it may be a slash, and ``@`` where it must be an ``@``."""


Line = tuple[str, str, str]
"""Kind, line of a table, and one of its spellings; most are never met, so that they are read only when they are."""


class Foreign(NamedTuple):
    """A spelling with a character beyond Latin letters."""

    line: Line
    lowered: str
    offset: int
    """Of its first such character, by which it is found."""


class Lexicon(NamedTuple):
    """All spellings of all tables."""

    phrases: dict[str, list[Line]]
    """By letters and digits, lower case, without separators."""
    heads: dict[str, int]
    """First atom of a phrase, and the length of the longest phrase that begins with it."""
    foreign: dict[str, list[Foreign]]
    """By their first character beyond Latin letters, longest first."""


class Shape(NamedTuple):
    """Names that have a form instead of a list."""

    kind: str
    name: str
    triggers: tuple[str, ...]
    """A text without any of these holds no such name."""
    detail: Mapping[str, str]
    pattern: re.Pattern[str]


def lowered(text: str) -> str:
    """Lower case, accents removed, and of the same length as ``text``."""
    low = text.lower()
    if low.isascii():
        return low.replace("(r)", "®®®").replace("(tm)", "®®®®") if "(" in low else low
    if len(low) != len(text):  # some capitals have two small letters
        low = "".join(c.lower() if c.isascii() else c for c in text)
    return low.translate(_ACCENTS).replace("(r)", "®®®").replace("(tm)", "®®®®")


@cache
def lexicon() -> Lexicon:
    """All tables, read once."""
    found = Lexicon({}, {}, {})
    for kind, file in TABLES.items():
        for line in read_text(f"lexicon/{file}").splitlines():
            if line[:2] != "# ":
                _enter(found, kind, line)
    for words in found.foreign.values():
        words.sort(key=lambda word: -len(word.lowered))
    return found


@cache
def foreign_beginnings() -> re.Pattern[str]:
    """The characters beyond Latin letters and their accents by which words in other scripts are found."""
    return re.compile("[" + re.escape("".join(first for first in lexicon().foreign if first > "\u036f")) + "]")


def _enter(into: Lexicon, kind: str, line: str) -> None:
    """Note every spelling of a line; this runs thousands of times at the first use, hence no calls for plain words."""
    phrases, heads, _ = into
    for spelling in _spelled(kind, line):
        if spelling.isalnum() and spelling.isascii():
            key = spelling.lower()
            match = None if spelling.isalpha() else ATOM.match(key)
            head = match[0] if match else key
            if heads.get(head, 0) < len(key):
                heads[head] = len(key)
        else:
            low = spelling.translate(_GAPS).lower()
            if not low.isascii():
                low = low.translate(_ACCENTS)
                if not low.isascii():
                    _enter_foreign(into, (kind, line, spelling), low.strip())
                    continue
            key = low.translate(_NO_GAPS)
            _index(heads, key, low)
        aliases = phrases.get(key)
        if aliases is None:
            phrases[key] = [(kind, line, spelling)]
        else:
            aliases.append((kind, line, spelling))


def _spelled(kind: str, line: str) -> list[str]:
    cells = line.split(";", 3)
    listed = cells[2] if len(cells) > 2 else ""
    if kind == "word" or listed[:1] == "!":  # a gloss is no spelling
        spellings = listed.removeprefix("!").split(",")
    else:
        spellings = [cells[0], *listed.split(",")] if listed else [cells[0]]
    if "?" in listed:
        plural = [spelling for spelling in spellings if spelling.endswith("s?")]
        spellings += [spelling[:-2] for spelling in plural]
        spellings = [spelling.removesuffix("?") for spelling in spellings]
    return spellings


def _enter_foreign(into: Lexicon, line: Line, low: str) -> None:
    offset = next(i for i, character in enumerate(low) if not character.isascii())
    into.foreign.setdefault(low[offset], []).append(Foreign(line, low, offset))


def _index(heads: dict[str, int], key: str, low: str) -> None:
    """Note every atom that the phrase may begin with, as its gaps are open or closed."""
    joined = ""
    for part in low.translate(_OPEN).split():
        joined += part
        match = None if joined.isalpha() else ATOM.match(joined)
        head = match[0] if match else joined
        if heads.get(head, 0) < len(key):
            heads[head] = len(key)
        if len(head) < len(joined):
            break


@cache
def alias(line: Line) -> Alias:
    """A spelling with its entry."""
    kind, whole, spelling = line
    return Alias(_entry(kind, whole), spelling.translate(_GAPS).strip())


@cache
def _entry(kind: str, line: str) -> Entry:
    name, flags, _, *cells = [*line.split(";"), "", ""]
    flags, _, context = flags.partition("@")
    return Entry(kind, name, flags, tuple(context.split("/")) if context else (), tuple(cells))


@cache
def _lists() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in read_text("lexicon/lists.csv").splitlines():
        if not line.startswith("#"):
            name, _, words = line.partition(";")
            found.setdefault(name, {}).update((word.lower(), word) for word in words.split())
    return found


def spellings(name: str) -> Mapping[str, str]:
    """The words of a short list, by their small letters."""
    return _lists()[name]


@cache
def makers() -> Mapping[str, str]:
    """Words that may stand before a product, and whose they are."""
    rows = (line.split(";") for line in read_text("lexicon/vendors.csv").splitlines() if not line.startswith("#"))
    return {word: vendor for vendor, words in rows for word in words.split(",")}


@cache
def shapes() -> tuple[Shape, ...]:
    """Names that have a form instead of a list."""
    rows = (line.split(";") for line in read_text("lexicon/shapes.csv").splitlines() if not line.startswith("#"))
    return tuple(
        Shape(
            kind,
            name,
            tuple(triggers.split("|")),
            dict(pair.split("=") for pair in detail.split()),
            re.compile(pattern),
        )
        for kind, name, triggers, detail, pattern in rows
    )


@cache
def _triggers() -> re.Pattern[str]:
    """The triggers of all shapes: most texts hold none."""
    return re.compile("|".join(re.escape(trigger) for shape in shapes() for trigger in shape.triggers))


class Site(NamedTuple):
    """Where a spelling stands."""

    text: str
    start: int
    end: int
    alias: Alias
    exact: bool
    """Whether it has the capitals of its table."""


class Reading(NamedTuple):
    """A name with what follows it and belongs to it."""

    start: int
    end: int
    name: str
    detail: dict[str, str]
    complete: bool = True
    """False for a stem that needs another beside it."""


def shaped(text: str) -> Iterator[tuple[Entry, Reading]]:
    """Names that have a form instead of a list: cloud instances, container images."""
    if _triggers().search(text) is None:
        return
    for shape in shapes():
        if not any(map(text.__contains__, shape.triggers)):
            continue
        for match in shape.pattern.finditer(text):
            version = match.groupdict().get("version")
            name = shape.name or match[0]
            detail = {**shape.detail, **({"version": re.sub(r"^v(?=\d)", "", version)} if version else {})}
            if shape.kind == "hardware":
                detail["product"] = name
            yield Entry(shape.kind, name, "", (), ()), Reading(match.start(), match.end(), name, detail)
