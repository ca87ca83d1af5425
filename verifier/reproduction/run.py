"""The stages in order, each taken from its evidence if an earlier run finished it: `reproduce` gives the evidence.

1. materialize: find every file, check its digest
2. quantize: run the declared recipe, twice, and look for options that do nothing
3. inspect: what the files hold, what the runtime executes, how far numbers moved, what repeats, how two files differ
4. evaluate: every item of the declared set, by every subject
5. sustain: all regimes interleaved, in fresh processes

A stage that fails leaves a `Failure`; the others go on, and the judge calls what is missing inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from lynxspec.claim import Claim, RegimeRecipe
from lynxspec.errors import LynxSpecError
from verifier.errors import NotBuilt, VerifierError
from verifier.evidence import (
    EVIDENCE,
    ArtifactComparison,
    Evidence,
    Failure,
    ItemScores,
    PrecisionLedger,
    QuantizationRun,
    SustainEvidence,
    WeightError,
)
from verifier.evidence.inspection import RepeatReport, SignalReport
from verifier.host import describe
from verifier.progress import shown
from verifier.reproduction.budget import Budget
from verifier.reproduction.evaluate import evaluate
from verifier.reproduction.inspection import (
    artifact_ledger,
    builds_engines,
    built_ledger,
    compare,
    executed_ledger,
    repeat_report,
    signal_report,
    weight_error,
)
from verifier.reproduction.job import Files, Job
from verifier.reproduction.materialize import materialize
from verifier.reproduction.quantize import quantize
from verifier.reproduction.subjects import Subject, all_subjects
from verifier.reproduction.sustain import sustain
from verifier.reproduction.until_decided import evaluate_until_decided, is_too_long
from verifier.schedule import Schedule, schedule
from verifier.store import key_of

T = TypeVar("T")

STAGES = 2
"""Version of the stages; raise it when a stage measures something else, so that old evidence is not taken for new."""


@dataclass(slots=True)
class _Findings:
    """Evidence as it comes in."""

    host: str
    """Digest of the host's description: evidence of another machine or of other tools is never taken for this one's."""
    ledgers: list[PrecisionLedger] = field(default_factory=list)
    errors: list[WeightError] = field(default_factory=list)
    comparisons: list[ArtifactComparison] = field(default_factory=list)
    signals: list[SignalReport] = field(default_factory=list)
    repeats: list[RepeatReport] = field(default_factory=list)
    scores: list[ItemScores] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def reproduce(job: Job, *, detect_inert: bool = True, budget: Budget | None = None) -> Evidence:
    """Run what is not finished yet and give all evidence. Nothing that a tool does wrong escapes as an error.

    Without a budget every item is evaluated, and the claim's window is measured, and half as much again if a rate or a
    gain is still open then.
    """
    budget = budget or Budget()
    host = describe()  # never from an earlier run's evidence: the machine or its tools may have changed since
    tools = [report.model_dump(mode="json") for report in job.environments.reports]
    found = _Findings(host=key_of(host=host.model_dump(mode="json"), tools=tools))
    with shown(job.progress, "find files and check digests") as notes:
        seen, files = materialize(job)
        notes.append(f"{sum(m.status == 'ok' for m in seen)} of {len(seen)} as declared")
    key = key_of(materials=[m.model_dump() for m in seen])
    runs: dict[str, QuantizationRun] = {}
    for regime in job.quantized:
        work = partial(quantize, job, files, regime, detect_inert=detect_inert)
        run = _guard(job, found, "quantize", regime, QuantizationRun, work, key=key)
        if run is not None:
            runs[regime.name] = run
    subjects = all_subjects(job, files, runs)
    for regime in job.document.regimes:
        _look(job, files, regime, subjects[regime.name], found, runs.get(regime.name))
    subjects = {r.name: subjects[r.name] if job.can_run(r) is None else () for r in job.document.regimes}
    timed = {name: options[0] for name, options in subjects.items() if options}
    plan = _schedule(job, found)
    limit = budget.for_evaluation(plan.total(len(timed)) if plan else 0.0)
    _score(replace(job, evaluation_s=limit), files, subjects, found)
    evidence = Evidence(
        format=EVIDENCE,
        claim_sha256=job.sha256,
        host=host,
        materials=seen,
        quantizations=tuple(runs.values()),
        ledgers=tuple(found.ledgers),
        weight_errors=tuple(found.errors),
        comparisons=tuple(found.comparisons),
        scores=tuple(found.scores),
        signals=tuple(found.signals),
        repeats=tuple(found.repeats),
        sustain=None,
        failures=(),
        environments=job.environments.reports,
    )
    if plan and timed:
        sustained = _sustained(job, files, timed, found, plan, budget, evidence)
        evidence = evidence.model_copy(update={"sustain": sustained})
    return evidence.model_copy(update={"failures": tuple(found.failures)})


def _schedule(job: Job, found: _Findings) -> Schedule | None:
    """The claim's schedule; a load that is no measurement becomes a failure."""
    try:
        return schedule(job.document.load)
    except VerifierError as error:
        found.failures.append(Failure(stage="sustain", regime=None, message=error.message))
        return None


