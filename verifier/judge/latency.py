"""Judge of the latency percentiles of each regime."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.throughput import Latency
from verifier.evidence import Quantile, SustainedRun
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number
from verifier.judge.disturbance import REPEATABILITY, barred, disturbances, equilibrium, faster_machine
from verifier.judge.server import COVERED
from verifier.judge.shortfall import generator_limits, other_load, overhead, refutable
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

TAIL_FLOORS = {0.5: REPEATABILITY, 0.9: 0.25, 0.99: 1.0}
"""Shortfall that refutes nothing, by percentile: single interruptions of the host make the tail."""
RULE = (
    "Exact binomial 95 % bounds of each percentile. Reproduced if every upper bound is within the tolerance over the "
    "window of the claimed rate (or at thermal equilibrium): a machine that has not throttled yet answers faster; "
    "refuted if a lower bound exceeds it under the conditions of the rate, and p90 by more than 25 %, p99 by more "
    "than 100 %. Otherwise inconclusive."
)


def judge_latency(case: Case) -> Iterator[ClauseVerdict]:
    """The latency percentiles of each regime."""
    for regime in case.claim.regimes:
        claimed = present(regime.performance.latency)
        if claimed is None:
            continue
        run = case.run(regime)
        rows = _percentiles(claimed, run) if isinstance(run, SustainedRun) else ()
        if isinstance(run, SustainedRun):
            finding = other_load(case.claim, run, f"{case.claim.load.item}/s") or _latency(case, regime, run, rows)
        else:
            finding = run
        differences = case.differences(regime, run.sha256 if isinstance(run, SustainedRun) else None)
        yield clause(
            ClauseKind.LATENCY,
            regime.name,
            gate(ClauseKind.LATENCY, finding, differences),
            title=f"Latency of regime {regime.name}",
            claimed=", ".join(f"p{p * 100:.0f} {stated * 1e3:.4g} ms" for p, stated in _stated(claimed)),
            measured=", ".join(f"p{q.p * 100:.0f} {q.value_s * 1e3:.4g} ms" for _, q in rows) or None,
            tolerance=str(case.claim.reproduction.tolerances.latency),
            rule=RULE,
            notes=deviations(ClauseKind.LATENCY, differences),
        )


def _stated(claimed: Latency) -> tuple[tuple[float, float], ...]:
    p99 = present(claimed.p99)
    tail = ((0.99, p99.base),) if p99 is not None else ()
    return ((0.5, claimed.p50.base), (0.9, claimed.p90.base), *tail)


def _percentiles(claimed: Latency, run: SustainedRun) -> tuple[tuple[float, Quantile], ...]:
    """Claimed seconds with the measured quantile of the same order, where there is one."""
    rows = []
    for p, stated in _stated(claimed):
        found = next((q for q in run.quantiles if abs(q.p - p) < 1e-9), None)
        if found is not None:
            rows.append((stated, found))
    return tuple(rows)


def _latency(case: Case, regime: Regime, run: SustainedRun, rows: tuple[tuple[float, Quantile], ...]) -> Finding:
    claimed = present(regime.performance.latency)
    if claimed is None or len(rows) < len(_stated(claimed)):
        return Reason.NOT_REACHED, "The run has no value for every claimed percentile."
    tolerance = case.claim.reproduction.tolerances.latency.base
    loop = run.load.open_loop if run.load is not None else None
    if loop is not None and loop.unserved:
        return (
            Reason.INTERVAL_TOO_WIDE,
            f"{loop.unserved} arrivals were never served: there is no upper bound.",
        )
    undecided: list[str] = []
    for stated, found in rows:
        limit = stated * (1.0 + tolerance)
        words = f"p{found.p * 100:.0f}: measured {found.value_s * 1e3:.4g} ms, limit {limit * 1e3:.4g} ms."
        if found.low_s is not None and found.low_s > limit:
            floor = TAIL_FLOORS[min(TAIL_FLOORS, key=lambda p: abs(p - found.p))]
            finding = _exceeded(case, run, stated / found.low_s, 1.0 - 1.0 / (1.0 + floor), words)
            if finding[0] is Reason.BELOW_CLAIM:
                return finding
            undecided.append(finding[1])
        elif found.high_s is None:
            return Reason.TOO_FEW_ITEMS, f"{words} Too few calls for an upper bound."
        elif found.high_s > limit:
            undecided.append(words)
    if not undecided:
        return _held(case, regime, run)
    text = " ".join(undecided[:2])
    return (Reason.HOST_DISTURBED if disturbances(case) else Reason.INTERVAL_TOO_WIDE), text


def _exceeded(case: Case, run: SustainedRun, share: float, floor: float, words: str) -> Finding:
    """Whether a percentile beyond its limit refutes: ``share`` is the most that was reached of it, in rates.

    Callers wait for each other in our loop as well, so that what it costs of the rate is part of their latency.
    """
    if run.load is not None and run.load.open_loop is not None:
        # as with the rate itself; and that the other regimes served what we sent them shows nothing of the machine
        return Reason.EVIDENCE_TOO_WEAK, f"{words} Arrivals queue: a machine a little slower answers much later."
    if generator_limits(run):
        return Reason.EVIDENCE_TOO_WEAK, f"{words} The load generator itself may be what makes calls wait."
    share /= max(1.0 - overhead(run), 1e-9)
    return refutable(case, run.regime, share, case.claim.reproduction.tolerances.latency.base, floor, words)


def _held(case: Case, regime: Regime, run: SustainedRun) -> Finding:
    """What percentiles within the tolerance are worth."""
    words = "All percentiles, with their bounds, are within the tolerance"
    claimed = present(regime.performance.sustained)
    if claimed is not None and run.window_s < COVERED * claimed.window.base and equilibrium(case) is None:
        return Reason.WINDOW_NOT_COVERED, f"{words}, but over {number(run.window_s)} s of {claimed.window} only."
    tolerance = case.claim.reproduction.tolerances.latency.base
    against = barred(case, regime.name, tolerance)
    if against is not None:
        return Reason.HOST_DISTURBED, f"{words}. It is not known what was measured: {against}."
    faster = faster_machine(case, tolerance)
    if faster is not None:
        return Reason.MACHINE_FASTER, f"{words}. {faster}"
    return Reason.WITHIN_TOLERANCE, f"{words}."
