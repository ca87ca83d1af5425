"""One sheet in four formats tells its reader the same."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import cache
from io import BytesIO

import pytest

from lynxspec.draft import Draft
from lynxspec.importers.importer import load
from lynxspec.vocabulary import Component, Status

Table = tuple[tuple[str, ...], ...]
Block = tuple[str, str | Table]
"""What it is (title, section, text, item, code, ruled, unruled) and what it holds; a table's first row is its head."""

SHEET: tuple[Block, ...] = (
    ("title", "Qwen2.5-7B-Instruct in INT8 for help desks"),
    (
        "text",
        (
            "Nordlicht Models quantized the weights and the activations of Qwen2.5-7B-Instruct to INT8 (W8A8). "
            "The KV cache stays in BF16. Weights have per-channel scales, activations dynamic per-token scales. "
            "The lm_head and the embeddings are kept in BF16."
        ),
    ),
    ("section", "How it was made"),
    ("item", "Quantizer: llm-compressor 0.4.1"),
    ("item", "Runtime: vLLM 0.6.6 with CUDA 12.4 and driver 550.90.07"),
    ("item", "Hardware: one NVIDIA L40S with 48 GB"),
    (
        "text",
        (
            "The weights were rounded with GPTQ, calibrated on 512 samples of UltraChat. Only the recipe below was "
            "run, on a single machine, and nothing was tuned by hand afterwards."
        ),
    ),
    ("code", 'GPTQModifier(targets="Linear", scheme="W8A8", ignore=["lm_head"])\nnum_calibration_samples=512'),
    ("section", "Accuracy"),
    ("text", "We accept a loss of at most 1.0 point on each benchmark against BF16."),
    (
        "ruled",
        (
            ("Benchmark", "BF16", "INT8"),
            ("MMLU", "74.2", "73.8"),
            ("GSM8K", "80.4", "79.9"),
            ("HellaSwag", "80.5", "80.3"),
        ),
    ),
    ("section", "Speed"),
    (
        "text",
        (
            "Both regimes ran on the same L40S with vLLM 0.6.6, with 1,024 input tokens and 256 output tokens, for "
            "20 minutes after a warm-up of 2 minutes. At 32 concurrent requests INT8 is 1.52x faster than BF16."
        ),
    ),
    (
        "unruled",
        (
            ("Precision", "Concurrency", "Tokens/s", "TTFT (ms)"),
            ("BF16", "32", "1,310", "212"),
            ("INT8", "32", "1,991", "148"),
        ),
    ),
    ("section", "License"),
    ("text", "The Apache License 2.0 applies. The model comes without warranty of any kind."),
)

DISCLOSED = frozenset(Component) - {Component.WORKLOAD_RELEVANCE, Component.PEAK_ONLY}
"""The load's shape is told, the deployment's data are not: workload relevance is partial; no peak rate is told."""


def markdown() -> bytes:
    write: dict[str, Callable[[str], str]] = {
        "title": lambda held: f"# {held}\n",
        "section": lambda held: f"## {held}\n",
        "text": lambda held: f"{held}\n",
        "item": lambda held: f"- {held}",
        "code": lambda held: f"```python\n{held}\n```\n",
    }
    lines = []
    for kind, held in SHEET:
        if isinstance(held, str):
            lines.append(("\n" if kind in {"text", "section"} else "") + write[kind](held))
        else:
            rows = ["| " + " | ".join(row) + " |" for row in held]
            lines.append("\n".join(["", rows[0], "|---" * len(held[0]) + "|", *rows[1:], ""]))
    return "\n".join(lines).encode()


def page() -> bytes:
    tags = {"title": "h1", "section": "h2", "text": "p", "item": "li", "code": "pre"}
    body = ""
    for kind, held in SHEET:
        if isinstance(held, str):
            item = f"<{tags[kind]}>{html.escape(held)}</{tags[kind]}>\n"
            body += f"<ul>{item}</ul>" if kind == "item" else item
        else:
            rows = [
                "<tr>" + "".join(f"<{cell}>{html.escape(text)}</{cell}>" for text in row) + "</tr>"
                for cell, row in zip(["th", *["td"] * len(held)], held, strict=False)
            ]
            body += f"<table class={kind}>{''.join(rows)}</table>\n"
    style = (
        "@page { size: A4; margin: 18mm } body { columns: 2; column-gap: 10mm; font: 9pt serif }"
        "h1 { font-size: 15pt; column-span: all } h2 { font-size: 11pt }"
        "pre { font: 6pt monospace; white-space: pre-wrap }"
        "table { border-collapse: collapse; width: 100%; font-size: 8pt; break-inside: avoid; margin: 3mm 0 }"
        "td, th { padding: 1mm 2mm; text-align: left } .ruled td, .ruled th { border: 0.3mm solid black }"
    )
    head = f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Sheet</title><style>{style}</style></head>"
    return f"{head}<body>\n{body}</body></html>".encode()


