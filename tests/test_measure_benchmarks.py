"""What the load generator costs, and whether its rates agree with other tools'; printed, never asserted.

Run with ``pytest -m bench -s tests/test_measure_benchmarks.py`` on a quiet machine. The peers of ``tests/peers`` come
with the extra ``bench``; ``LYNXSPEC_BENCH_PYTHON`` names an interpreter that has them, with the same ONNX Runtime.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from verifier.process import Worker
from verifier.reproduction.tally import median_of
from verifier.schedule import order_of
from verifier.statistics import t_interval

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "tests/peers"
PYTHON = os.environ.get("LYNXSPEC_BENCH_PYTHON", sys.executable)
_SPEC = importlib.util.spec_from_file_location("make_models", ROOT / "tests/models/make_models.py")
assert _SPEC is not None
assert _SPEC.loader is not None
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

WIDTH, ROWS = 256, 32
STRETCH_S, CALLS = 0.25, 20
"""Least seconds and calls of a tool's turn."""
SETS = int(os.environ.get("LYNXSPEC_BENCH_SETS", "16"))
TURNS = 12

pytestmark = pytest.mark.bench


def chain(folder: Path, layers: int) -> tuple[Path, Path, int]:
    """Products of 32 x 256 by 256 x 256, one after another: about 0.04 ms each on one thread."""
    weights = np.random.default_rng(1).normal(size=(WIDTH, WIDTH), scale=WIDTH**-0.5).astype(np.float32)
    names = ["x", *(f"h{number}" for number in range(1, layers)), "y"]
    nodes = [models.node("MatMul", [a, "w"], [b]) for a, b in itertools.pairwise(names)]
    shapes = {"inputs": {"x": ["batch", WIDTH]}, "outputs": {"y": ["batch", WIDTH]}}
    path = models.save(folder / f"chain{layers}.onnx", nodes, {"w": weights}, **shapes)
    data = folder / "chain.npz"
    np.savez(data, x=np.random.default_rng(2).normal(size=(16 * ROWS, WIDTH)).astype(np.float32))
    return path, data, ROWS


def example(name: str, batch: int) -> tuple[Path, Path, int]:
    """A real model of the examples."""
    return ROOT / f"examples/{name}/model.onnx", ROOT / f"examples/{name}/evaluation.npz", batch


@contextmanager
def opened(model: Path, data: Path, batch: int) -> Iterator[Worker]:
    """A worker with the load laid ready, as a verification has it."""
    with np.load(data) as arrays:
        inputs = [name for name in arrays.files if name in ("x", "image", "graphemes", "letters", "input")]
    options = {"intra_op_threads": 1, "inter_op_threads": 1}
    with Worker(threads=1) as worker:
        worker.call(
            {
                "do": "open",
                "runtime": "onnxruntime",
                "model": str(model),
                "provider": "CPUExecutionProvider",
                "options": options,
            }
        )
        load = {"do": "prepare_load", "data": str(data), "inputs": inputs, "batch": batch, "seed": 1, "fresh_seed": 2}
        worker.call(load)
        yield worker


def timed(worker: Worker, seconds: float) -> float:
    """Calls per second of one block."""
    answer = worker.call({"do": "block", "seconds": seconds, "seed": 1})
    Path(answer["latencies_path"]).unlink()
    return answer["calls"] / answer["seconds"]


@pytest.mark.parametrize("layers", [1, 28, 100])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_rate_that_the_timed_loop_loses_against_a_bare_loop(tmp_path: Path, layers: int, concurrency: int) -> None:
    with opened(*chain(tmp_path, layers)) as worker:
        each = concurrency / timed(worker, 1.0)
        # one call of a stretch is kept for scoring: in a verification one of a block, which is ten times as long
        compare = {"do": "block", "loop": "bare", "seed": 1, "concurrency": concurrency, "keep_outputs": concurrency}
        stretch = max(0.1, 4 * each)
        rates = worker.call(compare | {"stretch_s": stretch, "pairs": round(12 / stretch)})
        idle = {"do": "block", "loop": "idle", "seed": 1, "concurrency": concurrency, "seconds": 0.5}
        generator = worker.call(idle)["calls_per_second"]
        server = worker.call(idle | {"scenario": "server"})["calls_per_second"]
    lost = [1 - ours / bare for ours, bare in zip(rates["timed"], rates["bare"], strict=True)]
    rate = float(np.median(rates["timed"]))
    print(f"\n{1e3 * concurrency / rate:.3f} ms per call, {concurrency} in flight")
    found = median_of(lost)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    bounds = f"[{100 * found.low:.3f} %, {100 * found.high:.3f} %]"
    print(f"  lost of the bare loop's rate: {100 * found.value:.3f} % {bounds}, median of {found.pairs} pairs")
    print(f"  generator headroom: closed loop {generator / rate:.0f}, open loop {server / rate:.0f}")


