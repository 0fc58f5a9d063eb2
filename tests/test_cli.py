"""The command line's contract: JSON on stdout, exit status 2 and one line on stderr for anything else."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import sleepviz.__main__
import sleepviz.runs.record
import sleepviz.training.evaluate
from sleepviz.config.run import Spending, Trigger
from sleepviz.runs.checkpoint import list_checkpoints, load, save
from sleepviz.runs.record import record
from sleepviz.training.evaluate import wilson
from tests.builders import TASK, meta_of, random_model, rule110_config
from tests.runs.test_record import ROWS, final, spec_of, without_seconds
from tests.tasks.test_rule110 import by_table

ROOT = Path(__file__).resolve().parents[1]
INPUT = json.dumps({"rows": list(ROWS), "steps": 2})
RUN = ("run", "--task", "rule110")
EVAL = ("eval", "--task", "rule110", "--n", "5")


@pytest.fixture(autouse=True)
def _shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small checkpoints take the place of the shipped ones: the default and "other"."""
    for seed, (name, default) in enumerate([("small", True), ("other", False)]):
        model = random_model(rule110_config(), seed).float()
        save(tmp_path / "made" / name, model.state_dict(), meta_of(model.config, default=default))
    folder = tmp_path / "made"
    monkeypatch.setattr(sleepviz.runs.record, "load", lambda name="", *, task="": load(name, task=task, folder=folder))
    monkeypatch.setattr(sleepviz.__main__, "list_checkpoints", lambda: list_checkpoints(folder))


class Outcome:
    """Exit status, the JSON lines of stdout, and stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self.status = sleepviz.__main__.main(words)
        self.out, self.err = capsys.readouterr()
        self.lines = [json.loads(line) for line in self.out.splitlines()]


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line with which these words are refused."""
    outcome = Outcome(capsys, *words)
    assert (outcome.status, outcome.out[:200]) == (2, "")
    assert outcome.err.count("\n") == 1 and outcome.err.endswith(".\n"), outcome.err
    assert "Traceback" not in outcome.err and len(outcome.err) < 600
    return outcome.err


# run


def test_run_answers_what_record_does(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    outcome = Outcome(capsys, *RUN, "--input", INPUT, "--passes", "3", "--json")
    (line,) = outcome.lines
    assert outcome.status == 0
    assert set(line) == {
        *("task", "checkpoint", "digest", "passes", "eviction", "answer", "truth", "correct"),
        *("wake_ms", "sleep_ms", "events"),
    }
    checkpoint = load("small", folder=tmp_path / "made")
    events = list(record(spec_of(n_passes=3), checkpoint))
    untimed = [{key: value for key, value in event.items() if not key.endswith("_s")} for event in line["events"]]
    assert untimed == [without_seconds(event) for event in events]
    assert line["answer"] == list(final(events).answers)
    assert line["truth"] == [by_table(row, 2) for row in ROWS]
    assert line["correct"] == (line["answer"] == line["truth"])
    assert (line["task"], line["checkpoint"], line["passes"], line["eviction"]) == ("rule110", "small", 3, "hard")
    assert line["digest"] == checkpoint.info.digest
    slept = [event["sleep_s"] for event in line["events"] if event["type"] == "SleepPassDone"]
    assert line["sleep_ms"] == pytest.approx(1000 * sum(slept)) and line["wake_ms"] > 0


@pytest.mark.parametrize(
    ("flags", "changes"),
    [
        (("--passes", "0"), {"n_passes": 0}),
        (("--eviction", "sliding"), {"eviction": "sliding"}),
        (("--sleep-attention", "full"), {"sleep_attention": "full"}),
        (("--trigger", "every:4"), {"trigger": "every:4"}),
        (("--trigger", "manual:3,20"), {"trigger": "manual:3,20"}),
        (("--spend", "even:5"), {"spending": Spending("even", 5)}),
        (("--control", "zero_state"), {"control": "zero_state"}),
        (("--control", "shuffled_state", "--seed", "3"), {"control": "shuffled_state", "seed": 3}),
        (("--control", "replay"), {"control": "replay"}),
        (("--control", "reset_state"), {"control": "reset_state"}),
        (("--control", "untrained", "--seed", "5"), {"control": "untrained", "seed": 5}),
        (("--checkpoint", "other"), {"checkpoint": "other"}),
    ],
)
def test_each_flag_reaches_the_run(
    capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], changes: dict[str, Any]
) -> None:
    if "trigger" in changes:
        changes = {"trigger": Trigger.parse(changes["trigger"])}
    (line,) = Outcome(capsys, *RUN, "--input", INPUT, *flags).lines
    events = [without_seconds(event) for event in record(spec_of(**changes))]
    assert [{k: v for k, v in event.items() if not k.endswith("_s")} for event in line["events"]] == events
    assert events != [without_seconds(event) for event in record(spec_of())]


