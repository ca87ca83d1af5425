"""Judge of the gain of one regime over another: published, or implied by two rates."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.throughput import Comparison
from verifier.evidence import SustainedRun
from verifier.judge.accuracy import half_unit
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number, percent
from verifier.judge.disturbance import (
    WITNESS_TOLERANCE,
    barred,
    disturbances,
    equilibrium,
    faster_machine,
    other_state,
    probed,
    slower_machine,
    unwatched,
    witness,
)
from verifier.judge.platform import tool_differences
from verifier.judge.shortfall import allowance, generator_limits, other_load, overhead, usable
from verifier.judge.throughput import FEWEST_BLOCKS, OPEN, bounds, cost, decision_words
from verifier.statistics import COVERAGE, Answer, RateAnalysis, RateDecision, analyse_ratio, decide
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

UNCLAIMED = frozenset({"up_to", "theoretical"})
"""Qualifiers of a gain that promise nothing about this load."""
METHOD = "confidence sequence of log ratios"
RULE = (
    "The mean logarithm of the ratio of neighbouring blocks, with a 95 % confidence sequence. Reproduced if its lower "
    "bound reaches the claimed gain less the tolerance over the claim's window; refuted if the upper bound lies below "
    "it by more than 5 % (15 % on a virtual host or another machine) on the same hardware and runtime version and a "
    "quiet host; refuted anywhere if the published gain exceeds the ratio of the claim's own rates beyond the "
    "tolerance and rounding. Confirmed only where the speed probe runs within 8 % of the claim's. On a disturbed host "
    "the gain must be reached as well in the half of the rounds in which the reference ran fastest."
)


def judge_speedup(case: Case) -> Iterator[ClauseVerdict]:
    """Each published gain, and that which the rates imply, against what was measured."""
    implied = tuple(_implied(case))
    for comparison in (*case.claim.comparisons, *implied):
        gain = present(comparison.throughput_gain)
        fast, slow = case.claim.regime(comparison.quantized), case.claim.regime(comparison.reference)
        if gain is None or fast is None or slow is None:
            continue
        analysis = _gain(case, fast, slow)
        differences = case.hardware
        for regime in (fast, slow):
            run = case.run(regime)
            model = run.sha256 if isinstance(run, SustainedRun) else None
            differences += tool_differences(regime, case.evidence, model=model)
        own = _contradiction(case.claim, comparison, fast, slow)
        finding = own or gate(ClauseKind.SPEEDUP, _speedup(case, comparison, fast, slow, gain.base), differences)
        if comparison in implied and finding[0] is Reason.BELOW_CLAIM:
            words = "The claim publishes no gain; its two rates imply one that was not reached."
            finding = Reason.EVIDENCE_TOO_WEAK, f"{finding[1]} {words}"
        yield clause(
            ClauseKind.SPEEDUP,
            fast.name,
            finding,
            part=slow.name,
            title=f"Throughput gain of regime {fast.name} over {slow.name}",
            claimed=f"implied by the two rates: {gain}"
            if comparison in implied
            else f"{comparison.qualifier.replace('_', ' ')} {gain}",
            measured=_measured(analysis),
            interval=bounds(analysis.sustained, "x", METHOD) if analysis else None,
            tolerance=str(case.claim.reproduction.tolerances.speedup),
            rule=RULE,
            notes=deviations(ClauseKind.SPEEDUP, differences),
        )


def _implied(case: Case) -> Iterator[Comparison]:
    """The gain that two stated rates imply where none is published: an understated reference would flatter it."""
    reference = case.claim.reference
    slow = present(reference.performance.sustained) if reference else None
    stated = {
        (c.quantized, c.reference)
        for c in case.claim.comparisons
        if present(c.throughput_gain) is not None or c.system != "same"
    }
    for regime in case.quantized:
        fast = present(regime.performance.sustained)
        if reference is None or slow is None or fast is None or (regime.name, reference.name) in stated:
            continue
        if slow.rate.base <= 0 or slow.rate.unit != fast.rate.unit:
            continue
        yield Comparison.model_validate(
            {
                "quantized": regime.name,
                "reference": reference.name,
                "throughput_gain": f"{fast.rate.base / slow.rate.base:.6g} x",
                "qualifier": "measured",
                "system": "same",
                "other_system": {"not_applicable": "implied by the two rates"},
            }
        )


def _contradiction(claim: Claim, comparison: Comparison, fast: Regime, slow: Regime) -> Finding | None:
    """The published gain against the ratio of the claim's own rates; needs no measurement."""
    gain = present(comparison.throughput_gain)
    rates = [present(regime.performance.sustained) for regime in (fast, slow)]
    if gain is None or comparison.qualifier in UNCLAIMED or comparison.system != "same":
        return None
    if rates[0] is None or rates[1] is None or rates[1].rate.base <= 0 or rates[0].rate.unit != rates[1].rate.unit:
        return None
    ratio = rates[0].rate.base / rates[1].rate.base
    rounding = min(half_unit(gain.value), 0.025 * gain.base)
    # rates are rounded, too: 1.4 over 0.4 may have been 1.44 over 0.36
    least = rates[1].rate.base - half_unit(rates[1].rate.value)
    most = (rates[0].rate.base + half_unit(rates[0].rate.value)) / least if least > 0 else math.inf
    if gain.base - rounding <= most * (1.0 + claim.reproduction.tolerances.speedup.base) + 1e-9:
        return None
    return (
        Reason.SELF_CONTRADICTORY,
        f"The claim publishes {gain}, but its own rates, {rates[0].rate} and {rates[1].rate}, give {number(ratio)} x.",
    )


