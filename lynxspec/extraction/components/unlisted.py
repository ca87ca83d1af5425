"""Products and tools that the lexicon does not know, told apart by how a sheet names them.

A vendor's own accelerator or compiler is often named nowhere else. What stands behind "Accelerator:", before "NPU", or
behind "compiled with" and before a version is a name all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Quote
from lynxspec.extraction.document import Document
from lynxspec.extraction.reading import Unit

_NUMBERED = r"[A-Z][A-Za-z]+(?:[ -][A-Z]?[A-Za-z]*\d[\w-]*)+|[A-Z][A-Za-z]*\d[\w-]*"
"""A capitalized name with a number in it: ``T200``, ``Tarn-8L``, ``EdgeStation 4``, ``Cedar v5e``."""

_KEYED_HARDWARE = re.compile(
    r"(?:supported hardware(?: microarchitectures?| platforms?)?|(?:test |target |host )?hardware|(?:target "
    r"|test )?device"
    r"|accelerator|chip(?:set)?|soc|npu|gpu|processor|test (?:platform|system|machine))s?\s?[:：]\s{0,2}"
    r"((?-i:[A-Z])[\w.+-]*(?: (?-i:[A-Z0-9])[\w.+-]*){0,4})",
    re.IGNORECASE,
)
_UNIT_OF = re.compile(
    rf"(?<![\w.-])({_NUMBERED}|[A-Z][A-Z0-9]*(?:[ -][A-Z0-9][\w.]*){{1,3}})"
    r"(?:[ -](?:M\.2|PCIe))?(?: |-(?=NPU))?(?:(?i:NPUs?|AI accelerators?|accelerators?|AI chips?|chips?|cards?"
    r"|SoCs?|processors?"
    r"|modules?|AI processors?)\b|칩|가속기|芯片|加速卡|チップ)|(?<![\w-])([A-Z][A-Za-z0-9]+-NPU)(?![\w-])"
)
_ON = re.compile(
    rf"(?<![\w-])(?:[Oo]n|(?:[Cc]ompiled|[Mm]easured)\b(?:[^.;:]|\.\d){{0,48}}? (?:for|on)|[Tt]argeting|[Aa]uf|für)"
    rf" (?:an? |the |our |one |two |four |eight |einem |einer |\d+x? )?({_NUMBERED})(?![\w-])"
)
_COLON = re.compile(r"[:：]")
_UNIT_WORD = re.compile(r"npu|accelerator|chip|card|soc|processor|module|칩|가속기|芯片|加速卡|チップ")
_ON_WORD = re.compile(r"\b(?:on|for|targeting|auf|für) ")
"""What a lower-case unit holds if the pattern before matches in it; the search for it is far cheaper."""
_NO_PRODUCT = re.compile(
    r"(?:Table|Figure|Fig|Section|Version|Release|Chapter|Step|Part|Page|Python|Batch|Appendix|Tab|Phase|Day|Week|Top|Eq"
    r"|January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug"
    r"|Sep|Oct|Nov|Dec|INT|FP|BF|UINT|MXFP|NVFP|W|Q|IPv|PCIe|DDR|LPDDR|HBM|USB|ISO|IEEE|MD|SHA|Wikitext"
    r"|WikiText)[ -]?\d"
    r"|.*(?i:int|fp|bf)-?(?:4|8|16|32)\b"
)
_KINDS = ("dataset", "model", "hardware", "metric", "tool", "driver", "algorithm", "calibration_method")


def products(document: Document) -> Iterator[tuple[str, Quote]]:
    """Hardware products by name, where a sheet says that hardware stands there."""
    reading = document.reading
    patterns = ((_KEYED_HARDWARE, _COLON), (_UNIT_OF, _UNIT_WORD), (_ON, _ON_WORD))
    for unit, matches in _matches(document, patterns):
        for match in matches:
            group = match.lastindex or 1
            if _is_new(document, unit, match, group) and not (match.re is _ON and document.about_training(unit)):
                start, end = match.start(group) - unit.start, match.end(group) - unit.start
                yield match[group], reading.quote(unit, start, end)


_NO_PROSE = frozenset({"code", "meta"})
_Patterns = tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
"""Each with what a lower-case unit holds if it matches there."""


def _matches(document: Document, patterns: _Patterns) -> Iterator[tuple[Unit, list[re.Match[str]]]]:
    """The matches of each unit that tells something of what the vendor used."""
    reading, text = document.reading, document.reading.text
    places = [(pattern, reading.having(word)) for pattern, word in patterns]
    for index in sorted(frozenset().union(*(units for _, units in places))):
        unit = reading.units[index]
        if unit.kind in _NO_PROSE:
            continue
        matches = [m for p, units in places if index in units for m in p.finditer(text, unit.start, unit.end)]
        if matches and not _is_apart(document, unit):
            yield unit, matches


def _is_apart(document: Document, unit: Unit) -> bool:
    """Whether a unit tells nothing of what the vendor used."""
    return document.boilerplate(unit) or not document.flags(unit).isdisjoint(("rival", "undone"))


def _is_new(document: Document, unit: Unit, match: re.Match[str], group: int = 1) -> bool:
    """Whether a match is of no name that the lexicon gives another meaning, and of no numbered part of a text."""
    if _NO_PRODUCT.match(match[group]):
        return False
    start, end = match.span(group)
    named = document.reading.names(unit, *_KINDS)
    return not any(m.start < end and m.end > start and m.detail.get("generic") != "yes" for m in named)


_VERSION = r"\(?(?:[Vv]ersion |[Vv]|[Rr]elease )?(\d+\.\d+(?:\.\d+)*)"
_NAME = r"([A-Z][\w+-]*(?: [A-Z][\w+-]*){0,3})"
_MADE_WITH = re.compile(
    r"(?:[Qq]uanti[sz]|[Cc]ompil|[Cc]onvert|[Oo]ptimi[sz]|[Cc]ompress|[Ee]xport|kompilier|konvertier)\w*"
    rf"(?: [\w,-]+){{0,6}}? (?:with|using|by|through|mit) (?:the )?{_NAME} {_VERSION}"
)
_WITH_WORD = re.compile(r"\b(?:with|using|by|through|mit) ")
_KEYED_TOOL = re.compile(
    r"(?:[Mm]odel [Oo]ptimi[sz]er|[Qq]uanti[sz](?:er|ation [Tt]ool(?:kit)?)|[Cc]ompiler|[Tt]ool ?[Cc]hain"
    r"|[Tt]ool ?[Kk]it"
    rf"|SDK)\s?[:：]\s{{0,2}}{_NAME}(?: {_VERSION})?"
)
_KEYED_RUNTIME = re.compile(
    rf"(?:[Ii]nference [Ee]ngine|[Rr]untime|[Ss]erving [Ee]ngine)s?\s?[:：]\s{{0,2}}{_NAME}(?: {_VERSION})?"
)


def tools(document: Document) -> Iterator[tuple[str, str, Quote]]:
    """Quantizers by name, with their version or none."""
    yield from _named(document, ((_MADE_WITH, _WITH_WORD), (_KEYED_TOOL, _COLON)))


def runtimes(document: Document) -> Iterator[tuple[str, str, Quote]]:
    """Runtimes by name, with their version or none."""
    yield from _named(document, ((_KEYED_RUNTIME, _COLON),))


def _named(document: Document, patterns: _Patterns) -> Iterator[tuple[str, str, Quote]]:
    for unit, matches in _matches(document, patterns):
        for match in matches:
            if _is_new(document, unit, match):
                start, end = match.start(1) - unit.start, match.end() - unit.start
                yield match[1], match[2] or "", document.reading.quote(unit, start, end)
