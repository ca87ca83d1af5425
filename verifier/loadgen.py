"""Load on an open model: callers that never pause, or arrivals at random, with the time of every call kept.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from verifier.callers import Bare, Caller, Clock, Distant, Queue, Sample, together
from verifier.workload import Opened, items_of, read_inputs, save, take

MOST_BATCHES = 256
MOST_BYTES = 256 * 2**20
"""Batches laid ready for the loop; beyond this they would push the model out of the memory that is measured."""
MOST_KEPT_BYTES = 16 * 2**20
"""Outputs that one block may keep, unless told otherwise; one call's are kept whatever their size."""
MOST_ARRIVALS = 5_000_000
"""Arrivals of one block: their times lie ready in memory."""
_IDLE_NS = 2_000_000
"""Time of the loop around a call that does nothing, to see what the loop itself costs."""
_FLOOD = 200_000
"""Arrivals that are all due at once, to see how fast the open loop can hand them out."""

if TYPE_CHECKING:
    Arrays = dict[str, Any]
    Call = Callable[[Arrays], Any]


class PreparedLoad:
    """Batches in memory, and blocks of timed calls over them.

    ``closed_loop`` and ``single_stream``: each caller goes through all batches in an order of its own and calls again
    at once. ``offline``: the callers share one queue of batches. ``server``: arrivals of a Poisson process, whose
    latency counts from the time at which they were due, so that a stall is seen by all that arrive while it lasts.

    Where the engine has a clock of its own, its loops run there: one caller, no arrivals.
    """

    def __init__(self, model: Opened, request: dict[str, Any], clock: Clock | None = None) -> None:
        """Cut the items into batches of changing inputs, in the order of the file, as the evaluation does.

        A seed permutes whole batches, never the items in them: where scales are computed over a batch at run time, an
        item's output depends on its neighbours, and the timed outputs must be comparable with the evaluated ones. A
        last batch that is not full is left out for the same reason. With ``fresh_seed``, and more batches than may be
        laid ready, half of them are drawn by the declared seed and half by the fresh one.
        """
        self._model = model
        self._clock = clock or Clock()
        arrays = read_inputs(request["data"], request["inputs"], request.get("limit"))
        self._batch = int(request["batch"])
        total = len(next(iter(arrays.values())))
        one = sum(values[:1].nbytes for values in arrays.values()) * self._batch
        full = max(total // self._batch, 1)
        most = max(1, min(full, MOST_BATCHES, MOST_BYTES // max(one, 1)))
        drawn = {"declared": _permutation(request["seed"], full)}
        if request.get("fresh_seed") is not None:
            drawn["fresh"] = _permutation(request["fresh_seed"], full)
        share = most if full <= most else max(most // len(drawn), 1)
        self.all_inputs = share == full
        """Whether every batch of the data set lies ready for both seeds."""
        numbers = list(dict.fromkeys(number for order in drawn.values() for number in order[:share]))
        place = {number: at for at, number in enumerate(numbers)}
        self._drawn = {name: [place[number] for number in order[:share]] for name, order in drawn.items()}
        self._items = [np.arange(at * self._batch, (at + 1) * self._batch) % total for at in numbers]
        self.batches = [take(arrays, items) for items in self._items]
        self.size = one * len(self.batches)
        self._distant = model.lay(self.batches)

    def block(self, request: dict[str, Any]) -> dict[str, Any]:
        """One timed stretch, or with ``loop`` set to ``bare`` or ``idle`` what the loop itself costs."""
        loop = request.get("loop", "timed")
        if self._distant is not None:
            _require_one_caller(request)
        if loop == "bare":
            return self._against_bare(request)
        if loop == "idle":
            return {"calls_per_second": self._generator_rate(request)}
        if loop != "timed":
            raise ValueError(f"unknown loop {loop!r}; known are timed, bare, idle")
        return self._open(request) if request.get("scenario") == "server" else self._closed(request)

    def _closed(self, request: dict[str, Any]) -> dict[str, Any]:
        callers = self._callers(request)
        start = self._clock.now()
        together(callers, [start + int(request["seconds"] * 1e9)] * len(callers))
        ends, durations = (_joined([getattr(c, row) for c in callers]) for row in ("ends", "durations"))
        # The callers end one after another: each one's rate counts over its own time, or the wait for the last one
        # would count as slowness.
        seconds = len(ends) / calls_per_second(callers, start)
        in_order = np.argsort(ends, kind="stable")
        answer = self._report(request, callers, start, seconds, np.stack([ends[in_order], durations[in_order]]))
        return dict(answer, overhead_share=self._idle_ns() / (float(durations.mean()) or 1.0))

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Arrivals over ``lead_s`` and ``seconds``; those of the lead fill the queue and are not counted."""
        lead, patience = float(request.get("lead_s", 0.0)), float(request["patience_s"])
        offsets = poisson_arrivals(request["arrivals_per_second"], lead + request["seconds"], request["seed"])
        start = self._clock.now()
        counted = start + int(lead * 1e9)
        queue = Queue([start + offset for offset in offsets.tolist()], int(patience * 1e9))
        callers = self._callers(request)
        together(callers, [queue] * len(callers))
        if queue.gave_up_at is not None and queue.gave_up_at < counted:
            counted = start  # who cannot even get through the lead is measured on it
        served, begun, ends = (_joined([getattr(c, row) for c in callers]) for row in ("served", "begun", "ends"))
        due = np.array(queue.due, np.int64)
        stopped = queue.gave_up_at or max(int(ends.max(initial=start)), counted + int(request["seconds"] * 1e9))
        lost = np.setdiff1d(np.flatnonzero((due >= counted) & (due <= stopped)), served)
        mine = np.flatnonzero(due[served] >= counted)
        mine = mine[np.argsort(ends[mine], kind="stable")]
        times = np.stack([ends[mine], ends[mine] - due[served[mine]]])
        answer = self._report(request, callers, counted, (stopped - counted) / 1e9, times)
        woken = _joined([caller.woken for caller in callers])
        return dict(
            answer,
            overhead_share=self._idle_ns() / (float((ends - begun).mean()) or 1.0) if len(ends) else 0.0,
            offered=len(mine) + len(lost),
            unserved_ns=(stopped - due[lost]).tolist(),
            gave_up=queue.gave_up_at is not None,
            backlog_peak=_backlog(due[due <= stopped], begun),
            wake_p99_s=float(np.quantile(woken, 0.99)) / 1e9 if len(woken) else None,
        )

    def _callers(self, request: dict[str, Any], loop: str = "timed") -> list[Any]:
        """``loop``: ``timed``, ``bare``, or ``idle`` for calls that do nothing."""
        call: Call = _nothing if loop == "idle" else self._model.call
        concurrency, seed = int(request.get("concurrency", 1)), int(request["seed"])
        keep = -(-int(request.get("keep_outputs", 0)) // self._batch)
        most = int(request.get("keep_bytes", MOST_KEPT_BYTES)) // concurrency
        shared = request.get("scenario") in ("offline", "server")
        queue = itertools.count()
        callers: list[Any] = []
        for number in range(concurrency):
            order = self._order(request, 0 if shared else number)
            share = keep // concurrency + (number < keep % concurrency)
            sample = Sample(self._model.needed, share, most, int(request.get("keep_seed", seed)) + number)
            tickets = queue if shared else itertools.count()
            if self._distant is not None:
                callers.append(Distant(self._distant, loop, order, sample))
            elif loop == "bare":
                callers.append(Bare(self._model.bare, self.batches, order))
            else:
                callers.append(Caller(call, self.batches, order, tickets, sample, self._clock))
        return callers

    def _order(self, request: dict[str, Any], number: int) -> list[int]:
        order = list(self._drawn[request.get("inputs_from", "declared")])
        if request.get("repeat_input", False):
            return order[:1]
        random.Random(int(request["seed"]) * 1009 + number).shuffle(order)  # noqa: S311 - a draw that needs no secrecy
        return order

    def _report(
        self, request: dict[str, Any], callers: list[Any], start: int, seconds: float, times: Any
    ) -> dict[str, Any]:
        folder = request.get("folder") or None
        handle, path = tempfile.mkstemp(suffix=".npy", prefix="latencies-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            np.save(file, times)
        calls = times.shape[1]
        kept = [pair for caller in callers for pair in caller.sample.kept]
        return {
            "start_ns": start,
            "seconds": seconds,
            "calls": calls,
            "items": calls * self._batch,
            "latencies_path": path,
            "kept_path": self._keep(folder, kept),
            "kept_bytes": sum(array.nbytes for _, outputs in kept for array in outputs.values()),
        }

    def _keep(self, folder: str | None, pairs: list[tuple[int, Arrays]]) -> str | None:
        """Outputs of the drawn calls, finished by the head now that nothing is timed, with the items' numbers."""
        if not pairs:
            return None
        finished = [self._model.finish(self.batches[index], outputs) for index, outputs in pairs]
        arrays = {
            name: np.concatenate([items_of(name, outputs[name], self._batch) for outputs in finished])
            for name in finished[0]
        }
        arrays["__items__"] = np.concatenate([self._items[index] for index, _ in pairs])
        handle, path = tempfile.mkstemp(suffix=".npz", prefix="kept-", dir=folder)
        os.close(handle)
        save(path, arrays)
        return path

    def _idle_ns(self) -> float:
        """Mean time of the loop around a call that does nothing."""
        idle = self._callers({"seed": 0}, "idle")[0]
        if self._clock.now is not time.perf_counter_ns:
            return 0.0  # simulated time does not pass by itself
        began = time.perf_counter_ns()
        idle.until(began + _IDLE_NS)
        mean: float = (idle.last - began) / idle.calls
        return mean

    def _generator_rate(self, request: dict[str, Any]) -> float:
        """Calls per second that the generator itself can make, with a model that does nothing."""
        callers = self._callers(request, "idle")
        start = time.perf_counter_ns()
        if request.get("scenario") == "server":
            together(callers, [Queue([start] * _FLOOD, 2**62)] * len(callers))
        else:
            together(callers, [start + int(request["seconds"] * 1e9)] * len(callers))
        return calls_per_second([caller for caller in callers if caller.calls], start)

    def _against_bare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Calls per second of this loop and of the simplest one over the same session, in turns (A B B A)."""
        stretch = int(request["stretch_s"] * 1e9)
        rates: dict[str, list[float]] = {"timed": [], "bare": []}
        for turn in range(int(request["pairs"])):
            for name in ("timed", "bare") if turn % 2 == 0 else ("bare", "timed"):
                callers = self._callers(request, name)
                start = time.perf_counter_ns()
                together(callers, [start + stretch] * len(callers))
                rates[name].append(calls_per_second(callers, start))
        return rates


def _require_one_caller(request: dict[str, Any]) -> None:
    """A page is one thread: a second caller would wait behind the first."""
    if int(request.get("concurrency", 1)) > 1 or request.get("scenario") == "server":
        raise ValueError(
            "in a page one call follows another: neither more than one concurrent call nor arrivals at random "
            "(scenario server) can be measured there"
        )


def poisson_arrivals(per_second: float, seconds: float, seed: int) -> Any:
    """Times of a Poisson process in nanoseconds from 0, ascending, all within ``seconds``; int64.

    Raises `ValueError` for a rate that is no rate, or whose arrivals would fill the memory.
    """
    expected = float(per_second) * float(seconds)
    if not (per_second > 0 and seconds > 0 and expected <= MOST_ARRIVALS):
        raise ValueError(f"{per_second} arrivals per second over {seconds} s: at most {MOST_ARRIVALS} can be made")
    source = np.random.RandomState(seed % 2**32)
    some = int(expected + 6 * math.sqrt(expected) + 10)
    times = np.cumsum(source.exponential(1 / per_second, some))
    while times[-1] < seconds:
        times = np.concatenate([times, times[-1] + np.cumsum(source.exponential(1 / per_second, some))])
    return (times[times < seconds] * 1e9).astype(np.int64)


def calls_per_second(callers: list[Any], start: int) -> float:
    """Sum of the callers' rates since ``start``, each over its own time."""
    return float(sum(1e9 * caller.calls / max(caller.last - start, 1) for caller in callers))


def _backlog(due: Any, begun: Any) -> int:
    """Most arrivals that were due and not yet begun, at the moments before a call and at the end."""
    if not len(due):
        return 0
    begun = np.sort(begun)
    waiting = np.searchsorted(due, begun, side="right") - np.arange(len(begun))
    return int(max(waiting.max(initial=0), len(due) - len(begun)))


def _permutation(seed: int, count: int) -> list[int]:
    order: list[int] = np.random.RandomState(int(seed) % 2**32).permutation(count).tolist()
    return order


def _joined(parts: list[Any]) -> Any:
    return np.concatenate([np.array(part, np.int64) for part in parts])


def _nothing(_: Arrays) -> Arrays:
    return {}
