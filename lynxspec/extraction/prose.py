"""Speed out of sentences: gains, rates, times, each with the model, precision and hardware around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from lynxspec.draft import Quote, Strength, Value
from lynxspec.extraction.binding import bindings
from lynxspec.extraction.change import CLAUSE_END, denied, factor, share
from lynxspec.extraction.document import QUANT, Document
from lynxspec.extraction.pieces import Kind
from lynxspec.extraction.quantities import RATE, RATE_AHEAD, Amount, factors, percents, rates, theoretical, times
from lynxspec.extraction.reading import Unit
from lynxspec.extraction.schemes import Scheme, clause, scheme_of, schemes
from lynxspec.vocabulary import Component

PROSE: tuple[Kind, ...] = ("sentence", "caption", "footnote", "heading")

_SPEED = re.compile(
    r"faster|\bfast\b|per second|quicker|speed(?:s|ing)?[ -]?ups?|speedups?|throughput|tokens?(?: per|/)"
    r"|accelerat|latenc"
    r"|perf(?:ormance)?\b|inference|higher (?:token|generation|decode)|decod\w+|prefill|generation|\bfps\b"
    r"|requests|slower|speed|times?\b(?= (?:reduc|short|lower))|加速|吞吐|速度|처리량|빠르|빨라|빠른"
    r"|속도|스루풋|高速|速く|速い"
    r"|schneller|durchsatz"
    r"|beschleunig"
)
_NOT_SPEED = re.compile(
    r"memory|smaller|(?<!batch )size|footprint|compress\w*|storage|parameters|\bparams|energy|power|watts?\b"
    r"|perf(?:ormance)?(?:/| per )watt|efficien\w+|costs?\b|cheaper|price|dollar|qpd|capacity|bandwidth"
    r"|\bv?ram\b|\bgb\b|context|larger|bigger|longer|bits|accura\w+|top-?[15]\b|\bmap\b|mmlu|imagenet|\bf1\b"
    r"|perplexity|score"
    r"|quality|recover\w*|utili[sz]ation|\bsram\b"
    r"|area|dense|disk|download|gpus?\b(?= (?:memory|count))|fewer|flops|tops\b|tensor core|cache hit"
    r"|vocabulary|显存|内存|体积|压缩|메모리|크기|전력"
    r"|メモリ|サイズ|speicher|kleiner|graphics"
)
_PREPARATION = re.compile(
    r"quanti[sz](?:ation|ing|er) (?:time|run|process|speed|itself|finishes|takes|completes)|quanti[sz]es? (?:a"
    r"|the|an|any) \w+[\w .-]{0,30} (?:in|within|faster)|(?:quanti[sz]ing|calibrating) (?:a|the|an) "
    r"|time to quantize|to quantize (?:a|the)"
    r"|calibration time|compil(?:e|ation) time|load(?:ing)? time|conversion|\bloader\b|\bto load\b"
    r"|\b(?:model )?(?:loading|start-?up|booting) (?:takes|took|is|was|time)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A gain that prose tells."""

    quote: Quote
    words: str
    value: Value | None
    """``None`` where it is not this quantization's: mixed with other changes, another vendor, another generation."""
    note: str
    of_latency: bool


_AMOUNT = re.compile(r"\d|twice|doubl|tripl")


def gains(document: Document) -> Iterator[Gain]:
    """Factors and percentages of speed."""
    reading = document.reading
    preparing = reading.having(_PREPARATION)
    for index in sorted(reading.having(_SPEED, *PROSE)):
        unit = reading.units[index]
        words = reading.words(unit)
        if not _AMOUNT.search(words):
            continue
        if index in preparing or document.boilerplate(unit) or document.definition(unit):
            continue
        if "undone" in document.flags(unit):
            continue
        found = [*factors(words), *(p for p in percents(words) if _relative(words, p))]
        for amount in found:
            if (
                _object(words, amount) == "speed"
                and not denied(words, amount.start)
                and not _counts_hardware(document, unit, amount)
                and (gain := _gain(document, unit, words, amount))
            ):
                yield gain


def _counts_hardware(document: Document, unit: Unit, amount: Amount) -> bool:
    """Whether a factor is how many there are of a product: ``8x H100``."""
    start, end = unit.start + amount.start, unit.start + amount.end
    return any(m.start < end and m.end > start for m in document.reading.names(unit, "hardware"))


def _relative(words: str, amount: Amount) -> bool:
    """Whether a percentage is of a change in speed."""
    if share(words, amount):
        return True
    return _CHANGED.search(words, max(0, amount.start - 60), amount.end + 50) is not None


