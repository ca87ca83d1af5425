"""Stage 4: reference and quantized on every item of the declared set, in fresh processes, per-item outcomes kept."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from lynxspec.claim import RegimeRecipe, present
from verifier.errors import ToolFailed, VerifierError
from verifier.evidence import ItemScores
from verifier.metrics import Array, score
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject

EVALUATION_TIMEOUT_S = 4 * 3600
MAX_ARRAYS = 4 * 2**30
"""Largest data set, unpacked."""
PROBED = 512
"""Items on which the outputs are repeated in a fresh process and with one thread."""


def open_command(regime: RegimeRecipe, model: Path, *, one_thread: bool = False) -> dict[str, Any]:
    """The worker's ``open`` for a regime's runtime as declared. Raises `VerifierError` if none is declared."""
    runtime = present(regime.toolchain.runtime)
    if runtime is None:
        raise VerifierError(f"regime {regime.name} names no runtime")
    options = {name: list(v) if isinstance(v, tuple) else v for name, v in runtime.options.items()}
    if one_thread:
        options |= {"intra_op_threads": 1}
    return {
        "do": "open",
        "runtime": runtime.name,
        "model": str(model),
        "provider": runtime.provider,
        "options": options,
    }


def prediction_command(job: Job, files: Files) -> dict[str, Any]:
    """The part of ``open`` that names the outputs that are scored, and the head that gives them, if there is one."""
    command: dict[str, Any] = {"outputs": sorted({metric.output for metric in job.document.evaluation.metrics})}
    return command if job.head is None else command | {"head": {"model": str(files.need(job.head.name))}}


def labels_of(job: Job, files: Files) -> dict[str, Array]:
    """The arrays of the evaluation set that hold the truth."""
    dataset = present(job.document.evaluation.dataset)
    if dataset is None:
        raise VerifierError("the claim names no evaluation data set")
    wanted = {metric.label for metric in job.document.evaluation.metrics}
    if wanted & set(job.input_names):
        raise VerifierError(f"the truth {sorted(wanted & set(job.input_names))} is an input of the model")
    with np.load(files.need(dataset), allow_pickle=False) as data:
        return {name: data[name] for name in data.files if name in wanted}


def check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to more than `MAX_ARRAYS` bytes before anything of it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise VerifierError(f"{path.name} is no archive of arrays: {error}") from error
    if total > MAX_ARRAYS:
        raise VerifierError(f"{path.name} unpacks to {total} bytes; {MAX_ARRAYS} are allowed")


def evaluate(job: Job, files: Files, regime: RegimeRecipe, subject: Subject, *, probe: bool = True) -> ItemScores:
    """Score ``subject`` over the whole set; with ``probe`` also repeat in a fresh process and with one thread."""
    try:
        _check_metrics(job)
        check_archive(files.need(present(job.document.evaluation.dataset) or ""))
        first, blind = _outputs(job, files, regime, subject.path)
        few = min(PROBED, len(next(iter(first.values()))))
        repeat = _outputs(job, files, regime, subject.path, limit=few)[0] if probe else None
        single = _outputs(job, files, regime, subject.path, limit=few, one_thread=True)[0] if probe else None
        labels = labels_of(job, files)
        scored = {m.name: score(m, first, labels) for m in job.document.evaluation.metrics if m.kind != "other"}
    except VerifierError as error:
        return _failed(regime, subject, error.message)
    return ItemScores(
        regime=regime.name,
        subject=subject.origin,
        sha256=subject.sha256,
        status="ok",
        message="",
        samples=len(next(iter(first.values()))),
        metrics={name: s.value for name, s in scored.items()},
        outcomes={name: s.outcomes for name, s in scored.items()},
        labels={name: s.labels for name, s in scored.items() if s.labels},
        probed=few,
        head_blind=blind,
        outputs_sha256=digest_of_outputs(first, few),
        repeat_sha256=digest_of_outputs(repeat, few) if repeat else None,
        one_thread_sha256=digest_of_outputs(single, few) if single else None,
    )


def _check_metrics(job: Job) -> None:
    """Two metrics under one name would be measured by one and printed by the other."""
    names = [metric.name for metric in job.document.evaluation.metrics]
    if not names or len(set(names)) != len(names):
        raise VerifierError("the claim defines no metric, or one name twice")


def digest_of_outputs(outputs: dict[str, Array], items: int) -> str:
    """SHA-256 over names, types, shapes and bytes of the first ``items`` of every output, by name."""
    digest = hashlib.sha256()
    for name in sorted(outputs):
        part = np.ascontiguousarray(outputs[name][:items])
        digest.update(f"{name} {part.dtype.str} {part.shape}\n".encode())
        digest.update(part.tobytes())
    return digest.hexdigest()


def _failed(regime: RegimeRecipe, subject: Subject, message: str) -> ItemScores:
    return ItemScores(
        regime=regime.name,
        subject=subject.origin,
        sha256=subject.sha256,
        status="failed",
        message=message,
        samples=0,
        metrics={},
        outcomes={},
        labels={},
        probed=0,
        outputs_sha256=None,
        repeat_sha256=None,
        one_thread_sha256=None,
    )


def _outputs(
    job: Job, files: Files, regime: RegimeRecipe, model: Path, *, one_thread: bool = False, limit: int | None = None
) -> tuple[dict[str, Array], float | None]:
    """Outputs by name over the set, or its first ``limit`` items, from a fresh worker; and the head's blindness."""
    dataset = present(job.document.evaluation.dataset)
    if dataset is None:
        raise VerifierError("the claim names no evaluation data set")
    out = job.store.temporary(".npz")
    opened = open_command(regime, model, one_thread=one_thread) | prediction_command(job, files)
    with job.worker(threads=1 if one_thread else None) as worker:
        worker.call(opened)
        answer = worker.call(
            {
                "do": "evaluate",
                "data": str(files.need(dataset)),
                "inputs": job.input_names,
                "batch": job.document.evaluation.batch_size,
                "out": str(out),
                "limit": limit or present(job.document.evaluation.samples),
            },
            timeout_s=EVALUATION_TIMEOUT_S,
        )
    try:
        with np.load(out, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}, answer.get("head_blind")
    except (OSError, ValueError) as error:
        raise ToolFailed(f"the outputs of regime {regime.name} cannot be read: {error}") from error
    finally:
        out.unlink(missing_ok=True)
