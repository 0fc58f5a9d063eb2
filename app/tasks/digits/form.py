"""Digits: eight images to pick or to draw, one of them to start from, and how many times to jump."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.parts.units import count
from app.shell.state import LinkError, Reader, Visit, whole_number
from app.tasks.base import Limits
from app.tasks.digits.codes import Given, looks, read_ring, ring_text
from app.tasks.digits.pad import show as show_pad
from app.tasks.digits.starts import show as show_starts
from app.tasks.digits.words import (
    CHANGE,
    EASY,
    JUMPS,
    JUMPS_HELP,
    OWN,
    PAD_HELP,
    PRESET_HELP,
    RANDOM_DIGITS,
    STARTS,
)
from sleepviz.tasks.base import InputError
from sleepviz.tasks.digits.examples import drawn, passes_for, with_own
from sleepviz.tasks.digits.images import digits, numbers

RING_IN_URL_MAX = 1000  # characters


class DigitsForm:
    """The ring in sight, its images to change behind one button, and the jumps."""

    widths: tuple[float, ...] = (5.0, 2.4)

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """?digits=17,7x3f0841...,4&start=1&k=2"""

        def read_digits(given: str) -> dict[str, Any]:
            try:
                ring = read_ring(given[:RING_IN_URL_MAX])
                looks(ring)
            except (InputError, IndexError) as error:
                raise LinkError(f"The link's digits cannot be read. {PAD_HELP}") from error
            if len(ring) != limits["images"]:
                raise LinkError(f"The link must give {limits['images']} digits.")
            return {"digits": given}

        return {
            "digits": read_digits,
            "start": whole_number("start", "start", 1, limits["images"]),
            "k": whole_number("jumps", "jumps k", 0, limits["jumps_max"]),
        }

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """The recorded ring and question, if they fit; else the hard preset."""
        if recorded and recorded["jumps"] <= limits["jumps_max"]:
            return _question(recorded)
        hard = drawn(limits["images"], limits["hardest"])
        return {**_question(hard), "passes": passes_for(limits["hardest"])}

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """No more jumps than the checkpoint is asked for."""
        visit.set({"jumps": min(int(visit.get("jumps")), limits["jumps_max"])})

    def presets(self, visit: Visit, limits: Limits) -> None:
        """Only to read, to read and jump, a digit drawn by hand, and chance."""
        n_images, most = limits["images"], limits["hardest"]
        own = with_own(n_images, min(2, most))
        for key, label, given in (
            ("easy", EASY, drawn(n_images, 0)),
            ("hard", count(most, "jump"), drawn(n_images, most)),
            ("own", OWN, own),
        ):
            passes = passes_for(given["jumps"])
            values = {**_question(given), "passes": min(passes, limits["passes_max"])}
            hint = PRESET_HELP[key].format(jumps=given["jumps"], passes=passes)
            st.button(label, key=f"preset_{key}", on_click=visit.change, args=(values,), help=hint)
        st.button(RANDOM_DIGITS, key="preset_random", on_click=_random_digits, args=(visit, n_images))

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """The eight images, of which one is the start; a pad to change them; the jumps."""
        ring = _ring(visit)
        with columns[0], st.container(horizontal=True, vertical_alignment="center", gap="small", key="ring_editor"):
            show_starts(
                looks(ring),
                int(visit.get("start")) - 1,
                key="starts",
                label=STARTS,
                on_start=lambda place: visit.change({"start": place + 1}),
            )
            with st.popover(CHANGE, icon=":material/edit:", key="own_digits"):
                st.caption(PAD_HELP)
                show_pad(
                    looks(ring),
                    key="pad",
                    on_draw=lambda place, pixels, digit: _put(visit, place, {"pixels": pixels, "digit": digit}),
                    on_take=lambda place, digit: _put(visit, place, _image_of(digit)),
                )
        columns[1].slider(
            JUMPS,
            0,
            limits["jumps_max"],
            key=visit.key("jumps"),
            help=JUMPS_HELP,
            on_change=visit.forget_link_problems,
        )

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """Nothing of its own."""

    def input(self, visit: Visit) -> dict[str, Any]:
        """The ring and the question."""
        return {"digits": _ring(visit), "start": int(visit.get("start")), "jumps": int(visit.get("jumps"))}

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """The number of jumps that is asked for."""
        return int(visit.get("jumps"))

    def link(self, visit: Visit) -> dict[str, str]:
        """The ring, the start and the jumps, as they stand in the address."""
        return {"digits": str(visit.get("digits")), "start": str(visit.get("start")), "k": str(visit.get("jumps"))}

    def notes(self, instance: Any) -> tuple[str, ...]:
        """Every ring that is allowed is like those of training."""
        return ()


def _question(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"digits": ring_text(given["digits"]), "start": int(given["start"]), "jumps": int(given["jumps"])}


def _ring(visit: Visit) -> list[Given]:
    return read_ring(str(visit.get("digits")))


def _put(visit: Visit, place: int, image: Given) -> None:
    """Another image in one place."""
    ring = _ring(visit)
    visit.change({"digits": ring_text([*ring[:place], image, *ring[place + 1 :]])})


def _image_of(digit: int) -> int:
    """An image kept from training that shows this digit. A user's dice, so no seed is wanted."""
    kept = numbers("held_out")
    return int(secrets.choice(kept[digits()[kept] == digit].tolist()))


def _random_digits(visit: Visit, n_images: int) -> None:
    kept = numbers("held_out").tolist()
    visit.change({"digits": ring_text([int(secrets.choice(kept)) for _ in range(n_images)])})
