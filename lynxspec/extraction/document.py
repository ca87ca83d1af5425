"""A document under reading: its units, the flags that warn of traps, and the values found so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from lynxspec.draft import Quote, Value
from lynxspec.extraction.reading import Hit, Reading, Unit
from lynxspec.extraction.schemes import FORMATS, SCHEME, TENSOR, Scheme, schemes
from lynxspec.vocabulary import Status

QUANT = re.compile(
    r"quanti[sz]|microscaling|\bmx\w* formats?|(?<![a-z])(?:int-?[248](?![0-9])|u?int8)"
    r"|fp-?[48](?![0-9])|float8|w\d{1,2}a\d{1,2}|mxfp"
    r"|nvfp|(?<!\d)(?:\d\.\d+|[2-8])[ -]?bits?\b|compress|low[- ](?:precision|bit)|e4m3|q\d_|gguf|awq|gptq"
    r"|1\.58|palettiz|reduced[- ]precision|lower precision|量化|量子化|양자화|低精度|低比特"
)
"""Words that make a sentence about quantization."""

_GENERIC = re.compile(
    r"\b(?:is|are) (?:a|an|the) (?:\w+[- ]){0,3}(?:technique|method|process|approach|procedure|format|way"
    r"|algorithm)s?\b|\btypically\b|\bgenerally\b|\bin general\b|\busually\b|\bcommonly\b"
    r"|\baccording to (?:the |its )?(?:\w+ )?(?:paper|authors|literature|documentation|docs)\b|in the literature"
    r"|\b(?:paper|authors|literature) (?:reports?|claims?|shows?|states?)\b"
    r"|\bcan be (?:used|applied|quantized|calibrated|set|chosen)|\b(?:users?|developers?|you|one"
    r"|customers?) (?:can|may|could|should|must|need|might|will need)\b|\bthere are (?:two|three|several|many"
    r"|different)\b"
    r"|\bfor example\b|\be\.g\.|\bsuch as\b|\bincluding\b|\brecommend|\b^what is\b|\bhow (?:to|it) "
    r"|\brefers to\b|\bwe will (?:explore|discuss)|\bif you (?:want|need|would)|\bquantization (?:can|is|may"
    r"|allows|helps|enables|reduces)\b|\b(?:can|may|could) (?:\w+ly )?(?:reduce|improve|lead|increase|speed"
    r"|lower|accelerate)"
)
"""Words of manuals and primers: what could be done, not what was done."""

_OWN = re.compile(
    r"following table|table below|below table|tables? (?:shows?|compares?|lists?|demonstrates?)"
    r"|\b(?:we (?:compare|have |also |then |first |only |further |utili[sz]ed |use |used |appl|quanti|calibrat"
    r"|measur"
    r"|evaluat|employ|keep|kept|design|adopt|chose|ran|run|obtain|report|observe)"
    r"|our \w+|(?:is|are) applied\b|was (?:obtained|quantized"
    r"|calibrated|measured|created|generated|produced|applied|evaluated|tested|performed)"
    r"|were (?:obtained|quantized|calibrated|measured|created|generated|produced|applied|evaluated|tested"
    r"|collected|compiled)|is (?:obtained|quantized|calibrated|a quantized)|are quantized\b|has been\b"
    r"|this model\b)"
)
"""Words that bind a sentence to what the vendor did."""

_RIVAL = re.compile(
    r"\bcompetit|\bother (?:vendors?|solutions|providers|chips|accelerators|npus|platforms|companies)"
    r"|\bunlike\b|\bforc(?:e|es|ing)\b|\balternatives?\b|\brather than\b|\binstead of quanti"
    r"|\bwithout (?:any )?quanti[sz]"
    r"|\bno (?:need (?:for|to) )?quanti[sz]|\bnot quanti[sz]ed\b|\bnever quanti|\bavoid(?:s|ing)? quanti"
    r"|\bas opposed to\b"
)

_DEFINITION = re.compile(
    r"\b(?:is|are) (?:a|an|the|one) (?:\w+[- ]){0,4}(?:technique|method|process|approach|procedure|way|step"
    r"|form|family)s?\b|\brefers to\b|\b^what (?:is|are)\b|\btypically\b|\bin general\b|\bgenerally\b"
    r"|\busually\b|\bcommonly\b|\bthere are (?:two|three|several|many|different)\b|\bmost (?:methods|schemes"
    r"|tools|toolkits|frameworks)\b|\bone (?:can|may|must|has to)\b|\bin post-training quantization\b"
)
"""Words of a primer: what a thing is, not what was done."""

_PRIMER = re.compile(
    r"what (?:is|are) (?:\w+ ){0,3}?quanti[sz]|quanti[sz]ation (?:basics|primer|101)|primer on"
    r"|how quanti[sz]ation works"
)

CRITERION = re.compile(
    r"criteri\w+|threshold|tolerance|max_drop|許容|기준|允许|zulässig|höchstens|以内"
    r"|\b(?:must\b|shall\b|only if\b|accept(?:ed|ance|s)?\b (?:if|only|criterion|when|at most|no more|up to"
    r"|a (?:loss|drop))"
    r"|require(?:s|d|ment)?\b|demand(?:s|ed)?\b|allowed\b)"
)
"""Words of a bar that a result has to pass; its number is no result."""

_TRAINING = re.compile(
    r"\b(?:pre-?)?train(?:s|ing|ed)?\b(?![- ](?:aware|free|quanti|set|data))|fine-?tun|\bepochs?\b|gradient"
    r"|backward|optimizer|learning rate|训练|학습 속도"
)
_SPECULATIVE = re.compile(
    r"speculative|draft model|medusa|eagle-?\d?\b|lookahead|multi-token prediction|prefix cach|teacache"
    r"|continuous batching|paged ?attention|flash ?attention|cuda graph|kernel fusion|spars(?:e|ity)"
)
_GENERATION = re.compile(
    r"\b(?:previous|prior|last|earlier|older)[- ](?:gen(?:eration)?|version|release)"
    r"|\bgeneration[- ]over[- ]generation|\bpredecessor|\b(?:from|over|vs\.?|than|compared (?:to"
    r"|with)) (?:the )?(?:nvidia )?(?:hopper|ampere|blackwell|ada|turing|volta|[hab]\d00|v100|t4|mi\d+x?"
    r"|gaudi ?2|tpu ?v\d)\b|\bnext[- ]gen"
)
_POSTTRAINING = re.compile(
    r"post[- ]?training|(?:as|originally|natively) trained|quantization[- ]aware|training[- ](?:aware|free"
    r"|data|set)|quantized training|without (?:re)?training"
    r"|no (?:re)?training|pre-?trained|(?:re)?trained model"
)
_HARNESS = re.compile(
    r"lm[_-]?eval|lighteval|evalplus|--tasks|--model_args|--num_fewshot|helm-run|accelerate launch"
    r"|--apply_chat_template|per_device|gradient_accumulation|torchrun|mlperf_conf"
)
_BOILERPLATE = re.compile(
    r"\blicen[sc]e\b|copyright|trademark|warrant|all rights reserved|liabilit|terms of (?:use|service)"
    r"|privacy policy|forward-looking|disclaimer|cookie"
)
_EMPTY_FORM = re.compile(
    r"\[(?:insert|describe|specify|number of|name of|link to|your|e\.g\.)|more information needed|\btodo\b|<your"
    r"|\{\{|(?:describe|specify|insert|fill in)\b[^.]{0,60}\b(?:here|below)\b"
    r"|licensed under|\byou may not\b|shall not be liable|not (?:be )?warranted"
)
"""A form that nobody filled in, and what a license allows: neither says anything, whatever it names."""

_UNDONE = re.compile(
    r"(?:\bnot|n't|\bnever)(?: yet)?(?: been)? (?:measured?|evaluated?|tested?|benchmark(?:ed)?|calibrated?|validated?"
    r"|reproduced?|published|reported|disclosed?)\b"
    r"|\bno (?:\w+ ){1,2}(?:has|have|was|were) (?:yet )?(?:been )?(?:measured|evaluated|tested|published|calibrated)"
    r"|\bwill be (?:added|published|released|measured|reported|shared|announced|evaluated|tested|provided)"
    r"|\bto be (?:published|added|announced|measured)\b|\bwill (?:publish|add|release|report|share|measure)\b"
    r"|\b(?:is|are) planned\b|coming soon|\bin an? (?:future|upcoming|later) (?:release"
    r"|version|update|revision)|\bwe (?:plan|intend) to\b|尚未|未测|即将|今後|予定|예정|demnächst|noch nicht"
)
"""What was not done, or not yet."""


class Evidence(NamedTuple):
    """One place that speaks of a component, and how well; a tuple, since most of a thousand are not shown."""

    status: Status
    """`DISCLOSED` or `PARTIAL`."""
    value: str
    quote: Quote
    note: str = ""


class Document:
    """A reading with what all component readers share."""

    def __init__(self, reading: Reading) -> None:
        """Take a reading; values are filled in by `lynxspec.extraction.assemble`."""
        self.reading = reading
        self.values: list[Value] = []
        self._only: dict[str, str] = {}
        self._by_section: dict[str, dict[tuple[int, ...], set[str]]] = {}
        self._in_tables: dict[tuple[int, int | None], bool] = {}
        self.promised: list[Quote] = []
        """Table rows of dashes."""
        self.headers: dict[tuple[int, int | None], tuple[Quote, ...]] = {}
        """The header rows above each table row, by sheet and the row's offset."""

    def hits(self, pattern: re.Pattern[str], *kinds: str) -> Sequence[Hit]:
        """Matches outside of boilerplate."""
        found = self.reading.find(pattern, *kinds)  # type: ignore[arg-type]
        apart = self._boilerplate
        return [hit for hit in found if hit.unit.index not in apart] if found and apart else found

    @cached_property
    def schemes(self) -> tuple[tuple[Scheme, Unit], ...]:
        """All formats and bit widths with their units; offsets count from the unit's start."""
        units = self.reading.units
        return tuple((scheme, units[index]) for index, found in self._schemes.items() for scheme in found)

    def schemes_in(self, unit: Unit) -> Sequence[Scheme]:
        """The formats and bit widths of a unit, in order."""
        return self._schemes.get(unit.index, ())

    @cached_property
    def _schemes(self) -> dict[int, Sequence[Scheme]]:
        reading = self.reading
        return {unit.index: tuple(schemes(reading.words(unit))) for unit in reading.possible(FORMATS)}

    def in_table(self, quote: Quote) -> bool:
        """Whether a quote stands in a row of a table."""
        place = quote.sheet, quote.start
        if place not in self._in_tables:
            start = quote.start
            tables = self.reading.sheets[quote.sheet].tables()
            self._in_tables[place] = start is not None and any(
                row.start <= start < row.end for table in tables for row in table.rows
            )
        return self._in_tables[place]

    def quote(self, hit: Hit) -> Quote:
        """The words around a match."""
        return self.reading.quote(hit.unit, hit.start, hit.end)

    def flags(self, unit: Unit) -> frozenset[str]:
        """What a unit's words warn of."""
        return self._flags.get(unit.index, _NO_FLAGS)

    @cached_property
    def _flags(self) -> dict[int, frozenset[str]]:
        found: dict[int, set[str]] = {}
        for name, units in self._flagged.items():
            for index in units:
                found.setdefault(index, set()).add(name)
        return {index: frozenset(names) for index, names in found.items()}

    @cached_property
    def _flagged(self) -> dict[str, frozenset[int]]:
        """The units of each flag."""
        found: dict[str, frozenset[int]] = {name: self.reading.having(pattern) for name, pattern in _FLAGS}
        harness = set(found["harness"])
        for unit in self.reading.units if harness else ():
            # a backslash joins a code line to the next: an option knows its command
            if unit.kind == "code" and unit.index and unit.index - 1 in harness and self._goes_on(unit.index - 1):
                harness.add(unit.index)
        return found | {"harness": frozenset(harness)}

    def _goes_on(self, index: int) -> bool:
        return self.reading.words(self.reading.units[index]).endswith("\\")

    def near_flag(self, unit: Unit, flag: str, *, before: int, after: int) -> bool:
        """Whether a flag holds for the unit or its neighbours in the same block."""
        flagged, units, sheet, block = self._flagged[flag], self.reading.units, unit.sheet, unit.block
        for index in range(max(0, unit.index - before), min(len(units), unit.index + after + 1)):
            if index in flagged and units[index].block == block and units[index].sheet == sheet:
                return True
        return False

    def nearby(self, unit: Unit, kind: str) -> str:
        """The one name of a kind that the unit or the rest of its section gives; empty if several or none."""
        names = {m.name for m in self.reading.names(unit, kind) if m.detail.get("generic") != "yes"}
        if not names:
            if kind not in self._by_section:
                self._by_section[kind] = self._names_by_section(kind)
            names = self._by_section[kind].get(unit.headings, set())
        return next(iter(names)) if len(names) == 1 else ""

    def _names_by_section(self, kind: str) -> dict[tuple[int, ...], set[str]]:
        """The names of a kind that the prose under the same headings gives."""
        found: dict[tuple[int, ...], set[str]] = {}
        for mention, unit in self.reading.named(kind):
            if unit.kind not in {"row", "header", "code"} and mention.detail.get("generic") != "yes":
                found.setdefault(unit.headings, set()).add(mention.name)
        return found

    def section(self, unit: Unit) -> list[Unit]:
        """The units under the same headings."""
        return self._sections[unit.headings]

    @cached_property
    def _sections(self) -> dict[tuple[int, ...], list[Unit]]:
        found: dict[tuple[int, ...], list[Unit]] = {}
        for unit in self.reading.units:
            found.setdefault(unit.headings, []).append(unit)
        return found

    def boilerplate(self, unit: Unit) -> bool:
        """License text and the like, by its heading or its own words; questions; what somebody else's code does."""
        return unit.index in self._boilerplate

    @cached_property
    def _boilerplate(self) -> frozenset[int]:
        apart, units = {"row", "header"}, self.reading.units
        told = (self._flagged["boilerplate"] - self._flagged["quant"]) | self._flagged["form"]
        found = {index for index in told if units[index].kind not in apart}
        text = self.reading.text
        if "?" in text or "？" in text:
            found.update(u.index for u in units if u.kind == "sentence" and text[u.end - 1 : u.end] in {"?", "？"})
        return frozenset(found | self._code_of_others)

    @cached_property
    def _code_of_others(self) -> set[int]:
        """The lines of code blocks that name models, and none that shares a word with a title that names one."""
        title = next((u for u in self.reading.units if u.kind == "heading" and not u.headings), None)
        own = {w for m in (self.reading.names(title, "model") if title else ()) for w in _words_of(m.name)}
        blocks: dict[tuple[int, int], set[str]] = {}
        for mention, unit in self.reading.named("model") if own else ():
            if unit.kind == "code":
                blocks.setdefault((unit.sheet, unit.block), set()).update(_words_of(mention.name))
        others = {place for place, words in blocks.items() if words and not words & own}
        return {u.index for u in self.reading.units if (u.sheet, u.block) in others} if others else set()

    def speaks_of(self, flag: str) -> bool:
        """Whether any unit has a flag."""
        return bool(self._flagged[flag])

    def generic(self, unit: Unit) -> bool:
        """Whether a unit tells what can be done in general, and nothing that binds it to this claim."""
        flags = self.flags(unit)
        return "generic" in flags and "own" not in flags

    def only(self, kind: str) -> str:
        """The one name of a kind in the whole document; empty if there are several or none."""
        if kind not in self._only:
            names = {m.name for m, _ in self.reading.named(kind) if m.detail.get("generic") != "yes"}
            self._only[kind] = names.pop() if len(names) == 1 else ""
        return self._only[kind]

    @cached_property
    def only_scheme(self) -> str:
        """The one quantized format of the whole document; empty if there are several or none."""
        names = {scheme.name for scheme, _ in self.schemes if scheme.sort == "quantized" and scheme.exact}
        return names.pop() if len(names) == 1 else ""

    def definition(self, unit: Unit) -> bool:
        """Whether a unit explains a notion, as a primer does."""
        flags = self.flags(unit)
        primer = not self._primers.isdisjoint(unit.headings)
        return ("definition" in flags or primer) and "own" not in flags

    @cached_property
    def _primers(self) -> frozenset[int]:
        """Headings of sections that explain what quantization is."""
        headings = (u for u in self.reading.units if u.kind == "heading")
        return frozenset(u.index for u in headings if _PRIMER.search(self.reading.words(u)))

    def about_training(self, unit: Unit) -> bool:
        """Whether a unit speaks of training rather than of what follows it."""
        if unit.index in self._training_and_more:
            return _TRAINING.search(_POSTTRAINING.sub(" ", self.reading.words(unit))) is not None
        return unit.index in self._training

    @cached_property
    def _training(self) -> frozenset[int]:
        return self.reading.having(_TRAINING)

    @cached_property
    def _training_and_more(self) -> frozenset[int]:
        """Units in which training is part of a word for something else."""
        return self.reading.having(_POSTTRAINING)

    def about_quantization(self, unit: Unit) -> bool:
        """Whether a unit, its block or a heading above it speaks of quantization."""
        return self.near_flag(unit, "quant", before=2, after=1) or not self._flagged["quant"].isdisjoint(unit.headings)

    @cached_property
    def only_reference(self) -> str:
        """The one reference precision of the whole document; empty if there are several or none."""
        names = {scheme.name for scheme, _ in self.schemes if scheme.sort == "reference"}
        return names.pop() if len(names) == 1 else ""

    @cached_property
    def is_unquantized(self) -> bool:
        """Whether the document names a reference precision, and neither a quantized format nor a way to quantize."""
        if not self.only_reference or any(scheme.sort != "reference" for scheme, _ in self.schemes):
            return False
        return "quanti" not in self.reading.lower and not any(True for _ in self.reading.named("algorithm"))

    @cached_property
    def mentions_quantization(self) -> bool:
        """Whether any word of quantization stands in the document, or it is about serving in a precision at all."""
        return QUANT.search(self.reading.lower) is not None or self.is_unquantized

    @cached_property
    def is_about_quantization(self) -> bool:
        """Whether the whole document is: the title or a third of the prose says so."""
        headings = list(islice((u for u in self.reading.units if u.kind == "heading"), 2))
        found = QUANT.finditer(self.reading.lower)
        return any("quant" in self.flags(u) for u in headings) or len(list(islice(found, 3))) >= 3


_FLAGS = (
    ("quant", QUANT),
    ("generic", _GENERIC),
    ("own", _OWN),
    ("definition", _DEFINITION),
    ("rival", _RIVAL),
    ("speculative", _SPECULATIVE),
    ("generation", _GENERATION),
    ("harness", _HARNESS),
    ("boilerplate", _BOILERPLATE),
    ("form", _EMPTY_FORM),
    ("undone", _UNDONE),
)

_NO_FLAGS: frozenset[str] = frozenset()


def _words_of(name: str) -> list[str]:
    return re.findall(r"[a-z]{3,}", name.lower())


__all__ = ["QUANT", "SCHEME", "TENSOR", "Document", "Evidence"]
