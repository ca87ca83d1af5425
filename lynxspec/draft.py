"""A claim with holes: what rules read, whether it comes from a claim file or from a spec sheet.

Every `Claim` is also a `Draft`: `lynxspec.disclosure` makes one from a claim, importers make one from free text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lynxspec.claim import Claim
from lynxspec.location import Location, Path, Places, Span
from lynxspec.sheet import Sheet
from lynxspec.vocabulary import Component, Status, Strength

__all__ = ["Conflict", "Disclosure", "Draft", "DraftRegime", "Ignore", "Places", "Quote", "Strength", "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of the source that a value was read from: at most 200 characters or one table row."""

    text: str
    span: Span
    sheet: int = 0
    """Index of the sheet in `Draft.sheets`."""
    start: int | None = None
    """Offset in `Sheet.text`; ``None`` in a claim file."""
    end: int | None = None
    """Offset behind the last character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number of a sheet, normalized, with all that it belongs to; an empty word is not told."""

    component: Component
    low: float | None
    """The number, or the lower end of a range; ``None`` where only an adjective is given."""
    high: float | None
    """The upper end; equal to ``low`` for a single number."""
    unit: str
    """``x`` (factor), ``%``, ``points``, ``tokens/s``, ``images/s``, ``ms``, ``samples``, ...; empty for a score."""
    strength: Strength
    role: Literal["reference", "quantized"]
    evidence: Quote
    model: str = ""
    precision: str = ""
    """As the sheet names the regime: ``FP8``, ``INT4 AWQ``."""
    against: str = ""
    """What a gain or loss is held against: ``BF16``."""
    hardware: str = ""
    batch: str = ""
    metric: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two places of a document that cannot both be true; no value is chosen."""

    component: Component
    message: str
    places: tuple[Quote, ...]
    """Both places, the later one last."""
    regime: str | None = None


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
    claim: str = ""
    """Which claim of a sheet it belongs to (its model, and what else sets it apart); empty in a claim file."""
    values: tuple[Value, ...] = ()
    """Numbers that a sheet gives for this regime."""


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
    sheets: tuple[Sheet, ...] = ()
    """The texts that a sheet's draft was read from; several under ``--together``."""
    overview: Mapping[Component, Disclosure] = field(default_factory=dict)
    """Of a sheet: what the document says of each component anywhere, whichever regime it concerns."""
    conflicts: tuple[Conflict, ...] = ()
    """Contradictions inside a sheet."""
