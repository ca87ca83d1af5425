"""Number formats and quantization schemes in free text: what a word such as ``W4A16-G128`` or ``FP8_DYNAMIC`` promises.

A scheme says how sure it makes its reader: the format is unambiguous (INT8, NVFP4, W4A16), or only a bit width is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

Sort = Literal["quantized", "reference"]

_QUANTIZED = (
    r"u?int-?\s?(?:8|4|16|2|3|5|6)(?:[_-](?:sym|asym)(?:_\w+)?)?(?:_g\d+)?(?:_r\d+)?"
    r"|(?:mx|nv)-?(?:fp|int)[ -]?[468](?:_e\dm\d)?|mx[46]\b|fp[ -]?8p?(?:[ _-]?(?:e4m3|e5m2)(?:fn"
    r"|fnuz)?)?(?:[_-](?:dynamic|static|block))?"
    r"|ptpc-fp8|hfp8|cfp8|float[ -]?8(?:_?e\dm\d(?:fn|fnuz)?)?|(?:ocp )?e[45]m[23](?:fn|fnuz)?|fp[ -]?[46]"
    r"|float[46]|nf[34]|bfp\d+|bfloat8|msfp\d+"
    r"|block floating[ -]point|w\d{1,2}a\d{1,2}(?:kv\d{1,2})?(?:o\d+)?(?:[_-]?g\d+)?|w_\w+_a_\w+"
    r"|i?q\d(?:\\?_\d){1,3}|i?q\d\\?_k(?:\\?_(?:xs|s|m|l|xl))?|iq\d\\?_(?:xxs|xs|s|m|nl)|tq[12]\\?_0|i2\\?_s"
    r"|tl[12]\b"
    r"|ternary|b?1\.58[ -]?bits?|8da4w|int8wo|int4wo|u4|i4\b|truepoint|quint8|qint8"
)
_REFERENCE = (
    r"fp ?-?(?:32|16|64)|float ?-?(?:32|16|64)|bf-?16|bfloat-?16|tf32|f32|f16|half[ -]precision"
    r"|full[ -]precision|single[ -]precision"
    r"|floating[ -]point|unquantized|un-quantized|non-quantized|not quantized|uncompressed|16[- ]?bit(?:s"
    r"|-float(?:ing point)?)?(?: float(?:ing point)?)?|32-?bit(?: float(?:ing point)?)?"
    r"|全精度|浮点|半精度|非量化|未量化|全精度モデル|浮動小数点|부동소수점|원본 모델|gleitkomma"
)
_BITS = (
    r"(?<![\d.])(?:[1-8](?:\.\d+)?|two|three|four|six|eight)[ -]?bits?(?:[ -](?:integers?|ints?))?\b(?!/s)"
    r"|(?:4|8|2)比特|(?:4|8|2)ビット|(?:4|8|2)비트|8-?bitig\w*"
)

FORMATS = re.compile(rf"(?<![a-z0-9])(?<![0-9]\.)(?:({_QUANTIZED})|({_REFERENCE})|({_BITS}))(?![a-z0-9])")
"""In lower-case text: group 1 an unambiguous quantized format, group 2 a reference precision, group 3 a bit width."""

_INTEGER_BITS = re.compile(r"bits?[ -](?:signed |unsigned )?int(?:eger)?s?|bits? \(?(?:un)?signed integer")

TENSOR = re.compile(
    r"weights?\b|activations?\b|kv[ -]?caches?|key[ -/]?value caches?|权重|激活|重み|活性化|가중치|활성|gewichte?"
    r"|aktivierung\w*|embeddings?\b"
)

SCHEME = re.compile(
    r"(?<![a-z0-9])w\d{1,2}a\d{1,2}(?:kv\d{1,2})?(?![0-9])|weight[s]?[ -]only|weights? and activations?"
)

ALGORITHMS = re.compile(
    r"(?<![a-z0-9])(?:gptq|awq|smooth ?quant|spin ?quant|qua ?rot|auto-?round|hqq|svdquant|rtn|qat|ptq|qlora"
    r"|lora|aqlm|quip#?|gguf|dynamic|static|weight[ -]only"
    r"|bnb|bitsandbytes|sint4|torchao|optq|palettiz\w+|quanti[sz]ation[- ]aware training"
    r"|post[- ]training quanti[sz]\w+|pruned|sparse|quantized|compressed|emulator|hardware"
    r"|npu|vanilla|group-?wise|per[ -](?:channel|tensor|token|group)|quant)(?![a-z0-9])"
)
"""Words that tell regimes of one table apart."""

_IS_REFERENCE = re.compile(
    r"(?<![a-z0-9])(?:baseline|reference|original|float|floating|native|full[ -]precision|unquantized"
    r"|base model|dense|fp|f32|pre-?trained|原始|基线|原模型|원본|ベースライン|元モデル)(?![a-z0-9])"
)


class Scheme(NamedTuple):
    """A format or bit width in a text; a tuple, since every name of a format makes one."""

    start: int
    end: int
    name: str
    """As spelled, in upper case."""
    sort: Sort
    exact: bool
    """Whether the number format is unambiguous."""


def schemes(text: str) -> Iterator[Scheme]:
    """Every format or bit width in a lower-case text."""
    for match in FORMATS.finditer(text):
        exact = match[3] is None or _INTEGER_BITS.search(text, match.start(), match.end() + 20) is not None
        yield Scheme(
            start=match.start(),
            end=match.end(),
            name=canonical(match[0]),
            sort="reference" if match[2] else "quantized",
            exact=exact,
        )


_CLAUSE = re.compile(
    r"[;:](?=\s)|,(?!\d)|[、，；]| (?:while|whereas|where|but|and|against|than|versus|vs\.?|compared (?:to|with)) "
)


def clause(text: str, at: int) -> tuple[int, int]:
    """The part of a lower-case sentence that holds a place: what stands there names what a number is of."""
    start, end = 0, len(text)
    for match in _CLAUSE.finditer(text):
        if match.end() <= at:
            start = match.end()
        elif match.start() >= at:
            end = match.start()
            break
    return start, end


def _compared(text: str, at: int, scheme: Scheme) -> bool:
    """Whether a scheme stands in what a number of another clause is held against."""
    start, end = clause(text, scheme.start)
    if start <= at < end:
        return False
    behind = scheme.sort == "reference" and _THAN_BEHIND.match(text, scheme.end) is not None
    if behind or _THAN_BEFORE.search(text, max(0, start - 16), start):
        return True
    return _THAN_BEFORE.search(text, max(0, scheme.start - 16), scheme.start) is not None


_OWN_NUMBER = re.compile(r"\s?[:=]\s?\d")
_THAN_BEFORE = re.compile(r"(?:against|than|versus|vs\.?|compared \w+) $")
_THAN_BEHIND = re.compile(r"\s?(?:的|相比|に比|に対|より|대비|보다)")


def of_later_number(text: str, scheme: Scheme) -> bool:
    """Whether a number stands behind a scheme in its own clause: ``1,630 tokens/s, BF16 reaches 1,105``."""
    return _ANY_NUMBER.search(text, scheme.end, clause(text, scheme.start)[1]) is not None


_ANY_NUMBER = re.compile(r"(?<![\w.])\d")


def scheme_of(text: str, at: int, found: Sequence[Scheme]) -> Scheme | None:
    """The one of ``found`` that a number at a place belongs to: the nearest of its clause, else of the sentence."""
    if not found:
        return None
    start, end = clause(text, at)
    # "1,850 tokens/s, 1.9x of FP16 (980 tokens/s)": what parentheses hold belongs to the name before them
    found = [s for s in found if s.end > at or "(" not in text[s.end : s.end + 2] or ")" not in text[s.end : at]]
    found = [
        s
        for s in found
        if s.start < at or "(" not in text[s.end : s.end + 2] or not text[s.end + 2 : s.end + 3].isdigit()
    ]
    # "98.1 % (FP32: 98.4 %)": what is named in parentheses with a number of its own has that one
    found = [s for s in found if not (s.start > at and "(" in text[at : s.start] and _OWN_NUMBER.match(text, s.end))]
    found = [s for s in found if s.start < end or not of_later_number(text, s)]
    near = [s for s in found if start <= s.start < end] or [s for s in found if not _compared(text, at, s)]
    return min(near, key=lambda s: abs(s.start - at), default=None)


@lru_cache(maxsize=1024)
def canonical(word: str) -> str:
    """One spelling per format: ``INT8`` for ``int-8``, ``FP8`` for ``float8``, ``BF16`` for ``bfloat16``."""
    name = word.upper().replace("\\", "").strip()
    name = re.sub(r"^BFLOAT-?16$", "BF16", name)
    name = re.sub(r"^Q(?=U?INT8$)", "", name)  # QInt8 of a tool's options
    name = re.sub(r"^FLOAT[ -]?(?=\d)", "FP", name)
    name = re.sub(r"^(U?INT|FP|BF|MXFP|NVFP|MXINT)[ -]+(?=\d)", r"\1", name)
    name = re.sub(r"^F(?=(?:16|32)$)", "FP", name)
    return re.sub(r"[ -]?BITS?\b", "-bit", name)


@lru_cache(maxsize=1024)
def label(text: str) -> tuple[str, Sort] | None:
    """The regime that a short text (a header, a row's name) stands for, as it names it; ``None`` if for none.

    A word such as "baseline" decides before the format: an FP8 model that others are held against is the reference.
    """
    lower = text.lower()
    found = list(schemes(lower))
    quantized = [s for s in found if s.sort == "quantized"]
    reference = [s for s in found if s.sort == "reference"]
    algorithms = list(ALGORITHMS.finditer(lower))
    baseline = _IS_REFERENCE.search(lower)
    if baseline and not (quantized or algorithms):
        return (reference[0].name if reference else text[baseline.start() : baseline.end()]), "reference"
    if baseline and baseline[0] in ("baseline", "reference"):
        return (found[0].name if found else text[baseline.start() : baseline.end()]), "reference"
    if quantized or algorithms:
        spans = [(s.start, s.end) for s in (found if TENSOR.search(lower) else quantized)]
        spans += [m.span() for m in algorithms if not quantized or m[0] not in _VAGUE]
        return _stretch(text, spans or [m.span() for m in algorithms]), "quantized"
    if reference:
        return reference[0].name, "reference"
    return None


_VAGUE = frozenset({"hardware", "emulator", "npu", "quantized", "compressed", "quant", "dynamic", "static"})
"""Words that tell a regime only where no format does."""


def _stretch(text: str, spans: list[tuple[int, int]]) -> str:
    """What stands between the first and the last of ``spans``, with a tensor or group size right behind."""
    start, end = min(s for s, _ in spans), max(e for _, e in spans)
    behind = re.match(
        r"(?i)\s*\(?(?:g|group size )?\d{2,4}\)(?!\w)|[ -]weights?\b|[ -]activations?\b|(?:[-_][gr]\d+)+", text[end:]
    )
    if behind:
        end += behind.end()
    if end - start <= _LONGEST_LABEL:
        end += text[end : end + 1] == ")" and text.count("(", start, end) > text.count(")", start, end)
        return text[start:end].strip(" ,;:+")
    return " ".join(dict.fromkeys(text[s:e] for s, e in sorted(spans)))[:_LONGEST_LABEL]


_LONGEST_LABEL = 48
