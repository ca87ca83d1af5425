"""Stage 4: reference and quantized on every item of the declared set, in fresh processes, per-item outcomes kept."""

from __future__ import annotations

import hashlib
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lynxspec.claim import RegimeRecipe, present
from verifier.environments.prepare import plugin_file
from verifier.errors import ToolFailed, VerifierError
from verifier.evidence import ItemScores
from verifier.evidence.accuracy import BatchProbe
from verifier.metrics import Array, Scored, outcomes_of, score
from verifier.reproduction.job import Files, Job
from verifier.reproduction.subjects import Subject

EVALUATION_TIMEOUT_S = 4 * 3600
MAX_ARRAYS = 4 * 2**30
"""Largest data set, unpacked."""
PROBED = 512
"""Items on which the outputs are repeated in a fresh process and with one thread."""
BATCH_PROBED = 128
"""Items, drawn at random, that are run again with another number of items per call."""
OTHER_BATCHES = (1, 4, 2)
"""That number: the first that neither the evaluation nor the timed run takes."""
DOCUMENT = "document"
"""Array of a data set that numbers or names the document, prompt or person that each item comes from."""


def open_command(regime: RegimeRecipe, model: Path, *, one_thread: bool = False) -> dict[str, Any]:
    """The worker's ``open`` for a regime's runtime as declared. Raises `VerifierError` if none is declared."""
    runtime = present(regime.toolchain.runtime)
    if runtime is None:
        raise VerifierError(f"regime {regime.name} names no runtime")
    options = {name: list(v) if isinstance(v, tuple) else v for name, v in runtime.options.items()}
    if one_thread:
        options |= {"intra_op_threads": 1}
    return {
        "do": "open",
        "runtime": plugin_file("runtime", runtime.name),
        "model": str(model),
        "provider": runtime.provider,
        "options": options,
    }


def prediction_command(job: Job, files: Files) -> dict[str, Any]:
    """The part of ``open`` that names the outputs that are scored, and the head that gives them, if there is one."""
    command: dict[str, Any] = {"outputs": sorted({metric.output for metric in job.document.evaluation.metrics})}
    return command if job.head is None else command | {"head": {"model": str(files.need(job.head.name))}}


def labels_of(job: Job, files: Files) -> dict[str, Array]:
    """The arrays of the evaluation set that hold the truth."""
    dataset = present(job.document.evaluation.dataset)
    if dataset is None:
        raise VerifierError("the claim names no evaluation data set")
    wanted = {metric.label for metric in job.document.evaluation.metrics}
    if wanted & set(job.input_names):
        raise VerifierError(f"the truth {sorted(wanted & set(job.input_names))} is an input of the model")
    with np.load(files.need(dataset), allow_pickle=False) as data:
        return {name: data[name] for name in data.files if name in wanted}


def check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to more than `MAX_ARRAYS` bytes before anything of it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise VerifierError(f"{path.name} is no archive of arrays: {error}") from error
    if total > MAX_ARRAYS:
        raise VerifierError(f"{path.name} unpacks to {total} bytes; {MAX_ARRAYS} are allowed")


def evaluate(job: Job, files: Files, regime: RegimeRecipe, subject: Subject, *, probe: bool = True) -> ItemScores:
    """Score ``subject`` over the whole set; with ``probe`` also repeat in a fresh process and with one thread."""
    try:
        _check_metrics(job)
        check_archive(files.need(present(job.document.evaluation.dataset) or ""))
        first, blind = outputs_of(job, files, regime, subject.path)
        few = min(PROBED, len(next(iter(first.values()))))
        repeat = outputs_of(job, files, regime, subject.path, limit=few)[0] if probe else None
        single = outputs_of(job, files, regime, subject.path, limit=few, one_thread=True)[0] if probe else None
        labels = labels_of(job, files)
        scored = {m.name: score(m, first, labels) for m in job.document.evaluation.metrics if m.kind != "other"}
        clusters = clusters_of(job, files, len(next(iter(first.values()))))
        batches = _batch_probes(job, files, regime, subject, scored, labels) if probe else ()
    except VerifierError as error:
        return _failed(regime, subject, error.message)
    return ItemScores(
        regime=regime.name,
        subject=subject.origin,
        sha256=subject.sha256,
        status="ok",
        message="",
        samples=len(next(iter(first.values()))),
        metrics={name: s.value for name, s in scored.items()},
        outcomes={name: s.outcomes for name, s in scored.items()},
        labels={name: s.labels for name, s in scored.items() if s.labels},
        probed=few,
        head_blind=blind,
        outputs_sha256=digest_of_outputs(first, few),
        repeat_sha256=digest_of_outputs(repeat, few) if repeat else None,
        one_thread_sha256=digest_of_outputs(single, few) if single else None,
        clusters=clusters,
        batches=batches,
    )


