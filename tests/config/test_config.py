"""Settings: what is refused, with one sentence; what is kept over JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepviz.config.base import ConfigError
from sleepviz.config.model import PASSES_MAX, ModelConfig, SleepPolicy
from sleepviz.config.run import INPUT_MAX_CHARACTERS, STILL, RunSpec, Spending, Trigger
from sleepviz.config.training import Budget, Stage, TrainConfig

LAYERS = ("full_attention", "sliding_attention", "linear_attention")
models = st.builds(
    ModelConfig,
    vocab_size=st.integers(1, 1000),
    window=st.integers(1, 100),
    layer_types=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=6).map(tuple),
    d_model=st.sampled_from([8, 64]),
    n_heads=st.sampled_from([1, 2, 4]),
    fast_heads=st.integers(1, 9),
    key_dim=st.integers(1, 9),
    conv_kernel=st.sampled_from([0, 4]),
    local_rule=st.sampled_from(["delta", "hebbian"]),
    beta_max=st.sampled_from([1.0, 2.0]),
    input_recall=st.booleans(),
)
models = st.one_of(models, models.map(lambda m: replace(m, input_recall=False, vocabulary_feedback=True)))
policies = st.builds(
    SleepPolicy,
    n_passes=st.integers(0, PASSES_MAX),
    eviction=st.sampled_from(["hard", "sliding", "none"]),
    sleep_attention=st.sampled_from(["causal", "full"]),
    recurrence=st.sampled_from(["carry", "replay", "reset_state"]),
)
triggers = st.one_of(
    st.just(Trigger()),
    st.builds(Trigger, kind=st.just("every"), every=st.integers(1, 99)),
    st.builds(Trigger, kind=st.just("manual"), asked_after=st.lists(st.integers(0, 99)).map(tuple)),
    st.builds(Trigger, kind=st.just("surprise"), ratio=st.integers(11, 990).map(lambda tenths: tenths / 10)),
    st.builds(Trigger, kind=st.just("statement"), statements=st.integers(1, 99)),
)
spendings = st.one_of(
    st.just(Spending()),
    st.integers(1, 999).map(lambda thousandths: Spending("still", threshold=thousandths / 1000)),
    st.integers(0, 99).map(lambda budget: Spending("even", budget)),
    st.integers(0, 99).map(lambda budget: Spending("hardest", budget, STILL)),
)
specs = st.builds(
    RunSpec,
    task=st.text(max_size=10),
    input=st.text(max_size=50),
    checkpoint=st.text(max_size=10),
    n_passes=st.integers(0, PASSES_MAX),
    trigger=triggers,
    spending=spendings,
    control=st.sampled_from(["none", "zero_state", "shuffled_state", "replay", "reset_state", "untrained", "oracle"]),
    seed=st.integers(0, 2**40),
)
stages = st.builds(
    Stage,
    passes=st.integers(1, PASSES_MAX),
    difficulty=st.integers(0, 30),
    windows=st.tuples(st.integers(1, 4), st.integers(4, 9)),
    single_window_share=st.floats(0, 1),
    advance_at=st.floats(0.1, 1),
    frontier_share=st.floats(0, 1),
)
trainings = st.builds(
    TrainConfig,
    stages=st.lists(stages, min_size=1, max_size=4).map(tuple),
    budget=st.one_of(
        st.integers(1, 99).map(Budget.steps),
        st.builds(Budget, st.sampled_from(["tokens", "flops"]), st.floats(1, 1e18)),
        st.just(Budget.equal_to("a", "b", unit="flops")),
    ),
    eviction=st.sampled_from(["hard", "sliding", "none"]),
    pass_loss=st.floats(0, 2),
)


@given(settings=st.one_of(models, policies, triggers, specs, trainings))
def test_settings_survive_json_and_stay_usable_as_keys(settings: Any) -> None:
    read = type(settings).from_json(json.loads(json.dumps(settings.to_json())))
    assert read == settings and hash(read) == hash(settings)


def test_every_setting_of_a_run_tells_it_from_others() -> None:
    """A RunSpec is the key of every cache: two that differ anywhere must not be one key."""
    base = RunSpec("rule110", "{}")
    others = [
        RunSpec("depo", "{}"),
        RunSpec("rule110", "[]"),
        RunSpec("rule110", "{}", checkpoint="x"),
        RunSpec("rule110", "{}", n_passes=5),
        RunSpec("rule110", "{}", eviction="sliding"),
        RunSpec("rule110", "{}", sleep_attention="full"),
        RunSpec("rule110", "{}", trigger=Trigger("every", every=3)),
        RunSpec("rule110", "{}", spending=Spending("even", 3)),
        RunSpec("rule110", "{}", control="replay"),
        RunSpec("rule110", "{}", seed=1),
    ]
    assert len({base, *others}) == 11
    assert len(others) == len(RunSpec.__dataclass_fields__)


VALID_MODEL = {"vocab_size": 5, "window": 4}


@pytest.mark.parametrize(
    "wrong",
    [
        {"vocab_size": 0},
        {"vocab_size": 10**9},
        {"vocab_size": "5"},
        {"vocab_size": None},
        {"vocab_size": 5.5},
        {"vocab_size": True},
        {"window": 0},
        {"window": 2.0},
        {"layer_types": []},
        {"layer_types": ["mamba"]},
        {"layer_types": "full_attention"},
        {"layer_types": [["full_attention"]]},
        {"layer_types": {"full_attention": 1}},
        {"layer_types": ["full_attention"] * 129},
        {"layer_types": 3},
        {"n_heads": 0},
        {"n_heads": 3},
        {"fast_heads": 0},
        {"fast_heads": 2.0},
        {"fast_heads": 10**12},
        {"vocabulary_feedback": 1},
        {"vocabulary_feedback": True, "input_recall": True},
        {"n_heads": 64},  # one number a head cannot be rotated
        {"d_model": 64.0},
        {"d_model": -64},
        {"d_model": 10**12},
        {"key_dim": 0},
        {"value_dim": 1.5},
        {"key_dim": 10**12},
        {"mlp_ratio": 0},
        {"mlp_ratio": 0.5},
        {"mlp_ratio": 10**12},
        {"conv_kernel": 3},
        {"conv_kernel": "4"},
        {"local_rule": "oja"},
        {"local_rule": ["delta"]},
        {"beta_max": 1.5},
        {"input_recall": "yes"},
        {"tie_embeddings": 1},
        {"rope_theta": "big"},
        {"rope_theta": 0.0},
        {"rope_theta": float("nan")},
        {"norm_eps": None},
        {"norm_eps": -1.0},
        {"n_layers": 4},
    ],
)
def test_a_model_that_cannot_be_built_is_refused_with_one_sentence(wrong: dict[str, Any]) -> None:
    """Descriptions come from files: whatever JSON can say ends in a ConfigError, never later inside torch."""
    with pytest.raises(ConfigError) as refusal:
        ModelConfig.from_json({**VALID_MODEL, **wrong})
    assert one_sentence(str(refusal.value))


def one_sentence(message: str) -> bool:
    return bool(message) and "\n" not in message and message.endswith(".") and len(message) < 300


@pytest.mark.parametrize("n_passes", [-1, PASSES_MAX + 1, 2.0, "4", None, True])
def test_passes_are_whole_numbers_in_range(n_passes: Any) -> None:
    for build in (lambda: SleepPolicy(n_passes=n_passes), lambda: RunSpec("rule110", "{}", n_passes=n_passes)):
        with pytest.raises(ConfigError, match=f"from 0 to {PASSES_MAX}"):
            build()


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": "x" * (INPUT_MAX_CHARACTERS + 1)},
        {"input": 5},
        {"task": ["rule110"]},
        {"eviction": "soft"},
        {"control": "magic"},
        {"sleep_attention": "sideways"},
        {"trigger": "window"},
        {"trigger": {"kind": "every"}},
        {"trigger": {"kind": "whenever"}},
        {"trigger": {"kind": "surprise", "ratio": 1.0}},
        {"trigger": {"kind": "surprise"}},
        {"trigger": {"kind": "window", "statements": 2}},
        {"spending": "fixed"},
        {"spending": {"kind": "lavish"}},
        {"spending": {"kind": "fixed", "budget": 3}},
        {"spending": {"kind": "even", "budget": -1}},
        {"spending": {"kind": "even", "threshold": 0.1}},
        {"spending": {"kind": "still", "threshold": -0.1}},
        {"seed": "1"},
        {"checkpoint": None},
        {"colour": "red"},
    ],
)
def test_a_run_that_makes_no_sense_is_refused_with_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refusal:
        RunSpec.from_json({"task": "rule110", "input": "{}", **wrong})
    assert one_sentence(str(refusal.value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("window", Trigger()),
        ("every:7", Trigger("every", every=7)),
        ("manual", Trigger("manual")),
        ("manual:5", Trigger("manual", asked_after=(5,))),
        ("manual:5,12", Trigger("manual", asked_after=(5, 12))),
        ("surprise:2", Trigger("surprise", ratio=2.0)),
        ("surprise:1.75", Trigger("surprise", ratio=1.75)),
        ("statement:3", Trigger("statement", statements=3)),
    ],
)
def test_triggers_as_written_on_the_command_line(text: str, expected: Trigger) -> None:
    assert Trigger.parse(text) == expected


@given(triggers.filter(lambda trigger: trigger.kind != "manual" or trigger.asked_after), spendings)
def test_what_is_written_is_read_back(trigger: Trigger, spending: Spending) -> None:
    assert Trigger.parse(trigger.text) == trigger
    assert Spending.parse(spending.text) == spending


@pytest.mark.parametrize(
    "text",
    [
        *("", "lavish", "fixed:3", "even", "even:", "even:-1", "even:x", "even:1.5", "even:" + "9" * 5000, "hardest"),
        *("still", "still:", "still:x", "still:-1", "still:nan", "still:1e-3", "hardest:10001"),
    ],
)
def test_other_spendings_are_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Spending.parse(text)
    assert one_sentence(str(refusal.value))


@pytest.mark.parametrize(
    "text",
    [
        *("", "always", "every", "every:", "every:0", "every:-3", "every:x", "every:3,4", "every:٣", "every:1e3"),
        *("surprise", "surprise:1", "surprise:0.5", "surprise:-2", "surprise:nan", "surprise:1e3", "surprise:999"),
        *("statement", "statement:0", "statement:x", "statement:1,2", "statement:" + "9" * 5000),
        *("window:3", "manual:x", "manual:-1", "every:" + "9" * 5000, "manual:" + "9" * 5000),
    ],
)
def test_other_triggers_are_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Trigger.parse(text)
    assert one_sentence(str(refusal.value))


@pytest.mark.parametrize(
    "wrong",
    [
        {"stages": []},
        {"budget": {"unit": "steps", "amount": 0}},
        {"budget": {"unit": "steps", "amount": 1.5}},
        {"budget": {"unit": "steps", "match": ["rule110-micro"]}},
        {"budget": {"unit": "tokens", "amount": 5, "match": ["rule110-micro"]}},
        {"budget": {"unit": "days", "amount": 5}},
        {"budget": 5},
        {"batch": 0},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 1], "advance_at": 0.0}]},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 1], "own_answers": True}]},
        {"curriculum": True},
        {"loss": "next_step", "n_passes": 2},
        {"pass_loss": "much"},
        {"pass_loss": None},
        {"pass_loss": -0.1},
        {"skipped_share": 0.5},
        {"repeats": 0},
        {"skipped_share": 1.5, "pass_loss": 1.0},
        {"eviction": "soft"},
        {"n_passes": 65},
        {"loss": "hinge"},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 1], "frontier_share": -0.1}]},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 1], "frontier_share": 1.1}]},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 1], "single_window_share": -0.1}]},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 1], "single_window_share": 1.1}]},
        {"stages": [{"passes": 1, "difficulty": -1, "windows": [1, 1]}]},
        {"stages": [{"passes": 1, "difficulty": 1, "windows": [2, 1]}]},
        {"stages": [{"passes": 0, "difficulty": 1, "windows": [1, 1]}]},
        {"stages": [{"difficulty": 1, "windows": [1, 1]}]},
    ],
)
def test_a_training_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    valid = {"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 2]}], "budget": {"unit": "steps", "amount": 10}}
    TrainConfig.from_json(valid)
    with pytest.raises(ConfigError) as refusal:
        TrainConfig.from_json({**valid, **wrong})
    assert one_sentence(str(refusal.value))


@pytest.mark.parametrize(
    ("earlier", "budget"),
    [
        ({"steps": 10}, Budget.steps(10)),
        ({"steps": 10, "match": [], "match_on": ""}, Budget.steps(10)),
        ({"steps": 1, "match": ["a", "b"], "match_on": "flops"}, Budget.equal_to("a", "b", unit="flops")),
    ],
)
def test_a_training_is_read_under_its_earlier_names(earlier: dict[str, Any], budget: Budget) -> None:
    names = {"stream_loss": 0.5, "ahead_share": 0.25, "sightings": 3}
    stages = [{"passes": 1, "difficulty": 1, "windows": [1, 2]}]
    read = TrainConfig.from_json({"stages": stages, **names, **earlier})
    assert (read.pass_loss, read.skipped_share, read.repeats) == (0.5, 0.25, 3) and read.budget == budget


@pytest.mark.parametrize(
    "earlier",
    [
        {},
        {"steps": 0},
        {"steps": "many"},
        {"steps": 1, "match": ["rule110-micro"]},
        {"steps": 1, "match_on": "tokens"},
        {"steps": 1, "match": "x", "match_on": "tokens"},
        {"steps": 1, "match": [5], "match_on": "tokens"},
    ],
)
def test_an_earlier_budget_that_makes_no_sense_is_refused(earlier: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refusal:
        TrainConfig.from_json({"stages": [{"passes": 1, "difficulty": 1, "windows": [1, 2]}], **earlier})
    assert one_sentence(str(refusal.value))
