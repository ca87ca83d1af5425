"""The words on the pages of a PDF as `render` draws them: glyphs through the fonts' own maps, in drawing order."""

from __future__ import annotations

import re
from typing import Any

from verifier.errors import RecordRejected

_TOKEN = re.compile(
    rb"/([^\s/]{1,127})\s{1,9}[-0-9.]{1,40}\s{1,9}Tf|<([0-9a-fA-F\s]*)>|\((?:[^()\\]|\\.)*\)|/([^\s/]{1,127})\s{1,9}Do\b"
)
_PAIR = re.compile(rb"<([0-9a-f]{4})>\s*<([0-9a-f]+)>", re.IGNORECASE)
MAX_DEPTH = 8
"""Deepest nesting of drawings within drawings."""
MAX_DRAWINGS = 20_000
"""Most drawings on all pages together: drawings that draw each other grow without end."""


def _map(font: Any) -> dict[int, str]:  # noqa: ANN401 - pyHanko's objects
    """Glyph to text, from the font's ToUnicode map."""
    data = font["/ToUnicode"].data
    return {int(g, 16): bytes.fromhex(t.decode()).decode("utf-16-be", "replace") for g, t in _PAIR.findall(data)}


class _Words:
    """Reads content streams with the fonts of one document."""

    def __init__(self) -> None:
        self.fonts: dict[str, dict[int, str]] = {}
        self.drawings = 0

    def of(self, stream: Any, resources: Any, depth: int = 0) -> str:  # noqa: ANN401
        """Words that ``stream`` draws."""
        self.drawings += 1
        if depth > MAX_DEPTH or self.drawings > MAX_DRAWINGS:
            raise RecordRejected("the pages draw without end", "pages-nesting")
        glyphs: dict[int, str] = {}
        parts: list[str] = []
        for token in _TOKEN.finditer(stream.data):
            if token[1] is not None:
                glyphs = self.fonts.get("/" + token[1].decode("latin-1"), {})
            elif token[2] is not None:
                text = b"".join(token[2].split())
                parts.extend(glyphs.get(int(text[i : i + 4], 16), "\ufffd") for i in range(0, len(text) - 3, 4))
            elif token[3] is not None:
                form = resources["/XObject"]["/" + token[3].decode("latin-1")]
                own = form["/Resources"] if "/Resources" in form else resources  # noqa: SIM401 - `get` does not resolve
                parts.append(self.of(form, own, depth + 1))
        return "".join(parts)


def page_texts(reader: Any) -> tuple[str, ...]:  # noqa: ANN401 - a pyHanko reader
    """Text of each page, without white space."""
    words, texts = _Words(), []
    pages = reader.root["/Pages"]["/Kids"]
    for page in (pages[index] for index in range(len(pages))):
        resources = page["/Resources"]
        for name in resources["/Font"]:
            if name not in words.fonts:
                words.fonts[name] = _map(resources["/Font"][name])
        texts.append("".join(words.of(page["/Contents"], resources).split()))
    return tuple(texts)
