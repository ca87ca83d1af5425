"""What a rate or latency worse than claimed proves: whether a machine, its neighbours or chance may be blamed instead.

What can make a true claim look false is other load, a slower or warmer machine, another sample of the product, and a
memory system that neighbours share. A refutation must rule them out, so that it needs more than a low number: the same
hardware and runtime, a quiet host, a witness for the machine, and a shortfall beyond what two runs on one machine may
differ by. A confirmation needs less, since noise can only slow a run down: no recorded disturbance that could explain
more than the tolerance, for then it is not known what was measured.
"""

from __future__ import annotations

from lynxspec.claim import Claim
from verifier.evidence import Block, SustainedRun
from verifier.judge.case import Case
from verifier.judge.clause import Finding, percent
from verifier.judge.disturbance import (
    REPEATABILITY,
    WITNESS_TOLERANCE,
    barred,
    disturbances,
    slower_machine,
    unwatched,
    witness,
)
from verifier.schedule import LONGEST_S
from verifier.verdict import Reason

SHORT_HEADROOM = 20.0
"""Calls per second of the load generator alone over the measured ones, below which it may be what limits the rate."""
PROBE_ALONE = 0.20
"""Shortfall that the speed probe alone can vouch for: it fits into a cache, and neighbours may slow the memory."""
OTHER_SAMPLE = 0.15
"""Shortfall that two machines of one product may differ by (memory modules, cooling, firmware)."""
UNSEEN_NEIGHBOURS = 0.15
"""Shortfall that other guests of a virtual host may cause through shared caches and memory, which no counter of the
guest shows and which hits one regime more than the other."""


def refutable(  # noqa: PLR0911 - one return per innocent cause
    case: Case, regime: str, share: float, tolerance: float, floor: float, words: str
) -> Finding:
    """Whether a shortfall refutes: ``share`` is the most that was reached of the claimed value, in rates."""
    reasons = disturbances(case)
    if reasons:
        return Reason.HOST_DISTURBED, f"{words} The host was disturbed: {'; '.join(reasons)}."
    against = barred(case, regime, tolerance)
    if against is not None:
        return Reason.HOST_DISTURBED, f"{words} It is not known what was measured: {against}."
    if unwatched(case):
        return Reason.NO_WITNESS, f"{words} The host was not watched, so that other load cannot be excluded."
    # a latency's tolerance is wide: a regime that is a tenth slower than claimed vouches for no machine
    found = witness(case, regime, min(tolerance, WITNESS_TOLERANCE))
    if found is None:
        return Reason.NO_WITNESS, f"{words} The claim states no speed probe, and no other regime's rate was reproduced."
    slower = slower_machine(found, min(tolerance, WITNESS_TOLERANCE))
    if slower is not None:
        return Reason.MACHINE_SLOWER, f"{words} {slower}"
    allowed = allowance(case, tolerance, floor, 0.0 if found.held else PROBE_ALONE)
    if share >= found.factor * (1.0 - allowed):
        return (
            Reason.EVIDENCE_TOO_WEAK,
            f"{words} A shortfall within {percent(allowed)} can have innocent causes here ({found.words}).",
        )
    return Reason.BELOW_CLAIM, f"{words} The host was quiet, and {found.words}."


def generator_limits(run: SustainedRun) -> bool:
    """Whether our own load generator may be what limits the rate, and with it what makes calls wait."""
    return run.load is not None and run.load.generator_headroom < SHORT_HEADROOM


def overhead(run: SustainedRun) -> float:
    """Share of the rate that our loop may have cost, 0..1."""
    bare = run.load.bare_loop if run.load is not None else None
    costs = (run.overhead_share, bare.value if bare is not None else None)
    return min(max((c for c in costs if c is not None), default=0.0), 1.0)


def allowance(case: Case, *floors: float) -> float:
    """Shortfall that innocent causes may explain here; below 1, so that a gross one is always seen."""
    unseen = 0.0 if case.evidence.host.virtualization.casefold() == "none" else UNSEEN_NEIGHBOURS
    sample = 0.0 if case.on_same_machine else OTHER_SAMPLE
    return min(max(REPEATABILITY, unseen, sample, *floors), 0.95)


def other_load(claim: Claim, run: SustainedRun, unit: str) -> Finding | None:
    """Why the run says nothing about the claim's load; `None` if it was the same."""
    load = claim.load
    made = "closed_loop" if run.load is None else run.load.scenario  # older evidence knows no other
    if (load.scenario == "server") != (made == "server"):
        return Reason.NOT_REACHED, f"The run measured the scenario {made}; the claim's is {load.scenario}."
    declared = (load.item, load.batch, load.concurrency)
    if (run.item, run.batch, run.concurrency) != declared or unit != f"{load.item}/s":
        here = f"{run.item} at batch {run.batch} and concurrency {run.concurrency}"
        there = f"{unit} at batch {load.batch} and concurrency {load.concurrency}"
        return Reason.NOT_REACHED, f"The run measured {here}; the claim's rate is in {there}."
    return None


def usable(run: SustainedRun) -> list[Block]:
    """Blocks whose numbers can be: evidence may come from anywhere."""
    return [b for b in run.blocks if 1e-6 < b.seconds <= LONGEST_S and 0 <= b.items < 10**15]
