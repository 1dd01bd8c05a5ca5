"""Damaged, foreign and misplaced files: a sentence with the file and what to do."""

import io
import json
import os
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from experiment_tools import contents, read_results, run_quick, shrink

from metasgd_np.classroom import mark_sheets, write_sheets

CELL = "cells/two-layer_maml_10-shot_seed-0.json"
WHAT_TO_DO = re.compile(
    "delete it|move it away|another folder|repeat the old settings|resume it with"
)


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small experiments throughout this file."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folders of finished runs, {command: folder}."""
    folder = tmp_path_factory.mktemp("finished")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for command in ("sinusoid", "table1"):
            assert run_quick(command, folder / command) == 0
    return {command: folder / command for command in ("sinusoid", "table1")}


@pytest.fixture
def copy(finished, tmp_path):
    """A function that copies the folder of a finished run."""
    return lambda command: Path(shutil.copytree(finished[command], tmp_path / "run"))


def sentence_of(command, out):
    """Return the sentence with which a resumed run is refused."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as printed:
        assert run_quick(command, out, "--resume") == 1
    assert "Traceback" not in printed.getvalue()
    *_, last = printed.getvalue().splitlines()
    assert last.startswith("error: ")
    return last


def with_header(path, **changes):
    """Write a checkpoint with another header."""
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(str(arrays.pop("header"))) | changes
    np.savez(path, header=np.array(json.dumps(header)), **arrays)


def with_arrays(path, **changes):
    """Write a checkpoint with other arrays; None leaves one out."""
    with np.load(path) as file:
        arrays = dict(file) | changes
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})


def make_folder(path):
    path.unlink()
    path.mkdir()


CHECKPOINTS = {
    "empty": lambda path: path.write_bytes(b""),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[:900]),
    "without its end": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "without its start": lambda path: path.write_bytes(path.read_bytes()[60:]),
    "zeros": lambda path: path.write_bytes(bytes(3000)),
    "text": lambda path: path.write_text("checkpoint"),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"),
    "another archive": lambda path: np.savez(path, w=np.zeros(3)),
    "one array": lambda path: np.save(path.open("wb"), np.zeros(3)),
    "a header of text": lambda path: with_arrays(path, header=np.array("{")),
    "a header of numbers": lambda path: with_arrays(path, header=np.zeros(3)),
    "no header": lambda path: with_arrays(path, header=None),
    "no w": lambda path: with_arrays(path, w=None),
    "no history": lambda path: with_arrays(path, history=None),
    "a pickled w": lambda path: with_arrays(path, w=np.array([{}], dtype=object)),
    "another format": lambda path: with_header(path, format="thesis"),
    "another version": lambda path: with_header(path, version=1),
    "a version of text": lambda path: with_header(path, version="two"),
    "a folder": make_folder,
}


@pytest.mark.parametrize("damage", CHECKPOINTS)
def test_a_bad_checkpoint_is_refused_with_its_name(copy, damage):
    out = copy("sinusoid")
    path = out / "meta-sgd.npz"
    CHECKPOINTS[damage](path)
    before = contents(out)
    sentence = sentence_of("sinusoid", out)
    assert str(path) in sentence
    assert WHAT_TO_DO.search(sentence)
    kept = contents(out)
    kept.pop(out / "run.json")  # it is an unfinished run again
    assert kept == before


def test_the_checkpoint_of_another_learner_is_refused(copy):
    out = copy("sinusoid")
    shutil.copy(out / "maml.npz", out / "meta-sgd.npz")
    sentence = sentence_of("sinusoid", out)
    assert 'learner was "MAML(' in sentence
    assert WHAT_TO_DO.search(sentence)


BROKEN_CELLS = {
    "empty": "",
    "cut": '{"settings": {"net"',
    "null": "null",
    "a list": "[]",
    "no result": '{"settings": {}}',
    "deep": "[" * 100_000,
    "binary": "\x00\x01",
}


@pytest.mark.parametrize("damage", [*BROKEN_CELLS, "absent"])
def test_a_broken_cell_is_computed_again(copy, damage):
    out = copy("table1")
    before = read_results(out)
    (out / CELL).unlink()
    if damage in BROKEN_CELLS:
        (out / CELL).write_text(BROKEN_CELLS[damage])
    assert run_quick("table1", out, "--resume") == 0
    assert read_results(out) == before


def changed(result, place, value):
    """Return a result with another value at a place of dots, None to leave it out."""
    *path, last = place.split(".")
    inner = result
    for name in path:
        inner = inner[name]
    inner[last] = value
    if value is None:
        del inner[last]
    return result


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("mse", None),
        ("mse", []),
        ("mse", "low"),
        ("mse.10", None),
        ("mse.10.200", None),
        ("mse.10.200", 3),
        ("mse.10.200", [1]),
        ("mse.10.200", [1, 2, 3]),
        ("mse.10.200", ["low", 1]),
        ("mse.10.200", [float("nan"), 1]),
        ("mse.10.200", [1, float("inf")]),
        ("mse.10.200", [None, 1]),
        ("mse.10.200", [-1, 1]),
        ("seconds", -1),
        ("alpha", None),
        ("alpha", 3),
        ("alpha", {"mean": float("nan")}),
        ("seconds", None),
        ("seconds", "long"),
        ("seconds", []),
    ],
)
def test_an_altered_cell_is_refused_with_its_name(copy, place, value):
    out = copy("table1")
    cell = json.loads((out / CELL).read_bytes())
    cell["result"] = changed(cell["result"], place, value)
    (out / CELL).write_text(json.dumps(cell))
    before = contents(out)
    sentence = sentence_of("table1", out)
    assert f"{out / CELL} was altered" in sentence
    assert WHAT_TO_DO.search(sentence)
    assert contents(out) == before


@pytest.mark.parametrize(
    ("key", "value"), [("seed", 7), ("rate", "high"), ("n_test", None), ("net", [])]
)
def test_a_cell_with_other_settings_is_refused(copy, key, value):
    out = copy("table1")
    cell = json.loads((out / CELL).read_bytes())
    cell["settings"][key] = value
    (out / CELL).write_text(json.dumps(cell))
    sentence = sentence_of("table1", out)
    assert f"{out / CELL}: " in sentence
    assert f"{key} was {value!r}, now " in sentence
    assert WHAT_TO_DO.search(sentence)


@pytest.mark.parametrize("name", ["results.json", CELL])
def test_a_folder_in_the_place_of_a_file_is_named(copy, name):
    out = copy("table1")
    make_folder(out / name)
    assert str(out / name) in sentence_of("table1", out)


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
@pytest.mark.parametrize("name", ["results.json", "meta-sgd.npz"])
def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(copy, name, tmp_path):
    out = copy("sinusoid")
    other = tmp_path / "other"
    (out / name).rename(other)
    (out / name).symlink_to(other)
    before = other.read_bytes()
    assert run_quick("sinusoid", out, "--resume") == 0
    assert other.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", 3), ("stem", "../../x"), ("stem", ".."), ("code", ""), ("given", 3)],
)
def test_a_list_of_a_class_that_was_altered_is_not_used(tmp_path, key, value):
    (tmp_path / "names.txt").write_text("Ada")
    folder = tmp_path / "class"
    write_sheets(tmp_path / "names.txt", folder)
    (student,) = json.loads((folder / "class.json").read_bytes())
    (folder / "class.json").write_text(json.dumps([student | {key: value}]))
    assert "0 of 1 sheets marked" in mark_sheets(folder)[-1]
    assert [p.name for p in (folder / "marks/feedback").iterdir()] == ["01-Ada.html"]


def test_a_file_in_the_place_of_a_class_is_named(tmp_path):
    (tmp_path / "names.txt").write_text("Ada")
    with pytest.raises(ValueError, match=r"names\.txt is a file; give a new folder"):
        write_sheets(tmp_path / "names.txt", tmp_path / "names.txt")
