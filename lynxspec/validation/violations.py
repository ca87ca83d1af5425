"""Errors of a model, turned into violations with place, words and a way out."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pydantic import BaseModel, ValidationError

from lynxspec.document import Document
from lynxspec.location import Location, Path, Span, Violation, format_path
from lynxspec.validation.types import Spot, spot
from lynxspec.validation.wording import Wording, word

START = Span(line=1, column=1)


def violations(
    error: ValidationError, document: Document, model: type[BaseModel], *, limit: int
) -> tuple[Violation, ...]:
    """All that is wrong, in file order; several answers of a union about one place become one."""
    grouped: dict[tuple[Path, str], list[tuple[Spot, Any]]] = defaultdict(list)
    for detail in error.errors(include_url=False):
        if len(grouped) > limit:
            break
        place = spot(model, detail["loc"])
        kind = detail["type"] if detail["type"] in {"missing", "extra_forbidden"} or place.is_key else "value"
        grouped[place.path, kind].append((place, detail))
    found = []
    for (path, kind), details in grouped.items():
        wording = word(kind, details, document)
        span = _span(document, path, kind=kind, is_key=details[0][0].is_key)
        location = Location(source=document.source, span=span, path=path)
        message = f"{format_path(path)}: {wording.message}"
        found.append(Violation(location=location, message=message, suggestion=wording.suggestion))
    found.sort(key=lambda v: (v.location.span.line or 0, v.location.span.column or 0))
    if len(grouped) > limit:
        more = f"there are more violations than the {limit:,} shown: {error.error_count():,} or a few less"
        rest = Wording(more, "start from the template of `lynxspec init`")
        last = Location(source=document.source, span=found[limit].location.span)
        return (*found[:limit], Violation(location=last, message=rest.message, suggestion=rest.suggestion))
    return tuple(found)


def _span(document: Document, path: Path, *, kind: str, is_key: bool) -> Span:
    """The value for wrong values, the key for wrong keys, the parent's key for missing ones."""
    keys, values = document.places.keys, document.places.values
    if kind == "missing":
        parent = path[:-1]
        return keys.get(parent) or values.get(parent) or START
    if kind == "extra_forbidden" or is_key:
        return keys.get(path) or START
    return values.get(path) or document.places.at(path).span
