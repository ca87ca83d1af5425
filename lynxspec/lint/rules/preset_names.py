"""A name promises another scheme than the fields state.

## What it checks
Formats and presets named in a regime's handle, in the claim's title and statement and in the handles of its files
(``int4``, ``W8A8``, ``FP8-dynamic``, ``Q4_K_M``) against the schemes of the regimes. A regime's own name must fit
its own weights and activations; a name in the title or statement must fit at least one quantized regime. A name
that stands for a mix of block types asks for the exceptions.

## Why it matters to a buyer
The name is what gets quoted in an offer. "INT4" over 8-bit weights, or "W8A8" over a weight-only model, promises
memory or speed that the fields do not.

## Disclose instead
A name that follows the fields, or the scheme of each tensor class that the name stands for.

## References
compressed-tensors preset schemes; GGUF file types ("MOSTLY_Q4_K_M" is a mix); OCP Microscaling Formats 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.precision import Quantized
from lynxspec.draft import Draft
from lynxspec.facts.presets import Preset, mentioned
from lynxspec.lint.regimes import activations, mixed_precision, numbered, quantization, quantized, weights
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Approach, Component


def _breaks(preset: Preset, regime: Regime) -> tuple[str, tuple[str, ...]] | None:
    """What of the regime does not fit the preset, and the field that says so."""
    stored, acts, how = weights(regime), activations(regime), quantization(regime)
    if stored is not None and preset.weights and stored.format not in preset.weights:
        return f"weights are in {stored.format}", ("precision", "weights", "format")
    if acts is not None and preset.activations and acts.format not in preset.activations:
        return f"activations are in {acts.format}", ("precision", "activations", "format")
    if isinstance(acts, Quantized) and preset.timing is not None and acts.timing != preset.timing:
        return f"activation scales are {acts.timing}", ("precision", "activations", "timing")
    if how is not None and preset.approach is not None and how.approach not in {preset.approach, Approach.QAT}:
        return f"the approach is {how.approach}", ("quantization", "approach")
    return None


def _own_name(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in numbered(claim) if claim else ():
        file = present(regime.artifact)
        names: list[tuple[Path, str]] = [((*path, "name"), regime.name)]
        if file is not None:
            names.append(((*path, "artifact", "name"), file.name))
        for place, name in names:
            for word, preset in mentioned(name):
                broken = _breaks(preset, regime)
                if broken is not None:
                    yield Hit(
                        message=f"the name {name!r} says {word}, but {broken[0]}",
                        at=(place, (*path, *broken[1])),
                        regime=regime.name,
                        effect=Effect.CONTRADICTS,
                    )
                    break


def _statement(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    regimes = list(quantized(claim))
    texts: list[tuple[Path, str]] = [(("identity", "title"), claim.identity.title)]
    statement = present(claim.identity.statement)
    if statement is not None:
        texts.append((("identity", "statement", "text"), statement.text))
    for place, text in texts:
        for word, preset in mentioned(text):
            broken = [(path, _breaks(preset, regime)) for path, regime in regimes]
            if broken and all(reason is not None for _, reason in broken):
                fields = tuple((*path, *reason[1]) for path, reason in broken if reason is not None)
                reasons = "; ".join(reason[0] for _, reason in broken if reason is not None)
                yield Hit(
                    message=f"the text says {word}, but {reasons}", at=(place, *fields), effect=Effect.CONTRADICTS
                )


def _mix(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in quantized(claim) if claim else ():
        policy = mixed_precision(regime)
        stored = weights(regime)
        if stored is None or not stored.format.startswith("ggml_") or (policy is not None and policy.exceptions):
            continue
        yield Hit(
            message=f"{regime.name}: files of block type {stored.format} are mixes, yet no exception is listed",
            at=((*path, "mixed_precision"), (*path, "precision", "weights", "format")),
            regime=regime.name,
            effect=Effect.WEAKENS,
        )


RULES = (
    Rule(
        code="LXS341",
        name="name-contradicts-fields",
        severity=Severity.ERROR,
        component=Component.PRECISION_FORMAT,
        summary="a regime's or file's name says another scheme than its fields",
        remedy="rename it, or correct the fields",
        question="Which format do weights and activations really have?",
        check=_own_name,
    ),
    Rule(
        code="LXS342",
        name="statement-contradicts-fields",
        severity=Severity.ERROR,
        component=Component.PRECISION_FORMAT,
        summary="title or statement name a scheme that no quantized regime has",
        remedy="state the scheme of the fields, or add the regime that the words stand for",
        question="Which regime does the format in your statement stand for?",
        check=_statement,
    ),
    Rule(
        code="LXS343",
        name="block-type-mix-not-listed",
        severity=Severity.WARNING,
        component=Component.MIXED_PRECISION_POLICY,
        summary="a file type that is a mix of block types lists no exceptions",
        remedy="list the tensors that are stored in another block type",
        question="Which tensors of the file have another type than the name says?",
        check=_mix,
    ),
)
