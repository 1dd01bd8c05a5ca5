"""Answer an exercise as a student would, and judge the answer."""

import linecache
from functools import cache

from metasgd_np.classroom.assignments import (
    find_assignments,
    is_check,
    is_text,
    read_notebook,
    role,
    split_exercises,
)
from metasgd_np.classroom.exercises import find_exercise, judge

SEEDS = (0, 1, 2)


@cache
def cells_of(number):
    """(setup, given, solve): the code of an exercise's cells, up to its check.

    They are the notebook's first cells and those of this exercise alone, so that an
    answer that needs any other cell fails.
    """
    (path,) = find_assignments(number[:2]).values()
    cells = read_notebook(path)["cells"]
    exercises = split_exercises({"cells": cells})
    setup = cells[: cells.index(exercises[0].cells[0])]
    setup = [cell for cell in setup if not is_text(cell) and cell["id"] != "get-ready"]
    (exercise,) = (found for found in exercises if found.number == number)
    given, solve = [], ""
    for cell in exercise.cells:
        if is_check(cell):
            break
        if role(cell, "solution"):
            solve = cell["source"]
        elif not is_text(cell):
            given.append(cell["source"])
    return "\n".join(cell["source"] for cell in setup), "\n".join(given), solve


def answer(number, code=None, seed=0, student=""):
    """The Feedback to an answer: code in place of the solution's cell."""
    setup, given, solve = cells_of(number)
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
