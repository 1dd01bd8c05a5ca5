"""Make a course of the chapters' exercises: write_course("course", "names.txt").

course/
  source/NAME/NAME.ipynb    with solutions, for nbgrader; all but the answers locked
  release/NAME/NAME.ipynb   what students get
  submitted/                for what they return: STUDENT/NAME/NAME.ipynb
  key.html                  exercises, points, solutions, every student's numbers
  students.csv, worksheets/ if there is a list of names
  nbgrader_config.py, templates/

Where nbgrader is installed, it makes the release and its gradebook, and made-up
submissions are graded; without it, the folders serve `metasgd-np grade`.
"""

import csv
import io
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ..files import write_text
from .assignments import find_assignments, make_assignment, strip_solutions
from .class_sheets import read_names, write_sheets
from .key_page import answer_key
from .rehearsal import rehearse, run_nbgrader
from .returned import plain_name

WITHOUT = (
    'nbgrader is not installed, so nothing was rehearsed: pip install "metasgd_np'
    '[teach]", or grade what comes back by metasgd-np grade.'
)
CONFIG = '''"""nbgrader's settings for this course."""

import os
from pathlib import Path

import nbgrader
from nbgrader.converters import Autograde
from nbgrader.preprocessors import DeduplicateIds

os.environ["TQDM_DISABLE"] = "1"  # text on stderr would cost a check its points

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "metasgd_np"
c.Execute.timeout = 120  # seconds for a cell
c.Execute.interrupt_on_timeout = True
c.OverwriteCells.add_missing_cells = True


class DropCopies(DeduplicateIds):
    """Make a cell that a student copied an ordinary one: nbgrader stops at it."""

    def preprocess_cell(self, cell, resources, cell_index):
        """Drop the marks of a cell that occurs again further down."""
        super().preprocess_cell(cell, resources, cell_index)
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]
        return cell, resources


steps = Autograde.sanitize_preprocessors.default()
c.Autograde.sanitize_preprocessors = [
    DropCopies if step is DeduplicateIds else step for step in steps
]

TEMPLATES = "server_extensions/formgrader/templates"
c.HTMLExporter.template_name = "feedback_by_exercise"
c.HTMLExporter.template_file = "by_exercise.html.j2"
c.HTMLExporter.extra_template_basedirs = [
    str(Path(__file__).parent / "templates"),
    str(Path(nbgrader.__file__).parent / TEMPLATES),
]
'''


def write_course(
    folder: str | Path, students: str | Path | None = None, only: str = ""
) -> Iterator[str]:
    """Write a course, and rehearse it if nbgrader is installed.

    Parameters
    ----------
    folder : str or Path
        A folder, new or empty.
    students : str or Path, optional
        A text file, one name per line, for the gradebook and worksheets by hand. On a
        hub, give user names.
    only : str
        Numbers of chapters, such as "02,04,06"; by default all.

    Yields
    ------
    str
        Lines on what was written and what came out, as they are known.

    Raises
    ------
    ValueError
        If the folder holds something, there is no such chapter or no name, or the
        rehearsal does not give the expected points.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     print(next(write_course(folder, only="02")))
    1 assignment in ...: source/, release/ and key.html.
    """
    folder = Path(folder)
    paths = find_assignments(only)
    names, remarks = read_names(Path(students)) if students else ([], [])
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; give a new folder for the course")
    sources = {name: make_assignment(path) for name, path in paths.items()}
    for name, source in sources.items():
        write_notebook(folder / "source" / name / f"{name}.ipynb", source)
        release = strip_solutions(source)
        write_notebook(folder / "release" / name / f"{name}.ipynb", release)
    write_settings(folder)
    write_text(folder / "key.html", answer_key(sources, names))
    (folder / "submitted").mkdir()
    number = f"{len(paths)} assignment{'s' * (len(paths) > 1)}"
    yield f"{number} in {folder}: source/, release/ and key.html."
    if names:
        yield from remarks
        write_sheets(students, folder / "worksheets")
        write_text(folder / "students.csv", student_table(names))
        yield f"{len(names)} students in students.csv, their sheets in worksheets/."
    if find_spec("nbgrader") is None:
        yield WITHOUT
        return
    for name in sources:
        run_nbgrader(folder, "generate_assignment", name, "--force")
    if names:
        run_nbgrader(folder, "db", "student", "import", "students.csv")
    yield from rehearse(folder, sources)


def write_notebook(path, notebook):
    """Write a notebook into a folder of its own."""
    path.parent.mkdir(parents=True)
    write_text(path, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")


def write_settings(folder):
    """Write nbgrader's settings, and its feedback ordered by exercises."""
    write_text(folder / "nbgrader_config.py", CONFIG)
    template = folder / "templates" / "feedback_by_exercise"
    template.mkdir(parents=True)
    text = Path(__file__).with_name("feedback.html.j2").read_text("utf-8")
    write_text(template / "by_exercise.html.j2", text)
    base = {"base_template": "feedback", "mimetypes": {"text/html": True}}
    write_text(template / "conf.json", json.dumps(base))


def student_table(names):
    """The list of students that nbgrader imports; an id is a folder's name."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["id", "first_name", "last_name"])
    seen = set()  # as `grade` spells them
    for name in names:
        kept = "".join(x if x.isalnum() or x in "-_." else " " for x in name)
        base = student = "-".join(kept.strip(". ").split()) or "student"
        copy = 1
        while plain_name(student) in seen:
            copy += 1
            student = f"{base}-{copy}"
        seen.add(plain_name(student))
        first, _, last = name.rpartition(" ")
        table.writerow([student, first, last])
    return file.getvalue()
