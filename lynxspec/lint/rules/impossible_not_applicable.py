"""Not applicable is no answer to a question that arises for every quantized model.

## What it checks
Answers of `not_applicable` where the question cannot be moot: accuracy, evaluation set, acceptance criterion,
relevance, gain, sustained throughput, runtime, weights and activations, and, for quantized regimes, quantizer, policy
and recipe; calibration where the recipe reads data; latency outside of offline scenarios.

## Why it matters to a buyer
It is the most comfortable way not to answer, and a table that counts it as an answer hides the hole.

## Disclose instead
Give the value, or `unknown` with the reason if you do not have it; that costs score, as a missing value does.

## References
OpenSSF Best Practices criteria: for each criterion it is set whether "N/A" is allowed and must be justified.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Claim, NotApplicable, Regime
from lynxspec.claim.calibration import Calibration
from lynxspec.disclosure import needs_calibration
from lynxspec.draft import Draft
from lynxspec.lint.regimes import quantized
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.location import Path, format_path
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    if draft.claim is None:
        return
    for path, answer, component in _answers(draft.claim):
        if isinstance(answer, NotApplicable):
            yield Hit(
                message=f"{format_path(path)} cannot be not applicable (given reason: {answer.not_applicable})",
                at=(path,),
                component=component,
            )


def _answers(claim: Claim) -> Iterator[tuple[Path, object, Component]]:
    """Everything that applies to each claim."""
    evaluation = claim.evaluation
    yield ("evaluation", "dataset"), evaluation.dataset, Component.EVALUATION_SET
    yield ("evaluation", "samples"), evaluation.samples, Component.EVALUATION_SET
    yield ("evaluation", "criterion"), evaluation.criterion, Component.ACCEPTANCE_CRITERION
    yield ("evaluation", "relevance"), evaluation.relevance, Component.WORKLOAD_RELEVANCE
    for i, comparison in enumerate(claim.comparisons):
        yield ("comparisons", i, "throughput_gain"), comparison.throughput_gain, Component.THROUGHPUT_GAIN
    for i, regime in enumerate(claim.regimes):
        base: Path = ("regimes", i)
        reference = regime.role == "reference"
        accuracy = Component.ACCURACY_REFERENCE if reference else Component.ACCURACY_RESULT
        yield (*base, "accuracy"), regime.accuracy, accuracy
        yield (*base, "performance", "sustained"), regime.performance.sustained, Component.SUSTAINED_THROUGHPUT
        yield (*base, "toolchain", "runtime"), regime.toolchain.runtime, Component.RUNTIME
        yield (*base, "precision", "weights"), regime.precision.weights, Component.PRECISION_FORMAT
        yield (*base, "precision", "activations"), regime.precision.activations, Component.TENSORS_QUANTIZED
        if claim.load.scenario != "offline":
            yield (*base, "performance", "latency"), regime.performance.latency, Component.LATENCY
    for base, regime in quantized(claim):
        yield from _recipe(base, regime)


def _recipe(base: Path, regime: Regime) -> Iterator[tuple[Path, object, Component]]:
    """What applies to each quantized regime."""
    yield (*base, "toolchain", "quantizer"), regime.toolchain.quantizer, Component.TOOL_CHAIN
    yield (*base, "mixed_precision"), regime.mixed_precision, Component.MIXED_PRECISION_POLICY
    yield (*base, "quantization"), regime.quantization, Component.CALIBRATION_METHOD
    if needs_calibration(regime):
        yield (*base, "calibration"), regime.calibration, Component.CALIBRATION_DATA
        if isinstance(regime.calibration, Calibration):
            yield (*base, "calibration", "data"), regime.calibration.data, Component.CALIBRATION_DATA
            yield (*base, "calibration", "method"), regime.calibration.method, Component.CALIBRATION_METHOD


RULE = Rule(
    code="LXS209",
    name="impossible-not-applicable",
    severity=Severity.WARNING,
    component=None,
    summary="Something that must apply is declared not applicable.",
    remedy="Give the value, or say unknown and why.",
    question="You state that this does not apply; every quantized model has it. What is its value?",
    check=_check,
)
