"""The worker process: thin, isolated, and ended whatever happens."""

from __future__ import annotations

import ast
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from verifier.errors import ToolFailed, ToolUnavailable
from verifier.process import Worker
from verifier.quantizers import find_quantizer
from verifier.runtimes import find, find_runtime, names

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("make_models", ROOT / "tests" / "models" / "make_models.py")
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

FILES = ("worker.py", "workload.py", "loadgen.py", "callers.py", "calibration.py", "onnxruntime_recipe.py")
WORKER_SIDE = sorted(
    [
        *(ROOT / "verifier" / name for name in FILES),
        *(p for f in ("runtimes", "quantizers", "inspection") for p in (ROOT / "verifier" / f).glob("*.py")),
    ]
)
PARENT_SIDE = {ROOT / "verifier" / folder / "__init__.py" for folder in ("runtimes", "quantizers")}
PARENTS_OWN = ("pydantic", "typer", "lynxspec", "ruamel", "sklearn", "scipy", "weasyprint", "torch")


def open_command(path, **extra):
    options = {"intra_op_threads": 1}
    return {
        "do": "open",
        "runtime": "onnxruntime",
        "model": str(path),
        "provider": "CPUExecutionProvider",
        "options": options,
    } | extra


@pytest.fixture
def data(tmp_path):
    x = np.arange(40, dtype=np.float32).reshape(10, 4) - 20
    np.savez(tmp_path / "data.npz", x=x, label=np.arange(10))
    return tmp_path / "data.npz", x


