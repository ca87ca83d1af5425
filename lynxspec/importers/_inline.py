"""Readable text of a slice of markup (Markdown, reStructuredText, stray HTML), each character tied to its source."""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from html import unescape

from lynxspec.importers._characters import BLANKS, CONTROLS, ODD, ODD_ONE, RAISED_RUN, folded
from lynxspec.importers._html_marks import read_raised
from lynxspec.sheet import EMPTY, Text

_PLAIN_TOKEN = re.compile(f"[ {BLANKS}]{{2,}}|[{BLANKS}]|[{ODD}]")
_TOKEN = re.compile(rf"[ {BLANKS}]{{2,}}|[{BLANKS}]|\*+|_+|~~|`+|\\|!?\[|\]|<|&|[{ODD}]")
_SPECIAL = {
    (True, True): re.compile(rf"[*`\\\[<&\t\n\r\x0b\x0c\x1c-\x1f{CONTROLS}]"),
    (True, False): re.compile(rf"[*`\\\[<&{BLANKS}{ODD}]"),
    (False, True): re.compile(rf"[\t\n\r\x0b\x0c\x1c-\x1f{CONTROLS}]"),
    (False, False): re.compile(f"[{BLANKS}{ODD}]"),
}
"""What a slice must not hold to be read as it stands; by markup or not, ASCII or not."""
_LOOSE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")

