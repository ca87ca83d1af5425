"""How a window is cut into blocks, and loads that are no measurement."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest

from lynxspec.claim import Claim
from verifier.errors import VerifierError
from verifier.schedule import is_fresh, order_of, schedule

from . import fixtures as zoo


def _schedule(**load):
    claim = zoo.claim_data()
    claim["load"] |= load
    return schedule(Claim.model_validate_json(json.dumps(claim)).load)


def test_a_window_is_covered_by_equal_blocks_in_each_process():
    plan = _schedule(window="600 s", block="10 s", repetitions=3)
    assert (plan.repetitions, plan.blocks, plan.seconds) == (3, 20, 10.0)
    assert plan.window == 600.0


def test_blocks_that_do_not_divide_the_window_are_stretched_to_cover_it():
    plan = _schedule(window="25 s", block="4 s", repetitions=2)
    assert plan.window == pytest.approx(25.0)


def test_each_process_has_at_least_ten_blocks_so_that_drift_and_noise_can_be_told_apart():
    assert _schedule(window="30 s", block="10 s", repetitions=3).blocks == 10


def test_a_block_is_never_shorter_than_a_tenth_of_a_second():
    assert _schedule(window="1.5 s", block="1 s", repetitions=3).blocks == 5


@pytest.mark.parametrize(
    "load",
    [
        {"window": "0.5 s"},
        {"block": "1 us"},
        {"block": "0 s"},
        {"repetitions": 101},
        {"window": "1000 h"},
        {"scenario": "single_stream", "concurrency": 2},
    ],
)
def test_a_load_that_is_no_measurement_or_has_no_end_is_refused(load):
    with pytest.raises(VerifierError):
        _schedule(**load)


def test_a_claim_of_fewer_processes_gets_three_over_the_same_window():
    plan = _schedule(window="30 s", block="1 s", repetitions=1)
    assert (plan.declared, plan.repetitions, plan.blocks, plan.window) == (1, 3, 10, 30.0)
    assert _schedule(window="30 s", block="1 s", repetitions=5).repetitions == 5


def test_a_single_stream_is_one_call_in_flight():
    assert _schedule(scenario="single_stream", concurrency=1).repetitions == 3


def test_arrivals_at_random_get_long_blocks_and_time_for_the_queue_to_fill():
    plan = _schedule(scenario="server", window="600 s", block="1 s")
    assert (plan.blocks, plan.seconds, plan.lead) == (2, 100.0, 10.0)
    assert _schedule(window="600 s", block="1 s").lead == 0


def test_a_round_that_is_added_has_blocks_of_the_same_length():
    plan = _schedule(window="600 s", block="10 s", repetitions=3)
    assert plan.round_of(60.0) == (6, 10.0)
    assert plan.round_of(1e-9) == (2, 0.1)  # never shorter than a block may be


def test_the_estimate_grows_with_regimes_and_processes():
    short, long = _schedule(repetitions=3), _schedule(repetitions=6)
    assert short.total(2) == 2 * short.total(1) > 2 * 600
    assert long.total(2) > short.total(2)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_each_regime_stands_in_each_place_and_follows_each_other_one_equally_often(count):
    names = "abcdef"[:count]
    rounds = [order_of(names, 0, index) for index in range(2 * count if count % 2 else count)]
    places = Counter((place, name) for row in rounds for place, name in enumerate(row))
    following = Counter(pair for row in rounds for pair in itertools.pairwise(row))
    assert len(set(places.values())) == len(set(following.values())) == 1
    assert set(places) == set(itertools.product(range(count), names))
    assert set(following) == set(itertools.permutations(names, 2))


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("process", range(3))
def test_each_order_is_followed_by_its_reverse_and_the_next_process_begins_with_another(count, process):
    names = "abcdef"[:count]
    for index in range(0, 8, 2):
        assert order_of(names, process, index) == order_of(names, process, index + 1)[::-1]
    assert order_of(names, process, 0) != order_of(names, process + 1, 0)


@pytest.mark.parametrize("blocks", [2, 4, 6, 20])
@pytest.mark.parametrize("process", range(4))
def test_half_of_the_blocks_take_fresh_inputs_and_are_not_tied_to_an_order_of_regimes(blocks, process):
    fresh = [is_fresh(process, index) for index in range(blocks)]
    assert sum(fresh) == blocks / 2
    assert all(a != b for a, b in zip(fresh[::2], fresh[1::2], strict=True))  # neighbours are compared
    if blocks % 4 == 0:
        first = Counter((order_of("ab", process, index)[0], fresh[index]) for index in range(blocks))
        assert set(first.values()) == {blocks / 4}
        # a rate that drifts evenly favours neither: positions of both kinds have one mean
        assert sum(i for i, f in enumerate(fresh) if f) * 2 == sum(range(blocks))
