"""The folder of a run: one run at a time, of one command, with one set of settings."""

import io
import json
import os
import re
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from experiment_tools import contents, read_results, run_quick, shrink

from metasgd_np.checkpoints import Checkpoint, load
from metasgd_np.cli import EXPERIMENTS, main
from metasgd_np.experiments.folder import FolderTaken, RunFolder, open_folder

SETTINGS = {"seed": 0, "iterations": 5}
KEPT = ("*.npz", True)


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small experiments throughout this file, and no waiting for a lock."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setattr("metasgd_np.files.SECONDS_TO_WAIT", 0)
        yield


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    """Every test runs in a folder of its own, where relative paths lead."""
    monkeypatch.chdir(tmp_path)


def open_run(path="run", resume=False, command="sinusoid", **changes):
    """Open a folder as a command does."""
    return RunFolder(path, resume, command, SETTINGS | changes, *KEPT)


def leave_unfinished(path="run", **changes):
    """Leave the folder of a run that was stopped."""
    with pytest.raises(KeyboardInterrupt), open_run(path, **changes):
        raise KeyboardInterrupt


def sentence_of(*arguments, code=1):
    """Return the one sentence on standard error of a command that fails."""
    with redirect_stderr(io.StringIO()) as printed, redirect_stdout(io.StringIO()):
        assert main([*map(str, arguments)]) == code
    lines = printed.getvalue().splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    assert "Traceback" not in printed.getvalue()
    return lines[-1]


# The record


def test_settings_are_written_first_and_deleted_with_the_end(tmp_path):
    with open_run() as run:
        record = json.loads((run.path / "run.json").read_bytes())
        assert record["command"] == "sinusoid"
        assert record["configuration"] == SETTINGS
        assert record["process"] == os.getpid()
        (run.path / "results.json").write_text("{}")
    assert sorted(path.name for path in run.path.iterdir()) == [
        ".lock",
        "results.json",
    ]


def test_a_record_is_there_before_anything_is_trained(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "__init__", stop)
    assert run_quick("sinusoid", "run", "--seed", 3) == 130
    record = json.loads(Path("run", "run.json").read_bytes())
    assert record["configuration"]["seed"] == 3


def test_seconds_are_those_of_the_whole_run(monkeypatch):
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    leave_unfinished()
    before = json.loads(Path("run", "run.json").read_bytes())["seconds"]
    assert before > 0
    run = open_run(resume=True)
    assert run.seconds == before + 100
    with run:
        pass


def test_seconds_of_a_resumed_run_are_in_its_results():
    assert run_quick("sinusoid", "run") == 0
    path = Path("run", "results.json")
    results = json.loads(path.read_bytes())
    path.write_text(json.dumps(results | {"seconds": 5000}))
    assert run_quick("sinusoid", "run", "--resume") == 0
    assert 5000 <= json.loads(path.read_bytes())["seconds"] < 5100


def test_a_killed_run_has_its_seconds_saved_now_and_then(monkeypatch):
    saved = []
    run = open_run()
    monkeypatch.setattr(run, "save", lambda: saved.append(run.seconds))
    waits = iter([False, False, True])
    monkeypatch.setattr(run.ended, "wait", lambda _: next(waits))
    run.keep_time()
    assert len(saved) == 2
    run.lock.release()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '"text"',
        "{}",
        '{"command": "sinusoid"}',
        '{"command": "sinusoid", "configuration": {}}',
        '{"command": "sinusoid", "configuration": 3, "seconds": 1}',
        '{"command": "sinusoid", "configuration": {}, "seconds": "long"}',
        '{"command": "sinusoid", "configuration": {}, "seconds": -1}',
        '{"command": "sinusoid", "configuration": {}, "seconds": NaN}',
        '{"command": "sinusoid", "configuration": {}, "seconds": null}',
        "[" * 100_000,
        "\x00\x01\x02",
        b"\xff\xfe\x00",
    ],
    ids=range(17),
)
@pytest.mark.parametrize("name", ["run.json", "results.json"])
def test_a_damaged_record_is_refused_and_kept(name, text):
    path = Path("run", name)
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = path.read_bytes()
    sentence = sentence_of("sinusoid", "--quick", "--out", "run", "--resume")
    assert f"{path} does not describe a run (" in sentence
    assert "delete it to resume from the other files" in sentence
    assert path.read_bytes() == before


