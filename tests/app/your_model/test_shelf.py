"""Dropped files lie on the server for a while, and leave nothing behind."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from app.your_model.shelf import KEPT, Shelf
from sleepviz.config.base import ConfigError


def dropped(name: bytes) -> list[tuple[str, bytes]]:
    return [("config.json", b'{"model_type": "' + name + b'"}'), ("model.safetensors", b"\0" * 64)]


def test_the_files_used_longest_ago_make_room() -> None:
    shelf = Shelf()
    first, *others = [shelf.put(dropped(b"%d" % number)) for number in range(KEPT)]
    shelf.folder(first)
    shelf.put(dropped(b"one more"))
    assert (shelf.folder(first) / "config.json").read_bytes() == b'{"model_type": "0"}'
    with pytest.raises(ConfigError, match="drop them again"):
        shelf.folder(others[0])
    assert len(list(shelf.root.iterdir())) == KEPT


def test_a_shelf_that_nobody_uses_any_more_takes_its_files_along() -> None:
    shelf = Shelf()
    shelf.put(dropped(b"a"))
    root = Path(shelf.root)
    assert list(root.iterdir())
    del shelf
    gc.collect()
    assert not root.exists()
