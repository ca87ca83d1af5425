"""What a column or row header says: the quantity below it, its unit, and what it names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from lynxspec.extraction.quantities import NUMBER, RATE, rate_unit
from lynxspec.extraction.schemes import Sort, label, schemes
from lynxspec.facts.lexicon import Mention, mentions

Quantity = Literal["gain", "rate", "latency", "accuracy", "loss", "recovery", "batch", "samples", "size", "config", ""]


class Head(NamedTuple):
    """One header, or a row's names, read; a tuple, since every cell of every table makes some."""

    text: str = ""
    quantity: Quantity = ""
    unit: str = ""
    regime: str = ""
    role: Sort | None = None
    against: str = ""
    model: str = ""
    family: str = ""
    hardware: str = ""
    dataset: str = ""
    metric: str = ""
    batch: str = ""

    def over(self, other: Head) -> Head:
        """This head, with what it leaves open taken from ``other``."""
        if other is NOTHING:
            return self
        return Head(
            self.text,
            self.quantity or other.quantity,
            self.unit or other.unit,
            self.regime or other.regime,
            self.role or other.role,
            self.against or other.against,
            self.model or other.model,
            self.family or other.family,
            self.hardware or other.hardware,
            self.dataset or other.dataset,
            self.metric or other.metric,
            self.batch or other.batch,
        )


NOTHING = Head()
"""What says nothing."""

_GAIN = re.compile(
    r"speed-?\s?up|accelerat|improve|increase|boost|x faster|times faster|ratio\b"
    r"|\b(?:gains?\b|vs|v\.s)|relative (?:perf|throughput|speed|to)"
    r"|normalized (?:perf|throughput)|加速|提升|배속|가속|高速化|beschleunigung"
)
_SIZE = re.compile(
    r"\b(?:memory|mem\b|size(?! ?\d)|[kmg]i?b\b|ops\b|g?flops?\b|macs?\b|rss\b|bpw\b)|footprint|storage"
    r"|param(?:eter)?s?\b|disk|compress|vram|saving"
    r"|bits per weight|power|energy|watt|tops\b|price|cost|模型大小|显存|内存|메모리|크기|speicher"
)
_LATENCY = re.compile(
    r"laten[ct]?y|\b(?:ms\b|ttft\b|tpot\b|itl\b|p(?:50|90|95|99)\b)|msec|millisec|time[- ]to[- ]first|time per"
    r"|(?:inference|run|execution|response|generation|decode|prefill|running) ?time"
    r"|\(s(?:ec(?:onds?)?)?\)|时延|延迟|耗时|지연|レイテンシ|遅延|推論時間|추론 ?시간|latenz"
)
_RATE = re.compile(
    r"tok(?:en)?s?\s?/\s?s|tok(?:en)?s?\s(?:per|/)\ss(?:ec)?|throughput|img/s|images?\s?/\s?s|samples?\s?(?:/"
    r"|per)\s?s|\b(?:fps\b|qps\b|rps\b|t/s\b|tps\b|tgs\b|speed\b|(?<!error )rate\b)|inf(?:erence)?s?\s?/\s?s"
    r"|decode|prefill|generation speed|tok/sec|吞吐|帧率|처리량|スループット|durchsatz|requests?\s?/\s?s"
)
_BATCH = re.compile(
    r"^(?:max(?:imum)?\.? )?(?:batch[ _-]?(?:size)?|bs|batches|batch size \(.*\)|concurren(?:cy|t \w+)"
    r"|num_reqs|(?:max )?requests|并发\w*|批\w*|배치\w*|バッチ\w*|batchgröße)s?$"
)
_BATCH_IN = re.compile(
    rf"(?:batch(?:[ _-]?size)?|\bbs|concurrency|batch)\s?(?:=|:|of)?\s?({NUMBER})(?![\w]|\.\d)"
    rf"|\b(?:bs[=_-]?|b=)(\d+)\b(?!b)"
)
_BATCH_HINT = re.compile(r"bs|b=|batch|concurrency")
"""What `_BATCH_IN` begins with; looking for it costs a tenth."""

