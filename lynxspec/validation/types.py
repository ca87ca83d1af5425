"""A walk from a model along an error's location: which parts are keys of the document, and which type is expected."""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from lynxspec.location import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where an error stands."""

    path: Path
    """Keys and indices of the document, without the labels that unions put between them."""
    annotation: Any
    """Type expected there; ``None`` if the place is unknown to the model."""
    parent: type[BaseModel] | None
    """Model of the mapping that holds the last key."""
    is_key: bool = False
    """Whether the key itself is wrong, not its value."""


def spot(model: type[BaseModel], loc: tuple[str | int, ...]) -> Spot:
    """Walk ``loc`` from ``model``; a part that names no key, index or choice is a label and is left out."""
    annotation: Any = model
    parent: type[BaseModel] | None = None
    path: list[str | int] = []
    for at, part in enumerate(loc):
        if part == "[key]":
            return Spot(path=tuple(path), annotation=None, parent=parent, is_key=True)
        chosen = _choice(annotation, part)
        if chosen is not None:
            annotation = chosen
            continue
        found = _member(annotation, part)
        if found is not None:
            parent, annotation = found
            path.append(part)
        elif at == len(loc) - 1 and isinstance(part, str) and (last := model_of(annotation)) is not None:
            return Spot(path=(*path, part), annotation=None, parent=last)
    return Spot(path=tuple(path), annotation=annotation, parent=parent)


def strip(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """Without `Annotated`."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def choices(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """Members of a union, or the annotation alone."""
    bare = strip(annotation)
    return get_args(bare) if get_origin(bare) in {Union, UnionType} else (annotation,)


def is_model(annotation: Any) -> bool:  # noqa: ANN401 - as above
    """Whether it is a model class."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - as above
    """The only model that can stand here, if there is only one."""
    bare = strip(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _choice(annotation: Any, part: str | int) -> Any:  # noqa: ANN401 - as above
    """The member of a union that ``part`` labels."""
    members = choices(annotation)
    if len(members) < 2:
        return None
    for member in members:
        tags = {m.tag for m in getattr(member, "__metadata__", ()) if isinstance(m, Tag)}
        bare = strip(member)
        if not tags and is_model(bare) and "kind" in bare.model_fields:
            kind = bare.model_fields["kind"].annotation
            tags = set(get_args(kind)) if get_origin(kind) is Literal else set()
        if part in tags:
            return member
    return None


def _member(annotation: Any, part: str | int) -> tuple[type[BaseModel] | None, Any] | None:  # noqa: ANN401 - as above
    """Type below a key or an index, with the model that holds the key."""
    for member in choices(annotation):
        bare = strip(member)
        if isinstance(part, str) and is_model(bare) and part in bare.model_fields:
            return bare, bare.model_fields[part].rebuild_annotation()
        origin = get_origin(bare)
        if isinstance(part, int) and origin is tuple:
            items = get_args(bare)
            return None, items[0] if items[-1:] == (...,) else items[min(part, len(items) - 1)]
        if isinstance(part, str) and origin is dict and not _is_label(part):
            return None, get_args(bare)[1]
    return None


def _is_label(part: str) -> bool:
    """Labels of unions spell validators: ``constrained-str``, ``function-before[...]``."""
    return any(character in part for character in "[(") or part == "constrained-str"
