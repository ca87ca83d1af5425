"""Calibration data and method, or the explicit word that none is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Quote, Value
from lynxspec.extraction.document import Document, Evidence
from lynxspec.extraction.quantities import NUMBER, number, strength
from lynxspec.extraction.reading import Hit, Unit
from lynxspec.extraction.schemes import label
from lynxspec.facts.lexicon import Mention
from lynxspec.sheet import Table
from lynxspec.vocabulary import Component, Status

_D, _P = Status.DISCLOSED, Status.PARTIAL

CALIBRATION = re.compile(
    r"calib|校准|标定|校正|較正|キャリブレーション|캘리브레이션|보정|kalibr"
    r"|representative (?:data|set|sample)|num_samples|nsamples"
    r"|quantization data(?:set)?"
)

NONE_NEEDED = re.compile(
    r"calibration[- ]free|data[- ]free|(?:no|without(?: (?:any|requiring|the need for"
    r"|needing))?(?: post-training)?|zero) calibration(?! error)|(?:not|n't|never) (?:need|require|use|rely on"
    r"|involve)s? (?:any |a )?(?:calibration|data(?:set)?\b)"
    r"|skip(?:s|ping|ped)? (?:the )?calibration|no need (?:to|for) (?:any )?(?:calibrat|pre-quantiz)"
    r"|calibration (?:data(?:set)? |step |process )?(?:is|was) not (?:needed|required|used|necessary)"
    r"|no (?:additional )?(?:data|dataset) (?:is |was )?(?:needed|required|used)"
    r"|(?:不需要|无需|不用|无须|不依赖|免|无)(?:使用|任何|额外的?)?(?:校准|标定)"
    r"|(?:キャリブレーション|較正|校正)\w{0,6}(?:不要|必要ありません|必要とし|必要ない|必要な[しく]|行[っい]ていません)"
    r"|(?:캘리브레이션|보정)[^.,;]{0,8}(?:필요 ?없|필요하지 않|불필요)|캘리브레이션 없이|보정 없이"
    r"|keine kalibrier\w*|ohne (?:jede )?kalibrier\w*"
    r"|kalibrier\w*(?: \w+){0,2} (?:ist|sind|war|waren|wird) (?:dafür |also |daher )?(?:nicht|un)\s?(?:nötig"
    r"|notwendig"
    r"|erforderlich)|on[- ]the[- ]fly (?:weight )?quanti[sz]ation"
)

OF_CALIBRATION = re.compile(r"free|calib|校准|标定|較正|校正|キャリブ|캘리브|보정|kalibr")
"""Of what is denied: calibration itself, and not only that data was used."""

_WITHOUT_DATA = re.compile(r"without (?:any |using |access to )*(?:training |additional |original )+data\b")

_COUNT = re.compile(
    rf"(?<![a-z0-9_.])({NUMBER})\s?(k|thousand|万|千)?[ -](?:(?!\d+[ -])\w+[ -]){{0,3}}?(samples?|images?"
    rf"|examples?|sequences?"
    rf"|prompts?|sentences?|data points|rows|texts?|documents?|utterances?|frames?|inputs?|batches|conversations?"
    rf"|dialog(?:ue)?s?|tickets?|clips?|recordings?|pairs?)\b"
    rf"|({NUMBER})\s?(?:张|条|个样本|个样例|枚|件|サンプル|장(?:의)? (?:이미지|사진)|개(?:의)? ?(?:샘플"
    rf"|이미지|문장)|샘플|문장)"
    rf"|({NUMBER}) (?:\w+ )?(?:bilder|beispiele|beispielsätze|sätze|stichproben|sequenzen|texte)n?\b"
)
_CODE_COUNT = re.compile(
    r"(?:num|n|max|nb|number|calib\w{0,24})_?-?(?:of_)?(?:calib\w{0,24}|train)?[_-]?(?:samples?|images?|data|size|steps"
    r"|examples|iterations?|nsamples)(?:_?per_dataset)?\"?\s*[=: ]\s*\"?(\d[\d_,]*)"
    r"|calib(?:ration)?[_-](?:size|set[_-]size|dataset[_-]size|batches|num|data[_-]size|steps"
    r"|samples)\"?\s*[=: ]\s*\"?(\d[\d_,]*)"
    r"|nsamples\"?\s*[=: ]\s*(\d+)|calib\w{0,24}_(\d{2,6})(?![\d\w]*k)|(?:subset|dataset)_size\"?\s*[=:]\s*(\d+)"
)
_DATA_WORD = re.compile(
    r"calibration (?:data|set|sample|image|dataset|prompt|text|corpus)|representative (?:data|set|sample|image"
    r"|dataset)|data (?:\w+ ){0,10}(?:to|for) calibrat|calibrat\w+ (?:\w+ ){0,4}(?:data|set|samples|images)"
    r"|(?:校准|标定)(?:数据|集|图片)|較正データ|キャリブレーション(?:データ|用)|캘리브레이션 데이터|kalibrier\w*daten"
    r"|imatrix|importance matrix|--calib\w*"
)
_DATA_OF_CODE = re.compile(
    r"(?:dataset|calib_data|calib_dataset|dataset_id|calibration_dataset|data|ds)(?:_name|_path"
    r"|_id)?\"?\s*[=:]\s*\"?([a-z0-9_\-/.]{2,60})|load_dataset\(\s*\"([^\"]+)\"|--(?:calib_)?dataset(?:_name"
    r"|_path)?[ =]([a-z0-9_\-/.]+)"
)


def data(document: Document) -> Iterator[Evidence]:
    """D: a named set with a sample count, or an explicit "none"; P: a name or a count alone, or data in general."""
    for hit in document.hits(NONE_NEEDED):
        if (
            _calibrates(document, hit.unit)
            or "quant" in document.flags(hit.unit)
            or document.about_quantization(hit.unit)
        ):
            yield Evidence(status=_D, value="none needed", quote=document.quote(hit))
    counts = [
        (f"{v.low:g} samples", v.evidence)
        for v in document.values
        if v.component is Component.CALIBRATION_DATA and v.low
    ]
    names = [*_names(document)]
    both = bool(counts) and bool(names)
    note = "" if both else "how many samples is not told" if names else "which data set is not told"
    for value, quote in (*counts, *names):
        yield Evidence(status=_D if both else _P, value=value, quote=quote, note=note)
    for hit in document.hits(_WITHOUT_DATA):
        if document.about_quantization(hit.unit):
            yield Evidence(
                status=_P,
                value="no training data",
                quote=document.quote(hit),
                note="of calibration itself it is not told",
            )
    for hit in document.hits(_DATA_WORD):
        if document.definition(hit.unit) or "undone" in document.flags(hit.unit):
            continue
        yield Evidence(status=_P, value="", quote=document.quote(hit), note="neither data set nor sample count")


def _calibrates(document: Document, unit: Unit) -> bool:
    """Whether a unit speaks of calibrating a quantizer."""
    words = document.reading.words(unit)
    return CALIBRATION.search(words) is not None and "calibration error" not in words


def _context(document: Document, unit: Unit) -> bool:
    """Whether a unit, its block or a close neighbour speaks of calibration."""
    near = document.reading.near(unit, before=2, after=2)
    if unit.kind in {"code", "meta"}:
        near = document.reading.near(unit, before=12, after=12)
    gptq_samples = re.search(r"(?:for|using|with|run|ran) (?:the )?(?:gptq|awq|spinquant|smoothquant|autoround)", near)
    optimizing = re.search(r"optimi[sz]|quanti[sz]|compress", near) is not None and "dataset" in document.reading.words(
        unit
    )
    ranges = unit.kind == "sentence" and _RANGES.search(document.reading.words(unit)) is not None
    return CALIBRATION.search(near) is not None or gptq_samples is not None or optimizing or ranges


_RANGES = re.compile(
    r"(?:scales?|ranges|statistics)\b[^.;]{0,60}\b(?:collected|measured|gathered|estimated|computed|derived"
    r"|determined)"
    r"|(?:collect|measur|gather|estimat|comput|determin)\w* (?:the )?(?:\w+ ){0,2}(?:scales|ranges|statistics)"
    r"|quanti[sz](?:ation|ed|ing)\b(?:[^.;,]|\.\d){0,72}?\b(?:with|using|on|over) (?:\w+ )?\d+ (?:\w+ )?"
    r"(?:samples|images|examples|prompts)"
)
"""How calibration is told without its name."""


def sample_counts(document: Document) -> Iterator[Value]:
    """How many samples prose and code say that calibration took."""
    for hit in document.hits(_COUNT):
        if hit.unit.kind in {"code", "meta"} or not _context(document, hit.unit) or _of_evaluation(document, hit):
            continue
        if "undone" in document.flags(hit.unit):
            continue
        count = number(f"{hit.match[1] or hit.match[4] or hit.match[5]}{hit.match[2] or ''}")
        yield _count(document, hit, count)
    for hit in document.hits(_CODE_COUNT):
        if "harness" in document.flags(hit.unit) or not (_context(document, hit.unit) or "calib" in hit.match[0]):
            continue
        yield _count(document, hit, number(next(g for g in hit.match.groups() if g).replace("_", "")))


def _count(document: Document, hit: Hit, samples: float | None) -> Value:
    """A sample count with the algorithm and the data set that its sentence names nearest to it."""

    def nearest(*kinds: str) -> str:
        names = document.reading.names(hit.unit, *kinds)
        close = min(names, key=lambda m: abs(m.start - hit.match.start()), default=None)
        return document.reading.text[close.start : close.end] if close else ""

    return Value(
        component=Component.CALIBRATION_DATA,
        low=samples,
        high=samples,
        unit="samples",
        strength=strength(document.reading.words(hit.unit), hit.start, hit.end),
        role="quantized",
        evidence=document.quote(hit),
        precision=nearest("algorithm"),
        dataset=nearest("dataset") or _set_before(document, hit),
    )


def _set_before(document: Document, hit: Hit) -> str:
    """The data set that the sentences before name, where this one says "the same dataset" or names none."""
    for unit in reversed(document.reading.units[max(0, hit.unit.index - 3) : hit.unit.index]):
        names = document.reading.names(unit, "dataset")
        if unit.block == hit.unit.block and names:
            return document.reading.text[names[-1].start : names[-1].end]
    return ""


def _of_evaluation(document: Document, hit: Hit) -> bool:
    """Whether a count is of evaluation, training or batch items rather than of calibration."""
    words = document.reading.words(hit.unit)
    if CALIBRATION.search(words):
        return False
    if _TRAINED_WITH.search(words[: hit.start]):
        return True
    return (
        re.search(
            r"evaluat|benchmark|throughput|latency|per second|batch|accuracy (?:on|over)|test set|validation", words
        )
        is not None
    )


_TRAINED_WITH = re.compile(r"\btrain(?:ed|ing) (?:on|with|using|over) (?:\w+ ){0,3}$")


def _names(document: Document) -> Iterator[tuple[str, Quote]]:
    for mention, unit in document.reading.named("dataset"):
        words = document.reading.words(unit)
        if (
            document.boilerplate(unit)
            or document.flags(unit) & {"harness", "undone"}
            or (unit.kind in {"header", "row", "heading"} and not CALIBRATION.search(words))
        ):
            continue
        typical = mention.detail.get("role") == "calibration"
        if (
            CALIBRATION.search(words)
            or (typical and _context(document, unit))
            or (unit.kind == "code" and _context(document, unit))
        ):
            if re.search(r"evaluat|accuracy|score|validat", words) and not CALIBRATION.search(words):
                continue
            yield mention.name, document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
        elif unit.kind == "sentence" and re.search(r"samples", words) and _context(document, unit):
            yield mention.name, document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
    for hit in document.hits(_DATA_OF_CODE, "code"):
        name = next((g for g in hit.match.groups() if g), "")
        if (
            name
            and _context(document, hit.unit)
            and "harness" not in document.flags(hit.unit)
            and not re.fullmatch(r"(?:dataset|ds|data|none|true|false|args\.\w+|str|[\d.]+)", name)
        ):
            yield name, document.quote(hit)


_SUPPORT = re.compile(
    r"\bsupport|\bsuch as\b|\bincluding\b|\be\.g\.|\blike\b|\boptions?\b|\bavailable\b|\bimplements\b"
    r"|\balgorithms (?:from|of|to)\b|\bmethods (?:from|of|are)\b"
)
_PARTIAL_METHOD = re.compile(
    r"post[- ]training (?:static |dynamic |integer |\d+-bit |weight )?quanti[sz]|\bptq\b"
    r"|static(?:ally)? quanti|dynamic(?:ally)? quanti|quanti[sz]\w* (?:statically|dynamically)"
    r"|quantization[- ]aware|\bqat\b|quantized training"
    r"|min[ /-]?max|quanti[sz]\w* (?:\w+ ){0,2}post[- ]training|accuracy[- _](?:control|aware)"
    r"|(?:compiler|converter|toolkit|sdk|runtime|engine) (?:will |can |then )?automatically (?:compress|quanti[sz]"
    r"|convert)"
    r"|nach dem training (?:[^;]{0,60} )?quantisier"
    r"|per[- ]token dynamic|dynamic (?:per|quant|range)|静态量化|动态量化|离线量化|训练后量化|量化训练"
    r"|静的(?:に)?量子化|動的(?:に)?量子化|事後量子化|학습 후 양자화|정적 양자화|동적 양자화|statische? quanti"
    r"|calibration (?:process|step|method|algorithm)s?|nachträgliche quantisierung"
)


_TOLD = frozenset({"row", "header", "code", "meta", "heading"})
"""Units that list what was used rather than tell in general."""


def method(document: Document) -> Iterator[Evidence]:
    """D: an algorithm or range estimator is named; P: only PTQ, static, QAT, a list of what is supported."""
    uncovered = _uncovered(document)
    for mention, unit in document.reading.named("algorithm", "calibration_method"):
        if mention.name.lower() in _NO_METHOD or document.boilerplate(unit):
            continue
        near = document.about_quantization(unit) or CALIBRATION.search(document.reading.near(unit)) is not None
        if mention.kind == "calibration_method" and (not near or document.definition(unit)):
            continue
        note = _doubt(document, mention, unit, uncovered)
        quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
        yield Evidence(status=_P if note else _D, value=mention.name, quote=quote, note=note)
    for hit in document.hits(_CLUSTERING):
        if document.about_quantization(hit.unit) or document.is_about_quantization:
            yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))
    yield from _without_algorithm(document)


def _doubt(document: Document, mention: Mention, unit: Unit, uncovered: str) -> str:
    """Why a named algorithm is not told of all that was quantized; empty if it is."""
    words = document.reading.words(unit)
    if _SUPPORT.search(words) and "own" not in document.flags(unit) and unit.kind not in _TOLD - {"heading"}:
        return "a list of what is supported"
    if document.generic(unit) and unit.kind not in _TOLD:
        return "told in general"
    if uncovered:
        return f"of {uncovered} it is not told"
    at_run_time = "runtime" in words.replace("run time", "runtime")
    if mention.kind == "calibration_method" and mention.name in {"minmax", "min_max", "absmax"} and at_run_time:
        return "scales are made at run time"
    return ""


def _without_algorithm(document: Document) -> Iterator[Evidence]:
    """None needed, training instead, or only the word PTQ."""
    for hit in document.hits(NONE_NEEDED):
        if OF_CALIBRATION.search(hit.match[0]):
            yield Evidence(status=_D, value="none needed", quote=document.quote(hit))
    ptq = re.search(r"post[- ]training|\bptq\b", document.reading.lower) is not None
    for hit in document.hits(_WITH_QAT):
        if not ptq:
            yield Evidence(status=_D, value="QAT", quote=document.quote(hit))
    for hit in document.hits(_PARTIAL_METHOD):
        if "rival" not in document.flags(hit.unit):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="no algorithm is named")


_WITH_QAT = re.compile(
    r"(?:optimi[sz]ed|trained|tuned|produced|obtained|made)(?: for(?: [\w,.]+){1,4}| \w+){0,2}? (?:with|using|by"
    r"|through) (?:quanti[sz]ation[- ]aware (?:re)?training|qat)"
)
"""Quantized by training, and nothing else is said of how: training is the method then."""

_CLUSTERING = re.compile(
    r"(?:differentiable |fast exact )?k-?means(?: clustering)?|\bdkm\b|learned step size|hessian[- ]\w+"
)
"""Ways to place the entries of a grid that bear no name of their own in the lexicon."""

_NO_METHOD = frozenset(
    {
        "qat",
        "ptq",
        "qad",
        "double quantization",
        "pruning",
        "knowledge distillation",
        "qlora",
        "palettization",
        "mixed-precision search",
    }
)
"""What is named as an algorithm and tells nothing of how ranges or weights were found."""


def _uncovered(document: Document) -> str:
    """A regime of a table that names no algorithm where others do, and prose names none either; empty if none."""
    regimes: dict[str, bool] = {}
    for sheet in document.reading.sheets:
        for table in sheet.tables():
            regimes.update(_header_regimes(table))
    told_in_prose = any(
        u.kind == "sentence" and not document.generic(u) for _, u in document.reading.named("algorithm")
    )
    if told_in_prose or not any(regimes.values()):
        return ""
    return next((name for name, has in regimes.items() if not has), "")


def _header_regimes(table: Table) -> dict[str, bool]:
    found = {}
    for row in table.rows[: table.headers]:
        for cell in row.cells:
            what = label(cell.text.text) if cell.text else None
            if what and what[1] == "quantized" and re.search(r"\d", what[0]):
                found[what[0]] = re.search(r"awq|gptq|smooth|spin|rtn|round|hqq", what[0].lower()) is not None
    return found
