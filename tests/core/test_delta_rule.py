"""The two forms of the delta rule against each other, a numpy loop, and transformers' own functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sleepviz.config.model import LocalRule
from sleepviz.core.delta_rule import corrections, gated_delta_scan, gated_delta_step, gated_delta_window

LENGTHS = (1, 2, 13, 24, 65)
NAMES = ("state", "q", "k", "v", "log_decay", "beta")
Inputs = dict[str, Tensor]
Form = Callable[..., tuple[Tensor, Tensor]]


def random_inputs(
    n_tokens: int,
    *,
    batch: int = 2,
    heads: int = 3,
    key: int = 4,
    value: int = 6,
    beta_max: float = 2.0,
    decay: float = 1.0,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Inputs:
    """Unit keys, a state that is not zero, log_decay in [-decay, 0], beta in [0, beta_max]."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    k = normal(batch, heads, n_tokens, key)
    inputs = {
        "state": normal(batch, heads, key, value),
        "q": normal(batch, heads, n_tokens, key) * key**-0.5,
        "k": k / k.norm(dim=-1, keepdim=True),
        "v": normal(batch, heads, n_tokens, value),
        "log_decay": -decay * uniform(batch, heads, n_tokens),
        "beta": beta_max * uniform(batch, heads, n_tokens),
    }
    return {name: tensor.to(dtype) for name, tensor in inputs.items()}


def run(form: Form, inputs: Inputs, rule: LocalRule = "delta") -> tuple[Tensor, Tensor]:
    """(final state, outputs) of one form."""
    return form(inputs["state"], **{name: inputs[name] for name in NAMES[1:]}, rule=rule)


def with_gradients(form: Callable[[Inputs], tuple[Tensor, Tensor]], inputs: Inputs) -> dict[str, Tensor]:
    """Outputs, final state, and the gradient of one random projection of both w.r.t. every input."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in inputs.items()}
    state, o = form(leaves)
    generator = torch.Generator().manual_seed(7)
    weigh_state = torch.randn(state.shape, generator=generator, dtype=torch.float64).to(state.dtype)
    weigh_o = torch.randn(o.shape, generator=generator, dtype=torch.float64).to(o.dtype)
    gradients = torch.autograd.grad((state * weigh_state).sum() + (o * weigh_o).sum(), list(leaves.values()))
    found = {"final state": state.detach(), "outputs": o.detach()}
    return found | {f"gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}


def numpy_loop(inputs: Inputs, rule: LocalRule) -> tuple[np.ndarray, np.ndarray]:
    """One scalar at a time: every index written out, no matrix product."""
    state, q, k, v, log_decay, beta = (inputs[name].double().numpy() for name in NAMES)
    state = state.copy()
    batch, heads, n_tokens, key = q.shape
    value = v.shape[-1]
    o = np.zeros((batch, heads, n_tokens, value))
    for b in range(batch):
        for h in range(heads):
            for t in range(n_tokens):
                state[b, h] *= np.exp(log_decay[b, h, t])
                for j in range(value):
                    found = sum(state[b, h, i, j] * k[b, h, t, i] for i in range(key)) if rule == "delta" else 0.0
                    for i in range(key):
                        state[b, h, i, j] += k[b, h, t, i] * beta[b, h, t] * (v[b, h, t, j] - found)
                    o[b, h, t, j] = sum(state[b, h, i, j] * q[b, h, t, i] for i in range(key))
    return state, o


def largest_difference(one: Tensor, other: Tensor) -> float:
    """Largest absolute difference."""
    return float((one.double() - other.double()).abs().max())


@pytest.mark.parametrize("rule", ["delta", "hebbian"])
@pytest.mark.parametrize("n_tokens", [1, 2, 13])
def test_both_forms_equal_a_numpy_loop(rule: LocalRule, n_tokens: int) -> None:
    inputs = random_inputs(n_tokens, seed=n_tokens)
    expected_state, expected_o = numpy_loop(inputs, rule)
    for form in (gated_delta_scan, gated_delta_window):
        state, o = run(form, inputs, rule)
        np.testing.assert_allclose(state.numpy(), expected_state, rtol=0, atol=1e-12)
        np.testing.assert_allclose(o.numpy(), expected_o, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", ["delta", "hebbian"])
@pytest.mark.parametrize("n_tokens", LENGTHS)
def test_window_form_equals_scan_with_gradients_in_float64(rule: LocalRule, n_tokens: int) -> None:
    inputs = random_inputs(n_tokens, seed=n_tokens)
    scan = with_gradients(lambda leaves: run(gated_delta_scan, leaves, rule), inputs)
    window = with_gradients(lambda leaves: run(gated_delta_window, leaves, rule), inputs)
    differences = {what: largest_difference(window[what], scan[what]) for what in scan}
    print(f"\nwindow - scan, float64, {rule}, T={n_tokens}: {max(differences.values()):.1e}")
    assert max(differences.values()) <= 1e-10, differences
    # Each input matters: a gradient of zero everywhere would compare equal too. (One token's `delta` reads S.)
    assert all(scan[what].abs().max() > 1e-3 for what in scan)


@cache
def transformers_rule(name: str) -> Callable[..., Any]:
    """transformers' torch function, without the kernel that its decorator may put in its place."""
    from transformers.models.qwen3_5 import modeling_qwen3_5

    function: Callable[..., Any] = inspect.unwrap(getattr(modeling_qwen3_5, name))
    return function