def clusters_of(job: Job, files: Files, items: int) -> tuple[int, ...]:
    """Which of the first ``items`` belong together: by the set's array ``document``, or because their inputs are equal.

    An item that stands in the set twice is no second observation, whoever put it there. Empty if all stand alone.
    """
    from scipy import sparse  # noqa: PLC0415 - half a second; only this stage needs it
    from scipy.sparse import csgraph  # noqa: PLC0415 - as above

    dataset = present(job.document.evaluation.dataset) or ""
    digests = [hashlib.sha256() for _ in range(items)]
    with np.load(files.need(dataset), allow_pickle=False) as data:
        for name in job.input_names:
            for digest, item in zip(digests, data[name][:items], strict=True):
                digest.update(np.ascontiguousarray(item).tobytes())
        given = data[DOCUMENT] if DOCUMENT in data.files and DOCUMENT not in job.input_names else None
    groups = [np.unique([digest.digest() for digest in digests], return_inverse=True)[1]]
    if given is not None and given.ndim == 1 and len(given) >= items:
        groups.append(np.unique(given[:items], return_inverse=True)[1])
    # A graph of items and groups: items that share a group, or groups that share an item, hang together.
    ends = np.concatenate([items + sum(int(g.max()) + 1 for g in groups[:i]) + g for i, g in enumerate(groups)])
    starts = np.tile(np.arange(items), len(groups))
    graph = sparse.coo_array((np.ones(len(ends)), (starts, ends)), shape=(int(ends.max()) + 1,) * 2)
    member = np.unique(csgraph.connected_components(graph, directed=False)[1][:items], return_inverse=True)[1]
    return () if int(member.max()) + 1 == items else tuple(int(number) for number in member)


def _batch_probes(
    job: Job,
    files: Files,
    regime: RegimeRecipe,
    subject: Subject,
    scored: Mapping[str, Scored],
    labels: dict[str, Array],
) -> tuple[BatchProbe, ...]:
    """Calls of other sizes: the whole set as the timed run takes it, and a random sample in yet another size."""
    total = max((len(s.outcomes) for s in scored.values()), default=0)
    if not total:
        return ()
    done = {job.document.evaluation.batch_size, job.document.load.batch}
    seed = secrets.randbits(31)
    drawn = np.random.RandomState(seed).permutation(total)[:BATCH_PROBED]
    wanted: list[tuple[int, Array | None]] = [(next(b for b in OTHER_BATCHES if b not in done), drawn)]
    if job.document.load.batch != job.document.evaluation.batch_size:
        wanted.append((job.document.load.batch, None))
    found = []
    for batch, items in wanted:
        try:
            chosen = [] if items is None else [int(i) for i in items]
            again, _ = outputs_of(job, files, regime, subject.path, items=chosen, batch=batch)
            found.append(_compared(job, batch, None if items is None else seed, items, again, labels, scored))
        except VerifierError as error:  # many models are exported for one batch size
            found.append(_not_run(batch, error.message))
    return tuple(found)


