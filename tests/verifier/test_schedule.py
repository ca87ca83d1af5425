"""How a window is cut into blocks, and loads that are no measurement."""

from __future__ import annotations

import json

import pytest

from lynxspec.claim import Claim
from verifier.errors import VerifierError
from verifier.schedule import schedule

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


def test_each_process_has_at_least_two_blocks_so_that_regimes_alternate():
    assert _schedule(window="4 s", block="4 s", repetitions=2).blocks == 2


@pytest.mark.parametrize(
    "load",
    [{"window": "0.5 s"}, {"block": "1 us"}, {"block": "0 s"}, {"repetitions": 101}, {"window": "1000 h"}],
)
def test_a_load_that_is_no_measurement_or_has_no_end_is_refused(load):
    with pytest.raises(VerifierError):
        _schedule(**load)
