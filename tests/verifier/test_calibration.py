"""Calibration in two passes gives the bytes of one shot, and every sample is followed into the statistics."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import HistogramCollector

from verifier.calibration import CalibrationReader
from verifier.errors import ToolFailed
from verifier.onnxruntime_recipe import variants
from verifier.process import Worker
from verifier.quantizers import _onnxruntime_calibration as two_pass
from verifier.quantizers._onnxruntime_calibration import overseen

_SPEC = importlib.util.spec_from_file_location(
    "make_models", Path(__file__).parent.parent / "models" / "make_models.py"
)
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

# the package has a function of the module's name, so that the module cannot be had as an attribute
QUANTIZE = importlib.import_module("onnxruntime.quantization.quantize")
SAMPLES = 12
METHODS = {
    "entropy": {"kind": "entropy", "symmetric": False, "bins": 128, "quantized_bins": 128},
    "percentile": {"kind": "percentile", "symmetric": False, "percentile": 90.0, "bins": 2048},
    "magnitudes": {"kind": "percentile", "symmetric": True, "percentile": 95.0, "bins": 2048},
}
MINMAX = {"kind": "minmax", "symmetric": False}


def scheme(fmt, symmetry, kind="per_tensor", **extra):
    return {"format": fmt, "granularity": {"kind": kind, **extra}, "symmetry": symmetry, "timing": "static"}


def recipe(method, *, samples=SAMPLES, batch_size=2, activations="uint8", **options):
    weights = scheme("int8", "symmetric", "per_channel", axis=0)
    if options.get("format") == "qoperator":
        weights = scheme("uint8", "asymmetric")
    return {
        "precision": {
            "weights": weights,
            "activations": scheme(activations, "asymmetric" if activations == "uint8" else "symmetric"),
            "head": weights,
        },
        "mixed_precision": {"first_layer": weights["format"], "last_layer": weights["format"], "exceptions": []},
        "quantization": {"algorithm": "rtn", "approach": "static"},
        "calibration": {"data": {"samples": samples, "batch_size": batch_size, "seed": 1}, "method": dict(method)},
        "options": {"mode": "static", "format": "qdq", **options},
    }


def residual(path):
    """Two convolutions with a sum of branches, a pool and a head: positive, signed and constant tensors."""
    rng = np.random.default_rng(8)
    nodes = [
        models.node("Conv", ["x", "w1"], ["a"], pads=[1] * 4),
        models.node("Relu", ["a"], ["b"]),
        models.node("Conv", ["b", "w2"], ["c"], pads=[1] * 4),
        models.node("Add", ["b", "c"], ["d"]),
        models.node("Mul", ["d", "zero"], ["nothing"]),
        models.node("Add", ["d", "nothing"], ["e"]),
        models.node("GlobalAveragePool", ["e"], ["f"]),
        models.node("Flatten", ["f"], ["g"]),
        models.node("Gemm", ["g", "w3"], ["y"]),
    ]
    weights = {
        "w1": rng.normal(size=(4, 2, 3, 3)).astype(np.float32),
        "w2": rng.normal(size=(4, 4, 3, 3)).astype(np.float32),
        "w3": rng.normal(size=(4, 3)).astype(np.float32),
        "zero": np.zeros((1, 4, 1, 1), np.float32),
    }
    sizes = {"inputs": {"x": ["batch", 2, 8, 8]}, "outputs": {"y": ["batch", 3]}}
    return models.save(path, nodes, weights, opset=17, **sizes)


def recurrent(path):
    """A recurrent layer between two products, over sequences of five steps."""
    rng = np.random.default_rng(9)
    nodes = [
        models.node("MatMul", ["x", "w1"], ["a"]),
        models.node("Tanh", ["a"], ["b"]),
        models.node("LSTM", ["b", "wi", "wr"], ["h", "last"], "lstm", hidden_size=4),
        models.node("Squeeze", ["last", "axis"], ["s"]),
        models.node("MatMul", ["s", "w2"], ["y"]),
    ]
    weights = {
        "w1": rng.normal(size=(3, 4)).astype(np.float32),
        "wi": rng.normal(size=(1, 16, 4)).astype(np.float32),
        "wr": rng.normal(size=(1, 16, 4)).astype(np.float32),
        "w2": rng.normal(size=(4, 2)).astype(np.float32),
        "axis": np.array([0], np.int64),
    }
    sizes = {"inputs": {"x": ["steps", "batch", 3]}, "outputs": {"y": ["batch", 2]}}
    return models.save(path, nodes, weights, opset=17, **sizes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("calibration")
    rng = np.random.default_rng(3)
    models.convolution(path / "conv.onnx")
    np.savez(path / "conv.npz", x=rng.normal(size=(SAMPLES, 1, 6, 6)).astype(np.float32) ** 3)
    residual(path / "residual.onnx")
    growing = rng.normal(size=(SAMPLES, 2, 8, 8)) * np.linspace(0.1, 4, SAMPLES)[:, None, None, None]
    np.savez(path / "residual.npz", x=growing.astype(np.float32))
    models.two_layers(path / "two.onnx")
    np.savez(path / "two.npz", x=rng.uniform(1, 2, size=(SAMPLES, 4)).astype(np.float32))
    recurrent(path / "recurrent.onnx")
    np.savez(path / "recurrent.npz", x=rng.normal(size=(SAMPLES * 5, 1, 3)).astype(np.float32))
    return path


def run(folder, job, model, *, ceiling=None, data=None):
    """Quantize in a process of its own; digest of the file, and the answer. A ceiling of 0 asks for two passes."""
    output = folder / "out.onnx"
    full = job | {
        "model": str(folder / f"{model}.onnx"),
        "output": str(output),
        "calibration_data": str(data or folder / f"{model}.npz"),
    }
    full |= {} if ceiling is None else {"one_shot_bytes": ceiling}
    with Worker(threads=1) as worker:
        answer = worker.call({"do": "quantize", "tool": "onnxruntime", "job": full})
    return hashlib.sha256(output.read_bytes()).hexdigest(), answer


@pytest.mark.parametrize("model", ["conv", "residual", "two"])
@pytest.mark.parametrize("method", METHODS)
def test_two_passes_give_the_bytes_of_one_shot(folder, model, method):
    job = recipe(METHODS[method])
    one, shot = run(folder, job, model)
    two, passes = run(folder, job, model, ceiling=0)
    assert (shot["collection"], passes["collection"], passes["reason"]) == ("one_shot", "two_passes", "")
    assert one == two
    assert {k: shot[k] for k in shot if k != "collection"} == {k: passes[k] for k in passes if k != "collection"}


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("residual", {"format": "qoperator"}),
        ("residual", {"activations": "int8"}),
        ("residual", {"preprocess": True}),
        ("residual", {"batch_size": 1, "calibration_order": "shuffled", "opset": 21}),
        ("residual", {"batch_size": 3, "reduce_range": True, "op_types": ["Conv"]}),
        ("residual", {"calibration_stride": 6}),  # one chunk that is the whole
        ("recurrent", {"batch_size": 5, "samples": 60, "op_types": ["MatMul"]}),
    ],
)
@pytest.mark.parametrize("method", ["percentile", "magnitudes"])
def test_two_passes_give_the_bytes_of_one_shot_under_every_option(folder, model, method, options):
    job = recipe(METHODS[method], **options)
    one, _ = run(folder, job, model)
    two, answer = run(folder, job, model, ceiling=0)
    assert answer["collection"] == "two_passes", answer["reason"]
    assert one == two


@pytest.mark.parametrize("method", METHODS)
def test_chunks_are_left_to_the_tool_since_their_cuts_change_the_result(folder, method):
    job = recipe(METHODS[method], calibration_stride=2)
    one, _ = run(folder, job, "residual")
    chunks, answer = run(folder, job, "residual", ceiling=0)
    assert one == chunks
    assert answer["collection"] == "chunks"
    assert "cuts change the result" in answer["reason"]
    whole, _ = run(folder, recipe(METHODS[method]), "residual")
    assert chunks != whole


def test_little_is_left_to_the_tool(folder):
    _, answer = run(folder, recipe(METHODS["entropy"]), "residual")
    assert (answer["collection"], answer["reason"]) == ("one_shot", "")
    # x, b, c, d, ... of 2 x 4 x 8 x 8 floats: at least four of them in each of six batches
    assert answer["one_shot_bytes"] > 6 * 4 * 2 * 4 * 8 * 8 * 4


def collected(folder, model, method, *, ceiling, data=None, options=None, samples=SAMPLES):
    """Ranges from the tool's calibrator as it is created for `quantize_static`, and how they were gathered."""
    settings = {"samples": samples, "read": samples, "batch_size": 2, "order": "file", "seed": 0}
    reader = CalibrationReader(str(data or folder / f"{model}.npz"), ["x"], settings, str(folder))
    with overseen(reader, ceiling=ceiling) as seen:
        calibrator = QUANTIZE.create_calibrator(
            str(folder / f"{model}.onnx"),
            ["Conv", "Gemm", "Relu", "Add", "MatMul"],
            augmented_model_path=str(folder / "augmented.onnx"),
            calibrate_method=CalibrationMethod.__members__[method],
            extra_options=options or {},
        )
        calibrator.collect_data(reader)
        found = calibrator.compute_data()
    return {name: {k: getattr(r, k) for k in r._attrs} for name, r in found.items()}, seen


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("Entropy", {}),
        ("Entropy", {"num_bins": 512, "num_quantized_bins": 64}),
        ("Percentile", {"percentile": 99.0}),
        ("Percentile", {"percentile": 80.0, "symmetric": False, "num_bins": 77}),
        ("Distribution", {"num_bins": 600}),
    ],
)
@pytest.mark.parametrize("model", ["residual", "two"])
def test_ranges_histograms_and_types_are_those_of_one_shot(folder, model, method, options):
    ours, seen = collected(folder, model, method, ceiling=0, options=options)
    tools, left = collected(folder, model, method, ceiling=1 << 40, options=options)
    assert (seen.path, left.path) == ("two_passes", "one_shot"), seen.reason
    assert set(ours) == set(tools)
    for name, entry in tools.items():
        assert set(ours[name]) == set(entry)
        for key, value in entry.items():
            np.testing.assert_array_equal(ours[name][key], value)
            assert np.asarray(ours[name][key]).dtype == np.asarray(value).dtype


