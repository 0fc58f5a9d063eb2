"""The Lab page: the question and its answer, what was found, then section by section the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from app.lab import findings, lab_text, lines, sweep, unfold
from app.lab.plan import LINKED
from app.lab.scene import Scene
from app.lab.sections.each import each
from app.lab.sections.every import every
from app.lab.sections.other import others
from app.lab.sections.paper import paper
from app.lab.sections.section import Section, command, open_fold
from app.parts import buttons
from app.shell import address, messages, runs, theme
from app.tasks import PAGES
from sleepviz.runs.checkpoint import CheckpointInfo

SCHEDULES = "schedules"  # the results file
LINK = address.Part("lab", ("task", *LINKED))


def show() -> None:
    """Draw the page: what was found, then a section for each experiment."""
    st.html(Path(__file__).with_name("lab.css"))
    st.title(lab_text.TITLE, anchor=False)
    infos = runs.checkpoints(runs.checkpoint_folder())
    tasks = available_tasks(infos)
    if not tasks:
        st.info(lab_text.NOTHING_HERE, icon=":material/info:")
        return
    given = LINK.given()
    scene = _scene(_task(tasks, given), infos, given)
    if not sweep.problem():
        LINK.write(_link(scene, tasks[0]))
    _lead(scene)
    measure = Section(lab_text.SWEEP, "measure", (), lambda: _sweep(scene))
    first, *rest = every(scene)
    main, further = (*each(scene), *paper(scene), first, measure, *rest), others(scene)
    folded = [section.anchor for section in (*main, *further) if section.fold]
    unfold.watch(folded, open_fold, key="lab_unfold")
    _contents(main, further)
    for section in (*main, *further):
        st.header(section.heading, anchor=section.anchor)
        _say(section.findings)
        section.draw()
    _not_run(scene)
    _provenance(scene)


def _task(tasks: list[str], given: Mapping[str, str] | None) -> str:
    """The chosen task; a link such as /lab?task=depo chooses one."""
    before = st.session_state.get("lab_chosen", tasks[0])
    asked = before if given is None else given.get("task", tasks[0])
    task = st.session_state.get("lab_task")
    if task not in tasks or given is not None:
        task = asked if asked in tasks else before
    held = buttons.chosen("lab_task", task)
    task = str(
        st.segmented_control(
            lab_text.TASK, tasks, required=True, format_func=lambda name: PAGES[name].words.lab, **held
        )
    )
    st.session_state["lab_chosen"] = task
    return task


def _link(scene: Scene, first: str) -> dict[str, str]:
    """The task and the sweep as a link's values; a first visit leaves the address bare."""
    measured = sweep.link(scene.here)
    is_bare = scene.task == first and not measured and "task" not in address.asked()
    return {} if is_bare else {"task": scene.task, **measured}


def available_tasks(infos: Sequence[CheckpointInfo]) -> list[str]:
    """The tasks that have a results file or a checkpoint to measure."""
    folder = runs.ASSETS / "results"
    return [t for t in PAGES if (folder / f"{t}.json").is_file() or runs.default_checkpoint(t, tuple(infos))]


def _scene(task: str, infos: tuple[CheckpointInfo, ...], given: Mapping[str, str] | None) -> Scene:
    found = runs.results(task)
    if isinstance(found, str):
        st.info(found, icon=":material/info:")
    results = None if isinstance(found, str) else lines.newest(found)
    accuracies = results.of("accuracy", "any_n") if results else ()
    names = tuple(dict.fromkeys(entry.checkpoint for entry in accuracies))
    default = runs.default_checkpoint(task, infos)
    chosen = default.name if default and default.name in names else names[0] if names else ""
    if len(names) > 1:
        chosen = str(st.selectbox(lab_text.CHECKPOINT, names, index=names.index(chosen), key=f"lab_{task}_checkpoint"))
    info = next((info for info in infos if info.name == chosen), default if not chosen else None)
    here = info or default
    schedules = runs.results(SCHEDULES)
    measured = tuple(entry for entry in accuracies if entry.checkpoint == chosen)
    if here and measured and measured[0].digest != here.digest:
        st.warning(
            lab_text.OTHER_WEIGHTS.format(measured=measured[0].digest[:8], here=here.digest[:8]),
            icon=":material/warning:",
        )
    if here is not None:
        sweep.adopt(here, measured, given)
    mode = theme.page_mode(st.context.theme.type)
    return Scene(
        PAGES[task],
        mode,
        results,
        infos,
        info,
        here,
        measured,
        sweep.live_settings(here),
        None if isinstance(schedules, str) else lines.newest(lines.of_task(schedules, task)),
    )


def _lead(scene: Scene) -> None:
    """The question and its answer in one line, and what the letters mean."""
    symbol, chance = scene.said.symbol, scene.counts("accuracy").chance
    answer = findings.answer(scene.measured, symbol, chance or 0.0)
    st.markdown(lab_text.QUESTION_AND_ANSWER.format(answer=answer or lab_text.NO_ANSWER_YET))
    st.caption(" ".join([lab_text.INTRO, *([term] if (term := difficulty_term(scene)) else [])]))


def difficulty_term(scene: Scene) -> str:
    """The task's own term for its difficulty, with its explanation; "" where it has none."""
    heads = {text.partition(":")[0]: text for text in scene.said.glossary.values()}
    named = [text for head, text in heads.items() if head.split()[-1:] == [scene.said.symbol]]
    return messages.plain((named or [*heads.values(), ""])[0])


def _contents(main: Sequence[Section], further: Sequence[Section]) -> None:
    """Every section as a link, the main ones with what was found there."""
    lines = [lab_text.CONTENTS, ""]
    for section in main:
        found = section.findings[0].first if section.findings else ""
        lines.append(f"- [{section.heading}](#{section.anchor}) {found}".rstrip())
    st.markdown("\n".join(lines))
    if further:
        links = [f"- [{section.heading}](#{section.anchor})" for section in further]
        st.markdown("\n".join([lab_text.FURTHER, "", *links]))


def _sweep(scene: Scene) -> None:
    if scene.here is None:
        st.info(messages.no_checkpoint(scene.task), icon=":material/info:")
    else:
        sweep.show(
            scene.here,
            scene.measured,
            scene.said.symbol,
            scene.counts("accuracy").right,
            on_start=lambda: LINK.write(_link(scene, "")),
        )


def _not_run(scene: Scene) -> None:
    missing = findings.not_run(scene.said.evidence, scene.results)
    missing += findings.not_run_beyond(
        scene.measured, scene.said.symbol, scene.passes_trained, scene.difficulty_trained
    )
    st.header(lab_text.NOT_RUN, anchor="not-run")
    if missing:
        st.markdown("\n".join([lab_text.MISSING, "", *(f"- {each}" for each in missing)]))
    else:
        st.markdown(lab_text.NOTHING_MISSING)


def _provenance(scene: Scene) -> None:
    if scene.results is None:
        return
    weights = lab_text.WEIGHTS.format(digest=scene.measured[0].digest[:8]) if scene.measured else ""
    commit = scene.results.commit[:8] or lab_text.NO_COMMIT
    st.caption(lab_text.SOURCE.format(task=scene.task, commit=commit, weights=weights))
    st.code(command(scene), language=None, wrap_lines=True)


def _say(said: Sequence[findings.Finding]) -> None:
    """Findings as a list; those against the paper's trend are marked."""
    if said:
        st.markdown("\n".join(f"- {':material/priority_high: ' * each.is_against}{each.sentence}" for each in said))
