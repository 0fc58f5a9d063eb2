"""Depo against networkx and step-by-step walks, and hostile input."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.config.base import ConfigError
from sleepviz.tasks.base import NOT_ASKED, Batch, InputError, printed
from sleepviz.tasks.depo.task import Depo

TASK = Depo(nodes_max=10, nodes_min=3, window_edges=5, hops_max=4)
LIMITS = {"nodes_min": 3, "nodes_max": 10, "hops_max": 4, "windows_max": 2}
END, HOPS_0, CALLED = 13, 14, 19  # ten names, unknown, pad and ask come before; 0 to 4 hops between the last two
ROLL_CALL = [token for name in range(10) for token in (name, CALLED + name, HOPS_0)]
SQUARE = {"edges": [["a", "b"], ["b", "c"], ["c", "d"], ["d", "a"]], "start": "a", "hops": 2}


def drawn(
    seed: int, *, split: Any = "train", n_windows: int = 2, hops: int = 4, skipped: int = 0, size: int = 20
) -> Batch:
    rng = np.random.default_rng(seed)
    difficulty = np.full(size, hops)
    return TASK.batch(
        rng, size=size, n_windows=n_windows, difficulty=difficulty, split=split, skipped_passes=(skipped,)
    )


def edges_of(window: np.ndarray) -> list[tuple[int, int]]:
    """Read a window's edges from its tokens, by the layout that the module describes."""
    parts = window[:15].reshape(5, 3).tolist()
    assert all(end == (END if source < 10 else 11) for source, _, end in parts)
    return [(source, destination) for source, destination, _ in parts if source < 10]


def graph_of(windows: np.ndarray) -> nx.DiGraph:
    return nx.DiGraph([edge for window in windows for edge in edges_of(window)])


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), n_windows=st.sampled_from([1, 2]), split=st.sampled_from(["train", "held_out"]))
def test_every_instance_is_one_cycle_that_fills_its_windows(seed: int, n_windows: int, split: Any) -> None:
    batch = drawn(seed, n_windows=n_windows, split=split)
    for windows in batch.windows:
        graph = graph_of(windows)
        assert nx.is_strongly_connected(graph)
        assert set(dict(graph.out_degree()).values()) == {1}
        assert graph.number_of_edges() == sum(len(edges_of(window)) for window in windows)
        assert len(edges_of(windows[-1])) >= 1
        if split == "held_out":
            assert len(graph) == 5 * n_windows
        assert windows[:, 15:].tolist() == [ROLL_CALL] * n_windows


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), skipped=st.integers(0, 4), hops=st.integers(0, 4))
def test_answers_are_the_walks(seed: int, skipped: int, hops: int) -> None:
    """At each level a question is answered by its walk, if what is read shows it or so many passes reach it."""
    batch = drawn(seed, skipped=skipped, hops=hops)
    for instance in range(20):
        graph = graph_of(batch.windows[instance])
        query = batch.queries[instance, 0]
        assert len(query) == 30
        for place in range(0, 30, 3):
            ask, called, hop = query[place : place + 3].tolist()
            asked, node = hop - HOPS_0, called - CALLED
            assert ask == 12 and max(skipped, 1) <= asked <= min(max(hops, 1) + skipped, 4)
            for _ in range(asked):
                (node,) = graph.successors(node)
            for level in range(6):
                expected = node if asked <= max(skipped + level - 1, 1) else NOT_ASKED
                assert batch.targets[instance, 0, level, place : place + 3].tolist() == [NOT_ASKED, NOT_ASKED, expected]


def test_enough_passes_reach_every_question() -> None:
    """The level that evaluation reads is the last one, at which every question is asked."""
    batch = drawn(4)
    asked = batch.targets[np.arange(20), 0, batch.difficulty, 2::3]
    assert asked.shape == (20, 10) and (asked != NOT_ASKED).all()


def test_a_measured_instance_asks_one_question_of_exactly_the_difficulty() -> None:
    batch = drawn(3, split="held_out", hops=3, size=400)
    assert batch.queries.shape == (400, 1, 3) and set(batch.queries[:, 0, 2] - HOPS_0) == {3}
    starts = np.bincount(batch.queries[:, 0, 1] - CALLED, minlength=10)
    assert starts.min() > 15  # any start: 40 each are expected
    walked = [
        list(nx.dfs_preorder_nodes(graph_of(w), s))[3]
        for w, s in zip(batch.windows, batch.queries[:, 0, 1] - CALLED, strict=True)
    ]
    assert batch.targets[np.arange(400), 0, batch.difficulty, 2].tolist() == walked


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), skipped=st.integers(0, 4), level=st.integers(0, 6))
def test_the_stream_is_the_roll_call_some_hops_on(seed: int, skipped: int, level: int) -> None:
    """Each window knows the edges read so far and no others; hops are counted up to hops_max, and hold there."""
    batch = drawn(seed, skipped=skipped)
    stream = TASK.targets_after_pass(batch, level)
    reached = min(skipped + level, 4)
    for before, after in zip(batch.windows, stream, strict=True):
        successor: dict[int, int] = {}
        for index in range(2):
            successor.update(edges_of(before[index]))
            assert edges_of(after[index]) == edges_of(before[index])
            for name in range(10):
                node = name
                for _ in range(reached):
                    node = successor.get(node, 10)
                assert after[index, 15 + 3 * name :][:3].tolist() == [node, CALLED + name, HOPS_0 + reached]


