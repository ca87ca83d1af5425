"""`Tally`: what one regime's processes gave, block by block, and the run that comes of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lynxspec.claim import RegimeRecipe, present
from verifier.errors import VerifierError
from verifier.evidence import Block, ItemScores, Quantile, SustainedRun
from verifier.evidence.accuracy import TimedPairs
from verifier.evidence.load import Compared, LoadReport, OpenLoop
from verifier.metrics import outcomes_of, ranking_value
from verifier.reproduction.evaluate import labels_of
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.statistics import burst_quantile_bounds, quantile_bounds, ratio_interval

PERCENTILES = (0.5, 0.9, 0.99)


@dataclass(slots=True)
class Outcomes:
    """Outcomes of the sampled items of one metric, with the truth where it takes all items to give a value."""

    found: list[NDArray[Any]] = field(default_factory=list)
    truth: list[NDArray[Any]] = field(default_factory=list)

    def value(self, kind: str) -> float | None:
        """The metric over the sample; `None` where it is not defined on so few items."""
        found = np.concatenate(self.found)
        if not self.truth:
            return float(found.mean())
        truth = np.concatenate(self.truth)
        if len(np.unique(truth)) < 2 or len(np.unique(found)) < 2:
            return None
        value = ranking_value(kind, found, truth)
        return value if math.isfinite(value) else None


@dataclass(slots=True)
class Tally:
    """What one regime's processes gave, while the stage runs."""

    arrival_rate: float | None
    """Items per second that are to arrive; `None` for a load that does not wait for arrivals."""
    budget_s: float | None
    lead: float
    blocks: list[Block] = field(default_factory=list)
    ends: list[NDArray[np.int64]] = field(default_factory=list)
    durations: list[NDArray[np.int64]] = field(default_factory=list)
    unserved: list[int] = field(default_factory=list)
    """Nanoseconds that arrivals had waited when their block was given up."""
    offered: int = 0
    gave_up: int = 0
    backlog: int = 0
    woken: list[float] = field(default_factory=list)
    capacity: list[tuple[float, float]] = field(default_factory=list)
    """Open loop: rates of closed ones, on inputs of the declared seed and of the fresh one."""
    baseline: int = 0
    peak: int = 0
    """Without the inputs that we laid ready, which are ours and not the model's."""
    laid: int = 0
    kept: int = 0
    """Most bytes of outputs that a block of the current process kept for us."""
    separated: bool = True
    all_inputs: bool = True
    overhead: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    """Shares of the rate that the timed loop lost, stretch by stretch."""
    repeated: list[float] = field(default_factory=list)
    threads: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, Outcomes] = field(default_factory=dict)
    scored: set[int] = field(default_factory=set)
    """Processes of which outputs were scored."""
    timed_items: int = 0
    disagreements: int = 0
    gained: Counter[str] = field(default_factory=Counter)
    """Items right in the timed run and wrong in the evaluation, by metric."""
    lost: Counter[str] = field(default_factory=Counter)

    def count(self, answer: Mapping[str, Any], *, process: int, order: int, fresh: bool) -> None:
        """Take a block in; its file of times is read and removed."""
        self.blocks.append(
            Block(
                process=process,
                order=order,
                start_s=round(answer["start_ns"] / 1e9, 6),
                seconds=float(answer["seconds"]),
                calls=int(answer["calls"]),
                items=int(answer["items"]),
                fresh=fresh,
            )
        )
        times = np.load(answer["latencies_path"], allow_pickle=False)
        self.ends.append(times[0] - int(answer["start_ns"]))
        self.durations.append(times[1])
        self.overhead.append(float(answer["overhead_share"]))
        self.kept = max(self.kept, int(answer["kept_bytes"]))
        Path(answer["latencies_path"]).unlink(missing_ok=True)
        if self.arrival_rate is not None:
            self.offered += int(answer["offered"])
            self.unserved += answer["unserved_ns"]
            self.gave_up += bool(answer["gave_up"])
            self.backlog = max(self.backlog, int(answer["backlog_peak"]))
            if answer["wake_p99_s"] is not None:
                self.woken.append(float(answer["wake_p99_s"]))

    @property
    def calls_per_second(self) -> float:
        """Rate of the regime's own calls so far: of the closed loops where arrivals are what sets the pace."""
        batch = max(sum(b.items for b in self.blocks) / max(sum(b.calls for b in self.blocks), 1), 1.0)
        if self.capacity:
            return float(np.mean(self.capacity)) / batch
        return sum(b.calls for b in self.blocks) / max(sum(b.seconds for b in self.blocks), 1e-9)

    def score(self, job: Job, files: Files, known: ItemScores | None, path: Path, process: int) -> None:
        """Score kept outputs and remove the file: fast and accurate must be one model."""
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        path.unlink(missing_ok=True)
        if known is None or job.document.load.dataset != present(job.document.evaluation.dataset):
            return
        index = arrays.pop("__items__")
        inside = index < known.samples
        index, arrays = index[inside], {name: values[inside] for name, values in arrays.items()}
        labels = {name: values[index] for name, values in labels_of(job, files).items()}
        differs = np.zeros(len(index), dtype=bool)
        for metric in job.document.evaluation.metrics:
            if metric.kind == "other" or metric.name not in known.outcomes:
                continue
            try:
                found, truth = outcomes_of(metric, arrays, labels)
            except VerifierError:
                continue  # what does not fit here did not fit in the evaluation, which says so
            pool = self.outcomes.setdefault(metric.name, Outcomes())
            pool.found.append(found)
            if truth is not None:
                pool.truth.append(truth)
            earlier = np.asarray(known.outcomes_at(job.document.load.batch)[metric.name])[index]
            differs |= ~np.isclose(earlier, found.astype(np.float64), rtol=1e-4, atol=1e-6)
            if truth is None:
                self.gained[metric.name] += int((found > earlier).sum())
                self.lost[metric.name] += int((found < earlier).sum())
        if self.outcomes:
            self.scored.add(process)
            self.timed_items += len(index)
            self.disagreements += int(differs.sum())


