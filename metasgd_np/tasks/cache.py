"""Arrays that are slow to build, kept in the user's cache folder.

Each set is one .npz file of plain arrays: nothing is pickled, so loading runs no code.
It is written beside its place, then renamed over it, so processes that build the same
set at once do no harm. The whole folder may be deleted at any time.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

STAMP = "cache_of"  # the entry that tells whose arrays a file holds, and which


def cache_folder():
    """The folder of this package's cached arrays, or None if the user has no home.

    $XDG_CACHE_HOME/metasgd_np where that is set (to an absolute path); else below
    %LOCALAPPDATA% on Windows, ~/Library/Caches on macOS and ~/.cache elsewhere.
    """
    home = os.path.expanduser("~")
    places = [os.environ.get("XDG_CACHE_HOME", "")]
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        places += [local, os.path.join(home, "AppData", "Local")]
    elif sys.platform == "darwin":
        places.append(os.path.join(home, "Library", "Caches"))
    else:
        places.append(os.path.join(home, ".cache"))
    for place in places:
        if os.path.isabs(place):
            return Path(place, "metasgd_np")
    return None


def cached(name, build):
    """The arrays of the cached set `name`; built and saved if absent or damaged.

    Parameters
    ----------
    name : str          a plain file name without its ending. It must tell apart all
                        that the arrays depend on: the source's checksum, sizes, and a
                        version that changes whenever `build` is made to build
                        something else
    build : function    called without arguments, returns a dict of arrays (no objects)

    Returns
    -------
    dict of arrays, the same whether they were built or loaded

    Errors of `build` pass through. A cache folder that cannot be read or written is no
    error: the arrays are built each time.
    """
    folder = cache_folder()
    if folder is None:
        return _build(build)
    path = folder / f"{name}.npz"
    arrays = _load(path, name)
    if arrays is None:
        arrays = _build(build)
        _save(path, name, arrays)
    return arrays


def _build(build):
    return {key: np.asarray(array) for key, array in build().items()}


def _load(path, name):
    """The arrays in the file, or None unless it is whole and holds the set `name`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return arrays if arrays.pop(STAMP).tolist() == [name, *arrays] else None
    except Exception:  # absent; or damaged, which can raise nearly anything in zipfile
        return None


def _save(path, name, arrays):
    """Write the arrays to `path` in one move; do nothing if it cannot be written to."""
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f"{name}.", suffix=".partial", delete=False
        ) as file:
            partial = Path(file.name)
            np.savez(file, **{STAMP: np.array([name, *arrays])}, **arrays)
        os.replace(partial, path)
    except OSError:
        pass  # a full disk or a read-only folder: nothing is kept, nothing is lost
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