@pytest.mark.parametrize("name", ["torch_recurrent_gated_delta_rule", "torch_chunk_gated_delta_rule"])
@pytest.mark.parametrize("n_tokens", LENGTHS)
def test_both_forms_equal_transformers_with_gradients(name: str, n_tokens: int) -> None:
    """float32, as theirs always is. Theirs scales q by K^-0.5 itself; ours takes q already scaled."""
    inputs = random_inputs(n_tokens, key=8, value=6, seed=n_tokens, dtype=torch.float32)

    def theirs(leaves: Inputs) -> tuple[Tensor, Tensor]:
        o, state = transformers_rule(name)(
            *((leaves[part] * (8**0.5 if part == "q" else 1)).transpose(1, 2) for part in ("q", "k", "v")),
            g=leaves["log_decay"].transpose(1, 2),
            beta=leaves["beta"].transpose(1, 2),
            initial_state=leaves["state"],
            output_final_state=True,
            use_qk_l2norm_in_kernel=False,
        )
        return state, o.transpose(1, 2)

    expected = with_gradients(theirs, inputs)
    for form in (gated_delta_scan, gated_delta_window):
        ours = with_gradients(lambda leaves, form=form: run(form, leaves), inputs)  # type: ignore[misc]
        absolute = {what: largest_difference(ours[what], expected[what]) for what in expected}
        relative = {what: absolute[what] / float(expected[what].abs().max()) for what in expected}
        print(
            f"\n{form.__name__} - {name}, float32, T={n_tokens}: outputs {absolute['outputs']:.1e}, "
            f"state {absolute['final state']:.1e}, gradients {max(relative.values()):.1e} of the largest"
        )
        assert absolute["outputs"] <= 1e-5 and absolute["final state"] <= 1e-5, absolute
        assert max(relative.values()) <= 1e-5, relative


@pytest.mark.parametrize("rule", ["delta", "hebbian"])
@pytest.mark.parametrize("form", [gated_delta_scan, gated_delta_window])
def test_gradients_equal_finite_differences(form: Form, rule: LocalRule) -> None:
    inputs = random_inputs(4, batch=1, heads=2, key=2, value=3)
    leaves = tuple(inputs[name].requires_grad_() for name in NAMES)

    def function(*values: Tensor) -> tuple[Tensor, Tensor]:
        return run(form, dict(zip(NAMES, values, strict=True)), rule)

    assert torch.autograd.gradcheck(function, leaves)


