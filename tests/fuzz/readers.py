"""A case through everything that reads it, without a page: from the link to the run that it asks for, or sentences."""

from __future__ import annotations

import json
import time
import unicodedata

from app.cost import model as cost_model
from app.cost import page as cost
from app.inside import place as inside
from app.lab.plan import read_link as read_sweep
from app.learn import path
from app.shell import position
from app.shell.state import LinkError, Reader, read_link
from app.stage import advanced, controls
from app.stage.controls import limits_of
from app.tasks import PAGES
from app.your_model import page as your_model
from sleepviz.config.base import ConfigError
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.tasks import build_task
from sleepviz.tasks.base import InputError
from tests.app.states import INPUTS, HeldVisit
from tests.fuzz.cases import COST, INSIDE, LAB, LEARN, YOURS, Case
from tests.fuzz.truth import truths_of

SECONDS_MAX = 5.0
SENTENCE_MAX = 600  # characters


def read(case: Case, infos: tuple[CheckpointInfo, ...]) -> str:
    """Read it; "run" where it asks for a run, else "refused". Raises AssertionError, or whatever breaks."""
    started = time.perf_counter()
    if case.page in PAGES:
        outcome = _task(case, infos)
    elif case.page == LAB:
        outcome = _sweep(case)
    elif case.page == LEARN:
        outcome = _step(case)
    else:
        outcome = _link(case, infos)
    assert time.perf_counter() - started < SECONDS_MAX, "it hangs"
    return outcome


def _said(sentence: str) -> None:
    assert sentence, "nothing is said"
    assert len(sentence) <= SENTENCE_MAX, f"{len(sentence)} characters are said"
    sentence.encode()  # no half of a character: a websocket cannot carry it
    control = [c for c in sentence if unicodedata.category(c) == "Cc" and c != "\n"]
    assert not control, f"control characters are said: {control}"


def _task(case: Case, infos: tuple[CheckpointInfo, ...]) -> str:
    page = PAGES[case.page]
    form, given = page.form, case.first
    mine = {info.name: info for info in infos if info.task == case.page}
    default = next(info.name for info in mine.values() if info.default)
    info = mine.get(given.get("checkpoint", default)) or mine[default]
    limits = limits_of(case.page, info)
    values, problems = read_link(given, case.page, controls.readers(form, limits, tuple(mine)))
    for problem in problems:
        _said(problem)
    first = {"passes": 4, **form.first_values(None, limits), **advanced.first_values(limits["window"])}
    visit = HeldVisit({**first, "checkpoint": default, **values})
    form.keep_within(visit, limits)
    advanced.keep_within(visit, limits["window"])
    settings = advanced.Settings.of(visit)
    try:
        asked = form.input(visit)
        spec = RunSpec(
            case.page,
            json.dumps(asked),
            info.name,
            visit.passes,
            eviction=settings.eviction,
            sleep_attention=settings.sleep_attention,
            trigger=settings.trigger(),
            spending=settings.spending(),
            control=settings.control,
        )
        task = build_task(info.task, info.meta["task_sizes"])
        instance = task.parse(spec.input, info.limits)
        problem_tokens = task.encode(instance)
        settings.require_tokens(len(problem_tokens.context))
    except (ConfigError, InputError) as error:
        _said(str(error))
        return "refused"
    page.words.asks(asked).encode()
    position.of(visit)
    again, refused = read_link(
        {"task": case.page, **controls.link_of(form, visit, settings, info.name)},
        case.page,
        controls.readers(form, limits, tuple(mine)),
    )
    if not refused:  # a text that is too long for a link is none
        assert form.input(HeldVisit({**visit.held, **again})) == asked, "its own link asks for something else"
    truths_of(case.page, json.loads(spec.input))  # a question that is taken has an answer
    return "refused" if problems else "run"


def _link(case: Case, infos: tuple[CheckpointInfo, ...]) -> str:
    """A page without a form of its own: each value is taken or refused, and what is taken can be asked."""
    readers = _readers(case, infos)
    values, problems = read_link(case.first, case.first.get("task", case.page), readers)
    for problem in problems:
        _said(problem)
    given = [name for name in readers if name in case.first]
    refused = [name for name in given if not read_link({name: case.first[name]}, "", readers)[0]]
    assert len(refused) == len(problems), "a value is neither taken nor refused"
    for value in values.values():
        str(value).encode()  # no half of a character
    return "refused" if problems else "run"


def _readers(case: Case, infos: tuple[CheckpointInfo, ...]) -> dict[str, Reader]:
    if case.page == COST:
        return cost.readers(tuple(cost_model.options(infos)))
    if case.page == YOURS:
        return your_model.readers(("text:text-micro", "random:Qwen3.5"))
    if case.page == INSIDE:
        task = case.first.get("task", "")
        task = task if task in INPUTS else next(iter(INPUTS))
        mine = tuple(info.name for info in infos if info.task == task)
        return {**controls.readers(PAGES[task].form, limits_of(task, None), mine), **inside.readers()}
    return {}


def _sweep(case: Case) -> str:
    try:
        read_sweep({name: value for name, value in case.first.items() if name != "task"}, (0, 1, 2, 4), range(13))
    except LinkError as error:
        _said(str(error))
        return "refused"
    return "run"


def _step(case: Case) -> str:
    try:
        path._read_step(case.first.get("step", "1"))
    except LinkError as error:
        _said(str(error))
        return "refused"
    return "run"
