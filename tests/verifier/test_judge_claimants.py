"""What a claimant could write so that a false claim passes, and what a tool could do so that a true one fails."""

from __future__ import annotations

import pytest

from verifier.statistics import paired_bca
from verifier.verdict import Verdict

from . import fixtures as zoo


def test_tolerances_that_would_confirm_anything_are_bounded():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["reproduction"]["tolerances"] = {
        "throughput": "95 %",
        "speedup": "95 %",
        "latency": "900 %",
        "accuracy": "100 points",
        "memory": "900 %",
    }
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"
    claim["regimes"][1]["accuracy"][0]["value"] = 0.99
    claim["regimes"][1]["performance"]["latency"]["p50"] = "4 ms"
    found = zoo.verdicts(claim, evidence)
    for clause in ("throughput/int8", "accuracy/int8/top1", "latency/int8"):
        assert found[clause].verdict is Verdict.REFUTED
    assert found["throughput/int8"].tolerance == "10 %"


def test_a_metric_that_is_better_when_higher_stays_so_whatever_the_claim_says():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["evaluation"]["metrics"][0]["better"] = "lower"
    claim["regimes"][1]["accuracy"][0]["value"] = 0.999
    found = zoo.verdicts(claim, evidence)
    assert found["accuracy/int8/top1"].verdict is Verdict.REFUTED


def test_a_gain_that_is_only_implied_by_an_understated_reference_is_judged():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["comparisons"] = []
    claim["regimes"][0]["performance"]["sustained"]["rate"] = "600 images/s"
    found = zoo.verdicts(claim, evidence)
    assert found["throughput/fp32"].verdict is Verdict.REPRODUCED
    assert found["speedup/int8/fp32"].verdict is Verdict.INCONCLUSIVE
    assert found["speedup/int8/fp32"].claimed.startswith("implied by the two rates")


def test_a_gain_over_a_reference_with_other_session_options_is_not_confirmed():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][0]["toolchain"]["runtime"]["options"]["graph_optimization"] = "disabled"
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "evidence_too_weak"


def test_a_gain_on_a_disturbed_host_is_not_confirmed_since_noise_can_raise_a_ratio():
    """The reference alone is slowed in every other round: 1.95 x where it runs undisturbed, 2.18 x on the whole."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][0]["performance"]["sustained"]["rate"] = "900 images/s"
    claim["comparisons"][0]["throughput_gain"] = "2.16 x"
    evidence["sustain"]["host"] = [sample | {"foreign": 0.4} for sample in evidence["sustain"]["host"]]
    slow, fast = (zoo.run_of(evidence, name) for name in ("fp32", "int8"))
    for index, (a, b) in enumerate(zip(slow["blocks"], fast["blocks"], strict=True)):
        a |= {"seconds": 10.0, "items": 8000 if index % 2 else 10000}
        b |= {"seconds": 10.0, "items": 19500}
    assert zoo.verdicts(claim, evidence)["speedup/int8/fp32"].reason == "host_disturbed"


def test_a_gain_that_is_reached_where_the_reference_ran_fastest_holds_on_a_disturbed_host():
    evidence = zoo.evidence_data()
    evidence["sustain"]["host"] = [sample | {"foreign": 0.4} for sample in evidence["sustain"]["host"]]
    assert zoo.verdicts(zoo.claim_data(), evidence)["speedup/int8/fp32"].verdict is Verdict.REPRODUCED


def test_an_absurd_speed_probe_does_not_shield_a_rate_while_another_regime_holds():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["hardware"]["speed_probe"] = "99999 GFLOP/s"
    claim["regimes"][1]["performance"]["sustained"]["rate"] = "2925 images/s"
    assert zoo.verdicts(claim, evidence)["throughput/int8"].verdict is Verdict.REFUTED


def test_a_head_that_answers_without_the_model_proves_nothing():
    evidence = zoo.evidence_data()
    for scores in evidence["scores"]:
        scores["head_blind"] = 0.97
    found = zoo.verdicts(zoo.claim_data(), evidence)
    for clause in ("accuracy/int8/top1", "reference_accuracy/fp32/top1", "criterion/int8"):
        assert found[clause].reason == "evidence_too_weak"


def test_a_head_that_answers_without_the_model_does_not_shield_a_claim_that_falls_short_all_the_same():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][1]["accuracy"][0]["value"] = 0.99
    for scores in evidence["scores"]:
        scores["head_blind"] = 1.0
    assert zoo.verdicts(claim, evidence)["accuracy/int8/top1"].verdict is Verdict.REFUTED


def test_a_head_that_reads_the_model_is_no_obstacle():
    evidence = zoo.evidence_data()
    for scores in evidence["scores"]:
        scores["head_blind"] = 0.12
    assert zoo.verdicts(zoo.claim_data(), evidence)["accuracy/int8/top1"].verdict is Verdict.REPRODUCED


def test_a_regime_whose_digest_is_not_that_of_the_listed_file_contradicts_itself():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][0]["artifact"]["sha256"] = zoo.OTHER
    found = zoo.verdicts(claim, evidence)["artifact/fp32"]
    assert (found.verdict, found.reason) == (Verdict.REFUTED, "self_contradictory")


def test_timed_outputs_that_were_never_scored_are_not_called_equal():
    evidence = zoo.evidence_data()
    for run in evidence["sustain"]["runs"]:
        run |= {"timed_items": 0, "timed_scores": {}, "timed_disagreements": 0}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["timed_outputs/int8"].verdict is Verdict.INCONCLUSIVE


def test_memory_that_holds_our_own_inputs_refutes_nothing():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["regimes"][1]["peak_memory"] = "1 MiB"
    zoo.run_of(evidence, "int8")["memory_separated"] = False
    assert zoo.verdicts(claim, evidence)["memory/int8/peak"].reason == "evidence_too_weak"


@pytest.mark.parametrize("items", [10, 60])
def test_a_few_items_never_decide_a_ranking_metric(items: int):
    scores = [float(i) for i in range(items)]
    found = paired_bca("spearman", scores, scores, scores)
    assert found is not None
    assert found.low <= -3.0 / items + 1e-12
