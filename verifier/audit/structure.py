"""The bytes of an audit record: pages as rendered, one update that adds a signature, then archive updates if any.

What `verifier.audit.render` and `verifier.audit.sign` write has one shape; a file of any other shape is refused before
a PDF parser sees it, so that no two readers can see two documents in one file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise

from verifier.errors import RecordRejected

MAX_BYTES = 48 * 2**20
"""Largest file that is read."""
HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"
"""First bytes of a rendered record."""
_END = re.compile(rb"\nstartxref\n([1-9][0-9]{0,9})\n%%EOF\n\Z")
_TABLE = re.compile(rb"xref\n0 ([1-9][0-9]{0,6})\n")
_ENTRIES = re.compile(rb"(?:[0-9]{10} [0-9]{5} [nf] \n)+")
_OBJECT = re.compile(rb"[1-9][0-9]* 0 obj\n")
_TRAILER = re.compile(
    rb"trailer\n<<\n/Size ([0-9]+)\n/Root ([0-9]+) 0 R\n/Info ([0-9]+) 0 R\n/ID \[(?:<[0-9a-f]+>|\([0-9a-f]+\)) "
    rb"(?:<[0-9a-f]+>|\([0-9a-f]+\))\]\n>>\nstartxref\n([0-9]+)\n%%EOF\n"
)
_UPDATE_TABLE = re.compile(
    rb"xref\n0 ([1-9][0-9]{0,4})\n0000000000 65535 f \n((?:[0-9]{10} 00000 n \n)*)"
    rb"((?:[1-9][0-9]{0,6} [1-9][0-9]{0,4}\n(?:[0-9]{10} 00000 n \n)+)*)trailer\n(?=<<\n/)"
)
_SECTION = re.compile(rb"([1-9][0-9]{0,6}) ([1-9][0-9]{0,4})\n((?:[0-9]{10} 00000 n \n)+)")
_UPDATE_TRAILER = re.compile(
    rb"<<\n/Size ([0-9]{1,8})\n/Root ([0-9]{1,8}) 0 R\n/Info ([0-9]{1,8}) 0 R\n/ID \[ <[0-9a-f]+> <[0-9a-f]+> \]\n"
    rb"/Prev ([0-9]{1,10})\n>>"
)
_STREAM = re.compile(rb"[0-9]+ 0 obj\n<<\n(?:/[^\n]*\n)*/Length ([0-9]{1,9})\n>>\nstream\n")
_RANGE = re.compile(rb"\n/ByteRange \[0 ([1-9][0-9]*) ([1-9][0-9]*) ([1-9][0-9]*)\] *\n")
_CONTENTS = re.compile(rb"\n/Contents <([0-9A-F]+)>\n")


MAX_UPDATES = 64
"""Most updates that are read: a time stamp a year for longer than records are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One update: objects that follow each other without a gap, their table, a trailer."""

    start: int
    end: int
    """Behind its ``%%EOF``."""
    trailer: tuple[int, int, int]
    """Size, catalog and document information."""
    before: int
    """Table of the revision that it is over."""
    objects: dict[int, tuple[int, int]]
    """Place of each object, by its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where the parts of a record lie."""

    pages_end: int
    """End of the rendered pages: what comes before is what `render` wrote."""
    signed_end: int
    """End of the signed revision: all that a record says is read from what comes before."""
    pages_table: int
    """Reference table of the pages, as the update names it."""
    trailer: tuple[int, int, int]
    """Size, catalog and document information that the signature's trailer names."""
    signature_number: int
    """Object number of the signature."""
    root_number: int
    """Object number of the catalog."""
    field_number: int
    """Object number of the signature field."""
    cms: bytes
    """The signature container, without its padding."""
    gap: tuple[int, int]
    """Bytes that are not signed: the container's hexadecimal text with its brackets."""
    archive: tuple[Update, ...]
    """Updates after the signature, oldest first."""


def _refuse(message: str, reason: str) -> RecordRejected:
    return RecordRejected(message, reason, hint="Ask the issuer for an unaltered copy.")


