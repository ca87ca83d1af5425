"""A folder of recipes measured, verified and lied about on this machine's card, with a short table at the end.

Each recipe is measured by the program as a user calls it, and the claim is then verified; three lies over that claim
are judged by the same evidence and must be refuted. Where the libraries that render records are missing, which no wheel
brings, the evidence stays in the run's folder and the record is made of it elsewhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynxspec.claim import Claim, present
from lynxspec.errors import LynxSpecError
from verifier.environments.prepare import Wishes
from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.opening import OpenClaim, open_claim
from verifier.progress import Silent
from verifier.recording import RunFolder
from verifier.verdict import Verdict, overall

PROGRAM = (sys.executable, "-c", "from verifier.cli import app; app()")
STEP_TIMEOUT_S = 600
"""One command of the set."""

_PEAKS = """
import json, time, torch
def rate(call, amount):
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    first.record()
    for _ in range(20):
        call()
    last.record()
    torch.cuda.synchronize()
    return 20 * amount / (first.elapsed_time(last) / 1e3)
a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
b = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
big = torch.empty(2**31, device="cuda", dtype=torch.uint8)
into = torch.empty_like(big)
print(json.dumps({
    "matrix_flops": rate(lambda: a @ b, 2 * 8192**3),
    "copy_bytes": rate(lambda: into.copy_(big), 2 * 2**31),
    "toolkit": torch.version.cuda,
}))
"""
"""What the card gives a plain bf16 product (8192 cubed) and a copy of 2 GiB, read and written, by its own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One recipe's line of the table."""

    name: str
    result: str
    rates: str = ""
    gain: str = ""
    shares: str = ""
    """Achieved share of the card's own matrix rate and copy rate."""
    lies: str = ""
    record: str = ""


def run_set(folder: Path, out: Path, extra: list[str], wishes: Wishes, tell: Callable[[str], None]) -> tuple[Row, ...]:
    """Every recipe of ``folder``; ``extra`` are the options of measure that say the same as ``wishes``."""
    peaks = _peaks(extra)
    (out / "peaks.json").write_text(json.dumps(peaks), encoding="utf-8")
    rows = []
    for recipe in sorted(folder.glob("*.recipe.yaml")):
        began = time.monotonic()
        try:
            row = _one(recipe, out / recipe.name.removesuffix(".recipe.yaml"), extra, wishes, peaks)
        except LynxSpecError as error:  # one recipe that fails leaves the others
            row = Row(name=recipe.name.removesuffix(".recipe.yaml"), result=f"not verified: {error.message}")
        tell(f"{row.name}: {row.result} after {time.monotonic() - began:.0f} s\n")
        rows.append(row)
    return tuple(rows)


def _one(recipe: Path, out: Path, extra: list[str], wishes: Wishes, peaks: dict[str, Any]) -> Row:
    name = recipe.name.removesuffix(".recipe.yaml")
    out.mkdir(parents=True, exist_ok=True)
    claim = recipe.with_name(f"{name}.claim.yaml")  # beside the recipe, whose files it names
    measured = _call("measure", recipe, "-o", claim, "--out", out / "measured", *extra, log=out / "measure.log")
    if measured != 0:
        return Row(name=name, result=f"not measured: {_last_line(out / 'measure.log')}")
    opened = open_claim(claim)
    folder = RunFolder(out / "verified")
    evidence = folder.reproduce(opened, overrides={}, progress=Silent(), wishes=wishes)
    verdict = overall(judge(opened.claim, evidence))
    return Row(
        name=name,
        result="REFUTED" if verdict is Verdict.REFUTED else verdict.value.replace("_", " "),
        rates=", ".join(f"{r.name} {r.performance.sustained.rate}" for r in _sustained(opened.claim)),
        gain=", ".join(str(c.throughput_gain) for c in opened.claim.comparisons),
        shares=_shares(opened.claim, peaks),
        lies=_lies(opened.claim, evidence),
        record=_signed(folder, opened, evidence),
    )


def _signed(folder: RunFolder, opened: OpenClaim, evidence: Evidence) -> str:
    """The signed record, or what is left of it where it cannot be rendered."""
    from verifier.audit import keys  # noqa: PLC0415 - the evidence comes first, whatever is missing for the record
    from verifier.audit.record import Performed  # noqa: PLC0415 - as above

    try:
        identity = keys.ensure_self_signed()
        record = folder.record(opened, evidence, performed=Performed(), identity=identity)
        return str(folder.sign(record, opened, identity, tsa=None))
    except LynxSpecError as error:
        return f"evidence alone, in {folder.root}: {error.message}"