def test_a_run_whose_record_was_deleted_resumes_from_what_it_keeps():
    for command, kept in (("sinusoid", "meta-sgd.npz"), ("table1", "cells")):
        out = Path(command)
        assert run_quick(command, out) == 0
        results = read_results(out)
        (out / "results.json").unlink()
        assert run_quick(command, out, "--resume") == 0
        assert read_results(out) == results
        assert (out / kept).exists()


# One run at a time


def test_a_second_run_learns_who_is_in_the_folder():
    with open_run() as first:
        for resume in (False, True):
            with pytest.raises(FolderTaken) as raised:
                open_run(resume=resume)
            sentence = str(raised.value)
            assert f"run is in use by process {os.getpid()} (metasgd-np" in sentence
            assert f"since {first.since}; wait until it ends, or choose an" in sentence
    with open_run(resume=True):
        pass


RUN = """
import sys
from metasgd_np.experiments.folder import RunFolder
with RunFolder("run", False, "sinusoid", {"seed": 0}, "*.npz", True):
    print("running", flush=True)
    sys.stdin.read()
"""


def test_a_killed_run_leaves_its_folder_to_be_resumed(tmp_path):
    paths = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert process.stdout.readline() == b"running\n"
    sentence = sentence_of("sinusoid", "--out", "run", "--resume")
    assert f"run is in use by process {process.pid} (metasgd-np" in sentence
    process.kill()
    process.communicate()
    with RunFolder("run", True, "sinusoid", {"seed": 0}, *KEPT):
        pass


@pytest.mark.parametrize("command", EXPERIMENTS)
def test_two_seeds_never_meet_in_a_folder(command):
    """The second run starts while the first one trains."""
    trained = []

    def train(experiment):
        trained.append(experiment.config.seed)
        options = [command, "--quick", "--out", "run", "--seed", "2", "--resume"]
        assert "is in use by process" in sentence_of(*options)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EXPERIMENTS[command], "train", train)
        assert run_quick(command, "run", "--seed", "1", "--resume") == 130
    assert trained == [1]
    if command != "table1":  # whose cells of several seeds lie side by side
        options = [command, "--quick", "--out", "run", "--seed", "2", "--resume"]
        assert "seed was 1, now 2" in sentence_of(*options)


# One command, one set of settings


@pytest.mark.parametrize("other", EXPERIMENTS)
@pytest.mark.parametrize("finished", [True, False])
def test_a_folder_of_another_command_is_refused(other, finished):
    leave_unfinished(command=other)
    if finished:
        Path("run", "run.json").rename(Path("run", "results.json"))
    before = contents(Path("run"))
    for command in EXPERIMENTS.keys() - {other}:
        sentence = sentence_of(command, "--quick", "--out", "run", "--resume")
        expected = f"run holds a run of {other}, but no run of {command} to resume"
        assert f"{expected}; choose another folder with --out" in sentence
    assert contents(Path("run")) == before


@pytest.mark.parametrize("command", EXPERIMENTS)
def test_a_folder_of_other_files_is_refused(command):
    Path("run").mkdir()
    Path("run", "thesis.tex").write_text("x")
    sentence = sentence_of(command, "--quick", "--out", "run")
    assert "run already holds files; add --resume" in sentence
    sentence = sentence_of(command, "--quick", "--out", "run", "--resume")
    assert f"such as thesis.tex, but no run of {command} to resume" in sentence
    assert os.listdir("run") == ["thesis.tex"]


def test_other_settings_are_refused_before_anything_is_trained():
    leave_unfinished()
    with pytest.raises(ValueError, match=r"iterations was 5, now 6; repeat the old"):
        open_run(resume=True, iterations=6)
    with open_run(resume=True):
        pass


# Which folder


