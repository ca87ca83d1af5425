"""A sheet of an invented vendor with everything that the HTML report has to show, and a browser to look at it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lynxspec.draft import Conflict, Disclosure, Draft, DraftRegime, Places, Quote, Strength, Value
from lynxspec.errors import UnreadableInput
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint, rules
from lynxspec.lint.rule import Confidence, Effect, Finding, Severity
from lynxspec.reporters import reporter
from lynxspec.reporters.reporter import Failure, LintedDocument, LintRun, View
from lynxspec.scoring import score
from lynxspec.sheet import Cell, Heading, Page, Prose, Row, Sheet, Table, Text, Word
from lynxspec.vocabulary import Component, Status

EXAMPLES = Path(__file__).parents[3] / "examples"

TEXT = """# Nordlicht-8B-FP8

Nordlicht-8B in FP8 generates tokens up to 2.1x faster than BF16 on one Acme A100X.
It was calibrated with 512 samples of our support chats, minmax per tensor.

| Model | Precision | MMLU (5-shot) | tokens/s |
|---|---|---|---|
| Nordlicht-8B | BF16 | 68.5 | 4,100 |
| Nordlicht-8B | FP8 | 68.1 | 7,900 |
| Nordlicht-8B | INT4 | 66.9 | - |

Quality is near-lossless in all our tests.

## Recipe

