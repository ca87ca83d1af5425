"""An open model at work: over a whole data set, and in a timed closed loop whose latencies are all kept.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

MOST_BATCHES = 256
MOST_BYTES = 256 * 2**20
"""Batches laid ready for the loop; beyond this they would push the model out of the memory that is measured."""

_IDLE_CALLS = 2000
"""Calls of a function that does nothing, to see what the loop itself costs."""

if TYPE_CHECKING:
    Arrays = dict[str, Any]


def read_inputs(path: str, names: list[str], limit: int | None = None) -> Arrays:
    """Arrays of a data set by name, the first ``limit`` items; pickled objects are refused."""
    with np.load(path, allow_pickle=False) as data:
        absent = [name for name in names if name not in data.files]
        if absent:
            raise ValueError("{} holds no array {}".format(os.path.basename(path), ", ".join(absent)))
        arrays = {name: data[name][:limit] for name in names}
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"the arrays of {os.path.basename(path)} have different lengths or none")
    return arrays


def first_batch(request: dict[str, Any]) -> Arrays:
    """The first full batch of a data set."""
    return _take(read_inputs(request["data"], request["inputs"]), np.arange(request["batch"]))


def _take(arrays: Arrays, items: Any) -> Arrays:
    """A batch; a data set shorter than the batch goes round."""
    total = len(next(iter(arrays.values())))
    return {name: np.ascontiguousarray(array[np.asarray(items) % total]) for name, array in arrays.items()}


class Opened:
    """A model in its runtime, and the head that turns its outputs into predictions."""

    def __init__(self, runtime: Any, request: dict[str, Any]) -> None:
        """Load both."""
        self._run: Callable[[Any, Arrays], Arrays] = runtime.run
        self._session = runtime.open(request["model"], request["provider"], request.get("options", {}))
        self._wanted: list[str] | None = request.get("outputs")
        self._head: Any | None = None
        head = request.get("head")
        if head:
            self._head = runtime.open(head["model"], request["provider"], {"intra_op_threads": 1})
            self._head_inputs: list[str] = list(self._head.inputs)

    def call(self, inputs: Arrays) -> Arrays:
        """The model alone."""
        return self._run(self._session, inputs)

    def finish(self, inputs: Arrays, outputs: Arrays) -> Arrays:
        """Outputs with those of the head, which reads the model's outputs and inputs by name."""
        if self._head is not None:
            known = dict(inputs)
            known.update(outputs)
            feeds = {name: known[name] for name in self._head_inputs}
            outputs = dict(outputs, **self._run(self._head, feeds))
        if self._wanted is None:
            return outputs
        return {name: outputs[name] for name in self._wanted}

    def needed(self, outputs: Arrays) -> Arrays:
        """The model's outputs that the head or the wanted ones need, so that kept outputs take little memory."""
        if self._wanted is None:
            return outputs
        sources = set(self._head_inputs) if self._head is not None else set()
        return {name: array for name, array in outputs.items() if name in sources or name in self._wanted}

    def evaluate(self, request: dict[str, Any]) -> dict[str, Any]:
        """Every item once. The last batch is filled up with its last item, and what that gives is cut off again."""
        arrays = read_inputs(request["data"], request["inputs"], request.get("limit"))
        total, batch = len(next(iter(arrays.values()))), int(request["batch"])
        kept: dict[str, list[Any]] = {}
        blind = asked = 0
        for start in range(0, total, batch):
            count = min(batch, total - start)
            inputs = _take(arrays, np.minimum(np.arange(start, start + batch), total - 1))
            raw = self.call(inputs)
            outputs = self.finish(inputs, raw)
            for name in sorted(outputs):
                kept.setdefault(name, []).append(_items(name, outputs[name], batch)[:count])
            if self._head is not None and count == batch:
                unmoved = self._blind(inputs, raw, outputs, batch)
                asked += 0 if unmoved is None else batch
                blind += unmoved or 0
        _save(request["out"], {name: np.concatenate(parts) for name, parts in kept.items()})
        return {"samples": total, "head_blind": blind / asked if asked else None}

    def _blind(self, inputs: Arrays, raw: Arrays, outputs: Arrays, batch: int) -> Any:
        """Items for which the head says the same whatever it is told of the model; ``None`` if it gives nothing.

        It is told another item's outputs, and then the item's own with the sign turned: classes repeat from item to
        item, and a distance does not mind a sign, but a head that reads the model minds one of the two. A head may read
        inputs (masks, lengths); one that answers from them alone would hide what the model says.
        """
        names = [name for name in outputs if name not in raw]
        if not names:
            return None
        same = np.ones(batch, dtype=bool)
        for change in (_turned, _negated):
            other = self.finish(inputs, {name: change(value, batch) for name, value in raw.items()})
            for name in names:
                told, heard = outputs[name].reshape(batch, -1), other[name].reshape(batch, -1)
                same &= (told == heard).all(axis=1)
        return int(same.sum())


