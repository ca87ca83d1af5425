"""How far a claim discloses each of the 23 components, regime by regime: the way from a `Claim` to a `Draft`.

``not_applicable`` counts only where it can be true; anywhere else it is no answer, and the component is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lynxspec.claim import Claim
from lynxspec.disclosure import numbers, results
from lynxspec.disclosure.numbers import DATA_DRIVEN, TENSOR_CLASSES, needs_calibration
from lynxspec.disclosure.results import SUSTAINED_WINDOW_S
from lynxspec.disclosure.subject import Subject, subject_of
from lynxspec.draft import Disclosure, Draft, DraftRegime, Ignore, Places
from lynxspec.location import Path
from lynxspec.vocabulary import Component

__all__ = ["DATA_DRIVEN", "SUSTAINED_WINDOW_S", "TENSOR_CLASSES", "assess", "draft_of", "needs_calibration"]


def draft_of(
    claim: Claim,
    *,
    source: str,
    places: Places,
    raw_numbers: Mapping[Path, str] | None = None,
    ignores: tuple[Ignore, ...] = (),
) -> Draft:
    """Assess the claim as rules and score read it: every component of every regime with status, value and place."""
    regimes = tuple(
        DraftRegime(name=regime.name, role=regime.role, path=("regimes", index), disclosures=assess(claim, index))
        for index, regime in enumerate(claim.regimes)
    )
    return Draft(
        source=source,
        kind="claim",
        places=places,
        regimes=regimes,
        claim=claim,
        raw_numbers={} if raw_numbers is None else raw_numbers,
        ignores=ignores,
    )


def assess(claim: Claim, index: int) -> dict[Component, Disclosure]:
    """Assess all 23 components for the regime at ``index``."""
    subject = subject_of(claim, index)
    return {component: _ASSESSMENTS[component](subject) for component in Component}


_ASSESSMENTS: dict[Component, Callable[[Subject], Disclosure]] = {
    Component.PRECISION_FORMAT: numbers.precision_format,
    Component.THROUGHPUT_GAIN: results.throughput_gain,
    Component.BASELINE: results.baseline,
    Component.TENSORS_QUANTIZED: numbers.tensors_quantized,
    Component.CALIBRATION_DATA: lambda s: numbers.calibration(s, "data"),
    Component.CALIBRATION_METHOD: lambda s: numbers.calibration(s, "method"),
    Component.TOOL_CHAIN: numbers.tool_chain,
    Component.RUNTIME: numbers.runtime,
    Component.MODEL_FAMILY: results.model_family,
    Component.MODEL_NAME: results.model_name,
    Component.GRANULARITY: numbers.granularity,
    Component.MIXED_PRECISION_POLICY: numbers.mixed_precision_policy,
    Component.EVALUATION_SET: results.evaluation_set,
    Component.ACCURACY_RESULT: results.accuracy_result,
    Component.ACCURACY_REFERENCE: results.accuracy_reference,
    Component.ACCEPTANCE_CRITERION: results.acceptance_criterion,
    Component.WORKLOAD_RELEVANCE: results.workload_relevance,
    Component.SUSTAINED_THROUGHPUT: results.sustained_throughput,
    Component.BATCH_OR_CONCURRENCY: results.batch_or_concurrency,
    Component.LATENCY: results.latency,
    Component.HARDWARE: results.hardware,
    Component.DRIVER_STACK: results.driver_stack,
    Component.PEAK_ONLY: results.peak_only,
}
