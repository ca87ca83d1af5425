"""Rules over one disclosure component each: missing, or only partially disclosed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lynxspec.draft import Disclosure, Draft, DraftRegime
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component, Status

Found = tuple[Disclosure, list[DraftRegime]]


def component_rule(
    code: str,
    component: Component,
    *,
    severity: Severity,
    partial: Severity,
    told_elsewhere: frozenset[str] = frozenset(),
    remedy: str,
    question: str,
    documentation: str,
) -> Rule:
    """Make a rule that fires where ``component`` is missing (``severity``) or partial (``partial``).

    ``told_elsewhere`` names leaves with a rule of their own, which says more: a partial disclosure that is to be blamed
    on one of them is left to that rule. ``documentation`` has the headings of `lynxspec.lint.rule`, less the summary.
    """
    words = str(component).replace("_", " ")
    summary = f"The {words} is not disclosed, or only in part."

    def check(draft: Draft) -> Iterator[Hit]:
        for disclosure, regimes in _concerned(draft, component):
            if disclosure.status is Status.MISSING:
                yield _hit(draft, disclosure, regimes, f"{words} is missing", severity)
            elif disclosure.status is Status.PARTIAL and not told_elsewhere.intersection(disclosure.path):
                yield _hit(draft, disclosure, regimes, f"{words} is only partially disclosed", partial)

    return Rule(
        code=code,
        name=str(component).replace("_", "-"),
        severity=severity,
        component=component,
        summary=summary,
        remedy=remedy,
        question=question,
        check=check,
        documentation=f"{summary}\n{documentation}",
    )


def gathered(draft: Draft, select: Callable[[Disclosure], bool], component: Component) -> list[Found]:
    """Disclosures of the quantized regimes that ``select`` takes, each with all regimes that share it."""
    found: list[Found] = []
    groups: dict[int, list[DraftRegime]] = {}  # by identity: what all regimes share is one object
    for regime in draft.regimes:
        disclosure = regime.disclosures.get(component)
        if regime.role != "quantized" or disclosure is None or not select(disclosure):
            continue
        same = groups.get(id(disclosure))
        if same is None:
            same = next((group for known, group in found if known == disclosure), None)
            if same is None:
                same = []
                found.append((disclosure, same))
            groups[id(disclosure)] = same
        same.append(regime)
    return found


def _concerned(draft: Draft, component: Component) -> list[Found]:
    return gathered(draft, lambda d: d.status is Status.MISSING or d.status is Status.PARTIAL, component)


def _hit(draft: Draft, disclosure: Disclosure, regimes: list[DraftRegime], what: str, severity: Severity) -> Hit:
    quantized = len([r for r in draft.regimes if r.role == "quantized"])
    everywhere = len(regimes) == quantized
    of = "" if everywhere and quantized > 1 else f" (regime {', '.join(r.name for r in regimes)})"
    note = f": {disclosure.note}" if disclosure.note else ""
    return Hit(
        message=f"{what}{of}{note}",
        at=(disclosure.path,),
        regime=regimes[0].name if len(regimes) == 1 else None,
        severity=severity,
    )
