"""What `check` accepts, what it rejects, and what it says of each."""

from __future__ import annotations

import ast
import datetime as dt
import io
import json
import random
import re
import subprocess
import sys
import zlib
from importlib import resources
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

from verifier.audit import check as procedure
from verifier.audit import embedded, structure
from verifier.audit.check import PROCEDURE, CheckReport, check, report_json, report_text
from verifier.audit.keys import Identity, anchors, ensure_self_signed
from verifier.audit.record import Record, digest, from_jcs, to_jcs
from verifier.audit.render import page_source, render, write_pages
from verifier.audit.sign import sign, signer_of
from verifier.errors import RecordRejected
from verifier.verdict import Reason, Verdict, overall

from .conftest import build
from .test_sign import certificate_for


def failure(report: CheckReport) -> str:
    """Reason of the rejection."""
    assert report.exit_code == 1, report_text(report)
    return next(step.reason for step in report.steps if step.status == "fail")


def weaknesses(report: CheckReport) -> set[str]:
    assert report.exit_code == 3, report_text(report)
    return {step.reason for step in report.steps if step.status == "weak"}


def seen(pdf: bytes) -> tuple[bytes, ...]:
    """What a reader sees and trusts: page contents, attachments, signer."""
    root = PdfFileReader(io.BytesIO(pdf), strict=False).root
    kids, listed = root["/Pages"]["/Kids"], root["/Names"]["/EmbeddedFiles"]["/Names"]
    pages = [kids[i]["/Contents"].data for i in range(len(kids))]
    files = [listed[i]["/EF"]["/F"].data for i in range(1, len(listed), 2)]
    return (*pages, *files, check(pdf).fingerprint.encode())


def test_a_signed_record_with_its_trust_anchor_is_authentic(signed: bytes, identity: Identity, claim_bytes: bytes):
    report = check(signed, trust=(identity.certificate,), claim_bytes=claim_bytes)
    assert report.exit_code == 0
    assert {step.status for step in report.steps} == {"pass", "not_asked"}  # no countersignature lies beside it
    assert report.fingerprint == identity.fingerprint


def test_without_a_trust_anchor_nobody_vouches_for_the_signer(signed: bytes):
    assert weaknesses(check(signed)) == {"signer-not-trusted"}


def test_another_anchor_does_not_make_the_signer_trusted(signed: bytes, tmp_path: Path):
    other = ensure_self_signed(tmp_path, name="LynxSpec")
    assert weaknesses(check(signed, trust=(other.certificate,))) == {"signer-not-trusted"}


def test_a_certificate_that_has_expired_is_not_trusted(signed: bytes, identity: Identity):
    later = identity.certificate.not_valid_after_utc + dt.timedelta(days=1)
    report = check(signed, trust=(identity.certificate,), at=later)
    assert weaknesses(report) == {"signer-not-trusted"}
    assert "expired" in report_text(report)


def test_a_signer_is_trusted_through_its_issuer_or_when_pinned(claim_bytes: bytes):
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate_for(root_key, name="Root", ca=True)
    leaf = certificate_for(key, issuer=(root, root_key))
    identity = Identity(certificate=leaf, chain=(root,), key=key)
    pdf = sign(render(build(claim_bytes, identity=identity), claim_bytes), identity)
    assert check(pdf, trust=(root,)).exit_code == 0
    assert check(pdf, trust=(leaf,)).exit_code == 0
    assert weaknesses(check(pdf)) == {"signer-not-trusted"}


def test_a_record_signed_by_another_of_the_same_name_is_rejected(unsigned: bytes, identity: Identity):
    key = ec.generate_private_key(ec.SECP256R1())
    twin = Identity(certificate=certificate_for(key, name=identity.name), key=key)
    pdf = sign(unsigned, twin)
    assert failure(check(pdf, trust=(identity.certificate,))) == "signer-differs"


def test_an_unsigned_record_is_rejected(unsigned: bytes):
    assert failure(check(unsigned)) == "not-signed"


