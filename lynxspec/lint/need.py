"""What a claim or sheet is worth for one buyer: where its conditions meet the need, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lynxspec.claim import present
from lynxspec.conditions import (
    Agreement,
    Condition,
    Conditions,
    Stated,
    conditions_of,
    plain,
    same_engine,
    same_hardware,
)
from lynxspec.draft import Draft, Strength
from lynxspec.location import Path
from lynxspec.need import Need, TargetHardware, TargetRuntime, multiplied
from lynxspec.vocabulary import Component, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a draft's conditions meet a need."""

    conditions: Conditions
    hardware: tuple[tuple[TargetHardware, Agreement], ...]
    """Whether the numbers are from each target system."""
    workload: Agreement
    """Whether the accuracy was shown on the buyer's workload; unknown where the vendor names a workload of its own."""
    runtimes: tuple[tuple[TargetRuntime, Agreement], ...]
    """Whether the model was run by each target engine; unknown where only its version is open."""


def fit(draft: Draft, need: Need) -> Fit:
    """Hold a draft against a need."""
    conditions = conditions_of(draft)
    product, engine = conditions[Condition.HARDWARE], conditions[Condition.RUNTIME]
    return Fit(
        conditions=conditions,
        hardware=tuple((target, _hardware(product, target)) for target in need.hardware),
        workload=_workload(draft, need),
        runtimes=tuple((target, _runtime(engine, target)) for target in need.runtimes),
    )


def best(agreements: Iterable[Agreement]) -> Agreement:
    """Same if one is; unknown if one may be."""
    found = set(agreements)
    order = (Agreement.SAME, Agreement.UNKNOWN, Agreement.DIFFERS)
    return next((a for a in order if a in found), Agreement.UNKNOWN)


def _hardware(product: Stated, target: TargetHardware) -> Agreement:
    return same_hardware(product.text, target.product) if product.known else Agreement.UNKNOWN


def _runtime(engine: Stated, target: TargetRuntime) -> Agreement:
    if not engine.known:
        return Agreement.UNKNOWN
    version = present(target.version)
    told = engine.parts or (engine.text, "")
    if version is None:  # any release will do
        return same_engine((told[0], "1"), (target.name, "1"))
    return same_engine(told[:2], (target.name, version))


def _workload(draft: Draft, need: Need) -> Agreement:
    """The buyer's own data decides; then the vendor's word that it is a deployment's."""
    own = present(need.workload.data)
    if draft.claim is not None:
        evaluated = conditions_of(draft)[Condition.EVALUATION_SET].digest
        if own is not None and evaluated:
            return Agreement.SAME if own.sha256 == evaluated else Agreement.DIFFERS
        relevance = present(draft.claim.evaluation.relevance)
        if relevance is None or relevance.kind != "deployment_workload":
            return Agreement.DIFFERS
        named = plain(relevance.workload) == plain(need.workload.description)
        return Agreement.SAME if named else Agreement.UNKNOWN
    disclosed = disclosure_status(draft, Component.WORKLOAD_RELEVANCE)
    return Agreement.UNKNOWN if disclosed is Status.DISCLOSED else Agreement.DIFFERS


def disclosure_status(draft: Draft, component: Component) -> Status:
    """How far a draft's quantized regimes disclose a component: the best of them."""
    held = {
        r.disclosures[component].status for r in draft.regimes if r.role == "quantized" and component in r.disclosures
    }
    order = (Status.DISCLOSED, Status.PARTIAL, Status.CONTRADICTED)
    return next((status for status in order if status in held), Status.MISSING)


def place(draft: Draft, component: Component) -> Path:
    """Where a draft speaks of a component, or should."""
    regimes = [r for r in draft.regimes if r.role == "quantized"]
    return next((r.disclosures[component].path for r in regimes if component in r.disclosures), ())


# --- the sentence


def sentence(draft: Draft, need: Need) -> str:
    """What the draft is worth for this buyer."""
    if not any(r.role == "quantized" for r in draft.regimes):
        return "There is no quantized regime here that could be held against your need."
    found = fit(draft, need)
    hardware = best(a for _, a in found.hardware)
    systems = _and(t.product for t in need.hardware)
    product = _named(found.conditions[Condition.HARDWARE], "hardware that is not named", "several systems")
    text = (
        f"{_verb(draft)} {product} with {_data(found.conditions)}; you will run {systems} on "
        f"{need.workload.description}: {_judgement(hardware, found.workload)}{_engines(found)}."
    )
    return " ".join(filter(None, (text, multiplied(len(need.runtimes)))))


def _verb(draft: Draft) -> str:
    """A sheet's numbers are called measured only where it gives one that is exact."""
    if draft.claim is not None:
        return (
            f"{draft.claim.identity.nature.capitalize()} {'on' if draft.claim.identity.nature == 'measured' else 'for'}"
        )
    exact = any(v.strength is Strength.EXACT for r in draft.regimes if r.role == "quantized" for v in r.values)
    return "Measured on" if exact else "Stated for"


def _named(stated: Stated, nothing: str, several: str) -> str:
    return stated.text or (several if stated.note.startswith("several") else nothing)


def _data(conditions: Conditions) -> str:
    data = conditions[Condition.EVALUATION_SET]
    return _named(
        data if data.known or data.note else conditions[Condition.METRIC], "data that is not named", "several data sets"
    )


def _judgement(hardware: Agreement, workload: Agreement) -> str:
    if hardware is workload is Agreement.DIFFERS:
        return "nothing here was measured on either"
    if hardware is workload is Agreement.SAME:
        return "both are as you will use them"
    rates = {
        Agreement.SAME: "the rates are from your hardware",
        Agreement.DIFFERS: "the rates are not from your hardware",
        Agreement.UNKNOWN: "whether the rates are from your hardware cannot be told",
    }
    accuracy = {
        Agreement.SAME: "the accuracy is from your workload",
        Agreement.DIFFERS: "the accuracy is not from your workload",
        Agreement.UNKNOWN: "whether the accuracy is from your workload cannot be told",
    }
    return f"{rates[hardware]}, {accuracy[workload]}"


def _engines(found: Fit) -> str:
    """What of the buyer's engines was covered; nothing where all were."""
    if not found.conditions[Condition.RUNTIME].known:
        return ", and the runtime is not told"
    covered = sum(a is Agreement.SAME for _, a in found.runtimes)
    count = len(found.runtimes)
    if covered == count:
        return ""
    if count == 1:
        return ", and your runtime was not tested"
    return f", and {covered or 'none'} of your {count} runtimes {'was' if covered < 2 else 'were'} tested"


def _and(words: Iterable[str]) -> str:
    listed = list(dict.fromkeys(words))
    return " and ".join(part for part in (", ".join(listed[:-1]), listed[-1]) if part)
