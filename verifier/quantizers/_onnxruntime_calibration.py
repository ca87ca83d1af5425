"""ONNX Runtime's calibration, watched: what enters its statistics, and how they fit into memory.

Runs inside the worker process: standard library, numpy and onnxruntime, syntax of Python 3.8.

Its histogram methods keep every activation of every batch and count them at the end. Once the range is known counts
add up, so that the same histogram comes of two passes that keep one batch at a time:

1. The calibrator's own session runs over all batches; only the least and the largest value of each tensor are kept.
2. Its own collector, given empty histograms over those ranges, has the values of each batch added by the rule by which
   one shot counts them all, and then computes the ranges.
3. What it has collected is held against what one shot must give: the same bins and range, and every value counted.

Whatever does not fit leaves the tool to itself, and the reason is recorded. Batches of different shapes, which the
tool cannot stack, are an error here too: an artifact that it could not have made must not be reproduced.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from verifier.calibration import free_bytes

if TYPE_CHECKING:
    from verifier.calibration import CalibrationReader

    Histogram = tuple[Any, ...]
    Report = Callable[[float, str], None]

ONE_SHOT_BYTES = 256 * 2**20
"""Activations that may be kept at once; below this the tool is left to itself."""

_BLOCK = 1 << 15
"""Values that are looked at together: they stay in the cache."""

_QUANTIZE, _CALIBRATE = "onnxruntime.quantization.quantize", "onnxruntime.quantization.calibrate"


class _Unfit(Exception):
    """Two passes would not, or might not, give what one shot gives."""


class _Span:
    """What the first pass keeps of one tensor."""

    def __init__(self, array: Any) -> None:
        """Nothing is known yet but its type and shape."""
        self.dtype, self.shape, self.values = array.dtype, array.shape, 0
        self.low, self.high, self.least = np.inf, -np.inf, np.inf

    def include(self, name: str, array: Any, *, absolute: bool) -> None:
        """One more batch."""
        if array.shape != self.shape:
            _refuse_ragged(name, self.shape, array.shape)
        if array.size == 0:
            raise _Unfit(f"tensor {name} is empty")
        low, high = array.min(), array.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            raise _Unfit(f"tensor {name} has values that are not finite numbers")
        self.low, self.high, self.values = min(self.low, low), max(self.high, high), self.values + array.size
        if absolute:
            self.least = min(self.least, _least_magnitude(array, low, high))

    def empty(self, bins: int, *, absolute: bool) -> Histogram:
        """The tool's own histogram of a tensor with these extremes, nothing counted yet and no extremes seen."""
        unseen = (self.dtype.type(np.inf), self.dtype.type(-np.inf))
        largest: Any = np.array(max(abs(self.low), abs(self.high)), dtype=self.dtype)
        try:
            if absolute:
                counts, edges = np.histogram(np.array([self.least, largest], self.dtype), bins=bins)
                return (np.zeros_like(counts), edges.astype(self.dtype), *unseen)
            counts, edges = np.histogram(np.zeros(1, self.dtype), bins, range=(-largest, largest))
        except ValueError as error:
            raise _Unfit(f"the range of a tensor has no {bins} bins: {error}") from error
        return (np.zeros_like(counts), edges, *unseen, largest)


def _least_magnitude(array: Any, low: Any, high: Any) -> Any:
    if low >= 0 or high <= 0:
        return abs(low) if low >= 0 else abs(high)
    flat = array.reshape(-1)
    room = np.empty(min(_BLOCK, flat.size), flat.dtype)
    parts = (flat[at : at + _BLOCK] for at in range(0, flat.size, _BLOCK))
    return min(np.abs(part, out=room[: part.size]).min() for part in parts)


