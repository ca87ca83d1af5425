"""Stage 5: the sustained rate of every regime, in fresh processes, interleaved A B B A, with the host watched.

All regimes are measured in one stage: a disturbance then hits them alike, and their ratio is taken from neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lynxspec.claim import RegimeRecipe, present
from verifier.errors import VerifierError
from verifier.evidence import Block, ItemScores, Quantile, SpeedProbe, SustainedRun, SustainEvidence
from verifier.metrics import score
from verifier.process import Worker
from verifier.reproduction.evaluate import labels_of, open_command, prediction_command
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.schedule import PROBE_SECONDS, REPEATED_SECONDS, Schedule, schedule
from verifier.statistics import quantile_bounds
from verifier.telemetry import HostSampler

PERCENTILES = (0.5, 0.9, 0.99)
KEPT_OUTPUTS = 256
"""Items of the timed run whose outputs are scored, drawn by the seed."""


@dataclass(slots=True)
class _Tally:
    """What one regime's processes gave, while the stage runs."""

    blocks: list[Block] = field(default_factory=list)
    ends: list[NDArray[np.int64]] = field(default_factory=list)
    durations: list[NDArray[np.int64]] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    baseline: int = 0
    peak: int = 0
    """Without the inputs that we laid ready, which are ours and not the model's."""
    laid: int = 0
    separated: bool = True
    overhead: list[float] = field(default_factory=list)
    repeated: list[float] = field(default_factory=list)
    threads: dict[str, int] = field(default_factory=dict)


def sustain(
    job: Job, files: Files, subjects: Mapping[str, Subject], scores: Mapping[str, ItemScores]
) -> SustainEvidence:
    """Measure all regimes of ``subjects``. Raises `ToolFailed` if a worker fails: no half measurement is used."""
    load = job.document.load
    plan = schedule(load)
    regimes = [regime for regime in job.document.regimes if regime.name in subjects]
    tallies = {regime.name: _Tally() for regime in regimes}
    probes: list[float] = []
    order: list[str] = []
    with HostSampler() as sampler:
        for process in range(plan.repetitions):
            _one_process(job, files, regimes, subjects, plan, process, tallies, probes, order, sampler)
        host = sampler.samples
    threads = max((_threads(regime) for regime in regimes), default=1)
    runs = tuple(_run(job, files, regime, subjects[regime.name], tallies[regime.name], scores) for regime in regimes)
    return SustainEvidence(
        order=tuple(order),
        runs=runs,
        probe=SpeedProbe(gflops=tuple(round(p, 3) for p in probes), threads=threads),
        host=host,
        seconds=host[-1].t_s if host else 0.0,
    )


def _one_process(  # one repetition reads as one story: open, warm up, alternate, close
    job: Job,
    files: Files,
    regimes: list[RegimeRecipe],
    subjects: Mapping[str, Subject],
    plan: Schedule,
    process: int,
    tallies: dict[str, _Tally],
    probes: list[float],
    order: list[str],
    sampler: HostSampler,
) -> None:
    load = job.document.load
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for regime in regimes:
            worker = stack.enter_context(job.worker(threads=_threads(regime)))
            sampler.own.add(worker.pid)
            workers[regime.name] = worker
            opened = worker.call(open_command(regime, subjects[regime.name].path) | prediction_command(job, files))
            tally = tallies[regime.name]
            tally.baseline = max(tally.baseline, opened["baseline_memory_bytes"])
            tally.peak = max(tally.peak, int(worker.call({"do": "memory"})["peak_memory_bytes"]))
            laid = worker.call(
                {
                    "do": "prepare_load",
                    "data": str(files.need(load.dataset)),
                    "inputs": job.input_names,
                    "batch": load.batch,
                    "seed": job.document.reproduction.seed + process,
                }
            )
            tally.laid = int(laid["bytes"])
            tally.separated &= bool(worker.call({"do": "memory", "reset": True})["reset"])
        for name, worker in workers.items():
            _block(job, worker, plan.warm_up, keep=0, seed=-1)
            job.progress.advance(len(order) / _total_blocks(plan, regimes), f"warm-up of {name}")
        names = [regime.name for regime in regimes]
        for index in range(plan.blocks):
            for name in names if index % 2 == 0 else reversed(names):
                keep = KEPT_OUTPUTS if index == plan.blocks - 1 and process == plan.repetitions - 1 else 0
                answer = _block(job, workers[name], plan.seconds, keep=keep, seed=process * plan.blocks + index)
                _count(tallies[name], answer, process, len(order))
                order.append(name)
                job.progress.advance(len(order) / _total_blocks(plan, regimes), f"{name} {_rate(answer):.0f}/s")
            first = workers[names[0]]
            probes.append(
                float(first.call({"do": "probe", "seconds": PROBE_SECONDS, "threads": _threads(regimes[0])})["gflops"])
            )
        for regime in regimes:
            _close(job, workers[regime.name], tallies[regime.name], regime)


def _total_blocks(plan: Schedule, regimes: list[RegimeRecipe]) -> int:
    return max(plan.repetitions * plan.blocks * len(regimes), 1)


def _rate(answer: Mapping[str, Any]) -> float:
    return float(answer["items"]) / max(float(answer["seconds"]), 1e-9)


def _block(
    job: Job, worker: Worker, seconds: float, *, keep: int, seed: int = 0, repeat: bool = False
) -> dict[str, Any]:
    """One timed block; ``seed`` changes the order of inputs from block to block, alike for all regimes."""
    command = {
        "do": "block",
        "seconds": seconds,
        "concurrency": job.document.load.concurrency,
        "keep_outputs": keep,
        "seed": job.document.reproduction.seed + seed,
        "repeat_input": repeat,
        "folder": str(job.store.scratch),
    }
    return worker.call(command, timeout_s=seconds * 3 + 120)


