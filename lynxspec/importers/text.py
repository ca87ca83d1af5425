"""Plain text: what it really is (a web page, reStructuredText, separated values), or text with tables drawn in it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer
from lynxspec.sheet import Block, Sheet


def parse(data: bytes, source: str) -> Sheet:
    """The blocks of a text, read as the format that it is written in."""
    from lynxspec.importers._decode import decode, within_limits  # noqa: PLC0415 - an importer is cheap to import
    from lynxspec.importers._plain_blocks import blocks, nature  # noqa: PLC0415 - as above

    text, notes = within_limits(decode(data))
    kind = nature(text)
    if kind == "html":
        from lynxspec.importers import html  # noqa: PLC0415 - as above

        return replace(html.parse(data, source), format="text")
    if kind == "rst":
        from lynxspec.importers import rst  # noqa: PLC0415 - as above

        return replace(rst.parse(data, source), format="text")
    told: list[str] = []
    found: tuple[Block, ...]
    if kind == "csv":
        from lynxspec.importers import _records  # noqa: PLC0415 - as above

        found = _records.blocks(text)
    else:
        found = blocks(text, told=told)
    return Sheet(
        source=source,
        format="text",
        text=text,
        blocks=found,
        sha256=sha256(data).hexdigest(),
        notes=(*notes, *dict.fromkeys(told)),
    )


def read(origin: str | bytes, source: str) -> Draft:
    """What a text claims."""
    from lynxspec.extraction import read_sheets  # noqa: PLC0415 - only free text needs it
    from lynxspec.importers._decode import contents  # noqa: PLC0415 - as above

    return read_sheets((parse(contents(origin, source), source),), source)


IMPORTER = Importer(name="text", suffixes=(".txt", ".text", "readme"), read=read, parse=parse)
