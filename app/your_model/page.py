"""The page "Your model": a model of the transformers library, a text, a question, and the same player."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.sharing import packed
from app.shell import messages, position, theme, uploads
from app.shell.jobs import RunKey
from app.shell.state import Reader, Visit, one_number_of, one_of, read_link, short_text
from app.your_model import (
    allowed,
    bring,
    document_box,
    model_text,
    models,
    sleeping_longer,
    stage,
    text_runs,
    verdict_box,
)
from app.your_model.allowed import Allowance
from app.your_model.verdict_box import Brought
from sleepviz.config.base import ConfigError
from sleepviz.config.run import RunSpec
from sleepviz.tasks.base import InputError
from sleepviz.text import example

PASSES = (1, 2, 3, 4, 6, 8, 12)
OWN = "own"  # in the list of models


@dataclass(frozen=True)
class Asked:
    """What the controls ask: the run, the model's identity, and what a perplexity may be measured of."""

    spec: RunSpec
    digest: str
    measured: sleeping_longer.Measured | None = None  # None where it would mean nothing

    @property
    def key(self) -> RunKey:
        """The run on the stage."""
        return RunKey(self.spec, self.digest)

    @property
    def keys(self) -> tuple[RunKey, ...]:
        """That run and those beside it."""
        return tuple(RunKey(spec, self.digest) for spec in example.side_by_side(self.spec))


def show() -> None:
    """The whole page."""
    mode = theme.page_mode(st.context.theme.type)
    visit, allowance = Visit("your_model"), allowed.for_visitor()
    st.title(model_text.TITLE, anchor=False)
    st.markdown(model_text.EXPLANATION)
    _say_what_may_be_loaded(allowance)
    is_linked = _adopt_link(visit)
    for problem in visit.link_problems:
        st.error(messages.plain(problem), icon=":material/error:")
    asked, can_run = None, True
    try:
        asked = _controls(visit, allowance)
        can_run = asked is not None  # there is nothing to run before a model is loaded
    except (ConfigError, InputError) as error:
        st.error(messages.plain(str(error)), icon=":material/error:")
    # Never switched off: a click may come from a text box, whose correction is only being sent.
    pressed = can_run and st.button(model_text.RUN, key="your_model_run", type="primary")
    if asked is not None and (pressed or is_linked):
        visit.forget_link_problems()
        visit.write_url(stage.link_of(asked.spec))
        visit.set_job(models.queue().submit(asked.keys))
    tape = text_runs.recorded(str(visit.get("source"))) if visit.latest is None else None
    stage.follow(visit, tape is not None)
    shown = text_runs.of_job(visit.latest) if visit.latest is not None else tape
    if shown is not None:
        stage.show(shown, asked.key if asked is not None else None, position.of(visit), mode)
    if asked is not None:
        _perplexity(visit, asked, mode)


def _say_what_may_be_loaded(allowance: Allowance) -> None:
    """At the top: what a visitor may run here, and how whoever runs the server allows more."""
    said = model_text.MAY_LOAD[allowance.level].format(n=len(allowance.listed()))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(model_text.UNREADABLE if allowance.unreadable else said)
        with st.popover(model_text.ALLOW_MORE, icon=":material/lock_open:", key="your_model_allow"):
            st.markdown(model_text.HOW_TO_ALLOW)


def readers(choices: Sequence[str]) -> dict[str, Reader]:
    """?model=text:text-micro&N=4&eviction=hard&question=...&doc=...&L=32; `choices` are the models to choose from."""

    def read_question(given: str) -> dict[str, Any]:
        asked = short_text("question", "question", document_box.QUESTION_MAX)(given)["question"]
        return dict.fromkeys(document_box.FIRST_QUESTIONS, asked)

    def read_document(given: str) -> dict[str, Any]:
        return dict.fromkeys(document_box.FIRST_DOCUMENTS, packed.reader("document", "document")(given)["document"])

    return {
        "model": one_of("source", "model", choices),
        "N": one_number_of("passes", "passes N", PASSES),
        "eviction": one_of("eviction", "eviction", tuple(model_text.EVICTIONS)),
        "question": read_question,
        "doc": read_document,
        "L": one_number_of("window", "window L", document_box.WINDOWS),
        **position.readers(),
    }


def linked_run(given: Mapping[str, str]) -> tuple[RunKey | None, tuple[str, ...]]:
    """The run that a link asks for, for a page without these controls, and what is wrong with it, a sentence each.

    A bare link asks for the first model's home run. Raises ConfigError where the run cannot be.
    """
    sources = tuple(choices())
    values, problems = read_link(given, example.TASK, readers(sources))
    if problems or not sources:
        return None, problems
    source = str(values.get("source", sources[0]))
    kind, _, name = source.partition(":")
    digest, window = "random", int(values.get("window", document_box.FIRST_VALUES["window"]))
    question, document = "question", "document"
    if kind == "text":
        window, _, digest = models.text_facts(name)
        question, document = "page_question", "page"
    given_values = {**document_box.FIRST_VALUES, **values}
    spec = example.text_spec(
        source,
        str(given_values[document]),
        str(given_values[question]),
        window,
        n_passes=int(values.get("passes", example.N_PASSES)),
        eviction=values.get("eviction", "hard"),
    )
    return RunKey(spec, digest), ()


