"""The mixed-precision policy on a graph: which nodes of an ONNX model a tool has to leave as they are.

Runs inside the worker process: standard library and onnx, syntax of Python 3.8.
"""

from __future__ import annotations

import fnmatch
from typing import Any

from verifier.onnxruntime_recipe import FLOATS, scheme


def excluded_nodes(model: Any, job: dict[str, Any]) -> set[str]:
    """Names of the nodes that stay in float by the mixed-precision policy."""
    from verifier.inspection.graph import label

    policy = job.get("mixed_precision") or {}
    names = [label(node) for node in model.graph.node]
    excluded: set[str] = set()
    for exception in policy.get("exceptions", ()):
        selector = exception["selector"]
        for value in selector["values"]:
            found = _selected(model, selector["kind"], value, names)
            if not found:
                raise ValueError(
                    "the exception for {} {!r} selects no node of the model that is quantized".format(
                        selector["kind"], value
                    )
                )
            excluded.update(found)
    ends = (("first_layer", policy.get("first_layer")), ("last_layer", policy.get("last_layer")))
    for end, fmt in ends:
        if fmt in FLOATS:
            excluded.update(_end(model, end))
    head, table = scheme(job, "head"), scheme(job, "embeddings")
    if head and head["format"] in FLOATS:
        excluded.update(_end(model, "last_layer"))
    if table and table["format"] in FLOATS:
        excluded.update(_tables(model))
    return excluded


def _selected(model: Any, kind: str, value: str, names: list[str]) -> set[str]:
    from verifier.inspection.graph import label

    if kind == "node":
        return {name for name in names if name == value}
    if kind == "glob":
        return {name for name in names if fnmatch.fnmatchcase(name, value)}
    if kind == "op_type":
        return {label(node) for node in model.graph.node if node.op_type == value}
    return _tables(model) if value == "embeddings" else _end(model, "last_layer")


def _end(model: Any, end: str) -> set[str]:
    """The products over the first or the last weight."""
    from verifier.inspection.ledger import survey

    found = [product for product in survey(model).products if product.weights]
    if not found:
        return set()
    weight = found[0 if end == "first_layer" else -1].weights[0].name
    return {product.node for product in found if product.weights[0].name == weight}


def _tables(model: Any) -> set[str]:
    from verifier.inspection.graph import label

    floats = {tensor.name for tensor in model.graph.initializer if tensor.data_type in (1, 10, 16)}
    return {label(n) for n in model.graph.node if n.op_type == "Gather" and n.input[0] in floats}
