"""Judges of speed: sustained rate, gain over the reference, latency.

What can make a true claim look false is other load, a slower or warmer machine, another sample of the product, and a
memory system that neighbours share. A refutation must rule them out, so that it needs more than a low number: the same
hardware and runtime, a quiet host, a witness for the machine, and a shortfall beyond what two runs on one machine may
differ by. A confirmation needs only the number: noise can only slow a run down.

Longer than other files: rate, gain and latency share the question whether a machine may be blamed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.throughput import Comparison, Latency, Sustained
from verifier.evidence import Block, Quantile, SustainedRun
from verifier.judge.accuracy import half_unit
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number, percent
from verifier.judge.disturbance import disturbances, slower_machine, unwatched, witness
from verifier.judge.platform import tool_differences
from verifier.statistics import COVERAGE, Estimate, drift, rate_interval, ratio_interval
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason

REPEATABILITY = 0.05
"""Two runs of one program on one quiet machine may differ by this much (placement of memory, day, boot): a smaller
shortfall refutes nothing, whatever tolerance the claim sets itself."""
PROBE_ALONE = 0.20
"""Shortfall that the speed probe alone can vouch for: it fits into a cache, and neighbours may slow the memory."""
OTHER_SAMPLE = 0.15
"""Shortfall that two machines of one product may differ by (memory modules, cooling, firmware)."""
UNSEEN_NEIGHBOURS = 0.15
"""Shortfall that other guests of a virtual host may cause through shared caches and memory, which no counter of the
guest shows and which hits one regime more than the other."""
WINDOW_SHARE = 0.99
"""Share of the claim's window that counts as all of it."""
TAIL_FLOORS = {0.5: REPEATABILITY, 0.9: 0.25, 0.99: 1.0}
"""The same for latency percentiles: single interruptions of the host make the tail."""
UNCLAIMED = frozenset({"up_to", "theoretical"})
"""Qualifiers of a gain that promise nothing about this load."""

RATE_RULE = (
    "95 % interval of the mean rate by batch means over blocks. Reproduced if its lower bound, and the last third "
    "of the run, reach the claimed rate less the tolerance over the claim's whole window. Refuted if the upper "
    "bound lies below it, on the same hardware and runtime version, on a quiet host, with the speed probe or "
    "another regime showing that the machine performs as claimed, and by more than 5 % (15 % on a virtual host or "
    "another machine of the product, 20 % with the probe as only witness). Otherwise inconclusive."
)
GAIN_RULE = (
    "95 % interval of the mean logarithm of the ratio of neighbouring blocks. Reproduced if its lower bound "
    "reaches the claimed gain less the tolerance; refuted if the upper bound lies below it by more than 5 % (15 % "
    "on a virtual host or another machine) on the same hardware and runtime version and a quiet host; refuted "
    "anywhere if the published gain exceeds the ratio of the claim's own rates beyond the tolerance and rounding. On a "
    "disturbed host the gain must be reached as well in the half of the rounds in which the reference ran fastest."
)
LATENCY_RULE = (
    "Exact binomial 95 % bounds of each percentile. Reproduced if every upper bound is within the tolerance; "
    "refuted if a lower bound exceeds it under the conditions of the rate, and p90 by more than 25 %, p99 by more "
    "than 100 %. Otherwise inconclusive."
)


def judge_throughput(case: Case) -> Iterator[ClauseVerdict]:
    """The sustained rate of each regime."""
    for regime in case.claim.regimes:
        claimed = present(regime.performance.sustained)
        if claimed is None:
            continue
        run = case.run(regime)
        notes: list[str] = []
        estimate: Estimate | None = None
        if isinstance(run, SustainedRun):
            estimate = _rate(run)
            notes = _run_notes(run, estimate, claimed)
            finding = _other_load(case.claim, run, claimed.rate.unit) or _throughput(
                case, regime, run, claimed, estimate
            )
        else:
            finding = run
        differences = case.differences(regime, run.sha256 if isinstance(run, SustainedRun) else None)
        yield clause(
            ClauseKind.THROUGHPUT,
            regime.name,
            gate(ClauseKind.THROUGHPUT, finding, differences),
            title=f"Sustained rate of regime {regime.name}",
            claimed=f"{claimed.rate} over {claimed.window}",
            measured=f"{number(estimate.value)} {claimed.rate.unit} over {run.window_s:.0f} s"
            if estimate and isinstance(run, SustainedRun)
            else None,
            interval=_bounds(estimate, claimed.rate.unit, "batch means over blocks, t interval"),
            tolerance=str(case.claim.reproduction.tolerances.throughput),
            rule=RATE_RULE,
            notes=(*notes, *deviations(ClauseKind.THROUGHPUT, differences)),
        )