def test_a_record_for_another_claim_is_rejected(signed: bytes, claim_bytes: bytes):
    assert failure(check(signed, claim_bytes=claim_bytes + b"\n")) == "other-claim"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"%PDF-1.7",
        lambda _: b"\x00" * 5000,
        lambda pdf: pdf[:-1],
        lambda pdf: pdf[: len(pdf) // 2],
        lambda pdf: pdf + b"\n",
        lambda pdf: pdf + b"%%EOF\n",
        lambda pdf: b" " + pdf,
        lambda pdf: pdf + pdf,
        lambda pdf: pdf.replace(b"/ByteRange [0 ", b"/ByteRange [1 "),
        lambda pdf: re.sub(rb"/ByteRange \[0 \d+", b"/ByteRange [0 10", pdf),
        lambda pdf: pdf.replace(b"ETSI.CAdES.detached", b"adbe.pkcs7.detached"),
        lambda pdf: pdf.replace(b"/P 1\n", b"/P 3\n"),
        lambda pdf: re.sub(rb"/Contents <[0-9A-F]*>", b"/Contents <>", pdf),
        lambda pdf: re.sub(rb"/Contents <([0-9A-F]*)>", lambda m: b"/Contents <" + m[1].lower() + b">", pdf),
        lambda pdf: re.sub(rb"0>\n/ByteRange", b"1>\n/ByteRange", pdf),
        lambda pdf: pdf.replace(b"/Type /Catalog", b"/Type /Catalo1"),
    ],
)
def test_a_file_of_another_shape_is_rejected(signed: bytes, identity: Identity, change):
    altered = change(signed)
    assert altered != signed
    assert check(altered, trust=(identity.certificate,)).exit_code == 1


def test_a_file_too_large_is_rejected_unread():
    assert failure(check(structure.HEADER + b"0" * structure.MAX_BYTES)) == "structure-size"


def test_an_annotation_added_after_signing_is_rejected(signed: bytes, identity: Identity):
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Contents"): generic.pdf_string("reproduced"),
        }
    )
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page["/Annots"])
    out = io.BytesIO()
    writer.write(out)
    assert check(out.getvalue(), trust=(identity.certificate,)).exit_code == 1


def forged(
    record: Record, claim_bytes: bytes, identity: Identity, *, shown: Record | None = None, data: bytes | None = None
) -> bytes:
    """A file that the genuine key signed, with pages or data of its own choice."""
    data = to_jcs(record) if data is None else data
    source = page_source(shown or from_jcs(to_jcs(record)), digest(data))
    files = (("claim.yaml", claim_bytes), ("record.json", data))
    return sign(write_pages(source, files, created=record.created, record_digest=digest(data)), identity)


def as_data(record: Record) -> dict[str, object]:
    return json.loads(to_jcs(record))


def reproduced(record: Record) -> Record:
    """The same record with every verdict turned to good."""
    good = tuple(
        v.model_copy(update={"verdict": Verdict.REPRODUCED, "reason": Reason.WITHIN_TOLERANCE.code})
        for v in record.verdicts
    )
    return record.model_copy(update={"verdicts": good, "overall": overall(good)})


def test_pages_that_contradict_the_data_are_rejected_even_if_genuinely_signed(record, claim_bytes, identity):
    pdf = forged(record, claim_bytes, identity, shown=reproduced(record))
    assert failure(check(pdf, trust=(identity.certificate,))) == "pages-differ"


def test_verdicts_that_the_evidence_does_not_give_are_rejected(record, claim_bytes, identity):
    pdf = sign(render(reproduced(record), claim_bytes), identity)
    assert failure(check(pdf, trust=(identity.certificate,))) == "verdicts-differ"


def test_a_claim_swapped_in_the_attachment_is_rejected(record, claim_bytes, identity):
    pdf = forged(record, claim_bytes.replace(b"1950 images/s", b"2950 images/s"), identity)
    assert failure(check(pdf, trust=(identity.certificate,))) == "claim-swapped"


