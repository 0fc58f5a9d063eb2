"""A text as its tokenizer reads it: token pieces joined are the text, and a quoted control token is its letters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from sleepviz.config.base import ConfigError
from sleepviz.config.events import AnswerScored
from sleepviz.config.model import SleepPolicy
from sleepviz.config.outside import InputError
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.models.loading import load_sleeper, load_tokenizer
from sleepviz.hybrids.models.tokens import Bytes, InOrder, end_tokens, read_on, read_text
from sleepviz.hybrids.watched import of_text, watch
from tests.hybrids.models import shared

OWN = Path(__file__).resolve().parents[2] / "assets" / "models" / "text-micro"
TEXTS = (
    "The lamp is green",
    "  Two  spaces,\ta tab\nand a line. ",
    "Zoë lives in Łódź, naïvely.",
    "你好，世界。こんにちは!",
    "🙂👩‍👩‍👧 and e\u0301 and כן",
    "zzz unknown ZZZ",
    "\r\n",
    "x",
)


def byte_level() -> PreTrainedTokenizerFast:
    """Ours: no merge knows a letter beyond ASCII, so each is spelled by several tokens."""
    return load_tokenizer(OWN)  # type: ignore[no-any-return]


def like_llama() -> PreTrainedTokenizerFast:
    """Sentencepiece's manner: a space is part of the word after it; what is unknown is spelled in bytes."""
    pieces = [("<unk>", 0.0), *((f"▁{word}", -1.0) for word in ("The", "lamp", "is", "green"))]
    pieces += [("▁", -2.0), *((letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz")]
    pieces += [(f"<0x{byte:02X}>", -9.0) for byte in range(256)]
    raw = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>")


def words() -> PreTrainedTokenizerFast:
    """A word a token, with one that begins every text and one that ends it."""
    raw = Tokenizer(models.WordLevel({"<unk>": 0, "<s>": 1, "the": 2, "lamp": 3, "</s>": 4}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    added = [("<s>", 1), ("</s>", 4)]
    raw.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=added)
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def like_bert() -> PreTrainedTokenizerFast:
    """Parts of words, small letters and no accents: the tokens themselves do not tell the text."""
    raw = Tokenizer(models.WordPiece({"[UNK]": 0, "the": 1, "la": 2, "##mp": 3, "zoe": 4}, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("make", [byte_level, like_llama, words, like_bert, Bytes])
def test_pieces_joined_are_the_text(make: Callable[[], PreTrainedTokenizerFast], text: str) -> None:
    read = read_text(make(), text)

    assert len(read.pieces) == len(read.tokens)
    assert "".join(read.pieces) == (text if read.tokens else "")


def test_a_letter_of_several_tokens_stands_with_the_last_of_them() -> None:
    read = read_text(Bytes(), "aé🙂")
    assert read.pieces == ("a", "", "é", "", "", "", "🙂")

    spelled = read_text(byte_level(), "é!é")
    alone = [byte_level().decode([token]) for token in spelled.tokens]
    assert [piece for piece, one in zip(spelled.pieces, alone, strict=True) if one == "�"] == ["", "é", "", "é"]


def test_a_word_stands_with_the_gap_before_it() -> None:
    assert read_text(words(), "the  lamp, ").pieces == ("", "the", "  lamp", ", ", "")
    assert read_text(like_llama(), "The lamp").pieces == ("The", " lamp")
    assert read_text(like_bert(), "Zoë the LAMP").pieces == ("Zoë", " the", " LA", "MP")


def test_the_same_token_is_written_as_where_it_stands() -> None:
    """こ and ん end with the same byte, 0x93, and 你 has in its middle the byte that ends 好."""
    for text in ("こんこん", "你好"):
        read = read_text(byte_level(), text)
        written = InOrder(read)
        for _ in range(2):  # asked twice from the first token on
            assert "".join(written(token) for token in read.tokens) == text


def test_what_is_watched_is_what_was_written() -> None:
    model, tokenizer, text = load_sleeper(OWN), byte_level(), "Zoë lives in Łódź. 你好 🙂"
    events = watch(model, of_text(model, tokenizer, text, "Where?"), SleepPolicy(1), window=model.window)

    assert "".join(event.token for event in events if hasattr(event, "token")) == text


# What the model reads


def test_a_text_begins_with_what_its_tokenizer_adds() -> None:
    tokenizer, model = words(), shared("Qwen3.5")
    asked = of_text(model, tokenizer, "the lamp the lamp", "the")

    assert asked.context[0].tolist() == tokenizer("the lamp the lamp")["input_ids"] == [1, 2, 3, 2, 3, 4]
    assert read_on(tokenizer, "the lamp") == [2, 3]  # a question goes on: nothing begins there


@pytest.mark.parametrize("quoted", ["</s>", "<s>", "a </s> b", "</s></s>"])
def test_a_quoted_control_token_is_its_letters(quoted: str) -> None:
    tokenizer = words()
    read = read_text(tokenizer, f"the {quoted} lamp")

    assert {1, 4}.isdisjoint(read.tokens[1:-1]) and "".join(read.pieces) == f"the {quoted} lamp"
    assert {1, 4}.isdisjoint(read_on(tokenizer, quoted))
    assert tokenizer.encode("the </s>", add_special_tokens=False) == [2, 4]  # the tokenizer itself is as it was


def test_our_own_end_sign_is_its_letters() -> None:
    model, tokenizer = load_sleeper(OWN), byte_level()
    asked = of_text(model, tokenizer, f"Ana lives in Oslo. {tokenizer.eos_token} Ben is a nurse.", "Where is Ana?")

    assert tokenizer.eos_token_id not in asked.context[0].tolist()


@pytest.mark.parametrize("text", ["half \ud83d", "a\0b", "\x1b[31m"])
def test_what_is_no_text_reaches_no_tokenizer(text: str) -> None:
    for tokenizer in (words(), Bytes()):
        for read in (read_text, read_on):
            with pytest.raises(InputError, match=r"U\+"):
                read(tokenizer, text)


def test_tokens_that_the_model_does_not_know_are_refused() -> None:
    with pytest.raises(ConfigError, match="does not know"):
        of_text(tiny("Qwen3.5", vocab_size=100), Bytes(), "a text with é", "x")


# What ends an answer


@pytest.mark.parametrize("where", ["generation config", "list", "model", "tokenizer"])
def test_every_end_token_ends_an_answer(where: str) -> None:
    """The token that an untrained model says third is made an end token: then it says two."""
    model, document = tiny("Qwen3.5", vocab_size=256), "The lamp is green; the door"
    model.generation_config.eos_token_id = None

    def said(tokenizer: Bytes) -> str:
        events = list(watch(model, of_text(model, tokenizer, document, "It is "), SleepPolicy(2), window=12))
        assert isinstance(events[-1], AnswerScored)
        return events[-1].answer.answers[0]

    tokens: list[int] = []

    class Heard(Bytes):
        def decode(self, token_ids: list[int]) -> str:
            tokens[:] = token_ids
            return super().decode(token_ids)

    said(Heard())
    third = tokens[2]
    assert len(tokens) == 16 and third not in tokens[:2]
    tokenizer = Heard()
    if where == "generation config":
        model.generation_config.eos_token_id = third
    elif where == "list":
        model.generation_config.eos_token_id = [255, third]
    elif where == "model":
        model.config.eos_token_id = third
    else:
        tokenizer.eos_token_id = third
    assert third in end_tokens(model, tokenizer)
    said(tokenizer)
    assert len(tokens) == 2


def test_an_answer_that_is_not_finite_is_one_sentence() -> None:
    model = tiny("Qwen3.5", vocab_size=256)
    question = of_text(model, Bytes(), "The lamp is green", "It is ")
    events = watch(model, question, SleepPolicy(1), window=12)
    next(events)
    with torch.no_grad():
        model.get_output_embeddings().weight.fill_(float("nan"))

    with pytest.raises(ConfigError, match="not finite"):
        list(events)


def test_a_token_that_the_text_has_not_is_refused() -> None:
    written = InOrder(read_text(Bytes(), "ab"))
    assert (written(98), written(97)) == ("b", "a")
    with pytest.raises(ValueError, match="not in"):
        written(99)
