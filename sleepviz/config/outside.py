"""Text from outside: files, standard input, links and boxes. One reader, so that each kind of fault is met once.

Text is UTF-8, with a byte-order mark or without. Line ends of any script become "\n". Control characters and
halves of surrogate pairs are refused. JSON is strict: no key comes twice, and every number is finite.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

LINE_MAX_BYTES = 16_000_000
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What is raised by taking values from JSON of another shape than was expected; int(inf) is an ArithmeticError."""
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_JSONL_LINE_END = re.compile(b"\r\n|\r|\n")  # the others may stand inside a JSON string
_MARK = "\ufeff"
_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_HALF = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f]")
_SPACES = re.compile("(?:[^\\S\n]|\u200b)+")
_NO_WIDTH = dict.fromkeys(map(ord, "\u2060\ufeff"))  # join what stands beside them
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "`": "`"}


class InputError(ValueError):
    """A person's input cannot be used; the message is one sentence that says what is allowed."""


def decoded(data: bytes, what: str) -> str:
    """UTF-8 bytes, with a byte-order mark or without -> text. `what` begins the sentence of the InputError."""
    for mark, name in _OTHER_MARKS:
        if data.startswith(mark):
            raise InputError(f"{what} is not UTF-8 text but {name}; save it as UTF-8.")
    if b"\0" in data:
        raise InputError(f"{what} holds zero bytes, so it is not UTF-8 text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not UTF-8 text; save it as UTF-8.") from error


def lines_of(file: BinaryIO, what: str) -> Iterator[tuple[int, str]]:
    """The lines of a JSONL file that are not blank, with their numbers from 1. Raises InputError and OSError."""
    number = 0
    while data := file.readline(LINE_MAX_BYTES):
        if len(data) == LINE_MAX_BYTES:
            raise InputError(f"Line {number + 1} of {what} is longer than {LINE_MAX_BYTES:,} bytes.")
        for part in _JSONL_LINE_END.split(data.rstrip(b"\r\n")):
            number += 1
            line = decoded(part, f"{what[:1].upper()}{what[1:]}" if number == 1 else f"Line {number} of {what}")
            if line.strip():
                yield number, line.strip()


def sound(text: str, what: str) -> str:
    """Text that can be shown and encoded, its line ends "\\n", without a byte-order mark. Raises InputError."""
    found = _LINE_END.sub("\n", text.removeprefix(_MARK))
    require_sound(found, what)
    return found


def require_sound(text: str, what: str) -> None:
    """Refuse halves of surrogate pairs and control characters other than tabs and line ends. Raises InputError."""
    require_whole_characters(text, what)
    if found := _CONTROL.search(text):
        raise InputError(
            f"{what} holds control characters, such as U+{ord(found[0]):04X}, so it does not look like text."
        )


def require_whole_characters(values: Any, what: str) -> None:
    """Refuse halves of surrogate pairs in any string of a JSON value: no file, browser or tokenizer can be given one.

    Raises InputError.
    """
    if isinstance(values, str):
        if found := _HALF.search(values):
            raise InputError(f"{what} holds half of a character, U+{ord(found[0]):04X}; write all of it.")
    elif isinstance(values, dict):
        require_whole_characters([*values.keys(), *values.values()], what)
    elif isinstance(values, list):
        for value in values:
            require_whole_characters(value, what)


def single_spaced(text: str) -> str:
    """Every run of spaces or tabs of any script as one space; what stands at a line's ends is left out."""
    spaced = _SPACES.sub(" ", text.translate(_NO_WIDTH))
    return "\n".join(line.strip() for line in spaced.split("\n"))


def json_of(text: str, what: str = "The input", form: str = "") -> Any:
    """Read strict JSON. Raises InputError, which ends with the `form` to write."""
    to_write = f"; write {form}." if form else "."

    def refuse(fault: str) -> InputError:
        return InputError(f"{what} {fault}{to_write}")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise refuse(f"gives {twice[:40]!r} twice")
        return values

    def finite(number: str) -> float:
        value = float(number)
        if not math.isfinite(value):
            raise refuse(f"holds {number[:20]}, which is not a finite number")
        return value

    try:
        values = json.loads(
            text.removeprefix(_MARK).strip(), object_pairs_hook=once, parse_float=finite, parse_constant=finite
        )
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise refuse("is not JSON") from error
    require_whole_characters(values, what)
    return values


def strict_json(value: Any, *, indent: int | None = None) -> str:
    """Write JSON that every reader takes: a number that is not finite is written as null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def path_of(text: str) -> Path:
    """A path as people write or paste it: in quotes, with ~ for their home folder, or as a file:// address.

    What exists under exactly this name is meant literally.
    """
    if _exists(Path(text)):
        return Path(text)
    found = unquoted(text)
    if found.startswith("file://"):
        found = unquote(urlsplit(found).path)
    try:
        return Path(found).expanduser()
    except RuntimeError:  # ~somebody who is not known here
        return Path(found)


def unquoted(text: str) -> str:
    """Without the spaces and the pair of quotes around it."""
    found = text.strip()
    return found[1:-1].strip() if len(found) > 1 and _QUOTES.get(found[0]) == found[-1] else found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or no name of a file
        return False
