"""Sampling Depo: directed cycles over names, one in eight of them kept from training.

A cycle is told by its edges and not by where it begins, so that no cycle of one split is ever drawn in the other.
The token of an unknown node is the number of names, and padding is the token after it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sleepviz.tasks.base import Split, Tokens


def sample_orders(rng: np.random.Generator, n_nodes: Tokens, nodes_max: int, split: Split) -> Tokens:
    """Random orders of all names, [B, nodes_max], whose first `n_nodes` [B] are a cycle of the split."""
    names = np.broadcast_to(np.arange(nodes_max), (len(n_nodes), nodes_max))
    order = rng.permuted(names, axis=1)
    while (wrong := is_held_out(order, n_nodes) != (split == "held_out")).any():
        order[wrong] = rng.permuted(order[wrong], axis=1)
    return order


def is_held_out(order: Tokens, n_nodes: Tokens) -> NDArray[np.bool_]:
    """Whether each cycle is kept from training: one in eight, told by its edges and not by where it begins."""
    successor = successors(order, n_nodes).astype(np.uint64)
    place = np.arange(order.shape[1], dtype=np.uint64)
    with np.errstate(over="ignore"):  # products wrap on purpose: an edge's hash, and their sum's
        edge = (place * np.uint64(257) + successor + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        edge ^= edge >> np.uint64(29)
        hashed = (edge * np.uint64(0xBF58476D1CE4E5B9)).sum(-1, dtype=np.uint64) * np.uint64(0x94D049BB133111EB)
    return np.asarray(hashed >> np.uint64(61) == 0)


def successors(order: Tokens, n_nodes: Tokens) -> Tokens:
    """Where each name leads, [B, nodes_max]; unknown for names outside the cycle."""
    nodes_max = order.shape[1]
    place = np.arange(nodes_max)
    following = np.where(place + 1 == n_nodes[:, None], 0, np.minimum(place + 1, nodes_max - 1))
    after = np.take_along_axis(order, following, axis=1)
    successor = np.empty_like(order)
    np.put_along_axis(successor, order, np.where(place < n_nodes[:, None], after, nodes_max), axis=1)
    return successor


def shuffled_edges(rng: np.random.Generator, order: Tokens, n_nodes: Tokens, successor: Tokens) -> Tokens:
    """Edges [B, nodes_max, 2] in random order, padding last."""
    nodes_max = order.shape[1]
    is_edge = np.arange(nodes_max) < n_nodes[:, None]
    shuffled = np.argsort(np.where(is_edge, rng.random(order.shape), 2.0), axis=1)
    sources = np.take_along_axis(order, shuffled, axis=1)
    edges = np.stack([sources, np.take_along_axis(successor, sources, axis=1)], axis=-1)
    edges[~is_edge] = nodes_max + 1
    return edges
