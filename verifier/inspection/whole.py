"""All that is read from one model file: tensor and product groups, every weight and layer by name, bits per weight."""

from __future__ import annotations

from typing import Any

from verifier.inspection.graph import load
from verifier.inspection.ledger import layers, operator_groups, product_rows, survey, tensor_groups
from verifier.inspection.storage import storage


def inspect(path: str) -> dict[str, Any]:
    """The parts of a `verifier.evidence.PrecisionLedger`, and every weight with its place."""
    model = load(path)
    found = survey(model)
    return {
        "tensors": tensor_groups(found.entries),
        "operators": [dict(group, time_share=None) for group in operator_groups(found.products)],
        "layers": product_rows(found.products),
        "storage": storage(model),
        **layers(found),
    }