_CHANGED = re.compile(
    r"faster|improv|increas|boost|gain|higher|speed-?up|more|reduc|lower|less|drop|decreas|fell|falls|shorten"
    r"|better|slower|提升|降低|향상|감소|向上|削減"
    r"|schneller"
)


def _object(words: str, amount: Amount) -> str:
    """What a factor is of: the nearest word of speed or of something else, those behind it first."""
    if words[amount.end - 1 : amount.end] in {"倍", "배"}:  # what grows stands before it
        told = _object_before(_CLAUSE_MARK.split(words[: amount.start])[-1])
        if told:
            return told
    behind = words[amount.end : amount.end + 60]
    clause = CLAUSE_END.split(behind, 1)[0]
    speed, other = _SPEED.search(clause), _NOT_SPEED.search(clause)
    if speed and (not other or speed.start() < other.start()):
        return "speed"
    if other:
        return "other"
    told = _object_before(words[max(0, amount.start - 90) : amount.start])
    if told:
        return told
    speed, other = _SPEED.search(behind), _NOT_SPEED.search(behind)
    if speed and (not other or speed.start() < other.start()):
        return "speed"
    return "other"


def _object_before(before: str) -> str:
    """The last word of speed or of something else; empty if there is none."""
    nearest = [(m.end(), "speed") for m in _SPEED.finditer(before)] + [
        (m.end(), "other") for m in _NOT_SPEED.finditer(before)
    ]
    return max(nearest)[1] if nearest else ""


_CLAUSE_MARK = re.compile(r"[,，、;；]|[고며] |면서 ")


def _gain(document: Document, unit: Unit, words: str, amount: Amount) -> Gain | None:
    """The gain behind a factor; ``None`` where nothing ties it to quantization at all."""
    flags = document.flags(unit)
    tied = ("quant" in flags or document.about_quantization(unit)) and not document.about_training(unit)
    if not tied and not _may_be_of_quantization(document, unit, flags):
        return None
    quote = document.reading.quote(unit, amount.start, amount.end)
    latency = (
        re.search(r"laten|\btime\b(?! (?:of|to) train)", words[max(0, amount.start - 50) : amount.end + 50]) is not None
    )
    text = words[amount.start : amount.end]
    mixed = _mixed(document, unit, words, flags)
    if mixed == _OTHER_GENERATION:
        return None
    if mixed:
        return Gain(quote=quote, words=text, value=None, note=mixed, of_latency=latency)
    if document.about_training(unit):
        return Gain(quote=quote, words=text, value=None, note="of training, not of inference", of_latency=latency)
    if _of_reference(document, unit, words, amount):
        return None
    against = _against(document, unit, words, amount) or _rival_tool(document, unit, words, amount)
    value = Value(
        component=Component.THROUGHPUT_GAIN,
        low=factor(words, amount, amount.low),
        high=factor(words, amount, amount.high),
        unit="x",
        strength=Strength.THEORETICAL
        if (theoretical(words) or not tied) and amount.strength is Strength.EXACT
        else amount.strength,
        role="quantized",
        evidence=quote,
        against=against,
        **bindings(document, unit, amount.start, against),
    )
    return Gain(quote=quote, words=text, value=value, note="", of_latency=latency)


def _may_be_of_quantization(document: Document, unit: Unit, flags: frozenset[str]) -> bool:
    """Whether a gain that nothing near ties to quantization may be one of it; not of training or drafting alone."""
    if "quant" not in flags and (document.about_training(unit) or "speculative" in flags):
        return False
    if document.speaks_of("speculative") and not document.is_about_quantization:
        return False
    return document.mentions_quantization


def _of_reference(document: Document, unit: Unit, words: str, amount: Amount) -> bool:
    """Whether a gain is one of the reference precision itself: ``for FP16, the new engine is 5x faster``."""
    before = [s for s in document.schemes_in(unit) if s.end <= amount.start]
    if not before or before[-1].sort == "quantized":
        return False
    around = words[max(0, before[-1].start - 40) : before[-1].end + 24]
    compared = re.search(
        r"than|compar|over|vs\b|versus|relative|against|baseline|from|to\b|with respect|gegenüber|相比|对比"
        r"|比|대비|に対|より",
        around,
    )
    return compared is None and not any(s.sort == "quantized" for s in before)


