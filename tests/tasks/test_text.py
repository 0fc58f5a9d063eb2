"""Text: what a batch asks is checked by reading its pages back as English and walking a networkx graph."""

from __future__ import annotations

import json
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.config.words import FILLERS, PEOPLE
from sleepviz.tasks.base import NOT_ASKED, InputError
from sleepviz.tasks.text.examples import EXAMPLES, KEY, drawn
from sleepviz.tasks.text.story import RELATIONS, question_read, question_text, sampled_town
from sleepviz.tasks.text.task import FORM, Text
from sleepviz.tasks.text.tokens import encoded, spelled

TASK = Text()
SAID = re.compile(r"The (\w+) of (\w+) is (\w+)\.|The (\w+) belongs to (\w+)\.")
ASKED = re.compile(r"Who is ((?:the \w+ of )+)(?:the )?(\w+)\?")


def english(tokens: np.ndarray) -> str:
    return "".join(map(TASK.token_text, tokens.tolist())).replace("·", " ")


def graph_of(text: str) -> nx.DiGraph:
    """Who leads to whom, by which word, read from English by a pattern of the test's own."""
    graph = nx.DiGraph()
    for relation, subject, person, thing, owner in SAID.findall(text):
        graph.add_edge(subject or thing, person or owner, word=relation or "owner")
    return graph


def answer_in(graph: nx.DiGraph, question: str) -> str:
    found = ASKED.search(question)
    assert found is not None, question
    name = found[2]
    for word in reversed(re.findall(r"the (\w+) of", found[1])):
        (_, name, said) = next(iter(graph.out_edges(name, data="word")))
        assert said == word
    return name


@pytest.mark.parametrize(("split", "n_windows"), [("train", 1), ("train", 3), ("held_out", 2), ("held_out", 4)])
def test_a_batch_asks_what_its_pages_tell(split: str, n_windows: int) -> None:
    rng = np.random.default_rng(5)
    size = 12
    shape = (size, TASK.n_questions) if split == "train" else (size,)
    batch = TASK.batch(rng, size=size, n_windows=n_windows, difficulty=rng.integers(1, 7, shape), split=split)

    n_asked = 0
    for windows, queries, targets, hops in zip(
        batch.windows, batch.queries, batch.targets[:, :, -1], batch.difficulty, strict=True
    ):
        graph = graph_of(english(windows.reshape(-1)))
        questions = re.findall(r"Who is [^?]*\?", english(queries.reshape(-1)))
        names = [spelled(token).strip() for token in targets[targets != NOT_ASKED].tolist()]
        assert names == [answer_in(graph, question) for question in questions]
        if split == "train":
            assert [question.count(" of ") for question in questions] == hops.tolist()
        n_asked += len(questions)
    assert n_asked == size * (TASK.n_questions if split == "train" else 1)


def test_as_many_questions_begin_with_a_thing_as_the_share_says() -> None:
    """0.25 of the documents that tell of a thing, and a few by chance: at most two of 15 facts."""
    task, shares = Text(thing_share=0.25), {"train": [], "held_out": []}
    for split, begun in shares.items():
        shape = (400, task.n_questions) if split == "train" else (400,)
        batch = task.batch(
            np.random.default_rng(8),
            size=400,
            n_windows=3,
            difficulty=np.full(shape, 2),
            split=split,  # type: ignore[arg-type]
        )
        for windows, queries in zip(batch.windows, batch.queries, strict=True):
            if "belongs" in english(windows.reshape(-1)):
                begun += [found[2] not in PEOPLE for found in ASKED.finditer(english(queries.reshape(-1)))]
    by_chance = np.mean(shares["held_out"])
    assert 0.05 < by_chance < 0.15
    assert np.mean(shares["train"]) == pytest.approx(0.25 + 0.75 * by_chance, abs=0.06)


