"""Pages whose bytes are not those that rendering gives: what may differ, and what no renderer of ours writes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from verifier.audit.objects import refuse

MAX_INFLATED = 256 * 2**20
"""Most bytes that all streams of the pages may inflate to."""
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?|-?\.[0-9]+")
_ESCAPED = re.compile(rb"/application#2f(?:json|yaml)\b")
_LENGTH = re.compile(rb"/Length [0-9]+")
_ACTIVE = re.compile(
    rb"/(?:JS|JavaScript|Launch|URI|GoToR|GoToE|SubmitForm|ImportData|RichMedia|Rendition|OCProperties|OCG|OCMD|OC|XFA|AA|"
    rb"OpenAction|Alternates|OPI|Ref)\b"
)
_EXTERNAL = re.compile(rb"/F (?:\(|<|[0-9]+ 0 R)")
_HIDDEN = re.compile(rb"(?<![0-9A-Za-z./#])3 +Tr\b|/ActualText\b|/OC +/|(?<![A-Za-z])BX(?![A-Za-z])")


def inflated(body: bytes, left: int) -> bytes | None:
    """Content of a compressed stream object, at most ``left`` bytes; ``None`` for what is not compressed."""
    head, mark, rest = body.partition(b"stream\n")
    if not mark or b"/FlateDecode" not in head:
        return None
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(rest.rpartition(b"\nendstream")[0], left + 1)
    except zlib.error as error:
        raise refuse("a stream of the pages is damaged", "content-stream") from error
    if len(data) > left:
        raise refuse("the pages inflate without end", "content-size")
    return data


def require_plain(bodies: Mapping[int, bytes]) -> None:
    """Nothing that acts, hides, comes from outside or reads otherwise than it looks, in any object of the pages."""
    left = MAX_INFLATED
    for number, body in bodies.items():
        head = body.partition(b"stream\n")[0]
        if b"#" in _ESCAPED.sub(b"", _strings_apart(head)) or _ACTIVE.search(_strings_apart(head)):
            raise refuse(f"object {number} acts, or hides what it does", "content-active")
        if b"/ActualText" in head:
            raise refuse(f"object {number} reads otherwise than it looks", "content-replaced")
        if b"/Filespec" not in head and _EXTERNAL.search(head) and head != body:
            raise refuse(f"object {number} is loaded from outside", "content-active")
        if b"/FontDescriptor" in head and b"/Type /FontDescriptor" in head and b"/FontFile" not in head:
            raise refuse(f"the font of object {number} is not embedded", "content-font")
        data = inflated(body, left)
        if data is not None:
            left -= len(data)
        else:
            data = body.partition(b"stream\n")[2]
        if _draws(head, data) and _HIDDEN.search(_strings_apart(data)):
            raise refuse(
                f"object {number} draws what nobody sees, or reads otherwise than it looks", "content-replaced"
            )


_STRING = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)


def _strings_apart(text: bytes) -> bytes:
    """Without literal strings: words of people are no names."""
    return _STRING.sub(b"()", text)


def alike(mine: Mapping[int, bytes], theirs: Mapping[int, bytes]) -> bool:
    """Whether both have the same objects and draw with the same operators; numbers, such as places, may differ.

    That is what another version of a library that nobody recorded can change; whoever hides or exchanges words changes
    more.
    """
    if mine.keys() != theirs.keys():
        return False
    left = MAX_INFLATED
    for number, body in mine.items():
        other = theirs[number]
        if body == other:
            continue
        first, second = inflated(body, left), inflated(other, left)
        heads = [_LENGTH.sub(b"", each.partition(b"stream\n")[0]) for each in (body, other)]
        if _masked(heads[0]) != _masked(heads[1]) or (first is None) != (second is None):
            return False
        if first is None or second is None:
            if b"stream\n" in body or b"/Metadata" in body or b"/Params" in body:
                return False
            continue
        left -= len(first)
        if not _draws(heads[0], first) or not _draws(heads[1], second) or _masked(first) != _masked(second):
            return False
    return True


def _draws(head: bytes, data: bytes) -> bool:
    """Whether a stream holds drawing operators: the contents of a page or of a form."""
    if b"/Subtype /Form" in head:
        return True
    return not any(mark in head for mark in (b"/Type", b"/Subtype", b"/Length1", b"/N ")) and b"begincmap" not in data


def _masked(text: bytes) -> bytes:
    return _NUMBER.sub(b"#", text)
