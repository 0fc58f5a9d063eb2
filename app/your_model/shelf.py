"""The files that visitors dropped, as folders from which the library can load: few, for a while, then deleted."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from sleepviz.config.base import ConfigError

KEPT = 4


@dataclass
class Shelf:
    """Folders by the digest of their files; the one used longest ago makes room, and all go with the shelf."""

    root: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sleepviz-dropped-")))
    kept: OrderedDict[str, Path] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self.root, ignore_errors=True)

    def put(self, files: Sequence[tuple[str, bytes]]) -> str:
        """Lay the files out, unless they are there -> their digest. Raises ConfigError."""
        from sleepviz.hybrids.models.dropped import digest_of, lay_out, require_files

        require_files(files)
        digest = digest_of(files)
        with self.lock:
            if digest not in self.kept:
                folder = Path(tempfile.mkdtemp(dir=self.root))
                try:
                    lay_out(files, folder)
                except BaseException:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
                self.kept[digest] = folder
            self.kept.move_to_end(digest)
            while len(self.kept) > KEPT:
                _, gone = self.kept.popitem(last=False)
                shutil.rmtree(gone, ignore_errors=True)
        return digest

    def folder(self, digest: str) -> Path:
        """Where these files lie. Raises ConfigError."""
        with self.lock:
            if digest not in self.kept:
                raise ConfigError("these files are not on the server any more; drop them again.")
            self.kept.move_to_end(digest)
            return self.kept[digest]


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The one of this server."""
    return Shelf()
