"""From what was read off an HTML page to its blocks: the site's own go, footnotes and captions find their tables."""

from __future__ import annotations

import re

from lynxspec.importers._footnotes import leading_mark, with_notes
from lynxspec.importers._html_page import Page
from lynxspec.importers._html_tables import Entry, captioned
from lynxspec.importers._html_text import code
from lynxspec.sheet import Block, Code, Heading, Prose, Text

_PERMALINK = re.compile(r"\s*[¶🔗]$|(?<=\S)\s+#$")
_WAY_BACK = re.compile(r"[\s↩↑⤴^]+$")


def blocks_of(page: Page) -> tuple[Block, ...]:
    """All blocks of a page that was read, in reading order."""
    entries = captioned(page.writer.sinks[0], lambda entry: page.read(page.text, entry.pieces))
    if any(not entry.chrome and entry.kind != "alt" for entry in entries):
        entries = [entry for entry in entries if not entry.chrome or (entry.prose == "footnote" and entry.mark)]
    found: list[Block] = []
    ordinals: dict[int, str] = {}
    if page.title is not None and not any(entry.kind == "heading" and entry.level == 1 for entry in entries):
        title = page.read(page.text, [page.title])
        if title:
            found.append(Heading(text=title, level=1))
    for entry in entries:
        block = _block(page, entry)
        if block is None:
            continue
        if entry.ordinal:
            ordinals[len(found)] = entry.ordinal
        found.append(block)
    return with_notes(found, ordinals)


def _block(page: Page, entry: Entry) -> Block | None:
    """What an entry comes to; ``None`` if there is nothing to read."""
    if entry.block is not None:
        return entry.block
    if entry.kind == "code":
        written = code(page.text, entry.pieces)
        return Code(text=written, language=entry.language) if written else None
    text = page.read(page.text, entry.pieces)
    if entry.kind == "heading":
        text = _without(text, _PERMALINK)
        return Heading(text=text, level=entry.level) if text else None
    if entry.kind == "alt":
        return Prose(text=text, kind="caption") if text else None
    return _prose(text, entry)


def _prose(text: Text, entry: Entry) -> Prose | None:
    mark = entry.mark
    if entry.prose == "footnote":
        text = _without(text, _WAY_BACK)
        found = leading_mark(text.text)
        if not mark and found is not None and found[2]:
            mark, text = found[0], text.slice(found[1], len(text.text))
        mark = mark or entry.ordinal
    return Prose(text=text, kind=entry.prose, mark=mark) if text else None


def _without(text: Text, tail: re.Pattern[str]) -> Text:
    match = tail.search(text.text[-20:])
    return text.slice(0, len(text.text) - len(match[0])) if match else text
