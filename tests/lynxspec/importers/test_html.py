"""What is read off web pages: blocks, grids, footnotes, offsets; and that no page breaks the reader."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lynxspec.errors import UnreadableInput
from lynxspec.importers.html import IMPORTER, blocks, parse
from lynxspec.importers.html import read as read_page
from lynxspec.sheet import Block, Code, Heading, Prose, Sheet, Table, Text

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Nordlicht 7B INT8 &ndash; Nordlicht</title>
<style>p { color: red }</style><script>var speedup = "9x";</script></head>
<body>
<nav><a href="/">Home</a> <a href="/x">Products</a></nav>
<h1>Nordlicht&#8209;7B, quantized <a class="headerlink" href="#x">¶</a></h1>
<p>We quantized Nordlicht-7B<sup>1</sup> to <b>INT8</b>; it is 2.1&times; faster
   than FP16.<br>Accuracy stays within 1&nbsp;%.</p>
<!-- 99x faster -->
<table border=1>
<caption>Throughput on one H100</caption>
<thead><tr><th rowspan="2">Model</th><th colspan="2">tokens/s</th></tr>
<tr><th>FP16</th><th>INT8</th></tr></thead>
<tbody>
<tr><td rowspan=2>Nordlicht-7B</td><td>1,250.5</td><td>2,610<sup>2</sup></td></tr>
<tr><td>1,301</td><td>2,700*</td></tr>
</tbody>
<tfoot><tr><td colspan="3">* with CUDA graphs</td></tr></tfoot>
</table>
<p>2. Batch 8, sustained over 600 s</p>
<p>Ask us for more.</p>
<ul><li>Calibration: 512 samples<li>Group size: 128</ul>
<pre><code class="language-bash">
$ quantize --samples 512 &amp;&amp; run
</code></pre>
<p><sup>1</sup> Seven billion parameters.</p>
<footer>Copyright Nordlicht</footer>
</body></html>
"""


def grid(block: Block) -> list[list[str]]:
    assert isinstance(block, Table)
    return [[cell.text.text for cell in row.cells] for row in block.rows]


def told(found: tuple[Block, ...]) -> list[object]:
    """Blocks in a form that can be written down."""
    return [grid(b) if isinstance(b, Table) else b.text.text for b in found]


def read(html: str) -> tuple[Block, ...]:
    return parse(html.encode(), "x.html").blocks


def only_table(html: str) -> Table:
    (table,) = (b for b in read(html) if isinstance(b, Table))
    return table


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


def test_a_page_is_read_in_order_without_what_is_not_shown() -> None:
    found = parse(PAGE.encode(), "page.html").blocks

    assert told(found) == [
        "Nordlicht-7B, quantized",
        "We quantized Nordlicht-7B [1] to INT8; it is 2.1× faster than FP16. Accuracy stays within 1 %.",
        [
            ["Model", "tokens/s", "tokens/s"],
            ["Model", "FP16", "INT8"],
            ["Nordlicht-7B", "1,250.5", "2,610 [2]"],
            ["Nordlicht-7B", "1,301", "2,700*"],
        ],
        "with CUDA graphs",
        "Batch 8, sustained over 600 s",
        "Ask us for more.",
        "Calibration: 512 samples",
        "Group size: 128",
        "$ quantize --samples 512 && run",
        "Seven billion parameters.",
    ]


def test_every_character_is_tied_to_its_source() -> None:
    sheet = parse(PAGE.encode(), "page.html")
    paragraph = sheet.blocks[1].text  # type: ignore[union-attr]

    at = paragraph.at[paragraph.text.index("2.1×")]
    assert PAGE[at:].startswith("2.1&times; faster")
    times = paragraph.at[paragraph.text.index("×")]
    assert PAGE[times:].startswith("&times;")
    space = paragraph.at[paragraph.text.index("1 %") + 1]
    assert PAGE[space:].startswith("&nbsp;%")
    span = sheet.span(at, at + 3)
    assert (span.line, PAGE.splitlines()[span.line - 1][span.column - 1 : span.end_column]) == (7, "2.1")
    check(sheet)


def test_a_span_is_the_same_cell_wherever_it_stands() -> None:
    table = next(parse(PAGE.encode(), "x").tables())

    assert table.rows[0].cells[0] is table.rows[1].cells[0]
    assert table.rows[0].cells[1] is table.rows[0].cells[2]
    assert table.rows[2].cells[0] is table.rows[3].cells[0]
    assert table.headers == 2
    assert table.caption.text == "Throughput on one H100"
    assert [row.cells[0].header for row in table.rows] == [True, True, False, False]