def _throughput(  # noqa: PLR0911 - one return per outcome of the rule
    case: Case, regime: Regime, run: SustainedRun, claimed: Sustained, estimate: Estimate | None
) -> Finding:
    if estimate is None:
        return Reason.INTERVAL_TOO_WIDE, "Fewer than four timed blocks: no interval can be given."
    tolerance = case.claim.reproduction.tolerances.throughput.base
    limit = claimed.rate.base * (1.0 - tolerance)
    last = _rate(run, last_third=True)
    words = (
        f"Measured {number(estimate.value)}, 95 % interval {number(estimate.low)} to {number(estimate.high)}, "
        f"limit {number(limit)} {claimed.rate.unit}."
    )
    if estimate.low >= limit:
        if last is not None and last.value < limit:
            return (
                Reason.DRIFTING,
                f"{words} The rate fell, and its last third ({number(last.value)}) is below the limit.",
            )
        if run.window_s < WINDOW_SHARE * claimed.window.base:
            return Reason.WINDOW_NOT_COVERED, f"{words} It was measured over {run.window_s:.0f} s only."
        return Reason.HELD_OVER_WINDOW, f"{words} It held over {number(run.window_s)} s."
    if estimate.high < limit and last is not None and last.value >= limit:
        return Reason.DRIFTING, f"{words} The rate rose, and its last third ({number(last.value)}) reaches the limit."
    if estimate.high < limit:
        overhead = min(max(run.overhead_share or 0.0, 0.0), 1.0)
        high = estimate.high / max(1.0 - overhead, 1e-9)
        return _refutable(case, regime.name, high / claimed.rate.base, tolerance, REPEATABILITY, words)
    reasons = disturbances(case)
    if reasons:
        return Reason.HOST_DISTURBED, f"{words} The host was disturbed: {'; '.join(reasons)}."
    return Reason.INTERVAL_TOO_WIDE, words


def _refutable(case: Case, regime: str, share: float, tolerance: float, floor: float, words: str) -> Finding:
    """Whether a shortfall refutes: ``share`` is the most that was reached of the claimed value, in rates."""
    reasons = disturbances(case)
    if reasons:
        return Reason.HOST_DISTURBED, f"{words} The host was disturbed: {'; '.join(reasons)}."
    if unwatched(case):
        return Reason.NO_WITNESS, f"{words} The host was not watched, so that other load cannot be excluded."
    found = witness(case, regime, tolerance)
    if found is None:
        return Reason.NO_WITNESS, f"{words} The claim states no speed probe, and no other regime's rate was reproduced."
    slower = slower_machine(found, tolerance)
    if slower is not None:
        return Reason.MACHINE_SLOWER, f"{words} {slower}"
    allowance = _allowance(case, tolerance, floor, 0.0 if found.held else PROBE_ALONE)
    if share >= found.factor * (1.0 - allowance):
        return (
            Reason.EVIDENCE_TOO_WEAK,
            f"{words} A shortfall within {percent(allowance)} can have innocent causes here ({found.words}).",
        )
    return Reason.BELOW_CLAIM, f"{words} The host was quiet, and {found.words}."


def _other_load(claim: Claim, run: SustainedRun, unit: str) -> Finding | None:
    """Why the run says nothing about the claim's load; `None` if it was the same."""
    load = claim.load
    if load.scenario == "server":
        return Reason.NOT_IMPLEMENTED, "Arrivals at random are not implemented."
    declared = (load.item, load.batch, load.concurrency)
    if (run.item, run.batch, run.concurrency) != declared or unit != f"{load.item}/s":
        here = f"{run.item} at batch {run.batch} and concurrency {run.concurrency}"
        there = f"{unit} at batch {load.batch} and concurrency {load.concurrency}"
        return Reason.NOT_REACHED, f"The run measured {here}; the claim's rate is in {there}."
    return None


def _usable(run: SustainedRun) -> list[Block]:
    return [b for b in run.blocks if b.seconds > 1e-6 and 0 <= b.items < 10**15]


