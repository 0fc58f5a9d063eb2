"""Reading by rule, against a document written and solved by hand."""

from __future__ import annotations

import pytest

from sleepviz.text.documents import Fact
from sleepviz.text.reading import places, read, solved, unknown_words

DOCUMENT = (
    "The brother of Ana is Ben. The weather was mild. The home of Ben is Oslo. They keep the key in the box.\n"
    "Now the key belongs to Ana. Ana became a baker. The sister of Ben is called Clara. Clara is a pilot. Clara "
    "lives in Rome"
)


def test_facts_by_hand() -> None:
    reading = read(DOCUMENT)
    assert set(reading.facts.values()) == {
        Fact("brother", "Ana", "Ben"),
        Fact("lives", "Ben", "Oslo"),
        Fact("inside", "key", "box"),
        Fact("owner", "key", "Ana"),
        Fact("works", "Ana", "baker"),
        Fact("sister", "Ben", "Clara"),
        Fact("works", "Clara", "pilot"),
    }
    # A sentence without its full stop is not in the style.
    assert reading.others == ("The weather was mild.", "Clara lives in Rome")


def test_where_facts_are_told() -> None:
    wanted = (Fact("lives", "Ben", "Oslo"), Fact("owner", "key", "Ana"), Fact("works", "Ana", "pilot"))
    told = places(DOCUMENT, wanted)  # nowhere is Ana a pilot
    assert [DOCUMENT[a:b] for a, b in told] == ["The home of Ben is Oslo.", "Now the key belongs to Ana."]
    assert len(places(DOCUMENT + ". The home of Ben is Oslo.", wanted)) == 3  # a fact may be told twice
    assert places(DOCUMENT, ()) == ()


@pytest.mark.parametrize(
    ("question", "answer", "hops"),
    [
        ("Who is the brother of Ana?", "Ben", 1),
        ("Where is the key?", "box", 1),
        ("Who owns the key?", "Ana", 1),
        ("What is the job of Ana?", "baker", 1),
        ("Where does the brother of Ana live?", "Oslo", 2),
        ("What is the job of the owner of the key?", "baker", 2),
        ("Who is the sister of the brother of Ana?", "Clara", 2),
        ("Where does the brother of the owner of the key live?", "Oslo", 3),
        ("What is the job of the sister of the brother of the owner of the key?", "pilot", 4),
    ],
)
def test_answers_by_hand(question: str, answer: str, hops: int) -> None:
    chain = solved(question, read(DOCUMENT).facts)
    assert chain is not None and (chain[-1].value, len(chain)) == (answer, hops)


@pytest.mark.parametrize(
    "question",
    ["Where does Ana live?", "Where does the sister of Ana live?", "Who is Ana?", "", "Where is the brother of Ana?"],
)
def test_what_the_document_does_not_tell_has_no_answer(question: str) -> None:
    assert solved(question, read(DOCUMENT).facts) is None


def test_a_question_of_very_many_hops_is_read_like_any_other() -> None:
    facts = read("The brother of Tom is Ben. The brother of Ben is Tom.").facts
    chain = solved(f"Who is {'the brother of ' * 2001}Tom?", facts)
    assert chain is not None and len(chain) == 2001 and chain[-1].value == "Ben"


def test_the_last_of_two_facts_counts() -> None:
    assert solved("Where does Ana live?", read("Ana lives in Oslo. Ana lives in Rome.").facts) == (
        Fact("lives", "Ana", "Rome"),
    )


def test_a_value_of_another_kind_is_no_fact() -> None:
    assert not read("Ana lives in box. They keep the Ana in the hall. Ana is a key.").facts


def test_unknown_words_in_order_and_once() -> None:
    assert unknown_words(DOCUMENT + " Where does the owner of the key live?") == ()
    assert unknown_words("Zelda lives in Oslo. ZELDA and Zelda saw 3 ravens.") == (
        "Zelda",
        "ZELDA",
        "saw",
        "3",
        "ravens",
    )
    assert unknown_words("<b>Ana</b>") == ("b",)
