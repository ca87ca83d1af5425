"""Names of hardware: a product or class with its maker, number, count, memory and form."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from lynxspec.facts import hardware
from lynxspec.facts.lexicon_entries import FLAGS, Entry, Reading, Site, makers

_MAKER = re.compile(r"([^\W\d_]{2,20})(?:['’]s)?(?:\s?[®™]|\((?:R|TM)\))?[ \u00a0_-]$", re.IGNORECASE)
_GAPS = frozenset(" \u00a0_-\n")
"""What `_MAKER` ends with; a search costs more than a look."""

_COUNT_BEFORE = re.compile(r"(?<![\w.,-])(\d{1,5})\s?[x×*]\s?$", FLAGS)
_PLAIN_COUNT = re.compile(r"(?<![\w.,%-])(?<![\d%] )(\d{1,3})\s$")
_COUNT_WORD = re.compile(r"\b(a single|single|one|two|dual|four|quad|eight|sixteen)[ -]$", FLAGS)
_COUNT_AFTER = re.compile(r"\s?\(?(?:[x×*]|\u00d7)\s?(\d{1,4})\)?(?![\w.%])", FLAGS)
_WORDS = {
    "a single": "1",
    "single": "1",
    "one": "1",
    "two": "2",
    "dual": "2",
    "four": "4",
    "quad": "4",
    "eight": "8",
    "sixteen": "16",
}
_MORE = re.compile(
    r"(?:(?:[ \u00a0_-]|, ?| ?\()(?:(?P<memory>\d{1,3})[ \u00a0-]?(?:Gi?B|G)(?![A-Za-z0-9/])"
    r"|(?P<form>SXM\d?|PCI-?e(?:\s?(?:Gen\s?)?\d)?|NVL\s?\d{0,3}|OAM|HBM\d?e?|MAXN|M\.2)(?![A-Za-z0-9]))"
    r"|(?:[ \u00a0_-]| ?\()(?:(?P<plain>Tensor Core|Dev(?:eloper)? Kit|DevKit|Superchip|AI|Data Cent(?:er|re)|Graphics)"
    r"(?= (?:i?GPU|NPU|accel)|[^A-Za-z0-9]|$)"
    r"|(?P<unit>i?GPU|dGPU|NPU|TPU|CPU|DSP|AIPU|accelerator|card|processor|chip|SoC|server|system|instance|phone|smartphone|board"
    r"|module|laptop|graphics)(?P<plural>s?)(?![A-Za-z0-9])))\)?",
    FLAGS,
)
_SIZES_GB = frozenset(
    (
        *(
            1,
            2,
            3,
            4,
            6,
            8,
            10,
            11,
            12,
            16,
            18,
            20,
            24,
            32,
            36,
            40,
            45,
            46,
            48,
            64,
            72,
            80,
            84,
            94,
            95,
            96,
            120,
            128,
            141,
            144,
        ),
        *(180, 186, 188, 192, 256, 279, 288, 384, 432, 512),
    )
)
"""Memory sizes that accelerators and machines are sold with; another number behind a product is a measurement."""

_COUNTS = frozenset({1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 36, 48, 64, 72, 96, 128, 256, 512})


@cache
def _tail(pattern: str, *, tight: bool) -> re.Pattern[str]:
    gap = "-?" if tight else r"(?:[®™]|\((?:R|TM)\))?[ \u00a0_/-]?(?:(?:CPU|Processor) )?"
    return re.compile(rf"{gap}(?P<tail>{pattern})(?![A-Za-z0-9])", FLAGS)


def read_hardware(site: Site) -> Reading | None:
    """A product or a class of hardware with all that is written around it."""
    entry, text, end = site.alias.entry, site.text, site.end
    pattern = entry.cell(2)
    match = _tail(pattern, tight="x" in entry.flags).match(text, end) if pattern else None
    if match is None and "t" in entry.flags and "g" not in entry.flags:
        return None
    name = _base(site, match)
    end = match.end() if match else end
    detail = {"vendor": entry.cell(0), "kind": entry.cell(1)}
    generic = "g" in entry.flags and match is None
    plural = text[end : end + 1] == "s" and text[end - 1].isdigit() and not text[end + 1 : end + 2].isalnum()
    end += plural
    end, several = _more(text, end, detail)
    start = _maker(text, site.start, detail)
    start, end = _count(text, start, end, detail, several=plural or several)
    if generic:
        detail["generic"] = "yes"
        name = _of_maker(name, detail["vendor"], entry)
    else:
        name = " ".join(filter(None, [name, detail.get("form"), detail.get("memory")]))
        detail["product"] = _canonical(name)
    return Reading(start, end, name, {key: value for key, value in detail.items() if value})


def _base(site: Site, match: re.Match[str] | None) -> str:
    """The product's name with its number."""
    entry, raw = site.alias.entry, site.text[site.start : site.end]
    if "x" in entry.flags and match:
        whole = site.text[site.start : match.end()]
        return whole.upper() if whole.islower() else whole
    base = entry.name
    if "o" in entry.flags:
        spelled = site.alias.spelling
        base = raw.upper() if spelled.islower() or "-" in raw else spelled
    if match is None:
        return base.rstrip("-/")
    words = (word for word in match["tail"].split() if word.lower() not in {"processor", "processors", "cpu"})
    tail = " ".join(word.capitalize() if word.islower() and word.isalpha() else word for word in words)
    return base + tail.lstrip("-") if base.endswith(("-", "/")) else f"{base} {tail.strip('- ()')}"


