"""Judge of the acceptance criterion: is the quantized model good enough, on paired items and by itself.

The clause of an accuracy asks whether a *number* is reproduced: over the same items there is no sampling error between
two evaluations of one deterministic model. The criterion asks whether the *model* is good enough for items that nobody
has seen: the evaluation set is a sample then, and its error counts. Each can hold without the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lynxspec.claim import Regime, present
from lynxspec.claim.accuracy import Criterion, Metric
from lynxspec.sample_size import items_to_decide
from verifier.evidence import ItemScores
from verifier.judge.accuracy import ARITHMETIC, blind_head, is_share, margin_in, recomputes, sign_of
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate, number, percent
from verifier.judge.execution import is_deterministic
from verifier.judge.platform import tool_differences
from verifier.statistics.anytime import anytime_proportions
from verifier.statistics.intervals import Estimate
from verifier.statistics.paired import design_effect, paired_bca, paired_proportions, step_down
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason

SMALLEST_RANKING = 100
"""Items (documents, where items belong to some) below which a resampled ranking metric decides nothing."""
SMALLEST_CLUSTERS = 40
"""Documents below which differences between documents are not known well enough to decide."""
MET = 0.05
"""Error rate of finding the criterion met, over all regimes of a claim together."""
NOT_MET = 0.025
"""The same for finding it not met: an accusation needs more than a confirmation, and by exact enumeration the score
interval at 2.5 % errs in at most 4 % of the cases, where at 5 % it errs in up to 7 %."""
BETTING_COST = 1.6
"""Items that bounds valid at every look need, over those of one look: ln(1/0.05) plus about 1.9 for the spread stake,
doubled, over (1.645 + 0.842)^2."""

CRITERION_RULE = (
    "Non-inferiority on paired items: met if the lower bound of the difference (quantized minus reference, in the "
    "direction of better) lies above the margin, with an error rate of 5 %; not met only if the upper bound lies "
    "below it, with an error rate of 2.5 %; inconclusive between. Each rate is that of all regimes of the claim "
    "together (Holm). The models are judged as measured here, whatever accuracy the claim states for them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A quantized regime's evaluation beside the reference's."""

    metric: Metric
    first: ItemScores
    second: ItemScores
    margin: float

    @property
    def clusters(self) -> tuple[int, ...]:
        """Clusters of the items, where any has more than one."""
        return self.first.clusters if len({*self.first.clusters}) < len(self.first.clusters) else ()

    @property
    def drawn(self) -> bool:
        """Whether items came in a random order until enough was known, so that bounds must hold at every look."""
        return self.first.order_seed is not None and not self.clusters

    @property
    def share(self) -> bool:
        """Whether the metric is the share of right items in both."""
        return is_share(self.metric, self.first) and is_share(self.metric, self.second)

    @property
    def method(self) -> str:
        """How the interval is computed."""
        grouped = f", {len({*self.clusters})} documents kept together" if self.clusters else ""
        if not self.share:
            return f"paired BCa bootstrap{grouped}"
        return "betting, valid at every look" if self.drawn else f"Tango score interval{grouped}"

    def estimate(self, below: float, above: float) -> Estimate | None:
        """Difference first minus second in the direction of better; `None` if it is not defined."""
        name, sign = self.metric.name, sign_of(self.metric)
        a, b = self.first.outcomes[name], self.second.outcomes[name]
        if self.share:
            d = [sign * (x - y) for x, y in zip(a, b, strict=True)]
            if self.drawn:
                return anytime_proportions(d.count(1.0), d.count(-1.0), len(d), below=below, above=above)
            return paired_proportions(d, self.clusters, below=below, above=above)
        low, high = (below, above) if sign > 0 else (above, below)
        labels = self.first.labels.get(name, ())
        found = paired_bca(_kind(self.metric), a, b, labels, clusters=self.clusters, below=low, above=high)
        if found is None or sign > 0:
            return found
        return Estimate(value=-found.value, low=-found.high, high=-found.low)


