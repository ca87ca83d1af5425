from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.errors import UnreadableInput
from lynxspec.importers._decode import MAX_BYTES, MAX_CHARACTERS, MAX_LINES, contents, decode, even, within_limits

GERMAN = "Der Durchsatz steigt um das 2,1×fache – „Genauigkeit“ bleibt für größere Modelle erhalten.\n"
CHINESE = "我们使用校准数据对模型进行了量化，精度几乎无损，吞吐量可以提升一倍。\n"
JAPANESE = "このモデルはキャリブレーションデータを使って量子化されています。\n"
KOREAN = "이 모델은 양자화 후에도 정확도를 유지하고 처리량은 두 배로 늘어난다.\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-32"),
        (GERMAN, "cp1252"),
        (CHINESE, "gb18030"),
        (JAPANESE, "cp932"),
        (KOREAN, "cp949"),
        (CHINESE, "utf-16"),
        (KOREAN, "utf-8"),
    ],
)
def test_a_text_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert decode((text * 5).encode(encoding)) == text * 5


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_characters_need_no_mark(encoding: str) -> None:
    assert decode("Model: FP8, 2.1x faster\n".encode(encoding)) == "Model: FP8, 2.1x faster\n"


def test_one_bad_byte_costs_one_character() -> None:
    data = (GERMAN * 5).encode()
    assert decode(data[:-2] + b"\xff\n") == (GERMAN * 5)[:-2] + "\ufffd\n"


def test_a_lone_byte_beyond_ascii_is_western() -> None:
    assert decode(b"2.1\xd7 faster") == "2.1× faster"


def test_evening_out_keeps_every_offset() -> None:
    assert even("a\r\nb\rc\x0cd") == "a \nb\nc\nd"
    assert even("│ a ├──┤") == "| a +--+"


@given(st.text())
def test_an_even_text_is_as_long_as_the_text(text: str) -> None:
    assert len(even(text)) == len(text)


def test_a_long_text_is_cut_at_a_line_and_says_so() -> None:
    text = "x" * 99 + "\n"
    kept, notes = within_limits(text * (MAX_CHARACTERS // 100 + 5))
    assert len(kept) <= MAX_CHARACTERS
    assert kept.endswith("\n")
    assert "were read" in notes[0]
    kept, notes = within_limits("\n" * (MAX_LINES + 5))
    assert len(kept) == MAX_LINES
    assert len(notes) == 1
    assert within_limits(text) == (text, ())


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path) -> None:
    with pytest.raises(UnreadableInput, match="larger than 100 MB"):
        contents(b" " * (MAX_BYTES + 1), "big.md")
    with pytest.raises(UnreadableInput, match="a PDF, not a text") as refused:
        contents(b"%PDF-1.7", "sheet.md")
    assert refused.value.hint
    with pytest.raises(UnreadableInput, match="No such file"):
        contents(str(tmp_path / "none.md"), "none.md")


def test_a_file_is_read(tmp_path) -> None:
    path = tmp_path / "sheet.md"
    path.write_bytes(b"# Title")
    assert contents(str(path), "sheet.md") == b"# Title"
