"""The evaluation on real models: what belongs together, calls of other sizes, and stopping when enough is known."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from lynxspec.claim import Claim
from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.reproduction.evaluate import clusters_of, evaluate
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.reproduction.until_decided import evaluate_until_decided, is_too_long
from verifier.store import RunStore

from . import fixtures as zoo

_SPEC = importlib.util.spec_from_file_location("make_models", Path(__file__).parents[1] / "models" / "make_models.py")
models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(models)

RNG = np.random.default_rng(3)


def two_faced(path):
    """The two layers, with the sign turned as soon as a call holds more than two items."""
    nodes = [
        models.node("MatMul", ["x", "w1"], ["h"]),
        models.node("Relu", ["h"], ["r"]),
        models.node("MatMul", ["r", "w2"], ["s"]),
        models.node("Shape", ["x"], ["shape"]),
        models.node("Gather", ["shape", "first"], ["size"]),
        models.node("Cast", ["size"], ["count"], to=1),
        models.node("Sub", ["limit", "count"], ["room"]),
        models.node("Sign", ["room"], ["sign"]),
        models.node("Mul", ["s", "sign"], ["y"]),
    ]
    constants = {"w1": models.FIRST, "w2": models.SECOND, "first": np.int64(0), "limit": np.float32(2.5)}
    return models.save(path, nodes, {name: np.asarray(value) for name, value in constants.items()})


class Bench:
    """A claim about a tiny model; the reference is always the honest one."""

    def __init__(self, folder, *, items=40, batch=2, load=2, make=models.two_layers, x=None, **arrays):
        x = RNG.normal(size=(items, 4)).astype(np.float32) if x is None else x
        np.savez(folder / "evaluation.npz", x=x, label=models.answer(x).argmax(axis=1), **arrays)
        claim = zoo.claim_data()
        claim["model"]["inputs"] = [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}]
        claim["evaluation"] |= {"samples": len(x), "batch_size": batch}
        claim["evaluation"]["metrics"][0]["output"] = "y"
        claim["load"]["batch"] = load
        for regime in claim["regimes"]:
            regime["toolchain"]["runtime"]["options"] = {"intra_op_threads": 1}
        self.claim = claim
        store = RunStore(folder / "run")
        document = Claim.model_validate_json(json.dumps(claim))
        self.job = Job(document=document, source=b"", sha256=zoo.OTHER, folder=folder, store=store)
        self.files = Files(paths={"evaluation": folder / "evaluation.npz"})
        paths = {"fp32": models.two_layers(folder / "fp32.onnx"), "int8": make(folder / "int8.onnx")}
        self.subjects = {
            name: Subject(
                regime=name,
                origin="supplied_artifact",
                path=path,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for name, path in paths.items()
        }

    def scores(self, name="int8"):
        return evaluate(self.job, self.files, self.job.document.regime(name), self.subjects[name])

    def clusters(self):
        return clusters_of(self.job, self.files, self.job.document.evaluation.samples)

    def verdicts(self, *scores):
        """Judge the fixture's evidence with these scores in the place of its own."""
        evidence = zoo.evidence_data()
        evidence["scores"] = [json.loads(s.model_dump_json()) for s in scores]
        found = judge(self.job.document, Evidence.model_validate_json(json.dumps(evidence)))
        return {verdict.id: verdict for verdict in found}


def test_items_stand_for_themselves_unless_something_binds_them(tmp_path):
    assert Bench(tmp_path).clusters() == ()


def test_an_item_that_stands_twice_in_the_set_is_one_item(tmp_path):
    x = RNG.normal(size=(6, 4)).astype(np.float32)
    x[4] = x[1]
    found = Bench(tmp_path, x=x).clusters()
    assert len({*found}) == 5
    assert found[4] == found[1]


def test_items_of_one_document_belong_together(tmp_path):
    found = Bench(tmp_path, items=6, document=np.array(["a", "b", "a", "c", "b", "d"])).clusters()
    assert [found.index(number) for number in found] == [0, 1, 0, 3, 1, 5]


def test_documents_that_share_an_item_belong_together(tmp_path):
    x = RNG.normal(size=(6, 4)).astype(np.float32)
    x[5] = x[0]
    found = Bench(tmp_path, x=x, document=np.array([1, 1, 2, 2, 3, 3])).clusters()
    assert [found.index(number) for number in found] == [0, 0, 2, 2, 0, 0]


