"""Everything that the page Inside says."""

from __future__ import annotations

TITLE = "Inside: what is in S?"
LEAD = (
    "Each head of a fast-weight layer holds a small table S. Every token writes to S by a key, and reads from S by a "
    "key. Pick one head, move through the passes, and see what was written and what S gives back."
)
TASK = "Task"
LOOK = "Look inside"
HEAD, WINDOW, ATTENTION_HEAD = "Head of S", "Window", "Head of attention"
HEAD_NAME = "layer {layer}, head {head}"
WINDOW_NAME = "window {window} of {windows}"
BESIDE = "Compare with"
ALONE = "nothing"
STARTING = "Loading the libraries for the first run."
COMPUTING = "passes"
STOPPED = "Stopped."
NO_S = "This model has no fast weights: there is no S to look into."
FIXED_ONLY = "Inside shows runs with N passes for every window. Choose that under “More settings”."
TOO_MANY = "Inside shows up to {most} passes; ask for fewer."
NO_PASS = "With N = 0 the model does not sleep, and writes nothing. Ask for at least one pass."
PASS_HEAD = "pass"
SOURCE = "Computed just now by {name} ({digest}), {passes}."
BESIDE_SOURCE = "Beside it, in orange: {what}, by {name} ({digest})."
BESIDE_FAILED = "The second run cannot be made: {reason}"
SAME_UNTIL_WAKING = "This control changes S only at waking, so both runs look alike here."
OTHER_SHAPE = "The two models' tables differ in size: no difference can be drawn."

# What may stand beside a run.
ONE_PASS, TWICE, ANOTHER = "only one pass", "twice as many passes", "another question"
CAUSAL, FULL = "causal attention asleep", "full attention asleep"
CONTROLS = {
    "replay": "the same writes again and again",
    "reset_state": "S reset before each pass",
    "untrained": "untrained weights",
}
MODEL = "the model {name}"

# The pictures: a heading, and what to notice.
PICTURES = {
    "state": ("S after the pass", "Blue is positive, orange negative. The scale is the same for all passes."),
    "change": ("What the pass changed: S(n) − S(n−1)", "Bright at first. Dark once S is still."),
    "singular": ("Singular values of S", "How many independent entries the table holds. Faint: the other passes."),
    "tokens": ("Every token: what it keeps and how strongly it writes", "Click a token to see what it wrote."),
    "wrote": ("What the token wrote", "Its key down, its correction across: one outer product."),
    "attention": ("Attention in this pass", "Each row is a token; bright is where it looks."),
    "path": ("How S and h move", ""),
    "distance": ("How far from the end", "The distance to where the run ends, before anything is projected."),
}
PLANE = "One dot a pass, in one plane that was fitted once for the run."
PLANE_SHARED = "One dot a pass. Both runs stand in one plane, which was fitted once to both. Dashed: the run beside."
PLANES_APART = "One dot a pass. Where the runs differ in size, each has a plane of its own, fitted once."
PASS = "Pass"

# Text for each picture and pass.
SAID_STATE = "The size |S| is {size:.2f}. The largest entry, {value}, is at key {key}, value {column}."
SAID_CHANGE = "This pass changed the head by {share:.0f} % of its size, most at key {key}, value {column}."
SAID_SINGULAR = "The largest singular value is {first:.2f}. {rank} of {all} hold 90 % of the table."
SAID_EMPTY = "S is empty."
SAID_TOKENS = (
    "{writer} at place {place} writes most strongly, with {strength:.2f}. "
    "{forgetter} at place {forgets} keeps least of S, {kept:.1f} %."
)
SAID_ATTENTION = "The sharpest look: {reader} (place {row}) looks at {read} (place {column}), with {share:.0f} %."
EARLIER = "an earlier token"
SAID_PATH = "The plane shows {share:.0f} % of how S moves and {h_share:.0f} % of how h moves."
SAID_DISTANCE = "S is {state:.0f} % of its final size away from where it ends, h {h:.0f} %."

