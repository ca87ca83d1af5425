"""How much of a rate a recorded disturbance could explain, what it bars, and when a machine had settled."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from lynxspec.claim import Claim
from lynxspec.claim.throughput import Equilibrium
from verifier import authoring
from verifier.evidence import Evidence, SustainEvidence
from verifier.judge.case import Case
from verifier.judge.disturbance import (
    barred,
    disturbance_notes,
    disturbance_share,
    disturbance_shares,
    disturbances,
    equilibrium,
    unwatched,
)
from verifier.judge.equilibrium import Settled, settled
from verifier.opening import open_claim
from verifier.telemetry.summary import telemetry as summed
from verifier.telemetry.trace import Lines

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

RECORDS = Path(__file__).parents[2] / "examples/records"


def during(**changed):
    quiet = {
        "regime": "int8",
        "seconds": 600.0,
        "samples": 4800,
        "steal": 0.0,
        "foreign": 0.004,
        "pressure": 0.03,
        "memory_pressure": 0.0,
        "waited": 0.01,
        "throttled": 0.0,
        "held_back": 0.0,
        "slowed": 0.0,
        "clock_mhz": 2600.0,
        "clock_variation": 0.001,
        "energy_j": {},
    }
    return quiet | changed


def reading(name, kind, values, unit="1"):
    """A channel with a curve, as the summary writes it."""
    plain = {"name": name, "unit": unit, "kind": kind, "status": "ok", "samples": len(values), "deviation": None}
    known = [float(v) for v in values if v is not None]
    folded = {"mean": float(np.mean(known)), "low": min(known), "high": max(known), "total": None}
    curve = [] if len(known) == len(values) and min(known) == max(known) else list(values)
    bits = {hex(1 << i): 1.0 for i in range(9) if kind == "mask" and any(int(v) >> i & 1 for v in values)}
    return plain | folded | {"bits": bits, "curve": curve}


def source(name, *readings, status="ok"):
    return {"name": name, "status": status, "message": "planted", "rate_hz": 8.0, "readings": list(readings)}


def telemetry(*sources, regimes=None, status="ok", seconds=1190.0, points=600, processors=2):
    return {
        "status": status,
        "message": "" if status == "ok" else "planted",
        "began_s": 0.0,
        "seconds": seconds,
        "period_s": 0.125,
        "rate_hz": 8.0,
        "samples": int(seconds * 8),
        "longest_gap_s": 0.2,
        "processors": processors,
        "sampler_share": 0.005,
        "times_s": [float(t) for t in np.linspace(seconds / points, seconds, points)],
        "sources": list(sources),
        "during": [during()] if regimes is None else regimes,
        "trace_sha256": None,
    }


def case_of(claim=None, evidence=None, **recorded):
    """A case whose int8 run was disturbed like that; without ``recorded`` as in older evidence."""
    evidence = evidence or zoo.evidence_data()
    if recorded:
        evidence["sustain"]["telemetry"] = telemetry(regimes=[during(**recorded)])
    return built(claim or zoo.claim_data(), evidence)


def built(claim, evidence):
    return Case.of(Claim.model_validate_json(json.dumps(claim)), Evidence.model_validate_json(json.dumps(evidence)))


# --- how much a disturbance could explain


def test_steal_counts_for_every_thread_that_waits_at_the_barrier():
    # 2 of 2 processors in one call: 3 % of all time is 6 % of one processor's, and the other waits.
    shares = {s.cause: s.most for s in disturbance_shares(case_of(steal=0.03), "int8")}
    assert shares["steal"] == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("threads", "concurrency", "processors", "expected"),
    [
        (2, 1, 2, 0.02),  # one call over both processors
        (1, 2, 2, 0.01),  # two calls that do not wait for each other
        (1, 1, 4, 0.04),  # one thread: all the stolen time may be its
        (2, 2, 4, 0.02),
        (8, 1, 4, 0.04),  # more threads than processors: all four wait
    ],
)
def test_the_estimate_follows_from_threads_calls_and_processors(threads, concurrency, processors, expected):
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = telemetry(regimes=[during(steal=0.01)], processors=processors)
    zoo.run_of(evidence, "int8").update(threads={"intra_op_threads": threads}, concurrency=concurrency)
    shares = {s.cause: s.most for s in disturbance_shares(built(zoo.claim_data(), evidence), "int8")}
    assert shares["steal"] == pytest.approx(expected)


@pytest.mark.parametrize(("threads", "calls"), [(4, 1), (1, 4), (2, 2)])
def test_no_simulated_theft_takes_more_than_the_estimate(threads, calls):
    """Known truth: 4 processors, calls of 10 ms in steps with a barrier, slices of 3 ms stolen at random."""
    rng = np.random.default_rng(4)
    steps, step_s = 40_000, 0.01
    stolen = rng.poisson(0.05, size=(calls, threads, steps)) * 0.003
    took = step_s + stolen.max(axis=1)  # a step ends with its slowest thread
    loss = 1.0 - step_s * steps * calls / took.sum()
    share = stolen.sum() / (took.sum(axis=1).mean() * threads * calls)
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = telemetry(regimes=[during(steal=float(share))], processors=4)
    zoo.run_of(evidence, "int8").update(threads={"intra_op_threads": threads}, concurrency=calls)
    most = {s.cause: s.most for s in disturbance_shares(built(zoo.claim_data(), evidence), "int8")}["steal"]
    assert loss <= most * 1.001
    assert most < 5 * loss  # and it is no bound that says nothing


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({"pressure": 0.02, "waited": 0.30, "foreign": 0.20}, 0.02),  # nobody waited longer
        ({"pressure": 0.50, "waited": 0.03, "foreign": 0.20}, 0.03),  # others waited, hardly any of ours
        ({"pressure": 0.50, "waited": 0.40, "foreign": 0.01}, 0.025),  # ours waited for each other and the sampler
    ],
)
def test_pressure_explains_no_more_than_the_least_of_three_bounds(recorded, expected):
    shares = {s.cause: s.most for s in disturbance_shares(case_of(**recorded), "int8")}
    assert shares["pressure"] == pytest.approx(expected, abs=1e-9)


def test_older_evidence_is_judged_by_its_samples_of_the_whole_stage():
    evidence = zoo.evidence_data()
    for sample in evidence["sustain"]["host"]:
        sample["steal"] = 0.03
    assert disturbance_share(case_of(evidence=evidence), "int8") >= 0.06


def test_without_any_sample_nothing_is_explained():
    evidence = zoo.evidence_data()
    evidence["sustain"]["host"] = []
    assert disturbance_shares(case_of(evidence=evidence), "int8") == ()


# --- what it bars


@pytest.mark.parametrize(
    "recorded",
    [
        {"steal": 0.03},
        {"pressure": 0.3, "waited": 0.4, "foreign": 0.2},
        {"throttled": 0.5, "slowed": 0.12},
        {"held_back": 0.2},
        {"memory_pressure": 0.1},
    ],
    ids=["steal", "pressure", "throttling", "quota", "memory"],
)
def test_a_run_whose_disturbance_could_explain_more_than_the_tolerance_is_barred(recorded):
    why = barred(case_of(**recorded), "int8", 0.05)
    assert why is not None
    assert "more than the tolerance of 5 %" in why


def test_a_throttled_run_is_barred_and_one_that_only_touched_the_limit_is_not():
    assert barred(case_of(throttled=0.4, slowed=0.1), "int8", 0.05) is not None
    assert barred(case_of(throttled=0.01, slowed=0.0005), "int8", 0.05) is None


def test_a_quiet_run_is_not_barred_and_its_small_disturbance_is_written_down():
    case = case_of(steal=0.004, throttled=0.02, slowed=0.004)
    assert barred(case, "int8", 0.05) is None
    notes = disturbance_notes(case, "int8")
    assert any("stolen by the hypervisor 0.4 %" in note and "0.8 %" in note for note in notes)
    assert any("throttling reported in 2 % of the time" in note for note in notes)


def test_several_small_disturbances_count_together():
    case = case_of(steal=0.012, throttled=0.1, slowed=0.02, pressure=0.02, waited=0.02)
    assert all(share.most <= 0.05 for share in disturbance_shares(case, "int8"))
    assert barred(case, "int8", 0.05) is not None


def test_the_rule_is_held_against_the_tolerance_of_the_clause():
    assert barred(case_of(steal=0.01), "int8", 0.05) is None
    assert barred(case_of(steal=0.01), "int8", 0.01) is not None


def test_a_throttled_machine_refutes_nothing():
    case = case_of(throttled=0.4, slowed=0.1)
    assert any("throttling" in reason for reason in disturbances(case))
    assert disturbances(case_of(throttled=0.0, slowed=0.0)) == ()


@pytest.mark.parametrize("status", ["sampler_died", "gap_too_long", "rate_too_low", "clock_jump"])
def test_a_failure_of_our_sampler_refutes_nothing(status):
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = telemetry(status=status)
    case = built(zoo.claim_data(), evidence)
    assert unwatched(case)
    assert any(status in note for note in disturbance_notes(case, "int8"))
    lied = zoo.claim_data()
    lied["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"
    assert zoo.verdicts(lied, evidence)["throughput/int8"].verdict.value == "inconclusive"


def test_valid_telemetry_watches_the_host():
    assert not unwatched(case_of(steal=0.0))


QUIET = ("g2p-gru-int8", "minilm-reviews-int8", "minilm-reviews-int8-sustained", "mobilenetv2-mnist-int8")
"""Those of other runtimes were taken on a busy machine, and are barred as they should be."""


@pytest.mark.parametrize("name", QUIET)
def test_no_shipped_record_is_barred_by_what_it_recorded(name):
    evidence = Evidence.model_validate_json((RECORDS / name / "evidence.json").read_bytes())
    claims = (RECORDS / name / "claim.yaml", *RECORDS.parent.glob("*/*.claim.yaml"))
    shown = [path for path in claims if path.is_file()]
    claim = next(c for c in (open_claim(p).claim for p in shown) if {r.name for r in c.regimes} == {"fp32", "int8"})
    case = Case.of(claim, evidence)
    for run in evidence.sustain.runs:
        assert disturbance_share(case, run.regime) > 0  # it is written down
        assert barred(case, run.regime, 0.05) is None


# --- thermal equilibrium


def settling(*, degrees, clocks, events=None, seconds=1190.0, **changed):
    points = len(degrees)
    found = {
        "temperature": source("temperature", reading("package", "gauge", degrees, "degC")),
        "cpu_clock": source("cpu_clock", reading("mean", "gauge", clocks, "MHz")),
        "cpu_throttle": source("cpu_throttle", reading("events", "counter", events or [0.0] * points)),
    } | changed
    return telemetry(*(s for s in found.values() if s), seconds=seconds, points=points)


def outcome(recorded, device="cpu"):
    plain = zoo.evidence_data()["sustain"] | {"telemetry": recorded}
    return settled(SustainEvidence.model_validate_json(json.dumps(plain)), device)


HOT = [61.0 + 0.2 * (i % 3) for i in range(600)]
STEADY = [2600.0 + (i % 5) for i in range(600)]


def test_constant_readings_show_equilibrium_with_their_figures():
    found = outcome(settling(degrees=HOT, clocks=STEADY))
    assert isinstance(found, Settled)
    assert found.held_s >= 60.0
    assert found.before_c == pytest.approx(61.2, abs=0.2)
    assert "no throttling" in str(found)


def test_the_time_that_it_held_is_the_longest_up_to_the_end():
    # An exponential approach with a time constant of 60 s: after five of them 0.2 of 30 degrees are left.
    times = np.linspace(2.0, 1190.0, 600)
    found = outcome(settling(degrees=list(70.0 - 30.0 * np.exp(-times / 60.0)), clocks=STEADY))
    assert isinstance(found, Settled)
    assert 500.0 < found.held_s < 1190.0
    assert abs(found.after_c - found.before_c) <= 2.0


@pytest.mark.parametrize(
    ("recorded", "word"),
    [
        (settling(degrees=[40.0 + 0.1 * i for i in range(600)], clocks=STEADY), "temperature changed"),
        (settling(degrees=HOT, clocks=[2600.0 * (1.0 - 0.001 * i) for i in range(600)]), "clock changed"),
        (settling(degrees=HOT, clocks=STEADY, events=[0.0] * 590 + [8.0] * 10), "throttling was reported"),
        (settling(degrees=HOT, clocks=STEADY, events=[0.0] * 590 + [None] * 10), "not read throughout"),
        (settling(degrees=HOT[:20], clocks=STEADY[:20], seconds=40.0), "were not recorded"),
        (settling(degrees=HOT, clocks=STEADY, temperature=source("temperature", status="no_sensor")), "no_sensor"),
        (settling(degrees=HOT, clocks=STEADY, cpu_clock=source("cpu_clock", status="nominal_only")), "nominal_only"),
        (settling(degrees=HOT, clocks=STEADY, cpu_throttle=source("cpu_throttle", status="no_sensor")), "no_sensor"),
        (settling(degrees=HOT, clocks=STEADY) | {"status": "gap_too_long", "message": "3 s"}, "gap_too_long"),
        (None, "no temperatures were recorded"),
    ],
    ids=[
        "warming",
        "slowing",
        "throttled",
        "unread",
        "short",
        "no heat",
        "guest",
        "no throttle sensor",
        "gap",
        "older",
    ],
)
def test_whatever_is_missing_or_changes_shows_no_equilibrium_and_says_why(recorded, word):
    found = outcome(recorded)
    assert isinstance(found, str)
    assert word in found


def _card(name, *, mask=0, degrees=None):
    readings = [reading("temperature", "gauge", degrees or HOT), reading("sm_clock", "gauge", STEADY)]
    return source(name, *readings, reading("clock_event_reasons", "mask", [mask] * 600))


def test_what_comes_after_the_counted_blocks_belongs_to_no_window():
    # The stage lasts ten minutes longer than the last block, which ends at 1190 s.
    late = settling(degrees=HOT, clocks=STEADY, events=[0.0] * 420 + [8.0] * 180, seconds=1800.0)
    assert isinstance(outcome(late), Settled)


def test_each_card_must_have_settled_without_any_reason_to_lower_its_clock():
    assert isinstance(outcome(telemetry(_card("nvml.0"), _card("nvml.1")), "accelerator"), Settled)
    for other in (_card("nvml.1", mask=0x4), _card("nvml.1", mask=0x40), _card("nvml.1", degrees=list(range(600)))):
        assert isinstance(outcome(telemetry(_card("nvml.0"), other), "accelerator"), str)
    assert isinstance(outcome(telemetry(source("nvml", status="library_absent")), "accelerator"), str)


@pytest.mark.parametrize(
    ("total", "processes", "own", "word"),
    [(2.0, 1.0, 1.0, "Xid"), (0.0, 2.0, 1.0, "other processes"), (0.0, 1.0, 1.0, None), (0.0, 2.0, 0.0, None)],
    ids=["error", "shared", "alone", "names of another system"],
)
def test_faults_and_other_programs_on_a_card_are_a_disturbance(total, processes, own, word):
    card = _card("nvml.0")
    card["readings"] += [
        reading("xid", "counter", [0.0, total]) | {"total": total},
        reading("processes", "gauge", [processes] * 600),
        reading("own_processes", "gauge", [own] * 600),
    ]
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = telemetry(card)
    case = built(zoo.claim_data(), evidence)
    assert [word in found for found in disturbances(case)] == ([True] if word else [])
    assert any(word in note for note in disturbance_notes(case, "int8")) if word else True


def test_the_reasons_for_a_lower_clock_are_named():
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = telemetry(_card("nvml.0", mask=0x41))
    notes = disturbance_notes(built(zoo.claim_data(), evidence), "int8")
    assert [note for note in notes if "nvml.0" in note] == [
        "nvml.0 lowered its clock (heat, by hardware) in 100 % of the time"  # and bit 0x1, idle, is no reason
    ]


def test_the_judge_asks_for_the_device_that_the_claim_names():
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = settling(degrees=HOT, clocks=STEADY)
    assert "61" in (equilibrium(built(zoo.claim_data(), evidence)) or "")
    claim = zoo.claim_data()
    claim["hardware"]["kind"] = "gpu"
    assert equilibrium(built(claim, evidence)) is None


@pytest.mark.parametrize("device", ["cpu", "accelerator"])
@pytest.mark.parametrize("odd", [1e300, -1e300, 1e18, -5.0, None])
def test_odd_readings_show_nothing_and_break_nothing(odd, device):
    recorded = settling(degrees=HOT, clocks=STEADY, card=_card("nvml.0"))
    for one in recorded["sources"]:
        for channel in one["readings"]:
            channel["curve"] = [odd] * 600
    assert isinstance(outcome(recorded, device), str)
    recorded["times_s"] = recorded["times_s"][:-1]
    assert isinstance(outcome(recorded, device), str)
    recorded["times_s"] = []
    assert isinstance(outcome(recorded, device), str)


# --- what a measured claim states of it


def test_a_measured_claim_states_readings_that_show_equilibrium():
    evidence = zoo.evidence_data()
    evidence["sustain"]["telemetry"] = settling(degrees=HOT, clocks=STEADY)
    stated = authoring._equilibrium(Evidence.model_validate_json(json.dumps(evidence)), card=False)
    assert Equilibrium.model_validate_json(json.dumps(stated)).shown


def test_a_measured_claim_says_why_there_are_no_readings():
    stated = authoring._equilibrium(Evidence.model_validate_json(json.dumps(zoo.evidence_data())), card=False)
    assert stated == {"unknown": "no temperatures were recorded"}


def test_energy_is_that_of_packages_and_memory_per_item_where_it_was_counted():
    data = zoo.evidence_data()
    counted = {
        "rapl.intel-rapl:0.package-0": 5000.0,
        "rapl.intel-rapl:0:0.core": 4000.0,
        "rapl.intel-rapl:0:1.dram": 500.0,
    }
    data["sustain"]["telemetry"] = telemetry(source("rapl"), regimes=[during(energy_j=counted)])
    evidence = Evidence.model_validate_json(json.dumps(data))
    run = next(r for r in evidence.sustain.runs if r.regime == "int8")
    items = sum(block.items for block in run.blocks)
    assert authoring._energy(evidence, run, card=False) == f"{5500.0 / items:.4g} J/item"
    data["sustain"]["telemetry"] = telemetry(source("rapl", status="permission_denied"))
    evidence = Evidence.model_validate_json(json.dumps(data))
    assert authoring._energy(evidence, run, card=False) == {"unknown": "no power meter was read: permission_denied"}


def test_a_temperature_whose_curve_was_not_kept_shows_no_equilibrium():
    """The hottest of more sensors than have curves rose by 30 degrees; that it has no curve does not mean constant."""
    rising = reading("package 1", "gauge", [60.0 + 0.05 * i for i in range(600)], "degC") | {"curve": []}
    sensors = source("temperature", reading("package 0", "gauge", HOT, "degC"), rising)
    assert isinstance(outcome(settling(degrees=HOT, clocks=STEADY, temperature=sensors)), str)
    constant = reading("package 1", "gauge", [75.0] * 600, "degC")
    sensors = source("temperature", reading("package 0", "gauge", HOT, "degC"), constant)
    assert isinstance(outcome(settling(degrees=HOT, clocks=STEADY, temperature=sensors)), Settled)


def test_energy_on_a_card_is_the_cards_by_the_name_under_which_it_is_recorded():
    data = zoo.evidence_data()
    lines = Lines()
    channels = [["energy", "J", "counter", None, True]]
    head = {
        "pid": 1,
        "period_ns": 125_000_000,
        "sources": [{"name": "nvml.0", "code": None, "note": "", "channels": channels}],
    }
    lines.feed(json.dumps(head).encode() + b"\n")
    for i in range(9600):
        lines.feed(json.dumps([i * 125_000_000, i, 0, 10.0 * i]).encode() + b"\n")
    lines.feed(b'{"stopped":true}\n')
    found = summed(lines, {"int8": [(0.0, 600.0)]}, began_s=0.0, ended_s=1200.0)
    data["sustain"]["telemetry"] = found.model_dump(mode="json")
    evidence = Evidence.model_validate_json(json.dumps(data))
    run = next(r for r in evidence.sustain.runs if r.regime == "int8")
    items = sum(block.items for block in run.blocks)
    assert authoring._energy(evidence, run, card=True) == f"{48000.0 / items:.4g} J/item"