def test_a_page_of_rest_names_everybody_and_says_nothing() -> None:
    batch = TASK.batch(np.random.default_rng(2), size=5, n_windows=3, difficulty=np.full(5, 2), split="held_out")
    for windows, rest in zip(batch.windows, TASK.rest(batch.windows), strict=True):
        assert not english(rest[0, : TASK.page_tokens]).strip()
        named = set(re.findall(r"\w+", english(rest[0])))
        assert named == {name for name in graph_of(english(windows.reshape(-1))) if name in PEOPLE}


def test_a_document_tells_of_as_many_things_as_it_may() -> None:
    batch = Text(things_max=4).batch(
        np.random.default_rng(4), size=200, n_windows=4, difficulty=np.full(200, 1), split="held_out"
    )
    n_things = [len(re.findall(r"The \w+ belongs", english(windows.reshape(-1)))) for windows in batch.windows]
    shares = np.bincount(n_things, minlength=5) / 200
    assert len(shares) == 5 and (abs(shares - 0.2) < 0.1).all()  # 3.5 standard deviations


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_document_with_an_index_is_one_page_shorter_and_then_at_rest(split: str) -> None:
    sizes = {"size": 5, "difficulty": np.full(5, 2), "split": split}
    plain = TASK.batch(np.random.default_rng(2), n_windows=2, **sizes)
    indexed = Text(index=True).batch(np.random.default_rng(2), n_windows=3, **sizes)
    assert np.array_equal(indexed.windows, np.concatenate([plain.windows, TASK.rest(plain.windows)], axis=1))
    assert np.array_equal(indexed.queries, plain.queries) and np.array_equal(indexed.targets, plain.targets)
    written = Text(index=True).encode(TASK.parse(json.dumps(KEY), TASK.limits())).context
    first, last = np.array(written).reshape(2, -1)
    assert english(first[: TASK.page_tokens]).strip() == KEY["document"]
    assert english(last).split() == english(first[TASK.page_tokens :]).split() == ["Ana", "Ben", "Clara", "Leo"]


def test_every_page_ends_with_everybody_and_the_way_round_is_never_shorter() -> None:
    batch = TASK.batch(
        np.random.default_rng(1), size=8, n_windows=4, difficulty=np.full((8, TASK.n_questions), 6), split="train"
    )

    for windows, hops in zip(batch.windows, batch.difficulty, strict=True):
        graph = graph_of(english(windows.reshape(-1)))
        (cycle,) = nx.simple_cycles(graph)
        for page in windows:
            foot = english(page[TASK.page_tokens :]).split()
            assert sorted(foot) == sorted(cycle)
        assert 2 * hops.max() < len(cycle) or hops.max() == 1


def test_a_question_is_measured_at_the_first_slot_where_training_asks_it_too() -> None:
    rng = np.random.default_rng(2)
    trained = TASK.batch(rng, size=1, n_windows=1, difficulty=np.full((1, TASK.n_questions), 1), split="train")
    measured = TASK.batch(rng, size=1, n_windows=1, difficulty=np.array([1]), split="held_out")

    assert np.flatnonzero(trained.targets[0, 0, -1] != NOT_ASKED)[0] == TASK.slot - 1
    assert np.flatnonzero(measured.targets[0, 0, -1] != NOT_ASKED).tolist() == [TASK.slot - 1]


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 13), st.integers(1, 5), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_what_is_encoded_reads_as_the_document(n_people: int, hops: int, n_fillers: int, seed: int) -> None:
    hops = min(hops, n_people - 1)
    given_ = drawn(n_people, hops, n_fillers, seed)
    instance = TASK.parse(json.dumps(given_), TASK.limits())
    problem = TASK.encode(instance)

    pages = np.array(problem.context).reshape(-1, TASK.window)
    told = " ".join(english(page[: TASK.page_tokens]).strip() for page in pages)
    assert told == given_["document"]
    graph = graph_of(given_["document"])
    truth = answer_in(graph, english(problem.queries[0]))
    sure = np.random.default_rng(0).random((len(problem.queries), TASK.slot, TASK.vocab_size), dtype=np.float32)
    sure[0, -1, encoded(truth)[0]] = 2.0
    answer = TASK.answer(instance, sure)
    assert (answer.answers[0], answer.truths[0], answer.correct[0], answer.reached[0]) == (truth, truth, True, hops)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from((*RELATIONS, "owner")), min_size=1, max_size=6), st.sampled_from((*PEOPLE, "key")))