_POWER_OF = re.compile(r"(?:[x×*·⋅]\s?10|\d\s?e10|(?:^|[\d\s(/·])(?:[munckd]?m|s|in|ft))\Z")
_TEN = re.compile(r"(?:^|[^\d.,\w])10\Z")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*|/)?>")
_ALTERNATIVE = re.compile(r"""\salt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^\s<>]*|[^\s<>@]+@[^\s<>]+)>")
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")
_DESTINATION = re.compile(
    r"""\(\s*(?:<[^<>\n]*>|[^\s()<>]*+(?:\([^\s()<>]*\)[^\s()<>]*+)*)(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)"""
    r"|\((?:https?:|[./#])[^\s()]*\Z"  # cut in the middle
)
_LABEL = re.compile(r"\[([^\[\]]{0,200})\]")
_FOOTNOTE = re.compile(r"\^[\w-]{1,30}\Z")
_ROLE = re.compile(r"(?:^|(?<=[\s(]))(?::[A-Za-z][\w.+-]{0,40}){1,3}:\Z")
_TARGET = re.compile(r"\s*<[^<>]*>\s*\Z")
_COMMAND = re.compile(r"\\([A-Za-z]{2,12})")
_COMMANDS = {"times": "×", "pm": "±", "approx": "≈", "sim": "~", "to": "→", "rightarrow": "→", "leq": "≤", "geq": "≥"}
"""What is left of formulas in running text."""

_BREAKING_TAGS = re.compile(
    r"br|p|div|li|t[dhr]|hr|[uod]l|d[td]|table|thead|tbody|caption|h[1-6]|pre|blockquote|section", re.IGNORECASE
)
_SILENT_TAGS = re.compile(
    r"a|abbr|article|aside|b|bd[io]|big|center|cite|code|col(?:group)?|data|del|details|dfn|em|fig(?:caption|ure)|font"
    r"|footer|header|i|iframe|img|ins|kbd|label|main|mark|nav|nobr|picture|q|s|samp|small|source|span|strike|strong"
    r"|style|su[bp]|summary|svg|time|tfoot|tt|u|var|video|wbr",
    re.IGNORECASE,
)

_Piece = tuple[str, int, bool]
"""Characters, an offset, and whether they stand there one by one (else the offset is that of all of them)."""


def inline(text: str, start: int, end: int, *, markup: bool = True, labels: Collection[str] = ()) -> Text:
    """The readable characters of ``text`` from ``start`` to before ``end``.

    Without ``markup`` only blanks, minus signs, ligatures and their like are evened out. ``labels`` are the lower-case
    names of link definitions, without which ``[text][label]`` is no link.
    """
    raw = text[start:end]
    string = raw.strip()
    if not string:
        return EMPTY
    if len(string) < len(raw):
        start += len(raw) - len(raw.lstrip())
        end = start + len(string)
    if "\n" in string:
        string = string.replace("\n", " ")
    if not (
        _SPECIAL[markup, string.isascii()].search(string)
        or "  " in string
        or (markup and ("~~" in string or ("_" in string and _LOOSE_UNDERSCORE.search(string))))
    ):
        return Text(string, range(start, end))
    reader = _Reader(text, start, end, labels)
    if markup:
        reader.read()
    else:
        reader.plain(start, end)
    return _assembled(reader.pieces)


def inline_lines(
    text: str,
    ranges: Sequence[tuple[int, int]],
    *,
    joint: str = "\n",
    markup: bool = True,
    labels: Collection[str] = (),
) -> Text:
    """The same for a text in several stretches, as in a block quote, where each line begins with a mark."""
    if len(ranges) == 1:
        return inline(text, *ranges[0], markup=markup, labels=labels)
    joined = joint.join(text[start:end] for start, end in ranges)
    where = array("I")
    for start, end in ranges:
        where.extend(range(start, end))
        where.extend([end] * len(joint))
    read = inline(joined, 0, len(joined), markup=markup, labels=labels)
    return Text(read.text, array("I", [where[offset] for offset in read.at]))


def _assembled(pieces: list[_Piece]) -> Text:
    """Join pieces; a blank at the start, at the end, or after another blank is dropped."""
    parts: list[str] = []
    at = array("I")
    blank = True
    for string, offset, literal in pieces:
        if blank and string[:1] == " ":
            string = string[1:]  # noqa: PLW2901 - the piece without its blank
            offset += literal  # noqa: PLW2901
        if not string:
            continue
        parts.append(string)
        at.extend(range(offset, offset + len(string)) if literal else [offset] * len(string))
        blank = string[-1] == " "
    joined = "".join(parts)
    if joined[-1:] == " ":
        return Text(joined[:-1], at[:-1])
    return Text(joined, at)


class _Reader:
    """A slice while it is read: its pieces so far, and what is still open."""

    def __init__(self, text: str, start: int, end: int, labels: Collection[str]) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.labels = labels
        self.pieces: list[_Piece] = []
        self.brackets: list[int] = []
        self.runs: dict[str, list[tuple[int, int]]] = {"*": [], "_": [], "~": []}
        self.ticks: dict[int, list[int]] | None = None
        self.comments = True

    def read(self) -> None:
        """Take the slice token by token."""
        steps: dict[str, Callable[[int, int], int]] = {
            **dict.fromkeys("*_~", self._run),
            **dict.fromkeys("![", self._bracket),
            "]": self._link,
            "`": self._code,
            "\\": self._escape,
            "<": self._tag,
            "&": self._entity,
        }
        text, end, position = self.text, self.end, self.start
        while position < end:
            token = _TOKEN.search(text, position, end)
            if token is None:
                break
            at, after = token.span()
            if at > position:
                self.pieces.append((text[position:at], position, True))
            position = steps.get(text[at], self._odd)(at, after)
        if position < end:
            self.pieces.append((text[position:end], position, True))

    def plain(self, start: int, end: int) -> None:
        """Take a stretch in which markup means nothing."""
        position = start
        while position < end:
            token = _PLAIN_TOKEN.search(self.text, position, end)
            if token is None:
                break
            at, after = token.span()
            if at > position:
                self.pieces.append((self.text[position:at], position, True))
            position = self._odd(at, after)
        if position < end:
            self.pieces.append((self.text[position:end], position, True))

    def _literal(self, at: int, after: int) -> int:
        self.pieces.append((self.text[at:after], at, True))
        return after

    def _odd(self, at: int, after: int) -> int:
        """Blanks of any kind, and characters with a plainer form."""
        character = self.text[at]
        if character.isspace():
            self.pieces.append((" ", at, False))
        elif raised := RAISED_RUN.match(self.text, at, self.end):
            return self._raised(at, raised.end())
        else:
            before = self.text[at - 1] if at > self.start else " "
            self.pieces.append((folded(character, before), at, False))
        return after

    def _raised(self, at: int, after: int) -> int:
        """Superscript digits: a power stays what it is, any other is a footnote's mark and gets brackets."""
        base = self._base()
        digits = unicodedata.normalize("NFKC", self.text[at:after])
        if _POWER_OF.search(base) or (_TEN.search(base) and digits.isdigit() and int(digits) >= 3):
            return self._literal(at, after)
        self.pieces.append((" [" if base else "[", at, False))
        self.pieces.append((digits, at, True))
        self.pieces.append(("]", after - 1, False))
        return after

    def _base(self) -> str:
        """The last few characters that were read."""
        return "".join(piece[0] for piece in self.pieces[-4:])[-12:]

    def _run(self, at: int, after: int) -> int:
        """A run of asterisks, underscores or tildes: it closes what is open, opens something, or stands for itself."""
        text, character = self.text, self.text[at]
        before = text[at - 1] if at > self.start else " "
        behind = text[after] if after < self.end else " "
        left = after - at
        if character == "*" and left == 1 and before.isalnum() and behind.isalnum():
            return self._literal(at, after)  # a product: 8*H100
        opens, closes = _flanks(character, before, behind)
        index, runs = len(self.pieces), self.runs[character]
        while closes and left and runs:
            opener, unmatched = runs.pop()
            used = min(left, unmatched)
            left -= used
            self.pieces[opener] = (character * (unmatched - used), self.pieces[opener][1], True)
            if unmatched > used:
                runs.append((opener, unmatched - used))
        self.pieces.append((character * left, after - left, True))
        if opens and left:
            runs.append((index, left))
        return after

    def _bracket(self, at: int, after: int) -> int:
        self.brackets.append(len(self.pieces))
        return self._literal(at, after)

    def _link(self, at: int, after: int) -> int:
        """A closing bracket: of a link or an image, of a reference, of a footnote's mark, or of nothing."""
        if not self.brackets:
            return self._literal(at, after)
        index = self.brackets.pop()
        opening, offset, _ = self.pieces[index]
        destination = _DESTINATION.match(self.text, after, self.end)
        if destination:
            self.pieces[index] = ("", offset, True)
            return destination.end()
        inner = self.text[offset + len(opening) : at] if at - offset <= 200 else ""
        label = _LABEL.match(self.text, after, self.end) if self.labels else None
        if label and (label[1] or inner).lower() in self.labels:
            self.pieces[index] = ("", offset, True)
            return label.end()
        if inner.lower() in self.labels:
            self.pieces[index] = ("", offset, True)
            return after
        if _FOOTNOTE.match(inner) and len(self.pieces) > index + 1:
            first, place, literal = self.pieces[index + 1]
            self.pieces[index] = (" [", offset, False)
            self.pieces[index + 1] = (first[1:], place + 1, literal)
        elif (
            self.text[after : after + 1] == "_" and after < self.end and not self.text[after + 1 : after + 2].isalnum()
        ):
            self.pieces[index] = (" [", offset, False)  # a footnote's mark of reStructuredText
            self._literal(at, after)
            return after + 1
        return self._literal(at, after)

    def _code(self, at: int, after: int) -> int:
        """Backticks: code, a literal, or interpreted text with its role and target."""
        text, length = self.text, after - at
        if self.ticks is None:
            self.ticks = {}
            for run in re.finditer("`+", text[self.start : self.end]):
                self.ticks.setdefault(run.end() - run.start(), []).append(self.start + run.start())
        places = self.ticks.get(length, [])
        found = bisect_left(places, after)
        if found == len(places):
            return self._literal(at, after)
        first, last = after, places[found]
        stop = last + length
        if length == 1:
            role = self._without_role(at)
            tail = stop
            while tail < self.end and tail < stop + 2 and text[tail] == "_":
                tail += 1
            if tail > stop and not text[tail : tail + 1].isalnum():
                stop, role = tail, True
            target = _TARGET.search(text, first, last) if role and last - first < 2000 else None
            if target and target.start() > first:
                last = target.start()
        self._verbatim(first, last)
        return stop

    def _verbatim(self, first: int, last: int) -> None:
        """What stands in code; a table's cell escapes its bars even there."""
        while first < last and self.text[first].isspace():
            first += 1
        while last > first and self.text[last - 1].isspace():
            last -= 1
        while (bar := self.text.find("\\|", first, last)) >= 0:
            self.plain(first, bar)
            self.pieces.append(("|", bar + 1, True))
            first = bar + 2
        self.plain(first, last)

    def _without_role(self, at: int) -> bool:
        """Drop a ``:role:`` that stands directly before a backtick."""
        if not self.pieces or self.text[at - 1] != ":" or at == self.start:
            return False
        string, offset, literal = self.pieces[-1]
        role = _ROLE.search(string[-130:]) if literal and offset + len(string) == at else None
        if role is None:
            return False
        self.pieces[-1] = (string[: len(string) - len(role[0])], offset, True)
        if role[0] == ":sup:":
            self.pieces.append((" ", at, False))
        return True

    def _escape(self, at: int, after: int) -> int:
        """A backslash: before punctuation it says that this is no markup."""
        behind = self.text[after] if after < self.end else ""
        if behind in _PUNCTUATION:
            return self._literal(after, after + 1)
        if self.text[after : after + 1] in {"\n", "\r"}:  # a line break
            self.pieces.append((" ", at, False))
            return after
        command = _COMMAND.match(self.text, at, self.end)
        if command and command[1] in _COMMANDS:
            self.pieces.append((_COMMANDS[command[1]], at, False))
            return command.end()
        return self._literal(at, after)

    def _tag(self, at: int, after: int) -> int:
        """Tags of HTML and comments are dropped; an image leaves its text, a raised mark gets a blank before it."""
        text = self.text
        if self.comments and text.startswith("<!--", at):
            close = text.find("-->", at + 4, self.end)
            self.comments = close >= 0
            return close + 3 if close >= 0 else self._literal(at, after)
        tag = _TAG.match(text, at, self.end)
        name = tag[1].lower() if tag else ""
        if tag and _BREAKING_TAGS.fullmatch(name):
            self.pieces.append((" ", at, False))
        elif tag and name in {"sub", "sup"} and text[at + 1] != "/":
            return self._shifted(at, tag.end(), raised=name == "sup")
        elif tag and _SILENT_TAGS.fullmatch(name):
            alternative = _ALTERNATIVE.search(text, at, tag.end()) if name == "img" else None
            if alternative:
                self.plain(*alternative.span(1 if alternative[1] is not None else 2))
        else:
            link = _AUTOLINK.match(text, at, self.end)
            if link is None:
                return self._literal(at, after)
            self.plain(*link.span(1))
            return link.end()
        return tag.end()

    def _shifted(self, at: int, after: int, *, raised: bool) -> int:
        """Raised or lowered text, as the importer of HTML reads it; longer text joins the line behind a blank."""
        found = read_raised(self.text, at, base=self._base(), raised=raised)
        if found is None or found.end > self.end or "](" in self.text[at : found.end]:
            self.pieces.append((" " if raised else "", at, False))
            return after
        for start, stop, words in found.pieces:
            if words is not None:
                self.pieces.append((words, start, False))
            elif "&" in self.text[start:stop]:
                self.pieces.append((unescape(self.text[start:stop]), start, False))
            else:
                self.plain(start, stop)
        return found.end

    def _entity(self, at: int, after: int) -> int:
        entity = _ENTITY.match(self.text, at, self.end)
        characters = unescape(entity[0]) if entity else ""
        if entity is None or characters == entity[0]:
            return self._literal(at, after)
        before = self.text[at - 1] if at > self.start else " "
        for character in characters:
            odd = ODD_ONE.match(character)
            read = " " if character.isspace() else folded(character, before) if odd else character
            self.pieces.append((read, at, False))
        return entity.end()


def _flanks(character: str, before: str, behind: str) -> tuple[bool, bool]:
    """Whether a run may open and close, as CommonMark 0.31, 6.2 has it; only ASCII punctuation counts as such."""
    spaced, followed = before.isspace(), behind.isspace()
    after_punctuation, before_punctuation = before in _PUNCTUATION, behind in _PUNCTUATION
    left = not followed and (not before_punctuation or spaced or after_punctuation)
    right = not spaced and (not after_punctuation or followed or before_punctuation)
    if character == "_":
        return left and (not right or after_punctuation), right and (not left or before_punctuation)
    return left, right
