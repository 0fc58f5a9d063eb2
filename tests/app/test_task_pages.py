"""What every task of the engine must bring to the app; asked of all of them, found as the app finds them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.player import script
from app.shell.messages import no_checkpoint
from app.shell.state import read_link
from app.stage.controls import limits_of
from app.stage.stage_text import glossary
from app.tasks import PAGES, IncompletePageError, TaskPage, load_page
from sleepviz.config.events import Answer, Trace
from sleepviz.config.run import INPUT_MAX_CHARACTERS, RunSpec
from sleepviz.tasks import FAMILIES, TASKS
from tests.app.states import HeldVisit
from tests.test_architecture import ROOT

NAMES = sorted(FAMILIES)
PARTS = {
    "__init__.py": "joins the others in PAGE = TaskPage(...)",
    "form.py": "has the controls of a run",
    "picture.py": "says what is drawn of a run",
    "picture.js": "draws it and calls register(kind, draw)",
    "words.py": "has everything that is said of the task",
}


def missing(root: Path, task: str) -> list[str]:
    """A sentence for each file of the task's half of the app that is not there."""
    files = {f"app/tasks/{task}/{name}": what for name, what in PARTS.items()}
    files[f"pages/{task}.py"] = f'is the page: page.show("{task}")'
    return [
        f"The task {task!r} has no {path}, which {what}." for path, what in files.items() if not (root / path).is_file()
    ]


def page_of(task: str) -> TaskPage:
    """The task's page, or the sentences that say what is missing."""
    assert not missing(ROOT, task), " ".join(missing(ROOT, task))
    return PAGES[task]


def guessed(task: str, given: str) -> tuple[Answer, Answer]:
    """What a model that guesses answers: to the person's own question, and to all that is asked for the picture."""
    family = TASKS[task]()
    instance = family.parse(given, limits_of(task, None))
    problem = family.encode(instance)
    guesses = np.random.default_rng(0).random((*problem.queries.shape, family.vocab_size), dtype=np.float32)
    return family.answer(instance, guesses[: problem.n_asked]), family.answer(instance, guesses)


def run_of(task: str, given: str) -> Trace:
    """A run of which nothing has happened yet."""
    return Trace(RunSpec(task, given, "made", 2).to_json(), {"name": "made", "digest": "0"}, ())


def registered(source: str) -> list[str]:
    """The kinds that a script draws."""
    return re.findall(r'^\s*register\("([\w-]+)"', source, re.M)


@pytest.mark.parametrize("task", NAMES)
def test_a_task_has_every_file_of_its_half_of_the_app(task: str) -> None:
    assert page_of(task).task == task


def test_every_page_belongs_to_a_task() -> None:
    assert sorted(PAGES) == NAMES


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of one task's half, as a package that can be imported and damaged."""
    shutil.copytree(ROOT / "app" / "tasks" / "gsm", tmp_path / "app" / "tasks" / "gsm")
    shutil.copytree(ROOT / "pages", tmp_path / "pages")
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "__init__.py").write_text("")
    for source in (tmp_path / "app" / "tasks" / "gsm").glob("*.py"):
        moved = tmp_path / "planted" / "gsm" / source.name
        moved.parent.mkdir(exist_ok=True)
        moved.write_text(source.read_text().replace("app.tasks.gsm", "planted.gsm"))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "planted"]:
        del sys.modules[name]


@pytest.mark.parametrize("path", [*(f"app/tasks/gsm/{name}" for name in PARTS), "pages/gsm.py"])
def test_a_missing_file_is_named(path: str, planted: Path) -> None:
    assert missing(planted, "gsm") == []

    (planted / path).unlink()

    (sentence,) = missing(planted, "gsm")
    assert path in sentence


@pytest.mark.parametrize("part", ["form", "picture", "words"])
def test_the_app_names_the_module_that_a_task_lacks(part: str, planted: Path) -> None:
    assert load_page("planted.gsm").task == "gsm"
    for name in [name for name in sys.modules if name.startswith("planted.gsm")]:
        del sys.modules[name]

    (planted / "planted" / "gsm" / f"{part}.py").unlink()

    with pytest.raises(IncompletePageError, match=f"planted/gsm/{part}.py is missing"):
        load_page("planted.gsm")


@pytest.mark.parametrize(("source", "says"), [("", r"must set PAGE"), ("PAGE = 1", r"must set PAGE")])
def test_a_folder_without_a_page_is_refused(source: str, says: str, planted: Path) -> None:
    (planted / "planted" / "gsm" / "__init__.py").write_text(source)

    with pytest.raises(IncompletePageError, match=says):
        load_page("planted.gsm")


def test_a_page_of_another_task_is_refused(planted: Path) -> None:
    (planted / "planted" / "gsm").rename(planted / "planted" / "sums")
    for source in (planted / "planted" / "sums").glob("*.py"):
        source.write_text(source.read_text().replace("planted.gsm", "planted.sums"))

    with pytest.raises(IncompletePageError, match="name both alike"):
        load_page("planted.sums")


@pytest.mark.parametrize("task", NAMES)
def test_the_page_is_one_thin_script(task: str) -> None:
    page_of(task)
    source = (ROOT / "pages" / f"{task}.py").read_text(encoding="utf-8")

    assert f'page.show("{task}")' in source
    assert len(source.splitlines()) <= 8


