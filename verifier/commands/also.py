"""The table of other runtimes for people, on stderr: what was observed on each, side by side."""

from __future__ import annotations

from typing import TextIO

from lynxspec.need import multiplied
from lynxspec.plain_text import visible
from verifier.evidence.also import OtherRegime, OtherRuntime

FILES = {
    "same_file": "the claim's file",
    "twin": "the model in its own format",
    "own_recipe": "its own quantizer",
    "none": "no file",
}


def show(rows: tuple[OtherRuntime, ...], stream: TextIO, *, item: str) -> None:
    """Write nothing for no rows."""
    if not rows:
        return

    def write(text: str) -> None:
        stream.write(visible(text, newlines=True))  # messages come from tools

    write("\nObserved on other runtimes, not judged against the claim's numbers:\n")
    for runtime in rows:
        write(f"  {runtime.runtime} {runtime.version} on {runtime.provider}\n")
        for regime in runtime.regimes:
            write(f"    {regime.regime:<12} {line_of(regime, item)}\n")
    pattern = multiplied(len(rows))
    if pattern:
        write(f"  {pattern}\n")


def line_of(regime: OtherRegime, item: str) -> str:
    """One regime in one line."""
    if regime.status != "ok" and not regime.metrics:
        return f"{regime.status.replace('_', ' ')}: {regime.message}"
    parts = [FILES[regime.file], *(f"{name} {value:.4g}" for name, value in regime.metrics.items())]
    if regime.rate is not None:
        parts.append(f"{regime.rate:.4g} {item}/s ({regime.rate_low:.4g} to {regime.rate_high:.4g})")
    elif regime.rate_low is not None and regime.rate_high is not None:
        parts.append(f"{regime.rate_low:.4g} to {regime.rate_high:.4g} {item}/s, drifting")
    if regime.executed:
        parts.append("computes " + ", ".join(f"{100 * share:.0f} % {name}" for name, share in regime.executed.items()))
    if regime.criterion:
        parts.append(f"criterion {regime.criterion.replace('_', ' ')}")
    return "; ".join(parts) + (f"; {regime.message}" if regime.message else "")
