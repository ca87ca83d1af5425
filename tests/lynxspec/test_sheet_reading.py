"""How a sheet becomes regimes, a score and notes: what is bound, what is joined, and what was not read is said."""

from __future__ import annotations

import os
from pathlib import Path

from lynxspec.extraction.pieces import MAX_LENGTH
from lynxspec.extraction.reading import MAX_UNITS, Reading
from lynxspec.importers import importer
from lynxspec.importers.importer import load
from lynxspec.importers.markdown import parse
from lynxspec.lint.engine import lint
from lynxspec.scoring import score
from lynxspec.vocabulary import Component, Status

CARD = b"""# Acme-7B in INT8

Measured on an H100 with batch size 8.

| Model | BF16 (tokens/s) | INT8 (tokens/s) |
|---|---|---|
| Llama-3.1-8B | 100.0 | 180.0 |

The latency of the INT8 model is 12.5 ms.
"""


def test_a_number_without_host_and_batch_joins_the_one_regime_that_it_can_be_of() -> None:
    card = CARD.replace(b"of the INT8 model ", b"").replace(b"INT8", b"SmoothQuant")
    draft = load(card, source="x.md")
    quantized = [r for r in draft.regimes if r.role == "quantized"]
    assert len(quantized) == 1
    assert {v.component for v in quantized[0].values} >= {Component.SUSTAINED_THROUGHPUT, Component.LATENCY}


def test_the_document_says_what_it_says_anywhere_and_scores_as_its_weakest_regime() -> None:
    two = (
        CARD.partition(b"The latency")[0]
        + b"\n| Model | BF16 MMLU | INT8 MMLU |\n|---|---|---|\n| Qwen2.5-7B | 70.1 | 69.8 |\n"
    )
    draft = load(two, source="x.md")
    card = score(draft, lint(draft))
    assert card.disclosures[Component.SUSTAINED_THROUGHPUT].status is not Status.MISSING
    assert card.disclosures[Component.ACCURACY_RESULT].status is Status.DISCLOSED
    scores = [r.score for r, d in zip(card.regimes, draft.regimes, strict=True) if d.role == "quantized"]
    assert len(scores) == 2
    assert card.score == min(scores)
    missing = [r.disclosures[Component.ACCURACY_RESULT].status is Status.MISSING for r in card.regimes]
    assert any(missing)


def test_what_was_not_read_is_said() -> None:
    lines = b"\n\n".join(b"INT8 is used here, line %d." % i for i in range(MAX_UNITS + 10))
    assert "Not read" not in " ".join(load(CARD, source="x.md").sheets[0].notes)
    assert any(str(MAX_UNITS) in note for note in load(lines, source="x.md").sheets[0].notes)


def test_an_endless_sentence_is_read_in_pieces() -> None:
    reading = Reading((parse(b"INT8 " * (MAX_LENGTH // 2), "x.md"),))
    assert len(reading.units) > 1
    assert max(len(unit.text.text) for unit in reading.units) <= MAX_LENGTH


def test_a_bound_a_little_above_a_table_is_no_contradiction_and_far_above_it_is() -> None:
    table = "\n\n| Model | INT8 speedup vs FP16 |\n|---|---|\n| Llama-3.1-8B | 1.9x |\n| Qwen2.5-7B | 2.0x |\n"
    near = load(f"# INT8 serving\n\nINT8 is up to 2.3x faster than FP16.{table}".encode(), source="x.md")
    far = load(f"# INT8 serving\n\nINT8 is up to 4x faster than FP16.{table}".encode(), source="x.md")
    assert near.conflicts == ()
    assert [c.component for c in far.conflicts] == [Component.THROUGHPUT_GAIN]


def test_a_bound_above_an_excerpt_contradicts_nothing_and_one_that_refers_to_its_table_has_to_stand_in_it() -> None:
    table = "\n\n| Model | INT8 speedup vs FP16 |\n|---|---|\n| Llama-3.1-8B | 1.9x |\n| Qwen2.5-7B | 2.0x |\n"
    head = "# INT8 serving\n\nINT8 is up to"
    excerpt = f"{head} 5x faster than FP16. Selected results:{table}"
    outside = f"{head} 2.6x faster than FP16.{table}"
    inside = f"{head} 2.6x faster than FP16, as the table below shows.{table}"
    assert [load(t.encode(), source="x.md").conflicts for t in (excerpt, outside)] == [(), ()]
    assert [c.component for c in load(inside.encode(), source="x.md").conflicts] == [Component.THROUGHPUT_GAIN]


def test_free_text_is_read_in_another_process(tmp_path: Path) -> None:
    importer._reader.cache_clear()
    file = tmp_path / "x.md"
    file.write_bytes(CARD)
    load(file)
    assert importer._reader().pid not in {None, os.getpid()}


def test_a_claim_is_read_without_a_worker() -> None:
    importer._reader.cache_clear()
    load(Path(__file__).parents[1] / "data" / "complete.claim.yaml")
    assert importer._reader().pid is None
