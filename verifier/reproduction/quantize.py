"""Stage 2: the declared recipe, run twice here; then each option changed in turn, to see whether it does anything."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynxspec.claim import Regime, RegimeRecipe, present
from lynxspec.claim.calibration import Calibration
from verifier.artifacts import digest_of
from verifier.environments.prepare import plugin_file
from verifier.errors import MaterialUnavailable, ToolFailed, VerifierError
from verifier.evidence import QuantizationRun
from verifier.evidence.calibration import CalibrationAccount
from verifier.quantizers import find_quantizer
from verifier.quantizers.quantizer import Quantizer
from verifier.reproduction.inert import SEARCH_RUNS, SEARCH_S, Command, Effects, Made, find_inert
from verifier.reproduction.job import Files, Job

QUANTIZATION_TIMEOUT_S = 2 * 3600
LEAST_TIMEOUT_S = 60.0
"""Time that each run of the search for inert options has at least; else three times that of the first run."""


def quantize(job: Job, files: Files, regime: RegimeRecipe, *, detect_inert: bool = True) -> QuantizationRun:
    """Run the recipe of ``regime``. A tool's failure is evidence, not an error."""
    began = time.monotonic()
    tool = present(regime.toolchain.quantizer)
    if tool is None:
        return _result(regime, "", "", "not_testable", "the claim names no quantizer")
    plugin = find_quantizer(tool.name)
    if plugin is None:
        return _result(regime, tool.name, "", "not_testable", f"no plug-in for the quantizer {tool.name!r}")
    why = job.can_run(regime, "quantizer")
    if why is not None:
        return _result(regime, tool.name, "", "not_testable", why)
    run = _Run(job=job, regime=regime, tool=plugin_file("quantizer", tool.name), suffix=plugin.writes)
    try:
        command = _job(job, files, regime, plugin)
        refusals = run.ask("check", command)["reasons"]
        if refusals:
            return _result(regime, tool.name, "", "not_testable", "; ".join(refusals))
        started = time.monotonic()
        first = run.once(command)
        once_s = time.monotonic() - started
        second = run.once(command, part=1)
        sha256 = run.keep(first["path"])
        repeat = digest_of(second["path"])
        whole = Made(sha256=sha256, samples=first.get("read"))
        effects = run.search(command, whole, once_s) if detect_inert and repeat == sha256 else Effects()
    except (ToolFailed, MaterialUnavailable) as error:
        status = "failed" if isinstance(error, ToolFailed) else "not_testable"
        return _result(regime, tool.name, "", status, error.message)
    kept = job.store.file(sha256, plugin.writes)
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
        inert=effects.inert,
        calibration=_account(command, first),
        options_tried=effects.tried,
        options_untried=effects.untried,
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


def _job(job: Job, files: Files, regime: RegimeRecipe, plugin: Quantizer) -> dict[str, Any]:
    """The recipe as plain data for the worker; measured values of a claim stay behind."""
    model = job.reference_model(plugin.reads)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The recipe's tool at work, each time in a fresh process of its environment."""

    job: Job
    regime: RegimeRecipe
    tool: str
    """The plug-in's file."""
    suffix: str
    """Of what it writes."""

    def ask(self, what: str, command: Command) -> dict[str, Any]:
        """``check`` or ``variants``."""
        with self.job.worker(regime=self.regime, role="quantizer") as worker:
            return worker.call({"do": what, "tool": self.tool, "job": command})

    def once(self, command: Command, *, part: int = 0, timeout_s: float | None = None) -> dict[str, Any]:
        """One run; each process has another hash seed, which shows order that a tool takes from its sets.

        ``part``: 0 for the first third of the stage, 1 and 2 for the others. ``timeout_s``: `QUANTIZATION_TIMEOUT_S`
        unless told otherwise.
        """
        output = self.job.store.temporary(self.suffix)

        def told(done: float, note: str) -> None:
            self.job.progress.advance((part + done) / 3, note)

        with self.job.worker(regime=self.regime, role="quantizer") as worker:
            request = {"do": "quantize", "tool": self.tool, "job": {**command, "output": str(output)}}
            patience = QUANTIZATION_TIMEOUT_S if timeout_s is None else timeout_s
            answer = worker.call(request, timeout_s=patience, progress=told)
        self.job.progress.advance((part + 1) / 3)
        return answer | {"path": output}

    def keep(self, path: Path) -> str:
        """Keep the model, and beside it the preprocessed reference that its weights are held against."""
        reference = path.with_name(path.name + ".reference.onnx")
        digest = digest_of(path)
        if reference.is_file():
            shutil.move(reference, self.job.store.files / f"{digest}.reference.onnx")
        return self.job.store.keep(path, self.suffix)[1]

    def search(self, command: Command, whole: Made, once_s: float) -> Effects:
        """Options whose change leaves the artifact as it is."""

        def variants(wanted: Command) -> list[tuple[str, str, str, dict[str, Any]]]:
            return [tuple(v) for v in self.ask("variants", wanted)["variants"]]

        def run(wanted: Command) -> Made:
            answer = self.once(wanted, part=2, timeout_s=max(LEAST_TIMEOUT_S, 3 * once_s))
            made = Made(sha256=digest_of(answer["path"]), samples=answer.get("read"))
            for path in (answer["path"], answer["path"].with_name(answer["path"].name + ".reference.onnx")):
                path.unlink(missing_ok=True)
            return made

        try:
            return find_inert(command, whole, variants=variants, run=run, seconds=max(SEARCH_S, SEARCH_RUNS * once_s))
        except ToolFailed:
            return Effects()  # the recipe itself ran; that our search did not is no finding about it


def _account(command: Command, answer: dict[str, Any]) -> CalibrationAccount | None:
    """The ledger of samples, from a tool that is watched."""
    if answer.get("read") is None:
        return None
    return CalibrationAccount(
        declared=command["calibration"]["data"]["samples"],
        read=answer["read"],
        read_sha256=answer["read_digest"],
        entered=answer["samples"],
        entered_sha256=answer["digest"],
        path=answer["collection"],
        reason=answer["reason"],
        one_shot_bytes=answer["one_shot_bytes"],
    )
