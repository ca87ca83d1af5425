"""Judge of the sustained rate of each regime."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.throughput import Sustained
from verifier.evidence import SustainedRun
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number, percent
from verifier.judge.disturbance import (
    REPEATABILITY,
    barred,
    disturbance_notes,
    disturbances,
    equilibrium,
    faster_machine,
)
from verifier.judge.server import RULE as ARRIVALS_RULE
from verifier.judge.server import judge_arrivals
from verifier.judge.shortfall import SHORT_HEADROOM, generator_limits, other_load, overhead, refutable, usable
from verifier.statistics import COVERAGE, Answer, Estimate, RateAnalysis, RateDecision, RateState, analyse, decide
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason

FEWEST_BLOCKS = 4
"""Blocks below which nothing is said about a rate."""
METHOD = "confidence sequence of the last plateau"
RULE = (
    "The rate of the last plateau, with a 95 % confidence sequence that allows early looks. Reproduced if its lower "
    "bound reaches the claimed rate less the tolerance over the claim's whole window (or at thermal equilibrium), "
    "measured without a drift beyond 2 % or a jump below the limit, and the speed probe runs no more than 8 % above "
    "the claim's. Refuted if the upper bound, and that of the "
    "window's mean, lie below it, on the same hardware and runtime version, on a quiet host, with the speed probe or "
    "another regime showing that the machine performs as claimed, and by more than 5 % (15 % on a virtual host or "
    "another machine of the product, 20 % with the probe as only witness). Otherwise inconclusive. Error rates by "
    "simulation: at most 1 % each with a tolerance of 2 % and autocorrelation up to 0.5 (METHOD.md)."
)
OVERHEAD_LIMIT = 0.01
"""Share of a rate that the timing loop may cost before it is written down."""
OPEN = {
    "interval_too_wide": Reason.INTERVAL_TOO_WIDE,
    "drifting": Reason.DRIFTING,
    "shifted": Reason.SHIFTED,
    "unsettled": Reason.INTERVAL_TOO_WIDE,
    "window_not_covered": Reason.WINDOW_NOT_COVERED,
    "too_few_processes": Reason.TOO_FEW_PROCESSES,
}
"""Why the numbers alone leave a rate open."""
MORE_HELPS = frozenset({"interval_too_wide", "unsettled", "window_not_covered", "too_few_processes"})
"""The ones among them that more measuring would probably end."""


def judge_throughput(case: Case) -> Iterator[ClauseVerdict]:
    """The sustained rate of each regime."""
    for regime in case.claim.regimes:
        claimed = present(regime.performance.sustained)
        if claimed is None:
            continue
        run = case.run(regime)
        notes: tuple[str, ...] = ()
        measured: str | None = None
        interval: Interval | None = None
        if isinstance(run, SustainedRun):
            analysis = analysed(run, claimed.window.base, added=case.rounds_added)
            if analysis is not None:
                measured = _measured(run, analysis, claimed.rate.unit)
                interval = bounds(analysis.sustained, claimed.rate.unit, METHOD)
                notes = _notes(run, analysis, claimed)
            finding = other_load(case.claim, run, claimed.rate.unit) or _found(case, regime, run, claimed, analysis)
        else:
            finding = run
        differences = case.differences(regime, run.sha256 if isinstance(run, SustainedRun) else None)
        yield clause(
            ClauseKind.THROUGHPUT,
            regime.name,
            gate(ClauseKind.THROUGHPUT, finding, differences),
            title=f"Sustained rate of regime {regime.name}",
            claimed=f"{claimed.rate} over {claimed.window}",
            measured=measured,
            interval=interval,
            tolerance=str(case.claim.reproduction.tolerances.throughput),
            rule=ARRIVALS_RULE if case.claim.load.scenario == "server" else RULE,
            notes=(*notes, *disturbance_notes(case, regime.name), *deviations(ClauseKind.THROUGHPUT, differences)),
        )


def analysed(run: SustainedRun, window: float, *, added: int = 0) -> RateAnalysis | None:
    """The rate of a run whose claim declares ``window`` seconds; `None` for too few blocks.

    ``added``: rounds that were measured because the ones before left a clause open.
    """
    blocks = usable(run)
    if len(blocks) < FEWEST_BLOCKS:
        return None
    return analyse(
        [b.items for b in blocks],
        [b.seconds for b in blocks],
        declared_s=window,
        processes=[b.process for b in blocks],
        added=added,
        alpha=1.0 - COVERAGE,
    )


def rate_decision(case: Case, run: SustainedRun, claimed: Sustained) -> RateDecision | None:
    """What the numbers alone say of a claimed rate; `None` for too few blocks."""
    analysis = analysed(run, claimed.window.base, added=case.rounds_added)
    return None if analysis is None else _decided(case, run, claimed, analysis)


def _decided(case: Case, run: SustainedRun, claimed: Sustained, analysis: RateAnalysis) -> RateDecision:
    return decide(
        analysis,
        claimed=claimed.rate.base,
        tolerance=case.claim.reproduction.tolerances.throughput.base,
        covered_s=run.window_s,
        declared_s=claimed.window.base,
        equilibrium=equilibrium(case) is not None,
    )


def _found(case: Case, regime: Regime, run: SustainedRun, claimed: Sustained, analysis: RateAnalysis | None) -> Finding:
    """By the arrivals where they came at random, else by the rate."""
    loop = run.load.open_loop if run.load is not None else None
    if loop is None:
        return _throughput(case, regime, run, claimed, analysis)
    finding = judge_arrivals(run, claimed, loop)
    if finding[0] is not Reason.HELD_OVER_WINDOW:
        return finding
    reason, why = _confirmed(case, regime, run, early=False)
    return finding if reason is finding[0] else (reason, f"{finding[1]} {why}")


def _throughput(
    case: Case, regime: Regime, run: SustainedRun, claimed: Sustained, analysis: RateAnalysis | None
) -> Finding:
    if analysis is None:
        return Reason.INTERVAL_TOO_WIDE, "Fewer than four timed blocks: no interval can be given."
    tolerance = case.claim.reproduction.tolerances.throughput.base
    decision = _decided(case, run, claimed, analysis)
    words = decision_words(decision, claimed.rate.unit)
    if decision.answer is Answer.REPRODUCED:
        reason, why = _confirmed(case, regime, run, early=decision.early)
        return reason, f"{words} {why}"
    if decision.answer is Answer.REFUTED and decision.most is not None:
        if generator_limits(run):
            return Reason.EVIDENCE_TOO_WEAK, f"{words} The load generator itself may be what limits the rate."
        share = decision.most / max(1.0 - overhead(run), 1e-9) / claimed.rate.base
        return refutable(case, regime.name, share, tolerance, REPEATABILITY, words)
    reasons = disturbances(case)
    if reasons:
        return Reason.HOST_DISTURBED, f"{words} The host was disturbed: {'; '.join(reasons)}."
    return OPEN.get(decision.code, Reason.INTERVAL_TOO_WIDE), words + cost(decision)


def _confirmed(case: Case, regime: Regime, run: SustainedRun, *, early: bool) -> Finding:
    """What a rate that was reached is worth."""
    tolerance = case.claim.reproduction.tolerances.throughput.base
    against = barred(case, regime.name, tolerance)
    if against is not None:
        return Reason.HOST_DISTURBED, f"It is not known what was measured: {against}."
    faster = faster_machine(case, tolerance)
    if faster is not None:
        return Reason.MACHINE_FASTER, faster
    fresh = run.load.fresh_inputs if run.load is not None else None
    if fresh is not None and fresh.high is not None and fresh.high < 1.0 - tolerance:
        words = f"inputs that a fresh seed draws run at {percent(fresh.value)} of the rate on the claim's own"
        return Reason.EVIDENCE_TOO_WEAK, f"The rate may be tuned to its inputs: {words}."
    if early:
        return Reason.HELD_AT_EQUILIBRIUM, f"Confirmed early, at thermal equilibrium: {equilibrium(case)}."
    return Reason.HELD_OVER_WINDOW, f"It held over {number(run.window_s)} s."


def decision_words(decision: RateDecision, unit: str) -> str:
    """Value, bounds and limit of a decision, in a sentence."""
    if decision.value is None or decision.low is None or decision.high is None:
        if decision.low is None or decision.high is None:
            return f"No level can be given; limit {number(decision.limit)} {unit}."
        return (
            f"The rate moves between {number(decision.low)} and {number(decision.high)}, "
            f"limit {number(decision.limit)} {unit}."
        )
    return (
        f"Measured {number(decision.value)}, 95 % interval {number(decision.low)} to {number(decision.high)}, "
        f"limit {number(decision.limit)} {unit}."
    )


def cost(decision: RateDecision) -> str:
    """What it would take to decide, in words; nothing where no time would."""
    seconds = more_seconds(decision)
    if seconds is None:
        return ""
    size, unit = next((s, u) for s, u in ((3600.0, "h"), (60.0, "min"), (0.0, "s")) if seconds >= 2.0 * s)
    return f" About {number(seconds / (size or 1.0), 2)} {unit} more of each regime would probably decide it."


def more_seconds(decision: RateDecision) -> float | None:
    """Further seconds of the regime that would probably decide it; `None` where no time would."""
    if decision.answer is not Answer.OPEN or decision.code not in MORE_HELPS or decision.more_s is None:
        return None
    return decision.more_s if math.isfinite(decision.more_s) else None


def _measured(run: SustainedRun, analysis: RateAnalysis, unit: str) -> str | None:
    if analysis.sustained is not None:
        return f"{number(analysis.sustained.value)} {unit} over {run.window_s:.0f} s"
    if analysis.range_low is None or analysis.range_high is None:
        return None
    return f"{number(analysis.range_low)} to {number(analysis.range_high)} {unit} over {run.window_s:.0f} s"


def _notes(run: SustainedRun, analysis: RateAnalysis, claimed: Sustained) -> tuple[str, ...]:
    """What the rate did, beside the verdict."""
    unit = claimed.rate.unit
    notes = [
        f"the rate jumped from {number(s.before)} to {number(s.after)} {unit} after {s.at_s:.0f} s"
        for s in analysis.shifts
    ]
    if analysis.shifts and analysis.initial is not None:
        notes.append(f"initial rate {number(analysis.initial)} {unit}; sustained is the last plateau")
    if analysis.state is RateState.DRIFTING and analysis.drift is not None:
        notes.append(f"drift of {percent(analysis.drift.per_window)} over the claim's window")
    if analysis.truncated_s > 0:
        notes.append(f"the first {analysis.truncated_s:.0f} s were still settling and do not count")
    if analysis.processes is not None and analysis.processes.relative_sd > 0:
        notes.append(
            f"fresh processes differ by {percent(analysis.processes.relative_sd)} beyond the noise within them"
        )
    if analysis.sustained is not None and analysis.sustained.low > claimed.rate.base * 1.05:
        notes.append(f"measured {percent(analysis.sustained.value / claimed.rate.base - 1.0)} above the claim")
    return (*notes, *_load_notes(run))


def _load_notes(run: SustainedRun) -> Iterator[str]:
    """What the making of the load cost."""
    if run.load is None:
        if run.overhead_share is not None and run.overhead_share > OVERHEAD_LIMIT:
            yield f"the timing loop takes {percent(run.overhead_share)} of a call"
        return
    bare, headroom = run.load.bare_loop, run.load.generator_headroom
    if bare is not None and bare.low is not None and bare.low > OVERHEAD_LIMIT:
        yield f"the timed loop loses {percent(bare.value)} of the rate against a bare one"
    if headroom < SHORT_HEADROOM:
        yield f"the load generator alone makes only {number(headroom, 2)} times as many calls"


def bounds(estimate: Estimate | None, unit: str, method: str) -> Interval | None:
    """An estimate as a record prints it; `None` where it has no bounds."""
    if estimate is None or not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return None
    return Interval(low=estimate.low, high=estimate.high, unit=unit, coverage=COVERAGE, method=method)