def test_a_question_is_read_as_it_is_written(relations: list[str], start: str) -> None:
    assert question_read(question_text(relations, start)) == (tuple(relations), start)


def test_no_town_is_in_both_splits() -> None:
    rng = np.random.default_rng(3)
    towns = {split: [sampled_town(rng, 5, split) for _ in range(200)] for split in ("train", "held_out")}

    told = {split: {frozenset(fact.text for fact in town.facts) for town in each} for split, each in towns.items()}
    assert not told["train"] & told["held_out"]
    assert sampled_town(rng, 5, "train").facts != ()


ROUND = "The doctor of Ana is Ben. The cook of Ben is Ana."
REFUSED = {
    "a name it never read": ("The doctor of Ana is Bob.", "Who is the doctor of Ana?", "'Bob'"),
    "a thing that is a person": ("The Ana belongs to Ben.", "Who is the owner of the Ana?", "'Ana'"),
    "another relation": (ROUND, "Who is the cook of Ana?", "who the cook of Ana is"),
    "past the end": ("The doctor of Ana is Ben.", "Who is the cook of the doctor of Ana?", "who the cook of Ben is"),
    "two facts of one person": (f"{ROUND} The cook of Ana is Leo.", "Who is the cook of Ana?", "lead on from Ana"),
    "another question": (ROUND, "Where is Ana?", "Ask with"),
    "too many hops": (ROUND, f"Who is {'the cook of the doctor of ' * 4}Ana?", "6 at most"),
    "another script": ("Das Schloß.", "Who is the doctor of Ana?", "'ß'"),
    "no text": ("", "Who is the doctor of Ana?", "who the doctor of Ana is"),
    "too many pages": (ROUND + FILLERS[0] * 400, "Who is the doctor of Ana?", "16 are read at most"),
    "a sentence that fills no page": (f"{'long ' * 100}. {ROUND}", "Who is the doctor of Ana?", "tokens at most"),
}


@pytest.mark.parametrize(("document", "question", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_refused_in_one_sentence(document: str, question: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        TASK.parse(json.dumps({"document": document, "question": question}), TASK.limits())

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ['{"document": 5, "question": "x"}', '{"document": "x"}', "[]"])
def test_another_shape_of_input_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InputError, match=re.escape(FORM)):
        TASK.parse(text, TASK.limits())


def test_a_chain_that_begins_with_a_thing_leads_to_people() -> None:
    instance = TASK.parse(json.dumps(KEY), TASK.limits())

    assert (instance.start, instance.relations) == ("key", ("owner", "doctor", "lawyer"))
    assert [fact.person for fact in instance.chain] == ["Ana", "Ben", "Clara", "Leo", "Ana"]


def test_a_document_may_come_on_lines_and_with_spaces() -> None:
    spaced = {
        "document": "  The doctor  of Ana\nis Ben.\n\n It rained all night",
        "question": "Who is the doctor of Ana ?",
    }
    (fact,) = TASK.parse(json.dumps(spaced), TASK.limits()).facts

    assert fact.text == "The doctor of Ana is Ben."


def test_no_example_was_trained_on_where_it_was_drawn() -> None:
    instance = TASK.parse(json.dumps(drawn(13, 4)), TASK.limits())

    assert len(EXAMPLES) == 2
    assert len(instance.people) == 13
    assert instance.hops == 4
