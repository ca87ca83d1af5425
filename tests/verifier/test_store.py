"""Finished stages are found again, half-written ones are not, and failures are tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.evidence import Failure
from verifier.store import RunStore, key_of, write_atomically


def _failure(message: str) -> Failure:
    return Failure(stage="s", regime=None, message=message)


def test_a_finished_stage_is_not_run_again(tmp_path: Path) -> None:
    RunStore(tmp_path).stage("a", "k1", Failure, lambda: _failure("one"))
    again = RunStore(tmp_path)
    assert again.stage("a", "k1", Failure, lambda: _failure("two")).message == "one"
    assert (again.resumed, again.executed) == (["a"], [])


def test_another_key_runs_the_stage_anew(tmp_path: Path) -> None:
    RunStore(tmp_path).stage("a", "k1", Failure, lambda: _failure("one"))
    assert RunStore(tmp_path).stage("a", "k2", Failure, lambda: _failure("two")).message == "two"


def test_evidence_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    RunStore(tmp_path).stage("a", "k1", Failure, lambda: _failure("one"))
    (file,) = (tmp_path / "evidence").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert RunStore(tmp_path).stage("a", "k1", Failure, lambda: _failure("two")).message == "two"


def test_a_failure_is_tried_again_by_the_next_run(tmp_path: Path) -> None:
    RunStore(tmp_path).stage("a", "k1", Failure, lambda: _failure("one"), keep=lambda _: False)
    assert RunStore(tmp_path).stage("a", "k1", Failure, lambda: _failure("two")).message == "two"


def test_a_stage_that_dies_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def dies() -> Failure:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RunStore(tmp_path).stage("a", "k1", Failure, dies)
    assert list((tmp_path / "evidence").iterdir()) == []


def test_a_kept_file_that_was_altered_is_not_given_out(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    path = store.temporary(".bin")
    path.write_bytes(b"abc")
    kept, digest = store.keep(path, ".bin")
    assert store.file(digest, ".bin") == kept
    kept.write_bytes(b"abd")
    assert store.file(digest, ".bin") is None


def test_an_interrupted_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f"
    write_atomically(target, b"old")

    def fails(_: int) -> None:
        raise OSError

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError):  # noqa: PT011 - raised above
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_key_depends_on_values_and_not_on_their_order() -> None:
    assert key_of(a=1, b=[2]) == key_of(b=[2], a=1) != key_of(a=1, b=[3])
