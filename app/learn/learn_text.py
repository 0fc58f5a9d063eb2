"""Every word of the page Learn: ten steps, each with one sentence, one thing to do, and what the visitor then saw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step: its title, its sentence of at most 22 words, what to do, and what was seen once it is done."""

    title: str
    sentence: str
    do: str
    seen: str


LEAD = "Ten steps, about ten minutes: why a language model would sleep, and what sleep does."

STEPS = (
    Step(
        "A cache that grows",
        "A language model keeps a key and a value for every token it reads: this is its KV cache.",
        "Type at least five words and watch the cache grow.",
        "Every token adds to the cache, and nothing ever leaves it. Long texts fill the memory of any machine.",
    ),
    Step(
        "A window that fills",
        "The cache has a limit, called the window: once the window is full, the model can read no further.",
        "Drag the slider, or press the arrow keys, until the window is full.",
        "To read on, the model must empty its cache. It should save what it read before that.",
    ),
    Step(
        "A memory that does not grow",
        "Fast weights are a small table S of fixed size: tokens write to it by key and read from it by key.",
        "Work through the list beside the table.",
        "S still has 16 numbers: writing changes them and adds none. Keys that overlap blur each other. The delta rule "
        "corrects a blur before it writes.",
    ),
    Step(
        "One pass of sleep",
        "In one pass, the whole window goes through every layer, and each token writes to S.",
        "Let the model sleep for one pass, then ask what the row becomes after one step.",
        "One step of Rule 110 takes one small computation, and one pass is enough for it.",
    ),
    Step(
        "A harder question",
        "Six steps of Rule 110 are six small computations, and each needs the result of the one before.",
        "Guess: will one pass of sleep be enough for six steps?",
        "One pass does one step. The answer is the row after step 1, five steps short.",
    ),
    Step(
        "Several passes",
        "Each pass starts from the activations that the pass before it computed, so it can go one step further.",
        "Press “Next pass” until all six passes are done.",
        "After each pass the answer “if it woke now” moves one row down. Pass 3 starts from what pass 2 computed; "
        "pass 1 had only the row itself.",
    ),
    Step(
        "Clearing the cache",
        "After sleep the cache is emptied, and only the fast weights S go on to the next window.",
        "Clear the cache, then ask what the row becomes after six steps.",
        "The answer was in S. The model that never slept had the row only in its cache, and the cache is gone.",
    ),
    Step(
        "Is it really S?",
        "If the answer is stored in S, then breaking S must break the answer.",
        "Break the run in all three ways.",
        "Wiping S or replacing S loses the answer. Replaying the first pass never gets past the first step.",
    ),
    Step(
        "Is it only more computing?",
        "Another model of the same shape got as much computing in training, but never more than one pass of sleep.",
        "Ask that model what the row becomes after six steps.",
        "More training did not replace sleep. What the other model lacks is steps in a row, not practice.",
    ),
    Step(
        "What this shows, and what it does not",
        "Sleep does its work before the question comes: the answer itself still takes one ordinary pass.",
        "Pick an open question and go to where it was measured.",
        "This shows the mechanism on small models. It does not show that large models need sleep. The model of this "
        "path was taught each step. On the page Graph, a second model found its steps from right answers alone.",
    ),
)

SIZES, SMALL, LLAMA = "KV cache", "the small model of this site", "a model with the shape of Llama 3.1 8B"

RULE = "Rule 110 makes each new bit from the three bits above it. A dark square is a 1."

CACHE_TYPED = {
    "ask": "Your words",
    "token": "token",
    "key": "key",
    "value": "value",
    "one": "1 token: 1 key and 1 value in the cache.",
    "count": "{n} tokens: {n} keys and {n} values in the cache.",
    "full": "",
}
CACHE_NOTE = "One word counts as one token here. Real models often split a word into several tokens."
CACHE_READ = {
    "ask": "Tokens read",
    "token": "token",
    "key": "key",
    "value": "value",
    "one": "1 of {goal} tokens is in the cache.",
    "count": "{n} of {goal} tokens are in the cache.",
    "full": "The window is full: {goal} of {goal} tokens. The model cannot read on.",
}
WINDOW_NOTE = "These are the tokens of a real run: the number of steps asked for, then a row of {bits} bits."

