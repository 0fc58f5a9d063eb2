"""Ask the memory: a key, and what S gives back for it after each pass, with another run's S beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.inside import inside_text as text
from app.inside.nearest import Line, nearest_table
from app.inside.probing import PROBE, ByProbe
from app.parts.html_table import html_table
from app.shell import runs
from app.shell.results import Results
from app.shell.state import Visit
from app.tasks.base import TaskPage
from sleepviz.config.events import Answer
from sleepviz.inside.seen import PassSeen

AGREED = " ✓"
LITTLE = 0.1  # of all columns: fewer say little


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


def show(page: TaskPage, visit: Visit, look: Sequence[PassSeen], window: int, at: int, probe: ByProbe | None) -> None:
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
    key = choose(visit, left, "key", text.KEY, {name: name for name in keys})
    readers = {str(layer): reader_name(layer) for layer in reversed(layers)} | ({PROBE: text.PROBE} if probe else {})
    chosen, now = choose(visit, right, "reader", text.READ_FROM, readers), here[min(at, len(here)) - 1]
    if chosen == PROBE and probe is not None:
        _by_probe(visit, probe, keys, key, here, now)
        return
    place = next(i for i, layer in enumerate(layers) if str(layer) == chosen)
    st.markdown(_agreement(page, now, keys, place))
    if probe is not None and _says_little(now, place, keys):
        st.info(text.LITTLE, icon=":material/info:")
    given = [(each.own[place].answer, each.other[place].answer) for each in here]
    _tables(key, readers[chosen], keys[key], here, given)
    labels = {column.label: column.label for column in keys[key]}
    detail = choose(visit, st, "detail", text.DETAIL, labels)
    column = next(each for each in keys[key] if each.label == detail)
    asked = f"{key}: {detail}" if len(keys) > 1 else detail
    st.html(_nearest(text.NEAREST.format(key=asked, n=now.pass_index + 1), now, column))
    st.caption(text.LENS)


def _by_probe(visit: Visit, probe: ByProbe, keys: Keys, key: str, here: Sequence[PassSeen], now: PassSeen) -> None:
    """The same by a probe, and how often it is right of instances that it was not fitted on."""
    read = probe.read(visit, here[-1].window_index)
    if not read:
        return
    levels = read[-1].levels
    askable = {name: tuple(each for each in of if levels[each.question] is not None) for name, of in keys.items()}
    if not askable[key]:
        st.info(text.PROBE_READS_LAST, icon=":material/info:")
        return
    first, last = read[0], read[now.pass_index]
    columns = [column for of in askable.values() for column in of]
    same, other = (sum(word(a, each) == word(now.woken, each) for each in columns) for a in (last.own, last.other))
    st.markdown(text.PROBE_IS.format(fitted=first.n_fitted, tested=first.n_tested))
    st.markdown(text.PROBE_AGREES.format(n=now.pass_index + 1, all=len(columns), same=same, other=other))
    given = [(each.own, each.other) for each in read]
    _tables(key, text.PROBE_READER, askable[key], here, given)
    named = {level: column.label for column in columns if (level := levels[column.question]) is not None}
    heads = list(named.values()) if len(named) > 1 else [text.PROBE_SHARE]
    rows = [
        [text.AFTER.format(n=each.pass_index + 1), *(f"{each.right[k]:.2f} ({each.right_other[k]:.2f})" for k in named)]
        for each in read
    ]
    st.html(html_table(text.PROBE_TABLE.format(tested=first.n_tested), [text.PASS_HEAD, *heads], rows))


def _tables(
    key: str, reader: str, columns: Sequence[Column], here: Sequence[PassSeen], given: Sequence[tuple[Answer, Answer]]
) -> None:
    """What this S gives after each pass, and beside it what another run's S gives."""
    caption = text.TABLE.format(key=key, reader=reader)
    for i, (block, of) in enumerate(zip(st.columns(2), (text.OWN_S, text.OTHER_S), strict=True)):
        with block:
            st.markdown(f"**{of}**")
            st.html(_table(f"{of}. {caption}", columns, here, [both[i] for both in given]))


def reader_name(layer: int | None) -> str:
    """A layer as the app counts them, from 1."""
    return text.ALL_LAYERS if layer is None else text.LAYER.format(layer=layer + 1)


def choose(visit: Visit, where: object, name: str, label: str, options: Mapping[str, str]) -> str:
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


def _table(caption: str, columns: Sequence[Column], here: Sequence[PassSeen], given: Sequence[Answer]) -> str:
    """A row for each pass; the last one is true."""
    rows = []
    for seen, answer in zip(here, given, strict=True):
        words = [(word(answer, each), word(seen.woken, each)) for each in columns]
        cells = [said + AGREED * (said == woken) for said, woken in words]
        rows.append([text.AFTER.format(n=seen.pass_index + 1), *cells])
    rows.append([text.TRUTH, *(true_word(here[-1].woken, each) for each in columns)])
    return html_table(caption, [text.PASS_HEAD, *(each.label for each in columns)], rows)


def _nearest(caption: str, now: PassSeen, column: Column) -> str:
    lines = [
        Line(
            reader_name(reading.layer),
            reading.words[column.question][column.part],
            reading.scores[column.question, column.part].tolist(),
        )
        for reading in now.own
    ]
    return nearest_table(caption, text.READERS, lines, alike=text.ALIKE)


def _agreement(page: TaskPage, now: PassSeen, keys: Keys, place: int) -> str:
    """How often, over everything that can be asked of this run, S names what the model would answer."""
    of_own, of_other = (_same(now, each[place].answer, keys) for each in (now.own, now.other))
    n_all = sum(len(of) for of in keys.values())
    said = text.AGREES.format(n=now.pass_index + 1, all=n_all, same=of_own, other=of_other)
    results = runs.results(page.task)
    many = isinstance(results, Results) and bool(results.of("memory"))
    return said + (text.MEASURED.format(task=page.task) if many else "")


def _says_little(now: PassSeen, place: int, keys: Keys) -> bool:
    """Whether this S names hardly more of the model's answers than another run's S."""
    n_all = sum(len(of) for of in keys.values())
    of_own, of_other = (_same(now, each[place].answer, keys) for each in (now.own, now.other))
    return of_own - of_other < LITTLE * n_all


def _same(now: PassSeen, answer: Answer, keys: Keys) -> int:
    """How many of all columns an answer words as the model would answer now."""
    return sum(word(answer, each) == word(now.woken, each) for of in keys.values() for each in of)
