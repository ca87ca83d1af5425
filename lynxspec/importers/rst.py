"""reStructuredText, as documentation built with Sphinx or docutils has it."""

from __future__ import annotations

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer
from lynxspec.sheet import Sheet


def read(origin: str | bytes, source: str) -> Draft:
    """Read a file, and what it discloses."""
    from lynxspec.importers._decode import contents  # noqa: PLC0415 - an importer is cheap to import

    sheet = parse(contents(origin, source), source)
    from lynxspec.extraction import read_sheets  # noqa: PLC0415

    return read_sheets((sheet,), source)


def parse(data: bytes, source: str) -> Sheet:
    """The blocks of a file."""
    import hashlib  # noqa: PLC0415 - an importer is cheap to import

    from lynxspec.importers._decode import decode, even, within_limits  # noqa: PLC0415
    from lynxspec.importers._rst_blocks import document_of  # noqa: PLC0415

    text, cut = within_limits(decode(data))
    blocks, notes = document_of(even(text))
    return Sheet(
        source=source,
        format="rst",
        text=text,
        blocks=blocks,
        sha256=hashlib.sha256(data).hexdigest(),
        notes=(*cut, *notes),
    )


IMPORTER = Importer(name="rst", suffixes=(".rst", ".rest"), read=read, parse=parse)
