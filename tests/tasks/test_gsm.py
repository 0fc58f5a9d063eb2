"""GSM against 128 real problems, networkx and step-by-step sums, and hostile input.

data/gsm_infinite_symbolic.jsonl is output of the public GSM-Infinite symbolic generator
(Infini-AI-Lab, arXiv:2502.05252).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.config.base import ConfigError
from sleepviz.tasks.base import NOT_ASKED, Batch, InputError
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.gsm.text import Statement, dependencies, read_statements, solve

TASK = Gsm(variables_max=10, window_statements=5, windows_max=2, operations_max=4, change_max=3)
LIMITS = TASK.limits()
REAL = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/gsm_infinite_symbolic.jsonl").read_text().splitlines()
]
UNKNOWN, PAD, ASK, ZERO, SAME = 11, 12, 13, 16, 43  # tokens: ten variables, the answer, and so on


def drawn(
    seed: int, *, task: Gsm = TASK, split: Any = "train", n_windows: int = 2, depth: int = 4, skipped: int = 0
) -> Batch:
    rng = np.random.default_rng(seed)
    return task.batch(
        rng, size=20, n_windows=n_windows, difficulty=np.full(20, depth), split=split, skipped_passes=(skipped,)
    )


def statements_of(windows: np.ndarray) -> dict[int, tuple[int | None, int]]:
    """Read variable -> (source or None, change or value) from tokens, by the layout that the module describes."""
    found = {}
    for window in windows:
        for variable, source, change in window[:18].reshape(6, 3).tolist():
            if variable == PAD:
                continue
            assert variable not in found
            is_value = 14 <= source <= 28
            assert change == SAME or not is_value
            found[variable] = (None, source - ZERO) if is_value else (source, change - SAME)
    return found


def evaluated(statements: dict[int, tuple[int | None, int]]) -> dict[int, tuple[int, int]]:
    """Variable -> (value, depth), by recursion; cyclic and undefined ones are left out."""

    def look(variable: int | None, seen: tuple[int, ...]) -> tuple[int, int] | None:
        if variable is None or variable in seen or variable not in statements:
            return None
        source, change = statements[variable]
        if source is None:
            return change, 0
        before = look(source, (*seen, variable))
        return None if before is None else (before[0] + change, before[1] + 1)

    return {v: known for v in statements if (known := look(v, ())) is not None}


def back(statements: dict[int, tuple[int | None, int]], variable: int, operations: int) -> list[int]:
    """What "variable = variable + 0" becomes by going so many operations back: [source, change] tokens."""
    total = 0
    for _ in range(operations):
        if variable not in statements:
            return [UNKNOWN, SAME]
        source, change = statements[variable]
        if source is None:
            return [ZERO + change, SAME + total]
        variable, total = source, max(-14, min(14, total + change))
    return [variable, SAME + total]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    n_windows=st.sampled_from([1, 2]),
    depth=st.integers(0, 4),
    skipped=st.integers(0, 4),
    split=st.sampled_from(["train", "held_out"]),
)
def test_answers_and_stream_are_the_sums(seed: int, n_windows: int, depth: int, skipped: int, split: Any) -> None:
    batch = drawn(seed, n_windows=n_windows, depth=depth, skipped=skipped, split=split)
    for instance in range(20):
        statements = statements_of(batch.windows[instance])
        known = evaluated(statements)
        assert all(-2 <= value <= 12 and d <= 5 for value, d in known.values())  # the answer is one deeper
        assert 5 * (n_windows - 1) < len([v for v in statements if v < 10]) <= 5 * n_windows
        for place, variable in enumerate(batch.queries[instance, 0]):
            for level in range(batch.targets.shape[2]):
                target = batch.targets[instance, 0, level, place]
                if place == 0:
                    assert variable == ASK and target == NOT_ASKED
                elif variable not in known:
                    assert target == UNKNOWN
                else:
                    value, d = known[variable]
                    assert target == (ZERO + value if d < skipped + level else UNKNOWN)
        for level in (0, 1, 3):
            stream = TASK.targets_after_pass(batch, level)[instance]
            for index in range(n_windows):
                so_far = statements_of(batch.windows[instance, : index + 1])
                for variable in range(11):
                    expected = [variable, *back(so_far, variable, skipped + level)]
                    assert stream[index, 19 + 3 * variable :][:3].tolist() == expected


@pytest.mark.parametrize("n_windows", [1, 2])
def test_each_question_of_a_chunk_has_a_depth_of_its_own(n_windows: int) -> None:
    rng = np.random.default_rng(9)
    asked = rng.integers(0, 5, (20, TASK.n_questions))
    batch = TASK.batch(rng, size=20, n_windows=n_windows, difficulty=asked, split="train")

    longest = []
    for windows, variables, depths in zip(batch.windows, batch.queries[:, 0, 1:], batch.difficulty, strict=True):
        known = evaluated(statements_of(windows))
        # The answer is what the question asks for, so its difficulty is that of the variable behind it.
        expected = [known[v][1] - (v == 10) if v in known else -1 for v in variables.tolist()]
        assert depths.tolist() == expected
        longest.append(max(expected))
    assert all(have >= min(want, 5 * n_windows - 1) for have, want in zip(longest, asked[:, 0], strict=True))


@pytest.mark.parametrize("question", ["after", "first"])
@pytest.mark.parametrize("depth", [0, 2, 4])
def test_a_measured_problem_asks_one_variable_of_exactly_the_depth(question: Any, depth: int) -> None:
    batch = drawn(5, task=Gsm(10, 5, 2, 4, question=question), split="held_out", depth=depth)
    assert batch.queries.shape == (20, 1, 2)
    for windows, query in zip(batch.windows, batch.queries[:, 0], strict=True):
        statements = statements_of(windows)
        known = evaluated(statements)
        assert (10 in statements) == (query[1] == 10) == (question == "first")
        assert known[int(query[1])][1] == depth + (question == "first")


def test_training_asks_first_and_after_and_has_distractors() -> None:
    statements = [statements_of(windows) for seed in range(10) for windows in drawn(seed).windows]
    first = np.mean([10 in found for found in statements])
    undefined = np.mean([len(evaluated(found)) < len(found) for found in statements])
    assert 0.35 < first < 0.65 and undefined > 0.3


def test_no_problem_is_in_both_splits() -> None:
    """A size so small that the same problems come again and again."""
    tiny = Gsm(2, 2, 1, 1, low=0, high=1, change_max=1)
    seen = {}
    for split in ("train", "held_out"):
        batch = tiny.batch(np.random.default_rng(1), size=2000, n_windows=1, difficulty=np.full(2000, 1), split=split)
        parts = batch.windows[:, 0, 3:9].reshape(-1, 2, 3).tolist()
        seen[split] = {frozenset(map(tuple, statements)) for statements in parts}
    assert len(seen["train"]) > 2 and seen["held_out"] and not seen["train"] & seen["held_out"]


@pytest.mark.parametrize("problem", REAL, ids=lambda problem: f"op{problem['op']}")
def test_every_real_problem_is_read_and_solved(problem: dict[str, Any]) -> None:
    """Values and answers are those that the public generator wrote beside the problem; depths are networkx's."""
    task = Gsm()
    text = json.dumps({"text": problem["context"], "equals": problem["question_value"]})
    instance = task.parse(text, task.limits())
    assert instance.solution.values == problem["values"]
    truths = tuple(str(instance.solution.values.get(name, "?")) for name in instance.names)
    assert sorted(task.formatted(instance, truths)) == sorted(problem["answer_list"])
    graph = dependencies(instance.statements)
    roots = [s.name for s in instance.statements if s.source is None]
    depths = nx.multi_source_dijkstra_path_length(graph, set(roots))
    assert instance.solution.depths == depths
    encoded = task.encode(instance)
    assert len(encoded.context) in (task.window, 2 * task.window) and encoded.n_asked == len(instance.names)


