"""A reference that is declared in FP32 and executed in BF16 is found, and one that asks for FP32 is believed."""

from __future__ import annotations

import json
from pathlib import Path

from lynxspec.claim import Claim
from tests.environments import interpreter_of
from tests.verifier.test_openvino_runtime import needs_bf16
from verifier.authoring import hardware_of
from verifier.environments.prepare import Wishes, prepare
from verifier.evidence import EVIDENCE, Evidence
from verifier.host import describe
from verifier.judge import judge
from verifier.opening import open_claim
from verifier.reproduction.inspection import artifact_ledger, executed_ledger
from verifier.reproduction.job import Job
from verifier.reproduction.materialize import materialize
from verifier.reproduction.subjects import all_subjects
from verifier.store import RunStore
from verifier.verdict import ClauseKind, ClauseVerdict, Verdict

EXAMPLE = Path(__file__).parents[2] / "examples/mobilenetv2-mnist"


def precision_executed(options: dict[str, object], folder: Path) -> ClauseVerdict:
    """The clause for the reference of a shipped claim, moved to OpenVINO and to this machine."""
    python = interpreter_of("openvino")
    opened = open_claim(EXAMPLE / "int8.claim.yaml")
    data = opened.claim.model_dump(mode="json")
    host = describe()
    data["hardware"] = hardware_of(host, (), "not asked")
    runtime = {"name": "openvino", "version": "2026.4.1", "provider": "CPU", "options": options}
    data["regimes"][0]["toolchain"]["runtime"] = runtime
    claim = Claim.model_validate_json(json.dumps(data))
    environments = prepare(claim, Wishes(given={"openvino": python}, offline=True))
    store = RunStore(folder)
    job = Job(document=claim, source=b"", sha256="0" * 64, folder=EXAMPLE, store=store, environments=environments)
    seen, files = materialize(job)
    subject = all_subjects(job, files, {})["fp32"][0]
    ledgers = (artifact_ledger(job, claim.regimes[0], subject), executed_ledger(job, files, claim.regimes[0], subject))
    evidence = Evidence(
        format=EVIDENCE,
        claim_sha256="0" * 64,
        host=host,
        materials=seen,
        quantizations=(),
        ledgers=ledgers,
        weight_errors=(),
        comparisons=(),
        scores=(),
        sustain=None,
        failures=(),
        environments=environments.reports,
    )
    found = (v for v in judge(claim, evidence) if v.kind is ClauseKind.PRECISION_EXECUTED and v.regime == "fp32")
    return next(found)


@needs_bf16
def test_a_reference_in_fp32_that_states_no_hint_is_refuted_where_it_runs_in_bf16(tmp_path):
    verdict = precision_executed({"intra_op_threads": 1}, tmp_path)
    assert (verdict.verdict, verdict.reason) == (Verdict.REFUTED, "other_precision_executed")
    assert "52 of 52 convolutions run in bf16" in " ".join(verdict.notes)
    assert "no inference precision is stated: on this device OpenVINO's default is bf16" in verdict.notes


def test_a_reference_in_fp32_that_asks_for_it_is_reproduced(tmp_path):
    verdict = precision_executed({"intra_op_threads": 1, "inference_precision": "f32"}, tmp_path)
    assert (verdict.verdict, verdict.reason) == (Verdict.REPRODUCED, "as_declared")
