"""Whatever is missing, fails or disturbs: a true claim is never refuted, and judging never raises."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lynxspec.claim import Claim
from verifier.evidence import Evidence
from verifier.judge import JUDGES
from verifier.judge.case import Case
from verifier.verdict import Reason, Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

LISTS = ("materials", "quantizations", "ledgers", "weight_errors", "comparisons", "scores")
OPTIONAL = {
    "repeat_sha256",
    "one_thread_sha256",
    "outputs_sha256",
    "calibration_samples",
    "time_share",
    "pressure",
    "overhead_share",
    "repeated_input_ratio",
    "low_s",
    "high_s",
    "provider",
}
STAGES = ("materialize", "quantize", "inspect", "evaluate", "sustain", "")
FAILURE = st.fixed_dictionaries(
    {
        "stage": st.sampled_from(STAGES),
        "regime": st.sampled_from([None, "fp32", "int8", "other"]),
        "message": st.text(max_size=20),
    }
)
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def _judged(claim, evidence):
    """Judge without the guard of `judge`, so that a judge that raises is seen."""
    case = Case.of(Claim.model_validate_json(json.dumps(claim)), Evidence.model_validate_json(json.dumps(evidence)))
    return [verdict for _, judge_clauses in JUDGES for verdict in judge_clauses(case)]


def _never_refuted(claim, evidence):
    found = _judged(claim, evidence)
    assert not [v for v in found if v.verdict is Verdict.REFUTED], [v for v in found if v.verdict is Verdict.REFUTED]
    assert all(v.verdict is Reason.of(v.reason).verdict for v in found)
    assert len({v.id for v in found}) == len(found)
    return found


def _blank(value, draw):
    """Set some optional leaves to nothing, as a stage that lacks them would."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in OPTIONAL and draw(st.booleans()):
                value[key] = None
            else:
                _blank(inner, draw)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value[:3]:
            _blank(inner, draw)


@QUICK
@given(data=st.data())
def test_missing_and_failed_evidence_never_refutes_a_true_claim(data):
    evidence = zoo.evidence_data()
    for name in LISTS:
        kept = [row for row in evidence[name] if data.draw(st.integers(0, 3), label=name)]
        evidence[name] = kept
        for row in kept:
            if "status" in row and name != "materials" and not data.draw(st.integers(0, 3)):
                row |= {"status": "failed", "message": data.draw(st.text(max_size=10))}
    if not data.draw(st.integers(0, 4)):
        evidence["sustain"] = None
    else:
        sustain = evidence["sustain"]
        sustain["runs"] = [run for run in sustain["runs"] if data.draw(st.integers(0, 3))]
        for run in sustain["runs"]:
            run["blocks"] = run["blocks"][: data.draw(st.sampled_from([0, 1, 3, 7, 60]))]
            if not data.draw(st.integers(0, 3)):
                run |= {"status": "failed", "message": "killed"}
        sustain["host"] = sustain["host"][: data.draw(st.sampled_from([0, 1, 60]))]
        sustain["probe"]["gflops"] = sustain["probe"]["gflops"][: data.draw(st.sampled_from([0, 1, 6]))]
    _blank(evidence, data.draw)
    evidence["failures"] = data.draw(st.lists(FAILURE, max_size=3))
    _never_refuted(zoo.claim_data(), evidence)


@QUICK
@given(
    factor=st.floats(0.2, 1.5),
    host=st.fixed_dictionaries(
        {"steal": st.floats(0, 0.3), "foreign": st.floats(0, 0.5), "pressure": st.none() | st.floats(0, 1)}
    ),
    noise=st.floats(0.0, 0.2),
    slope=st.floats(-0.3, 0.3),
    probe=st.sampled_from(["stated", "unknown"]),
    seed=st.integers(0, 1000),
)
def test_a_slow_noisy_or_drifting_machine_never_refutes_a_true_claim(factor, host, noise, slope, probe, seed):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    zoo.slow_down(evidence, factor)
    for i, name in enumerate(("fp32", "int8")):
        true = (1000.0 if name == "fp32" else 1950.0) * factor
        zoo.run_of(evidence, name)["blocks"] = zoo.blocks(true, spread=noise, slope=slope, seed=seed + i)
    for sample in evidence["sustain"]["host"]:
        sample.update(host)
    if probe == "unknown":
        claim["hardware"]["speed_probe"] = {"unknown": "not measured"}
    _never_refuted(claim, evidence)


@QUICK
@given(
    shares=st.tuples(st.floats(0.86, 1.0), st.floats(0.86, 1.0)),
    machine=st.sampled_from([zoo.MACHINE, zoo.OTHER, None]),
    tolerance=st.sampled_from(["0 %", "1 %", "5 %"]),
)
def test_neighbours_of_a_virtual_host_never_refute_a_rate(shares, machine, tolerance):
    """Through caches and memory each regime loses up to 14 %, unequally, while host counters and probe see nothing."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["reproduction"]["tolerances"] |= {"throughput": tolerance, "latency": tolerance, "speedup": tolerance}
    for name, share in zip(("fp32", "int8"), shares, strict=True):
        zoo.slow_down(evidence, share, regimes=(name,), probe=False)
    evidence["host"]["machine"] = machine
    claim["comparisons"][0]["throughput_gain"] = "1.95 x"
    _never_refuted(claim, evidence)


ELSEWHERE = st.sampled_from(
    [
        {"cpu": "AMD EPYC 9B45"},
        {"cpu": "AMD EPYC", "machine": zoo.OTHER},
        {"stepping": "6/143/8"},
        {"isa": ["avx2"]},
        {"isa": []},
        {"packages": {"onnxruntime": "1.20.0"}},
        {"packages": {}},
    ]
)


@QUICK
@given(
    changes=ELSEWHERE,
    others=st.fixed_dictionaries(
        {},
        optional={
            "logical_cpus": st.integers(0, 256),
            "memory_bytes": st.integers(0, 2**42),
            "virtualization": st.sampled_from(["KVM", "none", "unknown", "Xen"]),
            "machine": st.sampled_from([None, zoo.OTHER]),
        },
    ),
    factor=st.floats(0.1, 1.5),
    value=st.floats(0.0, 0.97),
)
def test_on_another_platform_nothing_that_is_computed_there_refutes(changes, others, factor, value):
    """Elsewhere rates, roundings and bytes come out differently; none of it is the claim's fault."""
    evidence = zoo.evidence_data()
    evidence["host"] |= others | changes
    evidence["quantizations"][0]["version"] = evidence["host"]["packages"].get("onnxruntime", "1.20.0")
    zoo.slow_down(evidence, factor, probe=False)
    if "machine" not in changes:  # a machine of a generic name weakens rates alone
        evidence["scores"][1]["metrics"]["top1"] = value
        zoo.other_scales(evidence)
        evidence["ledgers"][3]["operators"][0]["compute"] = "fp32"
    _never_refuted(zoo.claim_data(), evidence)


