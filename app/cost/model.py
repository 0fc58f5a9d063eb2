"""Which model is counted: one of this site, a published one, or a shape that the visitor types."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.cost import cost_text as text
from app.shell.state import Visit
from app.tasks import PAGES
from sleepviz.config.base import ConfigError
from sleepviz.config.model import ModelConfig
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.studies.counted.bill import Counted, OwnModel
from sleepviz.studies.counted.shapes import PUBLISHED, Shape, delta_layer

TYPED = "typed"
FIRST_SHAPE = {
    "hidden": 2048,
    "full_layers": 8,
    "fast_layers": 24,
    "heads": 16,
    "kv_heads": 4,
    "head_dim": 128,
    "mlp": 6144,
    "vocabulary": 100_000,
    "fast_heads": 16,
    "fast_dim": 128,
}
"""A round hybrid to begin with; nothing of it is a published model's."""


@dataclass(frozen=True)
class Chosen:
    """A model and how it is called."""

    name: str
    model: Counted

    @property
    def is_small(self) -> bool:
        """Whether it is one of this site's."""
        return isinstance(self.model, OwnModel)


def options(infos: tuple[CheckpointInfo, ...]) -> dict[str, str]:
    """Every model by its word in a link: the published ones first."""
    words = {word_of(shape): shape.name for shape in PUBLISHED}
    here = {info.name: info for info in infos if info.default and info.task in PAGES}
    words |= {
        info.name: text.HERE.format(name=info.name, task=PAGES[info.task].called or PAGES[info.task].title)
        for info in here.values()
    }
    return words | {TYPED: text.OWN_SHAPE}


def word_of(shape: Shape) -> str:
    """A shape's word in a link."""
    return shape.name.lower().replace(" ", "-")


def chosen(visit: Visit, word: str, infos: tuple[CheckpointInfo, ...]) -> Chosen | None:
    """The model of that word; a typed shape's fields are drawn. None where it cannot be counted, which is said."""
    shape = next((each for each in PUBLISHED if word_of(each) == word), None)
    if shape is not None:
        return Chosen(shape.name, shape)
    info = next((each for each in infos if each.name == word), None)
    if info is not None:
        return Chosen(info.name, OwnModel(ModelConfig.from_json(info.meta["model"]), info.sleep_attention == "full"))
    return _typed(visit)


def _typed(visit: Visit) -> Chosen | None:
    visit.set_missing({f"shape_{name}": value for name, value in FIRST_SHAPE.items()})
    with st.container(border=True):
        st.markdown(f"**{text.TYPED}**")
        columns = st.columns(5)
        given = {
            name: int(
                columns[place % 5].number_input(
                    label,
                    min_value=0 if name.endswith("_layers") else 1,
                    max_value=512 if name.endswith("_layers") else 2**20,
                    step=1,
                    key=visit.key(f"shape_{name}"),
                    on_change=visit.forget_link_problems,
                )
            )
            for place, (name, label) in enumerate(text.FIELDS.items())
        }
    heads, width = given.pop("fast_heads"), given.pop("fast_dim")
    try:
        fast = delta_layer(given["hidden"], heads, heads, width, width)
        shape = Shape(text.OWN_SHAPE, source="", published=0, tied=False, fast=fast, **given)  # type: ignore[arg-type]
    except ConfigError as error:
        st.error(text.BAD_SHAPE.format(problem=error), icon=":material/error:")
        return None
    return Chosen(shape.name, shape)
