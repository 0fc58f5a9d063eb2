"""The half of the share bar that only the page itself can do: copy the link, and make a picture of the stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_bar = st.components.v2.component(
    "sleepviz_share_bar",
    html='<div class="share"></div>\n',
    css=_text("share.css"),
    js="\n".join(map(_text, ("picture.js", "share.js"))),
)


@dataclass(frozen=True)
class Texts:
    """What the buttons and the messages say."""

    copy: str
    copied: str
    by_hand: str
    picture: str
    no_picture: str


def show(link: Mapping[str, str], texts: Texts, *, caption: str, file: str, key: str) -> None:
    """Two buttons, and a field with the link where the clipboard is refused.

    `link` is what the page holds; the player's place and the ways of looking are added when it is copied. `file` is
    the picture's name without its ending, and `caption` the line under it.
    """
    _bar(
        key=key,
        data={"link": dict(link), "texts": vars(texts), "caption": caption, "file": file},
    )
