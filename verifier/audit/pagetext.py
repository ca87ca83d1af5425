"""The words on the pages of a PDF as `render` draws them: glyphs through the fonts' own maps, in drawing order."""

from __future__ import annotations

import re
from typing import Any

from verifier.errors import RecordRejected

_TOKEN = re.compile(rb"/(\S+)\s+[-0-9.]+\s+Tf|<([0-9a-fA-F\s]*)>|\((?:[^()\\]|\\.)*\)|/(\S+)\s+Do\b")
_PAIR = re.compile(rb"<([0-9a-f]{4})>\s*<([0-9a-f]+)>", re.IGNORECASE)
MAX_FORMS = 8
"""Deepest nesting of drawings within drawings."""


def _map(font: Any) -> dict[int, str]:  # noqa: ANN401 - pyHanko's objects
    """Glyph to text, from the font's ToUnicode map."""
    data = font["/ToUnicode"].data
    return {int(g, 16): bytes.fromhex(t.decode()).decode("utf-16-be", "replace") for g, t in _PAIR.findall(data)}


def _words(stream: Any, resources: Any, fonts: dict[str, dict[int, str]], depth: int) -> str:  # noqa: ANN401
    if depth > MAX_FORMS:
        raise RecordRejected("drawings are nested too deep", "pages-nesting")
    glyphs: dict[int, str] = {}
    parts: list[str] = []
    for token in _TOKEN.finditer(stream.data):
        if token[1] is not None:
            glyphs = fonts.get("/" + token[1].decode("latin-1"), {})
        elif token[2] is not None:
            text = b"".join(token[2].split())
            parts.extend(glyphs.get(int(text[i : i + 4], 16), "\ufffd") for i in range(0, len(text) - 3, 4))
        elif token[3] is not None:
            form = resources["/XObject"]["/" + token[3].decode("latin-1")]
            parts.append(_words(form, form["/Resources"] if "/Resources" in form else resources, fonts, depth + 1))
    return "".join(parts)


def page_texts(reader: Any) -> tuple[str, ...]:  # noqa: ANN401 - a pyHanko reader
    """Text of each page, without white space."""
    texts, fonts = [], {}
    pages = reader.root["/Pages"]["/Kids"]
    for page in (pages[index] for index in range(len(pages))):
        resources = page["/Resources"]
        for name in resources["/Font"]:
            if name not in fonts:
                fonts[name] = _map(resources["/Font"][name])
        texts.append("".join(_words(page["/Contents"], resources, fonts, 0).split()))
    return tuple(texts)
