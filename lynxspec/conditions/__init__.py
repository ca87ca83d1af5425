"""The conditions under which the numbers of a draft hold, and whether two sides agree on one of them.

A condition is what is told of it, or unknown, or does not arise. Names are compared by what they mean: products by the
hardware table, engines by their aliases, models without owner and scheme. Where a name leaves open what it means,
the answer is unknown, never same.
"""

from __future__ import annotations

from collections.abc import Iterable

from lynxspec.conditions.agreement import agreement, model_words, same_engine, same_hardware
from lynxspec.conditions.condition import UNKNOWN, Agreement, Condition, Conditions, Stated, metric_word, plain
from lynxspec.conditions.of_claim import of_claim
from lynxspec.conditions.of_sheet import of_sheet
from lynxspec.draft import Draft, DraftRegime

__all__ = [
    "Agreement",
    "Condition",
    "Conditions",
    "Stated",
    "agreement",
    "conditions_of",
    "metric_word",
    "model_words",
    "plain",
    "same_engine",
    "same_hardware",
]


def conditions_of(draft: Draft, regimes: Iterable[DraftRegime] | None = None) -> Conditions:
    """Conditions of the given regimes (default: all quantized ones); what differs between them is unknown."""
    chosen = tuple(draft.regimes if regimes is None else regimes)
    quantized = tuple(r for r in chosen if r.role == "quantized")
    found = of_claim(draft.claim, quantized) if draft.claim is not None else of_sheet(draft, quantized)
    return {condition: found.get(condition, UNKNOWN) for condition in Condition}
