"""Save a run and resume it, bit for bit.

A checkpoint is one .npz file of plain arrays; its header is JSON text. Nothing is
pickled, so loading a file can run no code. It is written beside its place, then renamed
over it, so a run killed at any moment leaves a whole file: the new one or the last one.
"""

import json
import time
from pathlib import Path

import numpy as np

from .files import replacing
from .training import TrainingState, train

FORMAT = "metasgd_np checkpoint"
VERSION = 1
SECONDS_BETWEEN_SAVES = 5


class CheckpointError(ValueError):
    """A file is no checkpoint that this version can read."""


def save(path, state):
    """Write a TrainingState to `path` (.npz), replacing what was there in one move."""
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
            losses=state.losses,
            **arrays,
        )


def load(path):
    """The TrainingState that `save` wrote.

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
            f"{path} is not a whole metasgd_np checkpoint ({type(error).__name__}): it "
            "is truncated or was written by something else; delete it to start anew"
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
            losses=arrays["losses"],
        )
    except KeyError as error:
        raise CheckpointError(
            f"{path} lacks {error}; it was altered, so delete it to start anew"
        ) from None


def train_and_save(path, *args, resume=False, run=train, **settings):
    """`run(*args, **settings)`, saved to `path` every few seconds and at the end.

    `run` is `train`, or a function that takes start_from and after_block as it does.

    With `resume`, a run saved at `path` goes on from there; a finished one is returned
    at once. Stopped by Ctrl-C or by divergence, the last whole block is saved.
    """
    path = Path(path)
    latest = load(path) if resume and path.exists() else None
    settings = {**settings, "start_from": latest}
    saved_at = time.monotonic()

    def keep(state):
        nonlocal latest, saved_at
        latest = state
        if time.monotonic() - saved_at > SECONDS_BETWEEN_SAVES:
            save(path, state)
            saved_at = time.monotonic()

    try:
        return run(*args, **settings, after_block=keep)
    finally:
        if latest is not None:
            save(path, latest)
