from __future__ import annotations

import string
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lynxspec.importers import _markdown_tokens, markdown
from lynxspec.importers._markdown_tokens import block_tokens
from lynxspec.importers.importer import importer_for
from lynxspec.sheet import Block, Code, Heading, Prose, Sheet, Table, Text


def sheet(text: str) -> Sheet:
    return markdown.parse(text.encode(), "card.md")


def tables(text: str) -> list[Table]:
    return list(sheet(text).tables())


def cells(table: Table) -> list[list[str]]:
    return [[cell.text.text for cell in row.cells] for row in table.rows]


def prose(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text.text) for block in sheet(text).blocks if isinstance(block, Prose)]


def texts(block: Block) -> list[Text]:
    if isinstance(block, Table):
        inner = [cell.text for row in block.rows for cell in row.cells]
        return [*inner, block.caption, *(note.text for note in block.notes)]
    return [block.text]


def test_blocks_come_in_reading_order() -> None:
    found = sheet(
        "# Title\n\nSome\nwords.\n\n- one\n  goes on\n  - two\n\n> a\n"
        "> quote\n\nSetext\n===\n\n```bash\nrun --x 5\n```\n"
    )
    assert [type(block) for block in found.blocks] == [Heading, Prose, Prose, Prose, Prose, Heading, Code]
    assert [block.text.text for block in found.blocks] == [
        "Title",
        "Some words.",
        "one goes on",
        "two",
        "a quote",
        "Setext",
        "run --x 5",
    ]
    assert [block.kind for block in found.blocks if isinstance(block, Prose)] == ["paragraph", "item", "item", "quote"]


def test_front_matter_is_code_and_a_rule_is_not() -> None:
    found = sheet("---\nlicense: mit\ntags:\n- int8\n---\n# T\n").blocks
    assert isinstance(found[0], Code)
    assert (found[0].front_matter, found[0].language, found[0].text.text) == (
        True,
        "yaml",
        "license: mit\ntags:\n- int8",
    )
    assert not any(isinstance(block, Code) for block in sheet("---\nonly words\n\n---\n").blocks)


def test_an_admonition_loses_its_marker() -> None:
    assert prose("> [!NOTE]\n> Careful\n> now.\n") == [("quote", "Careful now.")]


def test_windows_line_ends_change_nothing() -> None:
    source = "# T\r\n\r\na\r\nb\r\n\r\n| x | y |\r\n|---|---|\r\n| 1 | 2 |\r\n\r\n```\r\nm\r\nn\r\n```\r\n"
    found = sheet(source)
    assert [b.text.text for b in found.blocks if not isinstance(b, Table)] == ["T", "a b", "m\nn"]
    table = next(found.tables())
    assert found.text[table.rows[1].start : table.rows[1].end] == "| 1 | 2 |"


def test_a_pipe_table_has_cells_with_places() -> None:
    source = "| Model | `a|b` | x\\|y |\n|:--|:-:|--:|\n| **FP8** | 2.1x | [c](u) |\n| short |\n"
    found = sheet(source)
    table = next(found.tables())
    assert table.headers == 1
    assert cells(table) == [["Model", "a|b", "x|y"], ["FP8", "2.1x", "c"], ["short", "", ""]]
    assert source[table.rows[1].start : table.rows[1].end] == "| **FP8** | 2.1x | [c](u) |"
    assert all(cell.header for cell in table.rows[0].cells)


def test_bars_in_code_part_no_cells_where_the_header_says_so() -> None:
    (table,) = tables("| Option | Value |\n|---|---|\n| `a|b` | 5 |\n")
    assert cells(table)[1] == ["a|b", "5"]


@pytest.mark.parametrize(
    "rule",
    ["|---|---|---|", "|---|---|", "|---|---|---|---|", "|:-|-:|:-:|", "| - | - | - |", "|===|===|===|", "---|---|---"],
)
def test_a_table_is_one_whatever_its_rule_looks_like(rule: str) -> None:
    (table,) = tables(f"| Model | FP16 | INT8 |\n{rule}\n| A | 10.5 | 21.5 |\n| B | 5.5 | 9.5 |\n")
    assert table.headers == 1
    assert cells(table) == [["Model", "FP16", "INT8"], ["A", "10.5", "21.5"], ["B", "5.5", "9.5"]]


