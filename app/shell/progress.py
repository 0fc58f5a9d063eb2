"""Where a visitor's requests stand, said in place until they are over; then the page runs again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from app.shell.jobs import Phase, Request, Sweep
from app.shell.waiting import presence

RAREST_S = 3.0
STARTING_S = 1.5  # while PyTorch loads: quicker polls starve the loading on a busy host


@dataclass(frozen=True)
class Standing:
    """What is said, and the share that is done where it is known."""

    sentence: str
    share: float | None = None  # from 0 to 1


def show(
    requests: Sequence[Request],
    standing: Callable[[Phase], Standing],
    *,
    every_s: float,
    cancel: str = "",
) -> None:
    """Draw the standing of the first open request every `every_s` seconds, and a Cancel button of the key `cancel`.

    The requests are wanted while this page stands on the visitor's screen. Whoever waits in a long line asks more
    rarely: if all of a class asked twice a second, the server would do little else.
    """
    ahead = max(request.ahead for request in requests)
    for request in requests:
        request.shown_by(presence.here())

    def poll() -> None:
        phases = [request.poll() for request in requests]
        still = [phase for phase, request in zip(phases, requests, strict=True) if not request.is_over]
        if not still:
            st.rerun()
        _draw(standing(still[0]), cancel, requests)

    is_starting = any(request.phase == "starting" for request in requests)
    shortest_s = STARTING_S if is_starting else every_s
    st.fragment(poll, run_every=min(max(every_s * (1 + ahead), shortest_s), RAREST_S))()


def show_sweep(sweep: Sweep, what: str, starting: str, *, every_s: float, cancel: str) -> None:
    """The same for a series of measurements; `what` they are, and the sentence said while the libraries are loaded."""

    def standing(phase: Phase) -> Standing:
        sentences: dict[Phase, str] = {
            "waiting": "Another visitor's run is ahead; yours goes on in a moment.",
            "starting": starting,
        }
        done = f"{len(sweep.cells)} of {sweep.total} {what} are measured."
        return Standing(sentences.get(phase, done), len(sweep.cells) / sweep.total)

    show((sweep,), standing, every_s=every_s, cancel=cancel)


def _draw(now: Standing, cancel: str, requests: Sequence[Request]) -> None:
    def stop() -> None:
        for request in requests:
            request.cancel()

    if not cancel:
        st.caption(now.sentence)
    elif now.share is not None:
        st.progress(now.share, text=now.sentence)
        st.button("Cancel", key=cancel, on_click=stop)
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(now.sentence, icon=":material/hourglass_top:")
            st.button("Cancel", key=cancel, on_click=stop)