def test_rows_know_where_they_stand() -> None:
    sheet = parse(PAGE.encode(), "x")
    row = next(sheet.tables()).rows[3]

    assert PAGE[row.start : row.end] == "<tr><td>1,301</td><td>2,700*</td></tr>"


def test_footnotes_behind_a_table_belong_to_it() -> None:
    sheet = parse(PAGE.encode(), "x")
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


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("45.2<sup>1</sup>", "45.2 [1]"),
        ("45.2<sup>1</sup> ms", "45.2 [1] ms"),
        ("45.2<sup>1</sup>ms", "45.2 [1] ms"),
        ("45.2<sup>1, 2</sup>", "45.2 [1, 2]"),
        ("INT8<sup>a</sup>", "INT8 [a]"),
        ("2.1x<sup>*</sup>", "2.1x *"),
        ("2.1x<sup>&dagger;</sup>", "2.1x †"),
        ("2.1x<sup>[3]</sup>", "2.1x [3]"),
        ('10<sup><a href="#n">3</a></sup>', "10 [3]"),
        ('45.2<a class="footnote-reference superscript" href="#n" role="doc-noteref">1</a>', "45.2 [1]"),
        ('45.2<a href="#n">1</a>', "45.21"),
        ("10<sup>3</sup>", "10³"),
        ("10<sup>1</sup>", "10 [1]"),
        ("2<sup>4</sup>", "2 [4]"),
        ("110<sup>3</sup>", "110 [3]"),
        ("1.5 &times; 10<sup>2</sup>", "1.5 × 10²"),
        ("10<sup>-6</sup>", "10⁻⁶"),
        ("2<sup>31</sup>", "2³¹"),
        ("5 mm<sup>2</sup>", "5 mm²"),
        ("2<sup>nd</sup> run", "2nd run"),
        ("Xeon<sup>&reg;</sup> 6", "Xeon 6"),
        ("H<sub>2</sub>O", "H2O"),
        ("0.75<sub>0.1</sub>", "0.75 0.1"),
        ("10³", "10³"),
        ("<sup>", ""),
    ],
)
def test_a_raised_digit_is_never_read_as_the_last_one_of_a_number(html: str, expected: str) -> None:
    assert "".join(b.text.text for b in read(f"<h3>{html}</h3>") if isinstance(b, Heading)) == expected


def test_white_space_and_odd_characters_are_even() -> None:
    (block,) = read("<p>A\u2009 \n\t B&#x2212;1 \ufb01t\u200b \uff18\uff0e\uff10</p>")

    assert told((block,)) == ["A B-1 fit 8.0"]


def test_the_title_stands_in_for_a_missing_heading() -> None:
    with_title = read("<title>Nordlicht &amp; Co</title><h2>Results</h2>")
    with_heading = read("<title>Nordlicht &amp; Co</title><h1>Results</h1>")

    assert [(b.level, b.text.text) for b in with_title if isinstance(b, Heading)] == [
        (1, "Nordlicht & Co"),
        (2, "Results"),
    ]
    assert [(b.level, b.text.text) for b in with_heading if isinstance(b, Heading)] == [(1, "Results")]


def test_a_heading_that_is_never_closed_does_not_swallow_the_page() -> None:
    found = read("<h2>Results<p>INT8 is faster.<p>Much.")

    assert [type(b) for b in found] == [Heading, Prose, Prose]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>9x</p>",
        '<p style="display: none">9x</p>',
        '<span aria-hidden="true">9x</span>',
        "<div hidden><table><tr><td>9x</table><p>9x</div>",
        "<template><p>9x</template>",
        "<noscript>9x</noscript>",
        "<svg><title>9x</title><text>9x</text></svg>",
        "<select><option>9x</select>",
        "<script>document.write('<p>9x')</script>",
        "<style>9x</style>",
        "<!-- <p>9x</p> -->",
        "<![CDATA[ 9x ]]>",
        "<dialog>9x</dialog>",
        '<div role="dialog" class="x">9x</div>',
        '<div id="cookie-banner">9x</div>',
        "<nav>9x</nav>",
        "<footer>9x</footer>",
        '<div role="navigation">9x</div>',
        "<p hidden>9x",
    ],
)
def test_what_a_visitor_does_not_read_is_not_read(hidden: str) -> None:
    assert told(read(f"<p>before</p>{hidden}<div>after</div>")) == ["before", "after"]


