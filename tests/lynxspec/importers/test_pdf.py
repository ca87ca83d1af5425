"""What is read off PDF pages: the expected texts, grids and places are those that were set."""

from __future__ import annotations

import subprocess
import sys

import pytest
from weasyprint import HTML

from lynxspec.errors import HostileInput, UnreadableInput
from lynxspec.importers.pdf import IMPORTER, parse
from lynxspec.sheet import Code, Heading, Prose, Table

from .pdf_files import GRID, MERGED, PROSE, encrypted, html_table, picture, rendered, repeated, turned


def sheet(body, css=""):
    return parse(rendered(body, css), "sheet.pdf")


def prose(read, kind="paragraph"):
    return [block.text.text for block in read.blocks if isinstance(block, Prose) and block.kind == kind]


def only_table(read):
    (table,) = read.tables()
    return table


def grid(table):
    return [tuple(cell.text.text for cell in row.cells) for row in table.rows]


def word(read, text):
    """The only word of that text."""
    (found,) = [(page, w) for page in read.pages for w in page.words if read.text[w.start : w.end] == text]
    return found


# ------------------------------------------------------------------------------------------------- reading order

COLUMNS = ".c { columns: 2; column-gap: 20pt; text-align: justify }"


def running(read):
    """All paragraphs as one text: whether a sentence that ends with its column ends a paragraph, nobody can tell."""
    return " ".join(prose(read))


def numbered(first, last):
    """Sentences that tell their order."""
    return " ".join(
        f"Statement {i} says that the throughput was measured for a whole hour." for i in range(first, last)
    )


def test_the_left_column_is_read_before_the_right_one():
    read = sheet(
        "<h1>A title that reaches over both of the columns of this page</h1>"
        f"<div class=c><p>{numbered(1, 30)}</p></div>",
        COLUMNS,
    )
    assert running(read) == numbered(1, 30)
    assert [b.text.text for b in read.blocks if isinstance(b, Heading)] == [
        "A title that reaches over both of the columns of this page"
    ]


def test_what_stands_across_the_page_parts_the_columns_above_from_those_below():
    across = "These words stand on one line across the whole page, from the left side to the right."
    body = f"<div class=c><p>{numbered(1, 20)}</p></div><p>{across}</p><div class=c><p>{numbered(20, 40)}</p></div>"
    assert running(sheet(body, COLUMNS)) == f"{numbered(1, 20)} {across} {numbered(20, 40)}"


def test_a_heading_below_two_columns_is_read_behind_both():
    body = f"<div class=c><p>{numbered(1, 20)}</p></div><h2>Results</h2><p>{PROSE}</p>"
    read = sheet(body, COLUMNS)
    assert " ".join(b.text.text for b in read.blocks) == f"{numbered(1, 20)} Results {PROSE}"


def test_three_columns_are_read_one_after_the_other():
    body = f"<div class=c><p>{numbered(1, 40)}</p></div>"
    assert prose(sheet(body, ".c { columns: 3; column-gap: 18pt; font-size: 8pt }")) == [numbered(1, 40)]


def test_columns_of_a_script_without_blanks_are_read_one_after_the_other():
    lines = [f"第{i}组测试在同一张卡上预热两分钟之后持续二十分钟" for i in range(1, 31)]
    read = sheet(
        f"<div class=c>{''.join(f'<div>{line}。</div>' for line in lines)}</div>", COLUMNS + ".c { font-size: 8pt }"
    )
    assert [line for line in running(read).replace(" ", "").split("。") if line] == lines


def test_a_line_that_ends_early_ends_its_paragraph():
    read = sheet(f"<p>Quantized with AWQ.<br>Group size 128.<br>{PROSE}</p>")
    assert prose(read) == ["Quantized with AWQ.", "Group size 128.", PROSE]


def test_short_lines_in_two_columns_are_read_by_columns():
    lines = [f"Card {i} stays cool" for i in range(1, 25)]
    read = sheet(
        f"<div class=c>{''.join(f'<div>{line}</div>' for line in lines)}</div>", ".c { width: 200pt; columns: 2 }"
    )
    assert running(read) == " ".join(lines)


def test_a_full_width_table_of_short_cells_is_not_taken_for_columns():
    table = only_table(sheet(html_table(GRID, "plain"), "table { width: 500pt }"))
    assert grid(table) == list(GRID)


