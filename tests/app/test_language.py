"""Every page as a visitor reads it: no sentence is longer than one can say in a breath."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from typing import Any, get_args

import pytest
from streamlit.testing.v1 import AppTest

from app.learn import learn_text
from app.parts.units import count
from app.player.narration import narrate, narrate_briefly
from app.tasks import PAGES as TASK_PAGES
from sleepviz.config.events import Trace
from sleepviz.config.run import Control
from tests.app.made import made_graph, made_sum, made_trace
from tests.app.page import ROOT, clean, opened, unfolded

WORDS_MAX = 22
FOLDS = ("departures", "transcript", "numbers", "glossary")  # what a task's page sends once it is opened
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
TEXTS = ("value", "label", "help", "placeholder")
CODE = re.compile(r"```.*?```|`[^`]*`", re.S)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
ICON = re.compile(r":material/\w+:")
TAG = re.compile(r"</(?:td|th|p|li|caption|tr|h\d|div|summary)>|<br>")


def texts(element: Any) -> Iterator[str]:
    """What one element shows: its text, its label, its help, and what a screen reader hears of a chart."""
    kind = element.type
    if kind in ("code", "json", "bidi_component"):
        return
    if kind in ("text_input", "text_area", "number_input", "select_slider", "slider", "selectbox", "button_group"):
        names: tuple[str, ...] = TEXTS[1:]  # the value is the visitor's
    else:
        names = TEXTS
    for name in names:
        if isinstance(found := getattr(element, name, None), str):
            yield found
    proto = getattr(element, "proto", None)
    for name in ("body", "alt", "help"):
        if isinstance(found := getattr(proto, name, None), str):
            yield re.sub(r"<style.*?</style>", "", found, flags=re.S)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text in Markdown or HTML, without their marks; a line, a list's item and a cell end one."""
    text = ICON.sub("", LINK.sub(r"\1", CODE.sub("CODE", TAG.sub("\n", text)))).replace("\\", "")
    text = unescape(re.sub(r"<[^>]+>", " ", text)).replace("|", "\n")
    for line in re.split(r"\n", text):
        yield from (part.strip(" *-#") for part in re.split(r"(?<=[.!?])[”*)]* +", line))


def n_words(sentence: str) -> int:
    """Words and numbers; an equals sign or a dash is none."""
    return sum(any(char.isalnum() for char in word) for word in sentence.split())


def too_long(page: AppTest, most: int) -> dict[str, int]:
    """The sentences on a page that have more words than `most`, with how many."""
    every = {sentence for element in page for text in texts(element) for sentence in sentences(text)}
    return {sentence: n for sentence in sorted(every) if (n := n_words(sentence)) > most}


def shown(name: str) -> list[AppTest]:
    """A page in the states that show different texts."""
    if name == "learn":
        return [opened("learn", step=str(step)) for step in range(1, len(learn_text.STEPS) + 1)]
    if name != "lab":
        page = opened(name)
        folds = [each.key for each in page.expander if each.key in FOLDS]
        return [page, unfolded(opened(name), *folds)]  # what waits for the second run is there now
    pages = []
    for task in ("rule110", "depo", "gsm"):
        page = opened("lab", task=task)
        for fold in [each.key for each in page.expander if each.key and each.key.endswith("_fold")]:
            page.session_state[fold] = True
        pages.append(clean(page.run()))
    return pages


def faults(name: str) -> dict[str, int]:
    """What is too long on a page."""
    return {sentence: n for page in shown(name) for sentence, n in too_long(page, WORDS_MAX).items()}


@pytest.mark.parametrize("name", PAGES)
def test_no_sentence_is_too_long(name: str) -> None:
    assert faults(name) == {}


@pytest.mark.parametrize("control", get_args(Control))
@pytest.mark.parametrize("made", [made_trace, made_graph, made_sum])
def test_no_sentence_of_a_run_is_too_long(made: Callable[[], Trace], control: str) -> None:
    trace = made()
    broken = replace(trace, spec={**trace.spec, "control": control})
    said = (*narrate(broken), *narrate_briefly(broken))
    assert {each: n for text in said for each in sentences(text) if (n := n_words(each)) > WORDS_MAX} == {}


@pytest.mark.parametrize(
    ("task", "given", "asked"),
    [
        ("rule110", {"rows": ["0110"], "steps": 1}, "1 step of Rule 110 on 0110"),
        ("depo", {"edges": [["a", "a"]], "start": "a", "hops": 1}, "1 hop from a on a graph of 1 edge"),
        ("gsm", {"text": "assign a = 1.", "question": "a"}, "the value of a in a text of 1 statement"),
        (
            "text",
            {"document": "The doctor of Ana is Ben.", "question": "Who is the doctor of Ana?"},
            "1 hop from Ana in a document of 1 sentence",
        ),
    ],
)
def test_one_thing_is_not_named_as_several(task: str, given: dict[str, Any], asked: str) -> None:
    assert TASK_PAGES[task].words.question(given) == asked


@pytest.mark.parametrize(
    ("number", "thing", "said"), [(0, "token", "0 tokens"), (1, "pass", "1 pass"), (1200, "pass", "1,200 passes")]
)
def test_a_count_is_followed_by_one_thing_or_several(number: int, thing: str, said: str) -> None:
    assert count(number, thing) == said


def test_no_plural_is_made_by_hand() -> None:
    """An `s` that is added by hand is forgotten where it matters: at one."""
    by_hand = re.compile(r"""\} \w+\$?\{[^}]*["']e?s["']""")
    files = [path for kind in ("py", "js") for path in (ROOT / "app").rglob(f"*.{kind}")]
    found = {str(path.relative_to(ROOT)) for path in files if by_hand.search(path.read_text(encoding="utf-8"))}
    assert by_hand.search("`${hops} hop${hops > 1 ? 's' : ''}`") and by_hand.search("f\"{n} pass{'es' * (n != 1)}\"")
    assert found == set()


def test_a_long_sentence_is_found_wherever_it_stands() -> None:
    long = " ".join(["word"] * 26)

    def script(long: str) -> None:
        import streamlit as st

        st.markdown(f"Short. **{long}.** [A link]({'x ' * 30})")
        st.caption(f"one: {long}")
        st.button(f"press {long}", help=f"help {long}")
        st.text_input("Label", long)  # the visitor's own
        st.html(f"<table><tr><td>cell {long}</td><td>{long[:40]}</td></tr></table>")
        with st.expander(f"fold {long}"):
            st.code(long)
            st.markdown(f"- {long[:40]}.\n- {long[:40]}.")

    page = AppTest.from_function(script, args=(long,)).run()
    found = {sentence.split(maxsplit=1)[0]: n for sentence, n in too_long(page, WORDS_MAX).items()}
    assert found == {"word": 26, "one:": 27, "press": 27, "help": 27, "cell": 27, "fold": 27}