def test_a_record_that_quotes_the_claim_wrongly_is_rejected(record, claim_bytes, identity):
    lying = record.model_copy(update={"claim": record.claim.model_copy(update={"statement": "99x faster"})})
    pdf = sign(render(lying, claim_bytes), identity)
    assert failure(check(pdf, trust=(identity.certificate,))) == "record-misquotes"


def test_a_record_that_is_not_canonical_is_rejected(record, claim_bytes, identity):
    data = json.dumps(as_data(record), indent=1).encode()
    assert failure(check(forged(record, claim_bytes, identity, data=data))) == "json-not-canonical"


def test_a_record_with_a_key_twice_is_rejected(record, claim_bytes, identity):
    data = to_jcs(record).replace(b'{"claim":', b'{"overall":"reproduced","claim":', 1)
    assert failure(check(forged(record, claim_bytes, identity, data=data))) == "json-duplicate-key"


def test_a_record_whose_verdict_contradicts_its_reason_is_rejected(record, claim_bytes, identity):
    data = as_data(record)
    data["verdicts"][0]["reason"] = "below_claim"
    pdf = forged(record, claim_bytes, identity, data=rfc8785.dumps(data))
    assert failure(check(pdf)) == "record-contradiction"


def test_a_record_of_another_renderer_is_never_called_altered(record, claim_bytes, identity):
    older = record.model_copy(update={"renderer": {**record.renderer, "pango": "1.44.0"}})
    pdf = forged(older, claim_bytes, identity)
    assert weaknesses(check(pdf, trust=(identity.certificate,))) == {"other-version"}  # though the bytes are the same
    moved = page_source(older, digest(to_jcs(older))).replace("<h2", "<h2 style='margin-top: 9mm'")
    files = (("claim.yaml", claim_bytes), ("record.json", to_jcs(older)))
    pdf = sign(write_pages(moved, files, created=older.created, record_digest=digest(to_jcs(older))), identity)
    assert weaknesses(check(pdf, trust=(identity.certificate,))) <= {"pages-same-words", "other-renderer"}


def test_the_same_words_in_another_colour_are_not_what_the_record_gives(record, claim_bytes, identity):
    data = to_jcs(record)
    source = page_source(from_jcs(data), digest(data)).replace(
        "<b>The trade.</b>", "<b style='color: #1d2734'>The trade.</b>"
    )
    files = (("claim.yaml", claim_bytes), ("record.json", data))
    pdf = sign(write_pages(source, files, created=record.created, record_digest=digest(data)), identity)
    report = check(pdf, trust=(identity.certificate,))
    assert report.exit_code == 1  # a colour can hide words: the versions are ours, so the objects must be, too
    assert "pages-differ" in {step.reason for step in report.steps}


def test_a_record_of_another_judge_is_weaker_not_altered(record, claim_bytes, identity):
    older = record.model_copy(update={"judge": "lynxspec-judge/0"})
    pdf = sign(render(older, claim_bytes), identity)
    assert weaknesses(check(pdf, trust=(identity.certificate,))) == {"other-judge"}


def test_an_attachment_that_inflates_without_end_is_rejected():
    bomb = zlib.compress(b"\x00" * (65 * 2**20), 9)

    class Stream(dict):
        encoded_data = bomb

    with pytest.raises(RecordRejected) as caught:
        embedded._content(Stream({"/Filter": "/FlateDecode"}), "record.json")
    assert caught.value.reason == "attachment-size"


def flipped(pdf: bytes, place: int, bit: int) -> bytes:
    altered = bytearray(pdf)
    altered[place] ^= 1 << bit
    return bytes(altered)


def accepted_flips(pdf: bytes, places, identity: Identity, draw: random.Random) -> list[int]:
    """Places where a flipped bit is accepted although what a reader sees is not the same."""
    same, wrong = seen(pdf), []
    for place in places:
        altered = flipped(pdf, place, draw.randrange(8))
        if check(altered, trust=(identity.certificate,)).exit_code == 0 and seen(altered) != same:
            wrong.append(place)
    return wrong


