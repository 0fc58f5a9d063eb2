"""Ask the memory: a key, and what S gives back for it after each pass, with another run's S beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.inside import inside_text as text
from app.parts.html_table import html_table
from app.shell import runs
from app.shell.results import Results
from app.shell.state import Visit
from app.tasks.base import TaskPage
from sleepviz.config.events import Answer
from sleepviz.inside.seen import PassSeen, Reading

AGREED = " ✓"


@dataclass(frozen=True)
class Column:
    """One thing that is asked of a key: its words, the question's place, and the part of its answer."""

    label: str
    question: int
    part: int


Keys = Mapping[str, tuple[Column, ...]]


def keys_of(page: TaskPage, answer: Answer) -> Keys:
    """Everything that can be asked, by key: the task's own keys, each row's cells, or each variable."""
    parts = answer.confidence.shape[1] if answer.asked else 0
    if page.keys is not None:
        found = page.keys(answer)
        return {key: tuple(Column(label, place, 0) for label, place in asked) for key, asked in found.items()}
    if parts > 1:
        cells = range(parts)
        return {asked: tuple(Column(f"cell {p + 1}", q, p) for p in cells) for q, asked in enumerate(answer.asked)}
    places = {asked: q for q, asked in enumerate(answer.asked)}  # of a question asked twice, the last
    return {text.EVERYTHING: tuple(Column(asked, q, 0) for asked, q in places.items())} if places else {}


def word(answer: Answer, column: Column) -> str:
    """What an answer says in one column."""
    whole = answer.answers[column.question]
    return whole[column.part] if answer.confidence.shape[1] > 1 else whole


def true_word(answer: Answer, column: Column) -> str:
    """What it should say."""
    whole = answer.truths[column.question]
    return whole[column.part] if answer.confidence.shape[1] > 1 else whole


def show(page: TaskPage, visit: Visit, look: Sequence[PassSeen], window: int, at: int) -> None:
    """The section: pick a key and a reader; two tables; the nearest words of one column."""
    here = [each for each in look if each.window_index == window]
    keys = keys_of(page, here[-1].woken)
    st.header(text.ASK, anchor="memory")
    st.markdown(text.ASK_LEAD)
    if not keys:
        st.info(text.NOT_READ_YET, icon=":material/info:")
        return
    layers = tuple(reading.layer for reading in here[0].own)
    left, right = st.columns(2)
    key = _pick(visit, left, "key", text.KEY, {name: name for name in keys})
    readers = {str(layer): reader_name(layer) for layer in reversed(layers)}
    chosen = _pick(visit, right, "reader", text.READER, readers)
    place = next(i for i, layer in enumerate(layers) if str(layer) == chosen)
    columns, now = keys[key], here[min(at, len(here)) - 1]
    st.markdown(_agreement(page, now, keys, place))
    reader = readers[chosen]
    caption = text.TABLE.format(key=key, reader=reader)
    read = ((text.OWN_S, [each.own[place] for each in here]), (text.OTHER_S, [each.other[place] for each in here]))
    for block, (of, readings) in zip(st.columns(2), read, strict=True):
        with block:
            st.markdown(f"**{of}**")
            st.html(_table(f"{of}. {caption}", columns, here, readings))
    labels = {column.label: column.label for column in columns}
    detail = _pick(visit, st, "detail", text.DETAIL, labels)
    column = next(each for each in columns if each.label == detail)
    asked = f"{key}: {detail}" if len(keys) > 1 else detail
    st.html(_nearest(text.NEAREST.format(key=asked, n=now.pass_index + 1), now, column))
    st.caption(text.LENS)


def reader_name(layer: int | None) -> str:
    """A layer as the app counts them, from 1."""
    return text.ALL_LAYERS if layer is None else text.LAYER.format(layer=layer + 1)


def _pick(visit: Visit, where: object, name: str, label: str, options: Mapping[str, str]) -> str:
    """A menu that keeps its value while it is still among the options."""
    if visit.get(name) not in options:
        visit.set({name: next(iter(options))})
    chosen = where.selectbox(  # type: ignore[attr-defined]
        label,
        tuple(options),
        format_func=lambda option: options.get(option, option),
        key=visit.key(name),
        on_change=visit.forget_link_problems,
    )
    return str(chosen)


def _table(caption: str, columns: Sequence[Column], here: Sequence[PassSeen], readings: Sequence[Reading]) -> str:
    """A row for each pass; the last one is true."""
    rows = []
    for seen, reading in zip(here, readings, strict=True):
        words = [(word(reading.answer, each), word(seen.woken, each)) for each in columns]
        cells = [said + AGREED * (said == woken) for said, woken in words]
        rows.append([text.AFTER.format(n=seen.pass_index + 1), *cells])
    rows.append([text.TRUTH, *(true_word(here[-1].woken, each) for each in columns)])
    return html_table(caption, [text.PASS_HEAD, *(each.label for each in columns)], rows)


def _nearest(caption: str, now: PassSeen, column: Column) -> str:
    heads = [text.READERS, *(text.RANK.format(n=n + 1) for n in range(len(now.own[0].words[0][0])))]
    rows = []
    for reading in now.own:
        nearest = reading.words[column.question][column.part]
        scores = reading.scores[column.question, column.part]
        rows.append(
            [reader_name(reading.layer), *(f"{w} {100 * s:.0f} %" for w, s in zip(nearest, scores, strict=True))]
        )
    return html_table(caption, heads, rows)


def _agreement(page: TaskPage, now: PassSeen, keys: Keys, place: int) -> str:
    """How often, over everything that can be asked of this run, S names what the model would answer."""
    columns = [column for of in keys.values() for column in of]

    def same(reading: Reading) -> int:
        return sum(word(reading.answer, each) == word(now.woken, each) for each in columns)

    of_own, of_other = same(now.own[place]), same(now.other[place])
    said = text.AGREES.format(n=now.pass_index + 1, all=len(columns), same=of_own, other=of_other)
    results = runs.results(page.task)
    many = isinstance(results, Results) and bool(results.of("memory"))
    return said + (text.MEASURED.format(task=page.task) if many else "")
