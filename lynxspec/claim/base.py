"""The one model base of everything that is written to disk, and the ways to say that a value is absent."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

VISIBLE = (
    r"[^\x00-\x20\x7f-\xa0\xad"
    "\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]"
)
"""One character that leaves ink. Written out, because engines disagree about what white space is."""
NAME = r"^[a-z0-9][a-z0-9._-]*$"
SHA256 = r"^[0-9a-f]{64}$"
ISO_DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
VERSION = r"^[0-9A-Za-z][0-9A-Za-z.+_!-]*$"
OPTION = r"^[a-z][a-z0-9_]*$"
CHANGE = r"^[+-]?[0-9]{1,4}(\.[0-9]{1,6})? %$"

NotBlank = Annotated[str, Field(min_length=1, max_length=20_000, pattern=VISIBLE)]
"""Text with at least one visible character."""

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)]
"""A short handle that other parts of the document refer to: lower case, digits, ``.``, ``_``, ``-``."""

Sha256 = Annotated[str, Field(pattern=SHA256)]
"""A SHA-256 digest, 64 lower-case hexadecimal digits."""

IsoDate = Annotated[str, Field(pattern=ISO_DATE)]
"""A calendar date as ``YYYY-MM-DD``."""

Version = Annotated[str, Field(min_length=1, max_length=64, pattern=VERSION)]
"""An exact version as the tool prints it; quote it in YAML (``"1.10"`` is not ``1.1``)."""


def _whole(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever the document holds
    """JSON Schema counts 3.0 as an integer; pydantic's strict mode does not. They must accept the same documents."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=1, le=10**15), BeforeValidator(_whole)]
"""A whole number of at least one."""

Index = Annotated[int, Field(ge=-(2**31), le=2**31), BeforeValidator(_whole)]
"""A whole number: an axis, a seed, a page."""

Real = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
"""A finite number."""

Positive = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e300)]
"""A finite number above zero."""

Scalar = Annotated[bool | Index | Real | Annotated[str, Field(max_length=2000)], Field(union_mode="left_to_right")]
"""One plain value."""

Options = Annotated[dict[Annotated[str, Field(pattern=OPTION)], Scalar | tuple[Scalar, ...]], Field(max_length=100)]
"""Named settings of a tool, from that tool's closed vocabulary; the plug-in of the tool refuses unknown ones."""


class Frozen(BaseModel):
    """A published value: immutable, strict, without unknown keys; the string under a field is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


class NotApplicable(Frozen):
    """The question does not arise here, and why."""

    not_applicable: NotBlank
    """Why the question does not arise for this model, hardware or recipe."""


class Unknown(Frozen):
    """The claimant does not know; allowed, and it costs score."""

    unknown: NotBlank
    """Why it is not known, e.g. an inherited checkpoint."""


Absent = NotApplicable | Unknown


def _absence(value: Any) -> str:  # noqa: ANN401 - as above
    """Tell the three ways of answering apart by the key that marks an absence."""
    keys: Any = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    if "not_applicable" in keys:
        return "not_applicable"
    return "unknown" if "unknown" in keys else "value"


T = TypeVar("T")
Disclosed = Annotated[
    Annotated[T, Tag("value")] | Annotated[NotApplicable, Tag("not_applicable")] | Annotated[Unknown, Tag("unknown")],
    Discriminator(_absence),
]
"""A value, or ``not_applicable`` with a reason, or ``unknown`` with a reason; silence is not a choice."""


def present(value: T | NotApplicable | Unknown) -> T | None:
    """The value if there is one, else ``None``."""
    return None if isinstance(value, NotApplicable | Unknown) else value
