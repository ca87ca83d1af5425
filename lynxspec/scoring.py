"""The score model, version 1: the whole formula stands in this file.

1. Each component has a weight: 5 for each of the sixteen required ones, 20 together for six of the others; the flag
   ``peak_only`` has none. All together 100.
2. Findings act first: one that *weakens* makes a disclosed component partial, one that *contradicts* makes it
   contradicted. Ignored findings do not act.
3. A component gives its weight if disclosed, half of it if partial, nothing if missing or contradicted. A justified
   not-applicable leaves the denominator; nothing else does.
4. A quantized regime answers for the reference that it is held against: of ``accuracy_reference`` and ``baseline`` the
   weaker of its own status and the reference's counts. In free text this was already weighed when it was read.
5. The document's score is that of its weakest quantized regime, 100 * points / denominator; its disclosures are, per
   component, the weakest over the quantized regimes. Without a quantized regime the score is 0. Of free text the
   disclosures are what the document says anywhere (its overview), since which regime a sentence of prose concerns is a
   reading and no fact; its score is the weakest regime's all the same.
6. Grades: A from 90, B from 80, C from 65, D from 50, E from 30, else F, under three gates: not complete, at most D; a
   finding of severity error that stands, at most C; not deployment grade, at most B.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lynxspec.draft import Disclosure, Draft, DraftRegime
from lynxspec.lint.rule import Effect, Finding, Severity
from lynxspec.vocabulary import REQUIRED, Component, Status

SCORE_MODEL = "lynxspec-score/1"

Grade = Literal["A", "B", "C", "D", "E", "F"]

WEIGHTS: Mapping[Component, float] = {
    **dict.fromkeys((c for c in Component if c in REQUIRED), 5.0),
    Component.RUNTIME: 4.0,
    Component.HARDWARE: 4.0,
    Component.MODEL_NAME: 3.0,
    Component.BATCH_OR_CONCURRENCY: 3.0,
    Component.LATENCY: 3.0,
    Component.DRIVER_STACK: 3.0,
    Component.PEAK_ONLY: 0.0,
}
"""Step 1."""

CREDIT: Mapping[Status, float] = {
    Status.DISCLOSED: 1.0,
    Status.PARTIAL: 0.5,
    Status.MISSING: 0.0,
    Status.CONTRADICTED: 0.0,
}
"""Step 3."""

STRENGTH: Mapping[Status, int] = {
    Status.CONTRADICTED: 0,
    Status.MISSING: 1,
    Status.PARTIAL: 2,
    Status.DISCLOSED: 3,
    Status.NOT_APPLICABLE: 4,
}
"""What is weakest when statuses are folded."""

OF_THE_REFERENCE = (Component.ACCURACY_REFERENCE, Component.BASELINE)
"""Step 4."""

GRADES: tuple[tuple[float, Grade], ...] = ((90, "A"), (80, "B"), (65, "C"), (50, "D"), (30, "E"), (0, "F"))
"""Step 6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeScore:
    """Score of one regime."""

    name: str
    points: float
    denominator: float
    """Weight of all components that count here; a justified not-applicable leaves it, a missing one does not."""
    score: float
    """100 * points / denominator."""
    disclosures: Mapping[Component, Disclosure]
    """After the findings' effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Score of a document: that of its weakest quantized regime."""

    model: str
    score: float
    grade: Grade
    points: float
    denominator: float
    complete: bool
    """None of the sixteen required components is missing or contradicted: the claim may be verified."""
    deployment_grade: bool
    """All sixteen are fully disclosed or justifiably not applicable."""
    disclosures: Mapping[Component, Disclosure]
    """Fold over regimes: the weakest status of each component."""
    regimes: tuple[RegimeScore, ...]


