"""What the app's tests look at: a run made up by hand, and an assets folder made with random weights.

The hand-made run has rows of four cells, one head and two passes, so that every number in a payload
can be worked out on paper. Nothing here is ever shown to a visitor.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.shell.results import Result
from sleepviz.config.events import (
    Answer,
    AnswerScored,
    CacheEvicted,
    Event,
    LayerMeasures,
    SleepPassDone,
    SleepStarted,
    TokenRead,
    Trace,
)
from sleepviz.config.model import LayerType
from sleepviz.config.run import RunSpec
from sleepviz.tasks.base import Task
from sleepviz.tasks.depo.examples import SMALL_GRAPH
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.gsm.examples import deep_sum
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.rule110.task import Rule110

ROWS = Rule110(row_cells=16, rows_max=4, steps_max=12)

HOME_ROW, HOME_STEPS, HOME_PASSES = "0100110101110010", 3, 4
DEFAULT, BASELINE = "rule110-micro", "rule110-n1-flops"
GRAPH_DEFAULT, GRAPH_BASELINE, SUM_DEFAULT = "depo-micro", "depo-n1-tokens", "gsm-micro"
GRAPH_PASSES, SUM_PASSES = 3, 3  # of their recordings


def made_answer(cells: str, *, reached: int, confidence: float = 0.75) -> Answer:
    """Row 0110 after two steps of Rule 110 on a ring of four cells is 1011; see `test_payload`."""
    truth = "1011"
    sure = np.full((1, 4), confidence, dtype=np.float32)
    return Answer(("row 1",), (cells,), (truth,), (cells == truth,), (reached,), sure)


def made_pass(index: int, state: list[list[float]], drift: float, woken: Answer) -> SleepPassDone:
    """One pass of a layer with one head and a 2 x 2 state."""
    one = np.array([1.0], dtype=np.float32)
    layer = LayerMeasures(
        layer=1,
        drift=np.array([drift], dtype=np.float32),
        cosine=one,
        norm=np.array([2.0 + index], dtype=np.float32),
        effective_rank=one,
        mean_decay=one,
        mean_beta=one,
        state=np.array([state], dtype=np.float32),
    )
    attention = (np.zeros((1, 5, 5), dtype=np.float32),)
    return SleepPassDone(0, index, (layer,), 0.5, attention, woken, 0.002, 1000)


def made_trace() -> Trace:
    """Five tokens, a sleep of two passes, eviction, a right answer."""
    spec = RunSpec("rule110", json.dumps({"rows": ["0110"], "steps": 2}), "made", 2)
    events: list[Event] = [
        TokenRead(position, token, 0, (position + 1,)) for position, token in enumerate(["t2", "0", "1", "1", "0"])
    ]
    events += [
        SleepStarted("window full", 0, 0, 5, (5,), 2560, 2),
        made_pass(0, [[1.0, 0.0], [0.0, -2.0]], 1.0, made_answer("1110", reached=1)),
        made_pass(1, [[4.0, 0.0], [0.0, -1.0]], 0.25, made_answer("1011", reached=2)),
        CacheEvicted(0, 5, 2560, (0,), 16),
        AnswerScored(made_answer("1011", reached=2), 0.001, 1000),
    ]
    return Trace(spec.to_json(), {"name": "made", "digest": "0123456789abcdef"}, tuple(events))


def make_assets(root: Path) -> Path:
    """A folder like assets/, with random-weight checkpoints, recordings of them, and results.

    The sums have no separately trained N = 1 model, and neither they nor the graphs have results.
    """
    make_checkpoint(root, DEFAULT, n_passes=0)
    make_checkpoint(root, BASELINE, n_passes=1)
    make_checkpoint(root, GRAPH_DEFAULT, n_passes=0, task=Depo())
    make_checkpoint(root, GRAPH_BASELINE, n_passes=1, task=Depo(), match_on="tokens")
    make_checkpoint(root, SUM_DEFAULT, n_passes=0, task=Gsm())
    make_recordings(root)
    make_lesson(root)
    (root / "results").mkdir()
    (root / "results" / "rule110.json").write_text(json.dumps(made_results()))
    return root


def make_checkpoint(root: Path, name: str, *, n_passes: int, task: Task = ROWS, match_on: str = "flops") -> None:
    """A checkpoint of the shipped kind whose weights are random: it answers wrongly, but it runs.

    That of a graph or a sum has sixteen heads in two layers, more than a legend can name.
    """
    import torch

    from sleepviz.config.model import ModelConfig
    from sleepviz.core.model import HybridLM
    from sleepviz.runs.checkpoint import save

    config = ModelConfig(vocab_size=task.vocab_size, window=task.window, input_recall=True, fast_heads=8)
    if task.name != "rule110":
        layers: tuple[LayerType, ...] = ("full_attention", "linear_attention") * 2
        config = replace(config, layer_types=layers, input_recall=False, vocabulary_feedback=True, conv_kernel=4)
    generator = torch.Generator().manual_seed(len(name))
    weights = HybridLM(config, generator=generator).state_dict()
    for weight in weights.values():
        if weight.ndim == 2 and not weight.any():
            weight.normal_(std=weight.shape[-1] ** -0.5, generator=generator)
    meta = {
        "task": task.name,
        "task_sizes": task.to_json(),
        "model": config.to_json(),
        "sleep_attention": "full",
        "default": not n_passes,
        "train": {
            "n_passes": n_passes,
            "loss": "next_step",
            "match_on": match_on if n_passes else "",
            "stream_loss": 1.0,
            "ahead_share": 0.75 if task.name != "rule110" else 0.0,
        },
        "command": f"python -m sleepviz train --preset {name}",
        "created": "2026-01-02T03:04:05+00:00",
        "commit": "0a1b2c3",
        "limits": {**task.limits(), "passes_trained": n_passes or 6, "passes_max": 64},
        "metrics": {},
    }
    save(root / "checkpoints" / name, weights, meta)


def make_recordings(root: Path) -> None:
    """Each page's first run and its N = 1 twin."""
    from sleepviz.runs.checkpoint import load
    from sleepviz.runs.record import trace

    folder = root / "recordings"
    folder.mkdir()
    for name, given, passes in (
        (DEFAULT, {"rows": [HOME_ROW], "steps": HOME_STEPS}, HOME_PASSES),
        (GRAPH_DEFAULT, SMALL_GRAPH, GRAPH_PASSES),
        (SUM_DEFAULT, deep_sum(8), SUM_PASSES),
    ):
        checkpoint = load(name, folder=root / "checkpoints")
        task = checkpoint.info.task
        for stem, n_passes in ((f"{task}-home", passes), (f"{task}-home-n1", 1)):
            spec = RunSpec(task, json.dumps(given), name, n_passes)
            (folder / f"{stem}.npz").write_bytes(trace(spec, checkpoint).to_npz())


