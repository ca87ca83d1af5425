"""Tool chain, runtime, driver stack, hardware, and batch or concurrency.

A little over 400 lines, in one file since the five readers share their patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lynxspec.draft import Quote, Value
from lynxspec.extraction.binding import trained_there
from lynxspec.extraction.components import unlisted
from lynxspec.extraction.document import Document, Evidence
from lynxspec.extraction.heads import INSTANCE
from lynxspec.extraction.quantities import NUMBER, strength
from lynxspec.extraction.reading import Unit
from lynxspec.facts.lexicon import Mention
from lynxspec.sheet import Table
from lynxspec.vocabulary import Component, Status

_D, _P = Status.DISCLOSED, Status.PARTIAL

_MAKES = re.compile(
    r"quanti[sz]|compil|convert|export|calib|optimi[sz]|compress|pip install|import |量化|量子化|양자화|컴파일"
    r"|toolkit|sdk"
    r"|tool"
)
_RUNS = re.compile(
    r"measured|benchmark|tested (?:with|on|using)|backend|serving|served|(?:inference|serving) (?:engine"
    r"|framework|server|runtime)"
    r"|\bruns? (?:with|using|in|through|via)\b|running (?:with|using|in)|deployed (?:with|using)|latency"
    r"|throughput|tokens|推理引擎|部署"
)


def _tools(document: Document, role: str) -> Iterator[tuple[Mention, Unit]]:
    for mention, unit in document.reading.named("tool"):
        roles = mention.detail.get("roles", "").split()
        if role in roles and not document.boilerplate(unit) and "rival" not in document.flags(unit):
            yield mention, unit


def tool_chain(document: Document) -> Iterator[Evidence]:
    """D: the quantizer's name with version or commit; P: the name."""
    making: set[str] = set()
    named = [*_tools(document, "quantizer")]
    for mention, unit in named:
        if "runtime" in mention.detail.get("roles", "") and not _MAKES.search(document.reading.words(unit)):
            continue
        making.add(mention.name)
        yield _versioned(document, mention, unit)
    for mention, unit in named:  # its version may stand where it runs the model
        if mention.name in making and (mention.detail.get("version") or _beside(document, mention, unit)):
            yield _versioned(document, mention, unit)
    yield from _software_releases(document)
    if not making:
        yield from _unlisted(unlisted.tools(document))
    for hit in document.hits(_UNNAMED_TOOL):
        if "rival" not in document.flags(hit.unit):
            yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="neither name nor version")


_RELEASE = re.compile(
    r"(?:version |release |v)?(\d+\.\d+(?:\.\d+)?)(?:\.x)? (?:release"
    r"|version) of (?:the )?[\w .-]{3,50}? (?:software|sdk|compiler|toolkit|runtime|stack)"
    r"|(?<![\w.-])[\w.-]{1,40}(?: [\w.-]{1,40}){0,4} (?:software|sdk|compiler|toolkit|stack),? (?:version |release "
    r"|v)(\d+\.\d+(?:\.\d+)?)"
)
"""Software told with its release, whatever it is called: ``the 1.12 release of the Acme Edge software``."""

_UNNAMED_TOOL = re.compile(r"(?:post-training )?quanti[sz]ation (?:tool(?:kit)?|library|toolchain)\b|quantizer tool")


def _software_releases(document: Document) -> Iterator[Evidence]:
    for hit in document.hits(_RELEASE):
        if not document.boilerplate(hit.unit):
            yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))


_RUNTIME_COLUMN = re.compile(
    r"^(?:target )?(?:runtime|inference engine|engine|backend|execution provider)$|ランタイム|런타임|运行时"
)


def _runtime_columns(document: Document) -> Iterator[Evidence]:
    """What stands under a header that says that runtimes stand there."""
    for number, sheet in enumerate(document.reading.sheets):
        for table in sheet.tables():
            for row in table.rows[: table.headers]:
                for index, cell in enumerate(row.cells):
                    if _RUNTIME_COLUMN.search(cell.text.text.strip().lower()):
                        named = [
                            r for r in table.rows[table.headers :] if index < len(r.cells) and r.cells[index].text
                        ][:2]
                        for below in named:
                            quote = document.reading.quote_row(number, below)
                            yield Evidence(
                                status=_P, value=below.cells[index].text.text, quote=quote, note="no version"
                            )


