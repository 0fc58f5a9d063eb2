"""The ten steps: each draws what there is to do and its picture, and says whether it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import tasks
from app.explain import architecture, guess
from app.explain.architecture import Act
from app.figures.measured import right_of
from app.learn import cache, learn_text, open_questions, scene, shares, sizes, table
from app.learn.lesson_runs import BREAKS, EASY, HARD, TASK, Runs
from app.learn.scene import Moment
from app.player import Contender
from app.player.pictures import picture_of
from app.shell import runs
from app.shell.results import Results
from app.shell.state import Visit
from sleepviz.config.events import TokenRead, Trace
from sleepviz.runs.checkpoint import CheckpointInfo

# "otherwise": it is done, but a run did not come out as such runs usually do.
Outcome = Literal["open", "done", "otherwise"]
RIGHT = ("easy", "slept")  # the runs whose answer is expected to be right; all others are expected to be wrong


@dataclass(frozen=True)
class Lesson:
    """What every step may need. What the visitor has done lives in `visit`, by name."""

    visit: Visit
    infos: tuple[CheckpointInfo, ...]
    results: Results | str
    made: Runs
    acts: DeltaGenerator  # what there is to do, and what the runs answered
    drawing: DeltaGenerator  # the model as one drawing, below the way to the next step
    picture: DeltaGenerator  # beside them: the run

    def did(self, name: str) -> bool:
        """Whether the visitor has done this."""
        return bool(self.visit.get(name, False))

    def do(self, name: str) -> Callable[[], None]:
        """A callback that notes it."""
        return lambda: self.visit.set({name: True})

    def button(self, label: str, deed: str) -> None:
        """A button that notes a deed. Every step has at most one of these at a time, so they share a key."""
        self.acts.button(label, key="learn_do", type="primary", on_click=self.do(deed))


def a_cache_that_grows(lesson: Lesson) -> Outcome:
    """Words are typed; then what a million tokens would take."""
    with lesson.acts:
        cache.typed(learn_text.CACHE_TYPED, goal=5, key="learn_cache", on_done=lesson.do("typed"))
        st.caption(learn_text.CACHE_NOTE)
    if not lesson.did("typed"):
        return "open"
    lesson.picture.markdown(sizes.as_table(runs.default_checkpoint(TASK, lesson.infos)))
    return "done"


def a_window_that_fills(lesson: Lesson) -> Outcome:
    """The tokens of the first window of the recorded run are read with a slider."""
    recorded = runs.recording(f"{TASK}-home")
    reads = [] if recorded is None else [event for event in recorded.events if isinstance(event, TokenRead)]
    tokens = [event.token for event in reads if event.window_index == 0]
    if not tokens:
        lesson.acts.info(learn_text.NO_WINDOW, icon=":material/info:")
        return "done"
    is_full = lesson.did("filled")
    with lesson.acts:
        cache.read(tokens, learn_text.CACHE_READ, is_full=is_full, key="learn_window", on_done=lesson.do("filled"))
        st.caption(learn_text.WINDOW_NOTE.format(bits=len(tokens) - 1))
    return "done" if is_full else "open"


def a_memory_that_does_not_grow(lesson: Lesson) -> Outcome:
    """S is written by hand."""
    is_done = lesson.did("written")
    with lesson.acts:
        table.show(learn_text.TABLE, is_done=is_done, key="learn_table", on_done=lesson.do("written"))
        st.caption(learn_text.TABLE_NOTE)
    return "done" if is_done else "open"


def one_pass(lesson: Lesson) -> Outcome:
    """One step of Rule 110, one pass."""
    if not lesson.did("slept_once"):
        lesson.button(learn_text.SLEEP_ONE, "slept_once")
        _model(lesson, "full")
        _rule(lesson)
        _show(lesson, "easy", Moment("full"))
        return "open"
    if lesson.did("asked_easy"):
        _model(lesson, "answer")
        return _answers(lesson, ("easy",), EASY)
    lesson.button(learn_text.ASK, "asked_easy")
    _model(lesson, "asleep")
    _rule(lesson)
    _show(lesson, "easy", Moment("asleep"))
    return "open"


def a_harder_question(lesson: Lesson) -> Outcome:
    """Guess, then see what one pass makes of six steps."""
    trace = lesson.made["one_pass"]
    if not isinstance(trace, Trace):
        return _not_run(lesson, trace)
    asked = guess.enough(1, HARD, tasks.PAGES[TASK].unit, about=str(trace.checkpoint["digest"]))
    with lesson.acts:
        said = guess.ask(asked, key="learn_guess")
    if lesson.did("revealed"):
        with lesson.acts:
            guess.tell(asked, trace.is_right)
        return _answers(lesson, ("one_pass",), HARD)
    if said is not None:
        lesson.button(learn_text.REVEAL, "revealed")
    _show(lesson, "one_pass", Moment("full"))
    return "open"


def several_passes(lesson: Lesson) -> Outcome:
    """The visitor steps through the passes."""
    done = min(int(lesson.visit.get("passes", 0)), HARD)
    with lesson.acts, st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            learn_text.NEXT_PASS,
            key="learn_pass",
            type="primary",
            disabled=done == HARD,
            on_click=lambda: lesson.visit.set({"passes": done + 1}),
        )
        st.markdown(learn_text.PASS.format(n=done, of=HARD))
    _model(lesson, "asleep" if done else "full")
    _show(lesson, "slept", Moment("asleep", done) if done else Moment("full"))
    if done < HARD:
        return "open"
    return _told(lesson, ("slept",), HARD)


def clearing(lesson: Lesson) -> Outcome:
    """The cache is cleared; then the slept and the unslept model answer side by side."""
    if lesson.did("asked_cleared"):
        _model(lesson, "answer")
        return _answers(lesson, ("slept", "unslept"), HARD)
    if lesson.did("cleared"):
        lesson.button(learn_text.ASK, "asked_cleared")
        _model(lesson, "clear")
        _show(lesson, "slept", Moment("clear"))
    else:
        lesson.button(learn_text.CLEAR, "cleared")
        _model(lesson, "asleep")
        _show(lesson, "slept", Moment("asleep", HARD))
    return "open"


def is_it_really_s(lesson: Lesson) -> Outcome:
    """S is broken in three ways, each beside the unbroken run."""
    broken: tuple[str, ...] = tuple(lesson.visit.get("broken", ()))
    with lesson.acts, st.container(horizontal=True):
        for name in BREAKS:
            done = f"{learn_text.BREAK[name]} ✓" if name in broken else learn_text.BREAK[name]
            st.button(done, key=f"learn_{name}", on_click=_break, args=(lesson.visit, name))
    if not broken:
        _show(lesson, "slept", Moment("clear"))
        return "open"
    lesson.acts.markdown(f"{learn_text.BROKEN[broken[-1]]} {shares.of_control(lesson.results, broken[-1])}".strip())
    outcome = _answers(lesson, ("slept", broken[-1]), HARD, shown=broken[-1])
    return outcome if set(BREAKS) <= set(broken) else "open"


def is_it_only_more_computing(lesson: Lesson) -> Outcome:
    """The model that was never trained to sleep stands beside the one that was."""
    if lesson.did("asked_other"):
        outcome = _answers(lesson, ("slept", "other"), HARD)
        if deeper := shares.of_deeper(runs.results("depo")):
            lesson.acts.markdown(deeper)
        return outcome
    lesson.button(learn_text.ASK_OTHER, "asked_other")
    _show(lesson, "slept", Moment("answer"), ("slept",))
    return "open"


def what_this_shows(lesson: Lesson) -> Outcome:
    """An open question is picked, and what was measured about it stands below, with the way to it."""
    with lesson.acts:
        return "done" if open_questions.show(lesson.visit) else "open"


STEPS: tuple[Callable[[Lesson], Outcome], ...] = (
    a_cache_that_grows,
    a_window_that_fills,
    a_memory_that_does_not_grow,
    one_pass,
    a_harder_question,
    several_passes,
    clearing,
    is_it_really_s,
    is_it_only_more_computing,
    what_this_shows,
)


WITH_RUNS = STEPS[STEPS.index(one_pass) : STEPS.index(what_this_shows)]


def _break(visit: Visit, name: str) -> None:
    """The latest comes last."""
    others = [each for each in visit.get("broken", ()) if each != name]
    visit.set({"broken": (*others, name)})


def _not_run(lesson: Lesson, reason: str) -> Outcome:
    """Say why there is no run. The path goes on: what is missing is not the visitor's to mend."""
    lesson.acts.info(reason, icon=":material/info:")
    return "otherwise"


