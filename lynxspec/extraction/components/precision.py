"""Number format, quantized tensors, granularity, and the policy for layers that stay higher."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.extraction.document import Document, Evidence
from lynxspec.extraction.reading import Hit, Unit
from lynxspec.extraction.schemes import SCHEME, TENSOR, Scheme, schemes
from lynxspec.vocabulary import Status

_D, _P = Status.DISCLOSED, Status.PARTIAL

_ENUMERATION = 5
"""So many formats in one sentence are a list of what is supported, not what was done."""

_SEVERAL = 3
"""So many, in a sentence that says what is supported, are a list too."""

_SUPPORTS = re.compile(r"\bsupport(?:s|ed|ing)?\b|支持|対応|지원|unterstütz")

_QUANTIZED_WORD = re.compile(
    r"(?:pre-?)?quanti[sz](?:ed|ation|ing)|compressed (?:model|integer)|low[- ]bit|量化|양자화|量子化|quantisier\w*"
)

_PROSE = ("sentence", "caption", "footnote")


def precision_format(document: Document) -> Iterator[Evidence]:
    """D: an unambiguous number format; P: a bit width, or only the word "quantized"."""
    per_unit: dict[int, list[Scheme]] = {}
    for scheme, unit in document.schemes:
        per_unit.setdefault(unit.index, []).append(scheme)
    for index, found in per_unit.items():
        unit = document.reading.units[index]
        quantized = [s for s in found if s.sort == "quantized"]
        flags = document.flags(unit)
        words = document.reading.words(unit)
        aside = "rival" in flags and "own" not in flags and not _NAMED_BITS.search(words)
        if not quantized or document.boilerplate(unit) or aside:
            continue
        supported = len({s.name for s in found}) >= _SEVERAL and _SUPPORTS.search(words) is not None
        listed = supported and unit.kind in _PROSE and "own" not in flags
        listed = listed or (len({s.name for s in found}) >= _ENUMERATION and unit.kind in _PROSE and "own" not in flags)
        for scheme in quantized:
            exact = scheme.exact or _beside_tensor(document, unit, scheme)
            quote = document.reading.quote(unit, scheme.start, scheme.end)
            listed = listed or (
                unit.kind in _PROSE
                and (document.definition(unit) or _LIKE.search(document.reading.words(unit)) is not None)
            )
            note = "a list of formats" if listed else "" if exact else "a bit width, not a number format"
            yield Evidence(status=_D if exact and not listed else _P, value=scheme.name, quote=quote, note=note)
    for hit in document.hits(_NATIVE):
        told = "weight" in hit.match[0]
        yield Evidence(
            status=_D if told else _P,
            value=hit.match[0],
            quote=document.quote(hit),
            note="" if told else "not quantized, and which tensors is not told",
        )
    for hit in document.hits(_QUANTIZED_WORD):
        if "rival" not in document.flags(hit.unit):
            yield Evidence(status=_P, value="quantized", quote=document.quote(hit), note="no number format is named")


_LIKE = re.compile(r"formats? (?:like|such as|including)|often involves")
_NATIVE = re.compile(
    r"(?:native|original|full|unquantized)(?: \w+){0,2} \(?(?:16[- ]?bit|32[- ]?bit|bf16|bfloat16|fp16|float16"
    r"|fp32)(?: (?:\(\w+\) )?(?:weights?|precision))?"
)


def _beside_tensor(document: Document, unit: Unit, scheme: Scheme) -> bool:
    """Whether a bit width is told of weights and activations, as in "8-bit weights and activations"."""
    words = document.reading.words(unit)
    tensors = {m[0][:6] for m in TENSOR.finditer(words)}
    if "palettiz" in words or "palettiz" in document.reading.lower:
        return True  # a look-up table of 2^n entries: the width is all there is to know of the format
    return len(tensors) >= 2 and TENSOR.search(words, max(0, scheme.start - 60), scheme.end + 60) is not None


_BOTH = re.compile(
    r"weights?(?: tensors?)? ?(?:and|&|/|,|\+) ?activations?|activations? ?(?:and|&|/) ?weights?|权重和激活|重みと活性"
    r"|가중치와 활성|weight[s]?[ -]only|only (?:the )?weights|gewichte und (?:die )?aktivierung\w*"
    r"|权重(?:、|与|及|及其|,)?\s?激活|重み(?:と|および|、)活性|가중치(?:와| 및|,) ?활성"
    r"|weights?,? per[- ]\w+(?:[- ]wise)?,? (?:and )?(?:the )?activations?,? (?:are )?per[- ]\w+"
    r"|gewichte (?:pro|je) \w+,? (?:und )?(?:die )?aktivierungen (?:pro|je) "
    r"|重みは[^、。]{0,12}、活性化?(?:関数)?は(?:チャネル|テンソル|トークン)"
    r"|(?:仅|只)(?:对|量化|是)?(?:模型)?权重|权重(?:仅|only)量化|重みのみ|重みだけ|가중치만|가중치 전용"
    r"|nur (?:die )?gewichte"
    r"|(?:权重|激活值?|重み|活性化?|가중치|활성(?:화|값)?|gewichte"
    r"|aktivierungen)[^,，。;；、.|]{0,14}(?:int|fp|float|w)-?\d"
    r"|(?:int|fp)-?\d{1,2} ?(?:的)?(?:权重|激活|重み|活性|가중치|활성|gewichte|aktivierungen)"
)
_KV = re.compile(r"(?:kv|key[ -/]?value)[ -]?caches?")
_NAMED_BITS = re.compile(
    r"(?:int|uint|fp|float|mxfp|nvfp|nf)-?\d{1,2}\w* (?:\w+[ -]){0,2}(?:weights?|activations?)"
    r"|(?<![\w.])(?:\d{1,2}|four"
    r"|eight)[ -]?bits? (?:\w+[ -]){0,3}(?:weights?|activations?)"
    r"|(?:weights?|activations?|kv[ -]?cache)(?: quanti[sz]ation| precision| data ?type| dtype| format)?s?: (?:ocp )?"
    r"(?:(?:int|uint|fp|float|mxfp|nvfp|nf|mxint)-?\d|e4m3|\d[ -]?bits?)"
    r"|(?:ternary|binary|1\.58[- ]bit) weights?"
    r"|kv[ -]?cache quanti[sz]ation (?:to|in|with) (?:(?:int|fp|nvfp|mxfp)-?\d|\d[ -]?bit)"
    r"|quanti[sz]\w+ (?:of )?the kv[ -]?cache (?:to|in|with) (?:(?:int|fp|nvfp|mxfp)-?\d|\d[ -]?bit)"
    r"|(?:weights?|activations?)(?: \w+){0,5}? (?:to|in|into|as|at|using|with|are|of"
    r"|:) (?:\w+ ){0,4}?(?:(?:int|uint|fp|float|mxfp|nvfp|nf)-?\d|\d[ -]?bits?|e4m3|four|eight)"
)
_OF_TENSORS = re.compile(
    r"(?:int|fp|mxfp|nvfp|nf|\d-bit)-?\d*\w* quanti[sz]\w+ (?:of|for) (?:\w+ ){0,4}?(?:weights?|activations?"
    r"|kv)\b"
    r"|weights? (?:stay|remain|are stored|are kept|are held) in (?:fp|int|bf|mxfp|nvfp)-?\d+"
)
_TENSOR_COLUMN = re.compile(
    r"(?:weights?|activations?|kv[ -]?cache)[ _](?:storage[ _])?(?:data[ _]?types?|dtypes?|precision|format|bits"
    r"|quanti[sz]ation)\b"
)
"""A column of what a tensor is held in: ``Weight Storage Data Type``."""
_LEFT = re.compile(
    r"(?:activations?|kv[ -]?caches?|weights?)(?:,? and (?:the )?(?:\w+ ){0,2}\w+)? (?:are|is|remains?|stays?"
    r"|were|was) (?:all |both )?(?:left|kept|stored|computed|quantized|unquantized|in)\b"
)

_IMPLIED = re.compile(
    r"(?<![a-z])(?:awq|gptq|gguf|q\d_k_[sml]|q\d_[01k]|hqq|rtn|nf4|weight compression|palettiz\w+)(?![a-z])"
    r"|int[48][ _-]?(?:awq|weights?|wo)\b|(?:weights?|activations?|kv[ -]caches?)"
)


def tensors_quantized(document: Document) -> Iterator[Evidence]:
    """D: prose tells which of weights, activations, KV cache; P: only a scheme's name, a header, or a primer does."""
    yield from _by_scheme(document)
    for hit in document.hits(_BOTH, *_PROSE, "heading"):
        if "quant" in document.flags(hit.unit) and _of_this(document, hit.unit):
            told = not document.generic(hit.unit) and hit.unit.kind != "heading"
            yield _tensors(document, hit, "" if told else "told in general")
    for hit in (*document.hits(_NAMED_BITS), *document.hits(_OF_TENSORS, *_PROSE)):
        if not document.definition(hit.unit):
            told = hit.unit.kind in _PROSE and not document.generic(hit.unit) and _of_this(document, hit.unit)
            yield _tensors(document, hit, "" if told else "told in general or in a name")
    yield from _by_storage(document)
    for pattern, note in ((_KV, "the KV cache alone is named"), (_IMPLIED, "only implied by a name")):
        for hit in document.hits(pattern):
            if "quant" in document.flags(hit.unit) and _of_this(document, hit.unit):
                yield _tensors(document, hit, note)


