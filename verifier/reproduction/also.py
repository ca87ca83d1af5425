"""The claim's model and scheme on other runtimes, one after another, by the same stages: what a buyer deploys on.

The claim is rewritten for each: its regimes keep model, scheme, data and load, and get the other runtime. A runtime
that opens the claim's files runs those; for another, the reference must be there in its format, and a quantizer of its
own applies the declared scheme. Nothing of this is held against the claim's numbers, which are for another runtime;
the claim's acceptance criterion is, between the two regimes on that runtime.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.base import NotApplicable
from lynxspec.claim.precision import Precision, Quantized
from lynxspec.claim.toolchain import Quantizer, Runtime
from lynxspec.errors import UsageError
from lynxspec.facts import tool_chains
from lynxspec.vocabulary import NumberFormat
from verifier.environments.interpreter import own
from verifier.environments.prepare import Wishes, prepare
from verifier.errors import VerifierError
from verifier.evidence import Evidence, ItemScores, PrecisionLedger, SustainedRun
from verifier.evidence.also import OtherRegime, OtherRuntime
from verifier.judge import judge
from verifier.judge.throughput import analysed
from verifier.progress import Progress
from verifier.quantizers import find_quantizer
from verifier.reproduction.budget import Budget
from verifier.reproduction.job import Job
from verifier.reproduction.run import reproduce
from verifier.runtimes import find_runtime
from verifier.runtimes.runtime import Runtime as RuntimePlugin
from verifier.store import RunStore, write_atomically
from verifier.verdict import ClauseKind

EVIDENCE_FILE = "evidence.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A runtime to run on."""

    runtime: str
    version: str
    provider: str


