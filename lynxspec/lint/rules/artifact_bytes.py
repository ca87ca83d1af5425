"""Digest, size and role of a file contradict each other, the parameters, or the formats.

## What it checks
A file that a regime and the model name must have one digest and one size; the same digest never stands for
reference and quantized model; a reference regime runs a reference model; the quantized file is smaller than the
reference; bytes fit the number of parameters times the bits of the stored formats; peak memory holds the file and
fits the machine.

## Why it matters to a buyer
Bytes are the hardest part of a claim to fake and the first that a verifier checks. A file that is too large for its
format was not quantized throughout; one that is too small is another model.

## Disclose instead
Digest and size as computed on the published file; which parts stay in higher precision.

## References
Bits per weight of block formats: GGUF 0.19 block sizes; OCP Microscaling Formats 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Absent, Claim, Regime, present
from lynxspec.draft import Draft
from lynxspec.lint.regimes import bits, mixed_precision, numbered, parameters, quantized, schemes
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

_SMALLER = 0.9
"""Shared tensors and compression can save a little; below this share of the computed bytes they cannot explain it."""
_LARGER = 1.6
_OVERHEAD = 1 << 20
"""Bytes of graph, tokenizer and metadata that any file may hold."""


def _same_file(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    known = {artifact.name: (index, artifact) for index, artifact in enumerate(claim.model.artifacts)}
    for path, regime in numbered(claim):
        file = present(regime.artifact)
        if file is None or file.name not in known:
            continue
        index, artifact = known[file.name]
        model: Path = ("model", "artifacts", index)
        if file.sha256 != artifact.sha256:
            yield Hit(
                message=f"two digests for {file.name!r}: {artifact.sha256[:12]}... and {file.sha256[:12]}...",
                at=((*path, "artifact", "sha256"), (*model, "sha256")),
                regime=regime.name,
            )
        if abs(file.size.base - artifact.bytes) > _rounding(file.size.value, file.size.base):
            yield Hit(
                message=f"two sizes for {file.name!r}: {artifact.bytes} B and {file.size}",
                at=((*path, "artifact", "size"), (*model, "bytes")),
                regime=regime.name,
            )


def _rounding(value: float, base: float) -> float:
    """Bytes that rounding to the printed digits can hide; a size in bytes is exact."""
    if value == base:
        return 0.0
    digits = len(f"{value:.12g}".split(".")[1]) if "." in f"{value:.12g}" else 0
    return 0.5 * base / value * float(10**-digits) + 1


def _roles(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    known = {artifact.name: (index, artifact) for index, artifact in enumerate(claim.model.artifacts)}
    wanted = {"reference": "reference_model", "quantized": "quantized_model"}
    for path, regime in numbered(claim):
        file = present(regime.artifact)
        if file is not None and file.name in known and known[file.name][1].role != wanted[regime.role]:
            index, artifact = known[file.name]
            yield Hit(
                message=f"the {regime.role} regime {regime.name!r} runs {file.name!r}, whose role is {artifact.role}",
                at=(("model", "artifacts", index, "role"), (*path, "artifact", "name")),
                regime=regime.name,
            )
    head = present(claim.evaluation.head)
    for index, artifact in enumerate(claim.model.artifacts):
        if (artifact.role == "head") != (artifact.name == head) and (artifact.role == "head" or head is not None):
            if artifact.role != "head" and artifact.name != head:
                continue
            yield Hit(
                message=f"{artifact.name!r} has the role {artifact.role}, evaluation.head is {head or 'not a file'}",
                at=(("model", "artifacts", index, "role"), ("evaluation", "head")),
                severity=Severity.WARNING,
            )
        local = present(artifact.uri)
        if local is not None and ":" not in local and artifact.supplied_by != "claimant":
            yield Hit(
                message=f"{artifact.name!r} lies beside the claim, yet is said to come from a {artifact.supplied_by}",
                at=(("model", "artifacts", index, "supplied_by"), ("model", "artifacts", index, "uri")),
                severity=Severity.INFO,
            )


def _not_smaller(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    reference = claim.reference if claim else None
    before = present(reference.artifact) if reference else None
    if claim is None or reference is None or before is None:
        return
    for path, regime in quantized(claim):
        after = present(regime.artifact)
        if after is None:
            continue
        at = ((*path, "artifact", "size"), *((*p, "artifact", "size") for p, r in numbered(claim) if r is reference))
        if after.sha256 == before.sha256:
            yield Hit(
                message=f"{regime.name} and {reference.name} are the same file",
                at=((*path, "artifact", "sha256"),),
                regime=regime.name,
                severity=Severity.ERROR,
                effect=Effect.CONTRADICTS,
            )
        elif after.size.base >= before.size.base:
            yield Hit(
                message=f"{regime.name} takes {after.size}, the reference {before.size}",
                at=at,
                regime=regime.name,
                effect=Effect.WEAKENS,
            )


def _bounds(claim: Claim, regime: Regime) -> tuple[float, float] | None:
    """Fewest and most bytes that the parameters can take in the formats that are declared for stored tensors."""
    counted = parameters(claim)
    if counted is None or isinstance(regime.precision.weights, Absent):
        return None
    stored = [bits(scheme.format) for name, scheme in schemes(regime) if name in {"weights", "embeddings", "head"}]
    policy = mixed_precision(regime)
    if policy is not None:
        exceptions = [bits(entry.format) for entry in policy.exceptions]
        stored += [bits(policy.first_layer), bits(policy.last_layer), *exceptions]
    widths = [width for width in stored if width is not None]
    if len(widths) != len(stored):
        return None
    return counted.total * min(widths) / 8, counted.total * max(widths) / 8


def _weight_bytes(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, regime in numbered(claim):
        bounds, file = _bounds(claim, regime), present(regime.artifact)
        if bounds is None or file is None:
            continue
        least, most = bounds
        at: tuple[Path, ...] = (
            (*path, "artifact", "size"),
            ("model", "parameters", "total"),
            (*path, "precision", "weights", "format"),
        )
        if file.size.base < _SMALLER * least:
            yield Hit(
                message=f"{file.size} is less than the parameters take in the declared formats ({least:.3g} B)",
                at=at,
                regime=regime.name,
                effect=Effect.WEAKENS,
            )
        elif file.size.base > _LARGER * most + _OVERHEAD:
            yield Hit(
                message=f"{file.size} is more than the parameters take in the declared formats ({most:.3g} B)",
                at=at,
                regime=regime.name,
                effect=Effect.WEAKENS,
            )
    counted = parameters(claim)
    if counted is not None and counted.active != counted.total:
        at = (("model", "parameters", "active"), ("model", "parameters", "total"))
        if counted.active > counted.total:
            yield Hit(message=f"{counted.active} active parameters of {counted.total}", at=at, component=None)
        else:
            share = counted.active / counted.total
            yield Hit(
                message=f"{share:.2%} of the parameters are active: a mixture of experts", at=at, severity=Severity.INFO
            )


def _memory(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    machine, memory = claim.hardware, present(claim.hardware.memory)
    for path, regime in numbered(claim):
        peak, file = present(regime.peak_memory), present(regime.artifact)
        if peak is None:
            continue
        if file is not None and peak.base < _SMALLER * file.size.base:
            yield Hit(
                message=f"peak memory {peak} is less than the model file ({file.size}); mapped files can explain it",
                at=((*path, "peak_memory"), (*path, "artifact", "size")),
                regime=regime.name,
                severity=Severity.WARNING,
            )
        room = machine.host.memory.base + (memory.base * machine.count if memory is not None else 0.0)
        if peak.base > room:
            yield Hit(
                message=f"peak memory {peak} is more than the machine has",
                at=((*path, "peak_memory"), ("hardware", "host", "memory"), ("hardware", "memory")),
                regime=regime.name,
                severity=Severity.ERROR,
            )


RULES = (
    Rule(
        code="LXS314",
        name="one-file-two-digests",
        severity=Severity.ERROR,
        component=None,
        summary="a regime and the model give other digests or sizes for one file",
        remedy="state digest and size as computed on the published file",
        question="What are the digest and the size of the file that was measured?",
        check=_same_file,
    ),
    Rule(
        code="LXS315",
        name="artifact-role-contradicted",
        severity=Severity.ERROR,
        component=None,
        summary="a file's role or origin does not fit how it is used",
        remedy="name the file that each regime runs, with its role and who supplied it",
        question="Which file did each regime run?",
        check=_roles,
    ),
    Rule(
        code="LXS316",
        name="quantized-not-smaller",
        severity=Severity.WARNING,
        component=Component.PRECISION_FORMAT,
        summary="the quantized file is not smaller than the reference",
        remedy="say which tensors stay in full precision and why the file does not shrink",
        question="Which tensors of the published file are stored in the quantized format?",
        check=_not_smaller,
    ),
    Rule(
        code="LXS317",
        name="bytes-do-not-fit-format",
        severity=Severity.WARNING,
        component=Component.PRECISION_FORMAT,
        summary="file size, number of parameters and stored formats do not fit",
        remedy="correct the number of parameters, or list the tensors that are stored otherwise",
        question="How many parameters does the model have and in which format is each stored?",
        check=_weight_bytes,
    ),
    Rule(
        code="LXS318",
        name="peak-memory-implausible",
        severity=Severity.WARNING,
        component=None,
        summary="peak memory is below the model file or above the machine's memory",
        remedy="state the largest resident memory of the process, model included",
        question="How was peak memory measured?",
        check=_memory,
    ),
)
