"""Accuracy out of sentences: scores, losses and recoveries of the quantized model and of its reference."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Value
from lynxspec.extraction.binding import bindings, closest
from lynxspec.extraction.change import denied
from lynxspec.extraction.document import CRITERION, QUANT, Document
from lynxspec.extraction.pieces import Kind
from lynxspec.extraction.quantities import NUMBER
from lynxspec.extraction.quantities import strength as bound_by
from lynxspec.extraction.reading import Unit
from lynxspec.extraction.schemes import clause, of_later_number, scheme_of, schemes
from lynxspec.vocabulary import Component

_ACCURACY = re.compile(
    r"accura\w+|error rate|\belo\b|perplexity|\bppl\b|top-?[15]\b|\bmap(?:50)?\b|\bf1\b|recover\w*|score[sd]?\b"
    r"|\bwer\b|\bbleu\b|rouge"
    r"|degrad\w+|quality|精度|准确率|정확도|mmlu|gsm8k|exact match|psnr|\bmiou\b|genauigkeit|pass@1|\bloss\b"
    r"|(?:task )?success(?: rate)?\b|(?:pass|win|resolution) rate"
    r"|signal strength|\bdb\b|\bsnr\b"
)
_PAIR = re.compile(
    rf"(?<![\w.,])(?:(?:from|von) ({NUMBER})\s?%?(?: \([^()]{{1,20}}\))? (?:to|auf) ({NUMBER})\s?%?"
    rf"|({NUMBER})\s?%?,? (?:vs\.?|versus"
    rf"|compared (?:to"
    rf"|with)"
    rf"|against) ({NUMBER})\s?%?|({NUMBER})\s?%?(?:에서| ?→ ?| ?-> ?|から|(?:下|提)?[降升]?(?:低"
    rf"|高)?(?:至|到))\s?({NUMBER}))",
    re.ASCII,
)
_SCORE = re.compile(
    rf"(?<![\w.,:/-])([+-]?{NUMBER})\s?(%|points?|pp\b|db\b|percent)?(?!\w|\.\d|-[a-z]|,\d|\s?x\b|\s?(?:random "
    rf"|validation |test )?(?:images|samples|prompts|items|questions|calls|examples|sentences|tokens"
    rf"|calibration|utterances|words|batches|epochs|steps|gb|mb|watt|layers|classes|requests))",
    re.ASCII,
)
_FAILED = re.compile(r"(?:inference|request|http|connection|runtime|network) errors?\b|time-?outs?\b")
"""Errors of a service, which no accuracy counts."""
_REACHES = re.compile(r"\b(?:reach|achiev|attain|averag)\w* (?:of )?\d+(?:\.\d+)?\s?%")
"""What follows a sentence on accuracy goes on with its figures."""
_TARGET = re.compile(r"(?:accuracy|quality|map|top-1) targets?\b|target (?:accuracy|quality|map|top-1)\b")
_SMALL_INTEGER = re.compile(r"\d{1,4}")


_DIGIT = re.compile(r"\d")
_TELLING: tuple[Kind, ...] = ("sentence", "caption", "footnote")


def accuracies(document: Document) -> Iterator[Value]:
    """Accuracy figures in prose."""
    reading = document.reading
    speaking, going_on = reading.having(_ACCURACY, *_TELLING), reading.having(_REACHES, *_TELLING)
    apart = reading.having(_TARGET, *_TELLING) | reading.having(_FAILED, *_TELLING)
    demanding = reading.having(CRITERION, *_TELLING)
    for unit in reading.units:
        if unit.kind not in _TELLING or not _DIGIT.search(reading.lower, unit.start, unit.end):
            continue  # the cheapest test first: most sentences end here
        names = reading.names(unit, "metric", "dataset")
        told = bool(names) or unit.index in speaking
        if not told and not (unit.index in going_on and _ACCURACY.search(reading.near(unit, after=0))):
            continue
        words = reading.words(unit)
        if (
            unit.index in apart
            or (unit.index in demanding and "; " not in words)
            or document.boilerplate(unit)
            or document.flags(unit) & {"harness", "undone"}
            or (document.generic(unit) and not names and not document.reading.names(unit, "model"))
        ):
            continue
        yield from _accuracies(document, unit, words)


_LOGGED = re.compile(
    rf"(?:metric|accuracy|score|top-?1|map) of (?:the )?(initial|original|fp32|float|floating[- ]point|quantized|int8)"
    rf" model\s?[:=]\s?({NUMBER})",
    re.ASCII,
)
"""What accuracy-aware quantizers print: ``Metric of initial model: 0.366``."""


def logged(document: Document) -> Iterator[Value]:
    """Accuracy figures of a tool's log."""
    for hit in document.hits(_LOGGED, "code", "sentence"):
        role = "quantized" if hit.match[1] in {"quantized", "int8"} else "reference"
        span = hit.start, hit.end
        if hit.unit.kind == "code":
            yield _accuracy(document, hit.unit, span, float(hit.match[2].replace(",", "")), role, "")


