"""The page "Your model" as a script: bundled models, a local folder where it is allowed, and each refusal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.shell import uploads
from app.your_model import document_box, models
from sleepviz.config.events import Trace
from sleepviz.studies.recordings import text_recordings, text_trace
from sleepviz.tasks.base import InputError
from sleepviz.text import example
from tests.app.made import DEFAULT

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120


def opened(**query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=SECONDS).run()
    page.switch_page("../pages/your_model.py")
    for name, value in query.items():
        page.query_params[name] = value
    return clean(page.run())


def clean(page: AppTest) -> AppTest:
    assert not page.exception, [e.value for e in page.exception]
    return page


def payloads(page: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.json)["run"] for each in page.get("bidi_component") if '"frames"' in each.proto.json]


def ran(page: AppTest) -> AppTest:
    page.button(key="your_model_run").click()
    return ran_by_link(clean(page.run()))


def ran_by_link(page: AppTest) -> AppTest:
    """Run again, as the polling fragment does, until the run that was asked for is there."""
    deadline = time.monotonic() + SECONDS
    while not any(each["badge"].startswith("live") for each in payloads(page)):
        assert time.monotonic() < deadline and not page.error, [e.value for e in page.error]
        clean(page.run())
    return page


@pytest.fixture(autouse=True)
def _not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(models.ALLOWED, raising=False)


def test_opening_the_page_imports_neither_torch_nor_transformers(assets: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.shell import runs; runs.ASSETS = Path(sys.argv[1]);"
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


def test_a_link_is_run_and_a_run_is_in_the_link(assets: Path) -> None:
    asked = {"model": "random:Qwen3.5", "N": "3", "eviction": "sliding", "question": "Who?", "L": "16"}
    page = opened(**asked)
    (shown,) = payloads(ran_by_link(page))
    assert len(shown["woken"]) == 3 * len(shown["sleeps"]) and "eviction sliding" in shown["badge"]
    assert {name: page.query_params[name] for name in page.query_params} == asked  # as it was written
    page.select_slider(key="your_model_passes").set_value(2)
    ran(clean(page.run()))
    assert page.query_params["N"] in ("2", ["2"])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"N": "5"}, "1, 2, 3, 4"),
        ({"model": "local:/etc"}, "model is not here"),
        ({"L": "7"}, "8, 16"),
        ({"eviction": "none"}, "hard"),
    ],
)
def test_a_bad_link_is_one_sentence_and_nothing_runs(assets: Path, query: dict[str, str], says: str) -> None:
    page = opened(**query)
    assert len(page.error) == 1 and says in page.error[0].value and not payloads(page)


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
    from tests.hybrids.folders import text_folder

    folder = text_folder(tmp_path / "mine")
    page = opened()
    assert "a folder or a hub name" not in page.selectbox(key="your_model_source").options
    assert any(models.ALLOWED in each.value for each in page.caption)

    monkeypatch.setenv(models.ALLOWED, "1")
    page = opened()
    page.selectbox(key="your_model_source").set_value("local:")
    clean(page.run())
    assert "Give a folder" in page.error[0].value
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
    from sleepviz.config.base import ConfigError

    (tmp_path / "model.safetensors").write_bytes(b"0" * 2000)
    monkeypatch.setenv(models.SIZE_MAX, "0.000001")
    with pytest.raises(ConfigError, match="more than 1e-06 GB"):
        models.require_size(str(tmp_path))
    monkeypatch.setenv(models.SIZE_MAX, "4")
    models.require_size(str(tmp_path))
    with pytest.raises(ConfigError, match="neither a folder here nor"):
        models.require_size("nobody/nothing")  # offline in tests
    with pytest.raises(ConfigError, match="neither a folder here nor"):
        models.require_size("n" * 300)  # longer than a file's name may be

    with pytest.raises(ConfigError, match="does not load models that a visitor names"):
        models._loaded(f"local:{tmp_path}", "", False)


def test_bad_input_is_one_sentence_and_nothing_runs(assets: Path) -> None:
    page = opened()
    page.text_area(key="your_model_input_rule110").set_value("{")
    clean(page.run())
    assert len(page.error) == 1
    page.selectbox(key="your_model_source").set_value("random:Bamba")
    clean(page.run())
    page.text_area(key="your_model_document").set_value(" ")
    clean(page.run())
    assert "Write a document" in page.error[0].value
    page.button(key="your_model_run").click()  # it may be pressed at any time
    clean(page.run())
    assert len(page.error) == 1
    assert "your_model_job" not in page.session_state


def test_a_corrected_input_runs_on_the_first_press(assets: Path) -> None:
    page = opened()
    page.text_area(key="your_model_input_rule110").set_value("nonsense")
    clean(page.run())
    assert "not JSON" in page.error[0].value

    asked = '{"rows": ["1111000011110000"], "steps": 2}'
    page.text_area(key="your_model_input_rule110").set_value(asked)
    ran(page)

    assert page.query_params["rule110_input"] in (asked, [asked])


def test_an_edited_document_is_in_the_link_and_comes_back_from_it(assets: Path) -> None:
    document = 'Tess said "no".\nThe hat <b>is</b> red & new, 100 % sure.'
    page = opened()
    page.selectbox(key="your_model_source").set_value("random:Bamba")
    clean(page.run())
    page.text_area(key="your_model_document").set_value(document)
    ran(page)
    link = {name: page.query_params[name] for name in page.query_params}
    link = {name: value[0] if isinstance(value, list) else value for name, value in link.items()}

    other = opened()
    for name, value in link.items():
        other.query_params[name] = value
    clean(other.run())

    assert other.text_area(key="your_model_document").value == document
    assert other.selectbox(key="your_model_source").value == "random:Bamba"
    del other.query_params["doc"]
    assert clean(other.run()).text_area(key="your_model_document").value == document_box.DOCUMENT


@pytest.fixture
def text_model(assets: Path) -> Path:
    """An untrained text model where the app looks for its own: it says what it can, and nothing right."""
    import torch

    from sleepviz.core.model import HybridLM
    from sleepviz.hybrids.models.text_tokenizer import build_tokenizer
    from sleepviz.studies.hybrids.text_model import MODEL, STAGES, write_model
    from sleepviz.text.lessons import Writer
    from sleepviz.text.training import TextTrainer, TextTraining

    model = HybridLM(MODEL, generator=torch.Generator().manual_seed(1))
    trainer = TextTrainer(TextTraining(STAGES, steps=1), 1, model, Writer(build_tokenizer(), MODEL.window))
    write_model(trainer, assets / "models" / "text-micro", "a test")
    return assets / "models" / "text-micro"


def test_a_page_of_text_runs_through_the_path_of_any_folder(text_model: Path) -> None:
    page = opened()
    assert page.selectbox(key="your_model_source").value == "text:text-micro"
    page.select_slider(key="your_model_passes").set_value(2)
    page.text_area(key="your_model_page").set_value(
        "The brother of Ana is Ben. It rained all night. Ben lives in Oslo."
    )
    page.text_input(key="your_model_page_question").set_value("Where does the brother of Ana live?")
    clean(page.run())
    assert any("Correct answer: **Oslo** (2 hops" in each.value for each in page.caption)
    (shown,) = payloads(ran(page))
    assert shown["badge"].startswith("live · text-micro · trained by us")
    assert "".join(shown["tokens"]) == "ThebrotherofAnaisBen.Itrainedallnight.BenlivesinOslo."
    assert [card["title"] for card in shown["contenders"]][-2:] == ["No sleep", "Full attention"]
    for card in shown["contenders"]:
        (row,) = card["rows"]
        assert row["truth"] == "Oslo"
        assert (card["right"] is True) == (row["answer"] == "Oslo")
        assert card["right"] is not None or row["answer"].startswith("Oslo")
    (text_model / "config.json").unlink()  # the run that is shown stays, the model does not
    assert payloads(clean(page.run()))


def test_the_shipped_run_is_shown_at_once_and_only_with_its_own_weights(text_model: Path, assets: Path) -> None:
    for name, spec in text_recordings(assets / "models").items():
        (assets / "recordings" / f"{name}.npz").write_bytes(text_trace(spec, assets / "models").to_npz())
    page = opened()
    (shown,) = payloads(page)
    assert shown["badge"].startswith("recorded · text-micro") and "".join(shown["picture"]["texts"]) == example.PAGE
    assert [card["title"] for card in shown["contenders"]] == [
        "Slept, N = 4",
        "Slept, N = 1",
        "No sleep",
        "Full attention",
    ]
    assert any("recording of the default page" in each.value for each in page.caption)
    assert "64 tokens" in shown["terms"]["window"] and all(shown["terms"].values())

    page.text_area(key="your_model_page").set_value("Ben lives in Oslo. It rained all night.")
    clean(page.run())
    assert payloads(page)[0]["id"] == shown["id"]  # until Run is pressed
    assert payloads(ran(page))[0]["badge"].startswith("live · text-micro")

    page = opened()
    page.selectbox(key="your_model_source").set_value("random:Bamba")
    assert not payloads(clean(page.run()))
    config = json.loads((text_model / "config.json").read_text())
    (text_model / "config.json").write_text(json.dumps({**config, "digest": "f" * 64}))
    assert not payloads(opened())
    (text_model / "config.json").write_text(json.dumps(config))
    assert payloads(opened())
    home = assets / "recordings" / "words-home.npz"
    run = Trace.from_npz(home.read_bytes())
    home.write_bytes(replace(run, spec=run.spec | {"unknown": 1}).to_npz())
    assert not payloads(opened())
    home.write_bytes(replace(run, checkpoint={"name": "text:text-micro"}).to_npz())
    assert not payloads(opened())
    home.write_bytes(b"PK not a recording")
    assert not payloads(opened())


def test_words_that_it_never_read_are_named_and_are_no_markup(text_model: Path) -> None:
    page = opened()
    page.text_area(key="your_model_page").set_value("Zelda lives in <b>Oslo</b>. *Quark*!")
    clean(page.run())
    (warning,) = page.warning
    assert "never read “Zelda”, “b”, “Quark”" in warning.value
    assert any("not asked in the model's style" in each.value for each in page.caption)


def measured_perplexity(page: AppTest) -> AppTest:
    page.button(key="your_model_measure").click()
    clean(page.run())
    deadline = time.monotonic() + SECONDS
    while not any("tokens scored" in each.value for each in page.markdown):
        assert time.monotonic() < deadline and not page.error, [e.value for e in page.error]
        clean(page.run())
    return page


def test_perplexity_is_measured_on_request_with_every_setting(text_model: Path) -> None:
    page = opened()
    assert any("not expected to gain from N > 1" in each.value for each in page.markdown)
    page = measured_perplexity(page)
    table = next(each.value for each in page.markdown if "tokens scored" in each.value)
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:7]] == [
        *("N = 0", "N = 1", "N = 2", "N = 4"),
        "full attention",
    ]
    said = next(each.value for each in page.markdown if "N = 4 instead of N = 1" in each.value)
    assert "Full attention instead of N = 1" in said
    # Another document is another question: nothing that was measured of the first is shown.
    page.text_area(key="your_model_page").set_value("Ana lives in Oslo.")
    clean(page.run())
    assert not any("tokens scored" in each.value for each in page.markdown)
    page.button(key="your_model_measure").click()
    clean(page.run())
    deadline = time.monotonic() + SECONDS
    while not page.error:
        assert time.monotonic() < deadline
        clean(page.run())
    assert "must go on for at least" in page.error[0].value


def test_no_perplexity_with_random_weights(assets: Path) -> None:
    page = opened()
    page.selectbox(key="your_model_source").set_value("random:Qwen3.5")
    clean(page.run())
    assert any("a perplexity means nothing" in each.value for each in page.caption)
    assert "your_model_measure" not in [button.key for button in page.button]


def test_an_uploaded_file_goes_into_the_box_and_a_bad_one_is_refused(text_model: Path) -> None:
    page = opened()
    page.file_uploader(key="your_model_upload_page").set_value(("page.md", b"Ana lives in Rome.\r\n", "text/markdown"))
    clean(page.run())
    assert page.text_area(key="your_model_page").value == "Ana lives in Rome." and not page.error
    page.file_uploader(key="your_model_upload_page").set_value(("page.txt", b"\xff\xfe", "text/plain"))
    clean(page.run())
    assert "The file is not UTF" in page.error[0].value
    assert page.text_area(key="your_model_page").value == "Ana lives in Rome."

    page.text_input(key="your_model_page_question").set_value("Where does Ana live?")
    page.selectbox(key="your_model_source").set_value("random:Qwen3.5")
    assert not clean(page.run()).error  # the other box has its own upload
    page.text_area(key="your_model_document").set_value("Some text of mine.")
    clean(page.run())
    page.selectbox(key="your_model_source").set_value("text:text-micro")
    clean(page.run())
    assert page.text_area(key="your_model_page").value == "Ana lives in Rome."  # another model loses nothing
    assert page.text_input(key="your_model_page_question").value == "Where does Ana live?"
    page.selectbox(key="your_model_source").set_value("random:Qwen3.5")
    assert clean(page.run()).text_area(key="your_model_document").value == "Some text of mine."


@pytest.mark.parametrize(
    ("name", "data", "refusal"),
    [
        ("a.pdf", b"text", "end in .txt or .md"),
        ("txt", b"text", "end in .txt or .md"),
        ("a.txt", b"x" * (uploads.MOST_BYTES + 1), "at most 40,000"),
        ("a.txt", b"x" * (uploads.MOST_CHARACTERS + 1), "10,001 characters, and at most 10,000"),
        ("a.txt", b"caf\xe9", "not UTF-8"),
        ("a.md", b"PK\x03\x04", "control characters"),
        ("a.md", b" \n ", "is empty"),
        ("a.md", b"", "is empty"),
    ],
)
def test_files_that_are_refused(name: str, data: bytes, refusal: str) -> None:
    with pytest.raises(InputError, match=refusal):
        uploads.text_of(name, data)


def test_files_that_are_read() -> None:
    assert uploads.text_of("A.TXT", "\ufeffcafé\r\nüber\t<b>".encode()) == "café\nüber\t<b>"
    assert uploads.text_of("a.md", "🌙".encode() * uploads.MOST_CHARACTERS) == "🌙" * uploads.MOST_CHARACTERS