def _rule(lesson: Lesson) -> None:
    """The task's rule as a picture, where it has one."""
    legend = tasks.PAGES[TASK].legend
    if legend is not None:
        with lesson.picture:
            st.caption(learn_text.RULE)
            legend("learn_rule")


def _model(lesson: Lesson, act: Act) -> None:
    own = runs.default_checkpoint(TASK, lesson.infos)
    if own is not None:
        with lesson.drawing:
            architecture.show(own.meta["model"]["layer_types"], act, key="learn_architecture")


def _show(lesson: Lesson, name: str, moment: Moment, compared: Sequence[str] = ()) -> None:
    """The player at one moment of a run, with the answers of those that are compared."""
    trace = lesson.made[name]
    if not isinstance(trace, Trace):
        return
    badge = f"recorded · {trace.checkpoint['name']} {str(trace.checkpoint['digest'])[:8]}"
    others = [(each, lesson.made[each]) for each in compared]
    cards = tuple(Contender(*learn_text.CARDS[each], run) for each, run in others if isinstance(run, Trace))
    with lesson.picture:
        scene.show(trace, moment, contenders=cards, badge=badge, key="learn_player")


def _answers(lesson: Lesson, names: Sequence[str], difficulty: int, shown: str = "") -> Outcome:
    """What each run answered, and the player at the answer of one of them (the first, unless another is shown)."""
    outcome = _told(lesson, names, difficulty)
    _show(lesson, shown or names[0], Moment("answer"), names)
    return outcome


def _told(lesson: Lesson, names: Sequence[str], difficulty: int) -> Outcome:
    """A line for each run: how often such runs are right, then what this one answered, marked where it is rare."""
    outcome: Outcome = "done"
    lines = []
    for name in names:
        trace = lesson.made[name]
        if not isinstance(trace, Trace):
            outcome = _not_run(lesson, trace)
            continue
        is_right = trace.is_right
        if is_right != (name in RIGHT):
            outcome = "otherwise"
        found = shares.found(lesson.results, trace, difficulty)
        said = [learn_text.SHARE.format(share=right_of(found))] if found is not None else []
        said.append(learn_text.HERE.format(answer=picture_of(trace).answer_text(trace.answer)))
        if found is not None and shares.is_exception(found, is_right):
            said.append(learn_text.EXCEPTION)
        lines.append(f"- **{learn_text.CARDS[name][0]}** ({learn_text.CARDS[name][1]}): {' '.join(said)}")
    lesson.acts.markdown("\n".join(lines))
    return outcome
