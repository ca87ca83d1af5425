"""A worker that is killed, crashes, hangs or runs out of memory, at each stage: our evidence, and nobody's guilt.

Slow: a real run each, by an interpreter that does its own kind of harm when it is asked for one command.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from verifier.judge import judge
from verifier.opening import open_claim
from verifier.recording import RunFolder
from verifier.reproduction import evaluate, inspection, quantize, sustain
from verifier.reproduction.budget import Budget
from verifier.reproduction.job import Job
from verifier.reproduction.run import reproduce
from verifier.verdict import Verdict

pytestmark = pytest.mark.slow

DEATHS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "segfault": "ctypes.string_at(0)",
    "hung": "time.sleep(3600)",
    "out_of_memory": "bytearray(2**48)",
}
STAGES = {
    # the worker's command: words of the failure, and a clause that is then open
    "quantize": "quantize",
    "inspect": "inspect",
    "executed": "executed",
    "weight_error": "weights",
    "signal": "signal",
    "open": "evaluate",
    "evaluate": "evaluate",
    "prepare_load": "sustain",
    "block": "sustain",
    "probe": "sustain",
}
PATIENCE_S = 15.0

SABOTEUR = """#!{python}
import ctypes, importlib.util, os, runpy, signal, sys, time

path = sys.argv[-1]
if not path.endswith("worker.py"):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
sys.argv = [path]
spec = importlib.util.spec_from_file_location("__worker__", path)
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)

def die(self, request):
    {death}
    raise AssertionError("still alive")

assert {command!r} in worker._COMMANDS
worker._COMMANDS[{command!r}] = die
worker.main()
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Hours of patience would be hours of waiting; the stages' own limits, made short."""
    monkeypatch.setattr(evaluate, "EVALUATION_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(quantize, "QUANTIZATION_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(inspection, "INSPECTION_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(inspection, "SIGNAL_SECONDS", 1)
    monkeypatch.setattr(sustain, "BLOCK_GRACE_S", PATIENCE_S)
    monkeypatch.setattr("verifier.process.Worker.call.__defaults__", (PATIENCE_S, None))


def interpreter(folder: Path, command: str, death: str) -> str:
    """A Python whose workers do as they are told until one command comes."""
    path = folder / "python"
    path.write_text(SABOTEUR.format(python=sys.executable, command=command, death=DEATHS[death]))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("command", STAGES)
def test_a_worker_that_dies_refutes_nothing_and_the_rest_goes_on(measured, tmp_path, command, death):
    opened = open_claim(measured)
    folder = RunFolder(tmp_path / "run")
    job = Job(
        document=opened.claim,
        source=opened.source,
        sha256=opened.sha256,
        folder=measured.parent,
        store=folder.store,
        interpreter=interpreter(tmp_path, command, death),
    )

    found = reproduce(job, detect_inert=False, budget=Budget(seconds=90.0))

    verdicts = judge(opened.claim, found)
    assert not [v.id for v in verdicts if v.verdict is Verdict.REFUTED]
    told = [f"{f.stage} {f.message}" for f in found.failures]
    told += [f"quantize {q.message}" for q in found.quantizations if q.status == "failed"]
    told += [f"evaluate {s.message}" for s in found.scores if s.status == "failed"]
    told += [f"inspect executed {x.message}" for x in found.ledgers if x.status == "failed"]
    told += [f"signal {s.message}" for s in found.signals if s.status == "failed"]
    assert any(STAGES[command] in line for line in told), told
    assert any(v.verdict is Verdict.REPRODUCED for v in verdicts), "the rest was not finished"
    others = {"materials/evaluation", "precision_artifact/int8"} - (
        {"precision_artifact/int8"} if command == "inspect" else set()
    )
    done = {v.id for v in verdicts if v.verdict is Verdict.REPRODUCED}
    assert others <= done


def test_without_sabotage_the_same_run_has_no_failure(measured, tmp_path):
    opened = open_claim(measured)
    folder = RunFolder(tmp_path / "run")
    job = Job(
        document=opened.claim,
        source=opened.source,
        sha256=opened.sha256,
        folder=measured.parent,
        store=folder.store,
    )

    found = reproduce(job, detect_inert=False, budget=Budget(seconds=90.0))

    assert found.failures == ()
    assert {q.status for q in found.quantizations} == {"ok"}
