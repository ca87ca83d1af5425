"""Load generation in simulated time: every latency is known, and a stall is seen by all that arrive while it lasts."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from verifier.callers import Clock, Sample
from verifier.loadgen import MOST_ARRIVALS, PreparedLoad, calls_per_second, poisson_arrivals
from verifier.runtimes.runtime import Runtime
from verifier.workload import Opened

MS = 1_000_000
ITEMS = 40


class Model:
    """A model in Python that takes a known time: ``service`` gives the nanoseconds of each call in turn."""

    def __init__(self, service):
        self.time = 0
        self.calls = []
        self._service = service

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += round(seconds * 1e9)

    def run(self, _session, inputs):
        self.calls.append(inputs["x"].tolist())
        self.time += next(self._service)
        return {"y": inputs["x"] * 2}

    def opened(self):
        runtime = Runtime(
            name="python",
            requires=(),
            distribution="",
            options=(),
            open=lambda _path, _provider, _options: None,
            run=self.run,
            bare=lambda session: lambda inputs: self.run(session, inputs),
            executed=lambda *_: {},
        )
        return Opened(runtime, {"model": "", "provider": ""})

    def load(self, tmp_path, **request):
        np.savez(tmp_path / "data.npz", x=np.arange(ITEMS, dtype=np.float64))
        prepared = {"data": str(tmp_path / "data.npz"), "inputs": ["x"], "batch": 2, "seed": 3} | request
        return PreparedLoad(self.opened(), prepared, Clock(now=self.now, sleep=self.sleep))


def stalling(*, every=2 * MS, stall=500 * MS, at=100):
    """Calls of 2 ms, but one of half a second."""
    return (stall if number == at else every for number in itertools.count())


def block(tmp_path, **extra):
    return {"seconds": 2.0, "seed": 5, "folder": str(tmp_path)} | extra


def server(tmp_path, **extra):
    return block(tmp_path, scenario="server", arrivals_per_second=100.0, patience_s=100.0) | extra


def latencies(answer):
    return np.load(answer["latencies_path"], allow_pickle=False)[1] / MS


def test_a_stall_that_closed_loop_latencies_hide_is_seen_by_every_arrival(tmp_path):
    closed = latencies(Model(stalling()).load(tmp_path).block(block(tmp_path)))
    opened = latencies(Model(stalling()).load(tmp_path).block(server(tmp_path)))
    # one caller waits for its answer: a single call of 751 saw the half second
    assert len(closed) == 751
    assert (closed > 100).sum() == 1
    assert np.quantile(closed, 0.99) == 2
    # at 100 arrivals per second about 50 come while it lasts, and 40 of them wait longer than 100 ms
    assert 25 < (opened > 100).sum() < 60
    assert np.quantile(opened, 0.99) > 400


def test_latencies_of_a_single_server_are_those_of_lindleys_recursion(tmp_path):
    # W(i+1) = max(0, W(i) + S(i) - (t(i+1) - t(i))), Lindley 1952; latency is W + S
    service = [int(ns) for ns in np.random.default_rng(7).uniform(1 * MS, 17 * MS, 1000)]
    answer = Model(iter(service)).load(tmp_path).block(server(tmp_path))
    due = poisson_arrivals(100.0, 2.0, 5)
    wait, expected = 0, []
    for number in range(len(due)):
        expected.append(wait + service[number])
        if number + 1 < len(due):
            wait = max(0, wait + service[number] - int(due[number + 1] - due[number]))
    np.testing.assert_allclose(latencies(answer), np.array(expected) / MS, atol=1e-5)
    assert (answer["offered"], answer["unserved_ns"], answer["gave_up"]) == (len(due), [], False)
    assert answer["calls"] == len(due)
    assert answer["wake_p99_s"] == pytest.approx(0, abs=1e-8)


def test_a_server_that_cannot_keep_up_is_given_up_and_what_waits_is_told(tmp_path):
    model = Model(itertools.repeat(20 * MS))  # 50 calls a second, 100 arrive
    answer = model.load(tmp_path).block(server(tmp_path, seconds=60.0, patience_s=1.0))
    assert answer["gave_up"]
    assert model.time < 4 * 10**9  # the wait grows by half a second in each
    assert answer["offered"] == answer["calls"] + len(answer["unserved_ns"])
    assert len(answer["unserved_ns"]) == pytest.approx(100, abs=40)  # what arrives within the patience
    assert answer["backlog_peak"] >= len(answer["unserved_ns"])
    assert max(answer["unserved_ns"]) > 1e9
    assert answer["seconds"] == pytest.approx(model.time / 1e9)


def test_a_server_that_cannot_get_through_the_lead_is_measured_on_it(tmp_path):
    model = Model(itertools.repeat(20 * MS))
    answer = model.load(tmp_path).block(server(tmp_path, seconds=60.0, patience_s=1.0, lead_s=30.0))
    assert answer["gave_up"]
    assert answer["offered"] > answer["calls"] > 50
    assert answer["seconds"] == pytest.approx(model.time / 1e9)


def test_a_server_that_keeps_up_has_no_backlog_to_tell(tmp_path):
    answer = Model(itertools.repeat(10)).load(tmp_path).block(server(tmp_path))
    assert answer["backlog_peak"] <= 1
    assert answer["seconds"] == pytest.approx(2.0)


def test_arrivals_of_the_lead_fill_the_queue_and_are_not_counted(tmp_path):
    # a stall in the lead is felt by those that are counted after it
    answer = Model(stalling(at=20, stall=900 * MS)).load(tmp_path).block(server(tmp_path, lead_s=0.5))
    due = poisson_arrivals(100.0, 2.5, 5)
    assert answer["offered"] == answer["calls"] == (due >= 0.5e9).sum() < len(due)
    assert latencies(answer).max() > 100


def test_arrivals_are_a_poisson_process():
    times = poisson_arrivals(200.0, 100.0, 1) / 1e9
    assert (np.diff(times) >= 0).all()
    assert times.max() < 100
    assert stats.kstest(np.diff(times), stats.expon(scale=1 / 200).cdf).pvalue > 0.001
    counts = np.histogram(times, bins=1000, range=(0, 100))[0]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.2)  # a Poisson count's variance is its mean
    one, again, other = (poisson_arrivals(200.0, 1.0, seed).tolist() for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), MOST_ARRIVALS + 1.0])
def test_arrivals_without_a_rate_or_without_number_are_refused(rate):
    with pytest.raises(ValueError, match="arrivals per second"):
        poisson_arrivals(rate, 1.0, 0)


def test_offline_callers_share_one_queue_and_closed_loop_callers_do_not(tmp_path):
    most = {}
    for scenario in ("offline", "closed_loop"):
        model = Model(itertools.repeat(MS))
        gate = threading.Barrier(2)  # the two callers take turns

        def run(session, inputs, plain=model.run, gate=gate):
            gate.wait(10)
            outputs = plain(session, inputs)
            gate.wait(10)
            return outputs

        model.run = run
        model.load(tmp_path).block(block(tmp_path, seconds=0.02, scenario=scenario, concurrency=2))
        most[scenario] = max(Counter(map(tuple, model.calls[: ITEMS // 2])).values())
    assert most == {"offline": 1, "closed_loop": 2}  # of one pass over the batches


def test_callers_that_end_at_different_times_each_count_over_their_own():
    # 4 calls in 2 s and 3 in 6 s, not 7 in 6 s, while one of the two only waited
    callers = [SimpleNamespace(calls=4, last=3 * 10**9), SimpleNamespace(calls=3, last=7 * 10**9)]
    assert calls_per_second(callers, 10**9) == pytest.approx(4 / 2 + 3 / 6)


def test_inputs_of_the_fresh_seed_are_others_in_another_order_and_the_same_number(tmp_path, monkeypatch):
    monkeypatch.setattr("verifier.loadgen.MOST_BATCHES", 8)  # of 20
    seen = {}
    for fresh_seed in (11, 12):
        for source in ("declared", "fresh"):
            model = Model(itertools.repeat(MS))
            load = model.load(tmp_path, fresh_seed=fresh_seed)
            load.block(block(tmp_path, seconds=0.004, inputs_from=source))
            assert not load.all_inputs
            seen[fresh_seed, source] = [tuple(call) for call in model.calls]
    assert all(len(set(calls)) == 4 for calls in seen.values())
    assert seen[11, "declared"] == seen[12, "declared"]
    assert set(seen[11, "fresh"]) != set(seen[12, "fresh"])


def test_a_small_data_set_is_used_whole_by_both_seeds(tmp_path):
    orders = []
    for source, seed in (("declared", 5), ("fresh", 6)):
        model = Model(itertools.repeat(MS))
        load = model.load(tmp_path, fresh_seed=9)
        load.block(block(tmp_path, seconds=0.02, inputs_from=source, seed=seed))
        assert load.all_inputs
        assert len(load.batches) == 20
        orders.append([tuple(call) for call in model.calls])
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_kept_outputs_are_a_uniform_draw_of_all_calls():
    kept = Counter()
    for seed in range(4000):
        sample = Sample(lambda outputs: outputs, 3, 10**6, seed)
        for number in range(30):
            if number == sample.next:
                sample.take(number, {"y": np.zeros(1)})
        assert len(sample.kept) == 3
        kept.update(index for index, _ in sample.kept)
    # each of 30 calls is kept with chance 1/10
    assert stats.chisquare([kept[number] for number in range(30)]).pvalue > 0.001


def test_kept_outputs_take_no_more_memory_than_allowed():
    sample = Sample(lambda outputs: outputs, 100, 10 * 800, 1)
    for number in range(10_000):
        if number == sample.next:
            sample.take(number, {"y": np.zeros(100)})
    assert len(sample.kept) == 10


def test_a_block_tells_what_it_kept(tmp_path):
    load = Model(itertools.repeat(MS)).load(tmp_path)
    answer = load.block(block(tmp_path, keep_outputs=6))
    assert answer["kept_bytes"] == 6 * 8  # six items of a 64-bit float
    with np.load(answer["kept_path"]) as kept:
        np.testing.assert_array_equal(kept["y"], kept["__items__"] * 2.0)
    assert load.block(block(tmp_path))["kept_bytes"] == 0


def test_an_error_of_the_model_in_any_caller_is_raised(tmp_path):
    def failing():
        yield from itertools.repeat(MS, 5)
        raise RuntimeError("the model broke")

    with pytest.raises(RuntimeError, match="broke"):
        Model(failing()).load(tmp_path).block(block(tmp_path, concurrency=2))
    with pytest.raises(RuntimeError, match="broke"):
        Model(failing()).load(tmp_path).block(server(tmp_path))


def test_an_unknown_loop_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown loop 'fast'"):
        Model(itertools.repeat(MS)).load(tmp_path).block(block(tmp_path, loop="fast"))
