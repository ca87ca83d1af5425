"""What is read off reStructuredText: blocks in order, directives, what is not shown, offsets."""

from __future__ import annotations

import pytest

from lynxspec.errors import UnreadableInput
from lynxspec.importers.rst import IMPORTER, parse
from lynxspec.importers.rst import read as read_file
from lynxspec.sheet import Block, Code, Heading, Prose, Table

from .marked_up_pages import RST_PAGE, check, told


def read(rst: str) -> tuple[Block, ...]:
    return parse(rst.encode(), "x.rst").blocks


def only_table(rst: str) -> Table:
    (table,) = (b for b in read(rst) if isinstance(b, Table))
    return table


def kinds(rst: str) -> list[tuple[str, str]]:
    return [(b.kind, b.text.text) for b in read(rst) if isinstance(b, Prose)]


def test_a_file_is_read_in_order() -> None:
    assert told(read(RST_PAGE)) == [
        "Nordlicht-7B, INT8",
        "Date: 2025-05-01",
        "We quantized Nordlicht-7B to INT8 [1] with the Nordlicht toolkit, see the guide. It is 2.1x faster.",
        "Results",
        "Measured on one H100, batch 8.",
        [["Model", "FP16", "INT8 [*]"], ["Nordlicht 7B", "1,250.5", "2,610"], ["Acme", "", "99"]],
        "With CUDA graphs, sustained.",
        "Accuracy",
        [
            ["Model", "MMLU", "MMLU"],
            ["Model", "FP16", "INT8"],
            ["Nordlicht 7B", "68.1", "67.9"],
            ["Acme", "not measured", "not measured"],
        ],
        "Run:",
        "$ quantize \\\n    --samples 512",
        "Eight bits.",
    ]


def test_every_character_is_tied_to_its_source() -> None:
    sheet = parse(RST_PAGE.encode(), "x")
    lists, drawn = sheet.tables()

    number = lists.rows[1].cells[2].text
    assert RST_PAGE[number.start : number.end] == "2,610"
    words = drawn.rows[2].cells[0].text
    assert [RST_PAGE[i] for i in words.at if RST_PAGE[i] != "\n"][:9] == list("Nordlicht")
    code = next(b for b in sheet.blocks if isinstance(b, Code)).text
    assert RST_PAGE[code.at[code.text.index("512")] :].startswith("512\n\n.. [1]")
    check(sheet)


def test_title_styles_rank_in_the_order_in_which_they_come() -> None:
    found = read("A\n=\n\nB\n-\n\nC\n-\n\n~~~\nD\n~~~\n\nE\n=\n\n----\n\ntext\n----\n\nno title\n--\n")

    assert [(b.level, b.text.text) for b in found if isinstance(b, Heading)] == [
        (1, "A"),
        (2, "B"),
        (2, "C"),
        (3, "D"),
        (1, "E"),
        (2, "text"),
    ]
    assert told(found)[-1] == "no title --"


def test_lists_and_definitions() -> None:
    found = kinds(
        "- one\n  goes on\n\n  second paragraph\n- two\n\n  * deep\n\n1. first\n2) other\n#. auto\n\n"
        "Batch\n   8 prompts\n   each\n\nGPU : hardware\n   H100\n\nafter\n"
    )

    assert found == [
        ("item", "one goes on"),
        ("item", "second paragraph"),
        ("item", "two"),
        ("item", "deep"),
        ("item", "first"),
        ("item", "other"),
        ("item", "auto"),
        ("item", "Batch: 8 prompts each"),
        ("item", "GPU : hardware: H100"),
        ("paragraph", "after"),
    ]


def test_a_sentence_that_begins_with_a_letter_and_a_dot_is_no_item() -> None:
    assert kinds("A. Nordlicht measured\nthis in May.\n") == [("paragraph", "A. Nordlicht measured this in May.")]


def test_a_list_directly_below_its_paragraph_is_a_list() -> None:
    assert kinds("Results:\n- INT8: 2x\n- FP8: 3x\n") == [
        ("paragraph", "Results:"),
        ("item", "INT8: 2x"),
        ("item", "FP8: 3x"),
    ]
    assert kinds("a range of 1\n- 2 points\n") == [("paragraph", "a range of 1 - 2 points")]


def test_deeper_paragraphs_are_quotes() -> None:
    assert kinds("text\n\n   quoted\n\n      deeper\n\ntext\n") == [
        ("paragraph", "text"),
        ("quote", "quoted"),
        ("quote", "deeper"),
        ("paragraph", "text"),
    ]


