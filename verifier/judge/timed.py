"""Judge of the timed run's outputs: the fast model and the accurate model must be one model."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.accuracy import AccuracyValue
from verifier.evidence import ItemScores, SustainedRun
from verifier.judge.accuracy import ARITHMETIC, POSSIBLE_ROUNDING, margin_in
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number
from verifier.judge.execution import is_deterministic
from verifier.statistics import binomial_upper
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

ALPHA = 0.001
"""Chance that a random sample of a model as accurate as claimed falls below the bound."""
CACHE_RATIO = 1.2
"""One input again and again is rarely faster than this without a cache of answers."""
RULE = (
    "Reproduced if the outputs of the timed run score, item by item, as in the evaluation. Refuted only if their "
    "accuracy lies below the claimed one beyond an exact binomial bound (error rate 0.1 %), from the same file "
    "whose outputs repeat. Otherwise inconclusive."
)


def judge_timed_outputs(case: Case) -> Iterator[ClauseVerdict]:
    """The outputs that the timed calls gave."""
    for regime in case.claim.regimes:
        run = case.run(regime)
        if not isinstance(run, SustainedRun):
            continue
        differences = case.differences(regime, run.sha256)
        finding = gate(ClauseKind.TIMED_OUTPUTS, _outputs(case, regime, run), differences)
        notes = list(deviations(ClauseKind.TIMED_OUTPUTS, differences))
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
    words = f"{run.timed_disagreements} of {run.timed_items} outcomes differ from the evaluation's."
    if run.timed_disagreements == 0:
        return Reason.AS_DECLARED, f"All {run.timed_items} outcomes are those of the evaluation."
    if not is_deterministic(scores):
        return Reason.NOT_DETERMINISTIC, f"{words} Outputs were not shown to repeat."
    for claimed in present(regime.accuracy) or ():
        bound = _upper(case, claimed, run)
        if bound is None:
            continue
        limit = claimed.value - margin_in(case.claim.reproduction.tolerances.accuracy, claimed.value)
        if bound < limit - POSSIBLE_ROUNDING - ARITHMETIC:
            found = f"{claimed.metric} of the timed outputs is at most {number(bound)}"
            return Reason.BELOW_CLAIM, f"{words} {found}, claimed {number(claimed.value)}."
    return Reason.NOT_DETERMINISTIC, f"{words} Under load the outputs are not those of the evaluation."


def _upper(case: Case, claimed: AccuracyValue, run: SustainedRun) -> float | None:
    """Upper bound of a share of right items; `None` for metrics that are no such share."""
    metric = next((m for m in case.claim.evaluation.metrics if m.name == claimed.metric), None)
    value = run.timed_scores.get(claimed.metric)
    if metric is None or value is None or metric.kind not in ("top1", "binary_accuracy", "exact_match"):
        return None
    if metric.better != "higher" or not 0.0 <= value <= 1.0:
        return None
    return binomial_upper(min(run.timed_items, round(value * run.timed_items)), run.timed_items, ALPHA)
