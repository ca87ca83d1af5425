"""From a draft file back to a draft: the statuses that were read, and those that change because a hole was filled.

A component whose holes are all filled is what the answer makes it: disclosed by a value, missing by ``unknown``. One
that still has a hole is what the sheet made it. A draft without any hole is a claim, and is assessed as one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lynxspec.disclosure import draft_of
from lynxspec.document import Document
from lynxspec.draft import Conflict, Disclosure, Draft, DraftRegime, Quote, Value
from lynxspec.drafting.acceptance import claim_of, gaps
from lynxspec.drafting.answers import OPEN, ORDER, answer
from lynxspec.drafting.nodes import Json, descend
from lynxspec.drafting.paths import first_hole, places_of
from lynxspec.lint.ignores import ignores_in
from lynxspec.location import Path
from lynxspec.vocabulary import Component, Status, Strength


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
            changed = kept.status in OPEN and each and all(answer(self.data, component, i) for i in self.quantized)
            found[component] = (
                min(each, key=lambda d: ORDER[d.status])
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
        told = answer(self.data, component, index)
        return replace(recorded if told is None else told, path=place)

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
