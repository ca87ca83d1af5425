"""Ratios of spec sheets against peers measured in the same run; printed, never asserted: ``pytest -m bench -s``."""

# ruff: noqa: T201 - printing ratios is what it is for

from __future__ import annotations

import gc
import io
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from lynxspec.draft import Draft
from lynxspec.extraction import heads, read_sheets
from lynxspec.facts import lexicon
from lynxspec.importers import markdown, pdf
from lynxspec.lint.engine import lint
from lynxspec.scoring import score

SHEETS = Path(__file__).parent.parent / "examples" / "spec-sheets"
VENDORS = os.environ.get("LYNXSPEC_VENDOR_SHEETS", "")
"""A folder with `texts` of vendors, which stay outside the project."""
PAGES = 30

pytestmark = pytest.mark.bench


@pytest.fixture(autouse=True)
def _rare_collections():
    """Collect garbage as rarely as the command does."""
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    yield
    gc.set_threshold(*before)


def cpu(action: Callable[[], object], runs: int = 7) -> float:
    """Processor seconds of the fastest run; the first one warms the caches."""
    times = []
    for _ in range(runs + 1):
        gc.collect()
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return min(times[1:])


def linted(draft: Draft) -> None:
    score(draft, lint(draft))


def forget() -> None:
    """Empty the caches of names and headers, as before the first sheet of its kind."""
    heads.read_head.cache_clear()
    lexicon._remembered.cache_clear()


def markdown_files() -> dict[str, list[bytes]]:
    """The project's own sheets, and those of vendors where the reader has them."""
    found = {"own sheets": [file.read_bytes() for file in sorted(SHEETS.glob("*.md")) if file.name != "README.md"]}
    if VENDORS:
        found["vendors' texts"] = [file.read_bytes() for file in sorted(Path(VENDORS, "texts").glob("*"))]
    return found


def ratios(action: Callable[[], object], peer: Callable[[], object], turns: int = 25) -> tuple[float, float]:
    """Milliseconds of the peer, and how often its processor time ``action`` takes: the median of neighbouring turns.

    A host changes its speed from one second to the next; what ran side by side is compared.
    """
    action()
    peer()
    peers, found = [], []
    for _ in range(turns):
        gc.collect()
        times = []
        for act in (peer, action, peer):
            began = time.process_time()
            act()
            times.append(time.process_time() - began)
        peers.append((times[0] + times[2]) / 2)
        found.append(times[1] / peers[-1])
    return 1e3 * statistics.median(peers), statistics.median(found)


def test_markdown_sheets_against_parsing_them_with_markdown_it():
    for what, files in markdown_files().items():
        _against_markdown_it(what, files)


def _against_markdown_it(what: str, files: list[bytes]) -> None:
    texts = [data.decode() for data in files]
    sheets = [markdown.parse(data, "a.md") for data in files]

    def ours(*, cold: bool = False) -> None:
        if cold:
            forget()
        for data in files:
            linted(read_sheets((markdown.parse(data, "a.md"),), "a.md"))

    def peer() -> None:
        parser = MarkdownIt("commonmark").enable("table")
        for text in texts:
            parser.parse(text)

    parts: dict[str, Callable[[], object]] = {
        "linted, names known": ours,
        "linted, caches empty": lambda: ours(cold=True),
        "importer alone": lambda: [markdown.parse(data, "a.md") for data in files],
        "extraction alone": lambda: [read_sheets((sheet,), "a.md") for sheet in sheets],
    }
    found = {part: ratios(action, peer) for part, action in parts.items()}
    took = min(milliseconds for milliseconds, _ in found.values())
    print(f"\n{len(files)} Markdown sheets, {what}; markdown-it-py {took:.1f} ms (target: 8 times as long)")
    for part, (_, ratio) in found.items():
        print(f"  {part}: {ratio:.1f} times")


