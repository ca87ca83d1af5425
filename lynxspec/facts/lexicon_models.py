"""Names of models: a stem, then sizes, versions and variants up to where a name tells of quantization."""

from __future__ import annotations

import re

from lynxspec.facts.lexicon_entries import FLAGS, Alias, Entry, Reading, Site, spellings

FAMILIES = {
    "cnn": "convolutional",
    "enc": "transformer_encoder",
    "s2s": "encoder_decoder",
    "dec": "transformer_decoder",
    "rnn": "recurrent",
    "ssm": "state_space",
    "dif": "diffusion",
    "oth": "other",
}
"""Short words of the tables for `lynxspec.vocabulary.ModelFamily`."""

TASKS = {
    "llm": "text generation",
    "vlm": "vision language",
    "cls": "image classification",
    "det": "object detection",
    "seg": "segmentation",
    "pose": "pose estimation",
    "face": "face recognition",
    "depth": "depth estimation",
    "sr": "image restoration",
    "gen": "image generation",
    "video": "video",
    "3d": "3D perception",
    "ocr": "text recognition",
    "nlp": "language understanding",
    "emb": "embedding",
    "mt": "translation",
    "asr": "speech recognition",
    "tts": "speech synthesis",
    "kws": "keyword spotting",
    "audio": "audio",
    "rec": "recommendation",
    "gnn": "graph learning",
}
"""Short words of the tables for tasks; one that is not listed stands for itself."""

_SEP = r"(?:[-_ \u00a0\u2009\u2010-\u2014]|\\[-_])"
_PART = re.compile(
    rf"(?P<sep>{_SEP}?)(?:"
    r"(?P<size>(?:\d{1,3}[x×])?\d{1,4}(?:[._]\d{1,3})?[bm]\d?(?:x\d{1,3}e)?|a\d{1,3}(?:\.\d)?b|e\d{1,2}b|\d{1,3}e)(?![a-z0-9])"
    r"|(?P<context>\d{1,4}[kh])(?![a-z0-9])"
    r"|(?P<blocks>\d{1,2}x\d{1,2}d)(?![a-z0-9])"
    r"|(?P<number>v\d[-_]\d(?![\w.])|\d_\d(?!\d)|v?\d{1,4}(?:\.\d{1,2}){0,2}\+?(?!\d|\.\d|,\d{3}))"
    r"|(?P<date>\d{6}(?:\d\d)?)(?!\w)"
    r"|(?P<word>[a-z]+\d{0,3}[a-z]{0,2})(?![a-z0-9])"
    r")",
    FLAGS,
)
_TAG = re.compile(r":(?P<size>\d{1,3}(?:\.\d)?b)(?![a-z0-9])", FLAGS)
_BRACKETED = re.compile(r"\s?\((?P<size>(?:\d{1,2}x)?\d{1,4}(?:\.\d{1,2})?b)\)", FLAGS)
_DECIMAL = re.compile(r"\.\d{1,2}(?![\d.])")
_VARIANT = re.compile(r"\s?\[(dev|schnell|pro)\]", FLAGS)
_PATCH = re.compile(r"/(?:2|4|8|14|16|32)(?:@\d{3}(?:px)?)?(?!\w)")

_NO_VERSION = re.compile(r"\s?[x×](?![a-z])|\s?%|[-\s]?bits?\b|[-_ ]?shots?\b|[-\s]?(?:way|fold|dim)\b", FLAGS)
_COUNTED = re.compile(
    r"\s?(?:gpus|cpus|npus|nodes|cards|chips|times|tokens|samples|layers|images|ms|s|gb|gib|mb|mib|points?"
    r"|percent|epochs?|steps?|threads?|cores?|streams?|fps|hours?)\b",
    FLAGS,
)
_BITS = re.compile(r"[-\s]?bits?\b", FLAGS)
_SHORT = re.compile(r"\d(?:\.\d{1,2})?")
_INNER = re.compile(r"(?<=\d)[-_](?=\d)")
_TARGET = re.compile(r"99(?:\.9{1,2})?")
"""Accuracy targets that MLPerf writes behind a model's name."""


_LETTERS = frozenset("nsmlxbthgcedtav")
_GLUED = frozenset("nouv")
"""Letters behind the version of a language model: ``4o``, ``3n``, ``4.5v``."""

_SCHEME = re.compile(r"[wa](?:[2-8]|16)|[fsu](?:8|16|32)|b(?:4|8)")
"""Bits of weights or activations, which belong to a precision."""

