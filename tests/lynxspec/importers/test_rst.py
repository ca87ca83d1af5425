"""What is read off reStructuredText: blocks, drawn and listed tables, offsets; and that no file breaks the reader."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lynxspec.errors import UnreadableInput
from lynxspec.importers.rst import IMPORTER, parse
from lynxspec.importers.rst import read as read_file
from lynxspec.sheet import Block, Code, Heading, Prose, Sheet, Table, Text

PAGE = """\
.. _quantization:

==================
Nordlicht-7B, INT8
==================

:Date: 2025-05-01

We quantized ``Nordlicht-7B`` to **INT8** [1]_ with the `Nordlicht toolkit <https://example.org/t>`_, see
:ref:`the guide <guide>`. It is 2.1x faster.

.. 99x faster

Results
=======

.. note:: Measured on one H100,
   batch 8.

.. list-table:: Throughput
   in tokens/s
   :header-rows: 1
   :widths: 2 1 1

   * - Model
     - FP16
     - INT8 [*]_
   * - | Nordlicht
       | 7B
     - 1,250.5
     - 2,610
   * - Acme
     -
     - 99

.. [*] With CUDA graphs,
   sustained.

Accuracy
--------

+-----------+---------------+
| Model     | MMLU          |
|           +-------+-------+
|           | FP16  | INT8  |
+===========+=======+=======+
| Nordlicht | 68.1  | 67.9  |
| 7B        |       |       |
+-----------+-------+-------+
| Acme      | not measured  |
+-----------+---------------+

Run::

   $ quantize \\
       --samples 512

