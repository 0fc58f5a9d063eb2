"""All prose of the Lab, and what is measured there in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.shell.messages import joined
from sleepviz.studies.measurements import VARIANTS

TITLE = "Lab: does sleeping longer really help?"
INTRO = (
    "Every number here is read from a results file, made by the command that stands at the end of the page, or "
    "measured live while you wait. Brackets are 95 % Wilson intervals over fresh instances that were kept from "
    "training. Where a result contradicts the paper's trend, the page says so."
)
NOTHING_HERE = (
    "Neither a results file nor a trained model is here yet; `python -m sleepviz experiments --queue` makes the "
    "results."
)
NUMBERS = "Show me the numbers"
NOTICE = "What to notice: {notice}"
TASK, CHECKPOINT = "Task", "Checkpoint"
OTHER_WEIGHTS = (
    "The results file was measured with other weights ({measured}) than those that are here ({here}); what is measured "
    "live may differ."
)

HEAT = "How far does N passes of sleep reach?"
HEAT_NOTICE = (
    "numbers are per cent right; point at a cell for its interval. Above and right of an orange line lies what "
    "training never took; a diamond is measured live."
)
HEAT_NOT_RUN = "Accuracy over N and difficulty: not run."
BASELINES = "Is it sleep, or would another model do as well?"
BASELINES_INTRO = (
    "Baselines are separate models, trained with the same care and slept on as they were trained. “Best N” is the "
    "number of passes at which this model did best at that difficulty."
)
BASELINES_NOTICE = (
    "What to notice: solid lines are this model, broken ones the baselines; where whiskers overlap, the two are not "
    "told apart."
)
BASELINES_NOT_RUN = "Baselines: not run."
BASELINES_TABLE = "This model and its baselines"
BASELINES_ALT = "Accuracy against difficulty {symbol} of {names}."
CONTROLS = "Which part does the work?"
CONTROLS_INTRO = (
    "Each control breaks one part of the mechanism. One click breaks your own question, live; beside it stands what "
    "the same control did to the whole set."
)
NO_QUESTION = "No question is here to break yet: run one live on the task's own page."
QUESTION = "The question, {source}: {asked}, at N = {passes}."
YOURS, RECORDED = "yours", "the recorded one"
ALL_CONTROLS = "All of them"
CONTROLS_RUNNING = "Running live: {n} control{s} to go."
CONTROLS_NOT_RUN = "On the whole set: not run."
CONTROLS_TABLE = "Controls: {right}, with 95 % Wilson intervals"
CONTROLS_HEADS = "what", "this question, live"
WHOLE_SET = "whole set, {symbol} = {level}, N = {passes}"
NO_ANSWER, RIGHT, RUNNING, STOPPED = "no answer", "right", "running", "stopped"
HALTING = "When to stop sleeping?"
HALTING_INTRO = (
    "The paper leaves open how to choose N. Here sleep ends by itself once a pass changes the fast weights by less "
    "than a threshold; the question is whether that reaches the same accuracy with fewer passes than a fixed N. All "
    "difficulties are mixed, equally often."
)
HALTING_NOT_RUN = "Halting on drift against fixed N: not run."
HALTING_NOTICE = "the higher and the further left, the better; the two lines meet where nothing is saved."
HALTING_ALT = "Accuracy against mean passes. {finding}"
COST = "What does sleep cost, and when does it pay?"
COST_INTRO = (
    "Sleep is paid once a window, an answer once a question. The alternative is to keep nothing and to read the "
    "window again, with full attention, for every question. Measured on one instance at a time, on the machine that "
    "made the results file."
)
COST_NOT_RUN = "The cost of sleep and waking: not run."
SERIES_ALT = "{heading}: accuracy at {hardest} against passes N of {names}."
SERIES_NOTICE = (
    "where each line rises, and whether it falls again with passes beyond training; the lines are those of the hardest "
    "question, {hardest}."
)
NOT_RUN = "What was not run"
MISSING = "Of the evidence on this task these are missing: {missing}."
NOTHING_MISSING = "Nothing: every line of the evidence on this task is above."
SOURCE = "From assets/results/{task}.json, commit {commit}{weights}; made by"
WEIGHTS = ", weights {digest}"
NO_COMMIT = "not recorded"
SWEEP = "Measure it here"
SWEEP_INTRO = (
    "Choose some passes and difficulties; the model answers fresh instances now, on this server, and the result joins "
    "the plots as diamonds."
)

SWEEP_MODEL = "It is *{name}*, digest {digest}."
PASSES, DIFFICULTY, INSTANCES = "Passes N", "Difficulty {symbol}", "Instances a cell, n"
MEASURE_ONE, MEASURE = "Measure 1 cell", "Measure {cells} cells"
CHOOSE = "Choose at least one N and one difficulty."
TOO_MANY_INSTANCES = "With N = {passes} at most {most} instances a cell are measured; choose fewer of either."
TOO_MUCH = "That is {work:,} passes in all, and at most {most:,} are measured at once; choose fewer cells or instances."
SWEEP_STARTING = "Starting PyTorch, a few seconds."
SWEEP_DONE = "{done} of {total} cells measured live, n = {n}, seed {seed}"
SWEEP_STOPPED = "Stopped: {done}; they are in the plots."
SWEEP_OVER = "{done}; they are in the plots and their tables."
REPEAT = "Repeat it on the command line"

# What the paper says sleep is better than: where one of these is ahead, its trend is contradicted.
WITHOUT_SLEEP = (
    "n1_same_tokens",
    "n1_same_flops",
    "n1_curriculum",
    "n1_uniform",
    "n1_causal_tokens",
    "n1_causal_flops",
    "deeper",
)

# Experiments that have no section of their own: heading and one line.
OTHERS = {
    "retention": (
        "Long-term memory",
        "Is the first window still answered right after one, two or more windows have been slept on?",
    ),
    "probe": ("What each pass writes", "A linear probe reads an intermediate step out of S after each pass."),
    "eviction": ("Eviction", "The whole cache cleared after each sleep, against a window that slides."),
    "attention": ("Attention while asleep", "Causal attention cannot reach what stands later in the window."),
    "attention_large": (
        "Causal attention while asleep, in the large size",
        "The model above with the paper's causal attention in its sleep and nothing else changed.",
    ),
    "depth": ("Best N by architecture", "The same task with fewer and with more layers."),
    "seeds": (
        "Further training seeds",
        "Depo in small (10 nodes, up to four hops), which trains in minutes: the same trainings from other beginnings.",
    ),
    "second_seed": (
        "The same training from another beginning",
        "Other first weights and other instances to learn from, chosen beforehand: what the two share is the method's.",
    ),
    "baseline_small": (
        "Other models, in small",
        "Compare them with those trained for any N under *Further training seeds*: the same task, as many tokens.",
    ),
    "accuracy_question_first": (
        "The question before the context",
        "The paper's order: the model knows what it will be asked while it sleeps.",
    ),
    "baseline_question_first": (
        "Baselines with the question before the context",
        "The same order for the models that were only ever trained with N = 1.",
    ),
}


def levels(values: Sequence[int], symbol: str) -> str:
    """Write (0, 1, 2, 5) as "t = 0 to 2 and 5": three or more in a row become a range."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    return f"{symbol} = {joined(parts)}"


def variant_name(variant: str) -> str:
    """A variant in words; the name itself where there are none."""
    if variant.startswith("asked_after_"):
        windows = variant.removeprefix("asked_after_")
        return f"after {windows} window{'' if windows == '1' else 's'}"
    return VARIANTS.get(variant, variant.replace("_", " "))


def models(sizes: str, checkpoints: Mapping[str, Mapping[str, Any]]) -> str:
    """Which models an experiment was run on, and how large their task is where that is known."""
    told = [f"{name}{sizes.format(**found) if found else ''}" for name, found in checkpoints.items()]
    return f"Model{'s' if len(told) > 1 else ''}: {joined(told)}."


def heading(experiment: str) -> tuple[str, str]:
    """The heading of an experiment's section and its one line."""
    return OTHERS.get(experiment, (experiment.replace("_", " ").capitalize(), ""))
