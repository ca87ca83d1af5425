"""What the pages of an audit record say of a claim, in the claimant's words: a flat, printable view of a `Claim`."""

from __future__ import annotations

from typing import Any

from lynxspec.claim import Claim, Frozen, NotApplicable, Regime, Unknown, present
from lynxspec.claim.accuracy import Criterion
from lynxspec.claim.calibration import Calibration, NoneNeeded
from lynxspec.claim.precision import PerBlock, PerChannel, PerGroup, Quantized, Unquantized
from lynxspec.claim.toolchain import Quantizer, Runtime, ToolChain
from verifier.judge.case import bounded

TENSOR_CLASSES = (
    "weights",
    "activations",
    "outputs",
    "bias",
    "accumulator",
    "embeddings",
    "head",
    "kv_cache_key",
    "kv_cache_value",
    "state",
)
"""Tensor classes of a claim, in the order in which they are printed."""


class Fact(Frozen):
    """A labelled value as the claim states it."""

    label: str
    """What it is."""
    value: str
    """The value in words."""


class StatedAccuracy(Frozen):
    """A claimed metric value."""

    metric: str
    """Handle of the metric."""
    value: float
    """Value in the metric's own unit."""


class StatedRegime(Frozen):
    """One regime as claimed."""

    name: str
    """Handle."""
    role: str
    """``reference`` or ``quantized``."""
    rate: str
    """Sustained rate with its window, or why there is none."""
    rate_per_s: float | None
    """The same as a number."""
    window_s: float | None
    """Window of that rate."""
    latency: str
    """Latency percentiles, or why there are none."""
    accuracy: tuple[StatedAccuracy, ...]
    """Metric values; empty if none are stated."""
    memory: str
    """Peak memory, or why it is not stated."""
    precision: tuple[Fact, ...]
    """Scheme of each tensor class."""
    recipe: tuple[Fact, ...]
    """Quantization, calibration, tools."""


class ClaimSummary(Frozen):
    """All that the pages quote from the claim."""

    id: str
    """Handle of the claim."""
    title: str
    """Its title."""
    statement: str
    """The statement as published, or why there is none."""
    issuer: str
    """Who claims."""
    contact: str
    """How to reach them."""
    measured_by: str
    """Who measured, with their independence."""
    nature: str
    """Measured, estimated or projected."""
    date: str
    """Day of the claim."""
    model: tuple[Fact, ...]
    """The model."""
    hardware: tuple[Fact, ...]
    """The system."""
    workload: tuple[Fact, ...]
    """Load and evaluation."""
    metric: str
    """Headline metric, that of the criterion if there is one."""
    margin: float | None
    """Largest acceptable loss in the metric's own unit, if the criterion states an absolute one."""
    margin_share: float | None
    """Largest acceptable loss as a share of the reference, if the criterion is relative."""
    better: str
    """``higher`` or ``lower``."""
    criterion_reference: str | None
    """Regime that the criterion holds the others against."""
    item: str
    """What one item of the rate is."""
    throughput_tolerance: float
    """Relative tolerance of rates."""
    regimes: tuple[StatedRegime, ...]
    """Regimes in the claim's order."""


