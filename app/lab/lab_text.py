"""All prose of the Lab, and every measured variant in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.parts.units import count
from app.shell.messages import joined
from sleepviz.studies.measurements import VARIANTS

TITLE = "How far does sleep get you?"
QUESTION_AND_ANSWER = "**Does sleeping longer help?** {answer}"
YES = "Yes. {finding}"
NO = "Not here. {finding}"
ENOUGH = "There is no need. {finding}"
NO_ANSWER_YET = "Nothing was measured on this task yet; measure it below."
INTRO = (
    "N is the number of passes of sleep over each window. All questions are ones that the model never saw in training. "
    "Brackets and whiskers are 95 % intervals: such an interval misses the true share about 1 time in 20. Two shares "
    "are called different where the 95 % interval of their difference leaves out 0. Of 20 comparisons of equal shares, "
    "about one is called different by chance."
)
CONTENTS = "**What was found.** Each heading leads to its figure."
FURTHER = "**Further experiments**"
NOTHING_HERE = (
    "Neither results nor a trained model are here yet. `python -m sleepviz experiments --queue` makes the results."
)
NUMBERS = "Show me the numbers"
FIGURE_AND_NUMBERS = "Show the figure and the numbers"
CONTROLS_AND_NUMBERS = "Break a question, and show the numbers"
ALL_NUMBERS = "Show all the numbers"
NOTICE = "What to notice: {notice}"
TASK, CHECKPOINT = "Task", "Checkpoint"
OTHER_WEIGHTS = (
    "The results were measured with other weights ({measured}) than those that are here ({here}). Live measurements "
    "may differ."
)
CHANCE = "Chance is {one_in}: a guess is right that often."

PAPER, PAPER_ANY_N = "The paper's figure, in small", "The same with one model for any N"
PAPER_LINE = (
    "The model is *{name}*, trained for any N. It found out how to use sleep from its answers alone: nothing was "
    "scored while it slept."
)
PAPER_NOTICE = (
    "follow one line to the right: it falls where a question takes more steps than N passes can make. Dashed lines are "
    "models that were trained with one pass only."
)
PAPER_ALT = "Accuracy against difficulty {symbol}, one line for each of {n} models and numbers of passes."

HEAT = "How far do N passes of sleep reach?"
HEAT_LINE = "Each square is one setting: N passes and one difficulty, with {asked}."
HEAT_SEVERAL = (
    "A share counts answers. Its interval counts instances, because the answers of one instance depend on each other."
)
HEAT_NOTICE = (
    "the numbers are the share of {right}, in per cent. Settings beyond the orange line were never trained. Diamonds "
    "mark results measured live."
)
HEAT_NOT_RUN = "Accuracy over N and difficulty: not measured yet."
HEAT_TABLE = "Passes and difficulty"
SOLVED_UP_TO = "{solved} % right up to"
NO_LEVEL = "none"
BASELINES = "Would another model do as well without sleep?"
BASELINES_INTRO = (
    "Baselines are separate models, trained just as carefully and run the way they were trained. “Best N” is the N "
    "with which this model did best at that difficulty."
)
BASELINES_NOTICE = "solid lines are this model, dashed lines are baselines. The table below says where they differ."
BASELINES_NOT_RUN = "Baselines: not measured yet."
BASELINES_TABLE = "This model and its baselines"
BASELINES_ALT = "Accuracy against difficulty {symbol}, one line for each of {n} models."
DUELS_TABLE = "Who is ahead, and at which {symbol}. Shares near chance count as no difference"
DUELS_HEADS = "baseline", "this model is ahead", "no difference", "the baseline is ahead"
CONTROLS = "Which part does the work?"
CONTROLS_INTRO = (
    "Each control breaks one part of the mechanism. Press one to break your own question, live. The table also shows "
    "the same control on all measured questions."
)
NO_QUESTION = "There is no question to break yet. Run one on the task's own page."
QUESTION = "The question, {source}: {asked}, at N = {passes}."
YOURS, RECORDED = "yours", "the recorded one"
ALL_CONTROLS = "All of them"
CONTROLS_RUNNING = "Running live: {controls} to go."
CONTROLS_NOT_RUN = "The controls on all questions: not measured yet."
CONTROLS_TABLE = "Share of {right}, with 95 % intervals"
CONTROLS_HEADS = "control", "this question, live"
WHOLE_SET = "all questions, {symbol} = {level}, N = {passes}"
NO_ANSWER, RIGHT, RUNNING, STOPPED = "no answer", "right", "running", "stopped"
HALTING = "When to stop sleeping?"
HALTING_INTRO = (
    "The paper leaves open how to choose N. Here sleep ends by itself once a pass hardly changes the fast weights. "
    "Does that save passes? All difficulties are mixed."
)
HALTING_NOT_RUN = "Stopping on drift against a fixed N: not measured yet."
HALTING_NOTICE = "higher and further left is better. Where the two lines meet, stopping early saves nothing."
HALTING_ALT = "Accuracy against mean passes. {finding}"
HALTING_TABLE = "When to stop"
HALTING_HEADS = "sleep stops", "mean passes", "accuracy"
SCHEDULES = "When to sleep?"
SCHEDULES_INTRO = (
    "The paper sleeps when the window is full. Here, other schedules get the same number of passes: N for every token, "
    "on average."
)
SCHEDULES_NOT_RUN = "Schedules of sleep: not measured yet."
SCHEDULES_NOTICE = "further right is better. Compare the markers of one shape."
SCHEDULES_ALT = "Accuracy of each schedule, with a marker for each number of passes. {finding}"
SCHEDULES_TABLE = "When to sleep"
SCHEDULES_HEADS = "sleep", "passes per token", "sleeps", "accuracy"
SCHEDULE_NONE_AHEAD = "No other schedule does measurably better than the paper's with the same number of passes."
SCHEDULE_ONE_AHEAD = "With the same number of passes, one schedule does better than the paper's: sleep *{name}*."
SCHEDULE_SAVES = "At N = {n}, this schedule takes only {taken:.1f} passes per token."
SCHEDULE_NO_BEST = "Some schedules do better than the paper's, but no single one stands above all others."
SCHEDULE_BEST = "At {at} it is best to sleep *{name}*: this schedule is measurably ahead of every other."
SCHEDULE_AHEAD = "Sleep *{name}* does better than the paper's schedule at {at}."
SCHEDULE_BEHIND = "Sleep *{name}* does worse than the paper's schedule at {at}."
SCHEDULE_SHARES = "{ours} are right with this schedule, and {theirs} with the paper's."
SCHEDULE_SHARES_AT = "At N = {n}, {ours} are right with this schedule and {theirs} with the paper's."
SCHEDULE_ALIKE = "No difference was measured between sleep *{name}* and the paper's schedule."
SCHEDULE_MIXED = "Questions of all difficulties are mixed."
SCHEDULE_MIXED_WINDOWS = (
    "All difficulties are mixed: each window of a sequence has its own. In training all windows of a sequence had the "
    "same difficulty."
)
SCHEDULE_PAGES = (
    "The model was trained on full windows: statements, then a foot of names. Sleep at the end of a statement or at a "
    "surprise leaves the foot whole. Half windows cut the foot in two. Noticing a surprise takes one pass, which "
    "counts."
)
SCHEDULE_ONE_STATEMENT = (
    "Here one statement fills one window. So a surprise, or the end of a statement, means a full window: both are "
    "left out. Half a window is half a statement, which the model never saw in training."
)
SCHEDULE_STILL = (
    "Where sleep lasts until S is still, the number of passes varies. This schedule is compared with the next larger N."
)
SCHEDULE_BY_HAND = "Sleep by hand follows no rule, so there is nothing to compare; try it on the task's page."
COST = "What does sleep cost, and when does it pay?"
COST_INTRO = (
    "You pay for sleep once per window and for an answer once per question. The alternative keeps nothing and rereads "
    "the window for every question. Times are those of the machine that made the results."
)
COST_NOT_RUN = "The cost of sleep and waking: not measured yet."
COST_TABLE = "Cost of one window's sleep, and the number of questions per window from which sleep pays off"
COST_HEADS = (
    "passes",
    "sleep on a window",
    "one answer",
    "MFLOP asleep",
    "MFLOP awake",
    "pays from (operations)",
    "pays from (time)",
)
SERIES_ALT = "{heading}. Accuracy at {hardest} against passes N, one line for each of {n} models."
GROWTH_ALT = "{heading}. Share of {right} against passes N, one line for each of {n} difficulties."
SERIES_AT = "The figure shows {level} alone; the table has every difficulty."
SERIES_HEADS = "model"
SHARES_TABLE = "{title}: share of {right}, with 95 % intervals; {asked} per setting"
NOT_RUN = "What was not measured"
MISSING = "Still to be measured on this task:"
NOTHING_MISSING = "Everything planned for this task was measured."
SOURCE = "From assets/results/{task}.json, commit {commit}{weights}. Made by"
WEIGHTS = ", weights {digest}"
NO_COMMIT = "not recorded"

SWEEP = "Measure it yourself"
SWEEP_INTRO = "Choose passes and difficulties. The model *{name}* answers new questions now, on this server."
PASSES, DIFFICULTY, INSTANCES = "Passes N", "Difficulty {symbol}", "Questions per setting, n"
SEED = "Seed"
SEED_NEW = "new each time"
SEED_HELP = "The same seed draws the same questions. Left empty, every measurement draws new ones."
MEASURE = "Measure {settings}"
EXPECT_ONE = "{settings}, {n} questions: expect an interval of up to ±{points:.0f} points."
EXPECT = "{settings}, {n} questions each: expect intervals of up to ±{points:.0f} points."
CHOOSE = "Choose at least one N and one difficulty."
TOO_MANY_INSTANCES = (
    "With N = {passes}, at most {most} questions per setting are measured. Choose fewer passes or questions."
)
TOO_MUCH = "That is {work:,} passes in all; at most {most:,} are measured at once. Choose fewer settings or questions."
SETTINGS = "settings"
SWEEP_STARTING = "Starting the model (a few seconds)."
SWEEP_DONE = "{done} of {total} settings measured live, n = {n}, seed {seed}"
SWEEP_STOPPED = "Stopped: {done}."
SWEEP_OVER = "{done}. They are in the figures above and below, too."
SWEEP_TABLE = "Your measurement: share of {right}, with 95 % intervals"
REPEAT = "Repeat it on the command line or in Python"
BAD_LIST = "The link's {what} must be numbers out of {options}, separated by commas."
BAD_SEED = "The link's seed must be a whole number from 0 to {most}."
BAD_SIZE = "The link's n must be one of {options}."

# The bar under a figure.
COMMAND, PYTHON = "Copy command", "Copy Python"

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


@dataclass(frozen=True)
class Section:
    """How an experiment without a section of its own is headed, introduced and pointed at."""

    heading: str
    line: str = ""
    notice: str = "each line is one model; look at where it rises, and whether it falls again."


OTHERS = {
    "found": Section(
        "Found beside taught",
        "The model that found the use of sleep from answers alone, beside the one that was taught each step.",
        "compare how many passes each model needs for the same hops.",
    ),
    "found_control": Section(
        "Does S compute, or only store?",
        "The found and the taught model with one part broken, on the same questions with N = 4.",
        "compare each control with the unbroken run of the same model.",
    ),
    "joined": Section(
        "What does a pass join?",
        "Take a question whose first edge is read in one window and whose second edge is read in a later one. To "
        "answer it from a table of several hops, the model must join an old edge to a new one.",
        "compare the two lines of each model. Where they part, the model joins a new edge to an old one, but not an "
        "old edge to a new one.",
    ),
    "memory": Section(
        "Ask the memory",
        "S is read by itself, with no answering pass: how often does S name the node that the model answers? "
        "A wrong answer counts too, where S names the same node.",
        "compare this run's S with another run's. Where one layer tells little, another may tell all.",
    ),
    "memory_found": Section(
        "Ask the memory of the found model",
        "The same questions to the S of `depo-answers`. Nobody told this model what to write.",
        "where reading S as words finds nothing, a probe may still find the table.",
    ),
    "length": Section(
        "How long may the document be?",
        "More and more pages tell of the same people. Training had documents of up to four pages.",
        "a flat line means that a longer document costs no answers. A falling line is forgetting.",
    ),
    "retention": Section(
        "Long-term memory",
        "Is the first window still answered correctly once more windows have been slept on?",
        "a flat line means that later sleeps overwrite nothing. A falling line is forgetting.",
    ),
    "probe": Section(
        "What each pass writes",
        "A linear probe tries to read the answer at each difficulty out of S, after some passes.",
        "compare how many passes each line needs. A low line does not show that the answer is missing from S.",
    ),
    "eviction": Section(
        "Clearing the cache, or sliding it",
        "After each sleep the whole cache is cleared, or only its oldest tokens go.",
        "compare the model that was trained for a sliding cache with the one that was not.",
    ),
    "attention": Section(
        "Attention while asleep",
        "Causal attention cannot reach what stands later in the window.",
        "compare at which N each line rises.",
    ),
    "attention_large": Section(
        "Causal attention while asleep, in the large size",
        "The same task and training, with the paper's causal attention in sleep.",
        "compare this with the heat map at the top, which has full attention in sleep.",
    ),
    "depth": Section(
        "Best N by architecture",
        "The same task with fewer and with more layers.",
        "compare at which N each line levels off.",
    ),
    "seeds": Section(
        "Further training seeds",
        "Models of the small size, which train in minutes, trained from other initial weights.",
        "where models of one kind part, the initial weights matter.",
    ),
    "second_seed": Section(
        "The same training from another beginning",
        "The same training with another random seed.",
        "where the two lines part, the initial weights matter.",
    ),
    "baseline_small": Section(
        "Other models, in the small size",
        "Compare these with the models under *Further training seeds*: the same task, the same number of tokens.",
        "a single marker is a model that was trained for one N only.",
    ),
    "public_problems": Section(
        "Problems of the public generator",
        "Problems written by others. They ask which variables equal a value.",
        "whiskers are long where problems are few; only large gaps count.",
    ),
    "accuracy_question_first": Section(
        "The question before the context",
        "The paper's order: the model knows the question while it sleeps.",
        "compare the values with the heat map, where the question comes last.",
    ),
    "baseline_question_first": Section(
        "Baselines with the question before the context",
        "The same order for the models that were only ever trained with N = 1.",
        "compare the values with those of the section before.",
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
    windows = variant.removeprefix("asked_after_")
    if windows != variant and windows.isdecimal():
        return f"after {count(int(windows), 'window')}"
    return VARIANTS.get(variant, variant.replace("_", " "))


def models(sizes: str, checkpoints: Mapping[str, Mapping[str, Any]]) -> str:
    """Which models an experiment was run on, and how large their task is where that is known."""
    alike: dict[str, list[str]] = {}
    for name, found in checkpoints.items():
        alike.setdefault(sizes.format(**found) if found else "", []).append(name)
    told = joined([f"{joined(names)}{size}" for size, names in alike.items()])
    return f"Model{'s' if len(checkpoints) > 1 else ''}: {told}."


def section(experiment: str) -> Section:
    """How an experiment's section is headed and introduced."""
    return OTHERS.get(experiment, Section(experiment.replace("_", " ").capitalize()))
