"""What every task folder must offer, asked of each folder in sleepviz/tasks: a half-registered task fails here."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

TASKS_FOLDER = Path(__file__).resolve().parents[2] / "sleepviz" / "tasks"
FOLDERS = sorted(path.parent.name for path in TASKS_FOLDER.glob("*/__init__.py"))
FILES = {
    "task.py": "sampling, encoding and scoring",
    "presets.py": "what is trained",
    "study.py": "what is measured",
    "examples.py": "what the page shows first",
}


@pytest.fixture(params=FOLDERS)
def family(request: pytest.FixtureRequest) -> Any:
    """The FAMILY of one folder; imported here, so that an incomplete folder fails these tests with its sentence."""
    for file, what in FILES.items():
        if not (TASKS_FOLDER / request.param / file).is_file():
            pytest.fail(f"sleepviz/tasks/{request.param}/{file} is missing: {what}. See docs/add-a-task.md.")
    from sleepviz.tasks import load_family

    return load_family(f"sleepviz.tasks.{request.param}")


@pytest.fixture
def sized(family: Any) -> Any:
    """The task in the size of its default checkpoint."""
    return default_preset(family).task


def default_preset(family: Any) -> Any:
    defaults = [preset for preset in family.presets if preset.default]
    assert len(defaults) == 1, f"{family.name} needs exactly one preset with default=True, and has {len(defaults)}."
    return defaults[0]


def batch_of(task: Any, split: str, *, size: int = 6, n_windows: int, seed: int = 0) -> Any:
    difficulty = np.random.default_rng(seed).integers(task.difficulty_min, task.difficulty_max + 1, size)
    return task.batch(np.random.default_rng(seed), size=size, n_windows=n_windows, difficulty=difficulty, split=split)


def test_it_is_found_by_its_name(family: Any) -> None:
    from sleepviz.tasks import FAMILIES, TASKS, build_task

    assert FAMILIES[family.name] is family and TASKS[family.name] is family.task
    task = default_preset(family).task
    assert build_task(task.name, json.loads(json.dumps(task.to_json()))) == task


def test_its_sizes_and_limits_agree(sized: Any) -> None:
    assert 1 <= sized.windows_min <= sized.windows_max
    assert 0 <= sized.difficulty_min < sized.difficulty_max
    assert sized.difficulty_max in sized.limits().values(), "limits() must bound the difficulty."


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_batch_has_the_shapes_and_the_tokens_that_the_model_reads(sized: Any, split: str) -> None:
    for n_windows in range(sized.windows_min, sized.windows_max + 1):
        batch = batch_of(sized, split, n_windows=n_windows)
        assert batch.windows.shape == (6, n_windows, sized.window)
        size, n_queries, n_tokens = batch.queries.shape
        assert size == 6 and n_queries >= 1 and n_tokens <= sized.window
        assert batch.targets.shape[:2] == (6, n_queries) and batch.targets.shape[3] == n_tokens
        assert batch.difficulty.shape[0] == 6 and batch.difficulty.max() < batch.targets.shape[2]
        from sleepviz.tasks.base import NOT_ASKED

        for tokens in (batch.windows, batch.queries, batch.targets[batch.targets != NOT_ASKED]):
            assert tokens.min() >= 0 and tokens.max() < sized.vocab_size
        asked = batch.targets[np.arange(6), :, batch.difficulty] != NOT_ASKED
        assert asked.any(axis=(1, 2)).all(), "every instance must ask something at its own difficulty."
        assert len(sized.token_text(int(batch.windows.max()))) > 0


def test_the_same_generator_draws_the_same_instances(sized: Any) -> None:
    one, same = (batch_of(sized, "train", n_windows=sized.windows_max, seed=5) for _ in range(2))
    other = batch_of(sized, "train", n_windows=sized.windows_max, seed=6)
    assert np.array_equal(one.windows, same.windows) and not np.array_equal(one.windows, other.windows)


def test_no_context_is_drawn_in_both_splits(sized: Any) -> None:
    """One window of the smallest size: the fewest different contexts, so that a leak shows."""
    seen = {}
    for split in ("train", "held_out"):
        batch = batch_of(sized, split, size=2000, n_windows=sized.windows_min)
        seen[split] = {windows.tobytes() for windows in batch.windows}
    assert not seen["train"] & seen["held_out"]


def answers_by(task: Any, family: Any, given: Any) -> tuple[Any, Any]:
    """(what is printed, the truth) when every query is answered with the truth's own tokens."""
    instance = task.parse(json.dumps(given), {**task.limits(), "passes_max": 64})
    problem = task.encode(instance)
    assert len(problem.context) % task.window == 0, "a context fills its windows."
    assert problem.queries.shape[0] == len(problem.query_stops) >= problem.n_asked >= 1
    tokens = np.concatenate([np.array(problem.context), problem.queries.reshape(-1)])
    assert tokens.min() >= 0 and tokens.max() < task.vocab_size
    uniform = np.full((problem.n_asked, problem.queries.shape[1], task.vocab_size), 1 / task.vocab_size, np.float32)
    answer = task.answer(instance, uniform)
    parts = (answer.asked, answer.answers, answer.truths, answer.correct, answer.reached)
    assert {len(part) for part in parts} == {problem.n_asked} == {len(answer.confidence)}
    assert [a == t for a, t in zip(answer.answers, answer.truths, strict=True)] == list(answer.correct)
    from sleepviz.tasks.base import printed

    return printed(task, instance, answer.answers), printed(task, instance, answer.truths)