PROSE = (
    "The weights were quantized to INT8 per channel and the activations per tensor, with 512 images of ImageNet that"
    " were drawn from the training split. Each configuration was measured on an NVIDIA L4 with TensorRT 10.3 after a"
    " warm-up of one minute, at batch 8, and the median of five runs is given. The first convolution and the classifier"
    " stay in FP16."
)
ROWS = (
    ("Model", "FP16 top-1 (%)", "INT8 top-1 (%)", "INT8 images/s"),
    ("ResNet-50", "76.1", "75.9", "1,024"),
    ("MobileNetV2", "71.9", "70.8", "3,400"),
    ("ViT-B/16", "81.1", "80.7", "388"),
)


def thirty_pages() -> bytes:
    """Two columns of text on each page, a table on every other one."""
    from weasyprint import HTML  # noqa: PLC0415 - heavy, and only this test needs it

    head, *body = ["<tr>" + "".join(f"<td>{cell}" for cell in row) for row in ROWS]
    table = f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
    column = f"<h2>Results</h2><p>{PROSE}</p>" * 6
    page = f"<div style='page-break-after: always'><div style='columns: 2'>{column}</div>"
    pages = "".join(page + (table if number % 2 else "") + "</div>" for number in range(PAGES))
    style = "body { font: 9pt sans-serif } td { border: 0.5pt solid black; padding: 2pt 7pt }"
    return HTML(string=f"<html lang=en><style>{style}</style><body>{pages}").write_pdf()


def test_a_pdf_of_thirty_pages_against_plain_text_and_pdfplumber():
    pypdfium2 = pytest.importorskip("pypdfium2")
    data = thirty_pages()

    def plain() -> None:
        with pypdfium2.PdfDocument(data) as pages:
            for page in pages:
                page.get_textpage().get_text_range()

    sheet = pdf.parse(data, "a.pdf")
    draft = read_sheets((sheet,), "a.pdf")
    peers = cpu(plain)
    parts = {
        "to findings": cpu(lambda: linted(read_sheets((pdf.parse(data, "a.pdf"),), "a.pdf")), 3),
        "importer alone": cpu(lambda: pdf.parse(data, "a.pdf"), 3),
        "extraction alone": cpu(lambda: read_sheets((sheet,), "a.pdf"), 3),
        "lint and score alone": cpu(lambda: linted(draft), 3),
    }
    print(f"\n{len(sheet.pages)} pages; plain text with pypdfium2 {peers * 1e3:.0f} ms (target: 20 times as long)")
    for what, ours_took in parts.items():
        print(f"  {what}: {ours_took * 1e3:.0f} ms, {ours_took / peers:.1f} times")
    pdfplumber = pytest.importorskip("pdfplumber")

    def peer() -> None:
        with pdfplumber.open(io.BytesIO(data)) as pages:
            for page in pages.pages:
                page.extract_text()
                page.extract_tables()

    theirs = cpu(peer, 1)
    print(f"  pdfplumber: {theirs:.2f} s, {theirs / parts['to findings']:.1f} times ours (target: at least 2)")


def test_memory_over_ten_thousand_sheets():
    """Each sheet differs from all others, in names and in numbers."""
    files = markdown_files()["own sheets"]
    held = {}
    peaks = []
    tracemalloc.start()
    for number in range(1, 10_001):
        own = f"\n\nAcme-{number}B-Instruct gives {number} tokens/s.\n".encode()
        linted(
            read_sheets((markdown.parse(files[number % len(files)].decode()[:1500].encode() + own, "a.md"),), "a.md")
        )
        if number in {100, 1_000, 5_000, 10_000}:
            gc.collect()
            held[number], peak = tracemalloc.get_traced_memory()
            peaks.append(peak)
            tracemalloc.reset_peak()
    tracemalloc.stop()
    print("\n" + "; ".join(f"{n} sheets: {size / 2**20:.2f} MiB held" for n, size in held.items()))
    print(f"highest in between: {statistics.fmean(peaks) / 2**20:.1f} MiB on average, {max(peaks) / 2**20:.1f} at most")