.. [1] Eight bits.
"""


def grid(block: Block) -> list[list[str]]:
    assert isinstance(block, Table)
    return [[cell.text.text for cell in row.cells] for row in block.rows]


def told(found: tuple[Block, ...]) -> list[object]:
    """Blocks in a form that can be written down."""
    return [grid(b) if isinstance(b, Table) else b.text.text for b in found]


def read(rst: str) -> tuple[Block, ...]:
    return parse(rst.encode(), "x.rst").blocks


def only_table(rst: str) -> Table:
    (table,) = (b for b in read(rst) if isinstance(b, Table))
    return table


def kinds(rst: str) -> list[tuple[str, str]]:
    return [(b.kind, b.text.text) for b in read(rst) if isinstance(b, Prose)]


def all_texts(found: tuple[Block, ...]) -> Iterator[Text]:
    for block in found:
        if isinstance(block, Table):
            yield block.caption
            yield from (note.text for note in block.notes)
            yield from (cell.text for row in block.rows for cell in row.cells)
        else:
            yield block.text


def check(sheet: Sheet) -> None:
    """What holds for every sheet, however broken its source."""
    for text in all_texts(sheet.blocks):
        offsets = list(text.at)
        assert len(offsets) == len(text.text)
        assert offsets == sorted(offsets)
        assert not offsets or (offsets[0] >= 0 and offsets[-1] < len(sheet.text))
    for table in sheet.tables():
        assert len({len(row.cells) for row in table.rows}) == 1
        assert 0 <= table.headers <= len(table.rows)
        assert all(0 <= row.start <= row.end <= len(sheet.text) for row in table.rows)


def test_a_file_is_read_in_order() -> None:
    assert told(read(PAGE)) == [
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
    sheet = parse(PAGE.encode(), "x")
    lists, drawn = sheet.tables()

    number = lists.rows[1].cells[2].text
    assert PAGE[number.start : number.end] == "2,610"
    words = drawn.rows[2].cells[0].text
    assert [PAGE[i] for i in words.at if PAGE[i] != "\n"][:9] == list("Nordlicht")
    code = next(b for b in sheet.blocks if isinstance(b, Code)).text
    assert PAGE[code.at[code.text.index("512")] :].startswith("512\n\n.. [1]")
    check(sheet)


def test_rows_know_where_they_stand() -> None:
    lists, drawn = parse(PAGE.encode(), "x").tables()

    row = lists.rows[1]
    assert PAGE[row.start : row.end] == "* - | Nordlicht\n       | 7B\n     - 1,250.5\n     - 2,610"
    row = drawn.rows[2]
    assert PAGE[row.start : row.end] == "| Nordlicht | 68.1  | 67.9  |\n| 7B        |       |       |"


def test_captions_headers_and_spans_are_kept() -> None:
    lists, drawn = parse(PAGE.encode(), "x").tables()

    assert (lists.caption.text, lists.headers) == ("Throughput in tokens/s", 1)
    assert drawn.headers == 2
    assert drawn.rows[0].cells[0] is drawn.rows[1].cells[0]
    assert drawn.rows[0].cells[1] is drawn.rows[0].cells[2]
    assert drawn.rows[3].cells[1] is drawn.rows[3].cells[2]


def test_a_footnote_behind_a_table_belongs_to_it() -> None:
    lists, drawn = parse(PAGE.encode(), "x").tables()

    assert [(note.mark, note.text.text) for note in lists.notes] == [("*", "With CUDA graphs, sustained.")]
    assert drawn.notes == ()


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


def test_a_listed_table_may_have_anything_in_its_cells() -> None:
    rst = (
        ".. list-table::\n   :header-rows: 1\n   :stub-columns: 1\n\n"
        "   * - Model\n     - Result\n"
        "   *\n     - A\n     - - 12 ms\n       - 13 ms\n"
        "   * - B\n     - .. image:: x.png\n          :width: 10\n       text\n"
        "   * - C\n     - \\\n"
    )
    table = only_table(rst)

    assert grid(table) == [["Model", "Result"], ["A", "12 ms 13 ms"], ["B", "text"], ["C", ""]]
    assert [[cell.header for cell in row.cells] for row in table.rows[:2]] == [[True, True], [True, False]]


def test_flat_tables_span() -> None:
    rst = (
        ".. flat-table::\n   :header-rows: 1\n\n   * - :rspan:`1` Model\n     - :cspan:`1` tok/s\n"
        "   * - FP16\n     - INT8\n   * - A\n     - 1\n     - 2\n"
    )

    assert grid(only_table(rst)) == [["Model", "tok/s", "tok/s"], ["Model", "FP16", "INT8"], ["A", "1", "2"]]


def test_comma_separated_values() -> None:
    rst = (
        '.. csv-table:: Speed\n   :header: Model, "tok/s, INT8"\n   :widths: 1, 2\n\n'
        '   "A, large", 12\n   "say ""B""\n   again",   13\n\n   C\n'
    )
    table = only_table(rst)

    assert grid(table) == [["Model", "tok/s, INT8"], ["A, large", "12"], ['say "B" again', "13"], ["C", ""]]
    assert (table.headers, table.caption.text) == (1, "Speed")
    row = table.rows[1]
    assert rst[row.start : row.end].strip() == '"A, large", 12'


def test_values_in_another_file_are_noted() -> None:
    sheet = parse(b".. csv-table:: Speed\n   :file: speed.csv\n   :header-rows: 1\n\nafter\n", "x")

    assert told(sheet.blocks) == ["after"]
    assert sheet.notes == ("a table stands in another file, which was not read",)


def test_the_caption_of_a_drawn_table() -> None:
    table = only_table(
        ".. table:: Speed of\n   INT8\n   :widths: auto\n\n"
        "   ===== =====\n   Model tok/s\n   ===== =====\n   A     12\n   ===== =====\n"
    )

    assert (table.caption.text, table.headers, grid(table)) == ("Speed of INT8", 1, [["Model", "tok/s"], ["A", "12"]])


GRIDS = {
    # the example of the docutils specification, section "Grid Tables"
    "of the specification": (
        """
