"""What every task's page says, and the glossary; what only one task says is in its folder."""

from __future__ import annotations

from dataclasses import dataclass

from app.parts.units import count
from app.tasks.base import Words
from sleepviz.config.run import CONTROLS as BREAKABLE
from sleepviz.config.run import RunSpec
from sleepviz.studies.measurements import VARIANTS

BASELINE_WARNING = (
    "This model learned to spread its work over several passes, so stopping it after one pass proves little. The third "
    "card is the fair test: a separate model that was trained with N = 1 only."
)
WHY = (
    (
        "Why clear the cache?",
        "A KV cache that is never cleared grows with every token. Each new token looks through all of it, so a long "
        "text costs ever more memory and time.",
    ),
    (
        "Why does S not grow?",
        "S is a table of fixed size. A token changes the numbers in the table and adds none.",
    ),
    (
        "What does a later pass add?",
        "Pass 1 works on the tokens. Pass 3 works on what pass 2 made of them, so pass 3 can take the next step.",
    ),
)

AWAKE_ONLY = (
    "This model was trained only with N = 1, so more passes are new to it. What they do to it says nothing about sleep."
)

TERMS: dict[str, str] = {
    "window": "Window: how many tokens fit into the cache before the model must sleep. Here {window}.",
    "kv_cache": "KV cache: a key and a value for every token the model has read. The cache grows with every token, "
    "and so does the work of looking through it. Sleep ends by clearing the cache.",
    "trigger": "Trigger: why a sleep begins. In the paper the window is full. Here it can also be every M tokens, "
    "by hand, after some statements, or at a surprise. A surprise is a token that S expected much less than usual.",
    "evict": "Evict: drop tokens from the KV cache. After hard eviction only the fast weights still hold them.",
    "fast_weights": "Fast weights S: small tables of fixed size inside a layer. Tokens write to them by key "
    "and read from them by key. A token changes the numbers and adds none. Blue is positive, orange negative.",
    "drift": "Drift: how much a pass changed the fast weights, |S after − S before| / |S after|. Near zero, "
    "the pass changed nothing.",
    "h": "h: the activations of the window. They are carried from pass to pass, so every pass starts from the results "
    "of the one before. They are thrown away on waking.",
    "pass": "Pass: one trip of the window through all layers. A sleep is N passes, with nobody asking anything.",
    "wake": "Wake: answer a question in one ordinary pass, with an empty cache.",
    "woken": "If it woke now: the answer it would give after this pass. {woken}.",
}


def terms(words: Words) -> dict[str, str]:
    """The player's terms, with what differs from task to task filled in."""
    return _filled(words.window, words.woken)


def terms_of_a_text(window: int) -> dict[str, str]:
    """The same where a text is read in windows of so many tokens."""
    return _filled(
        f"one window is {window} tokens of the text", "The picture shows its first token, with its probability"
    )


def _filled(window: str, woken: str) -> dict[str, str]:
    return {name: said.format(window=window, woken=woken) for name, said in TERMS.items()}


MORE_TERMS: dict[str, str] = {
    "slow_weights": "Slow weights: the parameters learned in training. Sleep never changes them.",
    "gated_deltanet": "Gated DeltaNet: the layer that holds S. For each token it first forgets a little, then "
    "corrects what S recalls for the token's key towards the token's value.",
    "confidence": "Least sure: the lowest probability that the model gave to any part of its answer.",
}


def glossary(words: Words) -> dict[str, str]:
    """Every term of a task's page."""
    return {**terms(words), **MORE_TERMS, **words.glossary}


THREE_FUNCTIONS = "Three things that sleep does"
FUNCTIONS = (
    (
        "Compress",
        "Each pass rewrites the fast weights from features computed in the pass before. Drift measures how much "
        "they still change.",
    ),
    (
        "Clear",
        "After the last pass the window's keys and values are dropped. Kept, they would pile up with every window. The "
        "model answers without them.",
    ),
    (
        "Update",
        "The fast weights are the model's long-term memory of this sequence. They must keep earlier windows while they "
        "take in new ones. After each sleep we ask again about everything read so far.",
    ),
)

