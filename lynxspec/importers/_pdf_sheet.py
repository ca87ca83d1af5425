"""PDF spec sheets as sheets: what a reader of the pages sees, each word with its page and box."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from lynxspec.errors import HostileInput, UnreadableInput
from lynxspec.importers._pdf_aligned import aligned
from lynxspec.importers._pdf_between import between_rules
from lynxspec.importers._pdf_layout import flows, raise_marks
from lynxspec.importers._pdf_page import MAX_CHARACTERS, Printed, read_page
from lynxspec.importers._pdf_prose import blocks
from lynxspec.importers._pdf_tables import Grid, ruled
from lynxspec.importers._pdf_writing import Leaf, Readable, Writer
from lynxspec.sheet import Sheet

MAX_BYTES = 64 * 1024 * 1024
"""A spec sheet has some megabytes at most."""
MAX_PAGES = 500
"""Pages that are read; a note tells of the others."""
MAX_SECONDS = 40.0
"""Time after which no further page is read; 500 dense pages take a quarter of it."""

_HEADER_WITHIN = 1024
"""Bytes before the header that readers allow, ISO 32000-1, implementation note 13."""
_TRAILER_WITHIN = 4096
_PASSWORD, _SECURITY = 4, 5
"""``FPDF_ERR_PASSWORD`` and ``FPDF_ERR_SECURITY`` of PDFium."""


def parse(data: bytes, source: str) -> Sheet:
    """The pages of a PDF as text, tables and places."""
    notes: list[str] = []
    leaves: list[Leaf] = []
    writer = Writer()
    with _opened(data, source) as document:
        for printed in _pages(document, notes):
            leaf = _laid_out(printed)
            writer.write(leaf)
            leaves.append(leaf)
        pages = [leaf.printed for leaf in leaves]
        images = _without_text(pages, notes, source)
        notes += _told(pages)
    if images:
        notes.append(f"no text, only images, on {_numbered(images)}")
    if b"%%EOF" not in data[-_TRAILER_WITHIN:]:
        notes.append("the file ends without its end mark: it may be cut short")
    text = writer.text
    return Sheet(
        source=source,
        format="pdf",
        text=text,
        blocks=blocks(leaves, Readable(text)),
        pages=tuple(writer.pages),
        sha256=sha256(data).hexdigest(),
        notes=tuple(notes),
    )


@contextmanager
def _opened(data: bytes, source: str) -> Iterator[Any]:
    """The document, open in PDFium."""
    import pypdfium2  # type: ignore[import-untyped] # noqa: PLC0415 - no types; lint of a claim loads no PDF library

    if len(data) > MAX_BYTES:
        raise HostileInput(
            f"{source}: larger than {MAX_BYTES // 2**20} MiB",
            hint="cut out the pages that make claims, or shrink its images",
        )
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        raise UnreadableInput(
            f"{source}: not a PDF", hint="its first bytes are not %PDF-; check what the file really is"
        )
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in {_PASSWORD, _SECURITY}:
            raise UnreadableInput(
                f"{source}: encrypted, and it asks for a password", hint="save a copy without a password and lint that"
            ) from error
        raise UnreadableInput(
            f"{source}: a damaged PDF that cannot be opened", hint="download it again, or print it to a new PDF"
        ) from error
    try:
        if len(document) == 0:
            raise UnreadableInput(f"{source}: a PDF without pages", hint="it may be cut short; download it again")
        yield document
    finally:
        document.close()


def _pages(document: Any, notes: list[str]) -> Iterator[Printed]:  # noqa: ANN401 - pypdfium2 has no types
    """The pages that limits allow; what is left out goes into the notes."""
    import pypdfium2  # noqa: PLC0415 - lint of a claim loads no PDF library

    count = len(document)
    if count > MAX_PAGES:
        notes.append(f"only the first {MAX_PAGES} of {count} pages were read")
    began = time.monotonic()
    for index in range(min(count, MAX_PAGES)):
        if time.monotonic() - began > MAX_SECONDS:
            notes.append(f"only the first {index} of {count} pages were read: they took {MAX_SECONDS:g} s")
            return
        try:
            page = document[index]
        except pypdfium2.PdfiumError:
            notes.append(f"page {index + 1} is damaged and was not read")
            continue
        try:
            printed = read_page(page, index + 1)
        except pypdfium2.PdfiumError:
            notes.append(f"page {index + 1} is damaged and was not read")
            continue
        finally:
            page.close()
        yield printed


def _told(pages: Sequence[Printed]) -> Iterator[str]:
    """What of the pages was not read."""
    long = [page for page in pages if page.characters > MAX_CHARACTERS]
    mute = [page for page in pages if page.unreadable > max(5, 0.02 * page.characters)]
    outside = [page for page in pages if page.outside]
    if long:
        yield f"only the first {MAX_CHARACTERS} characters were read of each of: {_numbered(long)}"
    if mute:
        count = sum(page.unreadable for page in mute)
        yield f"{count} characters have no meaning in their font and were not read: {_numbered(mute)}"
    if outside:
        count = sum(page.outside for page in outside)
        yield f"{count} words beyond the page's edge, where nobody sees them, were not read: {_numbered(outside)}"
    if crowded := [page for page in pages if page.crowded]:
        yield f"too many graphic objects, so that drawn tables may have been missed: {_numbered(crowded)}"


def _laid_out(printed: Printed) -> Leaf:
    """The tables and lines of a page in reading order."""
    grids = ruled(printed.rules, printed.runs)
    rest = [run for run in printed.runs if not any(grid.holds(run) for grid in grids)]
    drawn = [
        rule
        for rule in printed.rules
        if not any(g.top - 3 <= rule.at <= g.bottom + 3 and g.left - 3 <= rule.start <= g.right for g in grids)
    ]
    more = between_rules(drawn, rest)
    rest = [run for run in rest if not any(grid.holds(run) for grid in more)]
    areas: list[Grid] = [*grids, *more]
    leaf = Leaf(printed=printed, flows=[aligned(flow) for flow in flows(rest, areas)])
    for line in leaf.all_lines():
        raise_marks(line)
    return leaf


def _without_text(pages: list[Printed], notes: list[str], source: str) -> list[Printed]:
    """The pages that are only images; a document of nothing else cannot be read."""
    empty = [page for page in pages if not page.runs and not page.aside]
    if len(empty) < len(pages):
        return [page for page in empty if page.images]
    if not pages:
        raise UnreadableInput(f"{source}: {'; '.join(notes) or 'no page can be read'}", hint="download it again")
    if any(page.unreadable for page in pages):
        raise UnreadableInput(
            f"{source}: its fonts do not tell which characters their glyphs are",
            hint="print it to images and read those with OCR, e.g. `ocrmypdf --force-ocr in.pdf out.pdf`",
        )
    raise UnreadableInput(
        f"{source}: no text on {len(pages)} {'page' if len(pages) == 1 else 'pages'}"
        + (", only images: a scan" if any(page.images for page in pages) else ""),
        hint="read it with OCR first, e.g. `ocrmypdf in.pdf out.pdf`",
    )


def _numbered(pages: Sequence[Printed]) -> str:
    listed = ", ".join(str(page.number) for page in pages[:10]) + (", ..." if len(pages) > 10 else "")
    return f"page {listed}" if len(pages) == 1 else f"pages {listed}"
