from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lynxspec.importers import text
from lynxspec.importers._plain_blocks import nature
from lynxspec.importers.importer import importer_for
from lynxspec.sheet import Code, Heading, Prose, Sheet, Table


def sheet(source: str) -> Sheet:
    return text.parse(source.encode(), "sheet.txt")


def tables(source: str) -> list[Table]:
    return list(sheet(source).tables())


def cells(table: Table) -> list[list[str]]:
    return [[cell.text.text for cell in row.cells] for row in table.rows]


def prose(source: str) -> list[str]:
    return [block.text.text for block in sheet(source).blocks if isinstance(block, Prose)]


def test_underlines_make_headings_and_wrapped_lines_one_paragraph() -> None:
    found = sheet(
        "NORDLICHT DATA SHEET\n====================\n\nWe quantized it with GPTQ and\nmeasured it.  Twice.\n\nNext.\n"
    ).blocks
    assert isinstance(found[0], Heading)
    assert [block.text.text for block in found] == [
        "NORDLICHT DATA SHEET",
        "We quantized it with GPTQ and measured it. Twice.",
        "Next.",
    ]


def test_two_blanks_behind_a_sentence_end_a_paragraph() -> None:
    assert prose("One sentence.  \nAnother one\nwrapped.\n") == ["One sentence.", "Another one wrapped."]


def test_columns_below_each_other_are_a_table_that_was_guessed() -> None:
    (table,) = tables(
        "Model          FP16     INT8    Gain\n"
        "-------------  -------  ------  -----\n"
        "Nord-7B        1,200    2,400   2.0x\n"
        "Nord-13B       600      1,100   1.8x\n"
        "Nord-70B                120     1.2x\n"
    )
    assert (table.headers, table.certain) == (1, False)
    assert cells(table)[0] == ["Model", "FP16", "INT8", "Gain"]
    assert cells(table)[3] == ["Nord-70B", "", "120", "1.2x"]


def test_a_row_of_drawn_columns_has_its_line_as_place() -> None:
    source = "Model   Rate\nA       1.5\nB       2.5\n"
    found = sheet(source)
    (table,) = found.tables()
    assert found.text[table.rows[1].start : table.rows[1].end] == "A       1.5"


def test_a_centred_name_stands_above_the_columns_of_its_group_only() -> None:
    (table,) = tables(
        "                 BF16              FP8\n"
        "Model      rate    latency   rate    latency\n"
        "A          1.5     2.5       3.5     4.5\n"
        "B          1.6     2.6       3.6     4.6\n"
    )
    assert table.headers == 2
    assert cells(table)[0] == ["", "BF16", "BF16", "FP8", "FP8"]


def test_names_with_their_values_are_a_table_without_header() -> None:
    (table,) = tables("Model:       Nord-7B\nPrecision:   INT8\nBatch:       8\n")
    assert (table.headers, cells(table)) == (0, [["Model:", "Nord-7B"], ["Precision:", "INT8"], ["Batch:", "8"]])


def test_two_blanks_between_sentences_make_no_table() -> None:
    assert not tables("One sentence here.  Another one.\nA third one.  And more.\nLast.  End of it.\n")


def test_text_in_two_columns_is_no_table() -> None:
    left = "many words of the left column that go on and on for quite a while"
    right = "and the right column, which goes on for as long as the other one"
    assert not tables(f"{left}    {right}\n" * 5)


def test_two_lines_are_no_table() -> None:
    assert not tables("A     1.5\nB     2.5\n")


def test_tabs_make_columns_and_an_empty_cell_stays_empty() -> None:
    (table,) = tables("Device\tLatency\tRate\nH100\t3.2\t100\nA100\t\t80\n")
    assert cells(table) == [["Device", "Latency", "Rate"], ["H100", "3.2", "100"], ["A100", "", "80"]]


@pytest.mark.parametrize(
    "box",
    [
        "+-------+------+\n| Model | MMLU |\n+-------+------+\n| A     | 70.1 |\n| B     | 71.2 |\n+-------+------+\n",
        "┌───────┬──────┐\n│ Model │ MMLU │\n├───────┼──────┤\n│ A     │ 70.1 │\n│ B     │ 71.2 │\n└───────┴──────┘\n",
        (
            "+-------+------+\n| Model | MMLU |\n+=======+======+\n"
            "| A     | 70.1 |\n+-------+------+\n| B     | 71.2 |\n"
            "+-------+------+\n"
        ),
        "| Model | MMLU |\n|-------+------|\n| A     | 70.1 |\n| B     | 71.2 |\n",
    ],
    ids=["ascii", "box", "grid", "org"],
)
def test_boxes_are_tables(box: str) -> None:
    (table,) = tables(f"Results:\n\n{box}")
    assert (table.headers, table.certain) == (1, True)
    assert cells(table) == [["Model", "MMLU"], ["A", "70.1"], ["B", "71.2"]]
    assert table.caption.text == "Results:"


