"""A section of the Lab, and the parts that all sections share: a figure, the bar under it, a fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from app import figures
from app.figures.percent import one_in
from app.lab import keep, lab_text
from app.lab.findings import Finding
from app.lab.lines import Line
from app.lab.scene import Scene
from app.shell.results import Result
from app.tasks.base import Scored


@dataclass(frozen=True)
class Section:
    """A heading that a link leads to, the findings under it, and what draws the rest."""

    heading: str
    anchor: str
    findings: tuple[Finding, ...]
    show: Callable[[], None]
    line: str = ""  # what was done, where the heading does not say it
    fold: str = ""  # the name of the fold that what is drawn waits in; "" for what a first visit needs

    def draw(self) -> None:
        """What stands below the findings."""
        if self.line:
            st.markdown(self.line)
        if not self.fold:
            self.show()
            return
        fold = st.expander(self.fold, key=fold_key(self.anchor), on_change="rerun")
        if fold.open:
            with fold:
                self.show()


def command(scene: Scene) -> str:
    """What makes the task's results file again."""
    return f"{scene.results.made_by} --only {scene.task}" if scene.results else ""


def chart(
    scene: Scene,
    figure: go.Figure,
    entries: Sequence[Result],
    *,
    name: str,
    anchor: str,
    notice: str,
    alt: str,
    made_by: str = "",
) -> None:
    """A figure with what to notice above it and the bar that saves it below.

    `made_by` is the command that makes its results, where this is not that of the task's own file.
    """
    st.caption(lab_text.NOTICE.format(notice=notice))
    st.plotly_chart(figure, key=f"lab_{name}", theme=None, alt=alt, config=dict(keep.PLOTLY_CONFIG))
    bar(scene, entries, name=name, anchor=anchor, picture=f"lab_{name}", made_by=made_by)


def lines_chart(
    scene: Scene,
    counted: Scored,
    own: Sequence[Line],
    beside: Sequence[Line],
    *,
    name: str,
    notice: str,
    alt: str,
    live: Sequence[Result] = (),
) -> None:
    """Accuracy against difficulty: one model's lines, and those of the models beside it. `name` is the anchor, too."""
    figure = figures.baselines_figure(
        [(line.name, line.entries) for line in own],
        [(line.name, line.entries) for line in beside],
        live=live,
        mode=scene.mode,
        symbol=scene.said.symbol,
        right=counted.right,
        chance=counted.chance,
    )
    entries = [entry for line in (*own, *beside) for entry in line.entries]
    alt = alt.format(symbol=scene.said.symbol, n=len(own) + len(beside))
    chart(scene, figure, entries, name=name, anchor=name, notice=notice, alt=alt)


def bar(
    scene: Scene, entries: Sequence[Result], *, name: str, anchor: str, picture: str = "", made_by: str = ""
) -> None:
    """What saves a figure or a table, with the command that makes its results."""
    made_by = made_by or command(scene)
    keep.show(
        entries,
        file=f"sleepviz-{scene.task}-{anchor}",
        key=f"lab_keep_{name}",
        picture=picture,
        anchor=anchor,
        copies={lab_text.COMMAND: made_by} if made_by else {},
    )


def folded(name: str, table: str) -> None:
    """A table of numbers that waits for a click."""
    with st.expander(lab_text.NUMBERS, key=f"lab_{name}_numbers"):
        st.html(table)


def noticed(*sentences: str) -> str:
    """What to notice, of the sentences that there are."""
    return " ".join(sentence for sentence in sentences if sentence)


def chance_said(counted: Scored) -> str:
    """How often a guess is right, where that is known."""
    return "" if counted.chance is None else lab_text.CHANCE.format(one_in=one_in(counted.chance))


def open_fold(anchor: str) -> None:
    """Open the section whose heading has this anchor. To be called before the page is drawn."""
    st.session_state[fold_key(anchor)] = True


def fold_key(anchor: str) -> str:
    """Under which a fold knows whether it is open."""
    return f"lab_{anchor.replace('-', '_')}_fold"
