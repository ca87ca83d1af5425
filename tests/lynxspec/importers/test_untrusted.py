"""The worker that reads foreign documents: what one of them does costs one clear error, and the next one is read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lynxspec.errors import HostileInput, UnreadableInput
from lynxspec.importers._sheet_bytes import from_bytes, to_bytes
from lynxspec.importers._untrusted import Limits, Parser, Reader, read_in_worker
from lynxspec.importers.pdf import parse
from lynxspec.sheet import EMPTY, Cell, Code, Heading, Page, Prose, Row, Sheet, Table, Text, Word

from .pdf_files import GRID, MERGED, PROSE, html_table, mutants, rendered

FAKES = (
    "parse hang spin devour crash leave stumble refuse bomb chatter write environment nothing".split()  # noqa: SIM905 - one line is easier to read
)


def reader(**limits) -> Reader:
    """A reader with the hostile parsers among its own."""
    parsers = {name: Parser(module="hostile_parsers", function=name) for name in FAKES}
    return Reader(limits=Limits(**limits), parsers=parsers, folders=(str(Path(__file__).parent),))


def plain(sheet: Sheet):
    """The sheet with offsets that compare by value."""

    def text(t):
        return t.text, list(t.at)

    def block(b):
        if isinstance(b, Heading):
            return "heading", text(b.text), b.level
        if isinstance(b, Prose):
            return "prose", text(b.text), b.kind, b.mark
        if isinstance(b, Code):
            return "code", text(b.text), b.language, b.front_matter
        cells = list(dict.fromkeys(id(cell) for row in b.rows for cell in row.cells))
        rows = [
            ([(cells.index(id(c)), text(c.text), c.header) for c in row.cells], row.start, row.end) for row in b.rows
        ]
        return "table", rows, b.headers, text(b.caption), [block(n) for n in b.notes], b.certain

    return (
        sheet.source,
        sheet.format,
        sheet.text,
        [block(b) for b in sheet.blocks],
        sheet.pages,
        sheet.sha256,
        sheet.notes,
    )


BODY = (
    f"<h1>Title</h1><p>{PROSE}</p>{html_table(GRID, 'ruled')}<p>A quanti-<br>zation<sup>1</sup></p>"
    f"{MERGED.format(kind='level')}<p style='columns: 2'>{PROSE * 4}</p>{html_table(GRID, 'plain')}"
)
WHOLE = rendered(BODY)
LEGIBLE = rendered(BODY, legible=True)


# ------------------------------------------------------------------------------------------------- what is read


def test_a_document_is_read_in_the_worker_as_it_is_read_here():
    with reader() as own:
        assert plain(own.sheet(WHOLE, "sheet.pdf", "pdf")) == plain(parse(WHOLE, "sheet.pdf"))
    assert plain(read_in_worker(WHOLE, "sheet.pdf", "pdf")) == plain(parse(WHOLE, "sheet.pdf"))


def test_a_path_is_read_and_a_missing_one_is_named(tmp_path):
    file = tmp_path / "a.pdf"
    file.write_bytes(WHOLE)
    assert plain(read_in_worker(file, "a.pdf", "pdf")) == plain(parse(WHOLE, "a.pdf"))
    with pytest.raises(UnreadableInput, match=r"b\.pdf: No such file"):
        read_in_worker(tmp_path / "b.pdf", "b.pdf", "pdf")


def test_one_process_reads_many_documents():
    with reader() as own:
        texts, pids = set(), set()
        for number in range(50):
            texts.add(own.sheet(f"document {number}".encode(), "a.txt", "parse").text)
            pids.add(own.pid)
    assert texts == {f"document {number}" for number in range(50)}
    assert len(pids) == 1


def test_html_goes_through_the_worker_by_its_importers_name():
    with reader() as own:
        assert own.sheet(b"<p>INT8 is faster.</p>", "a.html", "html").blocks[0].text.text == "INT8 is faster."


def test_a_large_document_passes_both_ways():
    data = ("calibration " * 500_000).encode()
    with reader() as own:
        assert own.sheet(data, "a.txt", "parse").text == data.decode()


def test_the_process_is_gone_when_the_reader_is_closed():
    own = reader()
    own.sheet(b"x", "a.txt", "parse")
    pid = own.pid
    own.close()
    own.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


ORPHAN = """
import os, sys, threading, time
from lynxspec.importers._untrusted import Limits, Parser, Reader
folder, function = sys.argv[1:]
own = Reader(
    limits=Limits(seconds=2, wall_seconds=2),
    parsers={"hostile": Parser(module="hostile_parsers", function=function)},
    folders=(folder,),
)
def leave():
    while own.pid is None:
        time.sleep(0.01)
    time.sleep(0.5)
    print(own.pid, flush=True)
    os.kill(os.getpid(), 9)
