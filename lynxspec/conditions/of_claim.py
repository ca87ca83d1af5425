"""The conditions of a claim file."""

from __future__ import annotations

from lynxspec.claim import Absent, Claim, NotApplicable, Regime, present
from lynxspec.conditions.condition import UNKNOWN, Condition, Stated, metric_word, one_of, plain
from lynxspec.draft import DraftRegime


def of_claim(claim: Claim, quantized: tuple[DraftRegime, ...]) -> dict[Condition, Stated]:
    """Read them off the fields; per regime where they stand there."""
    names = {r.name for r in quantized}
    regimes = tuple(r for r in claim.regimes if r.name in names)
    hardware, load, evaluation = claim.hardware, claim.load, claim.evaluation
    data = present(evaluation.dataset)
    held = next((d for d in claim.data if d.name == data), None)
    power = present(hardware.power)
    metrics = evaluation.metrics
    return {
        Condition.MODEL: Stated(text=claim.model.name),
        Condition.REVISION: _answer(claim.model.revision),
        Condition.HARDWARE: Stated(text=_product(hardware.vendor, hardware.product)),
        Condition.COUNT: Stated(text=str(hardware.count)),
        Condition.MEMORY: _answer(hardware.memory),
        Condition.POWER: _answer(hardware.power)
        if power is None
        else _first(_answer(power.limit), _answer(power.mode)),
        Condition.SCENARIO: Stated(text=load.scenario),
        Condition.BATCH: Stated(text=str(load.batch)),
        Condition.CONCURRENCY: Stated(text=str(load.concurrency)),
        Condition.LENGTHS: Stated(text=load.shapes),
        Condition.LATENCY_BUDGET: _answer(load.latency_budget),
        Condition.RUNTIME: one_of(_runtime(regime) for regime in regimes),
        Condition.REFERENCE: _reference(claim),
        Condition.EVALUATION_SET: Stated(
            text=f"{held.title}, {present(held.split) or 'unknown'} split",
            names=frozenset({plain(held.title)}),
            digest=held.sha256,
        )
        if held is not None
        else _answer(evaluation.dataset),
        Condition.METRIC: Stated(
            text=", ".join(m.name for m in metrics),
            names=frozenset(metric_word(m.name if m.kind == "other" else m.kind) for m in metrics),
        ),
        Condition.WINDOW: one_of(_window(regime) for regime in regimes),
    }


def _product(vendor: str, product: str) -> str:
    return product if vendor.lower() in product.lower() else f"{vendor} {product}"


def _answer(answer: object) -> Stated:
    """An answer of a claim, whatever its kind."""
    if isinstance(answer, NotApplicable):
        return Stated(applies=False, note=answer.not_applicable)
    value = present(answer)
    return UNKNOWN if value is None else Stated(text=str(value))


def _first(*stated: Stated) -> Stated:
    return next((s for s in stated if s.known), stated[0])


def _runtime(regime: Regime) -> Stated:
    runtime = present(regime.toolchain.runtime)
    if runtime is None:
        return _answer(regime.toolchain.runtime)
    parts = (runtime.name, runtime.version, runtime.provider)
    return Stated(text=f"{runtime.name} {runtime.version}, {runtime.provider}", parts=parts)


def _reference(claim: Claim) -> Stated:
    precision = claim.reference.precision if claim.reference else None
    if precision is None or isinstance(precision.weights, Absent):
        return UNKNOWN
    weights, activations = precision.weights.format, precision.activations
    if isinstance(activations, Absent) or activations.format == weights:
        return Stated(text=str(weights))
    return Stated(text=f"{weights}, activations {activations.format}")


def _window(regime: Regime) -> Stated:
    sustained = present(regime.performance.sustained)
    return UNKNOWN if sustained is None else Stated(text=str(sustained.window))
