"""Commented templates of a claim, a recipe and a need: every field with its documentation and a hole ``<...>`` to fill.

They are written from the models, so that they cannot fall behind; a choice that the models leave open (which
granularity, what a reference regime has to say about quantization) is made in the table below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from lynxspec.claim import Claim, Recipe
from lynxspec.claim import base as vocabulary
from lynxspec.claim.calibration import MinMax
from lynxspec.claim.precision import PerChannel, PerTensor, Quantized, Unquantized
from lynxspec.claim.units import Kind
from lynxspec.need import Need
from lynxspec.schema import HOME, Published, field_docs
from lynxspec.schema import PUBLISHED as SCHEMAS

_INDENT = "  "
_QUOTED = {
    vocabulary.VERSION: "exact version",
    vocabulary.ISO_DATE: "date as YYYY-MM-DD",
    vocabulary.SHA256: "64 lower-case hexadecimal digits",
    vocabulary.CHANGE: "change such as -0.3 %",
}
"""Holes that keep their quotes, so that YAML reads what is filled in as text."""

_REFERENCE: dict[str, Any] = {
    "role": "reference",
    "weights": Unquantized,
    "activations": Unquantized,
    "outputs": Unquantized,
    "bias": Unquantized,
    "head": Unquantized,
    "mixed_precision": "one format throughout",
    "quantization": "full precision",
    "calibration": "full precision",
    "quantizer": "full precision",
}
_QUANTIZED: dict[str, Any] = {
    "role": "quantized",
    "weights": Quantized,
    "activations": Quantized,
    "outputs": Quantized,
    "bias": Quantized,
    "head": Quantized,
    "qat": "post-training quantization",
    "method": MinMax,
}
_ABSENT: dict[str, str] = {
    "embeddings": "the model has no embeddings",
    "kv_cache_key": "the model has no attention cache",
    "kv_cache_value": "the model has no attention cache",
    "state": "the model has no recurrent state",
    "generation": "the model generates nothing",
    "container": "no container",
    "peak": "only sustained rates are claimed",
}
_GRANULARITY: dict[str, Any] = {"weights": PerChannel, "head": PerChannel, "bias": PerChannel}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What holds for a part of the template."""

    choices: Mapping[str, Any]
    """By key: a model, the reason of an absence, or the role."""
    said: set[type[BaseModel]]
    """Models whose fields were explained further up."""

    def with_choices(self, more: Mapping[str, Any]) -> _Context:
        """The same with more choices."""
        return _Context(choices={**self.choices, **more}, said=self.said)


def claim() -> str:
    """A claim with two regimes."""
    return _document(Claim, _published("claim"))


def recipe() -> str:
    """A recipe with two regimes: a claim without hardware and measured values."""
    return _document(Recipe, _published("recipe"))


def need() -> str:
    """A need with one runtime and one system."""
    return _document(Need, _published("need"))


def _published(name: str) -> Published:
    return next(entry for entry in SCHEMAS if entry.name == name)


def _document(model: type[BaseModel], published: Published) -> str:
    head = [
        f"# yaml-language-server: $schema={HOME}/{published.version}/{published.name}.schema.json",
        f"# A {published.title}. Replace every <...>. Where a question has no answer, write instead of the value",
        "#   {not_applicable: why the question does not arise}, or",
        f"#   {{unknown: why it is not known}}{', which is allowed and costs score' if model is not Need else ''}.",
        "",
    ]
    return "\n".join([*head, *_fields(model, depth=0, context=_Context(choices=_ABSENT, said=set()), trail=())]) + "\n"


def _fields(model: type[BaseModel], *, depth: int, context: _Context, trail: tuple[str, ...]) -> Iterator[str]:
    """The lines of a mapping: for each key its documentation, then the key with its value."""
    docs = {} if model in context.said else field_docs(model)
    context.said.add(model)
    margin = _INDENT * depth
    for name, field in model.model_fields.items():
        annotation = field.rebuild_annotation()
        if name in docs:
            yield from (f"{margin}# {line.strip()}".replace("``", "`") for line in docs[name].splitlines())
        lines = list(_value(annotation, depth=depth, context=context, trail=(*trail, name)))
        yield f"{margin}{name}:{lines[0]}"
        yield from lines[1:]


