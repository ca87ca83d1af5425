"""From what a sheet says to the text of a draft file.

1. The sections of a claim, each value with its source, each gap with its question.
2. For each regime, how far the sheet discloses each component and every number: what ``lynxspec lint`` scores.
3. Contradictions, with both places; where they stand, no value is chosen.
4. A component that is not fully disclosed keeps a hole, unless what stands there is as weak as the sheet: only an
   answer changes its status.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from lynxspec.claim import FORMAT, Claim
from lynxspec.draft import Conflict, Disclosure, Draft, DraftRegime, Value
from lynxspec.drafting.answers import OPEN, answer
from lynxspec.drafting.heard import Heard, handle
from lynxspec.drafting.nodes import Json, descend, holds, hole, holes, is_hole, said, unwrapped
from lynxspec.drafting.paths import places_of, question
from lynxspec.drafting.regime import comparison, regime
from lynxspec.drafting.subject import read_from, sections
from lynxspec.drafting.yaml_text import emit
from lynxspec.errors import HostileInput, UsageError
from lynxspec.plain_text import shorten
from lynxspec.schema import HOME
from lynxspec.vocabulary import Component

MOST_NUMBERS = 3000
"""Numbers of one draft file; with more, no reader could check them against the sheet."""

MOST_EVIDENCE = 4
"""Quotes recorded for one component; the sheet has the rest."""


def draft_text(draft: Draft, *, claim: str | None = None) -> str:
    """The draft file of a sheet, or of one of the claims that it makes."""
    chosen = _chosen(draft, claim)
    if sum(len(one.values) for one in chosen) > MOST_NUMBERS:
        raise _too_much(draft, f"more than {MOST_NUMBERS:,} numbers")
    text = _HEAD.format(home=HOME, version=FORMAT, source=shorten(draft.source, 60)) + emit(document(draft, chosen))
    from lynxspec.document import read  # noqa: PLC0415 - the reader's own limits decide what can be written

    try:
        read(text.encode(), source="x.draft.yaml")
    except HostileInput as error:
        raise _too_much(draft, error.message) from error
    return text


def _too_much(draft: Draft, why: str) -> UsageError:
    message = f"{draft.source}: too much for one draft: {why}"
    return UsageError(message, hint="choose one of its claims with --claim NAME")


_HEAD = """\
# yaml-language-server: $schema={home}/{version}/draft.schema.json
# Read from {source}. Put a value in the place of each hole {{ask: ...}}; where a question has no answer, write
# {{not_applicable: why}} or {{unknown: why}}. `lynxspec lint` scores this file as the sheet, and answers as they come;
# `lynxspec draft --accept` turns it into a claim once no hole is left. Replace a wrong reading where it stands.
"""


def claims(draft: Draft) -> tuple[str, ...]:
    """Names of the claims that a sheet makes; empty where it makes one without a name."""
    return tuple(dict.fromkeys(r.claim for r in draft.regimes if r.role == "quantized" and r.claim))


def _chosen(draft: Draft, claim: str | None) -> tuple[DraftRegime, ...]:
    if claim is None:
        return draft.regimes
    known = claims(draft)
    if claim not in known:
        listed = "; ".join(known[:10]) or "one, without a name"
        raise UsageError(f"{draft.source}: no claim is called `{claim}`", hint=f"it makes these: {listed}")
    return tuple(r for r in draft.regimes if r.claim == claim)


def document(draft: Draft, chosen: tuple[DraftRegime, ...]) -> Json:
    """All that stands in the file, in the claim's order."""
    heard = Heard(draft=draft, regimes=chosen)
    names = _names(chosen)
    made = sections(heard)
    made["regimes"] = [
        regime(heard, one, names[i]) | ({"claim": one.claim} if one.claim else {}) | _record(draft, one)
        for i, one in enumerate(chosen)
    ]
    made["comparisons"] = [
        comparison(heard, one, names[i], _reference(chosen, one, names))
        for i, one in enumerate(chosen)
        if one.role == "quantized"
    ]
    made["reproduction"] = hole("Within which tolerances, with which seed and commands can the numbers be reproduced?")
    body = {name: made[name] for name in Claim.model_fields if name in made}
    whole: Json = {"lynxspec": FORMAT, "kind": "draft", "read_from": read_from(draft.sheets), **body}
    whole["overview"] = {c.value: _recorded(draft, d) for c, d in draft.overview.items()}
    whole["conflicts"] = [_conflict(draft, c, names, chosen) for c in draft.conflicts]
    _keep_open(draft, chosen, whole)
    return whole