def _more(text: str, end: int, detail: dict[str, str]) -> tuple[int, bool]:
    """Memory, form and the word for the unit, as far as they follow; whether that word is a plural."""
    several = False
    for _ in range(5):  # memory, form, memory type, unit, and one to spare
        match = _MORE.match(text, end)
        if match is None or ("(" in match[0] and ")" not in match[0]):
            break
        if match["memory"] and (int(match["memory"]) not in _SIZES_GB or "memory" in detail):
            break
        if match["memory"]:
            detail["memory"] = f"{match['memory']}GB"
        elif match["form"]:
            form = match["form"].upper().replace(" ", "").replace("PCI-E", "PCIE").replace("PCIE", "PCIe")
            detail["form"] = f"{detail['form']} {form}" if "form" in detail else form
        elif match["unit"]:
            detail["unit"] = match["unit"].lower()
            several = bool(match["plural"])
        end = match.end() - (match[0].endswith(")") and "(" not in match[0])
        if match["unit"]:
            break
    return end, several


def _maker(text: str, start: int, detail: dict[str, str]) -> int:
    """Where the name begins if a maker's name or brand stands before it."""
    for _ in range(3):  # "Intel Habana Gaudi", "AMD Radeon Instinct"
        if text[start - 1 : start] not in _GAPS:
            break
        match = _MAKER.search(text, max(0, start - 26), start)
        word = match[1] if match else ""
        vendor = makers().get(word.lower())
        if match is None or vendor is None or (len(word) == 2 and not word.isupper()):
            break
        start = match.start()
        detail["vendor"] = detail["vendor"] or vendor
    return start


def _count(text: str, start: int, end: int, detail: dict[str, str], *, several: bool) -> tuple[int, int]:
    """The span with the count, if one is written before or behind."""
    window = max(0, start - 12)
    before = _COUNT_BEFORE.search(text, window, start)
    if before:
        detail["count"] = before[1]
        return before.start(), end
    after = _COUNT_AFTER.match(text, end)
    if after and not text[end - 1].isspace():
        detail["count"] = after[1]
        return start, after.end()
    word = _COUNT_WORD.search(text, window, start)
    if word:
        detail["count"] = _WORDS[word[1].lower()]
        return word.start(), end
    plain = _PLAIN_COUNT.search(text, window, start) if several else None
    if plain and int(plain[1]) in _COUNTS:
        detail["count"] = plain[1]
        return plain.start(), end
    return start, end


def _of_maker(name: str, vendor: str, entry: Entry) -> str:
    """``NVIDIA GPU`` for a class with a maker's name before it."""
    return name if entry.cell(0) or not vendor else f"{vendor} {name}"


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    known = hardware.find(name)
    return known.product if known else name
