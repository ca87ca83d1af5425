"""Attacks by the signer: the genuine key signs a document that says one thing and carries another."""

from __future__ import annotations

import json
import re
import zlib

import rfc8785
from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from verifier.audit.attestation import attest, statements
from verifier.audit.envelope import seal
from verifier.audit.record import digest
from verifier.audit.render import render
from verifier.verdict import Reason, Verdict, overall

from .attacks import Forgery, attack
from .genuine import Genuine, attached, edited, number_of, objects, rebuilt, signed_otherwise, stream
from .pki import NOW

ACTIVE, TWOFOLD, CONTRADICTION, JSON = "active content", "two readings", "contradictions", "hostile JSON"
OTHER = "signature of another kind"
CATALOG = rb"/Type /Catalog"
ACTION = b"<</S /JavaScript /JS (app.alert\\(1\\))>>"


def in_catalog(g: Genuine, text: bytes) -> bytes:
    return g.sign(edited(g.unsigned, CATALOG, lambda b: b.replace(b"/Lang (en)", b"/Lang (en)" + text)))


def in_page(g: Genuine, text: bytes) -> bytes:
    return g.sign(edited(g.unsigned, rb"/Type /Page\b", lambda b: b.replace(b"/Tabs /S", b"/Tabs /S" + text)))


@attack(ACTIVE, "active-catalog")
def open_with_javascript(g: Genuine) -> bytes:
    return in_catalog(g, b"/OpenAction " + ACTION)


@attack(ACTIVE, "active-catalog")
def act_when_printed(g: Genuine) -> bytes:
    return in_catalog(g, b"/AA <</WP " + ACTION + b">>")


@attack(ACTIVE, "active-page")
def act_when_a_page_opens(g: Genuine) -> bytes:
    return in_page(g, b"/AA <</O " + ACTION + b">>")


@attack(ACTIVE, "active-catalog")
def optional_content(g: Genuine) -> bytes:
    return in_catalog(g, b"/OCProperties <</OCGs [] /D <<>>>>")


@attack(ACTIVE, "attachment-names")
def scripts_in_the_name_tree(g: Genuine) -> bytes:
    change = lambda b: b.replace(b"/Names <<", b"/Names <</JavaScript <</Names [(a) " + ACTION + b"]>>")  # noqa: E731
    return g.sign(edited(g.unsigned, CATALOG, change))


@attack(ACTIVE, "active-annotation")
def a_link_to_another_file(g: Genuine) -> bytes:
    link = b"<</Type /Annot /Subtype /Link /Rect [0 0 99 99] /A <</S /Launch /F (evil.exe)>>>>"
    number = max(objects(g.unsigned)[0]) + 1
    change = lambda b: b.replace(b"/Annots [", b"/Annots [%d 0 R " % number)  # noqa: E731
    return g.sign(edited(g.unsigned, rb"/Type /Page\b", change, [link]))


@attack(ACTIVE, "active-form")
def a_dynamic_form(g: Genuine) -> bytes:
    return g.sign(edited(g.unsigned, CATALOG, lambda b: b.replace(b"/SigFlags 1", b"/SigFlags 1/XFA (x)")))


@attack(ACTIVE, "active-catalog")
def a_collection_that_opens_another_file(g: Genuine) -> bytes:
    return in_catalog(g, b"/Collection <</D (other)>>")


@attack(ACTIVE, "active-outline")
def a_bookmark_that_leads_outside(g: Genuine) -> bytes:
    change = lambda b: re.sub(rb"/Dest \[[^\]]*\]", b"/A <</S /URI /URI (http://evil.example)>>", b)  # noqa: E731
    return g.sign(edited(g.unsigned, rb"/Dest \[", change))


@attack(ACTIVE, "pages-differ", "content-active")
def an_external_stream(g: Genuine) -> bytes:
    return g.sign(
        rebuilt(g.unsigned, {6: b"6 0 obj\n<</Length 0/F (http://evil.example/page)>>\nstream\n\nendstream\nendobj\n"})
    )


