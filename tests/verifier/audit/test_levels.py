"""Levels of PAdES: what each leaves in the file, and what can then be shown with no network."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import SignatureCoverageLevel

from lynxspec.errors import UsageError
from verifier.audit.sign import Archive, sign
from verifier.commands import options
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


@pytest.fixture
def service(made: Authority):
    """The time-stamp service of the authority over HTTP, as RFC 3161, 3.4 says."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            body = made.stamper.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_time_stamp_comes_over_http_and_openssl_verifies_it(service: str, made: Authority, unsigned: bytes, tmp_path):
    pdf = sign(unsigned, made.identity, tsa=service)
    found = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures[0]
    token = next(
        attribute["values"][0]
        for attribute in found.signer_info["unsigned_attrs"]
        if attribute["type"].native == "signature_time_stamp_token"
    )
    (tmp_path / "token.der").write_bytes(token.dump())
    (tmp_path / "value").write_bytes(found.signer_info["signature"].native)
    (tmp_path / "root.pem").write_bytes(made.root.public_bytes(serialization.Encoding.PEM))
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token.der", "-data", "value", "-CAfile", "root.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr
    (tmp_path / "value").write_bytes(b"another signature")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def asked(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_signing(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--level", "B-T"),
        ("--level", "B-LT"),
        ("--level", "B-LTA", "--tsa", "http://127.0.0.1/"),
        ("--level", "B-B", "--tsa", "http://127.0.0.1/"),
    ],
)
def test_a_level_without_what_it_needs_is_refused_before_anything_is_done(arguments: tuple[str, ...]):
    with pytest.raises(UsageError, match="level"):
        options.archive_of(asked(*arguments))


def test_the_level_follows_from_the_time_stamp_service_unless_it_is_named(made: Authority, tmp_path):
    (tmp_path / "root.pem").write_bytes(made.root.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "list.crl").write_bytes(made.crl())
    assert options.archive_of(asked()) is None
    assert options.archive_of(asked("--tsa", "http://127.0.0.1/")) is None
    lists = ("--anchor", str(tmp_path / "root.pem"), "--crl", str(tmp_path / "list.crl"))
    found = options.archive_of(asked("--tsa", "http://127.0.0.1/", "--level", "B-LTA", *lists))
    assert found == Archive(anchors=(made.root,), crls=((tmp_path / "list.crl").read_bytes(),), renewed=True)


def test_revocation_lists_are_read_as_pem_too(made: Authority, unsigned: bytes):
    pem = x509.load_der_x509_crl(made.crl()).public_bytes(serialization.Encoding.PEM)
    archive = Archive(anchors=(made.root,), crls=(pem,))
    reader, context = offline(sign(unsigned, made.identity, tsa=made.stamper, archive=archive), made)
    assert validate_pdf_signature(reader.embedded_regular_signatures[0], context).trusted
