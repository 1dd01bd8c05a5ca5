"""Run notebooks for commit, and make the exercises from the solutions.

    python tests/notebook_tools.py run notebooks/01_descend_a_gradient.ipynb ...
    python tests/notebook_tools.py exercises

`run` executes each notebook on a fresh kernel, top to bottom, and stores its outputs.
`exercises` runs notebooks/solutions/*.ipynb and writes notebooks/exercises/*.ipynb, the
same notebooks with every solution replaced by a stub.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
SOLUTION = re.compile(
    r"^([ ]*)### BEGIN SOLUTION\n.*?^[ ]*### END SOLUTION$", re.MULTILINE | re.DOTALL
)
STUB = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"


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
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def strip(solution):
    """The student's version: stubs for solutions, no outputs."""
    notebook = nbformat.from_dict(solution)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = SOLUTION.sub(STUB, cell.source)
            cell.outputs, cell.execution_count = [], None
    return notebook


def main(command, *paths):
    """Carry out one of the module's two commands."""
    if command == "exercises":
        paths = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))
    for path in map(Path, paths):
        notebook = execute(read(path))
        write(notebook, path)
        if command == "exercises":
            write(strip(notebook), NOTEBOOKS / "exercises" / path.name)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