def structure_places(pdf: bytes) -> list[int]:
    """Every byte outside of stream contents: objects, tables, trailers, signature."""
    streams = [(m.start(1), m.end(1)) for m in re.finditer(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)]
    inside = bytearray(len(pdf))
    for start, end in streams:
        inside[start:end] = b"\x01" * (end - start)
    return [place for place, mark in enumerate(inside) if not mark]


def test_a_flipped_bit_is_never_accepted_with_other_content(signed: bytes, identity: Identity):
    draw = random.Random(20261120)
    update = range(structure.shape(signed).pages_end, len(signed))
    places = [*draw.sample(range(len(signed)), 150), *draw.sample(update, 150)]
    assert accepted_flips(signed, places, identity, draw) == []


@pytest.mark.slow
def test_no_flipped_bit_of_structure_and_signature_is_accepted_with_other_content(signed: bytes, identity: Identity):
    draw = random.Random(1)
    places = [*structure_places(signed), *draw.sample(range(len(signed)), 2000)]
    assert accepted_flips(signed, places, identity, draw) == []


def steps_of(text: str, pattern: str) -> list[tuple[str, str, str]]:
    return [
        (n, name, " ".join(words.split())) for n, name, words in re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    ]


def test_the_procedure_in_the_code_is_the_one_in_the_documentation():
    listed = steps_of(procedure.__doc__, r"^(\d+)\.\s+(\w+)\s+(.*?)(?=^\d+\.\s|\n\n)")
    assert [(n, name) for n, name, _ in listed] == [(str(n), name) for n, (name, _) in enumerate(PROCEDURE, start=1)]
    page = resources.files("verifier.audit").joinpath("CHECK.md").read_text()
    assert steps_of(page, r"^(\d+)\. \*\*(\w+)\*\*: ([^\n]*)") == listed


def reasons_in_code() -> set[str]:
    """Every literal code in the calls that reject, doubt or weaken."""
    found = set()
    for file in Path(str(resources.files("verifier.audit"))).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.add(node.value)
    return found


CODE = re.compile(
    r"(?:active|approver|archive|attachment|attestation|claim|content|countersign|json|last|limits|not|other|pages|record|"
    r"renderer|revocation|score|signature|signer|structure|time|update|verdicts|weak)-[a-z0-9-]+"
)
NO_REASONS = {"record-1", "other-version-of"}


def test_every_reason_is_explained():
    page = resources.files("verifier.audit").joinpath("CHECK.md").read_text()
    explained = set(re.findall(r"^\| \w+ \| `([a-z0-9-]+)` \| \S", page, re.MULTILINE))
    assert reasons_in_code() - NO_REASONS == explained


def test_a_name_in_the_file_cannot_steer_the_terminal(claim_bytes: bytes):
    key = ec.generate_private_key(ec.SECP256R1())
    identity = Identity(certificate=certificate_for(key, name="evil\x1b[2J\u202e"), key=key)
    pdf = sign(render(build(claim_bytes, identity=identity), claim_bytes), identity)
    text = report_text(check(pdf))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_json_report_names_steps_and_reasons(signed: bytes):
    data = json.loads(report_json(check(signed)))
    assert (data["format"], data["exit_code"]) == ("lynxspec-check/1", 3)
    assert [s["reason"] for s in data["steps"] if s["status"] == "weak"] == ["signer-not-trusted"]


def test_a_rejected_record_reports_none_of_its_contents(signed: bytes):
    report = check(signed, claim_bytes=b"another")
    assert (report.overall, report.record_id, report.claim_sha256) == (None, None, None)


def test_checking_loads_no_runtime(signed: bytes, tmp_path: Path):
    (tmp_path / "r.pdf").write_bytes(signed)
    code = (
        "import sys; from verifier.audit.check import check\n"
        "code = check(open(sys.argv[1],'rb').read()).exit_code\n"
        "print(code, sorted({'torch', 'onnxruntime', 'onnx'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "r.pdf"], stdout=subprocess.PIPE, check=True, text=True
    )
    assert out.stdout.strip() == "3 []"


