"""What telemetry says about a timed run: who else was there, and did the machine itself perform as claimed."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Literal

from lynxspec.claim import present
from verifier.evidence import SustainedRun, SustainEvidence
from verifier.evidence.telemetry import (
    CLOCK_EVENT_REASONS,
    LIMIT_BITS,
    THROTTLE_BITS,
    During,
    Telemetry,
    Validity,
)
from verifier.judge.case import Case
from verifier.judge.clause import number, percent
from verifier.judge.equilibrium import settled
from verifier.judge.platform import more_power
from verifier.statistics import coefficient_of_variation

STEAL_LIMIT = 0.01
"""Mean share of time that the hypervisor took: with barriers between threads, each percent can cost two."""
FOREIGN_LIMIT = 0.05
"""Mean share of all processors that other processes used: on few processors that is half a thread, now and then."""
PRESSURE_LIMIT = 0.20
"""Mean share of time in which a task waited for a processor: our own sampler and parent cause a few percent."""
THROTTLE_LIMIT = 0.01
"""Share of the rate that throttling may have taken: a machine that is too warm is not the claim's fault."""
PROBE_CV_LIMIT = 0.03
"""Coefficient of variation of the speed probe: an undisturbed machine repeats a matrix product within 1 to 2 %."""
PROBE_TOLERANCE = 0.03
"""Deficit of the probe that counts as agreement, unless the claim's own tolerance is wider."""
REPEATABILITY = 0.05
"""Two runs of one program on one quiet machine may differ by this much (placement of memory, day, boot): a smaller
shortfall refutes nothing, whatever tolerance the claim sets itself."""
BELIEVABLE = 0.4
"""Speed of the probe over the claim's from which on the machine may be in another state: a host with other guests was
seen at 1, 1/1.4 and 1/2. Below it the claim's figure is no measurement of this machine."""
WITNESS_TOLERANCE = 0.05
"""Distance of another regime's rate from its claim within which it vouches for the machine."""
DISTURBED_RUNS_CONFIRM = False
"""Whether a run confirms whose recorded throttling, steal or pressure could explain more than the tolerance."""
ACCELERATORS = frozenset({"gpu", "npu", "tpu", "fpga"})
"""Kinds of hardware whose load, heat and limits no counter of the host shows."""
PROCESSOR = ("cpu", "xnnpack", "wasm")
"""Beginnings of the names of providers that run on the host's processor."""
WORTH_A_NOTE = 0.0005
"""Share of a rate from which a disturbance is written down: the last digit of a percentage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A recorded disturbance, and the most of the rate that it could explain."""

    cause: Literal["steal", "pressure", "memory pressure", "throttling", "quota"]
    recorded: str
    """The figure as recorded, in words."""
    most: float
    """Upper estimate of the share of the rate, 0..1."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.recorded}, which could explain at most {percent(self.most, 2)} of the rate"


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
    slowed = max((x.slowed or 0.0 for x in sustained.telemetry.during), default=0.0) if sustained.telemetry else 0.0
    if slowed > THROTTLE_LIMIT:
        found.append(f"throttling took up to {percent(slowed)} of a rate (limit {percent(THROTTLE_LIMIT)})")
    found += _on_cards(sustained.telemetry) if sustained.telemetry else ()
    variation = coefficient_of_variation(sustained.probe.gflops)
    if variation > PROBE_CV_LIMIT:
        found.append(f"speed probe varies by {percent(variation)} (limit {percent(PROBE_CV_LIMIT)})")
    return tuple(found)


def unwatched(case: Case) -> bool:
    """Whether nothing reliable was recorded about the host, so that a disturbance cannot be excluded."""
    sustained = case.evidence.sustain
    if sustained is None or not sustained.host or len(sustained.probe.gflops) < 2:
        return True
    if case.claim.hardware.kind in ACCELERATORS and not _cards_watched(sustained.telemetry, case.claim.hardware.count):
        return True
    return sustained.telemetry is not None and not sustained.telemetry.valid


def _cards_watched(telemetry: Telemetry | None, count: int) -> bool:
    """Whether as many cards as the claim is about were read throughout; what the host's counters say is not theirs."""
    sources = telemetry.sources if telemetry is not None else ()
    return sum(s.name.startswith("nvml.") and s.status is Validity.OK for s in sources) >= count


def equilibrium(case: Case) -> str | None:
    """The readings that show thermal equilibrium at the end of the run, in words; `None` if none do."""
    if case.evidence.sustain is None:
        return None
    found = settled(case.evidence.sustain, "cpu" if case.claim.hardware.kind == "cpu" else "accelerator")
    return None if isinstance(found, str) else str(found)