def _unlisted(found: Iterable[tuple[str, str, Quote]]) -> Iterator[Evidence]:
    """Software that the lexicon does not know, where a sheet says what it is."""
    for name, version, quote in found:
        note = "" if version else "no version"
        yield Evidence(status=_D if version else _P, value=f"{name} {version}".strip(), quote=quote, note=note)


def runtime(document: Document) -> Iterator[Evidence]:
    """D: the runtime's name and version; P: the name."""
    yield from _unlisted(unlisted.runtimes(document))
    for mention, unit in _tools(document, "runtime"):
        both = "quantizer" in mention.detail.get("roles", "")
        words = document.reading.words(unit)
        version = mention.detail.get("version") or _beside(document, mention, unit)
        measured = "framework" not in mention.detail.get("roles", "") and _has_speed(document)
        if both and not version and not _RUNS.search(words) and not measured:
            continue
        yield _versioned(document, mention, unit)
    yield from _column_versions(document)
    yield from (e for e in _software_releases(document) if not re.search(r"compil|toolkit|sdk", e.value))
    yield from _runtime_columns(document)
    for hit in document.hits(_UNNAMED):
        yield Evidence(status=_P, value=hit.match[0], quote=document.quote(hit), note="neither name nor version")


def _versioned(document: Document, mention: Mention, unit: Unit) -> Evidence:
    version = mention.detail.get("version", "") or _beside(document, mention, unit)
    quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
    value = f"{mention.name} {version}".strip()
    return Evidence(status=_D if version else _P, value=value, quote=quote, note="" if version else "no version")


_NEXT_CELL = re.compile(r"[\w -]{0,16} \| v?(\d+(?:\.\d+){1,3}[\w.+-]*)(?: \||$)")
_VERSIONED_TABLE = re.compile(r"\bversion\b|\brelease\b|版本|バージョン|버전")


def _beside(document: Document, mention: Mention, unit: Unit) -> str:
    """The version in the cell behind a name, in a table that lists software; empty if none stands there."""
    if unit.kind != "row":
        return ""
    match = _NEXT_CELL.match(document.reading.words(unit), mention.end - unit.start)
    table = document.reading.block(unit)
    if match is None or not isinstance(table, Table):
        return ""
    headers = " ".join(cell.text.text for row in table.rows[: table.headers] for cell in row.cells).lower()
    return match[1] if _VERSIONED_TABLE.search(headers) or match[1].count(".") > 1 else ""


def _has_speed(document: Document) -> bool:
    speeds = {Component.THROUGHPUT_GAIN, Component.SUSTAINED_THROUGHPUT, Component.LATENCY}
    return any(v.component in speeds for v in document.values)


_VERSION_COLUMN = re.compile(
    r"(?!Model|Document|File|Data|Table)([A-Z][\w.+-]*(?: [A-Z][\w.+-]*){0,2}) (?:[Vv]ersion|[Rr]elease)$"
)
"""``Neuron Version``, ``CUDA Version``."""
_VERSION = re.compile(r"v?\d+\.\d+(?:\.\d+)*\w*")


def _column_versions(document: Document) -> Iterator[Evidence]:
    """A column headed with a tool's name and "version", and the versions below it."""
    for number, sheet in enumerate(document.reading.sheets):
        for table in sheet.tables():
            for row in table.rows[: table.headers]:
                for index, cell in enumerate(row.cells):
                    name = _VERSION_COLUMN.match(cell.text.text)
                    if name is None:
                        continue
                    below = next(
                        (r for r in table.rows[table.headers :] if index < len(r.cells) and r.cells[index].text), None
                    )
                    if below and _VERSION.fullmatch(below.cells[index].text.text.strip()):
                        value = f"{name[1]} {below.cells[index].text.text}"
                        yield Evidence(status=_D, value=value, quote=document.reading.quote_row(number, below))
                        yield Evidence(status=_D, value=value, quote=document.reading.quote_row(number, row))