_CONFIG = re.compile(
    r"input|output|prompt|length|resolution|context|sequence|#|links?\b|capability|license|layers?\b|channels?\b"
    r"|epochs?\b|cores?\b|clock|bandwidth"
    r"|\b(?:isl\b|osl\b|shots?\b|steps?\b|seq\b|category\b|tp\b|gpus?\b$|threads?\b|version|date)"
)
_LOSS = re.compile(r"(?:loss|drop|degrad\w+|delta|diff(?:erence)?|decrease|Δ|δ|损失|下降|손실|하락|verlust)")
_CHANGE = re.compile(r"\(\s*\w+ ?[-\u2212\u2013] ?\w+\s*\)\s?/ ?\w+")
"""``Accuracy ratio [(INT8-FP32)/FP32]``: a signed relative change, whatever it is called."""
_TRAINING_LOSS = re.compile(r"val(?:idation)?\.? loss|train(?:ing)? loss|eval(?:uation)? loss|cross[- ]entropy")
_RECOVERY = re.compile(
    r"recover|retention|retain|÷|relative accuracy|accuracy ratio|% of (?:fp|bf|base|orig)|of baseline"
)
_ACCURACY = re.compile(
    r"accura|score|map@|map50|perplexit|bleu|rouge|psnr|ssim|miou|exact.match|pass@1|quality"
    r"|\b(?:acc\b|top-?[15]\b|map\b|ppl\b|f1\b|wer\b|cer\b|fid\b|auc\b|eval|ap\b)"
    r"|精度|准确率|正确率|정확도|精确|認識率|genauigkeit"
)
_SAMPLES = re.compile(r"calib\w*[ _-](?:samples?|size|data)|(?:num|number of|#)[ _-]?(?:calib\w*|samples)|校准\w*数")
_AGAINST = re.compile(r"(?:\bv\.?s\.?|over|versus|compared (?:to|with)|relative to|against|than|÷|/)\s")
_TIME_UNIT = re.compile(r"\(?\b(?:in )?(ms|msec|milliseconds?|us|µs|μs|s|sec|seconds?)\b\)?")


@lru_cache(maxsize=1024)
def read_head(text: str) -> Head:
    """Read one header or label."""
    if not text:
        return NOTHING
    lower = text.lower()
    names = mentions(text)
    if "↑" in text or "↓" in text:
        names = tuple(m for m in names if m.kind != "model")  # "CLIP ↑" is a metric
    found = label(_without_rivals(text))
    plain = lower.replace("_", " ") if "_" in lower else lower  # tokens_per_s, ttft_ms
    quantity = "config" if _no_result(plain, names) else _quantity(plain, names)
    batch = _BATCH_IN.search(lower) if _BATCH_HINT.search(lower) else None
    return _named(text, lower, names)._replace(
        quantity=quantity,
        unit=_unit(plain, quantity),
        regime=(text.strip() if _SPECULATIVE.search(lower) else found[0]) if found else "",
        role=found[1] if found else None,
        against=_against(lower) if quantity in _RELATIVE or _COMPARED.search(lower) else "",
        metric=_printed(text, names, "metric") or (_phase(lower) if quantity in _PHASED else ""),
        batch=(batch[1] or batch[2] or "") if batch and quantity != "batch" else "",
    )


def read_sentence(text: str, names: tuple[Mention, ...]) -> Head:
    """What a sentence, which holds these ``names``, says of every number below or above it: as a header would.

    It gives no quantity, unit or regime. The offsets of the names count from the start of the sentence.
    """
    lower = text.lower()
    metric = _printed(text, names, "metric")
    phase = "" if metric else _phase(lower)
    batch = _BATCH_IN.search(lower) if _BATCH_HINT.search(lower) else None
    held, compared = _HELD_AGAINST.search(lower), _COMPARED.search(lower)
    # what the numbers are is asked only where the answer counts: few sentences need it, and it is dear
    quantity = _quantity(lower, names) if phase or batch or (held and not compared) else ""
    return _named(text, lower, names)._replace(
        against=_against(lower) if held and (compared or quantity in _RELATIVE) else "",
        metric=metric or (phase if quantity in _PHASED else ""),
        batch=(batch[1] or batch[2] or "") if batch and quantity != "batch" else "",
    )


def _named(text: str, lower: str, names: tuple[Mention, ...]) -> Head:
    """The things that a text names, each by its first name."""
    product = next((m.name for m in names if m.kind == "hardware" and m.detail.get("generic") != "yes"), "")
    return Head(
        text=text,
        model=_first(names, "model"),
        family=next((m.detail.get("family", "") for m in names if m.kind == "model"), ""),
        hardware=product or _instance(text, lower),
        dataset=_printed(text, names, "dataset"),
    )


_PHASED = ("rate", "gain", "latency")
_HELD_AGAINST = re.compile(r"compared|baseline|relative|\bvs\b|over")


def _no_result(lower: str, names: tuple[Mention, ...]) -> bool:
    """Whether a header is of training, or of how long a second of audio takes, which is no accuracy."""
    return _OF_TRAINING.search(lower) is not None or any(m.kind == "metric" and m.name == "RTF" for m in names)


