"""What stands in a draft file: values with their source, holes with their question, and the walk through both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lynxspec.draft import Draft, Quote
from lynxspec.draft_file import MAX_WORDS, Confidence
from lynxspec.location import Location, Path, format_location

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value and the words that it was read from."""

    value: Any
    quote: Quote
    confidence: Confidence = "likely"


def said(draft: Draft, quote: Quote) -> Json:
    """Words and their place."""
    source = draft.sheets[quote.sheet].source if quote.sheet < len(draft.sheets) else draft.source
    words = quote.text if quote.text.strip() else "(no words)"
    return {"from": words[:MAX_WORDS], "at": format_location(Location(source=source, span=quote.span))}


def read(draft: Draft, given: Given) -> Json:
    """A value with its source, as it stands in the file."""
    return {"value": given.value, **said(draft, given.quote), "confidence": given.confidence}


def hole(ask: str, *, heard: Iterable[Json] = (), contradicted: Iterable[Json] = ()) -> Json:
    """A missing value: what to ask, what was said in part, which places contradict each other."""
    node: Json = {"ask": ask}
    for key, places in (("said", heard), ("contradicted", contradicted)):
        distinct = list({(place["at"], place["from"]): place for place in places}.values())
        if distinct:
            node[key] = distinct
    return node


def is_hole(node: object) -> bool:
    """Whether a node is a missing value."""
    return isinstance(node, Mapping) and "ask" in node


def is_read(node: object) -> bool:
    """Whether a node is a value with its source."""
    return isinstance(node, Mapping) and "from" in node and "value" in node


def holes(node: object, path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every hole at or below a node, with its path in the file."""
    if isinstance(node, Mapping):
        if is_hole(node):
            yield path, node
        elif is_read(node):
            yield from holes(node["value"], (*path, "value"))
        else:
            for key, value in node.items():
                yield from holes(value, (*path, key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from holes(value, (*path, index))


def descend(node: Any, path: Path) -> tuple[Any, bool]:  # noqa: ANN401 - whatever the document holds
    """The node at a path of the claim, through values with their source; false if the path leads nowhere.

    A hole on the way is where the walk ends: it stands for everything below it.
    """
    for part in path:
        node = unwrapped(node)
        if is_hole(node):
            return node, True
        if not holds(node, part):
            return node, False
        node = node[part]
    return node, True


def holds(node: Any, part: str | int) -> bool:  # noqa: ANN401 - whatever the document holds
    """Whether a mapping or list has such an entry."""
    if isinstance(node, Mapping):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)


def unwrapped(node: Any) -> Any:  # noqa: ANN401 - as above
    """A value without its source."""
    return node["value"] if is_read(node) else node
