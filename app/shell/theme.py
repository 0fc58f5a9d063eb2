"""One palette for every figure: Okabe-Ito series colours, and inks for light and dark pages.

Colours are given explicitly because the theme's palette is not applied to plotly's graph objects.
The theatre (the player's panel) is dark on both pages; its colours are in player/player.css.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["light", "dark"]

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
MARKERS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star")
FONT_SIZE = 14


@dataclass(frozen=True)
class Palette:
    """Inks and series colours that stand out on one page background."""

    background: str
    ink: str
    faint: str  # grid lines and reference lines
    accent: str  # the current setting
    series: tuple[str, ...]  # each at least 3:1 against the background


LIGHT = Palette(
    background="#ffffff",
    ink="#1d2433",
    faint="#d5d9e2",
    accent="#005a9c",
    # Okabe-Ito's orange, sky and purple are darkened: as published they are below 3:1 on white.
    series=(BLUE, "#B87A00", "#00815E", "#B0568A", "#2C86BC", VERMILLION),
)
DARK = Palette(
    background="#0e1117",
    ink="#e8ecf4",
    faint="#343b4a",
    accent="#7cc4ff",
    series=("#4CA3DD", ORANGE, "#1DBF92", PURPLE, SKY, "#F0803C"),
)


def palette(mode: Mode) -> Palette:
    """The palette of a page that is light or dark."""
    return DARK if mode == "dark" else LIGHT


def page_mode(theme_type: str | None) -> Mode:
    """Streamlit's word for the page's theme, or light when the browser has not said yet."""
    return "dark" if theme_type == "dark" else "light"
