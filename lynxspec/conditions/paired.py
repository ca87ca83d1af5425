"""Accuracies of a sheet held against those of its reference: what was lost, in which metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lynxspec.conditions.condition import bare_metric, metric_word
from lynxspec.draft import Draft, DraftRegime, Strength, Value
from lynxspec.vocabulary import Component

LOWER_IS_BETTER = frozenset(
    {"perplexity", "wordperplexity", "wer", "worderrorrate", "cer", "loss", "mse", "rmse", "fid"}
)
"""Metrics, as `metric_word` spells them, of which less is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One accuracy of a quantized regime; the reference's where the sheet gives it for the same metric and data."""

    value: Value
    reference: Value | None

    @property
    def name(self) -> str:
        """Data set and metric."""
        return " ".join(word for word in (self.value.dataset, self.value.metric) if word) or "accuracy"

    @property
    def words(self) -> frozenset[str]:
        """What the metric may be called."""
        full = {metric_word(word) for word in (self.value.metric, self.value.dataset) if word}
        return frozenset(full | {bare_metric(word) for word in full})

    @property
    def lost(self) -> float | None:
        """How much worse the quantized value is, as printed; negative if it is better."""
        if self.reference is None or self.value.low is None or self.reference.low is None:
            return None
        # ten digits: what the document prints, whatever binary fractions say
        worse = round(self.reference.low - self.value.low, 10)
        return -worse if self.words & LOWER_IS_BETTER else worse


def pairs(draft: Draft, regime: DraftRegime) -> Iterator[Pair]:
    """Every accuracy of a quantized regime of a sheet."""
    references = [v for r in draft.regimes if r.claim == regime.claim for v in r.values if v.role == "reference"]
    for value in regime.values:
        if value.component is Component.ACCURACY_RESULT and value.role == "quantized":
            yield Pair(value=value, reference=next((r for r in references if _same_measure(value, r)), None))


def _same_measure(value: Value, reference: Value) -> bool:
    """Whether both are single, exact values of one metric on the same data."""
    exact = {value.strength, reference.strength} == {Strength.EXACT}
    single = value.low == value.high and reference.low == reference.high
    mine, theirs = (value.metric, value.dataset, value.unit), (reference.metric, reference.dataset, reference.unit)
    accuracy = reference.component in {Component.ACCURACY_REFERENCE, Component.ACCURACY_RESULT}
    return exact and single and accuracy and mine == theirs and not value.unit.startswith("% ")
