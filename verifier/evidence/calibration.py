"""What became of the calibration samples, and how the tool's statistics were gathered."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen, Sha256


class CalibrationAccount(Frozen):
    """Samples of one calibration, from the claim to the statistics."""

    declared: int
    read: int
    """Samples that the tool was given."""
    read_sha256: Sha256
    """Digest over them, in order."""
    entered: int | None
    """Samples that became part of its statistics; ``None`` if this version of the tool could not be watched."""
    entered_sha256: Sha256 | None
    """Digest over those, in order."""
    path: Literal["one_shot", "chunks", "two_passes"]
    """The tool's own way, all batches at once or in the chunks that the recipe cuts; or its collector led through the
    data twice, with the same result."""
    reason: str
    """Why not in two passes, where one shot would keep much; empty if nothing is to be said."""
    one_shot_bytes: int | None
    """Activations that the tool keeps if all batches are collected at once; ``None`` where it keeps none."""