def test_rows_without_a_rule_are_a_table_and_one_bar_in_a_sentence_is_none() -> None:
    (table,) = tables("| Model | FP16 | INT8 |\n| A | 10.5 | 21.5 |\n| B | 5.5 | 9.5 |\n")
    assert (table.headers, len(table.rows)) == (1, 3)
    assert not tables("Use p(x|y) here.\nAnd cat a | grep b there.\n")


def test_a_table_glued_to_a_paragraph_is_found() -> None:
    found = sheet("Words before.\n**Results on one H100**\n| A | B |\n|---|---|\n| x | 1 |\n\\* at batch 1\n").blocks
    assert [type(block) for block in found] == [Prose, Prose, Table, Prose]
    assert found[1] == Prose(text=found[1].text, kind="caption")
    assert isinstance(found[2], Table)
    assert found[2].caption.text == "Results on one H100"
    assert [(note.mark, note.text.text) for note in found[2].notes] == [("*", "at batch 1")]


def test_rows_with_blank_lines_between_them_are_one_table() -> None:
    (table,) = tables("| A | B |\n\n|---|---|\n\n| x | 1 |\n\n| y | 2 |\n")
    assert (table.headers, cells(table)) == (1, [["A", "B"], ["x", "1"], ["y", "2"]])


def test_two_tables_with_a_blank_line_between_them_stay_two() -> None:
    assert [
        cells(table)[0] for table in tables("| A | B |\n|---|---|\n| x | 1 |\n\n| C | D |\n|---|---|\n| y | 2 |\n")
    ] == [
        ["A", "B"],
        ["C", "D"],
    ]


def test_two_tables_glued_together_are_two() -> None:
    assert len(tables("| A | B |\n|---|---|\n| x | 1 |\n| C | D |\n|---|---|\n| y | 2 |\n")) == 2


@pytest.mark.parametrize(
    "rest", ["| 1.5 | 2.5 | | 3.5 | 4.5 |", "| 1.5 | 2.5 | 3.5 | 4.5 |", "| 1.5 | 2.5 | | 3.5 | 4.5"]
)
def test_a_flattened_table_is_found(rest: str) -> None:
    found = sheet(f"Rates: | FP16 | INT8 | |---|---| {rest}\n")
    (table,) = found.tables()
    assert cells(table) == [["FP16", "INT8"], ["1.5", "2.5"], ["3.5", "4.5"]]
    assert table.headers == 1
    assert table.caption.text == "Rates:"
    assert found.text[table.rows[1].start : table.rows[1].end].strip("| ") == "1.5 | 2.5"


def test_what_follows_a_flattened_table_is_prose() -> None:
    (table,) = tables("| A | B | |---|---| | 1 | 2 | | 3 | 4 | By us | on one H100 | today |\n")
    assert cells(table)[1:] == [["1", "2"], ["3", "4"]]
    assert prose("| A | B | |---|---| | 1 | 2 | Measured by us.\n") == [("paragraph", "Measured by us.")]


def test_a_bold_row_below_empty_headers_is_a_header() -> None:
    (table,) = tables("| | | |\n|---|---|---|\n| **Model** | **MMLU** | **Loss** |\n| A | 70.1 | 0.1 |\n")
    assert table.headers == 2
    (table,) = tables("| | |\n|---|---|\n| Weights | INT8 |\n| Group size | 128 |\n| Batch | 8 |\n")
    assert table.headers == 1


def test_the_name_of_a_group_stands_above_all_its_columns() -> None:
    (table,) = tables(
        "| | BF16 | | FP8 (TP1) | | |\n|---|---|---|---|---|---|\n"
        "| Model | Batch | Tokens/sec | Batch | Tokens/sec | TTFT |\n| A | 1 | 20 | 1 | 30 | 4 |\n"
    )
    assert table.headers == 2
    assert cells(table)[0] == ["", "BF16", "BF16", "FP8 (TP1)", "FP8 (TP1)", "FP8 (TP1)"]
    assert table.rows[0].cells[1] is table.rows[0].cells[2]
    assert table.rows[0].cells[3] is table.rows[0].cells[5]


