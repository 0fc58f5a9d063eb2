"""Gives memory that visitors no longer need back to the system, which a small host needs for the next class.

The C library of most Linux systems (glibc) keeps freed memory for later, and for every few threads a heap of its own.
Each click is a thread here, so more memory would stay taken once a class has left. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time

EVERY_S = 20.0
HEAPS = 2
_M_ARENA_MAX = -8  # of malloc.h


def keep_small() -> None:
    """Share few heaps among all threads, and go on giving back until the process ends; return at once."""
    if library := _glibc():
        library.mallopt(_M_ARENA_MAX, HEAPS)
        threading.Thread(target=_go_on, name="heap", daemon=True).start()


def give_back() -> None:
    """Return every free page to the system, from the middle of a heap too; takes some milliseconds."""
    if library := _glibc():
        library.malloc_trim(0)


def _go_on() -> None:
    while True:
        time.sleep(EVERY_S)
        give_back()


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, where it is this one."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None