def _accuracies(document: Document, unit: Unit, words: str) -> Iterator[Value]:
    pairs = {m.span(): m for m in _PAIR.finditer(words)}
    for span, match in pairs.items():
        if not _accuracy_near(words, *span) or _is_bar(words, span[0]):
            continue
        first, second = next((a, b) for a, b in ((match[1], match[2]), (match[4], match[3]), (match[5], match[6])) if a)
        if match[3]:
            first, second = _as_named(words, match, first, second)
        if not first:
            continue
        percent = "%" in match[0]
        yield _accuracy(document, unit, span, float(first.replace(",", "")), "reference", "%" if percent else "")
        yield _accuracy(document, unit, span, float(second.replace(",", "")), "quantized", "%" if percent else "")
    for match in _SCORE.finditer(words):
        inside = any(s <= match.start() < e for s, e in pairs)
        plain = match[2] is None and _SMALL_INTEGER.fullmatch(match[1]) is not None
        plain = plain and not re.search(r"\belo\b", words)
        if (
            inside
            or plain
            or _is_bar(words, match.start())
            or not _accuracy_near(words, *match.span())
            or _named_number(document, unit, match)
        ):
            continue
        if (
            _OF_SPEED.match(words, match.end())
            or denied(words, match.start())
            or words[: match.start()].endswith(("rtf ", "rtf of ", "rtf: "))
        ):
            continue
        value = _judged(document, unit, words, match)
        if value is not None:
            yield value


def _part(words: str, at: int) -> tuple[int, int]:
    """The part of a sentence between the semicolons around a place."""
    end = words.find("; ", at)
    return words.rfind("; ", 0, at) + 1, end if end >= 0 else len(words)


def _is_bar(words: str, at: int) -> bool:
    """Whether a number stands in a part of its sentence that tells what a result has to be."""
    start, end = _part(words, at)
    return CRITERION.search(words, start, end) is not None


def _as_named(words: str, match: re.Match[str], first: str, second: str) -> tuple[str, str]:
    """Reference and result of ``70.1 vs. 69.8``: as the names before it say; empty if it is no pair."""
    after = list(schemes(words[match.end() : match.end() + 16]))
    if after and after[0].sort == "quantized":
        return "", ""  # both are quantized
    before = list(schemes(words[max(0, match.start() - 60) : match.start()]))[-2:]
    if [s.sort for s in before] == ["reference", "quantized"] and not after:
        return second, first
    return first, second


_OF_SPEED = re.compile(
    r"\s?(?:faster|slower|quicker|smaller|cheaper|(?:less|more|higher|lower) (?:\w+ )?(?:memory|latency|throughput"
    r"|power|energy|size|storage|speed|cost|v?ram|bandwidth))\b"
)


def _named_number(document: Document, unit: Unit, match: re.Match[str]) -> bool:
    """Whether a number is part of a name: ``ResNet 50``, ``Llama 3.1``, ``TensorRT 9.3``."""
    start, end = unit.start + match.start(), unit.start + match.end()
    return any(
        m.start < end and m.end > start
        for m in document.reading.names(
            unit, "model", "tool", "hardware", "driver", "dataset", "metric", "algorithm", "calibration_method"
        )
    )