@contextmanager
def peer(program: str, model: Path, data: Path, batch: int) -> Iterator[Callable[[float], dict[str, float]]]:
    """Another tool in a process of its own; it is told seconds and answers with its figures."""
    command = [PYTHON, str(PEERS / program), str(model), str(data), str(batch)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PEERS,
        start_new_session=True,  # as our worker: a busy kernel gives each session its share
    )
    assert process.stdin is not None
    assert process.stdout is not None
    source, target = process.stdout, process.stdin

    def ask(seconds: float) -> dict[str, float]:
        target.write(f"{seconds}\n")
        target.flush()
        line = source.readline()
        if not line:
            pytest.skip(f"{program} does not run with {PYTHON}: pip install 'lynxspec[bench]'")
        answer: dict[str, float] = json.loads(line)
        return answer

    try:
        yield ask
    finally:
        target.close()
        process.wait(timeout=30)
        source.close()


CASES = {
    "chain of about 1 ms": None,
    "g2p-gru": ("g2p-gru", 1),
    "mobilenetv2-mnist": ("mobilenetv2-mnist", 4),
    "mobilenetv2-mnist, 16 a call": ("mobilenetv2-mnist", 16),
}
"""The last one's calls last as long as those of the models that MLPerf measures: LoadGen and its binding cost some
0.05 ms a query, which shorter calls show."""


def one_set(subject: tuple[Path, Path, int], number: int) -> list[dict[str, dict[str, float]]]:
    """Fresh processes of all tools, taking turns in a balanced order."""
    with ExitStack() as stack:
        worker = stack.enter_context(opened(*subject))
        tools: dict[str, Callable[[float], dict[str, float]]] = {
            "ours": lambda seconds: {"calls_per_second": timed(worker, seconds)},
            "LoadGen": stack.enter_context(peer("loadgen_single_stream.py", *subject)),
            "Polygraphy": stack.enter_context(peer("polygraphy_runner.py", *subject)),
        }
        rates = [ask(STRETCH_S)["calls_per_second"] for ask in tools.values()]  # warm-up
        stretch = max(STRETCH_S, CALLS / min(rates))
        orders = [order_of(list(tools), number, turn) for turn in range(TURNS)]
        return [{tool: tools[tool](stretch) for tool in order} for order in orders]


@pytest.mark.parametrize("name", list(CASES))
def test_rate_agrees_with_loadgen_and_polygraphy_in_one_interleaved_run(tmp_path: Path, name: str) -> None:
    """Where memory comes to lie differs from process to process, so that the interval is over sets of processes."""
    case = CASES[name]
    subject = chain(tmp_path, 28) if case is None else example(*case)
    sets = [one_set(subject, number) for number in range(SETS)]
    rate = float(np.median([row["ours"]["calls_per_second"] for rows in sets for row in rows]))
    print(f"\n{name}: {1e3 / rate:.3f} ms per call; {SETS} sets of fresh processes, {TURNS} turns each")
    for tool, figure in (
        ("LoadGen", "calls_per_second"),
        ("LoadGen", "without_its_overhead"),
        ("Polygraphy", "calls_per_second"),
    ):
        logs = [[math.log(row["ours"]["calls_per_second"] / row[tool][figure]) for row in rows] for rows in sets]
        found = t_interval([float(np.median(each)) for each in logs])
        assert found is not None
        low, value, high = (math.exp(x) for x in (found.low, found.value, found.high))
        print(f"  ours over {tool} ({figure.replace('_', ' ')}): {value:.4f} [{low:.4f}, {high:.4f}]")
