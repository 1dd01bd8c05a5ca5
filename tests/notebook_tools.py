"""Run notebooks for commit, and make the exercises from the solutions.

    python tests/notebook_tools.py run notebooks/01_descend_a_gradient.ipynb ...
    python tests/notebook_tools.py exercises
    python tests/notebook_tools.py reference

`run` executes each notebook (a chapter, a side trip, a solution) on a fresh kernel, top
to bottom, in the folder notebooks/, and stores its outputs. Before, it writes the cells
that all notebooks share: links that open it elsewhere, and the first code.
`exercises` runs notebooks/solutions/*.ipynb and writes notebooks/exercises/*.ipynb, the
same notebooks with every solution replaced by a stub.
`reference` brings up to date what the reference page and the map of 00 take from the
other notebooks.

The tests run most notebooks without a kernel, by `run_in_process`.
"""

import ast
import linecache
import os
import sys
import warnings
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import matplotlib
import nbformat
from IPython.core.formatters import DisplayFormatter
from IPython.core.inputtransformer2 import TransformerManager
from matplotlib import pyplot as plt
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from threadpoolctl import threadpool_limits

from metasgd_np.classroom.assignments import strip_solutions

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
PACKAGE = "metasgd_np"
REPOSITORY = "metasgd-np/metasgd_np"
ELSEWHERE = {  # notebooks/ is the root of the site's files
    "Colab": f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/",
    "Binder": f"https://mybinder.org/v2/gh/{REPOSITORY}/main?labpath=notebooks/",
    "JupyterLite": "https://metasgd-np.github.io/metasgd_np/lab/index.html?path=",
}
GET_READY = f"""import sys

if sys.platform == "emscripten":  # JupyterLite
    %pip install -q metasgd_np
elif "google.colab" in sys.modules:
    %pip install -q git+https://github.com/{REPOSITORY}
import metasgd_np as package  # missing? Run the line above by itself
from threadpoolctl import threadpool_limits

one_thread = threadpool_limits(1)  # more are slower on small matrices"""


def read(path):
    """The notebook at `path`."""
    return nbformat.read(path, as_version=4)


def write(notebook, path):
    """Write a notebook as it is committed: no timing, only the kernel's name."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def add_shared_cells(notebook, path):
    """A copy of the notebook, below its title the cells that all notebooks share.

    Solutions have no links: a class gets its copies of them.
    """
    notebook = nbformat.from_dict(notebook)
    place = quote(path.resolve().relative_to(NOTEBOOKS).as_posix())
    *links, last = (f"[{name}]({where}{place})" for name, where in ELSEWHERE.items())
    open_in = f"Open in {', '.join(links)} or {last}."
    shared = [new_code_cell(GET_READY, id="get-ready")]
    if path.parent.name != "solutions":
        shared.insert(0, new_markdown_cell(open_in, id="open-in"))
    title, *others = notebook.cells
    others = [cell for cell in others if cell.id not in ("open-in", "get-ready")]
    notebook.cells = [title, *shared, *others]
    return notebook


def execute(notebook, allow_errors=False):
    """Run a copy of the notebook on a fresh kernel, in notebooks/; return it."""
    os.environ["TQDM_DISABLE"] = "1"
    notebook = nbformat.from_dict(notebook)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        allow_errors=allow_errors,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    # The kernel shows figures by a backend of its own, whatever is set around it.
    client.execute(env={k: v for k, v in os.environ.items() if k != "MPLBACKEND"})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def run_in_process(notebook, allow_errors=False):
    """Run a copy of the notebook in this process, with a namespace of its own.

    It keeps what a kernel would: text, warnings, the value of a last expression, an
    error; figures are drawn but not stored. What a notebook could leave behind for the
    next one is put back, or an AssertionError if that is a change to the package.
    """
    notebook = nbformat.from_dict(notebook)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    names = {"__name__": "__main__"}
    with clean_process():
        for count, cell in enumerate(code_cells, start=1):
            cell.execution_count, cell.outputs = count, []
            try:
                with captured(cell.outputs):
                    run_cell(cell, names)
            except Exception as error:
                if not allow_errors:
                    error.add_note(f"in cell {cell.id}:\n{cell.source}")
                    raise
                failure = {"ename": type(error).__name__, "evalue": str(error)}
                cell.outputs.append(new_output("error", **failure))
    return notebook


def parse(cell, where="<cell>"):
    """The syntax tree of a cell of code, in which %pip and the like are calls."""
    return ast.parse(TransformerManager().transform_cell(cell.source), where)


def run_cell(cell, names):
    """Execute a cell's source; the value of a last expression is an output."""
    where = f"<{cell.id}>"
    lines = cell.source.splitlines(keepends=True)
    linecache.cache[where] = len(cell.source), None, lines, where  # for tracebacks
    tree, last = parse(cell, where), None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, where, "exec"), names)
    value = last and eval(compile(last, where, "eval"), names)
    if value is not None and not cell.source.rstrip().endswith(";"):
        data, _ = DisplayFormatter().format(value)
        cell.outputs.append(new_output("execute_result", data))


@contextmanager
def captured(outputs):
    """Append printed text, warnings and figures to a cell's outputs."""

    def show():
        for number in plt.get_fignums():
            plt.figure(number).draw_without_rendering()
            outputs.append(new_output("display_data", {"image/png": ""}))
        plt.close("all")

    text, error_text = StringIO(), StringIO()
    try:
        with (
            redirect_stdout(text),
            redirect_stderr(error_text),
            patch.object(plt, "show", show),
            warnings.catch_warnings(record=True) as found,
        ):
            warnings.simplefilter("default")
            yield
            show()
    finally:
        error_text.writelines(f"{w.category.__name__}: {w.message}\n" for w in found)
        for name, stream in {"stderr": error_text, "stdout": text}.items():
            if stream.getvalue():
                printed = new_output("stream", name=name, text=stream.getvalue())
                outputs.insert(0, printed)


@contextmanager
def clean_process():
    """Start as a kernel in notebooks/ does, and leave nothing changed."""
    before = package_names()
    with chdir(NOTEBOOKS), matplotlib.rc_context(), threadpool_limits(1):
        matplotlib.use("agg")
        matplotlib.rcdefaults()
        plt.close("all")
        yield
        plt.close("all")
    now = package_names()
    changed = [name for name, value in before.items() if now.get(name) is not value]
    assert not changed, f"the notebook changed the package: {', '.join(changed)}"


def package_names():
    """{name: object} of all that the package's modules and their classes hold."""
    rooms = {name: m for name, m in sys.modules.items() if name.startswith(PACKAGE)}
    for name, room in list(rooms.items()):
        for key, value in vars(room).items():
            if getattr(value, "__module__", None) == name and isinstance(value, type):
                rooms[f"{name}.{key}"] = value
    return {
        f"{name}.{key}": value
        for name, room in rooms.items()
        for key, value in vars(room).items()
    }


def strip(solution):
    """The student's version: stubs for solutions, no outputs."""
    notebook = nbformat.from_dict(strip_solutions(solution))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def main(command, *paths):
    """Carry out one of the module's three commands."""
    if command == "reference":
        import_module("notebook_pages").write_pages()  # these import this module
        import_module("readme_pages").write_readme()
    if command == "exercises":
        paths = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))
    for path in map(Path, paths):
        notebook = execute(add_shared_cells(read(path), path))
        write(notebook, path)
        if command == "exercises":
            exercise = NOTEBOOKS / "exercises" / path.name
            write(add_shared_cells(strip(notebook), exercise), exercise)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