@attack(ACTIVE, "pages-differ", "content-font")
def a_font_that_is_not_embedded(g: Genuine) -> bytes:
    return g.sign(edited(g.unsigned, rb"/Type /FontDescriptor", lambda b: re.sub(rb"/FontFile2 \d+ 0 R", b"", b)))


@attack(TWOFOLD, "attachment-names", "attachment-stream")
def two_streams_in_one_attachment(g: Genuine) -> bytes:
    number = max(objects(g.unsigned)[0]) + 1
    change = lambda b: re.sub(rb"/EF <</F (\d+) 0 R", rb"/EF <</F \1 0 R/UF %d 0 R" % number, b)  # noqa: E731
    return g.sign(edited(g.unsigned, rb"/UF \(record", change, [stream(b"/Type /EmbeddedFile", b"{}")]))


@attack(TWOFOLD, "attachment-names")
def two_names_of_one_attachment(g: Genuine) -> bytes:
    return g.sign(edited(g.unsigned, rb"/UF \(record", lambda b: b.replace(b"/UF (record", b"/UF (recorb")))


@attack(TWOFOLD, "attachment-names")
def other_files_associated_than_named(g: Genuine) -> bytes:
    return g.sign(edited(g.unsigned, CATALOG, lambda b: re.sub(rb"/AF \[(\d+ 0 R)", rb"/AF [\1 \1", b)))


@attack(TWOFOLD, "attachment-names")
def a_name_twice(g: Genuine) -> bytes:
    change = lambda b: b.replace(b"/Names [", b"/Names [(claim.yaml) 3 0 R ")  # noqa: E731
    return g.sign(edited(g.unsigned, rb"obj\n<</Names \[", change))


@attack(TWOFOLD, "attachment-names")
def a_name_tree_with_kids(g: Genuine) -> bytes:
    number = max(objects(g.unsigned)[0]) + 1
    names = (
        objects(g.unsigned)[0][number_of(g.unsigned, rb"^\d+ 0 obj\n<</Names \[")]
        .split(b" obj\n")[1]
        .rsplit(b"\nendobj", 1)[0]
    )
    change = lambda b: b.split(b" obj\n")[0] + b" obj\n<</Kids [%d 0 R]>>\nendobj\n" % number  # noqa: E731
    return g.sign(edited(g.unsigned, rb"obj\n<</Names \[", change, [names]))


@attack(TWOFOLD, "attachment-parameters")
def a_wrong_checksum(g: Genuine) -> bytes:
    return g.sign(
        edited(g.unsigned, rb"/Type /EmbeddedFile\b", lambda b: re.sub(rb"/CheckSum <..", b"/CheckSum <00", b))
    )


@attack(TWOFOLD, "attachment-parameters")
def a_wrong_size(g: Genuine) -> bytes:
    return g.sign(edited(g.unsigned, rb"/Type /EmbeddedFile\b", lambda b: re.sub(rb"/Size (\d)", rb"/Size 9\1", b)))


@attack(TWOFOLD, "attachment-stream")
def a_filter_of_another_kind(g: Genuine) -> bytes:
    change = lambda b: b.replace(b"/Filter /FlateDecode", b"/Filter /ASCIIHexDecode")  # noqa: E731
    return g.sign(edited(g.unsigned, rb"/Type /EmbeddedFile\b", change))


@attack(TWOFOLD, "attachment-size", "attachment-stream")
def bytes_behind_the_compressed_data(g: Genuine) -> bytes:
    def change(body: bytes) -> bytes:
        length = int(re.search(rb"/Length (\d+)", body)[1])
        body = body.replace(b"/Length %d" % length, b"/Length %d" % (length + 4))
        return body.replace(b"\nendstream", b"evil\nendstream")

    return g.sign(edited(g.unsigned, rb"/Type /EmbeddedFile\b", change))


@attack(TWOFOLD, "attachment-size", "attachment-stream")
def an_attachment_from_outside(g: Genuine) -> bytes:
    change = lambda b: b.replace(b"/Type /EmbeddedFile", b"/Type /EmbeddedFile/F (http://evil.example)")  # noqa: E731
    return g.sign(edited(g.unsigned, rb"/Type /EmbeddedFile\b", change))