def run_of(job: Job, regime: RegimeRecipe, subject: Subject, tally: Tally, *, final: bool) -> SustainedRun:
    """The regime's run so far; times of all calls are kept as a file when it is ``final``."""
    load = job.document.load
    latencies = np.concatenate([*tally.durations, np.array(tally.unserved, np.int64)])
    calls = latencies / 1e9  # in order of time: slow calls come in bursts, and bounds must allow for it
    if not len(calls):
        raise VerifierError(f"no call of regime {regime.name} fell into the counted time: the arrivals are too rare")
    kinds = {metric.name: metric.kind for metric in job.document.evaluation.metrics}
    values = {name: pool.value(kinds[name]) for name, pool in tally.outcomes.items()}
    timed = {name: value for name, value in values.items() if value is not None}
    return SustainedRun(
        regime=regime.name,
        sha256=subject.sha256,
        status="ok",
        message="",
        item=load.item,
        batch=load.batch,
        concurrency=load.concurrency,
        window_s=sum(block.seconds for block in tally.blocks),
        warm_up_s=load.warm_up.base,
        blocks=tuple(tally.blocks),
        bins=_bins(tally, load.batch),
        quantiles=tuple(_quantile(calls, p) for p in PERCENTILES),
        calls=sum(block.calls for block in tally.blocks),
        peak_memory_bytes=tally.peak,
        baseline_memory_bytes=tally.baseline,
        memory_separated=tally.separated,
        threads=tally.threads,
        timed_scores=timed,
        timed_items=tally.timed_items if timed else 0,
        timed_disagreements=tally.disagreements if timed else 0,
        timed_pairs=tuple(
            TimedPairs(metric=name, items=tally.timed_items, gained=tally.gained[name], lost=tally.lost[name])
            for name in sorted(tally.gained)
        ),
        repeated_input_ratio=round(float(np.median(tally.repeated)), 4),
        overhead_share=round(float(np.median(tally.overhead)), 6),
        timestamps_sha256=_keep_times(job, tally) if final else None,
        load=_load_report(job, tally),
    )


