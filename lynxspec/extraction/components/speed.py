"""Throughput gain, its baseline, sustained rate, latency, and the flag for texts that give peak rates alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Strength, Value
from lynxspec.extraction.components.results import spelled
from lynxspec.extraction.document import Document, Evidence
from lynxspec.extraction.originals import ORIGINAL
from lynxspec.extraction.prose import Gain, gains
from lynxspec.extraction.schemes import label, schemes
from lynxspec.vocabulary import Component, Status

_D, _P = Status.DISCLOSED, Status.PARTIAL

_QUALITATIVE = re.compile(
    r"(?:faster|quicker|speed(?:s|ing)?[ -]?up|speedups?|accelerat\w+|boost\w*|improv\w+|increas\w+|higher"
    r"|reduc\w+|lower\w*|better|enhanc\w+|significant\w*|doubl\w+|gain\w*)(?: \w+){0,4} (?:inference"
    r"|throughput|latency|speed|performance|tokens|generation|decod\w+|execution|efficiency)|(?:inference"
    r"|throughput|latency|speed|performance|generation)(?: \w+){0,3} (?:faster|improv\w+|increas\w+|boost\w*"
    r"|gain\w*|accelerat\w+|reduc\w+|speedups?)"
    r"|faster inference|runs? (?:much )?faster|推理加速|提升(?:推理)?(?:速度|性能|吞吐)|추론 속도|高速化"
    r"|schnellere? inferenz"
    r"|low latency|speedup"
)


def throughput_gain(document: Document) -> Iterator[Evidence]:
    """D: a ratio tied to quantization, or the rates of both sides; P: a bound, in words, mixed, theoretical."""
    for value in document.values:
        if value.component is Component.THROUGHPUT_GAIN:
            note = "" if value.strength is Strength.EXACT else f"{value.strength.value}, not a measured number"
            if value.against and not _is_precision(value.against):
                note = f"against another stack: {value.against}"
            yield Evidence(status=_P if note else _D, value=spelled(value), quote=value.evidence, note=note)
    for gain in document_gains(document):
        if gain.value is None:
            yield Evidence(status=_P, value=gain.words, quote=gain.quote, note=gain.note)
    yield from _derivable(document)
    for hit in document.hits(_QUALITATIVE, "sentence", "caption", "heading", "footnote"):
        flags = document.flags(hit.unit)
        if (
            "quant" in flags
            and "rival" not in flags
            and not (document.generic(hit.unit) or document.about_training(hit.unit) or "speculative" in flags)
        ):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="in words only")


def _is_precision(against: str) -> bool:
    """Whether a gain is held against a precision rather than against another tool."""
    return label(against) is not None


def document_gains(document: Document) -> tuple[Gain, ...]:
    """The gains that prose tells, found once."""
    held: tuple[Gain, ...] | None = document.__dict__.get("_gains")
    if held is None:
        held = document.__dict__["_gains"] = tuple(gains(document))
    return held


def _derivable(document: Document) -> Iterator[Evidence]:
    """Rates or latencies of a quantized model and of its reference, which a reader can divide."""
    for component in (Component.SUSTAINED_THROUGHPUT, Component.LATENCY):
        by_subject: dict[tuple[str, str, str, str], dict[str, Value]] = {}
        for value in document.values:
            if value.component is component and value.low is not None:
                key = (value.model, value.hardware, value.batch, value.metric)
                by_subject.setdefault(key, {}).setdefault(value.role, value)
        for sides in by_subject.values():
            if len(sides) == 2 and sides["quantized"].precision:
                for value in sides.values():
                    yield Evidence(status=_D, value=spelled(value), quote=value.evidence, note="")


_COMPARISON = re.compile(
    r"baseline|compared (?:to|with)|\bvs\b|v\.s\.|versus|over (?:the )?|relative to|than|against|reference"
    r"|normalized|original|对比|相比|대비|比べ|gegenüber|im vergleich"
)
_SOME_BASE = re.compile(
    r"(?:baseline|compared (?:to|with)|relative to|versus|\bvs\.?|over"
    r"|than) (?:the )?(?:\w+[ -]){0,3}?(?:baseline|original|un-?quantized|base model|full[- ]precision"
    r"|non-quantized|native|default|previous|naive|pytorch|eager|unoptimized)"
)


def baseline(document: Document) -> Iterator[Evidence]:
    """D: the reference's precision, with speed held against it on one system; P: one of both. Only beside a gain."""
    told = [v for v in document.values if v.component is Component.THROUGHPUT_GAIN]
    inference = [gain for gain in document_gains(document) if "training" not in gain.note]
    if not (told or inference or any(True for _ in _derivable(document))):
        return
    for value in document.values:
        against = _held_against(value)
        if against:
            note = _weakness(value, against)
            yield Evidence(status=_P if note else _D, value=against, quote=value.evidence, note=note)
    for gain in document_gains(document):
        if gain.value is None and "vendor" in gain.note:
            note = "another vendor's product, no precision is told"
            yield Evidence(status=_P, value="another vendor", quote=gain.quote, note=note)
    yield from _compared_precisions(document)
    for hit in document.hits(_SOME_BASE):
        if _SPEED.search(document.reading.near(hit.unit)):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="its precision is not told")


