"""The exercises of a chapter as an assignment: what is given, what is asked.

Notebooks are read as JSON, so that neither Jupyter nor nbgrader is needed. They come
with the package; in a checkout they are those of notebooks/solutions.
"""

import ast
import json
import re
from pathlib import Path
from typing import NamedTuple

from .exercises import find_exercise

REPOSITORY = "https://github.com/metasgd-np/metasgd_np/blob/main/notebooks"
FOLDERS = (
    Path(__file__).parent / "notebooks",  # in an installed package
    Path(__file__).parents[2] / "notebooks" / "solutions",
)
SOLUTION = re.compile(  # between two comments, in code or in a text
    r"^( *)[^\n]*BEGIN SOLUTION[^\n]*\n(.*?)^[^\n]*END SOLUTION[^\n]*$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^## (\d+\. .*)")
CHECK = re.compile(r'^check\("(\d\d\.\d)"', re.MULTILINE)
STUDENT = re.compile(r"^student = .*$", re.MULTILINE)
MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)


class Exercise(NamedTuple):
    """An exercise: its title and its cells."""

    title: str
    cells: list

    @property
    def number(self):
        """The number by which the package knows it: 02.1; "" if it has no check."""
        found = [CHECK.search(cell["source"]) for cell in self.cells]
        return next((match[1] for match in found if match), "")

    @property
    def reading(self):
        """What to go back to: equation (2.8) in chapter 02."""
        return find_exercise(self.number).see if self.number else ""

    @property
    def answers(self):
        """The cells that a student fills in."""
        return [cell for cell in self.cells if role(cell, "solution")]

    @property
    def words(self):
        """The answers in words, which a person marks."""
        return [cell for cell in self.answers if role(cell, "grade")]

    @property
    def points(self):
        """The points that its check gives."""
        return points_of(filter(is_check, self.cells))

    @property
    def by_hand(self):
        """The points of its answers in words."""
        return points_of(self.words)


def find_assignments(only: str = "") -> dict:
    """{name: path} of all chapters, or of the numbers given, such as "02,04,06"."""
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.ipynb"))]
    wanted = [number.zfill(2) for number in re.findall(r"[^\s,]+", only)]
    chapters = {path.stem[:2]: path for path in paths}
    if unknown := [number for number in wanted if number not in chapters]:
        raise ValueError(
            f"there is no chapter {unknown[0]} with exercises; choose from "
            f"{', '.join(chapters)}"
        )
    return {
        chapters[n].stem: chapters[n] for n in chapters if n in wanted or not wanted
    }


def read_notebook(path):
    """A notebook, with every source as one text and without outputs."""
    try:
        notebook = json.loads(Path(path).read_text("utf-8-sig"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"]).replace("\r\n", "\n")
            cell["metadata"] = dict(cell.get("metadata") or {})
            if grading := cell["metadata"].pop("nbgrader", None):
                cell["metadata"]["nbgrader"] = dict(grading)
            hash((cell.get("id"), dict(grading or {}).get("grade_id")))
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError(
            f"{Path(path).name} is no notebook that can be read; save it again in "
            "Jupyter as .ipynb"
        ) from None
    return notebook


def make_assignment(path):
    """A chapter's exercises with solutions, as nbgrader's source.

    All cells but the answers are locked, links lead to the repository, and each check
    carries its exercise's title and reading, for the feedback.
    """
    notebook = read_notebook(path)
    for cell in notebook["cells"]:
        if is_text(cell):
            cell["source"] = cell["source"].replace("](../", f"]({REPOSITORY}/")
        locked = {"grade": False, "locked": True, "solution": False, "task": False}
        grading = locked | {"grade_id": cell["id"], "schema_version": 3}
        if cell["id"] != "student":
            cell["metadata"].setdefault("nbgrader", grading)
    for exercise in split_exercises(notebook):
        about = {"title": exercise.title, "reading": exercise.reading}
        for cell in exercise.cells:
            if role(cell, "grade"):
                cell["metadata"]["metasgd_np"] = about
    return notebook


def split_exercises(notebook):
    """Split an assignment into its exercises."""
    found = []
    for cell in notebook["cells"]:
        heading = HEADING.match(cell["source"])
        if heading and is_text(cell) and not role(cell, "solution"):
            found.append(Exercise(heading[1], []))
        if found:
            found[-1].cells.append(cell)
    return found


def strip_solutions(notebook):
    """The student's version: a stub for each solution, as nbgrader writes it."""
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        if role(cell, "solution"):
            stub = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
            stub = "YOUR ANSWER HERE" if is_text(cell) else stub
            cell["source"] = SOLUTION.sub(stub, cell["source"])
    return notebook


def without_markers(source):
    """A solution as a person would write it."""
    return SOLUTION.sub(lambda found: found[2].rstrip("\n"), source)


def readable(source):
    """A cell without lines such as %matplotlib or !pip, which are not Python."""
    try:
        ast.parse(source)
        return source
    except SyntaxError:
        return MAGIC.sub(r"\1pass", source)


def points_of(cells):
    """The points of graded cells."""
    return sum(cell["metadata"]["nbgrader"]["points"] for cell in cells)


def role(cell, name):
    """Whether nbgrader sees a "solution" or a "grade" in this cell."""
    return bool(cell["metadata"].get("nbgrader", {}).get(name))


def is_check(cell):
    """Whether a program marks the answers by this cell."""
    return role(cell, "grade") and not role(cell, "solution")


def is_text(cell):
    """Whether it is a cell of text."""
    return cell["cell_type"] == "markdown"
