"""The model, its family, and whether the evaluation resembles the deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.extraction.components.calibration import CALIBRATION
from lynxspec.extraction.document import Document, Evidence
from lynxspec.extraction.reading import Unit
from lynxspec.facts.lexicon import Mention
from lynxspec.sheet import Text
from lynxspec.vocabulary import Component, Status

_D, _P = Status.DISCLOSED, Status.PARTIAL


def model_name(document: Document) -> Iterator[Evidence]:
    """D: a model by name."""
    yield from _models(document)
    for value in document.values:
        if value.model and not _SIZE.fullmatch(value.model):
            yield Evidence(status=_D, value=value.model, quote=value.evidence)
    yield from hub_models(document)


_SIZE = re.compile(r"\d+(?:\.\d+)? ?[bm]", re.IGNORECASE)


def _models(document: Document) -> Iterator[Evidence]:
    for mention, unit in document.reading.named("model"):
        if document.boilerplate(unit) or "harness" in document.flags(unit):
            continue
        quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
        rival = "rival" in document.flags(unit)
        if _SIZE.fullmatch(mention.name):
            yield Evidence(status=_P, value=mention.name, quote=quote, note="a size, and not whose")
            continue
        yield Evidence(
            status=_P if rival else _D,
            value=mention.name,
            quote=quote,
            note="named in a comparison only" if rival else "",
        )


_HUB = re.compile(
    r"huggingface\.co/(?!datasets|docs|blog|spaces|papers|collections|models\b|api|join)([\w.-]+/[\w.-]+)"
)
"""A model's page on the best-known hub: in the source, since links are no text."""


def hub_models(document: Document) -> Iterator[Evidence]:
    """Models that are linked to by their page, whatever they are called."""
    for number, sheet in enumerate(document.reading.sheets):
        for match in _HUB.finditer(sheet.text):
            text = Text(match[0], range(match.start(), match.end()))
            yield Evidence(status=_D, value=match[1], quote=document.reading.quote_text(number, text))


def model_family(document: Document) -> Iterator[Evidence]:
    """D: a named model tells its family, or the family is told of this model; P: a class of models in passing."""
    for mention, unit in document.reading.named("model"):
        family = mention.detail.get("family", "")
        if document.boilerplate(unit) or "rival" in document.flags(unit) or _SIZE.fullmatch(mention.name):
            continue
        quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
        yield Evidence(status=_D, value=family or mention.name, quote=quote)
    yield from hub_models(document)
    for value in document.values:
        if value.model and not _SIZE.fullmatch(value.model):
            yield Evidence(status=_D, value=value.model, quote=value.evidence)
    for mention, unit in document.reading.named("family"):
        words = document.reading.words(unit)
        if unit.kind != "sentence" or document.generic(unit) or document.definition(unit) or document.boilerplate(unit):
            continue
        is_one = _IS_ONE.search(words, 0, mention.start - unit.start) is not None and mention.detail.get("family")
        if is_one or _SIZE_BEFORE.search(words, 0, mention.start - unit.start):
            quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
            note = "" if is_one else "a class of models in passing"
            yield Evidence(status=_D if is_one else _P, value=mention.name, quote=quote, note=note)