def test_a_list_beside_narrow_text_is_read_behind_it():
    formats = [f"Format {i}" for i in range(1, 11)]
    body = (
        f"<div style='display: flex'><div style='width: 120pt'>{PROSE}</div>"
        f"<div style='margin-left: 20pt; line-height: 21pt'>{'<br>'.join(formats)}</div></div>"
    )
    assert running(sheet(body)) == f"{PROSE} {' '.join(formats)}"


def test_a_paragraph_goes_on_behind_the_page_break():
    read = sheet(f"<p>{numbered(1, 120)}</p>")
    assert len(read.pages) > 1
    assert running(read) == numbered(1, 120)


def test_running_heads_and_page_numbers_stay_in_the_text_and_leave_the_prose():
    foot = "@bottom-center { content: counter(page) ' of ' counter(pages) }"
    css = f"@page {{ @top-left {{ content: 'Nordlicht white paper' }} {foot} }}"
    read = sheet(f"<p>{numbered(1, 120)}</p>", css)
    assert running(read) == numbered(1, 120)
    assert read.text.count("Nordlicht white paper") == len(read.pages)
    assert "1 of " in read.text


def test_a_line_of_the_page_foot_that_says_other_things_on_each_page_stays():
    css = "@page { font-size: 9pt; @bottom-left { content: string(said) } } p { string-set: said attr(title) }"
    body = "".join(
        f"<p title='measured at batch {n * n}' style='page-break-after: always'>{PROSE}</p>" for n in (3, 5, 9)
    )
    assert [p for p in prose(sheet(body, css)) if "batch" in p] == [f"measured at batch {n * n}" for n in (3, 5, 9)]


def test_text_at_the_top_of_each_page_is_no_running_head():
    body = "".join(f"<p style='page-break-after: always'>{PROSE} Card {n * n}.</p>" for n in (3, 5, 9))
    assert running(sheet(body)) == " ".join(f"{PROSE} Card {n * n}." for n in (3, 5, 9))


# ------------------------------------------------------------------------------------------------------ characters


def test_a_word_parted_at_the_line_end_is_whole_again():
    read = sheet(
        "<p>We use quanti-<br>zation with per-<br>tensor scales, weight-<br>only, in mixed-<br>precision"
        " and 4-<br>bit.</p>"
    )
    assert prose(read) == ["We use quantization with per-tensor scales, weight-only, in mixed-precision and 4-bit."]


def test_the_documents_own_spelling_decides_about_a_hyphen_at_the_line_end():
    read = sheet("<p>The look-ahead is short. A look-<br>ahead of two, an overlook-<br>ing of one.</p>")
    assert "A look-ahead of two, an overlooking of one." in prose(read)[0]


def test_the_text_skips_a_taken_back_hyphen_and_its_offsets_do_too():
    read = sheet("<p>We use quanti-<br>zation.</p>")
    (block,) = read.blocks
    at = [block.text.at[i] for i in range(len(block.text.text))]
    assert [read.text[i] for i in at] == list("We use quantization.")
    assert read.text == "We use quanti-\nzation.\n"


def test_ligatures_and_minus_signs_are_plain_characters():
    assert prose(sheet("<p>An e\ufb03cient \ufb01rst layer loses \u22120.3 points.</p>")) == [
        "An efficient first layer loses -0.3 points."
    ]


def test_a_raised_figure_is_a_mark_and_never_part_of_the_number():
    assert prose(sheet("<p>It is 2.1<sup>1</sup> times faster, at 75.9<sup>12</sup> %.</p>")) == [
        "It is 2.1 [1] times faster, at 75.9 [12] %."
    ]


def test_a_power_of_ten_stays_one():
    assert prose(sheet("<p>We ran 10<sup>6</sup> images.</p>")) == ["We ran 10⁶ images."]


def test_raised_letters_of_a_trade_mark_do_not_join_the_name():
    (text,) = prose(sheet("<p>A Nordlicht<sup>TM</sup> card of the 2<sup>nd</sup> kind.</p>"))
    assert text == "A Nordlicht card of the 2nd kind."


# ---------------------------------------------------------------------------------------------------------- blocks


