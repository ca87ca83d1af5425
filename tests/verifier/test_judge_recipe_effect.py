"""The recipe's effect: samples that a tool leaves out are said, and neither confirm nor refute the claim."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from verifier.verdict import Reason, Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

ACCOUNT = {
    "declared": 128,
    "read": 128,
    "read_sha256": "c" * 64,
    "entered": 128,
    "entered_sha256": "d" * 64,
    "path": "one_shot",
    "reason": "",
    "one_shot_bytes": None,
}


def effect(**changes):
    evidence = zoo.evidence_data()
    evidence["quantizations"][0] |= changes
    return zoo.verdicts(zoo.claim_data(), evidence)["recipe_effect/int8"]


def test_evidence_from_before_the_ledger_is_judged_as_before():
    found = effect()
    assert (found.verdict, found.reason) == (Verdict.REPRODUCED, Reason.AS_DECLARED.code)
    old = {"option": "calibration.method.bins", "declared": "2048", "compared_with": "128"}
    assert effect(inert=[old]).notes == ("inert: calibration.method.bins = 2048 gives the same artifact as 128",)


def test_samples_that_the_tool_leaves_out_are_not_confirmed_and_not_held_against_the_claimant():
    dropped = ACCOUNT | {"entered": 16, "entered_sha256": "e" * 64}
    found = effect(calibration_samples=16, calibration_digest="e" * 64, calibration=dropped)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.SAMPLES_DROPPED.code)
    assert "of 128 declared calibration samples the tool read 128 and let 16 enter" in found.explanation
    assert effect(calibration=ACCOUNT).verdict is Verdict.REPRODUCED


def test_statistics_that_could_not_be_watched_are_said_to_be_so():
    blind = ACCOUNT | {"entered": None, "entered_sha256": None, "reason": "this version is built otherwise"}
    found = effect(calibration_samples=None, calibration_digest=None, calibration=blind)
    assert found.verdict is Verdict.REPRODUCED
    assert any("counted as read, not as used: this version is built otherwise" in note for note in found.notes)


def test_an_inert_option_says_on_how_many_samples_it_was_seen():
    option = {"option": "calibration.method.percentile", "declared": "99.99", "compared_with": "99.999"}
    few = effect(inert=[option | {"samples": 8, "every_sample": False}])
    assert few.notes[0].endswith("(seen on 8 calibration samples only; on all of them it may do something)")
    every = effect(inert=[option | {"samples": 128, "every_sample": True}])
    assert every.notes[0].endswith("(over all 128 calibration samples)")
    assert few.verdict is every.verdict is Verdict.REPRODUCED


def test_settings_that_were_not_tried_are_named():
    found = effect(options_untried=["reduce_range", "preprocess"])
    assert "not tried for an effect, for lack of time: reduce_range, preprocess" in found.notes
    assert not effect().notes
