"""Loads on an engine whose clock is elsewhere: its loops, its times, and whether its clock can be believed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from verifier.callers import Sample
from verifier.loadgen import PreparedLoad
from verifier.runtimes.runtime import Runtime
from verifier.workload import Opened

MS = 1_000_000
ITEMS = 40
CALL_MS = 2.0


class Elsewhere:
    """An engine with a clock that goes ``pace`` times as fast as ours; each call takes 2 ms of it."""

    def __init__(self, pace=1.0):
        self.pace = pace
        self.time = 7_000.0
        self.asked = []

    def open(self, batches):
        self.batches = batches
        self.sizes = {"y": batches[0]["x"].nbytes, "unused": 10**9}
        return self

    def clocks(self):
        return int(self.time / self.pace * MS), int(self.time * MS), 1000

    def loop(self, command):
        self.asked.append(command)
        took = CALL_MS if command["loop"] != "idle" else 0.001
        draws, start, ends, kept = dict(map(tuple, command["draws"])), self.time, [], {}
        for seen in itertools.count():
            index = command["order"][seen % len(command["order"])]
            self.time += took
            ends.append(self.time - start)
            if seen in draws:
                kept[draws[seen]] = (index, {"y": self.batches[index]["x"] * 2})
            if ends[-1] >= command["seconds"] * 1000:
                break
        found = {"calls": len(ends), "elapsed_ns": int(ends[-1] * MS), "kept": kept}
        if command["loop"] == "timed":
            found["ends"] = (np.array(ends) * MS).astype(np.int64)
            found["durations"] = np.full(len(ends), took * MS).astype(np.int64)
        return found


def load(tmp_path, engine):
    runtime = Runtime(
        name="elsewhere",
        requires=(),
        distribution="",
        options=(),
        open=lambda _path, _provider, _options: None,
        run=lambda _session, inputs: {"y": inputs["x"] * 2, "unused": inputs["x"]},
        bare=lambda _session: lambda _inputs: pytest.fail("called from here"),
        executed=lambda *_: {},
        timed=lambda _session, batches: engine.open(batches),
    )
    np.savez(tmp_path / "data.npz", x=np.arange(ITEMS, dtype=np.float64))
    request = {"data": str(tmp_path / "data.npz"), "inputs": ["x"], "batch": 2, "seed": 3}
    return PreparedLoad(Opened(runtime, {"model": "", "provider": "", "outputs": ["y"]}), request)


def block(tmp_path, **extra):
    return {"seconds": 0.3, "seed": 5, "folder": str(tmp_path)} | extra


def test_times_are_those_of_the_engines_clock_and_the_way_there_counts_nowhere(tmp_path):
    answer = load(tmp_path, Elsewhere()).block(block(tmp_path))
    ends, durations = np.load(answer["latencies_path"])
    assert answer["calls"] == 150
    np.testing.assert_array_equal(durations, 2 * MS)
    np.testing.assert_array_equal(np.diff(ends), 2 * MS)
    # what remains of our own clock is the time between two lines of ours
    assert answer["seconds"] == pytest.approx(0.3, rel=0.002)


@pytest.mark.parametrize("pace", [0.5, 0.98, 1.02, 2.0])
def test_a_clock_that_goes_otherwise_than_ours_is_refused(tmp_path, pace):
    with pytest.raises(RuntimeError, match="its times cannot be used"):
        load(tmp_path, Elsewhere(pace)).block(block(tmp_path))


def test_kept_outputs_are_those_of_the_drawn_calls(tmp_path):
    answer = load(tmp_path, Elsewhere()).block(block(tmp_path, keep_outputs=12))
    with np.load(answer["kept_path"]) as kept:
        assert set(kept.files) == {"y", "__items__"}
        assert len(kept["y"]) == 12
        np.testing.assert_array_equal(kept["y"], kept["__items__"] * 2.0)


def test_an_output_that_nobody_scores_is_not_fetched(tmp_path):
    engine = Elsewhere()
    load(tmp_path, engine).block(block(tmp_path, keep_outputs=4))
    assert engine.asked[0]["wanted"] == ["y"]


def test_a_draw_made_beforehand_is_the_draw_made_on_the_way():
    for seed in range(50):
        along = Sample(lambda outputs: outputs, 5, 10**6, seed)
        expected = {}
        for number in range(500):
            if number == along.next:
                along.take(number, {"y": np.zeros(3)})
                expected = {index for index, _ in along.kept}
        drawn = Sample(lambda outputs: outputs, 5, 10**6, seed).ahead(24, 500)
        places = {place: call for call, place in drawn}
        assert set(places.values()) == expected


def test_a_draw_made_beforehand_takes_no_more_memory_than_allowed():
    plan = Sample(lambda outputs: outputs, 100, 10 * 800, 1).ahead(800, 10_000)
    assert {place for _, place in plan} == set(range(10))
    assert Sample(lambda outputs: outputs, 0, 8000, 1).ahead(800, 10_000) == []


def test_the_bare_and_the_idle_loop_run_there_too(tmp_path):
    engine = Elsewhere()
    prepared = load(tmp_path, engine)
    rates = prepared.block(block(tmp_path, loop="bare", stretch_s=0.02, pairs=2))
    assert [len(rates[name]) for name in ("timed", "bare")] == [2, 2]
    assert [c["loop"] for c in engine.asked] == ["timed", "bare", "bare", "timed"]
    np.testing.assert_allclose(rates["timed"], 500, rtol=0.05)
    assert prepared.block(block(tmp_path, loop="idle", seconds=0.01))["calls_per_second"] > 10**5
    assert engine.asked[-1]["draws"] == []


def test_repeating_one_input_repeats_one_batch(tmp_path):
    engine = Elsewhere()
    load(tmp_path, engine).block(block(tmp_path, repeat_input=True))
    assert len(engine.asked[0]["order"]) == 1


@pytest.mark.parametrize(
    "wish", [{"concurrency": 2}, {"scenario": "server", "arrivals_per_second": 10.0, "patience_s": 1.0}]
)
def test_what_a_page_cannot_do_is_refused(tmp_path, wish):
    with pytest.raises(ValueError, match="in a page one call follows another"):
        load(tmp_path, Elsewhere()).block(block(tmp_path, **wish))
