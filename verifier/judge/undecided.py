"""Which rates and gains are still open, and for how much more measuring."""

from __future__ import annotations

from dataclasses import dataclass

from lynxspec.claim import present
from verifier.evidence import SustainedRun
from verifier.judge.case import Case
from verifier.judge.disturbance import disturbances
from verifier.judge.shortfall import other_load
from verifier.judge.speedup import gain_decision
from verifier.judge.throughput import more_seconds, rate_decision
from verifier.statistics import RateDecision
from verifier.verdict import ClauseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A clause that more measuring would probably decide."""

    clause: str
    """Its id, as in a `ClauseVerdict`."""
    seconds: float
    """Further counted seconds of each regime, were value and noise to stay as they are."""


def undecided(case: Case) -> tuple[Undecided, ...]:
    """Rates and gains that the evidence so far leaves open and more of it would decide, cheapest first.

    None on a disturbed host: more of the same noise decides nothing.
    """
    if disturbances(case):
        return ()
    found: list[Undecided] = []
    for regime in case.claim.regimes:
        claimed, run = present(regime.performance.sustained), case.run(regime)
        if claimed is None or not isinstance(run, SustainedRun) or other_load(case.claim, run, claimed.rate.unit):
            continue
        found += _open(f"{ClauseKind.THROUGHPUT.value}/{regime.name}", rate_decision(case, run, claimed))
    for comparison in case.claim.comparisons:
        fast, slow = case.claim.regime(comparison.quantized), case.claim.regime(comparison.reference)
        gain = present(comparison.throughput_gain)
        if fast is None or slow is None or gain is None or comparison.system != "same":
            continue
        name = f"{ClauseKind.SPEEDUP.value}/{fast.name}/{slow.name}"
        found += _open(name, gain_decision(case, fast, slow, gain.base))
    return tuple(sorted(found, key=lambda one: one.seconds))


def _open(name: str, decision: RateDecision | None) -> tuple[Undecided, ...]:
    seconds = None if decision is None else more_seconds(decision)
    return () if seconds is None else (Undecided(clause=name, seconds=seconds),)
