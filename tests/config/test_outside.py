"""Text from outside: encodings, marks, line ends, control characters, strict JSON, and paths as people paste them."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.config.outside import InputError, decoded, json_of, lines_of, path_of, single_spaced, sound, strict_json


def refusal(function: object, *arguments: object) -> str:
    with pytest.raises(InputError) as refused:
        function(*arguments)  # type: ignore[operator]
    message = str(refused.value)
    assert message.endswith(".") and "\n" not in message and message.isprintable()
    return message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("né".encode("latin-1"), "not UTF-8"),
        ("né".encode("utf-16"), "UTF-16"),
        ("né".encode("utf-16-be").join([b"\xfe\xff", b""]), "UTF-16"),
        ("né".encode("utf-32"), "UTF-32"),
        ("no mark".encode("utf-16-le"), "zero bytes"),
        (b"\xed\xa0\xbd", "not UTF-8"),  # half of a pair, as some programs write it
        (b"\xc0\xaf", "not UTF-8"),  # a slash in two bytes
    ],
)
def test_what_is_not_utf8_is_refused_by_name(data: bytes, says: str) -> None:
    assert says in refusal(decoded, data, "The file")


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decoded(b"\xef\xbb\xbfn\xc3\xa9", "The file") == "né"
    assert sound("\ufeffnow", "The text") == "now"
    assert json_of('\ufeff{"a": 1}') == {"a": 1}


def test_lines_end_as_every_system_ends_them_and_are_counted_from_one() -> None:
    text = b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"b": "\xe2\x80\xa8"}\r{"c": 3}'

    assert list(lines_of(io.BytesIO(text), "it")) == [(1, '{"a": 1}'), (4, '{"b": "\u2028"}'), (5, '{"c": 3}')]


def test_a_line_that_is_not_text_is_named() -> None:
    assert refusal(list, lines_of(io.BytesIO(b"one\ntwo\n\xff\n"), "x.jsonl")).startswith("Line 3 of x.jsonl")
    with open("/dev/zero", "rb") as endless:
        assert "longer than" in refusal(list, lines_of(endless, "/dev/zero"))


@pytest.mark.parametrize("end", ["\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_line_ends_of_any_script_are_one(end: str) -> None:
    assert sound(f"one{end}two", "The text") == "one\ntwo"


@pytest.mark.parametrize("char", ["\0", "\x1b", "\x7f", "\x9b", "\x1c", "\ud83d"])
def test_control_characters_and_halves_are_refused_with_their_number(char: str) -> None:
    assert f"U+{ord(char):04X}" in refusal(sound, f"a{char}b", "The text")


@pytest.mark.parametrize("kept", ["né", "👩‍👩‍👧", "كلمة‎", "a\tb\nc", "\u00a0", "´\u0301"])
def test_what_people_write_is_kept(kept: str) -> None:
    assert sound(kept, "The text") == kept


@pytest.mark.parametrize("space", ["\u00a0", "  ", "\t", "\u2009", "\u202f", "\u3000", " \u200b", "\u1680"])
def test_spaces_of_any_script_are_one(space: str) -> None:
    assert single_spaced(f"{space}Ana{space}has 3{space}\n{space}apples") == "Ana has 3\napples"
    assert single_spaced("ap\u2060ples\ufeff") == "apples"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"steps": 2, "steps": 5}', "'steps' twice"),
        ('{"a": [{"b": 1, "b": 1}]}', "'b' twice"),
        ("NaN", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ('{"a": 1e999}', "1e999"),
        (r'{"a": "\ud83d"}', "U+D83D"),
        (r'{"\udc00": 1}', "U+DC00"),
        (r'["\ude00\ud83d"]', "U+DE00"),  # a pair the wrong way round
        ("[" * 50_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1} {"b": 2}', "not JSON"),
        ("", "not JSON"),
    ],
)
def test_json_is_strict(text: str, says: str) -> None:
    message = refusal(json_of, text, "The input", '{"a": 1}')
    assert says in message and (message.endswith('; write {"a": 1}.') or "half of a character" in message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@settings(max_examples=50)
@given(JSON)
def test_what_is_written_is_read_again(value: object) -> None:
    assert json_of(strict_json(value)) == value == json.loads(strict_json(value))


def test_numbers_that_are_not_finite_are_written_as_null() -> None:
    value = {"loss": math.nan, "ci95": [(-math.inf, 1.0)], "deep": [[{"x": math.inf}]]}

    assert json_of(strict_json(value)) == {"loss": None, "ci95": [[None, 1.0]], "deep": [[{"x": None}]]}


def test_paths_are_read_as_people_paste_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    here = tmp_path / "my model"
    for text in (f'"{here}"', f"'{here}'", f" {here} ", f"“{here}”", "~/my model", '"~/my model"', here.as_uri()):
        assert path_of(text) == here
    for text in ("plain", "~nobody-is-called-this/x", "$HOME/x", "n" * 5000):
        assert path_of(text) == Path(text)


def test_a_folder_whose_name_has_quotes_or_a_tilde_is_meant_literally(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("'quoted'", "~", " x "):
        (tmp_path / name).mkdir()
        assert path_of(name) == Path(name)