def _rate(run: SustainedRun, *, last_third: bool = False) -> Estimate | None:
    blocks = _usable(run)
    if last_third:
        rest = blocks[-max(1, len(blocks) // 3) :]
        seconds = sum(b.seconds for b in rest)
        value = sum(b.items for b in rest) / seconds if rest and seconds > 0 else None
        return None if value is None else Estimate(value=value, low=value, high=value)
    return rate_interval([b.items for b in blocks], [b.seconds for b in blocks])


def _run_notes(run: SustainedRun, estimate: Estimate | None, claimed: Sustained) -> list[str]:
    blocks = _usable(run)
    change = drift([b.items for b in blocks], [b.seconds for b in blocks])
    notes = [f"drift from the first to the last third {percent(change)}"]
    if estimate is not None and estimate.low > claimed.rate.base * 1.05:
        notes.append(f"measured {percent(estimate.value / claimed.rate.base - 1.0)} above the claim")
    if run.overhead_share is not None and run.overhead_share > 0.01:
        notes.append(f"the timing loop takes {percent(run.overhead_share)} of a call")
    return notes


def _bounds(estimate: Estimate | None, unit: str, method: str) -> Interval | None:
    if estimate is None or not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return None
    return Interval(low=estimate.low, high=estimate.high, unit=unit, coverage=COVERAGE, method=method)


def judge_speedup(case: Case) -> Iterator[ClauseVerdict]:
    """Each published gain, and that which the rates imply, against what was measured."""
    implied = tuple(_implied(case))
    for comparison in (*case.claim.comparisons, *implied):
        gain = present(comparison.throughput_gain)
        fast, slow = case.claim.regime(comparison.quantized), case.claim.regime(comparison.reference)
        if gain is None or fast is None or slow is None:
            continue
        estimate = _gain(case, fast, slow)
        differences = case.hardware
        for regime in (fast, slow):
            run = case.run(regime)
            model = run.sha256 if isinstance(run, SustainedRun) else None
            differences += tool_differences(regime, case.evidence, model=model)
        own = _contradiction(case.claim, comparison, fast, slow)
        finding = own or gate(
            ClauseKind.SPEEDUP, _speedup(case, comparison, fast, slow, gain.base, estimate), differences
        )
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
            measured=f"{number(estimate.value)} x" if estimate else None,
            interval=_bounds(estimate, "x", "log ratio of neighbouring blocks, t interval"),
            tolerance=str(case.claim.reproduction.tolerances.speedup),
            rule=GAIN_RULE,
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
    if gain.base - rounding <= ratio * (1.0 + claim.reproduction.tolerances.speedup.base) + 1e-9:
        return None
    return (
        Reason.SELF_CONTRADICTORY,
        f"The claim publishes {gain}, but its own rates, {rates[0].rate} and {rates[1].rate}, give {number(ratio)} x.",
    )


def _gain(case: Case, fast: Regime, slow: Regime, *, calm: bool = False) -> Estimate | None:
    """Ratio of each block to the nearest block of the other regime in the same round, on the logarithm.

    ``calm`` takes the half of the rounds in which the slower regime ran fastest.
    """
    first, second = case.run(fast), case.run(slow)
    if not isinstance(first, SustainedRun) or not isinstance(second, SustainedRun):
        return None
    a, b = _usable(first), _usable(second)
    if len(a) != len(b):
        return None
    pairs = [(x.items / x.seconds, y.items / y.seconds) for x, y in zip(a, b, strict=True)]
    if any(x <= 0 or y <= 0 for x, y in pairs):
        return None
    if calm:
        pairs = sorted(pairs, key=lambda pair: pair[1])[len(pairs) // 2 :]
    return ratio_interval([math.log(x) - math.log(y) for x, y in pairs])


def _speedup(  # noqa: PLR0911 - one return per outcome of the rule
    case: Case, comparison: Comparison, fast: Regime, slow: Regime, gain: float, estimate: Estimate | None
) -> Finding:
    if comparison.system != "same":
        return Reason.OTHER_HARDWARE, "The claim took the reference's rate on another system."
    for regime in (fast, slow):
        run = case.run(regime)
        if not isinstance(run, SustainedRun):
            return run
        other = _other_load(case.claim, run, f"{case.claim.load.item}/s")
        if other is not None:
            return other
    if estimate is None:
        return (
            Reason.INTERVAL_TOO_WIDE,
            "The timed blocks of the two regimes cannot be paired: no interval can be given.",
        )
    limit = gain * (1.0 - case.claim.reproduction.tolerances.speedup.base)
    words = (
        f"Measured {number(estimate.value)} x, 95 % interval {number(estimate.low)} to {number(estimate.high)}, "
        f"limit {number(limit)} x."
    )
    if estimate.low >= limit:
        short = _unfit(case, fast, slow, limit)
        if short is not None:
            return short[0], f"{words} {short[1]}"
        better = estimate.low > gain
        return (Reason.BETTER_THAN_CLAIMED if better else Reason.WITHIN_TOLERANCE), words
    if comparison.qualifier in UNCLAIMED:
        promise = f"A gain {comparison.qualifier.replace('_', ' ')} promises nothing about this load."
        return Reason.NOT_CLAIMED, f"{words} {promise}"
    return _short_gain(case, estimate.high / gain, wide=estimate.high >= limit, words=words)


def _unfit(case: Case, fast: Regime, slow: Regime, limit: float) -> Finding | None:
    """Why a gain that was reached is not confirmed all the same; noise can raise a ratio, other than a rate.

    Noise that slows the reference more than the other raises the ratio. Under a disturbance the gain must therefore be
    reached in those rounds, too, in which the reference ran fastest.
    """
    a, b = present(fast.toolchain.runtime), present(slow.toolchain.runtime)
    if a and b and (a.name, a.version, a.provider, a.options) != (b.name, b.version, b.provider, b.options):
        return Reason.EVIDENCE_TOO_WEAK, "The regimes are declared with other runtimes or session options."
    reasons = disturbances(case)
    calm = _gain(case, fast, slow, calm=True) if reasons else None
    if reasons and (calm is None or calm.low < limit):
        return Reason.HOST_DISTURBED, f"The host was disturbed, which can raise a ratio: {'; '.join(reasons)}."
    for regime in (fast, slow):
        run, claimed = case.run(regime), present(regime.performance.sustained)
        if isinstance(run, SustainedRun) and claimed and run.window_s < WINDOW_SHARE * claimed.window.base:
            return Reason.WINDOW_NOT_COVERED, f"It was measured over {number(run.window_s)} s only."
    return None


def _short_gain(case: Case, share: float, *, wide: bool, words: str) -> Finding:
    """Whether a gain that was not reached refutes: ``share`` is the most that was reached of it."""
    reasons = disturbances(case)
    if reasons:
        return Reason.HOST_DISTURBED, f"{words} The host was disturbed: {'; '.join(reasons)}."
    if wide:
        return Reason.INTERVAL_TOO_WIDE, words
    if unwatched(case):
        return Reason.NO_WITNESS, f"{words} The host was not watched, so that other load cannot be excluded."
    allowance = _allowance(case, case.claim.reproduction.tolerances.speedup.base)
    if share >= 1.0 - allowance:
        return (
            Reason.EVIDENCE_TOO_WEAK,
            f"{words} A shortfall within {percent(allowance)} can have innocent causes here.",
        )
    return Reason.BELOW_CLAIM, f"{words} Both regimes ran interleaved on a quiet host."


def _allowance(case: Case, *floors: float) -> float:
    """Shortfall that innocent causes may explain here; below 1, so that a gross one is always seen."""
    unseen = 0.0 if case.evidence.host.virtualization.casefold() == "none" else UNSEEN_NEIGHBOURS
    sample = 0.0 if case.on_same_machine else OTHER_SAMPLE
    return min(max(REPEATABILITY, unseen, sample, *floors), 0.95)


def judge_latency(case: Case) -> Iterator[ClauseVerdict]:
    """The latency percentiles of each regime."""
    for regime in case.claim.regimes:
        claimed = present(regime.performance.latency)
        if claimed is None:
            continue
        run = case.run(regime)
        rows = _percentiles(claimed, run) if isinstance(run, SustainedRun) else ()
        if isinstance(run, SustainedRun):
            finding = _other_load(case.claim, run, f"{case.claim.load.item}/s") or _latency(case, regime, rows)
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
            rule=LATENCY_RULE,
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


def _latency(case: Case, regime: Regime, rows: tuple[tuple[float, Quantile], ...]) -> Finding:
    claimed = present(regime.performance.latency)
    if claimed is None or len(rows) < len(_stated(claimed)):
        return Reason.NOT_REACHED, "The run has no value for every claimed percentile."
    tolerance = case.claim.reproduction.tolerances.latency.base
    undecided: list[str] = []
    for stated, found in rows:
        limit = stated * (1.0 + tolerance)
        words = f"p{found.p * 100:.0f}: measured {found.value_s * 1e3:.4g} ms, limit {limit * 1e3:.4g} ms."
        if found.low_s is not None and found.low_s > limit:
            share = stated / found.low_s
            floor = TAIL_FLOORS[min(TAIL_FLOORS, key=lambda p: abs(p - found.p))]
            finding = _refutable(case, regime.name, share, tolerance, 1.0 - 1.0 / (1.0 + floor), words)
            if finding[0] is Reason.BELOW_CLAIM:
                return finding
            undecided.append(finding[1])
        elif found.high_s is None:
            return Reason.TOO_FEW_ITEMS, f"{words} Too few calls for an upper bound."
        elif found.high_s > limit:
            undecided.append(words)
    if not undecided:
        return Reason.WITHIN_TOLERANCE, "All percentiles, with their bounds, are within the tolerance."
    text = " ".join(undecided[:2])
    return (Reason.HOST_DISTURBED if disturbances(case) else Reason.INTERVAL_TOO_WIDE), text
