"""What a signed record holds, read from the PDF: its one update, its attachments, and nothing that acts."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

from verifier.audit.attestation import OURS, TEST_RESULT, Attestations
from verifier.audit.objects import entry, plain, refuse
from verifier.audit.structure import Shape

MAX_ATTACHMENT = 64 * 2**20
"""Largest attachment, inflated."""
CLAIM_NAMES = ("claim.json", "claim.yaml")
RECORD_NAME = "record.json"
_CATALOG = {
    "/Type",
    "/Pages",
    "/Outlines",
    "/Lang",
    "/Names",
    "/StructTreeRoot",
    "/ViewerPreferences",
    "/MarkInfo",
    "/OutputIntents",
    "/AF",
    "/Metadata",
    "/AcroForm",
}
_ADDED_BY_SIGNING = {"/Extensions", "/Version", "/Perms"}
_PAGE = {
    "/Type",
    "/Parent",
    "/MediaBox",
    "/Contents",
    "/Resources",
    "/Tabs",
    "/StructParents",
    "/TrimBox",
    "/BleedBox",
    "/Annots",
}
_OUTLINE = {"/Title", "/Parent", "/Dest", "/Next", "/Prev", "/First", "/Last", "/Count", "/Type"}
_FILE = {"/Type", "/F", "/UF", "/EF", "/Desc", "/AFRelationship"}
_STREAM = {"/Type", "/Subtype", "/Params", "/Filter", "/Length"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """The files inside a record."""

    claim_name: str
    claim: bytes
    record: bytes
    attestations: Attestations | None


def require_only_a_signature(reader: Any, shape: Shape) -> None:  # noqa: ANN401 - a pyHanko reader
    """The update may fill the signature field and name it in the catalog; all else must be as rendered."""
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - slow to import

    if reader.total_revisions != 2:
        raise refuse(f"the file has {reader.total_revisions} revisions instead of two", "update-count")
    old = reader.get_historical_resolver(0)
    before, after = plain(old.root), plain(reader.root)
    for key in _ADDED_BY_SIGNING:
        if key in before:
            raise refuse(f"the pages already held {key}", "update-catalog")
        after.pop(key, None)
    after.get("/AcroForm", {}).pop("/SigFlags", None)
    before.get("/AcroForm", {}).pop("/SigFlags", None)
    if before != after:
        raise refuse("the signature's update changes the catalog", "update-catalog")
    reference = generic.Reference(shape.field_number, 0)
    was, now = (
        plain(old.get_object(reference)),
        plain(reader.get_object(generic.Reference(shape.field_number, 0, reader))),
    )
    value = now.pop("/V", None)
    if was != now or value != ("reference", shape.signature_number, 0):
        raise refuse("the signature's update changes the signature field", "update-field")
    if plain(reader.root["/Perms"]) != {"/DocMDP": ("reference", shape.signature_number, 0)}:
        raise refuse("the catalog grants other permissions", "update-permissions")


def _content(stream: Any, name: str) -> bytes:  # noqa: ANN401
    """Bytes of an embedded file, inflated within bounds, equal to what its parameters say."""
    if not set(stream) <= _STREAM or ("/Filter" in stream and stream["/Filter"] != "/FlateDecode"):
        raise refuse(f"the attachment {name} is stored in another way", "attachment-stream")
    data = stream.encoded_data
    if "/Filter" in stream:
        inflater = zlib.decompressobj()
        data = inflater.decompress(data, MAX_ATTACHMENT + 1)
        if not inflater.eof or inflater.unused_data or len(data) > MAX_ATTACHMENT:
            raise refuse(f"the attachment {name} is too large or damaged", "attachment-size")
    params = stream["/Params"]
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    if params["/Size"] != len(data) or params["/CheckSum"].original_bytes != digest:
        raise refuse(f"the attachment {name} does not have the size or checksum it states", "attachment-parameters")
    return bytes(data)


def attachments(reader: Any) -> Attachments:  # noqa: ANN401
    """The claim and the record; any other attachment, or one that two readers could see differently, is refused."""
    root = reader.root
    if set(root["/Names"]) != {"/EmbeddedFiles"} or set(root["/Names"]["/EmbeddedFiles"]) != {"/Names"}:
        raise refuse("the attachments are listed in an unusual way", "attachment-names")
    listed = root["/Names"]["/EmbeddedFiles"]["/Names"]
    associated = [plain(root["/AF"].raw_get(i)) for i in range(len(root["/AF"]))]
    names = [str(listed[index]) for index in range(0, len(listed), 2)]
    references = [plain(listed.raw_get(index)) for index in range(1, len(listed), 2)]
    known = ([RECORD_NAME], [OURS, RECORD_NAME, TEST_RESULT])
    if not names or names[0] not in CLAIM_NAMES or names[1:] not in known or associated != references:
        raise refuse("the attachments are not a claim, its record and its attestations", "attachment-names")
    found = {}
    for index, name in enumerate(names):
        file = listed[2 * index + 1]
        if not set(file) <= _FILE or str(file["/F"]) != name or str(file["/UF"]) != name:
            raise refuse(f"the attachment {name} has several names", "attachment-names")
        if set(file["/EF"]) != {"/F"}:
            raise refuse(f"the attachment {name} has several contents", "attachment-stream")
        found[name] = _content(file["/EF"]["/F"], name)
    signed = Attestations(ours=found[OURS], test_result=found[TEST_RESULT]) if OURS in found else None
    return Attachments(claim_name=names[0], claim=found[names[0]], record=found[RECORD_NAME], attestations=signed)


def _outlines(item: Any, seen: int = 0) -> None:  # noqa: ANN401
    """Bookmarks may point to pages and nowhere else."""
    while item is not None:
        seen += 1
        if seen > 10_000 or not set(item) <= _OUTLINE:
            raise refuse("a bookmark does more than point to a page", "active-outline")
        if "/First" in item:
            _outlines(item["/First"], seen)
        item = entry(item, "/Next")


def require_passive(reader: Any, shape: Shape) -> None:  # noqa: ANN401
    """Nothing in the document may act, load, hide or change when it is opened."""
    root = reader.root
    if not set(root) <= _CATALOG | _ADDED_BY_SIGNING:
        extra = ", ".join(sorted(set(root) - _CATALOG - _ADDED_BY_SIGNING))
        raise refuse(f"the catalog holds {extra}", "active-catalog")
    if set(root["/AcroForm"]) != {"/Fields", "/SigFlags"} or len(root["/AcroForm"]["/Fields"]) != 1:
        raise refuse("the document holds form fields", "active-form")
    pages = root["/Pages"]
    if set(pages) != {"/Type", "/Kids", "/Count"} or len(pages["/Kids"]) != pages["/Count"]:
        raise refuse("the page tree is unusual", "active-pages")
    for index in range(len(pages["/Kids"])):
        page = pages["/Kids"][index]
        if not set(page) <= _PAGE:
            raise refuse(f"page {index + 1} holds {', '.join(sorted(set(page) - _PAGE))}", "active-page")
        annotations = entry(page, "/Annots") or ()
        if len(annotations) != (1 if index == 0 else 0):
            raise refuse(f"page {index + 1} holds annotations", "active-annotation")
    widget = pages["/Kids"][0]["/Annots"]
    if plain(widget.raw_get(0)) != ("reference", shape.field_number, 0):
        raise refuse("page 1 holds another annotation than the signature", "active-annotation")
    if "/Outlines" in root and "/First" in root["/Outlines"]:
        _outlines(root["/Outlines"]["/First"])
