"""A byte-level BPE tokenizer as in GPT-2: any text is encoded, and our own words are one token each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from sleepviz.text.documents import Sentence, narrated, question, world

END = "<|end|>"  # after every answer
VOCABULARY = 1024
CORPUS_SENTENCES, CORPUS_WORLDS = 120, 1500


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Train it on documents and questions of a fixed seed. Half a minute."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, clean_up_tokenization_spaces=False)


def _corpus() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for _ in range(CORPUS_WORLDS):
        facts = world(rng, "train", 60)
        yield joined(islice(narrated(rng, facts), CORPUS_SENTENCES))
        for hops in (1, 1, 1, 2, 2, 3):
            asked = question(rng, facts, hops)
            yield f"{asked.text} {asked.answer}"


def joined(sentences: Iterator[Sentence]) -> str:
    """The text of a document."""
    return "".join(sentence.gap + sentence.text for sentence in sentences)
