"""Web pages: HTML and XHTML, also islands of HTML within Markdown."""

from __future__ import annotations

import re

from lynxspec.draft import Draft
from lynxspec.importers.importer import Importer
from lynxspec.sheet import Block, Sheet

# what browsers take these labels for, by https://encoding.spec.whatwg.org/#names-and-labels
_ENCODINGS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-2": "iso8859_2",
    "iso-8859-15": "iso8859_15",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "koi8-r": "koi8_r",
}

_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w.:-]{2,30})|<\?xml[^>]{0,100}encoding=[\"']([\w.:-]{2,30})",
    re.IGNORECASE,
)
_DECLARED_WITHIN = 4096
"""Bytes in which a page says how it is encoded; browsers look at 1024."""


def read(origin: str | bytes, source: str) -> Draft:
    """Read a page, and what it discloses."""
    from lynxspec.importers._decode import contents  # noqa: PLC0415 - an importer is cheap to import

    sheet = parse(contents(origin, source), source)
    from lynxspec.extraction import read_sheets  # noqa: PLC0415

    return read_sheets((sheet,), source)


def parse(data: bytes, source: str) -> Sheet:
    """The blocks of a page."""
    import hashlib  # noqa: PLC0415 - an importer is cheap to import

    from lynxspec.importers._html_blocks import blocks_of  # noqa: PLC0415
    from lynxspec.importers._html_page import Page  # noqa: PLC0415
    from lynxspec.importers._html_text import plain  # noqa: PLC0415
    from lynxspec.importers._html_tokens import tokens  # noqa: PLC0415

    text = _decoded(data)
    page = Page(text, plain, xml=text[:200].lstrip().startswith("<?xml"))
    page.feed(tokens(text, 0, len(text)))
    return Sheet(
        source=source,
        format="html",
        text=text,
        blocks=blocks_of(page),
        sha256=hashlib.sha256(data).hexdigest(),
        notes=tuple(page.notes),
    )


def blocks(text: str, start: int, end: int) -> tuple[Block, ...]:
    """The blocks of an island of HTML in Markdown; inline markup is read as well, offsets are those of ``text``."""
    from lynxspec.importers._html_blocks import blocks_of  # noqa: PLC0415 - an importer is cheap to import
    from lynxspec.importers._html_page import Page  # noqa: PLC0415
    from lynxspec.importers._html_text import through  # noqa: PLC0415
    from lynxspec.importers._html_tokens import tokens  # noqa: PLC0415

    page = Page(text, through)
    page.feed(tokens(text, start, end))
    return blocks_of(page)


def _decoded(data: bytes) -> str:
    """The characters, in the encoding that the page names where its bytes are not UTF-8."""
    from lynxspec.importers._decode import decode  # noqa: PLC0415 - an importer is cheap to import

    declared = _CHARSET.search(data, 0, _DECLARED_WITHIN)
    name = (declared[1] or declared[2]).decode("ascii").lower() if declared else ""
    if name in _ENCODINGS and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode(_ENCODINGS[name], "replace")
    return decode(data)


IMPORTER = Importer(name="html", suffixes=(".html", ".htm", ".xhtml"), read=read, parse=parse)