def _mixed(document: Document, unit: Unit, words: str, flags: frozenset[str]) -> str:
    """Why a gain is not this quantization's alone; empty if it is."""
    if "speculative" in flags:
        return "mixed with changes other than quantization"
    if "generation" in flags:
        return _OTHER_GENERATION
    if "rival" in flags or _ANOTHER_SERVICE.search(words):
        return "against another vendor"
    if _SEVERAL.search(words):
        return "mixed with changes other than quantization"
    named = [m for m in document.reading.names(unit, "hardware") if m.detail.get("generic") != "yes"]
    several = len({m.name for m in named}) >= 2 and re.search(r"than|compared|over|vs|versus", words)
    if several or any(_RIGHT_AGAINST.search(words, 0, m.start - unit.start) for m in named):
        return "against other hardware"
    return ""


_RIGHT_AGAINST = re.compile(r"(?:than|compared (?:to|with)|vs\.?|versus|relative to) (?:the |an? )?$")

_OTHER_GENERATION = "against another generation or version"
"""Says nothing of quantization, however often the sentence names a format."""


_ANOTHER_SERVICE = re.compile(
    r"than (?:the )?(?!same|\w+ same)(?:\w+ ){0,3}(?:service|api|endpoint|provider|offering|cloud"
    r"|platform)s?\b|leading (?:provider|vendor|competitor)"
    r"|(?:than|over|of|vs\.?|versus|compared (?:to|with)) (?:(?:an?|the|any|its|other|latest|fastest|leading"
    r"|best|top"
    r"|traditional|conventional|state-of-the-art|high-end) ){0,3}(?:nvidia|groq|amd|intel|google|aws|amazon"
    r"|azure|openai"
    r"|qualcomm|cerebras|sambanova|apple|gpus?\b|cpus?\b|gpu[- ])(?! memory| utili| time)"
)
_SEVERAL = re.compile(
    r"thanks to [^.]*, |together with|combined with|in combination|along with|\bplus\b|as well as"
    r"|in addition to|thanks to (?:\w+ ){1,4}(?:and|,)|\bnew(?:er)? (?:kernels?|runtime|scheduler|compiler"
    r"|gpus?|driver)|naive|unoptimi[sz]ed|fused kernels?|\bkernels? (?:is|are|run|vs)"
)


_HELD_AGAINST = re.compile(
    r"than|compared (?:to|with)|over|vs\.?|versus|relative to|against|baseline|from|相比|对比|대비|比べ|gegenüber"
)


def _against(document: Document, unit: Unit, words: str, amount: Amount) -> str:
    """The precision that a gain is held against."""
    match = _HELD_AGAINST.search(words, amount.end)
    found = list(schemes(words[match.end() : match.end() + 60])) if match else []
    if not found and (ahead := _COMPARED_TO.search(words, 0, amount.start)):
        found = list(schemes(words[ahead.end() : min(ahead.end() + 30, amount.start)]))
    if found:
        return found[0].name
    return next((s.name for s in document.schemes_in(unit) if s.sort == "reference"), "")


_COMPARED_TO = re.compile(r"(?:compared (?:to|with)|relative to|against|gegenüber) ")
_THAN = re.compile(r"(?:than|compared (?:to|with)|over|vs\.?|versus)\s")


def _rival_tool(document: Document, unit: Unit, words: str, amount: Amount) -> str:
    """The tool that a gain is held against: ``4x faster than vLLM``."""
    match = _THAN.search(words, amount.end)
    if match is None:
        return ""
    names = [m for m in document.reading.names(unit, "tool") if 0 <= m.start - unit.start - match.end() < 24]
    other = re.match(
        r"(?:the )?(?:other|existing|state-of-the-art|standard|default|vanilla|stock|eager)[\w -]{0,40}",
        words[match.end() :],
    )
    return names[0].name if names else other[0].strip() if other else ""


def measured(document: Document) -> Iterator[Value]:
    """Rates and times that prose gives."""
    reading = document.reading
    rated = reading.having(RATE, *PROSE, "code") | reading.having(RATE_AHEAD, *PROSE, "code")
    timed = reading.having(_TIMED, *PROSE, "code") - reading.having(_PREPARATION)
    for index in sorted(rated | timed):
        unit = reading.units[index]
        if document.boilerplate(unit):
            continue
        if (unit.kind != "code" and document.about_training(unit)) or "undone" in document.flags(unit):
            continue
        words = reading.words(unit)
        told = rates(words) if index in rated else ()
        found = [
            (Component.SUSTAINED_THROUGHPUT, a) for a in told if not (_is_load(words, a) or denied(words, a.start))
        ]
        if index in timed:
            found += [(Component.LATENCY, _allowed(words, a)) for a in times(words) if _is_latency(words, a)]
        ends = _changes(words, [amount for _, amount in found])
        for component, amount in found:
            yield _measured(document, unit, words, component, amount, end=ends.get(amount.start, ""))