Weights are quantized to INT8, one scale for each output channel.
"""


def text_of(whole: str, words: str) -> Text:
    """The words where they stand in the text."""
    start = whole.index(words)
    return Text(words, range(start, start + len(words)))


def blocks_of(whole: str) -> tuple[Any, ...]:
    """Headings, paragraphs and the table, as an importer would find them."""
    found: list[Any] = []
    rows: list[Row] = []
    at = 0
    for line in whole.splitlines(keepends=True):
        words = line.strip("# |\n")
        start = at + line.find(words) if words else at
        if line.startswith("|") and "---" not in line:
            cells, inner = [], at
            for part in line.strip("|\n").split("|"):
                inner = whole.index(part, inner)
                bare = part.strip()
                first = inner + part.index(bare)
                cells.append(Cell(text=Text(bare, range(first, first + len(bare))), header=not rows))
                inner += len(part)
            rows.append(Row(cells=tuple(cells), start=at, end=at + len(line) - 1))
        elif rows and not line.startswith("|"):
            found.append(Table(rows=tuple(rows), headers=1))
            rows = []
        if line.startswith("#"):
            text = Text(words, range(start, start + len(words)))
            found.append(Heading(text=text, level=line.count("#")))
        elif words and not line.startswith("|"):
            found.append(Prose(text=Text(words, range(start, start + len(words)))))
        at += len(line)
    return tuple(found)


def sheet_of(whole: str, source: str = "nordlicht-8b-fp8.md", **changes: Any) -> Sheet:
    """The text as a sheet of Markdown."""
    given = {"source": source, "format": "markdown", "text": whole, "blocks": blocks_of(whole), "sha256": "ab" * 32}
    return Sheet(**(given | changes))


def quote_of(sheet: Sheet, words: str) -> Quote:
    """The words as evidence."""
    start = sheet.text.index(words)
    end = start + len(words)
    return Quote(text=words, span=sheet.span(start, end), start=start, end=end)


def told(value: str, *quotes: Quote) -> Disclosure:
    return Disclosure(status=Status.DISCLOSED, value=value, evidence=quotes)


def partly(value: str, note: str, *quotes: Quote) -> Disclosure:
    return Disclosure(status=Status.PARTIAL, value=value, note=note, evidence=quotes)


NOTHING = Disclosure(status=Status.MISSING, value=None)


def draft_of(sheet: Sheet) -> Draft:
    """What could be read off the sheet above."""
    fast = quote_of(sheet, "up to 2.1x faster than BF16 on one Acme A100X")
    title, recipe = quote_of(sheet, "Nordlicht-8B-FP8"), quote_of(sheet, "Weights are quantized to INT8")
    row16, row8, row4 = (
        quote_of(sheet, f"Nordlicht-8B | {rest}")
        for rest in ("BF16 | 68.5 | 4,100", "FP8 | 68.1 | 7,900", "INT4 | 66.9")
    )
    data = quote_of(sheet, "512 samples of our support chats, minmax per tensor")
    common = dict.fromkeys(Component, NOTHING) | {
        Component.MODEL_NAME: told("Nordlicht-8B", title),
        Component.BASELINE: partly("BF16", "the system of the baseline is not named", fast),
        Component.HARDWARE: told("1 x Acme A100X", fast),
        Component.EVALUATION_SET: partly("MMLU", "number of items not given", quote_of(sheet, "MMLU (5-shot)")),
        Component.ACCURACY_REFERENCE: told("MMLU 68.5", row16),
        Component.PEAK_ONLY: Disclosure(status=Status.NOT_APPLICABLE, value=None),
    }
    conflicted = Disclosure(status=Status.CONTRADICTED, value=None, evidence=(title, recipe), note="FP8 and INT8")
    fp8 = common | {
        Component.PRECISION_FORMAT: conflicted,
        Component.THROUGHPUT_GAIN: partly("2.1x", "the gain is up to, a bound and not a result", fast),
        Component.CALIBRATION_DATA: told("512 samples of support chats", data),
        Component.CALIBRATION_METHOD: told("minmax", data),
        Component.ACCURACY_RESULT: told("MMLU 68.1", row8),
    }
    int4 = common | {
        Component.PRECISION_FORMAT: told("INT4", row4),
        Component.ACCURACY_RESULT: told("MMLU 66.9", row4),
    }
    regimes = (
        DraftRegime(name="BF16", role="reference", path=(), disclosures=common, claim="Nordlicht-8B"),
        DraftRegime(
            name="FP8",
            role="quantized",
            path=(),
            disclosures=fp8,
            claim="Nordlicht-8B",
            values=values_of(fast, row8, quote_of(sheet, "near-lossless")),
        ),
        DraftRegime(name="INT4", role="quantized", path=(), disclosures=int4, claim="Nordlicht-8B"),
    )
    conflict = Conflict(
        component=Component.PRECISION_FORMAT,
        message="the title says FP8, the recipe quantizes to INT8",
        places=(title, recipe),
        regime="FP8",
    )
    return Draft(
        source=sheet.source,
        kind="sheet",
        places=Places(source=sheet.source),
        regimes=regimes,
        claim=None,
        sheets=(sheet,),
        overview=fp8,
        conflicts=(conflict,),
    )


def values_of(fast: Quote, row: Quote, praise: Quote) -> tuple[Value, ...]:
    """The numbers of the FP8 regime."""
    whose = {"role": "quantized", "model": "Nordlicht-8B", "precision": "FP8"}
    return (
        Value(
            component=Component.THROUGHPUT_GAIN,
            low=2.1,
            high=2.1,
            unit="x",
            strength=Strength.BOUND,
            evidence=fast,
            against="BF16",
            hardware="Acme A100X",
            **whose,
        ),
        Value(
            component=Component.SUSTAINED_THROUGHPUT,
            low=7900.0,
            high=7900.0,
            unit="tokens/s",
            strength=Strength.EXACT,
            evidence=row,
            **whose,
        ),
        Value(
            component=Component.ACCURACY_RESULT,
            low=68.1,
            high=68.1,
            unit="",
            strength=Strength.EXACT,
            evidence=row,
            metric="accuracy",
            dataset="MMLU",
            **whose,
        ),
        Value(
            component=Component.ACCURACY_RESULT,
            low=None,
            high=None,
            unit="",
            strength=Strength.ADJECTIVE,
            evidence=praise,
            **whose,
        ),
    )


def paged(whole: str, source: str, **changes: Any) -> Sheet:
    """The text as two pages of a PDF, each word in a box of its own: 5 points a character, 20 points a line."""
    half = whole.index("Quality")
    pages = []
    for number, (start, end) in enumerate(((0, half), (half, len(whole))), 1):
        words, at = [], start
        for line_number, line in enumerate(whole[start:end].splitlines(keepends=True)):
            inner = at
            for word in line.split():
                inner = whole.index(word, inner)
                left, top = 40 + 5.0 * (inner - at), 40 + 20.0 * line_number
                box = (left, top, left + 5.0 * len(word), top + 12.0)
                words.append(Word(start=inner, end=inner + len(word), box=box))
                inner += len(word)
            at += len(line)
        pages.append(Page(number=number, start=start, width=595.0, height=842.0, words=tuple(words)))
    return sheet_of(whole, source, format="pdf", blocks=(), pages=tuple(pages), **changes)


def run_of(*drafts: Draft, more: tuple[Any, ...] = (), failures: tuple[Any, ...] = ()) -> LintRun:
    """Lint the drafts as the command does; ``more`` are findings of the test's own."""
    documents = []
    for draft in drafts:
        findings = (*lint(draft), *more)
        documents.append(LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings)))
    return LintRun(documents=tuple(documents), failures=failures, rules=rules(), profile="buyer")


