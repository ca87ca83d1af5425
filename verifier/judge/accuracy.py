"""Judges of accuracy: the values of each regime, and the acceptance criterion on paired items."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.accuracy import AccuracyValue, Criterion, Metric
from lynxspec.claim.units import Quantity
from lynxspec.sample_size import items_to_decide
from verifier.evidence import ItemScores
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number
from verifier.judge.execution import is_deterministic
from verifier.judge.platform import tool_differences
from verifier.statistics import Estimate, metric_values, paired_bca, tango_interval
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
SMALLEST_RANKING = 100
"""Items below which a resampled ranking metric decides nothing."""
ONE_SIDED = 0.05
"""Error rate of each bound of a criterion."""

RULE = (
    "Reproduced if the measured value is no worse than claimed, beyond the tolerance and the rounding of the "
    "claimed number. Refuted if it is worse and the whole declared set was evaluated, the platform is as "
    "declared, and outputs repeat. The same items are evaluated as by the claimant: there is no sampling error "
    "between the two numbers."
)
REFERENCE_RULE = (
    "As for other regimes, but on both sides: an understated reference would flatter the loss. The same items are "
    "evaluated as by the claimant: there is no sampling error between the two numbers."
)
CRITERION_RULE = (
    "Non-inferiority on paired items: met if the lower 95 % bound of the difference (quantized minus reference, "
    "in the direction of better) lies above the margin, not met only if the upper 95 % bound lies below it, each "
    "with an error rate of 5 %; inconclusive between."
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
        finding = _value(case, claimed.value, value, sign, is_reference=is_reference)
        finding = _trust(case, scores, finding)
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


def _trust(case: Case, scores: ItemScores, finding: Finding) -> Finding:
    """Whether an evaluation speaks about the claim: the whole declared set, the claimed model, outputs that repeat."""
    doubt = case.dataset_doubt()
    if doubt is not None:
        return doubt
    if finding[0] in (Reason.WITHIN_TOLERANCE, Reason.BETTER_THAN_CLAIMED):
        finding = blind_head(scores) or finding  # such a head can only flatter: what falls short still falls short
    declared = present(case.claim.evaluation.samples)
    if declared is not None and scores.samples != declared:
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


def judge_criterion(case: Case) -> Iterator[ClauseVerdict]:
    """Does each quantized regime meet the claim's acceptance criterion."""
    criterion = present(case.claim.evaluation.criterion)
    if criterion is None:
        return
    metric = next((m for m in case.claim.evaluation.metrics if m.name == criterion.metric), None)
    reference = case.claim.regime(criterion.reference)
    for regime in case.quantized:
        if regime.name == criterion.reference:
            continue
        interval: Estimate | None = None
        margin, shift = None, 0.0
        if metric is None or reference is None:
            finding: Finding = (Reason.NOT_CLAIMED, "The criterion names a metric or a reference that the claim lacks.")
        else:
            finding, interval, margin = _criterion(case, regime, reference, metric, criterion)
            shift = interval.value if interval else 0.0
        differences = case.hardware
        for taken in (regime, reference):
            scores = case.scores(taken) if taken else None
            model = scores.sha256 if isinstance(scores, ItemScores) else None
            differences += tool_differences(taken, case.evidence, model=model) if taken else ()
        yield clause(
            ClauseKind.CRITERION,
            regime.name,
            gate(ClauseKind.CRITERION, finding, differences),
            title=f"Acceptance criterion of regime {regime.name}",
            claimed=f"{criterion.metric} at most {criterion.margin} {_worse(metric)} regime {criterion.reference}",
            measured=f"{number(shift)} against a margin of {number(margin)}"
            if interval and margin is not None
            else None,
            interval=_interval(interval, metric) if interval and metric else None,
            tolerance=f"margin {criterion.margin}",
            rule=CRITERION_RULE,
            notes=deviations(ClauseKind.CRITERION, differences),
        )


def _criterion(  # noqa: PLR0911 - one return per outcome of the rule
    case: Case, regime: Regime, reference: Regime, metric: Metric, criterion: Criterion
) -> tuple[Finding, Estimate | None, float | None]:
    first, second = case.scores(regime), case.scores(reference)
    if not isinstance(first, ItemScores):
        return first, None, None
    if not isinstance(second, ItemScores):
        return second, None, None
    interval, why = paired_interval(metric, first, second)
    doubt = case.dataset_doubt()
    if interval is None:
        return (Reason.TOOL_FAILED, why), None, None
    margin = margin_in(criterion.margin, second.metrics[metric.name])
    if doubt is not None:
        return doubt, interval, margin
    words = (
        f"Difference {number(interval.value)}, one-sided 95 % bounds {number(interval.low)} and "
        f"{number(interval.high)}, margin -{number(margin)}, {first.samples} paired items."
    )
    if first.samples < SMALLEST_RANKING and not _is_binary(metric, first):
        return (Reason.TOO_FEW_ITEMS, f"{words} {SMALLEST_RANKING} items at least are needed."), interval, margin
    if interval.low > -margin:
        blind = blind_head(first) or blind_head(second)
        return blind or (Reason.CRITERION_MET, words), interval, margin
    if interval.high < -margin:
        if not (is_deterministic(first) and is_deterministic(second)):
            return (Reason.NOT_DETERMINISTIC, f"{words} Outputs were not shown to repeat."), interval, margin
        return (Reason.CRITERION_NOT_MET, words), interval, margin
    needed = _needed(metric, first, second, margin, interval)
    return (Reason.TOO_FEW_ITEMS, f"{words} {needed}"), interval, margin


