"""A sweep: many cells, each a computation of its own, wherever there is room for them.

A cell is a name and its settings; a module-level function computes the result from the
settings alone, so it does not matter which process or machine does, or in which order.
Both are plain numbers and text, saved at once as cells/NAME.json; a sweep that was
stopped, or lost a machine, goes on with the cells that have no whole file yet.

Where cells are computed is a `concurrent.futures.Executor`:

    None                             this process, one cell after another
    ProcessPoolExecutor              processes of this machine
    distributed.Client.get_executor()    a Dask cluster

Dask gives the cell of a lost worker to another one.
"""

import json
from concurrent.futures import Future, as_completed
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..files import replacing
from ..training import check_same_settings


class CellsFailed(RuntimeError):
    """Some cells of a sweep ended in an error; all the others are saved."""


def run_sweep(cells, compute, folder, executor=None, progress=True):
    """Compute what is not saved yet; return the results of all cells by name.

    Parameters
    ----------
    cells : {name: settings}    settings a dict of what JSON can hold; a name is that of
                                a file, without .json
    compute : function          settings → result, a dict of what JSON can hold; it must
                                be importable by name
    folder : path               where NAME.json are written, each in one move
    executor : Executor         None computes in this process
    progress : bool             show a bar (TQDM_DISABLE=1 hides it too)

    Raises
    ------
    ValueError     a cell was saved with other settings
    CellsFailed    at the end, if any cell raised
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cells = plain(cells)
    results, failed = load_results(cells, folder), {}
    missing = {name: cells[name] for name in cells if name not in results}
    hidden = {} if progress else {"disable": True}
    with tqdm(total=len(cells), initial=len(results), unit="cell", **hidden) as bar:
        for name, result_of in finished(missing, compute, executor):
            path = folder / f"{name}.json"
            try:
                results[name] = save_cell(path, cells[name], result_of())
            except Exception as error:  # whatever it is, the other cells go on
                failed[name] = error
            del result_of  # see `finished`
            bar.set_postfix_str(name, refresh=False)
            bar.update()
    if failed:
        raise CellsFailed(told_failures(failed, len(cells)))
    return {name: results[name] for name in cells}


def plain(content):
    """`content` as JSON gives it back; ValueError or TypeError if JSON cannot."""
    return json.loads(json.dumps(content, allow_nan=False))


def load_results(cells, folder):
    """The results saved in the folder, by name; an error if their settings differ."""
    results = {}
    for name, settings in cells.items():
        saved = load_cell(folder / f"{name}.json")
        if saved is not None:
            check_same_settings(saved["settings"], settings)
            results[name] = saved["result"]
    return results


def finished(cells, compute, executor):
    """(name, function) of each cell once its result, function(), can be had at once.

    What is not done when the caller stops is cancelled. A future is forgotten once it
    is used: Dask computes anew what a lost worker had done if anyone may still ask.
    """
    if executor is None:
        for name, settings in cells.items():
            yield name, partial(compute, settings)
        return
    names = {submitted(executor, compute, cells[name]): name for name in cells}
    try:
        for future in as_completed(names):
            yield names.pop(future), future.result
            del future
    finally:
        for future in names:
            future.cancel()


def submitted(executor, compute, settings):
    """The future of compute(settings), failed if the executor takes no more."""
    try:
        return executor.submit(compute, settings)
    except Exception as error:  # such as BrokenProcessPool, once a process has died
        future = Future()
        future.set_exception(error)
        return future


def told_failures(failed, n_cells):
    """One sentence on the cells that ended in an error, each error told once."""
    names = {}
    for name, error in failed.items():
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        names.setdefault(told, []).append(name)
    parts = []
    for error, (first, *others) in names.items():
        which = f"{first} and {len(others)} more" if others else first
        parts.append(f"{which}: {error}")
    return (
        f"{len(failed)} of {n_cells} cells failed ({'; '.join(parts)}); the others are "
        "saved, and --resume computes only what is missing"
    )


def save_cell(path, settings, result):
    """Write a cell's file in one move; return the result as JSON gives it back."""
    content = plain({"settings": settings, "result": result})
    with replacing(path) as file:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        file.write(f"{text}\n".encode())
    return content["result"]


def load_cell(path):
    """{"settings": …, "result": …} as saved, or None without a whole file at `path`."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # not there, or damaged: compute it anew
        return None
    whole = isinstance(saved, dict) and all(
        isinstance(saved.get(part), dict) for part in ("settings", "result")
    )
    return saved if whole else None