def _accuracy_near(words: str, start: int, end: int) -> bool:
    """Whether the nearest word that says what a number is of speaks of accuracy."""
    around = words[max(0, start - 110) : end + 40]
    if not (_ACCURACY.search(around) or _REACHES.search(words) or re.search(r"[a-z]{3,}", around) is None):
        return False
    close = words[max(0, start - 40) : end + 30]
    return not (_NOT_ACCURACY.search(close) and not _ACCURACY.search(close))


_NOT_ACCURACY = re.compile(
    r"faster|speed|throughput|latenc|memory|size|smaller|reduc\w+ (?:in )?(?:memory|size)|tokens|parameters"
    r"|bits|samples|images|gb\b|watt|percentile|utili[sz]ation|bandwidth|of (?:the )?peak"
)


_MORE = re.compile(
    r"\s?(?:(?:percentage )?points? )?(?:\w+ly )?(higher|better|more accurate|above|lower|worse|less accurate|below"
    r"|behind)\b"
)
_CHANGED = re.compile(
    r"(?:\b(gain|improv|increas|ris|rais|rose|grow|grew|climb|reduc|decreas|lower|drop|fell|fall|declin|degrad)\w*"
    r"(?: \w+){0,3} by|\b(gain|los)(?:s|es|t|ing)?"
    r"|(?<!loss )\b(increas|ris|improv|drop|decreas|declin|fall)(?:e|ement)? (?:of|is|was))(?: only| just| about)? $"
)
_GOOD = frozenset({"better", "more accurate", "improv", "gain"})
_BAD = frozenset({"worse", "less accurate", "degrad", "los", "behind"})
_UPWARD = frozenset({"higher", "above", "increas", "ris", "rais", "rose", "grow", "grew", "climb"})


def _difference(document: Document, unit: Unit, words: str, match: re.Match[str]) -> str:
    """Whether a number is how much worse (``loss``) or better (``gain``) a result is; empty if it is a result."""
    told = _MORE.match(words, match.end()) or _CHANGED.search(words, max(0, match.start() - 48), match.start())
    word = next((group for group in told.groups() if group), "") if told else ""
    if not word or word in _GOOD | _BAD:
        return "" if not word else "gain" if word in _GOOD else "loss"
    metric = closest(document, unit, match.start(), "metric")
    falls = metric is not None and metric.detail.get("better") == "lower"
    return "loss" if (word in _UPWARD) == falls else "gain"


_SEGMENT_END = re.compile(r"[,;()](?!\d)")


def _segment(words: str, match: re.Match[str]) -> str:
    """What stands between the commas and brackets around a number."""
    before = _SEGMENT_END.split(words[max(0, match.start() - 60) : match.start()])[-1]
    return before + match[0] + _SEGMENT_END.split(words[match.end() : match.end() + 40])[0]


