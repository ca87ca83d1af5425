"""The block tokens of Markdown, by markdown-it-py with only the rules that a text has any use for."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

DEEPEST = 20
"""Quotes and lists in each other; markdown-it leaves out what stands deeper."""


@cache
def _parser(*idle: str) -> MarkdownIt:
    """The block rules of CommonMark without inline rules, tables and link definitions, which are read here."""
    return MarkdownIt("commonmark", {"maxNesting": DEEPEST}).disable(["reference", *idle])


_MARKS = {
    "html_block": ("<",),
    "blockquote": (">",),
    "fence": ("```", "~~~"),
    "heading": ("#",),
    "code": ("    ", "\t"),
}
"""Rules that are asked at every line, and what a text must hold for any of them to apply."""

_FORMS = {
    "list": re.compile(r"^[ \t>]*(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)", re.MULTILINE),
    "hr": re.compile(r"([-*_])[ \t]*\1[ \t]*\1[ \t]*$", re.MULTILINE),
    "lheading": re.compile(r"[-=][ \t]*$", re.MULTILINE),
}
"""More of them, with what a line looks like where they apply."""


def block_tokens(text: str) -> list[Token]:
    """The blocks of a text with even line ends; what stands between them is not read."""
    tokens: list[Token] = []
    parser = _parser(*_idle(text))
    parser.block.parse(text, parser, {}, tokens)
    return tokens


def _idle(text: str) -> list[str]:
    """The rules that find nothing in a text: asking each of them at every line takes a good part of the time."""
    idle = [rule for rule, marks in _MARKS.items() if not any(mark in text for mark in marks)]
    return idle + [rule for rule, form in _FORMS.items() if form.search(text) is None]
