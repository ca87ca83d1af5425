from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.importers import csv
from lynxspec.importers.importer import importer_for
from lynxspec.sheet import Prose, Sheet, Table


def sheet(text: str, source: str = "results.csv") -> Sheet:
    return csv.parse(text.encode(), source)


def cells(table: Table) -> list[list[str]]:
    return [[cell.text.text for cell in row.cells] for row in table.rows]


def table(text: str) -> Table:
    (found,) = sheet(text).tables()
    return found


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(separator: str) -> None:
    source = "Model,Precision,Rate\nA,FP16,10.5\nA,INT8,21.5\n".replace(",", separator)
    found = table(source)
    assert found.headers == 1
    assert cells(found) == [["Model", "Precision", "Rate"], ["A", "FP16", "10.5"], ["A", "INT8", "21.5"]]


def test_a_decimal_comma_separates_nothing() -> None:
    assert cells(table("Modell;Rate;Verlust\nA;1,5;0,2\nB;2,5;0,3\n"))[1] == ["A", "1,5", "0,2"]


def test_quoted_cells_hold_separators_line_ends_and_quotes() -> None:
    source = 'Model,"Rate, tokens/s",Note\nA,"1,200","says ""fast"""\nB,"2,400","two\nlines"\n'
    found = sheet(source)
    (made,) = found.tables()
    assert cells(made) == [
        ["Model", "Rate, tokens/s", "Note"],
        ["A", "1,200", 'says "fast"'],
        ["B", "2,400", "two lines"],
    ]
    assert source[made.rows[1].start : made.rows[1].end] == 'A,"1,200","says ""fast"""'
    note = made.rows[1].cells[2].text
    assert "".join(source[i] for i in note.at) == note.text


def test_a_stray_quote_does_not_swallow_the_file() -> None:
    assert cells(table('a,b,c\n1,2,3\n5" screen,2,3\n"open,2,3\n4,5,6\n')) == [
        ["a", "b", "c"],
        ["1", "2", "3"],
        ['5" screen', "2", "3"],
        ['"open', "2", "3"],
        ["4", "5", "6"],
    ]


def test_titles_comments_and_notes_are_prose() -> None:
    found = sheet(
        "Rates of Nordlicht\n# by us, on one H100\n\nModel,FP16,INT8\n"
        "A,10.5,21.5\nB,5.5,9.5\nNote: at 25 C, with batch 8.\n"
    )
    assert [(b.kind, b.text.text) for b in found.blocks if isinstance(b, Prose)] == [
        ("paragraph", "Rates of Nordlicht"),
        ("paragraph", "by us, on one H100"),
        ("footnote", "Note: at 25 C, with batch 8."),
    ]
    (made,) = found.tables()
    assert [note.text.text for note in made.notes] == ["Note: at 25 C, with batch 8."]


def test_a_title_in_the_first_cell_names_the_table() -> None:
    made = table("Throughput,,,\n,BF16,,FP8\nModel,Batch,Rate,Rate\nA,1,20,30\nB,8,40,50\n")
    assert made.caption.text == "Throughput"
    assert made.headers == 2
    assert made.rows[0].cells[1] is made.rows[0].cells[2]
    assert cells(made)[0] == ["", "BF16", "BF16", "FP8"]


def test_a_row_with_one_cell_in_the_middle_names_a_group() -> None:
    made = table("Model,Rate,Loss\nA,1.5,0.2\nINT4 models,,\nB,2.5,0.3\n")
    assert cells(made)[2] == ["INT4 models", "", ""]


def test_blank_records_part_tables() -> None:
    for blank in ("", ",,"):
        found = list(sheet(f"a,b,c\nx,1.5,2\ny,2.5,3\n{blank}\nd,e,f\nz,1.5,2\n").tables())
        assert [cells(made)[0] for made in found] == [["a", "b", "c"], ["d", "e", "f"]]
        assert [made.headers for made in found] == [1, 1]


def test_numbers_from_the_first_row_on_have_no_header() -> None:
    assert table("A,10.5,21.5\nB,5.5,9.5\nC,1.5,2.5\n").headers == 0


def test_names_of_types_are_no_numbers() -> None:
    made = table("FP16,Matmult-BF16,int8,24.5\nFP16,Matmult-BF16,int4,30.5\n")
    assert made.headers == 0


def test_tabs_win_in_a_file_of_tabs() -> None:
    (made,) = sheet("a\tb, c\n1\t2, 3\n", "results.tsv").tables()
    assert cells(made) == [["a", "b, c"], ["1", "2, 3"]]


def test_a_short_row_is_filled_and_a_long_one_kept() -> None:
    assert cells(table("a,b,c\n1,2\n1,2,3,4\n5,6,7\n")) == [
        ["a", "b", "c", ""],
        ["1", "2", "", ""],
        ["1", "2", "3", "4"],
        ["5", "6", "7", ""],
    ]


def test_one_overlong_row_does_not_widen_a_hundred_thousand() -> None:
    found = sheet("a,b\n" * 20_000 + "," * 5_000 + "x\n")
    assert sum(len(row.cells) for made in found.tables() for row in made.rows) < 1_000_000


def test_the_name_decides() -> None:
    assert importer_for("results.CSV") is csv.IMPORTER
    assert importer_for("results.tsv") is csv.IMPORTER


@given(st.text(alphabet='ab1.5,;"\n\r\t #é²', max_size=80))
def test_every_cell_is_tied_to_its_source(text: str) -> None:
    found = sheet(text)
    for block in found.blocks:
        each = [c.text for row in block.rows for c in row.cells] if isinstance(block, Table) else [block.text]
        for words in each:
            at = list(words.at)
            assert at == sorted(at)
            assert all(0 <= offset < len(text) for offset in at)
            for character, offset in zip(words.text, at, strict=True):
                assert character not in string.ascii_letters or text[offset] == character
