"""What is drawn of the latest runs, worked out once for everybody who looks at them.

Streamlit's own cache forgets a value, but holds a lock for each key for ever: here, for each question ever asked.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from app.shell.run_log import Kept

PICTURES_KEPT = 32  # of half a megabyte


class Latest:
    """The values that were asked for last, at most `most`."""

    def __init__(self, most: int) -> None:
        self._most, self._lock, self._values = most, threading.Lock(), OrderedDict[Hashable, Any]()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of this key. One is made at a time: of all who ask for the same, the first makes it."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
            return self._values[key]


@st.cache_resource(show_spinner=False)
def pictures() -> Latest:
    """Those of this server."""
    latest = Latest(PICTURES_KEPT)
    Kept("pictures", lambda: {"kept_pictures": len(latest)})
    return latest