def test_several_passes_answer_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Outcome(capsys, *RUN, "--input", INPUT, "--passes", "0,1,3").lines
    assert [line["passes"] for line in lines] == [0, 1, 3]
    assert [sum(e["type"] == "SleepPassDone" for e in line["events"]) for line in lines] == [0, 3, 9]


GOOD = [json.dumps({"rows": [row], "steps": steps}) for row, steps in [(ROWS[0], 1), (ROWS[1], 4)]]


def expected_line(line: dict[str, Any], row: str, steps: int, n_passes: int) -> bool:
    return line["passes"] == n_passes and line["truth"] == [by_table(row, steps)] and "events" not in line


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_inputs_answer_one_line_for_each_input_and_n(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """A refused line answers its error in its place, and the lines after it go on."""
    bad = ["not JSON", '{"rows": ["01"], "steps": 1}', "x" * 30_000, "😴"]
    text = "\n".join([GOOD[0], *bad[:2], "", bad[2], bad[3], GOOD[1]])
    (tmp_path / "lines.jsonl").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    where = str(tmp_path / "lines.jsonl") if source == "file" else "-"
    outcome = Outcome(capsys, *RUN, "--inputs", where, "--passes", "1,2")
    assert outcome.status == 0 and len(outcome.lines) == 12
    assert expected_line(outcome.lines[0], ROWS[0], 1, 1) and expected_line(outcome.lines[1], ROWS[0], 1, 2)
    assert expected_line(outcome.lines[10], ROWS[1], 4, 1) and expected_line(outcome.lines[11], ROWS[1], 4, 2)
    for line in outcome.lines[2:10]:
        assert line["error"].endswith(".") and "\n" not in line["error"] and "answer" not in line
    alone = Outcome(capsys, *RUN, "--input", GOOD[1], "--passes", "2").lines[0]
    assert outcome.lines[11]["answer"] == alone["answer"]


def test_inputs_with_events(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text(GOOD[0] + "\n")
    (line,) = Outcome(capsys, *RUN, "--inputs", str(tmp_path / "lines.jsonl"), "--events").lines
    assert line["events"][-1]["type"] == "AnswerScored"


def test_a_refused_n_does_not_take_the_others_with_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """16 passes are the checkpoint's limit, 64 the program's: either way N = 1 is answered."""
    (tmp_path / "lines.jsonl").write_text(GOOD[0] + "\n")
    for refused in ("17", "65"):
        lines = Outcome(capsys, *RUN, "--inputs", str(tmp_path / "lines.jsonl"), "--passes", f"1,{refused}").lines
        assert "answer" in lines[0] and "passes must be" in lines[1]["error"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--input"),
        (("--input", INPUT, "--inputs", "x"), "--input"),
        (("--input", "not JSON"), "JSON"),
        (("--input", ""), "JSON"),
        (("--input", '{"rows": ["01"], "steps": 1}'), "8"),
        (("--input", '{"rows": ["0110100<"], "steps": 1}'), "0 and 1"),
        (("--input", json.dumps({"rows": [ROWS[0]], "steps": 5})), "from 0 to 4"),
        (("--input", "x" * 50_000), "longer than"),
        (("--input", "[" * 15_000), "JSON"),
        (("--input", INPUT, "--passes", "17"), "from 0 to 16"),
        (("--input", INPUT, "--passes", "-1"), "from 0 to"),
        (("--input", INPUT, "--passes", "many"), "whole numbers"),
        (("--input", INPUT, "--passes", ""), "whole numbers"),
        (("--input", INPUT, "--passes", "1.5"), "whole numbers"),
        (("--input", INPUT, "--passes", "9" * 5000), "whole numbers"),
        (("--input", INPUT, "--trigger", "every:0"), "every:M"),
        (("--input", INPUT, "--trigger", "sometimes"), "every:M"),
        (("--input", INPUT, "--eviction", "soft"), "hard"),
        (("--input", INPUT, "--control", "magic"), "zero_state"),
        (("--input", INPUT, "--sleep-attention", "sideways"), "causal"),
        (("--input", INPUT, "--checkpoint", "none-such"), "no checkpoint named"),
        (("--input", INPUT, "--checkpoint", "../../etc"), "small letters"),
        (("--input", INPUT, "--control", "oracle"), "rule110-oracle"),
        (("--input", INPUT, "--control", "untrained", "--seed", "-1"), "seed"),
        (("--input", INPUT, "--control", "shuffled_state", "--seed", "-1"), "seed"),
        (("--input", INPUT, "--control", "untrained", "--seed", str(2**70)), "seed"),
        (("--input", INPUT, "--seed", "x"), "seed"),
        (("--input", INPUT, "--colour", "red"), "--colour"),
        (("--inputs", "/nowhere/at/all"), "cannot be read"),
        (("--inputs", "/"), "cannot be read"),
    ],
)
def test_bad_words_to_run_are_refused_with_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert says in refusal(capsys, *RUN, *words)


def test_a_file_that_is_not_text_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for data, says in ((b"\xff\xfe\x00\x01", "UTF-16"), (b"caf\xe9", "not UTF-8"), (b"PK\x03\x04\0", "zero bytes")):
        (tmp_path / "binary").write_bytes(data)
        refused = refusal(capsys, *RUN, "--inputs", str(tmp_path / "binary"))
        assert says in refused and "cannot be read" in refused
    assert "longer than" in refusal(capsys, *RUN, "--inputs", "/dev/zero")


def test_standard_input_that_is_closed_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it then
    assert "'-' cannot be read" in refusal(capsys, *RUN, "--inputs", "-")


def test_a_file_as_windows_writes_it_is_read_from_its_first_line_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "lines.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(GOOD).encode() + b"\r\n")
    lines = Outcome(capsys, *RUN, "--inputs", str(tmp_path / "lines.jsonl")).lines
    assert [line["truth"] for line in lines] == [[by_table(ROWS[0], 1)], [by_table(ROWS[1], 4)]]


def test_a_number_that_is_not_finite_is_written_as_null(capsys: pytest.CaptureFixture[str]) -> None:
    sleepviz.__main__.emit({"loss": float("nan"), "ci95": [[float("inf"), 1.0]]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {"loss": None, "ci95": [[None, 1.0]]}


TRAIN = ("train", "--preset", "rule110-micro", "--steps", "1")
TUNE = ("tune", "--model", "nobody/nothing", "--task", "rule110")


@pytest.mark.parametrize(
    ("words", "flag"), [((*TRAIN, "--runs", "{}"), "--folder"), ((*TRAIN, "--folder", "{}"), "--runs"), (TUNE, "--out")]
)
@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below", "~/file"])
def test_a_folder_that_cannot_be_made_is_one_line_before_any_work(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    flag: str,
    place: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_text("")
    where = place if place.startswith("~") else str(tmp_path / place)
    told = refusal(capsys, *(word.format(tmp_path / "good") for word in words), flag, where)
    assert "is not a writable folder" in told and not (tmp_path / "good").exists()
    assert "name of a folder" in refusal(capsys, *(word.format(tmp_path / "good") for word in words), flag, " ")


def test_a_folder_that_may_not_be_written_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sleepviz.__main__.os, "access", lambda *_: False)  # the tests may run as root, who may
    assert "is not a writable folder" in refusal(capsys, *TUNE, "--out", str(tmp_path / "out"))


@pytest.mark.parametrize("words", [TRAIN, TUNE])
def test_a_gpu_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no GPU" in refusal(capsys, *words, "--device", "cuda")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "/somewhere/x"), "No space left on device: /somewhere/x"),
        (MemoryError(), "not enough memory"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(sleepviz.__main__, "list_checkpoints", fail)
    assert says in refusal(capsys, "checkpoints")


def test_bad_commands_are_refused_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys)
    assert refusal(capsys, "dream")
    assert "rule110" in refusal(capsys, "run", "--task", "chess", "--input", "{}")
    assert "presets are" in refusal(capsys, "train", "--preset", "none-such")
    assert "steps" in refusal(capsys, "train", "--preset", "rule110-micro", "--steps", "0")
    assert "seed" in refusal(capsys, "train", "--preset", "rule110-micro", "--seed", "-1", "--steps", "1")


def test_a_damaged_checkpoint_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    weights = tmp_path / "made" / "small" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "do not match their digest" in refusal(capsys, *RUN, "--input", INPUT)
    (tmp_path / "made" / "small" / "meta.json").write_text("{")
    assert "No default checkpoint" in refusal(capsys, *RUN, "--input", INPUT)
    assert "damaged" in refusal(capsys, *RUN, "--input", INPUT, "--checkpoint", "small")


# eval and checkpoints


def test_eval_answers_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*EVAL, "--passes", "0,2", "--difficulty", "0,1,4", "--rows", "2", "--seed", "3", "--json")
    one, same = (Outcome(capsys, *words) for _ in range(2))
    (table,) = one.lines
    assert one.status == 0 and same.lines == one.lines  # the seed fixes everything
    assert {"task", "checkpoint", "passes", "difficulty", "n", "accuracy", "ci95", "all_rows", "first_cells"} <= set(
        table
    )
    assert (table["passes"], table["difficulty"], table["n"]) == ([0, 2], [0, 1, 4], 5)
    for passes in range(2):
        for difficulty in range(3):
            accuracy = table["accuracy"][passes][difficulty]
            assert (accuracy * 10) % 1 == pytest.approx(0, abs=1e-9)  # 5 instances of 2 rows
            assert table["all_rows"][passes][difficulty] <= accuracy
            assert table["ci95"][passes][difficulty] == pytest.approx(wilson(accuracy * 5, 5))
    assert Outcome(capsys, *EVAL, "--passes", "1", "--difficulty", "0", "--control", "zero_state").status == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--difficulty"),
        (("--difficulty", "5"), "0 to 4"),
        (("--difficulty", "-1"), "0 to 4"),
        (("--difficulty", "x"), "whole numbers"),
        (("--difficulty", "1", "--n", "0"), "n must be"),
        (("--difficulty", "1", "--n", "x"), "--n"),
        (("--difficulty", "1", "--rows", "4"), "1 to 3"),
        (("--difficulty", "1", "--rows", "0"), "1 to 3"),
        (("--difficulty", "1", "--passes", "17"), "0 to 16"),
        (("--difficulty", "1", "--seed", "-1"), "seed"),
        (("--difficulty", "1", "--checkpoint", "../x"), "small letters"),
        (("--difficulty", "1", "--control", "shuffled_state", "--n", "1"), "at least 2"),
    ],
)
def test_bad_words_to_eval_are_refused_with_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert says in refusal(capsys, *EVAL, *words)