def test_a_later_start_is_the_stream_of_an_earlier_one() -> None:
    early, late = drawn(8), drawn(8, skipped=3)
    assert late.windows.tolist() == TASK.targets_after_pass(early, 3).tolist()


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), shown=st.lists(st.integers(0, 4), min_size=2, max_size=4).map(sorted))
def test_several_sightings_show_a_window_further_and_further_on(seed: int, shown: list[int]) -> None:
    """Each window comes once for each number, before the next window; only hops that were shown are asked."""
    rng = np.random.default_rng(seed)
    batch = TASK.batch(rng, size=20, n_windows=2, difficulty=np.full(20, 4), split="train", skipped_passes=tuple(shown))
    assert batch.windows.shape[1] == 2 * len(shown)
    for windows, query, targets in zip(batch.windows, batch.queries[:, 0], batch.targets[:, 0, 1], strict=True):
        successor: dict[int, int] = {}
        for index in range(2):
            successor.update(edges_of(windows[index * len(shown)]))
            for window, hops in zip(windows[index * len(shown) :], shown, strict=False):
                for name in range(10):
                    node = name
                    for _ in range(hops):
                        node = successor.get(node, 10)
                    assert window[15 + 3 * name :][:3].tolist() == [node, CALLED + name, HOPS_0 + hops]
        for (_, called, hop), answer in zip(query.reshape(-1, 3), targets[2::3], strict=True):
            node = called - CALLED
            for _ in range(hop - HOPS_0):
                node = successor[node]
            assert answer == node and max(hop - HOPS_0, 1) in {max(hops, 1) for hops in shown}


COMPACT = Depo(nodes_max=12, window_edges=6, hops_max=5, compact=True)