TABLE = {
    "key": "Key",
    "value": "Value",
    "caption": "S, four by four",
    "corner": "key {key}",
    "correct": "Correct before writing (delta rule)",
    "write": "Write {key} → {value}",
    "reads": "{key} reads",
    "written": "Written: {key} → {value}.",
    "nothing": "The key {key} reads nothing yet.",
    "clear": "The key {key} reads {list}.",
    "blurred": "The key {key} reads a blur: {list}.",
    "tasks": [
        {"said": "Write red → apple.", "key": "red", "value": "apple", "rule": "hebbian"},
        {"said": "Write green → pear.", "key": "green", "value": "pear", "rule": "hebbian"},
        {"said": "Choose red again: what does it read?", "key": "red"},
        {
            "said": "Write yellow → lemon. Yellow lies between red and green.",
            "key": "yellow",
            "value": "lemon",
            "rule": "hebbian",
        },
        {
            "said": "Yellow reads a blur. Switch the correction on and write yellow → lemon again.",
            "key": "yellow",
            "value": "lemon",
            "rule": "delta",
        },
    ],
}
TABLE_NOTE = (
    "Writing adds key times value to S. Reading multiplies S by a key. The delta rule first takes away what the key "
    "reads already."
)

SLEEP_ONE, ASK = "Sleep for one pass", "Ask the question"
REVEAL = "Show the answer"
NEXT_PASS, PASS = "Next pass", "Pass {n} of {of}"
CLEAR = "Clear the cache"
BREAK = {
    "zero_state": "Wipe S",
    "shuffled_state": "Use another run's S",
    "replay": "Replay the first pass",
}
BROKEN = {
    "zero_state": "Every number in S was set to zero before the question.",
    "shuffled_state": "Before the question, S was replaced by the S of a run on another row.",
    "replay": "Every pass wrote the keys and values of the first pass again, instead of computing new ones.",
}
ASK_OTHER = "Ask the other model"
NO_RECORDING = "This recorded run is not here; `python -m sleepviz record --all` makes it. Go on to the next step."
DAMAGED = "This recorded run is damaged, so it is not shown. Go on to the next step."
NO_WINDOW = "The recorded run is not here, so no window can be shown. Go on to the next step."

CARDS = {
    "easy": ("One pass", "one step ahead"),
    "one_pass": ("One pass", "six steps ahead"),
    "slept": ("Six passes", "six steps ahead"),
    "unslept": ("Never slept", "the window was dropped"),
    "zero_state": ("S wiped", "six passes, then S set to zero"),
    "shuffled_state": ("Another run's S", "six passes, then another run's S"),
    "replay": ("First pass replayed", "the same writes, six times"),
    "other": ("Trained with one pass only", "six steps ahead"),
}
OTHERWISE = "This run did not come out as such runs usually do. Look at its answer, then go on."
SHARE = "Right on {share} fresh questions."
HERE = "Here {answer}."
EXCEPTION = "This answer is an exception."
HARDER, AS_HARD = "On harder questions", "On fresh questions"
CONTROL_SHARE = "{which} ({steps}, {passes}) such a broken run is right on {broken}. Unbroken: {whole}."

DEEPER = (
    "And a deeper model? This was measured on the task of the page {page}, at {steps}. A deeper model takes one pass, "
    "and as many operations for a window. This model is right on {deeper} fresh questions. The smaller model with "
    "{passes} is right on {slept}."
)

OPEN_QUESTIONS = (
    ("What does sleep cost?", "cost"),
    ("Does it help on every task?", "tasks"),
    ("How many passes are best?", "passes"),
    ("Is the window still needed?", "windows"),
    ("Should attention look both ways while asleep?", "attention"),
    ("When should a model wake?", "schedules"),
)
FINISHED = "You have finished the path. These pages go on from here:"

PICK = "Open questions"
WAYS_ON = (
    ("limits", "Limits and open questions"),
    ("lab", "Lab: every measurement"),
    ("rule110", "Watch: your own row"),
    ("your_model", "Your model"),
)

DO = "Do:"
BACK, NEXT, PLACE = "Back", "Next step", "Step {step} of {steps}"
NOT_YET = "The next step opens when this is done."
