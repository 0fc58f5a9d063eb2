"""On the page "Your model": did sleeping longer help? Perplexity of how the document goes on, measured on request."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from app.figures import perplexity_figure
from app.shell import messages, progress
from app.shell.state import Visit
from app.shell.theme import Mode
from app.your_model import model_text, models
from sleepviz.text.losses import Losses, perplexity, saved

PASSES = (0, 1, 2, 4)
SETTINGS = len(PASSES) + 1  # and full attention
POLL_S = 1.5  # a script run collects garbage in full: polled more often, it starves the loading
QUICK_S = 0.3


@dataclass(frozen=True)
class Measured:
    """What was asked: the model and the text. The sweep belongs to these."""

    source: str
    digest: str
    document: str
    window: int
    trust_remote_code: bool
    span: tuple[int, int] | None = None
    memory_layers: tuple[int, ...] = ()


def measure(asked: Measured) -> Iterator[Losses]:
    """Setting by setting. Called in a worker thread. Raises ConfigError."""
    import torch

    from sleepviz.config.base import require
    from sleepviz.hybrids.models.tokens import read_text
    from sleepviz.hybrids.perplexity import losses_by_setting
    from sleepviz.hybrids.watched import TOKENS_MAX, window_of

    model, tokenizer = models.loaded(asked.source, asked.digest, asked.trust_remote_code, asked.memory_layers)
    tokens = read_text(tokenizer, asked.document).tokens
    require(len(tokens) <= TOKENS_MAX, f"the document must have at most {TOKENS_MAX} tokens: {len(tokens)}.")
    window = window_of(model, asked.window)
    yield from losses_by_setting(model, torch.tensor([tokens]), window=window, passes=PASSES, span=asked.span)


def show(visit: Visit, asked: Measured, mode: Mode) -> None:
    """The button, the progress, and what was measured of this model and this text."""
    st.header(model_text.PERPLEXITY, anchor="perplexity")
    st.markdown(model_text.PERPLEXITY_INTRO)
    kept, sweep = visit.get("perplexity", (None, None))
    if kept != asked:
        sweep = None
    elif sweep.was_left:
        sweep = models.queue().resumed(sweep)
        visit.set({"perplexity": (asked, sweep)})
    is_open = sweep is not None and not sweep.is_over
    if st.button(model_text.MEASURE, key=visit.key("measure"), disabled=is_open) and not is_open:
        sweep = models.queue().sweep(measure(asked), SETTINGS)
        visit.set({"perplexity": (asked, sweep)})
        if sweep.wait(QUICK_S):
            st.rerun()
    if sweep is None:
        return
    if not sweep.is_over:
        progress.show_sweep(
            sweep, "settings", model_text.STARTING, every_s=POLL_S, cancel="your_model_perplexity_cancel"
        )
    elif sweep.phase == "failed":
        st.error(messages.plain(sweep.message), icon=":material/error:")
    elif sweep.phase == "cancelled":
        st.info(model_text.PERPLEXITY_STOPPED, icon=":material/stop_circle:")
    else:
        _outcome(sweep.cells, mode)


def _outcome(measured: Sequence[Losses], mode: Mode) -> None:
    figure = perplexity_figure(measured, mode=mode)
    st.plotly_chart(figure, key="perplexity_figure", theme=None, alt=" ".join(sentences(measured)))
    st.markdown(table(measured))
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(measured)))
    st.download_button(
        model_text.PERPLEXITY_FILE,
        data=csv_of(measured),
        file_name="sleepviz-perplexity.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="your_model_perplexity_csv",
    )


def table(measured: Sequence[Losses]) -> str:
    """Markdown: a line for each setting."""
    lines = [f"| {' | '.join(model_text.PERPLEXITY_HEADS)} |", "|---|---:|---:|"]
    for each in measured:
        found = perplexity(each)
        lines.append(f"| {each.name} | {found.value:.2f} | {found.low:.2f} to {found.high:.2f} |")
    return "\n".join([*lines, "", model_text.SCORED.format(tokens=len(measured[0].nats))])


def csv_of(measured: Sequence[Losses]) -> str:
    """A row for each scored token: its place in the text, and its nats under every setting."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["position", *(each.name for each in measured)])
    columns = zip(*(each.nats for each in measured), strict=True)
    rows.writerows(
        [place, *(f"{nats:.6g}" for nats in row)] for place, row in zip(measured[0].positions, columns, strict=True)
    )
    return table.getvalue()


def sentences(measured: Sequence[Losses]) -> tuple[str, ...]:
    """What the paired differences say: did reading asleep help at all, and did sleeping longer?"""
    by_passes = {each.n_passes: each for each in measured}
    unread, once, full = by_passes[0], by_passes[1], by_passes[None]
    found = [_compared(model_text.ONCE, once, unread)]
    found += [
        _compared(model_text.LONGER.format(passes=each.n_passes), each, once)
        for each in measured
        if (each.n_passes or 0) > 1
    ]
    return (*found, _compared(model_text.WHOLE, full, once))


def _compared(change: str, losses: Losses, reference: Losses) -> str:
    gain = saved(losses, reference)
    size = f"{gain.value:+.3f} nats a token, {gain.low:+.3f} to {gain.high:+.3f}"
    said = {1: model_text.HELPED, -1: model_text.HARMED, 0: model_text.NO_DIFFERENCE}[gain.sign]
    return f"{change} {said} ({size})."
