"""The page Learn: one step at a time, its sentence, its picture, what there is to do, and the way on."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.learn import focus, learn_text, path
from app.learn.lesson_runs import TASK, recorded
from app.learn.path import LAST, Place
from app.learn.steps import STEPS, WITH_RUNS, Lesson
from app.shell import runs
from app.shell.state import Visit

_HERE = Path(__file__).parent
_LEAD = "learn_lead"


def show() -> None:
    """The whole page: what is said, what there is to do and the way on, and beside them the picture."""
    st.html(_HERE / "learn.css")
    place = path.place()
    said, step = learn_text.STEPS[place.step - 1], STEPS[place.step - 1]
    # A run stands beside what there is to do, so that both are in sight; without a run the picture comes below.
    with st.container(key="learn_beside"):
        main, picture = st.columns((1, 3), gap="small") if step in WITH_RUNS else (st.container(), st.container())
    with main:
        with st.container(key=_LEAD, gap="small"):
            st.title(said.title, anchor=False)
            st.markdown(said.sentence)
        if path.problem():
            st.error(path.problem(), icon=":material/error:")
        if place.step == 1:
            st.caption(learn_text.LEAD)
        st.markdown(f"**{learn_text.DO}** {said.do}")
        acts, way, drawing = st.container(), st.container(key="learn_way", gap="small"), st.container()
    infos = runs.checkpoints(runs.checkpoint_folder())
    outcome = step(Lesson(Visit("learn"), infos, runs.results(TASK), recorded(), acts, drawing, picture))
    with way:
        if outcome != "open":
            place = place.done()
            st.markdown(f":material/check: {said.seen if outcome == 'done' else learn_text.OTHERWISE}")
        path.go(place)
        _way_on(place)
    path.write_link(place)
    focus.on_change(place.step, target=_LEAD, key="learn_focus")


def _way_on(place: Place) -> None:
    """Back, the next step, and every step that is open."""
    is_open = place.opened > place.step
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if place.step > 1:
            st.button(learn_text.BACK, key="learn_back", on_click=path.go, args=(place.at(place.step - 1),))
        if place.step < LAST:
            st.button(
                learn_text.NEXT,
                key="learn_next",
                type="primary" if is_open else "secondary",
                disabled=not is_open,
                help=None if is_open else learn_text.NOT_YET,
                on_click=path.go,
                args=(place.at(place.step + 1) if is_open else place,),
            )
        st.caption(learn_text.PLACE.format(step=place.step, steps=LAST))
    with st.container(horizontal=True, key="learn_all", gap=None):
        for step in range(1, LAST + 1):
            st.button(
                str(step),
                key=f"learn_step_{step}",
                help=learn_text.STEPS[step - 1].title,
                disabled=step > place.opened or step == place.step,
                on_click=path.go,
                args=(place.at(step) if step <= place.opened else place,),
            )
