"""Saved and resumed bit for bit, whatever stops the run; damaged files are named."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from conftest import assert_same

from metasgd_np import Adam, MetaSGD, TwoLayerNet, checkpoints, train
from metasgd_np.checkpoints import Checkpoint, CheckpointError, load, save
from metasgd_np.tasks import Sinusoids
from metasgd_np.training import TrainingState

SETTINGS = {"iterations": 1000, "meta_batch": 2, "shots": 3, "progress": False}

SCRIPT = """
import sys
from metasgd_np import Adam, MetaSGD, TwoLayerNet, checkpoints, train
from metasgd_np.tasks import Sinusoids
checkpoints.SECONDS_BETWEEN_SAVES = 0
with checkpoints.Checkpoint(sys.argv[1]) as run:
    train(
        MetaSGD(TwoLayerNet(1, 5, 1)), Sinusoids(), Adam(), after_block=run.keep,
        iterations=1000, meta_batch=2, shots=3, progress=False,
    )
"""


def arguments():
    return MetaSGD(TwoLayerNet(1, 5, 1)), Sinusoids(), Adam()


def run_into(path, resume=False, optimizer=None):
    """A run that saves itself to `path`, as the commands do it."""
    learner, tasks, adam = arguments()
    with Checkpoint(path, resume) as run:
        return train(
            learner,
            tasks,
            optimizer or adam,
            start_from=run.latest,
            after_block=run.keep,
            **SETTINGS,
        )


@pytest.fixture(scope="module")
def whole():
    return train(*arguments(), **SETTINGS)


@pytest.fixture
def saved(tmp_path, whole):
    path = tmp_path / "run.npz"
    save(path, whole)
    return path


def test_what_is_loaded_is_what_was_saved(saved, whole):
    assert_same(load(saved), whole)
    assert len(load(saved).optimizer_state) == 2
    assert load(saved).w.shape[0] == 2  # θ and α are both in it


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("blow", ["SIGKILL", "SIGINT"])
def test_a_run_stopped_by_a_signal_resumes_to_the_same_numbers(tmp_path, whole, blow):
    path = tmp_path / "run.npz"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.send_signal(getattr(signal, blow))
    process.wait(timeout=60)
    assert 0 < load(path).iteration <= 1000
    resumed = run_into(path, resume=True)
    assert_same(resumed, whole)
    assert_same(load(path), whole)


@pytest.mark.parametrize("name", ["numpy.savez", "os.fsync", "os.replace"])
def test_a_failed_save_keeps_the_old_file(saved, whole, monkeypatch, name):
    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(name, fail)
    with pytest.raises(OSError, match="no space left"):
        save(saved, replace(whole, iteration=whole.iteration + 7))
    assert_same(load(saved), whole)
    assert [path.name for path in saved.parent.iterdir()] == ["run.npz"]


def test_a_finished_run_is_returned_at_once(saved, whole):
    assert_same(run_into(saved, resume=True), whole)


def test_a_diverged_run_leaves_its_last_good_block(tmp_path):
    class Explode(Adam):
        def step(self, w, gradient, state, t, scale=1.0):
            new, state = super().step(w, gradient, state, t, scale)
            return (new * np.inf if t == 150 else new), state

    path = tmp_path / "run.npz"
    with pytest.raises(RuntimeError, match="iteration 150"):
        run_into(path, optimizer=Explode())
    assert load(path).iteration == 100
    assert np.isfinite(load(path).w).all()


def numbered(iteration):
    """A TrainingState that differs from others by its iteration."""
    return TrainingState({"seed": 3}, iteration, np.ones((1, 2)), (), np.ones(2))


def test_a_state_is_saved_every_few_seconds_and_on_the_way_out(tmp_path, monkeypatch):
    now, on_disk = [100.0], []
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    assert checkpoints.SECONDS_BETWEEN_SAVES == 5
    with Checkpoint(tmp_path / "run.npz") as run:
        assert run.latest is None
        for seconds in (4, 7, 11, 13, 19):  # since the start
            now[0] = 100 + seconds
            run.keep(numbered(seconds))
            assert run.latest.iteration == seconds
            if run.path.exists():
                on_disk.append(load(run.path).iteration)
    assert on_disk == [7, 7, 13, 19]
    with Checkpoint(run.path) as again:
        again.keep(numbered(20))
        assert load(run.path).iteration == 19
    assert load(run.path).iteration == 20


def test_only_resuming_takes_up_what_was_saved(tmp_path):
    path = tmp_path / "run.npz"
    with Checkpoint(path, resume=True) as run:
        assert run.latest is None  # nothing there yet: start
    assert not path.exists()
    save(path, numbered(7))
    assert Checkpoint(path).latest is None
    assert Checkpoint(str(path), resume=True).latest.iteration == 7


def test_every_truncation_is_named(saved):
    content = saved.read_bytes()
    for length in range(0, len(content), 97):
        saved.write_bytes(content[:length])
        with pytest.raises(
            CheckpointError, match="not an intact metasgd_np checkpoint"
        ):
            load(saved)


def test_flipped_bytes_never_pass_for_other_numbers(saved, whole):
    content = bytearray(saved.read_bytes())
    for position in range(0, len(content), 61):
        content[position] ^= 0xFF
        saved.write_bytes(content)
        content[position] ^= 0xFF
        try:
            found = load(saved)
        except CheckpointError:
            continue
        assert_same(found, whole)


def rewrite(path, **changes):
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(str(arrays["header"])) | changes
    arrays["header"] = np.array(json.dumps(header))
    np.savez(path, **arrays)


def test_another_version_is_named(saved):
    rewrite(saved, version=99)
    with pytest.raises(CheckpointError, match="of version 99, but this package reads"):
        load(saved)


def test_a_foreign_file_is_named(tmp_path, saved):
    rewrite(saved, format="something else")
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, x=np.arange(3))
    text = tmp_path / "text.npz"
    text.write_text("hello")
    array = tmp_path / "array.npz"
    with open(array, "wb") as file:
        np.save(file, np.arange(3))
    for path in (saved, foreign, text, array):
        with pytest.raises(
            CheckpointError, match="not an intact metasgd_np checkpoint"
        ):
            load(path)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "bomb.npz"
    np.savez(path, header=np.array(Bomb(), dtype=object))
    with pytest.raises(CheckpointError):
        load(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_array_is_named(saved):
    with np.load(saved) as file:
        arrays = {name: file[name] for name in file.files if name != "w"}
    np.savez(saved, **arrays)
    with pytest.raises(CheckpointError, match="lacks 'w'"):
        load(saved)


def test_no_file_is_no_checkpoint_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")


# Hostile and altered files: one sentence that names the file and what to do


def altered(path, header=(), **arrays):
    """Rewrite a checkpoint with some of its header and of its arrays changed."""
    rewrite(path, **dict(header))
    with np.load(path) as file:
        kept = dict(file)
    np.savez(path, **(kept | arrays))


NAN = np.full((2, 16), np.nan)

ALTERED = {
    "a negative iteration": ({"iteration": -5}, {}, "iteration is -5"),
    "a textual iteration": ({"iteration": "100"}, {}, "iteration is '100'"),
    "a broken iteration": ({"iteration": 1.5}, {}, "iteration is 1.5"),
    "an iteration of true": ({"iteration": True}, {}, "iteration is True"),
    "no iteration": ({"iteration": None}, {}, "iteration is None"),
    "settings of text": ({"settings": "seed 3"}, {}, "settings are 'seed 3'"),
    "settings in a list": ({"settings": [1]}, {}, r"settings are \[1\]"),
    "no settings": ({"settings": None}, {}, "settings are None"),
    "NaN in w": ({}, {"w": NAN}, r"w holds nan at index \(0, 0\)"),
    "NaN in m": ({}, {"optimizer_0": NAN}, "optimizer_0 holds nan"),
    "infinite history": ({}, {"history": np.full(10, np.inf)}, "history holds inf"),
    "w of integers": ({}, {"w": np.ones((2, 16), int)}, "w has dtype int64"),
    "w of text": ({}, {"w": np.array([["a"]])}, "w has dtype <U1"),
    "complex w": ({}, {"w": np.ones((2, 16)) * 1j}, "w has dtype complex128"),
    "w a row": ({}, {"w": np.ones(16)}, r"w has shape \(16,\)"),
    "m of another shape": ({}, {"optimizer_0": np.ones((1, 16))}, r"\(1, 16\), but w"),
    "a history of boxes": ({}, {"history": np.ones((1, 2, 3))}, r"history has shape"),
    "too long a history": ({}, {"history": np.ones(1001)}, r"\(1001,\) after 1000"),
}


@pytest.mark.parametrize("case", ALTERED)
def test_an_altered_checkpoint_is_named_with_what_is_wrong(saved, case):
    header, arrays, message = ALTERED[case]
    altered(saved, header, **arrays)
    with pytest.raises(CheckpointError, match=message) as caught:
        load(saved)
    message = str(caught.value)
    assert message.startswith(f"{saved} was altered: ")
    assert message.endswith("; delete it to start over")
    assert "\n" not in message


def huge_header(path):
    """A header entry that says it holds text of 10 GB."""
    content = path.read_bytes()
    start = content.index(b"'<U")
    end = content.index(b"'", start + 1)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    lie = b"'<U2684354560'"
    data = entries["header.npy"].replace(content[start : end + 1], lie)
    length = int.from_bytes(data[8:10], "little") + len(lie) - (end + 1 - start)
    entries["header.npy"] = data[:8] + length.to_bytes(2, "little") + data[10:]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def huge_w(path):
    """A w that says it has 10 GB of numbers."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": (2, 2**29)}
    )
    entries["w.npy"] = file.getvalue() + b"\0" * 100
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def bomb(path):
    """A small file that unpacks to 64 MB of zeros."""
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **(arrays | {"w": np.zeros((2, 2**22))}))
    assert path.stat().st_size < 2**20


