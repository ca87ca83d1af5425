"""The evaluation is a standard benchmark, not the deployment workload.

## What it checks
The kind of relevance: a standard benchmark is a warning, data like the deployment information.

## Why it matters to a buyer
Quantization fails first on inputs unlike those it was calibrated for, and public benchmarks are what it is calibrated
for.

## Disclose instead
Evaluate on the deployment workload, or on data whose likeness to it is shown.

## References
NIST AI 100-1, Measure 2.5: validity beyond the conditions under which a system was developed.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.draft import Draft
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    relevance = present(draft.claim.evaluation.relevance) if draft.claim else None
    if relevance is None or relevance.kind == "deployment_workload":
        return
    benchmark = relevance.kind == "standard_benchmark"
    yield Hit(
        message="accuracy was shown on a standard benchmark alone"
        if benchmark
        else "accuracy was shown on data like the deployment's, not on the deployment's",
        at=(("evaluation", "relevance", "kind"),),
        severity=Severity.WARNING if benchmark else Severity.INFO,
        effect=Effect.WEAKENS,
    )


RULE = Rule(
    code="LXS215",
    name="benchmark-only",
    severity=Severity.WARNING,
    component=Component.WORKLOAD_RELEVANCE,
    summary="Accuracy was shown on a standard benchmark alone.",
    remedy="Evaluate on data of the deployment.",
    question="Has accuracy been measured on data of the intended deployment, or can we supply ours?",
    check=_check,
)
