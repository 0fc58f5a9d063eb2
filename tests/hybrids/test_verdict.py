"""The verdict on a model, and whether there is room for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.models import gguf, room
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.models.gguf import split_gguf
from sleepviz.hybrids.models.loading import load_any, load_tokenizer
from sleepviz.hybrids.models.room import Room, require_disk, require_room, room_for
from sleepviz.hybrids.models.verdict import judge, suggested_layers
from tests.hybrids.models import shared


@pytest.mark.parametrize(
    ("family", "fast", "attention"),
    [
        ("Qwen3.5", (0, 2), (1, 3)),
        ("Falcon-H1", (0, 1, 2, 3), (0, 1, 2, 3)),
        ("Llama + fast weights", (1, 3), (0, 1, 2, 3)),
    ],
)
def test_a_hybrid_can_sleep_as_it_is(family: str, fast: tuple[int, ...], attention: tuple[int, ...]) -> None:
    found = judge(shared(family))

    assert (found.kind, found.reason, found.fast, found.attention) == ("sleeps", "", fast, attention)
    assert found.parameters == sum(p.numel() for p in shared(family).parameters())
    assert found.memory_layers == ((1, 3) if "fast weights" in family else ())


@pytest.mark.parametrize("family", ["Llama", "Qwen3"])
@pytest.mark.parametrize("tied", [False, True])
def test_attention_alone_sleeps_with_memory_added_and_answers_the_same(family: str, tied: bool) -> None:
    model = tiny(family, tie_word_embeddings=tied)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = judge(model)

    assert (found.kind, found.fast, found.attention) == ("with memory", (), (0, 1, 2, 3))
    assert found.memory_layers == (1, 2) and found.silent and "attention only" in found.reason
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("family", "says"), [("Mamba-2", "no attention"), ("Jamba", "ignores"), ("LFM2", "no fast")])
def test_what_cannot_sleep_is_told_why(family: str, says: str) -> None:
    found = judge(shared(family))

    assert found.kind == "cannot" and says in found.reason and found.reason.endswith(".")


def test_a_llama_whose_attention_slides_cannot_be_given_memory() -> None:
    found = judge(tiny("Qwen3", use_sliding_window=True, sliding_window=4, max_window_layers=0))

    assert found.kind == "cannot" and "slides by itself" in found.reason


@pytest.mark.parametrize(("n_layers", "layers"), [(30, (10, 20)), (4, (1, 2)), (2, (0, 1)), (1, (0,)), (3, (1, 2))])
def test_memory_is_suggested_a_third_and_two_thirds_of_the_way(n_layers: int, layers: tuple[int, ...]) -> None:
    assert suggested_layers(n_layers) == layers


def test_a_gguf_file_is_found_by_its_path_its_folder_or_its_name_on_the_hub(tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")

    assert split_gguf(file) == split_gguf(f'"{file}"') == split_gguf(tmp_path) == (tmp_path, "small.gguf")
    assert split_gguf("me/tiny/small.Q4.gguf") == ("me/tiny", "small.Q4.gguf")
    assert split_gguf("me/tiny") == ("me/tiny", "")
    (tmp_path / "large.gguf").write_bytes(b"GGUF")
    with pytest.raises(ConfigError, match="several GGUF files"):
        split_gguf(tmp_path)
    with pytest.raises(ConfigError, match=r"no file 'none\.gguf'"):
        split_gguf(tmp_path / "none.gguf")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert split_gguf(tmp_path) == (tmp_path, "")


def test_packages_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(gguf, "PACKAGES", ("torch", "no_such_reader", "no_such_helper"))
    for load in (load_any, load_tokenizer):
        with pytest.raises(ConfigError, match=r"needs no_such_reader and no_such_helper, .* pip install no_such"):
            load(tmp_path)


def test_a_model_too_large_for_the_memory_or_the_disk_is_refused_with_both_sizes(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(3000))
    (tmp_path / "small.gguf").write_bytes(bytes(100))

    assert (room_for(tmp_path, "").files, room_for(tmp_path, "").loaded) == (3000, 3000)
    assert (room_for(tmp_path, "small.gguf").files, room_for(tmp_path, "small.gguf").loaded) == (100, 800)
    require_room(Room(10, 10, None))
    require_room(Room(10, 10, 10))
    with pytest.raises(ConfigError, match=r"needs about 1.2 GB of memory, and 300 MB are free"):
        require_room(Room(600_000_000, 1_200_000_000, 300_000_000))
    require_disk(1, tmp_path / "not" / "there" / "yet")
    with pytest.raises(ConfigError, match=r"the download takes 1e\+09 GB"):
        require_disk(10**18, tmp_path)


def test_free_memory_is_the_least_of_what_machine_and_control_group_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "group"
    group.mkdir()
    monkeypatch.setattr(room, "GROUPS", (group, tmp_path / "none"))
    alone = room.available_bytes()
    assert alone is not None and alone > 0
    for name, text in (("max", "5000"), ("current", "4000"), ("stat", "anon 1\ninactive_file 700\nfile 900\n")):
        (group / f"memory.{name}").write_text(text)
    assert room.available_bytes() == 1700  # files that are only cached are given up
    (group / "memory.max").write_text("max\n")
    assert room.available_bytes() == pytest.approx(alone, rel=0.5)
