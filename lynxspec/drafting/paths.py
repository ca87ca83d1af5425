"""Where each disclosure component stands in a claim, and what a vendor is asked there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from lynxspec.drafting.nodes import descend, holes, unwrapped
from lynxspec.lint.engine import rules
from lynxspec.location import Path
from lynxspec.schema import field_docs
from lynxspec.vocabulary import Component

OWN, REFERENCE, COMPARISON = "own regime", "reference regime", "comparison"
"""First parts of paths that differ by regime."""

PATHS: Mapping[Component, tuple[Path, ...]] = {
    Component.PRECISION_FORMAT: ((OWN, "precision", "weights"), (OWN, "precision", "activations")),
    Component.THROUGHPUT_GAIN: ((COMPARISON, "throughput_gain"), (COMPARISON, "qualifier")),
    Component.BASELINE: ((COMPARISON, "system"), (REFERENCE, "precision", "weights")),
    Component.TENSORS_QUANTIZED: ((OWN, "precision"),),
    Component.CALIBRATION_DATA: ((OWN, "calibration", "data"),),
    Component.CALIBRATION_METHOD: ((OWN, "calibration", "method"),),
    Component.TOOL_CHAIN: ((OWN, "toolchain", "quantizer"),),
    Component.RUNTIME: ((OWN, "toolchain", "runtime"),),
    Component.MODEL_FAMILY: (("model", "family"),),
    Component.MODEL_NAME: (("model", "name"), ("model", "revision")),
    Component.GRANULARITY: ((OWN, "precision", "weights"), (OWN, "precision", "activations")),
    Component.MIXED_PRECISION_POLICY: ((OWN, "mixed_precision"),),
    Component.EVALUATION_SET: (("evaluation", "dataset"), ("evaluation", "samples")),
    Component.ACCURACY_RESULT: ((OWN, "accuracy"),),
    Component.ACCURACY_REFERENCE: ((REFERENCE, "accuracy"),),
    Component.ACCEPTANCE_CRITERION: (("evaluation", "criterion"),),
    Component.WORKLOAD_RELEVANCE: (("evaluation", "relevance"),),
    Component.SUSTAINED_THROUGHPUT: ((OWN, "performance", "sustained"),),
    Component.BATCH_OR_CONCURRENCY: (("load", "batch"), ("load", "concurrency")),
    Component.LATENCY: ((OWN, "performance", "latency"),),
    Component.HARDWARE: (("hardware", "product"), ("hardware", "count"), ("hardware", "memory"), ("hardware", "power")),
    Component.DRIVER_STACK: (("hardware", "stack"),),
    Component.PEAK_ONLY: ((OWN, "performance", "peak"),),
}
"""What must be filled before a component counts as answered."""

_ASKED: Mapping[Path, Component] = {
    ("model", "name"): Component.MODEL_NAME,
    ("model", "revision"): Component.MODEL_NAME,
    ("model", "family"): Component.MODEL_FAMILY,
    ("hardware",): Component.HARDWARE,
    ("hardware", "product"): Component.HARDWARE,
    ("hardware", "stack"): Component.DRIVER_STACK,
    ("load", "batch"): Component.BATCH_OR_CONCURRENCY,
    ("load", "concurrency"): Component.BATCH_OR_CONCURRENCY,
    ("evaluation", "dataset"): Component.EVALUATION_SET,
    ("evaluation", "samples"): Component.EVALUATION_SET,
    ("evaluation", "criterion"): Component.ACCEPTANCE_CRITERION,
    ("evaluation", "relevance"): Component.WORKLOAD_RELEVANCE,
    ("regimes", "precision", "weights"): Component.PRECISION_FORMAT,
    ("regimes", "precision", "activations"): Component.PRECISION_FORMAT,
    ("regimes", "precision", "weights", "granularity"): Component.GRANULARITY,
    ("regimes", "precision", "activations", "granularity"): Component.GRANULARITY,
    ("regimes", "mixed_precision"): Component.MIXED_PRECISION_POLICY,
    ("regimes", "calibration"): Component.CALIBRATION_DATA,
    ("regimes", "calibration", "data"): Component.CALIBRATION_DATA,
    ("regimes", "calibration", "method"): Component.CALIBRATION_METHOD,
    ("regimes", "toolchain", "quantizer"): Component.TOOL_CHAIN,
    ("regimes", "toolchain", "runtime"): Component.RUNTIME,
    ("regimes", "accuracy"): Component.ACCURACY_RESULT,
    ("regimes", "performance", "sustained"): Component.SUSTAINED_THROUGHPUT,
    ("regimes", "performance", "latency"): Component.LATENCY,
    ("comparisons", "throughput_gain"): Component.THROUGHPUT_GAIN,
    ("comparisons", "system"): Component.BASELINE,
}


@cache
def question(component: Component) -> str:
    """What a buyer asks about a component: the question of its own rule."""
    return next(rule.question for rule in rules() if rule.component is component and rule.question)


def ask(path: Path, model: type[BaseModel] | None = None) -> str:
    """What to ask where a value is missing; ``model`` is the one that holds the last key of ``path``."""
    named = tuple(part for part in path if isinstance(part, str))
    component = _ASKED.get(named)
    if component is not None:
        return question(component)
    words = field_docs(model).get(named[-1], "") if model is not None else ""
    meaning = f": {' '.join(words.replace('``', '`').split())}" if words else ""
    return f"Please state {named[-1].replace('_', ' ')}{meaning}"


def places_of(document: Mapping[str, Any], component: Component, regime: int) -> Iterator[Path]:
    """Paths of a component for one regime of a draft file; those that lead nowhere are left out."""
    for path in PATHS[component]:
        rooted = _rooted(document, path, regime)
        if rooted is not None:
            yield rooted


def _rooted(document: Mapping[str, Any], path: Path, regime: int) -> Path | None:
    first, *rest = path
    if first == OWN:
        return ("regimes", regime, *rest)
    regimes = document["regimes"]
    if first == REFERENCE:
        claim = regimes[regime].get("claim", "")
        found = [i for i, r in enumerate(regimes) if r["role"] == "reference" and r.get("claim", "") == claim]
        return ("regimes", found[0], *rest) if found else None
    if first == COMPARISON:
        pairs, _ = descend(document, ("comparisons",))
        name = regimes[regime]["name"]
        entries = [unwrapped(c) for c in unwrapped(pairs)] if isinstance(unwrapped(pairs), list) else []
        at = next((i for i, c in enumerate(entries) if unwrapped(c.get("quantized")) == name), None)
        return ("comparisons", at, *rest) if at is not None else None
    return path


def first_hole(document: Mapping[str, Any], component: Component, regime: int) -> Path | None:
    """The first hole that keeps a component of a regime from being answered."""
    for path in places_of(document, component, regime):
        node, reached = descend(document, path)
        if not reached:
            continue
        found = next(holes(node), None)
        if found is not None:
            return path
    return None