def make_lesson(root: Path) -> None:
    """The recordings of the path Learn."""
    from sleepviz.runs.checkpoint import load
    from sleepviz.runs.record import trace
    from sleepviz.studies.lesson import lesson_specs

    for name, spec in lesson_specs(HOME_ROW, BASELINE).items():
        checkpoint = load(spec.checkpoint, task=spec.task, folder=root / "checkpoints")
        (root / "recordings" / f"{name}.npz").write_bytes(trace(spec, checkpoint).to_npz())


def made_results() -> dict[str, object]:
    """Two difficulties by two N, and both baselines; the numbers are round, not measured."""

    def entry(variant: str, passes: int, difficulty: int, accuracy: float) -> dict[str, object]:
        return {
            "experiment": "accuracy" if variant == "any_n" else "baseline",
            "variant": variant,
            "checkpoint": "made",
            "digest": "0",
            "passes": passes,
            "difficulty": difficulty,
            "n": 100,
            "correct": round(100 * accuracy),
            "accuracy": accuracy,
            "ci95": [max(0.0, accuracy - 0.1), min(1.0, accuracy + 0.05)],
            "seed": 0,
        }

    entries = [
        entry("any_n", 1, 1, 1.0),
        entry("any_n", 4, 1, 0.95),
        entry("any_n", 4, 3, 0.9),
        entry("any_n", 1, 3, 0.2),
        entry("n1_same_tokens", 1, 3, 0.4),
        entry("n1_same_flops", 1, 3, 0.5),
        entry("n1_same_flops", 1, 1, 1.0),
    ]
    asked = [("asked_after_1", 0.9), ("asked_after_2", 0.8), ("asked_after_3", 0.8), ("asked_after_4", 0.7)]
    entries += [{**entry(variant, 12, 3, accuracy), "experiment": "retention"} for variant, accuracy in asked]
    return {"task": "rule110", "made_by": "by hand", "commit": "", "entries": entries}


