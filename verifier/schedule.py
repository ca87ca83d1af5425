"""How a claim's window is cut into interleaved blocks, and which loads are no measurement at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lynxspec.claim.throughput import Load
from verifier.errors import VerifierError

PROBE_SECONDS = 0.15
"""Length of one speed probe between blocks."""
REPEATED_SECONDS = 1.0
"""Length of the stretch with one repeated input."""
BARE_SECONDS = 2.0
"""Length of the comparison with a bare loop, in each process."""
IDLE_SECONDS = 0.2
"""Length of the stretch in which the load generator runs with nothing behind it."""
FEWEST_PROCESSES = 3
"""Fresh processes per regime, whatever the claim says: what differs from process to process (placement of memory,
layout of code) is often the largest part of the variance (Kalibera and Jones, ISMM 2013)."""
FEWEST_BLOCKS = 10
"""Blocks of a regime in each process, however long the claim's blocks are: fewer show neither a drift nor how much of
the difference between processes is noise."""
SERVER_BLOCKS = 2
"""Blocks per process under arrivals at random: a queue needs long stretches, and no ratio is taken of neighbours."""
LEAD_SHARE = 0.1
"""Time before each such block in which the queue fills, as a share of the block."""
SHORTEST_WINDOW_S = 1.0
LONGEST_S = 48 * 3600.0
MOST_PROCESSES = 100
SHORTEST_BLOCK_S = 0.1
"""Below this the calls between blocks would take longer than the blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a claim's window is cut into blocks."""

    declared: int
    """Fresh processes per regime that the claim asks for."""
    repetitions: int
    """Fresh processes per regime that are run."""
    blocks: int
    """Blocks of each regime in each process."""
    seconds: float
    """Length of one block."""
    lead: float
    """Uncounted time before each block."""
    warm_up: float

    @property
    def window(self) -> float:
        """Counted time of one regime."""
        return self.repetitions * self.blocks * self.seconds

    @property
    def process_overhead(self) -> float:
        """Seconds of one process beside its blocks: start (one second), warm-up, and what is compared at its end."""
        extra = REPEATED_SECONDS + BARE_SECONDS + IDLE_SECONDS + 1.0
        if self.lead:
            extra += 2 * REPEATED_SECONDS  # a closed loop on inputs of each seed
        return self.warm_up + extra

    def total(self, regimes: int) -> float:
        """Wall time of the whole stage in seconds."""
        each = self.process_overhead + self.blocks * (self.lead + self.seconds + PROBE_SECONDS)
        return self.repetitions * regimes * each

    def shortened(self, seconds: float, regimes: int) -> Schedule | None:
        """The same with as many blocks per process as ``seconds`` have room for; `None` if not even for two."""
        each = seconds / (self.repetitions * regimes) - self.process_overhead
        blocks = math.floor(each / (self.lead + self.seconds + PROBE_SECONDS))
        return replace(self, blocks=min(blocks, self.blocks)) if blocks >= 2 else None

    def round_of(self, seconds: float) -> tuple[int, float]:
        """Blocks, and the length of each, of one more process with ``seconds`` of counted time per regime."""
        wanted = min(max(seconds, 2 * SHORTEST_BLOCK_S), LONGEST_S)
        blocks = max(2, round(wanted / self.seconds))
        return blocks, wanted / blocks


def schedule(load: Load) -> Schedule:
    """Cut the window evenly: whole blocks of about the declared length, the same number in each process.

    Raises `VerifierError` for a load that is no measurement, has no end, or contradicts its name.
    """
    if load.window.base < SHORTEST_WINDOW_S or load.block.base < SHORTEST_BLOCK_S or load.repetitions > MOST_PROCESSES:
        raise VerifierError(
            f"a window of {load.window} in blocks of {load.block}, {load.repetitions} times, cannot be measured",
            hint=f"window >= {SHORTEST_WINDOW_S:g} s, block >= {SHORTEST_BLOCK_S:g} s, {MOST_PROCESSES} times at most",
        )
    repetitions = max(load.repetitions, FEWEST_PROCESSES)
    if load.window.base + repetitions * load.warm_up.base > LONGEST_S:
        raise VerifierError(f"a window of {load.window} with {load.warm_up} warm-up takes longer than {LONGEST_S:g} s")
    if load.scenario == "single_stream" and load.concurrency > 1:
        raise VerifierError(
            f"load.scenario single_stream has one call in flight, load.concurrency says {load.concurrency}",
            hint="closed_loop has as many callers as load.concurrency says",
        )
    per_process = load.window.base / repetitions
    server = load.scenario == "server"
    least = min(FEWEST_BLOCKS, max(2, math.floor(per_process / SHORTEST_BLOCK_S)))
    blocks = SERVER_BLOCKS if server else max(least, round(per_process / load.block.base))
    return Schedule(
        declared=load.repetitions,
        repetitions=repetitions,
        blocks=blocks,
        seconds=per_process / blocks,
        lead=LEAD_SHARE * per_process / blocks if server else 0.0,
        warm_up=load.warm_up.base,
    )


def is_fresh(process: int, index: int) -> bool:
    """Whether block ``index`` takes its inputs by a fresh seed: D F F D, and F D D F in every other process."""
    return (index + 1 + 2 * (process % 2)) // 2 % 2 == 1


def order_of(names: Sequence[str], process: int, index: int) -> list[str]:
    """Order of the regimes in round ``index`` of a process: each order is followed by its reverse (A B B A).

    The orders are those of a Williams design (1949): each regime stands in each place, and follows each other one,
    equally often. A process begins with another order than the one before it, the second one with a reversed one.
    """
    pairs = _williams(len(names))
    forward, backward = pairs[(index // 2 + process // 2) % len(pairs)]
    row = backward if (index + process) % 2 else forward
    return [names[place] for place in row]


def _williams(count: int) -> list[tuple[list[int], list[int]]]:
    """Rows of a Williams design, each with its reverse, which is a row of it too."""
    zigzag = [(step + 1) // 2 if step % 2 else -(step // 2) % count for step in range(count)]
    rows = [[(place + shift) % count for place in zigzag] for shift in range(count)]
    # Of an even number the reverse of each row is another row of the square; of an odd number the reverses are the
    # second square that such a design needs.
    firsts = rows[: count // 2] if count % 2 == 0 else rows
    return [(row, row[::-1]) for row in firsts]