# Ask the memory.
ASK = "Ask the memory"
ASK_LEAD = (
    "Pick a key. The table shows what S gives back for it after each pass. S is read by itself: the answering pass "
    "takes no part. The key makes a query, and S answers it. The layer's output projection and the unembedding turn "
    "the answer into words."
)
KEY, READ_FROM, DETAIL = "Key", "Read from", "Nearest words for"
ALL_LAYERS, LAYER = "all layers together", "layer {layer} alone"
OWN_S, OTHER_S, TRUTH = "This S", "Another run's S", "true"
AFTER = "after pass {n}"
TABLE = "The answer for {key}, read from {reader}. ✓: the model would answer the same now."
NEAREST = "Nearest words for {key}, after pass {n}: layer by layer, with their probabilities."
ALIKE = "In brackets: other tokens that are written alike, such as a 1 of another row."
ALIKE_TEXT = "In brackets: other tokens that are written alike, with or without a blank before them."
READERS = "Reader"
RANK = "{n}."
AGREES = "After pass {n}, S names what the model would answer for {same} of {all} keys. Another run's S names {other}. "
MEASURED = "These keys belong to one question; [the Lab](/lab?task={task}#memory) has many."
LENS = (
    "Such a reading is called a logit lens. Where a model spreads an answer over several layers, each layer's S alone "
    "may tell nothing."
)
NOT_READ_YET = "Nothing can be asked of this window yet."
EVERYTHING = "every key"

# A probe.
PROBE = "a linear probe, fitted on other inputs"
PROBE_STEPS = "steps"
PROBE_READS_LAST = (
    "The probe reads S only after the last window, and only where sleep begins when the window is full. It reads "
    "nothing of this window or key."
)
PROBE_IS = (
    "The probe is a linear map from S to the answers. It was fitted just now on {fitted:,} other inputs, after the "
    "same pass of the same sleep. What a probe reads stands in S, whether or not the model makes use of it."
)
PROBE_READER = "S by a linear probe"
PROBE_AGREES = (
    "After pass {n}, the probe names what the model would answer for {same} of {all} keys. From another input's S, "
    "the probe names {other}."
)
PROBE_TABLE = (
    "Share that the probe reads right, of {tested} further inputs that it was not fitted on. In brackets: the same "
    "from another input's S."
)
PROBE_SHARE = "share right"
LITTLE = (
    "Read in this way, S says hardly more than another run's S. A linear probe may find more: choose the probe under "
    "**Read from**. Fitting the probe takes some seconds."
)

# A model of the transformers library.
YOUR_MODEL = "Your model"
WAITING = "Another visitor's run is ahead; yours goes on in a moment."
SO_FAR = "{n} {what} are computed so far."
TEXT_LEAD = (
    "This is a run of the page [Your model](/your-model): the same model, text, question and N. Change them there, and "
    "press **Look inside** again."
)
ASKED = "Asked after the text: “{question}”"
NO_WRITES = "What the tokens write cannot be seen in this layer: it shows no keys and gates of a kind known here."
NO_ATTENTION = "Attention maps cannot be seen: the library does not hand them out while its models sleep."
FEWER_LAYERS = "{shown} of the {all} layers with S are shown."
NOT_ASKED = (
    "S of this model cannot be asked for words. Its layers do not show their queries, or they put out nothing, as "
    "untrained memory does."
)
TEXT_ASK_LEAD = (
    "Pick a token of the question. The table shows what S gives back for it after each pass. The question is read "
    "alone, with no cache and no S, and makes a query in each layer. S answers the query. The layer's own output "
    "projection and the model's unembedding turn the answer into words."
)
TOKEN = "Token of the question"
TOKEN_NAME = "{place}: {token}"
BACKWARDS_S = "S of the text read backwards"
TEXT_TABLE = "{of}. Nearest words for {token}, read from {reader}, with their probabilities."
NO_LETTER = "(no letter)"
DROPPED = "the dropped files"