def _held_against(value: Value) -> str:
    """The reference that a value names: its own precision, or what a gain is held against."""
    if value.role == "reference" and value.component in {Component.SUSTAINED_THROUGHPUT, Component.LATENCY}:
        return value.precision
    return value.against if value.component is Component.THROUGHPUT_GAIN else ""


def _weakness(value: Value, against: str) -> str:
    """Why a reference is no baseline to act on; empty if it is one."""
    if against == ORIGINAL:
        return "its precision is not told"
    if value.component is not Component.THROUGHPUT_GAIN:
        return ""
    if not _is_precision(against):
        return "another stack, no precision is told"
    quantized = next((s.sort for s in schemes(against.lower())), "reference") == "quantized"
    return "the baseline is quantized itself" if quantized else ""


_COMPARING = frozenset({"sentence", "caption", "footnote", "header", "heading"})


def _compared_precisions(document: Document) -> Iterator[Evidence]:
    """Reference precisions in words of comparison and speed."""
    for scheme, unit in document.schemes:
        if scheme.sort != "reference" or unit.kind not in _COMPARING:
            continue
        words = document.reading.words(unit)
        if (
            _COMPARISON.search(words)
            and not document.about_training(unit)
            and _SPEED.search(document.reading.near(unit))
            and "rival" not in document.flags(unit)
            and not (_QUALITY_ONLY.search(words) and not _SPEED.search(words))
        ):
            quote = document.reading.quote(unit, scheme.start, scheme.end)
            yield Evidence(status=_D, value=scheme.name, quote=quote)


_SPEED = re.compile(
    r"speed|faster|throughput|latenc|tokens|perf|fps|inference|slower|accelerat|gain|time|rate|吞吐|加速|처리량"
)
_QUALITY_ONLY = re.compile(r"quality|accura")
_RULES = re.compile(
    r"warm-?up|for (?:\d+|ten|five|two) ?(?:s\b|sec|min|hour)|over (?:a |\d+ )?(?:period of )?\d+ ?(?:s\b|sec"
    r"|min|hour)|duration|mlperf|averag\w+ (?:over|of) (?:\d+|ten|five|three)|(?:mean|median) (?:of|over) \d+"
    r"|steady[- ]state|sustained|(?<![\w.])\d+ (?:runs(?! (?:at|on|in|with|faster|\d))|iterations|repetitions|trials"
    r"|requests (?:were|in total))"
    r"|num[-_ ](?:warmups?|iters|runs|prompts)|repeated \d+|samples per second:|预热|워밍업|ウォームアップ|aufwärm"
)


def sustained_throughput(document: Document) -> Iterator[Evidence]:
    """D: a rate with duration, warm-up or run rules; P: a bare measured rate, or a bound."""
    rates = [v for v in document.values if v.component is Component.SUSTAINED_THROUGHPUT]
    rules = (
        [
            h
            for h in document.hits(_RULES)
            if not document.about_training(h.unit) and not document.flags(h.unit) & {"harness", "undone"}
        ]
        if rates
        else []
    )
    for value in rates:
        measured = value.strength is Strength.EXACT
        status = _D if rules and measured else _P
        note = (
            ""
            if status is _D
            else "no duration, warm-up or run rules"
            if measured
            else f"{value.strength.value}, not a measured rate"
        )
        yield Evidence(status=status, value=spelled(value), quote=value.evidence, note=note)
    for hit in rules:
        yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))


def latency(document: Document) -> Iterator[Evidence]:
    """D: a time; P: a bound, or a relative gain in latency."""
    for value in document.values:
        if value.component is Component.LATENCY:
            exact = value.strength is Strength.EXACT
            yield Evidence(
                status=_D if exact else _P, value=spelled(value), quote=value.evidence, note="" if exact else "a bound"
            )
    for gain in document_gains(document):
        if gain.of_latency:
            yield Evidence(status=_P, value=gain.words, quote=gain.quote, note="relative, no time")


_PEAK = re.compile(
    r"(?<![\w.,])\d[\d,.]{0,12}\s?(?:dense |sparse |int8 |fp8 |fp4 |ai |effective |int4 )*(?:tops|tflops|pflops"
    r"|petaops|pops|petaflops?|teraflops?|tflop/s|tera-?ops|exaflops?)\b(?!/w)|peak (?:performance|throughput"
    r"|compute)|theoretical(?:ly)? (?:peak|\d|performance|throughput|speed)",
    re.ASCII,
)


def peak_only(document: Document) -> Iterator[Evidence]:
    """D: theoretical peak rates, and no measured rate, time or gain beside them."""
    measured = any(
        v.component in {Component.SUSTAINED_THROUGHPUT, Component.LATENCY, Component.THROUGHPUT_GAIN}
        and v.strength is Strength.EXACT
        for v in document.values
    )
    if measured:
        return
    for hit in document.hits(_PEAK):
        if re.search(r"\d", hit.match[0]):
            yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))
