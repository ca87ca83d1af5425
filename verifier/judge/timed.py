"""Judge of the timed run's outputs: the fast model and the accurate model must be one model."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.accuracy import AccuracyValue
from lynxspec.claim.precision import Quantized
from verifier.evidence import ItemScores, SustainedRun
from verifier.judge.accuracy import ARITHMETIC, POSSIBLE_ROUNDING, batch_notes, margin_in
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number
from verifier.judge.execution import is_deterministic
from verifier.judge.precision import scheme_of
from verifier.statistics.intervals import binomial_upper
from verifier.statistics.paired import guarded_interval, mcnemar
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

ALPHA = 0.001
"""Chance that a random sample of a model as accurate as claimed falls below the bound."""
CACHE_RATIO = 1.2
"""One input again and again is rarely faster than this without a cache of answers."""
SHARES = ("top1", "binary_accuracy", "exact_match")
"""Metrics that are a share of right items."""
RULE = (
    "Reproduced if the outputs of the timed run score, item by item, as in an evaluation in calls of the same size. "
    "Refuted only if their accuracy lies below the claimed one, over the whole set in calls of that size or beyond a "
    "bound on paired items (error rate 0.1 %), from the same file whose outputs repeat. Otherwise inconclusive: scales "
    "computed at run time may depend on the size of a call."
)


def judge_timed_outputs(case: Case) -> Iterator[ClauseVerdict]:
    """The outputs that the timed calls gave."""
    for regime in case.claim.regimes:
        run = case.run(regime)
        if not isinstance(run, SustainedRun):
            continue
        differences = case.differences(regime, run.sha256)
        finding = gate(ClauseKind.TIMED_OUTPUTS, _outputs(case, regime, run), differences)
        notes = [*deviations(ClauseKind.TIMED_OUTPUTS, differences), *_pair_notes(run)]
        scored = case.scores(regime)
        if isinstance(scored, ItemScores):
            notes += batch_notes(regime, scored)
        ratio = run.repeated_input_ratio
        if ratio is not None and ratio > CACHE_RATIO:
            notes.append(
                f"one input repeated runs {number(ratio)} times as fast as changing inputs: answers may be cached"
            )
        scores = ", ".join(f"{name} {number(value, 6)}" for name, value in run.timed_scores.items())
        yield clause(
            ClauseKind.TIMED_OUTPUTS,
            regime.name,
            finding,
            title=f"Outputs of the timed run of regime {regime.name}",
            claimed="the same outcomes as in the evaluation",
            measured=f"{run.timed_disagreements} of {run.timed_items} outcomes differ"
            + (f"; {scores}" if scores else ""),
            tolerance="none",
            rule=RULE,
            notes=tuple(notes),
        )


def _outputs(  # noqa: PLR0911 - one return per outcome of the rule
    case: Case, regime: Regime, run: SustainedRun
) -> Finding:
    if case.claim.load.dataset != present(case.claim.evaluation.dataset):
        words = "The timed inputs are not those of the evaluation, so that fast and accurate may be two models."
        return Reason.EVIDENCE_TOO_WEAK, words
    if run.timed_items <= 0 or not run.timed_scores:
        return Reason.NOT_REACHED, "The outputs of the timed run were not scored."
    scores = case.scores(regime)
    if not isinstance(scores, ItemScores):
        return Reason.NOT_REACHED, "There is no evaluation to compare the timed outputs with."
    if scores.sha256 != run.sha256:
        return Reason.NOT_REACHED, "The evaluation was of another file than the timed run."
    if run.timed_disagreements == 0:
        short = _short_at_batch(case, regime, scores)
        return short or (Reason.AS_DECLARED, f"All {run.timed_items} outcomes are those of the evaluation.")
    words = f"{run.timed_disagreements} of {run.timed_items} outcomes differ from the evaluation's."
    if not is_deterministic(scores):
        return Reason.NOT_DETERMINISTIC, f"{words} Outputs were not shown to repeat."
    for claimed in present(regime.accuracy) or ():
        bound = _upper(case, claimed, run, scores)
        if bound is None or not _is_short(case, claimed, bound):
            continue
        found = f"{words} {claimed.metric} of the timed outputs is at most {number(bound)}"
        return _accused(case, regime, scores, f"{found}, claimed {number(claimed.value)}.")
    return Reason.NOT_DETERMINISTIC, f"{words} Under load the outputs are not those of the evaluation."


def _is_short(case: Case, claimed: AccuracyValue, value: float) -> bool:
    """Whether a value lies below the claimed one beyond tolerance and rounding."""
    limit = claimed.value - margin_in(case.claim.reproduction.tolerances.accuracy, claimed.value)
    return value < limit - POSSIBLE_ROUNDING - ARITHMETIC


def _short_at_batch(case: Case, regime: Regime, scores: ItemScores) -> Finding | None:
    """Accurate in calls of one size and fast in calls of another: the whole set in calls of the timed size falls short.

    `None` where it does not, or where both sizes are one.
    """
    for claimed in present(regime.accuracy) or ():
        if not _counts_right(case, claimed):
            continue
        for probe in scores.batches:
            value = probe.metrics.get(claimed.metric)
            if probe.batch == case.claim.load.batch and value is not None and _is_short(case, claimed, value):
                words = (
                    f"In calls of {probe.batch} items, as timed, {claimed.metric} is {number(value, 6)} over the whole "
                    f"set, claimed {number(claimed.value, 6)} (evaluated {case.claim.evaluation.batch_size} at a time)."
                )
                return _accused(case, regime, scores, words)
    return None


def _accused(case: Case, regime: Regime, scores: ItemScores, words: str) -> Finding:
    """A shortfall, unless the declared scheme itself makes answers depend on what else is in a call."""
    scheme = scheme_of(regime, "activations")
    dynamic = isinstance(scheme, Quantized) and scheme.timing == "dynamic"
    if dynamic and case.claim.load.batch != case.claim.evaluation.batch_size:
        return Reason.EVIDENCE_TOO_WEAK, f"{words} Scales computed at run time depend on the size of a call."
    if not is_deterministic(scores):
        return Reason.NOT_DETERMINISTIC, f"{words} Outputs were not shown to repeat."
    return Reason.BELOW_CLAIM, words


def _counts_right(case: Case, claimed: AccuracyValue) -> bool:
    metric = next((m for m in case.claim.evaluation.metrics if m.name == claimed.metric), None)
    return metric is not None and metric.kind in SHARES and metric.better == "higher"


def _upper(case: Case, claimed: AccuracyValue, run: SustainedRun, scores: ItemScores) -> float | None:
    """Upper bound of the share of right items under load; `None` for metrics that are no such share.

    The whole set's value is known, so that only the difference on the sampled items is uncertain: a sample that happens
    to be hard accuses nobody. Older evidence kept no pairs; the share itself is bounded then, and counts only where
    the items that differ are enough to explain what is missing.
    """
    value = run.timed_scores.get(claimed.metric)
    if value is None or not _counts_right(case, claimed) or not 0.0 <= value <= 1.0:
        return None
    pair = next((p for p in run.timed_pairs if p.metric == claimed.metric), None)
    if pair is not None:
        whole = [p.metrics[claimed.metric] for p in scores.batches if p.batch == run.batch and p.metrics]
        known = whole[0] if whole else scores.metrics.get(claimed.metric)
        found = guarded_interval(pair.gained, pair.lost, pair.items, above=ALPHA)
        return None if found is None or known is None else known + found.high
    missing = (claimed.value - value) * run.timed_items
    if run.timed_disagreements < missing:
        return None
    return binomial_upper(min(run.timed_items, round(value * run.timed_items)), run.timed_items, ALPHA)


def _pair_notes(run: SustainedRun) -> list[str]:
    """How the outcomes differ, with the chance of so uneven a split if neither side were better."""
    return [
        f"{pair.metric}: {pair.gained} right only in the timed run, {pair.lost} only in the evaluation "
        f"(exact McNemar test: p = {number(mcnemar(pair.gained, pair.lost), 2)})"
        for pair in run.timed_pairs
        if pair.gained + pair.lost
    ]
