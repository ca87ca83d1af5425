"""Stage 5: the sustained rate of every regime, in fresh processes, interleaved A B B A, with the host watched.

All regimes are measured in one stage: a disturbance then hits them alike, and their ratio is taken from neighbours.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lynxspec.claim import Regime, RegimeRecipe, present
from verifier.errors import VerifierError
from verifier.evidence import ItemScores, SpeedProbe, SustainEvidence
from verifier.process import Worker
from verifier.reproduction.evaluate import open_command, prediction_command
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.reproduction.tally import Tally, run_of
from verifier.schedule import (
    BARE_SECONDS,
    IDLE_SECONDS,
    MOST_PROCESSES,
    PROBE_SECONDS,
    REPEATED_SECONDS,
    SHORTEST_BLOCK_S,
    Schedule,
    is_fresh,
    order_of,
    schedule,
)
from verifier.telemetry import HostSampler

KEPT_OUTPUTS = 256
"""Items of each process whose outputs are scored, drawn by the fresh seed over all of its blocks."""
KEPT_BYTES = 64 * 2**20
"""Outputs kept by one process, over its blocks; one call's are kept whatever their size."""
BARE_STRETCH_S = 0.02
"""Shortest stretch of the comparison with a bare loop; several callers take five times as long to start and end."""
PATIENCE = 10.0
"""Latency budgets that an arrival may wait before a block is given up."""
PATIENCE_S = 10.0
"""The same in seconds where the claim states no budget."""

BLOCK_GRACE_S = 120.0
"""Beside three times its own length, before a block that does not answer counts as hung."""

More = Callable[[SustainEvidence], float]
"""Seconds per regime that the evidence so far asks for; 0 or less ends the stage."""


def sustain(
    job: Job,
    files: Files,
    subjects: Mapping[str, Subject],
    scores: Mapping[str, ItemScores],
    *,
    plan: Schedule | None = None,
    more: More | None = None,
) -> SustainEvidence:
    """Measure all regimes of ``subjects``, and then as many further rounds as ``more`` asks for.

    A round is one fresh process of each regime; ``plan`` replaces the claim's own schedule. Raises `ToolFailed` if a
    worker fails: no half measurement is used.
    """
    plan = plan or schedule(job.document.load)
    regimes = [regime for regime in job.document.regimes if regime.name in subjects]
    tallies = {regime.name: _tally(job, regime, plan) for regime in regimes}
    threads = max((_threads(regime) for regime in regimes), default=1)
    with HostSampler() as sampler, job.worker(threads=threads) as prober:
        sampler.own.add(prober.pid)
        stage = _Stage(job, files, plan, regimes, subjects, scores, sampler, prober, tallies)
        for _ in range(plan.repetitions):
            stage.round(plan.blocks, plan.seconds)
        while more is not None and stage.processes < MOST_PROCESSES:
            seconds = more(stage.evidence(final=False))
            if not seconds > 0:
                break
            stage.round(*plan.round_of(seconds))
    return stage.evidence(final=True)


def _tally(job: Job, regime: RegimeRecipe, plan: Schedule) -> Tally:
    """An empty one. Raises `VerifierError` for arrivals at random without a rate."""
    load = job.document.load
    budget = present(load.latency_budget)
    rate = None
    if load.scenario == "server":
        claimed = present(regime.performance.sustained) if isinstance(regime, Regime) else None
        if claimed is None or claimed.rate.base <= 0:
            raise VerifierError(
                f"regime {regime.name} states no sustained rate, which is the rate of arrivals of a server load",
                hint="the highest rate that keeps a latency budget is not searched for: state the one to be held",
            )
        rate = claimed.rate.base
    return Tally(arrival_rate=rate, budget_s=budget.base if budget else None, lead=plan.lead)


