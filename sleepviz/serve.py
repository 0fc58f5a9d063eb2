"""Serve the app with Streamlit: `sleepviz app`, in a checkout as from an installed wheel."""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys

from sleepviz.config.places import SITE


class ServeError(RuntimeError):
    """The app cannot be served; the message is one sentence."""


def serve(*, port: int, address: str) -> None:
    """Serve the app on `address`:`port` until the process is interrupted; it does not return before.

    The working directory becomes SITE, where Streamlit looks for .streamlit/config.toml. Raises ServeError
    without Streamlit.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise ServeError("The app needs Streamlit: pip install 'sleepviz[app]'.")
    os.chdir(SITE)
    sys.argv = ["streamlit", "run", "app/main.py", "--server.port", str(port), "--server.address", address]
    sys.argv += ["--browser.serverAddress", "localhost"]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
