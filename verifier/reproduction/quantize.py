"""Stage 2: the declared recipe, run twice here; then each option removed in turn, to see whether it does anything."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from lynxspec.claim import Regime, RegimeRecipe, present
from lynxspec.claim.calibration import Calibration
from verifier.artifacts import digest_of
from verifier.errors import MaterialUnavailable, ToolFailed, VerifierError
from verifier.evidence import InertOption, QuantizationRun
from verifier.quantizers import find_quantizer
from verifier.reproduction.job import Files, Job

QUANTIZATION_TIMEOUT_S = 2 * 3600
FEW_SAMPLES = 8
"""Calibration items that the search for inert options runs on."""


def quantize(job: Job, files: Files, regime: RegimeRecipe, *, detect_inert: bool = True) -> QuantizationRun:
    """Run the recipe of ``regime``. A tool's failure is evidence, not an error."""
    began = time.monotonic()
    tool = present(regime.toolchain.quantizer)
    if tool is None:
        return _result(regime, "", "", "not_testable", "the claim names no quantizer")
    plugin = find_quantizer(tool.name)
    if plugin is None:
        return _result(regime, tool.name, "", "not_testable", f"no plug-in for the quantizer {tool.name!r}")
    try:
        command = _job(job, files, regime)
        with job.worker() as worker:
            refusals = worker.call({"do": "check", "tool": tool.name, "job": command})["reasons"]
        if refusals:
            return _result(regime, tool.name, "", "not_testable", "; ".join(refusals))
        first = _once(job, tool.name, command)
        second = _once(job, tool.name, command)
        sha256 = _keep(job, first["path"])
        repeat = digest_of(second["path"])
        inert = _inert(job, tool.name, command) if detect_inert and repeat == sha256 else ()
    except (ToolFailed, MaterialUnavailable) as error:
        status = "failed" if isinstance(error, ToolFailed) else "not_testable"
        return _result(regime, tool.name, "", status, error.message)
    kept = job.store.file(sha256, ".onnx")
    return QuantizationRun(
        regime=regime.name,
        tool=tool.name,
        version=str(first["version"]),
        status="ok",
        message="",
        sha256=sha256,
        bytes=kept.stat().st_size if kept else None,
        repeat_sha256=repeat,
        seconds=round(time.monotonic() - began, 2),
        calibration_samples=first.get("samples"),
        calibration_digest=first.get("digest"),
        inert=inert,
    )


def _result(regime: RegimeRecipe, tool: str, version: str, status: Any, message: str) -> QuantizationRun:  # noqa: ANN401
    return QuantizationRun(
        regime=regime.name,
        tool=tool,
        version=version,
        status=status,
        message=message,
        sha256=None,
        bytes=None,
        repeat_sha256=None,
        seconds=0.0,
        calibration_samples=None,
        calibration_digest=None,
        inert=(),
    )


def _job(job: Job, files: Files, regime: RegimeRecipe) -> dict[str, Any]:
    """The recipe as plain data for the worker; measured values of a claim stay behind."""
    model = job.artifact("reference_model")
    if model is None:
        raise VerifierError("the claim names no artifact with role reference_model")
    measured = set(Regime.model_fields) - set(RegimeRecipe.model_fields)
    plain = regime.model_dump(mode="json", exclude=measured)
    tool = present(regime.toolchain.quantizer)
    command: dict[str, Any] = {
        "model": str(files.need(model.name)),
        "inputs": job.input_names,
        "precision": plain["precision"],
        "mixed_precision": plain["mixed_precision"],
        "quantization": plain["quantization"],
        "calibration": plain["calibration"],
        "options": plain["toolchain"]["quantizer"]["options"] if tool else {},
        "seed": job.document.reproduction.seed,
        "calibration_data": None,
    }
    if isinstance(regime.calibration, Calibration):
        data = present(regime.calibration.data)
        if data is not None:
            command["calibration_data"] = str(files.need(data.dataset))
    return command


def _once(job: Job, tool: str, command: dict[str, Any]) -> dict[str, Any]:
    """One run in a fresh process; each has another hash seed, which shows order that a tool takes from its sets."""
    output = job.store.temporary(".onnx")
    with job.worker() as worker:
        answer = worker.call(
            {"do": "quantize", "tool": tool, "job": command | {"output": str(output)}}, timeout_s=QUANTIZATION_TIMEOUT_S
        )
    return answer | {"path": output}


def _keep(job: Job, path: Path) -> str:
    """Keep the model, and beside it the preprocessed reference that its weights are held against."""
    reference = path.with_name(path.name + ".reference.onnx")
    digest = digest_of(path)
    if reference.is_file():
        shutil.move(reference, job.store.files / f"{digest}.reference.onnx")
    return job.store.keep(path, ".onnx")[1]


def _inert(job: Job, tool: str, command: dict[str, Any]) -> tuple[InertOption, ...]:
    """Options whose removal leaves the artifact as it is, seen on a few calibration items."""
    few = command | {"limit": FEW_SAMPLES}
    with job.worker() as worker:
        variants = worker.call({"do": "variants", "tool": tool, "job": few})["variants"]
    if not variants:
        return ()
    base = digest_of(_once(job, tool, few)["path"])
    found = []
    for option, declared, other, varied in variants:
        try:
            same = digest_of(_once(job, tool, varied | {"limit": FEW_SAMPLES})["path"]) == base
        except ToolFailed:
            continue  # a setting that the tool refuses is not inert
        if same:
            found.append(InertOption(option=option, declared=declared, compared_with=other))
    return tuple(found)
