"""The source beside the report: words marked where something was read from them, and pages of a PDF."""

from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.draft import Quote
from lynxspec.location import Location, Span
from lynxspec.reporters._html import page_images
from lynxspec.reporters._html.evidence import Mark
from lynxspec.reporters._html.page_view import boxes_of
from lynxspec.reporters._html.source_text import Painter
from lynxspec.sheet import Cell, Page, Prose, Row, Table, Text, Word

# the source beside it


def painted(look, text, ranges):
    """The text with marks over the ranges, and for each character the marks that hold it."""
    quote = Quote(text="", span=Span(line=1))
    marks = [Mark(id=f"e{n}", quote=quote, start=start, end=end) for n, (start, end) in enumerate(ranges)]
    painter = Painter(context=None, marks=marks, painted=set(), copy=True)
    root = look.tree(f"<p>{painter.paint(Text(text, range(len(text)))).text}</p>")
    depths = []

    def walk(element, depth):
        depths.extend([depth] * len(element.text or ""))
        for child in element:
            walk(child, depth + 1)
            depths.extend([depth] * len(child.tail or ""))

    walk(root, 0)
    return "".join(root.itertext()), depths


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 12)), max_size=6, unique=True))
def test_overlapping_quotes_each_cover_exactly_their_words(look, pairs):
    text = "The quick brown fox <jumps> over"
    ranges = [(start, start + length) for start, length in pairs]
    shown, depths = painted(look, text, ranges)
    assert shown == text
    assert depths == [sum(start <= at < end for start, end in ranges) for at in range(len(text))]


def test_a_quote_that_overlaps_another_keeps_its_own_target(look, make):
    sheet = make.sheet(make.text)
    draft = make.draft(sheet)
    one, other = make.quote(sheet, "in FP8 generates tokens"), make.quote(sheet, "tokens up to 2.1x")
    conflict = replace(draft.conflicts[0], places=(one, other))
    root = look.tree(make.page(make.run(replace(draft, conflicts=(conflict,)))))
    links = [place.find("a").get("href")[1:] for place in look.by_class(root, "conflict")[0].iter("figcaption")]
    assert [look.by_id(root, link).tag for link in links] == ["mark", "mark"]
    assert [look.by_id(root, link).get("class") for link in links] == ["conflict", "conflict"]


def test_the_text_of_a_sheet_stands_there_verbatim(look, make, draft):
    root = look.tree(make.page(make.run(draft)))
    assert make.text in ["".join(element.itertext()) for element in look.by_class(root, "verbatim")]


def test_a_table_of_the_sheet_is_a_table_with_named_columns(look, pages):
    reading = look.by_class(look.tree(pages["sheet"]), "reading")[0]
    (table,) = reading.iter("table")
    assert [look.unlabelled(cell) for cell in table.iter("th")] == ["Model", "Precision", "MMLU (5-shot)", "tokens/s"]
    assert all(cell.get("scope") == "col" for cell in table.iter("th"))


def test_a_cell_that_spans_is_drawn_once_and_equal_empty_cells_are_not_joined(look, make):
    def text(word):
        return Text(word, range(9000, 9000 + len(word)))  # where nothing is marked

    wide, empty = Cell(text=text("both")), Cell(text=text(""))
    low = Cell(text=text("low"))
    rows = (
        Row(cells=(wide, wide, low), start=0, end=1),
        Row(cells=(empty, empty, low), start=1, end=2),
    )
    sheet = make.sheet(make.text, blocks=(Table(rows=rows, headers=1),))
    root = look.tree(make.page(make.run(replace(make.draft(make.sheet(make.text)), sheets=(sheet,)))))
    (table,) = look.by_class(root, "reading")[0].iter("table")
    cells = [(look.unlabelled(c), c.get("colspan"), c.get("rowspan")) for c in table.iter() if c.tag in {"td", "th"}]
    assert cells == [("both", "2", None), ("low", None, "2"), ("", None, None), ("", None, None)]


