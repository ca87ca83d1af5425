"""`validate` a document as a claim or a recipe, or name every way in which it is none, each with its place."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lynxspec.claim import Claim, Recipe
from lynxspec.document import Document
from lynxspec.errors import InvalidDocument
from lynxspec.location import Violation

__all__ = ["KINDS", "validate", "validate_as"]

KINDS: dict[str, type[Claim | Recipe]] = {"claim": Claim, "recipe": Recipe}
"""What a document's ``kind`` may say."""

MAX_VIOLATIONS = 1000
"""A file with more is not a claim with mistakes; the last entry then says how many there are."""

M = TypeVar("M", bound=BaseModel)


def validate(document: Document) -> Claim | Recipe:
    """The claim or recipe that ``document`` holds; its ``kind`` says which."""
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        from lynxspec.validation.wording import kind_violation  # noqa: PLC0415 - only invalid documents need words

        raise _invalid(document, (kind_violation(document, tuple(KINDS)),))
    return validate_as(document, model)


def validate_as(document: Document, model: type[M]) -> M:
    """``document`` as an instance of ``model``, or `InvalidDocument` with all violations in file order."""
    try:
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        from lynxspec.validation.violations import violations  # noqa: PLC0415 - as above

        raise _invalid(document, violations(error, document, model, limit=MAX_VIOLATIONS)) from None


def _invalid(document: Document, found: tuple[Violation, ...]) -> InvalidDocument:
    count = "one violation" if len(found) == 1 else f"{len(found)} violations"
    return InvalidDocument(
        f"{document.source}: not a valid document, {count} of the format",
        found,
        hint="correct the places named; `lynxspec init` prints a template and `lynxspec schema` the JSON Schemas",
    )