def _compared(
    job: Job,
    batch: int,
    seed: int | None,
    items: Array | None,
    again: dict[str, Array],
    labels: dict[str, Array],
    scored: Mapping[str, Scored],
) -> BatchProbe:
    """Outcomes of the same items in calls of two sizes; all items where ``items`` is `None`."""
    count = len(next(iter(again.values())))
    places = np.arange(count) if items is None else items
    truth = {name: values[places] for name, values in labels.items()}
    differs = np.zeros(count, dtype=bool)
    gained: dict[str, int] = {}
    lost: dict[str, int] = {}
    whole: dict[str, Scored] = {}
    for metric in job.document.evaluation.metrics:
        if metric.name not in scored:
            continue
        now, ranks = outcomes_of(metric, again, truth)
        before = np.asarray(scored[metric.name].outcomes)[places]
        differs |= ~np.isclose(before, now.astype(np.float64), rtol=1e-4, atol=1e-6)
        if ranks is None:
            gained[metric.name] = int((now > before).sum())
            lost[metric.name] = int((now < before).sum())
        if items is None:
            whole[metric.name] = score(metric, again, truth)
    return BatchProbe(
        batch=batch,
        items=count,
        seed=seed,
        status="ok",
        message="",
        disagreements=int(differs.sum()),
        gained=gained,
        lost=lost,
        metrics={name: s.value for name, s in whole.items()},
        outcomes={name: s.outcomes for name, s in whole.items()},
    )


def _not_run(batch: int, message: str) -> BatchProbe:
    return BatchProbe(
        batch=batch,
        items=0,
        seed=None,
        status="failed",
        message=message[:500],
        disagreements=0,
        gained={},
        lost={},
        metrics={},
        outcomes={},
    )


def _check_metrics(job: Job) -> None:
    """Two metrics under one name would be measured by one and printed by the other."""
    names = [metric.name for metric in job.document.evaluation.metrics]
    if not names or len(set(names)) != len(names):
        raise VerifierError("the claim defines no metric, or one name twice")


def digest_of_outputs(outputs: dict[str, Array], items: int) -> str:
    """SHA-256 over names, types, shapes and bytes of the first ``items`` of every output, by name."""
    digest = hashlib.sha256()
    for name in sorted(outputs):
        part = np.ascontiguousarray(outputs[name][:items])
        digest.update(f"{name} {part.dtype.str} {part.shape}\n".encode())
        digest.update(part.tobytes())
    return digest.hexdigest()


def _failed(regime: RegimeRecipe, subject: Subject, message: str) -> ItemScores:
    return ItemScores(
        regime=regime.name,
        subject=subject.origin,
        sha256=subject.sha256,
        status="failed",
        message=message,
        samples=0,
        metrics={},
        outcomes={},
        labels={},
        probed=0,
        outputs_sha256=None,
        repeat_sha256=None,
        one_thread_sha256=None,
    )


def outputs_of(
    job: Job,
    files: Files,
    regime: RegimeRecipe,
    model: Path,
    *,
    one_thread: bool = False,
    limit: int | None = None,
    items: Sequence[int] = (),
    batch: int | None = None,
) -> tuple[dict[str, Array], float | None]:
    """Outputs by name over the set, its first ``limit`` or those ``items``; and the head's blindness.

    The worker is a fresh one. ``batch`` items are run together, the declared number if it is not given.
    """
    dataset = present(job.document.evaluation.dataset)
    if dataset is None:
        raise VerifierError("the claim names no evaluation data set")
    out = job.store.temporary(".npz")
    opened = open_command(regime, model, one_thread=one_thread) | prediction_command(job, files)
    with job.worker(threads=1 if one_thread else None, regime=regime) as worker:
        worker.call(opened)
        answer = worker.call(
            {
                "do": "evaluate",
                "data": str(files.need(dataset)),
                "inputs": job.input_names,
                "batch": batch or job.document.evaluation.batch_size,
                "out": str(out),
                "limit": limit or present(job.document.evaluation.samples),
                "items": list(items),
            },
            timeout_s=EVALUATION_TIMEOUT_S,
        )
    try:
        with np.load(out, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}, answer.get("head_blind")
    except (OSError, ValueError) as error:
        raise ToolFailed(f"the outputs of regime {regime.name} cannot be read: {error}") from error
    finally:
        out.unlink(missing_ok=True)
