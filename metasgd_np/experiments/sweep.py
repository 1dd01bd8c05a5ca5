"""A sweep: many independent computations, called cells, on any available workers.

A cell is a name and its settings; a function computes the result from the settings
alone, so neither the process or machine nor the order matters. Settings and result are
plain numbers and text, saved at once as NAME.json; a sweep that was stopped continues
with the cells that have no complete file yet.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, as_completed
from functools import partial
from pathlib import Path

from ..files import CannotWrite, write_json
from ..training import check_same_settings, progress_bar

MAX_RESTARTS = 3  # of all processes, in a row, without a new result


class CellsFailed(RuntimeError):
    """Some cells of a sweep ended in an error; all the others are saved."""


def run_sweep(
    cells: dict[str, dict],
    compute: Callable[[dict], dict],
    folder: str | Path,
    executor: Executor | None = None,
    progress: bool = True,
) -> dict[str, dict]:
    """Compute the cells not saved yet; return the results of all.

    Parameters
    ----------
    cells : dict
        Settings of each cell, a dict that JSON can hold, by the name of its file.
    compute : callable
        Maps settings to a result, a dict that JSON can hold.
    folder : path-like
        Where the files NAME.json are written, each atomically.
    executor : Executor, optional
        Where cells are computed, see `open_executor`; None for this process.
    progress : bool
        Show a bar; TQDM_DISABLE=1 in the environment hides it too.

    Returns
    -------
    dict
        Result of each cell by name, in the order of `cells`.

    Raises
    ------
    ValueError
        If a cell was saved with other settings.
    CellsFailed
        After all other cells, if any ended in an error.
    OSError
        At once, if a cell cannot be saved.

    Examples
    --------
    >>> import tempfile
    >>> cells = {"two": {"x": 2}, "three": {"x": 3}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run_sweep(cells, lambda s: {"square": s["x"] ** 2}, folder, progress=False)
    {'two': {'square': 4}, 'three': {'square': 9}}
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cells = as_saved(cells)
    results, errors = load_results(cells, folder), {}
    missing = {name: cells[name] for name in cells if name not in results}
    for path in (folder / f"{name}.json" for name in missing):
        if path.exists():
            print(f"{path} is damaged; its cell is computed again", file=sys.stderr)
    with progress_bar(len(cells), len(results), "cell", progress) as bar:
        for name, get_result in compute_cells(missing, compute, executor):
            path = folder / f"{name}.json"
            try:
                results[name] = save_cell(path, cells[name], get_result())
            except CannotWrite:  # nor could the other cells be saved
                raise
            except Exception as error:  # whatever it is, the other cells continue
                errors[name] = error
            del get_result  # see `compute_cells`
            bar.set_postfix_str(name, refresh=False)
            bar.update()
    if errors:
        raise CellsFailed(describe_errors(errors, len(cells)))
    return {name: results[name] for name in cells}


def as_saved(cells):
    """The cells as files hold them: tuples have become lists."""
    return json.loads(json.dumps(cells, allow_nan=False))


def load_results(cells, folder):
    """The results saved in the folder, by name; an error if their settings differ."""
    results = {}
    for name, settings in cells.items():
        path = folder / f"{name}.json"
        saved = load_cell(path)
        if saved is not None:
            try:
                check_same_settings(saved["settings"], settings)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
            results[name] = saved["result"]
    return results


def compute_cells(cells, compute, executor):
    """Yield (name, function) of each cell once function() can give its result.

    Cells lost with a process of the executor are computed again.
    """
    if executor is None:
        for name, settings in cells.items():
            yield name, partial(compute, settings)
        return
    restarts = 0
    while cells:
        names = {executor.submit(compute, cells[name]): name for name in cells}
        lost = {}
        for future in as_completed(names):
            name = names.pop(future)
            if isinstance(future.exception(), BrokenExecutor):
                lost[name] = future.result
            else:
                yield name, future.result
            del future  # or Dask would recompute it when it loses a worker
        restarts = 0 if len(lost) < len(cells) else restarts + 1
        if restarts > MAX_RESTARTS:
            yield from lost.items()
            return
        # In reverse, so that a cell that kills every process does not block the others.
        cells = {name: cells[name] for name in reversed(cells) if name in lost}


def describe_errors(errors, n_cells):
    """One sentence on the cells that failed, grouped by error."""
    names = {}
    for name, error in errors.items():
        text = f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]
        names.setdefault(text, []).append(name)
    parts = []
    for text, (first, *others) in names.items():
        which = f"{first} and {len(others)} more" if others else first
        parts.append(f"{which}: {text}")
    return (
        f"{len(errors)} of {n_cells} cells failed ({'; '.join(parts)}); the others are "
        "saved, and --resume computes only what is missing"
    )


def save_cell(path, settings, result):
    """Write a cell's file atomically; return the result as read back from JSON."""
    cell = {"settings": settings, "result": result}
    write_json(path, cell)
    return as_saved(cell)["result"]


def load_cell(path):
    """{"settings": …, "result": …} as saved, or None if `path` has no intact file."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return {part: dict(saved[part]) for part in ("settings", "result")}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None  # not there, or damaged
