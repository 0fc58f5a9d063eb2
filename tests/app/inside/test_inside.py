"""What the page Inside is given to draw and to say, from passes made by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.inside import beside, inside_text
from app.inside.memory import keys_of, true_word, word
from app.inside.nearest import Line, nearest_table, once
from app.inside.payload import Where, passes_of, payload
from app.inside.place import FIRST, readers
from app.inside.ways import notice, ways_of
from app.shell.state import LinkError
from app.tasks import PAGES
from sleepviz.config.events import Answer
from sleepviz.config.run import RunSpec
from sleepviz.inside.seen import LayerSeen, PassSeen, Writes
from sleepviz.runs.checkpoint import list_checkpoints
from tests.app.made import made_answer

HERE = Where(layer=0, head=0, window=0, attention_layer=0, attention_head=0)
STATES = ([[0.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, -4.0]], [[3.0, 0.0], [0.0, -1.0]])
TOKENS = ("t2", "0", "1")


def made_layer(before: list[list[float]], state: list[list[float]]) -> LayerSeen:
    """Two heads: the second one's numbers are ten times the first one's."""
    both = [np.array([each, [[10 * x for x in row] for row in each]], dtype=np.float32) for each in (before, state)]
    singular = np.linalg.svd(both[1], compute_uv=False)
    tokens = np.array([[0.9, 1.0, 0.5], [0.9, 1.0, 0.5]], dtype=np.float32)
    keys = np.ones((2, 3, 2), dtype=np.float32)
    return LayerSeen(1, both[0], both[1], singular, Writes(tokens, tokens[:, ::-1].copy(), keys, keys * 2))


def made_look(windows: int = 1) -> tuple[PassSeen, ...]:
    """Two passes a window; in the second one, token 3 looks at token 2 alone."""
    attention = np.zeros((2, 1, 3, 3), dtype=np.float16)
    attention[0, 0, 0, 0], attention[1, 0, 2, 1] = 0.5, 1.0
    h = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]], dtype=np.float32)
    return tuple(
        PassSeen(
            window_index=window,
            pass_index=n,
            tokens=TOKENS,
            layers=(made_layer(STATES[n], STATES[n + 1]),),
            attention=(attention[n],),
            attention_layers=(0,),
            h_before=h[n : n + 1],
            h=h[n + 1 : n + 2],
            woken=made_answer("1011", reached=2),
            own=(),
            other=(),
        )
        for window in range(windows)
        for n in range(2)
    )


def drawn(where: Where = HERE, **options: Any) -> dict[str, Any]:
    """One run alone, as the microscope gets it."""
    look = made_look()
    (ways,) = ways_of([passes_of(look, where)])
    return payload(look, where, ways, **{"token": str, "name": "this"} | options)


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def test_the_microscope_gets_one_head_of_every_pass() -> None:
    given = drawn(token=str.upper)
    assert json.loads(json.dumps(given)) == given and given["passes"] == 2
    assert floats(given["states"]).reshape(3, 2, 2).tolist() == [list(map(list, each)) for each in STATES]
    assert given["scale"] == 4.0 and given["change_scale"] == 4.0
    assert given["singular"] == [[4.0, 3.0], [3.0, 1.0]]
    assert given["tokens"] == ["T2", "0", "1"] and given["decay"][0] == [0.9, 1.0, 0.5]
    second = drawn(replace(HERE, head=1))
    assert floats(second["states"]).tolist() == [10 * x for x in floats(given["states"])]
    attention = np.frombuffer(base64.b64decode(given["attention"]), dtype=np.uint8).reshape(2, 3, 3)
    assert attention[0, 0, 0] == 128 and attention[1, 2, 1] == 255 and np.count_nonzero(attention) == 2


def test_every_picture_is_said_in_numbers_that_can_be_worked_out() -> None:
    given = drawn()
    first, second = given["said"]
    assert first["state"] == "The size |S| is 5.00. The largest entry, −4.00, is at key 2, value 2."
    assert second["change"] == "This pass changed the head by 95 % of its size, most at key 2, value 2."  # 3 of √10
    assert first["singular"] == "The largest singular value is 4.00. 2 of 2 hold 90 % of the table."  # 16 of 25
    assert second["singular"].endswith("1 of 2 hold 90 % of the table.")  # 9 of 10
    assert first["tokens"] == "0 at place 2 writes most strongly, with 1.00. 1 at place 3 keeps least of S, 50.0 %."
    assert second["attention"] == "The sharpest look: 1 (place 3) looks at 0 (place 2), with 100 %."
    assert given["path"]["state"]["distance"][-1] == 0 and given["path"]["h"]["distance"][0] == 1.0
    assert second["distance"] == "S is 0 % of its final size away from where it ends, h 0 %."


def test_two_runs_stand_in_one_plane_as_far_as_they_have_one_size() -> None:
    """The second run ends where the first one is after a pass, and has another stream of the same size."""
    first = made_look()
    second = tuple(replace(each, h=each.h * 2) for each in first[:1])
    one, other = ways_of([first, second])
    assert one.drawn()["state"]["points"][:2] == other.drawn()["state"]["points"]
    assert (one.shares_state, one.shares_h) == (True, True) and notice((one, other)) == inside_text.PLANE_SHARED
    longer = tuple(replace(each, h_before=np.ones((2, 2)), h=np.ones((2, 2))) for each in second)
    one, other = ways_of([first, longer])
    assert (other.shares_state, other.shares_h) == (True, False) and notice((one, other)) == inside_text.PLANES_APART
    (alone,) = ways_of([first])
    assert np.allclose(one.h.points, alone.h.points) and not np.allclose(one.state.points, alone.state.points)
    assert not alone.shares_state and notice((alone,)) == inside_text.PLANE


def test_a_place_that_a_run_does_not_have_is_its_last() -> None:
    far = Where(layer=7, head=9, window=5, attention_layer=3, attention_head=8)
    assert far.within(made_look(windows=2)) == Where(0, 1, 1, 0, 0)
    assert HERE.within(made_look()) == HERE


def test_keys_are_rows_of_cells_the_nodes_of_a_graph_or_all_variables() -> None:
    row = keys_of(PAGES["rule110"], made_answer("1110", reached=1))
    assert [column.label for column in row["row 1"]] == ["cell 1", "cell 2", "cell 3", "cell 4"]
    assert [word(made_answer("1110", reached=1), column) for column in row["row 1"]] == list("1110")
    assert [true_word(made_answer("1110", reached=1), column) for column in row["row 1"]] == list("1011")

    asked = ("2 hops from a", "1 hops from a", "2 hops from a", "1 hops from b", "2 hops from b")
    graph = Answer(asked, tuple("vwxyz"), tuple("vwxyz"), (True,) * 5, (1,) * 5, np.ones((5, 1), dtype=np.float32))
    nodes = keys_of(PAGES["depo"], graph)
    assert list(nodes) == ["a", "b"]  # the person's own question comes again in the grid
    assert [(column.label, word(graph, column)) for column in nodes["a"]] == [("1 hop", "w"), ("2 hops", "x")]

    sums = keys_of(PAGES["gsm"], replace(graph, asked=("b", "a", "b", "c", "d")))
    assert [(column.label, column.question) for column in next(iter(sums.values()))] == [
        ("b", 2), ("a", 1), ("c", 3), ("d", 4)
    ]  # fmt: skip


def test_each_of_the_nearest_words_is_told_once() -> None:
    words = once(["1", "0", "1", "t0", "1"], [0.891, 0.05, 0.02, 0.02, 0.011])
    assert words == ["1 89 % (2 %, 1 %)", "0 5 %", "t0 2 %"]
    lines = [Line("layer 2", ["1", "1"], [0.9, 0.05]), Line("all layers", ["1", "0"], [0.8, 0.1])]
    table = nearest_table("Nearest words.", "Reader", lines, alike="Some are alike.")
    assert "Nearest words. Some are alike." in table
    assert "1 90 % (5 %)" in table and "1 80 %" in table and "0 10 %" in table
    assert table.count("<tr>") == 3 and table.count('scope="col"') == 3  # two words at most, and what names a line
    assert "Some are alike." not in nearest_table("Nearest words.", "Reader", lines[1:], alike="Some are alike.")


def test_what_may_stand_beside_a_run_differs_from_it_in_one_thing() -> None:
    infos = tuple(info for info in list_checkpoints() if info.task == "depo")
    info = next(each for each in infos if each.default)
    spec = RunSpec("depo", PAGES["depo"].example, info.name, n_passes=4)
    offered = beside.choices(spec, info, infos)
    assert offered[beside.ALONE] and "model:depo-answers" in offered and "causal" in offered and "full" not in offered
    assert f"model:{info.name}" not in offered and "model:depo-small" not in offered  # another size of the task
    for option in [each for each in offered if each != beside.ALONE]:
        other = beside.beside(spec, info, infos, option)
        assert other is not None
        changed = [name for name, value in spec.to_json().items() if value != other.to_json()[name]]
        assert len(changed) == 1, (option, changed)
    assert beside.beside(spec, info, infos, beside.ALONE) is None


@pytest.mark.parametrize(
    ("name", "text"), [("layer", "-1"), ("head", "0"), ("pass", "99"), ("window", "x"), ("key", "x" * 200)]
)
def test_a_link_that_cannot_be_is_refused_in_one_sentence(name: str, text: str) -> None:
    assert set(readers()) == set(FIRST)
    with pytest.raises(LinkError, match=r"^The link's .*\.$"):
        readers()[name](text)
