"""The tables of the README and of docs/results.md, as Markdown made from the results files.

`python -m sleepviz.studies.readme_tables` writes them anew.

A table stands after a comment that names it, `<!-- table: TASK KIND -->`; a test compares the two. The headline is of
several tasks, `<!-- table: TASK,TASK headline -->`; so is `found_headline`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from sleepviz.config.places import SITE
from sleepviz.runs.checkpoint import write_atomically
from sleepviz.studies.measurements import VARIANTS
from sleepviz.studies.queue import FOLDER
from sleepviz.studies.visit_tables import Entries, load_table, memory_table, speed_table
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.family import Study

DOCUMENTS = (SITE / "README.md", SITE / "docs" / "results.md")
PLACE = re.compile(r"(<!-- table: ([\w,]+) (\w+) -->\n)((?:\|.*\n)*)")


def filled(text: str, entries_of: Callable[[str], Entries]) -> str:
    """The same text with the table after every such comment made anew from a task's entries."""
    kinds: dict[str, Callable[[str], str]] = {
        "accuracy": lambda task: accuracy_table(task, entries_of(task), study_of(task).columns),
        "beyond": lambda task: accuracy_table(task, entries_of(task), study_of(task).columns_beyond),
        "control": lambda task: control_table(entries_of(task)),
        "halting": lambda task: halting_table(entries_of(task)),
        "probe": lambda task: probe_table(entries_of(task)),
        "cost": lambda task: cost_table(entries_of(task)),
        "attention": lambda task: series_table(task, entries_of(task), "attention", study_of(task).series_columns),
        "attention_large": lambda task: series_table(task, entries_of(task), "attention_large"),
        "eviction": lambda task: series_table(task, entries_of(task), "eviction", study_of(task).series_columns),
        "seeds": lambda task: series_table(task, entries_of(task), "seeds", study_of(task).series_columns),
        "second_seed": lambda task: series_table(task, entries_of(task), "second_seed"),
        "other_models": lambda task: series_table(
            task, entries_of(task), "baseline_small", study_of(task).series_columns
        ),
        "found": lambda task: series_table(task, entries_of(task), "found"),
        "each_n": lambda task: series_table(task, entries_of(task), "each_n"),
        "found_control": lambda task: found_control_table(task, entries_of(task)),
        "joined": lambda task: series_table(task, entries_of(task), "joined", (4, 8)),
        "memory": lambda task: series_table(task, entries_of(task), "memory"),
        "memory_found": lambda task: series_table(task, entries_of(task), "memory_found"),
        "depth": lambda task: depth_table(task, entries_of(task)),
        "length": lambda task: length_table(task, entries_of(task)),
        "public": lambda task: public_table(entries_of(task)),
        "question_first": lambda task: question_first_table(task, entries_of(task)),
        "schedule": lambda name: schedule_table(entries_of(name)),
        "speed": lambda name: speed_table(entries_of(name)),
        "load": lambda name: load_table(entries_of(name)),
        "server_memory": lambda name: memory_table(entries_of(name)),
        "headline": lambda tasks: headline_table(tasks.split(","), entries_of),
        "found_headline": lambda tasks: found_headline_table(tasks.split(","), entries_of),
    }
    return PLACE.sub(lambda found: f"{found[1]}{kinds[found[3]](found[2])}\n", text)


def measured(task: str) -> Entries:
    """The entries of a task's results file."""
    entries: Entries = json.loads((FOLDER / f"{task}.json").read_text(encoding="utf-8"))["entries"]
    return entries


def study_of(task: str) -> Study:
    """What is measured of a task."""
    return FAMILIES[task].study