def finding_of(**changes):
    values = {
        "code": "LXS114",
        "rule": "acceptance-criterion",
        "severity": Severity.ERROR,
        "confidence": Confidence.CERTAIN,
        "message": "acceptance criterion is missing",
        "remedy": "State it.",
        "component": Component.ACCEPTANCE_CRITERION,
        "locations": (),
        "regime": None,
        "effect": Effect.NONE,
    }
    return Finding(**(values | changes))


class Made:
    """What the tests build with."""

    text = TEXT
    examples = EXAMPLES
    sheet = staticmethod(sheet_of)
    paged = staticmethod(paged)
    quote = staticmethod(quote_of)
    draft = staticmethod(draft_of)
    run = staticmethod(run_of)
    finding = staticmethod(finding_of)
    claim = staticmethod(lambda name: load(EXAMPLES / name, source=name))
    page = staticmethod(lambda run: reporter.load("html").render(run, View()))


@pytest.fixture(scope="session")
def make() -> type[Made]:
    """Sheets, drafts, runs and pages."""
    return Made


class Look:
    """Ways to look at a page."""

    @staticmethod
    def tree(page):
        """The page as strict XML."""
        return ET.fromstring(page)

    @staticmethod
    def words(element):
        return " ".join("".join(element.itertext()).split())

    @staticmethod
    def unlabelled(element):
        """The words of a source without the labels of its marks."""
        labels = "".join(Look.words(label) for label in Look.by_class(element, "labels"))
        return Look.words(element).replace(labels, "").strip()

    @staticmethod
    def by_class(root, name):
        return [element for element in root.iter() if name in element.get("class", "").split()]

    @staticmethod
    def by_id(root, name):
        (found,) = [element for element in root.iter() if element.get("id") == name]
        return found


@pytest.fixture(scope="session")
def look() -> type[Look]:
    """Ways to look at a page."""
    return Look


@pytest.fixture
def saved(tmp_path: Path, make: type[Made]) -> Callable[[LintRun], Path]:
    """Write the report of a run to a file."""

    def save(run: LintRun) -> Path:
        file = tmp_path / "report.html"
        file.write_text(make.page(run), encoding="utf-8")
        return file

    return save


@pytest.fixture
def draft(make):
    return make.draft(make.sheet(make.text))


@pytest.fixture
def pages(make, draft):
    """One page of each kind."""
    paged = make.draft(make.paged(make.text, "nordlicht.pdf"))
    claim = make.claim("claims/incomplete/3-numbers-disagree.claim.yaml")
    return {
        "sheet": make.page(make.run(draft)),
        "pdf": make.page(make.run(paged)),
        "claim": make.page(make.run(claim)),
        "several": make.page(make.run(draft, claim, paged)),
        "nothing": make.page(make.run(failures=(Failure(source="x.md", error=UnreadableInput("x.md: gone")),))),
    }
