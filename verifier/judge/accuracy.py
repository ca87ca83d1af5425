"""Judge of the accuracy values that a claim states for each regime: is the *number* reproduced."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.accuracy import AccuracyValue, Metric
from lynxspec.claim.precision import Quantized
from lynxspec.claim.units import Quantity
from verifier.evidence import ItemScores
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number
from verifier.judge.execution import is_deterministic
from verifier.judge.precision import scheme_of
from verifier.statistics.anytime import anytime_proportions
from verifier.statistics.paired import metric_values
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason

SURE_ROUNDING = 5e-4
"""A claimed number confirms with at most this much rounding: 0.05 points for a fraction."""
POSSIBLE_ROUNDING = 5e-3
"""A claimed number refutes only beyond this much rounding, where it has no more digits (``0.97``)."""
ARITHMETIC = 1e-9
"""Guard for decimal numbers in binary."""
RECOMPUTED = 1e-4
"""A metric recomputed from the stored outcomes (seven digits) must agree this well with the evaluation's own value."""
BLIND_SHARE = 0.95
"""Share of items that a head may answer alike for two different items: predicted classes repeat by chance, more so if
one of them is common."""
SAMPLED = 0.025
"""Error rate of each bound of a value that a random part of the set gives."""

RULE = (
    "Reproduced if the measured value is no worse than claimed, beyond the tolerance and the rounding of the "
    "claimed number. Refuted if it is worse and the whole declared set was evaluated, the platform is as "
    "declared, and outputs repeat. The same items are evaluated as by the claimant: there is no sampling error "
    "between the two numbers; a random part of the set has one, and its bounds (97.5 % each, at every look) decide. "
    "A number that is not reproduced says nothing about whether the model is good enough: that is the criterion's "
    "clause."
)
REFERENCE_RULE = (
    "As for other regimes, but on both sides: an understated reference would flatter the loss. The same items are "
    "evaluated as by the claimant: there is no sampling error between the two numbers."
)


def margin_in(margin: Quantity, reference: float) -> float:
    """A margin in the metric's own unit: points of 100, percent of the reference's value, or absolute."""
    if margin.unit == "points":
        return margin.value / 100.0
    return abs(reference) * margin.value / 100.0 if margin.unit == "%" else margin.value


def half_unit(value: float) -> float:
    """Half a unit of the last digit that a number is written with."""
    text = f"{value:.12g}"
    if "e" in text:
        return 0.0
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def sign_of(metric: Metric) -> float:
    """1 where higher is better: for all metrics that we compute, whatever a claim says of them."""
    return 1.0 if metric.kind != "other" or metric.better == "higher" else -1.0


def judge_accuracy(case: Case) -> Iterator[ClauseVerdict]:
    """The value of each metric for each regime."""
    for regime in case.claim.regimes:
        for claimed in present(regime.accuracy) or ():
            metric = next((m for m in case.claim.evaluation.metrics if m.name == claimed.metric), None)
            yield _accuracy(case, regime, claimed, metric)


