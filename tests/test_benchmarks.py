"""Ratios against a peer measured in the same run; printed, never asserted. Run with ``pytest -m bench -s``."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLAIM = ROOT / "tests/data/complete.claim.yaml"
SCHEMA = ROOT / "schemas/claim-1.schema.json"
LINT = [sys.executable, "-c", "from verifier.cli import app; app()", "lint", "--quiet", "--fail-on", "never"]
# check-jsonschema's default install brings no C scanner for YAML since ruamel.yaml 0.19; ours does, so it is hidden.
PEER = [
    sys.executable,
    "-c",
    "import sys; sys.modules['_ruamel_yaml'] = None; from check_jsonschema import main; main()",
    "--schemafile",
    str(SCHEMA),
]

pytestmark = pytest.mark.bench


def once(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interleaved(ours: list[str], theirs: list[str], runs: int) -> None:
    pairs = [(once(ours), once(theirs)) for _ in range(runs + 1)][1:]  # the first pair warms the caches
    for what, index in (("wall", 0), ("cpu", 1)):
        a = [pair[0][index] for pair in pairs]
        b = [pair[1][index] for pair in pairs]
        ratio = statistics.median(y / x for x, y in zip(a, b, strict=True))
        print(f"\n{what}: ours {statistics.median(a):.3f} s, peer {statistics.median(b):.3f} s, peer/ours {ratio:.2f}")


def test_lint_of_one_claim_against_check_jsonschema() -> None:
    interleaved([*LINT, str(CLAIM)], [*PEER, str(CLAIM)], 7)


def test_lint_of_a_thousand_claims_against_check_jsonschema(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.claim.yaml" for number in range(1000)]
    for file in files:
        shutil.copy(CLAIM, file)
    names = [str(file) for file in files]
    interleaved([*LINT, *names], [*PEER, *names], 1)
