"""Exercises on lines of a worksheet: which sheet, what is given, and its marks."""

from contextlib import suppress
from functools import lru_cache

import numpy as np

from ..worksheets import Worksheet
from .reading import require


def draw_sheet(draw, seed):
    """A student's own sheet, or the standard one of the exercise."""
    return sheet_of(seed if draw is None else draw.randrange(10**9))


@lru_cache(maxsize=8)
def sheet_of(seed):
    """The sheet of a seed; drawing it takes half a second."""
    return Worksheet.from_seed(seed)


def judge_lines(marks, sheet, answers, known=()):
    """Mark some lines of a sheet, {symbol: (part, answer)}; errors are carried forward.

    known : symbols of lines that the student was given
    """
    filled = {symbol: sheet.values[symbol] for symbol in known}
    for symbol, (_, answer) in answers.items():
        filled[symbol] = stand_up(answer, np.shape(sheet.values[symbol]))
    lines = {line.symbol: line for line in sheet.mark(filled).lines}
    for symbol, (part, answer) in answers.items():
        with marks.part(part):
            require(answer is not None, "no answer yet")
            message = lines[symbol].message.removeprefix(f"{symbol} ")
            require(lines[symbol].points, message.removesuffix("."))


def stand_up(answer, shape):
    """A row of numbers as the column that is asked for, or the answer as it is."""
    with suppress(ValueError, TypeError):  # no array
        array = np.array(answer, dtype=object)
        if array.shape == (1, shape[0]) and shape[1:] == (1,):
            return array.reshape(shape)
    return answer
