"""The Graph page as a script: first paint, own graphs, refusals, links, and what is compared."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from sleepviz.tasks.depo.examples import SMALL_GRAPH
from tests.app.made import GRAPH_BASELINE, GRAPH_DEFAULT, GRAPH_PASSES
from tests.app.page import ROOT, clean, errors, live, opened, payload, unfolded

SQUARE = "a->b, c->d, b->c, d->a"


def test_first_paint_is_the_recorded_graph(assets: Path) -> None:
    page = opened("depo")
    shown = payload(page)
    assert shown["badge"].startswith(f"recorded · {GRAPH_DEFAULT}")
    assert [node["name"] for node in shown["picture"]["nodes"]] == ["Ben", "Eve", "Ana", "Dan", "Fay", "Cleo"]
    assert len(shown["picture"]["edges"]) == 6  # each has its place among the tokens
    assert page.selectbox(key="depo_start").value == SMALL_GRAPH["start"]
    assert page.slider(key="depo_hops").value == SMALL_GRAPH["hops"]
    assert page.select_slider(key="depo_passes").value == GRAPH_PASSES
    assert not errors(page) and not page.query_params


def test_run_live_repeats_the_recorded_answer(assets: Path) -> None:
    page = opened("depo")
    recorded = payload(page)
    page.button(key="run").click()
    shown = payload(live(clean(page.run())))
    assert [w["grid"] for w in shown["woken"]] == [w["grid"] for w in recorded["woken"]]
    assert [card["title"] for card in shown["contenders"]] == [
        f"This model, {GRAPH_PASSES} passes",
        "This model, 1 pass",
        "Trained with 1 pass only",
    ]
    assert shown["contenders"][2]["note"] == f"another model, for a fair comparison: {GRAPH_BASELINE}"
    assert all(card["rows"][0]["truth"] == "Ben" for card in shown["contenders"])  # Ana, Dan, Fay, Cleo, Ben


def test_an_own_graph_runs_and_writes_the_link(assets: Path) -> None:
    page = opened("depo")
    page.text_area(key="depo_edges").set_value(SQUARE)
    page.slider(key="depo_hops").set_value(3)
    live(clean(page.run()))
    shown = payload(page)
    assert page.selectbox(key="depo_start").value == "a"  # Ana is gone: the first node that is told
    assert [shown["picture"]["nodes"][i]["name"] for i in shown["picture"]["path"]] == ["a", "b", "c", "d"]
    assert len(shown["woken"][0]["grid"]) == 4 * 8
    link = {name: page.query_params[name] for name in page.query_params}
    assert link == {
        "task": "depo",
        "edges": "a>b,c>d,b>c,d>a",
        "start": "a",
        "k": "3",
        "N": str(GRAPH_PASSES),
        "checkpoint": GRAPH_DEFAULT,
    }


def test_a_link_restores_the_question(assets: Path) -> None:
    page = live(opened("depo", edges="a>b,c>d,b>c,d>a", start="c", k="2", N="2"))
    shown = payload(page)
    assert [shown["picture"]["nodes"][i]["name"] for i in shown["picture"]["path"]] == ["c", "d", "a"]
    assert len(shown["woken"]) == 2 and not errors(page)


@pytest.mark.parametrize(
    ("edges", "says"),
    [
        ("", "no edge yet"),
        ("a b", "no arrow"),
        ("a->b, b->a", "2 nodes; this model reads graphs of 4 to 18"),
        ("a->b, b->c, c->d", "one edge must leave every node, but 0 leave 'd'"),
        ("a->b, b->c, c->d, d->a, a->c", "one edge must leave every node, but 2 leave 'a'"),
        ("a->b, b->c, c->b, d->a", "one edge must enter every node, but 2 enter 'b'"),
        (", ".join(f"n{i}->n{(i + 1) % 19}" for i in range(19)), "19 nodes"),
        ("a->[x](http://x), b->c", "longer than 12"),
        ("*c* [x](y)", "has no arrow"),
    ],
    ids=["empty", "no-arrow", "small", "open", "two-out", "two-in", "large", "link", "markup"],
)
def test_each_bad_graph_is_one_sentence_and_nothing_runs(assets: Path, edges: str, says: str) -> None:
    page = opened("depo")
    page.text_area(key="depo_edges").set_value(edges)
    clean(page.run())
    (sentence,) = errors(page)
    assert says in sentence.replace("\\", "") and len(sentence) < 250 and "\n" not in sentence
    assert payload(page)["badge"].startswith("recorded")


def test_what_was_typed_is_never_markup(assets: Path) -> None:
    page = opened("depo")
    page.text_area(key="depo_edges").set_value("*c* [x](y) <i>")
    (sentence,) = errors(clean(page.run()))
    assert r"\*c\* \[x\]\(y\) \<i" in sentence


def test_several_cycles_are_answered_with_a_note(assets: Path) -> None:
    page = opened("depo")
    page.text_area(key="depo_edges").set_value("a->b, b->a, c->d, d->c")
    live(clean(page.run()))
    assert any("2 cycles" in info.value for info in page.info) and not errors(page)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"k": "9"}, "hops k must be a whole number from 1 to 8"),
        ({"k": "0"}, "hops k must be"),
        ({"edges": "x" * 5000}, "at most 4000 characters"),
        ({"start": "n" * 13}, "at most 12 characters"),
        ({"task": "rule110"}, "this page shows depo"),
    ],
)
def test_each_bad_link_is_one_sentence(assets: Path, query: dict[str, str], says: str) -> None:
    page = opened("depo", **query)
    (sentence,) = errors(page)
    assert says in sentence
    page.button(key="preset_small").click()
    assert not errors(clean(page.run()))


def test_presets_are_easy_hard_and_small(assets: Path) -> None:
    page = opened("depo")
    seen = {}
    for key in ("easy", "hard", "small"):
        page.button(key=f"preset_{key}").click()
        clean(page.run())
        assert not errors(page)
        seen[key] = (
            page.text_area(key="depo_edges").value.count("->"),
            page.slider(key="depo_hops").value,
            page.select_slider(key="depo_passes").value,
        )
    assert seen == {"easy": (18, 1, 1), "hard": (18, 8, 9), "small": (6, 4, 5)}
    before = page.text_area(key="depo_edges").value
    page.button(key="preset_random").click()
    clean(page.run())
    assert page.text_area(key="depo_edges").value != before and not errors(page)


def test_without_the_n_1_model_one_sentence_says_so(assets: Path) -> None:
    shutil.rmtree(assets / "checkpoints" / GRAPH_BASELINE)
    page = opened("depo")
    (missing,) = [card["missing"] for card in payload(page)["contenders"] if not card["rows"]]
    assert "is missing here" in missing and missing.count(".") == 1


def test_without_a_recording_the_run_is_live(assets: Path) -> None:
    (assets / "recordings" / "depo-home.npz").unlink()
    page = opened("depo")
    for _ in range(200):
        if [each for each in page.get("bidi_component") if '"frames"' in each.proto.json]:
            break
        clean(page.run())
    shown = payload(live(page))
    assert len(shown["picture"]["nodes"]) == 18 and len(shown["picture"]["path"]) == 9  # the hard preset


def test_departures_and_the_table_are_on_the_page(assets: Path) -> None:
    page = unfolded(opened("depo"), "departures", "numbers")
    said = " ".join(each.value for each in (*page.markdown, *page.caption))
    for name in ("vocabulary feedback", "loss on every pass", "skipped passes", "short convolution", "roll call"):
        assert name in said
    assert "whole-row answers" not in said and "t as a token" not in said
    table = next(each.value for each in page.markdown if each.value.startswith("| window"))
    assert table.count("\n") + 1 == 2 + GRAPH_PASSES
    assert any("before looking at any answers" in each.value for each in page.caption)


def test_pages_do_not_share_what_was_set(assets: Path) -> None:
    page = opened("depo")
    page.select_slider(key="depo_passes").set_value(5)
    live(clean(page.run()))
    page.switch_page(str(ROOT / "pages" / "rule110.py"))
    shown = payload(clean(page.run()))
    assert shown["picture"]["kind"] == "rows" and shown["badge"].startswith("recorded")
    page.switch_page(str(ROOT / "pages" / "depo.py"))
    assert payload(clean(page.run()))["picture"]["kind"] == "hops"


def test_the_recording_is_the_task_s_own(assets: Path) -> None:
    from app.stage import watch

    shown = watch.recorded("depo", ())
    assert isinstance(shown, watch.Shown)
    assert json.loads(shown.trace.spec["input"]) == SMALL_GRAPH


@pytest.mark.parametrize(("trigger", "key", "value"), [("statement", "statements", 2), ("surprise", "ratio", 1.1)])
def test_sleep_at_statements_and_surprises_runs_and_is_linked(
    assets: Path, trigger: str, key: str, value: float
) -> None:
    page = opened("depo")
    page.selectbox(key="depo_trigger").set_value(trigger)
    clean(page.run())
    page.number_input(key=f"depo_{key}").set_value(value)
    live(clean(page.run()))
    assert page.query_params["trigger"] == f"{trigger}:{value:g}"
    sleeps = payload(page)["sleeps"]
    reasons = [sleep["reason"] for sleep in sleeps]
    assert all((sleep["last"] - sleep["first"]) % 3 == 0 for sleep in sleeps)  # an edge has three tokens
    said = {"statement": "2 statements over", "surprise": r"A surprise, \d+[.]\d times the usual"}[trigger]
    assert trigger == "surprise" or re.fullmatch(said, reasons[0])  # nothing surprises an untrained model
    assert all(re.fullmatch(f"{said}|A page over|Window full|The input has ended", reason) for reason in reasons)
