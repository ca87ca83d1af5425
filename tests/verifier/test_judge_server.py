"""Rates under random arrivals: held if the arrivals are answered in time, and never refuted."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lynxspec.claim import Claim, present
from verifier.evidence import SustainedRun
from verifier.judge.server import judge_arrivals
from verifier.statistics import burst_quantile_bounds
from verifier.verdict import Reason, Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)


def served(**changes):
    """The complete claim as a server claim, and evidence of its arrivals."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["load"]["scenario"] = "server"
    for regime, rate in (("fp32", 1000.0), ("int8", 1950.0)):
        zoo.run_of(evidence, regime)["load"] = {
            "scenario": "server",
            "generator_calls_per_second": 1e5,
            "generator_headroom": 800.0,
            "bare_loop": None,
            "fresh_inputs": None,
            "all_inputs": True,
            "timed_processes": 3,
            "open_loop": {
                "arrival_rate": rate,
                "lead_s": 5.0,
                "offered": 10_000,
                "served": 10_000,
                "unserved": 0,
                "gave_up": 0,
                "backlog_peak": 3,
                "budget_s": 0.05,
                "within_budget": 9_990,
                "wake_p99_s": 0.0001,
                "capacity": rate * 1.3,
            }
            | changes,
        }
    return claim, evidence


def reason(**changes):
    return zoo.verdicts(*served(**changes))["throughput/int8"].reason


def test_arrivals_answered_in_time_over_the_window_hold_the_rate():
    assert reason() == "held_over_window"


def test_the_count_of_arrivals_is_chance_and_decides_nothing():
    claim, evidence = served()
    zoo.run_of(evidence, "int8")["blocks"] = zoo.blocks(1700.0)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "held_over_window"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"within_budget": 9_800}, "evidence_too_weak"),
        ({"offered": 200, "served": 200, "within_budget": 199}, "too_few_items"),  # low bound 97.6 %
        ({"within_budget": 9_800, "wake_p99_s": 0.016}, "host_disturbed"),
        ({"served": 9_000, "unserved": 1_000, "gave_up": 1, "within_budget": 9_000}, "evidence_too_weak"),
        ({"arrival_rate": 900.0}, "not_reached"),
        ({"budget_s": None, "within_budget": None}, "held_over_window"),
        ({"budget_s": None, "within_budget": None, "served": 9_999, "unserved": 1}, "evidence_too_weak"),
    ],
)
def test_each_way_to_miss_has_its_reason_and_refutes_nothing(changes, expected):
    found = zoo.verdicts(*served(**changes))["throughput/int8"]
    assert found.reason == expected
    assert found.verdict is not Verdict.REFUTED


def test_a_shorter_window_of_arrivals_is_not_the_claims():
    claim, evidence = served()
    zoo.run_of(evidence, "int8")["window_s"] = 300.0
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "window_not_covered"


def test_a_closed_loop_says_nothing_about_random_arrivals_and_the_reverse():
    claim, evidence = served()
    zoo.run_of(evidence, "int8")["load"] = None
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "not_reached"
    claim["load"]["scenario"] = "closed_loop"
    assert zoo.verdicts(claim, evidence)["throughput/fp32"].reason == "not_reached"


def test_no_gain_is_judged_between_rates_that_we_set():
    assert zoo.verdicts(*served())["speedup/int8/fp32"].verdict is Verdict.NOT_TESTABLE


def test_latency_with_arrivals_that_were_never_served_confirms_nothing():
    assert zoo.verdicts(*served())["latency/int8"].verdict is Verdict.REPRODUCED
    assert zoo.verdicts(*served(unserved=3, served=9_997))["latency/int8"].verdict is Verdict.INCONCLUSIVE


def test_a_latency_under_random_arrivals_refutes_nothing_since_a_queue_magnifies_a_slower_machine():
    """Rates that we set ourselves are no witness: every regime serves what arrives, on a slow machine as well."""
    claim, evidence = served()
    for name in ("fp32", "int8"):
        for quantile in zoo.run_of(evidence, name)["quantiles"]:
            for key in ("value_s", "low_s", "high_s"):
                quantile[key] *= 3.0
    for probe in (1.0, 0.5):
        evidence["sustain"]["probe"]["gflops"] = [95.0 * probe] * 6
        assert zoo.verdicts(claim, evidence)["latency/int8"].verdict is Verdict.INCONCLUSIVE


def test_arrivals_answered_in_time_by_a_faster_machine_confirm_no_more_than_a_rate_does():
    claim, evidence = served()
    evidence["sustain"]["probe"]["gflops"] = [95.0 * 1.4] * 6
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "machine_faster"


def _queued(rng, count):
    """Times from due to answered of Poisson arrivals at one server of fixed service time, in use 70 % of the time."""
    steps = 1.0 - rng.exponential(1.0 / 0.7, count - 1)  # Lindley 1952
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    return sums - np.minimum.accumulate(sums) + 1.0


def test_late_answers_come_in_bursts_and_a_share_at_the_edge_is_seldom_taken_for_held():
    """Exactly 99 % are in time. Counted as if each arrival stood alone, two runs of five would show more than that."""
    claim, evidence = served()
    rng = np.random.default_rng(1)
    budget = float(np.quantile(_queued(rng, 2_000_000), 0.99))
    plain = zoo.run_of(evidence, "int8")
    claimed = present(Claim.model_validate_json(zoo.json.dumps(claim)).regimes[1].performance.sustained)
    assert claimed is not None
    held = 0
    for _ in range(200):
        times = _queued(rng, 12_000)[2_000:]
        value, low, high = burst_quantile_bounds(times, 0.99)
        plain["quantiles"][2] |= {"value_s": value, "low_s": low, "high_s": high}
        plain["load"]["open_loop"] |= {"budget_s": budget, "within_budget": int((times <= budget).sum())}
        run = SustainedRun.model_validate_json(zoo.json.dumps(plain))
        held += judge_arrivals(run, claimed, run.load.open_loop)[0] is Reason.HELD_OVER_WINDOW
    assert held <= 20
