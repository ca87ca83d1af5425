"""The leaves of a claim: free texts, quantities and numbers with their paths, walked once per claim."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal, get_origin

from pydantic import BaseModel

from lynxspec.claim import Claim
from lynxspec.claim.units import Quantity
from lynxspec.location import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """All leaves that are not words of a closed vocabulary."""

    texts: tuple[tuple[Path, str], ...]
    quantities: tuple[tuple[Path, Quantity], ...]
    numbers: tuple[tuple[Path, float], ...]


class Same:
    """A claim by identity, to remember what was read from it: hashing its content would cost more than reading."""

    __slots__ = ("claim",)

    def __init__(self, claim: Claim) -> None:
        """Stand for this very ``claim``."""
        self.claim = claim

    def __hash__(self) -> int:
        """By identity."""
        return id(self.claim)

    def __eq__(self, other: object) -> bool:
        """Whether it is the very same claim."""
        return isinstance(other, Same) and other.claim is self.claim


@cache
def _closed(model: type[BaseModel]) -> frozenset[str]:
    """Fields whose words the schema already checks."""
    return frozenset(name for name, field in model.model_fields.items() if get_origin(field.annotation) is Literal)


def leaves(claim: Claim) -> Leaves:
    """The leaves of ``claim``."""
    return _walked(Same(claim))


@lru_cache(maxsize=1)
def _walked(same: Same) -> Leaves:  # noqa: C901 - one flat visit of all kinds is the fast one
    texts: list[tuple[Path, str]] = []
    quantities: list[tuple[Path, Quantity]] = []
    numbers: list[tuple[Path, float]] = []

    def visit(value: Any, path: Path) -> None:  # noqa: ANN401, C901 - whatever a claim holds
        if isinstance(value, BaseModel):
            closed = _closed(type(value))
            for name, child in value.__dict__.items():
                if name not in closed:
                    visit(child, (*path, name))
        elif type(value) is str:
            texts.append((path, value))
        elif isinstance(value, Quantity):
            quantities.append((path, value))
        elif isinstance(value, tuple):
            for index, child in enumerate(value):
                visit(child, (*path, index))
        elif isinstance(value, dict):
            for name, child in value.items():
                visit(child, (*path, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append((path, value))

    visit(same.claim, ())
    return Leaves(texts=tuple(texts), quantities=tuple(quantities), numbers=tuple(numbers))