@dataclass(slots=True)
class _Stage:
    """The measurement as it grows, process by process."""

    job: Job
    files: Files
    plan: Schedule
    regimes: list[RegimeRecipe]
    subjects: Mapping[str, Subject]
    scores: Mapping[str, ItemScores]
    sampler: HostSampler
    prober: Worker
    tallies: dict[str, Tally]
    fresh_seed: int = field(default_factory=lambda: secrets.randbits(31))
    processes: int = 0
    order: list[str] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)

    def round(self, blocks: int, seconds: float) -> None:
        """One fresh process of each regime: open, warm up, alternate, close."""
        process, names = self.processes, [regime.name for regime in self.regimes]
        by_name = {regime.name: regime for regime in self.regimes}
        with ExitStack() as stack:
            first = order_of(names, process, 0)
            workers = {name: self._start(stack, by_name[name]) for name in first}
            for name in first:
                warm_up = max(self.plan.warm_up, SHORTEST_BLOCK_S)
                Path(self._block(workers[name], name, warm_up, lead=0.0, seed=-1)["latencies_path"]).unlink()
                self._see_peak(workers[name], name)
                self.job.progress.advance(self._done(), f"warm-up of {name}")
            for index in range(blocks):
                for name in order_of(names, process, index):
                    fresh, serial = is_fresh(process, index), len(self.order) // len(names)
                    answer = self._block(
                        workers[name], name, seconds, lead=self.plan.lead, keep=blocks, seed=serial, fresh=fresh
                    )
                    self._count(name, answer, fresh=fresh)
                self.probes.append(float(self.prober.call({"do": "probe", "seconds": PROBE_SECONDS})["gflops"]))
            for name in first:
                self._close(workers[name], by_name[name])
        self.processes += 1

    def evidence(self, *, final: bool) -> SustainEvidence:
        """What was measured so far; ``final`` keeps the times of all calls as files."""
        job = self.job
        runs = tuple(run_of(job, r, self.subjects[r.name], self.tallies[r.name], final=final) for r in self.regimes)
        host = self.sampler.samples
        spans = {run.regime: [(b.start_s, b.start_s + b.seconds) for b in run.blocks] for run in runs}
        trace = None
        if final:
            path = job.store.temporary(".npz")
            self.sampler.save(path)
            trace = job.store.keep(path, ".npz")[1]
        return SustainEvidence(
            order=tuple(self.order),
            runs=runs,
            probe=SpeedProbe(
                gflops=tuple(round(p, 3) for p in self.probes),
                threads=max((_threads(regime) for regime in self.regimes), default=1),
            ),
            host=host,
            seconds=host[-1].t_s if host else 0.0,
            telemetry=self.sampler.report(spans, trace_sha256=trace),
            declared_processes=self.plan.declared,
            processes=self.processes,
            rounds_added=max(self.processes - self.plan.repetitions, 0),
            fresh_seed=self.fresh_seed,
        )

    def _start(self, stack: ExitStack, regime: RegimeRecipe) -> Worker:
        job, load, tally = self.job, self.job.document.load, self.tallies[regime.name]
        worker = stack.enter_context(job.worker(threads=_threads(regime), regime=regime))
        self.sampler.own.add(worker.pid)
        model = open_command(regime, self.subjects[regime.name].path)
        opened = worker.call(model | prediction_command(job, self.files))
        for process in opened["processes"]:  # an engine in processes of its own is ours, too
            self.sampler.own.add(process)
        tally.baseline = max(tally.baseline, opened["baseline_memory_bytes"])
        tally.peak = max(tally.peak, int(worker.call({"do": "memory"})["peak_memory_bytes"]))
        laid = worker.call(
            {
                "do": "prepare_load",
                "data": str(self.files.need(load.dataset)),
                "inputs": job.input_names,
                "batch": load.batch,
                "seed": job.document.reproduction.seed + self.processes,
                "fresh_seed": self.fresh_seed + self.processes,
            }
        )
        tally.laid, tally.kept = int(laid["bytes"]), 0
        tally.all_inputs &= bool(laid["all"])
        tally.separated &= bool(worker.call({"do": "memory", "reset": True})["reset"])
        return worker

    def _block(
        self, worker: Worker, name: str, seconds: float, *, lead: float, keep: int = 0, seed: int, fresh: bool = False
    ) -> dict[str, Any]:
        """One timed block in the claim's scenario; ``keep`` is the number of blocks that share the kept outputs.

        ``seed`` changes the order of inputs from block to block, alike for all regimes.
        """
        load, tally = self.job.document.load, self.tallies[name]
        command = self._command(seconds, seed=seed, fresh=fresh) | {"scenario": load.scenario}
        if keep:
            command |= {"keep_outputs": -(-KEPT_OUTPUTS // keep), "keep_bytes": KEPT_BYTES // keep}
        if tally.arrival_rate is not None:
            patience = PATIENCE * tally.budget_s if tally.budget_s else PATIENCE_S
            arrivals = tally.arrival_rate / load.batch
            command |= {"arrivals_per_second": arrivals, "lead_s": lead, "patience_s": patience}
        return worker.call(command, timeout_s=(lead + seconds) * 3 + BLOCK_GRACE_S + command.get("patience_s", 0.0))

    def _command(self, seconds: float, *, seed: int = 0, fresh: bool = False) -> dict[str, Any]:
        base = self.fresh_seed if fresh else self.job.document.reproduction.seed
        return {
            "do": "block",
            "seconds": seconds,
            "concurrency": self.job.document.load.concurrency,
            "seed": base + seed,
            "inputs_from": "fresh" if fresh else "declared",
            "keep_seed": self.fresh_seed + len(self.order),
            "folder": str(self.job.store.scratch),
        }

    def _count(self, name: str, answer: Mapping[str, Any], *, fresh: bool) -> None:
        tally = self.tallies[name]
        tally.count(answer, process=self.processes, order=len(self.order), fresh=fresh)
        self.order.append(name)
        if answer["kept_path"]:
            tally.score(self.job, self.files, self.scores.get(name), Path(answer["kept_path"]), self.processes)
        self.job.progress.advance(self._done(), f"{name} {_rate(answer):.0f}/s")

    def _done(self) -> float:
        planned = max(self.plan.repetitions, self.processes + 1) * self.plan.blocks * len(self.regimes)
        return min(len(self.order) / max(planned, 1), 1.0)

    def _close(self, worker: Worker, regime: RegimeRecipe) -> None:
        """Peak memory; the same input again and again, where much faster hints at a cache; what the loop itself costs.

        All of this is closed loop: where arrivals set the pace, a rate would say nothing about the model.
        """
        tally = self.tallies[regime.name]
        self._see_peak(worker, regime.name)
        if tally.arrival_rate is not None:
            rates = [_rate(self._discarded(worker, fresh=fresh)) for fresh in (False, True)]
            tally.capacity.append((rates[0], rates[1]))
        batch = self.job.document.load.batch
        usual = max(tally.calls_per_second * batch, 1e-9)
        tally.repeated.append(_rate(self._discarded(worker, repeat=True)) / usual)
        tally.generator.append(self._generator(worker))
        call_s = self.job.document.load.concurrency / max(tally.calls_per_second, 1e-9)
        stretch = max(BARE_STRETCH_S * (5 if self.job.document.load.concurrency > 1 else 1), 2 * call_s)
        pairs = max(2, round(BARE_SECONDS / (2 * stretch)))
        compare = self._command(0.0) | {"loop": "bare", "stretch_s": stretch, "pairs": pairs, "keep_outputs": 16}
        rates_of = worker.call(compare, timeout_s=4 * pairs * stretch * 3 + BLOCK_GRACE_S)
        tally.bare += [1.0 - ours / bare for ours, bare in zip(rates_of["timed"], rates_of["bare"], strict=True)]
        runtime = present(regime.toolchain.runtime)
        options = runtime.options if runtime else {}
        tally.threads = {
            name: value for name, value in options.items() if name.endswith("threads") and isinstance(value, int)
        }

    def _see_peak(self, worker: Worker, name: str) -> None:
        """Take note of the peak less what was kept for us; it is at least that of the warm-up, which keeps nothing."""
        tally = self.tallies[name]
        held = int(worker.call({"do": "memory"})["peak_memory_bytes"])
        tally.peak = max(tally.peak, held - tally.laid - tally.kept)

    def _discarded(self, worker: Worker, *, fresh: bool = False, repeat: bool = False) -> dict[str, Any]:
        """A closed loop of which only the rate is wanted."""
        command = self._command(REPEATED_SECONDS, fresh=fresh) | {"repeat_input": repeat}
        answer = worker.call(command, timeout_s=REPEATED_SECONDS * 3 + BLOCK_GRACE_S)
        Path(answer["latencies_path"]).unlink(missing_ok=True)
        return answer

    def _generator(self, worker: Worker) -> float:
        idle = self._command(IDLE_SECONDS) | {"loop": "idle", "scenario": self.job.document.load.scenario}
        return float(worker.call(idle)["calls_per_second"])


def _rate(answer: Mapping[str, Any]) -> float:
    return float(answer["items"]) / max(float(answer["seconds"]), 1e-9)


def _threads(regime: RegimeRecipe) -> int:
    """Threads of one call as declared; one if the claim does not say."""
    runtime = present(regime.toolchain.runtime)
    value = runtime.options.get("intra_op_threads", 1) if runtime else 1
    return value if isinstance(value, int) and value > 0 else 1
