"""Stage 4 where time is short: random items, a chunk at a time, until the criterion is decided or the time is up.

The accuracy values of the claim are then known from a random part of the set alone, with bounds that say so; the whole
set, evaluated in full, gives them without any. That is why a run with time enough never stops early.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lynxspec.claim import Regime, RegimeRecipe, present
from lynxspec.claim.accuracy import Metric
from verifier.errors import VerifierError
from verifier.evidence import ItemScores
from verifier.judge.accuracy import margin_in
from verifier.judge.criterion import MET, NOT_MET
from verifier.metrics import Array, score
from verifier.reproduction.evaluate import PROBED, check_archive, clusters_of, digest_of_outputs, labels_of, outputs_of
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject
from verifier.statistics.anytime import anytime_proportions

FIRST_CHUNK = 512
"""Items of the first chunk; each later one doubles what is known."""
UNKNOWN_RATE = 100.0
"""Items per second assumed where the document states no rate (recipes)."""


@dataclass(slots=True)
class _Known:
    """What one regime's model said so far."""

    parts: list[dict[str, Array]] = field(default_factory=list)
    blind: list[float] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, Array]:
        return {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}


def is_too_long(job: Job) -> bool:
    """Whether evaluating every item takes longer than the job allows, by the claimed rates."""
    if job.evaluation_s is None:
        return False
    items, seconds = present(job.document.evaluation.samples) or 0, 0.0
    for regime in job.document.regimes:
        sustained = present(regime.performance.sustained) if isinstance(regime, Regime) else None
        seconds += items / (sustained.rate.base if sustained else UNKNOWN_RATE)
    return seconds > job.evaluation_s


def evaluate_until_decided(job: Job, files: Files, subjects: Mapping[str, Subject]) -> tuple[ItemScores, ...]:
    """Scores of all regimes over the same random items; raises `VerifierError` if any model or metric fails.

    Items come in an order that a fresh seed draws, so that a file sorted by class or difficulty misleads nobody.
    Looking after each chunk is paid for by bounds that hold at every look. Where items belong together the looks decide
    nothing, and time alone ends the evaluation.
    """
    check_archive(files.need(present(job.document.evaluation.dataset) or ""))
    labels = labels_of(job, files)
    total = present(job.document.evaluation.samples) or len(next(iter(labels.values())))
    clusters = clusters_of(job, files, min(total, len(next(iter(labels.values())))))
    total = min(total, len(next(iter(labels.values()))))
    seed = secrets.randbits(31)
    order = np.random.RandomState(seed).permutation(total)
    regimes = [regime for regime in job.document.regimes if regime.name in subjects]
    known = {regime.name: _Known() for regime in regimes}
    began, done = time.monotonic(), 0
    while done < total:
        chunk = order[done : max(2 * done, FIRST_CHUNK)]
        for regime in regimes:
            part, blind = outputs_of(job, files, regime, subjects[regime.name].path, items=[int(i) for i in chunk])
            known[regime.name].parts.append(part)
            known[regime.name].blind += [] if blind is None else [blind]
        done += len(chunk)
        spent = time.monotonic() - began
        if not clusters and _is_decided(job, known, {name: values[order[:done]] for name, values in labels.items()}):
            break
        if job.evaluation_s is not None and 2 * spent > job.evaluation_s:  # the next chunk takes as long as all so far
            break
    items = order[:done]
    truth = {name: values[items] for name, values in labels.items()}
    groups = tuple(clusters[i] for i in items) if clusters else ()
    return tuple(_scores(job, files, r, subjects[r.name], known[r.name], truth, groups, seed) for r in regimes)


def _is_decided(job: Job, known: Mapping[str, _Known], truth: dict[str, Array]) -> bool:
    """Whether the criterion is decided for every quantized regime, at the levels of the judge's first step."""
    criterion = present(job.document.evaluation.criterion)
    metric = next((m for m in job.document.evaluation.metrics if criterion and m.name == criterion.metric), None)
    if criterion is None or metric is None or criterion.reference not in known:
        return False
    reference = _right(metric, known[criterion.reference], truth)
    others = [name for name in known if name != criterion.reference]
    if reference is None or not others:
        return False
    margin = margin_in(criterion.margin, float(reference.mean()))
    for name in others:
        here = _right(metric, known[name], truth)
        if here is None:
            return False
        gap = here - reference
        found = anytime_proportions(
            int((gap > 0).sum()),
            int((gap < 0).sum()),
            len(gap),
            below=MET / len(others),
            above=NOT_MET / len(others),
        )
        if not (found.low > -margin or found.high < -margin):
            return False
    return True


def _right(metric: Metric, known: _Known, truth: dict[str, Array]) -> Array | None:
    """Right or wrong per item; `None` for metrics that are no share of right items."""
    if metric.kind not in ("top1", "binary_accuracy", "exact_match"):
        return None
    return np.asarray(score(metric, known.outputs, truth).outcomes)


def _scores(
    job: Job,
    files: Files,
    regime: RegimeRecipe,
    subject: Subject,
    known: _Known,
    truth: dict[str, Array],
    clusters: tuple[int, ...],
    seed: int,
) -> ItemScores:
    outputs = known.outputs
    scored = {m.name: score(m, outputs, truth) for m in job.document.evaluation.metrics if m.kind != "other"}
    digests = [
        digest_of_outputs(outputs_of(job, files, regime, subject.path, limit=PROBED, one_thread=single)[0], PROBED)
        for single in (False, False, True)
    ]
    if not scored:
        raise VerifierError("no metric of the claim can be computed here")
    return ItemScores(
        regime=regime.name,
        subject=subject.origin,
        sha256=subject.sha256,
        status="ok",
        message="",
        samples=len(next(iter(truth.values()))),
        metrics={name: s.value for name, s in scored.items()},
        outcomes={name: s.outcomes for name, s in scored.items()},
        labels={name: s.labels for name, s in scored.items() if s.labels},
        probed=PROBED,
        head_blind=max(known.blind, default=None),
        outputs_sha256=digests[0],
        repeat_sha256=digests[1],
        one_thread_sha256=digests[2],
        clusters=clusters,
        order_seed=seed,
    )
