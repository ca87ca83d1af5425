"""The author's side: run a recipe and write the complete claim, every number of it measured here.

The stages are those that ``verify`` runs, so that the claim is judged by the method that made it.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lynxspec.claim import FORMAT, Claim, Recipe, RegimeRecipe, present
from verifier.errors import VerifierError
from verifier.evidence import Evidence, HostReport, ItemScores, SustainedRun
from verifier.host import cpu_vendor
from verifier.judge import judge
from verifier.judge.equilibrium import settled
from verifier.reproduction.job import Job
from verifier.reproduction.subjects import reference_of, supplied_artifact, written_suffix
from verifier.verdict import ClauseKind, ClauseVerdict, Verdict

Plain = dict[str, Any]
"""JSON-like data."""

CARD_PROVIDERS = ("cuda", "CUDAExecutionProvider", "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider")
"""Providers that run on an NVIDIA card."""
MIN_CALLS_P99 = 662
"""Calls that a 99th percentile needs (MLPerf inference rules, early stopping)."""
TAIL = 0.9
"""Percentiles from here on are claimed so that a repetition can hold them."""


def claim_of(job: Job, evidence: Evidence, *, folder: Path | None, stem: str) -> Claim:
    """The claim that ``evidence`` supports; quantized models are copied to ``folder``, if one is given.

    Raises `VerifierError` if a stage gave no result: a claim with a number that was not measured is never written.
    """
    recipe = job.document
    if not isinstance(recipe, Recipe):
        raise VerifierError("only a recipe can be measured", hint="the document's kind is claim: use `lynxspec verify`")
    for place in evidence.environments:
        if place.status != "ok":
            raise VerifierError(f"{place.role} {place.tool} {place.declared} of regime {place.regime}: {place.message}")
    broken = [failure for failure in evidence.failures if not failure.not_built]
    if broken:
        first = broken[0]
        raise VerifierError(f"{first.stage} {first.regime or ''} failed: {first.message}")
    plain = recipe.model_dump(mode="json")
    regimes, artifacts = [], plain["model"]["artifacts"]
    for regime in recipe.regimes:
        entry, artifact = _regime(job, regime, evidence, folder=folder, stem=stem)
        regimes.append(entry)
        if artifact is not None:
            artifacts = [a for a in artifacts if a["name"] != artifact["name"]] + [artifact]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    probe = evidence.sustain.probe.gflops if evidence.sustain else ()
    document = {
        "lynxspec": FORMAT,
        "kind": "claim",
        "identity": plain["identity"] | {"nature": "measured", "date": today},
        "model": plain["model"] | {"artifacts": artifacts},
        "hardware": _hardware(recipe, evidence, hardware_of(evidence.host, probe, _builds(evidence))),
        "data": plain["data"],
        "load": plain["load"],
        "evaluation": plain["evaluation"],
        "regimes": regimes,
        "comparisons": _comparisons(job, evidence),
        "reproduction": plain["reproduction"],
    }
    claim = Claim.model_validate_json(json.dumps(document))
    wrong = [v for v in judge(claim, evidence) if v.verdict is Verdict.REFUTED]
    if wrong:
        raise VerifierError(
            f"the recipe declares what the tools did not give: {wrong[0].id}: {wrong[0].explanation}",
            hint="correct the recipe; a claim that its own evidence refutes is not written",
        )
    return claim


def _builds(evidence: Evidence) -> str:
    """Runtimes with the version and the Python that they ran in."""
    runtimes = (e for e in evidence.environments if e.role == "runtime")
    return "; ".join(dict.fromkeys(f"{e.tool} {e.version}, Python {e.python}" for e in runtimes))


def open_clauses(claim: Claim, evidence: Evidence) -> tuple[ClauseVerdict, ...]:
    """Clauses that the author's own evidence leaves open: a repetition will hardly confirm them.

    The claim's files are no part of it: that of the quantized model was written only now.
    """
    found = (v for v in judge(claim, evidence) if v.kind is not ClauseKind.MATERIALS)
    return tuple(v for v in found if v.verdict is Verdict.INCONCLUSIVE)


def hardware_of(host: HostReport, probe: tuple[float, ...], builds: str) -> Plain:
    """The claim's hardware section for this machine, as found; what the system hides is said to be unknown."""
    hidden = "not visible from inside the virtual machine" if host.virtualization != "none" else "no sensor was read"
    guest = {"unknown": hidden}
    none = {"not_applicable": "no accelerator took part"}
    vnni = [flag for flag in host.isa if "vnni" in flag or "amx" in flag or "i8mm" in flag]
    return {
        "vendor": cpu_vendor(),
        "product": f"{host.cpu.removeprefix(cpu_vendor()).strip()}, {host.logical_cpus} logical processors",
        "kind": "cpu",
        "count": 1,
        "form_factor": guest,
        "memory": {"not_applicable": "the processor uses the host's memory"},
        "power": guest,
        "clocks": guest,
        "cooling": guest,
        "partition": f"{host.logical_cpus} logical processors of the host",
        "host": {
            "cpu": host.cpu,
            "stepping": host.stepping,
            "logical_cpus": host.logical_cpus,
            "memory": f"{host.memory_bytes} B",
            "isa": list(host.isa),
            "os": host.os,
            "kernel": host.kernel,
            "virtualization": {"not_applicable": "no hypervisor"}
            if host.virtualization == "none"
            else host.virtualization,
            "machine": host.machine or {"unknown": "the system has no machine id"},
        },
        "stack": {
            "driver": none,
            "toolkit": none,
            "framework_build": builds or {"unknown": "no runtime ran in an environment that is known"},
            "compute_capability": ", ".join(vnni) if vnni else "no integer dot-product extension",
        },
        "speed_probe": f"{np.median(probe):.1f} GFLOP/s" if probe else {"unknown": "not measured"},
    }


