"""Honest variations of one verification, run in full: none is refuted, and what is no rate is reproduced in all.

Slow: about nine minutes on two quiet cores. Variations that cannot disturb each other share a run; where rates are not
in question the budget leaves no time for them.
"""
# ruff: noqa: ARG001 - all of a kind take the same arguments

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from . import digits

pytestmark = pytest.mark.slow

Plain = Any
RATES = ("throughput/", "speedup/", "latency/")
OPEN = {
    "host_disturbed",
    "interval_too_wide",
    "drifting",
    "shifted",
    "machine_slower",
    "no_witness",
    "evidence_too_weak",
    "too_few_items",
    "window_not_covered",
}
"""Reasons of the host, of noise and of time for which a rate may stay open."""
NOT_RUN = {"tool_failed", "not_reached"}
"""Why rates are open where the budget leaves no time for them."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How one verification differs from the measurement of the claim."""

    name: str
    change: Callable[[Plain], None] = field(default=lambda _claim: None)
    """What another honest claimant would have written."""
    write: Callable[[Plain, Path], Path] = digits.save
    """How the claim is written to the folder's path; gives where."""
    arguments: Callable[[Path], tuple[str, ...]] = field(default=lambda _folder: ())
    env: dict[str, str] = field(default_factory=dict)
    start: Callable[[], None] | None = None
    """What is done in the process before the program starts."""
    around: Callable[[Path], AbstractContextManager[Any]] = field(default=lambda _folder: nullcontext())
    folder: str = "claim"
    inside: bool = False
    """Whether the program is started in the claim's folder, with relative paths."""
    timed: bool = False
    opens: dict[str, str] = field(default_factory=dict)
    """Other clauses that stay open, by their beginnings, and why."""


# --- what differs


def _one_processor() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _nice() -> None:
    os.nice(10)


def _closed_in() -> None:
    """No standard input, no rights for others, few open files."""
    import resource  # noqa: PLC0415 - runs in the child

    os.close(0)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


@contextmanager
def _cold(folder: Path) -> Iterator[None]:
    """The kernel is told that files need not stay in memory."""
    for file in folder.iterdir():
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    yield


@contextmanager
def _warm(folder: Path) -> Iterator[None]:
    for file in folder.iterdir():
        file.read_bytes()
    yield


@contextmanager
def _busy_neighbour(folder: Path) -> Iterator[None]:
    """Another program computes for three seconds of every five."""
    work = "import time\nwhile True:\n e = time.monotonic() + 3\n while time.monotonic() < e: pass\n time.sleep(2)"
    neighbour = subprocess.Popen([sys.executable, "-c", work])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    yield
    folder.chmod(0o755)


@contextmanager
def _linked(folder: Path) -> Iterator[None]:
    """The files lie in a folder below, with other dates, and links stand in their places."""
    elsewhere = folder / "store"
    elsewhere.mkdir()
    for file in (*folder.glob("*.npz"), *folder.glob("*.onnx")):
        moved = file.rename(elsewhere / file.name)
        os.utime(moved, (1_000_000_000, 1_000_000_000))
        file.symlink_to(moved)
    yield


def _other_seed(claim: Plain) -> None:
    claim["reproduction"]["seed"] = 20261121


def _other_batches(claim: Plain) -> None:
    claim["evaluation"]["batch_size"] = 64
    claim["regimes"][1]["calibration"]["data"]["batch_size"] = 16


def _longer_window(claim: Plain) -> None:
    """Three times as long: half of it fits into the budget."""
    for place in (claim["load"], *(r["performance"]["sustained"] for r in claim["regimes"])):
        place["window"] = "12 s"


def _both(*changes: Callable[[Plain], None]) -> Callable[[Plain], None]:
    def change(claim: Plain) -> None:
        for one in changes:
            one(claim)

    return change


def _reversed_regimes(claim: Plain) -> None:
    claim["regimes"].reverse()
    claim["model"]["artifacts"].reverse()
    claim["data"].reverse()


def _reversed_keys(value: Plain) -> Plain:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    return [_reversed_keys(entry) for entry in value] if isinstance(value, list) else value


def _as_json(claim: Plain, path: Path) -> Path:
    path.unlink()
    path = path.with_suffix(".json")
    path.write_text(json.dumps(_reversed_keys(claim)))
    return path


def _as_yaml(claim: Plain, path: Path) -> Path:
    """Sorted keys, block style, a comment."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    with path.open("w") as file:
        file.write("# saved again by another program\n")
        yaml.dump(json.loads(json.dumps(claim, sort_keys=True)), file)
    return path


def _own_copies(folder: Path) -> tuple[str, ...]:
    """The claim's own addresses lead nowhere: the reader names files of its own."""
    elsewhere = folder.with_name("mine")
    elsewhere.mkdir()
    found = []
    for option, name, file in (
        ("--model", "model-fp32", "model.onnx"),
        ("--model", "model-int8", "digits.int8.onnx"),
        ("--data", "calibration", "calibration.npz"),
        ("--data", "evaluation", "evaluation.npz"),
    ):
        (folder / file).rename(elsewhere / f"my {file}")
        found += [option, f"{name}={elsewhere / f'my {file}'}"]
    return tuple(found)


