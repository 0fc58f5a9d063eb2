"""Depo: multi-hop retrieval. A directed cycle is read edge by edge; after sleep, where is one `hops` hops on?

The paper's second task (arXiv:2605.26099 §4.2, from Allen-Zhu's Physics of Language Models). Questions
(start, hops) come only after every window is evicted, so the memory must be ready for all of them.

A window is [source destination ;]*E[node name: hops]*names. The last part, the roll call, is where there is
room to work: every name's node begins as the name itself, 0 hops on, and is meant to become, pass by pass, the
node that it leads to. A name that is called or asked ("n3:") has a token of its own, so that what S holds under
it is not mistaken for an edge. The paper has no roll call: it is a departure, said on screen. A prediction chunk
is [ask start: hops]..., and the answer is read at `hops`.

A `compact` window is [source destination]*E [name:]*names, and a chunk [start: hops]...: less than half the tokens,
for training from answers alone, where no pass is told what to put out and the roll call shows no hops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from sleepviz.config.events import Answer
from sleepviz.tasks.base import NOT_ASKED, Batch, InputError, Problem, Split, Tokens, hops_reached, is_whole, read_json
from sleepviz.tasks.depo.sampling import sample_orders, shuffled_edges, successors
from sleepviz.tasks.depo.tokens import DepoTokens
from sleepviz.tasks.walks import walk

QUERIES = 10  # in one prediction chunk of training, as in the paper; a compact chunk asks as many as there are names
NAME_MAX_CHARACTERS = 12
FORM = '{"edges": [["a","b"],["b","c"],["c","d"],["d","a"]], "start": "a", "hops": 2}'


@dataclass(frozen=True)
class DepoInstance:
    """Edges in the order in which they are read, and the question."""

    edges: tuple[tuple[str, str], ...]
    start: str
    hops: int

    @property
    def graph(self) -> nx.DiGraph:
        """The edges as a networkx graph."""
        return nx.DiGraph(self.edges)

    @property
    def names(self) -> tuple[str, ...]:
        """Every node, in the order in which it is first read."""
        return tuple(dict.fromkeys(name for edge in self.edges for name in edge))

    def walk(self, start: str, hops: int) -> tuple[str, ...]:
        """The nodes from `start`, 0 to `hops` hops on."""
        successor, path = dict(self.edges), [start]
        for _ in range(hops):
            path.append(successor[path[-1]])
        return tuple(path)

    @property
    def n_cycles(self) -> int:
        """Cycles in the graph; the model was trained on one."""
        return nx.number_strongly_connected_components(self.graph)


@dataclass(frozen=True)
class Depo(DepoTokens):
    """Depo in one size: up to `nodes_max` nodes, `window_edges` edges a window, 1..`hops_max` hops."""

    name = "depo"
    difficulty_min = 1
    difficulty_in_windows = False

    @property
    def n_questions(self) -> int:
        """Questions in one prediction chunk of training."""
        return self.nodes_max if self.compact else QUERIES

    @property
    def first_part(self) -> int:
        """The place of the first `hops` in a prediction chunk."""
        return self.question_tokens - 1

    @property
    def difficulty_max(self) -> int:
        """The most hops that may be asked for."""
        return self.hops_max

    def limits(self) -> dict[str, Any]:
        """Sizes that a person's input must keep to."""
        return {
            "nodes_min": self.nodes_min,
            "nodes_max": self.nodes_max,
            "hops_max": self.hops_max,
            "windows_max": self.windows_max,
        }

    def batch(
        self,
        rng: np.random.Generator,
        *,
        size: int,
        n_windows: int,
        difficulty: Tokens,
        split: Split,
        skipped_passes: tuple[int, ...] = (0,),
    ) -> Batch:
        """Sample directed cycles that fill `n_windows` windows, with shuffled names and edges.

        In training a chunk asks ten questions of up to `difficulty` hops, of cycles of any length; to be
        measured, one question of exactly that many, of the longest cycle. A level of the targets counts passes:
        each asks for the hops that its roll call already showed at its start, and one hop is in the edges. With several
        `skipped_passes`, each window comes once for each count, its roll call that many hops on, and these hops are
        what is asked.
        """
        training = split == "train"
        most = min(n_windows * self.window_edges, self.nodes_max)
        least = max((n_windows - 1) * self.window_edges + 1, self.nodes_min)
        n_nodes = np.full(size, most)
        if training:
            varied = rng.random(size) < 0.5
            n_nodes[varied] = rng.integers(least, most + 1, int(varied.sum()))
        order = sample_orders(
            rng, n_nodes, self.nodes_max, split
        )  # [B, nodes_max]: the cycle, then the names not in it
        successor = successors(order, n_nodes)  # [B, nodes_max]
        windows = self.windows(shuffled_edges(rng, order, n_nodes, successor), n_windows)
        n_asked = self.n_questions if training else 1
        starts = order[np.arange(size)[:, None], rng.integers(0, n_nodes[:, None], (size, n_asked))]
        hops = difficulty if difficulty.ndim == 2 else difficulty[:, None]
        if difficulty.ndim == 2:  # k and k - n hops are the same: no question goes further than half way round
            hops = np.minimum(hops, np.maximum((n_nodes[:, None] - 1) // 2, 1))
        elif training and len(skipped_passes) > 1:
            hops = rng.choice(skipped_passes, (size, n_asked))
        elif training:
            hops = skipped_passes[0] + rng.integers(0, difficulty[:, None] + 1, (size, n_asked))
        hops = np.clip(hops, 1, self.hops_max)
        queries = self.queries(starts, hops)  # [B, T]
        ends = walk(np.concatenate([successor, np.full((size, 1), self.unknown)], 1), starts, self.hops_max)
        answers = np.take_along_axis(ends, hops[..., None], axis=-1)[..., 0]  # [B, asked]
        levels = np.arange(self.hops_max + 2)
        reached = np.zeros((size, levels.size, n_asked), dtype=bool)
        for level in skipped_passes:
            last = np.maximum(level + levels - 1, 1)[None, :, None]
            reached |= (hops[:, None] >= level) & (hops[:, None] <= last)
        targets = np.full((size, 1, levels.size, queries.shape[1]), NOT_ASKED, dtype=np.int64)
        targets[:, 0, :, self.first_part :: self.question_tokens] = np.where(reached, answers[:, None], NOT_ASKED)
        asked = hops if difficulty.ndim == 2 else np.full(size, levels.size - 1)
        batch = Batch(windows, queries[:, None], targets, asked)
        if skipped_passes == (0,):
            return batch
        shown = np.stack(
            [self.targets_after_pass(batch, level) for level in skipped_passes], axis=2
        )  # [B, W, counts, L]
        return replace(batch, windows=shown.reshape(size, -1, self.window))

    def targets_after_pass(self, batch: Batch, n_passes: int) -> Tokens:
        """The roll call `n_passes` hops on, as far as the edges read so far tell; hops are counted up to `hops_max`."""
        windows = batch.windows.copy()
        size, n_windows, _ = windows.shape
        known = np.full((size, self.nodes_max + 1), self.unknown, dtype=np.int64)
        instance = np.arange(size)[:, None]
        for index in range(n_windows):
            edges = windows[:, index, : self.roll_call].reshape(size, self.window_edges, self.edge_tokens)
            is_edge = edges[..., 0] < self.nodes_max
            rows = np.broadcast_to(instance, is_edge.shape)[is_edge]
            known[rows, edges[..., 0][is_edge]] = edges[..., 1][is_edge]
            hops = windows[:, index, self.roll_call + 2 :: self.call_tokens]  # [B, names], a view
            further = np.minimum(n_passes, self.hop + self.hops_max - hops)  # [B, names]
            nodes = self.nodes(windows[:, index])  # a view: it changes the windows
            walked = walk(known, nodes, n_passes)  # [B, names, n_passes + 1]
            nodes[:] = np.take_along_axis(walked, further[..., None], axis=-1)[..., 0]
            hops += further
        return windows

    def parse(self, text: str, limits: Mapping[str, Any]) -> DepoInstance:
        """Read {"edges": [["a","b"], ...], "start": "a", "hops": 2}. Raises InputError."""
        values = read_json(text, ("edges", "start", "hops"), FORM)
        edges, start, hops = values["edges"], values["start"], values["hops"]
        if not isinstance(edges, list) or any(not _is_edge(edge) for edge in edges):
            raise InputError(
                f'Each edge is a pair of names such as ["a","b"], of 1 to {NAME_MAX_CHARACTERS} characters that can be '
                "shown."
            )
        instance = DepoInstance(tuple((source, destination) for source, destination in edges), start, hops)
        self._check_graph(instance, limits)
        if not isinstance(start, str) or start not in instance.names:
            raise InputError("The start must be one of the nodes of the graph.")
        hops_max = min(limits["hops_max"], self.hops_max)
        if not is_whole(hops, 1, hops_max):
            raise InputError(f"Hops must be a whole number from 1 to {hops_max}.")
        return instance

    def _check_graph(self, instance: DepoInstance, limits: Mapping[str, Any]) -> None:
        least, most = max(limits["nodes_min"], self.nodes_min), min(limits["nodes_max"], self.nodes_max)
        n_nodes = len(instance.names)
        if not least <= n_nodes <= most:
            raise InputError(f"The graph has {n_nodes} nodes; this model reads graphs of {least} to {most} nodes.")
        for side, words in ((0, "leave"), (1, "enter")):
            ends = [edge[side] for edge in instance.edges]
            for name in instance.names:
                if ends.count(name) != 1:
                    raise InputError(
                        f"Exactly one edge must {words} every node, but {ends.count(name)} {words} {name!r}."
                    )

    def encode(self, instance: DepoInstance) -> Problem:
        """The person's question first; then, for the picture, every start and every number of hops."""
        names = instance.names
        slot = {name: index for index, name in enumerate(names)}
        edges = np.array([[slot[source], slot[destination]] for source, destination in instance.edges])
        n_windows = -(-len(edges) // self.window_edges)
        windows = self.windows(self.padded(edges[None], n_windows), n_windows)[0]
        grid = [(start, hops) for start in range(len(names)) for hops in range(1, self.hops_max + 1)]
        starts, hops = np.array([(slot[instance.start], instance.hops), *grid]).T
        queries = self.queries(starts[:, None], hops[:, None])
        context = tuple(windows.reshape(-1).tolist())
        return Problem(context, queries, (0,) * len(queries), n_asked=1)

    def answer(self, instance: DepoInstance, probabilities: NDArray[np.float32]) -> Answer:
        """Read nodes from probabilities [Q, T, vocab_size] of the first Q questions."""
        names = instance.names
        grid = [(start, hops) for start in names for hops in range(1, self.hops_max + 1)]
        asked = [(instance.start, instance.hops), *grid][: len(probabilities)]
        node = probabilities[:, self.first_part, : self.unknown + 1]  # [Q, names and unknown]
        answers = [names[i] if i < len(names) else "?" for i in node.argmax(-1)]
        walks = {name: instance.walk(name, self.hops_max) for name in names}
        truths = [walks[start][hops] for start, hops in asked]
        reached = [
            hops_reached(walks[start], answer, hops) for (start, hops), answer in zip(asked, answers, strict=True)
        ]
        return Answer(
            asked=tuple(f"{hops} hops from {start}" for start, hops in asked),
            answers=tuple(answers),
            truths=tuple(truths),
            correct=tuple(answer == truth for answer, truth in zip(answers, truths, strict=True)),
            reached=tuple(reached),
            confidence=node.max(-1, keepdims=True).astype(np.float32),
        )


def _is_edge(edge: Any) -> bool:
    return isinstance(edge, list) and len(edge) == 2 and all(map(is_name, edge))


def is_name(name: Any) -> bool:
    """Whether a node may be called this: short, and of characters that can be shown."""
    return isinstance(name, str) and 1 <= len(name) <= NAME_MAX_CHARACTERS and name.isprintable()