def _by_storage(document: Document) -> Iterator[Evidence]:
    """A column of what a tensor is stored in, and what a sentence says is left or kept in a format."""
    for hit in document.hits(_TENSOR_COLUMN, "header"):
        if document.schemes:
            yield _tensors(document, hit)
    for hit in document.hits(_LEFT, *_PROSE):
        if document.schemes_in(hit.unit) and not document.generic(hit.unit):
            yield _tensors(document, hit)


def _tensors(document: Document, hit: Hit, note: str = "") -> Evidence:
    return Evidence(status=_P if note else _D, value=hit.match[0], quote=document.quote(hit), note=note)


def _of_this(document: Document, unit: Unit) -> bool:
    """Whether a unit neither explains a notion nor tells of others."""
    return "rival" not in document.flags(unit) and not document.definition(unit)


def _by_scheme(document: Document) -> Iterator[Evidence]:
    """``W8A8`` tells both tensors; inside a name it is weak."""
    for hit in document.hits(SCHEME):
        if not hit.match[0][1].isdigit():
            continue
        in_name = _in_path(document, hit.unit, hit.start)
        told = not in_name and hit.unit.kind in _PROSE and not document.generic(hit.unit)
        note = "" if told else "only a scheme's name tells it"
        yield Evidence(status=_D if told else _P, value=hit.match[0].upper(), quote=document.quote(hit), note=note)


