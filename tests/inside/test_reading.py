"""Ask the memory: a table written by hand is read back, and nothing but S tells the answer."""

from __future__ import annotations

import torch

from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.inside.reading import answer_parts, lens
from sleepviz.tasks.depo.task import Depo
from tests.builders import TASK, random_model, random_tokens, small_config

WORDS = 6


@torch.no_grad()
def table_model() -> HybridLM:
    """One fast-weight layer of one head in which every word is its own key and value; the gate lets all through."""
    config = small_config(
        vocab_size=WORDS, layer_types=("linear_attention",), d_model=WORDS, n_heads=1, fast_heads=1, key_dim=WORDS,
        value_dim=WORDS,
    )  # fmt: skip
    model, one = HybridLM(config), torch.eye(WORDS)
    block = model.blocks[0]
    model.embedding.weight.copy_(one)
    block.mixer.qkv.weight.copy_(torch.cat([one, one, one]))  # type: ignore[union-attr]
    block.mixer.output_gate.weight.fill_(1.0)  # type: ignore[union-attr]
    block.mixer.out.weight.copy_(one)  # type: ignore[union-attr]
    model.head.weight.copy_(one)  # type: ignore[union-attr]
    return model.requires_grad_(False)


def test_a_table_written_by_hand_is_read_back() -> None:
    leads_to = torch.tensor([3, 0, 5, 1, 2, 4])
    state = torch.zeros(1, 1, WORDS, WORDS)
    state[0, 0, torch.arange(WORDS), leads_to] = 1.0
    found = lens(table_model(), (state,), torch.arange(WORDS)[:, None])
    assert found[0][:, 0].argmax(dim=-1).tolist() == leads_to.tolist()
    assert torch.equal(found[0], found[None])  # the only layer is all layers
    turned = lens(table_model(), (state.roll(1, dims=2),), torch.arange(WORDS)[:, None])
    assert turned[0][:, 0].argmax(dim=-1).tolist() == leads_to.roll(1).tolist()


def test_what_a_layer_gives_is_what_it_adds_in_the_answering_pass() -> None:
    """Of the first layer with S, whose input no S can have changed: a write strength of 0 leaves S as it is."""
    model = random_model(small_config(layer_types=("full_attention", "linear_attention")))
    mixer = model.blocks[1].mixer
    mixer.gates.weight.zero_(), mixer.gates.bias.fill_(-1e9)  # type: ignore[union-attr]
    questions = random_tokens(model.config, 4, 3)
    state = torch.randn(1, 2, 3, 5, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    added: list[torch.Tensor] = []
    mixer.register_forward_hook(lambda module, given, got: added.append(got[0]))
    empty = Memory.empty(model.config, 4, dtype=torch.float64)
    asleep = empty.with_fast_weights((state.expand(4, -1, -1, -1),))
    model(questions, asleep)
    found = lens(model, (state,), questions)
    assert torch.allclose(found[1], model.logits(added[0]), atol=1e-9)


def test_no_layer_is_read_through_another_s() -> None:
    model = random_model(small_config())
    questions = random_tokens(model.config, 2, 3)
    states = [torch.randn(1, 2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(i)) for i in (1, 2)]
    both, later_only = lens(model, states, questions), lens(model, (-states[0], states[1]), questions)
    assert torch.equal(both[3], later_only[3]) and not torch.allclose(both[1], later_only[1])


def test_answers_are_read_where_the_task_reads_them() -> None:
    assert answer_parts(TASK).tolist() == list(range(1, 9))  # after the header, every cell
    assert answer_parts(Depo()).tolist() == [2] and answer_parts(Depo(compact=True)).tolist() == [1]
