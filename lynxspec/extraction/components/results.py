"""Evaluation set, accuracy of the quantized model and of its reference, and the acceptance criterion."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Strength, Value
from lynxspec.extraction.components.calibration import CALIBRATION
from lynxspec.extraction.document import Document, Evidence
from lynxspec.vocabulary import Component, Status

_D, _P = Status.DISCLOSED, Status.PARTIAL

_TRAINED_ON = re.compile(
    r"\b(?:pre-?)?trained (?:on|with|using)|fine-?tuned (?:on|with|using)|training (?:data|set)|calib"
)


def evaluation_set(document: Document) -> Iterator[Evidence]:
    """D: a named data set or benchmark that results are given on; P: a name in a heading alone."""
    for mention, unit in document.reading.named("dataset"):
        words = document.reading.words(unit)
        if document.boilerplate(unit) or document.flags(unit) & {"rival", "undone"} or _NOT_YET.search(words):
            continue
        calibrating = (
            mention.detail.get("role") == "calibration" or CALIBRATION.search(document.reading.near(unit)) is not None
        )
        other_use = (calibrating or _TRAINED_ON.search(words)) and (
            not re.search(r"evaluat|accurac|score|benchmark|perplexity|validat", words)
            or mention.detail.get("role") == "calibration"
        )
        if unit.kind in {"sentence", "code", "meta", "footnote"} and other_use:
            continue
        quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
        headed = unit.kind == "heading"
        yield Evidence(
            status=_P if headed else _D,
            value=mention.name,
            quote=quote,
            note="named in a heading alone" if headed else "",
        )
    yield from _unknown_sets(document)
    for hit in document.hits(_OWN_SET, "sentence", "caption", "footnote"):
        if not CALIBRATION.search(document.reading.words(hit.unit)) and not document.about_training(hit.unit):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="a set of their own, unnamed")
    for value in document.values:
        if (
            value.component in {Component.ACCURACY_RESULT, Component.ACCURACY_REFERENCE}
            and not value.dataset
            and _OWN_METRIC.search(value.metric.lower())
        ):
            yield Evidence(status=_P, value=value.metric, quote=value.evidence, note="a metric, and not on which data")
    for value in document.values:
        if value.dataset and value.component in {Component.ACCURACY_RESULT, Component.ACCURACY_REFERENCE}:
            yield Evidence(status=_P, value=value.dataset, quote=value.evidence, note="named in a heading alone")


_OWN_SET = re.compile(
    r"\b(?:held[- ](?:back|out)|unseen|(?:our|their|its) own)(?: \w+){0,3} (?:frames|images|tickets|calls|samples"
    r"|documents"
    r"|scans|prompts|questions|requests|recordings|utterances|test set)\b"
    r"|auf [\d.,]+ bildern (?:derselben|dieser|der)"
)
"""A set without a name that the vendor drew from its own data."""

_OWN_METRIC = re.compile(r"top-?[15]|\bmap\b|miou|word error|\bwer\b|bleu|rouge|perplexity|elo|psnr|\bf1\b")

_NOT_YET = re.compile(
    r"\bnot (?:yet )?(?:been )?(?:tested|evaluated|measured|benchmarked|run)|n't (?:been )?(?:test|evaluat"
    r"|measur)|no (?:results?|scores?|numbers?)|will be (?:published|added|measured)|to be (?:published|added)"
    r"|coming soon|尚未|未测"
)
"""A data set that is named to say that nothing was measured on it."""

_UNKNOWN_SET = re.compile(
    r"(?<![\w.])([A-Z][A-Za-z0-9]+(?:[-_ ][A-Z0-9][\w-]*){0,2})(?: \([^()]{2,40}\))? (?:data ?set"
    r"|benchmark suite|benchmark|test set|validation set)\b"
)
"""A capitalized name in front of the word: ``MVTec (capsule category) dataset``."""

_NO_SET = re.compile(
    r"(?i)^(?:the|this|our|each|a|an|any|no|your|calibration|evaluation|performance|quantization|standard"
    r"|training|for|on|to|these|all|more|public|mlperf|inference)\b"
)


def _unknown_sets(document: Document) -> Iterator[Evidence]:
    """Data sets that the lexicon does not know, by the word behind their name."""
    reading = document.reading
    units = reading.possible(_UNKNOWN_SET)
    for unit, match in ((u, m) for u in units for m in _UNKNOWN_SET.finditer(reading.text, u.start, u.end)):
        known = any(
            m.start < match.end(1) and m.end > match.start(1)
            for m in document.reading.names(unit, "dataset", "tool", "hardware", "model")
        )
        calibrating = CALIBRATION.search(document.reading.near(unit)) is not None
        if not known and not _NO_SET.match(match[1]) and not calibrating and not document.generic(unit):
            quote = document.reading.quote(unit, match.start() - unit.start, match.end() - unit.start)
            yield Evidence(status=_P if unit.kind == "heading" else _D, value=match[1], quote=quote)


_ADJECTIVE = re.compile(
    r"(?:near|virtually|almost|nearly|practically)?[- ]?lossless(?:ly)?|(?:minimal|negligible|little|no|zero"
    r"|without|marginal|small|slight|tiny|low|insignificant|acceptable"
    r"|comparable)(?: to no)?(?: \w+){0,3} (?:accuracy|quality|performance|precision) (?:loss|drop|degradation"
    r"|impact|reduction|penalty)"
    r"|(?:loss|drop|degradation|impact|decrease|reduction|change|sacrific\w+|compromis\w+)s? (?:of|in|on"
    r"|to)?(?: the| model)?(?: \w+)? ?(?:accuracy|quality) (?:is|was|are|remains?) (?:minimal|negligible|small"
    r"|low|tiny)|(?:minimal|negligible|little|no|without|virtually no|not)(?: \w+){0,2} (?:impact|effect|loss"
    r"|compromis\w+|sacrific\w+|degrad\w+|drop)(?: \w+){0,3} (?:accuracy|quality)"
    r"|(?:maintain|preserv|retain|keep|match|recover|restor|comparable|equivalent|similar|same|high|uncompromised"
    r"|excellent|good|full|competitive)\w*(?: \w+){0,4} (?:accuracy|quality)(?! (?:and|is|of) \d)|(?:accuracy"
    r"|quality) (?:is |was |are |remains? )?(?:preserved|maintained|retained|unchanged|on par|comparable"
    r"|nearly identical|intact)"
    r"|(?:accuracy|quality) (?:is|was|are|remains?|stays?) (?:still |very |really )?(?:great|good|excellent|high"
    r"|fine)\b"
    r"|(?:reduc|cut|shrink|halv|lower)\w* the (?:perplexity|accuracy|quality) (?:drop|loss|degradation|gap)"
    r"|loss of accuracy|pleasantly surprised|(?:good|better|best|superior|high(?:er)?) (?:model |output "
    r"|generation )?quality|无损|精度损失(?:很小|极小)|几乎无损|精度几乎|精度基本|정확도 손실|精度劣化"
    r"|ほぼ同等の精度|verlustfrei"
    r"|ohne (?:\w+ )?(?:genauigkeits|qualitäts)verlust|no (?:appreciable|noticeable|significant|measurable"
    r"|visible|perceptible)(?: \w+){0,3}"
)
_QUALITY = re.compile(r"accura|quality|lossless|loss|degrad|\bdrop|regress|无损|精度|정확도|verlust|genauigkeit")


def accuracy_result(document: Document) -> Iterator[Evidence]:
    """D: a number of the quantized model; P: a bound or an adjective."""
    yield from _graded(document, Component.ACCURACY_RESULT)
    yield from _praised_cells(document)
    for hit in document.hits(_ADJECTIVE, "sentence", "caption", "footnote", "heading", "row"):
        words = document.reading.words(hit.unit)
        if not _QUALITY.search(words) or re.search(r"\b(?:cannot|can't|must|should)\b", words):
            continue
        in_general = document.generic(hit.unit) and hit.unit.kind != "row"
        about = document.about_quantization(hit.unit) or document.is_about_quantization or document.is_unquantized
        if about and not in_general:
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="an adjective, no number")


_PRAISE = re.compile(
    r"(?:very |quite )?(?:ok|good|great|best|excellent|fair|decent|better|recommended|high|highest|low"
    r"|lossless|near lossless"
    r"|highly accurate|acceptable)(?: quality)?"
)
_QUALITY_COLUMN = re.compile(r"^(?:model |output )?(?:accuracy|quality)\b|质量|品質|품질")


def _praised_cells(document: Document) -> Iterator[Evidence]:
    """Adjectives where a table promises accuracy."""
    for number, sheet in enumerate(document.reading.sheets):
        for table in sheet.tables():
            headers = [
                (i, c.text.text.strip().lower()) for row in table.rows[: table.headers] for i, c in enumerate(row.cells)
            ]
            for index in (i for i, words in headers if _QUALITY_COLUMN.search(words)):
                for row in table.rows[table.headers :]:
                    words = row.cells[index].text.text if index < len(row.cells) else ""
                    if _PRAISE.fullmatch(words.strip(" *_!.").lower()):
                        quote = document.reading.quote_row(number, row)
                        yield Evidence(status=_P, value=words, quote=quote, note="an adjective, no number")


def _graded(document: Document, component: Component) -> Iterator[Evidence]:
    for value in document.values:
        if value.component is component:
            exact = value.strength is Strength.EXACT
            note = "" if exact else f"{value.strength.value}, no exact number"
            yield Evidence(status=_D if exact else _P, value=spelled(value), quote=value.evidence, note=note)


def spelled(value: Value) -> str:
    """A value for people: ``MMLU 66.1 (INT4 AWQ)``."""
    if value.low is None:
        return value.strength.value
    number = f"{value.low:g}" if value.high in (None, value.low) else f"{value.low:g} to {value.high:g}"
    unit = value.unit if value.unit in {"%", "x"} else f" {value.unit}" if value.unit else ""
    name = value.metric or value.dataset
    regime = f" ({value.precision})" if value.precision else ""
    bound = "up to " if value.strength is Strength.BOUND else ""
    return f"{name} {bound}{number}{unit}{regime}".strip()


_AGAINST = re.compile(
    r"compared (?:to|with) (?:the )?(?:\w+[ -]){0,2}(?:bf16|fp16|fp32|float|baseline|original|full|unquantized"
    r"|base)|(?:loss|drop|degradation|recover\w*|relative)[^.\n]{0,40}(?:bf16|fp16|fp32|float|baseline"
    r"|original|full[- ]precision|unquantized)"
)


def accuracy_reference(document: Document) -> Iterator[Evidence]:
    """D: a number of the reference; P: only a difference or ratio to it, or a footnote beside a table of results."""
    in_table = any(v.component is Component.ACCURACY_RESULT and document.in_table(v.evidence) for v in document.values)
    for value in document.values:
        if value.component is Component.ACCURACY_REFERENCE:
            aside = in_table and not document.in_table(value.evidence)
            exact = value.strength is Strength.EXACT and not aside
            yield Evidence(
                status=_D if exact else _P,
                value=spelled(value),
                quote=value.evidence,
                note="" if exact else "told of some of the results only",
            )
        elif value.component is Component.ACCURACY_RESULT and value.unit.endswith(("loss", "recovery")):
            yield Evidence(
                status=_P, value=spelled(value), quote=value.evidence, note="only the difference to it is told"
            )
    for hit in document.hits(_AGAINST):
        accuracy = re.search(
            r"accura|mmlu|score|perplexity|map\b|top-?1|quality|loss", document.reading.words(hit.unit)
        )
        if accuracy and any(v.component is Component.ACCURACY_RESULT for v in document.values):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="no number of the reference")


_NUMBER = r"\d+(?:\.\d+)?\s?(?:%|percent|points?|pp\b|ポイント|个百分点|个点|%p|퍼센트|prozent(?:punkte?n?)?)"
_EXPLICIT = re.compile(
    rf"(?:publish\w*|release\w*|ship\w*|deploy\w*|accept\w*) (?:\w+ ){{0,5}}only if[^.\n]{{0,80}}{_NUMBER}"
    rf"|(?:must|shall|should|target(?:ed|s)?|criteri\w+|accept\w*|threshold|tolerance|requirement|require[sd]?"
    rf"|goal|guarantee[sd]?|constraint|budget|max_drop|maximal_drop|accuracy_drop|quality target|pass(?:es)? if"
    rf"|ensure[sd]?)[^.\n]{{0,80}}{_NUMBER}"
    rf"|{_NUMBER}[^.\n]{{0,60}}(?:threshold|criteri\w+|target|tolerance|requirement|constraint|as acceptable"
    rf"|is acceptable|is considered|budget)|(?:max_drop|maximal_drop|accuracy_criterion|tolerable_loss|relative"
    rf"|absolute)\"?\s*[=:]\s*0?\.\d+|99(?:\.9)?\s?% of (?:the )?(?:fp32|fp16|bf16|reference|original|baseline"
    rf"|full)|(?:許容|허용|允许|要求|必须|须|验收|阈值|达标)[^。\n]{{0,40}}{_NUMBER}"
    rf"|(?:zulässig|erlaub|akzeptier|toleran|grenzwert|schwelle|kriterium|abnahme)\w*[^.\n]{{0,60}}{_NUMBER}"
    rf"|{_NUMBER}\s?(?:以内|之内)[^。\n]{{0,8}}(?:可接受|接受|合格|达标)"
    rf"|accept\w* (?:a (?:loss|drop) of )?(?:at most|no more than|up to) (?:one|half a|two) (?:percentage )?points?"
    rf"|(?:our|the) (?:bar|limit|margin)\b[^.\n]{{0,48}}(?:(?:one|half a|two) (?:percentage )?points?|{_NUMBER})"
)
_VAGUE = re.compile(
    r"meet\w*(?: \w+){0,3} (?:accuracy|quality) (?:requirement|target|constraint|criteri|goal)\w*"
    r"|accept\w+ (?:accuracy|quality|loss|drop|degradation|range|level)|(?:accuracy"
    r"|quality)(?: \w+){0,2} (?:requirement|target|constraint|budget|criteri|threshold|tolerance|goal)\w*"
    r"|(?:accuracy|quality|loss|drop|degradation)(?: \w+){0,3} (?:is|was|are|were) acceptable|good enough"
    r"|satisf\w+ (?:accuracy|quality)|(?:within|in) (?:an )?accept\w+ (?:range|limit|margin|bounds)|可接受"
    r"|허용 (?:범위|가능)|許容(?:範囲|誤差)|tolerable (?:loss|accuracy)"
    r"|within \d+(?:\.\d+)?\s?% of (?:the )?(?:fp32|fp16"
    r"|bf16|float|original|baseline|reference|full)|maximum (?:absolute )?(?:accuracy )?(?:drop|difference"
    r"|loss)|accuracy control|max_drop|desired level of|tolerance for|akzeptab\w+|quality (?:is )?(?:high"
    r"|good) enough"
)
_OF_ACCURACY = re.compile(
    r"accura|quality|score|perplex|map(?:50)?\b|top-?1|degrad|loss|drop|recover|differen|mmlu|metric|精度|准确率|正解率|정확도"
    r"|f1\b|bleu|verlust|genauigkeit|fp32"
    r"|fp16|reference|criterion"
)


def acceptance_criterion(document: Document) -> Iterator[Evidence]:
    """D: an explicit threshold that the quantized model has to meet; P: a vague one."""
    for hit in document.hits(_EXPLICIT):
        words = document.reading.words(hit.unit)
        if (
            _OF_ACCURACY.search(words)
            and not re.search(r"memory|learning rate|latency budget|speed", hit.match[0])
            and "harness" not in document.flags(hit.unit)
        ):
            told = not document.generic(hit.unit)
            yield Evidence(
                status=_D if told else _P,
                value=hit.match[0][:80],
                quote=document.quote(hit),
                note="" if told else "told in general",
            )
    for hit in document.hits(_VAGUE):
        excluded = re.search(r"(?:cases where|\bif|\bwhen)\b[^.]*$", document.reading.words(hit.unit)[: hit.start])
        if document.is_about_quantization and not excluded:
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="no threshold in numbers")
