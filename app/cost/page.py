"""The page Cost: the bill of one plan for one model, its figures, models in use, and times measured here."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from app import figures
from app.cost import ability, measured, model
from app.cost import cost_text as text
from app.cost.model import Chosen
from app.parts.html_table import html_table
from app.parts.units import in_bytes, in_operations
from app.shell import messages, runs, theme
from app.shell.results import Results
from app.shell.state import Reader, Visit, one_number_of, one_of
from app.tasks import PAGES
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.studies.counted.bill import CONTEXT_MAX, Bill, Plan, bill
from sleepviz.studies.counted.shapes import PUBLISHED

WINDOWS = (16, 32, 64, 81, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072)
CONTEXTS = (100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, CONTEXT_MAX)
PASSES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
QUESTIONS = (1, 3, 10, 30, 100, 300, 1000)
FIRST = {"model": model.word_of(PUBLISHED[0]), "window": 2048, "passes": 4, "context": 100_000, "question": 30}
POINTS = 60
MOST_QUESTIONS = 1000


def show() -> None:
    """The whole page."""
    st.title(text.TITLE, anchor=False)
    st.markdown(text.LEAD)
    mode = theme.page_mode(st.context.theme.type)
    infos = runs.checkpoints(runs.checkpoint_folder())
    visit = Visit("cost")
    words = model.options(infos)
    visit.adopt_url(readers(tuple(words)), FIRST)
    visit.set_missing(FIRST)
    for problem in visit.link_problems:
        st.error(messages.plain(problem), icon=":material/error:")
    chosen, plan = _controls(visit, words, infos)
    if chosen is not None:
        counted = bill(chosen.model, plan)
        _bill(chosen, plan, counted, infos)
        left, right = st.columns(2, gap="large")
        with left:
            _memory(chosen, plan, counted, mode)
        with right:
            _break_even(counted, mode)
    _models(plan)
    measured.show(visit, infos, mode)
    visit.write_url(_link(visit))


def readers(words: tuple[str, ...]) -> dict[str, Reader]:
    """?model=ouro-1.4b&L=2048&N=4&T=100000&q=30"""
    return {
        "model": one_of("model", "model", words),
        "L": one_number_of("window", "window L", WINDOWS),
        "N": one_number_of("passes", "passes N", PASSES),
        "T": one_number_of("context", "context T", CONTEXTS),
        "q": one_number_of("question", "question", QUESTIONS),
    }


def _link(visit: Visit) -> dict[str, str]:
    names = {"model": "model", "L": "window", "N": "passes", "T": "context", "q": "question"}
    return {short: str(visit.get(name)) for short, name in names.items()}


def _controls(visit: Visit, words: dict[str, str], infos: tuple[CheckpointInfo, ...]) -> tuple[Chosen | None, Plan]:
    st.markdown(text.COUNTED)
    columns = st.columns([1.6, 1, 1, 1, 1], vertical_alignment="bottom")
    changed = visit.forget_link_problems
    word = columns[0].selectbox(
        text.MODEL, tuple(words), format_func=lambda each: words[each], key=visit.key("model"), on_change=changed
    )
    for column, (name, label, values) in zip(
        columns[1:],
        (
            ("window", text.WINDOW, WINDOWS),
            ("passes", text.PASSES, PASSES),
            ("context", text.CONTEXT, CONTEXTS),
            ("question", text.QUESTION, QUESTIONS),
        ),
        strict=True,
    ):
        column.select_slider(
            label, values, key=visit.key(name), format_func=lambda each: f"{each:,}", on_change=changed
        )
    numbers = (int(visit.get(name)) for name in ("context", "window", "passes", "question"))
    return model.chosen(visit, str(word), infos), Plan(*numbers)


def _bill(chosen: Chosen, plan: Plan, counted: Bill, infos: tuple[CheckpointInfo, ...]) -> None:
    st.header(text.BILL, anchor="bill")
    rows = [
        [text.ROWS["kv"], in_bytes(counted.kv_with), in_bytes(counted.kv_without)],
        [text.ROWS["fast"], *[_fast(counted)] * 2],
        [
            text.ROWS["reading"],
            in_operations(counted.sleep_flops),
            in_operations(chosen.model.reading_flops(plan.context)),
        ],
        [
            text.ROWS["answer"],
            in_operations(counted.answer_flops),
            in_operations(chosen.model.answer_flops(plan.question, plan.context)),
        ],
        [text.ROWS["again"], in_operations(counted.answer_flops), in_operations(counted.reread_flops)],
    ]
    caption = text.BILL_TABLE.format(model=chosen.name, context=plan.context, window=plan.window, passes=plan.n_passes)
    st.html(html_table(caption, text.BILL_HEADS, rows))
    said = [saved(counted, plan), pays(counted), ability.unequal(_results_of(chosen, infos)), _pairs(chosen)]
    if not counted.fast_bytes:
        said.append(text.NO_FAST)
    if getattr(chosen.model, "loops", 1) > 1:
        said.append(text.LOOPS.format(loops=getattr(chosen.model, "loops", 1)))
    if getattr(chosen.model, "sliding_layers", 0):
        said.append(text.SLIDING)
    st.markdown("\n".join(f"- {each}" for each in said))


def _fast(counted: Bill) -> str:
    """A model that has fast weights holds them with sleep and without."""
    return in_bytes(counted.fast_bytes) if counted.fast_bytes else text.NONE


def _results_of(chosen: Chosen, infos: tuple[CheckpointInfo, ...]) -> list[Results]:
    """What was measured of the model's own task; of every task, where it is no model of this site."""
    own = [info.task for info in infos if info.name == chosen.name]
    found = (runs.results(task) for task in own or PAGES)
    return [results for results in found if isinstance(results, Results)]