def _value(annotation: Any, *, depth: int, context: _Context, trail: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401
    """A value after its key: the rest of the key's line first (with its space), then lines of its own."""
    name = trail[-1]
    chosen = context.choices.get(name)
    if isinstance(chosen, str) and name != "role":
        yield f" {{not_applicable: {chosen}}}"
        return
    if isinstance(chosen, str):
        yield f" {chosen}"
        return
    annotation = _first(annotation, chosen, trail)
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        yield ""
        yield from _fields(bare, depth=depth + 1, context=context, trail=trail)
    elif get_origin(bare) is tuple:
        yield from _list(get_args(bare)[0], depth=depth, context=context, trail=trail)
    elif get_origin(bare) is dict:
        yield " {}"
    else:
        yield f" {_hole(annotation, bare)}"


def _list(item: Any, *, depth: int, context: _Context, trail: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401
    """A list of one entry; regimes come as a pair, exceptions are none until there are some."""
    bare = _bare(_first(item, None, trail))
    if trail[-1] == "exceptions":
        yield " []"
        return
    if not (isinstance(bare, type) and issubclass(bare, BaseModel)):
        yield f" [{_hole(item, bare)}]"
        return
    yield ""
    entries = (
        (context.with_choices(_REFERENCE), context.with_choices(_QUANTIZED)) if trail[-1] == "regimes" else (context,)
    )
    margin = _INDENT * (depth + 1)
    for entry in entries:
        lines = list(_fields(bare, depth=depth + 2, context=entry, trail=trail))
        yield f"{margin}-"
        yield from lines


def _first(annotation: Any, chosen: Any, trail: tuple[str, ...]) -> Any:  # noqa: ANN401 - annotations have no common type
    """The member of a union that the template shows."""
    if chosen is not None:
        return chosen
    while (members := _members(annotation)) and len(members) > 1:
        models = [_bare(member) for member in members]
        if PerTensor in models:
            return _GRANULARITY.get(trail[-2], PerTensor)
        annotation = members[0]
    return annotation


def _members(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    bare = _bare(annotation)
    return get_args(bare) if get_origin(bare) is Union or type(bare).__name__ == "UnionType" else ()


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - as above
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def _hole(annotation: Any, bare: Any) -> str:  # noqa: ANN401 - as above
    """A hole that says what belongs there; a value where there is only one."""
    metadata = list(_metadata(annotation))
    for entry in metadata:
        if isinstance(entry, Kind):
            return f"<{entry.name} such as {entry.example}>"
        pattern = getattr(entry, "pattern", None)
        if pattern in _QUOTED:
            return f'"<{_QUOTED[pattern]}>"'
        if pattern == vocabulary.NAME:
            return "<short handle>"
    if get_origin(bare) is Literal:
        return _one_of([str(option) for option in get_args(bare)])
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return _one_of([member.value for member in bare])
    return _PLAIN.get(bare, "<text>")


_FAMILIAR = ("fp32", "fp16", "bf16", "int8", "uint8", "int32", "int4", "uint4", "fp8_e4m3fn", "mxfp4", "nvfp4")


def _one_of(options: list[str]) -> str:
    """The only option as a value, several as a hole; of the many number formats those that readers know."""
    if len(options) == 1:
        return f'"{options[0]}"' if options[0][:1].isdigit() else options[0]
    familiar = [option for option in _FAMILIAR if option in options]
    shown = [*familiar, "..."] if len(options) > 30 else options
    return f"<one of {' | '.join(shown)}>"


_PLAIN = {int: "<whole number>", float: "<number>", bool: "<true | false>", str: "<text>"}


def _metadata(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    for entry in getattr(annotation, "__metadata__", ()):
        yield entry
        yield from getattr(entry, "metadata", ())