def disturbance_shares(case: Case, regime: str) -> tuple[Share, ...]:
    """What was recorded during the regime's blocks (in older evidence, during the stage), each as an upper estimate.

    A call of several threads waits at barriers for the slowest, so that a second that one of them loses is lost to all
    of the call's processors; losses count as never overlapping, and as hitting our processors only.
    """
    sustained = case.evidence.sustain
    run = next((r for r in sustained.runs if r.regime == regime), None) if sustained else None
    if sustained is None or run is None:
        return ()
    telemetry = sustained.telemetry
    here = telemetry.over(regime) if telemetry else None
    processors = max((telemetry.processors if telemetry else 0) or case.evidence.host.logical_cpus, 1)
    measured_by = (telemetry.sampler_share or 0.0) / processors if telemetry and here else 0.0
    spread = _spread(run, processors)
    found = [*_load(here or _whole(sustained), spread, run.concurrency, measured_by)]
    if here is not None and here.memory_pressure:
        figure = f"time with tasks waiting for memory {percent(here.memory_pressure, 2)}"
        found.append(Share(cause="memory pressure", recorded=figure, most=here.memory_pressure))
    if here is not None and here.throttled is not None and here.slowed is not None:
        clock = "" if here.clock_mhz is None else f" at a mean clock of {number(here.clock_mhz)} MHz"
        figure = f"throttling reported in {percent(here.throttled, 2)} of the time, limits of power apart{clock}"
        found.append(Share(cause="throttling", recorded=figure, most=here.slowed))
    if here is not None and here.held_back:
        figure = f"held back by the control group's quota in {percent(here.held_back, 2)} of the time"
        found.append(Share(cause="quota", recorded=figure, most=here.held_back))
    return tuple(found)


def disturbance_share(case: Case, regime: str) -> float:
    """Most of the regime's rate that all recorded disturbances together could explain, 0..1."""
    return min(sum(max(share.most, 0.0) for share in disturbance_shares(case, regime)), 1.0)


def barred(case: Case, regime: str, tolerance: float) -> str | None:
    """Why a run cannot confirm, although it reached the claim; `None` if nothing recorded stands against it.

    A rate that other load lowered may still reach a claim; but then it is not known what was measured.
    """
    if DISTURBED_RUNS_CONFIRM or disturbance_share(case, regime) <= tolerance:
        return None
    found = disturbance_shares(case, regime)
    words = "; ".join(str(share) for share in sorted(found, key=lambda x: -x.most) if share.most > WORTH_A_NOTE)
    return f"{words}: more than the tolerance of {percent(tolerance)}"


def disturbance_notes(case: Case, regime: str) -> tuple[str, ...]:
    """What was recorded and is too small to matter, and what could not be recorded, for a clause's notes."""
    notes = [str(share) for share in disturbance_shares(case, regime) if share.most > WORTH_A_NOTE]
    telemetry = case.evidence.sustain.telemetry if case.evidence.sustain else None
    if telemetry is None:
        return tuple(notes)
    if not telemetry.valid:
        notes.append(f"telemetry is not valid ({telemetry.status.value}): {telemetry.message}")
    notes += (*_on_cards(telemetry), *_reasons(telemetry))
    here = telemetry.over(regime)
    if here is not None and here.throttled is None:
        notes.append("whether the machine throttled is not reported here")
    return tuple(notes)


def _on_cards(telemetry: Telemetry) -> tuple[str, ...]:
    """Faults and other programs on the cards of the measurement."""
    found = []
    for source in telemetry.sources:
        if not source.name.startswith("nvml."):
            continue
        by_name = {reading.name: reading for reading in source.readings}
        for name, words in (("xid", "critical errors (Xid)"), ("ecc_uncorrected", "memory errors beyond correction")):
            if name in by_name and by_name[name].total:
                found.append(f"{source.name} reported {by_name[name].total:.0f} {words}")
        everybody, own = by_name.get("processes"), by_name.get("own_processes")
        # Where none of the processes is known to be ours, the card names them otherwise, and nothing follows.
        if everybody and own and own.high and everybody.mean and own.mean is not None and everybody.mean > own.mean:
            found.append(f"other processes computed on {source.name}")
    return tuple(found)