def _accuracy(case: Case, regime: Regime, claimed: AccuracyValue, metric: Metric | None) -> ClauseVerdict:
    is_reference = regime.role == "reference"
    kind = ClauseKind.REFERENCE_ACCURACY if is_reference else ClauseKind.ACCURACY
    tolerance = case.claim.reproduction.tolerances.accuracy
    scores = case.scores(regime)
    sha256, measured, notes = None, None, list[str]()
    interval: Interval | None = None
    if metric is None:
        finding: Finding = (Reason.NOT_CLAIMED, f"The claim defines no metric {claimed.metric!r}.")
    elif not isinstance(scores, ItemScores):
        finding = scores
    elif claimed.metric not in scores.metrics:
        sha256 = scores.sha256
        finding = (
            (Reason.NOT_IMPLEMENTED, f"Metrics of kind {metric.kind!r} are not built in.")
            if metric.kind == "other"
            else (Reason.TOOL_FAILED, f"The evaluation gave no value of {claimed.metric}.")
        )
    else:
        sha256, value = scores.sha256, scores.metrics[claimed.metric]
        measured = f"{number(value, 6)} over {scores.samples} items"
        sign = sign_of(metric)
        interval = _sampled(case, metric, scores)
        if interval is None:
            finding = _value(case, claimed.value, value, sign, is_reference=is_reference)
        else:
            finding = _part(case, claimed.value, interval, is_reference=is_reference)
        finding = _trust(case, scores, finding, sampled=interval is not None)
        if scores.subject == "recipe_artifact":
            notes.append("measured on the artifact that the recipe gave here")
    differences = case.differences(regime, sha256)
    return clause(
        kind,
        regime.name,
        gate(kind, finding, differences),
        part=claimed.metric,
        title=f"Accuracy of regime {regime.name}: {claimed.metric}",
        claimed=number(claimed.value, 6),
        measured=measured,
        interval=interval,
        tolerance=str(tolerance),
        rule=REFERENCE_RULE if is_reference else RULE,
        notes=(*notes, *deviations(kind, differences)),
    )


def _value(case: Case, claimed: float, measured: float, sign: float, *, is_reference: bool) -> Finding:
    """Compare two numbers; ``sign`` is 1 where higher is better."""
    tolerance = margin_in(case.claim.reproduction.tolerances.accuracy, claimed)
    rounding = half_unit(claimed)
    sure = tolerance + min(rounding, SURE_ROUNDING) + ARITHMETIC
    possible = tolerance + min(rounding, POSSIBLE_ROUNDING) + ARITHMETIC
    gain = sign * (measured - claimed)
    words = f"Measured {number(measured, 6)}, claimed {number(claimed, 6)}, tolerance {number(tolerance)}."
    if abs(gain) <= sure:
        return Reason.WITHIN_TOLERANCE, words
    if gain > 0 and not is_reference:
        return Reason.BETTER_THAN_CLAIMED, words
    if abs(gain) <= possible:
        return (
            Reason.EVIDENCE_TOO_WEAK,
            f"{words} The claimed number has too few digits to tell rounding from a difference.",
        )
    return (Reason.DIFFERS_FROM_CLAIM, words) if is_reference else (Reason.BELOW_CLAIM, words)


def _sampled(case: Case, metric: Metric, scores: ItemScores) -> Interval | None:
    """Bounds on the value over the declared set, where only a random part of it was evaluated; `None` elsewhere."""
    declared = present(case.claim.evaluation.samples)
    items = len(scores.outcomes.get(metric.name, ()))
    if declared is None or scores.order_seed is None or not 0 < items < declared or not is_share(metric, scores):
        return None
    right = round(sum(scores.outcomes[metric.name]))
    found = anytime_proportions(right, 0, items, below=SAMPLED, above=SAMPLED)
    return Interval(
        low=max(found.low, 0.0),
        high=min(found.high, 1.0),
        unit=metric.name,
        coverage=1.0 - 2.0 * SAMPLED,
        method=f"betting on {items} of {declared} items in random order, valid at every look",
    )


def _part(case: Case, claimed: float, interval: Interval, *, is_reference: bool) -> Finding:
    """Compare a claimed share of right items with the bounds that a random part of the set gives."""
    tolerance = margin_in(case.claim.reproduction.tolerances.accuracy, claimed)
    sure = tolerance + min(half_unit(claimed), SURE_ROUNDING) + ARITHMETIC
    possible = tolerance + min(half_unit(claimed), POSSIBLE_ROUNDING) + ARITHMETIC
    words = (
        f"Between {number(interval.low, 6)} and {number(interval.high, 6)} by a random part of the declared set, "
        f"claimed {number(claimed, 6)}, tolerance {number(tolerance)}."
    )
    if interval.high < claimed - possible:
        return (Reason.DIFFERS_FROM_CLAIM if is_reference else Reason.BELOW_CLAIM), words
    if is_reference and interval.low > claimed + possible:
        return Reason.DIFFERS_FROM_CLAIM, words
    if interval.low >= claimed - sure and (not is_reference or interval.high <= claimed + sure):
        return Reason.WITHIN_TOLERANCE, words
    return Reason.TOO_FEW_ITEMS, words


