"""Save a run and resume it, bit for bit.

A checkpoint is one .npz file of plain arrays; its header is JSON text. Nothing is
pickled, so loading a file cannot run code. It is written to a temporary file, then
renamed, so a run killed at any moment leaves a complete file: the new one or the last.
"""

import json
import time
import zipfile
from pathlib import Path

import numpy as np

from .checks import as_path, shown, truth
from .files import replacing
from .training import StateMismatch, TrainingState, check_state

FORMAT = "metasgd_np checkpoint"
VERSION = 2
SECONDS_BETWEEN_SAVES = 5


class CheckpointError(ValueError):
    """A file is not a checkpoint that this version can read."""


def save(path: str | Path, state: TrainingState) -> None:
    """Write a TrainingState to `path` (.npz), replacing any old file atomically."""
    path = as_path("path", path)
    check_is_state(state)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "settings": state.settings,
        "iteration": state.iteration,
    }
    try:
        text = json.dumps(header)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the settings of the state cannot be saved ({error}); keep to text, "
            "numbers and lists of them"
        ) from None
    arrays = {f"optimizer_{i}": array for i, array in enumerate(state.optimizer_state)}
    with replacing(path) as file:
        np.savez(
            file,
            header=np.array(text),
            w=state.w,
            history=state.history,
            **arrays,
        )


def check_is_state(state):
    """Raise an error unless `state` is a TrainingState that can be resumed."""
    if not isinstance(state, TrainingState):
        raise TypeError(
            f"state is {shown(state)}, but it must be a TrainingState; pass what train "
            "returned"
        )
    try:
        check_state(state)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"state was altered: {error}; pass what train returned"
        ) from None


def load(path: str | Path) -> TrainingState:
    """Read the TrainingState that `save` wrote, equal to it bit for bit.

    Raises FileNotFoundError if there is no such file, CheckpointError if it is damaged,
    altered, not a checkpoint, or of another version.
    """
    path = as_path("path", path)
    try:
        arrays = read_arrays(path)
        header = json.loads(str(arrays["header"]))
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise KeyError("format")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no checkpoint {path}; check the path, or start a new run"
        ) from None
    except (PermissionError, IsADirectoryError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); make it readable, or move it "
            "away to start over"
        ) from None
    except Exception as error:  # damage can raise nearly anything inside zipfile
        raise CheckpointError(
            f"{path} is not an intact metasgd_np checkpoint ({type(error).__name__}): "
            "it is truncated or was written by something else; delete it to start over"
        ) from None
    if header.get("version") != VERSION:
        raise CheckpointError(
            f"{path} is a checkpoint of version {shown(header.get('version'))}, but "
            f"this package reads version {VERSION}; resume it with the package that "
            "wrote it"
        )
    try:
        count = sum(name.startswith("optimizer_") for name in arrays)
        state = TrainingState(
            settings=header["settings"],
            iteration=header["iteration"],
            w=arrays["w"],
            optimizer_state=tuple(arrays[f"optimizer_{i}"] for i in range(count)),
            history=arrays["history"],
        )
    except KeyError as error:
        raise CheckpointError(
            f"{path} lacks {error}; it was altered, so delete it to start over"
        ) from None
    try:
        check_state(state)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} was altered: {error}; delete it to start over"
        ) from None
    return state


def read_arrays(path):
    """Read the arrays of an .npz file that unpacks to no more than its own size.

    `save` does not compress, so anything that would grow is not a checkpoint.
    """
    with zipfile.ZipFile(path) as archive:
        n_bytes = sum(entry.file_size for entry in archive.infolist())
    if n_bytes > path.stat().st_size:
        raise ValueError("compressed")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


class Checkpoint:
    """The file of one run: its latest state, saved every few seconds and at the end.

    Used as a context manager, it saves the latest state on exit, whether the run ends,
    diverges or is stopped by Ctrl-C:

        with Checkpoint("run.npz", resume=True) as run:
            train(…, start_from=run.latest, after_block=run.keep)

    With `resume`, `latest` is the state saved at `path`, if there is one; an unreadable
    file raises CheckpointError.
    """

    def __init__(self, path: str | Path, resume: bool = False):
        self.path = as_path("path", path)
        resume = truth("resume", resume) and self.path.exists()
        self.latest = self.loaded = load(self.path) if resume else None
        self.saved_at = time.monotonic()

    def keep(self, state: TrainingState) -> None:
        """Keep the state as latest; save it if the last save was over 5 seconds ago."""
        check_is_state(state)
        self.latest = state
        if time.monotonic() - self.saved_at > SECONDS_BETWEEN_SAVES:
            save(self.path, state)
            self.saved_at = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if self.latest is not self.loaded:
            save(self.path, self.latest)
        if isinstance(error, StateMismatch):
            raise StateMismatch(f"{self.path}: {error}") from None