WHY_SLEEP = "Why call it sleep?"
ANALOGY = (
    "In one account of sleep, the hippocampus keeps the day's experience for a short time. At night "
    "it replays that experience until the cortex holds it. The KV cache stands for the hippocampus. The "
    "offline passes stand for the replay, and the fast weights for what stays."
)
ANALOGY_ENDS = (
    "The likeness ends soon. Nothing is replayed unchanged: each pass computes with the results of "
    "the pass before, so more passes reach further. The slow weights would be the closer match to "
    "cortex, and they do not move. S is forgotten when the sequence ends. The model sleeps for "
    "milliseconds because its window is full, not because it is tired."
)
GLOSSARY = "Glossary"
PAPER = (
    "The mechanism is that of “Do Language Models Need Sleep? Offline Recurrence for Improved Online Inference” "
    "(Lee, McLeish, Goldstein and Fanti, [arXiv:2605.26099](https://arxiv.org/abs/2605.26099))."
)

HELPS = "Does sleeping longer help?"
PLOTS = "Show the plot: accuracy against N"
ACCURACY = "Accuracy on fresh questions that training never used."
REACH_TABLE = "The hardest that is solved, with at least {solved} of 100 right"
SOLVED = "solved up to"
FAIR_TEST = (
    "**The fair test.** At {symbol}\u00a0=\u00a0{difficulty}, this model with {passes} is right on {own} fresh "
    "questions. The best model that was trained with 1 pass only is right on {alone}."
)
NO_NEED = "So a question this hard does not need more than one pass of sleep."
OTHER_RUN = "These numbers belong to {checkpoint}, run as it was trained. Your run differs from that."
PLOT = (
    "Each line with points is one difficulty. Whiskers are 95 % intervals: such an interval misses the true share "
    "about 1 time in 20. The horizontal lines are separate models trained only with N = 1, at {symbol} = {difficulty}."
)
RING = "The ring marks your current setting."
NO_RING = "Your setting, N = {passes} at {symbol} = {difficulty}, was not measured, so no ring marks it."
OTHER_RING = "Your run differs from these, so no ring marks it."
RETENTION = "Long-term memory: how often the first window is still answered right, one to four windows of sleep later."

# The controls.
ADVANCED, PASSES, RUN_LIVE, CHECKPOINT = "More settings", "Passes N", "Run live", "Checkpoint"
TRIGGER, EVICT, ASLEEP = "Sleep trigger", "Eviction", "Attention while asleep"
EVERY = "M, tokens between sleeps"
ASKED_AFTER = "Sleep after these tokens, for example 6, 12"
ASKED_AFTER_FORM = "Give whole numbers of tokens from 1 on, for example 6, 12."
ASKED_TOO_LATE = "Sleep is asked for after token {late}, but only {tokens} are read."
PASSES_HELP = "N, the passes of one sleep. N = 1 is the ordinary hybrid model; N = 0 evicts the window unread."
EVICTION = {
    "hard": "hard: the whole cache (the paper)",
    "sliding": "sliding: keep the newest L − 1 tokens",
    "none": "none: keep everything",
}
ATTENTION = {"": "as it was trained", "causal": "causal (the paper)", "full": "full: both ways while asleep"}
TRIGGERS = {
    "window": "window full (the paper)",
    "every": "every M tokens",
    "manual": "asked for",
    "statement": "after K statements",
    "surprise": "at a surprise",
}
SPEND = "Passes for each window"
SPENDING = {
    "fixed": "N for every window (the paper)",
    "still": "until S is still, at most N",
    "even": "B in all, shared evenly",
    "hardest": "B in all, more for hard windows",
}
STILL = "T: S is still once a pass changes S by less than T, as a share of its size"
BUDGET = "B, passes for all windows together"
BUDGET_NOTE = "B takes the place of N."
BUDGET_AT_SURPRISE = (
    "Passes cannot be shared out where a surprise starts sleep: nobody knows how many windows will come. "
    "Choose another trigger, or N for every window."
)
STILL_NOT_CLEARED = "Sleep until S is still needs the whole cache to be cleared. Choose “hard” under “Eviction”."
STATEMENTS = "K, statements between sleeps"
RATIO = "R: a surprise corrects S by more than R times the usual"
WHOLE_STATEMENTS = (
    "This trigger never cuts a statement in two. On Rule 110 a statement is a row, which fills the window."
)
AS_IT_IS = VARIANTS["none"]
CONTROLS: dict[str, str] = {"none": f"none: {AS_IT_IS}", **{control: VARIANTS[control] for control in BREAKABLE}}

