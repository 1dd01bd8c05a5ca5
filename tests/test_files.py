"""Files written whole or not at all; arrays built once and loaded afterwards."""

import json
import os
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from metasgd_np import files
from metasgd_np.files import (
    CannotWrite,
    cache_folder,
    cached,
    lock_folder,
    remove_partial_files,
    replacing,
    write_json,
)

ARRAYS = {
    "images": np.arange(60, dtype=np.uint8).reshape(3, 4, 5),
    "names": np.array(["alpha", "be"]),
}

# Two of these at once: each builds only when both have found the cache empty.
SCRIPT = """
import os, sys, pathlib, numpy as np
from metasgd_np import files
cache, meeting, me = map(pathlib.Path, sys.argv[1:])
files.cache_folder = lambda: cache

def build():
    (meeting / me).touch()
    while len(list(meeting.iterdir())) < 2:
        os.sched_yield()
    return {"x": np.arange(100_000)}

assert (files.cached("rivals", build)["x"] == np.arange(100_000)).all()
"""


class Builder:
    """A `build` that counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return ARRAYS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder, not there yet, that stands in for the user's cache."""
    monkeypatch.setattr(os, "fsync", lambda file: None)  # slow; no test cuts the power
    monkeypatch.setattr(files, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def assert_same(found):
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


# Atomic writes


def test_a_block_that_raises_keeps_the_old_file(tmp_path):
    path = tmp_path / "results"
    path.write_text("old")

    def write_half():
        with replacing(path) as file:
            file.write(b"ne")
            file.flush()
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert names_in(tmp_path) == ["results"]
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks open files")
def test_who_reads_the_old_file_reads_on_undisturbed(tmp_path):
    path = tmp_path / "results"
    path.write_text("old")
    with open(path, encoding="utf-8") as reader:
        write_json(path, {})
        assert reader.read() == "old"
    assert path.read_bytes() == b"{}\n"


def test_two_writers_at_once_do_not_mix(tmp_path, monkeypatch):
    path = tmp_path / "results"
    with replacing(path) as slow:
        slow.write(b"slow ")
        monkeypatch.setattr(os, "getpid", lambda: -1)  # now in another process
        with replacing(path) as quick:
            quick.write(b"quick")
        assert path.read_bytes() == b"quick"
        slow.write(b"one")
    assert path.read_bytes() == b"slow one"
    assert names_in(tmp_path) == ["results"]


def test_json_is_written_alike_on_every_system(tmp_path):
    write_json(tmp_path / "results", {"α": [1, 0.5]})
    written = (tmp_path / "results").read_bytes()
    assert written == '{\n  "α": [\n    1,\n    0.5\n  ]\n}\n'.encode()


def test_json_holds_file_names_that_no_encoding_has(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    write_json(tmp_path / "results", {"path": name})
    assert json.loads((tmp_path / "results").read_bytes()) == {"path": name}


def test_a_number_that_is_not_finite_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "results", {"loss": float("nan")})
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("run.npz", "the checkpoint "),
        ("fits.png", "the figure "),
        ("results.json", "the results "),
        ("other", ""),
    ],
)
def test_a_full_disk_is_reported_with_the_file(tmp_path, monkeypatch, name, what):
    def fill_the_disk(*_):
        raise OSError(ENOSPC, "No space left on device")

    path = tmp_path / name
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", fill_the_disk)
    with pytest.raises(CannotWrite) as raised, replacing(path) as file:
        file.write(b"new")
    reason = "(No space left on device)"
    assert str(raised.value) == f"cannot write {what}{path} {reason}"
    assert path.read_text() == "old"
    assert names_in(tmp_path) == [name]


def test_what_killed_writers_left_is_removed_and_no_more(tmp_path):
    (tmp_path / "cells").mkdir()
    kept = [tmp_path / "thesis.partial", tmp_path / "run.npz"]
    left = [tmp_path / "run.npz.41.partial", tmp_path / "cells" / "a.json.7.partial"]
    for path in (*kept, *left):
        path.touch()
    remove_partial_files(tmp_path)
    assert [path.exists() for path in (*kept, *left)] == [True, True, False, False]