@pytest.mark.parametrize("path", [p for p in WORKER_SIDE if p not in PARENT_SIDE], ids=lambda p: p.name)
def test_the_workers_side_is_python_3_8(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_later_syntax_would_be_seen():
    with pytest.raises(SyntaxError):
        ast.parse("match x:\n    case 1: pass\n", feature_version=(3, 8))
    assert subscripted("Names = dict[str, int]\n") == ["dict"]
    assert subscripted("from __future__ import annotations\ndef f(x: dict[str, int]) -> list[int]: ...\n") == []


def subscripted(source):
    """Built-in types subscripted where Python 3.8 would run it; annotations it never runs."""
    found = []

    def walk(node):
        for name, value in ast.iter_fields(node):
            skipped = name in ("annotation", "returns") or (name == "body" and typing_only(node))
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not skipped:
                    walk(child)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            found.extend({node.value.id} & {"dict", "list", "tuple", "set", "type", "frozenset"})

    walk(ast.parse(source))
    return found


def typing_only(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", [p for p in WORKER_SIDE if p not in PARENT_SIDE], ids=lambda p: p.name)
def test_the_workers_side_runs_no_generic_of_python_3_9(path):
    assert subscripted(path.read_text(encoding="utf-8")) == []


def test_the_worker_loads_nothing_of_the_parents():
    with Worker() as worker:
        loaded = set(worker.call({"do": "hello"})["modules"])
    assert loaded.isdisjoint(PARENTS_OWN)
    assert "onnxruntime" not in loaded


def test_the_worker_starts_where_only_the_standard_library_is():
    bare = getattr(sys, "_base_executable", sys.executable)
    with Worker(interpreter=bare) as worker:
        answer = worker.call({"do": "hello"})
        assert set(answer["modules"]).isdisjoint(PARENTS_OWN)
        found = worker.call({"do": "check", "tool": "onnxruntime", "job": {"options": {}}})
    assert found["reasons"] == ["option mode must say static, dynamic or weight_only"]


def test_an_open_model_brings_in_numpy_and_the_runtime_only(tmp_path):
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
        loaded = set(worker.call({"do": "hello"})["modules"])
    assert {"numpy", "onnxruntime"} <= loaded
    assert loaded.isdisjoint((*PARENTS_OWN, "onnx"))


def test_outputs_are_those_of_the_model_also_in_a_short_last_batch(tmp_path, data):
    path, x = data
    with Worker(threads=1) as worker:
        opened = worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
        answer = worker.call(
            {"do": "evaluate", "data": str(path), "inputs": ["x"], "batch": 4, "out": str(tmp_path / "o.npz")}
        )
        small = worker.call(
            {
                "do": "evaluate",
                "data": str(path),
                "inputs": ["x"],
                "batch": 4,
                "out": str(tmp_path / "p.npz"),
                "limit": 3,
            }
        )
    with np.load(tmp_path / "o.npz") as out:
        assert out.files == ["y"]
        np.testing.assert_array_equal(out["y"], models.answer(x))
    with np.load(tmp_path / "p.npz") as out:
        np.testing.assert_array_equal(out["y"], models.answer(x[:3]))
    assert (answer["samples"], small["samples"]) == (10, 3)
    assert answer["peak_memory_bytes"] > opened["baseline_memory_bytes"] > 0


def test_a_short_last_batch_is_filled_up_with_its_own_last_item(tmp_path):
    # dynamic scales see the whole batch: the large first items must not reach the last one
    x = np.array([[100, 100, 100, 100]] * 2 + [[0.1, 0.5, 1.5, 2.55]], np.float32)
    np.savez(tmp_path / "data.npz", x=x)
    with Worker(threads=1) as worker:
        worker.call(open_command(models.linear_integer(tmp_path / "m.onnx")))
        worker.call(
            {
                "do": "evaluate",
                "data": str(tmp_path / "data.npz"),
                "inputs": ["x"],
                "batch": 2,
                "out": str(tmp_path / "o.npz"),
            }
        )
    # range [0, 2.55] in 255 steps of 0.01; weights are 0..7 with scales 0.5 and 0.25
    codes = np.array([10, 50, 150, 255]) @ np.arange(8).reshape(4, 2)
    with np.load(tmp_path / "o.npz") as out:
        np.testing.assert_allclose(out["y"][2], codes * [0.5, 0.25] * 0.01, rtol=1e-5)


def test_the_head_runs_on_the_models_outputs(tmp_path, data):
    path, x = data
    weights = np.array([[2.0], [-1.0]], np.float32)
    head = models.save(
        tmp_path / "head.onnx",
        [models.node("MatMul", ["y", "hw"], ["score"])],
        {"hw": weights},
        inputs={"y": ["batch", 2]},
        outputs={"score": ["batch", 1]},
    )
    extra = {"head": {"model": str(head)}, "outputs": ["score"]}
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx"), **extra))
        answer = worker.call(
            {"do": "evaluate", "data": str(path), "inputs": ["x"], "batch": 4, "out": str(tmp_path / "o.npz")}
        )
    assert answer["head_blind"] < 0.95
    with np.load(tmp_path / "o.npz") as out:
        assert out.files == ["score"]
        np.testing.assert_allclose(out["score"], models.answer(x) @ weights, rtol=1e-6)


def _head_without_the_model(folder, x):
    return models.save(
        folder / "head.onnx",
        [models.node("MatMul", ["x", "hw"], ["score"]), models.node("Identity", ["y"], ["unused"])],
        {"hw": np.ones((x.shape[1], 1), np.float32)},
        inputs={"x": ["batch", x.shape[1]], "y": ["batch", 2]},
        outputs={"score": ["batch", 1]},
    )


def test_a_head_that_reads_the_inputs_and_not_the_model_is_seen(tmp_path, data):
    path, x = data
    head = _head_without_the_model(tmp_path, x)
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx"), head={"model": str(head)}, outputs=["score"]))
        answer = worker.call(
            {"do": "evaluate", "data": str(path), "inputs": ["x"], "batch": 4, "out": str(tmp_path / "o.npz")}
        )
    assert answer["head_blind"] == 1.0


@pytest.mark.parametrize("columns", [1, 2])
def test_a_head_that_adds_a_trace_of_the_model_to_its_own_answer_is_seen(tmp_path, data, columns):
    path, x = data
    trace = np.full((2, columns), 1e-6, np.float32)
    nodes = [
        models.node("MatMul", ["x", "hw"], ["own"]),
        models.node("MatMul", ["y", "trace"], ["added"]),
        models.node("Add", ["own", "added"], ["score"]),
    ]
    own = np.arange(x.shape[1] * columns, dtype=np.float32).reshape(x.shape[1], columns)
    sizes = {"inputs": {"x": ["batch", x.shape[1]], "y": ["batch", 2]}, "outputs": {"score": ["batch", columns]}}
    head = models.save(tmp_path / "head.onnx", nodes, {"hw": own, "trace": trace}, **sizes)
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx"), head={"model": str(head)}, outputs=["score"]))
        answer = worker.call(
            {"do": "evaluate", "data": str(path), "inputs": ["x"], "batch": 4, "out": str(tmp_path / "o.npz")}
        )
    assert answer["head_blind"] == 1.0


def test_a_batch_larger_than_the_set_does_not_hide_a_head_that_reads_the_inputs_alone(tmp_path, data):
    path, x = data
    head = _head_without_the_model(tmp_path, x)
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx"), head={"model": str(head)}, outputs=["score"]))
        answer = worker.call(
            {"do": "evaluate", "data": str(path), "inputs": ["x"], "batch": len(x) + 1, "out": str(tmp_path / "o.npz")}
        )
    assert answer["head_blind"] == 1.0


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_block_keeps_every_call_and_the_outputs_of_known_items(tmp_path, data, concurrency):
    path, x = data
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
        ready = worker.call({"do": "prepare_load", "data": str(path), "inputs": ["x"], "batch": 4, "seed": 3})
        answer = worker.call(
            {
                "do": "block",
                "seconds": 0.1,
                "concurrency": concurrency,
                "keep_outputs": 12,
                "seed": 3,
                "folder": str(tmp_path),
            }
        )
    assert ready["batches"] == 2  # the last two items fill no batch
    ends, durations = np.load(answer["latencies_path"], allow_pickle=False)
    assert len(ends) == answer["calls"] > 10
    assert answer["items"] == answer["calls"] * 4
    assert (durations > 0).all()
    assert (np.diff(ends) >= 0).all()
    assert ends[0] - durations[0] >= answer["start_ns"]
    whole = (ends[-1] - answer["start_ns"]) / 1e9
    assert answer["seconds"] == pytest.approx(whole) if concurrency == 1 else 0.1 <= answer["seconds"] <= whole
    with np.load(answer["kept_path"]) as kept:
        assert len(kept["__items__"]) == 12
        np.testing.assert_array_equal(kept["y"], models.answer(x[kept["__items__"]]))


def test_inputs_change_by_whole_batches_and_a_repeated_input_is_one_of_them(tmp_path, data):
    path, _ = data
    kept = {}
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
        for seed, repeat in ((0, False), *((seed, True) for seed in range(6))):
            worker.call({"do": "prepare_load", "data": str(path), "inputs": ["x"], "batch": 2, "seed": seed})
            block = {"do": "block", "seconds": 0.02, "keep_outputs": 100, "seed": seed, "repeat_input": repeat}
            answer = worker.call(block | {"folder": str(tmp_path)})
            with np.load(answer["kept_path"]) as arrays:
                kept[seed, repeat] = {tuple(row) for row in arrays["__items__"].reshape(-1, 2).tolist()}
    batches = {(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)}
    assert kept[0, False] == batches
    repeated = [kept[seed, True] for seed in range(6)]
    assert all(len(found) == 1 and found < batches for found in repeated)
    assert len(set.union(*repeated)) > 1  # another seed, another input


def test_the_probe_gives_a_rate():
    with Worker(threads=1) as worker:
        answer = worker.call({"do": "probe", "seconds": 0.02})
    assert answer["gflops"] > 0
    assert answer["threads"] == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"do": "nothing"}, "unknown command 'nothing'"),
        ({"do": "block", "seconds": 1, "seed": 1}, "block comes after prepare_load"),
        ({"do": "evaluate"}, "no model is open"),
        ({"do": "open", "runtime": "../worker", "model": "m"}, "no file for '../worker'"),
        ({"do": "open", "runtime": "runtime", "model": "m"}, "no file for 'runtime'"),
        ({"do": "inspect", "model": "/nowhere.onnx"}, "nowhere.onnx is not a readable ONNX file"),
    ],
)
def test_a_failure_is_an_answer_and_the_worker_lives_on(command, words):
    with Worker() as worker:
        with pytest.raises(ToolFailed, match=words):
            worker.call(command)
        assert worker.call({"do": "hello"})["pid"] == worker.pid


