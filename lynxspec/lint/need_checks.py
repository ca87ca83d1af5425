"""The checks of the rules about a buyer's need: what of a draft does not meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lynxspec.claim import Claim, present
from lynxspec.claim.units import Quantity
from lynxspec.conditions import Agreement, Condition, metric_word
from lynxspec.conditions.paired import Pair, pairs
from lynxspec.draft import Draft, DraftRegime, Strength, Value
from lynxspec.lint.losses import judged, losses
from lynxspec.lint.need import fit, place
from lynxspec.lint.regimes import latency, quantized
from lynxspec.lint.rule import Confidence, Hit, Severity
from lynxspec.need import LatencyBudget, Need, OwnCriterion
from lynxspec.vocabulary import Component

Check = Callable[[Draft, Need], Iterator[Hit]]


def _confidence(draft: Draft, agreement: Agreement = Agreement.DIFFERS) -> Confidence:
    """What is read from free text is likely; what a name leaves open is possible."""
    if agreement is Agreement.UNKNOWN:
        return Confidence.POSSIBLE
    return Confidence.CERTAIN if draft.claim is not None else Confidence.LIKELY


# --- hardware


def _hardware(draft: Draft, need: Need) -> Iterator[Hit]:
    found = fit(draft, need)
    told, count = found.conditions[Condition.HARDWARE], found.conditions[Condition.COUNT]
    at = (place(draft, Component.HARDWARE),)
    for target, agreement in found.hardware:
        if not told.known:
            message = (
                f"nothing shows that it was measured on your {target.product}: {told.note or 'no hardware is named'}"
            )
        elif agreement is Agreement.DIFFERS:
            message = f"measured on {told.text}, not on your {target.product}"
        elif agreement is Agreement.UNKNOWN:
            message = f"whether {told.text} is your {target.product} cannot be told from the name"
        elif count.known and count.text != str(target.count):
            text = f"measured on {count.text} x {told.text}, you will use {target.count}"
            yield Hit(message=text, at=at, severity=Severity.INFO, confidence=_confidence(draft))
            continue
        else:
            continue
        yield Hit(message=message, at=at, confidence=_confidence(draft, agreement))


# --- workload


def _workload(draft: Draft, need: Need) -> Iterator[Hit]:
    found = fit(draft, need)
    if found.workload is Agreement.SAME:
        return
    at = (place(draft, Component.WORKLOAD_RELEVANCE),)
    data = found.conditions[Condition.EVALUATION_SET]
    on = f"on {data.text}" if data.known else "on data that is not named"
    if found.workload is Agreement.DIFFERS:
        message = f"accuracy was shown {on}, not on your workload ({need.workload.description})"
        yield Hit(message=message, at=at, confidence=_confidence(draft))
        return
    message = f"accuracy was shown {on}; whether that stands for your {need.workload.description} is the vendor's word"
    yield Hit(message=message, at=at, severity=Severity.INFO, confidence=Confidence.POSSIBLE)


# --- runtimes


def _runtimes(draft: Draft, need: Need) -> Iterator[Hit]:
    found = fit(draft, need)
    told = found.conditions[Condition.RUNTIME]
    open_ = [(t, a) for t, a in found.runtimes if a is not Agreement.SAME]
    if not open_:
        return
    names = ", ".join(f"{t.name} {present(t.version) or ''}".strip() for t, _ in open_)
    at = (place(draft, Component.RUNTIME),)
    if not told.known:
        why = told.note or "no runtime is named"
        yield Hit(
            message=f"accuracy is shown on none of your runtimes ({names}): {why}", at=at, confidence=_confidence(draft)
        )
        return
    covered = len(found.runtimes) - len(open_)
    share = f"{covered} of your {len(found.runtimes)} runtimes" if covered else "none of your runtimes"
    maybe = all(a is Agreement.UNKNOWN for _, a in open_)
    doubt = "; only the version is open" if maybe else ""
    yield Hit(
        message=f"accuracy is shown on {share}: measured with {told.text}, and you will run {names} too{doubt}"
        if covered
        else f"accuracy is shown on none of your runtimes: measured with {told.text}, you will run {names}{doubt}",
        at=at,
        confidence=_confidence(draft, Agreement.UNKNOWN if maybe else Agreement.DIFFERS),
    )


# --- criterion


def _criterion(draft: Draft, need: Need) -> Iterator[Hit]:
    own = present(need.criterion)
    if own is None:
        return
    yield from _criterion_of_claim(draft.claim, own) if draft.claim is not None else _criterion_of_sheet(draft, own)


def _criterion_of_claim(claim: Claim, own: OwnCriterion) -> Iterator[Hit]:
    wanted = metric_word(own.metric)
    metrics = {m.name for m in claim.evaluation.metrics if wanted in {metric_word(m.name), metric_word(m.kind)}}
    if not metrics:
        given = ", ".join(m.name for m in claim.evaluation.metrics) or "no metric"
        message = f"your criterion is in {own.metric}, the claim gives {given}"
        yield Hit(message=message, at=(("evaluation", "metrics"),))
        return
    for loss in losses(claim):
        if loss.metric.name in metrics and _more(loss.amount, loss.limit(own.margin)):
            message = f"{loss.regime} loses {loss.spelled()} of {loss.metric.name}; your criterion allows {own.margin}"
            yield Hit(message=message, at=(loss.path, loss.reference_path), regime=loss.regime)
    for loss, criterion in judged(claim):
        if loss.metric.name in metrics and _more(loss.limit(criterion.margin), loss.limit(own.margin)):
            message = f"the claim's criterion accepts a loss of {criterion.margin}, yours only {own.margin}"
            yield Hit(message=message, at=(("evaluation", "criterion", "margin"),), regime=loss.regime)


def _criterion_of_sheet(draft: Draft, own: OwnCriterion) -> Iterator[Hit]:
    wanted = metric_word(own.metric)
    at = (place(draft, Component.ACCURACY_RESULT),)
    given: list[str] = []
    met = False
    for regime in (r for r in draft.regimes if r.role == "quantized"):
        for pair in pairs(draft, regime):
            given += [pair.name] if not pair.value.unit.startswith("% ") else []
            if wanted not in pair.words:
                continue
            met = True
            limit, lost, sure = _on_a_scale(pair, own.margin)
            if lost is not None and _more(lost, limit):
                told = f"{pair.name} of {pair.value.low:g} {pair.value.unit} leaves a loss of {lost:g} %"
                what = f"{regime.name} loses {lost:g} of {pair.name}" if sure else f"{regime.name}: {told}"
                message = f"{what}; your criterion allows {own.margin}"
                confidence = Confidence.LIKELY if sure else Confidence.POSSIBLE
                yield Hit(message=message, at=at, regime=regime.name, confidence=confidence)
    if given and not met:
        named = ", ".join(list(dict.fromkeys(given))[:4])
        message = f"your criterion is in {own.metric}, the sheet gives {named}"
        yield Hit(message=message, at=at, confidence=Confidence.LIKELY)


def _on_a_scale(pair: Pair, margin: Quantity) -> tuple[float, float | None, bool]:
    """The margin and the loss on the scale of the printed values, and whether the sheet gives the loss outright."""
    value = pair.value
    if value.unit.startswith("% "):
        lost = _direct(value)
        return margin.value, lost, False
    top = pair.reference.low if pair.reference and pair.reference.low is not None else None
    if top is None:
        return margin.value, None, False
    percent = value.unit == "%" or abs(top) > 1
    if margin.unit == "%":
        return abs(top) * margin.value / 100, pair.lost, True
    if margin.unit == "points":
        return margin.value if percent else margin.value / 100, pair.lost, True
    return margin.value, pair.lost, not percent


def _direct(value: Value) -> float | None:
    """A loss that is printed as such; of a recovery, what is lacking to the whole."""
    if value.high is None or value.low is None:
        return None
    return round(100 - value.low, 10) if value.unit == "% recovery" else value.high


def _more(one: float, other: float) -> bool:
    """Larger, whatever binary fractions say."""
    return round(one - other, 10) > 0


# --- latency


def _latency(draft: Draft, need: Need) -> Iterator[Hit]:
    budget = present(need.latency_budget)
    if budget is None:
        return
    yield from _latency_of_claim(draft.claim, budget) if draft.claim is not None else _latency_of_sheet(draft, budget)


def _latency_of_claim(claim: Claim, budget: LatencyBudget) -> Iterator[Hit]:
    for path, regime in quantized(claim):
        told = latency(regime)
        at = (*path, "performance", "latency")
        answers = {"p50": told.p50, "p90": told.p90, "p99": present(told.p99)} if told else {}
        value = answers.get(budget.percentile)
        if value is None:
            message = f"{regime.name}: no {budget.percentile} latency to hold against your budget of {budget.limit}"
            yield Hit(message=message, at=(at,), regime=regime.name)
        elif _more(value.base, budget.limit.base):
            message = f"{regime.name}: {budget.percentile} latency of {value} exceeds your budget of {budget.limit}"
            yield Hit(message=message, at=((*at, budget.percentile),), regime=regime.name)


_PERCENTILES = {"p50": ("p50", "median"), "p90": ("p90",), "p99": ("p99",)}
_PARTIAL_TIMES = ("ttft", "tpot", "itl", "first token", "per token", "per output token", "inter-token")


def _latency_of_sheet(draft: Draft, budget: LatencyBudget) -> Iterator[Hit]:
    at = (place(draft, Component.LATENCY),)
    regimes = [r for r in draft.regimes if r.role == "quantized"]
    silent: list[str] = []
    for regime in regimes:
        exact, unsaid = _times(regime, budget)
        over = next(
            (v for v in (*exact, *unsaid) if v.low is not None and _more(v.low, budget.limit.base * 1000)), None
        )
        if over is not None:
            sure = over in exact
            message = (
                f"{regime.name}: {f'{budget.percentile} ' if sure else ''}latency of {over.low:g} ms exceeds your "
                f"budget of {budget.limit} at {budget.percentile}"
            )
            confidence = Confidence.LIKELY if sure else Confidence.POSSIBLE
            yield Hit(message=message, at=at, regime=regime.name, confidence=confidence)
        elif not exact:
            silent.append(regime.name)
    if silent:
        whose = "" if len(silent) == len(regimes) else f" (regime {', '.join(silent)})"
        message = f"no {budget.percentile} latency{whose} to hold against your budget of {budget.limit}"
        yield Hit(message=message, at=at, confidence=Confidence.LIKELY)


def _times(regime: DraftRegime, budget: LatencyBudget) -> tuple[list[Value], list[Value]]:
    """Times of whole calls at the budget's percentile, and those of which no percentile is told."""
    times = [v for v in regime.values if v.component is Component.LATENCY and v.unit == "ms" and v.role == "quantized"]
    whole = [v for v in times if not any(word in v.metric.lower() for word in _PARTIAL_TIMES)]
    exact = [v for v in whole if any(word in v.metric.lower() for word in _PERCENTILES[budget.percentile])]
    others = [word for words in _PERCENTILES.values() for word in words]
    unsaid = [v for v in whole if not any(w in v.metric.lower() for w in others) and v.strength is Strength.EXACT]
    return exact, unsaid


CHECKS: Mapping[str, Check] = {
    "LXS801": _hardware,
    "LXS802": _workload,
    "LXS803": _runtimes,
    "LXS804": _criterion,
    "LXS805": _latency,
}
"""By code of the rule."""