def test_checkpoints_lists_names_and_limits(capsys: pytest.CaptureFixture[str]) -> None:
    (listed,) = Outcome(capsys, "checkpoints", "--json").lines
    assert [(entry["name"], entry["default"]) for entry in listed] == [("other", False), ("small", True)]
    for entry in listed:
        assert set(entry) == {"name", "task", "default", "digest", "limits", "metrics"}
        assert entry["limits"] == {**TASK.limits(), "passes_trained": 4, "passes_max": 16}


# As a program.


def program(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sleepviz", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)


def test_the_program_exits_with_the_status_and_prints_no_traceback() -> None:
    bad = program(*RUN, "--input", '{"rows": 5}', "--checkpoint", "never-trained")
    assert (bad.returncode, bad.stdout) == (2, "") and bad.stderr.count("\n") == 1
    good = program("checkpoints")
    assert good.returncode == 0 and isinstance(json.loads(good.stdout), list) and good.stderr == ""
    told = program("run", "--help")
    assert told.returncode == 0 and "--passes" in told.stdout


def test_a_reader_that_has_left_is_no_error() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "sleepviz", "checkpoints"]
    done = subprocess.run(command, cwd=ROOT, stdout=writes, stderr=subprocess.PIPE, text=True, timeout=300)
    os.close(writes)
    assert (done.returncode, done.stderr) == (sleepviz.__main__.CLOSED_PIPE, "")


