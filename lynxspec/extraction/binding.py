"""What a number of a sentence belongs to: the model, precision and hardware nearest to it."""

from __future__ import annotations

import re

from lynxspec.extraction.document import Document
from lynxspec.extraction.reading import Unit
from lynxspec.extraction.schemes import clause, scheme_of
from lynxspec.facts.lexicon import Mention


def bindings(document: Document, unit: Unit, at: int, against: str = "") -> dict[str, str]:
    """Model, precision and hardware that stand nearest in the sentence, else above it."""
    quantized = [s for s in document.schemes_in(unit) if s.sort == "quantized" and s.name != against]
    nearest = scheme_of(document.reading.words(unit), at, quantized) if quantized else None
    bound = {"precision": nearest.name if nearest else ""}
    for kind in ("model", "hardware"):
        close = closest(document, unit, at, kind)
        bound[kind] = close.name if close else document.only(kind) if kind == "model" else ""
    if not bound["hardware"] or not _in_clause(document, unit, at, bound["hardware"]):
        bound["hardware"] = _unlisted(document, unit, at) or bound["hardware"]
    bound["precision"] = bound["precision"] or _precision_around(document, unit)
    return bound


def closest(document: Document, unit: Unit, at: int, kind: str) -> Mention | None:
    """The name of a kind nearest to a place: of its clause, else of its sentence."""
    names = [m for m in document.reading.names(unit, kind) if m.detail.get("generic") != "yes" and m.name != "RTF"]
    if len(names) > 1:
        start, end = clause(document.reading.words(unit), at)
        names = [m for m in names if start <= m.start - unit.start < end] or names
    return min(names, key=lambda m: abs(m.start - unit.start - at), default=None)


def _in_clause(document: Document, unit: Unit, at: int, name: str) -> bool:
    start, end = clause(document.reading.words(unit), at)
    names = document.reading.names(unit, "hardware")
    return any(m.name == name and m.start - unit.start < end and m.end - unit.start > start for m in names)


_ON_PRODUCT = re.compile(r"\b[Oo]n (?:an? |the |our |one )?([A-Z][A-Za-z]*-?\d{2,}[A-Za-z0-9-]*)(?![\w-])")


def _unlisted(document: Document, unit: Unit, at: int) -> str:
    """A product that the lexicon does not know, by its number: ``3,400 FPS on T200``; empty if there is none."""
    start, end = clause(document.reading.words(unit), at)
    match = _ON_PRODUCT.search(document.reading.text, unit.start + start, unit.start + end)
    if match is None:
        return ""
    known = document.reading.names(unit, "dataset", "model", "hardware", "metric", "tool", "driver")
    return "" if any(m.start < match.end(1) and m.end > match.start(1) for m in known) else match[1]


def _precision_around(document: Document, unit: Unit) -> str:
    """The quantized format that the neighbouring sentences name, or the only one of the document."""
    for index in (unit.index - 1, unit.index + 1):
        other = document.reading.units[index] if 0 <= index < len(document.reading.units) else unit
        found = [s for s in document.schemes_in(other) if s.sort == "quantized"]
        if other.block == unit.block and found:
            return found[0].name
    return document.only_scheme


_TRAINED_THERE = re.compile(
    r"^(?!.*(?:inferen|deploy|serv|measur|laten|config|quanti|post-)).*\b(?:pre-?)?train(?:ing|ed)\b(?! data)"
)
"""What a model was trained on is not what it runs on."""


def trained_there(words: str, at: int) -> bool:
    """Whether a sentence says that a model was trained on a product, and not only of a model that was trained."""
    if "train" not in words or not _TRAINED_THERE.search(words):
        return False
    start, end = clause(words, at)
    if _TRAINED_THERE.search(words[start:end]):
        return True
    return _TRAINED_THERE.search(words[:start]) is not None and _GOES_ON.match(words, start) is not None


_GOES_ON = re.compile(r"\s*(?:using|on|with|by means of)\b")
"""How a clause goes on with what the one before it told."""
