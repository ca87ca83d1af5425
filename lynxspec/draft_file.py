"""`DraftFile`: a claim in its own shape with holes, each value with the words that it was read from.

It is derived from `Claim`, so that it cannot fall behind: wherever a claim has a value, a draft has that value, or a
mapping with the value and where it was read (`Read`), or a question (`Hole`). Keys by which the claim tells its
alternatives apart (the kind of a granularity, the format of a scheme, name and role of a regime) stay plain.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Field, Tag, create_model

from lynxspec.claim import Claim, Frozen, NotApplicable, Regime, RegimeRecipe, Unknown
from lynxspec.claim.base import NotBlank, Real, Sha256
from lynxspec.claim.precision import Quantized, Unquantized
from lynxspec.vocabulary import Component, Status, Strength

MAX_WORDS = 4000
"""Characters of a quote: a table row can be long."""

Words = Annotated[
    str,
    Field(
        alias="from", min_length=1, max_length=MAX_WORDS, description="The words of the source, as they stand there."
    ),
]
Confidence = Literal["certain", "likely", "possible"]
Role = Literal["reference", "quantized"]


class Said(Frozen):
    """Words of a source and their place."""

    words: Words
    at: NotBlank
    """Where they stand: file, line and column, or file and page."""


class Hole(Frozen):
    """A value that is missing; put the value in the place of this mapping."""

    ask: NotBlank
    """What to ask the vendor."""
    said: tuple[Said, ...] = ()
    """Words that answer in part, or without a value that a claim could hold."""
    contradicted: tuple[Said, ...] = ()
    """Places that cannot all be true; no value was chosen."""


class Read(Said):
    """A value with the words that it was read from; replace the mapping by the value, or leave it as it is."""

    confidence: Confidence
    """How sure the reading is; the value itself is the vendor's word."""


class ReadFrom(Frozen):
    """A file that the draft was read from."""

    file: NotBlank
    """Name as given."""
    format: Literal["markdown", "html", "rst", "csv", "text", "pdf"]
    """What it is."""
    sha256: Sha256 | None = None
    """Digest of its bytes."""


class Recorded(Frozen):
    """How far the source discloses one component."""

    status: Status
    """As read; it changes only when the holes of the component are filled."""
    value: str | None = None
    """The value in short, if one was given."""
    note: str = ""
    """What keeps it from being fully disclosed, or why it does not apply."""
    evidence: tuple[Said, ...] = ()
    """Words that it was read from."""


class Number(Said):
    """A number of the source, normalized, with all that it belongs to; an empty word is not told."""

    component: Component
    """Component that it speaks of."""
    low: Real | None
    """The number, or the lower end of a range; null where only an adjective is given."""
    high: Real | None
    """The upper end; equal to `low` for a single number."""
    unit: str
    """Unit, e.g. ``x``, ``%``, ``tokens/s``, ``ms``; empty for a score."""
    strength: Strength
    """How firmly the source gives it."""
    role: Role
    """Whether it is of the quantized model or of its reference."""
    model: str = ""
    """Model."""
    precision: str = ""
    """Regime as the source names it."""
    against: str = ""
    """What a gain or loss is held against."""
    hardware: str = ""
    """Hardware."""
    batch: str = ""
    """Batch size."""
    metric: str = ""
    """Metric."""
    dataset: str = ""
    """Data set."""


class Contradiction(Frozen):
    """Places of the source that cannot all be true."""

    component: Component
    """Component that they speak of."""
    message: str
    """What contradicts what."""
    regime: str | None = None
    """Regime that it concerns; null for all."""
    places: tuple[Said, ...]
    """The places, the later one last."""


_DISCRIMINATING = {(Unquantized, "format"), (Quantized, "format"), (RegimeRecipe, "name"), (RegimeRecipe, "role")}
_ABSENCES = (NotApplicable, Unknown)
_NOT_AN_ANSWER: Any = {"not": {"anyOf": [{"required": ["ask"]}, {"required": ["from"]}]}}
"""Keeps options named ``ask`` or ``from`` apart from holes: JSON Schema must refuse what pydantic refuses."""


def _answer(value: Any) -> str:  # noqa: ANN401 - a validator sees whatever the document holds
    """Tell the three ways of filling a place apart by the key that marks them."""
    if isinstance(value, dict):
        return "ask" if "ask" in value else "from" if "from" in value else "value"
    return "ask" if isinstance(value, Hole) else "from" if isinstance(value, Read) else "value"


_PLAIN_TYPES = {str: "Text", int: "WholeNumber", float: "Number", bool: "Flag"}
_reads: dict[str, type[Read]] = {}
"""One model per type: most fields are texts, and a schema that spelled each of them out would be twice as long."""


