"""What an answer makes of a component: disclosed by a value, partial by a weak one, missing by ``unknown``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lynxspec.claim.units import TIME
from lynxspec.disclosure import SUSTAINED_WINDOW_S
from lynxspec.draft import Disclosure
from lynxspec.drafting.nodes import Json, descend, holes, unwrapped
from lynxspec.drafting.paths import places_of
from lynxspec.vocabulary import Component, Status

OPEN = (Status.CONTRADICTED, Status.MISSING, Status.PARTIAL)
"""Statuses that an answer can change, the worst first."""

ORDER = {status: place for place, status in enumerate((*OPEN, Status.DISCLOSED, Status.NOT_APPLICABLE))}
"""What is weakest where regimes differ."""


def answer(document: Json, component: Component, regime: int) -> Disclosure | None:
    """What a draft file says of a component of a regime; ``None`` while a hole is left, or where none can be."""
    found = [descend(document, path) for path in places_of(document, component, regime)]
    nodes = [unwrapped(node) for node, reached in found if reached]
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
    if component is Component.THROUGHPUT_GAIN and nodes[-1] in ("up_to", "theoretical"):
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
