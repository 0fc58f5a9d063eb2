"""A document in a link: it comes back as it was, and nothing else does harm."""

from __future__ import annotations

import base64
import random
import string
import zlib

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from app.sharing.packed import PACKED_MAX, packed, reader, unpacked
from app.shell.state import LinkError
from app.shell.uploads import MOST_CHARACTERS
from sleepviz.config.outside import InputError, sound
from sleepviz.text import example

URL_LETTERS = set(string.ascii_letters + string.digits + "-_")


@seed(15)
@settings(max_examples=200, deadline=None, database=None)
@given(st.text(max_size=300))
def test_a_text_comes_back(text: str) -> None:
    try:
        readable = sound(text, "it")
    except InputError:
        return  # no box and no file lets it in
    value = packed(readable)

    assert value is not None
    assert set(value) <= URL_LETTERS
    assert unpacked(value) == readable


def test_the_shipped_page_fits_and_is_shorter_packed() -> None:
    value = packed(example.PAGE)

    assert value is not None
    assert len(value) < len(example.PAGE)


def test_a_text_too_long_for_a_link_is_not_packed() -> None:
    noise = "".join(random.Random(0).choices(string.printable[:94], k=MOST_CHARACTERS))

    assert packed(noise) is None
    assert packed("a" * MOST_CHARACTERS) is not None


def as_value(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "!!",
        "abc",
        "🙂",
        "A" * (PACKED_MAX + 1),
        as_value(zlib.compress(b"0" * 50_000_000)),  # small here, large when unpacked
        as_value(zlib.compress(b"0" * (MOST_CHARACTERS + 1))),
        as_value(zlib.compress(b"some text")[:-3]),
        as_value(zlib.compress(b"\xff\xfe")),
        as_value(zlib.compress(b"zero \x00 byte")),
    ],
    ids=["empty", "letters", "short", "emoji", "long", "bomb", "text", "cut", "no-utf8", "control"],
)
def test_a_bad_value_is_one_sentence(value: str) -> None:
    with pytest.raises(LinkError, match="The link's document is damaged or too long"):
        reader("page", "document")(value)
