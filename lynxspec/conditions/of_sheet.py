"""The conditions of a spec sheet: what its numbers are bound to, and what its words say of the load."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lynxspec.conditions.agreement import model_words
from lynxspec.conditions.condition import UNKNOWN, Condition, Stated, metric_word, one_of, plain
from lynxspec.draft import Draft, DraftRegime, Value
from lynxspec.vocabulary import Component, Status

_COUNT = re.compile(r"(?<![\w.])(\d{1,5})\s?[x×]\s?(?=[A-Za-z])|(?<=[A-Za-z)\d])\s[x×]\s?(\d{1,5})(?![\w.])")
_MEMORY = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(GB|GiB)\b")
_POWER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(W|kW)\b")
_SCENARIOS = (
    ("offline", re.compile(r"\boffline\b")),
    ("single_stream", re.compile(r"\bsingle[- ]?stream\b")),
    ("server", re.compile(r"\bserver (?:scenario|mode)\b|\bpoisson\b|\brequest rate\b")),
    ("closed_loop", re.compile(r"\bclosed[- ]loop\b")),
)
_LENGTHS = re.compile(
    r"(?:isl|input(?:[ _](?:len\w*|tokens?|sequence len\w*))?)\s?[:=]?\s?(\d[\d,]*k?)\W{1,4}(?:and )?"
    r"(?:osl|output(?:[ _](?:len\w*|tokens?|sequence len\w*))?)\s?[:=]?\s?(\d[\d,]*k?)"
)
_WINDOW = re.compile(r"\b(?:over|for)\s(\d+(?:\.\d+)?)\s?(s|min|h|seconds?|minutes?|hours?)\b")


def of_sheet(draft: Draft, quantized: tuple[DraftRegime, ...]) -> dict[Condition, Stated]:
    """Read them off the numbers first, then off the components, then off the words about the load."""
    values = tuple(v for regime in quantized for v in regime.values)
    rates = tuple(v for v in values if v.component in {Component.SUSTAINED_THROUGHPUT, Component.THROUGHPUT_GAIN})
    every = tuple(v for v in values if v.component is Component.ACCURACY_RESULT)
    accuracies = tuple(v for v in every if not v.unit.startswith("% ")) or every  # a recovery is no metric of its own
    hardware = one_of(_told(quantized, Component.HARDWARE, (v.hardware for v in values)))
    said = " ".join(_words(quantized, values)).lower()
    runtime = one_of(_told(quantized, Component.RUNTIME))
    batches, concurrencies = _batches(quantized, rates, values)
    return {
        Condition.MODEL: one_of(_distinct(_told(quantized, Component.MODEL_NAME, (v.model for v in values)))),
        Condition.HARDWARE: hardware,
        Condition.COUNT: _found(_COUNT, hardware.text),
        Condition.MEMORY: _found(_MEMORY, hardware.text),
        Condition.POWER: _found(_POWER, hardware.text),
        Condition.SCENARIO: one_of(Stated(text=name) for name, pattern in _SCENARIOS if pattern.search(said)),
        Condition.BATCH: one_of(batches),
        Condition.CONCURRENCY: one_of(concurrencies),
        Condition.LENGTHS: one_of(Stated(text=f"{m[1]} in, {m[2]} out") for m in _LENGTHS.finditer(said)),
        Condition.RUNTIME: Stated(text=runtime.text, note=runtime.note, parts=_engine(runtime.text)),
        Condition.REFERENCE: _reference_of_sheet(draft, quantized, values),
        Condition.EVALUATION_SET: _several(v.dataset for v in accuracies)
        or one_of(_told(quantized, Component.EVALUATION_SET)),
        Condition.METRIC: _several((v.metric or v.dataset for v in accuracies), metric_word) or UNKNOWN,
        Condition.WINDOW: _found(_WINDOW, said),
    }


def _told(quantized: tuple[DraftRegime, ...], component: Component, bound: Iterable[str] = ()) -> tuple[Stated, ...]:
    """What the numbers are bound to; where they are bound to nothing, what the component says."""
    found = [word for word in bound if word]
    if not found:
        disclosed = [d for r in quantized if (d := r.disclosures.get(component)) is not None]
        found = [d.value for d in disclosed if d.value and d.status in {Status.DISCLOSED, Status.PARTIAL}]
    return tuple(Stated(text=word) for word in dict.fromkeys(found))


def _distinct(models: tuple[Stated, ...]) -> tuple[Stated, ...]:
    """Each model once: a reference and its quantized form carry different names."""
    return tuple({model_words(m.text): m for m in reversed(models)}.values())


def _batches(
    quantized: tuple[DraftRegime, ...], rates: tuple[Value, ...], values: tuple[Value, ...]
) -> tuple[list[Stated], list[Stated]]:
    """Batch sizes and concurrencies: of the rates, else as the component gives them."""
    found = [v.batch for v in rates if v.batch]
    told = [v for v in values if v.component is Component.BATCH_OR_CONCURRENCY and v.low is not None]
    if not told and not found:
        texts = [s.text for s in _told(quantized, Component.BATCH_OR_CONCURRENCY)]
        concurrent = [t for t in texts if "concurr" in t.lower()]
        return [_number(t) for t in texts if t not in concurrent], [_number(t) for t in concurrent]
    concurrent = [f"{v.low:.10g}" for v in told if "concurr" in v.evidence.text.lower()]
    single = [f"{v.low:.10g}" for v in told if "concurr" not in v.evidence.text.lower()]
    return [Stated(text=t) for t in found or single], [Stated(text=t) for t in concurrent]


def _number(text: str) -> Stated:
    """The only number in a text, else the text."""
    numbers = re.findall(r"\d+", text)
    return Stated(text=numbers[0] if len(numbers) == 1 else text)


def _words(quantized: tuple[DraftRegime, ...], values: tuple[Value, ...]) -> list[str]:
    """The words in which the load may be described."""
    about = (Component.BATCH_OR_CONCURRENCY, Component.SUSTAINED_THROUGHPUT, Component.LATENCY)
    quotes = [q.text for r in quantized for c in about if c in r.disclosures for q in r.disclosures[c].evidence]
    return list(dict.fromkeys([*quotes, *(v.evidence.text for v in values if v.component in about)]))


def _found(pattern: re.Pattern[str], text: str) -> Stated:
    """The one match of a pattern; unknown if there is none or several."""
    return one_of(Stated(text=" ".join(group for group in m.groups() if group)) for m in pattern.finditer(text))


def _several(names: Iterable[str], word: Callable[[str], str] | None = None) -> Stated | None:
    """Names that hold together."""
    found = list(dict.fromkeys(name for name in names if name))
    spelled = word or plain
    return Stated(text=", ".join(found), names=frozenset(spelled(name) for name in found)) if found else None


def _engine(text: str) -> tuple[str, ...]:
    """Name and version of an engine as a sheet spells them."""
    match = re.match(r"(.+?)[ =]+v?(\d[\w.+-]*)", text)
    return (match[1], match[2], "") if match else (text, "", "") if text else ()


def _reference_of_sheet(draft: Draft, quantized: tuple[DraftRegime, ...], values: tuple[Value, ...]) -> Stated:
    against = {v.against.lower() for v in values if v.against}
    claims = {r.claim for r in quantized}
    named = {r.name.lower() for r in draft.regimes if r.role == "reference" and r.claim in claims}
    return one_of(Stated(text=name) for name in sorted(against or named))