def target_of(text: str) -> Target:
    """``NAME``, ``NAME==VERSION``, either with ``@PROVIDER``: the installed version, else the newest one known.

    Raises `UsageError`.
    """
    name, _, provider = text.strip().partition("@")
    name, _, version = name.partition("==")
    plugin = find_runtime(name) if name else None
    known = tool_chains.tool(name)
    if plugin is None:
        raise UsageError(f"--also {text}: no runtime of that name", hint="`lynxspec doctor` lists the runtimes")
    here = own().version(plugin.distribution).partition("+")[0] if plugin.distribution else ""
    version = version or here or (known.newest if known and known.newest else "")
    provider = provider or (known.providers[0] if known and known.providers else "")
    if not version or not provider:
        lacking = "version" if not version else "provider"
        raise UsageError(f"--also {text}: no {lacking} is known for it", hint=f"write {name}==VERSION@PROVIDER")
    return Target(runtime=plugin.name, version=version, provider=provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The run on the claim's own tools, which the others start from."""

    claim: Claim
    folder: Path
    """Folder of the claim."""
    root: Path
    """Folder of the run."""
    overrides: Mapping[str, Path]
    wishes: Wishes
    progress: Progress
    budget: Budget

    def on(self, target: Target) -> OtherRuntime:
        """Run there. Whatever fails is a row that says so."""
        plugin = find_runtime(target.runtime)
        if plugin is None:
            raise VerifierError(f"no runtime named {target.runtime!r}")
        document = carried_over(self.claim, target, plugin)
        source = document.model_dump_json().encode()
        root = self.root / "also" / target.runtime
        job = Job(
            document=document,
            source=source,
            sha256=hashlib.sha256(source).hexdigest(),
            folder=self.folder,
            store=RunStore(root),
            overrides=self.overrides,
            progress=self.progress,
            environments=prepare(document, self.wishes, self.progress),
        )
        evidence = reproduce(job, detect_inert=False, budget=self.budget)
        plain = evidence.model_dump_json(indent=1).encode()
        write_atomically(root / EVIDENCE_FILE, plain)
        places = [e for e in evidence.environments if e.role == "runtime"]
        return OtherRuntime(
            runtime=target.runtime,
            version=next((e.version for e in places if e.version), target.version),
            provider=target.provider,
            quantizers=tuple(
                dict.fromkeys(f"{q.tool} {q.version}" for q in evidence.quantizations if q.status == "ok")
            ),
            lock_sha256=next((e.lock_sha256 for e in places), None),
            regimes=tuple(_row(self.claim, document, evidence, regime, plugin) for regime in document.regimes),
            evidence_sha256=hashlib.sha256(plain).hexdigest(),
        )


def carried_over(claim: Claim, target: Target, plugin: RuntimePlugin) -> Claim:
    """The claim with every regime on another runtime. Options other than threads are another runtime's words."""
    return claim.model_copy(update={"regimes": tuple(_carried(claim, r, target, plugin) for r in claim.regimes)})


def carried_over_all(claim: Claim, targets: tuple[Target, ...]) -> tuple[Claim, ...]:
    """The claim on each target."""
    pairs = ((target, find_runtime(target.runtime)) for target in targets)
    return tuple(carried_over(claim, target, plugin) for target, plugin in pairs if plugin is not None)


def _carried(claim: Claim, regime: Regime, target: Target, plugin: RuntimePlugin) -> Regime:
    before = present(regime.toolchain.runtime)
    threads = before.options.get("intra_op_threads") if before else None
    options = {"intra_op_threads": threads} if threads and "intra_op_threads" in plugin.options else {}
    runtime = Runtime(name=target.runtime, version=target.version, provider=target.provider, options=options)
    update: dict[str, object] = {"runtime": runtime}
    changes: dict[str, object] = {}
    if not _opens_claimed(claim, regime, plugin):
        changes["artifact"] = NotApplicable(not_applicable="another runtime's format")
        if regime.role != "reference":
            own_quantizer = update["quantizer"] = _own_quantizer(plugin)
            tool = find_quantizer(own_quantizer.name) if isinstance(own_quantizer, Quantizer) else None
            if tool is not None and tool.signed:
                changes["precision"] = _signed(regime.precision)
    elif regime.role != "reference" and _artifact_uri(claim, regime):
        update["quantizer"] = NotApplicable(not_applicable="the claim's own file is run")
    changes["toolchain"] = regime.toolchain.model_copy(update=update)
    return regime.model_copy(update=changes)


def _signed(precision: Precision) -> Precision:
    """Unsigned integers as signed ones: codes and zero points less half the range, the grid stays where it was."""
    changed = {}
    for name in Precision.model_fields:
        scheme = dict(precision)[name]
        fmt = str(scheme.format) if isinstance(scheme, Quantized) else ""
        if fmt.startswith("uint"):
            changed[name] = scheme.model_copy(update={"format": NumberFormat(fmt[1:])})
    return precision.model_copy(update=changed)


def _artifact_uri(claim: Claim, regime: Regime) -> str:
    named = present(regime.artifact)
    found = next((a for a in claim.model.artifacts if named and a.name == named.name), None)
    return (present(found.uri) or "") if found else ""


def _opens_claimed(claim: Claim, regime: Regime, plugin: RuntimePlugin) -> bool:
    """Whether the runtime opens the regime's claimed file, or the kind of file that the claim's recipe gives."""
    uri = _artifact_uri(claim, regime)
    if uri:
        return uri.endswith(plugin.formats)
    tool = present(regime.toolchain.quantizer)
    maker = find_quantizer(tool.name) if tool else None
    return (maker.writes if maker else ".onnx") in plugin.formats


def _own_quantizer(plugin: RuntimePlugin) -> Quantizer | NotApplicable:
    """The runtime's first quantizer, in the version that is installed or the newest one known."""
    for name in plugin.quantizers:
        tool, known = find_quantizer(name), tool_chains.tool(name)
        version = own().version(tool.distribution) if tool else ""
        version = version or (known.newest if known and known.newest else "")
        if tool is not None and version:
            return Quantizer(name=name, version=version, options={})
    return NotApplicable(not_applicable=f"no quantizer writes files for {plugin.name} here")


def _row(claim: Claim, document: Claim, evidence: Evidence, regime: Regime, plugin: RuntimePlugin) -> OtherRegime:
    scores = next((s for s in evidence.scores if s.regime == regime.name and s.status == "ok"), None)
    runs = evidence.sustain.runs if evidence.sustain else ()
    run = next((r for r in runs if r.regime == regime.name and r.status == "ok"), None)
    ledger = next((x for x in evidence.ledgers if x.regime == regime.name and x.ledger == "executed"), None)
    status, message = _status(evidence, regime, scores, run)
    low, rate, high, window = _rate(run, claim)
    found = [
        v for v in judge(document, evidence) if v.kind is ClauseKind.CRITERION and v.regime == regime.name and scores
    ]
    return OtherRegime(
        regime=regime.name,
        file=_file(claim, regime, plugin, made=scores is not None),
        sha256=scores.sha256 if scores else None,
        status=status,
        message=message,
        metrics=dict(scores.metrics) if scores else {},
        samples=scores.samples if scores else 0,
        rate=rate,
        rate_low=low,
        rate_high=high,
        window_s=window,
        executed=_executed(ledger),
        criterion=found[0].verdict.value if found else None,
        criterion_words=found[0].explanation if found else "",
    )


def _file(
    claim: Claim, regime: Regime, plugin: RuntimePlugin, *, made: bool
) -> Literal["same_file", "twin", "own_recipe", "none"]:
    if not made:
        return "none"
    original = next(r for r in claim.regimes if r.name == regime.name)
    if _opens_claimed(claim, original, plugin):
        return "same_file"
    return "twin" if regime.role == "reference" else "own_recipe"


def _status(
    evidence: Evidence, regime: Regime, scores: ItemScores | None, run: SustainedRun | None
) -> tuple[Literal["ok", "not_testable", "failed"], str]:
    """Whether accuracy and rate are there, and why not; what cannot be had here is no failure."""
    if scores is not None and run is not None:
        return "ok", ""
    for place in evidence.environments:
        if place.regime == regime.name and place.status != "ok":
            return "not_testable", place.message
    for made in evidence.quantizations:
        if made.regime == regime.name and made.status != "ok":
            return ("failed" if made.status == "failed" else "not_testable"), made.message
    failed = [s.message for s in evidence.scores if s.regime == regime.name and s.status != "ok"]
    failed += [f"{f.stage}: {f.message}" for f in evidence.failures if f.regime in (None, regime.name)]
    if failed:
        return "failed", failed[0]
    return "not_testable", "there is no model file in a format that this runtime opens"


def _rate(run: SustainedRun | None, claim: Claim) -> tuple[float | None, float | None, float | None, float | None]:
    """Lower bound, rate, upper bound and window."""
    if run is None:
        return None, None, None, None
    analysis = analysed(run, claim.load.window.base)
    if analysis is None:
        return None, None, None, run.window_s
    found = analysis.sustained
    if found is None:  # a rate that drifts has a range and no point
        return analysis.range_low, None, analysis.range_high, run.window_s
    return found.low, found.value, found.high, run.window_s


def _executed(ledger: PrecisionLedger | None) -> dict[str, float]:
    if ledger is None or ledger.status != "ok":
        return {}
    timed = all(group.time_share is not None for group in ledger.operators)
    sizes = [(group.compute, (group.time_share or 0.0) if timed else float(group.count)) for group in ledger.operators]
    total = sum(size for _, size in sizes) or 1.0
    shares: dict[str, float] = {}
    for compute, size in sizes:
        shares[compute] = shares.get(compute, 0.0) + size / total
    return {compute: round(share, 4) for compute, share in sorted(shares.items())}
