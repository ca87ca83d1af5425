"""An open model at work: one call, or a whole data set with its head.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Arrays = dict[str, Any]


_NEAR = 1e-3
"""Standard deviations by which two scores may differ and be one answer."""


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
    return take(read_inputs(request["data"], request["inputs"]), np.arange(request["batch"]))


def take(arrays: Arrays, items: Any) -> Arrays:
    """A batch; a data set shorter than the batch goes round."""
    total = len(next(iter(arrays.values())))
    return {name: np.ascontiguousarray(array[np.asarray(items) % total]) for name, array in arrays.items()}


def fetched(outputs: Arrays) -> Arrays:
    """Outputs as arrays; an engine may have left them on its device."""
    return {name: np.asarray(value) for name, value in outputs.items()}


class Opened:
    """A model in its runtime, and the head that turns its outputs into predictions."""

    def __init__(self, runtime: Any, request: dict[str, Any], evaluator: Callable[[str], Any] | None = None) -> None:
        """Load both; ``evaluator`` opens the head where the runtime does not."""
        self._run: Callable[[Any, Arrays], Arrays] = runtime.run
        self._session = runtime.open(request["model"], request["provider"], request.get("options", {}))
        self.bare: Callable[[Arrays], Any] = runtime.bare(self._session)
        """The engine's own call, with nothing of ours around it."""
        self._timed: Callable[[Any, list[Arrays]], Any] | None = runtime.timed
        self._wanted: list[str] | None = request.get("outputs")
        self._head: Any | None = None
        self._run_head: Callable[[Arrays], Arrays] = _no_head
        head = request.get("head")
        if head and evaluator is not None:
            self._head = self._run_head = evaluator(head["model"])
        elif head:
            self._head = runtime.open(head["model"], request["provider"], {"intra_op_threads": 1})
            self._run_head = functools.partial(runtime.run, self._head)
        if self._head is not None:
            self._head_inputs: list[str] = list(self._head.inputs)

    def call(self, inputs: Arrays) -> Arrays:
        """The model alone."""
        return self._run(self._session, inputs)

    def lay(self, batches: list[Arrays]) -> Any:
        """The batches laid ready where the engine's clock is, ``None`` for an engine that is timed from here."""
        return self._timed(self._session, batches) if self._timed is not None else None

    def finish(self, inputs: Arrays, outputs: Arrays) -> Arrays:
        """Outputs with those of the head, which reads the model's outputs and inputs by name."""
        if self._head is not None:
            known = dict(inputs)
            known.update(outputs)
            feeds = {name: known[name] for name in self._head_inputs}
            outputs = dict(outputs, **self._run_head(feeds))
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
        if request.get("items"):  # these alone, in this order
            arrays = take(arrays, request["items"])
        total, batch = len(next(iter(arrays.values()))), int(request["batch"])
        kept: dict[str, list[Any]] = {}
        blind = asked = 0
        for start in range(0, total, batch):
            count = min(batch, total - start)
            inputs = take(arrays, np.minimum(np.arange(start, start + batch), total - 1))
            raw = fetched(self.call(inputs))
            outputs = self.finish(inputs, raw)
            for name in sorted(outputs):
                kept.setdefault(name, []).append(items_of(name, outputs[name], batch)[:count])
            if self._head is not None and (count == batch or count > 1):  # a lone item filled up has no other beside it
                unmoved = self._blind(inputs, raw, outputs, batch, count)
                asked += 0 if unmoved is None else count
                blind += unmoved or 0
        save(request["out"], {name: np.concatenate(parts) for name, parts in kept.items()})
        return {"samples": total, "head_blind": blind / asked if asked else None}

    def _blind(self, inputs: Arrays, raw: Arrays, outputs: Arrays, batch: int, count: int) -> Any:
        """Items, of the first ``count``, for which the head says the same whatever it is told of the model.

        ``None`` if it gives nothing.

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
                same &= _answers_alike(outputs[name], other[name])
        return int(same[:count].sum())


def _no_head(_: Arrays) -> Arrays:
    return {}


def _answers_alike(told: Any, heard: Any) -> Any:
    """Items for which two outputs are one answer: the same class of several scores, else the same value.

    A trace of the model in every score is not yet an answer by the model, so that floats need not be equal.
    """
    if told.dtype.kind != "f":
        return (told == heard).reshape(len(told), -1).all(axis=1)
    if told.ndim > 1 and told.shape[-1] > 1:
        return (told.argmax(axis=-1) == heard.argmax(axis=-1)).reshape(len(told), -1).all(axis=1)
    if not np.isfinite(told).all():
        return (told == heard).reshape(len(told), -1).all(axis=1)
    return (np.abs(told - heard) <= _NEAR * float(np.std(told))).reshape(len(told), -1).all(axis=1)


def _turned(value: Any, batch: int) -> Any:
    """Every item has its neighbour's value."""
    return np.roll(value, 1, axis=0) if value.ndim and value.shape[0] == batch else value


def _negated(value: Any, _batch: int) -> Any:
    return -value if value.dtype.kind == "f" else value


def items_of(name: str, output: Any, batch: int) -> Any:
    """The output as an array whose first axis is the items of the batch. Raises `ValueError`."""
    array = np.asarray(output)
    if array.ndim == 0 or array.shape[0] != batch:
        raise ValueError(
            f"output {name} has shape {array.shape} for a batch of {batch}: its first axis is not the batch"
        )
    return array


def save(path: str, arrays: Arrays) -> None:
    """Write an archive of arrays."""
    with open(path, "wb") as file:
        np.savez(file, **arrays)
