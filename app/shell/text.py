"""All prose of the pages, and the glossary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskWords:
    """How a task's page speaks."""

    title: str
    explanation: str
    notice: str
    symbol: str  # of the difficulty, in plots
    right: str  # what an accuracy counts
    window: str  # what one window holds, to end a sentence
    woken: str  # how right and wrong are drawn
    presets: str = ""  # how the presets were chosen


RULE110 = TaskWords(
    title="A small language model falls asleep",
    explanation="The model reads rows of cells into a short-lived **KV cache**; when its window is full it **sleeps**: "
    "it goes over the window N times, and each pass rewrites its **fast weights**. Then the cache is cleared, so "
    "whatever it has not worked out by then is gone. It wakes, and in one ordinary pass it answers what each row "
    "becomes after t steps of Rule 110: hard questions need several passes of sleep, easy ones need none beyond the "
    "first.",
    notice="What to notice: after each pass the answer “if woken now” moves further down the true diagram, and the "
    "time to answer stays the same however long the model slept.",
    symbol="t",
    right="rows right in every cell",
    window="one window is one row: the number of steps t, then the cells",
    woken="A cross marks each cell that differs from the nearest true row",
)
DEPO = TaskWords(
    title="Sleep on a graph, then follow it",
    explanation="The model reads a graph, **edge by edge in no order**, and sleeps each time its window is full. Then "
    "the KV cache is cleared: the edges are gone, and only now comes the question **where one is k hops from a "
    "start**. It answers in one ordinary pass, so the hops must have been followed while it slept, for every start at "
    "once, because it did not know what it would be asked.",
    notice="What to notice: in the grid, each pass can make more hops right, for all starts; edges fade when their "
    "window is cleared, and the answers come from S alone.",
    symbol="k",
    right="questions answered right",
    window="one window holds some edges, then the roll call: every name with room for the node that it leads to",
    woken="Filled is right, a cross is wrong, a dot is “unknown”",
    presets="The presets were fixed before any answer to them was seen: shuffled by a seed, or written down by hand.",
)
GSM = TaskWords(
    title="Sleep on a sum, then answer it",
    explanation="The model reads small assignments **in no order**, some of which the question does not need, and "
    "sleeps each time its window is full. Then the KV cache is cleared: the text is gone. It wakes and says in one "
    "ordinary pass **what a variable is worth**; a variable eight operations deep is eight sums, one after the other, "
    "done while it slept.",
    notice="What to notice: each pass can make the values of deeper variables right, whether the question needs them "
    "or not; statements fade when their window is cleared.",
    symbol="depth",
    right="questions answered right",
    window="one window holds the question if it comes first, some statements, then the roll call: every variable with "
    "room for what it is computed from",
    woken="A filled box is right, a cross is wrong, a question mark is “unknown”",
    presets="The presets' questions were fixed before any answer to them was seen: shuffled by a seed, written down by "
    "hand, or the first of its kind in a public file.",
)
TASKS = {"rule110": RULE110, "depo": DEPO, "gsm": GSM}

BASELINE_WARNING = (
    "The model on this page learned to use its later passes, so its own N = 1 answer alone proves nothing; the fair "
    "comparison is the separate model that was only ever trained with N = 1, on the same task."
)

AWAKE_ONLY = (
    "This model was only ever trained with N = 1, so passes beyond the first are new to it; what they do to it is no "
    "measure of sleep."
)

TERMS: dict[str, str] = {
    "window": "Window: the tokens that are read before the model must sleep. Here {window}.",
    "kv_cache": "KV cache: the keys and values that attention keeps of every token it has read. It grows token by "
    "token and is cleared after each sleep.",
    "trigger": "Trigger: why a sleep begins. In the paper, because the window is full; here also every M tokens, or "
    "when asked for.",
    "evict": "Evict: to drop tokens from the KV cache. After hard eviction only the fast weights still know them.",
    "fast_weights": "Fast weights S: small matrices that every token rewrites while it is read. Blue is positive, "
    "orange negative. The slow weights, learned in training, never move during sleep.",
    "drift": "Drift: how much a pass changed the fast weights, |S after − S before| / |S after|. Near zero, "
    "the pass changed nothing.",
    "h": "h: the stream of activations over the window. It is carried from pass to pass, so every pass reads what "
    "the one before worked out, and it is thrown away on waking.",
    "woken": "If woken now: the answer that the model would give had it slept only this many passes. {woken}.",
}


def terms(task: str) -> dict[str, str]:
    """The player's terms, with what differs from task to task filled in."""
    words = TASKS[task]
    return _filled(words.window, words.woken)


def terms_of_a_text(window: int) -> dict[str, str]:
    """The same where a text is read in windows of so many tokens."""
    return _filled(f"one window is {window} tokens of the text", "Shown is its first token, with its probability")


def _filled(window: str, woken: str) -> dict[str, str]:
    return {name: said.format(window=window, woken=woken) for name, said in TERMS.items()}