def _hardware(recipe: Recipe, evidence: Evidence, processor: Plain) -> Plain:
    """The hardware section of a recipe that ran on a card: the card's, with the machine around it."""
    if not on_card(recipe):
        return processor
    if not evidence.host.cards:
        raise VerifierError(
            f"the recipe ran on a card that cannot be described: {evidence.host.cards_unknown}",
            hint="pip install nvidia-ml-py",
        )
    card = evidence.host.cards[0]
    untold = {"unknown": "the driver does not tell"}
    return processor | {
        "vendor": "NVIDIA",
        "product": card.name.removeprefix("NVIDIA ").strip(),
        "kind": "gpu",
        "count": 1,
        "memory": f"{card.memory_bytes} B",
        "power": {"limit": f"{card.power_limit_w:g} W", "mode": {"not_applicable": "a card has a limit"}}
        if card.power_limit_w
        else untold,
        "clocks": untold,
        "partition": "an instance of a card that is cut by MIG" if card.mig == "on" else {"not_applicable": "whole"},
        "stack": {
            "driver": card.driver or untold,
            "toolkit": f"CUDA {card.cuda} as the driver supports it" if card.cuda else untold,
            "framework_build": processor["stack"]["framework_build"],
            "compute_capability": f"sm_{card.compute_capability.replace('.', '')}"
            if card.compute_capability
            else untold,
        },
    }


def on_card(document: Claim | Recipe) -> bool:
    """Whether a regime's runtime is asked for a provider of NVIDIA's cards."""
    runtimes = (present(regime.toolchain.runtime) for regime in document.regimes)
    return any(runtime.provider in CARD_PROVIDERS for runtime in runtimes if runtime)


def _regime(
    job: Job, regime: RegimeRecipe, evidence: Evidence, *, folder: Path | None, stem: str
) -> tuple[Plain, Plain | None]:
    """The regime with its measured values, and the artifact to list if a file was written."""
    run = _run_of(evidence, regime.name)
    scores = _scores_of(evidence, regime.name, run.sha256)
    plain = regime.model_dump(mode="json")
    entry, artifact = _artifact(job, regime, evidence, run.sha256, folder=folder, stem=stem)
    return plain | {
        "artifact": entry,
        "peak_memory": f"{run.peak_memory_bytes / 2**20:.1f} MiB",
        "accuracy": [{"metric": name, "value": float(f"{value:.6g}")} for name, value in scores.metrics.items()],
        "performance": {
            "sustained": _sustained(job, run) | {"thermal_equilibrium": _equilibrium(evidence, on_card(job.document))},
            "peak": {"not_applicable": "only a sustained rate is claimed"},
            "latency": _latency(run),
            "energy": _energy(evidence, run, on_card(job.document)),
        },
    }, artifact


