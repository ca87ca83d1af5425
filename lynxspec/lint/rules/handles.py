"""A handle leads nowhere, is given twice, or is never used.

## What it checks
Every name that refers to a data set, an artifact, a metric or a regime is defined in the claim; definitions are
unique; what is defined is used; every regime gives a value for every metric.

## Why it matters to a buyer
A claim whose parts refer to nothing cannot be redone, and a metric that one regime leaves out is often the one that
fell.

## Disclose instead
The missing definition, or the right name; a value of each metric for each regime.

## References
None beyond the claim format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lynxspec.claim import Claim, present
from lynxspec.draft import Draft
from lynxspec.lint.regimes import calibration_data, numbered
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

Use = tuple[Path, str, Component | None]


def _dataset_uses(claim: Claim) -> Iterator[Use]:
    yield ("load", "dataset"), claim.load.dataset, Component.SUSTAINED_THROUGHPUT
    dataset = present(claim.evaluation.dataset)
    if dataset is not None:
        yield ("evaluation", "dataset"), dataset, Component.EVALUATION_SET
    for path, regime in numbered(claim):
        data = calibration_data(regime)
        if data is not None:
            yield (*path, "calibration", "data", "dataset"), data.dataset, Component.CALIBRATION_DATA


def _metric_uses(claim: Claim) -> Iterator[Use]:
    criterion = present(claim.evaluation.criterion)
    if criterion is not None:
        yield ("evaluation", "criterion", "metric"), criterion.metric, Component.ACCEPTANCE_CRITERION
    for path, regime in numbered(claim):
        component = Component.ACCURACY_REFERENCE if regime.role == "reference" else Component.ACCURACY_RESULT
        for index, value in enumerate(present(regime.accuracy) or ()):
            yield (*path, "accuracy", index, "metric"), value.metric, component


def _artifact_uses(claim: Claim) -> Iterator[Use]:
    head = present(claim.evaluation.head)
    if head is not None:
        yield ("evaluation", "head"), head, None
    for path, regime in numbered(claim):
        file = present(regime.artifact)
        if file is not None:
            yield (*path, "artifact", "name"), file.name, None


def _definitions(claim: Claim) -> Iterator[tuple[str, tuple[Use, ...], list[tuple[Path, str]]]]:
    """Kind, uses and definitions of each kind of handle."""
    data = [(("data", i, "name"), d.name) for i, d in enumerate(claim.data)]
    metrics = [(("evaluation", "metrics", i, "name"), m.name) for i, m in enumerate(claim.evaluation.metrics)]
    artifacts = [(("model", "artifacts", i, "name"), a.name) for i, a in enumerate(claim.model.artifacts)]
    yield "data set", tuple(_dataset_uses(claim)), [*data]
    yield "metric", tuple(_metric_uses(claim)), [*metrics]
    yield "artifact", tuple(_artifact_uses(claim)), [*artifacts]


def _dangling(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for kind, uses, definitions in _definitions(claim):
        known = {name for _, name in definitions}
        for path, name, component in uses:
            if name in known:
                continue
            own_file = kind == "artifact" and path[0] == "regimes"  # a regime may make a file that is not supplied
            yield Hit(
                message=f"there is no {kind} called {name!r}; defined: {', '.join(sorted(known)) or 'none'}",
                at=(path,),
                severity=Severity.INFO if own_file else None,
                component=component,
                effect=Effect.NONE if own_file or component is None else Effect.CONTRADICTS,
            )
    criterion = present(claim.evaluation.criterion)
    reference = None if criterion is None else claim.regime(criterion.reference)
    if criterion is not None and (reference is None or reference.role != "reference"):
        yield Hit(
            message=f"the criterion holds against {criterion.reference!r}, which is not the reference regime",
            at=(("evaluation", "criterion", "reference"),),
            component=Component.ACCEPTANCE_CRITERION,
            effect=Effect.CONTRADICTS,
        )


def _duplicate(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for kind, _, definitions in _definitions(claim):
        for name, times in Counter(name for _, name in definitions).items():
            if times > 1:
                at = tuple(path for path, other in definitions if other == name)
                yield Hit(message=f"{times} definitions of the {kind} {name!r}", at=at)


def _unused(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for kind, uses, definitions in _definitions(claim):
        used = {name for _, name, _ in uses}
        for path, name in definitions:
            part = kind == "artifact" and claim.model.artifacts[int(path[2])].role in {"tokenizer", "other"}
            if name not in used and not part:
                yield Hit(message=f"nothing refers to the {kind} {name!r}", at=(path,))
    for path, regime in numbered(claim):
        given = present(regime.accuracy)
        missing = {m.name for m in claim.evaluation.metrics} - {value.metric for value in given or ()}
        if given is not None and missing:
            yield Hit(
                message=f"{regime.name} has no value for {', '.join(sorted(missing))}",
                at=((*path, "accuracy"),),
                regime=regime.name,
                severity=Severity.WARNING,
                component=Component.ACCURACY_REFERENCE if regime.role == "reference" else Component.ACCURACY_RESULT,
                effect=Effect.WEAKENS,
            )


RULES = (
    Rule(
        code="LXS311",
        name="handle-leads-nowhere",
        severity=Severity.ERROR,
        component=None,
        summary="a name refers to nothing in the claim",
        remedy="define it, or refer to one that is defined",
        question="Which data, file or metric does this name stand for?",
        check=_dangling,
    ),
    Rule(
        code="LXS312",
        name="handle-defined-twice",
        severity=Severity.ERROR,
        component=None,
        summary="two definitions share a name",
        remedy="give each its own name",
        question="",
        check=_duplicate,
    ),
    Rule(
        code="LXS313",
        name="handle-not-used",
        severity=Severity.INFO,
        component=None,
        summary="something is defined that nothing refers to, or a regime leaves a metric out",
        remedy="refer to it or leave it out; give every metric for every regime",
        question="What are the values of every listed metric for every regime?",
        check=_unused,
    ),
)
