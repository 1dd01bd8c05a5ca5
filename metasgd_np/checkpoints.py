"""Save a run and resume it, bit for bit.

A checkpoint is one .npz file of plain arrays; its header is JSON text. Nothing is
pickled, so loading a file cannot run code. It is written to a temporary file, then
renamed, so a run killed at any moment leaves a complete file: the new one or the last.
"""

import json
import time
from pathlib import Path

import numpy as np

from .files import replacing
from .training import TrainingState

FORMAT = "metasgd_np checkpoint"
VERSION = 2
SECONDS_BETWEEN_SAVES = 5


class CheckpointError(ValueError):
    """A file is not a checkpoint that this version can read."""


def save(path: str | Path, state: TrainingState) -> None:
    """Write a TrainingState to `path` (.npz), replacing any old file atomically."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "settings": state.settings,
        "iteration": state.iteration,
    }
    arrays = {f"optimizer_{i}": array for i, array in enumerate(state.optimizer_state)}
    with replacing(Path(path)) as file:
        np.savez(
            file,
            header=np.array(json.dumps(header)),
            w=state.w,
            history=state.history,
            **arrays,
        )


def load(path: str | Path) -> TrainingState:
    """Read the TrainingState that `save` wrote, equal to it bit for bit.

    Raises FileNotFoundError if there is no such file, CheckpointError if it is damaged,
    not a checkpoint, or of another version.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays["header"]))
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise KeyError("format")
    except FileNotFoundError:
        raise
    except Exception as error:  # damage can raise nearly anything inside zipfile
        raise CheckpointError(
            f"{path} is not an intact metasgd_np checkpoint ({type(error).__name__}): "
            "it is truncated or was written by something else; delete it to start over"
        ) from None
    if header.get("version") != VERSION:
        raise CheckpointError(
            f"{path} is a checkpoint of version {header.get('version')}, but this "
            f"package reads version {VERSION}; resume it with the package that wrote it"
        )
    try:
        count = sum(name.startswith("optimizer_") for name in arrays)
        return TrainingState(
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
        self.path = Path(path)
        self.latest = load(self.path) if resume and self.path.exists() else None
        self.saved_at = time.monotonic()

    def keep(self, state: TrainingState) -> None:
        """Keep the state as latest; save it if the last save was over 5 seconds ago."""
        self.latest = state
        if time.monotonic() - self.saved_at > SECONDS_BETWEEN_SAVES:
            save(self.path, state)
            self.saved_at = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.latest is not None:
            save(self.path, self.latest)
