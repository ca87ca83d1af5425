"""Tables of web pages: headers, spans, notes, tables in tables and tables that only arrange."""

from __future__ import annotations

import pytest

from lynxspec.importers.html import parse
from lynxspec.sheet import Block, Prose, Table

from .marked_up_pages import HTML_PAGE, grid, told


def read(html: str) -> tuple[Block, ...]:
    return parse(html.encode(), "x.html").blocks


def only_table(html: str) -> Table:
    (table,) = (b for b in read(html) if isinstance(b, Table))
    return table


def test_a_span_is_the_same_cell_wherever_it_stands() -> None:
    table = next(parse(HTML_PAGE.encode(), "x").tables())

    assert table.rows[0].cells[0] is table.rows[1].cells[0]
    assert table.rows[0].cells[1] is table.rows[0].cells[2]
    assert table.rows[2].cells[0] is table.rows[3].cells[0]
    assert table.headers == 2
    assert table.caption.text == "Throughput on one H100"
    assert [row.cells[0].header for row in table.rows] == [True, True, False, False]


def test_rows_know_where_they_stand() -> None:
    sheet = parse(HTML_PAGE.encode(), "x")
    row = next(sheet.tables()).rows[3]

    assert HTML_PAGE[row.start : row.end] == "<tr><td>1,301</td><td>2,700*</td></tr>"


def test_footnotes_behind_a_table_belong_to_it() -> None:
    sheet = parse(HTML_PAGE.encode(), "x")
    table = next(sheet.tables())

    assert [(note.mark, note.text.text) for note in table.notes] == [
        ("*", "with CUDA graphs"),
        ("2", "Batch 8, sustained over 600 s"),
    ]
    notes = [b for b in sheet.blocks if isinstance(b, Prose) and b.kind == "footnote"]
    assert [note.mark for note in notes] == ["*", "2", "1"]


def test_a_numbered_paragraph_without_a_mark_in_the_table_is_no_footnote() -> None:
    html = "<table><tr><th>Model<th>tok/s<tr><td>A<td>12</table><p>2. We then measured again</p>"

    table, paragraph = read(html)

    assert isinstance(table, Table)
    assert table.notes == ()
    assert isinstance(paragraph, Prose)
    assert (paragraph.kind, paragraph.text.text) == ("paragraph", "2. We then measured again")


def test_a_list_of_notes_is_matched_by_its_numbers() -> None:
    rows = "<tr><th>Model<th>tok/s<tr><td>A<sup>1</sup><td>12<sup>2</sup>"
    html = f"<table>{rows}</table><ol><li>measured by us<li>batch 1</ol>"

    assert [(n.mark, n.text.text) for n in only_table(html).notes] == [("1", "measured by us"), ("2", "batch 1")]


def test_a_note_far_below_belongs_to_the_table_that_carries_its_mark() -> None:
    html = (
        "<table><tr><th>Model<th>tok/s<tr><td>A<td>12<sup>3</sup></table><p>Text.</p><h2>More</h2>"
        "<p><sup>3</sup>At batch 64.</p><p><sup>4</sup>Not of the table.</p>"
    )

    assert [n.text.text for n in only_table(html).notes] == ["At batch 64."]


def test_a_label_beside_a_footnote_is_its_mark() -> None:
    html = (
        "<table><tr><th>Model<th>tok/s<tr><td>A<td>12<sup>1</sup></table><p>Text.</p>"
        '<aside class="footnote" role="doc-footnote"><span class="label"><span>[</span><a role="doc-backlink">1</a>'
        "<span>]</span></span><p>At batch 64.</p></aside>"
    )
    old = '<table class="docutils footnote"><tr><td class="label"><a class="fn-backref">[1]</a><td>At batch 64.</table>'

    assert [(n.mark, n.text.text) for n in only_table(html).notes] == [("1", "At batch 64.")]
    assert [(b.kind, b.mark, b.text.text) for b in read(old) if isinstance(b, Prose)] == [
        ("footnote", "1", "At batch 64.")
    ]


def test_a_mark_that_two_notes_have_is_no_tie() -> None:
    html = (
        "<table><tr><th>Model<th>tok/s<tr><td>A<td>12<sup>3</sup></table><p>Text.</p>"
        "<p><sup>3</sup>At batch 64.</p><h2>More</h2><p><sup>3</sup>At batch 1.</p>"
    )

    assert only_table(html).notes == ()