def judge_criterion(case: Case) -> Iterator[ClauseVerdict]:
    """Does each quantized regime meet the claim's acceptance criterion."""
    criterion = present(case.claim.evaluation.criterion)
    if criterion is None:
        return
    metric = next((m for m in case.claim.evaluation.metrics if m.name == criterion.metric), None)
    reference = case.claim.regime(criterion.reference)
    regimes = [regime for regime in case.quantized if regime.name != criterion.reference]
    pairs = [pair_of(case, regime, reference, metric, criterion) for regime in regimes]
    for regime, pair, found in zip(regimes, pairs, _bounds(pairs), strict=True):
        interval = found[0] if found else None
        finding = _judged(case, pair, interval) if isinstance(pair, Pair) else pair
        differences = case.hardware
        for taken in (regime, reference):
            scores = case.scores(taken) if taken else None
            model = scores.sha256 if isinstance(scores, ItemScores) else None
            differences += tool_differences(taken, case.evidence, model=model) if taken else ()
        yield clause(
            ClauseKind.CRITERION,
            regime.name,
            gate(ClauseKind.CRITERION, finding, differences),
            title=f"Acceptance criterion of regime {regime.name}",
            claimed=f"{criterion.metric} at most {criterion.margin} {_worse(metric)} regime {criterion.reference}",
            measured=f"{number(interval.value)} against a margin of {number(pair.margin)}"
            if interval and isinstance(pair, Pair)
            else None,
            interval=_interval(pair, *found) if found and isinstance(pair, Pair) else None,
            tolerance=f"margin {criterion.margin}",
            rule=CRITERION_RULE,
            notes=deviations(ClauseKind.CRITERION, differences),
        )


def pair_of(  # noqa: PLR0911 - one return per obstacle
    case: Case, regime: Regime, reference: Regime | None, metric: Metric | None, criterion: Criterion
) -> Pair | Finding:
    """The two evaluations, or why they cannot be paired."""
    if metric is None or reference is None:
        return Reason.NOT_CLAIMED, "The criterion names a metric or a reference that the claim lacks."
    first, second = case.scores(regime), case.scores(reference)
    if not isinstance(first, ItemScores):
        return first
    if not isinstance(second, ItemScores):
        return second
    name = metric.name
    a, b = first.outcomes.get(name, ()), second.outcomes.get(name, ())
    if not a or len(a) != len(b) or name not in first.metrics or name not in second.metrics:
        return Reason.TOOL_FAILED, f"The outcomes of {name} were not kept for the same items in both regimes."
    if (first.clusters, first.order_seed) != (second.clusters, second.order_seed):
        return Reason.TOOL_FAILED, "The two regimes were not evaluated on the same items in the same order."
    if first.clusters and len(first.clusters) != len(a):
        return Reason.TOOL_FAILED, "The documents that items belong to were not kept for each item."
    pair = Pair(metric=metric, first=first, second=second, margin=margin_in(criterion.margin, second.metrics[name]))
    if pair.share:
        return pair
    kind, labels = _kind(metric), first.labels.get(name, ())
    if kind != "mean" and (len(labels) != len(a) or labels != second.labels.get(name)):
        return Reason.TOOL_FAILED, f"The truth of {name} was not kept for the same items in both regimes."
    if not (recomputes(kind, a, labels, first.metrics[name]) and recomputes(kind, b, labels, second.metrics[name])):
        return Reason.TOOL_FAILED, f"The value of {name} does not follow from the outcomes that were kept."
    return pair


Bounds = tuple[Estimate, float, float]
"""An interval with the error rates of its lower and its upper bound."""


def _bounds(pairs: list[Pair | Finding]) -> list[Bounds | None]:
    """The interval of each regime at the levels that Holm's procedure leaves it, each side a family of its own."""
    count = max(len(pairs), 1)

    @cache
    def estimate(i: int, below: float, above: float) -> Estimate | None:
        pair = pairs[i]
        return pair.estimate(below, above) if isinstance(pair, Pair) else None

    def met(i: int, level: float) -> bool:
        pair, found = pairs[i], estimate(i, level, NOT_MET / count)
        return found is not None and isinstance(pair, Pair) and found.low > -pair.margin

    def missed(i: int, level: float) -> bool:
        pair, found = pairs[i], estimate(i, MET / count, level)
        return found is not None and isinstance(pair, Pair) and found.high < -pair.margin

    levels = zip(step_down(len(pairs), met, MET), step_down(len(pairs), missed, NOT_MET), strict=True)
    found: list[Bounds | None] = []
    for i, ((_, below), (_, above)) in enumerate(levels):
        interval = estimate(i, below, above)
        found.append(None if interval is None else (interval, below, above))
    return found


