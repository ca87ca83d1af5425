"""The claim on other runtimes: what is carried over, what is refused, and that none of it is held against the claim."""

from __future__ import annotations

import io
from importlib import metadata
from pathlib import Path

import pytest

from lynxspec.claim import present
from lynxspec.errors import UsageError
from verifier.audit import record as records
from verifier.audit.elsewhere import elsewhere
from verifier.commands.also import show
from verifier.evidence.also import OtherRegime, OtherRuntime
from verifier.judge import judge
from verifier.opening import open_claim
from verifier.recording import RunFolder
from verifier.reproduction.also import carried_over, target_of
from verifier.runtimes import find

CLAIM = Path(__file__).parents[2] / "examples/mobilenetv2-mnist/int8.claim.yaml"
RECORD = Path(__file__).parents[2] / "examples/records/minilm-reviews-int8"


def regime(name, **changes):
    plain = {
        "regime": name,
        "file": "same_file",
        "sha256": "0" * 64,
        "status": "ok",
        "message": "",
        "metrics": {"accuracy": 0.75},
        "samples": 2000,
        "rate": 100.0,
        "rate_low": 95.0,
        "rate_high": 105.0,
        "window_s": 30.0,
        "executed": {"fp32": 1.0},
        "criterion": None,
        "criterion_words": "",
    }
    return OtherRegime(**plain | changes)


def runtime(name, *regimes):
    return OtherRuntime(
        runtime=name,
        version="1.0",
        provider="CPU",
        quantizers=(),
        lock_sha256=None,
        regimes=regimes,
        evidence_sha256=None,
    )


def test_a_target_has_the_version_and_provider_that_are_known_or_those_that_are_asked_for():
    assert target_of("openvino==2026.4.1@CPU").version == "2026.4.1"
    assert target_of("openvino").provider == "CPU"
    assert target_of("onnxruntime").version == find_version("onnxruntime")
    assert target_of("ort").runtime == "onnxruntime"


def find_version(name):
    return metadata.version(name)


@pytest.mark.parametrize("text", ["", "nonsense", "nonsense==1@CPU"])
def test_a_runtime_that_there_is_none_of_is_a_mistake_of_the_reader(text):
    with pytest.raises(UsageError, match="no runtime of that name"):
        target_of(text)


def test_a_runtime_that_opens_the_claims_files_runs_those_and_quantizes_nothing():
    claim = open_claim(CLAIM).claim
    moved = carried_over(claim, target_of("openvino==2026.4.1"), find("openvino"))

    reference, quantized = moved.regimes
    assert present(quantized.artifact) == present(claim.regimes[1].artifact)
    assert present(quantized.toolchain.quantizer) is None
    assert present(reference.toolchain.runtime).name == "openvino"
    assert present(quantized.toolchain.runtime).options == {"intra_op_threads": 2}


def test_a_runtime_of_another_format_gets_its_own_quantizer_and_no_file_of_the_claims():
    claim = open_claim(CLAIM).claim
    moved = carried_over(claim, target_of("litert==2.3.0"), find("litert"))

    reference, quantized = moved.regimes
    assert present(reference.artifact) is None
    assert present(quantized.artifact) is None
    assert present(quantized.toolchain.quantizer).name == "ai-edge-quantizer"
    assert quantized.calibration == claim.regimes[1].calibration


def test_what_was_observed_elsewhere_changes_no_verdict():
    opened, folder = open_claim(RECORD / "claim.yaml"), RunFolder(RECORD, reading=True)
    evidence = folder.evidence()
    worse = runtime("openvino", regime("fp32", metrics={"accuracy": 0.1}), regime("int8", metrics={"accuracy": 0.1}))

    assert judge(opened.claim, evidence.model_copy(update={"also": (worse,)})) == judge(opened.claim, evidence)


def test_the_table_says_what_was_run_what_it_gave_and_why_there_is_nothing():
    rows = (
        runtime("openvino", regime("int8", executed={"int8": 0.66, "bf16": 0.34}, criterion="reproduced")),
        runtime(
            "pytorch", regime("int8", status="not_testable", message="no file", file="none", metrics={}, rate=None)
        ),
    )
    text = io.StringIO()
    show(rows, text, item="images")

    assert "66 % int8, 34 % bf16" in text.getvalue()
    assert "100 images/s (95 to 105)" in text.getvalue()
    assert "not testable: no file" in text.getvalue()
    assert "distilled" not in text.getvalue()
    show((*rows, runtime("litert")), text, item="images")
    assert "an observed pattern, not a measured rate" in text.getvalue()


def test_a_rate_that_drifts_has_a_range_and_no_point():
    text = io.StringIO()
    show((runtime("litert", regime("int8", rate=None)),), text, item="images")

    assert "95 to 105 images/s, drifting" in text.getvalue()


def test_records_show_the_runtimes_in_a_table_and_a_picture_and_nothing_where_none_was_asked_for():
    record = records.from_jcs((RECORD / "record.json").read_bytes())
    assert elsewhere(record).rows == ()
    assert elsewhere(record).picture is None

    both = (regime("fp32"), regime("int8", rate=210.0, rate_low=200.0, rate_high=220.0, criterion="reproduced"))
    found = runtime("openvino", *both), runtime("litert", regime("fp32"), regime("int8", rate=90.0))
    shown = elsewhere(record.model_copy(update={"evidence": record.evidence.model_copy(update={"also": found})}))

    assert [row.rate for row in shown.rows][1] == "210 sequences/s (200 to 220) over 30 s"
    assert shown.picture.count("<circle") == 2
    assert "1  openvino 1.0" in shown.picture