def _pairs(chosen: Chosen) -> str:
    """Which pairs of tokens the operations of attention stand for."""
    is_both_ways = getattr(chosen.model, "is_both_ways", False)
    return f"{text.PAIRS} {text.PAIRS_BOTH_WAYS if is_both_ways else ''}".rstrip()


def saved(counted: Bill, plan: Plan) -> str:
    """What clearing saves, in a sentence; or why it saves nothing."""
    if counted.kv_without == 0:
        return text.NO_CACHE
    if plan.window >= plan.context:
        return text.ONE_WINDOW
    if counted.kv_with == counted.kv_without:
        return text.SLIDES_ALREADY.format(cache=in_bytes(counted.kv_with))
    return text.SAVED.format(
        share=100 * counted.saved,
        with_=in_bytes(counted.kv_with + counted.fast_bytes),
        without=in_bytes(counted.kv_without + counted.fast_bytes),
        together=text.TOGETHER if counted.fast_bytes else "",
    )


def pays(counted: Bill) -> str:
    """From which question on sleep pays, in a sentence."""
    return text.NEVER if counted.pays_from is None else text.PAYS.format(n=max(1, math.ceil(counted.pays_from)))


def _memory(chosen: Chosen, plan: Plan, counted: Bill, mode: theme.Mode) -> None:
    st.header(text.MEMORY, anchor="memory")
    st.caption(text.MEMORY_NOTICE)
    contexts = sorted({round(10 ** (2 + 4 * i / POINTS)) for i in range(POINTS + 1)})
    lines = {
        "without sleep": [(n, chosen.model.kv_bytes(n) + chosen.model.fast_bytes) for n in contexts],
        "with sleep": [(n, chosen.model.kv_bytes(min(n, plan.window)) + chosen.model.fast_bytes) for n in contexts],
    }
    with_sleep = in_bytes(counted.kv_with + counted.fast_bytes)
    without = in_bytes(counted.kv_without + counted.fast_bytes)
    alt = text.MEMORY_ALT.format(without=without, context=plan.context, with_=with_sleep)
    figure = figures.memory_figure(lines, at=plan.context, mode=mode)
    st.plotly_chart(figure, key="cost_memory", theme=None, alt=alt, config={"displayModeBar": False})


def _break_even(counted: Bill, mode: theme.Mode) -> None:
    st.header(text.EVEN, anchor="break-even")
    st.caption(text.EVEN_NOTICE)
    crossing = counted.pays_from
    most = min(MOST_QUESTIONS, max(10, math.ceil(2 * crossing))) if crossing is not None else 10
    asked: Sequence[int] = (0, most)
    lines = {
        "sleep once, then answer": [(n, counted.sleep_flops + n * counted.answer_flops) for n in asked],
        "read everything again": [(n, n * counted.reread_flops) for n in asked],
    }
    figure = figures.questions_figure(lines, crossing=crossing if crossing and crossing <= most else None, mode=mode)
    alt = text.EVEN_ALT.format(pays=pays(counted))
    st.plotly_chart(figure, key="cost_even", theme=None, alt=alt, config={"displayModeBar": False})


def _models(plan: Plan) -> None:
    st.header(text.MODELS, anchor="models")
    st.markdown(text.COUNTED)
    rows = []
    for shape in PUBLISHED:
        counted = bill(shape, plan)
        even = counted.pays_from
        rows.append(
            [
                shape.name,
                in_bytes(counted.kv_without),
                in_bytes(counted.kv_with),
                _fast(counted),
                in_operations(counted.sleep_flops),
                in_operations(counted.answer_flops),
                "–" if even is None else f"{max(1, math.ceil(even)):,}",
            ]
        )
    st.html(html_table(text.MODELS_TABLE, text.MODELS_HEADS, rows))
    st.caption(text.CANNOT)
    with st.expander(text.SOURCES, key="cost_sources"):
        st.markdown(
            "\n".join(
                text.SOURCE_LINE.format(
                    name=shape.name,
                    parameters=shape.parameters / 1e9,
                    published=shape.published,
                    source=messages.plain(shape.source),
                )
                for shape in PUBLISHED
            )
        )
        st.markdown(text.NOT_SHOWN)
