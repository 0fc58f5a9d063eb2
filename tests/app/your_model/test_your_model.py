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
from app.your_model import allowed, document_box, model_text, models
from sleepviz.config.events import Trace
from sleepviz.studies.recordings import text_recordings, text_trace
from sleepviz.tasks.base import InputError
from sleepviz.text import example
from tests.hybrids.folders import text_folder

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
def _not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(allowed.SETTING, raising=False)


def brought(page: AppTest, name: str) -> AppTest:
    """The page once it has said whether this model can sleep, or why it cannot be loaded."""
    page.selectbox(key="your_model_source").set_value("own")
    clean(page.run())
    page.text_input(key="your_model_name").set_value(name)
    return loaded(page)


def loaded(page: AppTest) -> AppTest:
    page.button(key="your_model_load").click()
    clean(page.run())
    return judged(page)


def judged(page: AppTest) -> AppTest:
    deadline = time.monotonic() + SECONDS
    while not page.error and not verdict(page):
        assert time.monotonic() < deadline
        clean(page.run())
    return page


def verdict(page: AppTest) -> str:
    said = (each.value for each in page.markdown)
    return next((each for each in said if "can sleep" in each or "cannot sleep" in each), "")


def test_opening_the_page_imports_neither_torch_nor_transformers(assets: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.shell import runs; runs.ASSETS = Path(sys.argv[1]);"
        "from streamlit.testing.v1 import AppTest; page = AppTest.from_file('app/main.py', default_timeout=60).run();"
        "page.switch_page('../pages/your_model.py').run(); assert not page.exception;"
        "assert page.button(key='your_model_run');"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(assets)], cwd=ROOT, check=True, timeout=SECONDS)


