"""Tiny random models, built once a session: a test must not change their weights."""

from __future__ import annotations

from functools import cache

import transformers
from transformers import PreTrainedModel

from sleepviz.hybrids.models.families import tiny

transformers.logging.set_verbosity_error()  # it tells of each kernel that is not installed


@cache
def shared(family: str) -> PreTrainedModel:
    """The family's tiny model. Parameters ask for gradients, as the library leaves them."""
    return tiny(family)