def test_lines_of_a_cell_of_a_box_are_joined_and_rows_are_not() -> None:
    grid = (
        "+------+------+\n| Name | Acc  |\n+======+======+\n| long | 70.1 |\n"
        "| name |      |\n+------+------+\n| B    | 71.2 |\n+------+------+\n"
    )
    assert cells(tables(grid)[0]) == [["Name", "Acc"], ["long name", "70.1"], ["B", "71.2"]]
    groups = (
        "+---+-----+\n| N | Acc |\n+---+-----+\n| A | 1.5 |\n| B | 2.5 |\n"
        "+---+-----+\n| C | 3.5 |\n| D | 4.5 |\n+---+-----+\n"
    )
    assert [row[0] for row in cells(tables(groups)[0])] == ["N", "A", "B", "C", "D"]
    words = groups.replace(".5 |", "th |")
    assert [row[0] for row in cells(tables(words)[0])] == ["N", "A", "B", "C", "D"]


def test_comma_lines_within_a_text_are_a_table() -> None:
    found = sheet(
        "Some words about it.\n\nResults follow:\nmodel,type,rate,latency\nA,FP16,10,3.1\nA,INT8,20,1.5\n\nThe end.\n"
    )
    (table,) = found.tables()
    assert (table.headers, table.caption.text) == (1, "Results follow:")
    assert prose("We ship it in Asia, Europe, Africa, and America.\n" * 3)
    assert not tables("We ship it in Asia, Europe, Africa, and America.\n" * 3)


def test_indented_words_are_prose_and_commands_are_code() -> None:
    assert prose("Note\n\n    Accuracy drops by 0.2 points only.\n") == ["Note", "Accuracy drops by 0.2 points only."]
    found = sheet("Run\n\n    $ lynx quantize --samples 512\n").blocks
    assert isinstance(found[1], Code)


def test_a_listing_in_a_fence_is_no_table() -> None:
    assert not tables("```\nA     1.5\nB     2.5\nC     3.5\n```\n")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("<!DOCTYPE html>\n<html><body><p>x</p></body></html>", "html"),
        ("<table>\n<tr><td>1</td></tr>\n<tr><td>2</td></tr>\n</table>\n", "html"),
        ("Title\n=====\n\n.. note:: x\n\nwords\n", "rst"),
        ("Title\n=====\n\nSee :ref:`there <x>`.\n", "rst"),
        ("model,type,rate,latency\nA,FP16,10,3.1\nA,INT8,20,1.5\n", "csv"),
        ("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "text"),
        ("Title\n=====\n\nWords.\n", "text"),
        ("Words with <b>tags</b>.\n\nMore words.\n", "text"),
        ("", "text"),
    ],
)
def test_a_text_is_read_as_what_it_is(source: str, kind: str) -> None:
    assert nature(source) == kind


def test_the_format_is_text_whatever_was_read() -> None:
    for source in ("a,b,c,d\n1,2,3,4\n5,6,7,8\n", "words\n", "<html><body><p>x</p></body></html>"):
        assert sheet(source).format == "text"


def test_the_name_decides() -> None:
    assert importer_for("sheet.txt") is text.IMPORTER
    assert importer_for("some/README") is text.IMPORTER


@pytest.mark.parametrize(
    "source",
    [
        "a   1.5   2\n" * 8_000,
        "a\t1\n" * 8_000,
        "a,1,2,3\n" * 8_000,
        " " * 200_000,
        "a   \n" * 20_000,
        "a  b\n\n" * 8_000,
    ],
)
def test_a_hostile_text_is_read(source: str) -> None:
    assert sheet(source).text == source


_LINES = st.sampled_from(
    [
        "Model   FP16   INT8",
        "A       1.5    2.5",
        "B              3.5",
        "-----   ----   ----",
        "",
        "a,b,c,d",
        "1,2,3,4",
        "x\ty\tz",
        "1\t2\t3",
        "┌──┬──┐",
        "│ a │ b │",
        "├──┼──┤",
        "+---+---+",
        "| a | 1 |",
        "Title",
        "=====",
        "    indented",
        "words  \r",
        "(*) note",
        "```",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINES | st.text(max_size=8), max_size=20))
def test_every_character_is_tied_to_its_source(lines: list[str]) -> None:
    found = text.parse("\n".join(lines).encode("utf-8", "replace"), "x.txt")
    for block in found.blocks:
        each = [c.text for row in block.rows for c in row.cells] if isinstance(block, Table) else [block.text]
        for words in each:
            at = list(words.at)
            assert at == sorted(at)
            assert all(0 <= offset < len(found.text) for offset in at)
            for character, offset in zip(words.text, at, strict=True):
                if character in string.ascii_letters and found.text[offset] in string.printable:
                    assert found.text[offset] == character
