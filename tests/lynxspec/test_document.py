"""What a document may hold, where things stand in it, and how hostile ones end."""

# ruff: noqa: E501 - tables of cases are read in columns

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lynxspec.document import build_yaml, read
from lynxspec.document.yaml_events import c_events, python_events
from lynxspec.errors import HostileInput, UnreadableInput

CLAIM = Path(__file__).parent.parent / "data" / "complete.claim.yaml"
PARSERS = pytest.mark.parametrize("parse", [c_events, python_events])

LIMITS = {
    "brackets": (b"[" * 50_000, "1:65", "nested deeper"),
    "mappings": (b"{a: " * 50_000, "1:257", "nested deeper"),
    "block lists": (b"- " * 50_000, "1:129", "nested deeper"),
    "complex keys": (b"? " * 50_000, "1:3", "a key that is a mapping or a list"),
    "an alias bomb": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "1:4", "an anchor (&a)"),
    "an alias": (b"*a", "1:1", "an alias (*a)"),
    "a merge key": (b"a:\n  <<: {b: 1}", "2:3", "a merge key"),
    "a tag": (b"a: !!python/object/apply:os.system [ls]", "1:4", "a tag"),
    "the tag that means text": (b"a: !!str 1", "1:4", "a tag"),
    "two documents": (b"a: 1\n---\nb: 2\n", "2:1", "a second document"),
    "a directive": (b"%YAML 1.1\n---\na: no\n", "1:1", "a directive"),
    "a duplicate key": (b"a: 1\nb: {a: [1, {a: 2}]}\na: 3\n", "3:1", "a second 'a'"),
    "a nested duplicate key": (b"a:\n  c: {d: 1}\n  e: [c]\n  c: 2\n", "4:3", "a second 'c'"),
    "a number as key": (b"1: a", "1:1", "the key 1"),
    "a null key": (b"~: a", "1:1", "the key ~"),
    "a boolean key": (b"true: a", "1:1", "the key true"),
    "not a number": (b"a: .nan", "1:4", ".nan"),
    "infinity": (b"a: -.INF", "1:4", "-.INF"),
    "an overflow": (b"a: 1e400", "1:4", "out of range"),
    "an underflow": (b"a: 1e-400", "1:4", "out of range"),
    "a float past the limit": (b"a: 1e301", "1:4", "out of range"),
    "nineteen digits": (b"a: 1234567890123456789", "1:4", "out of range"),
    "five thousand digits": (b"a: " + b"1" * 5000, "1:4", "out of range"),
    "four million digits": (b"a: 0." + b"1" * 4_000_000, "1:4", "out of range"),
    "too many nodes": (b"[" + b"1," * 200_000 + b"]", "1:200000", "100,000"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_hostile_yaml_ends_at_its_place_within_a_second(name: str) -> None:
    content, where, words = LIMITS[name]
    start = time.process_time()
    with pytest.raises(HostileInput, match=r"^x\.yaml:") as caught:
        read(content, source="x.yaml")
    assert time.process_time() - start < 1
    assert caught.value.message.startswith(f"x.yaml:{where}: ")
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", [name for name in LIMITS if name not in {"too many nodes", "four million digits"}])
def test_the_pure_python_parser_refuses_the_same(name: str) -> None:
    content, _, words = LIMITS[name]
    with pytest.raises(HostileInput) as caught:
        build_yaml(content.decode(), source="x.yaml", parse=python_events)
    assert words in caught.value.message


JSON_LIMITS = {
    "brackets": (b"[" * 100_000, "1:65", "nested deeper"),
    "objects": (b'{"a":' * 100_000, "1:321", "nested deeper"),
    "a duplicate key": (b'{"a": 1,\n "a": 2}', "2:2", "a second 'a'"),
    "a key twice by escape": (b'{"a": 1, "\\u0061": 2}', "1:10", "a second 'a'"),
    "not a number": (b"[NaN]", "1:2", "NaN"),
    "infinity": (b"[1,\n-Infinity]", "2:1", "-Infinity"),
    "an overflow": (b"[1e400]", "1:2", "out of range"),
    "four thousand digits": (b"[" + b"1" * 4000 + b"]", "1:2", "out of range"),
    "too many nodes": (b"[" + b"1," * 200_000 + b"1]", "1:200000", "100,000"),
}


@pytest.mark.parametrize("name", JSON_LIMITS)
def test_hostile_json_ends_at_its_place(name: str) -> None:
    content, where, words = JSON_LIMITS[name]
    with pytest.raises(HostileInput) as caught:
        read(content, source="x.json")
    assert caught.value.message.startswith(f"x.json:{where}: ")
    assert words in caught.value.message


SLOW_SHAPES = {
    "hashes in quotes": b"a: '" + b" #" * 2_000_000 + b"'",
    "hashes outside": b" #" * 2_000_000,
    "empty lines": b"\n" * 4_000_000,
    "colons": b":" * 1_000_000,
    "open braces": b"{" * 1_000_000,
    "anchors": b"&a " * 1_000_000,
    "quotes": b'"' * 1_000_001,
    "one long word": b"a" * 4_000_000,
    "many comments": b"# x\n" * 1_000_000,
}


@pytest.mark.parametrize("name", SLOW_SHAPES)
def test_no_shape_of_four_megabytes_takes_long(name: str) -> None:
    start = time.process_time()
    try:
        read(SLOW_SHAPES[name], source="x.yaml")
    except UnreadableInput as error:
        assert error.message.startswith("x.yaml:1")  # noqa: PT017 - some shapes are valid, and all must be quick
    assert time.process_time() - start < 3  # under a second alone; other tests may share the processor


def test_deep_nesting_does_not_kill_the_process() -> None:
    program = "from lynxspec.document import read\nread(b'[' * 4_000_000, source='x.yaml')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1  # a Python error; a crash would be a negative number
    assert "nested deeper than 64 levels" in done.stderr


def test_sixty_four_levels_are_allowed() -> None:
    data = read(b"[" * 64 + b"]" * 64, source="x.yaml").data
    depth = 1
    while data:
        data, depth = data[0], depth + 1
    assert depth == 64


def test_a_file_over_four_mebibytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.claim.yaml"
    path.write_bytes(b"#" * (4 * 2**20 + 1))
    with pytest.raises(HostileInput, match="larger than 4 MiB"):
        read(path)
    path.write_bytes(b"#" * (4 * 2**20))
    assert read(path).data is None


def test_an_endless_device_is_too_large() -> None:
    with pytest.raises(HostileInput, match="larger than 4 MiB"):
        read("/dev/zero")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="No such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(UnreadableInput, match="directory"):
        read(tmp_path)
    with pytest.raises(UnreadableInput, match="null"):
        read("a\0b.yaml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_by_its_mark(encoding: str) -> None:
    document = read("é: 😀 # Ω".encode(encoding), source="x.yaml")
    assert document.data == {"é": "😀"}
    assert document.places.values["é",].column == 4
    assert [comment.text for comment in document.comments] == ["Ω"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: é".encode("latin-1"), "x.yaml:1:4: not valid UTF-8"),
        (b"a: 1\nb: \xc3\xa9\xff", "x.yaml:2:5: not valid UTF-8"),
        (b"\xef\xbb\xbfa: \xff", "x.yaml:1:4: not valid UTF-8"),
        ("a: 1".encode("utf-32"), "x.yaml: encoded as UTF-32"),
        ("a: 1".encode("utf-16-le"), "x.yaml: a binary file"),
        ("a: é".encode("utf-16")[:-1], "x.yaml: byte 9: not valid UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0", "x.yaml: a binary file"),
        (b"a: \xed\xa0\x80", "x.yaml:1:4: not valid UTF-8"),
    ],
)
def test_other_encodings_are_refused_with_a_way_out(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        read(content, source="x.yaml")
    assert caught.value.message.startswith(message)
    assert caught.value.hint == "save the file as UTF-8"


@PARSERS
@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: [1,\n  2", "2:"),
        ('a: 1\nb: "abc', "2"),
        ("a: b: c", "1:5"),
        ("a:\n\tb: 1", "2"),
        ("a: \x07", "1:4"),
        ("a: 1\n b: 2", "2"),
        ('a: "\\ud800"', "1:"),
    ],
)
def test_broken_yaml_is_placed(parse: object, text: str, where: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        build_yaml(text, source="x.yaml", parse=parse)  # type: ignore[arg-type]
    assert caught.value.message.startswith(f"x.yaml:{where}")
    assert not isinstance(caught.value, HostileInput)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "1:1"),
        ('{"a": [1, 2', "1:12"),
        ('{"a"', "1:5"),
        ('{"a": "b', "1:7"),
        ("[1,]", "1:4"),
        ('{"a": 1,}', "1:9"),
        ("[1] 2", "1:5"),
        ("[\n1,\n2\n x]", "4:2"),
        ("{'a': 1}", "1:2"),
        ("[010]", "1:2"),
        ("[+1]", "1:2"),
        ("[.5]", "1:2"),
        ("[1.]", "1:2"),
        ("[truex]", "1:2"),
        ('["\x01"]', "1:2"),
        ('["\\x"]', "1:2"),
        ('["\\ud83d"]', "1:2"),
        ('["\\ude00\\ud83d"]', "1:2"),
        ("// x\n{}", "1:1"),
        ("[1 2]", "1:4"),
        ('{"a" 1}', "1:6"),
        ("]", "1:1"),
    ],
)
def test_broken_json_is_placed(text: str, where: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        read(text.encode(), source="x.json")
    assert caught.value.message.startswith(f"x.json:{where}: not valid JSON")


def test_every_truncation_of_a_claim_ends_clearly() -> None:
    text = json.dumps(read(CLAIM).data)
    for end in range(1, len(text), 97):
        with pytest.raises(UnreadableInput, match=r"^x\.json:1:\d+: not valid JSON"):
            read(text[:end].encode(), source="x.json")


# YAML 1.2.2, 10.3.2 (core schema), less the spellings on which readers differ: those stay text
SCALARS = {
    "null": None, "~": None, "": None, "NULL": None, "true": True, "False": False, "TRUE": True,
    "0": 0, "-0": 0, "+12": 12, "-19": -19, "999999999999999999": 999999999999999999,
    "0.": 0.0, ".5": 0.5, "-0.0": -0.0, "12e03": 12000.0, "-2E+05": -200000.0, "1.10": 1.1, "1e3": 1000.0, "3.0": 3.0,
    "no": "no", "on": "on", "y": "y", "tRUE": "tRUE", "010": "010", "0o7": "0o7", "0x1F": "0x1F", "1_000": "1_000",
    "12:30:45": "12:30:45", "2026-11-20": "2026-11-20", "1.2.3": "1.2.3", "600 s": "600 s", "-": None, "+": "+", ".": ".",
    "e5": "e5", "1e": "1e", "nan": "nan", "inf": "inf", "Infinity": "Infinity", "00": "00", "01.5": "01.5", "٣": "٣",
    "'1'": "1", '"true"': "true", "null x": "null x",
}  # fmt: skip


@PARSERS
@pytest.mark.parametrize("spelling", [s for s in SCALARS if s != "-"])
def test_unquoted_scalars_follow_the_core_schema(parse: object, spelling: str) -> None:
    value = build_yaml(f"a: {spelling}\n", source="x", parse=parse).data["a"]  # type: ignore[arg-type]
    assert value == SCALARS[spelling]
    assert type(value) is type(SCALARS[spelling])


def test_both_parsers_read_a_claim_alike() -> None:
    text = CLAIM.read_text("utf-8")
    c = build_yaml(text, source="x", parse=c_events)
    python = build_yaml(text, source="x", parse=python_events)
    assert c.data == python.data
    assert len(c.events) == len(python.events)


def test_json_reads_like_the_standard_library() -> None:
    data = {"a": [1, -2.5e3, True, False, None, 'é\n\t"\\/😀\x7f'], "": {}, "b": {"c": [[], {}]}, "k" * 2000: 0}
    for text in (json.dumps(data), json.dumps(data, ensure_ascii=False, indent=2)):
        assert read(text.encode(), source="x.json").data == data


def test_the_format_follows_the_name_and_then_the_first_key() -> None:
    assert read(b'{"a": 1}', source="-").data == {"a": 1}
    assert read(b"{a: 1}", source="-").data == {"a": 1}
    assert read(b"a: 1").data == {"a": 1}
    with pytest.raises(UnreadableInput, match="not valid JSON"):
        read(b"a: 1", source="x.JSON")


PLACED = """\
# head
top: 12
list:
  - one # first
  - {k: 'v # no', "q": "x"}
block: |  # header
  text # no
  more
# tail
folded: "a
  # no
  b" # yes
empty:
"""


def test_keys_and_values_are_where_an_editor_shows_them() -> None:
    places = read(PLACED.encode(), source="x.yaml").places

    def at(span: object) -> tuple[object, ...]:
        return (span.line, span.column, span.end_line, span.end_column)  # type: ignore[attr-defined]

    assert at(places.keys["top",]) == (2, 1, 2, 3)
    assert at(places.values["top",]) == (2, 6, 2, 7)
    assert at(places.values["list", 0]) == (4, 5, 4, 7)
    assert at(places.values["list", 1]) == (5, 5, 5, 27)
    assert at(places.keys["list", 1, "q"]) == (5, 19, 5, 21)
    assert at(places.values["list", 1, "q"]) == (5, 24, 5, 26)
    assert at(places.values["folded",]) == (10, 9, 12, 4)
    assert places.at(("list", 7, "none")).span.line == 4
    assert ("list", 2) not in places.values
    assert ("list", -1) not in places.values
    assert () not in places.keys
    assert list(places.keys) == [
        ("top",),
        ("list",),
        ("list", 1, "k"),
        ("list", 1, "q"),
        ("block",),
        ("folded",),
        ("empty",),
    ]
    assert len(places.values) == 10


def test_json_places_match() -> None:
    places = read(b'{\n "a": [1,\n  {"b": "x"}]}', source="x.json").places
    assert (places.keys["a",].line, places.keys["a",].column) == (2, 2)
    assert (places.values["a", 1, "b"].line, places.values["a", 1, "b"].column) == (3, 9)
    assert places.values["a", 1, "b"].end_column == 11


def test_comments_are_found_and_hashes_in_scalars_are_not() -> None:
    found = [(c.span.line, c.span.column, c.text, c.alone) for c in read(PLACED.encode(), source="x.yaml").comments]
    assert found == [
        (1, 1, "head", True),
        (4, 9, "first", False),
        (6, 11, "header", False),
        (9, 1, "tail", True),
        (12, 6, "yes", False),
    ]
    assert read(b'{"a": "b # c"}', source="x.json").comments == ()


def test_spellings_of_unquoted_scalars_are_kept() -> None:
    raw = read(b"a: 1.10\nb: '1.10'\nc: [007, x]\n", source="x.yaml").raw_scalars
    assert dict(raw) == {("a",): "1.10", ("c", 0): "007", ("c", 1): "x"}
