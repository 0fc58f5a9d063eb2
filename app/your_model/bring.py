"""On the page "Your model": bring a model, have it loaded and tried, and read whether it can sleep."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.parts import buttons
from app.shell import messages, progress
from app.shell.jobs import Phase, Sweep
from app.shell.state import Visit
from app.your_model import allowed, model_text, models
from app.your_model.allowed import Allowance
from app.your_model.shelf import shelf
from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError, path_of

if TYPE_CHECKING:
    from sleepviz.hybrids.models.verdict import Verdict

POLL_S = 2.0  # a script run collects garbage in full: polled more often, it starves the loading
QUICK_S = 0.3
STEPS_MAX = 100_000  # of one loading: a download takes one every so often
DOWNLOAD_STEP_S = 0.5
MOST_BYTES = 50_000_000  # as sleepviz.hybrids.models.dropped takes them
UPLOAD_MB = 48  # in the browser's megabytes: just under the 50 MB of all files together
SUFFIXES = ("safetensors", "gguf", "json", "txt", "model")


@dataclass(frozen=True)
class Wanted:
    """A model that a visitor names or drops, and whether its code may run."""

    source: str
    digest: str
    trust_remote_code: bool = False

    @property
    def name(self) -> str:
        """As a person calls it."""
        kind, _, name = self.source.partition(":")
        return Path(name).name or name if kind == "local" else model_text.DROPPED


@dataclass(frozen=True)
class Step:
    """What is being done, and the share of it that is done, if that is known."""

    sentence: str
    share: float | None = None


@dataclass
class _Download:
    """What a download has done so far; written by its thread."""

    done: int = 0
    total: int = 0
    problem: list[BaseException] = field(default_factory=list)

    def tell(self, done: int, total: int) -> None:
        self.done, self.total = max(self.done, done), max(self.total, total)


def bring(wanted: Wanted) -> Iterator[Step | Verdict]:
    """Look at the sizes, download, load, and try: what is being done, and the verdict last.

    Called in a worker thread. Raises ConfigError.
    """
    yield Step(model_text.LOOKING)
    from sleepviz.hybrids.models.gguf import split_gguf
    from sleepviz.hybrids.models.room import require_modest, size
    from sleepviz.hybrids.models.verdict import judge
    from sleepviz.hybrids.overlay import is_overlay

    kind, _, name = wanted.source.partition(":")
    trusted = wanted.trust_remote_code
    if kind == "local":
        models.require_place(name, allowed.for_server(), trust_remote_code=trusted)
    room = models.room(wanted.source)
    free = model_text.FREE.format(free=size(room.free)) if room.free is not None else ""
    sizes = model_text.SIZES.format(files=size(room.files), loaded=size(room.loaded), free=free)
    place: Path | str = shelf().folder(name) if kind == "dropped" else name
    if not isinstance(split_gguf(place)[0], Path):
        yield from _downloaded(name, sizes, trusted)
        place = models.on_disk(name, with_code=trusted)
    yield Step(f"{model_text.LOADING} {sizes}")
    folder, file = split_gguf(place)
    if not is_overlay(folder):
        require_modest(Path(folder), room.files, file=file, trust_remote_code=trusted)
    model, _ = models.loaded(wanted.source, wanted.digest, trusted)
    yield Step(f"{model_text.TRYING} {sizes}")
    yield judge(model)


def _downloaded(name: str, sizes: str, with_code: bool) -> Iterator[Step]:
    """Steps of a download, which runs in a thread of its own so that other visitors' runs come in between."""
    from sleepviz.hybrids.models.room import size

    now = _Download()

    def fetch() -> None:
        try:
            models.on_disk(name, tell=now.tell, with_code=with_code)
        except BaseException as error:
            now.problem.append(error)

    thread = threading.Thread(target=fetch, name="download", daemon=True)
    thread.start()
    while thread.is_alive():
        share = min(1.0, now.done / now.total) if now.total else None
        done = model_text.DONE.format(done=size(now.done), total=size(now.total)) if now.total else ""
        yield Step(f"{model_text.DOWNLOADING} {done} {sizes}", share)
        thread.join(DOWNLOAD_STEP_S)
    if now.problem:
        raise now.problem[0]