def _refuse_ragged(name: str, first: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Stack two arrays as the tool does: numpy refuses, before 1.24 it made an array of objects."""
    try:
        np.asarray([np.empty(first, np.bool_), np.empty(other, np.bool_)])
    except ValueError as error:
        raise ValueError(
            f"tensor {name} has shape {first} in one batch and {other} in another; ONNX Runtime stacks all batches for "
            "this calibration method and cannot do that, so this recipe gives no artifact"
        ) from error
    raise _Unfit(f"tensor {name} changes its shape")


class Oversight:
    """What is seen of one calibration, and how it was run."""

    def __init__(self, reader: CalibrationReader, ceiling: int, report: Report | None) -> None:
        """``ceiling``: bytes of activations up to which one shot is taken; ``report``: share done, and a note."""
        self._reader = reader
        self._ceiling = ceiling
        self._report = report
        self._spans: dict[str, _Span] = {}
        self.watched = False
        self.path = "one_shot"
        self.reason = ""
        self.one_shot_bytes: int | None = None

    def account(self) -> dict[str, Any]:
        """Items read and items that entered the statistics, with digests over them, and the path taken."""
        reader = self._reader
        digest = reader.digest(reader.read)
        entered = digest if reader.entered == reader.read else reader.digest(reader.entered)
        return {
            "samples": reader.items(reader.entered) if self.watched else None,
            "digest": entered if self.watched else None,
            "read": reader.items(reader.read),
            "read_digest": digest,
            "collection": self.path,
            "reason": self.reason,
            "one_shot_bytes": self.one_shot_bytes,
        }

    def creator(self, create: Callable[..., Any], histograms: Any) -> Callable[..., Any]:
        """``create_calibrator`` whose calibrators are watched."""

        def created(*args: Any, **kwargs: Any) -> Any:
            calibrator: Any = create(*args, **kwargs)
            if isinstance(calibrator, histograms):
                collect = calibrator.collect_data
                calibrator.collect_data = lambda batches: self._collect(calibrator, collect, batches)
            else:
                self._watch_ranges(calibrator)
            self.watched = True
            return calibrator

        return created

    def collecting(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """``HistogramCollector`` that says when batches enter its histograms."""

        def made(*args: Any, **kwargs: Any) -> Any:
            collector = make(*args, **kwargs)
            if self._spans:
                _check_additive(make, args, kwargs)
                _prepare(collector, self._spans)
            collect = collector.collect

            def counted(batches: dict[str, Any]) -> Any:
                answer = collect(batches)
                self._reader.enter(len(next(iter(batches.values()))))
                return answer

            collector.collect = counted
            return collector

        return made

    def _watch_ranges(self, calibrator: Any) -> None:
        """Minima and maxima are gathered per batch and merged now and then; what is cleared unmerged is lost."""
        compute, clear = calibrator.compute_data, calibrator.clear_collected_data

        def computed() -> Any:
            if calibrator.intermediate_outputs:
                self._reader.enter(len(calibrator.intermediate_outputs))
            return compute()

        def cleared() -> None:
            self._reader.drop()
            clear()

        calibrator.compute_data, calibrator.clear_collected_data = computed, cleared

    def _collect(self, calibrator: Any, collect: Callable[[Any], None], reader: CalibrationReader) -> None:
        start, end = reader.position, reader.end
        whole = calibrator.collector is None and (start, end) == (0, len(reader))
        if not whole:
            self.path, self.reason = "chunks", "the recipe cuts the data into chunks, and the cuts change the result"
        if self.one_shot_bytes is None:
            sizes = [array.nbytes for array in calibrator.infer_session.run(None, reader.batch(start))]
            # all outputs of all batches, and the largest stacked and flattened
            self.one_shot_bytes = (end - start) * (sum(sizes) + 2 * max(sizes, default=0))
        need = self.one_shot_bytes
        if whole and end - start > 1 and need > self._ceiling:
            try:
                self._two_passes(calibrator, collect, reader)
            except _Unfit as unfit:
                self.reason = f"two passes do not fit: {unfit}"
                self._spans, calibrator.collector = {}, None
                calibrator.clear_collected_data()  # a batch that was on its way would be collected again
                reader.restart(start, end)
            else:
                self.path = "two_passes"
                return
        _need_room(need, end - start)
        collect(reader)

    def _two_passes(self, calibrator: Any, collect: Callable[[Any], None], reader: CalibrationReader) -> None:
        _rest_between(calibrator, reader.batch(0))
        batches, session = reader.end, calibrator.infer_session
        names = [output.name for output in session.get_outputs()]
        absolute = calibrator.method == "percentile" and calibrator.symmetric
        spans: dict[str, _Span] = {}
        for index in range(batches):  # (1)
            for name, array in zip(names, session.run(None, reader.batch(index))):
                if name in calibrator.tensors_to_calibrate:
                    spans.setdefault(name, _Span(array)).include(name, array, absolute=absolute)
            self._tell(index + 1, 2 * batches, "first pass")
        self._spans = spans
        for index in range(batches):  # (2)
            reader.set_range(index, index + 1)
            collect(reader)
            self._tell(batches + index + 1, 2 * batches, "second pass")
        _check_collected(calibrator.collector.histogram_dict, spans, calibrator.num_bins, absolute=absolute)  # (3)

    def _tell(self, done: int, total: int, words: str) -> None:
        if self._report is not None:
            self._report(done / total, f"calibration, {words}")


def _prepare(collector: Any, spans: dict[str, _Span]) -> None:
    """Give the collector empty histograms over the known ranges, and have it add to them."""
    absolute = collector.method == "percentile" and collector.symmetric
    for name, span in spans.items():
        collector.histogram_dict[name] = span.empty(collector.num_bins, absolute=absolute)
    collector.collect = lambda batches: _add(collector.histogram_dict, batches, absolute=absolute)


def _add(histograms: dict[str, Histogram], batches: dict[str, Any], *, absolute: bool) -> None:
    """Count values into the bins in which one shot counts them.

    The tool's own merging copies each tensor twice, and searches each magnitude among the edges, which takes three
    times as long.
    """
    for name, arrays in batches.items():
        counts, edges, low, high = histograms[name][:4]
        largest = histograms[name][4:]
        bounds = (edges[0], edges[-1]) if absolute else (-largest[0], largest[0])
        counter = _Counter(counts, edges) if _wide(edges) else None
        for array in arrays:
            flat = array.reshape(-1)
            low, high = min(low, np.nanmin(flat)), max(high, np.nanmax(flat))
            room = np.empty(min(_BLOCK, flat.size), flat.dtype)
            for at in range(0, flat.size, _BLOCK):
                part = flat[at : at + _BLOCK]
                part = np.abs(part, out=room[: part.size]) if absolute else part
                try:
                    counts += counter(part) if counter else np.histogram(part, len(counts), bounds)[0]
                except ValueError as error:  # no bin for it
                    raise _Unfit(f"tensor {name} had another range in the second pass") from error
        histograms[name] = (counts, edges, low, high, *largest)


def _wide(edges: Any) -> bool:
    """Whether `_Counter` is exact: bins at least 16 steps of the number format wide, as its error is below four."""
    if edges.dtype != np.float32 or len(edges) > 1 << 16:
        return False
    first, last = float(edges[0]), float(edges[-1])
    width = (last - first) / (len(edges) - 1)
    return width > 1e-30 and width >= 16 * float(np.spacing(np.float32(max(abs(first), abs(last)))))


class _Counter:
    """Numpy's rule, ``edges[i] <= value < edges[i + 1]`` with the last edge included, in half of its time.

    A value's place among equal bins, rounded, names the nearest edge; one comparison with it tells the bin below from
    the one above. Numpy rounds down and compares with both edges of the bin.
    """

    def __init__(self, counts: Any, edges: Any) -> None:
        """Room for one block."""
        self._bins, self._edges = len(counts), edges
        self._scale = np.float32(self._bins / (float(edges[-1]) - float(edges[0])))
        self._place, self._edge = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
        self._below, self._index = np.empty(_BLOCK, np.bool_), np.empty(_BLOCK, np.intp)

    def __call__(self, values: Any) -> Any:
        """Counts of finite values within the edges."""
        size = values.size
        place, index = self._place[:size], self._index[:size]
        np.subtract(values, self._edges[0], out=place)
        np.multiply(place, self._scale, out=place)
        np.rint(place, out=place)
        np.copyto(index, place, casting="unsafe")
        edge = np.take(self._edges, index, out=self._edge[:size], mode="clip")
        index -= np.less(values, edge, out=self._below[:size])
        found = np.bincount(index, minlength=self._bins + 1)
        found[-2] += found[-1]  # the last edge itself
        return found[:-1]


def _check_collected(found: dict[str, Histogram], spans: dict[str, _Span], bins: int, *, absolute: bool) -> None:
    """Step 3; raises `_Unfit`."""
    if set(found) != set(spans):
        raise _Unfit("the two passes saw other tensors")
    for name, span in spans.items():
        counts, edges, low, high = found[name][:4]
        same = len(counts) == bins and np.array_equal(edges, span.empty(bins, absolute=absolute)[1])
        if not same or (low, high) != (span.low, span.high):
            raise _Unfit(f"tensor {name} had another range in the second pass")
        if counts.sum() != span.values:
            raise _Unfit(f"not every value of tensor {name} was counted")


def _check_additive(make: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Ask this version's collector, on small arrays, whether two passes give what one shot gives."""
    rng = np.random.RandomState(0)
    made = {
        "mixed": [rng.standard_normal((2, 300)).astype(np.float32) * scale for scale in (1.0, 3.0, 0.1)],
        "positive": [rng.standard_normal((2, 300)).astype(np.float32) ** 2 + 1 for _ in range(3)],
        "negative": [-np.abs(rng.standard_normal((2, 300)).astype(np.float32)) for _ in range(3)],
        "clipped": [np.maximum(rng.standard_normal((2, 300)).astype(np.float32), 0) for _ in range(3)],
        "constant": [np.zeros((2, 300), np.float32) for _ in range(3)],
    }
    one, two = make(*args, **kwargs), make(*args, **kwargs)
    one.collect(made)
    absolute = two.method == "percentile" and two.symmetric
    spans = {name: _Span(arrays[0]) for name, arrays in made.items()}
    for at in range(3):
        for name, span in spans.items():
            span.include(name, made[name][at], absolute=absolute)
    _prepare(two, spans)
    for at in range(3):
        two.collect({name: [arrays[at]] for name, arrays in made.items()})
    for name, expected in one.histogram_dict.items():
        got = two.histogram_dict[name]
        if len(got) != len(expected) or not all(np.array_equal(a, b) for a, b in zip(got, expected)):
            raise _Unfit("this version's histograms do not add up")


def _rest_between(calibrator: Any, batch: dict[str, Any]) -> None:
    """Have the session's threads rest while we count: they would spin, for as much time as a second pass takes.

    The new session has the options of the tool's own; should a single bit of an output differ the old one stays.
    """
    session = calibrator.infer_session
    options = session.get_session_options()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    quiet = type(session)(calibrator.augmented_model_path, sess_options=options, providers=session.get_providers())
    outputs = zip(session.run(None, batch), quiet.run(None, batch))
    if all(one.dtype == two.dtype and one.tobytes() == two.tobytes() for one, two in outputs):
        calibrator.infer_session = quiet


def _need_room(need: int, batches: int) -> None:
    """Say beforehand what would end in a killed process."""
    free = free_bytes()
    if free is not None and need > free:
        raise ValueError(
            f"ONNX Runtime would keep the activations of {batches} batches, about {need / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB are free"
        )


@contextlib.contextmanager
def overseen(
    reader: CalibrationReader, *, ceiling: int = ONE_SHOT_BYTES, report: Report | None = None
) -> Iterator[Oversight]:
    """Watch what ``quantize_static`` does with ``reader`` inside the block.

    The tool makes its calibrator and its collector itself, with its own arguments: the two names under which it finds
    their makers are replaced for the while. A version that has no such names runs unwatched.
    """
    seen = Oversight(reader, ceiling, report)
    quantize, calibrate = importlib.import_module(_QUANTIZE), importlib.import_module(_CALIBRATE)
    try:
        create, collector = quantize.create_calibrator, calibrate.HistogramCollector
        histograms = calibrate.HistogramCalibrater
    except AttributeError:
        seen.reason = "this version of the tool is built otherwise, so that its statistics cannot be watched"
        yield seen
        return
    quantize.create_calibrator = seen.creator(create, histograms)  # type: ignore[attr-defined]
    calibrate.HistogramCollector = seen.collecting(collector)  # type: ignore[attr-defined]
    try:
        yield seen
    finally:
        quantize.create_calibrator, calibrate.HistogramCollector = create, collector  # type: ignore[attr-defined]
