"""Answer an exercise as a student would, and judge the answer."""

import linecache
from functools import cache

import notebook_tools as tools

from metasgd_np.classroom.exercises import find_exercise, judge

SEEDS = (0, 1, 2)


@cache
def cells_of(number):
    """(setup, given, solve, check): the sources of an exercise's cells.

    They are the notebook's first code cell and those of this exercise alone, so that an
    answer that needs any other cell fails.
    """
    chapter, _, place = number.partition(".")
    path = next((tools.NOTEBOOKS / "solutions").glob(f"{chapter}_*.ipynb"))
    cells, found, given, solve = tools.read(path).cells, 0, [], ""
    setup = next(cell.source for cell in cells if cell.cell_type == "code")
    for cell in cells:
        kind = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            given, solve = [], ""
        elif kind.get("grade"):
            found += 1
            if found == int(place):
                return setup, "\n".join(given), solve, cell
        elif kind.get("solution"):
            solve = cell.source
        elif cell.cell_type == "code":
            given.append(cell.source)
    raise LookupError(number)


def answer(number, code=None, seed=0, student=""):
    """The Feedback to an answer: code in place of the solution's cell."""
    setup, given, solve, _ = cells_of(number)
    names = {"__name__": "__main__"}
    setup = setup.replace('student = ""', f"student = {student!r}")
    for where, source in (("s", setup), ("g", given), ("a", code or solve)):
        file = f"<{number} {where}>"
        lines = source.splitlines(keepends=True)
        linecache.cache[file] = len(source), None, lines, file
        exec(compile(source, file, "exec"), names)
    answers = [names.get(name) for name in find_exercise(number).answers]
    return judge(number, answers, student, seed)


def assert_right(number, code=None, student=""):
    """Every part of the answer is right, whatever the check draws."""
    for seed in SEEDS:
        feedback = answer(number, code, seed, student)
        assert feedback.points == len(feedback.found), str(feedback)


def assert_wrong(number, code, part, phrase):
    """The part is wrong for the reason expected, and every other part is right."""
    for seed in SEEDS:
        feedback = answer(number, code, seed)
        wrong = {name: text for name, text in feedback.found.items() if text}
        assert list(wrong) == part.split(", "), str(feedback)
        assert all(phrase in text for text in wrong.values()), str(feedback)