_UNNAMED = re.compile(
    r"(?:our|custom(?:-built)?|proprietary|in-house)(?: \w+){0,3} (?:inference|serving) (?:engine|stack"
    r"|framework|runtime|system)|our (?:custom-built |own )?(?:engine|runtime)\b"
    r"|(?<![\w-])(?!(?:the|an|any|your|each|this|that|other|different|popular|and|for|of|as"
    r"|llm)\b)[\w-]+ inference engine\b"
)

_SYSTEM = re.compile(
    r"(?<![a-z])(ios|ipados|macos|android|windows|ubuntu|debian|centos|rhel|linux"
    r"|xcode)(?: build)?(?: os)?\s?[:=]?\s?(?:ios|version )?(\d+(?:\.\d+)*)?"
)
_SYSTEM_CONTEXT = re.compile(
    r"config|device|system|platform|environment|measured|tested|benchmark|build|host|setup|software|hardware|:"
)

_NO_DRIVERS = frozenset({"Python", "NumPy", "FFmpeg", "CMake", "OpenMPI", "GCC", "glibc", "Triton", "Kubernetes"})
"""Software beneath a runtime that says nothing of the accelerator's stack."""

_STACKS = frozenset(
    {"CANN", "SynapseAI", "Habana SynapseAI", "AWS Neuron", "Neuron SDK", "Gaudi Software", "Poplar SDK"}
)
"""Stacks of accelerators that stand where CUDA and ROCm do."""

_DRIVER_VERSION = re.compile(
    r"(?:驱动(?:程序)?(?:版本)?|固件(?:版本)?|ドライバー?|드라이버|treiber(?:version)?"
    r"|driver(?: version)?|hdk)\s?[:：=]?\s?v?"
    r"(\d+\.\d[\w.]*)"
)
"""A driver without a maker, with its version."""

_NO_STACK = re.compile(r"\s?(?:graphs?|cores?|kernels?|out of memory|\.\w|_visible)")
_PHONES = re.compile(r"android|ios|ipados|iphone")


def driver_stack(document: Document) -> Iterator[Evidence]:
    """D: driver, CUDA, ROCm or image version; P: an OS or a stack without version."""
    for mention, unit in document.reading.named("driver", "tool"):
        version = mention.detail.get("version", "") or _beside(document, mention, unit)
        if mention.name in _NO_DRIVERS or (mention.kind == "tool" and not (version and mention.name in _STACKS)):
            continue
        words = document.reading.words(unit)
        if unit.kind == "row" and _PHONES.search(mention.name.lower()):
            quote = document.reading.quote(unit)
            yield Evidence(
                status=_P, value=f"{mention.name} {version}", quote=quote, note="the system of one device of several"
            )
            continue
        behind = words[mention.end - unit.start :]
        if not version and (
            _NO_STACK.match(behind)
            or _PHONES.search(mention.name.lower())
            or (document.generic(unit) or unit.kind == "code")
        ):
            continue
        if document.boilerplate(unit) or "rival" in document.flags(unit):
            continue
        yield _versioned(document, mention, unit)
    yield from _column_versions(document)
    for hit in document.hits(_DRIVER_VERSION):
        yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))
    for hit in document.hits(_SYSTEM, "sentence", "caption", "footnote"):
        words = document.reading.words(hit.unit)
        desktop = not _PHONES.search(hit.match[1]) and hit.match[1] not in {"linux", "xcode"}
        if document.generic(hit.unit) or not _SYSTEM_CONTEXT.search(words) or not (hit.match[2] or desktop):
            continue
        told = hit.match[2] is not None and re.search(r"measured|tested|build|config|device:|:", words) is not None
        yield Evidence(
            status=_D if told else _P,
            value=hit.match[0],
            quote=document.quote(hit),
            note="" if told else "a system without version, or only said to be supported",
        )


_SUPPORTS = re.compile(
    r"\bsupport|\bcompatible|\bsuch as\b|\be\.g\.|\bincluding\b|\bavailable (?:on|for)|\bdesigned for\b"
    r"|\boptimi[sz]ed for\b|\bfor (?:use|deployment) on\b|\bany\b"
)
_MEASURED = re.compile(
    r"measur|benchmark|tested|\bon (?:an? |the |one |two |four |eight |\d+x? ?)?|config|hardware|device|gpu"
    r"|system|platform|evaluat|performance|throughput|latency|硬件|测试|장비|ハードウェア|instance"
)


