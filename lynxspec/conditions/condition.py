"""What a condition is, and one side's answer to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """What must agree before numbers are held against each other."""

    MODEL = "model"
    REVISION = "model revision"
    HARDWARE = "hardware"
    COUNT = "number of accelerators"
    MEMORY = "accelerator memory"
    POWER = "power limit or mode"
    SCENARIO = "scenario"
    BATCH = "batch"
    CONCURRENCY = "concurrency"
    LENGTHS = "input and output lengths"
    LATENCY_BUDGET = "latency budget"
    RUNTIME = "runtime"
    REFERENCE = "precision of the reference"
    EVALUATION_SET = "evaluation set"
    METRIC = "metric"
    WINDOW = "measured window"


class Agreement(StrEnum):
    """Whether two sides have the same condition."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One condition of one side."""

    text: str = ""
    """As told; empty if it is not."""
    applies: bool = True
    """Whether the question arises."""
    note: str = ""
    """Why nothing is known, or why the question does not arise."""
    parts: tuple[str, ...] = ()
    """What the text is made of, for those that are compared by parts: an engine's name, version and provider."""
    names: frozenset[str] = frozenset()
    """Several at once, in plain words: metrics, data sets."""
    digest: str = ""
    """Of a data set."""

    @property
    def known(self) -> bool:
        """Whether there is something to compare."""
        return bool(self.text)

    @property
    def shown(self) -> str:
        """For people."""
        if self.text:
            return self.text
        return f"none ({self.note})" if not self.applies and self.note else "none" if not self.applies else "unknown"


Conditions = Mapping[Condition, Stated]

UNKNOWN = Stated()


def one_of(stated: Iterable[Stated]) -> Stated:
    """The condition that all share; unknown where they differ."""
    distinct = {s.text or s.shown: s for s in stated}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    listed = "; ".join(list(distinct)[:4])
    return Stated(note=f"several: {listed}") if distinct else UNKNOWN


def plain(text: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def bare_metric(word: str) -> str:
    """A metric, as `metric_word` spells it, without the number of examples in its prompts."""
    return re.sub(r"\d+shots?$|zeroshot$|fewshot$", "", word) or word


def metric_word(name: str) -> str:
    """One spelling per metric; the number of examples in its prompts stays, since it makes another metric of it."""
    word = plain(name)
    short = re.sub(r"accuracy$|score$|acc$", "", word)
    return {"": "accuracy", "top": "top1", "map5095": "map", "ppl": "perplexity"}.get(short, short)
