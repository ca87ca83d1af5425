"""``lynxspec compare``: are two claims or sheets comparable at all, and only then their numbers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from lynxspec.comparison import Comparability, Comparison, Figures, Side, compare
from lynxspec.conditions import Stated
from lynxspec.importers.importer import load
from lynxspec.plain_text import shorten, visible
from lynxspec.reporters.markdown import code_span, escaped

FORMAT = "lynxspec-compare/1"
WIDTH = 100
COLUMN = 36
"""Of one side's numbers."""
MOST_NAMED = 4
"""Regimes of one side that are listed by name."""
EXIT = {
    Comparability.COMPARABLE: 0,
    Comparability.WITH_DIFFERENCES: 0,
    Comparability.NOT_COMPARABLE: 1,
    Comparability.UNDECIDED: 3,
}
NUMBERS: tuple[tuple[str, str, Callable[[Figures], str]], ...] = (
    ("throughput gain", "gain", lambda f: f.gain),
    ("rate", "rate", lambda f: f.rate),
    ("rate of the reference", "reference_rate", lambda f: f.reference_rate),
    ("loss", "loss", lambda f: f.loss),
)
"""Rows of the numbers: label for people, key of the report, and where it stands."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lynxspec compare``."""
    parser.add_argument("one", metavar="A", help="a claim, draft or sheet")
    parser.add_argument("other", metavar="B", help="what it is held against")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    parser.add_argument("--regime-a", metavar="NAME", help="only this regime (or claim of a sheet) of A")
    parser.add_argument("--regime-b", metavar="NAME", help="only this regime (or claim of a sheet) of B")


def run(arguments: argparse.Namespace) -> int:
    """Compare, and print the answer."""
    found = compare(load(arguments.one), load(arguments.other), only=(arguments.regime_a, arguments.regime_b))
    write = {"text": _text, "markdown": _markdown, "json": _json}[arguments.format]
    sys.stdout.buffer.write(write(found).encode())
    return EXIT[found.verdict]


def _withheld(found: Comparison) -> str:
    """Why no numbers are shown."""
    return (
        f"Numbers are withheld: the two are {found.verdict}."
        if EXIT[found.verdict] == 1
        else ("Numbers are withheld: whether the two are comparable cannot be decided.")
    )


def _title(side: Side) -> str:
    claim = side.draft.claim
    about = f": {claim.identity.title}" if claim else ""
    more = f"; and {len(side.regimes) - MOST_NAMED} more" if len(side.regimes) > MOST_NAMED else ""
    return f"{side.draft.source} ({'; '.join(side.regimes[:MOST_NAMED])}{more}){about}"


def _pairs(found: Comparison) -> list[tuple[Figures | None, Figures | None]]:
    """Regimes side by side: those of one name first, the others as they come."""
    left, right = list(found.one.figures), list(found.other.figures)
    names = [f.regime for f in left if f.regime in {g.regime for g in right}]
    paired: list[tuple[Figures | None, Figures | None]] = [
        (next(f for f in left if f.regime == n), next(g for g in right if g.regime == n)) for n in names
    ]
    rest = zip_longest((f for f in left if f.regime not in names), (g for g in right if g.regime not in names))
    return paired + list(rest)


def _shown(figures: Figures | None, read: Callable[[Figures], str]) -> str:
    """One number, or a dash."""
    return (read(figures) if figures else "") or "-"


# --- text


def _text(found: Comparison) -> str:
    lines = [visible(f"{found.verdict}".upper())]
    for reason in found.reasons:
        lines += _filled("  - ", reason)
    lines += ["", *_filled("A  ", _title(found.one)), *_filled("B  ", _title(found.other)), ""]
    lines.append(f"  {'condition':<31}{'agreement':<11}{'A':<30}B")
    for row in found.conditions:
        mark = "*" if row.decides else " "
        name = f"{mark} {row.condition}"
        lines.append(f"  {name:<31}{row.agreement:<11}{_cell(row.one):<30}{_cell(row.other)}".rstrip())
    lines += ["", "  * decides whether the two are comparable", ""]
    if not found.one.figures and not found.other.figures:
        return "\n".join([*lines, _withheld(found)]) + "\n"
    for left, right in _pairs(found):
        lines += _columns("", *(shorten(f.regime, 200) if f else "-" for f in (left, right)))
        for label, _, read in NUMBERS:
            lines += _columns(label, _shown(left, read), _shown(right, read))
        lines.append("")
    return "\n".join(lines)


def _columns(label: str, one: str, other: str) -> list[str]:
    """A label with both sides beside each other."""
    sides = [wrap(visible(text), COLUMN - 2) for text in (one, other)]
    rows = zip_longest((label,), *sides, fillvalue="")
    return [f"  {name:<24}{left:<{COLUMN}}{right}".rstrip() for name, left, right in rows]


def _cell(stated: Stated) -> str:
    return shorten(stated.shown, 28)


def _filled(label: str, text: str) -> list[str]:
    return wrap(visible(f"{label}{text}"), WIDTH, subsequent_indent=" " * len(label), break_long_words=False)


# --- markdown


def _markdown(found: Comparison) -> str:
    lines = [f"## {str(found.verdict).capitalize()}", ""]
    lines += [f"- {escaped(reason)}" for reason in found.reasons]
    lines += ["", f"A: {code_span(found.one.draft.source)}, B: {code_span(found.other.draft.source)}", ""]
    lines += ["| condition | agreement | A | B |", "|---|---|---|---|"]
    for row in found.conditions:
        name = f"**{row.condition}**" if row.decides else f"{row.condition}"
        lines.append(f"| {name} | {row.agreement} | {escaped(row.one.shown)} | {escaped(row.other.shown)} |")
    lines += ["", "Bold: decides whether the two are comparable.", ""]
    if not found.one.figures and not found.other.figures:
        return "\n".join([*lines, _withheld(found)]) + "\n"
    for left, right in _pairs(found):
        heads = [escaped(f.regime) if f else "-" for f in (left, right)]
        lines += [f"| number | A: {heads[0]} | B: {heads[1]} |", "|---|---|---|"]
        lines += [
            f"| {label} | {escaped(_shown(left, read))} | {escaped(_shown(right, read))} |"
            for label, _, read in NUMBERS
        ]
        lines.append("")
    return "\n".join(lines)


# --- json


def _json(found: Comparison) -> str:
    report = {
        "format": FORMAT,
        "verdict": found.verdict.value,
        "reasons": list(found.reasons),
        "a": _side(found.one),
        "b": _side(found.other),
        "conditions": [
            {
                "condition": row.condition.value,
                "decides": row.decides,
                "agreement": row.agreement.value,
                "a": _stated(row.one),
                "b": _stated(row.other),
            }
            for row in found.conditions
        ],
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def _side(side: Side) -> dict[str, Any]:
    numbers: list[dict[str, Any]] = [
        {"regime": f.regime, **{key: read(f) or None for _, key, read in NUMBERS}} for f in side.figures
    ]
    return {
        "path": side.draft.source,
        "kind": side.draft.kind,
        "regimes": list(side.regimes),
        "numbers": numbers or None,
    }


def _stated(stated: Stated) -> dict[str, Any]:
    """A condition as data: a text, null where it is unknown."""
    return {"text": stated.text or None, "applies": stated.applies, "note": stated.note}