_RUNS_ON = re.compile(r"\b(?:run|running|runs|deploy(?:s|ed|able|ing)?|fits?|available|capable|locally)\b")
_MEASURED_WORDS = re.compile(
    r"measur|benchmark|tested|laten|throughput|\bfps\b|tokens|\bms\b|config|evaluat|faster|speed"
    r"|perform\w+ (?:on|of)|results|instance"
)

_NO_QUANTIZATION = re.compile(
    r"without (?:\w+ )?quanti[sz]|no quanti[sz]|not quanti[sz]|never quanti[sz]|avoid\w* quanti[sz]"
)
"""Words of a sentence that compares formats rather than vendors."""

_ENGINE_ONLY = re.compile(r"neural engine|^hexagon|^adreno|tensor cores?|^mali|^xmx|^ethos")


def hardware(document: Document) -> Iterator[Evidence]:
    """D: a product by name; P: a class of hardware, or a product that is only said to be supported."""
    headings = [u for u in document.reading.units if u.kind == "heading"]
    title = document.reading.words(headings[0]) if headings else ""
    known = False
    for mention, unit in document.reading.named("hardware"):
        words = document.reading.words(unit)
        if document.boilerplate(unit) or ("rival" in document.flags(unit) and not _NO_QUANTIZATION.search(words)):
            continue
        if "undone" in document.flags(unit) or (
            unit.kind == "sentence" and trained_there(words, mention.start - unit.start)
        ):
            continue
        generic = mention.detail.get("generic") == "yes"
        if generic and (unit.kind in {"code", "meta"} or not _MEASURED.search(words) or document.generic(unit)):
            continue
        note = "a class of hardware, not a product" if generic else _only_said(document, mention, unit, title)
        quote = document.reading.quote(unit, mention.start - unit.start, mention.end - unit.start)
        known = known or not note
        yield Evidence(status=_P if note else _D, value=mention.name, quote=quote, note=note)
    for hit in document.hits(INSTANCE):
        known = True
        yield Evidence(status=_D, value=hit.match[0], quote=document.quote(hit))
    for name, quote in () if known else unlisted.products(document):
        yield Evidence(status=_D, value=name, quote=quote)
    for value in document.values:
        if value.hardware and value.component is not Component.BATCH_OR_CONCURRENCY:
            yield Evidence(status=_D, value=value.hardware, quote=value.evidence)


def _only_said(document: Document, mention: Mention, unit: Unit, title: str) -> str:
    """Why a named product is not what was measured on; empty if it may be."""
    words = document.reading.words(unit)
    if _ENGINE_ONLY.search(mention.name.lower()):
        return "a unit that many products share"
    if mention.name.lower() in title:
        return ""
    if unit.kind == "sentence" and _RUNS_ON.search(words) and not _MEASURED_WORDS.search(words):
        return "said to run there, not measured on"
    of_others = "own" not in document.flags(unit) and unit.kind in {"sentence", "footnote"}
    return "said to be supported, not measured on" if of_others and _SUPPORTS.search(words) else ""


_BATCH = re.compile(
    rf"batch(?:[ _-]?sizes?)?\s*(?:=|:|of|is|was|set to|at|为|：)?\s*(?:up to )?({NUMBER})(?![a-z0-9_%]|\.\d)"
    rf"|\bbs\s*[=:]?\s*({NUMBER})(?!\w)|concurrenc\w+\s*(?:=|:|of|level|is)*\s*({NUMBER})"
    rf"|({NUMBER}) (?:max(?:imum)? |concurrent |parallel |simultaneous )(?:requests|users|streams|clients"
    rf"|sessions)"
    rf"|(?:max[_ -]?)?(?:num[_ -]?seqs|concurrency|batch[_-]size)\"?\s*[=: ]\s*({NUMBER})|({NUMBER}) streams\b"
    rf"|batchgr(?:ö|oe)(?:ß|ss)e\s?(?:von|=|:)?\s?({NUMBER})"
    rf"|batch-({NUMBER})\b|({NUMBER}) requests? (?:at a time|in flight|per batch)|并发\w{{0,2}}[:： ]*({NUMBER})"
    rf"|批(?:大小|量|次)\w{{0,2}}[:：为 ]*({NUMBER})|배치 ?(?:크기)?[는은:： ]*({NUMBER})"
    rf"|バッチ\w{{0,4}}[:：は ]*({NUMBER})"
)
_BATCH_HEADER = re.compile(r"^batch(?:[ _-]?sizes?)?\s?[,/+&(]|^bs\s?[,/]")
"""A column that gives the batch size and something else: ``Batch Size, Prompt Length``."""