FLOATS = st.floats(-1e3, 1e3, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(arrays(np.float32, (2, 5), elements=FLOATS), min_size=1, max_size=4), st.booleans())
def test_any_values_are_counted_as_one_shot_counts_them(batches, absolute):
    made = (("percentile", absolute, 31, 128, 99.0, "same") if absolute else ("entropy", False, 31, 31, 99.0, "same"),)
    shot = HistogramCollector(*made[0])
    shot_failed = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shot.collect({"t": [b.copy() for b in batches]})
        except ValueError as error:
            shot_failed = error
    span = two_pass._Span(batches[0])
    for batch in batches:
        span.include("t", batch, absolute=absolute)
    ours = HistogramCollector(*made[0])
    if shot_failed is not None:  # numpy finds no room for the bins: then two passes must not find any either
        with pytest.raises(two_pass._Unfit):
            two_pass._prepare(ours, {"t": span})
        return
    two_pass._prepare(ours, {"t": span})
    for batch in batches:
        ours.collect({"t": [batch]})
    for got, expected in zip(ours.histogram_dict["t"], shot.histogram_dict["t"], strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("bins", [1, 2, 77, 128, 2048])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 6.0), (-3.3, 3.3), (0.7, 5e3), (1e-20, 2e-19)])
def test_values_at_and_beside_every_edge_are_counted_as_numpy_counts_them(bins, low, high):
    low, high = np.float32(low), np.float32(high)
    _, edges = np.histogram(np.array([low, high]), bins)
    beside = [np.nextafter(edges, np.float32(towards)) for towards in (-np.inf, np.inf)]
    values = np.clip(np.concatenate([edges, *beside, np.linspace(low, high, 999)]), low, high).astype(np.float32)
    expected, _ = np.histogram(values, bins, range=(low, high))
    assert two_pass._wide(edges)
    np.testing.assert_array_equal(two_pass._Counter(expected, edges)(values), expected)


