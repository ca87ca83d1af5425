"""What independent tools say of honest records and of altered ones: their word is necessary, never sufficient."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.audit import structure
from verifier.audit.check import check

from .attacks_update import repaint_page_one
from .genuine import Genuine

LEVELS = ("signed", "stamped", "long_term", "archived")


def needs(*tools: str):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def told(*command: object, code: int | None = 0) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs("pdfsig")
@pytest.mark.parametrize("level", LEVELS)
def test_poppler_finds_the_signature_valid(genuine: Genuine, tmp_path: Path, level: str):
    (tmp_path / "r.pdf").write_bytes(getattr(genuine, level))
    words = told("pdfsig", "-nocert", tmp_path / "r.pdf")
    assert words.count("Signature is Valid.") == 1
    assert "ETSI.CAdES.detached" in words
    # what an archive adds follows the signature: poppler counts it as not signed by it
    assert ("Total document signed" in words.split("Signature #2")[0]) is (level in ("signed", "stamped"))


@needs("pdfsig")
def test_poppler_exits_with_0_for_a_record_that_was_repainted(genuine: Genuine, tmp_path: Path):
    """Why our own check does not rest on exit codes of others."""
    altered = repaint_page_one(genuine)
    (tmp_path / "r.pdf").write_bytes(altered)
    words = told("pdfsig", "-nocert", tmp_path / "r.pdf")
    assert "Signature is Valid." in words
    assert "Not total document signed" in words
    assert check(altered, trust=[genuine.root], crls=[genuine.crl]).exit_code == 1


@needs("qpdf")
@pytest.mark.parametrize("level", LEVELS)
def test_qpdf_finds_no_fault(genuine: Genuine, tmp_path: Path, level: str):
    (tmp_path / "r.pdf").write_bytes(getattr(genuine, level))
    assert "No syntax or stream encoding errors found" in told("qpdf", "--check", tmp_path / "r.pdf")


def split(pdf: bytes, folder: Path) -> None:
    """Container and signed bytes, by the numbers in the file alone."""
    numbers = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", pdf)
    a, b, c, d = map(int, numbers.groups())
    (folder / "signed").write_bytes(pdf[a : a + b] + pdf[c : c + d])
    text = pdf[a + b + 1 : c - 1]
    (folder / "cms.der").write_bytes(bytes.fromhex(text.decode()))


@needs("openssl")
@pytest.mark.parametrize("level", LEVELS)
def test_openssl_verifies_the_container_against_the_authority(genuine: Genuine, tmp_path: Path, level: str):
    split(getattr(genuine, level), tmp_path)
    (tmp_path / "root.pem").write_bytes(genuine.root.public_bytes(Encoding.PEM))
    words = told(
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "cms.der"),
        *("-content", tmp_path / "signed", "-CAfile", tmp_path / "root.pem", "-purpose", "any", "-out", "/dev/null"),
    )
    assert "CAdES Verification successful" in words


@needs("openssl")
def test_openssl_refuses_another_content(genuine: Genuine, tmp_path: Path):
    split(genuine.signed.replace(b"/Lang (en)", b"/Lang (de)", 1), tmp_path)
    (tmp_path / "root.pem").write_bytes(genuine.root.public_bytes(Encoding.PEM))
    words = told(
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "cms.der"),
        *("-content", tmp_path / "signed", "-CAfile", tmp_path / "root.pem", "-purpose", "any", "-out", "/dev/null"),
        code=None,
    )
    assert "Verification successful" not in words


@needs("openssl")
def test_openssl_verifies_the_document_time_stamp(genuine: Genuine, tmp_path: Path):
    pdf = genuine.archived
    update = structure.shape(pdf).archive[-1]
    body = pdf[update.start : update.end]
    numbers = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", body)
    a, b, c, d = map(int, numbers.groups())
    (tmp_path / "data").write_bytes(pdf[a : a + b] + pdf[c : c + d])
    text = pdf[a + b + 1 : c - 1].rstrip(b"0")
    (tmp_path / "token").write_bytes(bytes.fromhex((text + b"0" * (len(text) % 2)).decode()))
    (tmp_path / "root.pem").write_bytes(genuine.root.public_bytes(Encoding.PEM))
    words = told(
        *("openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "data"),
        *("-CAfile", tmp_path / "root.pem"),
    )
    assert "Verification: OK" in words