threading.Thread(target=leave, daemon=True).start()
own.sheet(b"x", "a.txt", "hostile")
"""


@pytest.mark.parametrize("function", ["hang", "spin"])
def test_a_worker_does_not_outlive_a_parent_that_was_killed(function):
    here = str(Path(__file__).parent)
    told = subprocess.run([sys.executable, "-c", ORPHAN, here, function], capture_output=True, text=True, check=False)
    pid = int(told.stdout)
    for _ in range(600):  # the limits end it after two to four seconds; how long exactly is not the claim
        if not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError(f"worker {pid} is still there")


def test_a_large_parent_does_not_make_its_worker_look_large():
    held = bytearray(300 * 1024 * 1024)
    with Reader(limits=Limits(memory_bytes=1024 * 1024 * 1024)) as own:
        own.sheet(b"INT8", "a.md", "markdown")
        assert own.pid is not None
    del held


def test_nothing_is_started_before_the_first_document():
    with reader() as own:
        assert own.pid is None


# ------------------------------------------------------------------------------------------------- what goes wrong


def refused(own: Reader, parser: str, data: bytes = b"x") -> UnreadableInput:
    with pytest.raises(UnreadableInput) as caught:
        own.sheet(data, "bad.pdf", parser)
    return caught.value


@pytest.mark.parametrize(
    ("parser", "limits", "message"),
    [
        ("hang", {"wall_seconds": 1.0}, "reading bad.pdf took more than 1 s"),
        ("spin", {"seconds": 1.0}, "reading bad.pdf took more than 1 s"),
        ("devour", {"memory_bytes": 512 * 2**20}, "reading bad.pdf needed more than 512 MiB of memory"),
        ("crash", {}, "reading bad.pdf crashed the reader (signal 11)"),
        ("leave", {}, "reading bad.pdf crashed the reader"),
        ("stumble", {}, "reading bad.pdf failed (KeyError: 'Catalog')"),
        ("nothing", {}, "reading bad.pdf failed (AttributeError: 'NoneType' object has no attribute 'blocks')"),
        ("missing", {}, "reading bad.pdf failed (ModuleNotFoundError: No module named 'lynxspec.importers.missing')"),
    ],
)
def test_a_document_that_fails_costs_one_error_and_the_next_one_is_read(parser, limits, message):
    with reader(**limits) as own:
        assert own.sheet(b"before", "a.txt", "parse").text == "before"
        began = time.monotonic()
        error = refused(own, parser)
        assert time.monotonic() - began < 60
        assert error.message == message
        assert error.hint
        assert own.sheet(b"after", "a.txt", "parse").text == "after"


def test_a_refusal_keeps_its_words_and_its_kind():
    with reader() as own:
        error = refused(own, "refuse")
        assert (error.message, error.hint) == ("bad.pdf: no", "try another")
        assert not isinstance(error, HostileInput)
        assert isinstance(refused(own, "bomb"), HostileInput)


def test_a_refusal_keeps_the_worker():
    with reader() as own:
        own.sheet(b"x", "a.txt", "parse")
        pid = own.pid
        refused(own, "refuse")
        own.sheet(b"x", "a.txt", "parse")
        assert own.pid == pid


def test_what_a_parser_prints_does_not_reach_the_answer():
    with reader() as own:
        assert own.sheet(b"quiet", "a.txt", "chatter").text == "quiet"


def test_the_worker_writes_no_file(tmp_path):
    file = tmp_path / "stolen"
    with reader() as own:
        assert "File too large" in refused(own, "write", str(file).encode()).message
    assert not file.exists() or file.read_bytes() == b""


def test_the_worker_sees_no_secret_of_the_environment(monkeypatch):
    monkeypatch.setenv("LYNXSPEC_KEY_PASSPHRASE", "secret")
    with reader() as own:
        assert "PASSPHRASE" not in own.sheet(b"", "a.txt", "environment").text


def test_a_document_beyond_the_limit_is_not_sent():
    with reader(document_bytes=10) as own:
        assert isinstance(refused(own, "parse", b"x" * 11), HostileInput)
        assert own.pid is None


def test_an_answer_beyond_the_limit_is_not_taken():
    with reader(answer_bytes=1000) as own:
        assert "needed more than" in refused(own, "parse", b"x" * 5000).message
        assert own.sheet(b"after", "a.txt", "parse").text == "after"


def test_odd_names_are_only_names():
    with reader() as own:
        for name in ("a\nb.pdf", "ä\udcff.pdf", '{"module": "os"}'):
            assert own.sheet(b"x", name, "parse").source == name


# ------------------------------------------------------------------------------------------------- the wire

WIDE = Cell(text=Text("INT8", (3, 4, 5, 6)), header=True)
MADE = Sheet(
    source="a.md",
    format="markdown",
    text="0123456789 \ud800 量",
    blocks=(
        Heading(text=Text("01", (0, 1)), level=2),
        Prose(text=Text("a [1]", (0, 2, 2, 2, 4)), kind="footnote", mark="†"),
        Prose(text=EMPTY),
        Code(text=Text("1\n2", range(1, 4)), language="yaml", front_matter=True),
        Table(
            rows=(
                Row(cells=(Cell(text=EMPTY), WIDE, WIDE), start=0, end=5),
                Row(cells=(Cell(text=Text("9", (9,))), Cell(text=EMPTY), Cell(text=EMPTY)), start=5, end=9),
            ),
            headers=1,
            caption=Text("7", (7,)),
            notes=(Prose(text=Text("8", (8,)), kind="footnote", mark="*"),),
            certain=False,
        ),
    ),
    pages=(
        Page(number=1, start=0, width=595.3, height=841.9, words=(Word(start=0, end=3, box=(0.1, 0.2, 0.3, 0.4)),)),
        Page(number=2, start=5, width=100.0, height=50.0),
    ),
    sha256="ab",
    notes=("cut",),
)


def test_a_sheet_comes_back_from_its_bytes_as_it_was():
    back = from_bytes(to_bytes(MADE))
    assert plain(back) == plain(MADE)
    top = next(back.tables()).rows[0].cells
    assert top[1] is top[2]


def test_offsets_take_little_room():
    text = "x" * 100_000
    sheet = Sheet(source="a", format="text", text=text, blocks=(Prose(text=Text(text, range(len(text)))),))
    assert len(to_bytes(sheet)) < 2 * len(text) + 1000


def test_bytes_that_are_no_sheet_are_refused():
    for bad in (b"", b"x" * 31, b"\0" * 32, to_bytes(MADE)[:-1], to_bytes(MADE) + b"x"):
        with pytest.raises(ValueError, match=r"."):
            from_bytes(bad)


def test_offsets_outside_of_the_text_are_refused():
    sheet = Sheet(source="a", format="text", text="ab", blocks=(Prose(text=Text("ab", (0, 5))),))
    with pytest.raises(ValueError, match="offsets"):
        from_bytes(to_bytes(sheet))


def test_changed_bytes_give_a_sound_sheet_or_are_refused():
    good = to_bytes(MADE)
    chance = random.Random(1)
    for _ in range(3000):
        bad = bytearray(good)
        for _ in range(chance.choice((1, 1, 4))):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        try:
            sheet = from_bytes(bad)
        except ValueError:
            continue
        for block in sheet.blocks:
            texts = [c.text for r in block.rows for c in r.cells] if isinstance(block, Table) else [block.text]
            assert all(0 <= i < len(sheet.text) for t in texts for i in t.at)


# ------------------------------------------------------------------------------------------------- fuzzing


def survive(data: bytes, count: int, seed: int) -> tuple[int, int]:
    """How many damaged copies were read and how many refused; anything else fails."""
    counts = [0, 0]
    with reader(seconds=20.0, wall_seconds=60.0) as own:
        for bad in mutants(data, count, seed):
            message = ""
            try:
                counts[0] += len(own.sheet(bad, "bad.pdf", "pdf").pages) >= 1
            except UnreadableInput as error:
                message = error.message
                counts[1] += message.startswith(("bad.pdf: ", "reading bad.pdf "))
            assert "failed (" not in message  # an exception of ours
    return counts[0], counts[1]


@pytest.mark.parametrize("data", [WHOLE, LEGIBLE], ids=["compressed", "legible"])
def test_damaged_documents_are_read_or_refused(data):
    read, refused = survive(data, 25, seed=7)
    assert read + refused == 25
    assert min(read, refused) > 0


@pytest.mark.slow
@pytest.mark.parametrize("data", [WHOLE, LEGIBLE], ids=["compressed", "legible"])
def test_five_hundred_damaged_documents_are_read_or_refused(data):
    read, refused = survive(data, 500, seed=11)
    assert read + refused == 500
    assert min(read, refused) > 0
