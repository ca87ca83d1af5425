"""From a draft file back to a draft: the statuses that were read, and those that change because a hole was filled.

A component whose holes are all filled is what the answer makes it: disclosed by a value, missing by ``unknown``. One
that still has a hole is what the sheet made it. A draft without any hole is a claim, and is assessed as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lynxspec.claim.units import TIME
from lynxspec.disclosure import SUSTAINED_WINDOW_S, draft_of
from lynxspec.document import Document
from lynxspec.draft import Conflict, Disclosure, Draft, DraftRegime, Quote, Value
from lynxspec.drafting.acceptance import claim_of, gaps
from lynxspec.drafting.nodes import Json, descend, holes, unwrapped
from lynxspec.drafting.paths import first_hole, places_of
from lynxspec.lint.ignores import ignores_in
from lynxspec.location import Path
from lynxspec.vocabulary import Component, Status, Strength

OPEN = (Status.CONTRADICTED, Status.MISSING, Status.PARTIAL)
"""Statuses that an answer can change, the worst first."""


def draft_of_file(document: Document) -> Draft:
    """The draft that a draft file holds."""
    ignores = ignores_in(((c.span, f"# {c.text}") for c in document.comments), source=document.source)
    if not gaps(document):
        whole = draft_of(
            claim_of(document),
            source=document.source,
            places=document.places,
            raw_numbers=document.raw_scalars,
            ignores=ignores,
        )
        return replace(whole, kind="draft")
    reading = _Reading(document=document)
    regimes = tuple(reading.regime(index) for index in range(len(document.data["regimes"])))
    return Draft(
        source=document.source,
        kind="draft",
        places=document.places,
        regimes=regimes,
        claim=None,
        raw_numbers=document.raw_scalars,
        ignores=ignores,
        overview=reading.overview(),
        conflicts=reading.conflicts(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A draft file under reading."""

    document: Document

    @property
    def data(self) -> Json:
        """What stands in the file."""
        data: Json = self.document.data
        return data

    @property
    def quantized(self) -> tuple[int, ...]:
        """Indices of the quantized regimes."""
        return tuple(i for i, r in enumerate(self.data["regimes"]) if r["role"] == "quantized")

    def regime(self, index: int) -> DraftRegime:
        """One regime with its record, as far as no answer has changed it."""
        node = self.data["regimes"][index]
        path: Path = ("regimes", index)
        record = {c: (n, ("overview", c)) for c, n in self.data.get("overview", {}).items()}
        record |= {c: (n, (*path, "disclosed", c)) for c, n in node.get("disclosed", {}).items()}
        disclosures = {Component(c): self._disclosure(Component(c), n, at, index) for c, (n, at) in record.items()}
        for component in Component:
            if component not in disclosures:
                nothing = {"status": "not_applicable" if component is Component.PEAK_ONLY else "missing"}
                disclosures[component] = self._disclosure(component, nothing, path, index)
        return DraftRegime(
            name=node["name"],
            role=node["role"],
            path=path,
            disclosures=disclosures,
            claim=node.get("claim", ""),
            values=tuple(self._value(n, (*path, "numbers", i)) for i, n in enumerate(node.get("numbers", ()))),
        )

    def overview(self) -> dict[Component, Disclosure]:
        """What the source says anywhere; an answer counts where every quantized regime has it."""
        found: dict[Component, Disclosure] = {}
        for name, node in self.data.get("overview", {}).items():
            component = Component(name)
            each = [self._disclosure(component, node, ("overview", name), i) for i in self.quantized]
            kept = self._recorded(node, ("overview", name))
            changed = each and kept.status in OPEN and all(d.status is not kept.status for d in each)
            found[component] = (
                min(each, key=lambda d: _ORDER[d.status])
                if changed
                else replace(kept, path=each[0].path if each else kept.path)
            )
        return found

    def conflicts(self) -> tuple[Conflict, ...]:
        """Contradictions, less those whose component has been answered since."""
        return tuple(
            Conflict(
                component=Component(node["component"]),
                message=node["message"],
                places=tuple(self._quote(p, ("conflicts", i, "places", n)) for n, p in enumerate(node["places"])),
                regime=node.get("regime"),
            )
            for i, node in enumerate(self.data.get("conflicts", ()))
            if any(self._is_open(Component(node["component"]), index) for index in self.quantized)
        )

    def _is_open(self, component: Component, index: int) -> bool:
        return first_hole(self.data, component, index) is not None

    def _disclosure(self, component: Component, node: Json, at: Path, index: int) -> Disclosure:
        """The record, or what the answers make of it; it points to the hole that is to be filled."""
        recorded = self._recorded(node, at)
        paths = [p for p in places_of(self.data, component, index) if descend(self.data, p)[1]]
        # what is said of all regimes alike is one finding, at the first of them
        first = self.quantized[0] if at[0] == "overview" and self.quantized else index
        place = first_hole(self.data, component, first) or (paths[0] if paths else ("regimes", index))
        if recorded.status not in OPEN or component is Component.PEAK_ONLY:
            return replace(recorded, path=place)
        answered = _answer(component, [unwrapped(descend(self.data, p)[0]) for p in paths])
        return replace(recorded if answered is None else answered, path=place)

    def _recorded(self, node: Json, at: Path) -> Disclosure:
        evidence = tuple(self._quote(e, (*at, "evidence", i)) for i, e in enumerate(node.get("evidence", ())))
        return Disclosure(
            status=Status(node["status"]),
            value=node.get("value"),
            evidence=evidence,
            path=at,
            note=node.get("note", ""),
        )

    def _quote(self, node: Json, at: Path) -> Quote:
        """Words of the source; their place is that in this file, which tells where they came from."""
        return Quote(text=node["from"], span=self.document.places.at(at).span)

    def _value(self, node: Json, at: Path) -> Value:
        words = {
            k: node.get(k, "") for k in ("model", "precision", "against", "hardware", "batch", "metric", "dataset")
        }
        return Value(
            component=Component(node["component"]),
            low=node["low"],
            high=node["high"],
            unit=node["unit"],
            strength=Strength(node["strength"]),
            role=node["role"],
            evidence=self._quote(node, at),
            **words,
        )