def test_no_two_pages_share_an_address_or_a_name() -> None:
    pages = [page_of(task) for task in NAMES]

    assert len({page.url for page in pages} | {"lab", "your-model"}) == len(pages) + 2
    assert len({page.title for page in pages} | {"Lab", "Your model"}) == len(pages) + 2


@pytest.mark.parametrize("task", NAMES)
def test_the_form_asks_a_question_that_the_task_takes(task: str) -> None:
    page, limits = page_of(task), limits_of(task, None)
    visit = HeldVisit({**page.form.first_values(None, limits), "passes": 4})

    page.form.keep_within(visit, limits)
    TASKS[task]().parse(json.dumps(page.form.input(visit)), limits)  # raises InputError

    assert TASKS[task]().difficulty_min <= page.form.difficulty(visit, limits) <= TASKS[task]().difficulty_max


@pytest.mark.parametrize("task", NAMES)
def test_the_form_takes_over_a_recorded_input(task: str) -> None:
    page, limits = page_of(task), limits_of(task, None)
    first = HeldVisit(page.form.first_values(None, limits))
    given = page.form.input(first)

    again = HeldVisit(page.form.first_values(given, limits))

    assert page.form.input(again) == given


@pytest.mark.parametrize("task", NAMES)
def test_the_form_takes_over_the_home_input_of_the_shipped_size(task: str) -> None:
    page, family = page_of(task), FAMILIES[task]
    sized = next(preset.task for preset in family.presets if preset.default)
    limits = {**limits_of(task, None), **sized.limits(), "window": sized.window}
    given, _ = family.home(limits, sized.difficulty_max)

    visit = HeldVisit(page.form.first_values(given, limits))

    assert page.form.input(visit) == given
    assert sized.difficulty_min <= page.form.difficulty(visit, limits) <= sized.difficulty_max


@pytest.mark.parametrize("task", NAMES)
def test_a_link_brings_the_question_back(task: str) -> None:
    page, limits = page_of(task), limits_of(task, None)
    asked = HeldVisit(page.form.first_values(None, limits))

    values, problems = read_link(page.form.link(asked), task, page.form.readers(limits))

    assert problems == ()
    assert page.form.input(HeldVisit({**asked.held, **values})) == page.form.input(asked)


@pytest.mark.parametrize("task", NAMES)
def test_the_example_for_any_model_is_an_input_of_the_task(task: str) -> None:
    page = page_of(task)

    assert len(page.example) <= INPUT_MAX_CHARACTERS
    said = page.words.question(json.loads(page.example))
    assert said
    assert "\n" not in said


@pytest.mark.parametrize("task", NAMES)
def test_the_picture_is_drawn_by_the_task_s_own_script(task: str) -> None:
    page, limits = page_of(task), limits_of(task, None)
    given = json.dumps(page.form.input(HeldVisit(page.form.first_values(None, limits))))
    scene = page.picture(run_of(task, given)).scene()

    source = (ROOT / "app" / "tasks" / task / "picture.js").read_text(encoding="utf-8")

    assert scene["kind"] in registered(source)
    assert scene["label"]
    assert source in script()


def test_no_two_scripts_draw_the_same_kind() -> None:
    kinds = registered(script())

    assert len(kinds) == len(set(kinds)) > len(NAMES)


@pytest.mark.parametrize("task", NAMES)
def test_the_picture_tells_of_an_answer_in_words(task: str) -> None:
    page, limits = page_of(task), limits_of(task, None)
    given = json.dumps(page.form.input(HeldVisit(page.form.first_values(None, limits))))
    picture, (own, all_asked) = page.picture(run_of(task, given)), guessed(task, given)
    assert not any(own.correct), "a right guess would say nothing of what is said of a wrong one"

    card = picture.card(own)

    assert card["right"] is False
    assert card["rows"]
    assert card["verdict"]
    drawn = picture.woken(all_asked)
    assert drawn is not None
    assert drawn["unit"]
    for said in (picture.woken_text(all_asked), picture.update_text(all_asked), picture.answer_text(own)):
        assert said
    assert "wrong" in picture.answer_text(own)
    assert picture.wrong_text(own).startswith("wrong")


@pytest.mark.parametrize("task", NAMES)
def test_nothing_asked_is_nothing_drawn(task: str) -> None:
    page, limits = page_of(task), limits_of(task, None)
    given = json.dumps(page.form.input(HeldVisit(page.form.first_values(None, limits))))
    nothing = Answer((), (), (), (), (), np.zeros((0, 1), dtype=np.float32))
    picture = page.picture(run_of(task, given))

    assert picture.woken(nothing) is None
    assert picture.update_text(nothing) == ""
    assert picture.woken_text(nothing)


@pytest.mark.parametrize("task", NAMES)
def test_every_term_is_explained(task: str) -> None:
    words = page_of(task).words

    assert words.glossary, f"app/tasks/{task}/words.py explains no term of its own"
    for name, sentence in glossary(words).items():
        term, colon, rest = sentence.partition(": ")
        assert term, name
        assert colon, name
        assert rest.endswith((".", ")", "”")), name


@pytest.mark.parametrize("task", NAMES)
def test_the_words_name_what_there_is(task: str) -> None:
    words = page_of(task).words

    assert "{" not in words.sizes.format(**TASKS[task]().to_json())
    assert FAMILIES[task].default_preset.name in no_checkpoint(task), "what to train where no model is here yet"
