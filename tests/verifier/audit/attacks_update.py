"""Attacks by somebody without the key, through updates that follow the signature."""

from __future__ import annotations

import io
import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper

from verifier.audit import structure
from verifier.audit.sign import signer_of

from .attacks import attack
from .genuine import Genuine, Quiet, add_store, dictionary, edited, name, updated, written
from .pki import Authority

SAVING, CERTIFIED, SMUGGLED = "incremental saving", "certification attacks", "smuggled in an archive update"
SWAPPED, METADATA, SHADOW = "attachments", "metadata", "shadow"
CHANGED = ("archive-changes", "archive-catalog", "archive-page", "archive-objects", "archive-evidence")


def evil_stream() -> generic.StreamObject:
    return generic.StreamObject(stream_data=b"BT /F1 24 Tf 50 700 Td (REPRODUCED) Tj ET")


def first_page(writer: Quiet):
    return writer.root["/Pages"]["/Kids"][0]


@attack(SAVING, *CHANGED)
def repaint_page_one(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        page = first_page(writer)
        page["/Contents"] = writer.add_object(evil_stream())
        writer.update_container(page)

    return updated(g.signed, change)


@attack(SAVING, *CHANGED)
def replace_the_contents_in_place(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        reference = first_page(writer).raw_get("/Contents")
        writer.mark_update(reference.reference)
        writer.objects[(0, reference.idnum)] = evil_stream()

    return updated(g.signed, change)


@attack(SAVING, *CHANGED)
def swap_the_catalog(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        pages = dictionary(Type=name("/Pages"), Kids=generic.ArrayObject(), Count=generic.NumberObject(0))
        writer.root["/Pages"] = writer.add_object(pages)
        writer.update_root()

    return updated(g.signed, change)


@attack(SAVING, *CHANGED)
def swap_what_glyphs_mean(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        fonts = first_page(writer)["/Resources"]["/Font"]
        font = fonts[next(iter(fonts))]
        font["/ToUnicode"] = writer.add_object(
            generic.StreamObject(stream_data=b"1 beginbfchar <0001> <0041> endbfchar")
        )
        writer.update_container(font)

    return updated(g.signed, change)


@attack(SAVING, *CHANGED)
def remove_a_page(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        pages = writer.root["/Pages"]
        pages["/Kids"] = generic.ArrayObject(list(pages["/Kids"])[1:])
        pages["/Count"] = generic.NumberObject(len(pages["/Kids"]))
        writer.update_container(pages)

    return updated(g.signed, change)


@attack(SAVING, *CHANGED)
def turn_the_page(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        page = first_page(writer)
        page["/Rotate"] = generic.NumberObject(180)
        writer.update_container(page)

    return updated(g.signed, change)


@attack(SAVING, "structure-end")
def append_objects_without_a_table(g: Genuine) -> bytes:
    return g.signed + b"6 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n%%EOF\n"


def handmade(pdf: bytes, objects: dict[int, bytes], trailer: bytes = b"", *, previous: int | None = None) -> bytes:
    """An update as an attacker writes it by hand."""
    shape = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf)
    size, root, info = structure.shape(pdf).trailer
    out, places = pdf, {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%d 1\n%010d 00000 n \n" % (number, place) for number, place in sorted(places.items()))
    before = int(shape[1]) if previous is None else previous
    at = len(out)
    fields = b"/Size %d\n/Root %d 0 R\n/Info %d 0 R\n/ID [ <aa> <bb> ]\n/Prev %d" % (size, root, info, before)
    return out + b"xref\n0 1\n0000000000 65535 f \n%strailer\n<<\n%s%s\n>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        fields,
        trailer,
        at,
    )


@attack(SAVING, *CHANGED, "structure-update")
def a_handmade_update_of_the_page(g: Genuine) -> bytes:
    return handmade(g.signed, {7: b"<<\n/Type /Page\n/Parent 1 0 R\n/MediaBox [0 0 10 10]\n>>"})


@attack(SAVING, "structure-trailer")
def a_hybrid_reference_table(g: Genuine) -> bytes:
    return handmade(g.signed, {7: b"<<\n/Type /Page\n>>"}, b"\n/XRefStm 15")


@attack(SAVING, "structure-trailer")
def a_trailer_that_encrypts(g: Genuine) -> bytes:
    return handmade(g.signed, {7: b"<<\n/Type /Page\n>>"}, b"\n/Encrypt 7 0 R")


@attack(SAVING, "structure-revisions")
def tables_in_a_circle(g: Genuine) -> bytes:
    made = handmade(g.signed, {7: b"<<\n/Type /Page\n>>"})
    own = int(re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", made)[1])
    return handmade(g.signed, {7: b"<<\n/Type /Page\n>>"}, previous=own)


@attack(SAVING, "structure-revisions")
def skip_the_signature_with_prev(g: Genuine) -> bytes:
    return handmade(g.signed, {7: b"<<\n/Type /Page\n>>"}, previous=structure.shape(g.signed).pages_table)


@attack(SAVING, "structure-table")
def a_reference_stream_with_object_streams(g: Genuine) -> bytes:
    """Object-stream shadowing: the newest table is a stream, and page one lives compressed in another."""
    inner = b"7 0 <</Type /Page /Parent 1 0 R>>"
    at = len(g.signed)
    body = b"9000 0 obj\n<</Type /ObjStm /N 1 /First 4 /Length %d>>\nstream\n%s\nendstream\nendobj\n" % (
        len(inner),
        inner,
    )
    place = at + len(body)
    rows = b"\x02" + (9000).to_bytes(4, "big") + b"\x00" + b"\x01" + at.to_bytes(4, "big") + b"\x00"
    rows += b"\x01" + place.to_bytes(4, "big") + b"\x00"
    previous = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", g.signed)[1]
    table = (
        b"9001 0 obj\n<</Type /XRef /Size 9002 /Root 2 0 R /W [1 4 1] /Index [7 1 9000 2] /Prev %s /Length %d>>\n"
        % (
            previous,
            len(rows),
        )
    )
    return g.signed + body + table + b"stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (rows, place)


@attack(SAVING, "structure-table")
def free_an_object(g: Genuine) -> bytes:
    at = len(g.signed)
    size, root, info = structure.shape(g.signed).trailer
    previous = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", g.signed)[1]
    return g.signed + (
        b"xref\n0 1\n0000000000 65535 f \n7 1\n0000000000 00001 f \ntrailer\n<<\n/Size %d\n/Root %d 0 R\n/Info %d 0 R\n"
        b"/ID [ <aa> <bb> ]\n/Prev %s\n>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, info, previous, at)
    )


@attack(SAVING, "structure-revisions")
def another_root_in_the_trailer(g: Genuine) -> bytes:
    made = handmade(g.signed, {9000: b"<<\n/Type /Catalog\n/Pages 1 0 R\n>>"})
    at = made.rindex(b"/Root ")
    return made[:at] + made[at:].replace(b"/Root 2 0 R", b"/Root 9000 0 R")


@attack(SAVING, "structure-revisions", "structure-update", "structure-table")
def two_updates_that_share_bytes(g: Genuine) -> bytes:
    made = handmade(g.signed, {7: b"<<\n/Type /Page\n>>"})
    return handmade(made[:-1] + b"\n", {8: b"<<\n/Type /Page\n>>"}, previous=structure.shape(g.signed).pages_table)


def attachment(writer: Quiet, index: int):
    return writer.root["/Names"]["/EmbeddedFiles"]["/Names"][index]


@attack(SWAPPED, *CHANGED)
def swap_the_embedded_record(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        stream = generic.StreamObject(stream_data=g.data.replace(b"inconclusive", b"reproduced  "))
        stream["/Type"] = name("/EmbeddedFile")
        spec = attachment(writer, 3)
        spec["/EF"]["/F"] = writer.add_object(stream)
        writer.update_container(spec)

    return updated(g.signed, change)


@attack(SWAPPED, *CHANGED)
def rename_an_attachment(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        spec = attachment(writer, 3)
        spec["/UF"] = generic.pdf_string("old-record.json")
        writer.update_container(spec)

    return updated(g.signed, change)


@attack(SWAPPED, *CHANGED)
def add_an_attachment_of_the_same_name(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        tree = writer.root["/Names"]["/EmbeddedFiles"]
        tree["/Names"] += [generic.pdf_string("record.json"), writer.add_object(dictionary(Type=name("/Filespec")))]
        writer.update_container(tree)

    return updated(g.signed, change)


@attack(SWAPPED, *CHANGED)
def redirect_the_associated_files(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        writer.root["/AF"] = generic.ArrayObject([writer.add_object(dictionary(Type=name("/Filespec")))])
        writer.update_root()

    return updated(g.signed, change)


@attack(METADATA, "archive-metadata")
def rewrite_the_metadata(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        old = writer.root["/Metadata"].data
        new = generic.StreamObject(
            stream_data=old.replace(b"Municipal Procurement Office", b"TUV Certification Body   ")
        )
        new["/Type"], new["/Subtype"] = name("/Metadata"), name("/XML")
        reference = writer.root.raw_get("/Metadata")
        writer.mark_update(reference.reference)
        writer.objects[(0, reference.idnum)] = new

    return updated(g.signed, change)


@attack(METADATA, "archive-metadata")
def hide_words_in_the_metadata(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        old = writer.root["/Metadata"].data
        new = generic.StreamObject(
            stream_data=old.replace(b"</x:xmpmeta>", b"<note>certified by TUV</note></x:xmpmeta>")
        )
        new["/Type"], new["/Subtype"] = name("/Metadata"), name("/XML")
        reference = writer.root.raw_get("/Metadata")
        writer.mark_update(reference.reference)
        writer.objects[(0, reference.idnum)] = new

    return updated(g.signed, change)


@attack(METADATA, "archive-metadata")
def rewrite_the_title(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        info = writer.trailer["/Info"]
        info["/Title"] = generic.pdf_string("Reproduced")
        writer.update_container(info)

    return updated(g.signed, change)


@attack(METADATA, "archive-metadata")
def rewrite_the_producer(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        info = writer.trailer["/Info"]
        info["/Producer"] = generic.pdf_string("Audited by a national laboratory")
        writer.update_container(info)

    return updated(g.signed, change)


def note(words: str = "reproduced") -> generic.DictionaryObject:
    rectangle = generic.ArrayObject([generic.NumberObject(n) for n in (50, 600, 500, 700)])
    return dictionary(
        Type=name("/Annot"), Subtype=name("/FreeText"), Contents=generic.pdf_string(words), Rect=rectangle
    )


class Careless(PdfSigner):
    """The attacker's tool does not care that a certification forbids further signatures."""

    def _enforce_certification_constraints(self, reader: object) -> None:
        pass


def annotate(writer: Quiet) -> None:
    page = first_page(writer)
    page["/Annots"].append(writer.add_object(note()))
    writer.update_container(page)


@attack(CERTIFIED, *CHANGED)
def annotate_the_verdict(g: Genuine) -> bytes:
    return updated(g.signed, annotate)


@attack(CERTIFIED, *CHANGED, "structure-update")
def sign_over_the_verdict_as_a_second_signer(g: Genuine) -> bytes:
    mallory = Authority(name="Mallory").signer("Mallory")

    def change(writer: Quiet) -> None:
        append_signature_field(writer, SigFieldSpec("Approval", box=(50, 600, 500, 700)))

    writer = Quiet(io.BytesIO(g.signed))
    change(writer)
    details = PdfSignatureMetadata(field_name="Approval", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    out = io.BytesIO()
    Careless(details, signer=signer_of(mallory)).sign_pdf(writer, output=out, existing_fields_only=True)
    return out.getvalue()


@attack(CERTIFIED, *CHANGED)
def strip_the_permissions(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        del writer.root["/Perms"]
        writer.update_root()

    return updated(g.signed, change)


@attack(CERTIFIED, *CHANGED, "archive-field")
def recycle_the_signature_value(g: Genuine) -> bytes:
    """A second field that shows the genuine signature a second time."""

    def change(writer: Quiet) -> None:
        field = writer.root["/AcroForm"]["/Fields"][0]
        twin = generic.DictionaryObject(field)
        twin["/T"] = generic.pdf_string("Timestamp-00")
        twin["/P"] = writer.root["/Pages"]["/Kids"].raw_get(0)
        writer.root["/AcroForm"]["/Fields"].append(writer.add_object(twin))
        writer.update_root()

    return updated(g.signed, change)


@attack(CERTIFIED, *CHANGED, "archive-field")
def add_a_form_field(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        field = dictionary(FT=name("/Tx"), T=generic.pdf_string("verdict"), V=generic.pdf_string("reproduced"))
        writer.root["/AcroForm"]["/Fields"].append(writer.add_object(field))
        writer.update_root()

    return updated(g.signed, change)


@attack(CERTIFIED, *CHANGED)
def open_with_a_script(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        action = dictionary(S=name("/JavaScript"), JS=generic.pdf_string("app.alert('ok')"))
        writer.root["/OpenAction"] = writer.add_object(action)
        writer.update_root()

    return updated(g.signed, change)


@attack(CERTIFIED, *CHANGED)
def hide_pages_behind_optional_content(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        group = writer.add_object(dictionary(Type=name("/OCG"), Name=generic.pdf_string("verdict")))
        writer.root["/OCProperties"] = dictionary(
            OCGs=generic.ArrayObject([group]), D=dictionary(OFF=generic.ArrayObject([group]))
        )
        writer.update_root()

    return updated(g.signed, change)


def smuggle(g: Genuine, more) -> bytes:
    """A genuine-looking archive update with something else in it."""

    def change(writer: Quiet) -> None:
        add_store(writer, [g.root])
        more(writer)

    return updated(g.signed, change)


@attack(SMUGGLED, *CHANGED)
def repaint_page_one_in_an_archive_update(g: Genuine) -> bytes:
    def more(writer: Quiet) -> None:
        page = first_page(writer)
        page["/Contents"] = writer.add_object(evil_stream())
        writer.update_container(page)

    return smuggle(g, more)


@attack(SMUGGLED, *CHANGED)
def annotate_in_an_archive_update(g: Genuine) -> bytes:
    return smuggle(g, annotate)


@attack(SMUGGLED, *CHANGED)
def other_pages_in_an_archive_update(g: Genuine) -> bytes:
    def more(writer: Quiet) -> None:
        writer.root["/PageLayout"] = name("/TwoColumnLeft")
        writer.update_root()

    return smuggle(g, more)


@attack(SMUGGLED, *CHANGED)
def replace_a_font_as_evidence(g: Genuine) -> bytes:
    """The new evidence takes the number of the contents of page one."""

    def more(writer: Quiet) -> None:
        reference = first_page(writer).raw_get("/Contents")
        store = writer.root["/DSS"]
        store["/Certs"].append(generic.IndirectObject(reference.idnum, 0, writer))
        writer.mark_update(reference.reference)
        writer.objects[(0, reference.idnum)] = evil_stream()

    return smuggle(g, more)


@attack(SMUGGLED, *CHANGED)
def something_else_than_evidence_in_the_store(g: Genuine) -> bytes:
    return updated(g.signed, lambda writer: add_store(writer, [g.root], Verdict=generic.pdf_string("reproduced")))


@attack(SMUGGLED, *CHANGED)
def no_certificate_in_the_store(g: Genuine) -> bytes:
    def more(writer: Quiet) -> None:
        writer.root["/DSS"]["/Certs"].append(writer.add_object(evil_stream()))

    return smuggle(g, more)


@attack(SMUGGLED, *CHANGED)
def an_orphan_in_an_archive_update(g: Genuine) -> bytes:
    return smuggle(g, lambda writer: writer.add_object(evil_stream()))


@attack(SMUGGLED, "archive-evidence", *CHANGED)
def drop_the_evidence(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        store = writer.root["/DSS"]
        store["/CRLs"] = generic.ArrayObject()
        writer.update_container(store)

    return updated(g.archived, change)


@attack(SMUGGLED, *CHANGED)
def replace_the_evidence(g: Genuine) -> bytes:
    return updated(g.archived, lambda writer: add_store(writer, [g.other_authority.certificate]))


def archived_by(g: Genuine, change) -> bytes:
    """A document time stamp by a service of the attacker, then changed by ``change`` before it is stamped."""
    out = io.BytesIO()
    writer = Quiet(io.BytesIO(g.signed))
    change(writer)
    PdfTimeStamper(Authority(name="Mallory").stamper()).timestamp_pdf(writer, "sha256", output=out)
    return out.getvalue()


@attack(SMUGGLED, *CHANGED)
def annotate_under_a_document_time_stamp(g: Genuine) -> bytes:
    return archived_by(g, annotate)


@attack(SMUGGLED, *CHANGED)
def repaint_under_a_document_time_stamp(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        page = first_page(writer)
        page["/Contents"] = writer.add_object(evil_stream())
        writer.update_container(page)

    return archived_by(g, change)


@attack(SMUGGLED, "archive-field")
def show_the_field_of_a_document_time_stamp(g: Genuine) -> bytes:
    at = g.archived.rindex(b"/Rect [ 0 0 0 0 ]")
    return g.archived[:at] + g.archived[at:].replace(b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 9 9 ]")


@attack(SMUGGLED, "archive-field")
def rename_the_field_of_a_document_time_stamp(g: Genuine) -> bytes:
    return g.archived.replace(b"/T (ArchiveTimeStamp)", b"/T (ApprovedByTheTUV)")


@attack(SMUGGLED, "archive-stamp")
def flip_a_bit_under_a_document_time_stamp(g: Genuine) -> bytes:
    """Evidence is swapped for other evidence of the same length; only the time stamp knows."""
    start = structure.shape(g.archived).archive[0].start
    place = g.archived.index(b"/ID [ <", start) + 90
    digit = b"1" if g.archived[place : place + 1] != b"1" else b"2"
    return g.archived[:place] + digit + g.archived[place + 1 :]


@attack(SMUGGLED, "archive-stamp", "archive-changes", "archive-unreadable", "time-unreadable")
def a_document_time_stamp_over_another_file(g: Genuine) -> bytes:
    other, mine = g.archived_again, g.archived
    pattern = re.compile(rb"/Contents <([0-9A-F]+)>\n/ByteRange [^\n]*\n/Type /DocTimeStamp")
    theirs = list(pattern.finditer(other))[-1][1].rstrip(b"0") + b"0000"
    match = pattern.search(mine)
    return mine[: match.start(1)] + theirs.ljust(len(match[1]), b"0") + mine[match.end(1) :]


@attack(SHADOW, "pages-differ")
def hide_the_verdict_under_an_overlay(g: Genuine) -> bytes:
    """The signer prepared a file where an overlay hides words; it is caught before it can be lifted."""
    return g.sign(edited(g.unsigned, rb"/Type /Page\b", lambda b: b.replace(b"/Contents 6 0 R", b"/Contents 8 0 R")))


@attack(SHADOW, *CHANGED)
def lift_the_overlay_after_signing(g: Genuine) -> bytes:
    def change(writer: Quiet) -> None:
        resources = first_page(writer)["/Resources"]
        resources["/XObject"] = dictionary()
        writer.update_container(resources)

    return updated(g.signed, change)


@attack(SHADOW, "archive-objects", *CHANGED)
def define_a_dangling_object_later(g: Genuine) -> bytes:
    """Between pages and signature there is a number that nothing uses: an update gives it a meaning."""
    pages, signed = structure.shape(g.signed).trailer[0], structure.shape(g.signed).signature_number
    number = next(n for n in range(pages - 2, pages) if n != signed)
    return handmade(g.signed, {number: b"<<\n/Type /Page\n>>"})


@attack(SHADOW, *CHANGED, "structure-update")
def hide_and_replace_through_the_table(g: Genuine) -> bytes:
    """Two documents in one file: the update's table points page one to an object inside the signed bytes."""
    at = len(g.signed)
    size, root, info = structure.shape(g.signed).trailer
    previous = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", g.signed)[1]
    place = g.signed.index(b"8 0 obj\n")
    return g.signed + (
        b"xref\n0 1\n0000000000 65535 f \n7 1\n%010d 00000 n \ntrailer\n<<\n/Size %d\n/Root %d 0 R\n/Info %d 0 R\n"
        b"/ID [ <aa> <bb> ]\n/Prev %s\n>>\nstartxref\n%d\n%%%%EOF\n" % (place, size, root, info, previous, at)
    )


@attack(SHADOW, "structure-header", "structure-table", "not-signed", "structure-trailer", "structure-end")
def wrap_the_record_in_another_document(g: Genuine) -> bytes:
    """A new document that carries the record as an attachment: what a reader sees is unsigned."""
    writer = PdfFileWriter()
    page = dictionary(Type=name("/Page"), MediaBox=generic.ArrayObject([generic.NumberObject(n) for n in (0, 0, 9, 9)]))
    writer.insert_page(page)
    writer.root["/Attached"] = writer.add_object(generic.StreamObject(stream_data=g.signed))
    return written(writer)
