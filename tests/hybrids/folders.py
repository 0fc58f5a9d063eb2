"""Folders of tiny models with a tokenizer of words, as a person would have one on disk."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from sleepviz.hybrids.models.families import VOCAB_SIZE, tiny


def text_folder(folder: Path, family: str = "Qwen3.5") -> Path:
    """A tiny model that reads the words w0, w1, and so on."""
    words = ["<end>", "?", *(f"w{i}" for i in range(VOCAB_SIZE - 2))]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", unk_token="?").save_pretrained(folder)
    tiny(family).save_pretrained(folder)
    return folder
