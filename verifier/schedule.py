"""How a claim's window is cut into interleaved blocks, and which loads are no measurement at all."""

from __future__ import annotations

from dataclasses import dataclass

from lynxspec.claim.throughput import Load
from verifier.errors import VerifierError

PROBE_SECONDS = 0.15
"""Length of one speed probe between blocks."""
REPEATED_SECONDS = 1.0
"""Length of the stretch with one repeated input."""
SHORTEST_WINDOW_S = 1.0
LONGEST_S = 48 * 3600.0
MOST_PROCESSES = 100
SHORTEST_BLOCK_S = 0.1
"""Below this the calls between blocks would take longer than the blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a claim's window is cut into blocks."""

    repetitions: int
    blocks: int
    """Blocks of each regime in each process."""
    seconds: float
    """Length of one block."""
    warm_up: float

    @property
    def window(self) -> float:
        """Counted time of one regime."""
        return self.repetitions * self.blocks * self.seconds

    def total(self, regimes: int) -> float:
        """Wall time of the whole stage, process starts included as one second each."""
        each = self.warm_up + self.blocks * (self.seconds + PROBE_SECONDS) + REPEATED_SECONDS + 1.0
        return self.repetitions * regimes * each


def schedule(load: Load) -> Schedule:
    """Cut the window evenly: whole blocks of about the declared length, the same number in each process.

    Raises `VerifierError` for a load that is no measurement, or has no end.
    """
    if load.window.base < SHORTEST_WINDOW_S or load.block.base < SHORTEST_BLOCK_S or load.repetitions > MOST_PROCESSES:
        raise VerifierError(
            f"a window of {load.window} in blocks of {load.block}, {load.repetitions} times, cannot be measured",
            hint=f"window >= {SHORTEST_WINDOW_S:g} s, block >= {SHORTEST_BLOCK_S:g} s, {MOST_PROCESSES} times at most",
        )
    if load.window.base + load.repetitions * load.warm_up.base > LONGEST_S:
        raise VerifierError(f"a window of {load.window} with {load.warm_up} warm-up takes longer than {LONGEST_S:g} s")
    per_process = load.window.base / load.repetitions
    blocks = max(2, round(per_process / load.block.base))
    return Schedule(
        repetitions=load.repetitions, blocks=blocks, seconds=per_process / blocks, warm_up=load.warm_up.base
    )