def test_a_row_that_is_evidence_is_named_above_it_and_a_cell_over_both_rows_grows(look, make):
    text = make.text

    def cell(word):
        start = text.index(word)
        return Cell(text=Text(word, range(start, start + len(word))))

    model = cell("Model")
    rows = (
        Row(cells=(model, cell("BF16 | 68.5")), start=0, end=1),
        Row(cells=(model, cell("FP8 | 68.1")), start=1, end=2),
    )
    sheet = make.sheet(text, blocks=(Table(rows=rows, headers=0),))
    root = look.tree(make.page(make.run(replace(make.draft(make.sheet(text)), sheets=(sheet,)))))
    (table,) = look.by_class(root, "reading")[0].iter("table")
    drawn = [[look.words(cell) for cell in row] for row in table.iter("tr")]
    assert drawn == [
        ["read as: accuracy reference"],
        ["Model", "BF16 | 68.5"],
        ["read as: accuracy result sustained throughput"],
        ["FP8 | 68.1"],
    ]
    spans = [(cell.get("colspan"), cell.get("rowspan")) for cell in table.iter("td")]
    assert spans == [("2", None), (None, "3"), (None, None), ("1", None), (None, None)]


def test_a_caption_or_note_that_is_also_a_paragraph_stands_once(make, look):
    text = make.text
    start = text.index("Quality is")
    words = Text("Quality is", range(start, start + 10))
    row = Row(cells=(Cell(text=Text("Model", range(9000, 9005))),), start=0, end=1)
    for blocks in (
        (Prose(text=words), Table(rows=(row,), headers=0, caption=words)),
        (Table(rows=(row,), headers=0, notes=(Prose(text=words, kind="footnote"),)), Prose(text=words)),
    ):
        root = look.tree(make.page(make.run(make.draft(make.sheet(text, blocks=blocks)))))
        assert look.words(look.by_class(root, "reading")[0]).count("Quality is") == 1


def test_evidence_that_no_block_holds_is_quoted_all_the_same(look, make):
    sheet = make.sheet(make.text, blocks=())
    root = look.tree(make.page(make.run(make.draft(replace(sheet, blocks=make.sheet(make.text).blocks[:1])))))
    assert "Weights are quantized to INT8" in look.words(look.by_class(root, "quoted")[0])


def test_a_finding_is_marked_at_its_line(look, make):
    sheet = make.sheet("a: 1\nb: 2\n", source="x.claim.yaml", format="text", blocks=())
    draft = replace(make.claim("mobilenetv2-mnist/int8.claim.yaml"), sheets=(sheet,))
    place = Location(source="x.claim.yaml", span=Span(line=2, column=1, end_line=2, end_column=4), path=("b",))
    root = look.tree(make.page(make.run(draft, more=(make.finding(locations=(place,)),))))
    (mark,) = root.iter("mark")
    assert look.words(mark) == "read as: LXS114 b: 2"


def test_a_finding_over_a_part_of_a_line_marks_that_part(make, look):
    sheet = make.sheet("a: one two\n", source="x.claim.yaml", format="text", blocks=())
    draft = replace(make.claim("mobilenetv2-mnist/int8.claim.yaml"), sheets=(sheet,))
    place = Location(source="x.claim.yaml", span=Span(line=1, column=4, end_line=1, end_column=6))
    root = look.tree(make.page(make.run(draft, more=(make.finding(locations=(place,)),))))
    (mark,) = root.iter("mark")
    assert look.words(mark) == "read as: LXS114 one"


# pages of a PDF


