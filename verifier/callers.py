"""Clients of a load: each makes calls one after another and keeps the time of every one.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import math
import random
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

MOST_CALLS = 10**9
"""Calls of one block that a draw made beforehand reaches over."""
CLOCK_SHARE = 0.002
"""Difference between two clocks' rates that is none: a rate is not wrong by more."""

if TYPE_CHECKING:
    Arrays = dict[str, Any]
    Call = Callable[[Arrays], Any]


class Clock(NamedTuple):
    """What the load generator takes for time; a simulated one makes a block exact."""

    now: Callable[[], int] = time.perf_counter_ns
    """Nanoseconds on a monotonic clock."""
    sleep: Callable[[float], None] = time.sleep
    """Waits at least that many seconds."""


class Queue:
    """Arrivals in order; callers take the next one each."""

    def __init__(self, due: list[int], patience: int) -> None:
        """``due``: nanoseconds, ascending; ``patience``: nanoseconds."""
        self.due = due
        self.patience = patience
        """An arrival that waited longer ends the block: the callers will not catch up, and the queue would grow."""
        self.gave_up_at: int | None = None


class Sample:
    """A uniform draw of some of the calls so far; it says which call to keep next (Li 1994, algorithm L)."""

    def __init__(self, needed: Callable[[Arrays], Arrays], size: int, most_bytes: int, seed: int) -> None:
        """Of ``size`` calls, fewer if their outputs would take more than ``most_bytes``."""
        self.needed = needed
        self._size = size
        self._most_bytes = most_bytes
        self._random = random.Random(seed)  # noqa: S311 - a draw that needs no secrecy
        self._w = 1.0
        self._drawn = 0
        self.kept: list[tuple[int, Arrays]] = []
        self.next = 0 if size else -1

    def take(self, index: int, outputs: Arrays) -> None:
        """Keep the outputs of call ``next``, made on batch ``index``, and draw the next call to keep."""
        # an engine may leave outputs on its device, where the next call writes over them: they are fetched now
        pair = (index, {name: np.asarray(value) for name, value in self.needed(outputs).items()})
        if not self.kept:
            self._fit(sum(np.asarray(array).nbytes for array in pair[1].values()))
        place = self._draw()
        if place == len(self.kept):
            self.kept.append(pair)
        else:
            self.kept[place] = pair

    def ahead(self, each_bytes: int, calls: int) -> list[list[int]]:
        """The same draw before any call is made: ``[[call, place among the kept], ...]`` over so many calls.

        ``each_bytes``: size of the outputs of one call. For loops that run elsewhere; it uses the draw up.
        """
        self._fit(each_bytes)
        plan = []
        while 0 <= self.next < calls:
            plan.append([self.next, self._draw()])
        return plan

    def _fit(self, each_bytes: int) -> None:
        self._size = max(1, min(self._size, self._most_bytes // max(each_bytes, 1)))

    def _draw(self) -> int:
        """Place among the kept of call ``next``; draws the next call."""
        if self._drawn < self._size:
            place = self._drawn
            self._drawn += 1
            if self._drawn < self._size:
                self.next += 1
                return place
        else:
            place = self._random.randrange(self._size)
        self._w *= math.exp(math.log(1.0 - self._random.random()) / self._size)
        gap = math.log(1.0 - self._random.random()) / math.log1p(-min(self._w, 1 - 1e-12))
        self.next += 1 + int(min(gap, 2.0**60))
        return place


class Caller:
    """One client: its calls, their times, and a draw of their outputs."""

    def __init__(
        self,
        call: Call,
        batches: list[Arrays],
        order: list[int],
        tickets: Iterator[int],
        sample: Sample,
        clock: Clock,
    ) -> None:
        """``tickets`` number the calls: its own, or those of a queue that it shares with other callers."""
        self._call = call
        self._batches = batches
        self.order = order
        self._tickets = tickets
        self.sample = sample
        self._clock = clock
        self.ends = array("q")
        self.durations = array("q")
        self.served, self.begun, self.woken = array("q"), array("q"), array("q")
        """Open loop: numbers of the arrivals, when their calls began, how long after waking for them."""

    @property
    def calls(self) -> int:
        """Calls made."""
        return len(self.ends)

    @property
    def last(self) -> int:
        """When the last call had ended."""
        return self.ends[-1]

    def until(self, deadline: int) -> None:
        """Call until the deadline has passed; a call that began before it is counted in full."""
        clock, call, batches, order, sample = self._clock.now, self._call, self._batches, self.order, self.sample
        ends, durations, length = self.ends, self.durations, len(order)
        for seen, number in enumerate(self._tickets):
            index = order[number % length]
            began = clock()
            outputs = call(batches[index])
            end = clock()
            ends.append(end)
            durations.append(end - began)
            if seen == sample.next:
                sample.take(index, outputs)
            outputs = None  # as in a loop that keeps nothing: the next call finds its memory free
            if end >= deadline:
                return

    def serve(self, queue: Queue) -> None:
        """Take arrivals in order until there are none; wait for those that are not due yet."""
        clock, call, sample, order, due = self._clock.now, self._call, self.sample, self.order, queue.due
        length = len(order)
        for seen, number in enumerate(self._tickets):
            if number >= len(due) or queue.gave_up_at is not None:
                return
            now = clock()
            wait = due[number] - now
            if wait > 0:
                self._clock.sleep(wait / 1e9)
                self.woken.append(clock() - due[number])
            elif -wait > queue.patience:
                queue.gave_up_at = now
                return
            index = order[number % length]
            self.begun.append(clock())
            outputs = call(self._batches[index])
            self.ends.append(clock())
            self.served.append(number)
            if seen == sample.next:
                sample.take(index, outputs)


class Bare:
    """The simplest loop that anybody would write: no time of a call, no output kept."""

    def __init__(self, call: Call, batches: list[Arrays], order: list[int]) -> None:
        """Nothing is called yet."""
        self._call = call
        self._batches = batches
        self._order = order
        self.calls = 0
        self.last = 0
        """When the last call had ended."""

    def until(self, deadline: int) -> None:
        """Call until the deadline has passed."""
        clock, call, batches, order = time.perf_counter_ns, self._call, self._batches, self._order
        number, length = 0, len(order)
        while True:
            call(batches[order[number % length]])
            number += 1
            now = clock()
            if now >= deadline:
                break
        self.calls, self.last = number, now


class Distant:
    """A client whose loop runs where the engine is, by the clock there: nothing crosses to here between its calls.

    Its times come as nanoseconds since its loop began. Here they count from the moment at which the loop was asked for:
    as times of day they are early by what asking took, some milliseconds; their differences are those of that clock.
    """

    def __init__(self, engine: Any, loop: str, order: list[int], sample: Sample) -> None:
        """``engine``: what `verifier.runtimes.runtime.Runtime.timed` gave; ``loop``: ``timed``, ``bare``, ``idle``."""
        self._engine = engine
        self._loop = loop
        self.order = order
        self.sample = sample
        self.ends = array("q")
        self.durations = array("q")
        self.calls = 0
        self.last = 0
        """When the last call had ended."""

    def until(self, deadline: int) -> None:
        """Let it call until the deadline has passed. Raises `RuntimeError` if its clock and ours run differently."""
        began = time.perf_counter_ns()
        seconds = (deadline - began) / 1e9
        timed = self._loop == "timed"
        sizes = self._engine.sizes
        wanted = sorted(self.sample.needed({name: np.empty(0) for name in sizes}))
        draws = self.sample.ahead(sum(sizes[name] for name in wanted), MOST_CALLS) if timed and wanted else []
        before = self._engine.clocks() if timed else None
        command = {"loop": self._loop, "order": self.order, "seconds": seconds, "draws": draws, "wanted": wanted}
        found = self._engine.loop(command)
        if before is not None:
            _hold_against(before, self._engine.clocks())
        self.calls, self.last = found["calls"], began + found["elapsed_ns"]
        if timed:
            self.ends.extend((began + found["ends"]).tolist())
            self.durations.extend(found["durations"].tolist())
        self.sample.kept = [found["kept"][place] for place in sorted(found["kept"])]


def _hold_against(before: tuple[int, int, int], after: tuple[int, int, int]) -> None:
    """Both clocks over the same stretch; each pair is known to within the time that reading it took."""
    here, there = after[0] - before[0], after[1] - before[1]
    unsure = before[2] + after[2]
    if abs(here - there) > unsure + CLOCK_SHARE * here:
        raise RuntimeError(
            f"over {here / 1e9:.3f} s of ours the engine's clock went {there / 1e9:.3f} s: its times cannot be used"
        )


def together(callers: list[Any], tasks: list[Any]) -> None:
    """Let each caller do its task, a deadline or a queue, in a thread of its own if there are several."""
    errors: list[Exception] = []

    def work(caller: Any, task: Any) -> None:
        try:
            if isinstance(task, Queue):
                caller.serve(task)
            else:
                caller.until(task)
        except Exception as error:  # noqa: BLE001 - raised again below, by the one who waits
            errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(callers[1:], tasks[1:])]
    for thread in threads:
        thread.start()
    work(callers[0], tasks[0])
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
