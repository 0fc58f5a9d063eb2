"""A pasted graph: what is read, what is refused and how, and what a clicked cycle may be."""

from __future__ import annotations

import pytest

from app.tasks.depo.edges import edges_text, names_of, read_edges
from app.tasks.depo.ring import is_cycle
from sleepviz.tasks.base import InputError


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("a->b, b->a", [["a", "b"], ["b", "a"]]),
        ("a -> b\nb --> a\n", [["a", "b"], ["b", "a"]]),
        ("a>b;b>a;", [["a", "b"], ["b", "a"]]),
        ("a → b → a", [["a", "b"], ["b", "a"]]),
        ("Ana Maria->b", [["Ana Maria", "b"]]),
        ("a-1->b", [["a-1", "b"]]),
        ("a->a", [["a", "a"]]),
        ("a\u00a0->\u3000b;\tb -> a", [["a", "b"], ["b", "a"]]),
        ("a->b\u2028b->a\r\n", [["a", "b"], ["b", "a"]]),
        ("a->b、b->a", [["a", "b"], ["b", "a"]]),
    ],
)
def test_edges_are_read_in_order(text: str, edges: list[list[str]]) -> None:
    assert read_edges(text) == edges
    assert read_edges(edges_text(edges)) == edges


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no edge yet"),
        (" , \n;", "no edge yet"),
        ("a b", "has no arrow"),
        ("a->b, c", "'c' has no arrow"),
        ("a->", "name is missing"),
        ("->b", "name is missing"),
        ("a->->b", "name is missing"),
        ("a->" + "b" * 13, "longer than 12 characters"),
        ("a->b\x00", "control characters"),
        ("a->b\u202e", "cannot be shown"),
        ("a->b\ud83d", "half of a character"),
        ("a->b," * 1001, "more than 1000 edges"),
    ],
)
def test_each_refusal_is_one_short_sentence(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read_edges(text)
    sentence = str(refused.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200


def test_names_are_in_the_order_in_which_they_are_told() -> None:
    assert names_of([["c", "a"], ["b", "c"], ["a", "b"]]) == ("c", "a", "b")


@pytest.mark.parametrize(
    ("order", "good"),
    [
        (["a", "b"], True),
        (["c", "b", "a"], True),
        (["a"], False),
        (["a", "a"], False),
        (["a", "<b>"], False),
        (["a", 1], False),
        ("ab", False),
        (None, False),
    ],
)
def test_only_offered_names_that_differ_make_a_cycle(order: object, good: bool) -> None:
    assert is_cycle(order, ["a", "b", "c"], 2) is good


ARROWS = [*("=>", "==>", "-.->", "-->", "->>", "=>>", "~>"), *"⟶⇒➔➜➡↦⭢🡒", "➡️", *(f"{line}>" for line in "–—−─")]


@pytest.mark.parametrize("arrow", ARROWS)
@pytest.mark.parametrize("space", ["", " "])
def test_other_peoples_arrows_are_read(arrow: str, space: str) -> None:
    edges = [["a-1", "b"], ["b", "c.2"], ["c.2", "a-1"]]
    assert read_edges(", ".join(f"{one}{space}{arrow}{space}{other}" for one, other in edges)) == edges


UNKNOWN = ["<-", "<->", *"←↔⇄↛", "--", "---", "- >", "-->|label|", "|->", ":->", "*->", "..>", "-&gt;", ">->"]


@pytest.mark.parametrize("arrow", UNKNOWN)
def test_no_part_of_an_arrow_becomes_a_name(arrow: str) -> None:
    with pytest.raises(InputError, match="arrow"):
        read_edges(f"a{arrow}b, b{arrow}c, c{arrow}a")