@attack(TWOFOLD, "attachment-size")
def an_attachment_that_inflates_without_end(g: Genuine) -> bytes:
    bomb = zlib.compress(b"[" + b"0," * (40 * 2**20) + b"0]", 9)
    body = stream(b"/Type /EmbeddedFile/Params <</Size 9/CheckSum <00>>>/Filter /FlateDecode", bomb)
    number = number_of(g.unsigned, rb"/Type /EmbeddedFile\b")
    return g.sign(rebuilt(g.unsigned, {number: b"%d 0 obj\n%s\nendobj\n" % (number, body)}))


@attack(TWOFOLD, "pages-differ", "content-replaced")
def letters_that_are_read_as_others(g: Genuine) -> bytes:
    """``ActualText``: what is copied or read aloud is not what is drawn."""

    def change(body: bytes) -> bytes:
        data = zlib.decompress(body.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0])
        lie = b"/Span <</ActualText (reproduced)>> BDC\n" + data + b"\nEMC"
        return b"6 0 obj\n" + stream(b"", lie) + b"\nendobj\n"

    return g.sign(rebuilt(g.unsigned, {6: change(objects(g.unsigned)[0][6])}))


@attack(TWOFOLD, "pages-differ", "content-replaced")
def words_that_nobody_sees(g: Genuine) -> bytes:
    data = zlib.decompress(objects(g.unsigned)[0][6].split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0])
    hidden = data.replace(b"BT\n", b"BT\n3 Tr\n", 3)
    assert hidden != data
    return g.sign(rebuilt(g.unsigned, {6: b"6 0 obj\n" + stream(b"", hidden) + b"\nendobj\n"}))


@attack(TWOFOLD, "pages-differ")
def a_white_sheet_over_the_words(g: Genuine) -> bytes:
    data = zlib.decompress(objects(g.unsigned)[0][6].split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0])
    covered = data + b"\nq 1 1 1 rg 0 0 2000 2000 re f Q\n"
    return g.sign(rebuilt(g.unsigned, {6: b"6 0 obj\n" + stream(b"", covered) + b"\nendobj\n"}))


@attack(TWOFOLD, "pages-differ", "content-replaced", "content-font")
def glyphs_that_mean_something_else(g: Genuine) -> bytes:
    bodies, order, _, _ = objects(g.unsigned)
    number = next(n for n in order if b"/CMapName" in bodies[n] or b"beginbfchar" in bodies[n] or is_map(bodies[n]))
    return g.sign(
        rebuilt(
            g.unsigned,
            {number: b"%d 0 obj\n%s\nendobj\n" % (number, stream(b"", b"1 beginbfchar <0003> <0041> endbfchar"))},
        )
    )


def is_map(body: bytes) -> bool:
    if b"stream\n" not in body or b"FlateDecode" not in body:
        return False
    try:
        return b"beginbf" in zlib.decompress(body.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0])
    except zlib.error:
        return False


@attack(TWOFOLD, "structure-objects")
def bytes_hidden_between_objects(g: Genuine) -> bytes:
    bodies, order, _, _ = objects(g.unsigned)
    return g.sign(rebuilt(g.unsigned, {order[5]: bodies[order[5]] + b"7 0 obj\n<</Type /Page>>\nendobj\n%"}))


def reproduced(g: Genuine):
    """The same record with every verdict turned to good."""
    good = tuple(
        v.model_copy(update={"verdict": Verdict.REPRODUCED, "reason": Reason.WITHIN_TOLERANCE.code})
        for v in g.record.verdicts
    )
    return g.changed(verdicts=good, overall=overall(good))


@attack(CONTRADICTION, "pages-differ")
def pages_that_contradict_the_data(g: Genuine) -> bytes:
    return g.sign(g.forged(shown=reproduced(g)))


@attack(CONTRADICTION, "verdicts-differ")
def verdicts_that_the_evidence_does_not_give(g: Genuine) -> bytes:
    return g.sign(render(reproduced(g), g.claim))


def data_of(g: Genuine, **changes: object) -> bytes:
    return rfc8785.dumps({**json.loads(g.data), **changes})


