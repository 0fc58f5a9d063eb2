"""Whoever writes a series of files into a folder is the only one: a second process is refused, not mixed in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sleepviz.config.base import ConfigError

try:
    import fcntl
except ImportError:  # Windows has no such lock; there nothing is refused
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone_at(path: Path, refusal: str) -> Iterator[None]:
    """Hold PATH, a folder or a file that is made, against other processes on this machine.

    The lock goes with the process, however that ends. Raises ConfigError with the `refusal` where PATH is held.
    """
    if fcntl is None:
        yield
        return
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    held = os.open(path, flags, 0o644)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(refusal) from error
        yield
    finally:
        os.close(held)
