"""Atomic writes, locked folders and a cache of arrays.

A file is written under a temporary name, then renamed. A reader therefore sees the old
file or the new one, even if the writer is killed, and two processes may write the same
file at once.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EISDIR, ENOENT, ENOTDIR
from pathlib import Path
from typing import BinaryIO

import numpy as np

STAMP = "cache_of"  # the entry of a cache file that lists its set and its arrays
LOCK = ".lock"  # the file in a folder by which a process holds it
SECONDS_TO_WAIT = 0.2  # for a lock: its holder has then written who it is
KINDS = {".npz": "the checkpoint ", ".png": "the figure ", ".json": "the results "}


class CannotWrite(OSError):
    """A file could not be written; what was there before is unchanged."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` once it is complete.

    Parameters
    ----------
    path : Path
        The destination, in a folder that exists.

    Yields
    ------
    BinaryIO
        The file to write to. If the block raises, `path` is left as it was.

    Raises
    ------
    CannotWrite
        If the disk is full, for example.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "numbers.bin")
    ...     with replacing(path) as file:
    ...         _ = file.write(bytes([1, 2, 3]))
    ...     path.read_bytes()
    b'\\x01\\x02\\x03'
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        what = f"{KINDS.get(path.suffix, '')}{path}"
        missing = error.errno in (ENOENT, ENOTDIR, EISDIR)
        hint = "; name a file in a folder that exists" if missing else ""
        reason = f"({error.strerror or error}){hint}"
        raise CannotWrite(f"cannot write {what} {reason}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Delete what killed writers left in a folder that no other process writes to."""
    for path in folder.rglob("*.partial"):
        if re.search(r"\.\d+\.partial$", path.name):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, replacing an old file atomically."""
    with replacing(path) as file:  # a file name may hold what UTF-8 does not
        file.write(text.encode(errors="backslashreplace"))


def write_json(path: Path, value: dict) -> None:
    """Write plain numbers and text to `path` as JSON, replacing an old file atomically.

    Raises ValueError if a number is not finite: JSON has none for it.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, f"{text}\n")


def lock_folder(folder: Path):
    """Lock a folder for this process until the result is released, or the process ends.

    Returns a lock with the method `release`, or None if another one is held.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 (only commands use it)

    lock = FileLock(folder / LOCK, timeout=SECONDS_TO_WAIT)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def cache_folder() -> Path:
    """Return this package's folder in the user's cache; it may not exist yet.

    Returns
    -------
    Path
        Such as ~/.cache/metasgd_np on Linux. It may be deleted at any time.

    Raises
    ------
    OSError
        The user has no home folder.
    """
    import platformdirs  # noqa: PLC0415 (importing metasgd_np loads only what it uses)

    try:
        folder = platformdirs.user_cache_path("metasgd_np", appauthor=False)
    except RuntimeError:  # older versions return a path that begins with ~
        folder = Path("~")
    if not folder.is_absolute():
        raise OSError("there is no cache folder, as the user has no home; set HOME")
    return folder


def cached(
    name: str, build: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Load arrays that are slow to build; build and keep them if absent or damaged.

    They are kept as one .npz file of plain arrays in `cache_folder()`: nothing is
    pickled, so loading runs no code. If the cache folder
    cannot be read or written, the arrays are built each time.

    Parameters
    ----------
    name : str
        A plain file name without its extension. It must identify all that the arrays
        depend on: the checksum of their source, sizes, and a version that goes up
        whenever `build` changes its result.
    build : callable
        Called without arguments, returns a dict of arrays of numbers or text. Its
        errors pass through.

    Returns
    -------
    dict of arrays
        The same whether they were built or loaded.
    """
    arrays = _load(name)
    if arrays is None:
        arrays = {key: np.asarray(array) for key, array in build().items()}
        with suppress(OSError):  # a full disk or a read-only folder
            cache_folder().mkdir(parents=True, exist_ok=True)
            with replacing(cache_folder() / f"{name}.npz") as file:
                np.savez(file, **{STAMP: np.array([name, *arrays])}, **arrays)
    return arrays


def _load(name):
    """The arrays of the set `name`, or None unless its file exists and is complete."""
    try:
        with np.load(cache_folder() / f"{name}.npz", allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return arrays if arrays.pop(STAMP).tolist() == [name, *arrays] else None
    except Exception:  # absent; or damaged, which can raise nearly anything in zipfile
        return None
