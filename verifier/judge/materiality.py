"""Which differences between a claim's setting and this one matter to which clause: a table that all judges read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.verdict import ClauseKind


class Axis(StrEnum):
    """What can differ between the claim and the verification."""

    PROCESSOR = "processor"
    """Name of the accelerator, or of the processor for CPU claims."""
    STEPPING = "stepping"
    COUNT = "count"
    LOGICAL_CPUS = "logical_cpus"
    ISA = "isa"
    MEMORY = "memory"
    VIRTUALIZATION = "virtualization"
    UNNAMED_MACHINE = "unnamed_machine"
    """The processor's name says too little, and the machine is not known to be the same one."""
    MACHINE = "machine"
    """Another machine, or one not known to be the same, with a processor of the same full name."""
    POWER = "power"
    """Power limit or mode, where the claim states one that cannot be read here."""
    DRIVER = "driver"
    RUNTIME_VERSION = "runtime_version"
    PROVIDER = "provider"
    """The execution provider that really ran."""
    EXECUTION = "execution"
    """The declared runtime cannot execute here at all: it is not to be had, or lacks a device."""
    QUANTIZER_VERSION = "quantizer_version"
    FRAMEWORK_VERSION = "framework_version"
    OPERATING_SYSTEM = "operating_system"
    MODEL_FILE = "model_file"
    """The measured model is not the claimed file, byte for byte."""


class Effect(StrEnum):
    """What a difference does to a clause."""

    BLOCKS = "blocks"
    """The clause is not testable here; what was measured is shown as observed."""
    WEAKENS = "weakens"
    """The clause may be confirmed, but a would-be refutation is inconclusive."""
    NOTED = "noted"
    """It goes into the deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One axis on which claim and verification differ."""

    axis: Axis
    claimed: str
    here: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.axis.value.replace('_', ' ')}: claimed {self.claimed}, here {self.here}"


HARDWARE_AXES = frozenset(
    {
        Axis.PROCESSOR,
        Axis.STEPPING,
        Axis.COUNT,
        Axis.LOGICAL_CPUS,
        Axis.ISA,
        Axis.MEMORY,
        Axis.VIRTUALIZATION,
        Axis.UNNAMED_MACHINE,
        Axis.MACHINE,
        Axis.POWER,
        Axis.DRIVER,
    }
)
"""Axes of the machine; the others are those of software and files."""

_B, _W, _N = Effect.BLOCKS, Effect.WEAKENS, Effect.NOTED

# A rate belongs to a machine and a runtime. MACHINE only weakens: rates of one product vary between samples of it, and
# `verifier.judge.speed` lets a refutation pass only beyond a wider margin there.
_RATE = {
    Axis.PROCESSOR: _B,
    Axis.STEPPING: _B,
    Axis.COUNT: _B,
    Axis.LOGICAL_CPUS: _B,
    Axis.ISA: _B,
    Axis.MEMORY: _B,
    Axis.VIRTUALIZATION: _B,
    Axis.UNNAMED_MACHINE: _B,
    Axis.MACHINE: _N,
    Axis.POWER: _W,
    Axis.DRIVER: _W,
    Axis.RUNTIME_VERSION: _B,
    Axis.PROVIDER: _B,
    Axis.EXECUTION: _B,
    Axis.QUANTIZER_VERSION: _W,
    Axis.FRAMEWORK_VERSION: _N,
    Axis.OPERATING_SYSTEM: _N,
    Axis.MODEL_FILE: _W,
}
# What a model computes changes by rounding alone, which other instructions, kernels or drivers may do differently.
_NUMERIC = {
    Axis.PROCESSOR: _W,
    Axis.STEPPING: _W,
    Axis.COUNT: _N,
    Axis.LOGICAL_CPUS: _N,
    Axis.ISA: _W,
    Axis.MEMORY: _N,
    Axis.VIRTUALIZATION: _N,
    Axis.UNNAMED_MACHINE: _N,
    Axis.MACHINE: _N,
    Axis.POWER: _N,
    Axis.DRIVER: _W,
    Axis.RUNTIME_VERSION: _W,
    Axis.PROVIDER: _W,
    Axis.EXECUTION: _B,
    Axis.QUANTIZER_VERSION: _W,
    Axis.FRAMEWORK_VERSION: _N,
    Axis.OPERATING_SYSTEM: _N,
    Axis.MODEL_FILE: _W,
}
# What a file holds can be read anywhere.
_FILE = dict.fromkeys(Axis, _N)

TABLE: dict[ClauseKind, dict[Axis, Effect]] = {
    ClauseKind.MATERIALS: _FILE,
    ClauseKind.TOOL_CHAIN: {**_FILE, Axis.RUNTIME_VERSION: _B, Axis.QUANTIZER_VERSION: _B, Axis.PROVIDER: _B},
    ClauseKind.HARDWARE: {
        **_FILE,
        **{axis: _B for axis, effect in _RATE.items() if axis in HARDWARE_AXES and effect is _B},
    },
    # Weights are rounded alike everywhere; activation ranges come from a run of the reference.
    ClauseKind.ARTIFACT: {
        **_NUMERIC,
        Axis.RUNTIME_VERSION: _W,
        Axis.FRAMEWORK_VERSION: _W,
        Axis.EXECUTION: _N,
    },
    ClauseKind.PRECISION_ARTIFACT: {**_FILE, Axis.QUANTIZER_VERSION: _W, Axis.MODEL_FILE: _W},
    # Types and refusals follow from the file and the builder's version, wherever it runs.
    ClauseKind.PRECISION_BUILT: {**_FILE, Axis.RUNTIME_VERSION: _B, Axis.MODEL_FILE: _W},
    ClauseKind.PRECISION_EXECUTED: {**_NUMERIC, Axis.PROVIDER: _B},
    ClauseKind.RECIPE_EFFECT: {**_FILE, Axis.QUANTIZER_VERSION: _W},
    ClauseKind.WEIGHT_ERROR: {**_FILE, Axis.QUANTIZER_VERSION: _W, Axis.MODEL_FILE: _W},
    ClauseKind.DETERMINISM: {**_FILE, Axis.EXECUTION: _B},
    ClauseKind.ACCURACY: _NUMERIC,
    ClauseKind.REFERENCE_ACCURACY: _NUMERIC,
    ClauseKind.CRITERION: _NUMERIC,
    ClauseKind.MEMORY: _RATE,
    ClauseKind.THROUGHPUT: _RATE,
    ClauseKind.SPEEDUP: _RATE,
    ClauseKind.LATENCY: _RATE,
    ClauseKind.TIMED_OUTPUTS: _NUMERIC,
}
"""Effect of each axis on each kind of clause; complete, so that no difference is forgotten by default."""


def concerning(kind: ClauseKind, effect: Effect, differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Those of ``differences`` that have that effect on clauses of that kind."""
    return tuple(difference for difference in differences if TABLE[kind][difference.axis] is effect)


def listed(differences: tuple[Difference, ...]) -> str:
    """The differences in words."""
    return "; ".join(str(difference) for difference in differences)