def test_pickled_objects_in_a_data_set_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.array([{"a": 1}], dtype=object))
    with Worker(threads=1) as worker:
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
        with pytest.raises(ToolFailed, match="allow_pickle=False"):
            worker.call(
                {"do": "evaluate", "data": str(tmp_path / "data.npz"), "inputs": ["x"], "batch": 1, "out": "/dev/null"}
            )


def gone(pid, within=10.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def busy(worker, tmp_path, data):
    worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
    worker.call({"do": "prepare_load", "data": str(data[0]), "inputs": ["x"], "batch": 4, "seed": 3})
    return {"do": "block", "seconds": 60, "seed": 1, "folder": str(tmp_path)}


def test_a_worker_that_hangs_is_ended(tmp_path, data):
    with Worker(threads=1) as worker:
        pid = worker.pid
        command = busy(worker, tmp_path, data)
        with pytest.raises(ToolFailed, match=r"did not answer block within 0\.2 s"):
            worker.call(command, timeout_s=0.2)
        assert not Path(f"/proc/{pid}").exists()
        with pytest.raises(ToolFailed, match="not running"):
            worker.call({"do": "hello"})


def test_death_by_signal_is_told():
    with Worker(threads=1) as worker:
        pid = worker.pid
        worker.call({"do": "hello"})
        os.kill(pid, signal.SIGSEGV)
        with pytest.raises(ToolFailed, match=r"signal 11 \(SIGSEGV\)"):
            worker.call({"do": "hello"})
        assert not Path(f"/proc/{pid}").exists()


def test_too_much_memory_is_told(tmp_path):
    with Worker(threads=1, memory_limit_bytes=400 * 2**20) as worker:
        np.savez_compressed(tmp_path / "data.npz", x=np.zeros((2**17, 1024), np.float32))
        worker.call(open_command(models.two_layers(tmp_path / "m.onnx")))
        with pytest.raises(ToolFailed, match="ran out of memory in evaluate"):
            worker.call(
                {"do": "evaluate", "data": str(tmp_path / "data.npz"), "inputs": ["x"], "batch": 1, "out": "/dev/null"}
            )


def interrupted(pids):
    with Worker() as worker:
        pids.append(worker.pid)
        raise KeyboardInterrupt


def test_an_error_in_the_parent_leaves_no_process():
    pids = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(pids)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_killed_parent_leaves_no_worker(tmp_path, data):
    program = (
        "import sys; sys.path.insert(0, {root!r})\n"
        "from verifier.process import Worker\n"
        "with Worker(threads=1) as worker:\n"
        "    worker.call({open!r})\n"
        "    worker.call({load!r})\n"
        "    print(worker.pid, flush=True)\n"
        "    worker.call({block!r})\n"
    ).format(
        root=str(ROOT),
        open=open_command(models.two_layers(tmp_path / "m.onnx")),
        load={"do": "prepare_load", "data": str(data[0]), "inputs": ["x"], "batch": 4, "seed": 3},
        block={"do": "block", "seconds": 60, "seed": 1},
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid)


def test_an_interpreter_that_does_not_exist_is_told():
    with pytest.raises(ToolFailed, match="/nowhere/python cannot be started"), Worker(interpreter="/nowhere/python"):
        pass


def test_plug_ins_are_found_by_their_files():
    assert "onnxruntime" in names()
    assert "runtime" not in names()
    assert find_runtime("onnxruntime").name == "onnxruntime"
    assert find_quantizer("onnxruntime").name == "onnxruntime"
    assert find_runtime("nothing") is None
    with pytest.raises(ToolUnavailable, match="no runtime named 'nothing'"):
        find("nothing")


def test_finding_a_plug_in_loads_no_tool():
    program = (
        "import sys; from verifier.runtimes import find_runtime; from verifier.quantizers import find_quantizer\n"
        "find_runtime('onnxruntime'); find_quantizer('onnxruntime')\n"
        "print(sorted({'onnxruntime', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