_NAMED_BY_VERSION = frozenset({"dec", "dif", "ssm"})
"""Families where a bare number behind the stem is a version; elsewhere it may be a depth."""

_IMAGE = frozenset({"cnn", "enc", "s2s", "dif", "oth"})

UNKNOWN = Alias(Entry("model", "", "v", (), ("dec", "llm", "")), "")
"""Stands for a stem that no table has, in a name that ends with a size."""


def describe(entry: Entry) -> dict[str, str]:
    """Family and task of an entry, as far as it has them."""
    family, task = FAMILIES.get(entry.cell(0), ""), entry.cell(1)
    detail = {"family": family} if family else {}
    if task:
        detail["task"] = TASKS.get(task, task)
    return detail


def read_family(site: Site) -> Reading | None:
    """A class of models."""
    return Reading(site.start, site.end, site.alias.entry.name, describe(site.alias.entry))


def read_model(site: Site) -> Reading | None:
    """A stem with its suffixes, unless the stem is a plain word that stands alone."""
    entry, text, end = site.alias.entry, site.text, site.end
    name = entry.name
    decimal = _DECIMAL.match(text, end) if text[end - 1].isdigit() else None
    if decimal:
        name, end = name + decimal[0], decimal.end()
    (parts, end), detail = suffixes(entry, text, end)
    if text[end : end + 2] == "++" or (text[end : end + 1] == "+" and name == "Command R"):
        plus = "++" if text[end : end + 2] == "++" else "+"
        name, end = name + plus, end + len(plus)
    joined = end > site.end and (text[site.end] != " " or "size" in detail)
    joined = joined or (site.start > 0 and text[site.start - 1] in "/_-")
    joined = joined or ("h" in entry.flags and text[end : end + 1] in {"-", "_"})
    if "c" in entry.flags and not site.exact and not joined:
        return None
    complete = True
    if "z" in entry.flags:
        complete = "size" in detail
    elif "n" in entry.flags:
        complete = bool(parts) and (joined or text[site.start].isupper())
    if not complete and "h" not in entry.flags:
        return None
    if parts and "j" in entry.flags and parts[0][:1].isdigit():
        name += parts.pop(0)
    detail |= {"stem": entry.name, **describe(entry)}
    return Reading(site.start, end, " ".join([name, *parts]), detail, complete)


def suffixes(entry: Entry, text: str, end: int) -> tuple[tuple[list[str], int], dict[str, str]]:
    """Sizes, versions and variants from ``end`` on with where they end, and size and version as details."""
    parts: list[str] = []
    ends = [end]
    detail: dict[str, str] = {}
    versions = 0
    while len(parts) < 12 and end < len(text):  # the longest names seen have nine
        match = _PART.match(text, end) or _TAG.match(text, end) or _BRACKETED.match(text, end)
        if match is None:
            break
        part = _part(entry, match, text, first=not parts, versions=versions)
        if not part:
            break
        kind = match.lastgroup or ""
        if kind == "size":
            detail.setdefault("size", part)
        elif kind == "number" and (part[0] == "v" or (entry.cell(0) in _NAMED_BY_VERSION and len(part) < 4)):
            detail.setdefault("version", part.removeprefix("v"))
        versions += kind == "number"
        end = match.end()
        if part.islower() and len(part) == 1 and parts:  # GPT-4o
            parts[-1] += part
            ends[-1] = end
        else:
            parts.append(part)
            ends.append(end)
    while parts and text[end : end + 1].isalnum() and text[end].isascii():  # the 4 of 4e1t is no version
        parts.pop()
        ends.pop()
        end = ends[-1]
    return _marks(entry, text, parts, end), detail


def _marks(entry: Entry, text: str, parts: list[str], end: int) -> tuple[list[str], int]:
    """Suffixes with marks of their own: ``/16``, ``.en``, ``[dev]``."""
    patch = _PATCH.match(text, end) if parts and entry.cell(0) in _IMAGE else None
    if patch:
        parts.append(re.findall(r"\d+", patch[0])[0])
        end = patch.end()
    if text[end : end + 3].lower() == ".en" and not text[end + 3 : end + 4].isalnum():  # whisper-tiny.en
        parts.append("en")
        end += 3
    variant = _VARIANT.match(text, end)
    if variant:
        parts.append(variant[1].lower())
        end = variant.end()
    return parts, end