def _worse(metric: Metric | None) -> str:
    """The direction in which a loss lies."""
    return "above" if metric is not None and sign_of(metric) < 0 else "below"


def _needed(metric: Metric, first: ItemScores, second: ItemScores, margin: float, interval: Estimate) -> str:
    """How many items it would take, in words."""
    if abs(margin + interval.value) < ARITHMETIC:
        items = None
    elif _is_binary(metric, first) and first.samples and margin > 0:
        pairs = zip(first.outcomes[metric.name], second.outcomes[metric.name], strict=True)
        discordance = sum(a != b for a, b in pairs) / first.samples
        items = items_to_decide(
            margin=max(margin, 1e-6), loss=-interval.value, discordance=max(discordance, 1.0 / first.samples)
        )
    else:
        width, room = interval.high - interval.low, margin + interval.value
        items = round(first.samples * (width / 2.0 / room) ** 2 * 2.3) if room > 0 and width > 0 else None
        # Half the width is 1.645 standard errors; deciding with 80 % power takes 2.49 of them: (2.49 / 1.645)^2 = 2.3.
    if items is None:
        return "No number of items can decide for it, since the loss that was measured is not below the margin."
    return f"About {items} items would decide it with 80 % power, if the measured loss is the true one."


def paired_interval(metric: Metric, first: ItemScores, second: ItemScores) -> tuple[Estimate | None, str]:
    """Difference first minus second in the direction of better, each bound one-sided 95 %; or why there is none."""
    name = metric.name
    a, b = first.outcomes.get(name, ()), second.outcomes.get(name, ())
    if not a or len(a) != len(b) or name not in first.metrics or name not in second.metrics:
        return None, f"The outcomes of {name} were not kept for the same items in both regimes."
    sign = sign_of(metric)
    if _is_binary(metric, first) and _is_binary(metric, second):
        gained = sum(x > y for x, y in zip(a, b, strict=True))
        lost = sum(x < y for x, y in zip(a, b, strict=True))
        if sign < 0:
            gained, lost = lost, gained
        return tango_interval(gained, lost, len(a), 1.0 - 2.0 * ONE_SIDED), ""
    labels = first.labels.get(name, ())
    kind = metric.kind if metric.kind in ("f1", "auc", "spearman", "pearson") else "mean"
    if kind != "mean" and (len(labels) != len(a) or labels != second.labels.get(name)):
        return None, f"The truth of {name} was not kept for the same items in both regimes."
    if not (_recomputes(kind, a, labels, first.metrics[name]) and _recomputes(kind, b, labels, second.metrics[name])):
        return None, f"The value of {name} does not follow from the outcomes that were kept."
    found = paired_bca(kind, a, b, labels, coverage=1.0 - 2.0 * ONE_SIDED)
    if found is None:
        return None, f"The metric {name} is not defined on resamples of so few items."
    if sign < 0:
        found = Estimate(value=-found.value, low=-found.high, high=-found.low)
    return found, ""


def _is_binary(metric: Metric, scores: ItemScores) -> bool:
    """Whether the metric is the share of items that are right."""
    outcomes = scores.outcomes.get(metric.name, ())
    if metric.kind in ("f1", "auc", "spearman", "pearson") or not outcomes or not {*outcomes} <= {0.0, 1.0}:
        return False
    return abs(sum(outcomes) / len(outcomes) - scores.metrics.get(metric.name, -1.0)) <= RECOMPUTED


def _recomputes(kind: str, outcomes: tuple[float, ...], labels: tuple[float, ...], value: float) -> bool:
    import numpy as np  # noqa: PLC0415 - the only array in this file

    row = np.asarray([outcomes], dtype=np.float64)
    truth = np.asarray([labels], dtype=np.float64) if labels else row
    return bool(abs(float(metric_values(kind, row, truth)[0]) - value) <= RECOMPUTED)


def _interval(estimate: Estimate, metric: Metric) -> Interval:
    paired = (
        "Tango score interval" if metric.kind in ("top1", "binary_accuracy", "exact_match") else "paired BCa bootstrap"
    )
    return Interval(
        low=estimate.low,
        high=estimate.high,
        unit="difference",
        coverage=1.0 - 2.0 * ONE_SIDED,
        method=f"{paired}, each bound one-sided 95 %",
    )