def test_a_quote_over_two_lines_has_a_box_on_each(make):
    sheet = make.paged(make.text, "x.pdf")
    quote = make.quote(sheet, "Acme A100X.\nIt was")
    mark = Mark(id="e1", quote=quote, start=quote.start, end=quote.end)
    lines = make.text.splitlines()
    first, second = lines.index(lines[2]), 3
    at = lines[2].index("Acme")
    assert boxes_of(mark, sheet.pages[0]) == [
        (40 + 5.0 * at, 40 + 20.0 * first, 40 + 5.0 * len(lines[2]), 52 + 20.0 * first),
        (40.0, 40 + 20.0 * second, 40 + 5.0 * len("It was"), 52 + 20.0 * second),
    ]


def test_words_that_step_back_on_their_line_are_boxes_of_their_own():
    words = (Word(start=0, end=3, box=(300, 10, 340, 22)), Word(start=4, end=7, box=(40, 10, 80, 22)))
    page = Page(number=1, start=0, width=595.0, height=842.0, words=words)
    mark = Mark(id="e1", quote=Quote(text="", span=Span(page=1)), start=0, end=7)
    assert boxes_of(mark, page) == [words[0].box, words[1].box]


def test_without_its_file_a_pdf_is_shown_as_text_by_page(look, pages):
    root = look.tree(pages["pdf"])
    assert not list(root.iter("img"))
    assert [look.words(h) for h in root.iter("h4")] == ["Page 1", "Page 2"]
    assert look.words(look.by_class(root, "verbatim")[0]).startswith("# ")


PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R>>endobj
4 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R>>endobj
5 0 obj<</Length 28>>stream
0 0 1 rg 100 100 200 200 re f
endstream endobj
trailer<</Root 1 0 R>>
"""


@pytest.fixture
def pdf(make, tmp_path):
    """A PDF on disk and the sheet that was read from it."""
    file = tmp_path / "nordlicht.pdf"
    file.write_bytes(PDF)
    return file, make.paged(make.text, str(file), sha256=sha256(PDF).hexdigest())


needs_pdfium = pytest.mark.skipif(
    find_spec("pypdfium2") is None or find_spec("PIL") is None, reason="pypdfium2 or Pillow is not installed"
)


@needs_pdfium
def test_the_pages_of_a_pdf_are_shown_with_boxes_over_the_evidence(look, make, pdf):
    root = look.tree(make.page(make.run(make.draft(pdf[1]))))
    images = [image.get("src") for image in root.iter("img")]
    assert len(images) == 2
    assert all(image.startswith("data:image/jpeg;base64,/9j/") for image in images)
    target = look.by_id(root, "d1-c-hardware").find(".//a[@class='place']").get("href")[1:]
    box = look.by_id(root, target)
    assert box.get("href") == "#d1-c-throughput-gain"
    assert "hardware: up to 2.1x faster than BF16" in box.get("aria-label")
    left = 40 + 5.0 * make.text.splitlines()[2].index("up to")
    assert box.get("style").startswith(f"left:{100 * (left - 1.5) / 595:.2f}%;top:{100 * (80 - 1.5) / 842:.2f}%;")


@needs_pdfium
def test_boxes_are_numbered_as_the_page_is_read(make, look, pdf):
    root = look.tree(make.page(make.run(make.draft(pdf[1]))))
    quoted = [look.words(quote) for quote in look.by_class(root, "page")[0].iter("q")]
    assert quoted == sorted(quoted, key=make.text.index)
    assert len(quoted) > 5


@needs_pdfium
def test_a_pdf_that_changed_since_is_not_shown(pdf):
    file, sheet = pdf
    assert set(page_images.page_images(sheet, [1, 2])) == {1, 2}
    file.write_bytes(PDF + b"\n")
    assert page_images.page_images(sheet, [1, 2]) == {}


def test_a_torn_answer_of_the_drawing_process_gives_the_pages_before_it():
    image = b"\xff\xd8\xffabc"
    whole = (3).to_bytes(4, "big") + len(image).to_bytes(4, "big") + image
    assert page_images._unpacked(whole + whole[:9]) == {3: image}
    assert page_images._unpacked(whole.replace(b"\xff\xd8\xff", b"PNG")) == {}
