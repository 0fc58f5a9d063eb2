"""Where a model lies: folders as people write them, names on the hub, and what is kept of the hub without a network."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.models.loading import load_sleeper
from sleepviz.hybrids.models.places import place_of, weights_bytes
from tests.hybrids.models import shared


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's home folder, with a model in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    shared("Qwen3.5").save_pretrained(tmp_path / "my small")
    return tmp_path


@pytest.mark.parametrize("form", ["~/my small", '"{}"', "'{}'", " {} ", "file://{}", "{}/", "“{}”", '"~/my small"'])
def test_a_folder_is_found_however_it_is_written(home: Path, form: str) -> None:
    folder = home / "my small"
    written = form.format(str(folder).replace(" ", "%20") if form.startswith("file") else folder)

    assert place_of(written) == folder
    assert weights_bytes(written) == (folder / "model.safetensors").stat().st_size
    assert torch.equal(load_sleeper(written).lm_head.weight, shared("Qwen3.5").lm_head.weight)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Qwen/Qwen3.5-0.8B", "Qwen/Qwen3.5-0.8B"),
        (" gpt2 ", "gpt2"),
        ('"me/tiny"', "me/tiny"),
        ("https://huggingface.co/me/tiny", "me/tiny"),
        ("https://huggingface.co/me/tiny/tree/main?x=1", "me/tiny"),
        ("https://hf.co/me/tiny/", "me/tiny"),
    ],
)
def test_a_hub_name_is_found_however_it_is_written(written: str, name: str) -> None:
    assert place_of(written) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "  ", "/nowhere/at/all", "~/nowhere", "file:///nowhere", "../../x/y", "C:\\models", "http://localhost/x"),
        *(
            "a b",
            "a/b/c",
            "n\nn",
            "\x1b[31mred",
            "half\ud83d",
            "x" * 5000,
            "me/" + "x" * 300,
            "ｍe/tiny",
            "nobody/nothing",
        ),
    ],
)
def test_what_is_no_place_is_one_sentence(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_sleeper(name)
    assert str(refused.value).isprintable() and str(refused.value).endswith(".") and len(str(refused.value)) < 500
    with pytest.raises(ConfigError):
        weights_bytes(name)


def test_a_file_is_no_folder(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"'config.json' is a file; give the folder"):
        load_sleeper(home / "my small" / "config.json")


def test_a_model_in_the_hubs_cache_is_found_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--me--tiny"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("a" * 40)
    shared("Qwen3.5").save_pretrained(kept / "snapshots" / ("a" * 40))

    assert weights_bytes("me/tiny") == (kept / "snapshots" / ("a" * 40) / "model.safetensors").stat().st_size
    assert not load_sleeper("me/tiny", cache_dir=tmp_path).training
    with pytest.raises(ConfigError, match="'me/other' is neither a folder here nor was it found on the hub"):
        weights_bytes("me/other")


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no safetensors"):
        weights_bytes(tmp_path)
