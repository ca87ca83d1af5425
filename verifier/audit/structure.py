"""The bytes of an audit record: pages as rendered, then one update that adds a signature and nothing else.

What `verifier.audit.render` and `verifier.audit.sign` write has one shape; a file of any other shape is refused before
a PDF parser sees it, so that no two readers can see two documents in one file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

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
_UPDATE_TABLE = re.compile(rb"xref\n0 1\n0000000000 65535 f \n((?:[1-9][0-9]{0,6} 1\n[0-9]{10} 00000 n \n){3})")
_UPDATE_ENTRY = re.compile(rb"([0-9]+) 1\n([0-9]{10}) 00000 n \n")
_UPDATE_TRAILER = re.compile(
    rb"trailer\n<<\n/Size ([0-9]+)\n/Root ([0-9]+) 0 R\n/Info ([0-9]+) 0 R\n/ID \[ <[0-9a-f]+> <[0-9a-f]+> \]\n"
    rb"/Prev ([0-9]+)\n>>"
)
_RANGE = re.compile(rb"\n/ByteRange \[0 ([1-9][0-9]*) ([1-9][0-9]*) ([1-9][0-9]*)\] *\n")
_CONTENTS = re.compile(rb"\n/Contents <([0-9A-F]+)>\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where the parts of a record lie."""

    pages_end: int
    """End of the rendered pages: what comes before is what `render` wrote."""
    pages_table: int
    """Reference table of the pages, as the update names it."""
    trailer: tuple[int, int, int]
    """Size, catalog and document information that the update's trailer names."""
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


def _refuse(message: str, reason: str) -> RecordRejected:
    return RecordRejected(message, reason, hint="Ask the issuer for an unaltered copy.")


def _update(pdf: bytes, places: list[tuple[int, int]], table: int) -> dict[int, bytes]:
    """Objects of the update, by number; they fill it without gaps."""
    found: dict[int, bytes] = {}
    for (offset, number), end in zip(places, [*(o for o, _ in places[1:]), table], strict=True):
        body, opening = pdf[offset:end], b"%d 0 obj\n<<\n" % number
        if not body.startswith(opening) or not body.endswith(b"\n>>\nendobj\n") or body.count(b"\nendobj\n") != 1:
            raise _refuse("an object of the update is malformed", "structure-update")
        found[number] = body
    if len(found) != 3:
        raise _refuse("the update names an object twice", "structure-update")
    return found


def _container(pdf: bytes, body: bytes, offset: int) -> tuple[bytes, tuple[int, int]]:
    """The CMS container and its place; everything but its hexadecimal text must be signed."""
    ranges, contents = _RANGE.findall(body), list(_CONTENTS.finditer(body))
    if len(ranges) != 1 or len(contents) != 1 or body.count(b"/ByteRange") != 1 or body.count(b"/Contents") != 1:
        raise _refuse("there must be exactly one signature", "signature-count")
    first, second, length = (int(part) for part in ranges[0])
    start, end = offset + contents[0].start(1) - 1, offset + contents[0].end(1) + 1
    if (first, second, second + length) != (start, end, len(pdf)):
        raise _refuse("the signature does not cover the whole file", "signature-range")
    text = contents[0][1]
    if len(text) % 2:
        raise _refuse("the signature container is malformed", "signature-container")
    raw = bytes.fromhex(text.decode("ascii"))
    size = _der_length(raw)
    if size > len(raw) or any(raw[size:]):
        raise _refuse("the signature container is followed by other bytes", "signature-container")
    return raw[:size], (start, end)


def _der_length(raw: bytes) -> int:
    """Length of the DER sequence at the start of ``raw``, in its only form."""
    width = raw[1] & 0x7F if len(raw) > 6 else 0
    if raw[:1] != b"\x30" or raw[1] < 0x81 or not 1 <= width <= 4 or raw[2] == 0:
        raise _refuse("the signature container is malformed", "signature-container")
    return 2 + width + int.from_bytes(raw[2 : 2 + width], "big")


def shape(pdf: bytes) -> Shape:
    """Read the shape of a signed record from its end, or refuse the file."""
    if len(pdf) > MAX_BYTES:
        raise _refuse(f"the file is larger than {MAX_BYTES} bytes", "structure-size")
    if not pdf.startswith(HEADER):
        raise _refuse("the file does not begin as an audit record does", "structure-header")
    end = _END.search(pdf, max(0, len(pdf) - 64))
    if end is None:
        raise _refuse("the file does not end as a PDF must", "structure-end")
    table = int(end[1])
    head = _UPDATE_TABLE.match(pdf, table)
    trailer = None if head is None else _UPDATE_TRAILER.match(pdf, head.end())
    if head is None or trailer is None or trailer.end() != end.start():
        raise _refuse("the file is not signed, or not in the way of an audit record", "not-signed")
    places = sorted((int(offset), int(number)) for number, offset in _UPDATE_ENTRY.findall(head[1]))
    objects = _update(pdf, places, table)
    root = int(trailer[2])
    signatures = [n for n, body in objects.items() if b"\n/ByteRange " in body]
    fields = [n for n in objects if n != root and n not in signatures]
    if len(signatures) != 1 or root not in objects or len(fields) != 1:
        raise _refuse("there must be exactly one signature", "signature-count")
    offset = next(place for place, number in places if number == signatures[0])
    cms, gap = _container(pdf, objects[signatures[0]], offset)
    return Shape(
        pages_end=places[0][0],
        pages_table=int(trailer[4]),
        trailer=(int(trailer[1]), root, int(trailer[3])),
        signature_number=signatures[0],
        root_number=root,
        field_number=fields[0],
        cms=cms,
        gap=gap,
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


def digest_of(pdf: bytes, found: Shape, algorithm: str) -> bytes:
    """Digest over the signed bytes."""
    engine, view = hashlib.new(algorithm), memoryview(pdf)
    engine.update(view[: found.gap[0]])
    engine.update(view[found.gap[1] :])
    return engine.digest()
