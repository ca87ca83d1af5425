"""The sources beside the report: each sheet's text or pages, with what was read from where."""

from __future__ import annotations

from collections.abc import Sequence

from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.evidence import Mark, by_page, place_of
from lynxspec.reporters._html.markup import NOTHING, Html, Part, element, join
from lynxspec.reporters._html.page_images import page_images
from lynxspec.reporters._html.page_view import page_figure
from lynxspec.reporters._html.source_text import Painter, labels, reading_view, verbatim_view
from lynxspec.sheet import Page, Sheet

MARKED_UP = frozenset({"markdown", "html", "rst", "csv"})
"""Formats whose bare text is not what their reader sees."""

MOST_IMAGES = 40
"""Pages shown as images; further ones are shown as text."""


def section(context: Context) -> Html:
    """Draw all sources, or nothing where none is at hand."""
    sheets = context.document.draft.sheets
    if not sheets and not context.index.marks:
        return NOTHING
    painted: set[str] = set()
    parts = [_sheet(context, number, painted) for number in range(len(sheets))]
    left = [mark for mark in context.index.marks if mark.id not in painted]
    if left:
        listed = [_quoted(context, mark) for mark in left]
        heading = context.heading(2, "Also quoted" if sheets else "Quoted")
        parts.append(element("section", {"class": "quoted"}, heading, element("ul", {}, *listed)))
    name = context.id("source-h")
    attributes = {
        "class": "source",
        "id": context.id("source"),
        "role": "region",
        "aria-labelledby": name,
        "tabindex": "0",
    }
    return element("section", attributes, context.heading(1, "What the document says", name), *parts)


def _sheet(context: Context, number: int, painted: set[str]) -> Html:
    """Draw one sheet."""
    sheet = context.document.draft.sheets[number]
    marks = [mark for mark in context.index.marks if mark.quote.sheet == number]
    painter = Painter(context=context, marks=[m for m in marks if m.start is not None], painted=painted)
    notes = [element("p", {"class": "unread"}, f"Not read: {note}") for note in sheet.notes]
    heading = context.heading(2, sheet.source)
    digest = element("p", {"class": "small digest"}, f"SHA-256 {sheet.sha256}") if sheet.sha256 else NOTHING
    if sheet.pages:
        body = _pages(context, sheet, marks, painter)
    elif sheet.blocks and sheet.format in MARKED_UP:
        body = join((element("div", {"class": "reading"}, reading_view(sheet, painter)), _verbatim(sheet, painter)))
    else:
        body = verbatim_view(sheet, painter)
    return element("section", {"class": "sheet"}, heading, digest, *notes, body)


def _verbatim(sheet: Sheet, painter: Painter) -> Html:
    """The bare text, folded away."""
    bare = Painter(context=painter.context, marks=painter.marks, painted=painter.painted, copy=True)
    name = f"The file verbatim ({len(sheet.text)} characters)"
    return element("details", {"class": "bare"}, element("summary", {}, name), verbatim_view(sheet, bare))


def _pages(context: Context, sheet: Sheet, marks: Sequence[Mark], painter: Painter) -> Html:
    """Draw the pages of a PDF: those that hold evidence as images where that can be done, the others as text."""
    touched = by_page(marks, sheet)
    images = page_images(sheet, list(touched)[:MOST_IMAGES])
    parts: list[Part] = []
    for index, page in enumerate(sheet.pages):
        end = sheet.pages[index + 1].start if index + 1 < len(sheet.pages) else len(sheet.text)
        heading = context.heading(3, f"Page {page.number}")
        if page.number in images:
            figure = page_figure(context, sheet, page, touched[page.number], images[page.number], painter.painted)
            parts += [heading, figure, _bare_page(f"Text read off page {page.number}", page, sheet, painter, end)]
        elif page.number in touched:
            parts += [heading, verbatim_view(sheet, painter, page.start, end)]
        else:
            parts.append(_bare_page(f"Page {page.number}, of which nothing is quoted", page, sheet, painter, end))
    return join(parts)


def _bare_page(name: str, page: Page, sheet: Sheet, painter: Painter, end: int) -> Html:
    """The text that was read off a page, folded away."""
    bare = Painter(context=painter.context, marks=painter.marks, painted=painter.painted, copy=True)
    text = verbatim_view(sheet, bare, page.start, end)
    return element("details", {"class": "bare"}, element("summary", {}, name), text)


def _quoted(context: Context, mark: Mark) -> Html:
    """A quote whose place cannot be shown in the text."""
    quote = element("q", {}, mark.quote.text) if mark.quote.text else NOTHING
    place = place_of(mark.quote, context.document.draft)
    return element("li", {"id": mark.id, "tabindex": "-1"}, labels(context, [mark]), quote, f" ({place})")