def test_headings_have_the_levels_of_their_sizes():
    read = sheet(
        f"<h1>Title</h1><p>{PROSE}</p><h2>Part</h2><p>{PROSE}</p>"
        f"<h3>Section</h3><p>{PROSE}</p><h2>Part two</h2><p>{PROSE}</p>"
    )
    headings = [(b.text.text, b.level) for b in read.blocks if isinstance(b, Heading)]
    assert headings == [("Title", 1), ("Part", 2), ("Section", 3), ("Part two", 2)]


def test_bold_words_within_a_sentence_are_no_heading():
    read = sheet(f"<p><b>Calibration.</b> {PROSE}</p><p>{PROSE} <b>None was needed.</b></p>")
    assert not [b for b in read.blocks if isinstance(b, Heading)]


def test_items_are_read_without_their_bullets():
    read = sheet(
        "<ul><li>We use 512 images from the training split, drawn at random with a fixed seed, and none of them"
        " twice.<li>INT8</ul>"
    )
    assert prose(read, "item") == [
        "We use 512 images from the training split, drawn at random with a fixed seed, and none of them twice.",
        "INT8",
    ]


def test_type_of_one_width_is_code_with_its_lines():
    read = sheet(
        f"<p>{PROSE}</p><pre>quantize --calib-samples 512\n    --method entropy</pre>",
        "pre { font-family: 'DejaVu Sans Mono', monospace }",
    )
    assert [b.text.text for b in read.blocks if isinstance(b, Code)] == [
        "quantize --calib-samples 512\n--method entropy"
    ]


def test_a_line_of_code_that_had_no_room_is_one_line():
    line = "evaluate --model nordlicht-resnet --tasks imagenet,coco --engine tensorrt --precision int8 --batch-size 128"
    css = "pre { font-family: 'DejaVu Sans Mono', monospace; white-space: pre-wrap }"
    read = sheet(f"<p>{PROSE}</p><pre>{line}\nreport</pre><p>{PROSE}</p>", css)
    assert [b.text.text for b in read.blocks if isinstance(b, Code)] == [f"{line}\nreport"]


# ---------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(("kind", "certain"), [("ruled", True), ("level", False), ("lines", False), ("plain", False)])
def test_a_table_is_read_cell_by_cell(kind, certain):
    table = only_table(sheet(f"<p>{PROSE}</p>{html_table(GRID, kind)}<p>{PROSE}</p>"))
    assert grid(table) == list(GRID)
    assert (table.headers, table.certain) == (1, certain)


def test_a_table_that_is_open_at_its_sides_keeps_its_outer_columns():
    css = "td, th { border: 0.5pt solid black } td:first-child, th:first-child { border-left: none }"
    read = sheet(html_table(GRID, "open"), css + "td:last-child, th:last-child { border-right: none }")
    assert grid(only_table(read)) == list(GRID)
    assert only_table(read).certain


def test_rows_that_no_line_parts_are_told_by_their_results():
    table = only_table(sheet(html_table(GRID, "columns")))
    assert grid(table) == list(GRID)
    assert not table.certain


@pytest.mark.parametrize("kind", ["ruled", "level", "plain"])
def test_a_group_name_stands_above_each_of_its_columns(kind):
    table = only_table(sheet(MERGED.format(kind=kind)))
    assert table.headers == 2
    assert [row[1:] for row in grid(table)] == [
        ("FP16", "FP16", "INT8", "INT8"),
        ("Accuracy", "images/s", "Accuracy", "images/s"),
        ("76.1", "480", "75.9", "1,024"),
        ("90.9", "170", "90.2", "410"),
        ("81.1", "200", "80.7", "388"),
    ]
    assert [row[0] for row in grid(table)][1:] == ["Model", "ResNet-50", "BERT-large", "ViT-B/16"]
    top = table.rows[0].cells
    assert top[1] is top[2]
    assert top[2] is not top[3]
    assert top[3] is top[4]


def test_a_header_on_two_lines_stays_above_its_own_column():
    head = ("Model", "Top-1<br>accuracy", "Throughput<br>(images/s)", "Latency<br>(ms)")
    read = sheet(
        html_table([head, ("ResNet-50", "75.9", "1,024", "7.8"), ("ViT-B/16", "80.7", "388", "20.6")], "level")
    )
    joined = [
        " ".join(dict.fromkeys(row[i] for row in grid(only_table(read))[: only_table(read).headers])) for i in range(4)
    ]
    assert joined == ["Model", "Top-1 accuracy", "Throughput (images/s)", "Latency (ms)"]


