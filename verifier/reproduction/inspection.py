"""Stage 3: precision in the files and as executed, how far numbers moved, what repeats, how two artifacts differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from lynxspec.claim import Claim, Frozen, RegimeRecipe, present
from lynxspec.claim.calibration import Calibration
from verifier.environments.prepare import plugin_file
from verifier.errors import NotBuilt, ToolFailed, VerifierError
from verifier.evidence import ArtifactComparison, PrecisionLedger, WeightError
from verifier.evidence.inspection import RepeatReport, Repetition, SignalReport
from verifier.process import Worker
from verifier.reproduction.evaluate import digest_of_outputs, open_command, prediction_command
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.runtimes import find_runtime

INSPECTION_TIMEOUT_S = 900
PROGRAM = ".pt2"
"""Suffix of the other files whose weights are taken apart here: exported programs of PyTorch."""
SIGNAL_ITEMS = 32
"""Items of each set that the two models are compared on."""
SIGNAL_SECONDS = 300
"""No layers are begun after this."""
REPEATED = 64
"""Items that are run again in one process and with another number of threads."""

M = TypeVar("M", bound=Frozen)


def artifact_ledger(job: Job, regime: RegimeRecipe, subject: Subject) -> PrecisionLedger:
    """Number format of every tensor class in the file; a runtime reads files of its own format itself."""
    command = {"do": "inspect", "model": str(subject.path)}
    runtime = present(regime.toolchain.runtime)
    plugin = find_runtime(runtime.name) if runtime else None
    if runtime is None or plugin is None or plugin.inspect is None:
        return _ledger(job, None, subject, subject.origin, command)
    command["runtime"] = plugin_file("runtime", runtime.name)
    return _ledger(job, regime, subject, subject.origin, command)


def require_onnx(*subjects: Subject, also: tuple[str, ...] = ()) -> None:
    """Raise `NotBuilt` for files whose weights only their own runtime could take apart."""
    other = next((s.path.suffix for s in subjects if s.path.suffix not in ("", ".onnx", *also)), None)
    if other is not None:
        raise NotBuilt(f"this is looked at in ONNX files, not in {other} files")


def executed_ledger(job: Job, files: Files, regime: RegimeRecipe, subject: Subject) -> PrecisionLedger:
    """What the runtime makes of it, with the share of time per format."""
    command = open_command(regime, subject.path) | {
        "do": "executed",
        "data": str(files.need(job.document.load.dataset)),
        "inputs": job.input_names,
        "batch": job.document.load.batch,
    }
    return _ledger(job, regime, subject, "executed", command)


def builds_engines(regime: RegimeRecipe) -> bool:
    """Whether the regime's runtime builds engines, which can be looked at without executing them."""
    runtime = present(regime.toolchain.runtime)
    plugin = find_runtime(runtime.name) if runtime else None
    return plugin is not None and plugin.build is not None


def built_ledger(job: Job, files: Files, regime: RegimeRecipe, subject: Subject) -> PrecisionLedger:
    """What the runtime's parser and builder make of it, for the claim's device first."""
    command = open_command(regime, subject.path) | {
        "do": "build",
        "data": str(files.need(job.document.load.dataset)),
        "inputs": job.input_names,
        "batch": job.document.load.batch,
        "target": _target(job),
    }
    return _ledger(job, regime, subject, "built", command)


def _target(job: Job) -> str:
    """Compute capability that the claim states; a recipe is for whatever machine runs it."""
    claim = job.document
    return (present(claim.hardware.stack.compute_capability) or "") if isinstance(claim, Claim) else ""


def _ledger(
    job: Job,
    regime: RegimeRecipe | None,
    subject: Subject,
    name: Literal["supplied_artifact", "recipe_artifact", "built", "executed"],
    command: dict[str, Any],
) -> PrecisionLedger:
    common = {"regime": subject.regime, "ledger": name, "sha256": subject.sha256}
    try:
        with job.worker(regime=regime) as worker:
            answer = worker.call(command, timeout_s=INSPECTION_TIMEOUT_S)
        plain = {key: answer[key] for key in PrecisionLedger.model_fields if key in answer} | {
            "provider": answer.get("provider")
        }
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
    require_onnx(subject, also=(PROGRAM,))
    reference = _reference(job, files, recipe, suffix=subject.path.suffix)
    with job.worker() as worker:
        answer = worker.call(
            {"do": "weight_error", "reference": str(reference), "quantized": str(subject.path)},
            timeout_s=INSPECTION_TIMEOUT_S,
        )
    return _validated(WeightError, answer | {"regime": subject.regime, "sha256": subject.sha256})


def compare(job: Job, supplied: Subject, recipe: Subject) -> ArtifactComparison:
    """Scales, zero points and weights of two artifacts. Raises `ToolFailed`, or `NotBuilt` for other files."""
    require_onnx(supplied, recipe, also=(PROGRAM,))
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


def _reference(job: Job, files: Files, recipe: str | None, *, suffix: str = ".onnx") -> Path:
    """The reference as the recipe prepared it for quantization; the claim's own where it did not run here."""
    model = job.reference_model((suffix,))
    if model is None:
        raise VerifierError("the claim names no artifact with role reference_model")
    prepared = job.store.files / f"{recipe}.reference.onnx"
    return prepared if recipe and prepared.is_file() else files.need(model.name)


