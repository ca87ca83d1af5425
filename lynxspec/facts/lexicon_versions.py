"""Names with what qualifies them: versions of tools and drivers, splits of data sets, values of percentiles."""

from __future__ import annotations

import re
from functools import cache

from lynxspec.facts.lexicon_entries import FLAGS, Reading, Site

_VERSION = re.compile(
    r"(?P<join>\s?\(|\s?[=~><!]=\s?|:\s?|\s?[@=]\s?|[ \u00a0_-]|,\s)?"
    r"(?P<word>(?:(?:versions?|ver\.?|releases?|rel\.?|v\.?|toolkit|sdk|runtime|driver|container|image|docker|stack"
    r"|llm|open source)[\s:]{1,2}){0,3})"
    r"(?P<hash>(?:(?:git|commit|sha|build|rev|tag|hash)[\s:-]{1,2}){0,2})"
    r"(?P<version>[vr]?\d{1,4}(?:\.\d{1,6}){1,5}(?:[-._+]?(?:rc|post|dev|alpha|beta|cu|rocm|ga|ea|sp|nightly|preview|a|b|p|u)[-._]?\d{0,8}){0,3}"
    r"(?:\+[a-z0-9.]{1,40})?|[vrb]\d{1,5}|nightly|(?=[a-f]*\d)[0-9a-f]{7,40}|\d{1,4})(?!\w)(?!\.\d)",
    FLAGS,
)
_HASH = re.compile(r"[0-9a-f]{7,40}")
_NO_VERSION = re.compile(
    r"\s?(?:[x×%]|times\b|ms\b|us\b|s\b|sec|tokens?\b|tok\b|t/s|images?\b|img|fps\b|gi?b\b|mi?b\b|k\b|m\b|hours?\b|min\b|-?bits?\b"
    r"|gpus?\b|nodes?\b|cores?\b|workers?\b|points?\b|tops\b|tflops\b|requests?\b|days?\b|weeks?\b|samples?\b|layers?\b|percent\b)"
    r"|,\d{3}|\s+\d+[.,]\d",
    FLAGS,
)
_SPLIT = re.compile(
    r"[-_ /:]{0,2}\(?(?P<split>(?:val(?:idation)?|test|train(?:ing)?|dev|minival)"
    r"(?:[-_ ](?:clean|other|dev|mini|std|sft|gen))?"
    r"(?:[-_ ]?20\d\d)?)\b(?:[ -](?:set|split|images|data))?",
    FLAGS,
)
_SHOTS = re.compile(r"\s?[,(\[]?\s?(\d{1,2})[- ]?shots?\b", FLAGS)
_SHOTS_BEFORE = re.compile(r"(?<![\d.])(\d{1,2})[- ]?shot\s$", FLAGS)
_VALUE_BEFORE = re.compile(r"(?<![\d.])(\d{2}(?:\.\d{1,6})?|100)\s?(?:%|th)?[- ](?:th\s)?$", FLAGS)
_VALUE_AFTER = re.compile(r"[\s=:(_-]{1,3}(?:of\s|value\s|=\s?)*(\d{2}\.\d{1,6}|0?\.9\d{1,6}|99|100)(?![\d.])", FLAGS)
_WAIT = re.compile(r"\s(?:latenc|ttft|itl|tpot|response|tail|of latenc)", FLAGS)


def read_tool(site: Site) -> Reading | None:
    """A tool with its version."""
    entry = site.alias.entry
    end, version = read_version(site)
    if "t" in entry.flags and not version:
        return None
    detail = {"tool": entry.cell(0), "roles": entry.cell(1)}
    if version:
        detail["version"] = version
    return Reading(site.start, end, entry.name, detail)


def read_driver(site: Site) -> Reading | None:
    """A driver, toolkit, operating system or image with its version."""
    end, version = read_version(site)
    if "t" in site.alias.entry.flags and not version:
        return None
    return Reading(site.start, end, site.alias.entry.name, {"version": version})


def read_version(site: Site) -> tuple[int, str]:
    """Where a name ends with its version, and the version without a leading v; empty if there is none."""
    text, end = site.text, site.end
    match = _VERSION.match(text, end)
    if match is None or _NO_VERSION.match(text, match.end()):
        return end, ""
    version, join = match["version"], match["join"] or ""
    told = bool(match["word"].strip()) or join.strip() in {"==", "~=", ">=", "<=", "@", "=", ":"}
    if _HASH.fullmatch(version):
        if not match["hash"] and join.strip() != "@":
            return end, ""
    elif version.isdigit():
        if not (told or match["hash"].lower().startswith("build") or "i" in site.alias.entry.flags):
            return end, ""
        if join == ", " or (join == "-" and "i" not in site.alias.entry.flags):
            return end, ""
    elif version[0] in "bB" and not match["hash"] and "llama" not in site.alias.entry.name:
        return end, ""
    end = match.end()
    if join.strip() == "(" and text[end : end + 1] == ")":
        end += 1
    return end, version.lower().removeprefix("v")


@cache
def _tail(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})", FLAGS)


def read_dataset(site: Site) -> Reading | None:
    """A data set with its variant, split and number of shots."""
    entry, text, end = site.alias.entry, site.text, site.end
    detail = {"role": entry.cell(0), "domain": entry.cell(1)}
    tail = _tail(entry.cell(2)).match(text, end) if entry.cell(2) else None
    if tail and tail[0]:
        detail["variant"] = tail[0].strip("-_ ")
        end = tail.end()
    split = _SPLIT.match(text, end)
    if split:
        detail["split"] = split["split"].lower()
        end = split.end()
    shots = _SHOTS.match(text, end) or _SHOTS_BEFORE.search(text, max(0, site.start - 12), site.start)
    if shots:
        detail["shots"] = shots[1]
    return Reading(site.start, end, _own(site), detail)


def read_metric(site: Site) -> Reading | None:
    """A metric and which way is better."""
    return Reading(site.start, site.end, _own(site), {"better": site.alias.entry.cell(0)})


def read_method(site: Site) -> Reading | None:
    """An algorithm or approach in the vocabulary's words."""
    entry = site.alias.entry
    mark = entry.name[len(entry.name.rstrip("#()")) :]  # QuIP#, LLM.int8()
    end = site.end + (len(mark) if mark and site.text.startswith(mark, site.end) else 0)
    return Reading(site.start, end, _own(site), {entry.kind: entry.cell(0)} if entry.cell(0) else {})


def read_calibration(site: Site) -> Reading | None:
    """A way to find ranges, with the value of a percentile."""
    entry, text = site.alias.entry, site.text
    start, end, detail = site.start, site.end, {"method": entry.cell(0)}
    if entry.cell(0) == "percentile":
        before = _VALUE_BEFORE.search(text, max(0, start - 14), start)
        after = _VALUE_AFTER.match(text, end)
        if _WAIT.match(text, end):
            return None
        if before:
            detail["value"], start = before[1], before.start()
        elif after:
            closed = "(" in after[0] and text[after.end() : after.end() + 1] == ")"
            detail["value"], end = after[1], after.end() + closed
    return Reading(start, end, entry.name, detail)


def read_word(site: Site) -> Reading | None:
    """A component word of another language."""
    entry = site.alias.entry
    return Reading(site.start, site.end, entry.name, {"component": entry.cell(0), "language": entry.cell(1)})


def _own(site: Site) -> str:
    """The entry's name, or the words of the text where each alias is a name of its own."""
    return (
        " ".join(site.text[site.start : site.end].split()) if "o" in site.alias.entry.flags else site.alias.entry.name
    )
