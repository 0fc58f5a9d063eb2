"""Everything that the page Cost says."""

from __future__ import annotations

TITLE = "What does sleep cost, and when does it pay?"
LEAD = (
    "Sleep costs computing once, and saves memory from then on. Each pass reads every window once more. Reading window "
    "by window costs less than reading the whole context at once: a token looks back over its own window only. "
    "With sleep the cache never holds more than one window, and each answer is one short pass."
)
COUNTED = ":material/calculate: **Counted** from the model's shape. Nothing was run."
PAIRS = "Attention is counted as a causal kernel computes it: a token looks at itself and at the tokens before it."
PAIRS_BOTH_WAYS = (
    "While asleep, this model also looks ahead in its window, so every pair of tokens in the window is counted."
)
MEASURED = ":material/timer: **Measured** on the machine that serves this page."

MODEL, OWN_SHAPE, HERE = "Model", "your own shape", "{name} (this site's {task} model)"
WINDOW, PASSES, CONTEXT, QUESTION = "Window L, tokens", "Passes N", "Context, tokens", "Question, tokens"

# A shape that the visitor types.
TYPED = "Its shape"
FIELDS = {
    "hidden": "Width of the stream",
    "full_layers": "Layers with full attention",
    "fast_layers": "Layers with fast weights",
    "heads": "Heads of attention",
    "kv_heads": "Key-value heads",
    "head_dim": "Width of a head",
    "mlp": "Inner width of the MLP",
    "vocabulary": "Vocabulary",
    "fast_heads": "Heads of fast weights",
    "fast_dim": "Width of their keys and values",
}
BAD_SHAPE = "This shape cannot be counted: {problem}"

BILL = "The bill"
BILL_TABLE = "{model}: {context:,} tokens in windows of {window:,}, N = {passes}."
BILL_HEADS = ("counted", "with sleep", "without sleep")
ROWS = {
    "kv": "KV cache, at its fullest",
    "fast": "fast weights S",
    "reading": "operations to read the context",
    "answer": "operations of a question, with the cache or S at hand",
    "again": "operations of a question, the context read again",
}
NONE = "none"
SAVED = "Clearing saves {share:.1f} % of the memory: {with_} in place of {without}{together}."
TOGETHER = ", cache and S together"
ONE_WINDOW = (
    "Here clearing saves nothing: the whole context fits into one window, so the cache holds all of it before anything "
    "is cleared."
)
SLIDES_ALREADY = (
    "Here clearing saves nothing: every layer with attention has a sliding window, and so the cache never holds more "
    "than {cache}, with sleep or without."
)
NO_CACHE = "Here clearing saves nothing: this model has no layer with attention, so it keeps no cache."
PAYS = (
    "Sleep pays off from question {n:,} on. This holds where the cache is not kept between two questions, so that "
    "each one reads the context again."
)
NEVER = "Counted in operations, sleep never pays off here: reading everything again costs no more than an answer."
UNEQUAL = (
    "The bill counts operations, not right answers. Reading again is one pass, and one pass does not answer questions "
    "that take many steps in a row."
)
ON_OURS = "This site's models show it. {measured}"
UNEQUAL_AT = "{task}, {steps}: one pass is right on {one} questions, {passes} on {many}."
NO_FAST = (
    "This model has no fast weights, so it cannot sleep as it is. The paper first adds six such layers; they "
    "are not counted here."
)
LOOPS = (
    "An ordinary pass of this model runs through its layers {loops} times; each pass of sleep is counted the same way."
)
SLIDING = "Layers with a sliding window hold only their newest tokens, so clearing saves less."

MEMORY = "Memory against context"
MEMORY_NOTICE = "Cache and S together. Sleep makes the line flat at one window. Both axes are logarithmic."
MEMORY_ALT = "Bytes against context: without sleep up to {without} at {context:,} tokens, with sleep {with_}."
EVEN = "Break-even"
EVEN_NOTICE = "Where the lines cross, sleep has paid off. More passes move the crossing to the right."
EVEN_ALT = "Operations against the number of questions. {pays}"
MODELS = "Models in use, by their published shapes"
MODELS_TABLE = "The same plan for each. Sleep and question: operations."
MODELS_HEADS = ("model", "KV without", "KV with", "S", "sleep", "question", "pays from question")
CANNOT = (
    "Ouro and Llama have no fast weights: they cannot sleep as they are, and their rows count the passes alone. "
    "The paper gives Ouro six layers with fast weights first."
)
SOURCES = "Where the shapes come from"
SOURCE_LINE = "- **{name}** ({parameters:.2f} billion weights counted, {published:g} stated): {source}"
NOT_SHOWN = "Samba 3.8B, which the paper names, is not shown: we found no file from its makers that states its shape."

MEASURE, MEASURE_LEAD = (
    "Measured here",
    "Press the button: a model with the shape of this site's model sleeps and wakes here, for each N and window.",
)
PRESS, SETTINGS, STARTING = "Measure {n} settings", "settings", "Loading the libraries for the first measurement."
REPEATS = "Each is repeated {n} times on one thread. The table shows the median, and the quartiles in brackets."
TIMES_TABLE = "Milliseconds of one sleep over one window, and of one answer of {question} tokens."
TIMES_HEADS = ("N", "window", "sleep, ms", "wake, ms", "sleep for each pass and token, µs")
TIMES, TIMES_NOTICE = "Seconds of sleep", "Sleep grows with N; the answer, dashed, does not."
TIMES_ALT = "Seconds of sleep over N for each window."
STOPPED = "Stopped; what was measured stands below."
