"""A text inside a link: compressed, in the letters that an address may hold, and bounded both ways."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

from app.shell.state import LinkError, Reader
from app.shell.uploads import MOST_BYTES, MOST_CHARACTERS
from sleepviz.config.outside import InputError, sound

PACKED_MAX = 6000  # characters of the address: servers and messengers cut addresses beyond 8000 or so


def packed(text: str) -> str | None:
    """The text as one value of a link; None where that would be too long."""
    squeezed = zlib.compress(text.encode("utf-8", "replace"), level=9)
    value = base64.urlsafe_b64encode(squeezed).decode("ascii").rstrip("=")
    return value if len(value) <= PACKED_MAX else None


def unpacked(value: str) -> str:
    """Inverse of `packed`, which never makes more than an upload may hold. Raises ValueError."""
    if len(value) > PACKED_MAX:
        raise ValueError("too long")
    try:
        squeezed = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        unzip = zlib.decompressobj()
        data = unzip.decompress(squeezed, MOST_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("damaged") from error
    if not unzip.eof:
        raise ValueError("too long, or cut")
    text = sound(data.decode("utf-8"), "The link's document")
    if len(text) > MOST_CHARACTERS:
        raise ValueError("too long")
    return text


def reader(key: str, what: str) -> Reader:
    """A reader of a packed text."""

    def read(value: str) -> dict[str, Any]:
        try:
            return {key: unpacked(value)}
        except (ValueError, InputError) as error:  # UnicodeDecodeError is a ValueError
            raise LinkError(f"The link's {what} is damaged or too long; ask for the link again.") from error

    return read
