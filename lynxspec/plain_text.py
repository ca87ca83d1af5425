"""Words of others on a terminal: made visible, so that a document cannot move the cursor or hide a line."""

from __future__ import annotations

import re

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Control characters, zero-width characters, line separators, bidirectional overrides and lone surrogates."""


def visible(text: str, *, newlines: bool = False) -> str:
    """Spell out characters that act instead of showing; line feeds stay only on request."""
    return _UNSEEN.sub(lambda match: match[0] if newlines and match[0] == "\n" else _spelled(match[0]), text)


def _spelled(character: str) -> str:
    """Spell the character as an escape of Python's."""
    return character.encode("unicode_escape").decode("ascii")


def shorten(text: str, width: int) -> str:
    """Cut ``text`` down to one line of at most ``width`` characters."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