def _update(pdf: bytes, end: int) -> Update | None:
    """The update that ends at ``end``; ``None`` if it is the pages that end there."""
    closing = _END.search(pdf, max(0, end - 64), end)
    if closing is None or closing.end() != end:
        raise _refuse("the file does not end as a PDF must", "structure-end")
    table = int(closing[1])
    head = _UPDATE_TABLE.match(pdf, table, end)
    if pdf.find(b"\n/Prev ", table, end) < 0 and _TABLE.match(pdf, table, end):
        return None
    if head is None:
        raise _refuse("a reference table is not of the form that a record's have", "structure-table")
    trailer = _UPDATE_TRAILER.match(pdf, head.end(), end)
    if trailer is None or trailer.end() != closing.start():
        raise _refuse("a trailer is not of the form that a record's have", "structure-trailer")
    places = []
    sections = [(b"1", b"%d" % (int(head[1]) - 1), head[2]), *_SECTION.findall(head[3])]
    for first, count, entries in sections:
        if len(entries) != 20 * int(count):
            raise _refuse("a reference table is not of the form that a record's have", "structure-table")
        places += [(int(entries[20 * i : 20 * i + 10]), int(first) + i) for i in range(int(count))]
    places.sort()
    if not places:
        raise _refuse("an update holds nothing", "structure-update")
    return Update(
        start=places[0][0],
        end=end,
        trailer=(int(trailer[1]), int(trailer[2]), int(trailer[3])),
        before=int(trailer[4]),
        objects=_objects(pdf, places, table),
    )


def _objects(pdf: bytes, places: list[tuple[int, int]], table: int) -> dict[int, tuple[int, int]]:
    """Objects of an update, by number; they fill it without gaps, and each is one dictionary or stream."""
    found: dict[int, tuple[int, int]] = {}
    for (offset, number), end in zip(places, [*(o for o, _ in places[1:]), table], strict=True):
        opening = b"%d 0 obj\n<<\n" % number
        if end - offset < len(opening) or not pdf.startswith(opening, offset) or pdf[end - 8 : end] != b"\nendobj\n":
            raise _refuse("an object of an update is malformed", "structure-update")
        stream = _STREAM.match(pdf, offset, end)
        if stream is not None and int(stream[1]) + len(b"\nendstream\nendobj\n") != end - stream.end():
            raise _refuse("a stream of an update has another length than it states", "structure-update")
        text_end = end if stream is None else stream.end()
        closing = b"\n>>\nendobj\n" if stream is None else b"\n>>\nstream\n"
        if (
            pdf[text_end - len(closing) : text_end] != closing
            or pdf.count(b" obj\n", offset, text_end) != 1
            or pdf.count(b"\nendobj\n", offset, text_end) != (stream is None)
            or pdf.count(b" 0 obj", text_end, end)
        ):
            raise _refuse("an object of an update is malformed", "structure-update")
        found[number] = (offset, end)
    if len(found) != len(places):
        raise _refuse("an update names an object twice", "structure-update")
    return found


def container(pdf: bytes, place: tuple[int, int], end: int) -> tuple[bytes, tuple[int, int]]:
    """The container of the signature object at ``place``, and its gap; all else up to ``end`` must be signed."""
    offset, body = place[0], pdf[place[0] : place[1]]
    ranges, contents = _RANGE.findall(body), list(_CONTENTS.finditer(body))
    if len(ranges) != 1 or len(contents) != 1 or body.count(b"/ByteRange") != 1 or body.count(b"/Contents") != 1:
        raise _refuse("there must be exactly one signature", "signature-count")
    first, second, length = (int(part) for part in ranges[0])
    start, stop = offset + contents[0].start(1) - 1, offset + contents[0].end(1) + 1
    if (first, second, second + length) != (start, stop, end):
        raise _refuse("the signature does not cover the whole file", "signature-range")
    text = contents[0][1]
    if len(text) % 2:
        raise _refuse("the signature container is malformed", "signature-container")
    raw = bytes.fromhex(text.decode("ascii"))
    size = _der_length(raw)
    if size > len(raw) or any(raw[size:]):
        raise _refuse("the signature container is followed by other bytes", "signature-container")
    return raw[:size], (start, stop)


def _der_length(raw: bytes) -> int:
    """Length of the DER sequence at the start of ``raw``, in its only form."""
    width = raw[1] & 0x7F if len(raw) > 6 else 0
    if raw[:1] != b"\x30" or raw[1] < 0x81 or not 1 <= width <= 4 or raw[2] == 0:
        raise _refuse("the signature container is malformed", "signature-container")
    return 2 + width + int.from_bytes(raw[2 : 2 + width], "big")


def _updates(pdf: bytes) -> tuple[list[Update], int]:
    """All updates, oldest first, and the end of the pages; walked from the end, each step further to the front."""
    found: list[Update] = []
    end = len(pdf)
    while (update := _update(pdf, end)) is not None:
        found.append(update)
        if len(found) > MAX_UPDATES or not 0 < update.start < end or update.before >= update.start:
            raise _refuse("the revisions of the file do not follow each other", "structure-revisions")
        end = update.start
    found.reverse()
    for older, newer in pairwise(found):
        size, *same = newer.trailer
        if same != list(older.trailer[1:]) or size < older.trailer[0] or newer.before != _table_of(pdf, older.end):
            raise _refuse("the revisions of the file do not follow each other", "structure-revisions")
    return found, end


