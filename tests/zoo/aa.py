"""A/A: one claim that `measure` wrote, verified again and again on the machine that it was measured on.

Nothing differs between the two sides but time and whatever else the machine was doing. Procedure:

1. `measure` a recipe with a window of 30 s, once.
2. `verify` the claim in a fresh folder each time, some with other work held back, some beside it (`alone` and `shared`
   in the results). Quantizing and looking at files are taken from one finished run (`first`), whose keys say that they
   would give the same; every item is evaluated anew, and every rate measured anew.
3. `unquiet` calls a run quiet or not, from its evidence alone, never from a verdict.
4. The same evidence is held against claims in which one number is inflated.
5. Each run is also taken for the author's: the claim that its evidence makes is held against every other run. A pair is
   quiet if the author's run is, by its own product, and the other one by the claim's.

``python -m tests.zoo.aa measure|verify|keep|report``; what came of it lies in ``tests/data/aa``.
"""

from __future__ import annotations

import argparse
import copy
import json
import lzma
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from lynxspec.claim import Claim, present
from verifier.authoring import claim_of
from verifier.evidence import Evidence, SustainEvidence
from verifier.judge import judge
from verifier.opening import open_recipe
from verifier.recording import RunFolder
from verifier.verdict import ClauseKind, ClauseVerdict, Verdict

from . import digits

Plain = Any

EXAMPLE = Path(__file__).parents[2] / "examples/mobilenetv2-mnist"
DATA = Path(__file__).parents[1] / "data" / "aa"
RUNS, CLAIM = DATA / "runs.jsonl.xz", DATA / "int8.claim.json"
BUDGET = "175s"
"""Keeps a run alone within three minutes: the schedule of 127 s, and further processes while a clause is open."""
TAKEN = ("quantize_", "inspect_", "executed_", "weights_", "repeat_", "signal_", "compare_")
"""Stages that are taken from a finished run."""

# --- the rule, fixed before the runs that are counted

STEAL, FOREIGN = 0.01, 0.10
"""Most of the processors' time that the hypervisor, or processes other than ours, may have taken in a quiet run."""
SPEED = 0.05
"""How far the fixed matrix product may run from the claim's figure, in the median of each round of processes."""
FLICKER = 0.06
"""Most that the middle half of the matrix products may span, over their median: guests of one host that share a core
double its time and halve it from one second to the next."""


def unquiet(claimed_gflops: float, sustained: SustainEvidence) -> tuple[str, ...]:
    """Why a run was not quiet; empty if it was. Looks at the sampler and the fixed product, at no rate of the model."""
    reasons = []
    if sustained.telemetry is None or not sustained.telemetry.valid:
        reasons.append("not watched")
    for name, limit in (("steal", STEAL), ("foreign", FOREIGN)):
        value = _mean(sustained, name)
        if value > limit:
            reasons.append(f"{name} {100 * value:.1f} %")
    rounds = speeds(claimed_gflops, sustained)
    if min(rounds) < 1.0 - SPEED or max(rounds) > 1.0 + SPEED:
        reasons.append(f"machine at {100 * min(rounds):.0f} to {100 * max(rounds):.0f} % of the claim's speed")
    first, middle, third = quantiles(sustained.probe.gflops, n=4)
    if (third - first) / middle > FLICKER:
        reasons.append(f"speed flickers by {100 * (third - first) / middle:.0f} %")
    return tuple(reasons)


def speeds(claimed_gflops: float, sustained: SustainEvidence) -> tuple[float, ...]:
    """Median of the fixed product in each round of processes over the claim's figure."""
    probes = sustained.probe.gflops
    rounds = sustained.processes or 1
    each = [[b for b in run.blocks if b.process == k] for run in sustained.runs[:1] for k in range(rounds)]
    cuts, found = 0, []
    for blocks in each:
        found.append(median(probes[cuts : cuts + len(blocks)]) / claimed_gflops)
        cuts += len(blocks)
    return tuple(found)


def _mean(sustained: SustainEvidence, name: str) -> float:
    values = [sample.model_dump()[name] for sample in sustained.host]
    return sum(values) / len(values) if values else 1.0


# --- inflated claims


