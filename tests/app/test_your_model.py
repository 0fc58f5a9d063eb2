"""The page "Your model" as a script: bundled models, a local folder where it is allowed, and each refusal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import models
from tests.app.made import DEFAULT

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


def opened() -> AppTest:
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=SECONDS).run()
    return clean(page.switch_page("../pages/your_model.py").run())


def clean(page: AppTest) -> AppTest:
    assert not page.exception, [e.value for e in page.exception]
    return page


def payloads(page: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json]


def ran(page: AppTest) -> AppTest:
    page.button(key="your_model_run").click()
    clean(page.run())
    deadline = time.monotonic() + SECONDS
    while not payloads(page):
        assert time.monotonic() < deadline and not page.error, [e.value for e in page.error]
        clean(page.run())
    return page


@pytest.fixture(autouse=True)
def _not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(models.ALLOWED, raising=False)


def test_opening_the_page_imports_neither_torch_nor_transformers(assets: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app import runs; runs.ASSETS = Path(sys.argv[1]);"
        "from streamlit.testing.v1 import AppTest; page = AppTest.from_file('app/main.py', default_timeout=60).run();"
        "page.switch_page('../pages/your_model.py').run(); assert not page.exception;"
        "assert page.button(key='your_model_run');"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(assets)], cwd=ROOT, check=True, timeout=SECONDS)


def test_our_checkpoint_runs_through_transformers_in_the_same_player(assets: Path) -> None:
    page = opened()
    assert page.selectbox(key="your_model_source").value == f"checkpoint:{DEFAULT}"
    page.select_slider(key="your_model_passes").set_value(2)
    (shown,) = payloads(ran(page))

    assert shown["picture"]["kind"] == "rows" and len(shown["woken"]) == 2
    assert shown["badge"].startswith(f"live · {DEFAULT} · trained by us")
    titles = [card["title"] for card in shown["contenders"]]
    assert titles == ["Slept, N = 2", "Slept, N = 1", "No sleep", "Full attention"]
    assert all(card["rows"] for card in shown["contenders"])
    table = next(each.value for each in page.markdown if each.value.startswith("| what is held"))
    config = json.loads((assets / "checkpoints" / DEFAULT / "meta.json").read_text())["model"]
    assert f"| KV cache just before a sleep, at most | {17 * 2 * config['d_model'] * 4:,} |" in table
    assert "| KV cache after the last eviction | 0 |" in table


def test_a_random_family_reads_a_text_and_says_that_it_is_random(assets: Path) -> None:
    page = opened()
    page.selectbox(key="your_model_source").set_value("random:Qwen3.5")
    clean(page.run())
    page.text_area(key="your_model_document").set_value("The lamp in the hall is green.")
    page.select_slider(key="your_model_window").set_value(16)
    page.select_slider(key="your_model_passes").set_value(3)
    (shown,) = payloads(ran(page))

    assert shown["picture"]["kind"] == "words" and "random weights" in shown["badge"]
    assert "".join(shown["tokens"]) == "The␣lamp␣in␣the␣hall␣is␣green."
    assert len(shown["sleeps"]) == 2 and len(shown["drift"]) == 6 and len(shown["drift"][0]) == 2
    assert max(kv for frame in shown["frames"] for kv in frame["kv"]) == 16
    assert any("weights are random" in each.value for each in page.caption)
    assert all(card["right"] is None for card in shown["contenders"])
    assert "perplexity" not in json.dumps(shown)


def test_a_folder_is_loaded_only_where_the_server_allows_it(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.hybrids.test_tune import text_folder

    folder = text_folder(tmp_path / "mine")
    page = opened()
    assert "a folder or a hub name" not in page.selectbox(key="your_model_source").options
    assert any(models.ALLOWED in each.value for each in page.caption)

    monkeypatch.setenv(models.ALLOWED, "1")
    page = opened()
    page.selectbox(key="your_model_source").set_value("local:")
    clean(page.run())
    assert page.button(key="your_model_run").disabled and "Give a folder" in page.error[0].value
    page.text_input(key="your_model_name").set_value(str(folder))
    page.text_area(key="your_model_document").set_value("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10")
    page.text_input(key="your_model_question").set_value("w3 w4")
    page.select_slider(key="your_model_window").set_value(8)
    (shown,) = payloads(ran(clean(page.run())))
    assert shown["tokens"] == [f"w{i}" for i in range(1, 11)] and len(shown["sleeps"]) == 2
    assert any("not expected to gain from N > 1" in each.value for each in page.caption)


def test_the_size_limit_and_a_missing_folder_are_one_sentence(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sleepviz.config import ConfigError

    (tmp_path / "model.safetensors").write_bytes(b"0" * 2000)
    monkeypatch.setenv(models.SIZE_MAX, "0.000001")
    with pytest.raises(ConfigError, match="more than 1e-06 GB"):
        models.require_size(str(tmp_path))
    monkeypatch.setenv(models.SIZE_MAX, "4")
    models.require_size(str(tmp_path))
    with pytest.raises(ConfigError, match="neither a folder here nor"):
        models.require_size("nobody/nothing")  # offline in tests

    with pytest.raises(ConfigError, match="does not load models that a visitor names"):
        models._loaded(f"local:{tmp_path}", "", False)


def test_bad_input_is_one_sentence_and_nothing_runs(assets: Path) -> None:
    page = opened()
    page.text_area(key="your_model_input_rule110").set_value("{")
    clean(page.run())
    assert len(page.error) == 1 and page.button(key="your_model_run").disabled
    page.selectbox(key="your_model_source").set_value("random:Bamba")
    clean(page.run())
    page.text_area(key="your_model_document").set_value(" ")
    clean(page.run())
    assert "Write a document" in page.error[0].value and page.button(key="your_model_run").disabled
