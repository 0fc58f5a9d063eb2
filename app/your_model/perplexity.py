"""On the page "Your model": did sleeping longer help? Perplexity of how the document goes on, measured on request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from app.figures import perplexity_figure
from app.shell import messages, progress
from app.shell.state import Visit
from app.shell.theme import Mode
from app.your_model import models
from sleepviz.text.losses import Losses, perplexity, saved

PASSES = (0, 1, 2, 4)
SETTINGS = len(PASSES) + 1  # and full attention
POLL_S = 1.5  # a script run collects garbage in full: polled more often, it starves the loading
QUICK_S = 0.3
INTRO = (
    "At the end of each window the cache is empty and the document goes on. Its next window is read awake, in one "
    "pass, and each of its tokens but the first is scored: N = 0 has dropped all that came before unread, full "
    "attention has kept it all. The bars are 95 % intervals over the scored tokens, taken as independent. **A model "
    "that was not trained for sleep is not expected to gain from N > 1**; below the plot it says whether this one "
    "did."
)
STARTING = "Starting PyTorch and transformers, and loading the model."
MEANINGLESS = "With random weights a perplexity means nothing, so none is measured here."


@dataclass(frozen=True)
class Measured:
    """What was asked: the model and the text. The sweep belongs to these."""

    source: str
    digest: str
    document: str
    window: int
    trust_remote_code: bool


def measure(asked: Measured) -> Iterator[Losses]:
    """Setting by setting. Called in a worker thread. Raises ConfigError."""
    import torch

    from sleepviz.config.base import require
    from sleepviz.hybrids.perplexity import losses_by_setting
    from sleepviz.hybrids.watched import TOKENS_MAX, window_of

    model, tokenizer = models._loaded(asked.source, asked.digest, asked.trust_remote_code)
    tokens = tokenizer.encode(asked.document, add_special_tokens=False)
    require(len(tokens) <= TOKENS_MAX, f"the document must have at most {TOKENS_MAX} tokens: {len(tokens)}.")
    window = window_of(model, asked.window)
    yield from losses_by_setting(model, torch.tensor([tokens]), window=window, passes=PASSES)


def show(visit: Visit, asked: Measured, mode: Mode) -> None:
    """The button, the progress, and what was measured of this model and this text."""
    st.header("Does sleeping longer help this model?", anchor="perplexity")
    st.markdown(INTRO)
    kept, sweep = visit.get("perplexity", (None, None))
    if kept != asked:
        sweep = None
    is_open = sweep is not None and not sweep.is_over
    if st.button("Measure perplexity", key=visit.key("measure"), disabled=is_open) and not is_open:
        sweep = models.queue().sweep(measure(asked), SETTINGS)
        visit.set({"perplexity": (asked, sweep)})
        if sweep.wait(QUICK_S):
            st.rerun()
    if sweep is None:
        return
    if not sweep.is_over:
        progress.show_sweep(sweep, "settings", STARTING, every_s=POLL_S, cancel="your_model_perplexity_cancel")
    elif sweep.phase == "failed":
        st.error(messages.plain(sweep.message), icon=":material/error:")
    elif sweep.phase == "cancelled":
        st.info("Stopped.", icon=":material/stop_circle:")
    else:
        _outcome(sweep.cells, mode)


def _outcome(measured: Sequence[Losses], mode: Mode) -> None:
    figure = perplexity_figure(measured, mode=mode)
    st.plotly_chart(figure, key="perplexity_figure", theme=None, alt=" ".join(sentences(measured)))
    st.markdown(table(measured))
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(measured)))


def table(measured: Sequence[Losses]) -> str:
    """Markdown: a line for each setting."""
    lines = ["| | perplexity | 95 % interval |", "|---|---:|---:|"]
    for each in measured:
        found = perplexity(each)
        lines.append(f"| {each.name} | {found.value:.2f} | {found.low:.2f} to {found.high:.2f} |")
    return "\n".join([*lines, "", f"{len(measured[0].nats)} tokens scored, the same ones in every line."])


def sentences(measured: Sequence[Losses]) -> tuple[str, ...]:
    """What the paired differences say: did reading asleep help at all, and did sleeping longer?"""
    by_passes = {each.n_passes: each for each in measured}
    unread, once, full = by_passes[0], by_passes[1], by_passes[None]
    found = [_compared("Reading each window once (N = 1) instead of dropping it unread", once, unread)]
    found += [
        _compared(f"N = {each.n_passes} instead of N = 1", each, once) for each in measured if (each.n_passes or 0) > 1
    ]
    return (*found, _compared("Full attention instead of N = 1", full, once))


def _compared(change: str, losses: Losses, reference: Losses) -> str:
    gain = saved(losses, reference)
    size = f"{gain.value:+.3f} nats a token, {gain.low:+.3f} to {gain.high:+.3f}"
    said = {1: "helped", -1: "made it worse", 0: "made no difference that these tokens could show"}[gain.sign]
    return f"{change} {said} ({size})."
