"""A number is beyond what the stated hardware can do.

## What it checks
Formats that the hardware's matrix units lack (computing in them is then dequantized or emulated; storing in them is
always possible); rates above dense or sparse peak, from the lower bound of two operations per active parameter and
item; decoding above the memory bandwidth, from reading the active weights once per step; model files larger than
the memory; the verifier's speed probe above the processor's FP32 peak.

## Why it matters to a buyer
These bounds need no run. Whatever exceeds them was measured on something else, counts something else, or was not
measured.

## Disclose instead
What explains it: dequantization or emulation, structured sparsity, speculative decoding, prefix caching,
offloading. Or the corrected number.

## References
The hardware and format tables of this package name their source in every row. Williams, Waterman and Patterson
2009, "Roofline".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.claim import Claim, Regime, present
from lynxspec.draft import Draft
from lynxspec.facts.formats import Support, peak_class, supports
from lynxspec.facts.hardware import Entry, candidates
from lynxspec.lint.regimes import activations, bits, numbered, parameters, sustained, weights
from lynxspec.lint.rule import Confidence, Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component, ModelFamily, NumberFormat

_CPU_INT8_PER_CYCLE = 2048
"""AMX INT8 operations per core and cycle, the most that any row of the hardware table gives a CPU."""
_CPU_FP32_PER_CYCLE = 64
"""Two AVX-512 units with fused multiply-add on 16 lanes."""
_CPU_CLOCK = 6.0e9
"""No server or desktop processor of the table's years runs faster."""

_ORDINARY = frozenset({NumberFormat.INT8, NumberFormat.UINT8, NumberFormat.BF16, NumberFormat.TF32})
"""Formats that ordinary cores handle where matrix units do not."""
_ADMITTED = re.compile(r"emulat|simulat|dequanti|fake.?quant|upcast|cast to", re.IGNORECASE)
_ONE_PASS = frozenset({ModelFamily.CONVOLUTIONAL, ModelFamily.TRANSFORMER_ENCODER, ModelFamily.TRANSFORMER_DECODER})
"""Families of which every active parameter, embeddings aside, is used at least once per item or token."""


def _entries(claim: Claim) -> tuple[Entry, ...]:
    form = present(claim.hardware.form_factor)
    found = candidates(f"{claim.hardware.product} {form}" if form else claim.hardware.product)
    return found or candidates(claim.hardware.product)


def _admits(claim: Claim, regime: Regime) -> bool:
    """Whether the claim says that the format is not computed in."""
    policy = present(regime.mixed_precision)
    quantization = present(regime.quantization)
    texts = [claim.identity.title, present(regime.toolchain.container) or ""]
    statement = present(claim.identity.statement)
    texts += [statement.text] if statement else []
    texts += [entry.reason for entry in policy.exceptions] if policy else []
    texts += [str(value) for value in quantization.parameters.values()] if quantization else []
    runtime = present(regime.toolchain.runtime)
    texts += [f"{key} {value}" for key, value in runtime.options.items()] if runtime else []
    return any(_ADMITTED.search(text) for text in texts)


