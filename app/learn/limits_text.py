"""Every word of “Limits and open questions”. What stands in braces is read from the results files when it is shown."""

from __future__ import annotations

TITLE = "Limits and open questions"
LEAD = "What the paper and its readers left open, and what this project measured about each point."

COST_TITLE = "Sleep costs computing"
COST = (
    "Every pass is one trip through all layers. You pay for sleep once per window and for an answer once per question."
)
COST_SLEEP = (
    "{task}: {passes} took {sleep} times the operations of one pass. For up to about {even} questions about a window, "
    "reading the window again for each question takes fewer operations."
)
COST_UNEQUAL = (
    "But reading again is one pass, and one pass does not answer as well. At {steps}, one pass is right on {one} "
    "questions, and {passes} on {many}."
)
COST_KEPT = "A model that keeps its cache and reads once is right on {kept}."
COST_WAKE = "{task}: the answer took the same number of operations at every N from {least} to {most}."

TASKS_TITLE = "The gain depends on the task"
TASKS_SAID = (
    "Sleep helps where the answer takes more steps in a row than one pass of the layers can do. Other questions need "
    "only one pass."
)
TASKS_GAIN = "{task}, {steps}: right on {many} fresh questions with {passes}, {one} with one pass."
TASKS_ALONE = "The best model trained with one pass only: {alone}."
TASKS_NO_NEED = "So these questions do not need more than one pass of sleep."
TASKS_TEXT = (
    "The small model of the page “Your model” answers {hops} hops through a page of English. It is right on {one} with "
    "one pass and on {two} with two. No gain from the second pass was measured."
)

PASSES_TITLE = "The number of passes matters"
PASSES = "Too few passes stop short of the answer. Far too many can wear it away."
PASSES_FEW = "{task}, {steps}: right on {best} with {passes}, and on {most} with {many}."
PASSES_SAME = "{task}, {steps}: right on {best} with {passes}. {many} did no measurable harm there."
PASSES_ELSEWHERE = "At {where} accuracy falls with {many}: from {high} with {passes} to {low}."
PASSES_ELSEWHERE_MOST = "At {where} accuracy falls with {many}, most at {steps}: from {high} with {passes} to {low}."
OTHERS_HARMED = "{n} other difficulties"

WINDOWS_TITLE = "The window stays"
WINDOWS = (
    "Sleep does not remove the window: the model still reads in pieces of a fixed size. Each model here was trained "
    "with one window size, and no other size was tried."
)
WINDOWS_SLIDING = (
    "Small graph model, {steps}, {passes}. With the whole cache cleared: right on {hard}. With a sliding window: "
    "{sliding}."
)
WINDOWS_UNPREPARED = "The model trained with a cleared cache is right on {unprepared} with a sliding window."
WINDOWS_FULL = (
    "Rule 110, {steps}: a model with full attention and no clearing is right on {oracle}. That model "
    "lacks steps in a row, not memory."
)

ATTENTION_TITLE = "Attention while asleep"
ATTENTION = (
    "The paper lets a token look back only. While a model sleeps, nothing forbids a token from looking ahead inside "
    "the window."
)
ATTENTION_BOTH = (
    "{task}, small model, {steps}, {passes}: right on {full} when looking both ways. Looking back only: {causal}."
)

MODALITIES_TITLE = "Pictures and sound"
MODALITIES = (
    "The paper's models read text. On the page Digits a model reads images of handwritten digits, patch by patch. Each "
    "digit says how far to jump, and the question comes after all images are cleared. Sound was not tried."
)

SCHEDULES_TITLE = "When to sleep, and when to wake"
SCHEDULES = (
    "In the paper a full window starts sleep, and N is fixed. Here a model may also stop when S no longer changes. The "
    "Lab compares other moments for sleep, under *When to sleep?*"
)
SCHEDULES_STOP = (
    "{task}, all difficulties mixed: a model that stops when S changes by less than {threshold} is right on "
    "{right}. This takes {mean} passes on average."
)
SCHEDULES_FIXED = "{task}: with {passes} for every window, the model is right on {right}."

NOT_MEASURED = "Not measured yet."

OTHERS_TITLE = "Five neighbours, and how they differ"
OTHERS = (
    (
        "Test-time training",
        "A layer's state is a small model that takes a gradient step at every token "
        "([arXiv:2407.04620](https://arxiv.org/abs/2407.04620)). Sleep adds passes over the same tokens instead, and "
        "the later passes work on new activations.",
    ),
    (
        "Context distillation",
        "A model is trained to answer as if a text stood before the question "
        "([arXiv:2209.15189](https://arxiv.org/abs/2209.15189)). That changes the trained weights by gradient descent. "
        "Sleep changes only S, and takes no gradient.",
    ),
    (
        "Chain of thought",
        "A model writes its steps out as tokens after the question "
        "([arXiv:2201.11903](https://arxiv.org/abs/2201.11903)). The answer then takes longer. Sleep takes its steps "
        "before the question, in activations.",
    ),
    (
        "Sleep-time compute",
        "A model thinks about a text in words before anybody asks "
        "([arXiv:2504.13171](https://arxiv.org/abs/2504.13171)). Its notes are tokens, and they stay in the context. "
        "Sleep writes into S, and the context is gone.",
    ),
    (
        "“Language Models Need Sleep”",
        "Nearly the same name, another method "
        "([arXiv:2606.03979](https://arxiv.org/abs/2606.03979)): reinforcement learning, growing weights and "
        "distillation. This site shows [arXiv:2605.26099](https://arxiv.org/abs/2605.26099).",
    ),
)
