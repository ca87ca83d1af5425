"""Web pages and reStructuredText that were damaged, cut, or written to break their reader: none does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lynxspec.importers import html, rst

from .marked_up_pages import HTML_PAGE, RST_PAGE, check, damaged

PAGES = {
    "nested tables": b"<table><tr><td>" * 20_000 + b"x",
    "nested divisions": b"<div>" * 50_000 + b"x" + b"</div>" * 50_000,
    "end tags of nothing": b"<i><p>" + b"<b>" * 9_000 + b"</i></u>" * 50_000 + b"x",
    "nothing is closed": b"<p>a<li>b<td>c<tr>d<table>e<h1>f<ul>g<dl><dt>h<dd>i" * 3_000,
    "spans": b"<table>" + (b"<tr>" + b"<td colspan=1000 rowspan=65534>x" * 10) * 500,
    "cells": b"<table><tr>" + b"<td>x" * 20_000,
    "attributes": b"<p " + b'a="b" c=\'d ' * 200_000 + b">x</p>",
    "one long text": b"<p>" + b"word " * 4_000_000,
    "angle brackets": b"<" * 2_000_000,
    "open tags": b'<a "' * 500_000,
    "open comments": b"<!--" * 500_000,
    "open declarations": b"<!" * 1_000_000,
    "titles": b"<title>" * 50_000,
    "scripts": b"<script>" * 200_000,
    "entities": b"<p>&" + b"&amp;&#x;&#99999999;&bogus" * 100_000,
    "blanks in a mark": b"a<sup>" + b" " * 1_000_000,
    "definitions": b"<dl><dt>" + b"term " * 50 + b"<dd>x" * 15_000,
    "zeros": b"\0" * 1_000_000,
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_no_page_is_too_much(page: bytes) -> None:
    """What took time in proportion to the square of its size would never end."""
    check(html.parse(page, "x.html"))


def test_what_was_left_out_is_noted() -> None:
    wide = html.parse(b"<table>" + b"<tr><td>x<td colspan=999>y" * 250, "x")
    long = html.parse(b"<p>" + b"word " * 100_000, "x")
    deep = html.parse(b"<table><tr><td>" * 60 + b"x", "x")

    assert wide.notes == ("50 rows of a table were left out; it is too large",)
    assert len(next(wide.tables()).rows) == 200
    assert long.notes == ("a text of 499999 characters was read only as far as 200000",)
    assert deep.notes == ("tables nested in tables in tables were read as text",)


@given(st.integers(0, len(HTML_PAGE)))
@settings(max_examples=60, deadline=None)
def test_a_page_may_end_anywhere(end: int) -> None:
    check(html.parse(HTML_PAGE[:end].encode(), "x"))


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_damaged_pages_are_read(seed: int) -> None:
    check(html.parse(damaged(HTML_PAGE, seed), "x"))


@given(st.text(alphabet="<>/=\"' &;#!-abtdrphsupl1\n", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_characters_are_a_page(text: str) -> None:
    check(html.parse(text.encode(), "x"))
    sheet = html.parse(f"<table><tr><td>{text}<td>{text}".encode(), "x")
    check(sheet)


FILES = {
    "nested lists": b"".join(b" " * i + b"- x\n" for i in range(1500)),
    "lists on one line": b"- " * 500_000,
    "nested directives": b"".join(b" " * i + b".. note::\n\n" for i in range(1500)),
    "boxes": (b"+" + b"--+" * 2000 + b"\n|" + b"  |" * 2000 + b"\n") * 30,
    "rules": b"+--+\n" * 50_000,
    "borders": b"== ==\n" * 50_000,
    "tables without end": b"".join(b"=" * i + b" ==\nx\n\n" for i in range(2, 1200)),
    "adornments": b"====\n" * 50_000,
    "titles": b"x\n=\n" * 20_000,
    "fields": b":a: x\n" * 30_000,
    "footnotes": b".. [1] x\n" * 30_000,
    "one long line": b"word " * 1_000_000,
    "one long row": b".. list-table::\n\n   * - " + b"- " * 500_000,
    "commas": b".. csv-table::\n\n   " + b"," * 300_000,
    "quotes": b".. csv-table::\n\n   " + b'"' * 1_000_001,
    "open quotes": b".. csv-table::\n\n" + b'   "a\n' * 30_000,
    "terms": b"a\n b\n" * 20_000,
    "marks": b"`" * 300_000 + b"*a _b_ |" * 100_000,
    "bars": b"|" * 1_000_000,
    "blank lines": b"\n" * 5_000_000,
    "zeros": b"\0" * 1_000_000,
    "noise": bytes(range(256)) * 4_000,
}


@pytest.mark.parametrize("page", FILES.values(), ids=FILES)
def test_no_file_is_too_much(page: bytes) -> None:
    """What took time in proportion to the square of its size would never end."""
    check(rst.parse(page, "x.rst"))


def test_what_was_left_out_of_a_file_is_noted() -> None:
    rows = "".join(f"   * - {i}\n     - :cspan:`998` x\n" for i in range(250))
    sheet = rst.parse(f".. flat-table::\n\n{rows}".encode(), "x")

    assert sheet.notes == ("50 rows of a table were left out; it is too large",)
    assert [len(table.rows) for table in sheet.tables()] == [200]


@given(st.integers(0, len(RST_PAGE)))
@settings(max_examples=60, deadline=None)
def test_a_file_may_end_anywhere(end: int) -> None:
    check(rst.parse(RST_PAGE[:end].encode(), "x"))


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_damaged_files_are_read(seed: int) -> None:
    check(rst.parse(damaged(RST_PAGE, seed), "x"))


@given(st.text(alphabet="+-=| \n.:*`_a1[]\\#\t模", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_characters_are_a_file(text: str) -> None:
    check(rst.parse(text.encode(), "x"))
    check(rst.parse(f".. list-table::\n\n   * - {text}".encode(), "x"))
