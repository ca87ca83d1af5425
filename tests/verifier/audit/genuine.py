"""Genuine material that attacks start from, and tools to make files that only look like it."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper

from verifier.audit.attestation import attest
from verifier.audit.keys import Identity
from verifier.audit.record import Record, digest, from_jcs, to_jcs
from verifier.audit.render import page_source, render, write_pages
from verifier.audit.sign import Archive, sign, signer_of
from verifier.errors import RecordRejected

from .conftest import CLAIM, build
from .pki import Authority


class Quiet(IncrementalPdfFileWriter):
    """Writes what it is told and no dates."""

    def _update_meta(self) -> None:
        pass


def written(writer: IncrementalPdfFileWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], object], *, quiet: bool = True) -> bytes:
    """``pdf`` with an incremental update that ``change`` fills."""
    writer = (Quiet if quiet else IncrementalPdfFileWriter)(io.BytesIO(pdf))
    change(writer)
    return written(writer)


def signed_otherwise(pdf: bytes, identity: Identity, change=lambda _: None, stamper=None, **details) -> bytes:
    """A signature by ``identity``, with other settings than ours."""
    writer = Quiet(io.BytesIO(pdf))
    change(writer)
    settings = {
        "field_name": "AuditSignature",
        "md_algorithm": "sha256",
        "subfilter": SigSeedSubFilter.PADES,
        "certify": True,
        "docmdp_permissions": MDPPerm.NO_CHANGES,
        **details,
    }
    output = io.BytesIO()
    signer = details.pop("signer", None) or signer_of(identity)
    settings.pop("signer", None)
    PdfSigner(PdfSignatureMetadata(**settings), signer=signer, timestamper=stamper).sign_pdf(
        writer, output=output, existing_fields_only=True
    )
    return output.getvalue()


_TABLE = re.compile(rb"xref\n0 (\d+)\n((?:\d{10} \d{5} [nf] \n)+)")


def objects(pdf: bytes) -> tuple[dict[int, bytes], list[int], bytes, bytes]:
    """Objects of unsigned pages by number, their order, the header, and the trailer's dictionary."""
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf)[1])
    entries = _TABLE.match(pdf, table)[2]
    offsets = {
        int(entries[20 * i : 20 * i + 10]): i
        for i in range(len(entries) // 20)
        if entries[20 * i + 17 : 20 * i + 18] == b"n"
    }
    places = sorted(offsets)
    bodies = {offsets[a]: pdf[a:b] for a, b in zip(places, [*places[1:], table], strict=True)}
    trailer = pdf[pdf.index(b"trailer\n", table) + 8 : pdf.rindex(b"\nstartxref")]
    return bodies, [offsets[a] for a in places], pdf[: places[0]], trailer


def rebuilt(pdf: bytes, changes: dict[int, bytes], added: Iterable[bytes] = ()) -> bytes:
    """Unsigned pages with other objects in the very form that the renderer writes; ``added`` get the next numbers."""
    bodies, order, header, trailer = objects(pdf)
    bodies.update(changes)
    size = max(bodies) + 1
    for number, body in enumerate(added, start=size):
        bodies[number] = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        order.append(number)
    out, places = [header], {}
    at = len(header)
    for number in order:
        places[number] = at
        out.append(bodies[number])
        at += len(bodies[number])
    count = max(bodies) + 1
    table = b"".join(b"%010d 00000 n \n" % places[n] if n in places else b"0000000000 65535 f \n" for n in range(count))
    trailer = re.sub(rb"/Size \d+", b"/Size %d" % count, trailer)
    out.append(b"xref\n0 %d\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (count, table, trailer, at))
    return b"".join(out)


def number_of(pdf: bytes, pattern: bytes) -> int:
    """Number of the first object whose text matches."""
    bodies, order, _, _ = objects(pdf)
    return next(n for n in order if re.search(pattern, bodies[n].split(b"stream\n")[0]))


def edited(pdf: bytes, pattern: bytes, change: Callable[[bytes], bytes], added: Iterable[bytes] = ()) -> bytes:
    """Unsigned pages with the first object that matches ``pattern`` changed."""
    bodies, _, _, _ = objects(pdf)
    number = number_of(pdf, pattern)
    after = change(bodies[number])
    assert after != bodies[number], "the attack changes nothing"
    return rebuilt(pdf, {number: after}, added)


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<<%s /Length %d>>\nstream\n%s\nendstream" % (dictionary, len(data), data)


@dataclass(frozen=True, kw_only=True)
class Genuine:
    """Everything genuine: an authority, a signer, a record and its files."""

    authority: Authority
    other_authority: Authority
    identity: Identity
    claim: bytes
    record: Record
    data: bytes
    unsigned: bytes
    signed: bytes

    @classmethod
    def make(cls) -> Genuine:
        authority = Authority()
        identity = authority.signer("Jane Doe, Municipal Laboratory")
        claim = CLAIM.read_bytes()
        record = build(claim, identity=identity)
        unsigned = render(record, claim, attestations=attest(record, identity))
        return cls(
            authority=authority,
            other_authority=Authority(name="Other Authority"),
            identity=identity,
            claim=claim,
            record=record,
            data=to_jcs(record),
            unsigned=unsigned,
            signed=sign(unsigned, identity),
        )

    @cached_property
    def crl(self) -> x509.CertificateRevocationList:
        return self.authority.revocations()

    @cached_property
    def root(self) -> x509.Certificate:
        return self.authority.certificate

    @cached_property
    def stamped(self) -> bytes:
        """PAdES B-T."""
        return sign(self.unsigned, self.identity, tsa=self.authority.stamper())

    @cached_property
    def long_term(self) -> bytes:
        """PAdES B-LT."""
        return self.kept(renewed=False)

    @cached_property
    def archived(self) -> bytes:
        """PAdES B-LTA."""
        return self.kept(renewed=True)

    def kept(self, *, renewed: bool) -> bytes:
        archive = Archive(anchors=(self.root,), crls=(self.crl.public_bytes(Encoding.DER),), renewed=renewed)
        return sign(self.unsigned, self.identity, tsa=self.authority.stamper(), archive=archive)

    @cached_property
    def archived_by_pyhanko(self) -> bytes:
        """B-LTA as pyHanko makes it at once: with its name and the time in the metadata, and a further update."""
        return signed_otherwise(
            self.unsigned,
            self.identity,
            stamper=self.authority.stamper(),
            embed_validation_info=True,
            use_pades_lta=True,
            validation_context=self.authority.context(self.crl),
        )

    @cached_property
    def archived_again(self) -> bytes:
        """B-LTA with a second document time stamp, as an archive adds one every few years."""
        out = io.BytesIO()
        PdfTimeStamper(self.authority.stamper("Later Time Stamps")).update_archival_timestamp_chain(
            PdfFileReader(io.BytesIO(self.archived)), self.authority.context(self.crl), output=out
        )
        return out.getvalue()

    def forged(self, *, shown: Record | None = None, data: bytes | None = None, claim: bytes | None = None) -> bytes:
        """Unsigned pages of other words or data than the record's."""
        data = self.data if data is None else data
        source = page_source(shown or from_jcs(self.data), digest(data))
        own = attest(self.record, self.identity).files()
        files = (("claim.yaml", self.claim if claim is None else claim), ("record.json", data), *own)
        return write_pages(source, files, created=self.record.created, record_digest=digest(data))

    def with_data(self, data: bytes) -> bytes:
        """The genuine pages with another record.json inside and attestations to fit, signed by the genuine key."""
        pages = attached(self.unsigned, "record.json", data)
        try:
            own = attest(from_jcs(data), self.identity)
        except RecordRejected:
            return self.sign(pages)
        for file, content in own.files():
            pages = attached(pages, file, content)
        return self.sign(pages)

    def sign(self, unsigned: bytes) -> bytes:
        """Signed by the genuine key, which lies."""
        return sign(unsigned, self.identity)

    def changed(self, **changes: object) -> Record:
        return self.record.model_copy(update=changes)


def attached(unsigned: bytes, name: str, data: bytes) -> bytes:
    """Unsigned pages with another content of an attachment, its size and checksum right."""
    bodies, _, _, _ = objects(unsigned)
    spec = next(b for b in bodies.values() if b"/UF (%s)" % name.encode() in b.split(b"stream\n")[0])
    number = int(re.search(rb"/EF\s*<<\s*/F (\d+) 0 R", spec)[1])
    head = bodies[number].split(b"stream\n")[0]
    head = re.sub(rb"/Filter /FlateDecode\s*", b"", head)
    head = re.sub(rb"/Length \d+", b"/Length %d" % len(data), head)
    head = re.sub(rb"/Size \d+", b"/Size %d" % len(data), head)
    checksum = hashlib.md5(data, usedforsecurity=False).hexdigest().encode()
    head = re.sub(rb"/CheckSum <[0-9a-f]+>", b"/CheckSum <%s>" % checksum, head)
    assert checksum in head
    return rebuilt(unsigned, {number: head + b"stream\n" + data + b"\nendstream\nendobj\n"})


def name(text: str) -> generic.NameObject:
    return generic.pdf_name(text)


def dictionary(**entries) -> generic.DictionaryObject:
    return generic.DictionaryObject({name(f"/{key}"): value for key, value in entries.items()})


def add_store(writer: IncrementalPdfFileWriter, certificates: Iterable[x509.Certificate] = (), **more) -> object:
    """A document security store with certificates, as an archive adds it."""
    streams = [generic.StreamObject(stream_data=c.public_bytes(Encoding.DER)) for c in certificates]
    listed = generic.ArrayObject([writer.add_object(each) for each in streams])
    store = writer.add_object(dictionary(Certs=listed, **more))
    writer.root["/DSS"] = store
    writer.update_root()
    return store
