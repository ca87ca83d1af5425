"""What telemetry says about a timed run: who else was there, and did the machine itself perform as claimed."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from lynxspec.claim import present
from verifier.evidence import SustainedRun
from verifier.judge.case import Case
from verifier.judge.clause import number, percent
from verifier.statistics import coefficient_of_variation

STEAL_LIMIT = 0.01
"""Mean share of time that the hypervisor took: with barriers between threads, each percent can cost two."""
FOREIGN_LIMIT = 0.05
"""Mean share of all processors that other processes used: on few processors that is half a thread, now and then."""
PRESSURE_LIMIT = 0.20
"""Mean share of time in which a task waited for a processor: our own sampler and parent cause a few percent."""
PROBE_CV_LIMIT = 0.03
"""Coefficient of variation of the speed probe: an undisturbed machine repeats a matrix product within 1 to 2 %."""
PROBE_TOLERANCE = 0.03
"""Deficit of the probe that counts as agreement, unless the claim's own tolerance is wider."""
WITNESS_TOLERANCE = 0.05
"""Distance of another regime's rate from its claim within which it vouches for the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What vouches for the machine: the factor by which it is slower than claimed, as far as that is known."""

    factor: float
    """Expected rate here over the claimed one, at most 1."""
    held: bool
    """Whether another regime's rate was reproduced; the probe alone does not see memory and caches."""
    words: str


def disturbances(case: Case) -> tuple[str, ...]:
    """Signs of other load during the timed run, in words; empty if the host was quiet."""
    sustained = case.evidence.sustain
    if sustained is None:
        return ()
    found = []
    samples = sustained.host
    if samples:
        steal = sum(s.steal for s in samples) / len(samples)
        foreign = sum(s.foreign for s in samples) / len(samples)
        waits = [s.pressure for s in samples if s.pressure is not None]
        pressure = sum(waits) / len(waits) if waits else 0.0
        for name, value, limit in (
            ("time stolen by the hypervisor", steal, STEAL_LIMIT),
            ("use by other processes", foreign, FOREIGN_LIMIT),
            ("time with tasks waiting for a processor", pressure, PRESSURE_LIMIT),
        ):
            if value > limit:
                found.append(f"{name} {percent(value)} (limit {percent(limit)})")
    variation = coefficient_of_variation(sustained.probe.gflops)
    if variation > PROBE_CV_LIMIT:
        found.append(f"speed probe varies by {percent(variation)} (limit {percent(PROBE_CV_LIMIT)})")
    return tuple(found)


def unwatched(case: Case) -> bool:
    """Whether nothing was recorded about the host, so that a disturbance cannot be excluded."""
    sustained = case.evidence.sustain
    return sustained is None or not sustained.host or len(sustained.probe.gflops) < 2


def witness(case: Case, regime_name: str, tolerance: float) -> Witness | None:
    """Who vouches that the machine performs as when the claim was measured; `None` if nobody does.

    A probe that is slower vouches for nothing: `Witness.factor` then lies below ``1 - tolerance``.
    """
    sustained = case.evidence.sustain
    if sustained is None:
        return None
    factor, words = 1.0, []
    claimed = present(case.claim.hardware.speed_probe)
    probed = claimed is not None and claimed.base > 0 and bool(sustained.probe.gflops)
    if claimed is not None and probed:
        ratio = median(sustained.probe.gflops) / claimed.base
        factor = min(factor, ratio)
        words.append(f"the speed probe ran at {percent(ratio)} of the claim's")
    other = [r for r in (_ratio(case, run) for run in sustained.runs if run.regime != regime_name) if r is not None]
    # A regime that runs much faster than claimed vouches for nothing: an understated rate would hide a slow machine.
    held = [ratio for ratio in other if abs(ratio - 1.0) <= max(tolerance, WITNESS_TOLERANCE)]
    if held:
        factor = min(held)  # a rate that holds is the better witness: a claim can state any figure for the probe
        words.append(f"another regime ran at {percent(min(held))} of its claimed rate")
    if not probed and not held:
        return None
    return Witness(factor=max(factor, 0.0), held=bool(held), words="; ".join(words))


def slower_machine(found: Witness, tolerance: float) -> str | None:
    """Why the machine counts as slower than when the claim was measured; `None` if it does not."""
    if found.factor < 1.0 - max(tolerance, PROBE_TOLERANCE):
        return f"The machine is slower than when the claim was measured: {found.words} ({number(found.factor)})."
    return None


def _ratio(case: Case, run: SustainedRun) -> float | None:
    """A regime's measured rate over its claimed one."""
    regime = case.claim.regime(run.regime)
    claimed = present(regime.performance.sustained) if regime else None
    seconds = sum(b.seconds for b in run.blocks)
    if claimed is None or claimed.rate.base <= 0 or run.status != "ok" or seconds <= 0:
        return None
    return sum(b.items for b in run.blocks) / seconds / claimed.rate.base