def _part(entry: Entry, match: re.Match[str], text: str, *, first: bool, versions: int) -> str:
    """The part as it enters the name; empty if it does not belong to it."""
    kind = match.lastgroup or ""  # one besides the separator
    sep = match["sep"] if match.re is _PART else ""
    spaced = sep.isspace()
    if kind == "size":
        return _size(entry, match[kind], spaced=spaced)
    if kind == "number":
        return _number(entry, match[kind], match, text, spaced=spaced, versions=versions)
    if kind == "word":
        return _word(entry, match[kind], sep, first=first)
    return "" if spaced or not sep else match[kind].lower()


def _size(entry: Entry, size: str, *, spaced: bool) -> str:
    unit = size[-1]
    if spaced and (unit == "m" or (unit == "M" and entry.cell(0) == "cnn") or unit in "eE"):
        return ""
    return size.replace("_", ".").replace("×", "x").upper().replace("X", "x")


def _number(entry: Entry, number: str, match: re.Match[str], text: str, *, spaced: bool, versions: int) -> str:
    plain = number[:1] not in "vV"
    glued = not match["sep"]
    if not (glued or not plain) and (_NO_VERSION.match(text, match.end()) or _TARGET.fullmatch(number)):
        return ""
    if glued and _BITS.match(text[match.end() : match.end() + 6]):
        return ""
    if spaced and plain:
        listed = entry.cell(2)
        versioned = "v" in entry.flags and versions == 0 and _SHORT.fullmatch(number)
        if not (versioned or (listed and re.fullmatch(listed.replace(".", r"\."), number))):
            return ""
        if _COUNTED.match(text, match.end()):
            return ""
    return _INNER.sub(".", number.lower())


def _word(entry: Entry, word: str, sep: str, *, first: bool) -> str:
    low = word.lower()
    known = spellings("variant").get(low, "")
    if not known and word[0].isupper() and sep:
        known = spellings("capital").get(low, "")
    if known or sep.isspace() or (not sep and first):
        return known
    if len(low) == 1:
        return _letter(entry, low, glued=not sep)
    return spellings("joined").get(low) or _numbered(entry, low)


def _letter(entry: Entry, letter: str, *, glued: bool) -> str:
    """A size of an image model (``n``, ``B``), or what stands behind the version of a language model (``4o``)."""
    if entry.cell(0) in _IMAGE:
        return letter.upper() if letter in _LETTERS else ""
    return letter if glued and letter in _GLUED else ""


def _numbered(entry: Entry, low: str) -> str:
    """A word of an image model with its number: ``patch16``, ``B0``; but not ``w8`` or ``int8``."""
    base = low.rstrip("0123456789")
    batch = base == "b" and entry.cell(0) == "cnn"
    if entry.cell(0) not in _IMAGE or base == low or batch or _SCHEME.fullmatch(low):
        return ""
    return (low.upper() if len(base) == 1 else low) if base in spellings("numbered") else ""


_OWNER = re.compile(r"(?<![\w./\\-])([A-Za-z0-9][\w.-]{1,38})/([\w.-]{0,40})$")
_HUB = re.compile(r"(?:huggingface\.co|hf\.co|modelscope\.cn)/([A-Za-z0-9][\w.-]{1,38})/([\w.-]{0,40})$")
_PRECISION = re.compile(r"(?:u?int|fp|bf|mxfp|nvfp|w|float)\d.*", FLAGS)
_REST = re.compile(r"[\w.-]{0,120}")


def with_repository(text: str, reading: Reading) -> Reading:
    """A model's name with its owner, where it is written as a repository: ``owner/name``."""
    if "/" not in text[max(0, reading.start - 80) : reading.start]:
        return reading
    window = max(0, reading.start - 90)
    match = _HUB.search(text, window, reading.start) or _OWNER.search(text, window, reading.start)
    if match is None or match[1].lower() in spellings("folder") or _PRECISION.fullmatch(match[1]):
        return reading
    rest = _REST.match(text, reading.end)
    stop = rest.end() if rest else reading.end
    whole = text[match.start(1) : stop].rstrip(".-_")
    if text[stop : stop + 1] in {"/", "\\"} or re.search(
        r"\.(?:onnx|py|pt|pth|engine|tflite|md|json|yaml|sh|html)$", whole
    ):
        return reading
    detail = {**reading.detail, "owner": match[1], "repository": whole}
    return Reading(match.start(1), reading.end, reading.name, detail)