def _format(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    found = _entries(claim) if claim else ()
    if claim is None or not found:
        return
    for path, regime in numbered(claim):
        acts = activations(regime)
        if acts is None:
            continue
        answers = {supports(entry, NumberFormat(acts.format)) for entry in found}
        if Support.YES in answers or answers == {Support.UNKNOWN}:
            continue
        if answers == {Support.NO}:
            severity = Severity.WARNING if acts.format in _ORDINARY else Severity.ERROR
            said = "has no matrix unit for"
        else:
            severity, said = Severity.INFO, "supports only in part or for all we know"
        if _admits(claim, regime):
            severity = Severity.INFO
        yield Hit(
            message=f"{regime.name}: {found[0].product} ({found[0].target}) {said} {acts.format}: values are "
            "dequantized or emulated; say which",
            at=((*path, "precision", "activations", "format"), ("hardware", "product")),
            regime=regime.name,
            severity=severity,
            effect=Effect.WEAKENS if severity > Severity.INFO else Effect.NONE,
        )


def _peaks(claim: Claim, regime: Regime) -> tuple[float, float] | None:
    """Most operations per second without and with sparsity, of everything that the product may mean."""
    count = claim.hardware.count
    if claim.hardware.kind == "cpu":
        peak = claim.hardware.host.logical_cpus * _CPU_INT8_PER_CYCLE * _CPU_CLOCK * count
        return peak, peak
    acts = activations(regime)
    name = peak_class(NumberFormat(acts.format)) if acts is not None else None
    best: tuple[float, float] | None = None
    for entry in _entries(claim):
        dense = entry.dense.get(name or "") or max(entry.dense.values(), default=0.0)
        dense *= 2 if entry.grade == "B" else 1  # consumer parts: FP16 accumulation may double the sourced rate
        if not dense:
            return None
        total = dense * 1e12 * count
        best = max(best or (0.0, 0.0), (total, total * max(entry.sparse_factor, 1.0)))
    return best


def _above_peak(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    counted = parameters(claim) if claim else None
    if claim is None or counted is None or claim.model.family not in _ONE_PASS:
        return
    if claim.model.family is not ModelFamily.TRANSFORMER_DECODER and claim.load.item in {"tokens", "words", "frames"}:
        return
    for path, regime in numbered(claim):
        rate, peaks = sustained(regime), _peaks(claim, regime)
        if rate is None or peaks is None:
            continue
        dense, sparse = peaks
        work = 2.0 * counted.active * rate.rate.base
        said = (
            f"{regime.name}: {rate.rate} of {counted.active:.3g} active parameters is at least {work:.3g} operations/s"
        )
        at: tuple[Path, ...] = (
            (*path, "performance", "sustained", "rate"),
            ("model", "parameters", "active"),
            ("hardware", "count"),
        )
        if work / 2 > sparse:  # half of the parameters may be embeddings, which are looked up and not multiplied
            yield Hit(
                message=f"{said}, above the peak of {sparse:.3g} even with sparsity",
                at=at,
                regime=regime.name,
                effect=Effect.CONTRADICTS,
            )
        elif work > dense:
            yield Hit(
                message=f"{said}, above the dense peak of {dense:.3g}: sparsity, caching or untouched embeddings "
                "must explain it",
                at=at,
                regime=regime.name,
                severity=Severity.WARNING,
                confidence=Confidence.LIKELY,
                effect=Effect.WEAKENS,
            )


def _above_bandwidth(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    counted = parameters(claim) if claim else None
    if claim is None or counted is None or claim.load.item != "tokens":
        return
    if claim.model.family is not ModelFamily.TRANSFORMER_DECODER:
        return
    known = [entry.bandwidth_gb_s for entry in _entries(claim)]
    bandwidths = [width for width in known if width is not None]
    if not bandwidths or len(bandwidths) != len(known):
        return
    bandwidth = max(bandwidths) * 1e9 * claim.hardware.count
    in_flight = claim.load.batch * claim.load.concurrency
    for path, regime in numbered(claim):
        rate, stored = sustained(regime), weights(regime)
        width = bits(stored.format) if stored is not None else None
        if rate is None or width is None:
            continue
        needed = rate.rate.base / in_flight * counted.active * width / 8
        if needed > bandwidth:
            yield Hit(
                message=f"{regime.name}: {rate.rate} with {in_flight} in flight reads {needed:.3g} B/s of weights, "
                f"memory gives {bandwidth:.3g}: speculative decoding, prefix caching or counted prompt tokens must "
                "explain it",
                at=((*path, "performance", "sustained", "rate"), ("load", "batch"), ("load", "concurrency")),
                regime=regime.name,
                confidence=Confidence.LIKELY,
                effect=Effect.WEAKENS,
            )


def _too_large(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    machine = claim.hardware
    memory = present(machine.memory)
    listed = [size for entry in _entries(claim) for size in entry.memory_gb]
    host = machine.host.memory.base
    if machine.kind == "cpu":
        own = host
    elif memory is not None:
        own = memory.base * machine.count
    elif listed:
        own = max(listed) * 1e9 * machine.count
    else:
        return
    for path, regime in numbered(claim):
        file = present(regime.artifact)
        if file is None or file.size.base <= own:
            continue
        offloads = machine.kind != "cpu" and file.size.base <= own + host
        yield Hit(
            message=f"{regime.name}: a model of {file.size} in {own:.3g} B of memory"
            + (": part of it must lie in host memory" if offloads else ""),
            at=(
                (*path, "artifact", "size"),
                ("hardware", "memory"),
                ("hardware", "host", "memory"),
                ("hardware", "count"),
            ),
            regime=regime.name,
            severity=Severity.WARNING if offloads else Severity.ERROR,
            effect=Effect.WEAKENS,
        )


def _probe(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    probe = present(claim.hardware.speed_probe) if claim else None
    if claim is None or probe is None:
        return
    flops = probe.base * 1e9
    at: tuple[Path, ...] = (("hardware", "speed_probe"), ("hardware", "host", "logical_cpus"), ("hardware", "product"))
    if claim.hardware.kind == "cpu":
        most = claim.hardware.host.logical_cpus * _CPU_FP32_PER_CYCLE * _CPU_CLOCK
    else:
        known = [max(e.dense.get("fp32", 0.0), e.dense.get("tf32", 0.0)) for e in _entries(claim)]
        most = max(known, default=0.0) * 1e12 * claim.hardware.count
    if most and flops > most:
        yield Hit(message=f"a speed probe of {probe}, above the FP32 peak of {most / 1e9:.4g} GFLOP/s", at=at)
    elif claim.hardware.kind == "cpu" and flops < 1e8 * claim.hardware.host.logical_cpus:
        yield Hit(message=f"a speed probe of {probe}: slower than any processor of its kind", at=at)


RULES = (
    Rule(
        code="LXS501",
        name="format-not-computed-by-hardware",
        severity=Severity.ERROR,
        component=Component.PRECISION_FORMAT,
        summary="the hardware has no unit that computes in the format of the activations",
        remedy="say whether values are dequantized or emulated, and in which format products run",
        question="In which format do the products run on this hardware?",
        check=_format,
    ),
    Rule(
        code="LXS502",
        name="rate-above-peak",
        severity=Severity.ERROR,
        component=Component.SUSTAINED_THROUGHPUT,
        summary="the rate needs more arithmetic than the hardware has",
        remedy="correct rate, count or parameters, or say what saves the arithmetic",
        question="What explains a rate above the arithmetic peak?",
        check=_above_peak,
    ),
    Rule(
        code="LXS503",
        name="decode-above-bandwidth",
        severity=Severity.WARNING,
        component=Component.SUSTAINED_THROUGHPUT,
        summary="decoding at this rate reads more weights than the memory delivers",
        remedy="say whether speculative decoding or prefix caching was on, and what is counted",
        question="Was speculative decoding or prefix caching on, and are prompt tokens counted?",
        check=_above_bandwidth,
    ),
    Rule(
        code="LXS504",
        name="model-larger-than-memory",
        severity=Severity.ERROR,
        component=Component.HARDWARE,
        summary="the model file does not fit the memory of the stated hardware",
        remedy="correct count or memory, or say which part is offloaded",
        question="How many accelerators held the model, and was part of it offloaded?",
        check=_too_large,
    ),
    Rule(
        code="LXS506",
        name="speed-probe-implausible",
        severity=Severity.WARNING,
        component=Component.HARDWARE,
        summary="the speed probe is above the processor's peak or below any processor",
        remedy="let the measuring command fill it in",
        question="",
        check=_probe,
    ),
)
