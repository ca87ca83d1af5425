"""What is read off web pages: blocks in order, what a visitor does not see, footnote marks, offsets."""

from __future__ import annotations

import pytest

from lynxspec.errors import UnreadableInput
from lynxspec.importers.html import IMPORTER, blocks, parse
from lynxspec.importers.html import read as read_page
from lynxspec.sheet import Block, Code, Heading, Prose, Table

from .marked_up_pages import HTML_PAGE, check, grid, told


def read(html: str) -> tuple[Block, ...]:
    return parse(html.encode(), "x.html").blocks


def only_table(html: str) -> Table:
    (table,) = (b for b in read(html) if isinstance(b, Table))
    return table


def test_a_page_is_read_in_order_without_what_is_not_shown() -> None:
    found = parse(HTML_PAGE.encode(), "page.html").blocks

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
    sheet = parse(HTML_PAGE.encode(), "page.html")
    paragraph = sheet.blocks[1].text  # type: ignore[union-attr]

    at = paragraph.at[paragraph.text.index("2.1×")]
    assert HTML_PAGE[at:].startswith("2.1&times; faster")
    times = paragraph.at[paragraph.text.index("×")]
    assert HTML_PAGE[times:].startswith("&times;")
    space = paragraph.at[paragraph.text.index("1 %") + 1]
    assert HTML_PAGE[space:].startswith("&nbsp;%")
    span = sheet.span(at, at + 3)
    assert (span.line, HTML_PAGE.splitlines()[span.line - 1][span.column - 1 : span.end_column]) == (7, "2.1")
    check(sheet)


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


def test_end_tags_close_nothing_beyond_their_block_or_table() -> None:
    assert told(read("<div>a<b><div>one</b> goes on</div></div>")) == ["a", "one goes on"]
    inner = "<table><td>p<td>q</tr></div><tr><td>1<td>2</table>"
    assert told(read(f"<div><table><tr><th>A<th>B<tr><td>{inner}<td>z</table></div>")) == [
        [["A", "B"], ["", "z"]],
        [["p", "q"], ["1", "2"]],
    ]


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
