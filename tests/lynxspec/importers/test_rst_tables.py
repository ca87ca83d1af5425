"""Tables of reStructuredText: drawn as grids, between borders, listed, and as comma-separated values."""

from __future__ import annotations

import pytest

from lynxspec.importers.rst import parse
from lynxspec.sheet import Block, Table

from .marked_up_pages import RST_PAGE, grid, told


def read(rst: str) -> tuple[Block, ...]:
    return parse(rst.encode(), "x.rst").blocks


def only_table(rst: str) -> Table:
    (table,) = (b for b in read(rst) if isinstance(b, Table))
    return table


def test_rows_know_where_they_stand() -> None:
    lists, drawn = parse(RST_PAGE.encode(), "x").tables()

    row = lists.rows[1]
    assert RST_PAGE[row.start : row.end] == "* - | Nordlicht\n       | 7B\n     - 1,250.5\n     - 2,610"
    row = drawn.rows[2]
    assert RST_PAGE[row.start : row.end] == "| Nordlicht | 68.1  | 67.9  |\n| 7B        |       |       |"


def test_captions_headers_and_spans_are_kept() -> None:
    lists, drawn = parse(RST_PAGE.encode(), "x").tables()

    assert (lists.caption.text, lists.headers) == ("Throughput in tokens/s", 1)
    assert drawn.headers == 2
    assert drawn.rows[0].cells[0] is drawn.rows[1].cells[0]
    assert drawn.rows[0].cells[1] is drawn.rows[0].cells[2]
    assert drawn.rows[3].cells[1] is drawn.rows[3].cells[2]


def test_a_footnote_behind_a_table_belongs_to_it() -> None:
    lists, drawn = parse(RST_PAGE.encode(), "x").tables()

    assert [(note.mark, note.text.text) for note in lists.notes] == [("*", "With CUDA graphs, sustained.")]
    assert drawn.notes == ()


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