def _batch_columns(document: Document) -> Iterator[Evidence]:
    for number, sheet in enumerate(document.reading.sheets):
        for table in sheet.tables():
            headers = [(i, c) for row in table.rows[: table.headers] for i, c in enumerate(row.cells)]
            for index in (i for i, cell in headers if _BATCH_HEADER.search(cell.text.text.strip().lower())):
                for row in table.rows[table.headers :][:2]:
                    first = (
                        re.match(r"\(?(\d{1,4})\b", row.cells[index].text.text.strip())
                        if index < len(row.cells)
                        else None
                    )
                    if first:
                        yield Evidence(status=_D, value=first[1], quote=document.reading.quote_row(number, row))


_BATCH_WORD = re.compile(
    r"single[- ]stream|single[- ](?:batch|request|user)|offline scenario|server scenario|multi-?stream|(?:low"
    r"|small|large|high|larger|smaller|big) batch(?:es| sizes?)?|batch sizes?\b|single (?:big )?core"
    r"|single[- ]thread(?:ed)?|batched|multi-user"
    r"|prompt[- ]length\s*(?:of|=)?\s*\d+|작은 배치|배치 크기|低バッチ|小批量|batchgröße|concurrent (?:users|requests)"
    r"|single stream"
)
_SAYS_HOW_MANY = re.compile(r"single[- ]stream|single[- ](?:batch|request|user)|single stream")
_NOT_SERVING = re.compile(
    r"local batch|global batch|\btrain|pre-?train|fine-?tun|gradient|lm[_-]?eval|--tasks|calib|\bepoch"
    r"|per_device|auto\b"
)


def batch_values(document: Document) -> Iterator[Value]:
    """Batch sizes and concurrencies that prose and code give in numbers."""
    for hit in document.hits(_BATCH):
        words = document.reading.words(hit.unit)
        if "harness" in document.flags(hit.unit) or _NOT_SERVING.search(words[max(0, hit.start - 70) : hit.end + 40]):
            continue
        if "undone" in document.flags(hit.unit) or re.search(r"support\w* $", words[: hit.start]):
            continue
        number = float(next(g for g in hit.match.groups() if g).replace(",", ""))
        yield Value(
            component=Component.BATCH_OR_CONCURRENCY,
            low=number,
            high=number,
            unit="",
            strength=strength(words, hit.start, hit.start),
            role="quantized",
            evidence=document.quote(hit),
            hardware=document.nearby(hit.unit, "hardware"),
            model=document.nearby(hit.unit, "model"),
        )


def batch_or_concurrency(document: Document) -> Iterator[Evidence]:
    """D: a batch size or concurrency in numbers; P: "low batch sizes", or only a prompt length."""
    numbers = [v for v in document.values if v.component is Component.BATCH_OR_CONCURRENCY]
    apart = (Component.BATCH_OR_CONCURRENCY, Component.THROUGHPUT_GAIN)
    for value in (*numbers, *(v for v in document.values if v.batch and v.component not in apart)):
        yield Evidence(status=_D, value=value.batch or f"{value.low:g}", quote=value.evidence)
    yield from _batch_columns(document)
    for hit in document.hits(_BATCH_WORD):
        words = document.reading.words(hit.unit)
        if "harness" in document.flags(hit.unit) or _NOT_SERVING.search(words[max(0, hit.start - 70) : hit.end + 40]):
            continue
        told = _SAYS_HOW_MANY.search(hit.match[0]) is not None
        yield Evidence(
            status=_D if told else _P,
            value=hit.match[0],
            quote=document.quote(hit),
            note="" if told else "no number of items or requests",
        )