def _adopt_link(visit: Visit) -> bool:
    """Take over ?model=text:text-micro&N=4&eviction=hard&question=..., which is then run."""
    sources = tuple(choices())
    first = {"source": sources[0], "passes": example.N_PASSES, "eviction": "hard", **document_box.FIRST_VALUES}
    is_linked = visit.adopt_url(readers(sources), first)
    # On every run, or what one kind of model was given is lost to another.
    visit.set_missing({**first, "name": "", "trust": False, "way": model_text.BY_NAME})
    return is_linked and not visit.link_problems


def _perplexity(visit: Visit, asked: Asked, mode: theme.Mode) -> None:
    """Measured where a text is read by a model that was trained; else why not."""
    if asked.measured is not None:
        sleeping_longer.show(visit, asked.measured, mode)
    else:
        st.caption(model_text.MEANINGLESS)


def _controls(visit: Visit, allowance: Allowance) -> Asked | None:
    """Draw the controls and read them; None while no model is loaded. Raises ConfigError and InputError."""
    offered = choices() | ({OWN: model_text.OWN_MODEL} if allowance.files else {})
    if visit.get("source") not in offered:
        visit.set({"source": next(iter(offered))})
    columns = st.columns([3, 1.2, 1.6], gap="medium")
    with columns[0]:
        source = str(
            st.selectbox(model_text.MODEL, tuple(offered), format_func=lambda c: offered[c], key=visit.key("source"))
        )
    with columns[1]:
        n_passes = int(st.select_slider(model_text.PASSES, PASSES, key=visit.key("passes")))
    with columns[2]:
        eviction = str(
            st.selectbox(
                model_text.EVICT,
                tuple(model_text.EVICTIONS),
                format_func=lambda e: model_text.EVICTIONS[e],
                key=visit.key("eviction"),
            )
        )
    kind, _, name = source.partition(":")
    digest, brought, span = "random", None, None
    if kind == OWN:
        brought = _brought(visit, allowance)
        if brought is None:
            return None
        source, digest = brought.wanted.source, brought.wanted.digest
        span = _span(visit, brought)
    if kind == "text":
        window, _, digest = models.text_facts(name)
        document, question = document_box.in_our_style(visit, window)
    else:
        document, question, window = document_box.of_any_style(visit)
    if not document.strip() or not question.strip():
        raise ConfigError(model_text.NO_TEXT)
    if len(document) + len(question) > uploads.MOST_CHARACTERS:
        raise ConfigError(model_text.TOO_LONG.format(most=uploads.MOST_CHARACTERS))
    trusted = brought.wanted.trust_remote_code if brought else False
    memory = brought.memory_layers if brought else ()
    measured = sleeping_longer.Measured(source, digest, document, window, trusted, span, memory)
    spec = example.text_spec(
        source,
        document,
        question,
        window,
        n_passes=n_passes,
        eviction=eviction,  # type: ignore[arg-type]
        trust_remote_code=trusted,
        span=span,
        memory_layers=memory,
    )
    return Asked(spec, digest, measured if kind != "random" else None)


def _brought(visit: Visit, allowance: Allowance) -> Brought | None:
    """The visitor's own model, once it is loaded and can sleep."""
    found = bring.show(visit, allowance)
    return verdict_box.show(visit, *found) if found is not None else None


def _span(visit: Visit, brought: Brought) -> tuple[int, int] | None:
    """The layers that are looped, as (first, last + 1) from 0; None for all."""
    if brought.n_layers < 2:
        return None
    name, whole = f"span_{brought.wanted.digest}", (1, brought.n_layers)
    if visit.key(name) not in st.session_state:  # a first time, or Streamlit has forgotten it on another page
        visit.set({f"first_{name}": visit.get(f"last_{name}", whole)})
    first_value = visit.get(f"first_{name}")  # another one would reset the slider
    ends: Any = st.select_slider(model_text.SPAN, range(1, whole[1] + 1), value=first_value, key=visit.key(name))
    visit.set({f"last_{name}": ends})
    st.caption(model_text.SPAN_NOTE)
    first, last = map(int, ends)
    return None if (first, last) == whole else (first - 1, last)


def choices() -> dict[str, str]:
    """Models that need no permission, and how they are called."""
    ours = {f"text:{name}": _text_title(name) for name in models.text_models()}
    return ours | {f"random:{name}": model_text.RANDOM_MODEL.format(name=name) for name in models.FAMILIES}


def _text_title(name: str) -> str:
    _, passes_trained, _ = models.text_facts(name)
    title = model_text.OUR_TEXT_MODEL_AWAKE if passes_trained == 1 else model_text.OUR_TEXT_MODEL
    return title.format(name=name)
