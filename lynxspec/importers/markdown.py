"""Markdown: model cards, README files, blog posts; also what was cut out of them."""

from __future__ import annotations

from hashlib import sha256

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer
from lynxspec.sheet import Sheet


def parse(data: bytes, source: str) -> Sheet:
    """The blocks of a file of Markdown."""
    from lynxspec.importers._decode import decode, within_limits  # noqa: PLC0415 - an importer is cheap to import
    from lynxspec.importers._markdown_blocks import blocks  # noqa: PLC0415 - as above

    text, notes = within_limits(decode(data))
    told: list[str] = []
    found = blocks(text, told=told)
    return Sheet(
        source=source,
        format="markdown",
        text=text,
        blocks=found,
        sha256=sha256(data).hexdigest(),
        notes=(*notes, *dict.fromkeys(told)),
    )


def read(origin: str | bytes, source: str) -> Draft:
    """What a file of Markdown claims."""
    from lynxspec.extraction import read_sheets  # noqa: PLC0415 - only free text needs it
    from lynxspec.importers._decode import contents  # noqa: PLC0415 - as above

    return read_sheets((parse(contents(origin, source), source),), source)


IMPORTER = Importer(name="markdown", suffixes=(".md", ".markdown", ".mdx"), read=read, parse=parse)
