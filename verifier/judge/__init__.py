"""What a claim and the evidence for it amount to, clause by clause: pure, total, the same on every machine.

Two rules stand above all others. A true claim is never refuted: a refutation needs evidence that rules the innocent
causes out, and where that is missing the clause is inconclusive. A failure of ours is never the vendor's guilt: missing
or failed evidence makes `Reason.TOOL_FAILED` or `Reason.NOT_REACHED`, which are inconclusive by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lynxspec.claim import Claim
from verifier.evidence import Evidence
from verifier.judge.accuracy import judge_accuracy
from verifier.judge.artifact import judge_artifact, judge_recipe_effect, judge_weight_error
from verifier.judge.built import judge_precision_built
from verifier.judge.case import Case
from verifier.judge.clause import clause
from verifier.judge.criterion import judge_criterion
from verifier.judge.execution import judge_determinism, judge_precision_executed
from verifier.judge.latency import judge_latency
from verifier.judge.materials import judge_materials
from verifier.judge.memory import judge_memory
from verifier.judge.precision import judge_precision_artifact
from verifier.judge.setting import judge_hardware, judge_tool_chain
from verifier.judge.speedup import judge_speedup
from verifier.judge.throughput import judge_throughput
from verifier.judge.timed import judge_timed_outputs
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

JUDGE = "lynxspec-judge/4"
"""Version of the decision rules; records name it, so that a later judge can be told from this one."""

Judge = Callable[[Case], Iterator[ClauseVerdict]]

JUDGES: tuple[tuple[ClauseKind, Judge], ...] = (
    (ClauseKind.MATERIALS, judge_materials),
    (ClauseKind.HARDWARE, judge_hardware),
    (ClauseKind.TOOL_CHAIN, judge_tool_chain),
    (ClauseKind.RECIPE_EFFECT, judge_recipe_effect),
    (ClauseKind.ARTIFACT, judge_artifact),
    (ClauseKind.PRECISION_ARTIFACT, judge_precision_artifact),
    (ClauseKind.WEIGHT_ERROR, judge_weight_error),
    (ClauseKind.PRECISION_BUILT, judge_precision_built),
    (ClauseKind.PRECISION_EXECUTED, judge_precision_executed),
    (ClauseKind.DETERMINISM, judge_determinism),
    (ClauseKind.ACCURACY, judge_accuracy),
    (ClauseKind.CRITERION, judge_criterion),
    (ClauseKind.MEMORY, judge_memory),
    (ClauseKind.THROUGHPUT, judge_throughput),
    (ClauseKind.LATENCY, judge_latency),
    (ClauseKind.SPEEDUP, judge_speedup),
    (ClauseKind.TIMED_OUTPUTS, judge_timed_outputs),
)
"""Judges in the order in which a record prints their clauses."""

__all__ = ["JUDGE", "JUDGES", "judge"]


def judge(claim: Claim, evidence: Evidence) -> tuple[ClauseVerdict, ...]:
    """Verdicts on all clauses that ``claim`` makes, from ``evidence`` alone; never raises on valid input."""
    case = Case.of(claim, evidence)
    verdicts: list[ClauseVerdict] = []
    for kind, judge_clauses in JUDGES:
        try:
            verdicts += tuple(judge_clauses(case))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            verdicts.append(_defect(kind, error))
    return tuple(verdicts)


def _defect(kind: ClauseKind, error: Exception) -> ClauseVerdict:
    """A judge of ours broke: the other clauses stand, and this one is our failure."""
    return clause(
        kind,
        None,
        (Reason.TOOL_FAILED, f"Our judge failed with {type(error).__name__}: {error}."),
        part="defect",
        title=f"Clauses of kind {kind.value.replace('_', ' ')}",
        claimed="see the claim",
        rule="A judge that breaks says nothing about the claim.",
    )