def _call(*arguments: object, log: Path) -> int:
    with log.open("wb") as file:
        try:
            return subprocess.run(
                [*PROGRAM, *map(str, arguments)], stdout=file, stderr=file, check=False, timeout=STEP_TIMEOUT_S
            ).returncode
        except subprocess.TimeoutExpired:
            file.write(f"\nstopped after {STEP_TIMEOUT_S} s\n".encode())
            return 4


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _sustained(claim: Claim) -> list[Any]:
    return [r for r in claim.regimes if r.performance.sustained.rate is not None]  # type: ignore[union-attr]  # measured here


def _peaks(extra: list[str]) -> dict[str, Any]:
    """What the card gives by itself; empty if it cannot be asked."""
    given = [word.partition("=")[2] for word in extra if word.startswith("pytorch=")]
    folder = Path(given[0]) if given else None
    python = str(folder / "bin/python" if folder and folder.is_dir() else folder or sys.executable)
    try:
        done = subprocess.run([python, "-c", _PEAKS], capture_output=True, text=True, check=False, timeout=120)
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return found


def _shares(claim: Claim, peaks: dict[str, Any]) -> str:
    """How much of the card's own rates each regime reaches: of a bf16 product, and of a copy."""
    if not peaks:
        return "the card's own rates were not measured"
    words = []
    parameters = present(claim.model.parameters)
    for regime in _sustained(claim):
        rate = regime.performance.sustained.rate.base
        products = rate * 2 * (parameters.active if parameters else 0) / peaks["matrix_flops"]
        reads = rate / claim.load.batch * regime.artifact.size.base / peaks["copy_bytes"]
        words.append(f"{regime.name} {products:.1%} of matrix, {reads:.1%} of copy")
    return "; ".join(words)


# --- lies


def lies_over(claim: dict[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Three of them: name, clause that must refute it, the claim with it told."""
    quantized = next(r for r in claim["regimes"] if r["role"] != "reference")
    name = quantized["name"]

    def told(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        other: dict[str, Any] = json.loads(json.dumps(claim))
        change(next(r for r in other["regimes"] if r["name"] == name))
        return other

    def better(regime: dict[str, Any]) -> None:
        regime["accuracy"][0]["value"] = min(1.0, regime["accuracy"][0]["value"] + 0.03)

    def narrower(regime: dict[str, Any]) -> None:
        regime["precision"]["weights"]["format"] = "int4"

    def faster(regime: dict[str, Any]) -> None:
        rate, unit = regime["performance"]["sustained"]["rate"].split(" ", 1)
        regime["performance"]["sustained"]["rate"] = f"{1.6 * float(rate):.4g} {unit}"

    metric = quantized["accuracy"][0]["metric"]
    yield "three points better", f"accuracy/{name}/{metric}", told(better)
    yield "four bits", f"precision_artifact/{name}", told(narrower)
    yield "1.6 times the rate", f"throughput/{name}", told(faster)


def _lies(claim: Claim, evidence: Evidence) -> str:
    caught, missed = 0, []
    for words, clause, lie in lies_over(claim.model_dump(mode="json")):
        verdicts = {v.id: v for v in judge(Claim.model_validate_json(json.dumps(lie)), evidence)}
        verdict = verdicts.get(clause)
        if verdict is None:
            clause_kind = clause.rpartition("/")[0]
            verdict = next((v for key, v in verdicts.items() if key.startswith(clause_kind)), None)
        if verdict is not None and verdict.verdict is Verdict.REFUTED:
            caught += 1
        else:
            missed.append(f"{words} ({verdict.verdict.value if verdict else 'no such clause'})")
    return f"{caught} of 3 lies refuted" + (f"; not: {', '.join(missed)}" if missed else "")


def table(rows: tuple[Row, ...]) -> str:
    """For people, short, last."""
    lines = []
    for row in rows:
        lines.append(f"{row.name:<24} {row.result}")
        details = (("rates", row.rates), ("gain", row.gain), ("share", row.shares), ("lies", row.lies))
        lines.extend(f"  {what:<6} {words}" for what, words in (*details, ("record", row.record)) if words)
    return "\n".join(lines) + "\n"
