"""How a checkpoint departs from the paper: each way that is on, with its sentence."""

from __future__ import annotations

from typing import Any

from app.tasks import PAGES
from app.tasks.base import Deviation

DEVIATIONS = {
    "input_recall": Deviation("input recall", "From the second pass on, h is mixed again with the embedding."),
    "vocabulary_feedback": Deviation(
        "vocabulary feedback", "From the second pass on, h starts as the expected embedding of its own output tokens."
    ),
    "pass_loss": Deviation(
        "loss on every pass",
        "Training also scored the output of each pass at every token.",
    ),
    "skipped_share": Deviation(
        "skipped passes",
        "Some training batches skip passes: the right result of the skipped passes is given.",
    ),
    "rest_share": Deviation(
        "windows of rest",
        "Some training batches end with a window that tells nothing, where the passes can only work on S.",
    ),
    "late_share": Deviation(
        "one pass before the last window",
        "Some training batches take one pass in every window but the last.",
    ),
    "conv_kernel": Deviation(
        "short convolution", "In each fast-weight layer a token first mixes with the few tokens before it."
    ),
    "window_positions": Deviation("window positions", "A learned vector marks each place in the window."),
    "beta_max": Deviation("write strength up to 2", "The paper's write strength stays below 1."),
    "sleep_attention": Deviation("full attention asleep", "While asleep, tokens also attend to later ones."),
    "per_pass_loss": Deviation("one step per pass", "After N passes, training asked for at most N steps."),
}
ANY_N = Deviation("one model for every N", "The paper trains a separate model for each N.")


def of(meta: dict[str, Any]) -> tuple[Deviation, ...]:
    """The departures that are on for this checkpoint, read from its meta.json, and those of every model of its task."""
    model, train = meta.get("model", {}), meta.get("train", {})
    is_on = {
        "input_recall": bool(model.get("input_recall")),
        "vocabulary_feedback": bool(model.get("vocabulary_feedback")),
        "pass_loss": bool(train.get("pass_loss")),
        "window_positions": bool(model.get("window_positions")),
        "beta_max": model.get("beta_max", 1) > 1,
        "sleep_attention": meta.get("sleep_attention") == "full",
        "skipped_share": bool(train.get("skipped_share")),
        "rest_share": bool(train.get("rest_share")),
        "late_share": bool(train.get("late_share")),
        "conv_kernel": model.get("conv_kernel", 0) > 1,
        "per_pass_loss": train.get("loss") == "next_step",
    }
    page = PAGES.get(meta.get("task", ""))
    return (
        *(DEVIATIONS[name] for name, on in is_on.items() if on),
        *(page.words.departures if page else ()),
        *(() if train.get("n_passes") else (ANY_N,)),
    )