def score(draft: Draft, findings: Iterable[Finding]) -> Scorecard:
    """Score a draft with what the rules found in it."""
    standing = tuple(f for f in findings if f.ignored is None)
    acting = tuple(f for f in standing if f.effect is not Effect.NONE)
    after = [_after(regime, acting) for regime in draft.regimes]
    references = [a for a, r in zip(after, draft.regimes, strict=True) if r.role == "reference"]
    if draft.overview:
        references = []  # of free text, step 4 was done when it was read
    scored = tuple(
        _regime_score(r.name, _with_references(a, references) if r.role == "quantized" else a)
        for a, r in zip(after, draft.regimes, strict=True)
    )
    quantized = [s for s, r in zip(scored, draft.regimes, strict=True) if r.role == "quantized"]
    weakest = min(quantized, key=lambda s: s.score, default=None)
    folded = _after_findings(draft.overview, acting) if draft.overview else fold([s.disclosures for s in quantized])
    required = {folded[c].status for c in REQUIRED}
    complete = not {Status.MISSING, Status.CONTRADICTED} & required
    deployment = required <= {Status.DISCLOSED, Status.NOT_APPLICABLE}
    value = weakest.score if weakest else 0.0
    wrong = any(f.severity is Severity.ERROR for f in standing)
    return Scorecard(
        model=SCORE_MODEL,
        score=value,
        grade=grade(value, complete=complete, deployment_grade=deployment, wrong=wrong),
        points=weakest.points if weakest else 0.0,
        denominator=weakest.denominator if weakest else sum(WEIGHTS.values()),
        complete=complete,
        deployment_grade=deployment,
        disclosures=folded,
        regimes=scored,
    )


def grade(score: float, *, complete: bool, deployment_grade: bool, wrong: bool = False) -> Grade:
    """Turn a score into its letter, under the gates of step 6."""
    best: Grade = "D" if not complete else "C" if wrong else "B" if not deployment_grade else "A"
    letter: Grade = next((letter for least, letter in GRADES if score >= least), "F")
    return max(best, letter)


def fold(regimes: Iterable[Mapping[Component, Disclosure]]) -> dict[Component, Disclosure]:
    """Per component the weakest disclosure; missing where no regime says anything."""
    nothing = Disclosure(status=Status.MISSING, value=None, note="no quantized regime")
    held = tuple(regimes)
    return {c: min((r.get(c, nothing) for r in held), key=_strength, default=nothing) for c in Component}


def _strength(disclosure: Disclosure) -> int:
    return STRENGTH[disclosure.status]


def _after(regime: DraftRegime, findings: tuple[Finding, ...]) -> dict[Component, Disclosure]:
    """Step 2; a finding about no regime in particular concerns every quantized one."""
    concerning = (f for f in findings if f.regime == regime.name or (f.regime is None and regime.role == "quantized"))
    return _after_findings(regime.disclosures, concerning)


def _after_findings(held: Mapping[Component, Disclosure], findings: Iterable[Finding]) -> dict[Component, Disclosure]:
    """What the findings leave of ``held``."""
    disclosures = dict(held)
    for finding in findings:
        if finding.component is None or finding.component not in disclosures:
            continue
        old = disclosures[finding.component]
        if finding.effect is Effect.WEAKENS and old.status is Status.DISCLOSED:
            disclosures[finding.component] = replace(old, status=Status.PARTIAL, note=finding.message)
        elif finding.effect is Effect.CONTRADICTS and old.status is not Status.MISSING:
            disclosures[finding.component] = replace(old, status=Status.CONTRADICTED, note=finding.message)
    return disclosures


def _with_references(
    own: dict[Component, Disclosure], references: list[dict[Component, Disclosure]]
) -> dict[Component, Disclosure]:
    """Step 4."""
    if not references:
        return own
    weaker = {c: min((own, *references), key=lambda r: STRENGTH[r[c].status])[c] for c in OF_THE_REFERENCE if c in own}
    return {**own, **weaker}


_COMPONENTS = tuple(Component)
_MISSING = Disclosure(status=Status.MISSING, value=None)


def _regime_score(name: str, disclosures: Mapping[Component, Disclosure]) -> RegimeScore:
    """Step 3; a component that a draft does not speak of is missing."""
    all_of_them = {c: disclosures.get(c, _MISSING) for c in _COMPONENTS}
    points = denominator = 0.0
    for component, disclosure in all_of_them.items():
        if disclosure.status is not Status.NOT_APPLICABLE:
            points += WEIGHTS[component] * CREDIT[disclosure.status]
            denominator += WEIGHTS[component]
    value = 100 * points / denominator if denominator else 0.0
    return RegimeScore(name=name, points=points, denominator=denominator, score=value, disclosures=all_of_them)
