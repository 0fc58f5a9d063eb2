"""Where the app, its pages and its assets lie: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "_site"  # pyproject.toml puts them there

SITE = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent
"""The folder that holds app/, pages/, assets/ and .streamlit/."""

ASSETS = SITE / "assets"
CHECKPOINTS = ASSETS / "checkpoints"
