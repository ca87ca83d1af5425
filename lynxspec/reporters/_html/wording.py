"""Words and symbols of the report: what a status is called, and what a buyer loses with each gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from lynxspec.draft import Disclosure, DraftRegime
from lynxspec.lint.rule import Finding, Severity
from lynxspec.reporters.reporter import OPEN, LintedDocument, named, number, title_of
from lynxspec.sheet import Heading
from lynxspec.vocabulary import REQUIRED, Component, Status

STATUS_WORDS: Mapping[Status, tuple[str, str]] = {
    Status.CONTRADICTED: ("≠", "contradicted"),
    Status.MISSING: ("✗", "missing"),
    Status.PARTIAL: ("◐", "partial"),
    Status.DISCLOSED: ("✓", "disclosed"),
    Status.NOT_APPLICABLE: ("–", "not applicable"),
}
"""Symbol and word of each status, the worst first."""

SEVERITY_WORDS: Mapping[Severity, tuple[str, str, str]] = {
    Severity.ERROR: ("✗", "error", "errors"),
    Severity.WARNING: ("▲", "warning", "warnings"),
    Severity.INFO: ("i", "note", "notes"),
}
"""Symbol, word and plural of each severity, the gravest first."""

LOSSES: Mapping[Component, str] = {
    Component.PRECISION_FORMAT: "it is open which number format really ran",
    Component.THROUGHPUT_GAIN: "there is no speed-up to hold anybody to",
    Component.BASELINE: "the speed-up compares with nothing that could be checked",
    Component.TENSORS_QUANTIZED: "it is open which tensors lost precision",
    Component.CALIBRATION_DATA: "it is open whether the value ranges were set on inputs like yours",
    Component.CALIBRATION_METHOD: "the value ranges cannot be set again the same way",
    Component.TOOL_CHAIN: "nobody can make the same quantized model again",
    Component.RUNTIME: "it is open which engine reached these numbers",
    Component.MODEL_FAMILY: "it is open how risky the precision is for this kind of model",
    Component.MODEL_NAME: "it is open which model was measured",
    Component.GRANULARITY: "it is open how coarse the scales are",
    Component.MIXED_PRECISION_POLICY: "it is open which layers were kept at higher precision",
    Component.EVALUATION_SET: "it is open on what the accuracy was measured",
    Component.ACCURACY_RESULT: "the price of the speed-up is not told",
    Component.ACCURACY_REFERENCE: "the accuracy that was lost cannot be worked out",
    Component.ACCEPTANCE_CRITERION: "nobody said how much loss would be too much",
    Component.WORKLOAD_RELEVANCE: "it is open whether the accuracy carries over to your workload",
    Component.SUSTAINED_THROUGHPUT: "it is open whether the speed lasts",
    Component.BATCH_OR_CONCURRENCY: "the rate cannot be compared with your load",
    Component.LATENCY: "it is open how long one request waits",
    Component.HARDWARE: "it is open on which machine the numbers hold",
    Component.DRIVER_STACK: "the software under the numbers cannot be set up again",
    Component.PEAK_ONLY: "a peak is all there is",
}
"""What a buyer cannot know while the component is open."""

CONTRADICTION = "neither reading can be relied on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One component as the report shows it."""

    component: Component
    disclosure: Disclosure
    shown: Status
    """Status to sort and colour by: the flag for a lone peak is no disclosure, and counts as partial when raised."""
    word: str
    symbol: str

    @property
    def required(self) -> bool:
        """Whether it is one of the sixteen."""
        return self.component in REQUIRED


def rows(document: LintedDocument) -> tuple[Row, ...]:
    """All components, the worst gap first: by status, required before others, then by the gravest finding."""
    gravest: dict[Component | None, int] = {}
    for finding in document.counted:
        gravest[finding.component] = max(gravest.get(finding.component, 0), finding.severity)
    order = list(STATUS_WORDS)
    listed = [_row(component, disclosure) for component, disclosure in document.scorecard.disclosures.items()]
    return tuple(
        sorted(listed, key=lambda r: (order.index(r.shown), not r.required, -gravest.get(r.component, 0))),
    )


def _row(component: Component, disclosure: Disclosure) -> Row:
    status = disclosure.status
    if component is Component.PEAK_ONLY:
        raised = status is Status.DISCLOSED
        status = Status.PARTIAL if raised else Status.NOT_APPLICABLE
        symbol, word = ("⚑", "flag raised") if raised else ("–", "no flag")
    else:
        symbol, word = STATUS_WORDS[status]
    return Row(component=component, disclosure=disclosure, shown=status, word=word, symbol=symbol)


def title(document: LintedDocument) -> str:
    """What to call the document: its title, its first heading, or its file."""
    found = title_of(document)
    for sheet in document.draft.sheets:
        headings = [block for block in sheet.blocks if isinstance(block, Heading) and block.text]
        found = found or next(
            (h.text.text for h in headings if h.level == 1), headings[0].text.text if headings else ""
        )
    return found or PurePath(document.draft.source).name or document.draft.source


def bare_name(regime: DraftRegime) -> str:
    """The name of a regime without that of its claim, which stands above it."""
    return regime.name.replace(f", {regime.claim}", "") if regime.claim else regime.name


def sentence(document: LintedDocument) -> tuple[str, str]:
    """The worst gap, and the rest of the sentence that names it; the first is empty if there is none."""
    if not any(regime.role == "quantized" for regime in document.draft.regimes):
        return "", "No quantized regime was found here, so there is no claim to score."
    gaps = [row for row in rows(document) if row.disclosure.status in OPEN and row.component is not Component.PEAK_ONLY]
    errors = sum(f.severity is Severity.ERROR for f in document.counted)
    if not gaps:
        wrong = f", yet {counted(errors, 'error stands', 'errors stand')}: see the findings" if errors else ""
        return "", f"All {len(REQUIRED)} required components are disclosed in full{wrong}."
    worst = gaps[0]
    return named(worst.component), f"{_state(worst)}{_further(gaps[1:])}."


def _state(worst: Row) -> str:
    """What is wrong with the worst component, and what that means."""
    if worst.shown is Status.CONTRADICTED:
        return f"is contradicted, so {CONTRADICTION}"
    if worst.shown is Status.MISSING:
        return f"is missing, so {LOSSES[worst.component]}"
    return f"is only partial{f': {worst.disclosure.note}' if worst.disclosure.note else ''}"


def _further(gaps: list[Row]) -> str:
    """Count the gaps behind the worst."""
    counts = [(STATUS_WORDS[status][1], sum(row.shown is status for row in gaps)) for status in OPEN]
    parts = [f"{count} {word}" for word, count in counts if count]
    return f"; further open: {enumerated(parts)}" if parts else ""


def counted(count: int, one: str, many: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {one if count == 1 else many}"


def enumerated(parts: Iterable[str]) -> str:
    """``a, b and c``."""
    listed = list(parts)
    return " and ".join(part for part in (", ".join(listed[:-1]), listed[-1]) if part) if listed else ""


def score_words(document: LintedDocument) -> str:
    """What stands behind the score: of how many, and the points with their denominator where that is not the same."""
    card = document.scorecard
    if card.denominator == 100:
        return " of 100 points"
    return f" of 100 ({number(card.points)} of {number(card.denominator)} points)"


def concerning(findings: Iterable[Finding], message: str) -> Finding | None:
    """The finding whose message became a remark of the disclosure table."""
    return next((finding for finding in findings if finding.message == message), None)