_GRANULARITY = re.compile(
    r"per[- _](?:output[- ]|input[- ])?(?:tensor|channel|token|row|column|block|group|head"
    r"|axis)(?:[- ]?wise)?(?![- ]?(?:latency|sla|cost|price|second|time))|(?:tensor|channel|token|group|row"
    r"|block)[-_ ]?wise|layer[- ]?wise (?=quanti|scal)"
    r"|(?:q_?)?group[ _-]?size[s]?[\"']?(?: of|:|=|\s)*\s*[\"']?\d+|block[ _-]?size[s]?(?: of|:|=|\s)*\s*\d+"
    r"|\bblock-\d+|groups? of \d+|blocks? of \d+|[-_]g(?:32|64|128|256)\b|(?<![a-z])g(?:32|64|128|256)\b"
    r"|tensor-wide|output-channel scaling"
    r"|逐(?:通道|张量|token|组)|按(?:通道|张量|组)|每(?:通道|张量|组)|分组量化|组大小[为是:： ]*\d+"
    r"|チャネル(?:毎|ごと|単位)|テンソル(?:毎|ごと|単位)|トークン(?:毎|ごと|単位)|グループサイズ\w?[:： ]*\d+"
    r"|(?:채널|텐서|토큰|그룹)별|(?:채널|텐서|토큰|그룹) 단위|그룹 ?크기[는은가:： ]*\d+"
    r"|(?:pro|je) (?:ausgabe)?(?:kanal|tensor|token|gruppe|zeile|block)\b|(?:kanal|tensor|token|gruppen)weise"
    r"|gruppengröße (?:von )?\d+"
    r"|single (?:quantization parameter|scale)|per_channel\w*|per_tensor\w*|(?:fine[- ]grained"
    r"|block)[- ]quantiz\w+|\b(?:1x128|128x128)\b|groupwise"
)
_QUANT_NEAR = re.compile(
    r"quanti|scale|scaling|dynamic|symmetric|weight|activation|\d[ -]?bit|fp8|int[48]|granular|w\d+a\d+|group"
    r"|zero[- ]point|awq|gptq|量化|양자화|量子化|粒度|权重|激活|重み|活性|가중치|활성|gewicht|skala|スケール|스케일"
)