def signal_report(job: Job, files: Files, regime: RegimeRecipe, subject: Subject, recipe: str | None) -> SignalReport:
    """The quantized model beside the reference, layer by layer, on a few items. A tool's failure is in the answer.

    Raises `NotBuilt` for other files than ONNX.
    """
    require_onnx(subject)
    common: dict[str, Any] = {
        "regime": subject.regime,
        "sha256": subject.sha256,
        "family": job.document.model.family.value,
    }
    try:
        command = open_command(regime, subject.path) | {
            "do": "signal",
            "reference": str(_reference(job, files, recipe)),
            "quantized": str(subject.path),
            "inputs": job.input_names,
            "batch": job.document.evaluation.batch_size,
            "items": SIGNAL_ITEMS,
            "seconds": SIGNAL_SECONDS,
            "family": common["family"],
            "evaluation": {
                "data": str(_evaluation_set(job, files)),
                "limit": present(job.document.evaluation.samples),
            },
            "calibration": _calibration_set(files, regime),
        }
        with job.worker(regime=regime) as worker:
            answer = worker.call(command, timeout_s=SIGNAL_SECONDS + INSPECTION_TIMEOUT_S)
        return _validated(SignalReport, answer | common | {"status": "ok", "message": ""})
    except VerifierError as error:
        lists = ("layers", "outputs", "unmatched", "activations", "outliers", "growth")
        nothing: dict[str, Any] = dict.fromkeys(lists, ())
        counts = {"evaluation_items": 0, "calibration_items": 0, "left_out": 0}
        return _validated(SignalReport, common | nothing | counts | {"status": "failed", "message": error.message})


def _evaluation_set(job: Job, files: Files) -> Path:
    dataset = present(job.document.evaluation.dataset)
    if dataset is None:
        raise VerifierError("the claim names no evaluation data set")
    return files.need(dataset)


def _calibration_set(files: Files, regime: RegimeRecipe) -> dict[str, Any] | None:
    """The items that calibration reads, in its order; ``None`` without calibration or without its file."""
    data = present(regime.calibration.data) if isinstance(regime.calibration, Calibration) else None
    if data is None or data.dataset not in files.paths:
        return None
    tool = present(regime.toolchain.quantizer)
    order = tool.options.get("calibration_order", "file") if tool is not None else "file"
    seed = data.seed if isinstance(data.seed, int) else 0
    return {"data": str(files.need(data.dataset)), "limit": data.samples, "order": order, "seed": seed}


def repeat_report(job: Job, files: Files, regime: RegimeRecipe, subject: Subject) -> RepeatReport:
    """Outputs over the first items, twice in one process, and in another one with another number of threads."""
    common = {"regime": subject.regime, "sha256": subject.sha256}
    try:
        opened = open_command(regime, subject.path) | prediction_command(job, files)
        declared = opened["options"].get("intra_op_threads") or None
        other = 2 if declared == 1 else 1
        altered = opened | {"options": opened["options"] | {"intra_op_threads": other}}
        first, items = _passes(job, files, regime, opened, (1, declared), runs=2)
        second, _ = _passes(job, files, regime, altered, (2, other), runs=1)
    except VerifierError as error:
        failure = {"status": "failed", "message": error.message, "items": 0, "repetitions": ()}
        return _validated(RepeatReport, common | failure)
    found = {"status": "ok", "message": "", "items": items, "repetitions": (*first, *second)}
    return _validated(RepeatReport, common | found)


def _passes(
    job: Job,
    files: Files,
    regime: RegimeRecipe,
    opened: dict[str, Any],
    process: tuple[int, int | None],
    *,
    runs: int,
) -> tuple[list[Repetition], int]:
    number, threads = process
    with job.worker(threads=threads, regime=regime) as worker:
        worker.call(opened)
        found = [_digest(job, files, worker) for _ in range(runs)]
    rows = [
        Repetition(process=number, threads=threads, run=run, outputs_sha256=digest)
        for run, (digest, _) in enumerate(found, start=1)
    ]
    return rows, found[0][1]


def _digest(job: Job, files: Files, worker: Worker) -> tuple[str, int]:
    """Digest of the outputs over the first items, and how many these are."""
    out = job.store.temporary(".npz")
    command = {
        "do": "evaluate",
        "data": str(_evaluation_set(job, files)),
        "inputs": job.input_names,
        "batch": job.document.evaluation.batch_size,
        "out": str(out),
        "limit": min(REPEATED, present(job.document.evaluation.samples) or REPEATED),
    }
    try:
        items = int(worker.call(command, timeout_s=INSPECTION_TIMEOUT_S)["samples"])
        with np.load(out, allow_pickle=False) as arrays:
            return digest_of_outputs({name: arrays[name] for name in arrays.files}, items), items
    except (OSError, ValueError) as error:
        raise ToolFailed(f"the outputs cannot be read: {error}") from error
    finally:
        out.unlink(missing_ok=True)


def _validated(kind: type[M], answer: dict[str, Any]) -> M:
    try:
        return kind.model_validate({k: v for k, v in answer.items() if k in kind.model_fields}, strict=False)
    except ValueError as error:
        raise ToolFailed(f"a worker gave an answer of another shape: {error}") from error
