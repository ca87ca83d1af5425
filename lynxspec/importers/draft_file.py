"""Draft files: claims with holes, as ``lynxspec draft`` writes them."""

from __future__ import annotations

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer


def read(origin: str | bytes, source: str) -> Draft:
    """Read, validate, and see what is disclosed by now."""
    from lynxspec.drafting.acceptance import read_draft  # noqa: PLC0415 - only drafts need it
    from lynxspec.drafting.reader import draft_of_file  # noqa: PLC0415 - as above

    return draft_of_file(read_draft(origin, source))


IMPORTER = Importer(name="draft_file", suffixes=(".draft.yaml", ".draft.yml", ".draft.json"), read=read)