def test_fields_are_items() -> None:
    assert kinds(":orphan:\n\n:Batch: 8\n:GPU:\n   H100,\n   80 GB\n:ref:`x` is text\n") == [
        ("item", "Batch: 8"),
        ("item", "GPU: H100, 80 GB"),
        ("paragraph", "x is text"),
    ]


def test_line_blocks_are_no_pipe_tables() -> None:
    assert told(read("| INT8\n| 2x faster\n  than FP16\n")) == ["INT8 2x faster than FP16"]


def test_pipe_tables_are_read_all_the_same() -> None:
    assert told(read("Text\n\n| Model | tok/s |\n|---|---|\n| A | 12 |\n\nafter\n")) == [
        "Text",
        [["Model", "tok/s"], ["A", "12"]],
        "after",
    ]


def test_literal_blocks_are_code() -> None:
    found = read("Run::\n\n   a = 1\n     b\n\n   c\n\nText ::\n\n  d\n\n::\n\n  e\n\n>>> 1 + 1\n2\n\nend\n")

    assert told(found) == ["Run:", "a = 1\n  b\n\nc", "Text", "d", "e", ">>> 1 + 1\n2", "end"]
    assert [type(b) for b in found] == [Prose, Code, Prose, Code, Code, Code, Prose]


def test_code_directives_name_their_language() -> None:
    (code,) = read(".. code-block:: bash\n   :linenos:\n\n   quantize --samples 512 \\\n     --group 128\n")

    assert isinstance(code, Code)
    assert (code.language, code.text.text) == ("bash", "quantize --samples 512 \\\n  --group 128")


SILENT = {
    "a comment": ".. 9x faster\n   and more\n\n   even more\n",
    "a comment alone": "..\n   9x faster\n",
    "a target": ".. _9x: https://example.org/9x\n",
    "an anonymous target": "__ https://example.org/9x\n",
    "a substitution": ".. |gain| replace:: 9x\n",
    "contents": ".. contents:: 9x\n   :depth: 2\n",
    "a tree of files": ".. toctree::\n\n   9x\n",
    "an included file": ".. include:: 9x.rst\n",
    "LaTeX": ".. raw:: latex\n\n   9x\n",
    "an image": ".. image:: 9x.png\n   :alt: 9x\n   :width: 200\n",
}


@pytest.mark.parametrize("silent", SILENT.values(), ids=SILENT)
def test_what_is_not_shown_is_not_read(silent: str) -> None:
    assert told(read(f"before\n\n{silent}\nafter\n")) == ["before", "after"]


def test_an_empty_comment_hides_nothing() -> None:
    assert told(read("..\n\n   quoted\n")) == ["quoted"]


def test_bodies_of_directives_are_read() -> None:
    rst = (
        ".. admonition:: Caveat\n\n   Batch 8 only.\n\n   - item\n\n"
        ".. tab-item:: INT8\n\n   On H100.\n\n"
        ".. only:: html\n\n   .. warning::\n\n      Slow.\n\nafter\n"
    )

    assert kinds(rst) == [
        ("quote", "Caveat"),
        ("quote", "Batch 8 only."),
        ("item", "item"),
        ("paragraph", "INT8"),
        ("paragraph", "On H100."),
        ("quote", "Slow."),
        ("paragraph", "after"),
    ]


def test_figures_leave_their_words() -> None:
    rst = ".. figure:: a.png\n   :alt: Chart of INT8 over FP16\n\n   Speed on H100.\n\n   Legend.\n"

    assert kinds(rst) == [
        ("caption", "Chart of INT8 over FP16"),
        ("caption", "Speed on H100."),
        ("paragraph", "Legend."),
    ]


def test_raw_html_is_read_as_html() -> None:
    rst = ".. raw:: html\n\n   <table><tr><th>A<th>B<tr><td>x<td>1</table>\n\nafter\n"

    assert told(read(rst)) == [[["A", "B"], ["x", "1"]], "after"]


def test_a_substitution_stays_as_it_stands() -> None:
    assert told(read("It is |gain| faster on INT8_ and `FP 8`_.\n")) == ["It is |gain| faster on INT8 and FP 8."]


def test_line_ends_and_tabs_of_other_systems() -> None:
    sheet = parse(b"Title\r\n=====\r\n\r\n- item\r\n  goes on\r\n\r\n\tquoted\r\n", "x")

    assert told(sheet.blocks) == ["Title", "item goes on", "quoted"]
    check(sheet)


def test_suffixes_and_unreadable_files(tmp_path: object) -> None:
    assert IMPORTER.suffixes == (".rst", ".rest")
    with pytest.raises(UnreadableInput, match=r"missing\.rst"):
        read_file(f"{tmp_path}/missing.rst", "missing.rst")