def test_a_certificate_file_is_read_as_an_anchor(identity: Identity, tmp_path: Path, signed: bytes):
    (tmp_path / "c.der").write_bytes(identity.certificate.public_bytes(serialization.Encoding.DER))
    assert check(signed, trust=anchors(tmp_path / "c.der")).exit_code == 0


class Quiet(IncrementalPdfFileWriter):
    """Writes what it is told and no dates."""

    def _update_meta(self) -> None:
        pass


def signed_otherwise(pdf: bytes, identity: Identity, change=lambda _: None, **details) -> bytes:
    """The genuine key signs, but not in our way."""
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
    signer = PdfSigner(PdfSignatureMetadata(**settings), signer=signer_of(identity))
    signer.sign_pdf(writer, output=output, existing_fields_only=True)
    return output.getvalue()


def open_first_page_large(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/PageMode"] = generic.pdf_name("/FullScreen")
    writer.update_root()


def rename_the_field(writer: IncrementalPdfFileWriter) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0]
    field["/TU"] = generic.pdf_string("approved by somebody else")
    writer.update_container(field)


def replace_a_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"certify": False, "docmdp_permissions": None}, "signature-permissions"),
        ({"subfilter": SigSeedSubFilter.ADOBE_PKCS7_DETACHED}, "signature-"),
        ({"md_algorithm": "sha1"}, "weak-algorithm"),
        ({"change": open_first_page_large}, "update-catalog"),
        ({"change": rename_the_field}, "update-field"),
        ({"change": replace_a_page}, "update-objects"),
    ],
    ids=["our way", "no certification", "not PAdES", "SHA-1", "catalog", "field", "page"],
)
def test_a_genuine_signature_of_another_kind_is_rejected(unsigned: bytes, identity: Identity, changes, reason: str):
    report = check(signed_otherwise(unsigned, identity, **changes), trust=(identity.certificate,))
    if reason:
        assert failure(report).startswith(reason)
    else:
        assert report.exit_code == 0


def test_a_document_that_acts_when_opened_is_rejected(unsigned: bytes, identity: Identity):
    active = unsigned.replace(b"/Lang (en)", b"/AA 41 0 R")
    assert active != unsigned
    assert failure(check(sign(active, identity), trust=(identity.certificate,))) == "active-catalog"


def test_bytes_hidden_between_objects_are_rejected_even_if_signed(unsigned: bytes, identity: Identity):
    # the last object before the table is shortened by its final line break, which leaves a gap
    table = unsigned.rindex(b"\nendobj\nxref\n")
    hidden = unsigned[: table + 7] + b" " + unsigned[table + 8 :]
    assert failure(check(sign(hidden, identity), trust=(identity.certificate,))) in (
        "structure-table",
        "structure-objects",
    )


@pytest.mark.parametrize("change", [{"name": "A well-known laboratory"}, {"self_signed": False}])
def test_pages_that_flatter_the_signer_are_rejected(record, claim_bytes, identity, change):
    signer = record.signer.model_copy(update=change)
    pdf = sign(render(record.model_copy(update={"signer": signer}), claim_bytes), identity)
    assert failure(check(pdf, trust=(identity.certificate,))) == "signer-differs"


def test_a_score_that_the_claim_does_not_have_is_rejected(record, claim_bytes, identity):
    better = record.score.model_copy(update={"score": 12.0, "grade": "F"})
    pdf = sign(render(record.model_copy(update={"score": better}), claim_bytes), identity)
    assert failure(check(pdf, trust=(identity.certificate,))) == "score-differs"


def test_limits_that_were_rewritten_are_rejected(record, claim_bytes, identity):
    pdf = sign(render(record.model_copy(update={"limits": ("Holds everywhere.",)}), claim_bytes), identity)
    assert failure(check(pdf, trust=(identity.certificate,))) == "limits-differ"
