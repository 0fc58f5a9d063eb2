"""Passes -> what the microscope draws of one head; pure: no streamlit, no torch."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.inside import inside_text as text
from app.inside.ways import Ways
from sleepviz.config.events import Array
from sleepviz.inside.seen import LayerSeen, Looked, Writes

Look = Sequence[Looked]
MOSTLY = 0.9  # of the sum of squares: what singular values hold


@dataclass(frozen=True)
class Where:
    """One head, all from 0: the place among the fast-weight layers and its head, the window, and the attention map."""

    layer: int
    head: int
    window: int
    attention_layer: int
    attention_head: int

    def within(self, look: Look) -> Where:
        """The same, or the last there is, in a run with fewer layers, heads or windows."""
        last = look[-1]
        layer = min(self.layer, len(last.layers) - 1)
        attended = max(min(self.attention_layer, len(last.attention) - 1), 0)
        return Where(
            layer,
            min(self.head, len(last.layers[layer].state) - 1),
            min(self.window, last.window_index),
            attended,
            min(self.attention_head, len(last.attention[attended]) - 1) if last.attention else 0,
        )


def passes_of(look: Look, where: Where) -> Look:
    """The passes of the window in sight."""
    window = where.within(look).window
    return [each for each in look if each.window_index == window]


def payload(look: Look, where: Where, ways: Ways, *, token: Callable[[str], str], name: str) -> dict[str, Any]:
    """One head of one run over the passes of one window; `token` writes a token as the visitor did."""
    here, where = passes_of(look, where), where.within(look)
    head = where.head
    layers = [each.layers[where.layer] for each in here]
    attended = [each.attention[where.attention_layer][where.attention_head] for each in here if each.attention]
    tokens = [token(each) for each in here[0].tokens]
    states = np.stack([layers[0].before[head], *(each.state[head] for each in layers)]).astype(np.float64)
    changes = np.stack([each.state[head] - before for each, before in zip(layers, states, strict=False)])
    maps = [each.astype(np.float64) for each in attended]
    return {
        "name": name,
        "passes": len(here),
        "tokens": tokens,
        "keys": states.shape[1],
        "values": states.shape[2],
        "states": _floats(states),
        "scale": float(np.abs(states).max()) or 1.0,
        "change_scale": float(np.abs(changes).max()) or 1.0,
        "singular": [_rounded(each.singular[head]) for each in layers],
        **_written([each.writes for each in layers], head),
        "attention": _levels(maps),
        "attended": maps[0].shape[1] if maps else 0,
        "attention_scale": float(max((each.max() for each in maps), default=1.0)),
        "path": ways.drawn(),
        "said": [
            said(here[n], layers[n], changes[n], head, maps[n] if maps else None, tokens, ways, n)
            for n in range(len(here))
        ],
    }


def _written(writes: Sequence[Writes | None], head: int) -> dict[str, Any]:
    """What the tokens of each pass wrote into one head; nothing where the layer does not let one see it."""
    seen = [each for each in writes if each is not None]
    if len(seen) < len(writes):
        return {"decay": [], "strength": [], "token_keys": "", "corrections": ""}
    return {
        "decay": [_rounded(each.decay[head]) for each in seen],
        "strength": [_rounded(each.strength[head]) for each in seen],
        "token_keys": _floats(np.stack([each.keys[head] for each in seen])),
        "corrections": _floats(np.stack([each.corrections[head] for each in seen])),
    }


def said(
    seen: Looked,
    layer: LayerSeen,
    change: Array,
    head: int,
    attended: Array | None,
    tokens: Sequence[str],
    ways: Ways,
    n: int,
) -> dict[str, str]:
    """Each picture of one pass in a sentence."""
    state = layer.state[head]
    size = float(np.linalg.norm(state))
    key, column = _largest(state)
    at = _largest(change)
    energy = np.cumsum(layer.singular[head].astype(np.float64) ** 2)
    sentences = {
        "state": text.SAID_STATE.format(
            size=size, value=_signed(float(state[key, column])), key=key + 1, column=column + 1
        ),
        "change": text.SAID_CHANGE.format(
            share=100 * float(np.linalg.norm(change)) / (size or 1.0), key=at[0] + 1, column=at[1] + 1
        ),
        "singular": text.SAID_SINGULAR.format(
            first=float(layer.singular[head][0]),
            rank=int(np.searchsorted(energy, MOSTLY * energy[-1]) + 1),
            all=len(energy),
        ),
        "tokens": _said_of_tokens(layer.writes, head, tokens),
        "attention": "",
        "path": ways.said,
        "distance": text.SAID_DISTANCE.format(state=100 * ways.state.distance[n + 1], h=100 * ways.h.distance[n + 1]),
    }
    if not size:
        sentences |= {"state": text.SAID_EMPTY, "singular": text.SAID_EMPTY}
    if attended is not None:
        row, column = _largest(attended)
        earlier = attended.shape[1] - len(tokens)  # tokens of earlier windows that are still in the cache
        read = tokens[column - earlier] if column >= earlier else text.EARLIER
        sentences["attention"] = text.SAID_ATTENTION.format(
            reader=tokens[row], row=row + 1, read=read, column=column + 1, share=100 * float(attended[row, column])
        )
    return sentences


def _said_of_tokens(writes: Writes | None, head: int, tokens: Sequence[str]) -> str:
    if writes is None:
        return ""
    strength, decay = writes.strength[head], writes.decay[head]
    writer, forgetter = int(strength.argmax()), int(decay.argmin())
    return text.SAID_TOKENS.format(
        writer=tokens[writer],
        place=writer + 1,
        strength=float(strength[writer]),
        forgetter=tokens[forgetter],
        forgets=forgetter + 1,
        kept=100 * float(decay[forgetter]),
    )


def _largest(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(np.abs(values))), values.shape)
    return int(row), int(column)


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 5) for value in values]


def _floats(values: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def _levels(maps: Sequence[Array]) -> str:
    """Attention of every pass as uint8: 255 is all of it."""
    if not maps:
        return ""
    return base64.b64encode(np.round(np.stack(maps) * 255).astype(np.uint8).tobytes()).decode("ascii")


def _signed(value: float) -> str:
    """Write a number with its sign, a minus as wide as the plus."""
    return f"{value:+.2f}".replace("-", "−")