def portable() -> bytes:
    from weasyprint import HTML  # noqa: PLC0415 - slow to import

    target = BytesIO()
    HTML(string=page().decode()).write_pdf(target)
    return target.getvalue()


def plain() -> bytes:
    lines = []
    for kind, held in SHEET:
        if isinstance(held, str):
            title = {
                "title": f"{held}\n{'=' * len(held)}\n",
                "section": f"\n{held}\n{'-' * len(held)}\n",
                "item": f"* {held}",
            }
            lines.append(
                title.get(kind, f"\n{held}\n" if kind == "text" else "\n    " + held.replace("\n", "\n    ") + "\n")
            )
        else:
            widths = [max(map(len, column)) + 3 for column in zip(*held, strict=True)]
            rows = [
                "".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in held
            ]
            lines.append("\n" + "\n".join(rows) + "\n")
    return "\n".join(lines).encode()


FORMATS: dict[str, Callable[[], bytes]] = {
    "sheet.md": markdown,
    "sheet.html": page,
    "sheet.pdf": portable,
    "sheet.txt": plain,
}


@cache
def read(name: str) -> Draft:
    return load(FORMATS[name](), source=name)


def statuses(draft: Draft) -> dict[str, str]:
    return {c.value: draft.overview[c].status.value for c in Component}


def numbers(draft: Draft) -> set[tuple[str, float | None, str, str]]:
    found = [v for regime in draft.regimes for v in regime.values]
    return {(v.component.value, v.low, v.unit, v.role) for v in found}


def test_the_markdown_sheet_discloses_what_it_says() -> None:
    found = statuses(read("sheet.md"))
    wanted = {c.value: "disclosed" for c in DISCLOSED} | {"workload_relevance": "partial"}
    assert {c: found[c] for c in wanted} == wanted
    assert found["peak_only"] != Status.DISCLOSED.value


@pytest.mark.parametrize("name", ["sheet.html", "sheet.pdf", "sheet.txt"])
def test_another_format_discloses_the_same_but_for_one_cell_at_most(name: str) -> None:
    here, there = statuses(read("sheet.md")), statuses(read(name))
    assert len({c for c in here if here[c] != there[c]}) <= 1, {
        c: (here[c], there[c]) for c in here if here[c] != there[c]
    }


@pytest.mark.parametrize("name", ["sheet.html", "sheet.pdf", "sheet.txt"])
def test_another_format_gives_the_same_numbers(name: str) -> None:
    assert numbers(read(name)) == numbers(read("sheet.md"))


@pytest.mark.parametrize("name", FORMATS)
def test_the_gain_the_rates_and_the_scores_belong_to_their_regimes(name: str) -> None:
    found = numbers(read(name))
    assert {
        ("throughput_gain", 1.52, "x", "quantized"),
        ("sustained_throughput", 1310, "tokens/s", "reference"),
        ("sustained_throughput", 1991, "tokens/s", "quantized"),
        ("latency", 212, "ms", "reference"),
        ("latency", 148, "ms", "quantized"),
        ("accuracy_reference", 74.2, "", "reference"),
        ("accuracy_result", 73.8, "", "quantized"),
        ("calibration_data", 512, "samples", "quantized"),
    } <= found


def test_the_pdf_has_two_columns_and_both_kinds_of_table() -> None:
    sheet = read("sheet.pdf").sheets[0]
    lefts = [word.box[0] for page in sheet.pages for word in page.words]
    assert min(lefts) < sheet.pages[0].width / 4
    assert any(left > sheet.pages[0].width / 2 for left in lefts)
    assert len(list(sheet.tables())) == 2


def test_a_sheet_without_its_accuracy_table_differs_in_more_than_a_cell() -> None:
    text = markdown().decode()
    cut = text[: text.index("## Accuracy")] + text[text.index("## Speed") :]
    here, there = statuses(read("sheet.md")), statuses(load(cut.encode(), source="cut.md"))
    assert {c for c in here if here[c] != there[c]} >= {"accuracy_result", "accuracy_reference", "acceptance_criterion"}