def test_an_empty_header_above_nothing_belongs_to_no_group() -> None:
    (table,) = tables("| Model | FP8 | |\n|---|---|---|\n| A | 1.5 | 2.5 |\n| B | 3.5 | 4.5 |\n")
    assert (table.headers, cells(table)[0]) == (1, ["Model", "FP8", ""])


def test_a_row_of_units_is_a_header_and_a_row_of_words_is_a_row() -> None:
    (table,) = tables("| Model | Rate | Latency |\n|---|---|---|\n| | tokens/s | ms |\n| A | 20 | 3 |\n")
    assert table.headers == 2
    (table,) = tables("| Model | Method | Rate |\n|---|---|---|\n| A | GPTQ | n/a |\n| B | AWQ | 3 |\n")
    assert table.headers == 1


def test_a_row_of_properties_is_no_header() -> None:
    (table,) = tables("| Property | Value |\n|---|---|\n| Quantization | INT8 |\n| Group size | 128 |\n| Batch | 8 |\n")
    assert table.headers == 1


def test_numbers_above_a_rule_are_results_of_a_cut_table() -> None:
    (table,) = tables("| A | 10.5 | 21.5 |\n|---|---|---|\n| B | 5.5 | 9.5 |\n")
    assert table.headers == 0
    (table,) = tables("| Batch | 1 | 8 |\n|---|---|---|\n| B | 5.5 | 9.5 |\n")
    assert table.headers == 1


def test_a_row_of_dashes_below_the_rule_promises_and_says_nothing() -> None:
    (table,) = tables("| Model | Rate |\n|---|---|\n| A | - |\n| B | --- |\n")
    assert cells(table)[1:] == [["A", "-"], ["B", "---"]]


def test_dashes_below_the_rule_are_a_row_even_without_a_name() -> None:
    (table,) = tables("| Model | FP16 | INT8 |\n|---|---|---|\n| A | 1 | 2 |\n| | - | - |\n")
    assert cells(table)[2] == ["", "-", "-"]


def test_without_outer_bars_the_first_cell_may_be_empty() -> None:
    (table,) = tables("Model | FP16 | INT8\n---|---|---\nA | 1.5 | 2.5\n | 3.5 | 4.5\n")
    assert cells(table)[1:] == [["A", "1.5", "2.5"], ["", "3.5", "4.5"]]


def test_a_name_with_nothing_below_it_is_the_first_column_s_own() -> None:
    (table,) = tables("| Model | | |\n|---|---|---|\n| | BF16 | FP8 |\n| A | 1.5 | 2.5 |\n| B | 3.5 | 4.5 |\n")
    assert table.headers == 2
    assert cells(table)[0] == ["Model", "", ""]


def test_batch_sizes_below_their_name_are_headers_and_results_are_not() -> None:
    head = "| Device | Batch size | | |\n|---|---|---|---|\n"
    (table,) = tables(f"{head}| | 1 | 8 | 32 |\n| Orin | 10 | 20 | 30 |\n")
    assert table.headers == 2
    (table,) = tables(f"{head}| | 11 | 81 | 32 |\n| Orin | 10 | 20 | 30 |\n")
    assert table.headers == 1


def test_the_name_of_a_section_is_a_row_as_wide_as_the_table() -> None:
    (table,) = tables(
        "| Benchmark | BF16 | W4A16 |\n|---|---|---|\n| **Reasoning** |\n| MMLU (5-shot) | 68.3 | 67.0 |\n"
    )
    assert (table.headers, cells(table)[1]) == (1, ["Reasoning", "", ""])


def test_captions_come_from_above() -> None:
    for above, expected in [
        ("**Accuracy**", "Accuracy"),
        ("Table 3: accuracy of INT8", "Table 3: accuracy of INT8"),
        ("The rates on one H100:", "The rates on one H100:"),
    ]:
        (block, table) = sheet(f"{above}\n\n| A | B |\n|---|---|\n| x | 1 |\n").blocks
        assert isinstance(block, Prose)
        assert isinstance(table, Table)
        assert (block.kind, table.caption.text) == ("caption", expected)
    (block, table) = sheet("We measured it.\n\n| A | B |\n|---|---|\n| x | 1 |\n").blocks
    assert isinstance(block, Prose)
    assert isinstance(table, Table)
    assert (block.kind, table.caption.text) == ("paragraph", "")


