from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.importers._inline import inline, inline_lines
from lynxspec.sheet import Text


def read(source: str, **options: object) -> Text:
    return inline(source, 0, len(source), **options)


def words(source: str, **options: object) -> str:
    return read(source, **options).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain words", "plain words"),
        ("two  blanks\n and a line", "two blanks and a line"),
        ("**1.37x** to *5.07x*", "1.37x to 5.07x"),
        ("~~old~~ ~2x", "old ~2x"),
        ("[the **card**](https://example.com/a_(b)) here", "the card here"),
        ("![a chart](chart.png) below", "a chart below"),
        ("[![badge](b.svg)](https://example.com)", "badge"),
        ("[cut in the mid](https://exam", "cut in the mid"),
        ("`lm_head` and ``a ` b``", "lm_head and a ` b"),
        (r"Q4\_K\_M keeps 5\% \* more", "Q4_K_M keeps 5% * more"),
        ("`a\\|b`", "a|b"),
        ("one<br>two <b>three</b><!-- no -->", "one two three"),
        ("&lt;1&nbsp;ms &times; 2 &amp; more&hellip;", "<1 ms × 2 & more…"),
        ("see :ref:`the table <table-1>` and `Acme <https://example.com>`_ now", "see the table and Acme now"),
        ("``literal`` text [1]_ here", "literal text [1] here"),
        ("<https://example.com/x_y>", "https://example.com/x_y"),
        ("ﬁne ＦＰ８ 5 ms 1 000", "fine FP8 5 ms 1 000"),
        ("−5 non‑breaking soft­hyphen zero\u200bwidth", "-5 non-breaking softhyphen zerowidth"),
        ("2✕ 3х 4×", "2× 3× 4×"),
        ("TensorRT™-LLM", "TensorRT-LLM"),
        (r"a gain of $2\times$", "a gain of $2×$"),
    ],
)
def test_what_a_reader_sees_is_what_is_read(source: str, expected: str) -> None:
    assert words(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "W4A16_G128",
        "snake_case_name",
        "int4_asym_g32",
        "8*H100 and 4*A100",
        "5 * 3",
        "FP8* and INT8**",
        "<think>",
        "a < b",
        "array[0][1]",
        "[ ] to do",
        "Привет, хорошо",
        "C:\\models",
        "50% & more",
        "~2x",
        "10⁶ tokens",
        "5 m²",
    ],
)
def test_what_is_no_markup_stays(source: str) -> None:
    assert words(source) == source


def test_the_mark_behind_bold_words_stays() -> None:
    assert words("**FP8***") == "FP8*"


@pytest.mark.parametrize(
    ("source", "expected"),
    [("2.1x<sup>1</sup>", "2.1x [1]"), ("98.5²", "98.5 [2]"), ("98.5[^2]", "98.5 [2]"), ("2.1x<sup>*</sup>", "2.1x *")],
)
def test_a_raised_mark_never_becomes_a_digit_of_the_number(source: str, expected: str) -> None:
    assert words(source) == expected


def test_a_reference_is_a_link_only_where_its_label_is_defined() -> None:
    assert words("[card][1] and [this]", labels={"1", "this"}) == "card and this"
    assert words("[card][1] and [this]") == "[card][1] and [this]"


def test_without_markup_only_characters_are_evened_out() -> None:
    assert words("a **b**  c −1", markup=False) == "a **b** c -1"


def test_each_letter_of_a_ligature_stands_where_the_ligature_stands() -> None:
    assert list(read("aﬁb").at) == [0, 1, 1, 2]


def test_offsets_lead_through_markup() -> None:
    source = "a **bold** [link](u) `x`"
    found = read(source)
    assert found.text == "a bold link x"
    assert [source[i] for i in found.at] == list(found.text)


def test_a_quote_of_two_lines_is_read_as_one_text() -> None:
    source = "> a **b\n> c** d"
    found = inline_lines(source, [(2, 7), (10, 15)])
    assert (found.text, list(found.at)) == ("a b c d", [2, 3, 6, 7, 10, 13, 14])


_SCRAPS = st.sampled_from(
    [
        "*",
        "**",
        "_",
        "`",
        "``",
        "~~",
        "[",
        "]",
        "](u)",
        "![",
        "<b>",
        "</b>",
        "<br>",
        "<sup>1</sup>",
        "&amp;",
        "\\",
        "\\*",
        " ",
        "  ",
        "\n",
        "\r\n",
        "ﬁ",
        "²",
        "×",
        "−",
        "\u200b",
        "|",
        "^1",
        "_x_",
        "FP8",
        "2.1x",
        "snake_case",
        "<!--",
        "-->",
        ":ref:`",
    ]
)


@given(st.lists(_SCRAPS | st.text(max_size=4), max_size=30), st.booleans())
def test_every_character_is_tied_to_its_source(scraps: list[str], markup: bool) -> None:
    source = "".join(scraps)
    found = inline(source, 0, len(source), markup=markup)
    at = list(found.at)
    assert len(found.text) == len(at)
    assert at == sorted(at)
    assert all(0 <= offset < len(source) for offset in at)
    assert "  " not in found.text
    assert found.text == found.text.strip(" ")
    for character, offset in zip(found.text, at, strict=True):
        if character in string.ascii_letters and source[offset] in string.printable and source[offset] != "&":
            assert source[offset] == character
