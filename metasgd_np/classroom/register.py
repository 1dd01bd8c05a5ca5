"""Register the exercises of a chapter where their answers are judged."""

import inspect

from .exercises import Exercise


def new_chapter():
    """{place: Exercise}, still empty, and the decorator that makes a judge the next."""
    exercises = {}

    def exercise(title, see, **options):
        def register(judge):
            answers = tuple(inspect.signature(judge).parameters)[1:]  # after the marks
            place = len(exercises) + 1
            exercises[place] = Exercise(title, answers, judge, see=see, **options)
            return judge

        return register

    return exercises, exercise
