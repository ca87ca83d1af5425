"""Accuracy out of sentences: scores, losses and recoveries of the quantized model and of its reference."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Value
from lynxspec.extraction.document import CRITERION, QUANT, Document
from lynxspec.extraction.prose import PROSE, bindings
from lynxspec.extraction.quantities import NUMBER
from lynxspec.extraction.quantities import strength as bound_by
from lynxspec.extraction.reading import Unit
from lynxspec.extraction.schemes import clause, scheme_of, schemes
from lynxspec.vocabulary import Component

_ACCURACY = re.compile(
    r"accura\w+|error rate|\belo\b|perplexity|\bppl\b|top-?[15]\b|\bmap\b|\bf1\b|recover\w*|score[sd]?\b"
    r"|\bwer\b|\bbleu\b|rouge"
    r"|degrad\w+|quality|精度|准确率|정확도|mmlu|gsm8k|exact match|psnr|\bmiou\b|genauigkeit|pass@1|\bloss\b"
    r"|signal strength|\bdb\b|\bsnr\b"
)
_PAIR = re.compile(
    rf"(?<![\w.,])(?:from ({NUMBER})\s?%? to ({NUMBER})\s?%?|({NUMBER})\s?%?,? (?:vs\.?|versus|compared (?:to"
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


def accuracies(document: Document) -> Iterator[Value]:
    """Accuracy figures in prose."""
    for unit in document.reading.units:
        if unit.kind not in PROSE or unit.kind == "heading":
            continue
        words = document.reading.words(unit)
        if not _DIGIT.search(words):
            continue  # the cheapest test first: most sentences end here
        names = document.reading.names(unit, "metric", "dataset")
        told = names or _ACCURACY.search(words)
        told = told or (_REACHES.search(words) and _ACCURACY.search(document.reading.near(unit, after=0)))
        if not told:
            continue
        if (
            CRITERION.search(words)
            or _TARGET.search(words)
            or document.boilerplate(unit)
            or "harness" in document.flags(unit)
            or _FAILED.search(words)
            or (document.generic(unit) and not names and not document.reading.names(unit, "model"))
        ):
            continue
        yield from _accuracies(document, unit, words)


def _accuracies(document: Document, unit: Unit, words: str) -> Iterator[Value]:
    pairs = {m.span(): m for m in _PAIR.finditer(words)}
    for span, match in pairs.items():
        if not _accuracy_near(words, *span):
            continue
        first, second = next((a, b) for a, b in ((match[1], match[2]), (match[4], match[3]), (match[5], match[6])) if a)
        percent = "%" in match[0]
        yield _accuracy(document, unit, span, float(first.replace(",", "")), "reference", "%" if percent else "")
        yield _accuracy(document, unit, span, float(second.replace(",", "")), "quantized", "%" if percent else "")
    for match in _SCORE.finditer(words):
        inside = any(s <= match.start() < e for s, e in pairs)
        plain = match[2] is None and _SMALL_INTEGER.fullmatch(match[1]) is not None
        plain = plain and not re.search(r"\belo\b", words)
        if inside or plain or not _accuracy_near(words, *match.span()) or _named_number(document, unit, match):
            continue
        yield _judged(document, unit, words, match)


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


def _judged(document: Document, unit: Unit, words: str, match: re.Match[str]) -> Value:
    """One accuracy figure: a score, a loss, or a recovery; of the quantized model or of its reference."""
    around = words[max(0, match.start() - 60) : match.end() + 40]
    unit_word = {"percent": "%", "points": "points", "point": "points", "pp": "points"}.get(
        match[2] or "", match[2] or ""
    )
    number = float(match[1].lstrip("+-").replace(",", ""))
    if re.search(r"recover|retain|preserv|of the (?:original|baseline|fp|bf)|relative", around):
        unit_word = f"{unit_word} recovery".strip()
    elif (
        not re.search(r"(?:drops?|decreases?|reduces?|falls?)(?: \w+){0,3} to [~≈]?$", words[: match.start()])
        and re.search(
            r"(?:accuracy|quality|score|map|mmlu|top-1|metric|performance)?\s?(?:loss|drop|degrad|decreas|reduc|lower"
            r"|below|within|deviat|gap|差|손실|下降)",
            around,
        )
        and not re.search(r"val(?:idation)? loss|loss of \d+\.\d{3}", around)
    ):
        unit_word = f"{unit_word} loss".strip()
    nearest = scheme_of(words, match.start(), list(schemes(words)))
    before = words[max(clause(words, match.start())[0], match.start() - 40) : match.start()]
    said = re.search(
        r"(?:baseline|original|fp32|fp16|bf16|f32|float\w*|full[- ]precision|reference|unquantized)[^.;]{0,36}$", before
    )
    behind = re.match(r"[^.;,]{0,12}\((?:fp32|fp16|bf16|baseline|original|float)", words[match.end() :])
    only_reference = {s.sort for s in schemes(words)} == {"reference"}
    above = document.reading.above(unit)
    if (
        not list(schemes(words))
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


def _accuracy(document: Document, unit: Unit, span: tuple[int, int], number: float, role: str, unit_word: str) -> Value:
    words = document.reading.words(unit)
    bound = bindings(document, unit, span[0])
    for kind in ("metric", "dataset"):
        names = document.reading.names(unit, kind)
        close = min(names, key=lambda m: abs(m.start - unit.start - span[0]), default=None)
        bound[kind] = document.reading.text[close.start : close.end] if close else ""
    if not bound["metric"] and (said := re.search(r"signal strength|\bsnr\b|quality|accuracy", words)):
        bound["metric"] = said[0]
    if role == "reference":
        bound["precision"] = next((s.name for s in schemes(words) if s.sort == "reference"), "")
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
