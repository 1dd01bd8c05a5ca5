"""Built once, loaded afterwards; damage, rivals and read-only folders do no harm."""

import subprocess
import sys

import numpy as np
import pytest

from metasgd_np.tasks import cache
from metasgd_np.tasks.cache import cache_folder, cached

ARRAYS = {
    "images": np.arange(60, dtype=np.uint8).reshape(3, 4, 5),
    "names": np.array(["alpha", "be"]),
}

# Two of these at once: each builds only when both have found the cache empty.
SCRIPT = """
import os, sys, pathlib, numpy as np
from metasgd_np.tasks.cache import cached

def build():
    here = pathlib.Path(sys.argv[1])
    (here / sys.argv[2]).touch()
    while len(list(here.iterdir())) < 2:
        os.sched_yield()
    return {"x": np.arange(100_000)}

assert (cached("rivals", build)["x"] == np.arange(100_000)).all()
"""


class Builder:
    """A `build` that counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return ARRAYS


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "metasgd_np"


def assert_same(found):
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_arrays_are_built_once_and_loaded_afterwards(folder):
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 1
    assert [path.name for path in folder.iterdir()] == ["letters.npz"]


def test_two_names_are_two_sets():
    cached("letters", Builder())
    other = cached("digits", lambda: {"x": np.arange(3)})
    assert list(other) == ["x"]
    assert_same(cached("letters", Builder()))


def test_a_truncated_file_is_rebuilt(folder):
    cached("letters", Builder())
    path = folder / "letters.npz"
    content = path.read_bytes()
    for length in range(0, len(content), 53):
        path.write_bytes(content[:length])
        build = Builder()
        assert_same(cached("letters", build))
        assert build.calls == 1
        assert_same(cached("letters", build))
        assert build.calls == 1


def test_flipped_bytes_never_pass_for_other_arrays(folder):
    cached("letters", Builder())
    path = folder / "letters.npz"
    content = bytearray(path.read_bytes())
    for position in range(len(content)):
        content[position] ^= 0xFF
        path.write_bytes(content)
        content[position] ^= 0xFF
        assert_same(cached("letters", Builder()))


def foreign_npz(path):
    np.savez(path, images=np.zeros(3))


def pickled(path):
    np.savez(path, images=np.array([{}], dtype=object))


def single_array(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def renamed(path):
    cached("digits", lambda: {"x": np.arange(3)})
    (path.parent / "digits.npz").replace(path)


@pytest.mark.parametrize("plant", [foreign_npz, pickled, single_array, renamed])
def test_a_foreign_file_is_replaced(folder, plant):
    folder.mkdir(parents=True)
    plant(folder / "letters.npz")
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 1


def test_a_folder_that_cannot_be_written_to_is_no_error(folder):
    folder.parent.write_text("a file where the folder should be")
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 2


def test_a_failed_save_leaves_nothing_behind(folder, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fail)
    assert_same(cached("letters", Builder()))
    assert list(folder.iterdir()) == []


def test_an_error_of_the_builder_passes_through(folder):
    def build():
        raise FileNotFoundError("no such archive")

    with pytest.raises(FileNotFoundError, match="no such archive"):
        cached("letters", build)
    assert not folder.exists()


def test_two_processes_at_once_do_no_harm(folder, tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    rivals = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(meeting), name])
        for name in ("one", "two")
    ]
    assert [rival.wait(timeout=60) for rival in rivals] == [0, 0]
    assert [path.name for path in folder.iterdir()] == ["rivals.npz"]
    assert (cached("rivals", Builder())["x"] == np.arange(100_000)).all()


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"HOME": "/home/me"}, "/home/me/.cache"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "/big"}, "/big"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "x"}, "/home/me/.cache"),
        ("darwin", {"HOME": "/home/me"}, "/home/me/Library/Caches"),
        ("win32", {"HOME": "/home/me", "LOCALAPPDATA": "/local"}, "/local"),
        ("win32", {"HOME": "/home/me"}, "/home/me/AppData/Local"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are POSIX paths")
def test_the_cache_lies_where_the_platform_keeps_caches(
    monkeypatch, platform, variables, expected
):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cache.sys, "platform", platform)
    assert cache_folder().as_posix() == f"{expected}/metasgd_np"


def test_without_a_home_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: None)
    build = Builder()
    assert_same(cached("letters", build))
    assert_same(cached("letters", build))
    assert build.calls == 2
