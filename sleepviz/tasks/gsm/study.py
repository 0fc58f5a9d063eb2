"""What is measured of GSM beyond the common experiments: the public problems, and the question before the context."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sleepviz.config.places import SITE
from sleepviz.tasks.base import Task
from sleepviz.tasks.family import GivenProblem, Measurement, Study

PUBLIC = SITE / "tests" / "data" / "gsm_infinite_symbolic.jsonl"
RESOLVABLE = range(1, 9)  # the public problems' own difficulty: variables that can be resolved


def public_problems(resolvable: int) -> Sequence[GivenProblem]:
    """The public generator's problems with that many variables that can be resolved: 16 in the file.

    Its question: which variables equal a value?
    """
    problems = [json.loads(line) for line in PUBLIC.read_text(encoding="utf-8").splitlines()]
    return [
        GivenProblem({"text": each["context"], "equals": each["question_value"]}, tuple(each["answer_list"]))
        for each in problems
        if each["op"] == resolvable
    ]


def further(task: Task, default: str) -> Iterator[Measurement]:
    """The public problems by four models, then questions that come first, by the same."""
    most, alone = task.windows_max, (("n1_same_tokens", "gsm-n1-tokens"), ("n1_uniform", "gsm-n1-uniform"))
    for resolvable in RESOLVABLE:
        for n_passes in (1, 10):
            yield Measurement("public_problems", "any_n", default, n_passes, resolvable, most)
        for variant, checkpoint in alone:
            yield Measurement("public_problems", variant, checkpoint, 1, resolvable, most)
    first = (("question", "first"),)
    for difficulty in (1, 4, 8):
        for n_passes in (1, 10):
            yield Measurement("accuracy_question_first", "any_n", default, n_passes, difficulty, most, sizes=first)
        for variant, checkpoint in alone:
            yield Measurement("baseline_question_first", variant, checkpoint, 1, difficulty, most, sizes=first)


STUDY = Study(
    symbol="ops",
    columns=tuple(range(9)),
    passes=(1, 2, 4, 6, 8, 9, 10, 14, 20),
    control_passes=10,
    baselines={
        "n1-tokens": "n1_same_tokens",
        "n1-flops": "n1_same_flops",
        "n1-uniform": "n1_uniform",
        "oracle": "oracle",
    },
    # Half as deep again as in training: neither the tokens nor the windows change.
    columns_beyond=(9, 10, 11, 12),
    sizes_beyond={"operations_max": 12},
    second_seed=((1, 4, 10, 20), tuple(range(9))),
    further=further,
    given={"public_problems": public_problems},
)
