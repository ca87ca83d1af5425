"""`Claim` and `Recipe`: the whole documents, and `Regime`, the pair of an accuracy and a throughput."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lynxspec.claim.accuracy import AccuracyValue, Evaluation
from lynxspec.claim.base import Disclosed, Frozen, Index, Name, NotBlank
from lynxspec.claim.calibration import CalibrationAnswer
from lynxspec.claim.hardware import Hardware
from lynxspec.claim.precision import MixedPrecision, Precision, Quantization
from lynxspec.claim.subject import Dataset, File, Identity, Model
from lynxspec.claim.throughput import Comparison, Load, Performance
from lynxspec.claim.toolchain import ToolChain
from lynxspec.claim.units import Margin, Share, Size

FORMAT = "1.0"
"""Version of the claim format that this package writes."""

Role = Literal["reference", "quantized"]


class RegimeRecipe(Frozen):
    """The part of a regime that can be run before any number exists."""

    name: Name
    """Handle, e.g. ``int8``."""
    role: Role
    """One regime of the claim is the reference."""
    precision: Precision
    """Number format of each tensor class."""
    mixed_precision: Disclosed[MixedPrecision]
    """Which layers deviate."""
    quantization: Disclosed[Quantization]
    """How the numbers were made."""
    calibration: CalibrationAnswer
    """Calibration, or why there was none."""
    toolchain: ToolChain
    """Quantizer, runtime, framework, container."""


class Regime(RegimeRecipe):
    """One precision recipe with its own accuracy and its own throughput."""

    artifact: Disclosed[File]
    """The model file of this regime."""
    peak_memory: Disclosed[Size]
    """Largest resident memory of the process while it ran."""
    accuracy: Disclosed[tuple[AccuracyValue, ...]]
    """Value of each metric for this regime."""
    performance: Performance
    """Speed of this regime."""


class Tolerances(Frozen):
    """How far a measured value may be from the claimed one and still reproduce it."""

    throughput: Share
    """Relative, for sustained rates."""
    speedup: Share
    """Relative, for the throughput gain."""
    latency: Share
    """Relative, for latency percentiles."""
    accuracy: Margin
    """For accuracy values; ``0 points`` asks for the same number."""
    memory: Share
    """Relative, for peak memory and artifact size."""


class Reproduction(Frozen):
    """What a reader needs to redo the claim."""

    tolerances: Tolerances
    """Tolerances that the claimant accepts to be judged by."""
    grade: Literal["bit_exact", "scales", "behaviour"]
    """How exactly the recipe gives the artifact again: same bytes, same scales, or same behaviour."""
    seed: Index
    """Seed of everything that draws."""
    commands: tuple[NotBlank, ...]
    """Commands that redo the claim."""


class Recipe(Frozen):
    """Everything that can be run before any number exists; ``lynxspec measure`` turns it into a `Claim`."""

    lynxspec: Annotated[Literal["1.0"], Field(description="Version of the format.")]
    kind: Literal["recipe"]
    """What this document is."""
    identity: Identity
    """Who claims what; ``date`` is that of the recipe."""
    model: Model
    """The model."""
    data: tuple[Dataset, ...]
    """Data sets, by handle."""
    load: Load
    """The load."""
    evaluation: Evaluation
    """The evaluation."""
    regimes: tuple[RegimeRecipe, ...]
    """Regimes, one of them the reference."""
    reproduction: Reproduction
    """How to redo it."""


class Claim(Frozen):
    """A deployment-grade quantization claim: one model, one piece of hardware, one workload, two regimes or more."""

    lynxspec: Annotated[Literal["1.0"], Field(description="Version of the format.")]
    kind: Literal["claim"]
    """What this document is."""
    identity: Identity
    """Who claims what, when."""
    model: Model
    """The model."""
    hardware: Hardware
    """The system that the numbers belong to."""
    data: tuple[Dataset, ...]
    """Data sets, by handle."""
    load: Load
    """The load of the speed measurement."""
    evaluation: Evaluation
    """The evaluation of accuracy."""
    regimes: tuple[Regime, ...]
    """Regimes, one of them the reference."""
    comparisons: tuple[Comparison, ...]
    """Published gains."""
    reproduction: Reproduction
    """How to redo it."""

    def regime(self, name: str) -> Regime | None:
        """The regime of that name."""
        return next((r for r in self.regimes if r.name == name), None)

    @property
    def reference(self) -> Regime | None:
        """The reference regime, if exactly one is declared."""
        found = [r for r in self.regimes if r.role == "reference"]
        return found[0] if len(found) == 1 else None