def test_the_foot_of_a_table_needs_no_mark() -> None:
    table = only_table("<table><tr><th>A<th>B<tr><td>x<td>1<tfoot><tr><td colspan=2>Measured in May</tfoot></table>")

    assert (len(table.rows), [(n.mark, n.text.text) for n in table.notes]) == (2, [("", "Measured in May")])


def test_a_section_of_footnotes_gives_its_numbers() -> None:
    html = (
        '<table><tr><th>Model<th>tok/s<tr><td>A<td>12<sup><a href="#fn1">[1]</a></sup></table><p>Text.</p>'
        '<section class="footnotes"><ol><li id="fn1"><p>At batch 64. <a class="footnote-backref">↩</a></p></ol>'
    )

    assert [(n.mark, n.text.text) for n in only_table(html).notes] == [("1", "At batch 64.")]


def test_an_image_in_an_empty_cell_speaks_for_it() -> None:
    table = only_table('<table><tr><th>A<th>FP8<tr><td>x<td><img alt="yes"><tr><td>y<td><img alt="no"> 3</table>')

    assert grid(table) == [["A", "FP8"], ["x", "yes"], ["y", "3"]]


def test_the_caption_of_a_figure_names_its_table() -> None:
    (table,) = read(
        "<figure><table><tr><th>A<th>B<tr><td>x<td>1</table><figcaption>Table 1: Speed</figcaption></figure>"
    )

    assert isinstance(table, Table)
    assert table.caption.text == "Table 1: Speed"


HEADERS = {
    "thead": ("<thead><tr><td>A<td>B</thead><tr><td>x<td>y", 1),
    "th": ("<tr><th>A<th>B<tr><td>x<td>y", 1),
    "two rows of th": ("<tr><th>A<th colspan=2>B<tr><th><th>p<th>q<tr><td>x<td>1<td>2", 2),
    "bold": ("<tr><td><b>A</b><td><strong>B</strong><tr><td>x<td>y", 1),
    "bgcolor": ("<tr bgcolor=#ccc><td>A<td>B<tr><td>x<td>y", 1),
    "style": ("<tr><td style='background:#ccc'>A<td style='background:#ccc'>B<tr><td>x<td>y", 1),
    "words over numbers": ("<tr><td>Model<td>FP16<td>INT8<tr><td>x<td>1.5<td>2.5<tr><td>y<td>3<td>4", 1),
    "words over words": ("<tr><td>Weights<td>INT8<td>a<tr><td>Activations<td>FP16<td>b", 0),
    "numbers over numbers": ("<tr><td>1<td>2<tr><td>3<td>4", 0),
    "all bold": ("<tr><td><b>A</b><td><b>B</b><tr><td><b>x</b><td><b>y</b>", 0),
    "headers of rows over numbers": ("<tr><th>Model<td>A<tr><th>Batch<td>8<tr><th>Speed<td>12", 0),
    "headers of rows": ("<tr><th>Batch<td>a<tr><th>GPU<td>b", 0),
    "zebra": ("<tr bgcolor=#eee><td>a<td>1<tr><td>b<td>2<tr bgcolor=#eee><td>c<td>3", 0),
    "a title row": ("<tr><th colspan=2>Results<tr><td><b>Model</b><td><b>tok/s</b><tr><td>x<td>12", 2),
    "an empty head": ("<thead><tr><th><th></thead><tr><td>Model<td>tok/s<tr><td>x<td>12", 1),
    "all head": ("<thead><tr><th>A<th>B<tr><td>x<td>1</thead>", 1),
}


@pytest.mark.parametrize(("rows", "expected"), HEADERS.values(), ids=HEADERS)
def test_header_rows_are_told_by_markup_or_else_by_what_they_hold(rows: str, expected: int) -> None:
    assert only_table(f"<table>{rows}</table>").headers == expected


def test_headers_of_rows_are_headers() -> None:
    table = only_table("<table><tr><td><th>FP16<th>INT8<tr><th>A<td>1<td>2</table>")

    assert [[cell.header for cell in row.cells] for row in table.rows] == [[False, True, True], [True, False, False]]