def _open(annotation: Any, label: str) -> Any:  # noqa: ANN401 - annotations have no common type
    """``annotation``, or where it was read, or a hole."""
    inner = _inner(annotation, label)
    read = _reads.get(repr(inner)) or _read(inner, label)
    return Annotated[
        Annotated[Hole, Tag("ask")] | Annotated[read, Tag("from")] | Annotated[inner, Tag("value")],
        Discriminator(_answer),
    ]


def _read(inner: Any, label: str) -> type[Read]:  # noqa: ANN401 - as above
    """The model of a value of this type with the words that it was read from."""
    bare = get_args(inner)[0] if hasattr(inner, "__metadata__") else inner
    name = f"{_PLAIN_TYPES[bare]}{len(_reads)}" if isinstance(bare, type) and bare in _PLAIN_TYPES else label
    value = (inner, Field(description="The value as a claim holds it; parts of it may be holes."))
    model = create_model(f"{name}Read", __base__=Read, __module__=__name__, __doc__=Read.__doc__, value=value)
    return _reads.setdefault(repr(inner), model)


def _inner(annotation: Any, label: str) -> Any:  # noqa: ANN401 - as above
    """The same type with all its parts opened."""
    metadata = getattr(annotation, "__metadata__", ())
    bare = get_args(annotation)[0] if metadata else annotation
    origin = get_origin(bare)
    if origin in {Union, UnionType}:
        bare = Union[tuple(_inner(member, label) for member in get_args(bare))]  # noqa: UP007 - made at run time
    elif origin is tuple:
        bare = tuple[  # type: ignore[misc]  # as above
            _open(get_args(bare)[0], f"{label}Item"), ...
        ]
    elif origin is dict:
        metadata = (*metadata, Field(json_schema_extra=_NOT_AN_ANSWER))
    elif isinstance(bare, type) and issubclass(bare, BaseModel) and bare not in _ABSENCES:
        bare = opened(bare)
    for entry in metadata:
        bare = Annotated[bare, entry]
    return bare


def _is_plain(model: type[BaseModel], name: str, annotation: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a field stays as it is: there is nothing to ask, or alternatives are told apart by it."""
    bare = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
    single = get_origin(bare) is Literal and len(get_args(bare)) == 1
    return single or any(issubclass(model, owner) and name == field for owner, field in _DISCRIMINATING)


@cache
def opened(model: type[BaseModel]) -> type[Frozen]:
    """``model`` with every field open; name and module stay, since documentation is found by them."""
    parent = model.__bases__[0]
    base = Frozen if parent is Frozen else opened(parent)
    fields: dict[str, Any] = {}
    for name in (name for name in model.model_fields if name not in base.model_fields):
        annotation = model.model_fields[name].rebuild_annotation()
        label = model.__name__ + "".join(word.capitalize() for word in name.split("_"))
        fields[name] = (annotation if _is_plain(model, name, annotation) else _open(annotation, label), ...)
    return create_model(model.__name__, __base__=base, __module__=model.__module__, __doc__=model.__doc__, **fields)


def _described(annotation: Any, text: str) -> Any:  # noqa: ANN401 - as above
    return (annotation, Field(description=text))


DraftedRegime: type[Frozen] = create_model(
    "DraftedRegime",
    __base__=opened(Regime),
    __module__=__name__,
    __doc__=Regime.__doc__,
    claim=(str, Field(default="", description="Which claim of the source it belongs to, where there are several.")),
    disclosed=(
        dict[Component, Recorded],
        Field(default={}, description="How far the source discloses each component: what `lynxspec lint` scores."),
    ),
    numbers=(tuple[Number, ...], Field(default=(), description="Every number that the source gives for this regime.")),
)
"""A regime with what was read of it."""

DraftFile: type[Frozen] = create_model(
    "DraftFile",
    __base__=opened(Claim),
    __module__=__name__,
    __doc__="A claim with holes, read from spec sheets; `lynxspec draft --accept` turns it into a claim.",
    lynxspec=_described(Literal["1.0"], "Version of the format."),
    kind=_described(Literal["draft"], "What this document is."),
    regimes=_described(tuple[DraftedRegime, ...], "Regimes, one of them the reference."),
    read_from=_described(tuple[ReadFrom, ...], "Files that it was read from."),
    overview=(
        dict[Component, Recorded],
        Field(default={}, description="What the source says of each component anywhere, whichever regime it concerns."),
    ),
    conflicts=(tuple[Contradiction, ...], Field(default=(), description="Contradictions inside the source.")),
)
"""The document that ``lynxspec draft`` writes."""
