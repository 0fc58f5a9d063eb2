"""The runs on screen as JSON, as a table, and as Python that makes them again. No streamlit.

What a visitor typed is data in all three: a JSON string, a cell that no spreadsheet reads as a formula, a Python
literal.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sleepviz.config.events import Answer, AnswerScored, SleepPassDone, Trace
from sleepviz.config.outside import strict_json
from sleepviz.config.run import RunSpec, Spending, Trigger

Runs = Mapping[str, Trace]  # by the titles of their cards, in the order of the screen
Call = Callable[[RunSpec, str], str | None]  # (a run, its checkpoint's name) -> a Python call that makes it again

COLUMNS = ("run", "window", "pass", "drift", "norm", "asked", "answer", "truth", "right")
CALLED_OTHERWISE = {
    "sleep_attention": "",
    "trigger": Trigger(),
    "spending": Spending(),
    "eviction": "hard",
    "control": "none",
    "seed": 0,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def as_json(source: str, runs: Runs) -> str:
    """Every run with all its events; `source` says whether they were recorded or made live."""
    found = [{"title": title, **trace.to_json()} for title, trace in runs.items()]
    return strict_json({"source": source, "runs": found})


def as_csv(runs: Runs) -> str:
    """A row for each pass of each run: what it changed, what the model would answer if woken then, and its truth.

    Windows and passes count from 1. Drift is the mean over heads, norm the mean over heads of |S|. Several answers
    stand in one cell, "; " between them; before the model has read what is asked, those cells are empty.
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(COLUMNS)
    for title, trace in runs.items():
        n_asked = next((len(event.answer.asked) for event in trace.events if isinstance(event, AnswerScored)), None)
        for done in trace.passes:
            rows.writerow([_cell(title), *_pass_cells(done, n_asked)])
    return table.getvalue()


def _pass_cells(done: SleepPassDone, n_asked: int | None) -> list[str]:
    norms = [float(value) for layer in done.layers for value in layer.norm]
    norm = sum(norms) / len(norms) if norms else 0.0
    measured = [str(done.window_index + 1), str(done.pass_index + 1), f"{done.mean_drift:.6g}", f"{norm:.6g}"]
    return measured + _answer_cells(done.woken, n_asked)


def _answer_cells(woken: Answer, n_asked: int | None) -> list[str]:
    """Of the visitor's own questions, which come first; the others are asked for the picture."""
    asked = len(woken.asked) if n_asked is None else min(n_asked, len(woken.asked))
    parts = (woken.asked, woken.answers, woken.truths)
    right = ["right" if is_right else "wrong" for is_right in woken.correct[:asked]]
    # Where no truth is known, nothing can be called right or wrong.
    judged = [said if truth else "" for said, truth in zip(right, woken.truths, strict=False)]
    return [_cell("; ".join(part[:asked])) for part in parts] + ["; ".join(judged)]


def _cell(text: str) -> str:
    """Text that a spreadsheet shows and does not compute."""
    sound = text.encode("utf-8", "backslashreplace").decode()
    return f"'{sound}" if sound.startswith(_FORMULA) and not _NUMBER.fullmatch(sound) else sound


def as_python(runs: Runs, call: Call) -> str | None:
    """A script that makes the same runs with sleepviz's public functions and prints their drift and answers.

    It leaves them in a dict `runs` with the titles as keys. None where one of them cannot be made so.
    """
    specs = {title: RunSpec.from_json(trace.spec) for title, trace in runs.items()}
    inputs = {spec.input for spec in specs.values()}
    if len(inputs) != 1:
        return None
    calls = {title: call(spec, str(runs[title].checkpoint["name"])) for title, spec in specs.items()}
    if None in calls.values():
        return None
    weights = {str(t.checkpoint["name"]): str(t.checkpoint.get("digest", ""))[:8] for t in runs.values()}
    lines = [
        f"# Weights: {', '.join(_comment(f'{name} {digest}') for name, digest in weights.items())}",
        "import sleepviz",
        "",
        f"given = {json.loads(inputs.pop())!r}",
        "runs = {",
        *(f"    {title!r}: {made}," for title, made in calls.items()),
        "}",
        "for title, run in runs.items():",
        "    print(title)",
        "    for done in run.passes:",
        '        print(f"  window {done.window_index + 1}, pass {done.pass_index + 1}: drift {done.mean_drift:.4f}")',
        '    print("  answers", run.answer.answers, run.answer.correct)',
    ]
    return "\n".join(lines) + "\n"


def task_call(spec: RunSpec, checkpoint: str) -> str:
    """A run of one of the tasks: `sleepviz.run`."""
    return f"sleepviz.run({spec.task!r}, given, checkpoint={checkpoint!r}, n_passes={spec.n_passes}{_settings(spec)})"


def text_call(spec: RunSpec, checkpoint: str) -> str:
    """A text read by a model of the transformers library: `sleepviz.run_text`."""
    asked: dict[str, Any] = json.loads(spec.input)
    trusted = ", trust_remote_code=True" if asked["trust_remote_code"] else ""
    chosen = {name: tuple(asked[name]) for name in ("span", "memory_layers") if name in asked}
    trusted += "".join(f", {name}={value!r}" for name, value in chosen.items())
    return (
        f"sleepviz.run_text({checkpoint!r}, given['document'], given['question'], window=given['window'], "
        f"n_passes={spec.n_passes}{_settings(spec)}{trusted})"
    )


def _settings(spec: RunSpec) -> str:
    """Those that differ from the paper's choices, as further arguments."""
    changed = {name: getattr(spec, name) for name, usual in CALLED_OTHERWISE.items() if getattr(spec, name) != usual}
    plain = {name: getattr(value, "text", value) for name, value in changed.items()}
    return "".join(f", {name}={value!r}" for name, value in plain.items())


def _comment(text: str) -> str:
    """Text that cannot end the line of a comment."""
    return ascii(text)[1:-1]
