"""Documents and questions against independent walks; the split; the tokenizer on any text."""

from __future__ import annotations

from functools import cache
from itertools import islice

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepviz.config import words
from sleepviz.hybrids.models.text_tokenizer import END, build_tokenizer, joined
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.text.documents import FILLERS, HOPS_MAX, Fact, narrated, question, retold, split_of, world
from sleepviz.text.lessons import Writer
from sleepviz.text.reading import lexicon, read, solved

WINDOW = 64


@cache
def writer() -> Writer:
    return Writer(build_tokenizer(), WINDOW)


@pytest.mark.parametrize("seed", range(20))
def test_a_document_says_what_it_was_made_of(seed: int) -> None:
    rng = np.random.default_rng(seed)
    facts = world(rng, "train", 40)
    sentences = list(islice(narrated(rng, facts), 60))
    told = [each.fact for each in sentences if each.fact]
    reading = read(joined(iter(sentences)))
    assert set(reading.facts.values()) == set(told) and len(told) == len(set(told))
    assert set(reading.others) <= set(FILLERS)
    assert set(told) <= set(facts)


@pytest.mark.parametrize("seed", range(20))
def test_questions_against_a_walk_through_a_graph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    facts = world(rng, "held_out", 30)
    graph = nx.MultiDiGraph()
    graph.add_edges_from((fact.subject, fact.value, fact.relation) for fact in facts)
    for hops in range(1, HOPS_MAX + 1):
        asked = question(rng, facts, hops)
        assert 1 <= asked.hops <= hops
        here = asked.facts[0].subject
        for fact in asked.facts:
            (here,) = [value for _, value, relation in graph.out_edges(here, keys=True) if relation == fact.relation]
        assert here == asked.answer
        # Every hop is named in the question, and its start, and nothing in between is given away.
        assert asked.facts[0].subject in asked.text and asked.answer not in asked.text.split(asked.facts[0].subject)
        assert solved(asked.text, {(f.relation, f.subject): f for f in facts}) == asked.facts


def test_what_is_retold_was_told_before() -> None:
    rng = np.random.default_rng(0)
    facts = world(rng, "train", 20)
    onward = [each.fact for each in islice(retold(rng, facts[:5], facts[5:8]), 200) if each.fact]
    assert set(onward) == set(facts[:8]) and len(onward) > len(set(onward))


def test_no_world_is_on_both_sides() -> None:
    kept = {s: [frozenset(world(np.random.default_rng(i), s, 8)) for i in range(300)] for s in ("train", "held_out")}
    assert not set(kept["train"]) & set(kept["held_out"])
    facts = list(kept["train"][0])
    assert {split_of(facts), split_of(facts[::-1])} == {"train"}  # whatever the order in which they are told
    drawn = [split_of([Fact("lives", "Ana", "Oslo"), Fact("brother", "Ben", str(i))]) for i in range(2000)]
    assert 0.08 < drawn.count("held_out") / 2000 < 0.17  # one in eight


@given(st.text(max_size=200))
def test_any_text_survives_the_tokenizer(text: str) -> None:
    tokenizer = writer().tokenizer
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_every_word_of_the_documents_is_one_token() -> None:
    tokenizer = writer().tokenizer
    inside = [word for word in lexicon() if word not in ("Where", "Who", "What")]
    assert [word for word in inside if len(tokenizer.encode(f" {word}")) != 1] == []
    assert [word for word in (*words.PEOPLE, "The", "Where", "Who", "What") if len(tokenizer.encode(word)) != 1] == []


@pytest.mark.parametrize("n_windows", [1, 3])
def test_pages_are_whole_windows_and_their_facts_are_told_in_full(n_windows: int) -> None:
    tokenizer = writer().tokenizer
    for seed in range(10):
        page = writer().page(np.random.default_rng(seed), "held_out", n_windows * WINDOW)
        assert len(page.context) == n_windows * WINDOW and len(page.onward) == WINDOW
        assert set(read(page.text).facts.values()) == set(page.facts)
        # Joined from sentences, yet the tokens are those that the whole text has.
        assert tokenizer.encode(page.text) == page.context
        windows = [tokenizer.decode(page.context[i : i + WINDOW]) for i in range(0, len(page.context), WINDOW)]
        whole = {fact for text in windows for fact in read(text).facts.values()}
        assert page.straddling == set(page.facts) - whole


def test_a_batch_asks_what_its_pages_tell() -> None:
    tokenizer = writer().tokenizer
    batch = writer().batch(np.random.default_rng(0), size=6, n_windows=2, hops=3, split="train")
    assert batch.windows.shape == (6, 2, WINDOW) and batch.asked.shape == batch.onward.shape == (6, WINDOW)
    n_asked = 0
    for windows, asked, targets in zip(batch.windows, batch.asked, batch.asked_targets, strict=True):
        facts = read(tokenizer.decode(windows.flatten())).facts
        for part in tokenizer.decode(asked).split(END)[:-1]:
            text, answer = part.rsplit("? ", 1)
            chain = solved(text + "?", facts)
            assert chain is not None and chain[-1].value == answer
            n_asked += 1
        scored = np.flatnonzero(targets != NOT_ASKED)
        assert (targets[scored] == asked[scored + 1]).all()  # the token that follows
        assert (targets == tokenizer.eos_token_id).sum() * 2 == len(scored)
    assert n_asked >= 20
    assert (batch.onward_targets[:, :-1] == batch.onward[:, 1:]).all()
    assert (batch.onward_targets[:, -1] == NOT_ASKED).all()


def test_the_share_of_one_hop_says_how_often_more_are_asked_for() -> None:
    """With a share of 1 no chain is longer than one fact; with none, a third of the draws may have to make do."""

    def lengths(share: float) -> list[int]:
        rng, decode = np.random.default_rng(5), writer().tokenizer.decode
        batch = writer().batch(rng, size=6, n_windows=2, hops=3, split="train", one_hop_share=share)
        told = zip(batch.windows, batch.asked, strict=True)
        asked = [(read(decode(w.flatten())).facts, part) for w, a in told for part in decode(a).split(END)[:-1]]
        return [len(solved(part.rsplit("? ", 1)[0] + "?", facts) or ()) for facts, part in asked]

    assert set(lengths(1.0)) == {1}
    several = [length > 1 for length in lengths(0.0)]
    assert len(several) >= 20 and np.mean(several) > 0.5