def _score(job: Job, files: Files, subjects: dict[str, tuple[Subject, ...]], found: _Findings) -> None:
    """Every item by every subject; a random part of them by the claim's own subjects if there is no time for all."""
    if is_too_long(job):
        first = {name: options[0] for name, options in subjects.items() if options}
        work = partial(evaluate_until_decided, job, files, first)
        key = key_of(subjects={name: subject.sha256 for name, subject in first.items()}, seconds=job.evaluation_s)
        found.scores += _guard(job, found, "evaluate", None, tuple[ItemScores, ...], work, key=key) or ()
        return
    for regime in job.document.regimes:
        for rank, subject in enumerate(subjects[regime.name]):
            work_scores = partial(evaluate, job, files, regime, subject, probe=rank == 0)
            name = f"evaluate {_words(subject)}"
            key = key_of(subject=subject.sha256, probe=rank == 0)
            scored = _guard(job, found, name, regime, ItemScores, work_scores, key=key)
            if scored is not None:
                found.scores.append(scored)


def _words(subject: Subject) -> str:
    """``supplied artifact of``, before the regime's name."""
    return f"{subject.origin.replace('_', ' ')} of"


def _look(
    job: Job,
    files: Files,
    regime: RegimeRecipe,
    subjects: tuple[Subject, ...],
    found: _Findings,
    recipe: QuantizationRun | None,
) -> None:
    """Everything that can be seen without timing or scoring."""
    for subject in subjects:
        name, key = _words(subject), subject.sha256
        work = partial(artifact_ledger, job, regime, subject)
        ledger = _guard(job, found, f"inspect {name}", regime, PrecisionLedger, work, key=key)
        if ledger is not None:
            found.ledgers.append(ledger)
        if recipe is not None and recipe.sha256 is not None:
            # Without the recipe's own run there is no prepared reference that the weights could be held against.
            work_error = partial(weight_error, job, files, subject, recipe.sha256)
            both = key_of(subject=key, recipe=recipe.sha256)
            error = _guard(job, found, f"weights of {name}", regime, WeightError, work_error, key=both)
            if error is not None:
                found.errors.append(error)
    if not subjects:
        return
    _hand_to_engine(job, files, regime, subjects[0], found)
    if job.can_run(regime) is None:
        _run_again(job, files, regime, subjects[0], found, recipe)
    if len(subjects) > 1:
        work_both = partial(compare, job, subjects[0], subjects[1])
        key = subjects[0].sha256 + subjects[1].sha256
        compared = _guard(job, found, "compare artifacts of", regime, ArtifactComparison, work_both, key=key)
        if compared is not None:
            found.comparisons.append(compared)


def _hand_to_engine(job: Job, files: Files, regime: RegimeRecipe, subject: Subject, found: _Findings) -> None:
    """What the engine builds of the model, where it has such a step, and what it executes, where it can here."""
    ledgers = []
    if builds_engines(regime) and job.environments.interpreters.get((regime.name, "runtime")):
        ledgers.append(("build engines of", partial(built_ledger, job, files, regime, subject)))
    if job.can_run(regime) is None:
        ledgers.append(("executed precision of", partial(executed_ledger, job, files, regime, subject)))
    for name, work in ledgers:
        ledger = _guard(job, found, name, regime, PrecisionLedger, work, key=subject.sha256)
        if ledger is not None:
            found.ledgers.append(ledger)