# Locks

HOLD = """
import sys
from pathlib import Path
from metasgd_np.files import lock_folder
lock = lock_folder(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_folder_is_locked_until_it_is_released(tmp_path):
    first = lock_folder(tmp_path)
    assert lock_folder(tmp_path) is None
    first.release()
    second = lock_folder(tmp_path)
    assert second is not None
    second.release()


def test_a_killed_process_leaves_a_folder_unlocked(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"locked\n"
    assert lock_folder(tmp_path) is None
    holder.kill()
    holder.communicate()
    lock = lock_folder(tmp_path)
    assert lock is not None
    lock.release()


# Cached arrays


def test_arrays_are_built_once_and_loaded_afterwards(folder):
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 1
    assert names_in(folder) == ["letters.npz"]


def test_two_names_are_two_sets(folder):
    cached("letters", Builder())
    other = cached("digits", lambda: {"x": np.arange(3)})
    assert list(other) == ["x"]
    assert_same(cached("letters", Builder()))


def test_a_truncated_file_is_rebuilt(folder):
    cached("letters", Builder())
    path = folder / "letters.npz"
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        build = Builder()
        assert_same(cached("letters", build))
        assert build.calls == 1
        assert path.read_bytes() == content


def test_flipped_bytes_never_pass_for_other_arrays(folder):
    cached("letters", Builder())
    path = folder / "letters.npz"
    content = bytearray(path.read_bytes())
    for position in range(0, len(content), 5):
        content[position] ^= 0xFF
        path.write_bytes(content)
        content[position] ^= 0xFF
        assert_same(cached("letters", Builder()))


def foreign_npz(path):
    np.savez(path, images=np.zeros(3))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def pickled(path):
    trap = np.array([Trap(path.parent / "code ran")], dtype=object)
    np.savez(path, cache_of=np.array(["letters", "images"]), images=trap)


def single_array(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def renamed(path):
    cached("digits", lambda: {"x": np.arange(3)})
    (path.parent / "digits.npz").replace(path)


@pytest.mark.parametrize("plant", [foreign_npz, pickled, single_array, renamed])
def test_a_foreign_file_is_replaced(folder, plant):
    folder.mkdir()
    plant(folder / "letters.npz")
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 1
    assert names_in(folder) == ["letters.npz"]


def test_a_folder_that_cannot_be_written_to_is_no_error(folder):
    folder.write_text("a file where the folder should be")
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 2


def test_a_failed_save_leaves_nothing_behind(folder, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fail)
    assert_same(cached("letters", Builder()))
    assert names_in(folder) == []


def test_an_error_of_the_builder_passes_through(folder):
    def build():
        raise FileNotFoundError("no such archive")

    with pytest.raises(FileNotFoundError, match="no such archive"):
        cached("letters", build)
    assert not folder.exists()


def test_two_processes_at_once_do_no_harm(folder, tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    command = [sys.executable, "-c", SCRIPT, str(folder), str(meeting)]
    rivals = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    assert [rival.wait(timeout=60) for rival in rivals] == [0, 0]
    assert names_in(folder) == ["rivals.npz"]
    loaded = cached("rivals", Builder())
    assert np.array_equal(loaded["x"], np.arange(100_000))


# Where the cache lies


def test_the_cache_is_a_folder_of_this_package_among_the_users_caches():
    folder = cache_folder()
    assert folder.is_absolute()
    assert "metasgd_np" in folder.parts
    assert folder.is_relative_to(platformdirs.user_cache_path().parent)


def raise_runtime_error(*args, **options):
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize(
    "user_cache_path", [raise_runtime_error, lambda *args, **options: Path("~/.cache")]
)
def test_without_a_home_nothing_is_kept(tmp_path, monkeypatch, user_cache_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platformdirs, "user_cache_path", user_cache_path)
    with pytest.raises(OSError, match="home"):
        cache_folder()
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 2
    assert names_in(tmp_path) == []
