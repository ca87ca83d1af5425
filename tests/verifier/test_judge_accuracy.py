"""Accuracy and its criterion: values of the whole set, paired items, margins in each unit."""

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