def show(visit: Visit, allowance: Allowance) -> tuple[Wanted, Verdict] | None:
    """The form, the progress and the verdict; what was brought, once it is known to be able to sleep."""
    try:
        wanted = _form(visit, allowance)
    except (ConfigError, InputError) as error:
        st.error(messages.plain(str(error)), icon=":material/error:")
        wanted = None
    # A press is kept until there is something to load: dropped files may still be on their way.
    asked = {"load_asked": True}
    st.button(
        model_text.LOAD, key=visit.of_session("load"), icon=":material/download:", on_click=visit.set, args=(asked,)
    )
    kept, sweep = visit.get("brought", (None, None))
    if sweep is not None and sweep.was_left:
        sweep = models.queue().resumed(sweep)
        visit.set({"brought": (kept, sweep)})
    if visit.get("load_asked") and wanted is not None:
        before = sweep
        kept, sweep = wanted, models.queue().sweep(bring(wanted), STEPS_MAX)
        visit.set({"brought": (kept, sweep), "load_asked": False})
        if before is not None:
            before.cancel()  # last: a click may end this run of the script at each line
        if sweep.wait(QUICK_S):
            st.rerun()
    if visit.get("load_asked"):
        st.info(model_text.NOTHING_YET, icon=":material/hourglass:")
    if sweep is None or kept is None:
        return None
    if kept != wanted:
        st.info(model_text.OTHER.format(name=messages.plain(kept.name)), icon=":material/sync_problem:")
    return _outcome(kept, sweep)


def _outcome(wanted: Wanted, sweep: Sweep) -> tuple[Wanted, Verdict] | None:
    if not sweep.is_over:

        def standing(phase: Phase) -> progress.Standing:
            latest = sweep.cells[-1] if sweep.cells else Step(model_text.LOOKING)
            waiting = phase == "waiting" and not sweep.cells
            share = latest.share if latest.share is not None else 0.0
            return progress.Standing(model_text.WAITING if waiting else latest.sentence, share)

        progress.show((sweep,), standing, every_s=POLL_S, cancel="your_model_load_cancel")
    elif sweep.phase == "failed":
        st.error(messages.plain(sweep.message), icon=":material/error:")
    elif sweep.phase == "cancelled":
        st.info(model_text.LOADING_STOPPED, icon=":material/stop_circle:")
    else:
        return wanted, sweep.cells[-1]
    return None


def _form(visit: Visit, allowance: Allowance) -> Wanted | None:
    """What is to be loaded, or None while nothing is given. Raises ConfigError."""
    ways = [model_text.BY_NAME] * (allowance.anything or bool(allowance.listed())) + [model_text.BY_FILES]
    first = visit.get("way") if visit.get("way") in ways else ways[0]
    held = buttons.chosen(visit.of_session("way"), first)
    way = st.segmented_control(model_text.WAY, ways, required=True, **held) if ways[1:] else ways[0]
    if way == model_text.BY_FILES:
        return _dropped(visit)
    trusted = False
    if allowance.anything:
        name = st.text_input(model_text.FOLDER, key=visit.key("name"), placeholder=model_text.EXAMPLE).strip()
        trusted = st.checkbox(model_text.TRUST, key=visit.key("trust"), help=model_text.TRUST_HELP)
    else:
        listed = allowance.listed()
        titles = _titles(listed)
        chosen = st.selectbox(model_text.LISTED, listed, format_func=lambda each: titles[each], key=visit.key("listed"))
        name = str(chosen)
    return Wanted(f"local:{name}", _fingerprint(name), trusted) if name else None


def _titles(listed: tuple[str, ...]) -> dict[str, str]:
    """A hub name in full, and of a folder its name; where two have the same, with the folder around them."""
    short = {each: Path(each).name if Path(each).is_absolute() else each for each in listed}
    twice = {name for name in short.values() if list(short.values()).count(name) > 1}
    return {each: f"{Path(each).parent.name}/{name}" if name in twice else name for each, name in short.items()}


def _dropped(visit: Visit) -> Wanted | None:
    files = st.file_uploader(
        model_text.FILES,
        SUFFIXES,
        accept_multiple_files=True,
        key=visit.key("files"),
        max_upload_size=UPLOAD_MB,
        help=model_text.FILES_HELP,
    )
    if not files:
        held = visit.get("dropped")
        return Wanted(f"dropped:{held[1]}", held[1]) if held else None
    ids = tuple(file.file_id for file in files)
    held = visit.get("dropped")
    if held is None or held[0] != ids:
        require(sum(file.size for file in files) <= MOST_BYTES, model_text.TOO_MUCH)
        digest = shelf().put([(file.name, file.getvalue()) for file in files])
        held = (ids, digest)
        visit.set({"dropped": held})
    return Wanted(f"dropped:{held[1]}", held[1])


def _fingerprint(name: str) -> str:
    """What a changed folder changes: sizes and times of its files. A hub name stands for itself."""
    folder = path_of(name)
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except OSError:
        stats = []
    return hashlib.sha256(repr((name, stats)).encode()).hexdigest()[:16]
