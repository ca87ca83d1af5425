"""An accuracy belongs to another model, lies outside its metric's range, or breaks its own criterion.

## What it checks
The evaluated model is the claim's model and family; each value lies in the range of its metric (a top-1 accuracy is
a fraction between 0 and 1, so 97.2 is a percentage in the wrong unit); a share of n items is a whole number of
items over n; the metric's name, kind and direction agree; the quantized regime keeps the acceptance criterion by
its own numbers.

## Why it matters to a buyer
Accuracy that was taken on a sibling model or another family says little: 8 bit costs a convolutional network tenths
of a point and can ruin a decoder. A value that no count of items can give was not measured on the stated set.

## Disclose instead
Values of this model, in the metric's own unit, with the number of items; a criterion that the numbers meet.

## References
The whole-number check is the GRIM test (Brown and Heathers 2017) applied to shares.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Claim, present
from lynxspec.claim.accuracy import Metric
from lynxspec.draft import Draft
from lynxspec.facts.families import risk_row
from lynxspec.lint.regimes import numbered, quantized
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

_SHARES = frozenset({"top1", "binary_accuracy", "exact_match"})
"""Metrics that are a count of items over all items."""

_RANGES = {
    **dict.fromkeys((*_SHARES, "f1", "auc"), (0.0, 1.0)),
    **dict.fromkeys(("spearman", "pearson"), (-1.0, 1.0)),
}


def _values(claim: Claim) -> Iterator[tuple[Path, str, str, Metric, float]]:
    """Place, regime, role, metric and value."""
    metrics = {metric.name: metric for metric in claim.evaluation.metrics}
    for path, regime in numbered(claim):
        for index, value in enumerate(present(regime.accuracy) or ()):
            if value.metric in metrics:
                yield (*path, "accuracy", index, "value"), regime.name, regime.role, metrics[value.metric], value.value


def _component(role: str) -> Component:
    return Component.ACCURACY_REFERENCE if role == "reference" else Component.ACCURACY_RESULT


def _other_model(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    model, evaluated = claim.model, claim.evaluation.evaluated_model
    if evaluated.family is not model.family:
        yield Hit(
            message=f"accuracy was shown on a {evaluated.family} model, the claim is about a {model.family}. "
            f"{risk_row(model.family)}",
            at=(("evaluation", "evaluated_model", "family"), ("model", "family")),
            effect=Effect.CONTRADICTS,
        )
    if evaluated.name != model.name:
        yield Hit(
            message=f"accuracy was shown on {evaluated.name!r}, the claim is about {model.name!r}",
            at=(("evaluation", "evaluated_model", "name"), ("model", "name")),
            effect=Effect.CONTRADICTS,
        )


def _range(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, name, role, metric, value in _values(claim):
        low, high = _RANGES.get(metric.kind, (None, None))
        if low is None or high is None:
            continue
        if not low <= value <= high:
            hint = ": is it a percentage?" if high < value <= 100 else ""
            yield Hit(
                message=f"{metric.name} of {name} is {value:g}, outside {low:g} to {high:g}{hint}",
                at=(path,),
                regime=name,
                component=_component(role),
                effect=Effect.CONTRADICTS,
            )
        elif value <= 0 or (metric.kind == "auc" and value < 0.5):
            yield Hit(
                message=f"{metric.name} of {name} is {value:g}: no better than a guess",
                at=(path,),
                regime=name,
                component=_component(role),
                severity=Severity.WARNING,
            )


def _whole_items(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    samples = present(claim.evaluation.samples) if claim else None
    if claim is None or samples is None:
        return
    for path, name, role, metric, value in _values(claim):
        if metric.kind not in _SHARES or not 0 <= value <= 1:
            continue
        spelled = draft.raw_numbers.get(path, f"{value:.12g}")
        if "e" in spelled.lower():
            continue
        decimals = len(spelled.split(".")[1]) if "." in spelled else 0
        rounding = 0.5 * float(10**-decimals) + 1e-12
        if abs(value - round(value * samples) / samples) > rounding:
            yield Hit(
                message=f"no whole number of {samples} items gives {metric.name} {spelled}; "
                f"the nearest is {round(value * samples)}/{samples} = {round(value * samples) / samples:.6g}",
                at=(path, ("evaluation", "samples")),
                regime=name,
                component=_component(role),
                effect=Effect.WEAKENS,
            )


def _metric(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for index, metric in enumerate(claim.evaluation.metrics if claim else ()):
        path: Path = ("evaluation", "metrics", index)
        if metric.kind != "other" and metric.better == "lower":
            yield Hit(
                message=f"lower is said to be better, but {metric.kind} is better when higher",
                at=((*path, "better"),),
                effect=Effect.CONTRADICTS,
                component=Component.ACCEPTANCE_CRITERION,
            )
        other = next((kind for kind in _RANGES if kind in metric.name and kind != metric.kind), None)
        if other is not None and metric.kind not in metric.name:
            yield Hit(
                message=f"the metric {metric.name!r} is declared as {metric.kind}",
                at=((*path, "kind"), (*path, "name")),
                severity=Severity.WARNING,
            )


def _criterion(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    criterion = present(claim.evaluation.criterion) if claim else None
    if claim is None or criterion is None:
        return
    held = {(regime, metric.name): (path, value) for path, regime, _, metric, value in _values(claim)}
    metric = next((m for m in claim.evaluation.metrics if m.name == criterion.metric), None)
    before = held.get((criterion.reference, criterion.metric))
    margin = criterion.margin
    if metric is None or before is None:
        return
    for _, regime in quantized(claim):
        after = held.get((regime.name, criterion.metric))
        if after is None:
            continue
        loss = (before[1] - after[1]) if metric.better == "higher" else (after[1] - before[1])
        allowed = {"points": margin.base / 100, "%": margin.base / 100 * abs(before[1]), "absolute": margin.base}[
            margin.unit
        ]
        if loss > allowed + 1e-9:
            yield Hit(
                message=f"{regime.name} loses {loss:.4g} in {metric.name}, the criterion allows {allowed:.4g} "
                f"({margin})",
                at=(("evaluation", "criterion", "margin"), after[0], before[0]),
                regime=regime.name,
                effect=Effect.CONTRADICTS,
            )
        elif loss < -0.05:
            yield Hit(
                message=f"{regime.name} is {-loss:.3g} better in {metric.name} than the reference: same model, same "
                f"items?",
                at=(after[0], before[0]),
                regime=regime.name,
                severity=Severity.WARNING,
                component=Component.ACCURACY_RESULT,
                effect=Effect.WEAKENS,
            )


RULES = (
    Rule(
        code="LXS325",
        name="accuracy-of-another-model",
        severity=Severity.ERROR,
        component=Component.ACCURACY_RESULT,
        summary="accuracy was shown on another model or family than the claim's",
        remedy="evaluate the model that is claimed",
        question="What is the accuracy of exactly this model before and after quantization?",
        check=_other_model,
    ),
    Rule(
        code="LXS326",
        name="accuracy-out-of-range",
        severity=Severity.ERROR,
        component=Component.ACCURACY_RESULT,
        summary="an accuracy lies outside its metric's range",
        remedy="give the value in the metric's own unit: 0.972, not 97.2",
        question="What is the accuracy, in which unit?",
        check=_range,
    ),
    Rule(
        code="LXS327",
        name="accuracy-no-count-gives",
        severity=Severity.WARNING,
        component=Component.ACCURACY_RESULT,
        summary="no whole number of evaluated items gives the accuracy",
        remedy="state the number of items that the value was taken on, or the weighting",
        question="On how many items was the accuracy computed, and were they weighted?",
        check=_whole_items,
    ),
    Rule(
        code="LXS328",
        name="metric-contradicts-itself",
        severity=Severity.ERROR,
        component=Component.ACCURACY_RESULT,
        summary="a metric's name, kind and direction disagree",
        remedy="declare the metric that was computed and its direction",
        question="Which metric was computed?",
        check=_metric,
    ),
    Rule(
        code="LXS329",
        name="criterion-missed-by-own-numbers",
        severity=Severity.ERROR,
        component=Component.ACCEPTANCE_CRITERION,
        summary="the claim's own numbers miss its criterion",
        remedy="state a criterion that the numbers meet",
        question="Which loss of accuracy do you call acceptable, and is it kept?",
        check=_criterion,
    ),
)
