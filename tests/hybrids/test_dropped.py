"""Files that a visitor drops: bounded before they are parsed, and unable to make the library read anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.models import dropped
from sleepviz.hybrids.models.loading import load_any, load_tokenizer
from sleepviz.hybrids.models.room import require_modest
from tests.hybrids.folders import text_folder

CONFIG = ("config.json", b"{}")
WEIGHTS = ("model.safetensors", b"0" * 100)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_folder(tmp_path_factory.mktemp("dropped") / "model")


def files_of(folder: Path, **changed: bytes) -> list[tuple[str, bytes]]:
    """A folder's files, some of them with other contents; their names with _ in place of the dot."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    found |= {name.replace("_json", ".json"): data for name, data in changed.items()}
    return list(found.items())


def laid_out(files: list[tuple[str, bytes]], folder: Path) -> Path:
    folder.mkdir()
    dropped.lay_out(files, folder)
    return folder


def test_what_was_dropped_loads_as_the_folder_does(model: Path, tmp_path: Path) -> None:
    folder = laid_out(files_of(model), tmp_path / "out")

    ours, theirs = load_any(folder), load_any(model)
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in theirs.state_dict().items())
    assert load_tokenizer(folder).encode("w3 w1") == load_tokenizer(model).encode("w3 w1")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "weights are missing"),
        ([CONFIG], "weights are missing"),
        ([WEIGHTS], "config.json is missing"),
        ([CONFIG, WEIGHTS, WEIGHTS], "comes twice"),
        ([CONFIG, ("model.bin", b"x")], "'model.bin' is not a file that is read here"),
        ([CONFIG, WEIGHTS, ("modeling_me.py", b"x")], "modeling_me.py' is not"),
        ([CONFIG, WEIGHTS, ("adapter_config.json", b"{}")], "adapter_config.json' is not"),
        ([CONFIG, WEIGHTS, ("memory.json", b"{}")], "memory.json' is not"),
        ([CONFIG, ("../../x.safetensors", b"x")], "is not a file"),
        ([CONFIG, ("a\\b.safetensors", b"x")], "is not a file"),
        ([("a.gguf", b"x"), ("b.gguf", b"x")], "one GGUF file"),
        ([CONFIG, ("a.gguf", b"x"), WEIGHTS], "one GGUF file"),
        ([CONFIG, WEIGHTS, *((f"{i}.safetensors", b"") for i in range(40))], "at most 32 files"),
        ([CONFIG, ("a.safetensors", bytes(30_000_000)), ("b.safetensors", bytes(21_000_000))], "51.0 MB"),
    ],
)
def test_what_is_no_model_or_too_much_is_refused_before_it_is_read(
    files: list[tuple[str, bytes]], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=says):
        dropped.require_files(files)
    with pytest.raises(ConfigError, match=says):
        dropped.lay_out(files, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("tokenizer_config_json", "tokenizer_file"),
        ("tokenizer_config_json", "vocab_file"),
        ("tokenizer_config_json", "name_or_path"),
        ("tokenizer_config_json", "auto_map"),
        ("config_json", "_name_or_path"),
        ("config_json", "auto_map"),
        ("config_json", "attn_implementation"),
        ("config_json", "_attn_implementation"),
        ("config_json", "experts_implementation"),
        ("config_json", "hub_kernels"),
    ],
)
def test_nothing_that_points_elsewhere_is_left(model: Path, tmp_path: Path, name: str, key: str) -> None:
    elsewhere = tmp_path / "secret.json"
    elsewhere.write_text((model / "tokenizer.json").read_text().replace('"w1"', '"secret"'))
    file = name.replace("_json", ".json")
    values = json.loads((model / file).read_text()) | {key: str(elsewhere), "inner": {key: str(elsewhere)}}
    folder = laid_out(files_of(model, **{name: json.dumps(values).encode()}), tmp_path / "out")

    assert str(elsewhere) not in (folder / file).read_text()
    assert (
        load_tokenizer(folder).encode("w1") == load_tokenizer(model).encode("w1") != load_tokenizer(folder).encode("?")
    )
    load_any(folder)


def test_sizes_that_only_sound_like_pointers_stay(model: Path, tmp_path: Path) -> None:
    folder = laid_out(files_of(model), tmp_path / "out")
    ours, theirs = (json.loads((where / "config.json").read_text()) for where in (folder, model))

    assert ours["linear_conv_kernel_dim"] == theirs["linear_conv_kernel_dim"] == 4
    assert set(theirs) - set(ours) <= {"_name_or_path"}


@pytest.mark.parametrize("shard", ["/etc/passwd", "../model.safetensors", "other.safetensors", 3])
def test_a_list_of_weights_names_dropped_files_only(model: Path, tmp_path: Path, shard: Any) -> None:
    index = json.dumps({"metadata": {}, "weight_map": {"lm_head.weight": shard}}).encode()
    files = [*files_of(model), (dropped.INDEX, index)]

    with pytest.raises(ConfigError, match="names weights that were not dropped"):
        laid_out(files, tmp_path / "out")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (b"\xff", "not UTF-8"),
        (b"[1]", "must be a JSON object"),
        (b"{", "is not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": ' + b"[" * 100_000 + b"}", "is not JSON"),
        (b'{"quantization_config": {"quant_method": "gptq"}}', "quantised safetensors cannot be dropped"),
    ],
)
def test_a_configuration_that_is_none_is_one_sentence(model: Path, tmp_path: Path, config: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        laid_out(files_of(model, config_json=config), tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_hidden_layers": 10**7}, "10,000,000 of num_hidden_layers"),
        ({"vocab_size": 10**9}, "the files hold far fewer"),
        ({"hidden_size": 2**20}, "the files hold far fewer"),
        ({"num_attention_heads": 32 * 1000, "hidden_size": 32 * 1000}, "of num_attention_heads"),
    ],
)
def test_a_configuration_that_asks_for_all_memory_is_refused_before_any_is_taken(
    tmp_path: Path, changes: dict[str, int], says: str
) -> None:
    text_folder(tmp_path / "model", "Llama")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps({**config, **changes}))
    size = (tmp_path / "model" / "model.safetensors").stat().st_size

    with pytest.raises(ConfigError, match=says):
        require_modest(tmp_path / "model", size)


@pytest.mark.parametrize("family", ["Qwen3.5", "Llama", "Zamba2", "Llama + fast weights"])
def test_an_honest_configuration_is_modest(tmp_path: Path, family: str) -> None:
    folder = text_folder(tmp_path / "model", family)

    require_modest(folder, (folder / "model.safetensors").stat().st_size)


def test_a_digest_changes_with_any_byte_and_not_with_the_order(model: Path) -> None:
    files = files_of(model)
    name, data = files[0]

    assert dropped.digest_of(files) == dropped.digest_of(files[::-1])
    assert dropped.digest_of(files) != dropped.digest_of([(name, data + b" "), *files[1:]])
    assert dropped.digest_of([("ab", b"c")]) != dropped.digest_of([("a", b"bc")])


def test_the_version_of_the_library_that_these_keys_are_of() -> None:
    """Another major version may read other keys: look at `_POINTS_ELSEWHERE` then."""
    assert transformers.__version__.split(".")[0] == "5"
