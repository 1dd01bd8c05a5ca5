"""Saved and resumed bit for bit, whatever stops the run; damaged files are told."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from metasgd_np import Adam, MetaSGD, TwoLayerNet, train
from metasgd_np.checkpoints import Checkpoint, CheckpointError, load, save
from metasgd_np.tasks import Sinusoids

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


def train_and_save(path, learner, tasks, optimizer, resume=False, **settings):
    """Train into a checkpoint, as the commands do."""
    with Checkpoint(path, resume) as run:
        return train(
            learner,
            tasks,
            optimizer,
            start_from=run.latest,
            after_block=run.keep,
            **settings,
        )


def assert_same(one, two):
    assert one.settings == two.settings
    assert one.iteration == two.iteration
    assert one.w.tobytes() == two.w.tobytes()
    assert one.history.tobytes() == two.history.tobytes()
    assert len(one.optimizer_state) == len(two.optimizer_state)
    for a, b in zip(one.optimizer_state, two.optimizer_state, strict=True):
        assert a.tobytes() == b.tobytes()


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


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_run_stopped_by_a_signal_resumes_to_the_same_numbers(tmp_path, whole, blow):
    path = tmp_path / "run.npz"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(blow)
    process.wait(timeout=60)
    assert 0 < load(path).iteration <= 1000
    resumed = train_and_save(path, *arguments(), resume=True, **SETTINGS)
    assert_same(resumed, whole)
    assert_same(load(path), whole)


def test_a_failed_save_keeps_the_old_file(saved, whole, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no space left"):
        save(saved, whole)
    assert_same(load(saved), whole)
    assert [path.name for path in saved.parent.iterdir()] == ["run.npz"]


def test_a_finished_run_is_returned_at_once(saved, whole):
    assert_same(train_and_save(saved, *arguments(), resume=True, **SETTINGS), whole)


def test_a_diverged_run_leaves_its_last_good_block(tmp_path):
    class Explode(Adam):
        def step(self, w, gradient, state, t, scale=1.0):
            new, state = super().step(w, gradient, state, t, scale)
            return (new * np.inf if t == 150 else new), state

    path = tmp_path / "run.npz"
    learner, tasks, _ = arguments()
    with pytest.raises(RuntimeError, match="iteration 150"):
        train_and_save(path, learner, tasks, Explode(), **SETTINGS)
    assert load(path).iteration == 100
    assert np.isfinite(load(path).w).all()


def test_every_truncation_is_told(saved):
    content = saved.read_bytes()
    for length in range(0, len(content), 97):
        saved.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="not a whole metasgd_np checkpoint"):
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


def test_another_version_is_told(saved):
    rewrite(saved, version=99)
    with pytest.raises(CheckpointError, match="of version 99, but this package reads"):
        load(saved)


def test_a_foreign_file_is_told(tmp_path, saved):
    rewrite(saved, format="something else")
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, x=np.arange(3))
    text = tmp_path / "text.npz"
    text.write_text("hello")
    array = tmp_path / "array.npz"
    with open(array, "wb") as file:
        np.save(file, np.arange(3))
    for path in (saved, foreign, text, array):
        with pytest.raises(CheckpointError, match="not a whole metasgd_np checkpoint"):
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


def test_a_missing_array_is_told(saved):
    with np.load(saved) as file:
        arrays = {name: file[name] for name in file.files if name != "w"}
    np.savez(saved, **arrays)
    with pytest.raises(CheckpointError, match="lacks 'w'"):
        load(saved)


def test_no_file_is_no_checkpoint_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")
