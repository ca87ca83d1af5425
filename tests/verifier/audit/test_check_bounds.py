"""What `check` needs: no network, no runtime, bounded memory whatever the file, little time beside pyHanko's."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.audit.structure import MAX_BYTES

from .genuine import Genuine, attached, rebuilt, stream

CHECK = """
import sys
from pathlib import Path
from verifier.audit.check import check
from verifier.audit.keys import anchors, revocation_list
folder = Path(sys.argv[1])
report = check(
    (folder / "record.pdf").read_bytes(),
    trust=anchors(folder / "root.pem"),
    crls=[revocation_list(folder / "crl.der")],
    rerender=len(sys.argv) < 3,
)
print(report.exit_code, next((s.reason for s in report.steps if s.status in ("fail", "weak")), "accepted"))
"""
ALONE = """
import importlib.abc, socket, sys

class Forbidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"onnx", "onnxruntime", "torch", "sklearn", "onnx_ir", "huggingface_hub"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Forbidden())

def refuse(*_, **__):
    raise AssertionError("the network was asked for something")

_socket = socket.socket
class NoSocket(_socket):
    def __init__(self, family=-1, *more, **others):
        if family != socket.AF_UNIX:
            refuse()
        super().__init__(family, *more, **others)

socket.socket = NoSocket
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse
"""
LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (%d, %d))
"""


def folder(genuine: Genuine, pdf: bytes, path: Path) -> Path:
    (path / "record.pdf").write_bytes(pdf)
    (path / "root.pem").write_bytes(genuine.root.public_bytes(Encoding.PEM))
    (path / "crl.der").write_bytes(genuine.crl.public_bytes(Encoding.DER))
    return path


def answered(code: str, *arguments: object) -> str:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_record_is_checked_with_no_network_and_no_runtime(genuine: Genuine, tmp_path: Path):
    assert answered(ALONE + CHECK, folder(genuine, genuine.archived, tmp_path)) == "0 accepted"


def test_the_test_would_notice_the_network_and_a_runtime():
    with pytest.raises(AssertionError, match="the network was asked"):
        answered(ALONE + "socket.create_connection(('127.0.0.1', 9))")
    with pytest.raises(AssertionError, match="No module named 'onnx'"):
        answered(ALONE + "import onnx")


def bomb(size: int) -> bytes:
    """A stream that inflates to ``size`` zeros."""
    return stream(b"/Filter /FlateDecode", zlib.compress(b"\x00" * size, 9))


def pages_that_inflate(g: Genuine) -> bytes:
    bodies = {6: b"6 0 obj\n" + bomb(1500 * 2**20) + b"\nendobj\n"}
    return g.sign(rebuilt(g.unsigned, bodies))


def a_record_that_inflates(g: Genuine) -> bytes:
    body = stream(
        b"/Type /EmbeddedFile/Params <</Size 9/CheckSum <00>>>/Filter /FlateDecode",
        zlib.compress(b"0" * (1500 * 2**20), 9),
    )
    return g.sign(rebuilt(g.unsigned, {48: b"48 0 obj\n" + body + b"\nendobj\n"}))


def empty_lists(g: Genuine) -> bytes:
    return g.sign(attached(g.unsigned, "record.json", b"[" + b"[]," * (4 * 2**20) + b"[]]"))


def long_keys(g: Genuine) -> bytes:
    return g.sign(attached(g.unsigned, "record.json", b'{"a":"' + b"x" * (20 * 2**20) + b'"}'))


def many_numbers(g: Genuine) -> bytes:
    return g.sign(attached(g.unsigned, "record.json", b"[" + b"1.5," * (4 * 2**20) + b"1]"))


def a_claim_of_deep_lists(g: Genuine) -> bytes:
    return g.sign(attached(g.unsigned, "claim.yaml", b"- " * 100_000 + b"x"))


def a_claim_that_doubles(g: Genuine) -> bytes:
    """Aliases of aliases."""
    lines = [b"a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [b"a%d: &a%d [%s]" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 12)]
    return g.sign(attached(g.unsigned, "claim.yaml", b"\n".join(lines)))


def many_objects(g: Genuine) -> bytes:
    return g.sign(rebuilt(g.unsigned, {}, [b"<<>>"] * 300_000))


def a_very_large_file(g: Genuine) -> bytes:
    return g.signed + b"\n" * MAX_BYTES


def a_large_container(g: Genuine) -> bytes:
    place = g.signed.index(b"0" * 100 + b">\n/ByteRange")
    return g.signed[:place] + b"0" * (40 * 2**20) + g.signed[place:]


HUNGRY = (
    pages_that_inflate,
    a_record_that_inflates,
    empty_lists,
    long_keys,
    many_numbers,
    a_claim_of_deep_lists,
    a_claim_that_doubles,
    many_objects,
    a_very_large_file,
    a_large_container,
)
MOST = 1536 * 2**20
"""Address space, of which libraries take about 700 MiB before anything is read."""


@pytest.mark.parametrize("make", HUNGRY, ids=lambda f: f.__name__)
def test_memory_is_bounded_whatever_the_file(genuine: Genuine, tmp_path: Path, make: Callable[[Genuine], bytes]):
    place = folder(genuine, make(genuine), tmp_path)
    code, reason = answered(LIMITED % (MOST, MOST) + CHECK, place).split()
    assert code == "1"
    assert "unreadable" not in reason, reason  # an honest word, not a failed allocation


PEER = """
import sys
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from asn1crypto import crl
folder = sys.argv[1]
context = ValidationContext(
    trust_roots=[load_cert_from_pemder(folder + "/root.pem")], allow_fetching=False, revocation_mode="hard-fail",
    crls=[crl.CertificateList.load(open(folder + "/crl.der", "rb").read())])
with open(folder + "/record.pdf", "rb") as file:
    print(validate_pdf_signature(PdfFileReader(file).embedded_signatures[0], context).bottom_line)
"""


def processor_seconds(*command: object) -> float:
    """User and system time of a process and its children: the best of five."""
    best = float("inf")
    for _ in range(5):
        before = os.times()
        subprocess.run([str(part) for part in command], check=False, stdout=subprocess.DEVNULL)
        after = os.times()
        best = min(best, after.children_user - before.children_user + after.children_system - before.children_system)
    return best


@pytest.mark.bench
def test_processor_time_beside_pyhanko(genuine: Genuine, tmp_path: Path):
    place = folder(genuine, genuine.signed, tmp_path)
    peer = processor_seconds(sys.executable, "-c", PEER, place)
    arguments = [place / "record.pdf", "--trust", place / "root.pem", "--crl", place / "crl.der"]
    command = [sys.executable, "-c", "from verifier.cli import app; app()", "check", *arguments]
    without = processor_seconds(*command, "--no-pages")
    whole = processor_seconds(*command)
    print(f"\npyHanko's validation {peer:.2f} s of processor time")  # noqa: T201 - what a bench is for
    print(f"check without pages  {without:.2f} s, {without / peer:.2f} times (at most 3)")  # noqa: T201 - as above
    print(f"check with pages     {whole:.2f} s, {whole / peer:.2f} times (at most 8)")  # noqa: T201 - as above