def granularity(document: Document) -> Iterator[Evidence]:
    """D: per tensor, channel, token or group size; P: only in a path or name, or in a primer."""
    for hit in document.hits(_GRANULARITY):
        unit = hit.unit
        if not (
            _QUANT_NEAR.search(document.reading.near(unit)) or QUANTIZING_CODE.search(document.reading.words(unit))
        ):
            continue
        if ("rival" in document.flags(unit) and "own" not in document.flags(unit)) or document.definition(unit):
            continue
        if _PER_SOMETHING.search(document.reading.words(unit)[: hit.start]):
            continue
        size = re.search(r"\d+", hit.match[0])
        vague = (
            re.fullmatch(r"(?:group|block|layer|token|channel)[- ]?wise|per[- _]group|groupwise", hit.match[0])
            is not None
            and not size
        )
        in_name = hit.match[0].startswith(("block-", "-g", "_g")) and _in_path(document, unit, hit.start)
        told = (
            not document.generic(unit) and not in_name and not (vague and hit.match[0].startswith(("layer", "block")))
        )
        note = "" if told else "only a name tells it" if in_name else "told in general"
        yield Evidence(status=_D if told else _P, value=hit.match[0].strip(" :="), quote=document.quote(hit), note=note)


_PER_SOMETHING = re.compile(
    r"(?:time|latency|ms|msec|seconds?|cost|price|dollars?|energy|joules?|flops|macs|bytes|gb|mb"
    r"|tokens)\)? (?:spent )?$"
)
"""Words before "per token" that make it a rate."""

QUANTIZING_CODE = re.compile(r"quant|calib|gptq|awq|group_size|scheme")


def _in_path(document: Document, unit: Unit, at: int) -> bool:
    """Whether a place stands inside a path, URL or file name."""
    words = document.reading.words(unit)
    left = words.rfind(" ", 0, at) + 1
    right = words.find(" ", at)
    token = words[left : right if right >= 0 else len(words)]
    return "/" in token or re.search(r"\.\w{2,5}$", token) is not None or token.count("-") + token.count("_") >= 3


