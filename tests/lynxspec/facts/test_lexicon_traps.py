"""Where the lexicon must find nothing or not too much, and that its tables keep to the vocabulary."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.facts import tool_chains
from lynxspec.facts.lexicon import mentions
from lynxspec.facts.lexicon_entries import TABLES, Entry, alias, lexicon, lowered, makers, shapes
from lynxspec.facts.lexicon_models import FAMILIES
from lynxspec.vocabulary import Algorithm, Approach, Component, ModelFamily

METHODS = {"minmax", "moving_average", "percentile", "entropy", "mse", "other"}
"""Kinds of calibration method of a claim."""


def entries(kind: str) -> list[Entry]:
    """All lines of one table."""
    lines = [line for group in lexicon().phrases.values() for line in group]
    lines += [word.line for group in lexicon().foreign.values() for word in group]
    return list(dict.fromkeys(alias(line).entry for line in lines if line[0] == kind))


def kinds(text: str) -> set[str]:
    return {mention.kind for mention in mentions(text)}


PLAIN = """\
The base of the old command post was built on granite, and it stood in the falcon's shadow while the
chronicler wrote of Orion, mistral winds and the solar year; nobody could recall the title of the opera, but
the titan of the story slept under a canary cage.

She opened the transcription of the trial, read the first page of the letter, and laughed at the quip of the
judge. The bark of the tree was wet, the pegasus on the sign was faded, and the informer said that the electra
of the play was a lady from Athens.

He drove the truck over the hill at dawn. On page 4 of the report, Table A2 lists the dates, Figure A10 shows
the map, and Appendix C4 has the letters. Vitamin B12 and the highway A40 are in section L4.

It was a matter of scale: the flux of tourists in the summer months rose by a third, and the phase of the moon
was full. The Greek letters phi and psi stand on the wall; the sum of the angles is two right ones.

The driver of the bus opened the windows, and the kernel of the nut fell on the step. They partnered with a
bakery; the partners were exceptional people and took pride in embedding old customs in new ones.

We will be skipping dinner. Please pass 1 spoon of salt and map 50 ways to cross the desert; there is a race
to the drop of the cliff. A copy of the pile of papers lies there in the drawer, wider than a door.

Please accelerate the marlin boat, clip the coupon, and evaluate whether a candle glows in the poplar grove. A
mamba and a dolphin met a zephyr, and the koala sat by the alpaca farm's gate.

The arc of the story is that one compiler of tales, one olive tree and one metal door are enough. The iris and
the lotus bloom; the bloom is pale. Swallow, starling, viking and typhoon are words that need no number.

I opt to drive home. I whisper to the vet that the dino of the film, the dice on the table and the comet in
the sky are all mine. The meteor fell, the glue held, the ruler broke, the math was right.

Our customers in twelve countries asked for a machine that starts fast, stays quiet and needs little power. We
built it over three years with people from two universities, and it now stands in the hall of the old town.

