"""A finished draft as a claim, or every hole that is left, with what belongs there; no value is ever made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from lynxspec.claim import FORMAT, Claim, NotApplicable, Unknown
from lynxspec.claim.calibration import NoneNeeded
from lynxspec.claim.units import Kind
from lynxspec.document import Document
from lynxspec.document import read as read_document
from lynxspec.draft_file import DraftFile
from lynxspec.drafting.nodes import holds, holes, is_read
from lynxspec.drafting.yaml_text import Spelled, emit
from lynxspec.errors import InternalError, UnreadableInput
from lynxspec.location import Location, Path, Places
from lynxspec.schema import HOME, field_docs
from lynxspec.validation import validate_as
from lynxspec.validation.types import choices, strip

OWN_KEYS = frozenset(DraftFile.model_fields) - frozenset(Claim.model_fields)
"""Keys of a draft that a claim does not have: the record of the reading."""

REGIME_KEYS = frozenset({"claim", "disclosed", "numbers"})
"""The same for a regime."""

MOST_WORDS = 12
"""Choices that are listed of one field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A hole that is left."""

    location: Location
    """In the draft; its path is that of the claim."""
    ask: str
    """What to ask the vendor."""
    expected: str
    """What belongs there."""


def read_draft(origin: str | bytes, source: str | None = None) -> Document:
    """Read a draft file; raises `InvalidDocument` with every place that is wrong."""
    document = read_document(origin, source=source)
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    if isinstance(kind, str) and kind in {"claim", "recipe", "need"}:
        hint = "`lynxspec lint` reads a claim; a draft begins with `lynxspec draft SHEET`"
        raise UnreadableInput(f"{document.source}: a {kind}, and no draft", hint=hint)
    validate_as(document, DraftFile)
    return document


def gaps(document: Document) -> tuple[Gap, ...]:
    """Every hole, in the order of the file."""
    found = []
    for path, node in holes(_claim_part(document.data)):
        place = document.places.at(path)
        inner = _in_claim(document.data, path)
        found.append(Gap(location=replace(place, path=inner), ask=str(node["ask"]), expected=expected(inner)))
    return tuple(found)


def claim_of(document: Document) -> Claim:
    """The claim that a draft without holes is; raises `InvalidDocument` where it breaks the claim's rules."""
    return validate_as(_as_claim(document), Claim)


def claim_text(document: Document) -> str:
    """The claim's file; what it says is read back and compared before it is given out."""
    claim = claim_of(document)
    body = _plain(_claim_part(document.data), document.raw_scalars, ())
    head = f"# yaml-language-server: $schema={HOME}/{FORMAT}/claim.schema.json\n"
    text = head + emit(body | {"kind": "claim"})
    written = read_document(text.encode(), source="claim.yaml")
    if validate_as(written, Claim) != claim:
        raise InternalError(f"{document.source}: the claim could not be written faithfully", hint="please report it")
    return text


def _as_claim(document: Document) -> Document:
    data = _plain(_claim_part(document.data), document.raw_scalars, ())
    places = Places(
        source=document.source,
        keys=dict(_paths_of_the_claim(document, document.places.keys)),
        values=dict(_paths_of_the_claim(document, document.places.values)),
    )
    return replace(document, data=data | {"kind": "claim"}, places=places)


def _paths_of_the_claim(document: Document, spans: Mapping[Path, Any]) -> Iterator[tuple[Path, Any]]:
    """Places by the path that the claim has, without the mappings that hold sources."""
    for path, span in spans.items():
        yield _in_claim(document.data, path), span


def _in_claim(data: Any, path: Path) -> Path:  # noqa: ANN401 - whatever the document holds
    """A path of the draft without the keys ``value`` of values that carry their source."""
    kept: list[str | int] = []
    node = data
    for part in path:
        if not (is_read(node) and part == "value"):
            kept.append(part)
        node = node[part] if holds(node, part) else None
    return tuple(kept)


