"""The lint report as data, ``lynxspec-lint/1``: what ``lynxspec lint --format json`` writes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lynxspec.claim.base import Frozen
from lynxspec.vocabulary import Component, Status, Strength

FORMAT = "lynxspec-lint/1"

Line = Annotated[int, Field(ge=1)]
"""A line, column or page, counted from 1."""

Percent = Annotated[float, Field(ge=0, le=100)]
"""A score from 0 to 100."""

Weight = Annotated[float, Field(ge=0)]
"""A sum of component weights."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in points from the page's top left corner."""


class QuoteReport(Frozen):
    """Words of the source."""

    text: Annotated[str, Field(max_length=4000)]
    """At most 200 characters, or one table row."""
    line: Line | None
    """First line."""
    column: Line | None
    """First column."""
    page: Line | None
    """Page, for PDFs."""
    bbox: Box | None
    """Place on the page, for PDFs."""


class DisclosureReport(Frozen):
    """How far one component was disclosed."""

    status: Status
    """After the findings' effects."""
    value: str | None
    """The value in the vocabulary's words, if one was given."""
    note: str
    """What keeps it from being fully disclosed, or why it does not apply; empty if nothing is to be said."""
    evidence: tuple[QuoteReport, ...]
    """Words that it was read from."""


Disclosures = dict[Component, DisclosureReport]


class LocationReport(Frozen):
    """A place in the document."""

    path: str
    """Keys and indices, e.g. ``regimes[1].accuracy``."""
    line: Line | None
    """First line."""
    column: Line | None
    """First column."""
    end_line: Line | None
    """Last line."""
    end_column: Line | None
    """Last column, inclusive."""
    page: Line | None
    """Page, for PDFs."""
    bbox: Box | None
    """Place on the page, for PDFs."""


class FindingReport(Frozen):
    """What a rule has to say."""

    rule: Annotated[str, Field(pattern=r"^LXS[0-9]{3}$")]
    """Stable code of the rule."""
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    """Stable name of the rule."""
    severity: Literal["error", "warning", "info"]
    """How much it matters."""
    confidence: Literal["certain", "likely", "possible"]
    """How sure the reading of the source is."""
    message: str
    """What is wrong, with the numbers."""
    remedy: str
    """What to disclose or change."""
    component: Component | None
    """Disclosure component that it concerns."""
    regime: str | None
    """Regime that it concerns; null for all."""
    ignored: str | None
    """Reason of an honoured ignore; such a finding is listed and does not count."""
    locations: tuple[LocationReport, ...]
    """Places, the main one first."""


class ValueReport(Frozen):
    """A number that a sheet gives, normalized, with all that it belongs to; an empty word is not told."""

    component: Component
    """What it is a number of."""
    low: float | None
    """The number, or the lower end of a range; null where only an adjective is given."""
    high: float | None
    """The upper end; equal to ``low`` for a single number."""
    unit: str
    """``x`` (factor), ``%``, ``% loss``, ``tokens/s``, ``ms``, ``samples``, ...; empty for a score or a count."""
    strength: Strength
    """How firmly the sheet gives it."""
    role: Literal["reference", "quantized"]
    """Whose number it is."""
    model: str
    """Model that it belongs to."""
    precision: str
    """As the sheet names the regime."""
    against: str
    """What a gain or loss is held against."""
    hardware: str
    """Hardware that it was measured on."""
    batch: str
    """Batch size or concurrency."""
    metric: str
    """Metric, or phase of a rate, as printed."""
    dataset: str
    """Data set, as printed."""
    evidence: QuoteReport
    """Words that it was read from."""


class ConflictReport(Frozen):
    """Two places of a sheet that cannot both be true; no value is chosen."""

    component: Component
    """What they are about."""
    message: str
    """What each place says."""
    regime: str | None
    """Regime that it concerns; null for all."""
    places: tuple[QuoteReport, ...]
    """Both places."""


class RegimeReport(Frozen):
    """One regime, scored apart."""

    name: str
    """Name of the regime."""
    values: tuple[ValueReport, ...] = ()
    """Numbers that a sheet gives for it; none for a claim file, which holds its own."""
    score: Percent
    """100 times points over denominator."""
    points: Weight
    """Weight earned."""
    denominator: Weight
    """Weight of all components that count."""
    disclosures: Disclosures
    """Status of each component as far as it concerns this regime."""
    findings: tuple[FindingReport, ...]
    """Findings that concern this regime alone."""


class ClaimReport(Frozen):
    """One claim of the document."""

    name: str
    """Handle of the claim, or the name of the source."""
    regimes: tuple[RegimeReport, ...]
    """Its regimes."""


class DocumentReport(Frozen):
    """One document that was linted."""

    path: str
    """File as given, ``-`` for standard input."""
    kind: Literal["claim", "draft", "sheet"]
    """What it is."""
    score_model: str
    """Version of the formula, e.g. ``lynxspec-score/1``."""
    score: Percent
    """Score of the weakest quantized regime."""
    points: Weight
    """Weight earned."""
    denominator: Weight
    """Weight of all components that count; a missing one does, a justified not-applicable does not."""
    grade: Literal["A", "B", "C", "D", "E", "F"]
    """The score as a letter."""
    complete: bool
    """No required component is missing or contradicted: the claim may be verified."""
    deployment_grade: bool
    """All required components are fully disclosed or justifiably not applicable."""
    disclosures: Disclosures
    """The weakest status of each component over the regimes."""
    findings: tuple[FindingReport, ...]
    """All findings."""
    conflicts: tuple[ConflictReport, ...] = ()
    """Contradictions inside a sheet."""
    claims: tuple[ClaimReport, ...]
    """Claims with their regimes."""


class LintReport(Frozen):
    """What ``lynxspec lint --format json`` writes."""

    format: Literal["lynxspec-lint/1"]
    """Version of this format."""
    profile: Literal["buyer", "vendor", "auditor"]
    """On whose behalf: under ``vendor`` the ignores in the vendor's own file were honoured."""
    documents: tuple[DocumentReport, ...]
    """Documents, in the order in which they were read."""