@pytest.mark.parametrize("n_windows", [1, 2])
def test_a_compact_chunk_asks_each_question_at_its_own_difficulty(n_windows: int) -> None:
    rng = np.random.default_rng(3)
    asked = rng.integers(1, COMPACT.hops_max + 1, (16, COMPACT.n_questions))
    batch = COMPACT.batch(rng, size=16, n_windows=n_windows, difficulty=asked, split="train")
    first_called = COMPACT.vocab_size - COMPACT.nodes_max
    for windows, chunk, targets, wanted in zip(
        batch.windows, batch.queries[:, 0], batch.targets[:, 0, -1], asked, strict=True
    ):
        edges = [pair for window in windows for pair in window[: 2 * COMPACT.window_edges].reshape(-1, 2).tolist()]
        graph = nx.DiGraph([edge for edge in edges if max(edge) < COMPACT.nodes_max])
        assert nx.is_strongly_connected(graph) and set(dict(graph.in_degree()).values()) == {1}
        half_way = max((len(graph) - 1) // 2, 1)
        for place, hops in enumerate(np.minimum(wanted, half_way)):
            start, hop_token = chunk[2 * place : 2 * place + 2]
            assert COMPACT.token_text(hop_token) == f"+{hops}"
            node = start - first_called
            for _ in range(hops):
                (node,) = graph.successors(node)
            assert targets[2 * place + 1] == node and targets[2 * place] == NOT_ASKED
        calls = windows[:, 2 * COMPACT.window_edges :]
        assert (calls == first_called + np.arange(COMPACT.nodes_max)).all()


def test_no_cycle_is_in_both_splits() -> None:
    """Cycles of three of three names: the two directions, in whatever rotation, never meet."""
    tiny = Depo(nodes_max=6, nodes_min=3, window_edges=6, hops_max=2)
    seen: dict[str, set[frozenset[tuple[int, int]]]] = {}
    for split in ("train", "held_out"):
        batch = tiny.batch(np.random.default_rng(0), size=3000, n_windows=1, difficulty=np.full(3000, 1), split=split)
        pairs = batch.windows[:, 0, :18].reshape(-1, 6, 3)[..., :2]
        seen[split] = {frozenset((int(a), int(b)) for a, b in edges if a < 6) for edges in pairs}
    assert seen["train"] and seen["held_out"] and not seen["train"] & seen["held_out"]
    assert {len(cycle) for cycle in seen["held_out"]} == {6}


def test_parse_and_encode_a_square() -> None:
    instance = TASK.parse(json.dumps(SQUARE), LIMITS)
    problem = TASK.encode(instance)
    assert problem.context == (0, 1, END, 1, 2, END, 2, 3, END, 3, 0, END, 11, 11, 11, *ROLL_CALL)
    assert problem.queries[0].tolist() == [12, CALLED, HOPS_0 + 2] and problem.n_asked == 1
    assert problem.queries[1:5].tolist() == [[12, CALLED, HOPS_0 + hops] for hops in (1, 2, 3, 4)]
    assert len(problem.queries) == 1 + 4 * 4 and instance.n_cycles == 1
    ten = {"edges": [[f"x{i}", f"x{(i + 3) % 10}"] for i in range(10)], "start": "x4", "hops": 4}
    problem = TASK.encode(TASK.parse(json.dumps(ten), LIMITS))
    assert len(problem.context) == 2 * TASK.window
    assert graph_of(np.array(problem.context).reshape(2, -1)).number_of_nodes() == 10


def test_several_cycles_are_taken_and_counted() -> None:
    two = {"edges": [["a", "b"], ["b", "a"], ["c", "d"], ["d", "c"], ["e", "e"]], "start": "d", "hops": 3}
    instance = TASK.parse(json.dumps(two), LIMITS)
    assert (
        instance.n_cycles == 3 and instance.walk("d", 3) == ("d", "c", "d", "c") and instance.walk("e", 2) == ("e",) * 3
    )


def test_answers_are_read_against_the_walk() -> None:
    instance = TASK.parse(json.dumps(SQUARE), LIMITS)
    probabilities = np.zeros((3, 3, TASK.vocab_size), dtype=np.float32)
    probabilities[0, 2, [2, 3]] = 0.6, 0.4  # 2 hops from a: c, right
    probabilities[1, 2, [3, 20 - 4]] = 0.2, 0.8  # 1 hop from a: d, which lies 3 hops on; other tokens are no answer
    probabilities[2, 2, [10, 0]] = 0.7, 0.3  # 2 hops from a: unknown
    answer = TASK.answer(instance, probabilities)
    assert answer.asked == ("2 hops from a", "1 hops from a", "2 hops from a")
    assert answer.answers == ("c", "d", "?") and answer.truths == ("c", "b", "c")
    assert answer.correct == (True, False, False) and answer.reached == (2, 3, 0)
    np.testing.assert_allclose(answer.confidence[:, 0], [0.6, 0.2, 0.7])
    assert printed(TASK, instance, answer.answers[:1]) == "c"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "z"}, "start must be one of"),
        ({"start": ["a"]}, "start must be one of"),
        ({"hops": 0}, "from 1 to 4"),
        ({"hops": 5}, "from 1 to 4"),
        ({"hops": True}, "from 1 to 4"),
        ({"edges": [["a", "b"], ["b", "a"]]}, "3 to 10 nodes"),
        ({"edges": [[f"x{i}", f"x{(i + 1) % 11}"] for i in range(11)], "start": "x0"}, "11 nodes"),
        ({"edges": [["a", "b"], ["b", "c"], ["c", "d"]]}, "leave"),
        ({"edges": [["a", "b"], ["b", "c"], ["c", "a"], ["d", "a"]]}, "2 enter 'a'"),
        ({"edges": [["a", "b"], ["b", "c"], ["c", "a"], ["a", "c"]]}, "2 leave 'a'"),
        ({"edges": "a->b"}, None),
        ({"edges": [["a", "b", "c"]]}, "pair of names"),
        ({"edges": [["a", 1]]}, "pair of names"),
        ({"edges": [["a", ""]]}, "pair of names"),
        ({"edges": [["a", "x" * 13]]}, "pair of names"),
        ({"edges": [["\ud83d", "b"], ["b", "c"], ["c", "\ud83d"]], "start": "b"}, "half of a character"),
        ({"edges": [["a\u202e", "b"], ["b", "c"], ["c", "a\u202e"]], "start": "b"}, "can be shown"),
        ({"edges": [["a\n", "b"], ["b", "c"], ["c", "a\n"]], "start": "b"}, "can be shown"),
        ({"edges": [["\u200b", "b"], ["b", "c"], ["c", "\u200b"]], "start": "b"}, "can be shown"),
        ({"edges": []}, "0 nodes"),
        ({"more": 1}, "exactly"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(changes: dict[str, Any], words: str | None) -> None:
    with pytest.raises(InputError, match=r"^[^\n]+\.$|^[^\n]+\}\.$") as refusal:
        TASK.parse(json.dumps({**SQUARE, **changes}), LIMITS)
    assert words is None or words in str(refusal.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"edges": []}', "[" * 5000])
def test_what_is_no_problem_at_all_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="write"):
        TASK.parse(text, LIMITS)


def test_the_limits_of_a_checkpoint_bind() -> None:
    with pytest.raises(InputError, match="from 1 to 1"):
        TASK.parse(json.dumps(SQUARE), {**LIMITS, "hops_max": 1})


def test_tokens_are_named() -> None:
    named = [TASK.token_text(token) for token in range(TASK.vocab_size)]
    names = [f"n{i}" for i in range(1, 11)]
    assert named == [*names, "?", "·", "ask", ";", "+0", "+1", "+2", "+3", "+4", *(f"{name}:" for name in names)]


@pytest.mark.parametrize(
    "wrong",
    [{"nodes_min": 1}, {"nodes_min": 11}, {"nodes_max": 5}, {"window_edges": 0}, {"hops_max": 0}, {"hops_max": 65}],
)
def test_sizes_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        replace(TASK, **wrong)