def _count(tally: _Tally, answer: Mapping[str, Any], process: int, order: int) -> None:
    tally.blocks.append(
        Block(
            process=process,
            order=order,
            start_s=round(answer["start_ns"] / 1e9, 6),
            seconds=float(answer["seconds"]),
            calls=int(answer["calls"]),
            items=int(answer["items"]),
        )
    )
    times = np.load(answer["latencies_path"], allow_pickle=False)
    tally.ends.append(times[0] - int(answer["start_ns"]))
    tally.durations.append(times[1])
    tally.overhead.append(float(answer.get("overhead_share", 0.0)))
    if answer.get("kept_path"):
        tally.kept.append(Path(answer["kept_path"]))
    Path(answer["latencies_path"]).unlink(missing_ok=True)


def _close(job: Job, worker: Worker, tally: _Tally, regime: RegimeRecipe) -> None:
    """Peak memory, and the same input again and again: much faster then hints at a cache."""
    held = int(worker.call({"do": "memory"})["peak_memory_bytes"])
    tally.peak = max(tally.peak, held - tally.laid)
    usual = sum(b.items for b in tally.blocks) / max(sum(b.seconds for b in tally.blocks), 1e-9)
    tally.repeated.append(_rate(_block(job, worker, REPEATED_SECONDS, keep=0, repeat=True)) / max(usual, 1e-9))
    runtime = present(regime.toolchain.runtime)
    options = runtime.options if runtime else {}
    tally.threads = {
        name: value for name, value in options.items() if name.endswith("threads") and isinstance(value, int)
    }


def _threads(regime: RegimeRecipe) -> int:
    """Threads of one call as declared; one if the claim does not say."""
    runtime = present(regime.toolchain.runtime)
    value = runtime.options.get("intra_op_threads", 1) if runtime else 1
    return value if isinstance(value, int) and value > 0 else 1


def _run(
    job: Job, files: Files, regime: RegimeRecipe, subject: Subject, tally: _Tally, scores: Mapping[str, ItemScores]
) -> SustainedRun:
    window = sum(block.seconds for block in tally.blocks)
    calls = np.sort(np.concatenate(tally.durations)) / 1e9
    timed, items, disagreements = _timed_scores(job, files, regime.name, tally, scores)
    return SustainedRun(
        regime=regime.name,
        sha256=subject.sha256,
        status="ok",
        message="",
        item=job.document.load.item,
        batch=job.document.load.batch,
        concurrency=job.document.load.concurrency,
        window_s=window,
        warm_up_s=job.document.load.warm_up.base,
        blocks=tuple(tally.blocks),
        bins=_bins(tally, job.document.load.batch),
        quantiles=tuple(_quantile(calls, p) for p in PERCENTILES),
        calls=len(calls),
        peak_memory_bytes=tally.peak,
        baseline_memory_bytes=tally.baseline,
        memory_separated=tally.separated,
        threads=tally.threads,
        timed_scores=timed,
        timed_items=items,
        timed_disagreements=disagreements,
        repeated_input_ratio=round(float(np.median(tally.repeated)), 4),
        overhead_share=round(float(np.mean(tally.overhead)), 6),
        timestamps_sha256=_keep_times(job, tally),
    )


def _quantile(calls: NDArray[np.float64], p: float) -> Quantile:
    value, low, high = quantile_bounds(calls, p)
    return Quantile(p=p, value_s=value, low_s=low, high_s=high)


def _bins(tally: _Tally, batch: int) -> tuple[float, ...]:
    """Items completed in each whole second of the counted blocks, put end to end."""
    counts: list[NDArray[np.int64]] = []
    for ends, block in zip(tally.ends, tally.blocks, strict=True):
        whole = math.floor(block.seconds)
        if whole:
            counts.append(np.histogram(ends / 1e9, bins=whole, range=(0.0, float(whole)))[0])
    return tuple(float(c) * batch for c in np.concatenate(counts)) if counts else ()


def _keep_times(job: Job, tally: _Tally) -> str:
    """Every call's end and duration, kept beside the evidence and named by digest."""
    path = job.store.temporary(".npz")
    np.savez_compressed(path, ends_ns=np.concatenate(tally.ends), durations_ns=np.concatenate(tally.durations))
    return job.store.keep(path, ".npz")[1]


def _timed_scores(
    job: Job, files: Files, regime: str, tally: _Tally, scores: Mapping[str, ItemScores]
) -> tuple[dict[str, float], int, int]:
    """Score the outputs that the timed calls gave: fast and accurate must be one model."""
    known = scores.get(regime)
    if known is None or not tally.kept or job.document.load.dataset != present(job.document.evaluation.dataset):
        return {}, 0, 0
    with np.load(tally.kept[-1], allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    index = arrays.pop("__items__")
    labels = {name: values[index] for name, values in labels_of(job, files).items()}
    result: dict[str, float] = {}
    differs = np.zeros(len(index), dtype=bool)
    for metric in job.document.evaluation.metrics:
        if metric.kind == "other" or metric.name not in known.outcomes:
            continue
        if metric.kind in ("auc", "f1", "spearman", "pearson") and len(np.unique(labels[metric.label])) < 2:
            continue  # not defined on a sample of one class
        try:
            found = score(metric, arrays, labels)
        except VerifierError:
            continue  # not defined on so small a sample; the whole set was evaluated
        result[metric.name] = found.value
        earlier = np.asarray(known.outcomes[metric.name])[index]
        differs |= ~np.isclose(earlier, found.outcomes, rtol=1e-4, atol=1e-6)
    disagreements = int(differs.sum())
    return result, len(index), disagreements