def _new_temporary(folder: Path) -> tuple[str, ...]:
    (folder.parent / "temporary files").mkdir()
    return ()


OTHER_HARDWARE = dict.fromkeys(("hardware", "memory/", *RATES), "other_hardware")
SETTINGS = (
    Setting(name="one processor", start=_one_processor, timed=True, opens=OTHER_HARDWARE),
    Setting(name="cold page cache", around=_cold, timed=True),
    Setting(name="low priority and a busy neighbour", start=_nice, around=_busy_neighbour, timed=True),
    Setting(name="another seed and other batches", change=_both(_other_seed, _other_batches), timed=True),
    Setting(name="regimes and files in another order", change=_reversed_regimes, timed=True),
    Setting(
        name="a budget shorter than the window",
        change=_longer_window,
        arguments=lambda _: ("--budget", "70s"),
        timed=True,
        opens=dict.fromkeys((*RATES, "memory/"), "tool_failed"),  # where a slow machine has no time left for them
    ),
    Setting(name="a budget longer than needed", arguments=lambda _: ("--budget", "5min"), timed=True),
    Setting(name="saved as JSON, keys reversed", write=_as_json),
    Setting(name="saved as YAML, keys sorted", write=_as_yaml),
    Setting(name="warm page cache", around=_warm),
    Setting(name="another working directory, relative paths", inside=True),
    Setting(name="blanks and umlauts in the path", folder="Prüfung der Behauptung 1"),
    Setting(name="files of the reader's own", arguments=_own_copies),
    Setting(name="files behind links, with other dates", around=_linked),
    Setting(name="a folder that cannot be written", around=_read_only),
    Setting(name="another hash seed", env={"PYTHONHASHSEED": "12345", "PYTHONOPTIMIZE": "1"}),
    Setting(name="another language and time zone", env={"LC_ALL": "C", "LANG": "tr_TR", "TZ": "Pacific/Chatham"}),
    Setting(name="other threads for numpy", env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
    Setting(name="another temporary folder", arguments=_new_temporary, env={"TMPDIR": "temporary files"}),
    Setting(name="no input, few files, no rights for others", start=_closed_in),
)


def _check(found: dict[str, dict[str, Any]], setting: Setting) -> None:
    """Nothing is refuted; rates are open for innocent reasons at most; all else is reproduced."""
    assert not [v for v in found.values() if v["verdict"] == "refuted"]
    for clause, verdict in found.items():
        allowed = {why for start, why in setting.opens.items() if clause.startswith(start)}
        if clause.startswith(RATES) or clause.endswith("/peak"):
            allowed |= OPEN if setting.timed else NOT_RUN
        assert verdict["verdict"] == "reproduced" or verdict["reason"] in allowed, verdict


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_an_honest_variation_is_not_refuted_and_what_is_no_rate_is_reproduced(
    measured: Path, tmp_path: Path, setting: Setting
) -> None:
    path = digits.copy_of(measured, tmp_path / setting.folder)
    claim = digits.load(path)
    setting.change(claim)
    path = setting.write(claim, path)
    more = setting.arguments(path.parent)
    budget = () if setting.timed else digits.NO_TIME_FOR_RATES
    out, cwd = tmp_path / "run", path.parent if setting.inside else tmp_path
    where = (path.name, "../run") if setting.inside else (path, out)
    with setting.around(path.parent):
        done = digits.program(
            "verify",
            where[0],
            "--out",
            where[1],
            *budget,
            *more,
            home=measured.parent,
            env={name: str(tmp_path / v) if name == "TMPDIR" else v for name, v in setting.env.items()},
            cwd=cwd,
            preexec_fn=setting.start,
        )
    assert done.returncode in (0, 3), done.stderr
    _check(digits.verdicts(out), setting)


def test_a_run_that_was_interrupted_and_one_over_finished_stages_are_not_refuted(
    measured: Path, tmp_path: Path
) -> None:
    """Interrupted twice, resumed, then judged again over what is there: the same verdicts, and no stage twice."""
    out = tmp_path / "run"
    command = [*digits.PROGRAM, "verify", str(measured), "--out", str(out)]
    for after in (4.0, 9.0):  # moments of an interruption, and no expectation
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"XDG_CONFIG_HOME": str(measured.parent)},
        )
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        process.wait()
    done = digits.program("verify", measured, "--out", out, home=measured.parent)
    assert done.returncode in (0, 3), done.stderr
    setting = Setting(name="resumed", timed=True)
    first = digits.verdicts(out)
    _check(first, setting)
    stamps = {file: file.stat().st_mtime_ns for file in (out / "evidence").iterdir()}
    again = digits.program("verify", measured, "--out", out, home=measured.parent)
    assert again.returncode == done.returncode
    assert digits.verdicts(out) == first
    assert {file: file.stat().st_mtime_ns for file in (out / "evidence").iterdir()} == stamps