def _turned(value: Any, batch: int) -> Any:
    """Every item has its neighbour's value."""
    return np.roll(value, 1, axis=0) if value.ndim and value.shape[0] == batch else value


def _negated(value: Any, _batch: int) -> Any:
    return -value if value.dtype.kind == "f" else value


def _items(name: str, output: Any, batch: int) -> Any:
    array = np.asarray(output)
    if array.ndim == 0 or array.shape[0] != batch:
        raise ValueError(
            f"output {name} has shape {array.shape} for a batch of {batch}: its first axis is not the batch"
        )
    return array


def _save(path: str, arrays: Arrays) -> None:
    with open(path, "wb") as file:
        np.savez(file, **arrays)


class ClosedLoop:
    """Batches in memory, and calls that follow one another at once, as many at a time as declared."""

    def __init__(self, model: Opened, request: dict[str, Any]) -> None:
        """Cut the items into batches of changing inputs, in the order of the file, as the evaluation does.

        The seed permutes whole batches, never the items in them: where scales are computed over a batch at run time, an
        item's output depends on its neighbours, and the timed outputs must be comparable with the evaluated ones. A
        last batch that is not full is left out for the same reason.
        """
        self._model = model
        arrays = read_inputs(request["data"], request["inputs"], request.get("limit"))
        self._batch = int(request["batch"])
        total = len(next(iter(arrays.values())))
        one = sum(array[:1].nbytes for array in arrays.values()) * self._batch
        full = max(total // self._batch, 1)
        order = np.random.RandomState(request["seed"] % 2**32).permutation(full)
        count = max(1, min(full, MOST_BATCHES, MOST_BYTES // max(one, 1)))
        self._items = [np.arange(at * self._batch, (at + 1) * self._batch) % total for at in order[:count]]
        self.batches = [_take(arrays, items) for items in self._items]
        self.size = one * count

    def block(self, request: dict[str, Any]) -> dict[str, Any]:
        """One timed stretch: times of all calls, and the outputs of some that the seed draws."""
        concurrency, seed = int(request.get("concurrency", 1)), int(request["seed"])
        keep = -(-int(request.get("keep_outputs", 0)) // self._batch)
        share = [keep // concurrency + (number < keep % concurrency) for number in range(concurrency)]
        start = time.perf_counter_ns()
        deadline = start + int(request["seconds"] * 1e9)
        callers = []
        for number in range(concurrency):
            order = self._order(seed, number, bool(request.get("repeat_input", False)))
            callers.append(_Caller(self, order, share[number], seed + number))
        if concurrency == 1:
            callers[0].until(deadline)
        else:
            _together(callers, deadline)
        return self._report(request, callers, start)

    def _order(self, seed: int, number: int, repeat: bool) -> list[int]:
        if repeat:
            return [0]
        order = list(range(len(self.batches)))
        random.Random(seed * 1009 + number).shuffle(order)  # noqa: S311 - a draw that needs no secrecy
        return order

    def call(self, index: int) -> Arrays:
        """One timed call."""
        return self._model.call(self.batches[index])

    def _report(self, request: dict[str, Any], callers: list[_Caller], start: int) -> dict[str, Any]:
        for caller in callers:
            if caller.error is not None:
                raise caller.error
        ends = np.concatenate([np.array(caller.ends, np.int64) for caller in callers])
        durations = np.concatenate([np.array(caller.durations, np.int64) for caller in callers])
        in_order = np.argsort(ends, kind="stable")
        seconds = (int(ends.max()) - start) / 1e9
        folder = request.get("folder") or None
        handle, path = tempfile.mkstemp(suffix=".npy", prefix="latencies-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            np.save(file, np.stack([ends[in_order], durations[in_order]]))
        return {
            "start_ns": start,
            "seconds": seconds,
            "calls": len(ends),
            "items": len(ends) * self._batch,
            "latencies_path": path,
            "kept_path": self._keep(folder, [pair for caller in callers for pair in caller.kept]),
            "overhead_share": self._overhead_ns() / (float(durations.mean()) or 1.0),
        }

    def _keep(self, folder: str | None, pairs: list[tuple[int, Arrays]]) -> str | None:
        """Outputs of the drawn calls, finished by the head now that nothing is timed, with the items' numbers."""
        if not pairs:
            return None
        finished = [self._model.finish(self.batches[index], outputs) for index, outputs in pairs]
        arrays = {
            name: np.concatenate([_items(name, outputs[name], self._batch) for outputs in finished])
            for name in finished[0]
        }
        arrays["__items__"] = np.concatenate([self._items[index] for index, _ in pairs])
        handle, path = tempfile.mkstemp(suffix=".npz", prefix="kept-", dir=folder)
        os.close(handle)
        _save(path, arrays)
        return path

    def needed(self, outputs: Arrays) -> Arrays:
        """Part of the outputs that is worth keeping."""
        return self._model.needed(outputs)

    def _overhead_ns(self) -> float:
        """Mean time of the loop around a call that does nothing."""
        idle = _Caller(self, [0], 1, 0)
        began = time.perf_counter_ns()
        idle.calls(_nothing, _IDLE_CALLS)
        return (time.perf_counter_ns() - began) / _IDLE_CALLS


def _nothing(_: int) -> Arrays:
    return {}


class _Caller:
    """One client of the closed loop; its kept outputs are a uniform draw over all of its calls (reservoir)."""

    def __init__(self, loop: ClosedLoop, order: list[int], keep: int, seed: int) -> None:
        self._loop = loop
        self._order = order
        self._keep = keep
        self._random = random.Random(seed)  # noqa: S311 - as above
        self.ends: list[int] = []
        self.durations: list[int] = []
        self.kept: list[tuple[int, Arrays]] = []
        self.error: Exception | None = None

    def until(self, deadline: int) -> None:
        """Call until the deadline has passed; a call that began before it is counted in full."""
        clock, call, order = time.perf_counter_ns, self._loop.call, self._order
        ends, durations, number, length = self.ends, self.durations, 0, len(order)
        while True:
            index = order[number % length]
            began = clock()
            outputs = call(index)
            end = clock()
            ends.append(end)
            durations.append(end - began)
            if self._keep:
                self._draw(number, index, outputs)
            number += 1
            if end >= deadline:
                return

    def calls(self, call: Callable[[int], Arrays], count: int) -> None:
        """The same loop for a number of calls of ``call``."""
        clock, order = time.perf_counter_ns, self._order
        for number in range(count):
            index = order[number % len(order)]
            began = clock()
            call(index)
            end = clock()
            self.ends.append(end)
            self.durations.append(end - began)

    def guarded(self, deadline: int) -> None:
        """For threads: an error is kept for the one who waits."""
        try:
            self.until(deadline)
        except Exception as error:  # noqa: BLE001 - raised again where the block is reported
            self.error = error

    def _draw(self, number: int, index: int, outputs: Arrays) -> None:
        if number < self._keep:
            self.kept.append((index, self._loop.needed(outputs)))
            return
        place = self._random.randrange(number + 1)
        if place < self._keep:
            self.kept[place] = (index, self._loop.needed(outputs))


def _together(callers: list[_Caller], deadline: int) -> None:
    threads = [threading.Thread(target=caller.guarded, args=(deadline,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
