"""The quantized model beside its reference, layer by layer, with sums that take no more memory for more items.

Runs inside the worker: standard library, numpy and ``onnx``, syntax of Python 3.8. The runtime is handed in.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from verifier.inspection.graph import load
from verifier.inspection.growth import Growth
from verifier.inspection.moments import Noise, Spread, Tails
from verifier.inspection.pairs import Pair, Pairs, Range, pairs
from verifier.workload import read_inputs, take

if TYPE_CHECKING:
    Arrays = dict[str, Any]
    Open = Callable[[str, str, dict[str, Any]], Any]
    Run = Callable[[Any, Arrays], Arrays]

LAYERS_AT_ONCE = 32
"""Layers whose outputs are held together: what is in memory is theirs for one batch, in both models."""
MOST_LAYERS = 512
ITEMS_AT_ONCE = 4
OUTLIERS = ("transformer_encoder", "encoder_decoder", "transformer_decoder")
"""Families whose activations have channels far larger than the rest."""
SEQUENCES = ("recurrent", "state_space")
"""Families that feed their own result back, so that an error can grow."""


class Group(NamedTuple):
    """What is looked at in one go."""

    layers: tuple[Pair, ...]
    ranges: tuple[Range, ...]
    inputs: tuple[str, ...]


class Sums:
    """Everything that is added up."""

    def __init__(self, family: str) -> None:
        """Nothing seen yet."""
        self.layers: dict[Pair, Noise] = {}
        self.outputs: dict[str, Noise] = {}
        self.fit: dict[str, Spread] = {}
        self.calibrated: dict[str, Spread] = {}
        self.tails: dict[str, Tails] = {}
        self.growth = Growth() if family in SEQUENCES else None
        self.unlike: list[str] = []
        """Layers whose tensors have other shapes in the two files."""
        self.limits: dict[str, Range] = {}


class Sessions:
    """Opens the two models with more outputs than they have."""

    def __init__(self, request: dict[str, Any], folder: str, start: Open, run: Run) -> None:
        """Read both files and pair them."""
        self._models = {"reference": load(request["reference"]), "quantized": load(request["quantized"])}
        self.pairs: Pairs = pairs(self._models["reference"], self._models["quantized"])
        self._models["quantized"].graph.node.extend(self.pairs.added)
        self._request, self._folder, self._start = request, folder, start
        self.run = run
        self.batch = _fixed_batch(self._models["reference"]) or min(int(request["batch"]), ITEMS_AT_ONCE)
        self.outputs = [entry.name for entry in self._models["reference"].graph.output]

    def open(self, name: str, wanted: list[str]) -> Any:
        """A session of one of the models that gives ``wanted`` too."""
        import onnx

        model = self._models[name]
        own = len(model.graph.output)
        present = {entry.name for entry in (*model.graph.output, *model.graph.input)}
        model.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in wanted if tensor not in present)
        path = os.path.join(self._folder, f"{name}.onnx")
        onnx.save(model, path)
        del model.graph.output[own:]
        return self._start(path, self._request["provider"], self._request.get("options", {}))


def signal(request: dict[str, Any], start: Open, run: Run) -> dict[str, Any]:
    """Compare; the answer has the fields of `verifier.evidence.inspection.SignalReport` that come from running.

    ``request``: ``reference``, ``quantized``, ``provider``, ``options``, ``inputs``, ``batch``, ``items`` (of each
    set), ``seconds`` (no new work is begun after them), ``family``, ``evaluation`` and ``calibration`` with ``data``
    and ``limit``, and for the latter ``order`` and ``seed``; ``calibration`` may be missing.
    """
    until = time.monotonic() + request["seconds"]
    sums = Sums(request["family"])
    seen = {"evaluation": 0, "calibration": 0}
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        sessions = Sessions(request, folder, start, run)
        groups = list(_groups(sessions.pairs, request["family"]))
        done = 0
        for group in groups:
            if done and time.monotonic() > until:
                break
            counts = _look(sessions, request, group, sums, until)
            seen = {name: min(seen[name], count) if done else count for name, count in counts.items()}
            done += 1
    left = sum(len(group.layers) for group in groups[done:]) + max(0, len(sessions.pairs.layers) - MOST_LAYERS)
    counts = {"evaluation_items": seen["evaluation"], "calibration_items": seen["calibration"], "left_out": left}
    return dict(_rows(sums, sessions.pairs), **counts)


def _groups(found: Pairs, family: str) -> Iterator[Group]:
    """Layers, ranges and inputs in portions; the first one exists even if a file has no layers."""
    layers, inputs = found.layers[:MOST_LAYERS], found.inputs if family in OUTLIERS else ()
    most = max(len(layers), len(found.ranges), len(inputs), 1)
    for at in range(0, most, LAYERS_AT_ONCE):
        part = slice(at, at + LAYERS_AT_ONCE)
        yield Group(layers[part], found.ranges[part], inputs[part])


def _look(sessions: Sessions, request: dict[str, Any], group: Group, sums: Sums, until: float) -> dict[str, int]:
    """One group over both sets; gives the items of each."""
    sums.limits.update((limit.tensor, limit) for limit in group.ranges)
    first = not sums.outputs and not sums.layers
    wanted = {pair.reference for pair in group.layers} | {limit.tensor for limit in group.ranges} | set(group.inputs)
    reference = sessions.open("reference", sorted(wanted))
    quantized = sessions.open("quantized", sorted({pair.quantized for pair in group.layers}))
    seen = {"evaluation": 0, "calibration": 0}
    for inputs in _batches(request, "evaluation", sessions.batch, until):
        theirs = dict(inputs, **sessions.run(reference, inputs))
        ours = sessions.run(quantized, inputs)
        for pair in group.layers:
            _compare(sums, pair, theirs[pair.reference], ours[pair.quantized])
        if first:
            own = {name: (theirs[name], ours[name]) for name in sessions.outputs if name in ours}
            _compare_outputs(sums, own, inputs)
        _clip(sums.fit, group.ranges, theirs)
        for name in group.inputs:
            sums.tails.setdefault(name, Tails()).add(theirs[name])
        seen["evaluation"] += sessions.batch
    if group.ranges and request.get("calibration"):
        for inputs in _batches(request, "calibration", sessions.batch, until):
            _clip(sums.calibrated, group.ranges, dict(inputs, **sessions.run(reference, inputs)))
            seen["calibration"] += sessions.batch
    return seen


def _clip(into: dict[str, Spread], ranges: tuple[Range, ...], found: Arrays) -> None:
    for limit in ranges:
        into.setdefault(limit.tensor, Spread()).add(found[limit.tensor], limit)


def _compare(sums: Sums, pair: Pair, theirs: Any, ours: Any) -> None:
    if theirs.shape != ours.shape:
        if pair.node not in sums.unlike:
            sums.unlike.append(pair.node)
        return
    sums.layers.setdefault(pair, Noise()).add(theirs, ours)


def _compare_outputs(sums: Sums, both: dict[str, tuple[Any, Any]], inputs: Arrays) -> None:
    for name, (theirs, ours) in both.items():
        if theirs.shape == ours.shape and theirs.dtype.kind in "fiub":
            if theirs.dtype.kind == "f":
                sums.outputs.setdefault(name, Noise()).add(theirs, ours)
            if sums.growth is not None:
                sums.growth.add(name, theirs, ours, inputs)


def _batches(request: dict[str, Any], name: str, batch: int, until: float) -> Iterator[Arrays]:
    """Items spread evenly over a set, as many as asked for, in full batches; at least one batch, whatever the time."""
    data = request[name]
    arrays = read_inputs(data["data"], request["inputs"])
    total = len(next(iter(arrays.values())))
    order = np.arange(total)
    if data.get("order") == "shuffled":  # as the reader of the calibration set does
        order = np.random.RandomState(data["seed"] % 2**32).permutation(total)
    order = order[: data.get("limit") or total]
    count = max(1, min(len(order), int(request["items"])) // batch) * batch
    items = order[np.linspace(0, len(order) - 1, count).round().astype(int)]
    for at in range(0, count, batch):
        if at and time.monotonic() > until:
            return
        yield take(arrays, items[at : at + batch])


def _fixed_batch(model: Any) -> int:
    """Batch that the file prescribes; 0 if it takes any."""
    constants = {tensor.name for tensor in model.graph.initializer}
    for entry in model.graph.input:
        dims = entry.type.tensor_type.shape.dim
        if entry.name not in constants and dims:
            return int(dims[0].dim_value)
    return 0


def _rows(sums: Sums, found: Pairs) -> dict[str, Any]:
    layers = [_row(pair, noise) for pair, noise in sums.layers.items() if noise.values]
    steps = [(pair.weight, noise) for pair, noise in sums.layers.items() if pair.weight]
    outputs = [_row(Pair(name, "", "", name, name), noise) for name, noise in sums.outputs.items() if noise.values]
    tails = [tails.row(name) for name, tails in sums.tails.items()]
    return {
        "layers": layers,
        "outputs": outputs,
        "unmatched": [*found.unmatched, *sums.unlike],
        "activations": [_fit(sums, name) for name, spread in sums.fit.items() if spread.values],
        "outliers": [row for row in tails if row is not None],
        "growth": sums.growth.rows(steps) if sums.growth is not None else [],
    }


def _row(pair: Pair, noise: Noise) -> dict[str, Any]:
    return {
        "node": pair.node,
        "op_type": pair.op_type,
        "weight": pair.weight,
        "tensor": pair.reference,
        "values": noise.values,
        "sqnr_db": noise.decibels,
    }


def _fit(sums: Sums, name: str) -> dict[str, Any]:
    seen, known = sums.fit[name], sums.calibrated.get(name, Spread())
    low, high = sums.limits[name].ends
    return {
        "tensor": name,
        "low": low,
        "high": high,
        "calibration_values": known.values,
        "calibration_clipped": known.clipped,
        "evaluation_values": seen.values,
        "evaluation_clipped": seen.clipped,
        "calibration_low": known.low if known.values else None,
        "calibration_high": known.high if known.values else None,
        "evaluation_low": seen.low,
        "evaluation_high": seen.high,
    }