_OF_TRAINING = re.compile(r"(?<!-)\b(?:pre-?)?train(?:ing|ed)? (?:throughput|time|speed|tok|step|samples|images|rate)")
_SPECULATIVE = re.compile(r"\b(?:mtp|eagle(?:-?\d)?|medusa|speculative|spec(?:ulative)?[ -]dec\w*)\b")


def _printed(text: str, names: tuple[Mention, ...], kind: str) -> str:
    """The first name of a kind as the sheet prints it, with its split and variant."""
    return next((text[m.start : m.end] for m in names if m.kind == kind), "")


INSTANCE = re.compile(
    r"(?<![\w.])(?:inf|trn|p|g|c|m|r|hpc|dl)\d[a-z-]{0,4}\.(?:\d*x?large|metal\w*)(?!\w)", re.IGNORECASE
)
"""A cloud instance type: ``inf2.48xlarge``."""


def _instance(text: str, lower: str) -> str:
    match = INSTANCE.search(text) if "large" in lower or "metal" in lower else None
    return match[0] if match else ""


def _phase(lower: str) -> str:
    """The phase of generation that a rate is of; rates of different phases are no pair."""
    match = PHASE.search(lower)
    return match[0] if match else ""


PHASE = re.compile(
    r"prefill|decode|generation|prompt processing|time[- ]to[- ]first[- ]token|ttft|tpot|itl|p(?:50|90|95"
    r"|99)\b"
)


_RELATIVE = ("gain", "loss", "recovery")
_COMPARED = re.compile(r"compared (?:to|with)|baseline|relative to")


def _first(names: tuple[Mention, ...], kind: str) -> str:
    return next((m.name for m in names if m.kind == kind), "")


_RIVAL = re.compile(r"\b(?:v\.?s\.?\s|over\s|than\s)|versus|compared|relative to|against|÷")


def _without_rivals(text: str) -> str:
    """The header up to what it is held against: in ``Speedup (INT8 vs FP16)`` only INT8 names the column."""
    match = _RIVAL.search(text.lower())
    return text[: match.start()] if match else text


def _against(lower: str) -> str:
    match = _AGAINST.search(lower)
    found = list(schemes(lower[match.end() :])) if match else []
    if found:
        return found[0].name
    told = next((s.name for s in schemes(lower) if s.sort == "reference"), "")
    rival = label(lower[match.end() :]) if match and not told else None
    return told or (rival[0].upper() if rival else "")


def _quantity(lower: str, names: tuple[Mention, ...]) -> Quantity:  # noqa: C901, PLR0911 - one a kind
    """The kind of number below a header; the order decides between words that share a header."""
    measured = any(m.kind in {"metric", "dataset"} for m in names) or _ACCURACY.search(lower)
    if _BATCH.search(lower.strip()):
        return "batch"
    if _SAMPLES.search(lower):
        return "samples"
    if _RECOVERY.search(lower) and not (_GAIN.search(lower) or _CHANGE.search(lower)):
        return "recovery"
    if _TRAINING_LOSS.search(lower):
        return "accuracy"
    if measured and _CHANGE.search(lower):
        return "loss"
    if measured and (_LOSS.search(lower) or ("perplex" in lower and "increase" in lower)):
        return "loss"
    rated = _RATE.search(lower)
    if not rated and not (measured and "size" not in lower) and _SIZE.search(lower):
        return "size"
    if not measured and _GAIN.search(lower):
        return "gain"
    bare_rate = RATE.search("1 " + lower)
    if not bare_rate and _LATENCY.search(lower):
        return "latency"
    if rated or bare_rate:
        return "rate"
    return "accuracy" if measured else "config" if _CONFIG.search(lower) else ""


_RATE_UNIT = re.compile(
    r"tok(?:en)?s?\s?(?:/|per)\s?s\w*(?:/gpu)?|im(?:a)?g(?:e)?s?\s?(?:/|per)\s?s\w*|samples?\s?(?:/"
    r"|per)\s?s\w*|inf\w*\s?(?:/|per)\s?s\w*"
    r"|requests?\s?(?:/|per)\s?s\w*|\b(?:fps|[qr]ps|t/s|tps|tgs)\b"
)


def _unit(lower: str, quantity: Quantity) -> str:
    if quantity == "rate":
        match = RATE.search("1 " + re.sub(r"[(),]", " ", lower)) or RATE.search("1 " + lower.rpartition("(")[2])
        if match:
            return rate_unit(match[3])
        inner = _RATE_UNIT.search(lower)
        return rate_unit(inner[0]) if inner else ""
    if quantity == "latency":
        match = _TIME_UNIT.search(lower)
        return match[1] if match else ""
    if quantity in {"accuracy", "loss", "recovery", "gain"} and "%" in lower:
        return "%"
    return ""
