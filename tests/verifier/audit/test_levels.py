"""Levels of PAdES: what each leaves in the file, and what can then be shown with no network."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import subprocess

import pytest
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import SignatureCoverageLevel

from verifier.audit.sign import Archive, sign
from verifier.errors import SigningFailed

from .authority import DER, Authority, authority


@pytest.fixture(scope="module")
def made() -> Authority:
    return authority()


@pytest.fixture(scope="module")
def archived(made: Authority, unsigned: bytes) -> dict[str, bytes]:
    """The same pages at each level."""

    def at(**how) -> bytes:
        return sign(unsigned, made.identity, tsa=made.stamper, **how)

    lists = {"anchors": (made.root,), "crls": (made.crl(),)}
    return {
        "B-B": sign(unsigned, made.identity),
        "B-T": at(),
        "B-LT": at(archive=Archive(**lists)),
        "B-LTA": at(archive=Archive(**lists, renewed=True)),
    }


def offline(pdf: bytes, made: Authority, moment: dt.datetime | None = None):
    """Validate with the root and the lists inside the file, and nothing else; every certificate must be covered."""
    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    settings = {
        "trust_roots": [asn1_x509.Certificate.load(made.root.public_bytes(DER))],
        "allow_fetching": False,
        "revocation_mode": "require",
        "moment": moment,
    }
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
    return reader, context


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_each_level_is_a_certification_that_allows_no_change(archived, level: str):
    reader = PdfFileReader(io.BytesIO(archived[level]), strict=True)
    found = reader.embedded_regular_signatures
    assert len(found) == 1
    assert found[0].docmdp_level.name == "NO_CHANGES"
    assert found[0].fieldmdp.action.name == "ALL"
    assert found[0].sig_object["/SubFilter"] == "/ETSI.CAdES.detached"


def test_every_level_appends_to_the_pages_as_rendered(archived, unsigned: bytes):
    assert all(pdf.startswith(unsigned) for pdf in archived.values())


def test_levels_differ_in_what_follows_the_signature(archived):
    counts = {level: PdfFileReader(io.BytesIO(pdf)).total_revisions for level, pdf in archived.items()}
    assert counts == {"B-B": 2, "B-T": 2, "B-LT": 3, "B-LTA": 4}
    stamped = {
        level: any(
            attribute["type"].native == "signature_time_stamp_token"
            for attribute in PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures[0].signer_info["unsigned_attrs"]
        )
        for level, pdf in archived.items()
    }
    assert stamped == {"B-B": False, "B-T": True, "B-LT": True, "B-LTA": True}


def test_archiving_leaves_title_dates_and_metadata_as_rendered(archived, unsigned):
    for level in ("B-LT", "B-LTA"):
        before, after = (PdfFileReader(io.BytesIO(pdf)) for pdf in (unsigned, archived[level]))
        assert after.root["/Metadata"].data == before.root["/Metadata"].data
        assert dict(after.trailer["/Info"]) == dict(before.trailer["/Info"])
        appended = archived[level][len(unsigned) :]
        assert b"ModDate" not in appended
        assert b"/Metadata" not in appended.replace(b"/Metadata %d 0 R" % before.root.raw_get("/Metadata").idnum, b"")


@pytest.mark.parametrize("level", ["B-LT", "B-LTA"])
def test_an_archived_record_is_trusted_with_no_network(archived, made, level: str):
    reader, context = offline(archived[level], made)
    status = validate_pdf_signature(reader.embedded_regular_signatures[0], context, ts_validation_context=context)
    assert status.bottom_line
    assert status.trusted
    assert status.timestamp_validity.trusted
    assert status.coverage is SignatureCoverageLevel.ENTIRE_REVISION
    assert status.docmdp_ok


def test_a_stamp_over_the_archive_is_trusted_with_no_network(archived, made):
    reader, context = offline(archived["B-LTA"], made)
    found = reader.embedded_timestamp_signatures
    assert len(found) == 1
    status = validate_pdf_timestamp(found[0], context)
    assert status.trusted
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE


def test_a_revoked_signer_gets_no_archive(made, unsigned: bytes):
    lists = (made.crl(revoked=made.identity.certificate),)
    with pytest.raises(SigningFailed, match="revoked"):
        sign(unsigned, made.identity, tsa=made.stamper, archive=Archive(anchors=(made.root,), crls=lists))


def test_an_archive_without_a_list_for_every_certificate_is_refused(made, unsigned: bytes):
    other = authority().crl()
    with pytest.raises(SigningFailed, match="could not be signed"):
        sign(unsigned, made.identity, tsa=made.stamper, archive=Archive(anchors=(made.root,), crls=(other,)))


def test_an_archive_without_a_time_stamp_is_refused(made, unsigned: bytes):
    with pytest.raises(SigningFailed, match="time stamp"):
        sign(unsigned, made.identity, archive=Archive(anchors=(made.root,), crls=(made.crl(),)))


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler-utils is not installed")
def test_poppler_calls_every_level_valid_and_b_t_the_whole_document(archived, tmp_path):
    for level, pdf in archived.items():
        (tmp_path / "r.pdf").write_bytes(pdf)
        done = subprocess.run(["pdfsig", "-nocert", tmp_path / "r.pdf"], capture_output=True, text=True, check=True)
        assert "Signature is Valid" in done.stdout, level
        first = done.stdout.split("Signature #2")[0]
        assert ("Total document signed" in first and "Not total" not in first) == (level in ("B-B", "B-T")), level
