"""Depo as tokens: the vocabulary, and windows and prediction chunks made of edges and questions.

A window is [source destination ;]*E[node name: hops]*names, a compact one [source destination]*E [name:]*names; a
prediction chunk is [ask start: hops]..., a compact one [start: hops]... (see task.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.tasks.base import Tokens, ends_in_windows


@dataclass(frozen=True)
class DepoTokens(JsonRoundTrip):
    """The sizes of Depo, and the tokens that follow from them."""

    nodes_max: int = 18
    nodes_min: int = 4
    window_edges: int = 9
    hops_max: int = 8
    compact: bool = False

    def __post_init__(self) -> None:
        require(6 <= self.nodes_max <= 256, "nodes_max must be from 6 (so that cycles can be held out) to 256.")
        require(2 <= self.nodes_min <= self.nodes_max, "nodes_min must be from 2 to nodes_max.")
        require(1 <= self.window_edges <= self.nodes_max, "window_edges must be from 1 to nodes_max.")
        require(1 <= self.hops_max <= 64, "hops_max must be from 1 to 64.")

    @property
    def edge_tokens(self) -> int:
        """Tokens of one edge."""
        return 2 if self.compact else 3

    @property
    def call_tokens(self) -> int:
        """Tokens of one entry of the roll call."""
        return 1 if self.compact else 3

    @property
    def question_tokens(self) -> int:
        """Tokens of one question."""
        return 2 if self.compact else 3

    @property
    def unknown(self) -> int:
        """The token of a node that the edges read so far do not tell."""
        return self.nodes_max

    @property
    def pad(self) -> int:
        """The token of a place that is empty."""
        return self.nodes_max + 1

    @property
    def ask(self) -> int:
        """The token that stands before a question."""
        return self.nodes_max + 2

    @property
    def end(self) -> int:
        """The token that ends an edge."""
        return self.nodes_max + 3

    @property
    def hop(self) -> int:
        """The token of 0 hops; the other numbers of hops follow."""
        return self.nodes_max + 4

    @property
    def called(self) -> int:
        """The token of the first name, called or asked; the other names follow."""
        return self.hop + self.hops_max + 1

    @property
    def vocab_size(self) -> int:
        """Names, unknown, pad, ask, the end of an edge, numbers of hops, and names that are called."""
        return self.called + self.nodes_max

    @property
    def roll_call(self) -> int:
        """The place in a window where the roll call begins."""
        return self.edge_tokens * self.window_edges

    @property
    def window(self) -> int:
        """L: edges and roll call."""
        return self.roll_call + self.call_tokens * self.nodes_max

    @property
    def windows_min(self) -> int:
        """Windows that the smallest cycle fills."""
        return -(-self.nodes_min // self.window_edges)

    @property
    def windows_max(self) -> int:
        """Windows that the largest cycle fills."""
        return -(-self.nodes_max // self.window_edges)

    def token_text(self, token: int) -> str:
        """Names as n1, n2, and so on, called ones as n1:, n2:, hops as +1, +2."""
        if token < self.nodes_max:
            return f"n{token + 1}"
        if token >= self.called:
            return f"n{token - self.called + 1}:"
        special = {self.unknown: "?", self.pad: "·", self.ask: "ask", self.end: ";"}
        return special.get(token, f"+{token - self.hop}")

    def statement_stops(self, context: Sequence[int]) -> tuple[int, ...]:
        """Each edge is a statement, and so is the roll call as a whole: it is there to be worked on at once."""
        edges = range(self.edge_tokens, self.roll_call + 1, self.edge_tokens)
        return ends_in_windows(len(context), self.window, edges)

    def nodes(self, window: Tokens) -> Tokens:
        """The roll call's nodes, [..., L] -> a view [..., names]."""
        return window[..., self.roll_call :: self.call_tokens]

    def successor(self, windows: Tokens) -> Tokens:
        """Where each name leads by the edges in windows [B, W, L], [B, nodes_max + 1]; the last entry is unknown."""
        size = len(windows)
        edges = windows[:, :, : self.roll_call].reshape(size, -1, self.edge_tokens)  # [B, W E, tokens]
        instance, place = np.nonzero(edges[..., 0] < self.nodes_max)
        known = np.full((size, self.nodes_max + 1), self.unknown, dtype=np.int64)
        known[instance, edges[instance, place, 0]] = edges[instance, place, 1]
        return known

    def rest(self, windows: Tokens) -> Tokens:
        """A window without an edge, after windows [B, W, L], with the same roll call, [B, 1, L]."""
        window = windows[:, -1:].copy()
        window[..., : self.roll_call] = self.pad
        return window

    def padded(self, edges: Tokens, n_windows: int) -> Tokens:
        """Edges [B, n, 2] -> exactly as many as the windows hold."""
        missing = n_windows * self.window_edges - edges.shape[1]
        return np.pad(edges, ((0, 0), (0, max(missing, 0)), (0, 0)), constant_values=self.pad)

    def windows(self, edges: Tokens, n_windows: int) -> Tokens:
        """Edges [B, n, 2] -> tokens [B, W, L]."""
        edges = self.padded(edges, n_windows)[:, : n_windows * self.window_edges]
        if not self.compact:
            edges = np.concatenate([edges, np.where(edges[..., :1] == self.pad, self.pad, self.end)], axis=-1)
        names = np.arange(self.nodes_max)
        windows = np.empty((len(edges), n_windows, self.window), dtype=np.int64)
        windows[:, :, : self.roll_call] = edges.reshape(len(edges), n_windows, -1)
        if self.compact:
            windows[:, :, self.roll_call :] = self.called + names
            return windows
        windows[:, :, self.roll_call :: self.call_tokens] = names
        windows[:, :, self.roll_call + 1 :: self.call_tokens] = self.called + names
        windows[:, :, self.roll_call + 2 :: self.call_tokens] = self.hop
        return windows

    def queries(self, starts: Tokens, hops: Tokens) -> Tokens:
        """Starts and hops [B, asked] each -> prediction chunks [B, T]."""
        asked = [self.called + starts, self.hop + hops]
        entries = np.stack(asked if self.compact else [np.full_like(starts, self.ask), *asked], axis=-1)
        return entries.reshape(len(starts), -1)