@attack(CONTRADICTION, "record-contradiction")
def an_overall_verdict_that_does_not_follow(g: Genuine) -> bytes:
    return g.with_data(data_of(g, overall="reproduced"))


@attack(CONTRADICTION, "record-contradiction")
def a_verdict_that_its_reason_does_not_give(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["verdicts"][0]["reason"] = "below_claim"
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "record-contradiction", "verdicts-differ", "pages-differ")
def evidence_that_was_made_better(g: Genuine) -> bytes:
    data = json.loads(g.data)
    run = data["evidence"]["sustain"]["runs"][1]
    for block in run["blocks"]:
        block["items"] *= 2
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "record-misquotes")
def a_claim_quoted_wrongly(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["claim"]["statement"] = "99 times faster"
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "record-misquotes")
def a_system_described_otherwise(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["system"][0]["claimed"] = data["system"][0]["found"] = "an H100"
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "score-differs")
def a_better_score(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["score"]["score"] = 12.0
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "limits-differ")
def limits_rewritten(g: Genuine) -> bytes:
    return g.with_data(data_of(g, limits=["Holds everywhere."]))


@attack(CONTRADICTION, "claim-swapped")
def another_claim_inside(g: Genuine) -> bytes:
    return g.sign(attached(g.unsigned, "claim.yaml", g.claim.replace(b"1950 images/s", b"2950 images/s")))


@attack(CONTRADICTION, "record-contradiction", "claim-swapped")
def evidence_for_another_claim(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["evidence"]["claim_sha256"] = "0" * 64
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "signer-differs")
def a_signer_with_a_better_name(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["signer"]["name"] = "National Metrology Institute"
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "signer-differs")
def a_record_without_a_signer(g: Genuine) -> bytes:
    return g.with_data(data_of(g, signer=None))


def test_result(g: Genuine, **changes: object) -> bytes:
    """An attestation of ours that says something else, by the genuine key."""
    statement = json.loads(statements(g.record, digest(g.data))[1])
    statement["predicate"].update(changes)
    return seal(statement, g.identity)


@attack(CONTRADICTION, "attestation-differs")
def an_attestation_that_passes_everything(g: Genuine) -> bytes:
    name = "record.test-result.sigstore.json"
    return g.sign(attached(g.unsigned, name, test_result(g, result="PASSED", failedTests=[], warnedTests=[])))


@attack(CONTRADICTION, "attestation-signer", "attestation-signature")
def an_attestation_by_another_key(g: Genuine) -> bytes:
    return g.sign(attached(g.unsigned, "record.intoto.sigstore.json", attest(g.record, g.authority.signer("M")).ours))


@attack(CONTRADICTION, "attachment-names")
def an_attestation_left_out(g: Genuine) -> bytes:
    change = lambda b: re.sub(rb"\(record\.test-result\.sigstore\.json\) \d+ 0 R", b"", b)  # noqa: E731
    return g.sign(edited(g.unsigned, rb"obj\n<</Names \[", change))


@attack(CONTRADICTION, "pages-differ")
def another_place_and_person(g: Genuine) -> bytes:
    data = json.loads(g.data)
    data["performed"]["person"] = "Somebody Famous"
    return g.with_data(rfc8785.dumps(data))


@attack(CONTRADICTION, "pages-differ")
def metadata_with_another_digest(g: Genuine) -> bytes:
    change = lambda b: re.sub(rb"recordDigest>[0-9a-f]{8}", b"recordDigest>00000000", b)  # noqa: E731
    return g.sign(edited(g.unsigned, rb"/Type /Metadata", change))


@attack(JSON, "json-duplicate-key")
def a_key_twice(g: Genuine) -> bytes:
    return g.with_data(g.data.replace(b'{"claim":', b'{"overall":"reproduced","claim":', 1))


@attack(JSON, "json-not-finite")
def not_a_number(g: Genuine) -> bytes:
    return g.with_data(re.sub(rb'"score":[0-9.]+', b'"score":NaN', g.data))


