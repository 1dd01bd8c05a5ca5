"""The check of an exercise is one line: check("02.1", dF, dH1, dZ1).

It takes nothing from the notebook but the answers. Functions are called on numbers of
the check's own, drawn afresh every time; what is asked for is judged part by part.
"""

import importlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from random import Random
from textwrap import fill

import numpy as np

from ..worksheets.printing import matrix
from .reading import Wrong, explain_error

CHAPTERS = range(1, 13)
WIDTH = 79
TOO_MUCH = {
    OverflowError: "holds a number that is too large",
    RecursionError: "is nested too deeply",
}


@dataclass(frozen=True)
class Exercise:
    """One exercise: how its answers are judged, and what each point is for.

    `judge(marks, *answers)` raises Wrong, inside `with marks.part(name)` where there
    are several parts. `numbers(draw)` gives a student's own, {name: value}; `draw` is
    a random.Random, or None for the standard ones.
    """

    title: str
    answers: tuple
    judge: Callable
    parts: tuple = ()
    see: str = ""
    numbers: Callable | None = None

    @property
    def points(self):
        """The names of the parts, one point each; the answers unless given."""
        return self.parts or self.answers


class Marks:
    """What was found in the answers of one exercise, part by part."""

    def __init__(self, rng, draw):
        self.rng = rng
        self.draw = draw
        self.found = {}

    @contextmanager
    def part(self, name):
        """Judge a part: what is raised inside is what is wrong with it."""
        self.found[name] = ""
        try:
            yield
        except Exception as error:
            self.found[name] = explain(error)


def explain(error):
    """What is wrong with an answer, from what it raised."""
    if isinstance(error, Wrong):
        return str(error)
    other = f"the answer cannot be read: {explain_error(error)}"
    return TOO_MUCH.get(type(error), other)


@dataclass(frozen=True)
class Feedback:
    """An exercise with {part: what is wrong with it, "" if it is right}."""

    number: str
    exercise: Exercise
    found: dict

    @property
    def points(self) -> int:
        """How many parts are right."""
        return sum(not message for message in self.found.values())

    def __str__(self):
        total, title = len(self.found), f"{self.number} {self.exercise.title}"
        if self.points == total:
            return f"{title}: right, {total} of {total}"
        lines = [f"{title}: {self.points} of {total}"]
        for message, parts in groupby(self.found, self.found.get):
            text = f"{', '.join(parts)}: {message or 'right'}"
            lines.append(
                fill(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 4)
            )
        if self.exercise.see:
            lines.append(f"  Go back to {self.exercise.see}.")
        return "\n".join(lines)


class Numbers(dict):
    """{name: value}, shown one per line, matrices row by row."""

    def __repr__(self):
        width = max(map(len, self))
        return "\n".join(f"{name:{width}} = {matrix(self[name])}" for name in self)


def find_exercise(number):
    """The Exercise of a number such as "02.1"; ValueError if there is none."""
    chapter, _, place = str(number).partition(".")
    if chapter not in {f"{c:02}" for c in CHAPTERS}:
        raise ValueError(
            f"there is no exercise {number!r}; give chapter and exercise, as in '02.1'"
        )
    room = importlib.import_module(f"{__package__}.chapter_{chapter}")
    if place not in map(str, room.EXERCISES):
        raise ValueError(
            f"there is no exercise {number!r}; chapter {chapter} has {chapter}.1 to "
            f"{chapter}.{max(room.EXERCISES)}"
        )
    return room.EXERCISES[int(place)]


def draw_for(number, student):
    """The student's random numbers for an exercise; None for the standard ones."""
    if not isinstance(student, str):
        raise TypeError(
            f"student is {student!r}, but it must be a text; give a name, such as 'Ada'"
        )
    name = " ".join(student.casefold().split())
    return Random(f"{number} {name}") if name else None


def given(number: str, student: str = "") -> dict:
    """Return the numbers of an exercise, in a notebook shown one per line.

    Parameters
    ----------
    number : str
        Chapter and exercise, "01.1".
    student : str, optional
        A name, in capitals or not: it gets numbers of its own, the same ones every
        time.

    Returns
    -------
    dict
        {name: value}, exact.

    Raises
    ------
    ValueError
        If there is no such exercise, or it has no numbers.

    Examples
    --------
    >>> given("01.1")
    h     = 2
    c     = 1
    theta = 3
    alpha = 1/4
    """
    exercise = find_exercise(number)
    if exercise.numbers is None:
        raise ValueError(f"exercise {number} gives no numbers")
    return Numbers(exercise.numbers(draw_for(number, student)))


def judge(number, answers, student="", seed=None):
    """The Feedback to the answers of an exercise."""
    exercise = find_exercise(number)
    if len(answers) != len(exercise.answers):
        raise TypeError(
            f"{len(answers)} answers came, but exercise {number} has "
            f"{len(exercise.answers)}; pass {', '.join(exercise.answers)}"
        )
    marks = Marks(np.random.default_rng(seed), draw_for(number, student))
    rest = ""
    try:
        with np.errstate(all="ignore"):
            exercise.judge(marks, *answers)
    except Exception as error:  # outside the parts: nothing more can be judged
        rest = explain(error)
    found = {part: marks.found.get(part, rest) for part in exercise.points}
    return Feedback(number, exercise, found)


class NothingRight(AssertionError):
    """No part of an answer is right; a notebook shows the message, no traceback."""

    def _render_traceback_(self):  # IPython's name for it
        return [str(self)]


def check(
    number: str, *answers: object, student: str = "", seed: int | None = None
) -> int:
    """Judge the answers to an exercise: print what is right, and what went wrong.

    Parameters
    ----------
    number : str
        Chapter and exercise, "01.1".
    *answers
        Numbers, lists, arrays or functions, as the exercise asks for them.
    student : str, optional
        The name that was given to `given`.
    seed : int, optional
        Draws the check's own numbers; by default other ones every time.

    Returns
    -------
    int
        The points: how many parts are right.

    Raises
    ------
    AssertionError
        If no part is right.
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> check("01.1", 2, [4, 1, -8])
    01.1 Three slopes, by hand: right, 4 of 4
    4
    >>> check("01.1", 2, [4, 1, 8])
    01.1 Three slopes, by hand: 3 of 4
      θ′, g, dθ: right
      dα: the sign is turned: where g is positive, a longer step makes θ′ smaller
      Go back to "Meta-SGD with one parameter" in chapter 01.
    3
    """
    try:
        feedback = judge(number, answers, student, seed)
    except KeyboardInterrupt:
        title = f"{number} {find_exercise(number).title}"
        stopped = f"{title}: stopped before it came to an end; does every loop end?"
        raise NothingRight(stopped) from None
    if not feedback.points:
        raise NothingRight(str(feedback))
    print(feedback)
    return feedback.points
