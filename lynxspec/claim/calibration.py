"""What statistics came from which data: two components that no tool chain stores."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from lynxspec.claim.base import Count, Disclosed, Frozen, Index, Name, NotApplicable, NotBlank, Positive, Unknown


class MinMax(Frozen):
    """Smallest and largest value seen."""

    kind: Literal["minmax"]
    """Method."""
    symmetric: bool
    """Whether the range is made symmetric around zero."""


class MovingAverage(Frozen):
    """Moving average of the batches' minima and maxima."""

    kind: Literal["moving_average"]
    """Method."""
    symmetric: bool
    """Whether the range is made symmetric around zero."""
    constant: Positive
    """Weight of a new batch."""


class Percentile(Frozen):
    """Range that holds a share of the values; defaults differ by tool, so it is written out."""

    kind: Literal["percentile"]
    """Method."""
    symmetric: bool
    """Whether the range is made symmetric around zero."""
    percentile: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    """Share of values inside the range, in percent."""
    bins: Count
    """Histogram bins."""


class Entropy(Frozen):
    """Range of least Kullback-Leibler divergence."""

    kind: Literal["entropy"]
    """Method."""
    symmetric: bool
    """Whether the range is made symmetric around zero."""
    bins: Count
    """Histogram bins."""
    quantized_bins: Count
    """Bins after quantization."""


class Mse(Frozen):
    """Range of least mean squared error."""

    kind: Literal["mse"]
    """Method."""
    symmetric: bool
    """Whether the range is made symmetric around zero."""
    steps: Count
    """Candidate ranges tried."""


class OtherMethod(Frozen):
    """A method outside the vocabulary, described well enough to redo it."""

    kind: Literal["other"]
    """Method."""
    description: NotBlank
    """What it does, with every parameter."""


CalibrationMethod = Annotated[MinMax | MovingAverage | Percentile | Entropy | Mse | OtherMethod, Discriminator("kind")]
"""How a range was found, all parameters written out."""


class CalibrationData(Frozen):
    """The items that the statistics came from."""

    dataset: Name
    """Handle in ``data``."""
    samples: Count
    """Items that entered the statistics."""
    batch_size: Count
    """Items per batch: it changes moving averages and histograms."""
    shape: NotBlank
    """Shape or sequence length of an item."""
    order: NotBlank
    """Order and selection of the items, with the seed."""
    seed: Disclosed[Index]
    """Seed of the selection."""
    represents: NotBlank
    """Which deployment the items stand for, and why."""
    overlap_with_evaluation: Literal["none", "partial", "full"]
    """Whether items are also in the evaluation set."""


class Calibration(Frozen):
    """Data and method."""

    data: Disclosed[CalibrationData]
    """The items."""
    method: Disclosed[CalibrationMethod]
    """How ranges were found."""


class NoneNeeded(Frozen):
    """No calibration, by design."""

    none_needed: NotBlank
    """Why: e.g. weight-only, or activations quantized dynamically."""


def _answer(value: Any) -> str:  # noqa: ANN401 - a validator sees whatever the document holds
    keys: Any = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    for mark in ("none_needed", "not_applicable", "unknown"):
        if mark in keys:
            return mark
    return "value"


CalibrationAnswer = Annotated[
    Annotated[Calibration, Tag("value")]
    | Annotated[NoneNeeded, Tag("none_needed")]
    | Annotated[NotApplicable, Tag("not_applicable")]
    | Annotated[Unknown, Tag("unknown")],
    Discriminator(_answer),
]
"""Calibration, or why there was none; "none needed" is a disclosure."""
