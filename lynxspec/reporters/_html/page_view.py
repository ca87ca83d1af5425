"""A page of a PDF as its reader saw it, with a box over each quoted place."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from lynxspec.plain_text import shorten
from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.evidence import Mark
from lynxspec.reporters._html.markup import Html, element
from lynxspec.reporters._html.source_text import labels
from lynxspec.reporters.reporter import named
from lynxspec.sheet import Box, Page, Sheet

MARGIN = 1.5
"""Points around the words, so that a box does not cut them."""


def page_figure(
    context: Context, sheet: Sheet, page: Page, marks: Sequence[Mark], image: bytes, painted: set[str]
) -> Html:
    """Draw the page with its boxes, the small ones above the large ones, and list them under it."""
    placed = [(mark, boxes_of(mark, page)) for mark in marks]
    largest = [mark.id for mark, _ in sorted(placed, key=lambda pair: -_area(pair[1]))]
    boxes: list[Html] = []
    for number, (mark, lines) in enumerate(placed, 1):
        for box in lines:
            style = f"{_position(box, page)};z-index:{largest.index(mark.id) + 1}"
            boxes.append(_box(context, mark, style, number=number, first=mark.id not in painted))
            painted.add(mark.id)
    source = "data:image/jpeg;base64," + b64encode(image).decode("ascii")
    picture = element("img", {"src": source, "alt": f"Page {page.number} of {sheet.source}"})
    paper = element(
        "div", {"class": "paper", "style": f"aspect-ratio:{page.width:.2f}/{page.height:.2f}"}, picture, *boxes
    )
    listed = [_listed(context, mark, painted) for mark in marks]
    return element("figure", {"class": "page"}, paper, element("figcaption", {}, element("ol", {}, *listed)))


def boxes_of(mark: Mark, page: Page) -> list[Box]:
    """One box for each line of the mark on this page."""
    if mark.start is None or mark.end is None:
        return [mark.quote.span.bbox] if mark.quote.span.bbox else []
    lines: list[Box] = []
    for word in page.words:
        if word.start >= mark.end or word.end <= mark.start:
            continue
        if lines and _on_one_line(lines[-1], word.box):
            lines[-1] = _around(lines[-1], word.box)
        else:
            lines.append(word.box)
    return lines


def _on_one_line(line: Box, word: Box) -> bool:
    """Whether a word continues a line: half of the lower of both stands beside the other, and it does not step back."""
    shared = min(line[3], word[3]) - max(line[1], word[1])
    return shared >= min(line[3] - line[1], word[3] - word[1]) / 2 and word[0] >= line[0]


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _area(boxes: Sequence[Box]) -> float:
    return sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)


def _position(box: Box, page: Page) -> str:
    """The box in percent of the page, within it."""
    width, height = max(1.0, page.width), max(1.0, page.height)
    left, top = max(0.0, box[0] - MARGIN) / width, max(0.0, box[1] - MARGIN) / height
    right, bottom = min(width, box[2] + MARGIN) / width, min(height, box[3] + MARGIN) / height
    sides = {"left": left, "top": top, "width": max(0.0, right - left), "height": max(0.0, bottom - top)}
    return ";".join(f"{side}:{100 * share:.2f}%" for side, share in sides.items())


def _box(context: Context, mark: Mark, style: str, *, number: int, first: bool) -> Html:
    """Draw a box; the first of a mark is the link, the others only continue it."""
    kind = "box conflict" if mark.conflict else "box"
    if not first:
        return element("span", {"class": kind, "style": style})
    target = context.component_id(mark.components[0]) if mark.components else context.id(f"f{mark.findings[0]}")
    read_as = ", ".join(named(component) for component in mark.components) or "finding"
    name = f"{number}: {read_as}: {shorten(mark.quote.text, 200)}"
    tag = element("span", {"class": "tag", "aria-hidden": "true"}, str(number))
    return element("a", {"class": kind, "style": style, "id": mark.id, "href": f"#{target}", "aria-label": name}, tag)


def _listed(context: Context, mark: Mark, painted: set[str]) -> Html:
    """The box in words; where there was nothing to draw a box around, the target of its links."""
    id_ = None if mark.id in painted else mark.id
    painted.add(mark.id)
    return element("li", {"id": id_}, labels(context, [mark]), element("q", {}, shorten(mark.quote.text, 200)))