def batch_notes(regime: Regime, scores: ItemScores) -> list[str]:
    """What other batch sizes gave: a finding, no accusation, since scales computed at run time depend on the batch."""
    notes = []
    scheme = scheme_of(regime, "activations")
    dynamic = isinstance(scheme, Quantized) and scheme.timing == "dynamic"
    for probe in scores.batches:
        if probe.status != "ok" or not probe.items:
            notes.append(f"not run with {probe.batch} items per call: {probe.message or 'no result'}")
            continue
        found = f"{probe.disagreements} of {probe.items} outcomes differ with {probe.batch} items per call"
        moved = [f"{name}: {probe.gained[name]} gained, {lost} lost" for name, lost in sorted(probe.lost.items())]
        if probe.disagreements:
            why = ["scales computed at run time depend on the batch"] if dynamic else []
            found = f"{found} ({'; '.join([*moved, *why])})" if moved or why else found
        notes.append(found)
    return notes


def _trust(case: Case, scores: ItemScores, finding: Finding, *, sampled: bool) -> Finding:
    """Whether an evaluation speaks about the claim: the whole declared set, the claimed model, outputs that repeat."""
    doubt = case.dataset_doubt()
    if doubt is not None:
        return doubt
    if finding[0] in (Reason.WITHIN_TOLERANCE, Reason.BETTER_THAN_CLAIMED):
        finding = blind_head(scores) or finding  # such a head can only flatter: what falls short still falls short
    declared = present(case.claim.evaluation.samples)
    if declared is not None and scores.samples != declared and not sampled:
        return Reason.TOO_FEW_ITEMS, f"{scores.samples} items were evaluated, {declared} are declared."
    if finding[0] not in (Reason.BELOW_CLAIM, Reason.DIFFERS_FROM_CLAIM):
        return finding
    if declared is None:
        return Reason.EVIDENCE_TOO_WEAK, f"{finding[1]} The claim does not say how many items it evaluated."
    if not is_deterministic(scores):
        return Reason.NOT_DETERMINISTIC, f"{finding[1]} Outputs were not shown to repeat, which could explain it."
    return finding


def blind_head(scores: ItemScores) -> Finding | None:
    """Why predictions say nothing about the model: the head gives them without it."""
    if scores.head_blind is None or scores.head_blind <= BLIND_SHARE:
        return None
    share = f"{100 * scores.head_blind:.0f} %"
    return (
        Reason.EVIDENCE_TOO_WEAK,
        f"For {share} of the items the head answers the same when it is given another item's model outputs.",
    )


def is_share(metric: Metric, scores: ItemScores) -> bool:
    """Whether the metric is the share of items that are right."""
    outcomes = scores.outcomes.get(metric.name, ())
    if metric.kind in ("f1", "auc", "spearman", "pearson") or not outcomes or not {*outcomes} <= {0.0, 1.0}:
        return False
    return abs(sum(outcomes) / len(outcomes) - scores.metrics.get(metric.name, -1.0)) <= RECOMPUTED


def recomputes(kind: str, outcomes: tuple[float, ...], labels: tuple[float, ...], value: float) -> bool:
    """Whether a metric follows from the outcomes that were kept of it."""
    import numpy as np  # noqa: PLC0415 - the only array in this file

    row = np.asarray([outcomes], dtype=np.float64)
    truth = np.asarray([labels], dtype=np.float64) if labels else row
    return bool(abs(float(metric_values(kind, row, truth)[0]) - value) <= RECOMPUTED)
