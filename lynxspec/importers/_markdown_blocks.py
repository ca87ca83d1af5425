"""The blocks of Markdown, and of plain text, which is nearly Markdown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from markdown_it.token import Token

from lynxspec.importers._decode import even
from lynxspec.importers._header_rows import MAX_COLUMNS
from lynxspec.importers._inline import inline, inline_lines
from lynxspec.importers._markdown_tokens import DEEPEST, block_tokens
from lynxspec.importers._pipes import is_framed, is_rule, split
from lynxspec.importers._surroundings import around_tables, is_caption
from lynxspec.sheet import Block, Code, Heading, Prose, Table, Text

_FRONT_MATTER = re.compile(r"\s*^---[ \t]*\n(.{0,200000}?)^(?:---|\.\.\.)[ \t]*$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"^[\w-]+[ \t]*:", re.MULTILINE)
_DESTINATION = r"(?:[a-z][a-z+.-]{1,15}:|/|\.{1,2}/|#|www\.)"
_DEFINITION = re.compile(
    rf"^[ ]{{0,3}}\[([^\[\]\n^][^\[\]\n]{{0,200}})\]:[ \t]*<?{_DESTINATION}", re.MULTILINE | re.IGNORECASE
)
_LINK_DEFINITION = re.compile(
    rf"\[[^\[\]\n^][^\[\]\n]{{0,200}}\]:\s*<?{_DESTINATION}\S*(?:\s+[\"'(].*)?$", re.IGNORECASE
)
_NOTE_LINE = re.compile(
    r"(?:_?<a\s[^<>]{0,200}>)?\[\^?[\w*†‡-]{1,16}\](?:</a>)?:|\\\*|[†‡§¹²³]|\(\*{1,3}\)|\*{1,3}\s|<sup>[^<>]{1,8}</sup>"
)
_LOOSE_NOTE_LINE = re.compile(r"\[\d{1,3}\]\s")
_MARKED = re.compile(r"\[(\w[\w-]{0,15}|[*†‡§¶]{1,4})\](:?)\s*(?=\S)|([*]{1,4}|[†‡§¶]{1,3})\s*(?=\w)")
_KEY_LINE = re.compile(r"(?:\*\*|__)?[^\W\d][\w /()+.-]{0,40}?(?:\*\*|__)?[:：](?:\*\*|__)?\s+\S")
_SENTENCE_BREAK = re.compile(r"[.!?:。！？]  $")
_ADMONITION = re.compile(r"\[!\w{1,20}\]\s*")
_LINE_FEED = re.compile("\n")
_DIRECTIVE = re.compile(r":{3,}")
_TABLE_TAG = re.compile(r"<(?:table\b|(/table\s{0,9}>))", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
_TAG_LINE = re.compile(r"(?:<[^<>]*>\s*)+")
_PLAIN_FENCES = frozenset({"", "text", "txt", "plain", "plaintext", "console", "log", "output", "markdown", "md"})
_LOOKS_LIKE_CODE = re.compile(
    r"^[ \t]*(?:[$>#][ \t]|import |from \S+ import |def |[\w./-]+[ \t]+--?\w|[\w.]+[ \t]*=[ \t]*\S)"
    r"|[{};][ \t]*$|\w\([^()\n]{0,200}\)",
    re.MULTILINE,
)
_LONGEST_UNDERLINED = 120
_BLOCKS = frozenset({"paragraph_open", "heading_open", "fence", "code_block", "html_block", "hr"})


def blocks(text: str, *, told: list[str] | None = None) -> tuple[Block, ...]:
    """The blocks of a text in Markdown; what could not be read is ``told``."""
    plain = even(text)
    reader = MarkdownReader(text, plain)
    reader.read(reader.front_matter(), len(text))
    if told is not None:
        told += reader.notes
    return around_tables(reader.blocks, plain, reader.ordinals)


class MarkdownReader:
    """Reads ranges of one text into blocks."""

    def __init__(self, text: str, plain: str, *, indented_code: bool = True) -> None:
        """``plain`` is ``text`` with even line ends; with ``indented_code`` what is indented is code."""
        self.text = text
        self.plain = plain
        self.indented_code = indented_code
        self.labels: Collection[str] = (
            frozenset(found[1].lower() for found in _DEFINITION.finditer(plain)) if "]:" in plain else ()
        )
        self.blocks: list[Block] = []
        self.ordinals: dict[int, str] = {}
        """Marks of list items, by index of the block."""
        self.notes: list[str] = []
        self._starts: list[int] = []
        self._containers: list[str] = []
        self._quotes = 0
        self._ordinal = ""
        self._rows: list[tuple[int, int]] = []
        """Lines of bars only, which may go on behind a blank line."""
        self._resume = 0
        """Line from which tokens count again."""
        self._tables: dict[int, int] | None = None

    def front_matter(self) -> int:
        """Read the metadata at the top, if there is any; returns where the text behind it starts."""
        found = _FRONT_MATTER.match(self.plain)
        if found is None or not _KEY.search(found[1]):
            return 0
        start, end = found.span(1)
        self._add_code(start, max(start, end - 1), "yaml", front_matter=True)
        return found.end()

    def read(self, start: int, end: int) -> None:
        """Add the blocks between two offsets."""
        tokens = block_tokens(self.plain[start:end])
        self._starts = [start, *[found.end() for found in _LINE_FEED.finditer(self.plain, start, end)], end + 1]
        self._resume = 0
        deepest = 0
        for i, token in enumerate(tokens):
            kind = token.type
            deepest = max(deepest, token.level)
            if token.nesting < 0:
                self._leave(kind)
            elif token.nesting > 0 and kind in {"blockquote_open", "list_item_open"}:
                self._enter(token)
            elif kind in _BLOCKS and token.map and token.map[0] >= self._resume:
                self._block(token, tokens[i + 1] if token.nesting > 0 else token)
        self._flush()
        if deepest >= DEEPEST - 1:
            self.notes.append(f"quotes or lists nested more than {DEEPEST} deep were left out")

    def _enter(self, token: Token) -> None:
        self._flush()
        self._containers.append(token.type)
        if token.type == "blockquote_open":
            self._quotes += 1
        else:
            self._ordinal = token.info or token.markup

    def _leave(self, kind: str) -> None:
        if kind in {"blockquote_close", "list_item_close"}:
            self._flush()
            self._containers.pop()
            self._quotes -= kind == "blockquote_close"

    def _block(self, token: Token, content: Token) -> None:
        """One block; ``content`` is the token that holds its words."""
        kind = token.type
        if kind == "paragraph_open":
            self._paragraph(self._lines(content))
            return
        self._flush()  # a rule ("hr") ends a table and says nothing
        if kind == "heading_open":
            self._heading(token, content)
        elif kind in {"fence", "code_block"}:
            self._code(token)
        elif kind == "html_block":
            self._html(token)

    def _line(self, number: int) -> tuple[int, int]:
        return self._starts[number], self._starts[number + 1] - 1

    def _lines(self, token: Token) -> list[tuple[int, int]]:
        """Where the lines of a token's content stand, without what its containers put before them."""
        lines: list[tuple[int, int]] = []
        first = token.map[0] if token.map else 0
        for number, content in enumerate(token.content.split("\n"), first):
            words = content.strip(" \t")
            if not words:
                continue
            start, end = self._line(number)
            place = self.plain.rfind(words, start, end)
            if place >= 0:
                lines.append((place, place + len(words)))
        return lines

    def _words(self, lines: Sequence[tuple[int, int]]) -> Text:
        if self._quotes and len(lines) > 1:
            return inline_lines(self.plain, lines, labels=self.labels)
        return inline(self.plain, lines[0][0], lines[-1][1], labels=self.labels)

    def _heading(self, token: Token, content: Token) -> None:
        lines = self._lines(content)
        if not lines:
            return
        if token.markup in {"-", "="} and (len(lines) > 1 or lines[0][1] - lines[0][0] > _LONGEST_UNDERLINED):
            self._paragraph(lines)  # a rule below a paragraph or a table, drawn without a blank line
            self._flush()
        elif words := self._words(lines):
            self.blocks.append(Heading(text=words, level=int(token.tag[1])))

    def _paragraph(self, lines: list[tuple[int, int]]) -> None:
        """Prose and tables."""
        if not lines:
            return
        strings = [self.plain[start:end] for start, end in lines]
        if all(string[0] in "|+" and (is_framed(string) or is_rule(string)) for string in strings):
            if self._rows and not self._goes_on(strings):
                self._flush()
            self._rows += lines
            return
        self._flush()
        self._split(lines)

    def _goes_on(self, strings: Sequence[str]) -> bool:
        """Whether lines of bars belong to the table above the blank line: as many cells, and no rule of their own."""
        above = [self.plain[start:end] for start, end in self._rows[:2]]
        ruled = any(is_rule(string) for string in above)
        if len(strings) > 1 and is_rule(strings[1]) and (ruled or len(self._rows) > 1):
            return False
        return strings[0].count("|") == above[0].count("|") or (is_rule(strings[0]) and not ruled)

    def _flush(self) -> None:
        """Add the table that was going on."""
        if self._rows:
            rows, self._rows = self._rows, []
            self._split(rows)

    def _split(self, lines: Sequence[tuple[int, int]]) -> None:
        if not any("|" in self.plain[start:end] for start, end in lines):
            self._prose(lines)
            return
        parts = list(split(self.plain, lines, labels=self.labels))
        for part, behind in zip(parts, [*parts[1:], None], strict=False):
            if isinstance(part, Table):
                self._add_table(part)
            else:
                self._prose(part, above_table=isinstance(behind, Table))

    def _add_table(self, table: Table) -> None:
        if table.rows and len(table.rows[0].cells) >= MAX_COLUMNS:
            self.notes.append(f"a table of more than {MAX_COLUMNS} columns was cut short")
        self.blocks.append(table)

    def _prose(self, lines: Sequence[tuple[int, int]], *, above_table: bool = False) -> None:
        for group in self._groups(lines, above_table=above_table):
            words = self._words(group)
            if self._quotes and (admonition := _ADMONITION.match(words.text)):
                words = words.slice(admonition.end(), len(words.text))
            if words:
                self._add_prose(words)

    def _add_prose(self, words: Text) -> None:
        kind = self._containers[-1] if self._containers else ""
        mark = _MARKED.match(words.text) if words.text[0] in "[*†‡§¶" else None
        is_note = self.plain.startswith("[^", words.start) or (
            mark is not None and (mark[2] or mark[3] or mark[1].isdecimal()) and len(mark[1] or "") <= 3
        )
        if mark and is_note:
            rest = words.slice(mark.end(), len(words.text))
            self.blocks.append(Prose(text=rest, kind="footnote", mark=mark[1] or mark[3]))
        elif kind == "list_item_open":
            self.ordinals[len(self.blocks)] = self._ordinal
            self.blocks.append(Prose(text=words, kind="item"))
        else:
            self.blocks.append(Prose(text=words, kind="quote" if kind else "paragraph"))

    def _groups(self, lines: Sequence[tuple[int, int]], *, above_table: bool) -> Iterator[list[tuple[int, int]]]:
        """The lines of a paragraph, parted where a footnote begins, and where lines are items of their own."""
        plain = self.plain
        keyed = len(lines) > 1 and all(_KEY_LINE.match(plain, *line) for line in lines)
        loose = bool(_LOOSE_NOTE_LINE.match(plain, *lines[0]))
        group: list[tuple[int, int]] = []
        for number, (start, end) in enumerate(lines):
            if plain[start] == "[" and _LINK_DEFINITION.match(plain, start, end):
                continue
            if plain[start] == ":" and _DIRECTIVE.match(plain, start, end):
                if group:
                    yield group
                group = []
                continue
            is_last = above_table and number == len(lines) - 1
            parted = (
                keyed
                or _NOTE_LINE.match(plain, start, end)
                or (loose and _LOOSE_NOTE_LINE.match(plain, start, end))
                or (group and _SENTENCE_BREAK.match(self.text[group[-1][1] - 1 : group[-1][1] + 2]))
                or (is_last and group and is_caption(plain, self._words([(start, end)])))
            )
            if group and parted:
                yield group
                group = []
            group.append((start, end))
        if group:
            yield group

    def _code(self, token: Token) -> None:
        """Code; where it is no program, a table that is drawn in it is a table."""
        if token.map is None:
            return
        is_fence = token.type == "fence"
        if not is_fence and not self.indented_code and not _LOOKS_LIKE_CODE.search(token.content):
            self._paragraph(self._lines(token))
            self._flush()
            return
        contents = token.content.split("\n")
        if contents and not contents[-1]:
            contents.pop()
        lines: list[tuple[int, int]] = []
        for number, content in enumerate(contents, token.map[0] + is_fence):
            start, end = self._line(number)
            lines.append((max(start, end - len(content)), end))
        if not lines:
            return
        language = (token.info.split() or [""])[0].strip("{}.").lower() if is_fence else ""
        if language in _PLAIN_FENCES and self._drawn(lines, language):
            return
        self._add_code_lines(lines, language)

    def _drawn(self, lines: Sequence[tuple[int, int]], language: str) -> bool:
        """Add code that holds a table with a rule as its parts; whether it was such."""
        stretches = [
            (start + len(line) - len(line.lstrip()), start + len(line.rstrip()))
            for start, line in ((start, self.plain[start:end]) for start, end in lines)
        ]
        if not any(is_rule(self.plain[start:end]) for start, end in stretches):
            return False
        for part in split(self.plain, stretches, labels=self.labels):
            if isinstance(part, Table):
                self._add_table(part)
            elif any(end > start for start, end in part):
                self._add_code_lines(part, language)
        return True

    def _add_code_lines(self, lines: Sequence[tuple[int, int]], language: str) -> None:
        """Code whose lines stand there, each behind what its containers put before it."""
        if all(before[1] + 1 == after[0] for before, after in pairwise(lines)):
            self._add_code(lines[0][0], lines[-1][1], language)
            return
        at: list[int] = []
        for start, end in lines:
            at += range(start, end + 1)
        at.pop()
        characters = [self.text[offset] if offset < len(self.text) else "\n" for offset in at]
        kept = [i for i, character in enumerate(characters) if character != "\r"]
        words = Text("".join(characters[i] for i in kept), [at[i] for i in kept])
        self.blocks.append(Code(text=words, language=language))

    def _add_code(self, start: int, end: int, language: str, *, front_matter: bool = False) -> None:
        while end > start and self.text[end - 1] == "\r":
            end -= 1
        string = self.text[start:end]
        words = Text(string, range(start, end))
        if "\r" in string:
            at = [start + i for i, character in enumerate(string) if character != "\r" or string[i + 1 : i + 2] != "\n"]
            words = Text("".join(self.plain[i] if self.text[i] == "\r" else self.text[i] for i in at), at)
        if words:
            self.blocks.append(Code(text=words, language=language, front_matter=front_matter))

    def _html(self, token: Token) -> None:
        """A block of HTML, up to the end of the table that begins in it."""
        if token.map is None:
            return
        first, last = token.map
        start, end = self._starts[first], min(self._starts[last], self._starts[-1] - 1)
        raw = self.plain[start:end]
        if raw.lstrip().lower().startswith(("<script", "<style")):
            return
        opening = _TABLE_TAG.search(raw)
        if opening:
            end = max(end, self._table_end(start + opening.start()))
            self._resume = bisect_right(self._starts, end - 1)
        elif self._quotes or self._has_bars(raw):
            lines = [line for line in self._lines(token) if not _TAG_LINE.fullmatch(self.plain, *line)]
            self._paragraph(lines)
            self._flush()
            return
        elif "alt=" not in raw and not _without_tags(raw):
            return
        from lynxspec.importers import html  # noqa: PLC0415 - only where there is HTML

        self.blocks += html.blocks(self.text, start, end)

    @staticmethod
    def _has_bars(raw: str) -> bool:
        """Whether a pipe table stands directly below a tag."""
        if "|" not in raw or "--" not in raw:
            return False
        return any(is_rule(line.strip()) for line in raw.split("\n"))

    def _table_end(self, start: int) -> int:
        """Where the table ends whose tag starts there, tables in it included; blank lines do not end it."""
        if self._tables is None:
            self._tables, open_tags = {}, []
            for tag in _TABLE_TAG.finditer(self.plain):
                if not tag[1]:
                    open_tags.append(tag.start())
                elif open_tags:
                    self._tables[open_tags.pop()] = tag.end()
        return min(self._tables.get(start, 0), self._starts[-1] - 1)


def _without_tags(raw: str) -> str:
    """What is left of HTML for its reader."""
    if raw.lstrip().startswith("<!--"):
        raw = raw.partition("-->")[2]
    return _ANY_TAG.sub("", raw).strip()