+------------------------+------------+----------+----------+
| Header row, column 1   | Header 2   | Header 3 | Header 4 |
| (header rows optional) |            |          |          |
+========================+============+==========+==========+
| body row 1, column 1   | column 2   | column 3 | column 4 |
+------------------------+------------+----------+----------+
| body row 2             | Cells may span columns.          |
+------------------------+------------+---------------------+
| body row 3             | Cells may  | - Table cells       |
+------------------------+ span rows. | - contain           |
| body row 4             |            | - body elements.    |
+------------------------+------------+---------------------+
""",
        [
            ["Header row, column 1 (header rows optional)", "Header 2", "Header 3", "Header 4"],
            ["body row 1, column 1", "column 2", "column 3", "column 4"],
            ["body row 2", *["Cells may span columns."] * 3],
            ["body row 3", "Cells may span rows.", *["Table cells contain body elements."] * 2],
            ["body row 4", "Cells may span rows.", *["Table cells contain body elements."] * 2],
        ],
        1,
    ),
    "without headers": ("+---+---+\n| a | 1 |\n+---+---+\n| b | 2 |\n+---+---+\n", [["a", "1"], ["b", "2"]], 0),
    "wide characters": (
        "+------+------+\n| 模型 | 速度 |\n+======+======+\n| 甲   | 12   |\n+------+------+\n",
        [["模型", "速度"], ["甲", "12"]],
        1,
    ),
    "wide characters that count as one": (
        "+----+----+\n| 模型 | 速度 |\n+====+====+\n| 甲  | 12 |\n+----+----+\n",
        [["模型", "速度"], ["甲", "12"]],
        1,
    ),
    "wide characters beside a rule": (
        "+------+------+\n| 模型 | FP16 |\n| 型号 +------+\n| 大   | INT8 |\n+------+------+\n",
        [["模型 型号 大", "FP16"], ["模型 型号 大", "INT8"]],
        None,
    ),
    "bars out of line": (
        "+-----+-----+\n| a | b |\n+=====+=====+\n| INT8 | 12.5 |\n+-----+-----+\n",
        [["a", "b"], ["INT8", "12.5"]],
        1,
    ),
    "drawn with boxes": (
        "┌───┬───┐\n│ a │ b │\n├───┼───┤\n│ c │ 1 │\n└───┴───┘\n",
        [["a", "b"], ["c", "1"]],
        None,
    ),
    "cut in a row": ("+---+---+\n| a | b |\n+===+===+\n| c | 1", [["a", "b"], ["c", "1"]], 1),
    "cut in a rule": ("+---+---+\n| a | b |\n+===+===+\n| c | 1 |\n+--", [["a", "b"], ["c", "1"]], 1),
    "cut in the headers": ("+---+---+\n| a | b", [["a", "b"]], 0),
    "with bars in a text": (
        "+---+-----+\n| a | x|y |\n+---+-----+\n| b | y   |\n+---+-----+\n",
        [["a", "x|y"], ["b", "y"]],
        0,
    ),
}


@pytest.mark.parametrize(("rst", "rows", "headers"), GRIDS.values(), ids=GRIDS)
def test_grid_tables(rst: str, rows: list[list[str]], headers: int | None) -> None:
    table = only_table(f"before\n\n{rst}")

    assert grid(table) == rows
    assert headers is None or table.headers == headers


SIMPLE = {
    # the examples of the docutils specification, section "Simple Tables"
    "of the specification": (
        """
=====  =====  ======
   Inputs     Output
------------  ------
  A      B    A or B
=====  =====  ======
False  False  False
True   False  True
=====  =====  ======
""",
        [
            ["Inputs", "Inputs", "Output"],
            ["A", "B", "A or B"],
            ["False", "False", "False"],
            ["True", "False", "True"],
        ],
        2,
    ),
    "rows of several lines": (
        """
=====  =====
col 1  col 2
=====  =====
1      Second column of row 1.
2      Second column of row 2.
       Second line of paragraph.
3      - Second column of row 3.

       - Second item in bullet
         list (row 3, column 2).
