"""Bytes of a text file as characters, whatever they are encoded in, within limits of size."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from lynxspec.errors import UnreadableInput

MAX_BYTES = 100_000_000
"""A spec sheet is some kilobytes; what is larger than this is not opened."""
MAX_CHARACTERS = 4_000_000
"""Characters of a file that are read; a note tells about the others."""
MAX_LINES = 200_000
"""Lines of a file that are read."""

_SAMPLE = 65_536

_BINARIES = (
    (b"%PDF-", "a PDF", "give it a name that ends in .pdf"),
    (b"PK\x03\x04", "a ZIP archive or office document", "save it as text, HTML or PDF"),
    (b"\x1f\x8b", "compressed", "unpack it first"),
    (b"\x89PNG", "an image", "give the text, not a picture of it"),
    (b"\xff\xd8\xff", "an image", "give the text, not a picture of it"),
    (b"\x7fELF", "a program", "give the text that goes with it"),
)
"""First bytes of files that are no text, whatever their name says."""


def contents(origin: str | bytes, source: str, *, text: bool = True) -> bytes:
    """The bytes of the file at a path, or those at hand; no more than the limit, and no binary where text is due."""
    if isinstance(origin, bytes):
        data = origin
    else:
        try:
            with Path(origin).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UnreadableInput(f"{source}: {reason}", hint="check the path and its permissions") from error
    if len(data) > MAX_BYTES:
        raise UnreadableInput(
            f"{source}: larger than {MAX_BYTES // 10**6} MB",
            hint="cut out the part that makes claims; a spec sheet is some kilobytes",
        )
    for first, kind, hint in _BINARIES if text else ():
        if data.startswith(first):
            raise UnreadableInput(f"{source}: {kind}, not a text", hint=hint)
    return data


def decode(data: bytes) -> str:
    """The characters: by byte order mark, as strict UTF-8, by where its zero bytes stand, or by what reads best."""
    known = _by_mark(data) or (_wide(data) if b"\0" in data[:4096] else None)
    if known is not None:
        return known
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return _damaged(data) or _legacy(data)


def within_limits(text: str) -> tuple[str, tuple[str, ...]]:
    """The part of a text that is read, and a note if that is not all of it."""
    end = len(text)
    if end > MAX_CHARACTERS:
        end = text.rfind("\n", MAX_CHARACTERS // 2, MAX_CHARACTERS) + 1 or MAX_CHARACTERS
    if text.count("\n", 0, end) > MAX_LINES:
        position = -1
        for _ in range(MAX_LINES):
            position = text.find("\n", position + 1)
        end = position + 1
    if end == len(text):
        return text, ()
    lines = text.count("\n", 0, end)
    return text[:end], (f"only the first {end} of {len(text)} characters (to line {lines + 1}) were read",)


_ENDS = str.maketrans(dict.fromkeys("\r\x0b\x0c\x85\u2028\u2029", "\n"))
_HAS_ENDS = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
_HAS_BOXES = re.compile("[\u2500-\u257f]")
_BOXES = dict.fromkeys(range(9472, 9600), "+") | str.maketrans(
    dict.fromkeys("│┃┆┇┊┋║╎╏", "|") | dict.fromkeys("─━┄┅┈┉═╌╍", "-") | {c: c for c in "╱╲╳"}
)


def even(text: str) -> str:
    """The same text, character for character, with line feeds as the only line ends and boxes drawn in ASCII."""
    if _HAS_ENDS.search(text):
        text = text.replace("\r\n", " \n").translate(_ENDS)
    if not text.isascii() and _HAS_BOXES.search(text):
        text = text.translate(_BOXES)
    return text


def _by_mark(data: bytes) -> str | None:
    """What a byte order mark at the start says; the mark itself is no character of the text."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: in Latin text every other byte is zero."""
    sample = data[:4096]
    even_zeros, odd_zeros = sample[::2].count(0), sample[1::2].count(0)
    quarter = max(1, len(sample) // 4)
    if odd_zeros >= quarter and even_zeros * 8 < odd_zeros:
        return data.decode("utf-16-le", "replace")
    if even_zeros >= quarter and odd_zeros * 8 < even_zeros:
        return data.decode("utf-16-be", "replace")
    return None


def _damaged(data: bytes) -> str | None:
    """UTF-8 with few bad bytes: cut in the middle of a character, or pasted together."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text[:_SAMPLE] if character > "\x7f") - text[:_SAMPLE].count("\ufffd")
    return text if good > 4 * text[:_SAMPLE].count("\ufffd") or (bad == 1 and text.endswith("\ufffd")) else None


_COMMON = {
    "gb18030": "，。、：；（）的一是不在有和为了与中量化精度模型推理数据校准吞吐能用支持可以时测试下",
    "cp932": "のはにをたがでてとしれさるいなっ、。ーンスルトリクドイ・量化精度",
    "cp949": "이다는을의에가고하지로한를은도양자화정확률모델성능추론처리량서기과나있데터",
    "big5": "，。、：；（）的一是不在有和為了與中量化精度模型推理數據校準用支援可以時測試下",
}
"""Characters that make up much of any text in the languages of these encodings, and of the field's words in them."""


def _legacy(data: bytes) -> str:
    """The encoding in which most of the foreign characters are frequent ones; else Western European."""
    first = re.search(rb"[\x80-\xff]", data)
    start = data.rfind(b"\n", 0, first.start()) + 1 if first else 0
    sample = data[start : start + _SAMPLE]
    runs = re.findall(rb"[\x80-\xff]+", sample)
    alone = sum(len(run) == 1 for run in runs)
    best, share = "", 0.15
    for encoding, common in _COMMON.items():
        if encoding != "cp932" and alone * 2 > len(runs):
            continue  # both bytes of these are mostly high ones: a high byte between ASCII letters is Western
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(sample)
        except UnicodeDecodeError:
            continue
        foreign = [character for character in text if character > "\x7f"]
        frequent = sum(character in common for character in foreign) / max(1, len(foreign))
        if frequent > share:
            best, share = encoding, frequent
    if best:
        return data.decode(best, "replace")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