def test_the_page_has_a_first_input_and_others_that_the_task_reads(family: Any, sized: Any) -> None:
    for earned in range(max(sized.difficulty_min, 1), sized.difficulty_max + 1):
        given, n_passes = family.home(sized.limits(), earned)
        assert 1 <= n_passes <= 64
        answers_by(sized, family, given)
    assert family.examples, f"{family.name} offers no examples: give FAMILY at least one input."
    for given in family.examples:
        json.dumps(answers_by(sized, family, given))


def test_a_right_answer_is_marked_right_and_a_wrong_one_wrong(family: Any, sized: Any) -> None:
    """Every query put out with all its probability on one token: some token gives the truth, and most do not."""
    instance = sized.parse(json.dumps(family.examples[0]), {**sized.limits(), "passes_max": 64})
    problem = sized.encode(instance)
    marks = set()
    for token in range(sized.vocab_size):
        certain = np.zeros((1, problem.queries.shape[1], sized.vocab_size), np.float32)
        certain[..., token] = 1
        marks |= set(sized.answer(instance, certain).correct)
    assert False in marks
    if len(sized.answer(instance, certain).truths[0]) < 4:  # one token is the whole answer, not a row of them
        assert True in marks


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nothing": 1}', "[" * 10_000, "null"])
def test_an_input_that_makes_no_sense_is_refused_in_a_sentence(sized: Any, text: str) -> None:
    from sleepviz.tasks.base import InputError

    with pytest.raises(InputError, match=r"\.$|write"):
        sized.parse(text, sized.limits())


def test_its_presets_fit_it(family: Any) -> None:
    from sleepviz.config.model import ModelConfig
    from sleepviz.config.training import TrainConfig
    from sleepviz.tasks import PRESETS
    from sleepviz.tasks.base import pass_supervised

    names = {family.task().name, *(variant().name for variant in family.variants)}
    for preset in family.presets:
        assert PRESETS[preset.name] is preset and preset.task.name in names
        assert (preset.model.vocab_size, preset.model.window) == (preset.task.vocab_size, preset.task.window)
        assert ModelConfig.from_json(json.loads(json.dumps(preset.model.to_json()))) == preset.model
        assert TrainConfig.from_json(json.loads(json.dumps(preset.train.to_json()))) == preset.train
        if preset.train.pass_loss:
            pass_supervised(preset.task, "pass_loss")  # raises where it cannot


def test_experiments_measure_it(family: Any, sized: Any) -> None:
    """What `experiments --only TASK` would measure: something, each thing once, in sizes that the task has."""
    from sleepviz.studies.measurements import measurements_of
    from sleepviz.tasks import build_task

    found = list(measurements_of(sized, "default"))
    accuracy = [each for each in found if each.experiment == "accuracy"]
    assert {each.difficulty for each in accuracy} >= set(range(sized.difficulty_min, sized.difficulty_max + 1))
    assert len({each.key(each.checkpoint) for each in found}) == len(found)
    assert set(family.study.columns) <= {each.difficulty for each in accuracy}, "a table's column is never measured."
    for each in found:
        changed = build_task(sized.name, {**sized.to_json(), **dict(each.sizes)})
        assert (changed.vocab_size, changed.window) == (sized.vocab_size, sized.window)
        given = family.study.given.get(each.experiment)
        if given is not None:
            assert given(each.difficulty)
        elif each.difficulty >= 0:
            assert changed.difficulty_min <= each.difficulty <= changed.difficulty_max
        assert changed.windows_min <= each.n_windows <= changed.windows_max


# A folder that lacks something.


def made_task(folder: Path, name: str, init: str) -> str:
    """A package outside the checkout that imports sleepviz, as a new task's folder would; its dotted name."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(init)
    return name


@pytest.mark.parametrize(
    ("init", "sentence"),
    [
        ("", "its __init__.py must set FAMILY"),
        ("FAMILY = 3", "its __init__.py must set FAMILY"),
        ("from {name}.study import STUDY", "{name}/study.py is missing"),
        (
            "from sleepviz.tasks.gsm import FAMILY as OTHER\nfrom dataclasses import replace\n"
            "FAMILY = replace(OTHER, study=None)",
            "FAMILY has no study; write study.py",
        ),
        (
            "from sleepviz.tasks.gsm import FAMILY as OTHER\nfrom dataclasses import replace\n"
            "FAMILY = replace(OTHER, presets=())",
            "FAMILY has no presets; write presets.py",
        ),
    ],
)
def test_an_incomplete_folder_is_refused_with_what_is_missing(
    init: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from sleepviz.tasks import IncompleteTaskError, load_family

    name = f"halfmade{abs(hash((init, sentence)))}"
    monkeypatch.syspath_prepend(tmp_path)
    package = made_task(tmp_path, name, init.format(name=name))
    with pytest.raises(IncompleteTaskError, match=sentence.format(name=name).replace(".", r"\.")):
        load_family(package)


def test_a_task_that_cannot_say_what_a_pass_should_put_out_is_not_trained_to(family: Any) -> None:
    from sleepviz.config.base import ConfigError
    from sleepviz.tasks.base import pass_supervised

    with pytest.raises(ConfigError, match=r"pass_loss must be 0: the task plain"):
        pass_supervised(SimpleNamespace(name="plain"), "pass_loss")  # type: ignore[arg-type]
