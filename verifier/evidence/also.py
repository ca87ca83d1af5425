"""The claim's model and scheme on other runtimes: observed, never judged against the claim's numbers."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen, Sha256


class OtherRegime(Frozen):
    """One regime of the claim, carried over."""

    regime: str
    file: Literal["same_file", "twin", "own_recipe", "none"]
    """``same_file``: the very file of the claim; ``twin``: the reference in the runtime's own format; ``own_recipe``:
    the declared scheme, applied by a quantizer of that runtime."""
    sha256: Sha256 | None
    status: Literal["ok", "not_testable", "failed"]
    message: str
    """Why there is nothing, or not all; empty otherwise."""
    metrics: dict[str, float]
    """Value of each metric over the whole evaluation set."""
    samples: int
    rate: float | None
    """Items per second, of the last plateau."""
    rate_low: float | None
    rate_high: float | None
    """95 % bounds."""
    window_s: float | None
    executed: dict[str, float]
    """Share of the matrix products by the format they compute in: of their time where the runtime tells it, else of
    their number; empty where it tells neither."""
    criterion: str | None
    """Verdict of the claim's own acceptance criterion on this runtime, against the reference on this runtime."""
    criterion_words: str
    """Difference and bounds; empty without a criterion."""


class OtherRuntime(Frozen):
    """A runtime that the reader deploys on."""

    runtime: str
    version: str
    """Version that ran; the wanted one where none did."""
    provider: str
    quantizers: tuple[str, ...]
    """Tools with version that made its files here; empty if the claim's files were run."""
    lock_sha256: Sha256 | None
    """Lock of the environment that it ran in."""
    regimes: tuple[OtherRegime, ...]
    evidence_sha256: Sha256 | None
    """Digest of the run's own evidence file, ``also/RUNTIME/evidence.json`` beside this one."""