_ORDER = {status: place for place, status in enumerate((*OPEN, Status.DISCLOSED, Status.NOT_APPLICABLE))}


def _answer(component: Component, nodes: list[Any]) -> Disclosure | None:
    """What the nodes of a component say once no hole is left among them; ``None`` while one is."""
    if not nodes or any(next(holes(node), None) is not None for node in nodes):
        return None
    absent = [n for n in nodes if isinstance(n, Mapping) and n.keys() & {"unknown", "not_applicable"}]
    if absent:
        reason = next(iter(absent[0].values()))
        status = Status.MISSING if len(absent) == len(nodes) else Status.PARTIAL
        word = next(iter(absent[0])).replace("_", " ")
        return Disclosure(status=status, value=None, note=f"answered with {word}: {reason}")
    weak = _weakness(component, nodes)
    if weak:
        return Disclosure(status=Status.PARTIAL, value=_short(nodes[0]), note=weak)
    return Disclosure(status=Status.DISCLOSED, value=_short(nodes[0]))


def _weakness(component: Component, nodes: list[Any]) -> str:
    """What keeps an answer from counting in full, by the same measures as in a claim."""
    if component is Component.THROUGHPUT_GAIN and nodes[-1] in {"up_to", "theoretical"}:
        return f"the gain is {nodes[-1].replace('_', ' ')}, a bound and not a result"
    if component is Component.WORKLOAD_RELEVANCE and isinstance(nodes[0], Mapping):
        kind = unwrapped(nodes[0].get("kind"))
        return (
            "" if kind == "deployment_workload" else f"a {str(kind).replace('_', ' ')} is not the deployment workload"
        )
    if component is Component.SUSTAINED_THROUGHPUT and isinstance(nodes[0], Mapping):
        window = TIME.parse(unwrapped(nodes[0]["window"]))
        shown = "held" in (unwrapped(nodes[0].get("thermal_equilibrium")) or {})
        short = window.base < SUSTAINED_WINDOW_S and not shown
        return (
            f"{window} is shorter than {SUSTAINED_WINDOW_S:g} s and thermal equilibrium is not shown" if short else ""
        )
    return ""


def _short(node: Any) -> str:  # noqa: ANN401 - as above
    """A value in short."""
    if isinstance(node, Mapping):
        plain = [str(unwrapped(v)) for v in node.values() if not isinstance(unwrapped(v), Mapping | list)]
        return ", ".join(plain[:4]) or "as filled in"
    return "as filled in" if isinstance(node, list) else str(node)