You may not use the contents of this page for any other purpose without the written consent of its owner; the
terms apply as far as the law permits, and the place of jurisdiction is the seat of the company.
"""
"""Paragraphs of ordinary words, many of which are also names of models or tools."""


@pytest.mark.parametrize("text", PLAIN.split("\n\n"))
def test_plain_english_holds_no_name(text: str) -> None:
    assert mentions(" ".join(text.split())) == ()


@pytest.mark.parametrize(
    ("plain", "name"),
    [
        ("a falcon", "Falcon-7B"),
        ("a flux of", "FLUX.1-dev"),
        ("the letter phi", "Phi-3"),
        ("granite floors", "granite-3.1-8b-instruct"),
        ("run the command", "Command R"),
        ("clip the values", "CLIP"),
        ("a whisper", "Whisper"),
        ("it is the base", "BERT-base"),
        ("our partners", "RTN"),
        ("the metal door", "Core ML"),
        ("a ruler", "RULER"),
        ("the arc", "ARC-Challenge"),
        ("in the map", "mAP"),
    ],
)
def test_a_plain_word_is_no_name_and_the_name_is_one(plain: str, name: str) -> None:
    assert mentions(plain) == ()
    assert [name[m.start : m.end] for m in mentions(name)] == [name]


@pytest.mark.parametrize("text", ["MI300X", "8xH100", "Metis 1x", "4×A100"])
def test_a_product_that_looks_like_a_factor_is_one_piece_of_hardware(text: str) -> None:
    (mention,) = mentions(text)
    assert (mention.kind, mention.start, mention.end) == ("hardware", 0, len(text))


def test_a_factor_behind_such_a_product_stays_a_factor() -> None:
    text = "On the Axelera Metis 2x faster inference"
    (mention,) = (mention for mention in mentions(text) if mention.kind == "hardware")
    assert text[mention.start : mention.end] == "Axelera Metis"


def test_letters_inside_a_word_or_a_precision_are_no_name() -> None:
    for text in ("partnered Partners", "exceptional", "w4a16 W4A16-G128", "INT8 W4A8", "fp8_e4m3", "Q4_K_M"):
        assert mentions(text) == (), text


@pytest.mark.parametrize(
    ("misspelled", "kind", "name"),
    [
        ("Mixtral-7x8b", "model", "Mixtral 7x8B"),
        ("OpenOcra", "dataset", "OpenOrca"),
        ("Tensor(RT)-LLM", "tool", "TensorRT-LLM"),
        ("TenorR-LLM", "tool", "TensorRT-LLM"),
    ],
)
def test_misspellings_that_vendors_print_are_understood(misspelled: str, kind: str, name: str) -> None:
    assert [(m.kind, m.name) for m in mentions(misspelled)] == [(kind, name)]


def test_the_model_in_a_title_and_the_model_in_the_body_can_be_compared() -> None:
    title, body = (
        mentions("# Meta-Llama-3.1-8B-Instruct-FP8"),
        mentions("a quantized version of Llama 3.1 70B Instruct"),
    )
    assert title[0].detail["stem"] == body[0].detail["stem"]
    assert (title[0].detail["size"], body[0].detail["size"]) == ("8B", "70B")


def test_a_longer_name_hides_those_inside_it() -> None:
    assert kinds("llama.cpp") == {"tool"}
    assert kinds("Mistral AI") == set()
    assert kinds("Mistral 7B") == {"model"}
    assert [m.name for m in mentions("TensorRT Model Optimizer")] == ["TensorRT Model Optimizer"]
    assert kinds("the vision encoder") == set()
    assert kinds("the L4 cache and L2 regularization") == set()


def test_a_short_code_needs_capitals_and_no_figure_before_it() -> None:
    assert [m.name for m in mentions("NVIDIA L4")] == ["L4"]
    assert [m.name for m in mentions("T4")] == ["T4"]
    assert mentions("see Figure T4") == ()
    assert mentions("the t4 of it") == ()


def test_markup_and_typography_between_the_parts_of_a_name_do_no_harm() -> None:
    for text in ("Llama\\_3.1\\_8B", "Llama\u20113.1\u20118B", "Llama\u00a03.1\u20098B", "LLAMA-3.1-8B"):
        assert [m.name for m in mentions(text)] == ["Llama 3.1 8B"], text


def test_letters_that_change_their_length_do_not_move_a_mention() -> None:
    text = "İİİ on an H100 in Straße"
    (mention,) = mentions(text)
    assert text[mention.start : mention.end] == "an H100"[3:]
    assert len(lowered(text)) == len(text)


PIECES = """\
Llama 3.1 8B Instruct - _ / x 8 H100 GPUs NVIDIA ( ) 80GB TensorRT-LLM v0.12 AWQ percentile 99.9 calibration MMLU
5-shot val2017 COCO 量化 昇腾 910B . , owner/ 7B Foo ResNet50 xlarge c7g. nvcr.io/a/b:1.2 İ ® mAP@0.5"""


@given(st.lists(st.sampled_from([*PIECES.split(), " ", " ", "\n"]), max_size=14))
def test_mentions_lie_in_the_text_in_order_and_do_not_overlap_within_a_kind(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = mentions(text)
    assert [m.start for m in found] == sorted(m.start for m in found)
    assert all(0 <= m.start < m.end <= len(text) and m.name for m in found)
    for kind in {m.kind for m in found}:
        same = [m for m in found if m.kind == kind]
        assert all(one.end <= other.start for one, other in pairwise(same))


# --- the tables


def test_families_tasks_and_methods_are_words_of_the_vocabulary() -> None:
    assert set(FAMILIES.values()) == set(ModelFamily)
    assert {e.cell(0) for e in entries("model")} <= set(FAMILIES)
    assert {e.cell(0) for e in entries("family")} <= {*FAMILIES, ""}
    assert {e.cell(0) for e in entries("algorithm")} <= set(Algorithm)
    assert {e.cell(0) for e in entries("approach")} <= {*Approach, ""}
    assert {e.cell(0) for e in entries("calibration_method")} <= METHODS
    assert {e.cell(0) for e in entries("word")} <= set(Component)
    assert {e.cell(1) for e in entries("word")} == {"zh", "ja", "ko", "de"}


def test_roles_and_directions_are_from_short_lists() -> None:
    assert {role for e in entries("tool") for role in e.cell(1).split()} == {
        "quantizer",
        "runtime",
        "framework",
        "harness",
    }
    assert {e.cell(0) for e in entries("dataset")} == {"calibration", "evaluation", "both"}
    assert {e.cell(0) for e in entries("metric")} == {"higher", "lower"}


def test_every_tool_that_the_tool_chains_know_has_their_name() -> None:
    known = {e.cell(0) for e in entries("tool")}
    for name in known:
        tool = tool_chains.tool(name)
        assert tool is None or tool.name == name
    missing = {
        "onnxruntime",
        "tensorrt",
        "modelopt",
        "torchao",
        "openvino",
        "nncf",
        "llm-compressor",
        "vllm",
        "autoawq",
    }
    assert missing <= known


def test_every_pattern_of_a_table_compiles_and_no_line_is_empty() -> None:
    for kind in ("hardware", "dataset"):
        for entry in entries(kind):
            re.compile(entry.cell(2))
            assert entry.name, entry
    assert all(entries(kind) for kind in TABLES)
    assert all(shape.triggers for shape in shapes())
    assert makers()["geforce"] == "NVIDIA"


def test_every_unguarded_spelling_of_a_product_is_found_by_itself() -> None:
    """A line that nothing can ever match would be dead."""
    for lines in lexicon().phrases.values():
        for line in lines:
            spelled = alias(line)
            if (
                line[0] not in {"hardware", "tool", "metric"}
                or set(spelled.entry.flags) & set("tcq~")
                or spelled.entry.context
            ):
                continue
            text = " ".join(spelled.spelling.split())
            assert any(m.kind == line[0] for m in mentions(text)), text
