"""`Rule` and what it says: one file in `lynxspec.lint.rules` ends in one frozen ``RULE`` (or ``RULES`` for a family).

The documentation of a rule is the docstring of its file, with these headings, each followed by prose::

    One sentence that says what is wrong, in the words of the field.

    ## What it checks
    ## Why it matters to a buyer
    ## Disclose instead
    ## References
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from lynxspec.draft import Draft
from lynxspec.location import Location, Path
from lynxspec.vocabulary import Component


class Severity(IntEnum):
    """How much a finding matters; ``--fail-on`` compares by it."""

    INFO = 1
    WARNING = 2
    ERROR = 3


class Confidence(StrEnum):
    """How sure we are that the source says what the finding says; facts read from a claim file are certain."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Effect(StrEnum):
    """What a finding does to the component's status before scoring."""

    NONE = "none"
    WEAKENS = "weakens"
    """A disclosed component counts as partial."""
    CONTRADICTS = "contradicts"
    """The component counts as contradicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a rule's check yields: the engine adds code, severity and spans."""

    message: str
    """What is wrong, with the numbers, in one sentence."""
    at: tuple[Path, ...]
    """Document paths, the main one first."""
    regime: str | None = None
    """Name of the regime that it concerns; ``None`` for all."""
    severity: Severity | None = None
    """Instead of the rule's own, where what could still explain it changes the weight."""
    confidence: Confidence = Confidence.CERTAIN
    effect: Effect = Effect.NONE
    component: Component | None = None
    """Instead of the rule's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A hit with its rule and places."""

    code: str
    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    remedy: str
    component: Component | None
    locations: tuple[Location, ...]
    regime: str | None
    effect: Effect
    ignored: str | None = None
    """Reason of an honoured ignore; an ignored finding is listed and does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check with its identity."""

    code: str
    """Stable: ``LXS`` and three digits; the first digit groups them (see `lynxspec.lint.engine`)."""
    name: str
    """Stable kebab-case name."""
    severity: Severity
    component: Component | None
    summary: str
    """One line: what is wrong."""
    remedy: str
    """One line: what to disclose or change."""
    question: str
    """What a buyer asks the vendor, ready to send; empty if nothing is to be asked."""
    check: Callable[[Draft], Iterator[Hit]]
    since: str = "1.0"
    """Release of the rule set that brought the rule."""
    documentation: str = ""
    """With the headings above, for one rule of a family; empty if the docstring of the file documents the rule."""
