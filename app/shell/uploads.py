"""Text files that a visitor uploads: bounded, UTF-8, and refused in one sentence."""

from __future__ import annotations

from sleepviz.config.outside import InputError, decoded, sound
from sleepviz.config.run import INPUT_MAX_CHARACTERS

TYPES = ("txt", "md")
MOST_CHARACTERS = INPUT_MAX_CHARACTERS // 2  # as many as document and question may have together
MOST_BYTES = 4 * MOST_CHARACTERS  # UTF-8 takes no more for a character
MOST_MB = 1  # streamlit's own bound, in whole megabytes; ours is the smaller


def text_of(name: str, data: bytes) -> str:
    """The text of a file. Raises InputError."""
    if not name.lower().endswith(tuple(f".{each}" for each in TYPES)):
        raise InputError(f"Only files that end in {' or '.join(f'.{each}' for each in TYPES)} can be read.")
    if len(data) > MOST_BYTES:
        raise InputError(f"The file has {len(data):,} bytes, and at most {MOST_BYTES:,} are read.")
    found = sound(decoded(data, "The file"), "The file").strip()
    if len(found) > MOST_CHARACTERS:
        raise InputError(f"The file has {len(found):,} characters, and at most {MOST_CHARACTERS:,} are read.")
    if not found:
        raise InputError("The file is empty.")
    return found
