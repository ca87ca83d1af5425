"""The shipped records of OpenVINO and of a vendor's file: judging their evidence again gives what they say."""

from __future__ import annotations

from pathlib import Path

from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.opening import open_claim
from verifier.verdict import Verdict

RECORDS = Path(__file__).parents[2] / "examples/records"


def verdicts(name):
    folder = RECORDS / name
    evidence = Evidence.model_validate_json((folder / "evidence.json").read_bytes())
    return {v.id: v for v in judge(open_claim(folder / "claim.yaml").claim, evidence)}, evidence


def test_the_claim_over_openvino_holds_but_for_the_rates_of_a_busy_host():
    found, evidence = verdicts("mobilenetv2-mnist-openvino")
    assert {v.verdict for v in found.values()} == {Verdict.REPRODUCED, Verdict.INCONCLUSIVE}
    for clause in ("artifact/int8", "precision_executed/fp32", "precision_executed/int8", "accuracy/int8/top1"):
        assert found[clause].verdict is Verdict.REPRODUCED
    built = {e.tool: e.origin for e in evidence.environments}
    assert built == {"openvino": "built", "nncf": "built"}


def test_the_vendors_file_holds_int8_weights_and_executes_none_of_them_as_integers():
    found, evidence = verdicts("minilm-vendor-int8")
    assert Verdict.REFUTED not in {v.verdict for v in found.values()}
    assert found["precision_artifact/int8"].verdict is Verdict.REPRODUCED
    executed = next(x for x in evidence.ledgers if (x.regime, x.ledger) == ("int8", "executed"))
    assert {group.compute for group in executed.operators} == {"fp32"}
    assert found["recipe_effect/int8"].verdict is Verdict.NOT_TESTABLE


def test_a_reference_without_a_hint_is_refuted_for_running_in_bf16():
    found, _ = verdicts("mobilenetv2-mnist-openvino-no-hint")
    refuted = {clause for clause, v in found.items() if v.verdict is Verdict.REFUTED}
    assert "precision_executed/fp32" in refuted
    assert found["precision_executed/int8"].verdict is Verdict.REPRODUCED