def test_a_story_is_read_as_the_same_statements() -> None:
    story = (
        "Ana has 7 apples. Ben has 2 more apples than Ana. Cleo has as many apples as Ben.\nDan has 1 fewer than Cleo."
    )
    symbols = "assign Ana = 7. assign Ben = Ana + 2. assign Cleo = Ben. assign Dan = Cleo - 1."
    assert read_statements(story)[0] == read_statements(symbols)[0]
    assert read_statements(story + " How many apples does Dan have?")[1] == "Dan"
    instance = TASK.parse(json.dumps({"text": story + " How many does Dan have?"}), LIMITS)
    assert instance.question == "Dan" and instance.solution.values["Dan"] == 8


def test_encode_and_read_a_problem() -> None:
    text = {"text": "assign b = a + 1. assign a = 7. assign c = d.", "question": "b"}
    instance = TASK.parse(json.dumps(text), LIMITS)
    problem = TASK.encode(instance)
    assert problem.context[:12] == (PAD, PAD, PAD, 0, 1, SAME + 1, 1, ZERO + 7, SAME, 2, 3, SAME)
    assert problem.context[12:] == (PAD,) * 6 + (ASK,) + tuple(token for v in range(11) for token in (v, v, SAME))
    assert problem.queries.tolist() == [[ASK, 0], [ASK, 0], [ASK, 1], [ASK, 2], [ASK, 3]] and problem.n_asked == 1
    first = TASK.encode(TASK.parse(json.dumps({**text, "question_first": True}), LIMITS))
    assert first.context[:3] == (10, 0, SAME) and first.queries[0].tolist() == [ASK, 10]
    probabilities = np.zeros((4, 2, TASK.vocab_size), dtype=np.float32)
    probabilities[0, 1, [ZERO + 8, 0]] = 0.3, 0.7  # a variable is no answer
    probabilities[1, 1, ZERO + 7] = 1.0
    probabilities[2, 1, ZERO - 2] = 1.0
    probabilities[3, 1, UNKNOWN] = 1.0
    answer = TASK.answer(instance, probabilities)
    assert answer.asked == ("b", "b", "a", "c") and answer.answers == ("8", "7", "-2", "?")
    assert answer.truths == ("8", "8", "7", "?") and answer.correct == (True, False, False, True)
    assert answer.reached == (1, 0, 0, 0)
    assert TASK.formatted(instance, ("8",)) == 8 and TASK.formatted(instance, ("?",)) == "?"


