"""The model as one drawing: which layers attend, which hold S, what loops; the parts of an act are lit.

The drawing is made in the browser. A component of its own shows it here; another component (the player) can take
`JS` and `CSS` into its own and call `drawArchitecture(root, data)` once and `lightArchitecture(root, act)` at each act.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import streamlit as st

Act = Literal["read", "full", "asleep", "clear", "answer"]

# What takes part in each act. `cache` is one part whether it fills or is emptied: the drawing knows the act.
PARTS: dict[Act, tuple[str, ...]] = {
    "read": ("tokens", "attention", "cache"),
    "full": ("cache",),
    "asleep": ("attention", "cache", "fast", "state", "loop"),
    "clear": ("cache", "state"),
    "answer": ("tokens", "attention", "fast", "state", "answer"),
}
SENTENCES: dict[Act, str] = {
    "read": "Reading: attention keeps a key and a value for every token in its KV cache.",
    "full": "The KV cache is full: no further token fits into the window.",
    "asleep": "Asleep: each pass takes the results of the pass before through all layers again, and rewrites S.",
    "clear": "Clearing: a KV cache that is kept grows with every window, so it is emptied. S stays.",
    "answer": "Awake: the question goes through the layers once, and the answer is read from S.",
}
LAYERS = {"full_attention": "attention", "sliding_attention": "attention", "linear_attention": "fast"}

_HERE = Path(__file__).parent
JS = (_HERE / "architecture.js").read_text(encoding="utf-8")
CSS = (_HERE / "architecture.css").read_text(encoding="utf-8")

_drawing = st.components.v2.component(
    "sleepviz_architecture",
    html='<div class="architecture"></div>\n',
    css=CSS,
    js=f"""{JS}
export default function ({{ parentElement, data }}) {{
  const root = parentElement.querySelector(".architecture");
  drawArchitecture(root, data);
  lightArchitecture(root, data.act);
}}
""",
)


def drawing(layer_types: Sequence[str]) -> dict[str, Any]:
    """What `drawArchitecture` needs for a model of these layers, as in its checkpoint's `layer_types`."""
    return {"layers": [LAYERS[kind] for kind in layer_types], "parts": PARTS, "sentences": SENTENCES}


def show(layer_types: Sequence[str], act: Act, *, key: str) -> None:
    """Draw the model and light the parts of one act."""
    _drawing(key=key, data={**drawing(layer_types), "act": act})
