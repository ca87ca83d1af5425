"""Tables of comma, semicolon or tab separated values, with whatever lines of text stand around them."""

from __future__ import annotations

from hashlib import sha256

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer
from lynxspec.sheet import Sheet


def parse(data: bytes, source: str) -> Sheet:
    """The tables of a file, and the text between them."""
    from lynxspec.importers._decode import decode, within_limits  # noqa: PLC0415 - an importer is cheap to import
    from lynxspec.importers._records import blocks  # noqa: PLC0415 - as above

    text, notes = within_limits(decode(data))
    return Sheet(
        source=source,
        format="csv",
        text=text,
        blocks=blocks(text, separator="\t" if source.lower().endswith(".tsv") else ""),
        sha256=sha256(data).hexdigest(),
        notes=notes,
    )


def read(origin: str | bytes, source: str) -> Draft:
    """What a table claims."""
    from lynxspec.extraction import read_sheets  # noqa: PLC0415 - only free text needs it
    from lynxspec.importers._decode import contents  # noqa: PLC0415 - as above

    return read_sheets((parse(contents(origin, source), source),), source)


IMPORTER = Importer(name="csv", suffixes=(".csv", ".tsv"), read=read, parse=parse)