def inflated(claim: Plain) -> Iterator[tuple[str, Plain, str]]:
    """A name, the claim with one number inflated, and the clause that must not be reproduced."""
    for place, regime in enumerate(claim["regimes"]):
        name = regime["name"]
        changed = copy.deepcopy(claim)
        sustained = changed["regimes"][place]["performance"]["sustained"]
        sustained["rate"] = _times(sustained["rate"], 1.1)
        yield f"rate of {name} + 10 %", changed, f"throughput/{name}"
        changed = copy.deepcopy(claim)
        accuracy = changed["regimes"][place]["accuracy"][0]
        accuracy["value"] = round(accuracy["value"] + BEYOND_MARGIN, 6)
        clause = f"{ACCURACY[regime['role']]}/{name}/{accuracy['metric']}"
        yield f"accuracy of {name} + 2.6 points", changed, clause
    changed = copy.deepcopy(claim)
    gain = changed["comparisons"][0]
    gain["throughput_gain"] = _times(gain["throughput_gain"], 1.1)
    yield "gain + 10 %", changed, f"speedup/{gain['quantized']}/{gain['reference']}"
    changed = copy.deepcopy(claim)
    changed["comparisons"] = copy.deepcopy(changed["comparisons"])
    for regime in changed["regimes"]:
        if regime["name"] == gain["quantized"]:
            regime["performance"]["sustained"]["rate"] = _times(regime["performance"]["sustained"]["rate"], 1.1)
    changed["comparisons"][0]["throughput_gain"] = gain["throughput_gain"]
    yield "gain and rate + 10 %", changed, f"speedup/{gain['quantized']}/{gain['reference']}"


ACCURACY = {"reference": "reference_accuracy", "quantized": "accuracy"}
BEYOND_MARGIN = 0.026
"""The criterion's margin of 2.5 points and the tolerance of 0.1 points."""


def _times(quantity: str, factor: float) -> str:
    value, unit = quantity.split(" ", 1)
    return f"{float(value) * factor:.6g} {unit}"


# --- results


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run, held against the claim and the inflated ones."""

    name: str
    began: str
    """Date and time, UTC."""
    setting: str
    """``alone``, ``shared``, or ``measure`` for an author's run that became no claim."""
    unquiet: tuple[str, ...]
    speed: tuple[float, float]
    """Least and largest median of a round's fixed product over the claim's."""
    ratios: tuple[float, ...]
    """Measured over claimed: each regime's rate, and the gain of the last over the first."""
    verdict: Verdict
    open: tuple[tuple[str, str], ...]
    """Clauses that are not reproduced, with reasons."""
    refuted: tuple[str, ...]
    inflated_reproduced: tuple[str, ...]
    """Inflated numbers that the evidence reproduces."""


def authored(entry: Plain, claim: Plain) -> Plain:
    """The claim with the numbers that a run's evidence makes, were it the author's."""
    changed = copy.deepcopy(claim)
    changed["hardware"]["speed_probe"] = entry["claimed"]["speed_probe"]
    changed["comparisons"] = entry["claimed"]["comparisons"]
    for regime, numbers in zip(changed["regimes"], entry["claimed"]["regimes"], strict=True):
        regime.update(numbers)
    return changed


