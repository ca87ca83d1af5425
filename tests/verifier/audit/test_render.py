"""The pages: deterministic, readable, and deaf to what vendors write into claims."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from lynxspec.errors import LynxSpecError
from verifier.audit.attestation import Attestations
from verifier.audit.pagetext import page_texts
from verifier.audit.record import Performed, Record, digest, to_jcs
from verifier.audit.render import SYSTEM_PACKAGES, clean, page_source, render, write_pages
from verifier.verdict import ClauseKind, Reason

from .conftest import CLAIM, build, clause, verdicts


def texts(pdf: bytes) -> tuple[str, ...]:
    return page_texts(PdfFileReader(io.BytesIO(pdf)))


def attached(pdf: bytes) -> list[str]:
    listed = PdfFileReader(io.BytesIO(pdf)).root["/Names"]["/EmbeddedFiles"]["/Names"]
    return [str(listed[i]) for i in range(0, len(listed), 2)]


def test_the_same_record_gives_the_same_bytes_in_another_process(
    record: Record, claim_bytes: bytes, attestations: Attestations, unsigned: bytes, tmp_path
):
    (tmp_path / "record.json").write_bytes(to_jcs(record))
    for name, content in attestations.files():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "claim.yaml").write_bytes(claim_bytes)
    code = (
        "import sys; from verifier.audit.attestation import NAMES, Attestations\n"
        "from verifier.audit.record import from_jcs; from verifier.audit.render import render\n"
        "read = lambda name: open(name, 'rb').read()\n"
        "both = dict(zip(('ours', 'test_result'), map(read, NAMES), strict=True))\n"
        "pdf = render(from_jcs(read('record.json')), read('claim.yaml'), attestations=Attestations(**both))\n"
        "sys.stdout.buffer.write(pdf)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    again = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True, umask=0o077
    )
    assert again.stdout == unsigned


def test_each_page_names_record_digest_and_its_number(record: Record, unsigned: bytes):
    pages = texts(unsigned)
    for number, page in enumerate(pages, start=1):
        assert f"record{record.id}" in page
        assert f"sha256{digest(to_jcs(record))}" in page
        assert f"page{number}of{len(pages)}" in page


def test_the_record_ends_once_and_on_the_last_page(unsigned: bytes):
    pages = texts(unsigned)
    assert "ENDOFRECORD" in pages[-1]
    assert "".join(pages).count("ENDOFRECORD") == 1


def test_page_one_answers_what_who_where_and_whether_it_holds(unsigned: bytes):
    first = texts(unsigned)[0]
    for answer in (
        "Theclaimisundecided",
        "INT8,1.95xfaster,accuracywithinonepoint.",
        "statedbytheclaimant",
        "R.Moss",
        "MunicipalProcurementOffice",
        "Berlin",
        "AMDEPYC9B14",
        "self-signed",
        "2026-11-20T17:42:50Z",
    ):
        assert answer in first


@pytest.mark.parametrize(
    "reason", [Reason.BELOW_CLAIM, Reason.DRIFTING, Reason.OTHER_HARDWARE, Reason.WITHIN_TOLERANCE]
)
def test_a_verdict_is_told_by_word_and_symbol_not_by_colour_alone(claim_bytes: bytes, reason: Reason):
    one = clause(ClauseKind.THROUGHPUT, "int8", "Rate", reason, claimed="2", measured="1")
    source = page_source(build(claim_bytes, verdicts=(one,)), "00" * 32)
    word = {
        "refuted": "✘ Refuted",
        "inconclusive": "? Inconclusive",
        "not_testable": "— Not testable here",
        "reproduced": "✔ Reproduced",
    }
    assert word[reason.verdict.value] in source


def test_what_was_measured_without_deciding_is_headed_observed_here(claim_bytes: bytes):
    open_ = clause(ClauseKind.LATENCY, "int8", "Latency", Reason.OTHER_HARDWARE, claimed="9 ms", measured="7 ms")
    settled = clause(ClauseKind.LATENCY, "int8", "Latency", Reason.WITHIN_TOLERANCE, claimed="9 ms", measured="7 ms")
    assert "Observed here" in page_source(build(claim_bytes, verdicts=(open_,)), "00" * 32)
    assert "Observed here" not in page_source(build(claim_bytes, verdicts=(settled,)), "00" * 32)


def test_people_who_were_not_named_are_not_stated(claim_bytes: bytes):
    source = page_source(build(claim_bytes, performed=Performed()), "00" * 32)
    for label in ("Person", "Organisation", "Place", "Customer", "Accreditation", "Supersedes", "Received", "Opinions"):
        assert f'<th scope="row">{label}</th><td>not stated</td>' in source


def test_a_record_without_a_signer_says_so(claim_bytes: bytes):
    source = page_source(build(claim_bytes), "00" * 32)
    assert "<b>not signed</b>" in source
    assert "This record is not signed" in source


def test_missing_measurements_leave_words_and_no_picture(claim_bytes: bytes, record: Record):
    bare = record.evidence.model_copy(update={"sustain": None, "scores": (), "ledgers": ()})
    source = page_source(build(claim_bytes, evidence=bare, verdicts=verdicts()), "00" * 32)
    assert "Speed was not measured in this run." in source
    assert "not looked at" in source
    assert "nothing measured here" in source


@pytest.fixture
def listener():
    """A local server that counts who connects."""
    server = socket.create_server(("127.0.0.1", 0))
    calls: list[object] = []

    def accept() -> None:
        while True:
            try:
                calls.append(server.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1], calls
    server.close()


def test_vendor_text_neither_loads_nor_attaches_anything(listener, tmp_path):
    port, calls = listener
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    evil = (
        f"<img src=http://127.0.0.1:{port}/x><link rel=attachment href=file://{secret}>"
        f"<style>@import url(http://127.0.0.1:{port}/y)</style><script>1</script>"
    )
    claim = CLAIM.read_text().replace("INT8, 1.95x faster, accuracy within one point.", f"'{evil}'")
    assert evil in claim
    pdf = render(build(claim.encode()), claim)
    assert attached(pdf) == ["claim.yaml", "record.json"]
    assert calls == []
    assert "<imgsrc=http://127.0.0.1" in texts(pdf)[0]


def test_even_unescaped_markup_loads_nothing(listener, tmp_path, record: Record, claim_bytes: bytes):
    port, calls = listener
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    source = (
        f"<html lang=en><title>x</title><link rel=attachment href='file://{secret}'>"
        f"<link rel=stylesheet href='http://127.0.0.1:{port}/'><img src='http://127.0.0.1:{port}/x'>"
        f"<img src='file://{secret}'><p style='background: url(http://127.0.0.1:{port}/z)'>words</p></html>"
    )
    files = (("claim.yaml", claim_bytes), ("record.json", b"{}"))
    pdf = write_pages(source, files, created=record.created, record_digest="00" * 32)
    assert attached(pdf) == ["claim.yaml", "record.json"]
    assert calls == []
    assert b"top secret" not in pdf


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200bb", "a[U+200B]b"),
        ("a\u2066b", "a[U+2066]b"),
        ("日", "[U+65E5]"),
        ("a\x00\x1bb", "a[U+0000][U+001B]b"),
        ("a\nb", "a b"),
        ("Größe ≤ 5 µs, Ελλάδα, Москва", "Größe ≤ 5 µs, Ελλάδα, Москва"),
        ("שלום", "\u200eשלום\u200e"),
        ("e" + "\u0301" * 4, "e\u0301\u0301[U+0301][U+0301]"),
    ],
)
def test_characters_that_hide_or_reorder_words_are_shown_as_code_points(given: str, shown: str):
    assert clean(given) == shown


def test_a_text_longer_than_a_page_is_cut_and_says_so():
    assert clean("x" * 20_000).endswith("… [18500 more characters in the attachments]")


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_poppler_reads_the_same_verdict(unsigned: bytes, tmp_path):
    (tmp_path / "r.pdf").write_bytes(unsigned)
    out = subprocess.run(["pdftotext", tmp_path / "r.pdf", "-"], stdout=subprocess.PIPE, check=True, text=True).stdout
    assert "The claim is undecided" in out
    assert "END OF RECORD" in out.replace("  ", " ")


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler-utils is not installed")
def test_every_font_is_ours_and_embedded(unsigned: bytes, tmp_path):
    (tmp_path / "r.pdf").write_bytes(unsigned)
    out = subprocess.run(["pdffonts", tmp_path / "r.pdf"], stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = out.splitlines()[2:]
    assert rows
    for row in rows:
        assert "+LynxSpec-Text" in row
        assert row.split()[-5] == "yes"


def test_missing_system_libraries_give_the_command_that_installs_them(tmp_path):
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from verifier.audit.render import RendererUnavailable, versions\n"
        "try: versions()\n"
        "except RendererUnavailable as e: print(e.message, '|', e.hint)"
    )
    out = subprocess.run([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, check=True, text=True).stdout
    assert "cannot load its system libraries" in out
    assert SYSTEM_PACKAGES in out


def test_another_claim_than_the_record_s_is_refused(record: Record):
    with pytest.raises(LynxSpecError, match="not the one that the record is about"):
        render(record, b"lynxspec: 1")