def test_a_page_that_is_all_footer_is_read() -> None:
    assert told(read("<footer><p>INT8, 2x faster</p></footer>")) == ["INT8, 2x faster"]


def test_the_footer_of_an_article_is_part_of_it() -> None:
    assert told(read("<article><p>Text</p><footer>Measured in May</footer></article>")) == ["Text", "Measured in May"]


def test_definitions_stand_behind_their_terms() -> None:
    found = read("<dl><dt>Batch</dt><dd>8</dd><dt>GPU:<dd>H100<dd>80 GB<dt>A<dt>B<dd><p>both<p>more</dl>")

    assert told(found) == ["Batch: 8", "GPU: H100", "GPU: 80 GB", "A, B: both", "more"]
    assert {b.kind for b in found if isinstance(b, Prose)} == {"item"}


def test_a_tag_ends_where_its_quotes_let_it() -> None:
    assert told(read("<p title=\"a > b\" class='c>'>x</p><p title=it's>y</p><p title=\"never closed>z</p>")) == [
        "x",
        "y",
        "z",
    ]


def test_text_between_cells_stays_in_order() -> None:
    table = only_table("<table><tr><th>A<th>B<tr><td><table><tr><td>in</td>between</tr></table><td>z</table>")

    assert grid(table) == [["A", "B"], ["in between", "z"]]


def test_kinds_of_paragraphs_are_told_apart() -> None:
    found = read(
        "<p>a<blockquote><p>b</blockquote><ul><li>c<p>d</ul><figure><figcaption>e</figcaption></figure><div>f</div>"
    )

    assert [(b.kind, b.text.text) for b in found if isinstance(b, Prose)] == [
        ("paragraph", "a"),
        ("quote", "b"),
        ("item", "c"),
        ("item", "d"),
        ("caption", "e"),
        ("paragraph", "f"),
    ]


def test_label_and_value_side_by_side_do_not_run_together() -> None:
    assert told(read("<div class=spec><span>Batch size</span><span>8</span></div>")) == ["Batch size 8"]
    assert told(read("<p><code><span>int</span><span>8</span></code></p>")) == ["int8"]


def test_two_line_breaks_end_a_paragraph() -> None:
    assert told(read("<div>one<br>goes on<br><br>two</div>")) == ["one goes on", "two"]


def test_code_keeps_its_lines() -> None:
    found = read(
        '<div class="highlight-python notranslate"><pre><span>num</span> = 512\n  x = "&lt;a&gt;"\n\n</pre></div>'
        '<pre class="lang-sh">\na<br>b<div>c</div></pre><p>text'
    )

    assert [(b.language, b.text.text) for b in found if isinstance(b, Code)] == [
        ("python", 'num = 512\n  x = "<a>"'),
        ("sh", "a\nb\nc"),
    ]
    assert told(found)[-1] == "text"


def test_code_that_is_never_closed_ends_before_a_table() -> None:
    found = read("<pre>a = 1<table><tr><th>A<th>B<tr><td>x<td><pre>c</pre></table>")

    assert told(found) == ["a = 1", [["A", "B"], ["x", "c"]]]


def test_long_alternative_texts_of_images_are_captions() -> None:
    found = read('<p>See <img src=a.png alt="Chart: INT8 is 2x faster"> here<img alt="logo"></p>')

    assert [(b.kind, b.text.text) for b in found if isinstance(b, Prose)] == [
        ("paragraph", "See here"),
        ("caption", "Chart: INT8 is 2x faster"),
    ]


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


def test_end_tags_close_nothing_beyond_their_block_or_table() -> None:
    assert told(read("<div>a<b><div>one</b> goes on</div></div>")) == ["a", "one goes on"]
    inner = "<table><td>p<td>q</tr></div><tr><td>1<td>2</table>"
    assert told(read(f"<div><table><tr><th>A<th>B<tr><td>{inner}<td>z</table></div>")) == [
        [["A", "B"], ["", "z"]],
        [["p", "q"], ["1", "2"]],
    ]


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


ISLAND = """# Title

<details><summary>**Results** of `x`</summary>
<table>
<tr><td><b>Model</b></td><td>**Speed-up**</td></tr>
<tr><td>[Nordlicht](https://example.org/a_b)</td><td>**2.1x**<sup>1</sup></td></tr>
</table>
</details>

after
"""


