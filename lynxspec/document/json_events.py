"""JSON text (RFC 8259) as the same stream of events that YAML gives, so that one set of limits watches both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from lynxspec.errors import HostileInput, UnreadableInput

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"')
_WORD = re.compile(
    r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.+-])|(?:true|false|null)(?!\w)", re.ASCII
)
_NON_FINITE = re.compile(r"-?(?:NaN|Infinity)\b")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")

_PLAIN, _QUOTED = (True, False), (False, True)


class _Mark(NamedTuple):
    """A position as ruamel's marks count: from 0."""

    line: int
    column: int


def json_events(text: str, *, source: str) -> Iterator[Any]:
    """Events of ``text``; what is not JSON ends with `UnreadableInput` and its place."""
    return _Scanner(text, source).events()


class _Scanner:
    """A cursor in the text; the open brackets are a list, so that nesting costs no stack."""

    __slots__ = ("at", "line", "line_start", "source", "text")

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.at = 0
        self.line = 0
        self.line_start = 0

    def events(self) -> Iterator[Any]:
        """One value, then nothing."""
        brackets: list[str] = []
        self.skip()
        while True:
            character = self.text[self.at : self.at + 1]
            if character in {"{", "["} and character:
                yield self.open(character)
                brackets.append(character)
                self.skip()
                closed = self.text.startswith("}" if character == "{" else "]", self.at)
                if not closed:
                    if character == "{":
                        yield self.key()
                    continue
            else:
                yield self.scalar()
                self.skip()
                closed = False
            # after a value: close what ends here, then a comma, or the end of the text
            while brackets:
                mapping = brackets[-1] == "{"
                end = "}" if mapping else "]"
                if not closed and self.text.startswith(",", self.at):
                    self.at += 1
                    self.skip()
                    if mapping:
                        yield self.key()
                    break
                if not self.text.startswith(end, self.at):
                    self.fail(f"expected ',' or '{end}'")
                yield self.close(mapping=mapping)
                brackets.pop()
                self.skip()
                closed = False
            else:
                if self.at != len(self.text):
                    self.fail("expected the end of the file after the document")
                return

    def skip(self) -> None:
        """Go past white space and count its lines."""
        end = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # it matches the empty text, too
        breaks = self.text.count("\n", self.at, end)
        if breaks:
            self.line += breaks
            self.line_start = self.text.rfind("\n", self.at, end) + 1
        self.at = end

    def mark(self, at: int) -> _Mark:
        """Position of offset ``at`` on the current line."""
        return _Mark(self.line, at - self.line_start)

    def open(self, bracket: str) -> Any:  # noqa: ANN401 - ruamel's events carry no types
        """Start of an object or an array."""
        start = self.mark(self.at)
        self.at += 1
        kind = MappingStartEvent if bracket == "{" else SequenceStartEvent
        return kind(None, None, True, start_mark=start, end_mark=self.mark(self.at), flow_style=True)

    def close(self, *, mapping: bool) -> Any:  # noqa: ANN401 - as above
        """End of an object or an array."""
        start = self.mark(self.at)
        self.at += 1
        kind = MappingEndEvent if mapping else SequenceEndEvent
        return kind(start_mark=start, end_mark=self.mark(self.at))

    def key(self) -> Any:  # noqa: ANN401 - as above
        """A name and its colon."""
        if not self.text.startswith('"', self.at):
            self.fail("expected a key in double quotes")
        event = self.scalar()
        self.skip()
        if not self.text.startswith(":", self.at):
            self.fail("expected ':' after the key")
        self.at += 1
        self.skip()
        return event

    def scalar(self) -> Any:  # noqa: ANN401 - as above
        """Text, a number, or a word."""
        start = self.mark(self.at)
        quoted = self.text.startswith('"', self.at)
        match = (_STRING if quoted else _WORD).match(self.text, self.at)
        if match is None:
            self.refuse_scalar(quoted=quoted)
        value = self.unescape(match[1]) if quoted else match[0]
        self.at = match.end()
        implicit = _QUOTED if quoted else _PLAIN
        style = '"' if quoted else None
        return ScalarEvent(None, None, implicit, value, start_mark=start, end_mark=self.mark(self.at), style=style)

    def unescape(self, words: str) -> str:
        """Escapes resolved; halves of a surrogate pair are joined, and one alone is no character."""
        if "\\" not in words:
            return words
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _SHORT.get(m[2], m[2]), words)
        if _SURROGATE.search(text):
            try:
                text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
            except UnicodeDecodeError:
                self.fail("half of a surrogate pair is no character")
        return text

    def refuse_scalar(self, *, quoted: bool) -> NoReturn:
        """Say which of the many ways of not being a value this is."""
        non_finite = _NON_FINITE.match(self.text, self.at)
        if non_finite:
            raise HostileInput(
                f"{self.where()}: {non_finite[0]}, which is not a finite number, is not allowed",
                hint="leave it out or say why it is unknown",
            )
        if self.at == len(self.text):
            self.fail("the file ends where a value is expected")
        self.fail("text without closing quote, or with a raw control character" if quoted else "expected a value")

    def where(self) -> str:
        """Source, line and column of the cursor."""
        return f"{self.source}:{self.line + 1}:{self.at - self.line_start + 1}"

    def fail(self, problem: str) -> NoReturn:
        """End with the place."""
        cut = " (the file ends here)" if self.at >= len(self.text) else ""
        raise UnreadableInput(
            f"{self.where()}: not valid JSON: {problem}{cut}",
            hint="check brackets, commas and quotes there; a file that was cut off ends like this",
        )