def test_which_variables_equal_a_value() -> None:
    text = "assign b = a + 1. assign a = 7. assign c = b - 1. assign d = e."
    instance = TASK.parse(json.dumps({"text": text, "equals": 7}), LIMITS)
    truths = tuple(str(instance.solution.values.get(name, "?")) for name in instance.names)
    assert TASK.formatted(instance, truths) == ["a", "c"] and TASK.encode(instance).n_asked == 5


STORY = "Ana has 3 apples. Ben has 1 more apple than Ana."


def test_undefined_and_cyclic_variables_have_no_value() -> None:
    statements = (Statement("a", "b", 1), Statement("b", "a", 0), Statement("c", "x", 0), Statement("d", None, 3))
    assert solve(statements).values == {"d": 3} and solve(()).values == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"text": "assign a = b.", "question": "a"}, "undefined"),
        ({"text": "assign a = b. assign b = a.", "question": "a"}, "undefined or defined through itself"),
        ({"text": "assign a = 1. assign a = 2.", "question": "a"}, "more than once"),
        ({"text": "assign a = 13.", "question": "a"}, "from -2 to 12"),
        ({"text": "assign a = 12. assign b = a + 1.", "question": "a"}, "'b' would be 13"),
        ({"text": "assign a = 1. assign b = a + 4.", "question": "b"}, "at most 3"),
        ({"text": "assign a = 1.", "question": "b"}, "one of the variables"),
        ({"text": "assign a = 1.", "question": 3}, "one of the variables"),
        ({"text": "assign a = 1."}, "Ask one thing"),
        ({"text": "assign a = 1.", "question": "a", "equals": 1}, "Ask one thing"),
        ({"text": "assign a = 1.", "equals": "1"}, "whole number"),
        ({"text": "assign a = 1.", "equals": True}, "whole number"),
        ({"text": "assign a = 1.", "equals": 1, "question_first": True}, "question_first"),
        ({"text": "assign a = 1.", "question": "a", "question_first": 1}, "question_first"),
        ({"text": "a is one.", "question": "a"}, "not understood"),
        ({"text": "assign a = b * 2.", "question": "a"}, "not understood"),
        ({"text": "", "question": "a"}, "0 statements"),
        ({"text": " ".join(f"assign v{i} = 1." for i in range(11)), "question": "v0"}, "11 statements"),
        ({"text": " ".join(f"assign v{i} = w{i}." for i in range(6)), "equals": 1}, "12 variables"),
        (
            {
                "text": "assign a = 1. "
                + " ".join(f"assign {y} = {x}." for x, y in zip("abcde", "bcdef", strict=True)),
                "question": "f",
            },
            "5 operations",
        ),
        ({"text": 3, "question": "a"}, "sentences"),
        ({"question": "a"}, "exactly"),
        ({"text": f"{STORY} How many does Ana have? How many does Ben have?"}, "'Ana' and about 'Ben'"),
        ({"text": f"{STORY} How many does Ana have?", "question": "Ben"}, "ask one question"),
        ({"text": f"{STORY} How many does Ana have?", "equals": 3}, "Ask one thing"),
        ({"text": "assign a = 1.\u0007", "question": "a"}, "control characters"),
        ({"text": "assign a\ud83d = 1.", "question": "a"}, "half of a character"),
        ({"text": "assign a = 1.", "question": "a", "more": 1}, "exactly"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]+\.\"?$") as refusal:
        TASK.parse(json.dumps(values), LIMITS)
    assert words in str(refusal.value)


