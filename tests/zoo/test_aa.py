"""A/A, as recorded: a claim that holds is never refuted, is confirmed on a quiet machine, and never if inflated."""

from __future__ import annotations

import pytest

from verifier.verdict import Verdict

from . import aa

NOISE = {
    "host_disturbed",
    "machine_slower",
    "machine_faster",
    "interval_too_wide",
    "drifting",
    "shifted",
    "too_few_items",
}
"""Reasons of the host and of noise, for which a rate or a latency stays open."""
RATES = ("throughput/", "speedup/", "latency/")
ENOUGH = 10
"""Quiet runs from which on a share of them says something."""


@pytest.fixture(scope="module")
def results() -> list[aa.Result]:
    claim, runs = aa.kept()
    return [aa.result(entry, claim) for entry in runs]


@pytest.fixture(scope="module")
def pairs() -> list[aa.Pair]:
    claim, runs = aa.kept()
    return list(aa.pairs(runs, claim))


def test_a_claim_that_holds_is_never_refuted(results: list[aa.Result]) -> None:
    assert results
    assert [r.refuted for r in results] == [()] * len(results)


def test_nine_in_ten_quiet_runs_reproduce_it(results: list[aa.Result]) -> None:
    quiet = [r for r in results if not r.unquiet]
    if len(quiet) < ENOUGH:
        pytest.skip(f"{len(quiet)} of the recorded runs are quiet by the rule: not shown")
    assert sum(r.verdict is Verdict.REPRODUCED for r in quiet) >= 0.9 * len(quiet)


def test_what_is_not_reproduced_is_a_rate_and_open_for_a_reason_of_the_host(results: list[aa.Result]) -> None:
    for r in results:
        for clause, reason in r.open:
            assert clause.startswith(RATES), (r.name, clause)
            assert reason in NOISE, (r.name, clause, reason)


def test_no_inflated_number_is_ever_reproduced(results: list[aa.Result]) -> None:
    assert {r.name: r.inflated_reproduced for r in results if r.inflated_reproduced} == {}


@pytest.mark.slow
def test_no_run_taken_for_the_authors_is_refuted_by_another_one(pairs: list[aa.Pair]) -> None:
    assert [(p.author, p.run, p.refuted) for p in pairs if p.refuted] == []


@pytest.mark.slow
def test_no_inflated_number_of_any_run_is_reproduced_by_another_one(pairs: list[aa.Pair]) -> None:
    found = [(p.author, p.run, p.inflated_reproduced) for p in pairs if p.inflated_reproduced and not p.slowed]
    assert found == []


@pytest.mark.slow
def test_an_inflated_rate_of_a_run_that_others_slowed_down_is_reproduced_only_where_it_is_true(
    pairs: list[aa.Pair], results: list[aa.Result]
) -> None:
    """Half the machine's rate and a tenth more is no lie: a run with nothing beside it really reaches that."""
    rates = {r.name: dict(zip(("rate of fp32 + 10 %", "rate of int8 + 10 %"), r.ratios, strict=False)) for r in results}
    for pair in pairs:
        for name in pair.inflated_reproduced if pair.slowed else ():
            assert rates[pair.run][name] > 1.1 * rates[pair.author][name], (pair.author, pair.run, name)
