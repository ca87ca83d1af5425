"""What a quantized regime lost and gained against its reference, as the claim's own numbers have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.accuracy import Criterion, Metric
from lynxspec.claim.throughput import Comparison
from lynxspec.claim.units import Quantity
from lynxspec.lint.regimes import quantized, sustained
from lynxspec.location import Path

SHARE_METRICS = frozenset({"top1", "binary_accuracy", "exact_match"})
"""Metrics that are a share of right items, for which paired counting applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One metric of one quantized regime against its reference."""

    regime: str
    metric: Metric
    value: float
    reference: float
    path: Path
    """Of the quantized value."""
    reference_path: Path

    @property
    def amount(self) -> float:
        """How much worse the quantized value is, in the metric's unit; negative if it is better."""
        worse = self.reference - self.value
        # ten digits: 0.9725 - 0.9700 is 0.0025 in the document, whatever binary fractions say
        return round(worse if self.metric.better == "higher" else -worse, 10)

    def limit(self, margin: Quantity) -> float:
        """The margin in the metric's unit."""
        if margin.unit == "points":
            return margin.value / 100
        return margin.value if margin.unit == "absolute" else abs(self.reference) * margin.value / 100

    def spelled(self) -> str:
        """The loss for people: in points where the metric is a share."""
        if self.metric.kind in SHARE_METRICS:
            return f"{self.amount * 100:.4g} points"
        return f"{self.amount:.4g}"


def losses(claim: Claim) -> Iterator[Loss]:
    """Every metric that a quantized regime and the reference both give."""
    criterion = present(claim.evaluation.criterion)
    named = claim.regime(criterion.reference) if criterion else None
    reference = named or claim.reference
    if reference is None:
        return
    base = ("regimes", claim.regimes.index(reference), "accuracy")
    theirs = {v.metric: (v.value, (*base, i, "value")) for i, v in enumerate(present(reference.accuracy) or ())}
    metrics = {m.name: m for m in claim.evaluation.metrics}
    for path, regime in quantized(claim):
        for index, value in enumerate(present(regime.accuracy) or ()):
            if value.metric in theirs and value.metric in metrics:
                there, reference_path = theirs[value.metric]
                yield Loss(
                    regime=regime.name,
                    metric=metrics[value.metric],
                    value=value.value,
                    reference=there,
                    path=(*path, "accuracy", index, "value"),
                    reference_path=reference_path,
                )


def judged(claim: Claim) -> Iterator[tuple[Loss, Criterion]]:
    """Losses in the metric of the acceptance criterion."""
    criterion = present(claim.evaluation.criterion)
    if criterion is not None:
        yield from ((loss, criterion) for loss in losses(claim) if loss.metric.name == criterion.metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A gain in throughput, as published or as the ratio of the regimes' rates."""

    factor: float
    path: Path
    regime: str
    comparison: Comparison | None


def gains(claim: Claim) -> tuple[Gain, ...]:
    """Published gains; where none is published, the ratios of the sustained rates."""
    published = tuple(
        Gain(
            factor=gain.base,
            path=("comparisons", i, "throughput_gain"),
            regime=comparison.quantized,
            comparison=comparison,
        )
        for i, comparison in enumerate(claim.comparisons)
        if (gain := present(comparison.throughput_gain)) is not None
    )
    return published or tuple(_ratios(claim))


def _ratios(claim: Claim) -> Iterator[Gain]:
    reference = sustained(claim.reference) if claim.reference else None
    for path, regime in quantized(claim):
        mine = sustained(regime)
        if mine and reference and mine.rate.unit == reference.rate.unit and reference.rate.base:
            factor = mine.rate.base / reference.rate.base
            yield Gain(factor=factor, path=(*path, "performance", "sustained"), regime=regime.name, comparison=None)


def pairs(claim: Claim) -> Iterator[tuple[Path, Comparison, Regime, Regime]]:
    """Comparisons whose two regimes are in the claim."""
    for index, comparison in enumerate(claim.comparisons):
        one, other = claim.regime(comparison.quantized), claim.regime(comparison.reference)
        if one is not None and other is not None:
            yield ("comparisons", index), comparison, one, other
