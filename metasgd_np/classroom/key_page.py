"""The teacher's key: points, solutions, and every student's numbers."""

import html
from contextlib import redirect_stdout
from io import StringIO

import numpy as np

from ..worksheets.printing import matrix
from .assignments import (
    STUDENT,
    is_check,
    is_text,
    readable,
    split_exercises,
    without_markers,
)
from .exercises import find_exercise, given
from .grade_pages import in_words, page


def answer_key(sources, students=()):
    """A page of all exercises: points, solutions, and numbers that vary by name."""
    out = ["<h1>Key</h1>"]
    for name, source in sources.items():
        found = split_exercises(source)
        total = sum(exercise.points + exercise.by_hand for exercise in found)
        out.append(f"<h2>{html.escape(in_words(name))}: {total} points</h2>")
        setup = source["cells"][: source["cells"].index(found[0].cells[0])]
        for exercise in found:
            out.append(f"<section>{exercise_key(exercise, setup, students)}</section>")
    return page("Key", "\n".join(out))


def exercise_key(exercise, setup, students):
    """The key of one exercise; `setup` are the cells that all exercises share."""
    title = f"{exercise.title} (points: {exercise.points}"
    title += f", and {exercise.by_hand} by hand)" if exercise.by_hand else ")"
    out = [f"<h3>{html.escape(title)}</h3>"]
    for cell in exercise.answers:
        tag = "p" if is_text(cell) else "pre"
        text = html.escape(without_markers(cell["source"]).strip())
        out.append(f"<{tag}>{text}</{tag}>")
    if exercise.number and find_exercise(exercise.number).numbers:
        cells = [*setup, *exercise.cells]
        rows = [solve(exercise.number, cells, student) for student in ("", *students)]
        out.append(f"<div>{numbers_table(('no name', *students), rows)}</div>")
    return "\n".join(out)


def solve(number, cells, student):
    """(numbers, answers) of a student, both {name: value}, by running the solution."""
    names = {}
    for cell in cells:
        if not is_text(cell) and not is_check(cell):
            code = readable(without_markers(cell["source"]))
            code = STUDENT.sub(lambda _: f"student = {student!r}", code)
            with redirect_stdout(StringIO()):
                exec(compile(code, f"<{cell['id']}>", "exec"), names)
    answers = {name: names[name] for name in find_exercise(number).answers}
    values = {name: x for name, x in answers.items() if not callable(x)}
    return given(number, student), values


def numbers_table(students, rows):
    """A table with a row per student: the numbers given, then the right answers."""
    numbers, answers = rows[0]
    spans = {"": 1, "given": len(numbers), "right": len(answers)}
    above = "".join(f'<th colspan="{n}">{head}' for head, n in spans.items())
    heads = ["student", *numbers, *answers]
    below = "".join(f"<th>{html.escape(head)}" for head in heads)
    out = [f"<thead><tr>{above}<tr>{below}</thead>"]
    for student, (numbers, answers) in zip(students, rows, strict=True):
        texts = [student, *map(in_rows, (*numbers.values(), *answers.values()))]
        out.append("<tr>" + "".join(f"<td>{html.escape(text)}" for text in texts))
    return f"<table>{''.join(out)}</table>"


def in_rows(value):
    """A value as it is read off a page: a text, or numbers row by row."""
    if isinstance(value, str):
        return value
    text = matrix(np.asarray(value) + 0)  # no −0
    return text.replace(" ", "\xa0").replace(";\xa0", "; ")  # a row is not broken
