"""A budget: what is left out when time is short, and where spare time goes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from lynxspec.claim import Claim
from lynxspec.errors import UsageError
from verifier.commands.options import seconds_of
from verifier.evidence import Evidence
from verifier.judge.case import Case
from verifier.judge.undecided import undecided
from verifier.reproduction.budget import ENDING_S, Budget
from verifier.schedule import schedule

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)


def budget(left: float) -> Budget:
    """A budget with so many seconds left for measuring."""
    return Budget(seconds=left + ENDING_S, clock=lambda: 0.0, began=0.0)


def case(rate: float = 1950.0, spread: float = 0.01) -> Case:
    """The complete claim, with INT8 blocks around a rate."""
    evidence = zoo.evidence_data()
    run = zoo.run_of(evidence, "int8")
    run["blocks"] = zoo.blocks(rate, spread=spread, seed=5)
    claim = Claim.model_validate_json(json.dumps(zoo.claim_data()))
    return Case.of(claim, Evidence.model_validate_json(json.dumps(evidence)))


def next_round(of: Case, left: float) -> float:
    assert of.evidence.sustain is not None
    return budget(left).next_round(of.claim, of.evidence, of.evidence.sustain, schedule(of.claim.load))


def test_without_a_budget_nothing_is_cut():
    plan = schedule(case().claim.load)
    assert Budget().within(plan, 2) is plan
    assert Budget().for_evaluation(1e6) is None


def test_without_a_budget_an_open_clause_gets_half_as_much_time_again():
    plan = schedule(case().claim.load)
    now = 100.0
    limited = Budget(clock=lambda: now, began=0.0).with_overtime(plan, 2)
    assert limited.left == pytest.approx(1.5 * plan.total(2))
    now += plan.total(2)
    assert limited.left == pytest.approx(0.5 * plan.total(2))
    assert budget(50.0).with_overtime(plan, 2).left == 50.0


def test_a_short_budget_measures_fewer_blocks_in_as_many_processes():
    plan = schedule(case().claim.load)
    found = budget(plan.total(2) / 2).within(plan, 2)
    assert found is not None
    assert (found.repetitions, found.seconds) == (plan.repetitions, plan.seconds)
    assert 2 <= found.blocks < plan.blocks
    assert found.total(2) <= plan.total(2) / 2


def test_a_budget_for_less_than_two_blocks_measures_nothing():
    assert budget(10.0).within(schedule(case().claim.load), 2) is None


def test_spare_time_goes_to_a_rate_that_is_still_open():
    found = case(rate=1855.0, spread=0.02)  # limit 1852.5
    assert [one.clause for one in undecided(found)][:1]
    assert next_round(found, 1e6) > 0.0


def test_time_that_cannot_decide_the_open_clause_is_not_spent():
    found = case(rate=1855.0, spread=0.02)
    assert next_round(found, 60.0) == 0.0


def test_a_decided_claim_costs_no_more_time():
    assert undecided(case()) == ()
    assert next_round(case(), 1e6) == 0.0


def test_more_of_a_disturbed_host_decides_nothing():
    found = case(rate=1855.0, spread=0.02)
    assert found.evidence.sustain is not None
    host = tuple(s.model_copy(update={"foreign": 0.3}) for s in found.evidence.sustain.host)
    noisy = found.evidence.sustain.model_copy(update={"host": host})
    assert undecided(Case.of(found.claim, found.evidence.model_copy(update={"sustain": noisy}))) == ()


def test_evaluation_gets_what_the_rates_leave_and_a_third_at_least():
    assert budget(900.0).for_evaluation(100.0) == pytest.approx(800.0)
    assert budget(900.0).for_evaluation(5000.0) == pytest.approx(300.0)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("20min", 1200.0), ("20m", 1200.0), ("1.5 h", 5400.0)])
def test_a_time_is_read_with_its_unit(text, seconds):
    assert seconds_of(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["20", "soon", "-5 s", "1e3 s"])
def test_a_time_without_a_unit_is_refused(text):
    with pytest.raises(UsageError):
        seconds_of(text, "--budget")
