"""Every measured variant as the subject of a sentence. A figure's legend has no room for one: see `VARIANTS`."""

from __future__ import annotations

from app.lab.lab_text import variant_name

SUBJECTS = {
    "any_n": "this model",
    "any_n_small": "the model trained for any N",
    "n1_same_tokens": "the model trained with N = 1 only, on the same number of tokens,",
    "n1_same_flops": "the model trained with N = 1 only, with the same computing,",
    "n1_curriculum": "the model trained with N = 1 only, one difficulty after another,",
    "n1_uniform": "the model trained with N = 1 only, on mixed difficulties,",
    "n1_causal_tokens": "the causal model trained with N = 1 only, on the same number of tokens,",
    "n1_causal_flops": "the causal model trained with N = 1 only, with the same computing,",
    "found": "the model trained from answers alone, for any N,",
    "found_n1": "the model trained from answers alone, with N = 1 only and the same number of tokens,",
    "found_n1_flops": "the model trained from answers alone, with N = 1 only and the same computing,",
    "taught": "the model taught each step, for any N,",
    "found_onward": "the found model, where the chain goes on later,",
    "found_elsewhere": "the found model, on any other chain,",
    "taught_onward": "the taught model, where the chain goes on later,",
    "taught_elsewhere": "the taught model, on any other chain,",
    "oracle": "the model with full attention and no eviction",
    "deeper": "the deeper model without passes",
    "per_n": "the model trained for this N only",
    "hebbian": "the model with the Hebbian rule",
    "hard": "the model that clears its whole cache",
    "sliding": "the model that keeps its newest L − 1 tokens",
    "sliding_unprepared": "the model that slides its cache without training for it",
    "causal": "the model with causal attention asleep",
    "full": "the model with full attention asleep",
    "layers_2": "the model with 2 layers",
    "layers_4": "the model with 4 layers",
    "s_all": "S of all layers together",
    "s_other": "another run's S",
    "s_layer_2": "S of layer 2 alone",
    "s_layer_4": "S of layer 4 alone",
    "s_probe": "a probe of S",
    "s_probe_other": "a probe of another run's S",
    "s_answer": "the model's answer",
    "none": "the unbroken run",
    "zero_state": "the run with S wiped before waking",
    "shuffled_state": "the run with another run's S",
    "replay": "the run with pass 1 replayed",
    "reset_state": "the run with S reset before each pass",
    "untrained": "the run with untrained weights",
}
IS_RIGHT = "is right"
READERS = ("s_all", "s_other", "s_layer_2", "s_layer_4", "s_probe", "s_probe_other")
"""What only repeats the model's answer, whether or not that is right."""


def subject(variant: str, checkpoint: str = "") -> str:
    """A variant as a subject, with its checkpoint where several share the variant."""
    if checkpoint and variant == "any_n":
        return f"the model {checkpoint}"
    named = SUBJECTS.get(variant, f"the model of *{variant_name(variant)}*")
    return f"{named.removesuffix(',')} ({checkpoint})" if checkpoint else named


def begun(sentence: str) -> str:
    """The sentence with a capital letter at its beginning."""
    return sentence[:1].upper() + sentence[1:]