def _measured(analysis: RateAnalysis | None) -> str | None:
    if analysis is None or analysis.range_low is None or analysis.range_high is None:
        return None
    if analysis.sustained is not None:
        return f"{number(analysis.sustained.value)} x"
    return f"{number(analysis.range_low)} to {number(analysis.range_high)} x"


def _gain(case: Case, fast: Regime, slow: Regime, *, calm: bool = False) -> RateAnalysis | None:
    """Ratio of each block to the nearest block of the other regime in the same round.

    ``calm`` takes the half of the rounds in which the slower regime ran fastest.
    """
    first, second = case.run(fast), case.run(slow)
    if not isinstance(first, SustainedRun) or not isinstance(second, SustainedRun):
        return None
    a, b = usable(first), usable(second)
    if len(a) != len(b) or any(block.items <= 0 for block in (*a, *b)):
        return None
    pairs = list(zip(a, b, strict=True))
    if calm:
        median = sorted(y.items / y.seconds for _, y in pairs)[len(pairs) // 2]
        pairs = [(x, y) for x, y in pairs if y.items / y.seconds >= median]
    if len(pairs) < FEWEST_BLOCKS:
        return None
    return analyse_ratio(
        ([x.items for x, _ in pairs], [y.items for _, y in pairs]),
        ([x.seconds for x, _ in pairs], [y.seconds for _, y in pairs]),
        declared_s=_window(fast, slow),
        processes=None if calm else [x.process for x, _ in pairs],  # chosen by their rate, not by process
        added=case.rounds_added,
        alpha=1.0 - COVERAGE,
    )


def gain_decision(case: Case, fast: Regime, slow: Regime, gain: float) -> RateDecision | None:
    """What the numbers alone say of a claimed gain; `None` where blocks cannot be paired."""
    analysis, runs = _gain(case, fast, slow), (case.run(fast), case.run(slow))
    covered = [run.window_s for run in runs if isinstance(run, SustainedRun)]
    if analysis is None or len(covered) < len(runs):
        return None
    return decide(
        analysis,
        claimed=gain,
        tolerance=case.claim.reproduction.tolerances.speedup.base,
        covered_s=min(covered),
        declared_s=_window(fast, slow),
        equilibrium=equilibrium(case) is not None,
    )


def _window(*regimes: Regime) -> float:
    """Longest window that a rate of the two is claimed over, in seconds."""
    claimed = (present(regime.performance.sustained) for regime in regimes)
    return max((c.window.base for c in claimed if c is not None), default=0.0)


def _speedup(  # noqa: PLR0911 - one return per outcome of the rule
    case: Case, comparison: Comparison, fast: Regime, slow: Regime, gain: float
) -> Finding:
    if comparison.system != "same":
        return Reason.OTHER_HARDWARE, "The claim took the reference's rate on another system."
    if case.claim.load.scenario == "server":
        return Reason.NOT_IMPLEMENTED, "Under arrivals at a fixed rate both regimes serve what arrives."
    for regime in (fast, slow):
        run = case.run(regime)
        if not isinstance(run, SustainedRun):
            return run
        other = other_load(case.claim, run, f"{case.claim.load.item}/s")
        if other is not None:
            return other
    decision = gain_decision(case, fast, slow, gain)
    if decision is None:
        return (
            Reason.INTERVAL_TOO_WIDE,
            "The timed blocks of the two regimes cannot be paired: no interval can be given.",
        )
    words = decision_words(decision, "x")
    if decision.answer is Answer.REPRODUCED:
        short = _unfit(case, fast, slow, gain)
        if short is not None:
            return short[0], f"{words} {short[1]}"
        better = decision.low is not None and decision.low > gain
        return (Reason.BETTER_THAN_CLAIMED if better else Reason.WITHIN_TOLERANCE), words
    if comparison.qualifier in UNCLAIMED:
        promise = f"A gain {comparison.qualifier.replace('_', ' ')} promises nothing about this load."
        return Reason.NOT_CLAIMED, f"{words} {promise}"
    return _short_gain(case, fast.name, decision, words, _barred(case, fast, slow))


def _unfit(case: Case, fast: Regime, slow: Regime, gain: float) -> Finding | None:
    """Why a gain that was reached is not confirmed all the same; noise can raise a ratio, other than a rate.

    Noise that slows the reference more than the other raises the ratio. Under a disturbance the gain must therefore be
    reached in those rounds, too, in which the reference ran fastest.
    """
    a, b = present(fast.toolchain.runtime), present(slow.toolchain.runtime)
    if a and b and (a.name, a.version, a.provider, a.options) != (b.name, b.version, b.provider, b.options):
        return Reason.EVIDENCE_TOO_WEAK, "The regimes are declared with other runtimes or session options."
    against = _barred(case, fast, slow) or _other_state(case)
    if against is not None:
        return against
    reasons = disturbances(case)
    if not reasons:
        return None
    calm = _gain(case, fast, slow, calm=True)
    limit = gain * (1.0 - case.claim.reproduction.tolerances.speedup.base)
    if calm is None or calm.sustained is None or calm.sustained.low < limit:
        return Reason.HOST_DISTURBED, f"The host was disturbed, which can raise a ratio: {'; '.join(reasons)}."
    return None


def _other_state(case: Case) -> Finding | None:
    """Whether the machine ran at another speed than when the claim was measured: gains then differ in either direction.

    One regime may wait for memory and the other compute. Measured on one virtual machine: 1.95 x where its host let it
    run at 190 GFLOP/s, 2.16 x at 130.
    """
    tolerance = case.claim.reproduction.tolerances.speedup.base
    faster = faster_machine(case, tolerance)
    if faster is not None:
        return Reason.MACHINE_FASTER, faster
    ratio = probed(case)
    if ratio is None or ratio >= 1.0 - other_state(tolerance):
        return None
    words = f"The machine is slower than when the claim was measured: the speed probe ran at {percent(ratio)}."
    return Reason.MACHINE_SLOWER, words


def _barred(case: Case, *regimes: Regime) -> Finding | None:
    """Whether a recorded disturbance of one of the regimes could explain more than the tolerance."""
    tolerance = case.claim.reproduction.tolerances.speedup.base
    for regime in regimes:
        against = barred(case, regime.name, tolerance)
        if against is not None:
            return Reason.HOST_DISTURBED, f"It is not known what was measured of regime {regime.name}: {against}."
    return None


def _short_gain(  # noqa: PLR0911 - one return per innocent cause
    case: Case, fast: str, decision: RateDecision, words: str, against: Finding | None
) -> Finding:
    """Whether a gain that was not shown is refuted."""
    reasons = disturbances(case)
    if reasons:
        return Reason.HOST_DISTURBED, f"{words} The host was disturbed: {'; '.join(reasons)}."
    if decision.answer is not Answer.REFUTED or decision.most is None:
        return OPEN.get(decision.code, Reason.INTERVAL_TOO_WIDE), words + cost(decision)
    if against is not None:
        return against[0], f"{words} {against[1]}"
    run = next((r for r in case.evidence.sustain.runs if r.regime == fast), None) if case.evidence.sustain else None
    if run is None or generator_limits(run):
        return Reason.EVIDENCE_TOO_WEAK, f"{words} The load generator itself may be what limits the faster regime."
    if unwatched(case):
        return Reason.NO_WITNESS, f"{words} The host was not watched, so that other load cannot be excluded."
    # In another state of the machine two regimes slow down by different shares: one may wait for memory, one compute.
    found = witness(case, fast, WITNESS_TOLERANCE)
    if found is None:
        return (
            Reason.NO_WITNESS,
            f"{words} Neither a rate nor a speed probe shows that the machine performs as claimed.",
        )
    slower = slower_machine(found, WITNESS_TOLERANCE)
    if slower is not None:
        return Reason.MACHINE_SLOWER, f"{words} {slower}"
    allowed = allowance(case, case.claim.reproduction.tolerances.speedup.base)
    # what our loop costs takes more from the regime whose calls are shorter
    if decision.most / max(1.0 - overhead(run), 1e-9) / decision.claimed >= 1.0 - allowed:
        return (
            Reason.EVIDENCE_TOO_WEAK,
            f"{words} A shortfall within {percent(allowed)} can have innocent causes here.",
        )
    return Reason.BELOW_CLAIM, f"{words} Both regimes ran interleaved on a quiet host."