def result(entry: Plain, claim: Plain) -> Result:
    """Judge one run again."""
    evidence = Evidence.model_validate_json(json.dumps(entry["evidence"]))
    whole = Claim.model_validate_json(json.dumps(claim))
    sustained, probe = evidence.sustain, present(whole.hardware.speed_probe)
    assert sustained is not None
    assert probe is not None
    found = judge(whole, evidence)
    rounds = speeds(probe.base, sustained)
    rates = [sum(b.items for b in r.blocks) / r.window_s for r in sustained.runs]
    stated = [present(r.performance.sustained) for r in whole.regimes]
    ratios = [rate / s.rate.base for rate, s in zip(rates, stated, strict=True) if s is not None]
    gain = present(whole.comparisons[0].throughput_gain)
    assert gain is not None
    return Result(
        name=entry["name"],
        began=entry["began"],
        setting=entry["setting"],
        unquiet=unquiet(probe.base, sustained),
        speed=(min(rounds), max(rounds)),
        ratios=(*ratios, rates[-1] / rates[0] / gain.base),
        verdict=_overall(found),
        open=_open(found),
        refuted=tuple(v.id for v in found if v.verdict is Verdict.REFUTED),
        inflated_reproduced=tuple(
            name
            for name, changed, clause in inflated(claim)
            if _answer(changed, evidence, clause) is Verdict.REPRODUCED
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One run's claim held against another run's evidence."""

    author: str
    run: str
    quiet: bool
    """Whether the author's run was quiet by its own fixed product, and the other one by the claim's."""
    slowed: bool
    """Whether other processes slowed the author's run down, whose rates are then far below the machine's."""
    refuted: tuple[str, ...]
    open: tuple[tuple[str, str], ...]
    inflated_reproduced: tuple[str, ...]


def pairs(runs: list[Plain], claim: Plain) -> Iterator[Pair]:
    """Every run as the author's against every other one."""
    evidence = [Evidence.model_validate_json(json.dumps(entry["evidence"])) for entry in runs]
    for i, author in enumerate(runs):
        stated = authored(author, claim)
        whole = Claim.model_validate_json(json.dumps(stated))
        changes = [
            (name, Claim.model_validate_json(json.dumps(changed)), clause) for name, changed, clause in inflated(stated)
        ]
        probe = present(whole.hardware.speed_probe)
        for j, other in enumerate(evidence):
            own, here = evidence[i].sustain, other.sustain
            if i == j or probe is None or own is None or here is None:
                continue
            found = judge(whole, other)
            yield Pair(
                author=author["name"],
                run=runs[j]["name"],
                quiet=not unquiet(probe.base, own) and not unquiet(probe.base, here),
                slowed=_mean(own, "foreign") > FOREIGN,
                refuted=tuple(v.id for v in found if v.verdict is Verdict.REFUTED),
                open=_open(found),
                inflated_reproduced=tuple(
                    name
                    for name, changed, clause in changes
                    if {v.id: v.verdict for v in judge(changed, other)}[clause] is Verdict.REPRODUCED
                ),
            )


def _open(found: tuple[ClauseVerdict, ...]) -> tuple[tuple[str, str], ...]:
    """Clauses that are not reproduced; an author's run has no file of the claim yet."""
    there = (v for v in found if v.kind is not ClauseKind.MATERIALS)
    return tuple((v.id, v.reason) for v in there if v.verdict is not Verdict.REPRODUCED)


def _overall(found: tuple[ClauseVerdict, ...]) -> Verdict:
    from verifier.verdict import overall  # noqa: PLC0415 - a name of its own here

    return overall(found)


def _answer(claim: Plain, evidence: Evidence, clause: str) -> Verdict:
    found = {v.id: v.verdict for v in judge(Claim.model_validate_json(json.dumps(claim)), evidence)}
    return found[clause]


def kept() -> tuple[Plain, list[Plain]]:
    """The claim and the runs that were kept."""
    with lzma.open(RUNS, "rt", encoding="utf-8") as file:
        return json.loads(CLAIM.read_text()), [json.loads(line) for line in file]


def table(results: list[Result]) -> str:
    """For people."""
    lines = [
        "| run | began (UTC) | setting | fixed product | FP32 | INT8 | gain | quiet | verdict | not reproduced |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        ratios = " | ".join(f"{100 * x:.1f} %" for x in r.ratios)
        speed = f"{100 * r.speed[0]:.0f} to {100 * r.speed[1]:.0f} %"
        quiet = "; ".join(r.unquiet) if r.unquiet else "quiet"
        opened = ", ".join(f"{clause} ({reason})" for clause, reason in r.open) or "none"
        lines.append(
            f"| {r.name} | {r.began} | {r.setting} | {speed} | {ratios} | {quiet} | {r.verdict.value} | {opened} |"
        )
    return "\n".join(lines)


# --- doing it


def _measure(folder: Path) -> int:
    for name in ("model.onnx", "calibration.npz", "evaluation.npz", "int8.recipe.yaml"):
        shutil.copyfile(EXAMPLE / name, folder / name)
    done = digits.program("measure", folder / "int8.recipe.yaml", "-o", folder / "int8.claim.yaml", home=folder)
    sys.stderr.write(done.stderr)
    return done.returncode


def _verify(folder: Path, name: str, setting: str) -> int:
    """One run; the stages of `TAKEN` come from the run ``first``, which itself measures no rates."""
    run, first = folder / name, folder / "first"
    if run.exists():
        raise SystemExit(f"{run} is there already: a run is never done twice")
    (run / "evidence").mkdir(parents=True)
    if name != "first" and (first / "evidence.json").exists():
        for file in (first / "evidence").iterdir():
            if file.name.startswith(TAKEN):
                shutil.copyfile(file, run / "evidence" / file.name)
        shutil.copytree(first / "files", run / "files")
    (run / "setting.json").write_text(
        json.dumps({"name": name, "setting": setting, "began": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())})
    )
    limit = {"alone": ("--budget", BUDGET), "shared": ()}[setting]
    budget = digits.NO_TIME_FOR_RATES if name == "first" else limit
    done = digits.program("verify", folder / "int8.claim.yaml", "--out", run, *budget, home=folder)
    (run / "stderr.txt").write_text(done.stderr)
    sys.stderr.write(done.stderr)
    return done.returncode


def _numbers(folder: Path, run: Path) -> Plain:
    """What `measure` would have claimed of this evidence."""
    recipe, source = open_recipe(folder / "int8.recipe.yaml")
    runs = RunFolder(run, reading=True)
    job = runs.job(recipe, source, folder / "int8.recipe.yaml", overrides={})
    claim = claim_of(job, runs.evidence(), folder=None, stem="int8").model_dump(mode="json")
    kept = ("peak_memory", "accuracy", "performance")
    return {
        "speed_probe": claim["hardware"]["speed_probe"],
        "comparisons": claim["comparisons"],
        "regimes": [{name: regime[name] for name in kept} for regime in claim["regimes"]],
    }


def _keep(folder: Path) -> None:
    """Put claim and evidence where the tests find them, without the curves, which no judge reads."""
    DATA.mkdir(exist_ok=True)
    CLAIM.write_text(json.dumps(digits.load(folder / "int8.claim.yaml"), indent=1, default=str) + "\n")
    with lzma.open(RUNS, "wt", encoding="utf-8", preset=9) as file:
        for setting in sorted(folder.glob("*/setting.json"), key=lambda path: json.loads(path.read_text())["began"]):
            entry = json.loads(setting.read_text())
            path = setting.parent / "evidence.json"
            if entry["name"] == "first":
                continue
            if not path.exists() or json.loads(path.read_text())["failures"]:
                sys.stderr.write(f"{entry['name']}: no rates\n")  # killed, or too slow for its budget
                continue
            entry["claimed"] = _numbers(folder, setting.parent)
            entry["evidence"] = json.loads(path.read_text())
            for source in entry["evidence"]["sustain"]["telemetry"]["sources"]:
                for reading in source["readings"]:
                    reading["curve"] = []
            file.write(json.dumps(entry) + "\n")


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo.aa", description=__doc__)
    parser.add_argument("do", choices=("measure", "verify", "keep", "report"))
    parser.add_argument("folder", type=Path, nargs="?", default=Path.cwd())
    parser.add_argument("name", nargs="?", default="first")
    parser.add_argument("setting", choices=("alone", "shared"), nargs="?", default="shared")
    asked = parser.parse_args()
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[2]))
    if asked.do == "measure":
        return _measure(asked.folder)
    if asked.do == "verify":
        return _verify(asked.folder, asked.name, asked.setting)
    if asked.do == "keep":
        _keep(asked.folder)
        return 0
    claim, runs = kept()
    results = [result(entry, claim) for entry in runs]
    sys.stdout.write(table(results) + "\n")
    for r in results:
        if r.inflated_reproduced:
            sys.stdout.write(f"{r.name}: reproduced all the same: {', '.join(r.inflated_reproduced)}\n")
    found = list(pairs(runs, claim))
    quiet = [pair for pair in found if pair.quiet]
    sys.stdout.write(
        f"\nPairs: {len(found)}; refuted {sum(bool(p.refuted) for p in found)}; an inflated number reproduced "
        f"{sum(bool(p.inflated_reproduced) for p in found)} (of authors whom others slowed down "
        f"{sum(bool(p.inflated_reproduced) and p.slowed for p in found)}); quiet {len(quiet)}, of these all reproduced "
        f"{sum(not p.open for p in quiet)}\n"
    )
    for p in found:
        if p.refuted or p.inflated_reproduced or (p.quiet and p.open):
            sys.stdout.write(f"{p.author} against {p.run}: {p.refuted} {p.inflated_reproduced} {p.open}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
