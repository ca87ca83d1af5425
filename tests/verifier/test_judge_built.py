"""What the judge makes of engines that were built and not executed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from verifier.verdict import Verdict

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

DEVICE = "8.9"


def build(target: str = DEVICE, status: str = "built", by: str = "builder", message: str = "") -> dict:
    return {
        "target": target,
        "status": status,
        "by": by,
        "bytes": 7_853_764 if status == "built" else None,
        "message": message,
    }


def typed(int8: int = 52, fp32: int = 0) -> list[dict]:
    groups = [("int8", int8), ("fp32", fp32)]
    return [
        {
            "op_type": "Convolution",
            "compute": fmt,
            "count": count,
            "time_share": None,
            "examples": [f"{fmt}.{i}" for i in range(count)],
        }
        for fmt, count in groups
        if count
    ]


def judged(operators: list[dict], builds: list[dict], change=None) -> object:
    evidence, claim = zoo.evidence_data(), zoo.claim_data()
    ledger = {
        "regime": "int8",
        "ledger": "built",
        "sha256": zoo.INT8,
        "status": "ok",
        "message": "",
        "tensors": [],
        "operators": operators,
        "provider": None,
        "builds": builds,
    }
    evidence["ledgers"].append(ledger)
    if change is not None:
        change(claim, evidence, ledger)
    return zoo.verdicts(claim, evidence)["precision_built/int8"]


def test_an_engine_with_products_as_declared_is_as_declared():
    verdict = judged(typed(), [build()])
    assert verdict.verdict is Verdict.REPRODUCED
    assert "8.9" in verdict.explanation


def test_products_that_the_builder_types_in_float_are_refuted():
    verdict = judged(typed(int8=40, fp32=12), [build()])
    assert (verdict.verdict, verdict.reason) == (Verdict.REFUTED, "other_precision_built")
    assert "12 of 12 fp32 products" in verdict.explanation


def test_one_product_in_fifty_is_within_the_tolerance():
    assert judged(typed(int8=51, fp32=1), [build()]).verdict is Verdict.REPRODUCED


def test_float_products_that_are_so_in_the_file_are_left_to_its_own_clause():
    def in_the_file(_claim, evidence, _ledger):
        for ledger in evidence["ledgers"]:
            if (ledger["regime"], ledger["ledger"]) == ("int8", "supplied_artifact"):
                ledger["operators"] = typed(int8=40, fp32=12)
                ledger["tensors"].append(dict(ledger["tensors"][0], format="fp32", granularity="none", tensors=12))

    assert judged(typed(int8=40, fp32=12), [build()], in_the_file).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize("by", ["parser", "builder"])
def test_a_refusal_accuses_nobody_and_keeps_the_tools_words(by):
    refused = build(status="refused", by=by, message="node x has a zero point other than 0")
    verdict = judged(typed() if by == "builder" else [], [refused])
    assert (verdict.verdict, verdict.reason) == (Verdict.INCONCLUSIVE, "engine_refused")
    assert "zero point other than 0" in verdict.explanation


def test_a_device_that_nothing_is_built_for_here_is_not_testable():
    other = build("9.0", "refused", "target", "tensorrt_rtx 1.7.1.116 builds without a device for 7.5, 8.9")
    verdict = judged(typed(), [other, build()])
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_TESTABLE, "no_target")
    assert any("8.9 (7.9 MB)" in note for note in verdict.notes)


def test_a_refusal_for_another_device_is_a_note():
    verdict = judged(typed(), [build(), build("7.5", "refused", message="that compute capability has no fp8_e4m3")])
    assert verdict.verdict is Verdict.REPRODUCED
    assert "none for 7.5: that compute capability has no fp8_e4m3" in verdict.notes


def test_another_version_of_the_builder_decides_nothing():
    def older(_claim, evidence, _ledger):
        evidence["host"]["packages"]["onnxruntime"] = "1.30.0"

    verdict = judged(typed(int8=40, fp32=12), [build()], older)
    assert verdict.verdict is Verdict.NOT_TESTABLE


def test_a_builder_that_broke_is_our_failure():
    def broken(_claim, _evidence, ledger):
        ledger.update(status="failed", message="the worker ended")

    assert judged([], [], broken).reason == "tool_failed"


def test_a_regime_whose_runtime_builds_nothing_has_no_such_clause():
    assert "precision_built/int8" not in zoo.verdicts(zoo.claim_data(), zoo.evidence_data())
