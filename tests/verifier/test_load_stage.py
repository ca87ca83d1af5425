"""The timed stage on a real model: what was run, in which order, by which seeds, and rounds that are added."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from lynxspec.claim import Claim
from verifier.errors import VerifierError
from verifier.evidence import Block
from verifier.reproduction import sustain as stage
from verifier.reproduction.evaluate import evaluate
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.reproduction.tally import Outcomes, Tally, fresh_inputs, median_of
from verifier.schedule import is_fresh
from verifier.store import RunStore

from . import fixtures as zoo

_SPEC = importlib.util.spec_from_file_location("make_models", Path(__file__).parents[1] / "models" / "make_models.py")
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

QUICK = {"BARE_SECONDS": 0.05, "BARE_STRETCH_S": 0.005, "REPEATED_SECONDS": 0.05, "IDLE_SECONDS": 0.02}
ITEMS = 37


class Bench:
    """A claim about a tiny model whose two regimes are the same file."""

    def __init__(self, folder, *, wrong=0, **load):
        x = np.random.default_rng(3).normal(size=(ITEMS, 4)).astype(np.float32)
        label = models.answer(x).argmax(axis=1)
        label[:wrong] = 1 - label[:wrong]
        np.savez(folder / "evaluation.npz", x=x, label=label)
        claim = zoo.claim_data()
        claim["model"]["inputs"] = [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}]
        claim["evaluation"] |= {"samples": ITEMS, "batch_size": 4}
        claim["evaluation"]["metrics"][0]["output"] = "y"
        claim["load"] |= {"window": "1.2 s", "block": "0.1 s", "warm_up": "0.01 s", "batch": 4, "repetitions": 2} | load
        for regime in claim["regimes"]:
            regime["toolchain"]["runtime"]["options"] = {"intra_op_threads": 1}
            regime["performance"]["sustained"]["rate"] = "400 images/s"
        document = Claim.model_validate_json(json.dumps(claim))
        store = RunStore(folder / "run")
        self.job = Job(document=document, source=b"", sha256=zoo.OTHER, folder=folder, store=store)
        self.files = Files(paths={"evaluation": folder / "evaluation.npz"})
        path = models.two_layers(folder / "model.onnx")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        names = [regime.name for regime in document.regimes]
        self.subjects = {
            name: Subject(regime=name, origin="supplied_artifact", path=path, sha256=digest) for name in names
        }

    def scores(self):
        regimes = self.job.document.regimes
        return {r.name: evaluate(self.job, self.files, r, self.subjects[r.name], probe=False) for r in regimes}

    def sustain(self, **extra):
        return stage.sustain(self.job, self.files, self.subjects, extra.pop("scores", {}), **extra)


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICK.items():
            patch.setattr(stage, name, value)
        yield


class Measured:
    """One run that is looked at from several sides: ten of 37 labels are wrong."""

    def __init__(self, folder):
        self.bench = Bench(folder, wrong=10)
        self.scores = self.bench.scores()
        self.seen = []
        self.found = self.bench.sustain(scores=self.scores, more=self.more)

    def more(self, evidence):
        self.seen.append(evidence)
        return 0.4 if len(self.seen) == 1 else 0.0


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return Measured(tmp_path_factory.mktemp("measured"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("served"), scenario="server", concurrency=2, window="3 s")
    return bench.sustain(more=lambda _: float("nan"))


def test_a_claim_of_two_processes_is_measured_in_three_and_the_evidence_says_so(measured):
    first = measured.seen[0]
    assert (first.declared_processes, first.processes, first.rounds_added) == (2, 3, 0)
    for run in first.runs:
        assert {block.process for block in run.blocks} == {0, 1, 2}
        assert sum(block.seconds for block in run.blocks) >= 1.2


def test_the_evidence_tells_how_the_load_was_made(measured):
    for run in measured.found.runs:
        assert run.load.scenario == "closed_loop"
        assert run.load.open_loop is None
        assert run.load.generator_headroom > 1
        assert run.load.bare_loop.pairs >= 8  # two or more in each of four processes
        assert run.load.all_inputs
        assert sum(block.fresh for block in run.blocks) * 2 == len(run.blocks)
        assert run.load.fresh_inputs.low < run.load.fresh_inputs.value < run.load.fresh_inputs.high


def test_regimes_alternate_and_each_process_begins_with_another_one(measured):
    a, b = (run.regime for run in measured.found.runs)
    assert measured.found.order[:8] == (a, b, b, a, a, b, b, a)
    assert measured.found.order[8:12] == (b, a, a, b)


def test_outputs_of_every_process_are_scored(measured):
    for run in measured.found.runs:
        assert run.load.timed_processes == 4
        assert run.timed_items >= 4 * 256
        assert run.timed_disagreements == 0
        # 27 of 37 items are right; nine whole batches are timed, in which the 37th, a right one, is not
        assert measured.scores[run.regime].metrics["top1"] == pytest.approx(27 / 37)
        assert run.timed_scores["top1"] == pytest.approx(26 / 36, abs=0.06)  # four standard deviations


def test_what_the_worker_writes_is_not_left_behind(measured):
    assert not list(measured.bench.job.store.scratch.iterdir())


def test_rounds_are_added_while_more_is_asked_for(measured):
    found = measured.found
    assert [evidence.processes for evidence in measured.seen] == [3, 4]
    assert (found.processes, found.rounds_added, found.declared_processes) == (4, 1, 2)
    for run in found.runs:
        added = [block for block in run.blocks if block.process == 3]
        assert sum(block.seconds for block in added) >= 0.4
        assert run.timestamps_sha256 is not None
    assert all(run.timestamps_sha256 is None for evidence in measured.seen for run in evidence.runs)


def test_no_round_is_added_where_no_number_of_seconds_is_asked_for(served):
    assert (served.processes, served.rounds_added) == (3, 0)


def test_a_fresh_seed_is_drawn_for_each_run_and_told(measured, served):
    assert None not in (measured.found.fresh_seed, served.fresh_seed)
    assert measured.found.fresh_seed != served.fresh_seed


def test_a_server_load_is_open_loop_at_the_claimed_rate(served):
    for run in served.runs:
        open_loop = run.load.open_loop
        assert run.load.scenario == "server"
        assert open_loop.arrival_rate == 400
        assert open_loop.offered == open_loop.served + open_loop.unserved
        # 100 calls of 4 images a second for 3 s; six standard deviations of a Poisson count
        assert open_loop.offered == pytest.approx(300, abs=6 * 300**0.5)
        assert 0 <= open_loop.within_budget <= open_loop.served == run.calls
        assert open_loop.budget_s == 0.05
        assert open_loop.capacity > 400
        assert open_loop.lead_s == pytest.approx(0.05)


def test_a_server_load_without_a_rate_is_not_measured(tmp_path):
    bench = Bench(tmp_path, scenario="server")
    data = json.loads(bench.job.document.model_dump_json())
    data["regimes"][1]["performance"]["sustained"] = {"unknown": "not measured"}
    document = Claim.model_validate_json(json.dumps(data))
    bench.job = dataclasses.replace(bench.job, document=document)
    with pytest.raises(VerifierError, match="int8 states no sustained rate"):
        bench.sustain()


def kept(folder, outputs, items):
    path = folder / "kept.npz"
    np.savez(path, y=outputs, __items__=items)
    return path


def test_timed_outputs_that_differ_from_the_evaluation_are_counted(tmp_path):
    bench, tally = Bench(tmp_path), Tally(arrival_rate=None, budget_s=None, lead=0.0)
    known = bench.scores()["int8"]
    right = np.eye(2)[[int(v) for v in np.load(tmp_path / "evaluation.npz")["label"]]]
    assert set(known.outcomes["top1"]) == {1.0}
    tally.score(bench.job, bench.files, known, kept(tmp_path, right[[5, 7, 7]], [5, 7, 7]), 0)
    assert (tally.timed_items, tally.disagreements, tally.scored) == (3, 0, {0})
    tally.score(bench.job, bench.files, known, kept(tmp_path, 1 - right[[5, 7]], [5, 7]), 2)
    assert (tally.timed_items, tally.disagreements, tally.scored) == (5, 2, {0, 2})
    assert tally.outcomes["top1"].value("top1") == 3 / 5


def test_without_an_evaluation_nothing_is_said_of_timed_outputs(tmp_path):
    bench, tally = Bench(tmp_path), Tally(arrival_rate=None, budget_s=None, lead=0.0)
    tally.score(bench.job, bench.files, None, kept(tmp_path, np.eye(2), [0, 1]), 0)
    assert (tally.timed_items, tally.outcomes, tally.scored) == (0, {}, set())


def test_a_metric_that_ranks_is_taken_over_the_samples_of_all_processes():
    pool = Outcomes(found=[np.array([0.1, 0.9])], truth=[np.array([0, 0])])
    assert pool.value("auc") is None  # one class
    pool.found.append(np.array([0.5, 0.95]))
    pool.truth.append(np.array([1, 1]))
    assert pool.value("auc") == 0.75  # of four pairs three stand in order


@pytest.mark.parametrize("blocks", [4, 5])
def test_inputs_that_a_claim_was_tuned_to_show_as_slower_fresh_ones(blocks):
    tally = Tally(arrival_rate=None, budget_s=None, lead=0.0)
    for process, index in itertools.product(range(3), range(blocks)):
        fresh = is_fresh(process, index)
        seconds = 1.0 + 0.001 * len(tally.blocks)  # the machine slows down all the while
        items = 8000 if fresh else 10000
        tally.blocks.append(
            Block(process=process, order=0, start_s=0, seconds=seconds, calls=1, items=items, fresh=fresh)
        )
    found = fresh_inputs(tally)
    assert found.pairs == 6
    assert found.value == pytest.approx(0.8, rel=1e-4)
    assert found.high < 0.81
    even = [block.model_copy(update={"items": 10000}) for block in tally.blocks]
    same = fresh_inputs(dataclasses.replace(tally, blocks=even))
    assert same.low < 1 < same.high


def test_stretches_that_another_process_disturbed_do_not_move_the_overhead():
    found = median_of([0.001] * 20 + [0.4] * 5)
    assert (found.value, found.low, found.high) == (0.001, 0.001, 0.001)
    assert median_of([]) is None
    assert (median_of([0.1, 0.2]).low, median_of([0.1, 0.2]).high) == (None, None)  # two values bound no median