_EXCEPTION = re.compile(
    r"ignore\s*[=:]\s*\[?|ignored_layers|modules_to_not_convert|skip_modules|exclude[_d]?\w*\s*[=:]"
    r"|keep_\w*layers|nodes_to_exclude|op_types_to_exclude|--exclude|--ignored_scope|ignored_scope"
    r"|lm[_ -]?head|output (?:layer|head|projection)s?\b|classif(?:ication|ier) (?:layer|head)"
    r"|classifier\b(?! model)"
    r"|embeddings?(?: (?:layer|table|lookup table|weights?))?\b|(?:first|last|final)(?: and (?:the )?(?:first"
    r"|last|final))? (?:\w+ ){0,2}?(?:layers?|conv\w*|blocks?)|\b(?:down|gate|up|qkv?|[qkvo]|in|out)_proj\b"
    r"|self[_ -]?attn|\bmlp\.\w+"
    r"|(?:router|gate|gating)s?(?: layers?| weights?)?\b|vision (?:tower|encoder)|layer-?norms?\b"
    r"|norm(?:alization)? layers?|softmax|attention (?:layers?|blocks?|modules?)|shared experts?"
    r"|sensitive layers?|residual|output tensor|首层|末层|首尾层|第一层|最后一层|输出层|(?:词)?嵌入层"
    r"|分类头|检测头|路由层|注意力层|最初の層|最終層"
    r"|埋め込み層?|出力層|分類(?:ヘッド|層)|検出ヘッド|最初と最後の層|첫 (?:번째 )?(?:레이어|층)"
    r"|마지막 (?:레이어|층)|임베딩|출력 ?층|분류 헤드"
    r"|(?:erste|letzte)n?(?: und (?:die )?letzten?)? (?:\w+ )?(?:schicht|faltung|lage|ebene)\w*|einbettung\w*"
    r"|ausgabeschicht\w*|klassifikator\w*"
)
_KEPT = re.compile(
    r"ignor|except|exclud|skip|keep|kept|\bstays?\b|remain|retain|preserv|leav(?:e|ing)|left (?:in|un|at)"
    r"|not quanti"
    r"|un-?quanti|higher[- ]precision|full[- ]precision|in (?:bf16|fp16|fp32|float|int8|fp8|8[- ]bit"
    r"|16[- ]bit)|(?:bf16|fp16|fp32|16-bit|8-bit|int8|int16|q6_k|q8_0|w\d+a16|fp8)"
    r"|unchanged|modules_to_not|保持|保留|不量化|不做量化|跳过|回退|fall(?:s|ing)? ?back|除|유지|제외"
    r"|그대로|以外|除外|まま|残し|維持|außer"
    r"|ausgenommen|bleib|belassen"
)
_KEPT_IN = re.compile(
    r"(?:stays?|kept|keeps?|remains?|left|runs?|held) (?:\w+ )?(?:in|at) (?:bf16|fp16|fp32|float\w*|16[- ]bit|int8"
    r"|int16|fp8|8[- ]bit)"
)
"""A layer that stays in a format, in a text that quantizes to another one."""
_OF_SEARCH = re.compile(r"vectors?\b|retriev|\bsearch|corpus|\bindex")
"""An embedding that is a result to be searched, and no layer."""
_VAGUE_POLICY = re.compile(
    r"mixed[- ]precision|mixed[- ]bit|some (?:of the )?(?:layers|tensors|operators|parts)|(?:certain|sensitive"
    r"|important|critical) (?:layers|weights|tensors|operators|channels)|(?:layers"
    r"|tensors) (?:that are )?(?:sensitive|kept)|混合精度|混合精度|혼합 정밀도|gemischte präzision|backup precision"
    r"|higher precision for"
)


def mixed_precision_policy(document: Document) -> Iterator[Evidence]:
    """D: the exceptions are named; P: mixed precision is said and not which layers."""
    for hit in document.hits(_EXCEPTION):
        unit = hit.unit
        words = document.reading.words(unit)
        around = words[max(0, hit.start - 90) : hit.end + 110]
        if unit.kind in {"header", "row"} and "quant" not in document.flags(unit):
            continue
        if not _KEPT.search(around.replace(hit.match[0], " ", 1)) and not re.match(
            r"ignor|modules|skip|exclude|keep|nodes|op_types|--", hit.match[0]
        ):
            continue
        near = document.about_quantization(unit) or unit.kind in {"code", "meta"}
        near = near or (document.is_about_quantization and next(schemes(around), None) is not None)
        near = near or (unit.kind in _PROSE and _KEPT_IN.search(around) is not None and document.only_scheme != "")
        if not near or "embedding model" in around:
            continue
        if hit.match[0].startswith("embedding") and _OF_SEARCH.search(document.reading.near(unit, before=3, after=2)):
            continue
        told = not document.generic(unit) and not ("sensitive" in hit.match[0] and re.search(r"\bcan\b", words))
        yield Evidence(
            status=_D if told else _P,
            value=hit.match[0].strip(" =:["),
            quote=document.quote(hit),
            note="" if told else "told in general",
        )
    for hit in document.hits(_VAGUE_POLICY, *_PROSE, "heading", "row", "header"):
        if document.about_quantization(hit.unit) and not re.search(r"training", document.reading.words(hit.unit)):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="which layers is not told")