def _judged(  # noqa: PLR0911 - one return per outcome of the rule
    case: Case, pair: Pair, interval: Estimate | None
) -> Finding:
    first, second, margin = pair.first, pair.second, pair.margin
    doubt = case.dataset_doubt()
    if doubt is not None:
        return doubt
    if interval is None:
        return Reason.TOO_FEW_ITEMS, f"The metric {pair.metric.name} is not defined on resamples of so few items."
    words = (
        f"Difference {number(interval.value)}, bounds {number(interval.low)} and {number(interval.high)}, "
        f"margin -{number(margin)}, {first.samples} paired items."
    )
    few = _too_few(case, pair)
    if few:
        return Reason.TOO_FEW_ITEMS, f"{words} {few}"
    if interval.low > -margin:
        if sign_of(pair.metric) > 0 and second.metrics[pair.metric.name] <= max(margin, 0.0):
            lost = f"The reference itself reaches {number(second.metrics[pair.metric.name])}: no loss could show."
            return Reason.EVIDENCE_TOO_WEAK, f"{words} {lost}"
        return blind_head(first) or blind_head(second) or (Reason.CRITERION_MET, words)
    if interval.high < -margin:
        if not (is_deterministic(first) and is_deterministic(second)):
            return Reason.NOT_DETERMINISTIC, f"{words} Outputs were not shown to repeat."
        return Reason.CRITERION_NOT_MET, words
    return Reason.TOO_FEW_ITEMS, f"{words} {_needed(pair, interval)}"


def _too_few(case: Case, pair: Pair) -> str:
    """Why these items decide nothing, whatever they show; empty if they may."""
    declared = present(case.claim.evaluation.samples)
    if declared is not None and pair.first.samples < declared and pair.first.order_seed is None:
        return f"They are a part of the {declared} declared ones that was not drawn at random."
    documents = len({*pair.clusters})
    if documents and documents < SMALLEST_CLUSTERS:
        return f"They belong to {documents} documents only; {SMALLEST_CLUSTERS} at least are needed."
    if not pair.share and (documents or pair.first.samples) < SMALLEST_RANKING:
        return f"{SMALLEST_RANKING} {'documents' if documents else 'items'} at least are needed."
    return ""


def _needed(pair: Pair, interval: Estimate) -> str:
    """How many items it would take, in words."""
    margin, n = pair.margin, pair.first.samples
    if abs(margin + interval.value) < ARITHMETIC:
        items = None
    elif pair.share and n and margin > 0:
        name = pair.metric.name
        differ = [x - y for x, y in zip(pair.first.outcomes[name], pair.second.outcomes[name], strict=True)]
        discordance = max(sum(d != 0 for d in differ), 1) / n
        items = items_to_decide(margin=max(margin, 1e-6), loss=-interval.value, discordance=discordance)
        if items is not None:
            cost = BETTING_COST if pair.drawn else design_effect(differ, pair.clusters)
            items = round(items * cost)
    else:
        width, room = interval.high - interval.low, margin + interval.value
        items = round(n * (width / 3.6 / room) ** 2 * 6.18) if room > 0 and width > 0 else None
        # 1.645 and 1.960 standard errors make the width of 3.6; deciding with 80 % power takes 2.49 = sqrt(6.18).
    if items is None:
        return "No number of items can decide for it, since the loss that was measured is not below the margin."
    return f"About {items} items would decide it with 80 % power, if the measured loss is the true one."


def _interval(pair: Pair, estimate: Estimate, below: float, above: float) -> Interval:
    return Interval(
        low=estimate.low,
        high=estimate.high,
        unit="difference",
        coverage=round(1.0 - below - above, 6),
        method=f"{pair.method}; lower bound one-sided {percent(1 - below)}, upper {percent(1 - above)}",
    )


def _kind(metric: Metric) -> str:
    return metric.kind if metric.kind in ("f1", "auc", "spearman", "pearson") else "mean"


def _worse(metric: Metric | None) -> str:
    """The direction in which a loss lies."""
    return "above" if metric is not None and sign_of(metric) < 0 else "below"