def made_graph() -> Trace:
    """The cycle a b c asked two hops from a, of tasks with hops up to 2, in two windows of two edges each.

    A window is two edges and a roll call of three names; one pass a window. After the first window the model
    knows a -> b and b -> c, after the second everything but the two hops of c.
    """
    given = {"edges": [["a", "b"], ["b", "c"], ["c", "a"]], "start": "a", "hops": 2}
    spec = RunSpec("depo", json.dumps(given), "made", 1)
    roll_call = ["n1", "n1:", "+0", "n2"]  # cut short
    windows = [["n1", "n2", ";", "n2", "n3", ";", *roll_call], ["n3", "n1", ";", "·", "·", "·", *roll_call]]
    # The question (a, 2), then a, b and c at 1 and 2 hops.
    truths = ("c", "b", "c", "c", "a", "a", "b")
    answers = (("c", "b", "c", "c", "?", "?", "?"), ("b", "b", "c", "c", "a", "a", "a"))
    asked = ("2 hops from a", *(f"{hops} hops from {start}" for start in "abc" for hops in (1, 2)))
    return _graph_trace(spec, windows, asked, truths, answers)


def made_sum() -> Trace:
    """b = a + 1, a = 7, c = d: asked is b, in one window of three statements; two passes."""
    text = "assign b = a + 1. assign a = 7. assign c = d - 2."
    spec = RunSpec("gsm", json.dumps({"text": text, "question": "b"}), "made", 2)
    tokens = ["·", "·", "·", "v1", "v2", "+1", "v2", "7", "=", "v3", "v4", "-2", "ask", "v1", "v1", "="]
    asked = ("b", "b", "a", "c", "d")
    truths = ("8", "8", "7", "?", "?")
    answers = (("?", "?", "7", "?", "?"), ("8", "8", "7", "5", "?"))
    return _graph_trace(spec, [tokens], asked, truths, answers)


def _graph_trace(
    spec: RunSpec,
    windows: list[list[str]],
    asked: tuple[str, ...],
    truths: tuple[str, ...],
    answers: tuple[tuple[str, ...], ...],
) -> Trace:
    """Each window is read, slept on for the specification's passes, and evicted; the last answer is scored."""

    def answer(said: tuple[str, ...]) -> Answer:
        right = tuple(mine == true for mine, true in zip(said, truths, strict=True))
        sure = np.full((len(said), 1), 0.5, dtype=np.float32)
        return Answer(asked, said, truths, right, (0,) * len(said), sure)

    events: list[Event] = []
    said = iter(answers)
    for index, tokens in enumerate(windows):
        start = index * len(tokens)
        events += [TokenRead(start + i, token, index, (i + 1,)) for i, token in enumerate(tokens)]
        held = (len(tokens),)
        events.append(SleepStarted("window full", index, start, start + len(tokens), held, 64, spec.n_passes))
        for n in range(spec.n_passes):
            events.append(replace(made_pass(n, [[1.0, 0.0], [0.0, 1.0]], 0.5, answer(next(said))), window_index=index))
        events.append(CacheEvicted(index, len(tokens), 64, (0,), 16))
    last = answer(answers[-1])
    own = Answer(last.asked[:1], last.answers[:1], last.truths[:1], last.correct[:1], (0,), last.confidence[:1])
    events.append(AnswerScored(own, 0.001, 1000))
    return Trace(spec.to_json(), {"name": "made", "digest": "0123456789abcdef"}, tuple(events))


def result(correct: int, n: int = 512, **values: object) -> Result:
    """A measured entry with an interval of 2 points to each side."""
    given = {"experiment": "accuracy", "variant": "any_n", "passes": 6, "difficulty": 6, **values}
    accuracy = correct / n
    return Result(**given, n=n, accuracy=accuracy, low=max(0, accuracy - 0.02), high=min(1, accuracy + 0.02))  # type: ignore[arg-type]
