"""What a violation says to its reader: what was found, what was expected, and the nearest right spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

from lynxspec.claim import base, units
from lynxspec.claim.units import Kind
from lynxspec.document import Document
from lynxspec.location import Location, Path, Span, Violation
from lynxspec.validation.types import Spot, choices, is_model, strip

_SHOWN = 12
_QUOTED = re.compile(r"'([^']*)'")
_KINDS: dict[str, Kind] = {kind.pattern: kind for kind in vars(units).values() if isinstance(kind, Kind)}
_PATTERNS = {
    base.VISIBLE: "text with at least one visible character",
    base.NAME: "a short handle of lower-case letters, digits, '.', '_' and '-'",
    base.SHA256: "a SHA-256 digest of 64 lower-case hexadecimal digits",
    base.ISO_DATE: "a calendar date such as '2026-11-20'",
    base.VERSION: "an exact version such as '1.31.1'",
    base.CHANGE: "a change such as '-0.3 %'",
    base.OPTION: "an option name of lower-case letters, digits and '_'",
}
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
    "none_required": "null",
}


class Wording(NamedTuple):
    """Message and way out."""

    message: str
    suggestion: str | None = None


def kind_violation(document: Document, kinds: tuple[str, ...]) -> Violation:
    """The document does not say, or not rightly, what it is."""
    data, path = document.data, ("kind",)
    expected = " or ".join(f"'{kind}'" for kind in kinds)
    start = Span(line=1, column=1)
    if data is None:
        return _at(
            document, start, (), Wording("(document): it is empty", "start from the template of `lynxspec init`")
        )
    if not isinstance(data, dict):
        wording = Wording(f"(document): expected a mapping with the key 'kind', found {found(data)}")
        return _at(document, document.places.values.get((), start), (), wording)
    if "kind" not in data:
        near = _nearest("kind", [str(key) for key in data if key not in {"lynxspec", "identity"}])
        hint = f"did you mean 'kind' where it says '{near}'?" if near else f"add a line: kind: {kinds[0]}"
        return _at(document, start, path, Wording(f"kind: missing; it says what the document is, {expected}", hint))
    wording = Wording(f"kind: expected {expected}, found {found(data['kind'])}", _did_you_mean(data["kind"], kinds))
    return _at(document, document.places.values.get(path, start), path, wording)


def _at(document: Document, span: Span, path: Path, wording: Wording) -> Violation:
    location = Location(source=document.source, span=span, path=path)
    return Violation(location=location, message=wording.message, suggestion=wording.suggestion)


def word(kind: str, details: list[tuple[Spot, Any]], document: Document) -> Wording:
    """Words for what pydantic had to say about one place."""
    spot, detail = details[0]
    if kind == "missing":
        return _missing(spot)
    if kind == "extra_forbidden":
        return _unknown_key(spot, document)
    if spot.is_key:
        return Wording(f"not a key for this mapping; expected {_expected(detail, spot)}")
    return _wrong_value(details, document)


def _missing(spot: Spot) -> Wording:
    from lynxspec.schema import field_docs  # noqa: PLC0415 - reads source files, so only when it is needed

    name = str(spot.path[-1])
    words = field_docs(spot.parent).get(name, "") if spot.parent is not None else ""
    meaning = f"; it says: {' '.join(words.split())}" if words else ""
    absence = _absence(spot.annotation)
    return Wording(f"missing{meaning}", f"add '{name}'{f', or {absence}' if absence else ''}")


def _absence(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    """How to say that there is no value, where that is allowed."""
    models = {strip(choice) for choice in choices(annotation)}
    ways = []
    if base.NotApplicable in models:
        ways.append("{not_applicable: why}")
    if base.Unknown in models:
        ways.append("{unknown: why}")
    return " or ".join(ways)


def _unknown_key(spot: Spot, document: Document) -> Wording:
    name = str(spot.path[-1])
    fields = list(spot.parent.model_fields) if spot.parent is not None else []
    siblings = _value(document, spot.path[:-1])
    free = [field for field in fields if field not in siblings] if isinstance(siblings, dict) else fields
    near = _nearest(name, free) or _nearest(name, fields)
    expected = f"; expected {_one_of(fields)}" if fields else ""
    return Wording(f"unknown key{expected}", f"did you mean '{near}'?" if near else "remove it")


def _wrong_value(details: list[tuple[Spot, Any]], document: Document) -> Wording:
    """One place, one or several expectations (a union's members each have their own)."""
    spot, detail = details[0]
    value = detail["input"]
    specific = [(s, d) for s, d in details if d["type"] not in _TYPES] or details
    expected = list(dict.fromkeys(_expected(d, s) for s, d in specific))
    absence = "" if isinstance(value, dict) else _absence(_declared(spot))
    if absence:
        expected.append(absence)
    message = f"expected {' or '.join(expected)}, found {found(_tag_value(detail, value))}"
    return Wording(message, _way_out(*specific[0], value, document.raw_scalars.get(spot.path)))


def _declared(spot: Spot) -> Any:  # noqa: ANN401 - annotations have no common type
    """The field's whole type, before a union's member was chosen."""
    if spot.parent is None or not spot.path or not isinstance(spot.path[-1], str):
        return spot.annotation
    field = spot.parent.model_fields.get(spot.path[-1])
    return field.annotation if field is not None else spot.annotation


def _tag_value(detail: Any, value: Any) -> Any:  # noqa: ANN401 - whatever the document holds
    """For a mapping of an unknown kind, the kind is what was found."""
    if detail["type"] == "union_tag_invalid" and isinstance(value, dict):
        return value.get(detail["ctx"]["discriminator"].strip("'"), value)
    return value


def _expected(detail: Any, spot: Spot) -> str:  # noqa: ANN401, PLR0911 - pydantic's error details, one line each
    """What one expectation is, in the words of a reader."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in {"model_type", "model_attributes_type"} and is_model(strip(spot.annotation)):
        return f"a mapping with {_and(strip(spot.annotation).model_fields)}"
    if kind == "string_type":
        return _of_pattern(_pattern(spot.annotation))
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in {"literal_error", "enum"}:
        return _one_of(_QUOTED.findall(context["expected"]))
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        tags = _QUOTED.findall(context.get("expected_tags", ""))
        return (
            f"a mapping whose {context['discriminator'].strip(chr(39))} is {_one_of(tags)}"
            if tags
            else "a mapping with a kind"
        )
    if kind == "string_pattern_mismatch":
        return _of_pattern(context["pattern"])
    return _bound(kind, context) or detail["msg"]


def _of_pattern(pattern: str | None) -> str:
    """The text that a pattern describes, in words."""
    if pattern is None or pattern == base.VISIBLE:
        return "text" if pattern is None else _PATTERNS[base.VISIBLE]
    quantity = _KINDS.get(pattern)
    return (
        f"{quantity.name} such as '{quantity.example}'" if quantity else _PATTERNS.get(pattern, f"text like {pattern}")
    )


def _pattern(annotation: Any) -> str | None:  # noqa: ANN401 - annotations have no common type
    """Pattern of a text type, where it says more than that some character must be visible."""
    for metadata in getattr(annotation, "__metadata__", ()):
        if isinstance(metadata, Kind):
            return metadata.pattern
        for inner in (metadata, *getattr(metadata, "metadata", ())):
            pattern = getattr(inner, "pattern", None)
            if isinstance(pattern, str) and pattern != base.VISIBLE:
                return pattern
    return None


def _bound(kind: str, context: dict[str, Any]) -> str:
    """A limit on size or length."""
    limits = {
        "greater_than_equal": ("a number of at least", "ge"),
        "greater_than": ("a number above", "gt"),
        "less_than_equal": ("a number of at most", "le"),
        "less_than": ("a number below", "lt"),
    }
    if kind in limits:
        words, key = limits[kind]
        return f"{words} {context[key]:,}"
    if kind == "string_too_short":
        return "text that is not empty"
    if kind == "string_too_long":
        return f"text of at most {context['max_length']:,} characters"
    return f"at most {context['max_length']:,} entries" if kind == "too_long" else ""


def _way_out(spot: Spot, detail: Any, value: Any, raw: str | None) -> str | None:  # noqa: ANN401 - as above
    """The nearest right spelling."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in {"literal_error", "enum"}:
        words = _QUOTED.findall(context["expected"])
        spelled = raw if raw is not None and not isinstance(value, str) else value
        return f'write "{spelled}" in quotes' if spelled in words and spelled != value else _did_you_mean(value, words)
    if kind == "union_tag_invalid":
        return _did_you_mean(_tag_value(detail, value), _QUOTED.findall(context["expected_tags"]))
    if kind == "string_pattern_mismatch" and context["pattern"] in _KINDS:
        return _unit(_KINDS[context["pattern"]], str(value))
    if kind == "string_type" and isinstance(value, int | float):
        spelled = raw if raw is not None else str(value)
        quantity = _KINDS.get(_pattern(spot.annotation) or "")
        return f"add its unit, like '{quantity.example}'" if quantity else f'write "{spelled}" in quotes'
    if kind in {"int_type", "float_type"} and isinstance(value, str) and re.fullmatch(r"[+-]?[0-9.]+", value):
        return f"write {value.lstrip('+0') or '0'} without quotes or leading zeros"
    return None


def _unit(kind: Kind, text: str) -> str | None:
    """A quantity of this kind that ``text`` almost is: space, case or spelling of the unit."""
    match = re.fullmatch(r"\s*([+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*(.*?)\s*", text)
    names = [unit for unit, _ in kind.factors]
    if match is None:
        return f"write it like '{kind.example}'"
    number, unit = match[1].replace(",", "."), match[2]
    same = [name for name in names if name.lower() == unit.lower()]
    near = same[0] if len(same) == 1 or unit in same else _nearest(unit, names)
    candidate = f"{number} {near}"
    if near and re.fullmatch(kind.pattern, candidate) and len(text) < 100:
        return f"did you mean '{candidate}'?"
    return f"units are {_and(names)}"


def found(value: Any) -> str:  # noqa: ANN401 - whatever the document holds
    """A value as the reader wrote it, shortened."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def _did_you_mean(value: Any, words: Iterable[str]) -> str | None:  # noqa: ANN401 - as above
    near = _nearest(value, list(words)) if isinstance(value, str) else None
    return f"did you mean '{near}'?" if near else None


def _nearest(word: str, words: list[str]) -> str | None:
    """The closest of ``words``, separators and case aside."""
    if len(word) > 100:
        return None
    plain = {name.lower().replace("-", "_").replace(" ", "_"): name for name in reversed(words)}
    wanted = word.lower().replace("-", "_").replace(" ", "_")
    close = get_close_matches(wanted, plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def _one_of(words: Iterable[str]) -> str:
    listed = [f"'{word}'" for word in words]
    if len(listed) == 1:
        return listed[0]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"one of {', '.join(listed[:_SHOWN])}{more}"


def _and(words: Iterable[str]) -> str:
    listed = [f"'{word}'" for word in words]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _value(document: Document, path: Path) -> Any:  # noqa: ANN401 - as above
    value = document.data
    for part in path:
        value = value[part]
    return value
