"""Look inside one run of a transformers model: S of every pass, and what it gives back for the question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.config.run import RunSpec
from sleepviz.hybrids.inside.gated import Asker
from sleepviz.hybrids.inside.steps import Step, steps_of
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.boundary import from_outside
from sleepviz.hybrids.models.tokens import Tokenizer, read_on
from sleepviz.hybrids.tuning.reading import cut, policy_for
from sleepviz.hybrids.watched import of_text, window_of
from sleepviz.inside.observe import layer_seen
from sleepviz.inside.reading import WORDS, lens
from sleepviz.inside.seen import PASSES_MAX, TextSeen, WordsRead

SHOWN_LAYERS = 6  # of S: a large model's would not fit a page
Lens = Callable[[Step], Mapping[int | None, Tensor]]  # -> logits [T, vocab_size] by layer; None: all together


@dataclass(frozen=True)
class Words:
    """Logits as the nearest words."""

    tokenizer: Tokenizer

    def read(self, found: Mapping[int | None, Tensor]) -> tuple[WordsRead, ...]:
        """One reading a layer, and one of all together."""
        return tuple(self._read(layer, logits) for layer, logits in found.items())

    def _read(self, layer: int | None, logits: Tensor) -> WordsRead:
        best = logits.float().softmax(dim=-1).topk(min(WORDS, logits.shape[-1]), dim=-1)
        words = tuple(tuple(self.tokenizer.decode([int(token)]) for token in row) for row in best.indices)
        return WordsRead(layer, words, best.values.cpu().numpy())


@torch.inference_mode()  # entered anew for each pass
def observe_text(model: PreTrainedModel, tokenizer: Tokenizer, spec: RunSpec) -> Iterator[TextSeen]:
    """Yield every pass of every window of a run that sleepviz.text.example.text_spec describes.

    Beside it, S of the same text is read, each window of which was read backwards: the same tokens, and no sense.
    Raises ConfigError.
    """
    require(1 <= spec.n_passes <= PASSES_MAX, f"Inside shows from 1 to {PASSES_MAX} passes.")
    asked = json.loads(spec.input)
    window, span = window_of(model, int(asked["window"])), asked.get("span")
    with from_outside("the model cannot read this text"):
        question = of_text(model, tokenizer, asked["document"], asked["question"])
        tokens = torch.tensor([read_on(tokenizer, asked["question"])], device=model.device)
        policy, words = policy_for(model, spec.n_passes, spec.eviction), Words(tokenizer)
        windows = cut(question.context, window)
        ask, layers = _lens_of(model, tokens), tuple(span) if span else None
        backwards = torch.cat([each.flip(1) for each in windows], dim=1)
        runs = [steps_of(model, context, policy, window, layers) for context in (question.context, backwards)]
        for index, (here, own, other) in enumerate(zip(windows, *runs, strict=True)):
            texts = tuple(question.token_text(token) for token in here[0].tolist())
            for n, (step, beside) in enumerate(zip(own, other, strict=True)):
                shown = np.unique(np.linspace(0, len(step.after) - 1, min(SHOWN_LAYERS, len(step.after))).round())
                yield TextSeen(
                    window_index=index,
                    pass_index=n,
                    tokens=texts,
                    layers=tuple(
                        layer_seen(step.places[i], step.before[i].float(), step.after[i].float(), step.writings[i])
                        for i in shown.astype(int).tolist()
                    ),
                    attention=tuple(weights[0].numpy().astype(np.float16) for weights in step.attention),
                    attention_layers=step.attention_places,
                    h_before=step.h_before[0].float().cpu().numpy(),
                    h=step.h[0].float().cpu().numpy(),
                    question=tuple(tokenizer.decode([token]) for token in tokens[0].tolist()),
                    own=words.read(ask(step)),
                    other=words.read(ask(beside)),
                    layers_in_all=len(step.after),
                )


def _lens_of(model: PreTrainedModel, question: Tensor) -> Lens:
    """How S of this model is asked the question [1, T]."""
    if isinstance(model, SleepForCausalLM):
        lm = model.lm
        return lambda step: {layer: logits[0] for layer, logits in lens(lm, step.after, question).items()}
    asker = Asker(model, question)
    return lambda step: asker.lens(step.places, step.after)