\\      Row 4; column 1 will be empty.
=====  =====
""",
        [
            ["col 1", "col 2"],
            ["1", "Second column of row 1."],
            ["2", "Second column of row 2. Second line of paragraph."],
            ["3", "Second column of row 3. Second item in bullet list (row 3, column 2)."],
            ["", "Row 4; column 1 will be empty."],
        ],
        1,
    ),
    "without headers": ("== ==\na  1\nb  2\n== ==\n", [["a", "1"], ["b", "2"]], 0),
    "headers out of line": (
        "===== ===== =====\n         FP16   INT8\n===== ===== =====\nA     1.5   2\n===== ===== =====\n",
        [["", "FP16", "INT8"], ["A", "1.5", "2"]],
        1,
    ),
    "cut": ("== ===\na  b\n== ===\nx  1\ny  2", [["a", "b"], ["x", "1"], ["y", "2"]], 1),
    "cut between blank lines": ("== ===\na  b\n== ===\nx  1\n\ny  2\n", [["a", "b"], ["x", "1"], ["y", "2"]], 1),
    "words that span by a line below them": (
        "=====  =====\nAll  results\n------------\nA      B\n=====  =====\nx      1\n=====  =====\n",
        [["All results", "All results"], ["A", "B"], ["x", "1"]],
        2,
    ),
    "indented": ("  == ==\n  a  b\n  == ==\n  x  1\n  == ==\n", [["a", "b"], ["x", "1"]], 1),
}


@pytest.mark.parametrize(("rst", "rows", "headers"), SIMPLE.values(), ids=SIMPLE)
def test_simple_tables(rst: str, rows: list[list[str]], headers: int) -> None:
    table = only_table(f"before\n\n{rst}")

    assert grid(table) == rows
    assert table.headers == headers


def test_a_simple_table_without_an_end_leaves_the_rest_alone() -> None:
    assert told(read("== ==\na  b\n== ==\nx  1\n\nText that goes on.\n")) == [
        [["a", "b"], ["x", "1"]],
        "Text that goes on.",
    ]


def test_a_listed_table_may_be_cut() -> None:
    assert grid(
        only_table(".. list-table::\n   :header-rows: 1\n\n   * - A\n     - B\n   * - x\n     - 1\n   * - y")
    ) == [
        ["A", "B"],
        ["x", "1"],
        ["y", ""],
    ]


def test_line_ends_and_tabs_of_other_systems() -> None:
    sheet = parse(b"Title\r\n=====\r\n\r\n- item\r\n  goes on\r\n\r\n\tquoted\r\n", "x")

    assert told(sheet.blocks) == ["Title", "item goes on", "quoted"]
    check(sheet)


def test_suffixes_and_unreadable_files(tmp_path: object) -> None:
    assert IMPORTER.suffixes == (".rst", ".rest")
    with pytest.raises(UnreadableInput, match=r"missing\.rst"):
        read_file(f"{tmp_path}/missing.rst", "missing.rst")


BOMBS = {
    "nested lists": b"".join(b" " * i + b"- x\n" for i in range(1500)),
    "lists on one line": b"- " * 500_000,
    "nested directives": b"".join(b" " * i + b".. note::\n\n" for i in range(1500)),
    "boxes": (b"+" + b"--+" * 2000 + b"\n|" + b"  |" * 2000 + b"\n") * 30,
    "rules": b"+--+\n" * 50_000,
    "borders": b"== ==\n" * 50_000,
    "tables without end": b"".join(b"=" * i + b" ==\nx\n\n" for i in range(2, 1200)),
    "adornments": b"====\n" * 50_000,
    "titles": b"x\n=\n" * 20_000,
    "fields": b":a: x\n" * 30_000,
    "footnotes": b".. [1] x\n" * 30_000,
    "one long line": b"word " * 1_000_000,
    "one long row": b".. list-table::\n\n   * - " + b"- " * 500_000,
    "commas": b".. csv-table::\n\n   " + b"," * 300_000,
    "quotes": b".. csv-table::\n\n   " + b'"' * 1_000_001,
    "open quotes": b".. csv-table::\n\n" + b'   "a\n' * 30_000,
    "terms": b"a\n b\n" * 20_000,
    "marks": b"`" * 300_000 + b"*a _b_ |" * 100_000,
    "bars": b"|" * 1_000_000,
    "blank lines": b"\n" * 5_000_000,
    "zeros": b"\0" * 1_000_000,
    "noise": bytes(range(256)) * 4_000,
}


@pytest.mark.parametrize("page", BOMBS.values(), ids=BOMBS)
def test_no_file_is_too_much(page: bytes) -> None:
    """What took time in proportion to the square of its size would never end."""
    check(parse(page, "x.rst"))


def test_what_was_left_out_is_noted() -> None:
    rows = "".join(f"   * - {i}\n     - :cspan:`998` x\n" for i in range(250))
    sheet = parse(f".. flat-table::\n\n{rows}".encode(), "x")

    assert sheet.notes == ("50 rows of a table were left out; it is too large",)
    assert [len(table.rows) for table in sheet.tables()] == [200]


@given(st.integers(0, len(PAGE)))
@settings(max_examples=60, deadline=None)
def test_a_file_may_end_anywhere(end: int) -> None:
    check(parse(PAGE[:end].encode(), "x"))


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_damaged_files_are_read(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(PAGE.encode())
    for _ in range(rng.randint(1, 40)):
        where = rng.randrange(len(data))
        choice = rng.random()
        if choice < 0.4:
            data[where] = rng.randrange(256)
        elif choice < 0.7:
            del data[where : where + rng.randint(1, 30)]
        else:
            other = rng.randrange(len(data))
            data[where:where] = data[other : other + rng.randint(1, 60)]
    check(parse(bytes(data), "x"))


@given(st.text(alphabet="+-=| \n.:*`_a1[]\\#\t模", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_characters_are_a_file(text: str) -> None:
    check(parse(text.encode(), "x"))
    check(parse(f".. list-table::\n\n   * - {text}".encode(), "x"))