def _names(chosen: tuple[DraftRegime, ...]) -> list[str]:
    """A handle for each regime: its precision, and its claim where several share it."""
    found: list[str] = []
    for one in chosen:
        precision = next((v.precision for v in one.values if v.precision), "") or one.name.removesuffix(
            f", {one.claim}"
        )
        found.append(handle(precision, found, otherwise=one.role))
    return found


def _reference(chosen: tuple[DraftRegime, ...], one: DraftRegime, names: list[str]) -> str | None:
    """Handle of the only reference beside a regime."""
    found = [names[i] for i, r in enumerate(chosen) if r.role == "reference" and r.claim == one.claim]
    return found[0] if len(found) == 1 else None


# --- (2) the record


def _record(draft: Draft, one: DraftRegime) -> Json:
    """What was read of a regime, less what the document says of all alike."""
    own = {c.value: _recorded(draft, d) for c, d in one.disclosures.items() if d != draft.overview.get(c)}
    return {"disclosed": own, "numbers": [_number(draft, value) for value in one.values]}


def _recorded(draft: Draft, disclosure: Disclosure) -> Json:
    node: Json = {"status": disclosure.status.value}
    if disclosure.value:
        node["value"] = disclosure.value
    if disclosure.note:
        node["note"] = disclosure.note
    if disclosure.evidence:
        node["evidence"] = [said(draft, quote) for quote in disclosure.evidence[:MOST_EVIDENCE]]
    return node


def _number(draft: Draft, value: Value) -> Json:
    plain = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "evidence"}
    kept = {"component", "low", "high", "unit", "strength", "role"}
    node = {name: str(v) if isinstance(v, str) else v for name, v in plain.items() if v or name in kept}
    return node | said(draft, value.evidence)


def _conflict(draft: Draft, conflict: Conflict, names: list[str], chosen: tuple[DraftRegime, ...]) -> Json:
    node: Json = {"component": conflict.component.value, "message": conflict.message}
    at = next((i for i, one in enumerate(chosen) if one.name == conflict.regime), None)
    if at is not None:
        node["regime"] = names[at]
    return node | {"places": [said(draft, quote) for quote in conflict.places]}


# --- (3), (4) what stays open


def _keep_open(draft: Draft, chosen: tuple[DraftRegime, ...], whole: Json) -> None:
    for index, one in enumerate(chosen):
        for conflict in draft.conflicts:
            if conflict.regime in {None, one.name} and one.role == "quantized":
                places = [said(draft, quote) for quote in conflict.places]
                node = hole(f"{conflict.message}: which holds? {question(conflict.component)}", contradicted=places)
                _put(whole, conflict.component, index, node)
        for component, disclosure in one.disclosures.items():
            told = answer(whole, component, index) if component is not Component.PEAK_ONLY else None
            if disclosure.status in OPEN and told is not None and told.status is not disclosure.status:
                heard = [said(draft, quote) for quote in disclosure.evidence[:MOST_EVIDENCE]]
                _put(whole, component, index, hole(question(component), heard=heard))


def _put(whole: Json, component: Component, index: int, node: Json) -> None:
    """Put a hole where a component stands, unless one is there already that says as much."""
    paths = list(places_of(whole, component, index))
    # a contradiction stands where the value would; a doubt leaves the value alone as long as another place can hold it
    for path in paths if "contradicted" in node else reversed(paths):
        holder: Any = unwrapped(descend(whole, path[:-1])[0])
        if is_hole(holder) or not holds(holder, path[-1]):
            continue
        there = holder[path[-1]]
        if "contradicted" in node or next(holes(there), None) is None:
            holder[path[-1]] = node
        return