def _artifact(
    job: Job, regime: RegimeRecipe, evidence: Evidence, sha256: str, *, folder: Path | None, stem: str
) -> tuple[Plain, Plain | None]:
    if regime.role == "reference":
        model = reference_of(job, regime)
        if model is None:
            raise VerifierError("the recipe names no artifact with role reference_model")
        found = next((m.bytes for m in evidence.materials if m.sha256 == model.sha256), None)
        if found is None:
            raise VerifierError(f"the file {model.name} was not found with the digest that the recipe states")
        return {"name": model.name, "sha256": model.sha256, "size": f"{found} B"}, None
    listed = supplied_artifact(job, regime)
    if listed is not None and listed.sha256 == sha256:
        return {"name": listed.name, "sha256": sha256, "size": f"{listed.bytes} B"}, None
    suffix = next((written_suffix(q.tool) for q in evidence.quantizations if q.sha256 == sha256), ".onnx")
    kept = job.store.file(sha256, suffix)
    if kept is None:
        raise VerifierError(f"the quantized model of regime {regime.name} is no longer in the run's folder")
    size = kept.stat().st_size
    entry = {"name": f"model-{regime.name}", "sha256": sha256, "size": f"{size} B"}
    if folder is None:
        return entry, None
    target = folder / f"{stem}.{regime.name}{suffix}"
    shutil.copyfile(kept, target)
    model = job.artifact("reference_model")
    return entry, {
        "name": f"model-{regime.name}",
        "role": "quantized_model",
        "uri": target.name,
        "sha256": sha256,
        "bytes": size,
        "supplied_by": "claimant",
        "license": model.model_dump(mode="json")["license"] if model else {"unknown": "not stated"},
    }