def _run_again(
    job: Job,
    files: Files,
    regime: RegimeRecipe,
    subject: Subject,
    found: _Findings,
    recipe: QuantizationRun | None,
) -> None:
    """Whether outputs repeat, and how far a quantized model's layers are from the reference's."""
    work_repeat = partial(repeat_report, job, files, regime, subject)
    again = _guard(job, found, "repeat", regime, RepeatReport, work_repeat, key=subject.sha256)
    if again is not None:
        found.repeats.append(again)
    if regime.role == "reference":
        return
    made = recipe.sha256 if recipe is not None else None
    work = partial(signal_report, job, files, regime, subject, made)
    key = key_of(subject=subject.sha256, recipe=made)
    heard = _guard(job, found, "signal and noise of", regime, SignalReport, work, key=key)
    if heard is not None:
        found.signals.append(heard)


def _sustained(
    job: Job,
    files: Files,
    timed: dict[str, Subject],
    found: _Findings,
    plan: Schedule,
    budget: Budget,
    evidence: Evidence,
) -> SustainEvidence | None:
    """All regimes interleaved, for as long as the claim says, the budget lets, and open clauses need."""
    scores = {
        score.regime: score
        for score in found.scores
        if score.status == "ok"
        and score.sha256 == timed[score.regime].sha256
        and score.order_seed is None  # whose outcomes are in the file's order, so that timed items find theirs
    }
    key = key_of(
        files={name: subject.sha256 for name, subject in timed.items()},
        scores={name: [score.outputs_sha256, score.metrics] for name, score in scores.items()},
        budget=budget.seconds,
    )
    shorter = budget.within(plan, len(timed))
    if shorter is None:
        needed = plan.total(len(timed))
        message = f"the budget of {budget.seconds:g} s leaves no time to measure rates; they take {needed:.0f} s"
        found.failures.append(Failure(stage="sustain", regime=None, message=message))
        return None

    def work() -> SustainEvidence:
        claim, limited = job.document, budget.with_overtime(shorter, len(timed))

        def more(so_far: SustainEvidence) -> float:
            return limited.next_round(claim, evidence, so_far, shorter) if isinstance(claim, Claim) else 0.0

        return sustain(job, files, timed, scores, plan=shorter, more=more)

    return _guard(job, found, "sustain", None, SustainEvidence, work, key=key, seconds=shorter.total(len(timed)))


def _stage(
    job: Job,
    found: _Findings,
    name: str,
    key: str,
    kind: Any,  # noqa: ANN401 - a type form
    work: Callable[[], T],
) -> T:
    full = key_of(claim=job.sha256, host=found.host, stages=STAGES, name=name, key=key)
    return job.store.stage(name, full, kind, work, keep=lambda value: getattr(value, "status", "ok") != "failed")


def _guard(
    job: Job,
    found: _Findings,
    name: str,
    regime: RegimeRecipe | None,
    kind: Any,  # noqa: ANN401 - a type form
    work: Callable[[], T],
    *,
    key: str = "",
    seconds: float | None = None,
) -> T | None:
    """One stage with its progress line; a failure becomes evidence and is tried again by the next run."""
    label = f"{name} {regime.name}" if regime else name
    before = len(job.store.resumed)

    def shown_work() -> T:
        with shown(job.progress, label, seconds=seconds):
            return work()

    try:
        value = _stage(job, found, label.replace(" ", "_"), key, kind, shown_work)
    except Exception as error:  # noqa: BLE001 - whatever breaks in a stage is our failure, and the rest goes on
        message = error.message if isinstance(error, LynxSpecError) else f"{type(error).__name__}: {error}"
        absent = isinstance(error, NotBuilt)
        job.progress.finished(message if absent else f"failed: {message}")
        where = regime.name if regime else None
        found.failures.append(Failure(stage=name, regime=where, message=message, not_built=absent))
        return None
    if len(job.store.resumed) > before:
        job.progress.resumed(label)
    return value
