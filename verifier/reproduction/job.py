"""`Job`: one claim or recipe being run, with where its files are and where its evidence goes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lynxspec.claim import Claim, Recipe, RegimeRecipe, present
from lynxspec.claim.subject import Artifact, Dataset
from verifier.environments.prepare import Environments
from verifier.errors import MaterialUnavailable
from verifier.evidence.environment import Role
from verifier.host import memory_bytes
from verifier.process import Worker
from verifier.progress import Progress, Silent
from verifier.store import RunStore

OTHER_FORMATS = (".pt2", ".tflite", ".safetensors", ".mlmodel", ".mlpackage")
"""Suffixes by which a model file is known not to be ONNX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Inputs of every stage."""

    document: Claim | Recipe
    source: bytes
    """The document's bytes as read."""
    sha256: str
    """Digest of ``source``."""
    folder: Path
    """Folder of the document: its relative addresses start there."""
    store: RunStore
    overrides: Mapping[str, Path] = field(default_factory=dict)
    """The reader's own copies, by handle of artifact or data set."""
    progress: Progress = field(default_factory=Silent)
    interpreter: str = sys.executable
    """Python of workers that run no tool of a regime."""
    environments: Environments = field(default_factory=Environments)
    """Where each regime's quantizer and runtime run."""
    evaluation_s: float | None = None
    """Seconds that evaluating may take; ``None``: as many as every item needs."""

    def worker(
        self, *, threads: int | None = None, regime: RegimeRecipe | None = None, role: Role = "runtime"
    ) -> Worker:
        """A fresh worker that may use four fifths of the memory, so that a stranger's model cannot take the machine.

        With ``regime`` it runs in the environment of that regime's tool.
        """
        own = self.interpreter if regime is None else self.environments.interpreters.get((regime.name, role))
        told = {} if regime is None else self.environments.variables.get((regime.name, role), {})
        limit = memory_bytes() * 4 // 5 or None
        return Worker(interpreter=own or self.interpreter, env=told, threads=threads, memory_limit_bytes=limit)

    def can_run(self, regime: RegimeRecipe, role: Role = "runtime") -> str | None:
        """Why the regime's tool cannot run here, ``None`` if it can, or if there is no plug-in that would know."""
        found = [r for r in self.environments.reports if (r.regime, r.role) == (regime.name, role)]
        return next((r.message for r in found if r.status != "ok"), None)

    @property
    def reference(self) -> RegimeRecipe:
        """The regime that the others are held against; the linter has made sure that there is one."""
        return next(regime for regime in self.document.regimes if regime.role == "reference")

    @property
    def quantized(self) -> tuple[RegimeRecipe, ...]:
        """All regimes but the reference."""
        return tuple(regime for regime in self.document.regimes if regime.role != "reference")

    def artifact(self, role: str) -> Artifact | None:
        """The first artifact of a role."""
        return next((a for a in self.document.model.artifacts if a.role == role), None)

    def reference_model(self, suffixes: tuple[str, ...]) -> Artifact | None:
        """The reference in the first of these formats that the claim has it in; ``None`` if it has it in none.

        Several artifacts of role ``reference_model`` are one model in several formats. A file without a telling name,
        or any file where no format is asked for, is taken for ONNX, which the first one then is.
        """
        twins = [a for a in self.document.model.artifacts if a.role == "reference_model"]
        named = next((a for s in suffixes for a in twins if (present(a.uri) or "").endswith(s)), None)
        if named is not None or not twins:
            return named
        telling = any((present(twins[0].uri) or "").endswith(s) for s in OTHER_FORMATS)
        return twins[0] if not suffixes or (".onnx" in suffixes and not telling) else None

    def dataset(self, name: str) -> Dataset | None:
        """The data set of that handle."""
        return next((d for d in self.document.data if d.name == name), None)

    @property
    def head(self) -> Artifact | None:
        """The artifact that turns outputs into predictions, if the evaluation names one."""
        name = present(self.document.evaluation.head)
        return next((a for a in self.document.model.artifacts if a.name == name), None) if name else None

    @property
    def input_names(self) -> list[str]:
        """Inputs of the model in order."""
        return [tensor.name for tensor in self.document.model.inputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Verified files by handle; a file with a wrong digest is not among them."""

    paths: Mapping[str, Path]

    def need(self, name: str) -> Path:
        """The file of that handle; raises `MaterialUnavailable`."""
        if name not in self.paths:
            raise MaterialUnavailable(f"the file {name!r} is not available or has another digest than the claim states")
        return self.paths[name]
