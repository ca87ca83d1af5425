"""The words that spare pattern matching never lose a match: every hit of a full search is found with them."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lynxspec import extraction
from lynxspec.extraction.components import unlisted
from lynxspec.extraction.literals import (
    FOREIGN_DIGIT,
    beginnings,
    begins_with_number,
    needed,
    required,
    words_met,
)
from lynxspec.extraction.reading import Reading
from lynxspec.importers.importer import importer_for
from lynxspec.sheet import Prose, Sheet, Text

SHEETS = Path(__file__).parents[2] / "examples" / "spec-sheets"


def compiled() -> dict[str, re.Pattern[str]]:
    """Every pattern of the extraction, by module and name."""
    names = [module.name for module in walk_packages(extraction.__path__, extraction.__name__ + ".")]
    return {
        f"{name.removeprefix(extraction.__name__)}.{held}": pattern
        for name in sorted(names)
        for held, pattern in vars(import_module(name)).items()
        if isinstance(pattern, re.Pattern)
    }


PATTERNS = compiled()
SPARED = {name: pattern for name, pattern in PATTERNS.items() if required(pattern)}
BEGUN = {name: pattern for name, pattern in PATTERNS.items() if beginnings(pattern)}
NUMBERED = {name: pattern for name, pattern in PATTERNS.items() if begins_with_number(pattern)}


@cache
def readings() -> tuple[Reading, ...]:
    files = [file for file in sorted(SHEETS.iterdir()) if file.name != "README.md"]
    return tuple(Reading((importer_for(file.name).parse(file.read_bytes(), file.name),)) for file in files)


def prose(*texts: str) -> Reading:
    """A reading of paragraphs with these words."""
    blocks = tuple(Prose(text=Text(text, range(len(text)))) for text in texts)
    return Reading((Sheet(source="a.md", format="markdown", text="\n".join(texts), blocks=blocks),))


def found(reading: Reading, pattern: re.Pattern[str]) -> list[tuple[int, tuple[int, int]]]:
    return [(hit.unit.index, hit.match.span()) for hit in reading.find(pattern)]


def searched(reading: Reading, pattern: re.Pattern[str]) -> list[tuple[int, tuple[int, int]]]:
    """The same without looking for words first."""
    return [
        (unit.index, match.span())
        for unit in reading.units
        for match in pattern.finditer(reading.lower, unit.start, unit.end)
    ]


def test_the_long_patterns_of_the_component_readers_are_spared():
    assert len(SPARED) > 60
    assert {".components.setting._BATCH", ".components.precision._GRANULARITY", ".schemes.FORMATS"} <= SPARED.keys()


@pytest.mark.parametrize("name", PATTERNS)
def test_every_hit_in_the_sheets_is_found(name):
    for reading in readings():
        assert found(reading, PATTERNS[name]) == searched(reading, PATTERNS[name])
        held = {index for index, _ in searched(reading, PATTERNS[name])}
        assert reading.having(PATTERNS[name]) == held


@pytest.fixture(scope="module")
def _all_met():
    """All patterns in the automaton, which is built when they were asked for often enough."""
    pytest.importorskip("ahocorasick")
    for pattern in PATTERNS.values():
        needed(pattern)
    known = words_met().patterns
    assert {id(pattern) for pattern in {**SPARED, **BEGUN}.values()} <= known.keys()


@pytest.mark.usefixtures("_all_met")
def test_the_automaton_finds_every_hit_in_the_sheets():
    for held in readings():
        reading, apart = Reading(held.sheets), Reading(held.sheets)
        for name, pattern in PATTERNS.items():
            wanted = searched(reading, pattern)
            assert found(reading, pattern) == wanted, name
            assert reading.having(pattern) == {index for index, _ in wanted}, name
            assert {index for index, _ in wanted} <= {unit.index for unit in reading.possible(pattern)}, name
            rows = [(hit.unit.index, hit.match.span()) for hit in apart.find(pattern, "row")]
            assert rows == [hit for hit in wanted if reading.units[hit[0]].kind == "row"], name


@pytest.mark.parametrize("name", BEGUN)
@settings(max_examples=3, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_match_begins_with_a_word(name, data):
    text = data.draw(st.from_regex(BEGUN[name])).lower()
    for match in BEGUN[name].finditer(text):
        assert FOREIGN_DIGIT.search(match[0]) or match[0].startswith(beginnings(BEGUN[name]))


@pytest.mark.parametrize("name", NUMBERED)
@settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_match_begins_with_a_number(name, data):
    text = data.draw(st.from_regex(NUMBERED[name])).lower()
    for match in NUMBERED[name].finditer(text):
        assert FOREIGN_DIGIT.search(match[0]) or match[0][0] in "0123456789."


def test_patterns_of_rates_and_counts_begin_with_a_number():
    assert {".quantities.RATE", ".components.calibration._COUNT"} <= NUMBERED.keys()
    assert not begins_with_number(re.compile(r"v?\d+ ?x"))
    assert not begins_with_number(re.compile(r"[^ ]+"))


HINTED = {
    "_KEYED_HARDWARE": unlisted._COLON,
    "_UNIT_OF": unlisted._UNIT_WORD,
    "_ON": unlisted._ON_WORD,
    "_MADE_WITH": unlisted._WITH_WORD,
    "_KEYED_TOOL": unlisted._COLON,
    "_KEYED_RUNTIME": unlisted._COLON,
}


@pytest.mark.parametrize("name", HINTED)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_names_that_no_list_has_stand_beside_a_word_that_is_looked_for_first(name, data):
    text = data.draw(st.from_regex(getattr(unlisted, name)))
    if not set(text) & set("\u0130\u0131\u017f\u212a"):  # capitals and small letters that nobody prints there
        assert HINTED[name].search(text.lower())


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"faster|slow(?:er)?", ("faster", "slow")),
        (r"(?:no )?need", ("need", "no need")),
        (r"(?<![a-z])int-?[48]\b", ("int-4", "int-8", "int4", "int8")),
        (r"batch(?: size)? of \w+", ("batch of ", "batch size of ")),
        (r"calib\w*|cal", ("cal",)),
        (r"批|バッチ", ("バッチ", "批")),
        (r"(?i)GPTQ", ("gptq",)),
    ],
)
def test_words_that_every_match_begins_with(pattern, words):
    assert beginnings(re.compile(pattern)) == tuple(sorted(words))


@pytest.mark.parametrize("pattern", [r"\d+ ?%", r"(?:fast)?", r"x", r"faster|\d+x", r"\s?faster", r"\w*fast"])
def test_patterns_of_whose_beginnings_nothing_can_be_told(pattern):
    assert beginnings(re.compile(pattern)) is None


def test_matches_do_not_overlap_where_one_word_stands_in_another():
    reading = prose("awq awq awq", "awqawq awq")
    pattern = re.compile(r"awq(?: awq)?")
    for _ in range(2):
        assert found(reading, pattern) == searched(reading, pattern)
        assert len(found(reading, pattern)) == 4
        for _ in range(60):
            needed(pattern)
        reading = Reading(reading.sheets)


@pytest.mark.parametrize("name", SPARED)
@settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_match_holds_a_word(name, data):
    pattern = SPARED[name]
    text = data.draw(st.from_regex(pattern)).lower()
    words = required(pattern)
    for match in pattern.finditer(text):
        assert FOREIGN_DIGIT.search(match[0]) or any(word in match[0] for word in words)


def pieces() -> list[str]:
    """Words of the sheets and of the patterns, and characters between them."""
    texts = [unit.text.text for reading in readings() for unit in reading.units]
    words = {word for text in texts for word in text.split(" ")}
    spelled = {word for pattern in SPARED.values() for word in required(pattern)}
    return [*sorted(words | spelled), *" -_/.,:=0123456789xX%", "٣", "８", "İ", "ſ", "ı", "\u212a"]


@pytest.mark.usefixtures("_all_met")
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_hit_in_changed_sheets_is_found(data):
    units = st.sampled_from([unit.text.text for reading in readings() for unit in reading.units])
    piece = st.sampled_from(pieces())
    texts = []
    for text in data.draw(st.lists(units, min_size=1, max_size=4)):
        start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        texts.append(text[:start] + "".join(data.draw(st.lists(piece, max_size=6))) + text[end:])
    reading = prose(*(text for text in texts if text))
    for name, pattern in {**SPARED, **BEGUN}.items():
        assert found(reading, pattern) == searched(reading, pattern), name


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"faster|slow(?:er)?", ("faster", "slow")),
        (r"w\d{1,2}a", tuple(f"w{digit}" for digit in range(10))),
        (r"(?<![a-z])int-?[48]\b", ("int",)),
        (r"batch(?: size)? of \d+", ("batch",)),
        (r"批|バッチ", ("バッチ", "批")),
        (r"(?:no )?need", ("need",)),
        (r"(?i)GPTQ", ("gptq",)),
    ],
)
def test_words_that_every_match_holds(pattern, words):
    assert required(re.compile(pattern)) == words


@pytest.mark.parametrize("pattern", [r"\d+ ?%", r"(?:fast)?", r"x", r"faster|\d+x", r"[^a]bc?", r"(?i)sis"])
def test_patterns_of_which_nothing_can_be_told(pattern):
    assert required(re.compile(pattern)) is None


def test_a_digit_of_another_script_is_found_as_before():
    pattern = re.compile(r"w\d{1,2}a")
    assert [hit.match[0] for hit in prose("In W٤A8.", "In W4A8.").find(pattern)] == ["w٤a", "w4a"]


@pytest.mark.parametrize("texts", ["{} first|none", "none|last {}", "{}"])
@pytest.mark.parametrize("word", ["批", "bs", "awq", "int4"])
def test_a_word_at_either_end_of_the_text_is_found(word, texts):
    reading = prose(*texts.format(word).split("|"))
    assert [hit.match[0] for hit in reading.find(re.compile(word))] == [word]
