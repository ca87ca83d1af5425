"""A/A, as recorded: a claim that holds is never refuted, is confirmed on a quiet machine, and never if inflated."""

from __future__ import annotations

import pytest

from verifier.verdict import Verdict

from . import aa

STATED = {"host_disturbed", "machine_slower", "machine_faster", "interval_too_wide", "drifting", "shifted"}
"""Reasons of a rate that a noisy host leaves open."""
RATES = ("throughput/", "speedup/", "latency/")


@pytest.fixture(scope="module")
def results() -> list[aa.Result]:
    claim, runs = aa.kept()
    return [aa.result(entry, claim) for entry in runs]


def test_twenty_runs_were_kept_and_ten_of_them_are_quiet_by_the_rule(results: list[aa.Result]) -> None:
    assert len(results) >= 20
    assert sum(not r.unquiet for r in results) >= 10


def test_a_claim_that_holds_is_never_refuted(results: list[aa.Result]) -> None:
    assert [r.refuted for r in results] == [()] * len(results)


def test_nine_in_ten_quiet_runs_reproduce_it(results: list[aa.Result]) -> None:
    quiet = [r for r in results if not r.unquiet]
    assert sum(r.verdict is Verdict.REPRODUCED for r in quiet) >= 0.9 * len(quiet)


def test_what_is_not_reproduced_is_a_rate_and_open_for_a_reason_of_the_host(results: list[aa.Result]) -> None:
    for r in results:
        for clause, reason in r.open:
            assert clause.startswith(RATES), (r.name, clause)
            assert reason in STATED, (r.name, clause, reason)


def test_no_inflated_number_is_ever_reproduced(results: list[aa.Result]) -> None:
    assert {r.name: r.inflated_reproduced for r in results if r.inflated_reproduced} == {}