TABLE = "| Model | Rate |\n|---|---|\n| A[^1] | 1.5* |\n| B [2] | 2.5 |\n\n"


@pytest.mark.parametrize(
    ("below", "mark", "words"),
    [
        ("[^1]: With GPTQ.", "1", "With GPTQ."),
        ("[2]: The accuracy of FP32.", "2", "The accuracy of FP32."),
        ("(*) by us", "*", "by us"),
        ("\\* by us", "*", "by us"),
        ("* by us", "*", "by us"),
        ('_<a name="note-2">[2]</a>: by us_', "2", "by us"),
        ("<sup>2</sup> Measured by us.", "2", "Measured by us."),
    ],
)
def test_a_footnote_belongs_to_its_table(below: str, mark: str, words: str) -> None:
    found = sheet(f"{TABLE}{below}\n")
    (table,) = found.tables()
    assert [(note.kind, note.mark, note.text.text) for note in table.notes] == [("footnote", mark, words)]
    assert found.blocks[-1] == table.notes[0]


def test_footnotes_on_lines_of_one_paragraph_are_several() -> None:
    (table,) = tables(f"{TABLE}[^1]: One\ngoes on.\n[2]: Two.\n")
    assert [(note.mark, note.text.text) for note in table.notes] == [("1", "One goes on."), ("2", "Two.")]


def test_a_footnote_far_below_belongs_to_the_table_that_carries_its_mark() -> None:
    found = sheet(f"{TABLE}# Other\n\nWords.\n\n[^1]: Far below.\n")
    (table,) = found.tables()
    assert [note.text.text for note in table.notes] == ["Far below."]


def test_a_link_definition_is_not_shown_and_makes_links() -> None:
    assert prose("See [the card][1] and [2].\n\n[1]: https://example.com\n") == [("paragraph", "See the card and [2].")]


def test_a_list_below_a_table_is_no_footnote() -> None:
    (table,) = tables("| A | B |\n|---|---|\n| x | 1 |\n\n* buy it\n* use it\n")
    assert table.notes == ()


def test_a_table_in_a_block_without_language_is_a_table() -> None:
    found = sheet("```\n|Tasks|Value|\n|-----|----:|\n|mmlu |0.70 |\ndone\n```\n").blocks
    assert [type(block) for block in found] == [Table, Code]
    found = sheet("```python\nx = a | b\n```\n").blocks
    assert [type(block) for block in found] == [Code]


def test_a_rule_below_a_table_makes_no_heading_of_it() -> None:
    assert len(tables("| A | B |\n|---|---|\n| x | 1 |\n---\n")) == 1
    assert isinstance(sheet("Title\n---\n").blocks[0], Heading)


def test_lines_of_keys_and_values_are_apart() -> None:
    assert prose("Model: A\nPrecision: FP8\nBatch: 8\n") == [
        ("paragraph", "Model: A"),
        ("paragraph", "Precision: FP8"),
        ("paragraph", "Batch: 8"),
    ]


def test_html_tables_end_at_their_tag_and_comments_are_unseen() -> None:
    found = sheet(
        "<!-- 3.5x -->\n\n<table>\n<tr><th>M</th><th>G</th></tr>\n\n"
        "<tr><td>A</td>\n\n<td>2.0x</td></tr>\n</table>\n\nAfter.\n"
    )
    assert [type(block) for block in found.blocks] == [Table, Prose]
    assert cells(next(found.tables())) == [["M", "G"], ["A", "2.0x"]]


def test_a_pipe_table_directly_below_a_tag_is_a_table() -> None:
    (table,) = tables("<div>\n| A | B |\n|---|---|\n| x | 1.5 |\n</div>\n")
    assert cells(table) == [["A", "B"], ["x", "1.5"]]


