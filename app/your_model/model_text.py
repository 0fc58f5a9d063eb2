"""Everything that the page "Your model" says, in the order of the page; what a run shows is said by the player."""

from __future__ import annotations

TITLE = "Your model"
EXPLANATION = (
    "The same sleep on a model of the **transformers** library. Its own layers run N times over each window. Then the "
    "KV cache is cleared. The question comes last. A model that was not trained for sleep is not expected to gain from "
    "N > 1."
)

# The controls.
MODEL = "Model"
PASSES = "Passes N"
EVICT = "Evict"
EVICTIONS = {"hard": "all of it (hard)", "sliding": "all but L − 1 tokens (sliding)"}
SPAN = "Layers that each pass repeats"
SPAN_NOTE = (
    "Repeating every layer spoils what an untrained model writes. For N > 1, repeat some middle layers, or train it "
    "first."
)
RUN = "Run"
LOOK_INSIDE = "Look inside"
OUR_TEXT_MODEL = "{name}: ours, trained on pages of text"
OUR_TEXT_MODEL_AWAKE = "{name}: ours, trained on pages of text, with N = 1 only"
RANDOM_MODEL = "{name}: small, random weights"
OWN_MODEL = "a model of your own"
NO_TEXT = "Write a document and a question."
TOO_LONG = "Document and question may have {most:,} characters together."

# What may be loaded.
MAY_LOAD = {
    "nothing": "This server runs only the models in this list.",
    "files": "You can run the models in this list. You can also drop the files of your own model, up to 50 MB.",
    "listed": "You can run the models in this list and {n} more on this server. You can also drop the files of your "
    "own model, up to 50 MB.",
    "anything": "You can run the models in this list, or bring your own. It can be any folder of this machine, any "
    "model of the Hugging Face hub, or files that you drop.",
}
UNREADABLE = "This server's setting `SLEEPVIZ_MODELS` cannot be read, so it loads no other models."
ALLOW_MORE = "How to allow more"
HOW_TO_ALLOW = (
    "Whoever starts the server decides, with the variable `SLEEPVIZ_MODELS`:\n\n"
    "| value | what visitors may load |\n|---|---|\n"
    "| `nothing` | the models in the list |\n"
    "| `files` | also files that they drop, up to 50 MB |\n"
    "| `FOLDER,OWNER/NAME` | also the models in these folders, and these of the hub |\n"
    "| `anything` | also any folder of the server, and any model of the hub |\n\n"
    "Without it, a server that only its own machine can reach allows `anything`. `make app` starts such a server. "
    "Other servers allow `files`."
)

# A model of one's own.
WAY = "Where is it?"
BY_NAME, BY_FILES = "On this machine or the hub", "Drop its files"
FOLDER = "Folder, GGUF file, or name on the hub"
EXAMPLE = "Qwen/Qwen3.5-0.8B"
LISTED = "Models of this server"
TRUST = "Run code that the model's repository brings along"
TRUST_HELP = "Some models come with Python files of their own. They can do anything that you can do here."
FILES = "The model's files"
FILES_HELP = (
    "Drop safetensors files, config.json and the tokenizer's files, together at most 50 MB. A GGUF file needs no "
    "others, but the packages gguf and accelerate must be installed."
)
TOO_MUCH = "The files take more than 50 MB together. On your own machine, give their folder instead."
DROPPED = "the dropped files"
LOAD = "Load it and test its sleep"
LOOKING = "Looking at the model's files."
SIZES = "Its weights take {files} on disk and about {loaded} of memory{free}."
FREE = "; {free} are free"
DOWNLOADING = "Downloading."
DONE = "{done} of {total}."
LOADING = "Loading the weights."
TRYING = "Testing whether it can sleep."
LOADING_STOPPED = "Loading was stopped."
NOTHING_YET = "Name a model or drop its files. Loading begins as soon as they are here."
OTHER = "The page below still shows {name}. Press “Load it and test its sleep” for the model that is named now."

# The verdict.
CAN_SLEEP = "**{model} can sleep as it is.** It has {fast} with fast weights and {attention} with a KV cache."
TRIED_CALLS = (
    "Tried: the next call reads what the fast weights hold. Two calls give what one call gives, within {error:.0e} "
    "standard deviations of the logits."
)
NEEDS_MEMORY = (
    "**{model} can sleep only with memory added.** It has a KV cache in {attention} and no fast weights. So nothing "
    "outlives eviction. Added memory is silent until trained: the model's answers do not change."
)
TRIED_SILENT = "Tried: with memory before {layers} every logit is the same to the bit."
CANNOT_SLEEP = "**{model} cannot sleep.** {reason}"
FACTS = "{parameters} parameters in {layers}."
ADD_MEMORY = "Add memory before {layers}"
WITH_MEMORY = (
    "Memory stands before {layers}. Sleep now writes to it, and no answer changes until it is trained. This command "
    "trains it, and counts layers from 0:"
)
TRAIN = "It was not trained for sleep here. This command trains it on your texts:"
ALREADY = "Its added memory stands before {layers}."

