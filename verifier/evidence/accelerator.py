"""What the driver says of a card, as found before anything ran; what it does during a run is telemetry."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen

State = Literal["on", "off", "not_supported", "unknown"]
"""A mode of the card; the verifier reads it and never changes it."""


class Card(Frozen):
    """One NVIDIA card, by NVML."""

    name: str
    uuid: str
    memory_bytes: int
    compute_capability: str
    """``9.0``"""
    driver: str
    """Version of the kernel driver."""
    cuda: str
    """Highest CUDA version that the driver supports, ``13.0``."""
    power_limit_w: float | None
    """Limit that is enforced; ``None`` where the card tells none."""
    default_power_limit_w: float | None
    max_sm_clock_mhz: float | None
    max_memory_clock_mhz: float | None
    mig: State
    """Whether the card is cut into instances."""
    ecc: State
    persistence: State
    nvlinks: int | None
    """Active links to other cards; ``None`` where the card has none or does not tell."""
