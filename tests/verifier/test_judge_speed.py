"""Rates: what a shortfall proves, and under which circumstances it proves nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from verifier.verdict import Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)


def _lied(claim):
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"
    return claim


def test_a_machine_that_is_slower_as_a_whole_refutes_nothing():
    evidence = zoo.evidence_data()
    zoo.slow_down(evidence, 0.8)
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["throughput/int8"].reason == "machine_slower"
    assert found["latency/int8"].verdict is Verdict.INCONCLUSIVE
    assert found["speedup/int8/fp32"].reason == "machine_slower"  # another state gives another gain


@pytest.mark.parametrize("factor", [1.1, 1.4])
def test_a_machine_that_is_faster_as_a_whole_confirms_nothing(factor):
    """The neighbours of a virtual machine have left: a rate that was inflated by as much would be reached, too."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    zoo.slow_down(evidence, factor)
    found = zoo.verdicts(claim, evidence)
    for clause in ("throughput/int8", "throughput/fp32", "speedup/int8/fp32"):
        assert found[clause].reason == "machine_faster", clause
    assert (found["latency/int8"].reason == "machine_faster") == (factor > 1.2)  # its tolerance is three times as wide
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2145 images/s"
    assert zoo.verdicts(claim, evidence)["throughput/int8"].verdict is Verdict.INCONCLUSIVE


def test_a_machine_that_is_a_little_faster_or_states_no_speed_confirms_as_ever():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    zoo.slow_down(evidence, 1.06)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].verdict is Verdict.REPRODUCED
    zoo.slow_down(evidence, 1.4)
    claim["hardware"]["speed_probe"] = {"unknown": "not measured"}
    assert zoo.verdicts(claim, evidence)["throughput/int8"].verdict is Verdict.REPRODUCED


def test_without_probe_and_other_regime_there_is_no_witness():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["hardware"]["speed_probe"] = {"unknown": "not measured"}
    zoo.slow_down(evidence, 0.8)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "no_witness"


def test_another_regime_that_holds_is_witness_enough():
    claim, evidence = _lied(zoo.claim_data()), zoo.evidence_data()
    claim["hardware"]["speed_probe"] = {"unknown": "not measured"}
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "below_claim"


def test_an_understated_reference_rate_is_no_witness_for_a_slow_machine():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["hardware"]["speed_probe"] = {"unknown": "not measured"}
    claim["regimes"][0]["performance"]["sustained"]["rate"] = "500 images/s"
    zoo.slow_down(evidence, 0.7)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "no_witness"


def _bare_metal():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["hardware"]["host"]["virtualization"] = {"not_applicable": "bare metal"}
    evidence["host"]["virtualization"] = "none"
    return claim, evidence


def test_the_probe_alone_does_not_vouch_for_the_memory_system():
    claim, evidence = _bare_metal()
    zoo.slow_down(evidence, 0.85, probe=False)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "evidence_too_weak"


def test_a_machine_that_is_a_little_slower_lowers_what_is_expected_of_the_claim():
    claim, evidence = _bare_metal()
    zoo.slow_down(evidence, 0.96)
    zoo.slow_down(evidence, 0.93, regimes=("int8",), probe=False)  # 0.93 / 0.96 is within 5 %
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "evidence_too_weak"


def test_another_regime_that_runs_faster_than_claimed_asks_no_more_of_this_one():
    evidence = zoo.evidence_data()
    zoo.slow_down(evidence, 1.04, regimes=("fp32",), probe=False)
    zoo.slow_down(evidence, 0.865, regimes=("int8",), probe=False)  # less than the 15 % of a virtual host
    assert zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"].reason == "evidence_too_weak"
    zoo.slow_down(evidence, 0.82, regimes=("int8",), probe=False)
    assert zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"].reason == "below_claim"