def test_a_cell_on_two_lines_is_one_cell():
    rows = [
        ("Model", "Calibration", "INT8"),
        ("ResNet-50", "512 images of<br>the training split", "75.9"),
        ("ViT-B/16", "none", "80.7"),
    ]
    expected = [tuple(cell.replace("<br>", " ") for cell in row) for row in rows]
    assert grid(only_table(sheet(html_table(rows, "ruled")))) == expected


NARROW = "td, th { padding: 1pt 5pt } .level { width: 200pt; font-size: 8pt }"


@pytest.mark.parametrize("kind", ["level", "plain"])
def test_names_on_several_lines_keep_the_results_that_stand_beside_their_middle(kind):
    rows = [
        ("Benchmark", "BF16", "INT8"),
        ("MMLU<br>(5-shot)", "68.9", "67.4"),
        ("ARC<br>Challenge<br>(25-shot)", "83.0", "82.1"),
        ("GSM8K", "80.4", "79.9"),
        ("HellaSwag<br>(10-shot)", "80.2", "79.5"),
    ]
    expected = [tuple(cell.replace("<br>", " ") for cell in row) for row in rows]
    assert grid(only_table(sheet(f"<p>{PROSE}</p>{html_table(rows, kind)}<p>{PROSE}</p>", NARROW))) == expected


def test_a_result_on_two_lines_stays_in_its_column():
    rows = [("Set", "FP16<br>accuracy", "INT8"), ("ImageNet", "76.1<br>%", "75.8 %"), ("COCO", "44.8<br>%", "44.1 %")]
    expected = [tuple(cell.replace("<br>", " ") for cell in row) for row in rows]
    assert grid(only_table(sheet(html_table(rows, "level"), NARROW))) == expected


def test_properties_on_several_lines_are_rows():
    rows = [
        ("Item", "Value"),
        ("Quantizer", "Model Optimizer<br>0.17.0"),
        ("Software<br>image", "JetPack 6.1"),
        ("Runtime", "TensorRT 10.3.0"),
    ]
    expected = [tuple(cell.replace("<br>", " ") for cell in row) for row in rows]
    assert grid(only_table(sheet(html_table(rows, "level"), NARROW))) == expected


@pytest.mark.parametrize("align", ["top", "middle", "bottom"])
def test_a_header_on_two_lines_in_the_middle_names_no_other_column(align):
    head = ("Model", "Accuracy", "Throughput<br>(images/s)", "Latency")
    rows = [head, ("ResNet-50", "75.9", "1,024", "7.8"), ("ViT-B/16", "80.7", "388", "20.6")]
    table = only_table(sheet(html_table(rows, "level"), f"td, th {{ vertical-align: {align}; text-align: center }}"))
    assert headers(table) == ["Model", "Accuracy", "Throughput (images/s)", "Latency"]


def headers(table):
    """What stands above each column."""
    rows = grid(table)[: table.headers]
    return [" ".join(dict.fromkeys(row[i] for row in rows if row[i])) for i in range(len(rows[0]))]


def test_headers_on_three_lines_beside_those_on_two_name_their_own_columns():
    head = ("Model", "FP16<br>FPS", "FP16<br>Top-1<br>(%)", "INT8<br>FPS", "INT8<br>Top-1<br>(%)", "INT8 vs<br>FP16")
    rows = [
        head,
        ("ResNet-50", "912.4", "76.13", "1,834.0", "75.96", "2.01x"),
        ("ViT", "318.2", "82.52", "-", "-", "-"),
    ]
    table = only_table(sheet(html_table(rows, "level"), NARROW))
    assert headers(table) == [cell.replace("<br>", " ") for cell in head]
    assert grid(table)[table.headers :] == rows[1:]


def test_a_table_with_a_line_below_its_header_only_is_read():
    css = "thead th { border-bottom: 0.5pt solid black }"
    assert grid(only_table(sheet(f"<p>{PROSE}</p>{html_table(GRID, 'under')}<p>{PROSE}</p>", css))) == list(GRID)


def test_a_header_and_one_row_are_a_table():
    assert grid(only_table(sheet(f"<p>{PROSE}</p>{html_table(GRID[:2], 'plain')}"))) == list(GRID[:2])


