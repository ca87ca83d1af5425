"""Which model file stands for a regime: the claimant's own where there is one, else what the recipe gives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lynxspec.claim import Regime, RegimeRecipe, present
from lynxspec.claim.subject import Artifact
from verifier.evidence import QuantizationRun
from verifier.quantizers import find_quantizer
from verifier.reproduction.job import Files, Job
from verifier.runtimes import find_runtime

Origin = Literal["supplied_artifact", "recipe_artifact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model file to look at, to evaluate and to time."""

    regime: str
    origin: Origin
    path: Path
    sha256: str


def supplied(job: Job, regime: RegimeRecipe, files: Files) -> Subject | None:
    """The file that came with the claim: for the reference the model itself, else the artifact the regime names."""
    if regime.role == "reference":
        model = reference_of(job, regime)
        if model is None or model.name not in files.paths:
            return None
        return Subject(
            regime=regime.name, origin="supplied_artifact", path=files.paths[model.name], sha256=model.sha256
        )
    artifact = supplied_artifact(job, regime)
    if artifact is None or artifact.name not in files.paths:
        return None
    path = files.paths[artifact.name]
    return Subject(regime=regime.name, origin="supplied_artifact", path=path, sha256=artifact.sha256)


def supplied_artifact(job: Job, regime: RegimeRecipe) -> Artifact | None:
    """The quantized file that came with the document: the one that the regime of a claim names.

    In a recipe, whose regimes name none, it is ``model-REGIME``, the name that `lynxspec measure` gives what it makes:
    so a file can be measured whose own recipe nobody knows.
    """
    if isinstance(regime, Regime):
        named = present(regime.artifact)
        return next((a for a in job.document.model.artifacts if named and a.name == named.name), None)
    listed = (a for a in job.document.model.artifacts if a.role == "quantized_model")
    return next((a for a in listed if a.name == f"model-{regime.name}"), None)


def reference_of(job: Job, regime: RegimeRecipe) -> Artifact | None:
    """The reference model in the format that a regime's runtime opens; a claim may name the file itself."""
    named = present(regime.artifact) if isinstance(regime, Regime) else None
    chosen = [a for a in job.document.model.artifacts if named and a.name == named.name and a.role == "reference_model"]
    if chosen:
        return chosen[0]
    runtime = present(regime.toolchain.runtime)
    plugin = find_runtime(runtime.name) if runtime else None
    return job.reference_model(plugin.formats if plugin else ())


def written_suffix(tool: str) -> str:
    """Suffix of what a quantizer writes."""
    plugin = find_quantizer(tool)
    return plugin.writes if plugin else ".onnx"


def from_recipe(job: Job, run: QuantizationRun) -> Subject | None:
    """The file that the declared recipe gave in this run."""
    if run.sha256 is None:
        return None
    path = job.store.file(run.sha256, written_suffix(run.tool))
    return None if path is None else Subject(regime=run.regime, origin="recipe_artifact", path=path, sha256=run.sha256)


def all_subjects(job: Job, files: Files, runs: Mapping[str, QuantizationRun]) -> dict[str, tuple[Subject, ...]]:
    """Per regime the subjects in order of preference, each file once: equal bytes need no second look."""
    found: dict[str, tuple[Subject, ...]] = {}
    for regime in job.document.regimes:
        candidates = [supplied(job, regime, files)]
        if regime.name in runs:
            candidates.append(from_recipe(job, runs[regime.name]))
        unique: dict[str, Subject] = {}
        for subject in candidates:
            if subject is not None:
                unique.setdefault(subject.sha256, subject)
        found[regime.name] = tuple(unique.values())
    return found