MORE_TERMS: dict[str, str] = {
    "pass": "Pass: one trip of the whole window through all layers. A sleep is N passes.",
    "slow_weights": "Slow weights: the parameters learned in training. Sleep never changes them.",
    "gated_deltanet": "Gated DeltaNet: the layer that holds S. For each token it first forgets a little, then "
    "corrects what S recalls for the token's key towards the token's value.",
    "confidence": "Least sure: the lowest probability that the model gave to any part of its answer.",
}
TASK_TERMS: dict[str, dict[str, str]] = {
    "rule110": {
        "steps": "Steps t: how many times Rule 110 is applied to the row. It is told to the model as a token.",
        "rule110": "Rule 110: a row of cells in which each next cell depends on the cell and its two neighbours; the "
        "row wraps around. To know a row after t steps takes t steps of work.",
    },
    "depo": {
        "hops": "Hops k: how many edges are followed from the start. The question comes after everything is evicted.",
        "depo": "Depo: multi-hop retrieval on a directed cycle whose edges are told in shuffled order (Allen-Zhu, "
        "“Physics of Language Models”).",
        "roll_call": "Roll call: the names of all nodes at the end of every window, each with a free place. The model "
        "writes there, pass by pass, where the node leads. The paper's windows have no such part.",
    },
    "gsm": {
        "operations": "Operations: how many sums lie between a variable and a number. A variable that is given a "
        "number has none.",
        "gsm": "GSM-Infinite: generated arithmetic with distractors, statements that the question does not need "
        "(Infini-AI-Lab, arXiv:2502.05252).",
        "roll_call": "Roll call: all variables at the end of every window, each with free places. The model writes "
        "there, pass by pass, what the variable is computed from. The paper's windows have no such part.",
    },
}


def glossary(task: str) -> dict[str, str]:
    """Every term of a task's page."""
    return {**terms(task), **MORE_TERMS, **TASK_TERMS[task]}


FUNCTIONS = (
    (
        "Compress",
        "Each pass writes the window into the fast weights again, from features that the pass before "
        "helped to make. The drift says how much they still change.",
    ),
    (
        "Clear",
        "When the passes are over, the window's keys and values are dropped. The bytes freed are memory that the "
        "model does not need while it answers.",
    ),
    (
        "Update",
        "The fast weights are the model's long-term memory of this sequence. They must keep earlier windows "
        "while they take in new ones: after each sleep everything that was told so far is asked again.",
    ),
)

ANALOGY = (
    "In one account of sleep, the hippocampus keeps the day's experience for a short time and replays it at night, "
    "until the cortex holds it. The KV cache stands for the hippocampus, the offline passes for the replay, the fast "
    "weights for what stays."
)
ANALOGY_ENDS = (
    "The likeness ends soon. Nothing here is replayed as it was: each pass computes with what the pass before "
    "worked out, and that is why more passes reach further. The slow weights, which would be the closer match to "
    "cortex, do not move at all. S is forgotten when the sequence ends. And the model sleeps for milliseconds, "
    "because its window is full and not because it is tired."
)
PAPER = (
    "The mechanism is that of “Do Language Models Need Sleep? Offline Recurrence for Improved Online Inference” "
    "(Lee, McLeish, Goldstein and Fanti, [arXiv:2605.26099](https://arxiv.org/abs/2605.26099))."
)

PLOTS_FOLLOW = "The plots follow in a moment."
ACCURACY = (
    "Accuracy on fresh questions that were kept from training, with 95 % Wilson intervals; the level lines are "
    "separate models that were only ever trained with N = 1, at {symbol} = {difficulty}."
)
RING = "The ring is your setting."
NO_RING = "Your setting, N = {passes} at {symbol} = {difficulty}, was not measured."
OTHER_RUN = (
    "Measured on this page's own model, {checkpoint}, as it was trained; your run differs from it, so no ring marks it."
)
RETENTION = (
    "Long-term memory: how often the first row is still answered right after one, two, three and four windows have "
    "been slept on."
)