def test_aligned_words_without_results_are_no_table():
    rows = [("Nordlicht", "Acme"), ("INT8", "FP8"), ("cool", "warm")]
    assert not list(sheet(html_table(rows, "plain")).tables())


def test_an_empty_cell_stays_empty_and_shifts_no_number():
    rows = [
        GRID[0],
        ("ResNet-50", "76.1", "", "1,024"),
        ("MobileNetV2", "", "70.8", "3,400"),
        ("ViT-B/16", "81.1", "80.7", ""),
    ]
    for kind in ("ruled", "level", "plain"):
        assert grid(only_table(sheet(html_table(rows, kind)))) == rows


def test_the_words_of_a_table_are_not_in_the_prose():
    read = sheet(f"<p>{PROSE}</p>{html_table(GRID, 'ruled')}<p>{PROSE}</p>")
    assert prose(read) == [PROSE, PROSE]


def test_two_columns_of_text_are_no_table():
    assert not list(sheet(f"<div class=c><p>{numbered(1, 20)}</p></div>", COLUMNS).tables())


def test_a_row_on_several_lines_alone_is_a_table():
    rows = [("Item", "Value"), ("Quantizer", "Model Optimizer<br>0.17.0")]
    expected = [("Item", "Value"), ("Quantizer", "Model Optimizer 0.17.0")]
    assert grid(only_table(sheet(html_table(rows, "level"), NARROW + ".level { width: 300pt }"))) == expected


def test_boxes_around_a_drawing_are_no_table():
    body = (
        "<table class=ruled><tr><td>a<td>b<td>c<tr><td colspan=2 rowspan=2>The outer loop calls the inner one, whose"
        " exit leads back to its own head<td>d<tr><td>e</table>"
    )
    assert not list(sheet(body).tables())


def test_a_frame_around_text_is_no_table():
    read = sheet(f"<div style='border: 1pt solid black; padding: 5pt'>{PROSE}</div>")
    assert not list(read.tables())
    assert prose(read) == [PROSE]


def test_the_bars_of_a_drawing_are_no_table():
    bars = "".join(
        f"<div style='position: absolute; left: {90 * i}pt; bottom: 0; width: 60pt; height: {40 * i}pt;"
        " border: 1pt solid black'></div>"
        for i in range(1, 5)
    )
    assert not list(sheet(f"<div style='position: relative; height: 300pt'>{bars}<p>Throughput</p></div>").tables())


def test_a_table_within_a_column_stays_in_its_place():
    table = html_table([row[:3] for row in GRID], "ruled")
    body = f"<div class=c><p>{numbered(1, 12)}</p>{table}<p>{numbered(12, 30)}</p></div>"
    read = sheet(body, COLUMNS + "table { font-size: 6pt }")
    kinds = [type(block).__name__ for block in read.blocks]
    assert kinds == ["Prose", "Table", "Prose"]
    assert prose(read) == [numbered(1, 12), numbered(12, 30)]


def test_columns_that_hold_little_but_tables_are_read_one_after_the_other():
    def column(title, first):
        rows = [("Set", "BF16", "W8A8"), *((f"Set {first + i}", f"7{i}.2", f"7{i}.0") for i in range(3))]
        return f"<h3>{title}</h3>{html_table(rows, 'level')}<p>{title} is measured.</p>"

    left, right = column("Accuracy", 0) + column("Loss", 10), column("Speed", 20) + column("Power", 30)
    body = f"<div class=c><div>{left}</div><div style='break-before: column; padding-top: 5pt'>{right}</div></div>"
    read = sheet(body, COLUMNS + "table { font-size: 7pt }")
    assert [b.text.text for b in read.blocks if isinstance(b, Heading)] == ["Accuracy", "Loss", "Speed", "Power"]
    assert [grid(table)[1][0] for table in read.tables()] == ["Set 0", "Set 10", "Set 20", "Set 30"]


def test_a_row_is_one_stretch_of_the_text():
    read = sheet(html_table(GRID, "ruled"))
    assert [read.text[row.start : row.end] for row in only_table(read).rows] == [" ".join(row) for row in GRID]


def test_a_caption_belongs_to_its_table():
    read = sheet(f"<p>{PROSE}</p><p>Table 1. Results with batch 8.</p>{html_table(GRID, 'level')}")
    assert only_table(read).caption.text == "Table 1. Results with batch 8."