@attack(JSON, "json-not-finite")
def a_number_beyond_all_doubles(g: Genuine) -> bytes:
    return g.with_data(re.sub(rb'"score":[0-9.]+', b'"score":1e999', g.data))


@attack(JSON, "json-big-integer")
def an_integer_of_a_million_digits(g: Genuine) -> bytes:
    return g.with_data(re.sub(rb'"score":[0-9.]+', b'"score":' + b"9" * 1_000_000, g.data))


@attack(JSON, "json-depth")
def nested_without_end(g: Genuine) -> bytes:
    return g.with_data(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")


@attack(JSON, "json-not-canonical")
def another_spelling(g: Genuine) -> bytes:
    return g.with_data(json.dumps(json.loads(g.data), indent=1).encode())


@attack(JSON, "json-not-canonical", "json-syntax")
def half_a_surrogate(g: Genuine) -> bytes:
    return g.with_data(g.data.replace(b'"name":"complete', b'"name":"\\ud800complete', 1))


@attack(JSON, "json-syntax")
def no_json(g: Genuine) -> bytes:
    return g.with_data(b"\xff\xfe" + g.data)


@attack(JSON, "record-schema")
def a_key_that_nobody_knows(g: Genuine) -> bytes:
    return g.with_data(data_of(g, approved="yes"))


@attack(JSON, "record-format")
def another_format(g: Genuine) -> bytes:
    return g.with_data(data_of(g, format="lynxspec-record/0"))


@attack(JSON, "json-size", "attachment-size", "json-not-canonical", "json-tokens", "record-format")
def a_record_of_many_empty_lists(g: Genuine) -> bytes:
    return g.with_data(b"[" + b"[]," * (8 * 2**20) + b"[]]")


@attack(OTHER, "signature-permissions", "not-signed", "update-objects", "structure-update")
def an_approval_signature(g: Genuine) -> bytes:
    return signed_otherwise(g.unsigned, g.identity, certify=False, docmdp_permissions=None)


def unlocked(g: Genuine, permissions: MDPPerm) -> bytes:
    """The field's own lock is loosened too: pyHanko would take the stricter of both."""
    pages = edited(g.unsigned, rb"/SigFieldLock", lambda b: b.replace(b"/P 1", b"/P %d" % permissions.value))
    return signed_otherwise(pages, g.identity, docmdp_permissions=permissions)


@attack(OTHER, "signature-permissions")
def a_certification_that_admits_annotations(g: Genuine) -> bytes:
    return unlocked(g, MDPPerm.ANNOTATE)


@attack(OTHER, "signature-permissions")
def a_certification_that_admits_forms(g: Genuine) -> bytes:
    return unlocked(g, MDPPerm.FILL_FORMS)


@attack(OTHER, "signature-kind", "signature-certificate")
def a_signature_that_is_not_pades(g: Genuine) -> bytes:
    return signed_otherwise(g.unsigned, g.identity, subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED)


@attack(OTHER, "weak-algorithm")
def a_digest_of_sha1(g: Genuine) -> bytes:
    return signed_otherwise(g.unsigned, g.identity, md_algorithm="sha1")


@attack(OTHER, "not-signed", "update-objects", "archive-changes", "archive-page")
def pages_replaced_while_signing(g: Genuine) -> bytes:
    def change(writer) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
        writer.update_container(page)

    return signed_otherwise(g.unsigned, g.identity, change)


@attack(OTHER, "update-catalog")
def full_screen_while_signing(g: Genuine) -> bytes:
    def change(writer) -> None:
        writer.root["/PageMode"] = generic.pdf_name("/FullScreen")
        writer.update_root()

    return signed_otherwise(g.unsigned, g.identity, change)


REPLAY = "replay and rollback"


@attack(REPLAY, "other-claim")
def a_genuine_record_of_another_claim(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, claim=g.claim.replace(b"1950 images/s", b"2950 images/s"))


@attack(REPLAY, "other-claim")
def a_genuine_record_of_the_same_claim_spelled_otherwise(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, claim=g.claim + b"\n")


@attack(REPLAY, "record-older")
def an_older_genuine_record(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, not_before=f"{NOW:%Y-%m-%d}")
