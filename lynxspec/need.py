"""`Need`: what a buyer will deploy, on what, and by which criterion; a claim is read against it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lynxspec.claim import Disclosed, Frozen
from lynxspec.claim.base import Count, NotBlank, Version
from lynxspec.claim.subject import Dataset
from lynxspec.claim.units import Duration, Margin

MANY_RUNTIMES = 3
"""From this many target runtimes on, validating every quantized model on every runtime dominates the work."""


class TargetRuntime(Frozen):
    """An engine that will execute the model."""

    name: NotBlank
    """Name, e.g. ``vllm``."""
    version: Disclosed[Version]
    """Exact version; ``unknown`` if any release will do."""


class TargetHardware(Frozen):
    """A system that the model will run on."""

    product: NotBlank
    """Product name with memory size and form factor where several exist, e.g. ``L40S 48GB``."""
    count: Count
    """How many of them one instance of the model uses."""


class Workload(Frozen):
    """What the model will do."""

    description: NotBlank
    """The inputs in a few words, e.g. ``support tickets``."""
    data: Disclosed[Dataset]
    """Items of it with labels, for evaluation."""


class OwnCriterion(Frozen):
    """Largest loss that this deployment can bear."""

    metric: NotBlank
    """Metric that it bounds, e.g. ``top1``."""
    margin: Margin
    """Largest acceptable loss against full precision."""


class LatencyBudget(Frozen):
    """Time that one call may take."""

    percentile: Literal["p50", "p90", "p99"]
    """Share of the calls that must keep it."""
    limit: Duration
    """The time."""


class Need(Frozen):
    """What a buyer will deploy."""

    lynxspec: Annotated[Literal["1.0"], Field(description="Version of the format.")]
    kind: Literal["need"]
    """What this document is."""
    runtimes: Annotated[tuple[TargetRuntime, ...], Field(min_length=1, max_length=100)]
    """Every engine that the model will be executed by."""
    hardware: Annotated[tuple[TargetHardware, ...], Field(min_length=1, max_length=100)]
    """Every system that it will run on."""
    workload: Workload
    """What it will do."""
    criterion: Disclosed[OwnCriterion]
    """The buyer's own acceptance criterion."""
    latency_budget: Disclosed[LatencyBudget]
    """The buyer's own latency budget."""


def multiplied(count: int) -> str:
    """The alternative, where validation multiplies over ``count`` target runtimes; empty where it does not."""
    if count < MANY_RUNTIMES:
        return ""
    return (
        f"With {count} target runtimes each quantized model has to be validated {count} times; a smaller model "
        "distilled in full precision is the alternative whose validation does not multiply (an observed pattern, not a "
        "measured rate)."
    )
