"""PDF spec sheets: text with page and box, tables, columns, footnotes."""

from __future__ import annotations

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer
from lynxspec.sheet import Sheet


def parse(data: bytes, source: str) -> Sheet:
    """The pages of a PDF, read in this process; `lynxspec.importers._untrusted` reads it in another one."""
    from lynxspec.importers._pdf_sheet import parse as parse_pages  # noqa: PLC0415 - an importer is cheap to import

    return parse_pages(data, source)


def read(origin: str | bytes, source: str) -> Draft:
    """What a PDF claims; a worker process reads it."""
    from lynxspec.extraction import read_sheets  # noqa: PLC0415 - an importer is cheap to import
    from lynxspec.importers._untrusted import read_in_worker  # noqa: PLC0415 - as above

    return read_sheets((read_in_worker(origin, source, "pdf"),), source)


IMPORTER = Importer(name="pdf", suffixes=(".pdf",), read=read, parse=parse)
