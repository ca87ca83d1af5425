"""HTML as a run of tags and text with offsets, found in one linear pass; after the WHATWG standard, section 13.2.5.

What a browser drops is dropped: comments, declarations, scripts, style sheets, a tag that the end of the file cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple


class Token(NamedTuple):
    """A stretch of the source."""

    kind: Literal["text", "open", "close", "title"]
    """``title`` is the text of a title element."""
    name: str
    """Of a tag, in lower case."""
    start: int
    end: int
    closed: bool = False
    """Whether an opening tag ends in ``/>``."""


_MARKUP = re.compile(r"<(?:/?[a-zA-Z]|[!?/])")

_NAME = re.compile(r"[^\s/>]{1,40}")

# the quotes that the source forgot to close make no value
_ATTRIBUTE = re.compile(
    r"[\s/]*(?P<name>[^\s/>][^\s/>=]*)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s>\"'][^\s>]*))?)?"
)

_MAX_ATTRIBUTES = 64
"""Of a tag; the rest of it is passed over."""

_END_OF = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp")
}
"""Elements whose content is no markup."""


def tokens(text: str, start: int, end: int) -> Iterator[Token]:
    """All tags and texts from ``start`` to before ``end``."""
    position = start
    endless: set[str] = set()
    while position < end:
        found = _MARKUP.search(text, position, end)
        if found is None:
            yield Token("text", "", position, end)
            return
        at = found.start()
        if at > position:
            yield Token("text", "", position, at)
        sign = text[at + 1]
        if sign in "!?" or (sign == "/" and len(found[0]) < 3):
            position = _behind_comment(text, at, end)
            continue
        first = at + 2 if sign == "/" else at + 1
        name = _NAME.match(text, first, end)
        position = _behind_tag(text, name.end(), end) if name else -1
        if name is None or position < 0:
            return
        token = Token("close" if sign == "/" else "open", name[0].lower(), at, position, text[position - 2] == "/")
        yield token
        if token.kind == "open" and token.name in _END_OF:
            inner = position
            position = _behind_raw(text, token, end, endless)
            if token.name == "title" and position > inner:
                yield Token("title", "title", inner, position)


def _behind_raw(text: str, token: Token, end: int, endless: set[str]) -> int:
    """Where the end tag of a script or its like starts; the end of the file where there is none.

    ``endless`` are the elements that no end tag follows any more: they are looked for once.
    """
    found = None if token.name in endless else _END_OF[token.name].search(text, token.end, end)
    if found is not None:
        return found.start()
    endless.add(token.name)
    if token.closed:
        return token.end
    if token.name != "title":
        return end
    # a title is one line; a file that forgot to close it still has a body
    bracket = text.find("<", token.end, end)
    return bracket if bracket >= 0 else end


def _behind_comment(text: str, at: int, end: int) -> int:
    if text.startswith("<!--", at):
        if text.startswith((">", "->"), at + 4):
            return text.index(">", at + 4) + 1
        close, length = text.find("-->", at + 4, end), 3
    else:
        close, length = text.find(">", at, end), 1
    return close + length if close >= 0 else end


def _behind_tag(text: str, position: int, end: int) -> int:
    """Offset behind the tag whose name ends at ``position``, or -1 if the text ends first."""
    close = text.find(">", position, end)
    if close < 0:
        return -1
    if text.find('"', position, close) < 0 and text.find("'", position, close) < 0:
        return close + 1
    while match := _ATTRIBUTE.match(text, position, end):
        position = match.end()
    close = text.find(">", position, end)
    return close + 1 if close >= 0 else -1


def attributes(text: str, token: Token) -> dict[str, tuple[int, int]]:
    """Attributes of an opening tag, by name in lower case, with the stretch of each value."""
    position, end = token.start + 1 + len(token.name), token.end - 1
    if token.kind != "open" or position >= end:
        return {}
    found: dict[str, tuple[int, int]] = {}
    while len(found) < _MAX_ATTRIBUTES and (match := _ATTRIBUTE.match(text, position, end)):
        value = match.span(match.lastgroup or "name")
        if match.lastgroup == "name":
            value = (match.end(), match.end())
        found.setdefault(match["name"][:40].lower(), value)
        position = match.end()
    return found
