"""The score model, version 1: the whole formula stands in this file.

(filled by the score model's owner; the types below are the contract)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lynxspec.draft import Disclosure
from lynxspec.vocabulary import Component

SCORE_MODEL = "lynxspec-score/1"

Grade = Literal["A", "B", "C", "D", "E", "F"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeScore:
    """Score of one regime."""

    name: str
    points: float
    denominator: float
    """Weight of all components that count here; a justified not-applicable leaves it, a missing one does not."""
    score: float
    """100 * points / denominator."""
    disclosures: Mapping[Component, Disclosure]
    """After the findings' effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Score of a document: that of its weakest quantized regime."""

    model: str
    score: float
    grade: Grade
    points: float
    denominator: float
    complete: bool
    """None of the sixteen required components is missing or contradicted: the claim may be verified."""
    deployment_grade: bool
    """All sixteen are fully disclosed or justifiably not applicable."""
    disclosures: Mapping[Component, Disclosure]
    """Fold over regimes: the weakest status of each component."""
    regimes: tuple[RegimeScore, ...]
