"""The executed ledger of a shipped model: each layer of the file is found again in what ran, and the time adds up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lynxspec.claim import present
from verifier.evidence import PrecisionLedger
from verifier.inspection.whole import inspect
from verifier.judge.layers import layer_rows
from verifier.opening import open_claim
from verifier.reproduction.inspection import repeat_report, signal_report
from verifier.reproduction.job import Job
from verifier.reproduction.materialize import materialize
from verifier.reproduction.subjects import all_subjects
from verifier.runtimes.onnxruntime import _kernel_times, executed
from verifier.store import RunStore

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = EXAMPLES / "mobilenetv2-mnist/int8.int8.onnx"


def ledger(kind: str, answer: dict) -> PrecisionLedger:
    plain = {key: answer[key] for key in PrecisionLedger.model_fields if key in answer}
    common = {"regime": "int8", "ledger": kind, "sha256": "0" * 64, "status": "ok", "message": ""}
    return PrecisionLedger.model_validate(common | {"provider": None} | plain, strict=False)


@pytest.fixture(scope="module")
def both() -> tuple[PrecisionLedger, PrecisionLedger]:
    images = np.random.default_rng(1).random((2, 1, 28, 28)).astype(np.float32)
    ran = executed(str(MODEL), "CPUExecutionProvider", {"intra_op_threads": 1}, {"image": images})
    return ledger("supplied_artifact", inspect(str(MODEL))), ledger("executed", ran)


def test_each_layer_of_the_file_is_found_in_what_ran(both) -> None:
    rows = layer_rows(*both)
    assert len(rows) == 53
    assert all(row.executed == row.artifact and row.time_share is not None for row in rows)
    # the three exceptions that the recipe declares
    assert [row.node for row in rows if row.executed == "fp32"] == [
        "features.0.0.output",
        "features.1.conv.0.0.output",
        "features.1.conv.1.output",
    ]


def test_the_time_of_products_and_of_the_rest_is_all_the_time(both) -> None:
    _, ran = both
    products = sum(layer.time_share for layer in ran.layers)
    assert products == pytest.approx(sum(group.time_share for group in ran.operators))
    assert products + sum(row.time_share for row in ran.time) == pytest.approx(1.0, abs=1e-9)
    assert {row.op_type for row in ran.time} >= {"QuantizeLinear", "Resize"}


def profile(times: dict[str, list[int]]) -> list[dict]:
    """Events as ONNX Runtime's profiler writes them, microseconds per run."""
    return [
        {"cat": "Node", "name": f"{node}_kernel_time", "dur": dur, "args": {"op_name": "Conv", "provider": "CPU"}}
        for node, each in times.items()
        for dur in each
    ]


def test_a_moment_without_the_processor_does_not_count_for_the_layer_that_ran() -> None:
    calm = {"large": [9000, 1000, 1010, 990, 1000, 1000], "small": [200, 10, 10, 10, 11, 10]}
    usual = _kernel_times(profile(calm))
    assert {node: time for node, (time, _) in usual.items()} == {"large": 5 * 1000, "small": 5 * 10}
    stalled = calm | {"small": [200, 10, 10, 4010, 11, 10]}  # a scheduler's usual turn of 4 ms
    assert _kernel_times(profile(stalled)) == usual


@pytest.mark.slow
def test_a_recurrent_model_is_compared_step_by_step_and_repeats(tmp_path) -> None:
    path = EXAMPLES / "g2p-gru/int8.claim.yaml"
    claim = open_claim(path).claim
    store = RunStore(tmp_path / "run")
    job = Job(document=claim, source=path.read_bytes(), sha256="0" * 64, folder=path.parent, store=store)
    _, files = materialize(job)
    regime = job.quantized[0]
    subject = all_subjects(job, files, {})[regime.name][0]

    repeated = repeat_report(job, files, regime, subject)
    assert (repeated.status, repeated.items) == ("ok", 64)
    declared = present(regime.toolchain.runtime).options["intra_op_threads"]
    assert [r.threads for r in repeated.repetitions] == [declared, declared, 1 if declared != 1 else 2]
    assert len({r.outputs_sha256 for r in repeated.repetitions}) == 1

    heard = signal_report(job, files, regime, subject, None)
    assert (heard.status, heard.evaluation_items, heard.unmatched, heard.left_out) == ("ok", 32, (), 0)
    assert len(heard.layers) == 77  # PROVENANCE.md: 16 letters, 20 phonemes, unrolled
    assert {point.source for point in heard.growth} == {"output_position", "unrolled_step"}