SPANS = {
    "rowspan to the end of the group": (
        "<tbody><tr><td rowspan=0>a<td>1<tr><td>2</tbody><tbody><tr><td>b<td>3</tbody>",
        [["a", "1"], ["a", "2"], ["b", "3"]],
    ),
    "a span that is too long": ("<tr><td rowspan=9>a<td>1<tr><td>2", [["a", "1"], ["a", "2"]]),
    "a span that is too wide": ("<tr><td colspan=100%>a<tr><td>1<td>2", [["a", "a"], ["1", "2"]]),
    "nonsense": ("<tr><td colspan=-3>a<td rowspan=x>1<tr><td>b<td>2", [["a", "1"], ["b", "2"]]),
    "short rows": ("<tr><td>a<td>1<td>x<tr><td>b", [["a", "1", "x"], ["b", "", ""]]),
    "rows between hanging cells": (
        "<tr><td>a<td rowspan=2>m<td>1<tr><td>b<td>2",
        [["a", "m", "1"], ["b", "m", "2"]],
    ),
    "a hole before a hanging cell": (
        "<tr><td>a<td>b<td rowspan=2>c<tr><td>d",
        [["a", "b", "c"], ["d", "", "c"]],
    ),
    "cells without rows": ("<td>a<td>1<tr><td>b<td>2", [["a", "1"], ["b", "2"]]),
    "end tags in disorder": (
        "<tr><td><b>a</td><td>1</b></tr></td><tr><td>b</p></div><td>2</tr>",
        [["a", "1"], ["b", "2"]],
    ),
}


@pytest.mark.parametrize(("rows", "expected"), SPANS.values(), ids=SPANS)
def test_spans_and_broken_rows_give_a_full_grid(rows: str, expected: list[list[str]]) -> None:
    assert grid(only_table(f"<table>{rows}</table>")) == expected


def test_roles_make_a_table() -> None:
    html = (
        '<div role="table"><div role="rowgroup"><div role="row"><span role="columnheader">Model</span>'
        '<span role="columnheader" aria-colspan="2">tok/s</span></div></div>'
        '<div role="row"><div role="rowheader">A</div><div role="cell">1</div><div role="cell">2</div></div></div>after'
    )

    table, after = read(html)

    assert grid(table) == [["Model", "tok/s", "tok/s"], ["A", "1", "2"]]
    assert isinstance(table, Table)
    assert table.headers == 1
    assert table.rows[1].cells[0].header
    assert told((after,)) == ["after"]


def test_a_table_in_a_table_is_one_of_its_own() -> None:
    inner = "<table><tr><th>p<th>q<tr><td>1<td>2</table>"
    found = read(f"<table><tr><th>Model<th>More<tr><td>A<td>see {inner} there<tr><td>B<td>none</table>")

    assert told(found) == [
        [["Model", "More"], ["A", "see there"], ["B", "none"]],
        [["p", "q"], ["1", "2"]],
    ]


def test_text_between_cells_stays_in_order() -> None:
    table = only_table("<table><tr><th>A<th>B<tr><td><table><tr><td>in</td>between</tr></table><td>z</table>")

    assert grid(table) == [["A", "B"], ["in between", "z"]]
    torn = only_table("<table><tr><th>A<th>B<tr><td><dl><dt>p</dt><p>mid</p><dd>8</dl><td>z</table>")
    assert grid(torn)[1] == ["p : mid 8", "z"]


def test_a_table_that_only_arranges_is_no_table() -> None:
    data = "<table><tr><th>p<th>q<tr><td>1<td>2</table>"

    assert told(read(f"<table><tr><td><p>menu<td><h2>Results</h2>{data}</table>")) == [
        "menu",
        "Results",
        [["p", "q"], ["1", "2"]],
    ]
    assert told(read("<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>")) == ["a", "b", "c", "d"]
    assert told(read("<table><tr><td>boxed</table>")) == ["boxed"]
    numbered = "<table><tr><td><pre>1\n2</pre><td><pre>a = 1\nb = 2</pre></table>"
    assert told(read(numbered)) == ["a = 1\nb = 2"]


def test_a_row_across_the_table_in_its_middle_stays_a_row() -> None:
    table = only_table("<table><tr><th>A<th>B<tr><td colspan=2>INT8<tr><td>x<td>1<tr><td colspan=2>* batch 1</table>")

    assert grid(table) == [["A", "B"], ["INT8", "INT8"], ["x", "1"]]
    assert [(note.mark, note.text.text) for note in table.notes] == [("*", "batch 1")]


def test_totals_in_the_foot_are_data() -> None:
    table = only_table("<table><tr><th>A<th>B<tr><td>x<td>1<tfoot><tr><td>mean<td>1</tfoot></table>")

    assert grid(table)[-1] == ["mean", "1"]