def test_a_table_in_a_quote_or_a_list_has_places() -> None:
    for before in ("> ", "  "):
        source = ("- x\n\n" if before == "  " else "") + "".join(
            f"{before}{line}\n" for line in ("| A | B |", "|---|---|", "| x | 1.5 |")
        )
        found = sheet(source)
        (table,) = found.tables()
        assert source[table.rows[1].start : table.rows[1].end] == "| x | 1.5 |"


def test_what_stands_too_deep_is_noted() -> None:
    assert any("deep" in note for note in sheet("> " * 40 + "x\n").notes)
    assert sheet("> " * 4 + "x\n").notes == ()


def test_the_name_decides() -> None:
    assert importer_for("README.md") is markdown.IMPORTER
    assert importer_for("card.markdown") is markdown.IMPORTER


def test_looking_for_importers_loads_no_parser() -> None:
    names = ", ".join(f"lynxspec.importers.{name}" for name in ("markdown", "csv", "text"))
    code = f"import sys; import {names}; print('markdown_it' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )


@pytest.mark.parametrize(
    "text",
    [
        "\x00ab" * 50000,
        "[" * 100000,
        "> " * 50000,
        "*a " * 40000,
        "`" * 100000 + " ` " * 10000,
        "<table>\n\n" * 3000,
        "| a | 1.5 |\n" * 10000,
        "<!-- " * 20000,
        "a\n" * 20000,
        "|" * 100000,
        "- " * 50000,
        "```\n" * 10000,
    ],
    ids=range(12),
)
def test_a_hostile_text_is_read(text: str) -> None:
    assert sheet(text).text == text


_LINES = st.sampled_from(
    [
        "# Title",
        "words **bold** FP8",
        "| A | B |",
        "|---|---|",
        "| `x|y` | 1.5\\|2 |",
        "> quote _it_",
        "> | q | 1 |",
        "- item",
        "  - nested",
        "",
        "",
        "```",
        "    code",
        "---",
        "===",
        "[^1]: note",
        "[1]: https://example.com",
        "* star",
        "<div>",
        "</div>",
        "<table><tr><td>1</td></tr>",
        "</table>",
        "| a | b | |---|---| | 1 | 2 |",
        "Key: value  ",
        "+---+---+",
        "a: ﬁ ² −1\r",
        "\t tab",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINES | st.text(max_size=12), max_size=25))
def test_every_character_of_every_block_is_tied_to_its_source(lines: list[str]) -> None:
    source = "\n".join(lines)
    found = markdown.parse(source.encode("utf-8", "replace"), "x.md")
    for block in found.blocks:
        for text in texts(block):
            at = list(text.at)
            assert len(text.text) == len(at)
            assert at == sorted(at)
            assert all(0 <= offset < len(found.text) for offset in at)
            for character, offset in zip(text.text, at, strict=True):
                origin = found.text[offset]
                if character in string.ascii_letters and origin in string.printable and origin != "&":
                    assert origin == character
        if isinstance(block, Table):
            assert len({len(row.cells) for row in block.rows}) == 1
            assert all(0 <= row.start <= row.end <= len(found.text) for row in block.rows)


MARKS = ["> ", ">", "- ", "-", "* ", "+\t", "1. ", "12) ", "0.", "---", "- - -", "* **", "_ _ _ ", "===", "= ", "--"]
OTHERS = ["", "  ", "    ", "\t", "a", "| b |", "# c", "#", "```", "~~~", "<p>", "<!--", "\n", "\n"]
LINES = st.lists(st.sampled_from([*MARKS, *OTHERS]), max_size=14)


@given(LINES)
@settings(max_examples=400, deadline=None)
def test_a_rule_that_is_left_out_finds_nothing(lines: list[str]) -> None:
    text = "".join(lines)
    every, wanted = _markdown_tokens._parser(), []
    every.block.parse(text, every, {}, wanted)
    assert block_tokens(text) == wanted


def test_rules_are_left_out_only_where_the_text_has_no_use_for_them() -> None:
    assert {"list", "hr", "lheading"} <= set(_markdown_tokens._idle("# A\n\n| a | b |\n|---|---|\n| 1 | -2 |\n"))
    assert "list" not in _markdown_tokens._idle("a\n> 1) b")
    assert "hr" not in _markdown_tokens._idle("> * * *  ")
    assert "lheading" not in _markdown_tokens._idle("a\n==\n")