def words(value: Any) -> str:  # noqa: ANN401, PLR0911 - any value that a claim may hold, one line per kind
    """A claimed value in words, absences with their reason."""
    if isinstance(value, NotApplicable):
        return f"not applicable: {value.not_applicable}"
    if isinstance(value, Unknown):
        return f"not known to the claimant: {value.unknown}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(words(v) for v in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {words(v)}" for key, v in value.items()) or "none"
    if isinstance(value, Frozen):
        return ", ".join(f"{k.replace('_', ' ')} {words(v)}" for k, v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _granularity(value: Any) -> str:  # noqa: ANN401 - one of the granularity models
    kind = str(value.kind).replace("_", " ")
    if isinstance(value, PerChannel):
        return f"{kind} (axis {value.axis})"
    if isinstance(value, PerGroup):
        return f"{kind} of {value.group_size} (axis {value.axis})"
    if isinstance(value, PerBlock):
        return f"{kind} {value.rows} x {value.columns}"
    return kind


def _scheme(value: Any) -> str:  # noqa: ANN401 - a scheme, a format or an absence
    if isinstance(value, Unquantized):
        return str(value.format)
    if isinstance(value, Quantized):
        return f"{value.format}, {_granularity(value.granularity)}, {value.symmetry}, {value.timing}"
    return words(value)


def _calibration(value: Any) -> tuple[Fact, ...]:  # noqa: ANN401 - a calibration or an absence
    if isinstance(value, NoneNeeded):
        return (Fact(label="Calibration", value=f"none needed: {value.none_needed}"),)
    if not isinstance(value, Calibration):
        return (Fact(label="Calibration", value=words(value)),)
    data, method = present(value.data), present(value.method)
    return (
        Fact(
            label="Calibration data",
            value=words(value.data)
            if data is None
            else f"{data.samples} items of {data.dataset}, {data.order}; stands for: {data.represents}; "
            f"overlap with the evaluation set: {data.overlap_with_evaluation}",
        ),
        Fact(label="Calibration method", value=words(value.method) if method is None else words(method)),
    )


def tools(chain: ToolChain) -> tuple[tuple[str, Quantizer | Runtime | NotApplicable | Unknown], ...]:
    """Quantizer and runtime, or why there is none."""
    return ("Quantizer", chain.quantizer), ("Runtime", chain.runtime)


def _recipe(regime: Regime) -> tuple[Fact, ...]:
    quantization = present(regime.quantization)
    facts = [
        Fact(
            label="Quantization",
            value=words(regime.quantization)
            if quantization is None
            else f"{quantization.algorithm}, {quantization.approach.replace('_', ' ')}",
        ),
        *_calibration(regime.calibration),
    ]
    policy = present(regime.mixed_precision)
    if policy is None:
        facts.append(Fact(label="Mixed precision", value=words(regime.mixed_precision)))
    else:
        exceptions = "; ".join(f"{words(e.selector.values)} in {e.format} ({e.reason})" for e in policy.exceptions)
        facts.append(
            Fact(
                label="Mixed precision",
                value=f"first layer {policy.first_layer}, last layer {policy.last_layer}, "
                f"exceptions: {exceptions or 'none'}",
            )
        )
    for label, tool in tools(regime.toolchain):
        known = None if isinstance(tool, NotApplicable | Unknown) else tool
        text = words(tool) if known is None else f"{known.name} {known.version} ({words(known.options)})"
        facts.append(Fact(label=label, value=text))
    return tuple(facts)


def _regime(regime: Regime) -> StatedRegime:
    sustained, latency = present(regime.performance.sustained), present(regime.performance.latency)
    accuracy = present(regime.accuracy) or ()
    rate = words(regime.performance.sustained) if sustained is None else f"{sustained.rate} over {sustained.window}"
    return StatedRegime(
        name=regime.name,
        role=regime.role,
        rate=rate,
        rate_per_s=None if sustained is None else sustained.rate.base,
        window_s=None if sustained is None else sustained.window.base,
        latency=words(regime.performance.latency)
        if latency is None
        else f"p50 {latency.p50}, p90 {latency.p90}, p99 {words(latency.p99)}",
        accuracy=tuple(StatedAccuracy(metric=a.metric, value=a.value) for a in accuracy),
        memory=words(regime.peak_memory),
        precision=tuple(
            Fact(label=name, value=_scheme(value)) for name, value in regime.precision if name in TENSOR_CLASSES
        ),
        recipe=_recipe(regime),
    )


def _hardware(claim: Claim) -> tuple[Fact, ...]:
    system, host = claim.hardware, claim.hardware.host
    rows = {
        "System": f"{system.count} x {system.vendor} {system.product} ({system.kind})",
        "Form factor": words(system.form_factor),
        "Memory": words(system.memory),
        "Power": words(system.power),
        "Clocks": words(system.clocks),
        "Cooling": words(system.cooling),
        "Partition": words(system.partition),
        "Host": f"{host.cpu}, {host.logical_cpus} logical processors, {host.memory}",
        "Host system": f"{host.os}, kernel {host.kernel}, virtualization {words(host.virtualization)}",
        "Driver": words(system.stack.driver),
        "Toolkit": words(system.stack.toolkit),
    }
    return tuple(Fact(label=k, value=v) for k, v in rows.items())


def _workload(claim: Claim) -> tuple[Fact, ...]:
    load, evaluation = claim.load, claim.evaluation
    criterion, relevance = present(evaluation.criterion), present(evaluation.relevance)
    if criterion is None:
        accepted = words(evaluation.criterion)
    else:
        metric = next((m for m in evaluation.metrics if m.name == criterion.metric), None)
        worse = "above" if metric is not None and metric.better == "lower" else "below"
        accepted = f"{criterion.metric} at most {criterion.margin} {worse} {criterion.reference}"
    rows = {
        "Load": f"{load.scenario.replace('_', ' ')}, batch {load.batch}, concurrency {load.concurrency}, "
        f"{load.shapes}, {load.window} after {load.warm_up} warm-up",
        "Latency budget": words(load.latency_budget),
        "Evaluation set": f"{words(evaluation.dataset)}, {words(evaluation.samples)} items",
        "Acceptance criterion": accepted,
        "Relevance": words(evaluation.relevance)
        if relevance is None
        else f"{relevance.kind.replace('_', ' ')}: {relevance.workload}; {relevance.why}",
    }
    return tuple(Fact(label=k, value=v) for k, v in rows.items())


def _margin(criterion: Criterion | None) -> tuple[float | None, float | None]:
    """Absolute and relative margin; one of them is `None`."""
    if criterion is None:
        return None, None
    if criterion.margin.unit == "%":
        return None, criterion.margin.value / 100
    return criterion.margin.value / (100 if criterion.margin.unit == "points" else 1), None


def summarize(claim: Claim) -> ClaimSummary:
    """The printable view of ``claim``."""
    identity, model = claim.identity, claim.model
    criterion = present(claim.evaluation.criterion)
    metrics = {m.name: m for m in claim.evaluation.metrics}
    headline = criterion.metric if criterion else next(iter(metrics), "")
    margin, share = _margin(criterion)
    statement = present(identity.statement)
    return ClaimSummary(
        id=identity.id,
        title=identity.title,
        statement=words(identity.statement) if statement is None else statement.text,
        issuer=identity.issuer.name,
        contact=words(identity.issuer.contact),
        measured_by=f"{identity.measured_by.name} ({identity.measured_by.independence})",
        nature=identity.nature,
        date=identity.date,
        model=(
            Fact(label="Model", value=model.name),
            Fact(label="Revision", value=words(model.revision)),
            Fact(label="Family and task", value=f"{model.family.replace('_', ' ')}, {model.task}"),
            Fact(label="Parameters", value=words(model.parameters)),
        ),
        hardware=_hardware(claim),
        workload=_workload(claim),
        metric=headline,
        margin=margin,
        margin_share=share,
        better=metrics[headline].better if headline in metrics else "higher",
        criterion_reference=criterion.reference if criterion else None,
        item=claim.load.item,
        throughput_tolerance=bounded(claim).reproduction.tolerances.throughput.base,
        regimes=tuple(_regime(r) for r in claim.regimes),
    )
