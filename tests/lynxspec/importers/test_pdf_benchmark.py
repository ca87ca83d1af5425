"""Ratios against peers measured in the same run; printed, never asserted. Run with ``pytest -m bench -s``."""

# ruff: noqa: T201 - printing ratios is what it is for

from __future__ import annotations

import io
import resource
import statistics
import time
import tracemalloc
from pathlib import Path

import pypdfium2
import pytest

from lynxspec.importers._untrusted import Reader
from lynxspec.importers.pdf import parse

from .pdf_files import GRID, MERGED, PROSE, html_table, rendered

pytestmark = pytest.mark.bench

PAGES = 30


def document() -> bytes:
    """Thirty pages: two columns of text on each, a table on every other one."""
    part = f"<h2>Part</h2><p>{PROSE}</p>" * 6
    tables = (
        html_table(GRID, "ruled"),
        html_table(GRID, "level"),
        html_table(GRID, "plain"),
        MERGED.format(kind="ruled"),
    )
    tabled = [tables[n // 2 % 4] if n % 2 else "" for n in range(PAGES)]
    columns = f"<div style='columns: 2'>{part}</div>"
    body = "".join(f"<div style='page-break-after: always'>{columns}{table}</div>" for table in tabled)
    return rendered(body, "body { font-size: 9pt }")


def plain_text(data: bytes) -> int:
    with pypdfium2.PdfDocument(data) as pages:
        return sum(len(page.get_textpage().get_text_range()) for page in pages)


def cpu(action, runs: int = 5) -> float:
    """Processor seconds of the median run; the first one warms the caches."""
    times = []
    for _ in range(runs + 1):
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return statistics.median(times[1:])


def test_thirty_pages_against_plain_extraction_and_pdfplumber():
    pdfplumber = pytest.importorskip("pdfplumber")
    data = document()

    def peer() -> None:
        with pdfplumber.open(io.BytesIO(data)) as pages:
            for page in pages.pages:
                page.extract_text()
                page.extract_tables()

    plain, ours, theirs = cpu(lambda: plain_text(data)), cpu(lambda: parse(data, "a.pdf")), cpu(peer, runs=1)
    began = time.perf_counter()
    with Reader() as reader:
        reader.sheet(data, "a.pdf", "pdf")
        cold = time.perf_counter() - began
        began = time.perf_counter()
        reader.sheet(data, "a.pdf", "pdf")
        warm = time.perf_counter() - began
    print(
        f"\n{len(parse(data, 'a.pdf').pages)} pages: plain text {plain:.3f} s, sheet {ours:.3f} s,"
        f" pdfplumber {theirs:.2f} s; sheet/plain {ours / plain:.1f}, pdfplumber/sheet {theirs / ours:.1f}"
        f"\nthrough a new worker {cold:.3f} s of wall time, through a running one {warm:.3f} s"
    )


def resident(pid: int) -> float:
    """MiB that a process holds now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_memory_over_many_small_documents():
    data = rendered(f"<h1>INT8</h1><p>{PROSE}</p>{html_table(GRID, 'ruled')}")
    held = {}
    tracemalloc.start()
    with Reader() as reader:
        for count in range(1, 10_001):
            reader.sheet(data, "a.pdf", "pdf")
            if count in {100, 1000, 10_000}:
                held[count] = (tracemalloc.get_traced_memory()[0] / 2**20, resident(reader.pid or 0))
    tracemalloc.stop()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = [f"{n} documents: {mine:.1f} MiB here, worker {theirs:.0f} MiB" for n, (mine, theirs) in held.items()]
    print("\n" + "; ".join(told))
    print(f"our peak {own:.0f} MiB")