def forbid(*args, **kwargs):
    raise AssertionError("the file is read, though it unpacks to more than its size")


@pytest.mark.parametrize("spoil", [huge_header, huge_w, bomb])
def test_a_file_that_unpacks_to_more_than_it_holds_is_refused(
    saved, spoil, monkeypatch
):
    spoil(saved)
    if spoil is bomb:
        monkeypatch.setattr(np, "load", forbid)
    with pytest.raises(CheckpointError, match="is not an intact metasgd_np che") as e:
        load(saved)
    assert "AssertionError" not in str(e.value)
    assert str(e.value).startswith(str(saved))


def test_a_folder_in_the_way_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be read .*; make it readable"):
        load(tmp_path)


def test_a_checkpoint_of_another_run_is_named_with_its_file(saved, whole):
    learner, tasks, adam = arguments()
    for state, message in (
        (replace(whole, settings=whole.settings | {"seed": 9}), "seed was 9, now 0"),
        (replace(whole, iteration=1001), "iteration 1001 of 1000"),
        (replace(whole, w=np.ones((2, 5)), optimizer_state=()), "another learner"),
        (replace(whole, optimizer_state=()), "another learner"),
        (replace(whole, w=whole.w.astype("float32")), "another learner"),
    ):
        save(saved, state)
        written = saved.stat().st_ino
        with (
            pytest.raises(ValueError, match=message) as caught,
            Checkpoint(saved, resume=True) as run,
        ):
            train(learner, tasks, adam, start_from=run.latest, **SETTINGS)
        assert str(caught.value).startswith(f"{saved}: this ")
        assert saved.stat().st_ino == written  # not written again