_TIMED = re.compile(r"laten|ttft|tpot|itl|time|ms\b|delay|p9\d|\btakes?\b|\btook\b|时延|延迟|지연|レイテンシ|latenz")
"""Words without which a time is none that an inference took."""

_TO = re.compile(r"(?:down |up )?to|auf")
_CHANGE = re.compile(r"(?:(?:down |up )?to|auf|→|->|(?:下|提)?[降升]?(?:低|高)?(?:至|到)|에서|から)")
_FROM = re.compile(r"(?:\bfrom|从|由|\bvon) ?$")


def _changes(words: str, amounts: list[Amount]) -> dict[int, str]:
    """Where amounts start that a change goes from or to: ``from 120 ms to 65 ms`` tells the reference's first."""
    if len(amounts) < 2:
        return {}
    ordered = sorted(amounts, key=lambda amount: amount.start)
    pairs = [(a, b) for a, b in pairwise(ordered) if a.unit == b.unit and a.end < b.start]
    found: dict[int, str] = {}
    for a, b in pairs:
        gap = _PARENTHESES.sub("", words[a.end : b.start]).strip()
        if _CHANGED_BACK.fullmatch(gap):
            found |= {a.start: "after", b.start: "before"}
        elif _CHANGE.fullmatch(gap) and (not _TO.fullmatch(gap) or _FROM.search(words[: a.start])):
            found |= {a.start: "before", b.start: "after"}
    return found


_CHANGED_BACK = re.compile(r",? ?(?:instead of|rather than|(?:down|up) from|statt(?: bisher)?)")
"""What stands between a result and what it was before: ``180 ms instead of 310 ms``."""
_PARENTHESES = re.compile(r"\([^()]{1,20}\)")


def _is_load(words: str, amount: Amount) -> bool:
    """Whether a rate of requests is what was sent rather than what was served."""
    before = words[max(0, amount.start - 30) : amount.start]
    return (
        amount.unit in {"requests/s", "queries/s"} and re.search(r"\b(?:at|under) (?:a \w+ of )?$", before) is not None
    )


def _is_latency(words: str, amount: Amount) -> bool:
    """Whether a time is that of an inference, and no window, time-out or audio length."""
    around = words[max(0, amount.start - 60) : amount.end + 30]
    if re.search(
        r"time-?\s?outs?|window|duration|interval|every|warm-?up|audio|video|minutes? of|run for|for \d", around
    ):
        return False
    spelled = words[amount.start : amount.end]
    return (
        "m" in spelled.lstrip("0123456789., ")[:1]
        or re.search(
            r"laten|ttft|tpot|itl|first token|per token|inference time|response|takes|took|时延|延迟|지연|レイテンシ",
            around,
        )
        is not None
    )


def _in_clause(words: str, amount: Amount, scheme: Scheme) -> bool:
    start, end = clause(words, amount.start)
    return start <= scheme.start < end


_BUDGET = re.compile(
    r"constraint|latency limit|limit of|\btargets?\b|\bsla\b|\bslo\b|budget|deadline|requirement|cut-?off|at most"
)


def _allowed(words: str, amount: Amount) -> Amount:
    """A time that is a bar to pass rather than a measurement is a bound."""
    around = words[max(0, amount.start - 40) : amount.end + 24]
    return replace(amount, strength=Strength.BOUND) if _BUDGET.search(around) else amount


def _measured(document: Document, unit: Unit, words: str, component: Component, amount: Amount, *, end: str) -> Value:
    near = scheme_of(words, amount.start, document.schemes_in(unit))
    strength = amount.strength
    if strength is Strength.EXACT and re.search(
        r"theoretical|peak|maximum throughput|projected|estimated|expected", words
    ):
        strength = Strength.THEORETICAL
    reference = near.sort == "reference" if near is not None else document.is_unquantized
    if end == "before" and not reference:
        near, reference = None, True
    elif end == "after" and near is not None and not _in_clause(words, amount, near):
        near, reference = None, False
    bound = bindings(document, unit, amount.start)
    if reference:
        bound["precision"] = near.name if near is not None else document.only_reference
    return Value(
        component=component,
        low=amount.low,
        high=amount.high,
        unit=amount.unit,
        strength=strength,
        role="reference" if reference else "quantized",
        evidence=document.reading.quote(unit, amount.start, amount.end),
        **bound,
    )


__all__ = ["QUANT", "Gain", "gains", "measured"]
