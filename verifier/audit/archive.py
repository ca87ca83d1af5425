"""Updates that keep a signature verifiable: evidence of validity, document time stamps (ISO 32000-2, 12.8.4 and 5).

They are the one thing that may follow the signature. Each is compared with the revision before it, object by object:
whatever is neither new evidence nor a new time stamp is refused, so that nothing else can ride along.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from verifier.audit.carried import require_whole_octets
from verifier.audit.objects import plain, refuse
from verifier.audit.structure import Shape, Update, container

MOST_EVIDENCE = 512
"""Most certificates, revocation lists and answers of all updates."""
_EXTENSION = {"/Type", "/BaseVersion", "/ExtensionLevel", "/URL", "/ExtensionRevision"}
_KINDS = {"/Certs": "certificates", "/CRLs": "crls", "/OCSPs": "ocsps"}
_VRI = {"/Cert", "/CRL", "/OCSP"}
_VRI_KEY = re.compile(r"/[0-9A-F]{40}")
_PRODUCER = re.compile(r"(?:.*; )?pyHanko [0-9][0-9.]*")
_STAMP_NAME = re.compile(r"Timestamp-[0-9a-f-]{1,64}|ArchiveTimeStamp[0-9]{0,3}")
"""As pyHanko names them, and as `verifier.audit.sign` does."""
_STAMP = {
    "/Type": ("NameObject", "/DocTimeStamp"),
    "/Filter": ("NameObject", "/Adobe.PPKLite"),
    "/SubFilter": ("NameObject", "/ETSI.RFC3161"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A document time stamp."""

    token: bytes
    """The CMS container."""
    gap: tuple[int, int]
    """Bytes that it does not cover."""
    end: int
    """Where the bytes that it covers end."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What the updates hold, as DER."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    ocsps: list[bytes] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    """Oldest first."""


@dataclass(slots=True, kw_only=True)
class _Revision:
    """One update while it is looked at: what it holds and what of it has been accounted for."""

    pdf: bytes
    update: Update
    size: int
    """Object numbers from here on are new."""
    before: Any
    after: Any
    evidence: Evidence
    seen: set[int] = field(default_factory=set)

    def old(self, number: int) -> Any:  # noqa: ANN401 - pyHanko's objects
        return _get(self.before, number)

    def new(self, number: int) -> Any:  # noqa: ANN401 - as above
        self.seen.add(number)
        return _get(self.after, number)

    def added(self, reference: Any, what: str) -> Any:  # noqa: ANN401 - as above
        """The object behind ``reference``, which must be new with this update."""
        number = _number(reference)
        if number < self.size or number not in self.update.objects or number in self.seen:
            raise refuse(f"{what} of an archive update is not new with it", "archive-objects")
        return self.new(number)


def _get(resolver: Any, number: int) -> Any:  # noqa: ANN401 - pyHanko's historical resolver
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - slow to import

    return resolver.get_object(generic.Reference(number, 0))


def _number(value: Any) -> int:  # noqa: ANN401 - a plain value
    if not isinstance(value, tuple) or value[0] != "reference" or value[2] != 0:
        raise refuse("an archive update holds an object in an unusual place", "archive-objects")
    return int(value[1])


def archive(reader: Any, pdf: bytes, shape: Shape) -> Evidence:  # noqa: ANN401 - a pyHanko reader of the whole file
    """What the updates after the signature hold; raises `RecordRejected` if one does anything else."""
    found, size = Evidence(), shape.trailer[0]
    if reader.total_revisions != 2 + len(shape.archive):
        raise refuse(f"the file has {reader.total_revisions} revisions", "update-count")
    for index, update in enumerate(shape.archive, start=2):
        before, after = reader.get_historical_resolver(index - 1), reader.get_historical_resolver(index)
        one = _Revision(pdf=pdf, update=update, size=size, before=before, after=after, evidence=found)
        _one(one)
        size = update.trailer[0]
    return found


def _one(r: _Revision) -> None:
    _, root, info = r.update.trailer
    fields: list[Any] = []
    if root in r.update.objects:
        fields = _catalog(r, root)
    if info in r.update.objects:
        _information(r, info)
    stream = _number(plain(r.old(root).raw_get("/Metadata")))
    if stream in r.update.objects:
        _metadata(r, stream)
    if fields:
        _time_stamp(r, fields[0])
    left = sorted(set(r.update.objects) - r.seen)
    if left:
        raise refuse(f"an update after the signature changes object {left[0]}", "archive-changes")


def _catalog(r: _Revision, root: int) -> list[Any]:
    """Compare the catalogs; returns the added form field, if there is one."""
    was, now = plain(r.old(root)), plain(r.new(root))
    old_security, new_security = was.pop("/DSS", None), now.pop("/DSS", None)
    _extensions(was.pop("/Extensions", {}), now.pop("/Extensions", {}))
    old_fields, new_fields = was["/AcroForm"].pop("/Fields"), now["/AcroForm"].pop("/Fields")
    added = new_fields[len(old_fields) :]
    if was != now or new_fields[: len(old_fields)] != old_fields or len(added) > 1:
        raise refuse("an update after the signature changes the catalog", "archive-catalog")
    if old_security is not None and new_security != old_security:
        raise refuse("an update after the signature replaces the evidence of validity", "archive-evidence")
    if new_security is not None and _number(new_security) in r.update.objects:
        _security_store(r, _number(new_security), first=old_security is None)
    return list(added)


def _extensions(was: dict[str, Any], now: dict[str, Any]) -> None:
    """Which later editions of PDF the file uses; only more of them, and nothing but that."""
    if any(now.get(key) != value for key, value in was.items()) or not set(now) <= {"/ESIC", "/ADBE", "/ISO_"}:
        raise refuse("an update after the signature changes the catalog", "archive-catalog")
    for value in now.values():
        for single in value if isinstance(value, list) else [value]:
            if not isinstance(single, dict) or not set(single) <= _EXTENSION:
                raise refuse("an update after the signature changes the catalog", "archive-catalog")


def _security_store(r: _Revision, number: int, *, first: bool) -> None:
    """The document security store: what it held stays, what it gains is DER evidence."""
    if first and number < r.size:
        raise refuse("the evidence of validity takes the place of another object", "archive-objects")
    was, now = {} if first else plain(r.old(number)), plain(r.new(number))
    if not set(now) <= {"/Type", "/VRI", *_KINDS} or now.get("/Type", ("NameObject", "/DSS"))[1] != "/DSS":
        raise refuse("the evidence of validity holds something else", "archive-evidence")
    for key, kind in _KINDS.items():
        old, new = was.get(key, []), now.get(key, [])
        if not isinstance(new, list) or new[: len(old)] != old:
            raise refuse("an update after the signature drops evidence of validity", "archive-evidence")
        for reference in new[len(old) :]:
            _store(r, reference, kind)
    _per_signature(r, was.get("/VRI", {}), now.get("/VRI", {}), now)


def _store(r: _Revision, reference: Any, kind: str) -> None:  # noqa: ANN401 - a plain value
    stream = r.added(reference, "evidence")
    evidence = r.evidence
    if len(evidence.certificates) + len(evidence.crls) + len(evidence.ocsps) >= MOST_EVIDENCE:
        raise refuse("there is more evidence of validity than is read", "archive-evidence")
    if not set(stream) <= {"/Length"}:
        raise refuse("the evidence of validity is stored in an unusual way", "archive-evidence")
    data = bytes(stream.encoded_data)
    _require_der(data, kind)
    {"certificates": evidence.certificates, "crls": evidence.crls, "ocsps": evidence.ocsps}[kind].append(data)


def _require_der(data: bytes, kind: str) -> None:
    """One certificate, revocation list or answer and nothing behind it."""
    from asn1crypto import crl, ocsp, x509  # noqa: PLC0415 - only here

    types = {"certificates": x509.Certificate, "crls": crl.CertificateList, "ocsps": ocsp.OCSPResponse}
    try:
        found = types[kind].load(data, strict=True)
        if kind == "ocsps":
            found = found["response_bytes"]["response"].parsed
        signature = found["signature_value" if kind == "certificates" else "signature"]
        signature.native  # noqa: B018 - it is read only when it is asked for
    except (ValueError, TypeError, KeyError) as error:
        raise refuse("the evidence of validity is malformed", "archive-evidence") from error
    require_whole_octets(signature)


def _per_signature(r: _Revision, was: Any, now: Any, store: dict[str, Any]) -> None:  # noqa: ANN401 - plain values
    """Which evidence belongs to which signature: only what the store itself lists."""
    if not isinstance(now, dict) or any(now.get(key) != value for key, value in was.items()):
        raise refuse("an update after the signature drops evidence of validity", "archive-evidence")
    listed = [item for key in _KINDS for item in store.get(key, [])]
    for key in set(now) - set(was):
        value = now[key] if isinstance(now[key], dict) else plain(r.added(now[key], "evidence"))
        if not _VRI_KEY.fullmatch(key) or not set(value) <= _VRI | {"/Type"}:
            raise refuse("the evidence of validity holds something else", "archive-evidence")
        if any(item not in listed for kind in _VRI for item in value.get(kind, [])):
            raise refuse("the evidence of validity holds something else", "archive-evidence")


def _time_stamp(r: _Revision, reference: Any) -> None:  # noqa: ANN401 - a plain value
    """A document time stamp in a field that nobody sees, on page one."""
    number = _number(reference)
    widget = plain(r.added(reference, "the field"))
    page = _number(plain(r.after.root["/Pages"]["/Kids"].raw_get(0)))
    value = widget.pop("/V", None)
    name, words = widget.pop("/T", ("", ""))[1], widget.pop("/TU", ("", "Timestamp"))[1]
    rest = {key: item[1] if isinstance(item, tuple) else item for key, item in widget.items()}
    rectangle = rest.pop("/Rect", None)
    expected = {"/FT": "/Sig", "/Type": "/Annot", "/Subtype": "/Widget", "/F": 132, "/P": page}
    if rest != expected or not isinstance(rectangle, list) or [item[1] for item in rectangle] != [0, 0, 0, 0]:
        raise refuse("the field of a document time stamp does more than hold it", "archive-field")
    if not _STAMP_NAME.fullmatch(str(name)) or words != "Timestamp":
        raise refuse("the field of a document time stamp has another name", "archive-field")
    signature = plain(r.added(value, "the document time stamp"))
    if set(signature) != {*_STAMP, "/Contents", "/ByteRange"} or any(signature[k] != v for k, v in _STAMP.items()):
        raise refuse("a document time stamp holds something else", "archive-stamp")
    token, gap = container(r.pdf, r.update.objects[_number(value)], r.update.end)
    r.evidence.stamps.append(Stamp(token=token, gap=gap, end=r.update.end))
    _page(r, page, number)


def _page(r: _Revision, page: int, field_number: int) -> None:
    """Page one gains the invisible field and nothing else."""
    if page not in r.update.objects:
        return
    was, now = plain(r.old(page)), plain(r.new(page))
    old, new = was.pop("/Annots", []), now.pop("/Annots", [])
    if was != now or not isinstance(old, list) or new != [*old, ("reference", field_number, 0)]:
        raise refuse("an update after the signature changes page 1", "archive-page")


def _information(r: _Revision, number: int) -> None:
    """Title, author and dates stay; only the time of the last change and the name of the tool move."""
    was, now = plain(r.old(number)), plain(r.new(number))
    producer, changed = now.pop("/Producer", None), now.pop("/ModDate", None)
    old_producer = was.pop("/Producer", None)
    was.pop("/ModDate", None)
    if was != now or not _same_producer(_text(old_producer), _text(producer)):
        raise refuse("an update after the signature changes the document's information", "archive-metadata")
    if changed is not None and not re.fullmatch(r"D:[0-9]{14}(?:Z|[+-][0-9]{2}'[0-9]{2}'?)?", _text(changed)):
        raise refuse("an update after the signature changes the document's information", "archive-metadata")


def _text(value: Any) -> str:  # noqa: ANN401 - a plain value
    return str(value[1]) if isinstance(value, tuple) else ""


def _same_producer(was: str, now: str) -> bool:
    """Tools add their name to the list, or puts it there alone."""
    return now == was or (bool(_PRODUCER.fullmatch(now)) and (now.startswith((f"{was}; ", "pyHanko "))))


def _metadata(r: _Revision, number: int) -> None:
    """The XMP packet: every property as before, but for the time of the last change and the name of the tool."""
    old, stream = r.old(number), r.new(number)
    if {str(k): str(stream.raw_get(k)) for k in stream if k != "/Length"} != {
        "/Type": "/Metadata",
        "/Subtype": "/XML",
    } or len(stream.encoded_data) > 2**20:
        raise refuse("an update after the signature changes the metadata", "archive-metadata")
    if stream.encoded_data == old.data:
        return
    was, now = _properties(old.data), _properties(stream.encoded_data, written_by_tool=True)
    producers = [_simple(each.pop("http://ns.adobe.com/pdf/1.3/Producer", None)) for each in (was, now)]
    dates = [
        _simple(each.pop(f"http://ns.adobe.com/xap/1.0/{key}", None))
        for each in (was, now)
        for key in ("ModifyDate", "MetadataDate")
    ]
    if was != now or not _same_producer(*producers) or not all(re.fullmatch(r"[-0-9T:.Z+]*", date) for date in dates):
        raise refuse("an update after the signature changes the metadata", "archive-metadata")


def _simple(value: Any) -> str:  # noqa: ANN401 - pyHanko's XMP values
    return "" if value is None else str(value.value)


def _properties(data: bytes, *, written_by_tool: bool = False) -> dict[str, Any]:
    """Properties of an XMP packet by name; one that stands twice is refused.

    ``written_by_tool``: nothing may stand beside them.
    """
    from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp  # noqa: PLC0415 - only here

    if b"<!" in data:
        raise refuse("the metadata hold markup that is no metadata", "archive-metadata")
    found: dict[str, Any] = {}
    structures = parse_xmp(io.BytesIO(data))
    if written_by_tool:
        _require_nothing_beside(data)
    for structure in structures:
        for name, value in structure:
            if str(name) in found and not str(name).endswith("22-rdf-syntax-ns#about"):
                raise refuse("the metadata name a property twice", "archive-metadata")
            found[str(name)] = value
    return found


_PACKET = re.compile(rb"\s*<\?xpacket[^?<>]*\?>(.*)<\?xpacket end=[\"'][rw][\"']\?>\s*", re.DOTALL)
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def _require_nothing_beside(data: bytes) -> None:
    """One RDF element of descriptions and no other text, element, comment or instruction around them."""
    from xml.etree import ElementTree as ET  # noqa: PLC0415 - only here

    packet = _PACKET.fullmatch(data)
    text = data if packet is None else packet[1]
    if b"<?" in text.replace(b"<?xml ", b"", 1):
        raise refuse("the metadata hold more than metadata", "archive-metadata")
    root = ET.fromstring(text)  # noqa: S314 - there is no declaration in it, so no entity
    outer = [root, *root] if root.tag == "{adobe:ns:meta/}xmpmeta" else [root]
    beside = [element for element in outer if (element.text or "").strip() or (element.tail or "").strip()]
    beside += [element for element in outer[-1] if (element.tail or "").strip() or (element.text or "").strip()]
    strange = [element.tag for element in outer[-1] if element.tag != f"{_RDF}Description"]
    if beside or strange or len(outer) > 2 or outer[-1].tag != f"{_RDF}RDF":
        raise refuse("the metadata hold more than metadata", "archive-metadata")


def names_of(evidence: Evidence) -> Sequence[str]:
    """What the updates hold, in words."""
    counts = (
        (len(evidence.stamps), "document time stamp"),
        (len(evidence.certificates), "certificate"),
        (len(evidence.crls), "revocation list"),
        (len(evidence.ocsps), "revocation answer"),
    )
    return [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