def _claim_part(data: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without the record of its reading."""
    kept = {key: value for key, value in data.items() if key not in OWN_KEYS}
    regimes = [{k: v for k, v in regime.items() if k not in REGIME_KEYS} for regime in data["regimes"]]
    return kept | {"regimes": regimes}


def _plain(node: Any, raw: Mapping[Path, str], path: Path) -> Any:  # noqa: ANN401 - as above
    """Values without their sources; numbers keep their spelling."""
    if is_read(node):
        return _plain(node["value"], raw, (*path, "value"))
    if isinstance(node, dict):
        return {key: _plain(value, raw, (*path, key)) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, raw, (*path, index)) for index, value in enumerate(node)]
    return Spelled(node, raw[path]) if isinstance(node, float) and path in raw else node


# --- what belongs into a hole


def expected(path: Path) -> str:
    """What a claim has at a path: the meaning of the field, and the form of its value."""
    owner, annotation = _field(Claim, path)
    words = field_docs(owner).get(str(path[-1]), "") if owner is not None else ""
    meaning = " ".join(words.replace("``", "`").split())
    form = _form(annotation)
    return f"{form}; it says: {meaning}" if meaning else form


def _field(annotation: Any, path: Path) -> tuple[type[BaseModel] | None, Any]:  # noqa: ANN401 - annotations vary
    """The type at a path, with the model that holds the last key; the first alternative that has the key counts."""
    if not path:
        return None, annotation
    part, *rest = path
    for model, below in _below(annotation, part):
        owner, found = _field(below, tuple(rest))
        if found is not None:
            return (owner or model), found
    return None, None


def _below(annotation: Any, part: str | int) -> Iterator[tuple[type[BaseModel] | None, Any]]:  # noqa: ANN401 - as above
    """Types behind a key or an index, in all alternatives."""
    for choice in choices(annotation):
        bare = strip(choice)
        if len(choices(choice)) > 1:
            yield from _below(choice, part)
        elif isinstance(bare, type) and issubclass(bare, BaseModel) and part in bare.model_fields:
            yield bare, bare.model_fields[str(part)].rebuild_annotation()
        elif get_origin(bare) is tuple and isinstance(part, int):
            yield None, get_args(bare)[0]


def _form(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    """The form of a value, in words."""
    forms = dict.fromkeys(form for choice in choices(annotation) if (form := _single(choice)))
    return " or ".join(forms) or "a value"


def _single(annotation: Any) -> str:  # noqa: ANN401, PLR0911 - one line for each form
    """The form of one choice."""
    kind = next((entry for entry in getattr(annotation, "__metadata__", ()) if isinstance(entry, Kind)), None)
    bare = strip(annotation)
    if kind is not None:
        return f"{kind.name} such as '{kind.example}'"
    if len(choices(annotation)) > 1:
        return _form(annotation)
    if bare in {NotApplicable, Unknown, NoneNeeded, NoneType}:
        return _ABSENCES.get(bare, "")
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return f"a mapping with {_listed(bare.model_fields)}"
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return f"one of {_listed(bare)}"
    if get_origin(bare) is Literal:
        return f"one of {_listed(str(word) for word in get_args(bare))}"
    if get_origin(bare) is tuple:
        return f"a list, each entry {_form(get_args(bare)[0])}"
    if get_origin(bare) is dict:
        return "a mapping of options"
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(bare, "a value")


_ABSENCES: Mapping[Any, str] = {
    NotApplicable: "{not_applicable: why}",
    Unknown: "{unknown: why}",
    NoneNeeded: "{none_needed: why}",
}


def _listed(words: Any) -> str:  # noqa: ANN401 - names of fields, members or options
    named = [f"'{word}'" for word in words]
    more = f" and {len(named) - MOST_WORDS} more" if len(named) > MOST_WORDS else ""
    return ", ".join(named[:MOST_WORDS]) + more