def test_a_model_that_minds_no_batch_gives_the_same_in_every_size(tmp_path):
    scores = Bench(tmp_path, batch=2, load=8).scores()
    other, timed = scores.batches
    assert (other.batch, other.items, other.disagreements) == (1, 40, 0)
    assert (timed.batch, timed.items, timed.disagreements, timed.metrics["top1"]) == (8, 40, 0, 1.0)
    assert scores.outcomes_at(8) == timed.outcomes == scores.outcomes
    assert scores.outcomes_at(3) == scores.outcomes


def test_a_model_that_is_accurate_in_one_size_and_fast_in_another_is_seen(tmp_path):
    scores = Bench(tmp_path, batch=2, load=8, make=two_faced).scores()
    assert scores.metrics["top1"] == 1.0
    small, timed = scores.batches
    assert small.disagreements == 0
    assert timed.lost["top1"] == timed.disagreements > 20
    assert timed.metrics["top1"] == pytest.approx(1.0 - timed.lost["top1"] / 40)
    assert scores.outcomes_at(8) != scores.outcomes


def test_the_size_that_nobody_declared_is_drawn_afresh_each_time(tmp_path):
    bench = Bench(tmp_path, batch=1, load=1, make=two_faced)
    first, second = bench.scores().batches[0], bench.scores().batches[0]
    assert first.batch == second.batch == 4
    assert first.disagreements > 20
    assert first.seed != second.seed


def test_a_model_for_one_size_alone_is_no_failure_of_the_evaluation(tmp_path):
    def fixed(path):
        nodes = [
            models.node("MatMul", ["x", "w1"], ["h"]),
            models.node("Relu", ["h"], ["r"]),
            models.node("MatMul", ["r", "w2"], ["y"]),
        ]
        shapes = {"inputs": {"x": [2, 4]}, "outputs": {"y": [2, 2]}}
        return models.save(path, nodes, {"w1": models.FIRST, "w2": models.SECOND}, **shapes)

    scores = Bench(tmp_path, make=fixed).scores()
    assert (scores.status, scores.metrics["top1"]) == ("ok", 1.0)
    assert (scores.batches[0].status, scores.batches[0].items) == ("failed", 0)
    assert scores.batches[0].message


def test_a_long_evaluation_stops_when_the_criterion_is_decided(tmp_path):
    bench = Bench(tmp_path, items=3000, batch=50)
    found = evaluate_until_decided(bench.job, bench.files, bench.subjects)
    first, second = found
    # Models that never differ: a stake on 1 point grows by about 1 % an item, 512 items are too few and 1024 enough
    assert first.samples == second.samples == 1024
    assert first.order_seed == second.order_seed is not None
    assert first.outputs_sha256 == first.repeat_sha256 == first.one_thread_sha256
    verdicts = bench.verdicts(*found)
    assert verdicts["accuracy/int8/top1"].interval.high == 1.0
    assert verdicts["accuracy/int8/top1"].interval.low > 0.98


def test_time_ends_what_nothing_decides(tmp_path):
    bench = Bench(tmp_path, items=3000, batch=50, document=np.arange(3000) // 2)
    bench.job = dataclasses.replace(bench.job, evaluation_s=0.001)
    found = evaluate_until_decided(bench.job, bench.files, bench.subjects)
    assert [scores.samples for scores in found] == [512, 512]
    assert len({*found[0].clusters}) < 512


def test_a_different_model_is_decided_against(tmp_path):
    bench = Bench(tmp_path, items=3000, batch=50, make=two_faced)
    reference, quantized = evaluate_until_decided(bench.job, bench.files, bench.subjects)
    assert quantized.samples == reference.samples == 512
    assert quantized.metrics["top1"] < 0.5 < reference.metrics["top1"]


def test_only_a_job_that_is_short_of_time_looks_at_a_part(tmp_path):
    bench = Bench(tmp_path)
    # 40 items at 1000 and at 1950 per second: 0.0605 s
    for seconds, short in ((None, False), (0.07, False), (0.05, True)):
        assert is_too_long(dataclasses.replace(bench.job, evaluation_s=seconds)) is short
