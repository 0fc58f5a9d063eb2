"""The whole model once more, naively: numpy float64, one instance, one token, one head at a time.

Written from arXiv:2605.26099 §3 and arXiv:2412.06464, sharing nothing with sleepviz but the names
in its state_dict. Slow and plain on purpose: it is what the real model is compared with.
"""

from __future__ import annotations

import cmath
import copy
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass
class NaiveMemory:
    """Per layer: (key, value) lists with absolute places, S per head, and the last inputs of the convolution."""

    cache: dict[int, list[tuple[Vector, Vector]]] = field(default_factory=dict)
    state: dict[int, Vector] = field(default_factory=dict)
    recent: dict[int, list[Vector]] = field(default_factory=dict)
    position: int = 0


class NaiveModel:
    """Reads `settings` (ModelConfig.to_json()) and weights, nothing else."""

    def __init__(self, settings: dict[str, Any], weights: dict[str, Any]) -> None:
        self.s = settings
        self.w: dict[str, Vector] = {name: np.array(w.double().numpy()) for name, w in weights.items()}
        self.head_dim = settings["d_model"] // settings["n_heads"]

    def empty(self) -> NaiveMemory:
        memory = NaiveMemory()
        channels = self.s["fast_heads"] * (2 * self.s["key_dim"] + self.s["value_dim"])
        for layer, kind in enumerate(self.s["layer_types"]):
            if kind == "linear_attention":
                memory.state[layer] = np.zeros((self.s["fast_heads"], self.s["key_dim"], self.s["value_dim"]))
                memory.recent[layer] = [np.zeros(channels)] * 3
            else:
                memory.cache[layer] = []
        return memory

    # The pieces.

    def norm(self, x: Vector, weight: Vector) -> Vector:
        return x / math.sqrt(float(np.mean(x**2)) + self.s["norm_eps"]) * weight

    def rotated(self, x: Vector, position: int) -> Vector:
        half = self.head_dim // 2
        turned = np.zeros(self.head_dim)
        for i in range(half):
            z = complex(x[i], x[i + half]) * cmath.exp(1j * position * self.s["rope_theta"] ** (-2 * i / self.head_dim))
            turned[i], turned[i + half] = z.real, z.imag
        return turned

    def attend(self, layer: int, x: list[Vector], memory: NaiveMemory, start: int, full: bool) -> list[Vector]:
        w_qkv, w_out = self.w[f"blocks.{layer}.mixer.qkv.weight"], self.w[f"blocks.{layer}.mixer.out.weight"]
        heads, dim, width = self.s["n_heads"], self.head_dim, self.s["d_model"]
        cached = len(memory.cache[layer])
        queries = []
        for t, x_t in enumerate(x):
            qkv = w_qkv @ x_t
            q, k, v = (qkv[part * width : (part + 1) * width].reshape(heads, dim) for part in range(3))
            queries.append(np.array([self.rotated(q[h], start + t) for h in range(heads)]))
            memory.cache[layer].append((np.array([self.rotated(k[h], start + t) for h in range(heads)]), v))
        outputs = []
        for t, q in enumerate(queries):
            o = np.zeros((heads, dim))
            for h in range(heads):
                scores, values = [], []
                for place, (k, v) in enumerate(memory.cache[layer]):
                    distance = cached + t - place
                    if distance < 0 and not full:
                        continue
                    if self.s["layer_types"][layer] == "sliding_attention" and abs(distance) >= self.s["window"]:
                        continue
                    scores.append(float(q[h] @ k[h]) / math.sqrt(dim))
                    values.append(v[h])
                weights = np.exp(np.array(scores) - max(scores))
                o[h] = sum(a * v for a, v in zip(weights / weights.sum(), values, strict=True))
            outputs.append(w_out @ o.reshape(-1))
        return outputs

    def fast(
        self, layer: int, x: list[Vector], memory: NaiveMemory, written: list[tuple[int, Any]] | None
    ) -> list[Vector]:
        name = f"blocks.{layer}.mixer"
        heads, key, value = self.s["fast_heads"], self.s["key_dim"], self.s["value_dim"]
        outputs = []
        for x_t in x:
            qkv = self.w[f"{name}.qkv.weight"] @ x_t
            if self.s["conv_kernel"]:
                taps = self.w[f"{name}.conv.weight"]  # [4, channels], the newest last
                seen = [*memory.recent[layer], qkv]
                memory.recent[layer] = seen[1:]
                mixed = sum(taps[j] * seen[j] for j in range(4))
                qkv = mixed / (1 + np.exp(-mixed))
            gates = self.w[f"{name}.gates.weight"] @ x_t + self.w[f"{name}.gates.bias"]
            gate = self.w[f"{name}.output_gate.weight"] @ x_t
            o = np.zeros((heads, value))
            for h in range(heads):
                q = qkv[h * key : (h + 1) * key]
                k = qkv[heads * key + h * key : heads * key + (h + 1) * key]
                v = qkv[2 * heads * key + h * value : 2 * heads * key + (h + 1) * value]
                q = q / math.sqrt(float(q @ q) + 1e-6) / math.sqrt(key)
                k = k / math.sqrt(float(k @ k) + 1e-6)
                a = 1 / (1 + math.exp(gates[h]))  # exp(-softplus(z)) = sigmoid(-z)
                beta = self.s["beta_max"] / (1 + math.exp(-gates[heads + h]))
                memory.state[layer][h] = self.write(memory.state[layer][h], k, v, a, beta)
                if written is not None:
                    written.append((layer, (h, k, v, a, beta)))
                o[h] = self.norm(memory.state[layer][h].T @ q, self.w[f"{name}.norm.weight"])
            outputs.append(self.w[f"{name}.out.weight"] @ (o.reshape(-1) * gate / (1 + np.exp(-gate))))
        return outputs

    def write(self, state: Vector, k: Vector, v: Vector, a: float, beta: float) -> Vector:
        state = a * state
        found = state.T @ k if self.s["local_rule"] == "delta" else 0.0
        return state + beta * np.outer(k, v - found)

    # One pass, sleep, and waking.

    def one_pass(
        self, h: list[Vector], memory: NaiveMemory, *, full: bool, written: list[tuple[int, Any]] | None = None
    ) -> tuple[list[Vector], NaiveMemory]:
        memory = copy.deepcopy(memory)
        start, memory.position = memory.position, memory.position + len(h)
        for layer, kind in enumerate(self.s["layer_types"]):
            x = [self.norm(h_t, self.w[f"blocks.{layer}.mixer_norm.weight"]) for h_t in h]
            if kind == "linear_attention":
                mixed = self.fast(layer, x, memory, written)
            else:
                mixed = self.attend(layer, x, memory, start, full)
            h = [h_t + o_t for h_t, o_t in zip(h, mixed, strict=True)]
            after = []
            for h_t in h:
                up = self.w[f"blocks.{layer}.up.weight"] @ self.norm(h_t, self.w[f"blocks.{layer}.mlp_norm.weight"])
                gelu = 0.5 * up * (1 + np.tanh(math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)))
                after.append(h_t + self.w[f"blocks.{layer}.down.weight"] @ gelu)
            h = after
        return h, memory

    def embed(self, tokens: list[int]) -> list[Vector]:
        embedded = [self.w["embedding.weight"][token] for token in tokens]
        if self.s["window_positions"]:
            embedded = [e + self.w["places"][t] for t, e in enumerate(embedded)]
        return embedded

    def output(self, h_t: Vector) -> Vector:
        """Logits [vocab_size] of one place."""
        x = self.norm(h_t, self.w["norm.weight"])
        if self.s["tie_embeddings"]:
            return self.w["embedding.weight"] @ x / math.sqrt(self.s["d_model"])
        return self.w["head.weight"] @ x

    def expected_token(self, h_t: Vector, t: int) -> Vector:
        """The mean embedding of the tokens that place t would put out, each by its probability."""
        odds = [math.exp(logit) for logit in self.output(h_t)]
        expected = np.zeros(self.s["d_model"])
        for token, odd in enumerate(odds):
            expected = expected + odd / sum(odds) * self.w["embedding.weight"][token]
        return expected + self.w["places"][t] if self.s["window_positions"] else expected

    def sleep(self, tokens: list[int], memory: NaiveMemory, policy: dict[str, Any]) -> NaiveMemory:
        """Algorithm 1 over one window; `policy` is SleepPolicy.to_json()."""
        full = policy["sleep_attention"] == "full"
        before, embedding = memory, self.embed(tokens)
        h = embedding
        written: list[tuple[int, Any]] = []
        for n in range(policy["n_passes"]):
            if n > 0 and policy["recurrence"] == "replay":
                for layer, (head, k, v, a, beta) in written:
                    memory.state[layer][head] = self.write(memory.state[layer][head], k, v, a, beta)
                continue
            start = copy.deepcopy(before)  # its cache, its convolution's context, its position ...
            if n > 0 and policy["recurrence"] == "carry":
                start.state = memory.state  # ... but S as the pass before left it
            if n > 0 and self.s["input_recall"]:
                parts = [
                    np.concatenate([self.norm(h_t, self.w["recall_norm.weight"]), e_t])
                    for h_t, e_t in zip(h, embedding, strict=True)
                ]
                h = [self.w["recall.weight"] @ part for part in parts]
            if n > 0 and self.s["vocabulary_feedback"]:
                h = [self.expected_token(h_t, t) for t, h_t in enumerate(h)]
            written = []
            h, memory = self.one_pass(h, start, full=full, written=written)
        memory = copy.deepcopy(memory)
        memory.position = before.position + len(tokens)
        if policy["eviction"] != "none":
            keep = self.s["window"] - 1 if policy["eviction"] == "sliding" else 0
            memory.cache = {layer: held[max(len(held) - keep, 0) :] for layer, held in memory.cache.items()}
            if keep == 0:
                memory.recent = {layer: [0 * vector for vector in held] for layer, held in memory.recent.items()}
        return memory

    def wake(self, tokens: list[int], memory: NaiveMemory) -> Vector:
        """Logits [T, vocab_size] in one causal pass."""
        h, _ = self.one_pass(self.embed(tokens), memory, full=False)
        return np.array([self.output(h_t) for h_t in h])
