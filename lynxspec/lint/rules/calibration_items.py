"""Calibration and evaluation items overlap, or more items are counted than a data set holds.

## What it checks
The declared overlap; whether calibration and evaluation read the same data set, the same file or the same part of
one data set; whether calibration, evaluation and the load use more items than their data set holds, or silently
fewer; whether a batch is larger than the items it is drawn from; whether a stated seed is the one that the
selection names.

## Why it matters to a buyer
Ranges that were fitted to the evaluation items flatter the accuracy on them. A count that cannot be true means that
the statistics came from other data than the claim names.

## Disclose instead
Disjoint calibration and evaluation sets with their digests, and how the items of each were chosen.

## References
MLPerf Inference rules: calibration uses only the given calibration set, which is disjoint from the evaluation set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.claim import Claim, present
from lynxspec.claim.subject import Dataset
from lynxspec.draft import Draft
from lynxspec.lint.regimes import calibration_data, numbered
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component


def _dataset(claim: Claim, name: str | None) -> tuple[Path, Dataset] | None:
    for index, dataset in enumerate(claim.data):
        if dataset.name == name:
            return ("data", index), dataset
    return None


def _overlap(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    evaluated = _dataset(claim, present(claim.evaluation.dataset))
    for path, regime in numbered(claim):
        data = calibration_data(regime)
        if data is None:
            continue
        at: Path = (*path, "calibration", "data")
        if data.overlap_with_evaluation != "none":
            yield Hit(
                message=f"{data.overlap_with_evaluation} overlap of calibration and evaluation items is declared",
                at=((*at, "overlap_with_evaluation"),),
                regime=regime.name,
                effect=Effect.WEAKENS if data.overlap_with_evaluation == "partial" else Effect.CONTRADICTS,
            )
        found = _dataset(claim, data.dataset)
        if found is None or evaluated is None:
            continue
        (here, mine), (there, theirs) = found, evaluated
        if mine.name == theirs.name or mine.sha256 == theirs.sha256:
            if data.overlap_with_evaluation != "full":
                yield Hit(
                    message=f"calibration and evaluation read the same file ({mine.name!r})",
                    at=((*at, "dataset"), ("evaluation", "dataset"), (*here, "sha256"), (*there, "sha256")),
                    regime=regime.name,
                    effect=Effect.CONTRADICTS,
                )
        elif mine.title == theirs.title and present(mine.split) == present(theirs.split):
            disjoint = "disjoint" in f"{mine.selection} {theirs.selection}".lower()
            yield Hit(
                message=f"calibration and evaluation items come from the same part of {mine.title!r}",
                at=((*here, "split"), (*there, "split"), (*at, "overlap_with_evaluation")),
                regime=regime.name,
                severity=Severity.INFO if disjoint else Severity.WARNING,
                effect=Effect.NONE if disjoint else Effect.WEAKENS,
            )


def _counts(claim: Claim) -> Iterator[tuple[str, Path, int, Path, Dataset, Component, str | None]]:
    """What is counted, where, how many, and the data set it is drawn from."""
    found = _dataset(claim, present(claim.evaluation.dataset))
    samples = present(claim.evaluation.samples)
    if found is not None and samples is not None:
        yield "evaluation", ("evaluation", "samples"), samples, *found, Component.EVALUATION_SET, None
    for path, regime in numbered(claim):
        data = calibration_data(regime)
        found = None if data is None else _dataset(claim, data.dataset)
        if data is not None and found is not None:
            place: Path = (*path, "calibration", "data", "samples")
            yield "calibration", place, data.samples, *found, Component.CALIBRATION_DATA, regime.name


def _too_many(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for what, path, count, where, dataset, component, regime in _counts(claim):
        at = (path, (*where, "samples"))
        if count > dataset.samples:
            yield Hit(
                message=f"{what} counts {count} items, the data set {dataset.name!r} holds {dataset.samples}",
                at=at,
                regime=regime,
                component=component,
                effect=Effect.CONTRADICTS,
            )
        elif count < dataset.samples:
            yield Hit(
                message=f"{what} takes {count} of {dataset.samples} items of {dataset.name!r}: say which",
                at=at,
                regime=regime,
                component=component,
                severity=Severity.INFO,
            )


def _batches(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    evaluation = claim.evaluation
    samples = present(evaluation.samples)
    pairs: list[tuple[Path, int, int | None, Path, str | None]] = [
        (("evaluation", "batch_size"), evaluation.batch_size, samples, ("evaluation", "samples"), None)
    ]
    timed = _dataset(claim, claim.load.dataset)
    if timed is not None:
        pairs.append((("load", "batch"), claim.load.batch, timed[1].samples, (*timed[0], "samples"), None))
    for path, regime in numbered(claim):
        data = calibration_data(regime)
        if data is not None:
            place: Path = (*path, "calibration", "data")
            pairs.append(((*place, "batch_size"), data.batch_size, data.samples, (*place, "samples"), regime.name))
            if data.samples % data.batch_size and data.batch_size < data.samples:
                yield Hit(
                    message=f"batches of {data.batch_size} do not divide {data.samples} items: the last is smaller "
                    f"or dropped",
                    at=((*place, "batch_size"), (*place, "samples")),
                    regime=regime.name,
                    severity=Severity.INFO,
                )
    for path, size, count, other, name in pairs:
        if count is not None and size > count:
            yield Hit(message=f"a batch of {size} is drawn from {count} items", at=(path, other), regime=name)
    if evaluation.batch_size != claim.load.batch:
        yield Hit(
            message=f"accuracy was taken at batch {evaluation.batch_size}, speed at batch {claim.load.batch}",
            at=(("evaluation", "batch_size"), ("load", "batch")),
            severity=Severity.INFO,
        )


def _seeds(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, regime in numbered(claim):
        data = calibration_data(regime)
        seed = None if data is None else present(data.seed)
        if data is None or seed is None:
            continue
        found = _dataset(claim, data.dataset)
        texts: list[tuple[Path, str]] = [((*path, "calibration", "data", "order"), data.order)]
        if found is not None:
            texts.append(((*found[0], "selection"), found[1].selection))
        for place, text in texts:
            named = re.search(r"\bseed\s*(?:=|:|of)?\s*(-?\d{1,10})\b", text, re.IGNORECASE)
            if named and int(named[1]) != seed:
                yield Hit(
                    message=f"the seed is {seed}, the selection says {named[1]}",
                    at=((*path, "calibration", "data", "seed"), place),
                    regime=regime.name,
                )
    conventional: list[tuple[Path, int | None]] = [
        (("reproduction", "seed"), claim.reproduction.seed),
        (("evaluation", "seed"), present(claim.evaluation.seed)),
    ]
    conventional += [
        ((*path, "calibration", "data", "seed"), None if data is None else present(data.seed))
        for path, regime in numbered(claim)
        for data in (calibration_data(regime),)
    ]
    for path, seed in conventional:
        if seed is not None and seed < 0:
            yield Hit(message=f"seed {seed}: many tools read a negative seed as 'no seed'", at=(path,))


RULES = (
    Rule(
        code="LXS321",
        name="calibration-overlaps-evaluation",
        severity=Severity.ERROR,
        component=Component.CALIBRATION_DATA,
        summary="calibration items are also evaluation items, or may be",
        remedy="calibrate on items that are disjoint from the evaluation set, and say how they were chosen",
        question="Were the calibration items excluded from the evaluation set?",
        check=_overlap,
    ),
    Rule(
        code="LXS322",
        name="more-items-than-the-set-holds",
        severity=Severity.ERROR,
        component=Component.EVALUATION_SET,
        summary="more items are counted than the data set holds",
        remedy="correct the count or the data set",
        question="Which items, and how many, entered calibration and evaluation?",
        check=_too_many,
    ),
    Rule(
        code="LXS323",
        name="batch-larger-than-items",
        severity=Severity.WARNING,
        component=None,
        summary="a batch does not fit the items that it is drawn from",
        remedy="state the batch that was run, and whether items repeat",
        question="At which batch sizes were accuracy and speed taken, and do items repeat?",
        check=_batches,
    ),
    Rule(
        code="LXS324",
        name="seed-contradicted",
        severity=Severity.WARNING,
        component=None,
        summary="a seed is not the one that the selection names, or is no seed",
        remedy="state the seed that was used",
        question="With which seed were the calibration items drawn?",
        check=_seeds,
    ),
)