def _table_of(pdf: bytes, end: int) -> int:
    closing = _END.search(pdf, max(0, end - 64), end)
    return -1 if closing is None else int(closing[1])


def shape(pdf: bytes) -> Shape:
    """Read the shape of a signed record from its end, or refuse the file."""
    if len(pdf) > MAX_BYTES:
        raise _refuse(f"the file is larger than {MAX_BYTES} bytes", "structure-size")
    if not pdf.startswith(HEADER):
        raise _refuse("the file does not begin as an audit record does", "structure-header")
    updates, pages_end = _updates(pdf)
    if not updates:
        raise _refuse("the file is not signed", "not-signed")
    first, *archive = updates
    _, root, _ = first.trailer
    bodies = {number: pdf[start:end] for number, (start, end) in first.objects.items()}
    signatures = [n for n, body in bodies.items() if b"\n/ByteRange " in body]
    fields = [n for n in bodies if n != root and n not in signatures]
    if not signatures:
        raise _refuse("the first update is not a signature", "not-signed")
    if len(signatures) != 1:
        raise _refuse("there must be exactly one signature", "signature-count")
    if root not in bodies or len(fields) != 1:
        raise _refuse("the signature's update holds other objects than a signature needs", "update-objects")
    cms, gap = container(pdf, first.objects[signatures[0]], first.end)
    return Shape(
        pages_end=pages_end,
        signed_end=first.end,
        pages_table=first.before,
        trailer=first.trailer,
        signature_number=signatures[0],
        root_number=root,
        field_number=fields[0],
        cms=cms,
        gap=gap,
        archive=tuple(archive),
    )


def require_contiguous_pages(pdf: bytes, found: Shape) -> None:
    """The first revision is one table of objects that follow each other without a gap, and the update is over it."""
    table, head = found.pages_table, _TABLE.match(pdf, found.pages_table)
    if head is None:
        raise _refuse("the reference table of the pages is not where it should be", "structure-table")
    count = int(head[1])
    entries = pdf[head.end() : head.end() + 20 * count]
    if len(entries) != 20 * count or not _ENTRIES.fullmatch(entries):
        raise _refuse("the reference table of the pages is malformed", "structure-table")
    trailer = _TRAILER.match(pdf, head.end() + 20 * count)
    if trailer is None or int(trailer[1]) != count or int(trailer[4]) != table or trailer.end() != found.pages_end:
        raise _refuse("the trailer of the pages is malformed", "structure-trailer")
    size, root, info = found.trailer
    if (root, info) != (int(trailer[2]), int(trailer[3])) or size - count not in (1, 2):
        raise _refuse("the update belongs to other pages", "structure-trailer")
    used = sorted(int(entries[i : i + 10]) for i in range(0, len(entries), 20) if entries[i + 17 : i + 18] == b"n")
    if not used or used[0] != len(HEADER) or len(set(used)) != len(used) or used[-1] >= table:
        raise _refuse("the objects of the pages do not follow each other", "structure-objects")
    for offset, end in zip(used, [*used[1:], table], strict=True):
        if pdf[end - 8 : end] != b"\nendobj\n" or not _OBJECT.match(pdf, offset):
            raise _refuse(f"there are bytes between objects before offset {end}", "structure-objects")


def objects_of_pages(pages: bytes) -> dict[int, bytes]:
    """Objects of rendered pages by number, each as it stands in the file."""
    closing = _END.search(pages, max(0, len(pages) - 64))
    head = None if closing is None else _TABLE.match(pages, int(closing[1]))
    if closing is None or head is None:
        raise _refuse("the reference table of the pages is not where it should be", "structure-table")
    table, entries = int(closing[1]), pages[head.end() : head.end() + 20 * int(head[1])]
    places = {int(entries[i : i + 10]): i // 20 for i in range(0, len(entries), 20) if entries[i + 17 : i + 18] == b"n"}
    order = sorted(places)
    return {places[at]: pages[at:end] for at, end in zip(order, [*order[1:], table], strict=True)}


def digest_of(pdf: bytes, gap: tuple[int, int], end: int, algorithm: str) -> bytes:
    """Digest over all bytes up to ``end`` but those of the container."""
    engine, view = hashlib.new(algorithm), memoryview(pdf)
    engine.update(view[: gap[0]])
    engine.update(view[gap[1] : end])
    return engine.digest()