def _on_a_card():
    """A claim for a card that states neither power nor driver, which would weaken every refutation."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    stack = claim["hardware"]["stack"] | {"driver": {"unknown": "not stated"}}
    unknown = {"power": {"unknown": "not stated"}, "stack": stack}
    claim["hardware"] |= {"kind": "gpu", "vendor": "NVIDIA", "product": "H200 NVL"} | unknown
    evidence["host"]["accelerators"] = ["NVIDIA H200 NVL"]
    evidence["sustain"]["telemetry"] = _watched({"name": "nvml.0", "status": "ok", "message": "NVIDIA H200 NVL"})
    return claim, evidence


def _watched(*sources):
    """Valid telemetry with these sources."""
    return {
        "status": "ok",
        "message": "",
        "began_s": 0.0,
        "seconds": 1240.0,
        "period_s": 0.09,
        "rate_hz": 11.0,
        "samples": 13_640,
        "longest_gap_s": 0.1,
        "processors": 2,
        "sampler_share": 0.005,
        "times_s": [],
        "sources": [{"rate_hz": 11.0, "readings": []} | source for source in sources],
        "during": [],
        "trace_sha256": None,
    }


def test_the_processors_speed_vouches_for_no_card():
    claim, evidence = _on_a_card()
    zoo.slow_down(evidence, 0.6, probe=False)  # as under another limit of power, which no regime escapes
    found = zoo.verdicts(claim, evidence)
    assert found["throughput/int8"].reason == "no_witness"
    assert found["throughput/fp32"].reason == "no_witness"


def test_another_regime_on_the_same_card_does():
    claim, evidence = _on_a_card()
    zoo.slow_down(evidence, 0.6, regimes=("int8",), probe=False)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "below_claim"


@pytest.mark.parametrize(
    "disturbance", [{"steal": 0.03}, {"foreign": 0.2}, {"pressure": 0.6}], ids=["steal", "foreign", "pressure"]
)
def test_a_disturbed_run_neither_refutes_nor_confirms(disturbance):
    evidence = zoo.evidence_data()
    for sample in evidence["sustain"]["host"]:
        sample.update(disturbance)
    found = zoo.verdicts(_lied(zoo.claim_data()), evidence)
    assert found["throughput/int8"].reason == "host_disturbed"


def test_a_run_whose_steal_could_explain_more_than_the_tolerance_confirms_nothing():
    evidence = zoo.evidence_data()
    for sample in evidence["sustain"]["host"]:
        sample["steal"] = 0.03  # two threads that wait for each other: up to 6 % of the rate, tolerance 5 %
    assert zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"].reason == "host_disturbed"


def test_a_smaller_disturbance_is_written_down_and_confirms():
    evidence = zoo.evidence_data()
    for sample in evidence["sustain"]["host"]:
        sample["steal"] = 0.005
    found = zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"]
    assert found.reason == "held_over_window"
    assert any("stolen by the hypervisor 0.5 %" in note for note in found.notes)


def test_a_varying_probe_is_a_disturbance():
    evidence = zoo.evidence_data()
    evidence["sustain"]["probe"]["gflops"] = [95.0, 80.0, 95.0, 70.0, 96.0, 95.0]
    assert zoo.verdicts(_lied(zoo.claim_data()), evidence)["throughput/int8"].reason == "host_disturbed"


def test_an_unwatched_host_refutes_nothing():
    evidence = zoo.evidence_data()
    evidence["sustain"]["host"] = []
    assert zoo.verdicts(_lied(zoo.claim_data()), evidence)["throughput/int8"].reason == "no_witness"


def test_a_throttled_run_is_never_confirmed():
    evidence = zoo.evidence_data()
    rows = zoo.blocks(2200.0)
    for before, after in zip(rows[30:], zoo.blocks(1600.0)[30:], strict=True):  # amid the second of three processes
        before.update(after)
    zoo.run_of(evidence, "int8")["blocks"] = rows
    found = zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert any("jumped from 2" in note for note in found.notes)


def test_a_run_that_drifts_below_the_claim_is_reported_as_drifting():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    zoo.run_of(evidence, "int8")["blocks"] = zoo.blocks(1950.0, slope=-0.2, spread=0.002)
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "1970 images/s"
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "drifting"


def test_a_run_that_is_still_warming_up_is_not_refuted():
    claim, evidence = _lied(zoo.claim_data()), zoo.evidence_data()
    zoo.run_of(evidence, "int8")["blocks"] = zoo.blocks(1000.0, count=40) + zoo.blocks(3000.0, count=20)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].verdict is Verdict.INCONCLUSIVE


def test_a_shorter_window_does_not_confirm_a_sustained_rate():
    evidence = zoo.evidence_data()
    zoo.run_of(evidence, "int8")["window_s"] = 120.0
    assert zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"].reason == "window_not_covered"


def test_a_shorter_window_still_refutes():
    evidence = zoo.evidence_data()
    run = zoo.run_of(evidence, "int8")
    run["window_s"], run["blocks"] = 300.0, zoo.blocks(1950.0, count=30)
    assert zoo.verdicts(_lied(zoo.claim_data()), evidence)["throughput/int8"].reason == "below_claim"


def test_another_batch_says_nothing_about_the_claim():
    evidence = zoo.evidence_data()
    zoo.run_of(evidence, "int8")["batch"] = 1
    assert zoo.verdicts(_lied(zoo.claim_data()), evidence)["throughput/int8"].reason == "not_reached"


def test_a_generic_processor_is_the_same_hardware_only_on_the_same_machine():
    claim, evidence = _lied(zoo.claim_data()), zoo.evidence_data()
    claim["hardware"]["host"]["cpu"] = evidence["host"]["cpu"] = "AMD EPYC"
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "below_claim"
    evidence["host"]["machine"] = zoo.OTHER
    found = zoo.verdicts(claim, evidence)
    assert found["hardware"].reason == "other_hardware"
    assert "machine" in found["hardware"].explanation
    assert found["throughput/int8"].reason == "other_hardware"
    assert found["accuracy/int8/top1"].verdict is Verdict.REPRODUCED


def test_another_machine_of_the_product_refutes_only_beyond_the_difference_of_samples():
    evidence = zoo.evidence_data()
    evidence["host"]["machine"] = zoo.OTHER
    zoo.slow_down(evidence, 0.9, regimes=("int8",), probe=False)
    assert zoo.verdicts(zoo.claim_data(), evidence)["throughput/int8"].reason == "evidence_too_weak"
    assert zoo.verdicts(_lied(zoo.claim_data()), evidence)["throughput/int8"].reason == "below_claim"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"stepping": "25/1/1"}, "stepping"),
        ({"logical_cpus": 4}, "logical cpus"),
        ({"isa": ["avx2"]}, "isa"),
        ({"memory_bytes": 8 * 2**30}, "memory"),
        ({"virtualization": "Xen"}, "virtualization"),
    ],
)
def test_each_axis_of_the_hardware_blocks_rates_and_is_named(change, word):
    evidence = zoo.evidence_data()
    evidence["host"] |= change
    found = zoo.verdicts(_lied(zoo.claim_data()), evidence)
    assert word in found["hardware"].explanation
    assert found["throughput/int8"].reason == "other_hardware"


def test_system_updates_are_noted_only():
    evidence = zoo.evidence_data()
    evidence["host"] |= {"os": "Debian GNU/Linux 13", "kernel": "6.12.0"}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert {v.verdict for v in found.values()} == {Verdict.REPRODUCED}
    assert any("6.12.0" in note for note in found["hardware"].notes)


def test_a_gain_measured_too_small_is_refuted_although_the_claim_agrees_with_itself():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][0]["performance"]["sustained"]["rate"] = "700 images/s"
    claim["comparisons"][0]["throughput_gain"] = "2.78 x"
    found = zoo.verdicts(claim, evidence)
    assert found["speedup/int8/fp32"].reason == "below_claim"
    assert found["throughput/fp32"].verdict is Verdict.REPRODUCED


def test_too_few_calls_leave_a_percentile_open():
    evidence = zoo.evidence_data()
    zoo.run_of(evidence, "int8")["quantiles"][2]["high_s"] = None
    assert zoo.verdicts(zoo.claim_data(), evidence)["latency/int8"].reason == "too_few_items"


def test_an_interruption_in_the_tail_does_not_refute_a_latency():
    evidence = zoo.evidence_data()
    for key in ("value_s", "low_s", "high_s"):
        zoo.run_of(evidence, "int8")["quantiles"][2][key] *= 1.6
    assert zoo.verdicts(zoo.claim_data(), evidence)["latency/int8"].verdict is Verdict.INCONCLUSIVE


def test_our_interpreter_does_not_count_against_the_claims_memory():
    claim = zoo.claim_data()
    claim["regimes"][1]["peak_memory"] = "100 MiB"
    assert zoo.verdicts(claim, zoo.evidence_data())["memory/int8/peak"].reason == "evidence_too_weak"
    claim["regimes"][1]["peak_memory"] = "60 MiB"
    assert zoo.verdicts(claim, zoo.evidence_data())["memory/int8/peak"].reason == "below_claim"


def test_timed_outputs_of_another_model_are_refuted_only_beyond_chance():
    evidence = zoo.evidence_data()
    run = zoo.run_of(evidence, "int8")
    run |= {"timed_disagreements": 3, "timed_scores": {"top1": 0.95}}
    assert zoo.verdicts(zoo.claim_data(), evidence)["timed_outputs/int8"].verdict is Verdict.INCONCLUSIVE
    run |= {"timed_disagreements": 120, "timed_scores": {"top1": 0.55}}
    assert zoo.verdicts(zoo.claim_data(), evidence)["timed_outputs/int8"].reason == "below_claim"


def test_a_cache_of_answers_is_noted():
    evidence = zoo.evidence_data()
    zoo.run_of(evidence, "int8")["repeated_input_ratio"] = 3.0
    assert any("cached" in note for note in zoo.verdicts(zoo.claim_data(), evidence)["timed_outputs/int8"].notes)


def test_a_shortfall_of_a_tenth_refutes_on_bare_metal_and_not_beside_unseen_neighbours():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    zoo.slow_down(evidence, 0.9, regimes=("int8",), probe=False)
    found = zoo.verdicts(claim, evidence)
    assert {found[x].reason for x in ("throughput/int8", "speedup/int8/fp32")} == {"evidence_too_weak"}
    claim, evidence = _bare_metal()
    zoo.slow_down(evidence, 0.9, regimes=("int8",), probe=False)
    found = zoo.verdicts(claim, evidence)
    assert {found[x].reason for x in ("throughput/int8", "speedup/int8/fp32")} == {"below_claim"}


def _load(**changes):
    plain = {
        "scenario": "closed_loop",
        "generator_calls_per_second": 1e5,
        "generator_headroom": 800.0,
        "bare_loop": {"value": 0.002, "low": -0.001, "high": 0.005, "pairs": 40},
        "fresh_inputs": {"value": 0.999, "low": 0.99, "high": 1.008, "pairs": 20},
        "all_inputs": True,
        "timed_processes": 3,
        "open_loop": None,
    }
    return plain | changes


def _with_load(claim=None, **changes):
    evidence = zoo.evidence_data()
    zoo.run_of(evidence, "int8")["load"] = _load(**changes)
    return zoo.verdicts(claim or zoo.claim_data(), evidence)["throughput/int8"]


def test_a_rate_that_holds_only_on_the_claims_own_inputs_is_not_confirmed():
    assert _with_load().reason == "held_over_window"
    tuned = _with_load(fresh_inputs={"value": 0.88, "low": 0.86, "high": 0.9, "pairs": 20})
    assert tuned.reason == "evidence_too_weak"
    assert "tuned to its inputs" in tuned.explanation


def test_what_the_timed_loop_costs_is_written_down_from_one_percent_on():
    assert not any("timed loop" in note for note in _with_load().notes)
    costly = _with_load(bare_loop={"value": 0.02, "low": 0.015, "high": 0.025, "pairs": 40})
    assert any("loses 2 % of the rate" in note for note in costly.notes)


def test_a_load_generator_that_is_itself_slow_refutes_nothing():
    lie = _lied(zoo.claim_data())
    assert _with_load(lie).reason == "below_claim"
    assert _with_load(lie, generator_headroom=3.0).reason == "evidence_too_weak"


def test_latencies_of_less_than_the_window_are_not_confirmed():
    evidence = zoo.evidence_data()
    assert zoo.verdicts(zoo.claim_data(), evidence)["latency/int8"].verdict is Verdict.REPRODUCED
    run = zoo.run_of(evidence, "int8")
    run["blocks"] = run["blocks"][:30]
    run["window_s"] = sum(block["seconds"] for block in run["blocks"])  # half of it: it may throttle in the other half
    assert zoo.verdicts(zoo.claim_data(), evidence)["latency/int8"].reason == "window_not_covered"


def test_a_gain_that_falls_short_where_nothing_shows_the_machine_as_claimed_refutes_nothing():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["hardware"]["speed_probe"] = {"unknown": "not measured"}
    zoo.slow_down(evidence, 0.8, regimes=("fp32",))
    zoo.slow_down(evidence, 0.5, regimes=("int8",))
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "no_witness"
    zoo.slow_down(evidence, 1.0, regimes=("fp32",))
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "below_claim"


def _slow_to_answer(claim):
    """Latencies that are claimed to be two thirds of what they are."""
    claim["regimes"][1]["performance"]["latency"] |= {"p50": "5.4 ms", "p90": "5.7 ms", "p99": "6.6 ms"}
    return claim


def test_a_load_generator_that_is_itself_slow_refutes_no_latency():
    """Callers that wait for each other in our own loop make calls late: of n callers latency is n over the rate."""
    claim, evidence = _slow_to_answer(zoo.claim_data()), zoo.evidence_data()
    run = zoo.run_of(evidence, "int8")
    run["load"] = _load()
    assert zoo.verdicts(claim, evidence)["latency/int8"].reason == "below_claim"
    run["load"] = _load(generator_headroom=3.0)
    assert zoo.verdicts(claim, evidence)["latency/int8"].verdict is Verdict.INCONCLUSIVE
    run["load"] = _load(bare_loop={"value": 0.3, "low": 0.29, "high": 0.31, "pairs": 40})
    assert zoo.verdicts(claim, evidence)["latency/int8"].verdict is Verdict.INCONCLUSIVE


def test_a_gain_that_our_own_load_generator_may_have_capped_is_not_refuted():
    """The fast regime meets the generator's limit first, so that the ratio shrinks while the model is innocent."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][0]["performance"]["sustained"]["rate"] = "700 images/s"
    claim["comparisons"][0]["throughput_gain"] = "2.78 x"
    run = zoo.run_of(evidence, "int8")
    run["load"] = _load()
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "below_claim"
    run["load"] = _load(generator_headroom=3.0)
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "evidence_too_weak"
    run["load"] = _load(bare_loop={"value": 0.3, "low": 0.29, "high": 0.31, "pairs": 40})
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "evidence_too_weak"