@QUICK
@given(
    factor=st.floats(0.3, 1.03),
    steal=st.floats(0, 0.2),
    seed=st.integers(0, 1000),
    window=st.sampled_from([60.0, 600.0]),
)
def test_a_rate_inflated_by_half_is_never_confirmed(factor, steal, seed, window):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"
    zoo.slow_down(evidence, factor)
    run = zoo.run_of(evidence, "int8")
    run |= {"blocks": zoo.blocks(1950.0 * factor, seed=seed, spread=0.03), "window_s": window}
    for sample in evidence["sustain"]["host"]:
        sample["steal"] = steal
    found = {v.id: v for v in _judged(claim, evidence)}
    assert found["throughput/int8"].verdict in (Verdict.REFUTED, Verdict.INCONCLUSIVE)


NUMBERS = st.one_of(st.floats(-1e12, 1e12), st.just(0.0), st.floats(0, 1), st.just(1e300))


def _shake(value, draw, depth=0):
    """Replace numbers and texts of plain evidence by anything that its schema takes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            hit = not draw(st.integers(0, 11))
            if isinstance(inner, bool) or not hit:
                _shake(inner, draw, depth + 1)
            elif isinstance(inner, float):
                value[key] = draw(NUMBERS)
            elif isinstance(inner, int):
                value[key] = draw(st.integers(-(2**40), 2**40))
            elif isinstance(inner, str) and key in (
                "message",
                "regime",
                "cpu",
                "stepping",
                "version",
                "compute",
                "granularity",
                "name",
            ):
                value[key] = draw(st.text(max_size=12))
            elif isinstance(inner, list):
                value[key] = inner[: draw(st.integers(0, len(inner)))]
    elif isinstance(value, list):
        for inner in value[:4]:
            _shake(inner, draw, depth + 1)


@QUICK
@given(data=st.data())
def test_judging_never_raises_on_evidence_of_the_right_shape(data):
    evidence = zoo.evidence_data()
    if data.draw(st.booleans()):
        zoo.other_scales(evidence)
    _shake(evidence, data.draw)
    for verdict in _judged(zoo.claim_data(), evidence):
        assert verdict.verdict is Reason.of(verdict.reason).verdict


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("evaluation", "criterion", "reference"), "nobody"),
        (("evaluation", "criterion", "metric"), "nothing"),
        (("evaluation", "criterion", "margin"), "0 points"),
        (("evaluation", "dataset"), "nowhere"),
        (("evaluation", "samples"), {"unknown": "lost"}),
        (("evaluation", "metrics"), []),
        (("comparisons", 0, "quantized"), "nobody"),
        (("comparisons", 0, "system"), "other"),
        (("regimes", 0, "role"), "quantized"),
        (("regimes", 1, "name"), "fp32"),
        (("regimes", 1, "artifact"), {"unknown": "lost"}),
        (("regimes", 1, "accuracy"), {"unknown": "lost"}),
        (("regimes", 1, "quantization"), {"unknown": "lost"}),
        (("regimes", 1, "mixed_precision"), {"unknown": "lost"}),
        (("regimes", 1, "precision", "activations"), {"unknown": "lost"}),
        (("regimes", 1, "toolchain", "runtime"), {"unknown": "lost"}),
        (("regimes", 1, "performance", "sustained"), {"unknown": "lost"}),
        (("regimes", 1, "performance", "sustained", "rate"), "1 tokens/s"),
        (("reproduction", "tolerances", "accuracy"), "0 points"),
        (("reproduction", "tolerances", "throughput"), "99999 %"),
        (("regimes",), []),
        (("model", "artifacts"), []),
        (("data",), []),
        (("load", "scenario"), "server"),
        (("hardware", "kind"), "gpu"),
    ],
    ids=str,
)
def test_judging_never_raises_on_a_claim_of_the_right_shape(path, value):
    claim = zoo.claim_data()
    at = claim
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    for verdict in _judged(claim, zoo.evidence_data()):
        assert verdict.verdict is Reason.of(verdict.reason).verdict


@pytest.mark.parametrize("stage", ["materialize", "quantize", "inspect", "evaluate", "sustain"])
def test_a_stage_that_failed_is_named_and_inconclusive(stage):
    evidence = zoo.evidence_data() | {name: [] for name in LISTS} | {"sustain": None}
    evidence["failures"] = [{"stage": stage, "regime": None, "message": "disk full"}]
    found = _never_refuted(zoo.claim_data(), evidence)
    assert any(v.reason == "tool_failed" and "disk full" in v.explanation for v in found)