# ------------------------------------------------------------------------------------------------------- footnotes

NOTES = (
    ".n { float: footnote; font-size: 7pt } ::footnote-call { font-size: 6pt; vertical-align: super; line-height: 0 }"
)


def test_a_footnote_joins_the_table_that_carries_its_mark():
    rows = [*GRID[:2], ("ViT-B/16", "81.1", "80.7<span class=n>Without the last layer.</span>", "388")]
    read = sheet(f"{html_table(rows, 'ruled')}<p>{PROSE}<span class=n>On one card.</span></p>", NOTES)
    table = only_table(read)
    assert [(note.mark, note.text.text) for note in table.notes] == [("1", "Without the last layer.")]
    assert grid(table)[-1] == ("ViT-B/16", "81.1", "80.7 [1]", "388")
    assert prose(read, "footnote") == ["Without the last layer.", "On one card."]
    assert prose(read) == [f"{PROSE} [2]"]


def test_a_footnote_of_the_text_is_none_of_the_tables():
    read = sheet(f"{html_table(GRID, 'ruled')}<p>{PROSE}<span class=n>On one card.</span></p>", NOTES)
    assert only_table(read).notes == ()


def test_a_note_below_a_table_joins_it_by_its_asterisk():
    rows = [*GRID[:3], ("ViT-B/16", "81.1", "80.7*", "388")]
    read = sheet(f"{html_table(rows, 'level')}<p style='font-size: 7pt'>* Without the last layer.</p><p>{PROSE}</p>")
    assert [(note.mark, note.text.text) for note in only_table(read).notes] == [("*", "Without the last layer.")]


def test_an_asterisk_that_nothing_refers_to_makes_no_footnote_of_running_text():
    read = sheet(f"<p>{PROSE}</p><p>* All names belong to their owners.</p>")
    assert prose(read, "footnote") == []


def test_small_print_without_a_mark_is_no_footnote():
    read = sheet(f"<p>{PROSE}</p><p style='font-size: 7pt'>All names belong to their owners.</p>")
    assert prose(read, "footnote") == []


# ---------------------------------------------------------------------------------------------------------- places


def test_a_words_box_is_where_it_was_set():
    css = (
        "@page { size: 600pt 800pt; margin: 0 } body { margin: 0 }"
        " p { margin: 300pt 0 0 100pt; font: 20pt/20pt sans-serif }"
    )
    html = f"<style>{css}</style><p>first<p style='page-break-before: always'>Throughput"
    document = HTML(string=html).render()
    boxes = [b for b in document.pages[1]._page_box.descendants() if getattr(b, "text", "") == "Throughput"]
    read = parse(document.write_pdf(), "sheet.pdf")
    page, found = word(read, "Throughput")
    left, top, right, bottom = found.box
    assert page.number == 2
    assert left == pytest.approx(100, abs=0.3)
    assert right == pytest.approx(100 + 0.75 * boxes[0].width, abs=0.3)
    assert (top + bottom) / 2 == pytest.approx(310, abs=2)
    assert 18 <= bottom - top <= 26
    assert read.span(found.start, found.end).bbox == found.box
    assert read.span(found.start, found.end).page == 2


def test_a_span_covers_all_of_its_words():
    read = sheet("<p>INT8 is 2.1 times faster.</p>")
    start = read.text.index("2.1 times")
    span = read.span(start, start + len("2.1 times"))
    _, first = word(read, "2.1")
    _, last = word(read, "times")
    assert span.bbox == (first.box[0], first.box[1], last.box[2], last.box[3])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_page_shown_on_its_side_is_read_and_its_boxes_are_those_of_the_shown_page(degrees):
    data = rendered(f"<p>{PROSE}</p>{html_table(GRID, 'ruled')}")
    upright, lying = parse(data, "a.pdf"), parse(turned(data, degrees), "b.pdf")
    assert lying.text == upright.text
    assert grid(only_table(lying)) == list(GRID)
    _, before = word(upright, "MobileNetV2")
    page, after = word(lying, "MobileNetV2")
    left, top, right, bottom = before.box
    width, height = 600, 800
    expected = {
        90: (height - bottom, left, height - top, right),
        180: (width - right, height - bottom, width - left, height - top),
        270: (top, width - right, bottom, width - left),
    }[degrees]
    assert after.box == pytest.approx(expected, abs=1.5)
    assert (round(page.width), round(page.height)) == ((width, height) if degrees == 180 else (height, width))


