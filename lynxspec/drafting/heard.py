"""What the chosen regimes of a sheet agree on, component by component, and the handles that a claim needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from lynxspec.claim.base import VISIBLE
from lynxspec.conditions import plain
from lynxspec.draft import Disclosure, Draft, DraftRegime, Quote, Strength, Value
from lynxspec.draft_file import Confidence
from lynxspec.drafting.nodes import Given, Json, hole, read, said
from lynxspec.drafting.paths import ask, question
from lynxspec.location import Path
from lynxspec.validation.types import model_of
from lynxspec.vocabulary import Component, Status

MOST_HEARD = 4
"""Quotes beside one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sheet's draft, and the regimes of it that one claim is drafted from."""

    draft: Draft
    regimes: tuple[DraftRegime, ...]

    @property
    def quantized(self) -> tuple[DraftRegime, ...]:
        """Those that claim something."""
        return tuple(r for r in self.regimes if r.role == "quantized")

    @property
    def values(self) -> tuple[Value, ...]:
        """All numbers."""
        return tuple(v for r in self.regimes for v in r.values)

    def given(self, value: object, quote: Quote, confidence: Confidence = "likely") -> Json:
        """A value with its source; of a text that shows nothing, the question what it is."""
        if isinstance(value, str) and not is_visible(value):
            return hole("What stands here?", heard=self.said([quote]))
        return read(self.draft, Given(value=value, quote=quote, confidence=confidence))

    def said(self, quotes: Iterable[Quote]) -> list[Json]:
        """Words for a question."""
        return [said(self.draft, quote) for quote in list(quotes)[:MOST_HEARD]]

    def disclosure(self, component: Component, regime: DraftRegime | None = None) -> Disclosure:
        """What is said of a component: by a regime, or by the document."""
        held = regime.disclosures.get(component) if regime is not None else self.draft.overview.get(component)
        if held is None:
            held = next((r.disclosures[component] for r in self.quantized if component in r.disclosures), None)
        return held or Disclosure(status=Status.MISSING, value=None)

    def told(self, component: Component, regime: DraftRegime | None = None) -> tuple[str, Quote] | None:
        """The one value of a component with its words; ``None`` where it is missing, contradicted, or several."""
        held = self.disclosure(component, regime)
        contradicted = any(c.component is component for c in self.draft.conflicts)
        if held.status not in {Status.DISCLOSED, Status.PARTIAL} or not held.evidence or contradicted:
            return None
        value = held.value or ""
        return None if "; " in value or not is_visible(value) else (value, held.evidence[0])

    def words_of(self, component: Component, name: str, otherwise: Quote) -> Quote:
        """Words of a component that hold a name: a number's own row often does not."""
        quotes = [
            *self.disclosure(component).evidence,
            *(q for r in self.quantized for q in self.disclosure(component, r).evidence),
        ]
        return next((q for q in (otherwise, *quotes) if plain(name) in plain(q.text)), otherwise)

    def open(self, component: Component, regime: DraftRegime | None = None) -> Json:
        """The question about a component, with what was heard of it."""
        return hole(question(component), heard=self.said(self.disclosure(component, regime).evidence))

    def heard_at(self, path: Path, component: Component, regime: DraftRegime | None = None) -> Json:
        """The question about one field, with what was heard of its component."""
        return hole(ask(path), heard=self.said(self.disclosure(component, regime).evidence))


def complete(model: type[BaseModel], known: Json, path: Path) -> Json:
    """``known`` with a hole for every field that it lacks; a section of which nothing is known is one hole."""
    filled: Json = {}
    for name, field in model.model_fields.items():
        at = (*path, name)
        value = known.get(name)
        inner = _section(field.rebuild_annotation())
        if value is None:
            filled[name] = hole(ask(at, model))
        elif inner is not None and isinstance(value, dict) and value.keys() <= inner.model_fields.keys():
            filled[name] = complete(inner, value, at)
        else:
            filled[name] = value
    return filled


def _section(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations have no common type
    """The model that a field holds, or may hold besides an absence."""
    bare = getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation
    members = getattr(bare, "__args__", ()) if not isinstance(bare, type) else ()
    if members:
        return _section(members[0])
    return model_of(annotation)


def is_visible(text: str) -> bool:
    """Whether a text shows anything, as a claim demands of its texts."""
    return re.search(VISIBLE, text) is not None


def handle(text: str, taken: Iterable[str] = (), *, otherwise: str = "unnamed") -> str:
    """A short handle as claims use them, none of those that are taken."""
    slug = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:60].rstrip("-._") or otherwise
    used = set(taken)
    number = 2
    made = slug
    while made in used:
        made, number = f"{slug[:56]}-{number}", number + 1
    return made


def single(values: Iterable[Value]) -> Value | None:
    """The one exact number that all values give; ``None`` where they differ, or are bounds or ranges."""
    found = list(values)
    exact = [v for v in found if v.strength is Strength.EXACT and v.low is not None and v.low == v.high]
    if not exact or len(exact) != len(found) or len({(v.low, v.unit) for v in exact}) > 1:
        return None
    return exact[0]
