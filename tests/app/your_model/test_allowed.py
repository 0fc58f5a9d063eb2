"""What a server may load: the setting's four levels, who counts as the machine's own person, and where links lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.your_model import allowed
from app.your_model.allowed import Allowance, comes_from_here, is_loopback, read_setting, require_allowed
from sleepviz.config.base import ConfigError


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        (None, False),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_only_an_address_that_nobody_else_reaches_is_private(address: str | None, is_private: bool) -> None:
    assert is_loopback(address) == is_private
    assert read_setting("", is_private=is_loopback(address)).level == ("anything" if is_private else "files")


@pytest.mark.parametrize(
    ("headers", "here"),
    [
        ({}, True),
        ({"Host": "localhost:8501"}, True),
        ({"host": "127.0.0.1"}, True),
        ({"Host": "[::1]:8501"}, True),
        ({"Host": "sleep.example.org"}, False),  # a proxy on this machine, or a name that was bound to it
        ({"Host": "localhost.example.org:8501"}, False),
        ({"Host": "localhost:8501", "X-Forwarded-For": "203.0.113.9"}, False),
        ({"Host": "localhost:8501", "forwarded": "for=203.0.113.9"}, False),
    ],
)
def test_a_visitor_behind_a_proxy_is_not_the_machines_own(headers: dict[str, str], here: bool) -> None:
    assert comes_from_here(headers) == here


@pytest.mark.parametrize("is_private", [False, True])
def test_the_setting_decides_wherever_it_is_set(tmp_path: Path, is_private: bool) -> None:
    for level in ("nothing", "files", "anything"):
        assert read_setting(f" {level} ", is_private=is_private) == Allowance(level)  # type: ignore[arg-type]
    value = f"{tmp_path}, Qwen/Qwen3.5-0.8B,gpt2"
    expected = Allowance("listed", (tmp_path.resolve(),), ("Qwen/Qwen3.5-0.8B", "gpt2"))
    assert read_setting(value, is_private=is_private) == expected


@pytest.mark.parametrize("value", ["a b", "files,", "http://x/y", "a/b/c", "Anything!", ",", "every\nthing"])
def test_a_setting_that_cannot_be_read_allows_nothing(value: str) -> None:
    assert read_setting(value, is_private=True) == Allowance("nothing", unreadable=True)


def model_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"0")
    return folder


def test_only_what_lies_in_an_allowed_folder_is_loaded_wherever_links_lead(tmp_path: Path) -> None:
    ours, theirs = model_in(tmp_path / "ours" / "good"), model_in(tmp_path / "theirs" / "secret")
    (tmp_path / "ours" / "link").symlink_to(theirs)
    inner = model_in(tmp_path / "ours" / "inner")
    (inner / "tokenizer.json").symlink_to(theirs / "config.json")
    (tmp_path / "ours" / "again").symlink_to(ours)
    allowance = read_setting(f"{tmp_path / 'ours'},me/tiny", is_private=False)

    for name in (str(ours), str(tmp_path / "ours" / "again"), str(ours / "config.json"), "me/tiny"):
        require_allowed(name, allowance)
    refused = (
        theirs,
        tmp_path / "ours" / "link",
        inner,
        ours / ".." / ".." / "theirs" / "secret",
        tmp_path / "ours" / "none",
        tmp_path / "none",
        "/etc/passwd",
        "/no/such",
        "~",
        "me/other",
        "me/tiny/../other",
        "\0",
        "x" * 5000,
    )
    for name in refused:
        # One sentence for all: it must not tell what exists.
        with pytest.raises(ConfigError, match=r"^this server loads only the models of its own list\.$"):
            require_allowed(str(name), allowance)


def test_a_list_shows_the_models_in_its_folders(tmp_path: Path) -> None:
    for name in ("b", "a"):
        model_in(tmp_path / "many" / name)
    (tmp_path / "many" / "empty").mkdir()
    (tmp_path / "many" / "memory").mkdir()
    (tmp_path / "many" / "memory" / "memory.json").write_text("{}")
    one = model_in(tmp_path / "one")
    allowance = read_setting(f"{tmp_path / 'many'},{one},{tmp_path / 'gone'},me/tiny", is_private=False)

    assert [Path(each).name for each in allowance.listed()] == ["a", "b", "memory", "one", "tiny"]


@pytest.mark.parametrize("level", ["nothing", "files"])
def test_no_name_is_taken_at_the_careful_levels(tmp_path: Path, level: allowed.Level) -> None:
    with pytest.raises(ConfigError, match="does not load models that a visitor names"):
        require_allowed(str(model_in(tmp_path / "mine")), Allowance(level))
    assert Allowance(level).files == (level == "files") and not Allowance(level).anything