def test_offsets_point_at_the_characters_that_they_stand_for():
    read = sheet(f"<h1>Title</h1><p>{PROSE}</p>{html_table(GRID, 'level')}<ul><li>e\ufb03cient</ul>")
    texts = [b.text for b in read.blocks if not isinstance(b, Table)]
    texts += [cell.text for table in read.tables() for row in table.rows for cell in row.cells]
    for text in texts:
        assert "".join(read.text[i] for i in text.at).replace("\n", " ") == text.text


# -------------------------------------------------------------------------------------------- limits and refusals


def test_only_so_many_pages_are_read_and_the_sheet_says_so(monkeypatch):
    monkeypatch.setattr("lynxspec.importers._pdf_sheet.MAX_PAGES", 3)
    read = parse(repeated(rendered("<p>INT8</p>"), 5), "sheet.pdf")
    assert len(read.pages) == 3
    assert read.notes == ("only the first 3 of 5 pages were read",)


def test_the_time_is_limited_and_the_sheet_says_so(monkeypatch):
    monkeypatch.setattr("lynxspec.importers._pdf_sheet.MAX_SECONDS", -1.0)
    with pytest.raises(UnreadableInput, match="only the first 0 of 2 pages were read"):
        parse(repeated(rendered("<p>INT8</p>"), 2), "sheet.pdf")


def test_the_characters_of_a_page_are_limited_and_the_sheet_says_so(monkeypatch):
    monkeypatch.setattr("lynxspec.importers._pdf_sheet.MAX_CHARACTERS", 20)
    monkeypatch.setattr("lynxspec.importers._pdf_page.MAX_CHARACTERS", 20)
    read = sheet(f"<p>{PROSE}</p>")
    assert prose(read) == ["The network was cali"]
    assert read.notes == ("only the first 20 characters were read of each of: page 1",)


def test_a_document_beyond_the_byte_limit_is_hostile(monkeypatch):
    monkeypatch.setattr("lynxspec.importers._pdf_sheet.MAX_BYTES", 1000)
    with pytest.raises(HostileInput, match="larger than"):
        sheet("<p>INT8</p>")


def test_words_beyond_the_edge_are_not_read_and_the_sheet_says_so():
    read = sheet("<p>INT8</p><p style='position: absolute; left: -500pt; width: 200pt'>calibrated with entropy</p>")
    assert prose(read) == ["INT8"]
    assert read.notes == ("3 words beyond the page's edge, where nobody sees them, were not read: page 1",)


def test_a_page_that_is_only_an_image_is_named():
    read = sheet(f"<p>INT8</p><div style='page-break-before: always'>{picture()}</div>")
    assert read.notes == ("no text, only images, on page 2",)


def test_a_scan_is_refused_with_a_way_out():
    with pytest.raises(UnreadableInput, match="no text on 1 page, only images: a scan") as caught:
        sheet(picture())
    assert "ocrmypdf" in (caught.value.hint or "")


def test_an_encrypted_document_is_refused():
    with pytest.raises(UnreadableInput, match="encrypted"):
        parse(encrypted(rendered("<p>INT8</p>")), "sheet.pdf")


@pytest.mark.parametrize(
    ("data", "what"), [(b"", "not a PDF"), (b"PK\x03\x04", "not a PDF"), (b"%PDF-1.7\nnothing", "damaged")]
)
def test_what_is_no_pdf_is_refused(data, what):
    with pytest.raises(UnreadableInput, match=what):
        parse(data, "sheet.pdf")


def test_a_document_cut_short_says_so():
    data = rendered(f"<p>{PROSE}</p>")
    read = parse(data[: data.rindex(b"startxref")], "sheet.pdf")
    assert prose(read) == [PROSE]
    assert read.notes == ("the file ends without its end mark: it may be cut short",)


def test_knowing_the_importer_loads_no_pdf_library():
    script = (
        "import sys; from lynxspec.importers.importer import importers; importers();"
        "print({'pypdfium2', 'weasyprint', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert IMPORTER.suffixes == (".pdf",)