def _judged(document: Document, unit: Unit, words: str, match: re.Match[str]) -> Value | None:
    """One accuracy figure: a score, a loss, or a recovery; of the quantized model or of its reference."""
    difference = _difference(document, unit, words, match)
    if difference == "gain":
        return None
    around = words[max(0, match.start() - 60) : match.end() + 40]
    segment = _segment(words, match)
    named_here = _NAMED_HERE.search(segment) is not None and not _KIND.search(segment)
    around = segment if named_here or _KIND.search(segment) else around
    unit_word = {"percent": "%", "points": "points", "point": "points", "pp": "points"}.get(
        match[2] or "", match[2] or ""
    )
    number = float(match[1].lstrip("+-").replace(",", ""))
    if difference:
        unit_word = f"{unit_word} loss".strip()
    elif re.search(r"recover|retain|preserv|of the (?:original|baseline|fp|bf)|relative (?:accuracy|to)", around):
        unit_word = f"{unit_word} recovery".strip()
    elif (
        not re.search(r"(?:drops?|decreases?|reduces?|falls?)(?: \w+){0,3} to [~≈]?$", words[: match.start()])
        and re.search(
            r"(?:accuracy|quality|score|map|mmlu|top-1|metric|performance)?\s?(?:loss|drop|degrad|decreas|reduc|lower"
            r"|below(?! the \d)|within|deviat|gap|差|손실|损失|下降)",
            around,
        )
        and not re.search(r"val(?:idation)? loss|loss of \d+\.\d{3}", around)
    ):
        unit_word = f"{unit_word} loss".strip()
    first, last = _part(words, match.start())
    named = [s for s in document.schemes_in(unit) if first <= s.start < last]
    own_end = clause(words, match.start())[1]
    named = [s for s in named if s.start < own_end or not of_later_number(words, s)]
    nearest = scheme_of(words, match.start(), named)
    before = words[max(clause(words, match.start())[0], match.start() - 40) : match.start()]
    said = re.search(
        r"(?:baseline|original|fp32|fp16|bf16|f32|float\w*|full[- ]precision|reference|unquantized)[^.;]{0,36}$", before
    ) or _KEYED_REFERENCE.search(words, 0, match.start())
    behind = _SAYS_REFERENCE.match(words, match.end())
    only_reference = {s.sort for s in named} == {"reference"}
    behind = behind or _UNTOUCHED.match(words, match.end())
    above = document.reading.above(unit)
    if (
        not named
        and "quant" not in document.flags(unit)
        and not QUANT.search(above)
        and document.is_about_quantization
        and not re.search(r"baseline|original|reference", words)
    ):
        only_reference = True  # a sentence of its own about the model, in a text about quantizing it
    of_reference = bool(said or behind or only_reference) and not unit_word.endswith(("loss", "recovery"))
    if (
        nearest is not None
        and not said
        and not behind
        and nearest.sort == "reference"
        and abs(nearest.start - match.start()) < 24
    ):
        of_reference = not unit_word.endswith(("loss", "recovery"))
    return _accuracy(document, unit, match.span(), number, "reference" if of_reference else "quantized", unit_word)


_NAMED_HERE = re.compile(r"mmlu|gsm8k|imagenet|perplexity|\bppl\b|\bwer\b|top-[15]|\bmap\b|\bbleu\b|\bf1\b")
_KIND = re.compile(
    r"recover|retain|preserv|of the (?:original|baseline|fp|bf)|relative|loss|drop|degrad|decreas|within"
)
_KEYED_REFERENCE = re.compile(r"\b(?:baseline|reference|original|unquantized|float)\s?[:=]\s?$")
_SAYS_REFERENCE = re.compile(
    r"[^.;,]{0,12}\((?:fp32|fp16|bf16|baseline|original|float|reference|unquantized)(?![^()]{0,24}\d[^()]{0,12}\))"
)
"""Right behind a number: ``70.1 (FP16)``, and not ``69.8 (FP16: 70.1)``, which gives the other one's number."""
_UNTOUCHED = re.compile(
    r"[^.;]{0,32}\b(?:(?:before|prior to|without) (?:\w+ )?(?:quanti[sz]|conversion|compression)|vor der (?:quanti"
    r"|umwand))"
    r"|\s?(?:%|percent|points?)? (?:before|vorher)\b(?: that| it)?\s?(?:[.,;:)]|$)"
)


def _accuracy(document: Document, unit: Unit, span: tuple[int, int], number: float, role: str, unit_word: str) -> Value:
    words = document.reading.words(unit)
    bound = bindings(document, unit, span[0])
    for kind in ("metric", "dataset"):
        close = closest(document, unit, span[0], kind)
        bound[kind] = document.reading.text[close.start : close.end] if close else ""
    if not bound["metric"] and (said := re.search(r"signal strength|\bsnr\b|quality|accuracy", words)):
        bound["metric"] = said[0]
    if role == "reference":
        bound["precision"] = next((s.name for s in document.schemes_in(unit) if s.sort == "reference"), "")
    return Value(
        component=Component.ACCURACY_REFERENCE if role == "reference" else Component.ACCURACY_RESULT,
        low=number,
        high=number,
        unit=unit_word,
        strength=bound_by(words, *span),
        role="reference" if role == "reference" else "quantized",
        evidence=document.reading.quote(unit, *span),
        **bound,
    )
