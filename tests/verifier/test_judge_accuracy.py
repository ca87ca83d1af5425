"""Accuracy and its criterion: values of the whole set, paired items, margins in each unit."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path

import pytest

from verifier.verdict import Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)


def _claimed(value, **changes):
    claim = zoo.claim_data()
    claim["regimes"][1]["accuracy"][0]["value"] = value
    claim["evaluation"]["metrics"][0] |= changes
    return claim


def _accuracy(claim, evidence=None):
    return zoo.verdicts(claim, evidence or zoo.evidence_data())["accuracy/int8/top1"]


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        (0.9700, "within_tolerance"),
        (0.9710, "within_tolerance"),  # a tenth of a point is the claim's own tolerance
        (0.9651, "better_than_claimed"),
        (0.9750, "below_claim"),
        (0.98, "below_claim"),  # 0.975 at the least, minus the tolerance
    ],
)
def test_a_claimed_accuracy_is_a_lower_bound(claimed, reason):
    assert _accuracy(_claimed(claimed)).reason == reason


def test_a_number_with_too_few_digits_is_not_refuted_for_its_rounding():
    evidence = zoo.evidence_data()
    evidence["scores"][1]["metrics"]["top1"] = 0.9665
    assert _accuracy(_claimed(0.97), evidence).reason == "evidence_too_weak"


def test_where_lower_is_better_a_higher_value_is_worse():
    evidence = zoo.evidence_data()
    evidence["scores"][1]["metrics"]["top1"] = 0.0500
    assert _accuracy(_claimed(0.0301, better="lower", kind="other"), evidence).reason == "below_claim"
    assert _accuracy(_claimed(0.0801, better="lower", kind="other"), evidence).reason == "better_than_claimed"


def test_a_part_of_the_set_neither_refutes_nor_confirms():
    evidence = zoo.evidence_data()
    evidence["scores"][1]["samples"] = 500
    assert _accuracy(_claimed(0.99), evidence).reason == "too_few_items"
    assert _accuracy(_claimed(0.97), evidence).reason == "too_few_items"


def test_data_of_another_digest_neither_refutes_nor_confirms():
    evidence = zoo.evidence_data()
    evidence["materials"][3] |= {"supplied_by": "mirror", "sha256": zoo.OTHER, "status": "mismatch"}
    assert _accuracy(_claimed(0.99), evidence).verdict is Verdict.INCONCLUSIVE
    assert _accuracy(_claimed(0.97), evidence).verdict is Verdict.INCONCLUSIVE


def test_an_evaluation_of_another_file_refutes_nothing():
    evidence = zoo.evidence_data()
    evidence["scores"][1]["sha256"] = zoo.OTHER
    assert _accuracy(_claimed(0.99), evidence).reason == "platform_may_differ"


def test_an_overstated_reference_is_refuted_as_well():
    claim = zoo.claim_data()
    claim["regimes"][0]["accuracy"][0]["value"] = 0.9845
    assert zoo.verdicts(claim, zoo.evidence_data())["reference_accuracy/fp32/top1"].reason == "differs_from_claim"


@pytest.mark.parametrize(
    ("margin", "reason"),
    [
        ("1 points", "criterion_met"),
        ("1 %", "criterion_met"),
        ("0.01 absolute", "criterion_met"),
        ("0.5 points", "too_few_items"),  # Tango's lower bound of 15 lost and 10 gained of 2000 is -0.0069
        ("0.005 absolute", "too_few_items"),
    ],
)
def test_a_margin_is_read_in_its_own_unit(margin, reason):
    claim = zoo.claim_data()
    claim["evaluation"]["criterion"]["margin"] = margin
    assert zoo.verdicts(claim, zoo.evidence_data())["criterion/int8"].reason == reason


def test_too_few_items_say_how_many_it_would_take():
    claim = zoo.claim_data()
    claim["evaluation"]["criterion"]["margin"] = "0.5 points"
    found = zoo.verdicts(claim, zoo.evidence_data())["criterion/int8"]
    # (1.645 + 0.842)^2 * 0.0125 / (0.005 - 0.0025)^2
    assert "12366 items" in found.explanation


def test_a_loss_beyond_the_margin_is_said_to_need_no_more_items():
    claim = zoo.claim_data()
    claim["evaluation"]["criterion"]["margin"] = "0.2 points"
    assert "No number of items" in zoo.verdicts(claim, zoo.evidence_data())["criterion/int8"].explanation


def test_a_criterion_not_met_on_another_platform_proves_nothing():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    scores = evidence["scores"][1]
    scores["outcomes"]["top1"] = [0.0] * 145 + [1.0] * 1800 + [0.0] * 55
    scores["metrics"]["top1"] = 0.9
    assert zoo.verdicts(claim, evidence)["criterion/int8"].reason == "criterion_not_met"
    evidence["host"]["isa"] = ["avx2"]
    assert zoo.verdicts(claim, evidence)["criterion/int8"].reason == "platform_may_differ"


def _ranked(noise):
    """A rank metric: truth 0, 1, ..., 299; the reference orders it perfectly, the other errs by ``noise`` places."""
    claim, evidence = _claimed(1.0, kind="spearman"), zoo.evidence_data()
    claim["evaluation"]["samples"] = 300
    truth = [float(i) for i in range(300)]
    worse = [t + (noise if i % 2 else -noise) for i, t in enumerate(truth)]
    values = {}
    for scores, row in zip(evidence["scores"], (truth, worse), strict=True):
        order = sorted(range(300), key=row.__getitem__)
        rank = {item: r for r, item in enumerate(order)}
        squares = sum((rank[i] - i) ** 2 for i in range(300))
        values[scores["regime"]] = 1.0 - 6.0 * squares / (300 * (300**2 - 1))  # no ties
        scores |= {"samples": 300, "outcomes": {"top1": row}, "labels": {"top1": truth}}
        scores["metrics"] = {"top1": values[scores["regime"]]}
    return zoo.verdicts(claim, evidence)["criterion/int8"]


def test_a_rank_metric_is_judged_by_the_paired_bootstrap():
    assert _ranked(1.3).reason == "criterion_met"
    assert _ranked(60.3).reason == "criterion_not_met"
    assert "bootstrap" in _ranked(1.3).interval.method


def test_outcomes_that_do_not_give_the_metric_again_are_our_failure():
    evidence = zoo.evidence_data()
    evidence["scores"][1]["metrics"]["top1"] = 0.5
    assert zoo.verdicts(zoo.claim_data(), evidence)["criterion/int8"].reason == "tool_failed"


def test_a_failed_evaluation_is_our_failure():
    evidence = zoo.evidence_data()
    evidence["scores"][1] |= {"status": "failed", "message": "out of memory", "metrics": {}, "outcomes": {}}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert {found[name].reason for name in ("accuracy/int8/top1", "criterion/int8")} == {"tool_failed"}


# the number and the model


def _worse_model(lost):
    """Evidence of a quantized model that loses ``lost`` items of 2000 and gains none."""
    evidence = zoo.evidence_data()
    items = [1.0] * 1945 + [0.0] * 55
    items[:lost] = [0.0] * lost
    evidence["scores"][1]["outcomes"]["top1"] = items
    evidence["scores"][1]["metrics"]["top1"] = sum(items) / 2000
    return evidence


def test_a_number_that_is_not_reproduced_leaves_the_model_good_enough():
    found = zoo.verdicts(_claimed(0.9800), zoo.evidence_data())
    assert found["accuracy/int8/top1"].reason == "below_claim"
    assert found["criterion/int8"].reason == "criterion_met"


def test_a_model_that_is_not_good_enough_leaves_its_number_reproduced():
    found = zoo.verdicts(_claimed(0.9225), _worse_model(100))
    assert found["accuracy/int8/top1"].reason == "within_tolerance"
    assert found["criterion/int8"].reason == "criterion_not_met"


def test_the_clauses_say_which_question_they_answer():
    found = zoo.verdicts(zoo.claim_data(), zoo.evidence_data())
    assert "no sampling error" in found["accuracy/int8/top1"].decision_rule
    assert "whatever accuracy the claim states" in found["criterion/int8"].decision_rule


def test_a_criterion_needs_more_evidence_to_accuse_than_to_accept():
    interval = zoo.verdicts(zoo.claim_data(), zoo.evidence_data())["criterion/int8"].interval
    # Tango's bounds for 10 gained and 15 lost of 2000; lower one-sided 95 %, upper one-sided 97.5 %
    assert (interval.low, interval.high) == pytest.approx((-0.0069, 0.0025), abs=1e-4)
    assert interval.coverage == pytest.approx(0.925)


# several regimes


def _with_third_regime():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    third = copy.deepcopy(claim["regimes"][1]) | {"name": "int8-b"}
    claim["regimes"].append(third)
    evidence["scores"].append(copy.deepcopy(evidence["scores"][1]) | {"regime": "int8-b"})
    return claim, evidence


def test_several_regimes_share_the_error_rate():
    # 12 gained and 20 lost of 2000: lower bounds -0.0090 at 5 % and -0.0100 at 2.5 %
    claim, evidence = _with_third_regime()
    claim["evaluation"]["criterion"]["margin"] = "0.93 points"
    items = [0.0] * 20 + [1.0] * 1925 + [1.0] * 12 + [0.0] * 43
    for scores in evidence["scores"][1:]:
        scores["outcomes"]["top1"] = items
        scores["metrics"]["top1"] = sum(items) / 2000
    both = zoo.verdicts(claim, evidence)
    assert {both[f"criterion/{name}"].reason for name in ("int8", "int8-b")} == {"too_few_items"}
    claim["regimes"].pop()
    assert zoo.verdicts(claim, evidence)["criterion/int8"].reason == "criterion_met"


def test_a_clear_regime_leaves_the_whole_rate_to_the_other():
    claim, evidence = _with_third_regime()
    claim["evaluation"]["criterion"]["margin"] = "0.93 points"
    evidence["scores"][1]["outcomes"]["top1"] = evidence["scores"][0]["outcomes"]["top1"]
    evidence["scores"][1]["metrics"]["top1"] = 0.9725
    items = [0.0] * 20 + [1.0] * 1925 + [1.0] * 12 + [0.0] * 43
    evidence["scores"][2]["outcomes"]["top1"] = items
    evidence["scores"][2]["metrics"]["top1"] = sum(items) / 2000
    found = zoo.verdicts(claim, evidence)
    assert {found[f"criterion/{name}"].reason for name in ("int8", "int8-b")} == {"criterion_met"}


# items that belong together


def _in_documents(size):
    evidence = zoo.evidence_data()
    for scores in evidence["scores"]:
        scores["clusters"] = [i // size for i in range(2000)]
    return evidence


def test_items_of_one_document_count_for_less():
    assert zoo.verdicts(zoo.claim_data(), _in_documents(1))["criterion/int8"].reason == "criterion_met"
    found = zoo.verdicts(zoo.claim_data(), _in_documents(10))["criterion/int8"]
    assert found.reason == "too_few_items"
    assert "200 documents kept together" in found.interval.method


def test_a_few_documents_decide_nothing():
    found = zoo.verdicts(zoo.claim_data(), _in_documents(100))["criterion/int8"]
    assert found.reason == "too_few_items"
    assert "20 documents only" in found.explanation


def test_items_that_were_grouped_differently_are_our_failure():
    evidence = _in_documents(4)
    evidence["scores"][0]["clusters"] = []
    assert zoo.verdicts(zoo.claim_data(), evidence)["criterion/int8"].reason == "tool_failed"


# a part of the set


def _part(items, *, seed=5):
    evidence = zoo.evidence_data()
    for scores in evidence["scores"]:
        keep = scores["outcomes"]["top1"][-items:]
        scores |= {"samples": items, "order_seed": seed, "outcomes": {"top1": keep}}
        scores["metrics"] = {"top1": sum(keep) / items}
    return evidence


def test_a_random_part_has_a_sampling_error():
    found = zoo.verdicts(zoo.claim_data(), _part(1000))["accuracy/int8/top1"]
    assert found.reason == "too_few_items"
    assert found.interval.low < 0.955 < found.interval.high
    assert zoo.verdicts(zoo.claim_data(), zoo.evidence_data())["accuracy/int8/top1"].interval is None


def test_a_random_part_refutes_what_lies_beyond_its_bounds():
    evidence = _part(1000)
    items = [1.0] * 500 + [0.0] * 500
    evidence["scores"][1] |= {"outcomes": {"top1": items}, "metrics": {"top1": 0.5}}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["accuracy/int8/top1"].reason == "below_claim"
    assert found["criterion/int8"].reason == "criterion_not_met"
    assert "every look" in found["criterion/int8"].interval.method


def test_a_part_in_the_files_order_decides_no_criterion():
    evidence = _part(1000, seed=None)
    evidence["scores"][1] |= {"outcomes": {"top1": [0.0] * 1000}, "metrics": {"top1": 0.0}}
    found = zoo.verdicts(zoo.claim_data(), evidence)
    assert found["criterion/int8"].reason == "too_few_items"
    assert found["accuracy/int8/top1"].reason == "too_few_items"


# nothing to lose


def test_two_models_that_get_nothing_right_meet_no_criterion():
    evidence = zoo.evidence_data()
    for scores in evidence["scores"]:
        scores |= {"outcomes": {"top1": [0.0] * 2000}, "metrics": {"top1": 0.0}}
    found = zoo.verdicts(zoo.claim_data(), evidence)["criterion/int8"]
    assert found.reason == "evidence_too_weak"
    assert "no loss could show" in found.explanation


def test_two_models_that_never_differ_meet_it_with_299_items_and_not_with_298():
    for items, reason in ((298, "too_few_items"), (299, "criterion_met")):
        claim, evidence = zoo.claim_data(), zoo.evidence_data()
        claim["evaluation"]["samples"] = items
        for scores in evidence["scores"]:
            scores |= {"samples": items, "outcomes": {"top1": [1.0] * items}, "metrics": {"top1": 1.0}}
        assert zoo.verdicts(claim, evidence)["criterion/int8"].reason == reason


# the timed run


def _probe(batch, *, value=None, lost=0, items=2000, **changes):
    return {
        "batch": batch,
        "items": items,
        "seed": None if value is not None else 7,
        "status": "ok",
        "message": "",
        "disagreements": lost,
        "gained": {"top1": 0},
        "lost": {"top1": lost},
        "metrics": {} if value is None else {"top1": value},
        "outcomes": {} if value is None else {"top1": [1.0] * 2000},
    } | changes


def _timed(*, gained=0, lost=0, items=512, probes=(), dynamic=False, evaluated_by=16):
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["evaluation"]["batch_size"] = evaluated_by
    if dynamic:
        claim["regimes"][1]["precision"]["activations"]["timing"] = "dynamic"
    run = zoo.run_of(evidence, "int8")
    run |= {"timed_items": items, "timed_disagreements": gained + lost}
    run["timed_scores"] = {"top1": 0.97 + (gained - lost) / items}
    run["timed_pairs"] = [{"metric": "top1", "items": items, "gained": gained, "lost": lost}]
    evidence["scores"][1]["batches"] = list(probes)
    return zoo.verdicts(claim, evidence)["timed_outputs/int8"]


def test_timed_outputs_that_lose_far_more_than_they_gain_are_another_model():
    assert _timed().reason == "as_declared"
    assert _timed(gained=2, lost=60).reason == "below_claim"
    assert _timed(gained=20, lost=22).reason == "not_deterministic"
    assert any("exact McNemar test" in note for note in _timed(gained=2, lost=60).notes)


def test_a_timed_sample_of_hard_items_accuses_nobody():
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    run = zoo.run_of(evidence, "int8")
    pairs = [{"metric": "top1", "items": 512, "gained": 0, "lost": 1}]
    run |= {"timed_items": 512, "timed_disagreements": 1, "timed_scores": {"top1": 0.5}, "timed_pairs": pairs}
    assert zoo.verdicts(claim, evidence)["timed_outputs/int8"].reason == "not_deterministic"
    pairs[0] |= {"gained": 130, "lost": 130}  # unsteady, and not worse
    run |= {"timed_disagreements": 260}
    assert zoo.verdicts(claim, evidence)["timed_outputs/int8"].reason == "not_deterministic"
    run |= {"timed_pairs": [], "timed_disagreements": 1}  # as in older evidence
    assert zoo.verdicts(claim, evidence)["timed_outputs/int8"].reason == "not_deterministic"


def test_fast_in_one_batch_and_accurate_in_another_is_two_models():
    probes = [_probe(16, value=0.60, lost=740)]
    found = _timed(probes=probes, evaluated_by=1)
    assert found.reason == "below_claim"
    assert "In calls of 16 items, as timed" in found.explanation
    assert _timed(probes=[_probe(16, value=0.9695, lost=1)], evaluated_by=1).reason == "as_declared"


def test_scales_computed_at_run_time_may_depend_on_the_batch():
    found = _timed(probes=[_probe(16, value=0.60, lost=740)], evaluated_by=1, dynamic=True)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert any("scales computed at run time" in note for note in found.notes)


def test_another_batch_than_that_of_the_claim_is_a_finding_and_no_accusation():
    found = _timed(probes=[_probe(1, lost=90, items=128)])
    assert found.reason == "as_declared"
    assert any("90 of 128 outcomes differ with 1 items per call" in note for note in found.notes)
    failed = _probe(1, items=0, status="failed", message="the model takes 16 items")
    assert any("not run with 1 items per call: the model takes 16" in note for note in _timed(probes=[failed]).notes)
