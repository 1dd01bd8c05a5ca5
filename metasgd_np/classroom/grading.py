"""Grade returned notebooks without nbgrader: grade_notebooks("class").

Returned notebooks are programs by people you may not know. Each runs in a process of
its own, in a new empty folder, without your environment's variables, for a limited time
and with limited memory: it cannot disturb the grading of another, and an endless loop
or a crash costs its own points only. That is all. It runs as you: it can read and write
your files and use the network, and who sets out to forge points can, for answers and
checks share a process. Where that matters, grade in a container or an account that has
nothing to lose, and read answers that look odd.
"""

import csv
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ..checks import IN_BROWSER
from ..files import write_text
from .assignments import (
    Exercise,
    find_assignments,
    is_check,
    is_text,
    make_assignment,
    points_of,
    read_notebook,
    role,
    split_exercises,
    strip_solutions,
)
from .grade_pages import feedback_page, grades_table, words_page
from .returned import find_returned, plain_name, put_together

CELL, NOTEBOOK = 30, 150  # seconds
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
PACKAGE = Path(__file__).parents[2]
NOT_REACHED = {"printed": "", "value": None, "error": "This check was not reached."}


class Grade(NamedTuple):
    """An exercise as it was graded, and what the student wrote, code and words."""

    exercise: Exercise
    points: float
    message: str
    code: str
    words: str


class Graded(NamedTuple):
    """A returned notebook as it was graded."""

    student: str
    assignment: str
    grades: list
    remarks: list

    @property
    def points(self):
        """The points of all exercises."""
        return sum(grade.points for grade in self.grades)


def grade_notebooks(folder: str | Path) -> list[str]:
    """Grade the notebooks that came back.

    Parameters
    ----------
    folder : str or Path
        A folder with notebooks; in one that `write_course` made, ``submitted`` has
        them, and ``source`` what they are graded by. A notebook's file or folder has
        the assignment's name, or its chapter's number in front; what else the path
        says is the student: ``Ada/02_backpropagate_two_layers.ipynb``. A new folder
        ``grades`` inside gets ``grades.csv``, ``feedback/``, a page for every notebook,
        and ``words.html``, the answers in words.

    Returns
    -------
    list of str
        Sentences on notebooks that could not be graded, and on what was written.

    Raises
    ------
    ValueError
        If there are no notebooks, or Python runs in a browser.

    Examples
    --------
    >>> grade_notebooks("nowhere")
    Traceback (most recent call last):
    ValueError: nowhere holds no notebooks; put what students return into ...
    """
    if IN_BROWSER:
        raise ValueError(
            "grading starts a process for each notebook, and Python in a browser has "
            "none; grade on a computer with Python"
        )
    folder = Path(folder)
    inside = folder / "submitted"
    if not inside.is_dir() and not (folder / "nbgrader_config.py").exists():
        inside = folder
    own = {path.stem: path for path in sorted((folder / "source").glob("*/*.ipynb"))}
    assignments = own or find_assignments()
    returned, problems = find_returned(inside, list(assignments))
    if not returned and not problems:
        raise ValueError(
            f"{folder} holds no notebooks; put what students return into "
            f"{folder / 'submitted'}, a folder per student"
        )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        graded = list(
            pool.map(lambda one: grade_one(*one, assignments[one[1]]), returned)
        )
    number = 1
    while (out := folder / f"grades{f'-{number}' if number > 1 else ''}").exists():
        number += 1
    (out / "feedback").mkdir(parents=True)
    write_text(out / "grades.csv", grades_table(graded))
    for one in graded:
        page = out / "feedback" / f"{one.student}-{one.assignment}.html"
        write_text(page, feedback_page(one))
    if any(grade.words for one in graded for grade in one.grades):
        write_text(out / "words.html", words_page(graded))
    problems += [f"nothing came back from {who}." for who in absent(folder, graded)]
    number = f"{len(graded)} notebook{'s' * (len(graded) != 1)}"
    return [*problems, f"{number} graded; see {out}."]


def absent(folder, graded):
    """The students of a course's list who returned nothing."""
    path = folder / "students.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        listed = [row["id"] for row in csv.DictReader(file)]
    came = {one.student for one in graded}
    return [student for student in listed if plain_name(student) not in came]


def grade_one(student, name, path, source_path):
    """The Graded of one returned notebook."""
    source = make_assignment(source_path)
    blank = strip_solutions(source)
    try:
        cells, remarks = put_together(blank, read_notebook(path))
    except (ValueError, OSError) as error:
        return Graded(student, name, [], [str(error)])
    results = run_cells([cell for cell in cells if not is_text(cell)])
    if len(results) < sum(not is_text(cell) for cell in cells):
        remarks.append(f"it was stopped after {NOTEBOOK} seconds, or ended its process")
    stubs = {cell["id"]: cell["source"] for cell in blank["cells"]}
    pairs = zip(split_exercises(source), split_exercises({"cells": cells}), strict=True)
    grades = [grade_exercise(*pair, stubs, results) for pair in pairs]
    return Graded(student, name, grades, remarks)


def run_cells(cells):
    """{id: what became of it} of the code cells that ran, in a process of their own."""
    wanted = [
        {"id": cell["id"], "source": cell["source"], "check": role(cell, "grade")}
        for cell in cells
    ]
    job = json.dumps({"seconds": CELL, "cells": wanted}).encode()
    with TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.running"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env=environment(),
            start_new_session=True,  # so that what it starts ends with it
        )
        try:
            out, _ = process.communicate(job, NOTEBOOK)
        except subprocess.TimeoutExpired:
            end(process)
            out, _ = process.communicate()
        finally:
            end(process)
    lines = out.decode(errors="replace").splitlines()
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return {one["id"]: one for one in found}


def environment():
    """The variables that a returned notebook may see."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    quiet = {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    return kept | quiet | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def end(process):
    """End a process and all that it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def grade_exercise(exercise, returned, stubs, results):
    """The Grade of an exercise as returned, from what became of its cells."""
    answered = [
        cell
        for cell in returned.answers
        if cell["source"].strip() not in ("", stubs.get(cell["id"]))
    ]
    code = [cell["source"] for cell in answered if not is_text(cell)]
    words = [
        added(cell["source"], stubs)
        for cell in answered
        if is_text(cell) and exercise.by_hand
    ]
    points, lines = 0, []
    for cell in returned.cells:
        result = results.get(cell["id"], NOT_REACHED)
        if is_check(cell):
            points += min(result["value"] or 0, points_of([cell]))
            lines += [result["printed"].strip(), result["error"] if not lines else ""]
        elif cell in answered and not is_text(cell) and result["error"]:
            lines.append(f"Your cell stopped: {result['error']}")
    if not (code or points):
        lines = ["Not answered."]
    if words:
        lines.append(f"Your words will be read, for up to {exercise.by_hand} points.")
    message = "\n".join(filter(None, lines))
    return Grade(exercise, points, message, "\n\n".join(code), "\n\n".join(words))


def added(text, stubs):
    """The lines of a text that are in no stub: not the question."""
    given = {line for stub in stubs.values() for line in stub.splitlines() if line}
    return "\n".join(x for x in text.splitlines() if x not in given).strip()
