"""What the evaluation found out beside the scores: whether answers depend on how many items are run together."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen


class BatchProbe(Frozen):
    """Items of the evaluation set, run again with another number of items per call."""

    batch: int
    """Items per call."""
    items: int
    """Items that were run: the whole set with the timed run's batch, else a random sample; 0 if none would run."""
    seed: int | None
    """Seed of the draw, fresh for each run, so that no claim can be tuned to it; ``None``: all items in the file's
    order."""
    status: Literal["ok", "failed"]
    message: str
    """Why there is no result: many models are exported for one batch size."""
    disagreements: int
    """Items of which an outcome differs from the evaluation's."""
    gained: dict[str, int]
    """Items right here and wrong in the evaluation, for each metric that counts right items."""
    lost: dict[str, int]
    """Items wrong here and right in the evaluation."""
    metrics: dict[str, float]
    """Value of each metric over the whole set; empty for a sample."""
    outcomes: dict[str, tuple[float, ...]]
    """Per item and metric, as in the evaluation; empty for a sample."""


class TimedPairs(Frozen):
    """Outcomes of the timed run against the evaluation's, on the same items; for a metric that counts right items."""

    metric: str
    items: int
    gained: int
    """Right in the timed run and wrong in the evaluation."""
    lost: int
    """Wrong in the timed run and right in the evaluation."""
