"""Shapes, input types or tensor classes are not those of the stated model.

## What it checks
The shapes of calibration and load against fixed model inputs and against the batch; the element type of inputs
against what they hold; tensor classes that the model family does not have.

## Why it matters to a buyer
Ranges that were calibrated on other shapes, and rates that were taken on smaller inputs, belong to another
workload.

## Disclose instead
The shapes and types as they are in the model file, and those that were run.

## References
None beyond the claim format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.regimes import activations, calibration_data, numbered, quantized, schemes
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component, ModelFamily

_FIXED_SHAPE = re.compile(r"^\s*\d+(?:\s*[x×,]\s*\d+)*\s*$")


def _shapes(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    texts: list[tuple[Path, str, str | None]] = [(("load", "shapes"), claim.load.shapes, None)]
    for path, regime in quantized(claim):
        data = calibration_data(regime)
        if data is not None:
            texts.append(((*path, "calibration", "data", "shape"), data.shape, regime.name))
    tails = [tuple(size for size in tensor.shape[1:] if isinstance(size, int)) for tensor in claim.model.inputs]
    fixed = [tail for tail, tensor in zip(tails, claim.model.inputs, strict=True) if len(tail) == len(tensor.shape) - 1]
    inputs = tuple(
        ("model", "inputs", i, "shape", j)
        for i, tensor in enumerate(claim.model.inputs)
        for j in range(len(tensor.shape) + 1)
    )
    for path, text, name in texts:
        sizes = [word.strip() for word in re.split(r"\s[x×]\s|,", text)]
        odd = [
            word
            for word in sizes
            if re.fullmatch(r"-?[0-9.]+(?:e[0-9]+)?", word) and not re.fullmatch(r"[1-9]\d{0,8}", word)
        ]
        if odd:
            yield Hit(message=f"{odd[0]!r} in the shape {text!r} is no size", at=(path,), regime=name)
        elif _FIXED_SHAPE.match(text) and len(fixed) == len(tails):
            given = tuple(int(word) for word in re.findall(r"\d+", text))
            if not any(given[len(given) - len(tail) :] == tail and 0 <= len(given) - len(tail) <= 1 for tail in fixed):
                message = f"the shape {text!r} is not that of a model input"
                yield Hit(message=message, at=(path, *inputs), regime=name)
    timed = re.match(r"\s*(\d+)\s*[x×]", claim.load.shapes)
    if timed and _FIXED_SHAPE.match(claim.load.shapes) and int(timed[1]) != claim.load.batch:
        message = f"the shape {claim.load.shapes!r} starts with {timed[1]}, the batch is {claim.load.batch}"
        yield Hit(message=message, at=(("load", "shapes"), ("load", "batch")), severity=Severity.INFO)


_NUMERIC, _SIZE = re.compile(r"-?[0-9.]+(?:e[0-9]+)?"), re.compile(r"[1-9]\d{0,8}")
_NOT_PIXELS = frozenset({"int64", "int32", "bool", "string"})
_NOT_TOKENS = frozenset({"float32", "float16", "bfloat16", "bool", "string"})
_WIDTHS = {"float16": "fp16", "bfloat16": "bf16"}
_SCALED = re.compile(r"divid|normal|standardi|mean|scaled|\[0, ?1\]|0 to 1", re.IGNORECASE)


def _input_types(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    reference = claim.reference
    floats = activations(reference) if reference is not None else None
    timed = next((d for d in claim.data if d.name == claim.load.dataset), None)
    for index, tensor in enumerate(claim.model.inputs):
        name = tensor.name.lower()
        if claim.model.family is ModelFamily.CONVOLUTIONAL and tensor.dtype in _NOT_PIXELS:
            message = f"input {tensor.name!r} of a convolutional network has type {tensor.dtype}"
        elif re.search(r"\bids?\b|_ids?$|token", name) and tensor.dtype in _NOT_TOKENS:
            message = f"input {tensor.name!r} holds token numbers in {tensor.dtype}"
        elif tensor.dtype in _WIDTHS and floats is not None and floats.format != _WIDTHS[tensor.dtype]:
            message = f"input {tensor.name!r} has type {tensor.dtype}, the reference's activations are {floats.format}"
        elif tensor.dtype in {"uint8", "int8"} and timed is not None and _SCALED.search(timed.preprocessing):
            message = (
                f"input {tensor.name!r} has type {tensor.dtype}, but its values are scaled: {timed.preprocessing!r}"
            )
        else:
            continue
        at: Path = ("model", "inputs", index)
        yield Hit(message=message, at=((*at, "dtype"), (*at, "name")))


def _classes(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    odd = {
        ModelFamily.CONVOLUTIONAL: {"kv_cache_key", "kv_cache_value", "state"},
        ModelFamily.RECURRENT: {"kv_cache_key", "kv_cache_value"},
    }
    for path, regime in numbered(claim):
        for name, _ in schemes(regime):
            if name in odd.get(claim.model.family, set()):
                yield Hit(
                    message=f"{regime.name}: a {claim.model.family} model has no {name}",
                    at=((*path, "precision", name, "format"), ("model", "family")),
                    regime=regime.name,
                )


RULES = (
    Rule(
        code="LXS408",
        name="shape-differs-from-inputs",
        severity=Severity.WARNING,
        component=Component.WORKLOAD_RELEVANCE,
        summary="calibration or load have another shape than the model's inputs",
        remedy="state the shapes that were run",
        question="With which input shapes was the model calibrated and timed?",
        check=_shapes,
    ),
    Rule(
        code="LXS409",
        name="tensor-class-foreign-to-family",
        severity=Severity.WARNING,
        component=Component.MODEL_FAMILY,
        summary="a tensor class is given that the model family does not have",
        remedy="correct the family, or mark the class as not applicable",
        question="Which family is the model of?",
        check=_classes,
    ),
    Rule(
        code="LXS410",
        name="input-type-unlikely",
        severity=Severity.INFO,
        component=None,
        summary="an input's element type does not fit what it holds",
        remedy="state the type as it is in the model file",
        question="",
        check=_input_types,
    ),
)
