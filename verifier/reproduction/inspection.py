"""Stage 3: precision in the files and as executed, how far weights moved, how two artifacts differ."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from lynxspec.claim import Frozen, RegimeRecipe
from verifier.errors import ToolFailed, VerifierError
from verifier.evidence import ArtifactComparison, PrecisionLedger, WeightError
from verifier.reproduction.evaluate import open_command
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject

INSPECTION_TIMEOUT_S = 900

M = TypeVar("M", bound=Frozen)


def artifact_ledger(job: Job, subject: Subject) -> PrecisionLedger:
    """Number format of every tensor class in the file."""
    command = {"do": "inspect", "model": str(subject.path)}
    return _ledger(job, subject, subject.origin, command)


def executed_ledger(job: Job, files: Files, regime: RegimeRecipe, subject: Subject) -> PrecisionLedger:
    """What the runtime makes of it, with the share of time per format."""
    command = open_command(regime, subject.path) | {
        "do": "executed",
        "data": str(files.need(job.document.load.dataset)),
        "inputs": job.input_names,
        "batch": job.document.load.batch,
    }
    return _ledger(job, subject, "executed", command)


def _ledger(
    job: Job,
    subject: Subject,
    name: Literal["supplied_artifact", "recipe_artifact", "executed"],
    command: dict[str, Any],
) -> PrecisionLedger:
    common = {"regime": subject.regime, "ledger": name, "sha256": subject.sha256}
    try:
        with job.worker() as worker:
            answer = worker.call(command, timeout_s=INSPECTION_TIMEOUT_S)
        plain = {key: answer.get(key) for key in ("tensors", "operators", "provider", "first_layer", "last_layer")}
        return PrecisionLedger.model_validate(common | plain | {"status": "ok", "message": ""}, strict=False)
    except (VerifierError, ValueError) as error:
        message = error.message if isinstance(error, VerifierError) else str(error)
        return PrecisionLedger.model_validate(
            common | {"status": "failed", "message": message, "tensors": (), "operators": (), "provider": None}
        )


def weight_error(job: Job, files: Files, subject: Subject, recipe: str) -> WeightError:
    """Distance of the quantized weights from the reference's, as the recipe prepared it. Raises `ToolFailed`.

    ``recipe`` is the digest of what the recipe gave; a supplied artifact was made from the same prepared reference.
    """
    model = job.artifact("reference_model")
    if model is None:
        raise VerifierError("the claim names no artifact with role reference_model")
    prepared = job.store.files / f"{recipe}.reference.onnx"
    reference = prepared if prepared.is_file() else files.need(model.name)
    with job.worker() as worker:
        answer = worker.call(
            {"do": "weight_error", "reference": str(reference), "quantized": str(subject.path)},
            timeout_s=INSPECTION_TIMEOUT_S,
        )
    return _validated(WeightError, answer | {"regime": subject.regime, "sha256": subject.sha256})


def compare(job: Job, supplied: Subject, recipe: Subject) -> ArtifactComparison:
    """Scales, zero points and weights of two artifacts. Raises `ToolFailed`."""
    with job.worker() as worker:
        answer = worker.call(
            {"do": "compare", "supplied": str(supplied.path), "recipe": str(recipe.path)},
            timeout_s=INSPECTION_TIMEOUT_S,
        )
    extra = {
        "regime": supplied.regime,
        "supplied_sha256": supplied.sha256,
        "recipe_sha256": recipe.sha256,
        "identical": supplied.sha256 == recipe.sha256,
    }
    return _validated(ArtifactComparison, answer | extra)


def _validated(kind: type[M], answer: dict[str, Any]) -> M:
    try:
        return kind.model_validate({k: v for k, v in answer.items() if k in kind.model_fields}, strict=False)
    except ValueError as error:
        raise ToolFailed(f"a worker gave an answer of another shape: {error}") from error