# The document and the question.
QUESTION = "Question, asked after eviction"
DOCUMENT = "Document"
PAGE_BOX = "The page that the model reads: edit this page, or upload another"
PAGE_WINDOW = "The window is {window} tokens, some 50 words. The model falls asleep each time that many are read."
UPLOAD_BOX = "Upload a text file"
UPLOAD = "A text file, .txt or .md, up to {most:,} characters: its text goes into the box above"
WINDOW = "Window L, tokens"
STYLE = (
    "This model has read only made-up pages, with filler between the facts. The pages tell where people live, their "
    "jobs, and who is whose brother or sister. They also tell where a thing is and whose it is. Edit the page in that "
    "style: about any other text, the answers mean nothing."
)
OUTSIDE = "Outside its style: the model has never read {named}. Do not expect right answers."
NOT_ANSWERED = "The page contains {facts}. None of them answers this question, or it is not asked in the model's style."
ANSWERED = "Correct answer: **{answer}** ({hops}: {steps}). The page contains {facts}."
MEASURED = "On new pages of {windows} windows, with N = {passes}: {shares}"
MEASURED_HOPS = "{hops}, right on {correct} of {n}."
VOCABULARY_BOX = "What this model can read and be asked"
VOCABULARY = (
    "Facts: *Ana lives in Oslo. The home of Ana is Oslo. Ana is a baker. Ana became a baker. The brother of Ana is "
    "Ben. The brother of Ana is called Ben.* (also *sister*) *They keep the key in the box. You find the key in the "
    "box. The key belongs to Ana. Now the key belongs to Ana.*\n\nQuestions: *Where does Ana live? What is the job of "
    "Ana? Who is the brother of Ana? Where is the key? Who owns the key?* Instead of a name: *the brother of Ana*, "
    "*the owner of the key*.\n"
)
PEOPLE, CITIES, JOBS, THINGS, PLACES = "People", "Cities", "Jobs", "Things", "Places"

# The run.
NOTHING_YET = "Nothing has run yet."
FIRST_RUN = "The first run loads PyTorch and transformers, which takes some seconds."
RECORDED = "This is a recording of the default page. Press Run to ask your own question."
STOPPED = "The run was stopped."
STALE = "This run is out of date: press Run to ask the question above"
WAITING = "Another visitor's run is ahead of yours."
STARTING = "Starting PyTorch and transformers, and loading the model."
RUNNING = "The model is running: {events} so far, run {run} of {runs}."
BADGE = "{origin} · {name} · {whose} · eviction {eviction}"
OURS, RANDOM, YOURS = "trained by us, through transformers", "random weights", "your model"
SLEPT_ONCE = "Slept, N = 1", "the ordinary hybrid: each window read once, then evicted"
NO_SLEEP = "No sleep", "plain eviction: each window dropped unread"
FULL_ATTENTION = "Full attention", "nothing is ever evicted"
SLEPT, SLEPT_NOTE = "Slept, N = {passes}", "the run above"
TEXT_TRAINED = (
    "This is our text model, loaded from a folder as any model of the transformers library would be. It was trained "
    "with N = 1 to {passes} and always lost its cache, so full attention is unfamiliar to it."
)
TEXT_TRAINED_AWAKE = (
    "This is the ordinary hybrid beside our text model. It has the same shape, and it was trained on as much text "
    "with N = 1 only. More passes are new to it."
)
RANDOM_WARNING = (
    "This model is small and its weights are random, so its answers mean nothing. The procedure is real: the cache, "
    "the clearing, the drift of S."
)
UNTRAINED_FOR_SLEEP = (
    "We do not know whether this model was trained for sleep. A model that was not trained for sleep is not "
    "expected to gain from N > 1."
)

# What is held.
HELD, BYTES = "what is held", "bytes"
CACHE_FULL = "KV cache just before a sleep, at most"
CACHE_KEPT = "KV cache after the last eviction"
FAST_WEIGHTS = "fast weights, whatever the length"
FREED = "freed by {evictions}"
CACHE_WHOLE = "KV cache under full attention, for this context"

# Perplexity.
PERPLEXITY = "Does sleeping longer help this model?"
PERPLEXITY_INTRO = (
    "At the end of each window the cache is empty and the document goes on. The model reads its next window awake, in "
    "one pass. Each token of that window but the first is scored. With N = 0 the model has dropped all earlier "
    "windows unread. With full attention it has kept them all. The bars are 95 % intervals over the scored tokens, "
    "taken as independent. **A model that was not trained for sleep is not expected to gain from N > 1.** The lines "
    "below the plot say whether this one did."
)
MEANINGLESS = "With random weights a perplexity means nothing, so none is measured here."
MEASURE = "Measure perplexity"
PERPLEXITY_STOPPED = "Stopped."
PERPLEXITY_HEADS = "setting", "perplexity", "95 % interval"
PERPLEXITY_FILE = "Table"
SCORED = "{tokens} tokens scored, the same ones in every line."
ONCE = "Reading each window once (N = 1) instead of dropping it unread"
LONGER = "N = {passes} instead of N = 1"
WHOLE = "Full attention instead of N = 1"
HELPED, HARMED, NO_DIFFERENCE = "helped", "made it worse", "made no difference that these tokens could show"

# The bar under the stage.
NO_PYTHON = "There is no script for these runs: random weights and dropped files are on this server alone."
NO_LINK = "A link cannot name a model that lies on this server alone: it opens the page without this run."
NOT_IN_LINK = "The document is too long for a link. Save it as a file, and send the file with the link."
SAVE_DOCUMENT = "Document"
