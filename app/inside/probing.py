"""A linear probe of a run's S: other instances sleep as the run does, in the server's queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.inside import inside_text as text
from app.inside.looked import Work, waited
from app.shell import runs
from app.shell.jobs import RunKey
from app.shell.state import Visit
from sleepviz.config.run import Trigger
from sleepviz.inside.seen import ProbeSeen, probe_steps
from sleepviz.tasks import FAMILIES

PROBE = "probe"  # among the readers, in a link


@dataclass(frozen=True)
class ByProbe:
    """The probe of one run; it reads S after the last window."""

    key: RunKey
    last_window: int

    @classmethod
    def of(cls, key: RunKey, last_window: int) -> ByProbe | None:
        """None for a task that no probe is fitted for."""
        return None if FAMILIES[key.spec.task].study.probed is None else cls(key, last_window)

    def read(self, visit: Visit, window: int) -> tuple[ProbeSeen, ...]:
        """What the probe reads after each pass; nothing while it is fitted, or where it cannot be, which is said."""
        if window != self.last_window or self.key.spec.trigger != Trigger():
            st.info(text.PROBE_READS_LAST, icon=":material/info:")
            return ()
        total = probe_steps(self.key.spec.n_passes)
        work = Work((PROBE, self.key), partial(_passes, self.key), total, text.PROBE_STEPS)
        done = waited(visit, PROBE, work) or ()
        return tuple(each for each in done if each is not None)


def _passes(key: RunKey) -> Iterator[ProbeSeen | None]:
    """Called in a worker: torch is imported there."""
    from sleepviz.studies.reading.by_probe import probe_passes

    yield from probe_passes(key.spec, runs.loaded(key))
