"""Claim files, in YAML or JSON."""

from __future__ import annotations

from lynxspec.claim import Claim
from lynxspec.disclosure import draft_of
from lynxspec.document import read as read_document
from lynxspec.draft import Draft
from lynxspec.errors import UnreadableInput
from lynxspec.importers.importer import Importer
from lynxspec.lint.ignores import ignores_in
from lynxspec.validation import validate


def read(origin: str | bytes, source: str) -> Draft:
    """Read, validate, and see what is disclosed."""
    document = read_document(origin, source=source)
    claim = validate(document)
    if not isinstance(claim, Claim):
        raise UnreadableInput(
            f"{source}: a recipe, which makes no claim yet",
            hint="`lynxspec measure` runs it and writes the claim that can be linted",
        )
    return draft_of(
        claim,
        source=source,
        places=document.places,
        raw_numbers=document.raw_scalars,
        ignores=ignores_in(((c.span, f"# {c.text}") for c in document.comments), source=source),
    )


IMPORTER = Importer(name="claim_file", suffixes=(".yaml", ".yml", ".json"), read=read)