def _load_report(job: Job, tally: Tally) -> LoadReport:
    generator = float(np.median(tally.generator))
    return LoadReport(
        scenario=job.document.load.scenario,
        generator_calls_per_second=round(generator, 1),
        generator_headroom=round(generator / max(tally.calls_per_second, 1e-9), 3),
        bare_loop=median_of(tally.bare),
        fresh_inputs=fresh_inputs(tally),
        all_inputs=tally.all_inputs,
        timed_processes=len(tally.scored),
        open_loop=_open_loop(tally),
    )


def median_of(values: Sequence[float]) -> Compared | None:
    """Median with exact binomial bounds: single stretches that another process disturbed do not move it."""
    if not values:
        return None
    value, low, high = quantile_bounds(np.asarray(values, dtype=np.float64), 0.5)
    return Compared(
        value=round(value, 6),
        low=None if low is None else round(low, 6),
        high=None if high is None else round(high, 6),
        pairs=len(values),
    )


def fresh_inputs(tally: Tally) -> Compared | None:
    """Rates of neighbouring stretches, fresh over declared; of arrivals those of the closed loops."""
    pairs = [(fresh, declared) for declared, fresh in tally.capacity]
    if tally.arrival_rate is None:
        for process in sorted({block.process for block in tally.blocks}):
            blocks = [block for block in tally.blocks if block.process == process]
            for a, b in zip(blocks[::2], blocks[1::2], strict=False):  # an odd one out has no neighbour
                new, old = (a, b) if a.fresh else (b, a)
                pairs.append((new.items / new.seconds, old.items / old.seconds))
    logs = [math.log(new / old) for new, old in pairs if new > 0 and old > 0]
    found = ratio_interval(logs)
    if found is None:
        return None
    return Compared(value=round(found.value, 6), low=round(found.low, 6), high=round(found.high, 6), pairs=len(logs))


def _open_loop(tally: Tally) -> OpenLoop | None:
    if tally.arrival_rate is None:
        return None
    within = None
    if tally.budget_s is not None:
        within = sum(int((times <= tally.budget_s * 1e9).sum()) for times in tally.durations)
    return OpenLoop(
        arrival_rate=tally.arrival_rate,
        lead_s=tally.lead,
        offered=tally.offered,
        served=sum(block.calls for block in tally.blocks),
        unserved=len(tally.unserved),
        gave_up=tally.gave_up,
        backlog_peak=tally.backlog,
        budget_s=tally.budget_s,
        within_budget=within,
        wake_p99_s=max(tally.woken, default=None),
        capacity=float(np.mean([declared for declared, _ in tally.capacity])),
    )


def _quantile(calls: NDArray[np.float64], p: float) -> Quantile:
    value, low, high = burst_quantile_bounds(calls, p)
    return Quantile(p=p, value_s=value, low_s=low, high_s=high)


def _bins(tally: Tally, batch: int) -> tuple[float, ...]:
    """Items completed in each whole second of the counted blocks, put end to end."""
    moments: list[NDArray[np.float64]] = []
    before = 0.0
    for ends, block in zip(tally.ends, tally.blocks, strict=True):
        # with several callers one may end a little later than the mean that a block counts
        moments.append(before + np.minimum(ends / 1e9, block.seconds))
        before += block.seconds
    whole = math.floor(before)
    if not whole:
        return ()
    return tuple(float(c) * batch for c in np.histogram(np.concatenate(moments), bins=whole, range=(0.0, whole))[0])


def _keep_times(job: Job, tally: Tally) -> str:
    """Every call's end and duration, kept beside the evidence and named by digest."""
    path = job.store.temporary(".npz")
    np.savez_compressed(path, ends_ns=np.concatenate(tally.ends), durations_ns=np.concatenate(tally.durations))
    return job.store.keep(path, ".npz")[1]