@given(
    n_tokens=st.integers(1, 20),
    split=st.integers(0, 20),
    key=st.integers(1, 5),
    value=st.integers(1, 5),
    decay=st.sampled_from([0.0, 0.01, 1.0, 20.0]),
    beta_max=st.sampled_from([0.0, 1.0, 2.0]),
    rule=st.sampled_from(["delta", "hebbian"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_a_window_in_two_parts_equals_the_whole(
    n_tokens: int, split: int, key: int, value: int, decay: float, beta_max: float, rule: LocalRule, seed: int
) -> None:
    """The state carries all that the second part needs of the first."""
    inputs = random_inputs(n_tokens, key=key, value=value, decay=decay, beta_max=beta_max, seed=seed)
    split = min(split, n_tokens - 1)
    whole_state, whole_o = run(gated_delta_window, inputs, rule)
    state, outputs = inputs["state"], []
    for part in (slice(0, split), slice(split, n_tokens)):
        if part.start != part.stop:
            cut = {name: inputs[name][:, :, part] for name in NAMES[1:]}
            state, o = gated_delta_window(state, **cut, rule=rule)
            outputs.append(o)
    torch.testing.assert_close(state, whole_state, rtol=0, atol=1e-9)
    torch.testing.assert_close(torch.cat(outputs, dim=2), whole_o, rtol=0, atol=1e-9)


def test_written_by_hand() -> None:
    """K = 2, V = 1, three tokens, worked out on paper: forget by half, correct by half, then overwrite."""
    half = float(np.log(0.5))
    inputs = {
        "state": [[8.0], [4.0]],
        "q": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        "k": [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
        "v": [[10.0], [-2.0], [3.0]],
        "log_decay": [half, 0.0, half],
        "beta": [0.5, 1.0, 1.0],
    }
    # S: (8, 4) -> halved (4, 2), + 0.5 (10 - 4) -> (7, 2) | (7, -2) | halved (3.5, -1), overwritten (3, -1)
    ready = {name: torch.tensor(value, dtype=torch.float64)[None, None] for name, value in inputs.items()}
    for form in (gated_delta_scan, gated_delta_window):
        state, o = run(form, ready)
        torch.testing.assert_close(state[0, 0, :, 0], torch.tensor([3.0, -1.0], dtype=torch.float64))
        torch.testing.assert_close(o[0, 0, :, 0], torch.tensor([7.0, -2.0, 2.0], dtype=torch.float64))


def test_write_strength_one_makes_a_key_recall_its_value() -> None:
    """The point of the delta correction: after the write, S^T k = v, whatever S held. Hebbian does not."""
    inputs = random_inputs(1, decay=0.0)
    inputs["beta"] = torch.ones_like(inputs["beta"])
    inputs["q"] = inputs["k"]
    _, recalled = run(gated_delta_window, inputs)
    torch.testing.assert_close(recalled, inputs["v"])
    _, added = run(gated_delta_window, inputs, "hebbian")
    assert largest_difference(added, inputs["v"]) > 0.1


@pytest.mark.parametrize("n_tokens", LENGTHS)
@pytest.mark.parametrize("form", [gated_delta_scan, gated_delta_window])
def test_strong_forgetting_leaves_only_the_last_write(form: Form, n_tokens: int) -> None:
    """log_decay = -50: each token finds an empty state, so o_t = (q.k) beta v. All is finite in float32."""
    inputs = random_inputs(n_tokens, dtype=torch.float32, seed=3)
    inputs["log_decay"] = torch.full_like(inputs["log_decay"], -50.0)
    found = with_gradients(lambda leaves: run(form, leaves), inputs)
    assert all(tensor.isfinite().all() for tensor in found.values())
    match = (inputs["q"] * inputs["k"]).sum(-1, keepdim=True)
    torch.testing.assert_close(found["outputs"], match * inputs["beta"][..., None] * inputs["v"])
    last = (inputs["beta"][..., -1:] * inputs["v"][:, :, -1])[..., None, :] * inputs["k"][:, :, -1, :, None]
    torch.testing.assert_close(found["final state"], last)


@pytest.mark.parametrize("n_tokens", LENGTHS)
def test_no_forgetting_and_no_writing_keeps_the_state(n_tokens: int) -> None:
    inputs = random_inputs(n_tokens, decay=0.0, beta_max=0.0)
    for form in (gated_delta_scan, gated_delta_window):
        state, _ = run(form, inputs)
        torch.testing.assert_close(state, inputs["state"], rtol=0, atol=0)


def test_mixed_strong_and_mild_forgetting_stays_close_to_the_scan_in_float32() -> None:
    """Sums of log decays near -1600 have few digits left for exp() of a difference; how few is bounded here."""
    inputs = random_inputs(65, dtype=torch.float32, decay=0.05, seed=5)
    inputs["log_decay"][:, :, ::2] = -50.0
    exact_state, exact_o = run(gated_delta_scan, {name: tensor.double() for name, tensor in inputs.items()})
    state, o = run(gated_delta_window, inputs)
    difference = max(largest_difference(o, exact_o), largest_difference(state, exact_state))
    print(f"\nwindow in float32 - scan in float64, log_decay of -50 at every other token: {difference:.1e}")
    assert difference <= 2e-3


def test_beta_two_and_repeated_keys_do_not_overflow() -> None:
    """beta = 2 reflects: the worst case is one key written again and again without forgetting."""
    inputs = random_inputs(65, dtype=torch.float32, decay=0.0)
    inputs["beta"] = torch.full_like(inputs["beta"], 2.0)
    inputs["k"] = inputs["k"][:, :, :1].expand_as(inputs["k"]).contiguous()
    found = with_gradients(lambda leaves: run(gated_delta_window, leaves), inputs)
    exact = with_gradients(
        lambda leaves: run(gated_delta_scan, leaves), {name: tensor.double() for name, tensor in inputs.items()}
    )
    for what, tensor in found.items():
        assert largest_difference(tensor, exact[what]) <= 1e-3 * float(exact[what].abs().max()), what


def test_long_windows_stay_finite_in_float32() -> None:
    inputs = random_inputs(512, dtype=torch.float32, batch=1, heads=2, decay=0.1)
    state, o = run(gated_delta_window, inputs)
    exact_state, exact_o = run(gated_delta_scan, {name: tensor.double() for name, tensor in inputs.items()})
    assert largest_difference(state, exact_state) <= 1e-4 and largest_difference(o, exact_o) <= 1e-4


def test_inputs_are_not_changed() -> None:
    inputs = random_inputs(13)
    copies = {name: tensor.clone() for name, tensor in inputs.items()}
    run(gated_delta_window, inputs)
    run(gated_delta_scan, inputs)
    gated_delta_step(inputs["state"], **{name: inputs[name][:, :, 0] for name in NAMES[1:]})
    assert all(torch.equal(inputs[name], copies[name]) for name in NAMES)


@pytest.mark.parametrize(("rule", "second"), [("delta", -1.0), ("hebbian", 0.5)])
def test_what_two_tokens_write_by_hand(rule: LocalRule, second: float) -> None:
    """Token 1 writes 6 under a key. Then half of it fades, and token 2 wants 1 there with a write strength of 1/2.

    By the delta rule token 2 finds 3 and adds (1 - 3) / 2; by the Hebbian rule it adds 1 / 2, whatever is there.
    """
    found = corrections(
        torch.zeros(1, 1, 2, 1, dtype=torch.float64),
        k=torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]], dtype=torch.float64),
        v=torch.tensor([[[[6.0], [1.0]]]], dtype=torch.float64),
        log_decay=torch.tensor([[[0.0, -np.log(2.0)]]], dtype=torch.float64),
        beta=torch.tensor([[[1.0, 0.5]]], dtype=torch.float64),
        rule=rule,
    )
    assert found.flatten().tolist() == pytest.approx([6.0, second])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n_tokens=st.integers(1, 9), rule=st.sampled_from(["delta", "hebbian"]))
def test_what_all_tokens_write_makes_the_state(seed: int, n_tokens: int, rule: LocalRule) -> None:
    """S after a window is what is left of S before it, and of the outer product of each token's key and correction."""
    inputs = random_inputs(n_tokens, seed=seed)
    state, k, log_decay = (inputs[name].numpy() for name in ("state", "k", "log_decay"))
    written = corrections(inputs["state"], **{name: inputs[name] for name in NAMES[2:]}, rule=rule).numpy()
    for t in range(n_tokens):
        state = state * np.exp(log_decay[:, :, t, None, None]) + k[:, :, t, :, None] * written[:, :, t, None, :]
    np.testing.assert_allclose(run(gated_delta_scan, inputs, rule)[0].numpy(), state, atol=1e-9)