def test_bins_too_narrow_for_the_fast_count_are_numpys():
    assert not two_pass._wide(np.histogram(np.array([1, 1.001], np.float32), 2048)[1])
    assert not two_pass._wide(np.histogram(np.array([0, 1], np.float16), 64)[1])
    assert not two_pass._wide(np.linspace(0, 1e-38, 65, dtype=np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("method", METHODS)
def test_values_that_are_not_finite_are_left_to_the_tool(folder, tmp_path, bad, method):
    with np.load(folder / "residual.npz") as data:
        x = data["x"].copy()
    x[7, 0, 3, 3] = bad
    np.savez(tmp_path / "bad.npz", x=x)

    def outcome(ceiling):
        try:
            digest, answer = run(
                folder, recipe(METHODS[method]), "residual", ceiling=ceiling, data=tmp_path / "bad.npz"
            )
        except ToolFailed as error:
            return str(error)
        assert answer["collection"] == "one_shot"
        assert ceiling is None or "not finite" in answer["reason"]
        assert answer["samples"] == SAMPLES
        return digest

    assert outcome(0) == outcome(None)


def test_a_second_pass_that_sees_something_else_is_not_believed(folder):
    settings = {"samples": SAMPLES, "read": SAMPLES, "batch_size": 2, "order": "file", "seed": 0}
    reader = CalibrationReader(str(folder / "residual.npz"), ["x"], settings, str(folder))
    with overseen(reader, ceiling=0) as seen:
        calibrator = QUANTIZE.create_calibrator(
            str(folder / "residual.onnx"),
            ["Conv"],
            augmented_model_path=str(folder / "augmented.onnx"),
            calibrate_method=CalibrationMethod.Entropy,
        )
        session, calls = calibrator.infer_session, []

        class Drifting:
            """A session whose outputs grow from call to call: a real one, scaled."""

            def __getattr__(self, name):
                return getattr(session, name)

            def run(self, names, feeds):
                calls.append(1)
                return [output * np.float32(1 + len(calls)) for output in session.run(names, feeds)]

        calibrator.infer_session = Drifting()
        two_pass_rest, two_pass._rest_between = two_pass._rest_between, lambda *_: None
        try:
            calibrator.collect_data(reader)
        finally:
            two_pass._rest_between = two_pass_rest
    assert seen.path == "one_shot"
    assert "another range in the second pass" in seen.reason
    assert seen.account()["samples"] == SAMPLES


def test_a_collector_that_does_not_add_up_is_found_out():
    class Forgetful(HistogramCollector):
        """A version that would weigh batches: counts of one shot are doubled."""

        def collect(self, name_to_arr):
            super().collect(name_to_arr)
            for name, entry in self.histogram_dict.items():
                self.histogram_dict[name] = (entry[0] * 2, *entry[1:])

    arguments = ("entropy", False, 128, 128, 99.0, "same")
    two_pass._check_additive(HistogramCollector, arguments, {})
    with pytest.raises(two_pass._Unfit, match="do not add up"):
        two_pass._check_additive(Forgetful, arguments, {})


def ragged(path):
    """`NonZero` gives as many columns as its input has values other than zero."""
    nodes = [
        models.node("MatMul", ["x", "w1"], ["h"]),
        models.node("Relu", ["h"], ["r"]),
        models.node("NonZero", ["r"], ["where"]),
        models.node("Cast", ["where"], ["found"], to=onnx.TensorProto.FLOAT),
        models.node("Mul", ["found", "half"], ["some"]),
        models.node("ReduceSum", ["some"], ["total"], keepdims=0),
        models.node("MatMul", ["r", "w2"], ["z"]),
        models.node("Add", ["z", "total"], ["y"]),
    ]
    weights = {"w1": models.FIRST, "w2": models.SECOND, "half": np.array(0.5, np.float32)}
    return models.save(path, nodes, weights, opset=17)


@pytest.mark.parametrize("method", METHODS)
def test_shapes_that_the_tool_cannot_stack_fail_in_both_ways(tmp_path, method):
    ragged(tmp_path / "ragged.onnx")
    x = np.random.default_rng(1).normal(size=(SAMPLES, 4)).astype(np.float32)
    x[:, :2] = 0.3, 1  # the second product is positive, so that something is always found
    np.savez(tmp_path / "ragged.npz", x=x)
    job = recipe(METHODS[method], op_types=["MatMul", "Mul"])
    with pytest.raises(ToolFailed, match="inhomogeneous"):  # numpy's word for it, from within the tool
        run(tmp_path, job, "ragged")
    with pytest.raises(ToolFailed, match="stacks all batches for this calibration method and cannot do that"):
        run(tmp_path, job, "ragged", ceiling=0)
    _, answer = run(tmp_path, recipe(METHODS[method], op_types=["MatMul", "Mul"], calibration_stride=1), "ragged")
    assert (answer["collection"], answer["samples"]) == ("chunks", SAMPLES)  # chunk by chunk the tool can, so it may


def test_what_cannot_fit_is_said_before_it_is_tried(folder, monkeypatch):
    monkeypatch.setattr(two_pass, "free_bytes", lambda: 1000)
    with pytest.raises(ValueError, match=r"would keep the activations of 6 batches, about .* GiB are free"):
        collected(folder, "residual", "Entropy", ceiling=1 << 40)
    _, seen = collected(folder, "residual", "Entropy", ceiling=0)  # two passes need no such room
    assert seen.path == "two_passes"


def test_free_memory_is_known_here():
    assert two_pass.free_bytes() > 1 << 20


def digest_of_items(folder, model, items):
    expected = hashlib.sha256()
    with np.load(folder / f"{model}.npz") as data:
        for item in items:
            expected.update(f"x <f4 {data['x'].shape[1:]}\n".encode() + data["x"][item].tobytes())
    return expected.hexdigest()


@pytest.mark.parametrize("ceiling", [None, 0])
@pytest.mark.parametrize("method", [*METHODS.values(), MINMAX], ids=lambda m: m["kind"])
def test_every_item_that_enters_the_statistics_is_counted_and_hashed(folder, method, ceiling):
    _, answer = run(folder, recipe(method, samples=8), "conv", ceiling=ceiling)
    digest = digest_of_items(folder, "conv", range(8))
    assert (answer["samples"], answer["read"], answer["digest"], answer["read_digest"]) == (8, 8, digest, digest)


@pytest.mark.parametrize(
    ("batch_size", "most", "entered"), [(1, 7, 5), (1, 12, None), (1, 13, 12), (2, 5, 2), (2, 4, 4)]
)
def test_chunks_that_the_tool_throws_away_do_not_count(folder, batch_size, most, entered):
    # ONNX Runtime issue 18893: outputs are cleared when so many batches have come together, merged or not; of twelve
    # items seven are lost with 7, all with 12 and none with 13
    job = recipe(MINMAX, batch_size=batch_size, calib_max_intermediate_outputs=most)
    if entered is None:
        with pytest.raises(ToolFailed, match="No data is collected"):
            run(folder, job, "conv")
        return
    kept, answer = run(folder, job, "conv")
    assert (answer["read"], answer["samples"]) == (SAMPLES, entered)
    assert answer["digest"] == digest_of_items(folder, "conv", range(SAMPLES - entered, SAMPLES))
    assert answer["read_digest"] == digest_of_items(folder, "conv", range(SAMPLES))
    # what the ledger says is what the artifact shows: the same bytes from those items alone
    with np.load(folder / "conv.npz") as data:
        np.savez(folder / "rest.npz", x=data["x"][SAMPLES - entered :])
    alone, _ = run(folder, recipe(MINMAX, samples=entered, batch_size=batch_size), "conv", data=folder / "rest.npz")
    assert alone == kept


@pytest.mark.parametrize("method", [{"kind": "moving_average", "symmetric": False, "constant": 0.1}, MINMAX])
def test_strides_lose_nothing(folder, method):
    _, answer = run(folder, recipe(method, calibration_stride=2), "conv")
    assert (answer["read"], answer["samples"], answer["digest"]) == (SAMPLES, SAMPLES, answer["read_digest"])


def test_the_reader_needs_no_more_memory_than_a_batch(tmp_path):
    np.savez(tmp_path / "set.npz", x=np.arange(24, dtype=np.float32).reshape(8, 3), y=np.arange(8)[:, None])
    settings = {"samples": 8, "read": 6, "batch_size": 4, "order": "file", "seed": 0}
    reader = CalibrationReader(str(tmp_path / "set.npz"), ["x", "y"], settings, str(tmp_path))
    batches = list(reader)
    assert [batch["y"].ravel().tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5]]
    assert not isinstance(batches[0]["x"], np.memmap)
    assert batches[1]["x"].flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"y": np.zeros(3)}, "holds no array x"),
        ({"x": np.zeros((0, 2))}, "different lengths or none"),
        ({"x": np.zeros(())}, "different lengths or none"),
        ({"x": np.array([{}, {}])}, "object"),
    ],
)
def test_a_calibration_set_that_cannot_be_read_is_refused(tmp_path, content, words):
    np.savez(tmp_path / "set.npz", **content)
    settings = {"samples": 2, "read": 2, "batch_size": 1, "order": "file", "seed": 0}
    with pytest.raises(ValueError, match=words):
        CalibrationReader(str(tmp_path / "set.npz"), ["x"], settings, str(tmp_path))


