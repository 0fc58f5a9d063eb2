"""Whether a served app works: `sleepviz health`. The visitor who finds out needs Streamlit: a part of the app."""

from __future__ import annotations

import importlib.util
import runpy
import sys

from sleepviz.config.places import SITE
from sleepviz.serve import ServeError


def health(url: str, *, patience_s: float) -> None:
    """Print one line, and end the process with status 0 where the app at `url` works, else 1. Raises ServeError."""
    if importlib.util.find_spec("streamlit") is None:
        raise ServeError("This needs Streamlit: pip install 'sleepviz[app]'.")
    sys.path.insert(0, str(SITE))
    sys.argv = ["health", url, str(patience_s)]
    runpy.run_module("app.visitor.health", run_name="__main__", alter_sys=True)