def test_a_reader_that_leaves_after_one_line_is_no_error(tmp_path: Path) -> None:
    row = json.dumps({"rows": ["0110100110010110"], "steps": 1})
    (tmp_path / "lines.jsonl").write_text(f"{row}\n" * 50)
    words = ["run", "--task", "rule110", "--inputs", str(tmp_path / "lines.jsonl"), "--passes", "1"]
    command = [sys.executable, "-m", "sleepviz", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""


def test_a_disk_that_is_full_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "sleepviz", "checkpoints"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (2, "No space left on device.\n")


def test_ctrl_c_keeps_a_training_and_resume_goes_on(tmp_path: Path) -> None:
    """A real signal to a real program: one line, status 130, and every step counted once."""
    words = ["train", "--preset", "rule110-micro", "--device", "cpu"]
    words += ["--folder", str(tmp_path / "trained"), "--runs", str(tmp_path / "runs")]
    log = tmp_path / "runs" / "rule110-micro" / "log.jsonl"
    counts = [0]
    for resume in ([], ["--resume"]):
        command = [sys.executable, "-m", "sleepviz", *words, *resume]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr is not None
            read = ""
            while not re.search(r"step \d", read):  # the bar's first step
                read += (more := running.stderr.read(1))
                assert more, read
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=300)
        assert (running.returncode, out) == (130, "") and "Traceback" not in err
        assert err.splitlines()[-1].endswith("--resume goes on from it.")
        assert (log.parent / "state.pt").exists() and not (tmp_path / "trained").exists()
        steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
        assert steps == list(range(1, len(steps) + 1)) and len(steps) > counts[-1]
        counts.append(len(steps))