def test_how_far_calibration_is_can_be_followed(folder):
    told = []
    settings = {"samples": SAMPLES, "read": SAMPLES, "batch_size": 2, "order": "file", "seed": 0}
    reader = CalibrationReader(str(folder / "conv.npz"), ["x"], settings, str(folder))
    with overseen(reader, ceiling=0, report=lambda done, note: told.append((done, note))):
        calibrator = QUANTIZE.create_calibrator(
            str(folder / "conv.onnx"),
            ["Conv"],
            augmented_model_path=str(folder / "augmented.onnx"),
            calibrate_method=CalibrationMethod.Entropy,
        )
        calibrator.collect_data(reader)
    assert [done for done, _ in told] == [at / 12 for at in range(1, 13)]
    assert told[0][1] == "calibration, first pass"
    assert told[-1] == (1.0, "calibration, second pass")


def test_progress_of_a_worker_reaches_who_asks_for_it(folder):
    told = []
    job = recipe(METHODS["entropy"]) | {
        "model": str(folder / "conv.onnx"),
        "output": str(folder / "out.onnx"),
        "calibration_data": str(folder / "conv.npz"),
        "one_shot_bytes": 0,
    }
    with Worker(threads=1) as worker:
        request = {"do": "quantize", "tool": "onnxruntime", "job": job}
        answer = worker.call(request, progress=lambda done, note: told.append((done, note)))
        assert answer["samples"] == SAMPLES
        assert 0 < told[0][0] <= 1
        assert worker.call(request)["digest"] == answer["digest"]  # nobody asked, nothing is in the way


def test_the_tool_is_left_as_it_was_found(folder):
    before = QUANTIZE.create_calibrator
    collected(folder, "conv", "Entropy", ceiling=0)
    with pytest.raises(ValueError, match="declares 99"):
        collected(folder, "conv", "Entropy", ceiling=0, samples=99)
    assert QUANTIZE.create_calibrator is before
    assert importlib.import_module("onnxruntime.quantization.calibrate").HistogramCollector is HistogramCollector


def test_the_variants_of_a_recipe_run_in_two_passes_too(folder):
    job = recipe(METHODS["percentile"]) | {"limit": 8}
    base, _ = run(folder, job, "residual", ceiling=0)
    same = {}
    for option, _, _, varied in variants(job):
        digest, answer = run(folder, varied, "residual", ceiling=0)
        assert answer["collection"] == (
            "two_passes" if varied["calibration"]["method"]["kind"] == "percentile" else "one_shot"
        )
        same[option] = digest == base
    # bins are not handed on by quantize_static; the size of batches means nothing to a histogram of the whole
    assert {option for option, equal in same.items() if equal} == {
        "calibration.method.bins",
        "calibration.data.batch_size",
    }
