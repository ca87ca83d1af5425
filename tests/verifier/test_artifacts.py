"""Files of a claim: found where the claim may look, checked before use, and never outside its folder."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from functools import partial
from pathlib import Path

import pytest

from lynxspec.claim import Claim
from verifier.artifacts import digest_of, obtain, parse_overrides
from verifier.errors import MaterialUnavailable
from verifier.reproduction.job import Job
from verifier.reproduction.materialize import materialize
from verifier.store import RunStore
from verifier.verdict import Verdict

from . import fixtures as zoo

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of ``abc``, FIPS 180-4 example."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "claim").mkdir()
    (tmp_path / "claim" / "model.onnx").write_bytes(b"abc")
    (tmp_path / "secret").write_bytes(b"abc")
    return tmp_path / "claim"


def test_a_digest_is_that_of_the_standard(folder: Path) -> None:
    assert digest_of(folder / "model.onnx") == ABC


def test_a_file_beside_the_claim_is_found(folder: Path, tmp_path: Path) -> None:
    path, digest = obtain("model.onnx", sha256=ABC, folder=folder, cache=tmp_path / "cache")
    assert (path.read_bytes(), digest) == (b"abc", ABC)


@pytest.mark.parametrize("uri", ["../secret", "/etc/hostname", "sub/../../secret"])
def test_a_claim_never_reaches_outside_its_folder(folder: Path, tmp_path: Path, uri: str) -> None:
    with pytest.raises(MaterialUnavailable, match="outside the claim's folder"):
        obtain(uri, sha256=ABC, folder=folder, cache=tmp_path / "cache")


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(MaterialUnavailable, match="outside"):
        obtain("link", sha256=ABC, folder=folder, cache=tmp_path / "cache")


def test_the_readers_own_copy_wins_and_its_real_digest_is_told(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.bin"
    own.write_bytes(b"other")
    path, digest = obtain("model.onnx", sha256=ABC, folder=folder, override=own, cache=tmp_path / "cache")
    assert path == own
    assert digest == hashlib.sha256(b"other").hexdigest()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("ftp://example.org/x", "not supported"),
        ("pkg:cargo/x@1#y", "not supported"),
        ("pkg:pypi/magika#model.onnx", "needs a version and a path"),
        ("pkg:pypi/magika@1.0.3", "needs a version and a path"),
        ("missing.onnx", "no file missing.onnx"),
    ],
)
def test_an_address_that_leads_nowhere_says_why(folder: Path, tmp_path: Path, uri: str, words: str) -> None:
    with pytest.raises(MaterialUnavailable, match=words):
        obtain(uri, sha256=ABC, folder=folder, cache=tmp_path / "cache")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(folder: Path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_fetched_file_is_kept_by_digest_and_not_fetched_again(web: str, folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    obtain(f"{web}/model.onnx", sha256=ABC, folder=tmp_path, cache=cache)
    (folder / "model.onnx").unlink()
    path, digest = obtain(f"{web}/model.onnx", sha256=ABC, folder=tmp_path, cache=cache)
    assert (path.name, digest) == (ABC, ABC)


def test_a_fetched_file_with_another_digest_is_told_and_never_kept_as_the_right_one(
    web: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "model.onnx").write_bytes(b"tampered")
    cache = tmp_path / "cache"
    _, digest = obtain(f"{web}/model.onnx", sha256=ABC, folder=tmp_path, cache=cache)
    assert digest == hashlib.sha256(b"tampered").hexdigest()
    assert not (cache / "sha256" / ABC).exists()


def test_a_tampered_cache_entry_is_not_used(web: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "sha256").mkdir(parents=True)
    (cache / "sha256" / ABC).write_bytes(b"evil")
    path, digest = obtain(f"{web}/model.onnx", sha256=ABC, folder=tmp_path, cache=cache)
    assert (path.read_bytes(), digest) == (b"abc", ABC)


def test_a_file_larger_than_stated_is_not_fetched_to_its_end(web: str, tmp_path: Path) -> None:
    with pytest.raises(MaterialUnavailable, match="larger than the 2 bytes"):
        obtain(f"{web}/model.onnx", sha256=ABC, folder=tmp_path, limit=2, cache=tmp_path / "cache")


def test_overrides_are_name_and_path() -> None:
    assert parse_overrides(("a=/x/y=z",), "--model") == {"a": Path("/x/y=z")}
    with pytest.raises(MaterialUnavailable, match="expected NAME=PATH"):
        parse_overrides(("nonsense",), "--model")


@pytest.mark.online
def test_a_package_url_is_resolved_by_pip(tmp_path: Path) -> None:
    uri = "pkg:pypi/rfc8785@0.1.4#rfc8785/py.typed"
    empty = hashlib.sha256(b"").hexdigest()
    path, digest = obtain(uri, sha256=empty, folder=tmp_path, cache=tmp_path / "cache")
    assert (path.read_bytes(), digest) == (b"", empty)


@pytest.mark.parametrize(
    "uri",
    [
        "pkg:pypi/-rhttps%3A%2F%2Fevil.example%2Fr.txt@1#x",
        "pkg:pypi/--index-url%3Dhttps%3A%2F%2Fevil.example@1#x",
        "pkg:pypi/x%20%40%20https%3A%2F%2Fevil.example%2Fx.tar.gz@1#x",
        "pkg:pypi/good@git%2Bhttps%3A%2F%2Fevil.example#x",
        "pkg:npm/good@file%3A..%2F..#x",
        "pkg:npm/--registry%3Dhttps%3A%2F%2Fevil.example@1#x",
        "pkg:npm/good@https%3A%2F%2Fevil.example%2Fx.tgz#x",
    ],
)
def test_a_package_url_is_a_name_and_a_version_and_never_an_option_or_an_address(
    folder: Path, tmp_path: Path, uri: str
) -> None:
    with pytest.raises(MaterialUnavailable, match="not a plain name and version"):
        obtain(uri, sha256=ABC, folder=folder, cache=tmp_path / "cache")


def test_what_lies_beside_the_claim_is_looked_at_even_if_the_right_file_is_in_the_cache(
    folder: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache" / "sha256"
    cache.mkdir(parents=True)
    (cache / ABC).write_bytes(b"abc")
    (folder / "model.onnx").write_bytes(b"swapped")
    assert obtain("model.onnx", sha256=ABC, folder=folder, cache=tmp_path / "cache")[1] != ABC


def test_a_page_that_a_proxy_gives_in_the_place_of_the_claimants_file_refutes_nothing(
    folder: Path, web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    artifact = next(a for a in claim["model"]["artifacts"] if a["name"] == "model-int8")
    artifact |= {"uri": f"{web}/model.onnx", "supplied_by": "claimant"}
    document = Claim.model_validate_json(json.dumps(claim))
    job = Job(document=document, source=b"", sha256=zoo.OTHER, folder=folder, store=RunStore(tmp_path / "run"))
    found = next(m for m in materialize(job)[0] if m.name == "model-int8")
    assert found.status == "mismatch"
    rows = [m for m in evidence["materials"] if m["name"] != "model-int8"]
    evidence["materials"] = [*rows, json.loads(found.model_dump_json())]
    assert zoo.verdicts(claim, evidence)["materials/model-int8"].verdict is Verdict.INCONCLUSIVE
