"""The frontier: every regime as a point of throughput and accuracy, with intervals and the acceptance limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lynxspec.claim import Frozen
from verifier.audit.summary import ClaimSummary, StatedRegime
from verifier.evidence import Evidence, SustainedRun
from verifier.verdict import ClauseKind, ClauseVerdict, Interval


class FrontierPoint(Frozen):
    """One regime, claimed or measured."""

    regime: str
    """Handle."""
    role: str
    """``reference`` or ``quantized``."""
    source: Literal["claimed", "measured"]
    """Whose numbers these are."""
    rate: float
    """Sustained items per second."""
    accuracy: float
    """Value of the metric, in its own unit."""
    rate_interval: Interval | None
    """As the throughput clause has it; ``None`` where it has none."""
    accuracy_interval: Interval | None
    """The paired difference from the reference, laid at the reference's measured value; where there is none the
    interval of the accuracy clause."""
    dominated_by: str | None
    """A measured regime that is faster beyond the intervals and measured at least as accurate."""
    accepted: bool | None
    """Whether a measured quantized regime is on the good side of the limit, interval and all; ``None`` where the
    interval spans the limit or there is no limit."""


class Frontier(Frozen):
    """All points."""

    metric: str
    """Handle of the metric."""
    better: str
    """``higher`` or ``lower``."""
    item: str
    """What one item of the rate is."""
    limit: float | None
    """The acceptance line: the measured reference less (for ``lower``: plus) the claim's margin."""
    points: tuple[FrontierPoint, ...]
    """Claimed and measured points, in the order of the regimes."""


def frontier(claim: ClaimSummary, evidence: Evidence, verdicts: Iterable[ClauseVerdict]) -> Frontier | None:
    """Claimed and measured points of every regime that has both coordinates; ``None`` if none has."""
    held = tuple(verdicts)
    limit = acceptance(claim, evidence)
    found: list[FrontierPoint] = []
    for stated in claim.regimes:
        found += [p for p in (_claimed(claim, stated), _measured(claim, evidence, held, stated)) if p is not None]
    if not found:
        return None
    points = tuple(_placed(point, found, limit, claim.better) for point in found)
    return Frontier(metric=claim.metric, better=claim.better, item=claim.item, limit=limit, points=points)


def acceptance(claim: ClaimSummary, evidence: Evidence) -> float | None:
    """Lowest (or highest) acceptable value of the metric: the measured reference less the stated margin."""
    value = _value(evidence, claim.criterion_reference, claim.metric)
    if value is None:
        return None
    if claim.margin is not None:
        loss = claim.margin
    elif claim.margin_share is not None:
        loss = abs(value) * claim.margin_share
    else:
        return None
    return value - loss if claim.better == "higher" else value + loss


def _value(evidence: Evidence, regime: str | None, metric: str) -> float | None:
    return next((s.metrics[metric] for s in evidence.scores if s.regime == regime and metric in s.metrics), None)


def _claimed(claim: ClaimSummary, stated: StatedRegime) -> FrontierPoint | None:
    value = next((a.value for a in stated.accuracy if a.metric == claim.metric), None)
    if stated.rate_per_s is None or value is None:
        return None
    return FrontierPoint(
        regime=stated.name,
        role=stated.role,
        source="claimed",
        rate=stated.rate_per_s,
        accuracy=value,
        rate_interval=None,
        accuracy_interval=None,
        dominated_by=None,
        accepted=None,
    )


def _measured(
    claim: ClaimSummary, evidence: Evidence, verdicts: tuple[ClauseVerdict, ...], stated: StatedRegime
) -> FrontierPoint | None:
    runs = evidence.sustain.runs if evidence.sustain else ()
    run = next((r for r in runs if r.regime == stated.name and r.status == "ok"), None)
    rate = _rate(run) if run is not None else None
    value = _value(evidence, stated.name, claim.metric)
    if rate is None or value is None:
        return None
    across = _interval(verdicts, ClauseKind.THROUGHPUT, stated.name)
    if across is not None and not across.low <= rate <= across.high:
        rate = (across.low + across.high) / 2  # a rate that shifted: the clause speaks of the last level, not the mean
    return FrontierPoint(
        regime=stated.name,
        role=stated.role,
        source="measured",
        rate=rate,
        accuracy=value,
        rate_interval=across,
        accuracy_interval=_accuracy_interval(claim, evidence, verdicts, (stated.name, value)),
        dominated_by=None,
        accepted=None,
    )


def _rate(run: SustainedRun) -> float | None:
    seconds = sum(block.seconds for block in run.blocks)
    return sum(block.items for block in run.blocks) / seconds if seconds > 0 else None


def _interval(verdicts: tuple[ClauseVerdict, ...], kind: ClauseKind, regime: str) -> Interval | None:
    return next((v.interval for v in verdicts if v.kind is kind and v.regime == regime and v.interval), None)


def _accuracy_interval(
    claim: ClaimSummary, evidence: Evidence, verdicts: tuple[ClauseVerdict, ...], point: tuple[str, float]
) -> Interval | None:
    """An interval that holds the value that is drawn, so that units agree."""
    regime, value = point
    reference = _value(evidence, claim.criterion_reference, claim.metric)
    paired = _interval(verdicts, ClauseKind.CRITERION, regime)
    if paired is not None and paired.unit == "difference" and reference is not None:
        ends = (paired.low, paired.high) if claim.better == "higher" else (-paired.high, -paired.low)
        laid = paired.model_copy(update={"low": reference + ends[0], "high": reference + ends[1], "unit": claim.metric})
        if laid.low <= value <= laid.high:
            return laid
    for kind in (ClauseKind.ACCURACY, ClauseKind.REFERENCE_ACCURACY):
        own = _interval(verdicts, kind, regime)
        if own is not None and own.low <= value <= own.high:
            return own
    return None


def _placed(point: FrontierPoint, points: list[FrontierPoint], limit: float | None, better: str) -> FrontierPoint:
    """With what it is next to the others and to the limit."""
    if point.source != "measured":
        return point
    sign = 1.0 if better == "higher" else -1.0
    others = [p for p in points if p.source == "measured" and p.regime != point.regime]
    above = [p for p in others if _low(p) > _high(point) and sign * p.accuracy >= sign * point.accuracy]
    accepted: bool | None = None
    if limit is not None and point.role != "reference":
        held = point.accuracy_interval
        ends = (held.low, held.high) if held is not None else (point.accuracy, point.accuracy)
        sides = [sign * (end - limit) for end in ends]
        accepted = True if min(sides) >= 0 else False if max(sides) < 0 else None
    best = max(above, key=lambda p: (sign * p.accuracy, p.rate), default=None)
    return point.model_copy(update={"dominated_by": best.regime if best else None, "accepted": accepted})


def _low(point: FrontierPoint) -> float:
    return point.rate_interval.low if point.rate_interval else point.rate


def _high(point: FrontierPoint) -> float:
    return point.rate_interval.high if point.rate_interval else point.rate
