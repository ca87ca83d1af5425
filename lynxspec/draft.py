"""A claim with holes: what rules read, whether it comes from a claim file or from a spec sheet.

Every `Claim` is also a `Draft`: `lynxspec.disclosure` makes one from a claim, importers make one from free text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lynxspec.claim import Claim
from lynxspec.location import Location, Path, Places, Span
from lynxspec.vocabulary import Component, Status

__all__ = ["Disclosure", "Draft", "DraftRegime", "Ignore", "Places", "Quote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of the source that a value was read from: at most 200 characters or one table row."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """How far one component was disclosed, and where."""

    status: Status
    value: str | None
    """The value in the vocabulary's words, if one was given."""
    evidence: tuple[Quote, ...] = ()
    path: Path = ()
    """Where in a claim document the component stands (or should stand): the leaf to blame."""
    note: str = ""
    """What keeps it from being fully disclosed, or why it does not apply; empty if nothing is to be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRegime:
    """One regime with the disclosure of all components as far as they concern it."""

    name: str
    role: Literal["reference", "quantized"]
    path: Path
    disclosures: Mapping[Component, Disclosure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A wish, written into the document, that a rule be ignored; a buyer's profile does not honour it."""

    rule: str
    """Code or name of the rule."""
    reason: str
    """Why; empty if none was given, which is itself a finding."""
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known of a claim."""

    source: str
    """File name as given, ``-`` for standard input."""
    kind: Literal["claim", "draft", "sheet"]
    places: Places
    regimes: tuple[DraftRegime, ...]
    claim: Claim | None
    """The typed claim, where the source is one; rules over details that text cannot carry ask for it."""
    raw_numbers: Mapping[Path, str] = field(default_factory=dict)
    """Plain scalars as spelled in the source."""
    ignores: tuple[Ignore, ...] = ()