def headline_table(tasks: Sequence[str], entries_of: Callable[[str], Entries]) -> str:
    """Each task's hardest question of training: one pass, the N of its controls, and the models with one pass alone.

    Of the models trained with N = 1 only, the one with the most right answers stands for all.
    """
    head = "| task | question | N = 1 | more passes | trained with N = 1 only | full attention, nothing cleared |"
    lines = [head, "|---" * 6 + "|"]
    for task in tasks:
        study = study_of(task)
        hardest, n_passes = study.columns[-1], study.control_passes
        entries = [entry for entry in entries_of(task) if entry["difficulty"] == hardest]
        any_n = {entry["passes"]: entry for entry in entries if entry["experiment"] == "accuracy"}
        others = {entry["variant"]: entry for entry in entries if entry["experiment"] == "baseline"}
        best = max((entry for name, entry in others.items() if name != "oracle"), key=lambda entry: entry["accuracy"])
        cells = [_cell(any_n[1]), f"N = {n_passes}: {_cell(any_n[n_passes])}", _cell(best), _cell(others["oracle"])]
        lines.append(f"| `{task}` | {study.symbol} = {hardest} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def found_headline_table(tasks: Sequence[str], entries_of: Callable[[str], Entries]) -> str:
    """The models found from answers alone: the hardest question that training reached, one pass and the N of controls.

    Such a model is a task's own, or stands beside a taught one. Of those with N = 1 only, the best stands for all.
    """
    lines = ["| task | question | N = 1 | more passes | trained with N = 1 only |", "|---" * 5 + "|"]
    for task in tasks:
        entries = entries_of(task)
        is_beside = any(entry["experiment"] == "found" for entry in entries)
        own, alone, broken = ("found", "found_n1", "found_control") if is_beside else ("any_n", "n1_", "control")
        controls = [entry for entry in entries if entry["experiment"] == broken]
        hardest, n_passes = max(e["difficulty"] for e in controls), controls[0]["passes"]
        asked = [
            e for e in entries if e["difficulty"] == hardest and e["experiment"] in ("found", "accuracy", "baseline")
        ]
        any_n = {e["passes"]: e for e in asked if e["variant"] == own}
        best = max((e for e in asked if e["variant"].startswith(alone)), key=lambda entry: entry["accuracy"])
        cells = [_cell(any_n[1]), f"N = {n_passes}: {_cell(any_n[n_passes])}", _cell(best)]
        lines.append(f"| `{task}` | {study_of(task).symbol} = {hardest} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def accuracy_table(task: str, entries: Entries, difficulties: Sequence[int]) -> str:
    """Accuracy and interval of each N and of the N = 1 baselines, a column a difficulty."""
    symbol = study_of(task).symbol
    head = ["|", "model |", *(f"{symbol} = {difficulty} |" for difficulty in difficulties)]
    lines = [" ".join(head), "|---" * (len(difficulties) + 1) + "|"]
    for label, experiment, variant in (
        *((_model("any_n", n), "accuracy", n) for n in study_of(task).passes),
        *((label, "baseline", variant) for variant, label in VARIANTS.items()),
    ):
        found = {
            entry["difficulty"]: entry
            for entry in entries
            if entry["experiment"] == experiment and variant in (entry["variant"], entry["passes"])
        }
        if all(difficulty in found for difficulty in difficulties):
            cells = [_cell(found[difficulty]) for difficulty in difficulties]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _model(variant: str, n_passes: int) -> str:
    return f"any-N, N = {n_passes}" if variant == "any_n" else VARIANTS[variant]


def _cell(entry: dict[str, Any]) -> str:
    low, high = entry["ci95"]
    return f"{entry['accuracy']:.2f} ({low:.2f}–{high:.2f})"


def halting_table(entries: Entries) -> str:
    """Accuracy against mean passes, all difficulties mixed: fixed N, and sleep until S drifts by less than a share."""
    lines = ["| sleep | mean passes a window | right |", "|---|---|---|"]
    for entry in entries:
        if entry["experiment"] == "halting":
            fixed = f"N = {entry['passes']}"
            how = fixed if entry["variant"] == "fixed_n" else f"until S drifts by less than {entry['threshold']}"
            lines.append(f"| {how} | {entry['mean_passes']:.1f} | {_cell(entry)} |")
    return "\n".join(lines)


def schedule_table(entries: Entries) -> str:
    """When to sleep, at equal passes: a row for each task, schedule and N."""
    lines = ["| task | sleep | passes per token | sleeps | right |", "|---" * 5 + "|"]
    lines += [
        f"| `{e['task']}` | {VARIANTS[e['variant']]} | {e['mean_passes']:.1f} | {e['mean_sleeps']:.1f} | {_cell(e)} |"
        for e in entries
    ]
    return "\n".join(lines)


def probe_table(entries: Entries) -> str:
    """What a linear probe reads from S: a row for each N, a column for each level."""
    found = {(e["passes"], e["difficulty"]): e["accuracy"] for e in entries if e["experiment"] == "probe"}
    levels = sorted({level for _, level in found})
    lines = [" ".join(["|", "after |", *(f"level {level} |" for level in levels)]), "|---" * (len(levels) + 1) + "|"]
    for n_passes in sorted({n for n, _ in found}):
        lines.append(f"| pass {n_passes} | " + " | ".join(f"{found[n_passes, level]:.2f}" for level in levels) + " |")
    return "\n".join(lines)


def control_table(entries: Entries) -> str:
    """Accuracy under each causal control, a column a difficulty."""
    found = {(e["variant"], e["difficulty"]): e for e in entries if e["experiment"] == "control"}
    difficulties = sorted({difficulty for _, difficulty in found})
    lines = [" ".join(["|", "control |", *(f"{d} |" for d in difficulties)]), "|---" * (len(difficulties) + 1) + "|"]
    for variant in dict.fromkeys(variant for variant, _ in found):
        cells = [_cell(found[variant, difficulty]) for difficulty in difficulties]
        lines.append(f"| {VARIANTS[variant]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def found_control_table(task: str, entries: Entries) -> str:
    """Accuracy under each causal control, same N and same instances: a row for each control and model."""
    found = {(e["variant"], e["checkpoint"], e["difficulty"]): e for e in entries if e["experiment"] == "found_control"}
    difficulties = sorted({difficulty for *_, difficulty in found})
    symbol = study_of(task).symbol
    lines = [" ".join(["|", "control |", "model |", *(f"{symbol} = {d} |" for d in difficulties)])]
    lines.append("|---" * (len(difficulties) + 2) + "|")
    for control, checkpoint in sorted({key[:2] for key in found}, key=[key[:2] for key in found].index):
        cells = [_cell(found[control, checkpoint, difficulty]) for difficulty in difficulties]
        lines.append(f"| {VARIANTS[control]} | `{checkpoint}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cost_table(entries: Entries) -> str:
    """What one window's sleep and one answer cost, and from how many questions a window on it pays, for each N."""
    head = "| N | asleep, MFLOP | awake, MFLOP | asleep, ms | awake, ms | pays from (operations) | pays from (time) |"
    lines = [head, "|---" * 7 + "|"]
    for e in (entry for entry in entries if entry["experiment"] == "cost"):
        work = f"{e['sleep_flops'] / 1e6:.1f} | {e['wake_flops'] / 1e6:.2f}"
        times = f"{e['sleep_s'] * 1e3:.1f} | {e['wake_s'] * 1e3:.2f}"
        pays = " | ".join(
            "never" if e[key] is None else f"{e[key]:.1f}" for key in ("break_even_flops", "break_even_s")
        )
        lines.append(f"| {e['passes']} | {work} | {times} | {pays} |")
    return "\n".join(lines)


def series_table(task: str, entries: Entries, experiment: str, passes: Sequence[int] = ()) -> str:
    """Models that differ in one thing: a row for each and each N (those of `passes`, if given), a column a difficulty.

    Where a variant was trained several times, its rows name the checkpoint.
    """
    found = {
        (e["variant"], e["checkpoint"], e["passes"], e["difficulty"]): e
        for e in entries
        if e["experiment"] == experiment
    }
    trained: dict[str, set[str]] = {}
    for variant, checkpoint, *_ in found:
        trained.setdefault(variant, set()).add(checkpoint)
    difficulties = sorted({difficulty for *_, difficulty in found})
    symbol = study_of(task).symbol
    lines = [" ".join(["|", "model |", "N |", *(f"{symbol} = {d} |" for d in difficulties)])]
    lines.append("|---" * (len(difficulties) + 2) + "|")
    for variant, checkpoint, n in dict.fromkeys(key[:3] for key in found):
        if not passes or n in passes:
            several = len(trained[variant]) > 1
            cells = [_cell(found[variant, checkpoint, n, difficulty]) for difficulty in difficulties]
            lines.append(
                f"| {VARIANTS[variant]}{f' (`{checkpoint}`)' if several else ''} | {n} | " + " | ".join(cells) + " |"
            )
    return "\n".join(lines)


def depth_table(task: str, entries: Entries) -> str:
    """The fewest passes with which each architecture is nearly always right, a column a difficulty."""
    found = [entry for entry in entries if entry["experiment"] == "depth"]
    difficulties = sorted({entry["difficulty"] for entry in found})
    symbol = study_of(task).symbol
    lines = [" ".join(["|", "model |", *(f"{symbol} = {d} |" for d in difficulties)])]
    lines.append("|---" * (len(difficulties) + 1) + "|")
    for variant in dict.fromkeys(entry["variant"] for entry in found):
        cells = []
        for difficulty in difficulties:
            line = [e for e in found if (e["variant"], e["difficulty"]) == (variant, difficulty)]
            enough = [e["passes"] for e in line if e["accuracy"] >= study_of(task).solved]
            best = max(line, key=lambda e: (e["accuracy"], -e["passes"]))
            cells.append(f"{min(enough)}" if enough else f"none ({best['accuracy']:.2f} with {best['passes']})")
        lines.append(f"| {VARIANTS[variant]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def length_table(task: str, entries: Entries) -> str:
    """One N over documents of more and more pages: a row a difficulty."""
    found = {(e["difficulty"], e["variant"]): e for e in entries if e["experiment"] == "length"}
    variants = list(dict.fromkeys(variant for _, variant in found))
    heads = (f"{variant.removeprefix('asked_after_')} pages |" for variant in variants)
    lines = [" ".join([f"| {study_of(task).symbol} |", *heads]), "|---" * (len(variants) + 1) + "|"]
    for difficulty in dict.fromkeys(difficulty for difficulty, _ in found):
        cells = [_cell(found[difficulty, variant]) for variant in variants]
        lines.append(f"| {difficulty} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def question_first_table(task: str, entries: Entries) -> str:
    """GSM with the question before the context: a row for each model and N, a column a difficulty."""
    kinds = ("accuracy_question_first", "baseline_question_first")
    found = {(e["variant"], e["passes"], e["difficulty"]): e for e in entries if e["experiment"] in kinds}
    difficulties = sorted({difficulty for *_, difficulty in found})
    symbol = study_of(task).symbol
    lines = [" ".join(["|", "model |", *(f"{symbol} = {d} |" for d in difficulties)])]
    lines.append("|---" * (len(difficulties) + 1) + "|")
    for variant, n_passes in dict.fromkeys((variant, n_passes) for variant, n_passes, _ in found):
        cells = [_cell(found[variant, n_passes, difficulty]) for difficulty in difficulties]
        lines.append(f"| {_model(variant, n_passes)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def public_table(entries: Entries) -> str:
    """The public generator's problems, a column for each number of variables that can be resolved."""
    found = {(e["variant"], e["passes"], e["difficulty"]): e for e in entries if e["experiment"] == "public_problems"}
    ops = sorted({op for *_, op in found})
    lines = [" ".join(["|", "model |", *(f"op = {op} |" for op in ops)]), "|---" * (len(ops) + 1) + "|"]
    for variant, n_passes in dict.fromkeys((variant, n_passes) for variant, n_passes, _ in found):
        cells = [f"{found[variant, n_passes, op]['correct']:g} of {found[variant, n_passes, op]['n']}" for op in ops]
        lines.append(f"| {_model(variant, n_passes)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def tuned_table(entries: Entries, model: str) -> str:
    """A library model that was given fast weights and tuned: a row for each N, a column a number of hops."""
    found = [entry for entry in entries if entry["model"] == model]
    difficulties = found[0]["after"]["difficulty"]
    head = ["|", "tuning |", "N |", *(f"k = {difficulty} |" for difficulty in difficulties)]
    lines = [" ".join(head), "|---" * (len(difficulties) + 2) + "|"]
    labels = {
        "any_n": "any N",
        "n1_stream": "N = 1 only, same tokens and losses",
        "n1_answers": "N = 1 only, same tokens, answers alone",
    }
    for entry in found:
        exam = entry["after"]
        for n_passes, accuracy, ci95 in zip(exam["passes"], exam["accuracy"], exam["ci95"], strict=True):
            cells = [_cell({"accuracy": a, "ci95": c}) for a, c in zip(accuracy, ci95, strict=True)]
            lines.append(f"| {labels[entry['recipe']]} | {n_passes} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def agreement_table(rows: Entries) -> str:
    """Our checkpoints through the library: how many instances are answered the same."""
    head = "| checkpoint | N | same probabilities, to the bit | same by `generate` | right |\n|---|---|---|---|---|"
    lines = [
        f"| {row['checkpoint']} | {row['passes']} | {row['same_probabilities']} of {row['n']} "
        f"| {row['same_generated']} of {row['n']} | {row['correct']} of {row['n']} |"
        for row in rows
    ]
    return "\n".join([head, *lines])


def evaluation_table(result: dict[str, Any]) -> str:
    """What the `eval` command printed: a row for each N, a column a difficulty."""
    symbol = study_of(result["task"]).symbol
    lines = [" ".join(["|", "N |", *(f"{symbol} = {d} |" for d in result["difficulty"])])]
    lines.append("|---" * (len(result["difficulty"]) + 1) + "|")
    for n_passes, accuracy, ci95 in zip(result["passes"], result["accuracy"], result["ci95"], strict=True):
        cells = [_cell({"accuracy": a, "ci95": c}) for a, c in zip(accuracy, ci95, strict=True)]
        lines.append(f"| {n_passes} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    for document in DOCUMENTS:
        write_atomically(document, filled(document.read_text(encoding="utf-8"), measured).encode())