def _reasons(telemetry: Telemetry) -> tuple[str, ...]:
    """Why cards lowered their clocks, over the whole stage."""
    return tuple(
        f"{source.name} lowered its clock ({CLOCK_EVENT_REASONS.get(bit, hex(bit))}) in {percent(share, 2)} of the time"
        for source in telemetry.sources
        for reading in source.readings
        for bit, share in sorted((int(text, 16), share) for text, share in reading.bits.items())
        if bit & (THROTTLE_BITS | LIMIT_BITS)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Means:
    """The same shares as in `During`, from samples of the whole stage."""

    steal: float | None
    foreign: float | None
    pressure: float | None
    waited: float | None = None


def _whole(sustained: SustainEvidence) -> _Means:
    def mean(values: list[float]) -> float | None:
        return sum(values) / len(values) if values else None

    return _Means(
        steal=mean([s.steal for s in sustained.host]),
        foreign=mean([s.foreign for s in sustained.host]),
        pressure=mean([s.pressure for s in sustained.host if s.pressure is not None]),
    )


def _spread(run: SustainedRun, processors: int) -> float:
    """Share of the rate that is lost with one share of all processors' time: the call's processors over those in use.

    Where the threads of a call are not declared, the runtime takes all processors.
    """
    threads = run.threads.get("intra_op_threads", processors) or processors
    together = min(threads, processors)
    used = min(threads * max(run.concurrency, 1), processors)
    return processors * together / used


def _load(found: During | _Means, spread: float, concurrency: int, measured_by: float) -> list[Share]:
    """Steal, and pressure by the least of three bounds, each of which holds.

    Others make us wait no longer than some task waits at all (PSI), no longer than our threads waited, and no longer
    than others, the sampler included, had processors.
    """
    shares = []
    if found.steal is not None:
        figure = f"time stolen by the hypervisor {percent(found.steal, 2)}"
        shares.append(Share(cause="steal", recorded=figure, most=min(found.steal * spread, 1.0)))
    bounds: list[tuple[float, str]] = []
    if found.pressure is not None:
        bounds.append((found.pressure, f"tasks waited for a processor in {percent(found.pressure, 2)} of the time"))
    if found.foreign is not None:
        figure = f"other processes used {percent(found.foreign, 2)} of all processors"
        bounds.append(((found.foreign + measured_by) * spread, figure))
    if found.waited is not None:
        figure = f"the workers' threads waited {percent(found.waited, 2)} of the time, summed"
        bounds.append((found.waited / max(concurrency, 1), figure))
    if bounds:
        most = min(*(bound for bound, _ in bounds), 1.0)
        shares.append(Share(cause="pressure", recorded=", ".join(figure for _, figure in bounds), most=most))
    return shares


def witness(case: Case, regime_name: str, tolerance: float) -> Witness | None:
    """Who vouches that the machine performs as when the claim was measured; `None` if nobody does.

    A probe that is slower vouches for nothing: `Witness.factor` then lies below ``1 - tolerance``.
    """
    sustained = case.evidence.sustain
    if sustained is None:
        return None
    factor, words = 1.0, []
    ratio = probed(case)
    if ratio is not None:
        factor = min(factor, ratio)
        words.append(f"the speed probe ran at {percent(ratio)} of the claim's")
    others = [run for run in sustained.runs if run.regime != regime_name and _beside(case, run.regime, regime_name)]
    other = [ratio for ratio in (_ratio(case, run) for run in others) if ratio is not None]
    # A regime that runs much faster than claimed vouches for nothing: an understated rate would hide a slow machine.
    held = [ratio for ratio in other if abs(ratio - 1.0) <= max(tolerance, WITNESS_TOLERANCE)]
    if held:
        # A rate that holds is the better witness, since a claim can state any figure for the probe, unless that figure
        # is one that such a machine has in another state: the regime that held may wait for memory, the other compute.
        # One that runs faster than claimed asks no more of the others.
        slower = ratio is not None and BELIEVABLE <= ratio < 1.0 - other_state(tolerance)
        factor = min(factor, *held) if slower else min(1.0, *held)
        words.append(f"another regime ran at {percent(min(held))} of its claimed rate")
    if ratio is None and not held:
        return None
    return Witness(factor=max(factor, 0.0), held=bool(held), words="; ".join(words))


def _beside(case: Case, one: str, other: str) -> bool:
    """Whether two regimes run on the same device: what the processor reaches says nothing of a card."""
    on_processor = []
    for name in (one, other):
        regime = case.claim.regime(name)
        runtime = present(regime.toolchain.runtime) if regime else None
        on_processor.append(runtime is None or runtime.provider.casefold().startswith(PROCESSOR))
    return case.claim.hardware.kind == "cpu" or on_processor[0] == on_processor[1]


def probed(case: Case) -> float | None:
    """Speed of the fixed product here over the claim's; `None` where it says nothing: on a card, or with no figure.

    The product runs on the processor: a card can be held at half its power beside it.
    """
    claimed, sustained = present(case.claim.hardware.speed_probe), case.evidence.sustain
    if case.claim.hardware.kind != "cpu" or claimed is None or claimed.base <= 0:
        return None
    return median(sustained.probe.gflops) / claimed.base if sustained and sustained.probe.gflops else None


def other_state(tolerance: float) -> float:
    """How far the fixed product may lie from the claim's figure before the machine counts as in another state.

    Two runs on one quiet machine may differ by 5 % (a recorded one did, at equal rates), and the product by itself.
    """
    return max(tolerance, REPEATABILITY) + PROBE_TOLERANCE


def faster_machine(case: Case, tolerance: float) -> str | None:
    """Why what was reached confirms nothing: the machine ran faster than when the claim was measured; `None` if not.

    A virtual machine whose neighbours have left can lift an inflated rate over its limit, and rates do not follow the
    product in proportion, so that none can be computed back. A card at a higher limit of power is faster by itself.
    """
    stronger = more_power(case.claim, case.evidence.host)
    if stronger is not None:
        return stronger
    ratio = probed(case)
    if ratio is None or ratio <= 1.0 + other_state(tolerance):
        return None
    return f"The machine is faster than when the claim was measured: the speed probe ran at {percent(ratio)}."


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