def test_without_out_every_run_gets_a_folder_of_its_own(capsys, monkeypatch):
    monkeypatch.setattr(EXPERIMENTS["sinusoid"], "figures", lambda *_: {})
    for name in ("sinusoid", "sinusoid-2", "sinusoid-3"):
        assert main(["sinusoid", "--quick"]) == 0
        printed = capsys.readouterr()
        assert f"results.json: {Path('results', name)}\n" in printed.out
        note = f"this run's folder is {Path('results', name)}"
        assert (note in printed.err) == (name != "sinusoid")
        assert Path("results", name, "results.json").exists()


def test_a_default_folder_in_use_is_left_to_its_run():
    settings = "sinusoid", SETTINGS, *KEPT
    with open_folder(None, False, *settings) as one:
        two = open_folder(None, False, *settings)
        paths = [one.path, two.path]
        two.lock.release()
    assert paths == [Path("results", name) for name in ("sinusoid", "sinusoid-2")]


def test_a_run_that_failed_before_it_wrote_anything_leaves_its_folder_free():
    with pytest.raises(ValueError, match="no such data"), open_run():
        raise ValueError("no such data")
    with pytest.raises(ValueError, match="too hot"), open_run() as run:
        (run.path / "meta-sgd.npz").touch()
        raise ValueError("too hot")
    with pytest.raises(FolderTaken):
        open_run()


def test_resume_without_out_continues_the_last_run():
    for path in ("results/sinusoid", "results/sinusoid-2"):
        leave_unfinished(path)
    run = open_folder(None, True, "sinusoid", SETTINGS, *KEPT)
    assert run.path == Path("results", "sinusoid-2")
    run.lock.release()
    run = open_folder(None, True, "navigate", SETTINGS, *KEPT)
    assert run.path == Path("results", "navigate")
    run.lock.release()


@pytest.mark.parametrize(
    "out",
    [
        "a b c",
        "Ergebnisse äöü 結果",
        "deep/er/run",
        "./run/",
        "../run",
        "-run",
        'run\'s "best"',
        "run.json",
        "100 %",
        os.fsdecode(b"caf\xe9"),
    ],
)
def test_a_folder_may_have_any_name(out, tmp_path, monkeypatch, capsys):
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert run_quick("sinusoid", f"./{out}" if out.startswith("-") else out) == 0
    assert (inside / out / "results.json").exists()
    assert load(inside / out / "maml.npz").iteration == 5
    monkeypatch.chdir(tmp_path)
    assert run_quick("sinusoid", inside / out, "--resume") == 0


def make_file(path):
    path.write_text("x")


def make_dangling_link(path):
    path.symlink_to("nowhere")


def make_read_only(path):
    path.mkdir(mode=0o500)
    if os.access(path, os.W_OK):
        pytest.skip("everything may be written to here")


@pytest.mark.parametrize(
    ("out", "make"),
    [
        ("file", make_file),
        ("file/run", lambda path: make_file(path.parent)),
        ("link", make_dangling_link),
        ("locked", make_read_only),
        ("a" * 300, lambda path: None),
    ],
)
@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_folder_that_cannot_be_is_one_sentence(out, make, resume, tmp_path):
    make(tmp_path / out)
    sentence = sentence_of("sinusoid", "--quick", "--out", out, *resume)
    assert re.match(rf"error: cannot write to {out} \(.+\); choose another ", sentence)


def test_an_empty_name_is_no_folder():
    assert "--out is empty; name a folder" in sentence_of("sinusoid", "--out", "")
    assert os.listdir() == []


def test_a_link_to_a_folder_is_that_folder(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    assert run_quick("sinusoid", "link") == 0
    assert (tmp_path / "there" / "results.json").exists()


def test_what_a_killed_run_left_half_written_is_removed():
    leave_unfinished()
    Path("run", "meta-sgd.npz.17.partial").write_bytes(b"PK")
    with open_run(resume=True):
        assert not list(Path("run").glob("*.partial"))


def test_a_clock_that_jumps_does_no_harm(monkeypatch):
    now = iter([1e9, 5e9, -3.0, 0.0] * 10)
    monkeypatch.setattr(time, "time", lambda: next(now, 0.0))
    assert run_quick("sinusoid", "run") == 0
    assert 0 <= json.loads(Path("run", "results.json").read_bytes())["seconds"] < 100