def test_islands_in_markdown_are_read_with_its_markup() -> None:
    start, end = ISLAND.index("<details>"), ISLAND.index("\n\nafter")

    summary, table = blocks(ISLAND, start, end)

    assert told((summary,)) == ["Results of x"]
    assert grid(table) == [["Model", "Speed-up"], ["Nordlicht", "2.1x [1]"]]
    assert isinstance(table, Table)
    assert table.headers == 1
    gain = table.rows[1].cells[1].text
    assert ISLAND[gain.start :].startswith("2.1x**")


def test_a_cut_island_is_read_as_far_as_it_goes() -> None:
    assert told(blocks(ISLAND, ISLAND.index("<table>"), ISLAND.index("</td><td>**2.1x"))) == [
        [["Model", "Speed-up"], ["Nordlicht", ""]]
    ]


def test_the_page_says_how_it_is_encoded() -> None:
    page = '<meta charset="gbk"><p>量化精度 INT8</p>'

    assert told(parse(page.encode("gb18030"), "x").blocks) == ["量化精度 INT8"]
    assert told(parse(page.encode("utf-8"), "x").blocks) == ["量化精度 INT8"]
    assert told(parse('<meta charset="iso-8859-1"><p>größer “2x”'.encode("cp1252"), "x").blocks) == ["größer “2x”"]


def test_xhtml_closes_its_elements() -> None:
    page = (
        '<?xml version="1.0"?><html><body><p>a<span/>b</p><div hidden="hidden"/><div>c</div><script src="x"/><p>d</p>'
    )

    assert told(read(page)) == ["ab", "c", "d"]


def test_suffixes_and_unreadable_files(tmp_path: object) -> None:
    assert IMPORTER.suffixes == (".html", ".htm", ".xhtml")
    with pytest.raises(UnreadableInput, match=r"missing\.html"):
        read_page(f"{tmp_path}/missing.html", "missing.html")


BOMBS = {
    "nested tables": b"<table><tr><td>" * 20_000 + b"x",
    "nested divisions": b"<div>" * 50_000 + b"x" + b"</div>" * 50_000,
    "end tags of nothing": b"<i><p>" + b"<b>" * 9_000 + b"</i></u>" * 50_000 + b"x",
    "nothing is closed": b"<p>a<li>b<td>c<tr>d<table>e<h1>f<ul>g<dl><dt>h<dd>i" * 3_000,
    "spans": b"<table>" + (b"<tr>" + b"<td colspan=1000 rowspan=65534>x" * 10) * 500,
    "cells": b"<table><tr>" + b"<td>x" * 20_000,
    "attributes": b"<p " + b'a="b" c=\'d ' * 200_000 + b">x</p>",
    "one long text": b"<p>" + b"word " * 4_000_000,
    "angle brackets": b"<" * 2_000_000,
    "open tags": b'<a "' * 500_000,
    "open comments": b"<!--" * 500_000,
    "open declarations": b"<!" * 1_000_000,
    "titles": b"<title>" * 50_000,
    "scripts": b"<script>" * 200_000,
    "entities": b"<p>&" + b"&amp;&#x;&#99999999;&bogus" * 100_000,
    "blanks in a mark": b"a<sup>" + b" " * 1_000_000,
    "definitions": b"<dl><dt>" + b"term " * 50 + b"<dd>x" * 15_000,
    "zeros": b"\0" * 1_000_000,
}


@pytest.mark.parametrize("page", BOMBS.values(), ids=BOMBS)
def test_no_page_is_too_much(page: bytes) -> None:
    """What took time in proportion to the square of its size would never end."""
    check(parse(page, "x.html"))


def test_what_was_left_out_is_noted() -> None:
    wide = parse(b"<table>" + b"<tr><td>x<td colspan=999>y" * 250, "x")
    long = parse(b"<p>" + b"word " * 100_000, "x")
    deep = parse(b"<table><tr><td>" * 60 + b"x", "x")

    assert wide.notes == ("50 rows of a table were left out; it is too large",)
    assert len(next(wide.tables()).rows) == 200
    assert long.notes == ("a text of 499999 characters was read only as far as 200000",)
    assert deep.notes == ("tables nested in tables in tables were read as text",)


@given(st.integers(0, len(PAGE)))
@settings(max_examples=60, deadline=None)
def test_a_page_may_end_anywhere(end: int) -> None:
    check(parse(PAGE[:end].encode(), "x"))


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_damaged_pages_are_read(seed: int) -> None:
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


@given(st.text(alphabet="<>/=\"' &;#!-abtdrphsupl1\n", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_characters_are_a_page(text: str) -> None:
    check(parse(text.encode(), "x"))
    sheet = parse(f"<table><tr><td>{text}<td>{text}".encode(), "x")
    check(sheet)