def _sustained(job: Job, run: SustainedRun) -> Plain:
    rates = np.array([block.items / block.seconds for block in run.blocks])
    third = max(len(rates) // 3, 1)
    drift = rates[-third:].mean() / rates[:third].mean() - 1
    return {
        "rate": f"{sum(b.items for b in run.blocks) / run.window_s:.4g} {run.item}/s",
        # Blocks end with their last call, a little late: what is claimed is the load's window, which they cover.
        "window": str(job.document.load.window)
        if run.window_s >= job.document.load.window.base
        else f"{run.window_s} s",
        "warm_up": str(job.document.load.warm_up),
        "repetitions": len({block.process for block in run.blocks}),
        "spread": f"{100 * rates.std(ddof=1) / rates.mean():.2f} %",
        "drift": f"{100 * drift:+.2f} %",
    }


def _equilibrium(evidence: Evidence, card: bool) -> Plain:
    """The readings that show it, or why there are none."""
    found = settled(evidence.sustain, "accelerator" if card else "cpu") if evidence.sustain else "nothing was timed"
    if isinstance(found, str):
        return {"unknown": found}
    return {
        "sensor": f"{found.sensor}, as {'the driver' if card else 'the kernel'} reports it",
        "held": f"{found.held_s:.0f} s",
        "temperature_before": f"{found.before_c:.1f} degC",
        "temperature_after": f"{found.after_c:.1f} degC",
        "throttled": False,
    }


def _energy(evidence: Evidence, run: SustainedRun, card: bool) -> Plain | str:
    """Energy per item: the card's, else that of packages and memory; a package's counter holds its cores already."""
    telemetry = evidence.sustain.telemetry if evidence.sustain else None
    here = telemetry.over(run.regime) if telemetry else None
    items = sum(block.items for block in run.blocks)
    if telemetry is None or not telemetry.valid or here is None or not items:
        return {"unknown": "no power meter was read"}
    counters = {name: joules for name, joules in here.energy_j.items() if name.startswith("rapl.")}
    joules = sum(j for name, j in counters.items() if ".package" in name or name.endswith(".dram"))
    if card:
        joules = here.energy_j.get("nvml.0", 0.0)
    if joules <= 0:
        source = telemetry.source("nvml.0" if card else "rapl")
        return {"unknown": f"no power meter was read: {source.status.value}" if source else "no power meter was read"}
    return f"{joules / items:.4g} J/item"


def _latency(run: SustainedRun) -> Plain:
    """Percentiles that a repetition can hold.

    A repetition is confirmed by the upper end of its own interval, which lies as far above the tail as ours does,
    and wobbles as much again: what is claimed leaves room for both.
    """
    seconds: dict[float, float] = {}
    for q in sorted(run.quantiles, key=lambda q: q.p):
        held = 2.0 * q.high_s - q.value_s if q.p >= TAIL and q.high_s is not None else q.value_s
        seconds[q.p] = max(held, *seconds.values()) if seconds else held
    by_p = {p: f"{value * 1e3:.4g} ms" for p, value in seconds.items()}
    few = {"unknown": f"{run.calls} calls are fewer than the {MIN_CALLS_P99} that a 99th percentile needs"}
    return {
        "p50": by_p[0.5],
        "p90": by_p[0.9],
        "p99": by_p[0.99] if run.calls >= MIN_CALLS_P99 else few,
        "samples": run.calls,
    }


def _comparisons(job: Job, evidence: Evidence) -> list[Plain]:
    base = _run_of(evidence, job.reference.name)
    rate = sum(b.items for b in base.blocks) / base.window_s
    found = []
    for regime in job.quantized:
        run = _run_of(evidence, regime.name)
        gain = sum(b.items for b in run.blocks) / run.window_s / rate
        found.append(
            {
                "quantized": regime.name,
                "reference": job.reference.name,
                "throughput_gain": f"{gain:.3g} x",
                "qualifier": "measured",
                "system": "same",
                "other_system": {"not_applicable": "both regimes ran interleaved on the same system"},
            }
        )
    return found


def _run_of(evidence: Evidence, regime: str) -> SustainedRun:
    runs = evidence.sustain.runs if evidence.sustain else ()
    for run in runs:
        if run.regime == regime and run.status == "ok":
            return run
    raise VerifierError(f"the rate of regime {regime} was not measured")


def _scores_of(evidence: Evidence, regime: str, sha256: str) -> ItemScores:
    for scores in evidence.scores:
        if scores.regime == regime and scores.sha256 == sha256:
            if scores.status == "ok":
                return scores
            raise VerifierError(f"the accuracy of regime {regime} was not measured: {scores.message}")
    raise VerifierError(f"the accuracy of regime {regime} was not measured")


def write_claim(claim: Claim, path: Path) -> None:
    """Write ``claim`` as YAML with the schema modeline; short mappings stand on one line."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only the author's side writes YAML

    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    with path.open("w", encoding="utf-8") as file:
        file.write("# yaml-language-server: $schema=https://lynxspec.org/schemas/1.0/claim.schema.json\n")
        file.write("# Written by `lynxspec measure`; every number was measured on the machine under `hardware`.\n")
        yaml.dump(_laid_out(claim.model_dump(mode="json")), file)


def _laid_out(value: Any) -> Any:  # noqa: ANN401 - JSON-like data
    from ruamel.yaml.comments import CommentedMap, CommentedSeq  # noqa: PLC0415 - as above
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString  # noqa: PLC0415 - as above

    if isinstance(value, dict):
        laid = CommentedMap({key: _laid_out(entry) for key, entry in value.items()})
        if value and all(not isinstance(v, dict | list) for v in value.values()) and len(str(value)) < 100:
            laid.fa.set_flow_style()
        return laid
    if isinstance(value, list):
        items = CommentedSeq([_laid_out(entry) for entry in value])
        if all(not isinstance(v, dict | list) for v in value) and len(str(value)) < 100:
            items.fa.set_flow_style()
        return items
    if isinstance(value, str) and value[:1] in "+-0123456789":
        return DoubleQuotedScalarString(value)
    return value