ROW_HELP = "Cells as 0 and 1, {cells} of them. Type here, or click the cells below."
STEPS_HELP = "How many steps of Rule 110 the model is asked to look ahead."
START_HELP = "The node from which the edges are followed."
HOPS_HELP = "How many edges are followed. The question comes after every edge is forgotten."
EDGES_HELP = (
    "Edges such as a->b, b->c, parted by commas or lines; {least} to {most} nodes, and exactly one edge leaves and "
    "one enters every node."
)
CYCLE_HELP = "Or click the nodes in the order of a cycle; its edges are then told in shuffled order."
SEVERAL_CYCLES = (
    "This graph falls into {cycles} cycles. The model was trained on one cycle only, so it may well answer wrong."
)
SUM_HELP = (
    "“assign b = a + 1.” or “Ben has 1 more apple than Ana.”; names are plain letters, a change is at most {change}, "
    "every value from {low} to {high}. Statements that the question does not need may stay."
)
OWN_QUESTION = "The text asks this itself."
REAL_SOURCE = (
    "Output of the public GSM-Infinite symbolic generator (Infini-AI-Lab, arXiv:2502.05252): the first of its problems "
    "with 8 operations."
)
ASK = {
    "after": "a variable, asked after the text",
    "first": "a variable, asked before the text (the paper)",
    "equals": "which variables equal a value (GSM-Infinite)",
}
PASSES_HELP = "N, the passes of one sleep. N = 1 is the ordinary hybrid model; N = 0 evicts the window unread."
EVICTION = {
    "hard": "hard: the whole cache (the paper)",
    "sliding": "sliding: keep the newest L − 1 tokens",
    "none": "none: keep everything",
}
ATTENTION = {"": "as it was trained", "causal": "causal (the paper)", "full": "full: both ways while asleep"}
TRIGGERS = {"window": "window full (the paper)", "every": "every M tokens", "manual": "asked for"}
CONTROL_HELP = "Break one part of the mechanism and see whether the answer survives."
AS_IT_IS = "the run as it is"
CONTROLS = {
    "none": f"none: {AS_IT_IS}",
    "zero_state": "zero S before waking",
    "shuffled_state": "S of another sequence",
    "replay": "replay the same keys and values",
    "reset_state": "reset S before each pass",
    "untrained": "untrained weights",
}

CONTROLS_MEASURED = (
    "Which part does the work? Each control breaks one part of the mechanism; its accuracy stands beside that of the "
    "run as it is, on the same questions, at N = {passes}. Under “Advanced” you can break your own run in the same way."
)


@dataclass(frozen=True)
class Meaning:
    """What a control shows where accuracy falls, and where it does not."""

    where_it_falls: str
    where_it_holds: str


CONTROL_MEANINGS = {
    "zero_state": Meaning("the answer is read from S", "the answer is not read from S"),
    "shuffled_state": Meaning("it matters what S has read", "it does not matter what S has read"),
    "replay": Meaning(
        "it is not the repetition that helps, but what the later passes work out anew",
        "writing the same keys and values again does as well as the later passes",
    ),
    "reset_state": Meaning(
        "what the earlier passes wrote into S is part of the computation",
        "the computation is done in h, S keeps the outcome",
    ),
    "untrained": Meaning("what sleep does was learned", "these answers need no training"),
}

UNTRAINED = "These weights are random: nothing was learned."
NO_BASELINE = "The model trained with N = 1 only is not here yet, so this comparison is missing."
NO_RECORDING = "No recorded run is here; `python -m sleepviz record --all` makes it. Until then every run is live."
INTERNAL_ERROR = "The run stopped on an internal error; the server's log says more."
TOO_MANY = "Too many visitors' runs are waiting; try again in a moment."


@dataclass(frozen=True)
class Deviation:
    """A named departure from the paper, and what it is in one sentence."""

    name: str
    sentence: str


DEVIATIONS = {
    "input_recall": Deviation("input recall", "From the second pass on, h is mixed again with the embedding."),
    "vocabulary_feedback": Deviation(
        "vocabulary feedback", "From the second pass on, h starts as the expected embedding of its own output tokens."
    ),
    "stream_loss": Deviation(
        "loss on the stream",
        "Training also scored what each pass puts out at every token: what it should have worked out by then.",
    ),
    "ahead_share": Deviation(
        "begun ahead",
        "In training, some batches begin some passes on, or skip some: what those should have worked out is given.",
    ),
    "conv_kernel": Deviation(
        "short convolution", "In each fast-weight layer a token first mixes with the few tokens before it."
    ),
    "window_positions": Deviation("window positions", "A learned vector marks each place in the window."),
    "beta_max": Deviation("write strength up to 2", "The paper's write strength stays below 1."),
    "sleep_attention": Deviation("full attention asleep", "While asleep, tokens also attend to later ones."),
    "per_pass_loss": Deviation("a step a pass", "Training asked, after N passes, for what takes N steps or fewer."),
    "whole_row": Deviation("whole-row answers", "The paper asks for the first cell of each row only."),
    "steps_token": Deviation("t as a token", "One model serves every t; the paper fixes t for each model."),
    "roll_call": Deviation(
        "roll call", "Every window ends with all names and a free place for each, where the passes can work."
    ),
    "small_values": Deviation("small sums", "Values and changes are kept small; the paper's problems are larger."),
    "any_n": Deviation("one model for every N", "The paper trains a separate model for each N."),
}


def no_checkpoint(task: str) -> str:
    """What is said where a task has no trained model."""
    return f"No trained model for this page is here yet; `python -m sleepviz train --preset {task}-micro` makes one."


def no_results(task: str) -> str:
    """What is said where nothing was measured."""
    command = f"python -m sleepviz experiments --queue --only {task}"
    return f"The measured accuracies are not here; `{command}` makes them."


def plain(sentence: str) -> str:
    """What a person typed is text, never Markdown."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|<>~$:" else char for char in sentence)