NOTICE = "What to notice."
BREAK_IT = "Break it:"
GUESS, GUESS_HELP = "Guess first", "Say what will happen before the run shows it."
TRAINED = "How was it trained?"
FOUND, TAUGHT = "Found from answers", "Taught each step"
FOUND_NOTE = (
    "**Found from answers**: training scored only this model's answers. Nothing was scored while it slept, so it found "
    "by itself what to do with more passes."
)
TAUGHT_NOTE = (
    "**Taught each step**: training also scored what every pass of sleep puts out. The model found by itself how "
    "to compute a step, and what to write into S."
)
OTHER_FOUND = (
    "“Found from answers”, above, is a second model. Training scored only its answers, as in the paper, so it had to "
    "find the steps by itself."
)
OTHER_TAUGHT = "“Taught each step”, above, is a second model. Its training also scored what every pass puts out."
BEYOND = (
    "Training of this model reached {symbol} = {reached}. "
    "Your question has {symbol} = {asked}, so expect a wrong answer."
)
NEW_HERE = "New here? Ten steps"
BREAK = {
    "zero_state": "Wipe S",
    "shuffled_state": "Another run's S",
    "replay": "Replay pass 1",
    "reset_state": "Reset S each pass",
    "untrained": "Untrained",
}
BROKEN_PART = {
    "zero_state": "S wiped",
    "shuffled_state": "another run's S",
    "replay": "pass 1 replayed",
    "reset_state": "S reset each pass",
    "untrained": "untrained",
}
BROKEN = {
    "zero_state": "S was wiped before it woke",
    "shuffled_state": "it woke with another run's S",
    "replay": "every pass writes what the first one wrote",
    "reset_state": "S was reset before every pass",
    "untrained": "random weights, nothing was learned",
}
WHAT_IS_BROKEN = {
    "zero_state": "You wiped S between sleep and waking. The cache is gone too, so nothing of the text is left.",
    "shuffled_state": (
        "You gave it the S of another run. If the answer is read from S, the model now gives that run's answer."
    ),
    "replay": "You let every pass write the keys and values of the first pass. Nothing new is computed asleep.",
    "reset_state": "Before every pass you set S back to what it was when sleep began. So S ends with what the last "
    "pass wrote. The activations h still go from pass to pass.",
    "untrained": "You replaced the trained weights by random ones. The procedure is the same; nothing was learned.",
}
AS_INTACT = "The two cards on top are the same question with the same passes: one intact, one broken."


def passes(n: int) -> str:
    """“1 pass”, “8 passes”."""
    return count(n, "pass")


def passes_of(spec: RunSpec) -> str:
    """How many passes a run may take: “8 passes”, “up to 8 passes”, “24 passes in all”."""
    if spec.spending.has_budget:
        return IN_ALL.format(passes=passes(spec.spending.budget))
    said = passes(spec.n_passes)
    return UP_TO.format(passes=said) if spec.spending.threshold else said