def test_a_question_that_is_asked_twice_is_one_question() -> None:
    asked = f"{STORY} How many does Ben have? How many apples does Ben have?"
    assert TASK.parse(json.dumps({"text": asked}), LIMITS).question == "Ben"
    assert TASK.parse(json.dumps({"text": asked, "question": "Ben"}), LIMITS).question == "Ben"


@pytest.mark.parametrize("space", ["\u00a0", "  ", "\t", "\u2009", "\u202f", "\u3000", "\u200b"])
def test_white_space_means_one_space_however_it_was_pasted(space: str) -> None:
    text = f"Ana has 3 apples. Ben has 1 more apple than Ana. assign c = Ben - 2.{space}How many does Ben have?"
    assert read_statements(text.replace(" ", space)) == (
        (Statement("Ana", None, 3), Statement("Ben", "Ana", 1), Statement("c", "Ben", -2)),
        "Ben",
    )


@pytest.mark.parametrize("minus", ["-", "\u2212", "\u2013", "\uff0d"])
def test_a_minus_is_one_however_it_was_set(minus: str) -> None:
    assert read_statements(f"assign a = {minus}1. assign b = a {minus} 2.")[0] == (
        Statement("a", None, -1),
        Statement("b", "a", -2),
    )


@pytest.mark.parametrize("end", ["\r\n", "\r", "\u2028", "\x85", "\f"])
def test_a_line_ends_a_statement_on_every_system(end: str) -> None:
    read = read_statements(f"\ufeffassign a = 1{end}assign b = a + 1{end}")[0]
    assert read == (Statement("a", None, 1), Statement("b", "a", 1))


def test_tokens_are_named() -> None:
    named = [TASK.token_text(token) for token in range(TASK.vocab_size)]
    assert named[9:19] == ["v10", "answer", "?", "·", "ask", "-2", "-1", "0", "1", "2"]
    assert named[28:] == ["12", *(str(n) for n in range(-14, 0)), "=", *(f"+{n}" for n in range(1, 15))]


@pytest.mark.parametrize(
    "wrong", [{"operations_max": 10}, {"low": 12}, {"question": "never"}, {"window_statements": 6}, {"change_max": 0}]
)
def test_sizes_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Gsm(**{**TASK.to_json(), **wrong})


def test_a_window_of_rest_tells_nothing_and_calls_every_variable() -> None:
    task = Gsm(variables_max=10, window_statements=5, windows_max=2, operations_max=4, question="first")
    batch = drawn(3, task=task, split="held_out")
    assert (batch.windows[:, 0, 0] != PAD).all()  # the question stands there
    for rest in task.rest(batch.windows):
        assert statements_of(rest) == {}
        calls = [[task.token_text(token) for token in part] for part in rest[0, 19:].reshape(-1, 3).tolist()]
        assert calls == [[f"v{n}", f"v{n}", "="] for n in range(1, 11)] + [["answer", "answer", "="]]


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_compact_window_tells_and_asks_the_same_and_calls_each_variable_by_one_token(split: Any) -> None:
    compact = Gsm(**{**TASK.to_json(), "compact": True})
    long, short = drawn(6, split=split), drawn(6, task=compact, split=split)
    assert compact.window == 19 + 11 and TASK.window == 19 + 33
    assert (short.windows[..., :19] == long.windows[..., :19]).all()
    assert (short.windows[..., 19:] == np.arange(11)).all()
    assert (short.queries == long.queries).all() and (short.targets == long.targets).all()
    with pytest.raises(ConfigError, match="no room"):
        compact.targets_after_pass(short, 1)