def test_a_press_before_there_is_anything_to_load_is_kept(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(allowed.SETTING, "anything")
    page = opened()
    page.selectbox(key="your_model_source").set_value("own")
    clean(page.run())
    page.button(key="your_model_load").click()
    clean(page.run())
    assert model_text.NOTHING_YET in [each.value for each in page.info]
    page.text_input(key="your_model_name").set_value(str(text_folder(tmp_path / "mine", "Mamba-2")))
    assert "cannot sleep" in verdict(judged(clean(page.run())))
    assert model_text.NOTHING_YET not in [each.value for each in page.info]


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
        ({"model": "own"}, "model is not here"),
        ({"model": "dropped:abc"}, "model is not here"),
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


def test_each_level_offers_what_it_allows(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offered(value: str) -> tuple[bool, list[str], str]:
        monkeypatch.setenv(allowed.SETTING, value)
        page = opened()
        said = " ".join(each.value for each in page.caption)
        own = "a model of your own" in page.selectbox(key="your_model_source").options
        if own:
            page.selectbox(key="your_model_source").set_value("own")
            clean(page.run())
        keys = [each.key for kind in ("text_input", "selectbox", "checkbox") for each in page.get(kind)]
        given = [key for key in keys if key in ("your_model_name", "your_model_listed", "your_model_trust")]
        given += ["files"] * ("your_model_files" in [each.key for each in page.get("file_uploader")])
        return own, given, said

    text_folder(tmp_path / "models" / "mine")
    own, given, said = offered("nothing")
    assert not own and not given and "only the models in this list" in said
    own, given, said = offered("files")
    assert own and given == ["files"] and "up to 50 MB" in said
    own, given, said = offered(f"{tmp_path / 'models'},me/tiny")
    assert own and given == ["your_model_listed"] and "2 more on this server" in said
    own, given, said = offered("anything")
    assert own and given == ["your_model_name", "your_model_trust"] and "any folder of this machine" in said
    assert offered("")[1] == ["files"]  # nothing is known of the address: others may reach it
    monkeypatch.setattr(allowed.st, "get_option", lambda _: "127.0.0.1")
    assert offered("")[1] == ["your_model_name", "your_model_trust"]
    own, given, said = offered("no such thing")
    assert not own and "cannot be read" in said


def test_a_folder_is_loaded_judged_slept_on_and_asked(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = text_folder(tmp_path / "mine")
    monkeypatch.setenv(allowed.SETTING, "anything")
    page = brought(opened(), str(folder))

    assert "can sleep as it is" in verdict(page) and "layers 1 and 3 with fast weights" in verdict(page)
    assert f"--model {folder}" in page.code[0].value
    page.text_area(key="your_model_document").set_value("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10")
    page.text_input(key="your_model_question").set_value("w3 w4")
    page.select_slider(key="your_model_window").set_value(8)
    (span,) = [each for each in page.select_slider if str(each.key).startswith("your_model_span_")]
    span.set_value((2, 3))
    (shown,) = payloads(ran(clean(page.run())))

    assert shown["tokens"] == [f"w{i}" for i in range(1, 11)] and len(shown["sleeps"]) == 2
    costs = {card["title"]: card["cost"] for card in shown["contenders"]}
    assert costs["Full attention"].startswith("Read in ") and costs["No sleep"].startswith("Did not sleep")
    assert costs["Slept, N = 4"].startswith("Slept ") and costs["Slept, N = 1"].startswith("Slept ")
    assert any("not expected to gain from N > 1" in each.value for each in page.caption)
    assert any("repeat some middle layers" in each.value for each in page.caption)
    data = [json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json]
    assert data[0]["stale"] == ""
    script = next(each.value for each in page.code if "sleepviz.run_text" in each.value)
    assert "span=(1, 3)" in script

    # An edit that the picture does not show yet is marked at once, and the mark goes when it is taken back.
    page.select_slider(key="your_model_window").set_value(16)
    clean(page.run())
    data = [json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json]
    assert "press Run" in data[0]["stale"]
    page.select_slider(key="your_model_window").set_value(8)
    clean(page.run())
    data = [json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json]
    assert data[0]["stale"] == ""


def test_a_llama_sleeps_once_memory_was_added_and_its_script_does_the_same(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sleepviz

    folder = text_folder(tmp_path / "mine", "Llama")
    monkeypatch.setenv(allowed.SETTING, str(tmp_path))
    page = opened()
    page.selectbox(key="your_model_source").set_value("own")
    clean(page.run())
    assert page.selectbox(key="your_model_listed").options == ["mine"]
    page = loaded(page)

    assert "only with memory added" in verdict(page) and "the model's answers do not change" in verdict(page)
    assert "the same to the bit" in verdict(page)
    assert "your_model_document" not in [each.key for each in page.text_area]  # nothing to run yet
    page.button(key="your_model_add_memory").click()
    clean(page.run())
    assert "--add-fast-weights 1,2 --only-memory" in page.code[0].value
    page.text_area(key="your_model_document").set_value("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10")
    page.text_input(key="your_model_question").set_value("w3 w4")
    page.select_slider(key="your_model_window").set_value(8)
    page.select_slider(key="your_model_passes").set_value(2)
    (shown,) = payloads(ran(clean(page.run())))

    answers = [card["rows"][0]["answer"] for card in shown["contenders"] if card["title"].startswith("Slept")]
    assert len(set(answers)) == 1  # silent: N changes S and no answer
    run = sleepviz.run_text(
        folder, "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10", "w3 w4", window=8, n_passes=2, memory_layers=(1, 2)
    )
    assert run.answer.answers == (answers[0],)


@pytest.mark.parametrize(
    ("family", "damage", "says"),
    [
        ("Mamba-2", "", "cannot sleep.** It has no attention"),
        ("Qwen3.5", "model.safetensors", "mine could not be loaded"),
        ("Qwen3.5", "config.json", "configuration could not be read"),
        ("Qwen3.5", "tokenizer.json", "tokenizer"),
    ],
)
def test_what_cannot_be_loaded_or_cannot_sleep_is_told_why(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, damage: str, says: str
) -> None:
    folder = text_folder(tmp_path / "mine", family)
    if damage:
        (folder / damage).write_bytes((folder / damage).read_bytes()[:-9])
    monkeypatch.setenv(allowed.SETTING, "anything")
    page = brought(opened(), str(folder))

    told = [verdict(page), *(each.value.replace("\\", "") for each in page.error)]
    assert any(says in each for each in told), told
    assert len(page.error) == bool(damage) and not payloads(page)


def test_a_name_that_is_nothing_is_one_sentence(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(allowed.SETTING, "anything")
    for name in ("nobody/nothing", "n" * 300, "/nowhere/at all"):  # offline in tests
        page = brought(opened(), name)
        assert "neither a folder here nor" in page.error[0].value, name


def test_dropped_files_are_judged_and_asked(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = text_folder(tmp_path / "mine")
    files = [(path.name, path.read_bytes(), "application/octet-stream") for path in sorted(folder.iterdir())]
    monkeypatch.setenv(allowed.SETTING, "files")
    page = opened()
    page.selectbox(key="your_model_source").set_value("own")
    clean(page.run())
    page.file_uploader(key="your_model_files").set_value([each for each in files if each[0] != "config.json"])
    clean(page.run())
    assert "config\\.json is missing" in page.error[0].value
    page.file_uploader(key="your_model_files").set_value(files)
    page = loaded(clean(page.run()))
    assert "can sleep as it is" in verdict(page)
    page.text_area(key="your_model_document").set_value("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10")
    page.text_input(key="your_model_question").set_value("w3 w4")
    (shown,) = payloads(ran(clean(page.run())))
    assert shown["badge"].startswith("live · the dropped files · your model")
    assert any("A link cannot name" in each.value for each in page.caption)


def test_a_server_loads_no_name_that_is_not_allowed_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sleepviz.config.base import ConfigError
    from sleepviz.hybrids.fast_weights import add_fast_weights
    from sleepviz.hybrids.models.loading import load_any
    from sleepviz.hybrids.overlay import save_overlay

    mine, other = text_folder(tmp_path / "in" / "mine", "Llama"), text_folder(tmp_path / "out" / "other", "Llama")
    with pytest.raises(ConfigError, match="does not load models that a visitor names"):
        models.loaded(f"local:{mine}", "", False)
    monkeypatch.setenv(allowed.SETTING, str(tmp_path / "in"))
    assert models.loaded(f"local:{mine}", "", False)
    with pytest.raises(ConfigError, match="only the models of its own list"):
        models.loaded(f"local:{other}", "", False)
    with pytest.raises(ConfigError, match="runs no code"):
        models.loaded(f"local:{mine}", "", True)
    # Memory is laid over its base, which must be allowed too.
    save_overlay(add_fast_weights(load_any(other), (1,)), tmp_path / "in" / "memory", str(other))
    with pytest.raises(ConfigError, match="only the models of its own list"):
        models.loaded(f"local:{tmp_path / 'in' / 'memory'}", "", False)
    save_overlay(add_fast_weights(load_any(mine), (1,)), tmp_path / "in" / "memory", str(tmp_path / "in" / "memory"))
    with pytest.raises(ConfigError, match="its base is memory too"):
        models.loaded(f"local:{tmp_path / 'in' / 'memory'}", "", False)


def test_bad_input_is_one_sentence_and_a_corrected_one_runs_on_the_first_press(assets: Path) -> None:
    page = opened()
    page.selectbox(key="your_model_source").set_value("random:Bamba")
    clean(page.run())
    page.text_area(key="your_model_document").set_value(" ")
    clean(page.run())
    assert "Write a document" in page.error[0].value
    page.button(key="your_model_run").click()  # it may be pressed at any time
    clean(page.run())
    assert len(page.error) == 1
    assert "your_model_job" not in page.session_state

    page.text_area(key="your_model_document").set_value("The lamp in the hall is green.")
    ran(page)
    assert page.query_params["doc"]


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