def test_a_gain_whose_mean_over_the_window_lies_within_what_is_innocent_is_not_refuted_for_its_last_level():
    """Each process begins at the claim and settles at 0.83 of it: its mean is 0.87, which a virtual host explains."""
    evidence = zoo.evidence_data()
    zoo.run_of(evidence, "int8")["blocks"] = [
        block | {"items": block["items"] * (100 if i % 20 < 5 else 83) // 100}
        for i, block in enumerate(zoo.blocks(1950.0, spread=0.003))
    ]
    zoo.run_of(evidence, "fp32")["blocks"] = zoo.blocks(1000.0, spread=0.003, seed=3)
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["throughput/int8"].reason == "evidence_too_weak"
    assert found["speedup/int8/fp32"].reason == "evidence_too_weak"


def test_a_gain_contradicts_no_rates_that_were_rounded_to_two_digits():
    """1.44 over 0.36 a second is 4 x, and is published as 1.4 and 0.4."""
    claim = zoo.claim_data()
    for regime, rate in zip(claim["regimes"], ("0.4 images/s", "1.4 images/s"), strict=True):
        regime["performance"]["sustained"]["rate"] = rate
    claim["comparisons"][0]["throughput_gain"] = "4 x"
    assert zoo.verdicts(claim, zoo.evidence_data())["speedup/int8/fp32"].reason != "self_contradictory"
    claim["comparisons"][0]["throughput_gain"] = "4.6 x"  # beyond 1.45 over 0.35, and 5 %
    assert zoo.verdicts(claim, zoo.evidence_data())["speedup/int8/fp32"].reason == "self_contradictory"


def _card(**changed):
    known = {
        "name": "NVIDIA H200 NVL",
        "uuid": "GPU-0",
        "memory_bytes": 150_754_820_096,
        "compute_capability": "9.0",
        "driver": "580.65.06",
        "cuda": "13.0",
        "power_limit_w": 600.0,
        "default_power_limit_w": 600.0,
        "max_sm_clock_mhz": 1980.0,
        "max_memory_clock_mhz": 3201.0,
        "mig": "off",
        "ecc": "on",
        "persistence": "on",
        "nvlinks": None,
    }
    return known | changed


@pytest.mark.parametrize(("here", "reason"), [(350.0, "held_over_window"), (600.0, "machine_faster")])
def test_a_card_that_may_draw_more_power_than_claimed_confirms_nothing(here, reason):
    """What a card reaches at 600 W does not show what it reaches at 350 W."""
    claim, evidence = _on_a_card()
    claim["hardware"]["power"] = {"limit": "350 W", "mode": {"not_applicable": "a card has a limit"}}
    claim["hardware"]["memory"] = "150754820096 B"
    claim["hardware"]["stack"]["compute_capability"] = "sm_90"
    evidence["host"]["cards"] = [_card(power_limit_w=here)]
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == reason


@pytest.mark.parametrize("status", ["library_absent", "read_failed"])
def test_a_card_that_nobody_watched_refutes_nothing(status):
    """Who else computed on it, and whether it was held back, is not known: that the host was quiet is no answer."""
    claim, evidence = _on_a_card()
    zoo.slow_down(evidence, 0.6, regimes=("int8",), probe=False)
    name = "nvml" if status == "library_absent" else "nvml.0"
    evidence["sustain"]["telemetry"] = _watched({"name": name, "status": status, "message": "planted"})
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "no_witness"
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "no_witness"
    evidence["sustain"]["telemetry"] = None
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "no_witness"


def test_a_regime_on_the_processor_vouches_for_no_card():
    """The card may be at another limit or mode, and the reference beside it knows nothing of that."""
    claim, evidence = _on_a_card()
    claim["regimes"][1]["toolchain"]["runtime"]["provider"] = "CUDAExecutionProvider"
    for ledger in evidence["ledgers"]:
        if ledger["regime"] == "int8" and ledger["ledger"] == "executed":
            ledger["provider"] = "CUDAExecutionProvider"
    zoo.slow_down(evidence, 0.6, regimes=("int8",), probe=False)
    assert zoo.verdicts(claim, evidence)["throughput/int8"].reason == "no_witness"


def test_a_regime_that_waits_for_memory_does_not_vouch_for_a_processor_that_computes_more_slowly():
    """The clock is at 0.7, as the probe shows: FP32 waits for memory all the same, INT8 computes."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    zoo.slow_down(evidence, 0.7, regimes=("int8",))
    found = zoo.verdicts(claim, evidence)
    assert found["throughput/fp32"].verdict is Verdict.REPRODUCED
    assert found["throughput/int8"].reason == "machine_slower"
    assert found["speedup/int8/fp32"].reason == "machine_slower"
    assert found["latency/int8"].verdict is Verdict.INCONCLUSIVE


def test_a_latency_of_a_run_whose_disturbance_could_explain_more_than_the_tolerance_is_not_confirmed():
    evidence = zoo.evidence_data()
    for sample in evidence["sustain"]["host"]:
        sample["steal"] = 0.03  # up to 6 % of the rate, and 2 % of waiting: the latency's tolerance is 10 %
    assert zoo.verdicts(zoo.claim_data(), evidence)["latency/int8"].reason == "within_tolerance"
    for sample in evidence["sustain"]["host"]:
        sample["steal"] = 0.3
    assert zoo.verdicts(zoo.claim_data(), evidence)["latency/int8"].reason == "host_disturbed"