_IS_ONE = re.compile(
    r"\b(?:(?:our|this|the) (?:[\w-]+ ){1,3}is|we (?:quanti[sz]ed|compressed|converted)) an? (?:[\w-]+ ){0,5}$"
)
"""What tells the class of this model: ``our translator is a 120M parameter encoder-decoder``."""
_SIZE_BEFORE = re.compile(r"\d(?:\.\d+)?[bm] (?:large |parameter )?$")
_SHAPE = re.compile(
    r"input ?/ ?output (?:sequence )?(?:lengths?|tokens|len)\b"
    r"|(?:input|prompt|isl|context|prefill)[\w /]{0,24}?(?:length|tokens?|len|sequence|seq"
    r"|prompt)?[\w ]{0,10}?[ =:|(]*\d[\d,]*k?[^.\n]{0,40}?(?:output|osl|generat|decode|completion)"
    r"|isl[/ ,|]+osl|(?:input|prompt)[^|.\n]{0,24}\| ?[^|.\n]{0,6}(?:output|generat)|\b\d+k?/\d+k? (?:input"
    r"|tokens)"
    r"|(?:image )?resolution\W{0,3}\d{3,4}|\d+ (?:denoising |inference |sampling )?steps\b"
    r"|\bpl(?: \|)? gl(?: \|)? cl\b|输入[^|\n]{0,8}[/|、][^|\n]{0,8}输出|输入 ?\d+k?[^|\n。]{0,4}输出 ?\d"
    r"|入力[^|\n]{0,8}[/|、][^|\n]{0,8}出力"
    r"|입력[^|\n]{0,8}[/|,][^|\n]{0,8}출력|batch(?: ?sizes?)?, (?:prompt|input|sequence)(?: length)?|(?:prompt"
    r"|input) length \|"
    r"|(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{2,6}) (?:input|prompt) tokens?[^.\n]{0,30}\d+ (?:output|generated)"
)
_DOMAIN = re.compile(
    r"summari[sz]ation|dialogue|customer (?:support|service|care)|chat ?bot|multi-?turn|sharegpt|rag\b"
    r"|retrieval|code (?:completion"
    r"|generation)|function calling|agentic|tool use|translation|medical|autonomous driving|adas|bdd-?100k"
    r"|surveillance|retail|speech recognition|transcription|long[- ]context|workloads?\b.{0,30}(?:real"
    r"|production|representative)|(?:real|production)[- ](?:world|life)? ?(?:workloads?|traffic|use cases?"
    r"|data)|use[- ]cases?\b.{0,40}(?:\d+|shape|profile|length)"
)
_DEPLOYED = re.compile(
    r"(?:our|customer'?s?|actual|live|real) (?:production|deployment|user|customer) (?:traffic|data|workload"
    r"|prompts|requests|images)|(?:evaluated|measured|tested|benchmarked)(?: \w+){0,6} production (?:traffic"
    r"|workload|logs|prompts)|evaluated on (?:our"
    r"|the customer'?s?) (?:own )?(?:data|workload|domain)|deployment (?:domain|workload|data)"
    r"|(?:customer|client|operator|user|agent)'?s?'? own (?:\w+ ){0,2}?(?:data\w*|workloads?|traffic|prompts|images"
    r"|documents|tickets|requests|calls|queries|recordings|frames|scans|logs)\b"
    r"|our own (?:\w+ ){0,3}?(?:data\w*|traffic|images|documents|tickets|requests|calls|queries|recordings|frames"
    r"|scans|logs|customers|production)\b"
    r"|from (?:(?:the|our|two|three|four|several|\d+) )+(?:customer|client|production|plant|hospital|store)s?'? "
    r"(?:sites?|lines?|data|logs?|recordings)\b"
    r"|(?:frames|images|tickets|calls|recordings|scans|documents) (?:from|of) the same (?:\w+ )?(?:belts?|lines?|sites?"
    r"|cameras?|customers?|plants?|hotline|fleet)\b|bildern derselben (?:linie|anlage|kamera)"
    r"|aus der (?:laufenden |eigenen )?(?:fertigung|produktion)|(?:auf|mit) (?:\w+ ){0,3}?bildern (?:aus"
    r"|von) (?:der|unserer)"
    r"(?: \w+)? (?:fertigung|produktion|linie)|现场(?:采集|数据|图片)|(?:真实|线上|自有)业务(?:数据|流量)"
    r"|production workload (?:that|which|of)"
    r"|recorded (?:\w+ )?(?:from|in|on) (?:the |our |a )?production|from (?:the |our "
    r"|a )production (?:\w+ ){0,2}?(?:line"
    r"|hotline|system|site|service|fleet|logs?|traffic)\b"
)
_EVALUATED = re.compile(r"evaluat|accura|test|measur|score|validat|评估|测试|genauigkeit")
_TEST = re.compile(
    r"benchmark|evaluat|measur|accura|score|rouge|throughput|latency|test|samples|mAP|\bmap\b|perf|scenario"
    r"|config|\d"
)


_DOMAINS = frozenset({"driving", "summaries", "translation", "medical", "clicks", "retrieval", "tools", "long context"})
"""Domains of public sets that resemble somebody's deployment; general knowledge and photographs do not."""


def workload_relevance(document: Document) -> Iterator[Evidence]:
    """D: evaluated on the deployment's own domain; P: a workload-shaped profile, or a task that is like a domain."""
    for hit in document.hits(_DEPLOYED):
        words = document.reading.words(hit.unit)
        calibrating = CALIBRATION.search(words) is not None and not _EVALUATED.search(words)
        if not document.generic(hit.unit) and not calibrating and not document.about_training(hit.unit):
            yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))
    for hit in document.hits(_SHAPE):
        of_training = "steps" in hit.match[0] and document.about_training(hit.unit)
        if "harness" not in document.flags(hit.unit) and not of_training:
            yield Evidence(
                status=_P,
                value=hit.match[0],
                quote=document.quote(hit),
                note="a shape of load, not the deployment's data",
            )
    for mention, unit in document.reading.named("dataset"):
        if mention.detail.get("domain") in _DOMAINS and not _for_calibration(document, mention, unit):
            quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
            yield Evidence(status=_P, value=mention.name, quote=quote, note="a public set that is like a domain")
    for hit in document.hits(_DOMAIN, "row", "header", "sentence", "caption"):
        measured = _TEST.search(document.reading.words(hit.unit)) is not None
        if measured and not document.generic(hit.unit) and _has_results(document):
            yield Evidence(
                status=_P, value=hit.match[0], quote=document.quote(hit), note="like a domain, not the deployment's own"
            )


def _for_calibration(document: Document, mention: Mention, unit: Unit) -> bool:
    """Whether a data set calibrated, and nothing was evaluated on it here."""
    words = document.reading.words(unit)
    heading = document.reading.words(document.reading.units[unit.headings[-1]]) if unit.headings else ""
    told = mention.detail.get("role") == "calibration" or CALIBRATION.search(f"{heading} {words}") is not None
    return told and not _EVALUATED.search(f"{heading} {words}")


def _has_results(document: Document) -> bool:
    return any(
        v.component in {Component.ACCURACY_RESULT, Component.SUSTAINED_THROUGHPUT, Component.THROUGHPUT_GAIN}
        for v in document.values
    )