CONTROLS_TABLE = "Share of {right} at N = {passes}"
CONTROLS_MEASURED = (
    "Which part does the work? Each control breaks one part of the mechanism. Its accuracy stands "
    "beside the unbroken run on the same questions, at N = {passes}. With “Break it” you can break "
    "your own run in the same way."
)


@dataclass(frozen=True)
class Meaning:
    """What a control shows where accuracy falls, where it does not, and where a harder question holds than one that
    falls; in a sentence or two each.
    """

    where_it_falls: str
    where_it_holds: str
    where_mixed: str = ""


CONTROL_MEANINGS = {
    "zero_state": Meaning("The answer is read from S.", "The answer is not read from S."),
    "shuffled_state": Meaning("It matters what S has read.", "It does not matter what S has read."),
    "replay": Meaning(
        "Repetition alone does not help: each pass has to compute something new.",
        "Writing the same keys and values again does as well as the later passes.",
    ),
    "reset_state": Meaning(
        "Some of what the answer needs was written into S by earlier passes.",
        "The steps are computed in the activations h; S only stores the result.",
        "Only what the last pass writes is left in S. Answers that only earlier passes wrote are lost.",
    ),
    "untrained": Meaning("What sleep does was learned.", "These answers need no training."),
}

# The run that is shown.
RECORDING_DAMAGED = "The recorded run is damaged, so we do not show it. A live run still works."
PRESS_TO_ASK = "Press “Run live” to ask this model."
PRESS_TO_SEE = "Press “Run live” to see this answer."
SAME_RUN = "You see this run already. The same question always gets the same answer."
STOPPED = "The run was stopped. Press “Run live” to start it again."
AHEAD = "Another visitor's run comes first. Yours starts in a moment."
SEVERAL_AHEAD = "{ahead} runs of other visitors come first. Yours starts in a moment."
STARTING = "Starting the model (a few seconds). You still see the previous run."
RUNNING = "The model is running: {events} so far."
OTHER_WEIGHTS = (
    "This recording was made with other weights ({recorded}) than the checkpoint here ({here}). A live run may differ."
)
ONE_PASS = "This model, 1 pass", "woken after its first pass"
UP_TO, IN_ALL = "up to {passes}", "{passes} in all"
THIS_RUN, THIS_RUN_NOTE = "This model, {passes}", "the run you see"
INTACT_RUN, INTACT_NOTE, BROKEN_RUN = "Intact, {passes}", "the same run, nothing broken", "Broken: {part}, {passes}"
AWAKE_MODEL = "Trained with 1 pass only"
SEPARATE, SEPARATE_NAMED = "another model, for a fair comparison", "another model, for a fair comparison: {name}"
HOW_OFTEN = "{share} fresh {right} at {symbol}\u00a0=\u00a0{difficulty}"
NOT_THIS, CANNOT_RUN = (
    "This is the previous run. Yours is being made.",
    "This is the previous run: yours cannot be run.",
)
TRANSCRIPT = "The whole run in words"
DRIFT, DRIFT_ALT = (
    "Drift of every head, pass by pass",
    "Relative change of the fast weights in each pass, a line for each head.",
)
AS_TABLE = "“If it woke now” as a table"

# Where it comes from.
MODEL = "Checkpoint {name}"
DIGEST, MADE_BY = "**Digest of the weights** (SHA-256)", "**Made by**"
DATE_AND_COMMIT = "**Date** {date}  \n**Commit** {commit}"
NOT_RECORDED = "not recorded"
DEPARTS, DEPARTS_IN_ONE = "Differs from the paper in {n} ways", "Differs from the paper in one way"
UNTRAINED = "These weights are random: nothing was learned."
NO_BASELINE = "The model trained only with N = 1 is missing here, so there is no comparison."
NO_RECORDING = "There is no recorded run. `python -m sleepviz record --all` makes one. Until then every run is live."
